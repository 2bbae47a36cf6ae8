//! QIDO-RS searches over the index.
//!
//! Source: DICOM PS3.18 section 10.6, PS3.4 section C.2.2.2 (matching).

mod answer;
mod condition;
pub mod matching;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use protocol::dicomweb::query::{Field, QidoQuery};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value, json};

use self::answer::{Answering, SERIES_COLUMNS, STUDY_COLUMNS, Wanted, instance_columns};
use self::condition::{column, combined, condition, item, order_column};
use super::index::IndexError;
use crate::auth::visible::Studies;

/// Most results of one answer: others are had by `offset`.
const MOST_RESULTS: u32 = 10_000;
/// Most instances of one answer.
const MOST_INSTANCES: u32 = 50_000;
/// Where counting stops: a search over all instances would read each of them.
const MOST_COUNTED: i64 = 1_000_000;
/// Counts that are remembered.
const MOST_REMEMBERED: usize = 512;
/// Bytes of a question whose answer is remembered.
const LONGEST_REMEMBERED: usize = 16 << 10;

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Studies.
    Study,
    /// Series, of one study or of all.
    Series,
    /// Instances, of one series, of one study or of all.
    Instance,
}

/// What is searched for, and where; a UID is taken as it stands: it may hold commas or wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    /// What a result is.
    pub level: Level,
    /// The study whose series or instances are searched; none for those of all.
    pub study: Option<String>,
    /// The series whose instances are searched.
    pub series: Option<String>,
}

impl From<Level> for Within {
    fn from(level: Level) -> Self {
        Self {
            level,
            study: None,
            series: None,
        }
    }
}

/// One page of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Data sets of this page.
    pub results: Vec<Value>,
    /// Results without limit and offset; `None` where there are more than are counted.
    pub total: Option<u64>,
    /// What the asker is told beside: there is more, or something was passed over.
    pub warnings: Vec<String>,
}

/// How many match, as long as nothing changes: whoever turns pages asks for the same again and again.
#[derive(Debug, Default)]
pub struct Counts {
    /// Changes of the index.
    changes: Arc<AtomicU64>,
    known: Mutex<(u64, HashMap<String, i64>)>,
}

impl Counts {
    /// The number that is raised after each change of the index.
    pub fn changes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.changes)
    }

    fn of(
        &self,
        question: String,
        count: impl FnOnce() -> Result<i64, IndexError>,
    ) -> Result<i64, IndexError> {
        // Read before the count: what changes meanwhile makes it be counted again.
        let now = self.changes.load(Ordering::SeqCst);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut known = known();
            if known.0 != now {
                *known = (now, HashMap::new());
            }
            if let Some(count) = known.1.get(&question) {
                return Ok(*count);
            }
        }
        let found = count()?;
        let mut known = known();
        let has_room = known.1.len() < MOST_REMEMBERED && question.len() < LONGEST_REMEMBERED;
        if known.0 == now && has_room {
            known.1.insert(question, found);
        }
        Ok(found)
    }
}

/// A search that is ready to run: everything after SELECT's columns.
struct Plan {
    from: String,
    values: Vec<Sql>,
    order: String,
}

/// The condition that leaves only what may be found; `None` where that is everything.
fn may_be_found(studies: &Studies, values: &mut Vec<Sql>) -> Option<String> {
    match studies {
        Studies::All => None,
        // Those of other servers are judged one by one; here they are not.
        Studies::Nothing | Studies::Each(_) => Some("0".to_owned()),
        Studies::Some {
            referring,
            also,
            never,
        } => {
            for list in [also, referring, never] {
                values.push(Sql::Text(json!(list).to_string()));
            }
            let listed = "(SELECT value FROM json_each(?))";
            Some(format!(
                "(s.uid IN {listed} OR (s.referring IN {listed} AND s.uid NOT IN {listed}))"
            ))
        }
    }
}

/// Attributes of an item of the Request Attributes Sequence, which match together.
const ITEM: [Field; 2] = [Field::ScheduledProcedureStepId, Field::RequestedProcedureId];

/// Conditions, each with its table's alias and its values.
fn conditions(query: &QidoQuery) -> Vec<(u8, String, Vec<Sql>)> {
    let mut found = Vec::new();
    let mut add = |alias: &str, make: &mut dyn FnMut(&mut Vec<Sql>) -> Option<String>| {
        let mut values = Vec::new();
        if let Some(condition) = make(&mut values) {
            found.push((alias.as_bytes()[0], condition, values));
        }
    };
    let pairs = query.combined();
    for (fields, ranges) in &pairs {
        add(column(fields[0]), &mut |values| {
            Some(combined(*fields, *ranges, values))
        });
    }
    add("e", &mut |values| {
        item(ITEM.map(|field| query.filter(field)), values)
    });
    for (field, filter) in &query.filters {
        let is_done = ITEM.contains(field) || pairs.iter().any(|(both, _)| both.contains(field));
        if !is_done {
            add(column(*field), &mut |values| {
                Some(condition(*field, filter, query.fuzzy_matching, values))
            });
        }
    }
    found
}

fn plan(within: &Within, query: &QidoQuery, studies: &Studies) -> Plan {
    let level = within.level;
    let (mut own, mut values) = (Vec::new(), Vec::new());
    let (mut below, mut below_values, mut below_files) = (Vec::new(), Vec::new(), false);
    for (alias, condition, mut bound) in conditions(query) {
        let is_below = matches!(
            (level, alias),
            (Level::Study, b'e' | b'f') | (Level::Series, b'f')
        );
        if is_below {
            below_files |= alias == b'f';
            below.push(condition);
            below_values.append(&mut bound);
        } else {
            own.push(condition);
            values.append(&mut bound);
        }
    }
    // What a UID names is looked up first, else studies are gone through in their order.
    let is_named = [Field::SeriesInstanceUid, Field::SopInstanceUid]
        .into_iter()
        .any(|field| query.filter(field).is_some());
    if !below.is_empty() {
        own.push(below_condition(
            level,
            &below.join(" AND "),
            below_files,
            is_named,
        ));
        values.append(&mut below_values);
    }
    let place = [("s.uid", &within.study), ("e.uid", &within.series)];
    for (column, uid) in place {
        if let Some(uid) = uid {
            own.push(format!("{column} = ?"));
            values.push(Sql::Text(uid.clone()));
        }
    }
    own.extend(may_be_found(studies, &mut values));
    let join = if is_named { "JOIN" } else { "CROSS JOIN" };
    let series = format!("studies s {join} series e ON e.study = s.uid");
    let (tables, default_order) = match level {
        Level::Study => ("studies s".to_owned(), "s.date DESC, s.time DESC, s.uid"),
        Level::Series => (
            series,
            "s.date DESC, s.time DESC, s.uid, e.number IS NULL, e.number, e.uid",
        ),
        Level::Instance => (
            format!("{series} {join} files f ON f.study = e.study AND f.series = e.uid"),
            "s.date DESC, s.time DESC, s.uid, e.number IS NULL, e.number, e.uid,
             f.number IS NULL, f.number, f.sop",
        ),
    };
    if level == Level::Instance {
        own.push("f.current = 1".to_owned());
    }
    let filter = if own.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", own.join(" AND "))
    };
    let order = match query
        .order_by
        .map(|order| (order_column(order.field), order.descending))
    {
        Some((column, descending)) if reaches(level, column) => {
            // What has no value comes last, whichever way round; downwards it does so by itself.
            if descending && default_order.starts_with(&format!("{column} DESC")) {
                default_order.to_owned()
            } else if descending {
                format!("{column} DESC, {default_order}")
            } else {
                format!("coalesce({column}, '') = '', {column}, {default_order}")
            }
        }
        _ => default_order.to_owned(),
    };
    Plan {
        from: format!("FROM {tables}{filter}"),
        values,
        order,
    }
}

/// The condition that something below matches: one series, or one file of it, in all of the inner conditions.
fn below_condition(level: Level, inner: &str, has_files: bool, is_named: bool) -> String {
    let files = "f.study = e.study AND f.series = e.uid AND f.current = 1";
    let series = match has_files {
        true => format!("series e JOIN files f ON {files}"),
        false => "series e".to_owned(),
    };
    match (level, is_named) {
        (Level::Study, true) => format!("s.uid IN (SELECT e.study FROM {series} WHERE {inner})"),
        (Level::Study, false) => {
            format!("EXISTS (SELECT 1 FROM {series} WHERE e.study = s.uid AND {inner})")
        }
        (_, true) => format!(
            "(e.study, e.uid) IN
             (SELECT f.study, f.series FROM files f WHERE f.current = 1 AND {inner})"
        ),
        (_, false) => format!("EXISTS (SELECT 1 FROM files f WHERE {files} AND {inner})"),
    }
}

/// True where the tables of a level hold the column.
fn reaches(level: Level, column: &str) -> bool {
    match level {
        Level::Study => column.starts_with("s."),
        Level::Series => !column.starts_with("f."),
        Level::Instance => true,
    }
}

/// Runs a search. `root` is the DICOMweb root as a path, for `RetrieveURL`.
///
/// # Errors
/// The index fails.
pub fn search(
    connection: &Connection,
    counts: &Counts,
    within: &Within,
    query: &QidoQuery,
    studies: &Studies,
    root: &str,
) -> Result<Found, IndexError> {
    let wanted = Wanted::of(query);
    let Plan {
        from,
        mut values,
        order,
    } = plan(within, query, studies);
    let question = format!("{from} {values:?}");
    let count_values = values.clone();
    let (columns, most) = match within.level {
        Level::Study => (STUDY_COLUMNS.to_owned(), MOST_RESULTS),
        Level::Series => (format!("{STUDY_COLUMNS}, {SERIES_COLUMNS}"), MOST_RESULTS),
        Level::Instance => (
            format!("{STUDY_COLUMNS}, {SERIES_COLUMNS}, {}", instance_columns()),
            MOST_INSTANCES,
        ),
    };
    let sql = format!("SELECT {columns} {from} ORDER BY {order} LIMIT ? OFFSET ?");
    let limit = query.limit.unwrap_or(most).min(most);
    values.push(Sql::Integer(i64::from(limit)));
    values.push(Sql::Integer(i64::from(query.offset)));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&values))?;
    let mut answering = Answering::new(connection, within, &wanted, studies, root);
    let mut results = Vec::new();
    while let Some(row) = rows.next()? {
        results.push(answering.data_set(row)?);
    }
    let end = u64::from(query.offset) + results.len() as u64;
    // A page that is not full ends with the last result.
    let is_last = results.len() < limit as usize && (query.offset == 0 || !results.is_empty());
    let total = if is_last {
        Some(end)
    } else {
        let counted = counts.of(question, || {
            let count = format!("SELECT count(*) FROM (SELECT 1 {from} LIMIT {MOST_COUNTED})");
            let mut statement = connection.prepare_cached(&count)?;
            Ok(statement.query_row(params_from_iter(&count_values), |row| row.get(0))?)
        })?;
        // A full page is there, whatever was counted a moment before.
        let counted = u64::try_from(counted).unwrap_or_default();
        (counted < MOST_COUNTED.unsigned_abs()).then_some(counted.max(if results.is_empty() {
            0
        } else {
            end
        }))
    };
    let is_cut = query.limit.is_none_or(|limit| limit > most);
    Ok(Found {
        warnings: warnings(query, &wanted, end, total, is_cut),
        results,
        total,
    })
}

/// What the asker is told beside the results, in the words of PS3.18 8.3.4 where it has some.
fn warnings(
    query: &QidoQuery,
    wanted: &Wanted,
    end: u64,
    total: Option<u64>,
    is_cut: bool,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let end = end.max(u64::from(query.offset));
    let remaining = total.map(|total| total.saturating_sub(end));
    if remaining != Some(0) && is_cut {
        warnings.push(
            "The number of results exceeded the maximum supported by the server. \
             Additional results can be requested."
                .to_owned(),
        );
    } else {
        match remaining {
            Some(0) => {}
            Some(remaining) => warnings.push(format!(
                "There are {remaining} additional results that can be requested"
            )),
            None => warnings.push("There are additional results that can be requested".to_owned()),
        }
    }
    if query.multiple_values {
        warnings.push(
            "The multiplevaluematching parameter is not supported. \
             Multiple Value Matching has not been performed."
                .to_owned(),
        );
    }
    if !wanted.unknown.is_empty() {
        let names = wanted.unknown.iter().take(8).map(String::as_str);
        let names = names.collect::<Vec<_>>().join(", ");
        warnings.push(format!(
            "No attributes are named {names}: they were passed over."
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_remembered_until_something_changes() {
        let counts = Counts::default();
        let of = |number| counts.of("FROM studies s".to_owned(), || Ok(number)).ok();
        assert_eq!([of(1), of(2)], [Some(1), Some(1)]);
        counts.changes().fetch_add(1, Ordering::SeqCst);
        assert_eq!([of(3), of(4)], [Some(3), Some(3)]);
    }

    #[test]
    fn the_asker_is_told_what_is_left_in_the_words_of_the_standard() {
        let query = QidoQuery::default();
        let told = |end, total, is_cut| warnings(&query, &Wanted::default(), end, total, is_cut);
        assert_eq!(told(2, Some(2), true), [""; 0]);
        let left = ["There are 3 additional results that can be requested"];
        assert_eq!(told(2, Some(5), false), left);
        assert!(told(2, None, true)[0].starts_with("The number of results exceeded the maximum"));
        assert!(told(2, Some(5), true)[0].ends_with("Additional results can be requested."));
    }
}
