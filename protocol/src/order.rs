//! Sorting, by one program for all types.
//!
//! The standard library's sort is compiled anew for each type and comparison, some four kilobytes a time that browsers load
//! before they show anything. This one compares through a pointer: for lists of thousands, not for samples.

use std::cmp::Ordering;

/// Sorts by a comparison; equal ones keep their order.
pub fn sort_by<T>(all: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut order = order_of(all.len(), &mut |a, b| compare(&all[a], &all[b]));
    // Each cycle of places is gone round once.
    for start in 0..order.len() {
        let mut place = start;
        loop {
            let from = std::mem::replace(&mut order[place], place);
            if from == start {
                break;
            }
            all.swap(place, from);
            place = from;
        }
    }
}

/// Sorts by what a function says of each; equal ones keep their order.
pub fn sort_by_key<T, K: Ord>(all: &mut [T], mut key: impl FnMut(&T) -> K) {
    sort_by(all, |a, b| key(a).cmp(&key(b)));
}

/// For each place the index of the one that belongs there: runs are merged, each time twice as long.
fn order_of(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut merged = Vec::with_capacity(count);
    let mut run = 1;
    while run < count {
        for pair in order.chunks(2 * run) {
            let (mut left, mut right) = pair.split_at(run.min(pair.len()));
            while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
                if compare(*a, *b) == Ordering::Greater {
                    merged.push(*b);
                    right = right_rest;
                } else {
                    merged.push(*a);
                    left = left_rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut order, &mut merged);
        merged.clear();
        run *= 2;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sorts_as_the_standard_library_does_and_keeps_the_order_of_equal_ones() {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for count in (0..70).chain([1000, 1024, 3500]) {
            for different in [1, 2, 7, 65_536] {
                // What is sorted by, and where it stood.
                let all: Vec<(u32, usize)> =
                    (0..count).map(|at| (next() % different, at)).collect();
                let mut expected = all.clone();
                expected.sort_by_key(|(key, _)| *key);
                let mut sorted = all.clone();
                sort_by_key(&mut sorted, |(key, _)| *key);
                assert_eq!(sorted, expected);
                expected.reverse();
                let mut falling = expected.clone();
                expected.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
                sort_by(&mut falling, |a, b| b.0.cmp(&a.0));
                assert_eq!(falling, expected);
            }
        }
    }
}
