//! How pixels are stored: the Image Pixel attributes, and a decoded frame.
//!
//! Source: DICOM PS3.3 C.7.6.3 (Image Pixel Module), PS3.5 section 8.

use serde::{Deserialize, Serialize};

/// Photometric Interpretation (0028,0004), PS3.3 C.7.6.3.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Photometric {
    /// Lowest value is white.
    Monochrome1,
    /// Lowest value is black.
    Monochrome2,
    /// Indices into a colour table.
    PaletteColor,
    /// Red, green, blue.
    Rgb,
    /// Luma and full-range chroma.
    YbrFull,
    /// As [`Photometric::YbrFull`], chroma shared by two columns.
    YbrFull422,
    /// Partial-range chroma shared by 2 x 2 pixels.
    YbrPartial420,
    /// Irreversible colour transform of JPEG 2000.
    YbrIct,
    /// Reversible colour transform of JPEG 2000.
    YbrRct,
    /// JPEG XL's XYB.
    Xyb,
}

impl Photometric {
    /// Reads the code string of (0028,0004); `None` for one that PS3.3 does not define.
    pub fn parse(code: &str) -> Option<Self> {
        Some(match code.trim() {
            "MONOCHROME1" => Self::Monochrome1,
            "MONOCHROME2" => Self::Monochrome2,
            "PALETTE COLOR" => Self::PaletteColor,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::YbrFull,
            "YBR_FULL_422" => Self::YbrFull422,
            "YBR_PARTIAL_420" => Self::YbrPartial420,
            "YBR_ICT" => Self::YbrIct,
            "YBR_RCT" => Self::YbrRct,
            "XYB" => Self::Xyb,
            _ => return None,
        })
    }

    /// True for one sample a pixel that goes through the grey-scale chain.
    pub fn is_grey(self) -> bool {
        matches!(self, Self::Monochrome1 | Self::Monochrome2)
    }
}

/// What the Image Pixel Module says about the pixels of one instance; each frame has this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelFormat {
    /// Rows (0028,0010).
    pub rows: u32,
    /// Columns (0028,0011).
    pub columns: u32,
    /// Samples per Pixel (0028,0002): 1 or 3.
    pub samples_per_pixel: u16,
    /// Bits Allocated (0028,0100): 1, 8, 16, 32 or 64; 12 in files of old.
    pub bits_allocated: u16,
    /// Bits Stored (0028,0101).
    pub bits_stored: u16,
    /// High Bit (0028,0102).
    pub high_bit: u16,
    /// Pixel Representation (0028,0103) is 1: two's complement.
    pub signed: bool,
    /// The pixels are Float (7FE0,0008) or Double Float Pixel Data (7FE0,0009), told apart by Bits Allocated.
    #[serde(default)]
    pub float: bool,
    /// Planar Configuration (0028,0006) is 1: all red, then all green, then all blue.
    pub planar: bool,
    /// Photometric Interpretation (0028,0004).
    pub photometric: Photometric,
}

impl PixelFormat {
    /// Native pixels follow each other bit by bit: one may begin inside a byte.
    pub fn is_packed(&self) -> bool {
        matches!(self.bits_allocated, 1 | 12)
    }
}

/// The number type of a decoded sample, little endian in [`Frame::data`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SampleType {
    /// Unsigned 8 bit.
    U8,
    /// Signed 8 bit.
    I8,
    /// Unsigned 16 bit.
    U16,
    /// Signed 16 bit.
    I16,
    /// Unsigned 32 bit.
    U32,
    /// Signed 32 bit.
    I32,
    /// IEEE 754 single.
    F32,
    /// IEEE 754 double.
    F64,
}

impl SampleType {
    /// Bytes of one sample.
    pub fn size_bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// True where the type has a sign.
    pub fn is_signed(self) -> bool {
        !matches!(self, Self::U8 | Self::U16 | Self::U32)
    }
}

/// One decoded frame: stored values, before any LUT and any conversion to RGB.
///
/// `data` holds `rows * columns * samples_per_pixel` samples, rows from the top, interleaved
/// (`R G B R G B`), little endian. Bits above Bits Stored are cleared or sign-extended.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Samples a pixel: 1 or 3.
    pub samples_per_pixel: u16,
    /// Number type of a sample.
    pub sample_type: SampleType,
    /// Bits that carry a value: Bits Stored, or the precision that a code stream names.
    pub bits_stored: u16,
    /// What the samples mean after decoding: a code stream's own colour transform is undone.
    pub photometric: Photometric,
    /// The samples.
    pub data: Vec<u8>,
}

impl Frame {
    /// Bytes that a frame of this shape must have.
    pub fn expected_bytes(&self) -> usize {
        self.rows as usize
            * self.columns as usize
            * usize::from(self.samples_per_pixel)
            * self.sample_type.size_bytes()
    }

    /// The stored value of one sample as a number; `None` outside the frame.
    pub fn sample(&self, column: u32, row: u32, sample: u16) -> Option<f64> {
        if column >= self.columns || row >= self.rows || sample >= self.samples_per_pixel {
            return None;
        }
        let index = (row as usize * self.columns as usize + column as usize)
            * usize::from(self.samples_per_pixel)
            + usize::from(sample);
        sample_at(&self.data, self.sample_type, index)
    }
}

/// The sample at `index` (counted in samples) of little endian `data`; `None` past the end.
pub fn sample_at(data: &[u8], sample_type: SampleType, index: usize) -> Option<f64> {
    let size = sample_type.size_bytes();
    let bytes = data.get(index.checked_mul(size)?..)?.get(..size)?;
    Some(match (sample_type, bytes) {
        (SampleType::U8, [a]) => f64::from(*a),
        (SampleType::I8, [a]) => f64::from(i8::from_le_bytes([*a])),
        (SampleType::U16, [a, b]) => f64::from(u16::from_le_bytes([*a, *b])),
        (SampleType::I16, [a, b]) => f64::from(i16::from_le_bytes([*a, *b])),
        (SampleType::U32, [a, b, c, d]) => f64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        (SampleType::I32, [a, b, c, d]) => f64::from(i32::from_le_bytes([*a, *b, *c, *d])),
        (SampleType::F32, [a, b, c, d]) => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
        (SampleType::F64, &[a, b, c, d, e, f, g, h]) => {
            f64::from_le_bytes([a, b, c, d, e, f, g, h])
        }
        _ => return None,
    })
}
