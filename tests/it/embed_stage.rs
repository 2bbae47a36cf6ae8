//! What tests of the frame start from: a gateway that an EHR may launch, pages of two sites around it, thirty calls.

use crate::hosting::serve_page;
use crate::made::Made;
use sagitta_tests::{Gateway, Page, TempFolder, run_program};
use serde_json::{Value, json};
use std::path::Path;

const SECRET: &str = "an example secret of the EHR's server 0123456789";
const USER: &str = "ada";

/// A page of an EHR: what its query says goes into the element.
pub const EHR: &str = "<!doctype html><title>An EHR</title><body><script type=module>
    const query = new URLSearchParams(location.search);
    const gateway = query.get('gateway');
    await import(gateway + 'embed.js');
    const element = window.element = document.createElement('sagitta-viewer');
    element.style.cssText = 'display: block; width: 800px; height: 500px';
    for (const [name, value] of query) if (name !== 'gateway') element.setAttribute(name, value);
    element.setAttribute('src', gateway);
    document.body.append(element);
    window.told = [];
    window.element.addEventListener('error', (event) => window.told.push(['error', event.detail.code]));
    window.api = element.viewer(1, { timeout: Number(query.get('patience') ?? 60000) });
    window.api.then((viewer) => {
      window.viewer = viewer;
      for (const name of ['firstimage', 'idle', 'sessionexpiring', 'login', 'logout'])
        viewer.on(name, (detail) => window.told.push([name, detail]));
    }, (error) => { window.refused = error.code; });
    </script>";

/// A page of an EHR has its viewer, or was refused one.
pub const SETTLED: &str = "!!window.viewer || !!window.refused";

/// Gateway with login, an EHR that may launch it, and pages of two other sites that may frame it.
pub struct Scene {
    pub gateway: Gateway,
    pub ports: [u16; 2],
    folder: TempFolder,
    /// By which its user sets a password.
    code: String,
}

const JSON: (&str, &str) = ("content-type", "application/json");

/// Two studies of two patients, whose images have one grey each.
pub fn patients() -> [Made; 2] {
    [(1, "Alpha^Ann", 60), (2, "Beta^Bob", 200)].map(|(study, name, grey)| Made {
        name: name.into(),
        grey: Some(grey),
        ..Made::of_study(study)
    })
}

impl Scene {
    pub fn new(idle: &str) -> Self {
        Self::with(idle, "")
    }

    /// The same with more in its configuration.
    pub fn with(idle: &str, more: &str) -> Self {
        let folder = TempFolder::new("embed").unwrap();
        for made in patients() {
            for instance in 1..=4 {
                let made = Made {
                    instance,
                    ..made.clone()
                };
                let name = format!("data/{}-{instance}.dcm", made.study);
                folder.write(&name, &made.bytes()).unwrap();
            }
        }
        let ports = [serve_page(EHR.into()), serve_page(EHR.into())];
        for (name, bytes) in [
            ("audit.key", [7; 48].as_slice()),
            ("ehr.secret", SECRET.as_bytes()),
        ] {
            let path = folder.write(name, bytes).unwrap();
            close(&path);
        }
        let [a, b] = ports;
        let config = format!(
            "[auth.local]\nsecond_factor = \"optional\"\nidle = \"{idle}\"\n\
             [audit]\nchain_key_file = \"audit.key\"\n\
             [embed]\nallowed_parents = [\"http://a.localhost:{a}\", \"http://b.localhost:{b}\"]\n\
             [[launch_client]]\nid = \"ehr\"\nsecret_file = \"ehr.secret\"\n{more}"
        );
        let config = folder.write("gateway.toml", config.as_bytes()).unwrap();
        let config = config.to_str().unwrap();
        let said = run_program(&[
            "user",
            "add",
            USER,
            "--role",
            "radiologist",
            "--config",
            config,
        ])
        .unwrap();
        let code = said.trim().rsplit(' ').next().unwrap().to_owned();
        let data = folder.path().join("data");
        let gateway = Gateway::start_with(&[&data], &["--config", config]).unwrap();
        gateway.wait_until_indexed(60).unwrap();
        Self {
            gateway,
            ports,
            folder,
            code,
        }
    }

    /// The cookie of its user, who logs in for the first time.
    pub fn log_in(&self) -> String {
        let body = format!(
            "name={USER}&code={}&password=correct+horse+battery",
            self.code
        );
        let form = ("content-type", "application/x-www-form-urlencoded");
        let headers = [form, ("sec-fetch-site", "same-origin")];
        let answer = self.gateway.send("/auth/first", &headers, &body).unwrap();
        let set = answer.header("set-cookie").unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    /// A ticket for all that its user may see.
    pub fn own_ticket(&self) -> String {
        let cookie = self.log_in();
        let headers = [
            JSON,
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("x-sagitta", "1"),
        ];
        let answer = self
            .gateway
            .send("/api/launch/own", &headers, "{}")
            .unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["ticket"].as_str().unwrap().to_owned()
    }

    /// A ticket for what a launch names.
    pub fn ticket(&self, what: &Value) -> String {
        let mut body = json!({ "user": USER });
        for (key, value) in what.as_object().unwrap() {
            body[key] = value.clone();
        }
        let bearer = format!("Bearer {SECRET}");
        let headers = [("authorization", bearer.as_str()), JSON];
        let answer = self
            .gateway
            .send("/api/launch", &headers, &body.to_string());
        let answer = answer.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["ticket"].as_str().unwrap().to_owned()
    }

    /// The page of one of the sites, its element with these attributes.
    pub fn address(&self, site: usize, attributes: &[(&str, &str)]) -> String {
        let host = ["a.localhost", "b.localhost"][site];
        let more: String = attributes
            .iter()
            .map(|(name, value)| format!("&{name}={value}"))
            .collect();
        format!(
            "http://{host}:{}/?gateway=http://127.0.0.1:{}/{more}",
            self.ports[site],
            self.gateway.port()
        )
    }

    /// Goes to the page of one of the sites and waits until its viewer answers, or is refused.
    pub fn go(&self, page: &Page, site: usize, attributes: &[(&str, &str)]) {
        page.goto(&self.address(site, attributes)).unwrap();
        page.wait_for(SETTLED, 90).unwrap();
    }

    pub fn record(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap()
    }
}

fn close(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Thirty calls: a script that gives what each gives, or the code by which it fails.
pub fn thirty_calls() -> String {
    let [one, _] = patients();
    let (study, series) = (one.study_uid(), one.series_uid());
    format!(
        "(async () => {{
          const study = '{study}', series = '{series}', instance = series + '.2', all = [];
          const call = async (name, ...args) => {{
            try {{ all.push([name, await window.viewer[name](...args) ?? null]); }}
            catch (error) {{ all.push([name, error.code]); }} }};
          await call('open', {{ studies: [study] }});
          await call('viewports');
          await call('stats');
          await call('complete');
          await call('setSlice', 0, 2);
          await call('viewports');
          await call('setWindow', 0, {{ center: 100, width: 50 }});
          await call('setWindow', 0, {{ center: 128, width: 256 }});
          await call('setView', 0, {{ zoom: 2, rotation: 90 }});
          await call('probe', 0, 400, 200);
          await call('pixels', instance, 1);
          await call('capture', 0);
          await call('setLayout', '1x2');
          await call('viewports');
          await call('setLayout', '1x1');
          await call('open', {{ accession: 'ACC0001' }});
          await call('open', {{ patient: 'EX-0001', series }});
          await call('open', {{ studies: [study], series, instance, frame: 1 }});
          await call('viewports');
          await call('complete', series);
          await call('setAppearance', {{ theme: 'light', locale: 'de' }});
          await call('open', {{ accession: 'none' }});
          await call('open', {{ patient: 'EX-*' }});
          await call('setLayout', '3d');
          await call('setSlice', 0, -1);
          await call('setTime', 0, 1);
          await call('signIn', 'no ticket');
          await call('open', {{ studies: [study] }});
          await call('pixels', instance, 1, study, series);
          await call('close');
          for (const it of all) {{
            if (it[1]?.data) it[1] = [it[1].rows, it[1].columns, it[1].data[0], it[1].data.length];
            if (it[1] instanceof Blob) it[1] = it[1].type; }}
          return all; }})()"
    )
}

/// Checks what the thirty gave.
pub fn expect_thirty(all: &Value) {
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 30);
    let said = |index: usize| &all[index][1];
    let [one, _] = patients();
    for index in [0, 3, 4, 6, 7, 8, 12, 14, 15, 16, 17, 19, 20, 27, 29] {
        assert_eq!(said(index), &Value::Null, "{index}: {}", all[index]);
    }
    let shown = |index: usize| said(index)[0].clone();
    assert_eq!(shown(1)["study"], one.study_uid());
    assert_eq!(
        (&shown(1)["state"], &shown(1)["slices"]),
        (&json!("final"), &json!(4))
    );
    assert_eq!(said(2)["frames_failed"], 0);
    assert_eq!(shown(5)["slice"], 2);
    assert_eq!(
        (&said(9)["stored"], &said(9)["value"]),
        (&json!(60), &json!(60))
    );
    for index in [10, 28] {
        assert_eq!(said(index), &json!([8, 8, 60, 64]));
    }
    assert_eq!(said(11), "image/png");
    assert_eq!(said(13).as_array().unwrap().len(), 2);
    assert_eq!(shown(18)["instance"], format!("{}.2", one.series_uid()));
    for (index, code) in [
        (21, "study_unknown"),
        (22, "bad_argument"),
        (23, "unsupported"),
        (24, "bad_argument"),
        (25, "no_viewport"),
        (26, "ticket_refused"),
    ] {
        assert_eq!(said(index), code, "{index}");
    }
}
