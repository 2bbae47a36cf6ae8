//! Decoders: the bytes of one frame as stored to stored values.
//!
//! One entrance, [`decode_frame`]; which decoder it takes is decided by one table over the transfer
//! syntax ([`transfer_syntax`]). Every decoder checks [`Limits`] before it allocates, and a frame that
//! cannot be decoded whole is an error, never a partly filled picture.
//!
//! # Where code stream and attributes disagree
//! - Rows, columns, components: an error; neither can be believed.
//! - Codec: the stream. Its first bytes are looked at before its label.
//! - Depth: the stream. Its precision says which bits carry a value, whatever Bits Stored says.
//! - Sign: Pixel Representation. JPEG, JPEG-LS and JPEG XL have no sign, and encoders of JPEG 2000 exist that are
//!   fed with the bits of signed pixels and call them unsigned, or the reverse. The bits are the stream's, its
//!   highest one is read as the attribute says. Of the sample files `J2K_pixelrep_mismatch.dcm` (13 unsigned bits
//!   in the stream, signed by the attribute) and `JLSL_16_15_1_1F.dcm` (15 bits of JPEG-LS, signed by the
//!   attribute) are of this kind: decoders that take no notice of the attribute differ by 8192 and 32768, the
//!   whole range, in every negative pixel.
//! - Colours of JPEG: the table of `jpeg::color`. JPEG 2000: a colour transform of the stream is undone, and
//!   then it is RGB.
//!
//! [`disagreements`] tells of a decoded frame where the two sides would have given different images.
//!
//! Source: DICOM PS3.5 section 8 and annexes A and G.

mod agreement;
mod canvas;
mod deflated;
mod error;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod jpeg_xl;
pub mod limits;
pub mod native;
mod reduced;
mod rgb;
mod rle;
mod shape;
mod simd;
mod sniff;
pub mod transfer_syntax;
pub mod work;

use crate::pixel::{Frame, PixelFormat};
pub use agreement::{Disagreement, disagreements};
pub use error::DecodeError;
pub use limits::Limits;
pub use reduced::{Completeness, Reduction, decode_reduced};
pub use rgb::to_rgb8;
use transfer_syntax::Codec;
pub use transfer_syntax::{decoders, is_lossy, is_supported, name};

/// Decodes one frame by any decoder there is.
///
/// `bytes` is the frame as it stands in the file: a slice of native Pixel Data, or the joined fragments
/// of an encapsulated frame. Native frames of the deflated syntax come inflated; 8-bit and 1-bit pixels
/// of a big endian file with VR OW come with each pair of bytes swapped ([`native::swap_words`]).
///
/// Labels are wrong at times: a frame under a native transfer syntax whose length does not fit is decoded
/// by the codec of the JPEG family that its first bytes name, and so is a frame under the label of another
/// codec of that family.
///
/// # Errors
/// See [`DecodeError`]; the frame is either whole or an error.
pub fn decode_frame(
    bytes: &[u8],
    transfer_syntax: &str,
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    decode_by(bytes, transfer_syntax, format, limits, any_codec)
}

/// Decoders that a program is made with. Each set holds those before it, and is larger: what browsers load first is small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decoders {
    /// Native, RLE, JPEG, JPEG-LS, JPEG 2000 and HTJ2K: [`decode_common`].
    Common,
    /// JPEG XL and deflated frames as well: [`decode_frame`].
    All,
}

/// Decodes one frame by [`Decoders::Common`].
///
/// A program that calls this one alone does not hold the other decoders. [`decoders`] tells in advance whether it will do.
///
/// # Errors
/// [`DecodeError::NotInThisModule`] where [`decode_frame`] is needed; else as [`decode_frame`].
pub fn decode_common(
    bytes: &[u8],
    transfer_syntax: &str,
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    decode_by(bytes, transfer_syntax, format, limits, common_codec)
}

fn decode_by(
    bytes: &[u8],
    transfer_syntax: &str,
    format: &PixelFormat,
    limits: &Limits,
    decode: impl Fn(&[u8], Codec, &PixelFormat, &Limits) -> Result<Frame, DecodeError>,
) -> Result<Frame, DecodeError> {
    let codec = transfer_syntax::codec(transfer_syntax).ok_or_else(|| {
        DecodeError::UnsupportedTransferSyntax {
            uid: transfer_syntax.to_owned(),
        }
    })?;
    match codec {
        Codec::LittleEndian | Codec::BigEndian => match decode(bytes, codec, format, limits) {
            Err(DecodeError::WrongLength { expected, actual }) => match sniff::codec(bytes) {
                Some(found) => decode(bytes, found, format, limits),
                None => Err(DecodeError::WrongLength { expected, actual }),
            },
            result => result,
        },
        Codec::Rle | Codec::Deflated => decode(bytes, codec, format, limits),
        // The same streams, but the label says what their colours were.
        Codec::JpegXlOfJpeg if sniff::codec(bytes) == Some(Codec::JpegXl) => {
            decode(bytes, codec, format, limits)
        }
        labelled => {
            let codec = sniff::codec(bytes).unwrap_or(labelled);
            decode(bytes, codec, format, limits)
        }
    }
}

fn common_codec(
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
        Codec::Jpeg2000 | Codec::HighThroughput => jpeg2000::decode(bytes, format, limits),
        Codec::Jpeg => jpeg::decode(bytes, format, limits),
        _ => Err(DecodeError::NotInThisModule),
    }
}

fn any_codec(
    bytes: &[u8],
    codec: Codec,
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    match codec {
        Codec::Deflated => deflated::decode(bytes, format, limits),
        Codec::JpegXl => jpeg_xl::decode(bytes, format, false, limits),
        Codec::JpegXlOfJpeg => jpeg_xl::decode(bytes, format, true, limits),
        other => common_codec(bytes, other, format, limits),
    }
}
