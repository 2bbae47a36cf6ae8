//! Where elements lie, in device pixels, and when that changes.

use super::page::device_pixel_ratio;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// Rectangles (x, y, width, height) of the elements below `area` that match, relative to its top left,
/// and the area's own size; all in device pixels. Hidden elements have size 0.
pub fn measure(area: &web_sys::Element, selector: &str) -> (Vec<[u32; 4]>, [u32; 2]) {
    let ratio = device_pixel_ratio();
    let outer = area.get_bounding_client_rect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a screen's sizes, clamped"
    )]
    let whole = |css: f64| (css * ratio).round().clamp(0.0, 32_768.0) as u32;
    let size = [whole(outer.width()), whole(outer.height())];
    let mut rects = Vec::new();
    if let Ok(list) = area.query_selector_all(selector) {
        for index in 0..list.length() {
            let element = list
                .get(index)
                .and_then(|node| node.dyn_into::<web_sys::Element>().ok());
            let Some(element) = element else { continue };
            let rect = element.get_bounding_client_rect();
            let (left, top) = (rect.left() - outer.left(), rect.top() - outer.top());
            let (x, y) = (whole(left), whole(top));
            // Edges are rounded, not sizes, so that neighbours never overlap.
            let (right, bottom) = (whole(left + rect.width()), whole(top + rect.height()));
            rects.push([
                x,
                y,
                right.min(size[0]).saturating_sub(x),
                bottom.min(size[1]).saturating_sub(y),
            ]);
        }
    }
    (rects, size)
}

/// Watches an element's size until it is dropped.
pub struct ResizeGuard {
    observer: web_sys::ResizeObserver,
    _closure: Closure<dyn Fn()>,
}

impl Drop for ResizeGuard {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Calls after the element's size has changed, and once at the start.
pub fn on_resize(element: &web_sys::Element, call: impl Fn() + 'static) -> Option<ResizeGuard> {
    let closure = Closure::<dyn Fn()>::new(call);
    let observer = web_sys::ResizeObserver::new(closure.as_ref().unchecked_ref()).ok()?;
    observer.observe(element);
    Some(ResizeGuard {
        observer,
        _closure: closure,
    })
}
