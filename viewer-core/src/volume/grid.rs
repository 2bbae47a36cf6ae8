//! Where the voxels of a stack of slices lie in the patient.
//!
//! Three spaces: **voxel** `(column, row, slice)`, centres at integers; **grid** `(column, row, mm along the
//! slices)`, which an affine matrix takes to **patient**. Between voxel and grid lies the table of true slice
//! positions, so unequal gaps are what they are. The origins of slices need not lie on the normal: a gantry
//! tilt is a shear of the matrix.
//!
//! Source: DICOM PS3.3 C.7.6.2.1.1 (position, orientation), 10.7.1.3 (spacing).

use super::grid_note::{self, GridNote};
use crate::geometry::ImagePlane;
use glam::{DAffine3, DMat3, DVec3};
use protocol::order::sort_by;

/// Fewer slices make no volume.
pub const MIN_SLICES: usize = 4;

/// Slices nearer than this along the normal, in mm, lie at one place.
pub const SAME_PLACE_MM: f64 = 1e-3;

/// Slices nearer than this share of the median distance are one slice twice.
const DUPLICATE_SHARE: f64 = 0.01;

/// Slices may be this far from their place on an even ladder, in mm, to be taken as evenly spaced.
const EVEN_MM: f64 = 0.005;

/// Slices further than this from the line through all, in mm and in pixels, make no volume.
const CROOKED_MM: f64 = 1.0;
const CROOKED_PIXELS: f64 = 0.5;

/// No patient lies further from the origin than this, in mm.
const FARTHEST_MM: f64 = 1e6;

/// Displacements from here on, in mm, are said.
pub(super) const SAID_MM: f64 = 0.1;

/// Why frames are no volume. The sentences end those that the user reads.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoVolume {
    /// One slice, or two or three.
    #[error("three planes need at least {MIN_SLICES} parallel slices; there {}", are(*slices))]
    TooFew {
        /// Slices at different places.
        slices: usize,
    },
    /// An attribute without which a frame has no place.
    #[error("the file does not say the {attribute}, or not in numbers that can be used")]
    Missing {
        /// Name of the attribute, in words.
        attribute: &'static str,
    },
    /// Position, orientation and spacing contradict each other.
    #[error("{0}")]
    Plane(#[from] crate::geometry::PlaneError),
    /// Colour cannot be reformatted by modality values.
    #[error("these are colour images")]
    Colour,
    /// Many slices in one frame, and it is not known where they lie.
    #[error("each image is a mosaic of slices, and {0}")]
    Mosaic(#[from] crate::model::MosaicError),
    /// Slices are shifted against each other without a direction.
    #[error("the slices do not lie behind each other: one is {off_mm:.1} mm aside")]
    Crooked {
        /// Distance from the line through all slices.
        off_mm: f64,
    },
}

fn are(slices: usize) -> String {
    match slices {
        1 => "is 1".into(),
        more => format!("are {more}"),
    }
}

/// The voxels of a stack of parallel slices in the patient.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeGrid {
    /// Voxels along a row.
    pub columns: u32,
    /// Voxels along a column.
    pub rows: u32,
    /// What the user must know of the slices.
    pub notes: Vec<GridNote>,
    patient_from_grid: DAffine3,
    grid_from_patient: DAffine3,
    positions_mm: Vec<f64>,
    step_mm: Option<f64>,
    normal: DVec3,
}

/// A grid, and which of the planes it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Stacked {
    /// The grid.
    pub grid: VolumeGrid,
    /// For each slice of the grid the index of its plane; duplicates are left out.
    pub order: Vec<usize>,
}

impl VolumeGrid {
    /// Stacks planes that are given in any order; `size` is columns and rows. Directions and spacing are those
    /// of the middle slice. Of several planes at one place the first given is used.
    ///
    /// # Errors
    /// When fewer than [`MIN_SLICES`] places are left, or the slices do not lie along one line.
    pub fn stack(planes: &[ImagePlane], size: [u32; 2]) -> Result<Stacked, NoVolume> {
        let Some(first) = planes.first() else {
            return Err(NoVolume::TooFew { slices: 0 });
        };
        let is_far = |plane: &ImagePlane| plane.position.abs().max_element() > FARTHEST_MM;
        if planes.iter().any(is_far) {
            return Err(NoVolume::Missing {
                attribute: "image position",
            });
        }
        let normal = first.normal();
        let distance = |index: &usize| planes[*index].position.dot(normal);
        let mut order: Vec<usize> = (0..planes.len()).collect();
        sort_by(&mut order, |a, b| distance(a).total_cmp(&distance(b)));
        let (order, duplicates) = without_duplicates(order, distance);
        if order.len() < MIN_SLICES {
            return Err(NoVolume::TooFew {
                slices: order.len(),
            });
        }
        let middle = planes[order[order.len() / 2]];
        let normal = middle.normal();
        let origins: Vec<DVec3> = order.iter().map(|index| planes[*index].position).collect();
        let line = Line::through(&origins, normal);
        let pixel_mm = middle.row_spacing_mm.min(middle.column_spacing_mm);
        if line.off_mm > CROOKED_MM && line.off_mm > CROOKED_PIXELS * pixel_mm {
            return Err(NoVolume::Crooked {
                off_mm: line.off_mm,
            });
        }
        let along = normal + line.shear;
        let stretch = along.length();
        let positions_mm: Vec<f64> = line.distances.iter().map(|mm| mm * stretch).collect();
        let patient_from_grid = DAffine3::from_mat3_translation(
            DMat3::from_cols(
                middle.row_direction * middle.column_spacing_mm,
                middle.column_direction * middle.row_spacing_mm,
                along / stretch,
            ),
            line.start,
        );
        let grid_from_patient = patient_from_grid.inverse();
        if !grid_from_patient.is_finite() {
            return Err(NoVolume::Missing {
                attribute: "pixel spacing",
            });
        }
        let notes = grid_note::notes(&line, &duplicates, turned_mm(planes, &order, &middle, size));
        Ok(Stacked {
            grid: Self {
                columns: size[0],
                rows: size[1],
                notes,
                grid_from_patient,
                patient_from_grid,
                step_mm: even_step(&positions_mm),
                positions_mm,
                normal,
            },
            order,
        })
    }

    /// All of it but its notes, as numbers: for workers, which sample the same places to the last bit.
    pub fn to_numbers(&self) -> Vec<f64> {
        let mut numbers = vec![
            self.columns.into(),
            self.rows.into(),
            self.step_mm.unwrap_or(f64::NAN),
        ];
        numbers.extend(self.normal.to_array());
        for map in [&self.patient_from_grid, &self.grid_from_patient] {
            numbers.extend(map.to_cols_array());
        }
        numbers.extend(&self.positions_mm);
        numbers
    }

    /// Reads what [`VolumeGrid::to_numbers`] wrote; `None` for fewer numbers.
    pub fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let (header, rest) = numbers.split_first_chunk::<6>()?;
        let (patient_from_grid, rest) = rest.split_first_chunk::<12>()?;
        let (grid_from_patient, positions_mm) = rest.split_first_chunk::<12>()?;
        let [columns, rows, step_mm, x, y, z] = *header;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from float stops at the ends of the range"
        )]
        let [columns, rows] = [columns, rows].map(|side| side as u32);
        Some(Self {
            columns,
            rows,
            notes: Vec::new(),
            patient_from_grid: DAffine3::from_cols_array(patient_from_grid),
            grid_from_patient: DAffine3::from_cols_array(grid_from_patient),
            positions_mm: positions_mm.to_vec(),
            step_mm: (!step_mm.is_nan()).then_some(step_mm),
            normal: DVec3::new(x, y, z),
        })
    }

    /// Slices.
    pub fn slice_count(&self) -> usize {
        self.positions_mm.len()
    }

    /// Columns, rows and slices as numbers.
    pub fn size(&self) -> DVec3 {
        let slices = u32::try_from(self.slice_count()).unwrap_or(u32::MAX);
        DVec3::new(self.columns.into(), self.rows.into(), slices.into())
    }

    /// True position of each slice in mm along the direction in which slices lie, from 0 and rising.
    pub fn slice_positions_mm(&self) -> &[f64] {
        &self.positions_mm
    }

    /// Distance from slice to slice along the direction in which they lie, where it is the same for all
    /// (within 0.005 mm of an even ladder).
    pub fn even_step_mm(&self) -> Option<f64> {
        self.step_mm
    }

    /// From `(column, row, mm along the slices)` to mm in LPS.
    pub fn patient_from_grid(&self) -> DAffine3 {
        self.patient_from_grid
    }

    /// From mm in LPS to `(column, row, mm along the slices)`.
    pub fn grid_from_patient(&self) -> DAffine3 {
        self.grid_from_patient
    }

    /// The matrix from voxel to patient space, where slices are evenly spaced.
    pub fn patient_from_voxel_matrix(&self) -> Option<DAffine3> {
        let step = DMat3::from_diagonal(DVec3::new(1.0, 1.0, self.step_mm?));
        Some(self.patient_from_grid * DAffine3::from_mat3(step))
    }

    /// Where a voxel, or a place between voxels, lies: mm in LPS. Outside the stack slices go on as at its end.
    pub fn patient_from_voxel(&self, voxel: DVec3) -> DVec3 {
        let grid = DVec3::new(voxel.x, voxel.y, self.mm_from_slice(voxel.z));
        self.patient_from_grid.transform_point3(grid)
    }

    /// The voxel at a place, with fractions.
    pub fn voxel_from_patient(&self, patient: DVec3) -> DVec3 {
        let grid = self.grid_from_patient.transform_point3(patient);
        DVec3::new(grid.x, grid.y, self.slice_from_mm(grid.z))
    }

    /// Position of a slice, or of a place between slices, in mm along the slices.
    pub fn mm_from_slice(&self, slice: f64) -> f64 {
        if let Some(step) = self.step_mm {
            return slice * step;
        }
        let last = self.positions_mm.len() - 2;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from float stops at the ends of the range"
        )]
        let below = (slice.floor() as usize).min(last);
        let (low, high) = (self.positions_mm[below], self.positions_mm[below + 1]);
        #[expect(
            clippy::cast_precision_loss,
            reason = "slices are counted in thousands"
        )]
        let fraction = slice - below as f64;
        low + (high - low) * fraction
    }

    /// The slice at a position in mm along the slices, with fractions.
    pub fn slice_from_mm(&self, mm: f64) -> f64 {
        if let Some(step) = self.step_mm {
            return mm / step;
        }
        let at_or_below = self
            .positions_mm
            .partition_point(|position| *position <= mm);
        let below = at_or_below.clamp(1, self.positions_mm.len() - 1) - 1;
        let (low, high) = (self.positions_mm[below], self.positions_mm[below + 1]);
        #[expect(
            clippy::cast_precision_loss,
            reason = "slices are counted in thousands"
        )]
        let whole = below as f64;
        whole + (mm - low) / (high - low)
    }

    /// True within the box of voxel centres, its faces too.
    pub fn contains(&self, voxel: DVec3) -> bool {
        voxel.cmpge(DVec3::ZERO).all() && voxel.cmple(self.size() - 1.0).all()
    }

    /// The middle of the box of voxel centres, mm in LPS.
    pub fn center(&self) -> DVec3 {
        let last = self.positions_mm.last().copied().unwrap_or_default();
        let across = (self.size() - 1.0) / 2.0;
        self.patient_from_grid
            .transform_point3(DVec3::new(across.x, across.y, last / 2.0))
    }

    /// The eight corners of the box of voxel centres, mm in LPS.
    pub fn corners(&self) -> [DVec3; 8] {
        let last = self.size() - 1.0;
        std::array::from_fn(|corner| {
            let pick = |bit: usize, end: f64| if corner >> bit & 1 == 1 { end } else { 0.0 };
            self.patient_from_voxel(DVec3::new(
                pick(0, last.x),
                pick(1, last.y),
                pick(2, last.z),
            ))
        })
    }

    /// Unit vector of increasing column index.
    pub fn row_direction(&self) -> DVec3 {
        self.patient_from_grid.matrix3.x_axis.normalize()
    }

    /// Unit vector of increasing row index.
    pub fn column_direction(&self) -> DVec3 {
        self.patient_from_grid.matrix3.y_axis.normalize()
    }

    /// Unit vector from slice to slice; off the normal where the gantry was tilted.
    pub fn slice_direction(&self) -> DVec3 {
        self.patient_from_grid.matrix3.z_axis
    }

    /// Unit vector at right angles to the slices, towards the next.
    pub fn normal(&self) -> DVec3 {
        self.normal
    }

    /// Edges of a voxel in mm: along a row, along a column, and the median from slice to slice along the
    /// direction in which they lie.
    pub fn voxel_mm(&self) -> DVec3 {
        let matrix = self.patient_from_grid.matrix3;
        DVec3::new(
            matrix.x_axis.length(),
            matrix.y_axis.length(),
            median_gap(&self.positions_mm),
        )
    }

    /// Median distance from slice to slice at right angles to them, in mm.
    pub fn slice_distance_mm(&self) -> f64 {
        median_gap(&self.positions_mm) * self.slice_direction().dot(self.normal)
    }

    /// Distance between the planes of a slab where none is asked for: half the smallest voxel edge.
    pub fn default_slab_step_mm(&self) -> f64 {
        self.voxel_mm().min_element() / 2.0
    }

    /// How far to go along a unit vector until the next voxel is reached: the true slice distance along the
    /// normal of the slices, the pixel spacing along rows and columns, in between by the axis that is crossed
    /// first.
    pub fn scroll_step_mm(&self, direction: DVec3) -> f64 {
        let grid = self.grid_from_patient.transform_vector3(direction);
        let voxels_per_mm = DVec3::new(grid.x, grid.y, grid.z / median_gap(&self.positions_mm));
        voxels_per_mm.abs().max_element().recip()
    }
}

/// The straight line along which the origins of slices lie.
pub(super) struct Line {
    /// The first slice's origin on it.
    pub start: DVec3,
    /// Way within the slice plane for each mm along the normal.
    pub shear: DVec3,
    /// Distance of each slice from the first along the normal, mm.
    pub distances: Vec<f64>,
    /// How far the worst origin is from it, mm.
    pub off_mm: f64,
}

impl Line {
    /// Least squares of the ways within the plane over distances along the normal; `origins` in order.
    fn through(origins: &[DVec3], normal: DVec3) -> Self {
        let first = origins[0];
        let distances: Vec<f64> = origins.iter().map(|o| (*o - first).dot(normal)).collect();
        let aside: Vec<DVec3> = (origins.iter().zip(&distances))
            .map(|(origin, distance)| *origin - first - normal * *distance)
            .collect();
        #[expect(
            clippy::cast_precision_loss,
            reason = "slices are counted in thousands"
        )]
        let count = origins.len() as f64;
        let mean_distance = distances.iter().sum::<f64>() / count;
        let mean_aside = aside.iter().sum::<DVec3>() / count;
        let (mut product, mut square) = (DVec3::ZERO, 0.0);
        for (aside, distance) in aside.iter().zip(&distances) {
            product += (*aside - mean_aside) * (distance - mean_distance);
            square += (distance - mean_distance) * (distance - mean_distance);
        }
        let shear = product / square;
        let at = |distance: f64| mean_aside + shear * (distance - mean_distance);
        let off_mm = (aside.iter().zip(&distances))
            .map(|(aside, distance)| (*aside - at(*distance)).length())
            .fold(0.0, f64::max);
        Self {
            start: first + at(0.0),
            shear,
            distances,
            off_mm,
        }
    }
}

/// Leaves out planes at the place of another. Also gives the number, from 1 in the order that is left, of each
/// slice that was there more than once, as often as it was left out.
fn without_duplicates(
    sorted: Vec<usize>,
    distance: impl Fn(&usize) -> f64,
) -> (Vec<usize>, Vec<usize>) {
    let distances: Vec<f64> = sorted.iter().map(&distance).collect();
    let mut places = distances.clone();
    places.dedup_by(|next, kept| *next - *kept <= SAME_PLACE_MM);
    let nearest = SAME_PLACE_MM.max(DUPLICATE_SHARE * median_gap(&places));
    let mut kept: Vec<usize> = Vec::with_capacity(sorted.len());
    let mut duplicates = Vec::new();
    for (index, place) in sorted.into_iter().zip(distances) {
        match kept.last() {
            Some(last) if place - distance(last) <= nearest => duplicates.push(kept.len()),
            _ => kept.push(index),
        }
    }
    (kept, duplicates)
}

/// The median of the gaps between rising positions; 0 for less than two.
pub(super) fn median_gap(positions: &[f64]) -> f64 {
    let mut gaps: Vec<f64> = positions.windows(2).map(|pair| pair[1] - pair[0]).collect();
    sort_by(&mut gaps, f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or_default()
}

fn even_step(positions_mm: &[f64]) -> Option<f64> {
    let last = positions_mm.len() - 1;
    #[expect(
        clippy::cast_precision_loss,
        reason = "slices are counted in thousands"
    )]
    let step = positions_mm[last] / last as f64;
    #[expect(
        clippy::cast_precision_loss,
        reason = "slices are counted in thousands"
    )]
    let is_even = (positions_mm.iter().enumerate())
        .all(|(index, position)| (position - step * index as f64).abs() <= EVEN_MM);
    is_even.then_some(step)
}

/// How far directions that differ from those of the middle slice put the outermost pixel aside, mm.
fn turned_mm(planes: &[ImagePlane], order: &[usize], middle: &ImagePlane, size: [u32; 2]) -> f64 {
    let width = middle.column_spacing_mm * f64::from(size[0]);
    let height = middle.row_spacing_mm * f64::from(size[1]);
    let aside = |index: &usize| {
        let plane = &planes[*index];
        (plane.row_direction - middle.row_direction).length() * width
            + (plane.column_direction - middle.column_direction).length() * height
    };
    order.iter().map(aside).fold(0.0, f64::max)
}

#[cfg(test)]
#[path = "grid_tests.rs"]
mod tests;
