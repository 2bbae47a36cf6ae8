//! The plane worker's side of the conversation.
//!
//! The worker's program takes in this file by its path and nothing else of the app, so that its module stays small.

use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;

fn scope() -> web_sys::DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Milliseconds since the worker started.
pub fn now_ms() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}

/// Hears messages: a header, and bytes if there are any.
pub fn listen(hear: impl Fn(&str, Vec<u8>) + 'static) {
    let on_message =
        Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            let parts = js_sys::Array::from(&event.data());
            let header = parts.get(0).as_string().unwrap_or_default();
            let buffer: Option<js_sys::ArrayBuffer> = parts.get(1).dyn_into().ok();
            let bytes = buffer.map(|buffer| js_sys::Uint8Array::new(&buffer).to_vec());
            hear(&header, bytes.unwrap_or_default());
        });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
}

/// Says something to the page; bytes are handed over.
pub fn say(header: &str, bytes: Option<&[u8]>) {
    let message = js_sys::Array::of1(&header.into());
    let transfer = js_sys::Array::new();
    if let Some(bytes) = bytes {
        let buffer = js_sys::Uint8Array::from(bytes).buffer();
        message.push(&buffer);
        transfer.push(&buffer);
    }
    // The page that asked is gone when this fails.
    let _ = scope().post_message_with_transfer(&message, &transfer);
}

/// Lets messages in that came meanwhile. A timer would wait for milliseconds; a message to itself does not.
pub struct Doorway {
    port: Option<web_sys::MessagePort>,
    waiting: Rc<RefCell<Option<js_sys::Function>>>,
    _on_message: Closure<dyn FnMut()>,
}

impl Doorway {
    /// A doorway of its own.
    pub fn new() -> Self {
        let waiting: Rc<RefCell<Option<js_sys::Function>>> = Rc::default();
        let resolve = Rc::clone(&waiting);
        let on_message = Closure::<dyn FnMut()>::new(move || {
            let resolve = resolve.borrow_mut().take();
            if let Some(resolve) = resolve {
                // Resolving functions of a promise do not throw.
                let _ = resolve.call0(&wasm_bindgen::JsValue::NULL);
            }
        });
        let channel = web_sys::MessageChannel::new().ok();
        let port = channel.map(|channel| {
            let listener = on_message.as_ref().unchecked_ref();
            channel.port1().set_onmessage(Some(listener));
            channel.port2()
        });
        Self {
            port,
            waiting,
            _on_message: on_message,
        }
    }

    /// Ends after the messages that came before.
    pub async fn open(&self) {
        let Some(port) = &self.port else { return };
        let promise = js_sys::Promise::new(&mut |resolve, _| {
            *self.waiting.borrow_mut() = Some(resolve);
        });
        if port.post_message(&wasm_bindgen::JsValue::NULL).is_ok() {
            let _ = JsFuture::from(promise).await;
        }
    }
}
