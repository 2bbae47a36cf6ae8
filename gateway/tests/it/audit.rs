//! The audit record over a socket: who reads what of it, over several files, and its forms for other systems.

use std::path::{Path, PathBuf};
use std::process::Command;

use gateway::audit::event::{Actor, Event, Kind, Object, Outcome};
use gateway::audit::files::closed;
use gateway::command::ServeOptions;
use serde_json::Value;

use crate::files::ct;
use crate::login;
use crate::server::{Answer, Server, encoded};

fn with(cookie: &str) -> [(&str, &str); 1] {
    [("Cookie", cookie)]
}

/// A gateway whose record has small files.
fn server() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    ct("1", "2", 1).write(&data, "a.dcm");
    let server = Server::start(options(folder.path()));
    server.wait_until_indexed();
    (folder, server)
}

fn options(folder: &Path) -> ServeOptions {
    let options = login::configured(folder, "optional");
    let config = options.config.clone().unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(config, format!("{text}rotate = \"4KiB\"\n")).unwrap();
    options
}

/// One event of each kind with everything that it can have, and one with as little as possible.
fn one_of_each(server: &Server) {
    let audit = &server.state.login.as_ref().unwrap().audit;
    for kind in Kind::ALL {
        let mut event = Event::new(kind, Outcome::Success);
        event.actor = Actor {
            user: "ada <&\"'>".into(),
            session: "0123abcd".into(),
            roles: vec!["radiologist".into(), "auditor".into()],
            address: "192.0.2.7".into(),
        };
        event.object = Object {
            source: "local".into(),
            study: "1.2.840.1".into(),
            patient: "CANARY <&> 1".into(),
            other: "PatientName=M\u{fc}ller&x=<y>\u{1}".into(),
        };
        event.request = "0f0e-1".into();
        event.reason = "because & <so>".into();
        event.happened = Some(jiff::Timestamp::UNIX_EPOCH);
        let mut bare = Event::new(kind, Outcome::Refused);
        bare.actor.user = "bare".into();
        audit.add_now(event).unwrap();
        audit.add_now(bare).unwrap();
    }
}

fn export(server: &Server, cookie: &str, form: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("format", form)];
    fields.extend(more);
    let path = format!("/api/audit/export?{}", encoded(&fields));
    server.request("GET", &path, &with(cookie))
}

/// The Python with what `cargo xtask test` takes from PyPI.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), PathBuf::from);
    let python = target.join("audit-forms/bin/python");
    assert!(
        python.is_file(),
        "fhir.resources and lxml of PyPI are missing: cargo xtask test installs them"
    );
    python
}

/// What the checker of exports says.
fn checked(arguments: &[&str]) -> Value {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
    if arguments[0] == "dicom" {
        let schema = here.join("audit_message.rng");
        arguments.push(schema.to_str().unwrap().to_owned());
    }
    let out = Command::new(python())
        .arg(here.join("audit_forms.py"))
        .args(arguments)
        .output()
        .expect("the Python of the tests does not start");
    let words = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{words}");
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn exports_are_what_fhir_balp_and_dicom_ask_for() {
    let (folder, server) = server();
    one_of_each(&server);
    let cookie = login::user(&server, "watch", "auditor");
    let write = |name: &str, form: &str| {
        let answer = export(&server, &cookie, form, &[]);
        assert_eq!(answer.status, 200);
        let path = folder.path().join(name);
        std::fs::write(&path, &answer.body).unwrap();
        (path, answer)
    };
    let (path, answer) = write("audit.json", "fhir");
    assert_eq!(
        answer.header("content-type").unwrap(),
        "application/fhir+json"
    );
    let disposition = answer.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment; "), "{disposition}");
    let found = checked(&["fhir", path.to_str().unwrap()]);
    // Two of each kind, and what happened before and since: start, first login, rights, readings of the record.
    let events = found["events"].as_u64().unwrap();
    assert!(events > 2 * Kind::ALL.len() as u64, "{found}");
    for (profile, least) in [
        ("PatientRead", 2),
        ("PatientQuery", 1),
        ("PatientCreate", 1),
        ("PrivacyDisclosure.Source", 3),
    ] {
        assert!(
            found["profiles"][profile].as_u64() >= Some(least),
            "{found}"
        );
    }
    let bundle: Value = serde_json::from_slice(&answer.body).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    let of = |code: &str| {
        let is_of = |entry: &&Value| entry["resource"].to_string().contains(code);
        entries.iter().find(is_of).unwrap()["resource"].clone()
    };
    // The query as it was asked, in base64: "?PatientName=Müller&x=<y>\u{1}".
    let search = of("P1BhdGllbnROYW1lPU3DvGxsZXImeD08eT4B");
    assert_eq!(search["action"], "E");
    let emergency = of("BTG");
    assert!(emergency.to_string().contains("110127"));
    assert_eq!(emergency["outcomeDesc"], "because & <so>");
    assert_eq!(emergency["period"]["start"], "1970-01-01T00:00:00.000000Z");

    let (path, _) = write("audit.ndjson", "ndjson");
    let lines = checked(&["fhir", path.to_str().unwrap()]);
    // The reading before it is in it.
    assert_eq!(lines["events"].as_u64().unwrap(), events + 1);

    let (path, answer) = write("audit.xml", "dicom");
    assert!(answer.header("content-type").unwrap().contains("xml"));
    let found = checked(&["dicom", path.to_str().unwrap()]);
    assert_eq!(found["events"].as_u64().unwrap(), events + 2);
    let kinds = found["kinds"].as_object().unwrap();
    let kinds: std::collections::BTreeSet<&str> = kinds.keys().map(String::as_str).collect();
    let expected = [
        "110100", "110101", "110103", "110104", "110105", "110106", "110107", "110112", "110113",
        "110114",
    ];
    assert_eq!(kinds, expected.into());
    assert!(
        String::from_utf8(answer.body)
            .unwrap()
            .contains("X-Request-Id")
    );

    // Lines are those of the files, with their codes.
    let (_, answer) = write("lines.jsonl", "jsonl");
    let record = folder.path().join("audit.jsonl");
    let files = closed(&record).unwrap();
    assert!(files.len() > 2, "{files:?}");
    let files = files.iter().map(|it| it.path.clone()).chain([record]);
    let all: String = files
        .map(|it| std::fs::read_to_string(it).unwrap())
        .collect();
    let exported = String::from_utf8(answer.body).unwrap();
    assert_eq!(exported, all);
}

#[test]
fn exports_are_for_auditors_and_on_record_before_they_are_answered() {
    let (folder, server) = server();
    one_of_each(&server);
    let watch = login::user(&server, "watch", "auditor");
    for role in ["radiologist", "referrer", "technologist", "admin", "ai"] {
        let cookie = login::user(&server, role, role);
        assert_eq!(export(&server, &cookie, "fhir", &[]).status, 404, "{role}");
    }
    assert_eq!(server.get("/api/audit/export?format=fhir").status, 401);
    for wrong in ["", "pdf"] {
        assert_eq!(export(&server, &watch, wrong, &[]).status, 400, "{wrong}");
    }
    assert_eq!(
        export(&server, &watch, "fhir", &[("color", "red")]).status,
        400
    );
    let only = [("kind", "glass_broken"), ("outcome", "success")];
    let answer = export(&server, &watch, "jsonl", &only);
    let lines = String::from_utf8(answer.body).unwrap();
    assert_eq!(lines.lines().count(), 1);
    assert!(lines.contains("CANARY"));
    // Nothing matches: a bundle all the same.
    let none = export(&server, &watch, "fhir", &[("user", "nobody")]).json();
    assert_eq!(none["type"], "collection");
    assert!(none.get("entry").is_none());
    let search = server.request(
        "GET",
        "/api/audit?kind=audit_read&user=watch",
        &with(&watch),
    );
    let events = search.json()["events"].as_array().unwrap().clone();
    let asked: Vec<&str> = events
        .iter()
        .map(|event| event["object"]["other"].as_str().unwrap())
        .collect();
    assert_eq!(
        asked,
        [
            "kind=audit_read&user=watch",
            "format=fhir&user=nobody",
            "format=jsonl&kind=glass_broken&outcome=success",
        ]
    );
    drop(server);
    let verified = gateway::audit::verify::verify(&folder.path().join("audit.jsonl"), &[7; 32]);
    assert_eq!(verified.unwrap().broken, None);
}

#[test]
fn the_record_is_searched_over_all_its_files_page_by_page() {
    let (folder, server) = server();
    let audit = &server.state.login.as_ref().unwrap().audit;
    for index in 0..60 {
        let mut event = Event::new(Kind::StudyOpened, Outcome::Success);
        event.actor.user = "ada".into();
        event.actor.address = format!("192.0.2.{}", index % 2);
        event.actor.session = format!("{:08x}", index % 3);
        event.object.source = ["north", "south"][index % 2].into();
        event.object.patient = format!("P{index}");
        event.request = format!("request-{index}");
        audit.add_now(event).unwrap();
    }
    assert!(closed(&folder.path().join("audit.jsonl")).unwrap().len() > 2);
    let watch = login::user(&server, "watch", "auditor");
    let patients = |query: &str| -> Vec<String> {
        let (mut found, mut older) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/audit?user=ada&limit=7&{query}{older}");
            let page = server.request("GET", &path, &with(&watch)).json();
            let events = page["events"].as_array().unwrap();
            let patient = |it: &Value| it["object"]["patient"].as_str().unwrap().to_owned();
            found.extend(events.iter().map(patient));
            match page["older"].as_u64() {
                Some(number) => older = format!("&older={number}"),
                None => return found,
            }
        }
    };
    let expected = |wanted: &dyn Fn(usize) -> bool| -> Vec<String> {
        let all = (0..60).rev().filter(|it| wanted(*it));
        all.map(|it| format!("P{it}")).collect()
    };
    assert_eq!(patients(""), expected(&|_| true));
    assert_eq!(patients("address=192.0.2.1"), expected(&|it| it % 2 == 1));
    assert_eq!(patients("session=00000002"), expected(&|it| it % 3 == 2));
    assert_eq!(patients("source=north"), expected(&|it| it % 2 == 0));
    assert_eq!(patients("request=request-17"), ["P17"]);
    assert_eq!(patients("outcome=success&patient=P3"), ["P3"]);
    assert!(patients("outcome=refused").is_empty());
    let bad = server.request("GET", "/api/audit?outcome=perhaps", &with(&watch));
    assert_eq!(bad.status, 400);
}

#[test]
fn the_page_is_for_those_who_may_read_and_leads_others_to_the_login() {
    let (_folder, server) = server();
    let text = |answer: &Answer| String::from_utf8(answer.body.clone()).unwrap();
    let stranger = server.get("/audit");
    assert_eq!(
        (stranger.status, stranger.header("location").unwrap()),
        (303, "/auth/login")
    );
    let watch = login::user(&server, "watch", "auditor");
    let page = server.request("GET", "/audit", &with(&watch));
    assert_eq!(page.status, 200);
    assert!(text(&page).contains("data-format=\"fhir\"") && text(&page).contains("id=\"user\""));
    assert!(!text(&page).contains("what the record says of you"));
    // A kind that is named nowhere else has a name here.
    for kind in Kind::ALL {
        assert!(text(&page).contains(&format!("value=\"{}\"", kind.name())));
    }
    let rad = login::user(&server, "rad", "radiologist");
    let page = text(&server.request("GET", "/audit", &with(&rad)));
    assert!(page.contains("what the record says of you") && !page.contains("data-format"));
    let tech = login::user(&server, "tech", "technologist");
    let page = server.request("GET", "/audit", &with(&tech));
    assert_eq!(page.status, 404);
    assert!(text(&page).contains("may not read") && !text(&page).contains("audit.js"));
    // A locked session first.
    server.json("/api/session/lock", Some(&watch), "");
    let locked = server.request("GET", "/audit", &with(&watch));
    assert_eq!(locked.header("location").unwrap(), "/auth/unlock");
    for file in ["audit.js", "audit.css"] {
        assert_eq!(server.get(&format!("/audit/{file}")).status, 200);
    }
}
