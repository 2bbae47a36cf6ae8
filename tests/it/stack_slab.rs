//! Slabs on a plain stack: reached by key and field, and the values of the made-up body's own voxels.

use crate::shown::wait_until_is;
use crate::stage::Stage;
use crate::through::{AXIAL, Plane, Slab, folder_of, open_stack};
use phantom::volumes::{self, Part, body};
use sagitta_tests::Backend;
use serde_json::json;

const SEED: u64 = 3;

/// What a slab gives on a voxel's axis: of all samples behind each other, each mixed from the two slices around it.
fn expected(part: &Part, [column, row]: [usize; 2], middle_mm: f64, slab: &Slab) -> f64 {
    let heights: Vec<f64> = part.lattice.origins_mm.iter().map(|it| it[2]).collect();
    let steps = (slab.thickness_mm / 2.0 / slab.step_mm + 1e-9).floor() as i32;
    let samples: Vec<f64> = (-steps..=steps)
        .filter_map(|step| {
            let at = middle_mm + f64::from(step) * slab.step_mm;
            let above = heights.iter().position(|height| *height >= at - 1e-6)?;
            let value = |slice| part.voxel_value([column, row, slice]);
            if (heights[above] - at).abs() < 1e-6 {
                return Some(value(above));
            }
            let below = above.checked_sub(1)?;
            let weight = (at - heights[below]) / (heights[above] - heights[below]);
            Some(value(below) * (1.0 - weight) + value(above) * weight)
        })
        .collect();
    match slab.projection {
        "mip" => samples.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "minip" => samples.iter().copied().fold(f64::INFINITY, f64::min),
        _ => samples.iter().sum::<f64>() / samples.len() as f64,
    }
}

#[test]
fn slabs_of_a_stack_are_those_of_its_voxels() {
    let volume = volumes::spheres(SEED).unwrap();
    let part = &volume.parts[0];
    let folder = folder_of(&volume);
    let spacing = part.lattice.patient_mm([1, 0, 0])[0] - part.lattice.patient_mm([0, 0, 0])[0];
    for backend in Backend::ALL {
        let stage = Stage::blank(backend, folder.path());
        stage.go("");
        open_stack(&stage, &volume);
        stage.eval("window.sagitta.complete()");
        for (projection, thickness_mm, slice) in [
            ("mip", 12.0, 20),
            ("minip", 7.0, 11),
            ("mean", 20.0, 38),
            ("mip", 0.9, 3),
        ] {
            let center = part.lattice.patient_mm([32, 30, slice]);
            let slab = Slab {
                thickness_mm,
                projection,
                step_mm: 0.4,
            };
            // A pixel is as wide as a voxel: samples of the middle row lie on voxels.
            let plane = Plane {
                slab: Some(slab),
                ..Plane::new(center, AXIAL, spacing)
            };
            let values = plane.values(&stage, 0, [41, 1]);
            for (at, value) in values.iter().enumerate() {
                let expected = expected(part, [32 + at - 20, 30], center[2], &slab);
                assert!(
                    (f64::from(*value) - expected).abs() <= 1e-3 * body::RANGE,
                    "{} {projection} {at}: {value}, expected {expected}",
                    backend.name()
                );
            }
            let shown = stage.eval("window.sagitta.viewports()[0]");
            assert_eq!(shown["kind"], "stack");
            assert_eq!(shown["slice"], slice);
            assert_eq!(shown["plane"]["slab_mm"], thickness_mm, "{shown}");
        }
        // What lies askew is refused in words, and without a thickness the images come back.
        let askew = "window.sagitta.setPlane(0, { center: [0, 0, 0], row: [1, 0, 0], column: [0, 0, -1], slab_mm: 5 }).then(() => '', (error) => error.code)";
        assert_eq!(stage.eval(askew), "no_plane");
        let thin = Plane::new(part.lattice.patient_mm([32, 30, 5]), AXIAL, spacing);
        stage.eval(&format!("window.sagitta.setPlane(0, {})", thin.json()));
        let shown = stage.eval("window.sagitta.viewports()[0]");
        assert_eq!(
            (&shown["slice"], &shown["plane"]),
            (&json!(5), &json!(null))
        );
        stage.expect_no_problems();
    }
}

#[test]
fn keys_and_the_bar_make_slabs_of_images_and_reset_ends_them() {
    let volume = volumes::spheres(SEED).unwrap();
    let folder = folder_of(&volume);
    let stage = Stage::blank(Backend::WebGl2, folder.path());
    stage.go("");
    open_stack(&stage, &volume);
    let thickness = "window.sagitta.viewports()[0].plane?.slab_mm ?? 0";
    let press = |key: &str, shift: bool| {
        stage.eval(&format!(
            "document.querySelector('#viewport-0').focus(); document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', shiftKey: {shift}, bubbles: true, cancelable: true }})), null"
        ));
    };
    for expected in 1..=3 {
        press("ArrowUp", true);
        wait_until_is(&stage, thickness, &json!(expected));
    }
    press("ArrowDown", true);
    wait_until_is(&stage, thickness, &json!(2));
    // The corner says it.
    let said = "document.querySelector('#viewport-0').textContent.includes('MIP 2 mm')";
    wait_until_is(&stage, said, &json!(true));
    // The slider among the tools of the view.
    stage.eval("document.querySelector('[aria-label=\"Turn, flip, zoom, slab\"]').click(), null");
    stage
        .page
        .wait_for("document.querySelector('#slab') !== null", 10)
        .unwrap();
    stage.eval("(() => { const it = document.querySelector('#slab'); it.value = '30'; it.dispatchEvent(new InputEvent('input', { bubbles: true })); })()");
    wait_until_is(&stage, thickness, &json!(30));
    // Scrolling keeps the slab, reset ends it.
    press("Escape", false);
    press("ArrowDown", false);
    wait_until_is(&stage, thickness, &json!(30));
    press("r", false);
    wait_until_is(&stage, thickness, &json!(0));
    stage.expect_no_problems();
}
