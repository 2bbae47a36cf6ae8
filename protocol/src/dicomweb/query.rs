//! QIDO-RS searches: what a client asks for, read from a query and written into one.
//!
//! A filter that is not understood is refused, never ignored: an answer that leaves a filter out
//! shows other patients than the ones asked for.
//! Source: DICOM PS3.18 sections 8.3.4 and 10.6, PS3.4 section C.2.2.2 (matching).

pub use super::field::{Field, Matching};
use super::moment::{self, PAIRS};
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

/// What a field must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// One of these: a UID, or a code, in which `*` and `?` stand for any text and any character.
    AnyOf(Vec<String>),
    /// Text with `*` and `?`; letters match without case and accents.
    Text(String),
    /// This time, `HHMMSS.FFFFFF`, which stands for all that begins with it where it is cut short.
    At(String),
    /// Inclusive range, either end may be open; `YYYYMMDD` or `HHMMSS.FFFFFF` with a lower end cut
    /// short and an upper end filled up. Days from one to the same are that day.
    Range {
        /// First that matches.
        from: Option<String>,
        /// Last that matches.
        to: Option<String>,
    },
    /// This number.
    Number(i64),
    /// No value at all.
    Empty,
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
    /// Further attributes wanted: `all`, keywords or tags, with dots between those of a sequence and of what is in it.
    pub include_fields: Vec<String>,
    /// Names match by the beginnings of their words.
    pub fuzzy_matching: bool,
    /// Two quotation marks match what has no value.
    pub empty_values: bool,
    /// `multiplevaluematching` was asked for.
    pub multiple_values: bool,
    /// Our extension `orderby=StudyDate` or `orderby=-StudyDate`.
    pub order_by: Option<OrderBy>,
}

/// Options of a search, beside `includefield`, which may be repeated.
const OPTIONS: [&str; 6] = [
    "limit",
    "offset",
    "fuzzymatching",
    "emptyvaluematching",
    "multiplevaluematching",
    "orderby",
];

impl QidoQuery {
    /// Reads decoded name and value pairs. An empty value, or `*`, is no filter (universal matching): it asks for the attribute.
    ///
    /// # Errors
    /// A parameter is unknown, given twice, or has a value of the wrong form.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, QueryError> {
        let mut query = Self::default();
        let mut attributes = Vec::new();
        let mut seen = Vec::new();
        for (name, value) in pairs {
            let Some(option) = OPTIONS.into_iter().find(|option| *option == name) else {
                attributes.push((name, value));
                continue;
            };
            if seen.contains(&option) {
                return Err(QueryError::Twice { name: option });
            }
            seen.push(option);
            match option {
                "limit" => query.limit = Some(whole(option, value)?),
                "offset" => query.offset = whole(option, value)?,
                "fuzzymatching" => query.fuzzy_matching = boolean(option, value)?,
                "emptyvaluematching" => query.empty_values = boolean(option, value)?,
                "multiplevaluematching" => query.multiple_values = boolean(option, value)?,
                _ => query.order_by = Some(order_by(value)?),
            }
        }
        // How a value is read depends on options that may stand behind it.
        for (name, value) in attributes {
            match name {
                "includefield" => query.include(value)?,
                _ => query.add_filter(name, value)?,
            }
        }
        query.check_ranges()?;
        Ok(query)
    }

    /// Adds a filter by keyword or tag; an empty value, or `*`, is none, but asks for the attribute.
    ///
    /// # Errors
    /// The name is unknown, its filter is there already, or the value has the wrong form.
    pub fn add_filter(&mut self, name: &str, value: &str) -> Result<(), QueryError> {
        let attribute = Field::find(name).ok_or_else(|| QueryError::Unknown {
            name: name.chars().take(64).collect(),
        })?;
        let (field, keyword) = (attribute.field, attribute.keyword);
        if value.is_empty() || value == "*" {
            self.include_fields.push(keyword.to_owned());
            return Ok(());
        }
        let filter = match attribute.matching {
            _ if self.empty_values && value == "\"\"" => Filter::Empty,
            Matching::Uids => list(keyword, value, str::to_owned)?,
            Matching::Code => list(keyword, value, str::to_ascii_uppercase)?,
            Matching::Text | Matching::Name => Filter::Text(value.trim().to_owned()),
            Matching::Date => moment::date(keyword, value)?,
            Matching::Time => moment::time(keyword, value)?,
            Matching::Number => {
                Filter::Number(value.trim().parse().map_err(|_| QueryError::Value {
                    name: keyword,
                    expected: "a whole number",
                })?)
            }
        };
        let known = self.filters.iter_mut().find(|(known, _)| *known == field);
        // Some clients repeat a parameter for a list; any other filter is given once (PS3.18 8.3.4.1).
        match (known, filter) {
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

    /// Ranges of a date and its time that are one range, from a moment to another: `[date, time]`, and the two ranges.
    ///
    /// Both must have the same form, PS3.4 C.2.2.2.5.4: with both ends, or with the same open end.
    pub fn combined(&self) -> Vec<([Field; 2], [&Filter; 2])> {
        let mut found = Vec::new();
        for fields in PAIRS {
            let [date, time] = fields.map(|field| self.filter(field));
            if let (Some(date), Some(time)) = (date, time)
                && let (
                    Filter::Range { from, to },
                    Filter::Range {
                        from: first,
                        to: last,
                    },
                ) = (date, time)
                && from.is_some() == first.is_some()
                && to.is_some() == last.is_some()
            {
                found.push((fields, [date, time]));
            }
        }
        found
    }

    /// A range does not end before it begins.
    fn check_ranges(&self) -> Result<(), QueryError> {
        let combined = self.combined();
        for (field, filter) in &self.filters {
            let Filter::Range {
                from: Some(from),
                to: Some(to),
            } = filter
            else {
                continue;
            };
            let pair = combined.iter().find(|(fields, _)| fields.contains(field));
            let is_turned = match pair {
                None => moment::is_after(from, to),
                // Of one range from a moment to another only the whole must go forward.
                Some((_, [Filter::Range { from, to }, _])) if from != to => moment::is_after(
                    from.as_deref().unwrap_or_default(),
                    to.as_deref().unwrap_or_default(),
                ),
                Some(_) => moment::is_after(from, to),
            };
            if is_turned {
                return Err(QueryError::Value {
                    name: field.keyword(),
                    expected: "a range that does not end before it begins",
                });
            }
        }
        Ok(())
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
                Filter::Text(text) | Filter::At(text) => text.clone(),
                Filter::Number(number) => number.to_string(),
                Filter::Range { from, to } if from == to && field.matching() == Matching::Date => {
                    from.clone().unwrap_or_default()
                }
                Filter::Range { from, to } => format!(
                    "{}-{}",
                    from.as_deref().unwrap_or_default(),
                    to.as_deref().unwrap_or_default()
                ),
                Filter::Empty => "\"\"".to_owned(),
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
        let options = [
            ("fuzzymatching", self.fuzzy_matching),
            ("emptyvaluematching", self.empty_values),
            ("multiplevaluematching", self.multiple_values),
        ];
        for (name, _) in options.into_iter().filter(|(_, is_set)| *is_set) {
            pairs.push((name, "true".to_owned()));
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

/// The items of a list, between commas or, as DICOM itself has them, backslashes.
fn list(
    name: &'static str,
    value: &str,
    written: impl Fn(&str) -> String,
) -> Result<Filter, QueryError> {
    let items = value.split([',', '\\']).map(str::trim);
    let items: Vec<String> = items.filter(|item| !item.is_empty()).map(written).collect();
    if items.is_empty() {
        return Err(QueryError::Value {
            name,
            expected: "a value, or a list of them with commas between",
        });
    }
    Ok(Filter::AnyOf(items))
}

fn whole(name: &'static str, value: &str) -> Result<u32, QueryError> {
    value.parse().map_err(|_| QueryError::Value {
        name,
        expected: "a whole number from 0 up",
    })
}

fn boolean(name: &'static str, value: &str) -> Result<bool, QueryError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(QueryError::Value {
            name,
            expected: "true or false",
        }),
    }
}

fn order_by(value: &str) -> Result<OrderBy, QueryError> {
    let (name, descending) = value
        .strip_prefix('-')
        .map_or((value, false), |name| (name, true));
    Field::find(name)
        .map(|attribute| OrderBy {
            field: attribute.field,
            descending,
        })
        .ok_or(QueryError::Value {
            name: "orderby",
            expected: "an attribute that can be searched",
        })
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
