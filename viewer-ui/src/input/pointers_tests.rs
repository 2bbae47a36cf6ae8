//! What pointers over one viewport mean, in all their orders.

use super::*;

fn place(id: i32, x: f64, y: f64) -> Place {
    Place {
        id,
        css: [x, y],
        at: [2.0 * x, 2.0 * y],
    }
}

fn press(pointers: &mut Pointers, kind: Kind, button: i16, tool: Tool, place: Place) -> u32 {
    let pressed = pointers.press(
        3,
        &Press {
            place,
            kind,
            button,
            tool,
            handle: None,
            brightens: false,
        },
    );
    pressed.0
}

fn touch(pointers: &mut Pointers, id: i32, x: f64, y: f64) -> u32 {
    press(pointers, Kind::Touch, 0, Tool::Window, place(id, x, y))
}

fn view(change: ViewChange) -> Command {
    let viewport = 3;
    Command::Act(Action::ChangeView { viewport, change })
}

#[test]
fn the_middle_button_pans_and_the_right_one_zooms_whatever_the_tool() {
    let mut pointers = Pointers::default();
    press(
        &mut pointers,
        Kind::Mouse,
        1,
        Tool::Window,
        place(1, 0.0, 0.0),
    );
    let pan = view(ViewChange::PanBy { dx: 10.0, dy: 4.0 });
    assert_eq!(pointers.moved(3, place(1, 5.0, 2.0), 2.0, false), [pan]);
    pointers.released(3, 1, 0.0);
    press(
        &mut pointers,
        Kind::Mouse,
        2,
        Tool::Window,
        place(1, 6.0, 7.0),
    );
    let zoom = view(ViewChange::ZoomBy {
        factor: 1.0,
        about: Some([12.0, 14.0]),
    });
    assert_eq!(pointers.moved(3, place(1, 9.0, 7.0), 2.0, false), [zoom]);
}

#[test]
fn a_mouse_that_is_not_pressed_hovers() {
    let mut pointers = Pointers::default();
    let hover = Command::Hover(3, Some([8.0, 10.0]));
    assert_eq!(pointers.moved(3, place(1, 4.0, 5.0), 2.0, false), [hover]);
    assert_eq!(pointers.left(3), Some(Command::Hover(3, None)));
}

#[test]
fn a_finger_scrolls_until_another_tool_is_chosen() {
    for (tool, scrolls) in [
        (Tool::Window, true),
        (Tool::Scroll, true),
        (Tool::Pan, false),
    ] {
        let mut pointers = Pointers::default();
        press(&mut pointers, Kind::Touch, 0, tool, place(1, 0.0, 0.0));
        assert!(
            pointers
                .moved(3, place(1, 0.0, 10.0), 2.0, false)
                .is_empty()
        );
        let commands = pointers.moved(3, place(1, 0.0, 22.0), 2.0, false);
        let is_scroll = matches!(
            commands[0],
            Command::Act(Action::ScrollBy {
                viewport: 3,
                delta: 2
            })
        );
        assert_eq!(is_scroll, scrolls, "{tool:?}");
    }
}

#[test]
fn two_taps_zoom_and_a_trembling_finger_still_taps() {
    let mut pointers = Pointers::default();
    touch(&mut pointers, 1, 50.0, 50.0);
    assert!(
        pointers
            .moved(3, place(1, 53.0, 51.0), 2.0, false)
            .is_empty()
    );
    assert_eq!(pointers.released(3, 1, 100.0), None);
    touch(&mut pointers, 2, 60.0, 50.0);
    let about = [120.0, 100.0];
    assert_eq!(
        pointers.released(3, 2, 300.0),
        Some(view(ViewChange::ToggleZoom { about }))
    );
    // A third tap begins anew.
    touch(&mut pointers, 3, 60.0, 50.0);
    assert_eq!(pointers.released(3, 3, 400.0), None);
}

#[test]
fn taps_far_apart_in_time_or_place_are_two_taps() {
    for (x, later) in [(200.0, 200.0), (50.0, 900.0)] {
        let mut pointers = Pointers::default();
        touch(&mut pointers, 1, 50.0, 50.0);
        pointers.released(3, 1, 100.0);
        touch(&mut pointers, 1, x, 50.0);
        assert_eq!(pointers.released(3, 1, 100.0 + later), None);
    }
}

#[test]
fn after_a_pinch_the_finger_that_stays_does_nothing() {
    let mut pointers = Pointers::default();
    touch(&mut pointers, 1, 0.0, 0.0);
    touch(&mut pointers, 2, 10.0, 0.0);
    let [zoom, pan] = [
        view(ViewChange::ZoomBy {
            factor: 2.0,
            about: Some([10.0, 0.0]),
        }),
        view(ViewChange::PanBy { dx: 10.0, dy: 0.0 }),
    ];
    assert_eq!(
        pointers.moved(3, place(2, 20.0, 0.0), 2.0, false),
        [zoom, pan]
    );
    assert_eq!(pointers.released(3, 2, 50.0), None);
    assert!(
        pointers
            .moved(3, place(1, 0.0, 90.0), 2.0, false)
            .is_empty()
    );
    assert_eq!(pointers.released(3, 1, 60.0), None);
    assert_eq!(pointers.tap, None);
}

#[test]
fn a_finger_that_rests_probes_and_what_it_found_stays() {
    let mut pointers = Pointers::default();
    let early = touch(&mut pointers, 1, 5.0, 5.0);
    pointers.released(3, 1, 100.0);
    let number = touch(&mut pointers, 1, 50.0, 50.0);
    assert_eq!(pointers.rest(3, early), None);
    let probe = |x, y| Command::Hover(3, Some([x, y]));
    assert_eq!(pointers.rest(3, number), Some(probe(100.0, 100.0)));
    assert_eq!(
        pointers.moved(3, place(1, 60.0, 50.0), 2.0, false),
        [probe(120.0, 100.0)]
    );
    assert_eq!(pointers.released(3, 1, 900.0), None);
    assert_eq!(pointers.left(3), None);
}

#[test]
fn a_finger_that_moves_does_not_rest() {
    let mut pointers = Pointers::default();
    let number = touch(&mut pointers, 1, 50.0, 50.0);
    pointers.moved(3, place(1, 50.0, 70.0), 2.0, false);
    assert_eq!(pointers.rest(3, number), None);
}

#[test]
fn only_a_mouse_double_clicks() {
    let mut pointers = Pointers::default();
    press(&mut pointers, Kind::Mouse, 0, Tool::Pan, place(1, 0.0, 0.0));
    let large = Command::Act(Action::ToggleLarge(3));
    assert_eq!(pointers.double_click(3), Some(large));
    touch(&mut pointers, 2, 0.0, 0.0);
    assert_eq!(pointers.double_click(3), None);
}

#[test]
fn a_press_that_the_browser_takes_away_is_no_tap() {
    let mut pointers = Pointers::default();
    touch(&mut pointers, 1, 50.0, 50.0);
    pointers.cancelled(1);
    touch(&mut pointers, 1, 50.0, 50.0);
    assert_eq!(pointers.released(3, 1, 100.0), None);
}

fn grasp(pointers: &mut Pointers, kind: Kind, handle: Option<Handle>) -> Option<Command> {
    let press = Press {
        place: place(1, 50.0, 60.0),
        kind,
        button: 0,
        tool: Tool::Crosshair,
        handle,
        brightens: false,
    };
    pointers.press(3, &press).1
}

fn dragged(handle: Handle, from: [f64; 2], to: [f64; 2], alone: bool) -> Command {
    take_along(3, handle, [from, to], alone)
}

#[test]
fn a_mouse_takes_a_handle_along_and_the_press_alone_moves_nothing() {
    let mut pointers = Pointers::default();
    let ring = Handle::Ring(1);
    assert_eq!(grasp(&mut pointers, Kind::Mouse, Some(ring)), None);
    assert_eq!(pointers.held(), Some(ring));
    for (x, before, alone) in [(52.0, 100.0, false), (55.0, 104.0, true)] {
        assert_eq!(
            pointers.moved(3, place(1, x, 60.0), 2.0, alone),
            [dragged(ring, [before, 120.0], [2.0 * x, 120.0], alone)]
        );
    }
    assert_eq!(pointers.released(3, 1, 0.0), None);
    assert_eq!(pointers.held(), None);
}

#[test]
fn a_press_of_a_mouse_beside_the_lines_brings_the_crosshair_there_and_holds_it() {
    for kind in [Kind::Mouse, Kind::Pen] {
        let mut pointers = Pointers::default();
        let here = [100.0, 120.0];
        let moved = dragged(Handle::Middle, here, here, false);
        assert_eq!(grasp(&mut pointers, kind, None), Some(moved));
        assert_eq!(
            pointers.moved(3, place(1, 51.0, 60.0), 2.0, false),
            [dragged(Handle::Middle, here, [102.0, 120.0], false)]
        );
    }
}

#[test]
fn a_finger_drags_a_handle_and_scrolls_elsewhere() {
    let mut pointers = Pointers::default();
    let square = Handle::Square(2);
    assert_eq!(grasp(&mut pointers, Kind::Touch, Some(square)), None);
    // It leaves its place first.
    let first = pointers.moved(3, place(1, 50.0, 70.0), 2.0, false);
    assert!(first.is_empty());
    assert_eq!(
        pointers.moved(3, place(1, 50.0, 75.0), 2.0, false),
        [dragged(square, [100.0, 140.0], [100.0, 150.0], false)]
    );
    pointers.released(3, 1, 100.0);
    assert_eq!(grasp(&mut pointers, Kind::Touch, None), None);
    pointers.moved(3, place(1, 50.0, 70.0), 2.0, false);
    let scroll = Action::ScrollBy {
        viewport: 3,
        delta: 2,
    };
    assert_eq!(
        pointers.moved(3, place(1, 50.0, 82.0), 2.0, false),
        [Command::Act(scroll)]
    );
    assert_eq!(pointers.released(3, 1, 200.0), None);
}

#[test]
fn a_tap_brings_the_crosshair_there_but_not_from_a_handle_that_was_missed() {
    for (handle, points) in [
        (None, true),
        (Some(Handle::Line(1)), true),
        (Some(Handle::Middle), false),
        (Some(Handle::Ring(1)), false),
    ] {
        let mut pointers = Pointers::default();
        grasp(&mut pointers, Kind::Touch, handle);
        let here = [100.0, 120.0];
        let moved = points.then(|| dragged(Handle::Middle, here, here, false));
        assert_eq!(pointers.released(3, 1, 100.0), moved, "{handle:?}");
    }
}

#[test]
fn a_second_tap_zooms_with_the_crosshair_too() {
    let mut pointers = Pointers::default();
    grasp(&mut pointers, Kind::Touch, None);
    pointers.released(3, 1, 100.0);
    grasp(&mut pointers, Kind::Touch, None);
    let about = [100.0, 120.0];
    let zoom = view(ViewChange::ToggleZoom { about });
    assert_eq!(pointers.released(3, 1, 300.0), Some(zoom));
}

#[test]
fn the_middle_button_pans_over_a_handle() {
    let mut pointers = Pointers::default();
    let press = Press {
        place: place(1, 0.0, 0.0),
        kind: Kind::Mouse,
        button: 1,
        tool: Tool::Crosshair,
        handle: Some(Handle::Middle),
        brightens: false,
    };
    assert_eq!(pointers.press(3, &press).1, None);
    let pan = view(ViewChange::PanBy { dx: 10.0, dy: 4.0 });
    assert_eq!(pointers.moved(3, place(1, 5.0, 2.0), 2.0, false), [pan]);
}

/// Two fingers on an image that they may brighten, at (0, 0) and (100, 0).
fn two_fingers() -> Pointers {
    let mut pointers = Pointers::default();
    for (id, x) in [(1, 0.0), (2, 100.0)] {
        let press = Press {
            place: place(id, x, 0.0),
            kind: Kind::Touch,
            button: 0,
            tool: Tool::Window,
            handle: None,
            brightens: true,
        };
        pointers.press(3, &press);
    }
    pointers
}

fn go(pointers: &mut Pointers, id: i32, x: f64, y: f64) -> Vec<Command> {
    pointers.moved(3, place(id, x, y), 1.0, false)
}

#[test]
fn two_fingers_side_by_side_change_the_brightness_and_move_nothing() {
    let mut pointers = two_fingers();
    // Events of fingers come one after the other: one alone says nothing yet.
    assert_eq!(go(&mut pointers, 1, 0.0, 20.0), []);
    assert_eq!(go(&mut pointers, 2, 100.0, 20.0), []);
    let by = |dx, dy| {
        [Command::Act(Action::DragWindow {
            viewport: 3,
            dx,
            dy,
        })]
    };
    assert_eq!(go(&mut pointers, 1, 0.0, 30.0), by(0.0, 5.0));
    assert_eq!(go(&mut pointers, 2, 104.0, 30.0), by(2.0, 5.0));
}

#[test]
fn two_fingers_that_part_pinch_also_where_one_of_them_rests() {
    let mut pointers = two_fingers();
    go(&mut pointers, 1, -10.0, 0.0);
    assert_eq!(go(&mut pointers, 2, 110.0, 0.0), []);
    assert_eq!(go(&mut pointers, 2, 120.0, 0.0).len(), 2);
    let mut pointers = two_fingers();
    assert_eq!(go(&mut pointers, 2, 130.0, 0.0), []);
    assert!(matches!(
        go(&mut pointers, 2, 140.0, 0.0)[0],
        Command::Act(Action::ChangeView {
            change: ViewChange::ZoomBy { .. },
            ..
        })
    ));
}
