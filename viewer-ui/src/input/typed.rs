//! Numbers that people type, with the signs and separators that they are used to.

/// Beyond this no window makes sense, and arithmetic loses its digits.
const LARGEST: f64 = 1e9;

/// Reads a number as typed: with a true minus, a decimal point or comma, and thousands set apart by a
/// comma, a point or a space. `None` where it is none.
///
/// One separator with three digits behind it stands for thousands ("1,500" is 1500): read as a fraction
/// it would be a thousand times too small, and nobody types a window to three decimals. After a zero it
/// is a fraction ("0,500").
pub fn number(text: &str) -> Option<f64> {
    let text: String = text
        .trim()
        .chars()
        .filter(|sign| !sign.is_whitespace())
        .map(|sign| if sign == '\u{2212}' { '-' } else { sign })
        .collect();
    let plain = text
        .chars()
        .all(|sign| sign.is_ascii_digit() || matches!(sign, '+' | '-' | '.' | ','));
    if !plain {
        return None;
    }
    let (whole, fraction) = match text.rfind(['.', ',']) {
        None => (text.as_str(), ""),
        Some(place) => {
            let (whole, rest) = (&text[..place], &text[place + 1..]);
            let is_grouped = rest.len() == 3
                && !matches!(whole.trim_start_matches(['+', '-']), "" | "0")
                && (text[place..].starts_with(',') || whole.contains(['.', ',']));
            if is_grouped && !whole.contains(opposite(&text[place..])) {
                (text.as_str(), "")
            } else {
                (whole, rest)
            }
        }
    };
    let whole: String = whole
        .chars()
        .filter(|sign| !matches!(sign, '.' | ','))
        .collect();
    let value: f64 = format!("{whole}.{fraction}").parse().ok()?;
    (value.is_finite() && value.abs() <= LARGEST).then_some(value)
}

/// The other separator than the one that `text` begins with.
fn opposite(text: &str) -> char {
    if text.starts_with(',') { '.' } else { ',' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<f64>) {
        assert_eq!(number(text), expected, "{text:?}");
    }

    #[test]
    fn signs_and_decimals_are_read_as_people_write_them() {
        check("1500", Some(1500.0));
        check(" \u{2212}600 ", Some(-600.0));
        check("-0.25", Some(-0.25));
        check("0,25", Some(0.25));
        check("1.125", Some(1.125));
        check("+40", Some(40.0));
        check(".5", Some(0.5));
        check("0,500", Some(0.5));
    }

    #[test]
    fn thousands_are_thousands_and_never_a_fraction() {
        check("1,500", Some(1500.0));
        check("1 500", Some(1500.0));
        check("1\u{2009}500", Some(1500.0));
        check("-1,024", Some(-1024.0));
        check("1,500.5", Some(1500.5));
        check("1.500,5", Some(1500.5));
        check("1,234,567", Some(1_234_567.0));
        check("1,234.567", Some(1234.567));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "abc",
            "1e5",
            "--4",
            "NaN",
            "inf",
            "4-",
            "9999999999",
            ".",
            "1;5",
        ] {
            check(text, None);
        }
    }
}
