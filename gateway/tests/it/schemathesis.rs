//! PyPI's schemathesis reads the OpenAPI document and asks every route with what the document allows and with what it does
//! not: no answer may be a fault of ours, and each has a status, a media type and a form that the document names.

use std::path::PathBuf;
use std::process::Command;

use crate::files::ct;
use crate::login;
use crate::server::Server;

/// What is checked of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance";
/// Requests that each route gets beside those that come from its parameters' edges, unless `SAGITTA_EXAMPLES` says another number.
const EXAMPLES: &str = "12";

fn program() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| root.join("target"));
    let program = target.join("schemathesis/bin/schemathesis");
    assert!(
        program.is_file(),
        "PyPI's schemathesis is missing: cargo xtask test installs it"
    );
    program
}

/// A gateway with the app's files, on which nobody is slowed down.
fn server() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let (data, app) = (folder.path().join("data"), folder.path().join("app"));
    std::fs::create_dir(&data).unwrap();
    std::fs::create_dir_all(app.join("assets")).unwrap();
    ct("1", "2", 1).write(&data, "a.dcm");
    for name in ["index.html", "embed.js", "embed.d.ts", "bench.html"] {
        std::fs::write(app.join(name), "x").unwrap();
    }
    let local =
        "[limits]\nrequests_per_minute = 1000000\n[auth.local]\nsecond_factor = \"optional\"\n";
    let mut options = login::configured_with(folder.path(), local);
    options.app = Some(app);
    let server = Server::start(options);
    server.wait_until_indexed();
    (folder, server)
}

/// Runs it; gives the number of requests.
fn run(server: &Server, folder: &std::path::Path, config: &str, more: &[&str]) -> u32 {
    let settings = folder.join("schemathesis.toml");
    std::fs::write(&settings, config).unwrap();
    let address = format!("http://{}/openapi.json", server.address);
    let mut program = Command::new(program());
    program.arg("--config-file").arg(&settings);
    program.args(["--no-color", "run", &address, "--checks", CHECKS]);
    program.args(["--phases", "examples,coverage,fuzzing", "--max-examples"]);
    program.arg(std::env::var("SAGITTA_EXAMPLES").unwrap_or_else(|_| EXAMPLES.into()));
    program.args([
        "--generation-deterministic",
        "--no-shrink",
        "--continue-on-failure",
    ]);
    // Several workers break Python 3.11 itself now and then.
    program.args([
        "--max-redirects",
        "0",
        "--workers",
        "1",
        "--warnings",
        "off",
    ]);
    program.args(["-H", "X-Sagitta: 1", "-H", "Sec-Fetch-Site: same-origin"]);
    let out = program.args(more).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{text}\n{errors}");
    let line = text.lines().find(|line| line.contains(" generated, "));
    println!("{}", line.unwrap_or_default());
    let count = line.unwrap_or(&text).split_whitespace().next().unwrap();
    count.parse().unwrap()
}

#[test]
fn every_answer_is_one_that_the_document_names() {
    let (folder, server) = server();
    let cookie = login::user(&server, "rad", "radiologist");
    let header = format!("Cookie: {cookie}");
    let any = "[parameters]\n";
    let real = "[parameters]\n\"path.study\" = \"1\"\n\"path.series\" = \"2\"\n\
        \"path.instance\" = \"2.1\"\n\"path.list\" = \"1\"\n\"path.source\" = \"local\"\n\
        \"path.tag_path\" = \"7FE00010\"\n";
    // What ends the session is asked without one.
    let within = [
        "--exclude-path-regex",
        "^/auth/logout|^/api/session",
        "-H",
        &header,
    ];
    let all = [
        run(&server, folder.path(), any, &[]),
        run(&server, folder.path(), any, &within),
        run(&server, folder.path(), real, &within),
    ];
    println!("{all:?} requests");
    assert!(all.into_iter().all(|count| count > 1000));
    // The session is the same still: the runs were what they are said to be.
    let with = [("Cookie", cookie.as_str())];
    assert_eq!(server.request("GET", "/api/session", &with).status, 200);
}
