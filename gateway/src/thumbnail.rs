//! Draws one frame small, by the same code that draws where there is no GPU.

use protocol::dicomweb::json::Dataset;
use viewer_core::decode::Limits;

use crate::source::folder::frames::StoredPixels;
use crate::uncompressed::UncompressedError;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThumbnailError {
    /// The frame cannot be decoded.
    #[error(transparent)]
    Frame(#[from] UncompressedError),
    /// PNG cannot be written.
    #[error("the picture cannot be written")]
    Png,
}

/// A PNG whose longest edge is `size` pixels; `number` is the frame, from 1.
pub fn png(
    _stored: &[u8],
    _pixels: &StoredPixels,
    _dataset: &Dataset,
    _number: u32,
    _size: u32,
    _limits: &Limits,
) -> Result<Vec<u8>, ThumbnailError> {
    Err(ThumbnailError::Png)
}
