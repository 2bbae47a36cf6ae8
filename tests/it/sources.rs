//! A real Orthanc as a source of the gateway: lists, images and values are its own, with and without a login.

use crate::guest_stage::WORD;
use phantom::dicom::Encoding;
use sagitta_tests::{
    Backend, Browser, Gateway, Orthanc, Page, ProblemKind, TempFolder, run_program,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Frames of the three made-up studies: name of the file, how many bytes a frame has, how many there are.
const KINDS: [(&str, usize, usize); 3] = [
    ("ct/0.dcm", 128 * 128 * 2, 1),
    ("dx.dcm", 352 * 428 * 2, 1),
    ("us.dcm", 192 * 144 * 3, 4),
];

/// Gateway and Orthanc; they go in this order.
struct Pair {
    gateway: Gateway,
    orthanc: Orthanc,
    folder: TempFolder,
    /// What was stored, as files.
    files: Vec<(String, Vec<u8>)>,
}

impl Pair {
    fn start(login: &str) -> Self {
        let orthanc = Orthanc::start().unwrap();
        let files = phantom::three(7, Encoding::ExplicitLittle).unwrap();
        for (_, file) in &files {
            orthanc.store(file).unwrap();
        }
        let folder = TempFolder::new("sources").unwrap();
        let key = folder.write("audit.key", &[7; 32]).unwrap();
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let config = format!(
            "{login}[[source]]\nid = \"orthanc\"\nlabel = \"North hospital\"\n\
             dicomweb = \"http://127.0.0.1:{}/dicom-web\"\n",
            orthanc.port()
        );
        let config = folder.write("gateway.toml", config.as_bytes()).unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let gateway =
            Gateway::start_with(&[&data], &["--config", config.to_str().unwrap()]).unwrap();
        gateway.wait_until_indexed(60).unwrap();
        Self {
            gateway,
            orthanc,
            folder,
            files,
        }
    }

    /// What Orthanc's own interface says of all that it has of a level.
    fn own(&self, level: &str) -> Vec<Value> {
        let answer = self.orthanc.get(&format!("/{level}?expand")).unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    fn json(&self, path: &str, cookie: Option<&str>) -> Value {
        let headers: Vec<(&str, &str)> = cookie.map(|it| ("cookie", it)).into_iter().collect();
        let answer = self.gateway.request("GET", path, &headers).unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Lists and frames through the gateway are what Orthanc says of itself, and what was stored.
    fn expect_own(&self, cookie: Option<&str>) {
        let text =
            |set: &Value, tag: &str| set[tag]["Value"][0].as_str().unwrap_or_default().to_owned();
        let named = |set: &Value| {
            let name = set["00100010"]["Value"][0]["Alphabetic"].as_str();
            [
                text(set, "0020000D"),
                name.unwrap_or_default().to_owned(),
                text(set, "00100020"),
                text(set, "00080050"),
                text(set, "00081030"),
            ]
        };
        let ours = self.json("/dicomweb/orthanc/studies?includefield=00081030", cookie);
        let ours: BTreeSet<[String; 5]> = ours.as_array().unwrap().iter().map(named).collect();
        let own = self.own("studies");
        let said = |study: &Value, part: &str, name: &str| {
            study[part][name].as_str().unwrap_or_default().to_owned()
        };
        let theirs: BTreeSet<[String; 5]> = own
            .iter()
            .map(|study| {
                [
                    said(study, "MainDicomTags", "StudyInstanceUID"),
                    said(study, "PatientMainDicomTags", "PatientName"),
                    said(study, "PatientMainDicomTags", "PatientID"),
                    said(study, "MainDicomTags", "AccessionNumber"),
                    said(study, "MainDicomTags", "StudyDescription"),
                ]
            })
            .collect();
        assert_eq!(theirs.len(), 3);
        assert_eq!(ours, theirs);
        // Every instance, by its own address; frames are the last bytes of the file that was stored.
        let mut frames = 0;
        for (name, file) in &self.files {
            let Some((_, length, count)) = KINDS.iter().find(|(kind, ..)| kind == name) else {
                continue;
            };
            let stored = dicom_object::from_reader(&file[..]).unwrap();
            let uid = |tag| {
                let element = stored.element(tag).unwrap();
                element.to_str().unwrap().trim_end_matches('\0').to_owned()
            };
            use dicom_dictionary_std::tags;
            let path = format!(
                "/dicomweb/orthanc/studies/{}/series/{}/instances/{}",
                uid(tags::STUDY_INSTANCE_UID),
                uid(tags::SERIES_INSTANCE_UID),
                uid(tags::SOP_INSTANCE_UID)
            );
            let sets = self.json(&format!("{path}/metadata"), cookie);
            assert_eq!(sets.as_array().unwrap().len(), 1);
            assert_eq!(text(&sets[0], "00080018"), uid(tags::SOP_INSTANCE_UID));
            assert!(!sets.to_string().contains("/dicom-web/"), "{sets}");
            for number in 1..=*count {
                let mut headers = vec![(
                    "accept",
                    "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1",
                )];
                headers.extend(cookie.map(|it| ("cookie", it)));
                let frame = format!("{path}/frames/{number}");
                let answer = self.gateway.request("GET", &frame, &headers).unwrap();
                assert_eq!(answer.status, 200, "{frame}: {}", answer.text());
                let at = file.len() - length * (count + 1 - number);
                let wanted = &file[at..at + length];
                let is_there = answer.body.windows(*length).any(|part| part == wanted);
                assert!(is_there, "{name} frame {number} differs");
                frames += 1;
            }
        }
        assert_eq!(frames, 6);
    }
}

/// Opens each study in the app and waits until all its frames stand there.
fn look_at_all(page: &Page, pair: &Pair) {
    for study in pair.own("studies") {
        let uid = study["MainDicomTags"]["StudyInstanceUID"].as_str().unwrap();
        page.eval(&format!(
            "window.sagitta.open({{ studies: ['{uid}'], source: 'orthanc' }}).then(() => window.sagitta.complete())"
        ))
        .unwrap();
        let stats = page.eval("window.sagitta.stats()").unwrap();
        assert_eq!(stats["frames_failed"], 0, "{uid}: {stats}");
        let slices = page.eval("window.sagitta.viewports()[0].slices").unwrap();
        assert_eq!(stats["frames_loaded"], slices, "{uid}: {stats}");
        let banner = page
            .eval("document.querySelector('.patient').textContent")
            .unwrap();
        // As Orthanc has it: family and given name.
        let name = study["PatientMainDicomTags"]["PatientName"]
            .as_str()
            .unwrap();
        for part in name.split('^').filter(|part| !part.is_empty()) {
            assert!(banner.as_str().unwrap().contains(part), "{part}: {banner}");
        }
        let picture = "document.querySelector('.rail .thumb img')?.naturalWidth > 0";
        page.wait_for(picture, 30).unwrap();
    }
    let problems = page.problems();
    let mut others = problems.iter().filter(|it| it.kind != ProblemKind::Network);
    assert!(others.next().is_none(), "{problems:?}");
}

#[test]
fn an_orthanc_is_a_source_whose_studies_are_listed_and_opened_as_it_has_them() {
    let pair = Pair::start("");
    pair.expect_own(None);
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.goto(&pair.gateway.url()).unwrap();
    page.wait_for("!!document.querySelector('select.source')", 60)
        .unwrap();
    // Chosen by its name; each row is one of its studies.
    page.eval(
        "(() => { const field = document.querySelector('select.source');
           field.selectedIndex = [...field.options].findIndex((it) => it.textContent === 'North hospital');
           field.dispatchEvent(new Event('change', { bubbles: true })); })()",
    )
    .unwrap();
    page.wait_for(
        "document.querySelectorAll('tbody tr[aria-selected]').length === 3",
        30,
    )
    .unwrap();
    for study in pair.own("studies") {
        let number = study["MainDicomTags"]["AccessionNumber"].as_str().unwrap();
        let row = format!(
            "[...document.querySelectorAll('tbody tr[aria-selected]')].some((it) => it.textContent.includes({}))",
            json!(number)
        );
        page.wait_for(&row, 20).unwrap();
    }
    look_at_all(&page, &pair);
    // What lies here does not: the two are told apart.
    assert_eq!(pair.json("/dicomweb/studies", None), json!([]));
}

#[test]
fn t12_an_orthanc_is_seen_by_those_whose_hospital_it_is() {
    let pair = Pair::start(
        "[auth.local]\nsecond_factor = \"optional\"\n[audit]\nchain_key_file = \"audit.key\"\n",
    );
    let config = pair.folder.path().join("gateway.toml");
    let log_in = |name: &str| {
        let add = ["user", "add", name, "--role", "radiologist", "--config"];
        let said = run_program(&[&add[..], &[config.to_str().unwrap()]].concat()).unwrap();
        let code = said.trim().rsplit(' ').next().unwrap().to_owned();
        let form = format!(
            "name={name}&code={code}&password={}",
            WORD.replace(' ', "+")
        );
        let kind = "application/x-www-form-urlencoded";
        let answer = pair.gateway.post("/auth/first", kind, &[], &form).unwrap();
        let set = answer.header("set-cookie").unwrap();
        set.split(';').next().unwrap().to_owned()
    };
    let (own, other) = (log_in("own"), log_in("other"));
    let users = rusqlite::Connection::open(pair.folder.path().join("users.db")).unwrap();
    users
        .busy_timeout(std::time::Duration::from_secs(20))
        .unwrap();
    let changed = users
        .execute(
            "UPDATE user SET sites = '[\"local\",\"orthanc\"]' WHERE name = 'own'",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    pair.expect_own(Some(&own));
    assert_eq!(
        pair.json("/dicomweb/orthanc/studies", Some(&other)),
        json!([])
    );
    let study = &pair.own("studies")[0];
    let study = study["MainDicomTags"]["StudyInstanceUID"].as_str().unwrap();
    for (cookie, status) in [(Some(&own), 200), (Some(&other), 404), (None, 401)] {
        let headers: Vec<(&str, &str)> = cookie
            .map(|it| ("cookie", it.as_str()))
            .into_iter()
            .collect();
        let path = format!("/dicomweb/orthanc/studies/{study}/metadata");
        let answer = pair.gateway.request("GET", &path, &headers).unwrap();
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    // In the app, with the cookie of whoever may.
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let (name, value) = own.split_once('=').unwrap();
    let set = json!({ "name": name, "value": value, "url": pair.gateway.url(), "path": "/", "secure": true, "httpOnly": true, "sameSite": "Lax" });
    page.call("Network.setCookie", set).unwrap();
    page.goto(&pair.gateway.url()).unwrap();
    page.wait_for("!!window.sagitta", 60).unwrap();
    look_at_all(&page, &pair);
    // Each reading is on record with the source's id.
    let record = std::fs::read_to_string(pair.folder.path().join("audit.jsonl")).unwrap();
    assert!(record.contains("\"orthanc\""), "{record}");
}
