//! Loading: the wanted list into jobs, answers into frames, failures into words.

use super::asking::FrameAddress;
use super::opening::{sentence, words};
use super::stored_frame::Decoded;
use super::{Effect, Engine, StoredFrame};
use crate::platform::fetch::{Aborter, FetchError, FetchedBytes};
use crate::platform::workers::WorkerAnswer;
use crate::worker_message::{Request, Response};
use std::rc::Rc;
use viewer_core::decode::{Decoders, decoders};
use viewer_core::loading::{Failure, FrameKey, Job, Shown, ShownVolume, plan};
use viewer_core::model::SeriesId;
use viewer_core::pixel::ModalityLut;
use viewer_core::state::Action;
use viewer_core::tools::window_level;

/// Workers that one frame may break before it is given up.
const MOST_TRAPS: u32 = 2;

impl Engine {
    /// Starts and cancels what the screen asks for now.
    pub(super) fn pump(&mut self, effects: &mut Vec<Effect>) {
        let now_ms = self.now();
        self.release_failed_metadata(now_ms, effects);
        self.ask_for_metadata(effects);
        let mut shown = self.state.shown_stacks();
        shown.extend(self.waited_stacks(&shown));
        self.weigh(&shown, &self.state.shown_volumes());
        let volumes = self.wanted_volumes();
        let most = self.most_frames(&shown, &volumes);
        let mut wanted = plan(&shown, &volumes, most);
        if volumes.is_empty() {
            self.queue.first_image_first(&mut wanted, &self.cache);
        }
        for job in self.queue.set_wanted(wanted, &self.cache, now_ms) {
            match job {
                Job::Start(key) => self.start(key, effects),
                Job::Cancel(key) => {
                    if let Some(aborter) = self.aborters.remove(&key) {
                        aborter.abort();
                    }
                    self.cancel_video(key);
                }
            }
        }
        if let Some(at_ms) = self.queue.wake_at_ms()
            && self.wake_at_ms.is_none_or(|planned| at_ms < planned)
        {
            self.wake_at_ms = Some(at_ms);
            effects.push(Effect::WakeAt { at_ms });
        }
    }

    /// Stacks that a promise waits for though no viewport shows them.
    fn waited_stacks(&self, shown: &[Shown]) -> Vec<Shown> {
        self.waiters
            .series_waited_for()
            .into_iter()
            .filter(|id| shown.iter().all(|s| s.series != *id))
            .filter_map(|id| {
                let stack = self.state.series(id)?.stack.as_ref()?;
                Some(Shown {
                    series: id,
                    slice: 0,
                    frame_count: stack.frames.len(),
                    active: false,
                    forwards: true,
                    plays: None,
                })
            })
            .collect()
    }

    /// Frames that fit into the cache at once: asking for more would fetch them twice.
    fn most_frames(&self, shown: &[Shown], volumes: &[ShownVolume]) -> usize {
        let series = shown.iter().map(|s| s.series);
        let largest = series
            .chain(volumes.iter().map(|volume| volume.series))
            .filter_map(|series| self.frame_bytes(series))
            .max()
            .unwrap_or(1);
        (self.cache.budget_bytes() / largest.max(1)).max(1)
    }

    /// Bytes of a decoded frame of a series, by its first image.
    pub(super) fn frame_bytes(&self, series: SeriesId) -> Option<usize> {
        let instance = self.state.series(series)?.stack.as_ref()?.instance(0)?;
        let format = instance.format.as_ref().ok()?;
        let samples =
            format.rows as usize * format.columns as usize * usize::from(format.samples_per_pixel);
        Some(samples * usize::from(format.bits_allocated.div_ceil(8)))
    }

    /// A frame on the wire, and the transfer syntax that the metadata name.
    pub fn wire_names(&self, key: FrameKey) -> Option<(FrameAddress, Option<String>)> {
        let series = self.state.series(key.series)?;
        let study = self.state.studies.get(series.study)?;
        let source = self.source()?;
        let stack = series.stack.as_ref()?;
        let (instance, frame_index) = stack.at(usize::try_from(key.slice).ok()?)?;
        let address = FrameAddress {
            root: source.root.clone(),
            study: study.uid.clone(),
            series: series.uid.clone(),
            instance: instance.uid.clone(),
            frame_index,
            frame_count: instance.frame_count,
            format: instance.format.as_ref().ok()?.clone(),
        };
        Some((address, instance.transfer_syntax.clone()))
    }

    fn start(&mut self, key: FrameKey, effects: &mut Vec<Effect>) {
        if let Some(bytes) = self.encoded.copy_of(key) {
            self.queue.fetched(key);
            self.decode(key, bytes, effects);
            return;
        }
        if let Some(reason) = self.refused_syntax(key) {
            let failure = Failure::Decode { reason };
            self.queue.failed(key, failure, self.now());
            self.is_dirty = true;
            return;
        }
        if let Some(place) = self.video_of(key) {
            self.start_video(key, place, effects);
            return;
        }
        let Some((address, _)) = self.wire_names(key) else {
            self.queue.failed(
                key,
                Failure::Decode {
                    reason: "It has no address.".into(),
                },
                0.0,
            );
            return;
        };
        let aborter = Aborter::new().map(Rc::new);
        if let Some(aborter) = &aborter {
            self.aborters.insert(key, Rc::clone(aborter));
        }
        effects.push(Effect::GetFrame {
            key,
            address: Box::new(address),
            aborter,
        });
    }

    pub(super) fn fetched(
        &mut self,
        key: FrameKey,
        result: Result<FetchedBytes, FetchError>,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(place) = self.video_of(key) {
            self.video_fetched(place, result, effects);
            return;
        }
        self.aborters.remove(&key);
        match result {
            Ok(bytes) => {
                self.figures.bytes_fetched += u64::from(bytes.bytes.length());
                self.queue.fetched(key);
                self.keep_encoded(key, &bytes);
                self.decode(key, bytes, effects);
            }
            Err(FetchError::Aborted) => {}
            Err(error) => {
                self.queue.failed(key, failure_of(&error), self.now());
                self.is_dirty = true;
            }
        }
    }

    fn decode(&mut self, key: FrameKey, bytes: FetchedBytes, effects: &mut Vec<Effect>) {
        let Some((address, transfer_syntax)) = self.wire_names(key) else {
            return;
        };
        let needs = transfer_syntax
            .as_deref()
            .map_or(Decoders::Common, decoders);
        let request = Request::Decode {
            content_type: bytes.content_type,
            transfer_syntax,
            format: address.format,
        };
        let Ok(header) = serde_json::to_string(&request) else {
            return;
        };
        let job = self.new_job();
        self.jobs.insert(job, (self.generation, key));
        effects.push(Effect::Decode {
            job,
            header,
            bytes: bytes.bytes,
            needs,
        });
    }

    pub(super) fn decoded(&mut self, job: u64, answer: WorkerAnswer, effects: &mut Vec<Effect>) {
        let Some((generation, key)) = self.jobs.remove(&job) else {
            self.waiters.job_done(job, answer);
            return;
        };
        if generation != self.generation {
            return;
        }
        self.is_dirty = true;
        let (header, buffer) = match answer {
            WorkerAnswer::Done { header, buffer } => (header, buffer),
            WorkerAnswer::Trapped => {
                self.worker_trapped(key);
                return;
            }
        };
        let response: Response =
            serde_json::from_str(&header).unwrap_or_else(|_| Response::Failed {
                reason: "the decoder answered in a way that is not known".into(),
            });
        if response == Response::Lost {
            self.video_lost(key);
            return;
        }
        match StoredFrame::from_response(response, buffer) {
            Ok(Decoded {
                frame,
                decode_ms,
                disagreements,
            }) => {
                self.figures.decode_ms.push(decode_ms);
                self.find_range(key, &frame);
                self.told.keep(key, &disagreements);
                self.keep(key, frame);
            }
            Err(reason) => {
                let reason = sentence(&reason);
                self.queue
                    .failed(key, Failure::Decode { reason }, self.now());
            }
        }
        let _ = effects;
    }

    /// A frame on which a worker broke down is tried once more in a fresh one.
    fn worker_trapped(&mut self, key: FrameKey) {
        let traps = self.trapped.entry(key).or_insert(0);
        *traps += 1;
        let is_last = *traps >= MOST_TRAPS || self.worker_count() == 0;
        self.note("a decode worker broke down and was replaced");
        if self.video_of(key).is_some() && !is_last {
            self.video_lost(key);
            return;
        }
        let failure = if is_last {
            Failure::Decode {
                reason: "The decoder broke down on this image.".into(),
            }
        } else {
            Failure::Server {
                reason: "The decoder broke down.".into(),
            }
        };
        self.queue.failed(key, failure, self.now());
    }

    fn keep(&mut self, key: FrameKey, frame: StoredFrame) {
        let bytes = frame.bytes();
        let wanted = self.queue.wanted().to_vec();
        for dropped in self.cache.insert(key, frame, bytes, &wanted) {
            if let Some(screen) = &mut self.screen {
                screen.forget(dropped);
            }
        }
        self.queue.loaded(key);
    }

    /// The window of a series that names none: the range of its first frame.
    pub(super) fn find_range(&mut self, key: FrameKey, frame: &StoredFrame) {
        let id: SeriesId = key.series;
        if self.state.ranges.contains_key(&id) || frame.samples_per_pixel != 1 {
            return;
        }
        let Some(stack) = self
            .state
            .series(id)
            .and_then(|series| series.stack.clone())
        else {
            return;
        };
        let Some((instance, frame_index)) = stack.at(key.slice as usize) else {
            return;
        };
        let attributes = instance.frame(frame_index);
        if !attributes.grey.voi.is_empty() || instance.stored_range.is_some() {
            return;
        }
        frame.copy_into(&mut self.scratch);
        let padding = instance.padding;
        let range = window_level::sample_range(&self.scratch, frame.sample_type, |stored| {
            padding.is_some_and(|range| range.contains(stored))
        });
        let modality: &ModalityLut = &attributes.grey.modality;
        if let Some((low, high)) = range {
            let (a, b) = (modality.apply(low), modality.apply(high));
            let window = window_level::full_range(a.min(b), a.max(b));
            self.state.apply(Action::RangeFound { series: id, window });
        }
    }

    /// The user asks for the frame on screen once more.
    pub(super) fn fetch_again(&mut self, viewport: usize) {
        let key = self
            .state
            .viewports
            .get(viewport)
            .and_then(|v| Some(v.shown(&self.state)?.key()));
        if let Some(key) = key {
            self.trapped.remove(&key);
            self.queue.ask_again(Some(key));
        }
    }
}

/// Why a frame did not come.
pub(super) fn failure_of(error: &FetchError) -> Failure {
    match error {
        FetchError::Unreachable => Failure::Connection,
        error => Failure::Server {
            reason: words(error),
        },
    }
}
