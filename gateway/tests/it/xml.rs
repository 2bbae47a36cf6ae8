//! Metadata as XML: the same as the JSON, as another library reads it; and compressed.

use std::collections::BTreeMap;
use std::io::Read as _;

use dicom_core::value::{DataSetSequence, Value as DicomValue};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use crate::files::{ct, parts};
use crate::real_files;
use crate::server::{Answer, Server};

const XML: &str = "multipart/related; type=\"application/dicom+xml\"";

/// All values of a data set by their places; `element` gives what a private block's digits are in XML.
type Flat = BTreeMap<String, String>;

fn of_json(set: &Value, place: &str, flat: &mut Flat) {
    let set = set.as_object().unwrap();
    for (tag, element) in set {
        let number = u32::from_str_radix(tag, 16).unwrap();
        let block = format!("{:08X}", number & 0xFFFF_0000 | (number & 0xFF00) >> 8);
        let is_private = (number >> 16) % 2 == 1 && number & 0xFF00 >= 0x1000;
        let creator = set.get(&block).and_then(|it| it["Value"][0].as_str());
        let name = match creator.filter(|_| is_private) {
            Some(creator) => format!("{place}{:08X}[{creator}]", number & 0xFFFF_00FF),
            None => format!("{place}{number:08X}"),
        };
        let vr = element["vr"].as_str().unwrap();
        flat.insert(format!("{name}.vr"), vr.to_owned());
        if let Some(uri) = element["BulkDataURI"].as_str() {
            flat.insert(format!("{name}.uri"), uri.to_owned());
        }
        if let Some(text) = element["InlineBinary"].as_str() {
            flat.insert(format!("{name}.binary"), text.to_owned());
        }
        let values = element["Value"].as_array().cloned().unwrap_or_default();
        for (number, value) in (1..).zip(&values) {
            let name = format!("{name}.{number}");
            match value {
                Value::Null => {
                    flat.insert(name, String::new());
                }
                Value::Object(_) if vr == "SQ" => {
                    flat.insert(name.clone(), "item".to_owned());
                    of_json(value, &format!("{name}/"), flat);
                }
                Value::Object(groups) => {
                    flat.insert(name.clone(), String::new());
                    for (group, text) in groups {
                        let text = text.as_str().unwrap().trim_end_matches('^').to_owned();
                        flat.insert(format!("{name}.{group}"), text);
                    }
                }
                Value::String(text) => {
                    flat.insert(name, text.clone());
                }
                other => {
                    flat.insert(name, other.to_string());
                }
            }
        }
    }
}

const COMPONENTS: [&str; 5] = [
    "FamilyName",
    "GivenName",
    "MiddleName",
    "NamePrefix",
    "NameSuffix",
];

/// Reads a document of the Native DICOM Model.
fn of_xml(document: &[u8]) -> Flat {
    let text = std::str::from_utf8(document).unwrap();
    let mut reader = Reader::from_str(text);
    let mut flat = Flat::new();
    // Names of what is open, and where each puts its text.
    let mut open: Vec<(String, String)> = Vec::new();
    let attribute = |start: &BytesStart, name: &str| -> Option<String> {
        let found = start.try_get_attribute(name).unwrap()?;
        Some(unescape(&found.value).unwrap().into_owned())
    };
    let begin = |start: &BytesStart, open: &mut Vec<(String, String)>, flat: &mut Flat| {
        let name = start.name().as_ref().to_owned();
        let above = open
            .last()
            .map(|(_, place)| place.clone())
            .unwrap_or_default();
        let number = attribute(start, "number").unwrap_or_default();
        let place = match name.as_str() {
            "NativeDicomModel" => String::new(),
            "DicomAttribute" => {
                let tag = attribute(start, "tag").unwrap();
                let creator = attribute(start, "privateCreator");
                let creator = creator.map_or(String::new(), |it| format!("[{it}]"));
                let place = format!("{above}{tag}{creator}");
                flat.insert(format!("{place}.vr"), attribute(start, "vr").unwrap());
                place
            }
            "Item" => {
                flat.insert(format!("{above}.{number}"), "item".to_owned());
                format!("{above}.{number}/")
            }
            "Value" | "PersonName" => {
                flat.insert(format!("{above}.{number}"), String::new());
                format!("{above}.{number}")
            }
            "BulkData" => {
                flat.insert(format!("{above}.uri"), attribute(start, "uri").unwrap());
                above
            }
            "InlineBinary" => format!("{above}.binary"),
            "Alphabetic" | "Ideographic" | "Phonetic" => format!("{above}.{name}"),
            other => {
                assert!(COMPONENTS.contains(&other), "{other}");
                above
            }
        };
        open.push((name, place));
    };
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => begin(&start, &mut open, &mut flat),
            Event::Empty(start) => {
                begin(&start, &mut open, &mut flat);
                open.pop();
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Eof => break,
            Event::Decl(_) => {}
            event => {
                let piece = match &event {
                    Event::Text(text) => {
                        let text: &str = text;
                        text.to_owned()
                    }
                    Event::GeneralRef(reference) => {
                        let name: &str = reference;
                        unescape(&format!("&{name};")).unwrap().into_owned()
                    }
                    other => panic!("{other:?}"),
                };
                let Some((name, place)) = open.last() else {
                    assert_eq!(piece.trim(), "");
                    continue;
                };
                if let Some(at) = COMPONENTS.iter().position(|it| it == name) {
                    let text = flat.entry(place.clone()).or_default();
                    let carets = text.matches('^').count();
                    let is_begun = text.ends_with(|c| c != '^') && carets == at;
                    if !is_begun {
                        text.push_str(&"^".repeat(at - carets));
                    }
                    text.push_str(&piece);
                } else {
                    flat.entry(place.clone()).or_default().push_str(&piece);
                }
            }
        }
    }
    flat
}

fn get(server: &Server, path: &str, accept: &str) -> Answer {
    server.request("GET", path, &[("Accept", accept)])
}

/// Compares all data sets of an address; how many there are.
fn compare(server: &Server, path: &str) -> usize {
    let json = get(server, path, "application/dicom+json").json();
    let answer = get(server, path, XML);
    let kind = answer.header("content-type").unwrap();
    assert!(
        kind.starts_with("multipart/related; type=\"application/dicom+xml\""),
        "{kind}"
    );
    let documents = parts(&answer);
    let sets = json.as_array().unwrap();
    assert_eq!(sets.len(), documents.len(), "{path}");
    for (set, (kind, document)) in sets.iter().zip(&documents) {
        assert_eq!(kind, "application/dicom+xml ");
        let mut expected = Flat::new();
        of_json(set, "", &mut expected);
        let found = of_xml(document);
        for (place, value) in &expected {
            // A name may hold more than five components: the fifth has the rest.
            assert_eq!(found.get(place), Some(value), "{path} {place}");
        }
        assert_eq!(found.len(), expected.len(), "{path}");
    }
    documents.len()
}

#[test]
fn xml_says_what_json_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = ct("1", "2", 1);
    made.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    made.text(
        tags::PATIENT_NAME,
        VR::PN,
        "Yamada^Tarou^^Dr=山田^太郎=やまだ^たろう",
    );
    made.text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\\\AXIAL");
    made.text(tags::IMAGE_COMMENTS, VR::LT, "a <b> & \"c\"\r\n\td'e");
    made.put(tags::SLICE_LOCATION, VR::DS, PrimitiveValue::from("-12.50"));
    made.text(Tag(0x0029, 0x0010), VR::LO, "MAKER & SON");
    made.text(Tag(0x0029, 0x1008), VR::LO, "own");
    let binary = PrimitiveValue::U8([0u8, 1, 2, 3].as_slice().into());
    made.put(Tag(0x0029, 0x1009), VR::OB, binary);
    let mut item = InMemDicomObject::new_empty();
    item.put(DataElement::new(
        tags::REFERENCED_SOP_INSTANCE_UID,
        VR::UI,
        PrimitiveValue::from("1.2.3"),
    ));
    let items = vec![item, InMemDicomObject::new_empty()];
    made.set.put(DataElement::new(
        tags::REFERENCED_IMAGE_SEQUENCE,
        VR::SQ,
        DicomValue::from(DataSetSequence::from(items)),
    ));
    made.write(folder.path(), "a.dcm");
    ct("1", "2", 2).write(folder.path(), "b.dcm");
    let server = Server::over(folder.path());
    assert_eq!(compare(&server, "/dicomweb/studies/1/metadata"), 2);
    assert_eq!(compare(&server, "/dicomweb/studies/1/series/2/metadata"), 2);
    let one = format!("{}/metadata", made.address());
    assert_eq!(compare(&server, &one), 1);
    let text = String::from_utf8(parts(&get(&server, &one, XML))[0].1.clone()).unwrap();
    for piece in [
        "keyword=\"PatientName\"><PersonName number=\"1\"><Alphabetic><FamilyName>Yamada</FamilyName>\
         <GivenName>Tarou</GivenName><NamePrefix>Dr</NamePrefix></Alphabetic>",
        "<DicomAttribute tag=\"00290008\" vr=\"LO\" privateCreator=\"MAKER &amp; SON\">",
        "/dicomweb/local/studies/1/series/2/instances/2.1/bulk/7FE00010\"/>",
    ] {
        assert!(text.contains(piece), "{piece} is not in {text}");
    }
}

#[test]
fn xml_of_all_sample_files_says_what_json_says() {
    let Some(data) = real_files::data() else {
        return;
    };
    let server = Server::over(&data);
    let mut compared = 0;
    for [study, series, instance] in real_files::instances(&data).keys().step_by(3) {
        let path = protocol::dicomweb::path::instance_metadata(study, series, instance);
        compared += compare(&server, &format!("/dicomweb/{path}"));
    }
    println!("{compared} data sets are the same in both");
    assert!(compared > 150, "{compared}");
}

#[test]
fn metadata_come_as_the_client_likes_them_best() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let path = format!("{}/metadata", made.address());
    for (accept, expected) in [
        ("", "application/dicom+json"),
        ("*/*", "application/dicom+json"),
        ("application/dicom+json", "application/dicom+json"),
        ("application/json", "application/json"),
        (
            "application/json;q=0.5, application/dicom+json;q=0.6",
            "application/dicom+json",
        ),
        (XML, "multipart/related"),
        (
            "multipart/related; type=application/dicom+xml, application/json;q=0.9",
            "multipart/related",
        ),
    ] {
        let answer = get(&server, &path, accept);
        assert_eq!(answer.status, 200, "{accept}");
        let kind = answer.header("content-type").unwrap();
        assert_eq!(kind.split(';').next(), Some(expected), "{accept}");
    }
    for query in ["application/dicom%2Bjson", "application/dicom+json"] {
        let answer = get(&server, &format!("{path}?accept={query}"), XML);
        assert_eq!(
            answer.header("content-type"),
            Some("application/dicom+json")
        );
    }
    for accept in [
        "text/html",
        "multipart/related; type=\"image/jpeg\"",
        "application/dicom+json;q=0",
    ] {
        let answer = get(&server, &path, accept);
        assert_eq!(answer.status, 406, "{accept}");
        let message = answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(message.contains("application/dicom+json"), "{message}");
    }
}

#[test]
fn text_is_compressed_for_those_who_take_that() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let path = format!("{}/metadata", made.address());
    for accept in ["application/dicom+json", XML] {
        let plain = get(&server, &path, accept);
        assert_eq!(plain.header("content-encoding"), None);
        let ask = |codings: &str| {
            let headers = [("Accept", accept), ("Accept-Encoding", codings)];
            server.request("GET", &path, &headers)
        };
        let packed = ask("br, gzip;q=0.8");
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        assert_eq!(packed.header("etag"), plain.header("etag"));
        assert!(packed.body.len() < plain.body.len());
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..])
            .read_to_end(&mut text)
            .unwrap();
        // Boundaries of parts differ from answer to answer.
        assert_eq!(text.len(), plain.body.len());
        assert_eq!(ask("gzip;q=0").header("content-encoding"), None);
        assert_eq!(ask("br").header("content-encoding"), None);
    }
}
