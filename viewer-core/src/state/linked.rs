//! Stacks of one frame of reference: scrolled together by place, cut by each other's slices, pointed at together.

use super::{ViewerState, Viewport};
use crate::geometry::ImagePlane;
use glam::{DVec2, DVec3};

/// Cosine from which slices count as parallel: they are scrolled together up to 30 degrees apart.
const SCROLLS: f64 = 0.866;
/// Sine below which two slices have no line in each other.
const PARALLEL: f64 = 0.05;

/// A place that the user pointed at.
#[derive(Debug, Clone, PartialEq)]
pub struct Pointed {
    /// mm in LPS.
    pub place: DVec3,
    /// Source and Frame of Reference UID in which it is meant.
    pub space: (String, String),
}

/// The slice of a viewport in the patient.
struct Slice {
    plane: ImagePlane,
    size: [f64; 2],
    space: (String, String),
}

impl Viewport {
    fn slice_in_space(&self, state: &ViewerState) -> Option<Slice> {
        let shown = self.shown(state).filter(|_| self.plane.is_none())?;
        let format = shown.instance.format.as_ref().ok()?;
        let source = &state.studies.get(shown.series.study)?.source;
        let space = shown.instance.frame_of_reference.clone()?;
        Some(Slice {
            plane: shown.instance.frame(shown.frame_index).plane()?,
            size: [format.columns.into(), format.rows.into()],
            space: (source.clone(), space),
        })
    }

    /// The slice of the stack that lies nearest to a place, among those parallel to the one on screen.
    fn nearest_slice(&self, state: &ViewerState, place: DVec3) -> Option<usize> {
        let stack = self.shown(state)?.stack;
        let normal = self.slice_in_space(state)?.plane.normal();
        let distances = (0..stack.frames.len()).filter_map(|slice| {
            let (instance, frame_index) = stack.at(slice)?;
            let plane = instance.frame(frame_index).plane()?;
            let is_parallel = plane.normal().dot(normal) > 1.0 - 1e-4;
            is_parallel.then(|| ((place - plane.position).dot(normal).abs(), slice))
        });
        // Of slices at one place (phases, b-values) the one on screen stays.
        let key = |(distance, slice): &(f64, usize)| (*distance, slice.abs_diff(self.slice));
        distances
            .min_by(|a, b| key(a).0.total_cmp(&key(b).0).then(key(a).1.cmp(&key(b).1)))
            .map(|(_, slice)| slice)
    }
}

impl ViewerState {
    /// The other viewports follow one that was scrolled by `delta`: those of its frame of reference to the same place, others
    /// by as many slices.
    pub(super) fn scroll_others(&mut self, scrolled: usize, delta: i64) {
        let leader = self.viewports[scrolled].slice_in_space(self);
        for index in (0..self.viewports.len()).filter(|index| *index != scrolled) {
            let viewport = &self.viewports[index];
            let follower = viewport.slice_in_space(self);
            let slice = match (&leader, follower) {
                (Some(leader), Some(follower)) if leader.space == follower.space => {
                    let cosine = leader.plane.normal().dot(follower.plane.normal());
                    if cosine.abs() < SCROLLS {
                        continue;
                    }
                    viewport.nearest_slice(self, leader.middle())
                }
                _ => viewport.shown(self).and_then(|shown| {
                    let slice = i64::try_from(shown.slice).ok()?.saturating_add(delta);
                    usize::try_from(slice.max(0)).ok()
                }),
            };
            if let Some(slice) = slice {
                self.set_slice(index, slice);
            }
        }
    }

    /// Points at a pixel of a stack: every stack of its frame of reference goes to the slice that holds it.
    pub(super) fn point_at(&mut self, viewport: usize, at: [f64; 2]) {
        self.pointed = None;
        let Some(shown) = self.viewports.get(viewport) else {
            return;
        };
        let (Some(slice), Some(geometry)) = (shown.slice_in_space(self), shown.geometry(self))
        else {
            return;
        };
        let pixel = geometry.pixel_from_canvas.transform_point2(at.into());
        if !(pixel.is_finite()) {
            return;
        }
        let place = slice.plane.patient_from_pixel(pixel.x, pixel.y);
        for index in (0..self.viewports.len()).filter(|index| *index != viewport) {
            let other = &self.viewports[index];
            let is_same = (other.slice_in_space(self)).is_some_and(|it| it.space == slice.space);
            if let (true, Some(nearest)) = (is_same, other.nearest_slice(self, place)) {
                self.set_slice(index, nearest);
            }
        }
        self.pointed = Some(Pointed {
            place,
            space: slice.space,
        });
    }

    /// Where the place that was pointed at lies in a viewport, canvas pixels; `None` where its slice lies elsewhere.
    pub fn pointed_at(&self, viewport: usize) -> Option<[f64; 2]> {
        let pointed = self.pointed.as_ref()?;
        let shown = self.viewports.get(viewport)?;
        let slice = shown.slice_in_space(self)?;
        let (column, row, distance) = slice.plane.pixel_from_patient(pointed.place);
        let is_here = slice.space == pointed.space
            && shown.nearest_slice(self, pointed.place) == Some(shown.slice)
            && distance.abs() < MOST_ASIDE_MM;
        let at = shown.geometry(self)?.canvas_from_pixel;
        is_here.then(|| at.transform_point2(DVec2::new(column, row)).to_array())
    }

    /// The line in which the active viewport's slice cuts that of another one, canvas pixels.
    pub fn reference_line(&self, viewport: usize) -> Option<[[f64; 2]; 2]> {
        if viewport == self.active {
            return None;
        }
        let shown = self.viewports.get(viewport)?;
        let cut = shown.slice_in_space(self)?;
        let cutting = self.viewports.get(self.active)?.slice_in_space(self)?;
        if cut.space != cutting.space {
            return None;
        }
        let ends = cutting.cut_by(&cut.plane)?;
        let at = shown.geometry(self)?.canvas_from_pixel;
        Some(ends.map(|place| {
            let (column, row, _) = cut.plane.pixel_from_patient(place);
            at.transform_point2(DVec2::new(column, row)).to_array()
        }))
    }
}

/// A slice farther than this from a place does not show it.
const MOST_ASIDE_MM: f64 = 20.0;

impl Slice {
    fn middle(&self) -> DVec3 {
        let [columns, rows] = self.size;
        (self.plane).patient_from_pixel((columns - 1.0) / 2.0, (rows - 1.0) / 2.0)
    }

    /// The ends of the line in which its image is cut by another plane.
    fn cut_by(&self, other: &ImagePlane) -> Option<[DVec3; 2]> {
        let normal = other.normal();
        if self.plane.normal().cross(normal).length() < PARALLEL {
            return None;
        }
        let [columns, rows] = self.size;
        let corners = [
            (-0.5, -0.5),
            (columns - 0.5, -0.5),
            (columns - 0.5, rows - 0.5),
            (-0.5, rows - 0.5),
        ]
        .map(|(column, row)| self.plane.patient_from_pixel(column, row));
        let height = |place: DVec3| (place - other.position).dot(normal);
        let mut ends = Vec::new();
        for (index, from) in corners.iter().enumerate() {
            let to = corners[(index + 1) % corners.len()];
            let (a, b) = (height(*from), height(to));
            if (a < 0.0) != (b < 0.0) {
                ends.push(*from + (to - *from) * (a / (a - b)));
            }
        }
        <[DVec3; 2]>::try_from(ends).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Series, SeriesId, Stack, Study};
    use crate::state::{Action, Layout};
    use protocol::dicomweb::json;
    use std::sync::Arc;

    /// 101 x 101 pixels of 1 mm; where the first pixels lie, and the directions.
    fn series(id: u32, space: &str, directions: &str, places: &[[f64; 3]]) -> Series {
        let frames = places.iter().enumerate().map(|(number, [x, y, z])| {
            format!(
                r#"{{"00080018":{{"Value":["1.{id}.{number}"]}},"00200013":{{"Value":[{number}]}},
                "00280100":{{"Value":[16]}},"00280030":{{"Value":[1,1]}},
                "00280010":{{"Value":[101]}},"00280011":{{"Value":[101]}},
                "00200052":{{"Value":["{space}"]}},
                "00200032":{{"Value":[{x},{y},{z}]}},"00200037":{{"Value":[{directions}]}}}}"#
            )
        });
        let text = format!("[{}]", frames.collect::<Vec<_>>().join(","));
        let stack = Stack::from_metadata(&json::parse(&text).unwrap());
        Series {
            id: SeriesId(id),
            study: 0,
            uid: format!("1.2.{id}"),
            number: Some(id.into()),
            modality: "CT".into(),
            description: String::new(),
            instance_count: None,
            stack: Some(Arc::new(stack)),
        }
    }

    /// Axial slices 10 mm apart, axial ones 4 mm apart, sagittal ones, and axial ones of elsewhere.
    fn state() -> ViewerState {
        let axial = "1,0,0,0,1,0";
        let heights = |step: f64, count: u32| -> Vec<[f64; 3]> {
            let heights = (0..count).map(|slice| f64::from(slice) * step);
            heights.map(|z| [-50.0, -50.0, z]).collect()
        };
        let sagittal: Vec<[f64; 3]> = [-20.0, 0.0, 20.0].map(|x| [x, -50.0, 100.0]).into();
        let mut state = ViewerState::default();
        let studies = vec![Study::default()];
        state.apply(Action::Open { studies });
        state.apply(Action::SeriesListed(vec![
            series(1, "1.5", axial, &heights(10.0, 11)),
            series(2, "1.5", axial, &heights(4.0, 26)),
            series(3, "1.5", "0,1,0,0,0,-1", &sagittal),
            series(4, "1.6", axial, &heights(10.0, 11)),
        ]));
        state.apply(Action::SetLayout(Layout::parse("2x2").unwrap()));
        for viewport in 0..4 {
            state.apply(Action::Resize {
                viewport,
                width: 202,
                height: 202,
            });
            let slice = 0;
            state.apply(Action::SetSlice { viewport, slice });
        }
        state
    }

    fn slices(state: &ViewerState) -> Vec<usize> {
        state
            .viewports
            .iter()
            .map(|viewport| viewport.slice)
            .collect()
    }

    #[test]
    fn stacks_of_one_space_scroll_to_the_same_place_and_others_by_as_many_slices() {
        let mut state = state();
        state.apply(Action::ToggleLink);
        let (viewport, delta) = (0, 3);
        state.apply(Action::ScrollBy { viewport, delta });
        // 30 mm is nearest to 28 or 32; the sagittal stack stays.
        let found = slices(&state);
        assert!(found[1] == 7 || found[1] == 8, "{found:?}");
        assert_eq!([found[0], found[2], found[3]], [3, 0, 3]);
        let (viewport, delta) = (1, 8);
        state.apply(Action::ScrollBy { viewport, delta });
        // 60 or 64 mm.
        assert_eq!(slices(&state)[0], 6);
    }

    #[test]
    fn the_active_slice_is_a_line_in_slices_across_it() {
        let mut state = state();
        state.apply(Action::Activate(0));
        let (viewport, slice) = (0, 4);
        state.apply(Action::SetSlice { viewport, slice });
        // z = 40 is row 60 of the sagittal image, whose pixels are two canvas pixels large; the image is as wide.
        let [from, to] = state.reference_line(2).unwrap();
        let row = 60.0 * 2.0 + 0.5;
        assert!(
            (from[1] - row).abs() < 1e-9 && (to[1] - row).abs() < 1e-9,
            "{from:?}"
        );
        let mut ends = [from[0], to[0]];
        ends.sort_by(f64::total_cmp);
        assert!((ends[0] + 0.5).abs() < 1e-9 && (ends[1] - 201.5).abs() < 1e-9);
        assert_eq!(state.reference_line(0), None);
        assert_eq!(state.reference_line(1), None);
        assert_eq!(state.reference_line(3), None);
        // The other way round. Sagittal slices are seen from the left: the first one lies at x = 20, column 70.
        state.apply(Action::Activate(2));
        let [from, _] = state.reference_line(0).unwrap();
        assert!((from[0] - (70.0 * 2.0 + 0.5)).abs() < 1e-9);
    }

    #[test]
    fn pointing_shows_the_place_in_every_stack_of_its_space() {
        let mut state = state();
        let (viewport, slice) = (0, 6);
        state.apply(Action::SetSlice { viewport, slice });
        // Pixel (72, 40): x = 22, y = -10, z = 60.
        let at = [72.0 * 2.0 + 0.5, 40.0 * 2.0 + 0.5];
        state.apply(Action::PointAt { viewport, at });
        assert_eq!(slices(&state)[1..], [15, 0, 0]);
        // The sagittal slice at x = 20 is 2 mm away: row 40 along z, column 40 along y.
        let found = state.pointed_at(2).unwrap();
        assert!((found[0] - 80.5).abs() < 1e-9 && (found[1] - 80.5).abs() < 1e-9);
        let found = state.pointed_at(1).unwrap();
        assert!((found[0] - at[0]).abs() < 1e-9 && (found[1] - at[1]).abs() < 1e-9);
        assert_eq!(state.pointed_at(3), None);
    }
}
