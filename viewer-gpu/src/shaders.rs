//! The WGSL sources, put together in the order in which they build on each other.

/// Everything that draws a 2-D frame.
pub const FRAME: &str = concat!(
    include_str!("../../shaders/common.wgsl"),
    include_str!("../../shaders/voi.wgsl"),
    include_str!("../../shaders/frame.wgsl"),
);
