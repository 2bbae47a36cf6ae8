//! The contexts of a scan: which one a sample falls into, and what the samples so far say of the next.
//!
//! This is the innermost loop of the decoder. A sample waits for the one to its left, so whatever can be
//! done before it is known, or after it is, stays off that path.
//! Source: ISO/IEC 14495-1 A.3 (contexts), A.4 to A.6 (errors, update), A.7.2 (run interruption).

use super::bits::BitReader;
use super::coding::{Coding, NEAR};

/// How many bits follow a broken run, by run index (J of A.2.1).
pub(super) const RUN_BITS: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

/// Contexts are counted 0 to 364; a power of two saves the bounds check.
const CONTEXTS: usize = 512;

/// Quantised gradients by difference.
#[derive(Clone, Copy)]
pub(super) struct Gradients<'a> {
    table: &'a [i8],
    /// Where the difference 0 stands.
    zero: i32,
}

impl<'a> Gradients<'a> {
    /// Reads the table that [`Coding::gradients`] made.
    pub fn new(table: &'a [i8], coding: &Coding) -> Self {
        Self {
            table,
            zero: coding.max_value,
        }
    }

    /// The signed context of the three gradients (A.3); zero begins a run.
    #[inline(always)]
    pub fn context(self, left: i32, above: i32, above_left: i32, above_right: i32) -> i32 {
        let quantised = |difference: i32| {
            let index = (difference + self.zero).cast_unsigned() as usize;
            self.table.get(index).map_or(0, |value| i32::from(*value))
        };
        81 * quantised(above_right - above)
            + 9 * quantised(above - above_left)
            + quantised(above_left - left)
    }
}

/// The run that a sample ends.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// Index into [`RUN_BITS`].
    pub index: usize,
    /// The context for like neighbours exists: not where samples of several components alternate.
    pub may_be_alike: bool,
}

/// All statistics of a scan.
pub(super) struct Contexts {
    regular: Box<[Regular; CONTEXTS]>,
    interruptions: [Interruption; 2],
}

impl Contexts {
    /// How many there are.
    pub const ENTRIES: usize = CONTEXTS;

    /// As they are where a scan or a restart interval begins.
    pub fn new(coding: &Coding) -> Self {
        Self {
            regular: Box::new([Regular::new(coding); CONTEXTS]),
            interruptions: [Interruption::new(0, coding), Interruption::new(1, coding)],
        }
    }

    /// A sample outside runs (A.4 to A.6). `None` for a code that no encoder writes.
    #[inline(always)]
    pub fn regular<const WAY: u8>(
        &mut self,
        reader: &mut BitReader,
        coding: &Coding,
        signed_context: i32,
        predicted: i32,
    ) -> Option<i32> {
        let sign = signed_context >> 31;
        let index = ((signed_context ^ sign) - sign).cast_unsigned() as usize % CONTEXTS;
        let context = &mut self.regular[index];
        let correction = (i32::from(context.correction) ^ sign) - sign;
        let predicted = (predicted + correction).clamp(0, coding.max_value);
        let code = reader
            .golomb(context.k.into(), coding.escape, coding.plain_bits)?
            .cast_signed();
        // Signs are swapped in exact errors alone.
        let flip = if WAY == NEAR {
            0
        } else {
            i32::from(context.flip)
        };
        let error = (code >> 1) ^ -(code & 1) ^ flip;
        context.update::<WAY>(error, coding);
        Some(coding.reconstruct::<WAY>(predicted, (error ^ sign) - sign))
    }

    /// The sample that ends a run (A.7.2). `None` for a code that no encoder writes.
    pub fn interruption<const WAY: u8>(
        &mut self,
        reader: &mut BitReader,
        coding: &Coding,
        left: i32,
        above: i32,
        run: Run,
    ) -> Option<i32> {
        let alike = run.may_be_alike && (left - above).abs() <= coding.near;
        let context = &mut self.interruptions[usize::from(alike)];
        let k = context.k();
        let escape = coding.escape.checked_sub(RUN_BITS[run.index] + 1)?;
        let code = reader.golomb(k, escape, coding.plain_bits)?.cast_signed();
        let error = context.error(code, k, coding);
        Some(if alike {
            coding.reconstruct::<WAY>(left, error)
        } else {
            coding.reconstruct::<WAY>(above, if left > above { -error } else { error })
        })
    }
}

/// Smallest `k` with which `count << k` reaches `sum`; 16 at most, which no valid stream exceeds.
#[inline(always)]
fn golomb_parameter(sum: i32, count: i32) -> u32 {
    let guess = count.leading_zeros().saturating_sub(sum.leading_zeros());
    (guess + u32::from(count.wrapping_shl(guess) < sum)).min(16)
}

/// Statistics of a regular context.
///
/// What the next sample of the context needs (`k`, `flip`) is computed when the last one is counted, so
/// that it does not wait for it.
#[derive(Debug, Clone, Copy)]
struct Regular {
    /// A: sum of error sizes.
    sum: i32,
    /// B: bias.
    bias: i32,
    /// N: how often the context occurred.
    count: i32,
    /// C: what is added to the prediction.
    correction: i16,
    /// Golomb parameter of the next error.
    k: u8,
    /// All ones where the next error's code has its signs swapped (A.5.2), else zero.
    flip: i8,
}

impl Regular {
    fn new(coding: &Coding) -> Self {
        let sum = initial_sum(coding);
        let mut context = Self {
            sum,
            bias: 0,
            count: 1,
            correction: 0,
            k: 0,
            flip: 0,
        };
        context.k = golomb_parameter(sum, 1) as u8;
        context
    }

    /// Counts an error (A.6).
    #[inline(always)]
    fn update<const WAY: u8>(&mut self, error: i32, coding: &Coding) {
        let step = if WAY == NEAR { coding.step } else { 1 };
        self.sum = self.sum.wrapping_add(error.abs());
        let mut bias = self.bias.wrapping_add(error.wrapping_mul(step));
        let mut count = self.count;
        if count == coding.reset {
            self.sum >>= 1;
            bias >>= 1;
            count >>= 1;
        }
        count += 1;
        // A bias outside -count+1..=0 moves the correction by one. Without branches: which way it goes
        // is as good as random.
        let (low, high) = (i32::from(bias <= -count), i32::from(bias > 0));
        bias = (bias + (-low & count) - (-high & count)).clamp(1 - count, 0);
        let correction = i32::from(self.correction) + high - low;
        self.correction = correction.clamp(-128, 127) as i16;
        (self.bias, self.count) = (bias, count);
        self.k = golomb_parameter(self.sum, count) as u8;
        if WAY != NEAR {
            self.flip = -i8::from(self.k == 0 && 2 * bias <= -count);
        }
    }
}

/// Statistics of a run interruption context.
#[derive(Debug, Clone, Copy)]
struct Interruption {
    /// RItype: 1 where the neighbours left and above are alike.
    kind: i32,
    sum: i32,
    count: i32,
    /// Nn: how many errors were negative.
    negative: i32,
}

impl Interruption {
    fn new(kind: i32, coding: &Coding) -> Self {
        Self {
            kind,
            sum: initial_sum(coding),
            count: 1,
            negative: 0,
        }
    }

    /// Golomb parameter of the next error.
    fn k(&self) -> u32 {
        golomb_parameter(
            self.sum.wrapping_add(self.kind * (self.count >> 1)),
            self.count,
        )
    }

    /// The error of a code, which is counted (A.7.2.2).
    fn error(&mut self, code: i32, k: u32, coding: &Coding) -> i32 {
        let value = code.wrapping_add(self.kind);
        let odd = value & 1;
        let size = value.wrapping_add(odd) >> 1;
        let negative = (k != 0 || 2 * self.negative >= self.count) == (odd == 1);
        let error = if negative { -size } else { size };

        self.negative += i32::from(error < 0);
        self.sum = self.sum.wrapping_add(code.wrapping_add(1 - self.kind) >> 1);
        if self.count == coding.reset {
            self.sum >>= 1;
            self.count >>= 1;
            self.negative >>= 1;
        }
        self.count += 1;
        error
    }
}

fn initial_sum(coding: &Coding) -> i32 {
    ((coding.range + 32) >> 6).max(2)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn the_golomb_parameter_is_the_smallest_that_reaches_the_sum() {
        for count in 1..=64 {
            for sum in 0..=3000 {
                let expected = (0..).find(|k| count << k >= sum).unwrap();
                assert_eq!(golomb_parameter(sum, count), expected, "{sum} {count}");
            }
        }
    }
}
