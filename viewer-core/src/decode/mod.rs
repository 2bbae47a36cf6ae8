//! Decoders: the bytes of one frame as stored to stored values.
//!
//! One entrance, [`decode_frame`]; which decoder it takes is decided by one table over the transfer
//! syntax. Every decoder checks [`Limits`] before it allocates.

pub mod limits;

use crate::pixel::{Frame, PixelFormat};
pub use limits::Limits;

/// Why a frame could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No codec for this transfer syntax is compiled into this build.
    #[error("unsupported transfer syntax {uid}")]
    UnsupportedTransferSyntax {
        /// Transfer Syntax UID.
        uid: String,
    },
    /// The header promises another amount of pixel data than the payload holds.
    #[error("pixel data has {actual} bytes, expected {expected}")]
    WrongLength {
        /// Bytes that the header asks for.
        expected: usize,
        /// Bytes that are there.
        actual: usize,
    },
}

/// Decodes one frame.
pub fn decode_frame(
    _bytes: &[u8],
    transfer_syntax: &str,
    _format: &PixelFormat,
    _limits: &Limits,
) -> Result<Frame, DecodeError> {
    Err(DecodeError::UnsupportedTransferSyntax { uid: transfer_syntax.into() })
}
