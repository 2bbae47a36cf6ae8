//! Series of several times: each is the one of its number, in stacks and in planes, and the place stays.

use crate::shapes::expect_ramp;
use crate::stage::Stage;
use crate::through::{AXIAL, CORONAL, Plane, folder_of, open_stack, open_volume};
use phantom::volumes;
use sagitta_tests::Backend;
use serde_json::json;

const SEED: u64 = 3;

#[test]
fn times_of_a_stack_are_its_images_at_one_place() {
    let volume = volumes::four_dimensional(SEED).unwrap();
    let folder = folder_of(&volume);
    let stage = Stage::list(Backend::WebGl2, folder.path());
    stage.make_small();
    open_stack(&stage, &volume);
    let at = |time: usize| {
        let set =
            format!("window.sagitta.setTime(0, {time}).then(() => window.sagitta.viewports()[0])");
        stage.eval(&set)
    };
    // Slice by slice, time by time: the fourth slice of each time.
    stage.eval("window.sagitta.setSlice(0, 3)");
    for time in [2, 0, 1] {
        let info = at(time);
        assert_eq!(info["times"], 3, "{info}");
        assert_eq!(info["time"], time, "{info}");
        let (instance, frame) = &volume.parts[time].frames[3];
        assert_eq!(info["instance"], instance.as_str(), "{info}");
        assert_eq!(info["frame"], *frame, "{info}");
        assert_eq!(info["state"], "final", "{info}");
        assert_eq!(
            info["time_points"][time]["label"],
            format!("time {} of 3", time + 1)
        );
    }
    // No file says when they were taken.
    assert_eq!(at(1)["time_points"][0]["at_ms"], json!(null));
    let refused = "window.sagitta.setTime(0, 3).then(() => 'drawn', (error) => error.code)";
    assert_eq!(stage.eval(refused), "bad_argument");
    // By key, from the last to the first, and back; and by the slider.
    for (key, time) in [("j", 2), ("j", 0), ("J", 2)] {
        stage.eval(&format!(
            "document.getElementById('viewport-0').dispatchEvent(
               new KeyboardEvent('keydown', {{ key: '{key}', shiftKey: {}, bubbles: true }}))",
            key == "J"
        ));
        let is = format!("window.sagitta.viewports()[0].time === {time}");
        stage.page.wait_for(&is, 20).unwrap();
    }
    stage.eval(
        "(() => { const slider = document.querySelector('.times input'); slider.value = '1';
           slider.dispatchEvent(new InputEvent('input', { bubbles: true })); })()",
    );
    stage
        .page
        .wait_for("window.sagitta.viewports()[0].time === 1", 20)
        .unwrap();
    let said = "document.querySelector('.times input').getAttribute('aria-valuetext')";
    stage
        .page
        .wait_for(&format!("{said} === '2 / 3'"), 20)
        .unwrap();
    stage.expect_no_problems();
}

#[test]
fn times_of_planes_are_volumes_and_the_planes_stay() {
    let volume = volumes::four_dimensional(SEED).unwrap();
    for backend in Backend::ALL {
        let folder = folder_of(&volume);
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        open_volume(&stage, &volume);
        let middle = volume.parts[0].lattice.patient_mm([30, 34, 4]);
        let plane = Plane::new(middle, CORONAL, 0.7);
        stage.eval(&format!("window.sagitta.setPlane(2, {})", plane.json()));
        for time in [1, 2, 0] {
            let info = stage.eval(&format!(
                "window.sagitta.setTime(2, {time}).then(() => window.sagitta.viewports())"
            ));
            for pane in 0..3 {
                assert_eq!(info[pane]["times"], 3, "{info}");
                assert_eq!(info[pane]["time"], time, "{info}");
            }
            let center = &info[2]["plane"]["center"];
            assert_eq!(center, &json!(middle), "{info}");
            // The ramp of each time is 100 above the one before.
            let what = format!("{} time {time}", backend.name());
            let mut read = |plane: &Plane, size| plane.values(&stage, 0, size);
            expect_ramp(&mut read, &volume.parts[time], 2, &what);
            let back = Plane::new(middle, AXIAL, 0.7);
            stage.eval(&format!("window.sagitta.setPlane(0, {})", back.json()));
            stage.eval(&format!("window.sagitta.setPlane(2, {})", plane.json()));
        }
        stage.expect_no_problems();
    }
}

#[test]
fn a_series_of_one_time_has_no_slider() {
    let volume = volumes::spheres(SEED).unwrap();
    let folder = folder_of(&volume);
    let stage = Stage::list(Backend::Cpu, folder.path());
    open_stack(&stage, &volume);
    assert_eq!(stage.eval("window.sagitta.viewports()[0].times"), 1);
    assert_eq!(stage.eval("document.querySelectorAll('.times').length"), 0);
    stage.eval("window.sagitta.setTime(0, 0)");
    let refused = "window.sagitta.setTime(0, 1).then(() => 'drawn', (error) => error.code)";
    assert_eq!(stage.eval(refused), "bad_argument");
}

#[test]
fn phases_of_a_heart_have_their_times_and_are_each_what_it_was_then() {
    let volume = volumes::heart(SEED).unwrap();
    let folder = folder_of(&volume);
    let stage = Stage::list(Backend::WebGl2, folder.path());
    stage.make_small();
    open_volume(&stage, &volume);
    let info = stage.eval("window.sagitta.viewports()[0]");
    let times: Vec<f64> = info["time_points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["at_ms"].as_f64().unwrap())
        .collect();
    let expected: Vec<f64> = (0..volumes::PHASES)
        .map(|phase| volumes::PHASE_MS * phase as f64)
        .collect();
    assert_eq!(times, expected);
    // The chamber at 15 mm from its middle: contrast while it is wide, muscle while it is narrow.
    let [x, y, z] = volume.parts[0].lattice.patient_mm([32, 32, 10]);
    let plane = Plane::new([x, y, z], AXIAL, 1.0);
    for phase in [0, 5, 9, 3] {
        stage.eval(&format!("window.sagitta.setTime(0, {phase})"));
        let values = plane.values(&stage, 0, [63, 63]);
        let part = &volume.parts[phase];
        let mut compared = 0;
        for (at, value) in values.iter().enumerate() {
            let place = plane.place([(at % 63) as f64, (at / 63) as f64], [63, 63]);
            if part.is_plain(place) {
                compared += 1;
                let off = (f64::from(*value) - part.truth(place)).abs();
                assert!(off < 0.1, "phase {phase}: {value} at {place:?}");
            }
        }
        assert!(compared > 400, "{compared}");
    }
    stage.expect_no_problems();
}
