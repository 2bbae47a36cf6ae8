//! Values that metadata left out, whole or in part.
//!
//! Source: DICOM PS3.18 sections 8.7.3.3.1 and 10.4.1.1.4 (bulk data), RFC 9110 section 14 (ranges).

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use protocol::dicomweb::media_type::{MediaType, OCTET_STREAM};
use protocol::dicomweb::multipart;

use super::accepted::Accepted;
use super::retrieve::boundary;
use super::{answer, frames, relayed};
use crate::auth::access::{Authorized, Pixels};
use crate::error::ApiError;
use crate::source::SourceError;
use crate::state::{Shared, blocking};

/// What is to be sent.
enum Found {
    /// Part `first..first + length` of `total` bytes.
    Bytes {
        bytes: Vec<u8>,
        first: u64,
        total: u64,
        partial: bool,
    },
    /// A range that lies beyond the value.
    Beyond { total: u64 },
    /// Pixels in fragments, which go out frame by frame.
    Frames,
}

/// How a value goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As the whole body.
    Single,
    /// As the one part of a body of parts, and never less than all of it: a range would be one of that body.
    Part,
}

impl Form {
    /// The whole body where the client takes that, whatever else it takes.
    fn of(accepted: &Accepted) -> Option<Self> {
        let is_octets = |name: &str| [OCTET_STREAM, "application/*", "*/*"].contains(&name);
        let is_single = |range: &MediaType| is_octets(&range.essence).then_some(Self::Single);
        let is_part = |range: &MediaType| {
            let inner = range.parameter("type").unwrap_or("*/*");
            let is_part = match range.essence.as_str() {
                "multipart/related" => is_octets(&inner.to_ascii_lowercase()),
                essence => essence == "multipart/*",
            };
            is_part.then_some(Self::Part)
        };
        accepted
            .first(is_single)
            .or_else(|| accepted.first(is_part))
    }
}

/// One value, little endian. Pixels in fragments come as all their frames.
pub async fn bulk(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let [series, sop] = target.series_and_instance()?;
    let tag_path = target.tag_path.unwrap_or_default();
    if let Some(upstream) = state.upstream(target.source.as_deref())? {
        let place = [series.as_str(), sop.as_str()];
        return relayed(upstream.bulk(&study, place, &tag_path).await?);
    }
    let form = Form::of(&accepted);
    let range = headers
        .get(RANGE)
        .filter(|_| form == Some(Form::Single))
        .and_then(|value| Range::parse(value.to_str().ok()?));
    let (instance, found) = blocking(&state, move |state| {
        let instance = state.store.instance(&study, &series, &sop)?;
        let in_fragments = instance.pixels.place.is_some_and(|place| {
            place.length.is_none() && format!("{:08X}", place.tag) == tag_path
        });
        if in_fragments {
            return Ok((instance, Some(Found::Frames)));
        }
        let value = state.store.bulk(&instance, &tag_path)?;
        if form.is_none() {
            return Ok((instance, None));
        }
        let total = value.length;
        let part = match range {
            None => Some((0, total)),
            Some(range) => range.within(total),
        };
        let found = match part {
            None => Found::Beyond { total },
            Some((first, length)) => Found::Bytes {
                bytes: value.read(first, length)?,
                first,
                total,
                partial: range.is_some(),
            },
        };
        Ok::<_, SourceError>((instance, Some(found)))
    })
    .await?;
    let content_range = |text: String, response: Response| {
        let mut response = response;
        if let Ok(value) = text.parse() {
            response.headers_mut().insert(CONTENT_RANGE, value);
        }
        response
    };
    let Some(found) = found else {
        let message =
            "values are answered as application/octet-stream, or as multipart/related of that";
        let status = StatusCode::NOT_ACCEPTABLE;
        return Err(ApiError::new(status, "not_acceptable", message));
    };
    match found {
        Found::Frames => frames::all(state, instance).await,
        Found::Beyond { total } => {
            let message = "the range lies beyond the value";
            let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_invalid", message);
            Ok(content_range(
                format!("bytes */{total}"),
                error.into_response(),
            ))
        }
        Found::Bytes { bytes, .. } if form == Some(Form::Part) => {
            let boundary = boundary();
            let head = multipart::part_head(&boundary, OCTET_STREAM, bytes.len(), true);
            let end = multipart::closing(&boundary);
            let body = [head.as_bytes(), &bytes, end.as_bytes()].concat();
            answer(&multipart::content_type(&boundary, OCTET_STREAM), body)
        }
        Found::Bytes {
            bytes,
            first,
            total,
            partial,
        } => {
            let status = if partial {
                StatusCode::PARTIAL_CONTENT
            } else {
                StatusCode::OK
            };
            let last = (first + bytes.len() as u64).saturating_sub(1);
            let response = Response::builder()
                .status(status)
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(ACCEPT_RANGES, "bytes")
                .body(Body::from(bytes))
                .map_err(|_| ApiError::internal())?;
            Ok(if partial {
                content_range(format!("bytes {first}-{last}/{total}"), response)
            } else {
                response
            })
        }
    }
}

/// One range of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    /// From the first of these to the last, or to the end.
    From(u64, Option<u64>),
    /// So many at the end.
    Last(u64),
}

impl Range {
    /// Reads `bytes=a-b`; several ranges and other units are `None`, and the whole value is sent.
    fn parse(header: &str) -> Option<Self> {
        let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
        let number = |text: &str| -> Option<u64> {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        match (first.trim(), last.trim()) {
            ("", last) => number(last).map(Self::Last),
            (first, "") => number(first).map(|first| Self::From(first, None)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// First byte and length inside a value of `total` bytes; `None` where it lies beyond.
    fn within(self, total: u64) -> Option<(u64, u64)> {
        match self {
            Self::From(first, last) if first < total => {
                let end = last.map_or(total, |last| last.saturating_add(1).min(total));
                Some((first, end - first))
            }
            Self::Last(length) if length > 0 && total > 0 => {
                let length = length.min(total);
                Some((total - length, length))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_value() {
        for (header, expected) in [
            ("bytes=0-0", Some((0, 1))),
            ("bytes=2-", Some((2, 8))),
            ("bytes=2-99", Some((2, 8))),
            ("bytes=-3", Some((7, 3))),
            ("bytes=-99", Some((0, 10))),
            ("bytes=10-", None),
            ("bytes=-0", None),
            ("bytes=0-99999999999999999999", Some((0, 10))),
        ] {
            assert_eq!(
                Range::parse(header).unwrap().within(10),
                expected,
                "{header}"
            );
        }
    }

    #[test]
    fn what_is_no_single_range_is_passed_over() {
        for header in [
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=5-2",
            "bytes=-",
            "bytes=+1-2",
            "",
        ] {
            assert_eq!(Range::parse(header), None, "{header}");
        }
    }
}
