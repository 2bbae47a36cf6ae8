//! Checks a record: every line of every file, and that no file is missing.
//!
//! One line is in memory at a time. What cannot be seen is that lines at the very end of the newest file were cut off.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::chain::{Broken as BrokenLine, Chain, Mac};
use super::event::{Kind, Record};
use super::file::AuditError;
use super::files::{All, Closed, Next, Shortened, first_line, next_line};
use super::search::{Wanted, newest_first};

/// What verifying a record found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Lines whose codes fit.
    pub lines: u64,
    /// Files that were read.
    pub files: usize,
    /// Number of the first line that is kept; those before it were deleted, and the record says so.
    pub from: u64,
    /// What does not fit first.
    pub broken: Option<Broken>,
}

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// The line in it, counted from 1; 0 where it is the file as a whole.
    pub line: u64,
    /// Why, in words.
    pub reason: String,
}

/// How often, and after which pauses, the end of the newest file is looked at again: it may be written just now.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

#[derive(serde::Deserialize)]
struct Numbered {
    number: u64,
}

/// Reads all files of a record and checks each line's code and number.
///
/// # Errors
/// A file cannot be read.
pub fn verify(path: &Path, key: &[u8]) -> Result<Verified, AuditError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error: std::io::Error| AuditError::Open {
            path: file,
            kind: error.kind(),
        }
    };
    let mut all = All::of(path).map_err(failed(path))?;
    let current_first = first_line(&mut all.current).map_err(failed(path))?;
    let first = match all.closed.first() {
        Some(closed) => closed.first,
        None => current_first.map_or(1, |it| it.number),
    };
    let mut check = Check {
        chain: Chain::new(key),
        found: Verified {
            lines: 0,
            files: 0,
            from: first,
            broken: None,
        },
    };
    if first > 1 {
        match said_of(path, first - 1).map_err(failed(path))? {
            Some(mac) => check.chain = check.chain.after(mac),
            None => {
                let reason = format!(
                    "lines 1 to {} are missing, and nothing says that they were deleted",
                    first - 1
                );
                let file = all.closed.first().map_or(path, |it| &it.path);
                return Ok(check.broken(file, 0, reason));
            }
        }
    }
    for closed in &all.closed {
        if let Some(reason) = check.gap_before(closed) {
            return Ok(check.broken(&closed.path, 0, reason));
        }
        let file = File::open(&closed.path).map_err(failed(&closed.path))?;
        let mut reader = BufReader::new(file);
        let done = check.file(&closed.path, &mut reader, false);
        if !done.map_err(failed(&closed.path))? {
            return Ok(check.found);
        }
        if check.next() != closed.last + 1 {
            let reason = format!(
                "it ends with line {} of the record and should end with {}: lines are missing",
                check.next() - 1,
                closed.last
            );
            return Ok(check.broken(&closed.path, 0, reason));
        }
    }
    if let Some(head) = current_first
        && head.number > check.next()
        && check.found.files > 0
        && goes_on(&mut all.current, head.number).map_err(failed(path))?
    {
        let reason = missing(check.next(), head.number - 1);
        return Ok(check.broken(path, 0, reason));
    }
    std::io::Seek::rewind(&mut all.current).map_err(failed(path))?;
    let mut reader = BufReader::new(all.current);
    check.file(path, &mut reader, true).map_err(failed(path))?;
    Ok(check.found)
}

fn missing(first: u64, last: u64) -> String {
    format!("the file before it is missing: lines {first} to {last} of the record are in none")
}

/// Whether the second line of a file, where it has one, is the next after the first: what is missing is a file then; else its
/// first lines are in another order.
fn goes_on(file: &mut File, first: u64) -> std::io::Result<bool> {
    std::io::Seek::rewind(file)?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    next_line(&mut reader, &mut line)?;
    if next_line(&mut reader, &mut line)? != Next::Whole {
        return Ok(true);
    }
    let second = serde_json::from_slice::<Numbered>(&line);
    Ok(second.is_ok_and(|it| it.number == first + 1))
}

/// What the record says of the lines up to one that are gone: the code of that one. Whether it really says so is checked with
/// all the rest of the record.
fn said_of(path: &Path, last: u64) -> std::io::Result<Option<Mac>> {
    let wanted = Wanted {
        kind: Some(Kind::RecordShortened),
        ..Wanted::default()
    };
    let mut mac = None;
    newest_first(path, &wanted, |record: Record| {
        let said = Shortened::parse(&record.event.object.other);
        mac = said.filter(|it| it.last == last).map(|it| it.mac);
        mac.is_none()
    })?;
    Ok(mac)
}

struct Check {
    chain: Chain,
    found: Verified,
}

impl Check {
    /// Number of the line that comes next.
    fn next(&self) -> u64 {
        self.found.from + self.found.lines
    }

    fn broken(mut self, file: &Path, line: u64, reason: String) -> Verified {
        self.breaks(file, line, reason);
        self.found
    }

    fn breaks(&mut self, file: &Path, line: u64, reason: String) {
        let file = file.to_owned();
        self.found.broken = Some(Broken { file, line, reason });
    }

    fn gap_before(&self, closed: &Closed) -> Option<String> {
        let next = self.next();
        (closed.first > next).then(|| missing(next, closed.first - 1))
    }

    /// Checks one file; `false` where something does not fit.
    fn file(
        &mut self,
        path: &Path,
        reader: &mut BufReader<File>,
        is_written: bool,
    ) -> std::io::Result<bool> {
        self.found.files += 1;
        let mut bytes = Vec::new();
        for line in 1.. {
            match next_line(reader, &mut bytes)? {
                Next::End => return Ok(true),
                Next::Part if is_written && ends_soon(reader, &mut bytes)? => {}
                Next::Part => {
                    let reason = "it was cut short";
                    self.breaks(path, line, reason.to_owned());
                    return Ok(false);
                }
                Next::Whole => {}
            }
            if let Err(reason) = self.line(&bytes) {
                self.breaks(path, line, reason);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn line(&mut self, bytes: &[u8]) -> Result<(), String> {
        let next = self.next();
        let number = serde_json::from_slice::<Numbered>(bytes).map(|it| it.number);
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
        let checked = self.chain.check(text);
        match (checked, number) {
            (Err(BrokenLine::NoCode), _) | (_, Err(_)) => {
                Err("it is no line of a record: it was altered or cut short".to_owned())
            }
            (_, Ok(number)) if number != next => Err(format!(
                "it has number {number} and should have {next}: lines are missing or in another order"
            )),
            (Err(BrokenLine::Code), Ok(_)) => {
                Err("its code does not fit: it was altered".to_owned())
            }
            (Ok(_), Ok(_)) => {
                self.found.lines += 1;
                Ok(())
            }
        }
    }
}

/// Reads the rest of a line that may be written just now; `false` where none comes.
fn ends_soon(reader: &mut BufReader<File>, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut byte = [0];
    for _ in 0..LOOKS {
        std::thread::sleep(PAUSE);
        while reader.read(&mut byte)? == 1 {
            if byte == *b"\n" {
                return Ok(true);
            }
            bytes.push(byte[0]);
        }
    }
    Ok(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests;
