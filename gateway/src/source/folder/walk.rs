//! Finds the files under the data folders: names, sizes and times, without opening any.
//!
//! Links are followed as long as they stay within the folders, and no folder is entered twice, so
//! that a link to a folder above ends nowhere. What leads out of them is named and never opened.
//! The store's own `.incoming` and `.trash` are passed over.

use std::collections::HashSet;
use std::ffi::OsStr;
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
    /// Those of the files that are links out of the folders.
    pub outside: HashSet<PathBuf>,
}

/// Where instances are on their way into the store.
pub const INCOMING: &str = ".incoming";
/// Where deleted ones are kept.
pub const TRASH: &str = ".trash";

/// Nobody finds anything in these.
fn is_hidden(name: &OsStr) -> bool {
    name == INCOMING || name == TRASH
}

/// Lists every file under the folders, at any depth.
pub fn walk(folders: &[PathBuf]) -> Listing {
    let mut listing = Listing::default();
    let mut seen = HashSet::new();
    let mut waiting = folders.to_vec();
    let roots: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| fs::canonicalize(folder).ok())
        .collect();
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
            if !is_hidden(&entry.file_name()) {
                note(&entry.path(), &roots, &mut listing, &mut waiting);
            }
        }
    }
    listing.files.sort();
    listing.files.dedup_by(|a, b| a.path == b.path);
    listing
}

fn note(path: &Path, roots: &[PathBuf], listing: &mut Listing, waiting: &mut Vec<PathBuf>) {
    // A file that vanished since it was listed, or a dangling link, is not there.
    let Ok(mut metadata) = fs::symlink_metadata(path) else {
        return;
    };
    let mut is_outside = false;
    if metadata.is_symlink() {
        let Ok(real) = fs::canonicalize(path) else {
            return;
        };
        let within = roots.iter().find_map(|root| real.strip_prefix(root).ok());
        match (within, fs::metadata(&real)) {
            (Some(below), Ok(found)) if !below.iter().any(is_hidden) => metadata = found,
            (_, Ok(_)) => is_outside = true,
            (_, Err(_)) => return,
        }
    }
    if metadata.is_dir() {
        waiting.push(path.to_owned());
    } else if metadata.is_file() || is_outside {
        if is_outside {
            listing.outside.insert(path.to_owned());
        }
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

    #[cfg(unix)]
    #[test]
    fn t17_links_that_lead_out_of_the_folders_are_named_and_not_followed() {
        use std::os::unix::fs::symlink;
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("in/.trash")).unwrap();
        fs::create_dir(root.join(".incoming")).unwrap();
        for path in ["in/a", ".incoming/1.part", "in/.trash/b"] {
            fs::write(root.join(path), "12").unwrap();
        }
        fs::create_dir(other.path().join("deep")).unwrap();
        for path in ["secret", "deep/secret"] {
            fs::write(other.path().join(path), "secret").unwrap();
        }
        symlink(root.join("in/a"), root.join("good")).unwrap();
        symlink(other.path().join("secret"), root.join("file")).unwrap();
        symlink(other.path(), root.join("folder")).unwrap();
        symlink("../..", root.join("in/above")).unwrap();
        symlink(root.join(".incoming"), root.join("hidden")).unwrap();
        symlink(root.join("nowhere"), root.join("dangling")).unwrap();
        let listing = walk(std::slice::from_ref(&root));
        let names: Vec<PathBuf> = listing.files.iter().map(|file| file.path.clone()).collect();
        let all = ["file", "folder", "good", "hidden", "in/a", "in/above"];
        assert_eq!(names, all.map(|name| root.join(name)));
        let out = ["file", "folder", "hidden", "in/above"].map(|name| root.join(name));
        assert_eq!(listing.outside, HashSet::from(out));
        // A folder that is named as well is within.
        let both = walk(&[root, fs::canonicalize(other.path()).unwrap()]);
        assert_eq!(both.outside.len(), 2);
    }

    #[test]
    fn a_folder_that_is_gone_is_named() {
        let gone = PathBuf::from("/nowhere/at/all");
        assert_eq!(walk(std::slice::from_ref(&gone)).unreadable, [gone]);
    }
}
