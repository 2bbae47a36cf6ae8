//! The frame queue: which job starts, which is cancelled, which is tried again and when.
//!
//! The queue knows no clock and no network: hosts say what time it is, carry out [`Job`]s and report
//! how they went. It bounds what is in flight, keeps failures with their reason, and backs off.

use super::{FrameCache, FrameKey, FrameMap, Tier, Wanted};

/// Something the host is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Fetch and decode this frame.
    Start(FrameKey),
    /// Nobody wants it any more: abort the request.
    Cancel(FrameKey),
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Bytes are on their way.
    Fetching,
    /// Bytes are here, a worker has them.
    Decoding,
}

/// Why a frame is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server could not be reached. It is tried again for as long as the frame is wanted.
    Connection,
    /// The server answered that it cannot (or not now). Tried [`ATTEMPTS`] times.
    Server {
        /// In words, without patient data or address.
        reason: String,
    },
    /// The bytes are no image that can be decoded. Not tried again by itself.
    Decode {
        /// In words, without patient data or address.
        reason: String,
    },
}

/// What is known about one frame.
#[derive(Debug, Clone, PartialEq)]
pub enum FrameState {
    /// Nothing was tried yet.
    Waiting,
    /// A job runs.
    InFlight(Stage),
    /// Decoded and cached.
    Loaded,
    /// Will be tried again at this time.
    Retrying {
        /// Why the last attempt failed.
        failure: Failure,
        /// Host time of the next attempt, ms.
        at_ms: f64,
    },
    /// Failed for good, until the user asks again.
    Failed(Failure),
}

/// Attempts at a frame that the server refuses.
pub const ATTEMPTS: u32 = 3;
/// First pause before another attempt, ms; it doubles each time.
pub const FIRST_PAUSE_MS: f64 = 500.0;
/// Longest pause, ms.
pub const LONGEST_PAUSE_MS: f64 = 15_000.0;

#[derive(Debug)]
struct Trouble {
    failure: Failure,
    attempts: u32,
    /// `None` = failed for good.
    at_ms: Option<f64>,
}

/// Compares what is wanted with what is cached and in flight.
#[derive(Debug)]
pub struct FrameQueue {
    wanted: Vec<Wanted>,
    in_flight: FrameMap<Stage>,
    trouble: FrameMap<Trouble>,
    most_fetching: usize,
    most_in_flight: usize,
    /// No job starts before this time: the server is gone for all frames alike.
    quiet_until_ms: f64,
    lost_in_a_row: u32,
}

impl FrameQueue {
    /// A queue that runs at most `most_fetching` requests and `most_in_flight` jobs in all stages.
    pub fn new(most_fetching: usize, most_in_flight: usize) -> Self {
        Self {
            wanted: Vec::new(),
            in_flight: FrameMap::default(),
            trouble: FrameMap::default(),
            most_fetching,
            most_in_flight,
            quiet_until_ms: f64::NEG_INFINITY,
            lost_in_a_row: 0,
        }
    }

    /// Takes a new wanted list; answers with the jobs to cancel and to start.
    pub fn set_wanted<T>(
        &mut self,
        wanted: Vec<Wanted>,
        cache: &FrameCache<T>,
        now_ms: f64,
    ) -> Vec<Job> {
        self.wanted = wanted;
        let mut jobs = self.cancel_unwanted(cache, now_ms);
        jobs.extend(self.next(cache, now_ms));
        jobs
    }

    /// Leaves only visible frames on a list while the first of them is on its way and nothing of it is
    /// here: on a slow line the first image shares the line with nothing.
    pub fn first_image_first<T>(&self, wanted: &mut Vec<Wanted>, cache: &FrameCache<T>) {
        let is_on_its_way = |w: &Wanted| {
            let state = self.state(w.key, cache);
            matches!(
                state,
                FrameState::Waiting | FrameState::InFlight(Stage::Fetching)
            )
        };
        let is_visible = |w: &Wanted| w.tier == Tier::Visible;
        if !wanted.iter().any(|w| cache.contains(w.key))
            && wanted.iter().any(|w| is_visible(w) && is_on_its_way(w))
        {
            wanted.retain(is_visible);
        }
    }

    /// The list that was last set.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Jobs that may start now.
    pub fn next<T>(&mut self, cache: &FrameCache<T>, now_ms: f64) -> Vec<Job> {
        let mut jobs = Vec::new();
        if now_ms < self.quiet_until_ms {
            return jobs;
        }
        let mut fetching = self
            .in_flight
            .values()
            .filter(|s| **s == Stage::Fetching)
            .count();
        for Wanted { key, .. } in &self.wanted {
            if fetching >= self.most_fetching || self.in_flight.len() >= self.most_in_flight {
                break;
            }
            if !self.may_start(*key, cache, now_ms) {
                continue;
            }
            self.in_flight.insert(*key, Stage::Fetching);
            fetching += 1;
            jobs.push(Job::Start(*key));
        }
        jobs
    }

    /// True for a frame that is neither here, nor on its way, nor resting after a failure.
    fn may_start<T>(&self, key: FrameKey, cache: &FrameCache<T>, now_ms: f64) -> bool {
        let is_resting = self
            .trouble
            .get(&key)
            .is_some_and(|trouble| trouble.at_ms.is_none_or(|at| now_ms < at));
        !is_resting && !cache.contains(key) && !self.in_flight.contains_key(&key)
    }

    /// Jobs that nobody wants. A job that already decodes is let finish; a prefetch in flight gives way
    /// only when a visible frame waits for its place.
    fn cancel_unwanted<T>(&mut self, cache: &FrameCache<T>, now_ms: f64) -> Vec<Job> {
        let rank: FrameMap<Tier> = self.wanted.iter().map(|w| (w.key, w.tier)).collect();
        let mut cancel: Vec<FrameKey> = self
            .in_flight
            .iter()
            .filter(|(key, stage)| **stage == Stage::Fetching && !rank.contains_key(key))
            .map(|(key, _)| *key)
            .collect();
        let waiting = self
            .wanted
            .iter()
            .filter(|w| w.tier == Tier::Visible && self.may_start(w.key, cache, now_ms))
            .count();
        let fetching = self
            .in_flight
            .values()
            .filter(|s| **s == Stage::Fetching)
            .count();
        let free = self.most_fetching.saturating_sub(fetching - cancel.len());
        if waiting > free {
            // The least wanted go first; those that would start next anyway stay.
            let far = self
                .wanted
                .iter()
                .skip(self.most_fetching)
                .rev()
                .map(|w| w.key);
            cancel.extend(
                far.filter(|key| self.in_flight.get(key) == Some(&Stage::Fetching))
                    .filter(|key| rank.get(key) == Some(&Tier::Prefetch))
                    .take(waiting - free),
            );
        }
        cancel.sort();
        for key in &cancel {
            self.in_flight.remove(key);
        }
        cancel.into_iter().map(Job::Cancel).collect()
    }

    /// The bytes have come and a worker has them.
    pub fn fetched(&mut self, key: FrameKey) {
        self.lost_in_a_row = 0;
        self.quiet_until_ms = f64::NEG_INFINITY;
        if let Some(stage) = self.in_flight.get_mut(&key) {
            *stage = Stage::Decoding;
        }
    }

    /// The frame is decoded and in the cache.
    pub fn loaded(&mut self, key: FrameKey) {
        self.in_flight.remove(&key);
        self.trouble.remove(&key);
    }

    /// The job ended without a frame.
    pub fn failed(&mut self, key: FrameKey, failure: Failure, now_ms: f64) {
        self.in_flight.remove(&key);
        let attempts = self.trouble.get(&key).map_or(0, |trouble| trouble.attempts) + 1;
        let at_ms = match &failure {
            Failure::Connection => {
                self.lost_in_a_row += 1;
                let at = now_ms + pause_ms(self.lost_in_a_row.div_ceil(4));
                self.quiet_until_ms = self.quiet_until_ms.max(at);
                Some(at)
            }
            Failure::Server { .. } if attempts < ATTEMPTS => Some(now_ms + pause_ms(attempts)),
            Failure::Server { .. } | Failure::Decode { .. } => None,
        };
        self.trouble.insert(
            key,
            Trouble {
                failure,
                attempts,
                at_ms,
            },
        );
    }

    /// The user asks for a frame again, or for all (`None`).
    pub fn ask_again(&mut self, key: Option<FrameKey>) {
        self.quiet_until_ms = f64::NEG_INFINITY;
        self.lost_in_a_row = 0;
        match key {
            Some(key) => {
                self.trouble.remove(&key);
            }
            None => self.trouble.clear(),
        }
    }

    /// When the host should call [`FrameQueue::next`] again though nothing has happened.
    pub fn wake_at_ms(&self) -> Option<f64> {
        self.wanted
            .iter()
            .filter_map(|w| self.trouble.get(&w.key)?.at_ms)
            .min_by(f64::total_cmp)
            .map(|at| at.max(self.quiet_until_ms))
    }

    /// When the next attempt to reach the server is due, while it cannot be reached.
    pub fn connection_lost_until_ms(&self) -> Option<f64> {
        (self.lost_in_a_row > 0).then_some(self.quiet_until_ms)
    }

    /// What is known about a frame.
    pub fn state<T>(&self, key: FrameKey, cache: &FrameCache<T>) -> FrameState {
        if cache.contains(key) {
            return FrameState::Loaded;
        }
        if let Some(stage) = self.in_flight.get(&key) {
            return FrameState::InFlight(*stage);
        }
        match self.trouble.get(&key) {
            None => FrameState::Waiting,
            Some(Trouble {
                failure,
                at_ms: Some(at_ms),
                ..
            }) => FrameState::Retrying {
                failure: failure.clone(),
                at_ms: *at_ms,
            },
            Some(Trouble {
                failure,
                at_ms: None,
                ..
            }) => FrameState::Failed(failure.clone()),
        }
    }

    /// True where the frame failed for good.
    pub fn has_failed(&self, key: FrameKey) -> bool {
        self.trouble
            .get(&key)
            .is_some_and(|trouble| trouble.at_ms.is_none())
    }

    /// Number of jobs that run.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Ends every job and forgets everything.
    pub fn clear(&mut self) -> Vec<Job> {
        let jobs = self.in_flight.keys().map(|key| Job::Cancel(*key)).collect();
        *self = Self::new(self.most_fetching, self.most_in_flight);
        jobs
    }
}

fn pause_ms(attempt: u32) -> f64 {
    (FIRST_PAUSE_MS * 2f64.powi(attempt.min(16).cast_signed() - 1)).min(LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SeriesId;

    fn key(slice: u32) -> FrameKey {
        FrameKey {
            series: SeriesId(0),
            slice,
        }
    }

    fn list(visible: u32, prefetch: &[u32]) -> Vec<Wanted> {
        let mut wanted = vec![Wanted {
            key: key(visible),
            tier: Tier::Visible,
        }];
        wanted.extend(prefetch.iter().map(|s| Wanted {
            key: key(*s),
            tier: Tier::Prefetch,
        }));
        wanted
    }

    fn queue() -> (FrameQueue, FrameCache<()>) {
        (FrameQueue::new(2, 4), FrameCache::new(1000))
    }

    #[test]
    fn no_more_requests_run_than_allowed() {
        let (mut queue, cache) = queue();
        let jobs = queue.set_wanted(list(0, &[1, 2, 3]), &cache, 0.0);
        assert_eq!(jobs, [Job::Start(key(0)), Job::Start(key(1))]);
        assert!(queue.next(&cache, 0.0).is_empty());
        queue.fetched(key(0));
        assert_eq!(queue.next(&cache, 0.0), [Job::Start(key(2))]);
    }

    #[test]
    fn the_first_image_shares_the_line_with_nothing() {
        let (mut queue, mut cache) = queue();
        let first = |queue: &FrameQueue, cache: &FrameCache<()>| {
            let mut wanted = list(0, &[1, 2]);
            queue.first_image_first(&mut wanted, cache);
            wanted.len()
        };
        assert_eq!(first(&queue, &cache), 1);
        queue.set_wanted(list(0, &[]), &cache, 0.0);
        assert_eq!(first(&queue, &cache), 1);
        // Its bytes are here, or it rests after a failure: the others go on.
        queue.fetched(key(0));
        assert_eq!(first(&queue, &cache), 3);
        queue.failed(key(0), Failure::Connection, 0.0);
        assert_eq!(first(&queue, &cache), 3);
        queue.ask_again(None);
        cache.insert(key(2), (), 1, &[]);
        assert_eq!(first(&queue, &cache), 3);
    }

    #[test]
    fn what_nobody_wants_is_cancelled() {
        let (mut queue, cache) = queue();
        queue.set_wanted(list(0, &[1]), &cache, 0.0);
        let jobs = queue.set_wanted(list(1, &[2]), &cache, 0.0);
        assert_eq!(jobs, [Job::Cancel(key(0)), Job::Start(key(2))]);
    }

    #[test]
    fn a_visible_frame_takes_the_place_of_a_far_prefetch() {
        let (mut queue, cache) = queue();
        queue.set_wanted(list(0, &[1, 2]), &cache, 0.0);
        let jobs = queue.set_wanted(list(9, &[8, 0, 1]), &cache, 0.0);
        assert_eq!(jobs, [Job::Cancel(key(1)), Job::Start(key(9))]);
    }

    #[test]
    fn a_visible_frame_that_is_here_takes_nobodys_place() {
        let (mut queue, mut cache) = queue();
        cache.insert(key(9), (), 1, &[]);
        queue.set_wanted(list(9, &[8, 7, 0, 1]), &cache, 0.0);
        queue.fetched(key(8));
        queue.fetched(key(7));
        queue.set_wanted(list(9, &[8, 7, 0, 1]), &cache, 0.0);
        for _ in 0..3 {
            assert!(
                queue
                    .set_wanted(list(9, &[8, 7, 0, 1]), &cache, 0.0)
                    .is_empty()
            );
        }
    }

    #[test]
    fn a_lost_connection_is_tried_again_after_a_pause_for_as_long_as_it_takes() {
        let (mut queue, cache) = queue();
        queue.set_wanted(list(0, &[]), &cache, 0.0);
        let mut now = 0.0;
        for _ in 0..40 {
            queue.failed(key(0), Failure::Connection, now);
            assert!(queue.next(&cache, now + 1.0).is_empty());
            let at = queue.wake_at_ms().unwrap();
            assert!(at - now <= LONGEST_PAUSE_MS);
            now = at;
            assert_eq!(queue.next(&cache, now), [Job::Start(key(0))]);
        }
    }

    #[test]
    fn a_refusal_is_final_after_three_attempts_until_asked_again() {
        let (mut queue, cache) = queue();
        let refusal = Failure::Server {
            reason: "no".into(),
        };
        queue.set_wanted(list(0, &[]), &cache, 0.0);
        for attempt in 0..3 {
            let now = f64::from(attempt) * 1e6;
            queue.next(&cache, now);
            queue.failed(key(0), refusal.clone(), now);
        }
        assert_eq!(queue.state(key(0), &cache), FrameState::Failed(refusal));
        assert!(queue.next(&cache, 1e9).is_empty());
        queue.ask_again(Some(key(0)));
        assert_eq!(queue.next(&cache, 1e9), [Job::Start(key(0))]);
    }

    #[test]
    fn one_frame_that_cannot_be_decoded_does_not_stop_the_rest() {
        let (mut queue, cache) = queue();
        queue.set_wanted(list(0, &[1, 2]), &cache, 0.0);
        queue.failed(
            key(0),
            Failure::Decode {
                reason: "short".into(),
            },
            0.0,
        );
        assert_eq!(queue.next(&cache, 0.0), [Job::Start(key(2))]);
        assert!(queue.has_failed(key(0)));
    }
}
