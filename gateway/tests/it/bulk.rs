//! Values beside the pixels: in the metadata, or at an address that answers.

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use serde_json::{Value, json};

use crate::files::{BIG_ENDIAN, EXPLICIT, IMPLICIT, Made, ct};
use crate::server::{Answer, Server};

const OVERLAY_DATA: Tag = Tag(0x6000, 0x3000);

fn served(made: &Made) -> (tempfile::TempDir, Server, Value) {
    let folder = tempfile::tempdir().unwrap();
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let metadata = server.get(&format!("{}/metadata", made.address())).json();
    (folder, server, metadata[0].clone())
}

fn words(count: u16) -> Vec<u16> {
    (0..count).map(|word| word.wrapping_mul(257)).collect()
}

fn little(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn sequence(made: &mut Made, tag: Tag, items: Vec<InMemDicomObject>) {
    let value = DataSetSequence::from(items);
    made.set.put(DataElement::new(tag, VR::SQ, value));
}

/// A VOI LUT of 16-bit entries, as an item.
fn lut(entries: &[u16]) -> InMemDicomObject {
    let count = u16::try_from(entries.len()).unwrap();
    let descriptor = PrimitiveValue::U16([count, 0, 16].as_slice().into());
    let data = PrimitiveValue::U16(entries.into());
    InMemDicomObject::from_element_iter([
        DataElement::new(tags::LUT_DESCRIPTOR, VR::US, descriptor),
        DataElement::new(tags::LUT_DATA, VR::OW, data),
    ])
}

#[test]
fn large_words_of_any_file_have_an_address_that_answers_little_endian() {
    for syntax in [EXPLICIT, IMPLICIT, BIG_ENDIAN] {
        let mut made = ct("1", "2", 1);
        made.transfer_syntax = syntax;
        let (palette, overlay) = (words(4096), words(1000));
        let put = |made: &mut Made, tag, words: &[u16]| {
            made.put(tag, VR::OW, PrimitiveValue::U16(words.into()));
        };
        put(
            &mut made,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            &palette,
        );
        put(&mut made, OVERLAY_DATA, &overlay);
        sequence(
            &mut made,
            tags::VOILUT_SEQUENCE,
            vec![lut(&words(2)), lut(&words(3000))],
        );
        let (_folder, server, set) = served(&made);
        let item = &set["00283010"]["Value"][1];
        for (element, expected) in [
            (&set["00281201"], &palette),
            (&set["60003000"], &overlay),
            (&item["00283006"], &words(3000)),
        ] {
            assert_eq!(element["vr"], "OW", "{syntax}");
            let address = element["BulkDataURI"].as_str().unwrap();
            assert!(
                address.starts_with("/dicomweb/local/studies/1/"),
                "{address}"
            );
            assert_eq!(server.get(address).body, little(expected), "{syntax}");
        }
        assert_eq!(
            item["00283002"],
            json!({"vr": "US", "Value": [3000, 0, 16]})
        );
    }
}

/// PS3.5 A.1: without VRs in the file LUT Data and Overlay Data are words.
#[test]
fn small_values_are_in_the_metadata_with_the_vr_that_they_have() {
    for syntax in [EXPLICIT, IMPLICIT, BIG_ENDIAN] {
        let mut made = ct("1", "2", 1);
        made.transfer_syntax = syntax;
        sequence(&mut made, tags::VOILUT_SEQUENCE, vec![lut(&[1, 256])]);
        made.put(
            OVERLAY_DATA,
            VR::OW,
            PrimitiveValue::U16([258u16].as_slice().into()),
        );
        made.put(
            tags::ICC_PROFILE,
            VR::OB,
            PrimitiveValue::U8([7u8, 8].as_slice().into()),
        );
        made.text(tags::FRAME_TIME_VECTOR, VR::DS, "0\\33.3\\40");
        let (_folder, _server, set) = served(&made);
        let item = &set["00283010"]["Value"][0];
        // The words 1 and 256, then 258, little endian.
        assert_eq!(
            item["00283006"],
            json!({"vr": "OW", "InlineBinary": "AQAAAQ=="}),
            "{syntax}"
        );
        assert_eq!(set["60003000"], json!({"vr": "OW", "InlineBinary": "AgE="}));
        assert_eq!(set["00282000"], json!({"vr": "OB", "InlineBinary": "Bwg="}));
        assert_eq!(set["00181065"]["Value"], json!([0, 33.3, 40]));
    }
}

#[test]
fn us_or_ss_has_the_sign_of_the_pixels() {
    for (signed, expected) in [
        (1u16, json!({"vr": "SS", "Value": [-2000]})),
        (0, json!({"vr": "US", "Value": [63536]})),
    ] {
        let mut made = ct("1", "2", 1);
        made.transfer_syntax = IMPLICIT;
        made.put(tags::PIXEL_REPRESENTATION, VR::US, signed.into());
        made.put(tags::PIXEL_PADDING_VALUE, VR::US, 63536u16.into());
        // An image inside, as an icon, has a sign of its own.
        let icon = |representation: u16| {
            InMemDicomObject::from_element_iter([
                DataElement::new(
                    tags::PIXEL_REPRESENTATION,
                    VR::US,
                    PrimitiveValue::from(representation),
                ),
                DataElement::new(
                    tags::SMALLEST_IMAGE_PIXEL_VALUE,
                    VR::US,
                    PrimitiveValue::from(65535u16),
                ),
            ])
        };
        sequence(&mut made, Tag(0x0028, 0x0104), Vec::new());
        sequence(&mut made, tags::ICON_IMAGE_SEQUENCE, vec![icon(1 - signed)]);
        let mapping = InMemDicomObject::from_element_iter([DataElement::new(
            tags::REAL_WORLD_VALUE_FIRST_VALUE_MAPPED,
            VR::US,
            PrimitiveValue::from(63536u16),
        )]);
        made.set.remove_element(Tag(0x0028, 0x0104));
        sequence(
            &mut made,
            tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE,
            vec![mapping],
        );
        let (_folder, _server, set) = served(&made);
        assert_eq!(set["00280120"], expected);
        assert_eq!(set["00409096"]["Value"][0]["00409216"], expected);
        let inside = &set["00880200"]["Value"][0]["00280106"];
        assert_eq!(
            inside["Value"],
            if signed == 1 {
                json!([65535])
            } else {
                json!([-1])
            }
        );
    }
}

#[test]
fn tables_inside_functional_groups_have_addresses_of_their_own() {
    for syntax in [EXPLICIT, IMPLICIT, BIG_ENDIAN] {
        let mut made = ct("1", "2", 1);
        made.transfer_syntax = syntax;
        let frame = |count| {
            let voi = InMemDicomObject::from_element_iter([DataElement::new(
                tags::VOILUT_SEQUENCE,
                VR::SQ,
                DataSetSequence::from(vec![lut(&words(count))]),
            )]);
            InMemDicomObject::from_element_iter([DataElement::new(
                tags::FRAME_VOILUT_SEQUENCE,
                VR::SQ,
                DataSetSequence::from(vec![voi]),
            )])
        };
        let groups = vec![frame(700), frame(800)];
        sequence(
            &mut made,
            tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
            groups,
        );
        let (_folder, server, set) = served(&made);
        for (index, count) in [700, 800].into_iter().enumerate() {
            let frame = &set["52009230"]["Value"][index];
            let data = &frame["00289132"]["Value"][0]["00283010"]["Value"][0]["00283006"];
            let answer = server.get(data["BulkDataURI"].as_str().unwrap());
            assert_eq!(answer.body, little(&words(count)), "{syntax}");
        }
    }
}

/// PS3.5 6.2.2: a sequence that someone wrote as UN is implicit little endian inside.
#[test]
fn a_sequence_written_as_unknown_is_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    for syntax in [EXPLICIT, BIG_ENDIAN] {
        let mut made = ct("1", "2", 1);
        made.transfer_syntax = syntax;
        let data = little(&words(600));
        let inner: Vec<u8> = [&[0x28, 0, 0x06, 0x30][..], &1200u32.to_le_bytes(), &data].concat();
        let item = crate::files::item(&inner);
        made.put(
            tags::VOILUT_SEQUENCE,
            VR::UN,
            PrimitiveValue::U8(item.into()),
        );
        made.write(folder.path(), "a.dcm");
        let server = Server::over(folder.path());
        let set = server.get(&format!("{}/metadata", made.address())).json()[0].clone();
        let element = &set["00283010"]["Value"][0]["00283006"];
        assert_eq!(element["vr"], "OW");
        let answer = server.get(element["BulkDataURI"].as_str().unwrap());
        assert_eq!(answer.body, data, "{syntax}");
    }
}

#[test]
fn a_part_of_a_value_is_sent_where_a_range_is_asked_for() {
    for syntax in [EXPLICIT, BIG_ENDIAN] {
        let mut made = ct("1", "2", 1);
        made.transfer_syntax = syntax;
        made.put(
            OVERLAY_DATA,
            VR::OW,
            PrimitiveValue::U16(words(1000).into()),
        );
        let (_folder, server, set) = served(&made);
        let address = set["60003000"]["BulkDataURI"].as_str().unwrap();
        let whole = little(&words(1000));
        let range = |range: &str| -> Answer { server.request("GET", address, &[("Range", range)]) };
        let all = server.get(address);
        assert_eq!(
            (all.status, all.header("accept-ranges")),
            (200, Some("bytes"))
        );
        for (header, from, to) in [
            ("bytes=0-9", 0, 10),
            ("bytes=3-4", 3, 5),
            ("bytes=1001-", 1001, 2000),
            ("bytes=-7", 1993, 2000),
            ("bytes=1990-5000", 1990, 2000),
        ] {
            let answer = range(header);
            assert_eq!(answer.status, 206, "{header}");
            assert_eq!(answer.body, whole[from..to], "{header}");
            let expected = format!("bytes {from}-{}/2000", to - 1);
            assert_eq!(answer.header("content-range"), Some(expected.as_str()));
        }
        let beyond = range("bytes=2000-");
        assert_eq!(
            (beyond.status, beyond.error_code().as_str()),
            (416, "range_invalid")
        );
        assert_eq!(beyond.header("content-range"), Some("bytes */2000"));
        assert_eq!(range("bytes=0-1,5-6").body, whole);
    }
}

#[test]
fn the_address_of_native_pixels_answers_little_endian() {
    for syntax in [EXPLICIT, IMPLICIT, BIG_ENDIAN] {
        let mut made = ct("1", "2", 1);
        made.transfer_syntax = syntax;
        let (_folder, server, set) = served(&made);
        let answer = server.get(set["7FE00010"]["BulkDataURI"].as_str().unwrap());
        let expected: Vec<u16> = (100..112).collect();
        assert_eq!(answer.body, little(&expected), "{syntax}");
    }
}

/// PS3.18 8.7.5: what goes out is what the client takes.
#[test]
fn a_value_is_a_part_for_those_who_take_parts_alone() {
    let mut made = ct("1", "2", 1);
    made.put(
        OVERLAY_DATA,
        VR::OW,
        PrimitiveValue::U16(words(1000).into()),
    );
    let (_folder, server, set) = served(&made);
    let address = set["60003000"]["BulkDataURI"].as_str().unwrap();
    let whole = little(&words(1000));
    for accept in [
        "multipart/related; type=\"application/octet-stream\"",
        "multipart/related; type=\"*/*\"",
        "multipart/related",
    ] {
        // A range would be one of the body of parts: all of it comes.
        let headers = [("Accept", accept), ("Range", "bytes=0-9")];
        let answer = server.request("GET", address, &headers);
        assert_eq!(answer.status, 200, "{accept}");
        let parts = crate::files::parts(&answer);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].0.trim(), "application/octet-stream");
        assert_eq!(parts[0].1, whole, "{accept}");
    }
    for accept in [
        "*/*",
        "application/octet-stream",
        "multipart/related; type=\"application/octet-stream\", application/octet-stream;q=0.1",
    ] {
        let answer = server.request("GET", address, &[("Accept", accept)]);
        assert_eq!(answer.body, whole, "{accept}");
    }
    for accept in ["image/jpeg", "multipart/related; type=\"image/jpeg\""] {
        let answer = server.request("GET", address, &[("Accept", accept)]);
        assert_eq!(answer.status, 406, "{accept}");
    }
}
