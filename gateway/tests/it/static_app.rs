//! The app's files: caching, compression, and what other sites may load.

use std::fs;
use std::path::Path;

use crate::files::ct;
use crate::server::{Server, options};

fn server(folder: &Path) -> Server {
    let data = folder.join("data");
    let app = folder.join("dist");
    fs::create_dir_all(&data).unwrap();
    fs::create_dir_all(app.join("assets")).unwrap();
    fs::write(
        app.join("index.html"),
        "<!doctype html><title>Sagitta</title>".repeat(9),
    )
    .unwrap();
    fs::write(app.join("embed.js"), "export {};").unwrap();
    fs::write(
        app.join("assets/app-0123.wasm"),
        [b"\0asm".as_slice(), &[7; 5000]].concat(),
    )
    .unwrap();
    fs::write(app.join("assets/app-0123.js"), "// made\n".repeat(500)).unwrap();
    fs::write(app.join("assets/app-0123.js.br"), "made when built").unwrap();
    let mut options = options(&data, &folder.join("index/index.db"));
    options.app = Some(app);
    Server::start(options)
}

#[test]
fn hashed_names_are_kept_for_ever_and_pages_are_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let wasm = server.get("/assets/app-0123.wasm");
    assert_eq!(wasm.header("content-type"), Some("application/wasm"));
    assert_eq!(
        wasm.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    for page in [
        "/",
        "/viewer?StudyInstanceUIDs=1",
        "/shared",
        "/embed",
        "/index.html",
    ] {
        let answer = server.get(page);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{page}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{page}");
        let etag = answer.header("etag").unwrap();
        let again = server.request("GET", page, &[("If-None-Match", etag)]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{page}");
        let coop = answer.header("cross-origin-opener-policy");
        assert_eq!(coop, (page != "/embed").then_some("same-origin"), "{page}");
    }
}

#[test]
fn files_come_compressed_from_beside_or_from_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let get =
        |accept: &str| server.request("GET", "/assets/app-0123.js", &[("Accept-Encoding", accept)]);
    let brotli = get("gzip, br");
    assert_eq!(brotli.header("content-encoding"), Some("br"));
    assert_eq!(brotli.body, b"made when built");
    let gzip = get("gzip");
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    assert!(gzip.body.len() < 200);
    let plain = get("br;q=0");
    assert_eq!(
        (plain.header("content-encoding"), plain.body.len()),
        (None, 4000)
    );
    assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
}

#[test]
fn the_embedding_script_may_be_loaded_by_any_site_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let script = server.get("/embed.js");
    assert_eq!(script.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        script.header("cross-origin-resource-policy"),
        Some("cross-origin")
    );
    let other = server.get("/assets/app-0123.js");
    assert_eq!(other.header("access-control-allow-origin"), None);
    assert_eq!(
        other.header("cross-origin-resource-policy"),
        Some("same-origin")
    );
}

#[test]
fn an_app_that_is_not_built_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(
        folder.path(),
        &folder.path().join("../sagitta-no-app.db"),
    ));
    let answer = server.get("/");
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (503, "app_missing")
    );
    drop(server);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.path().join(format!("../sagitta-no-app.db{suffix}")));
    }
}

#[test]
fn the_config_names_the_one_source_and_invoke_leads_to_the_viewer() {
    let folder = tempfile::tempdir().unwrap();
    for uid in ["1.2", "a b"] {
        let data = folder.path().join("data");
        fs::create_dir_all(&data).unwrap();
        ct(uid, &format!("{uid}.1"), 1).write(&data, &format!("{uid}.dcm"));
    }
    let server = server(folder.path());
    server.wait_until_indexed();
    assert_eq!(
        server.get("/config.json").json(),
        serde_json::json!({"sources": [{"id": "local", "label": "This computer",
            "dicomweb": "dicomweb/local"}], "gateway": true})
    );
    let invoke = |query: &str| server.get(&format!("/IHEInvokeImageDisplay?{query}"));
    let found = invoke("RequestType=study&studyuid=1.2,a%20b");
    assert_eq!(
        (found.status, found.header("location")),
        (303, Some("/viewer?StudyInstanceUIDs=1.2,a%20b"))
    );
    for query in [
        "",
        "requestType=STUDY",
        "requestType=SERIES&studyUID=1",
        "studyUID=1",
    ] {
        assert_eq!(
            (invoke(query).status, invoke(query).error_code().as_str()),
            (400, "invoke_invalid")
        );
    }
}
