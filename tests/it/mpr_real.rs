//! Geometry of real series, where they lie beside the project, against a script that reads the files by itself
//! (`geometry.py`): order of slices, their places, tilt, orientation letters.

use crate::shown::stored;
use crate::stage::Stage;
use crate::through::{Plane, SAGITTAL, open_planes, plus};
use sagitta_tests::{Backend, TempFolder, shared_data};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What the script says of a folder, or of one file in it.
fn geometry(folder: &Path, file: &str) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/geometry.py");
    let mut ask = Command::new("python3");
    ask.arg(script).arg(folder).arg(file);
    let answer = ask
        .output()
        .expect("this test needs Python 3: run `cargo run -p xtask -- test`");
    let complaint = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "{complaint}");
    serde_json::from_slice(&answer.stdout).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

fn triple(value: &Value, from: usize) -> [f64; 3] {
    [0, 1, 2].map(|index| value[from + index].as_f64().unwrap())
}

fn letters_on_page(stage: &Stage, viewport: usize) -> Vec<String> {
    let script = format!(
        "['l', 'r', 't', 'b'].map((edge) => document.querySelector('#viewport-{viewport} .ori.' + edge)?.textContent ?? '')"
    );
    serde_json::from_value(stage.eval(&script)).unwrap()
}

/// The stack goes through the slices in the script's order, with its letters.
fn expect_stack(stage: &Stage, geometry: &Value) {
    let frames = geometry["frames"].as_array().unwrap();
    let shown = stage.eval(&format!(
        "(async () => {{ const found = []; for (let k = 0; k < {}; k++) {{ await window.sagitta.setSlice(0, k);
           const [v] = window.sagitta.viewports(); found.push([v.instance, v.frame]); }} return found; }})()",
        frames.len()
    ));
    for (shown, frame) in shown.as_array().unwrap().iter().zip(frames) {
        assert_eq!(
            [&shown[0], &shown[1]],
            [&frame["instance"], &frame["frame"]]
        );
    }
    let expected: Vec<String> = serde_json::from_value(geometry["letters"].clone()).unwrap();
    assert_eq!(letters_on_page(stage, 0), expected);
}

/// Stored values of a row of a frame, rescaled.
fn row_of(stage: &Stage, frame: &Value, columns: usize, row: usize) -> Vec<f64> {
    let instance = frame["instance"].as_str().unwrap();
    let number = u32::try_from(frame["frame"].as_u64().unwrap()).unwrap();
    let all = stored(stage, instance, number);
    let [slope, intercept] = ["slope", "intercept"].map(|name| frame[name].as_f64().unwrap());
    // A slice of a mosaic begins somewhere in its image.
    let [left, top] = [0, 1].map(|axis| frame["tile"][axis].as_u64().unwrap_or(0) as usize);
    let stride = frame["stride"]
        .as_u64()
        .map_or(columns, |stride| stride as usize);
    let at = (top + row) * stride + left;
    let row = &all[at..at + columns];
    row.iter().map(|value| value * slope + intercept).collect()
}

/// A row of voxels read by a plane is that row of the frame; half way to the next frame it is the mean of both.
fn expect_places(stage: &Stage, geometry: &Value, what: &str) {
    let frames = geometry["frames"].as_array().unwrap();
    let [columns, rows] = ["columns", "rows"].map(|side| geometry[side].as_u64().unwrap() as usize);
    let row_index = rows / 2;
    let mut worst = 0.0_f64;
    for slice in [1, frames.len() / 2, frames.len() - 3] {
        let pair = [&frames[slice], &frames[slice + 1]];
        let values = pair.map(|frame| row_of(stage, frame, columns, row_index));
        let spacing = numbers(&pair[0]["spacing"]);
        let orientation = &pair[0]["orientation"];
        let (row, column) = (triple(orientation, 0), triple(orientation, 3));
        let way = plus(
            triple(&pair[1]["position"], 0),
            triple(&pair[0]["position"], 0),
            -1.0,
        );
        for share in [0.0, 0.5] {
            let origin = plus(triple(&pair[0]["position"], 0), way, share);
            let start = plus(origin, column, row_index as f64 * spacing[0]);
            let center = plus(start, row, (columns as f64 - 1.0) / 2.0 * spacing[1]);
            let plane = Plane::new(center, [row, column], spacing[1]);
            let found = plane.values(stage, 1, [u32::try_from(columns).unwrap(), 1]);
            // The outermost voxels lie on the box's faces.
            for at in 1..columns - 1 {
                let [here, next] = [values[0][at], values[1][at]];
                let expected = here + (next - here) * share;
                let around = [here, next, values[0][at - 1], values[0][at + 1]];
                let steepest = around.iter().map(|v| (v - here).abs()).fold(0.0, f64::max);
                let off = (f64::from(found[at]) - expected).abs();
                // Places have six to eight decimals, weights 16 bits.
                assert!(
                    off <= 0.1 + steepest * 1e-3,
                    "{what}, slice {slice} + {share}, column {at}: {} expected {expected}",
                    found[at]
                );
                worst = worst.max(off);
            }
        }
    }
    println!("{what}: at most {worst:.4} off");
}

fn check(folder: &str, file: &str) {
    let Some(data) = shared_data() else {
        return;
    };
    let source = data.join(folder);
    let geometry = geometry(&source, file);
    let (study, series) = (&geometry["study"], &geometry["series"]);
    let [study, series] = [study, series].map(|uid| uid.as_str().unwrap());
    let own = TempFolder::new("real").unwrap();
    let shown = if file.is_empty() {
        source
    } else {
        own.write("1.dcm", &std::fs::read(source.join(file)).unwrap())
            .unwrap();
        own.path().to_path_buf()
    };
    for backend in [Backend::WebGl2, Backend::Cpu] {
        let what = format!("{} {folder} {file}", backend.name());
        let stage = Stage::list(backend, &shown);
        stage.make_small();
        stage.open(study, series);
        expect_stack(&stage, &geometry);
        open_planes(&stage, study, series);
        expect_places(&stage, &geometry, &what);
        let notes = stage.eval("window.sagitta.viewports()[0].notes");
        let notes: Vec<String> = serde_json::from_value(notes).unwrap();
        let tilt = geometry["tilt_degrees"].as_f64().unwrap();
        let says_tilt = notes
            .iter()
            .any(|note| note.contains(&format!("tilt of {tilt:.1} degrees")));
        assert_eq!(says_tilt, tilt > 0.05, "{what}: {notes:?}");
        let gaps = numbers(&geometry["gaps"]);
        let [low, high] = [f64::min as fn(f64, f64) -> f64, f64::max]
            .map(|pick| gaps.iter().copied().reduce(pick).unwrap());
        let words = format!("slice distance varies from {low:.2} to {high:.2} mm");
        let says_gaps = notes.iter().any(|note| note.contains(&words));
        assert_eq!(says_gaps, high - low > 0.01, "{what}: {notes:?}");
        stage.expect_no_problems();
    }
}

#[test]
fn mpr_of_a_real_tilted_ct_has_the_geometry_of_an_independent_script() {
    check("ct-gantry-tilt", "");
}

#[test]
fn mpr_of_a_real_sagittal_mr_has_the_geometry_of_an_independent_script() {
    check("mr-positions", "");
}

#[test]
fn mpr_of_real_enhanced_objects_has_the_geometry_of_an_independent_script() {
    for file in ["001.dcm", "011-0001.img", "BRTUM009.dcm"] {
        check("enhanced", file);
    }
}

/// 48 sagittal slices in one image: private attributes say where they lie, and the protocol says it once more.
#[test]
fn mpr_of_a_real_mosaic_has_the_geometry_of_its_protocol() {
    let Some(data) = shared_data() else {
        return;
    };
    let source = data.join("mr-mosaic");
    for (entry, backend) in std::fs::read_dir(&source)
        .unwrap()
        .zip([Backend::WebGl2, Backend::Cpu])
    {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let geometry = geometry(&source, &file);
        let frames = geometry["frames"].as_array().unwrap();
        assert_eq!((frames.len(), &geometry["columns"]), (48, &82.into()));
        let own = TempFolder::new("mosaic").unwrap();
        let bytes = std::fs::read(source.join(&file)).unwrap();
        own.write("1.dcm", &bytes).unwrap();
        let stage = Stage::list(backend, own.path());
        stage.make_small();
        let [study, series] = ["study", "series"].map(|uid| geometry[uid].as_str().unwrap());
        stage.open(study, series);
        let letters: Vec<String> = serde_json::from_value(geometry["letters"].clone()).unwrap();
        assert_eq!(letters_on_page(&stage, 0), letters);
        // As one image the mosaic has no place.
        let probe = stage.eval("window.sagitta.probe(0, 200, 200)");
        assert!(probe["patient_mm"].is_null(), "{probe}");
        open_planes(&stage, study, series);
        expect_places(&stage, &geometry, &format!("{} mosaic", backend.name()));
        let notes = stage.eval("window.sagitta.viewports()[0].notes");
        let note = "the 48 slices are parts of one image, a mosaic";
        assert!(notes.to_string().contains(note), "{notes}");
        expect_probes(&stage, &geometry);
        stage.expect_no_problems();
    }
}

/// A probe on a voxel's place says what stands there in the slice.
fn expect_probes(stage: &Stage, geometry: &Value) {
    let frames = geometry["frames"].as_array().unwrap();
    for (slice, column, row) in [(0, 41, 40), (24, 55, 17), (40, 20, 33), (47, 40, 41)] {
        let frame = &frames[slice];
        let spacing = numbers(&frame["spacing"]);
        let along_row = triple(&frame["orientation"], 0);
        let along_column = triple(&frame["orientation"], 3);
        let place = plus(
            triple(&frame["position"], 0),
            along_row,
            spacing[1] * column as f64,
        );
        let place = plus(place, along_column, spacing[0] * row as f64);
        let plane = Plane::new(place, SAGITTAL, 1.0);
        plane.values(stage, 1, [1, 1]);
        let probe = stage.eval(
            "(() => { const v = window.sagitta.viewports()[1];
               return window.sagitta.probe(1, (v.width - 1) / 2, (v.height - 1) / 2); })()",
        );
        let expected = row_of(stage, frame, 82, row)[column];
        assert_eq!(probe["stored"], expected, "{slice}: {probe}");
    }
}
