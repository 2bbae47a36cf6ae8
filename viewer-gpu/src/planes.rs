//! Draws planes through volumes: their pipelines, and reading them back.

use crate::extras::Extras;
use crate::frame_renderer::{DrawError, Item, MEMORY_FORMAT, Renderer, check_size};
use crate::plane_uniforms::{self, PlaneAxes};
use crate::plane_way::{self, Output, PlaneWay};
use crate::program::Program;
use crate::readback::Pending;
use crate::volume_cache::{Volume, VolumeCache, VolumeShape, volume_layout};
use crate::{Context, shaders};
use viewer_core::volume::PlaneParams;

/// Format of planes of values: the four bytes of a single.
const VALUE_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Uint;

/// A plane that is to be drawn, and on what.
pub(crate) struct PlaneDrawing<'a> {
    volume: &'a Volume,
    params: &'a PlaneParams,
    output: Output,
    format: wgpu::TextureFormat,
}

impl<'a> PlaneDrawing<'a> {
    /// Greys.
    pub fn on_screen(
        volume: &'a Volume,
        params: &'a PlaneParams,
        format: wgpu::TextureFormat,
    ) -> Self {
        Self {
            volume,
            params,
            output: Output::Grey,
            format,
        }
    }

    /// Modality values.
    fn of_values(volume: &'a Volume, params: &'a PlaneParams) -> Self {
        Self {
            volume,
            params,
            output: Output::Value,
            format: VALUE_FORMAT,
        }
    }
}

/// The shaders, read when they are first needed, and one pipeline for each way of drawing and each format.
#[derive(Debug, Default)]
pub(crate) struct Planes {
    programs: [Option<Program>; 3],
    pipelines: Vec<(PlaneWay, wgpu::TextureFormat, wgpu::RenderPipeline)>,
}

impl Planes {
    fn pipeline(
        &mut self,
        device: &wgpu::Device,
        (uniform_layout, extras): (&wgpu::BindGroupLayout, &Extras),
        way: PlaneWay,
        format: wgpu::TextureFormat,
    ) -> wgpu::RenderPipeline {
        let mut known = self.pipelines.iter();
        if let Some((.., pipeline)) = known.find(|(known, on, _)| *known == way && *on == format) {
            return pipeline.clone();
        }
        let program = self.programs[way.shape as usize]
            .get_or_insert_with(|| program(device, uniform_layout, extras, way.shape));
        let pipeline = program.pipeline(device, way.entry(), &way.constants(), format);
        self.pipelines.push((way, format, pipeline.clone()));
        pipeline
    }
}

fn program(
    device: &wgpu::Device,
    uniform_layout: &wgpu::BindGroupLayout,
    extras: &Extras,
    shape: VolumeShape,
) -> Program {
    let source = match shape {
        VolumeShape::Whole => shaders::PLANE,
        VolumeShape::Mixed => shaders::MIXED_PLANE,
        VolumeShape::Bricked => shaders::BRICKED_PLANE,
    };
    let volume = volume_layout(device, shape);
    let groups = [uniform_layout, &volume, extras.layout(false)];
    Program::new(device, "plane", source, &groups.map(Some))
}

impl Renderer {
    /// Draws one plane and reads it back: RGBA of 8 bits, rows from the top.
    ///
    /// It is drawn at once; the future, which borrows nothing, waits for the pixels. `yield_now` gives the
    /// thread back to the host for a moment, in a browser until its next task.
    pub fn plane_to_rgba<Y: AsyncFn() + 'static>(
        &mut self,
        context: &Context,
        volumes: &VolumeCache,
        key: u64,
        params: &PlaneParams,
        yield_now: Y,
    ) -> impl Future<Output = Result<Vec<u8>, DrawError>> + use<Y> {
        let volume = volumes.get(key).ok_or(DrawError::NoVolume);
        let drawn = volume.and_then(|volume| {
            let drawing = PlaneDrawing::on_screen(volume, params, MEMORY_FORMAT);
            self.plane_to_buffer(context, drawing)
        });
        async move { drawn?.read(yield_now).await }
    }

    /// The modality values of a plane, before VOI, rows from the top. NaN where there is none; where a slice will never
    /// come [`viewer_core::volume::sample::ABSENT`], which is NaN too.
    ///
    /// It is drawn at once, as by [`Renderer::plane_to_rgba`].
    pub fn plane_values<Y: AsyncFn() + 'static>(
        &mut self,
        context: &Context,
        volumes: &VolumeCache,
        key: u64,
        params: &PlaneParams,
        yield_now: Y,
    ) -> impl Future<Output = Result<Vec<f32>, DrawError>> + use<Y> {
        let volume = volumes.get(key).ok_or(DrawError::NoVolume);
        let drawn = volume.and_then(|volume| {
            self.plane_to_buffer(context, PlaneDrawing::of_values(volume, params))
        });
        async move {
            let bytes = drawn?.read(yield_now).await?;
            let (singles, _) = bytes.as_chunks::<4>();
            Ok(singles
                .iter()
                .map(|bits| f32::from_le_bytes(*bits))
                .collect())
        }
    }

    fn plane_to_buffer(
        &mut self,
        context: &Context,
        drawing: PlaneDrawing,
    ) -> Result<Pending, DrawError> {
        let [width, height] = drawing.params.size;
        check_size(context, width, height)?;
        let mut bytes = Vec::new();
        let format = drawing.format;
        let whole = [0, 0, width, height];
        let item = self.plane_item(context, &mut bytes, drawing, whole)?;
        self.write_uniforms(context, &bytes);
        Ok(self.item_to_buffer(context, &item, format))
    }

    /// One viewport, with its uniforms appended to `bytes`.
    pub(crate) fn plane_item(
        &mut self,
        context: &Context,
        bytes: &mut Vec<u8>,
        drawing: PlaneDrawing,
        scissor: [u32; 4],
    ) -> Result<Item, DrawError> {
        let PlaneDrawing {
            volume,
            params,
            output,
            format,
        } = drawing;
        let grid = &params.grid;
        let slices = u32::try_from(grid.slice_count()).unwrap_or(u32::MAX);
        if [grid.columns, grid.rows, slices] != volume.size {
            return Err(DrawError::Plane);
        }
        let axes = PlaneAxes::new(params).map_err(|_| DrawError::Plane)?;
        let way = PlaneWay::of(volume, params, &axes, output);
        volume.sync(&context.queue, grid, way.needs_cells());
        let chain = plane_way::chain(volume, params);
        let pixels = (plane_way::pixels(volume), None);
        let (plan, extras) =
            (self.extras).prepare(&context.device, &context.queue, pixels, &chain, None);
        let ramp = match output {
            Output::Grey => plan.ramp,
            Output::Value => plane_way::value_ramp(volume),
        };
        let [x, y, ..] = scissor;
        let shape = plane_way::shape(volume, &ramp, &way);
        plane_uniforms::push(bytes, &axes, &shape, (&plan, &ramp), [x, y]);
        let layouts = (&self.uniform_layout, &self.extras);
        let pipeline = self.planes.pipeline(&context.device, layouts, way, format);
        Ok(Item {
            scissor,
            texels: volume.bind_group(way.shape).clone(),
            extras,
            pipeline,
            mask_pipeline: None,
        })
    }
}
