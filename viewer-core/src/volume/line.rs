//! Samples in a row: where they lie, and which of them lie inside.

use super::kernel::{Four, Kernel, Place};
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
        let mut at = Fours::new(self.first, self.step);
        let (fours, rest) = out.as_chunks_mut::<4>();
        let rest_line = self.from(fours.len() * 4);
        for four in fours {
            let slices = at.rounded(2).map(&mut slice);
            *four = kernel.four(&Four {
                column: at.voxels(0),
                across: at.weights(0),
                row: at.voxels(1),
                down: at.weights(1),
                slice: slices.map(|(slice, _)| slice),
                up: slices.map(|(_, up)| up),
            });
            at.next();
        }
        for (index, value) in rest.iter_mut().enumerate() {
            let [column, row, position] = rest_line.from(index).first;
            let [column, row] = [column, row].map(|at| split(at >> FRACTION_BITS));
            *value = kernel.one(&place(column, row, slice(position >> FRACTION_BITS)));
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

/// Four positions in a row of samples, side by side; they go on by fours.
pub(super) struct Fours {
    /// With 32 fractional bits, by axis. None is negative inside.
    at: [[u64; 4]; 3],
    step: [u64; 3],
}

impl Fours {
    #[inline]
    pub fn new(first: [i64; 3], step: [i64; 3]) -> Self {
        let at = std::array::from_fn(|axis| {
            let mut position = first[axis];
            std::array::from_fn(|_| {
                let lane = position;
                position = position.wrapping_add(step[axis]);
                lane.cast_unsigned()
            })
        });
        Self {
            at,
            step: step.map(|step| step.wrapping_mul(4).cast_unsigned()),
        }
    }

    /// The next four. Those beyond the end of the row are never looked at, wherever they lie.
    #[inline]
    pub fn next(&mut self) {
        for (at, step) in self.at.iter_mut().zip(self.step) {
            for lane in at {
                *lane = lane.wrapping_add(step);
            }
        }
    }

    /// Voxels at or before them, each times its step, added up: where they are in a copy.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a box has few voxels")]
    pub fn indices(&self, steps: [u32; 3]) -> [u32; 4] {
        let mut indices = [0; 4];
        for (at, step) in self.at.iter().zip(steps) {
            for (index, lane) in indices.iter_mut().zip(at) {
                // Numbers of 32 bits in lanes of 64 are multiplied in one step.
                *index += (lane >> 32) * u64::from(step);
            }
        }
        indices.map(|index: u64| index as u32)
    }

    /// Voxels at or before them along an axis.
    #[inline]
    pub fn voxels(&self, axis: usize) -> [u32; 4] {
        self.at[axis].map(|lane| (lane >> 32) as u32)
    }

    /// Weights of the next voxels along an axis, in 1/65536.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "16 bits are left")]
    pub fn weights(&self, axis: usize) -> [u32; 4] {
        self.at[axis].map(|lane| (lane >> 16) as u32 & 0xFFFF)
    }

    /// Rounded positions along an axis.
    #[inline]
    pub fn rounded(&self, axis: usize) -> [i64; 4] {
        self.at[axis].map(|lane| lane.cast_signed() >> FRACTION_BITS)
    }
}
