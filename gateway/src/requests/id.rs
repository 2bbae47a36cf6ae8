//! The name of a request: in its answer, in the audit record and in the log the same.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::audit::chain::hex;
use crate::auth::secret::random;

/// The header that carries it.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Name of a request: hexadecimal digits and hyphens, 16 to 64 of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// 128 random bits. Where the system gives none the name is empty: nothing else depends on it.
    pub fn new() -> Self {
        Self(random::<16>().map_or_else(|_| String::new(), |bytes| hex(&bytes)))
    }

    /// The name that a trusted proxy gave, where it is one. It goes into log and record, so it must not be able to say
    /// anything: names and most identifiers of patients are none.
    pub fn of_proxy(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(X_REQUEST_ID).iter();
        let (Some(value), None) = (all.next(), all.next()) else {
            return None;
        };
        let text = value.to_str().ok()?;
        let is_plain = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let is_well_formed = (16..=64).contains(&text.len()) && is_plain;
        is_well_formed.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a header.
    pub fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_a_name_of_its_own() {
        let all: std::collections::HashSet<String> =
            (0..1000).map(|_| RequestId::new().0).collect();
        assert_eq!(all.len(), 1000);
        assert!(all.iter().all(|id| id.len() == 32));
    }

    #[test]
    fn a_name_that_could_say_something_is_not_taken() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(X_REQUEST_ID, value.parse().unwrap());
            }
            RequestId::of_proxy(&headers).map(|id| id.0)
        };
        let uuid = "0190A1B2-c3d4-7e5f-8a9b-0123456789ab";
        assert_eq!(of(&[uuid]).unwrap(), uuid.to_ascii_lowercase());
        assert!(of(&["0123456789abcdef0123456789abcdef"]).is_some());
        for refused in [
            "",
            "0123456789abcde",
            "MUELLER-ANNA-1970-01-01",
            "0123456789abcdef\t0123456789abcdef",
            "1.2.840.113619.2.55.3.604688119",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
        ] {
            assert_eq!(of(&[refused]), None, "{refused}");
        }
        assert_eq!(of(&[uuid, uuid]), None);
    }
}
