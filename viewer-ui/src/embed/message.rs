//! Messages between a frame and the page around it: named, versioned, plain objects; and what each method takes.

use crate::engine::waiting::ViewerError;
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::JsValue;

/// Name and version in every message.
const NAME: &str = "sagitta";
const VERSION: f64 = 1.0;

/// What an argument must be. What is optional may be missing, `undefined` or `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number from 0.
    Index,
    /// A number.
    Number,
    /// A text.
    Text,
    /// An object.
    Object,
    /// A whole number from 0, or nothing.
    OptionalIndex,
    /// A text, or nothing.
    OptionalText,
    /// An object, or nothing.
    OptionalObject,
}

use Kind::{Index, Number, OptionalIndex, OptionalObject, OptionalText, Text};

/// Methods that a parent may call, and what they take.
const METHODS: [(&str, &[Kind]); 18] = [
    ("open", &[Kind::Object]),
    ("close", &[]),
    ("setLayout", &[Text]),
    ("viewports", &[]),
    ("setSlice", &[Index, Index]),
    ("setWindow", &[Index, Kind::Object]),
    ("setPlane", &[Index, Kind::Object]),
    ("setView", &[Index, Kind::Object]),
    ("probe", &[Index, Number, Number]),
    (
        "pixels",
        &[Text, Index, OptionalText, OptionalText, OptionalText],
    ),
    ("planeValues", &[Index, OptionalIndex, OptionalIndex]),
    ("capture", &[Index]),
    ("fuse", &[Index, OptionalText, OptionalObject]),
    ("setTime", &[Index, Index]),
    ("complete", &[OptionalText]),
    ("stats", &[]),
    ("signIn", &[Text]),
    ("setAppearance", &[Kind::Object]),
];

/// An empty message.
pub fn new() -> Object {
    let object = Object::new();
    put(&object, NAME, &VERSION.into());
    object
}

/// Adds to a message.
pub fn put(object: &Object, name: &str, value: &JsValue) {
    // A plain object takes every property.
    let _ = Reflect::set(object, &name.into(), value);
}

/// Reads a property; undefined where there is none.
pub fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// The version of a message; `None` where it is none of ours.
pub fn version(data: &JsValue) -> Option<f64> {
    get(data, NAME).as_f64()
}

/// True for messages of this version.
pub fn is_ours(data: &JsValue) -> bool {
    version(data) == Some(VERSION)
}

/// The arguments of a call.
///
/// # Errors
/// There is no such method, or they are not what it takes.
pub fn arguments(method: &str, given: &JsValue) -> Result<Array, ViewerError> {
    let found = METHODS.iter().find(|(name, _)| *name == method);
    let Some((_, kinds)) = found else {
        let words = "this version of the viewer has no such method";
        return Err(ViewerError::new("unknown_method", words));
    };
    let given = if given.is_undefined() {
        Array::new()
    } else if given.is_array() {
        Array::from(given)
    } else {
        return Err(ViewerError::new("bad_argument", "arguments are an array"));
    };
    let arguments = Array::new();
    for (place, kind) in (0..).zip(kinds.iter()) {
        let value = given.get(place);
        if !fits(*kind, &value) {
            let words = format!("argument {} of {method} cannot be read", place + 1);
            return Err(ViewerError::new("bad_argument", words));
        }
        let value = if value.is_null() {
            JsValue::UNDEFINED
        } else {
            value
        };
        arguments.push(&value);
    }
    Ok(arguments)
}

fn fits(kind: Kind, value: &JsValue) -> bool {
    let is_missing = value.is_undefined() || value.is_null();
    let number = value.as_f64();
    let is_index =
        number.is_some_and(|it| it >= 0.0 && it <= f64::from(u32::MAX) && it.fract() == 0.0);
    let is_object = value.is_object() && !value.is_array();
    match kind {
        Kind::Index => is_index,
        Kind::Number => number.is_some_and(f64::is_finite),
        Kind::Text => value.is_string(),
        Kind::Object => is_object,
        Kind::OptionalIndex => is_missing || is_index,
        Kind::OptionalText => is_missing || value.is_string(),
        Kind::OptionalObject => is_missing || is_object,
    }
}
