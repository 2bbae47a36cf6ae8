//! The WGSL sources, put together in the order in which they build on each other, and their entry points.

use viewer_core::pixel::icc::ScreenColors;
use viewer_core::pixel::{ColorModel, FrameParams, RenderPlan, SampleKind, Shade};

/// Files of `shaders`, without comments: `build.rs` takes them out.
macro_rules! sources {
    ($($name:literal),+) => {
        concat!($(include_str!(concat!(env!("OUT_DIR"), "/", $name, ".wgsl"))),+)
    };
}

/// Everything that draws a 2-D frame.
pub const FRAME: &str = sources!("common", "voi", "pixels", "frame");

/// The same for frames that are cut into tiles.
pub const TILED_FRAME: &str = sources!("common", "voi", "pixels_tiled", "frame");

/// Everything that draws a plane through a volume in one piece.
pub const PLANE: &str = sources!("mpr", "voi", "slices", "voxels");

/// The same where the graphics card mixes voxels.
pub const MIXED_PLANE: &str = sources!("mpr", "voi", "slices", "voxels_mixed");

/// How well the graphics card mixes.
pub const MIXING: &str = sources!("mixing");

/// The same for volumes in bricks.
pub const BRICKED_PLANE: &str = sources!("mpr", "voi", "slices", "voxels_bricked");

/// The vertex entry point.
pub const COVER: &str = "cover";

/// Fragment entry point of `frame.wgsl` that draws overlay planes and shutter.
pub const MASK: &str = "mask";

/// How a frame is drawn: everything that a pipeline is built for, but the format drawn on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// Fragment entry point.
    pub entry: &'static str,
    /// Value of the override `SHADE`.
    pub shade: f64,
    /// Value of the override `COLOR`.
    pub color: f64,
    /// Value of the override `WIDEN`.
    pub widen: f64,
    /// Frame and mask are cut into tiles: [`TILED_FRAME`] draws them.
    pub is_tiled: bool,
}

impl Way {
    /// The way of a plan.
    pub fn of(plan: &RenderPlan, is_color: bool) -> Self {
        Self {
            entry: frame_entry(plan, is_color),
            shade: match plan.shade {
                Shade::Ramp | Shade::Colors => 0.0,
                Shade::Logistic => 1.0,
                Shade::Table => 2.0,
            },
            color: match plan.color {
                ColorModel::Rgb | ColorModel::DisplayP3 => 0.0,
                ColorModel::YbrFull => 1.0,
                ColorModel::YbrPartial => 2.0,
            },
            widen: f64::from(plan.widens),
            is_tiled: false,
        }
    }

    /// The same way for a frame that is cut into tiles, or is not.
    pub fn over_tiles(self, is_tiled: bool) -> Self {
        Self { is_tiled, ..self }
    }

    /// The way of overlay planes and shutters.
    pub fn of_mask(params: &FrameParams) -> Self {
        Self {
            entry: MASK,
            shade: 0.0,
            color: 0.0,
            widen: f64::from(params.target == ScreenColors::DisplayP3),
            is_tiled: false,
        }
    }
}

fn frame_entry(plan: &RenderPlan, is_color: bool) -> &'static str {
    match plan.kind {
        _ if is_color && plan.interpolate => "colour_bilinear",
        _ if is_color => "colour_nearest",
        _ if plan.shade == Shade::Colors && plan.interpolate => "palette_bilinear",
        _ if plan.shade == Shade::Colors => "palette_nearest",
        SampleKind::Narrow { .. } if !plan.interpolate => "narrow_nearest",
        SampleKind::Narrow { .. } if plan.has_padding() => "narrow_padded",
        SampleKind::Narrow { .. } => "narrow_bilinear",
        SampleKind::Wide { .. } => "wide",
        SampleKind::Float => "single",
    }
}
