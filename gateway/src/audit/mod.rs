//! The audit record: what happened to whose images, written before the first pixel leaves.
//!
//! Source: DICOM PS3.15 A.5; IHE ATNA (ITI TF-1, 9) and BALP. Identifiers of patients live here and in no other log.

pub mod chain;
pub mod event;
pub mod export;
pub mod file;
pub mod files;
pub mod search;
pub mod verify;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use jiff::Timestamp;
use tokio::sync::oneshot;

use event::Event;
use file::{AuditError, AuditFile};
use files::Keeping;

use crate::requests::current_id;

/// Most events that are written together.
const MOST_TOGETHER: usize = 256;

struct Waiting {
    event: Event,
    done: oneshot::Sender<Result<(), AuditError>>,
}

/// The record; whoever has it may add to it.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    queue: Option<mpsc::SyncSender<Waiting>>,
    writer: Option<JoinHandle<()>>,
    waiting: AtomicUsize,
}

impl Audit {
    /// Opens the file and starts its writer.
    ///
    /// # Errors
    /// The file cannot be opened, or was written with another key.
    pub fn open(path: &Path, key: &[u8]) -> Result<Self, AuditError> {
        Self::open_with(path, key, Keeping::ONE_FILE)
    }

    /// The same; the file is closed, and closed files are deleted, as is said.
    ///
    /// # Errors
    /// As [`Audit::open`].
    pub fn open_with(path: &Path, key: &[u8], keeping: Keeping) -> Result<Self, AuditError> {
        let mut file = AuditFile::open_with(path, key, keeping)?;
        file.shorten(Timestamp::now());
        let (queue, incoming) = mpsc::sync_channel(4 * MOST_TOGETHER);
        let writer = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || write_all(&mut file, &incoming))
            .map_err(|error| AuditError::Write(error.kind()))?;
        Ok(Self {
            path: path.to_owned(),
            queue: Some(queue),
            writer: Some(writer),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Events that wait to be on the disk.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// As [`Audit::add`], on a thread that may wait.
    ///
    /// # Errors
    /// As [`Audit::add`].
    pub fn add_now(&self, event: Event) -> Result<(), AuditError> {
        let (done, written) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(AuditError::Ended)?;
        let sent = queue.send(Waiting { event, done });
        sent.map_err(|_| AuditError::Ended)?;
        written.blocking_recv().unwrap_or(Err(AuditError::Ended))
    }

    /// Adds an event; when this ends well, it is on the disk.
    ///
    /// # Errors
    /// It cannot be written: whatever it was about must not happen.
    pub async fn add(&self, mut event: Event) -> Result<(), AuditError> {
        if event.request.is_empty() {
            event.request = current_id();
        }
        let _waiting = Waits::new(&self.waiting);
        let (done, written) = oneshot::channel();
        let queue = self.queue.clone().ok_or(AuditError::Ended)?;
        let waiting = Waiting { event, done };
        // A full queue holds up its own request only.
        let sent = match queue.try_send(waiting) {
            Ok(()) => true,
            Err(mpsc::TrySendError::Full(waiting)) => {
                tokio::task::spawn_blocking(move || queue.send(waiting).is_ok())
                    .await
                    .unwrap_or(false)
            }
            Err(mpsc::TrySendError::Disconnected(_)) => false,
        };
        if !sent {
            return Err(AuditError::Ended);
        }
        written.await.unwrap_or(Err(AuditError::Ended))
    }
}

/// One event that waits.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // What waits is written first.
            let _ = writer.join();
        }
    }
}

fn write_all(file: &mut AuditFile, incoming: &mpsc::Receiver<Waiting>) {
    while let Ok(first) = incoming.recv() {
        let mut batch = vec![first];
        while batch.len() < MOST_TOGETHER
            && let Ok(next) = incoming.try_recv()
        {
            batch.push(next);
        }
        let (events, waiters): (Vec<Event>, Vec<_>) =
            batch.into_iter().map(|it| (it.event, it.done)).unzip();
        let written = file.add(&events, Timestamp::now());
        for done in waiters {
            let answer = match &written {
                Ok(()) => Ok(()),
                Err(AuditError::Write(kind)) => Err(AuditError::Write(*kind)),
                Err(_) => Err(AuditError::Ended),
            };
            // Whoever asked may be gone.
            let _ = done.send(answer);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::event::{Kind, Outcome};
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn t22_all_events_of_many_at_once_are_in_the_file_when_they_are_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let audit = std::sync::Arc::new(Audit::open(&path, b"key").unwrap());
        let tasks: Vec<_> = (0..2000)
            .map(|index| {
                let (audit, path) = (audit.clone(), path.clone());
                tokio::spawn(async move {
                    let mut event = Event::new(Kind::Search, Outcome::Success);
                    event.object.other = format!("canary-{index}-");
                    audit.add(event).await.unwrap();
                    // A few look at once.
                    if index % 100 == 0 {
                        let text = std::fs::read_to_string(&path).unwrap();
                        assert!(text.contains(&format!("canary-{index}-")));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        drop(audit);
        let found = verify::verify(&path, b"key").unwrap();
        assert_eq!((found.lines, found.broken), (2000, None));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn t22_a_full_disk_is_an_error_and_no_event() {
        let audit = Audit::open(Path::new("/dev/full"), b"key").unwrap();
        let event = Event::new(Kind::FramesServed, Outcome::Success);
        let error = audit.add(event).await.unwrap_err();
        assert!(matches!(error, AuditError::Write(_)), "{error}");
    }
}
