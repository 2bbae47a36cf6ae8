//! Reads a data set up to its pixels, as DICOM JSON, in bounded memory.
//!
//! Pixels and bulky values are passed over and only their places are kept. What comes after a
//! fault is left out: the attributes before it often suffice to show the images. So is what comes
//! after the pixels, which are the last element but for trailing padding, digital signatures and
//! private groups: nothing that a picture needs, and looking for it would walk over all fragments.
//! Source: DICOM PS3.5 section 7, PS3.18 Annex F.

use std::path::Path;

use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use serde_json::{Map, Value, json};

use super::charset::{Charset, Kind};
use super::input::{Input, InputError};
use super::sniff::{self, Syntax};
use super::values;

/// What one file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// Nested sequences.
    pub depth: u32,
    /// Elements and items.
    pub elements: u32,
    /// Bytes of values that go into the JSON.
    pub inline_bytes: u64,
    /// Bytes that a deflated file may hold.
    pub inflated_bytes: u64,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self {
            depth: 32,
            elements: 1_000_000,
            inline_bytes: 64 << 20,
            inflated_bytes: 512 << 20,
        }
    }
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// It has no mark of DICOM at all.
    #[error("it is not a DICOM file")]
    NotDicom,
    /// Bytes are missing or cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Sequences in sequences without end.
    #[error("its sequences are nested deeper than {depth}")]
    Depth {
        /// The limit.
        depth: u32,
    },
    /// More than one file may cost.
    #[error("its header is larger than the limit")]
    TooLarge,
    /// Something else where an item must stand.
    #[error("a sequence holds something that is no item")]
    NoItem,
}

/// Where the pixels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelPlace {
    /// (7FE0,0010), (7FE0,0008) or (7FE0,0009).
    pub tag: u32,
    /// VR, for the byte order of words.
    pub vr: [u8; 2],
    /// First byte of the value.
    pub offset: u64,
    /// Bytes of the value; `None` for fragments.
    pub length: Option<u64>,
}

/// Where a value is that the JSON leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkPlace {
    /// Tags and item numbers, for example `00283010.0.00283006`.
    pub tag_path: String,
    /// VR, for the byte order of words.
    pub vr: [u8; 2],
    /// Whether words start with their most significant byte.
    pub big_endian: bool,
    /// First byte of the value.
    pub offset: u64,
    /// Bytes of the value.
    pub length: u64,
}

/// What a file holds.
pub struct Scan {
    /// Transfer Syntax UID.
    pub transfer_syntax: String,
    /// The attributes; `BulkDataURI` holds a tag path only, made an address when it is served.
    pub attributes: Map<String, Value>,
    /// Where the pixels are.
    pub pixels: Option<PixelPlace>,
    /// Where the bulky values are.
    pub bulk: Vec<BulkPlace>,
    /// Why reading stopped early.
    pub fault: Option<ScanError>,
}

/// Reads a file's attributes. An error means that nothing at all could be read.
pub fn scan(path: &Path, limits: &ScanLimits) -> Result<Scan, ScanError> {
    let start = sniff::open(path, limits.inflated_bytes)?.ok_or(ScanError::NotDicom)?;
    let mut scanner = Scanner::new(start.input, *limits);
    let mut attributes = Map::new();
    let region = Region::whole(start.syntax);
    let fault = scanner.data_set(region, "", &mut attributes).err();
    // The JSON is UTF-8 whatever the file was.
    attributes.insert(
        "00080005".to_owned(),
        json!({"vr": "CS", "Value": ["ISO_IR 192"]}),
    );
    Ok(Scan {
        transfer_syntax: start.transfer_syntax,
        attributes,
        pixels: scanner.pixels,
        bulk: scanner.bulk,
        fault,
    })
}

/// A data set, or the value of a sequence, and what holds inside it.
#[derive(Clone, Copy)]
pub(super) struct Region {
    pub(super) syntax: Syntax,
    pub(super) charset: Charset,
    /// Position after its last byte; `None` where a delimiter ends it, or the file.
    pub(super) end: Option<u64>,
    pub(super) depth: u32,
    /// Pixel Representation of the image around: what is US or SS is SS.
    pub(super) signed_pixels: bool,
}

impl Region {
    /// A file's whole data set.
    pub(super) fn whole(syntax: Syntax) -> Self {
        Self {
            syntax,
            charset: Charset::Guess,
            end: None,
            depth: 0,
            signed_pixels: false,
        }
    }

    /// What the dictionary says; PS3.5 A.1 where it leaves a choice.
    fn vr_of(&self, tag: Tag) -> [u8; 2] {
        match StandardDataDictionary.by_tag(tag).map(|entry| entry.vr()) {
            Some(VirtualVr::Exact(vr)) => letters(vr),
            Some(VirtualVr::Xs) if self.signed_pixels => *b"SS",
            Some(VirtualVr::Xs) => *b"US",
            Some(_) => *b"OW",
            None => *b"UN",
        }
    }
}

pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) vr: [u8; 2],
    /// `None` is an undefined length.
    pub(super) length: Option<u64>,
}

pub(super) struct Scanner {
    pub(super) input: Input,
    pub(super) limits: ScanLimits,
    elements: u32,
    inline_bytes: u64,
    pixels: Option<PixelPlace>,
    bulk: Vec<BulkPlace>,
}

pub(super) const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub(super) const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
pub(super) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
pub(super) const UNDEFINED: u32 = u32::MAX;

impl Scanner {
    pub(super) fn new(input: Input, limits: ScanLimits) -> Self {
        Self {
            input,
            limits,
            elements: 0,
            inline_bytes: 0,
            pixels: None,
            bulk: Vec::new(),
        }
    }

    /// Reads elements until the region's end, an item delimiter, or the pixels.
    fn data_set(
        &mut self,
        mut region: Region,
        path: &str,
        attributes: &mut Map<String, Value>,
    ) -> Result<(), ScanError> {
        while !self.ended(region)? {
            let element = self.element_header(&region)?;
            match element.tag {
                ITEM_END if region.depth > 0 => return Ok(()),
                ITEM | ITEM_END | SEQUENCE_END => continue,
                _ => {}
            }
            if region.depth == 0 && self.note_pixels(&element, attributes) {
                return Ok(());
            }
            let name = format!("{:04X}{:04X}", element.tag.group(), element.tag.element());
            let value = self.value(&element, &name, path, &mut region)?;
            // Group lengths and group 0002 mean nothing outside the file.
            if let Some(value) = value
                && element.tag.element() != 0
                && element.tag.group() > 2
                && element.tag != Tag(0x0008, 0x0001)
            {
                attributes.insert(name, value);
            }
        }
        Ok(())
    }

    pub(super) fn ended(&mut self, region: Region) -> Result<bool, ScanError> {
        match region.end {
            Some(end) => Ok(self.input.position() >= end),
            None if region.depth == 0 => Ok(self.input.at_end()?),
            None => Ok(false),
        }
    }

    pub(super) fn count(&mut self) -> Result<(), ScanError> {
        self.elements += 1;
        if self.elements > self.limits.elements {
            Err(ScanError::TooLarge)
        } else {
            Ok(())
        }
    }

    pub(super) fn word(&mut self, big_endian: bool) -> Result<u16, ScanError> {
        let mut bytes = [0; 2];
        self.input.read_exact(&mut bytes)?;
        Ok(if big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    pub(super) fn double_word(&mut self, big_endian: bool) -> Result<u32, ScanError> {
        let mut bytes = [0; 4];
        self.input.read_exact(&mut bytes)?;
        Ok(if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    pub(super) fn element_header(&mut self, region: &Region) -> Result<Element, ScanError> {
        let syntax = region.syntax;
        self.count()?;
        let tag = Tag(self.word(syntax.big_endian)?, self.word(syntax.big_endian)?);
        if tag.group() == 0xFFFE || syntax.implicit {
            let length = self.double_word(syntax.big_endian)?;
            return Ok(Element {
                tag,
                vr: region.vr_of(tag),
                length: defined(length),
            });
        }
        let mut vr = [0; 2];
        self.input.read_exact(&mut vr)?;
        let length = if sniff::has_long_length(vr) {
            self.input.skip(2)?;
            self.double_word(syntax.big_endian)?
        } else if vr.iter().all(u8::is_ascii_uppercase) {
            u32::from(self.word(syntax.big_endian)?)
        } else if vr
            .iter()
            .all(|letter| (b' '..0x7F).contains(letter) || *letter == 0)
            && vr != [0, 0]
        {
            // Letters, but no VR: written like one with a short length.
            u32::from(self.word(syntax.big_endian)?)
        } else {
            // An element written implicitly among explicit ones: these are two bytes of its length.
            let rest = self.word(syntax.big_endian)?.to_le_bytes();
            u32::from_le_bytes([vr[0], vr[1], rest[0], rest[1]])
        };
        let creator = (0x0010..=0x00FF).contains(&tag.element());
        if !sniff::is_vr(vr) || (vr == *b"UN" && (tag.group().is_multiple_of(2) || creator)) {
            // The dictionary knows more than the file.
            let known = region.vr_of(tag);
            if known != *b"SQ" || vr != *b"UN" {
                vr = known;
            }
        }
        Ok(Element {
            tag,
            vr,
            length: defined(length),
        })
    }

    /// Keeps the place of the pixels; true where this element is them.
    fn note_pixels(&mut self, element: &Element, attributes: &mut Map<String, Value>) -> bool {
        let Tag(0x7FE0, number @ (0x0008..=0x0010)) = element.tag else {
            return false;
        };
        if !matches!(number, 0x0008 | 0x0009 | 0x0010) {
            return false;
        }
        let name = format!("7FE0{number:04X}");
        self.pixels = Some(PixelPlace {
            tag: 0x7FE0_0000 | u32::from(number),
            vr: element.vr,
            offset: self.input.position(),
            length: element.length,
        });
        let vr = values::vr_text(element.vr);
        attributes.insert(name.clone(), json!({"vr": vr, "BulkDataURI": name}));
        true
    }

    fn value(
        &mut self,
        element: &Element,
        name: &str,
        path: &str,
        region: &mut Region,
    ) -> Result<Option<Value>, ScanError> {
        let implicit = Syntax {
            implicit: true,
            big_endian: false,
        };
        match (&element.vr, element.length) {
            (b"SQ", _) => self.sequence(element, name, path, *region).map(Some),
            // PS3.5 6.2.2: an unknown value of undefined length is a sequence, written implicitly.
            (b"UN", None) => {
                let inner = Region {
                    syntax: implicit,
                    ..*region
                };
                self.sequence(element, name, path, inner).map(Some)
            }
            (_, None) => self.fragments(*region).map(|()| None),
            (b"UN", Some(length)) if length > 0 && region.vr_of(element.tag) == *b"SQ" => {
                let inner = Region {
                    syntax: implicit,
                    ..*region
                };
                self.sequence(element, name, path, inner).map(Some)
            }
            (_, Some(length)) => self.plain(element, length, name, path, region).map(Some),
        }
    }

    fn plain(
        &mut self,
        element: &Element,
        length: u64,
        name: &str,
        path: &str,
        region: &mut Region,
    ) -> Result<Value, ScanError> {
        let vr = element.vr;
        if length > inline_limit(vr, element.tag) {
            let tag_path = format!("{path}{name}");
            let value = json!({"vr": values::vr_text(vr), "BulkDataURI": tag_path});
            let offset = self.input.position();
            self.input.skip(length)?;
            self.bulk.push(BulkPlace {
                tag_path,
                vr,
                big_endian: region.syntax.big_endian,
                offset,
                length,
            });
            return Ok(value);
        }
        self.inline_bytes += length;
        if self.inline_bytes > self.limits.inline_bytes {
            return Err(ScanError::TooLarge);
        }
        let bytes = self.input.read_vec(length)?;
        match element.tag {
            Tag(0x0008, 0x0005) => {
                let terms = Charset::Guess.decode(&bytes, Kind::List);
                region.charset = Charset::from_terms(&terms);
                return Ok(json!({"vr": "CS", "Value": ["ISO_IR 192"]}));
            }
            Tag(0x0028, 0x0103) => region.signed_pixels = bytes.contains(&1),
            _ => {}
        }
        Ok(values::element(
            vr,
            &bytes,
            region.charset,
            region.syntax.big_endian,
        ))
    }

    fn sequence(
        &mut self,
        element: &Element,
        name: &str,
        path: &str,
        outer: Region,
    ) -> Result<Value, ScanError> {
        if outer.depth >= self.limits.depth {
            return Err(ScanError::Depth {
                depth: self.limits.depth,
            });
        }
        let end = element
            .length
            .map(|length| self.input.position().saturating_add(length));
        let mut items = Vec::new();
        loop {
            if end.is_some_and(|end| self.input.position() >= end) {
                break;
            }
            self.count()?;
            let big_endian = outer.syntax.big_endian;
            let tag = Tag(self.word(big_endian)?, self.word(big_endian)?);
            let length = defined(self.double_word(big_endian)?);
            match tag {
                SEQUENCE_END => break,
                ITEM => {}
                _ => return Err(ScanError::NoItem),
            }
            let item_end = length.map(|length| self.input.position().saturating_add(length));
            let mut syntax = outer.syntax;
            if element.vr == *b"UN" || !syntax.implicit {
                syntax = self.item_syntax(syntax, length)?;
            }
            let region = Region {
                syntax,
                end: item_end,
                depth: outer.depth + 1,
                ..outer
            };
            let mut item = Map::new();
            let item_path = format!("{path}{name}.{}.", items.len());
            self.data_set(region, &item_path, &mut item)?;
            items.push(Value::Object(item));
        }
        let mut object = json!({"vr": "SQ"});
        if !items.is_empty() {
            object["Value"] = Value::Array(items);
        }
        Ok(object)
    }

    /// How an item is really written: some writers put implicit items into explicit files and
    /// the reverse. Only a VR that is there, or is not, decides; without look-ahead (inflated)
    /// the outer syntax holds.
    pub(super) fn item_syntax(
        &mut self,
        syntax: Syntax,
        length: Option<u64>,
    ) -> Result<Syntax, ScanError> {
        let head = self.input.peek(8)?;
        let (Some(&[a, b, ..]), Some(&[e, f, g, h]), true) =
            (head.get(..4), head.get(4..8), length != Some(0))
        else {
            return Ok(syntax);
        };
        if syntax.big_endian || [a, b] == [0xFE, 0xFF] {
            return Ok(syntax);
        }
        let explicit = sniff::is_vr([e, f]);
        let short = u32::from_le_bytes([e, f, g, h]) < 1 << 16
            && !(e.is_ascii_uppercase() && f.is_ascii_uppercase());
        Ok(match (syntax.implicit, explicit) {
            (true, true) => Syntax {
                implicit: false,
                ..syntax
            },
            (false, false) if short => Syntax {
                implicit: true,
                ..syntax
            },
            _ => syntax,
        })
    }

    /// Passes over fragments inside a sequence, as of an icon.
    pub(super) fn fragments(&mut self, region: Region) -> Result<(), ScanError> {
        let big_endian = region.syntax.big_endian;
        loop {
            self.count()?;
            let tag = Tag(self.word(big_endian)?, self.word(big_endian)?);
            let length = self.double_word(big_endian)?;
            match (tag, defined(length)) {
                (SEQUENCE_END, _) => return Ok(()),
                (ITEM, Some(length)) => self.input.skip(length)?,
                _ => return Err(ScanError::NoItem),
            }
        }
    }
}

pub(super) fn defined(length: u32) -> Option<u64> {
    (length != UNDEFINED).then_some(u64::from(length))
}

/// Largest value that goes into the JSON.
fn inline_limit(vr: [u8; 2], tag: Tag) -> u64 {
    match &vr {
        // LUT Data is US or OW, and is fetched when it is needed.
        _ if tag == Tag(0x0028, 0x3006) => 1 << 10,
        // Offset tables mean nothing outside the file.
        _ if matches!(tag, Tag(0x7FE0, 1 | 2)) => 0,
        b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"UN" => 1 << 10,
        b"US" | b"SS" | b"UL" | b"SL" | b"UV" | b"SV" | b"FL" | b"FD" => 64 << 10,
        _ => 1 << 20,
    }
}

fn letters(vr: VR) -> [u8; 2] {
    vr.to_bytes()
}
