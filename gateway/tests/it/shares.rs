//! Links over a socket: made by a radiologist, opened by someone without an account.

use serde_json::{Value, json};

use crate::login;
use crate::server::{Answer, Server};

fn post(server: &Server, path: &str, cookie: Option<&str>, body: &Value) -> Answer {
    let body = body.to_string();
    server.json(path, cookie, &body)
}

fn made(server: &Server, cookie: &str, more: &Value) -> (Answer, Option<[String; 2]>) {
    let mut wanted = json!({ "study": "1", "days": 7 });
    for (key, value) in more.as_object().unwrap() {
        wanted[key] = value.clone();
    }
    let answer = post(server, "/api/shares", Some(cookie), &wanted);
    if answer.status != 201 {
        return (answer, None);
    }
    let path = answer.json()["path"].as_str().unwrap().to_owned();
    let (page, halves) = path.split_once("#v1.").unwrap();
    assert_eq!(page, "s");
    let (id, secret) = halves.split_once('.').unwrap();
    let halves = [id.to_owned(), secret.to_owned()];
    (answer, Some(halves))
}

const FRAME: &str = "/dicomweb/studies/1/series/2/instances/2.1/frames/1";

#[test]
fn t08_a_link_opens_its_study_and_nothing_else() {
    let (folder, server) = login::server("optional");
    let cookie = login::user(&server, "rad", "radiologist");
    let (answer, halves) = made(
        &server,
        &cookie,
        &json!({ "pin": true, "uses": 1, "note": "look" }),
    );
    let pin = answer.json()["pin"].as_str().unwrap().to_owned();
    let [id, secret] = halves.unwrap();
    let link = format!("http://{}/s#v1.{id}.{secret}", server.address);
    assert_eq!(answer.json()["link"], link);
    // Before the PIN: who and until when, and nothing of patient or study.
    for _ in 0..3 {
        let before = post(
            &server,
            "/api/shares/look",
            None,
            &json!({ "id": id, "secret": secret }),
        );
        let mut keys: Vec<String> = before.json().as_object().unwrap().keys().cloned().collect();
        keys.sort();
        assert_eq!(keys, ["ends", "from", "pin", "tries", "wait"]);
    }
    let open = |pin: &str| {
        let body = json!({ "id": id, "secret": secret, "pin": pin });
        post(&server, "/api/shares/redeem", None, &body)
    };
    let wrong = open("wrong");
    assert_eq!(
        (wrong.status, wrong.error_code()),
        (403, "share_pin_wrong".into())
    );
    let opened = open(&pin);
    assert_eq!(opened.json()["studies"], json!(["1"]));
    assert_eq!(opened.json()["note"], "look");
    let link = opened.cookie().unwrap();
    assert!(link.starts_with("__Host-link="));
    let get = |path: &str| server.request("GET", path, &[("Cookie", &link)]);
    assert_eq!(get(FRAME).status, 200);
    assert_eq!(get("/dicomweb/studies/1/metadata").status, 200);
    assert_eq!(get("/dicomweb/studies/2/metadata").status, 404);
    // No list outside its scope, and nothing that only users may.
    assert_eq!(get("/dicomweb/studies").json(), json!([]));
    assert_eq!(
        get("/dicomweb/studies/1/series")
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(get("/api/shares").status, 401);
    assert_eq!(get("/api/session").status, 401);
    let again = open(&pin);
    assert_eq!(
        (again.status, again.error_code()),
        (410, "share_used_up".into())
    );
    let all = server
        .request("GET", "/api/shares", &[("Cookie", &cookie)])
        .json();
    assert_eq!(
        (&all[0]["state"], &all[0]["uses"]),
        (&json!("used_up"), &json!(1))
    );
    let host = server.address.to_string();
    let headers = [
        ("Host", host.as_str()),
        ("Connection", "close"),
        ("Cookie", &cookie),
        ("Sec-Fetch-Site", "same-origin"),
        ("X-Sagitta", "1"),
    ];
    let revoked = server.raw("DELETE", &format!("/api/shares/{id}"), &headers);
    assert_eq!(revoked.status, 204);
    assert_eq!(get(FRAME).status, 401);
    drop(server);
    // Neither secret nor PIN is on record, but everything that happened is.
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(!record.contains(&secret) && !record.contains(&format!("\"{pin}\"")));
    for kind in [
        "share_made",
        "share_used",
        "share_refused",
        "share_revoked",
        "frames_served",
    ] {
        assert!(record.contains(&format!("\"kind\":\"{kind}\"")), "{kind}");
    }
    assert!(record.contains(&format!("\"user\":\"share:{id}\"")));
}

/// In one browser someone is logged in and opens a link: behind the link its own rights count, elsewhere his.
#[test]
fn t12_the_reader_behind_a_link_is_judged_by_the_link_alone() {
    let (_folder, server) = login::server("optional");
    let rad = login::user(&server, "rad", "radiologist");
    let watch = login::user(&server, "watch", "auditor");
    let more = json!({ "download": true, "note": "for the tumour board" });
    let [id, secret] = made(&server, &rad, &more).1.unwrap();
    let halves = json!({ "id": id, "secret": secret });
    let link = post(&server, "/api/shares/redeem", None, &halves);
    let link = link.cookie().unwrap();
    let ask = |cookie: &str, path: &str, by_link: bool| {
        let mut headers = vec![("Cookie", cookie)];
        headers.extend(by_link.then_some(("X-Sagitta-Link", "1")));
        server.request("GET", path, &headers).status
    };
    let files = "/api/studies/local/1/files";
    let by_link = "/api/studies/local/1/files?by=link";
    for user in [&watch, &rad] {
        let both = format!("{user}; {link}");
        // As the link: its study and its files, no list, and nothing that users have.
        assert_eq!(ask(&both, FRAME, true), 200);
        assert_eq!(ask(&both, by_link, false), 200);
        assert_eq!(ask(&both, "/api/session", true), 401);
        assert_eq!(ask(&both, "/api/shares", true), 401);
        assert_eq!(ask(&both, "/api/audit", true), 401);
        let headers = [("Cookie", both.as_str()), ("X-Sagitta-Link", "1")];
        let list = server.request("GET", "/dicomweb/studies", &headers);
        assert_eq!(list.json(), json!([]));
        // Without a link that was opened it gives nothing, whoever is logged in.
        for none in [
            user.clone(),
            format!("{user}; __Host-link=x"),
            format!("{user}; __Host-link={}", "A".repeat(43)),
        ] {
            assert_eq!(ask(&none, FRAME, true), 401);
            assert_eq!(ask(&none, by_link, false), 401);
            assert_eq!(ask(&none, "/api/session", true), 401);
        }
    }
    // Without it the user's own rights count, as ever.
    let both = |user: &str| format!("{user}; {link}");
    assert_eq!(ask(&both(&rad), FRAME, false), 200);
    assert_eq!(ask(&both(&rad), files, false), 404, "without a reason");
    assert_eq!(ask(&both(&watch), FRAME, false), 404);
    // A link that was taken back gives nothing either.
    let answer = server.script("DELETE", &format!("/api/shares/{id}"), Some(&rad), "");
    assert_eq!(answer.status, 204);
    assert_eq!(ask(&both(&rad), FRAME, true), 401);
}

#[test]
fn only_radiologists_with_a_fresh_login_share() {
    let (_folder, server) = login::server("optional");
    for (name, role) in [
        ("tech", "technologist"),
        ("root", "admin"),
        ("watch", "auditor"),
    ] {
        let cookie = login::user(&server, name, role);
        assert_eq!(made(&server, &cookie, &json!({})).0.status, 404, "{role}");
    }
    let cookie = login::user(&server, "rad", "radiologist");
    let login = server.state.login.as_ref().unwrap();
    let old = "UPDATE session SET proved = proved - 1000";
    login.database.lock().execute(old, []).unwrap();
    let (answer, _) = made(&server, &cookie, &json!({}));
    assert_eq!(
        (answer.status, answer.error_code()),
        (403, "fresh_login_needed".into())
    );
    server.form("/auth/unlock", Some(&cookie), &[("password", login::WORD)]);
    assert_eq!(made(&server, &cookie, &json!({})).0.status, 201);
    // Longer than 30 days, or of a study that there is not.
    assert_eq!(made(&server, &cookie, &json!({ "days": 31 })).0.status, 400);
    assert_eq!(
        made(&server, &cookie, &json!({ "study": "9.9" })).0.status,
        404
    );
}
