//! What the list asks the server: filters and order as QIDO-RS searches.
//!
//! A search of QIDO-RS names an attribute, a person at a search field does not. So a free field stands
//! for several attributes, likeliest first, and the list asks by the next one where one finds nothing:
//! text with a digit is an ID, then an accession number, then a description, then a name; text without
//! one is a name as written, then with its words turned round, then a description, then an ID, then an
//! accession number. Text is found anywhere in the value, unless `*` or `?` say where.
//! Source: DICOM PS3.18 section 8.3.4, PS3.4 section C.2.2.2.4 (wild cards).

use super::dates::{self, Day, Days};
use super::memory::{Column, Filters, Order, When};
use protocol::dicomweb::query::{Field, Filter, OrderBy, QidoQuery};

/// One way to ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attempt {
    /// Filters, each field at most once.
    pub filters: Vec<(Field, Filter)>,
    /// What the search field was taken for, where there is text in it.
    pub searched_by: Option<Field>,
}

/// The Study Date that is asked for.
pub fn study_days(filters: &Filters, today: Day) -> Option<Days> {
    match filters.when {
        When::Any => dates::read(&filters.date),
        When::Today => Some(Days::between(today, today)),
        When::Yesterday => Some(Days::between(today - 1, today - 1)),
        When::Days(days) => Some(Days::between(today - i64::from(days) + 1, today)),
    }
}

/// Fields of the filter row that hold a date nobody can read; they do not filter.
pub fn unread_dates(filters: &Filters) -> Option<&'static str> {
    let is_unread = |text: &str| !text.trim().is_empty() && dates::read(text).is_none();
    if filters.when == When::Any && is_unread(&filters.date) {
        Some("study date")
    } else {
        is_unread(&filters.born).then_some("birth date")
    }
}

/// `text` anywhere in the value, unless it says by `*` or `?` where.
///
/// Spaces and carets are asked for as "any character": they would be escaped in the address, and Orthanc
/// does not read escapes there.
fn anywhere(text: &str) -> String {
    let text = text.trim();
    if text.contains(['*', '?']) {
        text.to_owned()
    } else {
        format!("*{}*", text.replace([' ', '^'], "?"))
    }
}

/// Patterns for a name as people write it: "Example, Ada" is `Example^Ada` in DICOM, and words without a
/// comma may stand in either order.
fn name_patterns(text: &str) -> Vec<String> {
    let text = text.trim();
    if let Some((family, given)) = text.split_once(',') {
        return vec![anywhere(&format!("{}^{}", family.trim(), given.trim()))];
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() < 2 || text.contains(['*', '?', '^']) {
        return vec![anywhere(text)];
    }
    let turned: Vec<&str> = words.iter().rev().copied().collect();
    vec![
        format!("*{}*", words.join("*")),
        format!("*{}*", turned.join("*")),
    ]
}

/// What the text of a free field may mean, likeliest first.
fn meanings(fields: &[Field], text: &str) -> Vec<(Field, String)> {
    let mut meanings = Vec::new();
    for field in fields {
        match field {
            Field::PatientName => meanings.extend(
                name_patterns(text)
                    .into_iter()
                    .map(|pattern| (*field, pattern)),
            ),
            _ => meanings.push((*field, anywhere(text))),
        }
    }
    meanings
}

/// The fields that a free field stands for, by its text.
fn fields_for(
    text: &str,
    with_digit: &'static [Field],
    without: &'static [Field],
) -> &'static [Field] {
    if text.chars().any(|c| c.is_ascii_digit()) {
        with_digit
    } else {
        without
    }
}

/// The ways to ask, in the order in which they are tried. None at all where two fields of the screen
/// could only mean the same attribute: then nothing matches.
pub fn attempts(filters: &Filters, today: Day) -> Vec<Attempt> {
    use Field::{AccessionNumber, PatientId, PatientName, StudyDescription};
    let mut first = Attempt::default();
    for (field, text) in [
        (PatientId, &filters.id),
        (AccessionNumber, &filters.accession),
    ] {
        if !text.trim().is_empty() {
            first.filters.push((field, Filter::Text(anywhere(text))));
        }
    }
    if let Some(days) = dates::read(&filters.born) {
        first.filters.push((Field::PatientBirthDate, days.filter()));
    }
    if let Some(days) = study_days(filters, today) {
        first.filters.push((Field::StudyDate, days.filter()));
    }
    if !filters.modalities.is_empty() {
        let list = Filter::AnyOf(filters.modalities.clone());
        first.filters.push((Field::ModalitiesInStudy, list));
    }
    let name = fields_for(
        &filters.name,
        &[PatientId, PatientName],
        &[PatientName, PatientId],
    );
    let is_code = !filters.description.trim().contains(' ');
    let description = match fields_for(&filters.description, &[AccessionNumber], &[]) {
        [] => [StudyDescription, AccessionNumber],
        _ if is_code => [AccessionNumber, StudyDescription],
        _ => [StudyDescription, AccessionNumber],
    };
    let search = fields_for(
        &filters.search,
        &[PatientId, AccessionNumber, StudyDescription, PatientName],
        &[PatientName, StudyDescription, PatientId, AccessionNumber],
    );
    let free = [
        (name, &filters.name, false),
        (&description, &filters.description, false),
        (search, &filters.search, true),
    ];
    let mut attempts = vec![first];
    for (fields, text, is_search) in free {
        if text.trim().is_empty() {
            continue;
        }
        let meanings = meanings(fields, text);
        attempts = attempts
            .iter()
            .flat_map(|attempt| {
                let taken = |field: Field| attempt.filters.iter().any(|(known, _)| *known == field);
                meanings
                    .iter()
                    .filter(move |(field, _)| !taken(*field))
                    .map(move |(field, pattern)| {
                        let mut attempt = attempt.clone();
                        attempt
                            .filters
                            .push((*field, Filter::Text(pattern.clone())));
                        if is_search {
                            attempt.searched_by = Some(*field);
                        }
                        attempt
                    })
            })
            .collect();
    }
    attempts
}

/// The query for a page: `limit` studies after the first `offset`.
pub fn page_query(attempt: Attempt, order: Order, offset: usize, limit: usize) -> String {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let query = QidoQuery {
        filters: attempt.filters,
        limit: Some(small(limit)),
        offset: small(offset),
        include_fields: [
            "StudyDescription",
            "NumberOfStudyRelatedSeries",
            "NumberOfStudyRelatedInstances",
        ]
        .map(str::to_owned)
        .to_vec(),
        order_by: Some(OrderBy {
            field: match order.column {
                Column::Patient => Field::PatientName,
                Column::Id => Field::PatientId,
                Column::Born => Field::PatientBirthDate,
                Column::Date => Field::StudyDate,
                Column::Modality => Field::ModalitiesInStudy,
                Column::Description => Field::StudyDescription,
                Column::Accession => Field::AccessionNumber,
            },
            descending: order.descending,
        }),
        ..QidoQuery::default()
    };
    query.to_query_string()
}

/// How the search field was understood, for the footer.
pub fn searched_by(field: Field) -> &'static str {
    match field {
        Field::PatientName => "by name",
        Field::PatientId => "by ID",
        Field::AccessionNumber => "by accession",
        _ => "by description",
    }
}

/// What is asked for, in words: "date 08 – 14 Mar 2026, description “angiography renal”".
pub fn words(filters: &Filters, today: Day) -> String {
    let mut parts = Vec::new();
    if let Some(days) = study_days(filters, today) {
        parts.push(format!("date {}", days.words()));
    }
    if let Some(days) = dates::read(&filters.born) {
        parts.push(format!("born {}", days.words()));
    }
    if !filters.modalities.is_empty() {
        parts.push(format!("modality {}", filters.modalities.join(" or ")));
    }
    for (label, text) in [
        ("text", &filters.search),
        ("name", &filters.name),
        ("ID", &filters.id),
        ("description", &filters.description),
        ("accession", &filters.accession),
    ] {
        if !text.trim().is_empty() {
            parts.push(format!("{label} \u{201c}{}\u{201d}", text.trim()));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    /// 24 November 2026, by `date -d 2026-11-24 +%s` / 86400.
    const TODAY: Day = 20_781;

    fn asked(filters: &Filters) -> Vec<String> {
        attempts(filters, TODAY)
            .into_iter()
            .map(|attempt| page_query(attempt, Order::default(), 0, 100))
            .map(|query| query.split("&limit").next().unwrap().to_owned())
            .collect()
    }

    fn with(change: impl FnOnce(&mut Filters)) -> Filters {
        let mut filters = Filters::default();
        change(&mut filters);
        filters
    }

    #[test]
    fn seven_days_are_today_and_the_six_before() {
        let filters = with(|f| f.when = When::Days(7));
        assert_eq!(asked(&filters), ["StudyDate=20261118-20261124"]);
        assert_eq!(
            asked(&with(|f| f.when = When::Yesterday)),
            ["StudyDate=20261123"]
        );
    }

    #[test]
    fn a_search_with_a_digit_is_an_id_first() {
        let filters = with(|f| f.search = "EX-00417".into());
        assert_eq!(
            asked(&filters),
            [
                "PatientID=*EX-00417*",
                "AccessionNumber=*EX-00417*",
                "StudyDescription=*EX-00417*",
                "PatientName=*EX-00417*",
            ]
        );
    }

    #[test]
    fn a_search_by_words_is_a_name_in_either_order_first() {
        let filters = with(|f| f.search = "ada example".into());
        assert_eq!(
            asked(&filters)[..3],
            [
                "PatientName=*ada*example*",
                "PatientName=*example*ada*",
                "StudyDescription=*ada?example*",
            ]
        );
    }

    #[test]
    fn names_with_a_comma_are_searched_as_dicom_writes_them() {
        let filters = with(|f| f.name = "Example, Ada".into());
        assert_eq!(asked(&filters)[0], "PatientName=*Example?Ada*");
    }

    #[test]
    fn a_field_of_its_own_column_is_never_overruled() {
        let filters = with(|f| {
            f.id = "417".into();
            f.search = "9".into();
        });
        let asked = asked(&filters);
        assert_eq!(asked.len(), 3);
        for one in asked {
            assert!(one.starts_with("PatientID=*417*&") && !one.contains("PatientID=*9"));
        }
    }

    #[test]
    fn birth_years_and_modalities_are_asked_for() {
        let filters = with(|f| {
            f.born = "1965".into();
            f.modalities = vec!["CT".into(), "PT".into()];
        });
        assert_eq!(
            asked(&filters),
            ["PatientBirthDate=19650101-19651231&ModalitiesInStudy=CT,PT"]
        );
    }

    #[test]
    fn a_date_that_is_not_read_does_not_filter_and_is_named() {
        let filters = with(|f| f.date = "03/04/2026".into());
        assert_eq!(unread_dates(&filters), Some("study date"));
        assert!(asked(&filters)[0].starts_with("limit") || asked(&filters)[0].is_empty());
        assert_eq!(
            unread_dates(&with(|f| f.born = "19".into())),
            Some("birth date")
        );
        assert_eq!(unread_dates(&Filters::default()), None);
    }

    #[test]
    fn pages_are_offsets_in_the_chosen_order() {
        let order = Order {
            column: Column::Patient,
            descending: false,
        };
        let query = page_query(Attempt::default(), order, 300, 100);
        assert!(query.starts_with("limit=100&offset=300&"));
        assert!(query.ends_with("&orderby=PatientName"));
    }

    #[test]
    fn what_was_asked_for_is_said_in_words() {
        let filters = with(|f| {
            f.when = When::Days(7);
            f.description = "angiography renal".into();
        });
        assert_eq!(
            words(&filters, TODAY),
            "date 18 \u{2013} 24 Nov 2026, description \u{201c}angiography renal\u{201d}"
        );
    }
}
