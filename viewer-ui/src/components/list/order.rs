//! Order of the list, and sorting what is loaded for servers that do not order by themselves.

use std::cmp::Ordering;
use viewer_core::model::Study;

/// Columns that the list can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Patient's name.
    Patient,
    /// Patient ID.
    Id,
    /// Birth date.
    Born,
    /// Study date and time.
    Date,
    /// Modalities in the study.
    Modality,
    /// Study description.
    Description,
    /// Accession number.
    Accession,
}

/// Order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub column: Column,
    /// Largest first.
    pub descending: bool,
}

impl Default for Order {
    /// Newest first.
    fn default() -> Self {
        Self {
            column: Column::Date,
            descending: true,
        }
    }
}

impl Order {
    /// The order after a click on a column's head: another column begins with A, dates with the newest;
    /// the same column turns round.
    pub fn clicked(self, column: Column) -> Self {
        Self {
            column,
            descending: if self.column == column {
                !self.descending
            } else {
                column == Column::Date
            },
        }
    }

    /// Compares two studies; what has no value comes last, whichever way round.
    pub fn compare(self, a: &Study, b: &Study) -> Ordering {
        let (a, b) = (self.key(a), self.key(b));
        match (a.is_empty(), b.is_empty()) {
            (false, false) if self.descending => b.cmp(&a),
            (false, false) => a.cmp(&b),
            (a, b) => a.cmp(&b),
        }
    }

    fn key(self, study: &Study) -> String {
        let text = match self.column {
            Column::Patient => study.patient.name.display(),
            Column::Id => study.patient.id.clone(),
            Column::Born => study.patient.birth_date.clone(),
            Column::Date if study.date.is_empty() => String::new(),
            Column::Date => format!("{}{}", study.date, study.time),
            Column::Modality => study.modalities.join(" "),
            Column::Description => study.description.clone(),
            Column::Accession => study.accession.clone(),
        };
        text.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(date: &str, time: &str) -> Study {
        Study {
            date: date.into(),
            time: time.into(),
            ..Study::default()
        }
    }

    #[test]
    fn newest_first_looks_at_the_time_too_and_undated_studies_come_last() {
        let mut list = [
            of("", "0900"),
            of("20260313", "1500"),
            of("20260314", "0800"),
            of("20260314", "0900"),
        ];
        list.sort_by(|a, b| Order::default().compare(a, b));
        let times: Vec<&str> = list.iter().map(|study| study.time.as_str()).collect();
        assert_eq!(times, ["0900", "0800", "1500", "0900"]);
        assert_eq!(list[3].date, "");
    }

    #[test]
    fn a_click_turns_the_chosen_column_round() {
        let by_name = Order::default().clicked(Column::Patient);
        assert!(!by_name.descending);
        assert!(by_name.clicked(Column::Patient).descending);
        assert_eq!(by_name.clicked(Column::Date), Order::default());
    }
}
