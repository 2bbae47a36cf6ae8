//! Searches a record, the newest event first: its files are read backwards, a piece at a time. And reads it from its
//! beginning, a line at a time.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use jiff::Timestamp;

use super::chain::{Mac, split};
use super::event::{Kind, Outcome, Record};
use super::files::{All, Next, next_line};

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;

/// So much a clock may have been set back between two events, s: searching goes on for as long behind the first time that
/// counts.
const CLOCK_S: i64 = 24 * 3600;

/// What is searched for; what is `None` is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// User name, exactly.
    pub user: Option<String>,
    /// First digits of a session's hash, exactly.
    pub session: Option<String>,
    /// Where it was asked from, exactly.
    pub address: Option<String>,
    /// Patient ID, exactly.
    pub patient: Option<String>,
    /// Study Instance UID, exactly.
    pub study: Option<String>,
    /// Source of the study, exactly.
    pub source: Option<String>,
    /// X-Request-Id, exactly.
    pub request: Option<String>,
    /// Kind of event.
    pub kind: Option<Kind>,
    /// How it went.
    pub outcome: Option<Outcome>,
    /// First time that counts.
    pub from: Option<Timestamp>,
    /// First time that does not count any more.
    pub before: Option<Timestamp>,
    /// Number of the oldest event that was seen; older ones follow.
    pub older_than: Option<u64>,
}

impl Wanted {
    fn is_met(&self, record: &Record) -> bool {
        let event = &record.event;
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        same(&self.user, &event.actor.user)
            && same(&self.session, &event.actor.session)
            && same(&self.address, &event.actor.address)
            && same(&self.patient, &event.object.patient)
            && same(&self.study, &event.object.study)
            && same(&self.source, &event.object.source)
            && same(&self.request, &event.request)
            && self.kind.is_none_or(|kind| kind == event.kind)
            && self.outcome.is_none_or(|outcome| outcome == event.outcome)
            && self.from.is_none_or(|from| record.at >= from)
            && self.before.is_none_or(|before| record.at < before)
            && self.older_than.is_none_or(|number| record.number < number)
    }

    /// No older record can be met.
    fn is_over(&self, record: &Record) -> bool {
        let at_s = record.at.as_second();
        self.from
            .is_some_and(|from| at_s < from.as_second().saturating_sub(CLOCK_S))
    }
}

/// At most so many events, the newest first.
///
/// # Errors
/// A file cannot be read.
pub fn search(path: &Path, wanted: &Wanted, most: usize) -> io::Result<Vec<Record>> {
    let mut found = Vec::new();
    if most > 0 {
        newest_first(path, wanted, |record| {
            found.push(record);
            found.len() < most
        })?;
    }
    Ok(found)
}

/// Hands events over, the newest first, for as long as more are wanted.
///
/// # Errors
/// A file cannot be read.
pub fn newest_first(
    path: &Path,
    wanted: &Wanted,
    mut goes_on: impl FnMut(Record) -> bool,
) -> io::Result<()> {
    let mut each = |record: Record| {
        if wanted.is_over(&record) {
            return false;
        }
        !wanted.is_met(&record) || goes_on(record)
    };
    let mut all = All::of(path)?;
    if !backwards(&mut all.current, all.bytes, &mut each)? {
        return Ok(());
    }
    for closed in all.closed.iter().rev() {
        if wanted
            .older_than
            .is_some_and(|number| closed.first >= number)
        {
            continue;
        }
        let mut file = match File::open(&closed.path) {
            // Its time was over just now, and that of all older ones.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        let bytes = file.metadata()?.len();
        if !backwards(&mut file, bytes, &mut each)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads a file from its end to its beginning; `false` where no more is wanted.
fn backwards(
    file: &mut File,
    mut end: u64,
    goes_on: &mut impl FnMut(Record) -> bool,
) -> io::Result<bool> {
    // The beginning of a line whose end was in the piece behind.
    let mut rest: Vec<u8> = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        file.seek(SeekFrom::Start(start))?;
        let mut piece = Vec::new();
        (&*file).take(end - start).read_to_end(&mut piece)?;
        piece.append(&mut rest);
        end = start;
        let first_line = if start == 0 {
            0
        } else {
            match piece.iter().position(|byte| *byte == b'\n') {
                Some(at) => at + 1,
                // A line that is longer than a piece.
                None => {
                    rest = piece;
                    continue;
                }
            }
        };
        rest = piece[..first_line].to_vec();
        for line in piece[first_line..].rsplit(|byte| *byte == b'\n') {
            if let Some((record, _)) = record_of(line)
                && !goes_on(record)
            {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Hands events over, the oldest first, each with its line and code, up to the one that is the last at the beginning.
///
/// # Errors
/// A file cannot be read, or whoever takes the events says so.
pub fn oldest_first(
    path: &Path,
    wanted: &Wanted,
    mut take: impl FnMut(&str, &Record, &Mac) -> io::Result<()>,
) -> io::Result<()> {
    let mut all = All::of(path)?;
    let mut read = |file: File, bytes: u64| -> io::Result<()> {
        let mut reader = BufReader::with_capacity(256 << 10, file.take(bytes));
        let mut line = Vec::new();
        while next_line(&mut reader, &mut line)? != Next::End {
            if let Some((record, mac)) = record_of(&line)
                && wanted.is_met(&record)
                && let Ok(text) = std::str::from_utf8(&line)
            {
                take(text, &record, &mac)?;
            }
        }
        Ok(())
    };
    for closed in &all.closed {
        match File::open(&closed.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            file => read(file?, u64::MAX)?,
        }
    }
    all.current.rewind()?;
    read(all.current, all.bytes)
}

fn record_of(line: &[u8]) -> Option<(Record, Mac)> {
    let (open, mac) = split(std::str::from_utf8(line).ok()?)?;
    let record = serde_json::from_str(&format!("{open}}}")).ok()?;
    Some((record, mac))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use crate::audit::event::{Event, Outcome};
    use crate::audit::file::AuditFile;
    use crate::audit::files::{Keeping, closed};

    /// In one file, and in many.
    #[test]
    fn the_newest_come_first_whatever_the_pieces() {
        the_newest_come_first(u64::MAX, 0);
        // 3000 lines of about 190 bytes.
        the_newest_come_first(20_000, 20);
    }

    fn the_newest_come_first(rotate_bytes: u64, least_closed: usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let keeping = Keeping {
            rotate_bytes,
            ..Keeping::ONE_FILE
        };
        let mut file = AuditFile::open_with(&path, b"key", keeping).unwrap();
        for second in 0..3000_i64 {
            let mut event = Event::new(Kind::StudyOpened, Outcome::Success);
            event.actor.user = ["ada", "bob"][usize::from(second % 3 == 0)].to_owned();
            event.object.patient = format!("P{}", second % 10);
            // Now and then a line that is longer than a piece.
            if second % 1000 == 500 {
                event.reason = "x".repeat(2 << 20);
            }
            let at = Timestamp::from_second(second).unwrap();
            file.add(&[event], at).unwrap();
        }
        assert!(closed(&path).unwrap().len() >= least_closed);
        let mut forward = Vec::new();
        oldest_first(&path, &Wanted::default(), |line, record, mac| {
            assert!(line.contains(&super::super::chain::hex(mac)));
            forward.push(record.number);
            Ok(())
        })
        .unwrap();
        assert_eq!(forward, (1..=3000).collect::<Vec<_>>());
        let numbers = |wanted: &Wanted, most: usize| -> Vec<u64> {
            let found = search(&path, wanted, most).unwrap();
            found.iter().map(|record| record.number).collect()
        };
        let all = Wanted::default();
        assert_eq!(numbers(&all, 3), [3000, 2999, 2998]);
        assert_eq!(numbers(&all, 9999), (1..=3000).rev().collect::<Vec<_>>());
        let bob = Wanted {
            user: Some("bob".into()),
            patient: Some("P6".into()),
            ..Wanted::default()
        };
        // Seconds that three divides and that end in six: 2976 is 3 x 992. Numbers count from one.
        assert_eq!(numbers(&bob, 2), [2977, 2947]);
        assert_eq!(numbers(&bob, 9999).len(), 100);
        let between = Wanted {
            from: Some(Timestamp::from_second(10).unwrap()),
            before: Some(Timestamp::from_second(12).unwrap()),
            ..Wanted::default()
        };
        assert_eq!(numbers(&between, 99), [12, 11]);
        let older = Wanted {
            older_than: Some(3),
            ..Wanted::default()
        };
        assert_eq!(numbers(&older, 99), [2, 1]);
        let none = Wanted {
            kind: Some(Kind::Login),
            ..Wanted::default()
        };
        assert!(numbers(&none, 99).is_empty());
    }
}
