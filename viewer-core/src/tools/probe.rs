//! The value under a point: from the decoded frame, never from a texture.

use crate::model::{Instance, region_at};
use crate::pixel::ModalityLut;
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
    /// Modality value of grey images, of PET the standardized uptake value where that is known; `None` for colour and padding.
    pub value: Option<f64>,
    /// Unit of the value, `""` when unknown.
    pub unit: String,
    /// Real world values with their units, where the file maps some and they are not `value`; of PET the concentration.
    pub real_world: Vec<(f64, String)>,
    /// What the ultrasound region below the point measures.
    pub region: Option<ProbeRegion>,
}

/// A point on the scales of an ultrasound region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeRegion {
    /// What the region is, in words.
    pub name: String,
    /// Values along x and y.
    pub values: [f64; 2],
    /// Their units, `""` where there is none.
    pub units: [String; 2],
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
    let grey = &attributes.grey;
    let is_image = |stored: f64| {
        let is_padding = instance.padding.is_some_and(|range| range.contains(stored));
        format.photometric.is_grey()
            && !is_padding
            && grey.awaited().next().is_none_or(|(_, first)| !first)
    };
    let only = match stored.as_slice() {
        [only] if is_image(*only) => Some(*only),
        _ => None,
    };
    let mut value = only.map(|stored| grey.modality.apply(stored));
    let mut unit = grey.unit.clone();
    let mut real_world: Vec<(f64, String)> = (grey.real_world.iter())
        .filter_map(|map| Some((map.apply(only?)?, map.unit.clone())))
        .collect();
    // An image that rescales nothing says its values by the map alone.
    if unit.is_empty() && grey.modality == ModalityLut::IDENTITY && !real_world.is_empty() {
        let (mapped, its_unit) = real_world.remove(0);
        (value, unit) = (Some(mapped), its_unit);
    }
    // Uptake is what PET is read by; the concentration stands beside it.
    if let (Some(activity), Some((kind, factor))) = (value, instance.uptake()) {
        if factor.to_bits() != 1.0_f64.to_bits() {
            real_world.insert(0, (activity, unit));
        }
        (value, unit) = (Some(activity * factor), kind.unit().to_owned());
    }
    let region = region_at(&instance.regions, column, row).map(|region| {
        let at = region.value_at(column, row);
        ProbeRegion {
            name: region.name().to_owned(),
            values: [at.x, at.y],
            units: at.units.map(|unit| unit.symbol().to_owned()),
        }
    });
    Some(Probe {
        patient_mm: attributes
            .plane()
            .map(|plane| plane.patient_from_pixel(column, row).to_array()),
        column: x,
        row: y,
        stored,
        value,
        unit,
        real_world,
        region,
    })
}
