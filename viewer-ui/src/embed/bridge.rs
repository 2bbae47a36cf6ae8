//! The frame's side of `<sagitta-viewer>`: calls of the parent page, answered by the API.
//!
//! Heard is only the parent window itself, from an allowed origin, with typed and versioned messages.
//! While the gateway listens on loopback and no allow-list is configured, parents on loopback are
//! allowed; every other one is ignored.

use super::listeners::{EVENTS, Listeners};
use crate::platform::page;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// Name and version in every message.
const NAME: &str = "sagitta";
const VERSION: f64 = 1.0;
/// Methods that a parent may call.
const METHODS: [&str; 16] = [
    "open",
    "close",
    "setLayout",
    "viewports",
    "setSlice",
    "setWindow",
    "setPlane",
    "setView",
    "probe",
    "pixels",
    "planeValues",
    "capture",
    "fuse",
    "setTime",
    "complete",
    "stats",
];

/// True for an origin that may frame and drive the viewer.
fn is_allowed(origin: &str, own: &str) -> bool {
    origin == own || (is_loopback(own) && is_loopback(origin))
}

/// `http://localhost` or `http://127.0.0.1`, any port.
fn is_loopback(origin: &str) -> bool {
    ["http://localhost", "http://127.0.0.1"].iter().any(|host| {
        origin.strip_prefix(host).is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix(':').is_some_and(|port| {
                    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
                })
        })
    })
}

fn parent() -> Option<web_sys::Window> {
    let window = web_sys::window()?;
    let parent = window.parent().ok().flatten()?;
    (!Object::is(&parent, &window)).then_some(parent)
}

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn message() -> Object {
    let object = Object::new();
    put(&object, NAME, &VERSION.into());
    object
}

fn put(object: &Object, name: &str, value: &JsValue) {
    // A plain object takes every property.
    let _ = Reflect::set(object, &name.into(), value);
}

/// Listens to the parent, where there is one.
pub fn listen(api: JsValue, listeners: &Listeners) {
    let Some(parent) = parent() else { return };
    let listeners = listeners.clone();
    let greeted = std::cell::Cell::new(false);
    let closure =
        Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            let data = event.data();
            let is_parent = event
                .source()
                .is_some_and(|source| Object::is(&source, &parent));
            let origin = event.origin();
            if !is_parent
                || !is_allowed(&origin, &page::origin())
                || get(&data, NAME).as_f64() != Some(VERSION)
            {
                return;
            }
            if get(&data, "hello").is_truthy() {
                if !greeted.replace(true) {
                    forward_events(&listeners, &parent, &origin);
                }
                let answer = message();
                put(&answer, "ready", &true.into());
                // A parent that is gone hears nothing.
                let _ = parent.post_message(&answer, &origin);
                return;
            }
            let Some(method) = get(&data, "method").as_string() else {
                return;
            };
            if METHODS.contains(&method.as_str()) {
                let call = answer(api.clone(), method, get(&data, "args"), get(&data, "id"));
                let (parent, origin) = (parent.clone(), origin);
                spawn_local(async move {
                    let (answer, transfer) = call.await;
                    let _ = parent.post_message_with_transfer(&answer, &origin, &transfer);
                });
            }
        });
    if let Some(window) = web_sys::window() {
        let listener = closure.as_ref().unchecked_ref();
        let _ = window.add_event_listener_with_callback("message", listener);
    }
    // The page listens for as long as it lives.
    closure.forget();
}

fn forward_events(listeners: &Listeners, parent: &web_sys::Window, origin: &str) {
    for event in EVENTS {
        let (parent, origin) = (parent.clone(), origin.to_owned());
        let closure = Closure::<dyn Fn(JsValue)>::new(move |detail: JsValue| {
            let told = message();
            put(&told, "event", &event.into());
            put(&told, "detail", &detail);
            let _ = parent.post_message(&told, &origin);
        });
        listeners.add(event, closure.into_js_value().unchecked_into());
    }
}

/// Calls a method and waits for what it gives; the answer, and what travels by transfer.
async fn answer(api: JsValue, method: String, args: JsValue, id: JsValue) -> (Object, Array) {
    let (reply, transfer) = (message(), Array::new());
    put(&reply, "id", &id);
    let function: Result<Function, _> = get(&api, &method).dyn_into();
    let args = if args.is_array() {
        Array::from(&args)
    } else {
        Array::new()
    };
    let result = match function {
        Ok(function) => function.apply(&api, &args),
        Err(_) => Err(JsValue::UNDEFINED),
    };
    let result = match result {
        Ok(value) => match value.dyn_into::<Promise>() {
            Ok(promise) => JsFuture::from(promise).await,
            Err(value) => Ok(value),
        },
        Err(error) => Err(error),
    };
    match result {
        Ok(value) => {
            let data = get(&value, "data");
            if let Some(array) = data.dyn_ref::<js_sys::Object>()
                && js_sys::ArrayBuffer::is_view(array)
            {
                transfer.push(&get(array, "buffer"));
            }
            put(&reply, "value", &value);
        }
        Err(error) => {
            let words = Object::new();
            let code = get(&error, "code")
                .as_string()
                .unwrap_or_else(|| "failed".into());
            let text = get(&error, "message")
                .as_string()
                .unwrap_or_else(|| "the call failed".into());
            put(&words, "code", &code.into());
            put(&words, "message", &text.into());
            put(&reply, "error", &words);
        }
    }
    (reply, transfer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_on_loopback_hears_parents_on_loopback_and_no_others() {
        let own = "http://127.0.0.1:8080";
        for good in ["http://localhost:3000", "http://127.0.0.1", own] {
            assert!(is_allowed(good, own), "{good}");
        }
        for bad in [
            "https://localhost.example.org",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org:80",
            "http://localhost:80x",
            "null",
        ] {
            assert!(!is_allowed(bad, own), "{bad}");
        }
    }

    #[test]
    fn a_viewer_elsewhere_hears_its_own_origin_alone() {
        let own = "https://viewer.example.org";
        assert!(is_allowed(own, own));
        assert!(!is_allowed("http://localhost:3000", own));
    }
}
