//! Volumes on the GPU, within a budget of bytes.
//!
//! Slices come one by one, in any order, each with its own rescale; a volume never lies in memory as a whole. The texture
//! holds the stored bits as they are: `R8Uint`, `R16Uint` or `R32Uint` (also the bits of singles). Doubles are narrowed to
//! singles; where slices have modality tables the voxels are modality values. A volume beyond the limits of textures or of the
//! budget is cut into bricks, of which those that the shown planes need are here; elsewhere a coarse level is shown.

mod bricks;
mod cells;
mod layouts;
mod memory;
mod singles;
mod slice_table;
mod stored;
mod volume;

use crate::Context;
use crate::texture_cache::UploadError;
use std::cell::Cell;
use std::collections::HashMap;
use viewer_core::pixel::{ModalityLut, SampleType};
use viewer_core::volume::{PlaneParams, Presence, SliceState, presence};

pub use bricks::PlaneProgress;
pub(crate) use layouts::{VolumeShape, volume_layout};
pub(crate) use stored::{Rescale, VoxelKind};
pub(crate) use volume::Volume;

use layouts::Layouts;
use memory::Refusal;
use stored::{Line, Stored};

/// Volumes on the GPU, by the host's keys.
#[derive(Debug)]
pub struct VolumeCache {
    device: wgpu::Device,
    queue: wgpu::Queue,
    layouts: Layouts,
    side: u32,
    budget_bytes: u64,
    volumes: HashMap<u64, Volume>,
    /// Counts drawings: what the last one showed makes no room for others.
    drawings: Cell<u64>,
}

impl VolumeCache {
    /// An empty cache. The budget is never exceeded.
    pub fn new(context: &Context, budget_bytes: u64) -> Self {
        Self {
            device: context.device.clone(),
            queue: context.queue.clone(),
            layouts: Layouts::new(&context.device, context.could_mix()),
            side: context.max_side_3d(),
            budget_bytes,
            volumes: HashMap::new(),
            drawings: Cell::new(0),
        }
    }

    /// The same cache with 3-D textures of at most `side_3d` texels a side, as if on a graphics card that has no larger
    /// ones. For tests.
    #[must_use]
    pub fn with_limits(mut self, side_3d: u32) -> Self {
        self.side = side_3d.clamp(2, self.side);
        self
    }

    /// Makes room for a volume of `size` columns, rows and slices whose samples have one type; one that had this key is
    /// replaced. Volumes that the last drawing did not show go for it where they must, those drawn longest ago first.
    ///
    /// # Errors
    /// A volume without voxels, one for which there is not even room in parts, or a lost device.
    pub fn begin(
        &mut self,
        context: &Context,
        key: u64,
        size: [u32; 3],
        sample_type: SampleType,
    ) -> Result<(), UploadError> {
        let stored = Stored {
            sample_type,
            is_converted: false,
        };
        self.evict(key);
        let presence = Presence::new(size[2] as usize);
        self.start(context, key, (size, stored), presence, u64::MAX)
    }

    /// Makes an empty volume that takes at most `most_bytes`.
    fn start(
        &mut self,
        context: &Context,
        key: u64,
        (size, stored): ([u32; 3], Stored),
        presence: Presence,
        most_bytes: u64,
    ) -> Result<(), UploadError> {
        if context.lost() {
            return Err(UploadError::Lost);
        }
        if size.contains(&0) {
            return Err(UploadError::NotDrawable);
        }
        self.make_room(Volume::whole_bytes(size, stored, self.side));
        let free = self.budget_bytes.saturating_sub(self.held_bytes());
        let mut room = free.min(most_bytes);
        loop {
            let limits = (self.side, context.max_side(), room);
            let (made, refusal) = memory::watched(&self.device, || {
                Volume::new(&self.device, &self.layouts, size, stored, limits)
            });
            let mut volume = made?;
            match refusal {
                Refusal::Refused => room = volume.bytes() / 2,
                refusal => {
                    volume.refusal = refusal;
                    volume.presence = presence;
                    self.volumes.insert(key, volume);
                    return Ok(());
                }
            }
        }
    }

    /// Writes one slice: samples as stored, rows from the top, little endian, and what its own data set says of their
    /// values. A slice that came before is brought again, with the same samples: what is known of them stays.
    ///
    /// # Errors
    /// No such volume or slice, samples of another length, a modality table in a volume whose other slices have none, memory
    /// that the graphics card refuses, or a lost device.
    pub fn write_slice(
        &mut self,
        context: &Context,
        key: u64,
        z: u32,
        samples: &[u8],
        modality: &ModalityLut,
    ) -> Result<(), UploadError> {
        if context.lost() {
            return Err(UploadError::Lost);
        }
        self.settle(context, key)?;
        let volume = self.volumes.get(&key).ok_or(UploadError::NoVolume)?;
        if !volume.takes(z, samples) {
            return Err(UploadError::NotDrawable);
        }
        if Line::of(modality).is_none() && !volume.stored.is_converted {
            if volume.rescale != Rescale::Unknown {
                return Err(UploadError::ModalityTable);
            }
            let stored = Stored {
                is_converted: true,
                ..volume.stored
            };
            let (size, presence) = (volume.size, volume.presence.clone());
            self.evict(key);
            self.start(context, key, (size, stored), presence, u64::MAX)?;
        }
        let volume = self.volumes.get_mut(&key).ok_or(UploadError::NoVolume)?;
        volume.write(&self.queue, z, samples, modality);
        Ok(())
    }

    /// Slices that a copy for the graphics card to mix lacks: one sample of it stands for eight loads, which helps planes
    /// across the slices and slabs. There is one only where the card has proved that it mixes exactly
    /// ([`Context::learn_mixing`]), once all slices are here, and while the budget has room for it.
    pub fn missing_in_copy(
        &mut self,
        context: &Context,
        key: u64,
        planes: &[PlaneParams],
    ) -> Vec<u32> {
        if context.mixes_singles() != Some(true) || context.lost() {
            return Vec::new();
        }
        let room = self.budget_bytes.saturating_sub(self.held_bytes());
        let volume = self.volumes.get_mut(&key);
        volume.map_or_else(Vec::new, |volume| {
            volume.missing_in_copy(&self.device, &self.layouts, planes, room)
        })
    }

    /// Writes a slice to that copy, as [`VolumeCache::write_slice`] takes it.
    pub fn write_to_copy(&mut self, key: u64, z: u32, samples: &[u8]) {
        let volume = self.volumes.get_mut(&key);
        if let Some(volume) = volume.filter(|volume| volume.takes(z, samples)) {
            volume.write_to_copy(&self.queue, z, samples);
        }
    }

    /// Hands written slices over to the graphics card: until then wgpu keeps copies of them.
    pub fn flush(&self) {
        self.queue.submit(None);
    }

    /// This slice will never come.
    pub fn fail_slice(&mut self, key: u64, z: u32) {
        if let Some(volume) = self.volumes.get_mut(&key) {
            volume.fail(z);
        }
    }

    /// Which slices of a volume came.
    pub fn presence(&self, key: u64) -> Option<&Presence> {
        Some(&self.volumes.get(&key)?.presence)
    }

    /// Slices, the most needed first, that planes need and that are not on the GPU.
    pub fn missing(&mut self, key: u64, planes: &[PlaneParams]) -> Vec<u32> {
        let Some(volume) = self.volumes.get_mut(&key) else {
            return Vec::new();
        };
        volume.missing(planes)
    }

    /// How much of a plane is on the GPU, beside what [`VolumeCache::presence`] says of slices. A volume in one piece has no
    /// bricks.
    pub fn progress(&self, key: u64, params: &PlaneParams) -> Option<PlaneProgress> {
        Some(self.volumes.get(&key)?.progress(params))
    }

    /// True where a volume is on the GPU, all of it or in parts.
    pub fn contains(&self, key: u64) -> bool {
        self.volumes.contains_key(&key)
    }

    /// Drops one volume.
    pub fn evict(&mut self, key: u64) {
        if let Some(volume) = self.volumes.remove(&key) {
            volume.destroy();
        }
    }

    /// Drops all volumes.
    pub fn evict_all(&mut self) {
        self.volumes
            .drain()
            .for_each(|(_, volume)| volume.destroy());
    }

    /// Bytes of all textures.
    pub fn bytes(&self) -> usize {
        usize::try_from(self.held_bytes()).unwrap_or(usize::MAX)
    }

    /// A volume that is drawn.
    pub(crate) fn get(&self, key: u64) -> Option<&Volume> {
        let volume = self.volumes.get(&key)?;
        volume.drawn_at.set(self.drawings.get());
        Some(volume)
    }

    /// Says that a drawing begins.
    pub(crate) fn begin_drawing(&self) {
        self.drawings.set(self.drawings.get() + 1);
    }

    fn held_bytes(&self) -> u64 {
        let volumes = self.volumes.values();
        volumes
            .map(|volume| volume.bytes() + volume.copy_bytes())
            .sum()
    }

    fn make_room(&mut self, bytes: u64) {
        if self.held_bytes().saturating_add(bytes) > self.budget_bytes {
            self.volumes.values_mut().for_each(Volume::drop_copy);
        }
        while self.held_bytes().saturating_add(bytes) > self.budget_bytes {
            let others = self.volumes.iter();
            let oldest = others
                .map(|(key, volume)| (volume.drawn_at.get(), *key))
                .filter(|(drawn_at, _)| *drawn_at < self.drawings.get())
                .min();
            match oldest {
                Some((_, key)) => self.evict(key),
                None => return,
            }
        }
    }

    /// Looks whether the graphics card has refused a volume's memory, which some say late: then it starts anew with half of
    /// it, empty but for the slices that will never come.
    fn settle(&mut self, context: &Context, key: u64) -> Result<(), UploadError> {
        let volume = self.volumes.get_mut(&key).ok_or(UploadError::NoVolume)?;
        if *volume.refusal.look() != Refusal::Refused {
            return Ok(());
        }
        let (size, stored, most_bytes) = (volume.size, volume.stored, volume.bytes() / 2);
        let mut presence = Presence::new(size[2] as usize);
        for slice in 0..presence.count() {
            if volume.presence.of(slice) == SliceState::Failed {
                presence.set(slice, SliceState::Failed);
            }
        }
        self.evict(key);
        self.start(context, key, (size, stored), presence, most_bytes)
    }
}

/// Slices that have not come, in the order of [`presence::spread`].
fn awaited(presence: &Presence, first: usize) -> Vec<u32> {
    let order = presence::spread(presence.count(), first).into_iter();
    order
        .filter(|slice| presence.of(*slice) == SliceState::Awaited)
        .filter_map(|slice| u32::try_from(slice).ok())
        .collect()
}
