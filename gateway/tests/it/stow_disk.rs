//! The store's disk: full, not to be written, gone. Nothing is lost, and whoever asks is told.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;

use crate::files::{Made, ct};
use crate::server::{Answer, exchange, send};
use crate::stow::{House, files, multipart, others, prepared, stored};

/// Files of the program grow to this size, bytes; then the system refuses as a full disk does.
const MOST: usize = 2 << 20;

/// A slice of more bytes than there is room for.
fn large(number: u16) -> Made {
    let mut made = ct("1.5", "1.5.2", number);
    made.image(1200, 1200, 16);
    let values = PrimitiveValue::U16(vec![number; 1200 * 1200].into());
    made.put(tags::PIXEL_DATA, VR::OW, values);
    made
}

#[test]
fn on_a_full_disk_what_has_no_room_is_refused_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let options = prepared(folder.path(), "");
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .args(["prlimit", &format!("--fsize={MOST}:unlimited")])
        .arg(env!("CARGO_BIN_EXE_sagitta"))
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(options.config.as_ref().unwrap())
        .arg("--index")
        .arg(folder.path().join("index.db"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh and prlimit are missing");
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let address = line.trim().rsplit("//").next().unwrap();
    let address = address.trim_end_matches('/').to_owned();
    let stow = |all: &[Vec<u8>]| -> Answer {
        let (media, body) = multipart(all);
        let length = body.len().to_string();
        let headers = [
            ("Host", address.as_str()),
            ("Connection", "close"),
            ("Content-Type", &media),
            ("Content-Length", &length),
        ];
        send(
            address.parse().unwrap(),
            "POST",
            "/dicomweb/studies",
            &headers,
            &body,
        )
    };
    let count = || {
        let found = exchange(&address, "/dicomweb/instances").json();
        found.as_array().unwrap().len()
    };
    let store = folder.path().join("store");
    let refused = stow(&[large(1).bytes()]);
    // RFC 4918 11.5: insufficient storage.
    assert_eq!(
        (refused.status, refused.error_code()),
        (507, "store_full".into())
    );
    assert!(files(&store).is_empty());
    assert_eq!(exchange(&address, "/healthz").status, 200);
    let some = stow(&[
        large(1).bytes(),
        ct("1.5", "1.5.2", 3).bytes(),
        large(2).bytes(),
    ]);
    assert_eq!(some.status, 202);
    assert_eq!(stored(&some.json()), ["1.5.2.3"]);
    assert_eq!(others(&some.json()), [0xA700, 0xA700]);
    assert_eq!((count(), files(&store).len()), (1, 1));
    // There is room again: it goes on without a new start.
    let pid = child.id().to_string();
    let more = Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=unlimited"])
        .status();
    assert!(more.unwrap().success());
    assert_eq!(stow(&[large(1).bytes()]).status, 200);
    assert_eq!((count(), files(&store).len()), (2, 2));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_folder_that_disappears_is_no_place_to_store_and_loses_nothing() {
    let house = House::new();
    let first = ct("1.5", "1.5.2", 1);
    assert_eq!(
        house.stow("/dicomweb/studies", &[first.bytes()]).status,
        200
    );
    let away = house.folder.path().join("away");
    fs::rename(house.store(), &away).unwrap();
    let second = ct("1.5", "1.5.2", 2).bytes();
    let refused = house.stow("/dicomweb/studies", std::slice::from_ref(&second));
    assert_eq!(
        (refused.status, refused.error_code()),
        (503, "store_unavailable".into())
    );
    assert!(refused.header("retry-after").is_some());
    assert_eq!(house.server.get("/healthz").status, 200);
    // Nothing is written where a disk should be.
    assert!(!house.store().exists());
    // What is known is still known when it comes back.
    let progress = house.server.state.store.progress();
    let rounds = || progress.rounds.load(std::sync::atomic::Ordering::Relaxed);
    let before = rounds();
    house.server.wait_until(|_| rounds() >= before + 2);
    assert_eq!(house.counts(), [1, 1, 1]);
    fs::rename(&away, house.store()).unwrap();
    assert_eq!(house.stow("/dicomweb/studies", &[second]).status, 200);
    assert_eq!(house.counts(), [1, 1, 2]);
}

#[test]
fn a_folder_that_cannot_be_written_stops_nobody_who_reads() {
    let folder = tempfile::tempdir().unwrap();
    let options = prepared(folder.path(), "");
    ct("1.5", "1.5.2", 1).write(&folder.path().join("store"), "a.dcm");
    // A file where its folder should be: not even root can write there.
    let incoming = folder.path().join("store/.incoming");
    fs::write(&incoming, "").unwrap();
    let server = crate::server::Server::start(options);
    server.wait_until_indexed();
    let house = House { folder, server };
    assert_eq!(house.counts(), [1, 1, 1]);
    let second = ct("1.5", "1.5.2", 2).bytes();
    let refused = house.stow("/dicomweb/studies", std::slice::from_ref(&second));
    assert_eq!(
        (refused.status, refused.error_code()),
        (503, "store_unavailable".into())
    );
    fs::remove_file(incoming).unwrap();
    assert_eq!(house.stow("/dicomweb/studies", &[second]).status, 200);
    assert_eq!(house.counts(), [1, 1, 2]);
}
