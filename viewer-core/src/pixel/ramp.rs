//! Modality and VOI in one step: from a stored value straight to display grey.
//!
//! Rescale and a window are both straight lines, so their product is one: a pivot (the stored value
//! that is just black), a scale and an offset, found in double precision. Under LINEAR and LINEAR_EXACT the
//! line is the grey, under SIGMOID the exponent, under a table the place in it. The stored value is taken
//! relative to the pivot *before* it becomes a float, in whole numbers where it is one. That leaves
//! nothing to cancel: a threshold in a 16-bit image is exact, and `shaders/voi.wgsl`, whose rounding is
//! not ours, stays within one grey of this file.
//! Source: DICOM PS3.3 C.11.1, C.11.2.1.2, C.11.2.1.3.

use super::grid::FRACTION_BITS;
use super::lut::Lut;
use super::{ModalityLut, SampleType, VoiLut};

/// Steepest rise: a window of width 1 is a threshold.
const STEEPEST: f64 = 1e20;

/// Largest offset; with [`STEEPEST`] all products stay finite in single precision.
const FARTHEST: f64 = 1e30;

/// Distance from a whole pivot, in pivot units, that is the rounding of the way to it.
const PIVOT_NOISE: f64 = 1e-4;

/// Taps of 32-bit and float frames are cut to this many windows around black before they are mixed, so
/// that a mix in single precision, which is all that shaders have, keeps enough digits for 256 greys.
pub const TAP_LIMIT: f64 = 4096.0;

/// How a renderer computes with a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// 8 or 16 bits: mixed exactly, as whole numbers.
    Narrow {
        /// The bit whose flip makes the order that of unsigned numbers; 0 for unsigned samples.
        sign_bit: u32,
    },
    /// 32-bit whole numbers: relative to the pivot, then mixed as floats.
    Wide {
        /// As of [`SampleKind::Narrow`].
        sign_bit: u32,
    },
    /// Floats; doubles are narrowed to single precision before.
    Float,
}

impl SampleKind {
    /// The kind of a sample type.
    pub fn of(sample_type: SampleType) -> Self {
        match sample_type {
            SampleType::U8 | SampleType::U16 => Self::Narrow { sign_bit: 0 },
            SampleType::I8 => Self::Narrow { sign_bit: 0x80 },
            SampleType::I16 => Self::Narrow { sign_bit: 0x8000 },
            SampleType::U32 => Self::Wide { sign_bit: 0 },
            SampleType::I32 => Self::Wide {
                sign_bit: 0x8000_0000,
            },
            SampleType::F32 | SampleType::F64 => Self::Float,
        }
    }

    /// The flipped bit; 0 for floats.
    pub fn sign_bit(self) -> u32 {
        match self {
            Self::Narrow { sign_bit } | Self::Wide { sign_bit } => sign_bit,
            Self::Float => 0,
        }
    }
}

/// A straight line from stored values to grey: `(stored - pivot) * scale + offset`, then cut to `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// The stored value that is just black. Narrow: ordered (sign bit flipped), with 16 fractional bits.
    /// Wide: ordered. Float: the bits of a single.
    pub pivot: u32,
    /// Grey a pivot unit.
    pub scale: f32,
    /// Grey at the pivot: what is lost by its rounding or by its cut to the range of stored values.
    pub offset: f32,
    /// Scale and offset in double precision, for the taps of 32-bit and float frames on the processor.
    exact: [f64; 2],
}

impl Ramp {
    /// The line of a modality LUT and a VOI LUT for samples of one kind.
    pub fn new(kind: SampleKind, modality: &ModalityLut, voi: &VoiLut) -> Self {
        let [slope, intercept] = match modality {
            ModalityLut::Rescale { slope, intercept } => [*slope, *intercept],
            ModalityLut::Table(_) => [1.0, 0.0],
        };
        let (black, rise) = match (modality, voi) {
            (ModalityLut::Table(lut), _) | (_, VoiLut::Table(lut)) => along(lut),
            (_, VoiLut::Linear(window)) => {
                let width = window.width.max(1.0);
                let black = window.center - 0.5 - (width - 1.0) / 2.0;
                (black, 1.0 / (width - 1.0))
            }
            (_, VoiLut::LinearExact(window)) => {
                let width = window.width.max(0.0);
                (window.center - width / 2.0, 1.0 / width)
            }
            (_, VoiLut::Sigmoid(window)) => (window.center, 4.0 / window.width.max(0.0)),
        };
        Self::line(kind, [slope, intercept], black, rise.min(STEEPEST))
    }

    /// `(slope * stored + intercept - black) * rise`.
    pub(super) fn line(
        kind: SampleKind,
        [slope, intercept]: [f64; 2],
        black: f64,
        rise: f64,
    ) -> Self {
        let scale = slope * rise;
        let foot = (black - intercept) / slope;
        if scale == 0.0 || !scale.is_finite() || !foot.is_finite() {
            return Self::flat((intercept - black) * rise);
        }
        match kind {
            SampleKind::Narrow { sign_bit } => {
                let one = f64::from(1_u32 << FRACTION_BITS);
                Self::around((foot + f64::from(sign_bit)) * one, scale / one)
            }
            SampleKind::Wide { sign_bit } => Self::around(foot + f64::from(sign_bit), scale),
            SampleKind::Float => Self::around_float(foot, scale),
        }
    }

    /// The same grey for every stored value.
    fn flat(grey: f64) -> Self {
        Self {
            pivot: 0,
            scale: 0.0,
            offset: narrow(grey, FARTHEST),
            exact: [0.0, limited(grey, FARTHEST)],
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cut to the range of u32 before"
    )]
    fn around(foot: f64, scale: f64) -> Self {
        let pivot = foot.round().clamp(0.0, f64::from(u32::MAX));
        let lost = pivot - foot;
        let offset = if lost.abs() < PIVOT_NOISE {
            0.0
        } else {
            lost * scale
        };
        Self {
            pivot: pivot as u32,
            scale: narrow(scale, STEEPEST),
            offset: narrow(offset, FARTHEST),
            exact: [limited(scale, STEEPEST), limited(offset, FARTHEST)],
        }
    }

    fn around_float(foot: f64, scale: f64) -> Self {
        let pivot = narrow(foot, f64::from(f32::MAX));
        let lost = f64::from(pivot) - foot;
        let offset = if lost.abs() <= foot.abs() * 1e-12 {
            0.0
        } else {
            lost * scale
        };
        Self {
            pivot: pivot.to_bits(),
            scale: narrow(scale, STEEPEST),
            offset: narrow(offset, FARTHEST),
            exact: [limited(scale, STEEPEST), limited(offset, FARTHEST)],
        }
    }

    /// Where on the line an ordered value with 16 fractional bits of an 8 or 16-bit frame lies.
    #[inline]
    pub fn at_narrow(&self, mixed: u32) -> f32 {
        self.distance(mixed) * self.scale + self.offset
    }

    /// Display grey of it, `0.0..=1.0`, where the line is the grey.
    #[inline]
    pub fn grey_of_narrow(&self, mixed: u32) -> f32 {
        self.at_narrow(mixed).clamp(0.0, 1.0)
    }

    /// Grey, not cut to `0..=1`, of the ordered value of one pixel of a 32-bit frame.
    #[inline]
    pub fn tap_of_wide(&self, ordered: u32) -> f64 {
        let [scale, offset] = self.exact;
        let distance = f64::from(ordered) - f64::from(self.pivot);
        (distance * scale + offset).clamp(-TAP_LIMIT, TAP_LIMIT)
    }

    /// Grey, not cut to `0..=1`, of one pixel of a float frame.
    #[inline]
    pub fn tap_of_float(&self, stored: f32) -> f64 {
        let [scale, offset] = self.exact;
        let distance = f64::from(stored) - f64::from(f32::from_bits(self.pivot));
        (distance * scale + offset).clamp(-TAP_LIMIT, TAP_LIMIT)
    }

    #[inline]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a distance of more than 24 bits is far from the edge of the window"
    )]
    fn distance(&self, value: u32) -> f32 {
        if value >= self.pivot {
            (value - self.pivot) as f32
        } else {
            -((self.pivot - value) as f32)
        }
    }
}

/// The line that is 0 at a table's first input and 1 at its last.
fn along(lut: &Lut) -> (f64, f64) {
    let [first, last] = lut.input_range();
    let length = last - first;
    (first, if length > 0.0 { 1.0 / length } else { 0.0 })
}

/// A double as a single within `-limit..=limit`; 0 where it is no number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to single precision is what it is for"
)]
fn narrow(number: f64, limit: f64) -> f32 {
    limited(number, limit) as f32
}

/// A number within `-limit..=limit`; 0 where it is none.
fn limited(number: f64, limit: f64) -> f64 {
    if number.is_nan() {
        0.0
    } else {
        number.clamp(-limit, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Window;
    use super::*;

    fn linear(center: f64, width: f64) -> VoiLut {
        VoiLut::Linear(Window { center, width })
    }

    fn rescale(slope: f64, intercept: f64) -> ModalityLut {
        ModalityLut::Rescale { slope, intercept }
    }

    fn grey(sample_type: SampleType, stored: i32, modality: &ModalityLut, voi: &VoiLut) -> f64 {
        let kind = SampleKind::of(sample_type);
        let ramp = Ramp::new(kind, modality, voi);
        let ordered = stored.wrapping_add(kind.sign_bit() as i32) as u32;
        match kind {
            SampleKind::Narrow { .. } => f64::from(ramp.grey_of_narrow(ordered << FRACTION_BITS)),
            SampleKind::Wide { .. } => ramp.tap_of_wide(ordered).clamp(0.0, 1.0),
            SampleKind::Float => ramp.tap_of_float(stored as f32).clamp(0.0, 1.0),
        }
    }

    /// C.11.2.1.2.1, note 2: "a Window Center of 2048 and a Window Width of 4096 would pass 0 to black and
    /// 4095 to white".
    #[test]
    fn a_full_window_of_12_bits_ends_at_0_and_4095() {
        for sample_type in [SampleType::U16, SampleType::I16, SampleType::U32] {
            let check = |stored, expected: f64| {
                let found = grey(
                    sample_type,
                    stored,
                    &ModalityLut::IDENTITY,
                    &linear(2048.0, 4096.0),
                );
                assert!((found - expected).abs() < 1e-6, "{stored}: {found}");
            };
            check(0, 0.0);
            check(4095, 1.0);
            check(819, 0.2);
        }
    }

    #[test]
    fn a_window_of_width_one_is_a_threshold_in_every_type() {
        for sample_type in [
            SampleType::I16,
            SampleType::I32,
            SampleType::F32,
            SampleType::F64,
        ] {
            for modality in [rescale(1.0, 0.0), rescale(0.5, -24.0), rescale(0.1, 30.0)] {
                let ModalityLut::Rescale { slope, intercept } = modality else {
                    unreachable!("made above");
                };
                // The threshold lies on the stored value 100.
                let center = slope * 100.0 + intercept + 0.5;
                let voi = linear(center, 1.0);
                assert_eq!(grey(sample_type, 99, &modality, &voi), 0.0);
                assert_eq!(grey(sample_type, 100, &modality, &voi), 0.0);
                assert_eq!(grey(sample_type, 101, &modality, &voi), 1.0);
                assert_eq!(grey(sample_type, -3000, &modality, &voi), 0.0);
            }
        }
    }

    #[test]
    fn a_negative_slope_turns_the_ramp_around() {
        let modality = rescale(-1.0, 4095.0);
        let voi = linear(2048.0, 4096.0);
        assert_eq!(grey(SampleType::U16, 4095, &modality, &voi), 0.0);
        assert_eq!(grey(SampleType::U16, 0, &modality, &voi), 1.0);
    }

    #[test]
    fn a_window_far_from_all_values_is_black_or_white() {
        for sample_type in [SampleType::U8, SampleType::I16, SampleType::I32] {
            for stored in [-100, 0, 100] {
                let identity = ModalityLut::IDENTITY;
                let high = linear(1e12, 400.0);
                let low = linear(-1e12, 400.0);
                assert_eq!(grey(sample_type, stored, &identity, &high), 0.0);
                assert_eq!(grey(sample_type, stored, &identity, &low), 1.0);
            }
        }
    }

    #[test]
    fn a_slope_of_zero_has_one_grey() {
        let modality = rescale(0.0, 127.5);
        assert_eq!(
            grey(SampleType::U16, 900, &modality, &linear(128.0, 256.0)),
            0.5
        );
    }
}
