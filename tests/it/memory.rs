//! Memory is given back: what one study took serves the next.

use crate::stage::{Stage, ct_folder_of};
use sagitta_tests::{Backend, TempFolder};

const SLICES: usize = 16;

/// Two studies of 16 slices of 512 x 512 in one folder: few requests for the memory that they take.
fn two_studies() -> TempFolder {
    let folder = TempFolder::new("two").unwrap();
    for seed in [5, 6] {
        let one = ct_folder_of(seed, 512, SLICES);
        for index in 0..SLICES {
            let bytes = std::fs::read(one.path().join(format!("{index}.dcm"))).unwrap();
            folder
                .write(&format!("{seed}/{index}.dcm"), &bytes)
                .unwrap();
        }
    }
    folder
}

/// What is done with a study between opening and closing it.
const FRAMES: &str = "await v.complete();";
const PLANES: &str = "await v.setLayout('mpr'); await v.complete(); await v.planeValues(1, 64, 64); await v.setLayout('1x1');";

/// Opens and closes the studies in turn; resident memory of the renderers after it, KiB.
fn cycle(stage: &Stage, studies: &[String], between: &str, times: usize) -> u64 {
    let uids = serde_json::to_string(studies).unwrap();
    stage.eval(&format!(
        "(async () => {{ const v = window.sagitta; for (let i = 0; i < {times}; i++) {{
           await v.open({{ studies: [{uids}[i % 2]] }}); {between}
           await v.close(); }} }})()"
    ));
    for _ in 0..3 {
        stage.page.collect_garbage().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    stage.browser.renderer_rss_kib()
}

fn expect_memory_is_given_back(backend: Backend, between: &str) {
    let folder = two_studies();
    let stage = Stage::list(backend, folder.path());
    stage.make_small();
    stage.page.stop_recording_requests().unwrap();
    let studies = stage.uids("/dicomweb/studies", "0020000D");
    assert_eq!(studies.len(), 2);
    let after_five = cycle(&stage, &studies, between, 5);
    let wasm = stage.eval("window.sagitta.stats().wasm_bytes");
    // A few at a time: a script may not take too long.
    let mut after_fifty = 0;
    for _ in 0..9 {
        after_fifty = cycle(&stage, &studies, between, 5);
    }
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
    expect_memory_is_given_back(Backend::WebGl2, FRAMES);
}

#[test]
fn lesson_20_memory_is_given_back_after_fifty_studies_by_webgpu() {
    expect_memory_is_given_back(Backend::WebGpu, FRAMES);
}

#[test]
fn lesson_20_memory_is_given_back_after_fifty_studies_by_the_processor() {
    expect_memory_is_given_back(Backend::Cpu, FRAMES);
}

#[test]
fn lesson_20_memory_is_given_back_after_fifty_times_three_planes_by_webgl2() {
    expect_memory_is_given_back(Backend::WebGl2, PLANES);
}

#[test]
fn lesson_20_memory_is_given_back_after_fifty_times_three_planes_by_webgpu() {
    expect_memory_is_given_back(Backend::WebGpu, PLANES);
}

#[test]
fn lesson_20_memory_is_given_back_after_fifty_times_three_planes_by_the_processor() {
    expect_memory_is_given_back(Backend::Cpu, PLANES);
}
