//! Dates, ages and names as the screen writes them.

/// Months by their customary abbreviations.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Year, month, day of a DICOM date (`YYYYMMDD`, or the old `YYYY.MM.DD`); `None` for anything else.
fn parts(date: &str) -> Option<(i32, u32, u32)> {
    let digits: String = date.chars().filter(|c| *c != '.').collect();
    if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (
        digits[..4].parse().ok()?,
        digits[4..6].parse().ok()?,
        digits[6..].parse().ok()?,
    );
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((year, month, day))
}

/// "14 Mar 2026"; what is no date stays as it is.
pub fn date(date: &str) -> String {
    match parts(date) {
        Some((year, month, day)) => {
            let name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
            format!("{day:02} {name} {year}")
        }
        None => date.to_owned(),
    }
}

/// "09:41" of a DICOM time; empty for anything else.
pub fn time(time: &str) -> String {
    let digits: String = time.chars().filter(|c| *c != ':').take(4).collect();
    if digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) {
        format!("{}:{}", &digits[..2], &digits[2..])
    } else {
        String::new()
    }
}

/// Age at the day of the study: "61 y", below two years "14 m".
pub fn age(birth_date: &str, at: &str) -> Option<String> {
    let (born_year, born_month, born_day) = parts(birth_date)?;
    let (year, month, day) = parts(at)?;
    let months = (year - born_year) * 12 + month.cast_signed()
        - born_month.cast_signed()
        - i32::from(day < born_day);
    match months {
        ..0 => None,
        0..24 => Some(format!("{months} m")),
        _ => Some(format!("{} y", months / 12)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_day_month_year() {
        assert_eq!(date("20260314"), "14 Mar 2026");
        assert_eq!(date("2026"), "2026");
        assert_eq!(time("094112.5"), "09:41");
    }

    #[test]
    fn ages_count_full_years_and_below_two_months() {
        assert_eq!(age("19650312", "20260314").as_deref(), Some("61 y"));
        assert_eq!(age("19650315", "20260314").as_deref(), Some("60 y"));
        assert_eq!(age("20250115", "20260314").as_deref(), Some("13 m"));
        assert_eq!(age("20270101", "20260314"), None);
    }
}
