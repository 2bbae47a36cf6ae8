//! A mammogram: the flattened breast with fat, glands, pectoral muscle, a lump and calcifications.
//!
//! Source: PS3.3 A.27 and C.8.11.7 (mammography), C.7.5.1.1.2 (padding: the air about the breast).

use crate::PhantomError;
use crate::dicom::{Encoding, Place};
use crate::filter::{blur, correlated_noise};
use crate::noise::{Noise, smooth_step};
use crate::radiograph::{Exposure, Mark, describe, grey, letter_l, letter_r, stored};
use crate::random::Random;
use crate::voi_luts::{Tone, add_voi_luts};
use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use glam::{Vec2, Vec3};

/// Digital Mammography X-Ray Image Storage - For Presentation.
const MG_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.1.2";
const COLUMNS: u16 = 900;
const ROWS: u16 = 1150;
const SPACING_MM: f64 = 0.2;
/// Stored values up to this one are air.
const AIR_LIMIT: u16 = 60;

/// An MLO view of one side, MONOCHROME2 of 14 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mammogram {
    pub(crate) place: Place,
    /// The right breast, whose chest wall is on the right of the picture.
    pub(crate) right: bool,
}

impl Mammogram {
    /// The file of the mammogram.
    pub(crate) fn file(&self, encoding: Encoding) -> Result<Vec<u8>, PhantomError> {
        let side = if self.right { "R" } else { "L" };
        let seed = crate::random::hash(self.place.seed, &format!("mammogram/{side}"));
        let noise = Noise::new(seed);
        let spots = calcifications(seed);
        let (columns, rows) = (usize::from(COLUMNS), usize::from(ROWS));
        let mut picture = vec![0.0_f32; columns * rows];
        for (index, value) in picture.iter_mut().enumerate() {
            let column = index % columns;
            let x = if self.right {
                columns - 1 - column
            } else {
                column
            };
            let at = Vec2::new(x as f32, (index / columns) as f32) * SPACING_MM as f32;
            *value = density(at, &noise, &spots, self.right);
        }
        blur(&mut picture, columns, 0.8);
        let grain = correlated_noise(picture.len(), columns, 0.6, seed);
        let mut words: Vec<u16> = picture
            .iter()
            .zip(grain)
            .map(|(density, grain)| {
                let air = *density <= 0.002;
                let value = density * 12_000.0 + grain * if air { 6.0 } else { 45.0 };
                if air {
                    stored(value + 30.0).min(AIR_LIMIT)
                } else {
                    stored(value + 400.0).clamp(AIR_LIMIT + 1, 16_383)
                }
            })
            .collect();
        let mark = Mark {
            left: if self.right { 40 } else { columns - 90 },
            top: 60,
            scale: 9,
        };
        if self.right {
            letter_r(&mut words, columns, &mark, 15_000);
        } else {
            letter_l(&mut words, columns, &mark, 15_000);
        }
        let pixels = grey(words, ROWS, COLUMNS, "MONOCHROME2", 14);
        let number = if self.right { 1 } else { 2 };
        let mut set = self.place.dataset(MG_IMAGE, number, "ORIGINAL\\PRIMARY\\");
        describe(
            &mut set,
            &Exposure {
                spacing_mm: SPACING_MM,
                kvp: "29",
                window: [7000.0, 11_000.0],
                inverse: false,
            },
        );
        add_voi_luts(
            &mut set,
            &[
                Tone {
                    explanation: "NORMAL",
                    first: 400,
                    count: 14_000,
                    middle: 0.46,
                    contrast: 5.5,
                },
                Tone {
                    explanation: "HARDER",
                    first: 1500,
                    count: 11_000,
                    middle: 0.5,
                    contrast: 9.0,
                },
            ],
        );
        let padding = |value: u16| PrimitiveValue::from(value);
        set.value(tags::PIXEL_PADDING_VALUE, VR::US, padding(0));
        set.value(tags::PIXEL_PADDING_RANGE_LIMIT, VR::US, padding(AIR_LIMIT));
        let orientation = if self.right { "P\\FL" } else { "A\\FR" };
        set.text(tags::PATIENT_ORIENTATION, VR::CS, orientation);
        set.text(tags::IMAGE_LATERALITY, VR::CS, side);
        set.text(tags::VIEW_POSITION, VR::CS, "MLO");
        set.code(
            tags::ANATOMIC_REGION_SEQUENCE,
            ["76752008", "SCT", "Breast"],
        );
        set.text(tags::ORGAN_EXPOSED, VR::CS, "BREAST");
        set.code_unmodified(
            tags::VIEW_CODE_SEQUENCE,
            ["399368009", "SCT", "medio-lateral oblique"],
            tags::VIEW_MODIFIER_CODE_SEQUENCE,
        );
        set.into_file(&pixels, encoding)
    }
}

/// Places of a cluster of calcifications, in mm from the chest wall and from the top.
fn calcifications(seed: u64) -> Vec<Vec2> {
    let mut random = Random::named(seed, "calcifications");
    (0..14)
        .map(|_| Vec2::new(78.0, 128.0) + Vec2::new(random.normal(), random.normal()) * 3.2)
        .collect()
}

/// Attenuation at a place, 0.0 (air) to about 1.0; x grows from the chest wall to the nipple.
fn density(at: Vec2, noise: &Noise, spots: &[Vec2], lump: bool) -> f32 {
    let grain = |scale: f32, z: f32| noise.at(Vec3::new(at.x / scale, at.y / scale, z));
    // The outline: a bulging lower half, a long slope towards the armpit.
    let middle = 128.0;
    let height = if at.y < middle { 150.0 } else { 84.0 };
    let rise = 1.0 - ((at.y - middle) / height).powi(2);
    let reach = 128.0 * rise.max(0.0).powf(0.55) + 1.5 * grain(30.0, 0.2);
    let nipple = 5.0 * (-((at.y - middle - 4.0) / 5.0).powi(2)).exp();
    let depth = reach + nipple - at.x;
    if depth <= 0.0 {
        return 0.0;
    }
    // Flattened between two plates: full thickness but for the rounded rim.
    let thickness = 1.0 - (1.0 - (depth / 26.0).min(1.0)).powi(2);
    let skin = 0.10 * smooth_step(2.4, 0.8, depth);
    // Glands: a fan behind the nipple, cut by strands of fat.
    let fan = Vec2::new((at.x - 66.0) / 58.0, (at.y - 120.0) / 62.0).length();
    let lobes = 0.5 + 0.5 * grain(17.0, 1.3) + 0.35 * grain(8.0, 2.1) + 0.18 * grain(3.6, 4.4);
    let strands = 1.0 - 2.4 * (grain(11.0, 6.7) + 0.4 * grain(5.0, 9.0)).abs();
    let glands = smooth_step(1.15, 0.35, fan + 0.18 * grain(22.0, 3.0))
        * (0.20 + 0.30 * lobes.clamp(0.0, 1.4) + 0.12 * strands.max(0.0));
    // The pectoral muscle, a triangle down from the armpit.
    let edge = 54.0 - at.y * 0.40 - 0.0006 * at.y * at.y + 2.5 * grain(25.0, 17.0);
    let fibres = noise.at(Vec3::new((at.x + at.y * 0.45) / 3.0, at.y / 40.0, 19.0));
    let muscle = 0.24 * smooth_step(-4.0, 7.0, edge - at.x) * (1.0 + 0.16 * fibres);
    let strand = smooth_step(
        0.30,
        0.0,
        (grain(19.0, 12.0) + 0.5 * grain(7.0, 13.0)).abs(),
    );
    let tissue =
        0.25 + 0.05 * strand + 0.03 * grain(6.0, 21.0) + glands + muscle * (1.0 - 0.6 * glands);
    let mut value = thickness * tissue + skin;
    if lump {
        let away = (at - Vec2::new(58.0, 88.0)).length() + 2.6 * grain(3.4, 25.0);
        value += 0.17 * smooth_step(9.5, 3.0, away);
    }
    for spot in spots {
        value += 0.30 * smooth_step(0.65, 0.25, at.distance(*spot));
    }
    value
}
