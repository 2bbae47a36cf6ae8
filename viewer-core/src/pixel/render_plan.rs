//! [`FrameParams`] as the numbers that both renderers compute with.
//!
//! Made once a drawing, on the processor; [`cpu_render`](super::cpu_render) loops over it, viewer-gpu copies
//! it into a uniform buffer. So the two can differ in their arithmetic only.

use super::color::ColorModel;
use super::grid::{CanvasGrid, FRACTION_BITS, ONE};
use super::icc::ScreenColors;
use super::ramp::{Ramp, SampleKind};
use super::shade_table::{Shade, ShadeTable};
use super::{FrameParams, ModalityLut, PaddingRange, SampleType};

/// What one pixel of a frame is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixelKind {
    /// 1 = grey or an index, 3 = colour of 8 bits.
    pub samples_per_pixel: u16,
    /// Number type of a sample.
    pub sample_type: SampleType,
    /// What three samples are.
    pub color: ColorModel,
}

impl PixelKind {
    /// Grey of a type.
    pub fn grey(sample_type: SampleType) -> Self {
        Self {
            samples_per_pixel: 1,
            sample_type,
            color: ColorModel::Rgb,
        }
    }

    /// True for three samples a pixel.
    pub fn is_color(self) -> bool {
        self.samples_per_pixel == 3
    }
}

/// How one frame is drawn into one rectangle.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderPlan {
    /// Canvas pixels to pixels of the frame.
    pub grid: CanvasGrid,
    /// How a sample is computed with.
    pub kind: SampleKind,
    /// Stored values to grey, or to a place in the table.
    pub ramp: Ramp,
    /// What the ramp is, and whether there is a table.
    pub shade: Shade,
    /// The table, where there is one.
    pub table: Option<ShadeTable>,
    /// What three samples are.
    pub color: ColorModel,
    /// First and last ordered value that is padding; none where the first is larger.
    pub padding: [u32; 2],
    /// Bilinear, else the nearest pixel.
    pub interpolate: bool,
    /// Bright is dark.
    pub inverse: bool,
    /// Its colours are of sRGB and become those of Display P3 last.
    pub widens: bool,
}

/// Padding that no value is in.
const NO_PADDING: [u32; 2] = [1, 0];

impl RenderPlan {
    /// The plan for frames of this kind. Colour has no modality LUT and no padding; its VOI LUT is applied
    /// to each channel, and [`VoiLut::COLOR`](super::VoiLut::COLOR) changes nothing.
    pub fn new(pixels: PixelKind, params: &FrameParams) -> Self {
        let (table, ramp) = if pixels.is_color() {
            let kind = SampleKind::of(pixels.sample_type);
            (None, Ramp::new(kind, &ModalityLut::IDENTITY, &params.voi))
        } else {
            ShadeTable::new(pixels, params)
        };
        Self::with_table(pixels, params, table, ramp)
    }

    /// The plan with a table and ramp that were made before, by [`ShadeTable::new`].
    pub fn with_table(
        pixels: PixelKind,
        params: &FrameParams,
        table: Option<ShadeTable>,
        ramp: Ramp,
    ) -> Self {
        let kind = SampleKind::of(pixels.sample_type);
        let shade = Shade::of(pixels, params);
        let has_padding = !pixels.is_color() && shade != Shade::Colors;
        let padding = match params.padding {
            Some(range) if has_padding => ordered_range(kind, pixels.sample_type, range),
            _ => NO_PADDING,
        };
        Self {
            grid: CanvasGrid::new(&params.pixel_from_canvas),
            kind,
            ramp,
            shade,
            table,
            color: pixels.color,
            padding,
            interpolate: params.interpolate,
            inverse: params.presentation.is_inverse(),
            widens: params.target == ScreenColors::DisplayP3
                && pixels.color != ColorModel::DisplayP3
                && (pixels.is_color() || shade == Shade::Colors),
        }
    }

    /// True where some value is padding.
    pub fn has_padding(&self) -> bool {
        self.padding[0] <= self.padding[1]
    }

    /// True where an ordered value is padding.
    #[inline]
    pub fn is_padding(&self, ordered: u32) -> bool {
        self.padding[0] <= ordered && ordered <= self.padding[1]
    }

    /// Display grey, `0.0..=1.0`, of an ordered value with 16 fractional bits of an 8 or 16-bit frame.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "16 bits fit a single")]
    pub fn grey_of_narrow(&self, mixed: u32) -> f32 {
        match (&self.table, self.shade) {
            (Some(table), Shade::Table) => {
                let part = (mixed & (ONE - 1)) as f32 / ONE as f32;
                table.grey(mixed >> FRACTION_BITS, part)
            }
            (_, Shade::Logistic) => logistic(self.ramp.at_narrow(mixed)),
            _ => self.ramp.grey_of_narrow(mixed),
        }
    }

    /// Display grey, `0.0..=1.0`, of mixed taps of a 32-bit or float frame.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a table of at most 65,536 words; grey is rounded to single precision"
    )]
    pub fn grey_of_taps(&self, mixed: f64) -> f32 {
        match (&self.table, self.shade) {
            (Some(table), Shade::Table) => {
                let place = mixed.clamp(0.0, 1.0) * f64::from(table.last());
                let whole = place.floor();
                table.grey(whole as u32, (place - whole) as f32)
            }
            (_, Shade::Logistic) => (1.0 / (1.0 + (-mixed).exp())) as f32,
            _ => mixed.clamp(0.0, 1.0) as f32,
        }
    }

    /// P-Value, `0.0..=1.0`, of a display grey.
    #[inline]
    pub fn p_value(&self, grey: f32) -> f32 {
        if self.inverse { 1.0 - grey } else { grey }
    }

    /// The grey on screen, `0..=255`, of a display grey `0.0..=1.0`.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0.5..=255.5, and cutting the fraction is the floor"
    )]
    pub fn level(&self, grey: f32) -> u8 {
        (self.p_value(grey) * 255.0 + 0.5) as i32 as u8
    }
}

/// SIGMOID of an exponent. Beyond 80 it is black or white in single precision.
#[inline]
fn logistic(exponent: f32) -> f32 {
    1.0 / (1.0 + (-exponent.clamp(-80.0, 80.0)).exp())
}

/// The bits of a single as a number with the order of the singles.
#[inline]
pub fn ordered_float(bits: u32) -> u32 {
    if bits & 0x8000_0000 == 0 {
        bits ^ 0x8000_0000
    } else {
        !bits
    }
}

/// True for the bits of an infinity or of no number: drawn as padding.
#[inline]
pub fn is_no_number(bits: u32) -> bool {
    bits & 0x7f80_0000 == 0x7f80_0000
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cut to the type's range before; doubles are narrowed like the samples"
)]
fn ordered_range(kind: SampleKind, sample_type: SampleType, range: PaddingRange) -> [u32; 2] {
    let PaddingRange { first, last } = range;
    if first.is_nan() || last.is_nan() {
        return NO_PADDING;
    }
    if kind == SampleKind::Float {
        // Zero has two signs: the range holds both.
        let low = if first == 0.0 { -0.0 } else { first as f32 };
        let high = if last == 0.0 { 0.0 } else { last as f32 };
        return [ordered_float(low.to_bits()), ordered_float(high.to_bits())];
    }
    let bias = f64::from(kind.sign_bit());
    let largest =
        (f64::from(u32::MAX) + 1.0) / (1_u64 << (32 - 8 * sample_type.size_bytes())) as f64;
    let low = (first + bias).ceil();
    let high = (last + bias).floor();
    if low > high || high < 0.0 || low >= largest {
        return NO_PADDING;
    }
    [low.max(0.0) as u32, high.min(largest - 1.0) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(sample_type: SampleType, first: f64, last: f64) -> [u32; 2] {
        ordered_range(
            SampleKind::of(sample_type),
            sample_type,
            PaddingRange::new(first, last),
        )
    }

    #[test]
    fn padding_is_ordered_like_the_samples() {
        assert_eq!(range(SampleType::U16, 63536.0, 63536.0), [63536, 63536]);
        assert_eq!(range(SampleType::I16, -2000.0, -1999.0), [30768, 30769]);
        assert_eq!(range(SampleType::I8, -128.0, -128.0), [0, 0]);
        assert_eq!(
            range(SampleType::I32, -1.0, 0.0),
            [0x7fff_ffff, 0x8000_0000]
        );
        assert_eq!(range(SampleType::U32, 0.0, 1e12), [0, u32::MAX]);
        assert_eq!(range(SampleType::U8, 300.0, 400.0), NO_PADDING);
        assert_eq!(range(SampleType::U8, 0.25, 0.75), NO_PADDING);
    }

    #[test]
    fn floats_keep_their_order_as_whole_numbers() {
        let numbers = [
            -1e30_f32, -2.0, -1.0, -1e-20, -0.0, 0.0, 1e-20, 1.0, 1.5, 1e30,
        ];
        let ordered = numbers.map(|number| ordered_float(number.to_bits()));
        assert!(ordered.is_sorted());
        let [low, high] = range(SampleType::F32, 0.0, 0.0);
        assert_eq!([low, high], [ordered[4], ordered[5]]);
    }
}
