//! Structured reports as lines of text: headings by concept names, values in words.
//!
//! What comes out is plain text; nothing of a report is ever taken for markup.
//! Source: DICOM PS3.3 C.17.3 (SR Document Content), C.17.2 (SR Document General), C.18 (content items).

use super::tags;
use protocol::dicomweb::json::{Dataset, Tag};

/// A report is not read deeper than this, nor further than so many lines: real ones have tens to hundreds.
const MOST_DEPTH: usize = 24;
const MOST_LINES: usize = 4000;

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportLine {
    /// How deep it lies, 0 for the parts of the report itself.
    pub depth: usize,
    /// Name of the concept; may be empty.
    pub name: String,
    /// The value; empty for a heading.
    pub text: String,
}

impl ReportLine {
    /// It stands over others and has no value of its own.
    pub fn is_heading(&self) -> bool {
        self.text.is_empty()
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Its name, "Radiology Report"; may be empty.
    pub title: String,
    /// Somebody has signed it.
    pub is_verified: bool,
    /// Its lines, from the top.
    pub lines: Vec<ReportLine>,
    /// It is longer than what is shown.
    pub is_cut: bool,
}

impl Report {
    /// Reads a data set; `None` where it is no structured report.
    pub fn from_dataset(set: &Dataset) -> Option<Self> {
        if set.text(tags::VALUE_TYPE)? != "CONTAINER" {
            return None;
        }
        let mut report = Self {
            title: meaning(set, tags::CONCEPT_NAME_CODE_SEQUENCE),
            is_verified: set.text(tags::VERIFICATION_FLAG).as_deref() == Some("VERIFIED"),
            ..Self::default()
        };
        report.read(set, 0);
        Some(report)
    }

    fn read(&mut self, parent: &Dataset, depth: usize) {
        for item in parent.items(tags::CONTENT_SEQUENCE) {
            if depth >= MOST_DEPTH || self.lines.len() >= MOST_LINES {
                self.is_cut = true;
                return;
            }
            let kind = item.text(tags::VALUE_TYPE).unwrap_or_default();
            let line = ReportLine {
                depth,
                name: meaning(&item, tags::CONCEPT_NAME_CODE_SEQUENCE),
                text: value(&item, &kind),
            };
            let is_container = kind == "CONTAINER";
            // References to images, regions and other objects have no words.
            let has_words = !line.text.is_empty() || (is_container && !line.name.is_empty());
            // A part without a name is no deeper than what holds it.
            let below = if has_words { depth + 1 } else { depth };
            if has_words {
                self.lines.push(line);
            }
            self.read(&item, below);
        }
    }
}

/// What a coded entry means, in words; the code itself where there are none.
fn meaning(set: &Dataset, tag: Tag) -> String {
    let items = set.items(tag);
    let code = items.first();
    code.and_then(|code| {
        code.text(tags::CODE_MEANING)
            .or_else(|| code.text(tags::CODE_VALUE))
    })
    .unwrap_or_default()
}

fn value(item: &Dataset, kind: &str) -> String {
    let text = |tag| item.text(tag).unwrap_or_default();
    match kind {
        "TEXT" => text(tags::TEXT_VALUE),
        "CODE" => meaning(item, tags::CONCEPT_CODE_SEQUENCE),
        "NUM" => number(item),
        "PNAME" => item
            .person_name(tags::REPORT_PERSON_NAME)
            .map(|name| name.display())
            .unwrap_or_default(),
        "DATE" => date(&text(tags::REPORT_DATE)),
        "TIME" => time(&text(tags::REPORT_TIME)),
        "DATETIME" => {
            let both = text(tags::REPORT_DATE_TIME);
            match both.split_at_checked(8) {
                Some((day, rest)) => format!("{} {}", date(day), time(rest)).trim().to_owned(),
                None => both,
            }
        }
        _ => String::new(),
    }
}

/// "24.3 mm"; units that say that there is none are left out.
fn number(item: &Dataset) -> String {
    let items = item.items(tags::MEASURED_VALUE_SEQUENCE);
    let Some(measured) = items.first() else {
        // Why there is no number may be said instead.
        return meaning(item, tags::NUMERIC_VALUE_QUALIFIER_CODE_SEQUENCE);
    };
    let number = measured.text(tags::NUMERIC_VALUE).unwrap_or_default();
    let units = measured.items(tags::MEASUREMENT_UNITS_CODE_SEQUENCE);
    let unit = units.first().and_then(|unit| unit.text(tags::CODE_VALUE));
    match unit.filter(|unit| unit != "1" && !unit.starts_with('{')) {
        Some(unit) => format!("{number} {unit}"),
        None => number,
    }
}

/// `YYYYMMDD` as 2026-03-14, which is read the same everywhere; what is none stays as it is.
fn date(text: &str) -> String {
    let is_date = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_date {
        return text.to_owned();
    }
    format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..])
}

/// `HHMMSS.F` as 09:41; what is none stays as it is.
fn time(text: &str) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits < 4 {
        return text.to_owned();
    }
    format!("{}:{}", &text[..2], &text[2..4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    fn report(text: &str) -> Option<Report> {
        Report::from_dataset(&json::parse(text).unwrap()[0])
    }

    fn name(text: &str) -> String {
        format!(r#""0040A043":{{"vr":"SQ","Value":[{{"00080104":{{"Value":["{text}"]}}}}]}}"#)
    }

    fn item(kind: &str, named: &str, rest: &str) -> String {
        format!(
            r#"{{"0040A040":{{"Value":["{kind}"]}},{}{rest}}}"#,
            name(named)
        )
    }

    fn root(items: &str) -> String {
        format!(
            r#"[{{"0040A040":{{"Value":["CONTAINER"]}},"0040A493":{{"Value":["VERIFIED"]}},{},"0040A730":{{"Value":[{items}]}}}}]"#,
            name("Radiology Report")
        )
    }

    /// The shape of PS3.21 A.7.3, a Basic Diagnostic Imaging Report (TID 2000): sections with text, a measurement in one.
    #[test]
    fn sections_are_headings_and_values_stand_below_them() {
        let measured = r#","0040A300":{"Value":[{"0040A30A":{"Value":[24.3]},"004008EA":{"Value":[{"00080100":{"Value":["mm"]},"00080104":{"Value":["millimeter"]}}]}}]}"#;
        let finding = item(
            "TEXT",
            "Finding",
            r#","0040A160":{"Value":["Nodule in the right hilum.\r\nNo effusion."]}"#,
        );
        let size = item("NUM", "Diameter", measured);
        let section = item(
            "CONTAINER",
            "Findings",
            &format!(r#","0040A730":{{"Value":[{finding},{size}]}}"#),
        );
        let code = item(
            "CODE",
            "Laterality",
            r#","0040A168":{"Value":[{"00080104":{"Value":["Right"]}}]}"#,
        );
        let observer = item(
            "PNAME",
            "Person Observer Name",
            r#","0040A123":{"Value":[{"Alphabetic":"Reader^Anna"}]}"#,
        );
        let when = item(
            "DATETIME",
            "Read",
            r#","0040A120":{"Value":["20260314094112.5"]}"#,
        );
        let image = r#"{"0040A040":{"Value":["IMAGE"]}}"#;
        let read = report(&root(&format!(
            "{observer},{section},{code},{when},{image}"
        )))
        .unwrap();
        assert_eq!(read.title, "Radiology Report");
        assert!(read.is_verified && !read.is_cut);
        let lines: Vec<(usize, &str, &str)> = read
            .lines
            .iter()
            .map(|line| (line.depth, line.name.as_str(), line.text.as_str()))
            .collect();
        assert_eq!(
            lines,
            [
                (0, "Person Observer Name", "Reader, Anna"),
                (0, "Findings", ""),
                (1, "Finding", "Nodule in the right hilum.\r\nNo effusion."),
                (1, "Diameter", "24.3 mm"),
                (0, "Laterality", "Right"),
                (0, "Read", "2026-03-14 09:41"),
            ]
        );
        assert!(read.lines[1].is_heading() && !read.lines[2].is_heading());
    }

    #[test]
    fn t02_markup_in_a_report_stays_the_text_that_it_is() {
        let text = "<img src=x onerror=alert(1)>";
        let item = item(
            "TEXT",
            "Finding",
            &format!(r#","0040A160":{{"Value":["{text}"]}}"#),
        );
        assert_eq!(report(&root(&item)).unwrap().lines[0].text, text);
    }

    #[test]
    fn what_is_no_report_is_none_and_a_bottomless_one_ends() {
        assert_eq!(report(r#"[{"00080060":{"Value":["CT"]}}]"#), None);
        let mut nested = item("TEXT", "End", r#","0040A160":{"Value":["x"]}"#);
        for _ in 0..30 {
            nested = item(
                "CONTAINER",
                "Part",
                &format!(r#","0040A730":{{"Value":[{nested}]}}"#),
            );
        }
        let read = report(&root(&nested)).unwrap();
        assert!(read.is_cut);
        assert_eq!(read.lines.len(), MOST_DEPTH);
        let many = vec![item("TEXT", "Line", r#","0040A160":{"Value":["x"]}"#); MOST_LINES + 5];
        let read = report(&root(&many.join(","))).unwrap();
        assert!(read.is_cut && read.lines.len() == MOST_LINES);
    }

    #[test]
    fn a_number_without_a_unit_or_without_a_value_is_said_so() {
        let bare = item(
            "NUM",
            "Count",
            r#","0040A300":{"Value":[{"0040A30A":{"Value":["3"]},"004008EA":{"Value":[{"00080100":{"Value":["1"]}}]}}]}"#,
        );
        let none = item(
            "NUM",
            "Size",
            r#","0040A301":{"Value":[{"00080104":{"Value":["Not a number"]}}]}"#,
        );
        let read = report(&root(&format!("{bare},{none}"))).unwrap();
        assert_eq!(read.lines[0].text, "3");
        assert_eq!(read.lines[1].text, "Not a number");
    }
}
