//! The device, and the canvas that it draws on.
//!
//! The only file of this crate that knows on which platform it runs. Adapters are asked for nothing but
//! the floor that WebGL2 grants, and for their own texture sizes.

use crate::filter::Filter;
use crate::frame_renderer::DrawError;
use crate::loss::Watch;
use crate::readback;
use std::cell::Cell;
use std::sync::Arc;
use viewer_core::pixel::icc::ScreenColors;

/// How a context reaches the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The browser's WebGPU.
    WebGpu,
    /// The browser's WebGL2.
    WebGl2,
    /// Vulkan, for tests and tools.
    Native,
}

/// Why there is no context.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// The platform has no such interface, or no adapter behind it.
    #[error("there is no adapter for it: {reason}")]
    NoAdapter {
        /// The words of the platform.
        reason: String,
    },
    /// The adapter gives no device.
    #[error("the adapter gives no device: {reason}")]
    NoDevice {
        /// The words of the platform.
        reason: String,
    },
    /// The canvas cannot be drawn on: it has another kind of context already, or no format fits.
    #[error("the canvas cannot be drawn on: {reason}")]
    NoSurface {
        /// The words of the platform.
        reason: String,
    },
}

/// Red, green and blue of [`Context::draw_probe_colour`].
pub const PROBE_COLOUR: [u8; 3] = [0x40, 0x80, 0xC0];

/// A device and, except for [`Context::headless`], its canvas.
///
/// A lost context stays lost. Drop it with its renderer and texture cache and make new ones, on a *new*
/// canvas element: a canvas keeps the context that it had.
#[derive(Debug)]
pub struct Context {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) watch: Arc<Watch>,
    surface: Option<Surface>,
    backend: Backend,
    max_side: u32,
    max_side_3d: u32,
    filter: Filter,
    #[cfg(target_arch = "wasm32")]
    canvas: Option<web::Canvas>,
}

#[derive(Debug)]
struct Surface {
    surface: wgpu::Surface<'static>,
    format: wgpu::TextureFormat,
    alpha_mode: wgpu::CompositeAlphaMode,
    size: Cell<[u32; 2]>,
    color_space: Cell<wgpu::SurfaceColorSpace>,
}

impl Context {
    /// A context without a canvas, on this machine's Vulkan driver.
    ///
    /// # Errors
    /// No adapter, or one that gives no device.
    #[cfg(not(target_arch = "wasm32"))]
    pub async fn headless() -> Result<Self, ContextError> {
        let instance = instance(wgpu::Backends::VULKAN);
        Self::new(&instance, None, Backend::Native).await
    }

    /// A context that draws on a canvas. The canvas must be one that had no context before.
    ///
    /// # Errors
    /// The browser does not offer the backend, or the canvas is in use.
    #[cfg(target_arch = "wasm32")]
    pub async fn for_canvas(
        canvas: web_sys::HtmlCanvasElement,
        backend: Backend,
    ) -> Result<Self, ContextError> {
        let backends = match backend {
            Backend::WebGpu => {
                // Without it wgpu would quietly take WebGL.
                if !wgpu::util::is_browser_webgpu_supported().await {
                    return Err(ContextError::NoAdapter {
                        reason: "this browser offers no WebGPU".into(),
                    });
                }
                wgpu::Backends::BROWSER_WEBGPU
            }
            Backend::WebGl2 => wgpu::Backends::GL,
            Backend::Native => {
                return Err(ContextError::NoAdapter {
                    reason: "a browser has no native backend".into(),
                });
            }
        };
        let instance = instance(backends);
        let surface = instance
            .create_surface(wgpu::SurfaceTarget::Canvas(canvas.clone()))
            .map_err(|error| ContextError::NoSurface {
                reason: error.to_string(),
            })?;
        let mut context = Self::new(&instance, Some(surface), backend).await?;
        context.canvas = Some(web::Canvas::new(
            canvas,
            backend,
            Arc::clone(&context.watch),
        ));
        Ok(context)
    }

    async fn new(
        instance: &wgpu::Instance,
        surface: Option<wgpu::Surface<'static>>,
        backend: Backend,
    ) -> Result<Self, ContextError> {
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                compatible_surface: surface.as_ref(),
                ..Default::default()
            })
            .await
            .map_err(|error| ContextError::NoAdapter {
                reason: error.to_string(),
            })?;
        let limits = wgpu::Limits::downlevel_webgl2_defaults().using_resolution(adapter.limits());
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("viewer"),
                required_features: adapter.features() & wgpu::Features::FLOAT32_FILTERABLE,
                required_limits: limits.clone(),
                ..Default::default()
            })
            .await
            .map_err(|error| ContextError::NoDevice {
                reason: error.to_string(),
            })?;
        let filter = Filter::new(&device);
        let watch = Arc::new(Watch::new());
        let watched = Arc::clone(&watch);
        device.set_device_lost_callback(move |_, message| watched.declare_lost(&message));
        let watched = Arc::clone(&watch);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            watched.note_error(error.to_string());
        }));
        let surface = surface
            .map(|surface| Surface::new(surface, &adapter))
            .transpose()?;
        Ok(Self {
            device,
            queue,
            watch,
            surface,
            backend,
            max_side: limits.max_texture_dimension_2d,
            max_side_3d: limits.max_texture_dimension_3d,
            filter,
            #[cfg(target_arch = "wasm32")]
            canvas: None,
        })
    }

    /// How it reaches the GPU.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Most columns or rows of a frame, and most canvas pixels a side.
    pub fn max_side(&self) -> u32 {
        self.max_side
    }

    /// Most columns, rows or slices of a volume in one piece.
    pub fn max_side_3d(&self) -> u32 {
        self.max_side_3d
    }

    /// True where voxels could be mixed by the graphics card.
    pub(crate) fn could_mix(&self) -> bool {
        self.filter.is_offered()
    }

    /// Whether the graphics card mixes singles in single precision; `None` before [`Context::learn_mixing`] ended.
    pub fn mixes_singles(&self) -> Option<bool> {
        self.filter.is_exact()
    }

    /// Has the graphics card mix known singles, and looks how well it does: many have only 8 bits for the weights. Until this
    /// ends, and where it does not mix exactly, the shader mixes. It draws at once; the future waits for the result.
    /// `yield_now` gives the thread back to the host for a moment, in a browser until its next task.
    pub fn learn_mixing<Y: AsyncFn() + 'static>(
        &self,
        yield_now: Y,
    ) -> impl Future<Output = ()> + use<Y> {
        self.filter.learn(self, yield_now)
    }

    /// True when the device or the canvas's context is gone; known before listeners hear of it.
    pub fn lost(&self) -> bool {
        #[cfg(target_arch = "wasm32")]
        if self.canvas.as_ref().is_some_and(web::Canvas::is_lost) {
            return true;
        }
        self.watch.is_lost()
    }

    /// Calls `listener` with the platform's words when the device or the canvas's context is lost, on the
    /// thread that made the context; in browsers from a task of its own, never from within a call of the
    /// host. A loss before is not told, and after this context is dropped nobody is called.
    pub fn on_lost(&self, listener: Box<dyn Fn(String)>) {
        self.watch.listen(listener);
    }

    /// What the device complained about since the last call; the first 32.
    pub fn take_errors(&self) -> Vec<String> {
        self.watch.take_errors()
    }

    /// Loses the device, or the canvas's WebGL context, as a crash of the driver would. For tests.
    pub fn destroy(&self) {
        #[cfg(target_arch = "wasm32")]
        if self.canvas.as_ref().is_some_and(web::Canvas::lose) {
            return;
        }
        self.device.destroy();
        let _ = self.device.poll(wgpu::PollType::Poll);
    }

    /// Sets the size of the canvas in canvas pixels. Nothing happens where it has that size, or none.
    pub fn resize(&self, width: u32, height: u32) {
        let size = [width, height].map(|side| side.clamp(1, self.max_side));
        if let Some(surface) = &self.surface
            && surface.size.get() != size
            && !self.lost()
        {
            surface.size.set(size);
            surface.configure(&self.device);
        }
    }

    /// Asks for a canvas in other colours, which holds from the next [`Context::resize`] on. Browsers that do not
    /// know Display P3 leave it as it is and say nothing: look what the canvas shows.
    pub fn set_colors(&self, colors: ScreenColors) {
        let Some(surface) = &self.surface else { return };
        // wgpu has no WebGL canvas but sRGB: the context itself is told.
        #[cfg(target_arch = "wasm32")]
        if self
            .canvas
            .as_ref()
            .is_some_and(|canvas| canvas.set_colors(colors))
        {
            return;
        }
        surface.color_space.set(match colors {
            ScreenColors::Srgb => wgpu::SurfaceColorSpace::Auto,
            ScreenColors::DisplayP3 => wgpu::SurfaceColorSpace::DisplayP3,
        });
        surface.size.set([0, 0]);
    }

    /// Fills the canvas with [`PROBE_COLOUR`], so that the host can look, in the same task, whether the
    /// canvas really shows it: some adapters draw and present nothing.
    ///
    /// # Errors
    /// No canvas, a lost device, or a surface that gives no texture.
    pub fn draw_probe_colour(&self) -> Result<(), DrawError> {
        self.resize(1, 1);
        let texture = match self.surface_texture()? {
            Some(texture) => texture,
            None => return Err(DrawError::NoTexture),
        };
        let [r, g, b] = PROBE_COLOUR.map(|level| f64::from(level) / 255.0);
        let colour = wgpu::Color { r, g, b, a: 1.0 };
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let view = texture.texture.create_view(&Default::default());
        drop(begin_pass(&mut encoder, &view, colour));
        self.queue.submit([encoder.finish()]);
        self.queue.present(texture);
        Ok(())
    }

    /// Ends when the GPU has done all that was submitted, or is lost. `yield_now` gives the thread back to
    /// the host for a moment, in a browser until its next task.
    pub fn finished<Y: AsyncFn() + 'static>(
        &self,
        yield_now: Y,
    ) -> impl Future<Output = ()> + use<Y> {
        readback::finished(
            self.device.clone(),
            self.queue.clone(),
            Arc::clone(&self.watch),
            yield_now,
        )
    }

    /// Format of the canvas; `None` without one.
    pub(crate) fn surface_format(&self) -> Option<wgpu::TextureFormat> {
        self.surface.as_ref().map(|surface| surface.format)
    }

    /// The texture to draw on; `None` if the canvas is busy now.
    pub(crate) fn surface_texture(&self) -> Result<Option<wgpu::SurfaceTexture>, DrawError> {
        use wgpu::CurrentSurfaceTexture as Current;
        if self.lost() {
            return Err(DrawError::Lost);
        }
        let surface = self.surface.as_ref().ok_or(DrawError::NoCanvas)?;
        let mut is_second_try = false;
        loop {
            match surface.surface.get_current_texture() {
                Current::Success(texture) | Current::Suboptimal(texture) => {
                    return Ok(Some(texture));
                }
                Current::Timeout | Current::Occluded => return Ok(None),
                Current::Outdated | Current::Lost if !is_second_try => {
                    is_second_try = true;
                    surface.configure(&self.device);
                }
                _ if self.lost() => return Err(DrawError::Lost),
                _ => return Err(DrawError::NoTexture),
            }
        }
    }

    /// Width and height of the canvas; zeros without one.
    pub(crate) fn surface_size(&self) -> [u32; 2] {
        self.surface
            .as_ref()
            .map_or([0, 0], |surface| surface.size.get())
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.watch.forget_listeners();
        // The browser would keep its textures until its next collection.
        if self.backend == Backend::WebGpu {
            self.device.destroy();
        }
    }
}

impl Surface {
    /// A format without sRGB conversion, so that the shader's greys arrive unchanged.
    fn new(surface: wgpu::Surface<'static>, adapter: &wgpu::Adapter) -> Result<Self, ContextError> {
        let capabilities = surface.get_capabilities(adapter);
        let format = capabilities.formats.iter().copied().find(|format| {
            matches!(
                format,
                wgpu::TextureFormat::Bgra8Unorm | wgpu::TextureFormat::Rgba8Unorm
            )
        });
        let Some(format) = format else {
            return Err(ContextError::NoSurface {
                reason: "it has no format of 8 bits without conversion".into(),
            });
        };
        let opaque = wgpu::CompositeAlphaMode::Opaque;
        let alpha_mode = if capabilities.alpha_modes.contains(&opaque) {
            opaque
        } else {
            wgpu::CompositeAlphaMode::Auto
        };
        Ok(Self {
            surface,
            format,
            alpha_mode,
            // Not a size that anyone asks for: the first one configures.
            size: Cell::new([0, 0]),
            color_space: Cell::new(wgpu::SurfaceColorSpace::Auto),
        })
    }

    fn configure(&self, device: &wgpu::Device) {
        let [width, height] = self.size.get().map(|side| side.max(1));
        self.surface.configure(
            device,
            &wgpu::SurfaceConfiguration {
                usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
                format: self.format,
                color_space: self.color_space.get(),
                width,
                height,
                present_mode: wgpu::PresentMode::Fifo,
                desired_maximum_frame_latency: 2,
                alpha_mode: self.alpha_mode,
                view_formats: Vec::new(),
            },
        );
    }
}

/// A render pass that starts with one colour everywhere.
pub(crate) fn begin_pass(
    encoder: &mut wgpu::CommandEncoder,
    view: &wgpu::TextureView,
    colour: wgpu::Color,
) -> wgpu::RenderPass<'static> {
    encoder
        .begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("viewports"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(colour),
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        })
        .forget_lifetime()
}

fn instance(backends: wgpu::Backends) -> wgpu::Instance {
    wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    })
}

#[cfg(target_arch = "wasm32")]
mod web {
    //! The loss of a WebGL2 context, which wgpu does not notice.

    use super::{Backend, ScreenColors, Watch};
    use std::sync::Arc;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{Event, HtmlCanvasElement, WebGl2RenderingContext, WebglLoseContext};

    const LOST_EVENT: &str = "webglcontextlost";

    #[derive(Debug)]
    pub struct Canvas {
        canvas: HtmlCanvasElement,
        gl: Option<WebGl2RenderingContext>,
        on_lost: Closure<dyn FnMut(Event)>,
    }

    impl Canvas {
        pub fn new(canvas: HtmlCanvasElement, backend: Backend, watch: Arc<Watch>) -> Self {
            let on_lost = Closure::new(move |_: Event| {
                watch.declare_lost("the canvas has lost its context");
            });
            let gl = (backend == Backend::WebGl2)
                .then(|| canvas.get_context("webgl2").ok().flatten())
                .flatten()
                .and_then(|context| context.dyn_into().ok());
            let _ = canvas
                .add_event_listener_with_callback(LOST_EVENT, on_lost.as_ref().unchecked_ref());
            Self {
                canvas,
                gl,
                on_lost,
            }
        }

        /// Known at once, while the event comes later.
        pub fn is_lost(&self) -> bool {
            self.gl
                .as_ref()
                .is_some_and(WebGl2RenderingContext::is_context_lost)
        }

        /// Sets the colours of a WebGL context; false where there is none.
        pub fn set_colors(&self, colors: ScreenColors) -> bool {
            let name = match colors {
                ScreenColors::Srgb => "srgb",
                ScreenColors::DisplayP3 => "display-p3",
            };
            self.gl.as_ref().is_some_and(|gl| {
                // Where the browser has no such attribute this makes one that means nothing.
                let _ = js_sys::Reflect::set(gl, &"drawingBufferColorSpace".into(), &name.into());
                true
            })
        }

        /// Loses a WebGL context; false where there is none.
        pub fn lose(&self) -> bool {
            let extension = self
                .gl
                .as_ref()
                .and_then(|gl| gl.get_extension("WEBGL_lose_context").ok().flatten());
            let Some(extension) = extension else {
                return false;
            };
            extension
                .unchecked_into::<WebglLoseContext>()
                .lose_context();
            true
        }
    }

    impl Drop for Canvas {
        fn drop(&mut self) {
            let _ = self.canvas.remove_event_listener_with_callback(
                LOST_EVENT,
                self.on_lost.as_ref().unchecked_ref(),
            );
        }
    }
}
