//! Thumbnails: which frame, and in which colours.

use dicom_core::{PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;

use crate::files::{Made, ct, empty, encapsulated};
use crate::server::{Answer, Server};

fn served(made: &Made) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    (folder, server)
}

/// Pixels of a grey or RGB thumbnail.
fn picture(answer: &Answer) -> (u32, u32, Vec<u8>) {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.header("content-type"), Some("image/png"));
    let mut reader = png::Decoder::new(std::io::Cursor::new(&answer.body))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let shown = reader.next_frame(&mut pixels).unwrap();
    pixels.truncate(shown.buffer_size());
    (shown.width, shown.height, pixels)
}

#[test]
fn a_thumbnail_shows_the_middle_of_the_series_in_the_files_window() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        let mut made = ct("1", "2", number);
        // Black up to 200 and white from 209: only the second slice holds both.
        made.text(tags::WINDOW_CENTER, VR::DS, "205");
        made.text(tags::WINDOW_WIDTH, VR::DS, "10");
        made.write(folder.path(), &number.to_string());
    }
    let server = Server::over(folder.path());
    let (width, height, pixels) =
        picture(&server.get("/dicomweb/studies/1/series/2/thumbnail?size=16"));
    assert_eq!((width, height), (4, 3));
    assert_eq!((pixels[0], pixels[11]), (0, 255));
    assert!(pixels.is_sorted() && pixels[5] > 50 && pixels[5] < 200);
    let third = server.get(&format!("{}/thumbnail", ct("1", "2", 3).address()));
    assert_eq!(picture(&third).2, [255; 12]);
    for size in ["0", "x", "99999"] {
        let answer = server.get(&format!(
            "/dicomweb/studies/1/series/2/thumbnail?size={size}"
        ));
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (400, "size_invalid")
        );
    }
}

#[test]
fn a_thumbnail_without_a_window_spans_the_values_that_occur() {
    let made = ct("1", "2", 1);
    let (_folder, server) = served(&made);
    let (_, _, pixels) = picture(&server.get(&format!("{}/thumbnail", made.address())));
    assert_eq!((pixels[0], pixels[11]), (0, 255));
}

/// The pixels of an instance's thumbnail.
fn drawn(made: &Made) -> Vec<u8> {
    let (_folder, server) = served(made);
    picture(&server.get(&format!("{}/thumbnail", made.address()))).2
}

fn bytes(made: &mut Made, tag: Tag, vr: VR, value: &[u8]) {
    made.put(tag, vr, PrimitiveValue::U8(value.into()));
}

fn image(columns: u16, bits: u16, photometric: &str) -> Made {
    let mut made = empty("1", "2", "3");
    made.image(1, columns, bits);
    made.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, photometric);
    let samples: u16 = if photometric.contains("RGB") || photometric.contains("YBR") {
        3
    } else {
        1
    };
    made.put(tags::SAMPLES_PER_PIXEL, VR::US, samples.into());
    made.put(tags::PLANAR_CONFIGURATION, VR::US, 0u16.into());
    made
}

/// Representative Frame Number (0028,6010), else the frame in the middle.
#[test]
fn the_representative_frame_is_shown_where_it_is_named() {
    for (named, expected) in [(None, 200), (Some(1u16), 100), (Some(9), 200)] {
        let mut made = image(1, 8, "MONOCHROME2");
        made.text(tags::NUMBER_OF_FRAMES, VR::IS, "3");
        // The window 128/256 shows 8 bits as they are.
        made.text(tags::WINDOW_CENTER, VR::DS, "128");
        made.text(tags::WINDOW_WIDTH, VR::DS, "256");
        bytes(&mut made, tags::PIXEL_DATA, VR::OB, &[100, 200, 50, 0]);
        if let Some(number) = named {
            made.put(tags::REPRESENTATIVE_FRAME_NUMBER, VR::US, number.into());
        }
        assert_eq!(drawn(&made), [expected]);
    }
}

#[test]
fn colour_is_shown_as_it_is_without_a_window() {
    let mut made = image(2, 8, "RGB");
    made.text(tags::WINDOW_CENTER, VR::DS, "40");
    made.text(tags::WINDOW_WIDTH, VR::DS, "80");
    bytes(
        &mut made,
        tags::PIXEL_DATA,
        VR::OB,
        &[10, 20, 30, 200, 100, 50],
    );
    assert_eq!(drawn(&made), [10, 20, 30, 200, 100, 50]);
}

#[test]
fn colour_of_sixteen_bits_keeps_its_scale() {
    let mut made = image(1, 16, "RGB");
    let samples = [0u16, 65535, 32896];
    made.put(
        tags::PIXEL_DATA,
        VR::OW,
        PrimitiveValue::U16(samples.as_slice().into()),
    );
    // 32896 of 65535 is 128 of 255.
    assert_eq!(drawn(&made), [0, 255, 128]);
}

/// PS3.3 C.7.6.3.1.2: Y 76, CB 85, CR 255 is pure red, within the rounding of bytes.
#[test]
fn luma_and_chroma_become_red() {
    let mut made = image(1, 8, "YBR_FULL");
    bytes(&mut made, tags::PIXEL_DATA, VR::OB, &[76, 85, 255, 0]);
    let rgb = drawn(&made);
    assert!(rgb[0] >= 253 && rgb[1] <= 2 && rgb[2] <= 2, "{rgb:?}");
}

/// PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6: values before and after the table have its first and last
/// colour; entries of 16 bits are shown by their upper eight.
#[test]
fn palettes_give_their_colours() {
    let tables = [
        [0x1000u16, 0x2000, 0x3000],
        [0, 0x8000, 0xFF00],
        [0xFF00, 0x8000, 0],
    ];
    for wide in [true, false] {
        let mut made = image(5, 8, "PALETTE COLOR");
        for (index, table) in (0u16..).zip(tables) {
            let descriptor = [3u16, 10, if wide { 16 } else { 8 }];
            let value = PrimitiveValue::U16(descriptor.as_slice().into());
            made.put(Tag(0x0028, 0x1101 + index), VR::US, value);
            let entries: Vec<u8> = if wide {
                table.iter().flat_map(|entry| entry.to_le_bytes()).collect()
            } else {
                table
                    .iter()
                    .map(|entry| entry.to_be_bytes()[0])
                    .chain([0])
                    .collect()
            };
            bytes(&mut made, Tag(0x0028, 0x1201 + index), VR::OW, &entries);
        }
        bytes(
            &mut made,
            tags::PIXEL_DATA,
            VR::OB,
            &[0, 10, 11, 12, 200, 0],
        );
        let (low, middle, high) = ([0x10, 0, 0xFF], [0x20, 0x80, 0x80], [0x30, 0xFF, 0]);
        assert_eq!(
            drawn(&made),
            [low, low, middle, high, high].concat(),
            "{wide}"
        );
    }
}

/// A table of 65536 entries lies in the file alone; as a line from 0 to 65535 it is segmented.
#[test]
fn large_and_segmented_palettes_are_found() {
    for segmented in [false, true] {
        let mut made = image(2, 16, "PALETTE COLOR");
        for index in 0..3u16 {
            let descriptor = [0u16, 0, 16];
            let value = PrimitiveValue::U16(descriptor.as_slice().into());
            made.put(Tag(0x0028, 0x1101 + index), VR::US, value);
            let (tag, entries): (u16, Vec<u16>) = if segmented {
                (0x1221, vec![0, 1, 0, 1, 65535, 65535])
            } else {
                (0x1201, (0..=65535).collect())
            };
            let value = PrimitiveValue::U16(entries.into());
            made.put(Tag(0x0028, tag + index), VR::OW, value);
        }
        let stored = [0x1234u16, 0xFFFF];
        made.put(
            tags::PIXEL_DATA,
            VR::OW,
            PrimitiveValue::U16(stored.as_slice().into()),
        );
        assert_eq!(drawn(&made), [[0x12; 3], [0xFF; 3]].concat(), "{segmented}");
    }
}

#[test]
fn a_palette_that_is_short_is_said_to_be_so() {
    let mut made = image(1, 8, "PALETTE COLOR");
    for index in 0..3u16 {
        let value = PrimitiveValue::U16([256u16, 0, 8].as_slice().into());
        made.put(Tag(0x0028, 0x1101 + index), VR::US, value);
        bytes(&mut made, Tag(0x0028, 0x1201 + index), VR::OW, &[1, 2]);
    }
    bytes(&mut made, tags::PIXEL_DATA, VR::OB, &[0, 0]);
    let (_folder, server) = served(&made);
    let answer = server.get(&format!("{}/thumbnail", made.address()));
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (404, "no_picture")
    );
    let message = answer.json()["error"]["message"].clone();
    assert_eq!(
        message,
        "there is no picture of this: its palette is not whole"
    );
}

#[test]
fn single_bits_are_black_and_white() {
    let mut made = image(5, 1, "MONOCHROME2");
    bytes(&mut made, tags::PIXEL_DATA, VR::OB, &[0b0000_1101, 0]);
    assert_eq!(drawn(&made), [255, 0, 255, 255, 0]);
}

#[test]
fn fragments_of_a_syntax_with_a_decoder_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = image(4, 8, "MONOCHROME2");
    made.transfer_syntax = "1.2.840.10008.1.2.5";
    made.text(tags::WINDOW_CENTER, VR::DS, "128");
    made.text(tags::WINDOW_WIDTH, VR::DS, "256");
    // PS3.5 annex G: one segment at 64; four bytes as they are.
    let mut frame = vec![0; 64];
    (frame[0], frame[4]) = (1, 64);
    frame.extend([3, 0, 50, 100, 255, 0]);
    made.write_with(folder.path(), "a.dcm", &encapsulated(&[], &[&frame]));
    let server = Server::over(folder.path());
    let answer = server.get(&format!("{}/thumbnail", made.address()));
    assert_eq!(picture(&answer).2, [0, 50, 100, 255]);
}
