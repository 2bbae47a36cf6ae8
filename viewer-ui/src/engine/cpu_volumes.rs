//! Volumes that the processor draws: their slices are with workers, each of which has its share.
//!
//! A worker is sent the slices that its samples are mixed from ([`Shares`]) and is told which it may drop. One that breaks
//! down is started anew: the slices that it held are missing then, and the engine brings them again from the frame cache. Where
//! no worker can be started the page keeps the slices and samples planes itself.

use super::StoredFrame;
use super::plane_jobs::{Jobs, View};
use crate::plane_message::{FromPlaneWorker, SentModality, ToPlaneWorker};
use crate::platform::plane_workers::{PlaneWorkerEvent, PlaneWorkers};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use viewer_core::pixel::{Frame, ModalityLut, SampleType};
use viewer_core::volume::{PlaneParams, Presence, Shares, Slice, SliceState, Slices, VolumeGrid};

/// Most bytes of slices that workers, or the page, hold for planes: a second copy beside the frame cache.
const BUDGET_BYTES: u64 = 1 << 30;

/// Workers that may break down one after another, without a plane in between.
const MOST_BREAKDOWNS: u32 = 8;

/// A volume that the processor draws.
#[derive(Debug)]
pub(super) struct CpuVolume {
    size: [u32; 3],
    slice_bytes: u64,
    pub presence: Presence,
    grid: Option<Arc<VolumeGrid>>,
    /// For each worker the slices that it has to hold.
    needs: Vec<Vec<bool>>,
    /// Those that the page holds, where it draws itself.
    pub slices: Slices,
}

impl CpuVolume {
    fn count(&self) -> usize {
        self.size[2] as usize
    }
}

/// What a worker was given.
#[derive(Debug, Default)]
struct Hand {
    /// Slices of each volume.
    held: HashMap<u64, Vec<bool>>,
}

impl Hand {
    fn holds(&self, key: u64, slice: usize) -> bool {
        let held = self.held.get(&key);
        held.is_some_and(|held| held.get(slice) == Some(&true))
    }
}

/// All volumes that the processor draws, by their keys, and who samples them.
#[derive(Debug, Default)]
pub struct CpuVolumes {
    pub(super) workers: Option<PlaneWorkers>,
    pub(super) volumes: HashMap<u64, CpuVolume>,
    hands: Vec<Hand>,
    pub(super) views: HashMap<usize, View>,
    pub(super) jobs: Jobs,
    /// Breakdowns since a plane was done.
    breakdowns: u32,
    /// No worker could be started.
    pub(super) is_page_drawing: bool,
    refusal: Option<String>,
    notes: Vec<String>,
}

impl Drop for CpuVolumes {
    fn drop(&mut self) {
        self.forget(&[]);
    }
}

impl CpuVolumes {
    /// Leaves planes to workers, which start when a volume comes.
    pub fn leave_to(&mut self, workers: Option<PlaneWorkers>) {
        self.workers = workers;
    }

    /// Makes room for a volume.
    pub(super) fn begin(
        &mut self,
        key: u64,
        size: [u32; 3],
        sample_type: SampleType,
    ) -> Result<(), String> {
        let [columns, rows, count] = size;
        let slice_bytes = u64::from(columns) * u64::from(rows) * sample_type.size_bytes() as u64;
        let volume = CpuVolume {
            size,
            slice_bytes,
            presence: Presence::new(count as usize),
            grid: None,
            needs: Vec::new(),
            slices: Slices::new(columns, rows, count as usize),
        };
        let all = self.volumes.values().chain([&volume]);
        let bytes: u64 = all.map(|volume| self.most_bytes(volume)).sum();
        if bytes > BUDGET_BYTES {
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            return Err(format!(
                "without a GPU at most {} MiB of slices can be kept for planes, and these are {} MiB",
                mib(BUDGET_BYTES),
                mib(bytes)
            ));
        }
        self.volumes.insert(key, volume);
        if self.hands.is_empty() && !self.is_page_drawing {
            self.start();
        }
        self.refresh(key);
        Ok(())
    }

    /// Bytes of a volume's slices once all are here.
    fn most_bytes(&self, volume: &CpuVolume) -> u64 {
        let shares = Shares::new(volume.count(), self.worker_count());
        shares.most_held() as u64 * volume.slice_bytes
    }

    fn worker_count(&self) -> usize {
        let workers = self.workers.as_ref().filter(|_| !self.is_page_drawing);
        workers.map_or(1, PlaneWorkers::count)
    }

    fn start(&mut self) {
        let Some(workers) = self.workers.clone().filter(|workers| workers.count() > 0) else {
            return self.draw_on_page();
        };
        self.hands = (0..workers.count()).map(|_| Hand::default()).collect();
        if !(0..workers.count()).all(|worker| workers.start(worker)) {
            self.draw_on_page();
        }
    }

    /// No worker can be started: the page holds the slices and samples planes itself.
    fn draw_on_page(&mut self) {
        self.is_page_drawing = true;
        self.end_workers();
        for volume in self.volumes.values_mut() {
            // All slices have to come once more.
            volume.presence = Presence::new(volume.count());
            volume.needs.clear();
        }
        self.note("no worker for planes could be started: the page draws them itself");
    }

    fn end_workers(&mut self) {
        if let Some(workers) = &self.workers {
            workers.end();
        }
        self.hands.clear();
        self.jobs
            .end_all("the workers that sample planes have ended");
        self.views.values_mut().for_each(View::nothing_comes);
    }

    /// Drops all volumes but these; with the last one the workers end.
    pub(super) fn forget(&mut self, but: &[u64]) {
        self.volumes.retain(|key, _| but.contains(key));
        if self.volumes.is_empty() {
            self.end_workers();
            self.views.clear();
            self.is_page_drawing = false;
            self.refusal = None;
            self.breakdowns = 0;
            return;
        }
        let is_gone = |key: &u64| !but.contains(key);
        for (worker, hand) in self.hands.iter_mut().enumerate() {
            for key in hand.held.keys().filter(|key| is_gone(key)) {
                tell(
                    self.workers.as_ref(),
                    worker,
                    &ToPlaneWorker::Forget { volume: *key },
                );
            }
            hand.held.retain(|key, _| but.contains(key));
        }
        self.views.retain(|_, view| view.is_of(but));
        self.cancel_jobs(|job| !but.contains(&job.volume));
    }

    /// Why planes cannot be drawn any more.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// What happened to workers since the last call.
    pub(super) fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    /// Bytes of slices that workers or the page hold.
    pub(super) fn bytes(&self) -> usize {
        let held = |(key, volume): (&u64, &CpuVolume)| {
            let hands = self.hands.iter().filter_map(|hand| hand.held.get(key));
            let slices = hands.flatten().filter(|held| **held).count();
            let bytes = usize::try_from(volume.slice_bytes).unwrap_or(usize::MAX);
            slices.saturating_mul(bytes) + volume.slices.bytes()
        };
        self.volumes.iter().map(held).sum()
    }

    /// Slices that have to be brought: those that are not here, and those that a worker lost.
    pub(super) fn missing(&mut self, key: u64, planes: &[PlaneParams]) -> Vec<u32> {
        if let Some(plane) = planes.first() {
            self.set_grid(key, &plane.grid);
        }
        let Some(volume) = self.volumes.get(&key) else {
            return Vec::new();
        };
        if volume.grid.is_none() {
            return Vec::new();
        }
        let is_lost = |slice: usize| {
            let mut hands = self.hands.iter().zip(&volume.needs);
            hands.any(|(hand, needs)| needs[slice] && !hand.holds(key, slice))
        };
        let is_missing = |slice: &u32| {
            let slice = *slice as usize;
            volume.presence.of(slice) != SliceState::Here || is_lost(slice)
        };
        (0..volume.size[2]).filter(is_missing).collect()
    }

    /// Where the voxels of a volume lie. Another grid is another volume for the workers.
    pub(super) fn set_grid(&mut self, key: u64, grid: &Arc<VolumeGrid>) {
        let Some(volume) = self.volumes.get_mut(&key) else {
            return;
        };
        let known = volume.grid.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(known, grid) || known == grid) {
            return;
        }
        volume.grid = Some(Arc::clone(grid));
        for hand in &mut self.hands {
            hand.held.remove(&key);
        }
    }

    /// Brings a slice.
    pub(super) fn put(
        &mut self,
        key: u64,
        slice: u32,
        frame: &StoredFrame,
        modality: &ModalityLut,
    ) -> Result<(), String> {
        let slice = slice as usize;
        let volume = self.volumes.get_mut(&key);
        let volume = volume.ok_or("the volume is not here")?;
        if self.is_page_drawing {
            let frame = Frame {
                rows: frame.rows,
                columns: frame.columns,
                samples_per_pixel: frame.samples_per_pixel,
                sample_type: frame.sample_type,
                bits_stored: frame.bits_stored,
                photometric: frame.photometric,
                data: frame.to_vec(),
            };
            let made = Slice::new(frame, modality.clone());
            let made = made.map_err(|error| error.to_string())?;
            let put = volume.slices.put(slice, Arc::new(made));
            put.map_err(|error| error.to_string())?;
            volume.presence.set(slice, SliceState::Here);
            return Ok(());
        }
        if frame.bytes() as u64 != volume.slice_bytes || frame.samples_per_pixel != 1 {
            return Err("the frame has another length than its shape says".into());
        }
        let modality = SentModality::try_from(modality)?;
        if volume.presence.set(slice, SliceState::Here) {
            self.refresh(key);
        }
        let header = ToPlaneWorker::Slice {
            volume: key,
            slice,
            sample_type: frame.sample_type,
            bits_stored: frame.bits_stored,
            photometric: frame.photometric,
            modality,
        };
        let header = serde_json::to_string(&header).unwrap_or_default();
        for worker in 0..self.hands.len() {
            self.send_slice(worker, key, slice, &header, frame);
        }
        self.post_jobs();
        Ok(())
    }

    /// Sends a slice to a worker that needs it and has it not.
    fn send_slice(
        &mut self,
        worker: usize,
        key: u64,
        slice: usize,
        header: &str,
        frame: &StoredFrame,
    ) -> Option<()> {
        let volume = self.volumes.get(&key)?;
        let workers = self.workers.as_ref()?;
        let hand = self.hands.get_mut(worker)?;
        let is_needed = volume.needs.get(worker)?.get(slice) == Some(&true);
        if !is_needed || hand.holds(key, slice) {
            return None;
        }
        let held = match hand.held.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                begin_at(workers, worker, key, volume.grid.as_ref()?);
                entry.insert(vec![false; volume.count()])
            }
        };
        // The frame stays in the cache: a copy is handed over.
        let copy = frame.copied();
        workers.post(worker, header, Some(copy.buffer()), false);
        *held.get_mut(slice)? = true;
        Some(())
    }

    /// A slice will not come.
    pub(super) fn fail(&mut self, key: u64, slice: u32) {
        let Some(volume) = self.volumes.get_mut(&key) else {
            return;
        };
        if volume.presence.set(slice as usize, SliceState::Failed) {
            self.refresh(key);
            self.post_jobs();
        }
    }

    /// Works out who needs which slices, and has the others dropped.
    fn refresh(&mut self, key: u64) {
        let Some(volume) = self.volumes.get_mut(&key) else {
            return;
        };
        let shares = Shares::new(volume.count(), self.hands.len());
        volume.needs = (0..self.hands.len())
            .map(|worker| shares.needs(worker, &volume.presence))
            .collect();
        for (worker, (hand, needs)) in self.hands.iter_mut().zip(&volume.needs).enumerate() {
            let Some(held) = hand.held.get_mut(&key) else {
                continue;
            };
            let held = held.iter_mut().zip(needs).enumerate();
            let mut slices = Vec::new();
            for (slice, (held, _)) in held.filter(|(_, (held, needed))| **held && !**needed) {
                *held = false;
                slices.push(slice);
            }
            if !slices.is_empty() {
                let drop = ToPlaneWorker::Drop {
                    volume: key,
                    slices,
                };
                tell(self.workers.as_ref(), worker, &drop);
            }
        }
    }

    /// True where every worker has what it needs of a volume.
    pub(super) fn is_shared_out(&self, key: u64) -> bool {
        let Some(volume) = self.volumes.get(&key) else {
            return false;
        };
        let has_all = |(hand, needs): (&Hand, &Vec<bool>)| {
            let mut needs = needs.iter().enumerate();
            // A worker without a slice is told of the volume with the first one.
            needs.all(|(slice, needed)| !needed || hand.holds(key, slice))
        };
        self.hands.iter().zip(&volume.needs).all(has_all)
    }

    /// Tells the workers of a volume that have no slice of it: they know where gaps are.
    pub(super) fn begin_everywhere(&mut self, key: u64) -> Option<()> {
        let volume = self.volumes.get(&key)?;
        let (grid, workers) = (volume.grid.as_ref()?, self.workers.as_ref()?);
        for (worker, hand) in self.hands.iter_mut().enumerate() {
            hand.held.entry(key).or_insert_with(|| {
                begin_at(workers, worker, key, grid);
                vec![false; volume.count()]
            });
        }
        Some(())
    }

    /// Workers that there are.
    pub(super) fn hand_count(&self) -> usize {
        self.hands.len()
    }

    /// Hears of a worker. True where something new is to be drawn or brought.
    pub(super) fn heard(&mut self, event: PlaneWorkerEvent) -> bool {
        match event {
            PlaneWorkerEvent::Lost { worker } => {
                self.lost(worker);
                true
            }
            PlaneWorkerEvent::Said {
                worker,
                header,
                buffer,
            } => match serde_json::from_str(&header) {
                Ok(FromPlaneWorker::Plane { id, ms }) => {
                    self.breakdowns = 0;
                    self.answered(worker, id, Ok((buffer, ms)))
                }
                Ok(FromPlaneWorker::Failed { id, reason }) => {
                    self.answered(worker, id, Err(reason))
                }
                _ => false,
            },
        }
    }

    fn lost(&mut self, worker: usize) {
        let Some(hand) = self.hands.get_mut(worker) else {
            return;
        };
        *hand = Hand::default();
        self.breakdowns += 1;
        self.note("a plane worker broke down and was replaced");
        self.begin_jobs_anew(worker);
        let has_sampled = self.jobs.has_sampled();
        if self.breakdowns > MOST_BREAKDOWNS {
            if has_sampled {
                self.end_workers();
                let words = "the workers that sample them broke down again and again";
                self.refusal = Some(words.into());
            } else {
                self.draw_on_page();
            }
            return;
        }
        let is_started = (self.workers.as_ref()).is_some_and(|workers| workers.start(worker));
        if !is_started {
            self.draw_on_page();
        }
    }
}

/// Has a worker make room for a volume.
fn begin_at(workers: &PlaneWorkers, worker: usize, key: u64, grid: &VolumeGrid) {
    let begin = ToPlaneWorker::Begin {
        volume: key,
        worker,
        workers: workers.count(),
    };
    let numbers = grid.to_numbers();
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let begin = serde_json::to_string(&begin).unwrap_or_default();
    let bytes = js_sys::Uint8Array::from(bytes.as_slice()).buffer();
    workers.post(worker, &begin, Some(bytes), false);
}

/// Tells a worker something that it does not answer.
pub(super) fn tell(workers: Option<&PlaneWorkers>, worker: usize, message: &ToPlaneWorker) {
    if let Some(workers) = workers {
        let header = serde_json::to_string(message).unwrap_or_default();
        workers.post(worker, &header, None, false);
    }
}
