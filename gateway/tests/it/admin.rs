//! Administration over a socket: who may look, who may change what, and what is on record of it.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::login::{self, WORD, location, oathtool};
use crate::server::{Answer, Server};

/// What looks: an address each.
pub const LOOKS: [&str; 4] = [
    "/api/admin/users",
    "/api/admin/sessions",
    "/api/admin/shares",
    "/api/admin/sources",
];

/// What changes something: a method, an address and a body each. `NAME` is a user.
const CHANGES: [(&str, &str, &str); 9] = [
    (
        "POST",
        "/api/admin/users",
        r#"{"name":"new","shown":"","roles":["radiologist"],"sites":["local"]}"#,
    ),
    (
        "PUT",
        "/api/admin/users/NAME",
        r#"{"shown":"Other","roles":["auditor"],"sites":[]}"#,
    ),
    ("DELETE", "/api/admin/users/NAME", ""),
    ("POST", "/api/admin/users/NAME/reset", ""),
    ("POST", "/api/admin/users/NAME/lock", ""),
    ("POST", "/api/admin/users/NAME/unlock", ""),
    ("DELETE", "/api/admin/users/NAME/sessions", ""),
    ("DELETE", "/api/admin/sessions/00", ""),
    ("DELETE", "/api/admin/shares/00", ""),
];

const ROLES: [&str; 5] = ["radiologist", "referrer", "technologist", "ai", "auditor"];

pub fn get(server: &Server, cookie: &str, path: &str) -> Answer {
    server.request("GET", path, &[("Cookie", cookie)])
}

pub fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.error_code())
}

pub fn record(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap()
}

/// Lines of the record of a kind about an object.
pub fn events(folder: &TempDir, kind: &str, object: &str) -> Vec<Value> {
    let record = record(folder);
    let lines = record.lines().map(|line| {
        // An HMAC stands behind each event.
        let mut values = serde_json::Deserializer::from_str(line).into_iter::<Value>();
        values.next().unwrap().unwrap()
    });
    let event = |line: &Value| line.get("event").unwrap_or(line).clone();
    lines
        .map(|line| event(&line))
        .filter(|event| event["kind"] == kind && event["object"]["other"] == object)
        .collect()
}

fn user(server: &Server, cookie: &str, name: &str) -> Option<Value> {
    let users = get(server, cookie, "/api/admin/users").json();
    let mut users = users["users"].as_array().unwrap().iter();
    users.find(|user| user["name"] == name).cloned()
}

/// Makes all logins old.
fn grow_old(server: &Server) {
    let old = "UPDATE session SET proved = proved - 1000, strong = strong - 1000";
    let login = server.state.login.as_ref().unwrap();
    login.database.lock().execute(old, []).unwrap();
}

#[test]
fn t12_administration_is_not_there_for_anybody_else() {
    let (folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    let nothing = server.request("GET", "/api/nothing", &[("Cookie", &root)]);
    let mut asked = 0;
    for role in ROLES {
        let cookie = login::user(&server, role, role);
        for path in LOOKS {
            let answer = get(&server, &cookie, path);
            assert_eq!(
                (answer.status, &answer.body),
                (404, &nothing.body),
                "{role} {path}"
            );
            asked += 1;
        }
        for (method, path, body) in CHANGES {
            let path = path.replace("NAME", role);
            let answer = server.script(method, &path, Some(&cookie), body);
            assert_eq!(
                (answer.status, &answer.body),
                (404, &nothing.body),
                "{role} {path}"
            );
            asked += 1;
        }
        let page = get(&server, &cookie, "/admin");
        assert_eq!((page.status, &page.body), (404, &nothing.body), "{role}");
        // They are who they were.
        assert_eq!(
            get(&server, &cookie, "/api/session").json()["roles"],
            json!([role])
        );
        assert!(
            !events(&folder, "denied", "administration").is_empty(),
            "{role}"
        );
    }
    for path in LOOKS {
        assert_eq!(
            refused(&server.get(path)),
            (401, "login_needed".into()),
            "{path}"
        );
        assert_eq!(get(&server, &root, path).status, 200, "{path}");
    }
    for (method, path, body) in CHANGES {
        let answer = server.script(method, path, None, body);
        assert_eq!(refused(&answer), (401, "login_needed".into()), "{path}");
    }
    assert_eq!(asked, ROLES.len() * (LOOKS.len() + CHANGES.len()));
    assert!(user(&server, &root, "new").is_none());
    assert_eq!(get(&server, &root, "/admin").status, 200);
    // A session that is locked, or of a link, looks at nothing.
    let idle = "UPDATE session SET seen = seen - 100000";
    let database = &server.state.login.as_ref().unwrap().database;
    database.lock().execute(idle, []).unwrap();
    let answer = get(&server, &root, "/api/admin/users");
    assert_eq!(refused(&answer), (401, "session_locked".into()));
}

#[test]
fn t12_without_a_login_there_is_no_administration() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::over(folder.path());
    for path in LOOKS {
        assert_eq!(refused(&server.get(path)), (404, "not_found".into()));
    }
    for (method, path, body) in CHANGES {
        let answer = server.script(method, path, None, body);
        assert_eq!(refused(&answer), (404, "not_found".into()));
    }
    assert_eq!(server.get("/admin").status, 404);
}

#[test]
fn t11_what_changes_anything_needs_a_fresh_login() {
    let (folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    let ada = login::user(&server, "ada", "radiologist");
    grow_old(&server);
    for path in LOOKS {
        assert_eq!(get(&server, &root, path).status, 200, "{path}");
    }
    let before = user(&server, &root, "ada").unwrap();
    for (method, path, body) in CHANGES {
        let path = path.replace("NAME", "ada");
        let answer = server.script(method, &path, Some(&root), body);
        assert_eq!(
            refused(&answer),
            (403, "fresh_login_needed".into()),
            "{path}"
        );
    }
    assert_eq!(user(&server, &root, "ada").unwrap(), before);
    assert!(user(&server, &root, "new").is_none());
    assert_eq!(get(&server, &ada, "/api/session").status, 200);
    assert_eq!(
        events(&folder, "denied", "administration").len(),
        CHANGES.len()
    );
    let proof = json!({ "password": WORD }).to_string();
    assert_eq!(
        server
            .json("/api/session/unlock", Some(&root), &proof)
            .status,
        204
    );
    let answer = server.json("/api/admin/users/ada/lock", Some(&root), "");
    assert_eq!(answer.status, 204);
}

#[test]
fn t11_of_an_administrator_with_a_second_factor_the_password_alone_is_not_enough() {
    use gateway::auth::accounts;
    let (_folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    login::user(&server, "ada", "radiologist");
    let database = &server.state.login.as_ref().unwrap().database;
    let known = accounts::by_name(database, "root").unwrap().unwrap();
    // "12345678901234567890", as in RFC 6238, in base 32.
    let typed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let now = gateway::auth::asker::now_s();
    let code = oathtool(typed, "now");
    let spare = accounts::set_totp(database, &known, b"12345678901234567890", &code, now).unwrap();
    grow_old(&server);
    let prove = |proof: &Value| {
        let answer = server.json("/api/session/unlock", Some(&root), &proof.to_string());
        answer.status
    };
    let lock = || server.json("/api/admin/users/ada/lock", Some(&root), "");
    assert_eq!(prove(&json!({ "password": WORD })), 204);
    assert_eq!(refused(&lock()), (403, "fresh_login_needed".into()));
    // Nor to give himself another second factor.
    let codes = server.form("/auth/recovery", Some(&root), &[]);
    assert_eq!(refused(&codes), (403, "fresh_login_needed".into()));
    assert_eq!(prove(&json!({ "password": WORD, "code": "000000" })), 401);
    assert_eq!(
        prove(&json!({ "password": WORD, "code": code })),
        401,
        "it was taken before"
    );
    assert_eq!(refused(&lock()), (403, "fresh_login_needed".into()));
    let next = oathtool(typed, "now + 30 seconds");
    assert_eq!(prove(&json!({ "password": WORD, "code": next })), 204);
    assert_eq!(lock().status, 204);
    // A recovery code does as well, once, also on the page.
    grow_old(&server);
    let fields = [("password", WORD), ("code", &*spare[0])];
    let answer = server.form("/auth/unlock", Some(&root), &fields);
    assert_eq!(answer.status, 303);
    assert_eq!(lock().status, 204);
    grow_old(&server);
    let answer = server.form("/auth/unlock", Some(&root), &fields);
    assert_eq!(answer.status, 401);
}

#[test]
fn t12_nobody_grants_himself_anything() {
    let (folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    login::user(&server, "other", "admin");
    let before = user(&server, &root, "root").unwrap();
    for name in ["root", "ROOT"] {
        for (method, path, body) in CHANGES {
            if !path.contains("NAME") || path.ends_with("/sessions") {
                continue;
            }
            let path = path.replace("NAME", name);
            let answer = server.script(method, &path, Some(&root), body);
            assert_eq!(
                refused(&answer),
                (409, "own_account".into()),
                "{method} {path}"
            );
        }
        let failed = events(&folder, "rights_changed", &format!("user {name}"));
        assert_eq!(failed.len(), 5, "{failed:?}");
        assert!(failed.iter().all(|event| event["outcome"] == "failed"));
    }
    assert_eq!(user(&server, &root, "root").unwrap(), before);
}

#[test]
fn t12_the_last_administrator_who_can_log_in_stays_one() {
    let (_folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    login::user(&server, "other", "admin");
    // Whoever asks is logged in still, but could not log in again: only the other one could.
    let database = &server.state.login.as_ref().unwrap().database;
    let shut = "INSERT INTO attempt (name, failures, wait_until) VALUES ('root', 20, 0)";
    database.lock().execute(shut, []).unwrap();
    let demoted = r#"{"shown":"","roles":["auditor"],"sites":[]}"#;
    let tries = [
        ("PUT", "/api/admin/users/other", demoted),
        ("DELETE", "/api/admin/users/other", ""),
        ("POST", "/api/admin/users/other/lock", ""),
    ];
    for (method, path, body) in tries {
        let answer = server.script(method, path, Some(&root), body);
        assert_eq!(refused(&answer), (409, "last_admin".into()), "{method}");
    }
    // Rights beside that can be changed.
    let kept = r#"{"shown":"","roles":["admin","auditor"],"sites":[]}"#;
    assert_eq!(
        server.script("PUT", tries[0].1, Some(&root), kept).status,
        204
    );
    // Once a third can log in, it goes.
    login::user(&server, "third", "admin");
    for (method, path, body) in [tries[2], tries[0], tries[1]] {
        let answer = server.script(method, path, Some(&root), body);
        assert_eq!(answer.status, 204, "{method}");
    }
}

#[test]
fn t12_a_user_is_made_with_rights_and_a_code_that_works_once() {
    let (folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    let wanted = json!({
        "name": "ada.example", "shown": " Ada Example ", "roles": ["radiologist", "referrer"],
        "sites": ["*"], "referrers": [" Müller^Ädä "], "labels": ["board"],
    });
    let add = |body: &Value| server.json("/api/admin/users", Some(&root), &body.to_string());
    let made = add(&wanted);
    assert_eq!(made.status, 201);
    let code = made.json()["code"].as_str().unwrap().to_owned();
    let row = user(&server, &root, "ada.example").unwrap();
    assert_eq!(
        [
            &row["shown"],
            &row["roles"],
            &row["sites"],
            &row["referrers"],
            &row["labels"]
        ],
        [
            &json!("Ada Example"),
            &json!(["radiologist", "referrer"]),
            &json!(["*"]),
            // As searches compare names: without case and accents.
            &json!(["muller^ada"]),
            &json!(["board"])
        ]
    );
    assert_eq!(
        (&row["password"], &row["own"]),
        (&json!(false), &json!(false))
    );
    assert!(row["code_ends"].as_i64().unwrap() > 0 && row.get("seen").is_none());
    let fields = [
        ("name", "ada.example"),
        ("code", &*code),
        ("password", WORD),
    ];
    let came = server.form("/auth/first", None, &fields);
    assert_eq!((came.status, location(&came)), (303, "/"));
    assert_eq!(server.form("/auth/first", None, &fields).status, 401);
    let row = user(&server, &root, "ada.example").unwrap();
    assert_eq!(
        (&row["password"], &row["sessions"]),
        (&json!(true), &json!(1))
    );
    assert!(row["seen"].is_i64() && row.get("code_ends").is_none());
    // What cannot be made is said.
    for (name, value) in [
        ("name", json!("a b")),
        ("name", json!("ADA.example")),
        ("roles", json!(["king"])),
        ("sites", json!(["nowhere"])),
        ("labels", json!([""])),
        ("shown", json!("x".repeat(129))),
        ("more", json!(1)),
    ] {
        let mut bad = wanted.clone();
        if name != "name" {
            bad["name"] = json!("new");
        }
        bad[name] = value;
        let answer = add(&bad);
        assert_eq!(refused(&answer), (400, "account_invalid".into()), "{bad}");
    }
    assert!(user(&server, &root, "new").is_none());
    let made = events(&folder, "rights_changed", "user ada.example");
    let reason = made[0]["reason"].as_str().unwrap();
    assert_eq!(
        reason,
        "added; roles: radiologist referrer; sites: *; referrers: muller^ada; labels: board"
    );
    assert_eq!(made[0]["actor"]["user"], "root");
    assert!(!record(&folder).contains(&code));
}

#[test]
fn t12_other_rights_count_at_once_and_end_sessions() {
    let (folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    let ada = login::user(&server, "ada", "radiologist");
    let edit = |body: Value| {
        let body = body.to_string();
        let answer = server.script("PUT", "/api/admin/users/ada", Some(&root), &body);
        assert_eq!(answer.status, 204, "{body}");
    };
    let studies = |cookie: &str| get(&server, cookie, "/dicomweb/studies").status;
    // A name on screen is no right.
    edit(json!({"shown": "Ada E.", "roles": ["radiologist"], "sites": ["local"]}));
    assert_eq!(studies(&ada), 200);
    edit(json!({"shown": "Ada E.", "roles": ["radiologist"], "sites": []}));
    assert_eq!(studies(&ada), 401);
    let fields = [("name", "ada"), ("password", WORD)];
    let again = server.form("/auth/login", None, &fields).cookie().unwrap();
    assert_eq!(get(&server, &again, "/dicomweb/studies").json(), json!([]));
    edit(
        json!({"shown": "Ada E.", "roles": ["radiologist"], "sites": ["local"], "labels": ["b", "a"]}),
    );
    assert_eq!(studies(&again), 401);
    let changed = events(&folder, "rights_changed", "user ada");
    let reasons: Vec<&str> = changed
        .iter()
        .map(|it| it["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        [
            "password set",
            "name on screen",
            "sites: none",
            "sites: local; labels: a, b"
        ][1..]
    );
    // The same again changes nothing, and is no event.
    edit(
        json!({"shown": "Ada E.", "roles": ["radiologist"], "sites": ["local"], "labels": ["a", "b"]}),
    );
    assert_eq!(
        events(&folder, "rights_changed", "user ada").len(),
        changed.len()
    );
}

#[test]
fn t18_sessions_of_all_kinds_are_listed_and_end_at_once() {
    let (folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    let ada = login::user(&server, "ada", "radiologist");
    let wanted = json!({"study": "1", "days": 7, "note": "for DOE^JANE", "pin": true}).to_string();
    let made = server.json("/api/shares", Some(&ada), &wanted).json();
    let (path, pin) = (
        made["path"].as_str().unwrap(),
        made["pin"].as_str().unwrap(),
    );
    let (id, secret) = path.strip_prefix("s#v1.").unwrap().split_once('.').unwrap();
    let halves = json!({"id": id, "secret": secret, "pin": pin}).to_string();
    let link = server
        .json("/api/shares/redeem", None, &halves)
        .cookie()
        .unwrap();
    let listed = get(&server, &root, "/api/admin/sessions");
    let all = listed.json();
    let all = all.as_array().unwrap();
    let of = |kind: &str, user: &str| -> Value {
        let mut found = all
            .iter()
            .filter(|it| it["kind"] == kind && it["user"] == user);
        found.next().unwrap().clone()
    };
    assert_eq!(all.len(), 3);
    let (own, page, opened) = (of("page", "root"), of("page", "ada"), of("link", "ada"));
    assert_eq!((&own["own"], &page["own"]), (&json!(true), &json!(false)));
    assert_eq!(
        (&page["address"], &opened["share"]),
        (&json!("127.0.0.1"), &json!(id))
    );
    let text = String::from_utf8(listed.body.clone()).unwrap();
    for cookie in [&root, &ada, &link] {
        assert!(!text.contains(cookie.split_once('=').unwrap().1));
    }
    // Links, too, without what they show, what they say, and what opens them.
    let shares = get(&server, &root, "/api/admin/shares");
    assert_eq!(shares.json()[0]["state"], "open");
    let text = String::from_utf8(shares.body.clone()).unwrap();
    for hidden in ["DOE", "\"1\"", secret, pin, "study"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    let end = |path: &str| server.script("DELETE", path, Some(&root), "");
    let session =
        |session: &Value| format!("/api/admin/sessions/{}", session["id"].as_str().unwrap());
    let status = |cookie: &str| get(&server, cookie, "/dicomweb/studies/1/series").status;
    assert_eq!([status(&ada), status(&link)], [200, 200]);
    assert_eq!(end(&session(&opened)).status, 204);
    assert_eq!([status(&ada), status(&link)], [200, 401]);
    assert_eq!(end(&session(&page)).status, 204);
    assert_eq!(status(&ada), 401);
    assert_eq!(
        refused(&end(&session(&page))),
        (404, "session_unknown".into())
    );
    let fields = [("name", "ada"), ("password", WORD)];
    let login = || server.form("/auth/login", None, &fields).cookie().unwrap();
    let (one, two) = (login(), login());
    assert_eq!(
        end("/api/admin/users/ada/sessions").json(),
        json!({"ended": 2})
    );
    assert_eq!([status(&one), status(&two)], [401, 401]);
    let unknown = end("/api/admin/users/nobody/sessions");
    assert_eq!(refused(&unknown), (404, "user_unknown".into()));
    // A link that is taken back by an administrator is closed for whoever has it, and stays so.
    let link = server
        .json("/api/shares/redeem", None, &halves)
        .cookie()
        .unwrap();
    assert_eq!(status(&link), 200);
    assert_eq!(end(&format!("/api/admin/shares/{id}")).status, 204);
    assert_eq!(status(&link), 401);
    assert_eq!(server.json("/api/shares/redeem", None, &halves).status, 410);
    assert_eq!(
        get(&server, &root, "/api/admin/shares").json()[0]["state"],
        "revoked"
    );
    let unknown = end("/api/admin/shares/00");
    assert_eq!(refused(&unknown), (404, "share_unknown".into()));
    // One may end one's own: that is no right.
    assert_eq!(end(&session(&own)).status, 204);
    assert_eq!(get(&server, &root, "/api/session").status, 401);
    let revoked = events(&folder, "share_revoked", &format!("share {id}"));
    assert_eq!(
        (revoked.len(), &revoked[0]["actor"]["user"]),
        (1, &json!("root"))
    );
    let record = record(&folder);
    for object in [
        "of user ada",
        "2 sessions of user ada",
        &format!("of share {id}"),
    ] {
        assert!(record.contains(object), "{object}");
    }
}

#[test]
fn sources_are_shown_as_they_have_been_doing() {
    let (_folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    let found = get(&server, &root, "/api/admin/sources").json();
    assert_eq!(found["indexing"], json!({"done": 1, "total": 1}));
    assert_eq!(found["sources"], json!([]));
}

#[test]
fn the_page_leads_through_the_login_and_back() {
    let (_folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    let cookies = |answer: &Answer| -> Vec<String> {
        let set = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie");
        set.map(|(_, value)| value.split(';').next().unwrap().to_owned())
            .collect()
    };
    let sent = server.get("/admin");
    assert_eq!((sent.status, location(&sent)), (303, "/auth/login"));
    let detour = cookies(&sent).join("; ");
    let fields = [("name", "root"), ("password", WORD)];
    let came = server.form("/auth/login", Some(&detour), &fields);
    assert_eq!(location(&came), "/auth/next");
    let both = format!("{detour}; {}", came.cookie().unwrap());
    let next = get(&server, &both, "/auth/next");
    assert_eq!((next.status, location(&next)), (303, "/admin"));
    // From a page that asks for a fresh login one comes back to it, and to no other place.
    for (back, expected) in [
        ("/admin", Some("/admin")),
        ("/auth/passkeys", Some("/auth/passkeys")),
        ("//evil.example.org", None),
        ("https://evil.example.org/admin", None),
        ("/", None),
    ] {
        let page = get(&server, &root, &format!("/auth/unlock?back={back}"));
        assert_eq!(page.status, 200);
        let detour = cookies(&page).join("; ");
        let both = format!("{root}; {detour}");
        let went = server.form("/auth/unlock", Some(&both), &[("password", WORD)]);
        let place = match location(&went) {
            "/auth/next" => {
                let next = get(&server, &both, "/auth/next");
                Some(location(&next).to_owned())
            }
            "/" => None,
            other => panic!("{other}"),
        };
        assert_eq!(place.as_deref(), expected, "{back}");
    }
    let page = get(&server, &root, "/admin");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self'"));
    let text = String::from_utf8(page.body).unwrap();
    // Nothing that the policy would stop.
    for part in ["onclick=", "style=", "<script>", "<style"] {
        assert!(!text.contains(part), "{part}");
    }
    for path in ["/admin.js", "/auth/wide.js", "/auth/wide.css"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
}
