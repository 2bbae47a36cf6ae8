//! One filter as a condition of SQL.
//!
//! Values are bound, never written into the text. Where an index can narrow a pattern down, it does, and the pattern is compared
//! with what is left: three characters of it that stand together are looked up in `study_text`.

use protocol::dicomweb::moment;
use protocol::dicomweb::query::{Field, Filter, Matching};
use rusqlite::types::Value as Sql;

use super::super::entry::fold;
use super::matching::words;

/// Where a field is searched: table alias and column.
pub fn column(field: Field) -> &'static str {
    match field {
        Field::StudyInstanceUid => "s.uid",
        Field::SeriesInstanceUid => "e.uid",
        Field::SopInstanceUid => "f.sop",
        Field::SopClassUid => "f.sop_class",
        Field::PatientName => "s.name",
        Field::PatientId => "s.patient_id",
        Field::IssuerOfPatientId => "s.issuer",
        Field::PatientBirthDate => "s.birth_date",
        Field::PatientSex => "s.sex",
        Field::AccessionNumber => "s.accession",
        Field::StudyId => "s.study_id",
        Field::StudyDate => "s.date",
        Field::StudyTime => "s.time",
        Field::StudyDescription => "s.description",
        Field::ModalitiesInStudy => "s.modalities",
        // Looked for among the study's files.
        Field::SopClassesInStudy => "s.uid",
        Field::ReferringPhysicianName => "s.referring",
        Field::NumberOfStudyRelatedSeries => "s.series_count",
        Field::NumberOfStudyRelatedInstances => "s.instance_count",
        // Of each file: there are series whose images and reports are not of one modality.
        Field::Modality => "f.modality",
        Field::SeriesNumber => "e.number",
        Field::SeriesDescription => "e.description",
        Field::SeriesDate => "e.date",
        Field::SeriesTime => "e.time",
        Field::BodyPartExamined => "e.body_part",
        Field::Laterality => "e.laterality",
        Field::ProtocolName => "e.protocol",
        Field::Manufacturer => "e.manufacturer",
        Field::ManufacturerModelName => "e.model",
        Field::InstitutionName => "e.institution",
        Field::InstitutionalDepartmentName => "e.department",
        Field::StationName => "e.station",
        Field::PerformingPhysicianName => "e.performing",
        Field::OperatorsName => "e.operators",
        Field::PerformedProcedureStepStartDate => "e.step_date",
        Field::PerformedProcedureStepStartTime => "e.step_time",
        Field::ScheduledProcedureStepId | Field::RequestedProcedureId => "e.requests",
        Field::NumberOfSeriesRelatedInstances => "e.instance_count",
        Field::InstanceNumber => "f.number",
        Field::NumberOfFrames => "f.frame_count",
    }
}

/// The column by which answers are ordered.
pub fn order_column(field: Field) -> &'static str {
    match field {
        Field::Modality => "e.modality",
        field => column(field),
    }
}

/// The column of `study_text` that has the text of a field.
fn narrowed_by(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::PatientName => "name",
        Field::PatientId => "patient_id",
        Field::AccessionNumber => "accession",
        Field::StudyId => "study_id",
        Field::StudyDescription => "description",
        Field::ReferringPhysicianName => "referring",
        _ => return None,
    })
}

fn text(text: impl Into<String>) -> Sql {
    Sql::Text(text.into())
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The condition of one filter; its values are appended to `values`.
pub fn condition(field: Field, filter: &Filter, fuzzy: bool, values: &mut Vec<Sql>) -> String {
    let column = column(field);
    match filter {
        Filter::AnyOf(list) if field == Field::SopClassesInStudy => {
            values.extend(list.iter().map(text));
            among_classes(&format!("f.sop_class IN ({})", places(list.len())))
        }
        Filter::AnyOf(list) if field.matching() == Matching::Code => {
            let each = list.iter().map(|code| self::code(field, code, values));
            format!("({})", each.collect::<Vec<_>>().join(" OR "))
        }
        Filter::AnyOf(list) => {
            values.extend(list.iter().map(text));
            format!("{column} IN ({})", places(list.len()))
        }
        Filter::Text(pattern) => pattern_condition(field, &fold(pattern), fuzzy, values),
        Filter::At(at) => within(column, Some(at), Some(at), true, values),
        Filter::Range { from, to } => {
            let is_time = field.matching() == Matching::Time;
            within(column, from.as_deref(), to.as_deref(), is_time, values)
        }
        Filter::Number(number) => {
            values.push(Sql::Integer(*number));
            format!("{column} = ?")
        }
        Filter::Empty if field == Field::SopClassesInStudy => {
            format!("NOT {}", among_classes("f.sop_class <> ''"))
        }
        Filter::Empty => format!("coalesce({column}, '') = ''"),
    }
}

fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

fn among_classes(condition: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM files f WHERE f.study = s.uid AND f.current = 1 AND {condition})"
    )
}

fn code(field: Field, code: &str, values: &mut Vec<Sql>) -> String {
    let column = column(field);
    if has_wildcard(code) {
        values.push(text(code));
        return format!("code_match(?, {column})");
    }
    if field == Field::ModalitiesInStudy {
        values.push(text(format!("\\{code}\\")));
        return format!("instr({column}, ?) > 0");
    }
    values.push(text(code));
    format!("{column} = ?")
}

fn pattern_condition(field: Field, pattern: &str, fuzzy: bool, values: &mut Vec<Sql>) -> String {
    let column = column(field);
    // One value without groups: found as it stands.
    let is_plain = matches!(field, Field::PatientId | Field::AccessionNumber);
    if is_plain && !has_wildcard(pattern) {
        values.push(text(pattern));
        return format!("{column} = ?");
    }
    let is_name = field.matching() == Matching::Name;
    let function = match (is_name, fuzzy) {
        (true, true) => "fuzzy_match",
        (true, false) => "name_match",
        (false, _) => "text_match",
    };
    let compared = format!("{function}(?, {column})");
    let narrowed = narrowed_by(field).and_then(|name| lookup(name, pattern, is_name && fuzzy));
    let Some(lookup) = narrowed else {
        values.push(text(pattern));
        return compared;
    };
    values.extend([text(lookup), text(pattern)]);
    format!("(s.id IN (SELECT rowid FROM study_text WHERE study_text MATCH ?) AND {compared})")
}

/// What to look up of a pattern: all its pieces that are long enough; `None` where none is.
fn lookup(column: &str, pattern: &str, by_words: bool) -> Option<String> {
    let pieces: Vec<&str> = match by_words {
        true => words(pattern).collect(),
        false => pattern
            .split(['*', '?', '='])
            .map(|piece| piece.trim().trim_end_matches('^'))
            .collect(),
    };
    let quoted: Vec<String> = pieces
        .into_iter()
        // The index reads its query up to a zero.
        .filter(|piece| piece.chars().count() >= 3 && !piece.contains('\0'))
        .map(|piece| format!("\"{}\"", piece.replace('"', "\"\"")))
        .collect();
    (!quoted.is_empty()).then(|| format!("{column} : ({})", quoted.join(" AND ")))
}

/// Days are compared as they stand, times as twelve digits.
fn within(
    column: &str,
    from: Option<&str>,
    to: Option<&str>,
    is_time: bool,
    values: &mut Vec<Sql>,
) -> String {
    let mut parts = vec![format!("{column} <> ''")];
    if let Some(from) = from {
        parts.push(format!("{column} >= ?"));
        values.push(text(if is_time {
            moment::first_of(from)
        } else {
            from.to_owned()
        }));
    }
    if let Some(to) = to {
        parts.push(format!("{column} <= ?"));
        values.push(text(if is_time {
            moment::last_of(to)
        } else {
            to.to_owned()
        }));
    }
    format!("({})", parts.join(" AND "))
}

/// The condition of a date's and its time's ranges that are one range.
pub fn combined(fields: [Field; 2], ranges: [&Filter; 2], values: &mut Vec<Sql>) -> String {
    let [date, time] = fields.map(column);
    let mut parts = vec![condition(fields[0], ranges[0], false, values)];
    if let [
        Filter::Range { from, to },
        Filter::Range {
            from: first,
            to: last,
        },
    ] = ranges
    {
        // Only on the first and on the last day the time says something.
        if let (Some(from), Some(first)) = (from, first) {
            parts.push(format!("({date} > ? OR ({time} <> '' AND {time} >= ?))"));
            values.extend([text(from), text(moment::first_of(first))]);
        }
        if let (Some(to), Some(last)) = (to, last) {
            parts.push(format!("({date} < ? OR ({time} <> '' AND {time} <= ?))"));
            values.extend([text(to), text(moment::last_of(last))]);
        }
    }
    format!("({})", parts.join(" AND "))
}

/// The condition that one item of the Request Attributes Sequence matches; `None` where nothing is asked for.
pub fn item(filters: [Option<&Filter>; 2], values: &mut Vec<Sql>) -> Option<String> {
    filters.iter().any(Option::is_some).then(|| {
        values.extend(filters.map(|filter| match filter {
            Some(Filter::Text(pattern)) => text(fold(pattern)),
            Some(_) => text(""),
            None => Sql::Null,
        }));
        "item_match(?, ?, e.requests)".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_three_characters_are_looked_up_and_shorter_ones_compared() {
        let found = |pattern| lookup("name", pattern, false);
        let expected = Some("name : (\"ada\" AND \"example\")".to_owned());
        assert_eq!(found("*ada*example*"), expected);
        assert_eq!(found("*li*"), None);
        assert_eq!(found("do^^^"), None);
        assert_eq!(found("say \"x"), Some("name : (\"say \"\"x\")".to_owned()));
        let fuzzy = lookup("name", "john do", true);
        assert_eq!(fuzzy, Some("name : (\"john\")".to_owned()));
    }
}
