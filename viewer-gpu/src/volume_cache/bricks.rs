//! A volume in bricks, those that planes need on the GPU, and a coarse level of all of it.
//!
//! Bricks lie in an atlas: a 2-D array, as 3-D textures of some graphics cards hold only 64 of them. A brick counts once all of
//! its slices came since it got its place; until then, and where there is no place, the coarse level is shown.

use super::stored::Stored;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use viewer_core::geometry::ViewPlane;
use viewer_core::pixel::{Frame, ModalityLut, Photometric};
use viewer_core::volume::{
    BrickLayout, CoarseLevel, PageTable, PlaneParams, Presence, Slice, SliceState, VolumeGrid,
    bricks_of_plane,
};

/// Most voxels of the coarse level: 8 MB.
const COARSE_VOXELS: u64 = 1 << 21;

/// Fewer bricks show nothing of use.
const FEWEST_SLOTS: u64 = 8;

/// Most layers of an array, which every adapter grants.
const MOST_LAYERS: u32 = 256;

const TABLE_TEXEL_BYTES: u32 = 16;
const COARSE_TEXEL_BYTES: u32 = 4;

/// How the atlas is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Atlas {
    /// Texels of a slot: columns, rows and layers.
    slot: [u32; 3],
    /// Slots along columns, rows and layers.
    counts: [u32; 3],
}

impl Atlas {
    /// The most slots that take at most `room` bytes.
    fn within(slot: [u32; 3], wanted: u64, side: u32, room: u64, voxel_bytes: u32) -> Option<Self> {
        let texels: u64 = slot.iter().map(|edge| u64::from(*edge)).product();
        let mut slots = wanted.min(room / (texels * u64::from(voxel_bytes)));
        while slots >= FEWEST_SLOTS.min(wanted) {
            let few = u32::try_from(slots).unwrap_or(u32::MAX);
            let across = few.min(side / slot[0]).max(1);
            let down = (few / across).min(side / slot[1]).max(1);
            let deep = (few / across / down).min(MOST_LAYERS / slot[2]).max(1);
            let atlas = Self {
                slot,
                counts: [across, down, deep],
            };
            if atlas.texels() * u64::from(voxel_bytes) <= room {
                return Some(atlas);
            }
            slots -= 1;
        }
        None
    }

    fn slots(&self) -> u32 {
        self.counts.iter().product()
    }

    /// Texels of the atlas. By WebGL2 wgpu takes an array of one layer for no array, and one of square layers for a cube
    /// where six divides their number: there is one more then, which stays empty.
    fn size(&self) -> [u32; 3] {
        let [width, height, layers] = [0, 1, 2].map(|axis| self.slot[axis] * self.counts[axis]);
        let is_mistaken = layers == 1 || (width == height && layers.is_multiple_of(6));
        [width, height, layers + u32::from(is_mistaken)]
    }

    fn texels(&self) -> u64 {
        self.size().iter().map(|edge| u64::from(*edge)).product()
    }

    /// First texel of a slot.
    fn origin(&self, slot: u32) -> [u32; 3] {
        let [across, down, _] = self.counts;
        let place = [slot % across, slot / across % down, slot / across / down];
        [0, 1, 2].map(|axis| place[axis] * self.slot[axis])
    }
}

/// What the textures of a volume in bricks are.
#[derive(Debug)]
pub struct BrickPlan {
    layout: BrickLayout,
    atlas: Atlas,
    coarse: [u32; 3],
    most_coarse: u64,
    voxel_bytes: u32,
}

impl BrickPlan {
    /// The most bricks that fit into `room` bytes beside the coarse level; `None` where there are too few.
    pub fn new(
        layout: BrickLayout,
        voxel_bytes: u32,
        (side_3d, side_2d, room): (u32, u32, u64),
    ) -> Option<Self> {
        let table = layout.count() as u64 * u64::from(TABLE_TEXEL_BYTES);
        if layout.counts().iter().any(|count| *count > side_3d) {
            return None;
        }
        let mut most_coarse = COARSE_VOXELS;
        let coarse = loop {
            let size = coarse_size(layout.size(), most_coarse);
            let is_small = coarse_bytes(size) <= room / 4;
            if is_small && size.iter().all(|edge| *edge <= side_3d) {
                break size;
            }
            most_coarse /= 2;
            if most_coarse == 0 {
                return None;
            }
        };
        let room = room.checked_sub(table + coarse_bytes(coarse))?;
        let wanted = layout.count() as u64;
        let atlas = Atlas::within(layout.largest(), wanted, side_2d, room, voxel_bytes)?;
        Some(Self {
            layout,
            atlas,
            coarse,
            most_coarse,
            voxel_bytes,
        })
    }

    /// Bytes of all its textures.
    pub fn bytes(&self) -> u64 {
        self.atlas.texels() * u64::from(self.voxel_bytes)
            + self.layout.count() as u64 * u64::from(TABLE_TEXEL_BYTES)
            + coarse_bytes(self.coarse)
    }
}

/// The size that [`CoarseLevel`] has, without its memory: the longest sides are halved first.
fn coarse_size(volume: [u32; 3], most_voxels: u64) -> [u32; 3] {
    let mut shifts = [0_u32; 3];
    loop {
        let size = [0, 1, 2].map(|axis| volume[axis].div_ceil(1 << shifts[axis]));
        let voxels: u64 = size.iter().map(|edge| u64::from(*edge)).product();
        let longest = (0..3).max_by_key(|axis| size[*axis]).unwrap_or(0);
        if voxels <= most_voxels || shifts[longest] >= 16 {
            return size;
        }
        shifts[longest] += 1;
    }
}

fn coarse_bytes(size: [u32; 3]) -> u64 {
    let voxels = size.iter().map(|edge| u64::from(*edge));
    voxels.fold(u64::from(COARSE_TEXEL_BYTES), u64::saturating_mul)
}

/// Bricks on the GPU.
#[derive(Debug)]
pub struct Bricks {
    layout: BrickLayout,
    atlas: Atlas,
    pages: PageTable,
    /// Of each slot: which slices of its brick came, from the lowest bit on.
    came: Vec<u64>,
    coarse: CoarseLevel,
    voxels: wgpu::Texture,
    table: wgpu::Texture,
    coarse_texture: wgpu::Texture,
    /// Layers of the coarse level that have changed since they were written.
    coarse_behind: RefCell<BTreeSet<u32>>,
    is_behind: Cell<bool>,
    /// What the planes that were last asked for need.
    needs: Vec<Need>,
}

/// The bricks that a plane touches, those in its middle first.
#[derive(Debug, Clone)]
struct Need {
    grid: Arc<VolumeGrid>,
    plane: ViewPlane,
    size: [u32; 2],
    bricks: Rc<[usize]>,
}

impl Need {
    fn is_of(&self, params: &PlaneParams) -> bool {
        Arc::ptr_eq(&self.grid, &params.grid)
            && self.plane == params.plane
            && self.size == params.size
    }
}

/// How much of a plane is on the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlaneProgress {
    /// Bricks that it touches.
    pub bricks: usize,
    /// Those of which all that will come is here.
    pub here: usize,
    /// Those for which there is no room: the coarse level is shown in their place.
    pub left_out: usize,
}

impl PlaneProgress {
    /// Nothing more will come without another plane.
    pub fn is_settled(&self) -> bool {
        self.here + self.left_out == self.bricks
    }
}

impl Bricks {
    /// No brick is here, and nothing of the coarse level is known.
    pub fn new(device: &wgpu::Device, plan: &BrickPlan, stored: Stored) -> Self {
        let BrickPlan { layout, atlas, .. } = *plan;
        let coarse = CoarseLevel::new(layout.size(), plan.most_coarse);
        let coarse_format = wgpu::TextureFormat::R32Uint;
        let three = wgpu::TextureDimension::D3;
        Self {
            layout,
            atlas,
            pages: PageTable::new(layout.count(), atlas.slots()),
            came: vec![0; atlas.slots() as usize],
            voxels: texture(
                device,
                atlas.size(),
                wgpu::TextureDimension::D2,
                stored.format(),
            ),
            table: texture(
                device,
                layout.counts(),
                three,
                wgpu::TextureFormat::Rgba32Uint,
            ),
            coarse_texture: texture(device, coarse.size(), three, coarse_format),
            coarse_behind: RefCell::new((0..coarse.size()[2]).collect()),
            coarse,
            is_behind: Cell::new(true),
            needs: Vec::new(),
        }
    }

    /// Steps from voxel to voxel along the sides of a brick.
    pub fn steps(&self) -> u32 {
        // A volume that is divided has cubes.
        self.layout.cell()[0]
    }

    /// Base 2 logarithms of the coarse level's factors.
    pub fn coarse_shifts(&self) -> [u32; 3] {
        self.coarse.factor().map(u32::trailing_zeros)
    }

    /// Views of the atlas, the table of bricks and the coarse level.
    pub fn views(&self) -> [wgpu::TextureView; 3] {
        [
            self.voxels.create_view(&wgpu::TextureViewDescriptor {
                dimension: Some(wgpu::TextureViewDimension::D2Array),
                ..Default::default()
            }),
            self.table.create_view(&Default::default()),
            self.coarse_texture.create_view(&Default::default()),
        ]
    }

    /// Writes the parts of a slice that lie in bricks with a place.
    pub fn write(&mut self, queue: &wgpu::Queue, z: u32, voxels: &[u8], voxel_bytes: u32) {
        let [across, down, _] = self.layout.counts();
        let stride = self.layout.size()[0] * voxel_bytes;
        for layer in self.layout.along(2, z) {
            let places = (0..down).flat_map(|y| (0..across).map(move |x| [x, y, layer]));
            for place in places {
                let index = self.layout.index(place);
                let Some(slot) = self.pages.slot(index) else {
                    continue;
                };
                let brick = self.layout.brick(index);
                let [column, row, start] = brick.start;
                let first = row as usize * stride as usize + (column * voxel_bytes) as usize;
                let Some(part) = voxels.get(first..) else {
                    continue;
                };
                let origin = self.atlas.origin(slot);
                queue.write_texture(
                    wgpu::TexelCopyTextureInfo {
                        origin: wgpu::Origin3d {
                            x: origin[0],
                            y: origin[1],
                            z: origin[2] + z - start,
                        },
                        ..self.voxels.as_image_copy()
                    },
                    part,
                    wgpu::TexelCopyBufferLayout {
                        offset: 0,
                        bytes_per_row: Some(stride),
                        rows_per_image: Some(brick.size[1]),
                    },
                    wgpu::Extent3d {
                        width: brick.size[0],
                        height: brick.size[1],
                        depth_or_array_layers: 1,
                    },
                );
                self.came[slot as usize] |= 1 << (z - start);
            }
        }
        self.is_behind.set(true);
    }

    /// Adds a slice that did not come before to the coarse level.
    pub fn add_coarse(
        &mut self,
        z: u32,
        (stored, samples): (Stored, &[u8]),
        modality: &ModalityLut,
    ) {
        let [columns, rows, _] = self.layout.size();
        let frame = Frame {
            rows,
            columns,
            samples_per_pixel: 1,
            sample_type: stored.sample_type,
            bits_stored: 8 * u16::try_from(stored.sample_type.size_bytes()).unwrap_or(1),
            photometric: Photometric::Monochrome2,
            data: samples.to_vec(),
        };
        if let Ok(slice) = Slice::new(frame, modality.clone()) {
            self.coarse.add(z, &slice);
            let layer = z / self.coarse.factor()[2];
            self.coarse_behind.borrow_mut().insert(layer);
        }
    }

    fn write_coarse(&self, queue: &wgpu::Queue, layer: u32) {
        let [width, height, _] = self.coarse.size();
        let mut bytes = Vec::with_capacity((width * height * COARSE_TEXEL_BYTES) as usize);
        for y in 0..height {
            for x in 0..width {
                let value = self.coarse.value([x, y, layer]).unwrap_or(f32::NAN);
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                origin: wgpu::Origin3d {
                    x: 0,
                    y: 0,
                    z: layer,
                },
                ..self.coarse_texture.as_image_copy()
            },
            &bytes,
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(width * COARSE_TEXEL_BYTES),
                rows_per_image: Some(height),
            },
            wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers: 1,
            },
        );
    }

    /// Says that a slice came or will never come.
    pub fn touch(&self) {
        self.is_behind.set(true);
    }

    /// Gives places to the bricks that planes touch, and names the slices that these lack, the most needed first.
    pub fn missing(&mut self, planes: &[PlaneParams], presence: &Presence) -> Vec<u32> {
        let wanted = self.wanted(planes);
        for (_, slot) in self.pages.want(&wanted).uploads {
            self.came[slot as usize] = 0;
            self.is_behind.set(true);
        }
        let mut is_named = vec![false; presence.count()];
        let mut slices = Vec::new();
        for brick in wanted {
            let Some(slot) = self.pages.slot(brick) else {
                continue;
            };
            let lacking = self.lacking(brick, slot, presence);
            let start = self.layout.brick(brick).start[2];
            for z in (start..)
                .take(64)
                .filter(|z| lacking >> (z - start) & 1 == 1)
            {
                if !std::mem::replace(&mut is_named[z as usize], true) {
                    slices.push(z);
                }
            }
        }
        slices
    }

    /// Bricks of all planes: those of the first, then the middles of all others first.
    fn wanted(&mut self, planes: &[PlaneParams]) -> Vec<usize> {
        let needs: Vec<Need> = planes.iter().map(|params| self.need(params)).collect();
        let mut all: Vec<&[usize]> = needs.iter().map(|need| need.bricks.as_ref()).collect();
        let first = if all.is_empty() { &[] } else { all.remove(0) };
        let longest = all.iter().map(|bricks| bricks.len()).max().unwrap_or(0);
        let ranks = (0..longest).flat_map(|rank| all.iter().filter_map(move |all| all.get(rank)));
        let mut is_named = vec![false; self.layout.count()];
        let mut wanted = Vec::new();
        for brick in first.iter().chain(ranks) {
            if !std::mem::replace(&mut is_named[*brick], true) {
                wanted.push(*brick);
            }
        }
        self.needs = needs;
        wanted
    }

    fn known(&self, params: &PlaneParams) -> Option<&Need> {
        self.needs.iter().find(|need| need.is_of(params))
    }

    /// What a plane needs: looked up, or found now.
    fn need(&self, params: &PlaneParams) -> Need {
        self.known(params).cloned().unwrap_or_else(|| Need {
            grid: Arc::clone(&params.grid),
            plane: params.plane,
            size: params.size,
            bricks: bricks_of_plane(&params.grid, &self.layout, &params.plane, params.size).into(),
        })
    }

    /// How much of a plane is here.
    pub fn progress(&self, params: &PlaneParams, presence: &Presence) -> PlaneProgress {
        let need = self.need(params);
        // Before its bricks were asked for, no place is no answer.
        let is_known = self.known(params).is_some();
        let mut progress = PlaneProgress {
            bricks: need.bricks.len(),
            ..PlaneProgress::default()
        };
        for brick in need.bricks.iter() {
            match self.pages.slot(*brick) {
                None => progress.left_out += usize::from(is_known),
                Some(slot) if self.lacking(*brick, slot, presence) == 0 => progress.here += 1,
                Some(_) => {}
            }
        }
        progress
    }

    /// Slices of a brick that did not come and may come, from the lowest bit on.
    fn lacking(&self, brick: usize, slot: u32, presence: &Presence) -> u64 {
        let brick = self.layout.brick(brick);
        let slices = (0..brick.size[2]).filter(|z| {
            let slice = (brick.start[2] + z) as usize;
            presence.of(slice) != SliceState::Failed
        });
        let needed = slices.fold(0_u64, |bits, z| bits | 1 << z);
        needed & !self.came[slot as usize]
    }

    /// Brings the coarse level and the table of bricks up to date.
    pub fn sync(&self, queue: &wgpu::Queue, presence: &Presence) {
        for layer in self.coarse_behind.take() {
            self.write_coarse(queue, layer);
        }
        if !self.is_behind.replace(false) {
            return;
        }
        let words = (0..self.layout.count()).flat_map(|brick| match self.pages.slot(brick) {
            Some(slot) => {
                let [x, y, layer] = self.atlas.origin(slot);
                let is_here = self.lacking(brick, slot, presence) == 0;
                [x, y, layer, u32::from(is_here)]
            }
            None => [0; 4],
        });
        let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        let size = self.table.size();
        queue.write_texture(
            self.table.as_image_copy(),
            &bytes,
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(size.width * TABLE_TEXEL_BYTES),
                rows_per_image: Some(size.height),
            },
            size,
        );
    }

    /// Gives its memory back.
    pub fn destroy(&self) {
        self.voxels.destroy();
        self.coarse_texture.destroy();
    }
}

fn texture(
    device: &wgpu::Device,
    [width, height, depth_or_array_layers]: [u32; 3],
    dimension: wgpu::TextureDimension,
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some("bricks"),
        size: wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}
