//! Listeners of the API's events.

use crate::engine::waiting::Told;
use js_sys::{Function, Object, Reflect};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

/// Names of the events, as the contract has them.
pub const EVENTS: [&str; 10] = [
    "ready",
    "firstimage",
    "complete",
    "viewportchanged",
    "measurement",
    "error",
    "idle",
    "sessionexpiring",
    "login",
    "logout",
];

#[derive(Default)]
struct Inner {
    next: u32,
    list: Vec<(u32, String, Function)>,
}

/// All listeners; clones share them.
#[derive(Clone, Default)]
pub struct Listeners(Rc<RefCell<Inner>>);

impl Listeners {
    /// Adds a listener; the function that comes back takes it away.
    pub fn add(&self, event: &str, listener: Function) -> JsValue {
        let id = {
            let mut inner = self.0.borrow_mut();
            inner.next += 1;
            let id = inner.next;
            inner.list.push((id, event.to_owned(), listener));
            id
        };
        let listeners = self.clone();
        Closure::<dyn Fn()>::new(move || {
            listeners
                .0
                .borrow_mut()
                .list
                .retain(|(other, ..)| *other != id);
        })
        .into_js_value()
    }

    /// Calls the listeners of an event. What one of them throws does not reach the others.
    pub fn call(&self, event: &str, detail: &JsValue) {
        let called: Vec<Function> = self
            .0
            .borrow()
            .list
            .iter()
            .filter(|(_, name, _)| name == event)
            .map(|(.., listener)| listener.clone())
            .collect();
        for listener in called {
            if let Err(error) = listener.call1(&JsValue::NULL, detail) {
                web_sys::console::error_2(&"a listener threw".into(), &error);
            }
        }
    }

    /// Tells of something in the engine.
    pub fn tell(&self, told: &Told) {
        let detail = Object::new();
        let set = |name: &str, value: JsValue| {
            // A plain object takes every property.
            let _ = Reflect::set(&detail, &name.into(), &value);
        };
        let event = match told {
            Told::FirstImage { ms } => {
                set("ms", (*ms).into());
                "firstimage"
            }
            Told::Complete => "complete",
            Told::ViewportChanged => "viewportchanged",
            Told::Error(error) => {
                set("code", (&*error.code).into());
                set("message", (&*error.message).into());
                "error"
            }
        };
        self.call(event, &detail);
    }
}
