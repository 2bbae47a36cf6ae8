//! JPEG-LS streams of indices: CharLS' streams of known pictures, with mapping tables put in as ISO/IEC 14495-1 C.2.4.1.2 lays them
//! out. What must come is the table's entry for each sample of the picture.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;

use decode_files::streams::{self, COLUMNS, ROWS, bytes};
use viewer_core::decode::{DecodeError, Limits, decode_frame};
use viewer_core::pixel::{Frame, Photometric, PixelFormat};

const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";

fn format(samples_per_pixel: u16, bits: u16) -> PixelFormat {
    PixelFormat {
        rows: ROWS,
        columns: COLUMNS,
        samples_per_pixel,
        bits_allocated: if bits > 8 { 16 } else { 8 },
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        float: false,
        planar: false,
        photometric: if samples_per_pixel == 1 {
            Photometric::Monochrome2
        } else {
            Photometric::Rgb
        },
    }
}

/// An LSE segment: type, number of the table, bytes of an entry, entries.
fn segment(kind: u8, number: u8, width: u8, entries: &[u8]) -> Vec<u8> {
    let length = u16::try_from(5 + entries.len()).unwrap().to_be_bytes();
    [&[0xFF, 0xF8], &length[..], &[kind, number, width], entries].concat()
}

/// The stream with segments behind SOI, and the numbers of the tables of each scan's components, scan after scan.
fn mapped(hex: &str, segments: &[Vec<u8>], numbers: &[u8]) -> Vec<u8> {
    let mut stream = bytes(hex);
    let mut numbers = numbers.iter();
    let scans: Vec<usize> = (0..stream.len() - 4)
        .filter(|at| stream[*at..].starts_with(&[0xFF, 0xDA, 0]))
        .collect();
    for scan in scans {
        let count = usize::from(stream[scan + 4]);
        for component in 0..count {
            stream[scan + 6 + 2 * component] = *numbers.next().unwrap();
        }
    }
    [&stream[..2], &segments.concat(), &stream[2..]].concat()
}

fn decode(stream: &[u8], format: &PixelFormat) -> Result<Frame, DecodeError> {
    decode_frame(stream, JPEG_LS, format, &Limits::default())
}

fn wide(table: &[u16]) -> Vec<u8> {
    table.iter().flat_map(|entry| entry.to_be_bytes()).collect()
}

#[test]
fn samples_are_the_entries_of_their_table() {
    // Twelve bits turned round and spread over sixteen, in a table that goes on in a second segment.
    let table: Vec<u16> = (0..4096).map(|index| 65_535 - 16 * index).collect();
    let segments = [
        segment(2, 7, 2, &wide(&table[..1000])),
        segment(3, 7, 2, &wide(&table[1000..])),
    ];
    let stream = mapped(streams::JLS_MONO, &segments, &[7]);
    let frame = decode(&stream, &format(1, 16)).unwrap();
    let pairs = frame.data.as_chunks::<2>().0.iter();
    let found: Vec<u16> = pairs.map(|pair| u16::from_le_bytes(*pair)).collect();
    let expected: Vec<u16> = (streams::grey().iter())
        .map(|sample| table[usize::from(*sample)])
        .collect();
    assert_eq!(found, expected);
    assert_eq!(frame.bits_stored, 16);
}

#[test]
fn each_component_has_its_own_table_or_none_in_every_order() {
    let rising: Vec<u8> = (0..=255).collect();
    let turned: Vec<u8> = rising.iter().rev().copied().collect();
    let halved: Vec<u8> = rising.iter().map(|value| value / 2).collect();
    let segments = [segment(2, 1, 1, &turned), segment(2, 9, 1, &halved)];
    let expected: Vec<u8> = streams::color()
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|[r, g, b]| [255 - r, *g, b / 2])
        .collect();
    for hex in [
        streams::JLS_RGB_PLANES,
        streams::JLS_RGB_LINES,
        streams::JLS_RGB_SAMPLES,
    ] {
        let stream = mapped(hex, &segments, &[1, 0, 9]);
        let frame = decode(&stream, &format(3, 8)).unwrap();
        assert!(frame.data == expected);
    }
}

#[test]
fn tables_that_are_not_there_or_too_short_are_refused_in_words() {
    let whole = wide(&(0..4096).collect::<Vec<u16>>());
    for (segments, number, said) in [
        (vec![], 3, "a mapping table is missing"),
        (
            vec![segment(2, 3, 2, &whole[..4000])],
            3,
            "a sample lies beyond its mapping table",
        ),
        (
            vec![segment(3, 3, 2, &whole)],
            3,
            "a mapping table that never began goes on",
        ),
        (
            vec![segment(2, 3, 2, &whole), segment(3, 3, 1, &[1])],
            3,
            "a mapping table that never began goes on",
        ),
        (
            vec![segment(2, 3, 2, &whole[..401])],
            3,
            "a mapping table is not whole",
        ),
        (
            vec![segment(2, 0, 2, &whole)],
            3,
            "a mapping table is not whole",
        ),
        (
            vec![segment(2, 3, 3, &whole[..300])],
            3,
            "a mapping table of more than 16 bits",
        ),
    ] {
        let stream = mapped(streams::JLS_MONO, &segments, &[number]);
        let error = decode(&stream, &format(1, 16)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    // A table that nobody asks for does no harm.
    let stream = mapped(streams::JLS_MONO, &[segment(2, 3, 2, &whole)], &[0]);
    assert!(decode(&stream, &format(1, 12)).is_ok());
}
