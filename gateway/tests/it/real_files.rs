//! Real files beside the project, where they are there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gateway::source::folder::entry::inflate_into;
use gateway::source::folder::frames::StoredPixels;
use gateway::source::folder::index::Finding;
use gateway::source::folder::indexer::finding;
use gateway::source::folder::scan::ScanLimits;
use gateway::source::folder::walk::{Listed, modified_ns};
use gateway::uncompressed;
use protocol::dicomweb::json::Dataset;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use viewer_core::decode::Limits;
use viewer_core::model::Instance;
use viewer_core::pixel::Frame;
use viewer_core::pixel::format::sample_at;

use crate::files::parts;
use crate::server::{Answer, Server};

pub fn data() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if path.is_dir() {
        return Some(path);
    }
    println!("not run: ../shared/data is not here");
    None
}

pub fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Manifest entries by study, series and instance; of several the last path counts, byte by byte, as in the store.
pub fn instances(data: &Path) -> BTreeMap<[String; 3], PathBuf> {
    let manifest = read_json(&data.join("manifest.json"));
    let mut found: BTreeMap<[String; 3], PathBuf> = BTreeMap::new();
    for file in manifest["files"].as_array().unwrap() {
        let uids = ["study", "series", "sop_instance"]
            .map(|key| file[key].as_str().unwrap_or_default().to_owned());
        let path = PathBuf::from(file["path"].as_str().unwrap());
        if uids.iter().all(|uid| !uid.is_empty()) {
            let known = found.entry(uids).or_default();
            let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
            if bytes(&path) > bytes(known) {
                *known = path;
            }
        }
    }
    found
}

fn frames(server: &Server, uids: &[String; 3], list: &str, accept: &str) -> Answer {
    let path = protocol::dicomweb::path::instance(&uids[0], &uids[1], &uids[2]);
    server.request(
        "GET",
        &format!("/dicomweb/{path}/frames/{list}"),
        &[("Accept", accept)],
    )
}

const AS_STORED: &str = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";

#[test]
fn every_file_is_listed_or_refused_by_name() {
    let Some(data) = data() else { return };
    let server = Server::over(&data);
    let listed = server.get("/dicomweb/instances").json();
    let mut uids: Vec<[String; 3]> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|set| {
            ["0020000D", "0020000E", "00080018"]
                .map(|tag| set[tag]["Value"][0].as_str().unwrap().to_owned())
        })
        .collect();
    uids.sort();
    let expected = instances(&data);
    assert_eq!(uids, expected.keys().cloned().collect::<Vec<_>>());
    let refused = server.state.store.refused().unwrap();
    let manifest = read_json(&data.join("manifest.json"));
    for file in manifest["files"].as_array().unwrap() {
        if file["study"].as_str().unwrap_or_default().is_empty() {
            let path = Path::new(file["path"].as_str().unwrap());
            assert!(
                refused.iter().any(|(refused, _)| refused.ends_with(path)),
                "{path:?}"
            );
        }
    }
}

#[test]
fn frames_as_stored_equal_the_fragments_of_the_file() {
    let Some(data) = data() else { return };
    let server = Server::over(&data.join("ct-volume"));
    let mut compared = 0;
    for (uids, path) in instances(&data)
        .iter()
        .filter(|(_, path)| path.starts_with("ct-volume"))
    {
        let bytes = fs::read(data.join(path)).unwrap();
        // One fragment: after the element's header, an empty or full offset table, then the item.
        let start = bytes
            .windows(4)
            .rposition(|window| window == [0xE0, 0x7F, 0x10, 0])
            .unwrap()
            + 12;
        let length = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let item = start + 8 + length(start + 4);
        let fragment = &bytes[item + 8..item + 8 + length(item + 4)];
        let answer = frames(&server, uids, "1", AS_STORED);
        assert_eq!(parts(&answer)[0].1, fragment, "{path:?}");
        compared += 1;
    }
    assert_eq!(compared, 135);
}

/// Native frames go out as they stand: bits above Bits Stored, packed bits, colour planes and
/// shared chroma are not what the reference holds. The files with these are known by name.
#[test]
fn decoded_frames_equal_the_reference() {
    let Some(data) = data() else { return };
    let server = Server::over(&data);
    let reference = read_json(&data.join("reference.json"));
    let manifest = read_json(&data.join("manifest.json"));
    let odd = |path: &Path| {
        let entry = manifest["files"].as_array().unwrap().iter();
        let entry = entry
            .clone()
            .find(|file| Path::new(file["path"].as_str().unwrap()) == path)
            .unwrap();
        let high_bits = ["12bitUnsigned_0x0F0F.dcm", "mlut_18.dcm", "overlay.dcm"];
        entry["bits_allocated"] == 1
            || entry["planar"] == 1
            || path.ends_with("ybr422-raw.dcm")
            || high_bits.iter().any(|name| path.ends_with(name))
    };
    let (mut equal, mut unsupported) = (0, 0);
    for (uids, path) in instances(&data) {
        let Some(file) = reference["files"].get(path.to_str().unwrap()) else {
            continue;
        };
        if file["lossy"] != false || file["compare"] != "exact" || odd(&path) {
            continue;
        }
        let frames_wanted = file["frames"].as_array().map_or(0, Vec::len).min(3);
        for number in 1..=frames_wanted {
            let answer = frames(&server, &uids, &number.to_string(), "*/*");
            if answer.status == 406 {
                unsupported += 1;
                continue;
            }
            assert_eq!(answer.status, 200, "{path:?}");
            let digest = Sha256::digest(&parts(&answer)[0].1);
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(
                file["frames"][number - 1]["sha256"],
                hex,
                "{path:?} frame {number}"
            );
            equal += 1;
        }
    }
    println!("{equal} frames equal, {unsupported} without a decoder");
    assert!(equal >= 600, "{equal}");
}

/// Stored values of every frame of every file, also of those that share their UIDs with others.
#[test]
fn frames_of_each_file_decode_to_the_reference() {
    let Some(data) = data() else { return };
    let reference = read_json(&data.join("reference.json"));
    let (mut files, mut frames) = (0, 0);
    let mut left: BTreeMap<String, u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (path, expected) in reference["files"].as_object().unwrap() {
        let expected_frames = expected["frames"].as_array().map_or(&[][..], Vec::as_slice);
        let Some((pixels, dataset)) = stored(&data.join(path)) else {
            *left.entry("not indexed".into()).or_default() += 1;
            continue;
        };
        if !viewer_core::decode::is_supported(&pixels.transfer_syntax) {
            *left.entry(pixels.transfer_syntax).or_default() += 1;
            continue;
        }
        let instance = Instance::from_dataset(&dataset).unwrap();
        let table = match pixels.frame_table() {
            Ok(table) => table,
            Err(error) => {
                wrong.push(format!("{path}: {error}"));
                continue;
            }
        };
        files += usize::from(!expected_frames.is_empty());
        for (number, frame_expected) in (1..).zip(expected_frames) {
            frames += 1;
            let result = pixels
                .read_frame(&table, number)
                .map_err(|error| error.to_string())
                .and_then(|bytes| {
                    uncompressed::decode(&bytes, &pixels, &instance, &Limits::default())
                        .map_err(|error| error.to_string())
                })
                .and_then(|frame| compare(&frame, frame_expected, expected["compare"] == "exact"));
            if let Err(why) = result {
                wrong.push(format!("{path} frame {number}: {why}"));
            }
        }
    }
    println!("{frames} frames of {files} files compared, left out: {left:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(files >= 640, "{files}");
}

/// A file as the store keeps it; `None` where it is refused.
fn stored(path: &Path) -> Option<(StoredPixels, Dataset)> {
    let Finding::Instance(entry) = finding(path, &ScanLimits::default()) else {
        return None;
    };
    let mut text = Vec::new();
    inflate_into(&entry.metadata, &mut text).unwrap();
    let metadata = fs::metadata(path).unwrap();
    let pixels = StoredPixels {
        file: Listed {
            path: path.to_owned(),
            size: metadata.len(),
            modified_ns: modified_ns(&metadata),
        },
        transfer_syntax: entry.transfer_syntax,
        place: entry.pixels,
        frame_count: entry.frame_count,
        frame_bits: entry.frame_bits,
        bits_allocated: entry.bits_allocated,
    };
    Some((
        pixels,
        Dataset::from_map(serde_json::from_slice(&text).unwrap()),
    ))
}

/// The digest where the syntax is exact, else a mean that differs by less than 1.
fn compare(frame: &Frame, expected: &Value, exact: bool) -> Result<(), String> {
    if exact {
        let digest = Sha256::digest(&frame.data);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let same = expected["sha256"] == hex.as_str();
        return same.then_some(()).ok_or_else(|| "other values".to_owned());
    }
    let count = frame.data.len() / frame.sample_type.size_bytes();
    let values = (0..count).filter_map(|at| sample_at(&frame.data, frame.sample_type, at));
    let mean = values.sum::<f64>() / count as f64;
    let difference = (mean - expected["mean"].as_f64().unwrap()).abs();
    (difference < 1.0)
        .then_some(())
        .ok_or_else(|| format!("the mean differs by {difference}"))
}

#[test]
fn malformed_files_leave_the_server_up() {
    let Some(data) = data() else { return };
    let server = Server::over(&data.join("malformed"));
    for (uids, path) in instances(&data)
        .iter()
        .filter(|(_, path)| path.starts_with("malformed"))
    {
        for accept in [AS_STORED, "*/*"] {
            let status = frames(&server, uids, "1", accept).status;
            assert!(matches!(status, 200 | 404 | 406), "{path:?} {status}");
        }
    }
    assert_eq!(server.get("/healthz").status, 200);
}
