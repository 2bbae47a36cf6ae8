//! Samples in a row: where they lie, and which of them lie inside.

use super::kernel::{Kernel, Place};
use crate::pixel::grid::{FRACTION_BITS, ONE};
use std::ops::Range;

/// Samples in a row: the first position and the step to the next, with 32 fractional bits; half of the 16th bit is
/// added already, so that a shift rounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub first: [i64; 3],
    pub step: [i64; 3],
}

impl Line {
    /// Values along it; `slice` takes a rounded position to a slice and the weight of the next. All lies inside.
    #[inline]
    pub fn run(
        self,
        out: &mut [f32],
        kernel: &impl Kernel,
        mut slice: impl FnMut(i64) -> (u32, u32),
    ) {
        let Self { first, step } = self;
        let [mut columns, mut rows, mut slices] = first;
        let mut next = || {
            let [column, row] = [columns, rows].map(|at| split(at >> FRACTION_BITS));
            let place = place(column, row, slice(slices >> FRACTION_BITS));
            columns += step[0];
            rows += step[1];
            slices += step[2];
            place
        };
        let (fours, rest) = out.as_chunks_mut::<4>();
        for four in fours {
            let places = std::array::from_fn(|_| next());
            *four = kernel.four(&places);
        }
        for value in rest {
            *value = kernel.one(&next());
        }
    }

    /// The same from a sample on.
    pub fn from(self, x: usize) -> Self {
        let x = i64::try_from(x).unwrap_or(i64::MAX);
        let first = [0, 1, 2].map(|axis| self.first[axis] + self.step[axis] * x);
        Self { first, ..self }
    }

    /// Those of the first `count` samples that lie within limits on all axes.
    pub fn within(self, limits: [[i64; 2]; 3], count: usize) -> Range<usize> {
        let mut inside = 0..i64::try_from(count).unwrap_or(i64::MAX);
        for ((first, step), [low, high]) in self.first.into_iter().zip(self.step).zip(limits) {
            // Positions that a shift takes to the limits.
            let [low, high] = [low << FRACTION_BITS, ((high + 1) << FRACTION_BITS) - 1];
            let (start, end) = match step {
                0 if (low..=high).contains(&first) => continue,
                0 => return 0..0,
                // The first sample that is not below, and the first that is above.
                1.. => (
                    ceiling(low - first, step),
                    (high - first).div_euclid(step) + 1,
                ),
                _ => (
                    ceiling(first - high, -step),
                    (first - low).div_euclid(-step) + 1,
                ),
            };
            inside = inside.start.max(start)..inside.end.min(end);
        }
        let [start, end] = [inside.start, inside.end.max(inside.start)];
        if start >= end {
            return 0..0;
        }
        usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0)
    }
}

/// The quotient by a positive number, rounded up.
fn ceiling(number: i64, by: i64) -> i64 {
    -(-number).div_euclid(by)
}

/// The voxel at or before a rounded position inside, and the weight of the next in 1/65536.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position inside is not negative and has at most 48 bits"
)]
pub(super) fn split(position: i64) -> (u32, u32) {
    (
        (position >> FRACTION_BITS) as u32,
        (position as u32) & (ONE - 1),
    )
}

/// A place from its three coordinates.
#[inline]
pub(super) fn place(column: (u32, u32), row: (u32, u32), slice: (u32, u32)) -> Place {
    Place {
        column: column.0,
        across: column.1,
        row: row.0,
        down: row.1,
        slice: slice.0,
        up: slice.1,
    }
}
