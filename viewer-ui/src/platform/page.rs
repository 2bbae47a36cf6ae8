//! The page: its address, what it says about itself, and the browser's history.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// The content of `<meta name="...">`.
pub fn meta(name: &str) -> Option<String> {
    let selector = format!("meta[name=\"{name}\"]");
    let element = web_sys::window()?
        .document()?
        .query_selector(&selector)
        .ok()??;
    element.get_attribute("content")
}

/// The pairs of the address's query, decoded.
pub fn query() -> Vec<(String, String)> {
    let search = web_sys::window()
        .and_then(|window| window.location().search().ok())
        .unwrap_or_default();
    let Ok(parameters) = web_sys::UrlSearchParams::new_with_str(&search) else {
        return Vec::new();
    };
    let mut pairs = Vec::new();
    if let Ok(Some(entries)) = js_sys::try_iter(&parameters) {
        for entry in entries.flatten() {
            let pair = js_sys::Array::from(&entry);
            if let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string()) {
                pairs.push((name, value));
            }
        }
    }
    pairs
}

/// An address relative to the page's folder, made absolute.
pub fn absolute(address: &str) -> Option<String> {
    let base = web_sys::window()?.document()?.base_uri().ok()??;
    web_sys::Url::new_with_base(address, &base)
        .ok()
        .map(|url| url.href())
}

/// The origin of the page.
pub fn origin() -> String {
    web_sys::window()
        .and_then(|window| window.location().origin().ok())
        .unwrap_or_default()
}

/// True where the page's own path ends with `name`.
pub fn path_ends_with(name: &str) -> bool {
    web_sys::window()
        .and_then(|window| window.location().pathname().ok())
        .is_some_and(|path| path.ends_with(name))
}

/// Puts an address into the history without loading it; relative to the page's folder.
pub fn push_address(address: &str) {
    let history = web_sys::window().and_then(|window| window.history().ok());
    if let Some(history) = history {
        // A sandboxed frame may have no history; the page works without.
        let _ = history.push_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(address));
    }
}

/// Calls after the user went back or forward.
pub fn on_history(call: impl Fn() + 'static) {
    let closure = Closure::<dyn Fn()>::new(call);
    if let Some(window) = web_sys::window() {
        window.set_onpopstate(Some(closure.as_ref().unchecked_ref()));
    }
    // The page listens for as long as it lives.
    closure.forget();
}

/// Opens an address in a window of its own, without handing it this one.
pub fn open_window(address: &str) {
    if let (Some(window), Some(url)) = (web_sys::window(), absolute(address)) {
        let _ = window.open_with_url_and_target_and_features(&url, "_blank", "noopener");
    }
}

/// Device pixels a CSS pixel.
pub fn device_pixel_ratio() -> f64 {
    web_sys::window().map_or(1.0, |window| window.device_pixel_ratio())
}

/// Processor cores that the browser admits to.
pub fn cores() -> usize {
    web_sys::window().map_or(1, |window| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to a small range"
        )]
        let cores = window.navigator().hardware_concurrency().clamp(1.0, 64.0) as usize;
        cores
    })
}

/// Percent-encodes one part of an address.
pub fn encode(part: &str) -> String {
    js_sys::encode_uri_component(part).into()
}

/// Bytes of this module's memory; it never shrinks.
pub fn wasm_memory_bytes() -> u32 {
    let memory: Option<js_sys::WebAssembly::Memory> = wasm_bindgen::memory().dyn_into().ok();
    memory
        .and_then(|memory| memory.buffer().dyn_into::<js_sys::ArrayBuffer>().ok())
        .map_or(0, |buffer| buffer.byte_length())
}
