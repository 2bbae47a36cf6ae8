//! What answers to searches say: PS3.18 10.6.3.3, its tables, and `includefield` of 8.3.4.3.

use dicom_core::{PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use serde_json::{Map, Value, json};

use crate::files::{ct, empty};
use crate::login;
use crate::qido_matching::store;
use crate::server::Server;

fn first(server: &Server, path: &str) -> Map<String, Value> {
    let answer = server.get(&format!("/dicomweb/{path}"));
    assert_eq!(answer.status, 200, "{path}");
    answer.json()[0].as_object().unwrap().clone()
}

fn has_all(set: &Map<String, Value>, tags: &[&str]) {
    for tag in tags {
        let vr = set.get(*tag).map(|element| &element["vr"]);
        assert!(vr.is_some_and(Value::is_string), "{tag}");
    }
}

/// PS3.18 table 10.6.3-3, but for what a study may not know.
const STUDY: [&str; 15] = [
    "00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00081190", "00100010",
    "00100020", "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208",
];
/// Table 10.6.3-4.
const SERIES: [&str; 5] = ["00080060", "00081190", "0020000E", "00200011", "00201209"];
/// Table 10.6.3-5, for an image.
const INSTANCE: [&str; 9] = [
    "00080016", "00080018", "00080056", "00081190", "00083002", "00200013", "00280010", "00280011",
    "00280100",
];

#[test]
fn what_the_tables_require_is_there_with_or_without_a_value() {
    let folder = tempfile::tempdir().unwrap();
    empty("1", "2", "3").write(folder.path(), "a");
    let server = Server::over(folder.path());
    let study = first(&server, "studies");
    has_all(&study, &STUDY);
    assert_eq!(study["00080020"], json!({"vr": "DA"}));
    assert_eq!(study["00100010"], json!({"vr": "PN"}));
    assert_eq!(study["00080061"], json!({"vr": "CS"}));
    let series = first(&server, "studies/1/series");
    has_all(&series, &SERIES);
    assert_eq!(series["00200011"], json!({"vr": "IS"}));
    let instance = first(&server, "studies/1/series/2/instances");
    assert_eq!(instance["00200013"], json!({"vr": "IS"}));
    assert_eq!(
        instance["00080016"]["Value"],
        json!(["1.2.840.10008.5.1.4.1.1.7"])
    );
}

#[test]
fn each_level_has_the_attributes_of_its_table_and_of_those_around() {
    let (_folder, server) = store();
    let study = first(&server, "studies?PatientID=P-100");
    has_all(&study, &STUDY);
    assert_eq!(study["00201206"], json!({"vr": "IS", "Value": [2]}));
    assert_eq!(study["00201208"], json!({"vr": "IS", "Value": [4]}));
    assert_eq!(study["00080061"]["Value"], json!(["CT", "SR"]));
    let series = first(&server, "studies/1.1/series");
    has_all(&series, &SERIES);
    has_all(&series, &["0008103E", "00400244", "00400245", "00400275"]);
    assert_eq!(series["00201209"], json!({"vr": "IS", "Value": [3]}));
    let url = json!(["/dicomweb/local/studies/1.1/series/1.1.1"]);
    assert_eq!(series["00081190"]["Value"], url);
    // All series: what their studies are, too.
    let series = first(&server, "series?SeriesInstanceUID=1.1.1");
    has_all(&series, &[&SERIES[..], &STUDY[..]].concat());
    assert_eq!(series["00081190"]["Value"], url);
    // Instances of a series: their own; of a study: the series'; all: the study's, too.
    let instance = first(&server, "studies/1.1/series/1.1.1/instances");
    has_all(&instance, &INSTANCE);
    assert!(!instance.contains_key("00201209") && !instance.contains_key("00100010"));
    let instance = first(&server, "studies/1.1/instances");
    has_all(&instance, &[&INSTANCE[..], &SERIES[..]].concat());
    assert!(!instance.contains_key("00201208"));
    let instance = first(&server, "instances?StudyInstanceUID=1.1");
    has_all(
        &instance,
        &[&INSTANCE[..], &SERIES[..], &STUDY[..]].concat(),
    );
    let url = json!(["/dicomweb/local/studies/1.1/series/1.1.1/instances/1.1.1.1"]);
    assert_eq!(instance["00081190"]["Value"], url);
    // Frames of its series are not an image's.
    assert!(!instance.contains_key("00280008"));
}

#[test]
fn items_of_requests_have_their_two_identifiers_and_what_is_asked_for() {
    let (_folder, server) = store();
    let items = |query: &str| {
        let series = first(&server, &format!("studies/1.1/series?{query}"));
        series["00400275"]["Value"].clone()
    };
    let text = |text: &str| json!({"vr": "SH", "Value": [text]});
    let two = json!([
        {"00400009": text("SPS1"), "00401001": text("RP1")},
        {"00400009": text("SPS2"), "00401001": text("RP2")},
    ]);
    assert_eq!(items(""), two);
    // Whichever item matches, all are in the answer.
    assert_eq!(items("00400275.00400009=SPS2"), two);
    let step = "ScheduledProcedureStepDescription";
    let more = items(&format!("includefield=RequestAttributesSequence.{step}"));
    assert_eq!(more[0]["00400007"]["Value"], json!(["Step"]));
    for whole in ["RequestAttributesSequence", "00400275", "all"] {
        let items = items(&format!("includefield={whole}"));
        assert_eq!(items[1]["00400007"]["Value"], json!(["Step"]), "{whole}");
    }
}

#[test]
fn attributes_are_asked_for_by_keyword_tag_list_repetition_match_and_all() {
    let (_folder, server) = store();
    let plain = first(&server, "studies/1.1/series");
    assert!(!plain.contains_key("00081010") && !plain.contains_key("00080080"));
    for query in [
        "includefield=StationName&includefield=InstitutionName",
        "includefield=StationName,00080080",
        "includefield=00081010,00080080",
        "includefield=all",
        "StationName=&InstitutionName=*",
        "StationName=CT7&InstitutionName=north*",
    ] {
        let series = first(&server, &format!("studies/1.1/series?{query}"));
        assert_eq!(series["00081010"]["Value"], json!(["CT7"]), "{query}");
        assert_eq!(
            series["00080080"]["Value"],
            json!(["North Hospital"]),
            "{query}"
        );
    }
    // Of all values those that do not match are in the answer as well.
    let series = first(&server, "series?OperatorsName=reed*");
    let names = json!([{"Alphabetic": "Opal^Ida"}, {"Alphabetic": "Reed^Bo"}]);
    assert_eq!(series["00081070"]["Value"], names);
}

#[test]
fn what_is_of_a_level_below_is_not_in_an_answer() {
    let (_folder, server) = store();
    let study = first(&server, "studies?includefield=all&PatientID=P-100");
    assert!(!study.contains_key("00200011") && !study.contains_key("00080018"));
    let study = first(
        &server,
        "studies?includefield=SeriesDescription,Rows&PatientID=P-100",
    );
    assert!(!study.contains_key("0008103E") && !study.contains_key("00280010"));
    let series = first(
        &server,
        "series?includefield=InstanceNumber&SeriesInstanceUID=1.1.1",
    );
    assert!(!series.contains_key("00200013"));
}

#[test]
fn an_instance_has_whatever_its_file_says_but_values_that_stay_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = ct("1", "2", 1);
    made.text(Tag(0x0029, 0x0010), VR::LO, "ACME 1");
    made.text(Tag(0x0029, 0x1020), VR::LO, "private");
    let large = PrimitiveValue::U8(vec![7; 5000].into());
    made.put(Tag(0x0029, 0x1021), VR::OB, large);
    made.write(folder.path(), "a");
    let server = Server::over(folder.path());
    let address = "studies/1/series/2/instances";
    let instance = first(
        &server,
        &format!("{address}?includefield=PixelSpacing,00291020"),
    );
    assert_eq!(instance["00280030"]["Value"], json!([0.5, 0.5]));
    assert_eq!(instance["00291020"]["Value"], json!(["private"]));
    // Whose it is stands beside.
    assert_eq!(instance["00290010"]["Value"], json!(["ACME 1"]));
    let parents = first(
        &server,
        &format!("{address}?includefield=PatientName,StudyDate"),
    );
    assert_eq!(
        parents["00100010"]["Value"],
        json!([{"Alphabetic": "Doe^Jane"}])
    );
    assert_eq!(parents["00080020"]["Value"], json!(["20240229"]));
    let all = first(&server, &format!("{address}?includefield=all"));
    has_all(&all, &["00100010", "00280030", "00291020", "00200013"]);
    assert!(!all.contains_key("7FE00010") && !all.contains_key("00291021"));
}

#[test]
fn classes_and_counts_of_the_patient_are_there_where_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for (study, series, numbers) in [("1", "1.1", 1..=2), ("2", "2.1", 1..=3)] {
        for number in numbers {
            ct(study, series, number).write(folder.path(), &format!("{series}.{number}"));
        }
    }
    let mut other = ct("3", "3.1", 1);
    other.text(tags::PATIENT_ID, VR::LO, "P2");
    other.write(folder.path(), "other");
    let server = Server::over(folder.path());
    let query = "includefield=NumberOfPatientRelatedStudies,NumberOfPatientRelatedSeries,\
        NumberOfPatientRelatedInstances,SOPClassesInStudy";
    let study = first(&server, &format!("studies?StudyInstanceUID=2&{query}"));
    for (tag, count) in [("00201200", 2), ("00201202", 2), ("00201204", 5)] {
        assert_eq!(study[tag], json!({"vr": "IS", "Value": [count]}), "{tag}");
    }
    assert_eq!(
        study["00080062"]["Value"],
        json!(["1.2.840.10008.5.1.4.1.1.7"])
    );
    let plain = first(&server, "studies");
    assert!(!plain.contains_key("00201200") && !plain.contains_key("00080062"));
}

#[test]
fn counts_of_the_patient_leave_out_what_may_not_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    for (study, referring) in [("1", "Ferrer^Ana"), ("2", "Other^Bo")] {
        let mut made = ct(study, &format!("{study}.1"), 1);
        made.text(tags::REFERRING_PHYSICIAN_NAME, VR::PN, referring);
        made.write(&data, study);
    }
    let server = Server::start(login::configured(folder.path(), "optional"));
    server.wait_until_indexed();
    let cookie = login::user(&server, "ana", "referrer");
    let database = &server.state.login.as_ref().unwrap().database;
    let set = "UPDATE user SET referrers = '[\"ferrer^ana\"]' WHERE name = 'ana'";
    assert_eq!(database.lock().execute(set, []).unwrap(), 1);
    let with = [("Cookie", cookie.as_str())];
    let query = "includefield=NumberOfPatientRelatedStudies";
    let answer = server.request("GET", &format!("/dicomweb/studies?{query}"), &with);
    let studies = answer.json();
    assert_eq!(studies.as_array().unwrap().len(), 1);
    assert_eq!(studies[0]["00201200"]["Value"], json!([1]));
    assert_eq!(answer.header("x-total-count"), Some("1"));
    // Nor are they told to whoever lists what is in a study.
    let answer = server.request("GET", &format!("/dicomweb/studies/1/series?{query}"), &with);
    assert_eq!(answer.json()[0]["0020000D"]["Value"], json!(["1"]));
    assert_eq!(answer.json()[0]["00201200"], Value::Null);
}

#[test]
fn text_is_utf_8_whatever_the_file_was() {
    let (_folder, server) = store();
    let study = first(&server, "studies?PatientID=P-200");
    assert_eq!(study["00080005"]["Value"], json!(["ISO_IR 192"]));
    let name = json!([{
        "Alphabetic": "Yamada^Tarou",
        "Ideographic": "\u{5c71}\u{7530}^\u{592a}\u{90ce}",
        "Phonetic": "\u{3084}\u{307e}\u{3060}^\u{305f}\u{308d}\u{3046}",
    }]);
    assert_eq!(study["00100010"]["Value"], name);
}

#[test]
fn a_search_takes_media_types_from_header_and_query() {
    let (_folder, server) = store();
    let status = |path: &str, accept: &str| {
        let path = format!("/dicomweb/{path}");
        server.request("GET", &path, &[("Accept", accept)]).status
    };
    assert_eq!(status("studies", "application/json"), 200);
    assert_eq!(
        status("studies?accept=application/dicom%2Bjson", "image/png"),
        200
    );
    assert_eq!(status("studies?accept=image/png", "image/jpeg"), 406);
    // What cannot be met is passed over for the header, PS3.18 8.7.5.
    assert_eq!(status("studies?accept=image/png", "*/*"), 200);
    assert_eq!(status("studies?charset=utf-8", "*/*"), 200);
    assert_eq!(status("studies?charset=latin1", "*/*"), 406);
}

/// Each result is a document of its own, as PS3.18 8.7.3.2 has it for what is found.
#[test]
fn what_is_found_is_the_same_in_xml() {
    let (_folder, server) = store();
    for path in ["studies", "series", "instances?limit=3"] {
        let path = format!("/dicomweb/{path}");
        let sets = server.get(&path).json();
        let sets = sets.as_array().unwrap();
        let accept = "multipart/related; type=\"application/dicom+xml\"";
        let answer = server.request("GET", &path, &[("Accept", accept)]);
        let kind = answer.header("content-type").unwrap();
        assert!(kind.contains("application/dicom+xml"), "{kind}");
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert_eq!(text.matches("<NativeDicomModel").count(), sets.len());
        for set in sets {
            for tag in ["0020000D", "00100010", "00081190"] {
                assert!(set[tag].is_object(), "{path}: {tag}");
                assert!(text.contains(&format!("tag=\"{tag}\"")), "{path}: {tag}");
            }
            let url = set["00081190"]["Value"][0].as_str().unwrap();
            assert!(
                text.contains(&format!("<Value number=\"1\">{url}</Value>")),
                "{url}"
            );
        }
    }
}
