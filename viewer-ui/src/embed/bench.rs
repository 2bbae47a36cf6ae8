//! `window.__bench`: what benchmarks of viewers ask of a page (`/bench.html`).
//!
//! The page shows one bare viewport of the size that the address names and opens the study of the
//! address by itself.

use crate::engine::waiting::Condition;
use crate::engine::{EngineEvent, EngineHandle};
use crate::platform::{clock, page, style};
use js_sys::{Function, Object, Promise, Reflect};
use viewer_core::pixel::Window;
use viewer_core::state::Action;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Sides of the viewport, CSS pixels, where the address names none.
const DEFAULT_SIDE: f64 = 512.0;

fn set(object: &Object, name: &str, value: impl Into<JsValue>) {
    // A plain object takes every property.
    let _ = Reflect::set(object, &name.into(), &value.into());
}

/// The element that holds the app.
fn root() -> Option<web_sys::Element> {
    web_sys::window()?.document()?.get_element_by_id("app")
}

/// Gives the viewport a size, in canvas pixels.
fn size_page(side: f64) {
    if let Some(root) = root() {
        let css = format!("{}px", side / page::device_pixel_ratio());
        style::set(&root, "width", &css);
        style::set(&root, "height", &css);
    }
}

/// Sizes the page as its address asks, before anything is laid out.
pub fn prepare() {
    let side = page::query()
        .into_iter()
        .find(|(name, _)| name == "vw")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(DEFAULT_SIDE);
    size_page(side);
}

/// Publishes `window.__bench`.
pub fn publish(handle: &EngineHandle) {
    let bench = Object::new();
    let marks = Object::new();
    set(&bench, "name", "sagitta");
    set(&bench, "T", &marks);
    set(&bench, "opened", opened(handle.clone(), marks.clone()));
    function0(&bench, "loaded", {
        let (handle, marks) = (handle.clone(), marks);
        move || loaded(handle.clone(), marks.clone())
    });
    function3(&bench, "setSlice", {
        let handle = handle.clone();
        move |index: JsValue, options: JsValue, _: JsValue| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a slice's index"
            )]
            let slice = index.as_f64().unwrap_or(0.0) as usize;
            timed(
                handle.clone(),
                Action::SetSlice { viewport: 0, slice },
                &options,
            )
        }
    });
    function3(&bench, "setWindow", {
        let handle = handle.clone();
        move |center: JsValue, width: JsValue, options: JsValue| {
            let window = Window {
                center: center.as_f64().unwrap_or(0.0),
                width: width.as_f64().unwrap_or(1.0),
            };
            timed(
                handle.clone(),
                Action::SetWindow {
                    viewport: 0,
                    window,
                },
                &options,
            )
        }
    });
    function3(&bench, "resize", {
        let handle = handle.clone();
        move |side: JsValue, _: JsValue, _: JsValue| {
            resize(handle.clone(), side.as_f64().unwrap_or(DEFAULT_SIDE))
        }
    });
    let stats = Closure::<dyn Fn() -> JsValue>::new({
        let handle = handle.clone();
        move || handle.with(super::api::stats_of)
    });
    set(&bench, "stats", stats.into_js_value());
    if let Some(window) = web_sys::window() {
        set(window.unchecked_ref(), "__bench", &bench);
    }
}

fn function0(object: &Object, name: &str, call: impl Fn() -> Promise + 'static) {
    let closure = Closure::<dyn Fn() -> Promise>::new(call);
    set(
        object,
        name,
        closure.into_js_value().unchecked_into::<Function>(),
    );
}

fn function3(
    object: &Object,
    name: &str,
    call: impl Fn(JsValue, JsValue, JsValue) -> Promise + 'static,
) {
    let closure = Closure::<dyn Fn(JsValue, JsValue, JsValue) -> Promise>::new(call);
    set(
        object,
        name,
        closure.into_js_value().unchecked_into::<Function>(),
    );
}

fn wait(handle: &EngineHandle, condition: Condition) -> Promise {
    let promise = handle.with_mut(|engine| engine.waiters.promise(condition));
    handle.send(EngineEvent::Looked);
    promise
}

async fn finished(handle: &EngineHandle) {
    let future = handle.with(|engine| engine.screen.as_ref().map(|screen| screen.finished()));
    if let Some(future) = future {
        future.await;
    }
}

fn opened(handle: EngineHandle, marks: Object) -> Promise {
    let first = wait(&handle, Condition::Opened);
    wasm_bindgen_futures::future_to_promise(async move {
        JsFuture::from(first).await?;
        handle.with(|engine| {
            set(&marks, "firstEvent", engine.figures.first_drawn_ms);
            set(&marks, "first", engine.figures.first_image_ms);
        });
        Ok(marks.into())
    })
}

fn loaded(handle: EngineHandle, marks: Object) -> Promise {
    let complete = wait(&handle, Condition::Complete(None));
    wasm_bindgen_futures::future_to_promise(async move {
        JsFuture::from(complete).await?;
        let now = clock::now_ms();
        set(&marks, "all", now);
        let answer = Object::new();
        set(&answer, "all", now);
        handle.with(|engine| {
            set(&answer, "frames", engine.cache.len() as f64);
            set(&answer, "decodedBytes", engine.cache.bytes() as f64);
            set(
                &answer,
                "decodeMsSum",
                engine.figures.decode_ms.iter().sum::<f64>(),
            );
        });
        Ok(answer.into())
    })
}

fn timed(handle: EngineHandle, action: Action, options: &JsValue) -> Promise {
    let finish = Reflect::get(options, &"finish".into())
        .ok()
        .and_then(|value| value.as_bool());
    let began = clock::now_ms();
    handle.act(action);
    let drawn = wait(&handle, Condition::Drawn(0));
    wasm_bindgen_futures::future_to_promise(async move {
        JsFuture::from(drawn).await?;
        let event = clock::now_ms() - began;
        if finish != Some(false) {
            finished(&handle).await;
        }
        let answer = Object::new();
        set(&answer, "event", event);
        set(&answer, "done", clock::now_ms() - began);
        Ok(answer.into())
    })
}

fn resize(handle: EngineHandle, side: f64) -> Promise {
    size_page(side);
    wasm_bindgen_futures::future_to_promise(async move {
        // The new size reaches the engine with the next layout of the page.
        for _ in 0..100 {
            let width = handle.with(|engine| engine.state.viewports.first().map(|v| v.width));
            if width.is_some_and(|width| (f64::from(width) - side).abs() < 1.0) {
                break;
            }
            clock::sleep(10.0).await;
        }
        JsFuture::from(wait(&handle, Condition::Drawn(0))).await?;
        finished(&handle).await;
        Ok(JsValue::from(1))
    })
}
