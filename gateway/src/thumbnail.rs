//! Draws one frame small, by the same code that draws where there is no GPU.
//!
//! The way to grey is the file's first one, table or window; without any it spans the values that occur.

use protocol::dicomweb::json::Dataset;
use viewer_core::decode::Limits;
use viewer_core::model::{FrameAttributes, Instance};
use viewer_core::pixel::color::{palette_to_rgb8, to_rgb8};
use viewer_core::pixel::cpu_render::render;
use viewer_core::pixel::{
    Frame, FrameParams, FrameView, PaddingRange, Photometric, PixelKind, SampleType, VoiLut, Window,
};

use crate::source::folder::frames::StoredPixels;
use crate::uncompressed::{self, UncompressedError};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThumbnailError {
    /// The frame cannot be decoded.
    #[error(transparent)]
    Frame(#[from] UncompressedError),
    /// Colour whose conversion to RGB is not known here.
    #[error("its kind of colour is not drawn yet")]
    Colour,
    /// A palette that is missing, short or broken.
    #[error("its palette is not whole")]
    Palette,
    /// PNG cannot be written.
    #[error("the picture cannot be written")]
    Png,
}

/// A PNG whose longest edge is at most `size` pixels; `number` is the frame, from 1.
///
/// `value` gives the bytes of an attribute, little endian, also where metadata leaves them out.
pub fn png(
    stored: &[u8],
    pixels: &StoredPixels,
    dataset: &Dataset,
    number: u32,
    size: u32,
    limits: &Limits,
    value: &dyn Fn(u32) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, ThumbnailError> {
    let mut instance = Instance::from_dataset(dataset).ok_or(UncompressedError::Damaged)?;
    let index = number.saturating_sub(1);
    for (tag_path, _) in instance.awaited(index) {
        let tag = u32::from_str_radix(&tag_path, 16).ok();
        let bytes = tag
            .and_then(value)
            .ok_or("it is not in the file".to_owned());
        instance.supply(&tag_path, &bytes.map(Into::into));
    }
    let mut frame = uncompressed::decode(stored, pixels, &instance, limits)?;
    if frame.photometric == Photometric::PaletteColor {
        let palette = instance
            .palette
            .as_ref()
            .and_then(|palette| palette.ready());
        frame.data = palette
            .and_then(|palette| palette_to_rgb8(&frame, palette))
            .ok_or(ThumbnailError::Palette)?;
        frame.samples_per_pixel = 3;
        frame.sample_type = SampleType::U8;
    } else if frame.samples_per_pixel == 3 {
        frame.data = to_rgb8(&frame).ok_or(ThumbnailError::Colour)?;
        frame.sample_type = SampleType::U8;
    }
    let colour = frame.samples_per_pixel == 3;
    let (width, height) = fitted(&frame, instance.pixel_width_over_height(index), size);
    // Several canvas pixels for each of the picture's, then their mean: fine detail does not alias.
    let over = frame.rows.max(frame.columns).div_ceil(size).clamp(1, 4);
    let (canvas_width, canvas_height) = (width * over, height * over);
    let attributes = instance.frame(index);
    let params = FrameParams {
        pixel_from_canvas: pixel_from_canvas(&frame, canvas_width, canvas_height),
        modality: attributes.grey.modality.clone(),
        voi: voi(&frame, attributes, instance.padding),
        presentation: instance.presentation.clone(),
        padding: instance.padding,
        ..FrameParams::default()
    };
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
    render(&view, &params, canvas_width, canvas_height, &mut canvas);
    let channels = if colour { 3 } else { 1 };
    let picture = mean(
        &canvas,
        width as usize,
        height as usize,
        over as usize,
        channels,
    );
    encode(&picture, width, height, colour)
}

/// Width and height with the longest edge at most `size`, and never larger than the frame.
fn fitted(frame: &Frame, pixel_width_over_height: f64, size: u32) -> (u32, u32) {
    let wide = f64::from(frame.columns) * pixel_width_over_height;
    let high = f64::from(frame.rows);
    let edge = f64::from(size.min(frame.rows.max(frame.columns)));
    let scale = edge / wide.max(high);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1..=size before the cast"
    )]
    let pixels = |length: f64| (length * scale).round().clamp(1.0, edge.max(1.0)) as u32;
    (pixels(wide), pixels(high))
}

/// The whole frame over the whole canvas, edges on edges.
fn pixel_from_canvas(frame: &Frame, width: u32, height: u32) -> [f64; 6] {
    let column = f64::from(frame.columns) / f64::from(width);
    let row = f64::from(frame.rows) / f64::from(height);
    [column, 0.0, 0.0, row, column / 2.0 - 0.5, row / 2.0 - 0.5]
}

fn voi(frame: &Frame, attributes: &FrameAttributes, padding: Option<PaddingRange>) -> VoiLut {
    let is_grey = frame.samples_per_pixel == 1;
    if !is_grey {
        return VoiLut::COLOR;
    }
    if let Some(named) = attributes.grey.voi.first() {
        return named.voi.clone();
    }
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for row in 0..frame.rows {
        for column in 0..frame.columns {
            let stored = frame.sample(column, row, 0).filter(|stored| {
                stored.is_finite() && !padding.is_some_and(|padding| padding.contains(*stored))
            });
            if let Some(value) = stored.map(|stored| attributes.grey.modality.apply(stored)) {
                (low, high) = (low.min(value), high.max(value));
            }
        }
    }
    if low > high {
        (low, high) = (0.0, 1.0);
    }
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

fn encode(
    picture: &[u8],
    width: u32,
    height: u32,
    colour: bool,
) -> Result<Vec<u8>, ThumbnailError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(if colour {
        png::ColorType::Rgb
    } else {
        png::ColorType::Grayscale
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(picture)?;
        writer.finish()
    });
    written.map(|()| bytes).map_err(|_| ThumbnailError::Png)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(rows: u32, columns: u32) -> Frame {
        Frame {
            rows,
            columns,
            samples_per_pixel: 1,
            sample_type: SampleType::U8,
            bits_stored: 8,
            photometric: Photometric::Monochrome2,
            data: vec![0; (rows * columns) as usize],
        }
    }

    #[test]
    fn the_longest_edge_fits_and_pixels_keep_their_shape() {
        assert_eq!(fitted(&frame(512, 512), 1.0, 128), (128, 128));
        assert_eq!(fitted(&frame(200, 400), 1.0, 100), (100, 50));
        assert_eq!(fitted(&frame(100, 100), 2.0, 100), (100, 50));
        assert_eq!(fitted(&frame(10, 20), 1.0, 128), (20, 10));
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
}
