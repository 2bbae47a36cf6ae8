//! JPEG, HTJ2K, JPEG XL and deflated frames that other encoders made of known pictures (`streams/README.md`).

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;

use decode_files::streams::{self, COLUMNS, ROWS};
use viewer_core::decode::{DecodeError, Limits, decode_frame};
use viewer_core::pixel::{Frame, Photometric, PixelFormat, SampleType};

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.57";
const HTJ2K: &str = "1.2.840.10008.1.2.4.201";
const JPEG_XL: &str = "1.2.840.10008.1.2.4.110";
const DEFLATED: &str = "1.2.840.10008.1.2.8.1";

fn format(bits: u16, photometric: Photometric) -> PixelFormat {
    let bits_allocated = if bits > 8 { 16 } else { 8 };
    PixelFormat {
        rows: ROWS,
        columns: COLUMNS,
        samples_per_pixel: if photometric.is_grey() { 1 } else { 3 },
        bits_allocated,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        float: false,
        planar: false,
        photometric,
    }
}

fn grey(bits: u16) -> PixelFormat {
    format(bits, Photometric::Monochrome2)
}

fn decode_as(name: &str, syntax: &str, format: &PixelFormat) -> Frame {
    let frame = decode_frame(&streams::file(name), syntax, format, &Limits::default());
    let frame = frame.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(frame.data.len(), frame.expected_bytes(), "{name}");
    frame
}

fn samples(frame: &Frame) -> Vec<u16> {
    match frame.sample_type {
        SampleType::U8 => frame.data.iter().map(|byte| u16::from(*byte)).collect(),
        _ => {
            let pairs = frame.data.as_chunks::<2>().0.iter();
            pairs.map(|bytes| u16::from_le_bytes(*bytes)).collect()
        }
    }
}

/// The grey picture at another depth.
fn picture(bits: u16) -> Vec<u16> {
    let deeper = |value: u16| {
        if bits == 16 {
            value << 4 | value >> 8
        } else {
            value >> (12 - bits)
        }
    };
    streams::grey().into_iter().map(deeper).collect()
}

fn worst(left: &[u16], right: &[u16]) -> u16 {
    assert_eq!(left.len(), right.len());
    let differences = left.iter().zip(right).map(|(a, b)| a.abs_diff(*b));
    differences.max().unwrap()
}

/// PS3.3 C.7.6.3.1.2, `YBR_FULL`.
fn ybr() -> Vec<u16> {
    let pixels = streams::color();
    let pixels = pixels.as_chunks::<3>().0.iter().flat_map(|rgb| {
        let [r, g, b] = rgb.map(f64::from);
        [
            0.299 * r + 0.587 * g + 0.114 * b,
            128.0 - 0.168_736 * r - 0.331_264 * g + 0.5 * b,
            128.0 + 0.5 * r - 0.418_688 * g - 0.081_312 * b,
        ]
    });
    pixels
        .map(|value| value.round().clamp(0.0, 255.0) as u16)
        .collect()
}

#[test]
fn lossless_grey_is_given_back_at_every_depth_by_every_codec() {
    for bits in [8, 10, 12, 16] {
        let predictors: &[u8] = if bits >= 12 {
            &[1, 2, 3, 4, 5, 6, 7]
        } else {
            &[1, 6]
        };
        let mut streams = vec![
            (format!("grey{bits}.htj2k"), HTJ2K),
            (format!("grey{bits}.jxl"), JPEG_XL),
        ];
        streams.extend(
            predictors
                .iter()
                .map(|n| (format!("grey{bits}_predictor{n}.jpg"), JPEG_LOSSLESS)),
        );
        for (name, syntax) in streams {
            let frame = decode_as(&name, syntax, &grey(bits));
            assert!(samples(&frame) == picture(bits), "{name}");
            assert_eq!(
                (frame.bits_stored, frame.photometric),
                (bits, Photometric::Monochrome2)
            );
        }
    }
    assert!(samples(&decode_as("grey12.deflate", DEFLATED, &grey(12))) == picture(12));
}

#[test]
fn lossless_color_is_given_back_with_its_transform_undone() {
    for (name, syntax, stored) in [
        ("color.htj2k", HTJ2K, Photometric::YbrRct),
        ("color_tiles.htj2k", HTJ2K, Photometric::YbrRct),
        ("color.jxl", JPEG_XL, Photometric::Rgb),
        ("color_predictor4.jpg", JPEG_LOSSLESS, Photometric::Rgb),
    ] {
        let frame = decode_as(name, syntax, &format(8, stored));
        assert!(frame.data == streams::color(), "{name}");
        assert_eq!(frame.photometric, Photometric::Rgb, "{name}");
    }
}

/// Sizes that no block, precinct, tile or level of a wavelet divides, down to one pixel.
#[test]
fn htj2k_of_odd_shapes_is_exact() {
    let bytes = streams::file("shapes.htj2k");
    let mut rest = &bytes[..];
    let mut count = 0;
    while let Some((numbers, streams)) = rest.split_first_chunk::<16>() {
        let number = |place: usize| {
            let bytes = numbers[4 * place..].first_chunk().unwrap();
            u32::from_le_bytes(*bytes)
        };
        let (rows, columns, bits) = (number(0), number(1), number(2));
        let (stream, behind) = streams.split_at(number(3) as usize);
        let format = PixelFormat {
            rows,
            columns,
            ..grey(bits as u16)
        };
        let frame = decode_frame(stream, HTJ2K, &format, &Limits::default()).unwrap();
        let expected: Vec<u16> = (0..rows)
            .flat_map(|y| (0..columns).map(move |x| shape_value(x, y, bits)))
            .collect();
        assert!(
            samples(&frame) == expected,
            "{rows} x {columns}, {bits} bits"
        );
        rest = behind;
        count += 1;
    }
    assert_eq!(count, 26);
}

/// The pictures of `shapes.htj2k`.
fn shape_value(x: u32, y: u32, bits: u32) -> u16 {
    let value = x * x / 7 + y * 5 + (x ^ y) % 3 * (x * y % 11);
    if bits == 8 {
        return (value & 255) as u16;
    }
    (((value & 0xFFFF) * 37 + (x / 20) * (y / 9) * 500) & 0xFFFF) as u16
}

/// Signed levels have no shift: the picture is 2048 lower (ISO/IEC 15444-1 annex G.1.2).
#[test]
fn a_signed_htj2k_stream_gives_signed_values() {
    let format = PixelFormat {
        signed: true,
        ..grey(12)
    };
    let frame = decode_as("grey12_signed.htj2k", HTJ2K, &format);
    let expected: Vec<u16> = streams::grey()
        .iter()
        .map(|v| v.wrapping_sub(2048))
        .collect();
    assert!(samples(&frame) == expected);
}

/// Only the attributes know of a sign.
#[test]
fn pixel_representation_reads_the_bits_of_every_codec() {
    let expected: Vec<u16> = streams::grey()
        .iter()
        .map(|v| if *v < 2048 { *v } else { v.wrapping_sub(4096) })
        .collect();
    for (name, syntax) in [
        ("grey12.htj2k", HTJ2K),
        ("grey12.jxl", JPEG_XL),
        ("grey12_predictor1.jpg", JPEG_LOSSLESS),
        ("grey12.deflate", DEFLATED),
    ] {
        let format = PixelFormat {
            signed: true,
            ..grey(12)
        };
        let frame = decode_as(name, syntax, &format);
        assert_eq!(frame.sample_type, SampleType::I16);
        assert!(samples(&frame) == expected, "{name}");
    }
}

#[test]
fn lossy_streams_of_high_quality_are_near_the_picture() {
    for (name, bits, most) in [("grey8_dct.jpg", 8, 3), ("grey12_dct.jpg", 12, 60)] {
        let frame = decode_as(name, "1.2.840.10008.1.2.4.51", &grey(bits));
        assert!(worst(&samples(&frame), &picture(bits)) <= most, "{name}");
        assert_eq!(frame.bits_stored, bits);
    }
    let rgb: Vec<u16> = streams::color().into_iter().map(u16::from).collect();
    for (name, syntax, stored, most) in [
        ("color_rgb.jpg", JPEG, Photometric::YbrFull422, 4),
        ("color_lossy.htj2k", HTJ2K, Photometric::YbrIct, 4),
    ] {
        let frame = decode_as(name, syntax, &format(8, stored));
        assert_eq!(frame.photometric, Photometric::Rgb, "{name}");
        let found = worst(&samples(&frame), &rgb);
        assert!(found <= most, "{name}: {found}");
    }
    // JPEG XL may change such steep ramps more; libjxl's own decoder sees the same.
    let frame = decode_as("color_lossy.jxl", JPEG_XL, &format(8, Photometric::Xyb));
    let other: Vec<u16> = streams::file("color_lossy.rgb")
        .into_iter()
        .map(u16::from)
        .collect();
    assert!(worst(&samples(&frame), &other) <= 1);
    assert_eq!(frame.photometric, Photometric::Rgb);
}

/// Beside the picture itself, libjpeg-turbo's own YCbCr says how shared chroma is spread.
#[test]
fn ybr_stays_ybr_and_every_pixel_gets_its_chroma() {
    let expected = ybr();
    for sampling in ["444", "422", "420", "440", "411"] {
        let name = format!("color_{sampling}.jpg");
        let frame = decode_as(&name, JPEG, &format(8, Photometric::YbrFull422));
        assert_eq!(frame.photometric, Photometric::YbrFull, "{name}");
        let pixels = samples(&frame);
        let luma = |pixels: &[u16]| -> Vec<u16> { pixels.iter().step_by(3).copied().collect() };
        assert!(worst(&luma(&pixels), &luma(&expected)) <= 4, "{name}");
        if sampling == "444" {
            assert!(worst(&pixels, &expected) <= 4);
            continue;
        }
        let other = streams::file(&format!("color_{sampling}.ybr"));
        let other: Vec<u16> = other.into_iter().map(u16::from).collect();
        let found = worst(&pixels, &other);
        assert!(found <= 1, "{name}: {found}");
    }
}

/// The same coefficients, stored in another order.
#[test]
fn progressive_and_restarted_streams_equal_plain_ones() {
    for (one, other) in [
        ("color_progressive.jpg", "color_sequential.jpg"),
        ("color_restart.jpg", "color_plain.jpg"),
    ] {
        let format = format(8, Photometric::YbrFull422);
        assert!(
            decode_as(one, JPEG, &format) == decode_as(other, JPEG, &format),
            "{one}"
        );
    }
    let syntax = "1.2.840.10008.1.2.4.55";
    let progressive = decode_as("grey8_progressive.jpg", syntax, &grey(8));
    assert!(progressive == decode_as("grey8_sequential.jpg", JPEG, &grey(8)));
}

#[test]
fn streams_under_a_wrong_label_are_decoded_as_what_they_are() {
    for name in ["grey12.htj2k", "grey12.jxl", "grey12_predictor1.jpg"] {
        for label in [
            "1.2.840.10008.1.2.1",
            "1.2.840.10008.1.2.4.80",
            HTJ2K,
            JPEG,
            JPEG_XL,
        ] {
            assert!(
                samples(&decode_as(name, label, &grey(12))) == picture(12),
                "{name} {label}"
            );
        }
    }
}

#[test]
fn other_sizes_and_depths_than_the_attributes_allow_are_refused() {
    for (name, syntax, codec) in [
        ("grey12.htj2k", HTJ2K, "JPEG 2000"),
        ("grey12.jxl", JPEG_XL, "JPEG XL"),
        ("grey12_predictor1.jpg", JPEG_LOSSLESS, "JPEG"),
    ] {
        let bytes = streams::file(name);
        let format = PixelFormat {
            rows: 32,
            ..grey(12)
        };
        assert_eq!(
            decode_frame(&bytes, syntax, &format, &Limits::default()),
            Err(DecodeError::Mismatch {
                codec,
                what: "rows",
                stream: 33,
                header: 32
            })
        );
        let limits = Limits {
            frame_bytes: 36 * 33 * 2 - 1,
            edge: 100,
        };
        assert_eq!(
            decode_frame(&bytes, syntax, &grey(12), &limits),
            Err(DecodeError::TooLarge {
                needed: 2376,
                limit: 2375,
                unit: "bytes"
            })
        );
    }
}

#[test]
fn what_no_decoder_reads_is_named_in_words() {
    for (syntax, words) in [
        (
            "1.2.840.10008.1.2.4.102",
            "MPEG-4 High Profile (1.2.840.10008.1.2.4.102) is one video for all frames, which only a browser decodes",
        ),
        (
            "1.2.840.10008.1.2.4.94",
            "JPIP Referenced (1.2.840.10008.1.2.4.94) holds no pixels but the address of a JPIP server, a protocol that is not \
             spoken here",
        ),
    ] {
        let error = decode_frame(&[], syntax, &grey(8), &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
    // Part 2 by its label, and by bit 15 of Rsiz, which many a stream has that needs no extension.
    let mut stream = streams::bytes(streams::J2K_MONO);
    let syntax = "1.2.840.10008.1.2.4.92";
    let decode = |stream: &[u8]| decode_frame(stream, syntax, &grey(12), &Limits::default());
    let frame = decode(&stream).unwrap();
    stream[6] |= 0x80;
    assert_eq!(decode(&stream).unwrap(), frame);
    // A transform of components (MCT) behind the size segment.
    let mut transformed = stream.clone();
    transformed.splice(45..45, [0xFF, 0x74, 0, 4, 0, 0]);
    // A transform in the coding style that is neither none nor that of part 1.
    let style = stream.windows(2).position(|pair| pair == [0xFF, 0x52]);
    stream[style.unwrap() + 8] = 2;
    for (stream, words) in [
        (transformed, "an extension of part 2"),
        (stream, "a component transform of part 2"),
    ] {
        assert_eq!(
            decode(&stream).unwrap_err().to_string(),
            format!("JPEG 2000: {words} is not supported")
        );
    }
}
