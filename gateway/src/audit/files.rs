//! The files of a record: one that is written, and closed ones beside it with the numbers of their first and last lines in
//! their names (`audit.000000000001-000000012345.jsonl`). The chain goes on from one to the next.

use std::fs::File;
use std::io::{self, BufRead, Read as _};
use std::path::{Path, PathBuf};

use super::chain::{Mac, hex, parse_hex};

/// Bytes of the longest line that is read: no request makes one as long.
pub const LONGEST: u64 = 16 << 20;

/// When a file is closed, and how long closed files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// Bytes after which a file is closed.
    pub rotate_bytes: u64,
    /// Seconds after its first line, after which it is closed.
    pub rotate_s: i64,
    /// Seconds after its last line, after which a closed file is deleted; `None`: never.
    pub keep_s: Option<i64>,
}

impl Keeping {
    /// One file for ever.
    pub const ONE_FILE: Self = Self {
        rotate_bytes: u64::MAX,
        rotate_s: i64::MAX,
        keep_s: None,
    };
}

/// A closed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Number of its first line.
    pub first: u64,
    /// Number of its last line.
    pub last: u64,
    /// Where it is.
    pub path: PathBuf,
}

/// Name and ending of a record's files, each with what parts it from the numbers.
fn parts(path: &Path) -> (String, String) {
    let text =
        |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let ending = text(path.extension());
    let ending = if ending.is_empty() {
        ending
    } else {
        format!(".{ending}")
    };
    (format!("{}.", text(path.file_stem())), ending)
}

/// The folder that a record is in.
pub fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Where the file of these lines goes when it is closed.
pub fn closed_path(path: &Path, first: u64, last: u64) -> PathBuf {
    let (name, ending) = parts(path);
    path.with_file_name(format!("{name}{first:012}-{last:012}{ending}"))
}

/// All closed files of a record, the oldest first.
///
/// # Errors
/// The folder cannot be read.
pub fn closed(path: &Path) -> io::Result<Vec<Closed>> {
    let (name, ending) = parts(path);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder(path))? {
        let entry = entry?;
        let file_name = entry.file_name();
        let numbers = file_name.to_str().and_then(|text| {
            let text = text.strip_prefix(&name)?.strip_suffix(&ending)?;
            let (first, last) = text.split_once('-')?;
            let number = |text: &str| {
                let is_plain = text.len() >= 12 && text.bytes().all(|it| it.is_ascii_digit());
                is_plain.then(|| text.parse::<u64>().ok()).flatten()
            };
            Some((number(first)?, number(last)?))
        });
        if let Some((first, last)) = numbers {
            let path = entry.path();
            found.push(Closed { first, last, path });
        }
    }
    found.sort_by_key(|it| (it.first, it.last));
    Ok(found)
}

/// The files of a record at one moment.
#[derive(Debug)]
pub struct All {
    /// Closed ones, the oldest first.
    pub closed: Vec<Closed>,
    /// The one that is written.
    pub current: File,
    /// Bytes of it at that moment.
    pub bytes: u64,
}

impl All {
    /// Looks at what there is. A file that is just being closed is there once.
    ///
    /// # Errors
    /// A file or the folder cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        // First the one that is written: whatever is closed from now on is this one.
        let mut current = File::open(path)?;
        let bytes = current.metadata()?.len();
        let mut closed = closed(path)?;
        if let Some(first) = first_line(&mut current)? {
            closed.retain(|it| it.first < first.number);
        }
        Ok(Self {
            closed,
            current,
            bytes,
        })
    }
}

/// What a line says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// When it was written.
    pub at: jiff::Timestamp,
}

/// The head of a file's first line; `None` where it has no whole one.
///
/// # Errors
/// The file cannot be read.
pub fn first_line(file: &mut File) -> io::Result<Option<Head>> {
    use std::io::Seek as _;
    file.rewind()?;
    let mut line = Vec::new();
    let whole = next_line(&mut io::BufReader::new(&*file), &mut line)?;
    Ok((whole == Next::Whole)
        .then(|| serde_json::from_slice(&line).ok())
        .flatten())
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A line with its end.
    Whole,
    /// A line that is not ended, or longer than any is.
    Part,
    /// There is none.
    End,
}

/// Reads one line, without its end and never more than the longest.
///
/// # Errors
/// It cannot be read.
pub fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Next> {
    line.clear();
    reader.take(LONGEST).read_until(b'\n', line)?;
    Ok(match line.pop() {
        None => Next::End,
        Some(b'\n') => Next::Whole,
        Some(other) => {
            line.push(other);
            Next::Part
        }
    })
}

/// Whether an open file is the one at a path: between opening and locking it may have been closed.
pub fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let (Ok(own), Ok(there)) = (file.metadata(), std::fs::metadata(path)) else {
            return false;
        };
        (own.dev(), own.ino()) == (there.dev(), there.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

/// Brings what was renamed or made in a folder to the disk.
///
/// # Errors
/// The system refuses.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder(path))?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// What the record says of a file before it is deleted: which line was its last, and that line's code. What is left of the
/// record goes on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortened {
    /// Number of the last line that is gone.
    pub last: u64,
    /// Its code.
    pub mac: Mac,
}

impl std::fmt::Display for Shortened {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "lines to {} with code {}",
            self.last,
            hex(&self.mac)
        )
    }
}

impl Shortened {
    /// From what the record says.
    pub fn parse(text: &str) -> Option<Self> {
        let (last, mac) = text.strip_prefix("lines to ")?.split_once(" with code ")?;
        Some(Self {
            last: last.parse().ok()?,
            mac: parse_hex(mac)?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_numbers_and_only_such_names_are_files_of_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for (first, last) in [(301, 1_000_000_000_000), (1, 300)] {
            let closed = closed_path(&path, first, last);
            std::fs::write(closed, "").unwrap();
        }
        for other in [
            "audit.jsonl",
            "audit.jsonl.cut",
            "audit.1-2.jsonl",
            "audit.000000000001-00000000030x.jsonl",
            "other.000000000001-000000000300.jsonl",
        ] {
            std::fs::write(folder.path().join(other), "").unwrap();
        }
        let found = closed(&path).unwrap();
        let numbers: Vec<(u64, u64)> = found.iter().map(|it| (it.first, it.last)).collect();
        assert_eq!(numbers, [(1, 300), (301, 1_000_000_000_000)]);
        let name = found[0].path.file_name().unwrap().to_str().unwrap();
        assert_eq!(name, "audit.000000000001-000000000300.jsonl");
    }

    #[test]
    fn what_is_said_of_a_deleted_file_is_read_again() {
        let said = Shortened {
            last: 77,
            mac: [0xa5; 32],
        };
        assert_eq!(Shortened::parse(&said.to_string()), Some(said));
        assert_eq!(Shortened::parse("lines to 77"), None);
    }
}
