//! The engine: one state, one queue, one cache, one screen, and the events that move them.
//!
//! Everything that happens is an [`EngineEvent`]. [`Engine::handle`] decides and answers with
//! [`Effect`]s; [`EngineHandle::send`] carries those out after the engine is free again, so that no
//! answer ever finds it borrowed.

mod arrival;
pub mod asking;
mod beside;
mod cpu_volumes;
mod draw;
mod effects;
mod handle;
pub mod headers;
mod large;
mod loading;
mod opening;
mod plane_jobs;
mod planes;
mod planes_notices;
mod playing;
pub mod screen;
mod snapshot;
mod stored_frame;
pub mod text;
mod times;
mod told;
mod video;
mod volume_screen;
pub mod waiting;

use crate::platform::clock;
use crate::platform::fetch::{Aborter, FetchError, FetchedBytes};
use crate::platform::plane_workers::{PlaneWorkerEvent, PlaneWorkers};
use crate::platform::workers::{WorkerAnswer, WorkerJob, WorkerPool};
use crate::store::{Command, Notice, Page, ReaderView, StudyFailure};
pub use draw::capture;
pub use handle::{EngineHandle, Host};
use protocol::dicomweb::asking::Ways;
use protocol::dicomweb::json::Dataset;
use screen::Screen;
use std::collections::HashMap;
use std::rc::Rc;
pub use stored_frame::StoredFrame;
use viewer_core::decode::Decoders;
use viewer_core::loading::{FrameCache, FrameKey, FrameQueue};
use viewer_core::model::{BulkAnswer, SeriesId};
use viewer_core::pixel::OverlayBits;
use viewer_core::state::{Action, ViewLink, ViewerState};

/// A DICOMweb server that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id; addresses carry it, never a URL.
    pub id: String,
    /// Its name on screen.
    pub label: String,
    /// Absolute address of its DICOMweb root, without a slash at the end.
    pub root: String,
    /// It takes what is stored.
    pub store: bool,
}

/// Everything that the engine hears of.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "made, handled and dropped; none is kept (and on wasm32 none is large)"
)]
pub enum EngineEvent {
    /// A component or the API asks for something.
    Command(Command),
    /// The sources that the configuration names.
    Configured(Vec<Source>),
    /// A study is to be opened.
    Open(ViewLink),
    /// Everything is to be closed.
    Close,
    /// Everything is to be closed, as something else is about to be opened.
    MakeWay,
    /// The series of an open study, or why they are not known.
    SeriesListed {
        /// The opening that asked.
        generation: u64,
        /// Index of the study.
        study: usize,
        /// The answer.
        result: Result<Vec<Dataset>, FetchError>,
    },
    /// The metadata of a series, or why they are not known.
    Metadata {
        /// The opening that asked.
        generation: u64,
        /// Which series; `None` for one that was named by the link and is not listed yet.
        series: SeriesId,
        /// What was read from the answer.
        result: Result<opening::SeriesMetadata, FetchError>,
    },
    /// Bytes of a frame, or why there are none.
    Fetched {
        /// The opening that asked.
        generation: u64,
        /// Which frame.
        key: FrameKey,
        /// The answer.
        result: Result<FetchedBytes, FetchError>,
    },
    /// A value that stands beside the metadata, or why there is none.
    BulkCame {
        /// The opening that asked.
        generation: u64,
        /// Whose value it is.
        series: SeriesId,
        /// The address that the metadata name.
        address: String,
        /// The answer.
        answer: BulkAnswer,
    },
    /// Overlay planes that lie in unused bits of a frame's pixels.
    PixelPlanes {
        /// The opening that asked.
        generation: u64,
        /// Which frame.
        key: FrameKey,
        /// The planes; none where the frame could not be read so.
        planes: Vec<OverlayBits>,
    },
    /// A worker's answer.
    Decoded {
        /// Number of the job.
        job: u64,
        /// The answer.
        answer: WorkerAnswer,
    },
    /// Something of a worker that samples planes.
    PlaneWorker(PlaneWorkerEvent),
    /// There is something to draw on.
    ScreenReady(Screen),
    /// There is nothing to draw on, in words.
    ScreenFailed(waiting::ViewerError),
    /// The graphics card or the browser took the screen away.
    ScreenLost,
    /// The browser is about to paint.
    AnimationFrame {
        /// Its time, ms on the clock of [`clock::now_ms`].
        at_ms: f64,
    },
    /// Work that was drawn at this time is on the canvas.
    DrawFinished {
        /// When drawing began, ms.
        began_ms: f64,
    },
    /// A pause is over.
    Woken,
    /// A promise was made: its condition may be true already.
    Looked,
}

/// What is to be done outside the engine.
pub(crate) enum Effect {
    /// Ask for the series of a study.
    ListSeries { study: usize, url: String },
    /// Ask for a series' metadata.
    GetMetadata { series: SeriesId, url: String },
    /// Ask for a frame.
    GetFrame {
        key: FrameKey,
        address: Box<asking::FrameAddress>,
        aborter: Option<Rc<Aborter>>,
    },
    /// Ask for a value that stands beside the metadata.
    GetBulk {
        series: SeriesId,
        address: String,
        url: String,
    },
    /// Read overlay planes from the pixels of a frame.
    GetPixelPlanes { key: FrameKey },
    /// Give bytes to a worker.
    Decode {
        job: u64,
        header: String,
        bytes: js_sys::Uint8Array,
        needs: Decoders,
    },
    /// Give a job to the worker of videos.
    DecodeVideo(WorkerJob),
    /// Come back before the browser paints.
    RequestFrame,
    /// Come back when the GPU is done.
    AwaitGpu { began_ms: f64 },
    /// Come back then.
    WakeAt { at_ms: f64 },
    /// Make a new screen.
    RebuildScreen,
    /// Take the canvas out of sight, or show it again.
    CoverCanvas(bool),
    /// Show a new snapshot.
    Show(Rc<ReaderView>),
    /// Show another page.
    GoTo(Page),
    /// Open the study before or after this one in the list.
    OpenNeighbour { delta: i64 },
    /// Tell listeners of the API.
    Tell(waiting::Told),
}

/// What is known of a series' metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
enum MetadataState {
    Asked,
    Ready,
    Failed { reason: String, attempts: u32 },
}

/// Figures for `stats()`.
#[derive(Debug, Default)]
pub struct Figures {
    /// Bytes of frames that came.
    pub bytes_fetched: u64,
    /// Requests that were made.
    pub requests: u64,
    /// Time of each decoding, ms.
    pub decode_ms: Vec<f64>,
    /// Time of each drawing, ms.
    pub draw_ms: Vec<f64>,
    /// When the first image stood on screen, ms from the start of its opening.
    pub first_image_ms: Option<f64>,
    /// When the first drawing was handed to the GPU, same clock.
    pub first_drawn_ms: Option<f64>,
    /// Things worth knowing: fallbacks, rebuilt screens.
    pub notes: Vec<String>,
}

/// The engine itself. Hosts hold it through an [`EngineHandle`].
pub struct Engine {
    /// What is on screen.
    pub state: ViewerState,
    /// Sources of the configuration.
    pub sources: Vec<Source>,
    /// Which page is on screen.
    pub page: Page,
    /// Figures for `stats()`.
    pub figures: Figures,
    /// Decoded frames.
    pub cache: FrameCache<StoredFrame>,
    /// What loads.
    pub queue: FrameQueue,
    /// What is drawn on.
    pub screen: Option<Screen>,
    /// Promises of the API that wait.
    pub waiters: waiting::Waiters,
    generation: u64,
    next_series: u32,
    next_job: u64,
    opened_at_ms: f64,
    link: Option<ViewLink>,
    metadata: HashMap<SeriesId, MetadataState>,
    listed: Vec<bool>,
    /// Viewports of the link's view that are not shown as they were yet.
    unsettled: Vec<usize>,
    aborters: HashMap<FrameKey, Rc<Aborter>>,
    jobs: HashMap<u64, (u64, FrameKey)>,
    trapped: HashMap<FrameKey, u32>,
    told: told::Told,
    /// How each source is asked for frames, by its id.
    ways: HashMap<String, Ways>,
    /// The instance that came whole last, and the one that is on its way.
    whole: Option<Rc<asking::WholeInstance>>,
    whole_coming: Option<(String, js_sys::Promise)>,
    hover: Option<(usize, [f64; 2])>,
    area: [u32; 2],
    rects: Vec<[u32; 4]>,
    /// Choices of a layout so far: each is measured, also that of the layout on screen.
    layouts_chosen: u32,
    drawn: Vec<Option<screen::Shows>>,
    /// What the canvas shows now, and its size.
    on_canvas: Option<(Vec<screen::DrawItem>, [u32; 2])>,
    /// The canvas still holds what was open before: it is out of sight.
    is_covered: bool,
    is_dirty: bool,
    frame_requested: bool,
    wake_at_ms: Option<f64>,
    failure: Option<StudyFailure>,
    screen_note: Option<Notice>,
    screen_failure: Option<waiting::ViewerError>,
    last_view: Option<Rc<ReaderView>>,
    scratch: Vec<u8>,
    pool: Option<WorkerPool>,
    plane_workers: Option<PlaneWorkers>,
    /// There is a study before, and after, the open one in the list.
    pub has_neighbours: (bool, bool),
    told_complete: bool,
    told_failure: Option<waiting::ViewerError>,
    metadata_again_at_ms: Option<f64>,
    beside: beside::Beside,
    planes: planes::PlanesShown,
    encoded: large::EncodedFrames,
    videos: video::Videos,
}

/// Requests at a time: what a browser allows to one HTTP/1.1 server.
const MOST_FETCHING: usize = 6;

impl Engine {
    fn new(page: Page, workers: usize) -> Self {
        let encoded = large::EncodedFrames::new();
        Self {
            state: ViewerState::default(),
            sources: Vec::new(),
            page,
            figures: Figures::default(),
            cache: FrameCache::new(encoded.budget_bytes()),
            encoded,
            queue: FrameQueue::new(MOST_FETCHING, MOST_FETCHING + 2 * workers),
            screen: None,
            waiters: waiting::Waiters::default(),
            generation: 0,
            next_series: 0,
            next_job: 0,
            opened_at_ms: 0.0,
            link: None,
            metadata: HashMap::new(),
            listed: Vec::new(),
            unsettled: Vec::new(),
            aborters: HashMap::new(),
            jobs: HashMap::new(),
            trapped: HashMap::new(),
            told: told::Told::default(),
            ways: HashMap::new(),
            whole: None,
            whole_coming: None,
            hover: None,
            area: [0, 0],
            rects: Vec::new(),
            layouts_chosen: 0,
            drawn: Vec::new(),
            on_canvas: None,
            is_covered: false,
            is_dirty: false,
            frame_requested: false,
            wake_at_ms: None,
            failure: None,
            screen_note: None,
            screen_failure: None,
            last_view: None,
            scratch: Vec::new(),
            pool: None,
            plane_workers: None,
            has_neighbours: (false, false),
            told_complete: false,
            told_failure: None,
            metadata_again_at_ms: None,
            beside: beside::Beside::default(),
            planes: planes::PlanesShown::default(),
            videos: video::Videos::default(),
        }
    }

    /// The opening that late answers are compared with: an older one's are dropped.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Number of workers that live.
    pub fn worker_count(&self) -> usize {
        self.pool.as_ref().map_or(0, WorkerPool::len)
    }

    /// The worker pool.
    pub fn pool(&self) -> Option<&WorkerPool> {
        self.pool.as_ref()
    }

    /// A number for a job that is not the engine's own.
    pub fn new_job(&mut self) -> u64 {
        self.next_job += 1;
        self.next_job
    }

    /// The snapshot that is on screen.
    pub fn last_view(&self) -> Option<&Rc<ReaderView>> {
        self.last_view.as_ref()
    }

    /// Rectangles of the viewports on the canvas.
    pub fn rects(&self) -> &[[u32; 4]] {
        &self.rects
    }

    fn handle(&mut self, event: EngineEvent) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            EngineEvent::Command(command) => self.command(command, &mut effects),
            EngineEvent::Configured(sources) => {
                self.sources = sources;
                self.begin_opening(&mut effects);
            }
            EngineEvent::Open(link) => self.open(link, &mut effects),
            EngineEvent::Close => self.close(&mut effects),
            EngineEvent::MakeWay => self.make_way(&mut effects),
            EngineEvent::SeriesListed {
                generation,
                study,
                result,
            } => {
                if generation == self.generation {
                    self.series_listed(study, result, &mut effects);
                }
            }
            EngineEvent::Metadata {
                generation,
                series,
                result,
            } => {
                if generation == self.generation {
                    self.metadata_came(series, result, &mut effects);
                }
            }
            EngineEvent::Fetched {
                generation,
                key,
                result,
            } => {
                if generation == self.generation {
                    self.fetched(key, result, &mut effects);
                }
            }
            EngineEvent::BulkCame {
                generation,
                series,
                address,
                answer,
            } => {
                if generation == self.generation {
                    self.bulk_came(series, address, answer);
                }
            }
            EngineEvent::PixelPlanes {
                generation,
                key,
                planes,
            } => {
                if generation == self.generation {
                    self.pixel_planes_came(key, planes);
                }
            }
            EngineEvent::Decoded { job, answer } => self.decoded(job, answer, &mut effects),
            EngineEvent::PlaneWorker(event) => {
                if self
                    .screen
                    .as_mut()
                    .is_some_and(|screen| screen.heard(event))
                {
                    self.on_canvas = None;
                    self.is_dirty = true;
                }
            }
            EngineEvent::ScreenReady(screen) => self.screen_ready(screen),
            EngineEvent::ScreenFailed(error) => self.screen_failed(&error),
            EngineEvent::ScreenLost => self.screen_lost(&mut effects),
            EngineEvent::AnimationFrame { at_ms } => {
                self.frame_requested = false;
                self.play(at_ms);
                if self.is_dirty {
                    self.paint(&mut effects);
                } else if self.state.playing.is_some() {
                    // Nothing is due yet: all that is to be done is to look again.
                    self.frame_requested = true;
                    return vec![Effect::RequestFrame];
                }
            }
            EngineEvent::DrawFinished { began_ms } => self.draw_finished(began_ms, &mut effects),
            EngineEvent::Woken => {
                self.wake_at_ms = None;
                self.look_at_pictures();
            }
            EngineEvent::Looked => {}
        }
        self.settle_view();
        self.pump(&mut effects);
        self.complete_shown(&mut effects);
        self.settle();
        if (self.is_dirty || self.state.playing.is_some()) && !self.frame_requested {
            self.frame_requested = true;
            effects.push(Effect::RequestFrame);
        }
        effects
    }

    /// The places of the old layout hold no longer.
    fn layout_changed(&mut self) {
        self.rects.clear();
        self.layouts_chosen = self.layouts_chosen.wrapping_add(1);
    }

    fn command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        self.is_dirty = true;
        match command {
            Command::Act(action) => {
                let is_layout = matches!(action, Action::SetLayout(_));
                let had_planes = self.state.mpr.is_some();
                self.state.apply(action);
                if is_layout || self.state.mpr.is_some() != had_planes {
                    self.layout_changed();
                }
            }
            Command::Hover(viewport, at) => self.hover = at.map(|at| (viewport, at)),
            Command::LaidOut { viewports, area } => {
                for (viewport, rect) in viewports.iter().enumerate() {
                    let [_, _, width, height] = *rect;
                    self.state.apply(Action::Resize {
                        viewport,
                        width,
                        height,
                    });
                }
                self.area = area;
                self.rects = viewports;
            }
            Command::OpenStudy { source, study } => {
                let link = ViewLink {
                    studies: vec![study],
                    source: Some(source),
                    ..ViewLink::default()
                };
                self.open(link, effects);
            }
            Command::BackToList => {
                self.close(effects);
                self.page = Page::List;
                effects.push(Effect::GoTo(Page::List));
            }
            Command::NextStudy(delta) => effects.push(Effect::OpenNeighbour { delta }),
            Command::TryAgain => self.try_again(effects),
            Command::FetchAgain(viewport) => self.fetch_again(viewport),
            Command::Dismiss(id) => self.dismiss(id),
        }
    }

    /// Adds a note for `stats()`.
    pub fn note(&mut self, note: impl Into<String>) {
        self.figures.notes.push(note.into());
    }

    fn now(&self) -> f64 {
        clock::now_ms()
    }
}
