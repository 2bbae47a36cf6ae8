//! Which bricks a plane or slab touches.
//!
//! Two convex bodies meet unless a plane lies between them, and for two boxes, askew or not, that plane is parallel to a
//! face of one or to an edge of each (separating axis theorem). In grid space a brick is a box whatever the gaps
//! between slices are, so in the patient it is a parallelepiped.

use super::VolumeGrid;
use super::brick::BrickLayout;
use crate::geometry::ViewPlane;
use glam::DVec3;

/// Positions of samples are rounded by less than this share of a voxel.
const ROUNDING: f64 = 1e-4;

/// A middle, and half of the three edges that meet in a corner.
#[derive(Debug, Clone, Copy)]
struct Body {
    center: DVec3,
    halves: [DVec3; 3],
}

impl Body {
    /// Half of its extent along a direction.
    fn reach(&self, direction: DVec3) -> f64 {
        let halves = self.halves.iter();
        halves.map(|half| half.dot(direction).abs()).sum()
    }

    fn meets(&self, other: &Self) -> bool {
        let between = other.center - self.center;
        let parts = |axis: DVec3| {
            // Edges that are parallel, or of no length, have no plane of their own.
            axis.length_squared() > 1e-18
                && between.dot(axis).abs() > self.reach(axis) + other.reach(axis)
        };
        let faces = |body: &Self| {
            let [a, b, c] = body.halves.map(|half| half.normalize_or_zero());
            [a.cross(b), b.cross(c), c.cross(a)]
        };
        if faces(self).into_iter().chain(faces(other)).any(parts) {
            return false;
        }
        let units = |body: &Self| body.halves.map(|half| half.normalize_or_zero());
        let (ours, theirs) = (units(self), units(other));
        !ours
            .iter()
            .any(|a| theirs.iter().any(|b| parts(a.cross(*b))))
    }
}

/// Numbers of the bricks in which samples of a viewport of `width` x `height` can lie, those in the middle of the
/// viewport first. A plane in the face between two bricks names both.
pub fn bricks_of_plane(
    grid: &VolumeGrid,
    layout: &BrickLayout,
    plane: &ViewPlane,
    [width, height]: [u32; 2],
) -> Vec<usize> {
    if width == 0 || height == 0 {
        return Vec::new();
    }
    let half = |count: u32| f64::from(count - 1) / 2.0 * plane.pixel_mm;
    let thickness = plane.slab.map_or(0.0, |slab| slab.thickness_mm);
    // Longer by what positions are rounded, and so never flat: it keeps its faces.
    let rounding = grid.voxel_mm().max_element() * ROUNDING;
    let view = Body {
        center: plane.center,
        halves: [
            plane.row * (half(width) + rounding),
            plane.column * (half(height) + rounding),
            plane.normal() * (thickness / 2.0 + rounding),
        ],
    };
    let mut touched: Vec<(f64, usize)> = (0..layout.count())
        .map(|index| (index, body(grid, layout, index)))
        .filter(|(_, brick)| view.meets(brick))
        .map(|(index, brick)| (brick.center.distance_squared(plane.center), index))
        .collect();
    touched.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    touched.into_iter().map(|(_, index)| index).collect()
}

/// The box of a brick's voxel centres in the patient.
fn body(grid: &VolumeGrid, layout: &BrickLayout, index: usize) -> Body {
    let brick = layout.brick(index);
    let ends = [0, 1, 2].map(|axis| {
        let last = brick.start[axis] + brick.size[axis] - 1;
        [f64::from(brick.start[axis]), f64::from(last)]
    });
    let slices = ends[2].map(|slice| grid.mm_from_slice(slice));
    let first = DVec3::new(ends[0][0], ends[1][0], slices[0]);
    let last = DVec3::new(ends[0][1], ends[1][1], slices[1]);
    let matrix = grid.patient_from_grid();
    let half = (last - first) / 2.0;
    // A volume of one column has bricks of no width: they keep their faces.
    let half = half.max(DVec3::splat(ROUNDING));
    Body {
        center: matrix.transform_point3((first + last) / 2.0),
        halves: [
            matrix.matrix3.x_axis * half.x,
            matrix.matrix3.y_axis * half.y,
            matrix.matrix3.z_axis * half.z,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{ImagePlane, Projection, Slab};
    use std::collections::BTreeSet;

    /// 23 x 19 x 15 voxels, tilted and unequal.
    fn grid() -> VolumeGrid {
        let (sin, cos) = 14f64.to_radians().sin_cos();
        let orientation = [1.0, 0.0, 0.0, 0.0, cos, -sin];
        let planes: Vec<_> = (0..15)
            .map(|slice| {
                let z = f64::from(slice) * 2.0 + if slice > 8 { 1.5 } else { 0.0 };
                ImagePlane::new([-9.0, 4.0, z], orientation, [1.1, 0.8]).unwrap()
            })
            .collect();
        VolumeGrid::stack(&planes, [23, 19]).unwrap().grid
    }

    /// The bricks of all samples, one by one, of a view that is this many times finer.
    fn by_brute_force(
        grid: &VolumeGrid,
        layout: &BrickLayout,
        plane: &ViewPlane,
        size: [u32; 2],
        finer: u32,
    ) -> BTreeSet<usize> {
        let steps = size.map(|side| (side - 1) * finer);
        let depths: Vec<f64> = match plane.slab {
            None => vec![0.0],
            Some(slab) => {
                let count = 10 * finer as i32;
                let step = slab.thickness_mm / 2.0 / f64::from(count);
                (-count..=count)
                    .map(|depth| f64::from(depth) * step)
                    .collect()
            }
        };
        let mut found = BTreeSet::new();
        for depth in depths {
            let plane = plane.moved(depth);
            for y in 0..=steps[1] {
                for x in 0..=steps[0] {
                    let [x, y] = [x, y].map(|place| f64::from(place) / f64::from(finer));
                    let patient = plane.patient_from_canvas(x, y, size[0], size[1]);
                    let voxel = grid.voxel_from_patient(patient);
                    if grid.contains(voxel) {
                        let voxel = voxel.to_array().map(|v| v.floor() as u32);
                        found.insert(layout.brick_of(voxel));
                    }
                }
            }
        }
        found
    }

    /// Numbers from 0 to 1 without a pattern.
    fn chance(seed: &mut u64) -> f64 {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[test]
    fn lesson_01_planes_and_slabs_need_the_bricks_of_their_samples_and_no_more() {
        let grid = grid();
        let layout = BrickLayout::new([23, 19, 15], 4);
        let mut seed = 7;
        let (mut needed, mut more) = (0, 0);
        for number in 0..200 {
            let direction = |seed: &mut u64| DVec3::from_array([0; 3].map(|_| chance(seed) - 0.5));
            let row = direction(&mut seed).normalize();
            let column = row.cross(direction(&mut seed)).normalize();
            let center = grid.center() + 12.0 * direction(&mut seed);
            let pixel_mm = 0.2 + chance(&mut seed);
            let plane = ViewPlane::new(
                center.to_array(),
                row.to_array(),
                column.to_array(),
                pixel_mm,
            );
            let mut plane = plane.unwrap();
            if number % 2 == 1 {
                plane.slab = Some(Slab {
                    thickness_mm: 8.0 * chance(&mut seed),
                    projection: Projection::Mip,
                    step_mm: None,
                });
            }
            let size = [20, 14];
            let found: BTreeSet<_> = bricks_of_plane(&grid, &layout, &plane, size)
                .into_iter()
                .collect();
            let samples = by_brute_force(&grid, &layout, &plane, size, 1);
            assert!(found.is_superset(&samples), "{number}");
            let between = by_brute_force(&grid, &layout, &plane, size, 4);
            assert!(found.is_superset(&between), "{number}");
            needed += between.len();
            more += found.difference(&between).count();
        }
        // Bodies that touch with a corner have no sample there.
        assert!(more * 25 < needed, "{more} more than {needed}");
    }

    #[test]
    fn bricks_in_the_middle_come_first() {
        let grid = grid();
        let layout = BrickLayout::new([23, 19, 15], 4);
        let center = grid.center();
        let plane =
            ViewPlane::new(center.to_array(), [1.0, 0.0, 0.0], [0.0, 0.0, -1.0], 1.0).unwrap();
        let bricks = bricks_of_plane(&grid, &layout, &plane, [40, 40]);
        let middle = grid
            .voxel_from_patient(center)
            .to_array()
            .map(|v| v.floor() as u32);
        assert_eq!(bricks[0], layout.brick_of(middle));
    }

    #[test]
    fn a_plane_beside_the_volume_needs_nothing() {
        let grid = grid();
        let layout = BrickLayout::new([23, 19, 15], 4);
        let plane =
            ViewPlane::new([0.0, 0.0, 90.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 1.0).unwrap();
        assert!(bricks_of_plane(&grid, &layout, &plane, [99, 99]).is_empty());
        assert!(bricks_of_plane(&grid, &layout, &plane, [0, 9]).is_empty());
    }
}
