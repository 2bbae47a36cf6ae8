//! Frames in other systems' pages: tickets, the sessions that they open, and who may frame what.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::VR;
use dicom_dictionary_std::tags;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::ct;
use crate::login;
use crate::server::{Answer, Server};

const SECRET: &str = "an example secret of the EHR's server 0123456789";
pub const PARENT: &str = "https://ehr.example.org";
const OTHER: &str = "https://portal.example.org";

/// A gateway with login over studies 1, 2 and 3, of two patients, that an EHR may launch.
pub fn server() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    ct("1", "2", 1).write(&data, "a.dcm");
    ct("2", "3", 1).write(&data, "b.dcm");
    let mut other = ct("3", "4", 1);
    other.text(tags::PATIENT_ID, VR::LO, "OTHER");
    other.text(tags::ACCESSION_NUMBER, VR::SH, "ACC-3");
    other.write(&data, "c.dcm");
    let options = login::configured(folder.path(), "optional");
    let config = folder.path().join("gateway.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let more = format!(
        "[embed]\nallowed_parents = [\"{PARENT}\", \"{OTHER}\"]\n\
         [[launch_client]]\nid = \"ehr\"\nsecret_file = \"ehr.secret\"\n"
    );
    std::fs::write(&config, text + &more).unwrap();
    secret_file(folder.path());
    let server = Server::start(options);
    server.wait_until_indexed();
    (folder, server)
}

fn secret_file(folder: &Path) {
    let path = folder.join("ehr.secret");
    std::fs::write(&path, format!("{SECRET}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("ehr:{secret}")))
}

pub fn launch(server: &Server, body: &Value) -> Answer {
    let authorization = basic(SECRET);
    let headers = [("Authorization", authorization.as_str())];
    server.post("/api/launch", &headers, &body.to_string())
}

pub fn ticket(server: &Server, body: &Value) -> String {
    let answer = launch(server, body);
    assert_eq!(
        answer.status,
        201,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    answer.json()["ticket"].as_str().unwrap().to_owned()
}

pub fn redeem(server: &Server, ticket: &str, parent: &str) -> Answer {
    let body = json!({ "ticket": ticket, "parent": parent }).to_string();
    server.json("/api/launch/redeem", None, &body)
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.error_code())
}

/// What the session of a frame gets under a parent.
pub fn under(server: &Server, cookie: &str, parent: &str, path: &str) -> Answer {
    server.request(
        "GET",
        path,
        &[("Cookie", cookie), ("X-Sagitta-Frame", parent)],
    )
}

fn record(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap()
}

#[test]
fn a_ticket_opens_its_study_once_and_nothing_else() {
    let (folder, server) = server();
    login::user(&server, "ada", "radiologist");
    let asked = launch(
        &server,
        &json!({ "user": "ada", "study": "1", "parent": PARENT }),
    );
    let answer = asked.json();
    assert_eq!((asked.status, &answer["studies"]), (201, &json!(["1"])));
    assert_eq!(answer["expires_in_s"], 60);
    let ticket = answer["ticket"].as_str().unwrap();
    assert_eq!(answer["path"], format!("embed#ticket={ticket}"));
    assert_eq!(ticket.len(), 43, "256 bits in base64");
    let opened = redeem(&server, ticket, PARENT);
    assert_eq!(opened.status, 200);
    assert_eq!(
        opened.json()["context"],
        json!({ "source": "local", "studies": ["1"] })
    );
    assert_eq!(
        refused(&redeem(&server, ticket, PARENT)),
        (401, "ticket_unknown".into())
    );
    let cookie = opened.cookie().unwrap();
    let get = |path: &str| under(&server, &cookie, PARENT, path);
    let frame = "/dicomweb/studies/1/series/2/instances/2.1/frames/1";
    assert_eq!(get(frame).status, 200);
    assert_eq!(get("/dicomweb/studies/1/metadata").status, 200);
    // Its user may see the others: this session may not, and nothing tells them from studies that there are not.
    for study in ["2", "3"] {
        let other = get(&format!("/dicomweb/studies/{study}/metadata"));
        let nothing = get("/dicomweb/studies/9.9/metadata");
        assert_eq!((other.status, &other.body), (404, &nothing.body));
        let series = get(&format!("/dicomweb/studies/{study}/series")).json();
        assert_eq!(series, json!([]));
    }
    let all = get("/dicomweb/studies").json();
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(all[0]["0020000D"]["Value"][0], "1");
    for path in ["/api/shares", "/api/audit"] {
        assert_eq!(refused(&get(path)), (403, "frame_only".into()), "{path}");
    }
    assert_eq!(get("/api/session").json()["user"], "ada");
    // The ticket is in no file of the gateway, and the login is on record.
    let record = record(&folder);
    assert!(record.contains("launch client ehr") && record.contains("\"user\":\"ada\""));
    assert!(record.contains("\"kind\":\"frames_served\""));
    assert!(!record.contains(ticket));
    drop(server);
    let database = std::fs::read(folder.path().join("users.db")).unwrap();
    let holds = |text: &str| {
        database
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(!holds(ticket));
}

#[test]
fn a_ticket_is_worth_nothing_after_a_minute() {
    let (_folder, server) = server();
    login::user(&server, "ada", "radiologist");
    let ticket = ticket(&server, &json!({ "user": "ada", "study": "1" }));
    let login = server.state.login.as_ref().unwrap();
    let later = "UPDATE ticket SET ends = ends - 61";
    login.database.lock().execute(later, []).unwrap();
    assert_eq!(
        refused(&redeem(&server, &ticket, PARENT)),
        (401, "ticket_unknown".into())
    );
}

#[test]
fn who_may_not_launch_gets_no_ticket_and_is_on_record() {
    let (folder, server) = server();
    login::user(&server, "ada", "radiologist");
    login::user(&server, "root", "admin");
    let ada = |more: &Value| {
        let mut body = json!({ "user": "ada" });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        launch(&server, &body)
    };
    for (answer, expected) in [
        (
            launch(&server, &json!({ "user": "bob", "study": "1" })),
            (404, "user_unknown"),
        ),
        (ada(&json!({ "study": "9.9" })), (404, "study_unknown")),
        // An administrator sees no images.
        (
            launch(&server, &json!({ "user": "root", "study": "1" })),
            (404, "study_unknown"),
        ),
        (
            ada(&json!({ "study": "1", "parent": "https://evil.example" })),
            (403, "parent_refused"),
        ),
        (ada(&json!({})), (400, "launch_invalid")),
        (
            ada(&json!({ "study": "1", "patient": "X" })),
            (400, "launch_invalid"),
        ),
        (
            ada(&json!({ "study": "1", "admin": true })),
            (400, "launch_invalid"),
        ),
        (
            ada(&json!({ "study": "1", "source": "north" })),
            (404, "source_unknown"),
        ),
    ] {
        assert_eq!(refused(&answer), (expected.0, expected.1.into()));
    }
    let body = json!({ "user": "ada", "study": "1" }).to_string();
    let wrong = basic("another secret that is as long as the right one");
    let headers = [("Authorization", wrong.as_str())];
    let answer = server.post("/api/launch", &headers, &body);
    assert_eq!(refused(&answer), (401, "client_refused".into()));
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .starts_with("Basic")
    );
    let bearer = format!("Bearer {SECRET}");
    let right = [("Authorization", bearer.as_str())];
    assert_eq!(server.post("/api/launch", &right, &body).status, 201);
    for _ in 0..4 {
        assert_eq!(server.post("/api/launch", &headers, &body).status, 401);
    }
    let slowed = server.post("/api/launch", &right, &body);
    assert_eq!(refused(&slowed), (429, "client_slowed".into()));
    assert!(slowed.header("retry-after").is_some());
    let record = record(&folder);
    for reason in [
        "launch client refused",
        "user_unknown",
        "parent_refused",
        "launch:ehr",
    ] {
        assert!(record.contains(reason), "{reason}");
    }
    assert!(!record.contains(SECRET) && !record.contains("bob"));
}

#[test]
fn a_launch_names_a_study_an_accession_or_a_patient() {
    let (_folder, server) = server();
    login::user(&server, "ada", "radiologist");
    let studies = |body: Value| launch(&server, &body).json()["studies"].clone();
    assert_eq!(
        studies(json!({ "user": "ada", "patient": "OTHER" })),
        json!(["3"])
    );
    assert_eq!(
        studies(json!({ "user": "ada", "accession": "ACC-3" })),
        json!(["3"])
    );
    assert_eq!(
        studies(json!({ "user": "ada", "patient": "P1" })),
        json!(["1", "2"])
    );
}

#[test]
fn t04_a_frames_session_is_its_own_and_ends_with_its_page() {
    let (_folder, server) = server();
    login::user(&server, "ada", "radiologist");
    let one = ticket(&server, &json!({ "user": "ada", "study": "1" }));
    let opened = redeem(&server, &one, PARENT);
    let set = opened.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-esid="), "{set}");
    for part in [
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=None",
        "Partitioned",
    ] {
        assert!(set.split("; ").any(|it| it == part), "{set}");
    }
    assert!(!set.contains("Domain") && !set.contains("Max-Age"));
    let cookie = opened.cookie().unwrap();
    let path = "/dicomweb/studies/1/metadata";
    assert_eq!(under(&server, &cookie, PARENT, path).status, 200);
    // Neither under another page nor outside of a frame is it a session.
    assert_eq!(under(&server, &cookie, OTHER, path).status, 401);
    assert_eq!(
        server.request("GET", path, &[("Cookie", &cookie)]).status,
        401
    );
    assert_eq!(under(&server, &cookie, OTHER, "/api/session").status, 401);
    // A ticket for one page is none for another, and is gone then.
    let bound = ticket(
        &server,
        &json!({ "user": "ada", "study": "1", "parent": PARENT }),
    );
    assert_eq!(
        refused(&redeem(&server, &bound, OTHER)),
        (403, "parent_refused".into())
    );
    assert_eq!(
        refused(&redeem(&server, &bound, PARENT)),
        (401, "ticket_unknown".into())
    );
    let stray = ticket(&server, &json!({ "user": "ada", "study": "1" }));
    let evil = redeem(&server, &stray, "https://evil.example");
    assert_eq!(refused(&evil), (403, "parent_refused".into()));
    // Where no cookie survives, a bearer takes its place, for the same page.
    let again = opened.json()["again"].as_str().unwrap().to_owned();
    let second = redeem(&server, &again, PARENT);
    assert_eq!((second.status, second.header("set-cookie")), (200, None));
    let bearer = second.json()["bearer"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {bearer}");
    let with = |parent: &str| {
        let headers = [
            ("Authorization", bearer.as_str()),
            ("X-Sagitta-Frame", parent),
        ];
        server.request("GET", path, &headers).status
    };
    assert_eq!((with(PARENT), with(OTHER)), (200, 401));
    assert_eq!(
        under(&server, &cookie, PARENT, path).status,
        401,
        "it was replaced"
    );
    // The frame ends it by itself.
    let host = server.address.to_string();
    let headers = [
        ("Host", host.as_str()),
        ("Connection", "close"),
        ("Authorization", bearer.as_str()),
        ("X-Sagitta-Frame", PARENT),
        ("X-Sagitta", "1"),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    assert_eq!(server.raw("DELETE", "/api/session", &headers).status, 204);
    assert_eq!(with(PARENT), 401);
}

#[test]
fn a_user_who_logs_in_beside_the_frame_takes_his_rights_into_it() {
    let (_folder, server) = server();
    let cookie = login::user(&server, "ada", "radiologist");
    let own = server.json("/api/launch/own", Some(&cookie), "{}");
    let ticket = own.json()["ticket"].as_str().unwrap().to_owned();
    let opened = redeem(&server, &ticket, PARENT);
    assert_eq!(opened.json()["context"], Value::Null);
    let frame = opened.cookie().unwrap();
    for study in ["1", "2", "3"] {
        let path = format!("/dicomweb/studies/{study}/metadata");
        assert_eq!(under(&server, &frame, PARENT, &path).status, 200);
    }
    // A frame makes no tickets, and logging out everywhere ends it.
    let headers = [
        ("Cookie", frame.as_str()),
        ("X-Sagitta-Frame", PARENT),
        ("Sec-Fetch-Site", "same-origin"),
        ("X-Sagitta", "1"),
    ];
    let more = server.post("/api/launch/own", &headers, "{}");
    assert_eq!(refused(&more), (403, "frame_only".into()));
    server.form("/auth/logout-everywhere", Some(&cookie), &[]);
    assert_eq!(under(&server, &frame, PARENT, "/api/session").status, 401);
}

#[test]
fn t01_one_page_is_framed_by_those_who_are_listed_and_no_other_by_anybody() {
    let (_folder, server) = server();
    let cookie = login::user(&server, "ada", "radiologist");
    let mut asked = 0;
    for path in [
        "/",
        "/viewer",
        "/s",
        "/embed",
        "/embed/",
        "/embed.js",
        "/index.html",
        "/bench.html",
        "/config.json",
        "/healthz",
        "/IHEInvokeImageDisplay",
        "/IHEInvokeImageDisplay?requestType=STUDY&studyUID=1",
        "/auth/login",
        "/auth/login.css",
        "/auth/mfa",
        "/auth/enrol",
        "/auth/enrol.svg",
        "/auth/first",
        "/auth/next",
        "/auth/unlock",
        "/auth/logout",
        "/auth/logout-everywhere",
        "/api/session",
        "/api/audit",
        "/api/emergency",
        "/api/launch",
        "/api/launch/own",
        "/api/launch/redeem",
        "/api/shares",
        "/api/shares/look",
        "/api/shares/redeem",
        "/api/shares/1",
        "/api/studies/1/files",
        "/dicomweb/studies",
        "/dicomweb/studies/1/metadata",
        "/dicomweb/studies/1/series/2/instances/2.1/frames/1",
        "/dicomweb/studies/1/series/2/thumbnail",
        "/none",
    ] {
        for headers in [vec![], vec![("Cookie", cookie.as_str())]] {
            for method in ["GET", "HEAD", "POST"] {
                let mut headers = headers.clone();
                headers.push(("Content-Length", "0"));
                let answer = server.request(method, path, &headers);
                let policy = answer.header("content-security-policy").unwrap();
                let (_, ancestors) = policy.split_once("frame-ancestors ").unwrap();
                let expected = if path == "/embed" {
                    format!("'self' {PARENT} {OTHER}")
                } else {
                    "'none'".to_owned()
                };
                assert_eq!(ancestors, expected, "{method} {path}");
                asked += 1;
            }
        }
    }
    println!("{asked} answers");
    let told = server.get("/config.json").json();
    assert_eq!(told["embed"]["parents"], json!([PARENT, OTHER]));
}
