//! Where studies come from: the embedded store over folders, and other hospitals' DICOMweb servers.
//!
//! Nothing outside this module reads DICOM from disk or asks another server for it.

pub mod folder;
pub mod upstream;

use folder::frames::FrameError;
use folder::index::IndexError;
use upstream::fault::UpstreamError;

/// Why a source has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// No such study.
    #[error("there is no study with this UID here")]
    StudyUnknown,
    /// The study has no such series.
    #[error("the study has no series with this UID")]
    SeriesUnknown,
    /// The series has no such instance.
    #[error("the series has no instance with this UID")]
    InstanceUnknown,
    /// No such bulk value.
    #[error("the instance has no such value")]
    BulkUnknown,
    /// No such frame.
    #[error("the instance has no such frame")]
    FrameUnknown,
    /// No picture.
    #[error("there is no picture of this")]
    PictureUnknown,
    /// An instance cannot be written in the syntax that is asked for.
    #[error("an instance cannot be written as 1.2.840.10008.1.2.1: {0}")]
    Rewritten(String),
    /// Another server has no answer that can be used.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// A frame cannot be had.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Labels of studies cannot be read.
    #[error("{0}")]
    Labels(String),
    /// The index fails.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl From<rusqlite::Error> for SourceError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Index(error.into())
    }
}
