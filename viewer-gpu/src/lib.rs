//! Draws frames on the GPU: raw stored bits in, the grey-scale chain in the shader.
//!
//! A host makes a [`Context`] for its canvas, a [`Renderer`] and a [`TextureCache`]; it uploads decoded
//! frames and draws [`Scene`]s. The same maths on the processor is `viewer_core::pixel::cpu_render`; the
//! test `gpu_matches_cpu` holds the two together. When the device is lost, the host drops all three and
//! makes new ones. No type of wgpu is part of this crate's interface.

pub mod context;
mod extras;
pub mod frame_renderer;
mod loss;
mod readback;
pub mod scene;
mod shaders;
#[cfg(feature = "test-scenes")]
pub mod test_scenes;
mod texels;
pub mod texture_cache;
mod tiles;
mod uniforms;

pub use context::{Backend, Context, ContextError, PROBE_COLOUR};
pub use frame_renderer::{DrawError, DrawOutcome, Renderer};
pub use scene::{Scene, SceneViewport};
pub use texture_cache::{TextureCache, UploadError};
