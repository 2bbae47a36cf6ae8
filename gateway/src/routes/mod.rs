//! Handlers, a file an endpoint.

pub mod accepted;
pub mod admin;
pub mod admin_page;
mod asking;
pub mod audit;
pub mod audit_export;
pub mod audit_page;
pub mod bulk;
pub mod capabilities;
pub mod conditional;
pub mod config_json;
mod document;
pub mod emergency;
pub mod files;
pub mod frames;
pub mod given;
pub mod health;
pub mod invoke;
pub mod launch;
pub mod login;
mod login_pages;
pub mod metadata;
pub mod oidc;
pub mod operators;
pub mod pages;
pub mod passkeys;
pub mod query;
pub mod recipient;
pub mod rendered;
pub mod retrieve;
pub mod session;
mod share_link;
pub mod shares;
mod stated;
pub mod stow;
pub mod thumbnail;
pub mod wado_uri;
pub mod wide;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::Response;
use protocol::uid::percent_decode;
use serde::Deserialize;

use crate::error::ApiError;
use crate::source::upstream::Relayed;

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

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<Self>::from_request_parts(parts, state).await;
        path.map(|Path(target)| target)
            .map_err(|_| ApiError::bad_request("address_invalid", "the address cannot be read"))
    }
}

/// Name and value pairs of the query, decoded, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs(pub Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Pairs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let decode = |text: &str| percent_decode(&text.replace('+', " "));
        let pair = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            Some((decode(name)?, decode(value)?))
        };
        let pairs: Option<Vec<_>> = query
            .split('&')
            .filter(|text| !text.is_empty())
            .map(pair)
            .collect();
        pairs.map(Self).ok_or_else(|| {
            ApiError::bad_request(
                "query_invalid",
                "the query cannot be read: a %-escape is broken",
            )
        })
    }
}

impl Target {
    /// Series and instance; the routes that need them have them.
    pub fn series_and_instance(&self) -> Result<[String; 2], ApiError> {
        match (&self.series, &self.instance) {
            (Some(series), Some(instance)) => Ok([series.clone(), instance.clone()]),
            _ => Err(ApiError::internal()),
        }
    }
}

/// What another server answers, on its way.
fn relayed(relayed: Relayed) -> Result<Response, ApiError> {
    answer(&relayed.content_type, relayed.body)
}

/// An answer with a body and a media type.
fn answer(media_type: &str, body: impl Into<Body>) -> Result<Response, ApiError> {
    Response::builder()
        .header(CONTENT_TYPE, media_type)
        .body(body.into())
        .map_err(|_| ApiError::internal())
}
