//! A view that was kept: what stood in which viewport, and how it was shown. It is small, says its version, names objects by
//! UID alone, and does not depend on the size of the screen that it came from.

use serde::{Deserialize, Serialize};

use super::{Action, Layout, ViewChange, ViewerState, Viewport};
use crate::geometry::{Projection, Slab, ViewPlane, ViewTransform};
use crate::model::Series;
use crate::pixel::Window;
use crate::tools::WindowSource;

/// The version that is written. Others are not read.
const VERSION: u32 = 1;

/// A view that was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedView {
    version: u32,
    layout: Layout,
    active: usize,
    /// Three planes of the series of the first viewport.
    #[serde(default)]
    planes: bool,
    /// Which of its volumes.
    #[serde(default)]
    volume: usize,
    viewports: Vec<SavedViewport>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct SavedViewport {
    /// Series Instance UID; none = empty.
    series: Option<String>,
    /// SOP Instance UID of the slice.
    instance: Option<String>,
    /// Its frame, from 1.
    frame: u32,
    window: SavedWindow,
    invert: bool,
    /// 1 = fit.
    zoom: f64,
    /// From the viewport's middle to the image's, in pixels of the image as it fits.
    pan: [f64; 2],
    /// Degrees clockwise.
    rotation: f64,
    flip: bool,
    plane: Option<SavedPlane>,
    slab: Option<SavedSlab>,
}

/// Where the window came from, so that its name stays.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SavedWindow {
    File(usize),
    Preset(usize),
    User(Window),
}

impl Default for SavedWindow {
    fn default() -> Self {
        Self::File(0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct SavedPlane {
    center: [f64; 3],
    row: [f64; 3],
    column: [f64; 3],
    /// What the shorter side of the viewport shows, mm.
    field_mm: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct SavedSlab {
    mm: f64,
    projection: SavedProjection,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SavedProjection {
    Mip,
    MinIp,
    Mean,
}

impl SavedSlab {
    fn of(slab: &Slab) -> Self {
        Self {
            mm: slab.thickness_mm,
            projection: match slab.projection {
                Projection::Mip => SavedProjection::Mip,
                Projection::MinIp => SavedProjection::MinIp,
                Projection::Mean => SavedProjection::Mean,
            },
        }
    }

    fn slab(self) -> Slab {
        Slab {
            thickness_mm: self.mm,
            projection: match self.projection {
                SavedProjection::Mip => Projection::Mip,
                SavedProjection::MinIp => Projection::MinIp,
                SavedProjection::Mean => Projection::Mean,
            },
            step_mm: None,
        }
    }
}

/// The first image of a view: what is to come before everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstImage {
    /// Series Instance UID.
    pub series: String,
    /// SOP Instance UID.
    pub instance: Option<String>,
    /// Its frame, from 1.
    pub frame: u32,
}

impl SavedView {
    /// What is on screen.
    pub fn of(state: &ViewerState) -> Self {
        let viewports = state.viewports.iter();
        Self {
            version: VERSION,
            layout: state.layout,
            active: state.active,
            planes: state.mpr.is_some(),
            volume: state.mpr.as_ref().map_or(0, |mpr| mpr.chosen),
            viewports: viewports.map(|it| SavedViewport::of(it, state)).collect(),
        }
    }

    /// What is on screen in one viewport, for a screen that shows one image.
    pub fn of_active(state: &ViewerState) -> Self {
        let active = state.viewports.get(state.active);
        Self {
            version: VERSION,
            layout: Layout::SINGLE,
            active: 0,
            planes: false,
            volume: 0,
            viewports: active
                .map(|it| SavedViewport::of(it, state))
                .into_iter()
                .collect(),
        }
    }

    /// Reads what [`SavedView::text`] wrote; `None` for another version, and for what is no view.
    pub fn from_text(text: &str) -> Option<Self> {
        let view: Self = serde_json::from_str(text).ok()?;
        let layout = Layout::parse(&view.layout.name()).ok()?;
        let places = usize::from(layout.rows) * usize::from(layout.columns);
        let is_whole = view.planes || view.viewports.len() == places;
        (view.version == VERSION && is_whole && view.viewports.len() <= 9).then_some(view)
    }

    /// As JSON.
    pub fn text(&self) -> String {
        // Plain numbers and texts always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The view of its active viewport alone, as an image that lies in a stack.
    #[must_use]
    pub fn single(&self) -> Self {
        let active = self.viewports.get(self.active).cloned();
        Self {
            version: VERSION,
            layout: Layout::SINGLE,
            active: 0,
            planes: false,
            volume: 0,
            viewports: vec![SavedViewport {
                plane: None,
                slab: None,
                ..active.unwrap_or_default()
            }],
        }
    }

    /// What its active viewport shows; `None` where that is empty.
    pub fn first_image(&self) -> Option<FirstImage> {
        let active = self.viewports.get(self.active)?;
        Some(FirstImage {
            series: active.series.clone()?,
            instance: active.instance.clone(),
            frame: active.frame.max(1),
        })
    }

    /// How many viewports it has.
    pub fn viewports(&self) -> usize {
        self.viewports.len()
    }

    /// Puts its series into viewports, once the series are known.
    pub fn hang(&self, state: &ViewerState) -> Vec<Action> {
        let named = |uid: &Option<String>| {
            let uid = uid.as_ref()?;
            state.all_series.iter().find(|series| series.uid == *uid)
        };
        if self.planes {
            let series = self.viewports.first().and_then(|it| named(&it.series));
            return series.map_or_else(Vec::new, |series| {
                vec![
                    Action::SetLayout(Layout::SINGLE),
                    assign(0, series),
                    Action::ShowPlanes(true),
                ]
            });
        }
        let mut actions = vec![Action::SetLayout(self.layout)];
        for (viewport, saved) in self.viewports.iter().enumerate() {
            actions.extend(named(&saved.series).map(|series| assign(viewport, series)));
        }
        actions.push(Action::Activate(self.active));
        actions
    }

    /// Shows a viewport as it was, once its stack is there and it has a size; `None` until then.
    pub fn settle(&self, viewport: usize, state: &ViewerState) -> Option<Vec<Action>> {
        let saved = self.viewports.get(viewport)?;
        let Some(uid) = &saved.series else {
            return Some(Vec::new());
        };
        if self.planes && state.mpr.is_none() {
            return None;
        }
        let shown = state.viewports.get(viewport)?;
        let series = state.series(shown.series?).filter(|it| it.uid == *uid)?;
        let stack = series.stack.as_deref()?;
        if shown.width == 0 || shown.height == 0 {
            return None;
        }
        let mut actions = Vec::new();
        if let Some(plane) = saved.plane.filter(|_| self.planes) {
            let volume = state.mpr.as_ref().map_or(0, |mpr| mpr.chosen);
            if volume != self.volume {
                actions.push(Action::ChooseVolume(self.volume));
            }
            actions.extend(plane.action(viewport, shown, saved.slab));
        } else {
            let instance = saved.instance.as_deref();
            let frame_index = saved.frame.saturating_sub(1);
            let slice = instance.and_then(|uid| stack.slice_of(uid, frame_index));
            actions.extend(slice.map(|slice| Action::SetSlice { viewport, slice }));
            let per_pixel = 1.0 / image_pixels(shown, saved.rotation, state).unwrap_or(1.0);
            actions.push(Action::ChangeView {
                viewport,
                change: ViewChange::Set {
                    zoom: Some(saved.zoom),
                    pan: Some(saved.pan.map(|pixels| pixels * per_pixel)),
                    rotation: Some(saved.rotation),
                    flip: Some(saved.flip),
                    invert: Some(saved.invert),
                },
            });
            let slab = saved.slab.map(SavedSlab::slab);
            actions.extend(slab.map(|slab| Action::SetSlab {
                viewport,
                slab: Some(slab),
            }));
        }
        actions.push(Action::ChooseWindow {
            viewport,
            source: match saved.window {
                SavedWindow::File(index) => WindowSource::File(index),
                SavedWindow::Preset(index) => WindowSource::Preset(index),
                SavedWindow::User(window) => WindowSource::User(window),
            },
        });
        Some(actions)
    }
}

fn assign(viewport: usize, series: &Series) -> Action {
    Action::Assign {
        viewport,
        series: series.id,
        slice: None,
    }
}

/// Pixels of the image below one of the canvas while the image fits, turned as given.
fn image_pixels(viewport: &Viewport, rotation: f64, state: &ViewerState) -> Option<f64> {
    let fitting = Viewport {
        view: ViewTransform {
            rotation,
            ..ViewTransform::default()
        },
        ..viewport.clone()
    };
    let [across, down, ..] = fitting.geometry(state)?.pixel_from_canvas_array();
    Some(across.hypot(down)).filter(|pixels| pixels.is_finite() && *pixels > 0.0)
}

impl SavedViewport {
    fn of(viewport: &Viewport, state: &ViewerState) -> Self {
        let series = viewport.series.and_then(|id| state.series(id));
        let shown = viewport.shown(state);
        let pixels = image_pixels(viewport, viewport.view.rotation, state).unwrap_or(0.0);
        let plane = viewport.plane.as_ref().map(|view| &view.plane);
        let slab = match plane {
            Some(plane) => plane.slab,
            None => viewport.slab.as_ref().map(|it| it.slab),
        };
        Self {
            series: series.map(|series| series.uid.clone()),
            instance: shown.map(|shown| shown.instance.uid.clone()),
            frame: shown.map_or(1, |shown| shown.frame_index + 1),
            window: match viewport.window {
                WindowSource::File(index) => SavedWindow::File(index),
                WindowSource::Preset(index) => SavedWindow::Preset(index),
                WindowSource::User(window) => SavedWindow::User(window),
            },
            invert: viewport.inverted,
            zoom: viewport.view.zoom,
            pan: viewport.view.pan.map(|canvas| canvas * pixels),
            rotation: viewport.view.rotation,
            flip: viewport.view.flip,
            plane: plane.map(|plane| SavedPlane::of(plane, viewport)),
            slab: slab.as_ref().map(SavedSlab::of),
        }
    }
}

fn shorter_side(viewport: &Viewport) -> f64 {
    f64::from(viewport.width.min(viewport.height).max(1))
}

impl SavedPlane {
    fn of(plane: &ViewPlane, viewport: &Viewport) -> Self {
        Self {
            center: plane.center.to_array(),
            row: plane.row.to_array(),
            column: plane.column.to_array(),
            field_mm: plane.pixel_mm * shorter_side(viewport),
        }
    }

    fn action(self, viewport: usize, shown: &Viewport, slab: Option<SavedSlab>) -> Option<Action> {
        let pixel_mm = self.field_mm / shorter_side(shown);
        let plane = ViewPlane::new(self.center, self.row, self.column, pixel_mm).ok()?;
        let plane = match slab {
            Some(slab) => plane.with_slab(slab.slab()).ok()?,
            None => plane,
        };
        Some(Action::SetPlane {
            viewport,
            plane,
            keeps_pixels: false,
        })
    }
}

#[cfg(test)]
#[path = "saved_tests.rs"]
mod tests;
