//! Orthanc's own DICOMweb client searches the gateway, retrieves from it and stores into it; data sets come through byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use phantom::dicom::Encoding;
use sagitta_tests::{Gateway, Orthanc, TempFolder};
use serde_json::{Value, json};

/// Where the data set of a file begins: after the group whose length (0002,0000) says. Source: DICOM PS3.10 section 7.1.
fn data_set(file: &[u8]) -> &[u8] {
    assert_eq!(&file[128..140], b"DICM\x02\0\0\0UL\x04\0");
    let length = u32::from_le_bytes(file[140..144].try_into().unwrap());
    &file[144 + length as usize..]
}

/// A gateway that stores, and an Orthanc that knows it.
fn pair(data: &Path, store: &Path) -> (Gateway, Orthanc) {
    let store = store.to_str().unwrap();
    let gateway = Gateway::start_with(&[data], &["--store", store]).unwrap();
    gateway.wait_until_indexed(20).unwrap();
    let root = format!("{}dicomweb/", gateway.url());
    let orthanc = Orthanc::start_with(&[("sagitta", &root)]).unwrap();
    (gateway, orthanc)
}

const CLIENT: &str = "/dicom-web/servers/sagitta";

/// Files of all instances that Orthanc has.
fn files(orthanc: &Orthanc) -> Vec<Vec<u8>> {
    let all = orthanc.get("/instances").unwrap();
    let all: Vec<String> = serde_json::from_slice(&all.body).unwrap();
    all.iter()
        .map(|id| orthanc.get(&format!("/instances/{id}/file")).unwrap().body)
        .collect()
}

/// The text of an attribute in Orthanc's answers to a search.
fn text<'a>(set: &'a Value, tag: &str) -> &'a str {
    set[tag]["Value"].as_str().unwrap_or_default()
}

#[test]
fn orthancs_client_finds_and_retrieves_what_the_gateway_has() {
    let (data, store) = (
        TempFolder::new("data").unwrap(),
        TempFolder::new("store").unwrap(),
    );
    let made = phantom::three(7, Encoding::ExplicitLittle).unwrap();
    for (name, bytes) in &made {
        data.write(name, bytes).unwrap();
    }
    let (_gateway, orthanc) = pair(data.path(), store.path());
    let search = |uri: &str, arguments: Value| {
        let question = json!({ "Uri": uri, "Arguments": arguments });
        let found = orthanc.post(&format!("{CLIENT}/qido"), &question).unwrap();
        found.as_array().unwrap().clone()
    };
    let studies = search("/studies", json!({ "PatientID": "EX-THREE" }));
    let mut numbers: Vec<&str> = studies.iter().map(|set| text(set, "00080050")).collect();
    numbers.sort_unstable();
    // Of `phantom::three`: the CT, the radiograph, the ultrasound.
    assert_eq!(numbers, ["B0000001", "B0000002", "B0000003"]);
    assert!(search("/studies", json!({ "PatientID": "NOBODY" })).is_empty());
    assert_eq!(search("/series", json!({ "Modality": "CT" })).len(), 1);
    let mut count = 0;
    for study in &studies {
        let wanted = json!({
            "Resources": [{ "Study": text(study, "0020000D") }], "Synchronous": true
        });
        let said = orthanc
            .post(&format!("{CLIENT}/retrieve"), &wanted)
            .unwrap();
        let received = said["ReceivedInstancesCount"].as_str().unwrap();
        count += received.parse::<usize>().unwrap();
    }
    assert_eq!(count, made.len());
    let came = files(&orthanc);
    assert_eq!(came.len(), made.len());
    for (name, bytes) in &made {
        let is_it = |file: &Vec<u8>| data_set(file) == data_set(bytes);
        assert!(came.iter().any(is_it), "{name}");
    }
}

#[test]
fn what_orthancs_client_stores_is_in_the_gateway_byte_for_byte() {
    let (data, store) = (
        TempFolder::new("data").unwrap(),
        TempFolder::new("store").unwrap(),
    );
    let (gateway, orthanc) = pair(data.path(), store.path());
    let mut sent = BTreeMap::new();
    for (name, bytes) in phantom::small(7).unwrap() {
        sent.insert(orthanc.store(&bytes).unwrap(), (name, bytes));
    }
    let ids: Vec<&String> = sent.keys().collect();
    let wanted = json!({ "Resources": ids, "Synchronous": true });
    let said = orthanc.post(&format!("{CLIENT}/stow"), &wanted).unwrap();
    assert_eq!(said["InstancesCount"], sent.len().to_string());
    let found = gateway.get("/dicomweb/instances").unwrap();
    let found: Vec<Value> = serde_json::from_slice(&found.body).unwrap();
    assert_eq!(found.len(), sent.len());
    let mut kept = Vec::new();
    let mut waiting = vec![store.path().to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|it| it == "dcm") {
                kept.push(fs::read(path).unwrap());
            }
        }
    }
    assert_eq!(kept.len(), sent.len());
    for (name, bytes) in sent.values() {
        let is_it = |file: &Vec<u8>| data_set(file) == data_set(bytes);
        assert!(kept.iter().any(is_it), "{name}");
    }
    // And back again, as it lies there: by Orthanc's client into an Orthanc that has nothing.
    let root = format!("{}dicomweb/", gateway.url());
    let second = Orthanc::start_with(&[("sagitta", &root)]).unwrap();
    let uid = |set: &Value, tag: &str| set[tag]["Value"][0].as_str().unwrap().to_owned();
    let explicit: Vec<&Value> = (found.iter())
        .filter(|set| uid(set, "00080060") == "CT")
        .collect();
    let wanted: Vec<Value> = (explicit.iter())
        .map(|set| {
            json!({
                "Study": uid(set, "0020000D"),
                "Series": uid(set, "0020000E"),
                "Instance": uid(set, "00080018"),
            })
        })
        .collect();
    let wanted = json!({ "Resources": wanted, "Synchronous": true });
    second.post(&format!("{CLIENT}/retrieve"), &wanted).unwrap();
    let came = files(&second);
    assert!(explicit.len() >= 5 && came.len() == explicit.len());
    for file in &came {
        let is_it = |(_, bytes): &&(String, Vec<u8>)| data_set(bytes) == data_set(file);
        assert!(sent.values().any(|it| is_it(&it)));
    }
}
