//! All of the sample data, where they lie beside the project: stored values of each frame as the browser decodes
//! them, and display colours on each backend, against those of independent decoders.

use crate::stage::Stage;
use sagitta_tests::{Backend, TempFolder, shared_data};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
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
        stage.make_small();
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

/// A frame's colours as drawn, one canvas pixel a pixel of the frame, interleaved.
fn drawn_colors(stage: &Stage, sample: &Sample, frame: usize, shape: [usize; 2]) -> Vec<u8> {
    let answer = stage
        .gateway
        .get(&format!(
            "/dicomweb/instances?SOPInstanceUID={}",
            sample.instance
        ))
        .unwrap();
    let sets: Vec<Value> = serde_json::from_slice(&answer.body).unwrap();
    let uid = |tag: &str| sets[0][tag]["Value"][0].as_str().unwrap().to_owned();
    stage.eval(&format!(
        "window.sagitta.open({{ studies: ['{}'], series: '{}', instance: '{}', frame: {frame} }})",
        uid("0020000D"),
        uid("0020000E"),
        sample.instance
    ));
    let series = stage.metadata(&uid("0020000D"), &uid("0020000E"));
    let is_shown = |set: &&Value| set["00080018"]["Value"][0] == sample.instance.as_str();
    let aspect = crate::pictures::aspect_of(series.iter().find(is_shown).unwrap());
    // Both sides of a pixel have whole canvas pixels.
    let times = [1.0, 2.0, 3.0, 4.0].into_iter().find(|times| {
        let longer = times * aspect.max(1.0 / aspect);
        (longer - longer.round()).abs() < 1e-9
    });
    let axes = crate::pictures::place_enlarged(stage, shape, aspect, times.unwrap());
    let drawn = crate::shown::capture(stage);
    let mut colors = Vec::with_capacity(3 * shape[0] * shape[1]);
    for row in 0..shape[0] {
        for column in 0..shape[1] {
            let [x, y] = [(axes[0], column), (axes[1], row)]
                .map(|(axis, index)| crate::pictures::on_canvas(axis, index).unwrap());
            colors.extend(drawn.at(x, y).unwrap());
        }
    }
    colors
}

/// What differs from the reference by more than one level, in words. It keeps a hash, the ends and the mean of the
/// colours; those of more than 8 bits it keeps as stored, so that ends and mean are compared in levels.
fn unlike(colors: &[u8], expected: &Value) -> Option<String> {
    let full = match expected["dtype"].as_str() {
        Some("|u1") => {
            let digest = Sha256::digest(colors);
            let digest = digest
                .iter()
                .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            return (expected["sha256"] != digest.as_str())
                .then(|| format!("another hash than {expected}"));
        }
        Some("<u2") => f64::from(u16::MAX),
        Some("<u4") => f64::from(u32::MAX),
        _ => return Some(format!("unknown reference {expected}")),
    };
    let sum: u64 = colors.iter().map(|level| u64::from(*level)).sum();
    #[expect(clippy::cast_precision_loss, reason = "small pictures")]
    let mean = sum as f64 / colors.len() as f64;
    let ends = [colors.iter().min()?, colors.iter().max()?].map(|end| f64::from(*end));
    let is_off = |found: f64, name: &str| {
        let level = expected[name].as_f64().unwrap() * 255.0 / full;
        (found - level).abs() > 1.0
    };
    let is_unlike = is_off(ends[0], "min") || is_off(ends[1], "max") || is_off(mean, "mean");
    is_unlike.then(|| format!("ends {ends:?}, mean {mean}, expected {expected}"))
}

#[test]
fn colors_of_the_sample_data_are_those_of_the_reference() {
    let Some(data) = shared_data() else {
        return;
    };
    let mut wrong = String::new();
    for samples in rounds(&data) {
        let colored: Vec<Sample> = samples
            .into_iter()
            .filter(|sample| {
                sample.reference["compare"] == "exact" && sample.reference["rgb"].is_array()
            })
            .collect();
        if colored.is_empty() {
            continue;
        }
        let folder = folder_of(&data, &colored);
        for backend in Backend::ALL {
            let stage = Stage::list(backend, folder.path());
            let mut shown = 0;
            for sample in &colored {
                let frames = sample.reference["rgb"].as_array().unwrap();
                for index in crate::pictures::frames_of(frames.len()) {
                    let expected = &frames[index];
                    let side = |at: usize| expected["shape"][at].as_u64().unwrap() as usize;
                    let colors = drawn_colors(&stage, sample, index + 1, [side(0), side(1)]);
                    if let Some(difference) = unlike(&colors, expected) {
                        let _ = writeln!(
                            wrong,
                            "{} {} frame {}: {difference}",
                            backend.name(),
                            sample.path,
                            index + 1
                        );
                    }
                    shown += 1;
                }
            }
            println!("{}: {shown} frames in colour shown", backend.name());
            stage.expect_no_problems();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
