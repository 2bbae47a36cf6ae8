//! From the third coordinate of a sample to the slices that are mixed there.
//!
//! A [`Ladder`] finds the slice at or below a position, [`Rungs`] says what is mixed above it: as a rule that slice
//! and the next; while slices are on their way, those that are here ([`Between`]); where one will never come, none.

use super::presence::{Between, Presence, SliceState};
use super::{Slices, VolumeGrid};
use crate::pixel::grid::{FRACTION_BITS, ONE};
use std::ops::Range;

/// From the third coordinate to slices.
#[derive(Debug, Clone)]
pub(super) enum Ladder {
    /// The coordinate counts slices, so many.
    Even(usize),
    /// The coordinate is mm along the slices; positions of slices with 16 fractional bits.
    Uneven(Vec<i64>),
}

impl Ladder {
    /// That of a grid, no longer than `count` slices.
    pub fn new(grid: &VolumeGrid, count: usize) -> Self {
        let positions = grid.slice_positions_mm();
        match grid.even_step_mm() {
            Some(_) => Self::Even(count),
            None => Self::Uneven(
                positions
                    .iter()
                    .take(count)
                    .map(|mm| sixteen(*mm))
                    .collect(),
            ),
        }
    }

    /// Positions of the first and the last slice with 16 fractional bits; `None` without slices.
    pub fn ends(&self) -> Option<[i64; 2]> {
        match self {
            Self::Even(count) => {
                let last = i64::try_from(count.checked_sub(1)?).ok()?;
                Some([0, last << FRACTION_BITS])
            }
            Self::Uneven(positions) => Some([*positions.first()?, *positions.last()?]),
        }
    }

    /// Positions whose slice at or below them is one of `slices`, the first and the last; `None` without slices.
    pub fn span(&self, slices: &Range<usize>) -> Option<[i64; 2]> {
        let [_, last] = self.ends()?;
        let position = |slice: usize| match self {
            Self::Even(_) => i64::try_from(slice).ok().map(|it| it << FRACTION_BITS),
            Self::Uneven(positions) => positions.get(slice).copied(),
        };
        let is_last = slices.end >= self.count();
        let end = if is_last {
            last
        } else {
            position(slices.end)? - 1
        };
        let start = position(slices.start)?;
        (!slices.is_empty() && start <= end).then_some([start, end])
    }

    fn count(&self) -> usize {
        match self {
            Self::Even(count) => *count,
            Self::Uneven(positions) => positions.len(),
        }
    }

    /// The slice at or below a position between the ends.
    pub fn slice_below(&self, position: i64) -> usize {
        match self {
            Self::Even(_) => usize::try_from(position >> FRACTION_BITS).unwrap_or(0),
            Self::Uneven(positions) => {
                let not_above = positions.partition_point(|p| *p <= position);
                not_above.saturating_sub(1)
            }
        }
    }
}

/// Walks an uneven ladder; remembers where it is, as neighbours on a row lie in neighbouring slices.
pub(super) struct Steps<'a> {
    positions: &'a [i64],
    below: usize,
}

impl<'a> Steps<'a> {
    pub fn new(positions: &'a [i64], first: i64) -> Self {
        let below = positions.partition_point(|p| *p <= first);
        Self {
            positions,
            below: below.saturating_sub(1),
        }
    }

    /// The slice at or below a position between the ends, and the weight of the next in 1/65536.
    pub fn split(&mut self, position: i64) -> (u32, u32) {
        let positions = self.positions;
        let last = positions.len().saturating_sub(1);
        self.below = self.below.min(last);
        while self.below > 0 && positions[self.below] > position {
            self.below -= 1;
        }
        while self.below < last && positions[self.below + 1] <= position {
            self.below += 1;
        }
        let below = u32::try_from(self.below).unwrap_or(u32::MAX);
        if self.below == last {
            return (below, 0);
        }
        let (low, high) = (positions[self.below], positions[self.below + 1]);
        let fraction = ((position - low) << FRACTION_BITS) / (high - low).max(1);
        (below, u32::try_from(fraction).unwrap_or(0))
    }
}

/// What gives the value of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mixed {
    /// Two slices, and the weight of the second.
    Two(usize, usize, f64),
    /// One slice alone.
    One(usize),
    /// A slice that will never come.
    Absent,
    /// Nothing yet, or another part of the volume.
    Nothing,
}

/// What is mixed from each slice up to the next.
#[derive(Debug, Clone)]
pub(super) struct Rungs {
    rungs: Vec<Between>,
    /// Those where it is the slice and the next.
    is_plain: Vec<bool>,
    /// Slices of this part of the volume.
    range: Range<usize>,
}

impl Rungs {
    /// Those of slices that are here or not; without `presence` those that are not will never come.
    pub fn new(slices: &Slices, presence: Option<&Presence>) -> Self {
        let count = slices.count();
        let mut known = Presence::new(count);
        for (index, slice) in slices.iter().enumerate() {
            let state = match (presence.map(|presence| presence.of(index)), slice) {
                (None | Some(SliceState::Here), Some(_)) => SliceState::Here,
                (None, None) => SliceState::Failed,
                // It is known to be somewhere, so it is on its way to here.
                (Some(SliceState::Here), None) => SliceState::Awaited,
                (Some(state), _) => state,
            };
            known.set(index, state);
        }
        let mut rungs = known.intervals();
        // Positions on the last slice, and on no interval.
        let last = count.saturating_sub(1);
        let here = u32::try_from(last).unwrap_or(u32::MAX);
        let top = match (known.of(last), rungs.last()) {
            (SliceState::Here, _) => Between::Slices(here, here),
            (SliceState::Awaited, Some(Between::Slices(low, high))) => Between::Slices(*low, *high),
            (SliceState::Awaited, Some(Between::Nothing)) => Between::Nothing,
            _ => Between::Gap {
                below_is_here: false,
                above_is_here: false,
            },
        };
        rungs.truncate(last);
        if count > 0 {
            rungs.push(top);
        }
        let is_plain = (0_u32..).zip(&rungs);
        let is_plain = is_plain
            .map(|(index, rung)| *rung == Between::Slices(index, index + 1))
            .collect();
        Self {
            rungs,
            is_plain,
            range: 0..count,
        }
    }

    /// Only intervals that start with these slices; there is nothing elsewhere.
    pub fn within(mut self, range: Range<usize>) -> Self {
        let end = range.end.min(self.rungs.len());
        self.range = range.start.min(end)..end;
        for index in 0..self.rungs.len() {
            if !self.range.contains(&index) {
                self.rungs[index] = Between::Nothing;
                self.is_plain[index] = false;
            }
        }
        self
    }

    /// True where it is a slice and the next that are mixed.
    pub fn is_plain(&self, slice: usize) -> bool {
        self.is_plain.get(slice) == Some(&true)
    }

    /// What is mixed above a slice.
    pub fn get(&self, slice: usize) -> Between {
        self.rungs.get(slice).copied().unwrap_or(Between::Nothing)
    }

    /// Slices whose intervals count.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// True where some sample may have no value because a slice will never come.
    pub fn has_gaps(&self) -> bool {
        let mut rungs = self.rungs.iter();
        rungs.any(|rung| matches!(rung, Between::Gap { .. }))
    }

    /// What gives the value above a slice, `up` / 65536 of the way to the next.
    #[inline]
    pub fn mixed(&self, slice: usize, up: u32) -> Mixed {
        if up > 0 && self.is_plain(slice) {
            Mixed::Two(slice, slice + 1, f64::from(up) / f64::from(ONE))
        } else {
            self.bridged(slice, up)
        }
    }

    #[inline(never)]
    fn bridged(&self, slice: usize, up: u32) -> Mixed {
        match self.get(slice) {
            Between::Slices(low, high) => {
                let (low, high) = (low as usize, high as usize);
                let weight = way(slice, up, low) / way(high, 0, low);
                if high == low || weight == 0.0 {
                    Mixed::One(low)
                } else {
                    Mixed::Two(low, high, weight)
                }
            }
            Between::Gap { below_is_here, .. } if below_is_here && up == 0 => Mixed::One(slice),
            Between::Gap { .. } => Mixed::Absent,
            Between::Nothing => Mixed::Nothing,
        }
    }

    /// The slice whose voxels are nearest, a half going up.
    pub fn nearest(&self, slice: usize, up: u32) -> Mixed {
        let is_above = up >= ONE / 2;
        match self.get(slice) {
            Between::Gap {
                below_is_here,
                above_is_here,
            } => match (is_above, below_is_here, above_is_here) {
                (false, true, _) => Mixed::One(slice),
                (true, _, true) => Mixed::One(slice + 1),
                _ => Mixed::Absent,
            },
            _ => match self.mixed(slice, up) {
                Mixed::Two(low, high, weight) => Mixed::One(if weight < 0.5 { low } else { high }),
                mixed => mixed,
            },
        }
    }
}

/// The way from a slice up to a place between slices, in slices.
#[expect(
    clippy::cast_precision_loss,
    reason = "slices are counted in thousands"
)]
fn way(slice: usize, up: u32, from: usize) -> f64 {
    slice.saturating_sub(from) as f64 + f64::from(up) / f64::from(ONE)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "positions are within a thousand kilometres"
)]
fn sixteen(mm: f64) -> i64 {
    (mm * 65_536.0).round() as i64
}
