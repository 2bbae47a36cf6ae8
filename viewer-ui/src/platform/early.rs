//! Answers that the page asked for before this module was there (`www/boot.js`).

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Name of the map that the page keeps them in: promises of texts by address.
const ANSWERS: &str = "sagittaEarly";

/// The text of the answer from an address, where the page has asked for it and got it. Each is given once.
pub async fn take(url: &str) -> Option<String> {
    let answers = js_sys::Reflect::get(&js_sys::global(), &ANSWERS.into()).ok()?;
    let answers: js_sys::Map = answers.dyn_into().ok()?;
    let url = JsValue::from(url);
    let answer = answers.get(&url);
    answers.delete(&url);
    let answer: js_sys::Promise = answer.dyn_into().ok()?;
    JsFuture::from(answer).await.ok()?.as_string()
}
