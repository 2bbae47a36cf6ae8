//! The inverse discrete cosine transform of 12-bit samples, with dequantization folded in.
//!
//! In single precision, whose error stays far below half a level, and which damaged coefficients cannot overflow.
//! Source: ISO/IEC 10918-1 (ITU-T T.81) A.3.3 and A.3.4; the factorisation is that of Arai, Agui and
//! Nakajima (1988), whose output scale factors go into the quantization table.

use super::blocks::{Block, ZIGZAG};

type Lanes = [f32; 8];

/// A quantization table with the scale factors of the transform.
pub(super) struct Scales([f32; 64]);

impl Scales {
    /// From a table in zigzag order.
    pub fn new(quantization: &[u16; 64]) -> Self {
        // 1 for the lowest frequency, sqrt(2) cos(k pi / 16) for the others.
        let factor = |k: usize| {
            if k == 0 {
                1.0
            } else {
                std::f64::consts::SQRT_2 * (k as f64 * std::f64::consts::PI / 16.0).cos()
            }
        };
        let mut scales = [0.0; 64];
        for (step, place) in quantization.iter().zip(ZIGZAG) {
            let place = usize::from(place);
            let scale = f64::from(*step) * factor(place / 8) * factor(place % 8) / 8.0;
            #[expect(clippy::cast_possible_truncation, reason = "to single precision")]
            let scale = scale as f32;
            scales[place] = scale;
        }
        Self(scales)
    }
}

/// From a level around zero, rounded.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded by zero and 4095"
)]
fn sample(level: f32) -> u16 {
    (level + 2048.5).clamp(0.0, 4095.0) as i32 as u16
}

/// The sample of a block of which only the first coefficient is not zero.
pub(super) fn flat(first: i16, scales: &Scales) -> u16 {
    sample(f32::from(first) * scales.0[0])
}

/// The samples of a block, line by line.
pub(super) fn inverse(block: &Block, scales: &Scales) -> [[u16; 8]; 8] {
    let mut rows: [Lanes; 8] = std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            f32::from(block[8 * row + column]) * scales.0[8 * row + column]
        })
    });
    pass(&mut rows);
    let mut columns: [Lanes; 8] =
        std::array::from_fn(|row| std::array::from_fn(|column| rows[column][row]));
    pass(&mut columns);
    std::array::from_fn(|row| columns.map(|column| sample(column[row])))
}

#[inline]
fn add(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|lane| a[lane] + b[lane])
}

#[inline]
fn subtract(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|lane| a[lane] - b[lane])
}

#[inline]
fn times(a: Lanes, factor: f32) -> Lanes {
    a.map(|value| value * factor)
}

/// Eight transforms of eight values at once, one in each lane.
#[inline]
fn pass(v: &mut [Lanes; 8]) {
    use std::f32::consts::SQRT_2;
    /// 2 cos(pi / 8), and the sums of it with 2 cos(3 pi / 8).
    const TWO_C2: f32 = 1.847_759;
    const C2_MINUS_C6: f32 = 1.082_392_2;
    const C2_PLUS_C6: f32 = 2.613_126;

    // Even frequencies.
    let (sum, difference) = (add(v[0], v[4]), subtract(v[0], v[4]));
    let inner = add(v[2], v[6]);
    let outer = subtract(times(subtract(v[2], v[6]), SQRT_2), inner);
    let even = [
        add(sum, inner),
        add(difference, outer),
        subtract(difference, outer),
        subtract(sum, inner),
    ];
    // Odd frequencies.
    let (a, b) = (add(v[5], v[3]), subtract(v[5], v[3]));
    let (c, d) = (add(v[1], v[7]), subtract(v[1], v[7]));
    let first = add(c, a);
    let turn = times(add(b, d), TWO_C2);
    let second = subtract(subtract(turn, times(b, C2_PLUS_C6)), first);
    let third = subtract(times(subtract(c, a), SQRT_2), second);
    let fourth = subtract(subtract(turn, times(d, C2_MINUS_C6)), third);
    let odd = [first, second, third, fourth];
    for k in 0..4 {
        v[k] = add(even[k], odd[k]);
        v[7 - k] = subtract(even[k], odd[k]);
    }
}
