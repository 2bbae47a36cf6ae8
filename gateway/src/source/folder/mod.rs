//! The embedded store: DICOM files in folders, an index in SQLite beside them.
//!
//! `walk` finds files, `scan` reads their headers, `indexer` keeps `index` up to date, `search`
//! answers QIDO-RS from it, `frames` reads pixels by offset. All calls here block; the routes
//! make them on threads that may.

pub mod bulk;
pub mod charset;
mod compact;
pub mod doctor;
pub mod entry;
pub mod files;
pub mod fragments;
pub mod frames;
pub mod headers;
pub mod index;
pub mod indexer;
pub mod input;
mod levels;
mod look;
pub mod pieces;
mod recode;
pub mod rejection;
pub mod scan;
pub mod search;
pub mod sniff;
pub mod store;
pub mod values;
pub mod walk;
pub mod whole;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::dicomweb::json::Dataset;
use protocol::dicomweb::path;
use protocol::dicomweb::query::QidoQuery;
use protocol::gateway::Indexing;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use self::bulk::BulkValue;
use self::compact::{PACKED, Unpacker};
use self::frames::{FrameError, FrameTable, StoredPixels};
use self::index::{Index, IndexError, Writer};
use self::indexer::{Indexer, Progress};
use self::scan::{PixelPlace, ScanLimits};
use self::search::{Found, Within};
use self::store::{StoreFolder, StoreLimits};
use self::walk::Listed;
use super::SourceError;
use crate::auth::access::{StudyPass, Visible};
use crate::state::LOCAL;

/// Why the store cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A data folder that is no folder.
    #[error("the data folder {0} is not there")]
    NoFolder(PathBuf),
    /// The index would be indexed itself, and data folders are never written to.
    #[error("the index {index} may not lie inside the data folder {folder}")]
    IndexInside {
        /// The index.
        index: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// The index's folder cannot be made.
    #[error("the folder of the index {0} cannot be made")]
    IndexFolder(PathBuf),
    /// The index cannot be opened.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Two gateways would store into the same folder.
    #[error("another gateway stores into {0}")]
    StoreTaken(PathBuf),
    /// No thread.
    #[error("the indexer cannot be started")]
    Thread,
}

/// How the store works.
#[derive(Debug, Clone)]
pub struct FolderOptions {
    /// Data folders; never written to.
    pub folders: Vec<PathBuf>,
    /// The folder that takes what is stored. It is looked through like the others.
    pub store: Option<PathBuf>,
    /// How much it takes.
    pub store_limits: StoreLimits,
    /// The index file.
    pub index: PathBuf,
    /// What is rejected for its quality alone is shown all the same.
    pub shows_quality_rejected: bool,
    /// Pause between two looks at the folders.
    pub interval: Duration,
    /// Bounds for each file.
    pub limits: ScanLimits,
    /// The log names files by their paths, which may be names of patients.
    pub names_files: bool,
}

impl FolderOptions {
    /// The usual options: a look every 3 s.
    pub fn new(folders: Vec<PathBuf>, index: PathBuf) -> Self {
        let interval = Duration::from_secs(3);
        Self {
            folders,
            store: None,
            store_limits: StoreLimits::default(),
            index,
            shows_quality_rejected: false,
            interval,
            limits: ScanLimits::default(),
            names_files: true,
        }
    }
}

/// An instance as the index has it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredInstance {
    /// Row of the index; another one as soon as the file changes.
    pub id: i64,
    /// SOP Instance UID.
    pub sop: String,
    /// Its pixels.
    pub pixels: StoredPixels,
}

/// The store.
pub struct FolderStore {
    index: Index,
    progress: Arc<Progress>,
    limits: ScanLimits,
    /// Frame tables of the multi-frame instances last read.
    tables: Mutex<VecDeque<(i64, Arc<FrameTable>)>>,
    store_folder: Option<StoreFolder>,
    /// By which what was stored is indexed at once.
    writer: Mutex<Option<Writer>>,
}

/// Frame tables kept.
const TABLES: usize = 64;

impl FolderStore {
    /// Opens the index and starts to bring it up to date; answers from what is there already.
    pub fn open(options: FolderOptions) -> Result<Self, OpenError> {
        let mut folders = Vec::new();
        for folder in options.folders {
            let real = fs::canonicalize(&folder).ok().filter(|real| real.is_dir());
            folders.push(real.ok_or(OpenError::NoFolder(folder))?);
        }
        let store = options.store.map(|folder| {
            let real = fs::canonicalize(&folder).ok().filter(|real| real.is_dir());
            real.ok_or(OpenError::NoFolder(folder))
        });
        let store = store.transpose()?;
        if let Some(store) = &store
            && !folders.contains(store)
        {
            folders.push(store.clone());
        }
        make_index_folder(&options.index, &folders)?;
        let store_folder = store.map(|root| {
            StoreFolder::open(root.clone(), options.limits, options.store_limits)
                .map_err(|_| OpenError::StoreTaken(root))
        });
        let (index, mut writer) = Index::open(&options.index)?;
        writer.show_quality(options.shows_quality_rejected)?;
        let progress = Arc::new(Progress::default());
        let store = Self {
            index,
            progress: Arc::clone(&progress),
            limits: options.limits,
            tables: Mutex::default(),
            store_folder: store_folder.transpose()?,
            writer: Mutex::default(),
        };
        let (limits, interval, names_files) =
            (options.limits, options.interval, options.names_files);
        let indexer = Indexer {
            folders,
            limits,
            interval,
            names_files,
            writer,
            progress,
            away: Vec::new(),
        };
        indexer.start().map_err(|_| OpenError::Thread)?;
        Ok(store)
    }

    /// How far the index is. Until the first look at the folders is over, something is left to do.
    pub fn indexing(&self) -> Indexing {
        let done = self.progress.done.load(Ordering::Relaxed);
        let mut total = self.progress.total.load(Ordering::Relaxed).max(done);
        if self.progress.rounds.load(Ordering::Relaxed) == 0 {
            total = total.max(done + 1);
        }
        Indexing { done, total }
    }

    /// Data folders that could not be read when they were last looked at: what is known of them stays in the index.
    pub fn folders_away(&self) -> u64 {
        self.progress.away.load(Ordering::Relaxed)
    }

    /// Whether the index can be read.
    pub fn is_readable(&self) -> bool {
        let one = self.index.read(|connection| {
            Ok(connection.query_row(
                "SELECT count(*) FROM (SELECT 1 FROM files LIMIT 1)",
                [],
                |row| row.get(0),
            )?)
        });
        one.is_ok_and(|count: i64| count >= 0)
    }

    /// Counters of the indexer.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Files that were refused, and why.
    pub fn refused(&self) -> Result<Vec<(PathBuf, String)>, IndexError> {
        self.index.refused()
    }

    /// Searches what may be found; `root` is the DICOMweb root as a path.
    pub fn search(
        &self,
        within: impl Into<Within>,
        query: &QidoQuery,
        visible: &Visible,
        root: &str,
    ) -> Result<Found, SourceError> {
        let (within, studies) = (within.into(), visible.studies_at(LOCAL));
        let counts = &self.index.counts;
        Ok(self
            .index
            .read(|connection| search::search(connection, counts, &within, query, studies, root))?)
    }

    /// Referring Physician's Name, as it is searched, and Patient ID of a study.
    pub fn referring_and_patient(
        &self,
        study: &str,
    ) -> Result<Option<(String, String)>, SourceError> {
        Ok(self.index.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT referring, patient_id FROM studies WHERE uid = ?1")?;
            let found = statement.query_row([study], |row| Ok((row.get(0)?, row.get(1)?)));
            Ok(found.optional()?)
        })?)
    }

    /// All referring physicians, as they are searched.
    pub fn referring(&self) -> Result<Vec<String>, SourceError> {
        Ok(self.index.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT DISTINCT referring FROM studies")?;
            let names = statement.query_map([], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })?)
    }

    /// DICOM JSON of all instances of a study, a series, or of one instance, as one list.
    pub fn metadata(
        &self,
        study: &StudyPass,
        series: Option<&str>,
        sop: Option<&str>,
        root: &str,
    ) -> Result<Vec<u8>, SourceError> {
        let study = study.uid_at(LOCAL)?;
        let text = self.index.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT f.series, f.sop, {PACKED} FROM files f
                 WHERE f.study = ?1 AND (?2 IS NULL OR f.series = ?2)
                     AND (?3 IS NULL OR f.sop = ?3) AND f.current = 1
                 ORDER BY f.series, f.number IS NULL, f.number, f.sop"
            ))?;
            let mut rows = statement.query(params![study, series, sop])?;
            let mut text = b"[".to_vec();
            let (mut one, mut unpacker) = (Vec::new(), Unpacker::default());
            while let Some(row) = rows.next()? {
                one.clear();
                unpacker.append(row, 2, &mut one)?;
                let (series, sop): (String, String) = (row.get(0)?, row.get(1)?);
                if text.len() > 1 {
                    text.push(b',');
                }
                let base = format!("{root}/{}/bulk/", path::instance(study, &series, &sop));
                append_with_addresses(&mut text, &one, &base);
            }
            text.push(b']');
            Ok(text)
        })?;
        if text.len() > 2 {
            Ok(text)
        } else {
            Err(self.unknown(study, series)?)
        }
    }

    /// One instance.
    pub fn instance(
        &self,
        study: &StudyPass,
        series: &str,
        sop: &str,
    ) -> Result<StoredInstance, SourceError> {
        let study = study.uid_at(LOCAL)?;
        let found = self.index.read(|connection| {
            let sql = format!("{INSTANCE_SQL} AND sop = ?3");
            one_instance(connection, &sql, params![study, series, sop])
        })?;
        match found {
            Some(instance) => Ok(instance),
            None => Err(self.unknown(study, Some(series))?),
        }
    }

    /// The attributes of an instance; `BulkDataURI` holds tag paths only.
    pub fn dataset(&self, instance: &StoredInstance) -> Result<Dataset, SourceError> {
        let text = self.index.read(|connection| {
            let sql = format!("SELECT {PACKED} FROM files f WHERE f.id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([instance.id])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            let mut text = Vec::new();
            Unpacker::default().append(row, 0, &mut text)?;
            Ok(Some(text))
        })?;
        let text = text.ok_or(SourceError::InstanceUnknown)?;
        let attributes = serde_json::from_slice(&text).map_err(|_| IndexError::Damaged)?;
        Ok(Dataset::from_map(attributes))
    }

    /// The instance in the middle of a series, of those that have pixels.
    pub fn middle_instance(
        &self,
        study: &StudyPass,
        series: &str,
    ) -> Result<StoredInstance, SourceError> {
        let study = study.uid_at(LOCAL)?;
        let found = self.index.read(|connection| {
            let count: i64 = connection
                .prepare_cached(
                    "SELECT count(*) FROM files
                     WHERE study = ?1 AND series = ?2 AND current = 1 AND pixel_tag IS NOT NULL",
                )?
                .query_row([study, series], |row| row.get(0))?;
            let sql = format!(
                "{INSTANCE_SQL} AND pixel_tag IS NOT NULL
                 ORDER BY number IS NULL, number, sop LIMIT 1 OFFSET ?3"
            );
            one_instance(connection, &sql, params![study, series, count / 2])
        })?;
        match found {
            Some(instance) => Ok(instance),
            None => match self.unknown(study, Some(series))? {
                // The series is there, so what is missing is its pixels.
                SourceError::InstanceUnknown => Err(FrameError::NoPixels.into()),
                error => Err(error),
            },
        }
    }

    /// Where the frames of an instance are.
    pub fn frame_table(&self, instance: &StoredInstance) -> Result<Arc<FrameTable>, SourceError> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, table)) = tables.iter().find(|(id, _)| *id == instance.id) {
            return Ok(Arc::clone(table));
        }
        drop(tables);
        let table = Arc::new(instance.pixels.frame_table()?);
        if instance.pixels.frame_count > 1 {
            tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            tables.push_back((instance.id, Arc::clone(&table)));
            if tables.len() > TABLES {
                tables.pop_front();
            }
        }
        Ok(table)
    }

    /// Where a value is that metadata left out.
    pub fn bulk(
        &self,
        instance: &StoredInstance,
        tag_path: &str,
    ) -> Result<BulkValue, SourceError> {
        BulkValue::find(instance, tag_path, &self.limits)
    }

    /// The bytes of an attribute, little endian, from its metadata or from the file; `None` where
    /// it is absent, cannot be read, or is text.
    pub fn value(&self, instance: &StoredInstance, set: &Dataset, tag: u32) -> Option<Vec<u8>> {
        let name = format!("{tag:08X}");
        let element = set.as_map().get(&name)?;
        if element.get("BulkDataURI").is_some() {
            let value = self.bulk(instance, &name).ok()?;
            return value.read(0, value.length).ok();
        }
        values::bytes(element)
    }

    /// Says which of the UIDs is the unknown one.
    fn unknown(&self, study: &str, series: Option<&str>) -> Result<SourceError, SourceError> {
        let count = |sql: &str, values: &[&str]| {
            self.index.read(|connection| {
                let mut statement = connection.prepare_cached(sql)?;
                Ok(statement.exists(rusqlite::params_from_iter(values))?)
            })
        };
        if !count("SELECT 1 FROM studies WHERE uid = ?1", &[study])? {
            return Ok(SourceError::StudyUnknown);
        }
        match series {
            Some(series)
                if count(
                    "SELECT 1 FROM series WHERE study = ?1 AND uid = ?2",
                    &[study, series],
                )? =>
            {
                Ok(SourceError::InstanceUnknown)
            }
            _ => Ok(SourceError::SeriesUnknown),
        }
    }
}

impl Drop for FolderStore {
    fn drop(&mut self) {
        self.progress.stop();
    }
}

fn make_index_folder(index: &Path, folders: &[PathBuf]) -> Result<(), OpenError> {
    let folder = match index.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let failed = || OpenError::IndexFolder(index.to_owned());
    make_private_folder(folder).map_err(|_| failed())?;
    let real = fs::canonicalize(folder).map_err(|_| failed())?;
    match folders.iter().find(|data| real.starts_with(data)) {
        None => Ok(()),
        Some(data) => Err(OpenError::IndexInside {
            index: index.to_owned(),
            folder: data.clone(),
        }),
    }
}

/// The index holds names: only the user may read it.
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Appends JSON text; `BulkDataURI`, stored as a tag path, becomes an address.
fn append_with_addresses(text: &mut Vec<u8>, stored: &[u8], base: &str) {
    // A quote inside a JSON string is always escaped, so this is a key and nothing else.
    const KEY: &[u8] = b"\"BulkDataURI\":\"";
    let mut rest = stored;
    while let Some(at) = memchr::memmem::find(rest, KEY) {
        let (before, after) = rest.split_at(at + KEY.len());
        text.extend_from_slice(before);
        text.extend_from_slice(base.as_bytes());
        rest = after;
    }
    text.extend_from_slice(rest);
}

const INSTANCE_SQL: &str = "SELECT id, sop, path, transfer_syntax, frame_count, frame_bits,
    bits_allocated, pixel_tag, pixel_vr, pixel_offset, pixel_length, size, modified_ns FROM files
    WHERE study = ?1 AND series = ?2 AND current = 1";

fn one_instance(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Option<StoredInstance>, IndexError> {
    let mut statement = connection.prepare_cached(sql)?;
    statement
        .query_row(values, |row| Ok(stored_instance(row)))
        .optional()?
        .transpose()
}

fn stored_instance(row: &Row<'_>) -> Result<StoredInstance, IndexError> {
    let tag: Option<u32> = row.get(7)?;
    let place = match tag {
        None => None,
        Some(tag) => {
            let vr: String = row.get(8)?;
            Some(PixelPlace {
                tag,
                vr: vr.as_bytes().try_into().map_err(|_| IndexError::Damaged)?,
                offset: index::unsigned(row.get(9)?),
                length: row.get::<_, Option<i64>>(10)?.map(index::unsigned),
            })
        }
    };
    Ok(StoredInstance {
        id: row.get(0)?,
        sop: row.get(1)?,
        pixels: StoredPixels {
            file: Listed {
                path: index::path_from_bytes(row.get(2)?),
                size: index::unsigned(row.get(11)?),
                modified_ns: row.get(12)?,
            },
            transfer_syntax: row.get(3)?,
            place,
            frame_count: row.get(4)?,
            frame_bits: index::unsigned(row.get(5)?),
            bits_allocated: row.get(6)?,
        },
    })
}
