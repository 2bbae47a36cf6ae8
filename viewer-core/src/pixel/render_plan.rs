//! [`FrameParams`] as the numbers that both renderers compute with.
//!
//! Made once a drawing, on the processor; [`cpu_render`](super::cpu_render) loops over it, viewer-gpu copies
//! it into a uniform buffer. So the two can differ in their arithmetic only.

use super::grid::CanvasGrid;
use super::ramp::{Ramp, SampleKind};
use super::{FrameParams, ModalityLut, PaddingRange, Presentation, SampleType};

/// How one frame is drawn into one rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RenderPlan {
    /// Canvas pixels to pixels of the frame.
    pub grid: CanvasGrid,
    /// How a sample is computed with.
    pub kind: SampleKind,
    /// Stored values to grey.
    pub ramp: Ramp,
    /// First and last ordered value that is padding; none where the first is larger.
    pub padding: [u32; 2],
    /// Bilinear, else the nearest pixel.
    pub interpolate: bool,
    /// Bright is dark.
    pub inverse: bool,
}

/// Padding that no value is in.
const NO_PADDING: [u32; 2] = [1, 0];

impl RenderPlan {
    /// The plan for frames of this shape. Colour has no modality LUT and no padding; its VOI LUT is applied
    /// to each channel, and the window 128/256 changes nothing.
    pub fn new(samples_per_pixel: u16, sample_type: SampleType, params: &FrameParams) -> Self {
        let kind = SampleKind::of(sample_type);
        let is_grey = samples_per_pixel == 1;
        let modality = if is_grey {
            &params.modality
        } else {
            &ModalityLut::IDENTITY
        };
        let padding = match params.padding {
            Some(range) if is_grey => ordered_range(kind, sample_type, range),
            _ => NO_PADDING,
        };
        Self {
            grid: CanvasGrid::new(&params.pixel_from_canvas),
            kind,
            ramp: Ramp::new(kind, modality, &params.voi),
            padding,
            interpolate: params.interpolate,
            inverse: params.presentation == Presentation::Inverse,
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

    /// The grey on screen, `0..=255`, of a display grey `0.0..=1.0`.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0.5..=255.5, and cutting the fraction is the floor"
    )]
    pub fn level(&self, grey: f32) -> u8 {
        let p_value = if self.inverse { 1.0 - grey } else { grey };
        (p_value * 255.0 + 0.5) as i32 as u8
    }
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
