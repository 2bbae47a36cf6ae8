//! Deleted files: moved below `.trash`, each deletion under its own time, and brought back from there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, params};

use super::{make_private, place};
use crate::source::folder::index::{Index, IndexError, path_from_bytes};
use crate::source::folder::walk::{TRASH, files_under};

/// Why nothing is moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrashError {
    /// Nothing there, or in a data folder.
    #[error("there is nothing of this in the store folder; data folders are never written to")]
    Nothing,
    /// No such deletion.
    #[error("there is no such deletion to bring back")]
    NoDeletion,
    /// Something has its place meanwhile.
    #[error("{0} files could not go back: others have their places")]
    Occupied(usize),
    /// The disk.
    #[error("the store cannot be written ({})", .0.kind())]
    Disk(#[from] io::Error),
}

/// Files that the index has of a study or of one of its series, and the Patient ID.
///
/// # Errors
/// The index cannot be read.
pub fn known(
    index: &Path,
    study: &str,
    series: Option<&str>,
) -> Result<(Vec<PathBuf>, String), IndexError> {
    if !index.exists() {
        return Ok(Default::default());
    }
    let (index, _) = Index::open(index)?;
    index.read(|connection| {
        let sql = "SELECT path FROM files WHERE study = ?1 AND (?2 IS NULL OR series = ?2)";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map(params![study, series], |row| row.get(0))?;
        let rows: Vec<Vec<u8>> = rows.collect::<rusqlite::Result<_>>()?;
        let sql = "SELECT coalesce(patient_id, '') FROM studies WHERE uid = ?1";
        let patient = connection.query_row(sql, [study], |row| row.get(0));
        let patient = patient.optional()?.unwrap_or_default();
        Ok((rows.into_iter().map(path_from_bytes).collect(), patient))
    })
}

/// Files of a study or of one of its series that lie in the store, by their names. `indexed` are those that the index knows.
pub fn files_of(
    root: &Path,
    study: &str,
    series: Option<&str>,
    indexed: Vec<PathBuf>,
) -> Vec<PathBuf> {
    let mut all: BTreeSet<PathBuf> = indexed
        .into_iter()
        .filter(|path| path.starts_with(root) && path.is_file())
        .collect();
    if let Some(below) = place::of_study(study) {
        let folder = match series {
            Some(series) => root.join(below).join(series),
            None => root.join(below),
        };
        if folder.is_dir() {
            all.extend(files_under(&folder));
        }
    }
    all.into_iter().collect()
}

/// Moves files into the trash, under this name; gives how many.
///
/// # Errors
/// There are none, or the disk says no: then some may have been moved, and can be brought back.
pub fn delete(root: &Path, files: &[PathBuf], name: &str) -> Result<usize, TrashError> {
    if files.is_empty() {
        return Err(TrashError::Nothing);
    }
    let trash = root.join(TRASH);
    make_private(&trash)?;
    let deletion = trash.join(name);
    make_private(&deletion)?;
    let mut touched = BTreeSet::from([trash, root.to_owned()]);
    for path in files {
        let below = path.strip_prefix(root).map_err(|_| TrashError::Nothing)?;
        place::make_folders(&deletion, below, &mut touched)?;
        fs::rename(path, deletion.join(below))?;
        touched.extend(path.parent().map(Path::to_owned));
    }
    settle(&touched)?;
    for path in files {
        remove_empty(path.parent(), root);
    }
    Ok(files.len())
}

/// Deletions that can be brought back, the oldest first.
///
/// # Errors
/// The trash cannot be read.
pub fn deletions(root: &Path) -> Result<Vec<String>, TrashError> {
    let entries = match fs::read_dir(root.join(TRASH)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Brings a deletion back, the last one unless it is named; gives its name and how many files it was. What another file has the
/// place of stays in the trash.
///
/// # Errors
/// There is no such deletion, or files could not go back.
pub fn undo(root: &Path, name: Option<&str>) -> Result<(String, Vec<PathBuf>), TrashError> {
    let all = deletions(root)?;
    let name = match name {
        Some(name) => all.iter().find(|it| *it == name),
        None => all.last(),
    };
    let name = name.ok_or(TrashError::NoDeletion)?;
    let deletion = root.join(TRASH).join(name);
    let files = files_under(&deletion);
    let mut touched = BTreeSet::new();
    let (mut back, mut occupied) = (Vec::new(), 0);
    for file in files {
        let below = file.strip_prefix(&deletion);
        let below = below.map_err(|_| TrashError::NoDeletion)?;
        let target = root.join(below);
        if target.exists() {
            occupied += 1;
            continue;
        }
        place::make_folders(root, below, &mut touched)?;
        fs::rename(&file, &target)?;
        touched.extend(file.parent().map(Path::to_owned));
        back.push(target);
    }
    settle(&touched)?;
    remove_all_empty(&deletion);
    if occupied > 0 {
        return Err(TrashError::Occupied(occupied));
    }
    Ok((name.clone(), back))
}

fn settle(folders: &BTreeSet<PathBuf>) -> io::Result<()> {
    folders.iter().try_for_each(|folder| place::settle(folder))
}

/// Removes folders that hold nothing any more, up to the store itself.
fn remove_empty(folder: Option<&Path>, root: &Path) {
    let mut folder = folder;
    while let Some(empty) = folder.filter(|it| *it != root && it.starts_with(root)) {
        // One that holds something stays.
        if fs::remove_dir(empty).is_err() {
            return;
        }
        folder = empty.parent();
    }
}

fn remove_all_empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_all_empty(&entry.path());
        }
    }
    // One that holds something stays.
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn what_was_deleted_comes_back_to_its_place_unless_that_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let study = root.join(place::of_study("1.2").unwrap());
        for path in ["1.2.3/1.dcm", "1.2.3/2.dcm", "1.2.4/1.dcm"] {
            fs::create_dir_all(study.join(path).parent().unwrap()).unwrap();
            fs::write(study.join(path), path).unwrap();
        }
        let series = files_of(&root, "1.2", Some("1.2.3"), Vec::new());
        assert_eq!(delete(&root, &series, "20260101").unwrap(), 2);
        assert_eq!(files_of(&root, "1.2", None, Vec::new()).len(), 1);
        assert!(!study.join("1.2.3").exists());
        let rest = files_of(&root, "1.2", None, Vec::new());
        assert_eq!(delete(&root, &rest, "20260102").unwrap(), 1);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
        assert_eq!(deletions(&root).unwrap(), ["20260101", "20260102"]);
        let (name, back) = undo(&root, None).unwrap();
        assert_eq!((name.as_str(), back.len()), ("20260102", 1));
        assert_eq!(fs::read(study.join("1.2.4/1.dcm")).unwrap(), b"1.2.4/1.dcm");
        fs::create_dir_all(study.join("1.2.3")).unwrap();
        fs::write(study.join("1.2.3/2.dcm"), "other").unwrap();
        let error = undo(&root, Some("20260101")).unwrap_err();
        assert!(matches!(error, TrashError::Occupied(1)), "{error}");
        assert_eq!(fs::read(study.join("1.2.3/1.dcm")).unwrap(), b"1.2.3/1.dcm");
        assert_eq!(fs::read(study.join("1.2.3/2.dcm")).unwrap(), b"other");
        assert_eq!(deletions(&root).unwrap(), ["20260101"]);
        for none in ["..", "1", ""] {
            assert!(matches!(
                undo(&root, Some(none)),
                Err(TrashError::NoDeletion)
            ));
        }
        assert!(matches!(delete(&root, &[], "x"), Err(TrashError::Nothing)));
    }
}
