//! Made-up scenes that hold the shaders to their twin on the processor.
//!
//! The same scenes run on Vulkan by `cargo test` and in browsers on WebGPU and WebGL2 by a test page:
//! every sample type, views of any angle and size, windows and tables of every kind, padding, palettes, colour of
//! every model, overlay planes and shutters, on sRGB and on Display P3.

mod chain;
mod chance;
mod plane_runs;
mod planes;

use crate::{Context, DrawError, Renderer, TextureCache, UploadError};
use chance::Chance;
pub use plane_runs::{run_mixed_planes, run_planes};
pub use planes::{PlaneScene, plane_scene};
use viewer_core::pixel::icc::ScreenColors;
use viewer_core::pixel::{
    ColorModel, FrameParams, FrameView, ModalityLut, PaddingRange, PixelKind, Presentation,
    SampleType, VoiLut, Window, cpu_render,
};

/// One frame and one view of it.
#[derive(Debug, Clone)]
pub struct TestScene {
    /// Columns of the frame.
    pub columns: u32,
    /// Rows of the frame.
    pub rows: u32,
    /// What a pixel is made of.
    pub pixels: PixelKind,
    /// The samples.
    pub data: Vec<u8>,
    /// How it is drawn.
    pub params: FrameParams,
    /// Width of the viewport in canvas pixels.
    pub width: u32,
    /// Height of the viewport in canvas pixels.
    pub height: u32,
}

impl TestScene {
    /// The frame, borrowed.
    pub fn view(&self) -> FrameView<'_> {
        FrameView {
            rows: self.rows,
            columns: self.columns,
            pixels: self.pixels,
            data: &self.data,
        }
    }
}

/// How far both renderers were apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Scenes that were drawn.
    pub scenes: u32,
    /// Those of them whose frames were cut into tiles.
    pub tiled: u32,
    /// Planes that were drawn again with the graphics card mixing voxels.
    pub mixed: u32,
    /// Channels that were compared.
    pub channels: u64,
    /// Channels that differ at all.
    pub differing: u64,
    /// Largest difference in grey levels.
    pub worst: u8,
    /// The scene of the largest difference.
    pub worst_scene: u32,
    /// Channels that are neither black nor white on the processor: that the scenes show something.
    pub between: u64,
    /// Of planes: largest difference of modality values, as a share of their range.
    pub apart: f32,
    /// The scene of it.
    pub apart_scene: u32,
    /// Of planes: samples that have a value in one renderer and none in the other.
    pub kinds: u64,
    /// The last scene of them.
    pub kinds_scene: u32,
    /// What the device complained about.
    pub errors: Vec<String>,
}

/// Why scenes could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestError {
    /// A frame did not reach the GPU.
    #[error("scene {scene}: {source}")]
    Upload {
        /// Number of the scene.
        scene: u32,
        /// Why.
        source: UploadError,
    },
    /// A frame was not drawn.
    #[error("scene {scene}: {source}")]
    Draw {
        /// Number of the scene.
        scene: u32,
        /// Why.
        source: DrawError,
    },
}

/// Draws the first `count` scenes by the GPU and by the processor and compares every channel; `as_tiles` with
/// textures so small that nearly every frame is cut.
///
/// # Errors
/// A scene that cannot be drawn.
pub async fn run_scenes(
    context: &Context,
    count: u32,
    as_tiles: bool,
    yield_now: impl AsyncFn() + Clone + 'static,
) -> Result<Report, TestError> {
    let mut renderer = Renderer::new(context);
    let mut cache = TextureCache::new(context, 64 << 20);
    let mut report = Report::default();
    for number in 0..count {
        let scene = test_scene(number);
        let key = u64::from(number);
        if as_tiles {
            let side = tile_side([scene.columns, scene.rows]);
            cache = TextureCache::new(context, 64 << 20).with_texture_side(side);
            report.tiled += u32::from(scene.columns > side || scene.rows > side);
        }
        cache
            .upload(context, key, &scene.view())
            .map_err(|source| TestError::Upload {
                scene: number,
                source,
            })?;
        let drawn = renderer.render_to_rgba(
            context,
            &cache,
            key,
            &scene.params,
            scene.width,
            scene.height,
            yield_now.clone(),
        );
        let gpu = drawn.await.map_err(|source| TestError::Draw {
            scene: number,
            source,
        })?;
        cache.evict(key);
        let mut cpu = vec![0; gpu.len()];
        cpu_render::render(
            &scene.view(),
            &scene.params,
            scene.width,
            scene.height,
            &mut cpu,
        );
        report.scenes += 1;
        for (found, expected) in gpu.iter().zip(&cpu) {
            let difference = found.abs_diff(*expected);
            report.channels += 1;
            report.differing += u64::from(difference != 0);
            report.between += u64::from((1..255).contains(expected));
            if difference > report.worst {
                report.worst = difference;
                report.worst_scene = number;
            }
        }
    }
    report.errors = context.take_errors();
    Ok(report)
}

/// The smallest tiles, from 4 x 4 on, of which an array of 256 layers holds a frame.
fn tile_side(frame: [u32; 2]) -> u32 {
    let mut side = 4;
    // One less: tiles may need an empty layer.
    while frame
        .map(|edge| edge.div_ceil(side))
        .iter()
        .product::<u32>()
        > 255
    {
        side *= 2;
    }
    side
}

const TYPES: [SampleType; 8] = [
    SampleType::U8,
    SampleType::I8,
    SampleType::U16,
    SampleType::I16,
    SampleType::U32,
    SampleType::I32,
    SampleType::F32,
    SampleType::F64,
];

/// The scene of a number; always the same.
pub fn test_scene(number: u32) -> TestScene {
    let chance = &mut Chance(u64::from(number) * 7919 + 1);
    // Two of three have 8 or 16 bits, as most images have; one in ten is in colour.
    let is_colour = chance.one_in(10);
    let sample_type = if is_colour {
        SampleType::U8
    } else if chance.below(3) < 2 {
        TYPES[chance.below(4) as usize]
    } else {
        TYPES[chance.below(8) as usize]
    };
    let largest = if chance.one_in(4) { 700 } else { 90 };
    let columns = 1 + chance.below(largest);
    let rows = 1 + chance.below(largest);
    let width = 1 + chance.below(400);
    let height = 1 + chance.below(400);
    let range = stored_range(chance, sample_type);
    let samples_per_pixel = if is_colour { 3 } else { 1 };
    let count = columns * rows * u32::from(samples_per_pixel);
    let padding = chance.one_in(3).then(|| range[0]);
    let data = samples(chance, sample_type, range, padding, [columns, count]);

    let slope = chance.by_magnitude(0.01, 20.0) * if chance.one_in(5) { -1.0 } else { 1.0 };
    let modality = if chance.one_in(3) {
        ModalityLut::IDENTITY
    } else {
        ModalityLut::Rescale {
            slope,
            intercept: chance.between(-2000.0, 2000.0),
        }
    };
    let middle = modality.apply(chance.between(range[0], range[1]));
    let window = if is_colour && !chance.one_in(4) {
        Window {
            center: 128.0,
            width: 256.0,
        }
    } else {
        Window {
            // Half of the windows lie on whole and half numbers, where equality decides.
            center: if chance.one_in(2) {
                (middle * 2.0).round() / 2.0
            } else {
                middle
            },
            width: if chance.one_in(8) {
                1.0
            } else {
                chance.by_magnitude(0.5, 60_000.0)
            },
        }
    };
    let color = match chance.below(3) {
        0 if is_colour => ColorModel::YbrFull,
        1 if is_colour => ColorModel::YbrPartial,
        _ => ColorModel::Rgb,
    };
    let mut scene = TestScene {
        columns,
        rows,
        pixels: PixelKind {
            samples_per_pixel,
            sample_type,
            color,
        },
        data,
        params: FrameParams {
            pixel_from_canvas: affine(chance, [columns, rows], [width, height]),
            modality,
            voi: VoiLut::Linear(window),
            presentation: if chance.one_in(2) {
                Presentation::Inverse
            } else {
                Presentation::Identity
            },
            padding: padding
                .map(|value| PaddingRange::new(value, value + chance.between(0.0, 2.0))),
            interpolate: !chance.one_in(5),
            ..FrameParams::default()
        },
        width,
        height,
    };
    chain::vary(chance, &mut scene, window, range);
    if chance.one_in(2) {
        scene.params.target = ScreenColors::DisplayP3;
        if is_colour && color == ColorModel::Rgb && chance.one_in(3) {
            scene.pixels.color = ColorModel::DisplayP3;
        }
    }
    scene
}

/// Smallest and largest stored value: several Bits Stored, and for floats several scales.
fn stored_range(chance: &mut Chance, sample_type: SampleType) -> [f64; 2] {
    let container = match sample_type {
        SampleType::F32 | SampleType::F64 => {
            let scale = chance.by_magnitude(0.5, 1e5);
            return [-scale, scale];
        }
        _ => 8 * u32::try_from(sample_type.size_bytes()).unwrap_or(1),
    };
    let bits = container - chance.below(container / 2);
    let full = f64::from(bits).exp2();
    if sample_type.is_signed() {
        [-full / 2.0, full / 2.0 - 1.0]
    } else {
        [0.0, full - 1.0]
    }
}

/// Waves, with noise in one of three frames, and a border and holes of padding.
#[expect(
    clippy::cast_possible_truncation,
    reason = "values lie in the range of their type; two's complement keeps the low bytes"
)]
fn samples(
    chance: &mut Chance,
    sample_type: SampleType,
    [low, high]: [f64; 2],
    padding: Option<f64>,
    [columns, count]: [u32; 2],
) -> Vec<u8> {
    let noise = if chance.one_in(3) { 1.0 } else { 0.02 };
    let bend = chance.between(0.02, 0.4);
    let mut data = Vec::with_capacity(count as usize * sample_type.size_bytes());
    for i in 0..count {
        let (x, y) = (f64::from(i % columns), f64::from(i / columns));
        let wave = 0.5 + 0.5 * (x * bend).sin() * (y * bend * 0.7).cos();
        let mixed = wave * (1.0 - noise) + chance.unit() * noise;
        let is_hole = padding.is_some() && (x < 3.0 || chance.one_in(40));
        let value = match padding {
            Some(padding) if is_hole => padding,
            _ => low + (high - low) * mixed,
        };
        match sample_type {
            SampleType::F32 => data.extend_from_slice(&(value as f32).to_le_bytes()),
            SampleType::F64 => data.extend_from_slice(&value.to_le_bytes()),
            _ => {
                let bytes = (value.floor() as i64).to_le_bytes();
                data.extend_from_slice(&bytes[..sample_type.size_bytes()]);
            }
        }
    }
    data
}

/// A view of any zoom, angle and side, with the image near the middle; one in four as viewers show it
/// first, straight and fitting, and one in eight pixel by pixel.
fn affine(chance: &mut Chance, frame: [u32; 2], canvas: [u32; 2]) -> [f64; 6] {
    let [columns, rows] = frame.map(f64::from);
    let [width, height] = canvas.map(f64::from);
    let (angle, step): (f64, f64) = match chance.below(8) {
        0 => (0.0, 1.0),
        1 | 2 => (0.0, (columns / width).max(rows / height)),
        3 => (
            f64::from(chance.below(4)) * std::f64::consts::FRAC_PI_2,
            1.0 / chance.by_magnitude(0.1, 20.0),
        ),
        _ => (
            chance.between(0.0, std::f64::consts::TAU),
            1.0 / chance.by_magnitude(0.1, 20.0),
        ),
    };
    let flip = if chance.one_in(3) { -1.0 } else { 1.0 };
    let (sin, cos) = angle.sin_cos();
    let [a, b, c, d] = [
        cos * step * flip,
        sin * step,
        -sin * step * flip,
        cos * step,
    ];
    let middle = [
        (columns - 1.0) / 2.0 + chance.between(-0.2, 0.2) * columns,
        (rows - 1.0) / 2.0 + chance.between(-0.2, 0.2) * rows,
    ];
    let middle = if chance.one_in(2) {
        middle.map(f64::round)
    } else {
        middle
    };
    let (x, y) = ((width / 2.0).floor(), (height / 2.0).floor());
    [
        a,
        b,
        c,
        d,
        middle[0] - a * x - c * y,
        middle[1] - b * x - d * y,
    ]
}
