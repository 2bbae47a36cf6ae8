//! Events of commands that ran while the gateway had the audit file: they wait in the database, and the gateway writes them down.

use rusqlite::{Connection, params};

use super::Login;
use super::database::{Database, DatabaseError};
use crate::audit::event::Event;
use crate::audit::file::AuditError;

/// Leaves an event for the gateway; within the transaction of a change it counts with it or not at all.
///
/// # Errors
/// The database.
pub fn leave(connection: &Connection, event: &Event) -> Result<(), DatabaseError> {
    let text = serde_json::to_string(event).unwrap_or_default();
    connection.execute("INSERT INTO waiting_event (event) VALUES (?1)", [text])?;
    Ok(())
}

fn next(database: &Database) -> Result<Option<(i64, String)>, DatabaseError> {
    use rusqlite::OptionalExtension as _;
    let connection = database.lock();
    let sql = "SELECT id, event FROM waiting_event ORDER BY id LIMIT 1";
    let found = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}

/// Writes down what waits; each is gone from the database once it is on the disk. A crash in between writes it twice, never
/// not at all.
///
/// # Errors
/// The record cannot be written, or the database not be read.
pub fn write_down(login: &Login) -> Result<(), AuditError> {
    let unreadable = |_| AuditError::Write(std::io::ErrorKind::Other);
    while let Some((id, text)) = next(&login.database).map_err(unreadable)? {
        if let Ok(event) = serde_json::from_str::<Event>(&text) {
            login.audit.add_now(event)?;
        }
        let connection = login.database.lock();
        let gone = connection.execute("DELETE FROM waiting_event WHERE id = ?1", params![id]);
        gone.map_err(|_| AuditError::Write(std::io::ErrorKind::Other))?;
    }
    Ok(())
}
