//! What a client takes: `accept` of the query before the header, the best first.
//!
//! Source: DICOM PS3.18 sections 8.3.3 (query parameters), 8.7.5 (selected media type), 8.8 (character sets), RFC 9110
//! section 12.5.

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use protocol::dicomweb::media_type::{FrameRange, MediaType, frame_range, parse_list};

use super::Pairs;
use crate::error::ApiError;

/// Media ranges of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The best first; never empty unless the client takes nothing.
    pub ranges: Vec<MediaType>,
}

impl Accepted {
    fn of(query: &str, header: &str) -> Self {
        let mut ranges = parse_list(query);
        ranges.extend(parse_list(header));
        if query.trim().is_empty() && header.trim().is_empty() {
            ranges.extend(MediaType::parse("*/*"));
        }
        Self { ranges }
    }

    /// The same for what comes in parts.
    pub fn frame_ranges(&self) -> Vec<FrameRange> {
        self.ranges.iter().map(frame_range).collect()
    }

    /// What the first range that can be met is met by.
    pub fn first<T>(&self, met_by: impl Fn(&MediaType) -> Option<T>) -> Option<T> {
        self.ranges.iter().find_map(met_by)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Accepted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Pairs(pairs) = Pairs::from_request_parts(parts, state).await?;
        let of = |name: &str| -> String {
            let all = pairs.iter().filter(|(key, _)| key == name);
            all.map(|(_, value)| value.as_str())
                .collect::<Vec<_>>()
                .join(",")
        };
        let charset = of("charset");
        if !charset.is_empty() && !takes_utf8(&charset) {
            let message = "text is answered in UTF-8 only";
            let status = StatusCode::NOT_ACCEPTABLE;
            return Err(ApiError::new(status, "charset_unknown", message));
        }
        // A plus sign that is not escaped means a space in a query, and no media type has one there.
        let query = of("accept")
            .replace("dicom json", "dicom+json")
            .replace("dicom xml", "dicom+xml");
        if !query.is_empty()
            && !query
                .split(',')
                .any(|range| MediaType::parse(range).is_some())
        {
            let message = "accept must be a media type";
            return Err(ApiError::bad_request("query_invalid", message));
        }
        Ok(Self::of(&query, &joined(&parts.headers)))
    }
}

/// All `Accept` headers as one.
fn joined(headers: &HeaderMap) -> String {
    let all = headers.get_all(ACCEPT).iter();
    let all: Vec<&str> = all.filter_map(|value| value.to_str().ok()).collect();
    all.join(",")
}

fn takes_utf8(list: &str) -> bool {
    list.split(',').any(|item| {
        let mut parts = item.split(';');
        let name = parts.next().unwrap_or_default().trim();
        let is_it = name == "*" || name.eq_ignore_ascii_case("utf-8");
        let refused = parts.any(|part| {
            let quality = part.trim().strip_prefix("q=");
            quality.is_some_and(|q| q.parse() == Ok(0.0_f32))
        });
        is_it && !refused
    })
}

/// Whether an answer may be compressed by gzip (RFC 9110 section 12.5.3).
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(ACCEPT_ENCODING).iter();
    let all = all.filter_map(|value| value.to_str().ok());
    let mut codings = all.flat_map(|value| value.split(','));
    codings.any(|item| {
        let mut parts = item.split(';');
        let name = parts.next().unwrap_or_default().trim();
        let refused = parts.any(|part| {
            let quality = part.trim().strip_prefix("q=");
            quality.is_some_and(|q| q.parse() == Ok(0.0_f32))
        });
        (name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip")) && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn essences(query: &str, header: &str) -> Vec<String> {
        let accepted = Accepted::of(query, header);
        accepted.ranges.into_iter().map(|it| it.essence).collect()
    }

    /// PS3.18 section 8.7.5: the query decides, then the header.
    #[test]
    fn the_query_comes_before_the_header_and_each_by_its_weights() {
        assert_eq!(essences("", ""), ["*/*"]);
        assert_eq!(
            essences("image/png;q=0.1,image/gif", "image/jpeg, a/b;q=0"),
            ["image/gif", "image/png", "image/jpeg"]
        );
        assert!(essences("", "a/b;q=0").is_empty());
    }

    #[test]
    fn the_character_set_is_utf8_or_nothing() {
        for list in ["utf-8", "UTF-8", "iso-8859-1, utf-8;q=0.2", "*"] {
            assert!(takes_utf8(list), "{list}");
        }
        for list in ["iso-8859-1", "utf-8;q=0", "utf8x"] {
            assert!(!takes_utf8(list), "{list}");
        }
    }

    #[test]
    fn gzip_is_taken_where_it_is_named() {
        let taken = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, axum::http::HeaderValue::from_static(value));
            takes_gzip(&headers)
        };
        assert!(taken("deflate, GZIP;q=0.5") && taken("gzip"));
        assert!(!taken("gzip;q=0") && !taken("br") && !taken("gzip; q=0.0"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
