//! Data sets of made-up objects and how they become Part 10 files.
//!
//! Source: PS3.10 (file format), PS3.5 Annex A (transfer syntaxes), PS3.5 8.1 and Annex D (pixel data in OB and OW).

use super::rle;
use super::uid::uid;
use crate::PhantomError;
use dicom_core::value::{DataSetSequence, PixelFragmentSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

/// How a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Explicit VR Little Endian.
    ExplicitLittle,
    /// Implicit VR Little Endian.
    ImplicitLittle,
    /// Explicit VR Big Endian (retired).
    ExplicitBig,
    /// Deflated Explicit VR Little Endian.
    Deflated,
    /// RLE Lossless, one fragment for each frame.
    Rle,
}

impl Encoding {
    /// The transfer syntax UID.
    pub fn transfer_syntax(self) -> &'static str {
        match self {
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
            Self::ImplicitLittle => "1.2.840.10008.1.2",
            Self::ExplicitBig => "1.2.840.10008.1.2.2",
            Self::Deflated => "1.2.840.10008.1.2.1.99",
            Self::Rle => "1.2.840.10008.1.2.5",
        }
    }
}

/// The pixels of all frames, colour by pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits allocated.
    Bytes(Vec<u8>),
    /// 16 bits allocated; signed values as two's complement.
    Words(Vec<u16>),
}

/// The Image Pixel Module of an object and its pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Photometric Interpretation.
    pub photometric: &'static str,
    /// Rows of one frame.
    pub rows: u16,
    /// Columns of one frame.
    pub columns: u16,
    /// Samples per Pixel: 1, or 3 for colour.
    pub samples_per_pixel: u16,
    /// Bits Stored; High Bit is one less.
    pub bits_stored: u16,
    /// Whether Pixel Representation is 1.
    pub signed: bool,
    /// Number of Frames; written only when above 1.
    pub frames: usize,
    /// The pixels.
    pub samples: Samples,
}

/// A data set under construction.
#[derive(Debug, Clone)]
pub(crate) struct Dataset {
    object: InMemDicomObject,
}

impl Dataset {
    /// An empty data set.
    pub(crate) fn new() -> Self {
        Self {
            object: InMemDicomObject::new_empty(),
        }
    }

    /// Sets a text; several values are separated by a backslash. An empty text is an empty element (Type 2).
    pub(crate) fn text(&mut self, tag: Tag, vr: VR, value: impl AsRef<str>) {
        let value = value.as_ref();
        let primitive = if value.is_empty() {
            PrimitiveValue::Empty
        } else {
            PrimitiveValue::from(value)
        };
        self.object.put(DataElement::new(tag, vr, primitive));
    }

    /// Sets decimal strings (DS) of at most six decimals.
    pub(crate) fn decimals(&mut self, tag: Tag, values: &[f64]) {
        let texts: Vec<String> = values.iter().map(|value| decimal(*value)).collect();
        self.text(tag, VR::DS, texts.join("\\"));
    }

    /// Sets an integer string (IS).
    pub(crate) fn integer(&mut self, tag: Tag, value: usize) {
        self.text(tag, VR::IS, value.to_string());
    }

    /// Sets one unsigned short (US).
    pub(crate) fn short(&mut self, tag: Tag, value: u16) {
        self.object
            .put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
    }

    /// Sets any other element.
    pub(crate) fn value(&mut self, tag: Tag, vr: VR, value: PrimitiveValue) {
        self.object.put(DataElement::new(tag, vr, value));
    }

    /// Sets a sequence.
    pub(crate) fn sequence(&mut self, tag: Tag, items: Vec<Dataset>) {
        let items: Vec<InMemDicomObject> = items.into_iter().map(|item| item.object).collect();
        self.object.put(DataElement::new(
            tag,
            VR::SQ,
            Value::from(DataSetSequence::from(items)),
        ));
    }

    /// Sets a sequence of one code: value, scheme, meaning.
    pub(crate) fn code(&mut self, tag: Tag, code: [&str; 3]) {
        self.sequence(tag, vec![coded(code)]);
    }

    /// Sets a sequence of one code that has modifiers, of which there are none (PS3.3 C.8.11.7).
    pub(crate) fn code_unmodified(&mut self, tag: Tag, code: [&str; 3], modifiers: Tag) {
        let mut item = coded(code);
        item.sequence(modifiers, Vec::new());
        self.sequence(tag, vec![item]);
    }

    /// Writes the data set with its pixels as a Part 10 file.
    pub(crate) fn into_file(
        mut self,
        pixels: &Pixels,
        encoding: Encoding,
    ) -> Result<Vec<u8>, PhantomError> {
        self.describe(pixels);
        let bytes = if matches!(pixels.samples, Samples::Bytes(_)) {
            1
        } else {
            2
        };
        let element = if encoding == Encoding::Rle {
            let fragments = rle_fragments(pixels, bytes);
            DataElement::new(tags::PIXEL_DATA, VR::OB, Value::PixelSequence(fragments))
        } else {
            native_element(pixels, encoding)
        };
        self.object.put(element);
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(encoding.transfer_syntax())
            .implementation_class_uid(uid(0, "implementation"))
            .implementation_version_name("PHANTOM");
        let file = self
            .object
            .with_meta(meta)
            .map_err(|error| PhantomError::Encode(error.to_string()))?;
        let mut out = Vec::new();
        file.write_all(&mut out)
            .map_err(|error| PhantomError::Encode(error.to_string()))?;
        Ok(out)
    }

    fn describe(&mut self, pixels: &Pixels) {
        let allocated = if matches!(pixels.samples, Samples::Bytes(_)) {
            8
        } else {
            16
        };
        self.short(tags::SAMPLES_PER_PIXEL, pixels.samples_per_pixel);
        self.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, pixels.photometric);
        if pixels.samples_per_pixel > 1 {
            self.short(tags::PLANAR_CONFIGURATION, 0);
        }
        self.short(tags::ROWS, pixels.rows);
        self.short(tags::COLUMNS, pixels.columns);
        self.short(tags::BITS_ALLOCATED, allocated);
        self.short(tags::BITS_STORED, pixels.bits_stored);
        self.short(tags::HIGH_BIT, pixels.bits_stored - 1);
        self.short(tags::PIXEL_REPRESENTATION, u16::from(pixels.signed));
        if pixels.frames > 1 {
            self.integer(tags::NUMBER_OF_FRAMES, pixels.frames);
        }
    }
}

/// One item with a code: value, scheme, meaning.
fn coded([value, scheme, meaning]: [&str; 3]) -> Dataset {
    let mut item = Dataset::new();
    item.text(tags::CODE_VALUE, VR::SH, value);
    item.text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme);
    item.text(tags::CODE_MEANING, VR::LO, meaning);
    item
}

/// A number as a decimal string of at most 16 characters without needless zeros.
fn decimal(value: f64) -> String {
    let text = format!("{value:.6}");
    let trimmed = text.trim_end_matches('0').trim_end_matches('.');
    if trimmed == "-0" {
        "0".to_owned()
    } else {
        trimmed.to_owned()
    }
}

fn native_element(pixels: &Pixels, encoding: Encoding) -> DataElement<InMemDicomObject> {
    let (vr, value) = match &pixels.samples {
        Samples::Words(words) if encoding == Encoding::ExplicitBig => {
            (VR::OW, PrimitiveValue::U16(words.iter().copied().collect()))
        }
        // Bytes are written as they are, which is much faster than word by word.
        Samples::Words(words) => {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            (VR::OW, PrimitiveValue::U8(bytes.into()))
        }
        // Two 8-bit pixels share a word, the first in its low byte (PS3.5 8.1.2): big endian swaps them on disk.
        Samples::Bytes(bytes)
            if matches!(encoding, Encoding::ImplicitLittle | Encoding::ExplicitBig) =>
        {
            let word = |pair: &[u8]| {
                u16::from(pair[0]) | u16::from(pair.get(1).copied().unwrap_or(0)) << 8
            };
            (
                VR::OW,
                PrimitiveValue::U16(bytes.chunks(2).map(word).collect()),
            )
        }
        Samples::Bytes(bytes) => {
            let mut even = bytes.clone();
            if even.len() % 2 == 1 {
                even.push(0);
            }
            (VR::OB, PrimitiveValue::U8(even.into()))
        }
    };
    DataElement::new(tags::PIXEL_DATA, vr, value)
}

fn rle_fragments(pixels: &Pixels, bytes: usize) -> PixelFragmentSequence<Vec<u8>> {
    let native: Vec<u8> = match &pixels.samples {
        Samples::Bytes(bytes) => bytes.clone(),
        Samples::Words(words) => words.iter().flat_map(|word| word.to_le_bytes()).collect(),
    };
    let samples = usize::from(pixels.samples_per_pixel);
    let columns = usize::from(pixels.columns);
    let frame_length = usize::from(pixels.rows) * columns * samples * bytes;
    let fragments: Vec<Vec<u8>> = native
        .chunks(frame_length)
        .map(|frame| rle::pack_frame(frame, columns, samples, bytes))
        .collect();
    // Each offset counts from the first byte after the table, item headers of 8 bytes included (PS3.5 A.4).
    let offsets: Vec<u32> = fragments
        .iter()
        .scan(0_u32, |at, fragment| {
            let here = *at;
            *at += fragment.len() as u32 + 8;
            Some(here)
        })
        .collect();
    PixelFragmentSequence::new(offsets, fragments)
}
