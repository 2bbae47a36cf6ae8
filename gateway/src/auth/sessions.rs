//! Sessions: a secret in a cookie or in a frame's memory, and a row here. They end on the server, whatever a browser keeps.
//!
//! A session that was idle for too long is locked: its user proves who he or she is and goes on. Each step of a login has a
//! secret of its own, so that none that was known before is worth anything after.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::accounts::{self, AccountError, User};
use super::database::Database;
use super::launch::{self, Launched};
use super::secret::{Secret, SecretHash};
use super::totp;

/// How often the time of the last request is written down.
const SEEN_EVERY_S: i64 = 30;
/// How long a login may take from the password to its end.
const LOGIN_S: i64 = 600;
/// How long after a proof a login counts as fresh.
const FRESH_S: i64 = 300;

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Seconds without a request until a session is locked.
    pub idle_s: i64,
    /// Seconds until it ends.
    pub absolute_s: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            idle_s: 15 * 60,
            absolute_s: 12 * 3600,
        }
    }
}

/// How far a login has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The password was right; a second factor is asked for.
    Second,
    /// The password was right; a second factor has to be set up.
    Enrol,
    /// Logged in.
    Whole,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Enrol => "enrol",
            Self::Whole => "whole",
        }
    }

    fn of(name: &str) -> Option<Self> {
        let all = [Self::Second, Self::Enrol, Self::Whole];
        all.into_iter().find(|stage| stage.name() == name)
    }
}

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What is kept of its secret.
    pub hash: SecretHash,
    /// Whose it is.
    pub user: User,
    /// How far its login has come.
    pub stage: Stage,
    /// It was idle for too long: nothing is shown until its user has proved who he or she is.
    pub is_locked: bool,
    /// Its user has done so within the last minutes.
    pub is_fresh: bool,
    /// And has done so with all factors that he or she has: what administrators need.
    pub is_strong: bool,
    /// When it ends, in seconds since 1970.
    pub ends_s: i64,
    /// Studies that were opened in an emergency.
    pub emergencies: BTreeSet<String>,
    /// It is of a frame: how it came about, and what it reaches.
    pub launched: Option<Launched>,
    /// Where its last request came from, as far as that is known.
    pub address: String,
}

type Result<T> = std::result::Result<T, AccountError>;

/// Starts a session of someone whose password was right.
///
/// # Errors
/// The database, or no random numbers.
pub fn start(
    database: &Database,
    user: &User,
    stage: Stage,
    lifetimes: Lifetimes,
    now_s: i64,
) -> Result<Secret> {
    let secret = Secret::new()?;
    let connection = database.lock();
    let start = Start::here(user.id, stage, now_s);
    insert(&connection, &secret, start, lifetimes, now_s)?;
    Ok(secret)
}

/// How a session starts.
pub(super) struct Start<'a> {
    /// Whose it is.
    pub user: i64,
    /// How far the login has come.
    pub stage: Stage,
    /// When its user proved who he or she is, in seconds since 1970.
    pub proved_s: i64,
    /// The session at the provider that it came from.
    pub provider_sid: Option<&'a str>,
}

impl Start<'_> {
    /// By a proof that was given here and now.
    fn here(user: i64, stage: Stage, now_s: i64) -> Self {
        Self {
            user,
            stage,
            proved_s: now_s,
            provider_sid: None,
        }
    }
}

pub(super) fn insert(
    connection: &Connection,
    secret: &Secret,
    start: Start<'_>,
    lifetimes: Lifetimes,
    now_s: i64,
) -> Result<()> {
    refuse_locked(connection, start.user)?;
    let life = match start.stage {
        Stage::Whole => lifetimes.absolute_s,
        Stage::Second | Stage::Enrol => LOGIN_S,
    };
    connection.execute(
        "INSERT INTO session (hash, user, stage, made, proved, strong, seen, ends, provider_sid)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?4, ?6, ?7)",
        params![
            secret.hash().bytes(),
            start.user,
            start.stage.name(),
            now_s,
            start.proved_s,
            now_s + life,
            start.provider_sid
        ],
    )?;
    if start.stage == Stage::Whole {
        forget_failures(connection, start.user)?;
    }
    saw(connection, start.user, now_s)
}

/// Wrong answers before a whole login count for nothing more. A right password alone ends no count: else whoever has it could
/// guess at second factors without end.
fn forget_failures(connection: &Connection, user: i64) -> Result<()> {
    connection.execute(
        "DELETE FROM attempt WHERE name = (SELECT name FROM user WHERE id = ?1)",
        [user],
    )?;
    Ok(())
}

/// Nobody comes in with an account that is locked, whichever way: each session begins here.
fn refuse_locked(connection: &Connection, user: i64) -> Result<()> {
    let sql = "SELECT locked IS NOT NULL FROM user WHERE id = ?1";
    let is_locked: Option<bool> = connection
        .query_row(sql, [user], |row| row.get(0))
        .optional()?;
    match is_locked {
        Some(false) => Ok(()),
        Some(true) => Err(accounts::Refused::Locked.into()),
        None => Err(accounts::Refused::Wrong.into()),
    }
}

/// Someone was here.
fn saw(connection: &Connection, user: i64, now_s: i64) -> Result<()> {
    connection.execute(
        "UPDATE user SET seen = max(coalesce(seen, 0), ?2) WHERE id = ?1",
        [user, now_s],
    )?;
    Ok(())
}

/// What a session had opened in an emergency goes over to the one that takes its place.
pub(super) fn carry_over(connection: &Connection, from: &SecretHash, to: &Secret) -> Result<()> {
    connection.execute(
        "UPDATE session SET emergencies = coalesce((SELECT before.emergencies FROM session AS before
         WHERE before.hash = ?1 AND before.user = session.user), emergencies) WHERE hash = ?2",
        [from.bytes(), to.hash().bytes()],
    )?;
    Ok(())
}

/// Starts the session of a frame. Nobody gave a password for it: it is never fresh, and idle it ends instead of being locked.
///
/// # Errors
/// The database, or no random numbers.
pub fn start_launched(
    database: &Database,
    user: &User,
    launched: &Launched,
    lifetimes: Lifetimes,
    now_s: i64,
) -> Result<Secret> {
    let secret = Secret::new()?;
    let connection = database.lock();
    refuse_locked(&connection, user.id)?;
    connection.execute(
        "INSERT INTO session (hash, user, stage, made, proved, seen, ends, launched) VALUES (?1, ?2, ?3, ?4, 0, ?4, ?5, ?6)",
        params![
            secret.hash().bytes(),
            user.id,
            Stage::Whole.name(),
            now_s,
            now_s + lifetimes.absolute_s,
            launch::json(launched)
        ],
    )?;
    Ok(secret)
}

/// Ends a login: the session gets a new secret, and the old one is worth nothing.
///
/// # Errors
/// The session has ended meanwhile.
pub fn complete(
    database: &Database,
    session: &Session,
    lifetimes: Lifetimes,
    now_s: i64,
) -> Result<Secret> {
    let secret = Secret::new()?;
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let start = Start::here(session.user.id, Stage::Whole, now_s);
    insert(&transaction, &secret, start, lifetimes, now_s)?;
    carry_over(&transaction, &session.hash, &secret)?;
    let gone = transaction.execute(
        "DELETE FROM session WHERE hash = ?1 AND ends > ?2",
        params![session.hash.bytes(), now_s],
    )?;
    if gone != 1 {
        return Err(accounts::Refused::Wrong.into());
    }
    transaction.commit()?;
    Ok(secret)
}

/// The key of the second factor that a session is setting up: the same until it is done.
///
/// # Errors
/// The database, or no random numbers.
pub fn new_totp_key(database: &Database, session: &Session) -> Result<Vec<u8>> {
    let fresh = totp::new_key()?;
    let connection = database.lock();
    Ok(connection.query_row(
        "UPDATE session SET totp = coalesce(totp, ?2) WHERE hash = ?1 RETURNING totp",
        params![session.hash.bytes(), fresh],
        |row| row.get(0),
    )?)
}

/// The session of a secret, where it has not ended. Asking for it is a sign of life, unless it is locked.
///
/// # Errors
/// The database.
pub fn find(
    database: &Database,
    hash: &SecretHash,
    lifetimes: Lifetimes,
    now_s: i64,
) -> Result<Option<Session>> {
    type Row = (i64, String, [i64; 4], String, Option<String>, String);
    let row: Option<Row> = {
        let connection = database.lock();
        connection
            .query_row(
                "SELECT user, stage, proved, strong, seen, ends, emergencies, launched, address FROM session WHERE hash = ?1",
                [hash.bytes()],
                |row| {
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?],
                        row.get(6)?,
                        row.get(7)?,
                        row.get(8)?,
                    ))
                },
            )
            .optional()?
    };
    let Some((user, stage, times, emergencies, launched, address)) = row else {
        return Ok(None);
    };
    let [proved, strong, seen, ends] = times;
    // A clock that was set back makes no session live longer.
    if ends <= now_s || seen > now_s + SEEN_EVERY_S {
        end(database, hash)?;
        return Ok(None);
    }
    let (Some(stage), Some(user)) = (Stage::of(&stage), accounts::by_id(database, user)?) else {
        return Ok(None);
    };
    if user.is_locked {
        return Ok(None);
    }
    let launched: Option<Launched> = match launched {
        None => None,
        Some(text) => match serde_json::from_str(&text) {
            Ok(launched) => Some(launched),
            // What it reaches cannot be told: it reaches nothing.
            Err(_) => return Ok(None),
        },
    };
    let is_locked = stage == Stage::Whole && now_s - seen > lifetimes.idle_s;
    if is_locked && launched.is_some() {
        end(database, hash)?;
        return Ok(None);
    }
    if !is_locked && now_s - seen >= SEEN_EVERY_S {
        let connection = database.lock();
        connection.execute(
            "UPDATE session SET seen = max(seen, ?2) WHERE hash = ?1",
            params![hash.bytes(), now_s],
        )?;
        saw(&connection, user.id, now_s)?;
    }
    Ok(Some(Session {
        hash: *hash,
        user,
        stage,
        is_locked,
        is_fresh: !is_locked && now_s - proved < FRESH_S,
        is_strong: !is_locked && now_s - strong < FRESH_S,
        ends_s: ends,
        emergencies: serde_json::from_str(&emergencies).unwrap_or_default(),
        launched,
        address,
    }))
}

/// Where its last request came from.
///
/// # Errors
/// The database.
pub fn came_from(database: &Database, session: &Session, address: &str) -> Result<()> {
    let connection = database.lock();
    connection.execute(
        "UPDATE session SET address = ?2 WHERE hash = ?1",
        params![session.hash.bytes(), address],
    )?;
    Ok(())
}

/// Its user has proved who he or she is once more, with all factors or with the password alone: it is unlocked, and fresh.
///
/// # Errors
/// The database.
pub fn prove(database: &Database, session: &Session, with_all: bool, now_s: i64) -> Result<()> {
    let connection = database.lock();
    connection.execute(
        "UPDATE session SET proved = ?2, seen = ?2, strong = iif(?3, ?2, strong) WHERE hash = ?1",
        params![session.hash.bytes(), now_s, with_all],
    )?;
    forget_failures(&connection, session.user.id)
}

/// Nobody is there any more: it is locked as if it had been idle.
///
/// # Errors
/// The database.
pub fn lock(
    database: &Database,
    session: &Session,
    lifetimes: Lifetimes,
    now_s: i64,
) -> Result<()> {
    let connection = database.lock();
    connection.execute(
        "UPDATE session SET seen = min(seen, ?2) WHERE hash = ?1",
        params![session.hash.bytes(), now_s - lifetimes.idle_s - 1],
    )?;
    Ok(())
}

/// A study has been opened in an emergency: this session sees it from now on.
///
/// # Errors
/// The database.
pub fn open_in_emergency(database: &Database, session: &Session, study: &str) -> Result<()> {
    let mut emergencies = session.emergencies.clone();
    emergencies.insert(study.to_owned());
    let text = serde_json::to_string(&emergencies).unwrap_or_else(|_| "[]".into());
    let connection = database.lock();
    connection.execute(
        "UPDATE session SET emergencies = ?2 WHERE hash = ?1",
        params![session.hash.bytes(), text],
    )?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// The database.
pub fn end(database: &Database, hash: &SecretHash) -> Result<()> {
    let connection = database.lock();
    connection.execute("DELETE FROM session WHERE hash = ?1", [hash.bytes()])?;
    Ok(())
}

/// Ends all sessions of a user; says how many there were.
///
/// # Errors
/// The database.
pub fn end_all(database: &Database, user: i64) -> Result<usize> {
    let connection = database.lock();
    connection.execute("DELETE FROM ticket WHERE user = ?1", [user])?;
    Ok(connection.execute("DELETE FROM session WHERE user = ?1", [user])?)
}

/// How many sessions live.
///
/// # Errors
/// The database.
pub fn count(database: &Database, now_s: i64) -> Result<i64> {
    let connection = database.lock();
    let count = "SELECT count(*) FROM session WHERE ends > ?1";
    Ok(connection.query_row(count, [now_s], |row| row.get(0))?)
}

/// Forgets sessions that have ended by their time.
///
/// # Errors
/// The database.
pub fn forget_ended(database: &Database, now_s: i64) -> Result<usize> {
    let connection = database.lock();
    Ok(connection.execute("DELETE FROM session WHERE ends <= ?1", [now_s])?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::super::admin::{self, Change};
    use super::super::policy::Role;
    use super::*;

    const LIFE: Lifetimes = Lifetimes {
        idle_s: 900,
        absolute_s: 43_200,
    };

    fn ada(database: &Database) -> User {
        let roles = BTreeSet::from([Role::Radiologist]);
        accounts::add(database, "ada", "Ada Example", &roles, 0).unwrap();
        accounts::list(database).unwrap().remove(0)
    }

    fn seen(database: &Database, secret: &Secret, now_s: i64) -> Option<Session> {
        find(database, &secret.hash(), LIFE, now_s).unwrap()
    }

    #[test]
    fn t18_an_idle_session_is_locked_goes_on_after_a_proof_and_ends_in_time() {
        let database = Database::in_memory().unwrap();
        let user = ada(&database);
        let secret = start(&database, &user, Stage::Whole, LIFE, 1000).unwrap();
        assert!(seen(&database, &secret, 1001).unwrap().is_fresh);
        // Requests keep it open.
        let mut now = 1001;
        for _ in 0..40 {
            now += 850;
            let session = seen(&database, &secret, now).unwrap();
            assert!(!session.is_locked && !session.is_fresh, "{now}");
        }
        // Asking for a locked one does not open it.
        now += 901;
        for _ in 0..3 {
            assert!(seen(&database, &secret, now).unwrap().is_locked);
            now += 1;
        }
        let session = seen(&database, &secret, now).unwrap();
        prove(&database, &session, false, now).unwrap();
        let session = seen(&database, &secret, now + 1).unwrap();
        assert!(!session.is_locked && session.is_fresh && !session.is_strong);
        prove(&database, &session, true, now).unwrap();
        assert!(seen(&database, &secret, now + 1).unwrap().is_strong);
        assert_eq!(session.ends_s, 1000 + 43_200);
        assert!(seen(&database, &secret, 1000 + 43_200).is_none());
        assert!(seen(&database, &secret, now + 2).is_none(), "it has ended");
    }

    #[test]
    fn each_step_of_a_login_has_its_own_secret() {
        let database = Database::in_memory().unwrap();
        let user = ada(&database);
        let first = start(&database, &user, Stage::Second, LIFE, 1000).unwrap();
        let session = seen(&database, &first, 1100).unwrap();
        assert_eq!(session.stage, Stage::Second);
        let second = complete(&database, &session, LIFE, 1100).unwrap();
        assert!(seen(&database, &first, 1101).is_none());
        assert_eq!(seen(&database, &second, 1101).unwrap().stage, Stage::Whole);
        // Nobody completes it twice.
        assert!(complete(&database, &session, LIFE, 1101).is_err());
        // A login that takes too long begins anew.
        let slow = start(&database, &user, Stage::Second, LIFE, 2000).unwrap();
        assert!(seen(&database, &slow, 2000 + LOGIN_S).is_none());
    }

    #[test]
    fn sessions_end_everywhere_at_once_and_with_other_roles() {
        let database = Database::in_memory().unwrap();
        let user = ada(&database);
        let make = || start(&database, &user, Stage::Whole, LIFE, 1000).unwrap();
        let (one, two) = (make(), make());
        end(&database, &one.hash()).unwrap();
        assert!(seen(&database, &one, 1001).is_none());
        assert!(seen(&database, &two, 1001).is_some());
        assert_eq!(end_all(&database, user.id).unwrap(), 1);
        assert!(seen(&database, &two, 1001).is_none());
        let three = make();
        let roles = BTreeSet::from([Role::Auditor]);
        let change = Change {
            roles: Some(roles),
            ..Change::default()
        };
        admin::change(&database, "ada", &change, &|_, _, _| Ok(())).unwrap();
        assert!(seen(&database, &three, 1001).is_none());
        make();
        assert_eq!(forget_ended(&database, 1000 + 43_200).unwrap(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_sessions() {
        let database = Database::in_memory().unwrap();
        let user = ada(&database);
        let secret = start(&database, &user, Stage::Whole, LIFE, 100_000).unwrap();
        assert!(seen(&database, &secret, 99_990).is_some());
        assert!(seen(&database, &secret, 50_000).is_none());
        assert!(seen(&database, &secret, 100_001).is_none());
    }

    #[test]
    fn a_study_that_was_opened_in_an_emergency_is_of_that_session_alone() {
        let database = Database::in_memory().unwrap();
        let user = ada(&database);
        let make = || start(&database, &user, Stage::Whole, LIFE, 1000).unwrap();
        let (one, two) = (make(), make());
        let session = seen(&database, &one, 1001).unwrap();
        open_in_emergency(&database, &session, "1.2.3").unwrap();
        assert!(
            seen(&database, &one, 1002)
                .unwrap()
                .emergencies
                .contains("1.2.3")
        );
        assert!(seen(&database, &two, 1002).unwrap().emergencies.is_empty());
    }
}
