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

/// Today as days since 1 January 1970, by the local calendar.
pub fn local_day() -> i64 {
    let now = js_sys::Date::new_0();
    let local_ms = now.get_time() - now.get_timezone_offset() * 60_000.0;
    #[expect(clippy::cast_possible_truncation, reason = "some ten thousand days")]
    let day = (local_ms / 86_400_000.0).floor() as i64;
    day
}

/// Calls again and again until the guard is dropped. `call` says when to call next, in ms.
pub struct Repeat(std::rc::Rc<()>);

impl Repeat {
    /// Starts after `first_ms`.
    pub fn new(first_ms: f64, call: impl Fn() -> f64 + 'static) -> Self {
        let alive = std::rc::Rc::new(());
        let weak = std::rc::Rc::downgrade(&alive);
        wasm_bindgen_futures::spawn_local(async move {
            let mut pause = first_ms;
            loop {
                sleep(pause).await;
                if weak.upgrade().is_none() {
                    return;
                }
                pause = call();
            }
        });
        Self(alive)
    }
}

impl Drop for Repeat {
    fn drop(&mut self) {
        // The loop looks for this value before each call.
        let _ = &self.0;
    }
}
