//! DICOM objects: data sets, UIDs, encodings.

mod modules;
mod object;
mod rle;
mod uid;

pub(crate) use modules::Plane;
pub use modules::{Patient, Place, Series, Study};
pub(crate) use object::Dataset;
pub use object::{Encoding, Pixels, Samples};
pub use rle::pack_frame;
pub use uid::uid;
