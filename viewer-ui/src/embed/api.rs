//! The JavaScript API, version 1: `window.sagitta` on every page of the app.
//!
//! Names and meanings are a contract with outside code; nothing here is renamed.

use super::listeners::{EVENTS, Listeners};
use super::opening::{self, OpenTarget};
use super::session::FrameSession;
use super::{figures, pixels, planes};
use crate::engine::waiting::{Condition, ViewerError};
use crate::engine::{Engine, EngineEvent, EngineHandle};
use crate::store::{Content, Page};
use js_sys::{Function, Promise};
use protocol::gateway::Framing;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::rc::Rc;
use viewer_core::pixel::Window;
use viewer_core::state::{Action, Layout, ViewChange, ViewLink};
use viewer_core::tools::MarkKind;
use viewer_core::tools::probe::ProbeRegion;
use viewer_core::volume::TimePoint;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// The contract's `ViewerV1`.
#[wasm_bindgen]
#[derive(Clone)]
pub struct ViewerV1 {
    handle: EngineHandle,
    listeners: Listeners,
    /// That of a frame.
    session: Option<FrameSession>,
    /// Counts what was asked to be opened or closed: what was looked up for an older one is not opened.
    epoch: Rc<Cell<u64>>,
}

/// How the app looks.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Appearance {
    theme: Option<String>,
    locale: Option<String>,
}

#[derive(Deserialize)]
struct ViewSetting {
    zoom: Option<f64>,
    pan: Option<[f64; 2]>,
    rotation: Option<f64>,
    flip: Option<bool>,
    invert: Option<bool>,
}

/// A point of a series' times.
#[derive(Serialize)]
struct Time {
    label: String,
    at_ms: Option<f64>,
    b_value: Option<f64>,
}

impl Time {
    fn of(point: &TimePoint) -> Self {
        Self {
            label: point.label.clone(),
            at_ms: point.at_ms,
            b_value: point.b_value,
        }
    }
}

#[derive(Serialize)]
struct ViewportInfo {
    id: usize,
    source: String,
    study: String,
    series: String,
    instance: String,
    frame: u32,
    kind: &'static str,
    slice: usize,
    slices: usize,
    times: usize,
    time: usize,
    time_points: Vec<Time>,
    window: Option<Window>,
    plane: Option<planes::Plane>,
    width: u32,
    height: u32,
    state: &'static str,
    notes: Vec<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Stored {
    One(f64),
    Several(Vec<f64>),
}

#[derive(Serialize)]
struct ProbeInfo {
    patient_mm: Option<[f64; 3]>,
    column: u32,
    row: u32,
    stored: Stored,
    value: Option<f64>,
    unit: String,
    /// Real world values and their units.
    real_world: Vec<(f64, String)>,
    /// The scales of the ultrasound region below the point.
    region: Option<ProbeRegion>,
}

/// Volumes do not exist yet.
const NO_VOLUMES: &str = "volumes are not supported yet";

fn to_js<T: Serialize>(value: &T) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).unwrap_or(JsValue::NULL)
}

fn read<T: for<'de> Deserialize<'de>>(value: JsValue, what: &str) -> Result<T, ViewerError> {
    serde_wasm_bindgen::from_value(value)
        .map_err(|_| ViewerError::new("bad_argument", format!("{what} cannot be read")))
}

fn refused(error: ViewerError) -> Promise {
    Promise::reject(&error.into())
}

fn unsupported() -> Promise {
    refused(ViewerError::new("unsupported", NO_VOLUMES))
}

#[wasm_bindgen]
impl ViewerV1 {
    /// Always 1.
    #[wasm_bindgen(getter)]
    pub fn version(&self) -> u32 {
        1
    }

    /// Opens studies; the promise ends when the first frame stands on screen in final quality. What was open is gone at once.
    pub fn open(&self, target: JsValue) -> Promise {
        let target: Result<OpenTarget, _> = read(target, "what to open");
        let (link, look_up) = match target.and_then(OpenTarget::read) {
            Ok(target) => target,
            Err(error) => return refused(error),
        };
        let epoch = self.begin_epoch();
        if let Some(session) = &self.session {
            let wanted = look_up.is_none().then_some(&link);
            if let Err(error) = session.check(wanted) {
                return refused(error);
            }
        }
        let Some(look_up) = look_up else {
            return self.open_now(link);
        };
        self.handle.send(EngineEvent::MakeWay);
        let api = self.clone();
        pixels::promise(async move {
            let found = opening::find(&api.handle, link, &look_up).await;
            if api.epoch.get() != epoch {
                let words = "something else was opened meanwhile";
                return Err(ViewerError::new("superseded", words).into());
            }
            let opened = api.open_now(found.map_err(JsValue::from)?);
            JsFuture::from(opened).await
        })
    }

    /// Closes everything; nothing of the study is left on screen or in memory.
    pub fn close(&self) -> Promise {
        self.begin_epoch();
        self.handle.send(EngineEvent::Close);
        self.wait(Condition::Blank)
    }

    /// Gives a frame a session by a ticket, and opens what that is for.
    #[wasm_bindgen(js_name = signIn)]
    pub fn sign_in(&self, ticket: String) -> Promise {
        let Some(session) = self.session.clone() else {
            let words = "only a frame is signed in by a ticket";
            return refused(ViewerError::new("unsupported", words));
        };
        let epoch = self.begin_epoch();
        // What was open belongs to another session.
        self.handle.send(EngineEvent::MakeWay);
        let api = self.clone();
        pixels::promise(async move {
            let link = session.sign_in(&ticket).await.map_err(JsValue::from)?;
            match link {
                Some(link) if api.epoch.get() == epoch => JsFuture::from(api.open_now(link)).await,
                _ => Ok(JsValue::UNDEFINED),
            }
        })
    }

    /// Sets theme and language.
    #[wasm_bindgen(js_name = setAppearance)]
    pub fn set_appearance(&self, appearance: JsValue) -> Promise {
        let Appearance { theme, locale } = match read(appearance, "the appearance") {
            Ok(appearance) => appearance,
            Err(error) => return refused(error),
        };
        match super::appearance::set(theme.as_deref(), locale.as_deref()) {
            Ok(()) => Promise::resolve(&JsValue::UNDEFINED),
            Err(error) => refused(error),
        }
    }

    /// Divides the image area.
    #[wasm_bindgen(js_name = setLayout)]
    pub fn set_layout(&self, name: &str) -> Promise {
        if name == "mpr" {
            self.handle.act(Action::ShowPlanes(true));
            return self.wait(Condition::Planes);
        }
        match Layout::parse(name) {
            Ok(layout) => {
                self.handle.act(Action::SetLayout(layout));
                self.wait(Condition::LaidOut)
            }
            Err(error) => {
                let code = match error {
                    viewer_core::state::layout::LayoutError::Volume => "unsupported",
                    _ => "bad_argument",
                };
                refused(ViewerError::new(code, error.to_string()))
            }
        }
    }

    /// What each viewport shows.
    pub fn viewports(&self) -> JsValue {
        let list: Vec<ViewportInfo> = self.handle.with(|engine| {
            (0..engine.state.viewports.len())
                .map(|index| viewport_info(engine, index))
                .collect()
        });
        to_js(&list)
    }

    /// Shows a slice, from 0; the promise ends when it is drawn in final quality.
    #[wasm_bindgen(js_name = setSlice)]
    pub fn set_slice(&self, viewport: usize, index: usize) -> Promise {
        let (has_series, count) = self.handle.with(|engine| {
            let shown = engine.state.viewports.get(viewport);
            let count = shown.and_then(|v| match v.plane {
                Some(_) => Some(v.stops(&engine.state)?.0.count()),
                None => Some(v.shown(&engine.state)?.stack.frames.len()),
            });
            (shown.is_some_and(|v| v.series.is_some()), count)
        });
        if !has_series {
            return refused(ViewerError::new(
                "no_viewport",
                "the viewport shows no stack",
            ));
        }
        if count.is_some_and(|count| index >= count) {
            return refused(ViewerError::new("bad_argument", "there is no such slice"));
        }
        self.handle.act(Action::SetSlice {
            viewport,
            slice: index,
        });
        self.wait(Condition::Drawn(viewport))
    }

    /// Sets the window; the promise ends when it is drawn.
    #[wasm_bindgen(js_name = setWindow)]
    pub fn set_window(&self, viewport: usize, window: JsValue) -> Promise {
        match read::<Window>(window, "the window") {
            Ok(window) if window.width > 0.0 && window.center.is_finite() => {
                self.handle.act(Action::SetWindow { viewport, window });
                self.wait(Condition::Drawn(viewport))
            }
            Ok(_) => refused(ViewerError::new("bad_argument", "a window is wider than 0")),
            Err(error) => refused(error),
        }
    }

    /// Shows a plane of the volume; the promise ends when it is drawn in final quality.
    #[wasm_bindgen(js_name = setPlane)]
    pub fn set_plane(&self, viewport: usize, plane: JsValue) -> Promise {
        let read = read::<planes::Plane>(plane, "the plane");
        let made = read.and_then(|plane| plane.view_plane());
        let (plane, keeps_pixels) = match made {
            Ok(made) => made,
            Err(error) => return refused(error),
        };
        if let Err(error) = planes::check_plane(&self.handle, viewport, &plane) {
            return refused(error);
        }
        self.handle.act(Action::SetPlane {
            viewport,
            plane,
            keeps_pixels,
        });
        self.wait(Condition::Drawn(viewport))
    }

    /// Moves, zooms, turns, flips, inverts; the promise ends when it is drawn.
    #[wasm_bindgen(js_name = setView)]
    pub fn set_view(&self, viewport: usize, setting: JsValue) -> Promise {
        match read::<ViewSetting>(setting, "the view") {
            Ok(ViewSetting {
                zoom,
                pan,
                rotation,
                flip,
                invert,
            }) => {
                let change = ViewChange::Set {
                    zoom,
                    pan,
                    rotation,
                    flip,
                    invert,
                };
                self.handle.act(Action::ChangeView { viewport, change });
                self.wait(Condition::Drawn(viewport))
            }
            Err(error) => refused(error),
        }
    }

    /// The value under a point of a viewport, canvas pixels; null outside the image, and until the slice of a volume larger
    /// than memory is decoded again.
    pub fn probe(&self, viewport: usize, x: f64, y: f64) -> JsValue {
        let probe = self.handle.with(|engine| engine.probe(viewport, x, y));
        if probe.is_none() {
            // Of a volume larger than memory the slice is on its way from now on.
            self.handle.send(EngineEvent::Looked);
        }
        probe.map_or(JsValue::NULL, |probe| {
            to_js(&ProbeInfo {
                patient_mm: probe.patient_mm,
                column: probe.column,
                row: probe.row,
                stored: match probe.stored.as_slice() {
                    [one] => Stored::One(*one),
                    several => Stored::Several(several.to_vec()),
                },
                value: probe.value,
                unit: probe.unit,
                real_world: probe.real_world,
                region: probe.region,
            })
        })
    }

    /// Stored values of a frame as decoded in the browser; `frame` from 1.
    pub fn pixels(
        &self,
        instance: String,
        frame: u32,
        study: Option<String>,
        series: Option<String>,
        source: Option<String>,
    ) -> Promise {
        let wanted = pixels::Wanted {
            instance,
            frame,
            study,
            series,
            source,
        };
        pixels::promise(pixels::pixels(self.handle.clone(), wanted))
    }

    /// Modality values of a viewport's plane, read back from its own backend.
    #[wasm_bindgen(js_name = planeValues)]
    pub fn plane_values(
        &self,
        viewport: usize,
        width: Option<u32>,
        height: Option<u32>,
    ) -> Promise {
        let size = [width, height];
        let checked = planes::check(&self.handle, viewport).and_then(|()| planes::check_size(size));
        if let Err(error) = checked {
            return refused(error);
        }
        let handle = self.handle.clone();
        pixels::promise(async move { planes::values(&handle, viewport, size).await })
    }

    /// A PNG of the drawn pixels of a viewport, without overlay.
    pub fn capture(&self, viewport: usize) -> Promise {
        let drawn = self.wait(Condition::Drawn(viewport));
        let handle = self.handle.clone();
        pixels::promise(async move {
            JsFuture::from(drawn).await?;
            let blob = crate::engine::capture(&handle, viewport).await?;
            Ok(blob.into())
        })
    }

    /// Fusion needs volumes.
    pub fn fuse(&self, _viewport: usize, _series: JsValue, _options: JsValue) -> Promise {
        unsupported()
    }

    /// Shows another phase, time or b-value, from 0; the promise ends when it is drawn.
    #[wasm_bindgen(js_name = setTime)]
    pub fn set_time(&self, viewport: usize, index: usize) -> Promise {
        let count = self.handle.with(|engine| {
            let shown = engine.state.viewports.get(viewport)?;
            shown.series?;
            let time = engine.state.time_shown(shown);
            Some(time.map_or(1, |time| time.points().len()))
        });
        match count {
            None => refused(ViewerError::new(
                "no_viewport",
                "the viewport shows no series",
            )),
            Some(count) if index >= count => {
                refused(ViewerError::new("bad_argument", "there is no such time"))
            }
            Some(_) => {
                self.handle.act(Action::SetTime { viewport, index });
                self.wait(Condition::Drawn(viewport))
            }
        }
    }

    /// The promise ends when every frame of a series, or of all stacks on screen, is decoded or has
    /// failed for good.
    pub fn complete(&self, series: Option<String>) -> Promise {
        let Some(uid) = series else {
            return self.wait(Condition::Complete(None));
        };
        let id = self.handle.with(|engine| {
            engine
                .state
                .all_series
                .iter()
                .find(|series| series.uid == uid)
                .map(|series| series.id)
        });
        match id {
            Some(id) => self.wait(Condition::Complete(Some(id))),
            None => refused(ViewerError::new("series_unknown", "no such series is open")),
        }
    }

    /// Figures of this session.
    pub fn stats(&self) -> JsValue {
        self.handle.with(stats_of)
    }

    /// Listens to an event; the function that comes back ends that.
    pub fn on(&self, event: &str, listener: Function) -> Result<JsValue, JsValue> {
        if EVENTS.contains(&event) {
            Ok(self.listeners.add(event, listener))
        } else {
            Err(ViewerError::new("bad_argument", "there is no such event").into())
        }
    }
}

impl ViewerV1 {
    /// The API of an engine.
    pub fn new(handle: EngineHandle, listeners: Listeners, session: Option<FrameSession>) -> Self {
        Self {
            handle,
            listeners,
            session,
            epoch: Rc::default(),
        }
    }

    /// Puts it where pages look for it, and tells that it is ready.
    pub fn publish(self, framing: Framing) {
        let listeners = self.listeners.clone();
        let api = JsValue::from(self);
        if let Some(window) = web_sys::window() {
            // A window takes every property.
            let _ = js_sys::Reflect::set(&window, &"sagitta".into(), &api);
        }
        super::bridge::listen(api, &listeners, framing);
        listeners.call("ready", &js_sys::Object::new());
    }

    fn begin_epoch(&self) -> u64 {
        let epoch = self.epoch.get() + 1;
        self.epoch.set(epoch);
        epoch
    }

    fn open_now(&self, link: ViewLink) -> Promise {
        self.handle.send(EngineEvent::Open(link));
        self.wait(Condition::Opened)
    }

    fn wait(&self, condition: Condition) -> Promise {
        let promise = self
            .handle
            .with_mut(|engine| engine.waiters.promise(condition));
        self.handle.send(EngineEvent::Looked);
        promise
    }
}

/// The contract's `Stats` of an engine.
pub fn stats_of(engine: &Engine) -> JsValue {
    to_js(&figures::stats(engine))
}

fn viewport_info(engine: &Engine, index: usize) -> ViewportInfo {
    let viewport = &engine.state.viewports[index];
    let series = viewport.series.and_then(|id| engine.state.series(id));
    let study = series.and_then(|series| engine.state.studies.get(series.study));
    let shown = viewport.shown(&engine.state);
    let view = engine.viewport_view(index);
    let is_shown = engine.page != Page::List;
    let time = engine.state.time_shown(viewport);
    ViewportInfo {
        id: index,
        source: study.map(|study| study.source.clone()).unwrap_or_default(),
        study: study.map(|study| study.uid.clone()).unwrap_or_default(),
        series: series.map(|series| series.uid.clone()).unwrap_or_default(),
        instance: shown
            .map(|shown| shown.instance.uid.clone())
            .unwrap_or_default(),
        frame: shown.map_or(0, |shown| shown.frame_index + 1),
        kind: if viewport.plane.is_some() {
            "mpr"
        } else {
            "stack"
        },
        slice: view.slice,
        slices: view.slices,
        times: time.as_ref().map_or(1, |time| time.points().len()),
        time: time.as_ref().map_or(0, |time| time.index),
        time_points: time
            .iter()
            .flat_map(|it| it.points())
            .map(Time::of)
            .collect(),
        window: viewport.window(&engine.state).map(|(window, _)| window),
        plane: match &viewport.plane {
            Some(view) => Some(planes::Plane::of(&view.plane)),
            // That of a slab of images.
            None => {
                let slab = viewport.plane_params(&engine.state);
                slab.map(|params| planes::Plane::of(&params.plane))
            }
        },
        width: if is_shown { viewport.width } else { 0 },
        height: if is_shown { viewport.height } else { 0 },
        state: match &view.content {
            Content::Empty => "empty",
            Content::Loading(_) => "loading",
            Content::Image if viewport.plane.is_some() && !engine.is_plane_final(index) => "coarse",
            Content::Image => "final",
            Content::Failed { .. } => "failed",
            Content::Document(_) => "document",
        },
        notes: (view.marks.into_iter())
            .filter(|mark| !matches!(mark.kind, MarkKind::Note | MarkKind::Video))
            .map(|mark| match mark.kind {
                MarkKind::Disagreement => mark.sentence,
                _ => mark.label,
            })
            .chain(view.notes)
            .collect(),
    }
}
