//! The frame's side of `<sagitta-viewer>`: calls of the parent page, answered by the API.
//!
//! Heard is only the parent window itself, from an allowed origin, with typed and versioned messages. Every call is acknowledged
//! when it comes and answered when it is done, also where it cannot be done; everybody else gets silence.

use super::listeners::{EVENTS, Listeners};
use super::{frame, message};
use crate::engine::waiting::ViewerError;
use crate::platform::page;
use js_sys::{Array, Function, Object, Promise, Reflect};
use protocol::gateway::Framing;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// Listens to the parent, where there is one.
pub fn listen(api: JsValue, listeners: &Listeners, framing: Framing) {
    let Some(parent) = frame::parent() else {
        return;
    };
    let listeners = listeners.clone();
    let greeted = std::cell::Cell::new(false);
    frame::on_message(move |event| {
        let data = event.data();
        let origin = event.origin();
        if !frame::is_from(&event, &parent)
            || !frame::is_allowed(&origin, &page::origin(), &framing)
            || message::version(&data).is_none()
        {
            return;
        }
        let id = message::get(&data, "id");
        let answer = |error: ViewerError| {
            let reply = failed(&id, &error.into());
            // A parent that is gone hears nothing.
            let _ = parent.post_message(&reply, &origin);
        };
        if !message::is_ours(&data) {
            let words = "this viewer speaks version 1";
            answer(ViewerError::new("unsupported", words));
            return;
        }
        if message::get(&data, "hello").is_truthy() {
            if !greeted.replace(true) {
                forward_events(&listeners, &parent, &origin);
            }
            let ready = message::new();
            message::put(&ready, "ready", &true.into());
            let _ = parent.post_message(&ready, &origin);
            return;
        }
        let Some(method) = message::get(&data, "method").as_string() else {
            answer(ViewerError::new("bad_argument", "a call names its method"));
            return;
        };
        if id.as_f64().is_none() {
            answer(ViewerError::new("bad_argument", "a call has a number"));
            return;
        }
        let ack = message::new();
        message::put(&ack, "ack", &id);
        let _ = parent.post_message(&ack, &origin);
        match message::arguments(&method, &message::get(&data, "args")) {
            Err(error) => answer(error),
            Ok(arguments) => {
                let call = carry_out(api.clone(), method, arguments, id);
                let (parent, origin) = (parent.clone(), origin);
                spawn_local(async move {
                    let (reply, transfer) = call.await;
                    let _ = parent.post_message_with_transfer(&reply, &origin, &transfer);
                });
            }
        }
    });
}

fn forward_events(listeners: &Listeners, parent: &web_sys::Window, origin: &str) {
    for event in EVENTS {
        let (parent, origin) = (parent.clone(), origin.to_owned());
        let closure = Closure::<dyn Fn(JsValue)>::new(move |detail: JsValue| {
            let told = message::new();
            message::put(&told, "event", &event.into());
            message::put(&told, "detail", &detail);
            let _ = parent.post_message(&told, &origin);
        });
        listeners.add(event, closure.into_js_value().unchecked_into());
    }
}

fn failed(id: &JsValue, error: &JsValue) -> Object {
    let reply = message::new();
    message::put(&reply, "id", id);
    let words = Object::new();
    for (name, otherwise) in [("code", "failed"), ("message", "the call failed")] {
        let text = message::get(error, name).as_string();
        let text = text.unwrap_or_else(|| otherwise.into());
        message::put(&words, name, &text.into());
    }
    message::put(&reply, "error", &words);
    reply
}

/// Calls a method and waits for what it gives; the answer, and what travels by transfer.
async fn carry_out(api: JsValue, method: String, arguments: Array, id: JsValue) -> (Object, Array) {
    let transfer = Array::new();
    let function: Result<Function, _> = message::get(&api, &method).dyn_into();
    let result = match function {
        Ok(function) => function.apply(&api, &arguments),
        Err(_) => Err(JsValue::UNDEFINED),
    };
    let result = match result {
        Ok(value) => match value.dyn_into::<Promise>() {
            Ok(promise) => JsFuture::from(promise).await,
            Err(value) => Ok(value),
        },
        Err(error) => Err(error),
    };
    let value = match result {
        Ok(value) => value,
        Err(error) => return (failed(&id, &error), transfer),
    };
    let reply = message::new();
    message::put(&reply, "id", &id);
    for name in ["data", "values"] {
        let data = message::get(&value, name);
        if data.is_object() && js_sys::ArrayBuffer::is_view(data.unchecked_ref()) {
            let buffer = Reflect::get(&data, &"buffer".into());
            transfer.push(&buffer.unwrap_or(JsValue::UNDEFINED));
        }
    }
    message::put(&reply, "value", &value);
    (reply, transfer)
}
