//! What hands do in the reader: keys, wheel, drags and clicks, and what follows on screen.

use crate::shown::{
    TOLERANCE, capture, captured_png, viewport_size, wait_until_is, worst_difference,
};
use crate::stage::{Stage, ct_folder};
use crate::view::LETTERS;
use sagitta_tests::{Backend, Button, Place, TempFolder};
use serde_json::json;

const SLICE: &str = "window.sagitta.viewports()[0].slice";
const WINDOW: &str =
    "(() => { const w = window.sagitta.viewports()[0].window; return [w.center, w.width]; })()";

/// A CT of 25 slices on screen, the mouse's place over its middle, and the folder that it lies in.
fn ct_on_screen(backend: Backend) -> (Stage, Place, TempFolder) {
    let folder = ct_folder(64, 25);
    let stage = Stage::list(backend, folder.path());
    let study = stage.study();
    stage.open(&study, &stage.series(&study, "CT for tests"));
    stage.eval("window.sagitta.complete()");
    stage.eval("window.sagitta.setSlice(0, 0)");
    let middle = stage.page.center_of("#viewport-0").unwrap();
    (stage, middle, folder)
}

#[test]
fn keys_move_through_the_stack() {
    let (stage, _, _folder) = ct_on_screen(Backend::WebGl2);
    for (key, slice) in [
        ("ArrowDown", 1),
        ("PageDown", 11),
        ("ArrowUp", 10),
        ("PageDown", 20),
        ("PageDown", 24),
        ("ArrowDown", 24),
        ("PageUp", 14),
        ("End", 24),
        ("Home", 0),
        ("ArrowUp", 0),
    ] {
        stage.page.key(key).unwrap();
        assert_eq!(stage.eval(SLICE), slice, "{key}");
        assert_eq!(
            stage.eval("window.sagitta.capture(0).then(() => sagitta.viewports()[0].state)"),
            "final"
        );
    }
    stage.expect_no_problems();
}

#[test]
fn keys_choose_windows_invert_flip_and_turn() {
    for backend in Backend::ALL {
        let (stage, _, _folder) = ct_on_screen(backend);
        let first = captured_png(&stage);
        // The file's own windows come first: soft tissue, then lung.
        stage.page.key("2").unwrap();
        assert_eq!(stage.eval(WINDOW), json!([-600, 1500]));
        assert!(captured_png(&stage) != first);
        stage.page.key("1").unwrap();
        assert_eq!(stage.eval(WINDOW), json!([40, 400]));
        assert!(captured_png(&stage) == first);

        let plain = capture(&stage);
        stage.page.key("i").unwrap();
        // The image fills the shorter side; what lies beside it stays black.
        let (width, height) = viewport_size(&stage);
        let side = width.min(height) - 4;
        let at = ((width - side) / 2, (height - side) / 2);
        let apart = worst_difference(&capture(&stage), at, side, |x, y| {
            let grey = plain.at(at.0 + x, at.1 + y).unwrap();
            grey.map(|grey| 255.0 - f64::from(grey))
        });
        assert!(apart <= TOLERANCE, "{}: {apart}", backend.name());
        stage.page.key("i").unwrap();
        assert!(captured_png(&stage) == first);

        for (key, letters) in [
            ("h", ["L", "R", "A", "P"]),
            ("h", ["R", "L", "A", "P"]),
            (",", ["A", "P", "L", "R"]),
            // Across and down are those of the screen, however the image is turned.
            ("h", ["P", "A", "L", "R"]),
            ("Shift+H", ["P", "A", "R", "L"]),
            (".", ["L", "R", "P", "A"]),
            (".", ["A", "P", "L", "R"]),
            (".", ["R", "L", "A", "P"]),
        ] {
            stage.page.key(key).unwrap();
            wait_until_is(&stage, LETTERS, &json!(letters));
        }
        assert!(captured_png(&stage) == first);
        stage.expect_no_problems();
    }
}

#[test]
fn the_wheel_scrolls_one_image_a_notch() {
    let (stage, (x, y), _folder) = ct_on_screen(Backend::WebGl2);
    for notch in 1..=12 {
        stage.page.wheel(x, y, 0.0, 120.0).unwrap();
        wait_until_is(&stage, SLICE, &json!(notch));
    }
    for notch in 1..=5 {
        stage.page.wheel(x, y, 0.0, -120.0).unwrap();
        wait_until_is(&stage, SLICE, &json!(12 - notch));
    }
    stage.expect_no_problems();
}

#[test]
fn a_drag_with_the_left_button_changes_the_window() {
    let (stage, (x, y), _folder) = ct_on_screen(Backend::WebGl2);
    let window = || {
        let seen = stage.eval(WINDOW);
        (seen[0].as_f64().unwrap(), seen[1].as_f64().unwrap())
    };
    let first = window();
    let drag = |to: Place| {
        let drawn = captured_png(&stage);
        stage.page.drag(Button::Left, (x, y), to, 8).unwrap();
        assert!(captured_png(&stage) != drawn, "nothing changed on screen");
    };
    drag((x + 60.0, y));
    let wider = window();
    assert!(wider.1 > first.1 * 1.05 && wider.0 == first.0, "{wider:?}");
    drag((x - 120.0, y));
    let narrower = window();
    assert!(
        narrower.1 < first.1 && narrower.0 == first.0,
        "{narrower:?}"
    );
    // Upwards is brighter: the center goes down.
    drag((x, y - 60.0));
    let brighter = window();
    assert!(
        brighter.0 < narrower.0 - 5.0 && brighter.1 == narrower.1,
        "{brighter:?}"
    );
    assert_eq!(stage.eval(SLICE), 0);
    // The mouse let go: moving on does nothing.
    stage.page.mouse_move(x + 80.0, y + 80.0).unwrap();
    assert_eq!(window(), brighter);
    stage.expect_no_problems();
}

#[test]
fn a_double_click_makes_one_viewport_large_and_back() {
    let (stage, _, _folder) = ct_on_screen(Backend::WebGl2);
    stage.eval("window.sagitta.setLayout('2x2')");
    let boxes = "[...document.querySelectorAll('.vp')].map((it) => { const r = it.getBoundingClientRect(); return [r.width, r.height]; })";
    let area = stage.eval("(() => { const r = document.querySelector('.area').getBoundingClientRect(); return [r.width, r.height]; })()");
    let small = stage.eval(boxes);
    let (x, y) = stage.page.center_of("#viewport-1").unwrap();
    stage.page.double_click(x, y).unwrap();
    let large = json!([[0, 0], area, [0, 0], [0, 0]]);
    wait_until_is(&stage, boxes, &large);
    wait_until_is(
        &stage,
        "(() => { const v = window.sagitta.viewports()[1]; return [v.width, v.height]; })()",
        &area,
    );
    stage.page.double_click(x, y).unwrap();
    wait_until_is(&stage, boxes, &small);
    stage.expect_no_problems();
}
