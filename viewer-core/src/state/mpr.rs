//! Three linked planes through one volume: where they meet, how they are turned, scrolled and fitted.
//!
//! Each plane is kept as it is shown; the crosshair is where the three meet. Moving the crosshair moves each plane along its
//! own normal; turning in one plane turns the other two about its normal.

pub use super::series_volumes::{SeriesVolumes, Volume};
use super::{Tool, ViewerState, Viewport};
use crate::geometry::{Slab, ViewPlane, ViewTransform};
use crate::model::{SeriesId, Stack};
use crate::tools::crosshair::{Crosshair, crosshair};
use crate::volume::{PlaneKind, Track, VolumeGrid, fitted, is_same_grid, standard_plane};
use glam::{DMat3, DQuat, DVec3};
use std::sync::Arc;

/// The planes of the layout, in the order of their viewports.
pub const PANES: [PlaneKind; 3] = [PlaneKind::Axial, PlaneKind::Sagittal, PlaneKind::Coronal];

/// How the size of a plane's pixels came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The whole volume fits; a viewport of another size fits it anew.
    Fitted,
    /// Chosen by the user: a viewport of another size shows the same part.
    Zoomed,
    /// Given in mm: it stays.
    Given,
}

/// What a viewport shows of a volume.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneView {
    /// Which of the three it is.
    pub kind: PlaneKind,
    /// The plane, with its slab.
    pub plane: ViewPlane,
    /// Where the size of its pixels comes from.
    pub scale: Scale,
    /// Its directions before the user's turns and flips.
    pub unturned: [DVec3; 2],
    /// The user's turns and flips; place and size are those of the plane.
    pub turn: ViewTransform,
}

impl PlaneView {
    /// Angle to the plane of the patient after which it is named, degrees.
    pub fn turned_degrees(&self) -> f64 {
        let named = match self.kind {
            PlaneKind::Axial => DVec3::Z,
            PlaneKind::Coronal => DVec3::Y,
            PlaneKind::Sagittal => DVec3::X,
            PlaneKind::Acquisition => return 0.0,
        };
        let cosine = self.plane.normal().dot(named).abs();
        cosine.min(1.0).acos().to_degrees()
    }

    fn new(kind: PlaneKind, plane: ViewPlane, scale: Scale) -> Self {
        Self {
            kind,
            plane,
            scale,
            unturned: [plane.row, plane.column],
            turn: ViewTransform::default(),
        }
    }
}

/// The layout of three planes.
#[derive(Debug, Clone, PartialEq)]
pub struct Mpr {
    /// The series.
    pub series: SeriesId,
    /// Its volumes.
    pub volumes: Arc<SeriesVolumes>,
    /// Which of them is shown.
    pub chosen: usize,
    /// Where the planes meet, mm in LPS.
    pub crosshair: DVec3,
    /// The viewports behind it, which come back when it is left.
    pub behind: Vec<Viewport>,
    /// The active one of those.
    pub active_behind: usize,
    /// What the left button did before.
    pub tool_behind: Tool,
}

impl Mpr {
    /// The volume that is shown.
    pub fn volume(&self) -> Option<&Volume> {
        self.volumes.volumes.get(self.chosen)
    }
}

/// Which of the lines that cross in a plane turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// Both.
    Both,
    /// That of the plane in this viewport alone: a double oblique.
    Only(usize),
}

impl Viewport {
    /// The stops of the plane that it shows, and the one at which it stands.
    pub fn stops(&self, state: &ViewerState) -> Option<(Track, usize)> {
        let plane = self.plane.as_ref()?;
        let grid = &state.mpr.as_ref()?.volume()?.grid;
        let track = Track::new(grid, plane.plane.normal());
        let stop = track.nearest(plane.plane.center);
        Some((track, stop))
    }
}

impl ViewerState {
    /// Puts three planes of the active viewport's series on screen. Where that cannot be, [`ViewerState::refusal`] says
    /// why; where the metadata have not come, the planes follow them.
    pub(super) fn enter_mpr(&mut self) {
        if self.mpr.is_some() {
            return;
        }
        self.refusal = None;
        let series = self.viewports.get(self.active).and_then(|v| v.series);
        let Some(series) = series.and_then(|id| self.series(id)) else {
            self.awaits_planes = self.all_series.is_empty();
            if !self.awaits_planes {
                self.refusal = Some("the viewport shows no series".into());
            }
            return;
        };
        let Some(stack) = series.stack.clone() else {
            self.awaits_planes = true;
            return;
        };
        let (id, behind) = (series.id, self.viewports.clone());
        self.awaits_planes = self.awaits_headers(id, &stack);
        if self.awaits_planes {
            return;
        }
        let active_behind = self.active;
        self.show_planes_of(id, &stack, behind, active_behind);
    }

    fn show_planes_of(
        &mut self,
        series: SeriesId,
        stack: &Stack,
        behind: Vec<Viewport>,
        active_behind: usize,
    ) {
        let volumes = SeriesVolumes::of(stack);
        if volumes.volumes.is_empty() {
            self.refusal = volumes.refusal.or(Some("this series is no volume".into()));
            return;
        }
        // The volume of the image on screen, else the one of most slices.
        let slice = behind
            .get(active_behind)
            .filter(|viewport| viewport.series == Some(series))
            .and_then(|viewport| u32::try_from(viewport.slice).ok());
        let holds = |volume: &Volume| slice.is_some_and(|slice| volume.slices.contains(&slice));
        let sizes = || volumes.volumes.iter().enumerate();
        let chosen = sizes()
            .find(|(_, volume)| holds(volume))
            .or_else(|| sizes().max_by_key(|(index, v)| (v.slices.len(), usize::MAX - index)))
            .map_or(0, |(index, _)| index);
        let before = self.viewports.get(self.active).cloned().unwrap_or_default();
        self.mpr = Some(Mpr {
            series,
            volumes: Arc::new(volumes),
            chosen,
            crosshair: DVec3::ZERO,
            behind,
            active_behind,
            tool_behind: std::mem::replace(&mut self.tool, Tool::Crosshair),
        });
        self.large = None;
        self.playing = None;
        self.active = 0;
        // The window stays as the reader has chosen it.
        let same = before.series == Some(series);
        self.viewports = PANES
            .iter()
            .map(|_| Viewport {
                series: Some(series),
                window: if same {
                    before.window
                } else {
                    Viewport::default().window
                },
                inverted: same && before.inverted,
                ..Viewport::default()
            })
            .collect();
        self.reset_planes();
    }

    /// The viewports from before the planes come back.
    pub(super) fn leave_mpr(&mut self) {
        self.awaits_planes = false;
        self.awaited_mosaics = None;
        if let Some(mpr) = self.mpr.take() {
            self.viewports = mpr.behind;
            self.active = mpr
                .active_behind
                .min(self.viewports.len().saturating_sub(1));
            self.large = None;
            if self.tool == Tool::Crosshair {
                self.tool = mpr.tool_behind;
            }
        }
    }

    /// Another series in the planes; one that is no volume is refused in words and the planes stay.
    pub(super) fn assign_to_planes(&mut self, series: SeriesId) {
        self.refusal = None;
        let Some(stack) = self.series(series).and_then(|series| series.stack.clone()) else {
            self.refusal = Some("the metadata of this series have not come yet".into());
            return;
        };
        if self.awaits_headers(series, &stack) {
            return;
        }
        let Some(mpr) = self.mpr.take() else { return };
        let (sizes, active, tool) = (self.sizes(), self.active, self.tool);
        self.show_planes_of(series, &stack, mpr.behind.clone(), mpr.active_behind);
        match &mut self.mpr {
            Some(new) => new.tool_behind = mpr.tool_behind,
            None => {
                self.mpr = Some(mpr);
                return;
            }
        }
        self.tool = tool;
        self.restore_sizes(&sizes);
        self.active = active;
        self.refit_planes();
    }

    /// Another volume of the same series.
    pub(super) fn choose_volume(&mut self, index: usize) {
        if let Some(mpr) = &mut self.mpr
            && index < mpr.volumes.volumes.len()
            && index != mpr.chosen
        {
            let [before, after] = [mpr.chosen, index].map(|index| &mpr.volumes.volumes[index].grid);
            let is_same = is_same_grid(before, after);
            mpr.chosen = index;
            // Another time of the same place is looked at as before.
            if is_same {
                self.name_slices();
            } else {
                self.reset_planes();
            }
        }
    }

    /// All planes as at the first paint.
    pub(super) fn reset_planes(&mut self) {
        let Some(mpr) = &mut self.mpr else { return };
        let Some(volume) = mpr.volumes.volumes.get(mpr.chosen) else {
            return;
        };
        let grid = Arc::clone(&volume.grid);
        // On a voxel, so that no plane is blurred that need not be.
        let middle = grid.voxel_from_patient(grid.center()).round();
        mpr.crosshair = grid.patient_from_voxel(middle);
        let crosshair = mpr.crosshair;
        for (viewport, kind) in self.viewports.iter_mut().zip(PANES) {
            let plane = through(standard_plane(&grid, kind), crosshair);
            viewport.plane = Some(PlaneView::new(kind, plane, Scale::Fitted));
        }
        self.refit_planes();
    }

    /// Fits planes whose viewport got another size, and finds the slice that stands for each.
    pub(super) fn refit_planes(&mut self) {
        let Some(volume) = self.mpr.as_ref().and_then(Mpr::volume).cloned() else {
            return;
        };
        for viewport in &mut self.viewports {
            let (width, height) = (viewport.width, viewport.height);
            if let Some(view) = &mut viewport.plane
                && view.scale == Scale::Fitted
                && width > 0
                && height > 0
            {
                view.plane = fitted(view.plane, &volume.grid, width, height);
            }
        }
        self.name_slices();
    }

    /// The slice nearest to the crosshair stands for a plane where one image is asked for: window, unit, loading.
    fn name_slices(&mut self) {
        let Some(mpr) = &self.mpr else { return };
        let Some(volume) = mpr.volume() else { return };
        let voxel = volume.grid.voxel_from_patient(mpr.crosshair);
        let last = volume.slices.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from float stops at the ends of the range"
        )]
        let slice = (voxel.z.round().max(0.0) as usize).min(last);
        let slice = volume.slices.get(slice).map_or(0, |slice| *slice as usize);
        for viewport in self.viewports.iter_mut().filter(|v| v.plane.is_some()) {
            viewport.slice = slice;
        }
    }

    /// A viewport's plane has another size in canvas pixels.
    pub(super) fn resize_plane(&mut self, index: usize, before: [u32; 2]) {
        let Some(grid) = self
            .mpr
            .as_ref()
            .and_then(Mpr::volume)
            .map(|v| Arc::clone(&v.grid))
        else {
            return;
        };
        if let Some(viewport) = self.viewports.get_mut(index)
            && let Some(view) = &mut viewport.plane
            && view.scale == Scale::Zoomed
            && before.iter().all(|side| *side > 0)
            && viewport.width > 0
            && viewport.height > 0
        {
            let scale =
                |[width, height]: [u32; 2]| fitted(view.plane, &grid, width, height).pixel_mm;
            let ratio = scale([viewport.width, viewport.height]) / scale(before);
            view.plane.pixel_mm *= ratio;
        }
        self.refit_planes();
    }

    /// The planes meet somewhere else: each moves along its own normal.
    pub(super) fn move_crosshair(&mut self, to: DVec3) {
        let Some(mpr) = &self.mpr else { return };
        let Some(volume) = mpr.volume() else {
            return;
        };
        if !to.is_finite() {
            return;
        }
        let way = within(&volume.grid, to) - mpr.crosshair;
        self.shift_planes(way);
    }

    /// Scrolls a plane by stops.
    pub(super) fn scroll_plane(&mut self, index: usize, delta: i64) {
        let Some(viewport) = self.viewports.get(index) else {
            return;
        };
        if let Some((track, _)) = viewport.stops(self)
            && let Some(view) = &viewport.plane
        {
            self.shift_planes(view.plane.normal() * track.way_mm(view.plane.center, delta));
        }
    }

    /// Puts a plane on one of its stops.
    pub(super) fn set_stop(&mut self, index: usize, stop: usize) {
        let Some(viewport) = self.viewports.get(index) else {
            return;
        };
        if let Some((track, _)) = viewport.stops(self)
            && let Some(view) = &viewport.plane
        {
            let normal = view.plane.normal();
            self.shift_planes(normal * (track.stop_mm(stop) - view.plane.center.dot(normal)));
        }
    }

    /// Moves the crosshair, and each plane with it along its own normal.
    fn shift_planes(&mut self, way: DVec3) {
        if let Some(mpr) = &mut self.mpr {
            mpr.crosshair += way;
        }
        for viewport in &mut self.viewports {
            if let Some(view) = &mut viewport.plane {
                view.plane = view.plane.moved(way.dot(view.plane.normal()));
            }
        }
        self.name_slices();
    }

    /// Turns the lines that cross in a viewport, clockwise on screen, by turning the planes that they stand for.
    pub(super) fn turn_planes(&mut self, index: usize, degrees: f64, turned: Turned) {
        let Some(axis) = self.viewports.get(index).and_then(|v| v.plane) else {
            return;
        };
        let Some(crosshair) = self.mpr.as_ref().map(|mpr| mpr.crosshair) else {
            return;
        };
        if !degrees.is_finite() {
            return;
        }
        // Row to column is clockwise on screen, and right-handed about row times column.
        let turn = DMat3::from_quat(DQuat::from_axis_angle(
            axis.plane.normal(),
            degrees.to_radians(),
        ));
        for (other, viewport) in self.viewports.iter_mut().enumerate() {
            let is_turned = match turned {
                Turned::Both => other != index,
                Turned::Only(only) => other == only && other != index,
            };
            if let (true, Some(view)) = (is_turned, &mut viewport.plane) {
                view.plane.row = (turn * view.plane.row).normalize();
                view.plane.column = (turn * view.plane.column).normalize();
                view.unturned = view
                    .unturned
                    .map(|direction| (turn * direction).normalize());
                view.plane.center = crosshair + turn * (view.plane.center - crosshair);
                if view.scale == Scale::Fitted {
                    view.scale = Scale::Zoomed;
                }
            }
        }
    }

    /// A plane as an embedder gives it. The crosshair goes where the three planes now meet, or onto the new one.
    pub(super) fn set_plane(&mut self, index: usize, plane: ViewPlane, keeps_pixels: bool) {
        let Some(view) = self.viewports.get_mut(index).and_then(|v| v.plane.as_mut()) else {
            return;
        };
        let pixel_mm = if keeps_pixels {
            view.plane.pixel_mm
        } else {
            plane.pixel_mm
        };
        let plane = ViewPlane { pixel_mm, ..plane };
        let scale = if keeps_pixels {
            Scale::Zoomed
        } else {
            Scale::Given
        };
        *view = PlaneView::new(view.kind, plane, scale);
        let planes: Vec<ViewPlane> = self.planes().map(|(_, view)| view.plane).collect();
        if let Some(mpr) = &mut self.mpr {
            let normal = plane.normal();
            let onto = mpr.crosshair + normal * (plane.center - mpr.crosshair).dot(normal);
            let met = meeting(&planes).filter(|place| {
                let grid = mpr.volume().map(|volume| &volume.grid);
                grid.is_some_and(|grid| grid.contains(grid.voxel_from_patient(*place)))
            });
            mpr.crosshair = met.unwrap_or(onto);
        }
        self.name_slices();
    }

    /// Thickness of a plane.
    pub(super) fn set_slab(&mut self, index: usize, slab: Option<Slab>) {
        let Some(view) = self.viewports.get_mut(index).and_then(|v| v.plane.as_mut()) else {
            return;
        };
        let slab = slab.filter(|slab| slab.thickness_mm > 0.0);
        match slab {
            None => view.plane.slab = None,
            Some(slab) => {
                if let Ok(plane) = view.plane.with_slab(slab) {
                    view.plane = plane;
                }
            }
        }
    }

    /// The lines that cross in a viewport; `None` where it shows no plane.
    pub fn crosshair(&self, viewport: usize) -> Option<Crosshair> {
        let shown = self.viewports.get(viewport)?;
        let (plane, mpr) = (shown.plane?.plane, self.mpr.as_ref()?);
        let others = self.planes().filter(|(index, _)| *index != viewport);
        let others = others.map(|(index, view)| (index, view.kind, &view.plane));
        let size = [shown.width, shown.height];
        Some(crosshair(&plane, size, mpr.crosshair, others))
    }

    /// The planes on screen and their viewports.
    pub fn planes(&self) -> impl Iterator<Item = (usize, &PlaneView)> {
        let planes = self.viewports.iter().enumerate();
        planes.filter_map(|(index, viewport)| Some((index, viewport.plane.as_ref()?)))
    }
}

/// A plane moved along its normal so that it holds a place.
fn through(plane: ViewPlane, place: DVec3) -> ViewPlane {
    plane.moved((place - plane.center).dot(plane.normal()))
}

/// The nearest place within the box of voxel centres, along the axes of the volume.
fn within(grid: &VolumeGrid, place: DVec3) -> DVec3 {
    let voxel = grid.voxel_from_patient(place);
    if grid.contains(voxel) {
        return place;
    }
    grid.patient_from_voxel(voxel.clamp(DVec3::ZERO, grid.size() - 1.0))
}

/// The one place that lies on three planes; `None` where they do not meet in one, or barely.
fn meeting(planes: &[ViewPlane]) -> Option<DVec3> {
    let [a, b, c] = planes else { return None };
    let normals = [a, b, c].map(|plane| plane.normal());
    let matrix = DMat3::from_cols(normals[0], normals[1], normals[2]).transpose();
    if matrix.determinant().abs() < 0.05 {
        return None;
    }
    let along = |plane: &ViewPlane| plane.center.dot(plane.normal());
    Some(matrix.inverse() * DVec3::new(along(a), along(b), along(c)))
}

#[cfg(test)]
#[path = "mpr_tests.rs"]
mod tests;
