//! Where things are: pixels of an image, places in a patient, and pixels of a canvas.
//!
//! The lowest floor of this crate: it knows no object model and no state. All numbers are `f64`.
//!
//! # Spaces
//! - **pixel**: `(column, row)`, zero-based, may be fractional. The centre of the first pixel is `(0, 0)`,
//!   its outer corner `(-0.5, -0.5)`.
//! - **patient**: millimetres along LPS axes: +x to the patient's left, +y to the back (posterior), +z to
//!   the head. Source: PS3.3 C.7.6.2.1.1.
//! - **canvas**: device pixels of one viewport, x to the right and y downwards. The centre of the top left
//!   pixel is `(0, 0)`, as in pixel space, so the viewport's middle is `((width - 1) / 2, (height - 1) / 2)`.
//! - **css**: the browser's pixels; a canvas pixel is a css pixel divided by `devicePixelRatio`. Its integers
//!   are edges, not centres. Only the user interface knows this space.
//!
//! Matrices are named for what they give and take: `canvas_from_pixel * pixel`.

mod image_plane;
mod orientation;
mod view_plane;
mod view_transform;

pub use image_plane::{ImagePlane, PlaneError};
pub use orientation::{
    EdgeLetters, LETTER_THRESHOLD, OrientationError, PatientDirections, direction_from_letters,
    edge_letters, letters, opposite, parse_patient_orientation,
};
pub use view_plane::{MAX_SLAB_MM, MAX_SLAB_SIDE, Projection, Slab, ViewPlane, ViewPlaneError};
pub use view_transform::{MAX_ZOOM, MIN_ZOOM, ViewGeometry, ViewTransform};
