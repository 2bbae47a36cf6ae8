//! QIDO-RS searches over the index.
//!
//! Source: DICOM PS3.18 section 10.6, PS3.4 section C.2.2.2 (matching).

use protocol::dicomweb::path;
use protocol::dicomweb::query::{Field, Filter, QidoQuery};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value, json};

use super::entry::{fold, inflate_into};
use super::index::IndexError;
use crate::auth::visible::Studies;

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

/// One page of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Data sets of this page.
    pub results: Vec<Value>,
    /// Results without limit and offset.
    pub total: u64,
}

/// Where a field is searched: table alias and column.
fn column(field: Field) -> &'static str {
    match field {
        Field::StudyInstanceUid => "s.uid",
        Field::SeriesInstanceUid => "e.uid",
        Field::SopInstanceUid => "f.sop",
        Field::SopClassUid => "f.sop_class",
        Field::PatientName => "s.name",
        Field::PatientId => "s.patient_id",
        Field::PatientBirthDate => "s.birth_date",
        Field::PatientSex => "s.sex",
        Field::AccessionNumber => "s.accession",
        Field::StudyId => "s.study_id",
        Field::StudyDate => "s.date",
        Field::StudyTime => "s.time",
        Field::StudyDescription => "s.description",
        Field::ModalitiesInStudy => "s.modalities",
        Field::Modality => "e.modality",
        Field::ReferringPhysicianName => "s.referring",
        Field::SeriesNumber => "e.number",
        Field::SeriesDescription => "e.description",
        Field::BodyPartExamined => "e.body_part",
        Field::InstanceNumber => "f.number",
    }
}

/// The condition of one filter; its values are appended to `values`.
fn condition(field: Field, filter: &Filter, fuzzy: bool, values: &mut Vec<Sql>) -> String {
    let column = column(field);
    match filter {
        Filter::AnyOf(list) if field == Field::ModalitiesInStudy => {
            let each = list.iter().map(|code| {
                values.push(Sql::Text(format!("\\{code}\\")));
                "instr(s.modalities, ?) > 0"
            });
            format!("({})", each.collect::<Vec<_>>().join(" OR "))
        }
        Filter::AnyOf(list) => {
            values.extend(list.iter().cloned().map(Sql::Text));
            format!("{column} IN ({})", vec!["?"; list.len()].join(", "))
        }
        Filter::Text(text) => {
            values.push(Sql::Text(fold(text)));
            let name = matches!(field, Field::PatientName | Field::ReferringPhysicianName);
            let function = if fuzzy && name {
                "words_match"
            } else {
                "wildcard_match"
            };
            format!("{function}(?, {column})")
        }
        Filter::Range { from, to } => {
            let mut parts = vec![format!("{column} <> ''")];
            if let Some(from) = from {
                values.push(Sql::Text(from.clone()));
                parts.push(format!("{column} >= ?"));
            }
            if let Some(to) = to {
                // A time that is cut short stands for all that begins with it.
                parts.push(format!("substr({column}, 1, {}) <= ?", to.len()));
                values.push(Sql::Text(to.clone()));
            }
            format!("({})", parts.join(" AND "))
        }
        Filter::Number(number) => {
            values.push(Sql::Integer(*number));
            format!("{column} = ?")
        }
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
                "(s.uid IN {listed} OR (coalesce(s.referring, '') IN {listed} AND s.uid NOT IN {listed}))"
            ))
        }
    }
}

fn plan(level: Level, query: &QidoQuery, studies: &Studies) -> Plan {
    let mut values = Vec::new();
    let mut own = Vec::new();
    let mut below = Vec::new();
    let mut below_values = Vec::new();
    for (field, filter) in &query.filters {
        let is_below = matches!(
            (level, column(*field).as_bytes().first()),
            (Level::Study, Some(b'e' | b'f')) | (Level::Series, Some(b'f'))
        );
        let (conditions, bound) = if is_below {
            (&mut below, &mut below_values)
        } else {
            (&mut own, &mut values)
        };
        conditions.push(condition(*field, filter, query.fuzzy_matching, bound));
    }
    if !below.is_empty() {
        let inner = below.join(" AND ");
        own.push(match level {
            Level::Study => format!(
                "EXISTS (SELECT 1 FROM series e JOIN files f
                   ON f.study = e.study AND f.series = e.uid AND f.current = 1
                 WHERE e.study = s.uid AND {inner})"
            ),
            _ => format!(
                "EXISTS (SELECT 1 FROM files f
                 WHERE f.study = e.study AND f.series = e.uid AND f.current = 1 AND {inner})"
            ),
        });
        values.append(&mut below_values);
    }
    own.extend(may_be_found(studies, &mut values));
    let (tables, default_order) = match level {
        Level::Study => ("studies s", "s.date DESC, s.time DESC, s.uid"),
        Level::Series => (
            "series e JOIN studies s ON s.uid = e.study",
            "s.date DESC, s.time DESC, s.uid, e.number IS NULL, e.number, e.uid",
        ),
        Level::Instance => (
            "files f JOIN series e ON e.study = f.study AND e.uid = f.series
             JOIN studies s ON s.uid = f.study",
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
        .map(|order| (column(order.field), order.descending))
    {
        Some((column, descending)) if reaches(level, column) => {
            let direction = if descending { "DESC" } else { "ASC" };
            // What has no value comes last, whichever way round.
            format!("coalesce({column}, '') = '', {column} {direction}, {default_order}")
        }
        _ => default_order.to_owned(),
    };
    Plan {
        from: format!("FROM {tables}{filter}"),
        values,
        order,
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
pub fn search(
    connection: &Connection,
    level: Level,
    query: &QidoQuery,
    studies: &Studies,
    root: &str,
) -> Result<Found, IndexError> {
    let Plan {
        from,
        mut values,
        order,
    } = plan(level, query, studies);
    let count = format!("SELECT count(*) {from}");
    let total: i64 = connection
        .prepare_cached(&count)?
        .query_row(params_from_iter(&values), |row| row.get(0))?;
    let columns = match level {
        Level::Study => "s.uid, s.attributes, s.series_count, s.instance_count, s.modalities",
        Level::Series => {
            "e.study, e.uid, e.attributes, s.attributes, e.instance_count, e.frame_count"
        }
        Level::Instance => "f.study, f.series, f.sop, f.metadata",
    };
    let sql = format!("SELECT {columns} {from} ORDER BY {order} LIMIT ? OFFSET ?");
    values.push(Sql::Integer(query.limit.map_or(-1, i64::from)));
    values.push(Sql::Integer(i64::from(query.offset)));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&values))?;
    let mut results = Vec::new();
    while let Some(row) = rows.next()? {
        results.push(Value::Object(match level {
            Level::Study => study(row, root)?,
            Level::Series => series(row, root)?,
            Level::Instance => instance(row, root, &query.include_fields)?,
        }));
    }
    Ok(Found {
        results,
        total: u64::try_from(total).unwrap_or_default(),
    })
}

fn attributes(text: &str) -> Result<Map<String, Value>, IndexError> {
    serde_json::from_str(text).map_err(|_| IndexError::Damaged)
}

fn add_common(set: &mut Map<String, Value>, url: String) {
    set.insert(
        "00080005".into(),
        json!({"vr": "CS", "Value": ["ISO_IR 192"]}),
    );
    set.insert("00080056".into(), json!({"vr": "CS", "Value": ["ONLINE"]}));
    set.insert("00081190".into(), json!({"vr": "UR", "Value": [url]}));
}

fn study(row: &Row<'_>, root: &str) -> Result<Map<String, Value>, IndexError> {
    let uid: String = row.get(0)?;
    let mut set = attributes(row.get_ref(1)?.as_str().unwrap_or_default())?;
    let (series_count, instance_count): (i64, i64) = (row.get(2)?, row.get(3)?);
    let modalities: String = row.get(4)?;
    let modalities: Vec<&str> = modalities
        .split('\\')
        .filter(|code| !code.is_empty())
        .collect();
    set.insert("00080061".into(), json!({"vr": "CS", "Value": modalities}));
    set.insert(
        "00201206".into(),
        json!({"vr": "IS", "Value": [series_count]}),
    );
    set.insert(
        "00201208".into(),
        json!({"vr": "IS", "Value": [instance_count]}),
    );
    add_common(&mut set, format!("{root}/{}", path::study(&uid)));
    Ok(set)
}

fn series(row: &Row<'_>, root: &str) -> Result<Map<String, Value>, IndexError> {
    let (study, uid): (String, String) = (row.get(0)?, row.get(1)?);
    let mut set = attributes(row.get_ref(2)?.as_str().unwrap_or_default())?;
    for (tag, value) in attributes(row.get_ref(3)?.as_str().unwrap_or_default())? {
        set.entry(tag).or_insert(value);
    }
    let (instance_count, frame_count): (i64, i64) = (row.get(4)?, row.get(5)?);
    set.insert(
        "00201209".into(),
        json!({"vr": "IS", "Value": [instance_count]}),
    );
    // All frames of the series: what a series panel shows as its number of pictures.
    set.insert(
        "00280008".into(),
        json!({"vr": "IS", "Value": [frame_count]}),
    );
    add_common(
        &mut set,
        format!("{root}/{}", path::one_series(&study, &uid)),
    );
    Ok(set)
}

/// Instance-level attributes of an answer, PS3.18 table 10.6.3-5.
const INSTANCE_TAGS: [&str; 11] = [
    "00080016", "00080018", "00083002", "0020000D", "0020000E", "00200013", "00280008", "00280010",
    "00280011", "00280100", "00080060",
];

fn instance(
    row: &Row<'_>,
    root: &str,
    wanted: &[String],
) -> Result<Map<String, Value>, IndexError> {
    let uids: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
    let mut text = Vec::new();
    inflate_into(row.get_ref(3)?.as_blob().unwrap_or_default(), &mut text)
        .map_err(|_| IndexError::Damaged)?;
    let mut all: Map<String, Value> =
        serde_json::from_slice(&text).map_err(|_| IndexError::Damaged)?;
    let base = format!("{root}/{}", path::instance(&uids[0], &uids[1], &uids[2]));
    let mut set = if wanted.iter().any(|name| name == "all") {
        all.retain(|_, value| value.get("BulkDataURI").is_none() && value["vr"] != "SQ");
        all
    } else {
        let extra = wanted.iter().filter_map(|name| tag_name(name));
        INSTANCE_TAGS
            .iter()
            .map(|tag| (*tag).to_owned())
            .chain(extra)
            .filter_map(|tag| all.remove(&tag).map(|value| (tag, value)))
            .filter(|(_, value)| value.get("BulkDataURI").is_none())
            .collect()
    };
    add_common(&mut set, base);
    Ok(set)
}

/// Eight digits for a keyword or a tag.
fn tag_name(name: &str) -> Option<String> {
    use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
    if name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(name.to_ascii_uppercase());
    }
    let tag = dicom_dictionary_std::StandardDataDictionary
        .by_name(name)?
        .tag();
    Some(format!("{:04X}{:04X}", tag.group(), tag.element()))
}

/// Matches `*` and `?` (PS3.4 C.2.2.2.4) against a value or one of its `=` groups.
pub fn wildcard_match(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    glob(&pattern, text)
        || (text.contains('=') && text.split('=').any(|group| glob(&pattern, group)))
}

fn glob(pattern: &[char], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            // On a mismatch the last star swallows one character more.
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// True where every word of the pattern begins a word of the text.
pub fn words_match(pattern: &str, text: &str) -> bool {
    let words = |text: &'_ str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let known = words(text);
    words(pattern)
        .iter()
        .all(|word| known.iter().any(|other| other.starts_with(word.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_ps3_4() {
        for (pattern, text, expected) in [
            ("doe*", "doe^john", true),
            ("*john", "doe^john", true),
            ("d?e^*", "doe^john", true),
            ("doe", "doe^john", false),
            ("*a*b*c", "xxaxxbxxbc", true),
            ("*a*b*c", "xxaxxbxxbd", false),
            ("山田*", "yamada^tarou=山田^太郎", true),
            ("", "doe", false),
        ] {
            assert_eq!(wildcard_match(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn fuzzy_matching_compares_the_beginnings_of_words() {
        assert!(words_match("john do", "doe^john"));
        assert!(!words_match("ohn", "doe^john"));
        assert!(words_match("", "doe^john"));
    }
}
