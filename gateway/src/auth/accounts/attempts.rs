//! Answers of people who say to be a user: counted, slowed down, and in the end refused.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Database, Refused, Result, User, find};

/// Wrong answers in a row that cost nothing but the time of an argon2id.
pub(super) const FREE_FAILURES: u32 = 3;
/// Wrong answers in a row after which an account takes no more until an administrator resets it.
pub(in crate::auth) const MOST_FAILURES: u32 = 20;
/// Longest time to wait after a wrong answer.
const LONGEST_WAIT_S: i64 = 900;
/// Names that are remembered because someone tried them.
const MOST_ATTEMPTS: u32 = 10_000;

/// One answer that ends the count of wrong ones when it is right.
pub(super) fn try_answer(
    database: &Database,
    name: &str,
    now_s: i64,
    is_right: impl FnOnce(&Connection, Option<&User>) -> Result<bool>,
) -> Result<User> {
    try_one(database, name, now_s, true, is_right)
}

/// One answer of someone who says to be a user: counted, slowed down, and in the end locked out.
pub(super) fn try_one(
    database: &Database,
    name: &str,
    now_s: i64,
    ends_count: bool,
    is_right: impl FnOnce(&Connection, Option<&User>) -> Result<bool>,
) -> Result<User> {
    refuse_early(database, name, now_s)?;
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let user = find(&transaction, name)?;
    let right = is_right(&transaction, user.as_ref())?;
    if let Some(user) = user.filter(|_| right) {
        // Only whoever has the right answer hears of the lock.
        if user.is_locked {
            return Err(Refused::Locked.into());
        }
        if ends_count {
            transaction.execute("DELETE FROM attempt WHERE name = ?1", [name])?;
        }
        transaction.commit()?;
        return Ok(user);
    }
    let failures: u32 = transaction.query_row(
        "INSERT INTO attempt (name, failures, wait_until) VALUES (?1, 1, 0)
         ON CONFLICT (name) DO UPDATE SET failures = failures + 1 RETURNING failures",
        [name],
        |row| row.get(0),
    )?;
    transaction.execute(
        "UPDATE attempt SET wait_until = ?2 WHERE name = ?1",
        params![name, now_s + wait_s(failures)],
    )?;
    forget_old_attempts(&transaction, now_s)?;
    transaction.commit()?;
    Err(if failures >= MOST_FAILURES {
        Refused::Locked.into()
    } else {
        Refused::Wrong.into()
    })
}

/// Names that nobody has are kept for a day, and so many at most.
fn forget_old_attempts(connection: &Connection, now_s: i64) -> Result<()> {
    connection.execute(
        "DELETE FROM attempt WHERE name NOT IN (SELECT name FROM user) AND (wait_until < ?1 OR name IN
         (SELECT name FROM attempt ORDER BY wait_until DESC LIMIT -1 OFFSET ?2))",
        params![now_s - 24 * 3600, MOST_ATTEMPTS],
    )?;
    Ok(())
}

/// Seconds to wait after so many wrong answers in a row.
fn wait_s(failures: u32) -> i64 {
    let doublings = failures.saturating_sub(FREE_FAILURES);
    if doublings == 0 {
        return 0;
    }
    (1_i64 << doublings.min(20)).min(LONGEST_WAIT_S)
}

pub(super) fn refuse_early(database: &Database, name: &str, now_s: i64) -> Result<()> {
    let connection = database.lock();
    let found: Option<(u32, i64)> = connection
        .query_row(
            "SELECT failures, wait_until FROM attempt WHERE name = ?1",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match found {
        Some((failures, _)) if failures >= MOST_FAILURES => Err(Refused::Locked.into()),
        Some((_, until)) if until > now_s => Err(Refused::Wait(until - now_s).into()),
        _ => Ok(()),
    }
}
