//! Tables that a renderer looks stored values up in, where the way to grey or colour is no line.
//!
//! For 8 and 16-bit frames there is one word for every stored value that the type can hold, in their order, so
//! that the whole chain is exact at each of them; between two of them, where pixels are mixed, grey goes
//! straight. For 32-bit and float frames the table is the LUT itself, and the ramp says where in it a value
//! lies.

use super::render_plan::PixelKind;
use super::{FrameParams, ModalityLut, Presentation, Ramp, SampleKind, VoiLut};
use std::sync::Arc;

/// What a table's words are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadeTable(pub Arc<[u32]>);

/// How a stored value becomes what is on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shade {
    /// The ramp is the grey.
    Ramp,
    /// The ramp is the exponent of SIGMOID.
    Logistic,
    /// The table holds greys, as bits of singles.
    Table,
    /// The table holds colours, `0x00BBGGRR`; pixels are looked up before they are mixed.
    Colors,
}

impl Shade {
    /// The way of frames of one kind.
    pub fn of(pixels: PixelKind, params: &FrameParams) -> Self {
        let is_narrow = matches!(
            SampleKind::of(pixels.sample_type),
            SampleKind::Narrow { .. }
        );
        if pixels.samples_per_pixel != 1 {
            return Self::Ramp;
        }
        if params.palette.is_some() && is_narrow {
            return Self::Colors;
        }
        let has_table = matches!(params.modality, ModalityLut::Table(_))
            || matches!(params.voi, VoiLut::Table(_))
            || params.presentation.table().is_some();
        match params.voi {
            _ if has_table => Self::Table,
            VoiLut::Sigmoid(_) => Self::Logistic,
            _ => Self::Ramp,
        }
    }
}

/// Words for SIGMOID behind a presentation table, and the exponents that they span.
const SIGMOID_WORDS: u32 = 1 << 14;
const SIGMOID_SPAN: f64 = 32.0;

impl ShadeTable {
    /// The table of a frame, and the ramp to a place in it; without a table, the ramp alone.
    pub fn new(pixels: PixelKind, params: &FrameParams) -> (Option<Self>, Ramp) {
        let kind = SampleKind::of(pixels.sample_type);
        let ramp = || Ramp::new(kind, &params.modality, &params.voi);
        let entire = |word: &dyn Fn(f64) -> u32| {
            let count: u32 = 1 << (8 * pixels.sample_type.size_bytes().min(2));
            let sign = f64::from(kind.sign_bit());
            Self(
                (0..count)
                    .map(|ordered| word(f64::from(ordered) - sign))
                    .collect(),
            )
        };
        match (Shade::of(pixels, params), kind) {
            (Shade::Ramp | Shade::Logistic, _) => (None, ramp()),
            (Shade::Colors, _) => {
                let words = entire(&|stored| color_word(params, stored));
                (Some(words), color_ramp(params))
            }
            (Shade::Table, SampleKind::Narrow { .. }) => {
                let chain = |stored| {
                    let value = params.modality.apply(stored);
                    grey_word(&params.presentation, params.voi.apply(value))
                };
                (Some(entire(&chain)), ramp())
            }
            (Shade::Table, _) => along_lut(kind, params, ramp()),
        }
    }

    /// The grey at a whole place and a part of the way to the next, `0..ONE`.
    #[inline]
    pub(super) fn grey(&self, place: u32, part: f32) -> f32 {
        let last = self.0.len() - 1;
        let at = |index: usize| f32::from_bits(self.0.get(index.min(last)).copied().unwrap_or(0));
        let below = at(place as usize);
        below + (at(place as usize + 1) - below) * part
    }

    /// Number of words less one.
    pub fn last(&self) -> u32 {
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }
}

/// The table of 32-bit and float frames: the LUT nearest to the stored value, with all that comes after it.
fn along_lut(kind: SampleKind, params: &FrameParams, ramp: Ramp) -> (Option<ShadeTable>, Ramp) {
    let presentation = &params.presentation;
    let words: Arc<[u32]> = match (&params.modality, &params.voi) {
        (ModalityLut::Table(lut), voi) => lut
            .entries()
            .iter()
            .map(|entry| grey_word(presentation, voi.apply(f64::from(*entry))))
            .collect(),
        (_, VoiLut::Table(lut)) => lut
            .entries()
            .iter()
            .map(|entry| grey_word(presentation, f64::from(*entry) / lut.full_scale()))
            .collect(),
        (ModalityLut::Rescale { slope, intercept }, VoiLut::Sigmoid(window)) => {
            let width = window.width.max(f64::MIN_POSITIVE);
            let black = window.center - width * SIGMOID_SPAN / 8.0;
            let line = Ramp::line(
                kind,
                [*slope, *intercept],
                black,
                4.0 / (width * SIGMOID_SPAN),
            );
            let last = f64::from(SIGMOID_WORDS - 1);
            let words = (0..SIGMOID_WORDS).map(|place| {
                let exponent = (f64::from(place) / last - 0.5) * SIGMOID_SPAN;
                grey_word(presentation, 1.0 / (1.0 + (-exponent).exp()))
            });
            return (Some(ShadeTable(words.collect())), line);
        }
        _ => presentation.table().map_or_else(
            || Arc::from([0, 1.0_f32.to_bits()]),
            |lut| {
                let full_scale = lut.full_scale();
                let entries = lut.entries().iter();
                entries
                    .map(|entry| narrowed(f64::from(*entry) / full_scale))
                    .collect()
            },
        ),
    };
    (Some(ShadeTable(words)), ramp)
}

/// Bits of the P-Value of a display grey, before any inversion.
fn grey_word(presentation: &Presentation, grey: f64) -> u32 {
    let grey = match presentation.table() {
        Some(lut) => Presentation::Table(lut.clone()).apply(grey),
        None => grey,
    };
    narrowed(grey)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to single precision is what it is for"
)]
fn narrowed(grey: f64) -> u32 {
    (cut(grey) as f32).to_bits()
}

/// A grey within `0.0..=1.0`; what is no number is black.
fn cut(grey: f64) -> f64 {
    if grey.is_nan() {
        0.0
    } else {
        grey.clamp(0.0, 1.0)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "stored values of 8 or 16 bits; grey is 0..=1 after max and min"
)]
fn color_word(params: &FrameParams, stored: f64) -> u32 {
    let color = (params.palette.as_ref()).and_then(|palette| palette.color(stored as i64));
    let [red, green, blue] = color.unwrap_or_else(|| {
        let grey = params.voi.apply(params.modality.apply(stored));
        [(cut(grey) * 255.0 + 0.5) as u8; 3]
    });
    u32::from_le_bytes([red, green, blue, 0])
}

/// The ramp of mixed colours. A supplemental palette has put its window into the table.
fn color_ramp(params: &FrameParams) -> Ramp {
    let kind = SampleKind::Narrow { sign_bit: 0 };
    let is_supplemental = params.palette.as_ref().is_some_and(|p| p.is_supplemental());
    if is_supplemental {
        return Ramp::new(kind, &ModalityLut::IDENTITY, &VoiLut::COLOR);
    }
    Ramp::new(kind, &ModalityLut::IDENTITY, &params.voi)
}
