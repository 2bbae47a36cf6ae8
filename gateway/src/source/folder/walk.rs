//! Finds the files under the data folders: names, sizes and times, without opening any.
//!
//! A walk goes in the order of the bytes of paths, as the index has them, and holds no more than the names of the folders it
//! is in. Links are followed as long as they stay within the folders, and no folder is entered twice, so that a link to a
//! folder above ends nowhere. What leads out of them is named and never opened. The store's own `.incoming` and `.trash` are
//! passed over.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::index::path_bytes;

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

/// What a walk comes upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// A file.
    File {
        /// As the folder lists it.
        listed: Listed,
        /// A link out of the folders.
        is_outside: bool,
    },
    /// A file that is there and cannot be looked at.
    Unknown(PathBuf),
    /// A folder that cannot be read: what was known inside it is kept.
    Unreadable(PathBuf),
}

impl Met {
    /// Its place in the order: that of a folder's content is behind its name and a separator.
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::File { listed, .. } => path_bytes(&listed.path).to_vec(),
            Self::Unknown(path) => path_bytes(path).to_vec(),
            Self::Unreadable(folder) => folder_key(folder),
        }
    }
}

/// What the paths of everything inside a folder begin with.
pub(super) fn folder_key(folder: &Path) -> Vec<u8> {
    let mut key = path_bytes(folder).to_vec();
    if key.last() != Some(&SEPARATOR) {
        key.push(SEPARATOR);
    }
    key
}

const SEPARATOR: u8 = MAIN_SEPARATOR as u8;

/// Where instances are on their way into the store.
pub const INCOMING: &str = ".incoming";
/// Where deleted ones are kept.
pub const TRASH: &str = ".trash";

/// Nobody finds anything in these.
fn is_hidden(name: &OsStr) -> bool {
    name == INCOMING || name == TRASH
}

/// Every file under the folders, at any depth, ordered by path.
pub struct Walk {
    roots: Vec<PathBuf>,
    /// Passed over as if they could not be read.
    away: Vec<PathBuf>,
    seen: HashSet<PathBuf>,
    /// From the outermost folder to the one that it is in.
    levels: Vec<Level>,
}

/// What is left of a folder.
struct Level {
    folder: PathBuf,
    names: std::vec::IntoIter<Name>,
}

struct Name {
    name: OsString,
    is_folder: bool,
}

impl Name {
    fn key(&self) -> impl Iterator<Item = u8> {
        let end = self.is_folder.then_some(SEPARATOR);
        self.name.as_encoded_bytes().iter().copied().chain(end)
    }
}

impl Walk {
    /// A walk over all of these.
    pub fn new(folders: &[PathBuf]) -> Self {
        Self::without(folders, Vec::new())
    }

    /// A walk that passes over those of the folders that are away.
    pub fn without(folders: &[PathBuf], away: Vec<PathBuf>) -> Self {
        let roots = folders
            .iter()
            .filter_map(|folder| fs::canonicalize(folder).ok());
        let names = folders.iter().map(|folder| Name {
            name: folder.clone().into_os_string(),
            is_folder: true,
        });
        Self {
            roots: roots.collect(),
            away,
            seen: HashSet::new(),
            levels: vec![Level::new(PathBuf::new(), names.collect())],
        }
    }

    /// Goes into a folder, unless it has been there.
    fn enter(&mut self, folder: &Path) -> io::Result<()> {
        if self.away.iter().any(|away| away == folder) {
            return Err(ErrorKind::NotFound.into());
        }
        let real = fs::canonicalize(folder)?;
        if self.seen.contains(&real) {
            return Ok(());
        }
        let names = self.names(folder)?;
        self.seen.insert(real);
        self.levels.push(Level::new(folder.to_owned(), names));
        Ok(())
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // A folder that breaks off is not read at all: what was not listed is not gone.
            let entry = entry?;
            let name = entry.file_name();
            if is_hidden(&name) {
                continue;
            }
            let is_folder = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => {
                    matches!(self.behind(&entry.path()), Ok(Some(found)) if found.is_dir())
                }
                Ok(kind) => kind.is_dir(),
                Err(_) => false,
            };
            names.push(Name { name, is_folder });
        }
        Ok(names)
    }

    /// What a link leads to; `None` where that is outside.
    fn behind(&self, link: &Path) -> io::Result<Option<fs::Metadata>> {
        let real = fs::canonicalize(link)?;
        let found = fs::metadata(&real)?;
        let below = (self.roots.iter()).find_map(|root| real.strip_prefix(root).ok());
        let is_within = below.is_some_and(|below| !below.iter().any(is_hidden));
        Ok(is_within.then_some(found))
    }

    /// `None` for what is no file, or is not there: a file that vanished since it was listed, a dangling link.
    fn file(&self, path: PathBuf) -> Option<Met> {
        let found = fs::symlink_metadata(&path).and_then(|metadata| {
            if metadata.is_symlink() {
                let target = self.behind(&path)?;
                return Ok((target.is_none(), target.unwrap_or(metadata)));
            }
            Ok((false, metadata))
        });
        match found {
            Ok((is_outside, metadata)) if is_outside || metadata.is_file() => {
                let listed = Listed {
                    size: metadata.len(),
                    modified_ns: modified_ns(&metadata),
                    path,
                };
                Some(Met::File { listed, is_outside })
            }
            Err(error) if error.kind() != ErrorKind::NotFound => Some(Met::Unknown(path)),
            Ok(_) | Err(_) => None,
        }
    }
}

impl Level {
    fn new(folder: PathBuf, mut names: Vec<Name>) -> Self {
        names.sort_unstable_by(|a, b| a.key().cmp(b.key()));
        let names = names.into_iter();
        Self { folder, names }
    }
}

impl Iterator for Walk {
    type Item = Met;

    fn next(&mut self) -> Option<Met> {
        loop {
            let level = self.levels.last_mut()?;
            let Some(name) = level.names.next() else {
                self.levels.pop();
                continue;
            };
            let path = level.folder.join(&name.name);
            if !name.is_folder {
                if let Some(met) = self.file(path) {
                    return Some(met);
                }
            } else if self.enter(&path).is_err() {
                return Some(Met::Unreadable(path));
            }
        }
    }
}

/// All files under a folder that is small, as far as they can be looked at.
pub fn files_under(folder: &Path) -> Vec<PathBuf> {
    let files = Walk::new(&[folder.to_owned()]).filter_map(|met| match met {
        Met::File { listed, .. } => Some(listed.path),
        Met::Unknown(_) | Met::Unreadable(_) => None,
    });
    files.collect()
}

/// Whether nothing lies in a folder that anybody would find.
pub fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder)
        .is_ok_and(|entries| entries.flatten().all(|entry| is_hidden(&entry.file_name())))
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

    /// Paths, and which of them are links that lead out.
    fn walk(folders: &[PathBuf]) -> (Vec<PathBuf>, HashSet<PathBuf>) {
        let (mut all, mut outside) = (Vec::new(), HashSet::new());
        for met in Walk::new(folders) {
            let Met::File { listed, is_outside } = met else {
                panic!("{met:?}");
            };
            if is_outside {
                outside.insert(listed.path.clone());
            }
            all.push(listed.path);
        }
        (all, outside)
    }

    #[test]
    fn a_link_to_a_folder_above_ends() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "12").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), deep.join("up")).unwrap();
        let met: Vec<Met> = Walk::new(&[folder.path().to_owned()]).collect();
        assert!(
            matches!(met.as_slice(), [Met::File { listed, .. }] if listed.size == 2),
            "{met:?}"
        );
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
        let (names, outside) = walk(std::slice::from_ref(&root));
        let all = ["file", "folder", "good", "hidden", "in/a", "in/above"];
        assert_eq!(names, all.map(|name| root.join(name)));
        let out = ["file", "folder", "hidden", "in/above"].map(|name| root.join(name));
        assert_eq!(outside, HashSet::from(out));
        // A folder that is named as well is within.
        let both = walk(&[root, fs::canonicalize(other.path()).unwrap()]);
        assert_eq!(both.1.len(), 2);
    }

    #[test]
    fn files_come_in_the_order_of_the_bytes_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for name in ["b", "a/x", "a-b", "a.c/1", "a/y/z", "a0", "B"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let (names, _) = walk(std::slice::from_ref(&root));
        let order = ["B", "a-b", "a.c/1", "a/x", "a/y/z", "a0", "b"];
        assert_eq!(names, order.map(|name| root.join(name)));
        let bytes: Vec<_> = names.iter().map(|path| path_bytes(path).to_vec()).collect();
        assert!(bytes.is_sorted());
    }

    #[test]
    fn a_folder_that_is_gone_is_named() {
        let gone = PathBuf::from("/nowhere/at/all");
        let met: Vec<Met> = Walk::new(std::slice::from_ref(&gone)).collect();
        assert_eq!(met, [Met::Unreadable(gone)]);
    }
}
