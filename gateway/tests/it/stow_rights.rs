//! Who may store, what is on record of it, and that nothing is stored without.

use std::collections::BTreeSet;
use std::fs;

use gateway::audit::event::{Event, Kind, Outcome};
use gateway::audit::search::{Wanted, oldest_first};
use gateway::auth::labels;
use tempfile::TempDir;

use crate::files::{ct, empty};
use crate::login;
use crate::server::{Answer, Server};
use crate::stow::{failures, files, multipart, post, stored};

/// A gateway with login, over a study 1 and a store folder.
fn house() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["data", "store"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    ct("1", "2", 1).write(&folder.path().join("data"), "a.dcm");
    let mut options = login::configured(folder.path(), "optional");
    options.store = Some(folder.path().join("store"));
    let server = Server::start(options);
    server.wait_until_indexed();
    (folder, server)
}

fn stow(server: &Server, cookie: Option<&str>, path: &str, all: &[Vec<u8>]) -> Answer {
    let (media, body) = multipart(all);
    let mut headers = vec![
        ("Content-Type", media.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
        ("X-Sagitta", "1"),
    ];
    headers.extend(cookie.map(|cookie| ("Cookie", cookie)));
    post(server, path, &headers, &body)
}

/// Events of the record about storing.
fn events(folder: &TempDir) -> Vec<Event> {
    let mut all = Vec::new();
    oldest_first(
        &folder.path().join("audit.jsonl"),
        &Wanted::default(),
        |_, record, _| {
            if matches!(record.event.kind, Kind::Stored | Kind::Denied) {
                all.push(record.event.clone());
            }
            Ok(())
        },
    )
    .unwrap();
    all
}

#[test]
fn t12_roles_store_what_their_table_says_and_t22_it_is_on_record() {
    let (folder, server) = house();
    let login = server.state.login.as_ref().unwrap();
    let label = BTreeSet::from(["board".to_owned()]);
    labels::set(&login.database, "local", "1", &label).unwrap();
    let labelled = "UPDATE user SET labels = '[\"board\"]' WHERE name = 'ai'";
    // By hand, from the table of roles in docs/security.md: into the study that is labelled, and into a new one.
    for (number, (role, own, new)) in [
        ("admin", 403, 403),
        ("radiologist", 200, 200),
        ("referrer", 403, 403),
        ("technologist", 200, 200),
        ("ai", 200, 403),
        ("auditor", 403, 403),
    ]
    .into_iter()
    .enumerate()
    {
        let cookie = login::user(&server, role, role);
        login.database.lock().execute(labelled, []).unwrap();
        // The app offers storing to whoever could store somewhere.
        let config = server.request("GET", "/config.json", &[("Cookie", &cookie)]);
        let told = config.json()["sources"][0]["store"] == true;
        assert_eq!(told, own == 200, "{role}");
        for (study, expected) in [("1", own), ("9", new)] {
            let made = empty(
                study,
                &format!("{study}.{number}"),
                &format!("{study}.{number}.1"),
            );
            for path in [
                "/dicomweb/studies".to_owned(),
                format!("/dicomweb/local/studies/{study}"),
            ] {
                let before = events(&folder).len();
                let answer = stow(&server, Some(&cookie), &path, &[made.bytes()]);
                assert_eq!(answer.status, expected, "{role} {path}");
                let all = events(&folder);
                assert_eq!(all.len(), before + 1, "{role} {path}");
                let event = all.last().unwrap();
                assert_eq!(event.actor.user, role);
                let kind = if expected == 200 {
                    Kind::Stored
                } else {
                    Kind::Denied
                };
                assert_eq!(event.kind, kind, "{role} {path}");
                if kind == Kind::Stored {
                    assert_eq!(event.outcome, Outcome::Success);
                    assert_eq!(
                        (event.object.study.as_str(), event.object.other.as_str()),
                        (study, "1 instance")
                    );
                }
            }
        }
    }
    assert_eq!(
        stow(
            &server,
            None,
            "/dicomweb/studies",
            &[ct("1", "2", 9).bytes()]
        )
        .status,
        401
    );
    assert_eq!(files(&folder.path().join("store")).len(), 5);
}

#[test]
fn t12_a_program_adds_to_its_own_study_and_what_else_it_sends_is_not_stored() {
    let (folder, server) = house();
    let login = server.state.login.as_ref().unwrap();
    let label = BTreeSet::from(["board".to_owned()]);
    labels::set(&login.database, "local", "1", &label).unwrap();
    let cookie = login::user(&server, "program", "ai");
    let labelled = "UPDATE user SET labels = '[\"board\"]'";
    login.database.lock().execute(labelled, []).unwrap();
    let sent = [
        empty("1", "1.7", "1.7.1").bytes(),
        empty("5", "5.7", "5.7.1").bytes(),
        // It adds, and replaces nothing.
        empty("1", "2", "2.1").bytes(),
    ];
    let answer = stow(&server, Some(&cookie), "/dicomweb/studies", &sent);
    let set = answer.json();
    assert_eq!(answer.status, 202, "{set}");
    assert_eq!(stored(&set), ["1.7.1"]);
    // PS3.7 C.5: 0124 not authorized, 0111 duplicate SOP instance.
    let expected = [("5.7.1".to_owned(), 0x0124), ("2.1".to_owned(), 0x0111)];
    assert_eq!(failures(&set), expected);
    let all = events(&folder);
    let kinds: Vec<(Kind, Outcome, &str)> = all
        .iter()
        .map(|event| (event.kind, event.outcome, event.object.study.as_str()))
        .collect();
    let expected = [
        (Kind::Denied, Outcome::Refused, "5"),
        (Kind::Stored, Outcome::Success, "1"),
        (Kind::Stored, Outcome::Failed, "1"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(all[1].object.other, "2 instances");
    assert_eq!(
        (all[2].object.other.as_str(), all[2].reason.as_str()),
        ("1 instance", "there is another instance with this UID")
    );
}

#[test]
fn t05_a_page_of_another_site_stores_nothing() {
    let (folder, server) = house();
    let cookie = login::user(&server, "rad", "radiologist");
    let (media, body) = multipart(&[ct("1", "2", 2).bytes()]);
    let base = [
        ("Content-Type", media.as_str()),
        ("Cookie", cookie.as_str()),
    ];
    for more in [
        [("Sec-Fetch-Site", "cross-site"), ("X-Sagitta", "1")],
        [("Sec-Fetch-Site", "same-origin"), ("X-Other", "1")],
        [("Origin", "https://evil.example"), ("X-Sagitta", "1")],
    ] {
        let answer = post(
            &server,
            "/dicomweb/studies",
            &[&base[..], &more].concat(),
            &body,
        );
        assert_eq!(
            (answer.status, answer.error_code()),
            (403, "origin_refused".into())
        );
    }
    assert!(files(&folder.path().join("store")).is_empty());
}
