//! The plane of a frame in the patient: position, directions and spacing.
//!
//! Source: DICOM PS3.3 C.7.6.2 (Image Plane Module), C.7.6.2.1.1 (position and orientation),
//! 10.7.1.3 (order of the two spacing values).

use glam::DVec3;

/// How far the length of a direction may be from 1: files carry cosines of few digits.
const LENGTH_TOLERANCE: f64 = 0.05;

/// Largest cosine between the two directions that still counts as a right angle.
const PERPENDICULAR_TOLERANCE: f64 = 1e-3;

/// Why position, orientation and spacing make no plane.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaneError {
    /// A number is infinite or not a number.
    #[error("position, orientation or spacing is not a finite number")]
    NotFinite,
    /// A direction is no unit vector, a zero vector for example.
    #[error("a direction has length {length}, expected 1")]
    NotUnitLength {
        /// Length of the direction.
        length: f64,
    },
    /// Row and column are not at right angles.
    #[error("the cosine between row and column is {cosine}, expected 0")]
    NotPerpendicular {
        /// Cosine of the angle between the two directions.
        cosine: f64,
    },
    /// A spacing is zero or negative.
    #[error("pixel spacing is not positive")]
    SpacingNotPositive,
}

/// The plane of one frame in the patient coordinate system.
///
/// Made by [`ImagePlane::new`], which checks that the directions are unit vectors at right angles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImagePlane {
    /// Centre of the first pixel in mm, Image Position (Patient).
    pub position: DVec3,
    /// Unit vector of increasing column index, first three values of Image Orientation (Patient).
    pub row_direction: DVec3,
    /// Unit vector of increasing row index, last three values of Image Orientation (Patient).
    pub column_direction: DVec3,
    /// Distance between the centres of two rows in mm, first value of Pixel Spacing.
    pub row_spacing_mm: f64,
    /// Distance between the centres of two columns in mm, second value of Pixel Spacing.
    pub column_spacing_mm: f64,
}

impl ImagePlane {
    /// Reads Image Position (Patient), Image Orientation (Patient) and Pixel Spacing as they stand in a
    /// file. Directions a little off unit length are made unit vectors.
    ///
    /// # Errors
    /// When a number is not finite, a direction is not near unit length, the directions are more than a
    /// thousandth off the right angle, or a spacing is not positive.
    pub fn new(
        position: [f64; 3],
        orientation: [f64; 6],
        spacing: [f64; 2],
    ) -> Result<Self, PlaneError> {
        let mut numbers = position.iter().chain(&orientation).chain(&spacing);
        if !numbers.all(|number| number.is_finite()) {
            return Err(PlaneError::NotFinite);
        }
        let [rx, ry, rz, cx, cy, cz] = orientation;
        let row_direction = unit(DVec3::new(rx, ry, rz))?;
        let column_direction = unit(DVec3::new(cx, cy, cz))?;
        let cosine = row_direction.dot(column_direction);
        if cosine.abs() > PERPENDICULAR_TOLERANCE {
            return Err(PlaneError::NotPerpendicular { cosine });
        }
        let [row_spacing_mm, column_spacing_mm] = spacing;
        if row_spacing_mm <= 0.0 || column_spacing_mm <= 0.0 {
            return Err(PlaneError::SpacingNotPositive);
        }
        Ok(Self {
            position: DVec3::from_array(position),
            row_direction,
            column_direction,
            row_spacing_mm,
            column_spacing_mm,
        })
    }

    /// Maps a pixel to the patient coordinate system.
    ///
    /// `column` and `row` are zero-based, may be fractional; `(0.0, 0.0)` is the first pixel's centre.
    /// The result is in millimetres along LPS axes (+x left, +y posterior, +z head).
    ///
    /// Source: PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1. Pixel Spacing is `row spacing \ column spacing`,
    /// so `column` is scaled by the second value.
    ///
    /// ```
    /// use viewer_core::geometry::ImagePlane;
    /// let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    /// let plane = ImagePlane::new([-100.0, -80.0, 40.0], axial, [0.5, 0.25])?;
    /// let p = plane.patient_from_pixel(4.0, 2.0);
    /// assert_eq!(p.to_array(), [-99.0, -79.0, 40.0]);
    /// # Ok::<(), viewer_core::geometry::PlaneError>(())
    /// ```
    pub fn patient_from_pixel(&self, column: f64, row: f64) -> DVec3 {
        self.position
            + self.row_direction * (self.column_spacing_mm * column)
            + self.column_direction * (self.row_spacing_mm * row)
    }

    /// Maps a place in the patient (mm) to `(column, row, distance_mm)`: the pixel below it, and how far it
    /// is from the plane along [`ImagePlane::normal`], negative behind it.
    pub fn pixel_from_patient(&self, patient: DVec3) -> (f64, f64, f64) {
        let offset = patient - self.position;
        // The directions may be slightly off the right angle, so this solves for both at once.
        let cosine = self.row_direction.dot(self.column_direction);
        let along_row = offset.dot(self.row_direction);
        let along_column = offset.dot(self.column_direction);
        let determinant = 1.0 - cosine * cosine;
        let column_mm = (along_row - cosine * along_column) / determinant;
        let row_mm = (along_column - cosine * along_row) / determinant;
        (
            column_mm / self.column_spacing_mm,
            row_mm / self.row_spacing_mm,
            offset.dot(self.normal()),
        )
    }

    /// Unit vector at right angles to the plane: row direction times column direction.
    pub fn normal(&self) -> DVec3 {
        self.row_direction.cross(self.column_direction).normalize()
    }

    /// Distance of the plane from the origin along [`ImagePlane::normal`] in mm: the order of parallel
    /// slices.
    pub fn position_along_normal(&self) -> f64 {
        self.position.dot(self.normal())
    }
}

fn unit(direction: DVec3) -> Result<DVec3, PlaneError> {
    let length = direction.length();
    if (length - 1.0).abs() <= LENGTH_TOLERANCE {
        Ok(direction / length)
    } else {
        Err(PlaneError::NotUnitLength { length })
    }
}
