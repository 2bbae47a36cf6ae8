//! Forged tokens, and answers that belong to no login: nobody is let in by them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::fake_provider::{FakeProvider, Keys, SECRET, b64, signed_by};
use crate::files::ct;
use crate::login::{configured_with, location};
use crate::server::{Answer, Server, encoded};

/// A gateway whose users log in at a provider.
pub fn gateway(issuer: &str, more: &str) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    ct("1", "2", 1).write(&data, "a.dcm");
    let secret = folder.path().join("oidc.secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let auth = format!(
        "[auth.oidc]\nissuer = \"{issuer}\"\nclient_id = \"viewer\"\nclient_secret_file = \"oidc.secret\"\n\
         label = \"North Hospital\"\nrole_map = {{ rad = \"radiologist\", ref = \"referrer\" }}\n{more}"
    );
    let server = Server::start(configured_with(folder.path(), &auth));
    server.wait_until_indexed();
    (folder, server)
}

/// A login on its way, up to the provider.
struct Begun {
    browser: Browser,
    home: String,
    state: String,
    nonce: String,
}

fn query(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).unwrap().1.to_owned()
}

fn begin(server: &Server, provider: &FakeProvider) -> Begun {
    let (mut browser, home) = (Browser::default(), format!("http://{}", server.address));
    let answer = browser.get(&format!("{home}/auth/oidc"));
    assert_eq!(answer.status, 303);
    let url = location(&answer).to_owned();
    assert!(
        url.starts_with(&format!("{}/authorize?", provider.issuer)),
        "{url}"
    );
    assert_eq!(query(&url, "code_challenge_method"), "S256");
    assert_eq!(query(&url, "response_type"), "code");
    provider.next.lock().unwrap().challenge = query(&url, "code_challenge");
    Begun {
        browser,
        home,
        state: query(&url, "state"),
        nonce: query(&url, "nonce"),
    }
}

impl Begun {
    fn back(&mut self, provider: &FakeProvider, token: String) -> Answer {
        provider.next.lock().unwrap().token = token;
        let issuer = provider.issuer.clone();
        self.callback(&[
            ("code", "c"),
            ("state", &self.state.clone()),
            ("iss", &issuer),
        ])
    }

    fn callback(&mut self, fields: &[(&str, &str)]) -> Answer {
        let url = format!("{}/auth/callback?{}", self.home, encoded(fields));
        self.browser.get(&url)
    }
}

fn is_let_in(answer: &Answer) -> bool {
    let sets =
        |(name, value): &(String, String)| name == "set-cookie" && value.starts_with("__Host-sid=");
    answer.headers.iter().any(sets)
}

fn with(claims: &Value, changes: &[(&str, Value)]) -> Value {
    let mut claims = claims.clone();
    let object = claims.as_object_mut().unwrap();
    for (name, value) in changes {
        match value {
            Value::Null => object.remove(*name),
            value => object.insert((*name).to_owned(), value.clone()),
        };
    }
    claims
}

/// Forgeries, each with what it is; every one of them is made from the token that is taken.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn forgeries(
    provider: &FakeProvider,
    forger: &Keys,
    claims: &Value,
) -> Vec<(&'static str, String)> {
    let now = gateway::auth::asker::now_s();
    let right = json!({"alg": "RS256", "kid": "r"});
    let header = |more: Value| {
        let mut header = right.clone();
        header
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        header
    };
    let honest = provider.signed(&right, claims);
    let (head, signature) = honest.rsplit_once('.').unwrap();
    let parts: Vec<&str> = honest.split('.').collect();
    let changed = |changes: &[(&str, Value)]| provider.signed(&right, &with(claims, changes));
    let headed = |more: Value| provider.signed(&header(more), claims);
    let forged = |more: Value| signed_by(forger, &header(more), &claims.to_string(), b"");
    let text = claims.to_string();
    let public = provider.keys.public();
    let pem = {
        use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
        use aws_lc_rs::signature::KeyPair as _;
        let der: PublicKeyX509Der<'_> = provider.keys.rsa.public_key().as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    };
    let symmetric = |secret: &[u8]| {
        signed_by(
            &provider.keys,
            &json!({"alg": "HS256", "kid": "r"}),
            &text,
            secret,
        )
    };
    let unsigned = |name: &str| format!("{}.{}.", b64(json!({"alg": name}).to_string()), parts[1]);
    let other = with(claims, &[("sub", json!("8"))]);
    let twice = text.replacen('{', "{\"sub\":\"8\",", 1);
    let twice_escaped = text.replacen('{', "{\"su\\u0062\":\"8\",", 1);
    let own_key = forger.public()["keys"][0].clone();
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let zeros = b64([0; 64]);
    let es = format!(
        "{}.{}",
        b64(json!({"alg": "ES256", "kid": "e"}).to_string()),
        parts[1]
    );
    vec![
        ("no algorithm", unsigned("none")),
        ("no algorithm, in other letters", unsigned("NoNe")),
        (
            "no algorithm, with the honest signature",
            format!("{}{signature}", unsigned("none")),
        ),
        ("public key as a secret (PEM)", symmetric(pem.as_bytes())),
        (
            "public key as a secret (JWK)",
            symmetric(public["keys"][0].to_string().as_bytes()),
        ),
        ("client secret as the key", symmetric(SECRET.as_bytes())),
        (
            "an algorithm that is not taken",
            headed(json!({"alg": "RS512"})),
        ),
        (
            "the algorithm of another key",
            headed(json!({"alg": "ES256"})),
        ),
        ("the key of another algorithm", headed(json!({"kid": "e"}))),
        (
            "other issuer",
            changed(&[("iss", json!("https://evil.example.org"))]),
        ),
        (
            "issuer with a slash more",
            changed(&[("iss", json!(format!("{}/", provider.issuer)))]),
        ),
        ("no issuer", changed(&[("iss", Value::Null)])),
        ("other audience", changed(&[("aud", json!("other"))])),
        (
            "audience beside ours",
            changed(&[("aud", json!(["viewer", "other"]))]),
        ),
        ("no audience", changed(&[("aud", Value::Null)])),
        (
            "made for another party",
            changed(&[("azp", json!("other"))]),
        ),
        (
            "party that is no text",
            changed(&[("azp", json!(["viewer"]))]),
        ),
        (
            "nonce of another login",
            changed(&[("nonce", json!("AAAAAAAAAAAAAAAAAAAAAA"))]),
        ),
        ("no nonce", changed(&[("nonce", Value::Null)])),
        ("over", changed(&[("exp", json!(now - 1))])),
        ("without end", changed(&[("exp", Value::Null)])),
        ("not yet", changed(&[("nbf", json!(now + 600))])),
        ("made later", changed(&[("iat", json!(now + 600))])),
        ("made at no time", changed(&[("iat", Value::Null)])),
        ("nobody", changed(&[("sub", Value::Null)])),
        ("nobody's name", changed(&[("sub", json!(""))])),
        ("other key of the same name", forged(json!({}))),
        ("other key of another name", forged(json!({"kid": "x"}))),
        ("own key in the header", forged(json!({"jwk": own_key}))),
        (
            "own key by address",
            forged(json!({"jku": "https://evil.example.org/jwks"})),
        ),
        (
            "own certificate by address",
            forged(json!({"x5u": "https://evil.example.org/x"})),
        ),
        ("own certificate", forged(json!({"x5c": ["MIIB"]}))),
        (
            "honest, with a key's address",
            headed(json!({"jku": "https://evil.example.org/jwks"})),
        ),
        (
            "honest, with something critical",
            headed(json!({"crit": ["exp"]})),
        ),
        ("signature left out", format!("{head}.")),
        ("two parts", head.to_owned()),
        ("four parts", format!("{honest}.{signature}")),
        (
            "signature of another token",
            format!("{}.{}.{signature}", parts[0], b64(other.to_string())),
        ),
        ("signature of zeros", format!("{es}.{zeros}")),
        ("signature with more behind", format!("{honest}AAAA")),
        (
            "padding",
            format!("{}.{}==.{signature}", parts[0], parts[1]),
        ),
        (
            "a claim twice",
            signed_by(&provider.keys, &right, &twice, b""),
        ),
        (
            "a claim twice, once escaped",
            signed_by(&provider.keys, &right, &twice_escaped, b""),
        ),
        ("an access token", headed(json!({"typ": "at+jwt"}))),
        (
            "a logout token by its type",
            headed(json!({"typ": "logout+jwt"})),
        ),
        ("a logout token by its event", changed(&[("events", event)])),
        ("no token", "nonsense".to_owned()),
    ]
}

#[test]
fn t09_forged_tokens_let_nobody_in() {
    let provider = FakeProvider::start();
    let (folder, server) = gateway(&provider.issuer, "");
    let forger = Keys::new();
    let accepts = |header: Value, changes: &[(&str, Value)]| {
        let mut begun = begin(&server, &provider);
        let claims = with(&provider.claims(&begun.nonce), changes);
        let token = provider.signed(&header, &claims);
        let answer = begun.back(&provider, token);
        assert_eq!((answer.status, is_let_in(&answer)), (303, true), "{header}");
        assert_eq!(location(&answer), "/");
    };
    let honest = || {
        for (algorithm, kid) in [
            ("RS256", "r"),
            ("PS256", "r"),
            ("ES256", "e"),
            ("EdDSA", "d"),
        ] {
            accepts(json!({"alg": algorithm, "kid": kid, "typ": "JWT"}), &[]);
        }
    };
    honest();
    accepts(
        json!({"alg": "RS256", "kid": "r"}),
        &[("azp", json!("viewer"))],
    );
    accepts(
        json!({"alg": "RS256", "kid": "r"}),
        &[("aud", json!(["viewer"]))],
    );
    let number = forgeries(&provider, &forger, &provider.claims("n")).len();
    for index in 0..number {
        let mut begun = begin(&server, &provider);
        let claims = provider.claims(&begun.nonce);
        let (what, token) = forgeries(&provider, &forger, &claims).swap_remove(index);
        let answer = begun.back(&provider, token);
        assert!(!is_let_in(&answer), "{what}");
        assert_eq!(answer.status, 401, "{what}");
        let home = &begun.home;
        let session = begun.browser.get(&format!("{home}/api/session"));
        assert_eq!(session.status, 401, "{what}");
    }
    assert!(number >= 20);
    honest();
    println!("{number} forged tokens refused");
    drop(server);
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let refused = record
        .matches("\"kind\":\"login\",\"outcome\":\"refused\"")
        .count();
    assert_eq!(refused, number);
    assert!(!record.contains("eyJ"), "no token is on record");
}

#[test]
fn t09_an_answer_is_taken_once_and_by_the_browser_that_asked() {
    let provider = FakeProvider::start();
    let (_folder, server) = gateway(&provider.issuer, "");
    let token = |nonce: &str| {
        let header = json!({"alg": "RS256", "kid": "r"});
        provider.signed(&header, &provider.claims(nonce))
    };
    // Twice.
    let mut begun = begin(&server, &provider);
    let port = server.address.port();
    let cookie = begun
        .browser
        .cookie(port, "__Host-oidc")
        .unwrap()
        .to_owned();
    let given = token(&begun.nonce);
    assert!(is_let_in(&begun.back(&provider, given.clone())));
    assert_eq!(begun.browser.cookie(port, "__Host-oidc"), None);
    begun.browser.set_cookie(port, "__Host-oidc", &cookie);
    let again = begun.back(&provider, given);
    assert_eq!((again.status, is_let_in(&again)), (400, false));
    // In a browser that did not ask, or asked for itself.
    let first = begin(&server, &provider);
    let mut second = begin(&server, &provider);
    let issuer = provider.issuer.as_str();
    provider.next.lock().unwrap().token = token(&first.nonce);
    let fields = [
        ("code", "c"),
        ("state", first.state.as_str()),
        ("iss", issuer),
    ];
    let answer = second.callback(&fields);
    assert_eq!((answer.status, is_let_in(&answer)), (400, false));
    let mut third = Browser::default();
    let url = format!("{}/auth/callback?{}", first.home, encoded(&fields));
    assert_eq!(third.get(&url).status, 400);
    // Without what belongs to it.
    for fields in [
        vec![("code", "c"), ("iss", issuer)],
        vec![("code", "c"), ("state", ""), ("iss", issuer)],
        vec![("code", "c"), ("state", "STATE")],
        vec![
            ("code", "c"),
            ("state", "STATE"),
            ("iss", "https://evil.example.org"),
        ],
        vec![("state", "STATE"), ("iss", issuer)],
    ] {
        let mut begun = begin(&server, &provider);
        provider.next.lock().unwrap().token = token(&begun.nonce);
        let state = begun.state.clone();
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| {
                (
                    *name,
                    if *value == "STATE" {
                        state.as_str()
                    } else {
                        *value
                    },
                )
            })
            .collect();
        let answer = begun.callback(&fields);
        assert_eq!(
            (answer.status, is_let_in(&answer)),
            (400, false),
            "{fields:?}"
        );
    }
    // The cookie is for this host over TLS, not for scripts, and for a short time.
    let answer = server.get("/auth/oidc");
    let cookie = answer.header("set-cookie").unwrap();
    for part in [
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
        "Max-Age=600",
    ] {
        assert!(cookie.split("; ").any(|it| it == part), "{cookie}");
    }
}

#[test]
fn t09_only_the_configured_provider_is_asked_and_no_redirect_is_followed() {
    let provider = FakeProvider::start();
    let (_folder, server) = gateway(&provider.issuer, "");
    let mut begun = begin(&server, &provider);
    let elsewhere = format!("{}/elsewhere", provider.issuer);
    provider.next.lock().unwrap().elsewhere = Some(elsewhere);
    let answer = begun.back(&provider, String::new());
    assert_eq!((answer.status, is_let_in(&answer)), (401, false));
    assert_eq!(
        [provider.asked("token"), provider.asked("elsewhere")],
        [1, 0]
    );
    // One that calls itself something else is not the provider.
    let other = FakeProvider::start();
    other.next.lock().unwrap().issuer = Some("https://idp.example.org".to_owned());
    let (_folder, server) = gateway(&other.issuer, "");
    let answer = server.get("/auth/oidc");
    assert_eq!((answer.status, answer.header("location")), (503, None));
    assert_eq!([other.asked("discovery"), other.asked("jwks")], [1, 0]);
}

#[test]
fn t09_forged_logout_tokens_end_no_session() {
    let provider = FakeProvider::start();
    let (folder, server) = gateway(&provider.issuer, "");
    let mut begun = begin(&server, &provider);
    let header = json!({"alg": "RS256", "kid": "r"});
    let login = provider.signed(&header, &provider.claims(&begun.nonce));
    assert!(is_let_in(&begun.back(&provider, login.clone())));
    let now = gateway::auth::asker::now_s();
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let claims = json!({
        "iss": provider.issuer, "aud": "viewer", "sub": "7", "sid": "s1", "iat": now, "exp": now + 120,
        "jti": "j1", "events": event,
    });
    let kind = json!({"alg": "RS256", "kid": "r", "typ": "logout+jwt"});
    let send = |token: &str| {
        let body = encoded(&[("logout_token", token)]);
        let (host, length) = (server.address.to_string(), body.len().to_string());
        let headers = [
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", &length),
        ];
        crate::server::send(
            server.address,
            "POST",
            "/auth/backchannel",
            &headers,
            body.as_bytes(),
        )
    };
    let changed = |changes: &[(&str, Value)]| provider.signed(&kind, &with(&claims, changes));
    let forger = Keys::new();
    let honest = changed(&[]);
    let parts: Vec<&str> = honest.split('.').collect();
    let none = format!("{}.{}.", b64(json!({"alg": "none"}).to_string()), parts[1]);
    let hs = json!({"alg": "HS256", "kid": "r", "typ": "logout+jwt"});
    let mut table = vec![
        ("no algorithm", none),
        (
            "client secret",
            signed_by(&provider.keys, &hs, &claims.to_string(), SECRET.as_bytes()),
        ),
        (
            "other key",
            signed_by(&forger, &kind, &claims.to_string(), b""),
        ),
        (
            "other issuer",
            changed(&[("iss", json!("https://evil.example.org"))]),
        ),
        ("other audience", changed(&[("aud", json!("other"))])),
        ("over", changed(&[("exp", json!(now - 1))])),
        ("without end", changed(&[("exp", Value::Null)])),
        ("made long ago", changed(&[("iat", json!(now - 3600))])),
        ("made later", changed(&[("iat", json!(now + 600))])),
        ("a nonce", changed(&[("nonce", json!("n"))])),
        ("no event", changed(&[("events", Value::Null)])),
        ("other event", changed(&[("events", json!({"x": {}}))])),
        (
            "an event that is none",
            changed(&[("events", json!(["x"]))]),
        ),
        ("no name", changed(&[("jti", Value::Null)])),
        (
            "nobody",
            changed(&[("sub", Value::Null), ("sid", Value::Null)]),
        ),
        ("a number for a session", changed(&[("sid", json!(1))])),
        ("a login's token", login),
        ("nonsense", "nonsense".to_owned()),
    ];
    let home = begun.home.clone();
    let mut is_in = || begun.browser.get(&format!("{home}/api/session")).status == 200;
    for (what, token) in &table {
        assert_eq!(send(token).status, 400, "{what}");
        assert!(is_in(), "{what}");
    }
    // The honest one ends it, once.
    assert_eq!(send(&honest).status, 200);
    assert!(!is_in());
    assert_eq!(send(&honest).status, 400);
    table.clear();
    drop(server);
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(
        record
            .contains("\"kind\":\"logout\",\"outcome\":\"success\",\"actor\":{\"user\":\"oidc:7\"")
    );
}
