//! What gestures and keys mean, and what the corners of a viewport say. Pure functions.

pub mod crosshair;
pub mod marks;
pub mod overlay;
pub mod probe;
pub mod window_level;

pub use marks::{LoadCount, Mark, MarkKind};
pub use overlay::{CornerText, Corners, Line, Span};
pub use probe::Probe;
pub use window_level::{Preset, WindowSource};
