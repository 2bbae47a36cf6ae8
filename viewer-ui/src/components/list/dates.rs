//! Days and ranges of days: as the calendar has them, as people write them, as DICOM writes them.
//!
//! What could mean two days ("03/04/2026") is not understood rather than guessed: the list would show
//! other studies than the ones asked for.

use protocol::dicomweb::query::Filter;

/// A day as days since 1 January 1970.
pub type Day = i64;

/// A range of days, both ends included and either open; `YYYYMMDD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// First day.
    pub from: Option<String>,
    /// Last day.
    pub to: Option<String>,
}

impl Days {
    /// From one day to another.
    pub fn between(from: Day, to: Day) -> Self {
        Self {
            from: Some(dicom_date(from)),
            to: Some(dicom_date(to)),
        }
    }

    /// The filter of a search.
    pub fn filter(self) -> Filter {
        Filter::Range {
            from: self.from,
            to: self.to,
        }
    }

    /// "08 – 14 Mar 2026", with no more years and months than needed.
    pub fn words(&self) -> String {
        let written = |date: &String| crate::engine::text::date(date);
        match (&self.from, &self.to) {
            (None, None) => String::new(),
            (Some(from), None) => format!("{} \u{2013}", written(from)),
            (None, Some(to)) => format!("\u{2013} {}", written(to)),
            (Some(from), Some(to)) if from == to => written(to),
            (Some(from), Some(to)) => {
                let common = |length: usize| from.get(..length) == to.get(..length);
                let first = written(from);
                // "08 Mar 2026": the day, then the month, then the year.
                let length = match (common(6), common(4)) {
                    (true, _) => 2,
                    (false, true) => 6,
                    (false, false) => first.len(),
                };
                let first = first.get(..length).unwrap_or(&first);
                format!("{first} \u{2013} {}", written(to))
            }
        }
    }
}

/// `YYYYMMDD` of a day. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
pub fn dicom_date(day: Day) -> String {
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

/// A date of which month and day may be missing; the year only at the beginning of a range.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
}

/// Reads a day, month or year, or a range of them: "14 Mar 2026", "14.03.2026", "2026-03-14", "20260314",
/// "Mar 2026", "03.2026", "2026", "08 – 14 Mar 2026", "2020 – 2024", "2020 –". `None` for anything else.
pub fn read(text: &str) -> Option<Days> {
    let text = text.trim();
    let (from, to) = match split_range(text) {
        None => {
            let part = read_part(text)?;
            (Some(part), Some(part))
        }
        Some(("", "")) => return None,
        Some((from, "")) => (Some(read_part(from)?), None),
        Some(("", to)) => (None, Some(read_part(to)?)),
        Some((from, to)) => {
            let to = read_part(to)?;
            let mut from = read_part(from)?;
            if from.year.is_none() {
                from.year = to.year;
                from.month = from.month.or(to.month);
            }
            (Some(from), Some(to))
        }
    };
    let days = Days {
        from: match from {
            Some(part) => Some(first_day(part)?),
            None => None,
        },
        to: match to {
            Some(part) => Some(last_day(part)?),
            None => None,
        },
    };
    let is_forwards = match (&days.from, &days.to) {
        (Some(from), Some(to)) => from <= to,
        _ => true,
    };
    is_forwards.then_some(days)
}

/// Splits a range at a dash or "to". A plain hyphen also stands within dates, so it counts with spaces
/// around it, or between two years or two DICOM dates.
fn split_range(text: &str) -> Option<(&str, &str)> {
    for dash in ["\u{2013}", "\u{2014}", "..", " - ", " to "] {
        if let Some((from, to)) = text.split_once(dash) {
            return Some((from.trim(), to.trim()));
        }
    }
    if let Some(from) = text.strip_suffix('-') {
        return Some((from.trim(), ""));
    }
    let (from, to) = text.split_once('-')?;
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_range =
        is_number(from) && is_number(to) && from.len() == to.len() && matches!(from.len(), 4 | 8);
    is_range.then_some((from, to))
}

/// Reads one end of a range.
fn read_part(text: &str) -> Option<Part> {
    let tokens: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|token| !token.is_empty())
        .collect();
    let numbers: Option<Vec<u32>> = tokens.iter().map(|token| token.parse().ok()).collect();
    let is_year = |at: usize| tokens.get(at).is_some_and(|token| token.len() == 4);
    let part =
        |year: Option<u32>, month: Option<u32>, day: Option<u32>| Some(Part { year, month, day });
    if let Some(numbers) = numbers {
        return match (tokens.as_slice(), numbers.as_slice()) {
            ([whole], [number]) if whole.len() == 8 => part(
                Some(number / 10_000),
                Some(number / 100 % 100),
                Some(number % 100),
            ),
            ([_], &[year]) if is_year(0) => part(Some(year), None, None),
            ([day], &[number]) if day.len() <= 2 => part(None, None, Some(number)),
            ([_, _], &[year, month]) if is_year(0) => part(Some(year), Some(month), None),
            ([_, _], &[month, year]) if is_year(1) => part(Some(year), Some(month), None),
            ([_, _], &[day, month]) if text.contains('.') => part(None, Some(month), Some(day)),
            ([_, _, _], &[year, month, day]) if is_year(0) => {
                part(Some(year), Some(month), Some(day))
            }
            ([_, _, _], &[first, second, year]) if is_year(2) => {
                let (day, month) = if text.contains('/') {
                    unambiguous(first, second)?
                } else {
                    (first, second)
                };
                part(Some(year), Some(month), Some(day))
            }
            _ => None,
        };
    }
    // With a month by name the rest has one meaning: four digits are the year.
    let names = tokens.iter().filter_map(|token| month_named(token));
    let mut result = Part {
        month: Some(names.clone().next()?),
        ..Part::default()
    };
    if names.count() != 1 || tokens.len() > 3 {
        return None;
    }
    for token in tokens.iter().filter(|token| month_named(token).is_none()) {
        let number = token.parse().ok()?;
        let place = match token.len() {
            4 => &mut result.year,
            1 | 2 => &mut result.day,
            _ => return None,
        };
        if place.replace(number).is_some() {
            return None;
        }
    }
    Some(result)
}

/// Day and month of "14/03" and "03/14"; `None` where both could be the month.
fn unambiguous(first: u32, second: u32) -> Option<(u32, u32)> {
    match (first <= 12, second <= 12) {
        (false, true) => Some((first, second)),
        (true, false) => Some((second, first)),
        _ => (first == second).then_some((first, second)),
    }
}

fn month_named(token: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let token = token.to_lowercase();
    let place = NAMES
        .iter()
        .position(|name| token.len() >= 3 && name.starts_with(&token))?;
    u32::try_from(place + 1).ok()
}

fn first_day(part: Part) -> Option<String> {
    dicom(part, part.month.unwrap_or(1), part.day.unwrap_or(1))
}

fn last_day(part: Part) -> Option<String> {
    let month = part.month.unwrap_or(12);
    dicom(part, month, part.day.unwrap_or(days_in(part.year?, month)))
}

fn dicom(part: Part, month: u32, day: u32) -> Option<String> {
    let year = part.year?;
    // A day belongs to a month.
    let is_whole = part.day.is_none() || part.month.is_some();
    let is_date = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    (is_whole && is_date).then(|| format!("{year:04}{month:02}{day:02}"))
}

fn days_in(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn check(text: &str, from: &str, to: &str) {
        let days = read(text).unwrap_or_else(|| panic!("{text} is not read"));
        assert_eq!(
            (days.from.as_deref(), days.to.as_deref()),
            (Some(from), Some(to)),
            "{text}"
        );
    }

    #[test]
    fn days_become_dicom_dates() {
        assert_eq!(dicom_date(0), "19700101");
        // By `date -d 2026-11-24 +%s` / 86400.
        assert_eq!(dicom_date(20_781), "20261124");
        assert_eq!(dicom_date(19_782), "20240229");
    }

    #[test]
    fn one_day_is_read_in_each_customary_form() {
        for text in [
            "14 Mar 2026",
            "14 March 2026",
            "Mar 14, 2026",
            "14.03.2026",
            "14.3.2026",
            "2026-03-14",
            "2026/03/14",
            "14/03/2026",
            "03/14/2026",
            "20260314",
            " 14 mar 2026 ",
        ] {
            check(text, "20260314", "20260314");
        }
    }

    #[test]
    fn months_and_years_are_ranges() {
        check("2026", "20260101", "20261231");
        check("1965", "19650101", "19651231");
        check("Feb 2024", "20240201", "20240229");
        check("02.2026", "20260201", "20260228");
        check("2026-02", "20260201", "20260228");
    }

    #[test]
    fn ranges_are_read_as_they_are_written() {
        check("08 \u{2013} 14 Mar 2026", "20260308", "20260314");
        check("25 Feb \u{2013} 14 Mar 2026", "20260225", "20260314");
        check("8.3. - 14.3.2026", "20260308", "20260314");
        check("2020-2024", "20200101", "20241231");
        check("20260308-20260314", "20260308", "20260314");
        check("Mar 2025 to Mar 2026", "20250301", "20260331");
        assert_eq!(read("2020 \u{2013}").unwrap().to, None);
        assert_eq!(
            read("\u{2013} 2020").unwrap().to.as_deref(),
            Some("20201231")
        );
    }

    #[test]
    fn what_could_mean_two_days_or_none_is_not_read() {
        for text in [
            "03/04/2026",
            "30.02.2026",
            "14",
            "14 Mar",
            "soon",
            "2026-13",
            "\u{2013}",
            "14.14.2026",
            "2026 \u{2013} 2020",
            "Mar Apr 2026",
            "99999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_are_written_without_repeating_month_and_year() {
        let words = |from: &str, to: &str| {
            let days = Days {
                from: Some(from.into()),
                to: Some(to.into()),
            };
            days.words()
        };
        assert_eq!(words("20260314", "20260314"), "14 Mar 2026");
        assert_eq!(words("20260308", "20260314"), "08 \u{2013} 14 Mar 2026");
        assert_eq!(words("20260225", "20260314"), "25 Feb \u{2013} 14 Mar 2026");
        assert_eq!(
            words("20251230", "20260102"),
            "30 Dec 2025 \u{2013} 02 Jan 2026"
        );
    }
}
