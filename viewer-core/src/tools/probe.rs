//! The value under a point: from the decoded frame, never from a texture.

use crate::model::Instance;
use serde::{Deserialize, Serialize};

/// What stands at one pixel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Place in the patient, mm in LPS; `None` without geometry.
    pub patient_mm: Option<[f64; 3]>,
    /// Column of the pixel, from 0.
    pub column: u32,
    /// Row of the pixel, from 0.
    pub row: u32,
    /// Stored values, one a sample.
    pub stored: Vec<f64>,
    /// Modality value of grey images; `None` for colour and padding.
    pub value: Option<f64>,
    /// Unit of the value, `""` when unknown.
    pub unit: String,
}

/// Reads the pixel whose centre is nearest to `(column, row)`; `None` outside the image.
///
/// `sample(column, row, sample)` reads a stored value of the decoded frame.
pub fn probe(
    instance: &Instance,
    frame_index: u32,
    column: f64,
    row: f64,
    sample: impl Fn(u32, u32, u16) -> Option<f64>,
) -> Option<Probe> {
    let format = instance.format.as_ref().ok()?;
    let inside = |at: f64, count: u32| {
        let nearest = (at + 0.5).floor();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range is checked in the same expression"
        )]
        (nearest >= 0.0 && nearest < f64::from(count)).then_some(nearest as u32)
    };
    let (x, y) = (inside(column, format.columns)?, inside(row, format.rows)?);
    let attributes = instance.frame(frame_index);
    let stored: Option<Vec<f64>> = (0..format.samples_per_pixel)
        .map(|index| sample(x, y, index))
        .collect();
    let stored = stored?;
    let value = match stored.as_slice() {
        [only] if format.photometric.is_grey() => {
            let is_padding = instance.padding.is_some_and(|range| range.contains(*only));
            (!is_padding).then(|| attributes.modality.apply(*only))
        }
        _ => None,
    };
    Some(Probe {
        patient_mm: attributes
            .plane()
            .map(|plane| plane.patient_from_pixel(column, row).to_array()),
        column: x,
        row: y,
        stored,
        value,
        unit: attributes.unit.clone(),
    })
}
