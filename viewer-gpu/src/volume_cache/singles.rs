//! A second copy of a volume's voxels, as singles that the graphics card mixes.
//!
//! It is made of a volume in one piece once all slices are here, and only while there is room for it: without it the shader
//! mixes the voxels itself. See [`crate::filter`] for where it may stand for them.

use super::layouts::Layouts;
use super::memory::{Refusal, watched};
use super::stored::{Stored, as_singles};
use super::volume::{texture, write_slice};
use viewer_core::geometry::Slab;
use viewer_core::volume::PlaneParams;

/// Bytes of a single.
const BYTES: u32 = 4;

/// Parts of a voxel that a plane may lean between one side of the canvas and the other and still lie along slices.
const LEANING: f64 = 1e-3;

/// The copy.
#[derive(Debug)]
pub struct Singles {
    /// Group 1 of `shaders/mpr.wgsl` with `voxels_filtered.wgsl`.
    pub bind_group: wgpu::BindGroup,
    texture: wgpu::Texture,
    refusal: Refusal,
    is_written: Vec<bool>,
}

impl Singles {
    /// Bytes of the copy of a volume.
    pub fn bytes_of(size: [u32; 3]) -> u64 {
        let sides = size.iter().map(|side| u64::from(*side));
        sides.fold(u64::from(BYTES), u64::saturating_mul)
    }

    /// An empty copy; `views` are those of the tables. `None` where nothing can be mixed.
    pub fn new(
        device: &wgpu::Device,
        layouts: &Layouts,
        size: [u32; 3],
        views: [wgpu::TextureView; 2],
    ) -> Option<Self> {
        let (made, refusal) = watched(device, || {
            let texture = texture(device, size, wgpu::TextureFormat::R32Float);
            let [table, cells] = views;
            let views = [texture.create_view(&Default::default()), table, cells];
            let group = layouts.mixed_group(device, &views)?;
            Some((texture, group))
        });
        let (texture, bind_group) = made?;
        Some(Self {
            bind_group,
            texture,
            refusal,
            is_written: vec![false; size[2] as usize],
        })
    }

    /// True where the graphics card did not give the memory.
    pub fn is_refused(&mut self) -> bool {
        *self.refusal.look() == Refusal::Refused
    }

    /// True once it can stand for the voxels.
    pub fn is_complete(&self) -> bool {
        self.refusal == Refusal::Granted && self.is_written.iter().all(|is_written| *is_written)
    }

    /// Slices that are not in it.
    pub fn missing(&self) -> Vec<u32> {
        let written = (0..).zip(&self.is_written);
        written
            .filter(|(_, is_written)| !**is_written)
            .map(|(z, _)| z)
            .collect()
    }

    /// Writes the voxels of a slice.
    pub fn write(&mut self, queue: &wgpu::Queue, z: u32, stored: Stored, voxels: &[u8]) {
        let singles = as_singles(voxels, stored.sample_type);
        write_slice(queue, &self.texture, z, &singles, BYTES);
        if let Some(is_written) = self.is_written.get_mut(z as usize) {
            *is_written = true;
        }
    }

    /// Gives the memory back at once.
    pub fn destroy(&self) {
        self.texture.destroy();
    }
}

/// True for planes that take many loads: those across the slices, and slabs.
pub fn helps(params: &PlaneParams) -> bool {
    let step_mm = params.grid.default_slab_step_mm();
    let is_thick =
        |slab: &Slab| matches!(slab.planes_beside(step_mm), Ok((beside, _)) if beside > 0);
    if params.plane.slab.as_ref().is_some_and(is_thick) {
        return true;
    }
    let grid_from_patient = params.grid.grid_from_patient();
    let [width, height] = params.size.map(f64::from);
    let leans = |mm| {
        let along = grid_from_patient.transform_vector3(mm).abs();
        let most = along.max_element();
        along.x + along.y + along.z - most > LEANING
    };
    leans(params.plane.row * params.plane.pixel_mm * width)
        || leans(params.plane.column * params.plane.pixel_mm * height)
}
