//! Draws one 2-D frame into a rectangle of canvas pixels on the CPU.
//!
//! The twin of `shaders/frame.wgsl`: the oracle of its tests, the gateway's thumbnail renderer, and
//! the fallback of browsers without a GPU.
//!
//! Rescale is a straight line, so mixing stored values is mixing modality values. Samples of 8 and 16
//! bits are mixed as whole numbers, exactly; those of 32 bits and floats in double precision, after they were
//! taken relative to the window. Where views run along the rows of an 8 or 16-bit frame without padding,
//! [`cpu_rows`](super::cpu_rows) draws whole rows at once, with the same result.

use super::canvas::CanvasPixel;
use super::color::ColorModel;
use super::cpu_rows;
use super::grid::{FRACTION_BITS, MAX_CANVAS_SIDE, ONE, Tap, tap};
use super::icc::ScreenColors;
use super::mask::Mask;
use super::palette::Palette;
use super::render_plan::{PixelKind, RenderPlan, is_no_number, ordered_float};
use super::shade_table::Shade;
use super::{ModalityLut, PaddingRange, Presentation, SampleType, VoiLut};
use std::sync::Arc;

/// Borrowed samples of a frame: grey, indices or colour.
#[derive(Debug, Clone, Copy)]
pub struct FrameView<'a> {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// What a pixel is made of.
    pub pixels: PixelKind,
    /// Little endian samples, interleaved.
    pub data: &'a [u8],
}

/// Everything that turns a frame into pixels of a viewport.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameParams {
    /// Pixel coordinates of a canvas pixel: `column = m[0]*x + m[2]*y + m[4]`, `row = m[1]*x + m[3]*y + m[5]`;
    /// centres at integers on both sides, canvas origin at the viewport's top left pixel.
    pub pixel_from_canvas: [f64; 6],
    /// Stored to modality values.
    pub modality: ModalityLut,
    /// Modality values to grey. Not applied to RGB unless it was altered by the user.
    pub voi: VoiLut,
    /// Grey to P-Values.
    pub presentation: Presentation,
    /// Stored values that are no image: drawn as background, left out of interpolation.
    pub padding: Option<PaddingRange>,
    /// Colours of stored values: PALETTE COLOR, or a supplemental palette on a grey image.
    pub palette: Option<Arc<Palette>>,
    /// Overlay planes and shutter of the frame.
    pub mask: Option<Mask>,
    /// Overlay planes are drawn; the shutter is in any case.
    pub shows_overlays: bool,
    /// Bilinear between pixel centres, else the nearest pixel.
    pub interpolate: bool,
    /// What is drawn: colours of sRGB, or of Display P3. Frames must not be [`ColorModel::DisplayP3`] for the former.
    pub target: ScreenColors,
}

impl Default for FrameParams {
    /// Pixel by pixel, 8-bit values as they are.
    fn default() -> Self {
        Self {
            pixel_from_canvas: [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            modality: ModalityLut::IDENTITY,
            voi: VoiLut::COLOR,
            presentation: Presentation::Identity,
            padding: None,
            palette: None,
            mask: None,
            shows_overlays: false,
            interpolate: true,
            target: ScreenColors::Srgb,
        }
    }
}

impl FrameView<'_> {
    /// True where renderers can draw it: grey of any type or RGB of 8 bits, with all of its samples.
    pub fn is_drawable(&self) -> bool {
        let shape_is_known = match self.pixels.samples_per_pixel {
            1 => true,
            3 => self.pixels.sample_type == SampleType::U8,
            _ => false,
        };
        let needed = [
            self.columns as usize,
            usize::from(self.pixels.samples_per_pixel),
            self.pixels.sample_type.size_bytes(),
        ]
        .iter()
        .try_fold(self.rows as usize, |bytes, factor| {
            bytes.checked_mul(*factor)
        });
        shape_is_known && needed.is_some_and(|bytes| bytes > 0 && bytes <= self.data.len())
    }
}

/// Draws a frame into `width` x `height` canvas pixels: RGBA, 8 bits each, rows from the top.
///
/// The image covers `-0.5..columns - 0.5` by `-0.5..rows - 0.5`; outside, and where the nearest pixel is
/// padding, is background: opaque black. Bilinear interpolation leaves out pixels that are padding. A frame that is
/// not [drawable](FrameView::is_drawable) is background; `rgba` that is too short stays as it is.
pub fn render(view: &FrameView, params: &FrameParams, width: u32, height: u32, rgba: &mut [u8]) {
    let (pixels, _) = rgba.as_chunks_mut::<4>();
    render_into(view, params, width, height, pixels);
}

/// The same picture before it is rounded to 256 levels: P-Values, `0.0..=1.0`, of red, green and blue, by the
/// same loops as [`render`].
pub fn render_greys(
    view: &FrameView,
    params: &FrameParams,
    width: u32,
    height: u32,
    greys: &mut [[f32; 3]],
) {
    render_into(view, params, width, height, greys);
}

fn render_into<P: CanvasPixel>(
    view: &FrameView,
    params: &FrameParams,
    width: u32,
    height: u32,
    pixels: &mut [P],
) {
    let count = (width as usize).checked_mul(height as usize);
    let Some(pixels) = count.and_then(|count| pixels.get_mut(..count)) else {
        return;
    };
    if pixels.is_empty() {
        return;
    }
    if !view.is_drawable() || width > MAX_CANVAS_SIDE || height > MAX_CANVAS_SIDE {
        pixels.fill(P::BLACK);
        return;
    }
    let plan = RenderPlan::new(view.pixels, params);
    let target = Target {
        plan: &plan,
        rows: view.rows,
        columns: view.columns,
        width,
        pixels: &mut *pixels,
    };
    match rgb(view, &plan) {
        Some(rgb) => narrow::<3, P>(target, |i| rgb.get(i).map_or(0, |s| u32::from(*s))),
        None => draw(view, target),
    }
    if plan.widens {
        P::widen(pixels);
    }
    if let Some(mask) = &params.mask {
        let overlays = params.shows_overlays.then_some(params.target);
        mask.draw(&plan.grid, overlays, width, pixels);
    }
}

/// Pixels whose colour is known before they are mixed, as RGB: palettes and YBR.
fn rgb(view: &FrameView, plan: &RenderPlan) -> Option<Vec<u8>> {
    if plan.shade == Shade::Colors {
        let words = &plan.table.as_ref()?.0;
        let color = |ordered: usize| {
            let word = words.get(ordered).copied().unwrap_or(0);
            let [red, green, blue, _] = word.to_le_bytes();
            [red, green, blue]
        };
        let sign_bit = plan.kind.sign_bit() as usize;
        return Some(if view.pixels.sample_type.size_bytes() == 1 {
            let samples = view.data.iter();
            samples
                .flat_map(|sample| color(usize::from(*sample) ^ sign_bit))
                .collect()
        } else {
            let (pairs, _) = view.data.as_chunks::<2>();
            let samples = pairs
                .iter()
                .map(|pair| usize::from(u16::from_le_bytes(*pair)));
            samples
                .flat_map(|sample| color(sample ^ sign_bit))
                .collect()
        });
    }
    let model = view.pixels.color;
    let is_rgb = matches!(model, ColorModel::Rgb | ColorModel::DisplayP3);
    (view.pixels.is_color() && !is_rgb).then(|| {
        let (pixels, _) = view.data.as_chunks::<3>();
        pixels
            .iter()
            .flat_map(|pixel| model.to_rgb(*pixel))
            .collect()
    })
}

/// Draws a frame as it is.
fn draw<P: CanvasPixel>(view: &FrameView, target: Target<P>) {
    let bytes = view.data;
    let (pairs, _) = bytes.as_chunks::<2>();
    let (quads, _) = bytes.as_chunks::<4>();
    let (eights, _) = bytes.as_chunks::<8>();
    match (view.pixels.samples_per_pixel, view.pixels.sample_type) {
        (3, _) => narrow::<3, P>(target, |i| {
            bytes.get(i).map_or(0, |sample| u32::from(*sample))
        }),
        (_, SampleType::U8) => narrow::<1, P>(target, |i| {
            bytes.get(i).map_or(0, |sample| u32::from(*sample))
        }),
        (_, SampleType::I8) => narrow::<1, P>(target, |i| {
            bytes.get(i).map_or(0, |sample| u32::from(*sample ^ 0x80))
        }),
        (_, SampleType::U16) => narrow::<1, P>(target, |i| {
            pairs
                .get(i)
                .map_or(0, |pair| u32::from(u16::from_le_bytes(*pair)))
        }),
        (_, SampleType::I16) => narrow::<1, P>(target, |i| {
            pairs
                .get(i)
                .map_or(0, |pair| u32::from(u16::from_le_bytes(*pair) ^ 0x8000))
        }),
        (_, SampleType::U32) => wide(target, |i| {
            quads.get(i).map_or(0, |quad| u32::from_le_bytes(*quad))
        }),
        (_, SampleType::I32) => wide(target, |i| {
            quads
                .get(i)
                .map_or(0, |quad| u32::from_le_bytes(*quad) ^ 0x8000_0000)
        }),
        (_, SampleType::F32) => float(target, |i| {
            quads.get(i).map_or(0.0, |quad| f32::from_le_bytes(*quad))
        }),
        (_, SampleType::F64) => float(target, |i| {
            eights
                .get(i)
                .map_or(0.0, |eight| narrowed(f64::from_le_bytes(*eight)))
        }),
    }
}

/// A double as both renderers take it: one that is too large for a single becomes infinite.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to single precision is what it is for"
)]
pub fn narrowed(sample: f64) -> f32 {
    sample as f32
}

/// What is drawn on, and how.
pub(super) struct Target<'a, P> {
    pub plan: &'a RenderPlan,
    pub rows: u32,
    pub columns: u32,
    pub width: u32,
    pub pixels: &'a mut [P],
}

/// Draws 8 and 16-bit samples; `at` gives them ordered, by their place in the frame.
fn narrow<const CHANNELS: usize, P: CanvasPixel>(target: Target<P>, at: impl Fn(usize) -> u32) {
    let plan = target.plan;
    // The usual way has its own loops.
    if CHANNELS == 3 || plan.shade == Shade::Ramp {
        let ramp = plan.ramp;
        narrow_with::<CHANNELS, P>(target, at, move |mixed| ramp.grey_of_narrow(mixed));
    } else {
        narrow_with::<CHANNELS, P>(target, at, |mixed| plan.grey_of_narrow(mixed));
    }
}

fn narrow_with<const CHANNELS: usize, P: CanvasPixel>(
    target: Target<P>,
    at: impl Fn(usize) -> u32,
    grey: impl Fn(u32) -> f32,
) {
    let plan = target.plan;
    let columns = target.columns as usize;
    if plan.grid.is_axis_aligned() && !plan.has_padding() {
        cpu_rows::draw::<CHANNELS, P>(target, at, grey);
        return;
    }
    each_pixel(target, |column, row| {
        let place = |c: u32, r: u32| (r as usize * columns + c as usize) * CHANNELS;
        let nearest = place(column.nearest, row.nearest);
        if plan.is_padding(at(nearest)) {
            return P::BLACK;
        }
        let mut levels = [P::Level::default(); CHANNELS];
        for (channel, level) in levels.iter_mut().enumerate() {
            let mixed = if plan.interpolate {
                let taps = [
                    at(place(column.first, row.first) + channel),
                    at(place(column.second, row.first) + channel),
                    at(place(column.first, row.second) + channel),
                    at(place(column.second, row.second) + channel),
                ];
                mix_narrow(plan, taps, column.fraction, row.fraction)
            } else {
                at(nearest + channel) << FRACTION_BITS
            };
            *level = P::level(plan, grey(mixed));
        }
        P::of(levels)
    });
}

/// Bilinear mix of four ordered values, with 16 fractional bits. Beside padding the weights have 8 bits, so
/// that their products and the division by their sum fit 32-bit numbers, which is all that shaders have.
fn mix_narrow(plan: &RenderPlan, taps: [u32; 4], across: u32, down: u32) -> u32 {
    let [a, b, c, d] = taps;
    if !taps.iter().any(|value| plan.is_padding(*value)) {
        let top = a * (ONE - across) + b * across;
        let bottom = c * (ONE - across) + d * across;
        return mix_down(top, bottom, down);
    }
    let across = (across + 128) >> 8;
    let down = (down + 128) >> 8;
    let weights = [
        (256 - across) * (256 - down),
        across * (256 - down),
        (256 - across) * down,
        across * down,
    ];
    let mut sum = 0;
    let mut weight_sum = 0;
    for (value, weight) in taps.iter().zip(weights) {
        if !plan.is_padding(*value) {
            sum += value * weight;
            weight_sum += weight;
        }
    }
    // The nearest pixel is no padding, and its weight is a quarter at least.
    let weight_sum = weight_sum.max(1);
    ((sum / weight_sum) << FRACTION_BITS) + ((sum % weight_sum) << FRACTION_BITS) / weight_sum
}

/// Mix of two numbers with 16 fractional bits, rounded down to 16 of them: 48 bits in two halves.
#[inline]
pub(super) fn mix_down(top: u32, bottom: u32, down: u32) -> u32 {
    let up = ONE - down;
    let high = (top >> 16) * up + (bottom >> 16) * down;
    let low = (top & 0xffff) * up + (bottom & 0xffff) * down;
    high + (low >> 16)
}

/// Draws 32-bit whole numbers; `at` gives them ordered.
fn wide<P: CanvasPixel>(target: Target<P>, at: impl Fn(usize) -> u32) {
    let plan = target.plan;
    tapped(target, |i| {
        let ordered = at(i);
        (!plan.is_padding(ordered)).then(|| plan.ramp.tap_of_wide(ordered))
    });
}

/// Draws floats. What is no number is drawn as padding.
fn float<P: CanvasPixel>(target: Target<P>, at: impl Fn(usize) -> f32) {
    let plan = target.plan;
    tapped(target, |i| {
        let stored = at(i);
        let bits = stored.to_bits();
        let is_image = !is_no_number(bits) && !plan.is_padding(ordered_float(bits));
        is_image.then(|| plan.ramp.tap_of_float(stored))
    });
}

/// Draws pixels whose way to grey is known before they are mixed; `None` is padding.
fn tapped<P: CanvasPixel>(target: Target<P>, at: impl Fn(usize) -> Option<f64>) {
    let plan = target.plan;
    let columns = target.columns as usize;
    each_pixel(target, |column, row| {
        let place = |c: u32, r: u32| r as usize * columns + c as usize;
        let Some(nearest) = at(place(column.nearest, row.nearest)) else {
            return P::BLACK;
        };
        let mixed = if plan.interpolate {
            let taps = [
                at(place(column.first, row.first)),
                at(place(column.second, row.first)),
                at(place(column.first, row.second)),
                at(place(column.second, row.second)),
            ];
            mix_taps(taps, part(column.fraction), part(row.fraction))
        } else {
            nearest
        };
        P::of([P::level(plan, plan.grey_of_taps(mixed))])
    });
}

/// A fraction with 16 bits as a float: exact.
fn part(fraction: u32) -> f64 {
    f64::from(fraction) / f64::from(ONE)
}

fn mix_taps(taps: [Option<f64>; 4], across: f64, down: f64) -> f64 {
    if let [Some(a), Some(b), Some(c), Some(d)] = taps {
        let top = a + (b - a) * across;
        let bottom = c + (d - c) * across;
        return top + (bottom - top) * down;
    }
    let weights = [
        (1.0 - across) * (1.0 - down),
        across * (1.0 - down),
        (1.0 - across) * down,
        across * down,
    ];
    let mut sum = 0.0;
    let mut weight_sum = 0.0;
    for (value, weight) in taps.iter().zip(weights) {
        if let Some(value) = value {
            sum += value * weight;
            weight_sum += weight;
        }
    }
    sum / weight_sum
}

/// Calls `shade` for each canvas pixel that lies on the image, with its neighbours; the rest is black.
fn each_pixel<P: CanvasPixel>(target: Target<P>, shade: impl Fn(Tap, Tap) -> P) {
    let Target {
        plan,
        rows,
        columns,
        width,
        pixels,
    } = target;
    let grid = plan.grid;
    let column_taps: Vec<Option<Tap>> = if grid.is_axis_aligned() {
        (0..width)
            .map(|x| tap(grid.column_at(x, 0), columns))
            .collect()
    } else {
        Vec::new()
    };
    for (y, line) in (0..).zip(pixels.chunks_exact_mut(width as usize)) {
        if grid.is_axis_aligned() {
            let row = tap(grid.row_at(0, y), rows);
            for (pixel, column) in line.iter_mut().zip(&column_taps) {
                *pixel = match (*column, row) {
                    (Some(column), Some(row)) => shade(column, row),
                    _ => P::BLACK,
                };
            }
        } else {
            for (x, pixel) in (0..).zip(line) {
                let column = tap(grid.column_at(x, y), columns);
                let row = tap(grid.row_at(x, y), rows);
                *pixel = match (column, row) {
                    (Some(column), Some(row)) => shade(column, row),
                    _ => P::BLACK,
                };
            }
        }
    }
}

#[cfg(test)]
#[path = "cpu_render_tests.rs"]
mod tests;
