//! The Store Instances Response Module: what became of each instance.
//!
//! Source: DICOM PS3.18 section 10.5.3 and annex I, tables I.1-1 and I.2-2.

use std::collections::BTreeSet;

use protocol::dicomweb::path;
use serde_json::{Map, Value, json};

use crate::source::folder::store::Reason;
use crate::source::folder::store::check::{Names, is_uid};
use crate::source::folder::store::take::Outcome;

/// What became of a request's instances.
#[derive(Debug, Default)]
pub struct Report {
    /// Stored; the flag says that the same was there already.
    stored: Vec<(Names, bool)>,
    /// Not stored, and why; some have no name that could be read.
    failed: Vec<(Names, Reason)>,
}

impl Report {
    /// Notes what became of one.
    pub fn add(&mut self, outcome: Outcome) {
        match outcome.failed {
            None => self.stored.push((outcome.names, outcome.was_there)),
            Some(reason) => self.failed.push((outcome.names, reason)),
        }
    }

    /// Notes one that was not stored.
    pub fn fail(&mut self, names: Names, reason: Reason) {
        self.failed.push((names, reason));
    }

    /// Instances in all.
    pub fn count(&self) -> usize {
        self.stored.len() + self.failed.len()
    }

    /// HTTP status: all, some, or none were stored.
    pub fn status(&self) -> u16 {
        match (self.stored.is_empty(), self.failed.is_empty()) {
            (false, true) => 200,
            (false, false) => 202,
            (true, _) => 409,
        }
    }

    /// Why nothing was stored, where it is the same for all.
    pub fn only_reason(&self) -> Option<Reason> {
        let (_, first) = self.failed.first()?;
        let all = self.stored.is_empty() && self.failed.iter().all(|(_, it)| it == first);
        all.then_some(*first)
    }

    /// The data set, in the JSON of PS3.18 annex F; `root` is the DICOMweb root as a path.
    pub fn data_set(&self, root: &str) -> Map<String, Value> {
        let mut set = Map::new();
        let studies: BTreeSet<&str> = (self.stored.iter())
            .map(|(names, _)| names.study.as_str())
            .collect();
        // Of several studies there is no one address.
        let address = match studies.first() {
            Some(study) if studies.len() == 1 => {
                json!({ "vr": "UR", "Value": [format!("{root}/{}", path::study(study))] })
            }
            _ => json!({ "vr": "UR" }),
        };
        set.insert("00081190".into(), address);
        let is_named = |names: &Names| is_uid(&names.sop) && is_uid(&names.sop_class);
        let failed = self.failed.iter().filter(|(names, _)| is_named(names));
        let failed = failed.map(|(names, reason)| {
            let mut item = reference(names);
            item.insert("00081197".into(), us(reason.code()));
            item
        });
        put(&mut set, "00081198", failed);
        let stored = self.stored.iter().map(|(names, was_there)| {
            let mut item = reference(names);
            let address = path::instance(&names.study, &names.series, &names.sop);
            let address = format!("{root}/{address}");
            item.insert("00081190".into(), json!({ "vr": "UR", "Value": [address] }));
            if *was_there {
                // The standard has no word for it: a private one, for those who know it (PS3.5 7.8.1).
                item.insert(
                    "00090010".into(),
                    json!({ "vr": "LO", "Value": ["SAGITTA"] }),
                );
                item.insert(
                    "00091001".into(),
                    json!({ "vr": "CS", "Value": ["PRESENT"] }),
                );
            }
            item
        });
        put(&mut set, "00081199", stored);
        let others = self.failed.iter().filter(|(names, _)| !is_named(names));
        let others =
            others.map(|(_, reason)| Map::from_iter([("00081197".to_owned(), us(reason.code()))]));
        put(&mut set, "0008119A", others);
        set
    }
}

fn us(number: u16) -> Value {
    json!({ "vr": "US", "Value": [number] })
}

fn reference(names: &Names) -> Map<String, Value> {
    let uid = |text: &str| json!({ "vr": "UI", "Value": [text] });
    Map::from_iter([
        ("00081150".to_owned(), uid(&names.sop_class)),
        ("00081155".to_owned(), uid(&names.sop)),
    ])
}

/// A sequence, where it has items.
fn put(set: &mut Map<String, Value>, tag: &str, items: impl Iterator<Item = Map<String, Value>>) {
    let items: Vec<Value> = items.map(Value::Object).collect();
    if !items.is_empty() {
        set.insert(tag.to_owned(), json!({ "vr": "SQ", "Value": items }));
    }
}
