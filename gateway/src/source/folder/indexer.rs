//! Keeps the index up to date: looks at what is new, changed or gone, and at nothing else.
//!
//! One thread. A look at the folders reads names, sizes and times only; a file is opened when one
//! of these differs from the index. However many files there are, it holds a few thousand of them in memory. A fault in one file, even a crash of a reader, concerns that
//! file alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::entry::Entry;
use super::index::{Finding, IndexError, Writer};
use super::look::{Found, Look, State};
use super::scan::{ScanError, ScanLimits, scan};
use super::walk::Listed;

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
    /// Data folders that could not be read in the last look.
    pub away: AtomicU64,
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
    /// Folders that could not be read.
    pub away: Vec<PathBuf>,
}

/// Most files of one write, and the longest wait for it.
const BATCH_FILES: usize = 256;
const BATCH_TIME: Duration = Duration::from_millis(500);
/// Changes that a look keeps in mind; where there are more, they are found by a second one.
const MOST_CHANGES: usize = 16_384;
/// Why a link is refused.
pub(super) const LEADS_OUT: &str = "it is a link that leads out of the folders";

/// What is written at once.
struct Batch {
    findings: Vec<(Listed, Finding)>,
    gone: Vec<PathBuf>,
    begun: Instant,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            findings: Vec::new(),
            gone: Vec::new(),
            begun: Instant::now(),
        }
    }
}

impl Batch {
    fn is_full(&self) -> bool {
        self.findings.len() + self.gone.len() / 4 >= BATCH_FILES
            || self.begun.elapsed() >= BATCH_TIME
    }
}

impl Indexer {
    /// Starts the thread.
    pub fn start(mut self) -> std::io::Result<()> {
        thread::Builder::new()
            .name("indexer".into())
            .spawn(move || self.run())
            .map(|_| ())
    }

    fn run(&mut self) {
        while !self.progress.stopped() {
            let started = Instant::now();
            if let Err(error) = self.round() {
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

    /// Counts what there is to do, and does it: from memory where it is little, else while it looks again.
    fn round(&mut self) -> Result<(), IndexError> {
        let mut look = Look::new(&self.folders, &self.writer)?;
        let (mut total, mut left, mut few) = (0_u64, 0_u64, Some(Vec::new()));
        let mut away = Vec::new();
        while let Some(found) = look.next(&self.writer)? {
            if self.progress.stopped() {
                return Ok(());
            }
            match &found {
                Found::Unreadable(folder) => {
                    if self.folders.contains(folder) {
                        away.push(folder.clone());
                    }
                    continue;
                }
                Found::File { state, .. } => {
                    total += 1;
                    if *state == State::Same {
                        continue;
                    }
                    left += 1;
                }
                Found::Gone(_) => {}
            }
            few = few.filter(|few| few.len() < MOST_CHANGES);
            if let Some(few) = &mut few {
                few.push(found);
            }
        }
        self.note_away(away);
        self.progress.total.store(total, Ordering::Relaxed);
        self.progress.done.store(total - left, Ordering::Relaxed);
        let mut batch = Batch::default();
        if let Some(few) = few {
            for found in few {
                self.take(found, &mut batch)?;
            }
        } else {
            let mut look = Look::new(&self.folders, &self.writer)?;
            while let Some(found) = look.next(&self.writer)? {
                self.take(found, &mut batch)?;
                if self.progress.stopped() {
                    break;
                }
            }
        }
        self.write(&mut batch)
    }

    /// Folders that have gone are named once, and so is their return.
    fn note_away(&mut self, away: Vec<PathBuf>) {
        for folder in &self.folders {
            let folder_name = folder.display();
            match (self.away.contains(folder), away.contains(folder)) {
                (false, true) => log(&format!(
                    "the data folder {folder_name} cannot be read: what is known of it stays in the index"
                )),
                (true, false) => log(&format!("the data folder {folder_name} is back")),
                _ => {}
            }
        }
        (self.progress.away).store(away.len() as u64, Ordering::Relaxed);
        self.away = away;
    }

    /// Looks at one change.
    fn take(&mut self, found: Found, batch: &mut Batch) -> Result<(), IndexError> {
        if self.progress.stopped() {
            return Ok(());
        }
        match found {
            Found::Gone(path) => batch.gone.push(path),
            Found::Unreadable(_)
            | Found::File {
                state: State::Same, ..
            } => return Ok(()),
            Found::File {
                listed, is_outside, ..
            } => {
                let finding = match is_outside {
                    true => Finding::Refused(LEADS_OUT.into()),
                    false => self.look_at(&listed.path),
                };
                if let Finding::Refused(reason) = &finding {
                    let file = self.named(&listed.path);
                    log(&format!("refused {file}: {reason}"));
                }
                batch.findings.push((listed, finding));
            }
        }
        if batch.is_full() {
            self.write(batch)?;
        }
        Ok(())
    }

    fn write(&mut self, batch: &mut Batch) -> Result<(), IndexError> {
        let Batch { findings, gone, .. } = std::mem::take(batch);
        if findings.is_empty() && gone.is_empty() {
            return Ok(());
        }
        self.writer.apply(&findings, &gone)?;
        let done = findings.len() as u64;
        self.progress.done.fetch_add(done, Ordering::Relaxed);
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

/// One line of the log.
fn log(line: &str) {
    eprintln!("sagitta: {line}");
}
