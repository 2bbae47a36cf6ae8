//! What stands before the pixels of a Part 10 file, as DICOM JSON: for servers that give instances but no metadata.
//!
//! Explicit VR says what a value is. In implicit VR numbers are known by the short table of those that the viewer reads,
//! sequences by their items; everything else is taken for text. Text in a character set that is neither ASCII, Latin 1
//! nor UTF-8 is left out: it is never guessed. Values longer than [`LONGEST`] bytes are left out, too.
//! Source: DICOM PS3.10 section 7.1, PS3.5 sections 6.2 and 7.5, PS3.18 Annex F (DICOM JSON Model).

use super::part10::{DEEPEST, Element, File, ITEM, ITEM_END, Part10Error, Read, SEQUENCE_END};
use super::part10::{UNDEFINED, open};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Longest value that is read, bytes: a table of 65,536 entries.
pub const LONGEST: u32 = 256 << 10;
/// Most attributes of a file, in all depths: bounds the memory.
const MOST: usize = 200_000;

/// Numbers of implicit VR that the viewer reads, by VR. Source: PS3.6 section 6.
const NUMBERS: [(&[u32], &[u8; 2]); 5] = [
    (
        &[
            0x0018_1622,
            0x0018_6012,
            0x0018_6014,
            0x0018_6024,
            0x0018_6026,
            0x0028_0002,
            0x0028_0006,
            0x0028_0010,
            0x0028_0011,
            0x0028_0100,
            0x0028_0101,
            0x0028_0102,
            0x0028_0103,
            0x0028_1101,
            0x0028_1102,
            0x0028_1103,
            0x0028_6010,
            0x0020_9128,
            0x0020_9156,
        ],
        b"US",
    ),
    (
        &[
            0x0028_0106,
            0x0028_0107,
            0x0028_0120,
            0x0028_0121,
            0x0028_3002,
            0x0040_9211,
            0x0040_9216,
        ],
        b"xs",
    ),
    (
        &[
            0x0018_9082,
            0x0018_9087,
            0x0018_9089,
            0x0018_602C,
            0x0018_602E,
            0x0018_6028,
            0x0018_602A,
            0x0020_9153,
            0x0040_9213,
            0x0040_9214,
            0x0040_9224,
            0x0040_9225,
        ],
        b"FD",
    ),
    (
        &[
            0x0018_6016,
            0x0018_6018,
            0x0018_601A,
            0x0018_601C,
            0x0018_601E,
            0x0020_9157,
        ],
        b"UL",
    ),
    (
        &[
            0x0028_1201,
            0x0028_1202,
            0x0028_1203,
            0x0028_1221,
            0x0028_1222,
            0x0028_1223,
            0x0028_2000,
            0x0028_3006,
            0x0042_0011,
        ],
        b"OW",
    ),
];

/// The attributes of a Part 10 file up to its pixels. The transfer syntax stands among them as Available Transfer Syntax UID
/// (0008,3002).
///
/// # Errors
/// See [`Part10Error`]; a file without pixels has a header, too.
pub fn header(read: Read<'_>) -> Result<Map<String, Value>, Part10Error> {
    let (transfer_syntax, file, mut at) = open(read)?;
    let mut reader = Reader {
        file,
        read,
        text: Text::Ascii,
        is_signed: false,
        left: MOST,
    };
    let mut set = Map::new();
    while read(at..at.saturating_add(8)).len() == 8 {
        let element = reader.file.element(at)?;
        if element.tag.0 >= 0x7FE0 {
            break;
        }
        at = reader.take(&mut set, &element, 0)?;
    }
    let available = json!({ "vr": "UI", "Value": [transfer_syntax] });
    set.insert("00083002".to_owned(), available);
    Ok(set)
}

#[derive(Clone, Copy, PartialEq)]
enum Text {
    Ascii,
    Latin1,
    Utf8,
}

struct Reader<'a> {
    file: File<'a>,
    read: Read<'a>,
    text: Text,
    /// Pixel Representation, by which some numbers are signed.
    is_signed: bool,
    left: usize,
}

impl Reader<'_> {
    /// Adds an attribute; returns the first byte behind it.
    fn take(
        &mut self,
        set: &mut Map<String, Value>,
        element: &Element,
        depth: usize,
    ) -> Result<usize, Part10Error> {
        self.left = self.left.checked_sub(1).ok_or(Part10Error::BreaksOff)?;
        let (group, number) = element.tag;
        let tag = u32::from(group) << 16 | u32::from(number);
        let vr = match element.vr {
            Some(vr) => vr,
            None => self.implicit(tag, element),
        };
        if &vr == b"SQ" || element.length == UNDEFINED {
            let outer = self.file.clone();
            self.file = outer.within(element);
            let read = self.items(element, depth + 1);
            self.file = outer;
            let (items, end) = read?;
            if &vr == b"SQ" {
                set.insert(format!("{tag:08X}"), json!({ "vr": "SQ", "Value": items }));
            }
            return Ok(end);
        }
        let end = element.end().ok_or(Part10Error::BreaksOff)?;
        if element.length <= LONGEST {
            let bytes = (self.read)(element.value..end);
            if bytes.len() < end - element.value {
                return Err(Part10Error::BreaksOff);
            }
            if let Some(read) = self.value(tag, vr, &bytes) {
                set.insert(format!("{tag:08X}"), read);
            }
        }
        Ok(end)
    }

    /// What an attribute of implicit VR is.
    fn implicit(&self, tag: u32, element: &Element) -> [u8; 2] {
        let known = NUMBERS.iter().find(|(tags, _)| tags.contains(&tag));
        if let Some((_, vr)) = known {
            return **vr;
        }
        let is_sequence = element.length == UNDEFINED
            || (element.length >= 8 && self.file.tag(element.value) == Ok(ITEM));
        if is_sequence { *b"SQ" } else { *b"LO" }
    }

    fn items(
        &mut self,
        element: &Element,
        depth: usize,
    ) -> Result<(Vec<Value>, usize), Part10Error> {
        if depth > DEEPEST {
            return Err(Part10Error::BreaksOff);
        }
        let end = match element.length {
            UNDEFINED => None,
            _ => Some(element.end().ok_or(Part10Error::BreaksOff)?),
        };
        let (mut at, mut items) = (element.value, Vec::new());
        while end.is_none_or(|end| at < end) {
            let item = self.file.element(at)?;
            if item.tag == SEQUENCE_END {
                return Ok((items, item.value));
            }
            if item.tag != ITEM {
                return Err(Part10Error::BreaksOff);
            }
            let item_end = match item.length {
                UNDEFINED => None,
                _ => Some(item.end().ok_or(Part10Error::BreaksOff)?),
            };
            let mut set = Map::new();
            // What an item says of its characters and numbers ends with it.
            let (text, is_signed) = (self.text, self.is_signed);
            at = item.value;
            while item_end.is_none_or(|end| at < end) {
                let inner = self.file.element(at)?;
                if inner.tag == ITEM_END {
                    at = inner.value;
                    break;
                }
                at = self.take(&mut set, &inner, depth)?;
            }
            (self.text, self.is_signed) = (text, is_signed);
            items.push(Value::Object(set));
        }
        Ok((items, at))
    }

    fn value(&mut self, tag: u32, vr: [u8; 2], bytes: &[u8]) -> Option<Value> {
        let vr = match (&vr, self.is_signed) {
            (b"xs", true) => *b"SS",
            (b"xs", false) => *b"US",
            _ => vr,
        };
        let name = std::str::from_utf8(&vr).ok()?;
        let values: Vec<Value> = match &vr {
            b"US" => numbers(bytes, u16::from_le_bytes),
            b"SS" => numbers(bytes, i16::from_le_bytes),
            b"UL" => numbers(bytes, u32::from_le_bytes),
            b"SL" => numbers(bytes, i32::from_le_bytes),
            b"UV" => numbers(bytes, u64::from_le_bytes),
            b"SV" => numbers(bytes, i64::from_le_bytes),
            b"FL" => numbers(bytes, |it| f64::from(f32::from_le_bytes(it))),
            b"FD" => numbers(bytes, f64::from_le_bytes),
            b"AT" => numbers(bytes, |[a, b, c, d]: [u8; 4]| {
                format!("{b:02X}{a:02X}{d:02X}{c:02X}")
            }),
            b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"UN" => {
                return Some(json!({ "vr": name, "InlineBinary": STANDARD.encode(bytes) }));
            }
            b"PN" => (self.texts(bytes, &vr)?.into_iter())
                .map(|text| name_of(&text))
                .collect(),
            _ => (self.texts(bytes, &vr)?.into_iter())
                .map(|text| match text.is_empty() {
                    true => Value::Null,
                    false => Value::String(text),
                })
                .collect(),
        };
        match tag {
            0x0008_0005 => self.text = charset(&values),
            0x0028_0103 => self.is_signed = values.first() == Some(&json!(1)),
            _ => {}
        }
        let is_empty = bytes.is_empty() || values.iter().all(Value::is_null);
        Some(if is_empty {
            json!({ "vr": name })
        } else {
            json!({ "vr": name, "Value": values })
        })
    }

    /// The values of a text; `None` where its characters are not known.
    fn texts(&self, bytes: &[u8], vr: &[u8; 2]) -> Option<Vec<String>> {
        let text = match self.text {
            Text::Latin1 => bytes.iter().copied().map(char::from).collect(),
            Text::Utf8 => String::from_utf8(bytes.to_vec()).ok()?,
            Text::Ascii => String::from_utf8(bytes.to_vec())
                .ok()
                .filter(|text| text.is_ascii())?,
        };
        // Escape sequences change the character set on the way.
        if text.contains('\u{1b}') {
            return None;
        }
        let trimmed = |text: &str| text.trim_matches([' ', '\0']).to_owned();
        Some(match vr {
            b"LT" | b"ST" | b"UT" | b"UR" => vec![trimmed(&text)],
            _ => text.split('\\').map(trimmed).collect(),
        })
    }
}

fn charset(values: &[Value]) -> Text {
    match values {
        [one] if one == "ISO_IR 100" => Text::Latin1,
        [one] if one == "ISO_IR 192" => Text::Utf8,
        _ => Text::Ascii,
    }
}

fn numbers<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<Value>
where
    Value: From<T>,
{
    let (cells, _) = bytes.as_chunks::<N>();
    cells.iter().map(|cell| Value::from(read(*cell))).collect()
}

fn name_of(text: &str) -> Value {
    let groups = ["Alphabetic", "Ideographic", "Phonetic"].into_iter();
    let named = groups.zip(text.split('='));
    let named = named.filter(|(_, group)| !group.is_empty());
    let set: Map<String, Value> = named
        .map(|(name, group)| (name.to_owned(), group.trim().into()))
        .collect();
    if set.is_empty() {
        Value::Null
    } else {
        Value::Object(set)
    }
}

#[cfg(test)]
#[path = "part10_header_tests.rs"]
mod tests;
