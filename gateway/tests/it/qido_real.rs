//! Searches over real files beside the project, where they are there: expected is what their manifest says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::qido_matching::found;
use crate::server::{Server, encoded};

fn data() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if path.is_dir() {
        return Some(path);
    }
    println!("not run: ../shared/data is not here");
    None
}

/// What the manifest says of an instance.
struct Listed {
    study: String,
    series: String,
    instance: String,
    path: String,
    modality: String,
    class: String,
}

/// One of its UIDs.
type Uid = fn(&Listed) -> &String;

/// Of several files with the same UIDs the last one counts, as in the store.
fn manifest(data: &Path) -> Vec<Listed> {
    let text = fs::read(data.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    let mut found: BTreeMap<[String; 3], Listed> = BTreeMap::new();
    for file in manifest["files"].as_array().unwrap() {
        let text = |key: &str| file[key].as_str().unwrap_or_default().to_owned();
        let [study, series, instance] = ["study", "series", "sop_instance"].map(text);
        let key = [study.clone(), series.clone(), instance.clone()];
        let listed = Listed {
            study,
            series,
            instance,
            path: text("path"),
            modality: text("modality"),
            class: text("sop_class"),
        };
        let is_whole = key.iter().all(|uid| !uid.is_empty());
        if is_whole && found.get(&key).is_none_or(|known| known.path < listed.path) {
            found.insert(key, listed);
        }
    }
    found.into_values().collect()
}

fn set(uids: Vec<String>) -> BTreeSet<String> {
    let count = uids.len();
    let set: BTreeSet<String> = uids.into_iter().collect();
    assert_eq!(set.len(), count, "a result stands twice");
    set
}

/// Names of PS3.5 annexes H, I and J, and words of other languages, as pydicom reads these files.
#[test]
fn real_names_are_found_in_their_own_letters() {
    let Some(data) = data() else { return };
    let files = manifest(&data);
    let server = Server::over(&data.join("charset"));
    for (file, names) in [
        ("chrH31", ["Yamada*", "山田^太郎", "やまだ*"]),
        ("chrI2", ["Hong^Gildong", "洪*", "홍^길동"]),
        ("chrX1", ["wang^xiaodong", "王^小東", "*小東"]),
        ("chrFren", ["Buc^Jérôme", "buc^jerome", "BUC*"]),
        ("chrGreek", ["Διονυσιος", "διονυσιος", "Διον*"]),
        // Four of its letters are Latin.
        (
            "chrRuss",
            [
                "\u{41b}\u{44e}\u{43a}ce\u{43c}\u{431}yp\u{433}",
                "\u{43b}\u{44e}\u{43a}CE*",
                "*\u{431}yp\u{433}",
            ],
        ),
    ] {
        let path = format!("charset/{file}.dcm");
        let listed = files.iter().find(|listed| listed.path == path).unwrap();
        for name in names {
            let query = encoded(&[("PatientName", name)]);
            let uids = found(&server, &format!("studies?{query}"), "0020000D");
            assert!(uids.contains(&listed.study), "{file} {name}");
        }
    }
}

#[test]
fn real_studies_series_and_instances_are_found_by_what_their_manifest_says() {
    let Some(data) = data() else { return };
    let files = manifest(&data);
    let server = Server::over(&data);
    let expected = |uid: Uid, is: &dyn Fn(&Listed) -> bool| {
        let matching = files.iter().filter(|file| is(file));
        matching
            .map(|file| uid(file).clone())
            .collect::<BTreeSet<_>>()
    };
    let study: Uid = |file| &file.study;
    let series: Uid = |file| &file.series;
    let instance: Uid = |file| &file.instance;
    let ask = |path: &str, tag: &str| found(&server, path, tag);
    assert_eq!(set(ask("studies", "0020000D")), expected(study, &|_| true));
    let modalities: BTreeSet<&String> = files.iter().map(|file| &file.modality).collect();
    for modality in modalities
        .into_iter()
        .filter(|modality| !modality.is_empty())
    {
        let is = |file: &Listed| file.modality == *modality;
        let uids = ask(&format!("studies?ModalitiesInStudy={modality}"), "0020000D");
        assert_eq!(set(uids), expected(study, &is), "{modality}");
        let uids = ask(&format!("series?Modality={modality}"), "0020000E");
        let uids: BTreeSet<String> = uids.into_iter().collect();
        assert_eq!(uids, expected(series, &is), "{modality}");
        let uids = ask(&format!("instances?Modality={modality}"), "00080018");
        let uids: BTreeSet<String> = uids.into_iter().collect();
        assert_eq!(uids, expected(instance, &is), "{modality}");
    }
    let classes: BTreeSet<&String> = files.iter().map(|file| &file.class).collect();
    for class in classes.into_iter().filter(|class| !class.is_empty()) {
        let is = |file: &Listed| file.class == *class;
        let uids = ask(&format!("instances?SOPClassUID={class}"), "00080018");
        assert_eq!(
            uids.into_iter().collect::<BTreeSet<_>>(),
            expected(instance, &is)
        );
        let uids = ask(&format!("studies?SOPClassesInStudy={class}"), "0020000D");
        assert_eq!(set(uids), expected(study, &is));
    }
    for uid in expected(study, &|_| true) {
        let is = |file: &Listed| file.study == uid;
        let path = protocol::dicomweb::path::study(&uid);
        let uids = ask(&format!("{path}/series"), "0020000E");
        assert_eq!(set(uids), expected(series, &is));
        let uids = ask(&format!("{path}/instances"), "00080018");
        let uids: BTreeSet<String> = uids.into_iter().collect();
        assert_eq!(uids, expected(instance, &is));
    }
}
