//! Failures of other viewers about where studies come from: named for the row that tells of it.

use crate::guest_stage::WORD;
use crate::hosting::{serve_page, serve_relay};
use crate::made::Made;
use sagitta_tests::{Backend, Browser, Gateway, Page, TempFolder, run_program};
use serde_json::json;
use std::sync::{Arc, Mutex};

const TOKEN: &str = "a-token-of-the-northern-hospital-0123456789";

/// Two hospitals whose studies and patients have the same ids, and other patients.
fn patient(name: &str, grey: u8) -> Made {
    Made {
        name: name.into(),
        grey: Some(grey),
        ..Made::of_study(1)
    }
}

fn here() -> Made {
    patient("Alpha^Ann", 60)
}

fn north() -> Made {
    patient("Beta^Bob", 200)
}

fn write(folder: &TempFolder, made: &Made) {
    for instance in 1..=3 {
        let made = Made {
            instance,
            ..made.clone()
        };
        let name = format!("data/{instance}.dcm");
        folder.write(&name, &made.bytes()).unwrap();
    }
}

fn secret(folder: &TempFolder, name: &str, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.write(name, bytes).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A gateway over a folder of its own, with the northern hospital as a source that asks for a token.
struct Pair {
    here: Gateway,
    _north: Gateway,
    /// Heads of all that the north was asked.
    asked: Arc<Mutex<Vec<String>>>,
    folder: TempFolder,
    _other: TempFolder,
}

impl Pair {
    fn start(login: &str) -> Self {
        let other = TempFolder::new("north").unwrap();
        write(&other, &north());
        let data = other.path().join("data");
        let north = Gateway::start(&[&data]).unwrap();
        north.wait_until_indexed(60).unwrap();
        let (port, asked) = serve_relay(north.port());
        let folder = TempFolder::new("here").unwrap();
        write(&folder, &here());
        secret(&folder, "north.tok", TOKEN.as_bytes());
        secret(&folder, "audit.key", &[7; 32]);
        let config = format!(
            "{login}[[source]]\nid = \"north\"\nlabel = \"North\"\nbearer_file = \"north.tok\"\n\
             dicomweb = \"http://127.0.0.1:{port}/dicomweb\"\n"
        );
        let config = folder.write("gateway.toml", config.as_bytes()).unwrap();
        let data = folder.path().join("data");
        let here = Gateway::start_with(&[&data], &["--config", config.to_str().unwrap()]).unwrap();
        here.wait_until_indexed(60).unwrap();
        Self {
            here,
            _north: north,
            asked,
            folder,
            _other: other,
        }
    }

    fn page(&self, browser: &Browser) -> Page {
        let page = browser.page().unwrap();
        page.goto(&self.here.url()).unwrap();
        page.wait_for("!!window.sagitta", 60).unwrap();
        page
    }
}

/// Opens the study of a source and checks whose it is: banner, grey on screen, stored value.
fn expect_patient(page: &Page, source: &str, made: &Made, other: &Made) {
    let (study, series) = (made.study_uid(), made.series_uid());
    page.eval(&format!(
        "window.sagitta.open({{ studies: ['{study}'], source: '{source}' }}).then(() => window.sagitta.complete())"
    ))
    .unwrap();
    let family = |made: &Made| made.name.split('^').next().unwrap().to_owned();
    let banner = page
        .eval("document.querySelector('.patient').textContent")
        .unwrap();
    let banner = banner.as_str().unwrap();
    assert!(banner.contains(&family(made)), "{source}: {banner}");
    assert!(!banner.contains(&family(other)), "{source}: {banner}");
    let stored = page
        .eval(&format!(
            "window.sagitta.pixels('{series}.2', 1, '{study}', '{series}').then((it) => [it.data[0], it.data.length])"
        ))
        .unwrap();
    assert_eq!(stored, json!([made.grey, 64]), "{source}");
    let shown = page
        .eval(
            "window.sagitta.capture(0).then(createImageBitmap).then((it) => { const pen = new OffscreenCanvas(it.width, it.height).getContext('2d');
               pen.drawImage(it, 0, 0); return pen.getImageData(it.width / 2, it.height / 2, 1, 1).data[0]; })",
        )
        .unwrap();
    assert_eq!(shown, json!(made.grey), "{source}");
}

#[test]
fn lesson_23_equal_ids_at_two_hospitals_are_two_studies_and_two_patients() {
    let pair = Pair::start("");
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = pair.page(&browser);
    let (here, north) = (here(), north());
    assert_eq!(
        (here.study_uid(), &here.id, here.series_uid()),
        (north.study_uid(), &north.id, north.series_uid())
    );
    // There and back: what one source sent is not taken for the other's.
    for _ in 0..2 {
        expect_patient(&page, "local", &here, &north);
        expect_patient(&page, "north", &north, &here);
    }
}

#[test]
fn lesson_23_each_request_counts_for_whoever_is_logged_in_then() {
    let pair = Pair::start(
        "[auth.local]\nsecond_factor = \"optional\"\n[audit]\nchain_key_file = \"audit.key\"\n",
    );
    let config = pair.folder.path().join("gateway.toml");
    let log_in = |name: &str, role: &str| {
        let add = ["user", "add", name, "--role", role, "--config"];
        let said = run_program(&[&add[..], &[config.to_str().unwrap()]].concat()).unwrap();
        let code = said.trim().rsplit(' ').next().unwrap().to_owned();
        let form = format!(
            "name={name}&code={code}&password={}",
            WORD.replace(' ', "+")
        );
        let kind = "application/x-www-form-urlencoded";
        let answer = pair.here.post("/auth/first", kind, &[], &form).unwrap();
        let set = answer.header("set-cookie").unwrap();
        set.split(';').next().unwrap().to_owned()
    };
    let (reader, auditor) = (log_in("reader", "radiologist"), log_in("watch", "auditor"));
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let set = |page: &Page, cookie: &str| {
        let (name, value) = cookie.split_once('=').unwrap();
        let set = json!({ "name": name, "value": value, "url": pair.here.url(), "path": "/", "secure": true, "httpOnly": true, "sameSite": "Lax" });
        page.call("Network.setCookie", set).unwrap();
    };
    set(&page, &reader);
    page.goto(&pair.here.url()).unwrap();
    page.wait_for("!!window.sagitta", 60).unwrap();
    expect_patient(&page, "local", &here(), &north());
    // Someone else logs in in another window of this browser: the page that is open has no older right at hand.
    set(&page, &auditor);
    let (study, series) = (here().study_uid(), here().series_uid());
    for path in [
        format!("dicomweb/studies/{study}/metadata"),
        format!("dicomweb/studies/{study}/series/{series}/instances/{series}.1/frames/1"),
    ] {
        let status = page
            .eval(&format!(
                "fetch('/{path}', {{ cache: 'default' }}).then((it) => it.status)"
            ))
            .unwrap();
        assert_eq!(status, 404, "{path}");
    }
    let listed = page
        .eval("fetch('/dicomweb/studies').then((it) => it.ok ? it.json() : [])")
        .unwrap();
    assert_eq!(listed, json!([]));
    set(&page, &reader);
    expect_patient(&page, "local", &here(), &north());
}

#[test]
fn lesson_26_no_link_names_a_server_and_no_browser_holds_what_a_server_would_take() {
    let pair = Pair::start("");
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = pair.page(&browser);
    let (own, origin) = (north(), pair.here.url());
    expect_patient(&page, "north", &own, &here());
    // The north was asked with its token, by the gateway alone.
    let asked = pair.asked.lock().unwrap().clone();
    assert!(asked.len() >= 3, "{asked:?}");
    for head in &asked {
        assert!(
            head.to_ascii_lowercase()
                .contains(&format!("authorization: bearer {TOKEN}")),
            "{head}"
        );
        assert!(!head.to_ascii_lowercase().contains("cookie:"), "{head}");
    }
    // The browser knows neither the token nor where the north is.
    let config = pair.here.get("/config.json").unwrap().text();
    let relay = asked[0]
        .lines()
        .find_map(|line| {
            line.strip_prefix("host: ")
                .or_else(|| line.strip_prefix("Host: "))
        })
        .unwrap()
        .trim()
        .to_owned();
    let everything = page
        .eval(
            "(async () => { const all = [document.documentElement.outerHTML, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), document.cookie];
               for (const it of performance.getEntriesByType('resource')) all.push(it.name, await fetch(it.name).then((answer) => answer.text()).catch(() => ''));
               return all.join(' '); })()",
        )
        .unwrap();
    let everything = everything.as_str().unwrap();
    assert!(everything.len() > 10_000);
    for text in [config.as_str(), everything] {
        assert!(!text.contains(TOKEN));
        assert!(!text.contains(&relay), "{relay}");
    }

    // Links and calls that name a server of their own choice: nobody comes there.
    let canary = hostile();
    let there = format!("http://127.0.0.1:{}/dicomweb", canary.0);
    let study = own.study_uid();
    let words = [
        "source",
        "server",
        "url",
        "dicomweb",
        "dicomWebUrl",
        "configUrl",
        "wadoRoot",
        "qidoRoot",
        "iss",
        "StudyInstanceUIDs",
    ];
    let pages = ["viewer", "", "embed", "shared"];
    let values = [
        there.clone(),
        there.replace("http:", ""),
        format!("local/../../{there}"),
    ];
    for (round, word) in words.iter().enumerate() {
        for (more, name) in pages.iter().enumerate() {
            let value = &values[(round + more) % values.len()];
            let value = value.replace(':', "%3A").replace('/', "%2F");
            page.goto(&format!(
                "{origin}{name}?StudyInstanceUIDs={study}&{word}={value}"
            ))
            .unwrap();
            // The app stands there: it has read its address.
            page.wait_for("document.querySelector('#app')?.childElementCount > 0", 60)
                .unwrap();
        }
    }
    page.goto(&origin).unwrap();
    page.wait_for("!!window.sagitta", 60).unwrap();
    let open = format!("window.sagitta.open({{ studies: ['{study}'], source: '{there}' }})");
    let refused = page.rejection(&open).unwrap();
    assert!(refused["code"].is_string(), "{refused}");
    for path in [
        format!(
            "dicomweb/{}/studies",
            there.replace(':', "%3A").replace('/', "%2F")
        ),
        format!("dicomweb/{}/studies", there.replace("://", "")),
    ] {
        let status = page
            .eval(&format!("fetch('/{path}').then((it) => it.status)"))
            .unwrap();
        assert_eq!(status, 404, "{path}");
    }
    for asked in page.requests() {
        let asked = asked.trim_start_matches("blob:");
        assert!(
            asked.starts_with(origin.trim_end_matches('/')) || asked.starts_with("data:"),
            "{asked}"
        );
    }
    assert_eq!(canary.1.lock().unwrap().len(), 0, "{:?}", canary.1);
}

/// A server that would keep whatever it is sent.
fn hostile() -> (u16, Arc<Mutex<Vec<String>>>) {
    // What it answers with does not matter: it must not be asked.
    serve_relay(serve_page("{}".into()))
}
