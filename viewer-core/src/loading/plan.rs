//! The wanted list: recomputed from what is on screen after every change, never patched.
//!
//! Visible frames first, then each shown stack outwards from its slice, in the direction of the last
//! scroll a little further than against it, the active viewport before the others. A cine wants its frames
//! in the order in which it shows them, round its end, and before all others.

use super::{FrameKey, FrameSet};
use crate::model::{PlayOrder, SeriesId};
use protocol::order::sort_by_key;

/// Why a frame is wanted, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// It is on screen.
    Visible,
    /// It is near what is on screen, or its series is.
    Prefetch,
}

/// One line of the wanted list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Which frame.
    pub key: FrameKey,
    /// How urgent.
    pub tier: Tier,
}

/// One stack on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Its series.
    pub series: SeriesId,
    /// The slice on screen.
    pub slice: usize,
    /// Frames of the stack.
    pub frame_count: usize,
    /// It is the active viewport.
    pub active: bool,
    /// The last scroll went towards higher slices.
    pub forwards: bool,
    /// It plays, in this order.
    pub plays: Option<PlayOrder>,
}

/// A volume on screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownVolume {
    /// Its series.
    pub series: SeriesId,
    /// Places of its slices in the stack, in the order in which they are wanted.
    pub slices: Vec<u32>,
}

impl ShownVolume {
    /// True for a volume of these slices, in any order: no slice is in two volumes of a series.
    pub fn is_of(&self, slices: &[u32]) -> bool {
        self.slices
            .first()
            .is_some_and(|first| slices.contains(first))
    }
}

/// The ordered list of what the screen needs, each frame once: volumes first. At most `most` frames are asked for,
/// nearest first, so that a series larger than the cache is not fetched twice.
pub fn plan(shown: &[Shown], volumes: &[ShownVolume], most: usize) -> Vec<Wanted> {
    let mut order: Vec<&Shown> = shown.iter().filter(|s| s.frame_count > 0).collect();
    sort_by_key(&mut order, |s| (s.plays.is_none(), !s.active));
    let mut seen = FrameSet::default();
    let mut wanted = Vec::new();
    let mut push = |wanted: &mut Vec<Wanted>, series, slice: usize, tier| {
        let Ok(slice) = u32::try_from(slice) else {
            return;
        };
        let key = FrameKey { series, slice };
        if wanted.len() < most && seen.insert(key) {
            wanted.push(Wanted { key, tier });
        }
    };
    for volume in volumes {
        for (place, slice) in volume.slices.iter().enumerate() {
            let tier = match place {
                0 => Tier::Visible,
                _ => Tier::Prefetch,
            };
            push(&mut wanted, volume.series, *slice as usize, tier);
        }
    }
    for s in &order {
        push(
            &mut wanted,
            s.series,
            s.slice.min(s.frame_count - 1),
            Tier::Visible,
        );
    }
    for s in &order {
        for slice in s.plays.iter().flat_map(|o| o.upcoming(s.slice, s.forwards)) {
            push(&mut wanted, s.series, slice, Tier::Prefetch);
        }
        for slice in outwards(s.slice.min(s.frame_count - 1), s.frame_count, s.forwards) {
            push(&mut wanted, s.series, slice, Tier::Prefetch);
        }
    }
    wanted
}

/// All other indices of `0..count` around `center`: two ahead for each one behind, then the rest.
fn outwards(center: usize, count: usize, forwards: bool) -> impl Iterator<Item = usize> {
    let up = center + 1..count;
    let down = (0..center).rev();
    let (mut ahead, mut behind): (
        Box<dyn Iterator<Item = usize>>,
        Box<dyn Iterator<Item = usize>>,
    ) = if forwards {
        (Box::new(up), Box::new(down))
    } else {
        (Box::new(down), Box::new(up))
    };
    let mut turn = 0_usize;
    std::iter::from_fn(move || {
        turn += 1;
        if turn.is_multiple_of(3) {
            behind.next().or_else(|| ahead.next())
        } else {
            ahead.next().or_else(|| behind.next())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(shown: &[Shown], most: usize) -> Vec<(u32, u32)> {
        plan(shown, &[], most)
            .iter()
            .map(|w| (w.key.series.0, w.key.slice))
            .collect()
    }

    const ONE: Shown = Shown {
        series: SeriesId(1),
        slice: 2,
        frame_count: 5,
        active: true,
        forwards: true,
        plays: None,
    };

    #[test]
    fn the_visible_slice_comes_first_then_two_ahead_for_one_behind() {
        assert_eq!(slices(&[ONE], 99), [(1, 2), (1, 3), (1, 4), (1, 1), (1, 0)]);
    }

    #[test]
    fn every_visible_slice_comes_before_any_prefetch() {
        let two = Shown {
            series: SeriesId(2),
            slice: 0,
            frame_count: 2,
            active: false,
            ..ONE
        };
        assert_eq!(slices(&[two, ONE], 3), [(1, 2), (2, 0), (1, 3)]);
    }

    #[test]
    fn a_stack_shown_twice_is_wanted_once() {
        let again = Shown {
            slice: 4,
            active: false,
            ..ONE
        };
        let all = slices(&[ONE, again], 99);
        assert_eq!(all.len(), 5);
        assert_eq!(&all[..2], [(1, 2), (1, 4)]);
    }

    #[test]
    fn a_cine_wants_what_it_shows_next_round_its_end() {
        let plays = Some(PlayOrder {
            first: 1,
            last: 4,
            swings: false,
        });
        let playing = Shown {
            slice: 3,
            active: false,
            plays,
            ..ONE
        };
        let active = Shown {
            series: SeriesId(2),
            slice: 0,
            frame_count: 1,
            ..ONE
        };
        let wanted = slices(&[active, playing], 99);
        let expected = [(1, 3), (2, 0), (1, 4), (1, 1), (1, 2), (1, 0)];
        assert_eq!(wanted, expected);
        let back = Shown {
            forwards: false,
            ..playing
        };
        assert_eq!(
            slices(&[back], 99),
            [(1, 3), (1, 2), (1, 1), (1, 4), (1, 0)]
        );
    }

    #[test]
    fn the_slices_of_a_volume_come_in_its_own_order() {
        let volume = ShownVolume {
            series: SeriesId(1),
            slices: vec![2, 0, 4],
        };
        let wanted = plan(&[ONE], &[volume], 4);
        let slices: Vec<u32> = wanted.iter().map(|wanted| wanted.key.slice).collect();
        assert_eq!(slices, [2, 0, 4, 3]);
        assert_eq!(wanted[0].tier, Tier::Visible);
    }

    #[test]
    fn a_slice_beyond_the_stack_is_its_last() {
        assert_eq!(slices(&[Shown { slice: 9, ..ONE }], 1), [(1, 4)]);
    }
}
