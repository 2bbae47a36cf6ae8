//! The object model: studies, series, instances and frames, as DICOM JSON describes them.
//!
//! [`instance`] reads one data set; [`stack`] puts a series' frames in order; [`study`] holds what a
//! study list and a banner show. Nothing clinical is guessed: what is missing is `None`.

pub mod functional_groups;
pub mod instance;
pub mod stack;
pub mod study;
pub mod tags;

pub use instance::{FrameAttributes, Instance, NamedWindow, NoPixels, Unit};
pub use stack::{FrameRef, Stack};
pub use study::{Patient, Series, SeriesId, Study};
