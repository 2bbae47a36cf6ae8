//! Headers of every answer, and who is answered at all.

use gateway::command::ServeOptions;

use crate::files::ct;
use crate::server::{Server, options, send};

/// Every kind of route, pages and errors included.
const ROUTES: [&str; 27] = [
    "/",
    "/viewer",
    "/s",
    "/s/recipient.js",
    "/shared",
    "/api/shares/opened",
    "/embed",
    "/index.html",
    "/embed.js",
    "/bench.html",
    "/assets/app.js",
    "/IHEInvokeImageDisplay?requestType=STUDY&studyUID=1",
    "/IHEInvokeImageDisplay",
    "/config.json",
    "/healthz",
    "/dicomweb/studies",
    "/dicomweb/local/studies",
    "/dicomweb/north/studies",
    "/dicomweb/series",
    "/dicomweb/studies?limit=x",
    "/dicomweb/studies/1/metadata",
    "/dicomweb/studies/1/series/2/metadata",
    "/dicomweb/studies/1/series/2/instances/2.1/frames/1",
    "/dicomweb/studies/1/series/2/instances/2.1/frames/9",
    "/dicomweb/studies/1/series/2/thumbnail",
    "/dicomweb/nothing",
    "/nothing/at/all",
];

/// Policy of the page behind a link: nothing is compiled, framed, or sent by a form.
const OF_LINKS: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn server() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    (folder, server)
}

#[test]
fn t02_every_answer_carries_the_csp() {
    let (_folder, server) = server();
    let policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
        img-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
        base-uri 'none'; form-action 'self'; frame-ancestors ";
    for route in ROUTES {
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            let answer = server.request(method, route, &[("Content-Length", "0")]);
            let csp = answer.header("content-security-policy").unwrap();
            if route == "/s" && matches!(method, "GET" | "HEAD") {
                // The page behind a link needs less than the app.
                assert_eq!(csp, OF_LINKS);
                continue;
            }
            let ancestors = csp.strip_prefix(policy).unwrap();
            let expected = if route == "/embed" {
                "'self' http://localhost:* http://127.0.0.1:*"
            } else {
                "'none'"
            };
            assert_eq!(ancestors, expected, "{method} {route}");
            assert_eq!(
                answer.header("x-content-type-options"),
                Some("nosniff"),
                "{route}"
            );
            assert_eq!(
                answer.header("referrer-policy"),
                Some("no-referrer"),
                "{route}"
            );
            assert!(
                answer
                    .header("permissions-policy")
                    .unwrap()
                    .contains("camera=()"),
                "{route}"
            );
            assert_eq!(
                answer.header("cross-origin-resource-policy"),
                Some("same-origin"),
                "{route}"
            );
            assert_eq!(
                answer.header("access-control-allow-origin"),
                None,
                "{route}"
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{route}");
        }
    }
}

#[test]
fn t26_foreign_host_is_refused_on_every_route() {
    let (_folder, server) = server();
    let port = server.address.port();
    let foreign = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("evil.example@127.0.0.1:{port}"),
        "evil.localhost".to_owned(),
        "localhost.".to_owned(),
        "localhost:".to_owned(),
        "127.0.0.1.".to_owned(),
        "127.1".to_owned(),
        "127.0.0.1:1".to_owned(),
        format!("127.0.0.2:{port}"),
        format!("192.0.2.1:{port}"),
        String::new(),
    ];
    for route in ROUTES {
        for host in &foreign {
            let answer = server.raw("GET", route, &[("Host", host), ("Connection", "close")]);
            assert_eq!(answer.status, 421, "{route} for {host}");
            assert_eq!(answer.error_code(), "host_refused");
            assert!(answer.header("content-security-policy").is_some());
        }
    }
    for name in ["localhost", "127.0.0.1", "[::1]", "LocalHost"] {
        // Programs may leave the port out; a browser under a name of ours is at our own page.
        for host in [format!("{name}:{port}"), name.to_owned()] {
            let headers = [("Host", host.as_str()), ("Connection", "close")];
            let answer = server.raw("GET", "/healthz", &headers);
            assert_eq!(answer.status, 200, "{host}");
        }
    }
}

#[test]
fn t26_two_hosts_or_another_authority_are_refused() {
    let (_folder, server) = server();
    let host = server.address.to_string();
    let close = ("Connection", "close");
    let twice = [("Host", host.as_str()), ("Host", "evil.example"), close];
    assert!(matches!(
        server.raw("GET", "/healthz", &twice).status,
        400 | 421
    ));
    let absolute = server.raw(
        "GET",
        "http://evil.example/healthz",
        &[("Host", &host), close],
    );
    assert_eq!(absolute.status, 421);
}

/// RFC 6797: over TLS, be it the gateway's own or that of a proxy before it.
#[test]
fn browsers_that_come_over_tls_are_told_to_come_by_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let told = |more: &str, host: Option<&str>| {
        let config = folder.path().join("tls.toml");
        std::fs::write(&config, more).unwrap();
        let index = folder.path().join("index.db");
        let server = Server::start(ServeOptions {
            config: Some(config),
            ..options(&folder.path().join("data"), &index)
        });
        let own = server.address.to_string();
        let headers = [("Host", host.unwrap_or(&own)), ("Connection", "close")];
        let answer = send(server.address, "GET", "/healthz", &headers, b"");
        assert_eq!(answer.status, 200);
        let found = answer.header("strict-transport-security");
        found.map(str::to_owned)
    };
    let public =
        |scheme: &str| format!("[server]\npublic_url = \"{scheme}://viewer.example.org\"\n");
    let host = Some("viewer.example.org");
    assert_eq!(
        told(&public("https"), host).as_deref(),
        Some("max-age=31536000")
    );
    assert_eq!(told(&public("http"), host), None);
    assert_eq!(told("", None), None);
}
