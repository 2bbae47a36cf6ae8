//! Presentation states as the standard's tables describe them.

use protocol::dicomweb::json::{self, Dataset};
use viewer_core::pixel::{ModalityLut, Presentation, ShutterShape, VoiLut, Window};

use super::super::area::{DisplayedArea, SizeMode};
use super::{Kind, PresentationState, Reference, Shown, StateError, kind, references};

fn set(attributes: &str) -> Dataset {
    let text = format!(r#"{{"00080018":{{"Value":["9.1"]}}{attributes}}}"#);
    json::parse(&text).unwrap().remove(0)
}

fn shown(instance: &str, number: u32) -> Shown<'_> {
    Shown {
        instance,
        number,
        is_signed: false,
    }
}

fn state(attributes: &str) -> Result<PresentationState, StateError> {
    PresentationState::of(&set(attributes), &shown("1.1", 1), &|_| None)
}

fn area(attributes: &str) -> Result<Option<DisplayedArea>, StateError> {
    let text = format!(r#","0070005A":{{"Value":[{{{attributes}}}]}}"#);
    state(&text).map(|state| state.area)
}

#[test]
fn states_are_known_by_their_sop_class() {
    let of = |class: &str| kind(&set(&format!(r#","00080016":{{"Value":["{class}"]}}"#)));
    assert_eq!(of("1.2.840.10008.5.1.4.1.1.11.1"), Some(Kind::Grayscale));
    assert_eq!(of("1.2.840.10008.5.1.4.1.1.11.12"), Some(Kind::Other));
    assert_eq!(of("1.2.840.10008.5.1.4.1.1.110"), None);
    assert_eq!(kind(&set("")), None);
}

#[test]
fn images_are_referenced_series_by_series() {
    let set = set(r#","00081115":{"Value":[
        {"0020000E":{"Value":["2"]},"00081140":{"Value":[
            {"00081155":{"Value":["2.1"]},"00081160":{"Value":["3","1"]}}]}},
        {"0020000E":{"Value":["4"]},"00081140":{"Value":[{"00081155":{"Value":["4.1"]}}]}}]}"#);
    let reference = |series: &str, frames: &[u32]| Reference {
        series: series.to_owned(),
        instance: format!("{series}.1"),
        frames: frames.to_vec(),
    };
    assert_eq!(
        references(&set),
        [reference("2", &[3, 1]), reference("4", &[])]
    );
}

#[test]
fn a_window_is_for_the_images_and_frames_that_it_names() {
    let set = set(r#","00283110":{"Value":[
        {"00081140":{"Value":[{"00081155":{"Value":["1.1"]},"00081160":{"Value":["2"]}}]},
         "00281050":{"Value":["10"]},"00281051":{"Value":["20"]}},
        {"00081140":{"Value":[{"00081155":{"Value":["1.1"]}}]},
         "00281050":{"Value":["30"]},"00281051":{"Value":["40"]},"00281056":{"Value":["SIGMOID"]}}]}"#);
    let voi = |instance: &str, number: u32| {
        let state = PresentationState::of(&set, &shown(instance, number), &|_| None);
        state.unwrap().voi
    };
    let window = |center: f64, width: f64| Window { center, width };
    assert_eq!(voi("1.1", 2), Some(VoiLut::Linear(window(10.0, 20.0))));
    assert_eq!(voi("1.1", 1), Some(VoiLut::Sigmoid(window(30.0, 40.0))));
    assert_eq!(voi("1.2", 1), None);
}

#[test]
fn a_state_without_a_modality_lut_has_the_identity() {
    assert_eq!(state("").unwrap().modality, ModalityLut::IDENTITY);
    let rescale = r#","00281053":{"Value":["2"]},"00281052":{"Value":["-10"]}"#;
    let expected = ModalityLut::Rescale {
        slope: 2.0,
        intercept: -10.0,
    };
    assert_eq!(state(rescale).unwrap().modality, expected);
    let half = r#","00281053":{"Value":["2"]}"#;
    let error = StateError::Unusable { what: "rescale" };
    assert_eq!(state(half), Err(error));
}

#[test]
fn tables_are_read_from_the_file_where_the_metadata_leave_them_out() {
    let set = set(r#","00283000":{"Value":[
        {"00283002":{"Value":[3,5,8]},"00283006":{"BulkDataURI":"00283000.0.00283006"}}]}"#);
    let value = |path: &str| (path == "00283000.0.00283006").then(|| vec![10, 0, 20, 0, 30, 0]);
    let found = PresentationState::of(&set, &shown("1.1", 1), &value).unwrap();
    assert_eq!(found.modality.apply(6.0), 20.0);
    let error = PresentationState::of(&set, &shown("1.1", 1), &|_| None);
    let what = "Modality LUT";
    assert_eq!(error, Err(StateError::Unusable { what }));
}

#[test]
fn polarity_is_what_the_state_says() {
    let shape = |shape: &str| state(&format!(r#","20500020":{{"Value":["{shape}"]}}"#));
    assert_eq!(
        shape("IDENTITY").unwrap().presentation,
        Presentation::Identity
    );
    assert_eq!(
        shape("INVERSE").unwrap().presentation,
        Presentation::Inverse
    );
    assert!(shape("LIN OD").is_err());
    let table =
        r#","20500010":{"Value":[{"00283002":{"Value":[2,0,8]},"00283006":{"Value":[255,51]}}]}"#;
    let found = state(table).unwrap().presentation;
    assert_eq!([found.apply(0.0), found.apply(1.0)], [1.0, 0.2]);
}

#[test]
fn rotation_is_by_quarter_turns() {
    for (degrees, expected) in [(0, 0), (90, 1), (180, 2), (270, 3), (360, 0)] {
        let text = format!(r#","00700042":{{"Value":[{degrees}]}},"00700041":{{"Value":["Y"]}}"#);
        let found = state(&text).unwrap().transformation;
        assert_eq!((found.quarter_turns, found.is_flipped), (expected, true));
    }
    assert!(state(r#","00700042":{"Value":[45]}"#).is_err());
    assert!(state(r#","00700041":{"Value":["X"]}"#).is_err());
    assert_eq!(state("").unwrap().transformation.quarter_turns, 0);
}

#[test]
fn a_displayed_area_counts_pixels_from_one_and_holds_both_corners() {
    let inside = area(
        r#""00700052":{"Value":[2,3]},"00700053":{"Value":[5,9]},"00700100":{"Value":["SCALE TO FIT"]},
        "00700101":{"Value":["2","1"]}"#,
    );
    let expected = DisplayedArea {
        start: [1.0, 2.0],
        size: [4.0, 7.0],
        pixel_width_over_height: Some(0.5),
        mode: SizeMode::ScaleToFit,
    };
    assert_eq!(inside, Ok(Some(expected)));
    // Of an image that is turned by 90 degrees the first row that is seen is the first column; it begins outside.
    let turned = area(
        r#""00700052":{"Value":[-1,9]},"00700053":{"Value":[5,3]},"00700100":{"Value":["MAGNIFY"]},
        "00700103":{"Value":[2.5]},"00700102":{"Value":["1","2"]}"#,
    );
    let expected = DisplayedArea {
        start: [-2.0, 2.0],
        size: [7.0, 7.0],
        pixel_width_over_height: Some(2.0),
        mode: SizeMode::Magnify(2.5),
    };
    assert_eq!(turned, Ok(Some(expected)));
    for bad in [
        r#""00700052":{"Value":[1,1]}"#,
        r#""00700052":{"Value":[1,1]},"00700053":{"Value":[2000000000,1]}"#,
        r#""00700052":{"Value":[1,1]},"00700053":{"Value":[2,2]},"00700100":{"Value":["MAGNIFY"]}"#,
        r#""00700052":{"Value":[1,1]},"00700053":{"Value":[2,2]},"00700101":{"Value":["0","1"]}"#,
    ] {
        assert!(area(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_is_not_drawn_is_said() {
    let notes = |attributes: &str| {
        let whole = r#","20500020":{"Value":["IDENTITY"]},"0070005A":{"Value":[
            {"00700052":{"Value":[1,1]},"00700053":{"Value":[4,4]}}]}"#;
        state(&format!("{whole}{attributes}")).unwrap().notes
    };
    assert!(notes("").is_empty());
    let layer = r#","60021001":{"Value":["OVERLAYS"]}"#;
    let expected = "the overlays of the presentation state are not drawn";
    assert_eq!(notes(layer), [expected]);
    let expected = "the bitmap shutter of the presentation state is not drawn";
    assert_eq!(notes(r#","00181600":{"Value":["BITMAP"]}"#), [expected]);
    let mask = r#","00286100":{"Value":[{"00286101":{"Value":["AVG_SUB"]}}]}"#;
    assert_eq!(state(mask), Err(StateError::Mask));
}

#[test]
fn shutters_are_applied_together() {
    let found = state(
        r#","00181600":{"Value":["RECTANGULAR","CIRCULAR"]},"00181602":{"Value":["1"]},
        "00181604":{"Value":["3"]},"00181606":{"Value":["1"]},"00181608":{"Value":["2"]},
        "00181610":{"Value":["2","2"]},"00181612":{"Value":["1"]},"00181622":{"Value":[65535]}"#,
    );
    let shutter = found.unwrap().shutter.unwrap();
    assert_eq!((shutter.shapes.len(), shutter.level), (2, 255));
    let circle = ShutterShape::Circle {
        center: [2.0, 2.0],
        radius: 1.0,
    };
    assert_eq!(shutter.shapes[1], circle);
}
