//! What is taken away, and what is opened in an emergency.

use std::io::{Cursor, Read as _};

use serde_json::json;

use crate::login;

const FILES: &str = "/api/studies/1/files";

#[test]
fn a_studys_files_go_out_as_an_archive_with_a_reason_and_on_record() {
    let (folder, server) = login::server("optional");
    let cookie = login::user(&server, "rad", "radiologist");
    let get = |path: &str, cookie: &str| server.request("GET", path, &[("Cookie", cookie)]);
    assert_eq!(server.get(FILES).status, 401);
    assert_eq!(get(FILES, &cookie).status, 404, "without a reason");
    let answer = get(&format!("{FILES}?reason=second%20opinion"), &cookie);
    assert_eq!(answer.header("content-type"), Some("application/zip"));
    let mut archive = zip::ZipArchive::new(Cursor::new(answer.body)).unwrap();
    assert_eq!(archive.len(), 1);
    let mut file = archive.by_index(0).unwrap();
    assert_eq!(file.name().unwrap(), "SE0001/IM00001.dcm");
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    // All of it but what stands before the prefix.
    let stored = std::fs::read(folder.path().join("data/a.dcm")).unwrap();
    assert_eq!(&bytes[..132], [[0; 128].as_slice(), b"DICM"].concat());
    assert_eq!(bytes[132..], stored[132..]);
    let other = login::user(&server, "tech", "technologist");
    assert_eq!(get(&format!("{FILES}?reason=x"), &other).status, 404);
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(record.contains("\"kind\":\"exported\"") && record.contains("second opinion"));
}

#[test]
fn a_referrer_opens_a_study_in_an_emergency_with_a_reason_for_one_session() {
    let (folder, server) = login::server("optional");
    let cookie = login::user(&server, "ref", "referrer");
    let path = "/dicomweb/studies/1/metadata";
    let get = |cookie: &str| server.request("GET", path, &[("Cookie", cookie)]).status;
    assert_eq!(get(&cookie), 404);
    let ask = |cookie: &str, reason: &str| {
        let body = json!({ "study": "1", "reason": reason }).to_string();
        server.json("/api/emergency", Some(cookie), &body).status
    };
    assert_eq!(ask(&cookie, "because"), 400);
    assert_eq!(ask(&cookie, "polytrauma, no time for a referral"), 204);
    assert_eq!(get(&cookie), 200);
    let fields = [("name", "ref"), ("password", login::WORD)];
    let second = server.form("/auth/login", None, &fields).cookie().unwrap();
    assert_eq!(get(&second), 404, "another session");
    for role in ["technologist", "auditor", "admin"] {
        let cookie = login::user(&server, role, role);
        assert_eq!(
            ask(&cookie, "polytrauma, no time for a referral"),
            404,
            "{role}"
        );
    }
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let line = record
        .lines()
        .find(|line| line.contains("glass_broken"))
        .unwrap();
    assert!(
        line.contains("polytrauma") && line.contains("\"user\":\"ref\""),
        "{line}"
    );
}
