//! Commands of whoever looks after the store: deletion and its undoing, the look at index and disk, and the steps of docs/backup.md.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use gateway::audit::event::{Kind, Outcome};
use gateway::audit::search::{Wanted, oldest_first};
use tempfile::TempDir;

use crate::files::ct;
use crate::login;
use crate::server::Server;
use crate::stow::{files, multipart, post};

/// A gateway with login over a store folder alone; study 1 of two series and three instances is stored.
fn house() -> (TempDir, Server, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("store")).unwrap();
    let server = start(folder.path());
    let cookie = login::user(&server, "rad", "radiologist");
    let sent = [ct("1", "1.2", 1), ct("1", "1.2", 2), ct("1", "1.3", 1)];
    let (media, body) = multipart(&sent.map(|made| made.bytes()));
    let headers = [
        ("Content-Type", media.as_str()),
        ("Cookie", cookie.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
        ("X-Sagitta", "1"),
    ];
    let answer = post(&server, "/dicomweb/studies", &headers, &body);
    assert_eq!(answer.status, 200);
    (folder, server, cookie)
}

fn start(folder: &Path) -> Server {
    let mut options = login::configured(folder, "optional");
    options.data.clear();
    options.store = Some(folder.join("store"));
    let server = Server::start(options);
    server.wait_until_indexed();
    server
}

fn sagitta(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sagitta"))
        .args(words)
        .arg("--config")
        .arg(folder.join("gateway.toml"))
        .arg("--store")
        .arg(folder.join("store"))
        .arg("--index")
        .arg(folder.join("index.db"))
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn count(server: &Server, cookie: &str) -> usize {
    let found = server.request("GET", "/dicomweb/instances", &[("Cookie", cookie)]);
    found.json().as_array().unwrap().len()
}

#[test]
fn a_study_is_deleted_by_a_command_alone_and_comes_back() {
    let (folder, server, cookie) = house();
    let store = folder.path().join("store");
    let at = folder.path();
    assert_eq!(count(&server, &cookie), 3);
    // No address deletes anything.
    let own = [
        ("Cookie", cookie.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
        ("X-Sagitta", "1"),
    ];
    assert_eq!(
        server.request("DELETE", "/dicomweb/studies/1", &own).status,
        405
    );
    let words = said(&sagitta(at, &["store", "delete", "1", "1.2"]));
    assert!(words.starts_with("2 files are in the trash"), "{words}");
    server.wait_until(|server| count(server, &cookie) == 1);
    said(&sagitta(at, &["store", "delete", "1"]));
    server.wait_until(|server| count(server, &cookie) == 0);
    let names = said(&sagitta(at, &["store", "list"]));
    assert_eq!(names.lines().count(), 2);
    let first = names.lines().next().unwrap();
    assert_eq!(said(&sagitta(at, &["store", "undo"])), "1 files are back\n");
    assert_eq!(
        said(&sagitta(at, &["store", "undo", first])),
        "2 files are back\n"
    );
    server.wait_until(|server| count(server, &cookie) == 3);
    assert_eq!(files(&store).len(), 3);
    for (words, expected) in [
        (vec!["store", "undo"], "no such deletion"),
        (vec!["store", "delete", "9"], "nothing of this"),
        (vec!["store", "delete", "../.."], "nothing of this"),
    ] {
        let error = refused(&sagitta(at, &words));
        assert!(error.contains(expected), "{error}");
    }
    // The gateway writes down what was done beside it.
    let record = at.join("audit.jsonl");
    let kinds = || {
        let mut all = Vec::new();
        oldest_first(&record, &Wanted::default(), |_, record, _| {
            let event = &record.event;
            if event.actor.user == "(command line)" {
                all.push((event.kind, event.outcome, event.object.other.clone()));
            }
            Ok(())
        })
        .unwrap();
        all
    };
    server.wait_until(|_| kinds().len() == 4);
    let done = |kind, files: &str| (kind, Outcome::Success, files.to_owned());
    let expected = [
        done(Kind::Deleted, "2 files"),
        done(Kind::Deleted, "1 files"),
        done(Kind::Stored, ""),
        done(Kind::Stored, ""),
    ];
    assert_eq!(kinds(), expected);
}

#[test]
fn what_lies_in_a_data_folder_is_not_deleted() {
    let (folder, server) = login::server("optional");
    fs::create_dir(folder.path().join("store")).unwrap();
    drop(server);
    let error = refused(&sagitta(folder.path(), &["store", "delete", "1"]));
    assert!(
        error.contains("data folders are never written to"),
        "{error}"
    );
    assert!(folder.path().join("data/a.dcm").exists());
}

#[test]
fn the_doctor_finds_what_does_not_fit_and_repairs_it() {
    let (folder, server, _) = house();
    let (at, store) = (folder.path(), folder.path().join("store"));
    drop(server);
    let sound = said(&sagitta(at, &["doctor", "--deep"]));
    assert_eq!(sound, "3 files: index and files agree\n");
    let all = files(&store);
    // One goes, one comes, one is another, one has been changed behind its time, and something is half.
    fs::remove_file(&all[0]).unwrap();
    ct("7", "7.2", 1).write(&store, "extra.dcm");
    let mut bytes = fs::read(&all[1]).unwrap();
    bytes.extend([0; 8]);
    fs::write(&all[1], bytes).unwrap();
    let time = fs::metadata(&all[2]).unwrap().modified().unwrap();
    let bytes = fs::read(&all[2]).unwrap();
    fs::write(&all[2], crate::stow::replaced(&bytes, b"Thorax", b"Throat")).unwrap();
    fs::File::options()
        .write(true)
        .open(&all[2])
        .unwrap()
        .set_modified(time)
        .unwrap();
    fs::write(store.join(".incoming/7.part"), "half").unwrap();
    fs::write(store.join("fake.dcm"), "no DICOM").unwrap();
    let database = rusqlite::Connection::open(at.join("index.db")).unwrap();
    database
        .execute(
            "UPDATE series SET instance_count = 99 WHERE uid = '1.3'",
            [],
        )
        .unwrap();
    drop(database);
    let lines = |text: &str| -> Vec<String> {
        let kind = |line: &str| line.split('\t').next().unwrap().to_owned();
        text.lines().map(kind).collect()
    };
    let usual = refused(&sagitta(at, &["doctor"]));
    let usual = lines(&usual);
    let expected = [
        "sagitta: missing",
        "not indexed",
        "not indexed",
        "altered",
        "half",
        "1 series are counted wrongly",
        "4 files: index and files disagree; --repair brings the index to what the files are",
    ];
    assert_eq!(usual, expected);
    let deep = refused(&sagitta(at, &["doctor", "--deep"]));
    assert_eq!(
        lines(&deep)
            .iter()
            .filter(|line| *line == "altered")
            .count(),
        2
    );
    let repaired = said(&sagitta(at, &["doctor", "--deep", "--repair"]));
    assert!(
        repaired.ends_with("4 files: index and files agree again\n"),
        "{repaired}"
    );
    let after = said(&sagitta(at, &["doctor", "--deep"]));
    assert_eq!(lines(&after), ["refused", "4 files: index and files agree"]);
    let server = start(at);
    let found = server.state.store.progress();
    assert_eq!(found.opened.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn a_backup_as_it_is_described_brings_everything_back() {
    let (folder, server, cookie) = house();
    let at = folder.path();
    // The steps of docs/backup.md, while the gateway runs: users first, then the store, then the record.
    let backup = tempfile::tempdir().unwrap();
    let to = |name: &str| backup.path().join(name);
    let copy = format!("VACUUM INTO '{}'", to("users.db").display());
    rusqlite::Connection::open(at.join("users.db"))
        .unwrap()
        .execute(&copy, [])
        .unwrap();
    let copied = Command::new("cp")
        .arg("-a")
        .arg(at.join("store"))
        .arg(to("store"))
        .status();
    assert!(copied.unwrap().success());
    for name in ["gateway.toml", "audit.key", "audit.jsonl"] {
        assert!(
            Command::new("cp")
                .arg("-a")
                .arg(at.join(name))
                .arg(to(name))
                .status()
                .unwrap()
                .success()
        );
    }
    drop(server);
    // Everything is lost, and comes from the backup; there is no index.
    let server = start_from(backup.path());
    assert_eq!(count(&server, &cookie), 3);
    let frame = "/dicomweb/studies/1/series/1.2/instances/1.2.1/frames/1";
    assert_eq!(
        server.request("GET", frame, &[("Cookie", &cookie)]).status,
        200
    );
    drop(server);
    assert_eq!(
        said(&sagitta(backup.path(), &["doctor", "--deep"])),
        "3 files: index and files agree\n"
    );
    let verified = Command::new(env!("CARGO_BIN_EXE_sagitta"))
        .args(["audit", "verify", "--config"])
        .arg(to("gateway.toml"))
        .output()
        .unwrap();
    assert!(said(&verified).contains("all sound"));
}

fn start_from(folder: &Path) -> Server {
    let options = gateway::command::ServeOptions {
        config: Some(folder.join("gateway.toml")),
        store: Some(folder.join("store")),
        index: Some(folder.join("index.db")),
        listen: Some("127.0.0.1:0".into()),
        app: Some(folder.join("no-app")),
        ..gateway::command::ServeOptions::default()
    };
    let server = Server::start(options);
    server.wait_until_indexed();
    server
}
