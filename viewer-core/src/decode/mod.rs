//! Decoders: the bytes of one frame as stored to stored values.
//!
//! One entrance, [`decode_frame`]; which decoder it takes is decided by one table over the transfer
//! syntax ([`transfer_syntax`]). Every decoder checks [`Limits`] before it allocates, and a frame that
//! cannot be decoded whole is an error, never a partly filled picture.
//! Source: DICOM PS3.5 section 8 and annexes A and G.

mod error;
mod jpeg2000;
mod jpeg_ls;
pub mod limits;
pub mod native;
mod rle;
mod shape;
mod sniff;
pub mod transfer_syntax;

use crate::pixel::{Frame, PixelFormat};
pub use error::DecodeError;
pub use limits::Limits;
use transfer_syntax::Codec;
pub use transfer_syntax::{is_lossy, is_supported, name};

/// Decodes one frame.
///
/// `bytes` is the frame as it stands in the file: a slice of native Pixel Data, or the joined fragments
/// of an encapsulated frame. Native frames of the deflated syntax come inflated; 8-bit and 1-bit pixels
/// of a big endian file with VR OW come with each pair of bytes swapped ([`native::swap_words`]).
///
/// A frame under a native transfer syntax whose length does not fit, and which begins like a JPEG family
/// code stream, is decoded by that codec: some servers send compressed frames under the wrong label.
///
/// # Errors
/// See [`DecodeError`]; the frame is either whole or an error.
pub fn decode_frame(
    bytes: &[u8],
    transfer_syntax: &str,
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let codec = transfer_syntax::codec(transfer_syntax).ok_or_else(|| {
        DecodeError::UnsupportedTransferSyntax {
            uid: transfer_syntax.to_owned(),
        }
    })?;
    match codec {
        Codec::LittleEndian | Codec::BigEndian => {
            match native::decode(bytes, format, codec == Codec::BigEndian, limits) {
                Err(DecodeError::WrongLength { expected, actual }) => match sniff::codec(bytes) {
                    Some(found) => decode_stream(bytes, found?, format, limits),
                    None => Err(DecodeError::WrongLength { expected, actual }),
                },
                result => result,
            }
        }
        stream => decode_stream(bytes, stream, format, limits),
    }
}

fn decode_stream(
    bytes: &[u8],
    codec: Codec,
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    match codec {
        Codec::LittleEndian => native::decode(bytes, format, false, limits),
        Codec::BigEndian => native::decode(bytes, format, true, limits),
        Codec::Rle => rle::decode(bytes, format, limits),
        Codec::JpegLs => jpeg_ls::decode(bytes, format, limits),
        Codec::Jpeg2000 => jpeg2000::decode(bytes, format, limits),
    }
}
