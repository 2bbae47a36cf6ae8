//! Rejection notes of IHE's Imaging Object Change Management: what they reject is out of sight everywhere, whichever came first,
//! until the note is deleted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use dicom_core::value::{DataSetSequence, Value as Held};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use gateway::audit::event::{Event, Kind};
use gateway::audit::search::{Wanted, oldest_first};
use gateway::auth::labels;
use serde_json::{Value, json};

use crate::files::{Made, ct, empty};
use crate::login;
use crate::server::Server;
use crate::stow::{House, failures, multipart, post, prepared};

/// Titles of rejection notes, PS3.16 CID 7011.
const TITLES: [&str; 4] = ["113001", "113037", "113038", "113039"];

type Set = InMemDicomObject;

fn sequence(set: &mut Set, tag: Tag, items: Vec<Set>) {
    let items = Held::Sequence(DataSetSequence::from(items));
    set.put(DataElement::new(tag, VR::SQ, items));
}

fn texts(all: &[(Tag, VR, &str)]) -> Set {
    Set::from_element_iter(
        (all.iter())
            .map(|(tag, vr, text)| DataElement::new(*tag, *vr, PrimitiveValue::from(*text))),
    )
}

/// A Key Object Selection document in a series of its own, which names instances of a study.
fn note(own: &str, series: &str, title: &str, study: &str, named: &[(&str, &[&str])]) -> Made {
    let mut made = empty(own, series, &format!("{series}.1"));
    made.text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.88.59");
    made.text(tags::MODALITY, VR::CS, "KO");
    made.text(tags::PATIENT_ID, VR::LO, "P1");
    let code = texts(&[
        (tags::CODE_VALUE, VR::SH, title),
        (tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM"),
        (tags::CODE_MEANING, VR::LO, "As PS3.16 says"),
    ]);
    sequence(&mut made.set, tags::CONCEPT_NAME_CODE_SEQUENCE, vec![code]);
    let of_series = named.iter().map(|(series, sops)| {
        let mut item = texts(&[(tags::SERIES_INSTANCE_UID, VR::UI, series)]);
        let sops = sops.iter().map(|sop| {
            texts(&[
                (
                    tags::REFERENCED_SOP_CLASS_UID,
                    VR::UI,
                    "1.2.840.10008.5.1.4.1.1.7",
                ),
                (tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, sop),
            ])
        });
        sequence(&mut item, tags::REFERENCED_SOP_SEQUENCE, sops.collect());
        item
    });
    let mut evidence = texts(&[(tags::STUDY_INSTANCE_UID, VR::UI, study)]);
    sequence(
        &mut evidence,
        tags::REFERENCED_SERIES_SEQUENCE,
        of_series.collect(),
    );
    sequence(
        &mut made.set,
        tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
        vec![evidence],
    );
    made
}

/// Two series of study 1.5: two slices, and one with another modality and description.
fn study() -> Vec<Made> {
    let mut other = ct("1.5", "1.5.3", 1);
    other.text(tags::MODALITY, VR::CS, "MR");
    other.text(tags::STUDY_DESCRIPTION, VR::LO, "Thorax, right");
    vec![ct("1.5", "1.5.2", 1), ct("1.5", "1.5.2", 2), other]
}

fn bytes(all: &[Made]) -> Vec<Vec<u8>> {
    all.iter().map(Made::bytes).collect()
}

fn stow(house: &House, all: &[Made]) {
    let answer = house.stow("/dicomweb/studies", &bytes(all));
    assert_eq!(answer.status, 200, "{}", answer.json());
}

/// SOP Instance UIDs that a search finds.
fn found(server: &Server, query: &str) -> Vec<String> {
    let answer = server.get(&format!("/dicomweb/instances{query}")).json();
    let uid = |set: &Value| set["00080018"]["Value"][0].as_str().unwrap().to_owned();
    answer.as_array().unwrap().iter().map(uid).collect()
}

fn sagitta(folder: &Path, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sagitta"))
        .args(words)
        .arg("--config")
        .arg(folder.join("gateway.toml"))
        .arg("--index")
        .arg(folder.join("index.db"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Statuses of all addresses at which an instance, its series and their pictures can be had.
fn statuses(server: &Server, made: &Made) -> Vec<u16> {
    let instance = made.address();
    let series = instance.split("/instances").next().unwrap().to_owned();
    let wado = format!(
        "/wado?requestType=WADO&studyUID={}&seriesUID={}&objectUID={}",
        made.study, made.series, made.instance
    );
    let paths = [
        "/metadata",
        "/frames/1",
        "/frames/1/rendered",
        "/frames/1/thumbnail",
        "/rendered",
        "/thumbnail",
        "/bulk/7FE00010",
        "",
    ];
    let paths = paths.iter().map(|path| format!("{instance}{path}"));
    let paths = paths.chain(["", "/metadata", "/thumbnail"].map(|path| format!("{series}{path}")));
    paths
        .chain([wado])
        .map(|path| server.get(&path).status)
        .collect()
}

#[test]
fn what_a_note_rejects_is_out_of_sight_everywhere_until_the_note_is_deleted() {
    let house = House::new();
    let server = &house.server;
    let all = study();
    stow(&house, &all);
    let tag = server.get("/dicomweb/studies/1.5/metadata");
    let tag = tag.header("etag").unwrap().to_owned();
    assert_eq!(statuses(server, &all[0]), [200; 12]);
    let named = [("1.5.2", &["1.5.2.1", "1.5.2.2"][..])];
    stow(&house, &[note("1.5", "1.5.9", "113037", "1.5", &named)]);
    assert_eq!(statuses(server, &all[0]), [404; 12]);
    assert_eq!(statuses(server, &all[1]), [404; 12]);
    assert_eq!(statuses(server, &all[2]), [200; 12]);
    assert_eq!(
        server
            .get("/dicomweb/studies/1.5/series/1.5.9/metadata")
            .status,
        404
    );
    assert_eq!(found(server, ""), ["1.5.3.1"]);
    for query in [
        "?SOPInstanceUID=1.5.2.1",
        "?SeriesInstanceUID=1.5.2",
        "?Modality=KO",
    ] {
        assert!(found(server, query).is_empty(), "{query}");
    }
    assert_eq!(house.counts(), [1, 1, 1]);
    let query = "?includefield=SOPClassesInStudy,NumberOfPatientRelatedInstances";
    let listed = &server.get(&format!("/dicomweb/studies{query}")).json()[0];
    // Related series and instances, modalities, and what the study is called by what is left of it.
    for (tag, expected) in [
        ("00201206", json!([1])),
        ("00201208", json!([1])),
        ("00201204", json!([1])),
        ("00080061", json!(["MR"])),
        ("00080062", json!(["1.2.840.10008.5.1.4.1.1.7"])),
        ("00081030", json!(["Thorax, right"])),
    ] {
        assert_eq!(listed[tag]["Value"], expected, "{tag}");
    }
    for query in ["?ModalitiesInStudy=CT", "?Modality=CT"] {
        let answer = server.get(&format!("/dicomweb/studies{query}"));
        assert_eq!(answer.json(), json!([]), "{query}");
    }
    let metadata = server.get("/dicomweb/studies/1.5/metadata");
    assert_ne!(metadata.header("etag"), Some(tag.as_str()));
    assert_eq!(metadata.json().as_array().unwrap().len(), 1);
    let whole = server.get("/dicomweb/studies/1.5");
    assert_eq!(crate::files::parts(&whole).len(), 1);
    // What is out of sight is there all the same, and nothing else takes its place.
    stow(&house, &all);
    assert_eq!(house.files().len(), 4);
    let mut other = ct("1.5", "1.5.2", 1);
    other.text(tags::SERIES_DESCRIPTION, VR::LO, "Other");
    assert_eq!(
        house.stow("/dicomweb/studies", &[other.bytes()]).status,
        409
    );
    assert_eq!(found(server, ""), ["1.5.3.1"]);
    let at = house.folder.path();
    assert_eq!(
        sagitta(at, &["store", "rejected"]),
        "1.5\t1.5.9\t113037 Rejected for Patient Safety Reasons\t2 instances\n"
    );
    let checked = sagitta(at, &["doctor", "--deep"]);
    assert!(checked.contains("index and files agree\n"), "{checked}");
    sagitta(at, &["store", "delete", "1.5", "1.5.9"]);
    server.wait_until(|server| found(server, "").len() == 3);
    assert_eq!(house.counts(), [1, 2, 3]);
    assert_eq!(statuses(server, &all[0]), [200; 12]);
    assert_eq!(
        server
            .get("/dicomweb/studies?ModalitiesInStudy=CT")
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(sagitta(at, &["store", "rejected"]), "");
    // A deletion that is undone rejects again.
    sagitta(at, &["store", "undo"]);
    server.wait_until(|server| found(server, "").len() == 1);
}

#[test]
fn a_study_of_which_all_is_rejected_is_gone_and_is_nobody_elses() {
    for title in TITLES {
        let house = House::new();
        stow(&house, &study());
        let named = [
            ("1.5.2", &["1.5.2.1", "1.5.2.2"][..]),
            ("1.5.3", &["1.5.3.1"][..]),
        ];
        stow(&house, &[note("1.5", "1.5.9", title, "1.5", &named)]);
        assert_eq!(house.counts(), [0, 0, 0], "{title}");
        for path in ["", "/metadata", "/rendered", "/thumbnail", "/series"] {
            let path = format!("/dicomweb/studies/1.5{path}");
            let answer = house.server.get(&path);
            let is_empty = answer.status == 200 && answer.json() == json!([]);
            assert!(answer.status == 404 || is_empty, "{title} {path}");
        }
        let mut other = ct("1.5", "1.5.4", 1);
        other.text(tags::PATIENT_ID, VR::LO, "P2");
        let answer = house.stow("/dicomweb/studies", &[other.bytes()]);
        assert_eq!(failures(&answer.json()), [("1.5.4.1".to_owned(), 0xA902)]);
        sagitta(house.folder.path(), &["store", "delete", "1.5", "1.5.9"]);
        let back = |_: &Server| house.counts() == [1, 2, 3];
        house.server.wait_until(back);
        let listed = &house.server.get("/dicomweb/studies").json()[0];
        assert_eq!(listed["00100010"]["Value"][0]["Alphabetic"], "Doe^Jane");
    }
}

#[test]
fn it_does_not_matter_which_came_first() {
    let named = [("1.5.2", &["1.5.2.1"][..])];
    let house = House::new();
    stow(&house, &[note("1.5", "1.5.9", "113038", "1.5", &named)]);
    assert_eq!(house.counts(), [0, 0, 0]);
    let all = study();
    stow(&house, &all[..1]);
    assert_eq!(house.counts(), [0, 0, 0]);
    stow(&house, &all[1..]);
    assert_eq!(found(&house.server, ""), ["1.5.2.2", "1.5.3.1"]);
    let listed = |server: &Server| server.get("/dicomweb/series").json();
    let before = listed(&house.server);
    // Another index of the same files; the note is the first or the last of them.
    for name in ["0.dcm", "z.dcm"] {
        let folder = tempfile::tempdir().unwrap();
        note("1.5", "1.5.9", "113038", "1.5", &named).write(folder.path(), name);
        for (number, made) in all.iter().enumerate() {
            made.write(folder.path(), &format!("a{number}.dcm"));
        }
        let server = Server::over(folder.path());
        assert_eq!(found(&server, ""), ["1.5.2.2", "1.5.3.1"]);
        assert_eq!(listed(&server), before);
        // Without the file of the note they are back.
        fs::remove_file(folder.path().join(name)).unwrap();
        server.wait_until(|server| found(server, "").len() == 3);
    }
}

#[test]
fn a_note_rejects_nothing_of_another_study_and_other_documents_reject_nothing() {
    let house = House::new();
    stow(&house, &study());
    let named = [("1.5.2", &["1.5.2.1"][..])];
    // The note of another study; one that is no rejection; one that names the instance in a series that it is not in.
    let elsewhere = [("1.5.3", &["1.5.2.1"][..])];
    stow(
        &house,
        &[
            note("1.6", "1.6.9", "113037", "1.5", &named),
            note("1.5", "1.5.8", "113002", "1.5", &named),
            note("1.5", "1.5.9", "113037", "1.5", &elsewhere),
        ],
    );
    let all = ["1.5.2.1", "1.5.2.2", "1.5.3.1", "1.5.8.1"];
    let found: BTreeSet<String> = found(&house.server, "").into_iter().collect();
    assert_eq!(found, all.map(str::to_owned).into());
}

#[test]
fn what_is_rejected_for_its_quality_is_shown_where_that_is_configured() {
    let named = [("1.5.2", &["1.5.2.1"][..])];
    let other = [("1.5.2", &["1.5.2.2"][..])];
    let folder = tempfile::tempdir().unwrap();
    let mut options = prepared(folder.path(), "");
    for (number, made) in study().iter().enumerate() {
        made.write(&folder.path().join("store"), &format!("a{number}.dcm"));
    }
    let store = folder.path().join("store");
    note("1.5", "1.5.8", "113001", "1.5", &named).write(&store, "q.dcm");
    note("1.5", "1.5.9", "113039", "1.5", &other).write(&store, "r.dcm");
    // The same index throughout.
    let hidden = vec!["1.5.3.1"];
    let shown = vec!["1.5.2.1", "1.5.3.1", "1.5.8.1"];
    for (config, expected) in [
        ("", &hidden),
        ("quality_rejected = \"shown\"\n", &shown),
        ("quality_rejected = \"hidden\"\n", &hidden),
    ] {
        let path = folder.path().join("gateway.toml");
        fs::write(&path, format!("[store]\npath = \"store\"\n{config}")).unwrap();
        options.config = Some(path);
        let server = Server::start(options.clone());
        server.wait_until_indexed();
        let mut all = found(&server, "");
        all.sort();
        assert_eq!(all, *expected, "{config}");
        let counted = server.get("/dicomweb/studies").json()[0]["00201208"]["Value"][0].clone();
        assert_eq!(counted, expected.len(), "{config}");
    }
}

fn events(path: &Path) -> Vec<Event> {
    let mut all = Vec::new();
    oldest_first(
        &path.join("audit.jsonl"),
        &Wanted::default(),
        |_, record, _| {
            if matches!(record.event.kind, Kind::Rejected | Kind::Denied) {
                all.push(record.event.clone());
            }
            Ok(())
        },
    )
    .unwrap();
    all
}

#[test]
fn t12_who_may_add_may_not_reject_unless_policies_say_so_and_t22_it_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["data", "store"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    for (number, made) in study().iter().enumerate() {
        made.write(&folder.path().join("data"), &format!("{number}.dcm"));
    }
    let mut options = login::configured(folder.path(), "optional");
    options.store = Some(folder.path().join("store"));
    let server = Server::start(options);
    server.wait_until_indexed();
    let database = &server.state.login.as_ref().unwrap().database;
    let label = BTreeSet::from(["board".to_owned()]);
    labels::set(database, "local", "1.5", &label).unwrap();
    let seen = login::user(&server, "eye", "radiologist");
    let count = || {
        let found = server.request("GET", "/dicomweb/instances", &[("Cookie", &seen)]);
        found.json().as_array().unwrap().len()
    };
    for (number, (role, status, left)) in [
        ("referrer", 403, 3),
        ("ai", 403, 3),
        ("technologist", 200, 2),
        ("radiologist", 200, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let cookie = login::user(&server, role, role);
        let labelled = "UPDATE user SET labels = '[\"board\"]' WHERE name = 'ai'";
        database.lock().execute(labelled, []).unwrap();
        let named = [(
            "1.5.2",
            &[if number == 2 { "1.5.2.1" } else { "1.5.2.2" }][..],
        )];
        let series = format!("1.5.9{number}");
        let sent = note("1.5", &series, "113001", "1.5", &named).bytes();
        let (media, body) = multipart(&[sent]);
        let headers = [
            ("Content-Type", media.as_str()),
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Sagitta", "1"),
            ("Cookie", &cookie),
        ];
        let answer = post(&server, "/dicomweb/studies", &headers, &body);
        assert_eq!(answer.status, status, "{role}");
        assert_eq!(count(), left, "{role}");
        let all = events(folder.path());
        assert_eq!(all.len(), number + 1, "{role}");
        let event = all.last().unwrap();
        assert_eq!(event.actor.user, role);
        if status == 200 {
            assert_eq!(event.kind, Kind::Rejected);
            let object = &event.object;
            assert_eq!(
                (object.study.as_str(), object.patient.as_str()),
                ("1.5", "P1")
            );
            assert_eq!(object.other, "1 instance");
            assert_eq!(event.reason, "Rejected for Quality Reasons");
        } else {
            assert_eq!(event.kind, Kind::Denied);
        }
    }
}
