//! The texture of `shaders/slices.wgsl` that says what each slice is: position, rescale, what is mixed behind it.

use super::stored::Line;
use std::cell::{Cell, RefCell};
use viewer_core::volume::{Between, Presence};

/// Texels in a row; a slice has two.
const COLUMNS: u32 = 256;

const INTERVAL_GAP: u32 = 1;
const INTERVAL_NOTHING: u32 = 2;
const BELOW_IS_HERE: u32 = 4;
const ABOVE_IS_HERE: u32 = 8;

const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba32Uint;
const TEXEL_BYTES: u32 = 16;

/// The table, which is written when a drawing needs it.
#[derive(Debug)]
pub struct SliceTable {
    texture: wgpu::Texture,
    lines: Vec<Line>,
    positions: RefCell<Vec<u32>>,
    is_behind: Cell<bool>,
}

impl SliceTable {
    /// A table of `count` slices.
    pub fn new(device: &wgpu::Device, count: u32) -> Self {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("slices"),
            size: wgpu::Extent3d {
                width: COLUMNS,
                height: rows(count),
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        Self {
            texture,
            lines: vec![Line::IDENTITY; count as usize],
            positions: RefCell::default(),
            is_behind: Cell::new(true),
        }
    }

    /// Bytes of the table of `count` slices.
    pub fn bytes(count: u32) -> u64 {
        u64::from(COLUMNS * TEXEL_BYTES) * u64::from(rows(count))
    }

    /// A view of the texture.
    pub fn view(&self) -> wgpu::TextureView {
        self.texture.create_view(&Default::default())
    }

    /// Notes the rescale of a slice.
    pub fn set_line(&mut self, slice: u32, line: Line) {
        if let Some(known) = self.lines.get_mut(slice as usize) {
            *known = line;
        }
        self.touch();
    }

    /// Says that something changed: the rescale of a slice, or which are here.
    pub fn touch(&self) {
        self.is_behind.set(true);
    }

    /// Brings the texture up to date. Positions in mm are given where slices are unevenly spaced.
    pub fn sync(&self, queue: &wgpu::Queue, presence: &Presence, positions_mm: Option<&[f64]>) {
        if let Some(positions_mm) = positions_mm {
            let positions: Vec<u32> = positions_mm.iter().map(|mm| sixteen(*mm)).collect();
            if *self.positions.borrow() != positions {
                self.positions.replace(positions);
                self.touch();
            }
        }
        if !self.is_behind.replace(false) {
            return;
        }
        let bytes = self.texels(presence);
        queue.write_texture(
            self.texture.as_image_copy(),
            &bytes,
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(COLUMNS * TEXEL_BYTES),
                rows_per_image: None,
            },
            self.texture.size(),
        );
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the shader computes in single precision"
    )]
    fn texels(&self, presence: &Presence) -> Vec<u8> {
        let positions = self.positions.borrow();
        let intervals = presence.intervals();
        let mut bytes = Vec::new();
        for (slice, line) in self.lines.iter().enumerate() {
            let position = positions.get(slice).copied().unwrap_or(0);
            let slope = (line.slope as f32).to_bits();
            let intercept = (line.intercept as f32).to_bits();
            let words = [position, slope, intercept, 0];
            let interval = interval_words(intervals.get(slice).copied());
            let words = words.into_iter().chain(interval);
            bytes.extend(words.flat_map(u32::to_le_bytes));
        }
        let size = self.texture.size();
        bytes.resize((size.width * size.height * TEXEL_BYTES) as usize, 0);
        bytes
    }
}

fn rows(count: u32) -> u32 {
    (2 * count).div_ceil(COLUMNS).max(1)
}

/// Positions beyond 65 m, and below 0, are cut.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float stops at the ends of the range"
)]
fn sixteen(mm: f64) -> u32 {
    (mm * 65_536.0).round() as u32
}

fn interval_words(interval: Option<Between>) -> [u32; 4] {
    match interval {
        Some(Between::Slices(first, second)) => [first, second, 0, 0],
        Some(Between::Gap {
            below_is_here,
            above_is_here,
        }) => {
            let below = if below_is_here { BELOW_IS_HERE } else { 0 };
            let above = if above_is_here { ABOVE_IS_HERE } else { 0 };
            [0, 0, INTERVAL_GAP | below | above, 0]
        }
        Some(Between::Nothing) | None => [0, 0, INTERVAL_NOTHING, 0],
    }
}
