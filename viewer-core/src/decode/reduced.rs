//! Frames in a lower resolution, or as far as they have come.
//!
//! JPEG 2000 keeps an image as a series of resolutions, each half as wide and high as the next one.
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex B.5.

use super::jpeg2000::{self, Wanted};
use super::transfer_syntax::{self, Codec};
use super::{DecodeError, Limits, decode_common, sniff};
use crate::pixel::{Frame, PixelFormat};

/// How much smaller than it is a frame is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reduction {
    /// As it is.
    Whole,
    /// Half of its rows and columns.
    Half,
    /// A quarter of them.
    Quarter,
    /// An eighth.
    Eighth,
}

impl Reduction {
    /// How many resolutions are left out.
    pub(super) fn levels(self) -> u32 {
        match self {
            Self::Whole => 0,
            Self::Half => 1,
            Self::Quarter => 2,
            Self::Eighth => 3,
        }
    }
}

/// Whether a frame is made of all that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Nothing is missing.
    Whole,
    /// The stream ends early: what is missing was taken for zero, before the wavelet transform.
    Partial,
}

/// Decodes a frame of JPEG 2000 or HTJ2K in a lower resolution, and as far as it is there.
///
/// Rows and columns are halved for each level; halves are rounded up, where the image lies at the corner of the
/// stream's reference grid. A `Partial` frame is fit to be looked at until the whole one comes, not to be read.
///
/// # Errors
/// As [`super::decode_frame`]; where the stream has fewer levels than `reduction` asks for; where a reduction of
/// another codec is asked for.
pub fn decode_reduced(
    bytes: &[u8],
    transfer_syntax: &str,
    format: &PixelFormat,
    limits: &Limits,
    reduction: Reduction,
) -> Result<(Frame, Completeness), DecodeError> {
    let labelled = transfer_syntax::codec(transfer_syntax);
    match sniff::codec(bytes).or(labelled) {
        Some(Codec::Jpeg2000 | Codec::HighThroughput) => {
            let wanted = Wanted {
                reduction,
                may_end_early: true,
            };
            jpeg2000::decode_wanted(bytes, format, limits, wanted)
        }
        _ if reduction == Reduction::Whole => decode_common(bytes, transfer_syntax, format, limits)
            .map(|frame| (frame, Completeness::Whole)),
        _ => Err(DecodeError::UnsupportedFeature {
            codec: transfer_syntax::name(transfer_syntax).unwrap_or("this transfer syntax"),
            feature: "a reduced resolution",
        }),
    }
}
