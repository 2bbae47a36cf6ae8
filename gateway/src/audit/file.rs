//! The audit file: lines are added at its end and are on the disk before anyone is told so.
//!
//! One thread writes. What waits meanwhile is written together, with one flush to the disk for all of it. A line that a
//! crash cut short was never confirmed: at the next start it is set aside, and the record goes on after the last whole one.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::chain::{Chain, Mac, split};
use super::event::{Event, Record};

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

/// The end of a file: where the next line goes, its number, and the code of the line before.
#[derive(Debug)]
struct End {
    bytes: u64,
    next: u64,
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
}

impl AuditFile {
    /// Opens a file, or makes it; what a crash cut short goes to a file of its own beside it.
    pub fn open(path: &Path, key: &[u8]) -> Result<Self, AuditError> {
        let failed = |error: std::io::Error| AuditError::Open {
            path: path.to_owned(),
            kind: error.kind(),
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        // One program writes: two would break each other's chain.
        if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(AuditError::Busy(path.to_owned()));
        }
        let length = file.metadata().map_err(failed)?.len();
        let end = end_of(&mut file, length, key)
            .map_err(failed)?
            .ok_or_else(|| AuditError::Foreign(path.to_owned()))?;
        if end.bytes < length {
            set_aside(&mut file, path, end.bytes).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(end.bytes)).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            chain: Chain::new(key).after(end.last),
            bytes: end.bytes,
            next: end.next,
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
            return Err(AuditError::Write(error.kind()));
        }
        self.chain = chain;
        self.bytes += text.len() as u64;
        self.next += events.len() as u64;
        Ok(())
    }
}

/// Finds the last whole line; `None` where its code does not fit the one before.
fn end_of(file: &mut File, length: u64, key: &[u8]) -> std::io::Result<Option<End>> {
    let mut end = End {
        bytes: 0,
        next: 1,
        last: [0; 32],
    };
    // The lines before the last two cannot be judged without reading all: that is what verifying is for.
    let tail = tail_of(file, length)?;
    let mut at = tail.start;
    let mut before: Option<Mac> = (tail.start == 0).then_some([0; 32]);
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
        let Ok(record) = serde_json::from_str::<Numbered>(whole) else {
            return Ok(None);
        };
        at += line.len() as u64;
        end = End {
            bytes: at,
            next: record.number + 1,
            last: mac,
        };
        before = Some(mac);
    }
    Ok(Some(end))
}

#[derive(serde::Deserialize)]
struct Numbered {
    number: u64,
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

/// What verifying a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whole lines whose codes fit.
    pub lines: u64,
    /// The first line that does not fit, counted from 1, and why.
    pub broken: Option<(u64, String)>,
}

/// Reads a whole file and checks each line's code and number.
pub fn verify(path: &Path, key: &[u8]) -> Result<Verified, AuditError> {
    let failed = |error: std::io::Error| AuditError::Open {
        path: path.to_owned(),
        kind: error.kind(),
    };
    let reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut chain = Chain::new(key);
    let mut lines = 0;
    for line in reader.split(b'\n') {
        let line = line.map_err(failed)?;
        let broken = |why: &str| {
            Ok(Verified {
                lines,
                broken: Some((lines + 1, why.to_owned())),
            })
        };
        let Ok(text) = std::str::from_utf8(&line) else {
            return broken("it is no text");
        };
        let object = match chain.check(text) {
            Ok(object) => object,
            Err(error) => return broken(&error.to_string()),
        };
        let number = serde_json::from_str::<Numbered>(&object).map(|it| it.number);
        if number.ok() != Some(lines + 1) {
            return broken("its number is not the next");
        }
        lines += 1;
    }
    Ok(Verified {
        lines,
        broken: None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use crate::audit::event::{Kind, Outcome};

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
    fn t22_an_altered_a_missing_and_a_moved_line_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        add(&mut AuditFile::open(&path, b"key").unwrap(), 20);
        let sound = std::fs::read_to_string(&path).unwrap();
        let with = |change: &dyn Fn(&mut Vec<String>)| {
            let mut lines: Vec<String> = sound.lines().map(str::to_owned).collect();
            change(&mut lines);
            std::fs::write(&path, lines.join("\n") + "\n").unwrap();
            verify(&path, b"key").unwrap().broken.map(|(line, _)| line)
        };
        assert_eq!(with(&|_| {}), None);
        let altered = sound.lines().nth(6).unwrap().replace("search", "logout");
        assert_eq!(with(&|lines| lines[6].clone_from(&altered)), Some(7));
        assert_eq!(with(&|lines| drop(lines.remove(3))), Some(4));
        assert_eq!(with(&|lines| lines.swap(10, 11)), Some(11));
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
