//! Blocks of 8 x 8 coefficients, and what makes samples of them.
//!
//! Source: ISO/IEC 10918-1 (ITU-T T.81) A.3.3 to A.3.6.

use super::real::{self, Scales};
use super::whole::{self, Steps};
use crate::decode::simd::Native;

/// Coefficients of a block in rows, lowest frequencies first.
pub(super) type Block = [i16; 64];

/// Place in a block of the coefficients in zigzag order (figure A.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The inverse transform of one component's blocks.
pub(super) enum Transform {
    /// To samples of 8 bits.
    Whole(Steps),
    /// To samples of 12 bits.
    Real(Scales),
}

impl Transform {
    /// From a quantization table in zigzag order and the bits of a sample.
    pub fn new(quantization: &[u16; 64], precision: u8) -> Self {
        if precision == 8 {
            Self::Whole(Steps::new(quantization))
        } else {
            Self::Real(Scales::new(quantization))
        }
    }

    /// Writes the samples of a block to `out`, whose lines are `stride` samples apart. Of one that `is_flat` only the first
    /// coefficient is not zero.
    #[inline]
    pub fn inverse(&self, block: &Block, is_flat: bool, out: &mut [u16], stride: usize) {
        let samples = match self {
            Self::Whole(steps) if is_flat => [[whole::flat(block[0], steps); 8]; 8],
            Self::Whole(steps) => whole::inverse::<Native>(block, steps),
            Self::Real(scales) if is_flat => [[real::flat(block[0], scales); 8]; 8],
            Self::Real(scales) => real::inverse(block, scales),
        };
        for (line, samples) in out.chunks_mut(stride).zip(&samples) {
            if let Some(line) = line.first_chunk_mut() {
                *line = *samples;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::simd;
    use whole::Steps;

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
    fn a_flat_block_is_what_the_whole_transform_makes_of_it() {
        for precision in [8, 12] {
            let transform = Transform::new(&[3; 64], precision);
            for first in (-6000..6000).step_by(7) {
                let mut block = [0; 64];
                block[0] = first;
                let (mut flat, mut whole) = ([0; 64], [1; 64]);
                transform.inverse(&block, true, &mut flat, 8);
                transform.inverse(&block, false, &mut whole, 8);
                assert_eq!(flat, whole, "{precision} {first}");
            }
        }
    }

    #[test]
    fn the_processors_lanes_transform_as_the_scalar_ones() {
        let steps = Steps::new(&std::array::from_fn(|index| 1 + index as u16 * 5 % 31));
        for seed in 0..300_i32 {
            let block: Block = std::array::from_fn(|place| {
                let wild = (seed * 7919 + place as i32 * 104_729).wrapping_mul(48_271) >> 8;
                (wild % (2 << (seed % 14))) as i16
            });
            let native = whole::inverse::<simd::Native>(&block, &steps);
            assert_eq!(
                native,
                whole::inverse::<simd::Scalar>(&block, &steps),
                "{seed}"
            );
        }
    }

    #[test]
    fn the_transform_is_that_of_the_standard() {
        let steps: [u16; 64] = std::array::from_fn(|index| 1 + index as u16 % 7);
        for place in 0..64 {
            let mut block = [0; 64];
            block[place] = 211;
            block[(place * 5 + 3) % 64] -= 97;
            // The whole numbers of 8 bits are rounded between columns and rows.
            for (precision, center, max, error) in
                [(8, 128.0, 255.0, 0.8), (12, 2048.0, 4095.0, 0.501)]
            {
                let mut out = [0; 64];
                Transform::new(&steps, precision).inverse(&block, false, &mut out, 8);
                for (index, sample) in out.iter().enumerate() {
                    let exact = expected(&block, &steps, index / 8, index % 8) + center;
                    let difference = f64::from(*sample) - exact.clamp(0.0, max);
                    assert!(difference.abs() < error, "{place} {index}: {difference}");
                }
            }
        }
    }
}
