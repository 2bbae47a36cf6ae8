//! Code streams of known pictures: what the decoder gives is what the encoder was given.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;

use decode_files::streams::{self, COLUMNS, ROWS, bytes};
use viewer_core::decode::{DecodeError, Limits, decode_frame};
use viewer_core::pixel::{Frame, Photometric, PixelFormat, SampleType};

const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const JPEG_LS_NEAR: &str = "1.2.840.10008.1.2.4.81";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";

fn grey_format(signed: bool) -> PixelFormat {
    PixelFormat {
        rows: ROWS,
        columns: COLUMNS,
        samples_per_pixel: 1,
        bits_allocated: 16,
        bits_stored: 12,
        high_bit: 11,
        signed,
        float: false,
        planar: false,
        photometric: Photometric::Monochrome2,
    }
}

fn color_format(photometric: Photometric) -> PixelFormat {
    PixelFormat {
        samples_per_pixel: 3,
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        photometric,
        ..grey_format(false)
    }
}

fn decode(hex: &str, syntax: &str, format: &PixelFormat) -> Frame {
    let frame = decode_frame(&bytes(hex), syntax, format, &Limits::default()).unwrap();
    assert_eq!(frame.data.len(), frame.expected_bytes());
    frame
}

fn words(frame: &Frame) -> Vec<u16> {
    frame
        .data
        .as_chunks::<2>()
        .0
        .iter()
        .map(|bytes| u16::from_le_bytes(*bytes))
        .collect()
}

fn largest_difference<T: Into<i32> + Copy>(left: &[T], right: &[T]) -> i32 {
    assert_eq!(left.len(), right.len());
    left.iter()
        .zip(right)
        .map(|(a, b)| ((*a).into() - (*b).into()).abs())
        .max()
        .unwrap_or(0)
}

#[test]
fn lossless_jpeg_ls_gives_back_the_grey_picture() {
    let frame = decode(streams::JLS_MONO, JPEG_LS, &grey_format(false));
    assert_eq!(words(&frame), streams::grey());
    assert_eq!(
        (frame.sample_type, frame.bits_stored),
        (SampleType::U16, 12)
    );
}

#[test]
fn jpeg_ls_has_no_sign_so_pixel_representation_gives_it() {
    let frame = decode(streams::JLS_MONO, JPEG_LS, &grey_format(true));
    let expected: Vec<u16> = streams::grey()
        .iter()
        .map(|v| if *v < 2048 { *v } else { v.wrapping_sub(4096) })
        .collect();
    assert_eq!(words(&frame), expected);
    assert_eq!(frame.sample_type, SampleType::I16);
}

#[test]
fn near_lossless_jpeg_ls_is_as_near_as_it_says() {
    let frame = decode(streams::JLS_MONO_NEAR, JPEG_LS_NEAR, &grey_format(false));
    assert_eq!(largest_difference(&words(&frame), &streams::grey()), 3);
}

#[test]
fn jpeg_ls_color_is_the_same_in_every_interleave_mode() {
    for hex in [
        streams::JLS_RGB_PLANES,
        streams::JLS_RGB_LINES,
        streams::JLS_RGB_SAMPLES,
    ] {
        let frame = decode(hex, JPEG_LS, &color_format(Photometric::Rgb));
        assert!(frame.data == streams::color());
    }
    for hex in [streams::JLS_RGB_LINES_NEAR, streams::JLS_RGB_SAMPLES_NEAR] {
        let frame = decode(hex, JPEG_LS_NEAR, &color_format(Photometric::Rgb));
        assert_eq!(largest_difference(&frame.data, &streams::color()), 2);
    }
}

/// Lines between restart markers are coded as if they were an image of their own (ISO/IEC 14495-1 C.2.5).
#[test]
fn restart_markers_begin_the_statistics_anew() {
    let picture = streams::grey();
    let mut joined = Vec::new();
    let mut marker = 0xD0;
    for lines in picture.chunks(5 * COLUMNS as usize) {
        let mut part = Vec::new();
        let mut options = jpegls::EncodeOptions::default();
        options.precision = Some(12);
        let rows = lines.len() as u32 / COLUMNS;
        jpegls::encode_with_options(lines, COLUMNS, rows, &options, &mut part).unwrap();
        let scan = part
            .windows(2)
            .position(|pair| pair == [0xFF, 0xDA])
            .unwrap();
        if joined.is_empty() {
            // The header of the first part, with the height of the whole and five lines an interval.
            joined.extend_from_slice(&part[..scan]);
            let height = joined
                .windows(2)
                .position(|pair| pair == [0xFF, 0xF7])
                .unwrap()
                + 5;
            joined[height..height + 2].copy_from_slice(&(ROWS as u16).to_be_bytes());
            joined.extend_from_slice(&[0xFF, 0xDD, 0, 4, 0, 5]);
            joined.extend_from_slice(&part[scan..part.len() - 2]);
        } else {
            joined.extend_from_slice(&[0xFF, marker]);
            joined.extend_from_slice(&part[scan + 10..part.len() - 2]);
            marker = 0xD0 + (marker - 0xD0 + 1) % 8;
        }
    }
    let frame = decode_frame(&joined, JPEG_LS, &grey_format(false), &Limits::default()).unwrap();
    assert_eq!(words(&frame), picture);
}

#[test]
fn reversible_jpeg_2000_gives_back_the_grey_picture_bare_and_in_a_jp2_file() {
    for hex in [streams::J2K_MONO, streams::JP2_MONO] {
        let frame = decode(hex, JPEG_2000, &grey_format(false));
        assert_eq!(words(&frame), streams::grey());
        assert_eq!(
            (frame.sample_type, frame.bits_stored),
            (SampleType::U16, 12)
        );
    }
}

#[test]
fn a_signed_jpeg_2000_stream_gives_signed_values() {
    let frame = decode(streams::J2K_SIGNED, JPEG_2000, &grey_format(true));
    let expected: Vec<u16> = streams::grey()
        .iter()
        .map(|v| v.wrapping_sub(2048))
        .collect();
    assert_eq!(words(&frame), expected);
    assert_eq!(frame.sample_type, SampleType::I16);
}

/// Stream and attributes of some files disagree about the sign: the bits are the stream's, read as the
/// attributes say.
#[test]
fn pixel_representation_reads_the_bits_of_a_jpeg_2000_stream_of_the_other_sign() {
    let frame = decode(streams::J2K_MONO, JPEG_2000, &grey_format(true));
    let expected: Vec<u16> = streams::grey()
        .iter()
        .map(|v| if *v < 2048 { *v } else { v.wrapping_sub(4096) })
        .collect();
    assert_eq!(words(&frame), expected);

    let frame = decode(streams::J2K_SIGNED, JPEG_2000, &grey_format(false));
    let expected: Vec<u16> = streams::grey()
        .iter()
        .map(|v| v.wrapping_sub(2048) & 0xFFF)
        .collect();
    assert_eq!(words(&frame), expected);
}

#[test]
fn the_color_transform_of_jpeg_2000_is_undone_and_said_to_be() {
    for (hex, stored, decoded) in [
        (streams::J2K_RGB, Photometric::YbrRct, Photometric::Rgb),
        (streams::J2K_RGB, Photometric::YbrFull, Photometric::Rgb),
        (streams::J2K_RGB_PLAIN, Photometric::Rgb, Photometric::Rgb),
        (
            streams::J2K_RGB_PLAIN,
            Photometric::YbrFull,
            Photometric::YbrFull,
        ),
    ] {
        let frame = decode(hex, JPEG_2000, &color_format(stored));
        assert!(frame.data == streams::color());
        assert_eq!(frame.photometric, decoded);
    }
    let frame = decode(
        streams::J2K_RGB_LOSSY,
        JPEG_2000,
        &color_format(Photometric::YbrIct),
    );
    assert_eq!(frame.photometric, Photometric::Rgb);
}

#[test]
fn a_stream_of_another_size_than_the_attributes_say_is_refused() {
    for (hex, syntax, codec) in [
        (streams::JLS_MONO, JPEG_LS, "JPEG-LS"),
        (streams::J2K_MONO, JPEG_2000, "JPEG 2000"),
    ] {
        let format = PixelFormat {
            rows: 32,
            ..grey_format(false)
        };
        assert_eq!(
            decode_frame(&bytes(hex), syntax, &format, &Limits::default()),
            Err(DecodeError::Mismatch {
                codec,
                what: "rows",
                stream: 33,
                header: 32
            })
        );
    }
}

#[test]
fn a_stream_above_the_limits_is_refused() {
    let limits = Limits {
        frame_bytes: 36 * 33 * 2 - 1,
        edge: 100,
    };
    for (hex, syntax) in [(streams::JLS_MONO, JPEG_LS), (streams::J2K_MONO, JPEG_2000)] {
        assert_eq!(
            decode_frame(&bytes(hex), syntax, &grey_format(false), &limits),
            Err(DecodeError::TooLarge {
                needed: 2376,
                limit: 2375,
                unit: "bytes"
            })
        );
    }
}

/// What browsers load first leaves out some decoders, and says so.
#[test]
fn smaller_sets_of_decoders_send_other_streams_on() {
    use viewer_core::decode::{Decoders, decode_common, decoders};
    let limits = Limits::default();
    let format = grey_format(false);
    let common = decode_common(&bytes(streams::JLS_MONO), JPEG_LS, &format, &limits);
    assert_eq!(words(&common.unwrap()), streams::grey());
    let j2k = bytes(streams::J2K_MONO);
    // Under its own label, and where only the first bytes tell it.
    for syntax in [JPEG_2000, "1.2.840.10008.1.2.1", JPEG_LS] {
        let frame = decode_common(&j2k, syntax, &format, &limits);
        assert_eq!(words(&frame.unwrap()), streams::grey());
    }
    // The first bytes of JPEG XL.
    let jxl = [0xFF, 0x0A, 0, 0];
    for syntax in ["1.2.840.10008.1.2.4.110", JPEG_2000] {
        assert_eq!(
            decode_common(&jxl, syntax, &format, &limits),
            Err(DecodeError::NotInThisModule)
        );
    }
    for (syntax, expected) in [
        (JPEG_LS, Decoders::Common),
        ("1.2.840.10008.1.2.4.70", Decoders::Common),
        (JPEG_2000, Decoders::Common),
        ("1.2.840.10008.1.2.4.112", Decoders::All),
        ("1.2.840.10008.1.2.8.1", Decoders::All),
        // No set has a decoder for video, so the smallest may say so.
        ("1.2.840.10008.1.2.4.102", Decoders::Common),
    ] {
        assert_eq!(decoders(syntax), expected, "{syntax}");
    }
}

/// Servers exist that send the stored frame labelled as native pixels.
#[test]
fn a_stream_under_the_label_of_native_pixels_is_decoded() {
    for hex in [streams::JLS_MONO, streams::J2K_MONO, streams::JP2_MONO] {
        let frame = decode(hex, "1.2.840.10008.1.2.1", &grey_format(false));
        assert_eq!(words(&frame), streams::grey());
    }
}
