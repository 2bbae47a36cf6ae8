//! Rows of samples that run along rows of voxels, as those of axial and coronal planes do.
//!
//! A row of voxels is mixed along itself once and kept while rows and planes of the viewport need it; what is left is the
//! same sum for a whole row, value by value in the order of [`super::kernel`], so the result is the same in every bit.

use super::kernel::{Kernel, cast, lerp, weight};
use super::ladder::Mixed;
use super::sample::{ABSENT, Sampler};
use std::collections::HashMap;
use std::ops::Range;

/// Most values of rows that are kept.
const MOST_VALUES: usize = 1 << 19;

/// Rows of a plane or slab, made one by one.
pub(super) struct RowSource<'a, K> {
    sampler: &'a Sampler<'a>,
    kernel: &'a K,
    aligned: Option<Aligned>,
}

struct Aligned {
    /// Samples inside.
    inside: Range<usize>,
    /// Their voxels and the weights of the next.
    places: Vec<[u32; 2]>,
    /// Rows of voxels at these places, by slice and row.
    rows: HashMap<(usize, u32), Vec<f32>>,
}

impl<'a, K: Kernel> RowSource<'a, K> {
    pub fn new(sampler: &'a Sampler<'a>, kernel: &'a K) -> Self {
        let columns = sampler.columns();
        // Without lines there is nothing to keep.
        let has_lines = sampler.here().all(|slice| kernel.rescale(slice).is_some());
        let aligned = columns
            .filter(|_| has_lines)
            .map(|(inside, places)| Aligned {
                inside,
                places,
                rows: HashMap::new(),
            });
        Self {
            sampler,
            kernel,
            aligned,
        }
    }

    /// True where rows of voxels are kept.
    pub fn is_aligned(&self) -> bool {
        self.aligned.is_some()
    }

    /// Writes a row of a plane; NaN outside.
    pub fn fill(&mut self, y: u32, plane: i64, out: &mut [f32]) {
        let (sampler, kernel) = (self.sampler, self.kernel);
        let Some(aligned) = &mut self.aligned else {
            return sampler.row(sampler.line(0, y, plane), out, kernel);
        };
        out.fill(f32::NAN);
        let Some(place) = sampler.row_and_slice(y, plane) else {
            return;
        };
        let out = &mut out[aligned.inside.clone()];
        // A row of no weight may lie outside: it is the upper again.
        let rows = [place.row, place.row + u32::from(place.down > 0)];
        let down = weight(place.down);
        match sampler.mixed(&place) {
            Mixed::Two(low, high, up) => {
                aligned.keep(kernel, &[low, high], rows);
                let lines = [low, high].map(|slice| kernel.rescale(slice).unwrap_or_default());
                let [[slope, intercept], [high_slope, high_intercept]] = lines;
                let [low_top, low_bottom] = aligned.get(low, rows);
                let [high_top, high_bottom] = aligned.get(high, rows);
                let lows = low_top.iter().zip(low_bottom);
                let highs = high_top.iter().zip(high_bottom);
                for ((out, (a, b)), (c, d)) in out.iter_mut().zip(lows).zip(highs) {
                    let low = slope * f64::from(lerp(*a, *b, down)) + intercept;
                    let high = high_slope * f64::from(lerp(*c, *d, down)) + high_intercept;
                    *out = cast(low + (high - low) * up);
                }
            }
            Mixed::One(slice) => {
                aligned.keep(kernel, &[slice], rows);
                let [slope, intercept] = kernel.rescale(slice).unwrap_or_default();
                let [top, bottom] = aligned.get(slice, rows);
                for (out, (a, b)) in out.iter_mut().zip(top.iter().zip(bottom)) {
                    *out = cast(slope * f64::from(lerp(*a, *b, down)) + intercept);
                }
            }
            Mixed::Absent => out.fill(ABSENT),
            Mixed::Nothing => {}
        }
    }
}

impl Aligned {
    /// Makes rows of slices that are not kept.
    fn keep(&mut self, kernel: &impl Kernel, slices: &[usize], rows: [u32; 2]) {
        if self.rows.len() * self.places.len() > MOST_VALUES {
            self.rows.clear();
        }
        for slice in slices {
            for row in rows {
                let kept = self.rows.entry((*slice, row));
                kept.or_insert_with(|| {
                    let row = kernel.along_row(*slice, row, &self.places);
                    row.unwrap_or_default()
                });
            }
        }
    }

    fn get(&self, slice: usize, rows: [u32; 2]) -> [&[f32]; 2] {
        rows.map(|row| self.rows.get(&(slice, row)).map_or(&[][..], Vec::as_slice))
    }
}
