//! Promises of the API that wait for something to stand on screen, and the events that it tells.

use super::Engine;
use super::screen::Shows;
use crate::platform::workers::WorkerAnswer;
use crate::store::Page;
use js_sys::{Function, Promise};
use serde::Serialize;
use std::collections::HashMap;
use viewer_core::loading::{Failure, FrameState};
use viewer_core::model::SeriesId;
use wasm_bindgen::JsValue;

/// An error of the API: a stable code and words, without patient data or address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViewerError {
    /// Stable code.
    pub code: String,
    /// In words.
    pub message: String,
}

impl ViewerError {
    /// An error of a code, in words.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

impl From<ViewerError> for JsValue {
    /// A JavaScript `Error` that also has `code`.
    fn from(error: ViewerError) -> Self {
        let value = js_sys::Error::new(&error.message);
        // A plain object takes every property.
        let _ = js_sys::Reflect::set(&value, &"code".into(), &error.code.into());
        value.into()
    }
}

/// What the API tells its listeners.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// The first image of a study stands on screen.
    FirstImage {
        /// Milliseconds from the start of its opening.
        ms: f64,
    },
    /// Every frame of what is on screen is decoded or has failed.
    Complete,
    /// Something about viewports is new.
    ViewportChanged,
    /// Something went wrong.
    Error(ViewerError),
}

/// What a promise waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The first image of what was opened stands on screen.
    Opened,
    /// A viewport shows what the state says.
    Drawn(usize),
    /// The viewports of the layout have their places.
    LaidOut,
    /// Three planes are on screen and have their places.
    Planes,
    /// Every plane on screen shows something, coarse or final.
    PlanesSeen,
    /// A plane of the API is on the screen as a whole.
    Readable(u64),
    /// Nothing is on screen any more.
    Blank,
    /// Every frame of a series, or of all stacks on screen, is decoded or has failed for good.
    Complete(Option<SeriesId>),
}

struct Waiter {
    condition: Condition,
    resolve: Function,
    reject: Function,
}

type JobListener = Box<dyn FnOnce(WorkerAnswer)>;

/// All promises that wait.
#[derive(Default)]
pub struct Waiters {
    list: Vec<Waiter>,
    jobs: HashMap<u64, JobListener>,
}

impl Waiters {
    /// A promise for a condition.
    pub fn promise(&mut self, condition: Condition) -> Promise {
        let list = &mut self.list;
        Promise::new(&mut |resolve, reject| {
            list.push(Waiter {
                condition,
                resolve,
                reject,
            });
        })
    }

    /// Calls when a job that is not the engine's own ends.
    pub fn on_job(&mut self, job: u64, listener: impl FnOnce(WorkerAnswer) + 'static) {
        self.jobs.insert(job, Box::new(listener));
    }

    pub(super) fn job_done(&mut self, job: u64, answer: WorkerAnswer) {
        if let Some(listener) = self.jobs.remove(&job) {
            listener(answer);
        }
    }

    /// Series that a promise waits for.
    pub fn series_waited_for(&self) -> Vec<SeriesId> {
        self.list
            .iter()
            .filter_map(|waiter| match waiter.condition {
                Condition::Complete(series) => series,
                _ => None,
            })
            .collect()
    }

    /// Something else is opened, or everything was closed: what was waited for does not come any more.
    pub(super) fn abandon(&mut self, error: &ViewerError) {
        for waiter in self.list.drain(..) {
            let _ = waiter.reject.call1(&JsValue::NULL, &error.clone().into());
        }
    }
}

enum Outcome {
    Pending,
    Done,
    Failed(ViewerError),
}

impl Engine {
    /// Ends the promises whose condition has come true, or cannot any more.
    pub(super) fn settle(&mut self) {
        if self.waiters.list.is_empty() {
            return;
        }
        let waiters = std::mem::take(&mut self.waiters.list);
        for waiter in waiters {
            let ended = match self.outcome(waiter.condition) {
                Outcome::Pending => {
                    self.waiters.list.push(waiter);
                    continue;
                }
                Outcome::Done => waiter.resolve.call0(&JsValue::NULL),
                Outcome::Failed(error) => waiter.reject.call1(&JsValue::NULL, &error.into()),
            };
            // Resolving functions of a promise do not throw.
            let _ = ended;
        }
    }

    fn outcome(&self, condition: Condition) -> Outcome {
        match condition {
            Condition::Opened => match self.drawn_outcome(self.state.active) {
                Outcome::Done if self.figures.first_image_ms.is_none() => Outcome::Pending,
                outcome => outcome,
            },
            Condition::Drawn(viewport) => match self.drawn_outcome(viewport) {
                Outcome::Pending if self.stays_empty(viewport) => Outcome::Failed(
                    ViewerError::new("no_viewport", "the viewport shows no stack"),
                ),
                outcome => outcome,
            },
            Condition::Complete(series) => self.complete_outcome(series),
            Condition::LaidOut => {
                let is_laid_out = self.rects.len() == self.state.viewports.len();
                if is_laid_out || self.page == Page::List {
                    Outcome::Done
                } else {
                    Outcome::Pending
                }
            }
            Condition::Planes => self.planes_outcome(),
            Condition::PlanesSeen => match self.planes_outcome() {
                Outcome::Done => {
                    let count = self.state.viewports.len();
                    let is_seen =
                        self.drawn.len() == count && self.drawn.iter().all(Option::is_some);
                    match self.plane_refusal(0) {
                        Some(reason) => Outcome::Failed(ViewerError::new("volume_failed", reason)),
                        None if is_seen && self.figures.first_image_ms.is_some() => Outcome::Done,
                        None => Outcome::Pending,
                    }
                }
                outcome => outcome,
            },
            Condition::Readable(reading) if self.can_be_read(reading) => Outcome::Done,
            Condition::Readable(_) => match self.failure_now() {
                Some(error) => Outcome::Failed(error),
                None => Outcome::Pending,
            },
            Condition::Blank if !self.is_dirty => Outcome::Done,
            Condition::Blank => Outcome::Pending,
        }
    }

    /// Why nothing can be shown now.
    pub(super) fn failure_now(&self) -> Option<ViewerError> {
        let of_study = || {
            let failure = self.failure.as_ref()?;
            Some(ViewerError::new(&failure.code, &*failure.sentence))
        };
        self.screen_failure.clone().or_else(of_study)
    }

    /// True for a viewport without a series when nothing is open, or all series have their places.
    fn stays_empty(&self, viewport: usize) -> bool {
        let shown = self.state.viewports.get(viewport);
        let is_listed = !self.listed.is_empty() && self.listed.iter().all(|listed| *listed);
        shown.is_none_or(|shown| shown.series.is_none()) && (self.link.is_none() || is_listed)
    }

    fn drawn_outcome(&self, viewport: usize) -> Outcome {
        if let Some(error) = self.failure_now() {
            return Outcome::Failed(error);
        }
        let Some(shown) = self.state.viewports.get(viewport) else {
            return Outcome::Failed(ViewerError::new("no_viewport", "there is no such viewport"));
        };
        if let Some(reason) = shown.series.and_then(|id| self.final_metadata_failure(id)) {
            return Outcome::Failed(ViewerError::new("metadata_failed", reason));
        }
        if self.state.volume_of(shown).is_some() {
            return self.plane_outcome(viewport);
        }
        let Some(frame) = shown.shown(&self.state) else {
            let series = shown.series.and_then(|id| self.state.series(id));
            return match series {
                Some(series) if series.stack.is_some() || series.is_document() => {
                    Outcome::Failed(ViewerError::new("no_images", "this series holds no images"))
                }
                _ => Outcome::Pending,
            };
        };
        if let FrameState::Failed(failure) = self.queue.state(frame.key(), &self.cache) {
            let reason = match failure {
                Failure::Connection => "The server could not be reached.".into(),
                Failure::Server { reason } | Failure::Decode { reason } => reason,
            };
            return Outcome::Failed(ViewerError::new("frame_failed", reason));
        }
        let drawn = match self.drawn.get(viewport) {
            Some(Some(Shows::Frame(drawn))) => Some((drawn.key, drawn.params.clone())),
            _ => None,
        };
        let is_drawn = drawn.is_some() && drawn == shown.frame_params(&self.state);
        if is_drawn && !self.awaits_window(viewport) {
            Outcome::Done
        } else {
            Outcome::Pending
        }
    }

    /// A plane is drawn when all slices of its volume have come, or failed.
    fn plane_outcome(&self, viewport: usize) -> Outcome {
        if let Some(reason) = self.plane_refusal(viewport) {
            return Outcome::Failed(ViewerError::new("volume_failed", reason));
        }
        let count = self.volume_count(viewport).unwrap_or_default();
        if count.total > 0 && count.failed == count.total {
            return Outcome::Failed(ViewerError::new("frame_failed", "no slice could be loaded"));
        }
        if self.is_plane_final(viewport) && !self.awaits_window(viewport) {
            Outcome::Done
        } else {
            Outcome::Pending
        }
    }

    /// Three planes are on screen and have their places.
    fn planes_outcome(&self) -> Outcome {
        if let Some(reason) = &self.state.refusal {
            return Outcome::Failed(ViewerError::new("no_volume", reason));
        }
        if let Some(error) = self.failure_now() {
            return Outcome::Failed(error);
        }
        let awaited = self.state.viewports.get(self.state.active);
        let awaited = awaited.and_then(|viewport| viewport.series);
        if let Some(reason) = awaited.and_then(|id| self.final_metadata_failure(id)) {
            return Outcome::Failed(ViewerError::new("metadata_failed", reason));
        }
        let is_laid_out = self.rects.len() == self.state.viewports.len();
        match &self.state.mpr {
            Some(_) if is_laid_out || self.page == Page::List => Outcome::Done,
            Some(_) => Outcome::Pending,
            None if self.state.awaits_planes => Outcome::Pending,
            None => Outcome::Failed(ViewerError::new("no_volume", "nothing is open")),
        }
    }

    fn complete_outcome(&self, series: Option<SeriesId>) -> Outcome {
        if let Some(failure) = &self.failure {
            return Outcome::Failed(ViewerError::new(&failure.code, &*failure.sentence));
        }
        if series.is_none() && self.state.mpr.is_some() {
            let count = self.volume_count(0).unwrap_or_default();
            let has_come = count.total > 0 && count.loaded + count.failed >= count.total;
            return if has_come {
                Outcome::Done
            } else {
                Outcome::Pending
            };
        }
        let ids: Vec<SeriesId> = match series {
            Some(id) => vec![id],
            None => self
                .state
                .viewports
                .iter()
                .filter_map(|viewport| viewport.series)
                .collect(),
        };
        if ids.is_empty() && !self.state.studies.is_empty() {
            return Outcome::Pending;
        }
        for id in ids {
            if let Some(reason) = self.final_metadata_failure(id) {
                return Outcome::Failed(ViewerError::new("metadata_failed", reason));
            }
            match self.load_count(id) {
                Some(count) if count.loaded + count.failed >= count.total => {}
                _ => return Outcome::Pending,
            }
        }
        Outcome::Done
    }
}
