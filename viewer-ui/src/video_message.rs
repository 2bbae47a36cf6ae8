//! What the page asks of the worker that decodes videos. Its answer is that of a decode worker.

use serde::{Deserialize, Serialize};

/// One frame of a video. The whole bit stream travels beside the first request for a video, which the worker keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoRequest {
    /// Names the video; chosen by the page.
    pub video: String,
    /// `Content-Type` of the answer that travels beside it, with its boundary; empty where none does.
    pub content_type: String,
    /// From 0, in the order of presentation.
    pub frame_index: usize,
    /// Rows of the image by its attributes.
    pub rows: u32,
    /// Columns of the image by its attributes.
    pub columns: u32,
}
