//! Searches the audit file, the newest event first: it is read backwards, a piece at a time.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use jiff::Timestamp;

use super::chain::split;
use super::event::{Kind, Record};

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;

/// What is searched for; what is `None` is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// User name, exactly.
    pub user: Option<String>,
    /// Patient ID, exactly.
    pub patient: Option<String>,
    /// Study Instance UID, exactly.
    pub study: Option<String>,
    /// Kind of event.
    pub kind: Option<Kind>,
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
            && same(&self.patient, &event.object.patient)
            && same(&self.study, &event.object.study)
            && self.kind.is_none_or(|kind| kind == event.kind)
            && self.from.is_none_or(|from| record.at >= from)
            && self.before.is_none_or(|before| record.at < before)
            && self.older_than.is_none_or(|number| record.number < number)
    }

    /// No older record can be met.
    fn is_over(&self, record: &Record) -> bool {
        self.from.is_some_and(|from| record.at < from)
    }
}

/// At most so many events, the newest first.
///
/// # Errors
/// The file cannot be read.
pub fn search(path: &Path, wanted: &Wanted, most: usize) -> io::Result<Vec<Record>> {
    let mut file = File::open(path)?;
    let mut end = file.metadata()?.len();
    let mut found = Vec::new();
    // The beginning of a line whose end was in the piece behind.
    let mut rest: Vec<u8> = Vec::new();
    while end > 0 && found.len() < most {
        let start = end.saturating_sub(PIECE);
        file.seek(SeekFrom::Start(start))?;
        let mut piece = Vec::new();
        (&file).take(end - start).read_to_end(&mut piece)?;
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
            let Some(record) = record_of(line) else {
                continue;
            };
            if wanted.is_over(&record) {
                return Ok(found);
            }
            if wanted.is_met(&record) {
                found.push(record);
                if found.len() == most {
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}

fn record_of(line: &[u8]) -> Option<Record> {
    let (open, _) = split(std::str::from_utf8(line).ok()?)?;
    serde_json::from_str(&format!("{open}}}")).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use crate::audit::event::{Event, Outcome};
    use crate::audit::file::AuditFile;

    #[test]
    fn the_newest_come_first_whatever_the_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(&path, b"key").unwrap();
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
