//! Why a frame could not be decoded.

use super::transfer_syntax::refusal;

/// Why a frame could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No codec for this transfer syntax is compiled into this build.
    #[error("{}", refusal(uid))]
    UnsupportedTransferSyntax {
        /// Transfer Syntax UID.
        uid: String,
    },
    /// The decoder is left out of this set ([`super::Decoders`]); [`super::decode_frame`] has it.
    #[error("this module does not hold the decoder")]
    NotInThisModule,
    /// The codec is there, but the stream uses a part of it that is not.
    #[error("{codec}: {feature} is not supported")]
    UnsupportedFeature {
        /// Name of the codec.
        codec: &'static str,
        /// What the stream uses.
        feature: &'static str,
    },
    /// The header promises another amount of pixel data than the payload holds.
    #[error("pixel data has {actual} bytes, expected {expected}")]
    WrongLength {
        /// Bytes that the header asks for.
        expected: usize,
        /// Bytes that are there.
        actual: usize,
    },
    /// The Image Pixel attributes are impossible or contradict each other.
    #[error("impossible image attribute: {attribute}")]
    ImpossibleFormat {
        /// Name of the attribute.
        attribute: &'static str,
    },
    /// The frame would cost more than [`super::Limits`] allows.
    #[error("frame needs {needed} {unit}, limit is {limit}")]
    TooLarge {
        /// What the frame asks for.
        needed: u64,
        /// What is allowed.
        limit: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// Code stream and DICOM attributes describe different images.
    #[error("{codec}: code stream has {stream} {what}, image attributes say {header}")]
    Mismatch {
        /// Name of the codec.
        codec: &'static str,
        /// What is counted.
        what: &'static str,
        /// The code stream's number.
        stream: u32,
        /// The number of the DICOM attribute.
        header: u32,
    },
    /// The compressed data breaks the rules of its codec or ends early.
    #[error("{codec}: {reason}")]
    Corrupt {
        /// Name of the codec.
        codec: &'static str,
        /// What is wrong.
        reason: String,
    },
}
