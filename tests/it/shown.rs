//! What a frame must look like on screen: the grey-scale chain and the place of its pixels, written here
//! once more from the standard's text, never by calling the code under test.

use crate::stage::Stage;
use sagitta_tests::Picture;
use serde_json::Value;

/// Most that a drawn grey may differ from the rounded one of the formula.
pub const TOLERANCE: f64 = 1.0;

/// LINEAR of PS3.3 C.11.2.1.2.1 for an output of 0 to 255, rounded to a grey level.
pub fn windowed(value: f64, center: f64, width: f64) -> f64 {
    let grey = if value <= center - 0.5 - (width - 1.0) / 2.0 {
        0.0
    } else if value > center - 0.5 + (width - 1.0) / 2.0 {
        255.0
    } else {
        ((value - (center - 0.5)) / (width - 1.0) + 0.5) * 255.0
    };
    grey.round()
}

/// A number of a data set in DICOM JSON, by its place; decimals may be written as text.
pub fn number(set: &Value, tag: &str, index: usize) -> Option<f64> {
    match &set[tag]["Value"][index] {
        Value::String(text) => text.parse().ok(),
        value => value.as_f64(),
    }
}

/// Width and height of the first viewport in canvas pixels.
pub fn viewport_size(stage: &Stage) -> (u32, u32) {
    let info = stage.eval("window.sagitta.viewports()[0]");
    let side = |name: &str| u32::try_from(info[name].as_u64().unwrap()).unwrap();
    (side("width"), side("height"))
}

/// Shows one pixel of a square image on one of the canvas; returns the viewport's size and the place of
/// the image's first pixel.
pub fn one_to_one(stage: &Stage, side: u32) -> ((u32, u32), (u32, u32)) {
    let size = viewport_size(stage);
    let fit = f64::from(size.0.min(size.1)) / f64::from(side);
    // Half a pixel where image and viewport differ in parity.
    let pan = [size.0, size.1].map(|edge| f64::from((edge - side) % 2) / 2.0);
    stage.eval(&format!(
        "window.sagitta.setView(0, {{ zoom: {}, pan: [{}, {}] }})",
        1.0 / fit,
        pan[0],
        pan[1]
    ));
    let at = |edge: u32| (edge - side).div_ceil(2);
    (size, (at(size.0), at(size.1)))
}

/// Sets the window of the first viewport.
pub fn set_window(stage: &Stage, center: f64, width: f64) {
    stage.eval(&format!(
        "window.sagitta.setWindow(0, {{ center: {center}, width: {width} }})"
    ));
}

/// The PNG of the first viewport.
pub fn captured_png(stage: &Stage) -> Vec<u8> {
    stage.page.eval_bytes("window.sagitta.capture(0)").unwrap()
}

/// The first viewport's pixels.
pub fn capture(stage: &Stage) -> Picture {
    Picture::from_png(&captured_png(stage)).unwrap()
}

/// Stored values of a frame as the browser decoded them; `frame` from 1.
pub fn stored(stage: &Stage, instance: &str, frame: u32) -> Vec<f64> {
    let script = format!(
        "window.sagitta.pixels('{instance}', {frame}).then((pixels) => Float64Array.from(pixels.data))"
    );
    let bytes = stage.page.eval_bytes(&script).unwrap();
    let (numbers, rest) = bytes.as_chunks::<8>();
    assert!(rest.is_empty());
    numbers.iter().copied().map(f64::from_le_bytes).collect()
}

/// Largest difference of a square image's drawn pixels from the expected ones.
pub fn worst_difference(
    picture: &Picture,
    at: (u32, u32),
    side: u32,
    expected: impl Fn(u32, u32) -> [f64; 3],
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

/// Waits until a script gives a value: texts on the page follow the image within a few milliseconds.
pub fn wait_until_is(stage: &Stage, script: &str, expected: &Value) {
    let expected = serde_json::to_string(&expected.to_string()).unwrap();
    let condition = format!("JSON.stringify({script}) === {expected}");
    stage.page.wait_for(&condition, 10).unwrap();
}

/// What the page itself shows, and where the first viewport begins on it: left and top edge.
pub fn on_page(stage: &Stage) -> (Picture, [u32; 2]) {
    stage.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    let place = stage.eval(
        "(() => { const r = document.querySelector('.vp').getBoundingClientRect(); return [r.left, r.top]; })()",
    );
    let edge = |index: usize| place[index].as_f64().unwrap() as u32;
    (stage.page.picture().unwrap(), [edge(0), edge(1)])
}
