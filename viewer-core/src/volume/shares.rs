//! How the slices of a volume are shared out among workers that sample planes together ([`super::part`]).
//!
//! Runs of slices go to the workers in turn, so that a slab or an oblique plane is work for all of them. A worker holds
//! the slices that its samples are mixed from: its own and the next ones; while others are on their way, those between
//! which its samples are bridged. So parts together are the same as one sampler at every moment.

use super::presence::{Between, Presence, SliceState};
use std::ops::Range;

/// Slices of a run: each run holds one slice of the next, and blocks of samples at its ends are cut.
const RUN: Range<usize> = 4..16;

/// Runs that each worker has where there are enough slices.
const RUNS: usize = 4;

/// Who samples what of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    count: usize,
    workers: usize,
    run: usize,
}

impl Shares {
    /// Those of `count` slices among so many workers, at least one.
    pub fn new(count: usize, workers: usize) -> Self {
        let workers = workers.max(1);
        Self {
            count,
            workers,
            run: (count / (workers * RUNS)).clamp(RUN.start, RUN.end),
        }
    }

    /// The slices from which a worker's samples go up to the next one.
    pub fn ranges(self, worker: usize) -> impl Iterator<Item = Range<usize>> {
        let starts = (0..self.count).step_by(self.run);
        let own = starts.skip(worker).step_by(self.workers);
        own.map(move |start| start..(start + self.run).min(self.count))
    }

    /// The slices that a worker has to hold as long as this is what is known of them: true for each that it needs.
    pub fn needs(self, worker: usize, presence: &Presence) -> Vec<bool> {
        let intervals = presence.intervals();
        let mut needs = vec![false; self.count];
        let mut need = |slice: usize| {
            if let Some(needed) = needs.get_mut(slice) {
                *needed = true;
            }
        };
        let is_here = |slice| presence.of(slice) == SliceState::Here;
        for slice in self.ranges(worker).flatten() {
            // Samples on the last slice, which has no interval.
            let is_top = slice + 1 == self.count;
            if is_top && is_here(slice) {
                need(slice);
            }
            let interval = if is_top {
                intervals.last()
            } else {
                intervals.get(slice)
            };
            match interval {
                Some(Between::Slices(low, high)) => {
                    need(*low as usize);
                    need(*high as usize);
                }
                Some(Between::Gap {
                    below_is_here,
                    above_is_here,
                }) if !is_top => {
                    if *below_is_here {
                        need(slice);
                    }
                    if *above_is_here {
                        need(slice + 1);
                    }
                }
                _ => {}
            }
        }
        needs
    }

    /// Most slices that all workers together hold once nothing is on its way.
    pub fn most_held(self) -> usize {
        self.count + self.count.div_ceil(self.run).saturating_sub(1)
    }
}

#[cfg(test)]
#[path = "shares_tests.rs"]
mod tests;
