//! Pointers: where they are in canvas pixels, capture, and wheels that the page keeps for itself.

use super::page::device_pixel_ratio;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// A pointer's place in canvas pixels of an element: integers are pixel centres.
pub fn place(element: &web_sys::Element, event: &web_sys::MouseEvent) -> [f64; 2] {
    let rect = element.get_bounding_client_rect();
    let ratio = device_pixel_ratio();
    [
        (f64::from(event.client_x()) - rect.left()) * ratio - 0.5,
        (f64::from(event.client_y()) - rect.top()) * ratio - 0.5,
    ]
}

/// Sends all further events of a pointer to an element, until it is released.
pub fn capture(element: &web_sys::Element, pointer: i32) {
    // A pointer that is gone already cannot be captured.
    let _ = element.set_pointer_capture(pointer);
}

/// A turn of a wheel over an element.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    /// Downwards is positive.
    pub delta: f64,
    /// In lines, not pixels.
    pub is_lines: bool,
    /// With Shift.
    pub shift: bool,
    /// With Ctrl, or a pinch on a trackpad.
    pub ctrl: bool,
    /// Where, in canvas pixels of the element.
    pub at: [f64; 2],
}

/// Listens to the wheel over an element. The page does not scroll or zoom by it. The guard ends that.
pub fn on_wheel(
    element: web_sys::Element,
    call: impl Fn(Wheel) + 'static,
) -> impl FnOnce() + 'static {
    let over = element.clone();
    let closure = Closure::<dyn Fn(web_sys::WheelEvent)>::new(move |event: web_sys::WheelEvent| {
        event.prevent_default();
        // With Shift, browsers turn the wheel sideways.
        let delta = if event.delta_y() == 0.0 {
            event.delta_x()
        } else {
            event.delta_y()
        };
        call(Wheel {
            delta,
            is_lines: event.delta_mode() == web_sys::WheelEvent::DOM_DELTA_LINE,
            shift: event.shift_key(),
            ctrl: event.ctrl_key(),
            at: place(&over, &event),
        });
    });
    let options = web_sys::AddEventListenerOptions::new();
    options.set_passive(false);
    let listener = closure.as_ref().unchecked_ref();
    // Without a listener the wheel scrolls the page; keys still scroll the stack.
    let _ = element.add_event_listener_with_callback_and_add_event_listener_options(
        "wheel", listener, &options,
    );
    move || {
        let listener = closure.as_ref().unchecked_ref();
        let _ = element.remove_event_listener_with_callback("wheel", listener);
    }
}
