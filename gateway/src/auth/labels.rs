//! Labels of studies, by which they are given to someone who would not see them otherwise.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use super::database::{Database, DatabaseError};

/// Labels of a study.
pub fn of(
    database: &Database,
    source: &str,
    study: &str,
) -> Result<BTreeSet<String>, DatabaseError> {
    let connection = database.lock();
    let mut found =
        connection.prepare_cached("SELECT label FROM label WHERE source = ?1 AND study = ?2")?;
    let labels = found.query_map([source, study], |row| row.get(0))?;
    Ok(labels.collect::<rusqlite::Result<_>>()?)
}

/// All studies of a source that have labels.
pub fn all(
    database: &Database,
    source: &str,
) -> Result<Vec<(String, BTreeSet<String>)>, DatabaseError> {
    let connection = database.lock();
    let mut found =
        connection.prepare_cached("SELECT study, label FROM label WHERE source = ?1")?;
    let rows = found.query_map([source], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let (study, label) = row?;
        all.entry(study).or_default().insert(label);
    }
    Ok(all.into_iter().collect())
}

/// Gives a study these labels and no others.
pub fn set(
    database: &Database,
    source: &str,
    study: &str,
    labels: &BTreeSet<String>,
) -> Result<(), DatabaseError> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    transaction.execute(
        "DELETE FROM label WHERE source = ?1 AND study = ?2",
        [source, study],
    )?;
    for label in labels {
        transaction.execute(
            "INSERT INTO label (source, study, label) VALUES (?1, ?2, ?3)",
            params![source, study, label],
        )?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn labels_are_of_a_study_at_a_source() {
        let database = Database::in_memory().unwrap();
        let labels = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        set(&database, "local", "1.2", &labels).unwrap();
        set(&database, "north", "1.2", &BTreeSet::from(["c".to_owned()])).unwrap();
        assert_eq!(of(&database, "local", "1.2").unwrap(), labels);
        assert_eq!(
            all(&database, "local").unwrap(),
            [("1.2".to_owned(), labels)]
        );
        set(&database, "local", "1.2", &BTreeSet::new()).unwrap();
        assert_eq!(all(&database, "local").unwrap(), []);
    }
}
