//! Made-up answers, the address of each attribute in turn another hospital's or a stranger's.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use serde_json::{Value, json};

use super::*;

const ROOT: &str = "/dicomweb/north";

fn written(set: &Value) -> Result<(Value, BTreeMap<String, Url>), Reason> {
    let own = Url::parse("http://pacs.example/dicom-web").unwrap();
    let answered = Url::parse("http://pacs.example/dicom-web/studies/1/metadata").unwrap();
    let text = set.to_string();
    let head = Head::of(&text)?;
    let mut writer = Writer::new(&own, &answered, ROOT);
    writer.add(&text, &head, None)?;
    let addresses = writer.addresses.clone();
    let mut all: Value = serde_json::from_slice(&writer.end()).unwrap();
    Ok((all[0].take(), addresses))
}

fn known(more: &Value) -> Value {
    let mut set = json!({
        "0020000D": {"vr": "UI", "Value": ["1"]},
        "0020000E": {"vr": "UI", "Value": ["2"]},
        "00080018": {"vr": "UI", "Value": ["3"]},
    });
    for (tag, element) in more.as_object().unwrap() {
        set[tag] = element.clone();
    }
    set
}

#[test]
fn values_are_passed_on_digit_by_digit() {
    let text = r#"{"00280030":{"vr":"DS","Value":[0.1000000000000000055,1E-7,-3]},
        "00100010":{"Value":[{"Alphabetic":"Doe^Jane","Ideographic":"山"}],"vr":"PN"},
        "00080008":{"vr":"CS","Value":["ORIGINAL",null,"A\"\u00e9"]},
        "0028000a":{"vr":"US"},"7fe00010":{"vr":"OW","InlineBinary":"AAE="}}"#;
    let own = Url::parse("http://pacs.example/").unwrap();
    let mut writer = Writer::new(&own, &own, ROOT);
    writer.add(text, &Head::of(text).unwrap(), None).unwrap();
    let out = String::from_utf8(writer.end()).unwrap();
    assert_eq!(
        out,
        concat!(
            r#"[{"00280030":{"vr":"DS","Value":[0.1000000000000000055,1E-7,-3]},"#,
            r#""00100010":{"vr":"PN","Value":[{"Alphabetic":"Doe^Jane","Ideographic":"山"}]},"#,
            r#""00080008":{"vr":"CS","Value":["ORIGINAL",null,"A\"\u00e9"]},"#,
            r#""0028000A":{"vr":"US"},"7FE00010":{"vr":"OW","InlineBinary":"AAE="}}]"#
        )
    );
}

#[test]
fn t13_values_at_another_host_are_had_from_the_source_where_they_are_of_the_same_study() {
    let uri = |text: &str| json!({"vr": "OW", "BulkDataURI": text});
    let (set, addresses) = written(&known(&json!({
        "7FE00010": uri("http://10.0.0.1:8042/other/studies/1/series/2/bulk/a"),
        "00420011": uri("http://10.0.0.1:8042/other/studies/9/series/2/bulk/a"),
    })))
    .unwrap();
    let place = "/dicomweb/north/studies/1/series/2/instances/3/bulk/7FE00010";
    assert_eq!(set["7FE00010"]["BulkDataURI"], place);
    assert!(set.get("00420011").is_none());
    let addresses: Vec<String> = addresses.into_values().map(String::from).collect();
    assert_eq!(
        addresses,
        ["http://pacs.example/dicom-web/studies/1/series/2/bulk/a"]
    );
}

#[test]
fn t13_addresses_of_values_become_ours_wherever_they_stand() {
    let uri = |text: &str| json!({"vr": "OW", "BulkDataURI": text});
    let (set, addresses) = written(&known(&json!({
        "7FE00010": uri("http://pacs.example/dicom-web/studies/1/bulk/a"),
        "00283010": {"vr": "SQ", "Value": [
            {"00283002": {"vr": "US", "Value": [1, 2, 3]}},
            {"00283006": uri("bulk/b"), "00420011": uri("http://canary.example/dicom-web/x")},
        ]},
        "00420011": uri("http://canary.example/x"),
        "00081190": {"vr": "UR", "Value": ["http://pacs.example/dicom-web/studies/1"]},
    })))
    .unwrap();
    let place = "/dicomweb/north/studies/1/series/2/instances/3/bulk";
    assert_eq!(
        set["7FE00010"],
        json!({"vr": "OW", "BulkDataURI": format!("{place}/7FE00010")})
    );
    assert_eq!(
        set["00283010"]["Value"][1],
        json!({"00283006": {"vr": "OW", "BulkDataURI": format!("{place}/00283010.1.00283006")}})
    );
    assert!(set.get("00420011").is_none() && set.get("00081190").is_none());
    let addresses: Vec<(String, String)> = addresses
        .into_iter()
        .map(|(path, url)| (path, url.to_string()))
        .collect();
    let expected = [
        (
            "00283010.1.00283006",
            "http://pacs.example/dicom-web/studies/1/bulk/b",
        ),
        ("7FE00010", "http://pacs.example/dicom-web/studies/1/bulk/a"),
    ];
    assert_eq!(
        addresses,
        expected.map(|(path, url)| (path.to_owned(), url.to_owned()))
    );
}

#[test]
fn t13_no_address_gets_through_in_another_guise() {
    let (set, addresses) = written(&known(&json!({
        // Retrieve URL and Retrieve URI under a VR that they do not have.
        "00081190": {"vr": "LO", "Value": ["canary.example"]},
        "0040E010": {"vr": "UT", "Value": ["canary.example"]},
        // A private attribute, and one without VR.
        "00091010": {"vr": "UR", "Value": ["canary.example"]},
        "00091011": {"Value": ["HTTP://canary.example/x"]},
        "00091012": {"vr": "LO", "Value": [" https://canary.example/x", "\u{68}ttp://canary.example"]},
        "RetrieveURL": "http://canary.example/x",
        "BulkDataURI": "http://canary.example/x",
        "00091013": {"vr": "OB", "BulkDataURI": 7, "RetrieveURI": "http://canary.example"},
        "00091014": {"vr": "OB\",\"x\":\"http://canary.example", "Value": []},
        "00091015": {"vr": "LO", "Value": [["http://canary.example"]]},
        "00091016": {"vr": "PN", "Value": [{"Alphabetic": "A", "href": "http://canary.example"}]},
    })))
    .unwrap();
    let text = set.to_string().to_lowercase();
    assert!(!text.contains("canary"), "{text}");
    assert!(addresses.is_empty());
    // What names a thing and no place stays.
    let urn = json!({"vr": "UR", "Value": ["urn:oid:1.2"]});
    let (set, _) = written(&json!({ "00080120": urn })).unwrap();
    assert_eq!(set["00080120"], urn);
}

#[test]
fn t13_an_escaped_address_is_one() {
    assert!(is_web_address(r#""\u0068ttp://canary.example""#));
    assert!(is_web_address(r#""\thttps:\/\/canary.example""#));
    assert!(!is_web_address(r#""see http://example.org""#));
    assert!(!is_web_address("7"));
}

#[test]
fn t24_a_set_must_name_all_that_was_asked_for() {
    let place = |series: Option<&str>, instance: Option<&str>| Place {
        study: "1".into(),
        series: series.map(str::to_owned),
        instance: instance.map(str::to_owned),
    };
    let head = |set: &Value| Head::of(&set.to_string());
    let right = head(&known(&json!({}))).unwrap();
    assert!(right.is_of(&place(None, None)));
    assert!(right.is_of(&place(Some("2"), Some("3"))));
    assert!(!right.is_of(&place(Some("9"), None)));
    assert!(!right.is_of(&place(Some("2"), Some("9"))));
    let other = known(&json!({"0020000D": {"vr": "UI", "Value": ["9"]}}));
    assert!(!head(&other).unwrap().is_of(&place(None, None)));
    assert!(!head(&json!({})).unwrap().is_of(&place(None, None)));
    // Two of them are none.
    let two = known(&json!({"0020000D": {"vr": "UI", "Value": ["1", "9"]}}));
    assert_eq!(head(&two), Err(Reason::Mixed));
    let twice = r#"{"0020000D":{"Value":["1"]},"0020000d":{"Value":["9"]}}"#;
    assert_eq!(Head::of(twice), Err(Reason::Mixed));
}

#[test]
fn t14_deep_nesting_is_refused_and_not_followed() {
    let mut text = String::from("{}");
    for _ in 0..100_000 {
        text = format!(r#"{{"00081140":{{"vr":"SQ","Value":[{text}]}}}}"#);
        if text.len() > 200_000 {
            break;
        }
    }
    let own = Url::parse("http://pacs.example/").unwrap();
    let mut writer = Writer::new(&own, &own, ROOT);
    let head = Head::default();
    assert_eq!(writer.add(&text, &head, None), Err(Reason::Broken));
    // As deep as real files go is fine.
    let mut text = String::from("{}");
    for _ in 0..16 {
        text = format!(r#"{{"00081140":{{"vr":"SQ","Value":[{text}]}}}}"#);
    }
    assert_eq!(
        Writer::new(&own, &own, ROOT).add(&text, &head, None),
        Ok(())
    );
}

#[test]
fn what_is_no_list_of_data_sets_is_broken() {
    let count = |text: &str| {
        let mut count = 0;
        each(text, &mut |_| {
            count += 1;
            Ok(())
        })
        .map(|()| count)
    };
    assert_eq!(count(""), Ok(0));
    assert_eq!(count("[]"), Ok(0));
    assert_eq!(count(" {}"), Ok(1));
    assert_eq!(count("[{},{}]"), Ok(2));
    for broken in [
        "3", "[3]", "[[]]", "null", "[{}", "[{},]", "[{}] []", "<html>",
    ] {
        assert_eq!(count(broken), Err(Reason::Broken), "{broken}");
    }
}
