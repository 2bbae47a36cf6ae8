//! WADO-RS metadata of a study, a series or an instance, from the index or from another server: as JSON, or as XML.
//!
//! Source: DICOM PS3.18 section 10.4.1.1.2 (metadata), 8.7.3.2 (media types), annex F.

use std::io::{self, Write as _};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt as _, stream};
use protocol::dicomweb::json;
use protocol::dicomweb::media_type::MediaType;
use protocol::dicomweb::{multipart, xml};

use super::accepted::{Accepted, takes_gzip};
use super::conditional::Tag;
use super::retrieve::boundary;
use crate::auth::access::{Authorized, Metadata, StudyPass};
use crate::error::ApiError;
use crate::source::SourceError;
use crate::state::{Shared, blocking, decoding, reading};

/// Media type of all our data sets.
pub const DICOM_JSON: &str = "application/dicom+json";
/// Data sets of the Native DICOM Model, in parts.
pub const DICOM_XML: &str = "application/dicom+xml";
/// What is shorter is sent as it is.
const COMPRESSED_FROM: usize = 1 << 10;

/// How data sets go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// A list, under this media type.
    Json(&'static str),
    /// A part each.
    Xml,
}

impl Text {
    /// The client's best one. `None` where it takes neither.
    pub fn of(accepted: &Accepted) -> Option<Self> {
        accepted.first(|media| match media.essence.as_str() {
            DICOM_JSON | "*/*" | "application/*" => Some(Self::Json(DICOM_JSON)),
            "application/json" => Some(Self::Json("application/json")),
            "multipart/*" => Some(Self::Xml),
            "multipart/related" => {
                let inner = media.parameter("type").and_then(MediaType::parse);
                let is_xml = inner.is_none_or(|inner| {
                    matches!(inner.essence.as_str(), DICOM_XML | "application/*" | "*/*")
                });
                is_xml.then_some(Self::Xml)
            }
            _ => None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Json(media) => media,
            Self::Xml => DICOM_XML,
        }
    }
}

/// All attributes of all instances.
pub async fn metadata(
    State(state): State<Shared>,
    authorized: Authorized<Metadata>,
    accepted: Accepted,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let root = state.root(target.source.as_deref())?;
    let text = Text::of(&accepted).ok_or_else(|| {
        ApiError::not_acceptable(
            "metadata is answered as application/dicom+json, or as multipart/related; \
             type=\"application/dicom+xml\"",
        )
    })?;
    let is_gzip = takes_gzip(&headers);
    if let Some(upstream) = state.upstream(target.source.as_deref())? {
        let (series, instance) = (target.series.as_deref(), target.instance.as_deref());
        let sets = upstream.metadata(&study, series, instance, &root).await?;
        let written = blocking(&state, move |_| Ok(Written::of(sets, text, is_gzip)));
        return written.await?.ok_or_else(ApiError::internal)?.answer();
    }
    let places = (target.series, target.instance);
    let (pass, asked, known_root) = (study.clone(), places.clone(), root.clone());
    let version = reading(&state, move |state| {
        (state.store).version(&pass, asked.0.as_deref(), asked.1.as_deref())
    });
    let tag = Tag::of(&[
        &version.await?,
        text.name().as_bytes(),
        known_root.as_bytes(),
    ]);
    if tag.is_known(&headers) {
        return tag.not_modified();
    }
    if let (Text::Json(media), false) = (text, is_gzip) {
        return Ok(tag.on(in_pieces(state, study, places, root, media).await?));
    }
    // All of it is in memory at once: no more such answers are made at a time than there are cores.
    let written = decoding(&state, move |state| {
        let (series, instance) = (places.0.as_deref(), places.1.as_deref());
        let sets = state.store.metadata(&study, series, instance, &root)?;
        Ok::<_, SourceError>(Written::of(sets, text, is_gzip))
    });
    let written = written.await?.ok_or_else(ApiError::internal)?;
    Ok(tag.on(written.answer()?))
}

/// A list whose pieces are made as the line takes them. Where a file is indexed anew under way the answer breaks off.
async fn in_pieces(
    state: Shared,
    study: StudyPass,
    places: (Option<String>, Option<String>),
    root: String,
    media: &'static str,
) -> Result<Response, ApiError> {
    let begun = reading(&state, move |state| {
        let (series, instance) = (places.0.as_deref(), places.1.as_deref());
        let mut headers = state.store.headers(&study, series, instance, &root)?;
        Ok((state.store.next_headers(&mut headers)?, headers))
    });
    let (first, headers) = begun.await?;
    let body = if headers.is_over() {
        Body::from(first)
    } else {
        let rest = stream::unfold((state, Some(headers)), |(state, headers)| async move {
            let mut headers = headers.filter(|headers| !headers.is_over())?;
            let next = reading(&state, move |state| {
                Ok((state.store.next_headers(&mut headers)?, headers))
            });
            let (piece, headers) = match next.await {
                Ok((text, headers)) => (Ok(Bytes::from(text)), Some(headers)),
                Err(error) => (Err(io::Error::other(error.message)), None),
            };
            Some((piece, (state, headers)))
        });
        let first = stream::once(std::future::ready(Ok(Bytes::from(first))));
        Body::from_stream(first.chain(rest))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    Ok(response)
}

/// An answer of text, compressed or not.
pub struct Written {
    content_type: String,
    body: Vec<u8>,
    is_gzip: bool,
}

impl Written {
    /// Of a list of data sets in DICOM JSON; `None` where it is no such list.
    pub fn of(sets: Vec<u8>, text: Text, takes_gzip: bool) -> Option<Self> {
        let (content_type, body) = match text {
            Text::Json(media) => (media.to_owned(), sets),
            Text::Xml => {
                let boundary = boundary();
                let body = parts(&sets, &boundary)?;
                (multipart::content_type(&boundary, DICOM_XML), body)
            }
        };
        let is_gzip = takes_gzip && body.len() >= COMPRESSED_FROM;
        let body = match is_gzip {
            true => {
                let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
                writer.write_all(&body).ok()?;
                writer.finish().ok()?
            }
            false => body,
        };
        Some(Self {
            content_type,
            body,
            is_gzip,
        })
    }

    /// The answer.
    ///
    /// # Errors
    /// None that is known.
    pub fn answer(self) -> Result<Response, ApiError> {
        let content_type =
            HeaderValue::from_str(&self.content_type).map_err(|_| ApiError::internal())?;
        let mut response = Response::new(self.body.into());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, content_type);
        if self.is_gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        Ok(response)
    }
}

/// Data sets as parts of XML, one after the other.
fn parts(sets: &[u8], boundary: &str) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let text = std::str::from_utf8(sets).ok()?;
    json::parse_each(text, |set| {
        let document = xml::to_xml(set.as_map());
        let head = multipart::part_head(boundary, DICOM_XML, document.len(), body.is_empty());
        body.extend(head.into_bytes());
        body.extend(document.into_bytes());
    })
    .ok()?;
    body.extend(multipart::closing(boundary).into_bytes());
    Some(body)
}
