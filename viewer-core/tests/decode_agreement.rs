//! Real files whose code streams and attributes disagree, and those where nothing is to be told.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;

use std::path::{Path, PathBuf};
use viewer_core::decode::{Disagreement, Limits, decode_frame, disagreements};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found)
        } else {
            found.push(path)
        }
    }
}

/// Its name, by those who made it, says what disagrees.
#[test]
fn of_all_sample_files_one_says_two_things_about_its_sign() {
    let Some(folder) = decode_files::shared_data() else {
        return;
    };
    let mut found = Vec::new();
    files(&folder, &mut found);
    let mut told = Vec::new();
    for path in found {
        let Ok(file) = decode_files::read(&path) else {
            continue;
        };
        let decode = |bytes| {
            let limits = Limits::default();
            decode_frame(bytes, &file.transfer_syntax, &file.format, &limits).ok()
        };
        let Some((bytes, frame)) = file.frames.first().and_then(|it| Some((it, decode(it)?)))
        else {
            continue;
        };
        let found = disagreements(bytes, &file.transfer_syntax, &file.format, &frame);
        if !found.is_empty() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            told.push((name, found));
        }
    }
    let expected = (
        "J2K_pixelrep_mismatch.dcm".to_owned(),
        vec![Disagreement::Sign],
    );
    assert_eq!(told, [expected]);
}
