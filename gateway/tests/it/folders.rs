//! Folders: what is looked at, what is refused, what comes and goes.

use std::fs;
use std::sync::atomic::Ordering;

use gateway::serve::prepare;

use crate::files::{ct, empty};
use crate::server::{Server, options};

fn instance_count(server: &Server) -> usize {
    server
        .get("/dicomweb/instances")
        .json()
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn files_come_and_go_within_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "a");
    let server = Server::over(folder.path());
    let second = ct("1", "2", 2).write(folder.path(), "new/b");
    server.wait_until(|server| instance_count(server) == 2);
    fs::remove_file(second).unwrap();
    server.wait_until(|server| instance_count(server) == 1);
    fs::remove_file(folder.path().join("a")).unwrap();
    server.wait_until(|server| server.get("/dicomweb/studies").json() == serde_json::json!([]));
}

#[test]
fn a_restart_opens_only_what_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let index = tempfile::tempdir().unwrap();
    let options = options(folder.path(), &index.path().join("index.db"));
    for number in 1..=20 {
        ct("1", "2", number).write(folder.path(), &format!("{number}.dcm"));
    }
    fs::write(folder.path().join("notes.txt"), "no images here").unwrap();
    let server = Server::start(options.clone());
    server.wait_until_indexed();
    assert_eq!(
        server.state.store.progress().opened.load(Ordering::Relaxed),
        21
    );
    drop(server);
    ct("1", "9", 1).write(folder.path(), "20.dcm");
    fs::write(
        folder.path().join("20.dcm"),
        fs::read(folder.path().join("20.dcm")).unwrap(),
    )
    .unwrap();
    let server = Server::start(options);
    server.wait_until_indexed();
    assert_eq!(
        server.state.store.progress().opened.load(Ordering::Relaxed),
        1
    );
    assert_eq!(instance_count(&server), 20);
}

#[test]
fn a_file_that_was_replaced_is_never_read_by_old_offsets() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    let path = made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let frame = format!("{}/frames/1", made.address());
    assert_eq!(server.get(&frame).status, 200);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 100]);
    fs::write(&path, bytes).unwrap();
    // Either the change is noticed at once, or the file is indexed again already.
    let answer = server.get(&frame);
    assert!(answer.status == 200 || answer.error_code() == "file_unreadable");
    server.wait_until(|server| server.get(&frame).status == 200);
}

#[test]
fn a_report_without_the_patients_name_takes_it_from_nobody() {
    let folder = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "a.dcm");
    let mut report = empty("1", "3", "4");
    report.text(
        dicom_dictionary_std::tags::PATIENT_NAME,
        dicom_core::VR::PN,
        "",
    );
    report.text(
        dicom_dictionary_std::tags::MODALITY,
        dicom_core::VR::CS,
        "SR",
    );
    report.write(folder.path(), "b.dcm");
    let server = Server::over(folder.path());
    let study = &server.get("/dicomweb/studies?PatientName=doe*").json()[0];
    assert_eq!(study["00100010"]["Value"][0]["Alphabetic"], "Doe^Jane");
    assert_eq!(study["00080061"]["Value"], serde_json::json!(["CT", "SR"]));
}

#[test]
fn of_files_with_the_same_uids_the_last_one_counts_until_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "a.dcm");
    let mut last = ct("1", "2", 1);
    last.text(
        dicom_dictionary_std::tags::SERIES_NUMBER,
        dicom_core::VR::IS,
        "9",
    );
    last.write(folder.path(), "b.dcm");
    let server = Server::over(folder.path());
    assert_eq!(instance_count(&server), 1);
    let number = |server: &Server| {
        server.get("/dicomweb/studies/1/metadata").json()[0]["00200011"]["Value"][0].clone()
    };
    assert_eq!(number(&server), 9);
    fs::remove_file(folder.path().join("b.dcm")).unwrap();
    server.wait_until(|server| number(server) == 2);
}

#[test]
fn other_files_are_passed_over_and_files_without_uids_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "good");
    ct("1", "2", 7).write(folder.path(), "DICOMDIR");
    fs::write(folder.path().join("readme.md"), "# words").unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(
        folder.path().join("fake.dcm"),
        "not DICOM in spite of its name",
    )
    .unwrap();
    let mut nameless = empty("1", "2", "3");
    nameless
        .set
        .remove_element(dicom_dictionary_std::tags::STUDY_INSTANCE_UID);
    nameless.write(folder.path(), "nameless");
    let server = Server::over(folder.path());
    assert_eq!(instance_count(&server), 1);
    let refused: Vec<(String, String)> = server
        .state
        .store
        .refused()
        .unwrap()
        .into_iter()
        .map(|(path, reason)| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                reason,
            )
        })
        .collect();
    let words = |name: &str, reason: &str| (name.to_owned(), reason.to_owned());
    assert_eq!(
        refused,
        [
            words("fake.dcm", "it is not a DICOM file"),
            words("nameless", "it has no Study Instance UID"),
        ]
    );
}

#[test]
fn an_index_inside_a_data_folder_a_missing_folder_and_a_taken_port_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let index = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = |options| {
        let error = runtime.block_on(prepare(options)).map(|_| ()).unwrap_err();
        error.to_string()
    };
    let inside = options(folder.path(), &folder.path().join("sub/index.db"));
    assert!(error(inside).contains("may not lie inside the data folder"));
    let missing = options(&folder.path().join("gone"), &index.path().join("index.db"));
    assert!(error(missing).starts_with("the data folder"));
    let mut nothing = options(folder.path(), &index.path().join("index.db"));
    nothing.data.clear();
    assert!(error(nothing).starts_with("name a folder"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut busy = options(folder.path(), &index.path().join("index.db"));
    busy.listen = Some(taken.local_addr().unwrap().to_string());
    assert!(error(busy).contains("is in use by another program"));
    let mut open = options(folder.path(), &index.path().join("index.db"));
    open.listen = Some("0.0.0.0:0".into());
    assert!(error(open).starts_with("login is not configured"));
}

#[test]
fn a_damaged_index_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let index = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "a.dcm");
    let path = index.path().join("index.db");
    fs::write(&path, "this is no database".repeat(1000)).unwrap();
    let server = Server::start(options(folder.path(), &path));
    server.wait_until_indexed();
    assert_eq!(instance_count(&server), 1);
}
