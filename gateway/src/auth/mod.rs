//! Who may do what: users and how they prove who they are, sessions, policies. Nothing else in the gateway decides it.
//!
//! Handlers never ask: what they need is in their signature ([`access::Authorized`], [`access::Listed`]), and the store gives
//! nothing without it.

pub mod access;
pub mod accounts;
pub mod admin;
pub mod administrator;
pub mod asker;
pub mod database;
pub mod detours;
pub mod external;
pub mod labels;
pub mod launch;
pub mod oidc;
pub mod once;
pub mod parents;
pub mod passkeys;
pub mod password;
pub mod policy;
pub mod secret;
pub mod sessions;
pub mod shares;
pub mod storing;
pub mod totp;
pub mod visible;
pub mod waiting;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::audit::Audit;
use access::StudyPass;
use accounts::User;
use database::Database;
use detours::Detours;
use launch::Clients;
use oidc::Provider;
use passkeys::Passkeys;
use policy::{Action, Circumstances, Policies, Principal, Resource, StudyFacts};
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
    /// Systems that may ask for tickets.
    pub clients: Clients,
    /// Studies whose first reading by a session is on record: session, source and study, and what was read.
    recorded: Mutex<HashSet<(SecretHash, [String; 2], Reading)>>,
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
            clients: Clients::default(),
            recorded: Mutex::default(),
        }
    }

    /// Whether a reading is on record already.
    fn is_recorded(&self, session: SecretHash, study: &StudyPass, reading: Reading) -> bool {
        let recorded = self.recorded.lock();
        let recorded = recorded.unwrap_or_else(PoisonError::into_inner);
        recorded.contains(&(session, study.key(), reading))
    }

    /// It is now.
    fn has_recorded(&self, session: SecretHash, study: &StudyPass, reading: Reading) {
        let recorded = self.recorded.lock();
        let mut recorded = recorded.unwrap_or_else(PoisonError::into_inner);
        if recorded.len() >= MOST_RECORDED {
            recorded.clear();
        }
        recorded.insert((session, study.key(), reading));
    }
}

/// What policies know of a session.
fn principal_of(session: &Session) -> Principal {
    let mut principal = principal_of_user(&session.user);
    if let Principal::User {
        opened_in_emergency,
        ..
    } = &mut principal
    {
        opened_in_emergency.clone_from(&session.emergencies);
    }
    principal
}

/// What policies know of a user without a session.
fn principal_of_user(user: &User) -> Principal {
    Principal::User {
        name: user.name.clone(),
        roles: user.roles.clone(),
        sites: user.sites.clone(),
        referrers: user.referrers.clone(),
        labels: user.labels.clone(),
        opened_in_emergency: BTreeSet::new(),
    }
}

/// Whether there can be a study to which someone may do something, with a reason and after a fresh login: whether it makes
/// sense to offer it. It is no right.
pub fn could(login: &Login, session: &Session, action: Action) -> bool {
    let user = &session.user;
    let sources = user.sites.iter().filter(|site| *site != "*");
    let mut sources = sources.map(String::as_str).chain([crate::state::LOCAL]);
    let circumstances = Circumstances {
        is_fresh: true,
        has_reason: true,
    };
    sources.any(|source| {
        let facts = StudyFacts {
            source: source.to_owned(),
            uid: String::new(),
            referrers: user.referrers.clone(),
            labels: user.labels.clone(),
        };
        let principal = principal_of(session);
        let resource = Resource::Study(facts);
        (login.policies).permit(&principal, action, &resource, circumstances)
    })
}
