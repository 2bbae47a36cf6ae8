//! Views that are kept on one screen and shown on another.

use std::sync::Arc;

use protocol::dicomweb::json;

use super::*;
use crate::model::{SeriesId, Stack, Study};

/// Five slices of 200 x 100 pixels, 2 mm apart.
fn stack(series: u32) -> Arc<Stack> {
    let frames = (0..5).map(|number| {
        format!(
            r#"{{"00080018":{{"Value":["1.{series}.{number}"]}},"00200013":{{"Value":[{number}]}},
            "00280100":{{"Value":[16]}},"00280030":{{"Value":[1,1]}},
            "00280010":{{"Value":[100]}},"00280011":{{"Value":[200]}},
            "00200032":{{"Value":[0,0,{}]}},"00200037":{{"Value":[1,0,0,0,1,0]}}}}"#,
            number * 2
        )
    });
    let text = format!("[{}]", frames.collect::<Vec<_>>().join(","));
    Arc::new(Stack::from_metadata(&json::parse(&text).unwrap()))
}

/// Two series of a study, with or without their metadata.
fn opened(has_stacks: bool) -> ViewerState {
    let mut state = ViewerState::default();
    let studies = vec![Study::default()];
    state.apply(Action::Open { studies });
    let listed = (1..=2).map(|id| Series {
        id: SeriesId(id),
        study: 0,
        uid: format!("1.2.{id}"),
        number: Some(id.into()),
        modality: "CT".into(),
        description: String::new(),
        instance_count: None,
        stack: has_stacks.then(|| stack(id)),
    });
    state.apply(Action::SeriesListed(listed.collect()));
    state
}

fn sized(state: &mut ViewerState, width: u32, height: u32) {
    for viewport in 0..state.viewports.len() {
        state.apply(Action::Resize {
            viewport,
            width,
            height,
        });
    }
}

fn all(state: &mut ViewerState, actions: Vec<Action>) {
    for action in actions {
        state.apply(action);
    }
}

fn show(view: &SavedView, state: &mut ViewerState) {
    for viewport in 0..view.viewports() {
        let actions = view.settle(viewport, state).unwrap();
        all(state, actions);
    }
}

/// Column and row of the image in the middle of a viewport.
fn middle(state: &ViewerState, viewport: usize) -> [f64; 2] {
    let shown = &state.viewports[viewport];
    let m = shown.geometry(state).unwrap().pixel_from_canvas_array();
    // Canvas pixels are counted by their centres.
    let (x, y) = (
        f64::from(shown.width - 1) / 2.0,
        f64::from(shown.height - 1) / 2.0,
    );
    [m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]]
}

#[test]
fn a_view_of_two_series_is_shown_on_a_smaller_screen() {
    let mut made = opened(true);
    made.apply(Action::SetLayout(Layout::parse("1x2").unwrap()));
    sized(&mut made, 800, 600);
    let window = Window {
        center: -600.0,
        width: 1500.0,
    };
    all(
        &mut made,
        vec![
            Action::SetSlice {
                viewport: 1,
                slice: 3,
            },
            Action::SetWindow {
                viewport: 1,
                window,
            },
            Action::ChangeView {
                viewport: 1,
                change: ViewChange::Set {
                    zoom: Some(2.5),
                    pan: Some([120.0, -60.0]),
                    rotation: Some(90.0),
                    flip: Some(true),
                    invert: Some(true),
                },
            },
            Action::Activate(1),
        ],
    );
    let text = SavedView::of(&made).text();
    // Nothing of a patient can be in it, and it is small.
    assert!(text.len() < 1200, "{text}");
    let view = SavedView::from_text(&text).unwrap();

    let mut shown = opened(false);
    let actions = view.hang(&shown);
    all(&mut shown, actions);
    assert_eq!(shown.layout, made.layout);
    assert_eq!(shown.active, 1);
    sized(&mut shown, 200, 300);
    // Without metadata there is nothing to set yet.
    assert_eq!(view.settle(1, &shown), None);
    for id in 1..=2 {
        shown.apply(Action::StackReady {
            series: SeriesId(id),
            stack: stack(id),
        });
    }
    show(&view, &mut shown);
    for viewport in 0..2 {
        let (was, is) = (&made.viewports[viewport], &shown.viewports[viewport]);
        assert_eq!(is.slice, was.slice);
        assert_eq!(is.window, was.window);
        assert_eq!(is.inverted, was.inverted);
        assert_eq!(
            (is.view.zoom, is.view.rotation, is.view.flip),
            (was.view.zoom, was.view.rotation, was.view.flip)
        );
        let (was, is) = (middle(&made, viewport), middle(&shown, viewport));
        assert!(
            (was[0] - is[0]).abs() < 1e-9 && (was[1] - is[1]).abs() < 1e-9,
            "{was:?} {is:?}"
        );
    }
    // A quarter turn puts 200 columns into 600 canvas pixels: 3 each as it fits, 7.5 at this zoom. The image lies 120 to the
    // right and 60 up, which are 16 rows and 8 columns from its middle (99.5, 49.5).
    let at = middle(&shown, 1);
    assert!(((at[0] - 99.5).abs() - 8.0).abs() < 1e-9, "{at:?}");
    assert!(((at[1] - 49.5).abs() - 16.0).abs() < 1e-9, "{at:?}");
}

#[test]
fn three_planes_are_shown_where_they_were() {
    let mut made = opened(true);
    made.apply(Action::ShowPlanes(true));
    sized(&mut made, 400, 300);
    let tilted = ViewPlane::new([99.0, 40.0, 4.0], [0.8, 0.0, 0.6], [0.0, 1.0, 0.0], 0.5).unwrap();
    let slab = Slab {
        thickness_mm: 6.0,
        projection: Projection::Mip,
        step_mm: None,
    };
    made.apply(Action::SetPlane {
        viewport: 0,
        plane: tilted.with_slab(slab).unwrap(),
        keeps_pixels: false,
    });
    let view = SavedView::from_text(&SavedView::of(&made).text()).unwrap();

    let mut shown = opened(true);
    let actions = view.hang(&shown);
    all(&mut shown, actions);
    sized(&mut shown, 200, 600);
    show(&view, &mut shown);
    let plane = shown.viewports[0].plane.unwrap().plane;
    assert!((plane.center - tilted.center).length() < 1e-9);
    assert!((plane.row - tilted.row).length() < 1e-9);
    assert!((plane.column - tilted.column).length() < 1e-9);
    assert_eq!(plane.slab.map(|it| it.thickness_mm), Some(6.0));
    // 300 pixels of half a millimetre are 150 mm, which 200 pixels show now.
    assert!((plane.pixel_mm - 0.75).abs() < 1e-12);
    let crosshair = |state: &ViewerState| state.mpr.as_ref().unwrap().crosshair;
    assert!((crosshair(&shown) - crosshair(&made)).length() < 1e-9);
}

#[test]
fn what_is_no_view_is_none() {
    let text = SavedView::of(&opened(true)).text();
    assert!(SavedView::from_text(&text).is_some());
    assert_eq!(
        SavedView::from_text(&text.replace("\"version\":1", "\"version\":2")),
        None
    );
    assert_eq!(
        SavedView::from_text(&text.replace("\"columns\":1", "\"columns\":9")),
        None
    );
    assert_eq!(
        SavedView::from_text(&text.replace("\"columns\":1", "\"columns\":2")),
        None
    );
    assert_eq!(SavedView::from_text("{}"), None);
    assert_eq!(SavedView::from_text(""), None);
}

#[test]
fn a_phone_shows_the_active_viewport_alone() {
    let mut made = opened(true);
    made.apply(Action::SetLayout(Layout::parse("1x2").unwrap()));
    sized(&mut made, 800, 600);
    made.apply(Action::SetSlice {
        viewport: 1,
        slice: 2,
    });
    made.apply(Action::Activate(1));
    let view = SavedView::of(&made).single();
    let expected = FirstImage {
        series: "1.2.2".into(),
        instance: Some("1.2.2".into()),
        frame: 1,
    };
    assert_eq!(view.first_image(), Some(expected));
    assert_eq!(view, SavedView::of_active(&made));
}
