//! Every kind of pixel on screen: made-up pictures whose right display values are worked out by the standard's
//! formulas, drawn by each backend and compared pixel by pixel.

use crate::stage::Stage;
use phantom::pictures::{Answer, Picture, encoding_matrix, pictures};
use sagitta_tests::{Backend, Picture as Drawn, TempFolder};
use serde_json::Value;
use std::fmt::Write;
use viewer_core::geometry::{ViewGeometry, ViewTransform};

/// Most that a drawn level may differ from the formula's: half a level by rounding, half by arithmetic.
const TOLERANCE: u8 = 1;

/// Frames of a picture that are looked at: the ends and one between.
pub fn frames_of(count: usize) -> Vec<usize> {
    let mut frames = vec![0, count / 2, count - 1];
    frames.dedup();
    frames
}

/// A folder with the files of all pictures.
pub fn folder_of(pictures: &[Picture]) -> TempFolder {
    let folder = TempFolder::new("pictures").unwrap();
    for picture in pictures {
        for (name, bytes) in &picture.files {
            folder
                .write(&format!("{}-{name}", picture.name), bytes)
                .unwrap();
        }
    }
    folder
}

/// Shows a frame with one canvas pixel for the shorter side of a pixel; see [`place_enlarged`].
pub fn place(stage: &Stage, answer: &Answer, aspect: f64) -> [[f64; 2]; 2] {
    place_enlarged(stage, [answer.rows, answer.columns], aspect, 1.0)
}

/// Shows a frame so that the centres of its pixels lie on canvas pixels, and says where: scale and place of the
/// first pixel, for columns and rows. `shape` is rows and columns; the shorter side of a pixel has `times` canvas
/// pixels.
pub fn place_enlarged(stage: &Stage, shape: [usize; 2], aspect: f64, times: f64) -> [[f64; 2]; 2] {
    let info = stage.eval("window.sagitta.viewports()[0]");
    let side = |name: &str| u32::try_from(info[name].as_u64().unwrap()).unwrap();
    let (width, height) = (side("width"), side("height"));
    let size = [shape[1], shape[0]].map(|edge| u32::try_from(edge).unwrap());
    let geometry = |view: &ViewTransform| {
        ViewGeometry::new(size[0], size[1], aspect, width, height, view).canvas_from_pixel
    };
    let fitted = geometry(&ViewTransform::default());
    let smaller = fitted.matrix2.x_axis.x.min(fitted.matrix2.y_axis.y);
    let zoomed = ViewTransform {
        zoom: times / smaller,
        ..ViewTransform::default()
    };
    let start = geometry(&zoomed).translation;
    let pan = [start.x.round() - start.x, start.y.round() - start.y];
    stage.eval(&format!(
        "window.sagitta.setView(0, {{ zoom: {}, pan: [{}, {}] }})",
        zoomed.zoom, pan[0], pan[1]
    ));
    let shown = geometry(&ViewTransform { pan, ..zoomed });
    [
        [shown.matrix2.x_axis.x, shown.translation.x],
        [shown.matrix2.y_axis.y, shown.translation.y],
    ]
}

/// Canvas pixel on which the centre of a pixel lies; `None` where it lies between two.
pub fn on_canvas([scale, start]: [f64; 2], index: usize) -> Option<u32> {
    #[expect(clippy::cast_precision_loss, reason = "small frames")]
    let at = start + scale * index as f64;
    ((at - at.round()).abs() < 1e-3 && at >= 0.0).then_some(at.round() as u32)
}

/// Compares a drawing with an answer; what differs, in words.
pub fn differences(drawn: &Drawn, answer: &Answer, axes: [[f64; 2]; 2]) -> Option<String> {
    let (mut compared, mut worst, mut wrong, mut first) = (0, 0, 0, None);
    for row in 0..answer.rows {
        for column in 0..answer.columns {
            let at = (on_canvas(axes[0], column), on_canvas(axes[1], row));
            let (Some(x), Some(y)) = at else { continue };
            let Some(found) = drawn.at(x, y) else {
                continue;
            };
            let index = 3 * (row * answer.columns + column);
            let expected = &answer.rgb[index..index + 3];
            let apart = found
                .iter()
                .zip(expected)
                .map(|(a, b)| a.abs_diff(*b))
                .max();
            let apart = apart.unwrap_or(u8::MAX);
            compared += 1;
            worst = worst.max(apart);
            if apart > TOLERANCE {
                wrong += 1;
                first.get_or_insert_with(|| {
                    format!("({column}, {row}): {found:?}, expected {expected:?}")
                });
            }
        }
    }
    if compared == 0 {
        return Some("no pixel could be compared".into());
    }
    first.map(|first| format!("{wrong} of {compared} pixels, worst {worst}; {first}"))
}

/// Columns over rows of a pixel on screen, from the metadata.
pub fn aspect_of(set: &Value) -> f64 {
    let pair = |tag: &str| {
        let number = |index: usize| crate::shown::number(set, tag, index);
        Some([number(0)?, number(1)?])
    };
    match (
        pair("00280030").or_else(|| pair("00181164")),
        pair("00280034"),
    ) {
        (Some([row, column]), _) => column / row,
        (None, Some([vertical, horizontal])) => horizontal / vertical,
        _ => 1.0,
    }
}

/// Shows every frame that is to be looked at and collects what is wrong.
pub fn check(stage: &Stage, pictures: &[Picture]) -> (usize, String) {
    let (mut shown, mut report) = (0, String::new());
    for picture in pictures {
        let sets = stage.metadata(&picture.study_uid, &picture.series_uid);
        let own = (&picture.sop_instance_uid, &picture.frames);
        let others = picture.others.iter().map(|(uid, frames)| (uid, frames));
        for (instance, frames) in std::iter::once(own).chain(others) {
            let set = sets
                .iter()
                .find(|set| set["00080018"]["Value"][0] == **instance);
            let aspect = aspect_of(set.unwrap());
            for index in frames_of(frames.len()) {
                let answer = &frames[index];
                let what = format!("{} {} frame {}", picture.name, instance, index + 1);
                let opened = stage.page.eval(&format!(
                    "window.sagitta.open({{ studies: ['{}'], series: '{}', instance: '{instance}', frame: {} }})",
                    picture.study_uid, picture.series_uid, index + 1
                ));
                if let Err(error) = opened {
                    let _ = writeln!(report, "{what}: {error}");
                    continue;
                }
                let axes = place(stage, answer, aspect);
                let drawn = crate::shown::capture(stage);
                if let Some(difference) = differences(&drawn, answer, axes) {
                    let _ = writeln!(report, "{what}: {difference}");
                }
                if let Some(difference) = probed(stage, answer, axes) {
                    let _ = writeln!(report, "{what}: {difference}");
                }
                shown += 1;
            }
        }
    }
    (shown, report)
}

/// Unit on screen of a code in a file.
fn unit_of(code: &str) -> &str {
    match code {
        "US" => "",
        "BQML" => "Bq/ml",
        "CNTS" => "counts",
        "OD" => "mOD",
        other => other,
    }
}

/// Compares what a probe says on a grid of 4 x 4 places.
pub fn probed(stage: &Stage, answer: &Answer, axes: [[f64; 2]; 2]) -> Option<String> {
    if answer.values.is_empty() {
        return None;
    }
    for step in 0..16 {
        let column = (step % 4) * (answer.columns - 1) / 3;
        let row = (step / 4) * (answer.rows - 1) / 3;
        #[expect(clippy::cast_precision_loss, reason = "small frames")]
        let [x, y] = [(axes[0], column), (axes[1], row)]
            .map(|([scale, start], index)| start + scale * index as f64);
        let probe = stage.eval(&format!("window.sagitta.probe(0, {x}, {y})"));
        let expected = answer.values[row * answer.columns + column];
        // Padding has no value, and neither has what is no number.
        let Some(found) = probe["value"].as_f64() else {
            let is_black = answer.rgb[3 * (row * answer.columns + column)..][..3] == [0; 3];
            if probe.is_object() && (is_black || !expected.is_finite()) {
                continue;
            }
            return Some(format!(
                "probe at ({column}, {row}): {probe}, expected {expected}"
            ));
        };
        if (found - expected).abs() > 1e-6 * expected.abs().max(1.0) {
            return Some(format!(
                "probe at ({column}, {row}): {found}, expected {expected}"
            ));
        }
        if probe["unit"] != unit_of(answer.unit) {
            return Some(format!("unit {}, expected {}", probe["unit"], answer.unit));
        }
    }
    None
}

fn expect_right(pictures: &[Picture], backends: &[Backend]) {
    expect_right_at("", pictures, backends);
}

/// Shows pictures by the app at an address and compares every pixel.
pub fn expect_right_at(address: &str, pictures: &[Picture], backends: &[Backend]) {
    let folder = folder_of(pictures);
    let mut all = String::new();
    for backend in backends {
        let stage = Stage::blank(*backend, folder.path());
        stage.make_small();
        stage.go(address);
        let (shown, report) = check(&stage, pictures);
        println!(
            "{}: {shown} frames of {} pictures shown",
            backend.name(),
            pictures.len()
        );
        for line in report.lines() {
            let _ = writeln!(all, "{}: {line}", backend.name());
        }
        stage.expect_no_problems();
    }
    assert!(all.is_empty(), "\n{all}");
}

/// Lessons 8, 13 and 14: values from decoded integers, SIGMOID and LUT sequences, palettes and YBR.
#[test]
fn lesson_08_13_14_every_kind_of_pixel_is_shown_as_the_standard_says() {
    expect_right(&pictures(7), &Backend::ALL);
}

#[test]
fn every_photometric_interpretation_in_every_encoding_is_shown_right() {
    expect_right(&encoding_matrix(7), &Backend::ALL);
}
