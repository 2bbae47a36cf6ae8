//! Pixels: how they are stored, and the way from a stored value to a grey on screen.
//!
//! The order is that of PS3.3: stored value → [`modality`] → [`voi`] → [`presentation`]. [`cpu_render`]
//! draws a frame with it; `shaders/frame.wgsl` is the same maths on the GPU.

pub mod cpu_render;
pub mod format;
pub mod modality;
pub mod presentation;
pub mod voi;

pub use cpu_render::{Background, FrameParams, FrameView};
pub use format::{Frame, Photometric, PixelFormat, SampleType};
pub use modality::{ModalityLut, PaddingRange};
pub use presentation::Presentation;
pub use voi::{VoiLut, Window};
