//! Handlers, a file an endpoint.

pub mod bulk;
pub mod config_json;
pub mod frames;
pub mod health;
pub mod invoke;
pub mod metadata;
pub mod pages;
pub mod query;
pub mod thumbnail;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde::Deserialize;

use crate::error::ApiError;

/// What the address names; decoded, as far as the route has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Target {
    /// DICOMweb root, none for the default.
    pub source: Option<String>,
    /// Study Instance UID.
    pub study: Option<String>,
    /// Series Instance UID.
    pub series: Option<String>,
    /// SOP Instance UID.
    pub instance: Option<String>,
    /// Frame numbers with commas.
    pub list: Option<String>,
    /// Tags and item numbers of a bulk value.
    pub tag_path: Option<String>,
}

impl Target {
    /// Study, series and instance; the routes that need them have them.
    pub fn uids(&self) -> Result<[String; 3], ApiError> {
        match (&self.study, &self.series, &self.instance) {
            (Some(study), Some(series), Some(instance)) => {
                Ok([study.clone(), series.clone(), instance.clone()])
            }
            _ => Err(ApiError::internal()),
        }
    }
}

/// An answer with a body and a media type.
fn answer(media_type: &str, body: impl Into<Body>) -> Result<Response, ApiError> {
    Response::builder()
        .header(CONTENT_TYPE, media_type)
        .body(body.into())
        .map_err(|_| ApiError::internal())
}
