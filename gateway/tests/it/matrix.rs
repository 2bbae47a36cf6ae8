//! Every route that gives something of a study, asked by everybody: who gets it is worked out from the table of roles.

use std::collections::BTreeSet;

use gateway::auth::labels;

use crate::files::ct;
use crate::login;
use crate::server::Server;

/// Routes of a study; `{}` is its UID, whose series is `{}.1`.
const OF_A_STUDY: [&str; 9] = [
    "/dicomweb/studies/{}/metadata",
    "/dicomweb/studies/{}/series/{}.1/metadata",
    "/dicomweb/studies/{}/series/{}.1/instances/{}.1.1/metadata",
    "/dicomweb/studies/{}/series/{}.1/instances/{}.1.1/frames/1",
    "/dicomweb/studies/{}/series/{}.1/instances/{}.1.1/bulk/7FE00010",
    "/dicomweb/studies/{}/series/{}.1/instances/{}.1.1/thumbnail",
    "/dicomweb/studies/{}/series/{}.1/thumbnail",
    "/dicomweb/local/studies/{}/metadata",
    "/dicomweb/local/studies/{}/series/{}.1/instances/{}.1.1/frames/1",
];

/// Lists of a study: what may not be seen is not in them.
const LISTS_OF_A_STUDY: [&str; 3] = [
    "/dicomweb/studies/{}/series",
    "/dicomweb/studies/{}/instances",
    "/dicomweb/studies/{}/series/{}.1/instances",
];

/// Lists of everything.
const LISTS: [&str; 3] = [
    "/dicomweb/studies",
    "/dicomweb/series",
    "/dicomweb/instances",
];

fn write(server: &Server, folder: &std::path::Path) {
    for uid in ["1.1", "1.2"] {
        ct(uid, &format!("{uid}.1"), 1).write(folder, &format!("{uid}.dcm"));
    }
    server.wait_until(|server| {
        let indexing = server.get("/healthz").json()["indexing"].clone();
        indexing["done"] == 3 && indexing["total"] == 3
    });
}

#[test]
fn t12_every_route_gives_each_role_what_its_table_says() {
    let (folder, server) = login::server("optional");
    write(&server, &folder.path().join("data"));
    let login = server.state.login.as_ref().unwrap();
    let label = BTreeSet::from(["board".to_owned()]);
    labels::set(&login.database, "local", "1.2", &label).unwrap();
    // Name, role, and whether the study without a label and the one with it may be seen, and found.
    type May = [bool; 2];
    let everybody: [(&str, Option<&str>, May, May); 7] = [
        ("nobody", None, [false, false], [false, false]),
        ("root", Some("admin"), [false, false], [false, false]),
        ("rad", Some("radiologist"), [true, true], [true, true]),
        ("ref", Some("referrer"), [false, true], [false, true]),
        ("tech", Some("technologist"), [true, true], [true, true]),
        ("program", Some("ai"), [false, true], [false, false]),
        ("watch", Some("auditor"), [false, false], [false, false]),
    ];
    let mut asked = 0;
    for (name, role, sees, finds) in everybody {
        let cookie = role.map(|role| login::user(&server, name, role));
        login
            .database
            .lock()
            .execute(
                "UPDATE user SET labels = '[\"board\"]' WHERE name = ?1",
                [name],
            )
            .unwrap();
        let headers: Vec<(&str, &str)> = cookie.iter().map(|it| ("Cookie", it.as_str())).collect();
        for (study, may) in [("1.1", sees[0]), ("1.2", sees[1])] {
            for route in OF_A_STUDY {
                let path = route.replace("{}", study);
                let answer = server.request("GET", &path, &headers);
                let expected = match (role, may) {
                    (None, _) => 401,
                    (_, true) => 200,
                    (_, false) => 404,
                };
                assert_eq!(answer.status, expected, "{name} {path}");
                if expected == 404 {
                    // It looks like what is not there.
                    let unknown = route.replace("{}", "9.9");
                    let nothing = server.request("GET", &unknown, &headers);
                    assert_eq!(answer.body, nothing.body, "{name} {path}");
                }
                asked += 1;
            }
            for route in LISTS_OF_A_STUDY {
                let path = route.replace("{}", study);
                let answer = server.request("GET", &path, &headers);
                if role.is_none() {
                    assert_eq!(answer.status, 401, "{name} {path}");
                } else {
                    let count = answer.json().as_array().unwrap().len();
                    assert_eq!(count, usize::from(may), "{name} {path}");
                }
                asked += 1;
            }
        }
        for path in LISTS {
            let answer = server.request("GET", path, &headers);
            if role.is_none() {
                assert_eq!(answer.status, 401, "{name} {path}");
                continue;
            }
            let all = answer.json();
            let found: Vec<&str> = all
                .as_array()
                .unwrap()
                .iter()
                .map(|set| set["0020000D"]["Value"][0].as_str().unwrap())
                .collect();
            for (study, may) in [("1.1", finds[0]), ("1.2", finds[1])] {
                assert_eq!(found.contains(&study), may, "{name} {path} {study}");
            }
            assert_eq!(
                answer.header("x-total-count").unwrap(),
                found.len().to_string()
            );
            asked += 1;
        }
    }
    println!("{asked} requests");
}

#[test]
fn t12_a_locked_session_gets_nothing() {
    let (_folder, server) = login::server("optional");
    let cookie = login::user(&server, "rad", "radiologist");
    let login = server.state.login.as_ref().unwrap();
    let idle = "UPDATE session SET seen = seen - 100000";
    let headers = [("Cookie", cookie.as_str())];
    assert_eq!(
        server.request("GET", "/dicomweb/studies", &headers).status,
        200
    );
    login.database.lock().execute(idle, []).unwrap();
    let answer = server.request("GET", "/dicomweb/studies", &headers);
    assert_eq!(
        (answer.status, answer.error_code()),
        (401, "session_locked".into())
    );
    let wrong = server.form("/auth/unlock", Some(&cookie), &[("password", "wrong")]);
    assert_eq!(wrong.status, 401);
    let right = server.form("/auth/unlock", Some(&cookie), &[("password", login::WORD)]);
    assert_eq!(right.status, 303);
    assert_eq!(
        server.request("GET", "/dicomweb/studies", &headers).status,
        200
    );
}

#[test]
fn t22_readings_are_on_record_before_they_are_answered_and_once_a_session() {
    let (folder, server) = login::server("optional");
    let cookie = login::user(&server, "rad", "radiologist");
    let headers = [("Cookie", cookie.as_str())];
    let record = || std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let count = |kind: &str| record().matches(&format!("\"kind\":\"{kind}\"")).count();
    for round in 0..3 {
        server.request("GET", "/dicomweb/studies/1/metadata", &headers);
        assert_eq!(count("study_opened"), 1, "{round}");
        let path = "/dicomweb/studies/1/series/2/instances/2.1/frames/1";
        assert_eq!(server.request("GET", path, &headers).status, 200);
        assert_eq!(count("frames_served"), 1, "{round}");
        server.request("GET", "/dicomweb/studies?PatientName=CANARY", &headers);
        assert_eq!(count("search"), round + 1);
    }
    assert!(record().contains("PatientName=CANARY"));
}

#[test]
fn auditors_read_the_record_and_others_what_it_says_of_them() {
    let (_folder, server) = login::server("optional");
    let rad = login::user(&server, "rad", "radiologist");
    let other = login::user(&server, "other", "radiologist");
    let watch = login::user(&server, "watch", "auditor");
    for cookie in [&rad, &other] {
        server.request("GET", "/dicomweb/studies/1/metadata", &[("Cookie", cookie)]);
    }
    let get = |query: &str, cookie: &str| {
        server.request("GET", &format!("/api/audit?{query}"), &[("Cookie", cookie)])
    };
    let users = |query: &str, cookie: &str| -> Vec<String> {
        let page = get(query, cookie).json();
        let events = page["events"].as_array().unwrap().clone();
        let user = |event: &serde_json::Value| event["actor"]["user"].as_str().map(str::to_owned);
        events.iter().filter_map(user).collect()
    };
    let opened = "kind=study_opened";
    assert_eq!(users(opened, &watch), ["other", "rad"]);
    assert_eq!(users(opened, &rad), ["rad"]);
    assert_eq!(users(&format!("{opened}&user=rad"), &other), ["other"]);
    assert_eq!(
        users(&format!("{opened}&study=1&user=rad"), &watch),
        ["rad"]
    );
    // Page by page; reading the record is on record.
    let first = get("limit=1", &watch).json();
    assert_eq!(first["events"][0]["kind"], "audit_read");
    let older = first["older"].as_u64().unwrap();
    let second = get(&format!("limit=1&older={older}"), &watch).json();
    assert_eq!(second["events"][0]["number"].as_u64().unwrap(), older - 1);
    assert_eq!(get("kind=nonsense", &watch).status, 400);
    assert_eq!(get("from=yesterday", &watch).status, 400);
    for role in ["admin", "technologist", "ai"] {
        let cookie = login::user(&server, role, role);
        assert_eq!(get("", &cookie).status, 404, "{role}");
    }
    assert_eq!(server.get("/api/audit").status, 401);
}
