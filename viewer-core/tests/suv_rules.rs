//! Standardized uptake values: what the rules give when they are worked by hand, and what a real series gives by pydicom.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;

use protocol::dicomweb::json;
use serde_json::{Value, json};
use viewer_core::decode::{Limits, decode_frame};
use viewer_core::model::Instance;
use viewer_core::model::suv::{Inputs, NoSuv, Suv, SuvKind};
use viewer_core::tools::probe::probe;

/// Fluorine 18, by PS3.3's example: 6586.2 s.
const HALF_LIFE: &str = "6586.2";

/// A man of 70 kg who was given 370 MBq at 08:10:13.8; the scan began at 10:00:00, one half life later. So 185 MBq were left, and a
/// Bq/ml is 70,000 g / 185,000,000 Bq.
fn plain() -> Value {
    json!({
        "00080021": { "vr": "DA", "Value": ["20240304"] },
        "00080022": { "vr": "DA", "Value": ["20240304"] },
        "00080031": { "vr": "TM", "Value": ["100000.000"] },
        "00080032": { "vr": "TM", "Value": ["100500"] },
        "00100040": { "vr": "CS", "Value": ["M"] },
        "00101030": { "vr": "DS", "Value": [70] },
        "00280051": { "vr": "CS", "Value": ["NORM", "DTIM", "ATTN", "SCAT", "DECY"] },
        "00540016": { "vr": "SQ", "Value": [{
            "00181072": { "vr": "TM", "Value": ["081013.800"] },
            "00181074": { "vr": "DS", "Value": [370_000_000] },
            "00181075": { "vr": "DS", "Value": [HALF_LIFE] }
        }] },
        "00541001": { "vr": "CS", "Value": ["BQML"] },
        "00541102": { "vr": "CS", "Value": ["START"] }
    })
}

const PLAIN: f64 = 70_000.0 / 185_000_000.0;

/// `plain` with elements changed; those of the radiopharmaceutical begin with its group 0018, and `null` takes one away.
fn changed(changes: &Value) -> Value {
    let mut set = plain();
    for (tag, element) in changes.as_object().unwrap() {
        let place = if tag.starts_with("001810") {
            &mut set["00540016"]["Value"][0]
        } else {
            &mut set
        };
        if element.is_null() {
            place.as_object_mut().unwrap().remove(tag);
        } else {
            place[tag] = json!({ "Value": [element] });
        }
    }
    set
}

fn suv(set: &Value) -> Result<Suv, NoSuv> {
    let text = json!([set]).to_string();
    Suv::new(&Inputs::of(&json::parse(&text).unwrap()[0]))
}

fn expect(changes: &Value, kind: SuvKind, factor: f64) {
    let (found, value) = suv(&changed(changes)).unwrap().first;
    assert_eq!(found, kind, "{changes}");
    assert!(
        (value / factor - 1.0).abs() < 1e-9,
        "{changes}: {value}, expected {factor}"
    );
}

#[test]
fn factors_of_makers_are_those_worked_by_hand() {
    use SuvKind::BodyWeight;
    // Siemens: the series says when the scan began.
    expect(&json!({}), BodyWeight, PLAIN);
    // GE, processed later: the series is younger than its images, and an element of GE's in a block that is not the first says when
    // the scan began. The dates in it may be other ones, as nobody moved them with the rest.
    let processed = json!({
        "00080031": "150000", "00090010": "SOMEBODY", "00090011": "GEMS_PETD_01",
        "0009100D": "20200101110000", "0009110D": "20240304100000.00"
    });
    expect(&processed, BodyWeight, PLAIN);
    // Siemens, processed later: nothing says when the scan began. The frame of 300 s that began at 10:05:00 holds for its average
    // activity, 149.605... s after that by the formula, which the frame reference time puts 449.605... s after the scan began.
    let constant = 2_f64.ln() / 6586.2;
    let decay = constant * 300.0;
    let average = (decay / (1.0 - (-decay).exp())).ln() / constant;
    let processed = json!({
        "00080031": "150000", "00181242": 300_000, "00541300": (300.0 + average) * 1000.0
    });
    expect(&processed, BodyWeight, PLAIN);
    // Philips: counts with a factor of their own.
    let philips = "Philips PET Private Group";
    let counts =
        json!({ "00541001": "CNTS", "70530010": philips, "70531000": 0.000_5, "70531009": 2.5 });
    expect(&counts, BodyWeight, 0.000_5);
    // Philips: that factor is not there, but the one to Bq/ml.
    let counts = json!({ "00541001": "CNTS", "70530010": philips, "70531000": 0, "70531009": 2.5 });
    expect(&counts, BodyWeight, 2.5 * PLAIN);
    // Decay is corrected to the injection: all of the dose counts.
    let admin = json!({ "00541102": "ADMIN" });
    expect(&admin, BodyWeight, 70_000.0 / 370_000_000.0);
}

#[test]
fn an_injection_days_before_has_its_date_and_one_before_midnight_may_lack_it() {
    // Zirconium 89: 78.4 h are 3 days, 6 h, 24 min, over a leap day.
    let days = json!({
        "00080031": "100000", "00080021": "20240302", "00080022": "20240302", "00181075": 282_240,
        "00181078": "20240228033600.0+0100", "00181072": "081013"
    });
    expect(&days, SuvKind::BodyWeight, PLAIN);
    let night = json!({ "00080031": "010000", "00080032": "010500", "00181072": "231013.8" });
    expect(&night, SuvKind::BodyWeight, PLAIN);
}

#[test]
fn values_that_are_normalized_already_keep_their_kind() {
    for (units, kind, expected) in [
        ("GML", json!(null), SuvKind::BodyWeight),
        ("GML", json!("BW"), SuvKind::BodyWeight),
        ("GML", json!("LBM"), SuvKind::LeanJames120),
        ("GML", json!("LBMJAMES128"), SuvKind::LeanJames),
        ("GML", json!("LBMJANMA"), SuvKind::LeanJanmahasatian),
        ("GML", json!("IBW"), SuvKind::IdealWeight),
        ("CM2ML", json!("BSA"), SuvKind::SurfaceArea),
    ] {
        // No dose is needed for it.
        expect(
            &json!({ "00541001": units, "00541006": kind, "00181074": null }),
            expected,
            1.0,
        );
    }
}

#[test]
fn lean_mass_and_surface_follow_their_formulas() {
    use SuvKind::{LeanJames, LeanJames120, LeanJanmahasatian, SurfaceArea};
    // A man of 80 kg and 1.80 m: 1.10 * 80 - 128 * (80 / 180)^2, the same with 120, 9270 * 80 / (6680 + 216 * 24.6914), and
    // 0.007184 * 80^0.425 * 180^0.725 m2. A woman of 60 kg and 1.65 m: 1.07 * 60 - 148 * (60 / 165)^2, 9270 * 60 / (8780 + 244 * 22.0386).
    for (sex, weight, size, kind, kg) in [
        ("M", 80.0, 1.80, LeanJames, 62.716_049_382_716_05),
        ("M", 80.0, 1.80, LeanJames120, 64.296_296_296_296_3),
        ("M", 80.0, 1.80, LeanJanmahasatian, 61.731_409_544_950_06),
        ("M", 80.0, 1.80, SurfaceArea, 19.964_210_222_750_45),
        ("F", 60.0, 1.65, LeanJames, 44.629_752_066_115_71),
        ("F", 60.0, 1.65, LeanJanmahasatian, 39.286_845_659_001_31),
    ] {
        let set = changed(&json!({ "00100040": sex, "00101030": weight, "00101020": size }));
        let factor = suv(&set).unwrap().factor(kind).unwrap();
        let expected = kg * 1000.0 / 185_000_000.0;
        assert!((factor / expected - 1.0).abs() < 1e-9, "{kind:?}: {factor}");
    }
}

#[test]
fn what_the_other_kinds_lack_is_named_and_the_first_stays() {
    let of = |changes: Value, kind| suv(&changed(&changes)).unwrap().factor(kind);
    let said = |changes, kind| of(changes, kind).unwrap_err().to_string();
    let size = "the patient's size is missing from the file";
    assert_eq!(said(json!({}), SuvKind::SurfaceArea), size);
    let lean = said(
        json!({ "00101020": 1.8, "00100040": "O" }),
        SuvKind::LeanJames,
    );
    assert_eq!(lean, "lean body mass is known for women and men only");
    // A size in cm.
    let size = said(json!({ "00101020": 180 }), SuvKind::LeanJames);
    assert_eq!(size, "the patient's size in the file cannot be right");
    // By James' formula 200 kg at 1.60 m would be leaner than 110 kg.
    let heavy = said(
        json!({ "00101020": 1.6, "00101030": 200 }),
        SuvKind::LeanJames,
    );
    assert!(heavy.contains("cannot be right"), "{heavy}");
    assert!(of(json!({}), SuvKind::BodyWeight).is_ok());
}

#[test]
fn lesson_21_suv_is_refused_with_the_input_that_is_missing_or_wrong() {
    for (changes, said) in [
        (
            json!({ "00541001": "PROPCNTS" }),
            "the pixels are proportional to counts, not a concentration of activity",
        ),
        (
            json!({ "00541001": "CNTS" }),
            "the pixels are counts, not a concentration of activity",
        ),
        (
            json!({ "00541001": null }),
            "the unit of the pixels is missing from the file",
        ),
        (
            json!({ "00101030": null }),
            "the patient's weight is missing from the file",
        ),
        (
            json!({ "00101030": 0 }),
            "the patient's weight is missing from the file",
        ),
        (
            json!({ "00101030": 70_000 }),
            "the patient's weight in the file cannot be right",
        ),
        (
            json!({ "00181074": null }),
            "the injected dose is missing from the file",
        ),
        // In MBq, as other objects have it.
        (
            json!({ "00181074": 370 }),
            "the injected dose in the file cannot be right",
        ),
        (
            json!({ "00181075": null }),
            "the half life is missing from the file",
        ),
        (
            json!({ "00181072": null }),
            "the time of the injection is missing from the file",
        ),
        (
            json!({ "00181072": "103000" }),
            "the time of the injection in the file cannot be right",
        ),
        (
            json!({ "00181078": "20240304103000" }),
            "the time of the injection in the file cannot be right",
        ),
        (
            json!({ "00080032": null }),
            "the time of the acquisition is missing from the file",
        ),
        (
            json!({ "00080031": "150000" }),
            "the start of the scan is missing from the file",
        ),
        (
            json!({ "00541102": null }),
            "what decay is corrected to is missing from the file",
        ),
        (
            json!({ "00541102": "NONE" }),
            "the images are not corrected for decay",
        ),
        (
            json!({ "00280051": null }),
            "what the images are corrected for is missing from the file",
        ),
        (
            json!({ "00280051": "DECY" }),
            "the images are not corrected for attenuation",
        ),
        (
            json!({ "00280051": "ATTN" }),
            "the images are not corrected for decay",
        ),
        // A factor of Philips' in somebody else's block.
        (
            json!({ "00541001": "CNTS", "70530010": "SOMEBODY", "70531000": 0.5 }),
            "the pixels are counts, not a concentration of activity",
        ),
    ] {
        let refused = suv(&changed(&changes)).map(|suv| suv.first);
        assert_eq!(refused.unwrap_err().to_string(), said, "{changes}");
    }
    let mut two = plain();
    let given = two["00540016"]["Value"].as_array_mut().unwrap();
    given.push(given[0].clone());
    assert_eq!(suv(&two).unwrap_err(), NoSuv::SeveralDoses);
}

#[test]
fn an_image_says_why_it_has_no_suv_and_others_say_nothing() {
    let notes = |changes: &Value| {
        let mut set = changed(changes);
        set["00080018"] = json!({ "Value": ["1.2"] });
        let text = json!([set]).to_string();
        let instance = Instance::from_dataset(&json::parse(&text).unwrap()[0]).unwrap();
        instance.notes(0).collect::<Vec<_>>()
    };
    let pet = "1.2.840.10008.5.1.4.1.1.128";
    let expected = "SUV is not shown: the injected dose is missing from the file";
    assert_eq!(
        notes(&json!({ "00080016": pet, "00181074": null })),
        [expected]
    );
    assert!(notes(&json!({ "00080016": pet })).is_empty());
    let ct = "1.2.840.10008.5.1.4.1.1.2";
    assert!(notes(&json!({ "00080016": ct, "00181074": null })).is_empty());
}

#[test]
fn twenty_points_of_a_real_series_are_what_pydicom_makes_of_them() {
    let Some(folder) = decode_files::shared_data() else {
        return;
    };
    let points: Value = serde_json::from_str(include_str!("suv/points.json")).unwrap();
    let points = points.as_array().unwrap();
    assert_eq!(points.len(), 20);
    for point in points {
        let name = point["file"].as_str().unwrap();
        let file = decode_files::read(&folder.join("pet").join(name)).unwrap();
        let dataset = decode_files::metadata::dataset(&file.object);
        let instance = Instance::from_dataset(&dataset).unwrap();
        let frame = decode_frame(
            &file.frames[0],
            &file.transfer_syntax,
            &file.format,
            &Limits::default(),
        )
        .unwrap();
        let at = |axis: &str| point[axis].as_f64().unwrap();
        let (column, row) = (at("column"), at("row"));
        let probed = probe(&instance, 0, column, row, |x, y, sample| {
            frame.sample(x, y, sample)
        })
        .unwrap();
        assert_eq!(probed.stored, [at("stored")], "{name}");
        assert_eq!(probed.unit, "SUVbw", "{name}");
        let suv = probed.value.unwrap();
        assert!((suv / at("suv") - 1.0).abs() < 1e-4, "{name}: {suv}");
        // The concentration stands beside it.
        assert_eq!(probed.real_world.len(), 1, "{name}");
        assert_eq!(probed.real_world[0].1, "Bq/ml", "{name}");
    }
}
