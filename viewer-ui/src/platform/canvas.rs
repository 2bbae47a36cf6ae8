//! Canvases: the stage that the GPU or the processor draws on, reading it back, and PNG.

use super::gamut::DISPLAY_P3;
use js_sys::{Promise, Reflect, Uint8ClampedArray};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

/// A new canvas that is in no page yet.
pub fn create(width: u32, height: u32) -> Option<HtmlCanvasElement> {
    let document = web_sys::window()?.document()?;
    let canvas: HtmlCanvasElement = document.create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(width);
    canvas.set_height(height);
    canvas.set_class_name("stage");
    Some(canvas)
}

/// Puts a canvas into its place, and whatever was there away. Nothing happens where it stands already.
pub fn place(host: &web_sys::Element, canvas: &HtmlCanvasElement) {
    if canvas.parent_element().as_ref() == Some(host) && host.child_element_count() == 1 {
        return;
    }
    host.replace_children_with_node_1(canvas);
}

/// The 2-D context of a canvas that no GPU has.
pub fn context_2d(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

/// The same of a canvas in Display P3; browsers that do not know it may give one in sRGB.
pub fn context_2d_p3(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    let settings = js_sys::Object::new();
    Reflect::set(&settings, &"colorSpace".into(), &DISPLAY_P3.into()).ok()?;
    let context = canvas.get_context_with_context_options("2d", &settings);
    context.ok()??.dyn_into().ok()
}

/// Puts RGBA pixels in sRGB at a place of a 2-D canvas.
pub fn put_pixels(
    context: &CanvasRenderingContext2d,
    rgba: &[u8],
    width: u32,
    at: [u32; 2],
) -> Result<(), JsValue> {
    let image = ImageData::new_with_u8_clamped_array(Clamped(rgba), width)?;
    context.put_image_data(&image, f64::from(at[0]), f64::from(at[1]))
}

/// Puts RGBA pixels in the canvas's own colours at a place of it.
pub fn put_own_pixels(
    context: &CanvasRenderingContext2d,
    rgba: &[u8],
    [x, y, width, height]: [u32; 4],
) -> Result<(), JsValue> {
    let [width, height] = [width, height].map(f64::from);
    let image = context.create_image_data_with_sw_and_sh(width, height)?;
    let pixels: Uint8ClampedArray = Reflect::get(&image, &"data".into())?.dyn_into()?;
    if pixels.length() as usize != rgba.len() {
        return Err(JsValue::from_str("another number of pixels"));
    }
    pixels.copy_from(rgba);
    let at = [x, y];
    context.put_image_data(&image, f64::from(at[0]), f64::from(at[1]))
}

/// The colour of one pixel as the page would show it, also of a canvas that a GPU draws on.
pub fn shown_colour(canvas: &HtmlCanvasElement) -> Option<[u8; 4]> {
    let copy = create(1, 1)?;
    let context = context_2d(&copy)?;
    context
        .draw_image_with_html_canvas_element(canvas, 0.0, 0.0)
        .ok()?;
    let data = context.get_image_data(0.0, 0.0, 1.0, 1.0).ok()?.data();
    data.0.get(..4)?.try_into().ok()
}

/// Opaque RGBA pixels as a PNG.
pub async fn png(rgba: &[u8], width: u32, height: u32) -> Result<web_sys::Blob, JsValue> {
    let canvas = create(width, height).ok_or_else(|| JsValue::from_str("no canvas"))?;
    let context = context_2d(&canvas).ok_or_else(|| JsValue::from_str("no 2-D context"))?;
    put_pixels(&context, rgba, width, [0, 0])?;
    let promise = Promise::new(&mut |resolve, reject| {
        let done = Closure::once_into_js(move |blob: JsValue| {
            let _ = resolve.call1(&JsValue::NULL, &blob);
        });
        if let Err(error) = canvas.to_blob(done.unchecked_ref()) {
            let _ = reject.call1(&JsValue::NULL, &error);
        }
    });
    JsFuture::from(promise).await?.dyn_into()
}

/// Calls when the browser has taken a WebGL context away. (WebGPU tells the device itself.)
pub fn on_context_lost(canvas: &HtmlCanvasElement, call: impl Fn() + 'static) {
    let closure = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
        event.prevent_default();
        call();
    });
    let listener = closure.as_ref().unchecked_ref();
    if canvas
        .add_event_listener_with_callback("webglcontextlost", listener)
        .is_ok()
    {
        // It lives for as long as the canvas may send it.
        closure.forget();
    }
}
