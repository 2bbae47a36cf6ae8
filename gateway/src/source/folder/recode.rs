//! A data set rewritten as Explicit VR Little Endian, as a plan: what is small is in it, what is large stays in the file until
//! it goes out.
//!
//! Sequences and items get undefined lengths, as those of the file count other bytes. Group lengths and offset tables go, and
//! so do icons in fragments where the pixels are decoded: they would be compressed in a syntax that is not.
//! Source: DICOM PS3.5 sections 6.2.2, 7.1.2, 7.5 and A.2.

use dicom_core::Tag;

use super::scan::{
    Element, ITEM, ITEM_END, Region, SEQUENCE_END, ScanError, ScanLimits, Scanner, UNDEFINED,
    defined,
};
use super::sniff::{self, Start, Syntax};
use super::values::swapped;

/// A piece of what goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Bytes of the file, or of what it inflates to.
    Stored {
        /// The first of them.
        offset: u64,
        /// How many.
        length: u64,
        /// Bytes that are turned round together; 1 for none.
        word_bytes: usize,
    },
    /// Decoded frames, one after the other.
    Frames {
        /// The next one, from 1.
        next: u32,
        /// The last one.
        last: u32,
        /// Bytes of each.
        bytes: u64,
    },
}

impl Segment {
    /// Bytes of it that are still to go out.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stored { length, .. } => *length,
            Self::Frames { next, last, bytes } => {
                u64::from((last + 1).saturating_sub(*next)).saturating_mul(*bytes)
            }
        }
    }
}

/// What becomes of fragments: native pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    /// Photometric Interpretation of the decoded samples, where it is another one.
    pub(super) photometric: Option<&'static str>,
    /// High Bit.
    pub(super) high_bit: u16,
    /// Bits Allocated.
    pub(super) bits_allocated: u16,
    /// Number of Frames.
    pub(super) frame_count: u32,
    /// Bytes of each.
    pub(super) frame_bytes: u64,
}

const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);
const PHOTOMETRIC: Tag = Tag(0x0028, 0x0004);
const HIGH_BIT: Tag = Tag(0x0028, 0x0102);
const LENGTH_TO_END: Tag = Tag(0x0008, 0x0001);
/// Larger values stay in the file.
const HELD_BYTES: u64 = 1 << 10;
/// Longest value of a VR with a length of 16 bits.
const SHORT_BYTES: u64 = 0xFFFE;

/// Plans how a data set goes out; with `decoded` its fragments become native pixels.
///
/// # Errors
/// The data set cannot be read to its end, or takes more than it may.
pub(super) fn plan(
    start: Start,
    limits: &ScanLimits,
    decoded: Option<&Decoded>,
) -> Result<Vec<Segment>, ScanError> {
    let mut writer = Writer {
        scanner: Scanner::new(start.input, *limits),
        segments: Vec::new(),
        held_bytes: 0,
        decoded,
        has_fragments: false,
        is_over: false,
    };
    writer.data_set(Region::whole(start.syntax))?;
    Ok(writer.segments)
}

struct Writer<'a> {
    scanner: Scanner,
    segments: Vec<Segment>,
    held_bytes: u64,
    decoded: Option<&'a Decoded>,
    /// Fragments inside of a sequence were met.
    has_fragments: bool,
    /// What follows cannot be read, and does not matter.
    is_over: bool,
}

impl Writer<'_> {
    fn data_set(&mut self, mut region: Region) -> Result<(), ScanError> {
        while !self.is_over && !self.scanner.ended(region)? {
            let element = self.scanner.element_header(&region)?;
            match element.tag {
                ITEM_END if region.depth > 0 => return Ok(()),
                ITEM | ITEM_END | SEQUENCE_END => continue,
                _ => self.element(&element, &mut region)?,
            }
        }
        Ok(())
    }

    fn element(&mut self, element: &Element, region: &mut Region) -> Result<(), ScanError> {
        let tag = element.tag;
        let is_decoded = self.decoded.is_some() && region.depth == 0;
        let means_nothing = tag.element() == 0 || tag.group() <= 2 || tag == LENGTH_TO_END;
        let is_table = is_decoded && matches!(tag, Tag(0x7FE0, 1..=3));
        if let (true, Some(length)) = (means_nothing || is_table, element.length) {
            return Ok(self.scanner.input.skip(length)?);
        }
        if let Some(decoded) = self.decoded
            && is_decoded
        {
            match (tag, decoded.photometric) {
                (PIXEL_DATA, _) => return self.pixels(element, decoded, *region),
                (PHOTOMETRIC, Some(code)) => {
                    self.scanner
                        .input
                        .skip(element.length.unwrap_or_default())?;
                    return self.small(tag, *b"CS", code.as_bytes());
                }
                (HIGH_BIT, _) => {
                    self.scanner
                        .input
                        .skip(element.length.unwrap_or_default())?;
                    return self.small(tag, *b"US", &decoded.high_bit.to_le_bytes());
                }
                _ => {}
            }
        }
        match (&element.vr, element.length) {
            (b"SQ", _) => self.sequence(element, *region),
            // PS3.5 6.2.2: an unknown value of undefined length is a sequence, written implicitly.
            (b"UN", None) => {
                let syntax = Syntax {
                    implicit: true,
                    big_endian: false,
                };
                self.sequence(element, Region { syntax, ..*region })
            }
            (_, None) if region.depth > 0 && self.decoded.is_some() => {
                self.has_fragments = true;
                self.scanner.fragments(*region)
            }
            // Fragments in a syntax that knows none.
            (_, None) => Err(ScanError::NoItem),
            (_, Some(length)) => self.plain(element, length, region),
        }
    }

    fn plain(
        &mut self,
        element: &Element,
        length: u64,
        region: &mut Region,
    ) -> Result<(), ScanError> {
        let Element { tag, vr, .. } = *element;
        let word_bytes = match region.syntax.big_endian {
            true => word_bytes(vr),
            false => 1,
        };
        let is_odd = !length.is_multiple_of(2);
        self.header(tag, vr, length + u64::from(is_odd))?;
        if length <= HELD_BYTES {
            let bytes = self.scanner.input.read_vec(length)?;
            let bytes = swapped(&bytes, word_bytes, word_bytes > 1);
            if tag == PIXEL_REPRESENTATION {
                region.signed_pixels = bytes.contains(&1);
            }
            self.bytes(&bytes)?;
        } else {
            let offset = self.scanner.input.position();
            self.scanner.input.skip(length)?;
            self.segments.push(Segment::Stored {
                offset,
                length,
                word_bytes,
            });
        }
        match is_odd {
            true => self.bytes(&[padding(vr)]),
            false => Ok(()),
        }
    }

    /// Decoded frames in place of fragments.
    fn pixels(
        &mut self,
        element: &Element,
        decoded: &Decoded,
        region: Region,
    ) -> Result<(), ScanError> {
        let frames = Segment::Frames {
            next: 1,
            last: decoded.frame_count,
            bytes: decoded.frame_bytes,
        };
        let length = frames.length();
        let is_odd = !length.is_multiple_of(2);
        let vr = match decoded.bits_allocated {
            0..=8 => *b"OB",
            _ => *b"OW",
        };
        self.header(PIXEL_DATA, vr, length + u64::from(is_odd))?;
        self.segments.push(frames);
        if is_odd {
            self.bytes(&[0])?;
        }
        let passed = match element.length {
            Some(length) => self.scanner.input.skip(length).map_err(ScanError::from),
            None => self.scanner.fragments(region),
        };
        // Frames are found by another way: fragments that nothing ends are no loss.
        self.is_over = passed.is_err();
        Ok(())
    }

    fn sequence(&mut self, element: &Element, outer: Region) -> Result<(), ScanError> {
        let limit = self.scanner.limits.depth;
        if outer.depth >= limit {
            return Err(ScanError::Depth { depth: limit });
        }
        let before = self.mark();
        let end = element
            .length
            .map(|length| self.scanner.input.position().saturating_add(length));
        self.header(element.tag, *b"SQ", u64::from(UNDEFINED))?;
        loop {
            if end.is_some_and(|end| self.scanner.input.position() >= end) {
                break;
            }
            self.scanner.count()?;
            let big_endian = outer.syntax.big_endian;
            let tag = Tag(
                self.scanner.word(big_endian)?,
                self.scanner.word(big_endian)?,
            );
            let length = defined(self.scanner.double_word(big_endian)?);
            match tag {
                SEQUENCE_END => break,
                ITEM => {}
                _ => return Err(ScanError::NoItem),
            }
            let item_end =
                length.map(|length| self.scanner.input.position().saturating_add(length));
            let mut syntax = outer.syntax;
            if element.vr == *b"UN" || !syntax.implicit {
                syntax = self.scanner.item_syntax(syntax, length)?;
            }
            self.marker(ITEM, UNDEFINED)?;
            self.data_set(Region {
                syntax,
                end: item_end,
                depth: outer.depth + 1,
                ..outer
            })?;
            self.marker(ITEM_END, 0)?;
        }
        self.marker(SEQUENCE_END, 0)?;
        if self.has_fragments && outer.depth == 0 {
            self.has_fragments = false;
            self.back_to(before);
        }
        Ok(())
    }

    fn header(&mut self, tag: Tag, vr: [u8; 2], length: u64) -> Result<(), ScanError> {
        let length32 = u32::try_from(length).map_err(|_| ScanError::TooLarge)?;
        let is_undefined = length32 == UNDEFINED;
        if is_undefined && vr != *b"SQ" {
            return Err(ScanError::TooLarge);
        }
        let mut head = tag_bytes(tag).to_vec();
        // PS3.5 6.2.2: what is too long for its VR is UN.
        let is_long = sniff::has_long_length(vr) || length > SHORT_BYTES;
        match (is_long, sniff::has_long_length(vr)) {
            (true, true) => head.extend(vr),
            (true, false) => head.extend(b"UN"),
            (false, _) => head.extend(vr),
        }
        if is_long {
            head.extend([0, 0]);
            head.extend(length32.to_le_bytes());
        } else {
            let length16 = u16::try_from(length).map_err(|_| ScanError::TooLarge)?;
            head.extend(length16.to_le_bytes());
        }
        self.bytes(&head)
    }

    fn marker(&mut self, tag: Tag, length: u32) -> Result<(), ScanError> {
        self.bytes(&tag_bytes(tag))?;
        self.bytes(&length.to_le_bytes())
    }

    fn small(&mut self, tag: Tag, vr: [u8; 2], value: &[u8]) -> Result<(), ScanError> {
        let is_odd = !value.len().is_multiple_of(2);
        self.header(tag, vr, value.len() as u64 + u64::from(is_odd))?;
        self.bytes(value)?;
        match is_odd {
            true => self.bytes(&[padding(vr)]),
            false => Ok(()),
        }
    }

    fn bytes(&mut self, more: &[u8]) -> Result<(), ScanError> {
        self.held_bytes += more.len() as u64;
        if self.held_bytes > self.scanner.limits.inline_bytes {
            return Err(ScanError::TooLarge);
        }
        if let Some(Segment::Bytes(bytes)) = self.segments.last_mut() {
            bytes.extend_from_slice(more);
        } else {
            self.segments.push(Segment::Bytes(more.to_vec()));
        }
        Ok(())
    }

    /// How far the plan is: segments, and bytes of the last one where it is of bytes.
    fn mark(&self) -> (usize, usize) {
        let length = match self.segments.last() {
            Some(Segment::Bytes(bytes)) => bytes.len(),
            _ => 0,
        };
        (self.segments.len(), length)
    }

    fn back_to(&mut self, (segments, length): (usize, usize)) {
        self.segments.truncate(segments);
        if let Some(Segment::Bytes(bytes)) = self.segments.last_mut() {
            bytes.truncate(length);
        }
    }
}

fn tag_bytes(tag: Tag) -> [u8; 4] {
    let ([a, b], [c, d]) = (tag.group().to_le_bytes(), tag.element().to_le_bytes());
    [a, b, c, d]
}

/// Bytes of a number of a VR, PS3.5 section 7.3.
fn word_bytes(vr: [u8; 2]) -> usize {
    match &vr {
        b"OW" | b"US" | b"SS" | b"AT" => 2,
        b"OF" | b"OL" | b"FL" | b"UL" | b"SL" => 4,
        b"OD" | b"OV" | b"FD" | b"UV" | b"SV" => 8,
        _ => 1,
    }
}

/// What fills a value up to an even length, PS3.5 section 6.2.
fn padding(vr: [u8; 2]) -> u8 {
    match &vr {
        b"UI" | b"OB" | b"UN" => 0,
        _ => b' ',
    }
}
