//! Whole instances and pictures of real files beside the project, where they are there.

use std::collections::BTreeMap;
use std::fs;

use gateway::source::folder::sniff;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::files::parts;
use crate::real_files::{data, instances, read_json};
use crate::server::Server;

const AS_STORED: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// Where the data set of a file begins, and its syntax.
fn start(path: &std::path::Path) -> (usize, String) {
    let start = sniff::open(path, 1 << 30).unwrap().unwrap();
    (start.input.position() as usize, start.transfer_syntax)
}

#[test]
fn data_sets_of_all_sample_files_come_back_byte_for_byte() {
    let Some(data) = data() else { return };
    let server = Server::over(&data);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for ([study, series, instance], path) in instances(&data) {
        let (offset, syntax) = start(&data.join(&path));
        let address = protocol::dicomweb::path::instance(&study, &series, &instance);
        let address = format!("/dicomweb/{address}");
        let answer = server.request("GET", &address, &[("Accept", AS_STORED)]);
        let is_rewritten = sniff::is_native(&syntax) && syntax != EXPLICIT;
        if is_rewritten {
            *counts
                .entry(format!("{syntax} {}", answer.status))
                .or_default() += 1;
            continue;
        }
        assert_eq!(answer.status, 200, "{path:?}");
        let (kind, file) = parts(&answer).remove(0);
        assert_eq!(kind, format!("application/dicom {syntax}"), "{path:?}");
        let stored = fs::read(data.join(&path)).unwrap();
        let stored = &stored[offset..];
        assert!(file.ends_with(stored), "{path:?}");
        let head = file.len() - stored.len();
        assert!(head < 4096 && file[128..132] == *b"DICM", "{path:?}");
        *counts.entry("the same".into()).or_default() += 1;
    }
    println!("{counts:?}");
    assert!(counts["the same"] > 300, "{counts:?}");
}

/// What was rewritten is read by another library, says the same and has the pixels of the frames.
#[test]
fn rewritten_sample_files_say_the_same() {
    let Some(data) = data() else { return };
    let server = Server::over(&data);
    let folder = tempfile::tempdir().unwrap();
    let (mut same, mut seen, mut refused) = (0, 0, Vec::new());
    let mut compared: Vec<([String; 3], Value)> = Vec::new();
    for (uids, path) in instances(&data) {
        // A few of the many slices of one kind are enough, and none of the largest files.
        seen += 1;
        let is_large = fs::metadata(data.join(&path)).unwrap().len() > 1 << 20;
        if is_large || (path.starts_with("ct-volume") && seen % 20 != 0) {
            continue;
        }
        let [study, series, instance] = &uids;
        let address = protocol::dicomweb::path::instance(study, series, instance);
        let address = format!("/dicomweb/{address}");
        let answer = server.request("GET", &address, &[("Accept", "application/dicom")]);
        if answer.status != 200 {
            assert_eq!(answer.status, 406, "{path:?}");
            refused.push(path);
            continue;
        }
        let kind = format!("application/dicom; transfer-syntax={EXPLICIT}");
        assert_eq!(
            answer.header("content-type"),
            Some(kind.as_str()),
            "{path:?}"
        );
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert_eq!(answer.body.len(), length, "{path:?}");
        let name = format!("{}.dcm", compared.len());
        fs::write(folder.path().join(name), &answer.body).unwrap();
        let metadata = server.get(&format!("{address}/metadata")).json()[0].clone();
        compared.push((uids, metadata));
    }
    let copies = Server::over(folder.path());
    // Attributes that are of the encoding.
    let own = [
        "00080005", "00280004", "00280006", "00280102", "00083002", "7FE00001", "7FE00002",
        "7FE00003",
    ];
    for ([study, series, instance], expected) in &compared {
        let path = protocol::dicomweb::path::instance_metadata(study, series, instance);
        let answer = copies.get(&format!("/dicomweb/{path}"));
        assert_eq!(answer.status, 200, "{path}");
        let found = answer.json()[0].clone();
        let (found, expected) = (found.as_object().unwrap(), expected.as_object().unwrap());
        for (tag, element) in expected {
            let is_pixels = tag.starts_with("7FE0");
            // An icon in fragments goes where the pixels are decoded.
            let is_left_out = tag == "00880200" && !found.contains_key(tag);
            if !own.contains(&tag.as_str()) && !is_pixels && !is_left_out {
                assert_eq!(found.get(tag), Some(element), "{path} {tag}");
            }
        }
        same += 1;
    }
    println!("{same} files say the same, not rewritten: {refused:?}");
    assert!(same > 150, "{same}");
}

/// 8-bit RGB for display, as another program made it.
#[test]
fn pictures_of_sample_files_have_the_reference_colours() {
    let Some(data) = data() else { return };
    let server = Server::over(&data);
    let reference = read_json(&data.join("reference.json"));
    let (mut exact, mut near) = (0, 0);
    for ([study, series, instance], path) in instances(&data) {
        let file = &reference["files"][path.to_str().unwrap()];
        let Some(frame) = file["rgb"].as_array().and_then(|all| all.first()) else {
            continue;
        };
        if frame["dtype"] != "|u1" {
            continue;
        }
        let address = protocol::dicomweb::path::instance(&study, &series, &instance);
        let address = format!("/dicomweb/{address}/frames/1/rendered");
        let answer = server.request("GET", &address, &[("Accept", "image/png")]);
        assert_eq!(answer.status, 200, "{path:?}");
        let mut reader = png::Decoder::new(std::io::Cursor::new(&answer.body))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let shown = reader.next_frame(&mut pixels).unwrap();
        pixels.truncate(shown.buffer_size());
        // Pixels that are not square are drawn square.
        if frame["shape"] != serde_json::json!([shown.height, shown.width, 3]) {
            continue;
        }
        if file["compare"] == "exact" {
            let digest = Sha256::digest(&pixels);
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            if frame["sha256"] == hex.as_str() {
                exact += 1;
                continue;
            }
        }
        let mean =
            pixels.iter().map(|sample| f64::from(*sample)).sum::<f64>() / pixels.len() as f64;
        let difference = (mean - frame["mean"].as_f64().unwrap()).abs();
        assert!(
            difference < 1.0,
            "{path:?}: the mean differs by {difference}"
        );
        near += 1;
    }
    println!("{exact} pictures equal, {near} near");
    assert!(exact >= 8 && exact + near >= 20, "{exact} {near}");
}
