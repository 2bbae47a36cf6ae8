//! Series that do not fit into memory decoded: their encoded bytes are kept, and of a volume only the slices are wanted that
//! its planes lack.
//!
//! Decoded and encoded frames share one budget of bytes. A frame whose bytes are here is decoded again, not fetched again.

use super::Engine;
use crate::platform::fetch::FetchedBytes;
use std::cell::Cell;
use viewer_core::loading::{FrameCache, FrameKey, FrameState, Shown, ShownVolume};
use viewer_core::model::SeriesId;
use viewer_core::tools::marks::LoadCount;

/// Most bytes of decoded and encoded frames kept in the browser.
const FRAME_BUDGET_BYTES: usize = 1 << 30;

/// What decoded frames keep of the budget beside encoded ones: they come back fast.
const DECODED_SHARE: usize = 16;

/// Frames whose encoded bytes are more than this share of the decoded ones are fetched again instead.
const WORTH_KEEPING: f64 = 0.75;

/// Encoded frames, and the budget that they share with decoded ones.
#[derive(Debug)]
pub(super) struct EncodedFrames {
    budget_bytes: usize,
    /// What is on screen does not fit into the budget decoded.
    is_needed: bool,
    frames: FrameCache<FetchedBytes>,
    /// The frame of a probe that is not here decoded: it is wanted first.
    probed: Cell<Option<FrameKey>>,
}

impl EncodedFrames {
    /// Nothing kept yet, with the usual budget.
    pub(super) fn new() -> Self {
        Self::within(FRAME_BUDGET_BYTES)
    }

    fn within(budget_bytes: usize) -> Self {
        Self {
            budget_bytes,
            is_needed: false,
            frames: FrameCache::new(budget_bytes - budget_bytes / DECODED_SHARE),
            probed: Cell::new(None),
        }
    }

    /// The budget of decoded and encoded frames.
    pub(super) fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    /// Bytes held now.
    pub(super) fn bytes(&self) -> usize {
        self.frames.bytes()
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        *self = Self::within(self.budget_bytes);
    }

    /// A copy of a frame's bytes: decoding takes them.
    pub(super) fn copy_of(&self, key: FrameKey) -> Option<FetchedBytes> {
        self.frames.get(key)?.for_worker()
    }

    /// Wants a frame that a probe has asked for.
    pub(super) fn ask_for(&self, key: FrameKey) {
        self.probed.set(Some(key));
    }
}

impl Engine {
    /// Another budget of frames, at most the usual one. For tests.
    pub fn limit_frames(&mut self, budget_bytes: usize) {
        self.encoded = EncodedFrames::within(budget_bytes.min(FRAME_BUDGET_BYTES));
        let wanted = self.queue.wanted().to_vec();
        self.cache.set_budget(self.encoded.budget_bytes, &wanted);
    }

    /// Finds out whether encoded frames are kept: where what is on screen does not fit into the budget decoded.
    pub(super) fn weigh(&mut self, shown: &[Shown], volumes: &[ShownVolume]) {
        let stacks = shown.iter().map(|it| (it.series, it.frame_count));
        let volumes = volumes.iter().map(|it| (it.series, it.slices.len()));
        let frames = stacks.chain(volumes).map(|(series, count)| {
            let bytes = self.frame_bytes(series).unwrap_or(0);
            bytes.saturating_mul(count)
        });
        let bytes = frames.fold(0, usize::saturating_add);
        self.encoded.is_needed = bytes > self.encoded.budget_bytes;
    }

    /// Keeps a frame's bytes where that is worth it; decoded frames make room for them.
    pub(super) fn keep_encoded(&mut self, key: FrameKey, bytes: &FetchedBytes) {
        let length = bytes.bytes.length() as usize;
        let decoded = self.frame_bytes(key.series).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a share of bytes")]
        let is_worth_it = (length as f64) < decoded as f64 * WORTH_KEEPING;
        if !self.encoded.is_needed || !is_worth_it {
            return;
        }
        let wanted = self.queue.wanted().to_vec();
        (self.encoded.frames).insert(key, bytes.copied(), length, &wanted);
        let rest = self.encoded.budget_bytes / DECODED_SHARE;
        for dropped in self.cache.set_budget(rest, &wanted) {
            if let Some(screen) = &mut self.screen {
                screen.forget(dropped);
            }
        }
    }

    /// The volumes on screen, for the wanted list. Of one that does not fit into memory decoded, only the slices that its
    /// planes lack, and the one that a probe has asked for.
    pub(super) fn wanted_volumes(&self) -> Vec<ShownVolume> {
        let mut shown = self.state.shown_volumes();
        for (index, viewport) in self.state.viewports.iter().enumerate() {
            let (Some(of), Some(lacking)) = (self.state.volume_of(viewport), self.lacking(index))
            else {
                continue;
            };
            let mut known = shown.iter_mut();
            let is_same =
                |it: &&mut ShownVolume| it.series == of.series && it.is_of(&of.volume.slices);
            if let Some(volume) = known.find(is_same) {
                let probed = self.encoded.probed.get();
                let probed = probed
                    .filter(|key| key.series == of.series)
                    .map(|key| key.slice);
                volume.slices = probed.into_iter().chain(lacking.iter().copied()).collect();
            }
        }
        // An empty list is of no volume any more.
        shown.retain(|volume| !volume.slices.is_empty());
        shown
    }

    /// Frames wanted, here and failed, for `stats()`. Of a volume that does not fit into memory, slices count that are on the
    /// screen.
    pub fn frame_counts(&self) -> [usize; 3] {
        let large = (0..self.state.viewports.len()).find(|index| self.lacking(*index).is_some());
        if let Some(count) = large.and_then(|index| self.volume_count(index)) {
            return [count.total, count.loaded, count.failed];
        }
        let wanted = self.queue.wanted();
        let count = |is: fn(&FrameState) -> bool| {
            let states = wanted
                .iter()
                .map(|it| self.queue.state(it.key, &self.cache));
            states.filter(is).count()
        };
        let loaded = count(|state| matches!(state, FrameState::Loaded));
        let failed = count(|state| matches!(state, FrameState::Failed(_)));
        [wanted.len(), loaded, failed]
    }

    /// Slices of a series whose planes are on screen and that does not fit into memory.
    pub(super) fn large_count(&self, series: SeriesId) -> Option<LoadCount> {
        let viewports = self.state.viewports.iter().enumerate();
        let mut shown = viewports.filter(|(_, viewport)| viewport.series == Some(series));
        let (index, _) = shown.find(|(index, _)| self.lacking(*index).is_some())?;
        self.volume_count(index)
    }

    /// Bytes of encoded frames in memory.
    pub fn encoded_bytes(&self) -> usize {
        self.encoded.bytes()
    }

    /// True where so many slices of a series do not fit into memory decoded.
    pub(super) fn is_beyond_memory(&self, key: FrameKey, slices: usize) -> bool {
        let bytes = self.frame_bytes(key.series).unwrap_or(0);
        bytes.saturating_mul(slices) > self.encoded.budget_bytes
    }
}
