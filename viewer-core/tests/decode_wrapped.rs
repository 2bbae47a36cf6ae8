//! Uncompressed pixels in fragments, as they are and deflated: every depth, odd lengths, and padding inside and outside.
//!
//! The deflated stream is a stored block of RFC 1951 section 3.2.4, written here byte by byte.
//! Source: DICOM PS3.5 A.4.11 (Encapsulated Uncompressed), A.4.13 and 8.2.16 (Deflated Image Frame), 8.1.1 (packed bits).

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use viewer_core::decode::{DecodeError, Limits, decode_frame};
use viewer_core::pixel::{Photometric, PixelFormat, SampleType};

const ENCAPSULATED: &str = "1.2.840.10008.1.2.1.98";
const DEFLATED: &str = "1.2.840.10008.1.2.8.1";

/// One row of so many grey pixels.
fn row(columns: u32, bits: u16, float: bool) -> PixelFormat {
    PixelFormat {
        rows: 1,
        columns,
        samples_per_pixel: 1,
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        float,
        planar: false,
        photometric: Photometric::Monochrome2,
    }
}

/// The last block, stored: its length, the same with all bits changed, and the bytes.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let lengths = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    [&[1], &lengths[..], bytes].concat()
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

/// A format, its pixels as they are stored, and what comes out.
fn cases() -> Vec<(PixelFormat, Vec<u8>, SampleType, Vec<u8>)> {
    let singles: Vec<u8> = [1.5_f32, -2.25]
        .iter()
        .flat_map(|it| it.to_le_bytes())
        .collect();
    let double = 0.1_f64.to_le_bytes().to_vec();
    let words = vec![1, 2, 3, 0xFF, 0xFE, 0];
    let longs = vec![1, 2, 3, 4, 0xFF, 0xFE, 0xFD, 0xFC];
    vec![
        (
            row(9, 1, false),
            vec![0b1000_1101, 0b1111_1111],
            SampleType::U8,
            vec![1, 0, 1, 1, 0, 0, 0, 1, 1],
        ),
        (
            row(3, 8, false),
            vec![7, 0, 255],
            SampleType::U8,
            vec![7, 0, 255],
        ),
        (row(3, 16, false), words.clone(), SampleType::U16, words),
        (row(2, 32, false), longs.clone(), SampleType::U32, longs),
        (row(2, 32, true), singles.clone(), SampleType::F32, singles),
        (row(1, 64, true), double.clone(), SampleType::F64, double),
    ]
}

#[test]
fn wrapped_frames_of_every_depth_are_those_that_went_in() {
    for (format, stored, kind, expected) in cases() {
        let wrapped = [
            (ENCAPSULATED, padded(stored.clone())),
            (DEFLATED, deflated(&stored)),
            (DEFLATED, padded(deflated(&stored))),
            // Filled up before it was deflated.
            (DEFLATED, padded(deflated(&padded(stored.clone())))),
        ];
        for (syntax, bytes) in wrapped {
            let frame = decode_frame(&bytes, syntax, &format, &Limits::default()).unwrap();
            let bits = format.bits_allocated;
            assert_eq!(
                (frame.sample_type, frame.data),
                (kind, expected.clone()),
                "{bits} {syntax}"
            );
        }
    }
}

#[test]
fn a_wrapped_frame_of_another_length_is_refused() {
    for (format, stored, ..) in cases() {
        let shorter = &stored[..stored.len() - 1];
        let longer = [&stored[..], &[0; 2]].concat();
        for bytes in [shorter, &longer[..]] {
            for (syntax, bytes) in [(ENCAPSULATED, bytes.to_vec()), (DEFLATED, deflated(bytes))] {
                let result = decode_frame(&bytes, syntax, &format, &Limits::default());
                assert!(result.is_err(), "{} {syntax}", format.bits_allocated);
            }
        }
        let mut cut = deflated(&stored);
        cut.pop();
        let result = decode_frame(&cut, DEFLATED, &format, &Limits::default());
        assert!(
            matches!(result, Err(DecodeError::Corrupt { .. })),
            "{result:?}"
        );
    }
}

/// PS3.5 of 2006, annex D; since then Bits Allocated is 1 or a multiple of 8.
#[test]
fn packed_pixels_of_twelve_bits_are_read_as_in_files_of_old() {
    for syntax in [ENCAPSULATED, DEFLATED] {
        let bytes = [0xBC, 0xFA, 0xDE];
        let bytes = if syntax == DEFLATED {
            deflated(&bytes)
        } else {
            bytes.to_vec()
        };
        let frame = decode_frame(&bytes, syntax, &row(2, 12, false), &Limits::default()).unwrap();
        assert_eq!(frame.data, [0xBC, 0x0A, 0xEF, 0x0D]);
    }
}
