//! Deflated Image Frame Compression: the native bytes of a frame, packed by DEFLATE, by miniz_oxide.
//!
//! Source: DICOM PS3.5 A.4.13 and 8.2.16; RFC 1951.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::shape::Shape;
use super::{DecodeError, Limits, native};
use crate::pixel::{Frame, PixelFormat};

/// Decodes one deflated frame.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let shape = Shape::of_format(format, limits)?;
    // One byte more may make an odd frame even.
    let native = decompress_to_vec_with_limit(bytes, shape.bytes + 1).map_err(|error| {
        DecodeError::Corrupt {
            codec: "Deflated Image Frame",
            reason: error.to_string(),
        }
    })?;
    native::decode(&native, format, false, limits)
}
