//! Which slices of a volume are here, and what is shown between them while others are on their way.

/// How far a slice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SliceState {
    /// It is on its way.
    #[default]
    Awaited,
    /// It is here.
    Here,
    /// It will not come.
    Failed,
}

/// The two slices between which samples of one interval are mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// These two, the first at or below the interval, the second at or above its end. While slices are on their way they lie
    /// further apart than one; where nothing is on one side, both are the same.
    Slices(u32, u32),
    /// A slice that is needed will never come: no value. On the slice below (`true`) or above (`false`) alone, if
    /// either, there is one.
    Gap {
        /// The slice at the interval's start is here.
        below_is_here: bool,
        /// The slice at its end is here.
        above_is_here: bool,
    },
    /// Nothing came yet.
    Nothing,
}

/// The states of all slices of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    states: Vec<SliceState>,
    settled: usize,
    here: usize,
}

impl Presence {
    /// All of `count` slices on their way.
    pub fn new(count: usize) -> Self {
        Self {
            states: vec![SliceState::Awaited; count],
            settled: 0,
            here: 0,
        }
    }

    /// How far a slice is; beyond the volume, failed.
    pub fn of(&self, slice: usize) -> SliceState {
        self.states
            .get(slice)
            .copied()
            .unwrap_or(SliceState::Failed)
    }

    /// Notes how far a slice is. True where that is new.
    pub fn set(&mut self, slice: usize, state: SliceState) -> bool {
        let Some(known) = self.states.get_mut(slice) else {
            return false;
        };
        let before = std::mem::replace(known, state);
        let settled = |state| usize::from(state != SliceState::Awaited);
        let here = |state| usize::from(state == SliceState::Here);
        self.settled = self.settled + settled(state) - settled(before);
        self.here = self.here + here(state) - here(before);
        before != state
    }

    /// Number of slices.
    pub fn count(&self) -> usize {
        self.states.len()
    }

    /// Slices that are here.
    pub fn here(&self) -> usize {
        self.here
    }

    /// True once nothing is on its way any more: what is shown is final.
    pub fn is_final(&self) -> bool {
        self.settled == self.states.len()
    }

    /// True where every slice is here.
    pub fn is_complete(&self) -> bool {
        self.here == self.states.len()
    }

    /// For each interval between a slice and the next one, what is mixed there. One slice has one interval, its own.
    pub fn intervals(&self) -> Vec<Between> {
        let count = self.states.len();
        let mut below = Vec::with_capacity(count);
        let mut last = None;
        for (slice, state) in (0_u32..).zip(&self.states) {
            if *state == SliceState::Here {
                last = Some(slice);
            }
            below.push(last);
        }
        let mut above = vec![None; count];
        let mut next = None;
        for (slice, state) in self.states.iter().enumerate().rev() {
            if *state == SliceState::Here {
                next = u32::try_from(slice).ok();
            }
            above[slice] = next;
        }
        (0..count.saturating_sub(1).max(count.min(1)))
            .map(|start| {
                let end = (start + 1).min(count - 1);
                let failed = |slice| self.of(slice) == SliceState::Failed;
                if failed(start) || failed(end) {
                    return Between::Gap {
                        below_is_here: self.of(start) == SliceState::Here,
                        above_is_here: self.of(end) == SliceState::Here,
                    };
                }
                match (below[start], above[end]) {
                    (Some(below), Some(above)) => Between::Slices(below, above),
                    (Some(only), None) | (None, Some(only)) => Between::Slices(only, only),
                    (None, None) => Between::Nothing,
                }
            })
            .collect()
    }
}

/// The order in which slices are asked for, so that a coarse picture of the whole comes first: the one nearest to where
/// the user looks, both ends, then the middles of what lies between, ever finer.
pub fn spread(count: usize, first: usize) -> Vec<usize> {
    let mut order = Vec::with_capacity(count);
    let mut is_in = vec![false; count];
    let mut push = |slice: usize| {
        if slice < count && !std::mem::replace(&mut is_in[slice], true) {
            order.push(slice);
        }
    };
    push(first);
    push(0);
    push(count.saturating_sub(1));
    let mut step = count.next_power_of_two();
    while step > 0 {
        (0..count).step_by(step).for_each(&mut push);
        step /= 2;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence(states: &str) -> Presence {
        let mut presence = Presence::new(states.len());
        for (slice, state) in states.chars().enumerate() {
            let state = match state {
                'h' => SliceState::Here,
                'f' => SliceState::Failed,
                _ => SliceState::Awaited,
            };
            presence.set(slice, state);
        }
        presence
    }

    #[test]
    fn slices_on_their_way_are_bridged_and_failed_ones_are_gaps() {
        use Between::{Gap, Nothing, Slices};
        assert_eq!(presence("hhh").intervals(), [Slices(0, 1), Slices(1, 2)]);
        assert_eq!(
            presence("h..h.").intervals(),
            [Slices(0, 3), Slices(0, 3), Slices(0, 3), Slices(3, 3)]
        );
        assert_eq!(presence("..").intervals(), [Nothing]);
        let gap = |below_is_here, above_is_here| Gap {
            below_is_here,
            above_is_here,
        };
        assert_eq!(
            presence("hfh.h").intervals(),
            [
                gap(true, false),
                gap(false, true),
                Slices(2, 4),
                Slices(2, 4)
            ]
        );
        assert_eq!(presence("h").intervals(), [Slices(0, 0)]);
        assert_eq!(presence("").intervals(), []);
    }

    #[test]
    fn a_volume_is_final_when_nothing_is_on_its_way() {
        let mut slices = presence("h.f");
        assert!(!slices.is_final());
        assert!(slices.set(1, SliceState::Here));
        assert!(!slices.set(1, SliceState::Here));
        assert!(slices.is_final() && !slices.is_complete());
        assert_eq!((slices.here(), slices.of(7)), (2, SliceState::Failed));
    }

    #[test]
    fn the_whole_comes_coarse_first() {
        assert_eq!(spread(9, 3), [3, 0, 8, 4, 2, 6, 1, 5, 7]);
        assert_eq!(spread(1, 0), [0]);
        assert!(spread(0, 0).is_empty());
        let mut all = spread(200, 100);
        // An eighth of them leaves no gap wider than 16.
        let mut early = all[..26].to_vec();
        early.sort_unstable();
        assert!(early.windows(2).all(|pair| pair[1] - pair[0] <= 16));
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
    }
}
