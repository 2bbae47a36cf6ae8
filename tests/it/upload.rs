//! Upload in the study list: files, folders and archives are stored, and of what is not it is said why.

use crate::made::Made;
use crate::shown::wait_until_is;
use crate::stage::Stage;
use crate::zip::Zip;
use sagitta_tests::{Backend, Gateway, Page, TempFolder};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Patient IDs of the rows in the page.
const IDS: &str =
    "[...document.querySelectorAll('tbody tr[aria-selected] .c-id')].map((it) => it.textContent)";
/// The panel has said how it ended.
const IS_OVER: &str = "document.querySelector('#upload-title')?.textContent === 'Upload'";
/// What the live region says.
const SAID: &str = "document.querySelector('#upload [role=status]').textContent";

/// The app over a data folder, with a folder that takes what is stored.
struct House {
    stage: Stage,
    data: TempFolder,
    store: TempFolder,
    files: TempFolder,
}

impl House {
    fn new(made: &[Made]) -> Self {
        let data = TempFolder::new("upload-data").unwrap();
        let store = TempFolder::new("upload-store").unwrap();
        for (place, made) in made.iter().enumerate() {
            data.write(&format!("{place}.dcm"), &made.bytes()).unwrap();
        }
        let browser = sagitta_tests::Browser::launch(Backend::Cpu).unwrap();
        let page = browser.page().unwrap();
        page.set_viewport(1920, 1080, 1.0, false).unwrap();
        let more = ["--store", store.path().to_str().unwrap()];
        let gateway = Gateway::start_with(&[data.path()], &more).unwrap();
        gateway.wait_until_indexed(60).unwrap();
        let stage = Stage {
            page,
            browser,
            gateway,
        };
        stage.go("");
        stage
            .page
            .wait_for("!!document.querySelector('#list-upload')", 30)
            .unwrap();
        Self {
            stage,
            data,
            store,
            files: TempFolder::new("upload-files").unwrap(),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        self.files.write(name, bytes).unwrap()
    }

    /// Waits until everything is settled and gives what the live region says.
    fn ended(&self) -> String {
        self.stage.page.wait_for(IS_OVER, 60).unwrap();
        self.stage.eval(SAID).as_str().unwrap().to_owned()
    }

    /// Names of files that were not taken, and why.
    fn refused(&self) -> Vec<(String, String)> {
        let press = "(() => { const it = document.querySelector('[aria-controls=upload-names]');
            if (it.ariaExpanded !== 'true') it.click(); })()";
        self.stage.eval(press);
        let all = self.stage.eval(
            "[...document.querySelectorAll('#upload-names li')].map((it) => [it.firstChild.textContent, it.querySelector('span').textContent])",
        );
        let mut all: Vec<(String, String)> = serde_json::from_value(all).unwrap();
        all.sort();
        all
    }

    /// How often something was sent to be stored.
    fn posts(&self) -> usize {
        let log = self.stage.page.requests();
        log.iter().filter(|url| url.ends_with("/studies")).count()
    }
}

/// Drags files and folders over the list and drops them.
fn drop_on(page: &Page, files: &[&Path]) {
    let data = json!({ "items": [], "files": files, "dragOperationsMask": 1 });
    for kind in ["dragEnter", "dragOver", "drop"] {
        let event = json!({ "type": kind, "x": 500, "y": 400, "data": data });
        page.call("Input.dispatchDragEvent", event).unwrap();
    }
}

/// Chooses files by the panel's own picker.
fn choose(page: &Page, files: &[&Path]) {
    let root = page.call("DOM.getDocument", json!({})).unwrap();
    let root = &root["root"]["nodeId"];
    let wanted = json!({ "nodeId": root, "selector": "#upload input[type=file]" });
    let input = page.call("DOM.querySelector", wanted).unwrap();
    let chosen = json!({ "files": files, "nodeId": input["nodeId"] });
    page.call("DOM.setFileInputFiles", chosen).unwrap();
}

fn image(study: usize, instance: usize) -> Made {
    Made {
        instance,
        ..Made::of_study(study)
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files_below(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn files_folders_and_archives_are_stored_and_of_each_other_file_it_is_said_why_not() {
    let house = House::new(&[image(1, 1)]);
    let (stage, page) = (&house.stage, &house.stage.page);
    let mut program = image(2, 1).bytes();
    program[..4].copy_from_slice(b"MZ\x90\0");
    house.write("CD/DICOM/A/IM1", &program);
    house.write("CD/DICOM/IM2", &image(2, 2).bytes());
    house.write("CD/README.TXT", b"This disc holds images.");
    house.write("CD/.DS_Store", b"of a computer");
    let mut zip = Zip::default();
    zip.folder("exam/");
    for instance in 1..=3 {
        let bytes = image(3, instance).bytes();
        match instance {
            1 => zip.stored("exam/first.dcm", &bytes),
            _ => zip.deflated(&format!("exam/more/{instance}.dcm"), &bytes),
        }
    }
    zip.deflated("exam/letter.txt", b"Dear colleague");
    let zip = house.write("exam.zip", &zip.bytes());
    let again = house.write("again.dcm", &image(1, 1).bytes());
    let other_name = Made {
        name: "Other^Name".into(),
        ..image(1, 1)
    };
    let conflict = house.write("conflict.dcm", &other_name.bytes());
    let other_patient = Made {
        id: "EX-9999".into(),
        ..image(1, 2)
    };
    let patient = house.write("patient.dcm", &other_patient.bytes());
    let whole = image(4, 1).bytes();
    let cut = house.write("cut.dcm", &whole[..whole.len() - 10]);
    let folder = house.files.path().join("CD");
    drop_on(page, &[&folder, &zip, &again, &conflict, &patient, &cut]);
    let said = house.ended();
    assert_eq!(said, "Added 5 of 11 files. 1 was there already.");
    let expected = [
        ("CD/README.TXT", "No DICOM file."),
        (
            "conflict.dcm",
            "Another file with this SOP Instance UID is there; nothing is replaced.",
        ),
        ("cut.dcm", "No whole DICOM file."),
        ("exam.zip/exam/letter.txt", "No DICOM file."),
        ("patient.dcm", "The study there has another Patient ID."),
    ];
    let expected = expected.map(|(name, why)| (name.to_owned(), why.to_owned()));
    assert_eq!(house.refused(), expected);
    // The list shows at once what came.
    let ids = format!("({IDS}).toSorted()");
    wait_until_is(stage, &ids, &json!(["EX-0001", "EX-0002", "EX-0003"]));
    // T16: what stood in the preamble is not stored.
    let mut stored = Vec::new();
    files_below(house.store.path(), &mut stored);
    let stored: Vec<_> = (stored.iter())
        .filter(|path| path.extension().is_some_and(|it| it == "dcm"))
        .collect();
    assert_eq!(stored.len(), 5);
    for path in stored {
        assert_eq!(std::fs::read(path).unwrap()[..128], [0; 128]);
    }
    // The same once more by the picker: nothing new, and it is said so.
    stage.eval("[...document.querySelectorAll('#upload button')].find((it) => it.textContent === 'Add more').click()");
    choose(page, &[&house.files.path().join("CD/DICOM/IM2"), &again]);
    page.wait_for(&format!("{IS_OVER} && ({SAID}).startsWith('Nothing')"), 30)
        .unwrap();
    assert_eq!(house.ended(), "Nothing was added. 2 were there already.");
    // It opens from the panel.
    let open = "document.querySelector('#upload button[aria-label*=\"0002\"]')";
    page.wait_for(&format!("!!{open}"), 20).unwrap();
    stage.eval(&format!("{open}.click()"));
    page.wait_for(
        "window.sagitta.viewports()[0]?.state === 'final' && \
         document.querySelector('.patient').textContent.includes('0002')",
        30,
    )
    .unwrap();
    assert_eq!(stage.eval("!!document.querySelector('#upload')"), false);
    stage.expect_no_problems();
    drop(house.data);
}

#[test]
fn t17_archives_that_would_become_too_much_are_not_unpacked_and_nothing_of_them_is_sent() {
    let house = House::new(&[]);
    let before = house.posts();
    let mut image = vec![0; 24 << 20];
    image[128..132].copy_from_slice(b"DICM");
    // Zeros become a thousandth (RFC 1951: 258 bytes in two bits).
    let mut zip = Zip::default();
    zip.deflated("a.dcm", &image);
    let bomb = house.write("bomb.zip", &zip.bytes());
    // It says that it is small.
    let mut zip = Zip::default();
    zip.deflated_as("a.dcm", &image, 1000);
    let liar = house.write("liar.zip", &zip.bytes());
    // A thousand names for the same bytes.
    let mut zip = Zip::default();
    zip.deflated("a.dcm", &image[..4096]);
    zip.repeat(1000);
    let overlap = house.write("overlap.zip", &zip.bytes());
    // More names than bytes.
    let mut zip = Zip::default();
    zip.stored("a", b"");
    zip.claim(u16::MAX);
    let names = house.write("names.zip", &zip.bytes());
    let mut inner = Zip::default();
    inner.deflated("a.dcm", &Made::of_study(1).bytes());
    let mut zip = Zip::default();
    zip.stored("inner.zip", &inner.bytes());
    let nested = house.write("nested.zip", &zip.bytes());
    let half = house.write("half.zip", &inner.bytes()[..200]);
    let mut zip = Zip::default();
    zip.wrong_sum("a.dcm", &Made::of_study(1).bytes());
    let altered = house.write("altered.zip", &zip.bytes());
    let all = [&bomb, &liar, &overlap, &names, &nested, &half, &altered];
    drop_on(&house.stage.page, &all.map(PathBuf::as_path));
    assert_eq!(house.ended(), "Nothing was added.");
    let (too_much, damaged) = (
        "It would unpack to far more than images do: not opened.",
        "The archive is damaged here.",
    );
    let expected = [
        ("altered.zip/a.dcm", damaged),
        ("bomb.zip/a.dcm", too_much),
        ("half.zip", damaged),
        ("liar.zip/a.dcm", damaged),
        ("names.zip", damaged),
        (
            "nested.zip/inner.zip",
            "An archive within an archive is not opened.",
        ),
        ("overlap.zip", too_much),
    ];
    let expected = expected.map(|(name, why)| (name.to_owned(), why.to_owned()));
    assert_eq!(house.refused(), expected);
    assert_eq!(house.posts(), before);
    house.stage.expect_no_problems();
}

#[test]
fn a_connection_that_is_lost_is_tried_again_and_who_cannot_store_is_offered_nothing() {
    let mut house = House::new(&[image(1, 1)]);
    let page = &house.stage.page;
    let file = house.write("new.dcm", &image(2, 1).bytes());
    page.key("u").unwrap();
    page.wait_for("document.activeElement.textContent === 'Choose files'", 20)
        .unwrap();
    page.offline(true).unwrap();
    choose(page, &[&file]);
    let waits = format!("({SAID}) === 'No connection. It is tried again by itself.'");
    page.wait_for(&waits, 20).unwrap();
    page.offline(false).unwrap();
    assert_eq!(house.ended(), "Added 1 of 1 file.");
    page.key("Escape").unwrap();
    page.wait_for("document.activeElement.id === 'list-upload'", 10)
        .unwrap();
    wait_until_is(
        &house.stage,
        &format!("({IDS}).toSorted()"),
        &json!(["EX-0001", "EX-0002"]),
    );
    // The same without a folder that takes anything.
    house.stage.gateway = Gateway::start(&[house.data.path()]).unwrap();
    house.stage.gateway.wait_until_indexed(60).unwrap();
    house.stage.go("");
    wait_until_is(&house.stage, IDS, &json!(["EX-0001"]));
    let page = &house.stage.page;
    page.key("u").unwrap();
    drop_on(page, &[&file]);
    let offered = "!!document.querySelector('#list-upload, #upload')";
    assert_eq!(house.stage.eval(offered), Value::Bool(false));
    // The page was not left for the file either.
    assert_eq!(house.stage.eval("location.protocol"), "http:");
    assert_eq!(house.stage.eval(IDS), json!(["EX-0001"]));
}

/// Python's own writer, told that nothing fits into the numbers of old archives (APPNOTE 4.3.14, 4.3.15, 4.5.3).
const WRITE_ZIP64: &str = "import sys, zipfile
zipfile.ZIP64_LIMIT = 1
zipfile.ZIP_FILECOUNT_LIMIT = 0
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as archive:
    for name in sys.argv[2:]:
        archive.write(name, name[-9:])
";

#[test]
fn archives_with_wide_numbers_are_opened() {
    let house = House::new(&[]);
    let files = [1, 2]
        .map(|instance| house.write(&format!("img-{instance}.dcm"), &image(1, instance).bytes()));
    let archive = house.files.path().join("wide.zip");
    let written = std::process::Command::new(crate::dicomweb_client::python())
        .args(["-c", WRITE_ZIP64])
        .arg(&archive)
        .args(&files)
        .status()
        .unwrap();
    assert!(written.success());
    let bytes = std::fs::read(&archive).unwrap();
    assert!(bytes.windows(4).any(|four| four == b"PK\x06\x06"));
    drop_on(&house.stage.page, &[&archive]);
    assert_eq!(house.ended(), "Added 2 of 2 files.");
    let mut stored = Vec::new();
    files_below(house.store.path(), &mut stored);
    let stored: Vec<_> = stored
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    for instance in [1, 2] {
        assert!(stored.contains(&image(1, instance).bytes()), "{instance}");
    }
    house.stage.expect_no_problems();
}
