//! Planes and slabs of modality values out of a volume's slices: trilinear, on the processor.
//!
//! The twin of `shaders/mpr.wgsl`, and what is drawn without a GPU. Stored values are rescaled slice by slice
//! before slices are mixed (PET). Positions are fixed-point numbers as in [`crate::pixel::grid`]: 32
//! fractional bits, rounded to 16 for the weights, so a sample lies within 1/131072 of a voxel of its place.
//!
//! Outside the box of voxel centres is NaN, never the clamped edge. Where a slice is needed that will never come, the
//! value is [`ABSENT`], a NaN that can be told from the other, and so is a slab with such a sample: a part of a
//! slab is no value. Positions on a slice need that slice alone. Slices on their way are bridged
//! ([`super::presence`]).

use super::aligned::RowSource;
use super::cells::Cells;
use super::kernel::{Kernel, Narrow, Nearest, Place, Wide};
use super::ladder::{Ladder, Mixed, Rungs, Steps};
use super::line::{Line, place, split};
use super::slab::{self, Voxels};
use super::{PlaneParams, Presence, Slices, VolumeGrid};
use crate::geometry::{Projection, ViewPlane, ViewPlaneError};
use crate::pixel::grid::{FRACTION_BITS, MAX_CANVAS_SIDE};
use crate::pixel::{ModalityLut, SampleType};
use glam::DVec3;
use std::ops::{Range, RangeInclusive};
use std::sync::OnceLock;

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
struct Axis {
    per_x: i64,
    per_y: i64,
    per_plane: i64,
    start: i64,
}

/// A plane through a volume, ready to be sampled row by row.
#[derive(Debug, Clone)]
pub struct Sampler<'a> {
    slices: &'a Slices,
    rungs: Rungs,
    has_gaps: bool,
    interpolation: Interpolation,
    width: u32,
    height: u32,
    axes: [Axis; 3],
    ladder: Ladder,
    /// First and last rounded position inside, along each axis.
    limits: Option<[[i64; 2]; 3]>,
    planes_beside: i64,
    projection: Projection,
    cells: OnceLock<Cells>,
}

impl<'a> Sampler<'a> {
    /// A viewport of `width` x `height` samples on a plane; `slices` are those of the grid. Slices that are not here count
    /// as such that will never come, unless [`Sampler::with_presence`] says otherwise.
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
        let ladder = Ladder::new(grid, slices.count());
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
        let rungs = Rungs::new(slices, None);
        Ok(Self {
            slices,
            has_gaps: rungs.has_gaps(),
            rungs,
            interpolation: Interpolation::Trilinear,
            width,
            height,
            axes,
            limits: limits(slices, &ladder),
            ladder,
            planes_beside: planes_beside.into(),
            projection: plane.slab.map_or(Projection::Mean, |slab| slab.projection),
            cells: OnceLock::new(),
        })
    }

    /// The sampler of a viewport.
    ///
    /// # Errors
    /// As [`Sampler::new`].
    pub fn of(
        params: &PlaneParams,
        slices: &'a Slices,
        presence: &Presence,
    ) -> Result<Self, SampleError> {
        let sampler = Self::new(&params.grid, slices, &params.plane, params.size)?;
        Ok(sampler.with(params.interpolation).with_presence(presence))
    }

    /// With another interpolation.
    #[must_use]
    pub fn with(self, interpolation: Interpolation) -> Self {
        Self {
            interpolation,
            ..self
        }
    }

    /// With what is known of slices that are not here: while they are on their way, samples are mixed from those around
    /// them, by slice index. A slice counts as here where `presence` says so and the sampler's slices have it.
    #[must_use]
    pub fn with_presence(self, presence: &Presence) -> Self {
        let rungs = Rungs::new(self.slices, Some(presence));
        Self {
            has_gaps: rungs.has_gaps(),
            rungs,
            cells: OnceLock::new(),
            ..self
        }
    }

    /// Only samples whose slice at or below them is one of `slices`; all others are as if outside ([`super::part`]).
    #[must_use]
    pub fn within(self, slices: Range<usize>) -> Self {
        let rungs = self.rungs.within(slices);
        // What lies elsewhere is not even looked at.
        let span = self.ladder.span(&rungs.range());
        let limits = self.limits.zip(span);
        Self {
            has_gaps: rungs.has_gaps(),
            rungs,
            limits: limits.map(|([columns, rows, _], span)| [columns, rows, span]),
            cells: OnceLock::new(),
            ..self
        }
    }

    /// False where no sample of these rows lies inside, near a slice of [`Sampler::within`].
    pub fn may_touch(&self, rows: Range<u32>) -> bool {
        let beside = self.planes_beside;
        let near = self.voxels(&(0..self.width()), &rows, -beside..=beside);
        near.is_some()
    }

    /// Writes rows of the viewport, those of `rows` that it has, one after the other to `out`. Stops where `out`
    /// is full.
    pub fn rows(&self, rows: Range<u32>, out: &mut [f32]) {
        let Some((rows, out)) = self.cut(rows, out) else {
            return;
        };
        self.each(Rows { rows, out });
    }

    /// The rows that the viewport has and `out` has room for.
    fn cut<'o, T>(&self, rows: Range<u32>, out: &'o mut [T]) -> Option<(Range<u32>, &'o mut [T])> {
        let width = self.width();
        let room = u32::try_from(out.len().checked_div(width)?).unwrap_or(u32::MAX);
        let start = rows.start.min(self.height);
        let end = rows.end.min(self.height).min(start.saturating_add(room));
        let end = end.max(start);
        Some((start..end, &mut out[..(end - start) as usize * width]))
    }

    /// Sums of rows of a mean, those of `rows` that the viewport has.
    pub(super) fn means(&self, rows: Range<u32>, take: impl FnMut(&slab::MeanRow)) {
        let end = rows.end.min(self.height);
        if self.width > 0 {
            self.each(Means {
                rows: rows.start..end,
                take,
            });
        }
    }

    /// Has rows written by the loop for the type of the slices.
    fn each(&self, target: impl Target) {
        let rungs = &self.rungs;
        let slices = self.slices;
        match self.narrow_type() {
            Some(SampleType::U8) => target.write(self, &Narrow::<u8>::new(slices, rungs)),
            Some(SampleType::I8) => target.write(self, &Narrow::<i8>::new(slices, rungs)),
            Some(SampleType::U16) => target.write(self, &Narrow::<u16>::new(slices, rungs)),
            Some(_) => target.write(self, &Narrow::<i16>::new(slices, rungs)),
            None => {
                let slices: Vec<_> = self.slices.iter().collect();
                let slices = slices.as_slice();
                match self.interpolation {
                    Interpolation::Trilinear => target.write(self, &Wide { slices, rungs }),
                    Interpolation::Nearest => target.write(self, &Nearest { slices, rungs }),
                }
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

    /// Samples across and down.
    pub(super) fn size(&self) -> [u32; 2] {
        [self.width, self.height]
    }

    /// Samples of a row.
    pub(super) fn width(&self) -> usize {
        self.width as usize
    }

    /// Planes on each side of the middle of the slab.
    pub(super) fn planes_beside(&self) -> i64 {
        self.planes_beside
    }

    /// What is shown of a slab.
    pub(super) fn projection(&self) -> Projection {
        self.projection
    }

    /// True where a sample may have no value because a slice will never come.
    pub(super) fn has_gaps(&self) -> bool {
        self.has_gaps
    }

    /// What cells could add to a slab.
    pub(super) fn cells(&self) -> &Cells {
        self.cells.get_or_init(|| {
            let slices: Vec<_> = self.slices.iter().collect();
            Cells::new(&slices, self.slices.size(), &self.rungs, self.projection)
        })
    }

    /// The line of samples of a row, from a column on.
    pub(super) fn line(&self, x: usize, y: u32, plane: i64) -> Line {
        let x = i64::try_from(x).unwrap_or(i64::MAX);
        Line {
            first: self.axes.map(|axis| {
                let row = axis.start + axis.per_y * i64::from(y) + axis.per_x * x;
                row + axis.per_plane * plane + HALF
            }),
            step: self.axes.map(|axis| axis.per_x),
        }
    }

    /// Columns of all rows of all planes: those inside, and the voxel at or before each with the weight of the next;
    /// `None` where a row of samples does not run along one row of voxels, or not the same columns in each.
    pub(super) fn columns(&self) -> Option<(Range<usize>, Vec<[u32; 2]>)> {
        let [column, row, slice] = self.axes;
        if [row.per_x, slice.per_x, column.per_y, column.per_plane] != [0; 4] {
            return None;
        }
        let line = self.line(0, 0, 0);
        let everywhere = [i64::MIN >> FRACTION_BITS, (i64::MAX >> FRACTION_BITS) - 1];
        let limits = [self.limits?[0], everywhere, everywhere];
        let inside = line.within(limits, self.width());
        let place = |x: usize| {
            let [at, ..] = line.from(x).first;
            let (voxel, fraction) = split(at >> FRACTION_BITS);
            [voxel, fraction]
        };
        Some((inside.clone(), inside.map(place).collect()))
    }

    /// The row of voxels and the slice at or below a row of samples of [`Sampler::columns`], with the weights of the next;
    /// `None` outside.
    pub(super) fn row_and_slice(&self, y: u32, plane: i64) -> Option<Place> {
        let [_, row, slice] = self.line(0, y, plane).first.map(|at| at >> FRACTION_BITS);
        let [_, rows, slices] = self.limits?;
        let is_in = |at: i64, [low, high]: [i64; 2]| (low..=high).contains(&at);
        if !is_in(row, rows) || !is_in(slice, slices) {
            return None;
        }
        let slice = match &self.ladder {
            Ladder::Even(_) => split(slice),
            Ladder::Uneven(positions) => Steps::new(positions, slice).split(slice),
        };
        Some(place((0, 0), split(row), slice))
    }

    /// True where the third coordinate counts slices.
    pub(super) fn is_even(&self) -> bool {
        matches!(self.ladder, Ladder::Even(_))
    }

    /// Slices that are here.
    pub(super) fn here(&self) -> impl Iterator<Item = usize> {
        let slices = self.slices.iter().enumerate();
        slices.filter_map(|(index, slice)| slice.map(|_| index))
    }

    /// What gives the value above a slice.
    pub(super) fn mixed(&self, place: &Place) -> Mixed {
        self.rungs.mixed(place.slice as usize, place.up)
    }

    /// Values along a line; NaN outside.
    #[inline]
    pub(super) fn row(&self, line: Line, out: &mut [f32], kernel: &impl Kernel) {
        let inside = self.inside(line, out.len());
        out[..inside.start].fill(f32::NAN);
        out[inside.end..].fill(f32::NAN);
        if !inside.is_empty() {
            self.run(line.from(inside.start), &mut out[inside], kernel);
        }
    }

    /// Which of the first samples of a line lie inside.
    #[inline]
    pub(super) fn inside(&self, line: Line, count: usize) -> Range<usize> {
        (self.limits).map_or(0..0, |limits| line.within(limits, count))
    }

    /// Values along a line that lies inside.
    #[inline]
    pub(super) fn run(&self, line: Line, out: &mut [f32], kernel: &impl Kernel) {
        match &self.ladder {
            Ladder::Even(_) => line.run(out, kernel, split),
            Ladder::Uneven(positions) => {
                let mut steps = Steps::new(positions, line.first[2] >> FRACTION_BITS);
                line.run(out, kernel, |position| steps.split(position));
            }
        }
    }

    /// The voxels at or before the samples of a part of the viewport and of the slab; `None` where all lie outside.
    pub(super) fn voxels(
        &self,
        columns: &Range<usize>,
        rows: &Range<u32>,
        planes: RangeInclusive<i64>,
    ) -> Option<Voxels> {
        let limits = self.limits?;
        let span = |start: i64, last: i64, step: i64| {
            let (a, b) = (start * step, last * step);
            (a.min(b), a.max(b))
        };
        let [x, last_x] = [columns.start, columns.end.checked_sub(1)?];
        let [x, last_x] = [x, last_x].map(|x| i64::try_from(x).unwrap_or(i64::MAX));
        let [y, last_y] = [rows.start, rows.end.checked_sub(1)?].map(i64::from);
        let mut is_inside = true;
        let mut ends = [[0; 2]; 3];
        for ((axis, limits), ends) in self.axes.iter().zip(limits).zip(&mut ends) {
            let across = span(x, last_x, axis.per_x);
            let down = span(y, last_y, axis.per_y);
            let deep = span(*planes.start(), *planes.end(), axis.per_plane);
            let low = (axis.start + across.0 + down.0 + deep.0 + HALF) >> FRACTION_BITS;
            let high = (axis.start + across.1 + down.1 + deep.1 + HALF) >> FRACTION_BITS;
            if high < limits[0] || low > limits[1] {
                return None;
            }
            is_inside &= low >= limits[0] && high <= limits[1];
            *ends = [low.max(limits[0]), high.min(limits[1])];
        }
        let [columns, rows, slices] = ends;
        let voxels = |[low, high]: [i64; 2]| split(low).0 as usize..=split(high).0 as usize;
        let slices = slices.map(|at| self.ladder.slice_below(at));
        let range = self.rungs.range();
        if slices[1] < range.start || slices[0] >= range.end {
            return None;
        }
        Some(Voxels {
            voxels: [voxels(columns), voxels(rows), slices[0]..=slices[1]],
            is_inside,
        })
    }
}

/// Where values go, and how a slab becomes one.
trait Target {
    fn write(self, sampler: &Sampler<'_>, kernel: &impl Kernel);
}

/// Values of rows, those of a slab put together.
struct Rows<'o> {
    rows: Range<u32>,
    out: &'o mut [f32],
}

impl Target for Rows<'_> {
    fn write(self, sampler: &Sampler<'_>, kernel: &impl Kernel) {
        let Self { rows, out } = self;
        let width = sampler.width();
        if sampler.planes_beside == 0 {
            let mut source = RowSource::new(sampler, kernel);
            for (y, row) in rows.zip(out.chunks_exact_mut(width)) {
                source.fill(y, 0, row);
            }
        } else if sampler.projection == Projection::Mean {
            let mut out = out.chunks_exact_mut(width);
            slab::each_mean(sampler, rows, kernel, |means| {
                let row = out.next().unwrap_or_default();
                for ((value, sum), count) in row.iter_mut().zip(&means.sums).zip(means.counts()) {
                    *value = slab::mean(*sum, count);
                }
            });
        } else {
            slab::extreme(sampler, rows, out, kernel);
        }
    }
}

/// Sums of rows of a mean, handed over one by one.
struct Means<F> {
    rows: Range<u32>,
    take: F,
}

impl<F: FnMut(&slab::MeanRow)> Target for Means<F> {
    fn write(self, sampler: &Sampler<'_>, kernel: &impl Kernel) {
        slab::each_mean(sampler, self.rows, kernel, self.take);
    }
}

/// First and last rounded position inside, along each axis; `None` without voxels.
fn limits(slices: &Slices, ladder: &Ladder) -> Option<[[i64; 2]; 3]> {
    let [columns, rows] = slices.size();
    let last = |voxels: u32| Some([0, i64::from(voxels.checked_sub(1)?) << FRACTION_BITS]);
    Some([last(columns)?, last(rows)?, ladder.ends()?])
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

#[cfg(test)]
#[path = "sample_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sample_chance_tests.rs"]
pub(super) mod chance_tests;
