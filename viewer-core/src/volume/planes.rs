//! The planes that a volume is first looked at in.

use super::VolumeGrid;
use crate::geometry::ViewPlane;
use glam::DVec3;

/// Which plane through a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlaneKind {
    /// From the feet: the patient's left is right on screen, the back is down.
    Axial,
    /// From the front: the patient's left is right on screen, the feet are down.
    Coronal,
    /// From the patient's left: the back is right on screen, the feet are down.
    Sagittal,
    /// As the slices were acquired.
    Acquisition,
}

/// A plane through the middle of a volume. Its pixels are as large as the smallest edge of a voxel.
///
/// Axial, coronal and sagittal are those of the patient, also where the slices were oblique.
pub fn standard_plane(grid: &VolumeGrid, kind: PlaneKind) -> ViewPlane {
    let (row, column) = match kind {
        PlaneKind::Axial => (DVec3::X, DVec3::Y),
        PlaneKind::Coronal => (DVec3::X, DVec3::NEG_Z),
        PlaneKind::Sagittal => (DVec3::Y, DVec3::NEG_Z),
        PlaneKind::Acquisition => (grid.row_direction(), grid.column_direction()),
    };
    ViewPlane {
        center: grid.center(),
        row,
        column,
        pixel_mm: grid.voxel_mm().min_element(),
        slab: None,
    }
}

/// The same plane with pixels of a size that shows all of the volume in a viewport of `width` x `height`
/// canvas pixels, and the volume's middle in its own.
#[must_use]
pub fn fitted(plane: ViewPlane, grid: &VolumeGrid, width: u32, height: u32) -> ViewPlane {
    let to_middle = grid.center() - plane.center;
    let normal = plane.normal();
    let center = plane.center + to_middle - normal * to_middle.dot(normal);
    let reach = |direction: DVec3| {
        let along = |corner: DVec3| (corner - center).dot(direction).abs();
        2.0 * grid.corners().into_iter().map(along).fold(0.0, f64::max)
    };
    let pixels = |count: u32| f64::from(count.saturating_sub(1).max(1));
    let across = reach(plane.row) / pixels(width);
    let down = reach(plane.column) / pixels(height);
    // A volume of one column has no width.
    let pixel_mm = across.max(down);
    ViewPlane {
        center,
        pixel_mm: if pixel_mm > 0.0 {
            pixel_mm
        } else {
            plane.pixel_mm
        },
        ..plane
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{ImagePlane, letters};

    /// 11 x 21 x 5 voxels of 1 x 1 x 10 mm, axial, from (-5, -10, 0).
    fn grid() -> VolumeGrid {
        let planes: Vec<ImagePlane> = (0..5)
            .map(|slice| {
                let position = [-5.0, -10.0, f64::from(slice) * 10.0];
                let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
                ImagePlane::new(position, axial, [1.0, 1.0]).unwrap()
            })
            .collect();
        VolumeGrid::stack(&planes, [11, 21]).unwrap().grid
    }

    #[test]
    fn planes_lie_as_radiologists_expect() {
        let right_and_down = |kind| {
            let plane = standard_plane(&grid(), kind);
            (letters(plane.row), letters(plane.column))
        };
        assert_eq!(right_and_down(PlaneKind::Axial), ("L".into(), "P".into()));
        assert_eq!(right_and_down(PlaneKind::Coronal), ("L".into(), "F".into()));
        assert_eq!(
            right_and_down(PlaneKind::Sagittal),
            ("P".into(), "F".into())
        );
    }

    #[test]
    fn a_fitted_plane_shows_the_outermost_voxel_centres() {
        let coronal = standard_plane(&grid(), PlaneKind::Coronal).moved(3.0);
        let plane = fitted(coronal, &grid(), 101, 81);
        // 40 mm over 80 steps; 10 mm over 100 steps would be less.
        assert_eq!(plane.pixel_mm, 0.5);
        let top = plane.patient_from_canvas(50.0, 0.0, 101, 81);
        assert!((top.z - 40.0).abs() < 1e-9, "{top}");
        assert_eq!(plane.center.y, coronal.center.y);
    }
}
