//! Who gets what of another hospital's server, and when it is asked at all.

use std::collections::BTreeSet;

use gateway::auth::labels;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::elsewhere::{Elsewhere, send, source};
use crate::files::ct;
use crate::login;
use crate::server::Server;

const OF_A_STUDY: [&str; 7] = [
    "/dicomweb/north/studies/{}/metadata",
    "/dicomweb/north/studies/{}/series/{}.1/metadata",
    "/dicomweb/north/studies/{}/series/{}.1/instances/{}.1.1/metadata",
    "/dicomweb/north/studies/{}/series/{}.1/instances/{}.1.1/frames/1",
    "/dicomweb/north/studies/{}/series/{}.1/instances/{}.1.1/bulk/7FE00010",
    "/dicomweb/north/studies/{}/series/{}.1/instances/{}.1.1/thumbnail",
    "/dicomweb/north/studies/{}/series/{}.1/thumbnail",
];

const LISTS_OF_A_STUDY: [&str; 3] = [
    "/dicomweb/north/studies/{}/series",
    "/dicomweb/north/studies/{}/instances",
    "/dicomweb/north/studies/{}/series/{}.1/instances",
];

const LISTS: [&str; 3] = [
    "/dicomweb/north/studies",
    "/dicomweb/north/series",
    "/dicomweb/north/instances",
];

/// Studies of the other hospital and who referred them.
const STUDIES: [(&str, &str); 3] = [("5.1", "Doe^Jane"), ("5.2", "Roe^Richard"), ("5.3", "")];

fn set(study: &str) -> Value {
    let referring = STUDIES
        .iter()
        .find(|it| it.0 == study)
        .map_or("", |it| it.1);
    json!({
        "00080018": {"vr": "UI", "Value": [format!("{study}.1.1")]},
        "00080090": {"vr": "PN", "Value": [{"Alphabetic": referring}]},
        "00100020": {"vr": "LO", "Value": [format!("P-{study}")]},
        "0020000D": {"vr": "UI", "Value": [study]},
        "0020000E": {"vr": "UI", "Value": [format!("{study}.1")]},
        "7FE00010": {"vr": "OW", "BulkDataURI": "bulk"},
    })
}

/// Another hospital's server.
fn north() -> Elsewhere {
    Elsewhere::start(|asked, stream| {
        let path = asked.path();
        let query = asked.target.split_once('?').map_or("", |it| it.1);
        let named: Vec<&str> = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("StudyInstanceUID="))
            .map(|list| list.split(',').collect())
            .unwrap_or_default();
        let below = path
            .strip_prefix("/dicom-web/studies/")
            .and_then(|rest| rest.split('/').next());
        let page: usize = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("offset="))
            .map_or(0, |text| text.parse().unwrap());
        if path.ends_with("/thumbnail") {
            return send(stream, "image/png", b"\x89PNG\r\n\x1a\n");
        }
        if path.contains("/frames/") || path.ends_with("/bulk") {
            return send(stream, "application/octet-stream", b"pixels");
        }
        let all: Vec<Value> = STUDIES
            .iter()
            .map(|(uid, _)| *uid)
            .filter(|uid| named.is_empty() || named.contains(uid))
            .filter(|uid| below.is_none_or(|below| below == *uid))
            .map(set)
            .skip(page)
            .collect();
        send(
            stream,
            "application/dicom+json",
            json!(all).to_string().as_bytes(),
        );
    })
}

/// A gateway with login over that server. Study 5.2 is labelled `board`, which gives nothing by itself.
fn here(north: &Elsewhere) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    ct("1", "2", 1).write(&data, "a.dcm");
    let options = login::configured(folder.path(), "optional");
    let config = options.config.clone().unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + &source("north", &north.root(), "")).unwrap();
    let server = Server::start(options);
    server.wait_until_indexed();
    let database = &server.state.login.as_ref().unwrap().database;
    labels::set(
        database,
        "north",
        "5.2",
        &BTreeSet::from(["board".to_owned()]),
    )
    .unwrap();
    // The same study here is another one.
    labels::set(
        database,
        "local",
        "5.3",
        &BTreeSet::from(["board".to_owned()]),
    )
    .unwrap();
    (folder, server)
}

/// Someone with a role and these sites, names and labels.
fn user(server: &Server, name: &str, role: &str, [sites, referrers, labels]: [&str; 3]) -> String {
    let cookie = login::user(server, name, role);
    let list = |text: &str| json!(text.split_whitespace().collect::<Vec<_>>()).to_string();
    let database = &server.state.login.as_ref().unwrap().database;
    let set = "UPDATE user SET sites = ?2, referrers = ?3, labels = ?4 WHERE name = ?1";
    let values = [name.to_owned(), list(sites), list(referrers), list(labels)];
    assert_eq!(database.lock().execute(set, values).unwrap(), 1);
    cookie
}

fn studies(answer: &Value) -> BTreeSet<String> {
    let uid = |set: &Value| set["0020000D"]["Value"][0].as_str().unwrap().to_owned();
    answer.as_array().unwrap().iter().map(uid).collect()
}

#[test]
fn t12_every_route_of_a_source_gives_each_role_what_its_table_says_and_asks_it_for_nothing_else() {
    let north = north();
    let (_folder, server) = here(&north);
    // What each may see and find, and whether the source is asked for what he may not.
    type Row<'a> = (
        &'a str,
        &'a str,
        [&'a str; 3],
        &'a [&'a str],
        &'a [&'a str],
        bool,
    );
    let everybody: [Row<'_>; 9] = [
        ("root", "admin", ["*", "", "board"], &[], &[], false),
        ("watch", "auditor", ["*", "", "board"], &[], &[], false),
        ("rad", "radiologist", ["local", "", ""], &[], &[], false),
        (
            "rad-n",
            "radiologist",
            ["north", "", ""],
            &["5.1", "5.2", "5.3"],
            &["5.1", "5.2", "5.3"],
            false,
        ),
        (
            "rad-all",
            "radiologist",
            ["*", "", ""],
            &["5.1", "5.2", "5.3"],
            &["5.1", "5.2", "5.3"],
            false,
        ),
        (
            "tech",
            "technologist",
            ["local", "", "board"],
            &[],
            &[],
            false,
        ),
        ("program", "ai", ["*", "", "board"], &["5.2"], &[], false),
        // Who referred a study only its source knows.
        (
            "ref",
            "referrer",
            ["", "doe^jane", ""],
            &["5.1"],
            &["5.1"],
            true,
        ),
        (
            "ref-b",
            "referrer",
            ["", "doe^jane", "board"],
            &["5.1", "5.2"],
            &["5.1", "5.2"],
            true,
        ),
    ];
    let mut requests = 0;
    for (name, role, attributes, sees, finds, asks) in everybody {
        let cookie = user(&server, name, role, attributes);
        let headers = [("Cookie", cookie.as_str())];
        for (study, _) in STUDIES {
            let may = sees.contains(&study);
            for route in OF_A_STUDY.iter().chain(&LISTS_OF_A_STUDY) {
                let path = route.replace("{}", study);
                let before = north.asked().len();
                let answer = server.request("GET", &path, &headers);
                let asked: Vec<_> = north.asked().split_off(before);
                let is_list = LISTS_OF_A_STUDY.contains(route);
                if !may {
                    assert_eq!(
                        answer.status,
                        if is_list { 200 } else { 404 },
                        "{name} {path}"
                    );
                    if is_list {
                        assert_eq!(answer.json(), json!([]), "{name} {path}");
                    } else {
                        // It looks like what is not there.
                        let local = route.replace("north", "local").replace("{}", "9.9");
                        let nothing = server.request("GET", &local, &headers);
                        assert_eq!(answer.body, nothing.body, "{name} {path}");
                    }
                    let of_rights =
                        |target: &str| target.starts_with("/dicom-web/studies?StudyInstanceUID=");
                    assert!(
                        asked.iter().all(|it| asks && of_rights(&it.target)),
                        "{name} {path} {asked:?}"
                    );
                } else {
                    assert_eq!(answer.status, 200, "{name} {path}");
                    assert!(
                        !answer.body.is_empty() && !asked.is_empty(),
                        "{name} {path}"
                    );
                    if is_list {
                        assert_eq!(
                            studies(&answer.json()),
                            [study.to_owned()].into(),
                            "{name} {path}"
                        );
                    }
                }
                requests += 1;
            }
        }
        for path in LISTS {
            let before = north.asked().len();
            let answer = server.request("GET", path, &headers);
            let expected = finds.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(studies(&answer.json()), expected, "{name} {path}");
            assert_eq!(
                north.asked().len() > before,
                !finds.is_empty(),
                "{name} {path}"
            );
            requests += 1;
        }
        let config = server.request("GET", "/config.json", &headers).json();
        let count = config["sources"].as_array().unwrap().len();
        assert_eq!(count == 2, !sees.is_empty(), "{name} {config}");
    }
    println!("{requests} requests");
}

#[test]
fn t12_without_a_session_or_with_a_locked_one_a_source_is_asked_for_nothing() {
    let north = north();
    let (_folder, server) = here(&north);
    let cookie = user(&server, "rad", "radiologist", ["*", "", ""]);
    let locked = "UPDATE session SET seen = seen - 100000";
    server
        .state
        .login
        .as_ref()
        .unwrap()
        .database
        .lock()
        .execute(locked, [])
        .unwrap();
    for headers in [vec![], vec![("Cookie", cookie.as_str())]] {
        for route in OF_A_STUDY.iter().chain(&LISTS_OF_A_STUDY).chain(&LISTS) {
            let path = route.replace("{}", "5.1");
            assert_eq!(server.request("GET", &path, &headers).status, 401, "{path}");
        }
    }
    assert_eq!(north.asked().len(), 0);
}

#[test]
fn t12_pages_of_a_list_count_only_what_may_be_found() {
    let north = north();
    let (_folder, server) = here(&north);
    let cookie = user(&server, "ref", "referrer", ["", "doe^jane", "board"]);
    let headers = [("Cookie", cookie.as_str())];
    let get = |query: &str| {
        let path = format!("/dicomweb/north/studies?{query}");
        studies(&server.request("GET", &path, &headers).json())
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(get(""), ["5.1", "5.2"]);
    assert_eq!(get("limit=1"), ["5.1"]);
    assert_eq!(get("limit=1&offset=1"), ["5.2"]);
    assert_eq!(get("limit=1&offset=2"), [""; 0]);
    assert_eq!(get("StudyInstanceUID=5.3"), [""; 0]);
    assert_eq!(get("StudyInstanceUID=5.1,5.3"), ["5.1"]);
}

#[test]
fn t22_what_is_read_of_a_source_is_on_record_with_its_name_and_patient() {
    let north = north();
    let (folder, server) = here(&north);
    let cookie = user(&server, "rad", "radiologist", ["north", "", ""]);
    let headers = [("Cookie", cookie.as_str())];
    let record = || -> Vec<Value> {
        let text = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let of = |kind: &str| -> Vec<Value> {
        let is = |event: &Value| event["kind"] == kind;
        record()
            .into_iter()
            .filter(is)
            .map(|event| event["object"].clone())
            .collect()
    };
    for _ in 0..2 {
        server.request("GET", "/dicomweb/north/studies/5.1/metadata", &headers);
        server.request("GET", &OF_A_STUDY[3].replace("{}", "5.1"), &headers);
    }
    let object = json!({"source": "north", "study": "5.1", "patient": "P-5.1"});
    for kind in ["study_opened", "frames_served"] {
        assert_eq!(of(kind), std::slice::from_ref(&object), "{kind}");
    }
    server.request("GET", "/dicomweb/north/studies?PatientName=X", &headers);
    assert_eq!(
        of("search"),
        [json!({"source": "north", "other": "PatientName=X"})]
    );
    // A study of the same UID at another source is another study.
    server.request("GET", "/dicomweb/local/studies/5.1/metadata", &headers);
    let cookie = user(&server, "local", "radiologist", ["local", "", ""]);
    let path = "/dicomweb/north/studies/5.1/metadata";
    assert_eq!(
        server.request("GET", path, &[("Cookie", &cookie)]).status,
        404
    );
    assert_eq!(
        of("denied").last().unwrap(),
        &json!({"source": "north", "study": "5.1"})
    );
    // What is not there is not said to have been seen.
    let before = of("study_opened").len();
    let path = "/dicomweb/north/studies/7.7/metadata";
    assert_eq!(server.request("GET", path, &headers).status, 404);
    assert_eq!(of("study_opened").len(), before);
}

#[test]
fn t12_a_link_to_a_study_of_a_source_opens_that_one_there() {
    let north = north();
    let (_folder, server) = here(&north);
    let cookie = user(&server, "rad", "radiologist", ["north", "", ""]);
    let body = json!({"source": "north", "study": "5.1", "days": 7});
    let made = server.json("/api/shares", Some(&cookie), &body.to_string());
    assert_eq!(made.status, 201);
    let path = made.json()["path"].as_str().unwrap().to_owned();
    let (id, secret) = path.split_once("#v1.").unwrap().1.split_once('.').unwrap();
    let halves = json!({"id": id, "secret": secret});
    let opened = server.json("/api/shares/redeem", None, &halves.to_string());
    assert_eq!(opened.json()["source"], "north");
    let link = opened.cookie().unwrap();
    let status = |path: &str| server.request("GET", path, &[("Cookie", &link)]).status;
    assert_eq!(status("/dicomweb/north/studies/5.1/metadata"), 200);
    let before = north.asked().len();
    assert_eq!(status("/dicomweb/north/studies/5.2/metadata"), 404);
    assert_eq!(status("/dicomweb/local/studies/5.1/metadata"), 404);
    assert_eq!(north.asked().len(), before);
    // Files are not given away from there, and of a study that is not there nothing is.
    let body = json!({"source": "north", "study": "5.1", "days": 7, "download": true, "note": "x"});
    assert_eq!(
        server
            .json("/api/shares", Some(&cookie), &body.to_string())
            .status,
        400
    );
    let body = json!({"source": "north", "study": "7.7", "days": 7});
    assert_eq!(
        server
            .json("/api/shares", Some(&cookie), &body.to_string())
            .status,
        404
    );
    let body = json!({"source": "south", "study": "5.1", "days": 7});
    assert_eq!(
        server
            .json("/api/shares", Some(&cookie), &body.to_string())
            .error_code(),
        "source_unknown"
    );
}

#[test]
fn t12_in_an_emergency_a_study_of_a_source_is_seen_after_its_reason() {
    let north = north();
    let (_folder, server) = here(&north);
    let cookie = user(&server, "ref", "referrer", ["", "nobody", ""]);
    let get = || {
        server
            .request(
                "GET",
                "/dicomweb/north/studies/5.1/metadata",
                &[("Cookie", &cookie)],
            )
            .status
    };
    assert_eq!(get(), 404);
    let body =
        json!({"source": "north", "study": "5.1", "reason": "unconscious in the emergency room"});
    assert_eq!(
        server
            .json("/api/emergency", Some(&cookie), &body.to_string())
            .status,
        204
    );
    assert_eq!(get(), 200);
}
