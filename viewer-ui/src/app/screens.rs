//! The screen that is drawn on: made at the start, and again when it is lost.

use super::{BACKEND, Bridge, FRAME_BUDGET, TEXTURE_LIMIT, VOLUME_BUDGET};
use crate::embed::api::ViewerV1;
use crate::engine::{EngineEvent, screen};
use crate::platform::{clock, gamut, gpu, page};
use crate::store::Page;
use js_sys::Promise;
use std::rc::Rc;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// Makes the first screen, then publishes the API: backend and sources are decided before it can be asked.
pub(super) async fn prepare(bridge: Rc<Bridge>, first_page: Page, configured: Promise) {
    // What is asked of the server goes first: making a screen keeps the page busy for a while.
    clock::sleep(0.0).await;
    make(Rc::clone(&bridge)).await;
    // Without a configuration the page's own origin is the source: this never fails.
    let _ = JsFuture::from(configured).await;
    let Some(handle) = bridge.handle() else {
        return;
    };
    if first_page == Page::Bench {
        crate::embed::bench::publish(&handle);
    }
    let session = bridge.session.borrow().clone();
    let framing = bridge.framing.borrow().clone();
    ViewerV1::new(handle, bridge.listeners.clone(), session).publish(framing);
    let bridge = Rc::downgrade(&bridge);
    gamut::on_change(move || {
        // The canvas of the old colours shows its pixels until the new one is there.
        if let Some(bridge) = bridge.upgrade() {
            spawn_local(make(bridge));
        }
    });
}

/// Makes a screen, in the place of the one before.
pub(super) async fn make(bridge: Rc<Bridge>) {
    let query = page::query();
    let value = |wanted: &str| {
        let found = query.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    // What is no number is no limit.
    let number = |wanted: &str| value(wanted).and_then(|limit| limit.parse::<u32>().ok());
    let limits = gpu::Limits {
        texture_side: number(TEXTURE_LIMIT),
        volume_bytes: number(VOLUME_BUDGET).map(|mib| u64::from(mib) << 20),
    };
    if let (Some(handle), Some(mib)) = (bridge.handle(), number(FRAME_BUDGET)) {
        handle.with_mut(|engine| engine.limit_frames(mib as usize * (1 << 20)));
    }
    let weak = Rc::downgrade(&bridge);
    let made = screen::make(value(BACKEND), limits, move || {
        if let Some(handle) = weak.upgrade().and_then(|bridge| bridge.handle()) {
            handle.send(EngineEvent::ScreenLost);
        }
    })
    .await;
    let Some(handle) = bridge.handle() else {
        return;
    };
    match made {
        Ok(screen) => handle.send(EngineEvent::ScreenReady(screen)),
        Err(reason) => handle.send(EngineEvent::ScreenFailed(reason)),
    }
    bridge.place_stage();
}
