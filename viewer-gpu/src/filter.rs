//! Whether the graphics card mixes voxels as exactly as the shader, and where that is enough.
//!
//! One filtered sample stands for eight loads, which is much on graphics cards in software. Most cards in hardware have
//! 8 bits for the weights of a filter: between air and bone that is many greys. So each card mixes known numbers first,
//! and only one that does so in single precision gets copies of volumes as singles.
//!
//! What is left is the rounding of places, which are single precision too: see [`is_exact`].

use crate::context::{Context, begin_pass};
use crate::plane_uniforms::PlaneAxes;
use crate::program::Program;
use crate::readback::Pending;
use crate::shaders;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use viewer_core::pixel::Ramp;

/// Columns, rows and slices of the volume of known numbers: long, so that places are large numbers too.
const SIZE: [u32; 3] = [512, 6, 3];
/// Places across and down that are looked at.
const PLACES: [u32; 2] = [64, 58];
/// Voxels from place to place: along columns and slices with x, along rows with y. Twin: `shaders/mixing.wgsl`.
const STEPS: [f64; 3] = [7.813_476_562_5, 0.086_914_062_5, 0.014_648_437_5];
/// Largest known number.
const LARGEST: u32 = 65_535;
/// How far a mixed number may be from the true one: places are rounded by 2 to the -15 of a voxel and less.
const MOST_APART: f64 = 65_535.0 / 16_384.0;

/// Greys that what is mixed may be off: less than one, as both round theirs.
const MOST_GREYS: f64 = 0.9;

const UNKNOWN: u8 = 0;
const EXACT: u8 = 1;
const COARSE: u8 = 2;

/// What is known of how the graphics card mixes.
#[derive(Debug)]
pub struct Filter {
    is_offered: bool,
    known: Arc<AtomicU8>,
}

impl Filter {
    /// Of a device: nothing is known yet, but where it does not mix singles at all.
    pub fn new(device: &wgpu::Device) -> Self {
        let is_offered = (device.features()).contains(wgpu::Features::FLOAT32_FILTERABLE);
        let known = if is_offered { UNKNOWN } else { COARSE };
        Self {
            is_offered,
            known: Arc::new(AtomicU8::new(known)),
        }
    }

    /// True where the device mixes singles, well or not.
    pub fn is_offered(&self) -> bool {
        self.is_offered
    }

    /// Whether it does so in single precision; `None` while that is not known.
    pub fn is_exact(&self) -> Option<bool> {
        match self.known.load(Ordering::Acquire) {
            UNKNOWN => None,
            known => Some(known == EXACT),
        }
    }

    /// Looks; a device that is lost meanwhile does not.
    pub fn learn<Y: AsyncFn() + 'static>(
        &self,
        context: &Context,
        yield_now: Y,
    ) -> impl Future<Output = ()> + use<Y> {
        let known = Arc::clone(&self.known);
        let drawn = self.is_exact().is_none().then(|| draw(context));
        async move {
            let Some(drawn) = drawn else { return };
            let is_exact = match drawn.read(yield_now).await {
                Ok(bytes) => is_as_expected(&bytes),
                Err(_) => false,
            };
            let now = if is_exact { EXACT } else { COARSE };
            known.store(now, Ordering::Release);
        }
    }
}

/// The sampler that mixes.
pub fn sampler(device: &wgpu::Device) -> wgpu::Sampler {
    device.create_sampler(&wgpu::SamplerDescriptor {
        label: Some("mixing"),
        mag_filter: wgpu::FilterMode::Linear,
        min_filter: wgpu::FilterMode::Linear,
        ..Default::default()
    })
}

/// Entries of a layout: voxels that are mixed, and the sampler.
pub fn layout_entries(voxels: u32, sampler: u32) -> [wgpu::BindGroupLayoutEntry; 2] {
    let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty,
        count: None,
    };
    let texture = wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Float { filterable: true },
        view_dimension: wgpu::TextureViewDimension::D3,
        multisampled: false,
    };
    [
        entry(voxels, texture),
        entry(
            sampler,
            wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
        ),
    ]
}

/// True where no grey of a plane is off by one because of places that are rounded; `range` is that of the voxels.
///
/// A coordinate of the texture is `(voxel + 1/2) * part`, later `+ plane * step`, and the graphics card multiplies it
/// with the side. In units of 2^-24 of the side each of these rounds by at most: sum 1, part 1, product 1/2, sum of steps
/// 1/2, side 1; steps along a slab, which spans a share of the side, 3 a share. Where the side is a power of two, part, product
/// and side round nothing, and numbers below 1 by 1/2. Before that the twin and the shader round to 2^-16 of a voxel.
/// Between two voxels a value changes by the range at most, along each axis.
pub fn is_exact(size: [u32; 3], range: [f32; 2], axes: &PlaneAxes, ramp: &Ramp) -> bool {
    let voxels: f64 = size
        .iter()
        .zip(axes.axes)
        .map(|(side, [.., per_plane, _])| {
            let side = f64::from(*side);
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let step = (per_plane as f64 / 4_294_967_296.0).abs();
            let share = (step * f64::from(axes.planes - 1)).min(side) / side;
            let units = if side.log2().fract() == 0.0 {
                1.0 + 2.0 * share
            } else {
                4.0 + 3.0 * share
            };
            side * units / 16_777_216.0 + 1.0 / 65_536.0
        })
        .sum();
    let [low, high] = range.map(f64::from);
    let greys = voxels * (high - low) * f64::from(ramp.scale).abs() * 255.0;
    greys <= MOST_GREYS
}

/// The values that are just black and just white, the lower one first: beyond them all look alike.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the shader computes in single precision"
)]
pub fn ends(ramp: &Ramp) -> [f32; 2] {
    let pivot = f64::from(f32::from_bits(ramp.pivot));
    let at = |grey: f64| pivot + (grey - f64::from(ramp.offset)) / f64::from(ramp.scale);
    let [a, b] = [at(0.0), at(1.0)];
    if !a.is_finite() || !b.is_finite() {
        return [f32::MIN, f32::MAX];
    }
    [a.min(b) as f32, a.max(b) as f32]
}

/// A known number: without a pattern, and far from those beside it.
fn known(column: u32, row: u32, slice: u32) -> u32 {
    let index = (slice * SIZE[1] + row) * SIZE[0] + column;
    (index.wrapping_mul(2_654_435_761) >> 13) & LARGEST
}

/// What is mixed at a place, in double precision.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places within the volume"
)]
fn expected(x: u32, y: u32) -> f64 {
    let at = [x, y, x];
    let place = [0, 1, 2].map(|axis| f64::from(at[axis]) * STEPS[axis]);
    let voxel = |corner: u32| {
        let along = |axis: usize| {
            let first = place[axis].floor();
            let weight = place[axis] - first;
            let is_second = corner >> axis & 1 == 1;
            let share = if is_second { weight } else { 1.0 - weight };
            let index = first as u32 + u32::from(is_second);
            (index.min(SIZE[axis] - 1), share)
        };
        let [(column, a), (row, b), (slice, c)] = [0, 1, 2].map(along);
        f64::from(known(column, row, slice)) * a * b * c
    };
    (0..8).map(voxel).sum()
}

fn is_as_expected(bytes: &[u8]) -> bool {
    let places = (0..PLACES[1]).flat_map(|y| (0..PLACES[0]).map(move |x| (x, y)));
    let (singles, _) = bytes.as_chunks::<4>();
    singles.len() == (PLACES[0] * PLACES[1]) as usize
        && singles.iter().zip(places).all(|(bits, (x, y))| {
            let apart = (f64::from(f32::from_le_bytes(*bits)) - expected(x, y)).abs();
            apart <= MOST_APART
        })
}

/// Draws all places.
fn draw(context: &Context) -> Pending {
    let (device, queue) = (&context.device, &context.queue);
    let volume = known_volume(device, queue);
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("mixing"),
        entries: &layout_entries(0, 1),
    });
    let view = volume.create_view(&Default::default());
    let sampler = sampler(device);
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("mixing"),
        layout: &layout,
        entries: &[
            wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::TextureView(&view),
            },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: wgpu::BindingResource::Sampler(&sampler),
            },
        ],
    });
    let format = wgpu::TextureFormat::Rgba8Uint;
    let program = Program::new(device, "mixing", shaders::MIXING, &[Some(&layout)]);
    let pipeline = program.pipeline(device, "mixed", &[], format);
    Pending::drawing(context, "mixing", PLACES, format, |encoder, view| {
        let mut pass = begin_pass(encoder, view, wgpu::Color::TRANSPARENT);
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.draw(0..3, 0..1);
    })
}

fn known_volume(device: &wgpu::Device, queue: &wgpu::Queue) -> wgpu::Texture {
    let [width, height, depth_or_array_layers] = SIZE;
    let size = wgpu::Extent3d {
        width,
        height,
        depth_or_array_layers,
    };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("mixing"),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D3,
        format: wgpu::TextureFormat::R32Float,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let mut bytes = Vec::with_capacity((4 * width * height * depth_or_array_layers) as usize);
    for slice in 0..depth_or_array_layers {
        for row in 0..height {
            for column in 0..width {
                #[expect(clippy::cast_precision_loss, reason = "16 bits")]
                let value = known(column, row, slice) as f32;
                bytes.extend(value.to_le_bytes());
            }
        }
    }
    queue.write_texture(
        texture.as_image_copy(),
        &bytes,
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(4 * width),
            rows_per_image: Some(height),
        },
        size,
    );
    texture
}

#[cfg(test)]
mod tests {
    use super::*;
    use viewer_core::pixel::{ModalityLut, SampleKind, VoiLut, Window};

    #[test]
    fn known_numbers_are_mixed_by_hand() {
        // Place 32 of row 0 is column 250.03125, row 0 and slice 0.46875.
        let [a, b] = [0, 1].map(|slice| {
            let [first, second] = [250, 251].map(|column| f64::from(known(column, 0, slice)));
            first * 0.968_75 + second * 0.031_25
        });
        assert!((expected(32, 0) - (a * 0.531_25 + b * 0.468_75)).abs() < 1e-6);
        assert!((a - b).abs() > 1000.0);
    }

    #[test]
    fn eight_bits_of_weights_are_not_enough() {
        let bytes = |weight: &dyn Fn(f64) -> f64| -> Vec<u8> {
            (0..PLACES[1])
                .flat_map(|y| (0..PLACES[0]).map(move |x| (x, y)))
                .flat_map(|(x, y)| (weight(expected(x, y)) as f32).to_le_bytes())
                .collect()
        };
        assert!(is_as_expected(&bytes(&|value| value)));
        // Half of the last of 8 bits between numbers that are a quarter of the range apart.
        let off = 65_535.0 / 4.0 / 512.0;
        assert!(!is_as_expected(&bytes(&|value| value + off)));
    }

    #[test]
    fn narrow_windows_are_not_mixed_by_the_graphics_card() {
        let axes = PlaneAxes {
            axes: [[0; 4]; 3],
            planes: 1,
        };
        let ramp = |width: f64| {
            let window = Window { center: 0.0, width };
            let voi = VoiLut::LinearExact(window);
            Ramp::new(SampleKind::Float, &ModalityLut::IDENTITY, &voi)
        };
        // 512 / 2^24 + 2^-16 three times is 0.000137 voxels: of 4095 0.562, which is 0.9 greys of a window of 159.3.
        assert!(is_exact([512; 3], [0.0, 4095.0], &axes, &ramp(160.0)));
        assert!(!is_exact([512; 3], [0.0, 4095.0], &axes, &ramp(159.0)));
    }
}
