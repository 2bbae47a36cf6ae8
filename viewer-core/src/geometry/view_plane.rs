//! A plane through a volume, as the user looks at it: where canvas pixels lie in the patient.
//!
//! Samples lie at canvas pixel centres: `centre + (x - (width - 1) / 2) * pixel_mm * row + (y - (height - 1) / 2)
//! * pixel_mm * column`. A slab is a pile of such planes along the normal, centred on the first.

use glam::DVec3;

/// How far the length of a direction may be from 1.
const LENGTH_TOLERANCE: f64 = 1e-3;

/// Largest cosine between the two directions that still counts as a right angle.
const PERPENDICULAR_TOLERANCE: f64 = 1e-3;

/// Thickest slab in mm.
pub const MAX_SLAB_MM: f64 = 200.0;

/// Most planes on one side of the middle of a slab.
pub const MAX_SLAB_SIDE: u32 = 4096;

/// Why numbers make no plane to look at.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewPlaneError {
    /// A number is infinite or not a number.
    #[error("a number of the plane is not finite")]
    NotFinite,
    /// A direction is no unit vector.
    #[error("a direction of the plane has length {length}, expected 1")]
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
    /// The size of a canvas pixel is zero or negative.
    #[error("the size of a canvas pixel is {pixel_mm} mm, expected more than 0")]
    PixelSize {
        /// The size in mm.
        pixel_mm: f64,
    },
    /// A slab that is thinner than nothing or thicker than any body.
    #[error("the slab is {slab_mm} mm thick, expected 0 to {MAX_SLAB_MM}")]
    SlabThickness {
        /// Its thickness in mm.
        slab_mm: f64,
    },
    /// The distance between planes of a slab is zero, negative, or so small that there are too many.
    #[error(
        "the slab's planes lie {step_mm} mm apart: at most {MAX_SLAB_SIDE} fit on each side of the middle"
    )]
    SlabStep {
        /// The distance in mm.
        step_mm: f64,
    },
}

/// What is shown of the samples that lie behind each other in a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Projection {
    /// The largest: maximum intensity projection.
    Mip,
    /// The smallest: minimum intensity projection.
    MinIp,
    /// Their mean.
    Mean,
}

/// A plane with thickness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slab {
    /// Thickness in mm, centred on the plane.
    pub thickness_mm: f64,
    /// What is shown of it.
    pub projection: Projection,
    /// Distance between its planes in mm; `None` leaves it to the volume.
    pub step_mm: Option<f64>,
}

impl Slab {
    /// Planes on each side of the middle one: they lie at `-n..=n` times the step.
    ///
    /// # Errors
    /// When the step is not positive, or there would be more than [`MAX_SLAB_SIDE`].
    pub fn planes_beside(&self, default_step_mm: f64) -> Result<(u32, f64), ViewPlaneError> {
        let step_mm = self.step_mm.unwrap_or(default_step_mm);
        let count = (self.thickness_mm / 2.0 / step_mm).floor();
        if !(step_mm > 0.0 && count <= f64::from(MAX_SLAB_SIDE)) {
            return Err(ViewPlaneError::SlabStep { step_mm });
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, not negative, and checked against the limit"
        )]
        Ok((count as u32, step_mm))
    }
}

/// A plane through a volume. Made by [`ViewPlane::new`], which checks it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ViewPlane {
    /// The middle of the viewport, mm in LPS.
    pub center: DVec3,
    /// Unit vector to the right on screen.
    pub row: DVec3,
    /// Unit vector downwards on screen.
    pub column: DVec3,
    /// Size of a canvas pixel in mm.
    pub pixel_mm: f64,
    /// Thickness; `None` is a plane without any.
    pub slab: Option<Slab>,
}

impl ViewPlane {
    /// A plane without thickness. Directions a little off unit length are made unit vectors.
    ///
    /// # Errors
    /// When a number is not finite, a direction is no unit vector, the directions are not at right angles
    /// (each by more than a thousandth), or the pixel size is not positive.
    pub fn new(
        center: [f64; 3],
        row: [f64; 3],
        column: [f64; 3],
        pixel_mm: f64,
    ) -> Result<Self, ViewPlaneError> {
        let mut numbers = center.iter().chain(&row).chain(&column);
        if !numbers.all(|number| number.is_finite()) || !pixel_mm.is_finite() {
            return Err(ViewPlaneError::NotFinite);
        }
        let row = unit(DVec3::from_array(row))?;
        let column = unit(DVec3::from_array(column))?;
        let cosine = row.dot(column);
        if cosine.abs() > PERPENDICULAR_TOLERANCE {
            return Err(ViewPlaneError::NotPerpendicular { cosine });
        }
        if pixel_mm <= 0.0 {
            return Err(ViewPlaneError::PixelSize { pixel_mm });
        }
        Ok(Self {
            center: DVec3::from_array(center),
            row,
            column,
            pixel_mm,
            slab: None,
        })
    }

    /// The same plane with thickness; 0 is one plane.
    ///
    /// # Errors
    /// When the thickness is not within `0.0..=`[`MAX_SLAB_MM`], or the step is not positive or gives more than
    /// [`MAX_SLAB_SIDE`] planes a side.
    pub fn with_slab(self, slab: Slab) -> Result<Self, ViewPlaneError> {
        if !(0.0..=MAX_SLAB_MM).contains(&slab.thickness_mm) {
            return Err(ViewPlaneError::SlabThickness {
                slab_mm: slab.thickness_mm,
            });
        }
        if slab.step_mm.is_some() {
            slab.planes_beside(1.0)?;
        }
        Ok(Self {
            slab: Some(slab),
            ..self
        })
    }

    /// Unit vector away from the reader: row times column.
    pub fn normal(&self) -> DVec3 {
        self.row.cross(self.column).normalize()
    }

    /// Where the centre of canvas pixel `(x, y)` of a viewport of `width` x `height` lies, mm in LPS.
    ///
    /// ```
    /// use viewer_core::geometry::ViewPlane;
    /// let plane = ViewPlane::new([10.0, 20.0, 30.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0], 0.5)?;
    /// assert_eq!(plane.patient_from_canvas(0.0, 0.0, 5, 3).to_array(), [9.0, 20.0, 30.5]);
    /// # Ok::<(), viewer_core::geometry::ViewPlaneError>(())
    /// ```
    pub fn patient_from_canvas(&self, x: f64, y: f64, width: u32, height: u32) -> DVec3 {
        let across = (x - (f64::from(width) - 1.0) / 2.0) * self.pixel_mm;
        let down = (y - (f64::from(height) - 1.0) / 2.0) * self.pixel_mm;
        self.center + self.row * across + self.column * down
    }

    /// Canvas pixel below a place in the patient, and its distance in mm along the normal.
    pub fn canvas_from_patient(&self, patient: DVec3, width: u32, height: u32) -> [f64; 3] {
        let offset = patient - self.center;
        // The directions may be slightly off the right angle, so this solves for both at once.
        let cosine = self.row.dot(self.column);
        let (along_row, along_column) = (offset.dot(self.row), offset.dot(self.column));
        let determinant = 1.0 - cosine * cosine;
        let across = (along_row - cosine * along_column) / determinant;
        let down = (along_column - cosine * along_row) / determinant;
        [
            across / self.pixel_mm + (f64::from(width) - 1.0) / 2.0,
            down / self.pixel_mm + (f64::from(height) - 1.0) / 2.0,
            offset.dot(self.normal()),
        ]
    }

    /// The plane moved along its normal.
    #[must_use]
    pub fn moved(self, distance_mm: f64) -> Self {
        Self {
            center: self.center + self.normal() * distance_mm,
            ..self
        }
    }
}

fn unit(direction: DVec3) -> Result<DVec3, ViewPlaneError> {
    let length = direction.length();
    if (length - 1.0).abs() <= LENGTH_TOLERANCE {
        Ok(direction / length)
    } else {
        Err(ViewPlaneError::NotUnitLength { length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 3] = [1.0, 0.0, 0.0];
    const Y: [f64; 3] = [0.0, 1.0, 0.0];

    fn plane() -> ViewPlane {
        ViewPlane::new([1.0, 2.0, 3.0], X, Y, 2.0).unwrap()
    }

    fn slab(thickness_mm: f64, step_mm: Option<f64>) -> Slab {
        Slab {
            thickness_mm,
            projection: Projection::Mip,
            step_mm,
        }
    }

    #[test]
    fn what_is_no_plane_is_refused() {
        let new = ViewPlane::new;
        let nan = [f64::NAN, 0.0, 0.0];
        assert_eq!(new(nan, X, Y, 1.0), Err(ViewPlaneError::NotFinite));
        assert_eq!(
            new([0.0; 3], X, Y, f64::INFINITY),
            Err(ViewPlaneError::NotFinite)
        );
        assert_eq!(
            new([0.0; 3], [0.0, 1.5, 0.0], X, 1.0),
            Err(ViewPlaneError::NotUnitLength { length: 1.5 })
        );
        assert_eq!(
            new([0.0; 3], X, X, 1.0),
            Err(ViewPlaneError::NotPerpendicular { cosine: 1.0 })
        );
        assert_eq!(
            new([0.0; 3], X, Y, 0.0),
            Err(ViewPlaneError::PixelSize { pixel_mm: 0.0 })
        );
    }

    #[test]
    fn a_slab_has_bounds() {
        assert!(plane().with_slab(slab(200.0, None)).is_ok());
        for thickness in [-1.0, 200.1, f64::NAN] {
            assert!(plane().with_slab(slab(thickness, None)).is_err());
        }
        for step in [0.0, -1.0, f64::NAN, 0.01] {
            assert!(plane().with_slab(slab(100.0, Some(step))).is_err());
        }
    }

    #[test]
    fn planes_of_a_slab_are_counted_as_the_contract_says() {
        // floor(10 / 2 / 1), floor(10 / 2 / 0.75), floor(0 / 2 / 1).
        assert_eq!(slab(10.0, Some(1.0)).planes_beside(9.0), Ok((5, 1.0)));
        assert_eq!(slab(10.0, None).planes_beside(0.75), Ok((6, 0.75)));
        assert_eq!(slab(0.0, None).planes_beside(1.0), Ok((0, 1.0)));
    }

    #[test]
    fn the_centre_of_an_even_viewport_lies_between_pixels() {
        let corner = plane().patient_from_canvas(0.0, 0.0, 4, 2);
        assert_eq!(corner.to_array(), [-2.0, 1.0, 3.0]);
    }

    #[test]
    fn canvas_and_patient_lead_back_to_each_other() {
        let row = DVec3::new(0.6, 0.0, 0.8);
        let plane = ViewPlane::new([1.0, 2.0, 3.0], row.to_array(), Y, 0.7).unwrap();
        let patient = plane.moved(2.5).patient_from_canvas(11.25, -3.5, 100, 81);
        let back = plane.canvas_from_patient(patient, 100, 81);
        for (found, expected) in back.into_iter().zip([11.25, -3.5, 2.5]) {
            assert!((found - expected).abs() < 1e-12, "{back:?}");
        }
    }
}
