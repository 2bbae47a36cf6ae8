//! Every route of the OpenAPI document, asked by everybody. What is expected is written down here by hand, from the table of
//! roles in docs/security.md: it is not worked out from the program. A route without a row fails, and so does a row without a
//! route.

mod rows;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use gateway::auth::asker::now_s;
use gateway::auth::policy::Role;
use gateway::auth::sessions::{self, Stage};
use gateway::auth::shares::{self, NewShare};
use gateway::auth::{accounts, labels};

use self::rows::{LIST_OF_SERIES, ROWS, Row};
use crate::files::ct;
use crate::login;
use crate::server::{Answer, Server, encoded, send};

/// Who asks, and for whose study: one that is labelled for referrer and program, or shared by the link, or (`Other`) one that
/// is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Admin,
    Radiologist,
    Referrer,
    ReferrerOther,
    Technologist,
    Ai,
    AiOther,
    Auditor,
    Link,
    LinkOther,
    /// The session of a link that has been taken back.
    Revoked,
    /// A radiologist who asks for a study's series that is another study's.
    Mixed,
    /// A radiologist who asks for a series' instance that is another series' of the same study.
    MixedSeries,
}

const ALL: [Who; 13] = [
    Who::Nobody,
    Who::Admin,
    Who::Radiologist,
    Who::Referrer,
    Who::ReferrerOther,
    Who::Technologist,
    Who::Ai,
    Who::AiOther,
    Who::Auditor,
    Who::Link,
    Who::LinkOther,
    Who::Revoked,
    Who::Mixed,
];

fn rows() -> BTreeMap<(String, String), Row> {
    let roots = ["/dicomweb", "/dicomweb/{source}"];
    let mut rows = BTreeMap::new();
    for (method, path, row) in ROWS {
        for root in roots {
            let key = ((*method).to_owned(), path.replace("{root}", root));
            rows.insert(key, *row);
        }
    }
    rows
}

/// What a route takes as its body: the media type and the text, with a name that nobody has.
fn body(path: &str, study: &str, name: &str) -> (&'static str, String) {
    let form = |fields: &[(&str, &str)]| ("application/x-www-form-urlencoded", encoded(fields));
    let json = |value: serde_json::Value| ("application/json", value.to_string());
    match path {
        _ if path.ends_with("/studies") || path.ends_with("/studies/{study}") => {
            let number = name.trim_start_matches("nobody");
            let uid = |text: &str| serde_json::json!({ "vr": "UI", "Value": [text] });
            let set = serde_json::json!({
                "00080016": uid("1.2.840.10008.5.1.4.1.1.7"),
                "00080018": uid(&format!("{study}.9.1{number}")),
                "0020000D": uid(study),
                "0020000E": uid(&format!("{study}.9")),
            });
            ("application/dicom+json", set.to_string())
        }
        "/auth/login" => form(&[("name", name), ("password", "wrong")]),
        "/auth/first" => {
            let code = "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA";
            form(&[("name", name), ("code", code), ("password", login::WORD)])
        }
        "/auth/mfa" | "/auth/enrol" => form(&[("code", "000000")]),
        "/auth/unlock" => form(&[("password", login::WORD)]),
        "/auth/backchannel" => form(&[("logout_token", "x")]),
        "/auth/passkeys/remove" => form(&[("id", "x")]),
        "/api/session/unlock" => json(serde_json::json!({ "password": login::WORD })),
        "/api/launch" => json(serde_json::json!({ "user": name, "study": study })),
        "/api/launch/redeem" => {
            json(serde_json::json!({ "ticket": "x", "parent": "http://localhost:1" }))
        }
        "/api/shares" => json(serde_json::json!({ "study": study, "days": 1 })),
        "/api/shares/look" | "/api/shares/redeem" => {
            json(serde_json::json!({ "id": "x", "secret": "y" }))
        }
        "/api/admin/users" => json(serde_json::json!({
            "name": name, "shown": "", "roles": ["technologist"], "sites": ["local"]
        })),
        "/api/admin/users/{name}" => json(serde_json::json!({
            "shown": "Other", "roles": ["referrer"], "sites": []
        })),
        "/api/emergency" => {
            json(serde_json::json!({ "study": study, "reason": "found unconscious" }))
        }
        _ => json(serde_json::json!({})),
    }
}

/// A gateway with one user of each role, a study that is labelled and one that is not, a link to the first, one to the second
/// that downloads are allowed of, and one that has been taken back.
struct House {
    server: Server,
    /// Link and secret, for `Link`, `LinkOther` and `Revoked`.
    links: [[String; 2]; 3],
    asked: Cell<u32>,
    _folder: tempfile::TempDir,
}

/// A user whom administrators change.
const SPARE: &str = "spare";

/// The labelled study and the other one; the series of `{}` is `{}.1`, its instance `{}.1.1`.
const OWN: &str = "1.2";
const OTHER: &str = "1.1";
/// A second series of the labelled study and its instance.
const SECOND: (&str, &str) = ("1.2.2", "1.2.2.1");

fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    for uid in [OWN, OTHER] {
        ct(uid, &format!("{uid}.1"), 1).write(&data, &format!("{uid}.dcm"));
    }
    ct(OWN, SECOND.0, 1).write(&data, "second.dcm");
    let app = folder.path().join("app");
    std::fs::create_dir_all(app.join("assets")).unwrap();
    for name in [
        "index.html",
        "embed.js",
        "embed.d.ts",
        "bench.html",
        "assets/a.js",
    ] {
        std::fs::write(app.join(name), "x").unwrap();
    }
    let local = "[server]\ntrusted_proxies = [\"127.0.0.1/32\"]\n[limits]\n\
        requests_per_minute = 100000\n[auth.local]\nsecond_factor = \"optional\"\n";
    let mut options = login::configured_with(folder.path(), local);
    options.app = Some(app);
    let store = folder.path().join("store");
    std::fs::create_dir(&store).unwrap();
    options.store = Some(store);
    let server = Server::start(options);
    server.wait_until_indexed();
    let login = server.state.login.as_ref().unwrap();
    let label = BTreeSet::from(["board".to_owned()]);
    labels::set(&login.database, "local", OWN, &label).unwrap();
    for role in Role::ALL {
        login::user(&server, role.name(), role.name());
    }
    let labelled = "UPDATE user SET labels = '[\"board\"]'";
    login.database.lock().execute(labelled, []).unwrap();
    let radiologist = user(&server, Who::Radiologist);
    let link = |study: &str| {
        let new = NewShare {
            source: "local".into(),
            studies: BTreeSet::from([study.to_owned()]),
            series: None,
            view: None,
            days: 1,
            most_uses: None,
            has_pin: false,
            may_download: true,
            note: String::new(),
        };
        let made = shares::create(&login.database, radiologist.id, &new, now_s()).unwrap();
        [made.id, made.secret.text()]
    };
    // The other link is to the same study: its guest asks for another one.
    let links = [link(OWN), link(OWN), link(OWN)];
    House {
        links,
        asked: Cell::new(0),
        _folder: folder,
        server,
    }
}

fn user(server: &Server, who: Who) -> accounts::User {
    let name = match who {
        Who::Admin => "admin",
        Who::Referrer | Who::ReferrerOther => "referrer",
        Who::Technologist => "technologist",
        Who::Ai | Who::AiOther => "ai",
        Who::Auditor => "auditor",
        _ => "radiologist",
    };
    let login = server.state.login.as_ref().unwrap();
    accounts::by_name(&login.database, name).unwrap().unwrap()
}

impl House {
    /// A session of its own for each request: some of them end it.
    fn cookie(&self, who: Who) -> Option<String> {
        let login = self.server.state.login.as_ref().unwrap();
        let opened = |[id, secret]: &[String; 2]| {
            let secret = gateway::auth::secret::Secret::from_text(secret).unwrap();
            let opened = shares::redeem(&login.database, id, &secret, None, now_s());
            opened.unwrap().1
        };
        match who {
            Who::Nobody => None,
            Who::Link => Some(format!("__Host-link={}", opened(&self.links[0]).text())),
            Who::LinkOther => Some(format!("__Host-link={}", opened(&self.links[1]).text())),
            Who::Revoked => {
                let id = &self.links[2][0];
                let again = "UPDATE share SET is_revoked = 0 WHERE id = ?1";
                login.database.lock().execute(again, [id]).unwrap();
                let session = opened(&self.links[2]);
                let maker = user(&self.server, Who::Radiologist).id;
                shares::revoke(&login.database, maker, id).unwrap();
                Some(format!("__Host-link={}", session.text()))
            }
            _ => {
                let user = user(&self.server, who);
                let (database, life) = (&login.database, login.lifetimes);
                let secret = sessions::start(database, &user, Stage::Whole, life, now_s());
                Some(format!("__Host-sid={}", secret.unwrap().text()))
            }
        }
    }

    /// A user like any other, for whoever is to be changed.
    fn make_spare(&self) {
        let database = &self.server.state.login.as_ref().unwrap().database;
        if accounts::by_name(database, SPARE).unwrap().is_none() {
            let roles = [Role::Technologist].into();
            accounts::add(database, SPARE, SPARE, &roles, now_s()).unwrap();
        }
    }

    fn ask(&self, who: Who, method: &str, template: &str) -> Answer {
        let study = match who {
            Who::ReferrerOther | Who::AiOther | Who::LinkOther => OTHER,
            _ => OWN,
        };
        // The series of another study, which this asker may see as well.
        let series = if who == Who::Mixed { OTHER } else { study };
        let path = match who {
            Who::MixedSeries => {
                let of_second = template.replace("{instance}", SECOND.1);
                address(&of_second, study, series)
            }
            _ => address(template, study, series),
        };
        if path.contains(SPARE) {
            self.make_spare();
        }
        let cookie = self.cookie(who);
        let number = self.asked.get();
        self.asked.set(number + 1);
        let (media, body) = body(template, study, &format!("nobody{number}"));
        let (host, length) = (self.server.address.to_string(), body.len().to_string());
        // Tries are counted by address: each request comes from another one.
        let from = format!("198.51.{}.{}", number / 250, number % 250);
        let mut headers = vec![
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Sagitta", "1"),
            ("X-Forwarded-For", &from),
        ];
        headers.extend(cookie.as_deref().map(|cookie| ("Cookie", cookie)));
        if method == "GET" || method == "DELETE" {
            return send(self.server.address, method, &path, &headers, b"");
        }
        headers.extend([("Content-Type", media), ("Content-Length", &length)]);
        send(
            self.server.address,
            method,
            &path,
            &headers,
            body.as_bytes(),
        )
    }
}

fn address(template: &str, study: &str, series: &str) -> String {
    let path = template
        .replace("{source}", "local")
        .replace("{study}", study)
        .replace("{series}", &format!("{series}.1"))
        .replace("{instance}", &format!("{series}.1.1"))
        .replace("{list}", "1")
        .replace("{tag_path}", "7FE00010")
        .replace("{file}", "a.js")
        .replace("{name}", SPARE)
        .replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
    assert!(!path.contains('{'), "{template}: what is its parameter?");
    match template {
        "/IHEInvokeImageDisplay" => format!("{path}?requestType=STUDY&studyUID={study}"),
        "/api/audit/export" => format!("{path}?format=jsonl"),
        "/wado" => format!(
            "{path}?requestType=WADO&studyUID={study}&seriesUID={series}.1&objectUID={series}.1.1"
        ),
        _ if takes_files_away(template) => format!("{path}?reason=second+opinion"),
        _ => path,
    }
}

/// A study's archive, and whole instances by WADO-RS.
fn takes_files_away(template: &str) -> bool {
    let whole = [
        "/studies/{study}",
        "/series/{series}",
        "/instances/{instance}",
    ];
    template.ends_with("/files") || whole.iter().any(|end| template.ends_with(end))
}

/// Methods and addresses of the document.
fn operations(server: &Server) -> Vec<(String, String)> {
    let document = server.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap().clone();
    let all = paths.into_iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().clone();
        methods
            .into_iter()
            .map(move |(method, _)| (method.to_ascii_uppercase(), path.clone()))
    });
    all.collect()
}

#[test]
fn t12_every_route_of_the_document_answers_each_asker_as_its_row_says() {
    let house = house();
    let operations = operations(&house.server);
    let mut rows = rows();
    let mut surprises = Vec::new();
    let mut cells = 0;
    // What mixes series is refused for that alone: the second one is there.
    let (series, instance) = SECOND;
    let second = format!("/dicomweb/studies/{OWN}/series/{series}/instances/{instance}/frames/1");
    let cookie = house.cookie(Who::Radiologist).unwrap();
    let with = [("Cookie", cookie.as_str())];
    assert_eq!(house.server.request("GET", &second, &with).status, 200);
    for (method, path) in &operations {
        let Some(row) = rows.remove(&(method.clone(), path.clone())) else {
            surprises.push(format!("{method} {path} has no row"));
            continue;
        };
        assert_eq!(row[12] != 0, path.contains("{series}"), "{path}");
        // What mixes studies and what mixes series of one is not told apart.
        let mixed = path.contains("{instance}").then_some(row[12]);
        let mixed = mixed.map(|expected| (Who::MixedSeries, expected));
        for (who, expected) in ALL.into_iter().zip(row).chain(mixed) {
            if expected == 0 {
                continue;
            }
            cells += 1;
            let answer = house.ask(who, method, path);
            if answer.status != expected {
                let text = String::from_utf8_lossy(&answer.body);
                let text: String = text.chars().take(150).collect();
                surprises.push(format!(
                    "{method} {path} for {who:?}: {} and not {expected} {text}",
                    answer.status
                ));
            }
            // A list that is not refused holds nothing that may not be seen.
            let is_others = matches!(
                who,
                Who::Mixed | Who::ReferrerOther | Who::AiOther | Who::LinkOther | Who::Admin
            );
            if row == LIST_OF_SERIES && is_others {
                assert_eq!(answer.json(), serde_json::json!([]), "{path} for {who:?}");
            }
        }
    }
    surprises.extend(rows.keys().map(|(method, path)| {
        format!("{method} {path} has a row and is no route of the document")
    }));
    println!("{} routes, {cells} cells", operations.len());
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn t05_no_page_of_another_site_changes_anything_by_any_route() {
    let house = house();
    let host = house.server.address.to_string();
    let mut asked = 0;
    for (method, path) in operations(&house.server) {
        // Neither changes anything.
        if method == "GET" || method == "OPTIONS" {
            continue;
        }
        let cookie = house.cookie(Who::Radiologist).unwrap();
        let (media, body) = body(&path, OWN, "nobody");
        let length = body.len().to_string();
        let address = address(&path, OWN, OWN);
        let base = [
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Cookie", &cookie),
            ("Content-Type", media),
            ("Content-Length", &length),
        ];
        let evil: [&[(&str, &str)]; 6] = [
            &[("Sec-Fetch-Site", "cross-site")],
            &[("Sec-Fetch-Site", "same-site"), ("X-Sagitta", "1")],
            &[("Sec-Fetch-Site", "none"), ("X-Sagitta", "1")],
            &[("Origin", "https://evil.example"), ("X-Sagitta", "1")],
            &[("Origin", "null")],
            &[],
        ];
        for more in evil {
            let headers = [&base[..], more].concat();
            let target = house.server.address;
            let answer = send(target, &method, &address, &headers, body.as_bytes());
            assert_eq!(answer.status, 403, "{method} {path} {more:?}");
            assert_eq!(answer.error_code(), "origin_refused", "{method} {path}");
            asked += 1;
        }
        // The session still lives: none of it has done anything.
        let mine = [("Cookie", cookie.as_str())];
        assert_eq!(
            house.server.request("GET", "/api/session", &mine).status,
            200
        );
    }
    println!("{asked} requests");
    assert!(asked > 100);
}

#[test]
fn t26_every_route_of_the_document_refuses_another_host() {
    let house = house();
    let folder = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "a.dcm");
    let alone = Server::over(folder.path());
    for server in [&house.server, &alone] {
        let port = server.address.port();
        for (method, path) in operations(server) {
            let path = address(&path, OWN, OWN);
            for host in [
                "evil.example".to_owned(),
                format!("evil.example:{port}"),
                String::new(),
            ] {
                let headers = [
                    ("Host", host.as_str()),
                    ("Connection", "close"),
                    ("X-Forwarded-Host", "127.0.0.1"),
                    ("Content-Length", "0"),
                ];
                let answer = server.raw(&method, &path, &headers);
                assert_eq!(answer.status, 421, "{method} {path} for {host:?}");
                assert_eq!(answer.error_code(), "host_refused");
            }
        }
    }
}

#[test]
fn t01_no_route_of_the_document_can_be_framed_but_the_one_that_is_for_it() {
    let house = house();
    for (method, path) in operations(&house.server) {
        for who in [Who::Nobody, Who::Radiologist, Who::Link] {
            let answer = house.ask(who, &method, &path);
            let policy = answer.header("content-security-policy").unwrap();
            let ancestors = policy.split(';').map(str::trim);
            let ancestors = ancestors.filter_map(|it| it.strip_prefix("frame-ancestors "));
            let expected = match path.as_str() {
                "/embed" => "'self' http://localhost:* http://127.0.0.1:*",
                _ => "'none'",
            };
            assert_eq!(ancestors.collect::<Vec<_>>(), [expected], "{method} {path}");
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{method} {path}");
            }
            let public = ["/embed.js", "/embed.d.ts"].contains(&path.as_str());
            let resource = if public {
                "cross-origin"
            } else {
                "same-origin"
            };
            let found = answer.header("cross-origin-resource-policy");
            assert_eq!(found, Some(resource), "{method} {path}");
            let is_file = public || path.starts_with("/assets/");
            let is_page = ["/", "/viewer", "/shared", "/embed", "/bench.html"];
            if !is_file && !is_page.contains(&path.as_str()) {
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            }
            assert!(answer.header("x-request-id").is_some(), "{method} {path}");
        }
    }
}
