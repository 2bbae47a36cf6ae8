//! Draws a frame as a picture, by the same code that draws where there is no GPU.
//!
//! The way to grey is the file's first one, table or window, or the one that is asked for; without any it spans the values that
//! occur. Pictures are sRGB; overlays, shutters and profiles of the file are not applied. A presentation state says all of this
//! itself ([`stated`]).
//! Source: DICOM PS3.18 sections 8.3.5.1 and 9.1.2 (what may be asked for).

pub mod annotation;
mod area;
pub mod encode;
mod graphics;
mod marks;
mod raster;
pub mod state;
pub mod stated;
mod text;
pub mod wish;

use protocol::dicomweb::json::Dataset;
use viewer_core::decode::{Limits, to_rgb8};
use viewer_core::model::{FrameAttributes, Instance};
use viewer_core::pixel::color::palette_to_rgb8;
use viewer_core::pixel::cpu_render::render;
use viewer_core::pixel::{
    Frame, FrameParams, FrameView, ModalityLut, PaddingRange, Photometric, PixelKind, SampleType,
    VoiLut, Window,
};

use self::state::StateError;
use self::wish::{Part, Size, Wish};
use crate::source::folder::frames::StoredPixels;
use crate::uncompressed::{self, UncompressedError};

/// Most pixels of a picture.
const MOST_PIXELS: u64 = 32 << 20;
/// Most pixels of a canvas of which means are taken.
const MOST_CANVAS: u64 = 16 << 20;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// The frame cannot be decoded.
    #[error(transparent)]
    Frame(#[from] UncompressedError),
    /// Colour whose conversion to RGB is not known here.
    #[error("its kind of colour is not drawn yet")]
    Colour,
    /// A palette that is missing, short or broken.
    #[error("its palette is not whole")]
    Palette,
    /// More pixels than a picture may have.
    #[error("it is too large for a picture of its own size: name a viewport")]
    TooLarge,
    /// A part of the image that holds nothing of it.
    #[error("the part that is asked for lies outside of the image")]
    Outside,
    /// The text that is asked for does not fit, and none of it is left out.
    #[error("it is too small for the annotation: name a larger viewport")]
    TooSmall,
    /// A presentation state that cannot be applied.
    #[error(transparent)]
    State(#[from] StateError),
    /// A grayscale presentation state for an image in colours.
    #[error("a grayscale presentation state is for images in grey")]
    StateOfColour,
    /// The file cannot be written.
    #[error("the picture cannot be written")]
    Written,
}

/// Grey or RGB, 8 bits a sample, row by row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Three samples a pixel, else one.
    pub is_colour: bool,
    /// The samples.
    pub samples: Vec<u8>,
}

/// A picture, and the window by which it was drawn: none for colours and tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The picture.
    pub picture: Picture,
    /// The window.
    pub window: Option<Window>,
}

/// The instance with the values that its metadata leaves out. `value` gives the bytes of an attribute, little endian.
pub fn instance(
    dataset: &Dataset,
    index: u32,
    value: &dyn Fn(u32) -> Option<Vec<u8>>,
) -> Result<Instance, DrawError> {
    let mut instance = Instance::from_dataset(dataset).ok_or(UncompressedError::Damaged)?;
    for (tag_path, _) in instance.awaited(index) {
        let tag = u32::from_str_radix(&tag_path, 16).ok();
        let bytes = tag
            .and_then(value)
            .ok_or("it is not in the file".to_owned());
        instance.supply(&tag_path, &bytes.map(Into::into));
    }
    Ok(instance)
}

/// Draws a frame as read from the file; `index` counts from 0.
///
/// # Errors
/// See [`DrawError`].
pub fn draw(
    stored: &[u8],
    pixels: &StoredPixels,
    instance: &Instance,
    index: u32,
    wish: &Wish,
    limits: &Limits,
) -> Result<Drawn, DrawError> {
    let mut frame = uncompressed::decode(stored, pixels, instance, limits)?;
    if frame.photometric == Photometric::PaletteColor {
        let palette = instance
            .palette
            .as_ref()
            .and_then(|palette| palette.ready());
        frame.data = palette
            .and_then(|palette| palette_to_rgb8(&frame, palette))
            .ok_or(DrawError::Palette)?;
        frame.samples_per_pixel = 3;
        frame.sample_type = SampleType::U8;
    } else if frame.samples_per_pixel == 3 {
        frame.data = to_rgb8(&frame).ok_or(DrawError::Colour)?;
        frame.sample_type = SampleType::U8;
    }
    let whole = [f64::from(frame.columns), f64::from(frame.rows)];
    let part = wish.part.map_or(Ok(Part::whole(whole)), |part| {
        part.within(whole).ok_or(DrawError::Outside)
    })?;
    let (width, height) = fitted(&part, instance.pixel_width_over_height(index), wish.size);
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(DrawError::TooLarge);
    }
    let over = oversampling(&part, width, height);
    let attributes = instance.frame(index);
    let params = FrameParams {
        pixel_from_canvas: pixel_from_canvas(&part, width * over, height * over),
        modality: attributes.grey.modality.clone(),
        voi: voi(&frame, attributes, instance.padding, wish),
        presentation: instance.presentation.clone(),
        padding: instance.padding,
        ..FrameParams::default()
    };
    Ok(Drawn {
        picture: painted(&frame, &params, [width, height], over),
        window: match frame.samples_per_pixel {
            1 => window(&params.voi),
            _ => None,
        },
    })
}

/// The window of a way to grey, where it has one.
fn window(voi: &VoiLut) -> Option<Window> {
    match voi {
        VoiLut::Linear(window) | VoiLut::LinearExact(window) | VoiLut::Sigmoid(window) => {
            Some(*window)
        }
        _ => None,
    }
}

/// Draws a frame into so many columns and rows, each pixel the mean of `over` x `over`.
fn painted(frame: &Frame, params: &FrameParams, [width, height]: [u32; 2], over: u32) -> Picture {
    let (canvas_width, canvas_height) = (width * over, height * over);
    let view = FrameView {
        rows: frame.rows,
        columns: frame.columns,
        pixels: PixelKind {
            samples_per_pixel: frame.samples_per_pixel,
            ..PixelKind::grey(frame.sample_type)
        },
        data: &frame.data,
    };
    let mut canvas = vec![0; canvas_width as usize * canvas_height as usize * 4];
    render(&view, params, canvas_width, canvas_height, &mut canvas);
    let is_colour = frame.samples_per_pixel == 3;
    let channels = if is_colour { 3 } else { 1 };
    let samples = mean(
        &canvas,
        width as usize,
        height as usize,
        over as usize,
        channels,
    );
    Picture {
        width,
        height,
        is_colour,
        samples,
    }
}

/// Width and height of the picture of a part.
fn fitted(part: &Part, pixel_width_over_height: f64, size: Size) -> (u32, u32) {
    let (wide, high) = (part.width * pixel_width_over_height, part.height);
    let longest = part.width.max(part.height);
    let own = longest / wide.max(high);
    let (scale, most) = match size {
        Size::Own => (own, [longest, longest]),
        Size::Within {
            width,
            height,
            enlarges,
        } => {
            let most = [f64::from(width), f64::from(height)];
            let scale = (most[0] / wide).min(most[1] / high);
            (if enlarges { scale } else { scale.min(own) }, most)
        }
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1 and what is asked for before the cast"
    )]
    let pixels =
        |length: f64, most: f64| (length * scale).round().clamp(1.0, most.round().max(1.0)) as u32;
    (pixels(wide, most[0]), pixels(high, most[1]))
}

/// Canvas pixels along each edge of a pixel of the picture, of which the mean is taken: fine detail does not alias.
fn oversampling(part: &Part, width: u32, height: u32) -> u32 {
    let ratio = (part.width / f64::from(width)).max(part.height / f64::from(height));
    oversampled(ratio, width, height)
}

/// The same for so many pixels of the image along an edge of a pixel of the picture.
fn oversampled(ratio: f64, width: u32, height: u32) -> u32 {
    let area = u64::from(width) * u64::from(height);
    let fits = |over: &u32| *over == 1 || area * u64::from(over * over) <= MOST_CANVAS;
    let wanted = (1..=4)
        .find(|over| f64::from(*over) >= ratio - 1e-3)
        .unwrap_or(4);
    (1..=wanted).rev().find(fits).unwrap_or(1)
}

/// The part over the whole canvas, edges on edges.
fn pixel_from_canvas(part: &Part, width: u32, height: u32) -> [f64; 6] {
    let column = part.width / f64::from(width);
    let row = part.height / f64::from(height);
    let along = |start: f64, length: f64, step: f64, flipped: bool| match flipped {
        false => (step, start + step / 2.0 - 0.5),
        true => (-step, start + length - step / 2.0 - 0.5),
    };
    let (column, left) = along(part.left, part.width, column, part.flips[0]);
    let (row, top) = along(part.top, part.height, row, part.flips[1]);
    [column, 0.0, 0.0, row, left, top]
}

fn voi(
    frame: &Frame,
    attributes: &FrameAttributes,
    padding: Option<PaddingRange>,
    wish: &Wish,
) -> VoiLut {
    let is_grey = frame.samples_per_pixel == 1;
    if !is_grey {
        return VoiLut::COLOR;
    }
    if let Some((window, function)) = wish.window {
        return function.unwrap_or(attributes.grey.function).with(window);
    }
    if let Some(named) = attributes.grey.voi.first() {
        return named.voi.clone();
    }
    let [low, high] = occurring(frame, &attributes.grey.modality, padding);
    spanning(low, high)
}

/// The smallest and the largest modality value that occur.
fn occurring(frame: &Frame, modality: &ModalityLut, padding: Option<PaddingRange>) -> [f64; 2] {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for row in 0..frame.rows {
        for column in 0..frame.columns {
            let stored = frame.sample(column, row, 0).filter(|stored| {
                stored.is_finite() && !padding.is_some_and(|padding| padding.contains(*stored))
            });
            if let Some(value) = stored.map(|stored| modality.apply(stored)) {
                (low, high) = (low.min(value), high.max(value));
            }
        }
    }
    if low > high {
        (low, high) = (0.0, 1.0);
    }
    [low, high]
}

/// Black at one value, white at another.
fn spanning(low: f64, high: f64) -> VoiLut {
    // LINEAR (PS3.3 C.11.2.1.2.1) runs from center - 0.5 - (width - 1) / 2 to the same above.
    VoiLut::Linear(Window {
        center: (low + high) / 2.0 + 0.5,
        width: (high - low + 1.0).max(1.0),
    })
}

/// Means of squares of `over` x `over` RGBA pixels, of the first `channels` of each.
fn mean(canvas: &[u8], width: usize, height: usize, over: usize, channels: usize) -> Vec<u8> {
    let mut picture = Vec::with_capacity(width * height * channels);
    let area = over * over;
    for y in 0..height {
        for x in 0..width {
            for channel in 0..channels {
                let mut sum = 0;
                for row in y * over..(y + 1) * over {
                    let start = (row * width * over + x * over) * 4 + channel;
                    let line = canvas.get(start..).unwrap_or_default();
                    sum += line
                        .iter()
                        .step_by(4)
                        .take(over)
                        .map(|v| usize::from(*v))
                        .sum::<usize>();
                }
                picture.push(u8::try_from((sum + area / 2) / area).unwrap_or(u8::MAX));
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_edge_fits_and_pixels_keep_their_shape() {
        let small = |columns: f64, rows: f64, shape, edge| {
            fitted(&Part::whole([columns, rows]), shape, Size::at_most(edge))
        };
        assert_eq!(small(512.0, 512.0, 1.0, 128), (128, 128));
        assert_eq!(small(400.0, 200.0, 1.0, 100), (100, 50));
        assert_eq!(small(100.0, 100.0, 2.0, 100), (100, 50));
        assert_eq!(small(20.0, 10.0, 1.0, 128), (20, 10));
    }

    #[test]
    fn a_viewport_is_filled_along_one_edge_also_by_larger_pixels() {
        let part = Part::whole([40.0, 20.0]);
        let within = |width, height| {
            let size = Size::Within {
                width,
                height,
                enlarges: true,
            };
            fitted(&part, 1.0, size)
        };
        assert_eq!(within(400, 400), (400, 200));
        assert_eq!(within(400, 100), (200, 100));
        assert_eq!(within(10, 10), (10, 5));
        assert_eq!(within(1, 1), (1, 1));
        assert_eq!(fitted(&part, 1.0, Size::Own), (40, 20));
    }

    #[test]
    fn means_are_taken_square_by_square() {
        let grey = |values: &[u8]| {
            values
                .iter()
                .flat_map(|v| [*v, *v, *v, 255])
                .collect::<Vec<_>>()
        };
        let canvas = grey(&[0, 10, 100, 100, 20, 30, 100, 104]);
        assert_eq!(mean(&canvas, 2, 1, 2, 1), [15, 101]);
    }

    #[test]
    fn a_part_lies_edge_on_edge_and_may_be_turned_round() {
        let part = Part {
            left: 10.0,
            top: 4.0,
            width: 4.0,
            height: 2.0,
            flips: [false, false],
        };
        assert_eq!(
            pixel_from_canvas(&part, 4, 2),
            [1.0, 0.0, 0.0, 1.0, 10.0, 4.0]
        );
        let turned = Part {
            flips: [true, true],
            ..part
        };
        assert_eq!(
            pixel_from_canvas(&turned, 4, 2),
            [-1.0, 0.0, 0.0, -1.0, 13.0, 5.0]
        );
        assert_eq!(
            pixel_from_canvas(&part, 8, 4),
            [0.5, 0.0, 0.0, 0.5, 9.75, 3.75]
        );
    }

    #[test]
    fn a_large_picture_is_sampled_less_often() {
        let part = Part::whole([16000.0, 16000.0]);
        assert_eq!(oversampling(&part, 1000, 1000), 4);
        assert_eq!(oversampling(&part, 4000, 4000), 1);
        assert_eq!(oversampling(&Part::whole([4.0, 3.0]), 4, 3), 1);
        assert_eq!(oversampling(&Part::whole([4.0, 3.0]), 8, 6), 1);
        assert_eq!(oversampling(&Part::whole([300.0, 300.0]), 200, 200), 2);
    }
}
