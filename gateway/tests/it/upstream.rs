//! Another hospital's server that behaves: here it is a second gateway, so that both answers can be laid side by side.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use gateway::serve::prepare;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::elsewhere::{
    Canary, Elsewhere, configured, gateway, raw, secret, send, set_mode, source, text,
};
use crate::files::{JPEG_LS, ct, empty, parts};
use crate::server::{Answer, Server};

/// A gateway with two studies: slices, an image in fragments with three frames, a report.
fn north() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        let mut made = ct("1.1", "1.1.1", number);
        // Large enough to be left out of metadata.
        let table: Vec<u16> = (0..4096).map(|value| value * number).collect();
        made.put(
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            PrimitiveValue::U16(table.into()),
        );
        made.write(folder.path(), &format!("{number}.dcm"));
    }
    let mut made = ct("1.1", "1.1.2", 1);
    made.text(tags::NUMBER_OF_FRAMES, VR::IS, "3");
    let fragments = vec![vec![1, 2], vec![3, 4, 5, 6], vec![7, 8]];
    made.fragments(JPEG_LS, vec![], fragments);
    made.write(folder.path(), "fragments.dcm");
    empty("1.2", "1.2.1", "1.2.1.1").write(folder.path(), "report.dcm");
    let server = Server::over(folder.path());
    (folder, server)
}

struct Pair {
    _folders: [TempDir; 2],
    north: Server,
    here: Server,
}

impl Pair {
    fn start() -> Self {
        let (one, north) = north();
        let root = format!("http://{}/dicomweb/local/", north.address);
        let (two, here) = gateway(&source("north", &root, ""));
        Self {
            _folders: [one, two],
            north,
            here,
        }
    }

    /// The answers of both to one request.
    fn both(&self, path: &str, headers: &[(&str, &str)]) -> [Answer; 2] {
        [
            self.north
                .request("GET", &format!("/dicomweb/local/{path}"), headers),
            self.here
                .request("GET", &format!("/dicomweb/north/{path}"), headers),
        ]
    }
}

/// Data sets with their attributes in one order, and the source's name instead of the store's.
fn renamed(answer: &Answer) -> Value {
    let text = String::from_utf8(answer.body.clone()).unwrap();
    serde_json::from_str(&text.replace("/dicomweb/local/", "/dicomweb/north/")).unwrap()
}

#[test]
fn lists_and_metadata_are_those_of_the_source_with_our_addresses() {
    let pair = Pair::start();
    for path in [
        "studies",
        "studies?PatientName=Doe*&StudyDate=20240101-20241231&limit=5&orderby=-StudyDate",
        "studies?StudyInstanceUID=1.2",
        "studies?PatientName=Nobody",
        "studies?StudyDate=20240228-20240301&StudyTime=2300-0100",
        "studies?StudyTime=073015&StudyDate=20240229-20240229",
        "studies?PatientName=jane%20doe&fuzzymatching=true",
        "studies?AccessionNumber=%22%22&emptyvaluematching=true",
        "studies?StudyDescription=&includefield=PatientAge",
        "series?00400275.00400009=none",
        "series?RequestAttributesSequence.RequestedProcedureID=*&Modality=C*",
        "series?Modality=CT",
        "instances?limit=2&offset=1",
        "studies/1.1/series",
        "studies/1.1/instances?includefield=all",
        "studies/1.1/series/1.1.1/instances",
        "studies/9.9/series",
        "studies/1.1/metadata",
        "studies/1.1/series/1.1.1/metadata",
        "studies/1.1/series/1.1.1/instances/1.1.1.2/metadata",
        "studies/1.2/metadata",
    ] {
        let [theirs, ours] = pair.both(path, &[]);
        assert_eq!((theirs.status, ours.status), (200, 200), "{path}");
        let (expected, found) = (renamed(&theirs), ours.json());
        assert!(!theirs.body.is_empty());
        assert_eq!(found, expected, "{path}");
        assert_eq!(
            ours.header("x-total-count"),
            theirs.header("x-total-count"),
            "{path}"
        );
        let head = pair
            .here
            .request("HEAD", &format!("/dicomweb/north/{path}"), &[]);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
    }
    // The embedded store is as it was.
    let local = pair.here.get("/dicomweb/studies").json();
    assert_eq!(local[0]["0020000D"]["Value"], json!(["1"]));
}

#[test]
fn frames_and_values_are_those_of_the_source() {
    let pair = Pair::start();
    let stored = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";
    let slice = "studies/1.1/series/1.1.1/instances/1.1.1.2";
    let fragments = "studies/1.1/series/1.1.2/instances/1.1.2.1";
    for (path, accept) in [
        (format!("{slice}/frames/1"), "*/*"),
        (format!("{slice}/frames/1"), stored),
        (format!("{fragments}/frames/1"), stored),
        (format!("{fragments}/frames/3,1,2"), stored),
        (format!("{slice}/bulk/00281201"), "*/*"),
        (format!("{fragments}/bulk/7FE00010"), "*/*"),
    ] {
        let [theirs, ours] = pair.both(&path, &[("Accept", accept)]);
        assert_eq!((theirs.status, ours.status), (200, 200), "{path}");
        assert_eq!(parts(&ours), parts(&theirs), "{path} {accept}");
    }
    let [theirs, ours] = pair.both(
        &format!("{slice}/frames/1"),
        &[("Accept", "application/octet-stream")],
    );
    assert_eq!(ours.body, theirs.body);
    assert_eq!(ours.body.len(), 24);
    let [theirs, ours] = pair.both(&format!("{slice}/thumbnail?size=64"), &[]);
    assert_eq!(
        (ours.header("content-type"), &ours.body),
        (Some("image/png"), &theirs.body)
    );
    let [theirs, ours] = pair.both("studies/1.1/series/1.1.1/thumbnail", &[]);
    assert_eq!(ours.body, theirs.body);
    let head = pair
        .here
        .request("HEAD", &format!("/dicomweb/north/{slice}/frames/1"), &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn what_the_source_has_not_is_not_here_either() {
    let pair = Pair::start();
    let slice = "studies/1.1/series/1.1.1/instances/1.1.1.2";
    for (path, code) in [
        ("studies/9.9/metadata".to_owned(), "study_unknown"),
        ("studies/1.1/series/9/metadata".to_owned(), "series_unknown"),
        (
            "studies/1.1/series/1.1.1/instances/9/metadata".to_owned(),
            "instance_unknown",
        ),
        (format!("{slice}/frames/2"), "frame_unknown"),
        (format!("{slice}/bulk/00420011"), "bulk_unknown"),
        (
            "studies/1.1/series/1.1.1/instances/9/bulk/7FE00010".to_owned(),
            "instance_unknown",
        ),
        (
            "studies/1.2/series/1.2.1/instances/1.2.1.1/thumbnail".to_owned(),
            "no_picture",
        ),
    ] {
        let answer = pair.here.get(&format!("/dicomweb/north/{path}"));
        assert_eq!(
            (answer.status, answer.error_code()),
            (404, code.into()),
            "{path}"
        );
    }
    let answer = pair.here.get("/dicomweb/south/studies");
    assert_eq!(
        (answer.status, answer.error_code()),
        (404, "source_unknown".into())
    );
    let answer = pair.here.get("/dicomweb/north/studies?Favourite=1");
    assert_eq!(
        (answer.status, answer.error_code()),
        (400, "query_invalid".into())
    );
    let answer = pair.here.get("/api/studies/north/1.1/files");
    assert_eq!(
        (answer.status, answer.error_code()),
        (404, "files_unavailable".into())
    );
}

#[test]
fn sources_are_listed_by_name_and_never_by_address() {
    let pair = Pair::start();
    let config = pair.here.get("/config.json");
    assert_eq!(
        config.json()["sources"],
        json!([
            {"id": "local", "label": "This computer", "dicomweb": "dicomweb/local"},
            {"id": "north", "label": "Hospital north", "dicomweb": "dicomweb/north"},
        ])
    );
    let port = pair.north.address.port().to_string();
    assert!(!String::from_utf8(config.body).unwrap().contains(&port));
}

#[test]
fn it_is_known_how_a_source_has_been_doing() {
    let upstream = Elsewhere::start(|asked, stream| match asked.path() {
        "/dicom-web/studies" => send(stream, "application/dicom+json", b"[]"),
        _ => send(stream, "text/html", b"<p>oops"),
    });
    let (_folder, server) = gateway(&source("north", &upstream.root(), ""));
    let health = || server.state.source_health().remove(0);
    assert_eq!(health().health, Default::default());
    assert_eq!(
        (health().id.as_str(), health().label.as_str()),
        ("north", "Hospital north")
    );
    server.get("/dicomweb/north/studies");
    let answered = health().health.answered.unwrap();
    assert_eq!(health().health.failed, None);
    server.get("/dicomweb/north/studies/1/metadata");
    let (failed, code) = health().health.failed.unwrap();
    assert_eq!(code, "upstream_broken");
    assert!(failed >= answered);
    assert_eq!(health().health.answered, Some(answered));
}

#[test]
fn t13_credentials_are_sent_with_each_request_to_the_source_and_shown_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    secret(&folder, "n.tok", "token-CANARY\n");
    secret(&folder, "n.pw", "password-CANARY");
    let upstream = Elsewhere::json(|_| "[]".to_owned());
    let sources = [
        source("bearer", &upstream.root(), "bearer_file = \"n.tok\""),
        source(
            "basic",
            &upstream.root(),
            "user = \"viewer\"\npassword_file = \"n.pw\"",
        ),
        source("nobody", &upstream.root(), ""),
    ];
    let server = Server::start(configured(&folder, &sources.concat()));
    for id in ["bearer", "basic", "nobody"] {
        // What a browser sends to us is not for others.
        let answer = server.request(
            "GET",
            &format!("/dicomweb/{id}/studies"),
            &[
                ("Authorization", "Bearer browser"),
                ("Cookie", "a=browser"),
                ("Referer", "http://browser/"),
            ],
        );
        assert_eq!(answer.status, 200);
        assert!(!format!("{:?}", answer.headers).contains("CANARY"));
    }
    let asked = upstream.asked();
    let sent: Vec<Option<&str>> = asked.iter().map(|it| it.header("authorization")).collect();
    // printf viewer:password-CANARY | base64
    let basic = "Basic dmlld2VyOnBhc3N3b3JkLUNBTkFSWQ==";
    assert_eq!(sent, [Some("Bearer token-CANARY"), Some(basic), None]);
    assert!(asked.iter().all(|it| !it.head.contains("browser")));
}

#[test]
fn t13_a_proxy_is_used_where_it_is_configured_and_nowhere_else() {
    let proxy = Elsewhere::json(|_| "[]".to_owned());
    let more = format!("proxy = \"http://{}\"", proxy.address);
    // A name that only the proxy can find.
    let (_folder, server) = gateway(&source("north", "http://pacs.invalid/dicom-web", &more));
    assert_eq!(server.get("/dicomweb/north/studies").status, 200);
    let asked = proxy.asked();
    assert!(
        asked[0]
            .target
            .starts_with("http://pacs.invalid/dicom-web/studies"),
        "{asked:?}"
    );
    drop(server);
    // The environment names another: nobody comes there.
    let upstream = Elsewhere::json(|_| "[]".to_owned());
    let canary = Canary::start();
    let folder = tempfile::tempdir().unwrap();
    configured(&folder, &source("north", &upstream.root(), ""));
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagitta"));
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, format!("http://{}", canary.address));
    }
    let mut child = command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .arg("--index")
        .arg(folder.path().join("index.db"))
        .arg("--config")
        .arg(folder.path().join("gateway.toml"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .trim()
        .strip_prefix("Sagitta is ready at http://")
        .unwrap();
    let address = address.trim_end_matches('/');
    let answer = crate::server::exchange(address, "/dicomweb/north/studies");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!((upstream.asked().len(), canary.count()), (1, 0));
}

#[test]
fn secrets_and_certificates_that_cannot_be_used_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    secret(&folder, "good", "token");
    secret(&folder, "lines", "a\nb");
    secret(&folder, "empty", "\n");
    secret(&folder, "open", "token");
    set_mode(&folder.path().join("open"), 0o644);
    let root = "https://127.0.0.1:1/dicom-web";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (more, words) in [
        ("bearer_file = \"none\"", "cannot be read"),
        ("bearer_file = \"open\"", "can be read by others"),
        ("bearer_file = \"lines\"", "one line"),
        ("bearer_file = \"empty\"", "one line"),
        (
            "user = \"u\"\npassword_file = \"open\"",
            "can be read by others",
        ),
        ("ca_file = \"none\"", "cannot be used"),
        ("ca_file = \"good\"", "cannot be used"),
        (
            "client_cert = \"good\"\nclient_key = \"open\"",
            "can be read by others",
        ),
        (
            "client_cert = \"good\"\nclient_key = \"good\"",
            "cannot be used",
        ),
        ("tls = false", "tls"),
    ] {
        let options = configured(&folder, &source("north", root, more));
        let error = runtime
            .block_on(prepare(options))
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains(words) && error.lines().count() == 1,
            "{error}"
        );
        assert!(!error.contains("token"), "{error}");
    }
}

/// Certificate and key of 127.0.0.1, signed by an authority of its own, whose certificate comes third.
fn certificates() -> [String; 3] {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let own = own.signed_by(&key, &authority).unwrap();
    [own.pem(), key.serialize_pem(), authority.pem()]
}

#[test]
fn a_source_must_prove_by_its_own_authority_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let [own, key, authority] = certificates();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("own.crt", &own);
    write("own.key", &key);
    write("right.pem", &authority);
    write("wrong.pem", &certificates()[2]);
    let tls = "[server]\ntls_cert = \"own.crt\"\ntls_key = \"own.key\"\n";
    let north = Server::start(configured(&folder, tls));
    let port = north.address.port();
    let root = format!("https://127.0.0.1:{port}/dicomweb/local");
    let sources = [
        source("right", &root, "ca_file = \"right.pem\""),
        source("wrong", &root, "ca_file = \"wrong.pem\""),
        source("none", &root, ""),
        // Another name than the one in the certificate.
        source(
            "name",
            &root.replace("127.0.0.1", "localhost"),
            "ca_file = \"right.pem\"",
        ),
    ];
    let here = tempfile::tempdir().unwrap();
    for name in ["right.pem", "wrong.pem"] {
        std::fs::copy(folder.path().join(name), here.path().join(name)).unwrap();
    }
    let here = (Server::start(configured(&here, &sources.concat())), here).0;
    here.wait_until(|here| {
        let found = here.get("/dicomweb/right/studies");
        assert_eq!(found.status, 200);
        !found.json().as_array().unwrap().is_empty()
    });
    for id in ["wrong", "none", "name"] {
        let answer = here.get(&format!("/dicomweb/{id}/studies"));
        assert_eq!(
            (answer.status, answer.error_code()),
            (502, "upstream_unreachable".into()),
            "{id}"
        );
        let text = String::from_utf8(answer.body).unwrap();
        assert!(
            text.contains(&format!("Hospital {id}")) && !text.contains(&port.to_string()),
            "{text}"
        );
    }
}

/// A server that gives whole instances and nothing else is asked for the rest once, also by a gateway that starts anew.
#[test]
fn lesson_22_what_a_source_refuses_is_remembered_over_a_start() {
    let made = ct("1", "2", 3);
    let file = made.bytes();
    let upstream = Elsewhere::start(move |asked, stream| {
        if !asked.path().ends_with("/instances/2.3") {
            return raw(
                stream,
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        let head = b"--b\r\nContent-Type: application/dicom\r\n\r\n";
        let body = [head, file.as_slice(), b"\r\n--b--"].concat();
        let kind = "multipart/related; type=\"application/dicom\"; boundary=b";
        send(stream, kind, &body);
    });
    let folder = tempfile::tempdir().unwrap();
    let options = configured(&folder, &source("north", &upstream.root(), ""));
    let frames = "/dicomweb/north/studies/1/series/2/instances/2.3/frames/1";
    let accept = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";
    let mut in_vain = Vec::new();
    for start in 0..3 {
        let before = upstream.asked().len();
        let server = Server::start(options.clone());
        let answer = server.request("GET", frames, &[("Accept", accept)]);
        assert_eq!(answer.status, 200, "start {start}: {}", text(&answer));
        let asked = upstream.asked().split_off(before);
        in_vain.push(
            asked
                .iter()
                .filter(|it| it.path().contains("/frames/"))
                .count(),
        );
    }
    assert!((1..=3).contains(&in_vain[0]), "{in_vain:?}");
    assert_eq!(in_vain[1..], [0, 0]);
}
