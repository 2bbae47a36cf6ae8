//! Shared links: a public half that names the link, a secret half that opens it, and nothing here but the secret's hash.
//!
//! A link ends by its time, by its uses, or when it is taken back; none of it can be undone by setting a clock back. Wrong PINs
//! are slowed down and lock it in the end.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::accounts::{AccountError, Record};
use super::database::Database;
use super::password;
use super::secret::{self, Secret, SecretHash};

/// Longest life of a link.
pub const MOST_DAYS: i64 = 30;
const DAY_S: i64 = 24 * 3600;
/// Longest life of a session that a link opened.
pub const SESSION_S: i64 = 8 * 3600;
/// Wrong PINs that cost nothing but time.
const FREE_FAILURES: u32 = 3;
/// Wrong PINs that lock a link for good.
pub const MOST_FAILURES: u32 = 10;
/// Digits of a PIN.
const PIN_DIGITS: usize = 6;

/// What a link is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewShare {
    /// Source of the studies.
    pub source: String,
    /// Study Instance UIDs.
    pub studies: BTreeSet<String>,
    /// One series of the study, where only that is shown first.
    pub series: Option<String>,
    /// How it looks when it is opened, as the app wrote it.
    pub view: Option<String>,
    /// Days until it ends.
    pub days: i64,
    /// Times that it may be opened; `None` for any number.
    pub most_uses: Option<u32>,
    /// A PIN is asked for.
    pub has_pin: bool,
    /// Files may be taken away.
    pub may_download: bool,
    /// Words for whoever opens it.
    pub note: String,
}

/// A link that was made: the only time that its secret and PIN are known.
#[derive(Debug, Clone)]
pub struct Made {
    /// Public half.
    pub id: String,
    /// Secret half.
    pub secret: Secret,
    /// PIN, to be told another way.
    pub pin: Option<String>,
    /// When it ends.
    pub ends_s: i64,
}

/// A link as its maker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Public half.
    pub id: String,
    /// Whose it is.
    pub user: i64,
    /// Name of its maker on screen.
    pub shown: String,
    /// Source of the studies.
    pub source: String,
    /// Study Instance UIDs.
    pub studies: BTreeSet<String>,
    /// One series of the study.
    pub series: Option<String>,
    /// How it looks when it is opened.
    pub view: Option<String>,
    /// Files may be taken away.
    pub may_download: bool,
    /// Words for whoever opens it.
    pub note: String,
    /// A PIN is asked for.
    pub has_pin: bool,
    /// When it was made.
    pub made_s: i64,
    /// When it ends.
    pub ends_s: i64,
    /// Times that it was opened.
    pub uses: u32,
    /// Times that it may be opened.
    pub most_uses: Option<u32>,
    /// Taken back.
    pub is_revoked: bool,
    /// Locked by wrong PINs.
    pub is_locked: bool,
    /// Wrong PINs that are left before it is locked.
    pub tries_left: u32,
    /// Until when no PIN is looked at, after wrong ones.
    pub wait_until_s: i64,
}

impl Share {
    /// How it stands: `open`, `expired`, `revoked`, `used_up` or `locked`.
    pub fn state(&self, now_s: i64) -> &'static str {
        if self.is_revoked {
            "revoked"
        } else if self.ends_s <= now_s {
            "expired"
        } else if self.most_uses.is_some_and(|most| self.uses >= most) {
            "used_up"
        } else if self.is_locked {
            "locked"
        } else {
            "open"
        }
    }
}

/// Why a link does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// There is none, or its secret is another.
    #[error("there is no such link")]
    Unknown,
    /// Its time is over.
    #[error("this link has expired")]
    Expired,
    /// Its maker took it back.
    #[error("this link was taken back")]
    Revoked,
    /// It was opened as often as it may be.
    #[error("this link was opened as often as it may be")]
    UsedUp,
    /// Too many wrong PINs.
    #[error("this link is locked: too many wrong PINs")]
    Locked,
    /// A wrong PIN.
    #[error("this PIN is wrong")]
    WrongPin,
    /// Too soon after a wrong PIN.
    #[error("too many tries: wait {0} s")]
    Wait(i64),
}

/// Why something could not be done with links.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// It does not open.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// What was asked for is no link.
    #[error("{0}")]
    Invalid(&'static str),
    /// The database, or no random numbers.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<rusqlite::Error> for ShareError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Account(error.into())
    }
}

impl From<secret::NoRandom> for ShareError {
    fn from(error: secret::NoRandom) -> Self {
        Self::Account(error.into())
    }
}

type Result<T> = std::result::Result<T, ShareError>;

/// Makes a link.
///
/// # Errors
/// What is asked for is no link.
pub fn create(database: &Database, user: i64, new: &NewShare, now_s: i64) -> Result<Made> {
    if !(1..=MOST_DAYS).contains(&new.days) {
        return Err(ShareError::Invalid("a link lives from 1 to 30 days"));
    }
    if new.studies.is_empty() {
        return Err(ShareError::Invalid("a link opens at least one study"));
    }
    if new.most_uses == Some(0) {
        return Err(ShareError::Invalid("a link may be opened at least once"));
    }
    if new.note.chars().count() > 2000 {
        return Err(ShareError::Invalid("a note has at most 2000 characters"));
    }
    let secret = Secret::new()?;
    let id = crate::audit::chain::hex(&secret::random::<16>()?);
    let pin = new.has_pin.then(new_pin).transpose()?;
    let pin_hash = pin.as_deref().map(password::hash_pin).transpose();
    let pin_hash = pin_hash.map_err(|error| ShareError::Account(error.into()))?;
    let mut connection = database.lock();
    let now_s = passed(&connection, now_s)?;
    let transaction = connection.transaction()?;
    let ends_s = now_s + new.days * DAY_S;
    let studies = serde_json::to_string(&new.studies).unwrap_or_else(|_| "[]".into());
    transaction.execute(
        "INSERT INTO share (id, secret, user, source, studies, series, view, may_download, note, pin, made, ends, most_uses)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            id,
            secret.hash().bytes(),
            user,
            new.source,
            studies,
            new.series,
            new.view,
            new.may_download,
            new.note,
            pin_hash,
            now_s,
            ends_s,
            new.most_uses
        ],
    )?;
    transaction.commit()?;
    Ok(Made {
        id,
        secret,
        pin,
        ends_s,
    })
}

/// What is known of a link to whoever has its secret, before it is opened. Looking burns nothing.
///
/// # Errors
/// It does not open.
pub fn look(database: &Database, id: &str, secret: &Secret, now_s: i64) -> Result<Share> {
    let connection = database.lock();
    let now_s = passed(&connection, now_s)?;
    let (share, _) = open_one(&connection, id, secret, now_s)?;
    Ok(share)
}

/// Opens a link: one use, and a session that reaches its studies.
///
/// # Errors
/// It does not open.
pub fn redeem(
    database: &Database,
    id: &str,
    secret: &Secret,
    pin: Option<&str>,
    now_s: i64,
) -> Result<(Share, Secret)> {
    let pin_hash = {
        let connection = database.lock();
        let now_s = passed(&connection, now_s)?;
        let (_, hash) = open_one(&connection, id, secret, now_s)?;
        refuse_early(&connection, id, now_s)?;
        hash
    };
    // The costly part holds up nobody else.
    let is_right = match &pin_hash {
        None => true,
        Some(hash) => password::is_right(pin.unwrap_or_default(), Some(hash)),
    };
    let session = Secret::new()?;
    let mut connection = database.lock();
    let now_s = passed(&connection, now_s)?;
    let transaction = connection.transaction()?;
    // Another request may have used it up, locked it or taken it back meanwhile.
    let (mut share, _) = open_one(&transaction, id, secret, now_s)?;
    refuse_early(&transaction, id, now_s)?;
    if !is_right {
        let failures: u32 = transaction.query_row(
            "UPDATE share SET failures = failures + 1 WHERE id = ?1 RETURNING failures",
            [id],
            |row| row.get(0),
        )?;
        transaction.execute(
            "UPDATE share SET wait_until = ?2 WHERE id = ?1",
            params![id, now_s + wait_s(failures)],
        )?;
        transaction.commit()?;
        return Err(if failures >= MOST_FAILURES {
            Closed::Locked.into()
        } else {
            Closed::WrongPin.into()
        });
    }
    transaction.execute(
        "UPDATE share SET uses = uses + 1, failures = 0, wait_until = 0 WHERE id = ?1",
        [id],
    )?;
    transaction.execute(
        "INSERT INTO share_session (hash, share, ends, made) VALUES (?1, ?2, ?3, ?4)",
        params![
            session.hash().bytes(),
            id,
            share.ends_s.min(now_s + SESSION_S),
            now_s
        ],
    )?;
    transaction.commit()?;
    share.uses += 1;
    Ok((share, session))
}

/// The link of a session, as long as both live.
///
/// # Errors
/// The database.
pub fn of_session(database: &Database, hash: &SecretHash, now_s: i64) -> Result<Option<Share>> {
    let connection = database.lock();
    let now_s = passed(&connection, now_s)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM share_session JOIN share ON share.id = share_session.share
         JOIN user ON user.id = share.user
         WHERE share_session.hash = ?1 AND share_session.ends > ?2 AND share.ends > ?2 AND NOT share.is_revoked"
    );
    let found = connection.query_row(&sql, params![hash.bytes(), now_s], share_of);
    Ok(found.optional()?)
}

/// Takes a link back; its sessions end. Someone else's link is not known.
///
/// # Errors
/// There is no such link of this user.
pub fn revoke(database: &Database, user: i64, id: &str) -> Result<()> {
    take_back(database, Some(user), id, &|_| Ok(()))
}

/// Takes anybody's link back, on record.
///
/// # Errors
/// There is no such link, or no record.
pub fn revoke_any(database: &Database, id: &str, record: Record<'_>) -> Result<()> {
    take_back(database, None, id, record)
}

fn take_back(database: &Database, user: Option<i64>, id: &str, record: Record<'_>) -> Result<()> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let changed = transaction.execute(
        "UPDATE share SET is_revoked = 1 WHERE id = ?1 AND coalesce(user = ?2, true)",
        params![id, user],
    )?;
    if changed == 0 {
        return Err(Closed::Unknown.into());
    }
    transaction.execute("DELETE FROM share_session WHERE share = ?1", [id])?;
    record(&transaction)?;
    transaction.commit()?;
    Ok(())
}

/// Everybody's links with the names of those who made them, the newest first.
///
/// # Errors
/// The database.
pub fn all(database: &Database) -> Result<Vec<(Share, String)>> {
    let connection = database.lock();
    let mut found = connection.prepare(&format!(
        "SELECT {COLUMNS}, user.name FROM share JOIN user ON user.id = share.user
         ORDER BY share.made DESC, share.id"
    ))?;
    let shares = found.query_map([], |row| Ok((share_of(row)?, row.get(COLUMN_COUNT)?)))?;
    Ok(shares.collect::<rusqlite::Result<_>>()?)
}

/// All links of a user, the newest first.
///
/// # Errors
/// The database.
pub fn list(database: &Database, user: i64) -> Result<Vec<Share>> {
    let connection = database.lock();
    let mut found = connection.prepare(&format!(
        "SELECT {COLUMNS} FROM share JOIN user ON user.id = share.user WHERE share.user = ?1
         ORDER BY share.made DESC, share.id"
    ))?;
    let shares = found.query_map([user], share_of)?;
    Ok(shares.collect::<rusqlite::Result<_>>()?)
}

/// The time, which never goes back here: a link whose time was over stays closed whatever a clock says later. It is written
/// down whatever comes of the rest.
fn passed(connection: &Connection, now_s: i64) -> Result<i64> {
    let latest: Option<i64> = connection
        .query_row("SELECT latest FROM passed", [], |row| row.get(0))
        .optional()?;
    let now_s = latest.map_or(now_s, |latest| latest.max(now_s));
    if latest != Some(now_s) {
        connection.execute(
            "INSERT INTO passed (one, latest) VALUES (1, ?1)
             ON CONFLICT (one) DO UPDATE SET latest = excluded.latest",
            [now_s],
        )?;
    }
    Ok(now_s)
}

/// A link that may be opened, and the hash of its PIN.
fn open_one(
    connection: &Connection,
    id: &str,
    secret: &Secret,
    now_s: i64,
) -> Result<(Share, Option<String>)> {
    let sql = format!(
        "SELECT {COLUMNS}, share.secret, share.pin FROM share JOIN user ON user.id = share.user WHERE share.id = ?1"
    );
    let found = connection
        .query_row(&sql, [id], |row| {
            Ok((
                share_of(row)?,
                row.get::<_, Vec<u8>>(COLUMN_COUNT)?,
                row.get::<_, Option<String>>(COLUMN_COUNT + 1)?,
            ))
        })
        .optional()?;
    let (share, hash, pin) = found.ok_or(Closed::Unknown)?;
    let is_right = SecretHash::from_bytes(&hash).is_some_and(|hash| hash.is(&secret.hash()));
    if !is_right {
        return Err(Closed::Unknown.into());
    }
    let closed = if share.is_revoked {
        Some(Closed::Revoked)
    } else if share.ends_s <= now_s {
        Some(Closed::Expired)
    } else if share.most_uses.is_some_and(|most| share.uses >= most) {
        Some(Closed::UsedUp)
    } else if share.is_locked {
        Some(Closed::Locked)
    } else {
        None
    };
    closed.map_or(Ok((share, pin)), |closed| Err(closed.into()))
}

fn refuse_early(connection: &Connection, id: &str, now_s: i64) -> Result<()> {
    let until: i64 =
        connection.query_row("SELECT wait_until FROM share WHERE id = ?1", [id], |row| {
            row.get(0)
        })?;
    if until > now_s {
        return Err(Closed::Wait(until - now_s).into());
    }
    Ok(())
}

/// Seconds to wait after so many wrong PINs in a row.
fn wait_s(failures: u32) -> i64 {
    let doublings = failures.saturating_sub(FREE_FAILURES);
    if doublings == 0 {
        return 0;
    }
    (1_i64 << doublings.min(20)).min(900)
}

/// Six digits, each as likely as any.
fn new_pin() -> std::result::Result<String, secret::NoRandom> {
    let mut pin = String::new();
    while pin.len() < PIN_DIGITS {
        // 250 is a multiple of ten: no digit is more likely.
        let [byte] = secret::random::<1>()?;
        if byte < 250 {
            pin.push(char::from(b'0' + byte % 10));
        }
    }
    Ok(pin)
}

const COLUMNS: &str = "share.id, share.user, user.shown, share.source, share.studies, share.series, share.view,
    share.may_download, share.note, share.pin IS NOT NULL, share.made, share.ends, share.uses, share.most_uses,
    share.is_revoked, share.failures, share.wait_until";
const COLUMN_COUNT: usize = 17;

fn share_of(row: &Row<'_>) -> rusqlite::Result<Share> {
    let studies: String = row.get(4)?;
    let failures: u32 = row.get(15)?;
    Ok(Share {
        id: row.get(0)?,
        user: row.get(1)?,
        shown: row.get(2)?,
        source: row.get(3)?,
        studies: serde_json::from_str(&studies).unwrap_or_default(),
        series: row.get(5)?,
        view: row.get(6)?,
        may_download: row.get(7)?,
        note: row.get(8)?,
        has_pin: row.get(9)?,
        made_s: row.get(10)?,
        ends_s: row.get(11)?,
        uses: row.get(12)?,
        most_uses: row.get(13)?,
        is_revoked: row.get(14)?,
        is_locked: failures >= MOST_FAILURES,
        tries_left: MOST_FAILURES.saturating_sub(failures),
        wait_until_s: row.get(16)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests;
