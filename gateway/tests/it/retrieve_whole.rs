//! WADO-RS: whole instances, as stored and as Explicit VR Little Endian.

use std::io::Write as _;

use dicom_core::value::{DataSetSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use crate::files::{BIG_ENDIAN, EXPLICIT, IMPLICIT, JPEG_LS, Made, ct, empty, encapsulated, parts};
use crate::login;
use crate::server::{Answer, Server};

const AS_STORED: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const RLE: &str = "1.2.840.10008.1.2.5";
const MPEG4: &str = "1.2.840.10008.1.2.4.102";

fn get(server: &Server, path: &str, accept: &str) -> Answer {
    server.request("GET", path, &[("Accept", accept)])
}

/// What follows the meta group, whose length stands in its first element (PS3.10 section 7.1).
fn data_set(file: &[u8]) -> &[u8] {
    assert_eq!(&file[..128], &[0; 128]);
    assert_eq!(&file[128..140], b"DICM\x02\0\0\0UL\x04\0");
    let length = u32::from_le_bytes(file[140..144].try_into().unwrap()) as usize;
    &file[144 + length..]
}

fn one_part(answer: &Answer) -> (String, Vec<u8>) {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let mut parts = parts(answer);
    assert_eq!(parts.len(), 1);
    parts.remove(0)
}

#[test]
fn a_stored_data_set_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let mut compressed = ct("1", "2", 2);
    compressed.transfer_syntax = JPEG_LS;
    let pixels = encapsulated(&[], &[&[0xFF, 0xD8, 1, 2, 3, 4]]);
    let first = ct("1", "2", 1).write(folder.path(), "a.dcm");
    let second = compressed.write_with(folder.path(), "b.dcm", &pixels);
    let third = ct("1", "3", 1).write(folder.path(), "c.dcm");
    let server = Server::over(folder.path());
    let stored = |path: &std::path::Path| data_set(&std::fs::read(path).unwrap()).to_vec();
    let study = get(&server, "/dicomweb/studies/1", AS_STORED);
    let kind = study.header("content-type").unwrap();
    assert!(
        kind.starts_with("multipart/related; type=\"application/dicom\"; boundary="),
        "{kind}"
    );
    let found: Vec<(String, Vec<u8>)> = parts(&study)
        .into_iter()
        .map(|(kind, file)| (kind, data_set(&file).to_vec()))
        .collect();
    let plain = format!("application/dicom {EXPLICIT}");
    let packed = format!("application/dicom {JPEG_LS}");
    let expected = [
        (plain.clone(), stored(&first)),
        (packed.clone(), stored(&second)),
        (plain.clone(), stored(&third)),
    ];
    assert_eq!(found, expected);
    let series = get(&server, "/dicomweb/local/studies/1/series/2", AS_STORED);
    assert_eq!(parts(&series).len(), 2);
    let instance = get(&server, &compressed.address(), AS_STORED);
    let (kind, file) = one_part(&instance);
    assert_eq!((kind, data_set(&file)), (packed, &stored(&second)[..]));
}

/// A preamble may be a program for those who believe so.
#[test]
fn t16_a_preamble_goes_out_as_zeros_and_the_meta_group_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = ct("1", "2", 1).write(folder.path(), "a.dcm");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..128].fill(b'M');
    std::fs::write(&path, &bytes).unwrap();
    let server = Server::over(folder.path());
    let (_, file) = one_part(&get(&server, &ct("1", "2", 1).address(), "*/*"));
    assert_eq!(file[..128], [0; 128]);
    assert_eq!(file[128..], bytes[128..]);
}

#[test]
fn a_file_without_meta_group_gets_one() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    let path = made.write(folder.path(), "a.dcm");
    let set = data_set(&std::fs::read(&path).unwrap()).to_vec();
    std::fs::write(&path, &set).unwrap();
    let server = Server::over(folder.path());
    for accept in [AS_STORED, "*/*"] {
        let (kind, file) = one_part(&get(&server, &made.address(), accept));
        assert_eq!(kind, format!("application/dicom {EXPLICIT}"));
        assert_eq!(data_set(&file), set);
        let read = dicom_object::from_reader(&file[..]).unwrap();
        assert_eq!(read.meta().transfer_syntax(), EXPLICIT);
        assert_eq!(
            read.meta()
                .media_storage_sop_instance_uid()
                .trim_end_matches('\0'),
            "2.1"
        );
    }
}

/// Nested, private, signed and long: what has to be written anew.
fn varied(syntax: &'static str) -> Made {
    let mut made = ct("1", "2", 1);
    made.transfer_syntax = syntax;
    made.put(tags::PIXEL_REPRESENTATION, VR::US, 1u16.into());
    let padding = PrimitiveValue::from(-2000i16);
    made.put(tags::PIXEL_PADDING_VALUE, VR::SS, padding);
    made.put(tags::EXPOSURE_TIME_INMS, VR::FD, 2.5f64.into());
    made.put(
        tags::FRAME_INCREMENT_POINTER,
        VR::AT,
        PrimitiveValue::Tags([tags::FRAME_TIME].as_slice().into()),
    );
    made.text(tags::IMAGE_COMMENTS, VR::LT, &"long ".repeat(1000));
    let wide: Vec<u16> = (0..3000).collect();
    made.put(
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        VR::OW,
        PrimitiveValue::U16(wide.into()),
    );
    made.text(Tag(0x0029, 0x0010), VR::LO, "SAGITTA TEST");
    let mut inner = InMemDicomObject::new_empty();
    inner.put(DataElement::new(
        tags::SIMPLE_FRAME_LIST,
        VR::UL,
        PrimitiveValue::U32([1, 65_794].as_slice().into()),
    ));
    let mut item = InMemDicomObject::new_empty();
    item.put(DataElement::new(
        tags::REFERENCED_SOP_INSTANCE_UID,
        VR::UI,
        PrimitiveValue::from("1.2.3"),
    ));
    let nested = DataSetSequence::from(vec![inner, InMemDicomObject::new_empty()]);
    item.put(DataElement::new(
        tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
        VR::SQ,
        Value::from(nested),
    ));
    made.set.put(DataElement::new(
        tags::REFERENCED_IMAGE_SEQUENCE,
        VR::SQ,
        Value::from(DataSetSequence::from(vec![item])),
    ));
    made
}

/// Same attributes, same VRs, same values; lengths of sequences may be written in two ways.
fn assert_same(found: &InMemDicomObject, expected: &InMemDicomObject) {
    let tags = |set: &InMemDicomObject| set.iter().map(|it| it.header().tag).collect::<Vec<_>>();
    assert_eq!(tags(found), tags(expected));
    for (found, expected) in found.iter().zip(expected) {
        let tag = found.header().tag;
        assert_eq!(found.vr(), expected.vr(), "{tag}");
        match (found.items(), expected.items()) {
            (Some(found), Some(expected)) => {
                assert_eq!(found.len(), expected.len(), "{tag}");
                for (found, expected) in found.iter().zip(expected) {
                    assert_same(found, expected);
                }
            }
            (None, None) => {
                let [found, expected] = [found, expected].map(|element| {
                    let text = element.to_multi_str().unwrap();
                    let trimmed = text.iter().map(|it| it.trim_end_matches(['\0', ' ']));
                    trimmed.collect::<Vec<_>>().join("\\")
                });
                assert_eq!(found, expected, "{tag}");
            }
            _ => panic!("{tag} is a sequence in one of them only"),
        }
    }
}

/// PS3.18 section 8.7.3.3: these syntaxes are never sent.
#[test]
fn implicit_big_endian_and_deflated_files_go_out_as_explicit_little_endian() {
    let expected = varied(EXPLICIT).set;
    for syntax in [IMPLICIT, BIG_ENDIAN, DEFLATED] {
        let folder = tempfile::tempdir().unwrap();
        let path = match syntax {
            DEFLATED => {
                let path = varied(EXPLICIT).write(folder.path(), "a.dcm");
                deflate(&path);
                path
            }
            _ => varied(syntax).write(folder.path(), "a.dcm"),
        };
        assert!(path.exists());
        let server = Server::over(folder.path());
        for accept in [AS_STORED, "*/*", "application/dicom"] {
            let answer = get(&server, &varied(syntax).address(), accept);
            let (kind, file) = one_part(&answer);
            assert_eq!(kind, format!("application/dicom {EXPLICIT}"), "{syntax}");
            let read = dicom_object::from_reader(&file[..]).unwrap();
            assert_eq!(read.meta().transfer_syntax(), EXPLICIT);
            assert_same(&read, &expected);
        }
        let stored =
            format!("multipart/related; type=\"application/dicom\"; transfer-syntax={syntax}");
        assert_eq!(get(&server, &varied(syntax).address(), &stored).status, 406);
    }
}

/// Writes an explicit file anew with its data set deflated (PS3.5 A.5).
fn deflate(path: &std::path::Path) {
    let bytes = std::fs::read(path).unwrap();
    let mut file = vec![0; 128];
    file.extend(b"DICM\x02\0\x10\0UI\x16\0");
    file.extend(DEFLATED.as_bytes());
    let mut writer = flate2::write::DeflateEncoder::new(file, flate2::Compression::default());
    writer.write_all(data_set(&bytes)).unwrap();
    std::fs::write(path, writer.finish().unwrap()).unwrap();
}

/// Two frames of 4 x 1 pixels, run length encoded by hand (PS3.5 annex G): one literal run each.
fn run_length() -> Vec<u8> {
    let frame = |pixels: [u8; 4]| {
        let mut bytes = vec![0; 64];
        bytes[0] = 1;
        bytes[4] = 64;
        bytes.push(3);
        bytes.extend(pixels);
        bytes.push(0x80);
        bytes
    };
    let frames = [frame([10, 20, 30, 40]), frame([50, 60, 70, 80])];
    encapsulated(&[], &[&frames[0], &frames[1]])
}

fn compressed() -> Made {
    let mut made = empty("1", "2", "3");
    made.image(1, 4, 8);
    made.text(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    made.transfer_syntax = RLE;
    made
}

#[test]
fn compressed_pixels_are_decoded_unless_they_are_asked_for_as_stored() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = compressed();
    let path = made.write_with(folder.path(), "a.dcm", &run_length());
    let server = Server::over(folder.path());
    let named = format!("application/dicom; transfer-syntax={EXPLICIT}");
    for accept in [
        "*/*",
        "application/dicom",
        "multipart/related; type=\"application/dicom\"",
        &named,
    ] {
        let (kind, file) = one_part(&get(&server, &made.address(), accept));
        assert_eq!(kind, format!("application/dicom {EXPLICIT}"), "{accept}");
        let read = dicom_object::from_reader(&file[..]).unwrap();
        assert_eq!(read.meta().transfer_syntax(), EXPLICIT);
        let pixels = read.element(tags::PIXEL_DATA).unwrap();
        assert_eq!(pixels.vr(), VR::OB);
        let bytes = pixels.to_bytes().unwrap();
        assert_eq!(&*bytes, [10, 20, 30, 40, 50, 60, 70, 80]);
    }
    let rle = format!("application/dicom; transfer-syntax={RLE}");
    for accept in [AS_STORED, &rle] {
        let (kind, file) = one_part(&get(&server, &made.address(), accept));
        assert_eq!(kind, format!("application/dicom {RLE}"));
        let stored = std::fs::read(&path).unwrap();
        assert_eq!(data_set(&file), data_set(&stored));
    }
    let other = format!("application/dicom; transfer-syntax={JPEG_LS}");
    assert_eq!(get(&server, &made.address(), &other).status, 406);
}

#[test]
fn what_is_not_offered_is_406_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut film = compressed();
    film.transfer_syntax = MPEG4;
    let pixels = encapsulated(&[], &[&[0, 0, 1, 0xB3]]);
    film.write_with(folder.path(), "a.dcm", &pixels);
    ct("1", "4", 1).write(folder.path(), "b.dcm");
    ct("1", "4", 2).write(folder.path(), "c.dcm");
    let server = Server::over(folder.path());
    let refused = |path: &str, accept: &str| {
        let answer = get(&server, path, accept);
        assert_eq!(answer.status, 406, "{path} {accept}");
        let message = answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(message.contains("multipart/related"), "{message}");
        message
    };
    let message = refused(&film.address(), "*/*");
    assert!(message.contains("transfer-syntax=*"), "{message}");
    // The whole study cannot be had decoded, either.
    refused("/dicomweb/studies/1", "");
    assert_eq!(get(&server, "/dicomweb/studies/1", AS_STORED).status, 200);
    // Two files are no single one.
    refused("/dicomweb/studies/1/series/4", "application/dicom");
    refused("/dicomweb/studies/1/series/4", "image/jpeg");
    refused(&film.address(), "application/dicom;q=0");
    for (path, code) in [
        ("/dicomweb/studies/9", "study_unknown"),
        ("/dicomweb/studies/1/series/9", "series_unknown"),
        (
            "/dicomweb/studies/1/series/4/instances/9",
            "instance_unknown",
        ),
    ] {
        let answer = get(&server, path, "*/*");
        assert_eq!((answer.status, answer.error_code().as_str()), (404, code));
    }
}

/// PS3.18 sections 8.3.3.1 and 8.7.5.
#[test]
fn accept_in_the_query_comes_before_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    let path = made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let single = format!("{}?accept=application%2Fdicom", made.address());
    for accept in [
        "multipart/related; type=\"application/dicom\"",
        "image/png",
        "",
    ] {
        let answer = get(&server, &single, accept);
        let kind = answer.header("content-type").unwrap();
        assert_eq!(
            kind,
            format!("application/dicom; transfer-syntax={EXPLICIT}")
        );
        let length = answer.header("content-length").unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), answer.body.len());
        assert_eq!(answer.body, std::fs::read(&path).unwrap());
    }
    let odd = format!("{}?accept=text/html", made.address());
    assert_eq!(get(&server, &odd, "application/dicom").status, 200);
    assert_eq!(get(&server, &odd, "text/plain").status, 406);
    let set = format!("{}?charset=iso-8859-1", made.address());
    let answer = get(&server, &set, "*/*");
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (406, "charset_unknown")
    );
    let weights = "application/dicom;q=0.2, multipart/related; type=application/dicom";
    let answer = get(&server, &made.address(), weights);
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("multipart/")
    );
}

#[test]
fn t12_a_whole_instance_is_taken_away_with_a_reason_and_on_record() {
    let (_folder, server) = login::server("optional");
    let radiologist = login::user(&server, "rad", "radiologist");
    let technologist = login::user(&server, "tech", "technologist");
    let status =
        |path: &str, cookie: &str| server.request("GET", path, &[("Cookie", cookie)]).status;
    let listed = server.request("GET", "/dicomweb/instances", &[("Cookie", &radiologist)]);
    let set = &listed.json()[0];
    let uid = |tag: &str| set[tag]["Value"][0].as_str().unwrap().to_owned();
    let path =
        protocol::dicomweb::path::instance(&uid("0020000D"), &uid("0020000E"), &uid("00080018"));
    let path = format!("/dicomweb/{path}");
    let with_reason = format!("{path}?reason=second+opinion");
    assert_eq!(status(&path, &radiologist), 404);
    assert_eq!(status(&with_reason, &technologist), 404);
    assert_eq!(status(&with_reason, &radiologist), 200);
    let record = server.request("GET", "/api/audit", &[("Cookie", &radiologist)]);
    let text = String::from_utf8(record.body).unwrap();
    assert!(
        text.contains("second opinion") && text.contains("exported"),
        "{text}"
    );
}
