//! Instances that are a video: one bit stream for all frames, fetched once and handed to a worker that keeps it.
//!
//! Its frames go the way of all others: wanted, decoded, cached, drawn. What differs is that the first of them brings the
//! stream, for which the others wait, and that a worker of its own decodes them, by the browser's decoder.
//! Source: DICOM PS3.18 section 8.7.3.3.2 (a video is one frame to a server, whatever Number of Frames says).

use super::asking::FrameAddress;
use super::loading::failure_of;
use super::opening::sentence;
use super::{Effect, Engine, EngineHandle};
use crate::platform::fetch::{Aborter, FetchError, FetchedBytes};
use crate::platform::workers::{WorkerJob, WorkerPool, WorkerProgram};
use crate::video_message::VideoRequest;
use std::collections::HashMap;
use std::rc::Rc;
use viewer_core::decode::Decoders;
use viewer_core::decode::transfer_syntax::{Family, family, refusal};
use viewer_core::loading::{Failure, FrameKey};
use viewer_core::model::SeriesId;

/// A video: its series, and which of the instances of that.
type Place = (SeriesId, usize);

/// Where a bit stream is.
#[derive(Debug)]
enum Stream {
    /// On its way, and the frames that wait for it.
    Coming {
        frames: Vec<FrameKey>,
        aborter: Option<Rc<Aborter>>,
    },
    /// The worker has it.
    Here,
}

/// The videos of what is open.
#[derive(Default)]
pub(super) struct Videos {
    streams: HashMap<Place, Stream>,
    /// What the worker starts from.
    pub(super) program: Option<WorkerProgram>,
    /// The worker, from the first video on.
    pub(super) pool: Option<WorkerPool>,
}

impl Videos {
    /// Ends what is under way.
    pub(super) fn clear(&mut self) {
        for (_, stream) in self.streams.drain() {
            if let Stream::Coming {
                aborter: Some(aborter),
                ..
            } = stream
            {
                aborter.abort();
            }
        }
        if let Some(pool) = &self.pool {
            pool.forget_waiting();
        }
    }
}

impl Engine {
    /// The video that a frame is of.
    pub(super) fn video_of(&self, key: FrameKey) -> Option<Place> {
        let stack = self.state.series(key.series)?.stack.as_ref()?;
        let frame = stack.frames.get(usize::try_from(key.slice).ok()?)?;
        let instance = stack.instances.get(frame.instance)?;
        instance.is_video().then_some((key.series, frame.instance))
    }

    /// Why nothing of an instance will ever be decoded, so that it is not fetched.
    pub(super) fn refused_syntax(&self, key: FrameKey) -> Option<String> {
        let (_, syntax) = self.wire_names(key)?;
        let syntax = syntax?;
        let is_refused = matches!(
            family(&syntax),
            Some(Family::Mpeg2 | Family::Jpip | Family::Live)
        );
        is_refused.then(|| sentence(&refusal(&syntax)))
    }

    /// Decodes a frame of a video, or has its stream fetched first.
    pub(super) fn start_video(&mut self, key: FrameKey, place: Place, effects: &mut Vec<Effect>) {
        match self.videos.streams.get_mut(&place) {
            Some(Stream::Here) => {
                self.queue.fetched(key);
                self.decode_video(key, None, effects);
            }
            Some(Stream::Coming { frames, .. }) => frames.push(key),
            None => {
                let Some((address, _)) = self.wire_names(key) else {
                    return;
                };
                let aborter = Aborter::new().map(Rc::new);
                let stream = Stream::Coming {
                    frames: vec![key],
                    aborter: aborter.clone(),
                };
                self.videos.streams.insert(place, stream);
                // To a server the whole stream is the first frame.
                let address = Box::new(FrameAddress {
                    frame_index: 0,
                    frame_count: 1,
                    ..address
                });
                effects.push(Effect::GetFrame {
                    key,
                    address,
                    aborter,
                });
            }
        }
    }

    /// Nobody wants a frame any more; without others that wait for it, its stream is not fetched further.
    pub(super) fn cancel_video(&mut self, key: FrameKey) {
        let Some(place) = self.video_of(key) else {
            return;
        };
        let Some(Stream::Coming { frames, aborter }) = self.videos.streams.get_mut(&place) else {
            return;
        };
        frames.retain(|waiting| *waiting != key);
        if frames.is_empty() {
            aborter.iter().for_each(|aborter| aborter.abort());
            self.videos.streams.remove(&place);
        }
    }

    /// A stream came, or why it did not.
    pub(super) fn video_fetched(
        &mut self,
        place: Place,
        result: Result<FetchedBytes, FetchError>,
        effects: &mut Vec<Effect>,
    ) {
        if matches!(result, Err(FetchError::Aborted)) {
            return;
        }
        let Some(Stream::Coming { frames, .. }) = self.videos.streams.remove(&place) else {
            return;
        };
        match result {
            Ok(bytes) => {
                self.figures.bytes_fetched += u64::from(bytes.bytes.length());
                self.videos.streams.insert(place, Stream::Here);
                let mut bytes = Some(bytes);
                for key in frames {
                    self.queue.fetched(key);
                    self.decode_video(key, bytes.take(), effects);
                }
            }
            Err(error) => {
                let failure = failure_of(&error);
                for key in frames {
                    self.queue.failed(key, failure.clone(), self.now());
                }
                self.is_dirty = true;
            }
        }
    }

    /// The worker has the stream no longer: it is fetched once more.
    pub(super) fn video_lost(&mut self, key: FrameKey) {
        if let Some(place) = self.video_of(key)
            && matches!(self.videos.streams.get(&place), Some(Stream::Here))
        {
            self.videos.streams.remove(&place);
        }
        let reason = "The video has to be fetched again.".to_owned();
        self.queue
            .failed(key, Failure::Server { reason }, self.now());
    }

    fn decode_video(
        &mut self,
        key: FrameKey,
        bytes: Option<FetchedBytes>,
        effects: &mut Vec<Effect>,
    ) {
        let (Some((address, _)), Some((series, instance))) =
            (self.wire_names(key), self.video_of(key))
        else {
            return;
        };
        let (content_type, bytes) = match bytes {
            Some(bytes) => (bytes.content_type, bytes.bytes),
            None => (String::new(), js_sys::Uint8Array::new_with_length(0)),
        };
        let request = VideoRequest {
            video: format!("{} {} {instance}", self.generation, series.0),
            content_type,
            frame_index: usize::try_from(address.frame_index).unwrap_or(usize::MAX),
            rows: address.format.rows,
            columns: address.format.columns,
        };
        let Ok(header) = serde_json::to_string(&request) else {
            return;
        };
        let job = self.new_job();
        self.jobs.insert(job, (self.generation, key));
        effects.push(Effect::DecodeVideo(WorkerJob {
            id: job,
            header,
            bytes,
            needs: Decoders::Common,
        }));
    }
}

/// Hands a job to the worker of videos, which starts with the first one.
pub(super) fn post(handle: &EngineHandle, job: WorkerJob) {
    if let Some(pool) = handle.video_pool() {
        pool.post(job);
    } else {
        let answer = crate::platform::workers::WorkerAnswer::Trapped;
        handle.send(super::EngineEvent::Decoded {
            job: job.id,
            answer,
        });
    }
}
