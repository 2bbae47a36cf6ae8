//! Damaged frames: an error or a frame of the size that was asked for, never a panic, never more memory.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;

use decode_files::streams::{self, COLUMNS, ROWS, bytes};
use viewer_core::decode::{Limits, Reduction, decode_frame, decode_reduced};
use viewer_core::pixel::{Photometric, PixelFormat};

const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const HTJ2K: &str = "1.2.840.10008.1.2.4.201";
const JPEG: &str = "1.2.840.10008.1.2.4.51";
const JPEG_XL: &str = "1.2.840.10008.1.2.4.110";
const DEFLATED: &str = "1.2.840.10008.1.2.8.1";
/// Damaged copies of each stream.
const COPIES: u64 = 1500;

struct Sample {
    name: &'static str,
    bytes: Vec<u8>,
    syntax: &'static str,
    color: bool,
}

fn samples() -> Vec<Sample> {
    let stream = |name, hex, syntax, color| Sample {
        name,
        bytes: bytes(hex),
        syntax,
        color,
    };
    let planes: Vec<Vec<u8>> = [8, 0]
        .map(|shift| {
            streams::grey()
                .iter()
                .map(|value| (value >> shift) as u8)
                .collect()
        })
        .to_vec();
    vec![
        Sample {
            name: "RLE",
            bytes: streams::run_lengths(&planes),
            syntax: RLE,
            color: false,
        },
        stream("JPEG-LS grey", streams::JLS_MONO, JPEG_LS, false),
        stream("JPEG-LS near", streams::JLS_MONO_NEAR, JPEG_LS, false),
        stream("JPEG-LS planes", streams::JLS_RGB_PLANES, JPEG_LS, true),
        stream("JPEG-LS lines", streams::JLS_RGB_LINES, JPEG_LS, true),
        stream(
            "JPEG-LS samples",
            streams::JLS_RGB_SAMPLES_NEAR,
            JPEG_LS,
            true,
        ),
        stream("JPEG 2000 grey", streams::J2K_MONO, JPEG_2000, false),
        stream("JPEG 2000 colour", streams::J2K_RGB, JPEG_2000, true),
        stream("JPEG 2000 lossy", streams::J2K_RGB_LOSSY, JPEG_2000, true),
        stream("JP2", streams::JP2_MONO, JPEG_2000, false),
        file("grey16.htj2k", HTJ2K, false),
        file("color_tiles.htj2k", HTJ2K, true),
        file("color_lossy.htj2k", HTJ2K, true),
        file("grey16.jxl", JPEG_XL, false),
        file("color_lossy.jxl", JPEG_XL, true),
        file("grey16_predictor6.jpg", JPEG, false),
        file("color_predictor4.jpg", JPEG, true),
        file("grey12_dct.jpg", JPEG, false),
        file("color_420.jpg", JPEG, true),
        file("color_progressive.jpg", JPEG, true),
        file("grey12.deflate", DEFLATED, false),
    ]
}

fn file(name: &'static str, syntax: &'static str, color: bool) -> Sample {
    Sample {
        name,
        bytes: streams::file(name),
        syntax,
        color,
    }
}

fn format(color: bool) -> PixelFormat {
    let bits = if color { 8 } else { 16 };
    PixelFormat {
        rows: ROWS,
        columns: COLUMNS,
        samples_per_pixel: if color { 3 } else { 1 },
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        float: false,
        planar: false,
        photometric: if color {
            Photometric::Rgb
        } else {
            Photometric::Monochrome2
        },
    }
}

/// Decodes; true where a frame came out, which then has the right size.
fn survives(bytes: &[u8], sample: &Sample) -> bool {
    let limits = Limits {
        frame_bytes: 1 << 20,
        edge: 4096,
    };
    let format = format(sample.color);
    // The entrance that takes streams as far as they go meets the same bytes.
    if let (JPEG_2000 | HTJ2K, Ok((frame, _))) = (
        sample.syntax,
        decode_reduced(bytes, sample.syntax, &format, &limits, Reduction::Half),
    ) {
        let size = (ROWS.div_ceil(2), COLUMNS.div_ceil(2));
        assert!(frame.rows.abs_diff(size.0) <= 1, "{}", sample.name);
        assert!(frame.columns.abs_diff(size.1) <= 1, "{}", sample.name);
        assert_eq!(frame.data.len(), frame.expected_bytes());
    }
    match decode_frame(bytes, sample.syntax, &format, &limits) {
        Ok(frame) => {
            assert_eq!(
                (frame.rows, frame.columns),
                (ROWS, COLUMNS),
                "{}",
                sample.name
            );
            assert_eq!(frame.data.len(), frame.expected_bytes(), "{}", sample.name);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

#[test]
fn the_undamaged_samples_decode() {
    for sample in samples() {
        assert!(survives(&sample.bytes, &sample), "{}", sample.name);
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_before_its_last_bytes_is_an_error() {
    for sample in samples() {
        for length in (0..sample.bytes.len() - 8).step_by(10) {
            assert!(
                !survives(&sample.bytes[..length], &sample),
                "{} of {length}",
                sample.name
            );
        }
    }
}

#[test]
fn flipped_and_overwritten_bytes_never_panic() {
    for sample in samples() {
        let mut random = 0x5EED_u64;
        let mut next = |below: usize| {
            // SplitMix64.
            random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut value = random;
            value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (value ^ (value >> 31)) as usize % below
        };
        let mut decoded = 0;
        for copy in 0..COPIES {
            let mut damaged = sample.bytes.clone();
            // Headers are short but matter most: half of the copies are damaged there.
            let end = if copy % 2 == 0 {
                120.min(damaged.len())
            } else {
                damaged.len()
            };
            for _ in 0..=next(3) {
                let place = next(end);
                damaged[place] = match next(4) {
                    0 => 0xFF,
                    1 => next(256) as u8,
                    _ => damaged[place] ^ 1 << next(8),
                };
            }
            decoded += u32::from(survives(&damaged, &sample));
        }
        println!(
            "{}: {decoded} of {COPIES} damaged copies gave a frame",
            sample.name
        );
    }
}

/// The reason why a changed stream is refused.
fn refusal(stream: &[u8]) -> String {
    let limits = Limits::default();
    decode_frame(stream, JPEG_2000, &format(false), &limits)
        .unwrap_err()
        .to_string()
}

fn place(stream: &[u8], marker: [u8; 2]) -> usize {
    stream.windows(2).position(|pair| pair == marker).unwrap()
}

/// Each tile is a table of its own, so a tile size of one pixel would cost more than the image.
#[test]
fn more_tiles_than_the_stream_has_bytes_for_are_refused() {
    let mut stream = bytes(streams::J2K_MONO);
    let size = place(&stream, [0xFF, 0x51]);
    // XTsiz and YTsiz stand 22 bytes behind the marker (ISO/IEC 15444-1 A.5.1).
    stream[size + 22..size + 30].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1]);
    assert_eq!(
        refusal(&stream),
        "JPEG 2000: more tiles than the stream can hold"
    );
}

#[test]
fn more_precincts_than_the_stream_has_bytes_for_are_refused() {
    let mut stream = bytes(streams::J2K_MONO);
    let style = place(&stream, [0xFF, 0x52]);
    // Scod says that precinct sizes follow the parameters; there is one a resolution (A.6.1).
    stream[style + 4] |= 1;
    let resolutions = stream[style + 9] + 1;
    stream[style + 3] += resolutions;
    stream.splice(style + 14..style + 14, vec![0; resolutions.into()]);
    assert_eq!(
        refusal(&stream),
        "JPEG 2000: more precincts than the stream can hold"
    );
}

#[test]
fn code_block_tables_above_the_limit_are_refused() {
    let mut stream = bytes(streams::J2K_MONO);
    let style = place(&stream, [0xFF, 0x52]);
    // 65535 layers of code blocks of 4 x 4.
    stream[style + 6..style + 8].copy_from_slice(&[0xFF, 0xFF]);
    stream[style + 10..style + 12].copy_from_slice(&[0, 0]);
    let limits = Limits {
        frame_bytes: 1 << 20,
        edge: 4096,
    };
    let error = decode_frame(&stream, JPEG_2000, &format(false), &limits).unwrap_err();
    assert!(
        error.to_string().contains("bytes of code block tables"),
        "{error}"
    );
}
