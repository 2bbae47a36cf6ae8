//! Native pixels and RLE, against values worked out by hand from PS3.5.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use viewer_core::decode::{DecodeError, Limits, decode_frame, native};
use viewer_core::pixel::{Frame, Photometric, PixelFormat, SampleType};

const LITTLE: &str = "1.2.840.10008.1.2.1";
const BIG: &str = "1.2.840.10008.1.2.2";
const RLE: &str = "1.2.840.10008.1.2.5";

/// Two columns, one row, 16 bits.
fn two_words() -> PixelFormat {
    PixelFormat {
        rows: 1,
        columns: 2,
        samples_per_pixel: 1,
        bits_allocated: 16,
        bits_stored: 16,
        high_bit: 15,
        signed: false,
        float: false,
        planar: false,
        photometric: Photometric::Monochrome2,
    }
}

fn bytes_of(columns: u32, photometric: Photometric) -> PixelFormat {
    let samples_per_pixel = if photometric.is_grey() { 1 } else { 3 };
    let bytes = PixelFormat {
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        ..two_words()
    };
    PixelFormat {
        columns,
        samples_per_pixel,
        photometric,
        ..bytes
    }
}

fn decode(bytes: &[u8], syntax: &str, format: &PixelFormat) -> Result<Frame, DecodeError> {
    decode_frame(bytes, syntax, format, &Limits::default())
}

fn check(bytes: &[u8], syntax: &str, format: &PixelFormat, kind: SampleType, expected: &[u8]) {
    let frame = decode(bytes, syntax, format).unwrap();
    assert_eq!((frame.sample_type, frame.data.as_slice()), (kind, expected));
    assert_eq!(frame.data.len(), frame.expected_bytes());
}

#[test]
fn bits_above_bits_stored_are_cleared_or_take_the_sign() {
    let format = PixelFormat {
        bits_stored: 12,
        high_bit: 11,
        ..two_words()
    };
    let stored = [0x34, 0xF2, 0xFF, 0x0F];
    check(
        &stored,
        LITTLE,
        &format,
        SampleType::U16,
        &[0x34, 0x02, 0xFF, 0x0F],
    );
    let format = PixelFormat {
        signed: true,
        ..format
    };
    check(
        &stored,
        LITTLE,
        &format,
        SampleType::I16,
        &[0x34, 0x02, 0xFF, 0xFF],
    );
}

#[test]
fn bits_below_the_stored_ones_are_shifted_out() {
    // Bits 4 to 15 hold the value: F234 -> F23, and signed FF23.
    let format = PixelFormat {
        bits_stored: 12,
        high_bit: 15,
        ..two_words()
    };
    check(
        &[0x34, 0xF2, 0x0F, 0],
        LITTLE,
        &format,
        SampleType::U16,
        &[0x23, 0x0F, 0, 0],
    );
    let format = PixelFormat {
        signed: true,
        ..format
    };
    check(
        &[0x34, 0xF2, 0x0F, 0],
        LITTLE,
        &format,
        SampleType::I16,
        &[0x23, 0xFF, 0, 0],
    );
}

#[test]
fn big_endian_words_are_turned() {
    check(
        &[1, 2, 3, 4],
        BIG,
        &two_words(),
        SampleType::U16,
        &[2, 1, 4, 3],
    );
    let long = PixelFormat {
        columns: 1,
        bits_allocated: 32,
        bits_stored: 32,
        high_bit: 31,
        ..two_words()
    };
    // PS3.5 7.3 turns the words of VR OW, not the pixels: the low word stays the first.
    check(&[1, 2, 3, 4], BIG, &long, SampleType::U32, &[2, 1, 4, 3]);
    check(
        &[1, 2],
        BIG,
        &bytes_of(2, Photometric::Monochrome2),
        SampleType::U8,
        &[1, 2],
    );
}

#[test]
fn floats_keep_their_bits() {
    let format = PixelFormat {
        float: true,
        bits_allocated: 32,
        ..two_words()
    };
    let stored: Vec<u8> = [1.5f32, -2.25]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    check(&stored, LITTLE, &format, SampleType::F32, &stored);
    let format = PixelFormat {
        columns: 1,
        bits_allocated: 64,
        ..format
    };
    check(
        &0.1f64.to_be_bytes(),
        BIG,
        &format,
        SampleType::F64,
        &0.1f64.to_le_bytes(),
    );
}

#[test]
fn planes_become_pixels() {
    let format = PixelFormat {
        planar: true,
        ..bytes_of(2, Photometric::Rgb)
    };
    check(
        &[1, 2, 3, 4, 5, 6],
        LITTLE,
        &format,
        SampleType::U8,
        &[1, 3, 5, 2, 4, 6],
    );
}

fn ten_bits() -> PixelFormat {
    PixelFormat {
        columns: 10,
        bits_allocated: 1,
        bits_stored: 1,
        high_bit: 0,
        ..two_words()
    }
}

#[test]
fn packed_bits_begin_with_the_least_significant() {
    let format = ten_bits();
    let expected = [1, 0, 1, 1, 0, 0, 0, 0, 0, 1];
    check(
        &[0b0000_1101, 0b1111_1110],
        LITTLE,
        &format,
        SampleType::U8,
        &expected,
    );
}

#[test]
fn a_frame_of_packed_bits_may_begin_inside_a_byte() {
    let format = PixelFormat {
        columns: 5,
        bits_allocated: 1,
        bits_stored: 1,
        high_bit: 0,
        ..two_words()
    };
    // Frames of five pixels: 10110, 01110, 11001; the last bit of the second byte is padding.
    let data = [0b1100_1101, 0b0100_1101];
    for (index, expected) in [0b01101, 0b01110, 0b10011].into_iter().enumerate() {
        let frame = native::frame_of(&data, index, &format, &Limits::default()).unwrap();
        assert_eq!(frame.as_ref(), [expected], "frame {index}");
    }
    assert!(native::frame_of(&data, 3, &format, &Limits::default()).is_err());
}

fn twelve_bits(columns: u32, signed: bool) -> PixelFormat {
    PixelFormat {
        columns,
        bits_allocated: 12,
        bits_stored: 12,
        high_bit: 11,
        signed,
        ..two_words()
    }
}

/// PS3.5 of 2006, annex D: pixel cells of twelve bits lie close, the lowest bit of the first one first.
#[test]
fn two_pixels_of_twelve_bits_lie_in_three_bytes() {
    // 0xABC, 0xDEF, 0x123, and half a byte of padding.
    let packed = [0xBC, 0xFA, 0xDE, 0x23, 0x01];
    let format = twelve_bits(3, false);
    let words = [0xBC, 0x0A, 0xEF, 0x0D, 0x23, 0x01];
    check(&packed, LITTLE, &format, SampleType::U16, &words);
    let signed = [0xBC, 0xFA, 0xEF, 0xFD, 0x23, 0x01];
    let format = twelve_bits(3, true);
    check(&packed, LITTLE, &format, SampleType::I16, &signed);
    // Ten of the bits are stored, the lowest two are an overlay.
    let format = PixelFormat {
        bits_stored: 10,
        ..twelve_bits(3, false)
    };
    let ten = [0xAF, 0x02, 0x7B, 0x03, 0x48, 0x00];
    check(&packed, LITTLE, &format, SampleType::U16, &ten);
    assert!(decode(&packed[..4], LITTLE, &format).is_err());
    assert!(decode(&packed, BIG, &format).is_err());
}

#[test]
fn a_frame_of_twelve_bits_may_begin_inside_a_byte() {
    // One pixel a frame: 0xABC, 0xDEF, 0x123.
    let data = [0xBC, 0xFA, 0xDE, 0x23, 0x01];
    let format = twelve_bits(1, false);
    for (index, expected) in [[0xBC, 0x0A], [0xEF, 0x0D], [0x23, 0x01]]
        .into_iter()
        .enumerate()
    {
        let frame = native::frame_of(&data, index, &format, &Limits::default()).unwrap();
        assert_eq!(frame.as_ref(), expected, "frame {index}");
        check(&frame, LITTLE, &format, SampleType::U16, &expected);
    }
    assert!(native::frame_of(&data, 3, &format, &Limits::default()).is_err());
}

/// PS3.5 G.2: each pixel is filled up to two bytes, the high one in the first plane.
#[test]
fn a_pixel_of_twelve_bits_has_two_planes_in_run_lengths() {
    let frame = rle(&[&[1, 0x0A, 0x0D], &[1, 0xBC, 0xEF]]);
    let words = [0xBC, 0x0A, 0xEF, 0x0D];
    check(&frame, RLE, &twelve_bits(2, false), SampleType::U16, &words);
}

#[test]
fn shared_chroma_is_repeated() {
    let format = bytes_of(2, Photometric::YbrFull422);
    check(
        &[10, 20, 30, 40],
        LITTLE,
        &format,
        SampleType::U8,
        &[10, 30, 40, 20, 30, 40],
    );
    let frame = decode(&[10, 20, 30, 40], LITTLE, &format).unwrap();
    assert_eq!(frame.photometric, Photometric::YbrFull);
}

#[test]
fn a_frame_with_all_chroma_under_the_label_of_shared_chroma_is_taken_as_it_is() {
    let format = bytes_of(2, Photometric::YbrFull422);
    check(
        &[1, 2, 3, 4, 5, 6],
        LITTLE,
        &format,
        SampleType::U8,
        &[1, 2, 3, 4, 5, 6],
    );
}

#[test]
fn one_byte_of_padding_is_allowed_and_nothing_else() {
    let format = bytes_of(3, Photometric::Monochrome2);
    check(&[1, 2, 3, 0], LITTLE, &format, SampleType::U8, &[1, 2, 3]);
    for actual in [0, 2, 5] {
        assert_eq!(
            decode(&vec![0; actual], LITTLE, &format),
            Err(DecodeError::WrongLength {
                expected: 3,
                actual
            })
        );
    }
    let even = decode(&[0; 5], LITTLE, &two_words());
    assert_eq!(
        even,
        Err(DecodeError::WrongLength {
            expected: 4,
            actual: 5
        })
    );
}

#[test]
fn attributes_that_contradict_each_other_are_refused() {
    let sound = two_words();
    let refused = |format: PixelFormat| match decode(&[0; 4], LITTLE, &format) {
        Err(DecodeError::ImpossibleFormat { attribute }) => attribute,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused(PixelFormat {
            rows: 0,
            ..sound.clone()
        }),
        "rows"
    );
    assert_eq!(
        refused(PixelFormat {
            bits_allocated: 14,
            ..sound.clone()
        }),
        "bits allocated"
    );
    assert_eq!(
        refused(PixelFormat {
            bits_stored: 17,
            ..sound.clone()
        }),
        "bits stored"
    );
    assert_eq!(
        refused(PixelFormat {
            high_bit: 11,
            ..sound.clone()
        }),
        "high bit"
    );
    assert_eq!(
        refused(PixelFormat {
            samples_per_pixel: 3,
            ..sound
        }),
        "samples per pixel"
    );
}

#[test]
fn a_frame_above_the_limits_is_refused_before_its_bytes_are_looked_at() {
    let format = PixelFormat {
        rows: 65_535,
        columns: 65_535,
        ..two_words()
    };
    assert_eq!(
        decode(&[], LITTLE, &format),
        Err(DecodeError::TooLarge {
            needed: 8_589_672_450,
            limit: 512 << 20,
            unit: "bytes"
        })
    );
    let format = PixelFormat {
        rows: 1,
        columns: 70_000,
        ..two_words()
    };
    let error = decode(&[], RLE, &format);
    assert_eq!(
        error,
        Err(DecodeError::TooLarge {
            needed: 70_000,
            limit: 65_535,
            unit: "columns"
        })
    );
}

/// An RLE frame of these segments (PS3.5 G.5).
fn rle(segments: &[&[u8]]) -> Vec<u8> {
    let mut frame = vec![0; 64];
    frame[..4].copy_from_slice(&(segments.len() as u32).to_le_bytes());
    for (index, segment) in segments.iter().enumerate() {
        let offset = frame.len() as u32;
        frame[4 + index * 4..8 + index * 4].copy_from_slice(&offset.to_le_bytes());
        frame.extend_from_slice(segment);
    }
    frame
}

#[test]
fn run_lengths_are_those_of_the_standard() {
    // Three times 7 (-2), nothing (-128), then 8 9 literally (1): G.3.2.
    let format = bytes_of(5, Photometric::Monochrome2);
    let frame = rle(&[&[254, 7, 128, 1, 8, 9]]);
    check(&frame, RLE, &format, SampleType::U8, &[7, 7, 7, 8, 9]);
}

#[test]
fn the_first_plane_of_a_word_is_its_high_byte() {
    let frame = rle(&[&[1, 0x12, 0x34], &[255, 0xFF]]);
    check(
        &frame,
        RLE,
        &two_words(),
        SampleType::U16,
        &[0xFF, 0x12, 0xFF, 0x34],
    );
    let format = PixelFormat {
        bits_stored: 12,
        high_bit: 11,
        signed: true,
        ..two_words()
    };
    check(
        &frame,
        RLE,
        &format,
        SampleType::I16,
        &[0xFF, 0x02, 0xFF, 0x04],
    );
}

#[test]
fn planes_of_colored_words_are_ordered_by_sample_then_byte() {
    let format = PixelFormat {
        columns: 1,
        samples_per_pixel: 3,
        photometric: Photometric::Rgb,
        ..two_words()
    };
    let frame = rle(&[&[0, 1], &[0, 2], &[0, 3], &[0, 4], &[0, 5], &[0, 6]]);
    check(&frame, RLE, &format, SampleType::U16, &[2, 1, 4, 3, 6, 5]);
}

/// PS3.5 G.2: a composite pixel code that is no whole number of bytes is filled up with zeros at its top.
#[test]
fn a_pixel_of_one_bit_has_a_byte_of_its_own_in_run_lengths() {
    let format = ten_bits();
    // 1 0 1 1 literally, five times 0, 1 literally.
    let frame = rle(&[&[3, 1, 0, 1, 1, 252, 0, 0, 1]]);
    check(
        &frame,
        RLE,
        &format,
        SampleType::U8,
        &[1, 0, 1, 1, 0, 0, 0, 0, 0, 1],
    );
    // Eight of them in one byte, as native pixels are packed, are no such frame.
    let packed = rle(&[&[1, 0b0000_1101, 0b10]]);
    assert_eq!(
        decode(&packed, RLE, &format).unwrap_err().to_string(),
        "RLE: a segment ends before its plane is full"
    );
}

#[test]
fn a_plane_that_ends_early_is_an_error_and_a_longer_one_is_padding() {
    let format = bytes_of(4, Photometric::Monochrome2);
    let short = decode(&rle(&[&[1, 8, 9]]), RLE, &format);
    assert_eq!(
        short.unwrap_err().to_string(),
        "RLE: a segment ends before its plane is full"
    );
    check(
        &rle(&[&[3, 1, 2, 3, 4, 0]]),
        RLE,
        &format,
        SampleType::U8,
        &[1, 2, 3, 4],
    );
    check(
        &rle(&[&[249, 5]]),
        RLE,
        &format,
        SampleType::U8,
        &[5, 5, 5, 5],
    );
}

#[test]
fn segments_outside_the_frame_or_of_another_number_are_refused() {
    let format = bytes_of(1, Photometric::Monochrome2);
    assert!(decode(&rle(&[&[0, 1], &[0, 1]]), RLE, &format).is_err());
    let mut frame = rle(&[&[0, 1]]);
    for offset in [0, 63, 67, 0xFFFF_FFFF_u32] {
        frame[4..8].copy_from_slice(&offset.to_le_bytes());
        assert!(decode(&frame, RLE, &format).is_err(), "offset {offset}");
    }
    assert!(decode(&frame[..63], RLE, &format).is_err());
}
