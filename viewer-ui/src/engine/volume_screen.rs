//! The volumes of a screen: on the graphics card, or in memory where the processor draws.

use super::StoredFrame;
use super::screen::{Later, Screen, ShownPlane};
use std::collections::HashMap;
use std::sync::Arc;
use viewer_core::pixel::{Frame, ModalityLut, SampleType};
use viewer_core::volume::{PlaneParams, Presence, Sampler, Slice, SliceState, Slices, render};
use viewer_gpu::PlaneProgress;

/// A volume that the processor draws.
#[derive(Debug)]
struct CpuVolume {
    slices: Slices,
    presence: Presence,
}

/// All volumes that the processor draws, by their keys.
#[derive(Debug, Default)]
pub struct CpuVolumes {
    volumes: HashMap<u64, CpuVolume>,
}

impl CpuVolumes {
    /// Draws a plane: RGBA, rows from the top. Without the volume it is black.
    pub fn draw(&self, shown: &ShownPlane, rgba: &mut [u8]) {
        let drawn = self.volumes.get(&shown.volume).is_some_and(|volume| {
            render::render(&volume.slices, &volume.presence, &shown.params, rgba).is_ok()
        });
        if !drawn {
            rgba.as_chunks_mut::<4>().0.fill([0, 0, 0, 255]);
        }
    }

    fn values(&self, key: u64, params: &PlaneParams) -> Result<Vec<f32>, String> {
        let volume = self.volumes.get(&key).ok_or("the volume is not here")?;
        let sampler = Sampler::of(params, &volume.slices, &volume.presence);
        let sampler = sampler.map_err(|error| error.to_string())?;
        let [width, height] = params.size;
        let mut values = vec![f32::NAN; width as usize * height as usize];
        sampler.rows(0..height, &mut values);
        Ok(values)
    }

    fn bytes(&self) -> usize {
        let volumes = self.volumes.values();
        volumes.map(|volume| volume.slices.bytes()).sum()
    }
}

impl Screen {
    /// Makes room for a volume of `size` columns, rows and slices.
    pub fn begin_volume(
        &mut self,
        key: u64,
        size: [u32; 3],
        sample_type: SampleType,
    ) -> Result<(), String> {
        match self {
            Self::Gpu { gpu, .. } => gpu.begin_volume(key, size, sample_type),
            Self::Cpu { cpu, .. } => {
                let [columns, rows, count] = size;
                let volume = CpuVolume {
                    slices: Slices::new(columns, rows, count as usize),
                    presence: Presence::new(count as usize),
                };
                cpu.volumes.volumes.insert(key, volume);
                Ok(())
            }
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
            Self::Cpu { cpu, .. } => {
                let volume = cpu.volumes.volumes.get_mut(&key);
                let volume = volume.ok_or("the volume is not here")?;
                let frame = Frame {
                    rows: frame.rows,
                    columns: frame.columns,
                    samples_per_pixel: frame.samples_per_pixel,
                    sample_type: frame.sample_type,
                    bits_stored: frame.bits_stored,
                    photometric: frame.photometric,
                    data: frame.samples.to_vec(),
                };
                let made = Slice::new(frame, modality.clone());
                let made = made.map_err(|error| error.to_string())?;
                let put = volume.slices.put(slice as usize, Arc::new(made));
                put.map_err(|error| error.to_string())?;
                volume.presence.set(slice as usize, SliceState::Here);
                Ok(())
            }
        }
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
            Self::Cpu { cpu, .. } => {
                if let Some(volume) = cpu.volumes.volumes.get_mut(&key) {
                    volume.presence.set(slice as usize, SliceState::Failed);
                }
            }
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
            Self::Cpu { cpu, .. } => {
                let Some(volume) = cpu.volumes.volumes.get(&key) else {
                    return Vec::new();
                };
                let count = u32::try_from(volume.presence.count()).unwrap_or(u32::MAX);
                let is_missing =
                    |slice: &u32| volume.presence.of(*slice as usize) != SliceState::Here;
                (0..count).filter(is_missing).collect()
            }
        }
    }

    /// Drops all volumes but these.
    pub fn forget_volumes(&mut self, but: &[u64]) {
        match self {
            Self::Gpu { gpu, .. } => gpu.forget_volumes(but),
            Self::Cpu { cpu, .. } => cpu.volumes.volumes.retain(|key, _| but.contains(key)),
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
            Self::Cpu { cpu, .. } => {
                let values = cpu.volumes.values(key, params);
                Box::pin(std::future::ready(values))
            }
        }
    }

    /// The pixels of a plane, RGBA in sRGB, drawn by the backend itself.
    pub fn read_back_plane(&mut self, shown: &ShownPlane) -> Later<Result<Vec<u8>, String>> {
        match self {
            Self::Gpu { gpu, .. } => gpu.read_back_plane(shown.volume, &shown.params),
            Self::Cpu { cpu, .. } => {
                let [width, height] = shown.params.size.map(|side| side as usize);
                let mut rgba = vec![0; width * height * 4];
                cpu.volumes.draw(shown, &mut rgba);
                Box::pin(std::future::ready(Ok(rgba)))
            }
        }
    }
}
