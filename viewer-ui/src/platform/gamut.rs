//! Colours of the display, and whether a canvas really shows those that it was asked for.

use super::canvas;
use viewer_core::pixel::icc::ScreenColors;
use viewer_gpu::PROBE_COLOUR;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlCanvasElement, MediaQueryList};

/// The name of Display P3 in browsers.
pub const DISPLAY_P3: &str = "display-p3";

/// [`PROBE_COLOUR`] as a colour of Display P3, in sRGB (CSS Color 4, 10.4).
const PROBE_FROM_P3: [u8; 3] = [32, 130, 197];

fn query() -> Option<MediaQueryList> {
    web_sys::window()?.match_media("(color-gamut: p3)").ok()?
}

/// What the display that the window is on can show.
pub fn of_display() -> ScreenColors {
    match query() {
        Some(query) if query.matches() => ScreenColors::DisplayP3,
        _ => ScreenColors::Srgb,
    }
}

/// Calls after the display can show more or fewer colours: the window was moved to another one.
pub fn on_change(call: impl Fn() + 'static) {
    let Some(query) = query() else { return };
    let closure = Closure::<dyn Fn()>::new(call);
    let listener = closure.as_ref().unchecked_ref();
    // Without it the colours stay those of the first display.
    let _ = query.add_event_listener_with_callback("change", listener);
    // The page listens for as long as it lives.
    closure.forget();
}

/// True where the page shows a canvas's pixels of [`PROBE_COLOUR`] as those of `colors`: some browsers take the
/// name of a colour space and do nothing. To be asked in the task that drew them.
pub fn is_shown(canvas: &HtmlCanvasElement, colors: ScreenColors) -> bool {
    let wanted = match colors {
        ScreenColors::Srgb => PROBE_COLOUR,
        ScreenColors::DisplayP3 => PROBE_FROM_P3,
    };
    let is_close = |shown: [u8; 4]| {
        let mut pairs = wanted.iter().zip(shown);
        pairs.all(|(wanted, level)| wanted.abs_diff(level) <= 2)
    };
    canvas::shown_colour(canvas).is_some_and(is_close)
}
