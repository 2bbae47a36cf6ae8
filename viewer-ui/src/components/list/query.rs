//! What the list asks the server.

use super::memory::{Column, Filters, Order, PAGE, When};
use protocol::uid::percent_encode;

/// A day as days since 1 January 1970, for date chips.
pub type Day = i64;

/// `YYYYMMDD` of a day. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn dicom_date(day: Day) -> String {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 {
        month_shifted + 3
    } else {
        month_shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{date:02}")
}

/// The Study Date that a chip stands for.
fn date_filter(when: When, today: Day) -> Option<String> {
    match when {
        When::Any => None,
        When::Today => Some(dicom_date(today)),
        When::Yesterday => Some(dicom_date(today - 1)),
        When::Days(days) => Some(format!(
            "{}-{}",
            dicom_date(today - i64::from(days) + 1),
            dicom_date(today)
        )),
    }
}

/// Attributes that the text of the search field may mean, the likeliest first: a number is an ID before
/// it is an accession number; words are a name before they are a description. The list asks by the
/// next one where one finds nothing.
pub fn search_attributes(text: &str) -> [&'static str; 3] {
    if text.chars().any(|c| c.is_ascii_digit()) {
        ["PatientID", "AccessionNumber", "StudyDescription"]
    } else {
        ["PatientName", "StudyDescription", "PatientID"]
    }
}

/// `text` anywhere in the value, unless it says by `*` or `?` where.
fn anywhere(text: &str) -> String {
    let text = text.trim();
    if text.contains(['*', '?']) {
        text.to_owned()
    } else {
        format!("*{text}*")
    }
}

/// Name filter: "Example, Ada" as people write it is `Example^Ada` in DICOM.
fn name_pattern(text: &str) -> String {
    anywhere(&text.trim().replace(", ", "^").replace(',', "^"))
}

/// The query for one page; `attempt` counts the attributes tried for the search field.
pub fn query(filters: &Filters, order: Order, attempt: usize, page: usize, today: Day) -> String {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    let mut add = |name, value: &str| {
        if !value.trim().is_empty() {
            let value = if name == "PatientName" {
                name_pattern(value)
            } else {
                anywhere(value)
            };
            pairs.push((name, value));
        }
    };
    if let Some(attribute) = search_attributes(&filters.search).get(attempt) {
        add(attribute, &filters.search);
    }
    let taken =
        |pairs: &[(&str, String)], name: &str| pairs.iter().any(|(known, _)| *known == name);
    let fields = [
        ("PatientName", &filters.name),
        ("PatientID", &filters.id),
        ("StudyDescription", &filters.description),
        ("AccessionNumber", &filters.accession),
    ];
    for (name, value) in fields {
        let pattern = if name == "PatientName" {
            name_pattern(value)
        } else {
            anywhere(value)
        };
        if !value.trim().is_empty() {
            // The column's own field is the narrower wish: it takes the place of the search field.
            if taken(&pairs, name) {
                pairs.retain(|(known, _)| *known != name);
            }
            pairs.push((name, pattern));
        }
    }
    if let Some(dates) = date_filter(filters.when, today) {
        pairs.push(("StudyDate", dates));
    }
    if !filters.modalities.is_empty() {
        pairs.push(("ModalitiesInStudy", filters.modalities.join(",")));
    }
    let sign = if order.descending { "-" } else { "" };
    let column = match order.column {
        Column::Patient => "PatientName",
        Column::Id => "PatientID",
        Column::Date => "StudyDate",
        Column::Description => "StudyDescription",
        Column::Accession => "AccessionNumber",
    };
    pairs.push(("orderby", format!("{sign}{column}")));
    pairs.push(("limit", PAGE.to_string()));
    pairs.push(("offset", (page * PAGE).to_string()));
    pairs.push((
        "includefield",
        "StudyDescription,NumberOfStudyRelatedSeries,NumberOfStudyRelatedInstances".into(),
    ));
    let encoded: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    encoded.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 24 November 2026, by `date -d 2026-11-24 +%s` / 86400.
    const TODAY: Day = 20_781;

    fn asked(filters: &Filters) -> String {
        query(filters, Order::default(), 0, 0, TODAY)
    }

    #[test]
    fn days_become_dicom_dates() {
        assert_eq!(dicom_date(0), "19700101");
        assert_eq!(dicom_date(TODAY), "20261124");
        // 29 February 2024 is day 19,782.
        assert_eq!(dicom_date(19_782), "20240229");
    }

    #[test]
    fn seven_days_are_today_and_the_six_before() {
        let filters = Filters {
            when: When::Days(7),
            ..Filters::default()
        };
        assert!(asked(&filters).contains("StudyDate=20261118-20261124"));
    }

    #[test]
    fn a_search_by_number_asks_by_id_then_by_accession() {
        let filters = Filters {
            search: "EX-00417".into(),
            ..Filters::default()
        };
        assert!(asked(&filters).starts_with("PatientID=%2AEX-00417%2A&"));
        let second = query(&filters, Order::default(), 1, 0, TODAY);
        assert!(second.starts_with("AccessionNumber=%2AEX-00417%2A&"));
    }

    #[test]
    fn names_are_searched_as_people_write_them() {
        let filters = Filters {
            name: "Example, Ada".into(),
            ..Filters::default()
        };
        assert!(asked(&filters).starts_with("PatientName=%2AExample%5EAda%2A&"));
    }

    #[test]
    fn pages_are_offsets() {
        let text = query(&Filters::default(), Order::default(), 0, 3, TODAY);
        assert!(text.contains("orderby=-StudyDate&limit=100&offset=300"));
    }
}
