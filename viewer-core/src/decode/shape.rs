//! What a frame will look like, checked against [`Limits`] before anything is allocated.
//!
//! Source: DICOM PS3.3 C.7.6.3.1 (Image Pixel attributes), PS3.5 section 8.1.1.

use super::{DecodeError, Limits};
use crate::pixel::{Frame, Photometric, PixelFormat, SampleType};

/// The size of a frame whose attributes make sense and whose cost is within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub rows: u32,
    pub columns: u32,
    pub samples_per_pixel: u16,
    pub sample_type: SampleType,
    /// Rows times columns.
    pub pixels: usize,
    /// Pixels times samples.
    pub samples: usize,
    /// Bytes of the decoded frame.
    pub bytes: usize,
}

impl Shape {
    /// The shape of a native or RLE frame.
    pub fn of_format(format: &PixelFormat, limits: &Limits) -> Result<Self, DecodeError> {
        let sample_type = match (format.bits_allocated, format.float, format.signed) {
            (1, false, _) | (8, false, false) => SampleType::U8,
            (8, false, true) => SampleType::I8,
            (12 | 16, false, false) => SampleType::U16,
            (12 | 16, false, true) => SampleType::I16,
            (32, false, false) => SampleType::U32,
            (32, false, true) => SampleType::I32,
            (32, true, _) => SampleType::F32,
            (64, true, _) => SampleType::F64,
            _ => {
                return Err(DecodeError::ImpossibleFormat {
                    attribute: "bits allocated",
                });
            }
        };
        // Colour of one or twelve bits a sample is no image of the standard; its planes would not begin at bytes.
        if format.is_packed() && format.samples_per_pixel > 1 {
            return Err(DecodeError::ImpossibleFormat {
                attribute: "bits allocated",
            });
        }
        if !format.float && format.bits_allocated > 1 {
            if format.bits_stored == 0 || format.bits_stored > format.bits_allocated {
                return Err(DecodeError::ImpossibleFormat {
                    attribute: "bits stored",
                });
            }
            if format.high_bit >= format.bits_allocated || format.high_bit + 1 < format.bits_stored
            {
                return Err(DecodeError::ImpossibleFormat {
                    attribute: "high bit",
                });
            }
        }
        Self::new(format, sample_type, limits)
    }

    /// The shape of a frame whose code stream names `precision` bits a sample.
    ///
    /// A sample takes as many bytes as Bits Allocated says, or more if the stream's values need them.
    pub fn of_stream(
        format: &PixelFormat,
        precision: u8,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let bits = format.bits_allocated.max(u16::from(precision));
        let sample_type = match (bits, format.signed) {
            (..=8, false) => SampleType::U8,
            (..=8, true) => SampleType::I8,
            (9..=16, false) => SampleType::U16,
            (9..=16, true) => SampleType::I16,
            (_, false) => SampleType::U32,
            (_, true) => SampleType::I32,
        };
        Self::new(format, sample_type, limits)
    }

    fn new(
        format: &PixelFormat,
        sample_type: SampleType,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let &PixelFormat {
            rows,
            columns,
            samples_per_pixel,
            ..
        } = format;
        for (edge, attribute) in [(rows, "rows"), (columns, "columns")] {
            if edge == 0 {
                return Err(DecodeError::ImpossibleFormat { attribute });
            }
            check(u64::from(edge), u64::from(limits.edge), attribute)?;
        }
        let color =
            !format.photometric.is_grey() && format.photometric != Photometric::PaletteColor;
        if samples_per_pixel != if color { 3 } else { 1 } {
            return Err(DecodeError::ImpossibleFormat {
                attribute: "samples per pixel",
            });
        }
        // The input of a palette has 16 bits at most (C.7.6.3.1.5), and only grey values and indices have a sign.
        if format.photometric == Photometric::PaletteColor && sample_type.size_bytes() > 2 {
            return Err(DecodeError::ImpossibleFormat {
                attribute: "bits allocated",
            });
        }
        if color && sample_type.is_signed() {
            return Err(DecodeError::ImpossibleFormat {
                attribute: "pixel representation",
            });
        }
        let pixels = u64::from(rows) * u64::from(columns);
        let samples = pixels.saturating_mul(u64::from(samples_per_pixel));
        let bytes = samples.saturating_mul(sample_type.size_bytes() as u64);
        check(bytes, limits.frame_bytes as u64, "bytes")?;
        let fits = |count: u64| {
            usize::try_from(count).map_err(|_| DecodeError::TooLarge {
                needed: count,
                limit: usize::MAX as u64,
                unit: "bytes",
            })
        };
        Ok(Self {
            rows,
            columns,
            samples_per_pixel,
            sample_type,
            pixels: fits(pixels)?,
            samples: fits(samples)?,
            bytes: fits(bytes)?,
        })
    }

    /// Puts decoded samples into a frame of this shape.
    pub fn frame(self, bits_stored: u16, photometric: Photometric, data: Vec<u8>) -> Frame {
        debug_assert_eq!(data.len(), self.bytes);
        Frame {
            rows: self.rows,
            columns: self.columns,
            samples_per_pixel: self.samples_per_pixel,
            sample_type: self.sample_type,
            bits_stored,
            photometric,
            data,
        }
    }
}

/// Refuses what costs more than it may.
pub(super) fn check(needed: u64, limit: u64, unit: &'static str) -> Result<(), DecodeError> {
    if needed > limit {
        return Err(DecodeError::TooLarge {
            needed,
            limit,
            unit,
        });
    }
    Ok(())
}

/// Refuses a code stream whose rows, columns or components are not those of the attributes.
pub(super) fn check_same(
    codec: &'static str,
    format: &PixelFormat,
    rows: u32,
    columns: u32,
    components: u32,
) -> Result<(), DecodeError> {
    for (what, stream, header) in [
        ("rows", rows, format.rows),
        ("columns", columns, format.columns),
        (
            "components",
            components,
            u32::from(format.samples_per_pixel),
        ),
    ] {
        if stream != header {
            return Err(DecodeError::Mismatch {
                codec,
                what,
                stream,
                header,
            });
        }
    }
    Ok(())
}
