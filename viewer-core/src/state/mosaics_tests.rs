//! Planes of a made-up mosaic whose header comes by its own address.

use crate::geometry::{Projection, Slab};
use crate::model::csa::tests::written;
use crate::model::{BulkAnswer, Series, SeriesId, Stack, Study};
use crate::state::{Action, ViewerState};
use protocol::dicomweb::json;
use std::sync::Arc;

/// Instance 1.`number`: five tiles of 2 x 2 pixels of 1 mm in 6 x 6, 3 mm apart, at z = 10.
fn mosaic(number: u32) -> String {
    format!(
        r#"{{"00080018":{{"Value":["1.{number}"]}},"00200013":{{"Value":[{number}]}},
        "00080008":{{"Value":["ORIGINAL","PRIMARY","MOSAIC"]}},"00280100":{{"Value":[16]}},
        "00280030":{{"Value":[1,1]}},"00280010":{{"Value":[6]}},"00280011":{{"Value":[6]}},
        "00200032":{{"Value":[-2,-2,10]}},"00200037":{{"Value":[1,0,0,0,1,0]}},
        "00180088":{{"Value":[3]}},"00190010":{{"Value":["SIEMENS MR HEADER"]}},
        "0019100A":{{"Value":[5]}},"0019100C":{{"Value":["{b}"]}},
        "00290010":{{"Value":["SIEMENS CSA HEADER"]}},
        "00291010":{{"vr":"OB","BulkDataURI":"header/{number}"}}}}"#,
        b = number * 500
    )
}

/// Single slices of 2 x 2 pixels.
fn slice(number: u32) -> String {
    format!(
        r#"{{"00080018":{{"Value":["2.{number}"]}},"00280100":{{"Value":[16]}},
        "00280030":{{"Value":[1,1]}},"00280010":{{"Value":[2]}},"00280011":{{"Value":[2]}},
        "00200032":{{"Value":[0,0,{number}]}},"00200037":{{"Value":[1,0,0,0,1,0]}}}}"#
    )
}

fn opened(series: &[Vec<String>]) -> ViewerState {
    let mut state = ViewerState::default();
    let studies = vec![Study::default()];
    state.apply(Action::Open { studies });
    let listed = (1_u32..).zip(series).map(|(id, sets)| {
        let sets = json::parse(&format!("[{}]", sets.join(","))).unwrap();
        Series {
            id: SeriesId(id),
            study: 0,
            uid: format!("1.2.{id}"),
            number: Some(id.into()),
            modality: "MR".into(),
            description: String::new(),
            instance_count: None,
            stack: Some(Arc::new(Stack::from_metadata(&sets))),
        }
    });
    state.apply(Action::SeriesListed(listed.collect()));
    state
}

/// Slices follow each other downwards, against row x column.
fn header() -> BulkAnswer {
    let bytes = written(&[
        ("ProtocolSliceNumber", &["0"]),
        ("SliceNormalVector", &["0.0", "0.0", "-1.0"]),
    ]);
    Ok(bytes.into())
}

fn came(state: &mut ViewerState, series: u32, address: &str, answer: BulkAnswer) {
    state.apply(Action::BulkCame {
        series: SeriesId(series),
        address: address.into(),
        answer,
    });
}

fn wanted(state: &ViewerState) -> Vec<(u32, String)> {
    let headers = state.awaited_headers();
    headers.map(|(id, at)| (id.0, at.to_owned())).collect()
}

#[test]
fn planes_follow_the_last_header_of_the_mosaics() {
    let mut state = opened(&[vec![mosaic(1), mosaic(2)]]);
    assert_eq!(wanted(&state), []);
    state.apply(Action::ShowPlanes(true));
    assert!(state.mpr.is_none() && state.refusal.is_none() && state.awaits_planes);
    let both = [(1, "header/1".to_owned()), (1, "header/2".to_owned())];
    assert_eq!(wanted(&state), both);
    came(&mut state, 1, "header/2", header());
    assert!(state.mpr.is_none());
    came(&mut state, 1, "header/1", header());
    assert!(!state.awaits_planes);
    let volumes = &state.mpr.as_ref().unwrap().volumes.volumes;
    let names: Vec<&str> = volumes.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["b 500", "b 1000"]);
    // The last tile is the lowest slice.
    for (volume, place) in volumes.iter().zip(0..) {
        assert_eq!(volume.slices, [place; 5]);
        assert_eq!(volume.tiling.as_ref().unwrap().tiles, [4, 3, 2, 1, 0]);
        assert_eq!((volume.grid.columns, volume.grid.rows), (2, 2));
        assert_eq!(volume.slice_bytes, 8);
        let first = volume.grid.patient_from_voxel(glam::DVec3::ZERO);
        assert_eq!(first.to_array(), [0.0, 0.0, -2.0]);
        let notes: Vec<String> = volume.grid.notes.iter().map(ToString::to_string).collect();
        assert_eq!(notes, ["the 5 slices are parts of one image, a mosaic"]);
    }
}

#[test]
fn a_header_that_does_not_come_is_the_reason_why_there_are_no_planes() {
    let mut state = opened(&[vec![mosaic(1)]]);
    state.apply(Action::ShowPlanes(true));
    came(&mut state, 1, "header/1", Err("status 404".into()));
    assert!(state.mpr.is_none() && !state.awaits_planes);
    let refusal = state.refusal.unwrap();
    assert!(
        refusal.contains("a mosaic of slices, and what says where they lie"),
        "{refusal}"
    );
    assert!(refusal.contains("status 404"), "{refusal}");
}

#[test]
fn planes_of_another_series_stay_until_the_headers_have_come() {
    let mut state = opened(&[(1..6).map(slice).collect(), vec![mosaic(1)]]);
    state.apply(Action::ShowPlanes(true));
    state.apply(Action::Assign {
        viewport: 0,
        series: SeriesId(2),
        slice: None,
    });
    assert_eq!(state.mpr.as_ref().unwrap().series, SeriesId(1));
    assert_eq!(wanted(&state), [(2, "header/1".to_owned())]);
    came(&mut state, 2, "header/1", header());
    assert_eq!(state.mpr.as_ref().unwrap().series, SeriesId(2));
    assert_eq!(state.refusal, None);
}

#[test]
fn planes_that_were_left_do_not_come_back_with_a_header() {
    let mut state = opened(&[vec![mosaic(1)]]);
    state.apply(Action::ShowPlanes(true));
    state.apply(Action::ShowPlanes(false));
    came(&mut state, 1, "header/1", header());
    assert!(state.mpr.is_none());
}

#[test]
fn a_mosaic_as_a_stack_has_no_slabs() {
    let mut state = opened(&[vec![mosaic(1)]]);
    came(&mut state, 1, "header/1", header());
    let slab = Slab {
        thickness_mm: 10.0,
        projection: Projection::Mip,
        step_mm: None,
    };
    state.apply(Action::SetSlab {
        viewport: 0,
        slab: Some(slab),
    });
    assert!(state.viewports[0].slab.is_none());
    assert!(state.refusal.unwrap().contains("mosaic of slices"));
}
