//! Bodies of answers, read into buffers of ours, which are used again.
//!
//! What `arrayBuffer()` of an answer makes stays until the collector comes by, here or in the worker that it was
//! handed to: long after a series has been loaded, with as many bytes as came over the wire.

use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamByobReader, ReadableStreamReadResult};

/// Room is made in advance for bodies of at most this length.
const MOST_IN_ADVANCE: u32 = 64 << 20;
/// Buffers that wait for another body, and their bytes.
const MOST_SPARES: usize = 16;
const MOST_SPARE_BYTES: u32 = 16 << 20;

thread_local! {
    static SPARES: RefCell<Vec<ArrayBuffer>> = const { RefCell::new(Vec::new()) };
    /// Of frames that were dropped, all of one length, for those that workers decode next.
    static FRAMES: RefCell<Vec<ArrayBuffer>> = const { RefCell::new(Vec::new()) };
}

/// Takes back the buffer of a decoded frame that nobody reads any more. The collector would leave hundreds of them in memory
/// while slices of a volume beyond memory come and go.
pub fn keep_for_frame(buffer: ArrayBuffer) {
    FRAMES.with_borrow_mut(|frames| {
        let length = buffer.byte_length();
        frames.retain(|it| it.byte_length() == length);
        let count = u32::try_from(frames.len() + 1).unwrap_or(u32::MAX);
        if frames.len() < MOST_SPARES && length.saturating_mul(count) <= MOST_SPARE_BYTES {
            frames.push(buffer);
        }
    });
}

/// A buffer for the next frame that is decoded: right where it is as long as the frame.
pub(super) fn room_for_frame() -> Option<ArrayBuffer> {
    FRAMES.with_borrow_mut(Vec::pop)
}

/// Takes back a buffer that nobody reads any more.
pub(super) fn keep_spare(buffer: ArrayBuffer) {
    SPARES.with_borrow_mut(|spares| {
        let bytes: u32 = spares.iter().map(ArrayBuffer::byte_length).sum();
        let length = buffer.byte_length();
        if length > 0
            && spares.len() < MOST_SPARES
            && length <= MOST_SPARE_BYTES.saturating_sub(bytes)
        {
            spares.push(buffer);
        }
    });
}

/// A buffer for a body of a length: a spare one or a new one. Their lengths go in steps of an eighth, as memory is
/// given out, so that the images of a series fit into each other's buffers.
fn room_for_body(length: u32) -> Result<Uint8Array, JsValue> {
    let step = ((length.next_power_of_two() / 2) / 8).max(1);
    let capacity = length.next_multiple_of(step);
    let spare = SPARES.with_borrow_mut(|spares| {
        let place = spares.iter().position(|it| it.byte_length() == capacity);
        // Where images are of another size now, the old buffers make way for theirs.
        if place.is_none() && spares.len() == MOST_SPARES {
            spares.remove(0);
        }
        place.map(|place| spares.swap_remove(place))
    });
    spare.map_or_else(|| room(capacity), |spare| Ok(Uint8Array::new(&spare)))
}

/// The same bytes in a buffer that is handed to a worker.
pub(super) fn copy_for_worker(bytes: &Uint8Array) -> Result<Uint8Array, JsValue> {
    let length = bytes.length();
    let copy = room_for_body(length)?.subarray(0, length);
    copy.set(bytes, 0);
    Ok(copy)
}

/// The whole body of an answer.
pub(super) async fn read(answer: &web_sys::Response) -> Result<Uint8Array, JsValue> {
    let Some((reader, length)) = reader_of(answer) else {
        let body = JsFuture::from(answer.array_buffer()?).await?;
        return Ok(Uint8Array::new(&body));
    };
    let mut bytes = room_for_body(length)?;
    // Reading ends here, but for bodies that are longer than the server told.
    let mut end = length;
    let mut filled = 0;
    loop {
        if filled == end {
            // Most bodies end here: a byte more is asked for before there is room for many. A server that
            // compresses tells the length of what it sends, not of what comes out.
            let more = step(&reader, &room(1)?).await?;
            if more.length() == 0 {
                return Ok(bytes.subarray(0, filled));
            }
            let longer = room(filled.saturating_mul(2).max(65_536))?;
            longer.set(&bytes.subarray(0, filled), 0);
            longer.set(&more, filled);
            end = longer.length();
            bytes = longer;
            filled += 1;
        }
        let read = step(&reader, &bytes.subarray(filled, end)).await?;
        // The buffer has moved into a new object.
        bytes = Uint8Array::new(&read.buffer());
        if read.length() == 0 {
            return Ok(bytes.subarray(0, filled));
        }
        filled += read.length();
    }
}

/// A reader into buffers of ours, and the length that the server tells; `None` where either is not to be had.
fn reader_of(answer: &web_sys::Response) -> Option<(ReadableStreamByobReader, u32)> {
    let length = answer.headers().get("content-length").ok()??;
    let length = length.parse().ok()?;
    if !(1..=MOST_IN_ADVANCE).contains(&length) {
        return None;
    }
    // Browsers whose bodies are no streams of bytes refuse; such a body can still be read otherwise.
    let reader = ReadableStreamByobReader::new(&answer.body()?).ok()?;
    Some((reader, length))
}

/// Reads once: what came, in the buffer that was given; nothing at the end.
async fn step(reader: &ReadableStreamByobReader, view: &Uint8Array) -> Result<Uint8Array, JsValue> {
    let result = JsFuture::from(reader.read_with_array_buffer_view(view)).await?;
    let result: ReadableStreamReadResult = result.unchecked_into();
    result.get_value().dyn_into()
}

/// A buffer of zeros; an error where there is no memory for it.
fn room(length: u32) -> Result<Uint8Array, JsValue> {
    let constructor = js_sys::Reflect::get(&js_sys::global(), &"Uint8Array".into())?;
    let constructor: js_sys::Function = constructor.dyn_into()?;
    let arguments = js_sys::Array::of1(&length.into());
    js_sys::Reflect::construct(&constructor, &arguments)?.dyn_into()
}
