//! A look at the folders beside the index: both are gone through in the order of their paths, page by page, so that neither is
//! in memory as a whole.
//!
//! What is written while the look goes on is not taken for gone: only files that the index knew at its beginning are.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use super::index::{IndexError, Known, KnownFile, Writer, path_from_bytes};
use super::walk::{Listed, Met, Walk, folder_key, is_empty};

/// A file beside what the index has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is what was indexed.
    Same,
    /// It is another one.
    Altered,
    /// The index has none.
    New,
}

/// What a look finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File {
        /// As the folder lists it.
        listed: Listed,
        /// A link out of the folders.
        is_outside: bool,
        /// What the index has of it.
        state: State,
    },
    /// A file of the index that is no longer there.
    Gone(PathBuf),
    /// A folder that cannot be read; what the index has of it stays.
    Unreadable(PathBuf),
}

/// Files of the index that are read at once.
const PAGE: usize = 1024;

/// The look.
pub struct Look {
    walk: Peekable<Walk>,
    page: VecDeque<KnownFile>,
    /// After this path the next page begins; `None` behind the last one.
    after: Option<Vec<u8>>,
    /// Row of the file that was written last before the look began.
    newest: i64,
    /// What the paths begin with that stay.
    kept: Option<Vec<u8>>,
}

impl Look {
    /// Begins a look. A folder that has become empty, and is no longer the one that had files in it, is taken for one whose disk
    /// is away.
    ///
    /// # Errors
    /// The index fails.
    pub fn new(folders: &[PathBuf], writer: &Writer) -> Result<Self, IndexError> {
        let newest = writer.newest()?;
        let mut away = Vec::new();
        for folder in folders {
            let Some(now) = identity(folder) else {
                continue;
            };
            match writer.identity(folder)? {
                Some(before) if before == now => {}
                // Also where the index was written before folders were told apart.
                _ if is_empty(folder) && knows_any_in(folder, writer)? => {
                    away.push(folder.clone());
                }
                _ => writer.set_identity(folder, now)?,
            }
        }
        Ok(Self {
            walk: Walk::without(folders, away).peekable(),
            page: VecDeque::new(),
            after: Some(Vec::new()),
            newest,
            kept: None,
        })
    }

    /// What comes next; `None` at the end.
    ///
    /// # Errors
    /// The index fails.
    pub fn next(&mut self, writer: &Writer) -> Result<Option<Found>, IndexError> {
        loop {
            self.turn_page(writer)?;
            let met = self.walk.peek().map(Met::key);
            let order = match (self.page.front(), &met) {
                (None, None) => return Ok(None),
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(known), Some(key)) => known.path.cmp(key),
            };
            if order == Ordering::Less {
                if let Some(gone) = self.page.pop_front().and_then(|known| self.gone(known)) {
                    return Ok(Some(Found::Gone(gone)));
                }
                continue;
            }
            let known = match order {
                Ordering::Equal => self.page.pop_front().map(|file| file.known),
                _ => None,
            };
            match self.walk.next() {
                None | Some(Met::Unknown(_)) => {}
                Some(Met::Unreadable(folder)) => {
                    self.kept = met;
                    return Ok(Some(Found::Unreadable(folder)));
                }
                Some(Met::File { listed, is_outside }) => {
                    let known = match known {
                        // It may have been stored since the page was read.
                        None => writer.known_at(&listed.path)?,
                        known => known,
                    };
                    let now = Known {
                        size: listed.size,
                        modified_ns: listed.modified_ns,
                    };
                    let state = match known {
                        None => State::New,
                        Some(known) if known == now => State::Same,
                        Some(_) => State::Altered,
                    };
                    return Ok(Some(Found::File {
                        listed,
                        is_outside,
                        state,
                    }));
                }
            }
        }
    }

    fn turn_page(&mut self, writer: &Writer) -> Result<(), IndexError> {
        if self.page.is_empty()
            && let Some(after) = &self.after
        {
            self.page = writer.known_after(after, PAGE)?.into();
            self.after = self.page.back().map(|last| last.path.clone());
        }
        Ok(())
    }

    /// The path of a file that was not met, unless it stays.
    fn gone(&self, known: KnownFile) -> Option<PathBuf> {
        let is_kept = (self.kept.as_ref()).is_some_and(|kept| known.path.starts_with(kept));
        let is_new = known.id > self.newest;
        (!is_kept && !is_new).then(|| path_from_bytes(known.path))
    }
}

/// Whether the index has files of a folder.
fn knows_any_in(folder: &Path, writer: &Writer) -> Result<bool, IndexError> {
    let key = folder_key(folder);
    let next = writer.known_after(&key, 1)?;
    Ok(next.iter().any(|known| known.path.starts_with(&key)))
}

/// Which folder it is, among all that are there: another one when a disk is mounted or goes.
#[cfg(unix)]
fn identity(folder: &Path) -> Option<[i64; 2]> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(folder).ok()?;
    Some([found.dev(), found.ino()].map(u64::cast_signed))
}

/// Nothing tells.
#[cfg(not(unix))]
fn identity(_folder: &Path) -> Option<[i64; 2]> {
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use std::fs;

    use super::super::index::{Finding, Index};
    use super::super::walk::modified_ns;
    use super::*;

    fn listed(path: &Path) -> Listed {
        let found = fs::metadata(path).unwrap();
        Listed {
            path: path.to_owned(),
            size: found.len(),
            modified_ns: modified_ns(&found),
        }
    }

    /// Everything of a look in words, without the folder's own name.
    fn all(root: &Path, look: &mut Look, writer: &Writer) -> Vec<String> {
        let short = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
        let mut words = Vec::new();
        while let Some(found) = look.next(writer).unwrap() {
            words.push(match found {
                Found::File { listed, state, .. } => format!("{state:?} {}", short(&listed.path)),
                Found::Gone(path) => format!("Gone {}", short(&path)),
                Found::Unreadable(path) => format!("Unreadable {}", short(&path)),
            });
        }
        words
    }

    fn house() -> (tempfile::TempDir, PathBuf, Writer) {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap().join("data");
        fs::create_dir(&root).unwrap();
        let (_, writer) = Index::open(&folder.path().join("index.db")).unwrap();
        (folder, root, writer)
    }

    fn write(root: &Path, names: &[&str]) -> Vec<(Listed, Finding)> {
        let write = |name: &&str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            (listed(&path), Finding::Ignored)
        };
        names.iter().map(write).collect()
    }

    #[test]
    fn folders_and_index_are_compared_file_by_file() {
        let (_folder, root, mut writer) = house();
        let names = ["a-b", "a/1", "a/2", "a/b/1", "a0", "z"];
        writer.apply(&write(&root, &names), &[]).unwrap();
        fs::remove_file(root.join("a/2")).unwrap();
        fs::remove_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a0"), "longer than before").unwrap();
        write(&root, &["a/3"]);
        let mut look = Look::new(std::slice::from_ref(&root), &writer).unwrap();
        let expected = [
            "Same a-b",
            "Same a/1",
            "Gone a/2",
            "New a/3",
            "Gone a/b/1",
            "Altered a0",
            "Same z",
        ];
        assert_eq!(all(&root, &mut look, &writer), expected);
    }

    #[test]
    fn what_is_stored_while_a_look_goes_on_is_neither_gone_nor_new() {
        let (_folder, root, mut writer) = house();
        writer.apply(&write(&root, &["b", "c"]), &[]).unwrap();
        let mut look = Look::new(std::slice::from_ref(&root), &writer).unwrap();
        // The folder has been listed, and a page of the index been read, when these come.
        assert!(look.next(&writer).unwrap().is_some());
        let later = write(&root, &["bb", "d"]);
        writer.apply(&later, &[]).unwrap();
        assert_eq!(all(&root, &mut look, &writer), ["Same c"]);
        // Listed, but not yet in the index when its page was read.
        write(&root, &["x"]);
        let mut look = Look::new(std::slice::from_ref(&root), &writer).unwrap();
        assert!(look.next(&writer).unwrap().is_some());
        let stored = write(&root, &["x"]);
        writer.apply(&stored, &[]).unwrap();
        let expected = ["Same bb", "Same c", "Same d", "Same x"];
        assert_eq!(all(&root, &mut look, &writer), expected);
    }

    #[test]
    fn more_than_a_page_is_gone_through() {
        let (_folder, root, mut writer) = house();
        let names: Vec<String> = (0..2 * PAGE + 3).map(|at| format!("{at:05}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        writer.apply(&write(&root, &names), &[]).unwrap();
        for name in names.iter().step_by(2) {
            fs::remove_file(root.join(name)).unwrap();
        }
        let mut look = Look::new(std::slice::from_ref(&root), &writer).unwrap();
        let found = all(&root, &mut look, &writer);
        assert_eq!(found.len(), names.len());
        let gone = found.iter().filter(|word| word.starts_with("Gone"));
        assert_eq!(gone.count(), PAGE + 2);
    }

    #[test]
    fn a_folder_that_is_away_loses_nothing() {
        let (_folder, root, mut writer) = house();
        let away = root.with_file_name("away");
        writer.apply(&write(&root, &["a/1", "b"]), &[]).unwrap();
        let look = |writer: &Writer| {
            let mut look = Look::new(std::slice::from_ref(&root), writer).unwrap();
            all(&root, &mut look, writer)
        };
        assert_eq!(look(&writer), ["Same a/1", "Same b"]);
        fs::rename(&root, &away).unwrap();
        assert_eq!(look(&writer), ["Unreadable "]);
        // Where a disk was mounted another folder is left, and that is empty.
        fs::create_dir(&root).unwrap();
        assert_eq!(look(&writer), ["Unreadable "]);
        fs::remove_dir(&root).unwrap();
        fs::rename(&away, &root).unwrap();
        assert_eq!(look(&writer), ["Same a/1", "Same b"]);
        // Who empties a folder means it.
        fs::remove_dir_all(root.join("a")).unwrap();
        fs::remove_file(root.join("b")).unwrap();
        assert_eq!(look(&writer), ["Gone a/1", "Gone b"]);
    }
}
