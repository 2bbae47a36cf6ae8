//! All of the sample data, where they lie beside the project: stored values of each frame as the browser decodes
//! them, and display colours on each backend, against those of independent decoders.

use crate::stage::Stage;
use sagitta_tests::{Backend, TempFolder, shared_data};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

/// Frames of a file with loss that are looked at: they are compared by their mean only.
const MOST_LOSSY_FRAMES: usize = 6;
/// Frames that one script looks at.
const BATCH: usize = 40;

/// One file: its place below the folder, its UID, and what decoders found in it.
struct Sample {
    path: String,
    instance: String,
    reference: Value,
}

/// All samples with decoded values, in rounds: a store keeps one file of a SOP Instance UID, and some samples are
/// variants of the same one.
fn rounds(data: &Path) -> Vec<Vec<Sample>> {
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(data.join(name)).unwrap()).unwrap()
    };
    let (manifest, reference) = (read("manifest.json"), read("reference.json"));
    let mut rounds: Vec<Vec<Sample>> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for file in manifest["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        let reference = &reference["files"][path];
        // Files without UIDs are refused by name; a test of the gateway holds that.
        let Some(instance) = file["sop_instance"].as_str().filter(|uid| !uid.is_empty()) else {
            continue;
        };
        if !reference["frames"].is_array() || file["study"].as_str().is_none_or(str::is_empty) {
            continue;
        }
        let round = seen.entry(instance.to_owned()).or_insert(0);
        if rounds.len() == *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push(Sample {
            path: path.to_owned(),
            instance: instance.to_owned(),
            reference: reference.clone(),
        });
        *round += 1;
    }
    rounds
}

fn folder_of(data: &Path, samples: &[Sample]) -> TempFolder {
    let folder = TempFolder::new("samples").unwrap();
    for sample in samples {
        let bytes = std::fs::read(data.join(&sample.path)).unwrap();
        folder
            .write(&sample.path.replace('/', "-"), &bytes)
            .unwrap();
    }
    folder
}

/// Looks at frames and gives hash, mean and length of the data, or the error, of each.
fn looked_at(stage: &Stage, wanted: &[(String, usize)]) -> Vec<Value> {
    let mut found = Vec::new();
    for batch in wanted.chunks(BATCH) {
        let script = format!(
            "(async () => {{ const found = []; for (const [uid, frame] of {}) {{ try {{
               const pixels = await window.sagitta.pixels(uid, frame);
               const digest = await crypto.subtle.digest('SHA-256', pixels.data);
               let sum = 0; for (const value of pixels.data) sum += value;
               found.push({{ sha256: [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, '0')).join(''),
                 mean: sum / pixels.data.length, length: pixels.data.length }});
             }} catch (error) {{ found.push({{ error: String(error.message ?? error) }}); }} }} return found; }})()",
            json!(batch)
        );
        found.extend(stage.eval(&script).as_array().unwrap().clone());
    }
    found
}

#[test]
fn every_frame_of_the_sample_data_has_the_reference_values() {
    let Some(data) = shared_data() else {
        return;
    };
    let (mut exact, mut lossy, mut wrong) = (0, 0, String::new());
    for samples in rounds(&data) {
        let folder = folder_of(&data, &samples);
        let stage = Stage::list(Backend::WebGpu, folder.path());
        let mut wanted = Vec::new();
        let mut expected = Vec::new();
        for sample in &samples {
            let frames = sample.reference["frames"].as_array().unwrap();
            let is_exact = sample.reference["compare"] == "exact";
            let count = if is_exact {
                frames.len()
            } else {
                frames.len().min(MOST_LOSSY_FRAMES)
            };
            for (index, frame) in frames.iter().take(count).enumerate() {
                wanted.push((sample.instance.clone(), index + 1));
                expected.push((sample.path.clone(), is_exact, frame.clone()));
            }
        }
        let found = looked_at(&stage, &wanted);
        for (((_, frame), (path, is_exact, expected)), found) in
            wanted.iter().zip(&expected).zip(&found)
        {
            let mean = |value: &Value| value["mean"].as_f64().unwrap_or(f64::NAN);
            let is_right = if *is_exact {
                exact += 1;
                found["sha256"] == expected["sha256"]
            } else {
                lossy += 1;
                (mean(found) - mean(expected)).abs() < 1.0
            };
            if !is_right {
                let _ = writeln!(wrong, "{path} frame {frame}: {found}, expected {expected}");
            }
        }
        stage.expect_no_problems();
    }
    println!("{exact} frames without loss and {lossy} with loss looked at");
    assert!(wrong.is_empty(), "\n{wrong}");
}
