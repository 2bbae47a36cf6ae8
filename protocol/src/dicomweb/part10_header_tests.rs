//! Headers written here element by element (PS3.5 section 7.1), and what is read from them.

use super::*;
use std::ops::Range;

/// An attribute of explicit VR with a short length, or of implicit VR.
fn element(tag: u32, vr: Option<&str>, value: &[u8]) -> Vec<u8> {
    let [group, number] = [tag >> 16, tag & 0xFFFF].map(|half| u16::try_from(half).unwrap());
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
    let length = u32::try_from(value.len()).unwrap();
    match vr {
        Some(vr @ ("OW" | "SQ")) => {
            bytes.extend(vr.bytes().chain([0, 0]));
            bytes.extend(length.to_le_bytes());
        }
        Some(vr) => {
            bytes.extend(vr.bytes());
            bytes.extend(u16::try_from(length).unwrap().to_le_bytes());
        }
        None => bytes.extend(length.to_le_bytes()),
    }
    bytes.extend(value);
    bytes
}

fn file(transfer_syntax: &str, set: &[Vec<u8>]) -> Vec<u8> {
    let mut uid = transfer_syntax.as_bytes().to_vec();
    if uid.len() % 2 == 1 {
        uid.push(0);
    }
    [
        vec![0; 128],
        b"DICM".to_vec(),
        element(0x0002_0010, Some("UI"), &uid),
        set.concat(),
    ]
    .concat()
}

fn read(bytes: &[u8]) -> Result<Map<String, Value>, Part10Error> {
    header(&|range: Range<usize>| {
        let end = range.end.min(bytes.len());
        bytes.get(range.start..end).unwrap_or_default().to_vec()
    })
}

#[test]
fn values_are_read_by_their_vr() {
    let item = element(0xFFFE_E000, None, &element(0x0008_0100, Some("SH"), b"HU"));
    let bytes = file(
        "1.2.840.10008.1.2.1",
        &[
            element(0x0008_0005, Some("CS"), b"ISO_IR 192"),
            element(0x0010_0010, Some("PN"), "Ä^Ada=山".as_bytes()),
            element(0x0028_0010, Some("US"), &[0, 2]),
            element(0x0028_0030, Some("DS"), b"0.5\\0.25 "),
            element(0x0028_0106, Some("SS"), &[0xFF, 0xFF]),
            element(0x0028_1201, Some("OW"), &[1, 2]),
            element(0x0028_1054, Some("LO"), b""),
            element(0x0054_1000, Some("FD"), &1.5_f64.to_le_bytes()),
            element(0x0054_1001, Some("SQ"), &item),
            element(0x7FE0_0010, Some("OW"), &[1, 2]),
        ],
    );
    let expected = json!({
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Ä^Ada", "Ideographic": "山"}]},
        "00280010": {"vr": "US", "Value": [512]},
        "00280030": {"vr": "DS", "Value": ["0.5", "0.25"]},
        "00280106": {"vr": "SS", "Value": [-1]},
        "00281201": {"vr": "OW", "InlineBinary": "AQI="},
        "00281054": {"vr": "LO"},
        "00541000": {"vr": "FD", "Value": [1.5]},
        "00541001": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["HU"]}}]},
        "00083002": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]},
    });
    assert_eq!(Value::Object(read(&bytes).unwrap()), expected);
}

#[test]
fn implicit_vr_is_known_by_what_it_stands_for() {
    let item = element(
        0xFFFE_E000,
        None,
        &element(0x0028_3002, None, &[4, 0, 0xFE, 0xFF, 16, 0]),
    );
    let bytes = file(
        "1.2.840.10008.1.2",
        &[
            element(0x0020_0032, None, b"1\\2\\-3.5"),
            element(0x0028_0010, None, &[0, 2]),
            element(0x0028_0103, None, &[1, 0]),
            element(0x0028_3000, None, &item),
        ],
    );
    let set = read(&bytes).unwrap();
    assert_eq!(set["00200032"]["Value"], json!(["1", "2", "-3.5"]));
    assert_eq!(set["00280010"]["Value"], json!([512]));
    // Signed, as Pixel Representation says.
    let table = &set["00283000"]["Value"][0]["00283002"]["Value"];
    assert_eq!(table, &json!([4, -2, 16]));
}

#[test]
fn text_in_unknown_characters_is_left_out() {
    let named = |charset: &str| {
        let set = [
            element(0x0008_0005, Some("CS"), charset.as_bytes()),
            element(0x0010_0010, Some("PN"), b"M\xFCller"),
        ];
        let set = read(&file("1.2.840.10008.1.2.1", &set)).unwrap();
        set.get("00100010")
            .map(|name| name["Value"][0]["Alphabetic"].clone())
    };
    assert_eq!(named("ISO_IR 100"), Some(json!("Müller")));
    assert_eq!(named("ISO_IR 144"), None);
    assert_eq!(named("ISO_IR 192"), None);
}

#[test]
fn every_truncation_is_an_error_or_a_shorter_header_and_never_a_panic() {
    let item = element(0xFFFE_E000, None, &element(0x0008_0100, Some("SH"), b"HU"));
    let bytes = file(
        "1.2.840.10008.1.2.1",
        &[
            element(0x0028_0030, Some("DS"), b"0.5\\0.25 "),
            element(0x0054_1001, Some("SQ"), &item),
        ],
    );
    let whole = read(&bytes).unwrap().len();
    for length in 0..bytes.len() {
        assert!(
            read(&bytes[..length]).map_or(0, |set| set.len()) < whole,
            "{length}"
        );
    }
    assert_eq!(read(&bytes[..132]), Err(Part10Error::NotAFile));
}

#[test]
fn what_an_item_says_of_its_characters_and_numbers_ends_with_it() {
    let inner = [
        element(0x0008_0005, Some("CS"), b"ISO_IR 100"),
        element(0x0028_0103, Some("US"), &[1, 0]),
    ];
    let item = element(0xFFFE_E000, None, &inner.concat());
    let bytes = file(
        "1.2.840.10008.1.2.1",
        &[
            element(0x0008_0005, Some("CS"), b"ISO_IR 192"),
            element(0x0008_1140, Some("SQ"), &item),
            element(0x0010_0010, Some("PN"), "Müller".as_bytes()),
        ],
    );
    let name = &read(&bytes).unwrap()["00100010"]["Value"][0]["Alphabetic"];
    assert_eq!(name, "Müller");
    let inner = element(0xFFFE_E000, None, &element(0x0028_0103, None, &[1, 0]));
    let bytes = file(
        "1.2.840.10008.1.2",
        &[
            element(0x0028_0103, None, &[0, 0]),
            element(0x0028_2000, None, &inner),
            element(0x0028_3002, None, &[4, 0, 0xFE, 0xFF, 16, 0]),
        ],
    );
    let table = &read(&bytes).unwrap()["00283002"]["Value"];
    assert_eq!(table, &json!([4, 65534, 16]));
}

#[test]
fn items_of_unknown_vr_and_undefined_length_are_in_implicit_vr() {
    // PS3.5 section 6.2.2, note 4.
    let item = element(
        0xFFFE_E000,
        None,
        &element(0x0009_1001, None, b"some text!"),
    );
    let mut unknown = vec![0x09, 0, 0x10, 0x10];
    unknown.extend(b"UN\0\0\xFF\xFF\xFF\xFF");
    unknown.extend(item);
    unknown.extend(element(0xFFFE_E0DD, None, b""));
    let set = [
        unknown,
        element(0x0010_0020, Some("LO"), b"ID"),
        element(0x7FE0_0010, Some("OW"), &[7, 8]),
    ];
    let bytes = file("1.2.840.10008.1.2.1", &set);
    assert_eq!(read(&bytes).unwrap()["00100020"]["Value"][0], "ID");
    let found = super::super::part10::find(&|range: Range<usize>| {
        let end = range.end.min(bytes.len());
        bytes.get(range.start..end).unwrap_or_default().to_vec()
    });
    assert!(found.is_ok(), "{found:?}");
}

#[test]
fn the_pixels_know_of_which_instance_they_are() {
    let set = [
        element(0x0008_0018, Some("UI"), b"1.2.3\0"),
        element(0x7FE0_0010, Some("OW"), &[7, 8]),
    ];
    let bytes = file("1.2.840.10008.1.2.1", &set);
    let found = super::super::part10::find(&|range: Range<usize>| {
        let end = range.end.min(bytes.len());
        bytes.get(range.start..end).unwrap_or_default().to_vec()
    });
    assert_eq!(found.unwrap().instance.as_deref(), Some("1.2.3"));
}
