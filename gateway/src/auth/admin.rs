//! What administrators see and do: users, their rights, sessions. Each change is on record before it counts, in the same step.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::accounts::{self, AccountError, MOST_FAILURES, Rights, User};
use super::database::Database;
use super::policy::Role;
use super::secret::SecretHash;
use super::sessions::{Lifetimes, Stage};
use crate::source::folder::entry::fold;

/// Longest name on screen, label, or name of a referring physician.
const LONGEST_TEXT: usize = 128;
/// Most sites, labels or names of a user.
const MOST_TEXTS: usize = 200;

type Result<T> = std::result::Result<T, AccountError>;

/// Puts a change on record: what was changed, and how. Where it fails, nothing changes.
pub type Told<'a> = &'a dyn Fn(&Connection, &str, &str) -> Result<()>;

/// What is to be other than it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Name on screen.
    pub shown: Option<String>,
    /// Roles.
    pub roles: Option<BTreeSet<Role>>,
    /// Sources of the user's own site.
    pub sites: Option<BTreeSet<String>>,
    /// Names under which the user refers patients.
    pub referrers: Option<BTreeSet<String>>,
    /// Labels of studies that are given to the user.
    pub labels: Option<BTreeSet<String>>,
}

/// Names of referring physicians as searches compare them.
///
/// # Errors
/// One is empty or too long, or there are too many.
pub fn referrers(names: &[String]) -> Result<BTreeSet<String>> {
    texts(names.iter().map(|name| fold(name.trim())))
}

/// Labels.
///
/// # Errors
/// As [`referrers`].
pub fn labels(names: &[String]) -> Result<BTreeSet<String>> {
    texts(names.iter().map(|name| name.trim().to_owned()))
}

fn texts(all: impl Iterator<Item = String>) -> Result<BTreeSet<String>> {
    let all: BTreeSet<String> = all.collect();
    let is_text = |text: &String| {
        (1..=LONGEST_TEXT).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if all.len() > MOST_TEXTS || !all.iter().all(is_text) {
        return Err(AccountError::Text(
            "names and labels have 1 to 128 characters, and there are at most 200",
        ));
    }
    Ok(all)
}

/// Sources of a site: those that there are, or `*` for all.
///
/// # Errors
/// There is no such source.
pub fn sites(names: &[String], known: &dyn Fn(&str) -> bool) -> Result<BTreeSet<String>> {
    let is_site = |name: &&String| *name == "*" || known(name);
    match names.iter().find(|name| !is_site(name)) {
        Some(unknown) => Err(AccountError::Site(unknown.clone())),
        None => Ok(names.iter().cloned().collect()),
    }
}

/// A name on screen.
///
/// # Errors
/// It is too long.
pub fn shown(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        return Err(AccountError::Text(
            "a name on screen has at most 128 characters",
        ));
    }
    Ok(text.to_owned())
}

/// What a user's rights are, in words, for the record.
pub fn words(rights: &Rights) -> String {
    let roles: Vec<&str> = rights.roles.iter().map(|role| role.name()).collect();
    let mut parts = vec![format!("roles: {}", roles.join(" "))];
    for (name, all) in [
        ("sites", &rights.sites),
        ("referrers", &rights.referrers),
        ("labels", &rights.labels),
    ] {
        if !all.is_empty() {
            parts.push(format!("{name}: {}", joined(all)));
        }
    }
    parts.join("; ")
}

fn joined(all: &BTreeSet<String>) -> String {
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}

fn target(connection: &Connection, name: &str) -> Result<User> {
    accounts::find(connection, name)?.ok_or_else(|| AccountError::Unknown(name.to_owned()))
}

/// Whether someone else is left to manage users, who can log in.
fn keep_an_administrator(connection: &Connection, without: &User) -> Result<()> {
    if !without.roles.contains(&Role::Admin) {
        return Ok(());
    }
    let mut found = connection.prepare("SELECT name FROM attempt WHERE failures >= ?1")?;
    let shut = found.query_map([MOST_FAILURES], |row| row.get::<_, String>(0))?;
    let shut: Vec<String> = shut.collect::<rusqlite::Result<_>>()?;
    let can_log_in = |user: &User| {
        !user.is_locked
            && (user.is_external
                || (user.has_password
                    && !shut
                        .iter()
                        .any(|name| name.eq_ignore_ascii_case(&user.name))))
    };
    let all = accounts::all(connection)?;
    let mut others = all
        .iter()
        .filter(|user| user.id != without.id && user.roles.contains(&Role::Admin));
    if others.any(can_log_in) {
        Ok(())
    } else {
        Err(AccountError::LastAdmin)
    }
}

fn end_sessions(connection: &Connection, user: i64) -> Result<usize> {
    connection.execute("DELETE FROM ticket WHERE user = ?1", [user])?;
    Ok(connection.execute("DELETE FROM session WHERE user = ?1", [user])?)
}

fn object(user: &User) -> String {
    format!("user {}", user.name)
}

/// Gives a user other rights; sessions end where they alter, so that they count at once.
///
/// # Errors
/// There is no such user, the provider keeps the rights, or nobody would be left to manage users.
pub fn change(database: &Database, name: &str, change: &Change, told: Told<'_>) -> Result<()> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let user = target(&transaction, name)?;
    if user.is_external {
        return Err(AccountError::External);
    }
    let mut what = Vec::new();
    if let Some(roles) = change.roles.as_ref().filter(|roles| **roles != user.roles) {
        if !roles.contains(&Role::Admin) {
            keep_an_administrator(&transaction, &user)?;
        }
        transaction.execute(
            "UPDATE user SET roles = ?2 WHERE id = ?1",
            params![user.id, accounts::role_names(roles)],
        )?;
        let names: BTreeSet<String> = roles.iter().map(|role| role.name().to_owned()).collect();
        what.push(format!("roles: {}", joined(&names)));
    }
    for (column, old, new) in [
        ("sites", &user.sites, &change.sites),
        ("referrers", &user.referrers, &change.referrers),
        ("labels", &user.labels, &change.labels),
    ] {
        if let Some(new) = new.as_ref().filter(|new| *new != old) {
            transaction.execute(
                &format!("UPDATE user SET {column} = ?2 WHERE id = ?1"),
                params![user.id, accounts::list_text(new)],
            )?;
            what.push(format!("{column}: {}", joined(new)));
        }
    }
    if !what.is_empty() {
        end_sessions(&transaction, user.id)?;
    }
    if let Some(shown) = change.shown.as_ref().filter(|shown| **shown != user.shown) {
        transaction.execute(
            "UPDATE user SET shown = ?2 WHERE id = ?1",
            params![user.id, shown],
        )?;
        what.push("name on screen".to_owned());
    }
    if what.is_empty() {
        return Ok(());
    }
    told(&transaction, &object(&user), &what.join("; "))?;
    Ok(transaction.commit()?)
}

/// Locks an account: nobody comes in with it, whichever way, and its sessions end.
///
/// # Errors
/// There is no such user, or nobody would be left to manage users.
pub fn lock(database: &Database, name: &str, now_s: i64, told: Told<'_>) -> Result<()> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let user = target(&transaction, name)?;
    keep_an_administrator(&transaction, &user)?;
    transaction.execute(
        "UPDATE user SET locked = coalesce(locked, ?2) WHERE id = ?1",
        [user.id, now_s],
    )?;
    end_sessions(&transaction, user.id)?;
    told(&transaction, &object(&user), "locked")?;
    Ok(transaction.commit()?)
}

/// Opens an account again, whether an administrator locked it or wrong answers did.
///
/// # Errors
/// There is no such user.
pub fn unlock(database: &Database, name: &str, told: Told<'_>) -> Result<()> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let user = target(&transaction, name)?;
    transaction.execute("UPDATE user SET locked = NULL WHERE id = ?1", [user.id])?;
    transaction.execute("DELETE FROM attempt WHERE name = ?1", [&user.name])?;
    told(&transaction, &object(&user), "unlocked")?;
    Ok(transaction.commit()?)
}

/// Removes a user with sessions, passkeys and links.
///
/// # Errors
/// There is no such user, or nobody would be left to manage users.
pub fn remove(database: &Database, name: &str, told: Told<'_>) -> Result<()> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let user = target(&transaction, name)?;
    keep_an_administrator(&transaction, &user)?;
    transaction.execute("DELETE FROM attempt WHERE name = ?1", [&user.name])?;
    transaction.execute("DELETE FROM user WHERE id = ?1", [user.id])?;
    told(&transaction, &object(&user), "removed")?;
    Ok(transaction.commit()?)
}

/// A user as administrators see one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The user.
    pub user: User,
    /// Passkeys.
    pub passkeys: u32,
    /// Sessions that have not ended.
    pub sessions: u32,
    /// The provider that the user is of.
    pub issuer: Option<String>,
    /// When the user was here last.
    pub seen_s: Option<i64>,
    /// Until when the code for a first password can be used.
    pub code_ends_s: Option<i64>,
    /// Too many wrong answers: until an administrator opens the account.
    pub is_shut: bool,
    /// Until when no answer is looked at, after wrong ones.
    pub wait_until_s: Option<i64>,
}

/// All users by name.
///
/// # Errors
/// The database.
pub fn users(database: &Database, now_s: i64) -> Result<Vec<ListedUser>> {
    let connection = database.lock();
    let mut more = connection.prepare(
        "SELECT (SELECT count(*) FROM passkey WHERE passkey.user = user.id),
         (SELECT count(*) FROM session WHERE session.user = user.id AND stage = 'whole' AND ends > ?2),
         issuer, seen,
         (SELECT max(ends) FROM code WHERE code.user = user.id AND purpose IN ('first', 'reset') AND ends > ?2),
         attempt.failures, attempt.wait_until
         FROM user LEFT JOIN attempt ON attempt.name = user.name WHERE user.id = ?1",
    )?;
    let all = accounts::all(&connection)?;
    let listed = all.into_iter().map(|user| {
        more.query_row([user.id, now_s], |row| {
            let failures: Option<u32> = row.get(5)?;
            let wait_until: Option<i64> = row.get(6)?;
            let is_shut = failures.is_some_and(|count| count >= MOST_FAILURES);
            Ok(ListedUser {
                passkeys: row.get(0)?,
                sessions: row.get(1)?,
                issuer: row.get(2)?,
                seen_s: row.get(3)?,
                code_ends_s: row.get(4)?,
                is_shut,
                wait_until_s: wait_until.filter(|until| *until > now_s && !is_shut),
                user,
            })
        })
    });
    Ok(listed.collect::<rusqlite::Result<_>>()?)
}

/// What a session is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// Pages of ours.
    Page,
    /// A frame in another system's page.
    Frame,
    /// A shared link.
    Link,
}

/// A session as administrators see one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSession {
    /// Names it, and opens nothing.
    pub id: String,
    /// Whose it is: of a link's, who made the link.
    pub user: String,
    /// The name on screen.
    pub shown: String,
    /// What it is of.
    pub kind: SessionKind,
    /// Public half of the link.
    pub share: Option<String>,
    /// When it began, where that is known.
    pub began_s: Option<i64>,
    /// When it was used last, where that is known.
    pub seen_s: Option<i64>,
    /// When it ends.
    pub ends_s: i64,
    /// It was idle for too long, and waits for its user.
    pub is_locked: bool,
    /// Where its last request came from, where that is known.
    pub address: String,
}

/// All sessions that have not ended, the newest first.
///
/// # Errors
/// The database.
pub fn sessions(
    database: &Database,
    lifetimes: Lifetimes,
    now_s: i64,
) -> Result<Vec<ListedSession>> {
    let connection = database.lock();
    let name = |bytes: Vec<u8>| {
        let hash = SecretHash::from_bytes(&bytes);
        hash.map_or_else(String::new, |hash| hash.name())
    };
    let mut all = Vec::new();
    let mut found = connection.prepare(
        "SELECT session.hash, user.name, user.shown, launched IS NOT NULL, session.made, session.seen, ends, address
         FROM session JOIN user ON user.id = session.user WHERE stage = ?1 AND ends > ?2",
    )?;
    let rows = found.query_map(params![Stage::Whole.name(), now_s], |row| {
        let is_frame: bool = row.get(3)?;
        let seen: i64 = row.get(5)?;
        Ok(ListedSession {
            id: name(row.get(0)?),
            user: row.get(1)?,
            shown: row.get(2)?,
            kind: if is_frame {
                SessionKind::Frame
            } else {
                SessionKind::Page
            },
            share: None,
            began_s: row.get(4)?,
            seen_s: Some(seen),
            ends_s: row.get(6)?,
            is_locked: now_s - seen > lifetimes.idle_s,
            address: row.get(7)?,
        })
    })?;
    for row in rows {
        all.push(row?);
    }
    let mut found = connection.prepare(
        "SELECT share_session.hash, user.name, user.shown, share.id, share_session.made, share_session.ends
         FROM share_session JOIN share ON share.id = share_session.share JOIN user ON user.id = share.user
         WHERE share_session.ends > ?1 AND share.ends > ?1 AND NOT share.is_revoked",
    )?;
    let rows = found.query_map([now_s], |row| {
        Ok(ListedSession {
            id: name(row.get(0)?),
            user: row.get(1)?,
            shown: row.get(2)?,
            kind: SessionKind::Link,
            share: row.get(3)?,
            began_s: row.get(4)?,
            seen_s: None,
            ends_s: row.get(5)?,
            is_locked: false,
            address: String::new(),
        })
    })?;
    for row in rows {
        all.push(row?);
    }
    all.sort_by(|one, two| (two.began_s, &one.id).cmp(&(one.began_s, &two.id)));
    Ok(all)
}

/// Whether a session has not ended.
///
/// # Errors
/// The database.
pub fn lives(connection: &Connection, hash: &SecretHash, now_s: i64) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM session WHERE hash = ?1 AND ends > ?2)";
    Ok(connection.query_row(sql, params![hash.bytes(), now_s], |row| row.get(0))?)
}

/// Ends one session, of a user or of a link.
///
/// # Errors
/// There is none.
pub fn end_session(database: &Database, id: &str, told: Told<'_>) -> Result<()> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    // What is on record is the beginning of the name, as everywhere in the record.
    let short = |hash: Vec<u8>| {
        let hash = SecretHash::from_bytes(&hash);
        hash.map_or_else(String::new, |hash| hash.short())
    };
    let mine = "lower(hex(substr(hash, 1, 16))) = ?1";
    let of_user: Option<(Vec<u8>, i64)> = transaction
        .query_row(
            &format!("DELETE FROM session WHERE {mine} RETURNING hash, user"),
            [id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let object = match of_user {
        Some((hash, user)) => {
            let sql = accounts::select("id = ?1");
            let user = transaction.query_row(&sql, [user], accounts::user_of)?;
            format!("session {} of user {}", short(hash), user.name)
        }
        None => {
            let of_link: Option<(Vec<u8>, String)> = transaction
                .query_row(
                    &format!("DELETE FROM share_session WHERE {mine} RETURNING hash, share"),
                    [id],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let (hash, share) = of_link.ok_or(AccountError::NoSession)?;
            format!("session {} of share {share}", short(hash))
        }
    };
    told(&transaction, &object, "by an administrator")?;
    Ok(transaction.commit()?)
}

/// Ends all sessions of a user; says how many there were.
///
/// # Errors
/// There is no such user.
pub fn end_all(database: &Database, name: &str, told: Told<'_>) -> Result<usize> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let user = target(&transaction, name)?;
    let count = end_sessions(&transaction, user.id)?;
    let object = format!("{count} sessions of {}", object(&user));
    told(&transaction, &object, "by an administrator")?;
    transaction.commit()?;
    Ok(count)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests;
