//! Planes that workers sample: what is wanted in each viewport, what is under way, and the picture that stands there.
//!
//! A viewport has one plane under way. While the user drags, the plane that is under way is let come to its end where it is
//! short, and then the newest is begun: there is never a queue. A plane that would take long comes coarse first; its fine
//! samples are given up as soon as another plane is wanted. Values are kept, so that another window draws them anew
//! without a sample.

use super::cpu_volumes::{CpuVolumes, tell};
use super::screen::{Later, ShownPlane};
use crate::plane_message::ToPlaneWorker;
use crate::platform::plane_workers::PlaneWorkers;
use std::cell::RefCell;
use std::rc::Rc;
use viewer_core::volume::{PartialPlane, PlaneAsked, PlanePainter, PlaneParams, Sampler};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// A plane that takes longer than this, ms, comes coarse first.
const SHORT_MS: f64 = 40.0;

/// How long a coarse plane may take, ms.
const COARSE_MS: f64 = 20.0;

/// Sides of the squares of coarse planes, canvas pixels.
const STEPS: [u32; 3] = [2, 4, 8];

/// What a sample takes, ms, before any was measured: of a plane, and of one of the planes of a slab.
const FIRST_RATES: [f64; 2] = [1e-4, 2e-5];

/// What is wanted and shown in one viewport.
#[derive(Debug, Default)]
pub(super) struct View {
    wanted: Option<ShownPlane>,
    /// The job under way.
    flying: Option<u64>,
    picture: Option<Picture>,
}

/// Values of a plane.
#[derive(Debug)]
struct Picture {
    shown: ShownPlane,
    /// Side of the square of each value.
    step: u32,
    values: Vec<f32>,
}

/// Whether two planes have the same samples, whatever their windows.
fn same_samples(a: &ShownPlane, b: &ShownPlane) -> bool {
    a.stage == b.stage && same_plane(a, b)
}

fn same_plane(a: &ShownPlane, b: &ShownPlane) -> bool {
    let (a_params, b_params) = (&a.params, &b.params);
    a.volume == b.volume
        && a_params.plane == b_params.plane
        && a_params.size == b_params.size
        && a_params.interpolation == b_params.interpolation
        && a_params.grid == b_params.grid
}

impl View {
    /// What was under way does not come.
    pub fn nothing_comes(&mut self) {
        self.flying = None;
    }

    /// True where it is about one of these volumes.
    pub fn is_of(&self, volumes: &[u64]) -> bool {
        let wanted = self.wanted.as_ref();
        wanted.is_some_and(|wanted| volumes.contains(&wanted.volume))
    }

    fn has(&self, wanted: &ShownPlane) -> bool {
        let picture = self.picture.as_ref();
        picture.is_some_and(|picture| picture.step == 1 && same_samples(&picture.shown, wanted))
    }

    /// Draws what there is of a plane: the newest picture of its volume. `None`, and black, without one; else what
    /// stands there.
    pub fn paint(&self, shown: &ShownPlane, rgba: &mut [u8]) -> Option<ShownPlane> {
        let is_fitting = |picture: &&Picture| {
            picture.shown.volume == shown.volume && picture.shown.params.size == shown.params.size
        };
        let Some(picture) = self.picture.as_ref().filter(is_fitting) else {
            rgba.as_chunks_mut::<4>().0.fill([0, 0, 0, 255]);
            return None;
        };
        let painter = PlanePainter::new(&shown.params);
        if picture.values.is_empty() {
            // It cannot be sampled.
            rgba.as_chunks_mut::<4>().0.fill([0, 0, 0, 255]);
        } else if picture.step == 1 {
            painter.paint(0, &picture.values, rgba);
        } else {
            picture.paint_squares(&painter, rgba);
        }
        Some(ShownPlane {
            volume: shown.volume,
            params: PlaneParams {
                voi: shown.params.voi.clone(),
                presentation: shown.params.presentation.clone(),
                ..picture.shown.params.clone()
            },
            // No stage of a volume: what is coarse is never taken for final.
            stage: if picture.step == 1 {
                picture.shown.stage
            } else {
                0
            },
        })
    }
}

impl Picture {
    fn paint_squares(&self, painter: &PlanePainter, rgba: &mut [u8]) {
        let [width, _] = self.shown.params.size.map(|side| side as usize);
        let step = self.step as usize;
        let mut row = Vec::with_capacity(width + step);
        for (y, pixels) in (0_u32..).zip(rgba.chunks_mut((width * 4).max(1))) {
            let across = width.div_ceil(step);
            let start = (y / self.step) as usize * across;
            let values = self.values.get(start..start + across);
            row.clear();
            for value in values.unwrap_or_default() {
                row.extend(std::iter::repeat_n(*value, step));
            }
            row.truncate(width);
            painter.paint(y, &row, pixels);
        }
    }
}

/// A plane that workers are asked for.
#[derive(Debug)]
pub(super) struct Job {
    id: u64,
    pub volume: u64,
    shown: ShownPlane,
    step: u32,
    purpose: Purpose,
    is_short: bool,
    /// Workers that have not answered yet; empty before it is posted.
    waits_for: Vec<bool>,
    found: Option<PartialPlane>,
    /// The longest time that a worker took.
    ms: f64,
}

#[derive(Debug)]
enum Purpose {
    /// A viewport's picture.
    View(usize),
    /// Values that were asked for.
    Reading(Reading),
}

/// Modality values of a plane, or why there are none.
type Values = Result<Vec<f32>, String>;

#[derive(Debug)]
struct Reading {
    answer: Rc<RefCell<Option<Values>>>,
    resolve: js_sys::Function,
}

impl Reading {
    fn end(self, answer: Values) {
        *self.answer.borrow_mut() = Some(answer);
        // Resolving functions of a promise do not throw.
        let _ = self.resolve.call0(&JsValue::NULL);
    }
}

/// All planes under way.
#[derive(Debug)]
pub(super) struct Jobs {
    list: Vec<Job>,
    last_id: u64,
    rates: [f64; 2],
    has_sampled: bool,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            last_id: 0,
            rates: FIRST_RATES,
            has_sampled: false,
        }
    }
}

impl Jobs {
    /// True once a worker has sampled a plane.
    pub fn has_sampled(&self) -> bool {
        self.has_sampled
    }

    /// None of them will be done.
    pub fn end_all(&mut self, reason: &str) {
        for job in self.list.drain(..) {
            if let Purpose::Reading(reading) = job.purpose {
                reading.end(Err(reason.to_owned()));
            }
        }
    }

    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn find(&self, id: u64) -> Option<&Job> {
        self.list.iter().find(|job| job.id == id)
    }

    fn estimate_ms(&self, params: &PlaneParams) -> f64 {
        let (samples, is_slab) = samples(params);
        samples * self.rates[usize::from(is_slab)]
    }
}

/// How many samples a plane or slab has, and whether it is a slab.
fn samples(params: &PlaneParams) -> (f64, bool) {
    let step_mm = params.grid.default_slab_step_mm();
    let beside = params.plane.slab.as_ref().map_or(0, |slab| {
        slab.planes_beside(step_mm).map_or(0, |(beside, _)| beside)
    });
    let [width, height] = params.size.map(f64::from);
    (width * height * f64::from(2 * beside + 1), beside > 0)
}

/// The side of squares with which a plane that takes so long comes first.
fn first_step(estimate_ms: f64) -> u32 {
    if estimate_ms <= SHORT_MS {
        return 1;
    }
    let is_quick = |step: &u32| estimate_ms / f64::from(step * step) <= COARSE_MS;
    let [.., coarsest] = STEPS;
    STEPS.into_iter().find(is_quick).unwrap_or(coarsest)
}

impl CpuVolumes {
    /// A viewport is to show a plane.
    pub(super) fn want(&mut self, viewport: usize, shown: &ShownPlane) {
        self.set_grid(shown.volume, &shown.params.grid);
        let view = self.views.entry(viewport).or_default();
        view.wanted = Some(shown.clone());
        self.advance(viewport);
    }

    /// Viewports that show no plane any more.
    pub(super) fn keep_views(&mut self, viewports: &[usize]) {
        self.views
            .retain(|viewport, _| viewports.contains(viewport));
        self.cancel_jobs(
            |job| matches!(job.purpose, Purpose::View(viewport) if !viewports.contains(&viewport)),
        );
    }

    /// Begins what is needed next for a viewport.
    fn advance(&mut self, viewport: usize) -> Option<()> {
        let view = self.views.get(&viewport)?;
        let wanted = view.wanted.clone()?;
        let flying = view.flying.and_then(|id| self.jobs.find(id));
        let is_here = view.has(&wanted);
        if let Some(job) = flying {
            let is_same = same_samples(&job.shown, &wanted);
            let is_alike =
                job.volume == wanted.volume && job.shown.params.size == wanted.params.size;
            if !is_here && (is_same || (job.is_short && is_alike)) {
                return None;
            }
            let id = job.id;
            self.cancel_jobs(|job| job.id == id);
        }
        if is_here {
            return None;
        }
        if self.is_page_drawing {
            let values = self.sample(wanted.volume, &wanted.params);
            let picture = Picture {
                values: values.unwrap_or_default(),
                shown: wanted,
                step: 1,
            };
            self.views.get_mut(&viewport)?.picture = Some(picture);
            return None;
        }
        let estimate_ms = self.jobs.estimate_ms(&wanted.params);
        let picture = self.views.get(&viewport)?.picture.as_ref();
        // What stands there already is not made coarse again.
        let is_seen = picture.is_some_and(|picture| same_plane(&picture.shown, &wanted));
        let step = if is_seen { 1 } else { first_step(estimate_ms) };
        let id = self.add_job(wanted, step, Purpose::View(viewport), estimate_ms);
        self.views.get_mut(&viewport)?.flying = Some(id);
        self.post_jobs();
        Some(())
    }

    fn add_job(&mut self, shown: ShownPlane, step: u32, purpose: Purpose, estimate_ms: f64) -> u64 {
        let id = self.jobs.new_id();
        self.jobs.list.push(Job {
            id,
            volume: shown.volume,
            shown,
            step,
            purpose,
            is_short: step > 1 || estimate_ms <= SHORT_MS,
            waits_for: Vec::new(),
            found: None,
            ms: 0.0,
        });
        id
    }

    /// Asks the workers for planes of volumes that are shared out.
    pub(super) fn post_jobs(&mut self) {
        for place in 0..self.jobs.list.len() {
            let job = &self.jobs.list[place];
            let key = job.volume;
            if job.waits_for.is_empty() && self.hand_count() > 0 && self.is_shared_out(key) {
                self.begin_everywhere(key);
                self.post_job(place);
            }
        }
    }

    fn post_job(&mut self, place: usize) -> Option<()> {
        let workers = self.workers.clone()?;
        let count = self.hand_count();
        let job = self.jobs.list.get_mut(place)?;
        let params = &job.shown.params;
        let asked = PlaneAsked {
            plane: params.plane,
            size: params.size,
            interpolation: params.interpolation,
            presence: self.volumes.get(&job.volume)?.presence.clone(),
        };
        let bytes = asked.coarse(job.step).to_bytes();
        let plane = ToPlaneWorker::Plane {
            id: job.id,
            volume: job.volume,
            is_coarse: job.step > 1,
        };
        let header = serde_json::to_string(&plane).ok()?;
        job.waits_for = vec![true; count];
        for worker in 0..count {
            let buffer = js_sys::Uint8Array::from(bytes.as_slice()).buffer();
            workers.post(worker, &header, Some(buffer), true);
        }
        Some(())
    }

    /// Gives up jobs.
    pub(super) fn cancel_jobs(&mut self, is_over: impl Fn(&Job) -> bool) {
        let (over, rest) = self.jobs.list.drain(..).partition(is_over);
        self.jobs.list = rest;
        let over: Vec<Job> = over;
        for job in over {
            withdraw(self.workers.as_ref(), &job);
            match job.purpose {
                Purpose::View(viewport) => {
                    if let Some(view) = self.views.get_mut(&viewport) {
                        view.flying = None;
                    }
                }
                Purpose::Reading(reading) => reading.end(Err("the volume is not here".into())),
            }
        }
    }

    /// A worker is lost: what it was asked for is asked of all workers anew, when it has its slices again.
    pub(super) fn begin_jobs_anew(&mut self, worker: usize) {
        for place in 0..self.jobs.list.len() {
            let fresh = self.jobs.new_id();
            let job = &mut self.jobs.list[place];
            if let Some(waits) = job.waits_for.get_mut(worker) {
                // Nobody is there to hear that it is given up.
                *waits = false;
            }
            withdraw(self.workers.as_ref(), job);
            let old = std::mem::replace(&mut job.id, fresh);
            job.waits_for.clear();
            job.found = None;
            job.ms = 0.0;
            if let Purpose::View(viewport) = job.purpose
                && let Some(view) = self.views.get_mut(&viewport)
                && view.flying == Some(old)
            {
                view.flying = Some(fresh);
            }
        }
    }

    /// A worker's share of a plane. True where a picture is new.
    pub(super) fn answered(
        &mut self,
        worker: usize,
        id: u64,
        answer: Result<(Option<js_sys::ArrayBuffer>, f64), String>,
    ) -> bool {
        let place = self.jobs.list.iter().position(|job| job.id == id);
        let Some(place) = place else {
            // It was given up meanwhile.
            return false;
        };
        let job = &mut self.jobs.list[place];
        match job.waits_for.get_mut(worker) {
            Some(waits) if *waits => *waits = false,
            _ => return false,
        }
        if let Some(workers) = &self.workers {
            workers.answered(worker);
        }
        match answer.and_then(|(buffer, ms)| job.add(buffer, ms)) {
            Ok(()) if job.waits_for.contains(&true) => false,
            Ok(()) => self.done(place),
            Err(reason) => {
                let job = self.jobs.list.remove(place);
                withdraw(self.workers.as_ref(), &job);
                self.ended(job, Err(reason))
            }
        }
    }

    /// All workers have answered.
    fn done(&mut self, place: usize) -> bool {
        let mut job = self.jobs.list.remove(place);
        let (samples, is_slab) = samples(&job.shown.params);
        let squares = f64::from(job.step * job.step);
        if samples > 0.0 {
            self.jobs.rates[usize::from(is_slab)] = job.ms * squares / samples;
        }
        self.jobs.has_sampled = true;
        let values = job.found.take().map(PartialPlane::into_values);
        let values = values.unwrap_or_else(|| {
            // The plane lies outside.
            let [width, height] = job.shown.params.size.map(|side| side.div_ceil(job.step));
            vec![f32::NAN; width as usize * height as usize]
        });
        self.ended(job, Ok(values))
    }

    fn ended(&mut self, job: Job, values: Result<Vec<f32>, String>) -> bool {
        let viewport = match job.purpose {
            Purpose::View(viewport) => viewport,
            Purpose::Reading(reading) => {
                reading.end(values);
                return false;
            }
        };
        let Some(view) = self.views.get_mut(&viewport) else {
            return false;
        };
        view.flying = None;
        view.picture = Some(Picture {
            shown: job.shown,
            step: if values.is_ok() { job.step } else { 1 },
            // What cannot be sampled stays black.
            values: values.unwrap_or_default(),
        });
        self.advance(viewport);
        true
    }

    /// Modality values of a plane, of all samples.
    pub(super) fn values(
        &mut self,
        key: u64,
        params: &PlaneParams,
    ) -> Later<Result<Vec<f32>, String>> {
        if !self.volumes.contains_key(&key) {
            return Box::pin(std::future::ready(Err("the volume is not here".into())));
        }
        if self.is_page_drawing {
            return Box::pin(std::future::ready(self.sample(key, params)));
        }
        let answer = Rc::new(RefCell::new(None));
        let mut reading = None;
        let promise = js_sys::Promise::new(&mut |resolve, _| {
            reading = Some(Reading {
                answer: Rc::clone(&answer),
                resolve,
            });
        });
        if let Some(reading) = reading {
            self.set_grid(key, &params.grid);
            let shown = ShownPlane {
                volume: key,
                params: params.clone(),
                stage: 0,
            };
            self.add_job(shown, 1, Purpose::Reading(reading), 0.0);
            self.post_jobs();
        }
        Box::pin(async move {
            let _ = JsFuture::from(promise).await;
            let answer = answer.borrow_mut().take();
            answer.unwrap_or_else(|| Err("the plane was not sampled".into()))
        })
    }

    /// Samples a plane on the page's own thread.
    fn sample(&self, key: u64, params: &PlaneParams) -> Result<Vec<f32>, String> {
        let volume = self.volumes.get(&key).ok_or("the volume is not here")?;
        let sampler = Sampler::of(params, &volume.slices, &volume.presence);
        let sampler = sampler.map_err(|error| error.to_string())?;
        let [width, height] = params.size;
        let mut values = vec![f32::NAN; width as usize * height as usize];
        sampler.rows(0..height, &mut values);
        Ok(values)
    }
}

impl Job {
    fn add(&mut self, buffer: Option<js_sys::ArrayBuffer>, ms: f64) -> Result<(), String> {
        self.ms = self.ms.max(ms);
        let Some(buffer) = buffer else {
            return Ok(());
        };
        let bytes = js_sys::Uint8Array::new(&buffer).to_vec();
        let part = PartialPlane::from_bytes(&bytes).map_err(|error| error.to_string())?;
        match &mut self.found {
            Some(found) => found.add(&part).map_err(|error| error.to_string()),
            None => {
                self.found = Some(part);
                Ok(())
            }
        }
    }
}

/// Tells the workers that have not answered that they need not.
fn withdraw(workers: Option<&PlaneWorkers>, job: &Job) {
    for (worker, waits) in job.waits_for.iter().enumerate() {
        if *waits {
            tell(workers, worker, &ToPlaneWorker::Cancel { id: job.id });
            if let Some(workers) = workers {
                workers.answered(worker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_comes_coarse_first() {
        assert_eq!(first_step(0.0), 1);
        assert_eq!(first_step(40.0), 1);
        // A quarter of the samples takes 20 ms, a sixteenth 20, and no plane is coarser than a sixty-fourth.
        assert_eq!(first_step(80.0), 2);
        assert_eq!(first_step(320.0), 4);
        assert_eq!(first_step(5000.0), 8);
    }
}
