//! Frames of JPEG 2000 in lower resolutions, and as far as they have come.
//!
//! What a resolution holds is computed here from the picture, by the forward transform of ISO/IEC 15444-1 (ITU-T T.800)
//! annex F.4: the decoder has the inverse one alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;

use decode_files::streams::{self, COLUMNS, ROWS, bytes};
use viewer_core::decode::{
    Completeness, DecodeError, Limits, Reduction, decode_frame, decode_reduced,
};
use viewer_core::pixel::{Frame, Photometric, PixelFormat};

const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";

fn format() -> PixelFormat {
    PixelFormat {
        rows: ROWS,
        columns: COLUMNS,
        samples_per_pixel: 1,
        bits_allocated: 16,
        bits_stored: 12,
        high_bit: 11,
        signed: false,
        float: false,
        planar: false,
        photometric: Photometric::Monochrome2,
    }
}

fn decode(stream: &[u8], reduction: Reduction) -> Result<(Frame, Completeness), DecodeError> {
    decode_reduced(stream, JPEG_2000, &format(), &Limits::default(), reduction)
}

fn words(frame: &Frame) -> Vec<i32> {
    let words = frame.data.as_chunks::<2>().0.iter();
    words.map(|each| u16::from_le_bytes(*each).into()).collect()
}

/// The low half of a line that begins at place `start` by the reversible transform (F.4.8.1), mirrored at its ends (F.4.7).
fn low_half(line: &[i32], start: usize) -> Vec<i32> {
    let last = line.len() as i64 - 1;
    let at = |place: i64| {
        let place = place.abs();
        line[if place > last {
            2 * last - place
        } else {
            place
        } as usize]
    };
    let high = |place: i64| at(place) - ((at(place - 1) + at(place + 1)) >> 1);
    (start as i64 % 2..=last)
        .step_by(2)
        .map(|place| at(place) + ((high(place - 1) + high(place + 1) + 2) >> 2))
        .collect()
}

fn turned(lines: &[Vec<i32>]) -> Vec<Vec<i32>> {
    (0..lines[0].len())
        .map(|x| lines.iter().map(|line| line[x]).collect())
        .collect()
}

/// Lines whose first sample lies at `corner` (row, column), `levels` resolutions lower.
fn lower_band(mut lines: Vec<Vec<i32>>, corner: (usize, usize), levels: u32) -> Vec<Vec<i32>> {
    let (mut top, mut left) = corner;
    for _ in 0..levels {
        let columns: Vec<_> = turned(&lines)
            .iter()
            .map(|line| low_half(line, top))
            .collect();
        lines = turned(&columns)
            .iter()
            .map(|line| low_half(line, left))
            .collect();
        (top, left) = (top.div_ceil(2), left.div_ceil(2));
    }
    lines
}

/// The grey picture, `levels` resolutions lower.
fn lower(levels: usize) -> Vec<Vec<i32>> {
    let grey = streams::grey();
    let lines = grey
        .chunks(COLUMNS as usize)
        .map(|line| line.iter().map(|value| i32::from(*value) - 2048).collect())
        .collect();
    let stored = |value: &i32| (value + 2048).clamp(0, 4095);
    lower_band(lines, (0, 0), levels as u32)
        .iter()
        .map(|line| line.iter().map(stored).collect())
        .collect()
}

const REDUCTIONS: [Reduction; 4] = [
    Reduction::Whole,
    Reduction::Half,
    Reduction::Quarter,
    Reduction::Eighth,
];

#[test]
fn a_lower_resolution_is_the_low_band_of_the_picture() {
    for stream in [
        bytes(streams::J2K_MONO),
        bytes(streams::JP2_MONO),
        streams::file("grey12.htj2k"),
    ] {
        for (levels, reduction) in REDUCTIONS.into_iter().enumerate() {
            let (frame, completeness) = decode(&stream, reduction).unwrap();
            let expected = lower(levels);
            let size = (frame.rows as usize, frame.columns as usize);
            assert_eq!(size, (expected.len(), expected[0].len()));
            assert_eq!(words(&frame), expected.concat());
            assert_eq!(completeness, Completeness::Whole);
        }
    }
}

/// The colour picture in tiles: each is transformed on its own (annex B.3), after RCT (annex G.2).
#[test]
fn tiles_of_a_lower_resolution_lie_where_they_belong() {
    let stream = streams::file("color_tiles.htj2k");
    let edge = |place: usize| u32::from_be_bytes(stream[place..place + 4].try_into().unwrap());
    let (tile_columns, tile_rows) = (edge(24) as usize, edge(28) as usize);
    let (rows, columns) = (ROWS as usize, COLUMNS as usize);
    assert!(tile_columns < columns && tile_rows < rows);
    let picture = streams::color();
    let sample = |y: usize, x: usize, component: usize| {
        i32::from(picture[3 * (y * columns + x) + component]) - 128
    };
    let format = PixelFormat {
        samples_per_pixel: 3,
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        photometric: Photometric::YbrRct,
        ..format()
    };
    for (levels, reduction) in (1..).zip([Reduction::Half, Reduction::Quarter]) {
        let limits = Limits::default();
        let decoded = decode_reduced(&stream, JPEG_2000, &format, &limits, reduction);
        let (frame, _) = decoded.unwrap();
        let width = columns.div_ceil(1 << levels);
        assert_eq!(frame.columns as usize, width);
        let mut expected = vec![0; frame.data.len()];
        for (top, left) in (0..rows).step_by(tile_rows).flat_map(|top| {
            (0..columns)
                .step_by(tile_columns)
                .map(move |left| (top, left))
        }) {
            let transformed = |component: usize| {
                let lines = (top..rows.min(top + tile_rows)).map(|y| {
                    let places = left..columns.min(left + tile_columns);
                    let value = |x| {
                        let [r, g, b] = [0, 1, 2].map(|each| sample(y, x, each));
                        [(r + 2 * g + b) >> 2, b - g, r - g][component]
                    };
                    places.map(value).collect()
                });
                lower_band(lines.collect(), (top, left), levels)
            };
            let [luma, u, v] = [0, 1, 2].map(transformed);
            for (y, line) in luma.iter().enumerate() {
                for (x, luma) in line.iter().enumerate() {
                    let green = luma - ((u[y][x] + v[y][x]) >> 2);
                    let row = top.div_ceil(1 << levels) + y;
                    let place = 3 * (row * width + left.div_ceil(1 << levels) + x);
                    let color = [v[y][x] + green, green, u[y][x] + green];
                    let stored = color.map(|value| (value + 128).clamp(0, 255) as u8);
                    expected[place..place + 3].copy_from_slice(&stored);
                }
            }
        }
        assert!(frame.data == expected, "{levels} levels");
    }
}

#[test]
fn a_stream_that_ends_early_gives_what_it_holds_and_says_so() {
    for stream in [bytes(streams::J2K_MONO), streams::file("grey12.htj2k")] {
        // The last two bytes are the end marker, those before belong to the highest resolution.
        let cut = &stream[..stream.len() - 40];
        for (levels, reduction) in REDUCTIONS.into_iter().enumerate() {
            let (frame, completeness) = decode(cut, reduction).unwrap();
            assert_eq!(completeness, Completeness::Partial);
            if levels > 0 {
                assert_eq!(words(&frame), lower(levels).concat());
            } else {
                assert!(words(&frame) != lower(0).concat());
            }
        }
        assert!(decode_frame(cut, JPEG_2000, &format(), &Limits::default()).is_err());
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_is_an_error_or_partial() {
    let stream = bytes(streams::J2K_MONO);
    let mut partial = 0;
    for length in 0..stream.len() - 3 {
        match decode(&stream[..length], Reduction::Half) {
            Ok((frame, completeness)) => {
                assert_eq!(completeness, Completeness::Partial, "{length}");
                assert_eq!((frame.rows, frame.columns), (17, 18));
                partial += 1;
            }
            Err(_) => assert_eq!(partial, 0, "{length}"),
        }
    }
    assert!(partial > stream.len() / 2);
}

#[test]
fn only_jpeg_2000_has_lower_resolutions() {
    let stream = bytes(streams::JLS_MONO);
    let ask =
        |reduction| decode_reduced(&stream, JPEG_LS, &format(), &Limits::default(), reduction);
    let (frame, completeness) = ask(Reduction::Whole).unwrap();
    assert_eq!(words(&frame), lower(0).concat());
    assert_eq!(completeness, Completeness::Whole);
    assert!(matches!(
        ask(Reduction::Half),
        Err(DecodeError::UnsupportedFeature { .. })
    ));
}
