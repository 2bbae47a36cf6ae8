//! What is drawn is the windowed frame: captured pixels, and the pixels of the page itself, against the
//! formula of PS3.3 C.11.2.1.2.1 on the decoded or the made-up values.

use crate::shown::{
    TOLERANCE, capture, number, one_to_one, set_window, stored, windowed, worst_difference,
};
use crate::stage::Stage;
use sagitta_tests::{Backend, phantom_folder, shared_data};
use serde_json::Value;

/// A threshold, a narrow window, and two of daily work.
const WINDOWS: [(f64, f64); 4] = [(40.0, 400.0), (-600.0, 1500.0), (0.0, 1.0), (50.5, 3.0)];

/// Compares slices of a CT in several windows; returns how many pictures, and the largest difference.
fn compare_ct(stage: &Stage, sets: &[Value], side: u32, slices: &[usize]) -> (u32, f64) {
    let (size, at) = one_to_one(stage, side);
    let (mut count, mut worst) = (0, 0.0_f64);
    for slice in slices {
        stage.eval(&format!("window.sagitta.setSlice(0, {slice})"));
        let instance = stage.eval("window.sagitta.viewports()[0].instance");
        let instance = instance.as_str().unwrap();
        let is_shown = |set: &&Value| set["00080018"]["Value"][0] == instance;
        let set = sets.iter().find(is_shown).unwrap();
        let slope = number(set, "00281053", 0).unwrap();
        let intercept = number(set, "00281052", 0).unwrap();
        let padding = number(set, "00280120", 0);
        let values = stored(stage, instance, 1);
        assert_eq!(values.len(), (side * side) as usize);
        for (center, width) in WINDOWS {
            set_window(stage, center, width);
            let picture = capture(stage);
            assert_eq!((picture.width, picture.height), size);
            let apart = worst_difference(&picture, at, side, |column, row| {
                let stored = values[(row * side + column) as usize];
                // Pixel Padding Value is no image: it is drawn as background.
                let is_padding = Some(stored) == padding;
                let grey = windowed(slope * stored + intercept, center, width);
                [if is_padding { 0.0 } else { grey }; 3]
            });
            assert!(
                apart <= TOLERANCE,
                "slice {slice}, {center}/{width}: {apart}"
            );
            (count, worst) = (count + 1, worst.max(apart));
        }
    }
    (count, worst)
}

/// The page itself shows what is captured: the canvas is not blank, and nothing lies over the image.
fn expect_page_shows_the_capture(stage: &Stage, side: u32) {
    let (_, at) = one_to_one(stage, side);
    stage.page.key("u").unwrap();
    set_window(stage, 40.0, 400.0);
    stage.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    let place = stage.eval(
        "(() => { const r = document.querySelector('.vp').getBoundingClientRect(); return [r.left, r.top]; })()",
    );
    let edge = |index: usize| place[index].as_f64().unwrap() as u32;
    let (left, top) = (edge(0), edge(1));
    let (page, captured) = (stage.page.picture().unwrap(), capture(stage));
    let apart = worst_difference(&page, (left + at.0, top + at.1), side, |column, row| {
        captured
            .at(at.0 + column, at.1 + row)
            .unwrap()
            .map(f64::from)
    });
    assert!(apart <= TOLERANCE, "the page differs by {apart}");
    assert!(captured.colors_within(at.0, at.1, side, side) > 20);
}

#[test]
fn the_captured_picture_is_the_windowed_frame_on_every_backend() {
    let folder = phantom_folder(3).unwrap();
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        let study = stage.study();
        let ct = stage.series(&study, "Small CT");
        stage.open(&study, &ct);
        let sets = stage.metadata(&study, &ct);
        let (count, worst) = compare_ct(&stage, &sets, 64, &[0, 2, 4]);
        println!(
            "{}: {count} pictures of the small CT, worst {worst}",
            backend.name()
        );
        expect_page_shows_the_capture(&stage, 64);
        stage.expect_no_problems();
    }
}

#[test]
fn a_real_ct_is_drawn_by_the_standards_formula_on_every_backend() {
    let Some(data) = shared_data() else {
        return;
    };
    for backend in Backend::ALL {
        let stage = Stage::list(backend, &data.join("ct-volume"));
        let study = stage.study();
        let series = stage
            .uids(&format!("/dicomweb/studies/{study}/series"), "0020000E")
            .remove(0);
        stage.open(&study, &series);
        let sets = stage.metadata(&study, &series);
        let (count, worst) = compare_ct(&stage, &sets, 512, &[0, 67, 134]);
        println!(
            "{}: {count} pictures of a real CT, worst {worst}",
            backend.name()
        );
        expect_page_shows_the_capture(&stage, 512);
        stage.expect_no_problems();
    }
}

/// Stored values of the small pictures, by the phantom's own formula.
fn pattern(frame: usize, column: u32, row: u32) -> f64 {
    f64::from(phantom::pattern(frame, row as usize, column as usize))
}

/// What a pixel of a small picture must look like.
fn small_picture(
    set: &Value,
    frame: usize,
    (center, width): (f64, f64),
    column: u32,
    row: u32,
) -> [f64; 3] {
    if number(set, "00280002", 0) == Some(3.0) {
        return [
            (pattern(0, column, row) / 4.0).floor(),
            f64::from(row * 8),
            f64::from(column * 8),
        ];
    }
    let is_signed = number(set, "00280103", 0) == Some(1.0);
    let stored = match (number(set, "00280100", 0), is_signed) {
        (Some(8.0), _) => (pattern(frame, column, row) / 4.0).floor(),
        (_, true) => pattern(frame, column, row) - 300.0,
        _ => pattern(frame, column, row),
    };
    let grey = windowed(stored, center, width);
    let is_inverse = set["00280004"]["Value"][0] == "MONOCHROME1";
    [if is_inverse { 255.0 - grey } else { grey }; 3]
}

#[test]
fn every_way_of_storing_pixels_is_drawn_as_it_was_made_on_every_backend() {
    let folder = phantom_folder(3).unwrap();
    let side = u32::from(phantom::PATTERN_SIDE);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        let study = stage.study();
        let (mut series_count, mut count, mut worst) = (0, 0, 0.0_f64);
        for series in stage.uids(&format!("/dicomweb/studies/{study}/series"), "0020000E") {
            let sets = stage.metadata(&study, &series);
            let set = &sets[0];
            if number(set, "00280010", 0) != Some(f64::from(side)) {
                continue;
            }
            series_count += 1;
            stage.open(&study, &series);
            let (_, at) = one_to_one(&stage, side);
            let is_colour = number(set, "00280002", 0) == Some(3.0);
            let windows: &[(f64, f64)] = if is_colour {
                &[(128.0, 256.0)]
            } else {
                &[(200.0, 380.0), (60.0, 90.0), (100.0, 1.0)]
            };
            let frames = number(set, "00280008", 0).unwrap_or(1.0) as usize;
            for (frame, window) in (0..frames).flat_map(|f| windows.iter().map(move |w| (f, *w))) {
                stage.eval(&format!("window.sagitta.setSlice(0, {frame})"));
                set_window(&stage, window.0, window.1);
                let apart = worst_difference(&capture(&stage), at, side, |column, row| {
                    small_picture(set, frame, window, column, row)
                });
                let name = &set["0008103E"]["Value"][0];
                assert!(
                    apart <= TOLERANCE,
                    "{name}, frame {frame}, {window:?}: {apart}"
                );
                (count, worst) = (count + 1, worst.max(apart));
            }
        }
        assert_eq!(series_count, 12, "ways of storing pixels");
        println!(
            "{}: {count} pictures of {series_count} ways of storing, worst {worst}",
            backend.name()
        );
        stage.expect_no_problems();
    }
}
