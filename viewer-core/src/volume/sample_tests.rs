//! Planes and slabs against formulas: a ramp is linear, so trilinear interpolation gives it exactly.

use super::super::{Slice, SliceState, VolumeGrid};
use super::*;
use crate::geometry::{ImagePlane, Slab};
use crate::pixel::{Frame, Photometric};
use std::sync::Arc;

/// A ramp in the patient: whole numbers of no voxel, so it is stored as double.
fn ramp(patient: DVec3) -> f64 {
    3.0 * patient.x - 2.0 * patient.y + 5.0 * patient.z + 7.0
}

fn frame(columns: u32, rows: u32, sample_type: SampleType, data: Vec<u8>) -> Frame {
    Frame {
        rows,
        columns,
        samples_per_pixel: 1,
        sample_type,
        bits_stored: 16,
        photometric: Photometric::Monochrome2,
        data,
    }
}

/// 12 x 9 voxels of 0.8 x 1.25 mm at these origins, columns turned by `tilt` degrees around x.
fn grid(tilt: f64, origins: &[[f64; 3]]) -> VolumeGrid {
    let (sin, cos) = tilt.to_radians().sin_cos();
    let orientation = [1.0, 0.0, 0.0, 0.0, cos, -sin];
    let plane = |origin: &[f64; 3]| ImagePlane::new(*origin, orientation, [1.25, 0.8]).unwrap();
    let planes: Vec<_> = origins.iter().map(plane).collect();
    VolumeGrid::stack(&planes, [12, 9]).unwrap().grid
}

fn along_z(heights: &[f64]) -> Vec<[f64; 3]> {
    heights.iter().map(|z| [-4.0, -5.0, *z]).collect()
}

/// Slices whose voxels have the values of a function of the place.
fn filled(grid: &VolumeGrid, value: impl Fn(DVec3) -> f64) -> Slices {
    let mut slices = Slices::new(grid.columns, grid.rows, grid.slice_count());
    for index in 0..grid.slice_count() {
        let z = f64::from(u32::try_from(index).unwrap());
        let places = (0..grid.rows).flat_map(|y| (0..grid.columns).map(move |x| (x, y)));
        let bytes = places
            .flat_map(|(x, y)| {
                let voxel = DVec3::new(x.into(), y.into(), z);
                value(grid.patient_from_voxel(voxel)).to_le_bytes()
            })
            .collect();
        let frame = frame(grid.columns, grid.rows, SampleType::F64, bytes);
        put(&mut slices, index, frame, ModalityLut::IDENTITY);
    }
    slices
}

fn put(slices: &mut Slices, index: usize, frame: Frame, modality: ModalityLut) {
    let slice = Arc::new(Slice::new(frame, modality).unwrap());
    slices.put(index, slice).unwrap();
}

/// A plane that cuts the grid askew.
fn askew(grid: &VolumeGrid) -> ViewPlane {
    let row = DVec3::new(0.6, 0.64, 0.48);
    let column = DVec3::new(-0.8, 0.48, 0.36);
    ViewPlane::new(
        grid.center().to_array(),
        row.to_array(),
        column.to_array(),
        0.31,
    )
    .unwrap()
}

/// Every sample inside has the ramp's value, every other is NaN; how many are inside.
fn check_ramp(grid: &VolumeGrid) -> usize {
    let slices = filled(grid, ramp);
    let (plane, size) = (askew(grid), [61, 57]);
    let values = plane_values(grid, &slices, &plane, size).unwrap();
    let mut inside = 0;
    for y in 0..size[1] {
        for x in 0..size[0] {
            let value = values[(y * size[0] + x) as usize];
            let patient = plane.patient_from_canvas(x.into(), y.into(), size[0], size[1]);
            assert_eq!(
                !value.is_nan(),
                grid.contains(grid.voxel_from_patient(patient)),
                "{x} {y}"
            );
            if !value.is_nan() {
                inside += 1;
                // A position is rounded to 1/131072 of a voxel, at most 11 mm here, so by 1e-4 mm.
                let apart = (f64::from(value) - ramp(patient)).abs();
                assert!(apart < 1e-3, "{x} {y}: {value}, expected {}", ramp(patient));
            }
        }
    }
    inside
}

#[test]
fn a_ramp_is_exact_on_a_straight_grid() {
    assert!(check_ramp(&grid(0.0, &along_z(&[0.0, 2.5, 5.0, 7.5, 10.0]))) > 500);
}

#[test]
fn lesson_12_a_ramp_is_exact_on_a_tilted_grid() {
    assert!(check_ramp(&grid(18.5, &along_z(&[0.0, 2.5, 5.0, 7.5, 10.0]))) > 500);
}

#[test]
fn lesson_12_a_ramp_is_exact_between_unequal_gaps() {
    assert!(check_ramp(&grid(0.0, &along_z(&[0.0, 1.0, 4.0, 4.5, 10.0]))) > 500);
    assert!(check_ramp(&grid(-12.0, &along_z(&[0.0, 1.0, 4.0, 4.5, 10.0]))) > 500);
}

/// Four slices of 2 x 2 voxels of 1 mm, 1 mm apart; all voxels of a slice are equal.
fn four(values: [f32; 4]) -> (VolumeGrid, Slices) {
    let plane = |z: u32| {
        let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        ImagePlane::new([0.0, 0.0, z.into()], axial, [1.0, 1.0]).unwrap()
    };
    let planes: Vec<_> = (0..4).map(plane).collect();
    let grid = VolumeGrid::stack(&planes, [2, 2]).unwrap().grid;
    let mut slices = Slices::new(2, 2, 4);
    for (index, value) in values.iter().enumerate() {
        let data = value.to_le_bytes().repeat(4);
        put(
            &mut slices,
            index,
            frame(2, 2, SampleType::F32, data),
            ModalityLut::IDENTITY,
        );
    }
    (grid, slices)
}

/// The value in the middle of the slices at a height.
fn at_height(grid: &VolumeGrid, slices: &Slices, z: f64, slab: Option<Slab>) -> f32 {
    let plane = ViewPlane::new([0.5, 0.5, z], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 1.0).unwrap();
    let plane = ViewPlane { slab, ..plane };
    plane_values(grid, slices, &plane, [1, 1]).unwrap()[0]
}

fn slab(thickness_mm: f64, projection: Projection) -> Option<Slab> {
    Some(Slab {
        thickness_mm,
        projection,
        step_mm: None,
    })
}

#[test]
fn eight_voxels_are_weighed_by_hand() {
    // Corners 0, 8, 16, ... of a cube, at (0.25, 0.5, 0.75): 8 * 0.25 + 16 * 0.5 + 32 * 0.75 = 34.
    let (grid, mut slices) = four([0.0; 4]);
    for index in 0..4_u8 {
        let data = [0, 8, 16, 24].map(|v| v + 32 * index).to_vec();
        put(
            &mut slices,
            index.into(),
            frame(2, 2, SampleType::U8, data),
            ModalityLut::IDENTITY,
        );
    }
    let plane = ViewPlane::new([0.25, 0.5, 0.75], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 1.0).unwrap();
    assert_eq!(plane_values(&grid, &slices, &plane, [1, 1]), Ok(vec![34.0]));
}

#[test]
fn slices_are_rescaled_before_they_are_mixed() {
    // 100 * 0.5 = 50 and 60 * 2 - 10 = 110: half way 80. Mixed before, 80 * 1.25 - 5 would be 95.
    let (grid, mut slices) = four([0.0; 4]);
    for (index, stored, slope, intercept) in [(1, 100_u16, 0.5, 0.0), (2, 60, 2.0, -10.0)] {
        let data = stored.to_le_bytes().repeat(4);
        let modality = ModalityLut::Rescale { slope, intercept };
        put(
            &mut slices,
            index,
            frame(2, 2, SampleType::U16, data),
            modality,
        );
    }
    for index in [0, 3] {
        slices.remove(index);
    }
    assert_eq!(at_height(&grid, &slices, 1.5, None), 80.0);
}

#[test]
fn types_and_tables_may_differ_from_slice_to_slice() {
    use crate::pixel::LutDescriptor;
    let (grid, mut slices) = four([0.0, 10.5, 0.0, 0.0]);
    // Stored 1 is the table's second entry, 20.
    let descriptor = LutDescriptor::new([3, 0, 16], false).unwrap();
    let lut = descriptor.table(vec![5, 20, 40]).unwrap();
    let data = frame(2, 2, SampleType::U8, vec![1; 4]);
    put(&mut slices, 2, data, ModalityLut::Table(lut));
    assert_eq!(at_height(&grid, &slices, 1.5, None), 15.25);
}

#[test]
fn an_absent_slice_leaves_a_gap_that_can_be_told_from_outside() {
    let (grid, mut slices) = four([1.0, 2.0, 3.0, 4.0]);
    slices.remove(1);
    for (z, absent) in [
        (0.0, false),
        (0.5, true),
        (1.0, true),
        (1.75, true),
        (2.0, false),
    ] {
        let value = at_height(&grid, &slices, z, None);
        assert_eq!(is_absent(value), absent, "{z}");
        assert_eq!(value.is_nan(), absent, "{z}");
    }
    let outside = at_height(&grid, &slices, 3.01, None);
    assert!(outside.is_nan() && !is_absent(outside));
}

#[test]
fn slabs_of_slices_by_hand() {
    // Half the smallest edge is 0.5 mm: a slab of 2 mm has planes at -1, -0.5, 0, 0.5 and 1 mm.
    let (grid, slices) = four([10.0, 20.0, 60.0, 30.0]);
    let value = |z, kind| at_height(&grid, &slices, z, slab(2.0, kind));
    assert_eq!(value(1.0, Projection::Mip), 60.0);
    assert_eq!(value(1.0, Projection::MinIp), 10.0);
    // 10, 15, 20, 40 and 60.
    assert_eq!(value(1.0, Projection::Mean), 29.0);
    // Samples outside do not count: at 3 mm only 2, 2.5 and 3 mm are inside: 60, 45, 30.
    assert_eq!(value(3.0, Projection::Mean), 45.0);
    assert!(value(4.1, Projection::Mean).is_nan());
}

#[test]
fn a_part_of_a_slab_is_no_value() {
    let (grid, mut slices) = four([10.0, 20.0, 60.0, 30.0]);
    slices.remove(3);
    let value = |thickness| at_height(&grid, &slices, 1.0, slab(thickness, Projection::Mip));
    assert_eq!(value(2.0), 60.0);
    assert!(is_absent(value(3.0)));
}

#[test]
fn labels_are_those_of_the_nearest_voxel() {
    let (grid, slices) = four([1.0, 2.0, 7.0, 4.0]);
    let at = |z| {
        let plane = ViewPlane::new([0.5, 0.5, z], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 1.0).unwrap();
        let sampler = Sampler::new(&grid, &slices, &plane, [1, 1]).unwrap();
        let mut out = [0.0];
        sampler.with(Interpolation::Nearest).rows(0..1, &mut out);
        out[0]
    };
    assert_eq!([at(1.49), at(1.5), at(2.4)], [2.0, 7.0, 7.0]);
    assert!(at(3.2).is_nan());
}

#[test]
fn rows_in_parts_are_the_whole() {
    let grid = grid(10.0, &along_z(&[0.0, 1.0, 4.0, 4.5, 10.0]));
    let slices = filled(&grid, ramp);
    let plane = askew(&grid);
    let plane = plane
        .with_slab(slab(3.0, Projection::Mean).unwrap())
        .unwrap();
    let whole = plane_values(&grid, &slices, &plane, [20, 16]).unwrap();
    let sampler = Sampler::new(&grid, &slices, &plane, [20, 16]).unwrap();
    let mut parts = vec![0.0; 320];
    sampler.rows(7..99, &mut parts[140..]);
    sampler.rows(0..7, &mut parts[..140]);
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&parts), bits(&whole));
}

#[test]
fn lesson_08_narrow_and_wide_types_give_the_same_values() {
    let grid = grid(7.0, &along_z(&[0.0, 1.0, 4.0, 4.5, 10.0]));
    // Stored values from end to end of the type, in steps that are no pattern of the grid.
    let stored = |x: u32, y: u32, z: usize| {
        (x * 9_973 + y * 31_337 + u32::try_from(z).unwrap() * 777).to_le_bytes()
    };
    let make = |wide: bool| {
        let mut slices = Slices::new(12, 9, 5);
        for z in 0..5 {
            let cells = (0..9).flat_map(|y| (0..12).map(move |x| (x, y)));
            let words = cells
                .map(|(x, y)| stored(x, y, z))
                .map(|[a, b, ..]| i16::from_le_bytes([a, b]));
            let (kind, data): (_, Vec<u8>) = if wide {
                (
                    SampleType::I32,
                    words.flat_map(|w| i32::from(w).to_le_bytes()).collect(),
                )
            } else {
                (SampleType::I16, words.flat_map(i16::to_le_bytes).collect())
            };
            let slope = 0.5 + f64::from(u32::try_from(z).unwrap());
            let modality = ModalityLut::Rescale {
                slope,
                intercept: -1024.0,
            };
            put(&mut slices, z, frame(12, 9, kind, data), modality);
        }
        plane_values(&grid, &slices, &askew(&grid), [61, 57]).unwrap()
    };
    for (narrow, wide) in make(false).into_iter().zip(make(true)) {
        assert_eq!(narrow.is_nan(), wide.is_nan());
        // Seven digits of at most 32768 * 4.5 + 1024.
        assert!(
            narrow.is_nan() || (narrow - wide).abs() < 0.05,
            "{narrow} {wide}"
        );
    }
}

#[test]
fn lesson_09_statistics_do_not_change_when_the_plane_is_turned() {
    // The values below a plane turned by a quarter are the same, in other places.
    let grid = grid(0.0, &along_z(&[0.0, 2.5, 5.0, 7.5]));
    let slices = filled(&grid, |p| ramp(p) + p.x * p.y);
    let plane = askew(&grid);
    let turned = ViewPlane {
        row: plane.column,
        column: -plane.row,
        ..plane
    };
    let [a, b] =
        [plane, turned].map(|plane| plane_values(&grid, &slices, &plane, [41, 41]).unwrap());
    for y in 0..41 {
        for x in 0..41 {
            let (a, b) = (a[y * 41 + x], b[(40 - x) * 41 + y]);
            assert_eq!(a.is_nan(), b.is_nan());
            assert!(a.is_nan() || (a - b).abs() < 1e-3, "{a} {b}");
        }
    }
}

#[test]
fn a_sphere_has_its_radius_in_every_plane() {
    // 41 x 41 x 21 voxels of 1 x 1 x 2 mm around a sphere of 14 mm: the distance from its middle as the value.
    let (center, radius) = (DVec3::new(1.3, -0.7, 0.4), 14.0);
    let planes: Vec<_> = (0..21)
        .map(|slice| {
            let position = [-20.0, -20.0, f64::from(slice) * 2.0 - 20.0];
            ImagePlane::new(position, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [1.0, 1.0]).unwrap()
        })
        .collect();
    let grid = VolumeGrid::stack(&planes, [41, 41]).unwrap().grid;
    let slices = filled(&grid, |p| p.distance(center));
    for plane in [
        askew(&grid),
        super::super::standard_plane(&grid, super::super::PlaneKind::Coronal),
    ] {
        let plane = ViewPlane {
            center,
            pixel_mm: 0.1,
            ..plane
        };
        let values = plane_values(&grid, &slices, &plane, [401, 401]).unwrap();
        let count = values.iter().filter(|value| **value <= radius).count();
        let found = (f64::from(u32::try_from(count).unwrap()) * 0.01 / std::f64::consts::PI).sqrt();
        assert!((found - f64::from(radius)).abs() < 0.1, "{found} mm");
    }
}

#[test]
fn a_volume_of_one_column_and_one_row_has_a_plane() {
    let planes: Vec<_> = (0..6)
        .map(|z| {
            let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
            ImagePlane::new([3.0, 4.0, f64::from(z)], axial, [1.0, 1.0]).unwrap()
        })
        .collect();
    let grid = VolumeGrid::stack(&planes, [1, 1]).unwrap().grid;
    let slices = filled(&grid, |p| p.z);
    let plane = ViewPlane::new([3.0, 4.0, 2.5], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0], 0.5).unwrap();
    let values = plane_values(&grid, &slices, &plane, [3, 3]).unwrap();
    assert_eq!([values[1], values[4], values[7]], [3.0, 2.5, 2.0]);
    assert!(values[0].is_nan() && values[2].is_nan());
}

#[test]
fn what_is_too_large_is_refused() {
    let (grid, slices) = four([0.0; 4]);
    let plane = askew(&grid);
    assert!(Sampler::new(&grid, &slices, &plane, [70_000, 1]).is_err());
    assert_eq!(plane_values(&grid, &slices, &plane, [0, 5]), Ok(Vec::new()));
}

#[test]
fn a_slice_on_its_way_is_bridged_by_slice_index() {
    let (grid, mut slices) = four([10.0, 0.0, 0.0, 40.0]);
    slices.remove(1);
    slices.remove(2);
    let mut presence = Presence::new(4);
    let at = |z, presence: &Presence, slices: &Slices| {
        let plane = ViewPlane::new([0.5, 0.5, z], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 1.0).unwrap();
        let sampler = Sampler::new(&grid, slices, &plane, [1, 1]).unwrap();
        let mut out = [0.0];
        sampler.with_presence(presence).rows(0..1, &mut out);
        out[0]
    };
    assert!(at(1.0, &presence, &slices).is_nan() && !is_absent(at(1.0, &presence, &slices)));
    presence.set(0, SliceState::Here);
    let found = [0.0, 1.25, 3.0].map(|z| at(z, &presence, &slices));
    assert_eq!(found, [10.0; 3]);
    presence.set(3, SliceState::Here);
    // 10 + 30 * z / 3.
    let found = [0.0, 0.75, 1.0, 2.5, 3.0].map(|z| at(z, &presence, &slices));
    assert_eq!(found, [10.0, 17.5, 20.0, 35.0, 40.0]);
    // Half of a slice that is said to be here, but is not in these slices, is no gap.
    presence.set(2, SliceState::Here);
    assert_eq!(at(2.5, &presence, &slices), 35.0);
    presence.set(2, SliceState::Failed);
    assert!(is_absent(at(1.5, &presence, &slices)) && is_absent(at(2.0, &presence, &slices)));
    assert_eq!(at(3.0, &presence, &slices), 40.0);
    // Slice 1 is on its way between 0 and 3.
    assert_eq!(at(0.75, &presence, &slices), 17.5);
}
