//! What an answer says of a study, a series or an instance: what must be there, and what was asked for.
//!
//! Attributes that no file has stand without a value where the tables require them. Of studies and series only their own
//! attributes are known; an instance has all that its file says.
//! Source: DICOM PS3.18 section 10.6.3.3, tables 10.6.3-3 to 10.6.3-5; PS3.4 table C.3-1 (counts).

use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use protocol::dicomweb::path;
use protocol::dicomweb::query::QidoQuery;
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value, json};

use super::super::compact::{PACKED, Unpacker};
use super::super::entry::{SERIES_TAGS, STUDY_TAGS};
use super::super::index::IndexError;
use super::{Level, Within, may_be_found};
use crate::auth::visible::Studies;

type Set = Map<String, Value>;

/// Attributes of a study that are there with or without a value.
const STUDY_REQUIRED: [(&str, &str); 10] = [
    ("00080020", "DA"),
    ("00080030", "TM"),
    ("00080050", "SH"),
    ("00080061", "CS"),
    ("00080090", "PN"),
    ("00100010", "PN"),
    ("00100020", "LO"),
    ("00100030", "DA"),
    ("00100040", "CS"),
    ("00200010", "SH"),
];
/// Those of a series.
const SERIES_REQUIRED: [(&str, &str); 2] = [("00080060", "CS"), ("00200011", "IS")];
/// Those of an instance.
const INSTANCE_REQUIRED: [(&str, &str); 2] = [("00080016", "UI"), ("00200013", "IS")];

/// Attributes of an instance that are there without being asked for.
const INSTANCE_TAGS: [&str; 11] = [
    "00080016", "00080018", "00083002", "0020000D", "0020000E", "00200013", "00280008", "00280010",
    "00280011", "00280100", "00080060",
];

const MODALITIES: &str = "00080061";
const CLASSES: &str = "00080062";
const REQUESTS: &str = "00400275";
/// What is required of an item of the Request Attributes Sequence.
const REQUEST_TAGS: [(&str, &str); 2] = [("00400009", "SH"), ("00401001", "SH")];
/// All frames of the series: what a series panel shows as its number of pictures.
const SERIES_FRAMES: &str = "00280008";
/// What is large, of each frame, and is not part of "all".
const PER_FRAME: &str = "52009230";

/// What the tables of each level give first: whatever is said of the study.
pub const STUDY_COLUMNS: &str =
    "s.id, s.uid, s.patient_id, s.series_count, s.instance_count, s.modalities";
/// What follows of a series.
pub const SERIES_COLUMNS: &str = "e.uid, e.attributes, e.instance_count, e.frame_count";
/// What follows of an instance.
pub fn instance_columns() -> String {
    format!("f.sop, {PACKED}")
}

/// What is asked for beside what is always there.
#[derive(Debug, Default, PartialEq)]
pub struct Wanted {
    all: bool,
    /// Tags, those of sequences before those within.
    paths: Vec<Vec<String>>,
    /// What is no attribute.
    pub unknown: Vec<String>,
}

impl Wanted {
    /// What a search asks for, and what it filters by.
    pub fn of(query: &QidoQuery) -> Self {
        let mut wanted = Self::default();
        for name in &query.include_fields {
            let tags: Option<Vec<String>> = name.split('.').map(tag_name).collect();
            match tags {
                _ if name == "all" => wanted.all = true,
                Some(tags) => wanted.paths.push(tags),
                None => wanted.unknown.push(name.clone()),
            }
        }
        for (field, _) in &query.filters {
            let tags = field.path().iter().map(|tag| format!("{tag:08X}"));
            wanted.paths.push(tags.collect());
        }
        wanted
    }

    /// Whether a whole attribute is asked for by its name.
    fn names(&self, tag: &str) -> bool {
        let mut paths = self.paths.iter();
        paths.any(|path| path.len() == 1 && path[0] == tag)
    }

    /// What is asked for of what is in a sequence.
    fn within(&self, tag: &str) -> Vec<&[String]> {
        let inner = self.paths.iter().filter_map(|path| path.split_first());
        inner
            .filter(|(first, rest)| *first == tag && !rest.is_empty())
            .map(|(_, rest)| rest)
            .collect()
    }

    /// Of these attributes those that are always there or asked for.
    fn of_set(&self, mut set: Set, always: &[&str]) -> Set {
        set.retain(|tag, element| {
            if self.all || always.contains(&tag.as_str()) || self.names(tag) {
                return true;
            }
            let inner = self.within(tag);
            if !inner.is_empty() {
                *element = narrowed(std::mem::take(element), &inner);
            }
            !inner.is_empty()
        });
        set
    }

    /// The Request Attributes Sequence as a series has it: items with what is required and asked for.
    fn requests(&self, element: Value) -> Value {
        if self.all || self.names(REQUESTS) {
            return element;
        }
        let required: Vec<[String; 1]> = REQUEST_TAGS.map(|(tag, _)| [tag.to_owned()]).into();
        let mut inner = self.within(REQUESTS);
        inner.extend(required.iter().map(<[String; 1]>::as_slice));
        let mut element = narrowed(element, &inner);
        let items = element.get_mut("Value").and_then(Value::as_array_mut);
        for item in items.into_iter().flatten() {
            if let Value::Object(item) = item {
                require(item, &REQUEST_TAGS);
            }
        }
        element
    }
}

/// A sequence with nothing but these attributes in its items.
fn narrowed(mut element: Value, inner: &[&[String]]) -> Value {
    let items = element.get_mut("Value").and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        let Value::Object(set) = item else { continue };
        let mut kept = Set::new();
        for (tag, element) in std::mem::take(set) {
            let here = inner.iter().filter(|path| path.first() == Some(&tag));
            let further: Vec<&[String]> = here.map(|path| &path[1..]).collect();
            match further.iter().any(|path| path.is_empty()) {
                true => drop(kept.insert(tag, element)),
                false if further.is_empty() => {}
                false => drop(kept.insert(tag, narrowed(element, &further))),
            }
        }
        *set = kept;
    }
    element
}

/// Eight digits for a keyword or a tag.
fn tag_name(name: &str) -> Option<String> {
    if name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(name.to_ascii_uppercase());
    }
    let entry = dicom_dictionary_std::StandardDataDictionary.by_name(name)?;
    let tag = entry.tag();
    Some(format!("{:04X}{:04X}", tag.group(), tag.element()))
}

/// Who reserved the block of a private attribute, PS3.5 7.8.1.
fn creator_of(tag: &str) -> Option<String> {
    let number = u32::from_str_radix(tag, 16).ok()?;
    let (group, element) = (number >> 16, number & 0xFFFF);
    (group % 2 == 1 && element >= 0x1000).then(|| format!("{group:04X}{:04X}", element >> 8))
}

fn require(set: &mut Set, required: &[(&str, &str)]) {
    for (tag, vr) in required {
        if !set.contains_key(*tag) {
            set.insert((*tag).to_owned(), json!({ "vr": vr }));
        }
    }
}

fn count(set: &mut Set, tag: &str, count: i64) {
    set.insert(tag.to_owned(), json!({"vr": "IS", "Value": [count]}));
}

/// Takes out what is kept in the file alone.
fn without_bulk(set: &mut Set) {
    set.retain(|_, element| element.get("BulkDataURI").is_none());
    for element in set.values_mut() {
        let items = element.get_mut("Value").and_then(Value::as_array_mut);
        for item in items.into_iter().flatten() {
            if let Value::Object(item) = item {
                without_bulk(item);
            }
        }
    }
}

fn attributes(text: &str) -> Result<Set, IndexError> {
    serde_json::from_str(text).map_err(|_| IndexError::Damaged)
}

/// Adds what is said of what is around, without taking anything back.
fn add_missing(set: &mut Set, around: Set) {
    for (tag, element) in around {
        set.entry(tag).or_insert(element);
    }
}

/// Turns rows into data sets.
pub struct Answering<'a> {
    connection: &'a Connection,
    within: &'a Within,
    wanted: &'a Wanted,
    studies: &'a Studies,
    root: &'a str,
    /// The study of the last row: rows of one study follow each other.
    last: Option<(i64, Set)>,
    unpacker: Unpacker,
}

impl<'a> Answering<'a> {
    /// For the rows of one answer.
    pub fn new(
        connection: &'a Connection,
        within: &'a Within,
        wanted: &'a Wanted,
        studies: &'a Studies,
        root: &'a str,
    ) -> Self {
        Self {
            connection,
            within,
            wanted,
            studies,
            root,
            last: None,
            unpacker: Unpacker::default(),
        }
    }

    /// The data set of a row.
    pub fn data_set(&mut self, row: &Row<'_>) -> Result<Value, IndexError> {
        let study: String = row.get(1)?;
        let (mut set, path) = match self.within.level {
            Level::Study => (self.study(row)?, path::study(&study)),
            Level::Series => {
                let uid: String = row.get(6)?;
                let mut set = self.series(row)?;
                let around = self.study(row)?;
                add_missing(&mut set, around);
                (set, path::one_series(&study, &uid))
            }
            Level::Instance => {
                let (series, sop): (String, String) = (row.get(6)?, row.get(10)?);
                let mut set = self.instance(row)?;
                if self.within.series.is_none() {
                    let mut around = self.series(row)?;
                    // An image without Number of Frames has one, not those of its series.
                    around.remove(SERIES_FRAMES);
                    add_missing(&mut set, around);
                }
                if self.within.study.is_none() {
                    let around = self.study(row)?;
                    add_missing(&mut set, around);
                }
                (set, path::instance(&study, &series, &sop))
            }
        };
        let term = |term: &str| json!({"vr": "CS", "Value": [term]});
        set.insert("00080005".into(), term("ISO_IR 192"));
        set.insert("00080056".into(), term("ONLINE"));
        let url = format!("{}/{path}", self.root);
        set.insert("00081190".into(), json!({"vr": "UR", "Value": [url]}));
        Ok(Value::Object(set))
    }

    /// Attributes of the row's study.
    fn study(&mut self, row: &Row<'_>) -> Result<Set, IndexError> {
        let id: i64 = row.get(0)?;
        if let Some((last, set)) = &self.last
            && *last == id
        {
            return Ok(set.clone());
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT attributes FROM study_sets WHERE id = ?1")?;
        let text: String = statement.query_row([id], |row| row.get(0))?;
        let mut set = self.wanted.of_set(attributes(&text)?, &STUDY_TAGS);
        count(&mut set, "00201206", row.get(3)?);
        count(&mut set, "00201208", row.get(4)?);
        let modalities: String = row.get(5)?;
        let codes: Vec<&str> = modalities.split('\\').filter(|it| !it.is_empty()).collect();
        if !codes.is_empty() {
            set.insert(MODALITIES.into(), json!({"vr": "CS", "Value": codes}));
        }
        if self.wanted.names(CLASSES) {
            let classes = self.classes(row.get_ref(1)?.as_str().unwrap_or_default())?;
            set.insert(CLASSES.into(), json!({"vr": "UI", "Value": classes}));
        }
        self.count_patient(row, &mut set)?;
        require(&mut set, &STUDY_REQUIRED);
        // Of studies each row is another one.
        if self.within.level != Level::Study {
            self.last = Some((id, set.clone()));
        }
        Ok(set)
    }

    fn classes(&self, study: &str) -> Result<Vec<String>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT sop_class FROM files
             WHERE study = ?1 AND current = 1 AND sop_class <> '' ORDER BY sop_class",
        )?;
        let classes = statement.query_map([study], |row| row.get(0))?;
        Ok(classes.collect::<Result<_, _>>()?)
    }

    /// What there is of the study's patient, of what may be found.
    fn count_patient(&self, row: &Row<'_>, set: &mut Set) -> Result<(), IndexError> {
        const COUNTS: [&str; 3] = ["00201200", "00201202", "00201204"];
        let patient: String = row.get(2)?;
        // Whoever lists what is in a study has been let into that study, and knows of no other.
        let is_list = self.within.study.is_none();
        if !is_list || patient.is_empty() || !COUNTS.iter().any(|tag| self.wanted.names(tag)) {
            return Ok(());
        }
        let mut values = vec![patient.into()];
        let may = may_be_found(self.studies, &mut values).unwrap_or_else(|| "1".to_owned());
        let sql = format!(
            "SELECT count(*), coalesce(sum(s.series_count), 0), coalesce(sum(s.instance_count), 0)
             FROM studies s WHERE s.patient_id = ? AND {may}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let counts: [i64; 3] = statement.query_row(params_from_iter(&values), |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?])
        })?;
        for (tag, number) in COUNTS.iter().zip(counts) {
            if self.wanted.names(tag) {
                count(set, tag, number);
            }
        }
        Ok(())
    }

    /// Attributes of the row's series.
    fn series(&self, row: &Row<'_>) -> Result<Set, IndexError> {
        let mut all = attributes(row.get_ref(7)?.as_str().unwrap_or_default())?;
        let requests = all.remove(REQUESTS);
        let mut set = self.wanted.of_set(all, &SERIES_TAGS);
        if let Some(requests) = requests {
            set.insert(REQUESTS.to_owned(), self.wanted.requests(requests));
        }
        count(&mut set, "00201209", row.get(8)?);
        count(&mut set, SERIES_FRAMES, row.get(9)?);
        require(&mut set, &SERIES_REQUIRED);
        Ok(set)
    }

    /// Attributes of the row's instance.
    fn instance(&mut self, row: &Row<'_>) -> Result<Set, IndexError> {
        let mut text = Vec::new();
        self.unpacker.append(row, 11, &mut text)?;
        let mut all: Set = serde_json::from_slice(&text).map_err(|_| IndexError::Damaged)?;
        if !self.wanted.names(PER_FRAME) && self.wanted.within(PER_FRAME).is_empty() {
            all.remove(PER_FRAME);
        }
        let creators = self.wanted.paths.iter().filter_map(|path| {
            let creator = creator_of(path.first()?)?;
            let element = all.get(&creator)?.clone();
            all.contains_key(&path[0]).then_some((creator, element))
        });
        let creators: Set = creators.collect();
        let mut set = self.wanted.of_set(all, &INSTANCE_TAGS);
        add_missing(&mut set, creators);
        without_bulk(&mut set);
        require(&mut set, &INSTANCE_REQUIRED);
        Ok(set)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn wanted(names: &[&str]) -> Wanted {
        Wanted::of(&QidoQuery {
            include_fields: names.iter().map(|name| (*name).to_owned()).collect(),
            ..QidoQuery::default()
        })
    }

    #[test]
    fn keywords_tags_and_paths_are_read_and_others_named() {
        let found = wanted(&[
            "PatientAge",
            "00400275.requestedprocedureid",
            "0040027a",
            "Nonsense",
        ]);
        let expected = [vec!["00101010".to_owned()], vec!["0040027A".to_owned()]];
        assert_eq!(found.paths, expected);
        assert_eq!(found.unknown, ["00400275.requestedprocedureid", "Nonsense"]);
        assert!(wanted(&["all"]).all);
    }

    #[test]
    fn of_a_sequence_only_what_is_asked_for_is_left() {
        let set = json!({"00400275": {"vr": "SQ", "Value": [
            {"00400007": {"vr": "LO"}, "00400008": {"vr": "SQ", "Value": [
                {"00080100": {"vr": "SH"}, "00080104": {"vr": "LO"}}]}}]}});
        let set = set.as_object().unwrap().clone();
        let path = "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue";
        let kept = wanted(&[path]).of_set(set, &[]);
        let expected = json!({"00400275": {"vr": "SQ", "Value": [
            {"00400008": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH"}}]}}]}});
        assert_eq!(Value::Object(kept), expected);
    }

    #[test]
    fn items_of_requests_have_what_is_required() {
        let element = json!({"vr": "SQ", "Value": [
            {"00400007": {"vr": "LO"}, "00400009": {"vr": "SH", "Value": ["S1"]}}]});
        let expected = json!({"vr": "SQ", "Value": [
            {"00400009": {"vr": "SH", "Value": ["S1"]}, "00401001": {"vr": "SH"}}]});
        assert_eq!(wanted(&[]).requests(element.clone()), expected);
        assert_eq!(wanted(&["all"]).requests(element.clone()), element);
    }

    #[test]
    fn the_creator_of_a_private_attribute_is_known_by_its_block() {
        assert_eq!(creator_of("00291020"), Some("00290010".to_owned()));
        assert_eq!(creator_of("00290010"), None);
        assert_eq!(creator_of("00281020"), None);
    }
}
