//! JPEG 2000 part 1, reversible and irreversible, by the crate hayro-jpeg2000.
//!
//! The crate gives unclamped floats, takes no notice of signs, and trusts sizes; `header` looks at the
//! code stream first, this file turns its floats into stored values. A JP2 wrapper is taken off, so that
//! colours stay those of the code stream: the DICOM attributes say what they mean.
//! Source: ISO/IEC 15444-1; DICOM PS3.5 8.2.4 and A.4.4.

pub(super) mod header;

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::shape::{Shape, check_same};
use super::{DecodeError, Limits};
use crate::pixel::{Frame, Photometric, PixelFormat};

const CODEC: &str = "JPEG 2000";

/// Decodes one JPEG 2000 frame.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let stream = header::code_stream(bytes)?;
    let header = header::read(stream)?;
    if header.high_throughput {
        return Err(DecodeError::NotInThisModule);
    }
    let components = u32::from(header.components);
    check_same(CODEC, format, header.rows, header.columns, components)?;
    let shape = Shape::of_stream(format, header.precision, limits)?;
    header::check_cost(stream, &header, limits)?;

    // The crate holds no state between calls, so a panic in it leaves nothing behind.
    let data = catch_unwind(AssertUnwindSafe(|| {
        samples(stream, &header, format.signed, &shape)
    }))
    .map_err(|_| corrupt("the stream is damaged"))??;
    let photometric = photometric(&header, format);
    Ok(shape.frame(u16::from(header.precision), photometric, data))
}

/// What the decoded samples mean: a colour transform of the stream is undone.
pub(super) fn photometric(header: &header::Header, format: &PixelFormat) -> Photometric {
    match format.photometric {
        Photometric::YbrIct | Photometric::YbrRct => Photometric::Rgb,
        _ if header.color_transform && format.samples_per_pixel == 3 => Photometric::Rgb,
        other => other,
    }
}

/// Decodes and interleaves the components.
fn samples(
    stream: &[u8],
    header: &header::Header,
    signed: bool,
    shape: &Shape,
) -> Result<Vec<u8>, DecodeError> {
    let damaged = |error: hayro_jpeg2000::DecodeError| corrupt(&error.to_string());
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        strict: true,
        target_resolution: None,
    };
    let image = Image::new(stream, &settings).map_err(damaged)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(damaged)?;

    let planes = decoded.components();
    if planes.len() != usize::from(shape.samples_per_pixel)
        || planes
            .iter()
            .any(|plane| plane.samples().len() < shape.pixels)
    {
        return Err(corrupt("components are missing"));
    }
    let read = Reading::new(header, signed);
    let mut data = vec![0; shape.bytes];
    let size = shape.sample_type.size_bytes();
    let stride = size * planes.len();
    for (index, plane) in planes.iter().enumerate() {
        let place = index * size;
        let pixels = data.chunks_exact_mut(stride).zip(plane.samples());
        match size {
            1 => {
                pixels.for_each(|(pixel, value)| pixel[place] = read.value(*value).to_le_bytes()[0])
            }
            2 => pixels.for_each(|(pixel, value)| {
                let [low, high, ..] = read.value(*value).to_le_bytes();
                pixel[place..place + 2].copy_from_slice(&[low, high]);
            }),
            _ => pixels.for_each(|(pixel, value)| {
                pixel[place..place + size].copy_from_slice(&read.value(*value).to_le_bytes());
            }),
        }
    }
    Ok(data)
}

/// How one float of the crate becomes a stored value.
///
/// The crate adds half the range to every sample, which the standard does for unsigned ones only. The
/// stream's sign bounds the value; Pixel Representation decides how its bits are read, because encoders
/// exist that name signed pixels unsigned and the reverse.
struct Reading {
    offset: f32,
    low: f32,
    high: f32,
    /// Bits above the precision.
    unused: u32,
    signed: bool,
}

impl Reading {
    fn new(header: &header::Header, signed: bool) -> Self {
        let range = f32::from(2u8).powi(i32::from(header.precision));
        let half = range / 2.0;
        let (offset, low, high) = if header.signed {
            (half, -half, half - 1.0)
        } else {
            (0.0, 0.0, range - 1.0)
        };
        Self {
            offset,
            low,
            high,
            unused: 32 - u32::from(header.precision),
            signed,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the value is clamped to at most 16 bits"
    )]
    fn value(&self, float: f32) -> i32 {
        // Half up: what is left of a reversible stream is whole already.
        let whole = (float - self.offset + 0.5)
            .floor()
            .clamp(self.low, self.high) as i32;
        let top = whole << self.unused;
        if self.signed {
            top >> self.unused
        } else {
            (top.cast_unsigned() >> self.unused).cast_signed()
        }
    }
}

fn corrupt(reason: &str) -> DecodeError {
    DecodeError::Corrupt {
        codec: CODEC,
        reason: reason.to_owned(),
    }
}

fn unsupported(feature: &'static str) -> DecodeError {
    DecodeError::UnsupportedFeature {
        codec: CODEC,
        feature,
    }
}
