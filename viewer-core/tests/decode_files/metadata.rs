//! Files as the DICOM JSON that a server's metadata would be, with what the model reads of it.

use dicom_core::{DataElement, VR, header::Header, value::Value};
use dicom_object::InMemDicomObject;
use protocol::dicomweb::json::Dataset;
use serde_json::{Map, json};

/// The data set without pixels and other bytes; those of private elements stand at their tags.
pub fn dataset(object: &InMemDicomObject) -> Dataset {
    Dataset::from_map(map(object))
}

fn map(object: &InMemDicomObject) -> Map<String, serde_json::Value> {
    let pairs = object.iter().filter_map(|element| {
        let tag = element.tag();
        Some((
            format!("{:04X}{:04X}", tag.group(), tag.element()),
            attribute(element)?,
        ))
    });
    pairs.collect()
}

fn attribute(element: &DataElement<InMemDicomObject, Vec<u8>>) -> Option<serde_json::Value> {
    let vr = element.vr();
    let values: Vec<serde_json::Value> = match (element.value(), vr) {
        (Value::Sequence(items), _) => (items.items().iter())
            .map(|item| json!(map(item)))
            .collect(),
        (_, VR::OB) if element.tag().group() % 2 == 1 => {
            let tag = element.tag();
            let address = format!("{:04X}{:04X}", tag.group(), tag.element());
            return Some(json!({ "vr": "OB", "BulkDataURI": address }));
        }
        (_, VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV | VR::UN | VR::AT) => return None,
        (Value::Primitive(value), VR::FL | VR::FD | VR::SS | VR::US | VR::SL | VR::UL) => value
            .to_multi_float64()
            .ok()?
            .into_iter()
            .map(|n| json!(n))
            .collect(),
        (Value::Primitive(value), _) => value
            .to_multi_str()
            .iter()
            .map(|text| json!(text))
            .collect(),
        (Value::PixelSequence(_), _) => return None,
    };
    Some(json!({ "vr": vr.to_string(), "Value": values }))
}
