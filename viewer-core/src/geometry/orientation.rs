//! Patient direction letters at the edges of an image.
//!
//! Letters derive from the final screen matrix, never from a list of flips and turns, so they cannot
//! disagree with the picture. Images without a plane (projections) give directions by their letters.
//! Source: DICOM PS3.3 C.7.6.1.1.1 (Patient Orientation), C.7.6.2.1.1 (directions of LPS).

use super::ImagePlane;
use glam::{DMat2, DVec3};
use protocol::order;

/// Components of a unit vector below this get no letter: within 14.5 degrees of an axis or plane, a
/// refinement would be noise to the reader.
///
/// The standard asks for at least one letter and allows "one or two additional letters" as refinements
/// without saying from which angle on. The largest component of a unit vector is at least 0.577, so the
/// first letter is always there.
pub const LETTER_THRESHOLD: f64 = 0.25;

/// Cosine from which two given directions are no row and column of one image. Letters are coarse: a pair
/// at right angles near 45 degrees may read `LP\RP`, whose vectors here have a cosine of -0.6.
const PARALLEL: f64 = 0.75;

/// Letters of the positive and negative end of each LPS axis.
const AXES: [[char; 2]; 3] = [['L', 'R'], ['P', 'A'], ['H', 'F']];

/// Why a Patient Orientation says nothing that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrientationError {
    /// Empty, longer than three letters, or with letters outside L R P A H F (as those of quadrupeds).
    #[error("patient orientation is not one to three of the letters L, R, P, A, H, F")]
    NotLetters,
    /// Two letters of one axis in one value, as in `LR`.
    #[error("patient orientation names one axis twice in one direction")]
    AxisTwice,
    /// Row and column point along one line.
    #[error("patient orientation gives rows and columns the same direction")]
    Parallel,
}

/// Where rows and columns of an image point in the patient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatientDirections {
    /// Unit vector (LPS) of increasing column index.
    pub row_direction: DVec3,
    /// Unit vector (LPS) of increasing row index.
    pub column_direction: DVec3,
}

impl From<&ImagePlane> for PatientDirections {
    fn from(plane: &ImagePlane) -> Self {
        Self {
            row_direction: plane.row_direction,
            column_direction: plane.column_direction,
        }
    }
}

/// The letters at the four edges of a viewport; empty where unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EdgeLetters {
    /// At the left edge.
    pub left: String,
    /// At the right edge.
    pub right: String,
    /// At the top edge.
    pub top: String,
    /// At the bottom edge.
    pub bottom: String,
}

/// Letters of a direction (LPS, any length): the largest component first, those below
/// [`LETTER_THRESHOLD`] of the length left out. Equal components go in the order L/R, P/A, H/F. Empty for
/// a zero vector or one that is not finite.
///
/// ```
/// use viewer_core::geometry::letters;
/// assert_eq!(letters([0.0, -1.0, 0.0].into()), "A");
/// assert_eq!(letters([-0.5, 0.0, -0.866].into()), "FR");
/// ```
pub fn letters(direction: DVec3) -> String {
    let Some(unit) = direction.try_normalize() else {
        return String::new();
    };
    // Rounded, so that the last bit of a cosine does not decide an order.
    let sizes = unit
        .to_array()
        .map(|component| (component.abs() * 1e6).round());
    let mut axes = [0, 1, 2];
    order::sort_by(&mut axes, |a, b| f64::total_cmp(&sizes[*b], &sizes[*a]));
    axes.into_iter()
        .filter(|axis| unit[*axis].abs() >= LETTER_THRESHOLD)
        .map(|axis| AXES[axis][usize::from(unit[axis] < 0.0)])
        .collect()
}

/// Letters of the opposite direction: `FR` gives `HL`. Characters that are no direction letter stay.
pub fn opposite(letters: &str) -> String {
    let other = |letter| {
        AXES.iter().find_map(|[positive, negative]| match letter {
            _ if letter == *positive => Some(*negative),
            _ if letter == *negative => Some(*positive),
            _ => None,
        })
    };
    letters
        .chars()
        .map(|letter| other(letter).unwrap_or(letter))
        .collect()
}

/// A unit vector (LPS) whose [`letters`] are the given ones.
///
/// Letters give no angle; the components are taken as 2:1 for two letters and 3:2:1 for three.
///
/// # Errors
/// When the text is not one to three of the letters L R P A H F, or names an axis twice.
pub fn direction_from_letters(letters: &str) -> Result<DVec3, OrientationError> {
    let letters = letters.trim_matches(' ');
    if letters.is_empty() || letters.len() > 3 {
        return Err(OrientationError::NotLetters);
    }
    let mut direction = DVec3::ZERO;
    let weights = [3.0, 2.0, 1.0];
    // All letters are ASCII, so bytes count letters.
    for (letter, weight) in letters.chars().zip(&weights[3 - letters.len()..]) {
        let axis = AXES.iter().position(|pair| pair.contains(&letter));
        let axis = axis.ok_or(OrientationError::NotLetters)?;
        if direction[axis] != 0.0 {
            return Err(OrientationError::AxisTwice);
        }
        direction[axis] = if letter == AXES[axis][0] {
            *weight
        } else {
            -*weight
        };
    }
    Ok(direction.normalize())
}

/// Reads the two values of Patient Orientation (0020,0020): direction of the rows, then of the columns.
///
/// Only for bipeds: where Anatomical Orientation Type (0010,2210) is `QUADRUPED` the letters mean other
/// things (`PR` is proximal there), and the caller must not ask. Most values of quadrupeds (`LE`, `CD`,
/// `V`) are refused here too.
///
/// # Errors
/// When a value is not one to three letters of different axes, or both values lie along one line.
pub fn parse_patient_orientation(
    row: &str,
    column: &str,
) -> Result<PatientDirections, OrientationError> {
    let row_direction = direction_from_letters(row)?;
    let column_direction = direction_from_letters(column)?;
    if row_direction.dot(column_direction).abs() > PARALLEL {
        return Err(OrientationError::Parallel);
    }
    Ok(PatientDirections {
        row_direction,
        column_direction,
    })
}

/// The letters at the edges of a viewport that shows an image by the matrix `canvas_from_pixel` (the
/// linear part of [`ViewGeometry::canvas_from_pixel`](super::ViewGeometry::canvas_from_pixel)).
///
/// The matrix may scale the two axes differently (pixels that are not square), but not shear. A matrix
/// that shows nothing gives no letters.
pub fn edge_letters(canvas_from_pixel: DMat2, directions: PatientDirections) -> EdgeLetters {
    let (Some(across), Some(down)) = (
        canvas_from_pixel.x_axis.try_normalize(),
        canvas_from_pixel.y_axis.try_normalize(),
    ) else {
        return EdgeLetters::default();
    };
    // Without its scales the matrix is orthogonal, so its transpose leads back from canvas to image.
    let towards_right = directions.row_direction * across.x + directions.column_direction * down.x;
    let towards_bottom = directions.row_direction * across.y + directions.column_direction * down.y;
    EdgeLetters {
        left: letters(-towards_right),
        right: letters(towards_right),
        top: letters(-towards_bottom),
        bottom: letters(towards_bottom),
    }
}
