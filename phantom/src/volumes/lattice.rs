//! Where the voxels of a made-up series lie, in its own words and formulas.

use glam::DVec3;

/// Voxels of a stack of parallel slices; slices in the order of their places along row x column.
#[derive(Debug, Clone, PartialEq)]
pub struct Lattice {
    /// Columns, rows and slices.
    pub size: [usize; 3],
    /// Unit vector of rising column, LPS, as the file says it.
    pub row: [f64; 3],
    /// Unit vector of rising row, LPS, as the file says it.
    pub column: [f64; 3],
    /// From column to column and from row to row, in mm.
    pub spacing_mm: [f64; 2],
    /// The first voxel of each slice, LPS in mm.
    pub origins_mm: Vec<[f64; 3]>,
}

/// Rounds as a decimal string of six decimals does.
fn as_written(vector: DVec3) -> [f64; 3] {
    vector.to_array().map(|number| (number * 1e6).round() / 1e6)
}

impl Lattice {
    /// Slices whose middles lie at `middle_mm + along_mm[k] * direction`; `row` and `column` need not be of unit length.
    pub(super) fn new(
        [columns, rows]: [usize; 2],
        spacing_mm: [f64; 2],
        [row, column, direction]: [DVec3; 3],
        middle_mm: DVec3,
        along_mm: &[f64],
    ) -> Self {
        let (row, column) = (row.normalize(), column.normalize());
        let half = |count: usize, mm: f64| (count as f64 - 1.0) / 2.0 * mm;
        let corner = row * half(columns, spacing_mm[0]) + column * half(rows, spacing_mm[1]);
        Self {
            size: [columns, rows, along_mm.len()],
            row: as_written(row),
            column: as_written(column),
            spacing_mm,
            origins_mm: (along_mm.iter())
                .map(|mm| as_written(middle_mm + direction.normalize() * *mm - corner))
                .collect(),
        }
    }

    /// Where a voxel's centre lies, LPS in mm.
    pub fn patient_mm(&self, [column, row, slice]: [usize; 3]) -> [f64; 3] {
        let along_row = DVec3::from_array(self.row) * (column as f64 * self.spacing_mm[0]);
        let along_column = DVec3::from_array(self.column) * (row as f64 * self.spacing_mm[1]);
        (DVec3::from_array(self.origins_mm[slice]) + along_row + along_column).to_array()
    }

    /// Unit vector at right angles to the slices, row x column.
    pub fn normal(&self) -> [f64; 3] {
        let normal = DVec3::from_array(self.row).cross(DVec3::from_array(self.column));
        normal.normalize().to_array()
    }

    /// Column, row and slice at a place, with fractions; beyond the ends slices go on as at the end.
    pub fn voxel_at(&self, place_mm: [f64; 3]) -> [f64; 3] {
        let place = DVec3::from_array(place_mm);
        let normal = DVec3::from_array(self.normal());
        let origin = |slice: usize| DVec3::from_array(self.origins_mm[slice]);
        let ahead = |slice: usize| (place - origin(slice)).dot(normal);
        let last = self.origins_mm.len().saturating_sub(2);
        let below = (0..=last).rev().find(|slice| ahead(*slice) >= 0.0);
        let below = below.unwrap_or(0);
        let above = (below + 1).min(self.origins_mm.len() - 1);
        let step = origin(above) - origin(below);
        let share = if above == below {
            0.0
        } else {
            ahead(below) / step.dot(normal)
        };
        let within = place - origin(below) - step * share;
        [
            within.dot(DVec3::from_array(self.row)) / self.spacing_mm[0],
            within.dot(DVec3::from_array(self.column)) / self.spacing_mm[1],
            below as f64 + share,
        ]
    }

    /// The longest way within a cell of eight voxels, in mm: what lies further from an edge is interpolated without it.
    pub fn reach_mm(&self) -> f64 {
        let step =
            |pair: &[[f64; 3]]| DVec3::from_array(pair[1]).distance(DVec3::from_array(pair[0]));
        let longest = self.origins_mm.windows(2).map(step).fold(0.0, f64::max);
        longest + self.spacing_mm[0] + self.spacing_mm[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilted_lattice_leads_back_to_its_voxels() {
        let (sin, cos) = 17_f64.to_radians().sin_cos();
        let axes = [DVec3::X, DVec3::new(0.0, cos, -sin), DVec3::Z];
        let lattice = Lattice::new([5, 4], [0.5, 2.0], axes, DVec3::ZERO, &[-3.0, 0.0, 4.0]);
        // Half of 4 columns of 0.5 mm, of 3 rows of 2 mm.
        let origin = lattice.origins_mm[1];
        assert!((origin[0] + 1.0).abs() < 1e-9);
        assert!((origin[1] + 3.0 * cos).abs() < 1e-6);
        assert!((origin[2] - 3.0 * sin).abs() < 1e-6);
        for voxel in [[0, 0, 0], [4, 3, 2], [1, 2, 1]] {
            let back = lattice.voxel_at(lattice.patient_mm(voxel));
            for (found, expected) in back.into_iter().zip(voxel) {
                assert!((found - expected as f64).abs() < 1e-4, "{back:?} {voxel:?}");
            }
        }
    }
}
