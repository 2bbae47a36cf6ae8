//! The voxels of a small box, side by side.
//!
//! Samples of an oblique slab come back to the same few voxels of many rows and slices, which lie far apart in memory and
//! push each other out of the processor's cache. A copy of them is quickly made, and its voxels are found by one number.

use std::ops::RangeInclusive;

/// Most voxels of a box.
const MOST: usize = 1 << 15;

/// A copy of the voxels of a box.
pub(super) struct Near<'a> {
    cells: &'a [u8],
    shape: Shape,
}

/// Where the voxels of a box are in its copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// First column, row and slice.
    first: [u32; 3],
    /// Voxels along each axis: those at or before samples, and the next.
    size: [u32; 3],
}

impl Shape {
    /// That of a box; `None` where it is not worth it: more than `most_rows` rows of voxels.
    pub fn new(voxels: &[RangeInclusive<usize>; 3], most_rows: usize) -> Option<Self> {
        let [columns, rows, slices] = [0, 1, 2].map(|axis| {
            let range = &voxels[axis];
            range.end().saturating_sub(*range.start()).saturating_add(2)
        });
        if rows.saturating_mul(slices) > most_rows.min(MOST / columns) {
            return None;
        }
        let first = [0, 1, 2].map(|axis| u32::try_from(*voxels[axis].start()).ok());
        let size = [columns, rows, slices].map(|side| u32::try_from(side).ok());
        let ([Some(x), Some(y), Some(z)], [Some(w), Some(h), Some(d)]) = (first, size) else {
            return None;
        };
        Some(Self {
            first: [x, y, z],
            size: [w, h, d],
        })
    }

    /// Slices of the box.
    pub fn slices(&self) -> std::ops::Range<usize> {
        self.first[2] as usize..(self.first[2] + self.size[2]) as usize
    }

    /// Copies the box out of slices of so many columns and bytes a voxel. Voxels outside the slices become 0: no sample
    /// gives them weight.
    pub fn copy<'s>(
        &self,
        columns: u32,
        voxel_bytes: usize,
        slice: impl Fn(usize) -> Option<&'s [u8]>,
        cells: &mut Vec<u8>,
    ) -> Option<()> {
        let [x, y, _] = self.first.map(|first| first as usize);
        let [width, height, depth] = self.size.map(|side| side as usize);
        let row_bytes = columns as usize * voxel_bytes;
        let line_bytes = width * voxel_bytes;
        cells.clear();
        cells.resize(line_bytes * height * depth, 0);
        let bytes = line_bytes.min(row_bytes.saturating_sub(x * voxel_bytes));
        let mut lines = cells.chunks_exact_mut(line_bytes);
        for index in self.slices() {
            let samples = slice(index)?;
            for row in y..y + height {
                let line = lines.next()?;
                let start = row * row_bytes + x * voxel_bytes;
                if let Some(samples) = samples.get(start..start + bytes) {
                    line[..bytes].copy_from_slice(samples);
                }
            }
        }
        Some(())
    }
}

impl<'a> Near<'a> {
    /// A box and its copy.
    pub fn new(shape: Shape, cells: &'a [u8]) -> Self {
        Self { cells, shape }
    }

    /// The copy.
    #[inline]
    pub fn cells(&self) -> &'a [u8] {
        self.cells
    }

    /// From a voxel to the next along a row, to the one in the next row, and to the one in the next slice.
    #[inline]
    pub fn steps(&self) -> [u32; 3] {
        let [width, height, _] = self.shape.size;
        [1, width, width * height]
    }

    /// A position, with 32 fractional bits, from the first voxel of the box.
    pub fn relative(&self, position: [i64; 3]) -> [i64; 3] {
        let first = self.shape.first;
        std::array::from_fn(|axis| position[axis] - (i64::from(first[axis]) << 32))
    }
}
