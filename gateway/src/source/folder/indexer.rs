//! Keeps the index up to date: looks at what is new, changed or gone, and at nothing else.
//!
//! One thread. A look at the folders reads names, sizes and times only; a file is opened when one
//! of these differs from the index. A fault in one file, even a crash of a reader, concerns that
//! file alone.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::entry::Entry;
use super::index::{Finding, IndexError, Known, Writer};
use super::scan::{ScanError, ScanLimits, scan};
use super::walk::{Listed, Listing, walk};

/// How far the index is, and how much it took.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files that need no more looking at.
    pub done: AtomicU64,
    /// Files found.
    pub total: AtomicU64,
    /// Files opened since the start.
    pub opened: AtomicU64,
    /// Complete looks at all folders.
    pub rounds: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    /// Asks the thread to end after the file at hand.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Files that were indexed as they were stored.
pub type Stored = Arc<Mutex<Vec<(PathBuf, Known)>>>;

/// What the thread works on.
pub struct Indexer {
    /// Folders to look through.
    pub folders: Vec<PathBuf>,
    /// Bounds for each file.
    pub limits: ScanLimits,
    /// Pause between two looks.
    pub interval: Duration,
    /// The log names files by their paths.
    pub names_files: bool,
    /// The index.
    pub writer: Writer,
    /// Where the thread says how far it is.
    pub progress: Arc<Progress>,
    /// What need not be looked at.
    pub stored: Stored,
}

/// Most files of one write, and the longest wait for it.
const BATCH_FILES: usize = 256;
const BATCH_TIME: Duration = Duration::from_millis(500);

impl Indexer {
    /// Starts the thread.
    pub fn start(mut self) -> std::io::Result<()> {
        thread::Builder::new()
            .name("indexer".into())
            .spawn(move || self.run())
            .map(|_| ())
    }

    fn run(&mut self) {
        let mut known = match self.writer.known() {
            Ok(known) => known,
            Err(error) => return log(&format!("the index cannot be read: {error}")),
        };
        while !self.progress.stopped() {
            let started = Instant::now();
            if let Err(error) = self.round(&mut known) {
                log(&format!(
                    "the index could not be brought up to date, will try again: {error}"
                ));
            }
            self.progress.rounds.fetch_add(1, Ordering::Relaxed);
            // A look that takes long is not repeated at once.
            let pause = self.interval.max(started.elapsed());
            let wake = Instant::now() + pause;
            while !self.progress.stopped() && Instant::now() < wake {
                thread::sleep(Duration::from_millis(50).min(pause));
            }
        }
    }

    fn round(&mut self, known: &mut HashMap<PathBuf, Known>) -> Result<(), IndexError> {
        // First these, then the look: what is stored meanwhile is looked at like any other file, and is never taken for gone.
        let stored =
            std::mem::take(&mut *self.stored.lock().unwrap_or_else(PoisonError::into_inner));
        known.extend(stored);
        let listing = walk(&self.folders);
        let (changed, gone) = compare(&listing, known);
        let total = listing.files.len() as u64;
        self.progress.total.store(total, Ordering::Relaxed);
        self.progress
            .done
            .store(total - changed.len() as u64, Ordering::Relaxed);
        if !gone.is_empty() {
            self.writer.apply(&[], &gone)?;
            gone.iter().for_each(|path| {
                known.remove(path);
            });
        }
        let mut batch = Vec::new();
        let mut written = Instant::now();
        for listed in changed {
            if self.progress.stopped() {
                break;
            }
            let finding = match listing.outside.contains(&listed.path) {
                true => Finding::Refused("it is a link that leads out of the folders".into()),
                false => self.look_at(&listed.path),
            };
            if let Finding::Refused(reason) = &finding {
                let file = self.named(&listed.path);
                log(&format!("refused {file}: {reason}"));
            }
            batch.push((listed, finding));
            if batch.len() >= BATCH_FILES || written.elapsed() >= BATCH_TIME {
                self.write(&mut batch, known)?;
                written = Instant::now();
            }
        }
        self.write(&mut batch, known)
    }

    fn write(
        &mut self,
        batch: &mut Vec<(Listed, Finding)>,
        known: &mut HashMap<PathBuf, Known>,
    ) -> Result<(), IndexError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.writer.apply(batch, &[])?;
        self.progress
            .done
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        for (listed, _) in batch.drain(..) {
            known.insert(
                listed.path,
                Known {
                    size: listed.size,
                    modified_ns: listed.modified_ns,
                },
            );
        }
        Ok(())
    }

    fn look_at(&self, path: &Path) -> Finding {
        self.progress.opened.fetch_add(1, Ordering::Relaxed);
        let limits = self.limits;
        let examined = catch_unwind(AssertUnwindSafe(|| examined(path, &limits)));
        let (finding, fault) =
            examined.unwrap_or_else(|_| (Finding::Refused("the reader broke on it".into()), None));
        if let Some(fault) = fault {
            log(&format!("read only in part {}: {fault}", self.named(path)));
        }
        finding
    }

    /// A file as the log may name it. Names of files and folders are often names of patients: where others than the owner of
    /// the files read the log, it has the number under which `find DIR -inum N` finds the file.
    fn named(&self, path: &Path) -> String {
        if self.names_files {
            return path.display().to_string();
        }
        #[cfg(unix)]
        if let Ok(found) = std::fs::metadata(path) {
            let inode = std::os::unix::fs::MetadataExt::ino(&found);
            return format!("the file with inode {inode}");
        }
        "a file".to_owned()
    }
}

/// Reads one file.
pub fn finding(path: &Path, limits: &ScanLimits) -> Finding {
    examined(path, limits).0
}

/// Reads one file; what of it could not be read stands beside.
fn examined(path: &Path, limits: &ScanLimits) -> (Finding, Option<String>) {
    if path
        .file_name()
        .is_some_and(|name| name.eq_ignore_ascii_case("DICOMDIR"))
    {
        return (Finding::Ignored, None);
    }
    let scanned = match scan(path, limits) {
        Ok(scanned) => scanned,
        Err(ScanError::NotDicom) if !claims_to_be_dicom(path) => return (Finding::Ignored, None),
        Err(error) => return (Finding::Refused(error.to_string()), None),
    };
    let fault = scanned.fault.as_ref().map(ToString::to_string);
    // A directory under another name: (0004,1220) is its sequence of records.
    let is_directory = scanned.attributes.contains_key("00041220");
    let finding = match (Entry::from_scan(scanned), fault) {
        (Ok(entry), fault) => return (Finding::Instance(Box::new(entry)), fault),
        (Err(_), _) if is_directory => Finding::Ignored,
        (Err(error), Some(fault)) => Finding::Refused(format!("{error}, and {fault}")),
        (Err(error), None) => Finding::Refused(error.to_string()),
    };
    (finding, None)
}

fn claims_to_be_dicom(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        ["dcm", "dicom", "dic"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// What must be looked at, and what is no longer there.
fn compare(listing: &Listing, known: &HashMap<PathBuf, Known>) -> (Vec<Listed>, Vec<PathBuf>) {
    let changed = listing
        .files
        .iter()
        .filter(|listed| {
            let now = Known {
                size: listed.size,
                modified_ns: listed.modified_ns,
            };
            known.get(&listed.path) != Some(&now)
        })
        .cloned()
        .collect();
    let gone = known
        .keys()
        .filter(|path| {
            let listed = listing
                .files
                .binary_search_by(|file| file.path.cmp(path))
                .is_ok();
            // A folder that cannot be read just now has not lost its files.
            !listed
                && !listing
                    .unreadable
                    .iter()
                    .any(|folder| path.starts_with(folder))
        })
        .cloned()
        .collect();
    (changed, gone)
}

/// One line of the log.
fn log(line: &str) {
    eprintln!("sagitta: {line}");
}
