//! Another hospital's server that does not behave, or that someone else speaks for.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::elsewhere::{
    Asked, Canary, Elsewhere, INSTANCE, endless, gateway, raw, read, send, set, source, text,
};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";

/// Each fault with its status and code; what the server said reaches nobody.
#[test]
fn t13_faults_of_a_source_are_told_in_our_words() {
    let canary = Canary::start();
    let place = canary.address;
    let upstream = Elsewhere::start(move |asked, stream| {
        let head = |status: &str, more: &str| {
            format!(
                "HTTP/1.1 {status}\r\n{more}Content-Length: 6\r\nConnection: close\r\n\r\nCANARY"
            )
        };
        let study = asked.path().split('/').nth(3).unwrap_or_default();
        let json = "Content-Type: application/dicom+json\r\n";
        match study {
            "301" | "302" | "303" | "307" | "308" => {
                let to = format!("Location: http://{place}/CANARY\r\n");
                raw(stream, head(&format!("{study} Elsewhere"), &to).as_bytes());
            }
            "401" => {
                let ask = "WWW-Authenticate: Basic realm=\"CANARY\"\r\nSet-Cookie: sid=CANARY\r\n";
                raw(stream, head("401 Unauthorized", ask).as_bytes());
            }
            "html" => send(stream, "text/html", b"<p>CANARY"),
            "broken" => send(stream, "application/dicom+json", b"[{\"CANARY\":"),
            "number" => send(stream, "application/dicom+json", b"[3]"),
            "binary" => send(stream, "application/dicom+json", b"\xFF\xFE"),
            "brotli" => raw(
                stream,
                head("200 OK", &format!("{json}Content-Encoding: br\r\n")).as_bytes(),
            ),
            "no-gzip" => raw(
                stream,
                head("200 OK", &format!("{json}Content-Encoding: gzip\r\n")).as_bytes(),
            ),
            "no-http" => raw(stream, b"CANARY\r\n\r\n"),
            "short" => raw(
                stream,
                format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 99\r\n\r\n[").as_bytes(),
            ),
            "gone" => {}
            status => raw(stream, head(&format!("{status} Status"), json).as_bytes()),
        }
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), "timeout_ms = 5000"));
    for (study, status, code) in [
        ("301", 502, "upstream_redirect"),
        ("302", 502, "upstream_redirect"),
        ("303", 502, "upstream_redirect"),
        ("304", 502, "upstream_redirect"),
        ("307", 502, "upstream_redirect"),
        ("308", 502, "upstream_redirect"),
        ("400", 502, "upstream_failed"),
        ("401", 502, "upstream_refused"),
        ("403", 502, "upstream_refused"),
        ("404", 404, "study_unknown"),
        ("410", 404, "study_unknown"),
        ("418", 502, "upstream_failed"),
        ("500", 502, "upstream_failed"),
        ("502", 502, "upstream_unreachable"),
        ("503", 503, "upstream_busy"),
        ("504", 504, "upstream_timeout"),
        ("206", 502, "upstream_failed"),
        ("html", 502, "upstream_broken"),
        ("broken", 502, "upstream_broken"),
        ("number", 502, "upstream_broken"),
        ("binary", 502, "upstream_broken"),
        ("brotli", 502, "upstream_broken"),
        ("no-gzip", 502, "upstream_broken"),
        ("no-http", 502, "upstream_unreachable"),
        ("short", 502, "upstream_broken"),
        ("gone", 502, "upstream_unreachable"),
    ] {
        let answer = server.get(&format!("/dicomweb/north/studies/{study}/metadata"));
        assert_eq!(
            (answer.status, answer.error_code()),
            (status, code.into()),
            "{study}"
        );
        let all = format!("{:?} {}", answer.headers, text(&answer));
        assert!(!all.contains("CANARY"), "{all}");
        assert!(answer.header("www-authenticate").is_none() && answer.header("location").is_none());
        let names_it = text(&answer).contains("Hospital north");
        assert_eq!(names_it, status != 404, "{all}");
        assert!(
            !text(&answer).contains(&upstream.address.port().to_string()),
            "{all}"
        );
    }
    assert_eq!(canary.count(), 0);
}

/// A source that closes a connection which it has kept, just when it is used again (RFC 9112 9.3.1): its radiologist sees nothing
/// of it. One that never answers is given up.
#[test]
fn a_kept_connection_that_closes_is_asked_again_by_another_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}/dicom-web", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, count) = (stream.unwrap(), Arc::clone(&count));
            std::thread::spawn(move || {
                let mut kept = 0;
                while let Some(asked) = read(&mut stream) {
                    count.fetch_add(1, Ordering::SeqCst);
                    kept += 1;
                    if kept > 1 || asked.path().ends_with("studies/9/metadata") {
                        return;
                    }
                    let body = json!([set("1", "2", "3")]).to_string();
                    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nContent-Length: ";
                    raw(
                        &mut stream,
                        format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes(),
                    );
                }
            });
        }
    });
    let (_folder, server) = gateway(&source("north", &root, "timeout_ms = 5000"));
    for _ in 0..4 {
        assert_eq!(server.get("/dicomweb/north/studies/1/metadata").status, 200);
    }
    let before = requests.load(Ordering::SeqCst);
    assert!(before > 4, "no connection was used twice");
    let answer = server.get("/dicomweb/north/studies/9/metadata");
    assert_eq!(answer.error_code(), "upstream_unreachable");
    let asked = requests.load(Ordering::SeqCst) - before;
    assert!(asked <= 2, "{asked}");
}

#[test]
fn a_source_that_is_not_there_is_unreachable() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    // It does not speak TLS.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let south = format!("https://{}/dicom-web", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in plain.incoming() {
            raw(&mut stream.unwrap(), b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let sources = [
        source("north", &format!("http://127.0.0.1:{port}/dicom-web"), ""),
        source("south", &south, ""),
        source("east", "http://pacs.invalid/dicom-web", ""),
    ];
    let (_folder, server) = gateway(&sources.concat());
    for id in ["north", "south", "east"] {
        let answer = server.get(&format!("/dicomweb/{id}/studies"));
        assert_eq!(
            (answer.status, answer.error_code()),
            (502, "upstream_unreachable".into()),
            "{id}"
        );
        let said = text(&answer);
        assert!(
            !said.contains("invalid") && !said.contains(&port.to_string()),
            "{said}"
        );
    }
}

#[test]
fn t23_a_source_that_takes_its_time_is_not_waited_for() {
    let upstream = Elsewhere::start(|asked, stream| match asked.path().split('/').nth(3) {
        // Nothing at all, a head alone, a byte now and then.
        Some("nothing") => std::thread::sleep(Duration::from_secs(60)),
        Some("head") => {
            raw(stream, CHUNKED.as_bytes());
            std::thread::sleep(Duration::from_secs(60));
        }
        _ => endless(stream, CHUNKED, b" ", Duration::from_millis(50)),
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), "timeout_ms = 300"));
    for study in ["nothing", "head", "drops"] {
        let answer = server.get(&format!("/dicomweb/north/studies/{study}/metadata"));
        assert_eq!(
            (answer.status, answer.error_code()),
            (504, "upstream_timeout".into()),
            "{study}"
        );
    }
}

#[test]
fn t23_only_so_many_ask_at_once() {
    let upstream = Elsewhere::start(|_, _| std::thread::sleep(Duration::from_secs(60)));
    let more = "timeout_ms = 400\nrequests = 2";
    let (_folder, server) = gateway(&source("north", &upstream.root(), more));
    let codes: Vec<String> = std::thread::scope(|scope| {
        let ask = || server.get("/dicomweb/north/studies").error_code();
        let asking: Vec<_> = (0..12).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let busy = codes.iter().filter(|code| *code == "upstream_busy").count();
    assert!(busy > 0, "{codes:?}");
    // Two at once, and those who came to their place within their patience.
    assert!(upstream.asked().len() <= 6, "{}", upstream.asked().len());
    assert_eq!(busy + upstream.asked().len(), 12);
}

#[test]
fn t14_answers_without_end_are_cut_off() {
    let bomb = {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        for _ in 0..256 {
            gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        gzip.finish().unwrap()
    };
    // 256 MiB in a quarter of one.
    assert!(bomb.len() < 300_000);
    let upstream = Elsewhere::start(move |asked, stream| {
        match asked.path().split('/').nth(3) {
        Some("endless") => endless(stream, CHUNKED, &[b' '; 65_536], Duration::ZERO),
        Some("long") => raw(
            stream,
            b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nContent-Length: 99999999999\r\n\r\n",
        ),
        Some("bomb") => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                bomb.len()
            );
            raw(stream, &[head.as_bytes(), &bomb].concat());
        }
        Some("addresses") => {
            // Short there, long here.
            let mut long = set("addresses", "2", "3");
            for index in 0..22_000 {
                long[format!("{:08X}", 0x0009_1000 + index)] = json!({"vr": "OB", "BulkDataURI": "b"});
            }
            send(stream, "application/dicom+json", long.to_string().as_bytes());
        }
        Some("heads") => {
            raw(stream, b"HTTP/1.1 200 OK\r\n");
            while stream.write_all(b"X-Long: 0123456789012345678901234567890123456789\r\n").is_ok() {}
        }
        _ => {}
    }
    });
    let (_folder, server) = gateway(&source(
        "north",
        &upstream.root(),
        "json_max = \"1MiB\"\ntimeout_ms = 20000",
    ));
    for (study, code) in [
        ("endless", "upstream_too_large"),
        ("long", "upstream_too_large"),
        ("bomb", "upstream_too_large"),
        ("addresses", "upstream_too_large"),
        ("heads", "upstream_unreachable"),
    ] {
        let answer = server.get(&format!("/dicomweb/north/studies/{study}/metadata"));
        assert_eq!(
            (answer.status, answer.error_code()),
            (502, code.into()),
            "{study}"
        );
    }
    // What is compressed and not too large is read.
    let upstream = Elsewhere::start(|asked, stream| {
        assert_eq!(asked.header("accept-encoding"), Some("gzip"));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(json!([set("1", "2", "3")]).to_string().as_bytes())
            .unwrap();
        let body = gzip.finish().unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        raw(stream, &[head.as_bytes(), &body].concat());
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    let answer = server.get("/dicomweb/north/studies/1/metadata");
    assert_eq!(answer.json()[0]["0020000D"]["Value"][0], "1");
}

/// An upstream all of whose addresses lead to a stranger, in every place and form.
#[test]
fn t13_no_address_that_a_source_names_is_asked_for_anything() {
    let canary = Canary::start();
    let place = canary.address;
    let upstream = Elsewhere::start(move |asked, stream| {
        let port = asked
            .header("host")
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap()
            .to_owned();
        let mut all = set("1", "2", "3");
        let strange = [
            format!("http://{place}/dicom-web/studies/2/bulk/1"),
            format!("//{place}/dicom-web/b"),
            format!("http://127.0.0.1:{port}@{place}/dicom-web/b"),
            format!("\\\\{place}\\dicom-web\\b"),
            // The source itself, but not below its root.
            format!("http://127.0.0.1:{port}/secret"),
            format!("http://127.0.0.1:{port}/dicom-web/../secret"),
            format!("http://127.0.0.1:{port}/dicom-web/%2e%2e/secret"),
            format!("http://127.0.0.1:{port}/dicom-web/..%2fsecret"),
            "/secret".to_owned(),
            "file:///etc/passwd".to_owned(),
        ];
        for (index, address) in strange.iter().enumerate() {
            all[format!("0009{:04X}", 0x1000 + index)] =
                json!({"vr": "OB", "BulkDataURI": address});
        }
        let address = format!("http://{place}/x");
        all["00081190"] = json!({"vr": "UR", "Value": [address]});
        all["0040E010"] = json!({"vr": "UR", "Value": [address]});
        all["00287FE0"] = json!({"vr": "UR", "Value": [address]});
        all["00420011"] = json!({"vr": "OB", "BulkDataURI": "moved"});
        all["00081115"] = json!({"vr": "SQ", "Value": [{
            "00081190": {"vr": "UR", "Value": [address]},
            "00420011": {"vr": "OB", "BulkDataURI": address},
            "00420010": {"vr": "OB", "BulkDataURI": format!("http://127.0.0.1:{port}/dicom-web/own")},
        }]});
        match asked.path() {
            path if path.ends_with("/moved") => raw(
                stream,
                format!("HTTP/1.1 302 Found\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n")
                    .as_bytes(),
            ),
            "/dicom-web/own" => send(stream, "application/octet-stream", b"value"),
            path if path.contains("/frames/") => {
                let part = format!("--b\r\nContent-Location: {address}\r\n\r\nx\r\n--b--");
                let kind = "multipart/related; boundary=b; start=\"http://x\"";
                send(stream, kind, part.as_bytes());
            }
            path if path.ends_with("/metadata") => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nLink: <{address}>; rel=preload\r\nContent-Location: {address}\r\nRefresh: 0; url={address}\r\nConnection: close\r\n\r\n"
                );
                raw(stream, format!("{head}{}", json!([all])).as_bytes());
            }
            _ => send(
                stream,
                "application/dicom+json",
                json!([all]).to_string().as_bytes(),
            ),
        }
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    let mut tags: Vec<String> = (0..10)
        .map(|index| format!("0009{:04X}", 0x1000 + index))
        .collect();
    tags.extend(
        [
            "00081190",
            "0040E010",
            "00287FE0",
            "00081115.0.00420011",
            "00081115.0.00081190",
        ]
        .map(str::to_owned),
    );
    for path in [
        "/dicomweb/north/studies",
        "/dicomweb/north/studies/1/series",
        "/dicomweb/north/studies/1/series/2/instances",
        "/dicomweb/north/studies/1/metadata",
        &format!("{INSTANCE}/metadata"),
        &format!("{INSTANCE}/frames/1"),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}");
        let all = format!("{:?} {}", answer.headers, text(&answer));
        for strange in [
            place.to_string(),
            upstream.address.to_string(),
            "secret".into(),
            "passwd".into(),
        ] {
            assert!(!all.contains(&strange), "{path} {strange} {all}");
        }
        for tag in &tags {
            let ours = format!("/bulk/{tag}\"");
            assert!(!all.contains(&ours), "{path} {ours}");
        }
    }
    // Asked for by the name that they would have.
    for tag in &tags {
        let answer = server.get(&format!("{INSTANCE}/bulk/{tag}"));
        assert_eq!(
            (answer.status, answer.error_code()),
            (404, "bulk_unknown".into()),
            "{tag}"
        );
    }
    let answer = server.get(&format!("{INSTANCE}/bulk/00420011"));
    assert_eq!(
        (answer.status, answer.error_code()),
        (502, "upstream_redirect".into())
    );
    let answer = server.get(&format!("{INSTANCE}/thumbnail"));
    assert_eq!(answer.error_code(), "upstream_broken");
    // Nobody else has been asked, nor the source for what is not below its root; and what is, is had.
    assert_eq!(
        server
            .get(&format!("{INSTANCE}/bulk/00081115.0.00420010"))
            .body,
        b"value"
    );
    assert_eq!(canary.count(), 0);
    let outside = |asked: &Asked| !asked.target.starts_with("/dicom-web/");
    assert_eq!(
        upstream
            .asked()
            .into_iter()
            .find(outside)
            .map(|it| it.target),
        None
    );
}

#[test]
fn t13_an_address_of_ours_leads_nowhere_but_below_the_sources_root() {
    let upstream = Elsewhere::json(|_| json!([set("1", "2", "3")]).to_string());
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    for path in [
        "studies/%2E%2E/metadata",
        "studies/..%2F..%2Fsecret/metadata",
        "studies/1%3Fx=y/metadata",
        "studies/1%23/metadata",
        "studies/1%5C2/metadata",
        "studies/1%252F/metadata",
        "studies/%2E%2E/series/%2E%2E/instances/%2E%2E/frames/1",
        "studies/1/series/%2E%2E%2F%2E%2E/instances/3/bulk/7FE00010",
        "studies/1/series/2/instances/3/bulk/..%2F..%2Fx",
        "studies/1/series/2/instances/%2E/thumbnail",
    ] {
        let answer = server.get(&format!("/dicomweb/north/{path}"));
        assert_eq!(answer.status, 404, "{path}");
    }
    let list = server.get("/dicomweb/north/studies/%2E%2E/series");
    assert_eq!((list.status, list.json()), (200, json!([])));
    // A query is written anew.
    server.get("/dicomweb/north/studies?PatientName=A%26limit%3D9%23%0D%0AX:%20y&limit=3");
    let asked = upstream.asked();
    let last = asked.last().unwrap();
    assert!(
        last.target
            .starts_with("/dicom-web/studies?PatientName=A%26limit%3D9%23%0D%0AX:%20y&limit=3"),
        "{last:?}"
    );
    for asked in asked {
        assert!(
            [
                "/dicom-web/studies",
                "/dicom-web/studies/1/series/2/instances/3/metadata"
            ]
            .contains(&asked.path()),
            "{asked:?}"
        );
    }
}
