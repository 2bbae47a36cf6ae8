//! The decode worker: bytes of an answer in, samples of a frame out.

#[path = "../worker_message.rs"]
mod worker_message;
#[path = "../platform/worker_side.rs"]
mod worker_side;

use protocol::dicomweb::multipart;
use viewer_core::decode::{Limits, decode_frame};
use viewer_core::pixel::Frame;
use worker_message::{Request, Response};

/// Explicit VR Little Endian: what an answer without a transfer syntax holds.
const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";

fn main() {
    console_error_panic_hook::set_once();
    worker_side::serve(|header, buffer| {
        let (response, bytes) = match serde_json::from_str(header) {
            Ok(request) => answer(request, buffer),
            Err(_) => (failed("the worker does not know this request"), None),
        };
        let header = serde_json::to_string(&response).unwrap_or_default();
        (header, bytes)
    });
}

fn failed(reason: &str) -> Response {
    Response::Failed {
        reason: reason.to_owned(),
    }
}

fn answer(request: Request, buffer: &js_sys::ArrayBuffer) -> (Response, Option<Vec<u8>>) {
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
    let body = js_sys::Uint8Array::new(buffer).to_vec();
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
    match decode_frame(part.body, syntax, &format, &Limits::default()) {
        Ok(frame) => {
            let decode_ms = worker_side::now_ms() - started;
            (described(&frame, decode_ms), Some(frame.data))
        }
        Err(error) => (failed(&error.to_string()), None),
    }
}

fn described(frame: &Frame, decode_ms: f64) -> Response {
    Response::Frame {
        rows: frame.rows,
        columns: frame.columns,
        samples_per_pixel: frame.samples_per_pixel,
        sample_type: frame.sample_type,
        bits_stored: frame.bits_stored,
        photometric: frame.photometric,
        decode_ms,
    }
}
