//! Rejection notes: Key Object Selection documents that take instances of their study out of use.
//!
//! A note names what it rejects in its Current Requested Procedure Evidence Sequence. What it says counts for its own study alone:
//! a document that speaks of several studies is stored in each of them (PS3.3 C.17.6.2). The note is out of sight together with
//! what it rejects. In the index `current` is 1 for what is in use, 2 for what is rejected, 0 for what another file stands in
//! front of; as `rejections` keeps what notes say, it does not matter which came first.
//! Source: IHE RAD TF, Imaging Object Change Management (RAD-66); PS3.16 CID 7011; PS3.3 C.17.6.

use std::collections::{BTreeMap, BTreeSet};

use protocol::dicomweb::json::Dataset;
use rusqlite::{Connection, Row, Transaction, params};
use serde_json::{Map, Value};

use super::FolderStore;
use super::compact::{PACKED, Unpacker};
use super::entry::{self, fold};
use super::index::{Index, IndexError};
use super::levels::{insert_series, insert_study};
use crate::source::SourceError;

/// Key Object Selection Document Storage, PS3.4 table B.5-1.
const KEY_OBJECTS: &str = "1.2.840.10008.5.1.4.1.1.88.59";

/// What notes say, and a way to what they reject.
pub(super) const SCHEMA: &str = "
    CREATE TABLE rejections (
        study TEXT, series TEXT, sop TEXT, note INTEGER, title TEXT NOT NULL,
        PRIMARY KEY (study, series, sop, note)) WITHOUT ROWID;
    CREATE INDEX rejections_by_note ON rejections (note);
    CREATE INDEX files_rejected ON files (study) WHERE current = 2;";

/// Why instances are rejected: the title of the note, of scheme DCM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Title {
    /// 113001
    Quality,
    /// 113037
    PatientSafety,
    /// 113038
    WorklistEntry,
    /// 113039
    RetentionExpired,
}

impl Title {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Quality,
        Self::PatientSafety,
        Self::WorklistEntry,
        Self::RetentionExpired,
    ];

    /// Code value, PS3.16 annex D.
    pub fn code(self) -> &'static str {
        match self {
            Self::Quality => "113001",
            Self::PatientSafety => "113037",
            Self::WorklistEntry => "113038",
            Self::RetentionExpired => "113039",
        }
    }

    /// Code meaning, PS3.16 annex D.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Quality => "Rejected for Quality Reasons",
            Self::PatientSafety => "Rejected for Patient Safety Reasons",
            Self::WorklistEntry => "Incorrect Modality Worklist Entry",
            Self::RetentionExpired => "Data Retention Policy Expired",
        }
    }

    /// By its code value.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|title| title.code() == code)
    }
}

/// What a rejection note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub title: Title,
    /// Series Instance UID and SOP Instance UID of each instance, all of the note's own study.
    pub instances: BTreeSet<[String; 2]>,
}

impl Rejection {
    /// What a data set says, where it is a rejection note.
    pub fn of(set: &Dataset) -> Option<Self> {
        if set.text(0x0008_0016)? != KEY_OBJECTS {
            return None;
        }
        let title = (set.items(0x0040_A043).iter())
            .filter(|code| code.text(0x0008_0102).as_deref() == Some("DCM"))
            .find_map(|code| Title::of(&code.text(0x0008_0100)?))?;
        let study = set.text(0x0020_000D)?;
        let mut instances = BTreeSet::new();
        for of_study in set.items(0x0040_A375) {
            if of_study.text(0x0020_000D).as_ref() != Some(&study) {
                continue;
            }
            for of_series in of_study.items(0x0008_1115) {
                let Some(series) = of_series.text(0x0020_000E) else {
                    continue;
                };
                let items = of_series.items(0x0008_1199);
                let uids = items.iter().filter_map(|item| item.text(0x0008_1155));
                instances.extend(uids.map(|sop| [series.clone(), sop]));
            }
        }
        Some(Self { title, instances })
    }
}

/// Writes down what a note says; it is out of sight itself.
pub(super) fn insert(
    transaction: &Transaction,
    note: i64,
    study: &str,
    own: [&str; 2],
    rejection: &Rejection,
) -> Result<(), IndexError> {
    let mut statement = transaction.prepare_cached(
        "INSERT OR IGNORE INTO rejections (study, series, sop, note, title)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let named = rejection.instances.iter();
    let named = named.map(|[series, sop]| [series.as_str(), sop.as_str()]);
    for [series, sop] in named.chain([own]) {
        statement.execute(params![study, series, sop, note, rejection.title.code()])?;
    }
    Ok(())
}

/// Forgets what a note said.
pub(super) fn remove(transaction: &Transaction, note: i64) -> Result<(), IndexError> {
    transaction
        .prepare_cached("DELETE FROM rejections WHERE note = ?1")?
        .execute([note])?;
    Ok(())
}

/// Takes out of sight what notes reject in a study, and brings back what none does; gives the series that are to be counted
/// again.
pub(super) fn settle(
    transaction: &Transaction,
    study: &str,
) -> Result<BTreeSet<String>, IndexError> {
    let is_concerned: bool = transaction
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM rejections WHERE study = ?1)
                 OR EXISTS (SELECT 1 FROM files WHERE study = ?1 AND current = 2)",
        )?
        .query_row([study], |row| row.get(0))?;
    if !is_concerned {
        return Ok(BTreeSet::new());
    }
    const STATE: &str = "CASE WHEN EXISTS (
            SELECT 1 FROM rejections r JOIN files n ON n.id = r.note
            WHERE r.study = files.study AND r.series = files.series AND r.sop = files.sop
                AND n.current <> 0 AND (?2 = 0 OR r.title <> ?3)
        ) THEN 2 ELSE 1 END";
    let changed = transaction
        .prepare_cached(&format!(
            "UPDATE files SET current = {STATE}
             WHERE study = ?1 AND current <> 0 AND current <> {STATE}"
        ))?
        .execute(params![
            study,
            shows_quality(transaction)?,
            Title::Quality.code()
        ])?;
    if changed == 0 {
        return Ok(BTreeSet::new());
    }
    rebuild(transaction, study)
}

/// Says anew what is known of a study and its series, by the files that are in use.
fn rebuild(transaction: &Transaction, study: &str) -> Result<BTreeSet<String>, IndexError> {
    let mut of_study = Map::new();
    let mut of_series: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    {
        let mut statement = transaction.prepare_cached(&format!(
            "SELECT f.series, {PACKED} FROM files f WHERE f.study = ?1 AND f.current = 1
             ORDER BY f.id"
        ))?;
        let mut unpacker = Unpacker::default();
        let mut rows = statement.query([study])?;
        while let Some(row) = rows.next()? {
            let set = unpacked(&mut unpacker, row, 1)?;
            entry::merge(&mut of_study, &entry::study_part(&set));
            let known = of_series.entry(row.get(0)?).or_default();
            entry::merge(known, &entry::series_part(&set));
        }
    }
    transaction
        .prepare_cached("DELETE FROM series WHERE study = ?1")?
        .execute([study])?;
    let text =
        |set: &Map<String, Value>| serde_json::to_string(set).map_err(|_| IndexError::Damaged);
    let owner = study.to_owned();
    let mut all = BTreeSet::new();
    for (series, set) in of_series {
        let attributes = text(&set)?;
        let set = Dataset::from_map(set);
        insert_series(transaction, [&owner, &series], &set, &attributes)?;
        all.insert(series);
    }
    // Where nothing is left, counting finds that.
    if !all.is_empty() {
        let attributes = text(&of_study)?;
        insert_study(
            transaction,
            study,
            &Dataset::from_map(of_study),
            &attributes,
        )?;
    }
    Ok(all)
}

/// The data set of a row, whose columns [`PACKED`] begin at `at`.
fn unpacked(
    unpacker: &mut Unpacker,
    row: &Row<'_>,
    at: usize,
) -> Result<Map<String, Value>, IndexError> {
    let mut text = Vec::new();
    unpacker.append(row, at, &mut text)?;
    serde_json::from_slice(&text).map_err(|_| IndexError::Damaged)
}

/// Whether what is rejected for its quality is shown all the same: kept in the index, so that all programs that change it agree.
fn shows_quality(connection: &Connection) -> Result<bool, IndexError> {
    let mark: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    Ok(mark == 1)
}

/// Says whether it is; gives the studies to be looked at again.
pub(super) fn show_quality(
    transaction: &Transaction,
    shown: bool,
) -> Result<BTreeSet<String>, IndexError> {
    if shows_quality(transaction)? == shown {
        return Ok(BTreeSet::new());
    }
    transaction.pragma_update(None, "application_id", i64::from(shown))?;
    let mut statement =
        transaction.prepare("SELECT DISTINCT study FROM rejections WHERE title = ?1")?;
    let studies = statement.query_map([Title::Quality.code()], |row| row.get(0))?;
    Ok(studies.collect::<rusqlite::Result<_>>()?)
}

/// A rejection note of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID of the note itself.
    pub series: String,
    /// Code value of its title.
    pub title: String,
    /// Instances that are here and that it rejects.
    pub instances: u64,
}

/// All notes of an index, study by study.
///
/// # Errors
/// The index cannot be read.
pub fn notes(index: &Index) -> Result<Vec<Note>, IndexError> {
    index.read(|connection| {
        let mut statement = connection.prepare(
            "SELECT n.study, n.series, r.title, count(f.id) FROM rejections r
             JOIN files n ON n.id = r.note AND n.current <> 0
             LEFT JOIN files f ON f.study = r.study AND f.series = r.series AND f.sop = r.sop
                 AND f.current <> 0 AND f.id <> n.id
             GROUP BY n.id ORDER BY n.study, n.id",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Note {
                study: row.get(0)?,
                series: row.get(1)?,
                title: row.get(2)?,
                instances: super::index::unsigned(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    })
}

impl FolderStore {
    /// Patient ID, as it is searched, of a study of which nothing is in use.
    pub(super) fn patient_of_rejected(&self, study: &str) -> Result<Option<String>, SourceError> {
        Ok(self.index.read(|connection| {
            let sql = format!(
                "SELECT {PACKED} FROM files f WHERE f.study = ?1 AND f.current = 2 LIMIT 1"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([study])?;
            let found = rows.next()?;
            let set = found.map(|row| unpacked(&mut Unpacker::default(), row, 0));
            let set = set.transpose()?;
            let patient = set.and_then(|set| Dataset::from_map(set).text(0x0010_0020));
            Ok(patient.map(|patient| fold(&patient)))
        })?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use serde_json::json;

    use super::*;

    fn note(class: &str, scheme: &str, code: &str) -> Dataset {
        let ui = |uid: &str| json!({"vr": "UI", "Value": [uid]});
        let sq = |items: Value| json!({"vr": "SQ", "Value": items});
        let sop =
            |uid: &str| json!({"00081150": ui("1.2.840.10008.5.1.4.1.1.2"), "00081155": ui(uid)});
        let evidence = |study: &str, series: &str, sops: Vec<Value>| {
            let series = json!({"0020000E": ui(series), "00081199": sq(json!(sops))});
            json!({"0020000D": ui(study), "00081115": sq(json!([series]))})
        };
        let set = json!({
            "00080016": ui(class),
            "0020000D": ui("1.1"),
            "0040A043": sq(json!([{
                "00080100": {"vr": "SH", "Value": [code]},
                "00080102": {"vr": "SH", "Value": [scheme]}}])),
            "0040A375": sq(json!([
                evidence("1.1", "1.1.2", vec![sop("1.1.2.1"), sop("1.1.2.2")]),
                evidence("1.9", "1.9.2", vec![sop("1.9.2.1")])])),
        });
        Dataset::from_map(set.as_object().unwrap().clone())
    }

    #[test]
    fn a_note_rejects_what_it_names_of_its_own_study_alone() {
        for title in Title::ALL {
            let found = Rejection::of(&note(KEY_OBJECTS, "DCM", title.code())).unwrap();
            assert_eq!(found.title, title);
            let expected = ["1.1.2.1", "1.1.2.2"].map(|sop| ["1.1.2".to_owned(), sop.to_owned()]);
            assert_eq!(found.instances, BTreeSet::from(expected));
        }
    }

    #[test]
    fn other_documents_reject_nothing() {
        // PS3.16 CID 7010: For Referring Provider, Manifest.
        for code in ["113002", "113030"] {
            assert_eq!(Rejection::of(&note(KEY_OBJECTS, "DCM", code)), None);
        }
        assert_eq!(Rejection::of(&note(KEY_OBJECTS, "99X", "113001")), None);
        let report = "1.2.840.10008.5.1.4.1.1.88.11";
        assert_eq!(Rejection::of(&note(report, "DCM", "113001")), None);
    }
}
