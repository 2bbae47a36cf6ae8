//! Dates and times of data elements as numbers.
//!
//! Source: DICOM PS3.5 6.2 (DA, TM).

/// VR DA: days since 1 January 1970 in the Gregorian calendar.
pub(in crate::model) fn day(text: &str) -> Option<f64> {
    let digits: Vec<u8> = text.trim().bytes().filter(|byte| *byte != b'.').collect();
    if digits.len() != 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        digits[range]
            .iter()
            .fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'))
    };
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March end with the day that is there every fourth year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + day - 1;
    #[expect(clippy::cast_precision_loss, reason = "at most some millions")]
    Some((days - 719_468) as f64)
}

/// VR TM, `HHMMSS.FFFFFF` cut from the right, or with the colons of old.
pub(in crate::model) fn seconds(text: &str) -> Option<f64> {
    let text: String = text.trim().chars().filter(|c| *c != ':').collect();
    let (whole, _) = text.split_once('.').unwrap_or((&text, ""));
    if whole.len() > 6 || whole.len() < 2 || whole.len() % 2 == 1 {
        return None;
    }
    let two = |start: usize| -> Option<f64> {
        match whole.get(start..start + 2) {
            Some(two) => two.parse::<u8>().ok().map(f64::from),
            None => Some(0.0),
        }
    };
    let fraction: f64 = match text.get(6..) {
        Some(rest) if rest.len() > 1 => format!("0{rest}").parse().ok()?,
        _ => 0.0,
    };
    let (hours, minutes, seconds) = (two(0)?, two(2)?, two(4)?);
    if hours > 23.0 || minutes > 59.0 || seconds > 60.0 {
        return None;
    }
    Some(hours * 3600.0 + minutes * 60.0 + seconds + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        // 1970-01-01 is day 0; 2000-03-01 is day 11,017; 1900 had no 29 February.
        assert_eq!(day("19700101"), Some(0.0));
        assert_eq!(day("20000301"), Some(11_017.0));
        assert_eq!(
            day("20240301").zip(day("20240228")).map(|(a, b)| a - b),
            Some(2.0)
        );
        assert_eq!(
            day("19000301").zip(day("19000228")).map(|(a, b)| a - b),
            Some(1.0)
        );
        assert_eq!(day("1997.04.24"), day("19970424"));
        for wrong in ["", "2024", "20241301", "2024010a", "20240100"] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_may_be_short_and_have_fractions() {
        assert_eq!(seconds("152316.921000"), Some(55_396.921));
        assert_eq!(seconds("0710"), Some(25_800.0));
        assert_eq!(seconds("07"), Some(25_200.0));
        assert_eq!(seconds("07:10:05"), Some(25_805.0));
        for wrong in ["", "7", "ab", "246000", "12345", "107x"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
