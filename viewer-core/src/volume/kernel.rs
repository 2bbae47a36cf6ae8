//! The inner loops of [`super::sample`]: the value of one sample from the voxels around it.

use super::ladder::{Mixed, Rungs};
use super::line::{Fours, Line, split};
use super::near::{Near, Shape};
use super::sample::ABSENT;
use super::{Slice, Slices};
use crate::pixel::{ModalityLut, grid::ONE};
use std::marker::PhantomData;

/// A place between voxels, inside the box of their centres: along each axis the voxel at or before it, and the weight of
/// the next in 1/65536.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub column: u32,
    pub across: u32,
    pub row: u32,
    pub down: u32,
    pub slice: u32,
    pub up: u32,
}

/// Four places, side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Four {
    pub column: [u32; 4],
    pub across: [u32; 4],
    pub row: [u32; 4],
    pub down: [u32; 4],
    pub slice: [u32; 4],
    pub up: [u32; 4],
}

impl Four {
    /// All of them, one by one.
    pub fn places(&self) -> [Place; 4] {
        std::array::from_fn(|lane| Place {
            column: self.column[lane],
            across: self.across[lane],
            row: self.row[lane],
            down: self.down[lane],
            slice: self.slice[lane],
            up: self.up[lane],
        })
    }
}

/// How the value of a sample is made from the voxels around it.
pub(super) trait Kernel {
    /// The value of one sample.
    fn one(&self, place: &Place) -> f32;

    /// The values of four, each the same as alone.
    #[inline]
    fn four(&self, four: &Four) -> [f32; 4] {
        four.places().map(|place| self.one(&place))
    }

    /// A row of a slice at places along it; `None` where values are not made from such.
    fn along_row(&self, _slice: usize, _row: u32, _places: &[[u32; 2]]) -> Option<Vec<f32>> {
        None
    }

    /// Copies a box for [`Kernel::along_copy`]; `None` where values are not made so.
    fn copy(&self, _shape: &Shape, _cells: &mut Vec<u8>) -> Option<()> {
        None
    }

    /// Values along a line from a copy of all voxels around; the third coordinate counts slices. `None`, and anything in
    /// `out`, where values are not made so.
    fn along_copy(&self, _near: &Near<'_>, _line: &Line, _out: &mut [f32]) -> Option<()> {
        None
    }

    /// Slope and intercept of a slice, where it can be mixed from [`Kernel::along_row`].
    fn rescale(&self, _slice: usize) -> Option<[f64; 2]> {
        None
    }
}

/// A sample of 8 or 16 bits, which `f32` holds exactly.
pub(super) trait Stored {
    /// Bytes of one.
    const BYTES: usize;

    /// A sample and the one after it as one number. `None` for the last of a slice, which has none.
    fn pair(samples: &[u8], index: u32) -> Option<u32>;

    /// Both numbers of a pair.
    fn split(pair: u32) -> [i32; 2];

    /// The last sample, twice.
    fn last(samples: &[u8]) -> u32;
}

#[inline]
fn two_bytes(samples: &[u8], index: u32) -> Option<u32> {
    let at = index as usize;
    let pair = samples.get(at..at + 2)?.first_chunk()?;
    Some(u16::from_le_bytes(*pair).into())
}

#[inline]
fn two_words(samples: &[u8], index: u32) -> Option<u32> {
    let at = index as usize * 2;
    let pair = samples.get(at..at + 4)?.first_chunk()?;
    Some(u32::from_le_bytes(*pair))
}

fn last_word(samples: &[u8]) -> u32 {
    let last = samples.last_chunk().copied().unwrap_or_default();
    u32::from(u16::from_le_bytes(last)) * 0x1_0001
}

fn last_byte(samples: &[u8]) -> u32 {
    u32::from(samples.last().copied().unwrap_or_default()) * 0x101
}

impl Stored for u8 {
    const BYTES: usize = 1;
    #[inline]
    fn pair(samples: &[u8], index: u32) -> Option<u32> {
        two_bytes(samples, index)
    }
    #[inline]
    fn split(pair: u32) -> [i32; 2] {
        [(pair & 0xFF).cast_signed(), (pair >> 8).cast_signed()]
    }
    fn last(samples: &[u8]) -> u32 {
        last_byte(samples)
    }
}

impl Stored for i8 {
    const BYTES: usize = 1;
    #[inline]
    fn pair(samples: &[u8], index: u32) -> Option<u32> {
        two_bytes(samples, index)
    }
    #[inline]
    fn split(pair: u32) -> [i32; 2] {
        let pair = pair.cast_signed();
        [pair << 24 >> 24, pair << 16 >> 24]
    }
    fn last(samples: &[u8]) -> u32 {
        last_byte(samples)
    }
}

impl Stored for u16 {
    const BYTES: usize = 2;
    #[inline]
    fn pair(samples: &[u8], index: u32) -> Option<u32> {
        two_words(samples, index)
    }
    #[inline]
    fn split(pair: u32) -> [i32; 2] {
        [(pair & 0xFFFF).cast_signed(), (pair >> 16).cast_signed()]
    }
    fn last(samples: &[u8]) -> u32 {
        last_word(samples)
    }
}

impl Stored for i16 {
    const BYTES: usize = 2;
    #[inline]
    fn pair(samples: &[u8], index: u32) -> Option<u32> {
        two_words(samples, index)
    }
    #[inline]
    fn split(pair: u32) -> [i32; 2] {
        let pair = pair.cast_signed();
        [pair << 16 >> 16, pair >> 16]
    }
    fn last(samples: &[u8]) -> u32 {
        last_word(samples)
    }
}

/// A slice of a narrow type, and its line from stored to modality values.
#[derive(Debug, Clone, Copy)]
struct View<'a> {
    samples: &'a [u8],
    slope: f64,
    intercept: f64,
}

/// Slopes and intercepts beyond this may give infinite values, whose sum with others is no number.
const LARGEST: f64 = 1e30;

impl<'a> View<'a> {
    fn of(slice: &'a Slice) -> Option<Self> {
        match slice.modality() {
            ModalityLut::Rescale { slope, intercept } => Some(Self {
                samples: slice.samples(),
                slope: *slope,
                // Never the zero with a sign, so that no value is.
                intercept: *intercept + 0.0,
            }),
            ModalityLut::Table(_) => None,
        }
    }

    fn is_moderate(&self) -> bool {
        self.slope.abs() <= LARGEST && self.intercept.abs() <= LARGEST
    }

    fn value(&self, stored: f32) -> f64 {
        self.slope * f64::from(stored) + self.intercept
    }
}

/// Slices of 8 or 16 bits, all of one type and rescaled by lines.
pub(super) struct Narrow<'a, T> {
    /// Nothing where a slice is not here.
    views: Vec<Option<View<'a>>>,
    /// A slice and the next, where they are mixed and have moderate lines.
    pairs: Vec<Option<[&'a [u8]; 2]>>,
    /// Slope and intercept, where all have the same.
    line: Option<[f64; 2]>,
    columns: u32,
    rungs: &'a Rungs,
    stored: PhantomData<T>,
}

impl<'a, T: Stored> Narrow<'a, T> {
    /// The kernel of slices whose intervals are mixed by `rungs`.
    pub fn new(slices: &'a Slices, rungs: &'a Rungs) -> Self {
        let views: Vec<Option<View<'_>>> = (slices.iter())
            .map(|slice| slice.and_then(View::of))
            .collect();
        let moderate = |index: usize| {
            views
                .get(index)
                .copied()
                .flatten()
                .filter(View::is_moderate)
        };
        let pair = |index: usize| {
            let [low, high] = [moderate(index)?, moderate(index + 1)?];
            rungs.is_plain(index).then_some([low.samples, high.samples])
        };
        let pairs = (0..views.len()).map(pair).collect();
        let mut lines = views
            .iter()
            .flatten()
            .map(|view| [view.slope, view.intercept]);
        let line = lines.next();
        Self {
            pairs,
            line: line.filter(|line| lines.all(|other| other == *line)),
            views,
            columns: slices.size()[0],
            rungs,
            stored: PhantomData,
        }
    }

    /// The value between four voxels of a slice.
    fn between(&self, slice: usize, place: &Place) -> f64 {
        let Some(Some(view)) = self.views.get(slice) else {
            return f64::NAN;
        };
        let [top, bottom] = self.corners(place);
        let row = |index| {
            let pair = T::pair(view.samples, index).unwrap_or_else(|| T::last(view.samples));
            let [left, right] = T::split(pair);
            lerp(single(left), single(right), weight(place.across))
        };
        view.value(lerp(row(top), row(bottom), weight(place.down)))
    }

    /// Where the upper and the lower pair of voxels are. A row of no weight may lie outside: it is the upper again.
    #[inline]
    fn corners(&self, place: &Place) -> [u32; 2] {
        let top = place.row * self.columns + place.column;
        [
            top,
            if place.down > 0 {
                top + self.columns
            } else {
                top
            },
        ]
    }

    /// Four samples side by side; `None` where one of them is special.
    #[inline(always)]
    fn side_by_side(&self, four: &Four) -> Option<[f32; 4]> {
        let mut tops = [0; 4];
        for (lane, top) in tops.iter_mut().enumerate() {
            *top = four.row[lane] * self.columns + four.column[lane];
        }
        let mut pairs = [[0; 4]; 4];
        for (lane, top) in tops.into_iter().enumerate() {
            let [low, high] = (*self.pairs.get(four.slice[lane] as usize)?)?;
            // A row of no weight may lie outside: it is the upper again.
            let bottom = if four.down[lane] > 0 {
                top + self.columns
            } else {
                top
            };
            pairs[0][lane] = T::pair(low, top)?;
            pairs[1][lane] = T::pair(low, bottom)?;
            pairs[2][lane] = T::pair(high, top)?;
            pairs[3][lane] = T::pair(high, bottom)?;
        }
        let (across, down) = (four.across.map(weight), four.down.map(weight));
        let up = four.up.map(|up| f64::from(weight(up)));
        let [low, high] = Self::mixed(&pairs, across, down);
        if let Some(line) = self.line {
            return Some(between_slices(line, low, high, up));
        }
        let mut values = [0.0; 4];
        for (lane, slice) in four.slice.into_iter().enumerate() {
            let slice = slice as usize;
            let low = self.views[slice]?.value(low[lane]);
            let high = self.views[slice + 1]?.value(high[lane]);
            values[lane] = cast(low + (high - low) * up[lane]);
        }
        Some(values)
    }

    #[cold]
    #[inline(never)]
    fn one_by_one(&self, four: &Four) -> [f32; 4] {
        four.places().map(|place| self.one(&place))
    }

    /// Stored values between the voxels of the lower and of the higher slice, from their upper and lower pairs.
    #[inline(always)]
    fn mixed(pairs: &[[u32; 4]; 4], across: [f32; 4], down: [f32; 4]) -> [[f32; 4]; 2] {
        let mut rows = [[0.0; 4]; 4];
        for (row, pairs) in rows.iter_mut().zip(pairs) {
            for lane in 0..4 {
                let [left, right] = T::split(pairs[lane]);
                row[lane] = lerp(single(left), single(right), across[lane]);
            }
        }
        let mut slices = [[0.0; 4]; 2];
        for (slice, rows) in slices.iter_mut().zip(rows.as_chunks::<2>().0) {
            for lane in 0..4 {
                slice[lane] = lerp(rows[0][lane], rows[1][lane], down[lane]);
            }
        }
        slices
    }
}

/// Rescales stored values of two slices by one line and mixes them.
#[inline(always)]
fn between_slices(
    [slope, intercept]: [f64; 2],
    low: [f32; 4],
    high: [f32; 4],
    up: [f64; 4],
) -> [f32; 4] {
    let mut values = [0.0; 4];
    for lane in 0..4 {
        let low = slope * f64::from(low[lane]) + intercept;
        let high = slope * f64::from(high[lane]) + intercept;
        values[lane] = cast(low + (high - low) * up[lane]);
    }
    values
}

impl<T: Stored> Kernel for Narrow<'_, T> {
    fn one(&self, place: &Place) -> f32 {
        match self.rungs.mixed(place.slice as usize, place.up) {
            Mixed::Two(low, high, up) => {
                let low = self.between(low, place);
                narrowed(low + (self.between(high, place) - low) * up)
            }
            Mixed::One(slice) => narrowed(self.between(slice, place)),
            Mixed::Absent => ABSENT,
            Mixed::Nothing => f32::NAN,
        }
    }

    #[inline(always)]
    fn four(&self, four: &Four) -> [f32; 4] {
        match self.side_by_side(four) {
            Some(values) => values,
            None => self.one_by_one(four),
        }
    }

    fn copy(&self, shape: &Shape, cells: &mut Vec<u8>) -> Option<()> {
        self.line?;
        // The last slice of the box is the upper one of a pair.
        let slices = shape.slices();
        let mut lower = slices.start..slices.end - 1;
        if !lower.all(|slice| self.pairs.get(slice).is_some_and(Option::is_some)) {
            return None;
        }
        let samples = |slice: usize| Some(self.views.get(slice)?.as_ref()?.samples);
        shape.copy(self.columns, T::BYTES, samples, cells)
    }

    fn along_copy(&self, near: &Near<'_>, line: &Line, out: &mut [f32]) -> Option<()> {
        let rescale = self.line?;
        let cells = near.cells();
        let [right, down, up] = near.steps();
        let mut fours = Fours::new(near.relative(line.first), line.step);
        let (chunks, rest) = out.as_chunks_mut::<4>();
        let rest_line = line.from(chunks.len() * 4);
        for values in chunks {
            let mut pairs = [[0; 4]; 4];
            for (lane, index) in fours.indices([right, down, up]).into_iter().enumerate() {
                pairs[0][lane] = T::pair(cells, index)?;
                pairs[1][lane] = T::pair(cells, index + down)?;
                pairs[2][lane] = T::pair(cells, index + up)?;
                pairs[3][lane] = T::pair(cells, index + up + down)?;
            }
            let [low, high] = Self::mixed(
                &pairs,
                fours.weights(0).map(weight),
                fours.weights(1).map(weight),
            );
            let up = fours.weights(2).map(|up| f64::from(weight(up)));
            *values = between_slices(rescale, low, high, up);
            fours.next();
        }
        rest_line.run(rest, self, split);
        Some(())
    }

    fn along_row(&self, slice: usize, row: u32, places: &[[u32; 2]]) -> Option<Vec<f32>> {
        let samples = self.views.get(slice)?.as_ref()?.samples;
        let start = row * self.columns;
        let value = |[column, across]: &[u32; 2]| {
            let pair = T::pair(samples, start + column).unwrap_or_else(|| T::last(samples));
            let [left, right] = T::split(pair);
            lerp(single(left), single(right), weight(*across))
        };
        Some(places.iter().map(value).collect())
    }

    fn rescale(&self, slice: usize) -> Option<[f64; 2]> {
        let view = self.views.get(slice)?.as_ref()?;
        view.is_moderate().then_some([view.slope, view.intercept])
    }
}

/// Slices of any type and any modality LUT, in double precision.
pub(super) struct Wide<'a> {
    pub slices: &'a [Option<&'a Slice>],
    pub rungs: &'a Rungs,
}

impl Kernel for Wide<'_> {
    fn one(&self, place: &Place) -> f32 {
        let (column, row) = (place.column, place.row);
        let between = |slice: usize| {
            let at = |column, row| value(self.slices[slice], column, row);
            let across = |row| {
                mix(
                    weight(place.across),
                    || at(column, row),
                    || at(column + 1, row),
                )
            };
            mix(weight(place.down), || across(row), || across(row + 1))
        };
        match self.rungs.mixed(place.slice as usize, place.up) {
            Mixed::Two(low, high, up) => {
                let low = between(low);
                narrowed(low + (between(high) - low) * up)
            }
            Mixed::One(slice) => narrowed(between(slice)),
            Mixed::Absent => ABSENT,
            Mixed::Nothing => f32::NAN,
        }
    }
}

/// The nearest voxel of slices of any type.
pub(super) struct Nearest<'a> {
    pub slices: &'a [Option<&'a Slice>],
    pub rungs: &'a Rungs,
}

impl Kernel for Nearest<'_> {
    fn one(&self, place: &Place) -> f32 {
        let column = place.column + u32::from(place.across >= ONE / 2);
        let row = place.row + u32::from(place.down >= ONE / 2);
        match self.rungs.nearest(place.slice as usize, place.up) {
            Mixed::One(slice) | Mixed::Two(slice, ..) => {
                narrowed(value(self.slices[slice], column, row))
            }
            Mixed::Absent => ABSENT,
            Mixed::Nothing => f32::NAN,
        }
    }
}

#[inline]
pub(super) fn lerp(a: f32, b: f32, weight: f32) -> f32 {
    a + (b - a) * weight
}

/// A weight of 16 bits, or a sample of 16: exact.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "at most 17 bits")]
fn single(number: i32) -> f32 {
    number as f32
}

#[inline]
pub(super) fn weight(fraction: u32) -> f32 {
    single(fraction.cast_signed()) / single(ONE.cast_signed())
}

/// The second value is asked for only where it has weight: it may be NaN, or outside.
fn mix(weight: f32, first: impl Fn() -> f64, second: impl Fn() -> f64) -> f64 {
    let first = first();
    if weight == 0.0 {
        return first;
    }
    first + (second() - first) * f64::from(weight)
}

fn value(slice: Option<&Slice>, column: u32, row: u32) -> f64 {
    let value = slice.and_then(|slice| slice.value(column, row));
    value.unwrap_or(f64::NAN)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "values are given as f32")]
pub(super) fn cast(value: f64) -> f32 {
    value as f32
}

#[inline]
fn narrowed(value: f64) -> f32 {
    // A NaN of the file must not look like the mark of an absent slice.
    if value.is_nan() {
        f32::NAN
    } else {
        cast(value)
    }
}
