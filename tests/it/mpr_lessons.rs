//! Failures of other viewers with planes, each a test here: named for the row that tells of it.

use crate::shapes::{expect_ramp, expect_spheres};
use crate::shown::wait_until_is;
use crate::stage::Stage;
use crate::through::{
    AXIAL, CORONAL, Chance, Plane, SAGITTAL, distance, dot, folder_of, open_volume, plus,
};
use phantom::volumes::{self, Make, Part, Volume, body};
use sagitta_tests::{Backend, TempFolder};
use serde_json::{Value, json};

const SEED: u64 = 3;
const GPU: [Backend; 2] = [Backend::WebGpu, Backend::WebGl2];

fn opened(backend: Backend, volume: &Volume, address: &str) -> (Stage, TempFolder) {
    let folder = folder_of(volume);
    let stage = Stage::blank(backend, folder.path());
    stage.make_small();
    stage.page.stop_recording_requests().unwrap();
    stage.go(address);
    open_volume(&stage, volume);
    (stage, folder)
}

#[test]
fn lesson_01_mpr_of_2600_slices_is_the_body_at_both_ends() {
    let volume = volumes::long(SEED).unwrap();
    let part = &volume.parts[0];
    for backend in Backend::ALL {
        let (stage, _folder) = opened(backend, &volume, "");
        let stats = stage.eval("window.sagitta.stats()");
        assert_eq!(stats["frames_failed"], 0, "{stats}");
        let mut read = |plane: &Plane, size| plane.values(&stage, 1, size);
        let what = format!("{} long", backend.name());
        expect_ramp(&mut read, part, 4, &what);
        for slice in [1, volumes::LONG_SLICES / 2, volumes::LONG_SLICES - 2] {
            let plane = Plane::new(part.lattice.patient_mm([10, 10, slice]), AXIAL, 1.0);
            let found = f64::from(plane.values(&stage, 0, [1, 1])[0]);
            let expected = part.voxel_value([10, 10, slice]);
            assert!(
                (found - expected).abs() < 0.2,
                "{what} {slice}: {found} {expected}"
            );
        }
        stage.expect_no_problems();
    }
}

#[test]
fn lesson_02_a_volume_beyond_the_cards_limit_is_the_body() {
    for (make, limits) in [
        (volumes::broad as Make, [256, 64]),
        (volumes::tall, [256, 128]),
    ] {
        let volume = make(SEED).unwrap();
        for backend in GPU {
            for limit in limits {
                let (stage, _folder) = opened(backend, &volume, &format!("?textureLimit={limit}"));
                let mut read = |plane: &Plane, size| plane.values(&stage, 1, size);
                let what = format!("{} {} within {limit}", backend.name(), volume.name);
                expect_ramp(&mut read, &volume.parts[0], 4, &what);
                if volume.name == "broad" {
                    expect_spheres(&mut read, &volume.parts[0], &what);
                }
                stage.expect_no_problems();
            }
        }
    }
}

/// Bricks change nothing: the same card without a limit gives the same values, seams among them.
#[test]
fn lesson_02_bricks_have_no_seams() {
    let volume = volumes::broad(SEED).unwrap();
    let mut chance = Chance::new(2);
    let planes: Vec<Plane> = [AXIAL, SAGITTAL, CORONAL]
        .into_iter()
        .chain((0..3).map(|_| chance.directions()))
        .map(|directions| Plane::new(body::CENTER_MM, directions, 0.31))
        .collect();
    for backend in GPU {
        let values = |address: &str| -> Vec<f32> {
            let (stage, _folder) = opened(backend, &volume, address);
            let read = |plane: &Plane| plane.values(&stage, 0, [160, 120]);
            planes.iter().flat_map(read).collect()
        };
        let (whole, bricked) = (values(""), values("?textureLimit=64"));
        let mut worst = 0.0_f32;
        for (whole, bricked) in whole.iter().zip(&bricked) {
            assert_eq!(whole.is_nan(), bricked.is_nan());
            if !whole.is_nan() {
                worst = worst.max((whole - bricked).abs());
            }
        }
        println!("{}: at most {worst} apart", backend.name());
        assert!(worst <= 0.02, "{worst}");
    }
}

/// A probe of the canvas pixel in the middle of a viewport, or at a place on it.
fn probe(stage: &Stage, viewport: usize, [x, y]: [f64; 2]) -> Value {
    stage.eval(&format!("window.sagitta.probe({viewport}, {x}, {y})"))
}

fn size_of(stage: &Stage, viewport: usize) -> [u32; 2] {
    let info = stage.eval(&format!("window.sagitta.viewports()[{viewport}]"));
    ["width", "height"].map(|side| u32::try_from(info[side].as_u64().unwrap()).unwrap())
}

#[test]
fn lesson_08_air_reads_minus_1000_in_planes_and_probes() {
    let volume = volumes::spheres(SEED).unwrap();
    let air = body::spheres()[body::AIR].center_mm;
    for backend in Backend::ALL {
        let (stage, _folder) = opened(backend, &volume, "");
        let oblique = Chance::new(8).directions();
        for directions in [AXIAL, SAGITTAL, CORONAL, oblique] {
            let plane = Plane::new(air, directions, 0.25);
            let values = plane.values(&stage, 0, [9, 9]);
            assert!(values.iter().all(|value| *value == -1000.0), "{values:?}");
            let size = size_of(&stage, 0);
            let found = probe(&stage, 0, size.map(|edge| f64::from(edge) / 2.0));
            // (-1000 + 1024) / 0.0625
            let [stored, value] = [&found["stored"], &found["value"]].map(Value::as_f64);
            assert_eq!([stored, value], [Some(384.0), Some(-1000.0)], "{found}");
            assert_eq!(found["unit"], "HU");
        }
        stage.expect_no_problems();
    }
}

/// Probes all over a plane: where they say to be, and the nearest voxel's stored value.
fn expect_probes(stage: &Stage, part: &Part, plane: &Plane, chance: &mut Chance) -> usize {
    plane.values(stage, 1, [1, 1]);
    let size = size_of(stage, 1);
    let mut compared = 0;
    for _ in 0..24 {
        let at = size.map(|edge| f64::from(edge) * (0.5 + 0.4 * chance.around()));
        let found = probe(stage, 1, at);
        let expected_place = plane.place(at, size);
        let ends = part.lattice.size.map(|count| count as f64 - 1.0);
        if found.is_null() {
            let voxel = part.lattice.voxel_at(expected_place);
            let is_inside = (voxel.iter().zip(ends)).all(|(at, end)| *at > 1.0 && *at < end - 1.0);
            assert!(!is_inside, "no probe at {voxel:?}");
            continue;
        }
        let place: [f64; 3] = serde_json::from_value(found["patient_mm"].clone()).unwrap();
        // Whether canvas pixels count from their corner or their centre.
        let apart = distance(place, expected_place);
        assert!(
            apart <= 0.75 * plane.pixel_mm,
            "{place:?} {expected_place:?}"
        );
        let voxel = part.lattice.voxel_at(place);
        // Half way between two either may be the nearest.
        if voxel
            .iter()
            .any(|at| ((at.fract().abs()) - 0.5).abs() < 0.01)
        {
            continue;
        }
        let nearest = voxel.map(|at| at.round().max(0.0) as usize);
        let [stored, value] = [&found["stored"], &found["value"]].map(|it| it.as_f64().unwrap());
        assert_eq!(
            stored,
            f64::from(part.stored(nearest)),
            "{nearest:?} {found}"
        );
        let expected = part.voxel_value(nearest);
        assert!((value - expected).abs() < 1e-6, "{value} {expected}");
        compared += 1;
    }
    compared
}

#[test]
fn lesson_09_a_probe_is_the_nearest_voxel_in_every_plane_turned_or_not() {
    for make in [
        volumes::spheres as Make,
        volumes::tilted,
        volumes::uneven,
        volumes::pet_slopes,
    ] {
        let volume = make(SEED).unwrap();
        let backend = Backend::WebGl2;
        let (stage, _folder) = opened(backend, &volume, "");
        let mut chance = Chance::new(9);
        let (sin, cos) = 0.6_f64.sin_cos();
        let turned = [[cos, sin, 0.0], [-sin, cos, 0.0]];
        let flipped = [[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]];
        let mut compared = 0;
        for directions in [
            AXIAL,
            SAGITTAL,
            CORONAL,
            turned,
            flipped,
            chance.directions(),
        ] {
            let center = chance.near(body::CENTER_MM, 5.0);
            let plane = Plane::new(center, directions, 0.1);
            compared += expect_probes(&stage, &volume.parts[0], &plane, &mut chance);
        }
        println!("{} {}: {compared} probes", backend.name(), volume.name);
        assert!(compared > 60, "{compared}");
        stage.expect_no_problems();
    }
}

/// Letter of the end of a patient axis.
fn letter(direction: [f64; 3]) -> &'static str {
    let names = [["L", "R"], ["P", "A"], ["H", "F"]];
    let axis = (0..3).find(|axis| direction[*axis] != 0.0).unwrap();
    names[axis][usize::from(direction[axis] < 0.0)]
}

/// Waits for the letters at the left, right, top and bottom edge: the page follows the picture.
fn expect_letters(stage: &Stage, viewport: usize, expected: [&str; 4]) {
    let script = format!(
        "['l', 'r', 't', 'b'].map((edge) => document.querySelector('#viewport-{viewport} .ori.' + edge)?.textContent ?? '')"
    );
    wait_until_is(stage, &script, &json!(expected));
}

#[test]
fn lesson_11_letters_of_planes_are_those_of_what_is_on_screen() {
    let volume = volumes::oblique_grid(SEED).unwrap();
    let (stage, _folder) = opened(Backend::WebGl2, &volume, "");
    let standard = [
        ["R", "L", "A", "P"],
        ["A", "P", "H", "F"],
        ["R", "L", "H", "F"],
    ];
    for (viewport, expected) in standard.iter().enumerate() {
        expect_letters(&stage, viewport, *expected);
    }
    // All 24 ways to lay two of the patient's axes on rows and columns.
    let ends = [1.0, -1.0];
    let axis = |at: usize, end: f64| {
        let mut direction = [0.0; 3];
        direction[at] = end;
        direction
    };
    let mut count = 0;
    for (row_axis, column_axis) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
        for (row_end, column_end) in ends.into_iter().flat_map(|a| ends.map(|b| (a, b))) {
            let (row, column) = (axis(row_axis, row_end), axis(column_axis, column_end));
            Plane::new(body::CENTER_MM, [row, column], 0.2).values(&stage, 0, [1, 1]);
            let against = |direction: [f64; 3]| letter(direction.map(|part| -part));
            let expected = [against(row), letter(row), against(column), letter(column)];
            expect_letters(&stage, 0, expected);
            count += 1;
        }
    }
    assert_eq!(count, 24);
    // A turn of 30 degrees: the further letter comes second.
    let (sin, cos) = 30_f64.to_radians().sin_cos();
    let turned = [[cos, sin, 0.0], [-sin, cos, 0.0]];
    Plane::new(body::CENTER_MM, turned, 0.2).values(&stage, 0, [1, 1]);
    expect_letters(&stage, 0, ["RA", "LP", "AL", "PR"]);
    stage.expect_no_problems();
}

fn info(stage: &Stage, viewport: usize) -> Value {
    stage.eval(&format!("window.sagitta.viewports()[{viewport}]"))
}

#[test]
fn lesson_12_tilt_and_gaps_are_said_and_distances_are_right() {
    for (make, words) in [
        (
            volumes::tilted as Make,
            "gantry tilt of 17.0 degrees corrected",
        ),
        (
            volumes::uneven,
            "slice distance varies from 1.00 to 2.20 mm; true positions are used",
        ),
    ] {
        let volume = make(SEED).unwrap();
        for backend in Backend::ALL {
            let (stage, _folder) = opened(backend, &volume, "");
            for viewport in 0..3 {
                let notes = info(&stage, viewport)["notes"].clone();
                let notes: Vec<String> = serde_json::from_value(notes).unwrap();
                assert!(notes.iter().any(|note| note == words), "{notes:?}");
            }
            let mut read = |plane: &Plane, size| plane.values(&stage, 0, size);
            let what = format!("{} {}", backend.name(), volume.name);
            expect_spheres(&mut read, &volume.parts[0], &what);
            stage.expect_no_problems();
        }
    }
}

/// Where planes stand along their normal, in mm, after `setSlice` to each of these.
fn stops(stage: &Stage, viewport: usize, wanted: &[usize]) -> Vec<f64> {
    let planes = stage.eval(&format!(
        "(async () => {{ const found = []; for (const k of {}) {{
           await window.sagitta.setSlice({viewport}, k); const v = window.sagitta.viewports()[{viewport}];
           if (v.slice !== k) throw new Error(`slice ${{v.slice}}, not ${{k}}`);
           found.push(v.plane); }} return found; }})()",
        json!(wanted)
    ));
    let along = |plane: &Value| {
        let part =
            |name: &str| -> [f64; 3] { serde_json::from_value(plane[name].clone()).unwrap() };
        let normal = crate::through::cross(part("row"), part("column"));
        dot(part("center"), normal)
    };
    planes.as_array().unwrap().iter().map(along).collect()
}

#[test]
fn lesson_12_scrolling_stops_at_the_true_places_of_slices() {
    let wanted = [0, 1, 2, 3, 4, 5, 6, 20, 39];
    for make in [volumes::spheres as Make, volumes::uneven] {
        let volume = make(SEED).unwrap();
        let (stage, _folder) = opened(Backend::WebGl2, &volume, "");
        let lattice = &volume.parts[0].lattice;
        assert_eq!(info(&stage, 0)["slices"], lattice.size[2]);
        for (found, slice) in stops(&stage, 0, &wanted).iter().zip(wanted) {
            let expected = lattice.origins_mm[slice][2];
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
        // The other planes go from voxel to voxel: columns 0.7 mm apart, rows 0.9 mm.
        for (viewport, step) in [(1, 0.7), (2, 0.9)] {
            assert_eq!(info(&stage, viewport)["slices"], 64);
            let found = stops(&stage, viewport, &[0, 1, 2, 10]);
            for (at, steps) in found.iter().zip([0.0, 1.0, 2.0, 10.0]) {
                let off = (at - found[0] - steps * step).abs();
                assert!(off < 1e-6, "viewport {viewport}: {found:?}");
            }
        }
        stage.expect_no_problems();
    }
}

/// Keeps devices and contexts where a test can lose them.
const KEEP: &str = "(() => {
   if (window.GPUAdapter) { const request = GPUAdapter.prototype.requestDevice; window.__devices = [];
     GPUAdapter.prototype.requestDevice = async function (...args) {
       const device = await request.apply(this, args); window.__devices.push(device); return device; }; }
   const get = HTMLCanvasElement.prototype.getContext; window.__contexts = [];
   HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
     const context = get.call(this, kind, ...rest);
     if (kind === 'webgl2' && context) window.__contexts.push(context); return context; }; })()";

#[test]
fn lesson_19_planes_come_back_when_the_card_is_lost_while_a_volume_uploads() {
    let volume = volumes::spheres(SEED).unwrap();
    let folder = folder_of(&volume);
    let mut chance = Chance::new(19);
    let planes = [AXIAL, chance.directions(), chance.directions()]
        .map(|directions| Plane::new(plus(body::CENTER_MM, [1.0, 1.0, 1.0], 0.3), directions, 0.5));
    for (backend, lose) in [
        (Backend::WebGpu, "window.__devices.at(-1).destroy()"),
        (
            Backend::WebGl2,
            "window.__contexts.at(-1).getExtension('WEBGL_lose_context').loseContext()",
        ),
    ] {
        let values = |stage: &Stage| -> Vec<u32> {
            let read = |plane: &Plane| plane.values(stage, 2, [90, 90]);
            planes.iter().flat_map(read).map(f32::to_bits).collect()
        };
        let (undisturbed, _folder) = opened(backend, &volume, "");
        let expected = values(&undisturbed);
        drop(undisturbed);
        let stage = Stage::blank(backend, folder.path());
        stage.make_small();
        stage.page.init_script(KEEP).unwrap();
        stage.go("");
        // A slice takes a fifth of a second.
        let line = json!({ "offline": false, "latency": 10, "downloadThroughput": 40_000, "uploadThroughput": -1 });
        stage
            .page
            .call("Network.emulateNetworkConditions", line)
            .unwrap();
        stage.open(&volume.study_uid, &volume.series_uid);
        stage.eval("void (window.__planes = window.sagitta.setLayout('mpr'))");
        stage
            .page
            .wait_for("window.sagitta.stats().frames_loaded >= 8", 60)
            .unwrap();
        let loaded = stage.eval("window.sagitta.stats().frames_loaded");
        assert!(loaded.as_u64() < Some(40), "loading was over too soon");
        stage.eval(lose);
        stage.eval("window.__planes.then(() => window.sagitta.complete())");
        stage
            .page
            .wait_for(
                "window.sagitta.stats().notes.some((note) => note.includes('rebuilt'))",
                20,
            )
            .unwrap();
        let found = values(&stage);
        println!("{}: lost after {loaded} of 40 slices", backend.name());
        assert!(
            found == expected,
            "{}: other values came back",
            backend.name()
        );
        // Once more, with the whole volume on the card; a new device or context is asked for.
        let made = "(window.__devices ?? []).length + window.__contexts.length";
        let before = stage.eval(made);
        stage.eval(lose);
        stage
            .page
            .wait_for(&format!("{made} > {before}"), 20)
            .unwrap();
        let found = values(&stage);
        assert!(
            found == expected,
            "{}: other values, the second time",
            backend.name()
        );
        assert_eq!(stage.eval("window.sagitta.stats().backend"), backend.name());
    }
}
