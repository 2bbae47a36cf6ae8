//! What the app is made of: a script or style that was changed on its way is not used, and nothing is fetched from elsewhere.

use crate::hosting::{built_app, serve_files};
use sagitta_tests::{Backend, Browser, Gateway, Page, TempFolder, phantom_folder};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// Copies the built app without its compressed files, so that a changed file is the only one of its name.
fn copied() -> TempFolder {
    let copy = TempFolder::new("tampered").unwrap();
    let app = built_app();
    for folder in ["", "assets"] {
        for entry in std::fs::read_dir(app.join(folder)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let is_packed = name.ends_with(".br") || name.ends_with(".gz");
            if entry.file_type().unwrap().is_file() && !is_packed {
                let bytes = std::fs::read(entry.path()).unwrap();
                let place = format!("{folder}/{name}");
                copy.write(place.trim_start_matches('/'), &bytes).unwrap();
            }
        }
    }
    copy
}

/// Name of the file below `assets/` that begins and ends so.
fn asset(app: &Path, begin: &str, end: &str) -> String {
    let mut found: Vec<String> = std::fs::read_dir(app.join("assets"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| {
            let hash = name
                .strip_prefix(begin)
                .and_then(|rest| rest.strip_suffix(end));
            hash.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
        })
        .collect();
    assert_eq!(found.len(), 1, "{begin}: {found:?}");
    found.remove(0)
}

/// Waits until the browser says that bytes are not those that the page names by their hash.
fn wait_until_told(page: &Page, name: &str) {
    let began = Instant::now();
    loop {
        let problems = page.problems();
        let is_it = |text: &str| text.contains("'integrity' attribute") && text.contains("blocked");
        if problems.iter().any(|it| is_it(&it.text)) {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(240),
            "{name}: {problems:?}"
        );
        std::thread::sleep(Duration::from_millis(30));
    }
}

#[test]
fn t25_a_script_or_a_style_that_was_changed_on_its_way_is_not_used() {
    let folder = phantom_folder(2).unwrap();
    let gateway = Gateway::start(&[folder.path()]).unwrap();
    let browser = Browser::launch(Backend::Cpu).unwrap();
    // Each round has a page and a server of its own: no file of another round is at hand.
    let open = |app: &Path| {
        let port = serve_files(app.to_owned(), gateway.port());
        let page = browser.page().unwrap();
        page.goto(&format!("http://127.0.0.1:{port}/some/path/index.html"))
            .unwrap();
        page
    };
    let whole = copied();
    let page = open(whole.path());
    page.wait_for("!!window.sagitta", 60).unwrap();
    assert_eq!(page.problems(), []);
    let line = b"\n;window.altered = 1;\n".as_slice();
    let rule = b"\nhtml { outline: 9px solid red }\n".as_slice();
    for (begin, end, more) in [
        ("boot-", ".js", line),
        ("app-", ".js", line),
        ("tokens-", ".css", rule),
    ] {
        let app = copied();
        let name = format!("assets/{}", asset(app.path(), begin, end));
        let mut bytes = std::fs::read(app.path().join(&name)).unwrap();
        bytes.extend_from_slice(more);
        app.write(&name, &bytes).unwrap();
        let page = open(app.path());
        wait_until_told(&page, &name);
        if end == ".css" {
            page.wait_for("!!window.sagitta", 60).unwrap();
            let outline = "getComputedStyle(document.documentElement).outlineStyle";
            assert_eq!(page.eval(outline).unwrap(), "none");
        } else {
            let runs = "[window.altered ?? null, window.sagitta ?? null]";
            assert_eq!(page.eval(runs).unwrap(), json!([null, null]), "{name}");
        }
    }
}

#[test]
fn t25_no_page_script_or_style_names_an_address_elsewhere() {
    let app = built_app();
    let mut read = 0;
    for folder in ["", "assets"] {
        for entry in std::fs::read_dir(app.join(folder)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let is_text = [".html", ".js", ".css", ".json", ".ts", ".svg"]
                .iter()
                .any(|end| name.ends_with(end));
            if !is_text {
                continue;
            }
            read += 1;
            let text = std::fs::read_to_string(entry.path()).unwrap();
            for line in text.lines() {
                for part in line.split("://").skip(1) {
                    let host: &str = part
                        .split(['/', '"', '\'', ' ', '`', ')', '<', '>'])
                        .next()
                        .unwrap();
                    // A name of a namespace, examples in comments, and whatever address the page itself has.
                    let is_known = host == "www.w3.org" && line.contains("/2000/svg")
                        || line.trim_start().starts_with(['*', '/'])
                        || host.is_empty();
                    assert!(is_known, "{name}: {line}");
                }
            }
        }
    }
    assert!(read > 12, "{read} files");
}
