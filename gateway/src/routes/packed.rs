//! Answers packed by gzip for whoever has opened a link: his line may be slow. Whoever has logged in sits in the house, where
//! packing takes longer than sending.
//!
//! Source: RFC 9110 sections 8.4.1.3 and 12.5.3.

use std::io::Write as _;

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue, VARY};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::answer;
use crate::auth::asker::Asker;
use crate::error::ApiError;
use crate::state::{Shared, blocking};

/// Of shorter answers little is saved.
const LEAST_BYTES: usize = 512;
/// A tenth of the size in little time.
const LEVEL: u32 = 3;

/// An answer, packed where that helps whoever asks.
///
/// # Errors
/// It cannot be packed.
pub async fn answer_packed(
    state: &Shared,
    asker: &Asker,
    headers: &HeaderMap,
    media_type: &str,
    body: Vec<u8>,
) -> Result<Response, ApiError> {
    let is_by_link = matches!(asker, Asker::Link(_));
    if !is_by_link || body.len() < LEAST_BYTES || !takes_gzip(headers) {
        return answer(media_type, body);
    }
    let packed = blocking(state, move |_| Ok(gzip(&body))).await?;
    let packed = packed.map_err(|_| ApiError::internal())?;
    let mut response = answer(media_type, packed)?;
    let headers = response.headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    Ok(response)
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
    encoder.write_all(body)?;
    encoder.finish()
}

/// Whether a client names gzip, and not only to refuse it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        is_gzip && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_named_with_a_weight() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("identity", false),
            ("*", false),
            ("x-gzip", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
            assert_eq!(takes_gzip(&headers), expected, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
