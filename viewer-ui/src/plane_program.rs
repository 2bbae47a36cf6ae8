//! What a plane worker does: it keeps its share of a volume's slices and samples its share of planes.
//!
//! Planes are sampled in bands of rows. Between bands the worker listens, so that a plane that is not wanted any more ends
//! early and one that is to be coarse is not kept waiting by one that is not.

use crate::plane_message::{FromPlaneWorker, ToPlaneWorker};
use crate::plane_side;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use viewer_core::pixel::{Frame, Presentation, VoiLut, Window};
use viewer_core::volume::{
    PartialPlane, PlaneAsked, PlaneParams, Sampler, Shares, Slice, Slices, VolumeGrid,
};
use wasm_bindgen_futures::spawn_local;

/// Rows that are sampled between two looks at the clock.
const BAND: u32 = 16;

/// How long the worker does not listen, ms.
const DEAF_MS: f64 = 8.0;

/// How often it says that it is at work, ms.
const BUSY_MS: f64 = 5_000.0;

/// A volume, as far as this worker has it.
struct Volume {
    grid: Arc<VolumeGrid>,
    slices: Slices,
    shares: Shares,
    worker: usize,
}

/// A plane that is wanted, and the slices as they were when it was asked for.
struct Wanted {
    id: u64,
    is_coarse: bool,
    params: PlaneParams,
    asked: PlaneAsked,
    slices: Slices,
    ranges: Vec<std::ops::Range<usize>>,
}

#[derive(Default)]
struct Worker {
    volumes: HashMap<u64, Volume>,
    /// Planes that have not begun, oldest first.
    waiting: Vec<Wanted>,
    /// The plane under way, and whether it is still wanted.
    current: Option<(u64, bool)>,
    is_running: bool,
}

/// Answers the page.
pub fn run() {
    console_error_panic_hook::set_once();
    let worker = Rc::new(RefCell::new(Worker::default()));
    plane_side::listen(move |header, bytes| {
        // What a newer page says is not for this worker.
        let Ok(message) = serde_json::from_str(header) else {
            return;
        };
        worker.borrow_mut().hear(message, bytes);
        let starts = {
            let mut worker = worker.borrow_mut();
            let starts = !worker.is_running && !worker.waiting.is_empty();
            worker.is_running |= starts;
            starts
        };
        if starts {
            spawn_local(work(Rc::clone(&worker)));
        }
    });
    say(&FromPlaneWorker::Ready, None);
}

fn say(message: &FromPlaneWorker, bytes: Option<&[u8]>) {
    let header = serde_json::to_string(message).unwrap_or_default();
    plane_side::say(&header, bytes);
}

impl Worker {
    fn hear(&mut self, message: ToPlaneWorker, bytes: Vec<u8>) {
        match message {
            ToPlaneWorker::Begin {
                volume,
                worker,
                workers,
            } => {
                let numbers = bytes.as_chunks().0.iter();
                let numbers: Vec<f64> = numbers.map(|bytes| f64::from_le_bytes(*bytes)).collect();
                let Some(grid) = VolumeGrid::from_numbers(&numbers) else {
                    return;
                };
                let count = grid.slice_count();
                let fresh = Volume {
                    slices: Slices::new(grid.columns, grid.rows, count),
                    shares: Shares::new(count, workers),
                    grid: Arc::new(grid),
                    worker,
                };
                self.volumes.insert(volume, fresh);
            }
            ToPlaneWorker::Slice {
                volume,
                slice,
                sample_type,
                bits_stored,
                photometric,
                modality,
            } => {
                let (Some(volume), Some(modality)) =
                    (self.volumes.get_mut(&volume), modality.read())
                else {
                    return;
                };
                let [columns, rows] = volume.slices.size();
                let frame = Frame {
                    rows,
                    columns,
                    samples_per_pixel: 1,
                    sample_type,
                    bits_stored,
                    photometric,
                    data: bytes,
                };
                // The page sends only what fits.
                if let Ok(made) = Slice::new(frame, modality) {
                    let _ = volume.slices.put(slice, Arc::new(made));
                }
            }
            ToPlaneWorker::Drop { volume, slices } => {
                if let Some(volume) = self.volumes.get_mut(&volume) {
                    for slice in slices {
                        volume.slices.remove(slice);
                    }
                }
            }
            ToPlaneWorker::Forget { volume } => {
                self.volumes.remove(&volume);
            }
            ToPlaneWorker::Plane {
                id,
                volume,
                is_coarse,
            } => match self.wanted(id, volume, is_coarse, &bytes) {
                Some(wanted) => self.waiting.push(wanted),
                None => failed(id, "the worker does not know this plane"),
            },
            ToPlaneWorker::Cancel { id } => {
                self.waiting.retain(|wanted| wanted.id != id);
                if let Some((current, is_wanted)) = &mut self.current
                    && *current == id
                {
                    *is_wanted = false;
                }
            }
            #[expect(clippy::panic, reason = "the request is to break down")]
            ToPlaneWorker::Trap => panic!("asked to break down"),
        }
    }

    fn wanted(&self, id: u64, volume: u64, is_coarse: bool, bytes: &[u8]) -> Option<Wanted> {
        let volume = self.volumes.get(&volume)?;
        let asked = PlaneAsked::from_bytes(bytes)?;
        // Grey is made by the page.
        let window = Window {
            center: 0.0,
            width: 1.0,
        };
        Some(Wanted {
            id,
            is_coarse,
            params: PlaneParams {
                grid: Arc::clone(&volume.grid),
                plane: asked.plane,
                size: asked.size,
                interpolation: asked.interpolation,
                voi: VoiLut::Linear(window),
                presentation: Presentation::Identity,
            },
            asked,
            slices: volume.slices.clone(),
            ranges: volume.shares.ranges(volume.worker).collect(),
        })
    }

    /// The plane to begin with: a coarse one first.
    fn next(&mut self, only_coarse: bool) -> Option<Wanted> {
        let coarse = self.waiting.iter().position(|wanted| wanted.is_coarse);
        let any = (!only_coarse && !self.waiting.is_empty()).then_some(0);
        coarse.or(any).map(|place| self.waiting.remove(place))
    }
}

fn failed(id: u64, reason: &str) {
    let reason = reason.to_owned();
    say(&FromPlaneWorker::Failed { id, reason }, None);
}

/// Samples all planes that are wanted.
async fn work(worker: Rc<RefCell<Worker>>) {
    let doorway = plane_side::Doorway::new();
    loop {
        let next = worker.borrow_mut().next(false);
        let Some(wanted) = next else {
            worker.borrow_mut().is_running = false;
            return;
        };
        worker.borrow_mut().current = Some((wanted.id, true));
        let mut pause = Pause::new();
        let Some(mut sampling) = Sampling::new(&wanted) else {
            continue;
        };
        let mut ms = 0.0;
        loop {
            let began_ms = plane_side::now_ms();
            let goes_on = sampling.band();
            ms += plane_side::now_ms() - began_ms;
            if !goes_on {
                sampling.answer(ms);
                break;
            }
            if pause.is_due() {
                doorway.open().await;
                pause.over();
                let is_wanted = worker.borrow().current.is_some_and(|(_, wanted)| wanted);
                if !is_wanted {
                    break;
                }
                // Coarse planes are so few samples that they need no pause.
                loop {
                    let next = worker.borrow_mut().next(true);
                    let Some(coarse) = next else { break };
                    at_once(&coarse);
                }
            }
        }
        worker.borrow_mut().current = None;
    }
}

fn at_once(wanted: &Wanted) {
    let began_ms = plane_side::now_ms();
    if let Some(mut sampling) = Sampling::new(wanted) {
        while sampling.band() {}
        sampling.answer(plane_side::now_ms() - began_ms);
    }
}

/// When to listen, and when to say that there is work.
struct Pause {
    listened_ms: f64,
    said_ms: f64,
}

impl Pause {
    fn new() -> Self {
        let now_ms = plane_side::now_ms();
        Self {
            listened_ms: now_ms,
            said_ms: now_ms,
        }
    }

    fn is_due(&mut self) -> bool {
        let now_ms = plane_side::now_ms();
        if now_ms - self.said_ms > BUSY_MS {
            self.said_ms = now_ms;
            say(&FromPlaneWorker::Busy, None);
        }
        now_ms - self.listened_ms > DEAF_MS
    }

    fn over(&mut self) {
        self.listened_ms = plane_side::now_ms();
    }
}

/// A plane under way.
struct Sampling<'a> {
    id: u64,
    /// One for each run of slices that the plane comes near.
    samplers: Vec<Sampler<'a>>,
    /// One without slices.
    nothing: Sampler<'a>,
    height: u32,
    row: u32,
    done: Option<PartialPlane>,
}

impl<'a> Sampling<'a> {
    fn new(wanted: &'a Wanted) -> Option<Self> {
        let whole = match Sampler::of(&wanted.params, &wanted.slices, &wanted.asked.presence) {
            Ok(sampler) => sampler,
            Err(error) => {
                failed(wanted.id, &error.to_string());
                return None;
            }
        };
        let height = wanted.params.size[1];
        let ranges = wanted.ranges.iter();
        let samplers = ranges.map(|range| whole.clone().within(range.clone()));
        Some(Self {
            id: wanted.id,
            samplers: samplers
                .filter(|sampler| sampler.may_touch(0..height))
                .collect(),
            nothing: whole.clone().within(0..0),
            height,
            row: 0,
            done: None,
        })
    }

    /// Samples the next rows. False when there are none.
    fn band(&mut self) -> bool {
        if self.row >= self.height || self.samplers.is_empty() {
            return false;
        }
        let rows = self.row..self.height.min(self.row + BAND);
        self.row = rows.end;
        let near = self.samplers.iter();
        let near = near.filter(|sampler| sampler.may_touch(rows.clone()));
        let mut parts = near.map(|sampler| sampler.partial(rows.clone()));
        let first = parts.next();
        let mut band = first.unwrap_or_else(|| self.nothing.partial(rows.clone()));
        for part in parts {
            // All are of the same rows of the same plane.
            let _ = band.add(&part);
        }
        match &mut self.done {
            Some(done) => drop(done.append(band)),
            None => self.done = Some(band),
        }
        self.row < self.height
    }

    fn answer(self, ms: f64) {
        let bytes = self.done.map(|done| done.to_bytes());
        let message = FromPlaneWorker::Plane { id: self.id, ms };
        say(&message, bytes.as_deref());
    }
}
