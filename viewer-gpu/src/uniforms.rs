//! The uniform buffer: one `ViewUniforms` of `shaders/common.wgsl` a viewport.

use crate::tiles::Tiles;
use viewer_core::pixel::{FrameParams, Mask, RenderPlan, ShadeTable, mask};

/// Distance of two viewports' uniforms in bytes: the alignment of dynamic offsets that every adapter grants.
pub const STRIDE_BYTES: u32 = 256;

/// Bytes that a viewport's shader sees: one `ViewUniforms`, which has 112, or the larger `PlaneUniforms`.
pub const SIZE_BYTES: u64 = crate::plane_uniforms::SIZE_BYTES;

const FLAG_INTERPOLATE: u32 = 1;
const FLAG_INVERSE: u32 = 2;
const FLAG_OVERLAYS: u32 = 4;
const TILE_SHIFT: u32 = 16;

/// Shape of a frame that a viewport shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameShape {
    pub columns: u32,
    pub rows: u32,
    /// Where it is larger than a texture may be.
    pub tiles: Option<Tiles>,
}

/// Appends one viewport's uniforms, and bytes up to the next one's.
pub fn push(
    bytes: &mut Vec<u8>,
    plan: &RenderPlan,
    params: &FrameParams,
    shape: FrameShape,
    origin: [u32; 2],
) {
    let end = bytes.len() + STRIDE_BYTES as usize;
    let halves = mask::footprint(&plan.grid);
    for (axis, half) in [plan.grid.column, plan.grid.row].into_iter().zip(halves) {
        let [x, y, start] = axis.map(split);
        for word in [x[0], y[0], start[0], 0, x[1], y[1], start[1], half] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }
    let mut flags = 0;
    if plan.interpolate {
        flags |= FLAG_INTERPOLATE;
    }
    if plan.inverse {
        flags |= FLAG_INVERSE;
    }
    if params.shows_overlays {
        flags |= FLAG_OVERLAYS;
    }
    flags |= shape.tiles.map_or(0, |tiles| tiles.shift()) << TILE_SHIFT;
    let last_word = plan.table.as_ref().map_or(0, ShadeTable::last);
    let shutter = params.mask.as_ref().map_or(0, Mask::shutter_level);
    let words = [
        origin[0],
        origin[1],
        shape.columns,
        shape.rows,
        plan.padding[0],
        plan.padding[1],
        flags,
        plan.kind.sign_bit(),
        plan.ramp.pivot,
        plan.ramp.scale.to_bits(),
        plan.ramp.offset.to_bits(),
        last_word | u32::from(shutter) << 24,
    ];
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.resize(end, 0);
}

/// Whole part and part after the point of a number with 32 fractional bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the two halves of 64 bits"
)]
pub fn split(fixed: i64) -> [u32; 2] {
    [(fixed >> 32) as u32, fixed as u32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use viewer_core::pixel::{PixelKind, Presentation, SampleType};

    #[test]
    fn a_viewport_fills_its_stride_and_numbers_lie_where_the_shader_reads_them() {
        let params = FrameParams {
            pixel_from_canvas: [0.5, 0.0, 0.0, -0.25, -1.5, 7.0],
            presentation: Presentation::Inverse,
            ..FrameParams::default()
        };
        let plan = RenderPlan::new(PixelKind::grey(SampleType::I16), &params);
        let shape = FrameShape {
            columns: 512,
            rows: 256,
            tiles: None,
        };
        let mut bytes = vec![9; 256];
        push(&mut bytes, &plan, &params, shape, [3, 4]);
        assert_eq!(bytes.len(), 512);
        let word = |index: usize| {
            let at = 256 + 4 * index;
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        assert_eq!([word(0), word(4)], [0, 0x8000_0000]);
        assert_eq!([word(2), word(6)], [u32::MAX - 1, 0x8000_0000]);
        assert_eq!([word(9), word(13)], [u32::MAX, 0xc000_0000]);
        assert_eq!([word(10), word(14)], [7, 0]);
        assert_eq!([word(7), word(15)], [0x4000, 0x2000]);
        assert_eq!([word(16), word(17), word(18), word(19)], [3, 4, 512, 256]);
        assert_eq!([word(22), word(23)], [3, 0x8000]);
        assert_eq!(word(24), 0x8000 << 16);
    }
}
