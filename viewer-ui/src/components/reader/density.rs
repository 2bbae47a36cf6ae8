//! Notices that a CSS pixel has become more or fewer device pixels: another screen, another zoom.

use crate::platform::page;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use yew::prelude::*;

/// Calls after the window's device pixel ratio has changed. The size of an element in CSS pixels may stay
/// the same then, so that nobody else would notice.
#[hook]
pub fn use_density(changed: Callback<()>) {
    let ratio = use_state_eq(page::device_pixel_ratio);
    let setter = ratio.setter();
    use_effect_with(*ratio, move |ratio| {
        // The query holds for this very ratio, so it changes once; then the next one is asked.
        let query = web_sys::window()
            .and_then(|window| {
                window
                    .match_media(&format!("(resolution: {ratio}dppx)"))
                    .ok()
            })
            .flatten();
        let closure = Closure::<dyn Fn()>::new(move || {
            setter.set(page::device_pixel_ratio());
            changed.emit(());
        });
        if let Some(query) = &query {
            let listener = closure.as_ref().unchecked_ref();
            // Without it only changes of the size are noticed.
            let _ = query.add_event_listener_with_callback("change", listener);
        }
        move || {
            if let Some(query) = query {
                let listener = closure.as_ref().unchecked_ref();
                let _ = query.remove_event_listener_with_callback("change", listener);
            }
        }
    });
}
