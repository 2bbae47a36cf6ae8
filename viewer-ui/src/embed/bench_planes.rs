//! What benchmarks ask of three planes: turning one, thickening it, keeping one alone.

use super::bench::{function3, resize, set, timed};
use crate::engine::EngineHandle;
use js_sys::{Array, Object, Promise};
use viewer_core::geometry::{Projection, Slab, ViewPlane};
use viewer_core::state::{Action, mpr::PANES};
use viewer_core::tools::overlay::plane_name;
use wasm_bindgen::JsValue;

/// Adds `panesOrder`, `only`, `rotate` and `slab`.
pub fn publish(bench: &Object, handle: &EngineHandle) {
    let names = PANES.iter().map(|kind| plane_name(*kind).to_lowercase());
    set(
        bench,
        "panesOrder",
        names.map(JsValue::from).collect::<Array>(),
    );
    let with = |act: fn(&EngineHandle, JsValue, &JsValue) -> Promise| {
        let handle = handle.clone();
        move |value: JsValue, options: JsValue, _: JsValue| act(&handle, value, &options)
    };
    function3(bench, "only", with(only));
    function3(bench, "rotate", with(rotate));
    function3(bench, "slab", with(slab));
}

/// The viewport that is on screen alone, or the first one.
fn shown(handle: &EngineHandle) -> usize {
    handle.with(|engine| engine.state.large.unwrap_or(0))
}

fn plane(handle: &EngineHandle, viewport: usize) -> Option<ViewPlane> {
    handle.with(|engine| Some(engine.state.viewports.get(viewport)?.plane?.plane))
}

fn refused() -> Promise {
    Promise::reject(&JsValue::from("there are no planes"))
}

/// Keeps one plane, by its name.
fn only(handle: &EngineHandle, name: JsValue, _: &JsValue) -> Promise {
    let name = name.as_string().unwrap_or_default();
    let found = PANES
        .iter()
        .position(|kind| plane_name(*kind).eq_ignore_ascii_case(&name));
    let Some(viewport) = found else {
        return refused();
    };
    let width = handle.with(|engine| {
        let viewport = engine.state.viewports.get(viewport);
        viewport.map_or(0, |viewport| viewport.width)
    });
    handle.act(Action::ToggleLarge(viewport));
    resize(handle.clone(), f64::from(width))
}

/// Turns the plane about its up axis, degrees.
fn rotate(handle: &EngineHandle, degrees: JsValue, options: &JsValue) -> Promise {
    let viewport = shown(handle);
    let Some(before) = plane(handle, viewport) else {
        return refused();
    };
    let (sin, cos) = degrees.as_f64().unwrap_or(0.0).to_radians().sin_cos();
    let turned = ViewPlane {
        row: (before.row * cos + before.normal() * sin).normalize(),
        ..before
    };
    let action = Action::SetPlane {
        viewport,
        plane: turned,
        keeps_pixels: true,
    };
    timed(handle.clone(), viewport, action, options)
}

/// A MIP slab, mm; 0 ends it.
fn slab(handle: &EngineHandle, thickness: JsValue, options: &JsValue) -> Promise {
    let viewport = shown(handle);
    let slab = Slab {
        thickness_mm: thickness.as_f64().unwrap_or(0.0),
        projection: Projection::Mip,
        step_mm: None,
    };
    let action = Action::SetSlab {
        viewport,
        slab: Some(slab),
    };
    timed(handle.clone(), viewport, action, options)
}
