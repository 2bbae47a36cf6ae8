//! The state, and what each action does to it.

use super::linked::Pointed;
use super::mpr::SeriesVolumes;
use super::stack_slab::VolumeShown;
use super::{Action, Layout, Mpr, Playing, Tool, Viewport, cine, hanging};
use crate::geometry::ViewTransform;
use crate::loading::{FrameKey, Shown, ShownVolume};
use crate::model::{BulkAnswer, PlayOrder, Series, SeriesId, Study};
use crate::pixel::{Mask, Window};
use crate::tools::{WindowSource, window_level};
use crate::volume::presence::spread;
use std::collections::HashMap;
use std::sync::Arc;

/// Everything that decides what is on screen, but for the pixels themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewerState {
    /// The open studies.
    pub studies: Vec<Study>,
    /// Their series in listing order.
    pub all_series: Vec<Series>,
    /// The division of the image area.
    pub layout: Layout,
    /// One a place of the layout, row by row.
    pub viewports: Vec<Viewport>,
    /// The active viewport.
    pub active: usize,
    /// The viewport that is shown alone.
    pub large: Option<usize>,
    /// What the left button does.
    pub tool: Tool,
    /// Overlay text is shown.
    pub overlay: bool,
    /// Viewports scroll together.
    pub linked: bool,
    /// Windows of series that name none, found in their first frame.
    pub ranges: HashMap<SeriesId, Window>,
    /// Overlay planes of images are shown.
    pub shows_overlays: bool,
    /// Overlay planes and shutters of frames on screen; `None` for a frame without any.
    pub masks: HashMap<FrameKey, Option<Mask>>,
    /// The cine that runs.
    pub playing: Option<Playing>,
    /// Speed of cines against the files' own, one of [`cine::SPEEDS`].
    pub speed: f64,
    /// Three planes are on screen instead of stacks.
    pub mpr: Option<Mpr>,
    /// Volumes of series that have several times.
    pub split: HashMap<SeriesId, Arc<SeriesVolumes>>,
    /// Three planes follow when the metadata of the active viewport's series have come.
    pub awaits_planes: bool,
    /// The series whose mosaics' headers must come before there are planes of it.
    pub awaited_mosaics: Option<SeriesId>,
    /// Why there are no planes, in words without a final dot.
    pub refusal: Option<String>,
    /// The place in stacks that was pointed at.
    pub pointed: Option<Pointed>,
}

impl Default for ViewerState {
    fn default() -> Self {
        Self {
            studies: Vec::new(),
            all_series: Vec::new(),
            layout: Layout::SINGLE,
            viewports: vec![Viewport::default()],
            active: 0,
            large: None,
            tool: Tool::default(),
            overlay: true,
            linked: false,
            ranges: HashMap::new(),
            shows_overlays: true,
            masks: HashMap::new(),
            playing: None,
            speed: 1.0,
            mpr: None,
            split: HashMap::new(),
            awaits_planes: false,
            awaited_mosaics: None,
            refusal: None,
            pointed: None,
        }
    }
}

impl ViewerState {
    /// A series by its name.
    pub fn series(&self, id: SeriesId) -> Option<&Series> {
        self.all_series.iter().find(|series| series.id == id)
    }

    /// The stacks on screen, for the wanted list. A viewport that is hidden behind a large one wants
    /// nothing.
    pub fn shown_stacks(&self) -> Vec<Shown> {
        self.viewports
            .iter()
            .enumerate()
            .filter(|(index, _)| self.large.is_none_or(|large| large == *index))
            .filter_map(|(index, viewport)| {
                let shown = viewport.shown(self)?;
                if self.volume_of(viewport).is_some() {
                    return None;
                }
                Some(Shown {
                    series: shown.series.id,
                    slice: shown.slice,
                    frame_count: shown.stack.frames.len(),
                    active: index == self.active,
                    forwards: viewport.forwards,
                    plays: self
                        .playing
                        .filter(|playing| playing.viewport == index)
                        .and_then(|_| PlayOrder::of(shown.stack, shown.slice)),
                })
            })
            .collect()
    }

    /// The volumes on screen, for the wanted list.
    pub fn shown_volumes(&self) -> Vec<ShownVolume> {
        let mut shown: Vec<ShownVolume> = Vec::new();
        for (index, viewport) in self.viewports.iter().enumerate() {
            let is_hidden = self.large.is_some_and(|large| large != index);
            let Some(VolumeShown { series, volume, .. }) = self.volume_of(viewport) else {
                continue;
            };
            let is_known = |it: &ShownVolume| it.series == series && it.is_of(&volume.slices);
            if (is_hidden && viewport.plane.is_none()) || shown.iter().any(is_known) {
                continue;
            }
            let slice = u32::try_from(viewport.slice).unwrap_or(0);
            let first = volume.slices.iter().position(|other| *other == slice);
            let order = spread(volume.slices.len(), first.unwrap_or(0)).into_iter();
            shown.push(ShownVolume {
                series,
                slices: order
                    .filter_map(|slice| volume.slices.get(slice).copied())
                    .collect(),
            });
        }
        shown
    }

    /// Changes the state. Actions that make no sense now (a viewport that is not there, a series that
    /// was closed) change nothing. A cine ends when something else moves what it plays, or hides it.
    pub fn apply(&mut self, action: Action) {
        let is_own = matches!(
            action,
            Action::TogglePlaying(_) | Action::StopPlaying | Action::Played { .. }
        );
        let (before, scrolls) = (self.playing_place(), self.scrolls_playing(&action));
        self.change(action);
        if !is_own && (scrolls || self.playing_place() != before) {
            self.playing = None;
        }
    }

    fn change(&mut self, action: Action) {
        match action {
            Action::Open { studies } => {
                let (tool, overlay, sizes) = (self.tool, self.overlay, self.sizes());
                let awaits_planes = self.awaits_planes;
                *self = Self {
                    studies,
                    tool,
                    overlay,
                    awaits_planes,
                    ..Self::default()
                };
                self.restore_sizes(&sizes);
            }
            Action::Close => {
                let (tool, overlay, sizes) = (self.tool, self.overlay, self.sizes());
                *self = Self {
                    tool,
                    overlay,
                    ..Self::default()
                };
                self.restore_sizes(&sizes);
            }
            Action::StudyDescribed(study) => {
                let same = |s: &&mut Study| s.uid == study.uid && s.source == study.source;
                if let Some(known) = self.studies.iter_mut().find(same) {
                    *known = study;
                }
            }
            Action::SeriesListed(series) => self.list_series(series),
            Action::StackReady { series, stack } => self.stack_ready(series, stack),
            Action::RangeFound { series, window } => {
                self.ranges.entry(series).or_insert(window);
            }
            Action::BulkCame {
                series,
                address,
                answer,
            } if self.is_header(series, &address) => {
                self.supply_header(series, &address, &answer);
            }
            Action::BulkCame {
                series,
                address,
                answer,
            } => self.supply(series, &address, &answer),
            Action::MaskMade { key, mask } => self.keep_mask(key, mask),
            Action::ToggleOverlayPlanes => {
                if self.has_overlay_planes() {
                    self.shows_overlays = !self.shows_overlays;
                }
            }
            Action::TogglePlaying(viewport) => self.toggle_playing(viewport),
            Action::StopPlaying => self.playing = None,
            Action::Played {
                slice,
                forwards,
                since_ms,
                is_waiting,
            } => self.played(slice, forwards, since_ms, is_waiting),
            Action::ChangeSpeed(steps) => {
                if self.playing.is_some() {
                    self.speed = cine::changed_speed(self.speed, steps);
                }
            }
            Action::SetLayout(layout) => self.set_layout(layout),
            Action::ShowPlanes(true) => self.enter_mpr(),
            Action::ShowPlanes(false) => self.leave_mpr(),
            Action::ChooseVolume(index) => self.choose_volume(index),
            Action::MoveCrosshair(place) => self.move_crosshair(place.into()),
            Action::PointAt { viewport, at } => self.point_at(viewport, at),
            Action::TurnPlanes {
                viewport,
                degrees,
                turned,
            } => self.turn_planes(viewport, degrees, turned),
            Action::DragCrosshair {
                viewport,
                handle,
                from,
                to,
                alone,
            } => self.drag_crosshair(viewport, handle, [from, to], alone),
            Action::SetPlane {
                viewport,
                plane,
                keeps_pixels,
            } if self.is_plane(viewport) => self.set_plane(viewport, plane, keeps_pixels),
            Action::SetPlane {
                viewport,
                plane,
                keeps_pixels,
            } => self.set_stack_plane(viewport, plane, keeps_pixels),
            Action::SetSlab { viewport, slab } if self.is_plane(viewport) => {
                self.set_slab(viewport, slab);
            }
            Action::SetSlab { viewport, slab } => self.set_stack_slab(viewport, slab),
            Action::DismissRefusal => self.refusal = None,
            Action::Assign { series, .. } if self.mpr.is_some() => self.assign_to_planes(series),
            Action::Assign {
                viewport,
                series,
                slice,
            } => self.assign(viewport, series, slice),
            Action::Activate(viewport) => {
                if viewport < self.viewports.len() {
                    self.active = viewport;
                }
            }
            Action::ActivateNext(delta) => self.activate_next(delta),
            Action::ToggleLarge(viewport) => {
                if viewport < self.viewports.len() {
                    self.large = if self.large.is_some() {
                        None
                    } else {
                        Some(viewport)
                    };
                    self.active = viewport;
                }
            }
            Action::NextSeries(delta) => {
                let current = self.viewports.get(self.active).and_then(|v| v.series);
                if let Some(next) = hanging::neighbour(&self.all_series, current, delta)
                    && Some(next) != current
                {
                    if self.mpr.is_some() {
                        self.assign_to_planes(next);
                    } else {
                        self.assign(self.active, next, None);
                    }
                }
            }
            Action::Resize {
                viewport,
                width,
                height,
            } => {
                if let Some(v) = self.viewports.get_mut(viewport) {
                    let before = [v.width, v.height];
                    (v.width, v.height) = (width, height);
                    if before != [width, height] && v.plane.is_some() {
                        self.resize_plane(viewport, before);
                    }
                }
            }
            Action::SetTime { viewport, index } => self.set_time(viewport, index),
            Action::StepTime { viewport, delta } => self.step_time(viewport, delta),
            Action::SetSlice { viewport, slice } => self.set_slice(viewport, slice),
            Action::ScrollBy { viewport, delta } => self.scroll_by(viewport, delta),
            Action::SetWindow { viewport, window } => {
                if window.center.is_finite() && window.width.is_finite() {
                    let width = window.width.max(f64::MIN_POSITIVE);
                    let source = WindowSource::User(Window { width, ..window });
                    self.choose_window(viewport, source);
                }
            }
            Action::ChooseWindow { viewport, source } => self.choose_window(viewport, source),
            Action::ChoosePreset { viewport, index } => {
                if let Some(preset) = self.presets(viewport).get(index) {
                    self.choose_window(viewport, preset.source);
                }
            }
            Action::DragWindow { viewport, dx, dy } => {
                let window = self.viewports.get(viewport).and_then(|v| v.window(self));
                if let Some((window, _)) = window {
                    let dragged = window_level::drag(window, dx, dy);
                    self.choose_window(viewport, WindowSource::User(dragged));
                }
            }
            Action::ChangeView { viewport, change } => self.change_view(viewport, change),
            Action::Invert(viewport) => {
                let is_plane = self.is_plane(viewport);
                for (index, v) in self.viewports.iter_mut().enumerate() {
                    if index == viewport || (is_plane && v.plane.is_some()) {
                        v.inverted = !v.inverted;
                    }
                }
            }
            Action::Reset(viewport) => {
                if self.mpr.is_some() {
                    self.reset_planes();
                }
                if let Some(v) = self.viewports.get_mut(viewport) {
                    v.window = WindowSource::File(0);
                    v.inverted = false;
                    v.slab = None;
                    v.view = ViewTransform::default();
                }
            }
            Action::SetTool(tool) => self.tool = tool,
            Action::ToggleOverlay => self.overlay = !self.overlay,
            Action::ToggleLink => self.linked = !self.linked,
        }
    }

    /// The presets of the image in a viewport, the file's own first.
    pub fn presets(&self, viewport: usize) -> Vec<window_level::Preset> {
        let shown = self.viewports.get(viewport).and_then(|v| v.shown(self));
        shown.map_or_else(Vec::new, |shown| {
            let grey = &shown.instance.frame(shown.frame_index).grey;
            window_level::presets(shown.customary(), &grey.voi)
        })
    }

    /// True where an image on screen has overlay planes.
    pub fn has_overlay_planes(&self) -> bool {
        let mut shown = self.viewports.iter().filter_map(|v| v.shown(self));
        shown.any(|shown| !shown.instance.overlays.is_empty())
    }

    pub(super) fn sizes(&self) -> Vec<(u32, u32)> {
        self.viewports.iter().map(|v| (v.width, v.height)).collect()
    }

    pub(super) fn restore_sizes(&mut self, sizes: &[(u32, u32)]) {
        for (viewport, (width, height)) in self.viewports.iter_mut().zip(sizes) {
            (viewport.width, viewport.height) = (*width, *height);
        }
    }

    fn list_series(&mut self, series: Vec<Series>) {
        for new in series {
            let known = self
                .all_series
                .iter_mut()
                .find(|old| old.uid == new.uid && old.study == new.study);
            match known {
                Some(old) => {
                    let stack = old.stack.take().or(new.stack);
                    let id = old.id;
                    *old = Series { id, stack, ..new };
                }
                None => self.all_series.push(new),
            }
        }
        hanging::listing_order(&mut self.all_series);
        self.hang_empty();
    }

    /// Values that came late, into all instances of a series that name their address.
    fn supply(&mut self, series: SeriesId, address: &str, answer: &BulkAnswer) {
        let found = self.all_series.iter_mut().find(|s| s.id == series);
        if let Some(stack) = found.and_then(|series| series.stack.as_mut()) {
            for instance in &mut Arc::make_mut(stack).instances {
                instance.supply(address, answer);
            }
            // A window that was found without the table holds no longer, nor do masks.
            self.ranges.remove(&series);
            self.masks.retain(|key, _| key.series != series);
        }
    }

    /// Keeps the mask of a frame on screen, and no others: they are made again when they are needed.
    fn keep_mask(&mut self, key: FrameKey, mask: Option<Mask>) {
        let shown: Vec<FrameKey> = (self.viewports.iter())
            .filter_map(|viewport| Some(viewport.shown(self)?.key()))
            .collect();
        self.masks.retain(|key, _| shown.contains(key));
        self.masks.insert(key, mask);
    }

    fn stack_ready(&mut self, series: SeriesId, stack: Arc<crate::model::Stack>) {
        let first = stack.first_shown();
        let without_images = stack.frames.is_empty();
        if let Some(known) = self.all_series.iter_mut().find(|s| s.id == series) {
            known.stack = Some(stack);
        }
        self.split_series(series);
        for viewport in self
            .viewports
            .iter_mut()
            .filter(|v| v.series == Some(series))
        {
            if viewport.slice == UNSET_SLICE {
                viewport.slice = first;
            }
        }
        if without_images {
            hanging::listing_order(&mut self.all_series);
        }
        self.hang_empty();
        if self.awaits_planes {
            self.enter_mpr();
        }
    }

    /// Puts series that nobody has chosen into empty viewports, in listing order.
    fn hang_empty(&mut self) {
        if self.mpr.is_some() {
            return;
        }
        for index in 0..self.viewports.len() {
            if self.viewports[index].series.is_some() {
                continue;
            }
            let shown: Vec<Option<SeriesId>> = self.viewports.iter().map(|v| v.series).collect();
            let only_documents = shown.iter().all(Option::is_none);
            let next = hanging::next_unshown(&self.all_series, &shown).or_else(|| {
                self.all_series
                    .first()
                    .filter(|_| only_documents)
                    .map(|s| s.id)
            });
            if let Some(series) = next {
                self.assign(index, series, None);
            }
        }
    }

    fn set_layout(&mut self, layout: Layout) {
        self.leave_mpr();
        self.layout = layout;
        self.large = None;
        self.viewports
            .resize_with(layout.count(), Viewport::default);
        self.active = self.active.min(layout.count() - 1);
        self.hang_empty();
    }

    fn assign(&mut self, viewport: usize, series: SeriesId, slice: Option<usize>) {
        let Some(found) = self.series(series) else {
            return;
        };
        let first = found
            .stack
            .as_ref()
            .map_or(UNSET_SLICE, |stack| stack.first_shown());
        if let Some(v) = self.viewports.get_mut(viewport) {
            let (width, height) = (v.width, v.height);
            *v = Viewport {
                series: Some(series),
                slice: slice.unwrap_or(first),
                width,
                height,
                ..Viewport::default()
            };
        }
    }

    fn activate_next(&mut self, delta: i64) {
        let count = i64::try_from(self.viewports.len()).unwrap_or(1);
        let place = i64::try_from(self.active).unwrap_or(0);
        self.active = usize::try_from((place + delta).rem_euclid(count)).unwrap_or(0);
        if self.large.is_some() {
            self.large = Some(self.active);
        }
    }

    pub(super) fn set_slice(&mut self, viewport: usize, slice: usize) {
        let Some(v) = self.viewports.get(viewport) else {
            return;
        };
        if v.plane.is_some() {
            self.set_stop(viewport, slice);
            return;
        }
        let Some(shown) = v.shown(self) else {
            // The metadata are on their way: the slice is kept for them.
            if v.series.is_some() {
                self.viewports[viewport].slice = slice;
            }
            return;
        };
        let (before, last) = (shown.slice, shown.stack.frames.len() - 1);
        let slice = slice.min(last);
        let v = &mut self.viewports[viewport];
        if slice != before {
            v.forwards = slice > before;
        }
        v.slice = slice;
    }

    fn scroll_by(&mut self, viewport: usize, delta: i64) {
        if self.mpr.is_some() {
            self.scroll_plane(viewport, delta);
            return;
        }
        let shown = self.viewports.get(viewport).and_then(|v| v.shown(self));
        let Some(slice) = shown.and_then(|s| i64::try_from(s.slice).ok()) else {
            return;
        };
        let slice = slice.saturating_add(delta).max(0);
        self.set_slice(viewport, usize::try_from(slice).unwrap_or(0));
        if self.linked {
            self.scroll_others(viewport, delta);
        }
    }

    fn choose_window(&mut self, viewport: usize, source: WindowSource) {
        // Planes of one volume have one window.
        let is_plane = self.is_plane(viewport);
        for (index, v) in self.viewports.iter_mut().enumerate() {
            if index == viewport || (is_plane && v.plane.is_some()) {
                v.window = source;
            }
        }
    }

    fn is_plane(&self, viewport: usize) -> bool {
        let viewport = self.viewports.get(viewport);
        viewport.is_some_and(|viewport| viewport.plane.is_some())
    }
}

/// A slice that is chosen when the stack's metadata come.
pub const UNSET_SLICE: usize = usize::MAX;
