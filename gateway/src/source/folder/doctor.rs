//! Whether the index has what the disk has, and how it is brought to that.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::compact::{PACKED, Unpacker};
use super::entry::inflate_into;
use super::index::{Finding, Index, IndexError, path_from_bytes};
use super::indexer::{LEADS_OUT, finding};
use super::look::{Found, Look, State};
use super::scan::ScanLimits;
use super::store::{clear, left_over, lock};
use super::walk::{INCOMING, Listed};
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
    let mut found = Findings::default();
    let (miscounted, recounted) = miscounted(&index)?;
    found.miscounted = miscounted;
    let mut to_write = Vec::new();
    let mut look = Look::new(&folders, &writer)?;
    while let Some(next) = look.next(&writer)? {
        let (listed, is_outside, state) = match next {
            Found::Unreadable(folder) => return Err(DoctorError::Unreadable(folder)),
            Found::Gone(path) => {
                found.missing.push(path);
                continue;
            }
            Found::File {
                listed,
                is_outside,
                state,
            } => (listed, is_outside, state),
        };
        found.files += 1;
        let is_altered = state == State::Altered
            || (state == State::Same
                && is_deep
                && !is_outside
                && differs(&index, &listed, limits)?);
        match state {
            State::New => found.extra.push(listed.path.clone()),
            _ if is_altered => found.altered.push(listed.path.clone()),
            _ => {}
        }
        if state == State::New || is_altered || recounted.contains(&listed.path) {
            to_write.push((listed, is_outside));
        }
    }
    if repairs {
        writer.apply(&[], &found.missing)?;
        for some in to_write.chunks(BATCH) {
            let finding = |(listed, is_outside): &(Listed, bool)| {
                let finding = match is_outside {
                    true => Finding::Refused(LEADS_OUT.into()),
                    false => finding(&listed.path, limits),
                };
                (listed.clone(), finding)
            };
            writer.apply(&some.iter().map(finding).collect::<Vec<_>>(), &[])?;
        }
    }
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

/// Whether the index has something else of a file than what it holds.
fn differs(index: &Index, listed: &Listed, limits: &ScanLimits) -> Result<bool, IndexError> {
    /// UIDs, why it was refused, metadata.
    type Row = (Option<[String; 3]>, Option<String>, Vec<u8>);
    let row: Row = index.read(|connection| {
        let sql = format!(
            "SELECT f.study, f.series, f.sop, f.reason, {PACKED} FROM files f WHERE f.path = ?1"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let path = super::index::path_bytes(&listed.path);
        let mut rows = statement.query([path])?;
        let Some(row) = rows.next()? else {
            return Ok((None, None, Vec::new()));
        };
        let uids: [Option<String>; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
        let [Some(study), Some(series), Some(sop)] = uids else {
            return Ok((None, row.get(3)?, Vec::new()));
        };
        let mut text = Vec::new();
        Unpacker::default().append(row, 4, &mut text)?;
        Ok((Some([study, series, sop]), row.get(3)?, text))
    })?;
    Ok(match finding(&listed.path, limits) {
        Finding::Instance(entry) => {
            let uids = [&entry.study, &entry.series, &entry.sop].map(String::clone);
            let mut text = Vec::new();
            inflate_into(&entry.metadata, &mut text).map_err(|_| IndexError::Damaged)?;
            row.0 != Some(uids) || row.2 != text
        }
        Finding::Refused(reason) => row.0.is_some() || row.1 != Some(reason),
        Finding::Ignored => row.0.is_some() || row.1.is_some(),
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
