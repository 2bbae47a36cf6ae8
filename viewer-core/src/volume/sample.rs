//! Planes and slabs of modality values out of a volume's slices: trilinear, on the processor.
//!
//! The twin of `shaders/mpr.wgsl`, and what is drawn without a GPU. Stored values are rescaled slice by slice
//! before slices are mixed (PET). Positions are fixed-point numbers as in [`crate::pixel::grid`]: 32
//! fractional bits, rounded to 16 for the weights, so a sample lies within 1/131072 of a voxel of its place.
//!
//! Outside the box of voxel centres is NaN, never the clamped edge. Where a slice is needed that is not here, the
//! value is [`ABSENT`], a NaN that can be told from the other, and so is a slab with such a sample: a part of a
//! slab is no value. Positions on a slice need that slice alone.

use super::kernel::{self, Stored, View};
use super::{Slices, VolumeGrid};
use crate::geometry::{Projection, ViewPlane, ViewPlaneError};
use crate::pixel::grid::MAX_CANVAS_SIDE;
use crate::pixel::{ModalityLut, SampleType};
use glam::DVec3;
use std::ops::Range;

/// The value where a slice is needed that is not here: a NaN, known by its bits.
pub const ABSENT: f32 = f32::from_bits(0x7FC0_0001);

/// True for [`ABSENT`] alone.
pub fn is_absent(value: f32) -> bool {
    value.to_bits() == ABSENT.to_bits()
}

/// Why a plane cannot be sampled.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// A viewport larger than any.
    #[error("the plane has {width} x {height} samples, at most {MAX_CANVAS_SIDE} a side")]
    Canvas {
        /// Samples across.
        width: u32,
        /// Samples down.
        height: u32,
    },
    /// A slab with too many planes.
    #[error(transparent)]
    Slab(#[from] ViewPlaneError),
}

/// How a value between voxels is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Interpolation {
    /// From the eight voxels around.
    #[default]
    Trilinear,
    /// The nearest voxel's, a half going up: labels.
    Nearest,
}

/// One coordinate of a sample, with 32 fractional bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub per_x: i64,
    pub per_y: i64,
    pub per_plane: i64,
    pub start: i64,
}

/// From the third coordinate to slices.
#[derive(Debug, Clone)]
pub(super) enum Ladder {
    /// The coordinate counts slices.
    Even,
    /// The coordinate is mm along the slices; positions of slices with 16 fractional bits.
    Uneven(Vec<i64>),
}

/// A plane through a volume, ready to be sampled row by row.
#[derive(Debug)]
pub struct Sampler<'a> {
    slices: &'a Slices,
    interpolation: Interpolation,
    width: u32,
    height: u32,
    axes: [Axis; 3],
    ladder: Ladder,
    planes_beside: i64,
    projection: Projection,
}

impl<'a> Sampler<'a> {
    /// A viewport of `width` x `height` samples on a plane; `slices` are those of the grid.
    ///
    /// # Errors
    /// When a side has more than [`MAX_CANVAS_SIDE`] samples, or the slab too many planes.
    pub fn new(
        grid: &VolumeGrid,
        slices: &'a Slices,
        plane: &ViewPlane,
        [width, height]: [u32; 2],
    ) -> Result<Self, SampleError> {
        if width.max(height) > MAX_CANVAS_SIDE {
            return Err(SampleError::Canvas { width, height });
        }
        let (planes_beside, step_mm) = match &plane.slab {
            Some(slab) => slab.planes_beside(grid.default_slab_step_mm())?,
            None => (0, 0.0),
        };
        let ladder = match grid.even_step_mm() {
            Some(_) => Ladder::Even,
            None => Ladder::Uneven(
                grid.slice_positions_mm()
                    .iter()
                    .map(|mm| sixteen(*mm))
                    .collect(),
            ),
        };
        let units = DVec3::new(1.0, 1.0, grid.even_step_mm().map_or(1.0, f64::recip));
        let grid_from_patient = grid.grid_from_patient();
        let vector = |mm: DVec3| grid_from_patient.transform_vector3(mm) * units;
        let start = plane.patient_from_canvas(0.0, 0.0, width, height);
        let start = grid_from_patient.transform_point3(start) * units;
        let per_x = vector(plane.row * plane.pixel_mm);
        let per_y = vector(plane.column * plane.pixel_mm);
        let per_plane = vector(plane.normal() * step_mm);
        let axes = [0, 1, 2].map(|axis| Axis {
            per_x: fixed(per_x[axis], MAX_STEP),
            per_y: fixed(per_y[axis], MAX_STEP),
            per_plane: fixed(per_plane[axis], MAX_STEP),
            start: fixed(start[axis], MAX_START),
        });
        Ok(Self {
            slices,
            interpolation: Interpolation::Trilinear,
            width,
            height,
            axes,
            ladder,
            planes_beside: planes_beside.into(),
            projection: plane.slab.map_or(Projection::Mean, |slab| slab.projection),
        })
    }

    /// With another interpolation.
    #[must_use]
    pub fn with(self, interpolation: Interpolation) -> Self {
        Self {
            interpolation,
            ..self
        }
    }

    /// Writes rows of the viewport, those of `rows` that it has, one after the other to `out`. Stops where `out`
    /// is full.
    pub fn rows(&self, rows: Range<u32>, out: &mut [f32]) {
        match self.narrow_type() {
            Some(SampleType::U8) => self.narrow::<u8>(rows, out),
            Some(SampleType::I8) => self.narrow::<i8>(rows, out),
            Some(SampleType::U16) => self.narrow::<u16>(rows, out),
            Some(SampleType::I16) => self.narrow::<i16>(rows, out),
            _ => {
                let slices: Vec<_> = self.slices.iter().collect();
                let shape = self.slices.size();
                self.each_row(rows, out, |line, row| match self.interpolation {
                    Interpolation::Trilinear => kernel::wide(&slices, shape, line, row),
                    Interpolation::Nearest => kernel::nearest(&slices, shape, line, row),
                });
            }
        }
    }

    /// The type of all slices, where it has 8 or 16 bits and all are rescaled by a line.
    fn narrow_type(&self) -> Option<SampleType> {
        if self.interpolation == Interpolation::Nearest {
            return None;
        }
        let mut here = self.slices.iter().flatten();
        let first = here.next()?;
        let kind = first.sample_type();
        let is_plain = |slice: &super::Slice| {
            slice.sample_type() == kind && matches!(slice.modality(), ModalityLut::Rescale { .. })
        };
        (kind.size_bytes() <= 2 && is_plain(first) && here.all(is_plain)).then_some(kind)
    }

    fn narrow<T: Stored>(&self, rows: Range<u32>, out: &mut [f32]) {
        let views: Vec<Option<View<'_, T>>> = self
            .slices
            .iter()
            .map(|slice| slice.and_then(View::of))
            .collect();
        let shape = self.slices.size();
        self.each_row(rows, out, |line, row| {
            kernel::narrow(&views, shape, line, row);
        });
    }

    /// Calls `sample` for each row, or for each row of each plane of a slab.
    fn each_row(&self, rows: Range<u32>, out: &mut [f32], sample: impl Fn(&Line<'_>, &mut [f32])) {
        let width = self.width as usize;
        if width == 0 {
            return;
        }
        let rows = rows.start.min(self.height)..rows.end.min(self.height);
        let mut slab = (self.planes_beside > 0).then(|| SlabRow::new(self.projection, width));
        for (y, row) in rows.zip(out.chunks_exact_mut(width)) {
            let Some(slab) = &mut slab else {
                sample(&self.line(y, 0), row);
                continue;
            };
            slab.clear();
            for plane in -self.planes_beside..=self.planes_beside {
                sample(&self.line(y, plane), row);
                slab.add(row);
            }
            slab.write(row);
        }
    }

    fn line(&self, y: u32, plane: i64) -> Line<'_> {
        let at =
            |axis: &Axis| axis.start + axis.per_y * i64::from(y) + axis.per_plane * plane + HALF;
        Line {
            first: [0, 1, 2].map(|axis| at(&self.axes[axis])),
            step: [0, 1, 2].map(|axis| self.axes[axis].per_x),
            ladder: &self.ladder,
        }
    }
}

/// One row of samples: its first position and the step to the next, with 32 fractional bits; half of the 16th bit is
/// added already, so that a shift rounds.
pub(super) struct Line<'a> {
    pub first: [i64; 3],
    pub step: [i64; 3],
    pub ladder: &'a Ladder,
}

/// All samples of a plane, rows from the top.
///
/// # Errors
/// When a side has more than [`MAX_CANVAS_SIDE`] samples, or the slab too many planes.
pub fn plane_values(
    grid: &VolumeGrid,
    slices: &Slices,
    plane: &ViewPlane,
    size: [u32; 2],
) -> Result<Vec<f32>, SampleError> {
    let sampler = Sampler::new(grid, slices, plane, size)?;
    let mut values = vec![f32::NAN; size[0] as usize * size[1] as usize];
    sampler.rows(0..size[1], &mut values);
    Ok(values)
}

/// A row of a slab while its planes are added.
struct SlabRow {
    projection: Projection,
    sums: Vec<f64>,
    counts: Vec<u32>,
}

/// A count that says that a slice was absent.
const SPOILT: u32 = u32::MAX;

impl SlabRow {
    fn new(projection: Projection, width: usize) -> Self {
        Self {
            projection,
            sums: vec![0.0; width],
            counts: vec![0; width],
        }
    }

    fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// Adds one plane's values; those outside do not count.
    fn add(&mut self, values: &[f32]) {
        let cells = self.sums.iter_mut().zip(&mut self.counts);
        for ((sum, count), value) in cells.zip(values) {
            if value.is_nan() {
                if is_absent(*value) {
                    *count = SPOILT;
                }
                continue;
            }
            let value = f64::from(*value);
            match (*count, self.projection) {
                (SPOILT, _) => continue,
                (0, _) => *sum = value,
                (_, Projection::Mip) => *sum = sum.max(value),
                (_, Projection::MinIp) => *sum = sum.min(value),
                (_, Projection::Mean) => *sum += value,
            }
            *count += 1;
        }
    }

    fn write(&self, row: &mut [f32]) {
        for ((sum, count), value) in self.sums.iter().zip(&self.counts).zip(row) {
            *value = match (*count, self.projection) {
                (SPOILT, _) => ABSENT,
                (0, _) => f32::NAN,
                (count, Projection::Mean) => narrowed(sum / f64::from(count)),
                _ => narrowed(*sum),
            };
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "values are given as f32")]
fn narrowed(value: f64) -> f32 {
    value as f32
}

/// Half of the last bit that stays of a position.
const HALF: i64 = 0x8000;

/// Steps beyond this many voxels are cut: nothing could be recognised.
const MAX_STEP: f64 = 8191.0;

/// Starts beyond this are cut: no volume has so many voxels.
const MAX_START: f64 = 268_435_456.0;

#[expect(
    clippy::cast_possible_truncation,
    reason = "cut to 2 to the 28th before, so the product has at most 60 bits"
)]
fn fixed(number: f64, limit: f64) -> i64 {
    (number.clamp(-limit, limit) * 4_294_967_296.0).round() as i64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "positions are within a thousand kilometres"
)]
fn sixteen(mm: f64) -> i64 {
    (mm * 65_536.0).round() as i64
}

#[cfg(test)]
#[path = "sample_tests.rs"]
mod tests;
