//! Colour pictures: RGB and YBR in every arrangement, and RGB with an ICC profile.
//!
//! Source: PS3.3 C.7.6.3.1.2 and C.7.6.3.1.3 (photometric interpretation, planar configuration), C.11.15 (ICC profile).

use super::forms::CAPTURE;
use super::formula::{ybr_full, ybr_partial};
use super::part10::{Cells, Form};
use super::profile::{ADOBE_RGB, Colorants, DISPLAY_P3, SWAPPED, srgb_from};
use super::{Draft, Picture, colours};
use crate::random::Random;
use dicom_dictionary_std::tags;

const COLUMNS: u16 = 32;
const ROWS: u16 = 24;

pub(super) fn pictures(seed: u64) -> Vec<Picture> {
    let plain = |rgb: [u8; 3]| rgb;
    vec![
        interleaved(seed, "rgb-planar-0", "RGB", false, plain),
        interleaved(seed, "rgb-planar-1", "RGB", true, plain),
        interleaved(seed, "ybr-full", "YBR_FULL", false, ybr_full),
        interleaved(seed, "ybr-full-planar-1", "YBR_FULL", true, ybr_full),
        ybr_full_422(seed),
        ybr_partial_420(seed),
        rgb_16(seed),
        with_profile(seed, "rgb-icc-adobe", &ADOBE_RGB),
        with_profile(seed, "rgb-icc-swapped", &SWAPPED),
        with_profile(seed, "rgb-icc-p3", &DISPLAY_P3),
    ]
}

/// Samples of one colour frame: corners of the cube, ramps of each sample, and chance.
pub(super) fn samples(seed: u64, name: &str, count: usize) -> Vec<[u8; 3]> {
    let mut random = Random::named(seed, name);
    (0..count)
        .map(|at| match at {
            0..8 => [0, 1, 2].map(|bit| if at >> bit & 1 == 1 { 255 } else { 0 }),
            8..104 => {
                let mut ramp = [128; 3];
                ramp[at % 3] = ((at - 8) / 3 * 8 + 3) as u8;
                ramp
            }
            _ => {
                let bits = random.bits().to_le_bytes();
                [bits[0], bits[1], bits[2]]
            }
        })
        .collect()
}

/// Samples pixel by pixel, or plane by plane.
pub(super) fn arranged<T: Copy>(samples: &[[T; 3]], planar: bool) -> Vec<T> {
    if planar {
        let plane = |k: usize| samples.iter().map(move |sample| sample[k]);
        (0..3).flat_map(plane).collect()
    } else {
        samples.iter().flatten().copied().collect()
    }
}

fn interleaved(
    seed: u64,
    name: &str,
    photometric: &'static str,
    planar: bool,
    convert: fn([u8; 3]) -> [u8; 3],
) -> Picture {
    let form = Form {
        planar,
        ..Form::colour(photometric, COLUMNS, ROWS)
    };
    let samples = samples(seed, name, form.area());
    let frames = vec![colours(
        &form,
        samples.iter().map(|sample| convert(*sample)),
    )];
    let draft = Draft::new(seed, name, "OT", CAPTURE);
    draft.finish(&form, &Cells::Bytes(arranged(&samples, planar)), frames)
}

/// Two pixels share Cb and Cr, and are stored as Y Y Cb Cr.
fn ybr_full_422(seed: u64) -> Picture {
    let form = Form::colour("YBR_FULL_422", COLUMNS, ROWS);
    let mut samples = samples(seed, "ybr-full-422", form.area());
    let mut bytes = Vec::new();
    for pair in samples.chunks_mut(2) {
        let [_, cb, cr] = pair[0];
        pair[1] = [pair[1][0], cb, cr];
        bytes.extend([pair[0][0], pair[1][0], cb, cr]);
    }
    let frames = vec![colours(
        &form,
        samples.iter().map(|sample| ybr_full(*sample)),
    )];
    let draft = Draft::new(seed, "ybr-full-422", "OT", CAPTURE);
    draft.finish(&form, &Cells::Bytes(bytes), frames)
}

/// Partial range. The standard knows no native form with shared chroma, so each pixel has all three samples, of which
/// those of chroma are the same in every square of four.
fn ybr_partial_420(seed: u64) -> Picture {
    let form = Form::colour("YBR_PARTIAL_420", COLUMNS, ROWS);
    let free = samples(seed, "ybr-partial-420", form.area());
    let columns = usize::from(COLUMNS);
    let samples: Vec<[u8; 3]> = (0..form.area())
        .map(|at| {
            let (column, row) = (at % columns, at / columns);
            let [_, cb, cr] = free[row / 2 * 2 * columns + column / 2 * 2];
            [free[at][0], cb, cr]
        })
        .collect();
    let frames = vec![colours(
        &form,
        samples.iter().map(|sample| ybr_partial(*sample)),
    )];
    let draft = Draft::new(seed, "ybr-partial-420", "OT", CAPTURE);
    draft.finish(&form, &Cells::Bytes(arranged(&samples, false)), frames)
}

/// 16 bits for each of red, green and blue.
fn rgb_16(seed: u64) -> Picture {
    let form = Form {
        stored: 16,
        high_bit: 15,
        ..Form::colour("RGB", COLUMNS, ROWS)
    };
    let coarse = samples(seed, "rgb-16", form.area());
    let fine = samples(seed, "rgb-16/low", form.area());
    let words: Vec<[u16; 3]> = coarse
        .iter()
        .zip(&fine)
        .map(|(high, low)| [0, 1, 2].map(|k| u16::from_be_bytes([high[k], low[k]])))
        .collect();
    let shown = |word: &[u16; 3]| word.map(|value| super::byte(f64::from(value) / 65_535.0));
    let frames = vec![colours(&form, words.iter().map(shown))];
    let draft = Draft::new(seed, "rgb-16", "OT", CAPTURE);
    draft.finish(&form, &Cells::Words(arranged(&words, false)), frames)
}

fn with_profile(seed: u64, name: &str, colorants: &Colorants) -> Picture {
    let form = Form::colour("RGB", COLUMNS, ROWS);
    let samples = samples(seed, name, form.area());
    let frames = vec![colours(
        &form,
        samples.iter().map(|sample| srgb_from(colorants, *sample)),
    )];
    let mut draft = Draft::new(seed, name, "XC", CAPTURE);
    draft
        .set
        .bytes(tags::ICC_PROFILE, "OB", colorants.profile());
    draft.finish(&form, &Cells::Bytes(arranged(&samples, false)), frames)
}
