//! What is drawn on: the GPU by WebGPU or WebGL2, or a 2-D canvas by the processor.
//!
//! The first one that really shows its pixels is taken; an adapter that is offered but cannot present
//! is passed over, with a note.

use super::StoredFrame;
use super::cpu_volumes::CpuVolumes;
use super::waiting::ViewerError;
use crate::platform::{canvas, gamut, gpu};
use std::pin::Pin;
use std::sync::Arc;
use viewer_core::loading::{FrameCache, FrameKey};
use viewer_core::pixel::icc::{ColorTransform, ScreenColors};
use viewer_core::pixel::{
    ColorModel, Frame, FrameParams, FrameView, Photometric, PixelKind, SampleType, color,
    cpu_render,
};
use viewer_core::volume::PlaneParams;
use web_sys::HtmlCanvasElement;

/// One viewport that shows something.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawItem {
    /// Which viewport it is.
    pub viewport: usize,
    /// Place on the canvas: x, y, width, height in canvas pixels.
    pub rect: [u32; 4],
    /// What it shows.
    pub shows: Shows,
}

/// What a viewport shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Shows {
    /// A frame.
    Frame(ShownFrame),
    /// A plane through a volume.
    Plane(ShownPlane),
}

/// A frame, and how it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownFrame {
    /// The frame.
    pub key: FrameKey,
    /// How it is shown.
    pub params: FrameParams,
    /// Its own ICC profile.
    pub profile: Option<Arc<[u8]>>,
}

/// A plane, and how much of its volume is here.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownPlane {
    /// The volume.
    pub volume: u64,
    /// How it is shown.
    pub params: PlaneParams,
    /// Rises while slices come: another number is another picture.
    pub stage: u32,
}

impl DrawItem {
    fn frame(&self) -> Option<&ShownFrame> {
        match &self.shows {
            Shows::Frame(frame) => Some(frame),
            Shows::Plane(_) => None,
        }
    }
}

/// Set in the key of a texture that is not drawn on the canvas; no key of a frame has it.
const APART: u64 = 1 << 63;

/// How a drawing went.
#[derive(Debug)]
pub enum DrawOutcome {
    /// It was handed to the canvas.
    Drawn {
        /// Frames that cannot be drawn, and why.
        failed: Vec<(FrameKey, String)>,
        /// Planes of viewports that are still being sampled: what stands there until then, if anything.
        unfinished: Vec<(usize, Option<ShownPlane>)>,
    },
    /// The canvas is busy: try again with the next animation frame.
    NotNow,
    /// The screen is gone.
    Lost,
}

/// Something that ends later.
pub type Later<T> = Pin<Box<dyn Future<Output = T>>>;

/// Draws by the processor.
#[derive(Debug)]
pub struct CpuScreen {
    canvas: HtmlCanvasElement,
    context: web_sys::CanvasRenderingContext2d,
    colors: ScreenColors,
    rgba: Vec<u8>,
    pub(super) volumes: CpuVolumes,
}

/// Something to draw on.
#[derive(Debug)]
pub enum Screen {
    /// By WebGPU or WebGL2.
    Gpu {
        /// The GPU's side.
        gpu: Box<gpu::GpuScreen>,
        /// Why a better one was passed over.
        note: Option<String>,
    },
    /// By the processor.
    Cpu {
        /// The canvas.
        cpu: Box<CpuScreen>,
        /// Why a better one was passed over.
        note: Option<String>,
    },
}

/// Makes a screen: the one that is forced, or the best that works. `on_lost` is called when the
/// graphics card or the browser takes it away.
pub async fn make(
    forced: Option<&str>,
    limits: gpu::Limits,
    on_lost: impl Fn() + Clone + 'static,
) -> Result<Screen, ViewerError> {
    let kinds = [("webgpu", gpu::Kind::WebGpu), ("webgl2", gpu::Kind::WebGl2)];
    let unavailable = |words: String| ViewerError::new("backend_unavailable", words);
    let mut passed_over: Vec<String> = Vec::new();
    let wanted = gamut::of_display();
    // A narrow canvas on a wide display.
    let narrow = |name: &str, colors| {
        (colors != wanted).then(|| format!("{name}: its canvas shows no more colours than sRGB"))
    };
    for (name, kind) in kinds {
        if forced.is_some_and(|forced| forced != name) {
            continue;
        }
        match gpu::GpuScreen::new(kind, wanted, limits, on_lost.clone()).await {
            Ok(gpu) => {
                passed_over.extend(narrow(name, gpu.colors()));
                let note = (!passed_over.is_empty()).then(|| passed_over.join("; "));
                return Ok(Screen::Gpu {
                    gpu: Box::new(gpu),
                    note,
                });
            }
            Err(reason) if forced.is_some() => {
                return Err(unavailable(format!("{name} was asked for, but {reason}")));
            }
            Err(reason) => passed_over.push(format!("{name}: {reason}")),
        }
    }
    if forced.is_some_and(|forced| forced != "cpu") {
        return Err(unavailable("this backend is not known".into()));
    }
    let wide = (wanted == ScreenColors::DisplayP3).then_some(wanted);
    let cpu = (wide.and_then(CpuScreen::new)).or_else(|| CpuScreen::new(ScreenColors::Srgb));
    passed_over.extend(cpu.as_ref().and_then(|cpu| narrow("cpu", cpu.colors)));
    let note = (!passed_over.is_empty()).then(|| passed_over.join("; "));
    cpu.map(|cpu| Screen::Cpu {
        cpu: Box::new(cpu),
        note,
    })
    .ok_or_else(|| unavailable("this browser gives no canvas to draw on".into()))
}

impl Screen {
    /// The canvas that belongs into the page.
    pub fn canvas(&self) -> &HtmlCanvasElement {
        match self {
            Self::Gpu { gpu, .. } => gpu.canvas(),
            Self::Cpu { cpu, .. } => &cpu.canvas,
        }
    }

    /// The contract's name of the backend.
    pub fn backend_name(&self) -> &'static str {
        match self {
            Self::Gpu { gpu, .. } => match gpu.kind() {
                gpu::Kind::WebGpu => "webgpu",
                gpu::Kind::WebGl2 => "webgl2",
            },
            Self::Cpu { .. } => "cpu",
        }
    }

    /// True where the processor draws.
    pub fn is_cpu(&self) -> bool {
        matches!(self, Self::Cpu { .. })
    }

    /// Why a better one was passed over.
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Gpu { note, .. } | Self::Cpu { note, .. } => note.clone(),
        }
    }

    /// What the graphics card's driver complained about, or what happened to workers, since the last call.
    pub fn take_errors(&mut self) -> Vec<String> {
        match self {
            Self::Gpu { gpu, .. } => gpu.take_errors(),
            Self::Cpu { cpu, .. } => cpu.volumes.take_notes(),
        }
    }

    /// Bytes of textures.
    pub fn texture_bytes(&self) -> usize {
        match self {
            Self::Gpu { gpu, .. } => gpu.texture_bytes(),
            Self::Cpu { .. } => 0,
        }
    }

    /// Drops the texture of a frame.
    pub fn forget(&mut self, key: FrameKey) {
        if let Self::Gpu { gpu, .. } = self {
            gpu.forget(key.as_u64());
        }
    }

    /// Drops all textures and buffers.
    pub fn forget_frames(&mut self) {
        match self {
            Self::Gpu { gpu, .. } => gpu.forget_all(),
            Self::Cpu { cpu, .. } => {
                cpu.rgba = Vec::new();
                cpu.volumes.forget(&[]);
            }
        }
    }

    /// Draws all viewports; where there is none, the canvas is black.
    pub fn draw(
        &mut self,
        items: &[DrawItem],
        area: [u32; 2],
        frames: &FrameCache<StoredFrame>,
        scratch: &mut Vec<u8>,
    ) -> DrawOutcome {
        match self {
            Self::Cpu { cpu, .. } => cpu.draw(items, area, frames, scratch),
            Self::Gpu { gpu, .. } => {
                let mut failed = Vec::new();
                let mut drawn = Vec::with_capacity(items.len());
                let shown = items.iter().filter_map(DrawItem::frame);
                gpu.protect(shown.map(|it| (it.key.as_u64(), it.params.clone())));
                for item in items {
                    let shown = match &item.shows {
                        Shows::Frame(shown) => shown,
                        Shows::Plane(shown) => {
                            let plane = gpu::Content::Plane(shown.volume, shown.params.clone());
                            drawn.push((item.rect, plane));
                            continue;
                        }
                    };
                    let key = shown.key.as_u64();
                    if !gpu.has(key) {
                        let Some(frame) = frames.get(shown.key) else {
                            continue;
                        };
                        let how = (&shown.params, shown.profile.as_ref());
                        let colors = gpu.colors();
                        let upload = |view: &FrameView| gpu.upload(key, view);
                        let uploaded = with_view(frame, how, colors, scratch, upload);
                        if let Err(reason) = uploaded.and_then(|uploaded| uploaded) {
                            failed.push((shown.key, reason));
                            continue;
                        }
                    }
                    drawn.push((item.rect, gpu::Content::Frame(key, shown.params.clone())));
                }
                match gpu.draw(drawn, area) {
                    gpu::Drawn::Yes => DrawOutcome::Drawn {
                        failed,
                        unfinished: Vec::new(),
                    },
                    gpu::Drawn::NotNow => DrawOutcome::NotNow,
                    gpu::Drawn::Lost => DrawOutcome::Lost,
                }
            }
        }
    }

    /// Ends when all that was drawn so far is on the canvas.
    pub fn finished(&self) -> Later<()> {
        match self {
            Self::Gpu { gpu, .. } => gpu.finished(),
            Self::Cpu { .. } => Box::pin(std::future::ready(())),
        }
    }

    /// The pixels of one viewport, RGBA in sRGB, drawn by the backend itself.
    pub fn read_back(
        &mut self,
        ShownFrame {
            key,
            params,
            profile,
        }: ShownFrame,
        size: [u32; 2],
        frames: &FrameCache<StoredFrame>,
        scratch: &mut Vec<u8>,
    ) -> Later<Result<Vec<u8>, String>> {
        let how = (&params, profile.as_ref());
        let Some(frame) = frames.get(key) else {
            return Box::pin(std::future::ready(Err("the image is not here".into())));
        };
        match self {
            Self::Cpu { .. } => {
                let mut rgba = vec![0; size[0] as usize * size[1] as usize * 4];
                let rendered = with_view(frame, how, ScreenColors::Srgb, scratch, |view| {
                    cpu_render::render(view, &params, size[0], size[1], &mut rgba);
                });
                Box::pin(std::future::ready(rendered.map(|()| rgba)))
            }
            Self::Gpu { gpu, .. } => {
                // On a wide canvas, colours of a profile are on the GPU in Display P3.
                let is_apart = gpu.colors() != ScreenColors::Srgb && profile.is_some();
                let number = key.as_u64() | if is_apart { APART } else { 0 };
                if !gpu.has(number) {
                    let upload = |view: &FrameView| gpu.upload(number, view);
                    let uploaded = with_view(frame, how, ScreenColors::Srgb, scratch, upload);
                    if let Err(reason) = uploaded.and_then(|uploaded| uploaded) {
                        return Box::pin(std::future::ready(Err(reason)));
                    }
                }
                let reading = gpu.read_back(number, params, size);
                if is_apart {
                    gpu.forget(number);
                }
                reading
            }
        }
    }
}

impl CpuScreen {
    /// A screen on a new canvas; `None` where that does not show these colours.
    fn new(colors: ScreenColors) -> Option<Self> {
        let canvas = canvas::create(1, 1)?;
        let context = match colors {
            ScreenColors::Srgb => canvas::context_2d(&canvas)?,
            ScreenColors::DisplayP3 => {
                let context = canvas::context_2d_p3(&canvas)?;
                let [red, green, blue] = viewer_gpu::PROBE_COLOUR;
                canvas::put_own_pixels(&context, &[red, green, blue, 255], [0, 0, 1, 1]).ok()?;
                gamut::is_shown(&canvas, colors).then_some(context)?
            }
        };
        Some(Self {
            canvas,
            context,
            colors,
            rgba: Vec::new(),
            volumes: CpuVolumes::default(),
        })
    }

    /// Brings the picture of a rectangle to the canvas.
    fn put(&self, rect: [u32; 4]) -> Result<(), String> {
        let [x, y, width, _] = rect;
        let put = match self.colors {
            ScreenColors::Srgb => canvas::put_pixels(&self.context, &self.rgba, width, [x, y]),
            ScreenColors::DisplayP3 => canvas::put_own_pixels(&self.context, &self.rgba, rect),
        };
        put.map_err(|_| "The canvas does not take the pixels.".into())
    }

    fn draw(
        &mut self,
        items: &[DrawItem],
        [width, height]: [u32; 2],
        frames: &FrameCache<StoredFrame>,
        scratch: &mut Vec<u8>,
    ) -> DrawOutcome {
        let (mut failed, mut unfinished) = (Vec::new(), Vec::new());
        let is_plane = |item: &&DrawItem| matches!(item.shows, Shows::Plane(_));
        let planes = items.iter().filter(is_plane);
        let planes: Vec<usize> = planes.map(|item| item.viewport).collect();
        self.volumes.keep_views(&planes);
        if self.canvas.width() != width || self.canvas.height() != height {
            self.canvas.set_width(width);
            self.canvas.set_height(height);
        }
        self.context.set_fill_style_str("#000");
        self.context
            .fill_rect(0.0, 0.0, f64::from(width), f64::from(height));
        for item in items {
            let [_, _, width, height] = item.rect;
            self.rgba.resize(width as usize * height as usize * 4, 0);
            let rgba = &mut self.rgba;
            let shown = match &item.shows {
                Shows::Frame(shown) => shown,
                Shows::Plane(shown) => {
                    self.volumes.want(item.viewport, shown);
                    let view = self.volumes.views.get(&item.viewport);
                    let stands = view.and_then(|view| view.paint(shown, rgba));
                    if stands.as_ref() != Some(shown) {
                        unfinished.push((item.viewport, stands));
                    }
                    // A canvas that takes no pixels says so of frames.
                    let _ = self.put(item.rect);
                    continue;
                }
            };
            let Some(frame) = frames.get(shown.key) else {
                continue;
            };
            let params = FrameParams {
                target: self.colors,
                ..shown.params.clone()
            };
            let how = (&params, shown.profile.as_ref());
            let rendered = with_view(frame, how, self.colors, scratch, |view| {
                cpu_render::render(view, &params, width, height, rgba);
            });
            if let Err(reason) = rendered {
                failed.push((shown.key, reason));
                continue;
            }
            if let Err(reason) = self.put(item.rect) {
                failed.push((shown.key, reason));
            }
        }
        DrawOutcome::Drawn { failed, unfinished }
    }
}

/// Lends a frame's samples as renderers take them: grey and indices as stored, colour as samples of 8 bits,
/// colour with a profile of its own in `colors`.
fn with_view<T>(
    frame: &StoredFrame,
    (params, profile): (&FrameParams, Option<&Arc<[u8]>>),
    colors: ScreenColors,
    scratch: &mut Vec<u8>,
    use_view: impl FnOnce(&FrameView) -> T,
) -> Result<T, String> {
    frame.copy_into(scratch);
    let is_palette = frame.photometric == Photometric::PaletteColor;
    if is_palette && params.palette.is_none() {
        return Err("Its palette is missing or not valid.".into());
    }
    let transform = profile.and_then(|profile| ColorTransform::new(profile, colors));
    let model = ColorModel::of(frame.photometric).unwrap_or_default();
    let is_small = frame.sample_type == SampleType::U8 && frame.bits_stored >= 8;
    let is_color = frame.samples_per_pixel == 3;
    let view = |pixels, data| FrameView {
        rows: frame.rows,
        columns: frame.columns,
        pixels,
        data,
    };
    let mut pixels = PixelKind {
        samples_per_pixel: frame.samples_per_pixel,
        sample_type: frame.sample_type,
        color: model,
    };
    if transform.is_none() && (!is_color || is_small) {
        return Ok(use_view(&view(pixels, scratch)));
    }
    let whole = Frame {
        rows: frame.rows,
        columns: frame.columns,
        samples_per_pixel: frame.samples_per_pixel,
        sample_type: frame.sample_type,
        bits_stored: frame.bits_stored,
        photometric: frame.photometric,
        data: std::mem::take(scratch),
    };
    let samples = match (&transform, &params.palette) {
        (None, _) => color::to_samples8(&whole),
        (Some(_), Some(palette)) if is_palette => color::palette_to_rgb8(&whole, palette),
        (Some(_), _) => viewer_core::decode::to_rgb8(&whole),
    };
    *scratch = whole.data;
    let mut samples = samples.ok_or("This kind of colour cannot be drawn.")?;
    if let Some(transform) = transform {
        transform.apply(&mut samples);
        pixels.color = match colors {
            ScreenColors::Srgb => ColorModel::Rgb,
            ScreenColors::DisplayP3 => ColorModel::DisplayP3,
        };
    }
    pixels.samples_per_pixel = 3;
    pixels.sample_type = SampleType::U8;
    Ok(use_view(&view(pixels, &samples)))
}
