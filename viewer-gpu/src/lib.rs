//! Draws frames, and planes through volumes, on the GPU: raw stored bits in, the grey-scale chain in the shader.
//!
//! A host makes a [`Context`] for its canvas, a [`Renderer`], a [`TextureCache`] and a [`VolumeCache`]; it uploads
//! decoded frames and slices and draws [`Scene`]s. The same maths on the processor is `viewer_core::pixel::cpu_render`
//! and `viewer_core::volume::Sampler`; the tests `gpu_matches_cpu` and `planes_match_cpu` hold the two together. When
//! the device is lost, the host drops all four and makes new ones. No type of wgpu is part of this crate's interface.

pub mod context;
mod extras;
mod filter;
pub mod frame_renderer;
mod loss;
mod plane_uniforms;
mod plane_way;
mod planes;
mod program;
mod readback;
pub mod scene;
mod shaders;
#[cfg(feature = "test-scenes")]
pub mod test_scenes;
mod texels;
pub mod texture_cache;
mod tiles;
mod uniforms;
pub mod volume_cache;

pub use context::{Backend, Context, ContextError, PROBE_COLOUR};
pub use frame_renderer::{DrawError, DrawOutcome, Renderer};
pub use scene::{Content, Scene, SceneViewport};
pub use texture_cache::{TextureCache, UploadError};
pub use volume_cache::{PlaneProgress, VolumeCache};
