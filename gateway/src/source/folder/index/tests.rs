//! The index as a whole: scans, questions and answers over made-up folders.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use serde_json::json;

use super::super::compact::{PACKED, Unpacker};
use super::super::scan::Scan;
use super::*;

/// An image of study 1 and series 1.2, and its header as text.
fn image(number: u32) -> (Listed, Entry, String) {
    let text = |vr: &str, value: String| json!({ "vr": vr, "Value": [value] });
    let attributes = json!({
        "00080018": text("UI", format!("1.2.{number}")),
        "00080060": text("CS", "CT".into()),
        "00100010": {"vr": "PN", "Value": [{ "Alphabetic": "Doe^Jane" }]},
        "00180010": text("LO", "a long text that all of them have in common".into()),
        "0020000D": text("UI", "1".into()),
        "0020000E": text("UI", "1.2".into()),
        "00200013": {"vr": "IS", "Value": [number]},
    });
    let scan = Scan {
        transfer_syntax: "1.2.840.10008.1.2.1".to_owned(),
        attributes: attributes.as_object().unwrap().clone(),
        pixels: None,
        bulk: Vec::new(),
        fault: None,
    };
    let listed = Listed {
        path: format!("/data/{number}").into(),
        size: 1,
        modified_ns: 2,
    };
    let entry = Entry::from_scan(scan).unwrap();
    let mut text = Vec::new();
    entry::inflate_into(&entry.metadata, &mut text).unwrap();
    (listed, entry, String::from_utf8(text).unwrap())
}

/// Headers of all rows, and from which other one each differs.
fn headers(index: &Index) -> Vec<(String, Option<i64>)> {
    let read = index.read(|connection| {
        let sql = format!("SELECT f.base, {PACKED} FROM files f ORDER BY f.number");
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let (mut all, mut unpacker) = (Vec::new(), Unpacker::default());
        while let Some(row) = rows.next()? {
            let mut text = Vec::new();
            unpacker.append(row, 1, &mut text)?;
            all.push((String::from_utf8(text).unwrap(), row.get(0)?));
        }
        Ok(all)
    });
    read.unwrap()
}

fn count(index: &Index, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let read = index.read(|connection| Ok(connection.query_row(&sql, [], |row| row.get(0))?));
    read.unwrap()
}

#[test]
fn an_index_of_the_version_before_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.db");
    let (listed, entry, first) = image(1);
    let before = Connection::open(&path).unwrap();
    // A program of that version left behind what it did not know of.
    let tables = format!(
        "{SCHEMA} {} CREATE TABLE bases (old TEXT); CREATE TABLE folders (old TEXT);",
        rejection::SCHEMA
    );
    before.execute_batch(&tables).unwrap();
    before
        .pragma_update(None, "user_version", VERSION_BEFORE)
        .unwrap();
    before
        .execute(
            "INSERT INTO files (path, size, modified_ns, current, study, series, sop, number,
                modality, metadata) VALUES (?1, 1, 2, 1, '1', '1.2', '1.2.1', 1, 'CT', ?2)",
            params![path_bytes(&listed.path), entry.metadata],
        )
        .unwrap();
    drop(before);
    let (index, mut writer) = Index::open(&path).unwrap();
    assert_eq!(headers(&index), [(first.clone(), None)]);
    let known = writer.known_after(b"", 10).unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].known.size, known[0].known.modified_ns), (1, 2));
    // What comes later is kept as this version keeps it.
    let (listed, entry, second) = image(2);
    writer
        .apply(&[(listed, Finding::Instance(Box::new(entry)))], &[])
        .unwrap();
    let found = headers(&index);
    assert_eq!(found[0], (first, None));
    assert_eq!((&found[1].0, found[1].1.is_some()), (&second, true));
    drop((index, writer));
    let (index, _writer) = Index::open(&path).unwrap();
    assert_eq!(count(&index, "files"), 2);
}

#[test]
fn an_index_of_any_other_version_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.db");
    for version in [1, VERSION_BEFORE - 1, VERSION + 1] {
        let other = Connection::open(&path).unwrap();
        other
            .execute_batch("CREATE TABLE IF NOT EXISTS files (path TEXT); INSERT INTO files (path) VALUES ('x');")
            .unwrap();
        other.pragma_update(None, "user_version", version).unwrap();
        drop(other);
        let (index, _writer) = Index::open(&path).unwrap();
        assert_eq!((count(&index, "files"), count(&index, "bases")), (0, 0));
        drop(index);
        fs_remove(&path);
    }
}

fn fs_remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

#[test]
fn what_all_images_of_a_series_say_is_kept_once_and_goes_with_the_last_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (index, mut writer) = Index::open(&folder.path().join("index.db")).unwrap();
    let mut texts = Vec::new();
    let mut findings = Vec::new();
    for number in 1..=5 {
        let (listed, entry, text) = image(number);
        findings.push((listed, Finding::Instance(Box::new(entry))));
        texts.push(text);
    }
    writer.apply(&findings, &[]).unwrap();
    let found = headers(&index);
    assert_eq!(
        found.iter().map(|it| it.0.clone()).collect::<Vec<_>>(),
        texts
    );
    assert!(found.iter().all(|it| it.1.is_some() && it.1 == found[0].1));
    let sizes = |sql: &str| -> i64 {
        let read = index.read(|connection| Ok(connection.query_row(sql, [], |row| row.get(0))?));
        read.unwrap()
    };
    let kept = sizes("SELECT max(length(metadata)) FROM files");
    assert!(kept * 2 < sizes("SELECT length(text) FROM bases"), "{kept}");
    // The one from which the others differ may go.
    let paths: Vec<PathBuf> = findings
        .iter()
        .map(|(listed, _)| listed.path.clone())
        .collect();
    writer.apply(&[], &paths[..1]).unwrap();
    let left: Vec<String> = headers(&index).into_iter().map(|it| it.0).collect();
    assert_eq!(left, texts[1..]);
    writer.apply(&[], &paths[1..]).unwrap();
    assert_eq!((count(&index, "files"), count(&index, "bases")), (0, 0));
}
