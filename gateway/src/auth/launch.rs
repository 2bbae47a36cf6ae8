//! Launches: the server of another system asks for a ticket, and a frame of its pages gets a session for it, so that nobody
//! logs in twice.
//!
//! A ticket lives for a minute and is taken once. What it opens are the rights of its user, and of those only what it names.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::constant_time;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::accounts::{self, AccountError, User};
use super::database::Database;
use super::secret::{Secret, SecretHash};
use super::sessions::{self, Lifetimes};

/// How long a ticket lives.
pub const TICKET_S: i64 = 60;
/// Wrong secrets from one address within a minute before it has to wait.
const MOST_FAILURES: u32 = 5;
/// Tickets that one system may ask for within a minute.
const MOST_TICKETS: u32 = 600;
/// Addresses and systems that are counted; beyond it the count begins anew.
const MOST_COUNTED: usize = 10_000;
const MINUTE_S: i64 = 60;

/// A system that may ask for tickets.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name, also in the audit record.
    pub id: String,
    /// What is kept of its secret.
    pub secret: SecretHash,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Clients {
    all: Vec<Client>,
    counted: Mutex<HashMap<String, (i64, u32)>>,
}

/// Why a system gets no ticket before anything else is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Its name or secret is wrong.
    Unknown,
    /// Too many tries: seconds to wait.
    Wait(i64),
}

impl Clients {
    /// Those that are configured.
    pub fn new(all: Vec<Client>) -> Self {
        Self {
            all,
            counted: Mutex::default(),
        }
    }

    /// The name of the system that sent a request, by `Basic` with name and secret or `Bearer` with the secret alone.
    ///
    /// # Errors
    /// It is none of ours, or tries too often.
    pub fn who(&self, headers: &HeaderMap, address: &str, now_s: i64) -> Result<String, Stopped> {
        let from = format!("from {address}");
        if let Some(wait) = self.waits(&from, MOST_FAILURES, now_s) {
            return Err(Stopped::Wait(wait));
        }
        let Some(id) = credentials(headers).and_then(|given| self.find(&given)) else {
            self.count(&from, now_s);
            return Err(Stopped::Unknown);
        };
        let by = format!("by {id}");
        if let Some(wait) = self.waits(&by, MOST_TICKETS, now_s) {
            return Err(Stopped::Wait(wait));
        }
        self.count(&by, now_s);
        Ok(id)
    }

    /// All are compared, each in the same time whatever it is.
    fn find(&self, (id, secret): &(Option<String>, Vec<u8>)) -> Option<String> {
        let given = SecretHash::of(secret);
        let mut found = None;
        for client in &self.all {
            let is_named = id.as_ref().is_none_or(|id| {
                constant_time::verify_slices_are_equal(id.as_bytes(), client.id.as_bytes()).is_ok()
            });
            if client.secret.is(&given) & is_named {
                found = Some(client.id.clone());
            }
        }
        found
    }

    fn waits(&self, who: &str, most: u32, now_s: i64) -> Option<i64> {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = counted.get(who)?;
        let ends = since + MINUTE_S;
        (*count >= most && now_s < ends && *since <= now_s).then_some(ends - now_s)
    }

    fn count(&self, who: &str, now_s: i64) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MOST_COUNTED {
            counted.retain(|_, (since, _)| now_s < *since + MINUTE_S);
            if counted.len() >= MOST_COUNTED {
                counted.clear();
            }
        }
        let entry = counted.entry(who.to_owned()).or_insert((now_s, 0));
        if now_s >= entry.0 + MINUTE_S || now_s < entry.0 {
            *entry = (now_s, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

/// Name, where it is said, and secret.
fn credentials(headers: &HeaderMap) -> Option<(Option<String>, Vec<u8>)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let value = value.to_str().ok()?;
    if let Some(secret) = value.strip_prefix("Bearer ") {
        return Some((None, secret.trim().as_bytes().to_vec()));
    }
    let pair = STANDARD.decode(value.strip_prefix("Basic ")?.trim()).ok()?;
    let at = pair.iter().position(|byte| *byte == b':')?;
    let id = std::str::from_utf8(&pair[..at]).ok()?;
    Some((Some(id.to_owned()), pair[at + 1..].to_vec()))
}

/// The studies that a session is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Source.
    pub source: String,
    /// Study Instance UIDs.
    pub studies: BTreeSet<String>,
}

impl Context {
    /// Whether it names a study.
    pub fn names(&self, source: &str, study: &str) -> bool {
        self.source == source && self.studies.contains(study)
    }
}

/// How a session in a frame came about, and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launched {
    /// The system that asked for it; empty where its user did.
    pub client: String,
    /// Origin of the page around the frame: from under another one it is not taken.
    pub parent: String,
    /// What it reaches; `None` for all that its user may.
    pub context: Option<Context>,
    /// Its secret is held in the frame's memory, not in a cookie.
    pub is_bearer: bool,
}

/// What a ticket is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTicket {
    /// Whose rights it opens.
    pub user: i64,
    /// The system that asks; empty where the user does.
    pub client: String,
    /// What it reaches.
    pub context: Option<Context>,
    /// Origin of the page around the frame, where it is known.
    pub parent: Option<String>,
    /// The session that it takes the place of, where the browser kept no cookie of it.
    pub replaces: Option<SecretHash>,
}

/// A session that a ticket gave.
#[derive(Debug)]
pub struct Redeemed {
    /// Whose it is.
    pub user: User,
    /// How it came about.
    pub launched: Launched,
    /// Its secret.
    pub secret: Secret,
    /// A ticket for a session without a cookie, for a frame that loses its cookies.
    pub again: Option<Secret>,
}

/// Why a ticket opens nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// There is none, it was taken, or its time is over: which of them is nobody's business.
    #[error("this ticket is not valid any more: it is taken once, within a minute")]
    Unknown,
    /// The page around the frame is another one than the ticket is for.
    #[error("this ticket is for a page of another origin")]
    Parent,
    /// The database, or no random numbers.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<rusqlite::Error> for LaunchError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Account(error.into())
    }
}

type Result<T, E = LaunchError> = std::result::Result<T, E>;

/// Makes a ticket.
///
/// # Errors
/// The database, or no random numbers.
pub fn issue(database: &Database, new: &NewTicket, now_s: i64) -> Result<Secret, AccountError> {
    let ticket = Secret::new()?;
    let context = new.context.as_ref().map(json);
    database.lock().execute(
        "INSERT INTO ticket (hash, user, client, context, parent, replaces, ends) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            ticket.hash().bytes(),
            new.user,
            new.client,
            context,
            new.parent,
            new.replaces.as_ref().map(SecretHash::bytes),
            now_s + TICKET_S
        ],
    )?;
    Ok(ticket)
}

struct Taken {
    new: NewTicket,
    ends_s: i64,
}

/// Takes a ticket out: whatever comes of it, nobody takes it again.
fn take(database: &Database, ticket: &Secret) -> Result<Taken> {
    let row = database
        .lock()
        .query_row(
            "DELETE FROM ticket WHERE hash = ?1 RETURNING user, client, context, parent, replaces, ends",
            [ticket.hash().bytes()],
            |row| {
                let context: Option<String> = row.get(2)?;
                let replaces: Option<Vec<u8>> = row.get(4)?;
                Ok((context, replaces, NewTicket {
                    user: row.get(0)?,
                    client: row.get(1)?,
                    context: None,
                    parent: row.get(3)?,
                    replaces: None,
                }, row.get(5)?))
            },
        )
        .optional()?;
    let (context, replaces, new, ends_s) = row.ok_or(LaunchError::Unknown)?;
    let context = match context {
        // What cannot be read reaches nothing.
        Some(text) => Some(serde_json::from_str(&text).map_err(|_| LaunchError::Unknown)?),
        None => None,
    };
    let replaces = replaces.as_deref().and_then(SecretHash::from_bytes);
    Ok(Taken {
        new: NewTicket {
            context,
            replaces,
            ..new
        },
        ends_s,
    })
}

/// Takes a ticket and starts its session.
///
/// # Errors
/// It opens nothing, or not under this parent.
pub fn redeem(
    database: &Database,
    ticket: &Secret,
    parent: &str,
    lifetimes: Lifetimes,
    now_s: i64,
) -> Result<Redeemed> {
    let Taken { new, ends_s } = take(database, ticket)?;
    // A clock that was set back makes no ticket live longer.
    if !(now_s..=now_s + TICKET_S).contains(&ends_s) || ends_s == now_s {
        return Err(LaunchError::Unknown);
    }
    if new.parent.as_deref().is_some_and(|known| known != parent) {
        return Err(LaunchError::Parent);
    }
    let user = accounts::by_id(database, new.user)?.filter(|user| !user.is_locked);
    let user = user.ok_or(LaunchError::Unknown)?;
    let launched = Launched {
        client: new.client.clone(),
        parent: parent.to_owned(),
        context: new.context.clone(),
        is_bearer: new.replaces.is_some(),
    };
    let secret = sessions::start_launched(database, &user, &launched, lifetimes, now_s)?;
    let again = match new.replaces {
        Some(replaced) => {
            sessions::end(database, &replaced)?;
            None
        }
        None => {
            let again = NewTicket {
                parent: Some(parent.to_owned()),
                replaces: Some(secret.hash()),
                ..new
            };
            Some(issue(database, &again, now_s)?)
        }
    };
    Ok(Redeemed {
        user,
        launched,
        secret,
        again,
    })
}

/// Forgets tickets whose time is over.
///
/// # Errors
/// The database.
pub fn forget_ended(database: &Database, now_s: i64) -> Result<usize, AccountError> {
    let connection = database.lock();
    Ok(connection.execute("DELETE FROM ticket WHERE ends <= ?1", [now_s])?)
}

/// How a value stands in the database.
pub(super) fn json<T: Serialize>(value: &T) -> String {
    // Plain texts and sets of them always have a form.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests;
