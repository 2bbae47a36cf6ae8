//! Smallest and largest modality value of cells: what a slab need not look at.
//!
//! Interpolation never leaves the range of the voxels that it mixes, nor does its rounding: a weight is at most
//! 65535/65536, far enough from 1. So a sample of a cell whose largest voxel is not above what was found already changes no
//! maximum. Cells span [`TILE`] voxels along columns and rows and [`LAYERS`] slices, and hold those of the next as
//! well, which are mixed with theirs.

use super::Slice;
use super::ladder::Rungs;
use super::presence::Between;
use crate::geometry::Projection;
use crate::pixel::{ModalityLut, SampleType, format::sample_at};
use std::ops::{Range, RangeInclusive};

/// Voxels along each side of a tile of a slice.
pub(super) const TILE: usize = 16;

/// Slices of a cell.
pub(super) const LAYERS: usize = 4;

/// A range without a number.
const EMPTY: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

/// Tiles along a side of so many voxels. The last voxel belongs to the tile before it: nothing lies behind it.
pub(super) fn tile_count(voxels: usize) -> usize {
    voxels.saturating_sub(1).div_ceil(TILE).max(1)
}

/// Voxels of all tiles along a side, with the first of the next.
pub(super) fn tile_spans(voxels: usize) -> Vec<Range<usize>> {
    let span = |tile: usize| tile * TILE..((tile + 1) * TILE + 1).min(voxels);
    (0..tile_count(voxels)).map(span).collect()
}

/// Smallest and largest modality value of parts of a slice: each span of columns by each span of rows, row by row. Without
/// a number the smallest is infinite and the largest negative infinite.
pub(super) fn ranges(slice: &Slice, shape: [u32; 2], spans: [&[Range<usize>]; 2]) -> Vec<[f32; 2]> {
    let width = shape[0] as usize;
    let (bytes, modality) = (slice.samples(), slice.modality());
    if matches!(modality, ModalityLut::Table(_)) {
        let kind = slice.sample_type();
        let count = bytes.len() / kind.size_bytes();
        let value = |index| sample_at(bytes, kind, index).map_or(f64::NAN, |s| modality.apply(s));
        let values: Vec<f64> = (0..count).map(value).collect();
        let ranges = folded(
            &values,
            width,
            spans,
            |v| v,
            [f64::INFINITY, f64::NEG_INFINITY],
        );
        return ranges.into_iter().map(narrowed).collect();
    }
    stored_ranges(bytes, slice.sample_type(), width, spans)
        .into_iter()
        .map(|range| rescaled(modality, range))
        .collect()
}

/// Smallest and largest stored value of parts of a slice of `width` columns: each span of columns by each span of rows,
/// row by row. Without a number the smallest is above the largest.
pub fn stored_ranges(
    samples: &[u8],
    sample_type: SampleType,
    width: usize,
    spans: [&[Range<usize>]; 2],
) -> Vec<[f64; 2]> {
    fn doubles<N: Into<f64>>(ranges: Vec<[N; 2]>) -> Vec<[f64; 2]> {
        let ranges = ranges.into_iter();
        ranges.map(|range| range.map(Into::into)).collect()
    }
    let (words, quads) = (samples.as_chunks().0, samples.as_chunks().0);
    match sample_type {
        SampleType::U8 => doubles(folded(samples, width, spans, |b| b, [u8::MAX, u8::MIN])),
        SampleType::I8 => {
            let ends = [i8::MAX, i8::MIN];
            doubles(folded(samples, width, spans, u8::cast_signed, ends))
        }
        SampleType::U16 => {
            let ends = [u16::MAX, u16::MIN];
            doubles(folded(words, width, spans, u16::from_le_bytes, ends))
        }
        SampleType::I16 => {
            let ends = [i16::MAX, i16::MIN];
            doubles(folded(words, width, spans, i16::from_le_bytes, ends))
        }
        SampleType::U32 => {
            let ends = [u32::MAX, u32::MIN];
            doubles(folded(quads, width, spans, u32::from_le_bytes, ends))
        }
        SampleType::I32 => {
            let ends = [i32::MAX, i32::MIN];
            doubles(folded(quads, width, spans, i32::from_le_bytes, ends))
        }
        SampleType::F32 => doubles(folded(quads, width, spans, f32::from_le_bytes, EMPTY)),
        SampleType::F64 => {
            let ends = [f64::INFINITY, f64::NEG_INFINITY];
            let eights = samples.as_chunks().0;
            folded(eights, width, spans, f64::from_le_bytes, ends)
        }
    }
}

/// A range of stored values as one of modality values.
fn rescaled(modality: &ModalityLut, [low, high]: [f64; 2]) -> [f32; 2] {
    if low > high {
        return EMPTY;
    }
    let [a, b] = [low, high].map(|stored| modality.apply(stored));
    if a.is_nan() || b.is_nan() {
        // Infinite numbers: nothing is known of the others.
        return [f32::NEG_INFINITY, f32::INFINITY];
    }
    narrowed([a.min(b), a.max(b)])
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "values are compared as f32"
)]
fn narrowed(range: [f64; 2]) -> [f32; 2] {
    range.map(|value| value as f32)
}

/// Smallest and largest number of each part, first along columns of a whole row, so that many are compared at once. Those
/// that are no number pass by.
fn folded<C: Copy, N: Copy + PartialOrd>(
    cells: &[C],
    width: usize,
    [across, down]: [&[Range<usize>]; 2],
    number: impl Fn(C) -> N,
    [highest, lowest]: [N; 2],
) -> Vec<[N; 2]> {
    let mut ranges = Vec::with_capacity(across.len() * down.len());
    let (mut lows, mut highs) = (vec![highest; width], vec![lowest; width]);
    for rows in down {
        lows.fill(highest);
        highs.fill(lowest);
        let end = rows.end.saturating_mul(width).min(cells.len());
        let rows = cells.get(rows.start.saturating_mul(width)..end);
        for row in rows.unwrap_or_default().chunks_exact(width.max(1)) {
            for ((cell, low), high) in row.iter().zip(&mut lows).zip(&mut highs) {
                let number = number(*cell);
                *low = if number < *low { number } else { *low };
                *high = if number > *high { number } else { *high };
            }
        }
        for columns in across {
            let mut range = [highest, lowest];
            let columns = columns.start..columns.end.min(width);
            for (low, high) in lows[columns.clone()].iter().zip(&highs[columns]) {
                range[0] = if *low < range[0] { *low } else { range[0] };
                range[1] = if *high > range[1] { *high } else { range[1] };
            }
            ranges.push(range);
        }
    }
    ranges
}

/// What each cell of a volume could add to a maximum or a minimum.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    counts: [usize; 3],
    /// The largest value, or the smallest with its sign turned.
    best: Vec<f32>,
}

/// Most cells that are looked at for one answer.
const MOST: usize = 64;

impl Cells {
    /// The cells of slices that are mixed by `rungs`. A cell with a gap could add anything: the gap must be found.
    pub fn new(
        slices: &[Option<&Slice>],
        [columns, rows]: [u32; 2],
        rungs: &Rungs,
        projection: Projection,
    ) -> Self {
        let (across, down) = (tile_count(columns as usize), tile_count(rows as usize));
        let layers = slices.len().div_ceil(LAYERS);
        let mut best = Vec::with_capacity(across * down * layers);
        for layer in 0..layers {
            let intervals = layer * LAYERS..((layer + 1) * LAYERS).min(slices.len());
            let mut needed = Vec::new();
            let mut has_gap = false;
            for interval in intervals {
                match rungs.get(interval) {
                    Between::Slices(low, high) => needed.extend([low as usize, high as usize]),
                    Between::Gap { .. } => has_gap = true,
                    Between::Nothing => {}
                }
            }
            needed.dedup();
            let start = best.len();
            let worst = if has_gap {
                f32::INFINITY
            } else {
                f32::NEG_INFINITY
            };
            best.resize(start + across * down, worst);
            for slice in needed {
                let tiles = slices.get(slice).copied().flatten().map(Slice::tiles);
                for (best, [low, high]) in best[start..].iter_mut().zip(tiles.unwrap_or_default()) {
                    let value = if projection == Projection::MinIp {
                        -low
                    } else {
                        *high
                    };
                    *best = best.max(value);
                }
            }
        }
        Self {
            counts: [across, down, layers],
            best,
        }
    }

    /// The most that samples could add whose voxels at or before them lie within these ranges. Infinite where that would
    /// be too long to look up.
    pub fn best(&self, [columns, rows, slices]: [RangeInclusive<usize>; 3]) -> f32 {
        let [across, down, layers] = self.counts;
        let cells = |voxels: RangeInclusive<usize>, side: usize, count: usize| {
            let last = count.saturating_sub(1);
            (voxels.start() / side).min(last)..(voxels.end() / side).min(last) + 1
        };
        let columns = cells(columns, TILE, across);
        let rows = cells(rows, TILE, down);
        let layers = cells(slices, LAYERS, layers);
        if columns.len() * rows.len() * layers.len() > MOST {
            return f32::INFINITY;
        }
        let mut best = f32::NEG_INFINITY;
        for layer in layers {
            for row in rows.clone() {
                let start = (layer * down + row) * across;
                let cells = self.best.get(start + columns.start..start + columns.end);
                for cell in cells.unwrap_or_default() {
                    best = best.max(*cell);
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::chance_tests::{Chance, chance_presence, chance_volume};
    use super::super::{Presence, SliceState, Slices};
    use super::*;
    use crate::pixel::{Frame, Photometric};
    use std::sync::Arc;

    /// 37 x 34 x 23 voxels that rise along all axes: `slope * (x + 2 y + 3 z)`, at most 168. Signed bytes are stored 100
    /// lower.
    fn rising(kind: SampleType, slope: f64) -> Slices {
        let mut slices = Slices::new(37, 34, 23);
        for z in 0..23_u8 {
            let cells = (0..34_u8).flat_map(|y| (0..37_u8).map(move |x| x + 2 * y));
            let values = cells.map(|value| u16::from(value) + 3 * u16::from(z));
            let data = match kind {
                SampleType::U8 => values.map(|v| u8::try_from(v).unwrap()).collect(),
                SampleType::I8 => values.map(|v| (v as i16 - 100) as u8).collect(),
                SampleType::U16 => values.flat_map(u16::to_le_bytes).collect(),
                SampleType::I16 => values.flat_map(|v| (v as i16).to_le_bytes()).collect(),
                SampleType::U32 => values.flat_map(|v| u32::from(v).to_le_bytes()).collect(),
                SampleType::I32 => values.flat_map(|v| i32::from(v).to_le_bytes()).collect(),
                SampleType::F32 => values.flat_map(|v| f32::from(v).to_le_bytes()).collect(),
                SampleType::F64 => values.flat_map(|v| f64::from(v).to_le_bytes()).collect(),
            };
            let frame = Frame {
                rows: 34,
                columns: 37,
                samples_per_pixel: 1,
                sample_type: kind,
                bits_stored: 8,
                photometric: Photometric::Monochrome2,
                data,
            };
            let intercept = if kind == SampleType::I8 {
                slope * 100.0
            } else {
                0.0
            };
            let slice = Slice::new(frame, ModalityLut::Rescale { slope, intercept }).unwrap();
            slices.put(z.into(), Arc::new(slice)).unwrap();
        }
        slices
    }

    #[test]
    fn a_cell_knows_the_voxels_of_its_samples_and_those_next_to_them() {
        let kinds = [
            SampleType::U8,
            SampleType::I8,
            SampleType::U16,
            SampleType::I16,
            SampleType::U32,
            SampleType::I32,
            SampleType::F32,
            SampleType::F64,
        ];
        // A voxel, and the last one that is mixed with voxels of its cell.
        let corners = [
            ([0, 0, 0], [16, 16, 4]),
            ([15, 16, 3], [16, 32, 4]),
            ([16, 15, 4], [32, 16, 8]),
            ([36, 33, 22], [36, 33, 22]),
            ([32, 5, 19], [36, 16, 20]),
        ];
        for kind in kinds {
            for (slope, projection) in [(1.0, Projection::Mip), (-1.0, Projection::MinIp)] {
                let slices = rising(kind, slope);
                let rungs = Rungs::new(&slices, None);
                let all: Vec<_> = slices.iter().collect();
                let cells = Cells::new(&all, [37, 34], &rungs, projection);
                for ([x, y, z], [last_x, last_y, last_z]) in corners {
                    let found = cells.best([x..=x, y..=y, z..=z]);
                    let expected = (last_x + 2 * last_y + 3 * last_z) as f32;
                    assert_eq!(found, expected, "{kind:?} {projection:?} {x} {y} {z}");
                }
            }
        }
    }

    #[test]
    fn a_cell_with_a_gap_is_looked_at_and_one_of_nothing_is_not() {
        let mut chance = Chance::new(17);
        let (_, mut slices) = chance_volume(&mut chance, SampleType::U8);
        let mut presence = chance_presence(&mut chance);
        for slice in 0..23 {
            let state = if slice == 5 {
                SliceState::Failed
            } else {
                SliceState::Here
            };
            presence.set(slice, state);
        }
        slices.remove(5);
        let best = |slices: &Slices, presence: &Presence, z: usize| {
            let rungs = Rungs::new(slices, Some(presence));
            let all: Vec<_> = slices.iter().collect();
            let cells = Cells::new(&all, [37, 34], &rungs, Projection::Mip);
            cells.best([0..=0, 0..=0, z..=z])
        };
        assert_eq!(best(&slices, &presence, 4), f32::INFINITY);
        assert!(best(&slices, &presence, 8).is_finite());
        let nothing = Slices::new(37, 34, 23);
        assert_eq!(best(&nothing, &Presence::new(23), 8), f32::NEG_INFINITY);
    }
}
