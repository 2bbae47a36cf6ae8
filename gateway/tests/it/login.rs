//! Logging in, step by step, over a socket.

use std::path::Path;
use std::process::Command;

use gateway::command::ServeOptions;
use gateway::serve::first_code;
use tempfile::TempDir;

use crate::files::ct;
use crate::server::{Answer, Server, options};

pub const WORD: &str = "correct horse battery";

/// A gateway with login over one study, and its folder.
pub fn server(second_factor: &str) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    ct("1", "2", 1).write(&data, "a.dcm");
    let options = configured(folder.path(), second_factor);
    let server = Server::start(options);
    server.wait_until_indexed();
    (folder, server)
}

/// Options of a gateway with login, whose files lie in a folder.
pub fn configured(folder: &Path, second_factor: &str) -> ServeOptions {
    configured_with(
        folder,
        &format!("[auth.local]\nsecond_factor = \"{second_factor}\"\n"),
    )
}

/// The same, with other words about how people log in.
pub fn configured_with(folder: &Path, auth: &str) -> ServeOptions {
    let key = folder.join("audit.key");
    std::fs::write(&key, [7; 32]).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let config = folder.join("gateway.toml");
    // Lines of requests would stand between those of the tests.
    let text = format!("{auth}[log]\nrequests = false\n[audit]\nchain_key_file = \"audit.key\"\n");
    std::fs::write(&config, text).unwrap();
    ServeOptions {
        config: Some(config),
        ..options(&folder.join("data"), &folder.join("index.db"))
    }
}

pub fn location(answer: &Answer) -> &str {
    answer.header("location").unwrap()
}

/// A code by time, worked out by Debian's oathtool.
pub fn oathtool(key: &str, step: &str) -> String {
    let out = Command::new("oathtool")
        .args(["--totp", "--base32", "--now", step, key])
        .output()
        .expect("oathtool is missing: cargo xtask test installs it");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn with(cookie: &str) -> [(&str, &str); 1] {
    [("Cookie", cookie)]
}

#[test]
fn t11_the_first_administrator_comes_in_by_the_printed_code_and_sets_up_a_second_factor() {
    let (folder, server) = server("required");
    let login = server.state.login.as_ref().unwrap();
    let code = first_code(login).unwrap().unwrap();
    let first = |code: &str, password: &str| {
        let fields = [("name", "admin"), ("code", code), ("password", password)];
        server.form("/auth/first", None, &fields)
    };
    assert_eq!(first("AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", WORD).status, 401);
    assert_eq!(first(&code, "short").status, 400);
    let answer = first(&code, WORD);
    assert_eq!((answer.status, location(&answer)), (303, "/auth/enrol"));
    let early = answer.cookie().unwrap();
    // Half a login opens nothing.
    let refused = server.request("GET", "/dicomweb/studies", &with(&early));
    assert_eq!(
        (refused.status, refused.error_code()),
        (401, "login_needed".into())
    );
    let page = server.request("GET", "/auth/enrol", &with(&early));
    let text = String::from_utf8(page.body).unwrap();
    let key = text
        .split("<code>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert_eq!(key.len(), 32);
    let wrong = server.form("/auth/enrol", Some(&early), &[("code", "000000")]);
    assert_eq!(wrong.status, 401);
    let code = oathtool(key, "now");
    let done = server.form("/auth/enrol", Some(&early), &[("code", &code)]);
    assert_eq!(done.status, 200);
    let text = String::from_utf8(done.body.clone()).unwrap();
    assert_eq!(text.matches("<li><code>").count(), 10);
    let cookie = done.cookie().unwrap();
    assert_ne!(cookie, early);
    assert_eq!(
        server.request("GET", "/api/session", &with(&early)).status,
        401
    );
    let session = server.request("GET", "/api/session", &with(&cookie)).json();
    assert_eq!(session["user"], "admin");
    assert_eq!(session["roles"], serde_json::json!(["admin"]));
    // The same code does not open it again; the next one does.
    let login = server.form(
        "/auth/login",
        None,
        &[("name", "admin"), ("password", WORD)],
    );
    assert_eq!(location(&login), "/auth/mfa");
    let half = login.cookie().unwrap();
    let replayed = server.form("/auth/mfa", Some(&half), &[("code", &code)]);
    assert_eq!(replayed.status, 401);
    // In words that are about a code.
    let page = String::from_utf8(replayed.body).unwrap();
    assert!(page.contains("This code is not right"), "{page}");
    let next = oathtool(key, "now + 30 seconds");
    let done = server.form("/auth/mfa", Some(&half), &[("code", &next)]);
    assert_eq!((done.status, location(&done)), (303, "/"));
    // Nothing of it is in the audit record but who, when and how it went.
    drop(server);
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    for secret in [WORD, &code, &next, key] {
        assert!(!record.contains(secret));
    }
    for kind in ["started", "login", "second_factor", "rights_changed"] {
        assert!(
            record.contains(&format!("\"kind\":\"{kind}\"")),
            "{kind}: {record}"
        );
    }
}

/// Makes a user who needs no second factor, and logs in.
pub fn user(server: &Server, name: &str, role: &str) -> String {
    use gateway::auth::accounts;
    use gateway::auth::policy::Role;
    let login = server.state.login.as_ref().unwrap();
    let roles = [Role::of(role).unwrap()].into();
    let now = gateway::auth::asker::now_s();
    let code = accounts::add(&login.database, name, name, &roles, now).unwrap();
    let fields = [("name", name), ("code", &*code), ("password", WORD)];
    let answer = server.form("/auth/first", None, &fields);
    assert_eq!((answer.status, location(&answer)), (303, "/"));
    answer.cookie().unwrap()
}

#[test]
fn a_cookie_is_for_this_host_over_tls_and_not_for_scripts() {
    let (_folder, server) = server("optional");
    user(&server, "ada", "radiologist");
    let answer = server.form("/auth/login", None, &[("name", "ada"), ("password", WORD)]);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-sid="), "{cookie}");
    for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.split("; ").any(|it| it == part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
}

#[test]
fn t11_names_that_there_are_not_look_like_wrong_passwords() {
    let (folder, server) = server("optional");
    user(&server, "ada", "radiologist");
    let page = |name: &str| {
        let fields = [("name", name), ("password", "my secret in the wrong field")];
        let answer = server.form("/auth/login", None, &fields);
        let text = String::from_utf8(answer.body).unwrap();
        (answer.status, text.replace(name, "NAME"))
    };
    assert_eq!(page("ada"), page("bob"));
    let fields = [("name", "hunter2 hunter2"), ("password", "x")];
    server.form("/auth/login", None, &fields);
    drop(server);
    // A password that was typed as a name is in no record.
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(!record.contains("hunter2"));
}

#[test]
fn t18_logging_out_ends_the_session_and_clears_the_browser() {
    let (_folder, server) = server("optional");
    let one = user(&server, "ada", "radiologist");
    let login = || server.form("/auth/login", None, &[("name", "ada"), ("password", WORD)]);
    let (two, three) = (login().cookie().unwrap(), login().cookie().unwrap());
    let status = |cookie: &str| {
        server
            .request("GET", "/dicomweb/studies", &with(cookie))
            .status
    };
    assert_eq!([status(&one), status(&two), status(&three)], [200; 3]);
    let out = server.form("/auth/logout", Some(&one), &[]);
    assert_eq!((out.status, location(&out)), (303, "/auth/login"));
    assert!(
        out.header("clear-site-data")
            .unwrap()
            .contains("\"storage\"")
    );
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(
        [status(&one), status(&two), status(&three)],
        [401, 200, 200]
    );
    server.form("/auth/logout-everywhere", Some(&two), &[]);
    assert_eq!([status(&one), status(&two), status(&three)], [401; 3]);
}

#[test]
fn t05_pages_of_other_sites_change_nothing() {
    let (_folder, server) = server("optional");
    let cookie = user(&server, "ada", "radiologist");
    for route in [
        "login",
        "mfa",
        "enrol",
        "first",
        "unlock",
        "logout",
        "logout-everywhere",
        "backchannel",
        "passkeys/remove",
        "recovery",
        "webauthn/add/begin",
        "webauthn/add",
        "webauthn/begin",
        "webauthn/prove",
    ] {
        for site in ["cross-site", "same-site", "none"] {
            let headers = [
                ("Cookie", cookie.as_str()),
                ("Sec-Fetch-Site", site),
                ("Content-Length", "0"),
            ];
            let answer = server.request("POST", &format!("/auth/{route}"), &headers);
            assert_eq!(
                (answer.status, answer.error_code()),
                (403, "origin_refused".into())
            );
        }
    }
    assert_eq!(
        server.request("GET", "/api/session", &with(&cookie)).status,
        200
    );
}

#[test]
fn without_login_there_are_no_pages_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::over(folder.path());
    assert_eq!(server.get("/auth/login").status, 404);
    assert_eq!(server.get("/api/session").json()["login"], false);
}

#[test]
fn rights_beside_roles_are_given_from_the_command_line() {
    use gateway::auth::accounts;
    let (folder, server) = server("optional");
    let config = folder.path().join("gateway.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let north =
        "[[source]]\nid = \"north\"\nlabel = \"North\"\ndicomweb = \"https://n.example.org/d\"\n";
    std::fs::write(&config, format!("{text}{north}")).unwrap();
    let sagitta = |line: &str| {
        let out = Command::new(env!("CARGO_BIN_EXE_sagitta"))
            .arg("user")
            .args(line.split(' '))
            .args(["--config", config.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
    };
    let database = &server.state.login.as_ref().unwrap().database;
    let ada = || {
        let user = accounts::by_name(database, "ada").unwrap().unwrap();
        let text = |all: std::collections::BTreeSet<String>| all.into_iter().collect::<Vec<_>>();
        [text(user.sites), text(user.referrers), text(user.labels)]
    };
    let of = |all: [&[&str]; 3]| {
        all.map(|all| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
    };
    sagitta("add ada --role radiologist");
    assert_eq!(ada(), of([&["local"], &[], &[]]));
    sagitta("sites ada --site north --site local");
    assert_eq!(ada(), of([&["local", "north"], &[], &[]]));
    sagitta("role ada --role referrer --referrer Döe^Jane --label board --label mdt");
    assert_eq!(
        ada(),
        of([&["local", "north"], &["doe^jane"], &["board", "mdt"]])
    );
    // What is not named stays.
    sagitta("role ada --role radiologist --site *");
    assert_eq!(ada(), of([&["*"], &["doe^jane"], &["board", "mdt"]]));
}

/// Commands change users while the gateway runs; what they did is on record soon after.
#[test]
fn users_are_managed_from_the_command_line_while_the_gateway_runs() {
    let (folder, server) = server("optional");
    let config = folder.path().join("gateway.toml");
    let sagitta = |arguments: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_sagitta"))
            .args(arguments)
            .args(["--config", config.to_str().unwrap()])
            .output()
            .unwrap();
        let text = [out.stdout, out.stderr].concat();
        (out.status.success(), String::from_utf8(text).unwrap())
    };
    let (done, text) = sagitta(&["user", "add", "ada", "--role", "radiologist"]);
    assert!(done, "{text}");
    let code = text.trim().rsplit(' ').next().unwrap().to_owned();
    let fields = [("name", "ada"), ("code", &*code), ("password", WORD)];
    let answer = server.form("/auth/first", None, &fields);
    assert_eq!((answer.status, location(&answer)), (303, "/"));
    let cookie = answer.cookie().unwrap();
    assert!(
        sagitta(&["user", "list"])
            .1
            .contains("ada\tradiologist\tno second factor")
    );
    // Other roles count at once: the session has ended.
    assert!(sagitta(&["user", "role", "ada", "--role", "auditor"]).0);
    assert_eq!(
        server.request("GET", "/api/session", &with(&cookie)).status,
        401
    );
    for (arguments, expected) in [
        (vec!["user", "add", "ada", "--role", "admin"], "not in use"),
        (
            vec!["user", "add", "bob", "--role", "chief"],
            "there is no role chief",
        ),
        (vec!["user", "reset", "nobody"], "there is no user nobody"),
        (
            vec!["user", "sites", "ada", "--site", "nowhere"],
            "there is no source nowhere",
        ),
        (vec!["user", "sites", "ada"], "name at least one source"),
        (
            vec!["user", "reset", "ada", "--site", "local"],
            "--site is not an option of this command",
        ),
    ] {
        let (done, text) = sagitta(&arguments);
        assert!(
            !done && text.contains(expected) && text.lines().count() == 1,
            "{text}"
        );
    }
    server.wait_until(|_| {
        let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
        record.contains("user ada") && record.matches("(command line)").count() >= 4
    });
    let (sound, text) = sagitta(&["audit", "verify"]);
    assert!(sound && text.contains("all sound"), "{text}");
    drop(server);
    // What did not come about is on record as that, and nothing else is said of it; also without a gateway.
    assert!(!sagitta(&["user", "reset", "nobody"]).0);
    assert!(!sagitta(&["user", "role", "admin", "--role", "auditor"]).0);
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let of = |user: &str| -> Vec<serde_json::Value> {
        let lines = record
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let is_of = |event: &serde_json::Value| event["object"]["other"] == format!("user {user}");
        let by_command = |event: &serde_json::Value| event["actor"]["user"] == "(command line)";
        lines.filter(is_of).filter(by_command).collect()
    };
    let outcomes = |user: &str| -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let pair = |event: &serde_json::Value| (text(&event["outcome"]), text(&event["reason"]));
        of(user).iter().map(pair).collect()
    };
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    let unknown = ("failed", "reset: there is no user nobody");
    assert_eq!(outcomes("nobody"), pairs(&[unknown, unknown]));
    let ada = outcomes("ada");
    assert_eq!(
        ada[..2],
        pairs(&[
            ("success", "added; roles: radiologist; sites: local"),
            ("success", "roles: auditor")
        ])
    );
    assert_eq!((ada.len(), ada[2].0.as_str()), (3, "failed"));
    assert!(ada[2].1.starts_with("added: a user name"), "{}", ada[2].1);
    // A line that someone changed is named.
    let path = folder.path().join("audit.jsonl");
    let record = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, record.replacen("user ada", "user bob", 1)).unwrap();
    let (sound, text) = sagitta(&["audit", "verify"]);
    assert!(!sound && text.contains("does not fit"), "{text}");
}

#[test]
fn a_session_is_locked_and_gone_on_with_by_its_password_from_a_script() {
    let (folder, server) = server("optional");
    let cookie = user(&server, "rad", "radiologist");
    let session = || server.request("GET", "/api/session", &with(&cookie)).json();
    let before = session();
    assert_eq!(
        (&before["locked"], &before["share"], &before["password"]),
        (&false.into(), &true.into(), &true.into())
    );
    assert_eq!(
        server.json("/api/session/lock", Some(&cookie), "").status,
        204
    );
    assert_eq!(session()["locked"], true);
    let list = || server.request("GET", "/dicomweb/studies", &with(&cookie));
    let refused = list();
    assert_eq!(
        (refused.status, refused.error_code()),
        (401, "session_locked".into())
    );
    let unlock = |word: &str| {
        let body = serde_json::json!({ "password": word }).to_string();
        server.json("/api/session/unlock", Some(&cookie), &body)
    };
    let wrong = unlock("wrong");
    assert_eq!(
        (wrong.status, wrong.error_code()),
        (401, "login_refused".into())
    );
    assert_eq!(list().status, 401);
    assert_eq!(unlock(WORD).status, 204);
    assert_eq!(list().status, 200);
    assert_eq!(session()["locked"], false);
    // Without a session there is nothing to lock or to unlock.
    assert_eq!(server.json("/api/session/lock", None, "").status, 401);
    let technologist = user(&server, "tech", "technologist");
    let of = |cookie: &str| server.request("GET", "/api/session", &with(cookie)).json();
    assert_eq!(of(&technologist)["share"], false);
    drop(server);
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    for reason in ["idle", "unlocked", "not unlocked"] {
        assert!(
            record.contains(&format!("\"reason\":\"{reason}\"")),
            "{reason}"
        );
    }
}
