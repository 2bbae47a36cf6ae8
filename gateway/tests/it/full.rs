//! The real program on a disk that is full: what cannot be put on record does not happen.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use gateway::audit::Audit;
use gateway::audit::event::{Event, Kind, Outcome};
use gateway::audit::verify::verify;

use crate::files::ct;
use crate::login::{self, WORD};
use crate::server::{Answer, Server, encoded, send};

const KEY: [u8; 32] = [7; 32];

/// Files of the program grow to this size, bytes; then the system refuses as a full disk does.
const MOST: u64 = 4 << 20;
/// So much is left when it starts.
const LEFT: u64 = 2500;

fn record(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

/// Fills the record up to what is left.
fn fill(path: &Path) {
    let audit = Audit::open(path, &KEY).unwrap();
    loop {
        let room = MOST - LEFT - record(path);
        let mut event = Event::new(Kind::Search, Outcome::Success);
        if room < 400 {
            return;
        }
        event.reason = "x".repeat(usize::try_from(room - 300).unwrap().min(60_000));
        audit.add_now(event).unwrap();
    }
}

#[test]
fn t22_on_a_full_disk_nothing_is_served_and_with_room_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    ct("1", "2", 1).write(&data, "a.dcm");
    let server = Server::start(login::configured(folder.path(), "optional"));
    server.wait_until_indexed();
    let cookie = login::user(&server, "rad", "radiologist");
    drop(server);
    let path = folder.path().join("audit.jsonl");
    fill(&path);
    // A signal would end the program; a disk that is full sends none.
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .args(["prlimit", &format!("--fsize={MOST}:unlimited")])
        .arg(env!("CARGO_BIN_EXE_sagitta"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .arg("--index")
        .arg(folder.path().join("index.db"))
        .arg("--config")
        .arg(folder.path().join("gateway.toml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh and prlimit are missing");
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let address = line.trim().rsplit("//").next().unwrap();
    let address = address.trim_end_matches('/').to_owned();
    let ask = |method: &str, path: &str, more: &[(&str, &str)], body: &str| -> Answer {
        let length = body.len().to_string();
        let mut headers = vec![
            ("Host", address.as_str()),
            ("Connection", "close"),
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Sagitta", "1"),
            ("Content-Length", &length),
        ];
        headers.extend(more);
        let to = address.parse().unwrap();
        send(to, method, path, &headers, body.as_bytes())
    };
    let get = |path: &str| ask("GET", path, &[("Cookie", &cookie)], "");
    // Searches are served as long as they can be put on record; even the shortest is not in the end.
    let mut served = 0;
    for letters in [150, 50, 0] {
        let path = format!("/dicomweb/studies?PatientName={}", "x".repeat(letters));
        let refused = (0..40).find_map(|_| {
            let answer = get(if letters == 0 {
                "/dicomweb/studies"
            } else {
                &path
            });
            served += usize::from(answer.status == 200);
            (answer.status != 200).then_some(answer)
        });
        let refused = refused.expect("the disk was not full");
        assert_eq!(
            (refused.status, refused.error_code()),
            (503, "audit_unavailable".into())
        );
    }
    assert!(served > 0);
    // No image, no metadata, nothing else that goes on record.
    for path in [
        "/dicomweb/studies/1/series/2/instances/2.1/frames/1",
        "/dicomweb/studies/1/series/2/thumbnail",
        "/dicomweb/studies/1/metadata",
        "/dicomweb/studies/1/series",
        "/api/studies/1/files?reason=x",
        "/api/audit",
    ] {
        let answer = get(path);
        assert_eq!(
            (answer.status, answer.error_code()),
            (503, "audit_unavailable".into()),
            "{path}"
        );
    }
    // A login is shorter; one may still have room.
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let body = encoded(&[("name", "rad"), ("password", WORD)]);
    let logins: Vec<Answer> = (0..3)
        .map(|_| ask("POST", "/auth/login", &form, &body))
        .collect();
    let last = logins.last().unwrap();
    assert_eq!((last.status, last.cookie()), (503, None));
    // What is no event is answered: whoever looks after the gateway sees that it is there.
    assert_eq!(get("/healthz").status, 200);
    // There is room again: it goes on without a new start.
    let pid = child.id().to_string();
    let more = Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=unlimited"])
        .status()
        .unwrap();
    assert!(more.success());
    let frames = get("/dicomweb/studies/1/series/2/instances/2.1/frames/1");
    assert_eq!(frames.status, 200);
    child.kill().unwrap();
    child.wait().unwrap();
    let found = verify(&path, &KEY).unwrap();
    assert_eq!(found.broken, None);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("\"kind\":\"frames_served\"").count(), 1);
}
