//! What is shown of the samples that lie behind each other in a slab.
//!
//! Samples outside do not count; one in a gap makes the whole no value. A mean adds plane by plane. A maximum or a
//! minimum goes block by block of the viewport, the planes that could add most first, and leaves out those that
//! cannot add anything ([`super::cells`]): the result is the same in every bit, as a maximum knows no order.

use super::aligned::RowSource;
use super::kernel::Kernel;
use super::line::Line;
use super::near::{Near, Shape};
use super::sample::{ABSENT, Sampler, is_absent};
use crate::geometry::Projection;
use protocol::order;
use std::ops::{Range, RangeInclusive};

/// Pixels across a block.
const WIDTH: usize = 16;

/// Pixels down a block.
const HEIGHT: usize = BAND as usize;

/// The same, to count rows.
const BAND: u32 = 8;

/// Planes that are looked at together.
const PLANES: i64 = 8;

/// Most rows of voxels a sample that are copied to be near.
const ROWS_A_SAMPLE: usize = 1;

/// A count that says that a slice was absent.
const SPOILT: u32 = u32::MAX;

/// A row of means while its planes are added.
pub(super) struct MeanRow {
    /// Sums of samples.
    pub sums: Vec<f64>,
    /// How many they are; `None` where one has no value.
    counts: Vec<u32>,
}

impl MeanRow {
    pub fn new(width: usize) -> Self {
        Self {
            sums: vec![0.0; width],
            counts: vec![0; width],
        }
    }

    pub fn clear(&mut self) {
        self.sums.fill(0.0);
        self.counts.fill(0);
    }

    /// How many samples a pixel has; `None` where one of them has no value.
    pub fn counts(&self) -> impl Iterator<Item = Option<u32>> {
        let counts = self.counts.iter();
        counts.map(|count| (*count != SPOILT).then_some(*count))
    }

    /// Adds one plane's values from a pixel on; those outside do not count.
    fn add(&mut self, start: usize, values: &[f32]) {
        let cells = self.sums.iter_mut().zip(&mut self.counts);
        for ((sum, count), value) in cells.skip(start).zip(values) {
            if value.is_nan() {
                if is_absent(*value) {
                    *count = SPOILT;
                }
            } else if *count != SPOILT {
                *sum += f64::from(*value);
                *count += 1;
            }
        }
    }
}

/// Adds the planes of each row, and hands the rows over one by one.
pub(super) fn each_mean(
    sampler: &Sampler<'_>,
    rows: Range<u32>,
    kernel: &impl Kernel,
    mut take: impl FnMut(&MeanRow),
) {
    let mut source = RowSource::new(sampler, kernel);
    if source.is_aligned() {
        let mut samples = vec![f32::NAN; sampler.width()];
        let mut means = MeanRow::new(sampler.width());
        for y in rows {
            means.clear();
            for plane in -sampler.planes_beside()..=sampler.planes_beside() {
                source.fill(y, plane, &mut samples);
                means.add(0, &samples);
            }
            take(&means);
        }
        return;
    }
    let mut means: Vec<_> = (0..HEIGHT).map(|_| MeanRow::new(sampler.width())).collect();
    let mut cells = Vec::new();
    for start in rows.clone().step_by(HEIGHT) {
        let band = start..rows.end.min(start + BAND);
        means.iter_mut().for_each(MeanRow::clear);
        for x in (0..sampler.width()).step_by(WIDTH) {
            let block = Block::new(x..(x + WIDTH).min(sampler.width()), band.clone());
            for planes in groups(sampler.planes_beside()) {
                if let Some(voxels) = sampler.voxels(&block.columns, &block.rows, planes.clone()) {
                    block.look(
                        sampler,
                        kernel,
                        planes,
                        &voxels,
                        &mut cells,
                        |row, samples| {
                            means[row].add(x, samples);
                        },
                    );
                }
            }
        }
        means.iter().take(band.len()).for_each(&mut take);
    }
}

/// The planes of a slab, some at a time.
fn groups(beside: i64) -> impl Iterator<Item = RangeInclusive<i64>> {
    let step = usize::try_from(PLANES).unwrap_or(1);
    let group = move |first: i64| first..=(first + PLANES - 1).min(beside);
    (-beside..=beside).step_by(step).map(group)
}

/// The mean of a sum.
#[expect(clippy::cast_possible_truncation, reason = "values are given as f32")]
pub(super) fn mean(sum: f64, count: Option<u32>) -> f32 {
    match count {
        None => ABSENT,
        Some(0) => f32::NAN,
        Some(count) => (sum / f64::from(count)) as f32,
    }
}

/// The largest or smallest of two values, where there is one.
#[inline]
pub(super) fn more(projection: Projection, a: f32, b: f32) -> f32 {
    match projection {
        Projection::MinIp => a.min(b),
        _ => a.max(b),
    }
}

/// A block of pixels.
struct Block {
    columns: Range<usize>,
    rows: Range<u32>,
}

/// What was found for the pixels of a block: NaN where nothing was.
struct Extremes {
    projection: Projection,
    found: [[f32; WIDTH]; HEIGHT],
    is_spoilt: [[bool; WIDTH]; HEIGHT],
}

/// Planes of a slab, and the most that they could add to a block.
struct Layer {
    planes: RangeInclusive<i64>,
    voxels: Voxels,
    best: f32,
}

/// Writes rows of a maximum or minimum to `out`, plane by plane.
fn extreme_of_rows<K: Kernel>(
    mut source: RowSource<'_, K>,
    sampler: &Sampler<'_>,
    rows: Range<u32>,
    out: &mut [f32],
) {
    let mut samples = vec![f32::NAN; sampler.width()];
    let mut is_spoilt = vec![false; sampler.width()];
    for (y, row) in rows.zip(out.chunks_exact_mut(sampler.width())) {
        row.fill(f32::NAN);
        is_spoilt.fill(false);
        for plane in -sampler.planes_beside()..=sampler.planes_beside() {
            source.fill(y, plane, &mut samples);
            for (found, sample) in row.iter_mut().zip(&samples) {
                *found = more(sampler.projection(), *found, *sample);
            }
            if sampler.has_gaps() {
                for (is_spoilt, sample) in is_spoilt.iter_mut().zip(&samples) {
                    *is_spoilt |= is_absent(*sample);
                }
            }
        }
        for (value, is_spoilt) in row.iter_mut().zip(&is_spoilt) {
            *value = shown(*value, *is_spoilt);
        }
    }
}

/// The value of a slab.
fn shown(found: f32, is_spoilt: bool) -> f32 {
    match (is_spoilt, found.is_nan()) {
        (true, _) => ABSENT,
        (_, true) => f32::NAN,
        // Zero has two signs, and which is larger is left open.
        _ => found + 0.0,
    }
}

/// Writes rows of a maximum or minimum to `out`.
pub(super) fn extreme(
    sampler: &Sampler<'_>,
    rows: Range<u32>,
    out: &mut [f32],
    kernel: &impl Kernel,
) {
    let source = RowSource::new(sampler, kernel);
    if source.is_aligned() {
        return extreme_of_rows(source, sampler, rows, out);
    }
    let width = sampler.width();
    let (mut layers, mut cells) = (Vec::new(), Vec::new());
    let starts = rows.clone().step_by(HEIGHT);
    for (start, band) in starts.zip(out.chunks_mut(width * HEIGHT)) {
        let rows = start..rows.end.min(start + BAND);
        for x in (0..width).step_by(WIDTH) {
            let block = Block::new(x..(x + WIDTH).min(width), rows.clone());
            let mut extremes = Extremes::new(sampler.projection());
            block.layers(sampler, &mut layers);
            for layer in layers.drain(..) {
                let Layer { planes, voxels, .. } = layer;
                if layer.best <= extremes.least(&block) {
                    continue;
                }
                block.look(
                    sampler,
                    kernel,
                    planes,
                    &voxels,
                    &mut cells,
                    |row, samples| {
                        extremes.add(row, samples, sampler.has_gaps());
                    },
                );
            }
            let found = extremes.found.iter().zip(&extremes.is_spoilt);
            for (row, (found, is_spoilt)) in band.chunks_mut(width).zip(found) {
                let row = &mut row[block.columns.clone()];
                for (value, (found, is_spoilt)) in row.iter_mut().zip(found.iter().zip(is_spoilt)) {
                    *value = shown(*found, *is_spoilt);
                }
            }
        }
    }
}

impl Extremes {
    fn new(projection: Projection) -> Self {
        Self {
            projection,
            found: [[f32::NAN; WIDTH]; HEIGHT],
            is_spoilt: [[false; WIDTH]; HEIGHT],
        }
    }

    fn add(&mut self, row: usize, samples: &[f32], has_gaps: bool) {
        for (found, sample) in self.found[row].iter_mut().zip(samples) {
            *found = more(self.projection, *found, *sample);
        }
        if has_gaps {
            for (is_spoilt, sample) in self.is_spoilt[row].iter_mut().zip(samples) {
                *is_spoilt |= is_absent(*sample);
            }
        }
    }

    /// The least that was found for any pixel, turned as [`Layer::best`] is; NaN where one has nothing yet.
    fn least(&self, block: &Block) -> f32 {
        let mut least = f32::INFINITY;
        let rows = self.found.iter().zip(&self.is_spoilt);
        for (found, is_spoilt) in rows.take(block.rows.len()) {
            for (found, is_spoilt) in found.iter().zip(is_spoilt).take(block.columns.len()) {
                let turned = match self.projection {
                    Projection::MinIp => -*found,
                    _ => *found,
                };
                if turned.is_nan() && !is_spoilt {
                    return f32::NAN;
                }
                if !is_spoilt && turned < least {
                    least = turned;
                }
            }
        }
        least
    }
}

impl Block {
    fn new(columns: Range<usize>, rows: Range<u32>) -> Self {
        Self { columns, rows }
    }

    /// The planes that lie in the volume, those that could add most first.
    fn layers(&self, sampler: &Sampler<'_>, layers: &mut Vec<Layer>) {
        layers.clear();
        for planes in groups(sampler.planes_beside()) {
            if let Some(voxels) = sampler.voxels(&self.columns, &self.rows, planes.clone()) {
                layers.push(Layer {
                    best: sampler.cells().best(voxels.voxels.clone()),
                    planes,
                    voxels,
                });
            }
        }
        order::sort_by(layers, |a, b| b.best.total_cmp(&a.best));
    }

    /// Samples planes, and hands over each row of each with its place in the block. `cells` is room for a copy of voxels.
    fn look<K: Kernel>(
        &self,
        sampler: &Sampler<'_>,
        kernel: &K,
        planes: RangeInclusive<i64>,
        voxels: &Voxels,
        cells: &mut Vec<u8>,
        take: impl FnMut(usize, &[f32]),
    ) {
        let depth = planes.clone().count();
        let most_rows = self.columns.len() * self.rows.len() * depth * ROWS_A_SAMPLE;
        let shape = Shape::new(&voxels.voxels, most_rows).filter(|_| sampler.is_even());
        let near = shape.and_then(|shape| {
            kernel.copy(&shape, cells)?;
            Some(Near::new(shape, cells))
        });
        let row = |line: Line, samples: &mut [f32]| {
            let (mut line, mut samples) = (line, samples);
            if !voxels.is_inside {
                let inside = sampler.inside(line, samples.len());
                samples[..inside.start].fill(f32::NAN);
                samples[inside.end..].fill(f32::NAN);
                line = line.from(inside.start);
                samples = &mut samples[inside];
            }
            let near = near.as_ref();
            let done = near.and_then(|near| kernel.along_copy(near, &line, samples));
            if done.is_none() {
                sampler.run(line, samples, kernel);
            }
        };
        self.each_row(sampler, planes, row, take);
    }

    #[inline]
    fn each_row(
        &self,
        sampler: &Sampler<'_>,
        planes: RangeInclusive<i64>,
        row: impl Fn(Line, &mut [f32]),
        mut take: impl FnMut(usize, &[f32]),
    ) {
        let mut samples = [f32::NAN; WIDTH];
        let samples = &mut samples[..self.columns.len()];
        for plane in planes {
            for (index, y) in self.rows.clone().enumerate() {
                row(sampler.line(self.columns.start, y, plane), samples);
                take(index, samples);
            }
        }
    }
}

/// Voxels at or before the samples of a box.
#[derive(Debug, Clone)]
pub(super) struct Voxels {
    /// Along columns, rows and slices.
    pub voxels: [RangeInclusive<usize>; 3],
    /// All samples lie inside.
    pub is_inside: bool,
}
