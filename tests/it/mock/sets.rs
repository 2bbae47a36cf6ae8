//! Data sets of the server's only study, written here by PS3.18 Annex F and then bent as a quirk wants it.

use super::{INSTANCES, Question, Quirk, made};
use crate::made::Made;
use serde_json::{Map, Value, json};

/// Studies of a server that passes over limits: more than a page of any list.
pub const MANY: usize = 130;

fn text(vr: &str, value: &str) -> Value {
    json!({ "vr": vr, "Value": [value] })
}

fn number(vr: &str, value: impl Into<Value>) -> Value {
    json!({ "vr": vr, "Value": [value.into()] })
}

fn study_of(quirk: Quirk, made: &Made) -> Value {
    if quirk == Quirk::AttributesMissing {
        return json!({ "0020000D": text("UI", &made.study_uid()) });
    }
    json!({
        "00080020": text("DA", &made.date),
        "00080030": text("TM", "080000"),
        "00080050": text("SH", &made.accession),
        "00080061": text("CS", made.modality),
        "00081030": text("LO", &made.study_description),
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": made.name }] },
        "00100020": text("LO", &made.id),
        "0020000D": text("UI", &made.study_uid()),
    })
}

/// All studies.
pub fn studies(question: &Question<'_>) -> Vec<Value> {
    let count = if question.quirk == Quirk::LimitIgnored {
        MANY
    } else {
        1
    };
    let wanted = question.query.split('&').find_map(|pair| {
        let value = pair.strip_prefix("StudyInstanceUID=")?;
        Some(value.to_owned())
    });
    (1..=count)
        .map(Made::of_study)
        .filter(|made| wanted.as_ref().is_none_or(|uid| *uid == made.study_uid()))
        .map(|made| study_of(question.quirk, &made))
        .collect()
}

/// The series.
pub fn series(question: &Question<'_>) -> Vec<Value> {
    let made = made(question.quirk, 1);
    let mut set = study_of(question.quirk, &made);
    set["0020000E"] = text("UI", &made.series_uid());
    if question.quirk != Quirk::AttributesMissing {
        set["00080060"] = text("CS", made.modality);
        set["0008103E"] = text("LO", &made.series_description);
        set["00200011"] = number("IS", made.series);
    }
    vec![set]
}

/// Its instances, as a search finds them.
pub fn instances(question: &Question<'_>) -> Vec<Value> {
    let all = (1..=INSTANCES).map(|instance| {
        let made = made(question.quirk, instance);
        json!({
            "0020000D": text("UI", &made.study_uid()),
            "0020000E": text("UI", &made.series_uid()),
            "00080018": text("UI", &format!("{}.{instance}", made.series_uid())),
        })
    });
    all.collect()
}

/// Their metadata.
pub fn metadata(question: &Question<'_>) -> Vec<Value> {
    let all = (1..=INSTANCES).map(|instance| made(question.quirk, instance));
    all.map(|made| of_instance(question, &made)).collect()
}

/// Metadata of an instance.
pub fn of_instance(question: &Question<'_>, made: &Made) -> Value {
    let mut set = study_of(question.quirk, made);
    let (rows, columns, allocated, bits) = match &made.coded {
        Some(coded) => (coded.rows, coded.columns, 16, coded.bits),
        None => (8, 8, 8, 8),
    };
    for (tag, value) in [
        ("00080016", text("UI", "1.2.840.10008.5.1.4.1.1.7")),
        (
            "00080018",
            text("UI", &format!("{}.{}", made.series_uid(), made.instance)),
        ),
        ("0020000E", text("UI", &made.series_uid())),
        ("00280002", number("US", 1)),
        ("00280004", text("CS", "MONOCHROME2")),
        ("00280010", number("US", rows)),
        ("00280011", number("US", columns)),
        ("00280100", number("US", allocated)),
        ("00280101", number("US", bits)),
        ("00280102", number("US", bits - 1)),
        ("00280103", number("US", 0)),
    ] {
        set[tag] = value;
    }
    if question.quirk != Quirk::AttributesMissing {
        set["00080060"] = text("CS", made.modality);
        set["00200011"] = number("IS", made.series);
        set["00200013"] = number("IS", made.instance);
    }
    if made.grey.is_some() {
        set["00281050"] = number("DS", 128);
        set["00281051"] = number("DS", 256);
    }
    let series = format!("studies/{}/series/{}", made.study_uid(), made.series_uid());
    if let Some(address) = question.quirk.table(
        question.host,
        &question.root,
        &series,
        question.path.contains("/instances/"),
    ) {
        let item = json!({
            "00283002": { "vr": "US", "Value": [256, 0, 16] },
            "00283004": text("LO", "US"),
            "00283006": { "vr": "OW", "BulkDataURI": address },
        });
        set["00283000"] = json!({ "vr": "SQ", "Value": [item] });
    }
    if question.quirk == Quirk::NumbersAsBulk {
        for tag in ["00280030", "00181164", "00200032", "00200037"] {
            set[tag] = json!({ "vr": "DS", "BulkDataURI": format!("bulk/{tag}") });
        }
    }
    set
}

/// A Modality LUT that turns black and white round: `255 - value`, words of 16 bits in little endian (PS3.3 C.11.1.1).
pub fn table() -> Vec<u8> {
    (0..256_u16)
        .flat_map(|value| (255 - value).to_le_bytes())
        .collect()
}

/// A data set as a quirk wants it, in all depths.
pub fn bent(quirk: Quirk, set: Value) -> Value {
    let Value::Object(attributes) = set else {
        return set;
    };
    let bend = |element: Value| {
        let Value::Object(mut element) = element else {
            return element;
        };
        if quirk == Quirk::WithoutVr {
            element.remove("vr");
        }
        if let Some(Value::Array(values)) = element.remove("Value") {
            let mut values: Vec<Value> = values.into_iter().map(|it| bent(quirk, it)).collect();
            let value = match values.as_mut_slice() {
                [one] if quirk == Quirk::ValueNotAList => one.take(),
                _ => Value::Array(values),
            };
            element.insert("Value".to_owned(), value);
        }
        Value::Object(element)
    };
    let is_group = |name: &str| name == "Alphabetic";
    let bent: Map<String, Value> = attributes
        .into_iter()
        .map(|(name, element)| match is_group(&name) {
            true => (name, element),
            false => (name, bend(element)),
        })
        .collect();
    Value::Object(bent)
}
