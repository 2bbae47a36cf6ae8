//! Made-up patients, the same for the same seed, written as DICOM Part 10 files.
//!
//! The demo, the pictures of the documentation and the tests use them: everything in them is known, nobody is in them.
//!
//! - [`write_demo`] writes a folder of studies worth looking at.
//! - [`pictures`] are small objects for every kind of pixel, with their right display values.
//! - [`volumes`] are small series of a body known at every place, for planes through them.
//! - [`ct::Anatomy`] is the trunk behind the CT studies: any place has a known value.

mod brain;
mod breast;
pub mod ct;
mod demo;
pub mod dicom;
mod duplex;
mod filter;
mod hand;
mod noise;
pub mod pictures;
mod radiograph;
mod random;
mod scan;
mod small;
mod three;
mod tree;
mod ultrasound;
mod voi_luts;
pub mod volumes;
mod writing;

pub use demo::write_demo;
pub use scan::{Kernel, Scan};
pub use small::{PATTERN_SIDE, pattern, small};
pub use three::three;

/// What a folder of made-up studies holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Number of studies.
    pub studies: usize,
    /// Number of files.
    pub files: usize,
    /// Bytes of all files together.
    pub bytes: u64,
    /// Whether they were written now; otherwise they were there already.
    pub written: bool,
}

/// Why made-up patients could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhantomError {
    /// The folder holds files that this crate did not write, so it is left alone.
    #[error("the folder for the demo holds other files")]
    ForeignFolder,
    /// A file or folder could not be written.
    #[error("could not {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A data set could not be encoded.
    #[error("could not encode a data set: {0}")]
    Encode(String),
}
