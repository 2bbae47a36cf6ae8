//! Answers that a client has already: `ETag` and `If-None-Match`.
//!
//! A tag is made of what an answer depends on, which files and how they are asked for: it is the same after a restart and
//! after the index was made anew. Source: RFC 9110 sections 8.8.3 and 13.1.2.

use axum::body::Body;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use sha2::{Digest as _, Sha256};

use crate::audit::chain::hex;
use crate::error::ApiError;

/// Answers of another version of the program may differ.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The tag of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// Of everything that the answer is made of. It is weak: a compressed answer has the same.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in [&[VERSION.as_bytes()], parts].concat() {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Self(format!("W/\"{}\"", hex(&digest.finalize()[..16])))
    }

    /// Whether the client has it.
    pub fn is_known(&self, headers: &HeaderMap) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let own = opaque(&self.0);
        let all = headers.get_all(IF_NONE_MATCH).iter();
        let all = all.filter_map(|value| value.to_str().ok());
        all.flat_map(|value| value.split(','))
            .any(|tag| tag.trim() == "*" || opaque(tag) == own)
    }

    /// The answer to a client that has it.
    ///
    /// # Errors
    /// None that is known.
    pub fn not_modified(&self) -> Result<Response, ApiError> {
        Response::builder()
            .status(StatusCode::NOT_MODIFIED)
            .header(ETAG, &self.0)
            .body(Body::empty())
            .map_err(|_| ApiError::internal())
    }

    /// The answer with its tag.
    pub fn on(&self, mut response: Response) -> Response {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(ETAG, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_by_its_list_its_weakness_and_the_star() {
        let tag = Tag::of(&[b"a", b"b"]);
        let known = |value: &str| {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_str(value);
            headers.extend(value.ok().map(|value| (IF_NONE_MATCH, value)));
            tag.is_known(&headers)
        };
        let strong = tag.0.trim_start_matches("W/").to_owned();
        assert!(known(&tag.0) && known(&strong) && known("*"));
        assert!(known(&format!("\"x\", {}", tag.0)));
        assert!(!known("\"x\"") && !known("") && !known("W/\"\""));
    }

    #[test]
    fn parts_are_told_apart_from_where_they_meet() {
        assert_ne!(Tag::of(&[b"ab", b"c"]), Tag::of(&[b"a", b"bc"]));
        assert_eq!(Tag::of(&[b"ab", b"c"]), Tag::of(&[b"ab", b"c"]));
    }
}
