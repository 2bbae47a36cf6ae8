//! Records over several files, altered in every way that leaves a trace.

use jiff::Timestamp;

use super::super::event::{Event, Outcome};
use super::super::file::AuditFile;
use super::super::files::{Keeping, closed, closed_path};
use super::*;

const KEY: &[u8] = b"key";

/// Closed once it has 4 kB.
const SMALL: Keeping = Keeping {
    rotate_bytes: 4096,
    ..Keeping::ONE_FILE
};

fn event(text: &str) -> Event {
    let mut event = Event::new(Kind::Search, Outcome::Success);
    event.object.other = text.to_owned();
    event
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A record of so many lines in a folder of its own, a second between two of them.
fn record(keeping: Keeping, lines: i64) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let mut file = AuditFile::open_with(&path, KEY, keeping).unwrap();
    for second in 0..lines {
        let text = event(&format!("line at {second}\n\"é"));
        file.add(&[text], at(second)).unwrap();
    }
    (folder, path)
}

fn broken(path: &Path) -> Option<(String, u64, String)> {
    let found = verify(path, KEY).unwrap();
    found.broken.map(|it| {
        let name = it.file.file_name().unwrap().to_str().unwrap().to_owned();
        (name, it.line, it.reason)
    })
}

/// Does something to the lines of a file.
fn change(path: &Path, change: impl Fn(&mut Vec<String>)) -> Option<(String, u64, String)> {
    let sound = std::fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = sound.lines().map(str::to_owned).collect();
    change(&mut lines);
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
    let record = path.with_file_name("audit.jsonl");
    let found = broken(&record);
    std::fs::write(path, sound).unwrap();
    assert_eq!(broken(&record), None);
    found
}

#[test]
fn t22_an_altered_a_missing_a_moved_and_a_cut_line_are_named_in_every_file() {
    let (_folder, path) = record(SMALL, 100);
    let files = closed(&path).unwrap();
    assert!(files.len() >= 3, "{files:?}");
    let middle = &files[1];
    let mut names = vec![(middle.path.clone(), middle.first)];
    names.push((path.clone(), files.last().unwrap().last + 1));
    for (path, first) in names {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let named = |found: Option<(String, u64, String)>, line: u64, words: &str| {
            let found = found.unwrap();
            assert_eq!((&found.0, found.1), (&name, line), "{found:?}");
            assert!(found.2.contains(words), "{found:?}");
        };
        let altered = change(&path, |lines| {
            lines[1] = lines[1].replace("search", "logout");
        });
        named(altered, 2, "it was altered");
        // Its number and its code are there, but another's.
        let mac = change(&path, |lines| {
            let at = lines[1].len() - 3;
            let other = if lines[1].ends_with("0\"}") { "1" } else { "0" };
            lines[1].replace_range(at..=at, other);
        });
        named(mac, 2, "it was altered");
        let removed = change(&path, |lines| drop(lines.remove(1)));
        named(removed, 2, &format!("has number {}", first + 2));
        let moved = change(&path, |lines| lines.swap(0, 1));
        named(moved, 1, &format!("should have {first}"));
        let doubled = change(&path, |lines| lines.insert(2, lines[1].clone()));
        named(doubled, 3, "another order");
        let cut = change(&path, |lines| {
            let half = lines[1].len() / 2;
            lines[1].truncate(half);
        });
        named(cut, 2, "cut short");
        let nothing = change(&path, |lines| lines[1].clear());
        named(nothing, 2, "no line");
    }
    // The last line of the newest file, cut short.
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    let lines = whole.iter().filter(|byte| **byte == b'\n').count() as u64;
    let found = broken(&path).unwrap();
    assert_eq!((found.1, &*found.2), (lines, "it was cut short"));
}

#[test]
fn t22_a_missing_file_and_a_file_that_lost_its_end_are_named() {
    let (_folder, path) = record(SMALL, 100);
    let files = closed(&path).unwrap();
    let sound = verify(&path, KEY).unwrap();
    assert_eq!(
        (sound.lines, sound.from, sound.files),
        (100, 1, files.len() + 1)
    );
    // The first, one in the middle, the newest closed one: the file after it is named, and what was in it.
    for (gone, closed) in files.iter().enumerate() {
        let text = std::fs::read(&closed.path).unwrap();
        std::fs::remove_file(&closed.path).unwrap();
        let (name, line, reason) = broken(&path).unwrap();
        let after = files.get(gone + 1).map_or(&path, |it| &it.path);
        assert_eq!(name, after.file_name().unwrap().to_str().unwrap());
        assert_eq!(line, 0);
        assert!(reason.contains(&closed.last.to_string()), "{reason}");
        assert!(reason.contains("missing"), "{reason}");
        std::fs::write(&closed.path, text).unwrap();
    }
    let short = &files[1];
    let text = std::fs::read_to_string(&short.path).unwrap();
    let cut = text.trim_end().rfind('\n').unwrap() + 1;
    std::fs::write(&short.path, &text[..cut]).unwrap();
    let (name, _, reason) = broken(&path).unwrap();
    assert_eq!(name, short.path.file_name().unwrap().to_str().unwrap());
    assert!(reason.contains(&format!("ends with line {}", short.last - 1)));
    std::fs::write(&short.path, text).unwrap();
    // Two files that changed their names.
    std::fs::rename(&files[0].path, path.with_extension("aside")).unwrap();
    std::fs::rename(&files[1].path, &files[0].path).unwrap();
    std::fs::rename(path.with_extension("aside"), &files[1].path).unwrap();
    let (name, line, _) = broken(&path).unwrap();
    assert_eq!(name, files[0].path.file_name().unwrap().to_str().unwrap());
    assert_eq!(line, 1);
}

#[test]
fn t22_closed_files_are_deleted_after_their_time_and_the_record_says_so() {
    let keeping = Keeping {
        keep_s: Some(50),
        ..SMALL
    };
    let (_folder, path) = record(keeping, 200);
    let files = closed(&path).unwrap();
    let found = verify(&path, KEY).unwrap();
    assert_eq!(found.broken, None);
    assert!(found.from > 100, "{found:?}");
    assert_eq!(files[0].first, found.from);
    // No file is gone before all that is in it is older than that: second 150 at the least is there.
    let text = std::fs::read_to_string(&files[0].path).unwrap();
    let second = found.from; // Lines about the deletion come between.
    assert!(text.lines().count() > 3 && second < 160);
    // Each deletion is on record, with the number that the next file begins after.
    let mut said = Vec::new();
    let wanted = Wanted {
        kind: Some(Kind::RecordShortened),
        ..Wanted::default()
    };
    newest_first(&path, &wanted, |record| {
        said.push(Shortened::parse(&record.event.object.other).unwrap().last);
        true
    })
    .unwrap();
    assert_eq!(said[0], found.from - 1);
    assert!(said.is_sorted_by(|a, b| a > b));
    // One more file that goes is not what the record says.
    std::fs::remove_file(&files[0].path).unwrap();
    let (_, line, reason) = broken(&path).unwrap();
    assert_eq!(line, 0);
    assert!(reason.contains("nothing says that they were deleted"));
}

#[test]
fn t22_files_of_a_month_are_closed_whatever_their_size() {
    let month = 31 * 24 * 3600;
    let keeping = Keeping {
        rotate_s: month,
        ..Keeping::ONE_FILE
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for second in [0, 5, month - 1, month, month + 7, 3 * month] {
        // Opened anew each time: the age is that of the first line.
        let mut file = AuditFile::open_with(&path, KEY, keeping).unwrap();
        file.add(&[event("x")], at(second)).unwrap();
    }
    let numbers: Vec<(u64, u64)> = closed(&path)
        .unwrap()
        .iter()
        .map(|it| (it.first, it.last))
        .collect();
    assert_eq!(numbers, [(1, 3), (4, 5)]);
    let found = verify(&path, KEY).unwrap();
    assert_eq!((found.lines, found.broken), (6, None));
}

/// Every moment at which a program can end while it closes a file.
#[test]
fn t22_a_crash_while_a_file_is_closed_loses_nothing() {
    let (_folder, path) = record(Keeping::ONE_FILE, 10);
    let go_on = |lines: u64| {
        let mut file = AuditFile::open_with(&path, KEY, SMALL).unwrap();
        file.add(&[event("after")], at(100)).unwrap();
        drop(file);
        let found = verify(&path, KEY).unwrap();
        assert_eq!((found.lines, found.broken), (lines, None));
    };
    // The empty file was made.
    std::fs::write(path.with_extension("jsonl.new"), "").unwrap();
    go_on(11);
    // The file has both names. It verifies as it is, too, and is there once.
    let twin = closed_path(&path, 1, 11);
    std::fs::hard_link(&path, &twin).unwrap();
    let found = verify(&path, KEY).unwrap();
    assert_eq!((found.lines, found.files, found.broken), (11, 1, None));
    go_on(12);
    assert!(!twin.exists());
    // The empty file took its place.
    std::fs::rename(&path, closed_path(&path, 1, 12)).unwrap();
    std::fs::write(&path, "").unwrap();
    go_on(13);
    assert_eq!(closed(&path).unwrap().len(), 1);
    // A program that opens the file while it is closed here finds it taken.
    let first = AuditFile::open_with(&path, KEY, SMALL).unwrap();
    assert!(matches!(
        AuditFile::open_with(&path, KEY, SMALL),
        Err(AuditError::Busy(_))
    ));
    drop(first);
    // A record is gone on with after its closed files were deleted as it says, or moved elsewhere.
    std::fs::remove_file(closed_path(&path, 1, 12)).unwrap();
    let mut file = AuditFile::open_with(&path, KEY, SMALL).unwrap();
    file.add(&[event("after")], at(100)).unwrap();
    let (_, line, reason) = broken(&path).unwrap();
    assert_eq!(line, 0);
    assert!(reason.contains("lines 1 to 12 are missing"), "{reason}");
}
