//! The audit file: lines are added at its end and are on the disk before anyone is told so.
//!
//! One thread writes. What waits meanwhile is written together, with one flush to the disk for all of it. A line that a
//! crash cut short was never confirmed: at the next start it is set aside, and the record goes on after the last whole one.
//!
//! A file that is large or old enough is closed. It gets its second name first, then an empty file takes the place of the
//! first: at no moment is there none, whoever opens it finds it locked, and a crash in between leaves one file with two
//! names, of which the next start takes one away.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::chain::{Chain, Mac, split};
use super::event::{Event, Kind, Outcome, Record};
use super::files::{self, Closed, Head, Keeping, Shortened};

/// Why the record cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The file cannot be opened.
    #[error("the audit file {path} cannot be opened ({kind})")]
    Open {
        /// Which.
        path: PathBuf,
        /// What the system says.
        kind: std::io::ErrorKind,
    },
    /// Another program writes it.
    #[error("the audit file {0} is written by another program: is the gateway running?")]
    Busy(PathBuf),
    /// What is there was not written with this key, or has been altered at its end.
    #[error(
        "the last line of the audit file {0} does not fit its key: look at it with sagitta audit verify"
    )]
    Foreign(PathBuf),
    /// Nothing can be added.
    #[error("the audit file cannot be written ({0})")]
    Write(std::io::ErrorKind),
    /// Nobody writes any more.
    #[error("the audit record has ended")]
    Ended,
}

/// The end of a file: where the next line goes, what its last line says of itself, and that line's code.
#[derive(Debug, Clone, Copy)]
struct End {
    bytes: u64,
    head: Option<Head>,
    last: Mac,
}

/// An open audit file.
#[derive(Debug)]
pub struct AuditFile {
    path: PathBuf,
    file: File,
    chain: Chain,
    bytes: u64,
    next: u64,
    /// First line of this file.
    first: Option<Head>,
    keeping: Keeping,
    /// After a failure to close the file it grows so far before that is tried again.
    not_before: u64,
    /// Names in the folder may not be on the disk yet: nothing is confirmed before they are.
    is_folder_open: bool,
}

impl AuditFile {
    /// Opens a file, or makes it; what a crash cut short goes to a file of its own beside it. It is never closed.
    pub fn open(path: &Path, key: &[u8]) -> Result<Self, AuditError> {
        Self::open_with(path, key, Keeping::ONE_FILE)
    }

    /// The same; the file is closed and closed files are deleted as is said.
    pub fn open_with(path: &Path, key: &[u8], keeping: Keeping) -> Result<Self, AuditError> {
        let failed = |error: std::io::Error| AuditError::Open {
            path: path.to_owned(),
            kind: error.kind(),
        };
        let mut file = options().create(true).open(path).map_err(failed)?;
        // One program writes: two would break each other's chain.
        if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(AuditError::Busy(path.to_owned()));
        }
        // Closed after it was opened here and before it was locked.
        if !files::is_at(&file, path) {
            return Err(AuditError::Busy(path.to_owned()));
        }
        let length = file.metadata().map_err(failed)?.len();
        let first = files::first_line(&mut file).map_err(failed)?;
        let mut closed = files::closed(path).map_err(failed)?;
        if let Some(first) = first {
            let is_older = |it: &Closed| it.first < first.number;
            // A crash left two names to this file.
            for twin in closed.iter().filter(|it| !is_older(it)) {
                if cfg!(unix) && files::is_at(&file, &twin.path) {
                    std::fs::remove_file(&twin.path).map_err(failed)?;
                }
            }
            closed.retain(is_older);
        }
        let before = match closed.last() {
            Some(closed) => end_of_closed(closed, key)?,
            None => End {
                bytes: 0,
                head: None,
                last: [0; 32],
            },
        };
        // Where the files before it are gone, what they ended with is not known here.
        let is_known = !closed.is_empty() || first.is_none_or(|it| it.number == 1);
        let end = end_of(&mut file, length, key, is_known.then_some(before.last));
        let end = (end.map_err(failed)?).ok_or_else(|| AuditError::Foreign(path.to_owned()))?;
        if end.bytes < length {
            set_aside(&mut file, path, end.bytes).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(end.bytes)).map_err(failed)?;
        let last = if end.head.is_some() { end } else { before };
        Ok(Self {
            path: path.to_owned(),
            file,
            chain: Chain::new(key).after(last.last),
            bytes: end.bytes,
            next: last.head.map_or(1, |it| it.number + 1),
            first: first.filter(|_| end.head.is_some()),
            keeping,
            not_before: 0,
            is_folder_open: length == 0,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of it.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds events; all of them are on the disk when this ends well, and none is in the file when it does not.
    pub fn add(&mut self, events: &[Event], at: Timestamp) -> Result<(), AuditError> {
        if self.is_due(at) {
            match self.close() {
                Ok(()) => self.shorten(at),
                // It goes on as one file.
                Err(error) => {
                    eprintln!(
                        "sagitta: the audit file cannot be closed ({})",
                        error.kind()
                    );
                    self.not_before = self.bytes + (1 << 20);
                }
            }
        }
        self.append(events, at)
    }

    fn append(&mut self, events: &[Event], at: Timestamp) -> Result<(), AuditError> {
        let failed = |error: std::io::Error| AuditError::Write(error.kind());
        if self.is_folder_open {
            files::sync_folder(&self.path).map_err(failed)?;
            self.is_folder_open = false;
        }
        let mut chain = self.chain.clone();
        let mut text = String::new();
        for (event, number) in events.iter().zip(self.next..) {
            let record = Record {
                number,
                at,
                event: event.clone(),
            };
            let object = serde_json::to_string(&record)
                .map_err(|_| AuditError::Write(std::io::ErrorKind::InvalidData))?;
            text.push_str(&chain.close(&object));
            text.push('\n');
        }
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What was written of it must not stay in front of the next line.
            let _ = self.file.set_len(self.bytes);
            let _ = self.file.seek(SeekFrom::Start(self.bytes));
            return Err(failed(error));
        }
        let number = self.next;
        self.first.get_or_insert(Head { number, at });
        self.chain = chain;
        self.bytes += text.len() as u64;
        self.next += events.len() as u64;
        Ok(())
    }

    /// Whether the file is large or old enough to be closed.
    fn is_due(&self, at: Timestamp) -> bool {
        let Some(first) = self.first else {
            return false;
        };
        let age_s = at.as_second().saturating_sub(first.at.as_second());
        let is_full = self.bytes >= self.keeping.rotate_bytes || age_s >= self.keeping.rotate_s;
        is_full && self.bytes >= self.not_before
    }

    /// Closes the file and begins another one.
    fn close(&mut self) -> std::io::Result<()> {
        let first = self.first.map_or(self.next, |it| it.number);
        let closed = files::closed_path(&self.path, first, self.next - 1);
        let mut fresh = self.path.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        // What a crash left of an earlier attempt is empty: its name was never another.
        if let Err(error) = std::fs::remove_file(&fresh)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let file = options().create_new(true).open(&fresh)?;
        file.try_lock()?;
        file.sync_all()?;
        std::fs::hard_link(&self.path, &closed)?;
        let renamed = files::sync_folder(&self.path);
        if let Err(error) = renamed.and_then(|()| std::fs::rename(&fresh, &self.path)) {
            let _ = std::fs::remove_file(&closed);
            return Err(error);
        }
        self.is_folder_open = true;
        self.file = file;
        self.bytes = 0;
        self.first = None;
        self.not_before = 0;
        Ok(())
    }

    /// Deletes closed files whose time is over, the oldest first; the record says so of each before it is gone.
    pub fn shorten(&mut self, at: Timestamp) {
        if let Err(error) = self.try_to_shorten(at) {
            eprintln!("sagitta: a closed audit file whose time is over stays: {error}");
        }
    }

    fn try_to_shorten(&mut self, at: Timestamp) -> Result<(), AuditError> {
        let failed = |error: std::io::Error| AuditError::Write(error.kind());
        let Some(keep_s) = self.keeping.keep_s else {
            return Ok(());
        };
        let closed = files::closed(&self.path).map_err(failed)?;
        let first = self.first.map_or(self.next, |it| it.number);
        for closed in closed.into_iter().filter(|it| it.last < first) {
            let end = last_of(&closed).map_err(failed)?;
            let Some(End {
                head: Some(head),
                last: mac,
                ..
            }) = end
            else {
                return Err(AuditError::Foreign(closed.path));
            };
            if at.as_second().saturating_sub(head.at.as_second()) <= keep_s {
                return Ok(());
            }
            let last = closed.last;
            let mut event = Event::new(Kind::RecordShortened, Outcome::Success);
            event.object.other = Shortened { last, mac }.to_string();
            self.append(&[event], at)?;
            std::fs::remove_file(&closed.path).map_err(failed)?;
            self.is_folder_open = true;
        }
        Ok(())
    }
}

/// A file that its owner alone can read.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The end of a closed file, whose name must say its last number.
fn end_of_closed(closed: &Closed, key: &[u8]) -> Result<End, AuditError> {
    let failed = |error: std::io::Error| AuditError::Open {
        path: closed.path.clone(),
        kind: error.kind(),
    };
    let foreign = || AuditError::Foreign(closed.path.clone());
    let mut file = File::open(&closed.path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let end = end_of(&mut file, length, key, None).map_err(failed)?;
    let end = end.ok_or_else(foreign)?;
    let is_whole = end.bytes == length && end.head.is_some_and(|it| it.number == closed.last);
    is_whole.then_some(end).ok_or_else(foreign)
}

/// The last line of a closed file, whatever its key.
fn last_of(closed: &Closed) -> std::io::Result<Option<End>> {
    let mut file = File::open(&closed.path)?;
    let length = file.metadata()?.len();
    let tail = tail_of(&mut file, length)?;
    let line = tail.text.rsplit(|byte| *byte == b'\n').nth(1);
    Ok(line.and_then(|line| {
        let (_, last) = split(std::str::from_utf8(line).ok()?)?;
        let head: Head = serde_json::from_slice(line).ok()?;
        (head.number == closed.last).then_some(End {
            bytes: length,
            head: Some(head),
            last,
        })
    }))
}

/// Finds the last whole line; `None` where its code does not fit the one before.
fn end_of(
    file: &mut File,
    length: u64,
    key: &[u8],
    before_first: Option<Mac>,
) -> std::io::Result<Option<End>> {
    let mut end = End {
        bytes: 0,
        head: None,
        last: [0; 32],
    };
    // The lines before the last two cannot be judged without reading all: that is what verifying is for.
    let tail = tail_of(file, length)?;
    let mut at = tail.start;
    let mut before = before_first.filter(|_| tail.start == 0);
    for line in tail.text.split_inclusive(|byte| *byte == b'\n') {
        let Some(whole) = line.strip_suffix(b"\n") else {
            break;
        };
        let Ok(whole) = std::str::from_utf8(whole) else {
            return Ok(None);
        };
        let Some((_, mac)) = split(whole) else {
            return Ok(None);
        };
        let follows = |before| Chain::new(key).after(before).check(whole).is_ok();
        if !before.is_none_or(follows) {
            return Ok(None);
        }
        let Ok(head) = serde_json::from_str::<Head>(whole) else {
            return Ok(None);
        };
        at += line.len() as u64;
        end = End {
            bytes: at,
            head: Some(head),
            last: mac,
        };
        before = Some(mac);
    }
    Ok(Some(end))
}

struct Tail {
    start: u64,
    text: Vec<u8>,
}

/// The last lines of a file: at least two whole ones where it has so many.
fn tail_of(file: &mut File, length: u64) -> std::io::Result<Tail> {
    let mut want: u64 = 64 << 10;
    loop {
        let from = length.saturating_sub(want);
        file.seek(SeekFrom::Start(from))?;
        let mut text = Vec::new();
        (&*file).take(length - from).read_to_end(&mut text)?;
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        if from == 0 {
            return Ok(Tail { start: 0, text });
        }
        if lines > 3 {
            let cut = text.iter().position(|byte| *byte == b'\n').unwrap_or(0) + 1;
            return Ok(Tail {
                start: from + cut as u64,
                text: text.split_off(cut),
            });
        }
        want *= 4;
    }
}

/// Moves what follows the last whole line to a file of its own.
fn set_aside(file: &mut File, path: &Path, from: u64) -> std::io::Result<()> {
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.read_to_end(&mut rest)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".cut");
    let mut aside = OpenOptions::new().append(true).create(true).open(name)?;
    aside.write_all(&rest)?;
    aside.write_all(b"\n")?;
    aside.sync_data()?;
    file.set_len(from)?;
    file.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use crate::audit::verify::verify;

    fn event(text: &str) -> Event {
        let mut event = Event::new(Kind::Search, Outcome::Success);
        event.object.other = text.to_owned();
        event
    }

    fn add(file: &mut AuditFile, count: usize) {
        for index in 0..count {
            file.add(&[event(&format!("{index}\n\"é"))], Timestamp::UNIX_EPOCH)
                .unwrap();
        }
    }

    #[test]
    fn t22_a_record_goes_on_after_a_restart_and_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for round in 0..4 {
            let mut file = AuditFile::open(&path, b"key").unwrap();
            add(&mut file, 300);
            let found = verify(&path, b"key").unwrap();
            assert_eq!(found.lines, 300 * (round + 1));
            assert_eq!(found.broken, None);
        }
    }

    #[test]
    fn t22_a_line_that_was_cut_short_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        add(&mut AuditFile::open(&path, b"key").unwrap(), 5);
        let whole = std::fs::read(&path).unwrap();
        for cut in [1, 40, 100] {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let mut file = AuditFile::open(&path, b"key").unwrap();
            add(&mut file, 1);
            let found = verify(&path, b"key").unwrap();
            assert_eq!((found.lines, found.broken), (5, None), "{cut}");
            assert!(folder.path().join("audit.jsonl.cut").exists());
        }
    }

    #[test]
    fn t22_two_programs_do_not_write_one_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let first = AuditFile::open(&path, b"key").unwrap();
        let error = AuditFile::open(&path, b"key").unwrap_err();
        assert!(matches!(error, AuditError::Busy(_)), "{error}");
        drop(first);
        AuditFile::open(&path, b"key").unwrap();
    }

    #[test]
    fn t22_a_record_of_another_key_is_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        add(&mut AuditFile::open(&path, b"key").unwrap(), 3);
        let error = AuditFile::open(&path, b"other").unwrap_err();
        assert!(matches!(error, AuditError::Foreign(_)), "{error}");
    }

    /// Lines of 200 kB: more than is read at first.
    #[test]
    fn long_lines_are_found_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(&path, b"key").unwrap();
        for _ in 0..6 {
            file.add(&[event(&"x".repeat(200_000))], Timestamp::UNIX_EPOCH)
                .unwrap();
        }
        drop(file);
        add(&mut AuditFile::open(&path, b"key").unwrap(), 1);
        assert_eq!(verify(&path, b"key").unwrap().lines, 7);
    }
}
