//! What the index keeps of one file: its place in the hierarchy, what searches need, its metadata.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use protocol::dicomweb::json::Dataset;
use protocol::dicomweb::moment;
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::rejection::Rejection;
use super::scan::{PixelPlace, Scan};
use super::search::matching::{NEXT_ATTRIBUTE, NEXT_ITEM};
use super::sniff;

/// Study-level attributes of search answers, PS3.18 table 10.6.3-3.
pub const STUDY_TAGS: [&str; 13] = [
    "00080020", "00080030", "00080050", "00080090", "00080201", "00081030", "00100010", "00100020",
    "00100021", "00100030", "00100040", "0020000D", "00200010",
];
/// Those that are there where they are asked for: of the modules of patient and study, PS3.3 C.7.1.1 and C.7.2.
const STUDY_MORE: [&str; 26] = [
    "00080051", "00080096", "00081032", "00081048", "00081049", "00081060", "00081062", "00081080",
    "00081084", "00081110", "00100022", "00100024", "00100032", "00101000", "00101001", "00101002",
    "00101010", "00101020", "00101030", "00102160", "00102180", "001021B0", "00104000", "00120062",
    "00120063", "00321034",
];
/// Series-level attributes of search answers, PS3.18 table 10.6.3-4, and what a series panel shows.
pub const SERIES_TAGS: [&str; 12] = [
    "00080021", "00080031", "00080060", "0008103E", "00180015", "00181030", "0020000E", "00200011",
    "00200060", "00400244", "00400245", "00400275",
];
/// Those that are there where they are asked for: of the modules of series and equipment, PS3.3 C.7.3.1 and C.7.5.1.
const SERIES_MORE: [&str; 23] = [
    "00080070", "00080080", "00080081", "00081010", "00081040", "00081050", "00081052", "00081070",
    "00081072", "00081090", "00081111", "0008103F", "00181000", "00181020", "00185100", "00200052",
    "00201040", "00400250", "00400251", "00400253", "00400254", "00400260", "00400280",
];

/// Why a readable file is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// DICOM, but with nothing to file it under.
    #[error("it has no {missing}")]
    NoUid {
        /// Which UID is missing, in words.
        missing: &'static str,
    },
    /// The metadata cannot be written as JSON.
    #[error("its header cannot be written as JSON")]
    Json,
}

/// One file of the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
    /// SOP Instance UID.
    pub sop: String,
    /// SOP Class UID.
    pub sop_class: String,
    /// Modality.
    pub modality: String,
    /// Instance Number.
    pub number: Option<i64>,
    /// Number of Frames.
    pub frame_count: u32,
    /// Bits of one native frame, 0 where the header does not say.
    pub frame_bits: u64,
    /// Bits Allocated.
    pub bits_allocated: u16,
    /// Transfer Syntax UID.
    pub transfer_syntax: String,
    /// Where the pixels are.
    pub pixels: Option<PixelPlace>,
    /// DICOM JSON, deflated.
    pub metadata: Vec<u8>,
    /// What it rejects, where it is a rejection note.
    pub rejection: Option<Rejection>,
    /// The study-level part of it.
    pub study_attributes: Map<String, Value>,
    /// The series-level part of it.
    pub series_attributes: Map<String, Value>,
}

impl Entry {
    /// Takes what a scan found.
    pub fn from_scan(scan: Scan) -> Result<Self, EntryError> {
        let mut attributes = scan.attributes;
        // What frames can be had in: native ones go out explicit little endian, whatever the file is.
        let sent = if sniff::is_native(&scan.transfer_syntax) {
            sniff::EXPLICIT_LITTLE_ENDIAN
        } else {
            scan.transfer_syntax.as_str()
        };
        let available = json!({"vr": "UI", "Value": [sent]});
        attributes.insert("00083002".to_owned(), available);
        let study_attributes = study_part(&attributes);
        let series_attributes = series_part(&attributes);
        let text = serde_json::to_vec(&attributes).map_err(|_| EntryError::Json)?;
        let metadata = deflate(&text).map_err(|_| EntryError::Json)?;
        let dataset = Dataset::from_map(attributes);
        let uid = |tag, missing| dataset.text(tag).ok_or(EntryError::NoUid { missing });
        Ok(Self {
            study: uid(0x0020_000D, "Study Instance UID")?,
            series: uid(0x0020_000E, "Series Instance UID")?,
            sop: uid(0x0008_0018, "SOP Instance UID")?,
            sop_class: dataset.text(0x0008_0016).unwrap_or_default(),
            modality: dataset.text(0x0008_0060).unwrap_or_default(),
            number: dataset.integer(0x0020_0013),
            frame_count: dataset.whole(0x0028_0008).unwrap_or(1).max(1),
            frame_bits: frame_bits(&dataset, scan.pixels).unwrap_or_default(),
            bits_allocated: whole_u16(&dataset, 0x0028_0100).unwrap_or_default(),
            transfer_syntax: scan.transfer_syntax,
            pixels: scan.pixels,
            metadata,
            rejection: Rejection::of(&dataset),
            study_attributes,
            series_attributes,
        })
    }
}

/// Of an instance's attributes those of its study.
pub fn study_part(attributes: &Map<String, Value>) -> Map<String, Value> {
    part(attributes, &STUDY_TAGS, &STUDY_MORE)
}

/// Of an instance's attributes those of its series.
pub fn series_part(attributes: &Map<String, Value>) -> Map<String, Value> {
    part(attributes, &SERIES_TAGS, &SERIES_MORE)
}

fn part(attributes: &Map<String, Value>, tags: &[&str], more: &[&str]) -> Map<String, Value> {
    tags.iter()
        .chain(more)
        .filter_map(|tag| Some(((*tag).to_owned(), attributes.get(*tag)?)))
        .filter(|(_, element)| element.get("BulkDataURI").is_none())
        .map(|(tag, element)| (tag, element.clone()))
        .collect()
}

/// A text attribute as searches compare it.
pub fn folded(dataset: &Dataset, tag: u32) -> String {
    match dataset.person_name(tag) {
        Some(name) => folded_name(&[&name.alphabetic, &name.ideographic, &name.phonetic]),
        None => fold(&dataset.text(tag).unwrap_or_default()),
    }
}

/// All values of a text attribute as searches compare them, with backslashes between.
pub fn all_folded(dataset: &Dataset, tag: u32) -> String {
    let element = dataset.as_map().get(&format!("{tag:08X}"));
    let values = element.and_then(|element| element.get("Value")?.as_array());
    let folded = values.into_iter().flatten().map(|value| match value {
        Value::Object(groups) => {
            let group = |name| groups.get(name).and_then(Value::as_str).unwrap_or_default();
            folded_name(&["Alphabetic", "Ideographic", "Phonetic"].map(group))
        }
        Value::String(text) => fold(text.trim()),
        _ => String::new(),
    });
    folded.collect::<Vec<_>>().join("\\")
}

/// A day as searches compare it: digits alone, also where it is written as ACR-NEMA did.
pub fn compared_day(dataset: &Dataset, tag: u32) -> String {
    moment::digits(&dataset.text(tag).unwrap_or_default())
}

/// A time as searches compare it: twelve digits, or nothing.
pub fn compared_time(dataset: &Dataset, tag: u32) -> String {
    match dataset.text(tag) {
        Some(text) if text.contains(|c: char| c.is_ascii_digit()) => moment::first_of(&text),
        _ => String::new(),
    }
}

/// Scheduled Procedure Step ID and Requested Procedure ID of each item of the Request Attributes Sequence.
pub fn compared_requests(dataset: &Dataset) -> String {
    let items = dataset.items(0x0040_0275);
    let item = |item: &Dataset| {
        let part = |tag| {
            let text = fold(&item.text(tag).unwrap_or_default());
            text.replace([NEXT_ATTRIBUTE, NEXT_ITEM], " ")
        };
        [part(0x0040_0009), part(0x0040_1001)].join(&NEXT_ATTRIBUTE.to_string())
    };
    let items: Vec<String> = items.iter().map(item).collect();
    items.join(&NEXT_ITEM.to_string())
}

/// Referring Physician's Name.
const REFERRING: &str = "00080090";

/// Adds what a later file says about the same study or series; an empty value takes nothing away,
/// as reports and segmentations often leave out what the images say. Who referred the patient may see the study: nothing that is
/// added to it changes who that is.
pub fn merge(known: &mut Map<String, Value>, later: &Map<String, Value>) {
    for (tag, element) in later {
        let is_settled = |old: &Value| tag == REFERRING && old.get("Value").is_some();
        if known.get(tag).is_some_and(is_settled) {
            continue;
        }
        if element.get("Value").is_some() || !known.contains_key(tag) {
            known.insert(tag.clone(), element.clone());
        }
    }
}

fn whole_u16(dataset: &Dataset, tag: u32) -> Option<u16> {
    u16::try_from(dataset.whole(tag)?).ok()
}

/// Bits of one uncompressed frame; subsampled chroma takes less, PS3.3 C.7.6.3.1.2. Pixels of such
/// a kind that fill every frame with all samples are not subsampled, whatever the header says.
fn frame_bits(dataset: &Dataset, place: Option<PixelPlace>) -> Option<u64> {
    let pixels = u64::from(dataset.whole(0x0028_0010)?)
        .checked_mul(u64::from(dataset.whole(0x0028_0011)?))?;
    let bits = u64::from(whole_u16(dataset, 0x0028_0100)?);
    let samples = u64::from(whole_u16(dataset, 0x0028_0002).unwrap_or(1));
    let all = pixels.checked_mul(bits)?;
    let full = all.checked_mul(samples)?;
    let shared = match dataset.text(0x0028_0004).as_deref() {
        Some("YBR_FULL_422" | "YBR_PARTIAL_422") => all.checked_mul(2)?,
        Some("YBR_PARTIAL_420") => all.checked_mul(3)? / 2,
        _ => return Some(full),
    };
    let frames = u64::from(dataset.whole(0x0028_0008).unwrap_or(1).max(1));
    let all_frames = full.checked_mul(frames)?.div_ceil(8);
    let is_full = place
        .and_then(|place| place.length)
        .is_some_and(|length| length >= all_frames);
    Some(if is_full { full } else { shared })
}

/// Text as searches compare it: without case and accents.
pub fn fold(text: &str) -> String {
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .collect::<String>()
        .to_lowercase()
        .nfc()
        .collect()
}

/// The groups of a name, folded, with `=` between them.
fn folded_name(groups: &[&str]) -> String {
    let groups: Vec<String> = groups.iter().map(|group| fold(group)).collect();
    groups.join("=").trim_end_matches('=').to_owned()
}

/// JSON text as the index keeps it.
pub(super) fn deflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Turns stored metadata back into JSON text, appended to `text`.
pub fn inflate_into(metadata: &[u8], text: &mut Vec<u8>) -> io::Result<()> {
    ZlibDecoder::new(metadata).read_to_end(text).map(|_| ())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_of_a_later_file_takes_nothing_away() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let mut known = map(json!({"1": {"Value": ["a"]}, "2": {"Value": ["b"]}}));
        merge(
            &mut known,
            &map(json!({"1": {"vr": "LO"}, "2": {"Value": ["c"]}, "3": {"vr": "LO"}})),
        );
        let expected = json!({"1": {"Value": ["a"]}, "2": {"Value": ["c"]}, "3": {"vr": "LO"}});
        assert_eq!(Value::Object(known), expected);
    }

    #[test]
    fn t05_nothing_that_is_added_to_a_study_changes_who_referred_its_patient() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let of = |name: &str| {
            map(json!({ "00080090": { "vr": "PN", "Value": [{ "Alphabetic": name }] } }))
        };
        let mut known = map(json!({ "00080090": { "vr": "PN" } }));
        merge(&mut known, &of("Ward^One"));
        merge(&mut known, &of("Stranger^Any"));
        assert_eq!(known, of("Ward^One"));
    }

    #[test]
    fn what_searches_compare_is_written_one_way() {
        let set = |value: Value| Dataset::from_map(value.as_object().unwrap().clone());
        let set = set(json!({
            "00080020": {"vr": "DA", "Value": ["2024.02.29"]},
            "00080030": {"vr": "TM", "Value": ["07:30:15"]},
            "00080031": {"vr": "TM", "Value": ["2230"]},
            "00081070": {"vr": "PN", "Value": [{"Alphabetic": "Ro\u{eb}^A"}, {"Ideographic": "\u{5c71}"}]},
            "00400275": {"vr": "SQ", "Value": [
                {"00400009": {"vr": "SH", "Value": ["S\t1"]}}, {"00401001": {"vr": "SH", "Value": ["R2"]}}]},
        }));
        assert_eq!(compared_day(&set, 0x0008_0020), "20240229");
        assert_eq!(compared_time(&set, 0x0008_0030), "073015000000");
        assert_eq!(compared_time(&set, 0x0008_0031), "223000000000");
        assert_eq!(compared_time(&set, 0x0008_0032), "");
        assert_eq!(all_folded(&set, 0x0008_1070), "roe^a\\=\u{5c71}");
        assert_eq!(compared_requests(&set), "s 1\t\n\tr2");
    }

    #[test]
    fn folding_drops_case_and_accents() {
        assert_eq!(fold("MÜLLER^Désirée"), "muller^desiree");
        assert_eq!(fold("홍^길동"), "홍^길동");
        assert_eq!(
            folded_name(&["Yamada^Tarou", "山田^太郎", ""]),
            "yamada^tarou=山田^太郎"
        );
    }
}
