//! What a decode worker does: bytes of an answer in, samples of a frame out.
//!
//! Two programs take this file in by its path: one with the decoders that most images need, so that the
//! first image is not kept waiting by the others, and one with all of them.

use protocol::dicomweb::multipart;
use viewer_core::decode::{DecodeError, Disagreement, Limits, disagreements};
use viewer_core::pixel::{Frame, PixelFormat};

use crate::worker_message::{Request, Response};
use crate::worker_side;

/// A decoder of `viewer_core::decode`: bytes, transfer syntax, shape, limits.
pub type Decode = fn(&[u8], &str, &PixelFormat, &Limits) -> Result<Frame, DecodeError>;

/// Explicit VR Little Endian: what an answer without a transfer syntax holds.
const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";

/// Answers every request by `decode`.
pub fn run(decode: Decode) {
    console_error_panic_hook::set_once();
    worker_side::serve(move |header, bytes| {
        let (response, samples) = match serde_json::from_str(header) {
            Ok(request) => answer(decode, request, bytes),
            Err(_) => (failed("the worker does not know this request"), None),
        };
        let header = serde_json::to_string(&response).unwrap_or_default();
        (header, samples)
    });
}

fn failed(reason: &str) -> Response {
    Response::Failed {
        reason: reason.to_owned(),
    }
}

fn answer(
    decode: Decode,
    request: Request,
    bytes: &js_sys::Uint8Array,
) -> (Response, Option<Vec<u8>>) {
    let Request::Decode {
        content_type,
        transfer_syntax,
        format,
    } = request
    else {
        // Only a test asks for this: it has to end the instance as a broken decoder would.
        #[expect(clippy::panic, reason = "the request is to break down")]
        {
            panic!("asked to break down");
        }
    };
    let started = worker_side::now_ms();
    let body = bytes.to_vec();
    let parts = match multipart::parse(&content_type, &body) {
        Ok(parts) => parts,
        Err(error) => return (failed(&error.to_string()), None),
    };
    let Some(part) = parts.first() else {
        return (failed("the server's answer holds no frame"), None);
    };
    let syntax = part
        .transfer_syntax
        .as_deref()
        .or(transfer_syntax.as_deref())
        .unwrap_or(EXPLICIT_VR_LITTLE_ENDIAN);
    match decode(part.body, syntax, &format, &Limits::default()) {
        Ok(frame) => {
            let told = disagreements(part.body, syntax, &format, &frame);
            let decode_ms = worker_side::now_ms() - started;
            (described(&frame, told, decode_ms), Some(frame.data))
        }
        // The bytes go back, for a worker of the other module.
        Err(DecodeError::NotInThisModule) => (Response::NeedsAll, Some(body)),
        Err(error) => (failed(&error.to_string()), None),
    }
}

fn described(frame: &Frame, disagreements: Vec<Disagreement>, decode_ms: f64) -> Response {
    Response::Frame {
        rows: frame.rows,
        columns: frame.columns,
        samples_per_pixel: frame.samples_per_pixel,
        sample_type: frame.sample_type,
        bits_stored: frame.bits_stored,
        photometric: frame.photometric,
        disagreements,
        decode_ms,
    }
}
