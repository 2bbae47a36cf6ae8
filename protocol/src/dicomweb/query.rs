//! QIDO-RS searches: what a client asks for, read from a query and written into one.
//!
//! A filter that is not understood is refused, never ignored: an answer that leaves a filter out
//! shows other patients than the ones asked for.
//! Source: DICOM PS3.18 sections 8.3.4 and 10.6, PS3.4 section C.2.2.2 (matching).

use crate::uid::query_encode;

/// Why a search was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A parameter that is neither an attribute that can be searched nor a known option.
    #[error("cannot search by \"{name}\"")]
    Unknown {
        /// The name as sent, shortened to 64 characters.
        name: String,
    },
    /// A value of the wrong form.
    #[error("{name} must be {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What it must be, in words.
        expected: &'static str,
    },
    /// The same filter twice.
    #[error("{name} is given twice")]
    Twice {
        /// The parameter.
        name: &'static str,
    },
}

/// An attribute that can be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is named after its PS3.6 keyword")]
pub enum Field {
    StudyInstanceUid,
    SeriesInstanceUid,
    SopInstanceUid,
    SopClassUid,
    PatientName,
    PatientId,
    PatientBirthDate,
    PatientSex,
    AccessionNumber,
    StudyId,
    StudyDate,
    StudyTime,
    StudyDescription,
    ModalitiesInStudy,
    Modality,
    ReferringPhysicianName,
    SeriesNumber,
    SeriesDescription,
    BodyPartExamined,
    InstanceNumber,
}

/// How a field's value is compared, PS3.4 C.2.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// A list of UIDs, one of which must be equal.
    Uids,
    /// `*` and `?` stand for any text and any character.
    Text,
    /// A day, or a range of days.
    Date,
    /// A time, or a range of times.
    Time,
    /// A code string, or a list of them.
    Code,
    /// A whole number.
    Number,
}

impl Field {
    /// Every field with its keyword, tag and matching.
    pub const ALL: [(Self, &'static str, u32, Matching); 20] = [
        (
            Self::StudyInstanceUid,
            "StudyInstanceUID",
            0x0020_000D,
            Matching::Uids,
        ),
        (
            Self::SeriesInstanceUid,
            "SeriesInstanceUID",
            0x0020_000E,
            Matching::Uids,
        ),
        (
            Self::SopInstanceUid,
            "SOPInstanceUID",
            0x0008_0018,
            Matching::Uids,
        ),
        (
            Self::SopClassUid,
            "SOPClassUID",
            0x0008_0016,
            Matching::Uids,
        ),
        (
            Self::PatientName,
            "PatientName",
            0x0010_0010,
            Matching::Text,
        ),
        (Self::PatientId, "PatientID", 0x0010_0020, Matching::Text),
        (
            Self::PatientBirthDate,
            "PatientBirthDate",
            0x0010_0030,
            Matching::Date,
        ),
        (Self::PatientSex, "PatientSex", 0x0010_0040, Matching::Code),
        (
            Self::AccessionNumber,
            "AccessionNumber",
            0x0008_0050,
            Matching::Text,
        ),
        (Self::StudyId, "StudyID", 0x0020_0010, Matching::Text),
        (Self::StudyDate, "StudyDate", 0x0008_0020, Matching::Date),
        (Self::StudyTime, "StudyTime", 0x0008_0030, Matching::Time),
        (
            Self::StudyDescription,
            "StudyDescription",
            0x0008_1030,
            Matching::Text,
        ),
        (
            Self::ModalitiesInStudy,
            "ModalitiesInStudy",
            0x0008_0061,
            Matching::Code,
        ),
        (Self::Modality, "Modality", 0x0008_0060, Matching::Code),
        (
            Self::ReferringPhysicianName,
            "ReferringPhysicianName",
            0x0008_0090,
            Matching::Text,
        ),
        (
            Self::SeriesNumber,
            "SeriesNumber",
            0x0020_0011,
            Matching::Number,
        ),
        (
            Self::SeriesDescription,
            "SeriesDescription",
            0x0008_103E,
            Matching::Text,
        ),
        (
            Self::BodyPartExamined,
            "BodyPartExamined",
            0x0018_0015,
            Matching::Text,
        ),
        (
            Self::InstanceNumber,
            "InstanceNumber",
            0x0020_0013,
            Matching::Number,
        ),
    ];

    /// Finds a field by keyword or by eight hexadecimal digits.
    pub fn find(name: &str) -> Option<(Self, &'static str, Matching)> {
        let tag = tag_of(name);
        Self::ALL
            .iter()
            .find(|(_, keyword, number, _)| *keyword == name || Some(*number) == tag)
            .map(|(field, keyword, _, matching)| (*field, *keyword, *matching))
    }

    /// PS3.6 keyword.
    pub fn keyword(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|entry| entry.0 == self)
            .map_or("", |entry| entry.1)
    }

    /// How its values are compared.
    pub fn matching(self) -> Matching {
        Self::ALL
            .iter()
            .find(|entry| entry.0 == self)
            .map_or(Matching::Text, |entry| entry.3)
    }
}

fn tag_of(name: &str) -> Option<u32> {
    (name.len() == 8)
        .then(|| u32::from_str_radix(name, 16).ok())
        .flatten()
}

/// What a field must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// One of these, exactly.
    AnyOf(Vec<String>),
    /// Text with `*` and `?`; letters match without case and accents.
    Text(String),
    /// Inclusive range, either end may be open; `YYYYMMDD` or `HHMMSS` with a lower end cut
    /// short and an upper end filled up.
    Range {
        /// First that matches.
        from: Option<String>,
        /// Last that matches.
        to: Option<String>,
    },
    /// This number.
    Number(i64),
}

/// What the answer is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderBy {
    /// The field.
    pub field: Field,
    /// Largest first.
    pub descending: bool,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QidoQuery {
    /// Filters, each field at most once; all must match.
    pub filters: Vec<(Field, Filter)>,
    /// Most results.
    pub limit: Option<u32>,
    /// Results left out at the front.
    pub offset: u32,
    /// Further attributes wanted: `all`, keywords or tags.
    pub include_fields: Vec<String>,
    /// Names match by the beginnings of their words.
    pub fuzzy_matching: bool,
    /// Our extension `orderby=StudyDate` or `orderby=-StudyDate`.
    pub order_by: Option<OrderBy>,
}

impl QidoQuery {
    /// Reads decoded name and value pairs. An empty value is no filter (universal matching).
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, QueryError> {
        let mut query = Self::default();
        for (name, value) in pairs {
            match name {
                "limit" => query.limit = Some(whole("limit", value)?),
                "offset" => query.offset = whole("offset", value)?,
                "includefield" => query.include(value)?,
                "fuzzymatching" => query.fuzzy_matching = boolean(value)?,
                "orderby" => query.order_by = Some(order_by(value)?),
                _ => query.add_filter(name, value)?,
            }
        }
        Ok(query)
    }

    /// Adds a filter by keyword or tag; an empty value, or `*`, is none.
    pub fn add_filter(&mut self, name: &str, value: &str) -> Result<(), QueryError> {
        let (field, keyword, matching) = Field::find(name).ok_or_else(|| QueryError::Unknown {
            name: name.chars().take(64).collect(),
        })?;
        if value.is_empty() || value == "*" {
            return Ok(());
        }
        let list = || {
            value
                .split([',', '\\'])
                .map(str::trim)
                .filter(|item| !item.is_empty())
        };
        let filter = match matching {
            Matching::Uids => Filter::AnyOf(list().map(str::to_owned).collect()),
            Matching::Code => Filter::AnyOf(list().map(str::to_ascii_uppercase).collect()),
            Matching::Text => Filter::Text(value.to_owned()),
            Matching::Date => date_range(keyword, value)?,
            Matching::Time => time_range(keyword, value)?,
            Matching::Number => {
                Filter::Number(value.trim().parse().map_err(|_| QueryError::Value {
                    name: keyword,
                    expected: "a whole number",
                })?)
            }
        };
        // A list parameter may be repeated (PS3.18 8.3.4.1); any other filter only once.
        match (
            self.filters.iter_mut().find(|(known, _)| *known == field),
            filter,
        ) {
            (None, filter) => self.filters.push((field, filter)),
            (Some((_, Filter::AnyOf(known))), Filter::AnyOf(more)) => known.extend(more),
            _ => return Err(QueryError::Twice { name: keyword }),
        }
        Ok(())
    }

    /// The filter on a field.
    pub fn filter(&self, field: Field) -> Option<&Filter> {
        self.filters
            .iter()
            .find(|(known, _)| *known == field)
            .map(|(_, filter)| filter)
    }

    fn include(&mut self, value: &str) -> Result<(), QueryError> {
        for name in value.split(',').filter(|name| !name.is_empty()) {
            // Keywords are letters and digits; a path into a sequence has dots.
            if name.len() > 256 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
                return Err(QueryError::Value {
                    name: "includefield",
                    expected: "all, or a list of attribute keywords or tags",
                });
            }
            self.include_fields.push(name.to_owned());
        }
        Ok(())
    }

    /// The query without `?`; empty where nothing is asked for.
    pub fn to_query_string(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for (field, filter) in &self.filters {
            let value = match filter {
                Filter::AnyOf(list) => list.join(","),
                Filter::Text(text) => text.clone(),
                Filter::Number(number) => number.to_string(),
                Filter::Range { from, to } if from == to => from.clone().unwrap_or_default(),
                Filter::Range { from, to } => format!(
                    "{}-{}",
                    from.as_deref().unwrap_or_default(),
                    to.as_deref().unwrap_or_default()
                ),
            };
            pairs.push((field.keyword(), value));
        }
        if let Some(limit) = self.limit {
            pairs.push(("limit", limit.to_string()));
        }
        if self.offset > 0 {
            pairs.push(("offset", self.offset.to_string()));
        }
        if !self.include_fields.is_empty() {
            pairs.push(("includefield", self.include_fields.join(",")));
        }
        if self.fuzzy_matching {
            pairs.push(("fuzzymatching", "true".to_owned()));
        }
        if let Some(OrderBy { field, descending }) = self.order_by {
            let sign = if descending { "-" } else { "" };
            pairs.push(("orderby", format!("{sign}{}", field.keyword())));
        }
        let pairs: Vec<String> = pairs
            .into_iter()
            .map(|(name, value)| format!("{name}={}", query_encode(&value)))
            .collect();
        pairs.join("&")
    }
}

fn whole(name: &'static str, value: &str) -> Result<u32, QueryError> {
    value.parse().map_err(|_| QueryError::Value {
        name,
        expected: "a whole number from 0 up",
    })
}

fn boolean(value: &str) -> Result<bool, QueryError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(QueryError::Value {
            name: "fuzzymatching",
            expected: "true or false",
        }),
    }
}

fn order_by(value: &str) -> Result<OrderBy, QueryError> {
    let (name, descending) = value
        .strip_prefix('-')
        .map_or((value, false), |name| (name, true));
    Field::find(name)
        .map(|(field, _, _)| OrderBy { field, descending })
        .ok_or(QueryError::Value {
            name: "orderby",
            expected: "an attribute that can be searched",
        })
}

/// Splits `a-b`, `-b`, `a-` or `a`; `None` for anything with another dash.
fn ends(value: &str) -> Option<(Option<&str>, Option<&str>)> {
    let present = |text: &'_ str| (!text.is_empty()).then_some(());
    match value.split_once('-') {
        None => Some((Some(value), Some(value))),
        Some((_, to)) if to.contains('-') => None,
        Some(("", "")) => None,
        Some((from, to)) => Some((present(from).map(|()| from), present(to).map(|()| to))),
    }
}

fn date_range(name: &'static str, value: &str) -> Result<Filter, QueryError> {
    let error = QueryError::Value {
        name,
        expected: "YYYYMMDD, or a range YYYYMMDD-YYYYMMDD",
    };
    let (from, to) = ends(value.trim()).ok_or_else(|| error.clone())?;
    if ![from, to].into_iter().flatten().all(is_date) {
        return Err(error);
    }
    Ok(Filter::Range {
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    })
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

fn time_range(name: &'static str, value: &str) -> Result<Filter, QueryError> {
    let error = QueryError::Value {
        name,
        expected: "HH, HHMM or HHMMSS, or a range of them",
    };
    let (from, to) = ends(value.trim()).ok_or_else(|| error.clone())?;
    if ![from, to].into_iter().flatten().all(is_time) {
        return Err(error);
    }
    Ok(Filter::Range {
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    })
}

fn is_time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize| {
        whole
            .get(from..from + 2)
            .map_or(0, |t| t.parse().unwrap_or(99))
    };
    matches!(whole.len(), 2 | 4 | 6)
        && digits(whole)
        && digits(fraction)
        && fraction.len() <= 6
        && part(0) < 24
        && part(2) < 60
        && part(4) <= 60
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<QidoQuery, QueryError> {
        QidoQuery::parse(pairs.iter().copied())
    }

    #[test]
    fn a_query_survives_the_round_trip() {
        let query = parse(&[
            ("PatientName", "DOE*&x"),
            ("StudyDate", "20240101-"),
            ("ModalitiesInStudy", "ct,mr"),
            ("00100020", "4 2"),
            ("limit", "50"),
            ("offset", "100"),
            ("orderby", "-PatientName"),
            ("fuzzymatching", "true"),
            ("includefield", "all"),
        ])
        .unwrap();
        assert_eq!(
            query.to_query_string(),
            "PatientName=DOE*%26x&StudyDate=20240101-&ModalitiesInStudy=CT,MR&PatientID=4%202\
             &limit=50&offset=100&includefield=all&fuzzymatching=true&orderby=-PatientName"
        );
    }

    #[test]
    fn dates_are_days_and_ranges_of_days() {
        let range = |from: Option<&str>, to: Option<&str>| Filter::Range {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        for (value, expected) in [
            ("20240229", range(Some("20240229"), Some("20240229"))),
            ("-20240229", range(None, Some("20240229"))),
            (
                "20240101-20241231",
                range(Some("20240101"), Some("20241231")),
            ),
        ] {
            let query = parse(&[("StudyDate", value)]).unwrap();
            assert_eq!(query.filter(Field::StudyDate), Some(&expected), "{value}");
        }
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        for (name, value, words) in [
            ("StudyDate", "yesterday", "StudyDate must be YYYYMMDD"),
            ("StudyDate", "20230229", "StudyDate must be YYYYMMDD"),
            ("StudyDate", "-", "StudyDate must be YYYYMMDD"),
            ("StudyDate", "2024-01-01", "StudyDate must be YYYYMMDD"),
            ("StudyTime", "2500", "StudyTime must be HH"),
            ("limit", "-1", "limit must be a whole number"),
            ("limit", "ten", "limit must be a whole number"),
            ("offset", "1.5", "offset must be a whole number"),
            (
                "fuzzymatching",
                "maybe",
                "fuzzymatching must be true or false",
            ),
            ("orderby", "Colour", "orderby must be"),
            ("Favourite", "x", "cannot search by \"Favourite\""),
            ("00990099", "x", "cannot search by \"00990099\""),
            ("SeriesNumber", "two", "SeriesNumber must be a whole number"),
            ("includefield", "<b>", "includefield must be"),
        ] {
            let error = parse(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(words), "{name}={value}: {error}");
        }
    }

    #[test]
    fn an_empty_value_and_a_bare_star_match_everything() {
        let query = parse(&[("PatientName", "*"), ("AccessionNumber", "")]).unwrap();
        assert_eq!(query, QidoQuery::default());
    }

    #[test]
    fn a_uid_list_may_be_repeated_and_a_name_may_not() {
        let query = parse(&[("StudyInstanceUID", "1.2,3"), ("0020000D", "4\\5")]).unwrap();
        let uids = ["1.2", "3", "4", "5"].map(str::to_owned).to_vec();
        assert_eq!(
            query.filter(Field::StudyInstanceUid),
            Some(&Filter::AnyOf(uids))
        );
        let twice = parse(&[("PatientName", "A"), ("PatientName", "B")]);
        assert_eq!(
            twice,
            Err(QueryError::Twice {
                name: "PatientName"
            })
        );
    }

    #[test]
    fn times_may_be_cut_short() {
        for value in ["07", "0730", "073015.5", "07-08", "-2359"] {
            assert!(parse(&[("StudyTime", value)]).is_ok(), "{value}");
        }
    }
}
