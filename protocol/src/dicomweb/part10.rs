//! Where the frames are in a whole instance, for servers that give an instance but not its frames.
//!
//! Only headers are read, a few bytes at a time: the caller keeps the file where it is. Reads explicit and
//! implicit VR little endian, which covers every compressed syntax; other encodings are an error.
//! Source: DICOM PS3.10 section 7.1 (file meta), PS3.5 sections 7.1, 7.5 and annex A.4 (fragments).

use std::ops::Range;

/// Why no frame can be cut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Part10Error {
    /// No preamble and `DICM`, or no Transfer Syntax UID.
    #[error("the server's answer is no DICOM file")]
    NotAFile,
    /// Big endian or deflated: not read here.
    #[error("the server's file is encoded in a way that is not read here")]
    Encoding,
    /// Another instance than the one that was asked for.
    #[error("the server's file is another image")]
    OtherInstance,
    /// The file ends within an element, or its lengths contradict each other.
    #[error("the server's file breaks off")]
    BreaksOff,
    /// No Pixel Data of any kind.
    #[error("the server's file holds no pixels")]
    NoPixels,
    /// Fragments cannot be told apart by frame.
    #[error("the server's file does not say where its frames begin")]
    FramesUnknown,
}

/// Bytes of the file: the closure gives up to the length of the range, fewer at the end of the file.
pub type Read<'a> = &'a dyn Fn(Range<usize>) -> Vec<u8>;

/// The pixels of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PixelData {
    /// Transfer Syntax UID (0002,0010).
    pub transfer_syntax: String,
    /// SOP Instance UID (0008,0018), where it stands before the pixels.
    pub instance: Option<String>,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Native(Range<usize>),
    Fragments {
        /// Offset tables, relative to the first fragment's item; empty where there is none.
        offsets: Vec<u64>,
        /// Payloads; each follows its item's header of 8 bytes.
        fragments: Vec<Range<usize>>,
    },
}

pub(super) const UNDEFINED: u32 = u32::MAX;
pub(super) const ITEM: (u16, u16) = (0xFFFE, 0xE000);
pub(super) const ITEM_END: (u16, u16) = (0xFFFE, 0xE00D);
pub(super) const SEQUENCE_END: (u16, u16) = (0xFFFE, 0xE0DD);
const EXTENDED_OFFSETS: (u16, u16) = (0x7FE0, 0x0001);
/// Deepest nesting of sequences that is followed.
pub(super) const DEEPEST: usize = 16;
/// Most fragments that are listed: bounds the memory.
const MOST_FRAGMENTS: usize = 1 << 20;

/// The front of an attribute.
pub(super) struct Element {
    pub tag: (u16, u16),
    /// `None` in implicit VR, and of items.
    pub vr: Option<[u8; 2]>,
    /// `UNDEFINED` for sequences and fragments without one.
    pub length: u32,
    /// Its first byte.
    pub value: usize,
}

impl Element {
    /// First byte behind the value.
    pub fn end(&self) -> Option<usize> {
        self.value.checked_add(usize::try_from(self.length).ok()?)
    }
}

/// A file whose bytes stay where they are.
#[derive(Clone)]
pub(super) struct File<'a> {
    read: Read<'a>,
    is_explicit: bool,
}

impl File<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], Part10Error> {
        let end = at.checked_add(N).ok_or(Part10Error::BreaksOff)?;
        (self.read)(at..end)
            .try_into()
            .map_err(|_| Part10Error::BreaksOff)
    }

    pub fn tag(&self, at: usize) -> Result<(u16, u16), Part10Error> {
        let [a, b, c, d] = self.bytes(at)?;
        Ok((u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
    }

    pub fn element(&self, at: usize) -> Result<Element, Part10Error> {
        let [a, b, c, d, e, f, g, h] = self.bytes(at)?;
        let tag = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        let plain = Element {
            tag,
            vr: None,
            length: u32::from_le_bytes([e, f, g, h]),
            value: at + 8,
        };
        // Items and delimiters have no VR in either encoding.
        if tag.0 == 0xFFFE || !self.is_explicit {
            return Ok(plain);
        }
        let is_long = matches!(
            &[e, f],
            b"OB"
                | b"OD"
                | b"OF"
                | b"OL"
                | b"OV"
                | b"OW"
                | b"SQ"
                | b"SV"
                | b"UC"
                | b"UN"
                | b"UR"
                | b"UT"
                | b"UV"
        );
        if is_long {
            return Ok(Element {
                tag,
                vr: Some([e, f]),
                length: u32::from_le_bytes(self.bytes(at + 8)?),
                value: at + 12,
            });
        }
        Ok(Element {
            vr: Some([e, f]),
            length: u32::from(u16::from_le_bytes([g, h])),
            ..plain
        })
    }

    /// First byte behind a sequence of undefined length that begins at `at`.
    fn skip_sequence(&self, mut at: usize, depth: usize) -> Result<usize, Part10Error> {
        if depth > DEEPEST {
            return Err(Part10Error::BreaksOff);
        }
        loop {
            let item = self.element(at)?;
            match item.tag {
                SEQUENCE_END => return Ok(item.value),
                ITEM if item.length != UNDEFINED => {
                    at = item.end().ok_or(Part10Error::BreaksOff)?
                }
                ITEM => at = self.skip_item(item.value, depth)?,
                _ => return Err(Part10Error::BreaksOff),
            }
        }
    }

    fn skip_item(&self, mut at: usize, depth: usize) -> Result<usize, Part10Error> {
        loop {
            let element = self.element(at)?;
            if element.tag == ITEM_END {
                return Ok(element.value);
            }
            at = self.behind(&element, depth)?;
        }
    }

    /// The file as items of an element are read: those of UN with undefined length are in implicit VR (PS3.5 section 6.2.2).
    pub fn within(&self, element: &Element) -> Self {
        Self {
            read: self.read,
            is_explicit: self.is_explicit && element.vr != Some(*b"UN"),
        }
    }

    fn behind(&self, element: &Element, depth: usize) -> Result<usize, Part10Error> {
        if element.length == UNDEFINED {
            self.within(element).skip_sequence(element.value, depth + 1)
        } else {
            element.end().ok_or(Part10Error::BreaksOff)
        }
    }

    /// The basic offset table and the fragments of encapsulated Pixel Data.
    fn fragments(&self, mut at: usize, extended: Vec<u64>) -> Result<Value, Part10Error> {
        let table = self.element(at)?;
        if table.tag != ITEM || table.length == UNDEFINED {
            return Err(Part10Error::BreaksOff);
        }
        let end = table.end().ok_or(Part10Error::BreaksOff)?;
        let basic = (self.read)(table.value..end);
        let offsets = if extended.is_empty() {
            let (offsets, _) = basic.as_chunks::<4>();
            offsets
                .iter()
                .map(|bytes| u64::from(u32::from_le_bytes(*bytes)))
                .collect()
        } else {
            extended
        };
        at = end;
        let mut fragments = Vec::new();
        loop {
            // A file that ends without the delimiter still holds whole fragments.
            if (self.read)(at..at.saturating_add(1)).is_empty() && !fragments.is_empty() {
                break;
            }
            let item = self.element(at)?;
            match item.tag {
                SEQUENCE_END => break,
                ITEM if item.length != UNDEFINED && fragments.len() < MOST_FRAGMENTS => {
                    let end = item.end().ok_or(Part10Error::BreaksOff)?;
                    if (self.read)(end.saturating_sub(1)..end).is_empty() {
                        return Err(Part10Error::BreaksOff);
                    }
                    fragments.push(item.value..end);
                    at = end;
                }
                _ => return Err(Part10Error::BreaksOff),
            }
        }
        Ok(Value::Fragments { offsets, fragments })
    }
}

/// Reads the file meta information: the transfer syntax, the data set's encoding, and where it begins.
pub(super) fn open(read: Read<'_>) -> Result<(String, File<'_>, usize), Part10Error> {
    let meta = File {
        read,
        is_explicit: true,
    };
    if meta.bytes::<4>(128).ok() != Some(*b"DICM") {
        return Err(Part10Error::NotAFile);
    }
    let mut at = 132;
    let mut transfer_syntax = None;
    while meta.tag(at).is_ok_and(|tag| tag.0 == 0x0002) {
        let element = meta.element(at)?;
        let end = meta.behind(&element, 0)?;
        if element.tag == (0x0002, 0x0010) && element.length <= 64 {
            let text = String::from_utf8(read(element.value..end));
            transfer_syntax = text
                .ok()
                .map(|uid| uid.trim_matches(['\0', ' ']).to_owned());
        }
        at = end;
    }
    let transfer_syntax = transfer_syntax.ok_or(Part10Error::NotAFile)?;
    let file = File {
        read,
        is_explicit: transfer_syntax != "1.2.840.10008.1.2",
    };
    if matches!(
        transfer_syntax.as_str(),
        "1.2.840.10008.1.2.2" | "1.2.840.10008.1.2.1.99" | "1.2.840.10008.1.2.4.95"
    ) {
        return Err(Part10Error::Encoding);
    }
    Ok((transfer_syntax, file, at))
}

/// Finds the pixels of a Part 10 file.
///
/// # Errors
/// See [`Part10Error`].
pub fn find(read: Read<'_>) -> Result<PixelData, Part10Error> {
    let (transfer_syntax, file, mut at) = open(read)?;
    let (mut extended, mut instance) = (Vec::new(), None);
    loop {
        if read(at..at.saturating_add(8)).len() < 8 {
            return Err(Part10Error::NoPixels);
        }
        let element = file.element(at)?;
        match element.tag {
            // Float, Double Float and integer Pixel Data.
            (0x7FE0, 0x0008..=0x0010) if element.length == UNDEFINED => {
                let value = file.fragments(element.value, extended)?;
                return Ok(PixelData {
                    transfer_syntax,
                    instance,
                    value,
                });
            }
            (0x7FE0, 0x0008..=0x0010) => {
                let end = element.end().ok_or(Part10Error::BreaksOff)?;
                if element.length == 0 {
                    return Err(Part10Error::NoPixels);
                }
                if read(end - 1..end).is_empty() {
                    return Err(Part10Error::BreaksOff);
                }
                return Ok(PixelData {
                    transfer_syntax,
                    instance,
                    value: Value::Native(element.value..end),
                });
            }
            (0x0008, 0x0018) if element.length <= 64 => {
                let end = element.end().ok_or(Part10Error::BreaksOff)?;
                let text = String::from_utf8(read(element.value..end)).ok();
                instance = text.map(|uid| uid.trim_matches(['\0', ' ']).to_owned());
            }
            EXTENDED_OFFSETS if element.length != UNDEFINED => {
                let end = element.end().ok_or(Part10Error::BreaksOff)?;
                let bytes = read(element.value..end);
                let (offsets, _) = bytes.as_chunks::<8>();
                extended = offsets
                    .iter()
                    .map(|bytes| u64::from_le_bytes(*bytes))
                    .collect();
            }
            _ => {}
        }
        at = file.behind(&element, 0)?;
    }
}

impl PixelData {
    /// Where the bytes of a frame are, in order; `index` from 0 of `count`.
    ///
    /// Native frames are `bits` long each, as the metadata say; ones that do not begin on a byte are not
    /// cut. Fragments are grouped by the offset table; without one, by their number, or by the first bytes
    /// of JPEG family streams.
    ///
    /// # Errors
    /// [`Part10Error::FramesUnknown`], or [`Part10Error::BreaksOff`] for native pixels that are too few.
    pub fn frame(
        &self,
        read: Read<'_>,
        index: usize,
        count: usize,
        bits: usize,
    ) -> Result<Vec<Range<usize>>, Part10Error> {
        if index >= count {
            return Err(Part10Error::FramesUnknown);
        }
        match &self.value {
            Value::Native(whole) if count == 1 => Ok(vec![whole.clone()]),
            Value::Native(whole) => {
                if !bits.is_multiple_of(8) {
                    return Err(Part10Error::FramesUnknown);
                }
                let length = bits / 8;
                let start = index
                    .checked_mul(length)
                    .and_then(|offset| whole.start.checked_add(offset))
                    .ok_or(Part10Error::BreaksOff)?;
                let end = start.checked_add(length).ok_or(Part10Error::BreaksOff)?;
                if end > whole.end {
                    return Err(Part10Error::BreaksOff);
                }
                Ok(std::iter::once(start..end).collect())
            }
            Value::Fragments { fragments, .. } if count == 1 => Ok(fragments.clone()),
            Value::Fragments { fragments, .. } if fragments.len() == count => {
                Ok(vec![fragments[index].clone()])
            }
            Value::Fragments { offsets, fragments } => {
                let starts = starts_by_table(offsets, fragments, count)
                    .or_else(|| starts_by_stream(read, fragments, count))
                    .ok_or(Part10Error::FramesUnknown)?;
                let end = starts.get(index + 1).copied().unwrap_or(fragments.len());
                fragments
                    .get(starts[index]..end)
                    .filter(|frame| !frame.is_empty())
                    .map(<[_]>::to_vec)
                    .ok_or(Part10Error::FramesUnknown)
            }
        }
    }
}

/// The first fragment of each frame by the offset table; `None` where the table does not fit.
fn starts_by_table(
    offsets: &[u64],
    fragments: &[Range<usize>],
    count: usize,
) -> Option<Vec<usize>> {
    if offsets.len() != count {
        return None;
    }
    let origin = fragments.first()?.start;
    let starts: Option<Vec<usize>> = offsets
        .iter()
        .map(|offset| {
            let start = origin.checked_add(usize::try_from(*offset).ok()?)?;
            fragments
                .binary_search_by_key(&start, |fragment| fragment.start)
                .ok()
        })
        .collect();
    starts.filter(|starts| starts[0] == 0 && starts.is_sorted_by(|a, b| a < b))
}

/// The first fragment of each frame by what it begins with; `None` where these are not `count`.
fn starts_by_stream(
    read: Read<'_>,
    fragments: &[Range<usize>],
    count: usize,
) -> Option<Vec<usize>> {
    let begins = |fragment: &Range<usize>| {
        let head = read(fragment.start..fragment.end.min(fragment.start + 4));
        head.starts_with(&[0xFF, 0xD8, 0xFF]) || head.starts_with(&[0xFF, 0x4F, 0xFF, 0x51])
    };
    let starts: Vec<usize> = fragments
        .iter()
        .enumerate()
        .filter(|(_, fragment)| begins(fragment))
        .map(|(index, _)| index)
        .collect();
    (starts.len() == count && starts.first() == Some(&0)).then_some(starts)
}

#[cfg(test)]
#[path = "part10_tests.rs"]
mod tests;
