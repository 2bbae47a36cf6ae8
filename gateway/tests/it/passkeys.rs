//! Passkeys, by an authenticator made of software.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::admin_locked;
use crate::fake_provider::b64;
use crate::login::{self, WORD, location};
use crate::server::{Answer, Server};

/// A device with one key (W3C Web Authentication, level 2, section 6).
struct Device {
    key: EcdsaKeyPair,
    id: [u8; 16],
    user: Vec<u8>,
    counter: u32,
    flags: u8,
}

/// User present and verified.
const VERIFIED: u8 = 0b101;
const PRESENT: u8 = 0b001;
/// A new key is attached.
const ATTACHED: u8 = 0b100_0000;

fn unb64(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}

fn client(kind: &str, challenge: &Value, origin: &str) -> String {
    json!({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false})
        .to_string()
}

impl Device {
    fn new() -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: [7; 16],
            user: Vec::new(),
            counter: 1,
            flags: VERIFIED,
        }
    }

    fn authenticator(&self, site: &str, flags: u8) -> Vec<u8> {
        let mut bytes = digest(&SHA256, site.as_bytes()).as_ref().to_vec();
        bytes.push(flags);
        bytes.extend(self.counter.to_be_bytes());
        bytes
    }

    /// `navigator.credentials.create()`, attestation "none".
    fn create(&mut self, options: &Value, origin: &str) -> Value {
        let options = &options["publicKey"];
        self.user = unb64(&options["user"]["id"]);
        let mut authenticator =
            self.authenticator(options["rp"]["id"].as_str().unwrap(), self.flags | ATTACHED);
        authenticator.extend([0; 16]);
        authenticator.extend([0, 16]);
        authenticator.extend(self.id);
        // COSE_Key: EC2, ES256, P-256, x and y (RFC 9053).
        let point = self.key.public_key().as_ref();
        authenticator.extend([0xA5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        authenticator.extend(&point[1..33]);
        authenticator.extend([0x22, 0x58, 32]);
        authenticator.extend(&point[33..]);
        // {"fmt": "none", "attStmt": {}, "authData": ...} in CBOR.
        let mut object = vec![0xA3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xA0\x68authData\x58");
        object.push(u8::try_from(authenticator.len()).unwrap());
        object.extend(&authenticator);
        let client = client("webauthn.create", &options["challenge"], origin);
        json!({
            "id": b64(self.id), "rawId": b64(self.id), "type": "public-key",
            "response": {"attestationObject": b64(object), "clientDataJSON": b64(client)},
        })
    }

    /// `navigator.credentials.get()`
    fn get(&mut self, options: &Value, origin: &str) -> Value {
        self.counter += 1;
        self.answer(options, origin)
    }

    fn answer(&self, options: &Value, origin: &str) -> Value {
        let options = &options["publicKey"];
        let client = client("webauthn.get", &options["challenge"], origin);
        let authenticator = self.authenticator(options["rpId"].as_str().unwrap(), self.flags);
        let hash = digest(&SHA256, client.as_bytes());
        let signed = [&authenticator, hash.as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        json!({
            "id": b64(self.id), "rawId": b64(self.id), "type": "public-key",
            "response": {
                "authenticatorData": b64(authenticator), "clientDataJSON": b64(client),
                "signature": b64(signature), "userHandle": b64(&self.user),
            },
        })
    }
}

/// A browser at the gateway: its session and the challenge that waits.
struct Page<'a> {
    server: &'a Server,
    session: Option<String>,
    challenge: Option<String>,
}

impl Page<'_> {
    fn post(&mut self, path: &str, body: &Value) -> Answer {
        let both: Vec<String> = [&self.session, &self.challenge]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let cookie = (!both.is_empty()).then(|| both.join("; "));
        let answer = self.server.json(path, cookie.as_deref(), &body.to_string());
        for (name, value) in &answer.headers {
            let pair = value.split(';').next().unwrap();
            if name != "set-cookie" || pair.ends_with('=') {
                continue;
            }
            if pair.starts_with("__Host-sid=") {
                self.session = Some(pair.to_owned());
            } else if pair.starts_with("__Host-challenge=") {
                self.challenge = Some(pair.to_owned());
            }
        }
        answer
    }

    fn options(&mut self, path: &str) -> Value {
        let answer = self.post(path, &json!({}));
        assert_eq!(answer.status, 200, "{path}");
        answer.json()
    }

    fn add(&mut self, device: &mut Device) {
        let origin = origin(self.server);
        let options = self.options("/auth/webauthn/add/begin");
        let credential = device.create(&options, &origin);
        let body = json!({"shown": "My key", "credential": credential});
        let answer = self.post("/auth/webauthn/add", &body);
        assert_eq!(
            answer.status,
            200,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        assert_eq!(answer.json()["next"], "/auth/passkeys");
    }

    fn who(&self) -> Option<String> {
        let session = self.session.as_deref()?;
        let headers = [("Cookie", session)];
        let answer = self.server.request("GET", "/api/session", &headers);
        let user = (answer.status == 200).then(|| answer.json()["user"].clone());
        user.and_then(|user| user.as_str().map(str::to_owned))
    }
}

fn page(server: &Server, session: Option<String>) -> Page<'_> {
    Page {
        server,
        session,
        challenge: None,
    }
}

fn origin(server: &Server) -> String {
    format!("http://localhost:{}", server.address.port())
}

const BEGIN: &str = "/auth/webauthn/begin";
const PROVE: &str = "/auth/webauthn/prove";

#[test]
fn t11_a_passkey_logs_in_alone_and_its_answers_are_taken_once() {
    let (folder, server) = login::server("optional");
    let origin = origin(&server);
    let cookie = login::user(&server, "ada", "radiologist");
    let mut device = Device::new();
    page(&server, Some(cookie.clone())).add(&mut device);
    let mut browser = page(&server, None);
    let options = browser.options(BEGIN);
    assert_eq!(options["publicKey"]["userVerification"], "required");
    assert_eq!(options["publicKey"]["allowCredentials"], json!([]));
    let answer = device.get(&options, &origin);
    let done = browser.post(PROVE, &answer);
    assert_eq!(
        (done.status, done.json()["next"].clone()),
        (200, json!("/"))
    );
    assert_eq!(browser.who().as_deref(), Some("ada"));
    // Replayed, in this browser and in another with a challenge of its own.
    let mut thief = page(&server, None);
    assert_eq!(thief.post(PROVE, &answer).status, 400);
    thief.challenge = browser.challenge.clone();
    assert_eq!(thief.post(PROVE, &answer).status, 401);
    thief.options(BEGIN);
    assert_eq!(thief.post(PROVE, &answer).status, 401);
    assert_eq!(thief.who(), None);
    // What a device may not do; each is put right again.
    let refused = |device: &mut Device, change: &dyn Fn(&mut Device, &mut Value, &mut String)| {
        let mut browser = page(&server, None);
        let (mut options, mut from) = (browser.options(BEGIN), origin.clone());
        device.counter += 1;
        change(device, &mut options, &mut from);
        let answer = device.answer(&options, &from);
        let status = browser.post(PROVE, &answer).status;
        assert_eq!(browser.who(), None);
        status
    };
    assert_eq!(
        refused(&mut device, &|_, _, from| *from =
            "http://localhost:1".into()),
        401
    );
    assert_eq!(
        refused(&mut device, &|_, _, from| *from =
            "https://evil.example.org".into()),
        401
    );
    assert_eq!(
        refused(&mut device, &|_, options, _| options["publicKey"]["rpId"] =
            json!("evil.example.org")),
        401
    );
    assert_eq!(
        refused(
            &mut device,
            &|_, options, _| options["publicKey"]["challenge"] = json!(b64([1; 32]))
        ),
        401
    );
    assert_eq!(
        refused(&mut device, &|device, _, _| device.flags = PRESENT),
        401
    );
    device.flags = VERIFIED;
    let before = device.counter;
    assert_eq!(
        refused(&mut device, &|device, _, _| device.counter = 2),
        401
    );
    assert_eq!(
        refused(&mut device, &|device, _, _| device.counter = 1),
        401
    );
    device.counter = before;
    let user = std::mem::replace(&mut device.user, vec![9; 16]);
    assert_eq!(refused(&mut device, &|_, _, _| ()), 401);
    device.user = user;
    let id = std::mem::replace(&mut device.id, [8; 16]);
    assert_eq!(refused(&mut device, &|_, _, _| ()), 401);
    device.id = id;
    let key = std::mem::replace(&mut device.key, Device::new().key);
    assert_eq!(refused(&mut device, &|_, _, _| ()), 401);
    device.key = key;
    let mut browser = page(&server, None);
    let options = browser.options(BEGIN);
    let answer = device.get(&options, &origin);
    assert_eq!(browser.post(PROVE, &answer).status, 200);
    // It opens a locked session of its user, and no other's.
    let idle = "UPDATE session SET seen = seen - 100000";
    let database = &server.state.login.as_ref().unwrap().database;
    database.lock().execute(idle, []).unwrap();
    let mut locked = page(&server, Some(cookie));
    let options = locked.options(BEGIN);
    assert_eq!(
        options["publicKey"]["allowCredentials"][0]["id"],
        b64(device.id)
    );
    let answer = device.get(&options, &origin);
    assert_eq!(locked.post(PROVE, &answer).status, 200);
    let bob = login::user(&server, "bob", "radiologist");
    let mut other = page(&server, Some(bob));
    let options = other.options(BEGIN);
    let answer = device.get(&options, &origin);
    assert_eq!(other.post(PROVE, &answer).status, 401);
    drop(server);
    let record = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(record.contains("passkey added") && record.contains("\"reason\":\"passkey\""));
}

#[test]
fn t11_a_passkey_is_the_second_factor_that_is_required() {
    let (_folder, server) = login::server("required");
    let origin = origin(&server);
    let state = server.state.login.as_ref().unwrap();
    let code = gateway::serve::first_code(state).unwrap().unwrap();
    let fields = [("name", "admin"), ("code", &*code), ("password", WORD)];
    let answer = server.form("/auth/first", None, &fields);
    assert_eq!(location(&answer), "/auth/enrol");
    // The password alone opens nothing; with a passkey the login is whole, under another secret.
    let early = answer.cookie().unwrap();
    let mut browser = page(&server, Some(early.clone()));
    assert_eq!(browser.who(), None);
    let mut device = Device::new();
    browser.add(&mut device);
    assert_eq!(browser.who().as_deref(), Some("admin"));
    assert_ne!(browser.session.as_deref(), Some(early.as_str()));
    assert_eq!(page(&server, Some(early)).who(), None);
    let headers = |cookie: &str| [("Cookie".to_owned(), cookie.to_owned())];
    let session = browser.session.clone().unwrap();
    let get = |cookie: &str, path: &str| {
        let all = headers(cookie);
        let all: Vec<(&str, &str)> = all.iter().map(|(name, it)| (&**name, &**it)).collect();
        let answer = server.request("GET", path, &all);
        String::from_utf8(answer.body).unwrap()
    };
    assert!(get(&session, "/auth/passkeys").contains("My key"));
    // The only second factor stays.
    let fields = [("id", &*b64(device.id))];
    let answer = server.form("/auth/passkeys/remove", Some(&session), &fields);
    assert_eq!(answer.status, 400);
    assert!(
        String::from_utf8(answer.body)
            .unwrap()
            .contains("your only second step")
    );
    // Recovery codes, for the day when the device is lost.
    let codes = server.form("/auth/recovery", Some(&session), &[]);
    let codes = String::from_utf8(codes.body).unwrap();
    assert_eq!(codes.matches("<li><code>").count(), 10);
    let recovery = codes
        .split("<li><code>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    // The next login asks for it after the password.
    let half = || {
        let fields = [("name", "admin"), ("password", WORD)];
        let answer = server.form("/auth/login", None, &fields);
        assert_eq!(location(&answer), "/auth/mfa");
        answer.cookie().unwrap()
    };
    let cookie = half();
    assert!(get(&cookie, "/auth/mfa").contains("Use a passkey"));
    let mut browser = page(&server, Some(cookie.clone()));
    let options = browser.options(BEGIN);
    // Its challenge is of this login and no other.
    let answer = device.get(&options, &origin);
    let mut other = page(&server, Some(half()));
    other.challenge = browser.challenge.clone();
    assert_eq!(other.post(PROVE, &answer).status, 401);
    let options = browser.options(BEGIN);
    let answer = device.get(&options, &origin);
    assert_eq!(browser.post(PROVE, &answer).status, 200);
    assert_eq!(browser.who().as_deref(), Some("admin"));
    assert_eq!(page(&server, Some(cookie)).who(), None);
    let cookie = half();
    let done = server.form("/auth/mfa", Some(&cookie), &[("code", recovery)]);
    assert_eq!((done.status, location(&done)), (303, "/"));
}

#[test]
fn t11_a_locked_user_does_not_come_in_by_a_passkey() {
    let (_folder, server) = login::server("optional");
    let origin = origin(&server);
    login::user(&server, "root", "admin");
    let cookie = login::user(&server, "ada", "radiologist");
    let mut device = Device::new();
    page(&server, Some(cookie)).add(&mut device);
    let mut attempt = || {
        let mut browser = page(&server, None);
        let options = browser.options(BEGIN);
        let answer = device.get(&options, &origin);
        (browser.post(PROVE, &answer).status, browser.who())
    };
    assert_eq!(attempt(), (200, Some("ada".into())));
    admin_locked::lock(&server, "ada");
    assert_eq!(attempt(), (429, None));
    admin_locked::unlock(&server, "ada");
    assert_eq!(attempt(), (200, Some("ada".into())));
}

#[test]
fn t11_a_passkey_is_a_proof_with_all_factors_and_keeps_what_was_opened_in_an_emergency() {
    let (_folder, server) = login::server("optional");
    let origin = origin(&server);
    let cookie = login::user(&server, "doc", "referrer");
    let mut device = Device::new();
    page(&server, Some(cookie.clone())).add(&mut device);
    let metadata = "/dicomweb/studies/1/metadata";
    let sees = |cookie: &str| {
        server
            .request("GET", metadata, &[("Cookie", cookie)])
            .status
    };
    assert_eq!(sees(&cookie), 404);
    let wanted = json!({"study": "1", "reason": "unconscious in the emergency room"});
    let broken = server.json("/api/emergency", Some(&cookie), &wanted.to_string());
    assert_eq!((broken.status, sees(&cookie)), (204, 200));
    let idle = "UPDATE session SET seen = seen - 100000";
    let database = &server.state.login.as_ref().unwrap().database;
    database.lock().execute(idle, []).unwrap();
    assert_eq!(sees(&cookie), 401);
    let mut browser = page(&server, Some(cookie.clone()));
    let options = browser.options(BEGIN);
    let answer = device.get(&options, &origin);
    assert_eq!(browser.post(PROVE, &answer).status, 200);
    let unlocked = browser.session.clone().unwrap();
    assert_eq!((sees(&unlocked), sees(&cookie)), (200, 401));
    // A login of its own begins anew.
    let mut browser = page(&server, None);
    let options = browser.options(BEGIN);
    let answer = device.get(&options, &origin);
    assert_eq!(browser.post(PROVE, &answer).status, 200);
    assert_eq!(sees(&browser.session.unwrap()), 404);
}

#[test]
fn passkeys_are_added_and_removed_after_a_fresh_login_alone() {
    let (_folder, server) = login::server("optional");
    let cookie = login::user(&server, "ada", "radiologist");
    let mut device = Device::new();
    page(&server, Some(cookie.clone())).add(&mut device);
    let mut nobody = page(&server, None);
    assert_eq!(
        nobody.post("/auth/webauthn/add/begin", &json!({})).status,
        401
    );
    let database = &server.state.login.as_ref().unwrap().database;
    let old = "UPDATE session SET proved = proved - 400";
    database.lock().execute(old, []).unwrap();
    let mut browser = page(&server, Some(cookie.clone()));
    let answer = browser.post("/auth/webauthn/add/begin", &json!({}));
    assert_eq!(
        (answer.status, answer.error_code()),
        (403, "fresh_login_needed".into())
    );
    let fields = [("id", &*b64(device.id))];
    let remove = |cookie: &str| server.form("/auth/passkeys/remove", Some(cookie), &fields);
    assert_eq!(remove(&cookie).status, 403);
    assert_eq!(
        server.form("/auth/recovery", Some(&cookie), &[]).status,
        403
    );
    assert_eq!(
        server
            .form("/auth/unlock", Some(&cookie), &[("password", WORD)])
            .status,
        303
    );
    // Nobody removes another's.
    let bob = login::user(&server, "bob", "radiologist");
    assert_eq!(remove(&bob).status, 400);
    let answer = remove(&cookie);
    assert_eq!((answer.status, location(&answer)), (303, "/auth/passkeys"));
    let mut browser = page(&server, None);
    let options = browser.options(BEGIN);
    let answer = device.get(&options, &origin(&server));
    assert_eq!(browser.post(PROVE, &answer).status, 401);
}

#[test]
fn the_script_of_passkeys_is_our_own_file() {
    let (_folder, server) = login::server("optional");
    let answer = server.get("/auth/passkey.js");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    let page = String::from_utf8(server.get("/auth/login").body).unwrap();
    assert!(page.contains("<script src=\"/auth/passkey.js\" defer></script>"));
    // All else works without it: what needs it is hidden until it runs.
    assert!(page.contains("data-passkey=\"prove\" data-base=\"\" hidden"));
}
