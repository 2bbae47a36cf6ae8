//! Logging in at a real provider: npm oidc-provider, which answers as the test asks.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::{Browser, parts};
use crate::login::location;
use crate::oidc_forged::gateway;
use crate::server::{Answer, Server, send};

/// The provider; ends when it is dropped.
struct Provider {
    child: Child,
    issuer: String,
    /// It says more later, and would end if nobody could hear it.
    _out: BufReader<ChildStdout>,
}

/// Where `cargo xtask test` puts what npm has.
fn modules() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), PathBuf::from);
    let folder = target.join("oidc-provider");
    let is_there = folder
        .join("node_modules/oidc-provider/package.json")
        .is_file();
    assert!(
        is_there,
        "npm's oidc-provider is missing: cargo xtask test installs it"
    );
    folder
}

impl Provider {
    fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc/provider.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(modules())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is missing: cargo xtask test installs it");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let issuer = line.trim().to_owned();
        assert!(
            issuer.starts_with("http://127.0.0.1:"),
            "the provider did not start"
        );
        Self {
            child,
            issuer,
            _out: out,
        }
    }

    /// How the next logins go.
    fn tell(&self, what: &Value) {
        let (address, _) = parts(&self.issuer);
        let (host, body) = (address.to_string(), what.to_string());
        let length = body.len().to_string();
        let headers = [
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Content-Length", &length),
        ];
        let answer = send(address, "POST", "/tell", &headers, body.as_bytes());
        assert_eq!(answer.status, 200);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Some have passwords here.
const WITH_PASSWORDS: &str = "[auth.local]\nsecond_factor = \"optional\"\n";

fn both(more: &str) -> (Provider, TempDir, Server, String) {
    let provider = Provider::start();
    let (folder, server) = gateway(&provider.issuer, more);
    let home = format!("http://{}", server.address);
    provider.tell(&json!({"gateway": home}));
    (provider, folder, server, home)
}

/// Through the provider, up to the page where it ends.
fn login(browser: &mut Browser, home: &str) -> (String, Answer) {
    browser.follow(&format!("{home}/auth/oidc"), &format!("{home}/"))
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

fn record(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap()
}

#[test]
fn someone_comes_in_by_the_provider_with_the_roles_it_gives() {
    let (provider, folder, server, home) = both("[auth.local]\nenabled = false\n");
    let port = server.address.port();
    // There is no form here, and no other way in.
    let page = text(&server.get("/auth/login"));
    assert!(
        page.contains("Sign in with North Hospital") && !page.contains("<form"),
        "{page}"
    );
    let fields = [("name", "ada"), ("password", "x")];
    assert_eq!(server.form("/auth/login", None, &fields).status, 404);
    let mut browser = Browser::default();
    let (url, _) = login(&mut browser, &home);
    assert_eq!(url, format!("{home}/"));
    let session = browser.get(&format!("{home}/api/session")).json();
    assert_eq!(session["name"], "Ada Example");
    assert_eq!(session["user"], "oidc:7");
    assert_eq!(session["roles"], json!(["radiologist"]));
    let list = browser.get(&format!("{home}/dicomweb/studies"));
    assert_eq!(
        (list.status, list.json().as_array().unwrap().len()),
        (200, 1)
    );
    assert!(browser.cookie(port, "__Host-oidc").is_none());
    // Other roles there are other roles here, and older sessions end.
    provider.tell(&json!({"roles": ["ref", "unknown"]}));
    let mut other = Browser::default();
    login(&mut other, &home);
    let session = other.get(&format!("{home}/api/session")).json();
    assert_eq!(session["roles"], json!(["referrer"]));
    assert_eq!(browser.get(&format!("{home}/api/session")).status, 401);
    let list = other.get(&format!("{home}/dicomweb/studies"));
    assert_eq!(
        (list.status, list.json().as_array().unwrap().len()),
        (200, 0)
    );
    // Without a role of ours nobody comes in.
    provider.tell(&json!({"roles": ["radiologist"], "sub": "8"}));
    let mut third = Browser::default();
    let (_, answer) = login(&mut third, &home);
    assert_eq!(answer.status, 403);
    assert!(text(&answer).contains("You have no role here"));
    assert_eq!(third.cookie(port, "__Host-sid"), None);
    drop(server);
    let record = record(&folder);
    for part in [
        "made known by the provider: radiologist",
        "other rights from the provider: referrer",
        "gives no role",
    ] {
        assert!(record.contains(part), "{part}: {record}");
    }
}

#[test]
fn t10_a_login_without_a_second_factor_is_refused_with_the_reason() {
    let more = "require_acr = [\"mfa\"]\nrequire_amr_any = [\"otp\", \"hwk\"]\nmax_age = \"1h\"\n";
    let (provider, folder, server, home) = both(more);
    let port = server.address.port();
    let now = gateway::auth::asker::now_s();
    let attempt = |told: Value| {
        provider.tell(&told);
        let mut browser = Browser::default();
        let (url, answer) = login(&mut browser, &home);
        let is_in = browser.cookie(port, "__Host-sid").is_some();
        (url, answer, is_in)
    };
    let enough = || json!({"acr": "mfa", "amr": ["pwd", "otp"]});
    let (url, _, is_in) = attempt(enough());
    assert_eq!((url, is_in), (format!("{home}/"), true));
    let second = "did not confirm the second step";
    let table = [
        (json!({}), second),
        (json!({"acr": "pwd", "amr": ["pwd", "otp"]}), second),
        (json!({"acr": "mfa", "amr": ["pwd"]}), second),
        (json!({"acr": "mfa"}), second),
        (json!({"amr": ["otp"]}), second),
        (
            json!({"acr": "mfa", "amr": ["otp"], "ts": now - 7200}),
            "too long ago",
        ),
    ];
    for (told, words) in table {
        let (url, answer, is_in) = attempt(told.clone());
        assert!(
            url.starts_with(&format!("{home}/auth/callback?")),
            "{told}: {url}"
        );
        assert_eq!((answer.status, is_in), (403, false), "{told}");
        assert!(text(&answer).contains(words), "{told}: {}", text(&answer));
    }
    // What the provider says when it refuses is not shown.
    let (_, answer, is_in) = attempt(json!({"deny": true}));
    assert_eq!((answer.status, is_in), (401, false));
    assert!(!text(&answer).contains("told so"));
    assert!(attempt(enough()).2);
    drop(server);
    let record = record(&folder);
    for part in [
        "an acr that is required",
        "an amr that is required",
        "too old, or of unknown age",
    ] {
        assert!(record.contains(part), "{part}: {record}");
    }
}

#[test]
fn t18_a_locked_session_of_a_provider_opens_by_a_new_proof_there() {
    let (provider, _folder, server, home) = both("");
    let mut browser = Browser::default();
    login(&mut browser, &home);
    let session = format!("{home}/api/session");
    let database = &server.state.login.as_ref().unwrap().database;
    let idle = "UPDATE session SET seen = seen - 100000";
    database.lock().execute(idle, []).unwrap();
    assert_eq!(browser.get(&session).json()["locked"], true);
    let page = browser.get(&format!("{home}/auth/unlock"));
    assert!(text(&page).contains("Go on with North Hospital"));
    // The provider's own session is not enough: one who only says when it began is refused.
    let now = gateway::auth::asker::now_s();
    provider.tell(&json!({"ts": now - 3600}));
    let (_, answer) = login(&mut browser, &home);
    assert_eq!(answer.status, 403);
    assert_eq!(browser.get(&session).json()["locked"], true);
    provider.tell(&json!({}));
    let (url, _) = login(&mut browser, &home);
    assert_eq!(url, format!("{home}/"));
    assert_eq!(browser.get(&session).json()["locked"], false);
    let count: u32 = database
        .lock()
        .query_row("SELECT count(*) FROM session", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}

#[test]
fn t11_a_locked_user_does_not_come_in_by_the_provider() {
    use crate::admin_locked;
    let (_provider, folder, server, home) = both(WITH_PASSWORDS);
    crate::login::user(&server, "root", "admin");
    let mut browser = Browser::default();
    login(&mut browser, &home);
    let session = format!("{home}/api/session");
    let name = browser.get(&session).json()["user"].clone();
    let name = name.as_str().unwrap();
    admin_locked::lock(&server, name);
    assert_eq!(browser.get(&session).status, 401);
    let (_, answer) = login(&mut Browser::default(), &home);
    assert_eq!(answer.status, 403);
    assert!(text(&answer).contains("Your account is locked here."));
    let count: u32 = (server.state.login.as_ref().unwrap().database.lock())
        .query_row(
            "SELECT count(*) FROM session JOIN user ON user.id = user WHERE issuer IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(count, 0);
    assert!(record(&folder).contains("\"kind\":\"locked\""));
    admin_locked::unlock(&server, name);
    login(&mut browser, &home);
    assert_eq!(browser.get(&session).status, 200);
}

#[test]
fn t12_rights_of_a_user_of_a_provider_are_changed_there_alone() {
    let (_provider, _folder, server, home) = both(WITH_PASSWORDS);
    let root = crate::login::user(&server, "root", "admin");
    let mut browser = Browser::default();
    login(&mut browser, &home);
    let session = format!("{home}/api/session");
    let name = browser.get(&session).json()["user"].clone();
    let path = format!("/api/admin/users/{}", name.as_str().unwrap());
    let wanted = json!({"shown": "", "roles": ["admin"], "sites": ["*"]}).to_string();
    let answer = server.script("PUT", &path, Some(&root), &wanted);
    assert_eq!(
        (answer.status, answer.error_code()),
        (409, "user_external".into())
    );
    let answer = server.json(&format!("{path}/reset"), Some(&root), "");
    assert_eq!(
        (answer.status, answer.error_code()),
        (409, "user_external".into())
    );
    // Sessions end here all the same.
    let answer = server.script("DELETE", &format!("{path}/sessions"), Some(&root), "");
    assert_eq!(answer.json(), json!({"ended": 1}));
    assert_eq!(browser.get(&session).status, 401);
}

#[test]
fn logging_out_at_the_provider_ends_the_session_here() {
    let (_provider, folder, server, home) = both("");
    let mut browser = Browser::default();
    login(&mut browser, &home);
    let session = format!("{home}/api/session");
    assert_eq!(browser.get(&session).status, 200);
    let answer = browser.get(&format!("{home}/auth/oidc/logout"));
    let place = location(&answer).to_owned();
    let page = text(&browser.get(&place));
    let value = page.split("name=\"xsrf\" value=\"").nth(1).unwrap();
    let value = value.split('"').next().unwrap();
    let confirm = format!("http://{}/session/end/confirm", parts(&place).0);
    let answer = browser.post(&confirm, &format!("xsrf={value}&logout=yes"));
    assert_eq!(location(&answer), format!("{home}/auth/login"));
    // The provider has told it to the gateway by itself.
    server.wait_until(|_| record(&folder).contains("\"kind\":\"logout\""));
    assert_eq!(browser.get(&session).status, 401);
}

#[test]
fn logging_out_here_leads_to_the_providers_own_logout() {
    let (_provider, _folder, server, home) = both("");
    let mut browser = Browser::default();
    login(&mut browser, &home);
    let answer = browser.post(&format!("{home}/auth/logout"), "");
    assert_eq!((answer.status, location(&answer)), (303, "/auth/left"));
    assert_eq!(browser.cookie(server.address.port(), "__Host-sid"), None);
    let page = text(&browser.get(&format!("{home}/auth/left")));
    assert!(page.contains("href=\"/auth/oidc/logout\""), "{page}");
}

#[test]
fn what_was_asked_for_before_goes_on_after_the_login() {
    let (_provider, _folder, _server, home) = both("");
    let mut browser = Browser::default();
    let ask = format!("{home}/IHEInvokeImageDisplay?requestType=STUDY&studyUID=1");
    let answer = browser.get(&ask);
    assert_eq!(location(&answer), "/auth/login");
    let viewer = format!("{home}/viewer?StudyInstanceUIDs=1");
    let (url, _) = browser.follow(&format!("{home}/auth/oidc"), &viewer);
    assert_eq!(url, viewer);
}
