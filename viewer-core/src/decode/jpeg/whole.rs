//! The inverse discrete cosine transform of 8-bit samples, in whole numbers.
//!
//! Decoders that agree to the last bit are worth more here than the last tenth of a level: the Independent JPEG Group's
//! "slow integer" transform is what nearly all others use, so each product and each rounding is where that one has it:
//! constants of 13 bits, columns first, rounded to a quarter, then rows.
//! Source: ISO/IEC 10918-1 (ITU-T T.81) A.3.3; C. Loeffler, A. Ligtenberg, G. Moschytz: Practical fast 1-D DCT
//! algorithms with 11 multiplications (ICASSP 1989), figure 1, backwards.

use super::blocks::{Block, ZIGZAG};
use crate::decode::simd::{Lanes, transpose};

/// Bits behind the point of the constants.
const CONSTANT_BITS: u32 = 13;
/// Bits behind the point between columns and rows.
const BETWEEN_BITS: u32 = 2;

/// A quantization table in rows.
pub(super) struct Steps([[i16; 8]; 8]);

impl Steps {
    /// From a table in zigzag order.
    pub fn new(quantization: &[u16; 64]) -> Self {
        let mut steps = [[0; 8]; 8];
        for (step, place) in quantization.iter().zip(ZIGZAG.map(usize::from)) {
            steps[place / 8][place % 8] = step.cast_signed();
        }
        Self(steps)
    }
}

/// The sample of a block of which only the first coefficient is not zero.
pub(super) fn flat(first: i16, steps: &Steps) -> u16 {
    let level = i32::from(first.wrapping_mul(steps.0[0][0]));
    u16::try_from(((level + 4) >> 3) + 128).map_or(0, |sample| sample.min(255))
}

/// The samples of a block, line by line.
#[inline]
pub(super) fn inverse<L: Lanes>(block: &Block, steps: &Steps) -> [[u16; 8]; 8] {
    let rows = block.as_chunks::<8>().0;
    let product = |row: usize| L::multiply16(L::load(&rows[row]), L::load(&steps.0[row]));
    let columns = pass::<L, { CONSTANT_BITS - BETWEEN_BITS }>(std::array::from_fn(product));
    // Three more bits: the factor 8 of the transform in both directions.
    let turned = pass::<L, { CONSTANT_BITS + BETWEEN_BITS + 3 }>(transpose::<L>(columns));
    let (center, darkest, brightest) = (L::splat16(128), L::splat16(0), L::splat16(255));
    transpose::<L>(turned).map(|levels| {
        let mut line = [0; 8];
        let samples = L::min16(L::max16(L::add16(levels, center), darkest), brightest);
        L::store_unsigned(samples, &mut line);
        line
    })
}

/// Eight transforms of eight values at once, one in each lane, divided by 2 to the `SHIFT`.
#[inline]
fn pass<L: Lanes, const SHIFT: u32>(v: [L::Vector; 8]) -> [L::Vector; 8] {
    /// Sums of the constants of figure 1, times 2 to the 13.
    const ONE: i16 = 1 << CONSTANT_BITS;
    // Both rotations of the even half: of 2 and 6 by 6 pi / 16.
    const EVEN: [[i16; 2]; 2] = [[4433, 4433 - 15137], [4433 + 6270, 4433]];
    // The rotation of the sums of the odd half.
    const SUMS: [[i16; 2]; 2] = [[9633 - 16069, 9633], [9633, 9633 - 3196]];
    const OUTER: [[i16; 2]; 2] = [[2446 - 7373, -7373], [-7373, 12299 - 7373]];
    const INNER: [[i16; 2]; 2] = [[16819 - 20995, -20995], [-20995, 25172 - 20995]];

    let even = rotate::<L>(v[2], v[6], EVEN);
    let straight = rotate::<L>(v[0], v[4], [[ONE, ONE], [ONE, -ONE]]);
    let sums = rotate::<L>(L::add16(v[7], v[3]), L::add16(v[5], v[1]), SUMS);
    let outer = rotate::<L>(v[7], v[1], OUTER);
    let inner = rotate::<L>(v[5], v[3], INNER);

    let add = |a: Pair<L>, b: Pair<L>| [L::add32(a[0], b[0]), L::add32(a[1], b[1])];
    let subtract = |a: Pair<L>, b: Pair<L>| [L::subtract32(a[0], b[0]), L::subtract32(a[1], b[1])];
    let half = L::splat32(1 << (SHIFT - 1));
    let halves = [
        add(straight[0], even[1]),
        add(straight[1], even[0]),
        subtract(straight[1], even[0]),
        subtract(straight[0], even[1]),
    ];
    let halves = halves.map(|each| [L::add32(each[0], half), L::add32(each[1], half)]);
    let odd = [
        add(outer[1], sums[1]),
        add(inner[1], sums[0]),
        add(inner[0], sums[1]),
        add(outer[0], sums[0]),
    ];
    let round = |each: Pair<L>| {
        L::narrow(
            L::shift_right32::<SHIFT>(each[0]),
            L::shift_right32::<SHIFT>(each[1]),
        )
    };
    std::array::from_fn(|place| {
        let k = place.min(7 - place);
        round(if place < 4 {
            add(halves[k], odd[k])
        } else {
            subtract(halves[k], odd[k])
        })
    })
}

/// Eight lanes of 32 bits.
type Pair<L> = [<L as Lanes>::Vector; 2];

/// Two linear combinations of `a` and `b`.
#[inline]
fn rotate<L: Lanes>(a: L::Vector, b: L::Vector, factors: [[i16; 2]; 2]) -> [Pair<L>; 2] {
    let (low, high) = (L::low16(a, b), L::high16(a, b));
    factors.map(|[of_a, of_b]| {
        let factors = L::load(&[of_a, of_b, of_a, of_b, of_a, of_b, of_a, of_b]);
        [L::dot(low, factors), L::dot(high, factors)]
    })
}
