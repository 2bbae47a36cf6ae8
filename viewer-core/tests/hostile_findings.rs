//! What fuzzing once found, bytes for bytes: each is an error or a frame now, in little time and memory.
//!
//! A folder of `hostile/` for each decoder, files as the fuzz target of its name takes them (`fuzz/src/frame.rs`).

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

#[path = "../../fuzz/src/frame.rs"]
mod frame;

use std::path::{Path, PathBuf};

/// The files of a folder of findings, in order.
fn findings(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let Ok(entries) = std::fs::read_dir(folder.join(target)) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn frames_that_once_did_harm_do_none() {
    let mut count = 0;
    for (target, first, second) in [
        ("native", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"),
        ("rle", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.5"),
        ("deflated", "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.8.1"),
        ("jpeg", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.51"),
        (
            "jpeg_ls",
            "1.2.840.10008.1.2.4.80",
            "1.2.840.10008.1.2.4.80",
        ),
        (
            "high_throughput",
            "1.2.840.10008.1.2.4.201",
            "1.2.840.10008.1.2.4.201",
        ),
        (
            "jpeg2000",
            "1.2.840.10008.1.2.4.90",
            "1.2.840.10008.1.2.4.90",
        ),
        (
            "jpeg_xl",
            "1.2.840.10008.1.2.4.110",
            "1.2.840.10008.1.2.4.111",
        ),
    ] {
        for path in findings(target) {
            println!("{}", path.display());
            let bytes = std::fs::read(path).unwrap();
            assert!(bytes.len() <= 2048, "a finding is a few bytes");
            frame::decode(
                &bytes,
                if frame::is_second(&bytes) {
                    second
                } else {
                    first
                },
            );
            count += 1;
        }
    }
    assert!(count > 0);
}
