//! Native DICOM Model: a data set as XML, made of its DICOM JSON.
//!
//! Both say the same, value by value. What XML cannot hold (control characters) becomes U+FFFD; an attribute without a VR
//! has UN. Source: DICOM PS3.19 A.1 (Native DICOM Model), PS3.18 F.3 (how JSON and XML correspond), XML 1.0.

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_dictionary_std::StandardDataDictionary;
use serde_json::{Map, Value};

/// Namespace of the model (PS3.19 A.1.6).
pub const NAMESPACE: &str = "http://dicom.nema.org/PS3.19/models/NativeDICOM";

/// Groups of a name, in their order (PS3.19 table A.1.5-2).
pub const GROUPS: [&str; 3] = ["Alphabetic", "Ideographic", "Phonetic"];
/// Components of a group of a name, in their order (PS3.19 table A.1.5-2).
pub const COMPONENTS: [&str; 5] = [
    "FamilyName",
    "GivenName",
    "MiddleName",
    "NamePrefix",
    "NameSuffix",
];

/// Writes a data set as one XML document, in UTF-8, its attributes in the order of their tags.
pub fn to_xml(dataset: &Map<String, Value>) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NativeDicomModel xmlns=\"{NAMESPACE}\" xml:space=\"preserve\">"
    );
    attributes(&mut out, dataset);
    out.push_str("</NativeDicomModel>\n");
    out
}

fn attributes(out: &mut String, dataset: &Map<String, Value>) {
    let mut sorted: Vec<(u32, &Value)> = dataset
        .iter()
        .filter_map(|(name, element)| Some((tag_of(name)?, element)))
        .collect();
    sorted.sort_unstable_by_key(|(tag, _)| *tag);
    for (tag, element) in sorted {
        attribute(out, dataset, tag, element);
    }
}

/// Eight hexadecimal digits.
fn tag_of(name: &str) -> Option<u32> {
    let is_tag = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_tag.then(|| u32::from_str_radix(name, 16).ok()).flatten()
}

fn attribute(out: &mut String, dataset: &Map<String, Value>, tag: u32, element: &Value) {
    let vr = element.get("vr").and_then(Value::as_str).unwrap_or("UN");
    let creator = private_creator(dataset, tag);
    // The block that a creator has reserved says nothing outside this data set: its digits are 0.
    let shown = match creator {
        Some(_) => tag & 0xFFFF_00FF,
        None => tag,
    };
    out.push_str(&format!("<DicomAttribute tag=\"{shown:08X}\" vr=\""));
    escape(out, vr);
    out.push('"');
    if let Some(keyword) = keyword(tag) {
        out.push_str(&format!(" keyword=\"{keyword}\""));
    }
    if let Some(creator) = creator {
        out.push_str(" privateCreator=\"");
        escape(out, creator);
        out.push('"');
    }
    out.push('>');
    if let Some(uri) = element.get("BulkDataURI").and_then(Value::as_str) {
        out.push_str("<BulkData uri=\"");
        escape(out, uri);
        out.push_str("\"/>");
    } else if let Some(binary) = element.get("InlineBinary").and_then(Value::as_str) {
        out.push_str("<InlineBinary>");
        escape(out, binary);
        out.push_str("</InlineBinary>");
    } else if let Some(values) = element.get("Value") {
        let values = match values {
            Value::Array(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        for (number, value) in (1..).zip(values) {
            self::value(out, vr, number, value);
        }
    }
    out.push_str("</DicomAttribute>");
}

/// The keyword of PS3.6; repeating groups have one, private attributes have none.
fn keyword(tag: u32) -> Option<&'static str> {
    let [group, element] = halves(tag);
    if !group.is_multiple_of(2) {
        return None;
    }
    let entry = StandardDataDictionary.by_tag(Tag(group, element))?;
    // Group lengths are known as such, but PS3.6 has no keyword for them.
    (element != 0 && !entry.alias().is_empty()).then(|| entry.alias())
}

fn halves(tag: u32) -> [u16; 2] {
    let [a, b, c, d] = tag.to_be_bytes();
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}

/// Who reserved the block of a private attribute (PS3.5 section 7.8.1).
fn private_creator(dataset: &Map<String, Value>, tag: u32) -> Option<&str> {
    let [group, element] = halves(tag);
    let block = element >> 8;
    if group.is_multiple_of(2) || block < 0x10 {
        return None;
    }
    let values = dataset
        .get(&format!("{group:04X}{block:04X}"))?
        .get("Value")?;
    let name = values.get(0).unwrap_or(values).as_str()?;
    (!name.is_empty()).then_some(name)
}

/// One value; an empty one keeps its place.
fn value(out: &mut String, vr: &str, number: usize, value: &Value) {
    let (name, is_name) = match vr {
        "SQ" => ("Item", false),
        "PN" => ("PersonName", true),
        _ => ("Value", false),
    };
    out.push_str(&format!("<{name} number=\"{number}\">"));
    match value {
        Value::Null => {}
        Value::Object(item) if vr == "SQ" => attributes(out, item),
        Value::Object(groups) if is_name => {
            for group in GROUPS {
                if let Some(text) = groups.get(group).and_then(Value::as_str) {
                    name_group(out, group, text);
                }
            }
        }
        Value::String(text) if is_name => {
            for (group, text) in GROUPS.iter().zip(text.split('=')) {
                name_group(out, group, text);
            }
        }
        Value::String(text) => escape(out, text),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => escape(out, &value.to_string()),
    }
    out.push_str(&format!("</{name}>"));
}

fn name_group(out: &mut String, group: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    out.push_str(&format!("<{group}>"));
    // What stands behind a fifth `^` is no component of any name: it stays in the last one.
    for (component, text) in COMPONENTS.iter().zip(text.splitn(COMPONENTS.len(), '^')) {
        if !text.is_empty() {
            out.push_str(&format!("<{component}>"));
            escape(out, text);
            out.push_str(&format!("</{component}>"));
        }
    }
    out.push_str(&format!("</{group}>"));
}

/// Text for content and for attributes. Line ends are written as references: readers would change them otherwise (XML 1.0
/// section 2.11 and 3.3.3).
fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use serde_json::json;

    /// What stands inside of the document's one element.
    fn inner(dataset: &Value) -> String {
        let text = to_xml(dataset.as_object().unwrap());
        let start = text.split_once("xml:space=\"preserve\">").unwrap().1;
        let end = start.split_once("</NativeDicomModel>").unwrap().0;
        end.to_owned()
    }

    #[test]
    fn the_document_is_of_the_models_namespace() {
        assert_eq!(
            to_xml(&Map::new()),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NativeDicomModel \
             xmlns=\"http://dicom.nema.org/PS3.19/models/NativeDICOM\" xml:space=\"preserve\">\
             </NativeDicomModel>\n"
        );
    }

    #[test]
    fn values_are_numbered_and_empty_ones_keep_their_place() {
        let set = json!({
            "00080008": {"vr": "CS", "Value": ["ORIGINAL", null, "AXIAL"]},
            "00100020": {"vr": "LO"},
            "00280010": {"vr": "US", "Value": [512]},
            "00281053": {"vr": "DS", "Value": [0.5, -1e-7]},
        });
        assert_eq!(
            inner(&set),
            "<DicomAttribute tag=\"00080008\" vr=\"CS\" keyword=\"ImageType\">\
             <Value number=\"1\">ORIGINAL</Value><Value number=\"2\"></Value>\
             <Value number=\"3\">AXIAL</Value></DicomAttribute>\
             <DicomAttribute tag=\"00100020\" vr=\"LO\" keyword=\"PatientID\"></DicomAttribute>\
             <DicomAttribute tag=\"00280010\" vr=\"US\" keyword=\"Rows\">\
             <Value number=\"1\">512</Value></DicomAttribute>\
             <DicomAttribute tag=\"00281053\" vr=\"DS\" keyword=\"RescaleSlope\">\
             <Value number=\"1\">0.5</Value><Value number=\"2\">-1e-7</Value></DicomAttribute>"
        );
    }

    /// The name of PS3.5 H.3.1, with the components of PS3.19.
    #[test]
    fn a_name_has_groups_and_components() {
        let set = json!({"00100010": {"vr": "PN", "Value": [{
            "Alphabetic": "Yamada^Tarou^^Dr^III",
            "Ideographic": "山田^太郎",
            "Phonetic": "やまだ^たろう",
        }]}});
        assert_eq!(
            inner(&set),
            "<DicomAttribute tag=\"00100010\" vr=\"PN\" keyword=\"PatientName\">\
             <PersonName number=\"1\"><Alphabetic><FamilyName>Yamada</FamilyName>\
             <GivenName>Tarou</GivenName><NamePrefix>Dr</NamePrefix><NameSuffix>III</NameSuffix>\
             </Alphabetic><Ideographic><FamilyName>山田</FamilyName><GivenName>太郎</GivenName>\
             </Ideographic><Phonetic><FamilyName>やまだ</FamilyName><GivenName>たろう</GivenName>\
             </Phonetic></PersonName></DicomAttribute>"
        );
    }

    #[test]
    fn sequences_hold_items_and_bulky_values_have_addresses() {
        let set = json!({
            "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}, {}]},
            "00282000": {"vr": "OB", "InlineBinary": "AAEC"},
            "7FE00010": {"vr": "OW", "BulkDataURI": "/a?b=1&c=2"},
        });
        assert_eq!(
            inner(&set),
            "<DicomAttribute tag=\"00081140\" vr=\"SQ\" keyword=\"ReferencedImageSequence\">\
             <Item number=\"1\"><DicomAttribute tag=\"00081155\" vr=\"UI\" \
             keyword=\"ReferencedSOPInstanceUID\"><Value number=\"1\">1.2</Value></DicomAttribute>\
             </Item><Item number=\"2\"></Item></DicomAttribute>\
             <DicomAttribute tag=\"00282000\" vr=\"OB\" keyword=\"ICCProfile\">\
             <InlineBinary>AAEC</InlineBinary></DicomAttribute>\
             <DicomAttribute tag=\"7FE00010\" vr=\"OW\" keyword=\"PixelData\">\
             <BulkData uri=\"/a?b=1&amp;c=2\"/></DicomAttribute>"
        );
    }

    /// PS3.19 table A.1.5-2: the creator is named, the digits of its block are 0.
    #[test]
    fn private_attributes_name_their_creator_and_no_keyword() {
        let set = json!({
            "00290010": {"vr": "LO", "Value": ["SIEMENS CSA \"HEADER\""]},
            "00291008": {"vr": "CS", "Value": ["IMAGE NUM 4"]},
            "00311001": {"vr": "LO", "Value": ["nobody's"]},
        });
        assert_eq!(
            inner(&set),
            "<DicomAttribute tag=\"00290010\" vr=\"LO\">\
             <Value number=\"1\">SIEMENS CSA &quot;HEADER&quot;</Value></DicomAttribute>\
             <DicomAttribute tag=\"00290008\" vr=\"CS\" \
             privateCreator=\"SIEMENS CSA &quot;HEADER&quot;\">\
             <Value number=\"1\">IMAGE NUM 4</Value></DicomAttribute>\
             <DicomAttribute tag=\"00311001\" vr=\"LO\">\
             <Value number=\"1\">nobody&apos;s</Value></DicomAttribute>"
        );
    }

    #[test]
    fn markup_line_ends_and_control_characters_do_no_harm() {
        let set = json!({"00204000": {"vr": "LT", "Value": ["a<b>&\u{1}\r\nc\u{FFFE}"]}});
        assert_eq!(
            inner(&set),
            "<DicomAttribute tag=\"00204000\" vr=\"LT\" keyword=\"ImageComments\">\
             <Value number=\"1\">a&lt;b&gt;&amp;\u{FFFD}&#13;&#10;c\u{FFFD}</Value></DicomAttribute>"
        );
        let odd =
            json!({"<x>": {"vr": "LO"}, "0010002": {"vr": "LO"}, "00100020": {"Value": "one"}});
        assert_eq!(
            inner(&odd),
            "<DicomAttribute tag=\"00100020\" vr=\"UN\" keyword=\"PatientID\">\
             <Value number=\"1\">one</Value></DicomAttribute>"
        );
    }

    #[test]
    fn repeating_groups_have_their_keyword() {
        let set = json!({"60023000": {"vr": "OW", "BulkDataURI": "x"}});
        assert!(inner(&set).contains("keyword=\"OverlayData\""));
    }
}
