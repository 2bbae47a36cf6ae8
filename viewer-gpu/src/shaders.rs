//! The WGSL sources, put together in the order in which they build on each other, and their entry points.

use viewer_core::pixel::{RenderPlan, SampleKind};

/// Everything that draws a 2-D frame.
pub const FRAME: &str = concat!(
    include_str!("../../shaders/common.wgsl"),
    include_str!("../../shaders/voi.wgsl"),
    include_str!("../../shaders/frame.wgsl"),
);

/// The vertex entry point.
pub const COVER: &str = "cover";

/// Fragment entry point of `frame.wgsl` that draws a frame as planned.
pub fn frame_entry(plan: &RenderPlan, is_colour: bool) -> &'static str {
    match plan.kind {
        _ if is_colour && plan.interpolate => "colour_bilinear",
        _ if is_colour => "colour_nearest",
        SampleKind::Narrow { .. } if !plan.interpolate => "narrow_nearest",
        SampleKind::Narrow { .. } if plan.has_padding() => "narrow_padded",
        SampleKind::Narrow { .. } => "narrow_bilinear",
        SampleKind::Wide { .. } => "wide",
        SampleKind::Float => "single",
    }
}
