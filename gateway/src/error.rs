//! Errors as answers: a status, a stable code, a sentence.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::dicomweb::error::ErrorBody;
use protocol::dicomweb::query::QueryError;

use crate::source::SourceError;
use crate::source::folder::frames::FrameError;
use crate::source::upstream::fault::{Reason, UpstreamError};

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    /// A sentence without patient data.
    pub message: String,
}

impl ApiError {
    /// Makes one.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// 400 in words.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404 in words.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 406 in words.
    pub fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message)
    }

    /// A DICOMweb root that is not configured.
    pub fn source_unknown() -> Self {
        Self::not_found("source_unknown", "there is no source with this name here")
    }

    /// A bug.
    pub fn internal() -> Self {
        let message = "something went wrong inside the gateway";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorBody::new(self.code, &self.message))).into_response()
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        Self::bad_request("query_invalid", error.to_string())
    }
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        let message = error.to_string();
        match error {
            SourceError::StudyUnknown => Self::not_found("study_unknown", message),
            SourceError::SeriesUnknown => Self::not_found("series_unknown", message),
            SourceError::InstanceUnknown => Self::not_found("instance_unknown", message),
            SourceError::BulkUnknown => Self::not_found("bulk_unknown", message),
            SourceError::FrameUnknown => Self::not_found("frame_unknown", message),
            SourceError::Rewritten(_) => Self::not_acceptable(message),
            SourceError::PictureUnknown => Self::not_found("no_picture", message),
            SourceError::Upstream(error) => Self::from_upstream(&error, message),
            SourceError::Frame(error) => Self::from_frame(&error, message),
            SourceError::Labels(error) => {
                eprintln!("sagitta: {error}");
                let message = "rights cannot be looked up just now";
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "login_unavailable",
                    message,
                )
            }
            // What SQLite says may hold text of the query: it goes to the log, not out.
            SourceError::Index(error) => {
                eprintln!("sagitta: {error}");
                let message = "the index cannot be read just now";
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "index_unavailable",
                    message,
                )
            }
        }
    }
}

impl ApiError {
    /// What another server does wrong is not the asker's fault, nor ours.
    fn from_upstream(error: &UpstreamError, message: String) -> Self {
        let status = match error.reason {
            Reason::NotFound => StatusCode::NOT_FOUND,
            Reason::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Reason::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Reason::Timeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, error.reason.code(), message)
    }

    fn from_frame(error: &FrameError, message: String) -> Self {
        match error {
            FrameError::NoPixels => Self::not_found("no_pixels", message),
            FrameError::OutOfRange { number: 0, .. } => {
                Self::bad_request("frame_invalid", "frame numbers count from 1")
            }
            FrameError::OutOfRange { .. } => Self::not_found("frame_unknown", message),
            FrameError::Incomplete { .. } => Self::not_found("frame_incomplete", message),
            FrameError::Missing { .. } => Self::not_found("frame_missing", message),
            FrameError::Empty { .. } => Self::not_found("frame_empty", message),
            FrameError::NoTable | FrameError::NoSize => {
                Self::not_found("frame_unreadable", message)
            }
            FrameError::TooLarge { .. } => Self::not_found("frame_too_large", message),
            // The file changed under us: worth another try.
            FrameError::Unreadable(_) | FrameError::Changed => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "file_unreadable", message)
            }
        }
    }
}
