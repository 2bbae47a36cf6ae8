//! The decode worker's side of the conversation: a message in, an answer out, both by transfer.
//!
//! The worker's program takes in this file and `worker_message.rs` by their paths and nothing else of the
//! app, so that its module stays small: a library's exports would all be linked into it.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// Milliseconds since the worker started.
pub fn now_ms() -> f64 {
    let scope: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
    scope.performance().map_or(0.0, |clock| clock.now())
}

/// The decode worker's side: answers each message by `work`.
pub fn serve(work: impl Fn(&str, &js_sys::Uint8Array) -> (String, Option<Vec<u8>>) + 'static) {
    let scope: web_sys::DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let answer_scope = scope.clone();
    let on_message =
        Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            let parts = js_sys::Array::from(&event.data());
            let header = parts.get(0).as_string().unwrap_or_default();
            let request = parts
                .get(1)
                .dyn_into()
                .unwrap_or_else(|_| js_sys::Uint8Array::new_with_length(0));
            let room = parts.get(2).dyn_into().ok();
            let (header, bytes) = work(&header, &request);
            let message = js_sys::Array::of1(&header.into());
            let transfer = js_sys::Array::new();
            for buffer in hand_over(bytes.as_deref(), request.buffer(), room) {
                message.push(&buffer);
                transfer.push(&buffer);
            }
            // The page that asked is gone when this fails.
            let _ = answer_scope.post_message_with_transfer(&message, &transfer);
        });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    // An empty message: this worker has started.
    let _ = scope.post_message(&js_sys::Array::new());
}

/// What goes back: the buffer that holds the bytes, and the request's own where it is another one. Nothing that
/// came is left to this worker's collector, which seldom comes by, but for `room` where it is of another length than the bytes.
fn hand_over(
    bytes: Option<&[u8]>,
    request: js_sys::ArrayBuffer,
    room: Option<js_sys::ArrayBuffer>,
) -> impl Iterator<Item = js_sys::ArrayBuffer> {
    let Some(bytes) = bytes else {
        return [None, None].into_iter().flatten();
    };
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let room = room.filter(|room| room.byte_length() == length);
    if room.is_none() && length <= request.byte_length() {
        js_sys::Uint8Array::new_with_byte_offset_and_length(&request, 0, length).copy_from(bytes);
        return [Some(request), None].into_iter().flatten();
    }
    let made = room.unwrap_or_else(|| js_sys::ArrayBuffer::new(length));
    js_sys::Uint8Array::new(&made).copy_from(bytes);
    [Some(made), Some(request)].into_iter().flatten()
}
