//! The shaders against their twin on the processor, by the browser's WebGPU and WebGL2.
//!
//! The page is `viewer-ui/src/bin/gpu_scenes.rs`, which is no part of the app: it is built and bound here.
//! The same scenes run natively in `viewer-gpu/tests/gpu_matches_cpu.rs`.

use sagitta_tests::{Backend, Browser};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const PAGE: &str = "<!doctype html><title>Scenes</title><link rel=icon href=data:,>
<style>body { margin: 0 } canvas { display: block }</style><body>
<script type=module>import start from './gpu_scenes.js'; start({ module_or_path: './gpu_scenes_bg.wasm' });</script>";

/// The page's module: `SAGITTA_GPU_SCENES` names it where it is compiled already, as by `cargo xtask test`.
fn module() -> PathBuf {
    if let Some(built) = std::env::var_os("SAGITTA_GPU_SCENES") {
        return built.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let usual = std::env::var_os("CARGO_TARGET_DIR");
    let usual = usual.map_or_else(|| root.join("target"), PathBuf::from);
    // Another folder: this one is locked while cargo tests.
    let target = usual.join("gpu-scenes");
    let built = std::process::Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["build", "--package", "viewer-ui", "--bin", "gpu_scenes"])
        .args(["--features", "test-scenes", "--release"])
        .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(&target)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(
        built.status.success(),
        "the page cannot be compiled: {said}"
    );
    target.join("wasm32-unknown-unknown/release/gpu_scenes.wasm")
}

/// The page's files by their paths.
fn files() -> HashMap<String, Vec<u8>> {
    let mut bound = wasm_bindgen_cli_support::Bindgen::new();
    bound
        .input_path(module())
        .typescript(false)
        .web(true)
        .unwrap();
    let folder = sagitta_tests::TempFolder::new("scenes").unwrap();
    bound.generate(folder.path()).unwrap();
    let mut files = HashMap::from([("/".to_owned(), PAGE.as_bytes().to_vec())]);
    add_files(folder.path(), "", &mut files);
    files
}

fn add_files(folder: &Path, below: &str, files: &mut HashMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = format!("{below}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            add_files(&entry.path(), &path, files);
        } else {
            files.insert(path, std::fs::read(entry.path()).unwrap());
        }
    }
}

/// Serves files until the process ends; returns the port.
fn serve(files: HashMap<String, Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let files = Arc::new(files);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let files = files.clone();
            // The browser may hang up, or connect without asking.
            std::thread::spawn(move || answer(stream, &files));
        }
    });
    port
}

fn answer(mut stream: TcpStream, files: &HashMap<String, Vec<u8>>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&part[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request);
    let address = request.split(' ').nth(1).unwrap_or_default();
    let path = address.split('?').next().unwrap_or_default();
    let kind = match path.rsplit_once('.') {
        Some((_, "js")) => "text/javascript",
        Some((_, "wasm")) => "application/wasm",
        _ => "text/html; charset=utf-8",
    };
    let found = files.get(path);
    let status = if found.is_some() {
        "200 OK"
    } else {
        "404 None"
    };
    let body = found.map_or(&[][..], Vec::as_slice);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

/// Draws the scenes of a page's query, and looks at what it says of them and at its canvas.
fn outcome_of(port: u16, backend: Backend, query: &str) -> Value {
    let browser = Browser::launch(backend).unwrap();
    let page = browser.page().unwrap();
    let name = backend.name();
    page.goto(&format!("http://127.0.0.1:{port}/?backend={name}{query}"))
        .unwrap();
    page.wait_for("!!window.__scenes", 240).unwrap();
    let seen = page.eval("window.__scenes").unwrap();
    println!("{name}{query}: {seen}");
    assert_eq!(seen["error"], Value::Null, "{seen}");
    assert_eq!(seen["errors"], serde_json::json!([]), "{seen}");
    assert!(seen["worst"].as_u64().unwrap() <= 1, "{seen}");
    let number = |name: &str| seen[name].as_u64().unwrap();
    assert!(
        number("between") > number("channels") / 20,
        "the scenes show nothing: {seen}"
    );
    // The canvas itself shows what was drawn: four stripes of 100 x 100 pixels.
    let mut shown = Vec::new();
    for _ in 0..20 {
        let picture = page.picture().unwrap();
        shown = (0..4)
            .map(|stripe| picture.at(50 + 100 * stripe, 50).unwrap())
            .collect();
        if shown[3] == [255; 3] {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    for (shown, drawn) in shown.iter().zip([0_u8, 85, 170, 255]) {
        let apart = shown.iter().map(|channel| channel.abs_diff(drawn)).max();
        assert!(apart <= Some(1), "{name}: {shown:?} for {drawn}");
    }
    let problems = page.problems();
    assert!(problems.is_empty(), "{problems:?}");
    seen
}

const BACKENDS: [Backend; 2] = [Backend::WebGpu, Backend::WebGl2];

#[test]
fn five_hundred_scenes_are_at_most_one_grey_apart_in_the_browser() {
    let port = serve(files());
    for backend in BACKENDS {
        for tiles in ["", "&tiles"] {
            let seen = outcome_of(port, backend, tiles);
            assert_eq!(seen["scenes"], 500);
            let tiled = seen["tiled"].as_u64().unwrap();
            assert_eq!(tiled > 450, !tiles.is_empty(), "{seen}");
        }
    }
}

#[test]
fn two_hundred_planes_are_at_most_one_grey_apart_in_the_browser() {
    let port = serve(files());
    for backend in BACKENDS {
        let seen = outcome_of(port, backend, "&planes&count=200");
        assert_eq!((&seen["scenes"], &seen["kinds"]), (&200.into(), &0.into()));
        // The browser's graphics card in software mixes singles exactly, so that it is asked to.
        assert!(seen["mixed"].as_u64().unwrap() >= 10, "{seen}");
        let seen = outcome_of(port, backend, "&planes&tiles&count=60");
        assert_eq!((&seen["scenes"], &seen["kinds"]), (&60.into(), &0.into()));
        assert!(seen["tiled"].as_u64().unwrap() > 50, "{seen}");
    }
}
