//! Errors as the gateway answers them: a stable code and a sentence.

use serde::{Deserialize, Serialize};

/// The body of every answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorText,
}

/// What went wrong, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorText {
    /// Stable code, for example `study_unknown`.
    pub code: String,
    /// A sentence without patient data.
    pub message: String,
}

impl ErrorBody {
    /// Makes the body.
    pub fn new(code: &str, message: &str) -> Self {
        Self {
            error: ErrorText {
                code: code.to_owned(),
                message: message.to_owned(),
            },
        }
    }

    /// Reads the body of an error answer; `None` where another server wrote something else.
    pub fn parse(body: &[u8]) -> Option<ErrorText> {
        serde_json::from_slice::<Self>(body)
            .ok()
            .map(|body| body.error)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_back() {
        let text = serde_json::to_vec(&ErrorBody::new("study_unknown", "no such study")).unwrap();
        assert_eq!(ErrorBody::parse(&text).unwrap().code, "study_unknown");
        assert_eq!(ErrorBody::parse(b"<html>"), None);
    }
}
