//! STOW-RS: takes instances in, item by item.
//!
//! A body is never held as a whole: each part goes to a file as it comes, is examined there, and is moved to its place together
//! with some others. What ends a request early (a line that breaks off, too much, too slow) leaves what had its place where it
//! is; whoever sends it again is told that it is there.
//! Source: DICOM PS3.18 section 10.5.

mod answer;
mod bulk;
mod intake;
mod parts;
mod xml;

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use protocol::dicomweb::media_type::MediaType;
use protocol::dicomweb::xml::to_xml;

use self::answer::Report;
use self::intake::{Coming, Intake};
use self::parts::Parts;
use super::accepted::Accepted;
use super::metadata::{DICOM_JSON, DICOM_XML};
use crate::auth::storing::Storing;
use crate::error::ApiError;
use crate::source::folder::store::{Reason, StoreFolder};
use crate::state::Shared;

/// Files of DICOM.
pub const DICOM: &str = "application/dicom";

/// How a body is made.
enum Kind {
    /// One file.
    Single,
    /// Files as parts.
    Files(Parts),
    /// Metadata as one text.
    Metadata(Text),
    /// Metadata and bulk data as parts.
    Bulk(Text, Parts),
}

/// How metadata are written, and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    /// The JSON of PS3.18 annex F.
    Json,
    /// The Native DICOM Model of PS3.19.
    Xml,
}

impl Text {
    fn media_type(self) -> &'static str {
        match self {
            Self::Json => DICOM_JSON,
            Self::Xml => DICOM_XML,
        }
    }

    /// What the client takes of the answer, JSON where it takes both. One data set is no body of parts.
    fn accepted(accepted: &Accepted) -> Option<Self> {
        accepted.first(|range| match range.essence.as_str() {
            "*/*" | "application/*" | "application/json" | DICOM_JSON => Some(Self::Json),
            "application/xml" | "text/xml" | DICOM_XML => Some(Self::Xml),
            _ => None,
        })
    }
}

/// Takes instances in.
pub async fn store(
    State(state): State<Shared>,
    storing: Storing,
    accepted: Accepted,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let root = state.root(storing.target.source.as_deref())?;
    let is_here = state.upstream(storing.target.source.as_deref())?.is_none();
    let folder = match state.store.store_folder() {
        Some(folder) if is_here => folder,
        _ => return Ok(not_here()),
    };
    let mut coming = Coming::new(body.into_data_stream().boxed(), folder.limits.request_bytes);
    let wanted = Text::accepted(&accepted);
    let done = match wanted {
        Some(_) => taken(&state, storing, folder, &headers, &mut coming).await,
        None => Err(ApiError::not_acceptable(
            "what became of the instances is answered as application/dicom+json or application/dicom+xml",
        )),
    };
    let answered = match done {
        Ok(report) => answered(&report, &root, wanted.unwrap_or(Text::Json)),
        Err(error) => Ok(with_retry(error.into_response())),
    };
    // An answer to a body that nobody reads to its end is lost on its way.
    coming.drain().await;
    answered
}

async fn taken(
    state: &Shared,
    storing: Storing,
    folder: &StoreFolder,
    headers: &HeaderMap,
    coming: &mut Coming,
) -> Result<Report, ApiError> {
    let kind = kind_of(headers)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    if length.and_then(|it| it.parse::<u64>().ok()) > Some(folder.limits.request_bytes) {
        return Err(too_large());
    }
    let Ok(_place) = folder.places.try_acquire() else {
        return Err(ApiError::store_busy());
    };
    let mut intake = Intake::new(state, folder, storing);
    match kind {
        Kind::Single => intake.single(coming).await?,
        Kind::Files(parts) => intake.files(coming, parts).await?,
        Kind::Metadata(text) => intake.metadata(coming, text).await?,
        Kind::Bulk(text, parts) => intake.bulk(coming, text, parts).await?,
    }
    let report = intake.finish().await?;
    match report.only_reason() {
        _ if report.count() == 0 => {
            let message = "the body holds no instance";
            Err(ApiError::bad_request("body_empty", message))
        }
        Some(Reason::Full) => Err(failed(
            StatusCode::INSUFFICIENT_STORAGE,
            "store_full",
            Reason::Full,
        )),
        Some(Reason::Unwritable) => Err(failed(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_unavailable",
            Reason::Unwritable,
        )),
        Some(Reason::TooLarge) => Err(failed(
            StatusCode::PAYLOAD_TOO_LARGE,
            "instance_too_large",
            Reason::TooLarge,
        )),
        Some(Reason::NotAuthorized) => Err(ApiError::may_not_store()),
        _ => Ok(report),
    }
}

fn answered(report: &Report, root: &str, wanted: Text) -> Result<Response, ApiError> {
    let set = report.data_set(root);
    let text = match wanted {
        Text::Json => serde_json::to_string(&set).map_err(|_| ApiError::internal())?,
        Text::Xml => to_xml(&set),
    };
    Response::builder()
        .status(report.status())
        .header(CONTENT_TYPE, wanted.media_type())
        .body(text.into())
        .map_err(|_| ApiError::internal())
}

fn kind_of(headers: &HeaderMap) -> Result<Kind, ApiError> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|it: &HeaderValue| it.to_str().ok())
    };
    let is_plain = text(CONTENT_ENCODING).is_none_or(|it| it.eq_ignore_ascii_case("identity"));
    if headers.contains_key(CONTENT_ENCODING) && !is_plain {
        return Err(unsupported("the body must come without a content encoding"));
    }
    let media = text(CONTENT_TYPE).and_then(MediaType::parse);
    let media = media.ok_or_else(|| unsupported("the body does not say what it is"))?;
    let inner = media.parameter("type").and_then(MediaType::parse);
    let inner = inner.map(|inner| inner.essence);
    match (media.essence.as_str(), inner.as_deref()) {
        (DICOM, _) => Ok(Kind::Single),
        (DICOM_JSON, _) => Ok(Kind::Metadata(Text::Json)),
        (DICOM_XML, _) => Ok(Kind::Metadata(Text::Xml)),
        ("multipart/related", Some(DICOM)) => Ok(Kind::Files(parts_of(&media)?)),
        ("multipart/related", Some(DICOM_JSON)) => Ok(Kind::Bulk(Text::Json, parts_of(&media)?)),
        ("multipart/related", Some(DICOM_XML)) => Ok(Kind::Bulk(Text::Xml, parts_of(&media)?)),
        _ => Err(unsupported(
            "instances are taken as application/dicom, application/dicom+json or application/dicom+xml, alone or as parts of multipart/related of that type",
        )),
    }
}

fn parts_of(media: &MediaType) -> Result<Parts, ApiError> {
    let boundary = media.parameter("boundary").unwrap_or_default();
    Parts::new(boundary).map_err(|error| unreadable(&error))
}

/// 405: as before there was anything to store into.
fn not_here() -> Response {
    let message = "nothing is stored here: this gateway has no folder for it";
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = ApiError::new(status, "store_unknown", message).into_response();
    let allowed = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

fn unsupported(message: &str) -> ApiError {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    ApiError::new(status, "media_type_unsupported", message)
}

fn unreadable(error: &parts::PartsError) -> ApiError {
    ApiError::bad_request("body_invalid", error.to_string())
}

fn too_large() -> ApiError {
    let message = "this is more than is stored at once: send fewer instances in a request";
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
}

fn failed(status: StatusCode, code: &'static str, reason: Reason) -> ApiError {
    ApiError::new(status, code, reason.to_string())
}

/// When a client may try again.
const AGAIN: Duration = Duration::from_secs(5);

impl ApiError {
    /// 503: others store just now.
    fn store_busy() -> Self {
        let seconds = AGAIN.as_secs();
        let message = format!("others are storing just now: try again in {seconds} s");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_busy", message)
    }
}

/// Adds `Retry-After` to what may be tried again.
fn with_retry(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, AGAIN.as_secs().into());
    }
    response
}
