//! The inverse discrete cosine transform of 8 x 8 blocks, with dequantization folded in.
//!
//! In single precision, whose error stays far below half a level of 12-bit samples: so one transform
//! serves both depths, and damaged coefficients cannot overflow it.
//! Source: ISO/IEC 10918-1 (ITU-T T.81) A.3.3 and A.3.4; the factorisation is that of Arai, Agui and
//! Nakajima (1988), whose output scale factors go into the quantization table.

/// Coefficients of a block in rows, lowest frequencies first.
pub(super) type Block = [i16; 64];

/// Place in a block of the coefficients in zigzag order (figure A.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

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

/// How levels around zero become samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// Level shift and half a step for rounding.
    center: f32,
    max: f32,
}

impl Level {
    /// For samples of 8 or 12 bits.
    pub fn new(precision: u8) -> Self {
        let half = f32::from(1_u16 << (precision - 1));
        Self {
            center: half + 0.5,
            max: 2.0 * half - 1.0,
        }
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded by zero and 4095"
    )]
    fn sample(self, value: f32) -> u16 {
        (value + self.center).max(0.0).min(self.max) as i32 as u16
    }
}

/// Writes the samples of a block to `out`, whose lines are `stride` samples apart.
pub(super) fn inverse(
    block: &Block,
    scales: &Scales,
    level: Level,
    out: &mut [u16],
    stride: usize,
) {
    if block[1..].iter().all(|coefficient| *coefficient == 0) {
        let sample = level.sample(f32::from(block[0]) * scales.0[0]);
        for line in out.chunks_mut(stride).take(8) {
            line[..8].fill(sample);
        }
        return;
    }
    let mut rows: [Lanes; 8] = std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            f32::from(block[8 * row + column]) * scales.0[8 * row + column]
        })
    });
    pass(&mut rows);
    let mut columns: [Lanes; 8] =
        std::array::from_fn(|row| std::array::from_fn(|column| rows[column][row]));
    pass(&mut columns);
    for (row, line) in out.chunks_mut(stride).take(8).enumerate() {
        for (sample, column) in line[..8].iter_mut().zip(&columns) {
            *sample = level.sample(column[row]);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A.3.3 written out in double precision.
    fn expected(block: &Block, steps: &[u16; 64], row: usize, column: usize) -> f64 {
        let mut sum = 0.0;
        for (zigzag, place) in ZIGZAG.iter().map(|place| usize::from(*place)).enumerate() {
            let (v, u) = (place / 8, place % 8);
            let weight = |k| if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
            let cosine = |x: usize, k: usize| {
                ((2 * x + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos()
            };
            let coefficient = f64::from(block[place]) * f64::from(steps[zigzag]);
            sum += weight(u) * weight(v) / 4.0 * coefficient * cosine(column, u) * cosine(row, v);
        }
        sum
    }

    #[test]
    fn the_transform_is_that_of_the_standard() {
        let steps: [u16; 64] = std::array::from_fn(|index| 1 + index as u16 % 7);
        let scales = Scales::new(&steps);
        for place in 0..64 {
            let mut block = [0; 64];
            block[place] = 211;
            block[(place * 5 + 3) % 64] -= 97;
            for (precision, center, max) in [(8, 128.0, 255.0), (12, 2048.0, 4095.0)] {
                let mut out = [0; 64];
                inverse(&block, &scales, Level::new(precision), &mut out, 8);
                for (index, sample) in out.iter().enumerate() {
                    let exact = expected(&block, &steps, index / 8, index % 8) + center;
                    let difference = f64::from(*sample) - exact.clamp(0.0, max);
                    assert!(difference.abs() < 0.501, "{place} {index}: {difference}");
                }
            }
        }
    }
}
