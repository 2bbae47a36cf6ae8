//! Pixels: how they are stored, and the way from a stored value to a grey on screen.
//!
//! The order is that of PS3.3: stored value → [`modality`] → [`voi`] → [`presentation`]. [`cpu_render`]
//! draws a frame with it; `shaders/frame.wgsl` is the same maths on the GPU. Both start from one
//! [`RenderPlan`]: a [`grid`] of whole numbers and a [`ramp`] that is modality and VOI in one.

mod canvas;
pub mod color;
pub mod cpu_render;
mod cpu_rows;
pub mod format;
pub mod gamut;
pub mod grid;
pub mod icc;
pub mod lut;
pub mod mask;
pub mod modality;
pub mod palette;
pub mod presentation;
pub mod ramp;
pub mod render_plan;
pub mod shade_table;
pub mod voi;

pub use color::ColorModel;
pub use cpu_render::{FrameParams, FrameView};
pub use format::{Frame, Photometric, PixelFormat, SampleType};
pub use lut::{Lut, LutDescriptor, LutError};
pub use mask::{Mask, OverlayBits, Shutter, ShutterShape};
pub use modality::{ModalityLut, PaddingRange};
pub use palette::Palette;
pub use presentation::Presentation;
pub use ramp::{Ramp, SampleKind};
pub use render_plan::{PixelKind, RenderPlan};
pub use shade_table::{Shade, ShadeTable};
pub use voi::{VoiFunction, VoiLut, Window};
