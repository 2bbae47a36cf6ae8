//! Whether the index has what the disk has, and how it is brought to that.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::index::{Finding, Index, IndexError, Known, path_from_bytes};
use super::indexer::finding;
use super::scan::ScanLimits;
use super::store::{clear, left_over, lock};
use super::walk::{INCOMING, Listed, walk};
use crate::places::Places;

/// Files that are written together.
const BATCH: usize = 256;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoctorError {
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A folder.
    #[error("the folder {0} cannot be read")]
    Unreadable(PathBuf),
    /// The store.
    #[error("the store cannot be written ({})", .0.kind())]
    Disk(#[from] io::Error),
}

/// What does not fit.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Files that were looked at.
    pub files: usize,
    /// In the index, and not on the disk.
    pub missing: Vec<PathBuf>,
    /// On the disk, and not in the index.
    pub extra: Vec<PathBuf>,
    /// Another file than the one that was indexed.
    pub altered: Vec<PathBuf>,
    /// Left on its way into the store.
    pub half: Vec<PathBuf>,
    /// Cannot be taken, and why.
    pub refused: Vec<(PathBuf, String)>,
    /// Studies and series whose numbers are wrong.
    pub miscounted: usize,
    /// A gateway stores just now: what is on its way was not looked at.
    pub is_in_use: bool,
}

impl Findings {
    /// Index and disk agree.
    pub fn is_sound(&self) -> bool {
        self.missing.is_empty()
            && self.extra.is_empty()
            && self.altered.is_empty()
            && self.half.is_empty()
            && self.miscounted == 0
    }
}

/// Compares the index with the folders. `is_deep` reads the head of every file again; `repairs` brings the index to what the disk
/// has, and removes what was left on its way.
///
/// # Errors
/// The index or a folder cannot be read or written.
pub fn examine(
    places: &Places,
    limits: &ScanLimits,
    is_deep: bool,
    repairs: bool,
) -> Result<Findings, DoctorError> {
    let folders = folders_of(places)?;
    let (index, mut writer) = Index::open(&places.index)?;
    let known = writer.known()?;
    let listing = walk(&folders);
    if let Some(folder) = listing.unreadable.first() {
        return Err(DoctorError::Unreadable(folder.clone()));
    }
    let mut found = Findings {
        files: listing.files.len(),
        ..Findings::default()
    };
    let there: BTreeSet<&PathBuf> = listing.files.iter().map(|file| &file.path).collect();
    found.missing = (known.keys().filter(|path| !there.contains(path)))
        .cloned()
        .collect();
    found.missing.sort();
    let (miscounted, recounted) = miscounted(&index)?;
    found.miscounted = miscounted;
    let mut batch = Vec::new();
    if repairs {
        writer.apply(&[], &found.missing)?;
    }
    for listed in &listing.files {
        let state = state_of(listed, &known);
        let is_outside = listing.outside.contains(&listed.path);
        let is_altered = state == State::Altered
            || (state == State::Known
                && is_deep
                && !is_outside
                && differs(&index, listed, limits)?);
        match state {
            State::Extra => found.extra.push(listed.path.clone()),
            _ if is_altered => found.altered.push(listed.path.clone()),
            _ => {}
        }
        let is_to_be_written =
            state == State::Extra || is_altered || recounted.contains(&listed.path);
        if repairs && is_to_be_written {
            let finding = match is_outside {
                true => Finding::Refused("it is a link that leads out of the folders".into()),
                false => finding(&listed.path, limits),
            };
            batch.push((listed.clone(), finding));
        }
        if batch.len() >= BATCH {
            writer.apply(&batch, &[])?;
            batch.clear();
        }
    }
    writer.apply(&batch, &[])?;
    incoming(places, repairs, &mut found)?;
    found.refused = index.refused()?;
    Ok(found)
}

fn folders_of(places: &Places) -> Result<Vec<PathBuf>, DoctorError> {
    let mut folders = Vec::new();
    for folder in places.folders.iter().chain(&places.store) {
        let real = fs::canonicalize(folder);
        let real = real.map_err(|_| DoctorError::Unreadable(folder.clone()))?;
        if !folders.contains(&real) {
            folders.push(real);
        }
    }
    Ok(folders)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Known,
    Altered,
    Extra,
}

fn state_of(listed: &Listed, known: &HashMap<PathBuf, Known>) -> State {
    let now = Known {
        size: listed.size,
        modified_ns: listed.modified_ns,
    };
    match known.get(&listed.path) {
        None => State::Extra,
        Some(before) if *before == now => State::Known,
        Some(_) => State::Altered,
    }
}

/// Whether the index has something else of a file than what it holds.
fn differs(index: &Index, listed: &Listed, limits: &ScanLimits) -> Result<bool, IndexError> {
    type Row = (Option<[String; 3]>, Option<Vec<u8>>, Option<String>);
    let row: Row = index.read(|connection| {
        let sql = "SELECT study, series, sop, metadata, reason FROM files WHERE path = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let path = super::index::path_bytes(&listed.path);
        Ok(statement.query_row([path], |row| {
            let uids: [Option<String>; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
            let uids = match uids {
                [Some(study), Some(series), Some(sop)] => Some([study, series, sop]),
                _ => None,
            };
            Ok((uids, row.get(3)?, row.get(4)?))
        })?)
    })?;
    Ok(match finding(&listed.path, limits) {
        Finding::Instance(entry) => {
            let uids = [&entry.study, &entry.series, &entry.sop].map(String::clone);
            row.0 != Some(uids) || row.1 != Some(entry.metadata)
        }
        Finding::Refused(reason) => row.0.is_some() || row.2 != Some(reason),
        Finding::Ignored => row.0.is_some() || row.2.is_some(),
    })
}

/// Series and studies whose numbers are not those of their files, and files by which they are counted again.
fn miscounted(index: &Index) -> Result<(usize, BTreeSet<PathBuf>), IndexError> {
    index.read(|connection| {
        let sql = "SELECT max(f.path) FROM files f
             LEFT JOIN series e ON e.study = f.study AND e.uid = f.series
             LEFT JOIN studies s ON s.uid = f.study
             WHERE f.current = 1
             GROUP BY f.study, f.series
             HAVING count(*) IS NOT max(e.instance_count) OR max(s.instance_count) IS NOT (
                 SELECT count(*) FROM files g WHERE g.study = f.study AND g.current = 1)";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        let paths: Vec<Vec<u8>> = rows.collect::<rusqlite::Result<_>>()?;
        let paths: BTreeSet<PathBuf> = paths.into_iter().map(path_from_bytes).collect();
        Ok((paths.len(), paths))
    })
}

/// What was left on its way, unless a gateway is at it.
fn incoming(places: &Places, repairs: bool, found: &mut Findings) -> Result<(), DoctorError> {
    let Some(folder) = places
        .store
        .as_deref()
        .map(|store: &Path| store.join(INCOMING))
    else {
        return Ok(());
    };
    if !folder.is_dir() {
        return Ok(());
    }
    match lock(&folder) {
        Ok(_held) => {
            found.half = left_over(&folder)?;
            if repairs {
                clear(&folder)?;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => found.is_in_use = true,
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
