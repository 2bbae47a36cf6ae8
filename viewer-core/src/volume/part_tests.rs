//! Parts against one sampler over all slices.

use super::super::sample::chance_tests::{Chance, chance_plane, chance_presence, chance_volume};
use super::super::{Presence, SliceState, Slices, VolumeGrid};
use super::*;
use crate::geometry::{Slab, ViewPlane};
use crate::pixel::SampleType;

/// The slices that the worker of a range holds.
fn held(slices: &Slices, range: &Range<usize>) -> Slices {
    let [columns, rows] = slices.size();
    let mut held = Slices::new(columns, rows, slices.count());
    for index in range.start..(range.end + 1).min(slices.count()) {
        if let Some(slice) = slices.get(index) {
            held.put(index, slice.clone()).unwrap();
        }
    }
    held
}

/// What the workers of ranges send for a plane.
fn sent(
    grid: &VolumeGrid,
    slices: &Slices,
    presence: Option<&Presence>,
    plane: &ViewPlane,
    ranges: &[Range<usize>],
    rows: Range<u32>,
) -> Vec<PartialPlane> {
    let part = |range: &Range<usize>| {
        let held = held(slices, range);
        let sampler = Sampler::new(grid, &held, plane, [41, 30]).unwrap();
        let sampler = match presence {
            Some(presence) => sampler.with_presence(presence),
            None => sampler,
        };
        let bytes = sampler
            .within(range.clone())
            .partial(rows.clone())
            .to_bytes();
        PartialPlane::from_bytes(&bytes).unwrap()
    };
    ranges.iter().map(part).collect()
}

#[test]
fn parts_together_are_one_sampler() {
    let mut chance = Chance::new(3);
    for round in 0..60 {
        let kind = [SampleType::I16, SampleType::U8, SampleType::F32][round % 3];
        let (grid, mut slices) = chance_volume(&mut chance, kind);
        let plane = chance_plane(&mut chance, &grid);
        // Every slice came, or failed.
        let mut presence = chance_presence(&mut chance);
        for slice in 0..23 {
            match presence.of(slice) {
                SliceState::Failed => drop(slices.remove(slice)),
                _ => drop(presence.set(slice, SliceState::Here)),
            }
        }
        let presence = (round % 2 == 0).then_some(&presence);
        let cut = 1 + chance.below(21) as usize;
        let ranges = [0..cut / 2, cut / 2..cut, cut..23];
        let rows = chance.below(10)..20 + chance.below(20);
        let parts = sent(&grid, &slices, presence, &plane, &ranges, rows.clone());
        let values = merge(&parts).unwrap();
        let sampler = Sampler::new(&grid, &slices, &plane, [41, 30]).unwrap();
        assert_eq!(parts[0].rows(), rows.start..rows.end.min(30));
        let mut expected = vec![0.0; values.len()];
        sampler.rows(rows, &mut expected);
        let is_mean = sampler.planes_beside() > 0 && sampler.projection() == Projection::Mean;
        for (value, expected) in values.iter().zip(&expected) {
            if is_mean && !expected.is_nan() {
                assert!(
                    (value - expected).abs() <= expected.abs() * 1e-6,
                    "{value} {expected}"
                );
            } else {
                assert_eq!(
                    value.to_bits(),
                    expected.to_bits(),
                    "{round}: {value} {expected}"
                );
            }
        }
    }
}

#[test]
fn a_sample_on_a_slice_between_two_parts_counts_once() {
    // All voxels are 1, so the sum of a mean is the number of its samples.
    let mut chance = Chance::new(5);
    let (grid, _) = chance_volume(&mut chance, SampleType::U8);
    let mut slices = Slices::new(37, 34, 23);
    for z in 0..23 {
        let frame = crate::pixel::Frame {
            rows: 34,
            columns: 37,
            samples_per_pixel: 1,
            sample_type: SampleType::U8,
            bits_stored: 8,
            photometric: crate::pixel::Photometric::Monochrome2,
            data: vec![1; 34 * 37],
        };
        let slice = super::super::Slice::new(frame, crate::pixel::ModalityLut::IDENTITY).unwrap();
        slices.put(z, std::sync::Arc::new(slice)).unwrap();
    }
    let center = grid.patient_from_voxel(glam::DVec3::new(18.0, 17.0, 7.0));
    let plane = ViewPlane::new(center.to_array(), [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 0.5).unwrap();
    let slab = Slab {
        thickness_mm: 4.0,
        projection: Projection::Mean,
        step_mm: Some(0.5),
    };
    let plane = ViewPlane {
        slab: Some(slab),
        ..plane
    };
    let parts = sent(&grid, &slices, None, &plane, &[0..7, 7..23], 15..16);
    let counts = parts.iter().map(|part| match &part.found {
        Found::Sums { sums, counts } => (sums[20], counts[20]),
        Found::Values(_) => panic!("a mean has sums"),
    });
    // Planes at -2 to 2 mm: four below the slice, the one on it and four above.
    assert_eq!(counts.collect::<Vec<_>>(), [(4.0, 4), (5.0, 5)]);
}

#[test]
fn bytes_that_are_no_part_are_refused() {
    let part = PartialPlane {
        kind: Kind::Plane,
        width: 2,
        rows: 3..5,
        found: Found::Values(vec![1.0, f32::NAN, ABSENT, -2.5]),
    };
    let bytes = part.to_bytes();
    assert_eq!(bytes.len(), 16 + 4 * 4);
    assert_eq!(
        bytes[..16],
        [0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0]
    );
    assert_eq!(PartialPlane::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    let with = |at: usize, word: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        PartialPlane::from_bytes(&bytes).unwrap_err()
    };
    assert_eq!(with(0, 4), PartError::Header);
    assert_eq!(with(8, u32::MAX), PartError::Header);
    assert_eq!(with(4, 70_000), PartError::Header);
    let longer = PartError::Length {
        actual: 16,
        expected: 24,
    };
    assert_eq!(with(12, 3), longer);
    assert_eq!(
        PartialPlane::from_bytes(&bytes[..15]),
        Err(PartError::Header)
    );
    let other = PartialPlane {
        rows: 4..6,
        ..part.clone()
    };
    assert_eq!(merge(&[part, other]), Err(PartError::Different));
    assert_eq!(merge(&[]), Ok(Vec::new()));
}
