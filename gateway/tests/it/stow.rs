//! Storing: what is stored is found at once and comes back as it was sent; item by item results. Statuses and reasons are those
//! of PS3.18 10.5.3 and annex I, written down by hand.

use std::fs;
use std::path::{Path, PathBuf};

use dicom_core::VR;
use dicom_dictionary_std::tags;
use gateway::command::ServeOptions;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::{JPEG_LS, Made, ct, empty};
use crate::server::{Answer, Server, options, send};

/// A gateway over a data folder and a store folder, both empty.
pub struct House {
    pub folder: TempDir,
    pub server: Server,
}

impl House {
    pub fn new() -> Self {
        Self::with("", |_| {})
    }

    /// With more configuration, once the data folder has been filled.
    pub fn with(config: &str, fill: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = prepared(folder.path(), config);
        fill(&folder.path().join("data"));
        let server = Server::start(options);
        server.wait_until_indexed();
        Self { folder, server }
    }

    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub fn post(&self, path: &str, media: &str, body: &[u8]) -> Answer {
        post(&self.server, path, &[("Content-Type", media)], body)
    }

    /// Stores these as one body of parts.
    pub fn stow(&self, path: &str, all: &[Vec<u8>]) -> Answer {
        let (media, body) = multipart(all);
        self.post(path, &media, &body)
    }

    /// Numbers of studies, series and instances that a search finds.
    pub fn counts(&self) -> [usize; 3] {
        ["studies", "series", "instances"].map(|level| {
            let found = self.server.get(&format!("/dicomweb/{level}")).json();
            found.as_array().unwrap().len()
        })
    }

    /// All files of the store that stay there.
    pub fn files(&self) -> Vec<PathBuf> {
        files(&self.store())
    }
}

/// Options of such a gateway; folders are made.
pub fn prepared(folder: &Path, config: &str) -> ServeOptions {
    for name in ["data", "store"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    let path = folder.join("gateway.toml");
    fs::write(&path, format!("[store]\npath = \"store\"\n{config}")).unwrap();
    ServeOptions {
        config: Some(path),
        ..options(&folder.join("data"), &folder.join("index.db"))
    }
}

/// Files below a store folder, but for what is on its way.
pub fn files(store: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut waiting = vec![store.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if !path.ends_with(".incoming") => waiting.push(path),
                true => {}
                false => all.push(path),
            }
        }
    }
    all.sort();
    all
}

pub fn post(server: &Server, path: &str, more: &[(&str, &str)], body: &[u8]) -> Answer {
    let (host, length) = (server.address.to_string(), body.len().to_string());
    let mut headers = vec![
        ("Host", host.as_str()),
        ("Connection", "close"),
        ("Content-Length", &length),
    ];
    headers.extend(more);
    send(server.address, "POST", path, &headers, body)
}

/// Files as parts of a body: its media type, and the body.
pub fn multipart(all: &[Vec<u8>]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for bytes in all {
        body.extend(b"\r\n--stow b\r\nContent-Type: application/dicom\r\n\r\n");
        body.extend(bytes);
    }
    body.extend(b"\r\n--stow b--\r\n");
    let media = "multipart/related; type=\"application/dicom\"; boundary=\"stow b\"";
    (media.to_owned(), body)
}

/// SOP Instance UID and Failure Reason of each instance that failed, in their order.
pub fn failures(set: &Value) -> Vec<(String, u64)> {
    let items = set["00081198"]["Value"].as_array().cloned();
    let item = |item: &Value| {
        let uid = item["00081155"]["Value"][0].as_str().unwrap().to_owned();
        assert_eq!(item["00081155"]["vr"], "UI");
        assert_eq!(item["00081197"]["vr"], "US");
        (uid, item["00081197"]["Value"][0].as_u64().unwrap())
    };
    items.unwrap_or_default().iter().map(item).collect()
}

/// Reasons of those whose UID could not be read.
pub fn others(set: &Value) -> Vec<u64> {
    let items = set["0008119A"]["Value"].as_array().cloned();
    let reason = |item: &Value| item["00081197"]["Value"][0].as_u64().unwrap();
    items.unwrap_or_default().iter().map(reason).collect()
}

/// SOP Instance UIDs of what was stored.
pub fn stored(set: &Value) -> Vec<String> {
    let items = set["00081199"]["Value"].as_array().cloned();
    let uid = |item: &Value| item["00081155"]["Value"][0].as_str().unwrap().to_owned();
    items.unwrap_or_default().iter().map(uid).collect()
}

fn fragmented() -> Made {
    let mut made = ct("1.5", "1.5.3", 7);
    made.fragments(JPEG_LS, vec![], vec![vec![0xFF, 0xD8, 0xFF, 0xD9]]);
    made
}

#[test]
fn what_is_stored_is_found_at_once_and_lies_in_the_store_byte_for_byte() {
    let house = House::new();
    let made = [ct("1.5", "1.5.2", 1), ct("1.5", "1.5.2", 2), fragmented()];
    let mut sent: Vec<Vec<u8>> = made.iter().map(Made::bytes).collect();
    // Lines of a delimiter that is none, within a file.
    let mut odd = empty("1.6", "1.6.1", "1.6.1.1");
    odd.text(tags::IMAGE_COMMENTS, VR::LT, "a\r\n--stow bc\r\n--stow\r\n");
    sent.push(odd.bytes());
    let answer = house.stow("/dicomweb/studies", &sent);
    let set = answer.json();
    assert_eq!(answer.status, 200, "{set}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/dicom+json")
    );
    assert_eq!(stored(&set), ["1.5.2.1", "1.5.2.2", "1.5.3.7", "1.6.1.1"]);
    assert_eq!((failures(&set), others(&set)), (vec![], vec![]));
    // Of two studies there is no one address; the element is there, and empty.
    assert_eq!(set["00081190"], json!({ "vr": "UR" }));
    let first = &set["00081199"]["Value"][0];
    assert_eq!(
        first["00081150"]["Value"],
        json!(["1.2.840.10008.5.1.4.1.1.7"])
    );
    let address = first["00081190"]["Value"][0].as_str().unwrap();
    assert!(
        address.ends_with("/studies/1.5/series/1.5.2/instances/1.5.2.1"),
        "{address}"
    );
    assert_eq!(house.server.get(&format!("{address}/metadata")).status, 200);
    assert_eq!(house.counts(), [2, 3, 4]);
    let files = house.files();
    assert_eq!(files.len(), 4);
    for bytes in &sent {
        assert!(files.iter().any(|file| fs::read(file).unwrap() == *bytes));
    }
    let frame = format!("{}/frames/1", made[1].address());
    let pixels: Vec<u8> = (200..212_u16).flat_map(u16::to_le_bytes).collect();
    let parts = crate::files::parts(&house.server.get(&frame));
    assert_eq!(parts[0].1, pixels);
    // Nothing was written elsewhere, and nothing is left on its way.
    assert_eq!(
        fs::read_dir(house.folder.path().join("data"))
            .unwrap()
            .count(),
        0
    );
    let incoming = fs::read_dir(house.store().join(".incoming")).unwrap();
    let left: Vec<_> = incoming.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
    // The indexer has nothing to add, and takes nothing away.
    let rounds = || {
        let progress = house.server.state.store.progress();
        progress.rounds.load(std::sync::atomic::Ordering::Relaxed)
    };
    let before = rounds();
    house.server.wait_until(|_| rounds() >= before + 2);
    assert_eq!(house.counts(), [2, 3, 4]);
    let progress = house.server.state.store.progress();
    assert_eq!(
        progress.opened.load(std::sync::atomic::Ordering::Relaxed),
        0
    );
}

#[test]
fn one_file_alone_is_a_body_as_well_and_a_study_has_an_address() {
    let house = House::new();
    let made = ct("1.5", "1.5.2", 1);
    let answer = house.post(
        "/dicomweb/local/studies/1.5",
        "application/dicom",
        &made.bytes(),
    );
    let set = answer.json();
    assert_eq!(answer.status, 200, "{set}");
    assert_eq!(
        set["00081190"]["Value"],
        json!(["/dicomweb/local/studies/1.5"])
    );
    assert_eq!(house.counts(), [1, 1, 1]);
}

#[test]
fn t16_what_stands_in_the_preamble_is_not_stored() {
    let house = House::new();
    let mut bytes = ct("1.5", "1.5.2", 1).bytes();
    bytes[..4].copy_from_slice(b"MZ\x90\0");
    bytes[100..128].fill(b'x');
    assert_eq!(
        house.stow("/dicomweb/studies", &[bytes.clone()]).status,
        200
    );
    let file = fs::read(&house.files()[0]).unwrap();
    assert_eq!(file[..128], [0; 128]);
    assert_eq!(file[128..], bytes[128..]);
    // The same with another preamble is the same, and it is said so in a private element.
    bytes[..128].fill(7);
    let answer = house.stow("/dicomweb/studies", &[bytes]);
    assert_eq!(answer.status, 200);
    let item = answer.json()["00081199"]["Value"][0].clone();
    assert_eq!(
        item["00090010"],
        json!({ "vr": "LO", "Value": ["SAGITTA"] })
    );
    assert_eq!(
        item["00091001"],
        json!({ "vr": "CS", "Value": ["PRESENT"] })
    );
    assert_eq!(house.files().len(), 1);
}

#[test]
fn some_stored_and_some_not_is_202_with_a_reason_each() {
    let house = House::new();
    let other_study = ct("1.7", "1.7.2", 1);
    let mut directory = empty("1.5", "1.5.2", "1.5.2.90");
    directory.text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.1.3.10");
    let directory = directory.bytes();
    // The first one stands in the head.
    let contradiction = replaced(&directory, b"1.2.840.10008.1.3.10", b"1.2.840.10008.1.3.99");
    let private = replaced(
        &ct("1.5", "1.5.2", 4).bytes(),
        b"1.2.840.10008.1.2.1\0",
        b"1.2.276.10008.1.2.1\0",
    );
    let sent = [
        ct("1.5", "1.5.2", 1).bytes(),
        other_study.bytes(),
        b"this is no file of DICOM".to_vec(),
        contradiction,
        directory,
        private,
        ct("1.5", "1.5.2", 2).bytes(),
    ];
    let answer = house.stow("/dicomweb/studies/1.5", &sent);
    let set = answer.json();
    assert_eq!(answer.status, 202, "{set}");
    assert_eq!(stored(&set), ["1.5.2.1", "1.5.2.2"]);
    // PS3.18 table I.2-2 and PS3.4 table B.2-1: A9xx the data set does not match, C122 transfer syntax, 0122 SOP class.
    let expected = [
        ("1.7.2.1", 0xA901),
        ("1.5.2.90", 0xA900),
        ("1.5.2.90", 0x0122),
        ("1.5.2.4", 0xC122),
    ];
    let expected: Vec<(String, u64)> = expected.map(|(uid, it)| (uid.to_owned(), it)).into();
    assert_eq!(failures(&set), expected);
    // Cxxx: cannot understand.
    assert_eq!(others(&set), [0xC000]);
    assert_eq!(
        set["00081190"]["Value"],
        json!(["/dicomweb/local/studies/1.5"])
    );
    assert_eq!(house.counts(), [1, 1, 2]);
}

/// The bytes with the first of one kind replaced by as many of another.
pub fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let at = memchr::memmem::find(bytes, old).unwrap();
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

#[test]
fn the_same_again_is_stored_already_and_another_with_its_uid_is_not_stored() {
    let house = House::with("", |data| {
        ct("1.8", "1.8.2", 1).write(data, "a.dcm");
    });
    let first = ct("1.5", "1.5.2", 1);
    assert_eq!(
        house.stow("/dicomweb/studies", &[first.bytes()]).status,
        200
    );
    let again = house.stow("/dicomweb/studies", &[first.bytes(), first.bytes()]);
    assert_eq!(again.status, 200);
    assert_eq!(stored(&again.json()).len(), 2);
    let mut other = ct("1.5", "1.5.2", 1);
    other.text(tags::SERIES_DESCRIPTION, VR::LO, "Other");
    let mut moved = ct("1.5", "1.5.3", 1);
    moved.text(tags::SOP_INSTANCE_UID, VR::UI, "1.5.2.1");
    moved.instance = "1.5.2.1".into();
    // PS3.7 C.5.8: duplicate SOP instance.
    for different in [other, moved] {
        let answer = house.stow("/dicomweb/studies", &[different.bytes()]);
        let set = answer.json();
        assert_eq!(answer.status, 409, "{set}");
        assert_eq!(failures(&set), [("1.5.2.1".to_owned(), 0x0111)]);
    }
    // What lies in a data folder is there already; nothing is written beside it.
    let there = ct("1.8", "1.8.2", 1);
    assert_eq!(
        house.stow("/dicomweb/studies", &[there.bytes()]).status,
        200
    );
    let mut other = ct("1.8", "1.8.2", 1);
    other.text(tags::SERIES_DESCRIPTION, VR::LO, "Other");
    assert_eq!(
        house.stow("/dicomweb/studies", &[other.bytes()]).status,
        409
    );
    assert_eq!(house.files().len(), 1);
    assert_eq!(house.counts(), [2, 2, 2]);
}

#[test]
fn t24_nothing_is_added_to_the_study_of_another_patient() {
    let house = House::new();
    assert_eq!(
        house
            .stow("/dicomweb/studies", &[ct("1.5", "1.5.2", 1).bytes()])
            .status,
        200
    );
    let mut other = ct("1.5", "1.5.2", 2);
    other.text(tags::PATIENT_ID, VR::LO, "P2");
    let answer = house.stow("/dicomweb/studies", &[other.bytes()]);
    assert_eq!(answer.status, 409);
    assert_eq!(failures(&answer.json()), [("1.5.2.2".to_owned(), 0xA902)]);
    // Within one body as well.
    let mut both = [ct("1.6", "1.6.2", 1), ct("1.6", "1.6.2", 2)];
    both[1].text(tags::PATIENT_ID, VR::LO, "P2");
    let answer = house.stow("/dicomweb/studies", &both.map(|made| made.bytes()));
    assert_eq!((answer.status, stored(&answer.json()).len()), (202, 1));
    // Who is not named is nobody else.
    let nameless = empty("1.5", "1.5.4", "1.5.4.1");
    assert_eq!(
        house.stow("/dicomweb/studies", &[nameless.bytes()]).status,
        200
    );
}

#[test]
fn without_a_folder_for_it_nothing_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::over(folder.path());
    for path in ["/dicomweb/studies", "/dicomweb/studies/1.5"] {
        let media = [("Content-Type", "application/dicom")];
        let answer = post(&server, path, &media, &ct("1.5", "1.5.2", 1).bytes());
        // PS3.18 table 8.5-1, and Allow as RFC 9110 15.5.6 asks for.
        assert_eq!(
            (answer.status, answer.error_code()),
            (405, "store_unknown".into())
        );
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn two_gateways_do_not_store_into_one_folder() {
    let house = House::new();
    let options = ServeOptions {
        store: Some(house.store()),
        ..options(
            &house.folder.path().join("data"),
            &house.folder.path().join("second.db"),
        )
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime
        .block_on(gateway::serve::prepare(options))
        .map(|_| ())
        .unwrap_err();
    let words = error.to_string();
    assert!(words.starts_with("another gateway stores into"), "{words}");
}
