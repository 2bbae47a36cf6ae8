//! DICOM JSON: the data sets that QIDO-RS and WADO-RS metadata answer with.
//!
//! Read leniently, because servers differ: a missing `vr`, a `Value` that is no list, and numbers
//! written as strings all occur. What cannot be read is absent, never guessed.
//! Source: DICOM PS3.18 Annex F (DICOM JSON Model).

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// A tag as `group << 16 | element`, for example `0x0028_0010` for Rows.
pub type Tag = u32;

/// One data set of a DICOM JSON answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dataset(Map<String, Value>);

/// A person name, PS3.5 6.2.1; groups that are not there are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonName {
    /// Single-byte or Latin group, with `^` between components.
    pub alphabetic: String,
    /// Ideographic group.
    pub ideographic: String,
    /// Phonetic group.
    pub phonetic: String,
}

impl PersonName {
    /// "Family, Given Middle" for display; prefix and suffix are left out.
    pub fn display(&self) -> String {
        let source = [&self.alphabetic, &self.ideographic, &self.phonetic]
            .into_iter()
            .find(|group| !group.trim().is_empty());
        let Some(source) = source else {
            return String::new();
        };
        let mut components = source.split('^').map(str::trim);
        let family = components.next().unwrap_or_default();
        let given: Vec<&str> = components.take(2).filter(|part| !part.is_empty()).collect();
        match (family.is_empty(), given.is_empty()) {
            (false, false) => format!("{family}, {}", given.join(" ")),
            (false, true) => family.to_owned(),
            (true, _) => given.join(" "),
        }
    }
}

/// Why an answer is no DICOM JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is no JSON.
    #[error("the answer is not JSON ({reason})")]
    Syntax {
        /// What the parser says, without any of the text.
        reason: String,
    },
    /// JSON of another shape.
    #[error("the answer is not a list of data sets")]
    Shape,
}

/// Reads an answer: a list of data sets, or a single one.
///
/// An empty body is an empty list, as servers answer 204 for it.
///
/// # Errors
/// When the text is no JSON, or JSON of another shape.
pub fn parse(text: &str) -> Result<Vec<Dataset>, JsonError> {
    let mut sets = Vec::new();
    parse_each(text, |set| sets.push(set))?;
    Ok(sets)
}

/// Reads an answer as [`parse`] does and hands over one data set after the other: those of a series of thousands of
/// instances are never in memory together.
///
/// # Errors
/// As [`parse`]; data sets before the fault have been handed over.
pub fn parse_each(text: &str, take: impl FnMut(Dataset)) -> Result<(), JsonError> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let mut source = serde_json::Deserializer::from_str(text);
    let read = source.deserialize_any(Answer { take });
    read.and_then(|()| source.end()).map_err(|error| {
        if error.is_data() {
            return JsonError::Shape;
        }
        JsonError::Syntax {
            reason: format!("line {}, column {}", error.line(), error.column()),
        }
    })
}

/// A list of data sets, or a single one.
struct Answer<F> {
    take: F,
}

impl<'de, F: FnMut(Dataset)> Visitor<'de> for Answer<F> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of data sets")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sets: A) -> Result<(), A::Error> {
        while let Some(set) = sets.next_element()? {
            (self.take)(Dataset(set));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, attributes: A) -> Result<(), A::Error> {
        let set = Map::deserialize(MapAccessDeserializer::new(attributes))?;
        (self.take)(Dataset(set));
        Ok(())
    }
}

impl Dataset {
    /// Wraps a JSON object.
    pub fn from_map(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// The JSON object itself.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// True where the attribute is there with at least one value.
    pub fn has(&self, tag: Tag) -> bool {
        self.first(tag).is_some()
    }

    /// The values of an attribute; empty where it is absent.
    fn values(&self, tag: Tag) -> &[Value] {
        match self.element(tag).and_then(|element| element.get("Value")) {
            Some(Value::Array(values)) => values,
            Some(single) => std::slice::from_ref(single),
            None => &[],
        }
    }

    fn element(&self, tag: Tag) -> Option<&Value> {
        self.0
            .get(&format!("{tag:08X}"))
            .or_else(|| self.0.get(&format!("{tag:08x}")))
    }

    fn first(&self, tag: Tag) -> Option<&Value> {
        self.values(tag).iter().find(|value| !value.is_null())
    }

    /// The address of a value that is fetched separately.
    pub fn bulk_data_uri(&self, tag: Tag) -> Option<&str> {
        self.element(tag)?.get("BulkDataURI")?.as_str()
    }

    /// Bytes that stand in the metadata themselves; `None` where they do not, or are no base64.
    pub fn inline_binary(&self, tag: Tag) -> Option<Vec<u8>> {
        use base64::Engine;
        let text = self.element(tag)?.get("InlineBinary")?.as_str()?;
        base64::engine::general_purpose::STANDARD.decode(text).ok()
    }

    /// The first value as text, without the padding of PS3.5; `None` where absent or empty.
    pub fn text(&self, tag: Tag) -> Option<String> {
        text_of(self.first(tag)?).filter(|text| !text.is_empty())
    }

    /// All values as text; an empty value keeps its place.
    pub fn texts(&self, tag: Tag) -> Vec<String> {
        self.values(tag)
            .iter()
            .map(|value| text_of(value).unwrap_or_default())
            .collect()
    }

    /// The first value as a finite number, also where it is written as text.
    pub fn number(&self, tag: Tag) -> Option<f64> {
        number_of(self.first(tag)?)
    }

    /// All values as finite numbers; `None` where one of them is none.
    pub fn numbers(&self, tag: Tag) -> Option<Vec<f64>> {
        let numbers: Option<Vec<f64>> = self.values(tag).iter().map(number_of).collect();
        numbers.filter(|list| !list.is_empty())
    }

    /// Exactly `N` finite numbers.
    pub fn array<const N: usize>(&self, tag: Tag) -> Option<[f64; N]> {
        self.numbers(tag)?.try_into().ok()
    }

    /// The first value as a non-negative whole number of 32 bits.
    pub fn whole(&self, tag: Tag) -> Option<u32> {
        let number = self.number(tag)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range is checked in the same expression"
        )]
        (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number))
            .then_some(number as u32)
    }

    /// The first value as a whole number that may be negative.
    pub fn integer(&self, tag: Tag) -> Option<i64> {
        let number = self.number(tag)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range is checked in the same expression"
        )]
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    }

    /// A person name.
    pub fn person_name(&self, tag: Tag) -> Option<PersonName> {
        match self.first(tag)? {
            Value::Object(groups) => {
                let group = |name: &str| {
                    groups
                        .get(name)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                };
                Some(PersonName {
                    alphabetic: group("Alphabetic"),
                    ideographic: group("Ideographic"),
                    phonetic: group("Phonetic"),
                })
            }
            Value::String(text) => {
                let mut groups = text.split('=').map(|group| group.trim().to_owned());
                Some(PersonName {
                    alphabetic: groups.next().unwrap_or_default(),
                    ideographic: groups.next().unwrap_or_default(),
                    phonetic: groups.next().unwrap_or_default(),
                })
            }
            _ => None,
        }
    }

    /// The items of a sequence; empty where it is absent.
    pub fn items(&self, tag: Tag) -> Vec<Dataset> {
        self.values(tag)
            .iter()
            .filter_map(|value| value.as_object().cloned().map(Dataset))
            .collect()
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim_matches([' ', '\0']).to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim_matches([' ', '\0']).parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Dataset {
        parse(text).unwrap().remove(0)
    }

    #[test]
    fn an_empty_body_is_an_empty_list() {
        assert!(parse("").unwrap().is_empty());
        assert!(parse("[]").unwrap().is_empty());
    }

    #[test]
    fn numbers_are_read_from_numbers_and_from_text() {
        let set = one(r#"[{"00280010":{"vr":"US","Value":[512]},"00281053":{"Value":"1.5 "}}]"#);
        assert_eq!(set.whole(0x0028_0010), Some(512));
        assert_eq!(set.number(0x0028_1053), Some(1.5));
        assert_eq!(set.number(0x0028_1052), None);
    }

    #[test]
    fn a_list_with_one_unreadable_number_is_absent() {
        let set = one(r#"[{"00280030":{"vr":"DS","Value":["0.5","x"]}}]"#);
        assert_eq!(set.array::<2>(0x0028_0030), None);
    }

    #[test]
    fn names_are_shown_family_first() {
        let set = one(r#"[{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Example^Ada^M^Dr"}]}}]"#);
        assert_eq!(
            set.person_name(0x0010_0010).unwrap().display(),
            "Example, Ada M"
        );
    }

    #[test]
    fn data_sets_come_one_by_one_up_to_the_fault() {
        let number = |set: &Dataset| set.whole(0x0020_0013);
        let text = r#"[{"00200013":{"Value":[1]}},{"00200013":{"Value":[2]}}, 3]"#;
        let mut numbers = Vec::new();
        let read = parse_each(text, |set| numbers.push(number(&set)));
        assert!(matches!(read, Err(JsonError::Shape)));
        assert_eq!(numbers, [Some(1), Some(2)]);
        assert_eq!(number(&one(r#"{"00200013":{"Value":[7]}}"#)), Some(7));
    }

    #[test]
    fn answers_of_another_shape_or_with_more_behind_them_are_refused() {
        for text in ["3", "[3]", "[[]]", "\"text\"", "null"] {
            assert!(matches!(parse(text), Err(JsonError::Shape)), "{text}");
        }
        for text in ["[] []", "[{}", "{}x", "[{},]"] {
            assert!(
                matches!(parse(text), Err(JsonError::Syntax { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn text_that_is_no_json_is_refused_without_quoting_it() {
        let error = parse("<html>secret</html>").unwrap_err().to_string();
        assert!(error.contains("not JSON") && !error.contains("secret"));
    }
}
