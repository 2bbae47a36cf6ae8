//! Broken files: indexed or refused in words, in bounded memory, and the server stays up.

use std::fs;

use dicom_core::VR;
use dicom_dictionary_std::tags;
use gateway::source::folder::scan::{ScanLimits, scan};

use crate::files::{BIG_ENDIAN, EXPLICIT, IMPLICIT, JPEG_LS, Made, ct};
use crate::server::Server;

fn small_files() -> Vec<Made> {
    let mut made: Vec<Made> = [EXPLICIT, IMPLICIT, BIG_ENDIAN]
        .into_iter()
        .map(|syntax| Made {
            transfer_syntax: syntax,
            ..ct("1", "2", 1)
        })
        .collect();
    let mut fragments = ct("1", "2", 1);
    fragments.fragments(JPEG_LS, vec![0], vec![vec![0xFF, 0xD8, 0xFF, 0xD9]]);
    made.push(fragments);
    made
}

#[test]
fn every_truncation_is_indexed_or_refused_in_words() {
    for made in small_files() {
        let folder = tempfile::tempdir().unwrap();
        let whole = fs::read(made.write(folder.path(), "whole.dcm")).unwrap();
        let mut cuts = 0;
        for length in (0..whole.len()).step_by(10) {
            fs::write(
                folder.path().join(format!("cut{length:05}.dcm")),
                &whole[..length],
            )
            .unwrap();
            cuts += 1;
        }
        let server = Server::over(folder.path());
        let refused = server.state.store.refused().unwrap();
        assert!(
            refused
                .iter()
                .all(|(_, reason)| reason.len() > 10 && !reason.contains('\n'))
        );
        // All that are indexed have the same UIDs, so the last one stands for them.
        assert_eq!(
            server
                .get("/dicomweb/instances")
                .json()
                .as_array()
                .unwrap()
                .len(),
            1
        );
        let header = whole.len() - 80;
        let expected = cuts - refused.len();
        assert!(
            expected > 0 && refused.len() * 10 < header + 200,
            "{} refused",
            refused.len()
        );
        let frame = server.get(&format!("{}/frames/1", made.address())).status;
        assert!(matches!(frame, 200 | 406), "{frame}");
        assert_eq!(server.get("/healthz").status, 200);
    }
}

#[test]
fn a_file_that_ends_inside_its_pixels_is_listed_and_its_frame_says_why_it_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    let path = made.write(folder.path(), "a.dcm");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let server = Server::over(folder.path());
    let answer = server.get(&format!("{}/frames/1", made.address()));
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (404, "frame_incomplete")
    );
}

/// An element of three gigabytes in a file of a few hundred bytes: were it believed, this test
/// would take three gigabytes.
#[test]
fn t14_a_declared_length_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = ct("1", "2", 1).write(folder.path(), "a.dcm");
    let mut bytes = fs::read(&path).unwrap();
    let pixels = bytes
        .windows(4)
        .rposition(|window| window == [0xE0, 0x7F, 0x10, 0])
        .unwrap();
    bytes.truncate(pixels);
    bytes.extend([0xE0, 0x7F, 0x01, 0, b'O', b'B', 0, 0]);
    bytes.extend(3_221_225_472u32.to_le_bytes());
    bytes.extend([0; 40]);
    fs::write(&path, bytes).unwrap();
    let scanned = scan(&path, &ScanLimits::default()).unwrap();
    assert_eq!(scanned.fault.unwrap().to_string(), "it ends too early");
    assert!(scanned.attributes.contains_key("00080018"));
}

#[test]
fn t14_sequences_without_end_stop_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = ct("1", "2", 1).write(folder.path(), "a.dcm");
    let mut bytes = fs::read(&path).unwrap();
    let pixels = bytes
        .windows(4)
        .rposition(|window| window == [0xE0, 0x7F, 0x10, 0])
        .unwrap();
    bytes.truncate(pixels);
    for _ in 0..100_000 {
        bytes.extend([
            0x40, 0, 0x75, 0x02, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        ]);
        bytes.extend([0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    fs::write(&path, bytes).unwrap();
    let scanned = scan(&path, &ScanLimits::default()).unwrap();
    assert_eq!(
        scanned.fault.unwrap().to_string(),
        "its sequences are nested deeper than 32"
    );
}

#[test]
fn t14_a_deflated_bomb_stops_at_the_cap() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let path = ct("1", "2", 1).write(folder.path(), "a.dcm");
    let bytes = fs::read(&path).unwrap();
    let set = 132
        + bytes[132..]
            .windows(4)
            .position(|window| window == [8, 0, 0x16, 0])
            .unwrap();
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    file.extend([2, 0, 0x10, 0, b'U', b'I', 22, 0]);
    file.extend(b"1.2.840.10008.1.2.1.99");
    let mut encoder = flate2::write::DeflateEncoder::new(file, flate2::Compression::fast());
    // A private value of 64 MiB of zeros after the header.
    let pixels = bytes
        .windows(4)
        .rposition(|window| window == [0xE0, 0x7F, 0x10, 0])
        .unwrap();
    encoder.write_all(&bytes[set..pixels]).unwrap();
    encoder
        .write_all(&[0x29, 0, 0x10, 0x10, b'O', b'B', 0, 0])
        .unwrap();
    encoder.write_all(&(64u32 << 20).to_le_bytes()).unwrap();
    for _ in 0..64 {
        encoder.write_all(&[0; 1 << 20]).unwrap();
    }
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    let limits = ScanLimits {
        inflated_bytes: 1 << 20,
        ..ScanLimits::default()
    };
    let scanned = scan(&path, &limits).unwrap();
    assert_eq!(
        scanned.fault.unwrap().to_string(),
        "it inflates to more than 1048576 bytes"
    );
    assert_eq!(scanned.attributes["00100020"]["Value"][0], "P1");
}

#[test]
fn numbers_that_are_none_and_empty_values_do_not_stop_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = ct("1", "2", 1);
    made.text(tags::SLICE_THICKNESS, VR::DS, "thick");
    made.text(tags::WINDOW_CENTER, VR::DS, "");
    made.text(tags::WINDOW_WIDTH, VR::DS, "4e2\\ ");
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let set = &server.get(&format!("{}/metadata", made.address())).json()[0];
    assert_eq!(set["00180050"]["Value"], serde_json::json!(["thick"]));
    assert_eq!(set["00281050"].get("Value"), None);
    assert_eq!(set["00281051"]["Value"], serde_json::json!([400.0, null]));
}

/// Seeded damage: bytes changed, cut out and put in. Whatever comes of it, it comes in words.
#[test]
fn damaged_headers_never_break_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let limits = ScanLimits {
        inline_bytes: 1 << 20,
        ..ScanLimits::default()
    };
    let mut seed = 20_240_229u64;
    let mut random = move |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for made in small_files() {
        let path = made.write(folder.path(), "whole.dcm");
        let whole = fs::read(&path).unwrap();
        for _ in 0..500 {
            let mut bytes = whole.clone();
            for _ in 0..=random(4) {
                let at = 128 + random(bytes.len() - 128);
                match random(3) {
                    0 => bytes[at] = u8::try_from(random(256)).unwrap(),
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, [0, 0xFF, 0xFE][random(3)]),
                }
            }
            fs::write(&path, bytes).unwrap();
            match scan(&path, &limits) {
                Ok(scanned) => assert!(scanned.attributes.contains_key("00080005")),
                Err(error) => assert!(error.to_string().starts_with("it ")),
            }
        }
    }
}
