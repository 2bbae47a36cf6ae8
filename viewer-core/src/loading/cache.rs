//! Decoded frames under a byte budget; what goes first is what is farthest from the screen.
//!
//! Generic over the payload: the browser keeps `ArrayBuffer`s outside WASM memory, tests keep `Vec`s.

use super::{FrameKey, FrameMap, Wanted};

/// Decoded frames by key.
#[derive(Debug)]
pub struct FrameCache<T> {
    frames: FrameMap<(T, usize)>,
    bytes: usize,
    budget_bytes: usize,
}

impl<T> FrameCache<T> {
    /// An empty cache that keeps at most `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Self {
        Self {
            frames: FrameMap::default(),
            bytes: 0,
            budget_bytes,
        }
    }

    /// Bytes held now.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The most bytes it may hold.
    pub fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    /// Number of frames held.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// True without any frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Keys of all frames, in no order.
    pub fn keys(&self) -> impl Iterator<Item = FrameKey> {
        self.frames.keys().copied()
    }

    /// A frame, if it is here.
    pub fn get(&self, key: FrameKey) -> Option<&T> {
        self.frames.get(&key).map(|(frame, _)| frame)
    }

    /// True where the frame is here.
    pub fn contains(&self, key: FrameKey) -> bool {
        self.frames.contains_key(&key)
    }

    /// Puts a frame in and drops what the budget asks for, judged by the wanted list: frames that are
    /// not on it first, then from its end. The frame just put in stays if it is wanted more than
    /// others. Answers the keys that were dropped.
    pub fn insert(
        &mut self,
        key: FrameKey,
        frame: T,
        bytes: usize,
        wanted: &[Wanted],
    ) -> Vec<FrameKey> {
        if let Some((_, old)) = self.frames.insert(key, (frame, bytes)) {
            self.bytes -= old;
        }
        self.bytes += bytes;
        self.shrink(wanted)
    }

    /// Another budget. Drops what it asks for, as [`FrameCache::insert`] does, and answers the keys.
    pub fn set_budget(&mut self, budget_bytes: usize, wanted: &[Wanted]) -> Vec<FrameKey> {
        self.budget_bytes = budget_bytes;
        self.shrink(wanted)
    }

    fn shrink(&mut self, wanted: &[Wanted]) -> Vec<FrameKey> {
        if self.bytes <= self.budget_bytes {
            return Vec::new();
        }
        let rank: FrameMap<usize> = wanted
            .iter()
            .enumerate()
            .map(|(rank, wanted)| (wanted.key, rank))
            .collect();
        let mut keys: Vec<FrameKey> = self.frames.keys().copied().collect();
        keys.sort_by_key(|key| (rank.get(key).copied().unwrap_or(usize::MAX), *key));
        let mut dropped = Vec::new();
        while self.bytes > self.budget_bytes && self.frames.len() > 1 {
            let Some(key) = keys.pop() else { break };
            self.remove(key);
            dropped.push(key);
        }
        dropped
    }

    /// Takes one frame out.
    pub fn remove(&mut self, key: FrameKey) -> Option<T> {
        let (frame, bytes) = self.frames.remove(&key)?;
        self.bytes -= bytes;
        Some(frame)
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.frames = FrameMap::default();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loading::Tier;
    use crate::model::SeriesId;

    fn key(slice: u32) -> FrameKey {
        FrameKey {
            series: SeriesId(0),
            slice,
        }
    }

    fn wanted(slices: &[u32]) -> Vec<Wanted> {
        slices
            .iter()
            .map(|s| Wanted {
                key: key(*s),
                tier: Tier::Prefetch,
            })
            .collect()
    }

    #[test]
    fn what_is_farthest_from_the_screen_goes_first() {
        let mut cache = FrameCache::new(30);
        let list = wanted(&[5, 6, 4]);
        for slice in [4, 5, 6] {
            assert!(cache.insert(key(slice), (), 10, &list).is_empty());
        }
        assert_eq!(cache.insert(key(9), (), 10, &list), [key(9)]);
        let list = wanted(&[7, 6, 5, 4]);
        assert_eq!(cache.insert(key(7), (), 10, &list), [key(4)]);
        assert_eq!(cache.bytes(), 30);
    }

    #[test]
    fn a_smaller_budget_drops_what_is_farthest_at_once() {
        let mut cache = FrameCache::new(30);
        let list = wanted(&[5, 6, 4]);
        for slice in [4, 5, 6] {
            cache.insert(key(slice), (), 10, &list);
        }
        assert_eq!(cache.set_budget(10, &list), [key(4), key(6)]);
        assert_eq!((cache.bytes(), cache.budget_bytes()), (10, 10));
    }

    #[test]
    fn a_frame_above_the_whole_budget_is_still_shown() {
        let mut cache = FrameCache::new(5);
        cache.insert(key(1), (), 10, &[]);
        assert!(cache.contains(key(1)));
    }
}
