//! Loading decisions: which frames are wanted, which job starts or stops next, what may be dropped.
//!
//! [`plan`] turns what is on screen into an ordered wanted list; [`queue`] compares that list with what
//! is cached and in flight and answers with jobs; [`cache`] keeps decoded frames under a byte budget.
//! Nothing here fetches: hosts carry out the jobs and report back.

pub mod cache;
pub mod plan;
pub mod queue;

pub use cache::FrameCache;
pub use plan::{Shown, ShownVolume, Tier, Wanted, plan};
pub use queue::{Failure, FrameQueue, FrameState, Job, Stage};

use crate::model::SeriesId;
use rustc_hash::{FxHashMap, FxHashSet};

/// What is known of frames. Their keys are numbers of ours, which nobody can choose: they need no hash that withstands an
/// attack, and lists of thousands are looked up often.
pub type FrameMap<T> = FxHashMap<FrameKey, T>;

type FrameSet = FxHashSet<FrameKey>;

/// Names one frame of a session: a series, and the slice of its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameKey {
    /// The series; it stands for (source, study, series).
    pub series: SeriesId,
    /// Index into the stack's frames, in scrolling order.
    pub slice: u32,
}

impl FrameKey {
    /// The key as one number, for texture caches.
    pub fn as_u64(self) -> u64 {
        u64::from(self.series.0) << 32 | u64::from(self.slice)
    }
}
