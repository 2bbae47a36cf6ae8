//! Which slice comes after which in a cine, and how long each stays.
//!
//! A multi-frame instance is a clip of its own and plays within its trims; single images, and slices that are
//! ordered in the patient, play as one run. Source: DICOM PS3.3 C.7.6.5 (Cine).

use super::Stack;

/// Time of a frame where the file says none, ms: 15 frames a second. It is said on screen that it is ours.
pub const DEFAULT_FRAME_MS: f64 = 1000.0 / 15.0;

/// The slices that a cine goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayOrder {
    /// First slice.
    pub first: usize,
    /// Last slice, above `first`.
    pub last: usize,
    /// Forwards, then backwards; else from the last one to the first.
    pub swings: bool,
}

impl PlayOrder {
    /// The order around a slice of a stack; `None` where there is nothing to play.
    pub fn of(stack: &Stack, slice: usize) -> Option<Self> {
        let end = stack.frames.len().checked_sub(1)?;
        let here = *stack.frames.get(slice)?;
        let instance = stack.instances.get(here.instance)?;
        let whole = Self {
            first: 0,
            last: end,
            swings: instance.cine.swings,
        };
        let order = if stack.is_spatial {
            whole
        } else {
            let is_clip = instance.frame_count > 1;
            let belongs = |slice: &usize| {
                stack.frames.get(*slice).is_some_and(|frame| {
                    let other = stack.instances.get(frame.instance);
                    if is_clip {
                        frame.instance == here.instance
                    } else {
                        other.is_some_and(|other| other.frame_count == 1)
                    }
                })
            };
            let before = (0..slice).rev().take_while(belongs).count();
            let after = (slice + 1..=end).take_while(belongs).count();
            let (first, last) = (slice - before, slice + after);
            match instance.cine.trim.filter(|_| is_clip) {
                Some([from, to]) => Self {
                    first: first + usize::try_from(from).ok()?,
                    last: last.min(first + usize::try_from(to).ok()?),
                    ..whole
                },
                None => Self {
                    first,
                    last,
                    ..whole
                },
            }
        };
        (order.first < order.last).then_some(order)
    }

    /// Number of slices.
    pub fn len(&self) -> usize {
        self.last - self.first + 1
    }

    /// Never: an order has two slices at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The slice after `slice`, and the direction from there. A slice outside the order, one that was trimmed
    /// away, is followed by the order's start.
    pub fn after(&self, slice: usize, forwards: bool) -> (usize, bool) {
        let Self {
            first,
            last,
            swings,
        } = *self;
        match (forwards, (first..=last).contains(&slice)) {
            (true, false) => (first, true),
            (false, false) => (last, false),
            (true, _) if slice < last => (slice + 1, true),
            (false, _) if slice > first => (slice - 1, false),
            (true, _) if swings => (last - 1, false),
            (false, _) if swings => (first + 1, true),
            (true, _) => (first, true),
            (false, _) => (last, false),
        }
    }

    /// The slices after `slice` in the order in which they will be shown, each at least once.
    pub fn upcoming(&self, slice: usize, forwards: bool) -> impl Iterator<Item = usize> {
        let order = *self;
        let steps = if self.swings { 2 } else { 1 } * self.len();
        let next = move |(slice, forwards): &(usize, bool)| Some(order.after(*slice, *forwards));
        std::iter::successors(Some(self.after(slice, forwards)), next)
            .map(|(slice, _)| slice)
            .take(steps)
    }

    /// Shortest, longest and mean time of the order's frames in ms; `None` where the file says no time for
    /// one of them.
    pub fn times_ms(&self, stack: &Stack) -> Option<[f64; 3]> {
        let (mut shortest, mut longest, mut sum) = (f64::INFINITY, 0.0_f64, 0.0);
        for slice in self.first..=self.last {
            let ms = frame_ms(stack, slice)?;
            shortest = shortest.min(ms);
            longest = longest.max(ms);
            sum += ms;
        }
        Some([shortest, longest, sum / self.len() as f64])
    }
}

/// How long a slice stays on screen, ms; `None` where the file says nothing.
pub fn frame_ms(stack: &Stack, slice: usize) -> Option<f64> {
    let (instance, frame_index) = stack.at(slice)?;
    instance.cine.frame_ms(frame_index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    /// An image of a number of frames, with further attributes.
    fn image(number: u32, frames: u32, more: &str) -> String {
        format!(
            r#"{{"00080018":{{"Value":["1.{number}"]}},"00200013":{{"Value":[{number}]}},
            "00280008":{{"Value":["{frames}"]}},"00280010":{{"Value":[2]}},
            "00280011":{{"Value":[2]}},"00280100":{{"Value":[8]}}{more}}}"#
        )
    }

    fn stack(images: &[String]) -> Stack {
        Stack::from_metadata(&json::parse(&format!("[{}]", images.join(","))).unwrap())
    }

    fn ends(stack: &Stack, slice: usize) -> Option<(usize, usize)> {
        PlayOrder::of(stack, slice).map(|order| (order.first, order.last))
    }

    #[test]
    fn a_clip_plays_alone_and_single_images_play_as_one_run() {
        let stack = stack(&[
            image(1, 1, ""),
            image(2, 1, ""),
            image(3, 4, ""),
            image(4, 1, ""),
        ]);
        assert_eq!(ends(&stack, 1), Some((0, 1)));
        assert_eq!(ends(&stack, 3), Some((2, 5)));
        assert_eq!(ends(&stack, 6), None);
        assert_eq!(ends(&stack, 9), None);
    }

    #[test]
    fn a_clip_plays_within_its_trims() {
        let trim = r#","00082142":{"Value":[2]},"00082143":{"Value":[4]}"#;
        let stack = stack(&[image(1, 1, ""), image(2, 6, trim)]);
        assert_eq!(ends(&stack, 1), Some((2, 4)));
    }

    fn walk(order: PlayOrder, from: usize, forwards: bool, steps: usize) -> Vec<usize> {
        let mut place = (from, forwards);
        let mut slices = Vec::new();
        for _ in 0..steps {
            place = order.after(place.0, place.1);
            slices.push(place.0);
        }
        slices
    }

    /// C.7.6.5: Preferred Playback Sequencing is 0 for a loop and 1 for a sweep.
    #[test]
    fn a_cine_loops_or_swings_as_the_file_says() {
        let loops = PlayOrder {
            first: 2,
            last: 4,
            swings: false,
        };
        assert_eq!(walk(loops, 3, true, 4), [4, 2, 3, 4]);
        assert_eq!(walk(loops, 3, false, 4), [2, 4, 3, 2]);
        assert_eq!(walk(loops, 0, true, 2), [2, 3]);
        let swings = PlayOrder {
            swings: true,
            ..loops
        };
        assert_eq!(walk(swings, 3, true, 5), [4, 3, 2, 3, 4]);
    }

    #[test]
    fn what_comes_next_goes_round_the_end() {
        let order = PlayOrder {
            first: 0,
            last: 3,
            swings: false,
        };
        assert_eq!(order.upcoming(2, true).collect::<Vec<_>>(), [3, 0, 1, 2]);
    }

    #[test]
    fn times_are_known_only_where_every_frame_has_one() {
        let vector = r#","00181065":{"Value":["0","40","80"]}"#;
        let stack = stack(&[image(1, 3, vector), image(2, 2, "")]);
        let order = PlayOrder::of(&stack, 0).unwrap();
        // The last of three frames stays as long as the one before: (40 + 80 + 80) / 3.
        assert_eq!(order.times_ms(&stack), Some([40.0, 80.0, 200.0 / 3.0]));
        assert_eq!(PlayOrder::of(&stack, 3).unwrap().times_ms(&stack), None);
    }
}
