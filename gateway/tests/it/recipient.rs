//! Whoever has a link: the page behind it, what it opened, each way in which it is closed, and documents.

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use serde_json::{Value, json};

use crate::files::{Made, ct, empty};
use crate::login;
use crate::server::{Answer, Server};

/// The path of a link that a radiologist makes, as id and secret, and its PIN.
fn made(server: &Server, cookie: &str, more: &Value) -> ([String; 2], Option<String>) {
    let mut wanted = json!({ "study": "1", "days": 7 });
    for (key, value) in more.as_object().unwrap() {
        wanted[key] = value.clone();
    }
    let answer = server.json("/api/shares", Some(cookie), &wanted.to_string());
    assert_eq!(answer.status, 201);
    let answer = answer.json();
    let halves = answer["path"].as_str().unwrap().strip_prefix("s#v1.");
    let (id, secret) = halves.unwrap().split_once('.').unwrap();
    let pin = answer["pin"].as_str().map(str::to_owned);
    ([id.to_owned(), secret.to_owned()], pin)
}

fn look(server: &Server, [id, secret]: &[String; 2]) -> Answer {
    let body = json!({ "id": id, "secret": secret }).to_string();
    server.json("/api/shares/look", None, &body)
}

fn redeem(server: &Server, [id, secret]: &[String; 2], pin: Option<&str>) -> Answer {
    let body = json!({ "id": id, "secret": secret, "pin": pin }).to_string();
    server.json("/api/shares/redeem", None, &body)
}

fn sql(server: &Server, statement: &str) {
    let login = server.state.login.as_ref().unwrap();
    login.database.lock().execute(statement, []).unwrap();
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.error_code())
}

#[test]
fn t08_what_a_link_opened_is_told_to_its_session_alone() {
    let (_folder, server) = login::server("optional");
    let cookie = login::user(&server, "rad", "radiologist");
    let wanted = json!({ "note": "hilum", "series": "2", "download": false, "view": "{}" });
    let (halves, _) = made(&server, &cookie, &wanted);
    let (other, _) = made(&server, &cookie, &json!({}));
    let redeemed = redeem(&server, &halves, None);
    let link = redeemed.cookie().unwrap();
    let opened = |headers: &[(&str, &str)]| server.request("GET", "/api/shares/opened", headers);
    let answer = opened(&[("Cookie", &link)]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), redeemed.json());
    let answer = answer.json();
    assert_eq!(
        (&answer["id"], &answer["series"], &answer["note"]),
        (&json!(halves[0]), &json!("2"), &json!("hilum"))
    );
    assert_eq!(answer["studies"], json!(["1"]));
    // It holds no secret, and nothing of the patient.
    let text = answer.to_string();
    assert!(!text.contains(&halves[1]) && !text.contains("Doe"));
    // Nobody else: no cookie, a user's session, a link's secret, a session that never was.
    let secret = format!("__Host-link={}", halves[1]);
    let never = format!("__Host-link={}", other[1]);
    assert_eq!(opened(&[]).status, 401);
    for wrong in [&cookie, &secret, &never] {
        assert_eq!(opened(&[("Cookie", wrong)]).status, 401, "{wrong}");
    }
    // Someone who has logged in besides is told too: the link is theirs as well.
    let both = format!("{cookie}; {link}");
    assert_eq!(opened(&[("Cookie", &both)]).status, 200);
    sql(&server, "UPDATE share SET is_revoked = 1");
    assert_eq!(
        refusal(&opened(&[("Cookie", &link)])),
        (401, "login_needed".into())
    );
}

/// Which series is first is for the app to say: a scan of one image only shows where others lie, documents come last.
#[test]
fn what_is_on_screen_first_is_named_with_what_a_link_opened() {
    let (folder, server) = login::server("optional");
    let data = folder.path().join("data");
    for number in 1..=4 {
        let mut slice = ct("1", "9", number);
        slice.text(tags::SERIES_NUMBER, VR::IS, "6");
        slice.write(&data, &format!("s{number}.dcm"));
    }
    document("1", 1, "application/pdf", PDF).write(&data, "d.dcm");
    server.wait_until(|server| server.get("/healthz").json()["indexing"]["done"] == 6);
    let cookie = login::user(&server, "rad", "radiologist");
    let first = |more: &Value| {
        let (halves, _) = made(&server, &cookie, more);
        let link = redeem(&server, &halves, None).cookie().unwrap();
        let opened = server.request("GET", "/api/shares/opened", &[("Cookie", &link)]);
        opened.json()["first"].clone()
    };
    assert_eq!(first(&json!({})), "9");
    // The one that was on screen when the link was made.
    let view = json!({
        "version": 1, "layout": { "columns": 1, "rows": 1 }, "active": 0, "viewports": [{ "series": "2" }],
    });
    assert_eq!(first(&json!({ "view": view.to_string() })), "2");
    // What shares one series names it already.
    assert_eq!(first(&json!({ "series": "2" })), Value::Null);
}

#[test]
fn t07_looking_a_hundred_times_uses_nothing_up() {
    let (_folder, server) = login::server("optional");
    let cookie = login::user(&server, "rad", "radiologist");
    let (halves, _) = made(&server, &cookie, &json!({ "uses": 1 }));
    for _ in 0..100 {
        // As a scanner of mail does that runs scripts.
        assert_eq!(server.get("/s").status, 200);
        assert_eq!(look(&server, &halves).json()["from"], "rad");
    }
    let shares = server.request("GET", "/api/shares", &[("Cookie", &cookie)]);
    assert_eq!(shares.json()[0]["uses"], 0);
    assert_eq!(redeem(&server, &halves, None).status, 200);
    assert_eq!(redeem(&server, &halves, None).status, 410);
}

#[test]
fn each_way_in_which_a_link_is_closed_has_a_code_of_its_own() {
    let (_folder, server) = login::server("optional");
    let cookie = login::user(&server, "rad", "radiologist");
    let closed = |prepare: &dyn Fn(&[String; 2]), code: &str| {
        let (halves, _) = made(&server, &cookie, &json!({ "uses": 1 }));
        prepare(&halves);
        assert_eq!(look(&server, &halves).error_code(), code);
        assert_eq!(redeem(&server, &halves, None).error_code(), code);
    };
    let change = |what: &str, [id, _]: &[String; 2]| {
        sql(
            &server,
            &format!("UPDATE share SET {what} WHERE id = '{id}'"),
        );
    };
    closed(&|halves| change("ends = 1", halves), "share_expired");
    closed(&|halves| change("is_revoked = 1", halves), "share_revoked");
    closed(&|halves| change("failures = 10", halves), "share_locked");
    closed(
        &|halves| assert_eq!(redeem(&server, halves, None).status, 200),
        "share_used_up",
    );
    let ([id, secret], _) = made(&server, &cookie, &json!({}));
    let other = if secret.starts_with('A') { "B" } else { "A" };
    for halves in [
        [id.clone(), format!("{other}{}", &secret[1..])],
        [id, "short".into()],
        ["0".repeat(32), secret],
    ] {
        assert_eq!(
            refusal(&look(&server, &halves)),
            (404, "share_unknown".into())
        );
    }
    // Without login there are no links, and that is another sentence than that of a wrong one.
    let folder = tempfile::tempdir().unwrap();
    let server = Server::over(folder.path());
    let halves = ["0".repeat(32), "x".into()];
    assert_eq!(
        refusal(&look(&server, &halves)),
        (401, "login_needed".into())
    );
}

#[test]
fn t08_tries_that_are_left_are_told_until_the_link_is_locked() {
    let (_folder, server) = login::server("optional");
    let cookie = login::user(&server, "rad", "radiologist");
    let (halves, pin) = made(&server, &cookie, &json!({ "pin": true }));
    let pin = pin.unwrap();
    let wrong = if pin == "000000" { "000001" } else { "000000" };
    for left in (1..10).rev() {
        let code = redeem(&server, &halves, Some(wrong)).error_code();
        assert_eq!(code, "share_pin_wrong");
        let before = look(&server, &halves).json();
        assert_eq!(before["tries"], left);
        if left == 6 {
            // The fourth wrong one is the first that has to wait; the right one too.
            assert!(before["wait"].as_i64().unwrap() > 0);
            let early = redeem(&server, &halves, Some(&pin));
            assert_eq!(refusal(&early), (429, "share_slowed".into()));
        }
        sql(&server, "UPDATE share SET wait_until = 0");
    }
    let last = redeem(&server, &halves, Some(wrong));
    assert_eq!(refusal(&last), (410, "share_locked".into()));
    assert_eq!(
        redeem(&server, &halves, Some(&pin)).error_code(),
        "share_locked"
    );
}

#[test]
fn t07_the_page_behind_a_link_is_static_and_names_nothing() {
    let (_folder, server) = login::server("optional");
    let page = server.get("/s");
    let text = String::from_utf8(page.body).unwrap();
    assert_eq!(page.status, 200);
    assert_eq!(text.matches("<script").count(), 1);
    assert!(text.contains("<script type=\"module\" src=\"/s/recipient.js\"></script>"));
    assert!(!text.contains(" style=") && !text.contains(" onclick="));
    let script = server.get("/s/recipient.js");
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    let script = String::from_utf8(script.body).unwrap();
    // What would keep or show the link: the script has none of it.
    for word in [
        "localStorage",
        "sessionStorage",
        "document.cookie",
        "console.",
        "innerHTML",
    ] {
        assert!(!script.contains(word), "{word}");
    }
    let styles = server.get("/s/recipient.css");
    assert_eq!(
        styles.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    assert_eq!(server.get("/s/icon.svg").status, 200);
}

/// An encapsulated document of a media type.
fn document(study: &str, number: u16, media_type: &str, bytes: &[u8]) -> Made {
    let mut made = empty(study, "7", &format!("7.{number}"));
    made.text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.104.1");
    made.text(tags::MODALITY, VR::CS, "DOC");
    made.text(tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, VR::LO, media_type);
    let value = PrimitiveValue::U8(bytes.iter().copied().collect());
    made.put(tags::ENCAPSULATED_DOCUMENT, VR::OB, value);
    made
}

const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

#[test]
fn t03_a_document_goes_out_as_a_file_in_a_sandbox_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    document("1", 1, "application/pdf", PDF).write(folder.path(), "a.dcm");
    let html = b"<script>alert(document.domain)</script> ";
    document("1", 2, "application/pdf", html).write(folder.path(), "b.dcm");
    document("1", 3, "text/html", html).write(folder.path(), "c.dcm");
    document("1", 4, "image/svg+xml", PDF).write(folder.path(), "d.dcm");
    let server = Server::over(folder.path());
    let get = |series: &str, instance: &str| {
        let path = format!("/dicomweb/studies/1/series/{series}/instances/{instance}/rendered");
        server.get(&path)
    };
    let pdf = get("7", "7.1");
    assert_eq!(pdf.status, 200);
    assert_eq!(&pdf.body[..PDF.len()], PDF);
    for (name, value) in [
        ("content-type", "application/pdf"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "attachment; filename=\"report.pdf\""),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ),
    ] {
        assert_eq!(pdf.header(name), Some(value), "{name}");
    }
    for instance in ["7.2", "7.3", "7.4"] {
        let refused = get("7", instance);
        assert_eq!(
            refusal(&refused),
            (406, "document_unknown".into()),
            "{instance}"
        );
        assert_eq!(refused.header("content-type"), Some("application/json"));
    }
    assert_eq!(get("7", "7.9").status, 404);
}

#[test]
fn t12_a_document_is_for_whoever_may_see_its_study() {
    let (folder, server) = login::server("optional");
    for (study, name) in [("1", "d"), ("5", "e")] {
        let mut made = document(study, 1, "application/pdf", PDF);
        made.text(tags::SOP_INSTANCE_UID, VR::UI, &format!("7.{study}"));
        made.instance = format!("7.{study}");
        made.write(&folder.path().join("data"), &format!("{name}.dcm"));
    }
    server.wait_until(|server| server.get("/healthz").json()["indexing"]["done"] == 3);
    let cookie = login::user(&server, "rad", "radiologist");
    let watch = login::user(&server, "watch", "auditor");
    let (halves, _) = made(&server, &cookie, &json!({}));
    let link = redeem(&server, &halves, None).cookie().unwrap();
    let status = |study: &str, cookie: Option<&str>| {
        let path = format!("/dicomweb/studies/{study}/series/7/instances/7.{study}/rendered");
        let headers: Vec<_> = cookie.iter().map(|cookie| ("Cookie", *cookie)).collect();
        server.request("GET", &path, &headers).status
    };
    assert_eq!(
        [
            status("1", None),
            status("1", Some(&cookie)),
            status("1", Some(&watch)),
            status("1", Some(&link)),
            status("5", Some(&link)),
        ],
        [401, 200, 404, 200, 404]
    );
}
