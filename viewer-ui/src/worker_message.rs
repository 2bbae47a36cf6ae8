//! What the page and its decode workers say to each other: a header in JSON beside the bytes.

use serde::{Deserialize, Serialize};
use viewer_core::decode::Disagreement;
use viewer_core::pixel::{Photometric, PixelFormat, SampleType};

/// A job for a decode worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Takes the frame out of an answer's body and decodes it.
    Decode {
        /// `Content-Type` of the answer, with boundary and transfer syntax.
        content_type: String,
        /// Transfer syntax by the metadata, where the answer says none.
        transfer_syntax: Option<String>,
        /// Shape of the frame.
        format: PixelFormat,
    },
    /// Breaks down: how tests see that a broken worker is replaced.
    Trap,
}

/// A worker's answer; the frame's samples travel beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// The frame.
    Frame {
        /// Rows.
        rows: u32,
        /// Columns.
        columns: u32,
        /// Samples a pixel.
        samples_per_pixel: u16,
        /// Number type of a sample.
        sample_type: SampleType,
        /// Bits that carry a value.
        bits_stored: u16,
        /// What the samples mean.
        photometric: Photometric,
        /// What the stream says otherwise than the attributes.
        disagreements: Vec<Disagreement>,
        /// Time that the decoder took, ms.
        decode_ms: f64,
    },
    /// This worker's module lacks the decoder: the request's bytes are given back, another worker is to take
    /// them.
    NeedsAll,
    /// The video worker does not keep this video any more.
    Lost,
    /// No frame, in words.
    Failed {
        /// Why.
        reason: String,
    },
}
