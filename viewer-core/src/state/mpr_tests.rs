//! Planes through a small body whose voxels lie on whole millimetres.

use super::*;
use crate::geometry::Projection;
use crate::loading::ShownVolume;
use crate::model::{Series, Study};
use crate::state::{Action, Layout, ViewChange};
use crate::tools::crosshair::Handle;
use protocol::dicomweb::json;

/// 11 x 21 pixels of 1 mm, slices at these heights; the first pixel lies at (-5, -10).
fn stack(heights: &[f64]) -> Arc<Stack> {
    let frames = heights.iter().enumerate().map(|(number, z)| {
        format!(
            r#"{{"00080018":{{"Value":["1.{number}"]}},"00200013":{{"Value":[{number}]}},
            "00280100":{{"Value":[16]}},"00280030":{{"Value":[1,1]}},
            "00280010":{{"Value":[21]}},"00280011":{{"Value":[11]}},
            "00200032":{{"Value":[-5,-10,{z}]}},"00200037":{{"Value":[1,0,0,0,1,0]}}}}"#
        )
    });
    let text = format!("[{}]", frames.collect::<Vec<_>>().join(","));
    Arc::new(Stack::from_metadata(&json::parse(&text).unwrap()))
}

fn series(id: u32, stack: Option<Arc<Stack>>) -> Series {
    Series {
        id: SeriesId(id),
        study: 0,
        uid: format!("1.2.{id}"),
        number: Some(id.into()),
        modality: "CT".into(),
        description: String::new(),
        instance_count: None,
        stack,
    }
}

fn opened(stacks: Vec<Option<Arc<Stack>>>) -> ViewerState {
    let mut state = ViewerState::default();
    let studies = vec![Study::default()];
    state.apply(Action::Open { studies });
    let listed = (1_u32..).zip(stacks).map(|(id, stack)| series(id, stack));
    state.apply(Action::SeriesListed(listed.collect()));
    state
}

const HEIGHTS: [f64; 5] = [0.0, 10.0, 20.0, 30.0, 40.0];

fn with_planes() -> ViewerState {
    let mut state = opened(vec![Some(stack(&HEIGHTS))]);
    state.apply(Action::ShowPlanes(true));
    for viewport in 0..3 {
        let (width, height) = (101, 81);
        state.apply(Action::Resize {
            viewport,
            width,
            height,
        });
    }
    state
}

fn plane(state: &ViewerState, viewport: usize) -> ViewPlane {
    state.viewports[viewport].plane.unwrap().plane
}

fn crosshair(state: &ViewerState) -> [f64; 3] {
    state.mpr.as_ref().unwrap().crosshair.to_array()
}

fn near(found: DVec3, expected: [f64; 3]) {
    let off = (found - DVec3::from(expected)).length();
    assert!(off < 1e-9, "{found} instead of {expected:?}");
}

#[test]
fn three_planes_meet_on_the_middle_voxel_and_show_all_of_the_volume() {
    let state = with_planes();
    assert_eq!(state.viewports.len(), 3);
    assert_eq!(crosshair(&state), [0.0, 0.0, 20.0]);
    let kinds: Vec<_> = state.planes().map(|(_, view)| view.kind).collect();
    assert_eq!(kinds, PANES);
    // 20 mm of rows over 80 steps; 40 mm of slices over 80.
    assert_eq!(plane(&state, 0).pixel_mm, 0.25);
    assert_eq!(plane(&state, 1).pixel_mm, 0.5);
    assert_eq!(plane(&state, 2).pixel_mm, 0.5);
    // The slice in the middle stands for all three.
    assert!(state.viewports.iter().all(|viewport| viewport.slice == 2));
}

#[test]
fn planes_wait_for_metadata_and_leave_the_viewports_as_they_were() {
    let mut state = opened(vec![None]);
    state.apply(Action::SetLayout(Layout::parse("1x2").unwrap()));
    state.apply(Action::ShowPlanes(true));
    assert!(state.awaits_planes && state.mpr.is_none());
    let series = SeriesId(1);
    let slices = stack(&HEIGHTS);
    state.apply(Action::StackReady {
        series,
        stack: slices,
    });
    assert!(state.mpr.is_some());
    state.apply(Action::ShowPlanes(false));
    assert_eq!(
        (state.viewports.len(), state.layout.name()),
        (2, "1x2".into())
    );
    assert_eq!(state.viewports[0].series, Some(series));
    assert!(
        state
            .viewports
            .iter()
            .all(|viewport| viewport.plane.is_none())
    );
}

#[test]
fn what_is_no_volume_is_refused_in_words_and_changes_nothing() {
    let mut state = opened(vec![Some(stack(&[0.0, 5.0]))]);
    let before = state.viewports.clone();
    state.apply(Action::ShowPlanes(true));
    let reason = state.refusal.clone().unwrap();
    assert!(reason.contains("at least 4 parallel slices"), "{reason}");
    assert_eq!(state.viewports, before);
    state.apply(Action::DismissRefusal);
    assert_eq!(state.refusal, None);
}

#[test]
fn another_series_takes_the_place_of_the_volume_or_is_refused() {
    let mut state = opened(vec![
        Some(stack(&HEIGHTS)),
        Some(stack(&[0.0, 5.0])),
        Some(stack(&[0.0, 2.0, 4.0, 6.0])),
    ]);
    state.apply(Action::ShowPlanes(true));
    state.apply(Action::NextSeries(1));
    assert!(state.refusal.is_some());
    assert_eq!(state.mpr.as_ref().unwrap().series, SeriesId(1));
    let (viewport, series) = (2, SeriesId(3));
    state.apply(Action::Assign {
        viewport,
        series,
        slice: None,
    });
    assert_eq!(state.refusal, None);
    assert_eq!(state.mpr.as_ref().unwrap().series, series);
    state.apply(Action::ShowPlanes(false));
    assert_eq!(state.viewports[0].series, Some(SeriesId(1)));
}

#[test]
fn lesson_12_scrolling_goes_by_the_true_slice_distance() {
    let mut state = with_planes();
    let scroll = |viewport, delta| Action::ScrollBy { viewport, delta };
    state.apply(scroll(0, 1));
    assert_eq!(crosshair(&state), [0.0, 0.0, 30.0]);
    state.apply(scroll(0, 9));
    assert_eq!(crosshair(&state), [0.0, 0.0, 40.0]);
    // The sagittal plane looks to the right: on is towards smaller x.
    state.apply(scroll(1, 1));
    assert_eq!(crosshair(&state), [-1.0, 0.0, 40.0]);
    state.apply(scroll(2, -3));
    assert_eq!(crosshair(&state), [-1.0, -3.0, 40.0]);
    assert_eq!(plane(&state, 0).center.z, 40.0);
    assert_eq!(plane(&state, 1).center.x, -1.0);
    assert_eq!(plane(&state, 2).center.y, -3.0);
    let (track, stop) = state.viewports[0].stops(&state).unwrap();
    assert_eq!((track.count(), stop), (5, 4));
    let (viewport, slice) = (0, 0);
    state.apply(Action::SetSlice { viewport, slice });
    assert_eq!(crosshair(&state), [-1.0, -3.0, 0.0]);
    assert_eq!(state.viewports[2].slice, 0);
}

#[test]
fn the_crosshair_moves_each_plane_along_its_own_normal_and_stays_in_the_volume() {
    let mut state = with_planes();
    let zoom = ViewChange::PanBy { dx: 8.0, dy: 0.0 };
    state.apply(Action::ChangeView {
        viewport: 0,
        change: zoom,
    });
    let panned = plane(&state, 0).center;
    near(panned, [-2.0, 0.0, 20.0]);
    state.apply(Action::MoveCrosshair([3.0, -4.0, 15.0]));
    near(plane(&state, 0).center, [-2.0, 0.0, 15.0]);
    assert_eq!(plane(&state, 1).center.x, 3.0);
    assert_eq!(plane(&state, 2).center.y, -4.0);
    state.apply(Action::MoveCrosshair([300.0, 0.0, -7.0]));
    assert_eq!(crosshair(&state), [5.0, 0.0, 0.0]);
    state.apply(Action::MoveCrosshair([f64::NAN, 0.0, 0.0]));
    assert_eq!(crosshair(&state), [5.0, 0.0, 0.0]);
}

#[test]
fn turning_in_one_plane_turns_the_two_others_about_its_normal() {
    let mut state = with_planes();
    let degrees = 90.0;
    state.apply(Action::TurnPlanes {
        viewport: 0,
        degrees,
        turned: Turned::Both,
    });
    // Clockwise on screen takes the patient's left to the back: the coronal plane is sagittal now.
    near(plane(&state, 2).row, [0.0, 1.0, 0.0]);
    near(plane(&state, 2).column, [0.0, 0.0, -1.0]);
    near(plane(&state, 1).row, [-1.0, 0.0, 0.0]);
    near(plane(&state, 0).row, [1.0, 0.0, 0.0]);
    state.apply(Action::TurnPlanes {
        viewport: 0,
        degrees: -30.0,
        turned: Turned::Only(2),
    });
    let (sin, cos) = 60.0_f64.to_radians().sin_cos();
    near(plane(&state, 2).row, [cos, sin, 0.0]);
    near(plane(&state, 1).row, [-1.0, 0.0, 0.0]);
    let turned = state.viewports[2].plane.unwrap().turned_degrees();
    assert!((turned - 60.0).abs() < 1e-9);
    state.apply(Action::Reset(1));
    near(plane(&state, 2).row, [1.0, 0.0, 0.0]);
}

#[test]
fn lesson_11_turns_and_flips_on_screen_turn_the_directions() {
    let mut state = with_planes();
    let mut change = |change| {
        state.apply(Action::ChangeView {
            viewport: 0,
            change,
        });
        let plane = plane(&state, 0);
        [plane.row.to_array(), plane.column.to_array()]
    };
    let (x, y) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
    let minus = |v: [f64; 3]| v.map(|n| 0.0 - n);
    // What was at the top is at the right.
    let turn = ViewChange::Turn(crate::state::Direction::Right);
    assert_eq!(change(turn), [minus(y), x]);
    assert_eq!(
        change(ViewChange::Flip(crate::state::Direction::Left)),
        [y, x]
    );
    assert_eq!(
        change(ViewChange::Flip(crate::state::Direction::Down)),
        [y, minus(x)]
    );
    let set = ViewChange::Set {
        zoom: None,
        pan: None,
        rotation: Some(0.0),
        flip: Some(true),
        invert: None,
    };
    assert_eq!(change(set), [minus(x), y]);
}

#[test]
fn zooming_keeps_what_is_below_the_pointer_and_survives_another_size() {
    let mut state = with_planes();
    let about = [10.0, 70.0];
    let below = |state: &ViewerState| plane(state, 2).patient_from_canvas(10.0, 70.0, 101, 81);
    let before = below(&state);
    let change = ViewChange::ZoomBy {
        factor: 2.0,
        about: Some(about),
    };
    state.apply(Action::ChangeView {
        viewport: 2,
        change,
    });
    near(below(&state), before.to_array());
    assert_eq!(plane(&state, 2).pixel_mm, 0.25);
    // Twice as many pixels show the same part.
    state.apply(Action::Resize {
        viewport: 2,
        width: 201,
        height: 161,
    });
    assert!((plane(&state, 2).pixel_mm - 0.125).abs() < 1e-9);
    state.apply(Action::ChangeView {
        viewport: 2,
        change: ViewChange::Fit,
    });
    assert_eq!(plane(&state, 2).pixel_mm, 0.25);
}

#[test]
fn a_given_plane_is_shown_as_it_is_and_the_others_stay() {
    let mut state = with_planes();
    let given = ViewPlane::new([1.0, 2.0, 12.0], [0.8, 0.6, 0.0], [0.0, 0.0, -1.0], 0.3).unwrap();
    let [axial, sagittal] = [plane(&state, 0), plane(&state, 1)];
    state.apply(Action::SetPlane {
        viewport: 2,
        plane: given,
        keeps_pixels: false,
    });
    state.apply(Action::Resize {
        viewport: 2,
        width: 300,
        height: 300,
    });
    assert_eq!(plane(&state, 2), given);
    assert_eq!([plane(&state, 0), plane(&state, 1)], [axial, sagittal]);
    // z = 20, x = 0, and on the given plane: y = 2 - 0.75.
    near(state.mpr.as_ref().unwrap().crosshair, [0.0, 1.25, 20.0]);
}

#[test]
fn handles_move_lines_turn_them_and_set_the_thickness() {
    let mut state = with_planes();
    let mut drag = |handle, from, to, alone| {
        state.apply(Action::DragCrosshair {
            viewport: 0,
            handle,
            from,
            to,
            alone,
        });
        state.clone()
    };
    // Axial: the middle is canvas pixel (50, 40), 4 pixels a mm.
    let state = drag(Handle::Middle, [50.0, 40.0], [54.0, 48.0], false);
    assert_eq!(crosshair(&state), [1.0, 2.0, 20.0]);
    let state = drag(Handle::Line(2), [90.0, 48.0], [95.0, 52.0], false);
    assert_eq!(crosshair(&state), [1.0, 3.0, 20.0]);
    let state = drag(Handle::Square(2), [70.0, 52.0], [70.0, 66.0], false);
    let slab = plane(&state, 2).slab.unwrap();
    assert_eq!((slab.thickness_mm, slab.projection), (7.0, Projection::Mip));
    let state = drag(Handle::Square(2), [70.0, 66.0], [70.0, 52.0], false);
    assert_eq!(plane(&state, 2).slab, None);
    // A quarter clockwise about (54, 52).
    let state = drag(Handle::Ring(2), [74.0, 52.0], [54.0, 72.0], true);
    near(plane(&state, 2).row, [0.0, 1.0, 0.0]);
    near(plane(&state, 1).row, [0.0, 1.0, 0.0]);
}

#[test]
fn lines_lie_where_the_other_planes_cut() {
    let mut state = with_planes();
    state.apply(Action::MoveCrosshair([2.0, -3.0, 20.0]));
    state.apply(Action::SetSlab {
        viewport: 2,
        slab: Some(Slab {
            thickness_mm: 5.0,
            projection: Projection::Mean,
            step_mm: None,
        }),
    });
    let cross = state.crosshair(0).unwrap();
    assert_eq!(cross.at, [58.0, 28.0]);
    let line = |viewport| *cross.lines.iter().find(|l| l.viewport == viewport).unwrap();
    assert_eq!(
        (line(1).through, line(1).direction),
        ([58.0, 28.0], [0.0, 1.0])
    );
    assert_eq!(
        (line(2).through, line(2).direction),
        ([58.0, 28.0], [1.0, 0.0])
    );
    assert_eq!((line(1).half_slab, line(2).half_slab), (0.0, 10.0));
    // Turned by 30 degrees clockwise.
    state.apply(Action::TurnPlanes {
        viewport: 0,
        degrees: 30.0,
        turned: Turned::Both,
    });
    let [x, y] = state.crosshair(0).unwrap().lines[1].direction;
    let (sin, cos) = 30.0_f64.to_radians().sin_cos();
    assert!((x - cos).abs() < 1e-9 && (y - sin).abs() < 1e-9);
}

#[test]
fn the_volume_is_wanted_from_the_crosshair_outwards_in_ever_finer_steps() {
    let state = with_planes();
    let wanted = ShownVolume {
        series: SeriesId(1),
        slices: vec![2, 0, 4, 1, 3],
    };
    assert_eq!(state.shown_volumes(), [wanted]);
    assert!(state.shown_stacks().is_empty());
}

#[test]
fn window_and_inversion_are_those_of_all_planes() {
    let mut state = with_planes();
    state.apply(Action::Invert(1));
    assert!(state.viewports.iter().all(|viewport| viewport.inverted));
    let window = crate::pixel::Window {
        center: 50.0,
        width: 100.0,
    };
    state.apply(Action::SetWindow {
        viewport: 2,
        window,
    });
    let windows = state.viewports.iter().map(|v| v.window(&state).unwrap().0);
    assert!(windows.into_iter().all(|found| found == window));
}

#[test]
fn slices_of_a_stack_as_slabs_lie_as_the_stack_does() {
    let mut state = opened(vec![Some(stack(&HEIGHTS))]);
    state.apply(Action::Resize {
        viewport: 0,
        width: 44,
        height: 84,
    });
    let slab = |thickness_mm| Action::SetSlab {
        viewport: 0,
        slab: Some(Slab {
            thickness_mm,
            projection: Projection::MinIp,
            step_mm: None,
        }),
    };
    state.apply(Action::SetSlice {
        viewport: 0,
        slice: 3,
    });
    state.apply(slab(12.0));
    let params = state.viewports[0].plane_params(&state).unwrap();
    let plane = params.plane;
    // 4 canvas pixels a mm; the middle of the image is the axis.
    near(plane.center, [0.0, 0.0, 30.0]);
    near(plane.row, [1.0, 0.0, 0.0]);
    near(plane.column, [0.0, 1.0, 0.0]);
    assert!((plane.pixel_mm - 0.25).abs() < 1e-12);
    assert_eq!(plane.slab.unwrap().thickness_mm, 12.0);
    assert_eq!(state.shown_volumes()[0].slices[0], 3);
    let change = ViewChange::Turn(crate::state::Direction::Right);
    state.apply(Action::ChangeView {
        viewport: 0,
        change,
    });
    let plane = state.viewports[0].plane_params(&state).unwrap().plane;
    near(plane.row, [0.0, -1.0, 0.0]);
    state.apply(slab(0.0));
    assert_eq!(state.viewports[0].plane_params(&state), None);
}

#[test]
fn a_plane_along_the_images_of_a_stack_is_their_slab_where_it_lies() {
    let mut state = opened(vec![Some(stack(&HEIGHTS))]);
    state.apply(Action::Resize {
        viewport: 0,
        width: 44,
        height: 84,
    });
    let along = |center, thickness_mm: f64| {
        let plane = ViewPlane::new(center, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 0.5).unwrap();
        match thickness_mm {
            0.0 => plane,
            thickness_mm => plane
                .with_slab(Slab {
                    thickness_mm,
                    projection: Projection::Mip,
                    step_mm: Some(2.5),
                })
                .unwrap(),
        }
    };
    let set = |plane, keeps_pixels| Action::SetPlane {
        viewport: 0,
        plane,
        keeps_pixels,
    };
    let shown = |state: &ViewerState| state.viewports[0].plane_params(state).map(|it| it.plane);
    // Between two slices, and not in the middle.
    state.apply(set(along([2.0, -3.0, 23.0], 12.0), false));
    assert_eq!(state.viewports[0].slice, 2);
    let plane = shown(&state).unwrap();
    near(plane.center, [2.0, -3.0, 23.0]);
    assert!((plane.pixel_mm - 0.5).abs() < 1e-12);
    let slab = plane.slab.unwrap();
    assert_eq!((slab.thickness_mm, slab.step_mm), (12.0, Some(2.5)));
    // Mirrored it is seen from behind, where it was.
    let flip = Action::ChangeView {
        viewport: 0,
        change: ViewChange::Flip(crate::state::Direction::Right),
    };
    state.apply(flip.clone());
    assert!((shown(&state).unwrap().center.z - 23.0).abs() < 1e-9);
    state.apply(flip);
    // Scrolled, slabs lie about slices again; the view stays.
    state.apply(Action::ScrollBy {
        viewport: 0,
        delta: 1,
    });
    near(shown(&state).unwrap().center, [2.0, -3.0, 30.0]);
    // Pixels as they are.
    state.apply(set(along([0.0, 0.0, 10.0], 8.0), true));
    let plane = shown(&state).unwrap();
    near(plane.center, [0.0, 0.0, 10.0]);
    assert!((plane.pixel_mm - 0.5).abs() < 1e-12);
    // Without a thickness the images come back.
    state.apply(set(along([0.0, 0.0, 39.0], 0.0), false));
    assert_eq!((shown(&state), state.viewports[0].slice), (None, 4));
    // One that lies askew is none of a stack.
    let askew = ViewPlane::new([0.0; 3], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0], 0.5).unwrap();
    let refused = state.takes_stack_plane(0, &askew);
    assert_eq!(
        refused,
        Err(crate::state::stack_slab::StackPlaneError::Oblique)
    );
    state.apply(set(askew, false));
    assert_eq!((shown(&state), state.viewports[0].slice), (None, 4));
}
