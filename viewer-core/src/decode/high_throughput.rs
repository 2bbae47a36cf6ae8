//! HTJ2K.
use super::{DecodeError, Limits};
use crate::pixel::{Frame, PixelFormat};

/// Decodes one HTJ2K frame.
pub(super) fn decode(_: &[u8], _: &PixelFormat, _: &Limits) -> Result<Frame, DecodeError> {
    Err(DecodeError::UnsupportedFeature {
        codec: "HTJ2K",
        feature: "the block coder",
    })
}
