//! Where planes stop when they are scrolled: the true slice distance.

use super::VolumeGrid;
use glam::DVec3;

/// Cosine from which a plane counts as parallel to the slices.
const PARALLEL: f64 = 1.0 - 1e-9;

/// The places along a direction at which planes of that normal stand, in mm from the patient's origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    normal: DVec3,
    stops: Stops,
}

#[derive(Debug, Clone, PartialEq)]
enum Stops {
    /// Those of the slices.
    Slices(Vec<f64>),
    /// As far apart as voxels are.
    Even { first: f64, step: f64, count: usize },
}

impl Track {
    /// The stops of planes with a unit normal. Parallel to the slices each slice is one; else they go through the whole
    /// volume, [`VolumeGrid::scroll_step_mm`] apart.
    pub fn new(grid: &VolumeGrid, normal: DVec3) -> Self {
        let cosine = normal.dot(grid.normal());
        if cosine.abs() >= PARALLEL {
            let along = |mm: &f64| {
                let place = DVec3::new(0.0, 0.0, *mm);
                grid.patient_from_grid().transform_point3(place).dot(normal)
            };
            let mut slices: Vec<f64> = grid.slice_positions_mm().iter().map(along).collect();
            if cosine < 0.0 {
                slices.reverse();
            }
            let stops = Stops::Slices(slices);
            return Self { normal, stops };
        }
        let reach = grid.corners().map(|corner| corner.dot(normal));
        let first = reach.into_iter().fold(f64::INFINITY, f64::min);
        let last = reach.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let step = grid.scroll_step_mm(normal);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from float stops at the ends of the range"
        )]
        let count = ((last - first) / step + 1e-6).floor() as usize + 1;
        let stops = Stops::Even { first, step, count };
        Self { normal, stops }
    }

    /// Number of stops, at least 1.
    pub fn count(&self) -> usize {
        match &self.stops {
            Stops::Slices(slices) => slices.len(),
            Stops::Even { count, .. } => *count,
        }
    }

    /// Where a stop lies along the normal, mm; the last one for an index beyond it.
    pub fn stop_mm(&self, index: usize) -> f64 {
        let index = index.min(self.count().saturating_sub(1));
        match &self.stops {
            Stops::Slices(slices) => slices.get(index).copied().unwrap_or_default(),
            #[expect(clippy::cast_precision_loss, reason = "stops are counted in thousands")]
            Stops::Even { first, step, .. } => first + step * index as f64,
        }
    }

    /// The stop nearest to a place in the patient.
    pub fn nearest(&self, place: DVec3) -> usize {
        let along = place.dot(self.normal);
        match &self.stops {
            Stops::Slices(slices) => {
                let above = slices.partition_point(|mm| *mm < along);
                let below = above.saturating_sub(1);
                let distance = |index: usize| {
                    let mm = slices.get(index).copied();
                    mm.map_or(f64::INFINITY, |mm| (mm - along).abs())
                };
                if distance(above) < distance(below) {
                    above
                } else {
                    below
                }
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast from float stops at the ends of the range"
            )]
            Stops::Even { first, step, count } => {
                (((along - first) / step).round().max(0.0) as usize).min(count - 1)
            }
        }
    }

    /// How far to go along the normal from a place to the stop `delta` from its own; the ends stop it.
    pub fn way_mm(&self, place: DVec3, delta: i64) -> f64 {
        let from = i64::try_from(self.nearest(place)).unwrap_or(i64::MAX);
        let to = usize::try_from(from.saturating_add(delta).max(0)).unwrap_or(0);
        self.stop_mm(to) - place.dot(self.normal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::ImagePlane;

    /// Axial slices of 4 x 5 pixels of 2 mm across and 3 mm down.
    fn grid(heights: &[f64]) -> VolumeGrid {
        let planes: Vec<ImagePlane> = heights
            .iter()
            .map(|z| {
                let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
                ImagePlane::new([10.0, 20.0, *z], axial, [3.0, 2.0]).unwrap()
            })
            .collect();
        VolumeGrid::stack(&planes, [4, 5]).unwrap().grid
    }

    #[test]
    fn lesson_12_planes_parallel_to_the_slices_stop_at_each_slice_however_unequal_they_lie() {
        let grid = grid(&[0.0, 1.0, 4.0, 5.0]);
        let track = Track::new(&grid, DVec3::Z);
        assert_eq!(track.count(), 4);
        assert_eq!([0, 2, 9].map(|stop| track.stop_mm(stop)), [0.0, 4.0, 5.0]);
        assert_eq!(track.nearest(DVec3::new(7.0, 7.0, 2.4)), 1);
        assert_eq!(track.nearest(DVec3::new(0.0, 0.0, 99.0)), 3);
        assert_eq!(track.way_mm(DVec3::new(0.0, 0.0, 1.0), 1), 3.0);
        assert_eq!(track.way_mm(DVec3::new(0.0, 0.0, 4.0), 5), 1.0);
        // Seen from the other side the last slice is the first.
        let track = Track::new(&grid, DVec3::NEG_Z);
        assert_eq!([0, 3].map(|stop| track.stop_mm(stop)), [-5.0, 0.0]);
    }

    #[test]
    fn planes_across_the_slices_stop_at_each_row_or_column() {
        let grid = grid(&[0.0, 1.0, 2.0, 3.0]);
        let coronal = Track::new(&grid, DVec3::Y);
        // Rows at 20, 23, ... 32 mm.
        assert_eq!((coronal.count(), coronal.stop_mm(4)), (5, 32.0));
        let sagittal = Track::new(&grid, DVec3::NEG_X);
        // Columns at 10, 12, 14, 16 mm, from the left.
        assert_eq!((sagittal.count(), sagittal.stop_mm(0)), (4, -16.0));
        assert_eq!(sagittal.way_mm(DVec3::new(14.0, 0.0, 0.0), -1), -2.0);
    }
}
