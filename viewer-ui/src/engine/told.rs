//! What decoded frames told of their streams, kept beyond the frames: a plane is drawn of images that are long out of the cache.

use std::collections::{BTreeSet, HashMap};
use viewer_core::decode::Disagreement;
use viewer_core::loading::FrameKey;
use viewer_core::model::SeriesId;

/// What was told of frames; those that told nothing take no room.
#[derive(Debug, Default)]
pub(super) struct Told {
    frames: HashMap<FrameKey, Vec<Disagreement>>,
    series: HashMap<SeriesId, BTreeSet<Disagreement>>,
}

impl Told {
    /// Keeps what a frame tells.
    pub fn keep(&mut self, key: FrameKey, disagreements: &[Disagreement]) {
        if disagreements.is_empty() {
            self.frames.remove(&key);
            return;
        }
        self.frames.insert(key, disagreements.to_vec());
        let of_series = self.series.entry(key.series).or_default();
        of_series.extend(disagreements);
    }

    /// What one frame told, gravest first.
    pub fn of_frame(&self, key: FrameKey) -> Vec<Disagreement> {
        self.frames.get(&key).cloned().unwrap_or_default()
    }

    /// What any frame of a series told, gravest first.
    pub fn of_series(&self, series: SeriesId) -> Vec<Disagreement> {
        let told = self.series.get(&series);
        told.into_iter().flatten().copied().collect()
    }

    /// Another study is opened.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.series.clear();
    }
}
