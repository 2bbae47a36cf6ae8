//! The uniforms of a viewport that shows a plane: one `PlaneUniforms` of `shaders/mpr.wgsl`.
//!
//! Positions are computed as `viewer_core::volume::Sampler` does, so that both agree in every bit.

use crate::uniforms::{STRIDE_BYTES, split};
use glam::DVec3;
use viewer_core::geometry::ViewPlaneError;
use viewer_core::pixel::{Ramp, RenderPlan, ShadeTable};
use viewer_core::volume::PlaneParams;

/// Bytes of one `PlaneUniforms`.
pub const SIZE_BYTES: u64 = 176;

const FLAG_INVERSE: u32 = 2;

/// Half of the last bit that stays of a position.
const HALF: i64 = 0x8000;

/// Steps beyond this many voxels are cut: nothing could be recognised.
const MAX_STEP: f64 = 8191.0;

/// Starts beyond this are cut: no volume has so many voxels.
const MAX_START: f64 = 268_435_456.0;

/// Where samples lie, with 32 fractional bits: a step to the right, down and to the next plane, and the first sample of the
/// first plane, with half of the last bit that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneAxes {
    /// For columns, rows, and slices or mm along uneven slices.
    pub axes: [[i64; 4]; 3],
    /// Planes of the slab, at least 1.
    pub planes: u32,
}

impl PlaneAxes {
    /// Those of a plane.
    ///
    /// # Errors
    /// A slab of too many planes.
    pub fn new(params: &PlaneParams) -> Result<Self, ViewPlaneError> {
        let PlaneParams { grid, plane, .. } = params;
        let [width, height] = params.size;
        let (beside, step_mm) = match &plane.slab {
            Some(slab) => slab.planes_beside(grid.default_slab_step_mm())?,
            None => (0, 0.0),
        };
        let units = DVec3::new(1.0, 1.0, grid.even_step_mm().map_or(1.0, f64::recip));
        let grid_from_patient = grid.grid_from_patient();
        let vector = |mm: DVec3| grid_from_patient.transform_vector3(mm) * units;
        let start = plane.patient_from_canvas(0.0, 0.0, width, height);
        let start = grid_from_patient.transform_point3(start) * units;
        let per_x = vector(plane.row * plane.pixel_mm);
        let per_y = vector(plane.column * plane.pixel_mm);
        let per_plane = vector(plane.normal() * step_mm);
        let axes = [0, 1, 2].map(|axis| {
            let per_plane = fixed(per_plane[axis], MAX_STEP);
            let first = fixed(start[axis], MAX_START) - per_plane * i64::from(beside) + HALF;
            [
                fixed(per_x[axis], MAX_STEP),
                fixed(per_y[axis], MAX_STEP),
                per_plane,
                first,
            ]
        });
        Ok(Self {
            axes,
            planes: 2 * beside + 1,
        })
    }
}

/// What a volume's voxels are to the shader.
#[derive(Debug, Clone, Copy)]
pub struct VoxelShape {
    /// Columns, rows and slices.
    pub size: [u32; 3],
    /// The bit whose flip makes the order that of unsigned numbers.
    pub sign_bit: u32,
    /// From modality values to what is mixed: factor and summand.
    pub coarse_line: [f32; 2],
    /// Base 2 logarithms of the coarse level's factors.
    pub coarse_shifts: [u32; 3],
    /// Where a maximum or minimum begins and where it ends: nothing else is seen.
    pub ends: [f32; 2],
}

/// Appends one viewport's uniforms, and bytes up to the next one's.
pub fn push(
    bytes: &mut Vec<u8>,
    axes: &PlaneAxes,
    shape: &VoxelShape,
    (plan, ramp): (&RenderPlan, &Ramp),
    origin: [u32; 2],
) {
    let end = bytes.len() + STRIDE_BYTES as usize;
    let mut put = |word: u32| bytes.extend_from_slice(&word.to_le_bytes());
    for axis in axes.axes {
        let halves = axis.map(split);
        halves.iter().for_each(|[whole, _]| put(*whole));
        halves.iter().for_each(|[_, part]| put(*part));
    }
    let [x, y, z] = shape.coarse_shifts;
    let flags = if plan.inverse { FLAG_INVERSE } else { 0 };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the shader computes in single precision"
    )]
    let [column_part, row_part, slice_part] = shape.size.map(|side| (1.0 / f64::from(side)) as f32);
    let words = [
        origin[0],
        origin[1],
        axes.planes,
        flags,
        shape.size[0],
        shape.size[1],
        shape.size[2],
        plan.table.as_ref().map_or(0, ShadeTable::last),
        ramp.pivot,
        ramp.scale.to_bits(),
        ramp.offset.to_bits(),
        shape.sign_bit,
        shape.coarse_line[0].to_bits(),
        shape.coarse_line[1].to_bits(),
        x | y << 8 | z << 16,
        shape.ends[1].to_bits(),
        column_part.to_bits(),
        row_part.to_bits(),
        slice_part.to_bits(),
        shape.ends[0].to_bits(),
    ];
    words.into_iter().for_each(put);
    bytes.resize(end, 0);
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "cut to 2 to the 28th before, so the product has at most 60 bits"
)]
fn fixed(number: f64, limit: f64) -> i64 {
    (number.clamp(-limit, limit) * 4_294_967_296.0).round() as i64
}
