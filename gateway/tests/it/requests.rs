//! What every request passes: its name, where it comes from, how much may be asked for, and what operators are told.

use std::collections::BTreeSet;

use crate::files::ct;
use crate::login;
use crate::server::{Answer, Server, exchange, send};

/// A gateway with login, with these lines in its configuration.
fn server(lines: &str) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    ct("1", "2", 1).write(&data, "a.dcm");
    let local = format!("{lines}\n[auth.local]\nsecond_factor = \"optional\"\n");
    let options = login::configured_with(folder.path(), &local);
    let server = Server::start(options);
    server.wait_until_indexed();
    (folder, server)
}

const PROXY: &str = "[server]\ntrusted_proxies = [\"127.0.0.1/32\"]";

fn record(folder: &tempfile::TempDir) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let line = |line: &str| serde_json::from_str(line).unwrap();
    text.lines().map(line).collect()
}

fn id(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap().to_owned()
}

#[test]
fn each_request_has_a_name_that_its_events_carry() {
    let (folder, server) = server("");
    let cookie = login::user(&server, "rad", "radiologist");
    let with = [("Cookie", cookie.as_str())];
    let mut seen = BTreeSet::new();
    let mut expected = Vec::new();
    for path in [
        "/dicomweb/studies",
        "/dicomweb/studies/1/metadata",
        "/dicomweb/studies/1/series/2/instances/2.1/frames/1",
        "/api/audit",
    ] {
        let answer = server.request("GET", path, &with);
        assert_eq!(answer.status, 200, "{path}");
        expected.push(id(&answer));
    }
    // Errors, pages, files, other hosts: each answer has one, and each another.
    for (path, host) in [
        ("/healthz", None),
        ("/", None),
        ("/nothing", None),
        ("/dicomweb/studies", None),
        ("/healthz", Some("evil.example")),
    ] {
        let host = host.unwrap_or("127.0.0.1").to_owned();
        let host = format!("{host}:{}", server.address.port());
        let answer = server.raw("GET", path, &[("Host", &host), ("Connection", "close")]);
        assert!(seen.insert(id(&answer)), "{path}");
    }
    seen.extend(expected.iter().cloned());
    assert_eq!(seen.len(), 9);
    assert!(seen.iter().all(|id| id.len() == 32));
    let refused = server.form("/auth/login", None, &[("name", "rad"), ("password", "x")]);
    expected.push(id(&refused));
    let of_events: Vec<String> = record(&folder)
        .iter()
        .filter_map(|event| event["request"].as_str().map(str::to_owned))
        .collect();
    for id in &expected {
        assert!(of_events.contains(id), "{id}: {of_events:?}");
    }
    // The gateway's own events are of no request.
    assert!(record(&folder)[0].get("request").is_none());
}

#[test]
fn a_name_of_a_request_is_taken_from_a_trusted_proxy_alone_and_only_where_it_says_nothing() {
    let given = "0190a1b2-c3d4-7e5f-8a9b-0123456789ab";
    let ask = |server: &Server, given: &str| {
        let answer = server.request("GET", "/healthz", &[("X-Request-Id", given)]);
        id(&answer)
    };
    let (_folder, behind) = server(PROXY);
    assert_eq!(ask(&behind, given), given);
    assert_eq!(ask(&behind, "MUELLER^ANNA^1970-01-01").len(), 32);
    let (_folder, alone) = server("");
    assert_ne!(ask(&alone, given), given);
}

/// Addresses of failed logins on record, by what the request said of itself.
fn address(server: &Server, folder: &tempfile::TempDir, headers: &[(&str, &str)]) -> String {
    let host = server.address.to_string();
    let body = "name=rad&password=wrong";
    let length = body.len().to_string();
    let mut all = vec![
        ("Host", host.as_str()),
        ("Connection", "close"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", &length),
    ];
    all.extend(headers);
    let answer = send(server.address, "POST", "/auth/login", &all, body.as_bytes());
    assert!(matches!(answer.status, 401 | 429), "{}", answer.status);
    let events = record(folder);
    let event = events.iter().rfind(|it| it["request"] == id(&answer));
    event.unwrap()["actor"]["address"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn where_a_request_comes_from_is_believed_of_trusted_proxies_alone() {
    let spoofed = [
        ("X-Forwarded-For", "198.51.100.9"),
        ("Forwarded", "for=198.51.100.9"),
        ("X-Real-Ip", "198.51.100.9"),
        ("True-Client-Ip", "198.51.100.9"),
    ];
    let (folder, alone) = server("[server]\ntrusted_proxies = [\"192.0.2.0/24\"]");
    assert_eq!(address(&alone, &folder, &spoofed), "127.0.0.1");
    let (folder, behind) = server(PROXY);
    let of = |value: &str| address(&behind, &folder, &[("X-Forwarded-For", value)]);
    assert_eq!(of("203.0.113.5"), "203.0.113.5");
    // The sender wrote the left one, the proxy the right one.
    assert_eq!(of("198.51.100.9, 203.0.113.5"), "203.0.113.5");
    assert_eq!(of("198.51.100.9, 127.0.0.1"), "198.51.100.9");
    assert_eq!(of("198.51.100.9, rubbish"), "127.0.0.1");
    // The header that this proxy does not write is the sender's.
    let other = [("Forwarded", "for=198.51.100.9")];
    assert_eq!(address(&behind, &folder, &other), "127.0.0.1");
    let standard = format!("{PROXY}\nforwarded_header = \"forwarded\"");
    let (folder, behind) = server(&standard);
    let both = [
        ("X-Forwarded-For", "198.51.100.9"),
        ("Forwarded", "for=203.0.113.5;proto=https"),
    ];
    assert_eq!(address(&behind, &folder, &both), "203.0.113.5");
}

#[test]
fn t26_what_a_proxy_says_of_scheme_and_host_is_not_believed() {
    let (_folder, server) = server(PROXY);
    let host = server.address.to_string();
    let forwarded = [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Prefix", "/evil"),
        ("Forwarded", "host=evil.example;proto=https"),
    ];
    let answer = server.request("GET", "/", &forwarded);
    assert_eq!(
        (answer.status, login::location(&answer)),
        (303, "/auth/login")
    );
    // Neither does a good one help a bad one.
    let mut headers = vec![("Host", "evil.example"), ("Connection", "close")];
    headers.push(("X-Forwarded-Host", &host));
    assert_eq!(server.raw("GET", "/", &headers).status, 421);
}

#[test]
fn t23_a_flooder_is_told_to_wait_and_nobody_else_notices() {
    let limits = format!("{PROXY}\n[limits]\nrequests_per_minute = 60");
    let (_folder, server) = server(&limits);
    let cookie = login::user(&server, "rad", "radiologist");
    let from = |address: &str, path: &str, more: &[(&str, &str)]| {
        let mut headers = vec![("X-Forwarded-For", address)];
        headers.extend(more);
        server.request("GET", path, &headers)
    };
    let mut refused = 0;
    for _ in 0..400 {
        let answer = from("203.0.113.5", "/config.json", &[]);
        if answer.status == 429 {
            refused += 1;
            assert_eq!(answer.error_code(), "too_many_requests");
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=2).contains(&wait));
            assert!(answer.header("content-security-policy").is_some());
        } else {
            assert_eq!(answer.status, 200);
        }
    }
    assert!((300..=340).contains(&refused), "{refused}");
    // Another session cookie for each request does not help.
    for number in 0..20 {
        let secret = format!("__Host-sid={number:043}");
        let answer = from("203.0.113.5", "/config.json", &[("Cookie", &secret)]);
        assert!(matches!(answer.status, 429 | 200));
        refused += u32::from(answer.status == 429);
    }
    assert!(refused >= 315, "{refused}");
    // Health is answered, to the flooder, too; others and sessions of the same address are not concerned.
    assert_eq!(from("203.0.113.5", "/healthz", &[]).status, 200);
    assert_eq!(from("203.0.113.6", "/config.json", &[]).status, 200);
    let with = [("Cookie", cookie.as_str())];
    let frame = "/dicomweb/studies/1/series/2/instances/2.1/frames/1";
    for _ in 0..300 {
        assert_eq!(from("203.0.113.7", frame, &with).status, 200);
    }
    // Tries have a smaller bucket of their own.
    let tries = (0..20).filter(|_| {
        let body = "{\"id\":\"x\",\"secret\":\"y\"}";
        let headers = [("X-Forwarded-For", "203.0.113.8")];
        server.post("/api/shares/look", &headers, body).status != 429
    });
    let tries = tries.count();
    assert!((6..=8).contains(&tries), "{tries}");
}

#[test]
fn t23_floods_from_everywhere_leave_health_answered_and_memory_bounded() {
    let limits = format!("{PROXY}\n[limits]\nrequests_per_minute = 60");
    let (_folder, server) = server(&limits);
    let address = server.address;
    let flooders: Vec<_> = (0..8u32)
        .map(|flooder| {
            std::thread::spawn(move || {
                let host = address.to_string();
                let mut statuses = BTreeSet::new();
                for number in 0..500u32 {
                    // Half of them pretend to be many, half are one each.
                    let number = if flooder % 2 == 0 { number } else { 0 };
                    let from = std::net::Ipv4Addr::from(0xC633_6400 + flooder * 500 + number);
                    let from = from.to_string();
                    let headers = [
                        ("Host", host.as_str()),
                        ("Connection", "close"),
                        ("X-Forwarded-For", &from),
                    ];
                    statuses.insert(send(address, "GET", "/config.json", &headers, b"").status);
                }
                statuses
            })
        })
        .collect();
    while flooders.iter().any(|flooder| !flooder.is_finished()) {
        assert_eq!(exchange(&address.to_string(), "/healthz").status, 200);
    }
    for (number, flooder) in flooders.into_iter().enumerate() {
        let statuses = flooder.join().unwrap();
        let expected: &[u16] = if number % 2 == 0 { &[200] } else { &[200, 429] };
        assert_eq!(Vec::from_iter(statuses), expected, "{number}");
    }
    // A sender is a number in a table that has an end; so many were told apart.
    assert_eq!(server.state.senders.senders(), 4 * 500 + 4);
}

#[test]
fn without_a_login_nobody_is_limited() {
    let folder = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let frame = "/dicomweb/studies/1/series/2/instances/2.1/frames/1";
    for _ in 0..1500 {
        assert_eq!(server.get(frame).status, 200);
    }
}

/// What the exposition format of OpenMetrics 1.0 asks of a line: a name, labels, a number.
fn samples(text: &str) -> Vec<(String, f64)> {
    assert!(text.ends_with("# EOF\n"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.map(sample).collect()
}

#[test]
fn operators_have_a_listener_of_their_own_once_one_is_configured() {
    let (_folder, server) = server("[server]\nops_listen = \"127.0.0.1:0\"");
    let cookie = login::user(&server, "rad", "radiologist");
    let with = [("Cookie", cookie.as_str())];
    for _ in 0..3 {
        server.request("GET", "/dicomweb/studies/1/metadata", &with);
    }
    server.get("/dicomweb/studies/1/metadata?x=CANARY");
    let ops = server.ops.unwrap().to_string();
    for path in ["/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(server.get(path).status, 404, "{path}");
        assert_eq!(exchange(&ops, path).status, 200, "{path}");
    }
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(exchange(&ops, "/healthz").status, 200);
    // Nothing of patients is there.
    for path in ["/dicomweb/studies", "/", "/api/session", "/config.json"] {
        assert_eq!(exchange(&ops, path).status, 404, "{path}");
    }
    let evil = [("Host", "evil.example"), ("Connection", "close")];
    let answer = send(server.ops.unwrap(), "GET", "/metrics", &evil, b"");
    assert_eq!(answer.status, 421);
    let ready = exchange(&ops, "/readyz").json();
    assert_eq!(
        ready,
        serde_json::json!({ "ready": true, "store": true, "users": true, "folders": true })
    );
    let text = String::from_utf8(exchange(&ops, "/metrics").body).unwrap();
    let all = samples(&text);
    let value = |name: &str| {
        all.iter()
            .find(|(it, _)| it == name)
            .map(|(_, value)| *value)
    };
    let route = "/dicomweb/studies/{study}/metadata";
    let of = |status| {
        format!("sagitta_requests_total{{route=\"{route}\",method=\"GET\",status=\"{status}\"}}")
    };
    assert_eq!(value(&of(200)), Some(3.0), "{text}");
    assert_eq!(value(&of(401)), Some(1.0));
    assert_eq!(value("sagitta_sessions"), Some(1.0));
    assert_eq!(value("sagitta_audit_waiting"), Some(0.0));
    assert_eq!(value("sagitta_files_read"), Some(1.0));
    let count = format!("sagitta_answer_seconds_count{{route=\"{route}\"}}");
    assert_eq!(value(&count), Some(4.0));
    let bytes = format!("sagitta_sent_bytes_total{{route=\"{route}\"}}");
    assert!(value(&bytes).unwrap() > 1000.0);
    assert!(!text.contains("CANARY"));
}

#[test]
fn with_a_login_and_without_a_listener_of_operators_numbers_are_nowhere() {
    let (_folder, with_login) = server("");
    assert_eq!(with_login.get("/metrics").status, 404);
    assert_eq!(with_login.get("/readyz").status, 200);
    let folder = tempfile::tempdir().unwrap();
    let alone = Server::over(folder.path());
    let answer = alone.get("/metrics");
    assert_eq!(answer.status, 200);
    samples(std::str::from_utf8(&answer.body).unwrap());
}
