//! The view of an image: turns and flips, reset, what a probe says, slices, layouts.

use crate::shown::{
    TOLERANCE, capture, captured_png, number, one_to_one, set_window, stored, viewport_size,
    wait_until_is, windowed, worst_difference,
};
use crate::stage::{Stage, ct_folder};
use sagitta_tests::{Backend, phantom_folder, shared_data};
use serde_json::{Value, json};

/// Letters at the left, right, top and bottom edge.
pub const LETTERS: &str =
    "['l', 'r', 't', 'b'].map((edge) => document.querySelector('.ori.' + edge)?.textContent ?? '')";

/// Column and row of the image at a place of the picture, in an image of a given side.
type Place = fn(u32, u32, u32) -> (u32, u32);

/// Flip, rotation in degrees clockwise, letters of an axial image at the left, right, top and bottom edge,
/// and the pixel that is drawn at a place; flips come first. By hand: rows run to the patient's left,
/// columns to the back.
const TURNS: [(bool, u32, [&str; 4], Place); 8] = [
    (false, 0, ["R", "L", "A", "P"], |x, y, _| (x, y)),
    (false, 90, ["P", "A", "R", "L"], |x, y, end| (y, end - x)),
    (false, 180, ["L", "R", "P", "A"], |x, y, end| {
        (end - x, end - y)
    }),
    (false, 270, ["A", "P", "L", "R"], |x, y, end| (end - y, x)),
    (true, 0, ["L", "R", "A", "P"], |x, y, end| (end - x, y)),
    (true, 90, ["P", "A", "L", "R"], |x, y, end| {
        (end - y, end - x)
    }),
    (true, 180, ["R", "L", "P", "A"], |x, y, end| (x, end - y)),
    (true, 270, ["A", "P", "R", "L"], |x, y, _| (y, x)),
];

#[test]
fn lesson_11_letters_follow_flips_and_turns() {
    let folder = phantom_folder(3).unwrap();
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        let study = stage.study();
        let series = stage.series(&study, "Small CT");
        stage.open(&study, &series);
        let instance = stage.eval("window.sagitta.viewports()[0].instance");
        let values = stored(&stage, instance.as_str().unwrap(), 1);
        let (_, at) = one_to_one(&stage, 64);
        set_window(&stage, 40.0, 400.0);
        let mut worst = 0.0_f64;
        for (flip, rotation, letters, place) in TURNS {
            stage.eval(&format!(
                "window.sagitta.setView(0, {{ flip: {flip}, rotation: {rotation} }})"
            ));
            wait_until_is(&stage, LETTERS, &json!(letters));
            // The picture does what the letters say.
            let apart = worst_difference(&capture(&stage), at, 64, |x, y| {
                let (column, row) = place(x, y, 63);
                [windowed(values[(row * 64 + column) as usize] - 1024.0, 40.0, 400.0); 3]
            });
            assert!(
                apart <= TOLERANCE,
                "flip {flip}, {rotation} degrees: {apart}"
            );
            worst = worst.max(apart);
        }
        println!("{}: 8 turns, worst {worst}", backend.name());
        stage.expect_no_problems();
    }
}

#[test]
fn lesson_14_reset_equals_the_first_paint() {
    let folder = phantom_folder(3).unwrap();
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        let study = stage.study();
        for description in ["Small CT", "monochrome1", "rgb"] {
            let series = stage.series(&study, description);
            stage.open(&study, &series);
            let (first, info) = (
                captured_png(&stage),
                stage.eval("window.sagitta.viewports()[0].window"),
            );
            set_window(&stage, 700.0, 90.0);
            stage.page.key("i").unwrap();
            stage.eval("window.sagitta.setView(0, { zoom: 1.7, pan: [31, -12], rotation: 90, flip: true })");
            assert!(captured_png(&stage) != first, "{description}: no change");
            stage.page.key("r").unwrap();
            assert!(
                captured_png(&stage) == first,
                "{}: {description} is not as at first",
                backend.name()
            );
            assert_eq!(stage.eval("window.sagitta.viewports()[0].window"), info);
        }
        stage.expect_no_problems();
    }
}

/// Equation C.7.6.2.1-1 of PS3.3: the place of a pixel in the patient, in mm. Its directions are unit
/// vectors; files write them with few digits, so that their length is 1 only within a thousandth.
fn patient_mm(set: &Value, column: f64, row: f64) -> [f64; 3] {
    let get = |tag, index| number(set, tag, index).unwrap();
    // Pixel Spacing is the distance of rows, then of columns.
    let (between_rows, between_columns) = (get("00280030", 0), get("00280030", 1));
    let length = |start: usize| {
        let squares = (start..start + 3).map(|axis| get("00200037", axis).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let (along_row, along_column) = (length(0), length(3));
    assert!((along_row - 1.0).abs() < 1e-3 && (along_column - 1.0).abs() < 1e-3);
    [0, 1, 2].map(|axis| {
        get("00200032", axis)
            + get("00200037", axis) / along_row * between_columns * column
            + get("00200037", axis + 3) / along_column * between_rows * row
    })
}

/// Probes a view of the whole image, plain or flipped and turned by 90 degrees, at places that the hand
/// formula leads to pixels; returns the largest error in mm.
fn probe_places(stage: &Stage, set: &Value, is_turned: bool) -> f64 {
    let size = viewport_size(stage);
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    let side = |tag| number(set, tag, 0).unwrap();
    let (columns, rows) = (side("00280011"), side("00280010"));
    let spacing = |index| number(set, "00280030", index).unwrap();
    let (between_rows, between_columns) = (spacing(0), spacing(1));
    // Canvas pixels of a millimetre: the image's whole extent just fits, and both axes have one scale.
    let extent = (columns * between_columns, rows * between_rows);
    let scale = match is_turned {
        true => (width / extent.1).min(height / extent.0),
        false => (width / extent.0).min(height / extent.1),
    };
    stage.eval(&format!(
        "window.sagitta.setView(0, {{ zoom: 1, pan: [0, 0], flip: {is_turned}, rotation: {} }})",
        if is_turned { 90 } else { 0 }
    ));
    let instance = set["00080018"]["Value"][0].as_str().unwrap();
    let values = stored(stage, instance, 1);
    let mut worst = 0.0_f64;
    for (right, down) in [
        (0.0, 0.0),
        (0.41, 0.0),
        (-0.37, 0.22),
        (0.123, -0.45),
        (-0.49, -0.49),
    ] {
        let shorter = width.min(height);
        let (x, y) = (
            ((width - 1.0) / 2.0 + right * shorter).round(),
            ((height - 1.0) / 2.0 + down * shorter).round(),
        );
        let (dx_mm, dy_mm) = (
            (x - (width - 1.0) / 2.0) / scale,
            (y - (height - 1.0) / 2.0) / scale,
        );
        // Flipped, then turned clockwise: columns run upwards, rows to the left.
        let (along_row, along_column) = if is_turned {
            (-dy_mm, -dx_mm)
        } else {
            (dx_mm, dy_mm)
        };
        let (column, row) = (
            (columns - 1.0) / 2.0 + along_row / between_columns,
            (rows - 1.0) / 2.0 + along_column / between_rows,
        );
        let seen = stage.eval(&format!("window.sagitta.probe(0, {x}, {y})"));
        let nearest = (column.round(), row.round());
        if !(0.0..columns).contains(&nearest.0) || !(0.0..rows).contains(&nearest.1) {
            assert_eq!(seen, Value::Null, "outside at {x}, {y}");
            continue;
        }
        assert_eq!(seen["column"].as_f64(), Some(nearest.0), "{seen}");
        assert_eq!(seen["row"].as_f64(), Some(nearest.1), "{seen}");
        let value = values[(nearest.1 * columns + nearest.0) as usize];
        assert_eq!(seen["stored"].as_f64(), Some(value), "{seen}");
        if let (Some(slope), Some(intercept)) =
            (number(set, "00281053", 0), number(set, "00281052", 0))
        {
            assert_eq!(seen["value"].as_f64(), Some(slope * value + intercept));
        }
        for (axis, expected) in patient_mm(set, column, row).into_iter().enumerate() {
            let error = (seen["patient_mm"][axis].as_f64().unwrap() - expected).abs();
            assert!(
                error < 1e-6,
                "{seen}, axis {axis}: {expected} mm was expected"
            );
            worst = worst.max(error);
        }
    }
    worst
}

/// The data set of what the first viewport shows.
fn shown_set(stage: &Stage, sets: &[Value]) -> Value {
    let instance = stage.eval("window.sagitta.viewports()[0].instance");
    let shown = sets
        .iter()
        .find(|set| set["00080018"]["Value"][0] == instance);
    shown.unwrap().clone()
}

#[test]
fn a_probe_tells_value_and_place_by_the_standards_equation() {
    let folder = phantom_folder(3).unwrap();
    let stage = Stage::list(Backend::Cpu, folder.path());
    let study = stage.study();
    let series = stage.series(&study, "Small CT");
    stage.open(&study, &series);
    let set = shown_set(&stage, &stage.metadata(&study, &series));
    let mut worst = 0.0_f64;
    for is_turned in [false, true] {
        worst = worst.max(probe_places(&stage, &set, is_turned));
    }
    let size = viewport_size(&stage);
    let middle = format!("window.sagitta.probe(0, {}, {})", size.0 / 2, size.1 / 2);
    assert_eq!(stage.eval(&middle)["unit"], "HU");
    // Pictures without a plane have no place.
    stage.open(&study, &stage.series(&study, "rgb"));
    let seen = stage.eval(&middle);
    assert_eq!(seen["patient_mm"], Value::Null);
    assert_eq!(seen["stored"].as_array().map(Vec::len), Some(3), "{seen}");
    println!("probes differ by at most {worst:e} mm");
    stage.expect_no_problems();
}

#[test]
fn a_probe_of_real_oblique_images_follows_the_equation_too() {
    let Some(data) = shared_data() else {
        return;
    };
    for folder in ["mr-volume", "mr-positions"] {
        let stage = Stage::list(Backend::Cpu, &data.join(folder));
        let study = stage.study();
        let series = stage.uids(&format!("/dicomweb/studies/{study}/series"), "0020000E");
        stage.open(&study, &series[0]);
        let set = shown_set(&stage, &stage.metadata(&study, &series[0]));
        let mut worst = 0.0_f64;
        for is_turned in [false, true] {
            worst = worst.max(probe_places(&stage, &set, is_turned));
        }
        println!(
            "{folder}: at most {worst:e} mm, orientation {}, spacing {}",
            set["00200037"]["Value"], set["00280030"]["Value"]
        );
    }
}

#[test]
fn slices_go_up_along_the_normal_and_no_others_exist() {
    let folder = ct_folder(64, 12);
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    let series = stage.series(&study, "CT for tests");
    stage.open(&study, &series);
    let mut heights: Vec<(f64, Value)> = stage
        .metadata(&study, &series)
        .iter()
        .map(|set| {
            (
                number(set, "00200032", 2).unwrap(),
                set["00080018"]["Value"][0].clone(),
            )
        })
        .collect();
    heights.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (slice, (_, instance)) in heights.iter().enumerate() {
        stage.eval(&format!("window.sagitta.setSlice(0, {slice})"));
        let info = stage.eval("window.sagitta.viewports()[0]");
        assert_eq!(&info["instance"], instance);
        assert_eq!(info["slice"], slice);
        assert_eq!(info["state"], "final");
    }
    for wrong in [
        "setSlice(0, 12)",
        "setWindow(0, { center: 0, width: 0 })",
        "setWindow(0, {})",
        "setLayout('4x4')",
    ] {
        let error = stage.page.rejection(&format!("window.sagitta.{wrong}"));
        assert_eq!(error.unwrap()["code"], "bad_argument", "{wrong}");
    }
    stage.expect_no_problems();
}

#[test]
fn viewports_of_every_layout_tile_the_image_area() {
    let folder = phantom_folder(3).unwrap();
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    for ratio in [1.0, 1.5] {
        stage.page.set_viewport(1280, 800, ratio, false).unwrap();
        stage.open(&study, &stage.series(&study, "Small CT"));
        for (rows, columns) in (1..=3).flat_map(|rows| (1..=3).map(move |columns| (rows, columns)))
        {
            stage.eval(&format!("window.sagitta.setLayout('{rows}x{columns}')"));
            let seen = stage.eval(
                "(() => { const box = (it) => { const r = it.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
                   return { area: box(document.querySelector('.area')), boxes: [...document.querySelectorAll('.vp')].map(box),
                            sizes: sagitta.viewports().map((it) => [it.width, it.height]) }; })()",
            );
            let numbers = |value: &Value| -> Vec<f64> {
                let list = value.as_array().unwrap();
                list.iter().map(|it| it.as_f64().unwrap()).collect()
            };
            let area = numbers(&seen["area"]);
            let count = rows * columns;
            assert_eq!(seen["boxes"].as_array().unwrap().len(), count);
            assert_eq!(seen["sizes"].as_array().unwrap().len(), count);
            for index in 0..count {
                let found = numbers(&seen["boxes"][index]);
                // Equal parts with 2 CSS pixels between.
                let edge = |start: f64, end: f64, parts: usize, part: usize, is_end: bool| {
                    let size = (end - start - 2.0 * (parts as f64 - 1.0)) / parts as f64;
                    start + part as f64 * (size + 2.0) + if is_end { size } else { 0.0 }
                };
                let (row, column) = (index / columns, index % columns);
                let expected = [
                    edge(area[0], area[2], columns, column, false),
                    edge(area[1], area[3], rows, row, false),
                    edge(area[0], area[2], columns, column, true),
                    edge(area[1], area[3], rows, row, true),
                ];
                for (found, expected) in found.iter().zip(expected) {
                    assert!(
                        (found - expected).abs() < 0.1,
                        "{rows}x{columns}, {index}: {seen}"
                    );
                }
                let size = numbers(&seen["sizes"][index]);
                let sides = [found[2] - found[0], found[3] - found[1]];
                for (pixels, css) in size.iter().zip(sides) {
                    assert!((pixels - css * ratio).abs() <= 1.0, "{seen}");
                }
            }
        }
    }
    stage.expect_no_problems();
}

#[test]
fn choosing_the_layout_on_screen_again_keeps_the_picture() {
    let folder = ct_folder(128, 2);
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    stage.open(&study, &stage.series(&study, "CT for tests"));
    let before = captured_png(&stage);
    for layout in ["1x1", "1x1", "2x2", "2x2", "1x1"] {
        stage.eval(&format!("window.sagitta.setLayout('{layout}')"));
    }
    assert!(captured_png(&stage) == before);
    // There and back before the page is laid out anew.
    stage.eval("Promise.all(['2x1', '1x1'].map((name) => window.sagitta.setLayout(name)))");
    assert!(captured_png(&stage) == before);
    stage.expect_no_problems();
}

#[test]
fn t18_no_patient_is_named_where_a_browser_keeps_it() {
    let folder = phantom_folder(3).unwrap();
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let page = &stage.page;
    page.wait_for("!!document.querySelector('tbody tr[aria-selected]')", 30)
        .unwrap();
    page.click_on("tbody tr[aria-selected]").unwrap();
    page.wait_for("!!document.querySelector('.preview .primary')", 20)
        .unwrap();
    page.click_on(".preview .primary").unwrap();
    page.wait_for("window.sagitta.viewports()[0].state === 'final'", 30)
        .unwrap();
    let banner = stage.eval("document.querySelector('.patient').textContent");
    assert!(banner.as_str().unwrap().contains("Tiny"), "{banner}");
    let kept = stage.eval(
        "JSON.stringify([document.title, location.href, history.state, { ...localStorage }, { ...sessionStorage }, document.cookie])",
    );
    for word in ["Tiny", "Th\u{e9}o", "EX-SMALL", "19900229", "A0000001"] {
        assert!(!kept.as_str().unwrap().contains(word), "{word}: {kept}");
    }
    for url in page.requests() {
        for word in ["Tiny", "EX-SMALL", "19900229"] {
            assert!(!url.contains(word), "{word}: {url}");
        }
    }
    stage.expect_no_problems();
}
