//! Files written here element by element, and where their frames are found.

use super::*;

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";

fn explicit(tag: (u16, u16), vr: &[u8; 2], length: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    bytes.extend(vr);
    if matches!(vr, b"OB" | b"OW" | b"OV" | b"SQ") {
        bytes.extend([0, 0]);
        bytes.extend(length.to_le_bytes());
    } else {
        bytes.extend(u16::try_from(length).unwrap().to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

fn plain(tag: (u16, u16), length: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    bytes.extend(length.to_le_bytes());
    bytes.extend(value);
    bytes
}

fn item(value: &[u8]) -> Vec<u8> {
    plain(ITEM, u32::try_from(value.len()).unwrap(), value)
}

fn file(transfer_syntax: &str, set: &[Vec<u8>]) -> Vec<u8> {
    let mut uid = transfer_syntax.as_bytes().to_vec();
    if uid.len() % 2 == 1 {
        uid.push(0);
    }
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(explicit((2, 1), b"OB", 2, &[0, 1]));
    bytes.extend(explicit(
        (2, 0x10),
        b"UI",
        u32::try_from(uid.len()).unwrap(),
        &uid,
    ));
    bytes.extend(set.concat());
    bytes
}

fn encapsulated(table: &[u8], fragments: &[&[u8]]) -> Vec<u8> {
    let mut value = item(table);
    for fragment in fragments {
        value.extend(item(fragment));
    }
    value.extend(plain(SEQUENCE_END, 0, &[]));
    explicit((0x7FE0, 0x10), b"OB", UNDEFINED, &value)
}

fn frame(bytes: &[u8], index: usize, count: usize, bits: usize) -> Result<Vec<u8>, Part10Error> {
    let read = |range: Range<usize>| {
        let end = range.end.min(bytes.len());
        bytes.get(range.start..end).unwrap_or_default().to_vec()
    };
    let found = find(&read)?;
    let ranges = found.frame(&read, index, count, bits)?;
    Ok(ranges.into_iter().flat_map(read).collect())
}

const A: &[u8] = &[0xFF, 0xD8, 0xFF, 1];
const B: &[u8] = &[2, 3];
const C: &[u8] = &[0xFF, 0xD8, 0xFF, 4];

#[test]
fn fragments_of_one_frame_are_joined() {
    let bytes = file(JPEG, &[encapsulated(&[], &[A, B])]);
    assert_eq!(frame(&bytes, 0, 1, 0).unwrap(), [A, B].concat());
}

#[test]
fn fragments_without_a_table_are_told_apart_by_their_first_bytes() {
    let bytes = file(JPEG, &[encapsulated(&[], &[A, B, C])]);
    assert_eq!(frame(&bytes, 0, 2, 0).unwrap(), [A, B].concat());
    assert_eq!(frame(&bytes, 1, 2, 0).unwrap(), C);
    assert_eq!(frame(&bytes, 2, 2, 0), Err(Part10Error::FramesUnknown));
    let unclear = file(JPEG, &[encapsulated(&[], &[B, B, B])]);
    assert_eq!(frame(&unclear, 1, 2, 0), Err(Part10Error::FramesUnknown));
}

#[test]
fn offset_tables_count_from_the_first_item_with_headers_of_eight_bytes() {
    let table = [0_u32, 12 + 10].map(u32::to_le_bytes).concat();
    let bytes = file(JPEG, &[encapsulated(&table, &[&[9; 4], &[8; 2], &[7; 2]])]);
    assert_eq!(frame(&bytes, 0, 2, 0).unwrap(), [9, 9, 9, 9, 8, 8]);
    assert_eq!(frame(&bytes, 1, 2, 0).unwrap(), [7, 7]);
    let extended = [0_u64, 12].map(u64::to_le_bytes).concat();
    let bytes = file(
        JPEG,
        &[
            explicit((0x7FE0, 1), b"OV", 16, &extended),
            encapsulated(&[], &[&[9; 4], &[8; 2], &[7; 2]]),
        ],
    );
    assert_eq!(frame(&bytes, 1, 2, 0).unwrap(), [8, 8, 7, 7]);
}

#[test]
fn a_table_that_points_between_fragments_is_not_followed() {
    let table = [0_u32, 13].map(u32::to_le_bytes).concat();
    let bytes = file(JPEG, &[encapsulated(&table, &[A, B, C])]);
    assert_eq!(frame(&bytes, 1, 2, 0).unwrap(), C);
}

#[test]
fn sequences_of_undefined_length_before_the_pixels_are_stepped_over() {
    let inner = plain(
        ITEM,
        UNDEFINED,
        &[
            explicit((0x7FE0, 0x10), b"OW", 2, &[1, 1]),
            plain(ITEM_END, 0, &[]),
        ]
        .concat(),
    );
    let sequence = [inner, plain(SEQUENCE_END, 0, &[])].concat();
    let bytes = file(
        EXPLICIT,
        &[
            explicit((0x0008, 0x1140), b"SQ", UNDEFINED, &sequence),
            explicit((0x7FE0, 0x10), b"OW", 4, &[1, 2, 3, 4]),
        ],
    );
    assert_eq!(frame(&bytes, 0, 1, 32).unwrap(), [1, 2, 3, 4]);
    assert_eq!(frame(&bytes, 1, 2, 16).unwrap(), [3, 4]);
}

#[test]
fn implicit_files_are_read_and_native_frames_cut() {
    let bytes = file(
        IMPLICIT,
        &[
            plain((0x0028, 0x0010), 2, &[1, 0]),
            plain((0x7FE0, 0x10), 6, &[1, 2, 3, 4, 5, 6]),
        ],
    );
    assert_eq!(frame(&bytes, 2, 3, 16).unwrap(), [5, 6]);
    assert_eq!(frame(&bytes, 2, 3, 24), Err(Part10Error::BreaksOff));
    assert_eq!(frame(&bytes, 1, 2, 4), Err(Part10Error::FramesUnknown));
}

#[test]
fn every_cut_of_a_file_is_an_error_and_never_a_panic() {
    let bytes = file(JPEG, &[encapsulated(&[], &[A, B])]);
    // Without its delimiter at the end the file still holds its fragments whole.
    let whole = bytes.len() - 8;
    for end in 0..whole - 10 {
        assert!(frame(&bytes[..end], 0, 1, 0).is_err(), "{end}");
    }
    assert_eq!(frame(&bytes[..whole], 0, 1, 0).unwrap(), [A, B].concat());
}

#[test]
fn what_is_not_read_is_said() {
    let pixels = explicit((0x7FE0, 0x10), b"OW", 2, &[1, 2]);
    let big = file("1.2.840.10008.1.2.2", std::slice::from_ref(&pixels));
    assert_eq!(frame(&big, 0, 1, 16), Err(Part10Error::Encoding));
    let none = file(EXPLICIT, &[explicit((0x28, 0x10), b"US", 2, &[1, 0])]);
    assert_eq!(frame(&none, 0, 1, 16), Err(Part10Error::NoPixels));
    assert_eq!(frame(b"<html>", 0, 1, 16), Err(Part10Error::NotAFile));
}
