//! Metadata and bulk data: what is stored so is a file like any other.

use serde_json::{Value, json};

use crate::server::Answer;
use crate::stow::{House, failures, stored};

fn set(instance: &str) -> Value {
    json!({
        "00080005": { "vr": "CS", "Value": ["ISO_IR 100"] },
        "00080016": { "vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"] },
        "00080018": { "vr": "UI", "Value": [instance] },
        "00080060": { "vr": "CS", "Value": ["OT"] },
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Müller^Anna", "Ideographic": "山田^太郎" }] },
        "0020000D": { "vr": "UI", "Value": ["1.5"] },
        "0020000E": { "vr": "UI", "Value": ["1.5.2"] },
        "00200013": { "vr": "IS", "Value": [3] },
        "00280002": { "vr": "US", "Value": [1] },
        "00280004": { "vr": "CS", "Value": ["MONOCHROME2"] },
        "00280010": { "vr": "US", "Value": [2] },
        "00280011": { "vr": "US", "Value": [3] },
        "00280030": { "vr": "DS", "Value": [0.5, "0.25"] },
        "00280100": { "vr": "US", "Value": [8] },
        "00280101": { "vr": "US", "Value": [8] },
        "00280102": { "vr": "US", "Value": [7] },
        "00280103": { "vr": "US", "Value": [0] },
        "00081140": { "vr": "SQ", "Value": [{
            "00081150": { "vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"] },
            "00081155": { "vr": "UI", "Value": ["1.9"] },
        }, {}] },
        "00091001": { "vr": "OB", "InlineBinary": "AAEC" },
        "7FE00010": { "vr": "OB", "BulkDataURI": "bulk/1" },
    })
}

fn stow(house: &House, sets: &Value, location: &str, media: &str, pixels: &[u8]) -> Answer {
    let text = sets.to_string();
    let mut body = format!(
        "--b\r\nContent-Type: application/dicom+json\r\n\r\n{text}\r\n--b\r\nContent-Type: {media}\r\n\
         Content-Location: {location}\r\n\r\n"
    )
    .into_bytes();
    body.extend(pixels);
    body.extend(b"\r\n--b--");
    let outer = "multipart/related; type=\"application/dicom+json\"; boundary=b";
    house.post("/dicomweb/studies", outer, &body)
}

#[test]
fn metadata_and_bulk_data_become_a_file() {
    let house = House::new();
    let octets = "application/octet-stream";
    let answer = stow(
        &house,
        &json!([set("1.5.2.1")]),
        "bulk/1",
        octets,
        &[1, 2, 3, 4, 5, 6],
    );
    assert_eq!(answer.status, 200, "{}", answer.json());
    assert_eq!(stored(&answer.json()), ["1.5.2.1"]);
    let found = &house.server.get("/dicomweb/studies/1.5/metadata").json()[0];
    for (tag, expected) in set("1.5.2.1").as_object().unwrap() {
        let value = &found[tag];
        match tag.as_str() {
            // JSON is UTF-8, and so is the file.
            "00080005" => assert_eq!(value["Value"], json!(["ISO_IR 192"])),
            "7FE00010" => assert!(value["BulkDataURI"].is_string()),
            // A value of odd length has a byte more.
            "00091001" => assert_eq!(value["InlineBinary"], "AAECAA=="),
            "00280030" => assert_eq!(value["Value"], json!([0.5, 0.25])),
            _ => assert_eq!(value, expected, "{tag}"),
        }
    }
    let frame = "/dicomweb/studies/1.5/series/1.5.2/instances/1.5.2.1/frames/1";
    let parts = crate::files::parts(&house.server.get(frame));
    assert_eq!(parts[0].1, [1, 2, 3, 4, 5, 6]);
    // Another reader takes the file as well: dcmdump of Debian's dcmtk.
    let out = std::process::Command::new("dcmdump")
        .args(["+P", "0028,0030", "+P", "0002,0010", "+P", "0008,1155"])
        .arg(&house.files()[0])
        .output();
    if let Ok(out) = out {
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success(), "{text}");
        assert!(
            text.contains("0.5\\0.25") && text.contains("LittleEndianExplicit"),
            "{text}"
        );
        assert!(text.contains("[1.9]"), "{text}");
    }
}

#[test]
fn a_compressed_frame_becomes_a_fragment() {
    let house = House::new();
    let stream = [0xFF, 0xD8, 0xFF, 0xF7, 0xFF, 0xD9, 7];
    let media = "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80";
    let answer = stow(&house, &set("1.5.2.1"), "bulk/1", media, &stream);
    assert_eq!(answer.status, 200, "{}", answer.json());
    let frame = "/dicomweb/studies/1.5/series/1.5.2/instances/1.5.2.1/frames/1";
    let any = [(
        "Accept",
        "multipart/related; type=\"image/jls\"; transfer-syntax=*",
    )];
    let parts = crate::files::parts(&house.server.request("GET", frame, &any));
    // PS3.5 A.4: a byte more where the length is odd.
    assert_eq!(parts[0].1, [&stream[..], &[0]].concat());
    // Of several frames it is not said where they begin.
    let mut several = set("1.5.2.2");
    several["00280008"] = json!({ "vr": "IS", "Value": [2] });
    let answer = stow(&house, &several, "bulk/1", media, &stream);
    assert_eq!(failures(&answer.json()), [("1.5.2.2".to_owned(), 0xC122)]);
}

#[test]
fn metadata_without_its_values_is_not_stored_and_text_that_is_none_is_400() {
    let house = House::new();
    let octets = "application/octet-stream";
    let answer = stow(
        &house,
        &set("1.5.2.1"),
        "bulk/2",
        octets,
        &[1, 2, 3, 4, 5, 6],
    );
    assert_eq!(answer.status, 409);
    assert_eq!(failures(&answer.json()), [("1.5.2.1".to_owned(), 0xC000)]);
    let json = "application/dicom+json";
    let broken = house.post("/dicomweb/studies", json, b"{\"00080018\"");
    assert_eq!(
        (broken.status, broken.error_code()),
        (400, "metadata_invalid".into())
    );
    let none = house.post("/dicomweb/studies", json, b"[]");
    assert_eq!((none.status, none.error_code()), (400, "body_empty".into()));
    assert!(house.files().is_empty());
    let mut report = set("1.5.2.1");
    report.as_object_mut().unwrap().remove("7FE00010");
    let alone = house.post("/dicomweb/studies", json, report.to_string().as_bytes());
    assert_eq!(alone.status, 200);
    assert_eq!(house.counts(), [1, 1, 1]);
}

/// The same as [`set`], by hand as PS3.19 A.1 has it; only what is private comes with its creator.
const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
 <DicomAttribute tag="00080016" vr="UI" keyword="SOPClassUID"><Value number="1">1.2.840.10008.5.1.4.1.1.7</Value></DicomAttribute>
 <DicomAttribute tag="00080018" vr="UI" keyword="SOPInstanceUID"><Value number="1">1.5.2.1</Value></DicomAttribute>
 <DicomAttribute tag="00080060" vr="CS" keyword="Modality"><Value number="1">OT</Value></DicomAttribute>
 <DicomAttribute tag="00081140" vr="SQ" keyword="ReferencedImageSequence">
  <Item number="1">
   <DicomAttribute tag="00081150" vr="UI"><Value number="1">1.2.840.10008.5.1.4.1.1.7</Value></DicomAttribute>
   <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.9</Value></DicomAttribute>
  </Item>
  <Item number="2"/>
 </DicomAttribute>
 <DicomAttribute tag="00090010" vr="LO"><Value number="1">A &amp; B</Value></DicomAttribute>
 <DicomAttribute tag="00090001" vr="OB" privateCreator="A &amp; B"><InlineBinary>AAEC</InlineBinary></DicomAttribute>
 <DicomAttribute tag="00100010" vr="PN" keyword="PatientName"><PersonName number="1">
  <Alphabetic><FamilyName>Müller</FamilyName><GivenName>Anna</GivenName></Alphabetic>
  <Ideographic><FamilyName>山田</FamilyName><GivenName>太郎</GivenName></Ideographic>
 </PersonName></DicomAttribute>
 <DicomAttribute tag="0020000D" vr="UI"><Value number="1">1.5</Value></DicomAttribute>
 <DicomAttribute tag="0020000E" vr="UI"><Value number="1">1.5.2</Value></DicomAttribute>
 <DicomAttribute tag="00200013" vr="IS"><Value number="1">3</Value></DicomAttribute>
 <DicomAttribute tag="00280002" vr="US"><Value number="1">1</Value></DicomAttribute>
 <DicomAttribute tag="00280004" vr="CS"><Value number="1">MONOCHROME2</Value></DicomAttribute>
 <DicomAttribute tag="00280010" vr="US"><Value number="1">2</Value></DicomAttribute>
 <DicomAttribute tag="00280011" vr="US"><Value number="1">3</Value></DicomAttribute>
 <DicomAttribute tag="00280030" vr="DS"><Value number="1">0.5</Value><Value number="2">0.25</Value></DicomAttribute>
 <DicomAttribute tag="00280100" vr="US"><Value number="1">8</Value></DicomAttribute>
 <DicomAttribute tag="00280101" vr="US"><Value number="1">8</Value></DicomAttribute>
 <DicomAttribute tag="00280102" vr="US"><Value number="1">7</Value></DicomAttribute>
 <DicomAttribute tag="00280103" vr="US"><Value number="1">0</Value></DicomAttribute>
 <DicomAttribute tag="7FE00010" vr="OB"><BulkData uri="bulk/1"/></DicomAttribute>
</NativeDicomModel>
"#;

#[test]
fn metadata_in_xml_become_the_same_file_and_are_answered_in_xml() {
    let house = House::new();
    // Each data set is a part of its own.
    let second = XML.replace("1.5.2.1<", "1.5.2.2<");
    let mut body = format!(
        "--b\r\nContent-Type: application/dicom+xml\r\n\r\n{XML}\r\n--b\r\n\
         Content-Type: application/dicom+xml\r\n\r\n{second}\r\n--b\r\n\
         Content-Type: application/octet-stream\r\nContent-Location: bulk/1\r\n\r\n"
    )
    .into_bytes();
    body.extend([1, 2, 3, 4, 5, 6]);
    body.extend(b"\r\n--b--");
    let headers = [
        (
            "Content-Type",
            "multipart/related; type=\"application/dicom+xml\"; boundary=b",
        ),
        ("Accept", "application/dicom+xml"),
    ];
    let answer = crate::stow::post(&house.server, "/dicomweb/studies", &headers, &body);
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!(answer.status, 200, "{text}");
    assert_eq!(answer.header("content-type"), Some("application/dicom+xml"));
    // Referenced SOP Sequence with both; nothing failed.
    for part in [
        "<DicomAttribute tag=\"00081199\" vr=\"SQ\"",
        "<Value number=\"1\">1.5.2.1</Value>",
        "<Value number=\"1\">1.5.2.2</Value>",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("tag=\"00081198\""), "{text}");
    let all = house.server.get("/dicomweb/studies/1.5/metadata").json();
    let [found, _] = all.as_array().unwrap().as_slice() else {
        panic!("{all}");
    };
    for (tag, expected) in set("1.5.2.1").as_object().unwrap() {
        let value = &found[tag];
        match tag.as_str() {
            "00080005" => assert_eq!(value["Value"], json!(["ISO_IR 192"])),
            "7FE00010" => assert!(value["BulkDataURI"].is_string()),
            "00091001" => assert_eq!(value["InlineBinary"], "AAECAA=="),
            "00280030" => assert_eq!(value["Value"], json!([0.5, 0.25])),
            _ => assert_eq!(value, expected, "{tag}"),
        }
    }
    assert_eq!(found["00090010"]["Value"], json!(["A & B"]));
    let frame = "/dicomweb/studies/1.5/series/1.5.2/instances/1.5.2.2/frames/1";
    let parts = crate::files::parts(&house.server.get(frame));
    assert_eq!(parts[0].1, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn xml_that_is_none_of_the_model_is_400_and_other_answers_are_406() {
    let house = House::new();
    for wrong in ["", "<a/>", "{}", "<!DOCTYPE a><NativeDicomModel/>"] {
        let answer = house.post(
            "/dicomweb/studies",
            "application/dicom+xml",
            wrong.as_bytes(),
        );
        assert_eq!(
            (answer.status, answer.error_code()),
            (400, "metadata_invalid".into()),
            "{wrong}"
        );
    }
    let headers = [
        ("Content-Type", "application/dicom+xml"),
        ("Accept", "text/plain"),
    ];
    let answer = crate::stow::post(&house.server, "/dicomweb/studies", &headers, XML.as_bytes());
    assert_eq!(answer.status, 406);
    assert!(house.files().is_empty());
}
