//! A volume that fits neither into memory nor onto the graphics card: the same body, within the budgets.

use crate::shapes::{expect_ramp, expect_spheres};
use crate::stage::Stage;
use crate::through::{AXIAL, CORONAL, Plane, SAGITTAL, folder_of, open_volume};
use phantom::volumes::{self, Volume, body};
use sagitta_tests::{Backend, TempFolder};

const SEED: u64 = 3;
const MIB: u64 = 1 << 20;

/// Budgets of frames and of volumes, MiB: 8 of frames would be decoded, 16 of bricks be on the card.
const BUDGETS_MIB: [u64; 2] = [7, 12];

fn opened(backend: Backend, volume: &Volume) -> (Stage, TempFolder) {
    let folder = folder_of(volume);
    let stage = Stage::blank(backend, folder.path());
    stage.make_small();
    let [frames, volumes] = BUDGETS_MIB;
    stage.go(&format!("?frameBudget={frames}&volumeBudget={volumes}"));
    open_volume(&stage, volume);
    (stage, folder)
}

fn figure(stage: &Stage, name: &str) -> u64 {
    stage
        .eval(&format!("window.sagitta.stats().{name}"))
        .as_u64()
        .unwrap()
}

fn expect_budgets(stage: &Stage) {
    for (name, mib) in ["cpu_bytes", "gpu_bytes"].into_iter().zip(BUDGETS_MIB) {
        let bytes = figure(stage, name);
        assert!(bytes > 0 && bytes <= mib * MIB, "{name} is {bytes}");
    }
}

#[test]
fn lesson_01_a_volume_beyond_every_budget_is_the_body_and_each_byte_is_fetched_once() {
    let volume = volumes::packed(SEED).unwrap();
    let part = &volume.parts[0];
    let in_files: usize = volume.files.iter().map(|(_, bytes)| bytes.len()).sum();
    for backend in [Backend::WebGpu, Backend::WebGl2] {
        let what = format!("{} packed", backend.name());
        let (stage, _folder) = opened(backend, &volume);
        assert_eq!(figure(&stage, "frames_loaded"), 200);
        assert_eq!(figure(&stage, "frames_failed"), 0);
        for viewport in 0..3 {
            let mut read = |plane: &Plane, size| {
                let values = plane.values(&stage, viewport, size);
                expect_budgets(&stage);
                values
            };
            expect_ramp(&mut read, part, 3, &what);
        }
        let mut read = |plane: &Plane, size| plane.values(&stage, 0, size);
        expect_spheres(&mut read, part, &what);
        // One pass along each axis, with another place for each step.
        for (viewport, directions) in [AXIAL, SAGITTAL, CORONAL].into_iter().enumerate() {
            for step in [-15.0, -5.0, 5.0, 15.0] {
                let [row, column] = directions;
                let normal = crate::through::cross(row, column);
                let center = crate::through::plus(body::CENTER_MM, normal, step);
                let plane = Plane::new(center, directions, 0.5);
                for value in plane.values(&stage, viewport, [40, 40]) {
                    assert!(value.is_finite(), "{what} {step}");
                }
            }
        }
        expect_budgets(&stage);
        let fetched = figure(&stage, "bytes_fetched");
        println!("{what}: {fetched} bytes fetched of {in_files} in files");
        assert!(fetched * 10 <= in_files as u64 * 11, "{fetched} {in_files}");
        stage.expect_no_problems();
    }
}

/// What is not here decoded any more is decoded again for a probe.
#[test]
fn lesson_08_a_probe_of_a_volume_beyond_memory_is_its_voxel() {
    let volume = volumes::packed(SEED).unwrap();
    let part = &volume.parts[0];
    let (stage, _folder) = opened(Backend::WebGl2, &volume);
    for slice in [3, 60, 101, 190] {
        let voxel = [90, 40, slice];
        let place = part.lattice.patient_mm(voxel);
        let plane = Plane::new(place, AXIAL, 0.25);
        plane.values(&stage, 0, [1, 1]);
        let script = "(() => { const v = window.sagitta.viewports()[0];
           return window.sagitta.probe(0, v.width / 2, v.height / 2); })()";
        stage
            .page
            .wait_for(&format!("{script} !== null"), 20)
            .unwrap();
        let found = stage.eval(script);
        let [column, row, stored] =
            ["column", "row", "stored"].map(|name| found[name].as_f64().unwrap());
        // Half way between two voxels either is the nearest.
        assert!(
            (column - 90.0).abs() <= 1.0 && (row - 40.0).abs() <= 1.0,
            "{found}"
        );
        let nearest = [column.round() as usize, row.round() as usize, slice];
        assert_eq!(stored, f64::from(part.stored(nearest)), "{found}");
    }
    stage.expect_no_problems();
}
