//! Series that are not quite volumes, or none: gaps are seen, nothing is made up, and what cannot be said is said why.

use crate::shapes::expect_ramp;
use crate::stage::Stage;
use crate::through::{AXIAL, CORONAL, Plane, folder_of, open_stack, open_volume};
use phantom::volumes::{self, Make, Volume, body};
use sagitta_tests::{Backend, TempFolder};
use serde_json::json;

const SEED: u64 = 3;

fn opened(backend: Backend, volume: &Volume) -> (Stage, TempFolder) {
    let folder = folder_of(volume);
    let stage = Stage::list(backend, folder.path());
    stage.make_small();
    open_volume(&stage, volume);
    (stage, folder)
}

/// Notes of the viewport, each as it stands.
fn notes(stage: &Stage, viewport: usize) -> Vec<String> {
    let notes = stage.eval(&format!("window.sagitta.viewports()[{viewport}].notes"));
    serde_json::from_value(notes).unwrap()
}

#[test]
fn mpr_with_a_corrupt_slice_has_no_values_there_and_right_ones_elsewhere() {
    let volume = volumes::corrupt_slice(SEED).unwrap();
    let part = &volume.parts[0];
    let size = [60, 60];
    for backend in Backend::ALL {
        let (stage, _folder) = opened(backend, &volume);
        let stats = stage.eval("window.sagitta.stats()");
        assert_eq!(stats["frames_failed"], 1, "{stats}");
        let middle = part.lattice.patient_mm([32, 32, volumes::CORRUPT]);
        let oblique = [[0.8, 0.0, 0.6], [0.0, 1.0, 0.0]];
        for directions in [AXIAL, CORONAL, oblique] {
            let plane = Plane::new(middle, directions, 0.7);
            let values = plane.values(&stage, 1, size);
            let [mut absent, mut present] = [0; 2];
            for (at, value) in values.iter().enumerate() {
                let place = plane.place([(at % 60) as f64, (at / 60) as f64], size);
                let [column, row, slice] = part.lattice.voxel_at(place);
                let is_near = |at: f64, count: usize| at > 0.01 && at < count as f64 - 1.01;
                let [columns, rows, slices] = part.lattice.size;
                if !(is_near(column, columns) && is_near(row, rows) && is_near(slice, slices)) {
                    continue;
                }
                let apart = (slice - volumes::CORRUPT as f64).abs();
                if apart < 0.98 {
                    assert!(value.is_nan(), "{}: slice {slice}: {value}", backend.name());
                    absent += 1;
                } else if apart > 1.02 {
                    let value = f64::from(*value);
                    assert!(!value.is_nan(), "{}: slice {slice}", backend.name());
                    if part.is_plain(place) {
                        let off = (value - part.truth(place)).abs();
                        assert!(off <= 1e-3 * body::RANGE, "{value}");
                    }
                    present += 1;
                }
            }
            println!(
                "{}: {absent} samples absent, {present} present",
                backend.name()
            );
            assert!(absent > 30 && (present > 300 || directions == AXIAL));
        }
        // A probe there says nothing, too.
        let plane = Plane::new(middle, AXIAL, 0.5);
        plane.values(&stage, 0, [1, 1]);
        let probe = "(() => { const v = window.sagitta.viewports()[0]; return window.sagitta.probe(0, v.width / 2, v.height / 2); })()";
        assert_eq!(stage.eval(probe), json!(null));
    }
}

/// As stacks all of them are read: what is wrong with their places does not keep their images away.
#[test]
fn every_made_up_series_is_shown_as_a_stack() {
    let folder = TempFolder::new("all").unwrap();
    let all = volumes::SMALL.map(|make| make(SEED).unwrap());
    for volume in &all {
        for (name, bytes) in &volume.files {
            folder
                .write(&format!("{}/{name}", volume.name), bytes)
                .unwrap();
        }
    }
    let stage = Stage::list(Backend::WebGl2, folder.path());
    stage.make_small();
    for volume in &all {
        open_stack(&stage, volume);
        let stats = stage.eval("window.sagitta.complete().then(() => window.sagitta.stats())");
        let frames: usize = volume.parts.iter().map(|part| part.frames.len()).sum();
        let frames = frames + usize::from(volume.name == "duplicate-slice");
        let failed = usize::from(volume.name == "corrupt-slice");
        assert_eq!(stats["frames_failed"], failed, "{}: {stats}", volume.name);
        assert_eq!(stats["frames_loaded"], frames - failed, "{}", volume.name);
        let part = &volume.parts[0];
        let (instance, frame) = &part.frames[0];
        let stored = crate::shown::stored(&stage, instance, *frame);
        let [columns, rows, _] = part.lattice.size;
        let at = (rows / 2) * columns + columns / 3;
        let expected = part.stored([columns / 3, rows / 2, 0]);
        assert_eq!(stored[at], f64::from(expected), "{}", volume.name);
        stage.eval("window.sagitta.close()");
    }
    stage.expect_no_problems();
}

/// `setLayout('mpr')` is refused with words, and the series is shown as before.
#[test]
fn mpr_of_what_is_no_volume_is_refused_in_words() {
    let few = "at least 4 parallel slices; this series has";
    let cases: [(Make, &str); 9] = [
        (
            volumes::mixed_size,
            "of one size; this series has 9 images in 3 groups of fewer",
        ),
        (volumes::two_localisers, few),
        (volumes::one_slice, few),
        (volumes::wide, few),
        (volumes::zero_spacing, "pixel spacing"),
        (volumes::nan_spacing, "pixel spacing"),
        (
            volumes::mosaic_without_header,
            "does not say in which direction they follow (CSA header)",
        ),
        (volumes::unnormalised_orientation, "has length 2"),
        (
            volumes::skewed_orientation,
            "the cosine between row and column is 0.5",
        ),
    ];
    for (make, words) in cases {
        let volume = make(SEED).unwrap();
        let folder = folder_of(&volume);
        let stage = Stage::list(Backend::WebGl2, folder.path());
        stage.make_small();
        open_stack(&stage, &volume);
        let error = stage
            .page
            .rejection("window.sagitta.setLayout('mpr')")
            .unwrap();
        assert_eq!(error["code"], "no_volume", "{}: {error}", volume.name);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{}: {message}", volume.name);
        assert!(!message.contains("2.25."), "{message}");
        let shown =
            stage.eval("window.sagitta.setSlice(0, 0).then(() => window.sagitta.viewports()[0])");
        assert_eq!(shown["kind"], "stack", "{}", volume.name);
        assert_eq!(shown["state"], "final", "{}", volume.name);
        stage.expect_no_problems();
    }
}

#[test]
fn mpr_says_missing_and_duplicate_slices_and_keeps_places() {
    for (make, words) in [
        (
            volumes::missing_slice as Make,
            "1 slice is missing between 17 and 18",
        ),
        (
            volumes::duplicate_slice,
            "1 duplicate slice left out, of slice 13",
        ),
    ] {
        let volume = make(SEED).unwrap();
        for backend in Backend::ALL {
            let (stage, _folder) = opened(backend, &volume);
            for viewport in 0..3 {
                let notes = notes(&stage, viewport);
                assert!(notes.iter().any(|note| note == words), "{notes:?}");
            }
            let mut read = |plane: &Plane, size| plane.values(&stage, 2, size);
            let what = format!("{} {}", backend.name(), volume.name);
            expect_ramp(&mut read, &volume.parts[0], 4, &what);
            stage.expect_no_problems();
        }
    }
}

/// That of the image on screen.
#[test]
fn mpr_of_several_volumes_shows_one_of_them_whole() {
    for make in [
        volumes::mixed_spacing as Make,
        volumes::two_frames_of_reference,
        volumes::two_echoes,
        volumes::four_dimensional,
    ] {
        let volume = make(SEED).unwrap();
        let (stage, _folder) = opened(Backend::WebGl2, &volume);
        let mut read = |plane: &Plane, size| plane.values(&stage, 0, size);
        expect_ramp(&mut read, &volume.parts[0], 4, volume.name);
        stage.expect_no_problems();
    }
}

#[test]
fn mpr_of_one_column_and_row_does_no_harm() {
    let volume = volumes::thin(SEED).unwrap();
    for backend in Backend::ALL {
        let (stage, _folder) = opened(backend, &volume);
        let beside = Plane::new([80.0, 0.0, 0.0], CORONAL, 0.5).values(&stage, 2, [8, 8]);
        assert!(beside.iter().all(|value| value.is_nan()), "{beside:?}");
        assert_eq!(stage.eval("window.sagitta.viewports()[0].slices"), 40);
        stage.expect_no_problems();
    }
}

#[test]
fn mpr_of_wide_slices_is_the_body() {
    let volume = volumes::wide_stack(SEED).unwrap();
    for backend in Backend::ALL {
        let (stage, _folder) = opened(backend, &volume);
        let mut read = |plane: &Plane, size| plane.values(&stage, 0, size);
        let what = format!("{} {}", backend.name(), volume.name);
        expect_ramp(&mut read, &volume.parts[0], 4, &what);
        stage.expect_no_problems();
    }
}

#[test]
fn mpr_refuses_planes_that_are_none() {
    let volume = volumes::spheres(SEED).unwrap();
    let (stage, _folder) = opened(Backend::WebGl2, &volume);
    for plane in [
        "{ center: [0, 0, NaN], row: [1, 0, 0], column: [0, 1, 0] }",
        "{ center: [0, 0, 0], row: [2, 0, 0], column: [0, 1, 0] }",
        "{ center: [0, 0, 0], row: [1, 0, 0], column: [1, 0, 0] }",
        "{ center: [0, 0, 0], row: [1, 0, 0], column: [0, 1, 0], pixel_mm: 0 }",
        "{ center: [0, 0, 0], row: [1, 0, 0], column: [0, 1, 0], slab_mm: -1 }",
        "{ center: [0, 0, 0], row: [1, 0, 0], column: [0, 1, 0], slab_mm: 20, slab_step_mm: 0 }",
        "{ center: [0, 0, 0], row: [1, 0, 0], column: [0, 1, 0], slab_mm: 20, projection: 'most' }",
        "{}",
    ] {
        let call = format!("window.sagitta.setPlane(0, {plane})");
        let error = stage.page.rejection(&call).unwrap();
        assert_eq!(error["code"], "bad_argument", "{plane}: {error}");
    }
    for size in ["0, 4", "4, 0", "100000, 100000"] {
        let call = format!("window.sagitta.planeValues(0, {size})");
        let error = stage.page.rejection(&call).unwrap();
        assert!(error["code"].is_string(), "{size}: {error}");
    }
    stage.expect_no_problems();
}
