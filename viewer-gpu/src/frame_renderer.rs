//! Draws scenes on the canvas, and single viewports into memory.
//!
//! One pass for the whole canvas; each viewport is a triangle cut out by its scissor rectangle, with its
//! own uniforms by dynamic offset.

use crate::context::begin_pass;
use crate::extras::Extras;
use crate::planes::{PlaneDrawing, Planes};
use crate::program::Program;
use crate::readback::Pending;
use crate::scene::{Content, Scene, visible};
use crate::shaders::Way;
use crate::texture_cache::{FrameTexture, TextureCache, texture_layout};
use crate::uniforms::FrameShape;
use crate::volume_cache::VolumeCache;
use crate::{Context, shaders, uniforms};
use std::num::NonZeroU64;
use viewer_core::pixel::FrameParams;

/// Why nothing was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// The device or the canvas's context is gone: make new ones.
    #[error("the graphics device is lost")]
    Lost,
    /// The context was made without a canvas.
    #[error("there is no canvas to draw on")]
    NoCanvas,
    /// The canvas gives nothing to draw on though the device is there.
    #[error("the canvas gives no texture to draw on")]
    NoTexture,
    /// The frame was not uploaded, or was evicted.
    #[error("the frame is not on the graphics card")]
    NoFrame,
    /// The volume was not begun, or was evicted.
    #[error("the volume is not on the graphics card")]
    NoVolume,
    /// The plane's grid is not that of the volume, or its slab has too many planes.
    #[error("the plane does not fit its volume")]
    Plane,
    /// No picture of that size can be drawn.
    #[error("a picture of {width} x {height} pixels cannot be drawn; the limit is {limit} a side")]
    Size {
        /// Width in canvas pixels.
        width: u32,
        /// Height in canvas pixels.
        height: u32,
        /// Most pixels a side.
        limit: u32,
    },
    /// The pixels cannot be read back.
    #[error("the graphics card does not hand out its pixels")]
    Readback,
}

/// How a drawing went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DrawOutcome {
    /// It was handed to the canvas.
    Drawn {
        /// Keys of frames of the scene that are not in the texture cache, and of volumes that are not in the volume cache;
        /// their viewports are black.
        missing: Vec<u64>,
    },
    /// The canvas is busy or hidden: try again with the next animation frame.
    TryLater,
}

/// The pipelines and the uniform buffer.
#[derive(Debug)]
pub struct Renderer {
    /// For frames in one piece and for those that are cut into tiles; each is read when it is first needed.
    programs: [Option<Program>; 2],
    pub(crate) planes: Planes,
    pub(crate) extras: Extras,
    /// One for each way of drawing and each format drawn on that were needed so far.
    pipelines: Vec<(PipelineKey, wgpu::RenderPipeline)>,
    pub(crate) uniform_layout: wgpu::BindGroupLayout,
    uniforms: wgpu::Buffer,
    uniform_group: wgpu::BindGroup,
    /// Viewports that the uniform buffer has room for.
    capacity: u32,
}

/// How a frame is drawn, and format of the target.
type PipelineKey = (Way, wgpu::TextureFormat);

/// One viewport, ready to be drawn.
pub(crate) struct Item {
    pub scissor: [u32; 4],
    /// The frame or the volume.
    pub texels: wgpu::BindGroup,
    pub extras: wgpu::BindGroup,
    pub pipeline: wgpu::RenderPipeline,
    /// Draws overlay planes and shutter.
    pub mask_pipeline: Option<wgpu::RenderPipeline>,
}

/// Format of pictures that are read back: the order of bytes is that of RGBA everywhere.
pub(crate) const MEMORY_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

const FIRST_CAPACITY: u32 = 16;

impl Renderer {
    /// Reads the shaders for frames in one piece. Pipelines are built when they are first needed.
    pub fn new(context: &Context) -> Self {
        let device = &context.device;
        let uniform_layout = uniform_layout(device);
        let extras = Extras::new(device, &context.queue);
        let program = program(device, &uniform_layout, &extras, false);
        let (uniforms, uniform_group) = uniform_buffer(device, &uniform_layout, FIRST_CAPACITY);
        Self {
            programs: [Some(program), None],
            planes: Planes::default(),
            extras,
            pipelines: Vec::new(),
            uniform_layout,
            uniforms,
            uniform_group,
            capacity: FIRST_CAPACITY,
        }
    }

    fn pipeline(&mut self, context: &Context, key: PipelineKey) -> wgpu::RenderPipeline {
        let known = self.pipelines.iter().find(|(known, _)| *known == key);
        if let Some((_, pipeline)) = known {
            return pipeline.clone();
        }
        let is_tiled = key.0.is_tiled;
        let program = self.programs[usize::from(is_tiled)].get_or_insert_with(|| {
            program(
                &context.device,
                &self.uniform_layout,
                &self.extras,
                is_tiled,
            )
        });
        let (way, format) = key;
        let constants = [
            ("SHADE", way.shade),
            ("COLOR", way.color),
            ("WIDEN", way.widen),
        ];
        let pipeline = program.pipeline(&context.device, way.entry, &constants, format);
        self.pipelines.push((key, pipeline.clone()));
        pipeline
    }

    /// Draws a scene on the canvas, which gets the scene's size. A scene without area is not drawn.
    ///
    /// # Errors
    /// A lost device, no canvas, or one that gives no texture.
    pub fn draw(
        &mut self,
        context: &Context,
        cache: &TextureCache,
        volumes: &VolumeCache,
        scene: &Scene,
    ) -> Result<DrawOutcome, DrawError> {
        if context.lost() {
            return Err(DrawError::Lost);
        }
        let mut missing = Vec::new();
        if scene.width == 0 || scene.height == 0 {
            return Ok(DrawOutcome::Drawn { missing });
        }
        let format = context.surface_format().ok_or(DrawError::NoCanvas)?;
        context.resize(scene.width, scene.height);
        let [width, height] = context.surface_size();
        let mut items = Vec::new();
        let mut bytes = Vec::new();
        volumes.begin_drawing();
        for viewport in &scene.viewports {
            let Some(content) = &viewport.content else {
                continue;
            };
            let (key, is_here) = match content {
                Content::Frame(key, _) => (*key, cache.contains(*key)),
                Content::Plane(key, _) => (*key, volumes.contains(*key)),
            };
            if !is_here {
                missing.push(key);
                continue;
            }
            let Some(scissor) = visible(viewport.rect, width, height) else {
                continue;
            };
            // A plane that does not fit its volume shows nothing.
            items.extend(match content {
                Content::Frame(_, params) => (cache.get(key))
                    .map(|frame| self.item(context, &mut bytes, (frame, params), scissor, format)),
                Content::Plane(_, params) => volumes.get(key).and_then(|volume| {
                    let drawing = PlaneDrawing::on_screen(volume, params, format);
                    self.plane_item(context, &mut bytes, drawing, scissor).ok()
                }),
            });
        }
        let Some(target) = context.surface_texture()? else {
            return Ok(DrawOutcome::TryLater);
        };
        self.write_uniforms(context, &bytes);
        let mut encoder = context
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let view = target.texture.create_view(&Default::default());
        self.encode(&mut encoder, &view, &items);
        context.queue.submit([encoder.finish()]);
        context.queue.present(target);
        Ok(DrawOutcome::Drawn { missing })
    }

    /// Draws one frame into a picture of `width` x `height` and reads it back: RGBA of 8 bits, rows from
    /// the top.
    ///
    /// It is drawn at once; the future, which borrows nothing, waits for the pixels. `yield_now` gives the
    /// thread back to the host for a moment, in a browser until its next task.
    #[expect(
        clippy::too_many_arguments,
        reason = "the frame, its view and its size are one viewport; the rest is where it is drawn"
    )]
    pub fn render_to_rgba<Y: AsyncFn() + 'static>(
        &mut self,
        context: &Context,
        cache: &TextureCache,
        key: u64,
        params: &FrameParams,
        width: u32,
        height: u32,
        yield_now: Y,
    ) -> impl Future<Output = Result<Vec<u8>, DrawError>> + use<Y> {
        let drawn = self.draw_to_buffer(context, cache, (key, params), width, height);
        async move { drawn?.read(yield_now).await }
    }

    fn draw_to_buffer(
        &mut self,
        context: &Context,
        cache: &TextureCache,
        (key, params): (u64, &FrameParams),
        width: u32,
        height: u32,
    ) -> Result<Pending, DrawError> {
        check_size(context, width, height)?;
        let frame = cache.get(key).ok_or(DrawError::NoFrame)?;
        let mut bytes = Vec::new();
        let whole = [0, 0, width, height];
        let item = self.item(context, &mut bytes, (frame, params), whole, MEMORY_FORMAT);
        self.write_uniforms(context, &bytes);
        Ok(self.item_to_buffer(context, &item, MEMORY_FORMAT))
    }

    /// Draws one item, whose uniforms are written, and copies it to a buffer.
    pub(crate) fn item_to_buffer(
        &self,
        context: &Context,
        item: &Item,
        format: wgpu::TextureFormat,
    ) -> Pending {
        let [_, _, width, height] = item.scissor;
        Pending::drawing(
            context,
            "picture",
            [width, height],
            format,
            |encoder, view| {
                self.encode(encoder, view, std::slice::from_ref(item));
            },
        )
    }

    /// One viewport, with its uniforms appended to `bytes`.
    fn item(
        &mut self,
        context: &Context,
        bytes: &mut Vec<u8>,
        (frame, params): (&FrameTexture, &FrameParams),
        scissor: [u32; 4],
        format: wgpu::TextureFormat,
    ) -> Item {
        let FrameShape {
            columns,
            rows,
            tiles,
        } = frame.shape;
        // A mask of another size belongs to another frame.
        let mask = params.mask.as_ref();
        let mask = mask.filter(|mask| mask.size() == [columns, rows]);
        let (device, queue) = (&context.device, &context.queue);
        let pixels = (frame.pixels, tiles);
        let (plan, extras) = (self.extras).prepare(device, queue, pixels, params, mask);
        let [x, y, ..] = scissor;
        uniforms::push(bytes, &plan, params, frame.shape, [x, y]);
        let is_tiled = tiles.is_some();
        let way = Way::of(&plan, frame.pixels.is_color()).over_tiles(is_tiled);
        let mask_way = Way::of_mask(params).over_tiles(is_tiled);
        Item {
            scissor,
            texels: frame.bind_group.clone(),
            extras,
            pipeline: self.pipeline(context, (way, format)),
            mask_pipeline: mask.map(|_| self.pipeline(context, (mask_way, format))),
        }
    }

    pub(crate) fn write_uniforms(&mut self, context: &Context, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let needed = u32::try_from(bytes.len()).unwrap_or(u32::MAX) / uniforms::STRIDE_BYTES;
        if needed > self.capacity {
            self.capacity = needed.next_power_of_two();
            (self.uniforms, self.uniform_group) =
                uniform_buffer(&context.device, &self.uniform_layout, self.capacity);
        }
        context.queue.write_buffer(&self.uniforms, 0, bytes);
    }

    /// Draws items whose uniforms lie in their order in the buffer.
    fn encode(&self, encoder: &mut wgpu::CommandEncoder, view: &wgpu::TextureView, items: &[Item]) {
        let mut pass = begin_pass(encoder, view, wgpu::Color::BLACK);
        for (offset, item) in (0..).step_by(uniforms::STRIDE_BYTES as usize).zip(items) {
            let [x, y, width, height] = item.scissor;
            pass.set_pipeline(&item.pipeline);
            pass.set_scissor_rect(x, y, width, height);
            pass.set_bind_group(0, &self.uniform_group, &[offset]);
            pass.set_bind_group(1, &item.texels, &[]);
            pass.set_bind_group(2, &item.extras, &[]);
            pass.draw(0..3, 0..1);
            if let Some(pipeline) = &item.mask_pipeline {
                pass.set_pipeline(pipeline);
                pass.draw(0..3, 0..1);
            }
        }
    }
}

/// Checks that a picture of a size can be drawn.
pub(crate) fn check_size(context: &Context, width: u32, height: u32) -> Result<(), DrawError> {
    if context.lost() {
        return Err(DrawError::Lost);
    }
    let limit = context.max_side();
    if width == 0 || height == 0 || width > limit || height > limit {
        return Err(DrawError::Size {
            width,
            height,
            limit,
        });
    }
    Ok(())
}

fn program(
    device: &wgpu::Device,
    uniform_layout: &wgpu::BindGroupLayout,
    extras: &Extras,
    is_tiled: bool,
) -> Program {
    let source = if is_tiled {
        shaders::TILED_FRAME
    } else {
        shaders::FRAME
    };
    let texture = texture_layout(device, is_tiled);
    let groups = [uniform_layout, &texture, extras.layout(is_tiled)];
    Program::new(device, "frame", source, &groups.map(Some))
}

fn uniform_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("view"),
        entries: &[wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::VERTEX,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: true,
                min_binding_size: NonZeroU64::new(uniforms::SIZE_BYTES),
            },
            count: None,
        }],
    })
}

fn uniform_buffer(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    capacity: u32,
) -> (wgpu::Buffer, wgpu::BindGroup) {
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("views"),
        size: u64::from(capacity) * u64::from(uniforms::STRIDE_BYTES),
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("views"),
        layout,
        entries: &[wgpu::BindGroupEntry {
            binding: 0,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &buffer,
                offset: 0,
                size: NonZeroU64::new(uniforms::SIZE_BYTES),
            }),
        }],
    });
    (buffer, group)
}
