//! The equation of PS3.3 C.7.6.2.1.1 against numbers worked out by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use glam::DVec3;
use viewer_core::geometry::{ImagePlane, PlaneError};

const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

fn near(actual: DVec3, expected: [f64; 3]) {
    let off = (actual - DVec3::from_array(expected)).length();
    assert!(off < 1e-9, "{actual} is not {expected:?}");
}

/// Rows along (0.6, 0.8, 0), columns to the feet; rows 2 mm apart, columns 0.5 mm.
fn oblique() -> ImagePlane {
    let orientation = [0.6, 0.8, 0.0, 0.0, 0.0, -1.0];
    ImagePlane::new([10.0, 20.0, 30.0], orientation, [2.0, 0.5]).unwrap()
}

#[test]
fn columns_are_scaled_by_the_second_spacing() {
    let plane = ImagePlane::new([-100.0, -80.0, 40.0], AXIAL, [0.5, 0.25]).unwrap();
    assert_eq!(
        plane.patient_from_pixel(0.0, 0.0).to_array(),
        [-100.0, -80.0, 40.0]
    );
    assert_eq!(
        plane.patient_from_pixel(4.0, 0.0).to_array(),
        [-99.0, -80.0, 40.0]
    );
    assert_eq!(
        plane.patient_from_pixel(0.0, 2.0).to_array(),
        [-100.0, -79.0, 40.0]
    );
    assert_eq!(
        plane.patient_from_pixel(4.0, 2.0).to_array(),
        [-99.0, -79.0, 40.0]
    );
}

#[test]
fn an_oblique_plane_follows_the_equation() {
    // 4 columns: 2 mm along (0.6, 0.8, 0). 3 rows: 6 mm to the feet.
    near(oblique().patient_from_pixel(4.0, 3.0), [11.2, 21.6, 24.0]);
    near(oblique().patient_from_pixel(-0.5, -0.5), [9.85, 19.8, 31.0]);
}

#[test]
fn the_normal_is_row_times_column() {
    near(oblique().normal(), [-0.8, 0.6, 0.0]);
    let axial = ImagePlane::new([1.0, 2.0, 3.0], AXIAL, [1.0, 1.0]).unwrap();
    near(axial.normal(), [0.0, 0.0, 1.0]);
    assert_eq!(axial.position_along_normal(), 3.0);
}

#[test]
fn position_along_the_normal_is_the_distance_from_the_origin() {
    // (10, 20, 30) . (-0.8, 0.6, 0) = -8 + 12.
    assert!((oblique().position_along_normal() - 4.0).abs() < 1e-9);
}

#[test]
fn a_place_in_the_patient_has_a_pixel_and_a_distance() {
    // (11.2, 21.6, 24) and 5 mm along (-0.8, 0.6, 0).
    let (column, row, distance_mm) = oblique().pixel_from_patient(DVec3::new(7.2, 24.6, 24.0));
    for (actual, expected) in [(column, 4.0), (row, 3.0), (distance_mm, 5.0)] {
        assert!(
            (actual - expected).abs() < 1e-9,
            "{actual} is not {expected}"
        );
    }
    let (_, _, behind_mm) = oblique().pixel_from_patient(DVec3::new(10.8, 19.4, 30.0));
    assert!((behind_mm + 1.0).abs() < 1e-9, "{behind_mm} is not -1");
}

#[test]
fn directions_two_per_cent_off_become_unit_vectors() {
    let orientation = [0.612, 0.816, 0.0, 0.0, 0.0, -0.99];
    let plane = ImagePlane::new([0.0; 3], orientation, [1.0, 1.0]).unwrap();
    near(plane.row_direction, [0.6, 0.8, 0.0]);
    near(plane.column_direction, [0.0, 0.0, -1.0]);
}

#[test]
fn directions_slightly_off_the_right_angle_still_lead_there_and_back() {
    let orientation = [1.0, 0.0, 0.0, 0.0008, 1.0, 0.0];
    let plane = ImagePlane::new([5.0, 6.0, 7.0], orientation, [0.4, 0.3]).unwrap();
    let (column, row, _) = plane.pixel_from_patient(plane.patient_from_pixel(300.0, 500.0));
    assert!(
        (column - 300.0).abs() < 1e-9 && (row - 500.0).abs() < 1e-9,
        "{column} {row}"
    );
}

fn refused(orientation: [f64; 6], spacing: [f64; 2]) -> PlaneError {
    ImagePlane::new([0.0; 3], orientation, spacing).unwrap_err()
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    assert_eq!(
        refused([f64::NAN, 0.0, 0.0, 0.0, 1.0, 0.0], [1.0, 1.0]),
        PlaneError::NotFinite
    );
    assert_eq!(refused(AXIAL, [f64::INFINITY, 1.0]), PlaneError::NotFinite);
    let place = ImagePlane::new([0.0, f64::NEG_INFINITY, 0.0], AXIAL, [1.0, 1.0]);
    assert_eq!(place, Err(PlaneError::NotFinite));
}

#[test]
fn directions_that_are_no_unit_vectors_are_refused() {
    assert_eq!(
        refused([0.0; 6], [1.0, 1.0]),
        PlaneError::NotUnitLength { length: 0.0 }
    );
    let long = [1.0, 0.0, 0.0, 0.0, 2.0, 0.0];
    assert_eq!(
        refused(long, [1.0, 1.0]),
        PlaneError::NotUnitLength { length: 2.0 }
    );
    let huge = [1e300, 0.0, 0.0, 0.0, 1.0, 0.0];
    assert!(matches!(
        refused(huge, [1.0, 1.0]),
        PlaneError::NotUnitLength { .. }
    ));
}

#[test]
fn directions_off_the_right_angle_are_refused() {
    let skew = refused([1.0, 0.0, 0.0, 0.0015, 1.0, 0.0], [1.0, 1.0]);
    assert!(matches!(skew, PlaneError::NotPerpendicular { cosine } if cosine > 0.001));
    let same = refused([1.0, 0.0, 0.0, 1.0, 0.0, 0.0], [1.0, 1.0]);
    assert_eq!(same, PlaneError::NotPerpendicular { cosine: 1.0 });
}

#[test]
fn a_spacing_of_zero_or_below_is_refused() {
    assert_eq!(refused(AXIAL, [0.0, 1.0]), PlaneError::SpacingNotPositive);
    assert_eq!(refused(AXIAL, [1.0, -0.5]), PlaneError::SpacingNotPositive);
}
