//! How a source has been doing lately, for administrators.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::fault::Reason;

/// How a source has been doing, since the gateway started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// When it last answered.
    pub answered: Option<Timestamp>,
    /// When it last failed, and the code of the reason.
    pub failed: Option<(Timestamp, &'static str)>,
}

/// A source and how it has been doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceHealth {
    /// Its name in addresses.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// How it has been doing.
    pub health: Health,
}

impl SourceHealth {
    /// It answered when it was last asked, or has not been asked yet.
    pub fn is_up(&self) -> bool {
        let failed = self.health.failed.map(|(at, _)| at);
        failed.is_none() || self.health.answered > failed
    }
}

/// Keeps [`Health`] up to date.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Health>);

impl Watch {
    pub fn note<T>(&self, outcome: &Result<T, Reason>) {
        let mut health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(reason) if reason.is_fault() => {
                health.failed = Some((Timestamp::now(), reason.code()));
            }
            _ => health.answered = Some(Timestamp::now()),
        }
    }

    pub fn health(&self) -> Health {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
