//! Colour models against the formulas of PS3.3 C.7.6.3.1.2 in double precision, for every input that there is.

use viewer_core::pixel::color::{ybr_full_to_rgb, ybr_partial_to_rgb};

/// Luma of C.7.6.3.1.2: `Y = .2990 R + .5870 G + .1140 B`; chroma is `(B - Y) / 1.772` and `(R - Y) / 1.402`,
/// whose coefficients the standard rounds to four digits (.5 / .886 = .5643, and so on).
const RED: f64 = 0.299;
const GREEN: f64 = 0.587;
const BLUE: f64 = 0.114;

/// The nearest level; a half goes up. The nearest that other values come to a half is 5e-10.
fn level(value: f64) -> u8 {
    (value + 0.5 + 1e-10).floor().clamp(0.0, 255.0) as u8
}

fn rgb(luma: f64, cb: f64, cr: f64) -> [u8; 3] {
    let red = luma + 2.0 * (1.0 - RED) * cr;
    let blue = luma + 2.0 * (1.0 - BLUE) * cb;
    let green = (luma - RED * red - BLUE * blue) / GREEN;
    [red, green, blue].map(level)
}

fn every_input(check: impl Fn([u8; 3]) -> bool) -> usize {
    let mut wrong = 0;
    for y in 0..=255 {
        for cb in 0..=255 {
            for cr in 0..=255 {
                wrong += usize::from(!check([y, cb, cr]));
            }
        }
    }
    wrong
}

#[test]
fn ybr_full_is_the_rounded_formula_for_all_inputs() {
    let wrong = every_input(|pixel| {
        let [y, cb, cr] = pixel.map(f64::from);
        ybr_full_to_rgb(pixel) == rgb(y, cb - 128.0, cr - 128.0)
    });
    assert_eq!(wrong, 0, "of 16,777,216");
}

/// Luma of YBR_PARTIAL spans 219 levels from 16, chroma 224 around 128: .2568 = .299 * 219 / 255.
#[test]
fn ybr_partial_is_the_rounded_formula_for_all_inputs() {
    let wrong = every_input(|pixel| {
        let [y, cb, cr] = pixel.map(f64::from);
        let [cb, cr] = [cb, cr].map(|chroma| (chroma - 128.0) * 255.0 / 224.0);
        ybr_partial_to_rgb(pixel) == rgb((y - 16.0) * 255.0 / 219.0, cb, cr)
    });
    assert_eq!(wrong, 0, "of 16,777,216");
}

/// The formulas of the standard as it prints them, forwards: colours come back within what rounding to bytes
/// costs, 1.402 / 2 + 1 / 2 at most for red, 1.772 / 2 + 1 / 2 for blue.
#[test]
fn colours_come_back_through_the_formulas_as_printed() {
    let byte = |value: f64| value.round().clamp(0.0, 255.0) as u8;
    for red in (0..=255_u8).step_by(15) {
        for green in (0..=255_u8).step_by(15) {
            for blue in (0..=255_u8).step_by(15) {
                let [r, g, b] = [red, green, blue].map(f64::from);
                let full = [
                    0.2990 * r + 0.5870 * g + 0.1140 * b,
                    -0.1687 * r - 0.3313 * g + 0.5000 * b + 128.0,
                    0.5000 * r - 0.4187 * g - 0.0813 * b + 128.0,
                ];
                let partial = [
                    0.2568 * r + 0.5041 * g + 0.0979 * b + 16.0,
                    -0.1482 * r - 0.2910 * g + 0.4392 * b + 128.0,
                    0.4392 * r - 0.3678 * g - 0.0714 * b + 128.0,
                ];
                for found in [
                    ybr_full_to_rgb(full.map(byte)),
                    ybr_partial_to_rgb(partial.map(byte)),
                ] {
                    for (found, expected) in found.iter().zip([red, green, blue]) {
                        let apart = found.abs_diff(expected);
                        assert!(apart <= 2, "{red} {green} {blue}: {found} for {expected}");
                    }
                }
            }
        }
    }
}
