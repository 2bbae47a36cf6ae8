//! The GPU's side of a screen: context, textures and renderer of one canvas.
//!
//! A canvas that has lost its context keeps that for ever, so a new screen always has a new canvas.

use super::{canvas, clock, gamut};
use std::pin::Pin;
use viewer_core::pixel::icc::ScreenColors;
use viewer_core::pixel::{FrameParams, FrameView, ModalityLut, SampleType};
use viewer_core::volume::{PlaneParams, Presence};
use viewer_gpu::context::{Backend, Context};
use viewer_gpu::frame_renderer::{DrawError, DrawOutcome, Renderer};
pub use viewer_gpu::scene::Content;
use viewer_gpu::scene::{Scene, SceneViewport};
use viewer_gpu::texture_cache::TextureCache;
use viewer_gpu::volume_cache::{PlaneProgress, VolumeCache};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlCanvasElement;

/// How the GPU is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By WebGPU.
    WebGpu,
    /// By WebGL2.
    WebGl2,
}

/// How a drawing went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// It was handed to the canvas.
    Yes,
    /// The canvas is busy: try again.
    NotNow,
    /// The context is gone.
    Lost,
}

/// Something that ends later.
type Later<T> = Pin<Box<dyn Future<Output = T>>>;

/// Bytes of textures kept on the GPU: what was shown last comes back at once. Together with volumes 512 MiB.
const TEXTURE_BUDGET_BYTES: usize = 152 << 20;
/// Bytes of volumes kept on the GPU.
const VOLUME_BUDGET_BYTES: u64 = 360 << 20;

/// Limits below those of the graphics card, for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Most columns and rows of a texture, as if the graphics card had no larger ones.
    pub texture_side: Option<u32>,
    /// Most bytes of volumes.
    pub volume_bytes: Option<u64>,
}

/// One canvas and all that draws on it.
#[derive(Debug)]
pub struct GpuScreen {
    canvas: HtmlCanvasElement,
    kind: Kind,
    colors: ScreenColors,
    renderer: Renderer,
    textures: TextureCache,
    volumes: VolumeCache,
    volume_keys: Vec<u64>,
    context: Context,
}

/// Gives the thread back to the browser until its next task.
async fn yield_now() {
    clock::sleep(0.0).await;
}

#[cfg(target_arch = "wasm32")]
async fn context_for(canvas: &HtmlCanvasElement, backend: Backend) -> Result<Context, String> {
    Context::for_canvas(canvas.clone(), backend)
        .await
        .map_err(|error| error.to_string())
}

#[cfg(not(target_arch = "wasm32"))]
async fn context_for(_canvas: &HtmlCanvasElement, _backend: Backend) -> Result<Context, String> {
    Err("there is no canvas outside a browser".into())
}

impl GpuScreen {
    /// A screen on a new canvas; the reason in words where the browser has none, or one that draws but
    /// shows nothing. Where the canvas does not show colours of `wanted` it is one of sRGB.
    pub async fn new(
        kind: Kind,
        wanted: ScreenColors,
        limits: Limits,
        on_lost: impl Fn() + Clone + 'static,
    ) -> Result<Self, String> {
        let canvas = canvas::create(1, 1).ok_or("the page gives no canvas")?;
        let backend = match kind {
            Kind::WebGpu => Backend::WebGpu,
            Kind::WebGl2 => Backend::WebGl2,
        };
        let context = context_for(&canvas, backend).await?;
        // Each step takes its time: what has come of the first image meanwhile is attended to in between.
        yield_now().await;
        let shows = |colors| {
            context.set_colors(colors);
            // In the same task as the drawing: after it the canvas may be empty again.
            let drawn = context.draw_probe_colour();
            drawn.map(|()| gamut::is_shown(&canvas, colors))
        };
        let colors = match wanted {
            ScreenColors::DisplayP3 if shows(wanted).unwrap_or_default() => wanted,
            _ => ScreenColors::Srgb,
        };
        if colors == ScreenColors::Srgb && !shows(colors).map_err(|error| error.to_string())? {
            return Err("the adapter draws but its canvas stays blank".into());
        }
        yield_now().await;
        let renderer = Renderer::new(&context);
        yield_now().await;
        let mut textures = TextureCache::new(&context, TEXTURE_BUDGET_BYTES);
        let volume_bytes = limits.volume_bytes.unwrap_or(VOLUME_BUDGET_BYTES);
        let mut volumes = VolumeCache::new(&context, volume_bytes.min(VOLUME_BUDGET_BYTES));
        if let Some(side) = limits.texture_side {
            textures = textures.with_texture_side(side);
            volumes = volumes.with_limits(side);
        }
        context.on_lost(Box::new(move |_| on_lost()));
        Ok(Self {
            canvas,
            kind,
            colors,
            renderer,
            textures,
            volumes,
            volume_keys: Vec::new(),
            context,
        })
    }

    /// The canvas.
    pub fn canvas(&self) -> &HtmlCanvasElement {
        &self.canvas
    }

    /// How the GPU is reached.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The colours of the canvas.
    pub fn colors(&self) -> ScreenColors {
        self.colors
    }

    /// Bytes of textures.
    pub fn texture_bytes(&self) -> usize {
        self.textures.bytes() + self.volumes.bytes()
    }

    /// True where the frame is on the GPU.
    pub fn has(&self, key: u64) -> bool {
        self.textures.contains(key)
    }

    /// Brings a frame to the GPU.
    pub fn upload(&mut self, key: u64, view: &FrameView) -> Result<(), String> {
        self.textures
            .upload(&self.context, key, view)
            .map_err(|error| error.to_string())
    }

    /// Drops a frame.
    pub fn forget(&mut self, key: u64) {
        self.textures.evict(key);
    }

    /// Drops all frames.
    pub fn forget_all(&mut self) {
        self.textures.evict_all();
        self.volumes.evict_all();
        self.volume_keys.clear();
    }

    /// What the device complained about since the last call.
    pub fn take_errors(&self) -> Vec<String> {
        self.context.take_errors()
    }

    /// Draws the first made-up scenes here and by the processor, and compares every channel; `as_tiles` with
    /// frames cut into tiles.
    #[cfg(feature = "test-scenes")]
    pub async fn run_scenes(
        &self,
        count: u32,
        as_tiles: bool,
    ) -> Result<viewer_gpu::test_scenes::Report, viewer_gpu::test_scenes::TestError> {
        viewer_gpu::test_scenes::run_scenes(&self.context, count, as_tiles, yield_now).await
    }

    /// Draws the first made-up planes through volumes here and by the processor, and compares them; with `as_bricks`
    /// as if 3-D textures had at most 16 texels a side.
    #[cfg(feature = "test-scenes")]
    pub async fn run_planes(
        &self,
        count: u32,
        as_bricks: bool,
    ) -> Result<viewer_gpu::test_scenes::Report, viewer_gpu::test_scenes::TestError> {
        let side = as_bricks.then_some(16);
        viewer_gpu::test_scenes::run_planes(&self.context, count, side, yield_now).await
    }

    /// Loses the context, as a crash of the driver would.
    pub fn destroy(&self) {
        self.context.destroy();
    }

    /// Names the frames that are about to be drawn: bringing one of them to the GPU drops no other of them.
    pub fn protect(&mut self, items: impl Iterator<Item = (u64, FrameParams)>) {
        let viewports = items.map(|frame| SceneViewport {
            rect: [0; 4],
            content: Some(Content::Frame(frame.0, frame.1)),
        });
        self.textures.protect(&Scene {
            width: 0,
            height: 0,
            viewports: viewports.collect(),
        });
    }

    /// Draws viewports: place and content of each; their target becomes the canvas.
    pub fn draw(&mut self, items: Vec<([u32; 4], Content)>, [width, height]: [u32; 2]) -> Drawn {
        let scene = Scene {
            width,
            height,
            viewports: items
                .into_iter()
                .map(|(rect, mut content)| {
                    if let Content::Frame(_, params) = &mut content {
                        params.target = self.colors;
                    }
                    let content = Some(content);
                    SceneViewport { rect, content }
                })
                .collect(),
        };
        match self
            .renderer
            .draw(&self.context, &self.textures, &self.volumes, &scene)
        {
            Ok(DrawOutcome::Drawn { .. }) => Drawn::Yes,
            Ok(DrawOutcome::TryLater) => Drawn::NotNow,
            Err(DrawError::Lost) => Drawn::Lost,
            // A surface that gives no texture twice in a row is of no use any more.
            Err(_) => Drawn::Lost,
        }
    }

    /// Ends when all that was drawn is done.
    pub fn finished(&self) -> Later<()> {
        Box::pin(self.context.finished(yield_now))
    }

    /// Draws one frame into memory: RGBA, rows from the top.
    pub fn read_back(
        &mut self,
        key: u64,
        params: FrameParams,
        [width, height]: [u32; 2],
    ) -> Later<Result<Vec<u8>, String>> {
        let reading = self.renderer.render_to_rgba(
            &self.context,
            &self.textures,
            key,
            &params,
            width,
            height,
            yield_now,
        );
        Box::pin(async move { reading.await.map_err(|error| error.to_string()) })
    }

    /// Makes room for a volume of `size` columns, rows and slices.
    pub fn begin_volume(
        &mut self,
        key: u64,
        size: [u32; 3],
        sample_type: SampleType,
    ) -> Result<(), String> {
        let begun = self.volumes.begin(&self.context, key, size, sample_type);
        begun.map_err(|error| error.to_string())?;
        if self.volume_keys.is_empty() && self.context.mixes_singles().is_none() {
            spawn_local(self.context.learn_mixing(yield_now));
        }
        self.volume_keys.push(key);
        Ok(())
    }

    /// Brings one slice of a volume to the GPU.
    pub fn write_slice(
        &mut self,
        key: u64,
        slice: u32,
        samples: &[u8],
        modality: &ModalityLut,
    ) -> Result<(), String> {
        let context = &self.context;
        let written = (self.volumes).write_slice(context, key, slice, samples, modality);
        written.map_err(|error| error.to_string())
    }

    /// Slices that a copy for the graphics card to mix lacks.
    pub fn missing_in_copy(&mut self, key: u64, planes: &[PlaneParams]) -> Vec<u32> {
        self.volumes.missing_in_copy(&self.context, key, planes)
    }

    /// Brings one slice to that copy.
    pub fn write_to_copy(&mut self, key: u64, slice: u32, samples: &[u8]) {
        self.volumes.write_to_copy(key, slice, samples);
    }

    /// Hands written slices over to the graphics card.
    pub fn flush_slices(&self) {
        self.volumes.flush();
    }

    /// A slice will not come.
    pub fn fail_slice(&mut self, key: u64, slice: u32) {
        self.volumes.fail_slice(key, slice);
    }

    /// Which slices of a volume are here.
    pub fn presence(&self, key: u64) -> Option<&Presence> {
        self.volumes.presence(key)
    }

    /// How much of a plane is on the GPU.
    pub fn plane_progress(&self, key: u64, params: &PlaneParams) -> Option<PlaneProgress> {
        self.volumes.progress(key, params)
    }

    /// Slices that planes need and that are not on the GPU.
    pub fn missing_slices(&mut self, key: u64, planes: &[PlaneParams]) -> Vec<u32> {
        self.volumes.missing(key, planes)
    }

    /// Drops all volumes but these.
    pub fn forget_volumes(&mut self, but: &[u64]) {
        for key in std::mem::take(&mut self.volume_keys) {
            if but.contains(&key) {
                self.volume_keys.push(key);
            } else {
                self.volumes.evict(key);
            }
        }
    }

    /// Modality values of a plane.
    pub fn plane_values(
        &mut self,
        key: u64,
        params: &PlaneParams,
    ) -> Later<Result<Vec<f32>, String>> {
        let (context, volumes) = (&self.context, &self.volumes);
        let reading = (self.renderer).plane_values(context, volumes, key, params, yield_now);
        Box::pin(async move { reading.await.map_err(|error| error.to_string()) })
    }

    /// Draws a plane into memory: RGBA, rows from the top.
    pub fn read_back_plane(
        &mut self,
        key: u64,
        params: &PlaneParams,
    ) -> Later<Result<Vec<u8>, String>> {
        let (context, volumes) = (&self.context, &self.volumes);
        let reading = (self.renderer).plane_to_rgba(context, volumes, key, params, yield_now);
        Box::pin(async move { reading.await.map_err(|error| error.to_string()) })
    }
}
