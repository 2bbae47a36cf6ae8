//! `window.__bench`: what benchmarks of viewers ask of a page (`/bench.html`).
//!
//! The page shows one bare viewport of the size that the address names and opens the study of the
//! address by itself.

use crate::engine::waiting::Condition;
use crate::engine::{EngineEvent, EngineHandle};
use crate::platform::{clock, page, style};
use js_sys::{Function, Object, Promise, Reflect};
use viewer_core::pixel::Window;
use viewer_core::state::{Action, mpr::PANES};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Sides of the viewport, CSS pixels, where the address names none.
const DEFAULT_SIDE: f64 = 512.0;

pub(super) fn set(object: &Object, name: &str, value: impl Into<JsValue>) {
    // A plain object takes every property.
    let _ = Reflect::set(object, &name.into(), &value.into());
}

/// The element that holds the app.
fn root() -> Option<web_sys::Element> {
    web_sys::window()?.document()?.get_element_by_id("app")
}

/// Gives each of `viewports` beside each other a size, in canvas pixels.
fn size_page(side: f64, viewports: usize) {
    if let Some(root) = root() {
        let css = side / page::device_pixel_ratio();
        #[expect(clippy::cast_precision_loss, reason = "three at most")]
        let width = css * viewports as f64;
        style::set(&root, "width", &format!("{width}px"));
        style::set(&root, "height", &format!("{css}px"));
    }
}

fn asked(name: &str) -> Option<String> {
    let mut query = page::query().into_iter();
    query
        .find(|(asked, _)| asked == name)
        .map(|(_, value)| value)
}

fn asks_for_planes() -> bool {
    asked("mode").as_deref() == Some("mpr")
}

/// Sizes the page as its address asks, before anything is laid out.
pub fn prepare() {
    let side = asked("vw").and_then(|value| value.parse().ok());
    let viewports = if asks_for_planes() { PANES.len() } else { 1 };
    size_page(side.unwrap_or(DEFAULT_SIDE), viewports);
}

/// Publishes `window.__bench`.
pub fn publish(handle: &EngineHandle) {
    let bench = Object::new();
    let marks = Object::new();
    set(&bench, "name", "sagitta");
    set(&bench, "T", &marks);
    if asks_for_planes() {
        handle.act(Action::ShowPlanes(true));
        super::bench_planes::publish(&bench, handle);
    }
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
            let action = Action::SetSlice { viewport: 0, slice };
            timed(handle.clone(), 0, action, &options)
        }
    });
    function3(&bench, "setWindow", {
        let handle = handle.clone();
        move |center: JsValue, width: JsValue, options: JsValue| {
            let window = Window {
                center: center.as_f64().unwrap_or(0.0),
                width: width.as_f64().unwrap_or(1.0),
            };
            let action = Action::SetWindow {
                viewport: 0,
                window,
            };
            timed(handle.clone(), 0, action, &options)
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

pub(super) fn function3(
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
    let first = if asks_for_planes() {
        Condition::PlanesSeen
    } else {
        Condition::Opened
    };
    let first = wait(&handle, first);
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
        if asks_for_planes() {
            for viewport in 0..PANES.len() {
                JsFuture::from(wait(&handle, Condition::Drawn(viewport))).await?;
            }
            finished(&handle).await;
            set(&marks, "mprFull", clock::now_ms());
        }
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

/// Does something and answers with the times until it was drawn, and until the GPU was done.
pub(super) fn timed(
    handle: EngineHandle,
    viewport: usize,
    action: Action,
    options: &JsValue,
) -> Promise {
    let finish = Reflect::get(options, &"finish".into())
        .ok()
        .and_then(|value| value.as_bool());
    let began = clock::now_ms();
    handle.act(action);
    let drawn = wait(&handle, Condition::Drawn(viewport));
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

/// Sizes the viewports that are on screen.
pub(super) fn resize(handle: EngineHandle, side: f64) -> Promise {
    let (large, count) = handle.with(|engine| (engine.state.large, engine.state.viewports.len()));
    let viewport = large.unwrap_or(0);
    size_page(side, large.map_or(count, |_| 1));
    wasm_bindgen_futures::future_to_promise(async move {
        // The new size reaches the engine with the next layout of the page.
        for _ in 0..100 {
            let width = handle.with(|engine| {
                let shown = engine.state.viewports.get(viewport);
                shown.map(|viewport| viewport.width)
            });
            if width.is_some_and(|width| (f64::from(width) - side).abs() < 1.0) {
                break;
            }
            clock::sleep(10.0).await;
        }
        JsFuture::from(wait(&handle, Condition::Drawn(viewport))).await?;
        finished(&handle).await;
        Ok(JsValue::from(1))
    })
}
