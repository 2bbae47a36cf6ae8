//! The object model: studies, series, instances and frames, as DICOM JSON describes them.
//!
//! [`instance`] reads one data set; [`stack`] puts a series' frames in order; [`study`] holds what a
//! study list and a banner show. Nothing clinical is guessed: what is missing is `None`.

pub mod acquisition;
pub mod bulk;
pub mod cine;
pub mod color_tables;
pub mod csa;
mod date_time;
pub mod documents;
pub mod functional_groups;
pub mod graphics;
pub mod grey_scale;
pub mod instance;
pub mod mosaic;
pub mod playback;
pub mod report;
pub mod spacing;
pub mod stack;
pub mod study;
pub mod suv;
pub mod tags;
pub mod ultrasound;

pub use acquisition::Acquisition;
pub use bulk::BulkValue;
pub use cine::Cine;
pub use documents::document_note;
pub use graphics::{OverlayPlane, OverlaySource};
pub use grey_scale::{GreyScale, NamedVoi};
pub use instance::{FrameAttributes, Instance, NoPixels, Unit};
pub use mosaic::{Mosaic, MosaicError, MosaicSlices};
pub use playback::PlayOrder;
pub use report::{Report, ReportLine};
pub use spacing::{Spacing, SpacingSource, spacing_at};
pub use stack::{FrameRef, Stack};
pub use study::{Patient, Series, SeriesId, Study};
pub use ultrasound::{RegionUnit, RegionValue, UltrasoundRegion, region_at};

/// What came from an address that a server named: bytes, or why there are none.
pub type BulkAnswer = Result<std::sync::Arc<[u8]>, String>;
