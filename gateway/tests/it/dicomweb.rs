//! Searches and metadata.

use dicom_core::{PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use serde_json::json;

use crate::files::{ct, empty};
use crate::server::Server;

fn store() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=5 {
        ct("1.2.1", "1.2.1.1", number).write(folder.path(), &format!("deep/er/ct{number}"));
    }
    let mut mr = ct("1.2.2", "1.2.2.1", 1);
    mr.text(tags::MODALITY, VR::CS, "MR");
    mr.text(tags::PATIENT_NAME, VR::PN, "Müller^Désirée");
    mr.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    mr.text(tags::STUDY_DATE, VR::DA, "20231231");
    mr.text(tags::ACCESSION_NUMBER, VR::SH, "B9");
    mr.write(folder.path(), "mr.dcm");
    let server = Server::over(folder.path());
    (folder, server)
}

fn found(server: &Server, query: &str) -> Vec<String> {
    let answer = server.get(&format!("/dicomweb/studies?{query}"));
    assert_eq!(
        answer.status,
        200,
        "{query}: {}",
        String::from_utf8_lossy(&answer.body)
    );
    let json = answer.json();
    let studies = json.as_array().unwrap().iter();
    studies
        .map(|study| study["0020000D"]["Value"][0].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn studies_are_found_by_every_key_of_the_list() {
    let (_folder, server) = store();
    let (ct, mr) = ("1.2.1", "1.2.2");
    for (query, expected) in [
        ("", vec![ct, mr]),
        ("limit=1", vec![ct]),
        ("limit=1&offset=1", vec![mr]),
        ("offset=7", vec![]),
        ("orderby=StudyDate", vec![mr, ct]),
        ("orderby=-PatientName", vec![mr, ct]),
        ("StudyInstanceUID=1.2.2", vec![mr]),
        ("StudyInstanceUID=1.2.2,1.2.1", vec![ct, mr]),
        ("PatientName=doe*", vec![ct]),
        ("PatientName=M%C3%BCller*", vec![mr]),
        ("PatientName=muller%5Edesiree", vec![mr]),
        ("PatientName=jane&fuzzymatching=true", vec![ct]),
        ("PatientName=jane", vec![]),
        ("PatientID=P1", vec![ct, mr]),
        ("PatientID=P%3F", vec![ct, mr]),
        ("AccessionNumber=B9", vec![mr]),
        ("StudyDate=20240229", vec![ct]),
        ("StudyDate=20240101-", vec![ct]),
        ("StudyDate=-20240101", vec![mr]),
        ("StudyDate=20231231-20240229", vec![ct, mr]),
        ("StudyTime=07", vec![ct, mr]),
        ("StudyTime=0800-", vec![]),
        ("ModalitiesInStudy=MR", vec![mr]),
        ("ModalitiesInStudy=US,ct", vec![ct]),
        ("StudyDescription=*HOR*", vec![ct, mr]),
        ("00100010=doe*", vec![ct]),
        ("SeriesInstanceUID=1.2.2.1", vec![mr]),
        ("SOPInstanceUID=1.2.1.1.3", vec![ct]),
        ("Modality=CT&StudyDate=20240229", vec![ct]),
        ("PatientName=nobody", vec![]),
    ] {
        assert_eq!(found(&server, query), expected, "{query}");
    }
}

#[test]
fn a_study_says_what_it_holds_and_how_many_match_in_all() {
    let (_folder, server) = store();
    let answer = server.get("/dicomweb/local/studies?limit=1");
    assert_eq!(answer.header("x-total-count"), Some("2"));
    assert_eq!(
        answer.header("content-type"),
        Some("application/dicom+json")
    );
    let study = &answer.json()[0];
    assert_eq!(
        study["00100010"]["Value"],
        json!([{"Alphabetic": "Doe^Jane"}])
    );
    assert_eq!(study["00080061"]["Value"], json!(["CT"]));
    assert_eq!(study["00201206"]["Value"], json!([1]));
    assert_eq!(study["00201208"]["Value"], json!([5]));
    assert_eq!(
        study["00081190"]["Value"],
        json!(["/dicomweb/local/studies/1.2.1"])
    );
}

#[test]
fn series_and_instances_are_found_below_and_across_studies() {
    let (_folder, server) = store();
    let series = server.get("/dicomweb/studies/1.2.1/series").json();
    assert_eq!(series[0]["0020000E"]["Value"], json!(["1.2.1.1"]));
    assert_eq!(series[0]["00201209"]["Value"], json!([5]));
    assert_eq!(series[0]["00080060"]["Value"], json!(["CT"]));
    assert_eq!(
        server
            .get("/dicomweb/series?Modality=MR")
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let below = server
        .get("/dicomweb/studies/1.2.1/series/1.2.1.1/instances")
        .json();
    let numbers: Vec<_> = below
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["00200013"]["Value"][0])
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let one = server.get("/dicomweb/instances?SOPInstanceUID=1.2.1.1.3&includefield=PixelSpacing");
    assert_eq!(one.json()[0]["00280030"]["Value"], json!([0.5, 0.5]));
}

#[test]
fn nothing_found_is_an_empty_list_and_nonsense_is_400() {
    let (_folder, server) = store();
    assert_eq!(server.get("/dicomweb/studies/9.9/series").json(), json!([]));
    for query in [
        "StudyDate=soon",
        "limit=x",
        "Colour=red",
        "PatientName=%FF",
        "offset=-1",
    ] {
        let answer = server.get(&format!("/dicomweb/studies?{query}"));
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (400, "query_invalid"),
            "{query}"
        );
    }
}

#[test]
fn what_is_unknown_is_said_in_words() {
    let (_folder, server) = store();
    for (path, code) in [
        ("/dicomweb/north/studies", "source_unknown"),
        ("/dicomweb/studies/9.9/metadata", "study_unknown"),
        (
            "/dicomweb/studies/1.2.1/series/9/metadata",
            "series_unknown",
        ),
        (
            "/dicomweb/studies/1.2.1/series/1.2.1.1/instances/9/metadata",
            "instance_unknown",
        ),
        (
            "/dicomweb/studies/1.2.1/series/1.2.1.1/instances/9/frames/1",
            "instance_unknown",
        ),
        (
            "/dicomweb/studies/1.2.1/series/9/thumbnail",
            "series_unknown",
        ),
        ("/dicomweb/nothing", "resource_unknown"),
        ("/nothing", "not_found"),
    ] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (404, code),
            "{path}"
        );
    }
}

#[test]
fn metadata_comes_in_instance_order_without_group_2_and_with_the_transfer_syntax() {
    let (_folder, server) = store();
    let sets = server
        .get("/dicomweb/studies/1.2.1/series/1.2.1.1/metadata")
        .json();
    let sets = sets.as_array().unwrap();
    let numbers: Vec<_> = sets
        .iter()
        .map(|set| &set["00200013"]["Value"][0])
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(sets[0]["00083002"]["Value"], json!(["1.2.840.10008.1.2.1"]));
    assert!(sets.iter().all(|set| {
        !set.as_object()
            .unwrap()
            .keys()
            .any(|tag| tag.starts_with("0002"))
    }));
    let all = server.get("/dicomweb/studies/1.2.1/metadata").json();
    assert_eq!(all.as_array().unwrap().len(), 5);
}

#[test]
fn bulky_values_are_addresses_that_answer_with_the_value() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = empty("1", "2", "3");
    let value: Vec<u8> = (0..5000u32).map(|index| index.to_le_bytes()[0]).collect();
    made.put(
        Tag(0x0029, 0x1010),
        VR::OB,
        PrimitiveValue::U8(value.clone().into()),
    );
    made.put(
        Tag(0x0029, 0x1011),
        VR::OB,
        PrimitiveValue::U8(vec![1, 2].into()),
    );
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let set = &server.get(&format!("{}/metadata", made.address())).json()[0];
    assert_eq!(set["00291011"]["InlineBinary"], json!("AQI="));
    let uri = set["00291010"]["BulkDataURI"].as_str().unwrap();
    assert_eq!(
        uri,
        "/dicomweb/local/studies/1/series/2/instances/3/bulk/00291010"
    );
    assert_eq!(server.get(uri).body, value);
    assert_eq!(
        server.get(&uri.replace("1010", "1012")).error_code(),
        "bulk_unknown"
    );
}

#[test]
fn odd_uids_are_served_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let long = "1".repeat(67);
    let made = ct("3gb native/x", &long, 1);
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    assert_eq!(found(&server, ""), ["3gb native/x"]);
    assert_eq!(
        server.get(&format!("{}/metadata", made.address())).status,
        200
    );
    assert_eq!(
        server.get(&format!("{}/frames/1", made.address())).status,
        200
    );
}

#[test]
fn a_client_that_takes_no_data_sets_is_told_so() {
    let (_folder, server) = store();
    let accept = [("Accept", "image/png")];
    assert_eq!(
        server.request("GET", "/dicomweb/studies", &accept).status,
        406
    );
    let accept = [("Accept", "application/dicom+json")];
    assert_eq!(
        server.request("GET", "/dicomweb/studies", &accept).status,
        200
    );
}

/// PS3.18 section 8.9. Every route of the root is in it, read by another library.
#[test]
fn the_service_says_what_it_can_do() {
    let folder = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let document = server.get("/openapi.json").json();
    let paths = document["paths"].as_object().unwrap();
    let mut expected: Vec<&str> = paths
        .keys()
        .filter_map(|path| path.strip_prefix("/dicomweb/"))
        .filter(|path| !path.starts_with("{source}"))
        .collect();
    expected.sort_unstable();
    assert!(expected.len() > 15);
    let root = "/dicomweb";
    let answer = server.request(
        "OPTIONS",
        root,
        &[("Accept", "application/vnd.sun.wadl+xml")],
    );
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/vnd.sun.wadl+xml")
    );
    let text = String::from_utf8(answer.body).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut found, mut base) = (Vec::new(), String::new());
    loop {
        use quick_xml::events::Event;
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let value = |name: &str| {
                    let attribute = start.try_get_attribute(name).unwrap().unwrap();
                    attribute.value.into_owned()
                };
                match start.name().as_ref() {
                    "resources" => base = value("base"),
                    "resource" => found.push(value("path")),
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(base, format!("{root}/"));
    let other = server.request("OPTIONS", "/dicomweb", &[("Accept", "text/html")]);
    assert_eq!(other.status, 406);
}
