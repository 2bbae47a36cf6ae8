//! What is known of all of a volume at once: smallest and largest value of each brick, and a coarse level.
//!
//! Both grow slice by slice, in any order, and need no other slice to be there.

use super::Slice;
use super::brick::BrickLayout;
use crate::pixel::{ModalityLut, SampleType, format::sample_at};
use std::ops::Range;

/// Smallest and largest modality value of each brick, its apron too.
#[derive(Debug, Clone, PartialEq)]
pub struct Extremes {
    layout: BrickLayout,
    /// `f32::INFINITY` and `f32::NEG_INFINITY` before a slice came.
    ranges: Vec<[f32; 2]>,
    /// Slices of the brick that have not come.
    awaited: Vec<u32>,
    is_here: Vec<bool>,
}

impl Extremes {
    /// Nothing known yet.
    pub fn new(layout: BrickLayout) -> Self {
        let bricks = (0..layout.count()).map(|index| layout.brick(index));
        Self {
            ranges: vec![[f32::INFINITY, f32::NEG_INFINITY]; layout.count()],
            awaited: bricks.map(|brick| brick.size[2]).collect(),
            is_here: vec![false; layout.size()[2] as usize],
            layout,
        }
    }

    /// Takes a slice; one that came before changes nothing.
    pub fn add(&mut self, index: u32, slice: &Slice) {
        match self.is_here.get_mut(index as usize) {
            Some(is_here) if !*is_here => *is_here = true,
            _ => return,
        }
        let [across, down, _] = self.layout.counts();
        let bricks = self
            .layout
            .along(2, index)
            .flat_map(|z| (0..down).flat_map(move |y| (0..across).map(move |x| [x, y, z])));
        // Bricks on both sides of a face share the tile.
        let tiles = slice.ranges(&self.spans(0), &self.spans(1));
        for place in bricks {
            let brick = self.layout.index(place);
            let tile = tiles.get((place[1] * across + place[0]) as usize);
            let [low, high] = tile.copied().unwrap_or([f32::NEG_INFINITY, f32::INFINITY]);
            let range = &mut self.ranges[brick];
            *range = [range[0].min(low), range[1].max(high)];
            self.awaited[brick] -= 1;
        }
    }

    /// Voxels of the bricks along an axis, their aprons too.
    fn spans(&self, axis: usize) -> Vec<Range<usize>> {
        let span = |index| {
            let mut place = [0; 3];
            place[axis] = index;
            let brick = self.layout.brick(self.layout.index(place));
            let start = brick.start[axis] as usize;
            start..start + brick.size[axis] as usize
        };
        (0..self.layout.counts()[axis]).map(span).collect()
    }

    /// Smallest and largest value of a brick, once all of its slices came. A brick without a number (all NaN) has a
    /// smallest above its largest.
    pub fn of(&self, brick: usize) -> Option<[f32; 2]> {
        (*self.awaited.get(brick)? == 0).then(|| self.ranges[brick])
    }
}

/// A volume of fewer voxels: each is the mean of a block of `factor` voxels a side.
#[derive(Debug, Clone, PartialEq)]
pub struct CoarseLevel {
    fine: [u32; 3],
    factor: [u32; 3],
    size: [u32; 3],
    sums: Vec<f32>,
    counts: Vec<u32>,
}

impl CoarseLevel {
    /// The finest level of a volume that has at most `most_voxels`: the longest sides are halved first. Nothing of it
    /// is known yet.
    pub fn new(volume: [u32; 3], most_voxels: u64) -> Self {
        let fine = volume.map(|side| side.max(1));
        let mut factor = [1_u32; 3];
        let sides = |factor: [u32; 3]| [0, 1, 2].map(|axis| fine[axis].div_ceil(factor[axis]));
        let voxels = |sides: [u32; 3]| -> u64 { sides.iter().map(|s| u64::from(*s)).product() };
        while voxels(sides(factor)) > most_voxels.max(1) {
            let now = sides(factor);
            let longest = (0..3).max_by_key(|axis| now[*axis]).unwrap_or(0);
            factor[longest] *= 2;
        }
        let size = sides(factor);
        let count = usize::try_from(voxels(size)).unwrap_or(usize::MAX);
        Self {
            fine,
            factor,
            size,
            sums: vec![0.0; count],
            counts: vec![0; count],
        }
    }

    /// Voxels along columns, rows and slices.
    pub fn size(&self) -> [u32; 3] {
        self.size
    }

    /// Voxels of the volume that one of this level stands for, a side.
    pub fn factor(&self) -> [u32; 3] {
        self.factor
    }

    /// Takes a slice. Each slice must come once.
    pub fn add(&mut self, index: u32, slice: &Slice) {
        if index >= self.fine[2] {
            return;
        }
        let bytes = slice.samples();
        let (words, quads) = (bytes.as_chunks().0, bytes.as_chunks().0);
        match (slice.modality(), slice.sample_type()) {
            (ModalityLut::Rescale { slope, intercept }, kind) => {
                let line = [*slope, *intercept];
                match kind {
                    SampleType::U8 => self.add_rows(index, bytes, line, f64::from),
                    SampleType::I8 => {
                        self.add_rows(index, bytes, line, |b: u8| b.cast_signed().into());
                    }
                    SampleType::U16 => {
                        self.add_rows(index, words, line, |b| u16::from_le_bytes(b).into());
                    }
                    SampleType::I16 => {
                        self.add_rows(index, words, line, |b| i16::from_le_bytes(b).into());
                    }
                    SampleType::U32 => {
                        self.add_rows(index, quads, line, |b| u32::from_le_bytes(b).into());
                    }
                    SampleType::I32 => {
                        self.add_rows(index, quads, line, |b| i32::from_le_bytes(b).into());
                    }
                    SampleType::F32 => {
                        self.add_rows(index, quads, line, |b| f32::from_le_bytes(b).into());
                    }
                    SampleType::F64 => {
                        self.add_rows(index, bytes.as_chunks().0, line, f64::from_le_bytes);
                    }
                }
            }
            (table, kind) => {
                let count = bytes.len() / kind.size_bytes();
                let values: Vec<f64> = (0..count)
                    .map(|at| sample_at(bytes, kind, at).map_or(f64::NAN, |s| table.apply(s)))
                    .collect();
                self.add_rows(index, &values, [1.0, 0.0], |value| value);
            }
        }
    }

    /// Adds the sums of stored values of each block, rescaled as sums. What is no number does not count.
    fn add_rows<C: Copy>(
        &mut self,
        index: u32,
        cells: &[C],
        [slope, intercept]: [f64; 2],
        number: impl Fn(C) -> f64,
    ) {
        let [width, height, _] = self.size.map(|side| side as usize);
        let [across, down, deep] = self.factor.map(|factor| factor as usize);
        let layer = index as usize / deep * width * height;
        let columns = self.fine[0] as usize;
        for (row, cells) in cells.chunks_exact(columns).enumerate() {
            let start = layer + row / down * width;
            let sums = self.sums.get_mut(start..start + width).unwrap_or_default();
            let counts = self
                .counts
                .get_mut(start..start + width)
                .unwrap_or_default();
            for ((sum, count), block) in sums.iter_mut().zip(counts).zip(cells.chunks(across)) {
                let (mut stored, mut numbers) = (0.0, 0_u32);
                for cell in block {
                    let number = number(*cell);
                    if !number.is_nan() {
                        stored += number;
                        numbers += 1;
                    }
                }
                let value = slope * stored + intercept * f64::from(numbers);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a mean that is only looked at"
                )]
                let value = value as f32;
                *sum += value;
                *count += numbers;
            }
        }
    }

    /// The mean of what came of a voxel's block; `None` before anything did, and outside.
    pub fn value(&self, [x, y, z]: [u32; 3]) -> Option<f32> {
        let [width, height, depth] = self.size;
        if x >= width || y >= height || z >= depth {
            return None;
        }
        let [x, y, z, width, height] = [x, y, z, width, height].map(|n| n as usize);
        let voxel = (z * height + y) * width + x;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a block has far fewer than 2^24 voxels"
        )]
        let count = self.counts[voxel] as f32;
        (count > 0.0).then(|| self.sums[voxel] / count)
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.sums.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixel::{Frame, Photometric};

    /// A slice of unsigned bytes.
    fn slice(columns: u32, rows: u32, value: impl Fn(u32, u32) -> u8) -> Slice {
        let data = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
        let frame = Frame {
            rows,
            columns,
            samples_per_pixel: 1,
            sample_type: SampleType::U8,
            bits_stored: 8,
            photometric: Photometric::Monochrome2,
            data: data.map(|(x, y)| value(x, y)).collect(),
        };
        let modality = ModalityLut::Rescale {
            slope: 2.0,
            intercept: -5.0,
        };
        Slice::new(frame, modality).unwrap()
    }

    fn stored(x: u32, y: u32, z: u32) -> u8 {
        ((x * 37 + y * 91 + z * 57) % 251) as u8
    }

    #[test]
    fn each_brick_knows_its_smallest_and_largest_value() {
        let size = [9, 8, 7];
        let layout = BrickLayout::new(size, 3);
        let mut extremes = Extremes::new(layout);
        for z in [6, 0, 3, 3, 1, 2, 5] {
            extremes.add(z, &slice(9, 8, |x, y| stored(x, y, z)));
        }
        for index in 0..layout.count() {
            let brick = layout.brick(index);
            let [xs, ys, zs] =
                [0, 1, 2].map(|axis| brick.start[axis]..brick.start[axis] + brick.size[axis]);
            // Slice 4 did not come.
            if zs.contains(&4) {
                assert_eq!(extremes.of(index), None);
                continue;
            }
            let mut values = Vec::new();
            for z in zs {
                for y in ys.clone() {
                    values.extend(xs.clone().map(|x| f32::from(stored(x, y, z)) * 2.0 - 5.0));
                }
            }
            let low = values.iter().copied().fold(f32::MAX, f32::min);
            let high = values.iter().copied().fold(f32::MIN, f32::max);
            assert_eq!(extremes.of(index), Some([low, high]), "{brick:?}");
        }
    }

    #[test]
    fn a_coarse_voxel_is_the_mean_of_its_block() {
        // 60 voxels to at most 16: 5 columns to 3, 4 rows to 2, 3 slices to 2.
        let mut level = CoarseLevel::new([5, 4, 3], 16);
        assert_eq!((level.factor(), level.size()), ([2, 2, 2], [3, 2, 2]));
        let factor = level.factor();
        for z in 0..3 {
            level.add(z, &slice(5, 4, |x, y| stored(x, y, z)));
        }
        for z in 0..level.size()[2] {
            for y in 0..level.size()[1] {
                for x in 0..level.size()[0] {
                    let mut block = Vec::new();
                    for fine_z in (0..3).filter(|fine| fine / factor[2] == z) {
                        for fine_y in (0..4).filter(|fine| fine / factor[1] == y) {
                            for fine_x in (0..5).filter(|fine| fine / factor[0] == x) {
                                block.push(f32::from(stored(fine_x, fine_y, fine_z)) * 2.0 - 5.0);
                            }
                        }
                    }
                    let mean = block.iter().sum::<f32>() / block.len() as f32;
                    let found = level.value([x, y, z]).unwrap();
                    assert!((found - mean).abs() < 1e-3, "{found} {mean}");
                }
            }
        }
    }

    #[test]
    fn lesson_01_the_coarse_level_of_a_very_long_volume_is_small() {
        let level = CoarseLevel::new([512, 512, 3500], 1 << 21);
        assert!(level.bytes() <= 16 << 20, "{}", level.bytes());
        // 3500 is halved to 438 first, then all in turn: 128 x 128 x 110 voxels.
        assert_eq!(level.factor(), [4, 4, 32]);
        assert_eq!(level.value([0, 0, 0]), None);
    }
}
