//! The renderer on the processor against an independent implementation of PS3.3 C.11 and C.7.6.3 in double
//! precision, `oracle/oracle.py`, before greys are rounded to levels.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "made-up numbers within the range of their type"
)]

#[path = "../../viewer-gpu/src/test_scenes/chance.rs"]
mod chance;
#[path = "oracle/scenes.rs"]
mod scenes;

use serde_json::json;
use std::path::Path;
use std::process::Command;
use viewer_core::pixel::cpu_render::render_greys;

const SCENES: u32 = 500;

/// Most that a grey may lie from the other's: single precision has seven digits.
const TOLERANCE: f64 = 1e-6;

/// A Python that has numpy: the first on the path, or the distribution's.
fn python() -> &'static str {
    let has_numpy = |program: &&str| {
        let mut ask = Command::new(program);
        ask.args(["-c", "import numpy"])
            .output()
            .is_ok_and(|answer| answer.status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(has_numpy).expect(
        "this test needs Python 3 with numpy: run `cargo run -p xtask -- test`, or install the package python3-numpy",
    )
}

#[test]
fn five_hundred_scenes_have_the_greys_of_the_standard() {
    let python = python();
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("oracle-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let scenes: Vec<_> = (0..SCENES).map(scenes::scene).collect();
    let mut samples = Vec::new();
    let mut words = Vec::new();
    for scene in &scenes {
        let mut word = scene.json.clone();
        word["offset"] = json!(samples.len());
        samples.extend_from_slice(&scene.data);
        words.push(word);
    }
    std::fs::write(folder.join("samples.bin"), samples).unwrap();
    std::fs::write(
        folder.join("scenes.json"),
        serde_json::to_vec(&words).unwrap(),
    )
    .unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/oracle.py");
    let status = Command::new(python)
        .arg(script)
        .arg(&folder)
        .status()
        .unwrap();
    assert!(status.success(), "the script failed");
    let greys = std::fs::read(folder.join("greys.bin")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let (eights, _) = greys.as_chunks::<8>();
    let mut expected = eights.iter().map(|eight| f64::from_le_bytes(*eight));

    let (mut above, mut between, mut worst) = (0, 0, 0.0_f64);
    let mut report = String::new();
    for (number, scene) in scenes.iter().enumerate() {
        let mut found = vec![[0.0; 3]; (scene.width * scene.height) as usize];
        render_greys(
            &scene.view(),
            &scene.params,
            scene.width,
            scene.height,
            &mut found,
        );
        let (mut scene_above, mut scene_worst) = (0, (0.0, 0, 0.0, 0.0));
        for (place, found) in found.as_flattened().iter().enumerate() {
            let expected = expected.next().unwrap();
            let found = f64::from(*found);
            let apart = (found - expected).abs();
            between += usize::from(expected > 0.001 && expected < 0.999);
            scene_above += usize::from(apart.is_nan() || apart > TOLERANCE);
            if apart.is_nan() || apart > scene_worst.0 {
                scene_worst = (apart, place / 3, found, expected);
            }
        }
        worst = worst.max(scene_worst.0);
        above += scene_above;
        if scene_above > 0 {
            let words = summary(&scene.json);
            report += &format!("scene {number}: {scene_above}, worst {scene_worst:?}: {words}\n");
        }
    }
    println!("{between} greys between black and white, at most {worst:.1e} apart");
    assert!(expected.next().is_none() && between > 200_000, "{between}");
    assert_eq!(above, 0, "greys are more than {TOLERANCE} apart:\n{report}");
}

/// What a scene is, without long tables.
fn summary(scene: &serde_json::Value) -> String {
    let mut short = scene.clone();
    for place in [
        "/modality/entries",
        "/voi/entries",
        "/presentation/entries",
        "/palette/words",
        "/overlays",
    ] {
        if let Some(long) = short.pointer_mut(place) {
            *long = json!("...");
        }
    }
    short.to_string()
}
