//! Radiographs: the anatomy seen from the front through its whole depth, and the DX objects about them.
//!
//! Source: PS3.3 A.26 and C.8.11 (DX image).

use crate::PhantomError;
use crate::ct::{Anatomy, Grid};
use crate::dicom::{Dataset, Encoding, Pixels, Place, Plane, Samples};
use crate::filter::{blur, correlated_noise, shrink_blur};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use glam::DVec3;
use std::sync::Arc;

/// Digital X-Ray Image Storage - For Presentation.
pub(crate) const DX_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.1.1";
/// Radiographs show people this much larger than the trunk of the CT studies.
const BODY_SCALE: f64 = 1.16;
/// Distance between samples along the beam, in mm.
const DEPTH_STEP_MM: f64 = 3.0;

/// A coronal picture: x from left to right, z from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frontal {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// Distance between columns and between rows, in mm.
    pub(crate) spacing_mm: f64,
    /// Level of the first row, in mm.
    pub(crate) top_mm: f64,
}

/// Water-equivalent depth of the body at each pixel, in mm; `bone` weighs what is denser than soft tissue.
pub(crate) fn project(anatomy: &Anatomy, frontal: &Frontal, bone: f32) -> Vec<f32> {
    let depth_rows = (250.0 / DEPTH_STEP_MM) as usize;
    let left = -(frontal.columns as f64 - 1.0) * 0.5 * frontal.spacing_mm;
    let mut picture = Vec::with_capacity(frontal.columns * frontal.rows);
    for row in 0..frontal.rows {
        let z = frontal.top_mm - row as f64 * frontal.spacing_mm;
        let grid = Grid {
            columns: frontal.columns,
            rows: depth_rows,
            first_mm: DVec3::new(left, -138.0, z),
            column_spacing_mm: frontal.spacing_mm,
            row_spacing_mm: DEPTH_STEP_MM,
        };
        let slice = anatomy.slice(&grid);
        let mut line = vec![0.0_f32; frontal.columns];
        for depth in slice.chunks(frontal.columns) {
            for (sum, hu) in line.iter_mut().zip(depth) {
                let dense = (hu - 130.0).max(0.0) * bone;
                *sum += (1000.0 + hu + dense).max(0.0) * 0.001 * DEPTH_STEP_MM as f32;
            }
        }
        picture.extend(line);
    }
    picture
}

/// A chest radiograph from behind (PA), MONOCHROME1 of 14 bits.
#[derive(Debug, Clone)]
pub(crate) struct ChestRadiograph {
    pub(crate) place: Place,
    pub(crate) anatomy: Arc<Anatomy>,
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    pub(crate) spacing_mm: f64,
    /// How many pixels share one computed ray, in each direction.
    pub(crate) coarse: usize,
}

impl ChestRadiograph {
    /// The file of the radiograph.
    pub(crate) fn file(&self, encoding: Encoding) -> Result<Vec<u8>, PhantomError> {
        let (columns, rows) = (usize::from(self.columns), usize::from(self.rows));
        let frontal = Frontal {
            columns: columns / self.coarse + 2,
            rows: rows / self.coarse + 2,
            spacing_mm: self.spacing_mm * self.coarse as f64 / BODY_SCALE,
            top_mm: 268.0,
        };
        let depth = project(&self.anatomy, &frontal, 1.1);
        let mut picture = enlarge(&depth, &frontal, columns, rows, self.coarse);
        compress(
            &mut picture,
            columns,
            0.60,
            (26.0 / self.spacing_mm) as usize,
        );
        let noise = correlated_noise(
            picture.len(),
            columns,
            0.7,
            crate::random::hash(self.place.seed, self.place.study.accession),
        );
        let [thin, dense] = extremes(&picture);
        let gain = 12_600.0 / (dense - thin);
        let tone = |mm: f32, noise: f32| stored(14_300.0 - (mm - thin) * gain + noise * 110.0);
        let mut words: Vec<u16> = picture
            .iter()
            .zip(noise)
            .map(|(mm, noise)| tone(*mm, noise))
            .collect();
        // The lead letter of the patient's right side, which is on the left of the picture.
        let mark = Mark {
            left: columns / 14,
            top: rows / 12,
            scale: columns / 130,
        };
        letter_r(&mut words, columns, &mark, 0);
        let pixels = grey(words, self.rows, self.columns, "MONOCHROME1", 14);
        let mut set = self.place.dataset(DX_IMAGE, 1, "ORIGINAL\\PRIMARY\\");
        describe(
            &mut set,
            &Exposure {
                spacing_mm: self.spacing_mm,
                kvp: "120",
                window: [8600.0, 12_400.0],
                inverse: true,
            },
        );
        set.text(tags::PATIENT_ORIENTATION, VR::CS, "L\\F");
        set.text(tags::IMAGE_LATERALITY, VR::CS, "U");
        set.text(tags::VIEW_POSITION, VR::CS, "PA");
        set.code(tags::ANATOMIC_REGION_SEQUENCE, ["51185008", "SCT", "Chest"]);
        set.code(
            tags::VIEW_CODE_SEQUENCE,
            ["272479007", "SCT", "postero-anterior"],
        );
        set.into_file(&pixels, encoding)
    }
}

/// A coronal localizer of a CT study, looking from the front.
pub(crate) fn localizer(
    place: &Place,
    anatomy: &Anatomy,
    encoding: Encoding,
) -> Result<Vec<u8>, PhantomError> {
    let frontal = Frontal {
        columns: 400,
        rows: 512,
        spacing_mm: 1.0,
        top_mm: 262.0,
    };
    let mut picture = project(anatomy, &frontal, 0.9);
    compress(&mut picture, frontal.columns, 0.35, 24);
    let noise = correlated_noise(picture.len(), frontal.columns, 0.6, place.seed);
    let words = picture
        .iter()
        .zip(noise)
        .map(|(mm, noise)| stored(24.0 + mm * 6.2 + noise * 7.0))
        .collect();
    let pixels = grey(words, 512, 400, "MONOCHROME2", 12);
    let mut set = place.dataset(crate::scan::CT_IMAGE, 1, "ORIGINAL\\PRIMARY\\LOCALIZER");
    let half = (frontal.columns as f64 - 1.0) * 0.5 * frontal.spacing_mm;
    place.plane(
        &mut set,
        &Plane {
            position_mm: [-half, 0.0, frontal.top_mm],
            orientation: [1.0, 0.0, 0.0, 0.0, 0.0, -1.0],
            row_spacing_mm: frontal.spacing_mm,
            column_spacing_mm: frontal.spacing_mm,
            thickness_mm: 1.0,
        },
    );
    crate::scan::technique(&mut set);
    set.decimals(tags::WINDOW_CENTER, &[20.0]);
    set.decimals(tags::WINDOW_WIDTH, &[780.0]);
    set.into_file(&pixels, encoding)
}

/// What a DX image's header says about the exposure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exposure<'a> {
    pub(crate) spacing_mm: f64,
    pub(crate) kvp: &'a str,
    /// Centre and width.
    pub(crate) window: [f64; 2],
    /// Whether the photometric interpretation is MONOCHROME1.
    pub(crate) inverse: bool,
}

/// Adds the DX modules that do not depend on the body part.
pub(crate) fn describe(set: &mut Dataset, exposure: &Exposure) {
    set.text(tags::PRESENTATION_INTENT_TYPE, VR::CS, "FOR PRESENTATION");
    set.text(tags::PIXEL_INTENSITY_RELATIONSHIP, VR::CS, "LOG");
    // Inverse pictures grow with the X-rays that arrive, plain ones shrink (PS3.3 C.8.11.3.1.2).
    let sign = if exposure.inverse { 1_i16 } else { -1 };
    set.value(
        tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN,
        VR::SS,
        dicom_core::PrimitiveValue::from(sign),
    );
    set.text(tags::RESCALE_INTERCEPT, VR::DS, "0");
    set.text(tags::RESCALE_SLOPE, VR::DS, "1");
    set.text(tags::RESCALE_TYPE, VR::LO, "US");
    set.text(
        tags::PRESENTATION_LUT_SHAPE,
        VR::CS,
        if exposure.inverse {
            "INVERSE"
        } else {
            "IDENTITY"
        },
    );
    set.text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00");
    set.decimals(tags::WINDOW_CENTER, &exposure.window[..1]);
    set.decimals(tags::WINDOW_WIDTH, &exposure.window[1..]);
    set.text(tags::POSITIONER_TYPE, VR::CS, "NONE");
    set.text(tags::DETECTOR_TYPE, VR::CS, "DIRECT");
    set.decimals(
        tags::IMAGER_PIXEL_SPACING,
        &[exposure.spacing_mm, exposure.spacing_mm],
    );
    set.decimals(
        tags::PIXEL_SPACING,
        &[exposure.spacing_mm, exposure.spacing_mm],
    );
    set.text(tags::KVP, VR::DS, exposure.kvp);
    set.sequence(tags::ACQUISITION_CONTEXT_SEQUENCE, Vec::new());
    set.text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
}

/// Grey pixels of 16 bits allocated.
pub(crate) fn grey(
    words: Vec<u16>,
    rows: u16,
    columns: u16,
    photometric: &'static str,
    bits_stored: u16,
) -> Pixels {
    Pixels {
        photometric,
        rows,
        columns,
        samples_per_pixel: 1,
        bits_stored,
        signed: false,
        frames: 1,
        samples: Samples::Words(words),
    }
}

/// Holds a value within 14 bits.
pub(crate) fn stored(value: f32) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held within 0..=16383"
    )]
    let word = value.round().clamp(0.0, 16_383.0) as u16;
    word
}

/// Cubic enlargement of a coarse picture by a whole factor.
fn enlarge(
    coarse: &[f32],
    frontal: &Frontal,
    columns: usize,
    rows: usize,
    factor: usize,
) -> Vec<f32> {
    let weights: Vec<[f32; 4]> = (0..factor)
        .map(|k| {
            let t = k as f32 / factor as f32;
            let (t2, t3) = (t * t, t * t * t);
            [
                -0.5 * t + t2 - 0.5 * t3,
                1.0 - 2.5 * t2 + 1.5 * t3,
                0.5 * t + 2.0 * t2 - 1.5 * t3,
                0.5 * t3 - 0.5 * t2,
            ]
        })
        .collect();
    let taps = |at: usize, last: usize| {
        [
            at.saturating_sub(1),
            at.min(last),
            (at + 1).min(last),
            (at + 2).min(last),
        ]
    };
    let mut wide = Vec::with_capacity(columns * frontal.rows);
    for line in coarse.chunks(frontal.columns) {
        for column in 0..columns {
            let from = taps(column / factor, frontal.columns - 1);
            let weight = weights[column % factor];
            wide.push((0..4).map(|k| line[from[k]] * weight[k]).sum::<f32>());
        }
    }
    let mut fine = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        let from = taps(row / factor, frontal.rows - 1);
        let weight = weights[row % factor];
        for column in 0..columns {
            fine.push(
                (0..4)
                    .map(|k| wide[from[k] * columns + column] * weight[k])
                    .sum::<f32>(),
            );
        }
    }
    fine
}

/// The depths that lungs and the densest parts reach: hundredths 4 and 99 of all places in the body.
fn extremes(picture: &[f32]) -> [f32; 2] {
    let mut inside: Vec<f32> = picture
        .iter()
        .copied()
        .filter(|mm| *mm > 40.0)
        .step_by(17)
        .collect();
    inside.sort_by(f32::total_cmp);
    let at = |share: f32| inside.get((share * inside.len() as f32) as usize).copied();
    [at(0.04).unwrap_or(40.0), at(0.99).unwrap_or(300.0)]
}

/// Takes part of the coarse brightness away, so that dense and thin regions show detail in one window.
pub(crate) fn compress(picture: &mut [f32], columns: usize, share: f32, reach: usize) {
    let coarse = shrink_blur(picture, columns, reach.max(4));
    let mean = coarse.iter().sum::<f32>() / coarse.len() as f32;
    for (value, coarse) in picture.iter_mut().zip(coarse) {
        // Air stays air.
        let inside = (*value / 12.0).min(1.0);
        *value -= share * (coarse - mean) * inside;
    }
    blur(picture, columns, 0.6);
}

/// Where a letter goes, and how many pixels make one of its dots.
pub(crate) struct Mark {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) scale: usize,
}

/// Draws the lead letter R.
pub(crate) fn letter_r(words: &mut [u16], columns: usize, mark: &Mark, value: u16) {
    letter(
        words,
        columns,
        mark,
        value,
        [
            0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001,
        ],
    );
}

/// Draws the lead letter L.
pub(crate) fn letter_l(words: &mut [u16], columns: usize, mark: &Mark, value: u16) {
    letter(
        words,
        columns,
        mark,
        value,
        [
            0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111,
        ],
    );
}

fn letter(words: &mut [u16], columns: usize, mark: &Mark, value: u16, dots: [u8; 7]) {
    let scale = mark.scale.max(1);
    for row in 0..7 * scale {
        for column in 0..5 * scale {
            if dots[row / scale] >> (4 - column / scale) & 1 == 1
                && let Some(word) = words.get_mut((mark.top + row) * columns + mark.left + column)
            {
                *word = value;
            }
        }
    }
}
