//! Planes and slabs of chance, in every bit against single samples.

use super::super::{Slice, SliceState, VolumeGrid};
use super::*;
use crate::geometry::{ImagePlane, Slab};
use crate::pixel::{Frame, Photometric};
use std::sync::Arc;

/// Numbers that look like chance and are the same each time.
pub(in super::super) struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Below a number.
    pub fn below(&mut self, count: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 33).unwrap() % count
    }

    /// From -1 to 1.
    pub fn signed(&mut self) -> f64 {
        f64::from(self.below(1 << 20)) / f64::from(1 << 19) - 1.0
    }
}

/// 37 x 34 x 23 voxels, even or not, of one type: noise, and blocks that stand out.
pub(in super::super) fn chance_volume(
    chance: &mut Chance,
    kind: SampleType,
) -> (VolumeGrid, Slices) {
    let is_even = chance.below(2) == 0;
    let heights = (0..23).scan(0.0, |z, _| {
        *z += if is_even {
            1.5
        } else {
            1.0 + chance.signed().abs()
        };
        Some([0.0, *z * 0.1, *z])
    });
    let orientation = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let plane = |origin| ImagePlane::new(origin, orientation, [0.9, 0.7]).unwrap();
    let planes: Vec<_> = heights.map(plane).collect();
    let grid = VolumeGrid::stack(&planes, [37, 34]).unwrap().grid;
    let mut slices = Slices::new(37, 34, 23);
    let differ = chance.below(2) == 0;
    let blocks: Vec<_> = (0..6)
        .map(|_| {
            [
                chance.below(37),
                chance.below(34),
                chance.below(23),
                chance.below(100),
            ]
        })
        .collect();
    for z in 0..23_u32 {
        let mut data = Vec::new();
        for (y, x) in (0..34_u32).flat_map(|y| (0..37_u32).map(move |x| (y, x))) {
            let is_near = |b: &&[u32; 4]| {
                x.abs_diff(b[0]) < 5 && y.abs_diff(b[1]) < 5 && z.abs_diff(b[2]) < 4
            };
            let block = blocks.iter().find(is_near).map_or(20, |block| block[3]);
            let stored = u8::try_from(block + chance.below(9)).unwrap();
            match kind.size_bytes() {
                1 => data.push(stored),
                2 => data.extend((i16::from(stored) * 256 + 7).to_le_bytes()),
                _ => data.extend((f32::from(stored) - 40.0).to_le_bytes()),
            }
        }
        let slope = if differ {
            0.5 + chance.signed().abs()
        } else {
            -1.5
        };
        let modality = ModalityLut::Rescale {
            slope,
            intercept: -300.0,
        };
        let frame = Frame {
            rows: 34,
            columns: 37,
            samples_per_pixel: 1,
            sample_type: kind,
            bits_stored: 16,
            photometric: Photometric::Monochrome2,
            data,
        };
        let slice = Arc::new(Slice::new(frame, modality).unwrap());
        slices.put(z as usize, slice).unwrap();
    }
    (grid, slices)
}

/// A plane or slab anywhere in a volume; one in three runs along its rows.
pub(in super::super) fn chance_plane(chance: &mut Chance, grid: &VolumeGrid) -> ViewPlane {
    let mut vector = || DVec3::new(chance.signed(), chance.signed(), chance.signed());
    let (offset, row, across) = (vector() * 6.0, vector().normalize(), vector());
    let column = row.cross(across).normalize();
    let (row, column) = match chance.below(6) {
        0 => (DVec3::X, DVec3::Y),
        1 => (DVec3::X, DVec3::Z),
        2 => (DVec3::NEG_Y, DVec3::Z),
        _ => (row, column),
    };
    let center = (grid.center() + offset).to_array();
    let pixel_mm = 0.2 + chance.signed().abs();
    let plane = ViewPlane::new(center, row.to_array(), column.to_array(), pixel_mm).unwrap();
    let projection = [Projection::Mip, Projection::MinIp, Projection::Mean];
    let slab = Slab {
        thickness_mm: f64::from(chance.below(4)) * 4.0,
        projection: projection[chance.below(3) as usize],
        step_mm: None,
    };
    let slab = Some(slab);
    ViewPlane { slab, ..plane }
}

/// A volume of which some slices are on their way and some will never come.
pub(in super::super) fn chance_presence(chance: &mut Chance) -> Presence {
    let mut presence = Presence::new(23);
    let share = chance.below(3) * 3;
    for slice in 0..23 {
        let state = match chance.below(20) {
            0 if share > 3 => SliceState::Failed,
            dice if dice <= share => SliceState::Awaited,
            _ => SliceState::Here,
        };
        presence.set(slice, state);
    }
    presence
}

/// All samples one by one, and slabs of all of them: a loop that leaves nothing out.
struct OneByOne<'o>(&'o mut Vec<f32>);

impl Target for OneByOne<'_> {
    fn write(self, sampler: &Sampler<'_>, kernel: &impl Kernel) {
        for y in 0..sampler.height {
            for x in 0..sampler.width() {
                let beside = sampler.planes_beside;
                let samples = (-beside..=beside).map(|plane| {
                    let mut sample = [0.0];
                    sampler.row(sampler.line(x, y, plane), &mut sample, kernel);
                    sample[0]
                });
                let samples: Vec<f32> = samples.collect();
                let numbers = samples.iter().copied().filter(|value| !value.is_nan());
                let count = numbers.clone().count();
                self.0.push(match sampler.projection {
                    _ if samples.iter().any(|value| is_absent(*value)) => ABSENT,
                    _ if count == 0 => f32::NAN,
                    Projection::Mip => numbers.fold(f32::NEG_INFINITY, f32::max),
                    Projection::MinIp => numbers.fold(f32::INFINITY, f32::min),
                    Projection::Mean => (numbers.map(f64::from).sum::<f64>() / count as f64) as f32,
                });
            }
        }
    }
}

#[test]
fn rows_and_blocks_are_in_every_bit_what_single_samples_give() {
    let mut chance = Chance::new(7);
    let mut found = [0; 3];
    for round in 0..90 {
        let kinds = [
            SampleType::U8,
            SampleType::I8,
            SampleType::U16,
            SampleType::I16,
            SampleType::F32,
        ];
        let (grid, slices) = chance_volume(&mut chance, kinds[round % 5]);
        let plane = chance_plane(&mut chance, &grid);
        let presence = chance_presence(&mut chance);
        let sampler = Sampler::new(&grid, &slices, &plane, [43, 29]).unwrap();
        let sampler = sampler.with_presence(&presence);
        let sampler = if round % 9 == 0 {
            sampler.with(Interpolation::Nearest)
        } else {
            sampler
        };
        let mut expected = Vec::new();
        sampler.each(OneByOne(&mut expected));
        let mut values = vec![7.0; 43 * 29];
        sampler.rows(0..29, &mut values);
        for (value, expected) in values.iter().zip(&expected) {
            assert_eq!(
                value.to_bits(),
                expected.to_bits(),
                "{round}: {value} {expected}"
            );
            found[0] += usize::from(!value.is_nan());
            found[1] += usize::from(is_absent(*value));
            found[2] += usize::from(value.is_nan() && !is_absent(*value));
        }
    }
    assert!(found.iter().all(|count| *count > 2000), "{found:?}");
}
