//! The times of series: of made-up ones as their attributes say, of a real one as pydicom finds them.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;

use protocol::dicomweb::json;
use serde_json::{Value, json};
use std::sync::Arc;
use viewer_core::model::{Instance, Series, SeriesId, Stack, Study};
use viewer_core::state::mpr::SeriesVolumes;
use viewer_core::state::{Action, ViewerState};

const SLICES: usize = 5;

/// One axial image of 4 x 4 pixels, slices 3 mm apart, with more attributes.
fn image(number: usize, slice: usize, more: &[(&str, Value)]) -> Value {
    let mut set = json!({
        "00080018": { "Value": [format!("1.{number}")] },
        "00200013": { "Value": [number] },
        "00280100": { "Value": [16] },
        "00280030": { "Value": [1, 1] },
        "00280010": { "Value": [4] },
        "00280011": { "Value": [4] },
        "00200032": { "Value": [0, 0, 3 * slice] },
        "00200037": { "Value": [1, 0, 0, 0, 1, 0] }
    });
    for (tag, value) in more {
        set[*tag] = json!({ "Value": [value] });
    }
    set
}

fn stack(sets: &[Value]) -> Stack {
    let text = Value::from(sets.to_vec()).to_string();
    Stack::from_metadata(&json::parse(&text).unwrap())
}

/// Slices inside, times outside: `of(time, slice)` are the attributes.
fn series(times: usize, of: impl Fn(usize, usize) -> Vec<(&'static str, Value)>) -> Stack {
    let mut sets = Vec::new();
    for time in 0..times {
        for slice in 0..SLICES {
            sets.push(image(sets.len() + 1, slice, &of(time, slice)));
        }
    }
    stack(&sets)
}

fn times_ms(stack: &Stack) -> Vec<Vec<Option<f64>>> {
    let axes = SeriesVolumes::of(stack).axes;
    let times = axes
        .iter()
        .map(|axis| axis.iter().map(|it| it.at_ms).collect());
    times.collect()
}

#[test]
fn phases_of_a_heart_have_their_times_after_the_r_wave() {
    // Ten phases, each slice of them a little later, as beats are not alike.
    let stack = series(10, |time, slice| {
        vec![("00181060", json!(80.0 * time as f64 + slice as f64))]
    });
    let expected: Vec<Option<f64>> = (0..10).map(|time| Some(80.0 * f64::from(time))).collect();
    assert_eq!(times_ms(&stack), [expected]);
}

#[test]
fn dynamic_images_count_from_the_first() {
    // PET by its frame reference time; MR by the time of the acquisition, over midnight.
    let pet = series(3, |time, _| {
        vec![("00541300", json!([30_000.0, 90_000.0, 180_000.0][time]))]
    });
    assert_eq!(
        times_ms(&pet),
        [[Some(0.0), Some(60_000.0), Some(150_000.0)]]
    );
    let mr = series(3, |time, _| {
        vec![
            ("00200100", json!(time + 1)),
            (
                "00080022",
                json!(["20240229", "20240229", "20240301"][time]),
            ),
            ("00080032", json!(["235950.5", "235958", "000005.5"][time])),
        ]
    });
    assert_eq!(times_ms(&mr), [[Some(0.0), Some(7_500.0), Some(15_000.0)]]);
}

#[test]
fn times_that_no_file_says_are_not_made_up() {
    let numbered = |more: Vec<(&'static str, Value)>| {
        series(4, move |time, _| {
            let mut all = more.clone();
            all.push(("00200100", json!(time + 1)));
            all
        })
    };
    assert_eq!(times_ms(&numbered(Vec::new())), [[None; 4]]);
    // One excitation is a volume only where there are as many times as the file says.
    let more = vec![("00180080", json!(2000)), ("00200105", json!(5))];
    assert_eq!(times_ms(&numbered(more)), [[None; 4]]);
    let more = vec![("00180080", json!(2000)), ("00200105", json!(4))];
    let apart = [Some(0.0), Some(2000.0), Some(4000.0), Some(6000.0)];
    assert_eq!(times_ms(&numbered(more)), [apart]);
    let more = vec![("00200110", json!(1500)), ("00180080", json!(2000))];
    let apart = [Some(0.0), Some(1500.0), Some(3000.0), Some(4500.0)];
    assert_eq!(times_ms(&numbered(more)), [apart]);
}

#[test]
fn b_values_are_an_axis_and_kinds_of_image_are_axes_of_their_own() {
    let diffusion = series(3, |time, _| vec![("00189087", json!([0, 500, 1000][time]))]);
    let axes = SeriesVolumes::of(&diffusion).axes;
    assert_eq!(axes.len(), 1);
    let b_values: Vec<Option<f64>> = axes[0].iter().map(|point| point.b_value).collect();
    assert_eq!(b_values, [Some(0.0), Some(500.0), Some(1000.0)]);
    // Magnitude and phase of three times.
    let both = series(6, |time, _| {
        vec![
            ("00080008", json!(["M", "P"][time % 2])),
            ("00200100", json!(time / 2 + 1)),
        ]
    });
    let axes = SeriesVolumes::of(&both).axes;
    let sizes: Vec<usize> = axes.iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 3]);
    // Slices at places of their own are one time, whatever their times say.
    let still = series(1, |_, slice| vec![("00181060", json!(10 * slice))]);
    assert!(SeriesVolumes::of(&still).axes.is_empty());
}

fn opened(stack: Stack) -> ViewerState {
    let mut state = ViewerState::default();
    state.apply(Action::Open {
        studies: vec![Study::default()],
    });
    let id = SeriesId(1);
    let described = r#"[{"0020000E":{"Value":["1.1"]},"00080060":{"Value":["MR"]}}]"#;
    let series = Series::from_dataset(id, 0, &json::parse(described).unwrap()[0]).unwrap();
    state.apply(Action::SeriesListed(vec![series]));
    state.apply(Action::StackReady {
        series: id,
        stack: Arc::new(stack),
    });
    state.apply(Action::Assign {
        viewport: 0,
        series: id,
        slice: Some(2),
    });
    state
}

fn shown(state: &ViewerState) -> (usize, usize, i64) {
    let viewport = &state.viewports[0];
    let time = state.time_shown(viewport).unwrap();
    let number = viewport.shown(state).unwrap().instance.number.unwrap();
    (time.index, time.points().len(), number)
}

#[test]
fn another_time_is_the_image_at_the_same_place_and_planes_stay() {
    let stack = series(4, |time, _| vec![("00200100", json!(time + 1))]);
    let mut state = opened(stack);
    // Third slice of the first time: images are numbered slice by slice, time by time.
    assert_eq!(shown(&state), (0, 4, 3));
    let set = |index| Action::SetTime { viewport: 0, index };
    state.apply(set(2));
    assert_eq!(shown(&state), (2, 4, 13));
    state.apply(set(9));
    assert_eq!(shown(&state), (2, 4, 13));
    let step = |delta| Action::StepTime { viewport: 0, delta };
    state.apply(step(2));
    assert_eq!(shown(&state), (0, 4, 3));
    state.apply(step(-1));
    assert_eq!(shown(&state), (3, 4, 18));

    state.apply(Action::ShowPlanes(true));
    let plane = |state: &ViewerState| state.viewports[0].plane.unwrap().plane;
    state.apply(Action::MoveCrosshair([1.0, 2.0, 3.0]));
    let before = plane(&state);
    state.apply(set(1));
    assert_eq!(state.time_shown(&state.viewports[0]).unwrap().index, 1);
    assert_eq!(plane(&state), before);
    let volume = state.mpr.as_ref().unwrap().volume().unwrap();
    assert_eq!(volume.slices, [5, 6, 7, 8, 9]);
}

#[test]
fn times_of_a_real_series_are_those_that_pydicom_finds() {
    let Some(folder) = decode_files::shared_data() else {
        return;
    };
    let entries = std::fs::read_dir(folder.join("mr-4d")).unwrap();
    let instances: Vec<Instance> = entries
        .map(|entry| {
            let file = decode_files::read(&entry.unwrap().path()).unwrap();
            Instance::from_dataset(&decode_files::metadata::dataset(&file.object)).unwrap()
        })
        .collect();
    let stack = Stack::from_instances(instances);
    let volumes = SeriesVolumes::of(&stack);
    let expected: Value = serde_json::from_str(include_str!("times/points.json")).unwrap();
    let found: Vec<Value> = volumes.axes[0]
        .iter()
        .map(|point| {
            let slices = volumes.volumes[point.group].slices.iter();
            let numbers: Vec<i64> = slices
                .map(|slice| stack.instance(*slice as usize).unwrap().number.unwrap())
                .collect();
            json!({ "at_ms": point.at_ms, "instance_numbers": numbers })
        })
        .collect();
    assert_eq!(volumes.axes.len(), 1);
    assert_eq!(Value::from(found), expected);
}
