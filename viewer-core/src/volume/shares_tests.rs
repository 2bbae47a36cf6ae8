//! What workers hold, and that their parts are one sampler whatever is on its way.

use super::super::part::merge;
use super::super::sample::chance_tests::{Chance, chance_plane, chance_presence, chance_volume};
use super::super::{Interpolation, PartialPlane, Sampler, Slices, VolumeGrid};
use super::*;
use crate::geometry::{Projection, ViewPlane};
use crate::pixel::SampleType;

fn all_here(count: usize) -> Presence {
    let mut presence = Presence::new(count);
    for slice in 0..count {
        presence.set(slice, SliceState::Here);
    }
    presence
}

fn needed(shares: Shares, worker: usize, presence: &Presence) -> Vec<usize> {
    let needs = shares.needs(worker, presence);
    (0..needs.len()).filter(|slice| needs[*slice]).collect()
}

#[test]
fn runs_go_to_the_workers_in_turn() {
    let ranges = |shares: Shares, worker| shares.ranges(worker).collect::<Vec<_>>();
    // 200 slices, two workers: runs of 16; the last is short.
    let shares = Shares::new(200, 2);
    assert_eq!(ranges(shares, 0)[..2], [0..16, 32..48]);
    assert_eq!(ranges(shares, 1)[..2], [16..32, 48..64]);
    assert_eq!(ranges(shares, 0).last(), Some(&(192..200)));
    // 200 / (8 * 4) slices a run.
    assert_eq!(ranges(Shares::new(200, 8), 7)[0], 42..48);
    assert_eq!(ranges(Shares::new(5, 3), 1), std::slice::from_ref(&(4..5)));
    assert!(ranges(Shares::new(5, 3), 2).is_empty());
    assert!(ranges(Shares::new(0, 1), 0).is_empty());
}

#[test]
fn a_worker_holds_its_slices_and_the_next_ones() {
    let shares = Shares::new(10, 2);
    let presence = all_here(10);
    assert_eq!(needed(shares, 0, &presence), [0, 1, 2, 3, 4, 8, 9]);
    assert_eq!(needed(shares, 1, &presence), [4, 5, 6, 7, 8]);
    assert_eq!(shares.most_held(), 12);
}

#[test]
fn a_worker_holds_the_slices_between_which_it_bridges() {
    let shares = Shares::new(10, 2);
    let mut presence = Presence::new(10);
    presence.set(1, SliceState::Here);
    presence.set(6, SliceState::Here);
    assert_eq!(needed(shares, 0, &presence), [1, 6]);
    presence.set(9, SliceState::Failed);
    // Between 8 and 9 is a gap; on 8 nothing came.
    assert_eq!(needed(shares, 1, &presence), [1, 6]);
    presence.set(8, SliceState::Here);
    assert_eq!(needed(shares, 0, &presence), [1, 6, 8]);
}

/// A plane, and what is known of the slices.
struct Asked {
    grid: VolumeGrid,
    plane: ViewPlane,
    interpolation: Interpolation,
    presence: Presence,
}

impl Asked {
    fn sampler<'s>(&self, slices: &'s Slices) -> Sampler<'s> {
        let sampler = Sampler::new(&self.grid, slices, &self.plane, [41, 30]).unwrap();
        let sampler = sampler.with(self.interpolation);
        sampler.with_presence(&self.presence)
    }

    /// What one worker gives for some rows: its runs one after the other.
    fn rows_of(&self, held: &Slices, ranges: &[Range<usize>], rows: Range<u32>) -> PartialPlane {
        // A part of nothing is what the others are added to.
        let nothing = self.sampler(held).within(0..0).partial(rows.clone());
        let mut all = nothing.clone();
        for range in ranges {
            let sampler = self.sampler(held).within(range.clone());
            let part = sampler.partial(rows.clone());
            if !sampler.may_touch(rows.clone()) {
                assert_eq!(part.to_bytes(), nothing.to_bytes());
            }
            all.add(&part).unwrap();
        }
        all
    }

    /// What one worker gives, in bands of rows.
    fn part(&self, held: &Slices, ranges: &[Range<usize>]) -> PartialPlane {
        let mut all = self.rows_of(held, ranges, 0..8);
        for rows in [8..13, 13..30] {
            all.append(self.rows_of(held, ranges, rows)).unwrap();
        }
        all
    }
}

#[test]
fn parts_of_shares_are_one_sampler_while_slices_are_on_their_way() {
    let mut chance = Chance::new(11);
    for round in 0..80 {
        let kind = [SampleType::I16, SampleType::U8, SampleType::F32][round % 3];
        let (grid, mut slices) = chance_volume(&mut chance, kind);
        let asked = Asked {
            plane: chance_plane(&mut chance, &grid),
            grid,
            interpolation: match round % 5 {
                0 => Interpolation::Nearest,
                _ => Interpolation::Trilinear,
            },
            presence: chance_presence(&mut chance),
        };
        for slice in 0..23 {
            if asked.presence.of(slice) != SliceState::Here {
                slices.remove(slice);
            }
        }
        let workers = 1 + round % 4;
        let shares = Shares::new(23, workers);
        let part = |worker| {
            let needs = shares.needs(worker, &asked.presence);
            let mut held = Slices::new(37, 34, 23);
            for slice in (0..23).filter(|slice| needs[*slice]) {
                held.put(slice, slices.get(slice).unwrap().clone()).unwrap();
            }
            asked.part(&held, &shares.ranges(worker).collect::<Vec<_>>())
        };
        let parts: Vec<_> = (0..workers).map(part).collect();
        let values = merge(&parts).unwrap();
        let mut expected = vec![0.0; values.len()];
        asked.sampler(&slices).rows(0..30, &mut expected);
        let slab = asked.plane.slab;
        let is_mean =
            slab.is_some_and(|slab| slab.projection == Projection::Mean && slab.thickness_mm > 0.0);
        for (value, expected) in values.iter().zip(&expected) {
            let apart = (value - expected).abs();
            let is_right = if is_mean && !expected.is_nan() {
                apart <= expected.abs() * 1e-6
            } else {
                value.to_bits() == expected.to_bits()
            };
            assert!(is_right, "{round}: {value} {expected}");
        }
    }
}
