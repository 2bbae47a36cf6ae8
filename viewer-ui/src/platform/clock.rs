//! Time: now, later, and the next animation frame.

use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;

/// Milliseconds since navigation started.
pub fn now_ms() -> f64 {
    web_sys::window()
        .and_then(|window| window.performance())
        .map_or(0.0, |clock| clock.now())
}

/// The time of day as "09:58:12".
pub fn time_of_day() -> String {
    let now = js_sys::Date::new_0();
    format!(
        "{:02}:{:02}:{:02}",
        now.get_hours(),
        now.get_minutes(),
        now.get_seconds()
    )
}

/// Waits.
pub async fn sleep(ms: f64) {
    let promise = Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "clamped to the range of i32"
            )]
            let ms = ms.clamp(0.0, f64::from(i32::MAX)) as i32;
            // Without a timer the wait ends at once, which is what the caller can bear best.
            if window
                .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms)
                .is_err()
            {
                let _ = resolve.call0(&wasm_bindgen::JsValue::NULL);
            }
        }
    });
    let _ = JsFuture::from(promise).await;
}

/// Calls once before the browser paints next.
pub fn on_animation_frame(call: impl FnOnce(f64) + 'static) {
    let closure = Closure::once_into_js(call);
    if let Some(window) = web_sys::window() {
        // A window that is going away paints no more frames.
        let _ = window.request_animation_frame(closure.unchecked_ref());
    }
}
