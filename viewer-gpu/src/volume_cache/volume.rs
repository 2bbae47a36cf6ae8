//! One volume on the GPU.

use super::awaited;
use super::bricks::{BrickPlan, Bricks, PlaneProgress};
use super::cells::Cells;
use super::layouts::{Layouts, VolumeShape};
use super::memory::Refusal;
use super::singles::{Singles, helps};
use super::slice_table::SliceTable;
use super::stored::{Line, Rescale, Stored, VoxelKind};
use crate::texture_cache::UploadError;
use std::cell::Cell;
use viewer_core::pixel::ModalityLut;
use viewer_core::volume::{BrickLayout, PlaneParams, Presence, SliceState, VolumeGrid};

/// Voxels, and what is known of them.
#[derive(Debug)]
pub struct Volume {
    /// Columns, rows and slices.
    pub size: [u32; 3],
    /// How samples are kept.
    pub stored: Stored,
    /// What is known of the slices' rescale.
    pub rescale: Rescale,
    /// Which slices came.
    pub presence: Presence,
    /// Whether its memory is there.
    pub refusal: Refusal,
    /// The drawing that showed it last.
    pub drawn_at: Cell<u64>,
    bind_group: wgpu::BindGroup,
    voxels: Voxels,
    singles: Mixed,
    table: SliceTable,
    cells: Cells,
    bytes: u64,
}

#[derive(Debug)]
enum Voxels {
    Whole(wgpu::Texture),
    InBricks(Box<Bricks>),
}

/// The copy that the graphics card mixes.
#[derive(Debug)]
enum Mixed {
    /// None so far.
    None,
    /// Here, whole or in part.
    Copy(Box<Singles>),
    /// There was no memory for it.
    Refused,
}

impl Volume {
    /// Bytes of all textures of a volume in one piece.
    pub fn whole_bytes(size: [u32; 3], stored: Stored, side: u32) -> u64 {
        let voxels = size.iter().map(|side| u64::from(*side));
        voxels
            .fold(u64::from(stored.voxel_bytes()), u64::saturating_mul)
            .saturating_add(SliceTable::bytes(size[2]))
            .saturating_add(Cells::bytes(size, side))
    }

    /// An empty volume that takes at most `room` bytes; 3-D textures have at most `side` texels a side.
    ///
    /// # Errors
    /// A volume for which there is no room.
    pub fn new(
        device: &wgpu::Device,
        layouts: &Layouts,
        size: [u32; 3],
        stored: Stored,
        (side, side_2d, room): (u32, u32, u64),
    ) -> Result<Self, UploadError> {
        let beside = SliceTable::bytes(size[2]) + Cells::bytes(size, side);
        let no_room = UploadError::NoRoom { size };
        let Some(room) = room.checked_sub(beside) else {
            return Err(no_room);
        };
        let voxel_bytes = stored.voxel_bytes();
        let layout = BrickLayout::within(size, side, room, voxel_bytes);
        let bytes = Self::whole_bytes(size, stored, side);
        let is_whole = layout.count() == 1 && bytes - beside <= room;
        let (voxels, bytes) = if is_whole {
            let voxels = texture(device, size, stored.format());
            (Voxels::Whole(voxels), bytes)
        } else {
            // Bricks come and go: what is on its way to the graphics card takes memory there, too.
            let room = room - room / 8;
            let plan = BrickPlan::new(layout, voxel_bytes, (side, side_2d, room));
            let plan = plan.ok_or(no_room)?;
            let bricks = Bricks::new(device, &plan, stored);
            (Voxels::InBricks(Box::new(bricks)), plan.bytes() + beside)
        };
        let table = SliceTable::new(device, size[2]);
        let cells = Cells::new(device, size, side);
        let views = match &voxels {
            Voxels::Whole(texture) => {
                let view = texture.create_view(&Default::default());
                vec![view, table.view(), cells.view()]
            }
            Voxels::InBricks(bricks) => {
                let [atlas, places, coarse] = bricks.views();
                vec![atlas, table.view(), cells.view(), places, coarse]
            }
        };
        Ok(Self {
            size,
            stored,
            rescale: Rescale::Unknown,
            presence: Presence::new(size[2] as usize),
            refusal: Refusal::Granted,
            drawn_at: Cell::new(0),
            bind_group: layouts.group(device, is_whole, &views),
            voxels,
            singles: Mixed::None,
            table,
            cells,
            bytes,
        })
    }

    /// Bytes of all textures but the copy that is mixed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of the copy that is mixed.
    pub fn copy_bytes(&self) -> u64 {
        match self.singles {
            Mixed::Copy(_) => Singles::bytes_of(self.size),
            Mixed::None | Mixed::Refused => 0,
        }
    }

    /// Slices that a copy for the graphics card to mix lacks, where there is to be one. It is begun where `room` bytes are
    /// enough for it.
    pub fn missing_in_copy(
        &mut self,
        device: &wgpu::Device,
        layouts: &Layouts,
        planes: &[PlaneParams],
        room: u64,
    ) -> Vec<u32> {
        if !self.can_be_mixed() || !planes.iter().any(helps) {
            return Vec::new();
        }
        if let Mixed::Copy(singles) = &mut self.singles
            && singles.is_refused()
        {
            singles.destroy();
            self.singles = Mixed::Refused;
        }
        if matches!(self.singles, Mixed::None) && Singles::bytes_of(self.size) <= room {
            let views = [self.table.view(), self.cells.view()];
            let made = Singles::new(device, layouts, self.size, views);
            self.singles = made.map_or(Mixed::Refused, |made| Mixed::Copy(Box::new(made)));
        }
        match &self.singles {
            Mixed::Copy(singles) => singles.missing(),
            Mixed::None | Mixed::Refused => Vec::new(),
        }
    }

    /// Writes a slice that it takes to the copy.
    pub fn write_to_copy(&mut self, queue: &wgpu::Queue, z: u32, samples: &[u8]) {
        if let Mixed::Copy(singles) = &mut self.singles {
            singles.write(queue, z, self.stored, samples);
        }
    }

    /// Gives the memory of the copy back.
    pub fn drop_copy(&mut self) {
        if let Mixed::Copy(singles) = &self.singles {
            singles.destroy();
            self.singles = Mixed::None;
        }
    }

    /// True where the graphics card could mix all voxels: whole numbers of one rescale, in one piece, all of them here.
    fn can_be_mixed(&self) -> bool {
        self.stored.kind() == VoxelKind::Narrow
            && matches!(self.voxels, Voxels::Whole(_))
            && matches!(self.rescale, Rescale::Common(_))
            && self.presence.is_complete()
    }

    /// Smallest and largest voxel where the graphics card can mix them; `None` where it cannot.
    pub fn mixed_range(&self) -> Option<[f32; 2]> {
        match &self.singles {
            Mixed::Copy(singles) if self.can_be_mixed() && singles.is_complete() => {
                Some(self.cells.all())
            }
            _ => None,
        }
    }

    /// Group 1 of `shaders/mpr.wgsl` for voxels that are found there.
    pub fn bind_group(&self, shape: VolumeShape) -> &wgpu::BindGroup {
        match (&self.singles, shape) {
            (Mixed::Copy(singles), VolumeShape::Mixed) => &singles.bind_group,
            _ => &self.bind_group,
        }
    }

    /// Where the shader finds voxels that it mixes itself.
    pub fn shape(&self) -> VolumeShape {
        match &self.voxels {
            Voxels::InBricks(_) => VolumeShape::Bricked,
            Voxels::Whole(_) => VolumeShape::Whole,
        }
    }

    /// True where the volume has such a slice.
    pub fn takes(&self, z: u32, samples: &[u8]) -> bool {
        let [columns, rows, slices] = self.size;
        let pixels = columns as usize * rows as usize;
        z < slices && samples.len() == pixels * self.stored.sample_type.size_bytes()
    }

    /// Writes a slice that it takes.
    pub fn write(&mut self, queue: &wgpu::Queue, z: u32, samples: &[u8], modality: &ModalityLut) {
        self.drop_copy();
        let voxels = self.stored.voxels(samples, modality);
        let line = match Line::of(modality) {
            Some(line) if !self.stored.is_converted => line,
            _ => Line::IDENTITY,
        };
        self.note_line(z, line);
        let own = (self.rescale == Rescale::Each).then_some(line);
        let is_new = self.presence.set(z as usize, SliceState::Here);
        // Bricks of slices that came before are brought again: their extremes are known.
        if is_new {
            self.cells.add(z, self.stored, &voxels, own);
        }
        match &mut self.voxels {
            Voxels::Whole(texture) => {
                write_slice(queue, texture, z, &voxels, self.stored.voxel_bytes());
            }
            Voxels::InBricks(bricks) => {
                bricks.write(queue, z, &voxels, self.stored.voxel_bytes());
                if is_new {
                    bricks.add_coarse(z, (self.stored, samples), modality);
                }
            }
        }
        if is_new {
            self.table.touch();
        }
    }

    /// Notes a slice's line; once two differ, modality values are mixed.
    fn note_line(&mut self, z: u32, line: Line) {
        match self.rescale {
            Rescale::Unknown => self.rescale = Rescale::Common(line),
            Rescale::Common(common) if common != line => {
                self.cells.turn(common);
                self.rescale = Rescale::Each;
            }
            _ => {}
        }
        self.table.set_line(z, line);
    }

    /// Notes that a slice will never come.
    pub fn fail(&mut self, z: u32) {
        if self.presence.set(z as usize, SliceState::Failed) {
            self.table.touch();
            if let Voxels::InBricks(bricks) = &self.voxels {
                bricks.touch();
            }
        }
    }

    /// Slices that planes need and that are not here, the most needed first.
    pub fn missing(&mut self, planes: &[PlaneParams]) -> Vec<u32> {
        let first = planes.first().map_or(0, |params| {
            let middle = params.grid.voxel_from_patient(params.plane.center).z;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast from float stops at the ends of the range"
            )]
            let slice = middle.round() as usize;
            slice.min(self.presence.count().saturating_sub(1))
        });
        let mut missing = awaited(&self.presence, first);
        if let Voxels::InBricks(bricks) = &mut self.voxels {
            // Those that never came go first: the coarse level wants them too.
            let needed = bricks.missing(planes, &self.presence).into_iter();
            let came = needed.filter(|z| self.presence.of(*z as usize) == SliceState::Here);
            missing.extend(came);
        }
        missing
    }

    /// How much of a plane is here.
    pub fn progress(&self, params: &PlaneParams) -> PlaneProgress {
        match &self.voxels {
            Voxels::Whole(_) => PlaneProgress::default(),
            Voxels::InBricks(bricks) => bricks.progress(params, &self.presence),
        }
    }

    /// Base 2 logarithm of the steps of a cell of extremes, where they can be relied on.
    pub fn cell_shift(&self) -> Option<u32> {
        let is_known = self.presence.is_complete() && self.stored.kind() != VoxelKind::Wide;
        is_known.then(|| self.cells.shift())
    }

    /// Brings all tables up to date that a drawing needs.
    pub fn sync(&self, queue: &wgpu::Queue, grid: &VolumeGrid, needs_cells: bool) {
        let is_uneven = grid.even_step_mm().is_none();
        let positions = is_uneven.then(|| grid.slice_positions_mm());
        self.table.sync(queue, &self.presence, positions);
        if needs_cells {
            self.cells.sync(queue);
        }
        if let Voxels::InBricks(bricks) = &self.voxels {
            bricks.sync(queue, &self.presence);
        }
    }

    /// Steps from voxel to voxel along a side of a brick; `None` for a volume in one piece.
    pub fn brick_steps(&self) -> Option<u32> {
        match &self.voxels {
            Voxels::Whole(_) => None,
            Voxels::InBricks(bricks) => Some(bricks.steps()),
        }
    }

    /// Base 2 logarithms of the coarse level's factors.
    pub fn coarse_shifts(&self) -> [u32; 3] {
        match &self.voxels {
            Voxels::Whole(_) => [0; 3],
            Voxels::InBricks(bricks) => bricks.coarse_shifts(),
        }
    }

    /// Gives its memory back now, not when the browser collects its garbage.
    pub fn destroy(self) {
        if let Mixed::Copy(singles) = &self.singles {
            singles.destroy();
        }
        match self.voxels {
            Voxels::Whole(texture) => texture.destroy(),
            Voxels::InBricks(bricks) => bricks.destroy(),
        }
    }
}

/// A 3-D texture of voxels.
pub fn texture(
    device: &wgpu::Device,
    size: [u32; 3],
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some("voxels"),
        size: wgpu::Extent3d {
            width: size[0],
            height: size[1],
            depth_or_array_layers: size[2],
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D3,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

/// Writes all voxels of a slice.
pub fn write_slice(
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
    z: u32,
    voxels: &[u8],
    voxel_bytes: u32,
) {
    let wgpu::Extent3d { width, height, .. } = texture.size();
    queue.write_texture(
        wgpu::TexelCopyTextureInfo {
            origin: wgpu::Origin3d { x: 0, y: 0, z },
            ..texture.as_image_copy()
        },
        voxels,
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(width * voxel_bytes),
            rows_per_image: Some(height),
        },
        wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        },
    );
}
