//! Days and times of a search: single ones, and ranges.
//!
//! Source: DICOM PS3.4 sections C.2.2.2.1.3 and C.2.2.2.5, PS3.5 table 6.2-1 (DA and TM).

use super::field::Field;
use super::query::{Filter, QueryError};

/// Dates and their times, whose ranges are one range where both are given, PS3.4 C.2.2.2.5.4.
pub const PAIRS: [[Field; 2]; 3] = [
    [Field::StudyDate, Field::StudyTime],
    [Field::SeriesDate, Field::SeriesTime],
    [
        Field::PerformedProcedureStepStartDate,
        Field::PerformedProcedureStepStartTime,
    ],
];

/// Digits of a time as it is compared: `HHMMSSFFFFFF`.
const TIME_DIGITS: usize = 12;

/// A day, or a range of days.
pub(super) fn date(name: &'static str, value: &str) -> Result<Filter, QueryError> {
    let expected = "YYYYMMDD, or a range YYYYMMDD-YYYYMMDD";
    match ends(value).filter(|ends| ends.iter().flatten().all(|end| is_date(end))) {
        Some([from, to]) => Ok(Filter::Range {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        }),
        None => Err(QueryError::Value { name, expected }),
    }
}

/// A time, or a range of times.
pub(super) fn time(name: &'static str, value: &str) -> Result<Filter, QueryError> {
    let expected = "HH, HHMM or HHMMSS, or a range of them";
    match ends(value).filter(|ends| ends.iter().flatten().all(|end| is_time(end))) {
        Some([Some(at), _]) if !value.contains('-') => Ok(Filter::At(at.to_owned())),
        Some([from, to]) => Ok(Filter::Range {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        }),
        None => Err(QueryError::Value { name, expected }),
    }
}

/// True where a range from one to the other goes backwards. What is cut short begins early and ends late.
pub(super) fn is_after(from: &str, to: &str) -> bool {
    first_of(from) > last_of(to)
}

/// The first moment of a day or time that may be cut short, as text that can be compared.
pub fn first_of(text: &str) -> String {
    format!("{:0<TIME_DIGITS$}", digits(text))
}

/// The last moment of a day or time that may be cut short, as text that can be compared.
pub fn last_of(text: &str) -> String {
    format!("{:9<TIME_DIGITS$}", digits(text))
}

/// Without the dots and colons between parts: that of fractions, and those that ACR-NEMA had.
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Splits `a-b`, `-b`, `a-` or `a`; `None` for anything with another dash.
fn ends(value: &str) -> Option<[Option<&str>; 2]> {
    let value = value.trim();
    let present = |text: &'_ str| !text.is_empty();
    match value.split_once('-') {
        None => Some([Some(value), Some(value)]),
        Some((_, to)) if to.contains('-') => None,
        Some(("", "")) => None,
        Some((from, to)) => Some([from, to].map(|end| Some(end.trim()).filter(|end| present(end)))),
    }
}

fn is_date(text: &str) -> bool {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap_or_default();
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=last).contains(&day)
}

fn is_time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize| {
        whole
            .get(from..from + 2)
            .map_or(0, |t| t.parse().unwrap_or(99))
    };
    // A fraction is one of a second.
    let is_whole = matches!(whole.len(), 2 | 4 | 6) && (whole.len() == 6 || fraction.is_empty());
    is_whole
        && digits(whole)
        && digits(fraction)
        && fraction.len() <= 6
        && part(0) < 24
        && part(2) < 60
        && part(4) <= 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_cut_short_stands_for_all_that_begins_with_it() {
        assert_eq!(first_of("0730"), "073000000000");
        assert_eq!(last_of("0730"), "073099999999");
        assert_eq!(first_of("073015.5"), "073015500000");
        // As ACR-NEMA wrote it.
        assert_eq!(digits("07:30:15"), "073015");
        assert!(!is_after("07", "0700"));
        assert!(is_after("0801", "07"));
    }
}
