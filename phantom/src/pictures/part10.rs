//! Data sets written byte by byte, so that a made-up object can be as odd as the ones that archives hold.
//!
//! Unlike [`crate::dicom`] nothing is checked: any VR, any length, any order of fragments. Every numeric value is kept
//! as words of its own width, which the byte order of the transfer syntax turns at the end.
//!
//! Source: PS3.10 7.1 (file), PS3.5 7.1 (elements), 8.1 and Annex D (pixels in OB and OW), A.4 (fragments, offset tables).

use crate::dicom::{pack_frame, uid};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use std::collections::BTreeMap;
use std::io::Write;

/// Item.
const ITEM: Tag = Tag(0xfffe, 0xe000);
/// Sequence Delimitation Item.
const SEQUENCE_END: Tag = Tag(0xfffe, 0xe0dd);

/// The transfer syntax of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
    Deflated,
    Rle,
    /// Encapsulated Uncompressed Explicit VR Little Endian.
    Encapsulated,
}

impl Syntax {
    /// Its name within names of pictures.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "implicit",
            Self::ExplicitLittle => "explicit",
            Self::ExplicitBig => "big-endian",
            Self::Deflated => "deflated",
            Self::Rle => "rle",
            Self::Encapsulated => "encapsulated",
        }
    }

    fn uid(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "1.2.840.10008.1.2",
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
            Self::ExplicitBig => "1.2.840.10008.1.2.2",
            Self::Deflated => "1.2.840.10008.1.2.1.99",
            Self::Rle => "1.2.840.10008.1.2.5",
            Self::Encapsulated => "1.2.840.10008.1.2.1.98",
        }
    }
}

/// What an element holds.
#[derive(Debug, Clone)]
enum Content {
    /// Bytes in this order under any transfer syntax.
    Bytes(Vec<u8>),
    Words(Vec<u16>),
    Longs(Vec<u32>),
    Quads(Vec<u64>),
    Items(Vec<Set>),
    /// The basic offset table and the fragments.
    Fragments(Vec<Vec<u8>>),
}

/// A data set under construction.
#[derive(Debug, Clone, Default)]
pub(super) struct Set {
    elements: BTreeMap<Tag, (&'static str, Content)>,
}

impl Set {
    fn put(&mut self, tag: Tag, vr: &'static str, content: Content) {
        self.elements.insert(tag, (vr, content));
    }

    /// Sets a text of the given VR, padded to an even length.
    pub(super) fn text(&mut self, tag: Tag, vr: &'static str, value: &str) {
        let mut bytes = value.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.put(tag, vr, Content::Bytes(bytes));
    }

    /// Sets 16-bit values: US, SS or OW.
    pub(super) fn words(&mut self, tag: Tag, vr: &'static str, values: &[u16]) {
        self.put(tag, vr, Content::Words(values.to_vec()));
    }

    /// Sets unsigned shorts.
    pub(super) fn us(&mut self, tag: Tag, values: &[u16]) {
        self.words(tag, "US", values);
    }

    /// Sets signed shorts.
    pub(super) fn ss(&mut self, tag: Tag, values: &[i16]) {
        let words: Vec<u16> = values.iter().map(|value| value.cast_unsigned()).collect();
        self.words(tag, "SS", &words);
    }

    /// Sets unsigned longs.
    pub(super) fn ul(&mut self, tag: Tag, values: &[u32]) {
        self.put(tag, "UL", Content::Longs(values.to_vec()));
    }

    /// Sets signed longs.
    pub(super) fn sl(&mut self, tag: Tag, values: &[i32]) {
        let longs = values.iter().map(|value| value.cast_unsigned()).collect();
        self.put(tag, "SL", Content::Longs(longs));
    }

    /// Sets floats (FL).
    pub(super) fn fl(&mut self, tag: Tag, values: &[f32]) {
        let longs = values.iter().map(|value| value.to_bits()).collect();
        self.put(tag, "FL", Content::Longs(longs));
    }

    /// Sets doubles (FD).
    pub(super) fn fd(&mut self, tag: Tag, values: &[f64]) {
        let quads = values.iter().map(|value| value.to_bits()).collect();
        self.put(tag, "FD", Content::Quads(quads));
    }

    /// Sets attribute tags (AT).
    pub(super) fn at(&mut self, tag: Tag, values: &[Tag]) {
        let words = values.iter().flat_map(|value| [value.0, value.1]).collect();
        self.put(tag, "AT", Content::Words(words));
    }

    /// Sets bytes that no byte order turns: OB, UN.
    pub(super) fn bytes(&mut self, tag: Tag, vr: &'static str, mut values: Vec<u8>) {
        if values.len() % 2 == 1 {
            values.push(0);
        }
        self.put(tag, vr, Content::Bytes(values));
    }

    /// Sets a sequence.
    pub(super) fn items(&mut self, tag: Tag, items: Vec<Set>) {
        self.put(tag, "SQ", Content::Items(items));
    }

    /// Sets a sequence of one code: value, scheme, meaning.
    pub(super) fn code(&mut self, tag: Tag, [value, scheme, meaning]: [&str; 3]) {
        let mut item = Set::default();
        item.text(tags::CODE_VALUE, "SH", value);
        item.text(tags::CODING_SCHEME_DESIGNATOR, "SH", scheme);
        item.text(tags::CODE_MEANING, "LO", meaning);
        self.items(tag, vec![item]);
    }

    /// Takes an element away.
    pub(super) fn remove(&mut self, tag: Tag) {
        self.elements.remove(&tag);
    }

    /// Sets encapsulated pixel data: the basic offset table, then the fragments as they are.
    pub(super) fn fragments(&mut self, table: &[u32], fragments: Vec<Vec<u8>>) {
        let table = table.iter().flat_map(|offset| offset.to_le_bytes());
        let mut all = vec![table.collect()];
        all.extend(fragments);
        self.put(tags::PIXEL_DATA, "OB", Content::Fragments(all));
    }

    /// Sets an extended offset table: where each frame's item starts, and the bytes of each frame.
    pub(super) fn extended_offsets(&mut self, offsets: &[u64], lengths: &[u64]) {
        self.put(
            tags::EXTENDED_OFFSET_TABLE,
            "OV",
            Content::Quads(offsets.to_vec()),
        );
        self.put(
            tags::EXTENDED_OFFSET_TABLE_LENGTHS,
            "OV",
            Content::Quads(lengths.to_vec()),
        );
    }

    /// Sets the pixels of an image with the attributes that describe them.
    pub(super) fn pixels(&mut self, form: &Form, cells: &Cells, syntax: Syntax) {
        self.describe(form, cells.bits());
        let native = cells.little_endian();
        match (syntax, cells) {
            (Syntax::Rle | Syntax::Encapsulated, _) => {
                let frames = encapsulated_frames(form, cells, syntax);
                self.fragments(&basic_offsets(&frames, 1), frames);
            }
            (_, Cells::Floats(values)) => {
                let longs = values.iter().map(|value| value.to_bits()).collect();
                self.put(tags::FLOAT_PIXEL_DATA, "OF", Content::Longs(longs));
            }
            (_, Cells::Doubles(values)) => {
                let quads = values.iter().map(|value| value.to_bits()).collect();
                self.put(tags::DOUBLE_FLOAT_PIXEL_DATA, "OD", Content::Quads(quads));
            }
            (Syntax::ExplicitLittle | Syntax::Deflated, Cells::Bytes(_) | Cells::Bits(_)) => {
                self.bytes(tags::PIXEL_DATA, "OB", native);
            }
            // A longer cell is a row of words, the low one first, whatever their byte order is (PS3.5 8.1.1).
            _ => self.words(tags::PIXEL_DATA, "OW", &packed_words(&native)),
        }
    }

    pub(super) fn describe(&mut self, form: &Form, allocated: u16) {
        self.us(tags::SAMPLES_PER_PIXEL, &[form.samples]);
        self.text(tags::PHOTOMETRIC_INTERPRETATION, "CS", form.photometric);
        if form.samples > 1 {
            self.us(tags::PLANAR_CONFIGURATION, &[u16::from(form.planar)]);
        }
        self.us(tags::ROWS, &[form.rows]);
        self.us(tags::COLUMNS, &[form.columns]);
        self.us(tags::BITS_ALLOCATED, &[allocated]);
        if !form.is_float {
            self.us(tags::BITS_STORED, &[form.stored]);
            self.us(tags::HIGH_BIT, &[form.high_bit]);
            self.us(tags::PIXEL_REPRESENTATION, &[u16::from(form.signed)]);
        }
        if form.frames > 1 {
            self.text(tags::NUMBER_OF_FRAMES, "IS", &form.frames.to_string());
        }
    }

    /// The Part 10 file of this data set.
    pub(super) fn file(&self, syntax: Syntax) -> Vec<u8> {
        let text = |tag| match self.elements.get(&tag) {
            Some((_, Content::Bytes(bytes))) => String::from_utf8_lossy(bytes)
                .trim_end_matches('\0')
                .to_owned(),
            _ => String::new(),
        };
        let mut meta = Set::default();
        meta.bytes(Tag(2, 1), "OB", vec![0, 1]);
        meta.text(Tag(2, 2), "UI", &text(tags::SOP_CLASS_UID));
        meta.text(Tag(2, 3), "UI", &text(tags::SOP_INSTANCE_UID));
        meta.text(Tag(2, 0x10), "UI", syntax.uid());
        meta.text(Tag(2, 0x12), "UI", &uid(0, "implementation"));
        meta.text(Tag(2, 0x13), "SH", "PHANTOM");
        let mut group = Vec::new();
        meta.encode(Syntax::ExplicitLittle, &mut group);
        let mut out = vec![0; 128];
        out.extend(b"DICM");
        out.extend([2, 0, 0, 0]);
        out.extend(b"UL\x04\x00");
        out.extend((group.len() as u32).to_le_bytes());
        out.extend(group);
        if syntax == Syntax::Deflated {
            let mut body = Vec::new();
            self.encode(syntax, &mut body);
            out.extend(deflated(&body));
        } else {
            self.encode(syntax, &mut out);
        }
        out
    }

    fn encode(&self, syntax: Syntax, out: &mut Vec<u8>) {
        let order = Order {
            big: syntax == Syntax::ExplicitBig,
        };
        for (tag, (vr, content)) in &self.elements {
            order.tag(*tag, out);
            let mut value = Vec::new();
            let mut length = None;
            match content {
                Content::Bytes(bytes) => value.extend(bytes),
                Content::Words(words) => {
                    words.iter().for_each(|word| order.word(*word, &mut value))
                }
                Content::Longs(longs) => {
                    longs.iter().for_each(|long| order.long(*long, &mut value))
                }
                Content::Quads(quads) => {
                    quads.iter().for_each(|quad| order.quad(*quad, &mut value))
                }
                Content::Items(items) => {
                    for item in items {
                        let mut body = Vec::new();
                        item.encode(syntax, &mut body);
                        order.tag(ITEM, &mut value);
                        order.long(body.len() as u32, &mut value);
                        value.extend(body);
                    }
                }
                Content::Fragments(fragments) => {
                    for fragment in fragments {
                        order.tag(ITEM, &mut value);
                        order.long(fragment.len() as u32, &mut value);
                        value.extend(fragment);
                    }
                    order.tag(SEQUENCE_END, &mut value);
                    order.long(0, &mut value);
                    length = Some(u32::MAX);
                }
            }
            let length = length.unwrap_or(value.len() as u32);
            if syntax == Syntax::ImplicitLittle {
                order.long(length, out);
            } else {
                out.extend(vr.bytes());
                let is_long = matches!(
                    *vr,
                    "OB" | "OD" | "OF" | "OL" | "OV" | "OW" | "SQ" | "UN" | "UC" | "UR" | "UT"
                );
                if is_long {
                    order.word(0, out);
                    order.long(length, out);
                } else {
                    order.word(length as u16, out);
                }
            }
            out.extend(value);
        }
    }
}

/// Byte order of a transfer syntax.
#[derive(Clone, Copy)]
struct Order {
    big: bool,
}

impl Order {
    fn word(self, value: u16, out: &mut Vec<u8>) {
        out.extend(if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }

    fn long(self, value: u32, out: &mut Vec<u8>) {
        out.extend(if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }

    fn quad(self, value: u64, out: &mut Vec<u8>) {
        out.extend(if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }

    fn tag(self, tag: Tag, out: &mut Vec<u8>) {
        self.word(tag.0, out);
        self.word(tag.1, out);
    }
}

/// The raw deflate stream of a data set, padded to an even length (PS3.5 A.5).
fn deflated(body: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing into memory does not fail.
    let written = encoder.write_all(body);
    let mut stream = written.and_then(|()| encoder.finish()).unwrap_or_default();
    if stream.len() % 2 == 1 {
        stream.push(0);
    }
    stream
}

/// The Image Pixel Module but for Bits Allocated, which the cells know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) photometric: &'static str,
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) samples: u16,
    /// Whether Planar Configuration is 1.
    pub(super) planar: bool,
    pub(super) stored: u16,
    pub(super) high_bit: u16,
    pub(super) signed: bool,
    /// Whether the pixels are floats, which have no Bits Stored.
    pub(super) is_float: bool,
    pub(super) frames: usize,
}

impl Form {
    /// MONOCHROME2, one frame, unsigned.
    pub(super) fn grey(columns: u16, rows: u16, stored: u16) -> Self {
        Self {
            photometric: "MONOCHROME2",
            rows,
            columns,
            samples: 1,
            planar: false,
            stored,
            high_bit: stored.max(1) - 1,
            signed: false,
            is_float: false,
            frames: 1,
        }
    }

    /// Three samples of 8 bits.
    pub(super) fn colour(photometric: &'static str, columns: u16, rows: u16) -> Self {
        Self {
            photometric,
            samples: 3,
            ..Self::grey(columns, rows, 8)
        }
    }

    /// Pixels of one frame.
    pub(super) fn area(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }
}

/// Pixel cells of all frames in the order of storage.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cells {
    /// 1 bit allocated, one number for each.
    Bits(Vec<u8>),
    Bytes(Vec<u8>),
    Words(Vec<u16>),
    Longs(Vec<u32>),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
}

impl Cells {
    fn bits(&self) -> u16 {
        match self {
            Self::Bits(_) => 1,
            Self::Bytes(_) => 8,
            Self::Words(_) => 16,
            Self::Longs(_) | Self::Floats(_) => 32,
            Self::Doubles(_) => 64,
        }
    }

    /// The cells as little-endian bytes; bits fill bytes from the lowest one on (PS3.5 8.1.1).
    fn little_endian(&self) -> Vec<u8> {
        match self {
            Self::Bits(bits) => packed_bits(bits),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Words(words) => words.iter().flat_map(|word| word.to_le_bytes()).collect(),
            Self::Longs(longs) => longs.iter().flat_map(|long| long.to_le_bytes()).collect(),
            Self::Floats(floats) => floats
                .iter()
                .flat_map(|float| float.to_le_bytes())
                .collect(),
            Self::Doubles(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        }
    }
}

/// Bits in bytes, the first one lowest.
pub(super) fn packed_bits(bits: &[u8]) -> Vec<u8> {
    let byte = |eight: &[u8]| {
        eight
            .iter()
            .enumerate()
            .fold(0, |byte, (place, bit)| byte | (bit & 1) << place)
    };
    bits.chunks(8).map(byte).collect()
}

/// Pairs of bytes as words, the first byte low; an odd end is padded with 0.
pub(super) fn packed_words(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks(2)
        .map(|pair| u16::from(pair[0]) | u16::from(pair.get(1).copied().unwrap_or(0)) << 8)
        .collect()
}

/// Each frame as one fragment: packed bytes for RLE, the native bytes otherwise, of even length.
pub(super) fn encapsulated_frames(form: &Form, cells: &Cells, syntax: Syntax) -> Vec<Vec<u8>> {
    let native = cells.little_endian();
    let (samples, bytes) = (
        usize::from(form.samples),
        usize::from(cells.bits() / 8).max(1),
    );
    let frame = |native: &[u8]| {
        let mut out = if syntax == Syntax::Rle {
            // Segments follow one another by sample, however the native pixels are interleaved.
            let by_pixel = if form.planar {
                let area = form.area();
                let cell = |at: usize| {
                    let (pixel, sample) = (at / samples, at % samples);
                    &native[(sample * area + pixel) * bytes..][..bytes]
                };
                (0..area * samples)
                    .flat_map(|at| cell(at).to_vec())
                    .collect()
            } else {
                native.to_vec()
            };
            pack_frame(&by_pixel, usize::from(form.columns), samples, bytes)
        } else {
            native.to_vec()
        };
        if out.len() % 2 == 1 {
            out.push(0);
        }
        out
    };
    native
        .chunks(native.len() / form.frames)
        .map(frame)
        .collect()
}

/// Offsets of frames of so many fragments each; they count item headers of 8 bytes (PS3.5 A.4).
pub(super) fn basic_offsets(fragments: &[Vec<u8>], each: usize) -> Vec<u32> {
    let mut at = 0;
    let mut offsets = Vec::new();
    for (index, fragment) in fragments.iter().enumerate() {
        if index % each == 0 {
            offsets.push(at);
        }
        at += fragment.len() as u32 + 8;
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_element_looks_as_ps3_5_annex_says_in_every_syntax() {
        let mut set = Set::default();
        set.us(tags::ROWS, &[0x0102]);
        let bytes = |syntax| {
            let mut out = Vec::new();
            set.encode(syntax, &mut out);
            out
        };
        let implicit = [0x28, 0, 0x10, 0, 2, 0, 0, 0, 2, 1];
        assert_eq!(bytes(Syntax::ImplicitLittle), implicit);
        let explicit = [0x28, 0, 0x10, 0, b'U', b'S', 2, 0, 2, 1];
        assert_eq!(bytes(Syntax::ExplicitLittle), explicit);
        let big = [0, 0x28, 0, 0x10, b'U', b'S', 0, 2, 1, 2];
        assert_eq!(bytes(Syntax::ExplicitBig), big);
    }

    /// PS3.5 8.1.1: a cell of 32 bits fills words from its low end; 6.2 (OW): byte order turns each word.
    #[test]
    fn a_long_cell_is_two_words_the_low_one_first_in_both_byte_orders() {
        let cells = Cells::Longs(vec![0x0102_0304]);
        let tail = |syntax| {
            let mut set = Set::default();
            set.pixels(&Form::grey(1, 1, 32), &cells, syntax);
            let mut out = Vec::new();
            set.encode(syntax, &mut out);
            out.split_off(out.len() - 4)
        };
        assert_eq!(tail(Syntax::ExplicitLittle), [4, 3, 2, 1]);
        assert_eq!(tail(Syntax::ExplicitBig), [3, 4, 1, 2]);
    }

    #[test]
    fn bits_fill_bytes_from_below_across_frames() {
        assert_eq!(packed_bits(&[1, 0, 0, 0, 0, 0, 0, 1, 1]), [0x81, 1]);
    }

    #[test]
    fn offsets_count_the_headers_of_items() {
        let fragments = vec![vec![0; 10], vec![0; 6], vec![0; 4], vec![0; 4]];
        assert_eq!(basic_offsets(&fragments, 2), [0, 32]);
        assert_eq!(basic_offsets(&fragments, 1), [0, 18, 32, 44]);
    }
}
