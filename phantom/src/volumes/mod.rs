//! Small series of one made-up body whose value is known at every place, whole and with every defect that keeps slices
//! from being a volume.
//!
//! [`body`] is a ramp along an oblique direction, which trilinear interpolation must give back as it is, with spheres and
//! oblique rods of known places. Each series says where its voxels lie ([`Lattice`]) and what was stored in them.

pub mod body;
mod faulty;
mod lattice;
mod living;
mod mosaic;
mod series;
mod several;
mod whole;

pub use faulty::{
    BEFORE_MISSING, CORRUPT, TWICE, corrupt_slice, duplicate_slice, missing_slice, mixed_size,
    mixed_spacing, nan_spacing, one_slice, skewed_orientation, two_frames_of_reference,
    two_localisers, unnormalised_orientation, zero_spacing,
};
pub use lattice::Lattice;
pub use living::{
    BQML_OF_UPTAKE, Lesion, PHASE_MS, PHASES, Scene, chamber_radius_mm, heart, lesions, pair_ct,
    pair_pet,
};
pub use mosaic::{mosaic, mosaic_without_header};
pub use series::{Part, Rescale, Volume};
pub use several::{LONG_SLICES, enhanced, four_dimensional, long, tall, two_echoes};
pub use whole::{
    TILT_DEGREES, UNEVEN_GAPS_MM, broad, oblique_grid, packed, pet_slopes, shuffled, spheres, thin,
    tilted, uneven, wide, wide_stack,
};

use crate::PhantomError;
use glam::DVec3;

/// Axes of axial slices: along rows, along columns, from slice to slice.
const AXIAL: [DVec3; 3] = [DVec3::X, DVec3::Y, DVec3::Z];
/// From column to column and from row to row, in mm.
const SPACING_MM: [f64; 2] = [0.7, 0.9];
const CENTER: DVec3 = DVec3::from_array(body::CENTER_MM);

/// Slices side by side in a [`mosaic`].
pub const MOSAIC_ACROSS: usize = 5;

/// Makes a series of a seed.
pub type Make = fn(u64) -> Result<Volume, PhantomError>;

/// All series but the large ones (`broad`, `long`, `packed`, `wide`, `wide-stack`) and mosaics, whose images are no slices.
pub const SMALL: [Make; 22] = [
    spheres,
    tilted,
    oblique_grid,
    uneven,
    shuffled,
    pet_slopes,
    thin,
    missing_slice,
    duplicate_slice,
    corrupt_slice,
    mixed_size,
    mixed_spacing,
    two_frames_of_reference,
    two_localisers,
    one_slice,
    zero_spacing,
    nan_spacing,
    unnormalised_orientation,
    skewed_orientation,
    two_echoes,
    four_dimensional,
    enhanced,
];

/// The large ones.
pub const LARGE: [Make; 5] = [broad, long, packed, wide, wide_stack];
