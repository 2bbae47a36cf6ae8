//! Why another hospital's server has no answer, in our own words: nothing that it says is passed on, and its address is
//! never named.

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It does not let the gateway in.
    Refused,
    /// It takes too long.
    Timeout,
    /// It is not there, or cannot prove that it is itself.
    Unreachable,
    /// It sends more than is taken.
    TooLarge,
    /// It sends us elsewhere.
    Redirect,
    /// It answers with another study than the one that was asked for.
    Mixed,
    /// Its answer cannot be read.
    Broken,
    /// It says that it failed.
    Failed,
    /// It, or the gateway's share of it, is busy.
    Busy,
    /// It does not give this in the form that was asked for.
    NotAcceptable,
    /// It has no such thing.
    NotFound,
}

impl Reason {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Refused => "upstream_refused",
            Self::Timeout => "upstream_timeout",
            Self::Unreachable => "upstream_unreachable",
            Self::TooLarge => "upstream_too_large",
            Self::Redirect => "upstream_redirect",
            Self::Mixed => "upstream_mixed",
            Self::Broken => "upstream_broken",
            Self::Failed => "upstream_failed",
            Self::Busy => "upstream_busy",
            Self::NotAcceptable => "not_acceptable",
            Self::NotFound => "upstream_unknown",
        }
    }

    /// Whether the server is well: what it does not have is no fault of its.
    pub fn is_fault(self) -> bool {
        !matches!(self, Self::NotFound | Self::NotAcceptable)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Refused => "does not let this gateway in",
            Self::Timeout => "takes too long to answer",
            Self::Unreachable => "cannot be reached",
            Self::TooLarge => "answers with more than is taken",
            Self::Redirect => "answers with another address, which is not followed",
            Self::Mixed => "answered with another study or series than the one that was asked for",
            Self::Broken => "answers in a way that cannot be read",
            Self::Failed => "could not answer",
            Self::Busy => "is busy, try again soon",
            Self::NotAcceptable => "does not give this in the form that was asked for",
            Self::NotFound => "has nothing like this",
        }
    }
}

/// What went wrong, and at which source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the source \"{label}\" {}", reason.words())]
pub struct UpstreamError {
    /// Name of the source for people.
    pub label: String,
    /// What went wrong.
    pub reason: Reason,
}
