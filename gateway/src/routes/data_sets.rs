//! Data sets as an answer, in a form that the client takes.
//!
//! Source: DICOM PS3.18 sections 8.3.3 (queries instead of headers), 8.7.3.2 (media types of data sets) and 8.7.5.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use protocol::dicomweb::media_type::MediaType;
use serde_json::Value;

use super::answer;
use super::metadata::{DICOM_JSON, accepts_json};
use crate::error::ApiError;

/// How data sets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One list in JSON, PS3.18 F.
    Json,
}

impl Form {
    /// The form that a client takes. `accept` and `charset` of the query, which stand for the headers, are taken out of it.
    ///
    /// # Errors
    /// It takes none that there is.
    pub fn chosen(
        headers: &HeaderMap,
        pairs: &mut Vec<(String, String)>,
    ) -> Result<Self, ApiError> {
        let mut chosen = headers.clone();
        for (name, value) in pairs.extract_if(.., |(name, _)| name == "accept" || name == "charset")
        {
            if name == "charset" {
                is_utf8(&value)?;
                continue;
            }
            let value = HeaderValue::from_str(&value).ok();
            let value = value.filter(is_media).ok_or_else(|| {
                ApiError::bad_request("query_invalid", "accept must be a media type")
            })?;
            chosen.insert(ACCEPT, value);
        }
        accepts_json(&chosen)?;
        Ok(Self::Json)
    }

    /// The answer.
    ///
    /// # Errors
    /// A data set cannot be written.
    pub fn answer(self, sets: &[Value]) -> Result<Response, ApiError> {
        match self {
            Self::Json => {
                let text = serde_json::to_vec(sets).map_err(|_| ApiError::internal())?;
                answer(DICOM_JSON, text)
            }
        }
    }
}

fn is_media(value: &HeaderValue) -> bool {
    let ranges = value.to_str().unwrap_or_default().split(',');
    ranges.filter_map(MediaType::parse).next().is_some()
}

/// All text is UTF-8, PS3.18 8.3.3.2.
fn is_utf8(value: &str) -> Result<(), ApiError> {
    let mut sets = value
        .split(',')
        .map(|set| set.split(';').next().unwrap_or_default().trim());
    let takes = |set: &str| matches!(set.to_ascii_lowercase().as_str(), "utf-8" | "utf8" | "*");
    if sets.any(takes) {
        return Ok(());
    }
    Err(ApiError::not_acceptable("this is answered in UTF-8 only"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn status(header: &str, query: &[(&str, &str)]) -> u16 {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(header).unwrap());
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut pairs: Vec<(String, String)> = query.iter().map(owned).collect();
        let found = Form::chosen(&headers, &mut pairs);
        assert!(found.is_err() || pairs.is_empty());
        found.map_or_else(|error| error.status.as_u16(), |_| 200)
    }

    #[test]
    fn accept_in_the_query_stands_for_the_header() {
        assert_eq!(status("image/png", &[]), 406);
        assert_eq!(
            status("image/png", &[("accept", "application/dicom+json")]),
            200
        );
        assert_eq!(status("*/*", &[("accept", "image/png")]), 406);
        assert_eq!(status("*/*", &[("accept", "json")]), 400);
        assert_eq!(status("*/*", &[("accept", "\n")]), 400);
    }

    #[test]
    fn text_is_utf_8_only() {
        assert_eq!(
            status("*/*", &[("charset", "iso-8859-1, utf-8;q=0.5")]),
            200
        );
        assert_eq!(status("*/*", &[("charset", "iso-8859-1")]), 406);
    }
}
