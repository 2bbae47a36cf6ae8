//! Finds the files under the data folders: names, sizes and times, without opening any.
//!
//! Links to files and folders are followed, but no folder is entered twice, so that a link to a
//! folder above ends nowhere.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A file as the folder lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Last change, in ns since 1970; 0 where the disk does not say.
    pub modified_ns: i64,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Files, ordered by path.
    pub files: Vec<Listed>,
    /// Folders that could not be read: what was known inside them is kept.
    pub unreadable: Vec<PathBuf>,
}

/// Lists every file under the folders, at any depth.
pub fn walk(folders: &[PathBuf]) -> Listing {
    let mut listing = Listing::default();
    let mut seen = HashSet::new();
    let mut waiting = folders.to_vec();
    while let Some(folder) = waiting.pop() {
        let entries = fs::canonicalize(&folder)
            .and_then(|real| fs::read_dir(&folder).map(|entries| (real, entries)));
        let Ok((real, entries)) = entries else {
            listing.unreadable.push(folder);
            continue;
        };
        if !seen.insert(real) {
            continue;
        }
        for entry in entries.flatten() {
            note(&entry.path(), &mut listing, &mut waiting);
        }
    }
    listing.files.sort();
    listing.files.dedup_by(|a, b| a.path == b.path);
    listing
}

fn note(path: &Path, listing: &mut Listing, waiting: &mut Vec<PathBuf>) {
    // A file that vanished since it was listed, or a dangling link, is not there.
    let Ok(metadata) = fs::metadata(path) else {
        return;
    };
    if metadata.is_dir() {
        waiting.push(path.to_owned());
    } else if metadata.is_file() {
        let modified_ns = modified_ns(&metadata);
        listing.files.push(Listed {
            path: path.to_owned(),
            size: metadata.len(),
            modified_ns,
        });
    }
}

/// Last change, in ns since 1970; 0 where the disk does not say.
pub fn modified_ns(metadata: &fs::Metadata) -> i64 {
    metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|age| i64::try_from(age.as_nanos()).ok())
        .unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_folder_above_ends() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "12").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), deep.join("up")).unwrap();
        let listing = walk(&[folder.path().to_owned()]);
        assert_eq!(listing.files.len(), 1);
        assert_eq!(listing.files[0].size, 2);
    }

    #[test]
    fn a_folder_that_is_gone_is_named() {
        let gone = PathBuf::from("/nowhere/at/all");
        assert_eq!(walk(std::slice::from_ref(&gone)).unreadable, [gone]);
    }
}
