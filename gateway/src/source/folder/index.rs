//! The index on disk: SQLite, one row a file, and what studies and series add up to.
//!
//! One writer (the indexer's thread) and any number of readers. A file is current unless a later
//! one has the same study, series and instance UID, and in use unless a note rejects it (`rejection`).
//! The index may be deleted at any time; it is rebuilt from the files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::dicomweb::json::Dataset;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _, Transaction, params, params_from_iter,
};
use serde_json::{Map, Value};

use super::compact;
use super::entry::{self, Entry};
use super::levels::{insert_series, insert_study, remove_study};
use super::rejection;
use super::search::{Counts, matching};
use super::walk::Listed;

/// Raised with every change of the tables: an index of another version is rebuilt.
const VERSION: i64 = 5;
/// The version whose tables are brought to those of this one: its files need not be read again.
const VERSION_BEFORE: i64 = 4;

/// What this version has beside the tables of the one before.
const NEWS: &str = "
    DROP TABLE IF EXISTS bases; DROP TABLE IF EXISTS folders;
    ALTER TABLE files ADD COLUMN base INTEGER;
    CREATE INDEX files_by_path ON files (path, size, modified_ns);
    CREATE TABLE bases (
        id INTEGER PRIMARY KEY AUTOINCREMENT, study TEXT NOT NULL, series TEXT NOT NULL,
        text BLOB NOT NULL, UNIQUE (study, series));
    CREATE TABLE folders (path BLOB PRIMARY KEY, device INTEGER, number INTEGER) WITHOUT ROWID;";

const SCHEMA: &str = "
    CREATE TABLE files (
        id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL, reason TEXT, current INTEGER NOT NULL DEFAULT 0,
        study TEXT, series TEXT, sop TEXT, sop_class TEXT, number INTEGER,
        frame_count INTEGER, frame_bits INTEGER, bits_allocated INTEGER, transfer_syntax TEXT,
        pixel_tag INTEGER, pixel_vr TEXT, pixel_offset INTEGER, pixel_length INTEGER,
        modality TEXT, metadata BLOB);
    CREATE INDEX files_by_uid ON files (study, series, sop, current, modality);
    CREATE INDEX files_by_sop ON files (sop);
    CREATE TABLE studies (
        id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
        patient_id TEXT NOT NULL, issuer TEXT NOT NULL, birth_date TEXT NOT NULL,
        sex TEXT NOT NULL, accession TEXT NOT NULL, study_id TEXT NOT NULL, date TEXT NOT NULL,
        time TEXT NOT NULL, description TEXT NOT NULL, referring TEXT NOT NULL,
        modalities TEXT NOT NULL DEFAULT '', series_count INTEGER NOT NULL DEFAULT 0,
        instance_count INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX studies_by_date ON studies (date DESC, time DESC, uid, modalities, referring);
    CREATE INDEX studies_by_name ON studies (name);
    CREATE INDEX studies_by_patient ON studies (patient_id);
    CREATE INDEX studies_by_accession ON studies (accession);
    CREATE INDEX studies_by_referring ON studies (referring);
    CREATE TABLE study_sets (id INTEGER PRIMARY KEY, attributes TEXT NOT NULL);
    CREATE VIRTUAL TABLE study_text USING fts5 (
        name, patient_id, accession, study_id, description, referring,
        content = '', contentless_delete = 1, tokenize = 'trigram');
    CREATE TABLE series (
        study TEXT, uid TEXT, modality TEXT, number INTEGER, description TEXT, body_part TEXT,
        date TEXT, time TEXT, laterality TEXT, protocol TEXT, manufacturer TEXT, model TEXT,
        institution TEXT, department TEXT, station TEXT, performing TEXT, operators TEXT,
        step_date TEXT, step_time TEXT, requests TEXT,
        instance_count INTEGER NOT NULL DEFAULT 0, frame_count INTEGER NOT NULL DEFAULT 0,
        attributes TEXT NOT NULL, PRIMARY KEY (study, uid)) WITHOUT ROWID;
    CREATE INDEX series_by_uid ON series (uid);";

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// SQLite says no.
    #[error("the index cannot be used ({})", sqlite_code(.0))]
    Database(#[from] rusqlite::Error),
    /// A stored metadata blob does not inflate.
    #[error("the index is damaged")]
    Damaged,
}

/// What SQLite has to say, without its words: they may hold text of a query or a file.
fn sqlite_code(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(code) => format!("{code:?}"),
        None => "a row is not as it should be".to_owned(),
    }
}

/// What is to be kept of a file.
pub enum Finding {
    /// An instance.
    Instance(Box<Entry>),
    /// DICOM that cannot be taken, and why.
    Refused(String),
    /// Not DICOM, or a DICOMDIR: passed over in silence.
    Ignored,
}

/// A file that the index knows, as the folder listed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Bytes.
    pub size: u64,
    /// Last change, in ns since 1970.
    pub modified_ns: i64,
}

/// A row of files that the index knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Its path, as bytes: they are ordered by it.
    pub path: Vec<u8>,
    /// Higher than those of all rows that were written before.
    pub id: i64,
    /// As it was listed.
    pub known: Known,
}

/// The index and its readers.
pub struct Index {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    /// How many match what was asked for, until the next change.
    pub counts: Counts,
}

impl Index {
    /// Opens or makes the index; one that is damaged is made again.
    pub fn open(path: &Path) -> Result<(Self, Writer), IndexError> {
        let connection = prepared(path).or_else(|error| {
            if !is_damage(&error) {
                return Err(error);
            }
            for suffix in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                // What is not there need not be removed, and what cannot be is an error just after.
                let _ = std::fs::remove_file(PathBuf::from(name));
            }
            prepared(path)
        })?;
        let index = Self {
            path: path.to_owned(),
            readers: Mutex::new(Vec::new()),
            counts: Counts::default(),
        };
        let changes = index.counts.changes();
        let writer = Writer {
            connection,
            changes,
        };
        Ok((index, writer))
    }

    /// Runs a read on a connection of its own.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let idle = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        let result = work(&connection);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < 16 {
            readers.push(connection);
        }
        result
    }

    /// Another connection that changes the index: SQLite lets one after the other.
    pub fn writer(&self) -> Result<Writer, IndexError> {
        let connection = connect(&self.path)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let changes = self.counts.changes();
        Ok(Writer {
            connection,
            changes,
        })
    }

    /// Files that were refused, and why.
    pub fn refused(&self) -> Result<Vec<(PathBuf, String)>, IndexError> {
        self.read(|connection| {
            let sql = "SELECT path, reason FROM files WHERE reason IS NOT NULL ORDER BY path";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                Ok((path_from_bytes(row.get(0)?), row.get::<_, String>(1)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// A connection to an index with the tables of this version.
fn prepared(path: &Path) -> Result<Connection, IndexError> {
    let connection = connect(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let version = || connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    if version()? == VERSION {
        return Ok(connection);
    }
    // Whoever else has opened it meanwhile is waited for.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let steps = match version()? {
        VERSION => String::new(),
        VERSION_BEFORE => NEWS.to_owned(),
        _ => format!(
            "DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS studies;
             DROP TABLE IF EXISTS series; DROP TABLE IF EXISTS study_sets;
             DROP TABLE IF EXISTS study_text; DROP TABLE IF EXISTS bases;
             DROP TABLE IF EXISTS folders; DROP TABLE IF EXISTS rejections;
             {SCHEMA} {} {NEWS}",
            rejection::SCHEMA
        ),
    };
    connection.execute_batch(&format!("{steps} PRAGMA user_version = {VERSION}; COMMIT;"))?;
    Ok(connection)
}

fn is_damage(error: &IndexError) -> bool {
    let code = match error {
        IndexError::Database(error) => error.sqlite_error_code(),
        IndexError::Damaged => return true,
    };
    matches!(
        code,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}

fn connect(path: &Path) -> Result<Connection, IndexError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // 8 MiB: what pages of a list and their filters look at again and again.
    connection.pragma_update(None, "cache_size", -8192)?;
    // An index of all files, made for one search, takes longer than any search.
    connection.pragma_update(None, "automatic_index", false)?;
    matching::register(&connection)?;
    Ok(connection)
}

/// The one connection that changes the index.
pub struct Writer {
    connection: Connection,
    /// Raised after each change.
    changes: Arc<AtomicU64>,
}

impl Writer {
    /// The next files that the index knows, by their paths.
    pub fn known_after(&self, path: &[u8], most: usize) -> Result<Vec<KnownFile>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT path, id, size, modified_ns FROM files INDEXED BY files_by_path
             WHERE path > ?1 ORDER BY path LIMIT ?2",
        )?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![path, most], |row| {
            Ok(KnownFile {
                path: row.get(0)?,
                id: row.get(1)?,
                known: Known {
                    size: unsigned(row.get(2)?),
                    modified_ns: row.get(3)?,
                },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the index knows of a file.
    pub fn known_at(&self, path: &Path) -> Result<Option<Known>, IndexError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT size, modified_ns FROM files WHERE path = ?1")?;
        let known = statement.query_row([path_bytes(path)], |row| {
            Ok(Known {
                size: unsigned(row.get(0)?),
                modified_ns: row.get(1)?,
            })
        });
        Ok(known.optional()?)
    }

    /// The row of the file that was written last.
    pub fn newest(&self) -> Result<i64, IndexError> {
        let sql = "SELECT coalesce(max(id), 0) FROM files";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Which folder it was, among all, when it was last seen with something in it.
    pub fn identity(&self, folder: &Path) -> Result<Option<[i64; 2]>, IndexError> {
        let sql = "SELECT device, number FROM folders WHERE path = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row([path_bytes(folder)], |row| Ok([row.get(0)?, row.get(1)?]));
        Ok(found.optional()?)
    }

    /// Remembers which folder it is.
    pub fn set_identity(&self, folder: &Path, identity: [i64; 2]) -> Result<(), IndexError> {
        let sql = "INSERT OR REPLACE INTO folders (path, device, number) VALUES (?1, ?2, ?3)";
        let [device, number] = identity;
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params![path_bytes(folder), device, number])?;
        Ok(())
    }

    /// Writes findings and removals at once.
    pub fn apply(
        &mut self,
        findings: &[(Listed, Finding)],
        gone: &[PathBuf],
    ) -> Result<(), IndexError> {
        let transaction = self.connection.transaction()?;
        let mut touched = BTreeSet::new();
        for path in gone {
            remove(&transaction, path, &mut touched)?;
        }
        for (listed, finding) in findings {
            remove(&transaction, &listed.path, &mut touched)?;
            match finding {
                Finding::Instance(entry) => {
                    insert(&transaction, listed, entry)?;
                    touched.insert((entry.study.clone(), entry.series.clone()));
                }
                Finding::Refused(reason) => insert_other(&transaction, listed, Some(reason))?,
                Finding::Ignored => insert_other(&transaction, listed, None)?,
            }
        }
        let studies: BTreeSet<String> = touched.iter().map(|(study, _)| study.clone()).collect();
        for study in &studies {
            let series = rejection::settle(&transaction, study)?;
            touched.extend(series.into_iter().map(|series| (study.clone(), series)));
        }
        for (study, series) in &touched {
            recount_series(&transaction, study, series)?;
        }
        for study in &studies {
            recount_study(&transaction, study)?;
        }
        transaction.commit()?;
        self.changes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Whether what is rejected for its quality alone is shown all the same.
    pub fn show_quality(&mut self, shown: bool) -> Result<(), IndexError> {
        let transaction = self.connection.transaction()?;
        for study in rejection::show_quality(&transaction, shown)? {
            for series in rejection::settle(&transaction, &study)? {
                recount_series(&transaction, &study, &series)?;
            }
            recount_study(&transaction, &study)?;
        }
        transaction.commit()?;
        self.changes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

type Touched = BTreeSet<(String, String)>;

/// Takes a file out; a file that it stood in front of becomes current again.
fn remove(transaction: &Transaction, path: &Path, touched: &mut Touched) -> Result<(), IndexError> {
    let sql = "DELETE FROM files WHERE path = ?1 RETURNING study, series, sop, current, id";
    let old = transaction
        .prepare_cached(sql)?
        .query_row([path_bytes(path)], |row| {
            let uids: [Option<String>; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
            Ok((uids, row.get::<_, i64>(3)?, row.get::<_, i64>(4)?))
        })
        .optional()?;
    let Some(([Some(study), Some(series), Some(sop)], current, id)) = old else {
        return Ok(());
    };
    rejection::remove(transaction, id)?;
    if current != 0 {
        transaction
            .prepare_cached(
                "UPDATE files SET current = 1 WHERE id = (SELECT max(id) FROM files
                 WHERE study = ?1 AND series = ?2 AND sop = ?3)",
            )?
            .execute(params![study, series, sop])?;
    }
    touched.insert((study, series));
    Ok(())
}

fn insert(transaction: &Transaction, listed: &Listed, entry: &Entry) -> Result<(), IndexError> {
    transaction
        .prepare_cached(
            "UPDATE files SET current = 0
             WHERE study = ?1 AND series = ?2 AND sop = ?3 AND current <> 0",
        )?
        .execute(params![entry.study, entry.series, entry.sop])?;
    let pixels = entry.pixels;
    let (metadata, base) = compact::pack(transaction, entry)?;
    transaction
        .prepare_cached(
            "INSERT INTO files (path, size, modified_ns, current, study, series, sop, sop_class,
                number, frame_count, frame_bits, bits_allocated, transfer_syntax, pixel_tag,
                pixel_vr, pixel_offset, pixel_length, modality, metadata, base)
             VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19)",
        )?
        .execute(params![
            path_bytes(&listed.path),
            sql_number(listed.size),
            listed.modified_ns,
            entry.study,
            entry.series,
            entry.sop,
            entry.sop_class,
            entry.number,
            entry.frame_count,
            sql_number(entry.frame_bits),
            entry.bits_allocated,
            entry.transfer_syntax,
            pixels.map(|place| place.tag),
            pixels.map(|place| super::values::vr_text(place.vr)),
            pixels.map(|place| sql_number(place.offset)),
            pixels.and_then(|place| place.length).map(sql_number),
            entry.modality,
            metadata,
            base,
        ])?;
    if let Some(said) = &entry.rejection {
        let (id, own) = (transaction.last_insert_rowid(), [&entry.series, &entry.sop]);
        rejection::insert(transaction, id, &entry.study, own.map(String::as_str), said)?;
    }
    let key = [&entry.study];
    let known =
        "SELECT attributes FROM study_sets WHERE id = (SELECT id FROM studies WHERE uid = ?1)";
    if let Some((set, text)) = news(transaction, known, &key, &entry.study_attributes)? {
        insert_study(transaction, &entry.study, &set, &text)?;
    }
    let key = [&entry.study, &entry.series];
    let known = "SELECT attributes FROM series WHERE study = ?1 AND uid = ?2";
    if let Some((set, text)) = news(transaction, known, &key, &entry.series_attributes)? {
        insert_series(transaction, key, &set, &text)?;
    }
    Ok(())
}

/// What is known of a study or series with what a file adds; `None` where it adds nothing.
fn news(
    transaction: &Transaction,
    known: &str,
    key: &[&String],
    later: &Map<String, Value>,
) -> Result<Option<(Dataset, String)>, IndexError> {
    let old: Option<String> = transaction
        .prepare_cached(known)?
        .query_row(params_from_iter(key), |row| row.get(0))
        .optional()?;
    let old: Option<Map<String, Value>> = old
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|_| IndexError::Damaged)?;
    let mut merged = old.clone().unwrap_or_default();
    entry::merge(&mut merged, later);
    if old.as_ref() == Some(&merged) {
        return Ok(None);
    }
    let text = serde_json::to_string(&merged).map_err(|_| IndexError::Damaged)?;
    Ok(Some((Dataset::from_map(merged), text)))
}

fn insert_other(
    transaction: &Transaction,
    listed: &Listed,
    reason: Option<&String>,
) -> Result<(), IndexError> {
    transaction
        .prepare_cached(
            "INSERT INTO files (path, size, modified_ns, reason) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            path_bytes(&listed.path),
            sql_number(listed.size),
            listed.modified_ns,
            reason
        ])?;
    Ok(())
}

fn recount_series(transaction: &Transaction, study: &str, series: &str) -> Result<(), IndexError> {
    transaction
        .prepare_cached(
            "UPDATE series SET (instance_count, frame_count) = (
                SELECT count(*), total(CASE WHEN pixel_tag IS NULL THEN 0 ELSE frame_count END)
                FROM files WHERE study = ?1 AND series = ?2 AND current = 1)
             WHERE study = ?1 AND uid = ?2",
        )?
        .execute([study, series])?;
    transaction
        .prepare_cached("DELETE FROM series WHERE study = ?1 AND uid = ?2 AND instance_count = 0")?
        .execute([study, series])?;
    // Also where all of it was rejected, and it was no series any more.
    compact::forget(transaction, study, series)
}

fn recount_study(transaction: &Transaction, study: &str) -> Result<(), IndexError> {
    transaction
        .prepare_cached(
            "UPDATE studies SET (series_count, instance_count, modalities) = (
                SELECT count(*), total(instance_count), coalesce('\\' || (
                    SELECT group_concat(modality, '\\') FROM (
                        SELECT DISTINCT modality FROM files
                        WHERE study = ?1 AND current = 1 AND modality <> ''
                        ORDER BY modality)) || '\\', '')
                FROM series WHERE study = ?1)
             WHERE uid = ?1",
        )?
        .execute([study])?;
    let gone: Option<i64> = transaction
        .prepare_cached("DELETE FROM studies WHERE uid = ?1 AND instance_count = 0 RETURNING id")?
        .query_row([study], |row| row.get(0))
        .optional()?;
    match gone {
        Some(id) => remove_study(transaction, id),
        None => Ok(()),
    }
}

/// SQLite has signed numbers only; no file and no offset is that large.
fn sql_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The reverse of [`sql_number`].
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A path as bytes: names need not be UTF-8.
#[cfg(unix)]
pub(super) fn path_bytes(path: &Path) -> &[u8] {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes()
}

/// The path that bytes stand for.
#[cfg(unix)]
pub(super) fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// A path as bytes.
#[cfg(not(unix))]
pub(super) fn path_bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

/// The path that bytes stand for.
#[cfg(not(unix))]
pub(super) fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests;
