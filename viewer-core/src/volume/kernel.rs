//! The inner loops of [`super::sample`]: one row of samples from the slices around it.

use super::Slice;
use super::sample::{ABSENT, Ladder, Line};
use crate::pixel::{ModalityLut, grid::ONE};

/// A sample of 8 or 16 bits, which `f32` holds exactly.
pub(super) trait Stored {
    /// Its bytes, little endian.
    type Bytes: Copy;
    /// The samples of a slice.
    fn cells(samples: &[u8]) -> &[Self::Bytes];
    /// The value of one.
    fn value(bytes: Self::Bytes) -> f32;
}

impl Stored for u8 {
    type Bytes = u8;
    fn cells(samples: &[u8]) -> &[u8] {
        samples
    }
    fn value(bytes: u8) -> f32 {
        f32::from(bytes)
    }
}

impl Stored for i8 {
    type Bytes = u8;
    fn cells(samples: &[u8]) -> &[u8] {
        samples
    }
    fn value(bytes: u8) -> f32 {
        f32::from(bytes.cast_signed())
    }
}

impl Stored for u16 {
    type Bytes = [u8; 2];
    fn cells(samples: &[u8]) -> &[[u8; 2]] {
        samples.as_chunks().0
    }
    fn value(bytes: [u8; 2]) -> f32 {
        f32::from(Self::from_le_bytes(bytes))
    }
}

impl Stored for i16 {
    type Bytes = [u8; 2];
    fn cells(samples: &[u8]) -> &[[u8; 2]] {
        samples.as_chunks().0
    }
    fn value(bytes: [u8; 2]) -> f32 {
        f32::from(Self::from_le_bytes(bytes))
    }
}

/// A slice of a narrow type, and its line from stored to modality values.
pub(super) struct View<'a, T: Stored> {
    cells: &'a [T::Bytes],
    slope: f64,
    intercept: f64,
}

impl<'a, T: Stored> View<'a, T> {
    /// `None` for a slice with a table.
    pub fn of(slice: &'a Slice) -> Option<Self> {
        match slice.modality() {
            ModalityLut::Rescale { slope, intercept } => Some(Self {
                cells: T::cells(slice.samples()),
                slope: *slope,
                intercept: *intercept,
            }),
            ModalityLut::Table(_) => None,
        }
    }

    /// The modality value between four voxels.
    fn mixed(&self, near: &Near) -> f64 {
        let at = |index: usize| T::value(self.cells[index]);
        let top = lerp(at(near.top), at(near.top + near.right), near.across);
        let bottom = near.top + near.below;
        let bottom = lerp(at(bottom), at(bottom + near.right), near.across);
        self.slope * f64::from(lerp(top, bottom, near.down)) + self.intercept
    }
}

/// Four voxels of a slice and their weights. The way to a neighbour of no weight is 0.
struct Near {
    top: usize,
    right: usize,
    below: usize,
    across: f32,
    down: f32,
}

fn lerp(a: f32, b: f32, weight: f32) -> f32 {
    a + (b - a) * weight
}

/// A place along one axis: the voxel at or before it, and the weight of the next in 1/65536; `None` outside.
fn split(position: i64, length: u32) -> Option<(usize, u32)> {
    let last = i64::from(length) - 1;
    if position < 0 || position > last << 16 {
        return None;
    }
    let voxel = usize::try_from(position >> 16).ok()?;
    let fraction = u32::try_from(position & 0xFFFF).ok()?;
    Some((voxel, fraction))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "17 bits; a sample's weight has 16"
)]
fn weight(fraction: u32) -> f32 {
    fraction as f32 / ONE as f32
}

/// Walks a ladder of slices; remembers where it is, as neighbours on a row lie in neighbouring slices.
struct Steps<'a> {
    ladder: &'a Ladder,
    count: usize,
    below: usize,
}

impl<'a> Steps<'a> {
    fn new(ladder: &'a Ladder, count: usize, first: i64) -> Self {
        let below = match ladder {
            Ladder::Even => 0,
            Ladder::Uneven(positions) => positions.partition_point(|p| *p <= first >> 16),
        };
        Self {
            ladder,
            count,
            below: below.saturating_sub(1),
        }
    }

    /// The slice at or before a position and the weight of the next in 1/65536; `None` outside.
    fn split(&mut self, position: i64) -> Option<(usize, u32)> {
        let Ladder::Uneven(positions) = self.ladder else {
            return split(position, u32::try_from(self.count).ok()?);
        };
        let (first, last) = (*positions.first()?, *positions.last()?);
        if position < first || position > last {
            return None;
        }
        while self.below > 0 && positions[self.below] > position {
            self.below -= 1;
        }
        while self.below + 2 < positions.len() && positions[self.below + 1] <= position {
            self.below += 1;
        }
        let (low, high) = (positions[self.below], positions[self.below + 1]);
        if position == high {
            return Some((self.below + 1, 0));
        }
        let fraction = ((position - low) << 16) / (high - low).max(1);
        Some((self.below, u32::try_from(fraction).ok()?))
    }
}

/// Walks a row: calls `value` with column, row and slice, each a voxel and the weight of the next, inside; NaN outside.
fn walk(
    line: &Line<'_>,
    [columns, rows]: [u32; 2],
    slice_count: usize,
    out: &mut [f32],
    mut value: impl FnMut([(usize, u32); 3]) -> f32,
) {
    let mut position = line.first;
    let mut steps = Steps::new(line.ladder, slice_count, line.first[2]);
    for out in out {
        let place = || {
            let column = split(position[0] >> 16, columns)?;
            let row = split(position[1] >> 16, rows)?;
            Some([column, row, steps.split(position[2] >> 16)?])
        };
        let mut place = place;
        *out = place().map_or(f32::NAN, &mut value);
        for (position, step) in position.iter_mut().zip(line.step) {
            *position += step;
        }
    }
}

/// A row from slices of 8 or 16 bits.
pub(super) fn narrow<T: Stored>(
    views: &[Option<View<'_, T>>],
    shape: [u32; 2],
    line: &Line<'_>,
    out: &mut [f32],
) {
    let columns = shape[0] as usize;
    walk(line, shape, views.len(), out, |[column, row, slice]| {
        let near = Near {
            top: row.0 * columns + column.0,
            right: usize::from(column.1 > 0),
            below: if row.1 > 0 { columns } else { 0 },
            across: weight(column.1),
            down: weight(row.1),
        };
        let Some(here) = &views[slice.0] else {
            return ABSENT;
        };
        let here = here.mixed(&near);
        if slice.1 == 0 {
            return narrowed(here);
        }
        let Some(next) = &views[slice.0 + 1] else {
            return ABSENT;
        };
        narrowed(here + (next.mixed(&near) - here) * f64::from(weight(slice.1)))
    });
}

/// A row from slices of any type and any modality LUT, in double precision.
pub(super) fn wide(slices: &[Option<&Slice>], shape: [u32; 2], line: &Line<'_>, out: &mut [f32]) {
    walk(line, shape, slices.len(), out, |[column, row, slice]| {
        let mixed = |slice: &Slice| {
            let at = |column, row| value(slice, column, row);
            let across = |row| mix(column.1, || at(column.0, row), || at(column.0 + 1, row));
            mix(row.1, || across(row.0), || across(row.0 + 1))
        };
        let Some(here) = slices[slice.0] else {
            return ABSENT;
        };
        if slice.1 == 0 {
            return narrowed(mixed(here));
        }
        let Some(next) = slices[slice.0 + 1] else {
            return ABSENT;
        };
        narrowed(mix(slice.1, || mixed(here), || mixed(next)))
    });
}

/// A row of nearest voxels.
pub(super) fn nearest(
    slices: &[Option<&Slice>],
    shape: [u32; 2],
    line: &Line<'_>,
    out: &mut [f32],
) {
    walk(line, shape, slices.len(), out, |place| {
        let [column, row, slice] =
            place.map(|(voxel, fraction)| voxel + usize::from(fraction >= ONE / 2));
        slices[slice].map_or(ABSENT, |slice| narrowed(value(slice, column, row)))
    });
}

/// The second value is asked for only where it has weight: it may be NaN, or outside.
fn mix(fraction: u32, first: impl Fn() -> f64, second: impl Fn() -> f64) -> f64 {
    let first = first();
    if fraction == 0 {
        return first;
    }
    first + (second() - first) * f64::from(weight(fraction))
}

fn value(slice: &Slice, column: usize, row: usize) -> f64 {
    let [column, row] = [column, row].map(|index| u32::try_from(index).unwrap_or(u32::MAX));
    slice.value(column, row).unwrap_or(f64::NAN)
}

#[expect(clippy::cast_possible_truncation, reason = "values are given as f32")]
fn narrowed(value: f64) -> f32 {
    // A NaN of the file must not look like the mark of an absent slice.
    if value.is_nan() {
        f32::NAN
    } else {
        value as f32
    }
}
