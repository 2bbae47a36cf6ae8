//! A real CT of 135 JPEG-LS slices, where the sample data lie beside the project: every frame loads on
//! every backend, and every stored value is that of independent decoders.

use crate::stage::Stage;
use sagitta_tests::{Backend, shared_data};
use serde_json::Value;
use std::collections::HashMap;

/// SHA-256 of the stored values of each file of the folder, by SOP Instance UID.
fn reference(data: &std::path::Path) -> HashMap<String, String> {
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(data.join(name)).unwrap()).unwrap()
    };
    let (manifest, reference) = (read("manifest.json"), read("reference.json"));
    let files = manifest["files"].as_array().unwrap();
    files
        .iter()
        .filter(|file| file["category"] == "ct-volume")
        .map(|file| {
            let path = file["path"].as_str().unwrap();
            let hash = reference["files"][path]["frames"][0]["sha256"]
                .as_str()
                .unwrap();
            (
                file["sop_instance"].as_str().unwrap().to_owned(),
                hash.to_owned(),
            )
        })
        .collect()
}

#[test]
fn every_slice_of_a_real_ct_has_the_reference_values_on_every_backend() {
    let Some(data) = shared_data() else {
        return;
    };
    let expected = reference(&data);
    assert_eq!(expected.len(), 135);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, &data.join("ct-volume"));
        let study = stage.study();
        stage.eval(&format!(
            "window.sagitta.open({{ studies: ['{study}'] }}).then(() => window.sagitta.complete())"
        ));
        let stats = stage.eval("window.sagitta.stats()");
        assert_eq!(stats["backend"], backend.name());
        assert_eq!(stats["frames_loaded"], 135, "{stats}");
        assert_eq!(stats["frames_failed"], 0, "{stats}");
        let uids: Vec<&String> = expected.keys().collect();
        let hashes = stage.eval(&format!(
            "(async () => {{ const hashes = {{}}; for (const uid of {}) {{
               const pixels = await window.sagitta.pixels(uid, 1);
               const digest = await crypto.subtle.digest('SHA-256', pixels.data);
               hashes[uid] = [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, '0')).join('');
             }} return hashes; }})()",
            serde_json::to_string(&uids).unwrap()
        ));
        let wrong: Vec<&String> = uids
            .into_iter()
            .filter(|uid| hashes[uid.as_str()].as_str() != Some(expected[*uid].as_str()))
            .collect();
        assert!(
            wrong.is_empty(),
            "{}: {} of 135 differ",
            backend.name(),
            wrong.len()
        );
        println!("{}: 135 of 135 slices equal the reference", backend.name());
        stage.expect_no_problems();
    }
}
