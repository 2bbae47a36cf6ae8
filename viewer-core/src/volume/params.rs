//! What a renderer is given to draw a plane through a volume: the same for the shader and for its twin.

use super::{Interpolation, VolumeGrid};
use crate::geometry::ViewPlane;
use crate::pixel::{Presentation, VoiLut};
use std::sync::Arc;

/// Everything that turns a plane through a volume into pixels of a viewport.
///
/// Modality values come first (each slice by its own rescale), then they are mixed, then come VOI and presentation.
/// Outside the volume is background, opaque black.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaneParams {
    /// Where the voxels lie.
    pub grid: Arc<VolumeGrid>,
    /// The plane. Its centre lies in the middle of the viewport, its slab may be several planes thick.
    pub plane: ViewPlane,
    /// Canvas pixels of the viewport.
    pub size: [u32; 2],
    /// Between voxels.
    pub interpolation: Interpolation,
    /// Modality values to grey.
    pub voi: VoiLut,
    /// Grey to P-Values.
    pub presentation: Presentation,
}

/// Grey levels of the hatching where slices that are needed will never come: ground and lines.
pub const HATCH_LEVELS: [u8; 2] = [24, 88];

/// True where a canvas pixel, counted from the viewport's first, lies on a line of the hatching: lines of 2 pixels, 12
/// apart, from bottom left to top right.
pub fn is_hatched(x: u32, y: u32) -> bool {
    (x + y) % 12 < 2
}

#[cfg(test)]
mod tests {
    use super::is_hatched;

    #[test]
    fn hatching_rises_to_the_right() {
        assert!(is_hatched(12, 0) && is_hatched(11, 1) && is_hatched(0, 13));
        assert!(!is_hatched(2, 0) && !is_hatched(11, 0));
    }
}
