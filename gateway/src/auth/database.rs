//! The database of users, sessions and links. It is written through to the disk: what a client saw succeed is there after a crash.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// Steps from an empty database to the present one; a step that was released never changes.
const MIGRATIONS: [&str; 4] = [
    "
CREATE TABLE user (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    shown TEXT NOT NULL,
    password TEXT,
    roles TEXT NOT NULL,
    sites TEXT NOT NULL,
    referrers TEXT NOT NULL,
    labels TEXT NOT NULL,
    totp BLOB,
    totp_step INTEGER,
    made INTEGER NOT NULL
) STRICT;
CREATE TABLE attempt (
    name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    failures INTEGER NOT NULL,
    wait_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE code (
    user INTEGER REFERENCES user (id) ON DELETE CASCADE,
    hash BLOB NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('first', 'reset', 'recovery')),
    ends INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE passkey (
    user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    id BLOB NOT NULL PRIMARY KEY,
    credential TEXT NOT NULL,
    shown TEXT NOT NULL,
    made INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE session (
    hash BLOB NOT NULL PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    stage TEXT NOT NULL CHECK (stage IN ('second', 'enrol', 'whole')),
    made INTEGER NOT NULL,
    proved INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    totp BLOB,
    emergencies TEXT NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;
CREATE TABLE share (
    id TEXT NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL,
    user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    studies TEXT NOT NULL,
    series TEXT,
    view TEXT,
    may_download INTEGER NOT NULL,
    note TEXT NOT NULL,
    pin TEXT,
    made INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    most_uses INTEGER,
    uses INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    wait_until INTEGER NOT NULL DEFAULT 0,
    is_revoked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX share_user ON share (user);
CREATE TABLE share_session (
    hash BLOB NOT NULL PRIMARY KEY,
    share TEXT NOT NULL REFERENCES share (id) ON DELETE CASCADE,
    ends INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX share_session_share ON share_session (share);
CREATE TABLE waiting_event (id INTEGER PRIMARY KEY, event TEXT NOT NULL) STRICT;
CREATE TABLE passed (one INTEGER PRIMARY KEY CHECK (one = 1), latest INTEGER NOT NULL) STRICT;
CREATE TABLE label (
    source TEXT NOT NULL,
    study TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (source, study, label)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user ON session (user);
",
    "
CREATE TABLE ticket (
    hash BLOB NOT NULL PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    client TEXT NOT NULL,
    context TEXT,
    parent TEXT,
    replaces BLOB,
    ends INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_user ON ticket (user);
ALTER TABLE session ADD COLUMN launched TEXT;
",
    "
ALTER TABLE user ADD COLUMN issuer TEXT;
ALTER TABLE user ADD COLUMN subject TEXT;
ALTER TABLE user ADD COLUMN handle BLOB;
CREATE UNIQUE INDEX user_external ON user (issuer, subject);
CREATE UNIQUE INDEX user_handle ON user (handle);
ALTER TABLE session ADD COLUMN provider_sid TEXT;
CREATE TABLE logout_token (hash BLOB NOT NULL PRIMARY KEY, ends INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_user ON passkey (user);
",
    "
ALTER TABLE user ADD COLUMN locked INTEGER;
ALTER TABLE user ADD COLUMN seen INTEGER;
ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN strong INTEGER NOT NULL DEFAULT 0;
ALTER TABLE share_session ADD COLUMN made INTEGER;
",
];

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// It cannot be opened.
    #[error("the database of users {0} cannot be opened")]
    Open(PathBuf),
    /// It is of a later program.
    #[error("the database of users {0} is of a later version of Sagitta")]
    Later(PathBuf),
    /// SQLite refuses. What it says may hold names: it goes to the log alone.
    #[error("the database of users cannot be used just now")]
    Refused(#[from] rusqlite::Error),
}

/// The database; one writes at a time.
#[derive(Debug)]
pub struct Database(Mutex<Connection>);

impl Database {
    /// Opens it, or makes it, readable by its owner alone.
    ///
    /// # Errors
    /// It cannot be opened, or is of a later version.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let failed = |_| DatabaseError::Open(path.to_owned());
        let mut options = std::fs::OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(failed)?;
        let connection =
            Connection::open(path).map_err(|_| DatabaseError::Open(path.to_owned()))?;
        Self::of(connection, path)
    }

    /// One in memory, for tests.
    ///
    /// # Errors
    /// SQLite refuses.
    #[cfg(test)]
    pub fn in_memory() -> Result<Self, DatabaseError> {
        Self::of(Connection::open_in_memory()?, Path::new(":memory:"))
    }

    /// One whose writes may be lost when the power fails: for tests that write a hundred thousand times.
    ///
    /// # Errors
    /// As [`Database::open`].
    #[cfg(test)]
    pub fn open_without_sync(path: &Path) -> Result<Self, DatabaseError> {
        let database = Self::open(path)?;
        database.lock().execute_batch("PRAGMA synchronous = OFF")?;
        Ok(database)
    }

    fn of(mut connection: Connection, path: &Path) -> Result<Self, DatabaseError> {
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;",
        )?;
        let version: usize =
            connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))? as usize;
        let missing = MIGRATIONS
            .get(version..)
            .ok_or_else(|| DatabaseError::Later(path.to_owned()))?;
        for (step, text) in missing.iter().enumerate() {
            let transaction = connection.transaction()?;
            transaction.execute_batch(text)?;
            transaction.pragma_update(
                None,
                "user_version",
                i64::try_from(version + step + 1).unwrap_or(i64::MAX),
            )?;
            transaction.commit()?;
        }
        Ok(Self(Mutex::new(connection)))
    }

    /// The connection; held for one step of work.
    pub fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic in the middle of a step has rolled back its transaction.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn it_opens_again_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.db");
        for _ in 0..2 {
            let database = Database::open(&path).unwrap();
            let count: u32 = database
                .lock()
                .query_row("SELECT count(*) FROM user", [], |row| row.get(0))
                .unwrap();
            assert_eq!(count, 0);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }

    #[test]
    fn a_database_of_a_later_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.db");
        drop(Database::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let error = Database::open(&path).unwrap_err();
        assert!(matches!(error, DatabaseError::Later(_)), "{error}");
    }
}
