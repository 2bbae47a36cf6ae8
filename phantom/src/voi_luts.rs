//! VOI LUTs of radiographs: the tone curves that a maker stores with a picture.
//!
//! Source: PS3.3 C.11.2 (VOI LUT Module).

use crate::dicom::Dataset;
use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;

/// A film-like tone curve: dark toe, steep middle, bright shoulder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tone {
    pub(crate) explanation: &'static str,
    /// First value mapped.
    pub(crate) first: u16,
    /// Number of entries.
    pub(crate) count: u16,
    /// Share of the entries at which the curve is at half.
    pub(crate) middle: f64,
    /// Steepness of the middle; 4 is soft, 10 is hard.
    pub(crate) contrast: f64,
}

impl Tone {
    /// The entries, of 12 bits: a logistic curve stretched to start at 0 and to end at 4095.
    fn entries(&self) -> Vec<u16> {
        let shape = |t: f64| 1.0 / (1.0 + (-self.contrast * (t - self.middle)).exp());
        let (low, high) = (shape(0.0), shape(1.0));
        let last = f64::from(self.count.max(2) - 1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 4095"
        )]
        let entry =
            |k: u16| ((shape(f64::from(k) / last) - low) / (high - low) * 4095.0).round() as u16;
        (0..self.count).map(entry).collect()
    }
}

/// Adds the VOI LUT Sequence, one item for each tone.
pub(crate) fn add_voi_luts(set: &mut Dataset, tones: &[Tone]) {
    let item = |tone: &Tone| {
        let mut item = Dataset::new();
        let descriptor = [tone.count, tone.first, 12];
        item.value(
            tags::LUT_DESCRIPTOR,
            VR::US,
            PrimitiveValue::U16(descriptor.into_iter().collect()),
        );
        item.text(tags::LUT_EXPLANATION, VR::LO, tone.explanation);
        item.value(
            tags::LUT_DATA,
            VR::OW,
            PrimitiveValue::U16(tone.entries().into()),
        );
        item
    };
    set.sequence(tags::VOILUT_SEQUENCE, tones.iter().map(item).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_rises_from_black_to_white_through_its_middle() {
        let tone = Tone {
            explanation: "",
            first: 0,
            count: 1001,
            middle: 0.5,
            contrast: 6.0,
        };
        let entries = tone.entries();
        assert_eq!([entries[0], entries[1000]], [0, 4095]);
        assert!(entries[500].abs_diff(2048) <= 1);
        assert!(entries.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
