//! JPEG-LS, lossless and near-lossless.
//!
//! `header` reads the marker segments, `scan` the entropy-coded lines. Mapping tables (which no DICOM
//! syntax allows) are refused.
//! Source: ISO/IEC 14495-1 (ITU-T T.87); DICOM PS3.5 A.4.3.

mod header;

use super::shape::{Shape, check_same};
use super::{DecodeError, Limits};
use crate::pixel::{Frame, Photometric, PixelFormat, SampleType};

const CODEC: &str = "JPEG-LS";

/// Decodes one JPEG-LS frame.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let header = header::read_frame(bytes)?;
    check_same(CODEC, format, header.rows, header.columns, header.components.len() as u32)?;
    let shape = Shape::of_stream(format, header.precision, limits)?;
    let decoded = std::panic::catch_unwind(|| jpegls::decode(bytes, header.columns, header.rows));
    let (samples, ..) = decoded
        .map_err(|_| corrupt("the stream is damaged"))?
        .map_err(|error| corrupt(&error.to_string()))?;
    let data = match shape.sample_type {
        SampleType::U8 | SampleType::I8 => samples.iter().map(|v| v.to_le_bytes()[0]).collect(),
        _ => samples.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    Ok(shape.frame(u16::from(header.precision), Photometric::Monochrome2, data))
}

fn corrupt(reason: &str) -> DecodeError {
    DecodeError::Corrupt { codec: CODEC, reason: reason.to_owned() }
}

fn unsupported(feature: &'static str) -> DecodeError {
    DecodeError::UnsupportedFeature { codec: CODEC, feature }
}
