//! A decoded frame in the JavaScript heap: outside WASM memory, given back when it is dropped.

use crate::platform::body::keep_for_frame;
use crate::worker_message::Response;
use std::rc::Rc;
use viewer_core::decode::Disagreement;
use viewer_core::pixel::{Photometric, SampleType};
use viewer_core::volume::Tiling;

/// A decoded frame.
#[derive(Debug, Clone)]
pub struct StoredFrame {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Samples a pixel.
    pub samples_per_pixel: u16,
    /// Number type of a sample.
    pub sample_type: SampleType,
    /// Bits that carry a value.
    pub bits_stored: u16,
    /// What the samples mean.
    pub photometric: Photometric,
    /// The samples, little endian, interleaved.
    samples: Rc<Samples>,
}

/// What a worker gave.
#[derive(Debug)]
pub struct Decoded {
    /// The frame.
    pub frame: StoredFrame,
    /// Time that the decoder took, ms.
    pub decode_ms: f64,
    /// What the stream said otherwise than the attributes.
    pub disagreements: Vec<Disagreement>,
}

/// Samples in a buffer that nobody else reads: another frame is decoded into it once these are dropped.
#[derive(Debug)]
struct Samples(js_sys::Uint8Array);

impl Drop for Samples {
    fn drop(&mut self) {
        let buffer = self.0.buffer();
        if buffer.byte_length() == self.0.length() {
            keep_for_frame(buffer);
        }
    }
}

impl StoredFrame {
    /// From a worker's answer; the words of a failure, or `None` where header and bytes disagree.
    pub fn from_response(
        response: Response,
        buffer: Option<js_sys::ArrayBuffer>,
    ) -> Result<Decoded, String> {
        match response {
            Response::Failed { reason } => Err(reason),
            Response::NeedsAll | Response::Lost => Err("no worker has the decoder".to_owned()),
            Response::Frame {
                rows,
                columns,
                samples_per_pixel,
                sample_type,
                bits_stored,
                photometric,
                disagreements,
                decode_ms,
            } => {
                let buffer = buffer.ok_or("the decoder gave no pixels")?;
                // The buffer may be larger than the frame: it is the one that the bytes came in.
                let size = u32::try_from(sample_type.size_bytes()).unwrap_or(u32::MAX);
                let length = [columns, u32::from(samples_per_pixel), size]
                    .into_iter()
                    .try_fold(rows, u32::checked_mul)
                    .filter(|length| *length <= buffer.byte_length())
                    .ok_or("the decoder gave too few pixels")?;
                let samples =
                    js_sys::Uint8Array::new_with_byte_offset_and_length(&buffer, 0, length);
                let frame = Self {
                    rows,
                    columns,
                    samples_per_pixel,
                    sample_type,
                    bits_stored,
                    photometric,
                    samples: Rc::new(Samples(samples)),
                };
                Ok(Decoded {
                    frame,
                    decode_ms,
                    disagreements,
                })
            }
        }
    }

    /// Bytes of the samples.
    pub fn bytes(&self) -> usize {
        usize::try_from(self.array().length()).unwrap_or(usize::MAX)
    }

    /// The samples in a buffer of their own.
    pub fn copied(&self) -> js_sys::Uint8Array {
        self.array().slice(0, self.array().length())
    }

    /// The samples in WASM memory.
    pub fn to_vec(&self) -> Vec<u8> {
        self.array().to_vec()
    }

    /// Never kept: another frame is decoded into its buffer.
    fn array(&self) -> &js_sys::Uint8Array {
        &self.samples.0
    }

    /// One stored value; `None` outside the frame.
    pub fn sample(&self, column: u32, row: u32, sample: u16) -> Option<f64> {
        if column >= self.columns || row >= self.rows || sample >= self.samples_per_pixel {
            return None;
        }
        let index =
            (row * self.columns + column) * u32::from(self.samples_per_pixel) + u32::from(sample);
        let size = u32::try_from(self.sample_type.size_bytes()).ok()?;
        let bytes = self
            .array()
            .subarray(index * size, (index + 1) * size)
            .to_vec();
        viewer_core::pixel::format::sample_at(&bytes, self.sample_type, 0)
    }

    /// One slice of a mosaic; `None` where the frame is not of the size that its tiles make.
    pub fn part(&self, tiling: &Tiling, slice: usize, size: [u32; 2]) -> Option<Self> {
        let whole = [self.columns, self.rows];
        let sample_bytes = self.sample_type.size_bytes();
        let rows = tiling.rows(slice, size, whole, sample_bytes)?;
        let row_bytes = u32::try_from(sample_bytes).ok()?.checked_mul(size[0])?;
        let samples = js_sys::Uint8Array::new_with_length(row_bytes.checked_mul(size[1])?);
        let mut to = 0;
        for row in rows {
            let [from, end] = [row.start, row.end].map(|at| u32::try_from(at).ok());
            samples.set(&self.array().subarray(from?, end?), to);
            to += row_bytes;
        }
        let [columns, rows] = size;
        Some(Self {
            rows,
            columns,
            samples: Rc::new(Samples(samples)),
            ..self.clone()
        })
    }

    /// Copies the samples into `scratch`, which is reused from frame to frame.
    pub fn copy_into(&self, scratch: &mut Vec<u8>) {
        scratch.resize(self.bytes(), 0);
        self.array().copy_to(scratch);
    }
}
