//! What the gateway writes, as dicom3tools' dciodvfy sees it: whole instances in another transfer syntax and files made of metadata
//! have no fault that what they were made of did not have.

use base64::Engine as _;
use sagitta_tests::{Answer, Gateway, TempFolder};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

const STORED: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
const EXPLICIT: &str =
    "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1";
const OCTETS: &str =
    "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1";

/// What is against the definition of the object (PS3.3), in words of the validator.
fn faults(file: &[u8]) -> BTreeSet<String> {
    let folder = TempFolder::new("valid").unwrap();
    let path = folder.write("file.dcm", file).unwrap();
    let out = Command::new("dciodvfy")
        .arg(path)
        .output()
        .expect("dciodvfy is missing: cargo xtask test installs it");
    let said = [out.stdout, out.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    // It names the object that it takes the file for, or says that it knows none.
    assert!(!said.is_empty());
    said.lines()
        .filter(|line| line.starts_with("Error"))
        .map(str::to_owned)
        .collect()
}

/// The body of the only part of an answer.
fn part(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let find = |what: &[u8]| {
        let mut places = answer.body.windows(what.len());
        places.position(|place| place == what).unwrap()
    };
    let begin = find(b"\r\n\r\n") + 4;
    let last = answer.body.windows(4).rposition(|it| it == b"\r\n--");
    answer.body[begin..last.unwrap()].to_vec()
}

fn uid(set: &Value, tag: &str) -> String {
    set[tag]["Value"][0].as_str().unwrap().to_owned()
}

/// Paths of all instances.
fn instances(gateway: &Gateway) -> Vec<String> {
    let found = gateway.get("/dicomweb/instances?limit=500").unwrap();
    let found: Value = serde_json::from_slice(&found.body).unwrap();
    let path = |set: &Value| {
        let [study, series, instance] =
            ["0020000D", "0020000E", "00080018"].map(|tag| uid(set, tag));
        format!("/dicomweb/studies/{study}/series/{series}/instances/{instance}")
    };
    found.as_array().unwrap().iter().map(path).collect()
}

#[test]
fn what_is_given_in_another_transfer_syntax_is_as_valid_as_what_is_stored() {
    let made = crate::dicomweb_client::made_up();
    let gateway = Gateway::start(&[made.path()]).unwrap();
    gateway.wait_until_indexed(20).unwrap();
    let (mut compared, mut without_fault) = (0, 0);
    for path in instances(&gateway) {
        let get = |accept| {
            gateway
                .request("GET", &path, &[("accept", accept)])
                .unwrap()
        };
        let given = get(EXPLICIT);
        if given.status == 406 {
            continue;
        }
        let (stored, given) = (faults(&part(&get(STORED))), faults(&part(&given)));
        let new: Vec<_> = given.difference(&stored).collect();
        assert!(new.is_empty(), "{path}: {new:?}");
        compared += 1;
        without_fault += usize::from(given.is_empty());
    }
    println!("{compared} instances, {without_fault} of them without any fault");
    assert!(compared >= 20 && without_fault >= 10);
}

#[test]
fn a_file_made_of_metadata_is_as_valid_as_the_one_that_they_are_of() {
    let made = crate::dicomweb_client::made_up();
    let store = TempFolder::new("store").unwrap();
    let more = ["--store", store.path().to_str().unwrap()];
    let gateway = Gateway::start_with(&[made.path()], &more).unwrap();
    gateway.wait_until_indexed(20).unwrap();
    let mut compared = 0;
    for (number, path) in instances(&gateway).into_iter().enumerate() {
        let pixels = gateway
            .request("GET", &format!("{path}/frames/1"), &[("accept", OCTETS)])
            .unwrap();
        let metadata = gateway.get(&format!("{path}/metadata")).unwrap();
        let mut sets: Value = serde_json::from_slice(&metadata.body).unwrap();
        let has_one_frame = sets[0]["00280008"].is_null();
        if pixels.status != 200 || !has_one_frame || sets[0]["7FE00010"].is_null() {
            continue;
        }
        let instance = format!("2.25.{}", 1000 + number);
        sets[0]["00080018"]["Value"] = json!([instance]);
        let inline = base64::engine::general_purpose::STANDARD.encode(part(&pixels));
        sets[0]["7FE00010"] = json!({ "vr": sets[0]["7FE00010"]["vr"], "InlineBinary": inline });
        let answer = gateway
            .post(
                "/dicomweb/studies",
                "application/dicom+json",
                &[("accept", "application/dicom+json")],
                &sets.to_string(),
            )
            .unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let (series, _) = path.rsplit_once('/').unwrap();
        let get = |path: &str| gateway.request("GET", path, &[("accept", STORED)]).unwrap();
        let from = faults(&part(&get(&path)));
        let to = faults(&part(&get(&format!("{series}/{instance}"))));
        let new: Vec<_> = to.difference(&from).collect();
        assert!(new.is_empty(), "{path}: {new:?}");
        compared += 1;
    }
    println!("{compared} instances");
    assert!(compared >= 10);
}

#[test]
fn the_validator_finds_what_is_missing() {
    let small = phantom::small(1).unwrap();
    let (_, whole) = small
        .into_iter()
        .find(|(name, _)| name == "ct/1.dcm")
        .unwrap();
    assert_eq!(faults(&whole), BTreeSet::new());
    // Rows (0028,0010) become another attribute.
    let rows = b"\x28\0\x10\0US";
    let at = whole.windows(6).position(|it| it == rows).unwrap();
    let mut damaged = whole;
    damaged[at + 2] = 0x0F;
    assert!(faults(&damaged).iter().any(|fault| fault.contains("Rows")));
}
