//! Memory is given back: what one study took serves the next.

use crate::stage::{Stage, ct_folder_of};
use sagitta_tests::{Backend, TempFolder};

/// Two studies of 40 slices of 256 x 256 in one folder.
fn two_studies() -> TempFolder {
    let folder = TempFolder::new("two").unwrap();
    for seed in [5, 6] {
        let one = ct_folder_of(seed, 256, 40);
        for index in 0..40 {
            let bytes = std::fs::read(one.path().join(format!("{index}.dcm"))).unwrap();
            folder
                .write(&format!("{seed}/{index}.dcm"), &bytes)
                .unwrap();
        }
    }
    folder
}

/// Opens and closes the studies in turn; resident memory of the renderers after it, KiB.
fn cycle(stage: &Stage, studies: &[String], times: usize) -> u64 {
    let uids = serde_json::to_string(studies).unwrap();
    stage.eval(&format!(
        "(async () => {{ for (let i = 0; i < {times}; i++) {{
           await window.sagitta.open({{ studies: [{uids}[i % 2]] }}); await window.sagitta.complete();
           await window.sagitta.close(); }} }})()"
    ));
    for _ in 0..3 {
        stage.page.collect_garbage().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    stage.browser.renderer_rss_kib()
}

fn expect_memory_is_given_back(backend: Backend) {
    let folder = two_studies();
    let stage = Stage::list(backend, folder.path());
    let studies = stage.uids("/dicomweb/studies", "0020000D");
    assert_eq!(studies.len(), 2);
    let after_five = cycle(&stage, &studies, 5);
    let wasm = stage.eval("window.sagitta.stats().wasm_bytes");
    let after_fifty = cycle(&stage, &studies, 45);
    let left = stage.eval("window.sagitta.stats()");
    println!(
        "{}: {} MiB after 5 cycles, {} MiB after 50 ({:+.1} %); memory of the module {} -> {} KiB",
        backend.name(),
        after_five / 1024,
        after_fifty / 1024,
        (after_fifty as f64 / after_five as f64 - 1.0) * 100.0,
        wasm.as_u64().unwrap() / 1024,
        left["wasm_bytes"].as_u64().unwrap() / 1024
    );
    assert_eq!(left["cpu_bytes"], 0);
    assert_eq!(left["gpu_bytes"], 0);
    assert!(
        after_fifty as f64 <= after_five as f64 * 1.1,
        "{after_five} -> {after_fifty} KiB"
    );
    stage.expect_no_problems();
}

#[test]
fn lesson_20_memory_is_given_back_after_fifty_studies_by_webgl2() {
    expect_memory_is_given_back(Backend::WebGl2);
}

#[test]
fn lesson_20_memory_is_given_back_after_fifty_studies_by_webgpu() {
    expect_memory_is_given_back(Backend::WebGpu);
}

#[test]
fn lesson_20_memory_is_given_back_after_fifty_studies_by_the_processor() {
    expect_memory_is_given_back(Backend::Cpu);
}
