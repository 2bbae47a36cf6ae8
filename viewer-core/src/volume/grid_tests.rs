//! Grids against geometry by hand.

use super::super::GridNote;
use super::*;

const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

/// Axial planes of 0.5 mm pixels with origins at these places.
fn axial(origins: &[[f64; 3]]) -> Vec<ImagePlane> {
    let plane = |origin: &[f64; 3]| ImagePlane::new(*origin, AXIAL, [0.5, 0.5]).unwrap();
    origins.iter().map(plane).collect()
}

/// Axial planes at these heights.
fn heights(heights: &[f64]) -> Vec<ImagePlane> {
    let origins: Vec<_> = heights.iter().map(|z| [0.0, 0.0, *z]).collect();
    axial(&origins)
}

fn stack(planes: &[ImagePlane]) -> Stacked {
    VolumeGrid::stack(planes, [9, 5]).unwrap()
}

fn words(planes: &[ImagePlane]) -> Vec<String> {
    stack(planes)
        .grid
        .notes
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn close(found: DVec3, expected: [f64; 3]) {
    let expected = DVec3::from_array(expected);
    assert!(
        (found - expected).length() < 1e-9,
        "{found} is not {expected}"
    );
}

#[test]
fn slices_go_by_position_whatever_their_order() {
    let stacked = stack(&heights(&[30.0, 10.0, 40.0, 20.0]));
    assert_eq!(stacked.order, [1, 3, 0, 2]);
    assert_eq!(stacked.grid.even_step_mm(), Some(10.0));
    assert!(stacked.grid.notes.is_empty());
}

#[test]
fn slices_that_go_down_are_turned_to_go_along_the_normal() {
    // Sagittal, row to the back, column to the feet: the normal is (-1, 0, 0).
    let sagittal = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
    let plane = |x| ImagePlane::new([x, 0.0, 0.0], sagittal, [1.0, 1.0]).unwrap();
    let stacked = stack(&[plane(0.0), plane(5.0), plane(10.0), plane(15.0)]);
    assert_eq!(stacked.order, [3, 2, 1, 0]);
    close(
        stacked.grid.patient_from_voxel(DVec3::new(1.0, 2.0, 1.0)),
        [10.0, 1.0, -2.0],
    );
    close(stacked.grid.slice_direction(), [-1.0, 0.0, 0.0]);
}

#[test]
fn lesson_12_a_gantry_tilt_is_a_shear() {
    // A gantry tilted by 15 degrees around x, the table moving along z by 4 mm: rows run along x, columns
    // along (0, cos, -sin), the origins lie along z.
    let (sin, cos) = 15f64.to_radians().sin_cos();
    let orientation = [1.0, 0.0, 0.0, 0.0, cos, -sin];
    let plane = |z| ImagePlane::new([-100.0, -80.0, z], orientation, [0.5, 0.5]).unwrap();
    let grid = stack(&[plane(0.0), plane(4.0), plane(8.0), plane(12.0)]).grid;
    assert_eq!(
        grid.notes[0].to_string(),
        "slices shifted by 15.0 degrees, corrected"
    );
    close(grid.slice_direction(), [0.0, 0.0, 1.0]);
    close(grid.normal(), [0.0, sin, cos]);
    assert!((grid.even_step_mm().unwrap() - 4.0).abs() < 1e-12);
    assert!((grid.slice_distance_mm() - 4.0 * cos).abs() < 1e-12);
    // Voxel (2, 4, 3): 1 mm along x, 2 mm down the tilted column, the third step of the table.
    let expected = [-99.0, -80.0 + 2.0 * cos, 12.0 - 2.0 * sin];
    close(grid.patient_from_voxel(DVec3::new(2.0, 4.0, 3.0)), expected);
    close(
        grid.voxel_from_patient(DVec3::from_array(expected)),
        [2.0, 4.0, 3.0],
    );
}

#[test]
fn the_words_for_a_gantry_name_its_angle() {
    let note = GridNote::Tilt {
        degrees: 15.04,
        is_gantry: true,
    };
    assert_eq!(note.to_string(), "gantry tilt of 15.0 degrees corrected");
}

#[test]
fn lesson_12_between_unequal_gaps_places_are_true() {
    let planes = heights(&[0.0, 3.0, 4.5, 10.0]);
    let grid = stack(&planes).grid;
    assert_eq!(grid.even_step_mm(), None);
    for (slice, mm) in [
        (0.5, 1.5),
        (1.5, 3.75),
        (2.5, 7.25),
        (3.0, 10.0),
        (-1.0, -3.0),
        (4.0, 15.5),
    ] {
        assert!((grid.mm_from_slice(slice) - mm).abs() < 1e-12, "{slice}");
        assert!((grid.slice_from_mm(mm) - slice).abs() < 1e-12, "{mm}");
    }
    assert_eq!(
        words(&planes),
        ["slice distance varies from 1.50 to 5.50 mm; true positions are used"]
    );
}

#[test]
fn lesson_12_missing_slices_are_counted_where_they_are_missing() {
    let planes = heights(&[0.0, 5.0, 10.0, 25.0, 30.0, 35.0, 45.0, 50.0]);
    assert_eq!(
        words(&planes),
        [
            "2 slices are missing between 3 and 4",
            "1 slice is missing between 6 and 7"
        ]
    );
    assert_eq!(stack(&planes).grid.mm_from_slice(2.5), 17.5);
}

#[test]
fn wider_slices_in_part_of_the_body_are_no_holes() {
    let planes = heights(&[0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 35.0, 45.0, 55.0]);
    assert_eq!(
        words(&planes),
        ["slice distance varies from 5.00 to 10.00 mm; true positions are used"]
    );
}

#[test]
fn lesson_12_a_slice_that_is_there_twice_counts_once() {
    let planes = heights(&[10.0, 0.0, 20.0, 10.0, 30.0]);
    let stacked = stack(&planes);
    assert_eq!(stacked.order, [1, 0, 2, 4]);
    assert_eq!(words(&planes), ["1 duplicate slice left out, of slice 2"]);
}

#[test]
fn fewer_than_four_places_are_no_volume() {
    let stack = |planes: &[ImagePlane]| VolumeGrid::stack(planes, [9, 5]).map(|_| ());
    assert_eq!(stack(&[]), Err(NoVolume::TooFew { slices: 0 }));
    let three = heights(&[0.0, 5.0, 10.0, 10.0]);
    assert_eq!(stack(&three), Err(NoVolume::TooFew { slices: 3 }));
    let words = NoVolume::TooFew { slices: 1 }.to_string();
    assert_eq!(
        words,
        "three planes need at least 4 parallel slices; there is 1"
    );
}

#[test]
fn slices_without_a_common_line_are_no_volume() {
    let zigzag = axial(&[
        [0.0; 3],
        [9.0, 0.0, 5.0],
        [0.0, 0.0, 10.0],
        [9.0, 0.0, 15.0],
    ]);
    let result = VolumeGrid::stack(&zigzag, [9, 5]);
    assert!(
        matches!(result, Err(NoVolume::Crooked { .. })),
        "{result:?}"
    );
}

#[test]
fn positions_that_no_patient_has_are_refused() {
    let mut far = heights(&[0.0, 5.0, 10.0, 15.0]);
    far[2].position.x = 1e300;
    let result = VolumeGrid::stack(&far, [9, 5]);
    assert!(
        matches!(result, Err(NoVolume::Missing { .. })),
        "{result:?}"
    );
}

#[test]
fn the_box_ends_at_voxel_centres() {
    let grid = stack(&heights(&[0.0, 5.0, 10.0, 15.0])).grid;
    assert!(grid.contains(DVec3::new(8.0, 4.0, 3.0)));
    assert!(!grid.contains(DVec3::new(8.01, 4.0, 3.0)));
    assert!(!grid.contains(DVec3::new(0.0, 0.0, -0.01)));
    close(grid.center(), [2.0, 1.0, 7.5]);
    close(grid.corners()[7], [4.0, 2.0, 15.0]);
}

#[test]
fn scrolling_goes_by_the_true_slice_distance() {
    let grid = stack(&heights(&[0.0, 5.0, 10.0, 15.0])).grid;
    assert_eq!(grid.scroll_step_mm(DVec3::Z), 5.0);
    assert_eq!(grid.scroll_step_mm(DVec3::NEG_Y), 0.5);
    assert_eq!(grid.default_slab_step_mm(), 0.25);
}

#[test]
fn voxel_and_patient_lead_back_to_each_other() {
    // Sheared, unequal, and turned out of every axis.
    let orientation = [0.6, 0.64, 0.48, -0.8, 0.48, 0.36];
    let along = DVec3::new(0.1, -0.6, 0.85);
    let planes: Vec<ImagePlane> = [0.0, 2.0, 3.5, 6.0, 11.0]
        .iter()
        .map(|mm| ImagePlane::new((along * *mm).to_array(), orientation, [0.7, 0.9]).unwrap())
        .collect();
    let grid = stack(&planes).grid;
    for (slice, plane) in planes.iter().enumerate() {
        let voxel = DVec3::new(3.0, 2.0, f64::from(u32::try_from(slice).unwrap()));
        let patient = plane.patient_from_pixel(3.0, 2.0);
        close(grid.patient_from_voxel(voxel), patient.to_array());
        close(grid.voxel_from_patient(patient), voxel.to_array());
    }
}

#[test]
fn a_grid_is_sent_in_all_its_bits_but_its_notes() {
    for places in [[0.0, 0.7, 1.4, 2.1], [0.0, 1.0, 2.5, 7.0]] {
        let grid = stack(&heights(&places)).grid;
        let numbers = grid.to_numbers();
        let read = VolumeGrid::from_numbers(&numbers).unwrap();
        let notes = grid.notes.clone();
        assert_eq!(VolumeGrid { notes, ..read }, grid);
        assert_eq!(VolumeGrid::from_numbers(&numbers[..29]), None);
    }
}
