//! The small study reads back pixel by pixel, however it is stored.

use dicom_core::value::Value;
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, from_reader};
use phantom::{PATTERN_SIDE, pattern, small};
use std::collections::{BTreeMap, BTreeSet};

const SIDE: usize = PATTERN_SIDE as usize;

fn files() -> BTreeMap<String, DefaultDicomObject> {
    let files = small(3).expect("encoded");
    files
        .into_iter()
        .map(|(name, bytes)| (name, from_reader(&bytes[..]).expect("a Part 10 file")))
        .collect()
}

fn words(object: &DefaultDicomObject) -> Vec<u16> {
    object
        .element(tags::PIXEL_DATA)
        .expect("present")
        .to_multi_int::<u16>()
        .expect("words")
}

fn expected(frames: usize) -> Vec<u16> {
    (0..frames)
        .flat_map(|frame| {
            (0..SIDE * SIDE).map(move |index| pattern(frame, index / SIDE, index % SIDE))
        })
        .collect()
}

/// Undoes PackBits as PS3.5 G.3.2 tells it.
fn unpack(segment: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while out.len() < length {
        let n = segment[at] as i8;
        if n >= 0 {
            let count = n as usize + 1;
            out.extend_from_slice(&segment[at + 1..at + 1 + count]);
            at += 1 + count;
        } else {
            assert_ne!(n, -128);
            out.extend(std::iter::repeat_n(
                segment[at + 1],
                (1 - isize::from(n)) as usize,
            ));
            at += 2;
        }
    }
    assert_eq!(out.len(), length);
    out
}

/// The byte planes of each frame of an RLE object.
fn planes(object: &DefaultDicomObject) -> Vec<Vec<Vec<u8>>> {
    let Value::PixelSequence(sequence) = object.element(tags::PIXEL_DATA).expect("present").value()
    else {
        panic!("not encapsulated");
    };
    let word = |fragment: &[u8], k: usize| {
        u32::from_le_bytes(fragment[k * 4..k * 4 + 4].try_into().expect("4")) as usize
    };
    sequence
        .fragments()
        .iter()
        .map(|fragment| {
            let count = word(fragment, 0);
            (0..count)
                .map(|k| {
                    let end = if k + 1 < count {
                        word(fragment, k + 2)
                    } else {
                        fragment.len()
                    };
                    unpack(&fragment[word(fragment, k + 1)..end], SIDE * SIDE)
                })
                .collect()
        })
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(small(3).expect("encoded"), small(3).expect("encoded"));
    assert_ne!(
        small(3).expect("encoded")[0].1,
        small(4).expect("encoded")[0].1
    );
}

#[test]
fn sixteen_bit_pictures_read_back_in_every_native_encoding() {
    let files = files();
    for name in ["monochrome1", "implicit", "big-endian", "deflated"] {
        let object = &files[&format!("{name}.dcm")];
        assert_eq!(words(object), expected(1), "{name}");
    }
    assert_eq!(words(&files["multi-frame.dcm"]), expected(3));
}

#[test]
fn signed_pictures_are_twos_complement() {
    let signed: Vec<i32> = words(&files()["signed.dcm"])
        .iter()
        .map(|word| i32::from(*word as i16))
        .collect();
    let shifted: Vec<i32> = expected(1)
        .iter()
        .map(|value| i32::from(*value) - 300)
        .collect();
    assert_eq!(signed, shifted);
}

#[test]
fn eight_bit_pixels_share_big_endian_words_with_the_first_one_low() {
    let words = words(&files()["big-endian-8.dcm"]);
    // Values 0 and 16 of the pattern, divided by 4.
    assert_eq!(words[0], 0x0400);
    let raw = &small(3)
        .expect("encoded")
        .into_iter()
        .find(|(name, _)| name == "big-endian-8.dcm")
        .expect("there")
        .1;
    assert_eq!(&raw[raw.len() - SIDE * SIDE..][..2], [4, 0]);
}

#[test]
fn colour_pictures_hold_red_green_blue_by_pixel() {
    let files = files();
    let bytes = files["rgb.dcm"]
        .element(tags::PIXEL_DATA)
        .expect("present")
        .to_bytes()
        .expect("bytes")
        .to_vec();
    // Row 2, column 3: (3 * 16 + 2 * 3) / 4, 2 * 8, 3 * 8.
    assert_eq!(bytes[(2 * SIDE + 3) * 3..][..3], [13, 16, 24]);
    let planes = planes(&files["rle-rgb.dcm"]);
    let at = 2 * SIDE + 3;
    assert_eq!(
        [planes[0][0][at], planes[0][1][at], planes[0][2][at]],
        [13, 16, 24]
    );
}

#[test]
fn run_length_frames_unpack_to_the_pattern() {
    for (name, frames) in [("rle.dcm", 1), ("rle-multi-frame.dcm", 3)] {
        let planes = planes(&files()[name]);
        let values: Vec<u16> = planes
            .iter()
            .flat_map(|frame| {
                frame[0]
                    .iter()
                    .zip(&frame[1])
                    .map(|(high, low)| u16::from_be_bytes([*high, *low]))
            })
            .collect();
        assert_eq!(values, expected(frames), "{name}");
    }
}

#[test]
fn every_instance_has_its_own_uid_and_all_share_one_study() {
    let files = files();
    let uids = |tag| -> BTreeSet<String> {
        files
            .values()
            .map(|o| {
                o.element(tag)
                    .expect("present")
                    .to_str()
                    .expect("text")
                    .into_owned()
            })
            .collect()
    };
    assert_eq!(uids(tags::SOP_INSTANCE_UID).len(), files.len());
    assert_eq!(uids(tags::STUDY_INSTANCE_UID).len(), 1);
}

#[test]
fn ct_slices_lie_strictly_below_one_another() {
    let files = files();
    let levels: Vec<f64> = (1..=5)
        .map(|k| {
            files[&format!("ct/{k}.dcm")]
                .element(tags::SLICE_LOCATION)
                .expect("present")
                .to_float64()
                .expect("number")
        })
        .collect();
    assert!(
        levels.windows(2).all(|pair| pair[1] < pair[0]),
        "{levels:?}"
    );
}
