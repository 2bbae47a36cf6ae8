//! Colour frames as 8-bit RGB.
//!
//! Source: DICOM PS3.3 C.7.6.3.1.2 (YBR_FULL, YBR_PARTIAL_420), inverted.

use super::format::sample_at;
use super::palette::Palette;
use super::{Frame, Photometric, SampleType};

/// What the three samples of a colour pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum ColorModel {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Luma and chroma over the whole range.
    YbrFull,
    /// Luma in 16..=235, chroma in 16..=240.
    YbrPartial,
    /// Red, green, blue of Display P3, where the others are sRGB: made from a file's ICC profile.
    DisplayP3,
}

impl ColorModel {
    /// The model of decoded samples; `None` for what is no colour of three samples.
    ///
    /// YBR_ICT and YBR_RCT exist only inside a code stream, whose decoder undoes them: samples that still
    /// have the label were decoded by a server that left it as it was.
    pub fn of(photometric: Photometric) -> Option<Self> {
        Some(match photometric {
            Photometric::Rgb | Photometric::YbrIct | Photometric::YbrRct | Photometric::Xyb => {
                Self::Rgb
            }
            Photometric::YbrFull | Photometric::YbrFull422 => Self::YbrFull,
            Photometric::YbrPartial420 => Self::YbrPartial,
            Photometric::Monochrome1 | Photometric::Monochrome2 | Photometric::PaletteColor => {
                return None;
            }
        })
    }

    /// Red, green and blue of one pixel.
    #[inline]
    pub fn to_rgb(self, pixel: [u8; 3]) -> [u8; 3] {
        match self {
            Self::Rgb | Self::DisplayP3 => pixel,
            Self::YbrFull => ybr_full_to_rgb(pixel),
            Self::YbrPartial => ybr_partial_to_rgb(pixel),
        }
    }
}

/// A frame's pixels as interleaved 8-bit RGB: three samples a pixel, unsigned, of 8, 16 or 32 bits. `None`
/// for grey frames, palettes, and samples of another type.
pub fn to_rgb8(frame: &Frame) -> Option<Vec<u8>> {
    let model = ColorModel::of(frame.photometric)?;
    let mut samples = to_samples8(frame)?;
    for pixel in samples.as_chunks_mut::<3>().0 {
        *pixel = model.to_rgb(*pixel);
    }
    Some(samples)
}

/// The colours of a frame of palette indices, as interleaved 8-bit RGB; `None` for other frames.
pub fn palette_to_rgb8(frame: &Frame, palette: &Palette) -> Option<Vec<u8>> {
    if frame.samples_per_pixel != 1 || frame.sample_type.size_bytes() > 2 {
        return None;
    }
    let data = frame.data.get(..frame.expected_bytes())?;
    let count = data.len() / frame.sample_type.size_bytes();
    let colors = (0..count).flat_map(|index| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number of 16 bits at most"
        )]
        let stored = sample_at(data, frame.sample_type, index).unwrap_or(0.0) as i64;
        palette.color(stored).unwrap_or_default()
    });
    Some(colors.collect())
}

/// A colour frame's samples with 8 bits each, whatever they mean.
pub fn to_samples8(frame: &Frame) -> Option<Vec<u8>> {
    if frame.samples_per_pixel != 3 || frame.data.len() < frame.expected_bytes() {
        return None;
    }
    let data = &frame.data[..frame.expected_bytes()];
    match frame.sample_type {
        SampleType::U8 if frame.bits_stored >= 8 => Some(data.to_vec()),
        SampleType::U8 | SampleType::U16 | SampleType::U32 => Some(narrowed(frame, data)),
        _ => None,
    }
}

/// One pixel of YBR_FULL, `[Y, CB, CR]`, as `[R, G, B]`.
///
/// `R = Y + 1.402 CR`, `G = Y - (0.202008 CB + 0.419198 CR) / 0.587`, `B = Y + 1.772 CB`, with chroma less 128: the
/// standard's luma solved for the colours. The numbers are these in units of 2^-20, and halves that make the
/// rounding that of the formula for all inputs; a half goes up.
pub fn ybr_full_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    [
        byte(y + ((1_470_104 * cr + 0x8_0000) >> 20)),
        byte(y + ((0x8_0006 - 360_853 * cb - 748_826 * cr) >> 20)),
        byte(y + ((1_858_077 * cb + 0x8_0029) >> 20)),
    ]
}

/// One pixel of YBR_PARTIAL: luma is 16..=235, chroma 16..=240. The same colours, with luma stretched by 255 / 219
/// and chroma by 255 / 224, as exact fractions.
pub fn ybr_partial_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let luma = (i32::from(y) - 16) * 85;
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    [
        partial(luma, 35_751 * cr, 22_400),
        partial(luma, -5_151_204 * cb - 10_689_549 * cr, 13_148_800),
        partial(luma, 22_593 * cb, 11_200),
    ]
}

/// `luma / 73 + chroma / unit`, rounded and cut to a byte; a half goes up.
fn partial(luma: i32, chroma: i32, unit: i32) -> u8 {
    let whole = luma.div_euclid(73) + chroma.div_euclid(unit);
    // In units of 1 / (73 * unit), less than two: below 2^31.
    let one = 73 * unit;
    let rest = luma.rem_euclid(73) * unit + chroma.rem_euclid(unit) * 73;
    let up = i32::from(rest >= one / 2) + i32::from(rest >= one + one / 2);
    byte(whole + up)
}

fn byte(level: i32) -> u8 {
    u8::try_from(level.clamp(0, 255)).unwrap_or(u8::MAX)
}

/// Samples as 8-bit ones: the full scale of Bits Stored stays the full scale.
fn narrowed(frame: &Frame, data: &[u8]) -> Vec<u8> {
    let size = frame.sample_type.size_bytes();
    let largest = (1_u64 << frame.bits_stored.clamp(1, 32)) - 1;
    data.chunks_exact(size)
        .map(|sample| {
            let value = (sample.iter().rev()).fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
            let value = value.min(largest);
            u8::try_from((value * 255 + largest / 2) / largest).unwrap_or(u8::MAX)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C.7.6.3.1.2: Y = .299 R + .587 G + .114 B; CB = -.1687 R - .3313 G + .5 B + 128;
    /// CR = .5 R - .4187 G - .0813 B + 128.
    #[test]
    fn ybr_full_is_the_inverse_of_the_standards_formula() {
        for rgb in [
            [0, 0, 0],
            [255, 255, 255],
            [255, 0, 0],
            [0, 255, 0],
            [0, 0, 255],
            [10, 200, 90],
        ] {
            let [r, g, b] = rgb.map(f64::from);
            let ybr = [
                0.299 * r + 0.587 * g + 0.114 * b,
                -0.1687 * r - 0.3313 * g + 0.5 * b + 128.0,
                0.5 * r - 0.4187 * g - 0.0813 * b + 128.0,
            ];
            let back = ybr_full_to_rgb(ybr.map(|sample| sample.round() as u8));
            for (found, expected) in back.iter().zip(rgb) {
                assert!(found.abs_diff(expected) <= 2, "{rgb:?} became {back:?}");
            }
        }
    }

    #[test]
    fn grey_stays_grey() {
        for y in 0..=255 {
            assert_eq!(ybr_full_to_rgb([y, 128, 128]), [y; 3]);
        }
        assert_eq!(ybr_partial_to_rgb([16, 128, 128]), [0; 3]);
        assert_eq!(ybr_partial_to_rgb([235, 128, 128]), [255; 3]);
    }

    fn frame(photometric: Photometric, sample_type: SampleType, data: Vec<u8>) -> Frame {
        Frame {
            rows: 1,
            columns: 1,
            samples_per_pixel: 3,
            sample_type,
            bits_stored: if sample_type == SampleType::U8 { 8 } else { 12 },
            photometric,
            data,
        }
    }

    #[test]
    fn twelve_bits_keep_their_full_scale() {
        let data = [4095_u16, 0, 2048]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let found = to_rgb8(&frame(Photometric::Rgb, SampleType::U16, data));
        assert_eq!(found, Some(vec![255, 0, 128]));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let palette = frame(Photometric::PaletteColor, SampleType::U8, vec![1, 2, 3]);
        assert_eq!(to_rgb8(&palette), None);
        let short = frame(Photometric::Rgb, SampleType::U8, vec![1, 2]);
        assert_eq!(to_rgb8(&short), None);
    }
}
