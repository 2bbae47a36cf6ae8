//! Native frames of odd kinds: single bits, words of big endian files, odd lengths.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::files::{BIG_ENDIAN, EXPLICIT, Made, empty, parts};
use crate::server::Server;

/// Pixel Data, or another element of its group, with a value.
fn element(tag: u16, vr: &[u8; 2], value: &[u8], big_endian: bool) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap();
    let (group, tag, length) = if big_endian {
        ([0x7F, 0xE0], tag.to_be_bytes(), length.to_be_bytes())
    } else {
        ([0xE0, 0x7F], tag.to_le_bytes(), length.to_le_bytes())
    };
    [&group[..], &tag, vr, &[0, 0], &length, value].concat()
}

fn image(syntax: &'static str, side: u16, bits: u16, frame_count: u32) -> Made {
    let mut made = empty("1", "2", "3");
    made.transfer_syntax = syntax;
    made.image(side, side, bits);
    made.text(tags::NUMBER_OF_FRAMES, VR::IS, &frame_count.to_string());
    made
}

fn served(mut made: Made, pixels: &[u8]) -> (tempfile::TempDir, Server, String) {
    let folder = tempfile::tempdir().unwrap();
    made.write_with(folder.path(), "a.dcm", pixels);
    let server = Server::over(folder.path());
    (folder, server, made.address())
}

/// All frames in one request.
fn check(made: Made, pixels: &[u8], expected: &[&[u8]]) {
    let (_folder, server, address) = served(made, pixels);
    let list: Vec<String> = (1..=expected.len()).map(|n| n.to_string()).collect();
    let answer = server.get(&format!("{address}/frames/{}", list.join(",")));
    let bodies: Vec<Vec<u8>> = parts(&answer).into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, expected);
}

/// PS3.5 8.2.1 and 7.3: OW is a row of 16-bit words, and each is turned round, whatever it holds.
#[test]
fn bytes_of_big_endian_words_come_in_order_also_where_a_frame_begins_amid_a_word() {
    let stored: Vec<u8> = vec![
        2, 1, 4, 3, 6, 5, 8, 7, 11, 9, 13, 12, 15, 14, 17, 16, 19, 18,
    ];
    check(
        image(BIG_ENDIAN, 3, 8, 2),
        &element(0x10, b"OW", &stored, true),
        &[
            &[1, 2, 3, 4, 5, 6, 7, 8, 9],
            &[11, 12, 13, 14, 15, 16, 17, 18, 19],
        ],
    );
}

#[test]
fn bytes_of_big_endian_files_stay_where_they_are_no_words() {
    check(
        image(BIG_ENDIAN, 2, 8, 1),
        &element(0x10, b"OB", &[1, 2, 3, 4], true),
        &[&[1, 2, 3, 4]],
    );
}

#[test]
fn bits_in_big_endian_words_come_in_order() {
    // Frame 1: nine ones; frame 2: ones at its first and its last pixel. In one word FF 03, in the
    // next 02 00, both turned round.
    check(
        image(BIG_ENDIAN, 3, 1, 2),
        &element(0x10, b"OW", &[0x03, 0xFF, 0x00, 0x02], true),
        &[&[0xFF, 0x01], &[0x01, 0x01]],
    );
}

#[test]
fn packed_bits_of_many_frames_start_on_a_byte_each() {
    // Frame n of 25 bits has a one at its pixel n and nowhere else.
    let count = 17;
    let mut stored = vec![0u8; (25 * count as usize).div_ceil(16) * 2];
    let mut expected = vec![vec![0u8; 4]; count as usize];
    for (frame, bits) in expected.iter_mut().enumerate() {
        let bit = 25 * frame + frame;
        stored[bit / 8] |= 1 << (bit % 8);
        bits[frame / 8] |= 1 << (frame % 8);
    }
    let expected: Vec<&[u8]> = expected.iter().map(Vec::as_slice).collect();
    check(
        image(EXPLICIT, 5, 1, count),
        &element(0x10, b"OB", &stored, false),
        &expected,
    );
}

#[test]
fn packed_pixels_of_twelve_bits_start_on_a_byte_each_frame() {
    // Nine pixels a frame, the first 0xABC and 0xDEF, the others 0; the second frame begins amid a byte.
    let frame = [0xBC, 0xFA, 0xDE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut stored = [0_u8; 28];
    stored[..3].copy_from_slice(&frame[..3]);
    stored[13..17].copy_from_slice(&[0xC0, 0xAB, 0xEF, 0x0D]);
    check(
        image(EXPLICIT, 3, 12, 2),
        &element(0x10, b"OW", &stored, false),
        &[&frame, &frame],
    );
}

#[test]
fn long_big_endian_samples_are_turned_by_the_words_of_their_vr() {
    check(
        image(BIG_ENDIAN, 1, 32, 2),
        &element(0x10, b"OW", &[1, 2, 3, 4, 5, 6, 7, 8], true),
        // PS3.5 7.3: the words are turned, and the low one stays the first.
        &[&[2, 1, 4, 3], &[6, 5, 8, 7]],
    );
    check(
        image(BIG_ENDIAN, 1, 32, 2),
        &element(0x08, b"OF", &[1, 2, 3, 4, 5, 6, 7, 8], true),
        &[&[4, 3, 2, 1], &[8, 7, 6, 5]],
    );
    check(
        image(BIG_ENDIAN, 1, 64, 1),
        &element(0x09, b"OD", &[1, 2, 3, 4, 5, 6, 7, 8], true),
        &[&[8, 7, 6, 5, 4, 3, 2, 1]],
    );
}

#[test]
fn an_odd_value_without_padding_is_whole() {
    check(
        image(EXPLICIT, 3, 8, 1),
        &element(0x10, b"OB", &[1, 2, 3, 4, 5, 6, 7, 8, 9], false),
        &[&[1, 2, 3, 4, 5, 6, 7, 8, 9]],
    );
}

#[test]
fn frames_that_a_header_promises_in_vain_are_said_to_be_missing() {
    let pixels = element(0x10, b"OW", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], false);
    let (_folder, server, address) = served(image(EXPLICIT, 2, 8, 5), &pixels);
    let frame = |list: &str| server.get(&format!("{address}/frames/{list}"));
    assert_eq!(parts(&frame("3,1")).len(), 2);
    assert_eq!(frame("4").error_code(), "frame_missing");
    assert_eq!(frame("1,2,4").error_code(), "frame_missing");
    assert_eq!(frame("6").error_code(), "frame_unknown");
    // Two bytes less: the third frame is there in part.
    let pixels = element(0x10, b"OW", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], false);
    let (_folder, server, address) = served(image(EXPLICIT, 2, 8, 5), &pixels);
    let third = server.get(&format!("{address}/frames/3"));
    assert_eq!(
        (third.status, third.error_code().as_str()),
        (404, "frame_incomplete")
    );
    assert_eq!(server.get(&format!("{address}/frames/2")).status, 200);
}

/// PS3.3 C.7.6.3.1.2: two pixels share their chroma, so four samples stand for two pixels.
#[test]
fn shared_chroma_takes_less_unless_the_pixels_hold_all_samples() {
    for bytes in [16u8, 24] {
        let mut made = image(EXPLICIT, 2, 8, 2);
        made.put(tags::SAMPLES_PER_PIXEL, VR::US, 3u16.into());
        made.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "YBR_FULL_422");
        let stored: Vec<u8> = (0..bytes).collect();
        let (first, second) = stored.split_at(usize::from(bytes / 2));
        check(
            made,
            &element(0x10, b"OB", &stored, false),
            &[first, second],
        );
    }
}

/// The whole data set is deflated here, not each frame: what goes out is inflated.
#[test]
fn frames_of_a_deflated_file_go_out_inflated() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let mut made = image(EXPLICIT, 2, 8, 2);
    let pixels = element(0x10, b"OB", &[1, 2, 3, 4, 5, 6, 7, 8], false);
    let path = made.write_with(folder.path(), "a.dcm", &pixels);
    let bytes = std::fs::read(&path).unwrap();
    let set = bytes
        .windows(4)
        .position(|window| window == [8, 0, 0x16, 0])
        .unwrap();
    let mut file = vec![0; 128];
    file.extend(b"DICM\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99");
    let mut encoder = flate2::write::DeflateEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(&bytes[set..]).unwrap();
    std::fs::write(&path, encoder.finish().unwrap()).unwrap();
    let server = Server::over(folder.path());
    let answer = server.get(&format!("{}/frames/2,1", made.address()));
    let kind = "application/octet-stream 1.2.840.10008.1.2.1".to_owned();
    assert_eq!(
        parts(&answer),
        [(kind.clone(), vec![5, 6, 7, 8]), (kind, vec![1, 2, 3, 4])]
    );
}
