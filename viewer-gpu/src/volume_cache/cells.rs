//! Smallest and largest value of cells of voxels: a sample of a slab is left out where its cell cannot change the result.
//!
//! A cell spans a power of two of steps from voxel to voxel; neighbours share the voxels between them. Values are those
//! that the shader mixes: whole numbers, singles, or modality values where each slice has its own rescale.

use super::stored::{Line, Stored, VoxelKind};
use std::cell::Cell;
use std::ops::Range;
use viewer_core::volume::{BrickLayout, stored_ranges};

/// Base 2 logarithm of the steps of the smallest cells.
const SMALLEST_SHIFT: u32 = 3;

/// Extremes of a cell, and of all cells around it.
const TEXEL_BYTES: u32 = 16;

/// The extremes of all cells.
#[derive(Debug)]
pub struct Cells {
    layout: BrickLayout,
    shift: u32,
    ranges: Vec<[f32; 2]>,
    texture: wgpu::Texture,
    is_behind: Cell<bool>,
}

impl Cells {
    /// Cells of a volume, nothing known yet. The texture has at most `side` texels a side.
    pub fn new(device: &wgpu::Device, size: [u32; 3], side: u32) -> Self {
        let (layout, shift) = layout(size, side);
        let [width, height, depth_or_array_layers] = layout.counts();
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("cells"),
            size: wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D3,
            format: wgpu::TextureFormat::Rgba32Uint,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        Self {
            ranges: vec![NOTHING; layout.count()],
            layout,
            shift,
            texture,
            is_behind: Cell::new(true),
        }
    }

    /// Bytes of the texture for a volume.
    pub fn bytes(size: [u32; 3], side: u32) -> u64 {
        layout(size, side).0.count() as u64 * u64::from(TEXEL_BYTES)
    }

    /// Base 2 logarithm of a cell's steps.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// A view of the texture.
    pub fn view(&self) -> wgpu::TextureView {
        self.texture.create_view(&Default::default())
    }

    /// Takes the voxels of a slice; `line` is its rescale where modality values are mixed.
    pub fn add(&mut self, z: u32, stored: Stored, voxels: &[u8], line: Option<Line>) {
        let [columns, rows, _] = self.layout.size().map(|side| side as usize);
        let steps = 1 << self.shift;
        let spans = |axis: usize, voxels: usize| -> Vec<Range<usize>> {
            let starts = (0..self.layout.counts()[axis] as usize).map(|cell| cell * steps);
            // The first voxels of the next cell belong to this one, too.
            let span = |start: usize| start..(start + steps + 1).min(voxels);
            starts.map(span).collect()
        };
        let finite: Vec<u8>;
        let voxels = match stored.kind() {
            VoxelKind::Narrow => voxels,
            VoxelKind::Single => {
                // What is not finite is mixed with nothing.
                let values = voxels
                    .as_chunks()
                    .0
                    .iter()
                    .map(|it| f32::from_le_bytes(*it));
                let values = values.map(|it| if it.is_finite() { it } else { f32::NAN });
                finite = values.flat_map(f32::to_le_bytes).collect();
                &finite
            }
            // Where in single precision they lie depends on the window.
            VoxelKind::Wide => return,
        };
        let spans = [&*spans(0, columns), &*spans(1, rows)];
        let ranges = stored_ranges(voxels, stored.voxel_type(), columns, spans);
        #[expect(clippy::cast_possible_truncation, reason = "they are singles")]
        let mut ranges: Vec<[f32; 2]> = ranges
            .into_iter()
            .map(|range| range.map(|value| value as f32))
            .collect();
        if let Some(line) = line {
            ranges.iter_mut().for_each(|range| turn(range, line));
        }
        for layer in self.layout.along(2, z) {
            let first = self.layout.index([0, 0, layer]);
            for (known, found) in self.ranges[first..].iter_mut().zip(&ranges) {
                *known = united(*known, *found);
            }
        }
        self.is_behind.set(true);
    }

    /// From now on modality values are mixed; all slices before had this rescale.
    pub fn turn(&mut self, line: Line) {
        self.ranges.iter_mut().for_each(|range| turn(range, line));
        self.is_behind.set(true);
    }

    /// Smallest and largest value of all voxels.
    pub fn all(&self) -> [f32; 2] {
        let known = self.ranges.iter();
        known.fold(NOTHING, |all, range| united(all, *range))
    }

    /// Extremes of each cell and of those around it, axis by axis.
    fn around(&self) -> Vec<[f32; 2]> {
        let counts = self.layout.counts().map(|count| count as usize);
        let strides = [1, counts[0], counts[0] * counts[1]];
        let mut ranges = self.ranges.clone();
        for (count, stride) in counts.into_iter().zip(strides) {
            let before = ranges.clone();
            for (index, range) in ranges.iter_mut().enumerate() {
                let place = index / stride % count;
                if place > 0 {
                    *range = united(*range, before[index - stride]);
                }
                if place + 1 < count {
                    *range = united(*range, before[index + stride]);
                }
            }
        }
        ranges
    }

    /// Brings the texture up to date.
    pub fn sync(&self, queue: &wgpu::Queue) {
        if !self.is_behind.replace(false) {
            return;
        }
        let around = self.around();
        let words = self.ranges.iter().zip(&around);
        let bytes: Vec<u8> = words
            .flat_map(|([a, b], [c, d])| [*a, *b, *c, *d])
            .flat_map(f32::to_le_bytes)
            .collect();
        let size = self.texture.size();
        queue.write_texture(
            self.texture.as_image_copy(),
            &bytes,
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(size.width * TEXEL_BYTES),
                rows_per_image: Some(size.height),
            },
            size,
        );
    }
}

/// Of no voxel.
const NOTHING: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

fn layout(size: [u32; 3], side: u32) -> (BrickLayout, u32) {
    let mut shift = SMALLEST_SHIFT;
    loop {
        let layout = BrickLayout::new(size, 1 << shift);
        if shift >= 16 || layout.counts().iter().all(|count| *count <= side) {
            return (layout, shift);
        }
        shift += 1;
    }
}

fn united(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0].min(b[0]), a[1].max(b[1])]
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the shader computes in single precision"
)]
fn turn(range: &mut [f32; 2], line: Line) {
    if range[0] > range[1] {
        return;
    }
    let [a, b] = range.map(|value| (f64::from(value) * line.slope + line.intercept) as f32);
    *range = [a.min(b), a.max(b)];
}
