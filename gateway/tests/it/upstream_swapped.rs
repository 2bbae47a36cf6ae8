//! Another hospital's server that answers with something else than it was asked for.

use std::time::Duration;

use serde_json::json;

use crate::elsewhere::{Elsewhere, INSTANCE, endless, gateway, raw, send, set, source, text};
use crate::server::raw_exchange;

/// Whatever is asked for, this server answers with another patient's.
#[test]
fn t24_a_source_that_answers_with_other_studies_is_not_passed_on() {
    let upstream = Elsewhere::json(|asked| {
        let target = asked.target.as_str();
        let right = set("1", "2", "3");
        let wrong = if target.contains("series/2/instances/3") {
            set("1", "2", "9")
        } else if target.contains("series/2") {
            set("1", "9", "3")
        } else {
            set("9", "2", "3")
        };
        match target.contains("mixed=") || target.contains("limit=2") {
            true => json!([right, wrong]).to_string(),
            false => json!([wrong]).to_string(),
        }
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    for path in [
        "studies/1/metadata",
        "studies/1/series/2/metadata",
        "studies/1/series/2/instances/3/metadata",
        "studies/1/series",
        "studies/1/series?limit=2",
        "studies/1/instances",
        "studies/1/series/2/instances",
        "studies?StudyInstanceUID=1",
        "series?StudyInstanceUID=1&limit=2",
        "studies/1/series/2/instances/3/bulk/7FE00010",
    ] {
        let answer = server.get(&format!("/dicomweb/north/{path}"));
        assert_eq!(
            (answer.status, answer.error_code()),
            (502, "upstream_mixed".into()),
            "{path}"
        );
        assert!(!text(&answer).contains("Patient^Of"), "{path}");
    }
    // A list that asks for no study in particular is nobody else's.
    assert_eq!(server.get("/dicomweb/north/studies").status, 200);
}

#[test]
fn t24_a_study_without_its_own_name_is_not_passed_on() {
    let upstream = Elsewhere::json(|_| {
        let mut nameless = set("1", "2", "3");
        nameless.as_object_mut().unwrap().remove("0020000D");
        json!([nameless]).to_string()
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    for path in [
        "studies/1/metadata",
        "studies/1/series",
        "studies/1/instances",
    ] {
        let answer = server.get(&format!("/dicomweb/north/{path}"));
        assert_eq!(answer.error_code(), "upstream_mixed", "{path}");
    }
    // In a list of everything it cannot be opened, and is left out.
    assert_eq!(server.get("/dicomweb/north/studies").json(), json!([]));
}

const PARTS: &str = "multipart/related; type=\"application/octet-stream\"; boundary=b";
const TWO: &[u8] = b"--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--";

#[test]
fn t24_frames_that_are_not_those_that_were_asked_for_are_refused() {
    const OTHER: &[u8] = b"--b\r\nContent-Location: ../../9/frames/1\r\n\r\nx\r\n--b--";
    const ACTIVE: &[u8] = b"--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--";
    const CASES: [(&str, &[u8], &str, &str); 11] = [
        (PARTS, b"--b--", "1", "upstream_broken"),
        (PARTS, ACTIVE, "1", "upstream_broken"),
        (PARTS, OTHER, "1", "upstream_mixed"),
        (PARTS, b"no parts", "1", "upstream_broken"),
        ("multipart/related", TWO, "2", "upstream_broken"),
        (
            "multipart/related; boundary=\"b\\\"\"",
            TWO,
            "1,2",
            "upstream_broken",
        ),
        ("application/octet-stream", b"xy", "1,2", "upstream_broken"),
        ("text/html", b"<p>", "1", "upstream_broken"),
        ("image/svg+xml", b"<svg>", "1", "upstream_broken"),
        ("application/json", b"{}", "1", "upstream_broken"),
        ("nonsense", b"x", "1", "upstream_broken"),
    ];
    // The study's UID says which case it is.
    let upstream = Elsewhere::start(move |asked, stream| {
        let case: usize = asked.path().split('/').nth(3).unwrap().parse().unwrap();
        let (kind, body) = CASES
            .get(case)
            .map_or((PARTS, TWO), |case| (case.0, case.1));
        send(stream, kind, body);
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    let path = |case: usize, list: &str| {
        format!("/dicomweb/north/studies/{case}/series/2/instances/3/frames/{list}")
    };
    for (case, (kind, _, list, code)) in CASES.into_iter().enumerate() {
        let answer = server.get(&path(case, list));
        assert_eq!(
            (answer.status, answer.error_code()),
            (502, code.into()),
            "{kind} {list}"
        );
    }
    // What is wrong later breaks the answer off, so that nobody takes it for whole.
    let address = server.address.to_string();
    let whole = |list: &str| {
        let bytes = raw_exchange(&address, &path(99, list), "");
        bytes.ends_with(b"0\r\n\r\n")
    };
    assert!(whole("1,2"));
    assert!(!whole("1") && !whole("1,2,3"));
}

#[test]
fn t14_frames_without_end_break_off() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let upstream =
        Elsewhere::start(move |_, stream| endless(stream, head, &[7; 4096], Duration::ZERO));
    let more = "frames_max = \"1MiB\"";
    let (_folder, server) = gateway(&source("north", &upstream.root(), more));
    let bytes = raw_exchange(
        &server.address.to_string(),
        &format!("{INSTANCE}/frames/1"),
        "",
    );
    assert!(!bytes.ends_with(b"0\r\n\r\n"));
    let count = bytes.iter().filter(|byte| **byte == 7).count();
    assert!(count <= 1 << 20 && count > 0, "{count}");
    assert_eq!(
        server.state.source_health()[0].health.failed.unwrap().1,
        "upstream_too_large"
    );
}

#[test]
fn t17_headers_of_a_source_are_not_passed_on() {
    let upstream = Elsewhere::start(|asked, stream| {
        let evil = "Set-Cookie: sid=CANARY\r\nContent-Security-Policy: CANARY\r\nAccess-Control-Allow-Origin: CANARY\r\nContent-Disposition: CANARY\r\nX-Total-Count: CANARY\r\n";
        let (kind, body) = if asked.path().contains("/frames/") {
            let part = "--b\r\nContent-Type: image/jls; transfer-syntax=1.2; x=CANARY\r\nSet-Cookie: CANARY\r\nX: CANARY\r\n\r\nx\r\n--b--";
            (
                "multipart/related; boundary=b; type=\"CANARY/x\"; x=CANARY",
                part.to_owned(),
            )
        } else {
            (
                "application/dicom+json; x=CANARY",
                json!([set("1", "2", "3")]).to_string(),
            )
        };
        let head = format!(
            "HTTP/1.1 200 CANARY\r\nContent-Type: {kind}\r\n{evil}Connection: close\r\n\r\n{body}"
        );
        raw(stream, head.as_bytes());
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    for path in [
        "/dicomweb/north/studies".to_owned(),
        format!("{INSTANCE}/metadata"),
        format!("{INSTANCE}/frames/1"),
    ] {
        let bytes = raw_exchange(&server.address.to_string(), &path, "");
        let answer = String::from_utf8(bytes).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && !answer.contains("CANARY"),
            "{answer}"
        );
        assert!(answer.contains("default-src 'none'"), "{answer}");
    }
}

#[test]
fn pictures_are_pictures() {
    const BODIES: [(&[u8], Option<&str>); 4] = [
        (b"\x89PNG\r\n\x1a\nrest", Some("image/png")),
        (b"\xFF\xD8\xFF\xE0rest", Some("image/jpeg")),
        (b"<svg onload=x>", None),
        (b"", None),
    ];
    // The study's UID says which picture it is. The server knows no thumbnails.
    let upstream = Elsewhere::start(move |asked, stream| {
        let study = asked.path().split('/').nth(3).unwrap();
        let one = json!([set(study, "2", "3")]).to_string();
        match asked.path().rsplit('/').next() {
            Some("rendered") => {
                let (body, _) = BODIES[study.parse::<usize>().unwrap()];
                send(stream, "image/svg+xml", body);
            }
            Some("instances") => send(stream, "application/dicom+json", one.as_bytes()),
            _ => raw(
                stream,
                b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            ),
        }
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    for (study, (body, expected)) in BODIES.into_iter().enumerate() {
        let series = format!("/dicomweb/north/studies/{study}/series/2");
        for path in [
            format!("{series}/instances/3/thumbnail"),
            format!("{series}/thumbnail?size=64"),
        ] {
            let answer = server.get(&path);
            match expected {
                Some(kind) => {
                    assert_eq!(
                        (answer.status, answer.header("content-type")),
                        (200, Some(kind))
                    );
                    assert_eq!(answer.body, body);
                }
                None => assert_eq!(answer.error_code(), "upstream_broken"),
            }
        }
    }
    let sized = |target: &str| target.ends_with("/rendered?viewport=64,64");
    assert!(upstream.asked().iter().any(|asked| sized(&asked.target)));
}

/// How a frame was asked for decides whether the viewer tries another way.
#[test]
fn a_form_that_the_source_does_not_give_is_not_acceptable() {
    let upstream = Elsewhere::start(move |asked, stream| {
        let status = asked.path().split('/').nth(3).unwrap();
        let head =
            format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        raw(stream, head.as_bytes());
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    for status in ["400", "406", "415", "500", "501"] {
        let path = format!("/dicomweb/north/studies/{status}/series/2/instances/3/frames/1");
        let answer = server.get(&path);
        assert_eq!(
            (answer.status, answer.error_code()),
            (406, "not_acceptable".into()),
            "{status}"
        );
    }
}
