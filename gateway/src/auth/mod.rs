//! Who may do what: users and how they prove who they are, sessions, policies. Nothing else in the gateway decides it.
//!
//! Handlers never ask: what they need is in their signature ([`access::Authorized`], [`access::Listed`]), and the store gives
//! nothing without it.

pub mod access;
pub mod accounts;
pub mod asker;
pub mod database;
pub mod detours;
pub mod external;
pub mod labels;
pub mod oidc;
pub mod once;
pub mod passkeys;
pub mod password;
pub mod policy;
pub mod secret;
pub mod sessions;
pub mod shares;
pub mod totp;
pub mod visible;
pub mod waiting;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::audit::Audit;
use database::Database;
use detours::Detours;
use oidc::Provider;
use passkeys::Passkeys;
use policy::{Policies, Principal};
use secret::SecretHash;
use sessions::{Lifetimes, Session};

/// Login is configured: users, sessions, policies and the audit record.
#[derive(Debug)]
pub struct Login {
    /// Users, sessions, links.
    pub database: Database,
    /// Who may do what.
    pub policies: Policies,
    /// What happened.
    pub audit: Audit,
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// A second factor is asked of everybody.
    pub needs_second_factor: bool,
    /// How people log in.
    pub ways: Ways,
    /// Requests that wait for a login.
    pub detours: Detours,
    /// Studies whose first reading by a session is on record: session, study, and what was read.
    recorded: Mutex<HashSet<(SecretHash, String, Reading)>>,
}

/// How people log in.
#[derive(Debug)]
pub struct Ways {
    /// By a password of the gateway's own.
    pub has_passwords: bool,
    /// At a provider.
    pub provider: Option<Provider>,
    /// By passkeys, as a second factor or alone; `None` where the gateway has no name that they could be of.
    pub passkeys: Option<Passkeys>,
}

/// What of a study was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reading {
    /// Metadata.
    Metadata,
    /// Pixels.
    Pixels,
}

/// Most first readings that are remembered; beyond it, readings are on record twice.
const MOST_RECORDED: usize = 100_000;

impl Login {
    /// Everything that login needs.
    pub fn new(
        database: Database,
        policies: Policies,
        audit: Audit,
        lifetimes: Lifetimes,
        needs_second_factor: bool,
        ways: Ways,
    ) -> Self {
        Self {
            database,
            policies,
            audit,
            lifetimes,
            needs_second_factor,
            ways,
            detours: Detours::default(),
            recorded: Mutex::default(),
        }
    }

    /// Whether a reading is on record already.
    fn is_recorded(&self, session: SecretHash, study: &str, reading: Reading) -> bool {
        let recorded = self.recorded.lock();
        let recorded = recorded.unwrap_or_else(PoisonError::into_inner);
        recorded.contains(&(session, study.to_owned(), reading))
    }

    /// It is now.
    fn has_recorded(&self, session: SecretHash, study: &str, reading: Reading) {
        let recorded = self.recorded.lock();
        let mut recorded = recorded.unwrap_or_else(PoisonError::into_inner);
        if recorded.len() >= MOST_RECORDED {
            recorded.clear();
        }
        recorded.insert((session, study.to_owned(), reading));
    }
}

/// What policies know of a session.
fn principal_of(session: &Session) -> Principal {
    let user = &session.user;
    Principal::User {
        name: user.name.clone(),
        roles: user.roles.clone(),
        sites: user.sites.clone(),
        referrers: user.referrers.clone(),
        labels: user.labels.clone(),
        opened_in_emergency: session.emergencies.clone(),
    }
}
