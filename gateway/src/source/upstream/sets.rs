//! Data sets of another server: whose they are, and no address in them but ours.
//!
//! An answer is read from its text and written anew, element by element: what is no DICOM JSON is left out, and so is each
//! address. Nothing larger than a few attributes is held in memory beside the two texts.
//! Source: DICOM PS3.18 Annex F (DICOM JSON Model).

use std::collections::BTreeMap;
use std::fmt;

use dicom_core::Tag;
use dicom_core::VR;
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_dictionary_std::StandardDataDictionary;
use protocol::dicomweb::json::Dataset;
use reqwest::Url;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Map;
use serde_json::value::RawValue;

use super::address::{self, Place};
use super::fault::Reason;
use crate::source::folder::entry::folded;

/// Deepest nesting of sequences that is read.
const DEEPEST: usize = 32;
/// Largest attribute by which a data set is known.
const LARGEST_KNOWN: usize = 64 << 10;
/// Most addresses of values that are remembered of one instance.
const MOST_ADDRESSES: usize = 4096;

const STUDY: u32 = 0x0020_000D;
const SERIES: u32 = 0x0020_000E;
const INSTANCE: u32 = 0x0008_0018;
const REFERRING: u32 = 0x0008_0090;
const PATIENT: u32 = 0x0010_0020;
const RETRIEVE_URL: u32 = 0x0008_1190;
/// Of VR UR, but a name.
const URN_CODE: u32 = 0x0008_0120;

/// By what a data set is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Head {
    pub study: Option<String>,
    pub series: Option<String>,
    pub instance: Option<String>,
    /// Referring Physician's Name, as it is searched.
    pub referring: String,
    pub patient: String,
}

impl Head {
    /// Reads it from the text of a data set.
    pub fn of(text: &str) -> Result<Self, Reason> {
        let mut known = Map::new();
        members(text, &mut |name, value| {
            let Some(tag @ (STUDY | SERIES | INSTANCE | REFERRING | PATIENT)) = tag_of(name) else {
                return Ok(());
            };
            if value.get().len() > LARGEST_KNOWN {
                return Err(Reason::Broken);
            }
            let value = serde_json::from_str(value.get()).map_err(|_| Reason::Broken)?;
            // Two of one kind could be read as either.
            match known.insert(format!("{tag:08X}"), value) {
                None => Ok(()),
                Some(_) => Err(Reason::Mixed),
            }
        })?;
        let set = Dataset::from_map(known);
        let uid = |tag| match set.texts(tag).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone()).filter(|uid| !uid.is_empty())),
            _ => Err(Reason::Mixed),
        };
        Ok(Self {
            study: uid(STUDY)?,
            series: uid(SERIES)?,
            instance: uid(INSTANCE)?,
            referring: folded(&set, REFERRING),
            patient: set.text(PATIENT).unwrap_or_default(),
        })
    }

    /// Whether it is of what was asked for: whatever that names, the data set must name, too.
    pub fn is_of(&self, place: &Place) -> bool {
        let is_same = |asked: Option<&String>, found: &Option<String>| {
            asked.is_none_or(|asked| found.as_ref() == Some(asked))
        };
        is_same(Some(&place.study), &self.study)
            && is_same(place.series.as_ref(), &self.series)
            && is_same(place.instance.as_ref(), &self.instance)
    }

    /// The instance, where all UIDs are there.
    pub fn place(&self) -> Option<Place> {
        Some(Place {
            study: self.study.clone()?,
            series: Some(self.series.clone()?),
            instance: Some(self.instance.clone()?),
        })
    }
}

/// Hands over the text of each data set of an answer: a list, a single one, or nothing.
pub(super) fn each<'a>(
    text: &'a str,
    take: &mut dyn FnMut(&'a str) -> Result<(), Reason>,
) -> Result<(), Reason> {
    match text.trim_start().chars().next() {
        None => Ok(()),
        Some('{') => take(text),
        Some('[') => elements(text, &mut |_, set| match set.get().starts_with('{') {
            true => take(set.get()),
            false => Err(Reason::Broken),
        }),
        Some(_) => Err(Reason::Broken),
    }
}

/// Writes data sets anew.
pub(super) struct Writer<'a> {
    /// The source's root.
    pub own: &'a Url,
    /// The address whose answer it is.
    pub answered: &'a Url,
    /// Our root for the source, as a path.
    pub root: &'a str,
    /// What is written.
    pub out: Vec<u8>,
    /// Addresses of the last data set's values at the source, by tags.
    pub addresses: BTreeMap<String, Url>,
    /// Where values of this data set are had from us; empty where there is no such place.
    values: String,
    /// Study of this data set.
    study: String,
}

impl<'a> Writer<'a> {
    /// Of an answer.
    pub fn new(own: &'a Url, answered: &'a Url, root: &'a str) -> Self {
        Self {
            own,
            answered,
            root,
            out: b"[".to_vec(),
            addresses: BTreeMap::new(),
            values: String::new(),
            study: String::new(),
        }
    }

    /// Adds a data set; `retrieve` is the path below our root under which more of it is had.
    pub fn add(&mut self, text: &str, head: &Head, retrieve: Option<&str>) -> Result<(), Reason> {
        self.addresses.clear();
        self.study = head.study.clone().unwrap_or_default();
        self.values = match head.place().as_ref().and_then(Place::path) {
            Some(place) => format!("{}/{place}/bulk/", self.root),
            None => String::new(),
        };
        if self.out.len() > 1 {
            self.out.push(b',');
        }
        self.object(text, &mut String::new(), 0)?;
        if let Some(retrieve) = retrieve {
            let url = format!("{}/{retrieve}", self.root);
            let element = serde_json::json!({ "vr": "UR", "Value": [url] });
            self.out.pop();
            if self.out.last() != Some(&b'{') {
                self.out.push(b',');
            }
            let text = format!("\"{RETRIEVE_URL:08X}\":{element}}}");
            self.out.extend_from_slice(text.as_bytes());
        }
        Ok(())
    }

    /// The whole list.
    pub fn end(mut self) -> Vec<u8> {
        self.out.push(b']');
        self.out
    }

    /// True as long as nothing was added.
    pub fn is_empty(&self) -> bool {
        self.out.len() == 1
    }

    /// A data set, or the groups of a name. `path` is that of the item which it is, with a dot at the end.
    fn object(&mut self, text: &str, path: &mut String, depth: usize) -> Result<(), Reason> {
        if depth > DEEPEST {
            return Err(Reason::Broken);
        }
        self.out.push(b'{');
        let mut is_first = true;
        members(text, &mut |name, value| {
            let start = self.out.len();
            if !is_first {
                self.out.push(b',');
            }
            let is_written = match (tag_of(name), name) {
                (Some(tag), _) => self.element(tag, value.get(), path, depth)?,
                (None, "Alphabetic" | "Ideographic" | "Phonetic") => {
                    let is_text = value.get().starts_with('"');
                    if is_text {
                        let text = format!("\"{name}\":{}", value.get());
                        self.out.extend_from_slice(text.as_bytes());
                    }
                    is_text
                }
                _ => false,
            };
            if is_written {
                is_first = false;
            } else {
                self.out.truncate(start);
            }
            Ok(())
        })?;
        self.out.push(b'}');
        Ok(())
    }

    /// One attribute; `false` where nothing of it is left.
    fn element(
        &mut self,
        tag: u32,
        text: &str,
        path: &mut String,
        depth: usize,
    ) -> Result<bool, Reason> {
        let mut element = Element::default();
        members(text, &mut |name, value| {
            let value = value.get();
            match name {
                "vr" => element.vr = vr_of(value),
                "Value" => element.value = Some(value),
                "InlineBinary" if value.starts_with('"') => element.inline = Some(value),
                "BulkDataURI" => element.address = serde_json::from_str(value).ok(),
                _ => {}
            }
            Ok(())
        })?;
        if is_address(tag, element.vr) {
            return Ok(false);
        }
        let length = path.len();
        // Writing to a String cannot fail.
        let _ = fmt::Write::write_fmt(path, format_args!("{tag:08X}"));
        let written = self.content(tag, &element, path, depth);
        path.truncate(length);
        written
    }

    fn content(
        &mut self,
        tag: u32,
        element: &Element<'_>,
        path: &mut String,
        depth: usize,
    ) -> Result<bool, Reason> {
        let start = match element.vr {
            Some(vr) => format!("\"{tag:08X}\":{{\"vr\":\"{vr}\""),
            None => format!("\"{tag:08X}\":{{\"vr\":\"UN\""),
        };
        if let Some(address) = &element.address
            && element.value.is_none()
            && element.inline.is_none()
        {
            let own = address::own(self.own, self.answered, address)
                .or_else(|| address::at_home(self.own, &self.study, address));
            let (Some(own), false) = (own, self.values.is_empty()) else {
                return Ok(false);
            };
            let text = format!("{start},\"BulkDataURI\":\"{}{path}\"}}", self.values);
            self.out.extend_from_slice(text.as_bytes());
            if self.addresses.len() < MOST_ADDRESSES {
                self.addresses.insert(path.clone(), own);
            }
            return Ok(true);
        }
        self.out.extend_from_slice(start.as_bytes());
        if let Some(inline) = element.inline {
            self.out.extend_from_slice(b",\"InlineBinary\":");
            self.out.extend_from_slice(inline.as_bytes());
        } else if let Some(value) = element.value {
            self.out.extend_from_slice(b",\"Value\":[");
            if value.starts_with('[') {
                elements(value, &mut |index, one| {
                    self.value(index, one.get(), path, depth)
                })?;
            } else {
                self.value(0, value, path, depth)?;
            }
            self.out.push(b']');
        }
        self.out.push(b'}');
        Ok(true)
    }

    fn value(
        &mut self,
        index: usize,
        text: &str,
        path: &mut String,
        depth: usize,
    ) -> Result<(), Reason> {
        if index > 0 {
            self.out.push(b',');
        }
        if text.starts_with('{') {
            let length = path.len();
            let _ = fmt::Write::write_fmt(path, format_args!(".{index}."));
            let written = self.object(text, path, depth + 1);
            path.truncate(length);
            return written;
        }
        let is_plain = !text.starts_with('[') && !is_web_address(text);
        let text = if is_plain { text } else { "null" };
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[derive(Default)]
struct Element<'a> {
    vr: Option<&'a str>,
    value: Option<&'a str>,
    inline: Option<&'a str>,
    address: Option<String>,
}

fn vr_of(text: &str) -> Option<&str> {
    let vr = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_vr = vr.len() == 2 && vr.bytes().all(|byte| byte.is_ascii_uppercase());
    is_vr.then_some(vr)
}

fn tag_of(name: &str) -> Option<u32> {
    let is_tag = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_tag.then(|| u32::from_str_radix(name, 16).ok()).flatten()
}

/// Attributes that say where something is. What the standard says of a tag counts more than what the source says.
fn is_address(tag: u32, vr: Option<&str>) -> bool {
    if tag == URN_CODE {
        return false;
    }
    let [group, element] = [tag >> 16, tag & 0xFFFF].map(|half| u16::try_from(half).unwrap_or(0));
    let entry = StandardDataDictionary.by_tag(Tag(group, element));
    let by_standard = entry.map(|entry| entry.vr().relaxed());
    vr == Some("UR") || by_standard == Some(VR::UR)
}

/// A text that is an address and nothing else.
fn is_web_address(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('"') else {
        return false;
    };
    let front = inside.get(..inside.len().min(256)).unwrap_or(inside);
    let decoded: String = if front.contains('\\') {
        serde_json::from_str(text).unwrap_or_default()
    } else {
        front.to_owned()
    };
    let start: String = decoded.trim_start().chars().take(8).collect();
    let start = start.to_ascii_lowercase();
    start.starts_with("http://") || start.starts_with("https://")
}

type TakeMember<'t, 'a> = &'t mut dyn FnMut(&str, &'a RawValue) -> Result<(), Reason>;
type TakeElement<'t, 'a> = &'t mut dyn FnMut(usize, &'a RawValue) -> Result<(), Reason>;

/// Hands over the members of a JSON object.
fn members<'a>(text: &'a str, take: TakeMember<'_, 'a>) -> Result<(), Reason> {
    let mut source = serde_json::Deserializer::from_str(text);
    let mut failed = Reason::Broken;
    let seed = Members {
        take,
        failed: &mut failed,
    };
    let read = seed.deserialize(&mut source).and_then(|()| source.end());
    read.map_err(|_| failed)
}

/// Hands over the elements of a JSON array, counted from 0.
fn elements<'a>(text: &'a str, take: TakeElement<'_, 'a>) -> Result<(), Reason> {
    let mut source = serde_json::Deserializer::from_str(text);
    let mut failed = Reason::Broken;
    let seed = Elements {
        take,
        failed: &mut failed,
    };
    let read = seed.deserialize(&mut source).and_then(|()| source.end());
    read.map_err(|_| failed)
}

struct Members<'t, 'a> {
    take: TakeMember<'t, 'a>,
    failed: &'t mut Reason,
}

impl<'a> DeserializeSeed<'a> for Members<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, &'a RawValue>()? {
            (self.take)(&name, value).map_err(|reason| {
                *self.failed = reason;
                A::Error::custom("refused")
            })?;
        }
        Ok(())
    }
}

struct Elements<'t, 'a> {
    take: TakeElement<'t, 'a>,
    failed: &'t mut Reason,
}

impl<'a> DeserializeSeed<'a> for Elements<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Elements<'_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(value) = list.next_element::<&'a RawValue>()? {
            (self.take)(index, value).map_err(|reason| {
                *self.failed = reason;
                A::Error::custom("refused")
            })?;
            index += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
