//! What tests of shared links start from: a gateway with login, a radiologist who shares, and a phone.

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject, open_file};
use sagitta_tests::{
    Backend, Browser, Gateway, Page, Problem, ProblemKind, TempFolder, run_program,
};
use serde_json::{Value, json};

use crate::stage::ct_folder;

/// Bytes of a document that every reader of such files takes.
pub const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";
/// What the report says.
pub const FINDING: &str = "Nodule in the right hilum. <b>No</b> effusion.";

/// Gateway and browser; they go in this order.
pub struct Shared {
    pub page: Page,
    pub browser: Browser,
    pub gateway: Gateway,
    pub study: String,
    /// The session of whoever shares.
    pub cookie: String,
    login: TempFolder,
    _files: TempFolder,
}

/// A link that was made.
pub struct Made {
    pub url: String,
    pub id: String,
    pub secret: String,
    pub pin: Option<String>,
}

fn put(set: &mut InMemDicomObject, tag: Tag, vr: VR, text: &str) {
    set.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
}

fn items(set: &mut InMemDicomObject, tag: Tag, items: Vec<InMemDicomObject>) {
    let value = dicom_core::value::DataSetSequence::from(items);
    set.put(DataElement::new(tag, VR::SQ, value));
}

/// A coded entry that means something.
fn code(meaning: &str) -> InMemDicomObject {
    let mut set = InMemDicomObject::new_empty();
    put(&mut set, tags::CODE_VALUE, VR::SH, "121000");
    put(&mut set, tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM");
    put(&mut set, tags::CODE_MEANING, VR::LO, meaning);
    set
}

/// A content item with a name.
fn item(kind: &str, name: &str) -> InMemDicomObject {
    let mut set = InMemDicomObject::new_empty();
    put(&mut set, tags::RELATIONSHIP_TYPE, VR::CS, "CONTAINS");
    put(&mut set, tags::VALUE_TYPE, VR::CS, kind);
    items(&mut set, tags::CONCEPT_NAME_CODE_SEQUENCE, vec![code(name)]);
    set
}

/// A CT of 25 images, a second series of 3, a report and a document: one study.
fn files() -> (TempFolder, String) {
    let folder = ct_folder(64, 25);
    let first = open_file(folder.path().join("0.dcm")).unwrap();
    let study = text(&first, tags::STUDY_INSTANCE_UID);
    for index in 0..3 {
        let mut second = open_file(folder.path().join(format!("{index}.dcm"))).unwrap();
        put(
            &mut second,
            tags::SERIES_INSTANCE_UID,
            VR::UI,
            "1.2.826.0.1.3680043.10.7.2",
        );
        put(&mut second, tags::SERIES_NUMBER, VR::IS, "2");
        put(
            &mut second,
            tags::SERIES_DESCRIPTION,
            VR::LO,
            "Second series",
        );
        let uid = format!("1.2.826.0.1.3680043.10.7.2.{index}");
        put(&mut second, tags::SOP_INSTANCE_UID, VR::UI, &uid);
        second.meta_mut().media_storage_sop_instance_uid = uid;
        second
            .write_to_file(folder.path().join(format!("second-{index}.dcm")))
            .unwrap();
    }
    let mut finding = item("TEXT", "Finding");
    put(&mut finding, tags::TEXT_VALUE, VR::UT, FINDING);
    let mut findings = item("CONTAINER", "Findings");
    items(&mut findings, tags::CONTENT_SEQUENCE, vec![finding]);
    let mut report = document(&first, "SR", "1.2.840.10008.5.1.4.1.1.88.11", 8);
    put(&mut report, tags::VALUE_TYPE, VR::CS, "CONTAINER");
    put(&mut report, tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED");
    items(
        &mut report,
        tags::CONCEPT_NAME_CODE_SEQUENCE,
        vec![code("Radiology Report")],
    );
    items(&mut report, tags::CONTENT_SEQUENCE, vec![findings]);
    write(&folder, "report.dcm", report);
    let mut pdf = document(&first, "DOC", "1.2.840.10008.5.1.4.1.1.104.1", 9);
    put(
        &mut pdf,
        tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT,
        VR::LO,
        "application/pdf",
    );
    let bytes = PrimitiveValue::U8(PDF.iter().copied().collect());
    pdf.put(DataElement::new(tags::ENCAPSULATED_DOCUMENT, VR::OB, bytes));
    write(&folder, "pdf.dcm", pdf);
    (folder, study)
}

/// The same study of a patient of this name.
pub fn files_of(name: &str) -> (TempFolder, String) {
    let (folder, study) = files();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let mut file = open_file(&path).unwrap();
        put(&mut file, tags::PATIENT_NAME, VR::PN, name);
        file.write_to_file(&path).unwrap();
    }
    (folder, study)
}

fn text(set: &InMemDicomObject, tag: Tag) -> String {
    let element = set.element(tag).unwrap();
    element.to_str().unwrap().trim_end_matches('\0').to_owned()
}

/// An object without pixels, of the study and patient of another.
fn document(of: &InMemDicomObject, modality: &str, class: &str, series: u32) -> InMemDicomObject {
    let mut set = InMemDicomObject::new_empty();
    for tag in [
        tags::STUDY_INSTANCE_UID,
        tags::PATIENT_NAME,
        tags::PATIENT_ID,
        tags::STUDY_DATE,
        tags::STUDY_DESCRIPTION,
    ] {
        set.put(of.element(tag).unwrap().clone());
    }
    put(&mut set, tags::MODALITY, VR::CS, modality);
    put(&mut set, tags::SOP_CLASS_UID, VR::UI, class);
    let uid = format!("1.2.826.0.1.3680043.10.7.{series}");
    put(&mut set, tags::SERIES_INSTANCE_UID, VR::UI, &uid);
    put(&mut set, tags::SERIES_NUMBER, VR::IS, &series.to_string());
    put(
        &mut set,
        tags::SOP_INSTANCE_UID,
        VR::UI,
        &format!("{uid}.1"),
    );
    set
}

fn write(folder: &TempFolder, name: &str, set: InMemDicomObject) {
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax("1.2.840.10008.1.2.1")
        .media_storage_sop_class_uid(text(&set, tags::SOP_CLASS_UID))
        .media_storage_sop_instance_uid(text(&set, tags::SOP_INSTANCE_UID));
    let file = set.with_meta(meta).unwrap();
    file.write_to_file(folder.path().join(name)).unwrap();
}

/// The password of whoever shares.
pub const WORD: &str = "correct horse battery";

impl Shared {
    /// A gateway with a study, whose radiologist is logged in, and a phone held upright.
    pub fn new() -> Self {
        Self::over(files(), "")
    }

    /// The same over other files, with more lines of what configures the login.
    pub fn over((files, study): (TempFolder, String), more: &str) -> Self {
        let login = TempFolder::new("login").unwrap();
        let key = login.write("audit.key", &[7; 32]).unwrap();
        private(&key);
        let config = format!(
            "[auth.local]\nsecond_factor = \"optional\"\n{more}[audit]\nchain_key_file = \"audit.key\"\n"
        );
        let config = login.write("gateway.toml", config.as_bytes()).unwrap();
        let config = config.to_str().unwrap();
        let gateway = Gateway::start_with(&[files.path()], &["--config", config]).unwrap();
        gateway.wait_until_indexed(120).unwrap();
        let added = [
            "user",
            "add",
            "reader",
            "--role",
            "radiologist",
            "--shown",
            "Dr A. Reader",
            "--config",
            config,
        ];
        let said = run_program(&added).unwrap();
        let code = said.trim().rsplit(' ').next().unwrap();
        let form = format!(
            "name=reader&code={code}&password={}",
            WORD.replace(' ', "+")
        );
        let answer = gateway
            .post(
                "/auth/first",
                "application/x-www-form-urlencoded",
                &[],
                &form,
            )
            .unwrap();
        assert_eq!(answer.status, 303, "{}", answer.text());
        let cookie = answer.header("set-cookie").unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let browser = Browser::launch(Backend::WebGl2).unwrap();
        let page = phone(&browser);
        Self {
            page,
            browser,
            gateway,
            study,
            cookie,
            login,
            _files: files,
        }
    }

    /// Makes a link to the study.
    pub fn share(&self, more: &Value) -> Made {
        let mut wanted = json!({ "study": self.study, "days": 7 });
        for (key, value) in more.as_object().unwrap() {
            wanted[key] = value.clone();
        }
        let cookie = [("cookie", self.cookie.as_str())];
        let answer = self
            .gateway
            .post(
                "/api/shares",
                "application/json",
                &cookie,
                &wanted.to_string(),
            )
            .unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let made: Value = serde_json::from_slice(&answer.body).unwrap();
        let path = made["path"].as_str().unwrap();
        Made {
            url: format!("{}{path}", self.gateway.url()),
            id: made["id"].as_str().unwrap().to_owned(),
            secret: path.rsplit('.').next().unwrap().to_owned(),
            pin: made["pin"].as_str().map(str::to_owned),
        }
    }

    /// Changes what is kept of a link, as time or wrong PINs would.
    pub fn alter(&self, made: &Made, what: &str) {
        let users = rusqlite::Connection::open(self.login.path().join("users.db")).unwrap();
        users
            .busy_timeout(std::time::Duration::from_secs(20))
            .unwrap();
        let changed = users
            .execute(
                &format!("UPDATE share SET {what} WHERE id = ?1"),
                [&made.id],
            )
            .unwrap();
        assert_eq!(changed, 1);
    }

    /// Gives whoever shares another name to be shown by.
    pub fn rename_reader(&self, shown: &str) {
        let users = rusqlite::Connection::open(self.login.path().join("users.db")).unwrap();
        users
            .busy_timeout(std::time::Duration::from_secs(20))
            .unwrap();
        let set = "UPDATE user SET shown = ?1 WHERE name = 'reader'";
        assert_eq!(users.execute(set, [shown]).unwrap(), 1);
    }

    /// Takes a link back, as whoever made it does.
    pub fn revoke(&self, made: &Made) {
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("x-sagitta", "1"),
        ];
        let path = format!("/api/shares/{}", made.id);
        let answer = self.gateway.request("DELETE", &path, &headers).unwrap();
        assert_eq!(answer.status, 204);
    }

    /// The gateway's configuration.
    pub fn config(&self) -> std::path::PathBuf {
        self.login.path().join("gateway.toml")
    }

    /// The audit record.
    pub fn record(&self) -> String {
        std::fs::read_to_string(self.login.path().join("audit.jsonl")).unwrap()
    }

    /// Opens the page behind a link and waits until it says something.
    pub fn open_page(&self, url: &str) {
        self.page.goto("about:blank").unwrap();
        self.page.goto(url).unwrap();
        self.page
            .wait_for("document.body.dataset.state", 30)
            .unwrap();
    }

    /// Touches an element.
    pub fn tap(&self, selector: &str) {
        let (x, y) = self.page.center_of(selector).unwrap();
        self.page.tap(x, y).unwrap();
    }

    /// Opens a link that has no PIN and waits for the first image.
    pub fn open(&self, made: &Made) {
        self.open_page(&made.url);
        self.tap("#open");
        self.wait_for_image();
    }

    /// Waits until an image of a stack stands on screen.
    pub fn wait_for_image(&self) {
        let script = "location.pathname === '/shared' && !!document.querySelector('.vp.shows') && !!document.querySelector('.cnt')";
        self.page.wait_for(script, 90).unwrap();
    }

    /// Runs a script and gives its value.
    pub fn eval(&self, script: &str) -> Value {
        self.page.eval(script).unwrap()
    }

    /// What an element says.
    pub fn words(&self, selector: &str) -> String {
        let script = format!("document.querySelector('{selector}')?.textContent ?? ''");
        self.eval(&script).as_str().unwrap().to_owned()
    }

    /// Fails when the page had any problem but failed requests.
    pub fn expect_no_problems(&self) {
        let problems: Vec<Problem> = self
            .page
            .problems()
            .into_iter()
            .filter(|problem| problem.kind != ProblemKind::Network)
            .collect();
        assert!(problems.is_empty(), "{problems:?}");
    }
}

/// A page of a phone that is held upright.
pub fn phone(browser: &Browser) -> Page {
    let page = browser.page().unwrap();
    page.set_viewport(390, 844, 2.0, true).unwrap();
    page
}

#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) {}
