//! What a source does not do, as it was found out by asking: in memory, and in a small file for the next start.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use protocol::dicomweb::asking::Ways;

/// How long the file is believed: servers are renewed, and what they learn is not announced.
const BELIEVED: Duration = Duration::from_secs(14 * 86_400);
/// Most bytes of it that are read.
const MOST_BYTES: u64 = 4096;
/// The letter of a source that has no thumbnails.
const NO_THUMBNAILS: char = 't';

/// What has been learnt of a source.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    known: Mutex<Known>,
    /// Where it is kept; nowhere by default.
    file: Option<PathBuf>,
    /// The address of which it was learnt.
    root: String,
}

#[derive(Debug, Default)]
struct Known {
    ways: Ways,
    has_no_thumbnails: bool,
}

impl Known {
    /// Without any UID.
    fn kept(&self) -> String {
        let mut kept = self.ways.kept();
        kept.extend(self.has_no_thumbnails.then_some(NO_THUMBNAILS));
        kept
    }
}

impl Learnt {
    /// What the file has of the source at this address. One that is old, damaged or of another address says nothing.
    pub fn from_file(file: PathBuf, root: &str) -> Self {
        let text = read(&file).unwrap_or_default();
        let mut lines = text.lines();
        let is_of_it = lines.next() == Some(root);
        let kept = lines.next().filter(|_| is_of_it).unwrap_or_default();
        let known = Known {
            ways: Ways::restored(kept),
            has_no_thumbnails: kept.contains(NO_THUMBNAILS),
        };
        Self {
            known: Mutex::new(known),
            file: Some(file),
            root: root.to_owned(),
        }
    }

    /// Looks at the ways to ask for frames and metadata, or learns one.
    pub fn with<T>(&self, look: impl FnOnce(&mut Ways) -> T) -> T {
        self.change(|known| look(&mut known.ways))
    }

    pub fn has_no_thumbnails(&self) -> bool {
        self.known().has_no_thumbnails
    }

    pub fn lacks_thumbnails(&self) {
        self.change(|known| known.has_no_thumbnails = true);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.known();
        let before = known.kept();
        let seen = look(&mut known);
        let after = known.kept();
        if after != before
            && let Some(file) = &self.file
        {
            // What cannot be kept is learnt again after the next start.
            let _ = write(file, &format!("{}\n{after}\n", self.root));
        }
        seen
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    let about = std::fs::metadata(file)?;
    let is_old = |time: SystemTime| time.elapsed().is_ok_and(|age| age > BELIEVED);
    if about.len() > MOST_BYTES || is_old(about.modified()?) {
        return Ok(String::new());
    }
    std::fs::read_to_string(file)
}

/// Whole or not at all.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let next = file.with_extension("next");
    std::fs::write(&next, text)?;
    std::fs::rename(next, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::asking::Way;

    const ROOT: &str = "https://pacs.example.org/dicom-web";

    fn taught(file: &Path) -> Learnt {
        let learnt = Learnt::from_file(file.to_owned(), ROOT);
        learnt.with(|ways| ways.worked("1.2.3", Way::Whole, &[Way::Stored, Way::Decoded]));
        learnt.with(Ways::headers_came);
        learnt.lacks_thumbnails();
        learnt
    }

    #[test]
    fn what_was_learnt_is_known_to_the_next_one_without_any_uid() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sources").join("north");
        drop(taught(&file));
        let next = Learnt::from_file(file.clone(), ROOT);
        assert!(next.has_no_thumbnails() && next.with(|ways| ways.lacks_metadata()));
        assert_eq!(
            next.with(|ways| ways.of("9", true)),
            [Way::Whole, Way::WholeAlone]
        );
        assert!(!std::fs::read_to_string(&file).unwrap().contains("1.2.3"));
        // It does after all.
        next.with(|ways| ways.worked("9", Way::Stored, &[]));
        next.with(Ways::metadata_came);
        let third = Learnt::from_file(file, ROOT);
        assert!(!third.with(|ways| ways.lacks_metadata()));
    }

    #[test]
    fn what_is_old_damaged_or_of_another_address_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("north");
        drop(taught(&file));
        let says_nothing = |learnt: Learnt| {
            let all = learnt.with(|ways| ways.of("9", true));
            all.len() == 4
                && !learnt.has_no_thumbnails()
                && !learnt.with(|ways| ways.lacks_metadata())
        };
        assert!(!says_nothing(Learnt::from_file(file.clone(), ROOT)));
        assert!(says_nothing(Learnt::from_file(
            file.clone(),
            "https://other.example.org"
        )));
        let long_ago = SystemTime::now() - BELIEVED - Duration::from_secs(60);
        let open = std::fs::File::options().write(true).open(&file).unwrap();
        open.set_modified(long_ago).unwrap();
        assert!(says_nothing(Learnt::from_file(file.clone(), ROOT)));
        for damaged in [&b"\xFF\xFE"[..], b"", ROOT.as_bytes(), &[b'm'; 9000]] {
            std::fs::write(&file, damaged).unwrap();
            assert!(says_nothing(Learnt::from_file(file.clone(), ROOT)));
        }
    }
}
