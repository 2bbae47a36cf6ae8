//! Frames on the GPU, within a budget of bytes.
//!
//! A texture holds the stored bits as they are: `R8Uint`, `R16Uint`, `R32Uint` (also the bits of singles),
//! `Rgba8Uint` for colour. Doubles are narrowed to singles. What the scene shows is never evicted, even
//! where that alone is beyond the budget; of the rest, what was shown longest ago goes first.

use crate::Context;
use crate::scene::Scene;
use crate::uniforms::FrameShape;
use std::collections::{HashMap, HashSet};
use viewer_core::pixel::cpu_render::narrowed;
use viewer_core::pixel::{FrameView, PixelKind, SampleType};

/// Why a frame is not on the GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The adapter has no textures of that size.
    #[error("a frame of {columns} x {rows} pixels is beyond this graphics card's limit of {limit}")]
    TooLarge {
        /// Columns of the frame.
        columns: u32,
        /// Rows of the frame.
        rows: u32,
        /// Most columns or rows.
        limit: u32,
    },
    /// Samples are missing, or it is neither grey nor colour of 8 bits.
    #[error("a frame of this shape cannot be drawn")]
    NotDrawable,
    /// The device is gone.
    #[error("the graphics device is lost")]
    Lost,
}

/// The textures of frames, by the host's keys.
#[derive(Debug)]
pub struct TextureCache {
    device: wgpu::Device,
    queue: wgpu::Queue,
    layout: wgpu::BindGroupLayout,
    budget_bytes: usize,
    bytes: usize,
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
    bytes: usize,
    last_used: u64,
}

impl TextureCache {
    /// An empty cache.
    pub fn new(context: &Context, budget_bytes: usize) -> Self {
        Self {
            device: context.device.clone(),
            queue: context.queue.clone(),
            layout: texture_layout(&context.device),
            budget_bytes,
            bytes: 0,
            frames: HashMap::new(),
            in_scene: HashSet::new(),
            clock: 0,
        }
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
        let limit = context.max_side();
        if view.columns > limit || view.rows > limit {
            return Err(UploadError::TooLarge {
                columns: view.columns,
                rows: view.rows,
                limit,
            });
        }
        let is_colour = view.pixels.is_color();
        let (format, pixel_bytes) = texture_format(is_colour, view.pixels.sample_type);
        let row_bytes = view.columns * pixel_bytes;
        let bytes = row_bytes as usize * view.rows as usize;
        self.evict(key);
        self.make_room(bytes);

        let size = wgpu::Extent3d {
            width: view.columns,
            height: view.rows,
            depth_or_array_layers: 1,
        };
        let texture = self.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("frame"),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let converted = texels(view);
        let data = converted.as_deref().unwrap_or(view.data);
        self.queue.write_texture(
            texture.as_image_copy(),
            data.get(..bytes).ok_or(UploadError::NotDrawable)?,
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(row_bytes),
                rows_per_image: Some(view.rows),
            },
            size,
        );
        let bind_group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("frame"),
            layout: &self.layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::TextureView(
                    &texture.create_view(&Default::default()),
                ),
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
        self.bytes
    }

    pub(crate) fn get(&self, key: u64) -> Option<&FrameTexture> {
        self.frames.get(&key)
    }

    fn make_room(&mut self, bytes: usize) {
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
pub(crate) fn texture_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("frame"),
        entries: &[wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Uint,
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            count: None,
        }],
    })
}

/// Format of a frame's texture, and bytes of one pixel of it.
fn texture_format(is_colour: bool, sample_type: SampleType) -> (wgpu::TextureFormat, u32) {
    match sample_type {
        _ if is_colour => (wgpu::TextureFormat::Rgba8Uint, 4),
        SampleType::U8 | SampleType::I8 => (wgpu::TextureFormat::R8Uint, 1),
        SampleType::U16 | SampleType::I16 => (wgpu::TextureFormat::R16Uint, 2),
        SampleType::U32 | SampleType::I32 | SampleType::F32 | SampleType::F64 => {
            (wgpu::TextureFormat::R32Uint, 4)
        }
    }
}

/// Pixels as the texture has them, where it has not the frame's own bytes.
fn texels(view: &FrameView) -> Option<Vec<u8>> {
    if view.pixels.is_color() {
        let (pixels, _) = view.data.as_chunks::<3>();
        return Some(
            pixels
                .iter()
                .flat_map(|[r, g, b]| [*r, *g, *b, 255])
                .collect(),
        );
    }
    (view.pixels.sample_type == SampleType::F64).then(|| {
        let (samples, _) = view.data.as_chunks::<8>();
        samples
            .iter()
            .flat_map(|sample| narrowed(f64::from_le_bytes(*sample)).to_le_bytes())
            .collect()
    })
}
