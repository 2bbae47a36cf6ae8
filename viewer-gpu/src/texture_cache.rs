//! Frames on the GPU, within a budget of bytes.
//!
//! A texture holds the stored bits as they are: `R8Uint`, `R16Uint`, `R32Uint` (also the bits of singles),
//! `Rgba8Uint` for colour. Doubles are narrowed to singles. What the scene shows is never evicted, even
//! where that alone is beyond the budget; of the rest, what was shown longest ago goes first. A frame with
//! more columns or rows than a texture may have is cut into tiles.

use crate::Context;
use crate::scene::Scene;
use crate::texels::{Texels, layout_entry};
use crate::tiles::{TextureLimits, Tiles};
use crate::uniforms::FrameShape;
use std::collections::{HashMap, HashSet};
use viewer_core::pixel::{FrameView, PixelKind};

/// Most bytes of one frame's texture: colour of 16384 x 16384 pixels.
const MOST_FRAME_BYTES: u64 = 1 << 30;

/// Why a frame is not on the GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The adapter has no textures of that size, not even cut into tiles.
    #[error(
        "a frame of {columns} x {rows} pixels is beyond this graphics card's limit of {layers} tiles of \
         {limit} x {limit} pixels"
    )]
    TooLarge {
        /// Columns of the frame.
        columns: u32,
        /// Rows of the frame.
        rows: u32,
        /// Most columns or rows of a tile.
        limit: u32,
        /// Most tiles.
        layers: u32,
    },
    /// It would take more memory of the graphics card than one frame may.
    #[error(
        "a frame of {columns} x {rows} pixels takes more than {} MB of the graphics card's memory",
        MOST_FRAME_BYTES >> 20
    )]
    TooHeavy {
        /// Columns of the frame.
        columns: u32,
        /// Rows of the frame.
        rows: u32,
    },
    /// Samples are missing, or it is neither grey nor colour of 8 bits.
    #[error("a frame of this shape cannot be drawn")]
    NotDrawable,
    /// The volume was not begun, or was evicted.
    #[error("the volume is not on the graphics card")]
    NoVolume,
    /// The graphics card's memory, or what of it may be used, is too small even for parts of the volume.
    #[error(
        "there is no room on the graphics card for a volume of {} x {} x {} voxels",
        size[0], size[1], size[2]
    )]
    NoRoom {
        /// Columns, rows and slices.
        size: [u32; 3],
    },
    /// One slice has a table, others a rescale.
    #[error("some slices have a modality table and others have none")]
    ModalityTable,
    /// The device is gone.
    #[error("the graphics device is lost")]
    Lost,
}

/// The textures of frames, by the host's keys.
#[derive(Debug)]
pub struct TextureCache {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// For frames in one piece and for those that are cut.
    layouts: [wgpu::BindGroupLayout; 2],
    limits: TextureLimits,
    budget_bytes: u64,
    bytes: u64,
    frames: HashMap<u64, FrameTexture>,
    in_scene: HashSet<u64>,
    clock: u64,
}

/// One frame on the GPU.
#[derive(Debug)]
pub(crate) struct FrameTexture {
    pub bind_group: wgpu::BindGroup,
    pub shape: FrameShape,
    pub pixels: PixelKind,
    texture: wgpu::Texture,
    bytes: u64,
    last_used: u64,
}

impl TextureCache {
    /// An empty cache.
    pub fn new(context: &Context, budget_bytes: usize) -> Self {
        Self {
            device: context.device.clone(),
            queue: context.queue.clone(),
            layouts: [false, true].map(|is_tiled| texture_layout(&context.device, is_tiled)),
            limits: TextureLimits {
                side: context.max_side(),
                layers: context.device.limits().max_texture_array_layers,
            },
            budget_bytes: budget_bytes as u64,
            bytes: 0,
            frames: HashMap::new(),
            in_scene: HashSet::new(),
            clock: 0,
        }
    }

    /// The same cache with textures of at most `side` columns and rows, as if on a graphics card that has no
    /// larger ones. For tests.
    #[must_use]
    pub fn with_texture_side(mut self, side: u32) -> Self {
        self.limits.side = side.clamp(1, self.limits.side);
        self
    }

    /// Brings a frame to the GPU; a frame that had this key is replaced.
    ///
    /// # Errors
    /// A frame that is too large for the adapter or cannot be drawn, or a lost device.
    pub fn upload(
        &mut self,
        context: &Context,
        key: u64,
        view: &FrameView,
    ) -> Result<(), UploadError> {
        if context.lost() {
            return Err(UploadError::Lost);
        }
        if !view.is_drawable() {
            return Err(UploadError::NotDrawable);
        }
        let texels = self.texels(view)?;
        let bytes = texels.texture_bytes();
        if bytes > MOST_FRAME_BYTES {
            return Err(UploadError::TooHeavy {
                columns: view.columns,
                rows: view.rows,
            });
        }
        self.evict(key);
        self.make_room(bytes);
        let texture = texels.texture(&self.device, &self.queue);
        let bind_group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("frame"),
            layout: &self.layouts[usize::from(texels.tiles.is_some())],
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::TextureView(&texels.view(&texture)),
            }],
        });
        self.clock += 1;
        self.bytes += bytes;
        self.frames.insert(
            key,
            FrameTexture {
                bind_group,
                shape: FrameShape {
                    columns: view.columns,
                    rows: view.rows,
                    tiles: texels.tiles,
                },
                pixels: view.pixels,
                texture,
                bytes,
                last_used: self.clock,
            },
        );
        Ok(())
    }

    /// Takes notice of what will be shown: it was used last, and nothing evicts it. Call it before the
    /// uploads of a scene.
    pub fn protect(&mut self, scene: &Scene) {
        self.clock += 1;
        self.in_scene = scene.keys().collect();
        for key in &self.in_scene {
            if let Some(frame) = self.frames.get_mut(key) {
                frame.last_used = self.clock;
            }
        }
    }

    /// True where a frame is on the GPU.
    pub fn contains(&self, key: u64) -> bool {
        self.frames.contains_key(&key)
    }

    /// Drops one frame.
    pub fn evict(&mut self, key: u64) {
        if let Some(frame) = self.frames.remove(&key) {
            self.bytes -= frame.bytes;
            // Now, not when the browser collects its garbage.
            frame.texture.destroy();
        }
    }

    /// Drops all frames.
    pub fn evict_all(&mut self) {
        let keys: Vec<u64> = self.frames.keys().copied().collect();
        for key in keys {
            self.evict(key);
        }
    }

    /// Bytes of all textures.
    pub fn bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    pub(crate) fn get(&self, key: u64) -> Option<&FrameTexture> {
        self.frames.get(&key)
    }

    /// What a frame's texture holds, cut where it must be.
    fn texels<'a>(&self, view: &FrameView<'a>) -> Result<Texels<'a>, UploadError> {
        let TextureLimits { side, layers } = self.limits;
        let whole = Texels::of_frame(view);
        if view.columns <= side && view.rows <= side {
            return Ok(whole);
        }
        let tiles = Tiles::new(whole.size, self.limits).ok_or(UploadError::TooLarge {
            columns: view.columns,
            rows: view.rows,
            limit: side,
            layers,
        })?;
        Ok(whole.cut(Some(tiles)))
    }

    fn make_room(&mut self, bytes: u64) {
        while self.bytes + bytes > self.budget_bytes {
            let oldest = self
                .frames
                .iter()
                .filter(|(key, _)| !self.in_scene.contains(key))
                .min_by_key(|(_, frame)| frame.last_used)
                .map(|(key, _)| *key);
            match oldest {
                Some(key) => self.evict(key),
                None => return,
            }
        }
    }
}

/// Layout of group 1 of `shaders/frame.wgsl`.
pub(crate) fn texture_layout(device: &wgpu::Device, is_tiled: bool) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("frame"),
        entries: &[layout_entry(0, is_tiled)],
    })
}
