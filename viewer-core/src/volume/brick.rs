//! A volume in bricks: parts of a size that every graphics card takes, and which of them are on it.
//!
//! A brick spans `cell` steps from voxel to voxel and so `cell + 1` voxels: neighbours share the voxels of the face
//! between them, the apron that interpolation needs. A small volume is one brick.

/// Steps from voxel to voxel along a side of a brick of a divided volume: it has 64 voxels.
pub const CELL: u32 = 63;

/// How a volume is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrickLayout {
    size: [u32; 3],
    cell: [u32; 3],
    counts: [u32; 3],
}

/// The voxels of one brick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brick {
    /// First column, row and slice.
    pub start: [u32; 3],
    /// Columns, rows and slices, the apron too.
    pub size: [u32; 3],
}

impl BrickLayout {
    /// Cuts a volume of columns x rows x slices, each at least 1, along sides of `cell` steps, at least 1.
    pub fn new(size: [u32; 3], cell: u32) -> Self {
        Self::with_cells(size, [cell; 3])
    }

    /// One brick where no side is longer than `longest_side` and all voxels fit into `budget_bytes`; else bricks of
    /// [`CELL`] steps, or smaller where the side is.
    pub fn within(
        size: [u32; 3],
        longest_side: u32,
        budget_bytes: u64,
        bytes_per_voxel: u32,
    ) -> Self {
        let voxels = size.iter().map(|side| u64::from(*side));
        let bytes = voxels.fold(u64::from(bytes_per_voxel), u64::saturating_mul);
        if bytes <= budget_bytes && size.iter().all(|side| *side <= longest_side) {
            return Self::with_cells(size, size.map(|side| side.saturating_sub(1)));
        }
        Self::new(size, CELL.min(longest_side.saturating_sub(1)))
    }

    fn with_cells(size: [u32; 3], cell: [u32; 3]) -> Self {
        let size = size.map(|side| side.max(1));
        let cell = cell.map(|cell| cell.max(1));
        let counts = [0, 1, 2].map(|axis| (size[axis] - 1).div_ceil(cell[axis]).max(1));
        Self { size, cell, counts }
    }

    /// Bricks along columns, rows and slices.
    pub fn counts(&self) -> [u32; 3] {
        self.counts
    }

    /// Voxels along columns, rows and slices.
    pub fn size(&self) -> [u32; 3] {
        self.size
    }

    /// Steps from voxel to voxel along the sides of a brick.
    pub fn cell(&self) -> [u32; 3] {
        self.cell
    }

    /// All bricks.
    pub fn count(&self) -> usize {
        self.counts.iter().map(|count| *count as usize).product()
    }

    /// Voxels of the largest brick along columns, rows and slices.
    pub fn largest(&self) -> [u32; 3] {
        [0, 1, 2].map(|axis| self.size[axis].min(self.cell[axis] + 1))
    }

    /// Number of a brick from its place along columns, rows and slices.
    pub fn index(&self, [x, y, z]: [u32; 3]) -> usize {
        let [across, down, _] = self.counts.map(|count| count as usize);
        (z as usize * down + y as usize) * across + x as usize
    }

    /// Place of a brick along columns, rows and slices.
    pub fn place(&self, index: usize) -> [u32; 3] {
        let [across, down, _] = self.counts.map(|count| count as usize);
        [index % across, index / across % down, index / across / down]
            .map(|place| u32::try_from(place).unwrap_or(u32::MAX))
    }

    /// The voxels of a brick.
    pub fn brick(&self, index: usize) -> Brick {
        let place = self.place(index);
        let start = [0, 1, 2].map(|axis| place[axis] * self.cell[axis]);
        let size = [0, 1, 2].map(|axis| (self.size[axis] - start[axis]).min(self.cell[axis] + 1));
        Brick { start, size }
    }

    /// The brick that has both neighbours of a place whose voxel at or before it is this one.
    pub fn brick_of(&self, voxel: [u32; 3]) -> usize {
        let place =
            [0, 1, 2].map(|axis| (voxel[axis] / self.cell[axis]).min(self.counts[axis] - 1));
        self.index(place)
    }

    /// The bricks along one axis that hold a voxel: one, or two where it lies in the face between them.
    pub fn along(&self, axis: usize, voxel: u32) -> std::ops::RangeInclusive<u32> {
        let last = self.counts[axis] - 1;
        let high = (voxel / self.cell[axis]).min(last);
        let is_shared = voxel > 0 && voxel.is_multiple_of(self.cell[axis]) && high > 0;
        let is_end = voxel / self.cell[axis] > last;
        if is_shared && !is_end {
            high - 1..=high
        } else {
            high..=high
        }
    }
}

/// Which bricks are on the graphics card, and where: one slot holds one brick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageTable {
    slot_of: Vec<Option<u32>>,
    slots: Vec<Slot>,
    round: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Slot {
    brick: Option<usize>,
    wanted_at: u64,
}

/// What is to be done that wanted bricks are there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// Bricks to write, the most wanted first, and their slots. What was there is no longer in the table.
    pub uploads: Vec<(usize, u32)>,
    /// Wanted bricks for which there is no slot.
    pub left_out: Vec<usize>,
}

impl PageTable {
    /// A table of `bricks` bricks and `slots` slots, all empty.
    pub fn new(bricks: usize, slots: u32) -> Self {
        Self {
            slot_of: vec![None; bricks],
            slots: vec![Slot::default(); slots as usize],
            round: 0,
        }
    }

    /// The slot of a brick that is there.
    pub fn slot(&self, brick: usize) -> Option<u32> {
        *self.slot_of.get(brick)?
    }

    /// Gives slots to bricks, the most wanted first, each named once. Bricks that are there stay where they are;
    /// empty slots are used first, then those of bricks that were wanted longest ago.
    pub fn want(&mut self, wanted: &[usize]) -> Placement {
        self.round += 1;
        let known = wanted.iter().filter(|brick| **brick < self.slot_of.len());
        let known: Vec<usize> = known.copied().collect();
        let (placed, left_out) = known.split_at(known.len().min(self.slots.len()));
        let mut missing = Vec::new();
        for brick in placed {
            match self.slot_of[*brick] {
                Some(slot) => self.slots[slot as usize].wanted_at = self.round,
                None => missing.push(*brick),
            }
        }
        let mut free: Vec<usize> = (0..self.slots.len())
            .filter(|slot| {
                self.slots[*slot].brick.is_none() || self.slots[*slot].wanted_at < self.round
            })
            .collect();
        free.sort_by_key(|slot| {
            let slot = &self.slots[*slot];
            (slot.brick.is_some(), slot.wanted_at)
        });
        let mut uploads = Vec::new();
        for (brick, slot) in missing.into_iter().zip(free) {
            if let Some(old) = self.slots[slot].brick.replace(brick) {
                self.slot_of[old] = None;
            }
            self.slots[slot].wanted_at = self.round;
            let number = u32::try_from(slot).unwrap_or(u32::MAX);
            self.slot_of[brick] = Some(number);
            uploads.push((brick, number));
        }
        Placement {
            uploads,
            left_out: left_out
                .iter()
                .copied()
                .filter(|brick| self.slot_of[*brick].is_none())
                .collect(),
        }
    }

    /// Empties all slots, as after a lost device.
    pub fn clear(&mut self) {
        self.slot_of.fill(None);
        self.slots.fill(Slot::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_volume_is_one_brick() {
        let layout = BrickLayout::within([512, 512, 200], 2048, 1 << 30, 2);
        assert_eq!((layout.count(), layout.largest()), (1, [512, 512, 200]));
        let brick = Brick {
            start: [0; 3],
            size: [512, 512, 200],
        };
        assert_eq!(layout.brick(0), brick);
    }

    #[test]
    fn lesson_02_a_volume_beyond_the_limit_of_the_adapter_is_cut() {
        // 3,072 steps but one in bricks of 63: ceil(3071 / 63) = 49, ceil(511 / 63) = 9.
        let layout = BrickLayout::within([512, 512, 3072], 2048, u64::MAX, 2);
        assert_eq!((layout.counts(), layout.largest()), ([9, 9, 49], [64; 3]));
        let layout = BrickLayout::within([512, 512, 200], 256, u64::MAX, 2);
        assert_eq!(layout.counts(), [9, 9, 4]);
        assert_eq!(
            BrickLayout::within([90, 4, 4], 32, u64::MAX, 2).largest(),
            [32, 4, 4]
        );
    }

    #[test]
    fn lesson_01_a_volume_beyond_the_budget_is_cut() {
        let layout = BrickLayout::within([512, 512, 3500], 4096, 512 << 20, 2);
        assert_eq!(layout.counts(), [9, 9, 56]);
    }

    #[test]
    fn every_step_between_voxels_lies_within_one_brick() {
        for (size, cell) in [
            ([10, 7, 5], 3),
            ([1, 1, 9], 4),
            ([4, 4, 4], 3),
            ([5, 64, 65], 63),
        ] {
            let layout = BrickLayout::new(size, cell);
            for axis in 0..3 {
                for voxel in 0..size[axis] {
                    let mut place = [0; 3];
                    place[axis] = voxel;
                    let brick = layout.brick(layout.brick_of(place));
                    let next = (voxel + 1).min(size[axis] - 1);
                    let range = brick.start[axis]..brick.start[axis] + brick.size[axis];
                    assert!(
                        range.contains(&voxel) && range.contains(&next),
                        "{size:?} {voxel}"
                    );
                    // All bricks that hold the voxel, by looking at each.
                    let holds = |index: &u32| {
                        let mut place = [0; 3];
                        place[axis] = *index;
                        let brick = layout.brick(layout.index(place));
                        (brick.start[axis]..brick.start[axis] + brick.size[axis]).contains(&voxel)
                    };
                    let expected: Vec<u32> = (0..layout.counts()[axis]).filter(holds).collect();
                    let found: Vec<u32> = layout.along(axis, voxel).collect();
                    assert_eq!(found, expected, "{size:?} cell {cell} voxel {voxel}");
                }
            }
            for index in 0..layout.count() {
                assert_eq!(layout.index(layout.place(index)), index);
            }
        }
    }

    #[test]
    fn bricks_that_are_wanted_again_are_not_written_again() {
        let mut table = PageTable::new(10, 3);
        assert_eq!(table.want(&[4, 5]).uploads, [(4, 0), (5, 1)]);
        assert_eq!(table.want(&[5, 6]).uploads, [(6, 2)]);
        // 4 was wanted longest ago.
        assert_eq!(table.want(&[7, 5, 6]).uploads, [(7, 0)]);
        assert_eq!(
            (table.slot(4), table.slot(5), table.slot(7)),
            (None, Some(1), Some(0))
        );
    }

    #[test]
    fn what_is_wanted_more_is_never_given_up_for_what_is_wanted_less() {
        let mut table = PageTable::new(10, 2);
        table.want(&[1, 2]);
        let placement = table.want(&[3, 1, 2, 4]);
        assert_eq!(placement.uploads, [(3, 1)]);
        assert_eq!(placement.left_out, [2, 4]);
        assert_eq!(
            (table.slot(1), table.slot(2), table.slot(3)),
            (Some(0), None, Some(1))
        );
        table.clear();
        assert_eq!(table.slot(1), None);
    }
}
