//! Users and how they prove who they are: a name and a password, then a second factor.
//!
//! Nothing here says who exists: a wrong name and a wrong password look alike, and take as long.

mod attempts;

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(super) use attempts::MOST_FAILURES;
use attempts::{refuse_early, try_answer, try_one};

use super::database::{Database, DatabaseError};
use super::password;
use super::policy::Role;
use super::secret::{self, NoRandom, SecretHash};
use super::totp;
use crate::audit::file::AuditError;

/// How long a code for the first login or after a reset may be used.
pub const CODE_S: i64 = 24 * 3600;
/// Recovery codes of a user.
const RECOVERY_CODES: usize = 10;

/// A user as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Key.
    pub id: i64,
    /// User name.
    pub name: String,
    /// Name on screen.
    pub shown: String,
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// Sources of the user's own site; `*` stands for all.
    pub sites: BTreeSet<String>,
    /// Names under which the user refers patients, in lower case.
    pub referrers: BTreeSet<String>,
    /// Labels of studies that were given to the user.
    pub labels: BTreeSet<String>,
    /// A password is set.
    pub has_password: bool,
    /// A second factor by time is set up.
    pub has_totp: bool,
    /// There is a passkey.
    pub has_passkey: bool,
    /// The user logs in at a provider, and has no password here.
    pub is_external: bool,
    /// An administrator has locked the account: nobody comes in with it.
    pub is_locked: bool,
}

/// Why someone is not let in. None of it says whether a user exists: names that do not exist wait and are locked, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Name, password or code.
    #[error("user name, password or code is wrong")]
    Wrong,
    /// Too soon after a wrong answer.
    #[error("too many tries: wait {0} s")]
    Wait(i64),
    /// Too many wrong answers, or locked by an administrator.
    #[error("this account is locked: an administrator can open it again")]
    Locked,
}

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Not let in.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The new password is not taken.
    #[error(transparent)]
    Password(#[from] password::Refused),
    /// The name is taken, or is none.
    #[error(
        "a user name has 1 to 64 letters, digits, dots, hyphens, underscores or @, and is not in use"
    )]
    Name,
    /// No such user.
    #[error("there is no user {0}")]
    Unknown(String),
    /// A role that there is not.
    #[error("there is no role {0}")]
    Role(String),
    /// A source that there is not.
    #[error("there is no source {0}")]
    Site(String),
    /// A name or a label that is none.
    #[error("{0}")]
    Text(&'static str),
    /// The last administrator stays one.
    #[error("this is the only administrator who can log in")]
    LastAdmin,
    /// Nobody grants himself anything.
    #[error("nobody changes an account of his own: another administrator can")]
    Own,
    /// Whoever asked for it has been logged out meanwhile.
    #[error("your session has ended")]
    Ended,
    /// A session that has ended, or never was.
    #[error("there is no such session")]
    NoSession,
    /// A user of a provider: password, second factor and rights are there.
    #[error("this user logs in at the provider, where password and rights are kept")]
    External,
    /// A passkey that cannot be used, or has not been used as it should.
    #[error("{0}")]
    Passkey(&'static str),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// It cannot be put on record, so it is not done.
    #[error(transparent)]
    Unrecorded(#[from] AuditError),
}

impl From<rusqlite::Error> for AccountError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

type Result<T> = std::result::Result<T, AccountError>;

/// What someone may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights {
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// Sources of the user's own site; `*` stands for all.
    pub sites: BTreeSet<String>,
    /// Names under which the user refers patients, as searches compare them.
    pub referrers: BTreeSet<String>,
    /// Labels of studies that are given to the user.
    pub labels: BTreeSet<String>,
}

/// What is done in the same step as a change and before it counts: putting it on record. Where it fails, nothing changes.
pub type Record<'a> = &'a dyn Fn(&Connection) -> Result<()>;

/// Whether there is anyone. Without, a code for the first administrator is made.
pub fn is_empty(database: &Database) -> Result<bool> {
    let connection = database.lock();
    let found: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM user)", [], |row| row.get(0))?;
    Ok(!found)
}

/// Makes a user of the gateway's own site who has no password yet; gives the code by which he or she sets one.
///
/// # Errors
/// The name is taken or none.
pub fn add(
    database: &Database,
    name: &str,
    shown: &str,
    roles: &BTreeSet<Role>,
    now_s: i64,
) -> Result<String> {
    let rights = Rights {
        roles: roles.clone(),
        sites: [crate::state::LOCAL.to_owned()].into(),
        ..Rights::default()
    };
    add_on_record(database, name, shown, &rights, now_s, &|_| Ok(()))
}

/// As [`add`], with any rights, and on record.
///
/// # Errors
/// As [`add`], or there is no record.
pub fn add_on_record(
    database: &Database,
    name: &str,
    shown: &str,
    rights: &Rights,
    now_s: i64,
    record: Record<'_>,
) -> Result<String> {
    let is_name = |name: &str| {
        (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_@".contains(&byte))
    };
    if !is_name(name) {
        return Err(AccountError::Name);
    }
    let code = secret::typed_code(5)?;
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let added = transaction.execute(
        "INSERT OR IGNORE INTO user (name, shown, roles, sites, referrers, labels, made)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            name,
            shown,
            role_names(&rights.roles),
            list_text(&rights.sites),
            list_text(&rights.referrers),
            list_text(&rights.labels),
            now_s
        ],
    )?;
    if added == 0 {
        return Err(AccountError::Name);
    }
    let user = transaction.last_insert_rowid();
    keep_code(&transaction, user, &code, "first", Some(now_s + CODE_S))?;
    record(&transaction)?;
    transaction.commit()?;
    Ok(code)
}

/// Gives a user a new code; password, second factor and passkeys are gone, and so are all sessions.
///
/// # Errors
/// There is no such user.
pub fn reset(database: &Database, name: &str, now_s: i64) -> Result<String> {
    reset_on_record(database, name, now_s, &|_| Ok(()))
}

/// As [`reset`], on record.
///
/// # Errors
/// As [`reset`], or there is no record.
pub fn reset_on_record(
    database: &Database,
    name: &str,
    now_s: i64,
    record: Record<'_>,
) -> Result<String> {
    let code = secret::typed_code(5)?;
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let user = find(&transaction, name)?.ok_or_else(|| AccountError::Unknown(name.to_owned()))?;
    if user.is_external {
        return Err(AccountError::External);
    }
    transaction.execute(
        "UPDATE user SET password = NULL, totp = NULL, totp_step = NULL WHERE id = ?1",
        [user.id],
    )?;
    transaction.execute("DELETE FROM attempt WHERE name = ?1", [name])?;
    for table in ["code", "passkey", "session"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE user = ?1"), [user.id])?;
    }
    keep_code(&transaction, user.id, &code, "reset", Some(now_s + CODE_S))?;
    record(&transaction)?;
    transaction.commit()?;
    Ok(code)
}

/// All users by name.
///
/// # Errors
/// The database.
pub fn list(database: &Database) -> Result<Vec<User>> {
    all(&database.lock())
}

/// The user of a key.
///
/// # Errors
/// The database.
pub fn by_id(database: &Database, id: i64) -> Result<Option<User>> {
    let connection = database.lock();
    let sql = select("id = ?1");
    Ok(connection.query_row(&sql, [id], user_of).optional()?)
}

/// The user of a name.
///
/// # Errors
/// The database.
pub fn by_name(database: &Database, name: &str) -> Result<Option<User>> {
    find(&database.lock(), name)
}

/// Sets the first password, by the code that was given for it.
///
/// # Errors
/// The code is wrong or too old, or the password is not taken.
pub fn set_password(
    database: &Database,
    name: &str,
    code: &str,
    new: &str,
    now_s: i64,
) -> Result<User> {
    let user = try_answer(database, name, now_s, |connection, user| {
        let Some(user) = user else { return Ok(false) };
        let mut found = connection.prepare(
            "SELECT hash FROM code WHERE user = ?1 AND purpose IN ('first', 'reset') AND ends > ?2",
        )?;
        let given = code_hash(code);
        let hashes = found.query_map(params![user.id, now_s], |row| row.get::<_, Vec<u8>>(0))?;
        let hashes = hashes.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(is_among(&hashes, &given))
    })?;
    let hash = password::hash(new, &user.name)?;
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    transaction.execute(
        "UPDATE user SET password = ?2 WHERE id = ?1",
        params![user.id, hash],
    )?;
    transaction.execute(
        "DELETE FROM code WHERE user = ?1 AND purpose IN ('first', 'reset')",
        [user.id],
    )?;
    transaction.commit()?;
    Ok(user)
}

/// Whether name and password belong together.
///
/// # Errors
/// They do not, or it is too soon.
pub fn check_password(database: &Database, name: &str, given: &str, now_s: i64) -> Result<User> {
    let hash: Option<String> = {
        let connection = database.lock();
        connection
            .query_row("SELECT password FROM user WHERE name = ?1", [name], |row| {
                row.get(0)
            })
            .optional()?
            .flatten()
    };
    // Whoever waits is told so before the costly part: nobody may keep all cores busy.
    refuse_early(database, name, now_s)?;
    let is_right = password::is_right(given, hash.as_deref());
    try_one(database, name, now_s, false, |_, user| {
        Ok(is_right && user.is_some())
    })
}

/// Whether a code by time or a recovery code is right.
///
/// # Errors
/// As [`check_totp`] and [`check_recovery`].
pub fn check_second(database: &Database, user: &User, code: &str, now_s: i64) -> Result<()> {
    let digits = code.chars().filter(char::is_ascii_alphanumeric);
    if digits.clone().count() == 6 && digits.clone().all(|it| it.is_ascii_digit()) {
        check_totp(database, user, code, now_s)
    } else {
        check_recovery(database, user, code, now_s)
    }
}

/// Whether a code by time is right; it is taken once.
///
/// # Errors
/// It is not, or it is too soon.
pub fn check_totp(database: &Database, user: &User, code: &str, now_s: i64) -> Result<()> {
    try_answer(database, &user.name, now_s, |connection, user| {
        let Some(user) = user else { return Ok(false) };
        let (key, last): (Option<Vec<u8>>, Option<i64>) = connection.query_row(
            "SELECT totp, totp_step FROM user WHERE id = ?1",
            [user.id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let now = u64::try_from(now_s).unwrap_or(0);
        let last = last.and_then(|it| u64::try_from(it).ok());
        let Some(step) = key.and_then(|key| totp::step_of(&key, code, now, last)) else {
            return Ok(false);
        };
        connection.execute(
            "UPDATE user SET totp_step = ?2 WHERE id = ?1",
            params![user.id, i64::try_from(step).unwrap_or(i64::MAX)],
        )?;
        Ok(true)
    })?;
    Ok(())
}

/// Whether a recovery code is right; it is gone then.
///
/// # Errors
/// It is not, or it is too soon.
pub fn check_recovery(database: &Database, user: &User, code: &str, now_s: i64) -> Result<()> {
    try_answer(database, &user.name, now_s, |connection, user| {
        let Some(user) = user else { return Ok(false) };
        let gone = connection.execute(
            "DELETE FROM code WHERE user = ?1 AND purpose = 'recovery' AND hash = ?2",
            params![user.id, code_hash(code).bytes()],
        )?;
        Ok(gone == 1)
    })?;
    Ok(())
}

/// Sets a second factor up, once a code of its key was right; gives fresh recovery codes.
///
/// # Errors
/// The code is not of the key.
pub fn set_totp(
    database: &Database,
    user: &User,
    key: &[u8],
    code: &str,
    now_s: i64,
) -> Result<Vec<String>> {
    let now = u64::try_from(now_s).unwrap_or(0);
    let step = totp::step_of(key, code, now, None).ok_or(Refused::Wrong)?;
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    transaction.execute(
        "UPDATE user SET totp = ?2, totp_step = ?3 WHERE id = ?1",
        params![user.id, key, i64::try_from(step).unwrap_or(i64::MAX)],
    )?;
    let codes = new_recovery_codes(&transaction, user.id)?;
    transaction.commit()?;
    Ok(codes)
}

/// Gives a user fresh recovery codes; older ones open nothing.
///
/// # Errors
/// The database, or no random numbers.
pub fn renew_recovery(database: &Database, user: &User) -> Result<Vec<String>> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let codes = new_recovery_codes(&transaction, user.id)?;
    transaction.commit()?;
    Ok(codes)
}

fn new_recovery_codes(connection: &Connection, user: i64) -> Result<Vec<String>> {
    let codes: Vec<String> = (0..RECOVERY_CODES)
        .map(|_| secret::typed_code(3))
        .collect::<std::result::Result<_, _>>()?;
    connection.execute(
        "DELETE FROM code WHERE user = ?1 AND purpose = 'recovery'",
        [user],
    )?;
    for code in &codes {
        keep_code(connection, user, code, "recovery", None)?;
    }
    Ok(codes)
}

fn keep_code(
    connection: &Connection,
    user: i64,
    code: &str,
    purpose: &str,
    ends_s: Option<i64>,
) -> Result<()> {
    connection.execute(
        "INSERT INTO code (user, hash, purpose, ends) VALUES (?1, ?2, ?3, ?4)",
        params![user, code_hash(code).bytes(), purpose, ends_s],
    )?;
    Ok(())
}

fn code_hash(code: &str) -> SecretHash {
    SecretHash::of(secret::normalized(code).as_bytes())
}

fn is_among(hashes: &[Vec<u8>], given: &SecretHash) -> bool {
    // All are compared: how long it takes tells nothing.
    let known = hashes.iter().filter_map(|it| SecretHash::from_bytes(it));
    known.filter(|it| it.is(given)).count() > 0
}

/// The query of users, for [`user_of`].
pub(super) fn select(which: &str) -> String {
    format!(
        "SELECT id, name, shown, roles, sites, referrers, labels, password IS NOT NULL, totp IS NOT NULL,
         EXISTS (SELECT 1 FROM passkey WHERE passkey.user = user.id), issuer IS NOT NULL,
         locked IS NOT NULL FROM user WHERE {which}"
    )
}

pub(super) fn find(connection: &Connection, name: &str) -> Result<Option<User>> {
    let sql = select("name = ?1");
    Ok(connection.query_row(&sql, [name], user_of).optional()?)
}

pub(super) fn all(connection: &Connection) -> Result<Vec<User>> {
    let mut found = connection.prepare(&select("true ORDER BY name"))?;
    let users = found.query_map([], user_of)?;
    Ok(users.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn user_of(row: &Row<'_>) -> rusqlite::Result<User> {
    let texts = |index: usize| -> rusqlite::Result<BTreeSet<String>> {
        let text: String = row.get(index)?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    };
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        shown: row.get(2)?,
        roles: texts(3)?.iter().filter_map(|name| Role::of(name)).collect(),
        sites: texts(4)?,
        referrers: texts(5)?,
        labels: texts(6)?,
        has_password: row.get(7)?,
        has_totp: row.get(8)?,
        has_passkey: row.get(9)?,
        is_external: row.get(10)?,
        is_locked: row.get(11)?,
    })
}

pub(super) fn role_names(roles: &BTreeSet<Role>) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    serde_json::to_string(&names).unwrap_or_else(|_| "[]".into())
}

/// Texts as the database has them.
pub(super) fn list_text(texts: &BTreeSet<String>) -> String {
    serde_json::to_string(texts).unwrap_or_else(|_| "[]".into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests;
