//! What most tests start from: a gateway over some folder, a browser, and the app in it.

use sagitta_tests::{Backend, Browser, Gateway, Page, Problem, ProblemKind, TempFolder};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// Gateway, browser and page; they go in this order.
pub struct Stage {
    pub page: Page,
    pub browser: Browser,
    pub gateway: Gateway,
}

impl Stage {
    /// The app's list page over a folder, on a backend, its API ready.
    pub fn list(backend: Backend, folder: &Path) -> Self {
        let stage = Self::blank(backend, folder);
        stage.go("");
        stage
    }

    /// Nothing loaded yet, for tests that prepare the page.
    pub fn blank(backend: Backend, folder: &Path) -> Self {
        let gateway = Gateway::start(&[folder]).unwrap();
        gateway.wait_until_indexed(120).unwrap();
        let browser = Browser::launch(backend).unwrap();
        let page = browser.page().unwrap();
        page.set_viewport(1280, 800, 1.0, false).unwrap();
        Self {
            page,
            browser,
            gateway,
        }
    }

    /// Makes the page small: it is drawn in software, and some tests look only at small pictures or at what is read of planes.
    pub fn make_small(&self) {
        self.page.set_viewport(800, 440, 1.0, false).unwrap();
    }

    /// Goes to an address of the app and waits for the API.
    pub fn go(&self, path: &str) {
        let url = format!("{}{path}", self.gateway.url());
        self.page.goto(&url).unwrap();
        self.page.wait_for("!!window.sagitta", 60).unwrap();
    }

    /// UIDs that a query finds: those of `tag` in each answer.
    pub fn uids(&self, path: &str, tag: &str) -> Vec<String> {
        let answer = self.gateway.get(path).unwrap();
        let sets: Vec<Value> = serde_json::from_slice(&answer.body).unwrap();
        sets.iter()
            .map(|set| set[tag]["Value"][0].as_str().unwrap().to_owned())
            .collect()
    }

    /// The only study.
    pub fn study(&self) -> String {
        self.uids("/dicomweb/studies", "0020000D").remove(0)
    }

    /// Series of a study with this description.
    pub fn series(&self, study: &str, description: &str) -> String {
        let answer = self
            .gateway
            .get(&format!("/dicomweb/studies/{study}/series"))
            .unwrap();
        let sets: Vec<Value> = serde_json::from_slice(&answer.body).unwrap();
        let found = sets
            .iter()
            .find(|set| set["0008103E"]["Value"][0].as_str() == Some(description));
        found.unwrap_or_else(|| panic!("no series {description}"))["0020000E"]["Value"][0]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Metadata of a series.
    pub fn metadata(&self, study: &str, series: &str) -> Vec<Value> {
        let path = format!("/dicomweb/studies/{study}/series/{series}/metadata");
        serde_json::from_slice(&self.gateway.get(&path).unwrap().body).unwrap()
    }

    /// Opens a series and waits until its first frame stands on screen.
    pub fn open(&self, study: &str, series: &str) {
        self.eval(&format!(
            "window.sagitta.open({{ studies: ['{study}'], series: '{series}' }})"
        ));
    }

    /// Runs a script and gives its value.
    pub fn eval(&self, script: &str) -> Value {
        self.page.eval(script).unwrap()
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

/// A CT of a made-up patient: `slices` of `side` x `side`.
pub fn ct_folder(side: u16, slices: usize) -> TempFolder {
    ct_folder_as(side, slices, phantom::dicom::Encoding::ExplicitLittle)
}

/// As [`ct_folder`], stored in another way.
pub fn ct_folder_as(side: u16, slices: usize, encoding: phantom::dicom::Encoding) -> TempFolder {
    made_ct(5, side, slices, encoding)
}

/// As [`ct_folder`], of another patient for another seed.
pub fn ct_folder_of(seed: u64, side: u16, slices: usize) -> TempFolder {
    made_ct(seed, side, slices, phantom::dicom::Encoding::ExplicitLittle)
}

fn made_ct(seed: u64, side: u16, slices: usize, encoding: phantom::dicom::Encoding) -> TempFolder {
    use phantom::{Kernel, Scan, dicom};
    let folder = TempFolder::new("ct").unwrap();
    let scan = Scan {
        place: dicom::Place {
            seed,
            study: dicom::Study {
                patient: dicom::Patient {
                    name: "Test^Ct",
                    id: "EX-CT",
                    birth_date: "19700101",
                    sex: "F",
                },
                accession: "A1",
                date: "20260101",
                time: "080000",
                description: "CT for tests",
            },
            series: dicom::Series {
                modality: "CT",
                number: 1,
                description: "CT for tests",
                body_part: "CHEST",
                model: "Phantom",
            },
        },
        anatomy: Arc::new(phantom::ct::Anatomy::new(seed)),
        kernel: Kernel::Soft,
        side,
        spacing_mm: 400.0 / f64::from(side),
        top_mm: 100.0,
        step_mm: 4.0,
        slices,
        contrast: None,
    };
    for index in 0..slices {
        let file = scan.file(index, encoding).unwrap();
        folder.write(&format!("{index}.dcm"), &file).unwrap();
    }
    folder
}
