//! What is drawn is the windowed frame: captured pixels, and the pixels of the page itself, against the
//! formula of PS3.3 C.11.2.1.2.1 written here once more.

use crate::stage::Stage;
use sagitta_tests::{Backend, Picture, phantom_folder};
use serde_json::Value;

/// LINEAR, from the standard's text, for an output of 0 to 255.
fn windowed(value: f64, center: f64, width: f64) -> f64 {
    if value <= center - 0.5 - (width - 1.0) / 2.0 {
        0.0
    } else if value > center - 0.5 + (width - 1.0) / 2.0 {
        255.0
    } else {
        ((value - (center - 0.5)) / (width - 1.0) + 0.5) * 255.0
    }
}

/// Opens a series in one viewport that shows one pixel of the image on one of the canvas, and gives the
/// viewport's size.
fn one_to_one(stage: &Stage, study: &str, series: &str, side: f64) -> (u32, u32) {
    stage.eval(&format!(
        "window.sagitta.open({{ studies: ['{study}'], series: '{series}' }})"
    ));
    let info = stage.eval("window.sagitta.viewports()[0]");
    let (width, height) = (
        info["width"].as_f64().unwrap(),
        info["height"].as_f64().unwrap(),
    );
    // Zoom 1 fits the image; half a pixel of pan where image and viewport differ in parity.
    let fit = (width / side).min(height / side);
    let pan = [width, height].map(|edge| if (edge - side) % 2.0 == 0.0 { 0.0 } else { 0.5 });
    stage.eval(&format!(
        "window.sagitta.setView(0, {{ zoom: {}, pan: [{}, {}] }})",
        1.0 / fit,
        pan[0],
        pan[1]
    ));
    (width as u32, height as u32)
}

/// Column and row of the viewport's pixel that shows the image's first one.
fn corner(size: (u32, u32), side: u32) -> (u32, u32) {
    let at = |edge: u32| (edge - side).div_ceil(2);
    (at(size.0), at(size.1))
}

fn capture(stage: &Stage) -> Picture {
    let png = stage.page.eval_bytes("window.sagitta.capture(0)").unwrap();
    Picture::from_png(&png).unwrap()
}

fn stored(stage: &Stage, instance: &str) -> Vec<f64> {
    let values = stage.eval(&format!(
        "window.sagitta.pixels('{instance}', 1).then((pixels) => Array.from(pixels.data))"
    ));
    values
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

fn worst_difference(
    picture: &Picture,
    at: (u32, u32),
    side: u32,
    expected: &dyn Fn(u32, u32) -> [f64; 3],
) -> f64 {
    let mut worst = 0.0_f64;
    for row in 0..side {
        for column in 0..side {
            let drawn = picture.at(at.0 + column, at.1 + row).unwrap();
            for (drawn, wanted) in drawn.iter().zip(expected(column, row)) {
                worst = worst.max((f64::from(*drawn) - wanted).abs());
            }
        }
    }
    worst
}

/// Most that a drawn grey may differ: one level, and the rounding of the formula's real number.
const TOLERANCE: f64 = 1.5;

#[test]
fn the_captured_picture_is_the_windowed_frame_on_every_backend() {
    let folder = phantom_folder(3).unwrap();
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        let study = stage.study();
        let ct = stage.series(&study, "Small CT");
        let sets = stage.metadata(&study, &ct);
        let size = one_to_one(&stage, &study, &ct, 64.0);
        let at = corner(size, 64);
        let instance = stage.eval("window.sagitta.viewports()[0].instance");
        let instance = instance.as_str().unwrap().to_owned();
        let set = sets
            .iter()
            .find(|set| set["00080018"]["Value"][0] == instance.as_str());
        let number = |tag: &str| -> f64 {
            match &set.unwrap()[tag]["Value"][0] {
                Value::String(text) => text.parse().unwrap(),
                value => value.as_f64().unwrap(),
            }
        };
        let (slope, intercept) = (number("00281053"), number("00281052"));
        let values = stored(&stage, &instance);
        for (center, width) in [(40.0, 400.0), (-600.0, 1500.0), (0.0, 1.0), (50.5, 3.0)] {
            stage.eval(&format!(
                "window.sagitta.setWindow(0, {{ center: {center}, width: {width} }})"
            ));
            let picture = capture(&stage);
            assert_eq!((picture.width, picture.height), size);
            let worst = worst_difference(&picture, at, 64, &|column, row| {
                let stored = values[(row * 64 + column) as usize];
                [windowed(slope * stored + intercept, center, width); 3]
            });
            assert!(
                worst <= TOLERANCE,
                "{}: {worst} at {center}/{width}",
                backend.name()
            );
            println!(
                "{} {center}/{width}: {worst:.2} grey levels",
                backend.name()
            );
        }
        // What the page shows is what was captured: the canvas is not blank.
        stage.page.key("u").unwrap();
        stage.eval("window.sagitta.setWindow(0, { center: 40, width: 400 })");
        stage.eval(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
        );
        let place = stage.eval(
            "(() => { const r = document.querySelector('.vp').getBoundingClientRect(); return [r.left, r.top]; })()",
        );
        let (left, top) = (
            place[0].as_f64().unwrap() as u32,
            place[1].as_f64().unwrap() as u32,
        );
        let (shown, captured) = (stage.page.picture().unwrap(), capture(&stage));
        let mut worst = 0;
        for (x, y) in (16..48).flat_map(|y| (16..48).map(move |x| (at.0 + x, at.1 + y))) {
            let a = shown.at(left + x, top + y).unwrap();
            let b = captured.at(x, y).unwrap();
            worst = worst.max(a[0].abs_diff(b[0]));
        }
        assert!(
            worst <= 1,
            "{}: the page differs by {worst}",
            backend.name()
        );
        stage.expect_no_problems();
    }
}

/// Stored values of the small pictures, by the phantom's own formula.
fn pattern(column: u32, row: u32) -> f64 {
    f64::from(phantom::pattern(0, row as usize, column as usize))
}

#[test]
fn every_way_of_storing_pixels_is_drawn_as_it_was_made() {
    let folder = phantom_folder(3).unwrap();
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    let answer = stage
        .gateway
        .get(&format!("/dicomweb/studies/{study}/series"))
        .unwrap();
    let sets: Vec<Value> = serde_json::from_slice(&answer.body).unwrap();
    let mut seen = 0;
    for set in sets {
        let series = set["0020000E"]["Value"][0].as_str().unwrap();
        let metadata = stage.metadata(&study, series);
        let side = metadata[0]["00280010"]["Value"][0].as_u64().unwrap();
        if side != u64::from(phantom::PATTERN_SIDE) {
            continue;
        }
        seen += 1;
        let first = &metadata[0];
        let size = one_to_one(&stage, &study, series, 32.0);
        let is_colour = first["00280002"]["Value"][0] == 3;
        let is_signed = first["00280103"]["Value"][0] == 1;
        let is_inverse = first["00280004"]["Value"][0] == "MONOCHROME1";
        let bits = first["00280100"]["Value"][0].as_u64().unwrap();
        let (center, width) = if is_colour {
            (128.0, 256.0)
        } else {
            (200.0, 380.0)
        };
        stage.eval(&format!(
            "window.sagitta.setWindow(0, {{ center: {center}, width: {width} }})"
        ));
        let worst = worst_difference(&capture(&stage), corner(size, 32), 32, &|column, row| {
            if is_colour {
                return [
                    (pattern(column, row) / 4.0).floor(),
                    f64::from(row * 8),
                    f64::from(column * 8),
                ];
            }
            let stored = match (bits, is_signed) {
                (8, _) => (pattern(column, row) / 4.0).floor(),
                (_, true) => pattern(column, row) - 300.0,
                _ => pattern(column, row),
            };
            let grey = windowed(stored, center, width);
            [if is_inverse { 255.0 - grey } else { grey }; 3]
        });
        let name = first["0008103E"]["Value"][0].as_str().unwrap_or("?");
        assert!(worst <= TOLERANCE, "{name}: {worst}");
    }
    assert!(seen >= 10, "only {seen} ways of storing pixels");
    println!("{seen} series of made-up patterns drawn as made");
    stage.expect_no_problems();
}
