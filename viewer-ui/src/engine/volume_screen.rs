//! The volumes of a screen: on the graphics card, or with workers where the processor draws.

use super::StoredFrame;
use super::screen::{Later, Screen, ShownPlane};
use crate::platform::plane_workers::{PlaneWorkerEvent, PlaneWorkers};
use std::borrow::Cow;
use viewer_core::pixel::{ModalityLut, SampleType};
use viewer_core::volume::{PlanePainter, PlaneParams, Presence};
use viewer_gpu::PlaneProgress;

/// Most slices that one drawing copies: nobody waits for them.
const MOST_COPIED: usize = 8;

impl Screen {
    /// Leaves planes to workers where the processor draws.
    pub fn leave_planes_to(&mut self, workers: Option<PlaneWorkers>) {
        if let Self::Cpu { cpu, .. } = self {
            cpu.volumes.leave_to(workers);
        }
    }

    /// Hears of a worker that samples planes. True where something new is to be drawn or brought.
    pub fn heard(&mut self, event: PlaneWorkerEvent) -> bool {
        match self {
            Self::Gpu { .. } => false,
            Self::Cpu { cpu, .. } => cpu.volumes.heard(event),
        }
    }

    /// Makes room for a volume of `size` columns, rows and slices.
    pub fn begin_volume(
        &mut self,
        key: u64,
        size: [u32; 3],
        sample_type: SampleType,
    ) -> Result<(), String> {
        match self {
            Self::Gpu { gpu, .. } => gpu.begin_volume(key, size, sample_type),
            Self::Cpu { cpu, .. } => cpu.volumes.begin(key, size, sample_type),
        }
    }

    /// Why no volume can be drawn any more, in words.
    pub fn volume_refusal(&self) -> Option<&str> {
        match self {
            Self::Gpu { .. } => None,
            Self::Cpu { cpu, .. } => cpu.volumes.refusal(),
        }
    }

    /// Brings a slice to a volume.
    pub fn write_slice(
        &mut self,
        key: u64,
        slice: u32,
        frame: &StoredFrame,
        modality: &ModalityLut,
        scratch: &mut Vec<u8>,
    ) -> Result<(), String> {
        match self {
            Self::Gpu { gpu, .. } => {
                frame.copy_into(scratch);
                gpu.write_slice(key, slice, scratch, modality)
            }
            Self::Cpu { cpu, .. } => cpu.volumes.put(key, slice, frame, modality),
        }
    }

    /// Brings slices to a copy that the screen draws planes faster from, where there is to be one. True where it did: there
    /// may be more.
    pub fn copy_slices<'a>(
        &mut self,
        key: u64,
        planes: &[PlaneParams],
        frame: impl Fn(u32) -> Option<Cow<'a, StoredFrame>>,
        scratch: &mut Vec<u8>,
    ) -> bool {
        let Self::Gpu { gpu, .. } = self else {
            return false;
        };
        let mut is_copying = false;
        for slice in (gpu.missing_in_copy(key, planes).into_iter()).take(MOST_COPIED) {
            // One that was dropped from memory is not decoded again for it.
            let Some(frame) = frame(slice) else { break };
            frame.copy_into(scratch);
            gpu.write_to_copy(key, slice, scratch);
            is_copying = true;
        }
        is_copying
    }

    /// Slices were written: nothing but the screen keeps them any longer.
    pub fn flush_slices(&self) {
        if let Self::Gpu { gpu, .. } = self {
            gpu.flush_slices();
        }
    }

    /// A slice will not come.
    pub fn fail_slice(&mut self, key: u64, slice: u32) {
        match self {
            Self::Gpu { gpu, .. } => gpu.fail_slice(key, slice),
            Self::Cpu { cpu, .. } => cpu.volumes.fail(key, slice),
        }
    }

    /// Which slices of a volume are here; `None` before it was begun.
    pub fn presence(&self, key: u64) -> Option<&Presence> {
        match self {
            Self::Gpu { gpu, .. } => gpu.presence(key),
            Self::Cpu { cpu, .. } => cpu.volumes.volumes.get(&key).map(|volume| &volume.presence),
        }
    }

    /// How much of a plane is on the screen, beside what [`Screen::presence`] says of slices.
    pub fn plane_progress(&self, key: u64, params: &PlaneParams) -> PlaneProgress {
        match self {
            Self::Gpu { gpu, .. } => gpu.plane_progress(key, params).unwrap_or_default(),
            Self::Cpu { .. } => PlaneProgress::default(),
        }
    }

    /// Slices that planes need and that have not been brought, most needed first.
    pub fn missing_slices(&mut self, key: u64, planes: &[PlaneParams]) -> Vec<u32> {
        match self {
            Self::Gpu { gpu, .. } => gpu.missing_slices(key, planes),
            Self::Cpu { cpu, .. } => cpu.volumes.missing(key, planes),
        }
    }

    /// Drops all volumes but these.
    pub fn forget_volumes(&mut self, but: &[u64]) {
        match self {
            Self::Gpu { gpu, .. } => gpu.forget_volumes(but),
            Self::Cpu { cpu, .. } => cpu.volumes.forget(but),
        }
    }

    /// Bytes of volumes in memory, not on the graphics card.
    pub fn volume_bytes(&self) -> usize {
        match self {
            Self::Gpu { .. } => 0,
            Self::Cpu { cpu, .. } => cpu.volumes.bytes(),
        }
    }

    /// Modality values of a plane, as the backend itself makes them.
    pub fn plane_values(
        &mut self,
        key: u64,
        params: &PlaneParams,
    ) -> Later<Result<Vec<f32>, String>> {
        match self {
            Self::Gpu { gpu, .. } => gpu.plane_values(key, params),
            Self::Cpu { cpu, .. } => cpu.volumes.values(key, params),
        }
    }

    /// The pixels of a plane, RGBA in sRGB, drawn by the backend itself.
    pub fn read_back_plane(&mut self, shown: &ShownPlane) -> Later<Result<Vec<u8>, String>> {
        match self {
            Self::Gpu { gpu, .. } => gpu.read_back_plane(shown.volume, &shown.params),
            Self::Cpu { cpu, .. } => {
                let values = cpu.volumes.values(shown.volume, &shown.params);
                let params = shown.params.clone();
                Box::pin(async move {
                    let [width, height] = params.size.map(|side| side as usize);
                    let mut rgba = vec![0; width * height * 4];
                    PlanePainter::new(&params).paint(0, &values.await?, &mut rgba);
                    Ok(rgba)
                })
            }
        }
    }
}
