//! An ultrasound cine in colour: a sector of speckle with kidney and liver, and blood flow in a box.
//!
//! Source: PS3.3 A.7 and C.8.5 (US Multi-frame Image, US Region Calibration).

use crate::PhantomError;
use crate::dicom::{Dataset, Encoding, Pixels, Place, Samples};
use crate::noise::{Noise, smooth_step};
use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use glam::{Vec2, Vec3};
use std::f32::consts::TAU;

/// Ultrasound Multi-frame Image Storage.
pub(crate) const US_MULTI_FRAME: &str = "1.2.840.10008.5.1.4.1.1.3.1";
/// Millimetres of one pixel.
const SPACING_MM: f64 = 0.45;

/// A cine of one region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cine {
    pub(crate) place: Place,
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    pub(crate) frames: usize,
    /// Whether a colour box shows flow.
    pub(crate) flow: bool,
}

impl Cine {
    /// The file of the cine.
    pub(crate) fn file(&self, encoding: Encoding) -> Result<Vec<u8>, PhantomError> {
        let noise = Noise::new(crate::random::hash(
            self.place.seed,
            self.place.study.accession,
        ));
        let mut bytes = Vec::new();
        for frame in 0..self.frames {
            self.frame(frame, &noise, &mut bytes);
        }
        let pixels = Pixels {
            photometric: "RGB",
            rows: self.rows,
            columns: self.columns,
            samples_per_pixel: 3,
            bits_stored: 8,
            signed: false,
            frames: self.frames,
            samples: Samples::Bytes(bytes),
        };
        let mut set = self
            .place
            .dataset(US_MULTI_FRAME, 1, "ORIGINAL\\PRIMARY\\ABDOMINAL\\0001");
        set.text(tags::PATIENT_ORIENTATION, VR::CS, "");
        set.text(tags::FRAME_TIME, VR::DS, "50");
        set.value(
            tags::FRAME_INCREMENT_POINTER,
            VR::AT,
            PrimitiveValue::from(tags::FRAME_TIME),
        );
        set.text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00");
        set.text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
        let corners = [0, 0, u32::from(self.columns) - 1, u32::from(self.rows) - 1];
        let region = calibrated_region(corners, [3, 3], [SPACING_MM / 10.0; 2]);
        set.sequence(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, vec![region]);
        set.into_file(&pixels, encoding)
    }

    /// Appends one frame, red, green, blue of each pixel.
    pub(crate) fn frame(&self, frame: usize, noise: &Noise, bytes: &mut Vec<u8>) {
        let phase = frame as f32 / self.frames as f32 * TAU;
        let apex = Vec2::new(f32::from(self.columns) * 0.5, -36.0);
        let reach = f32::from(self.rows) + 30.0;
        for row in 0..self.rows {
            for column in 0..self.columns {
                let from = Vec2::new(f32::from(column), f32::from(row)) - apex;
                let (distance, angle) = (from.length(), from.x.atan2(from.y));
                let inside = smooth_step(0.62, 0.612, angle.abs())
                    * smooth_step(46.0, 47.5, distance)
                    * smooth_step(reach, reach - 1.5, distance);
                if inside <= 0.0 {
                    bytes.extend([0, 0, 0]);
                    continue;
                }
                let rgb = self.tissue(distance, angle, phase, noise);
                bytes.extend(rgb.map(|value| byte(value * inside)));
            }
        }
    }

    /// Colour at a place of the sector, which breath moves to and fro.
    fn tissue(&self, distance: f32, angle: f32, phase: f32, noise: &Noise) -> [f32; 3] {
        let depth = distance - 46.0 + 5.0 * phase.sin();
        let across = angle * 210.0 + 2.0 * phase.sin();
        let p = Vec3::new(across, depth, 0.0);
        let scale = f32::from(self.rows) / 288.0;
        let at = |x: f32, y: f32, a: f32, b: f32| {
            Vec2::new((across - x) / a, (depth / scale - y) / b).length()
        };
        let mut echo = 0.44 + 0.06 * noise.at(p / 30.0);
        // Layers of the belly's wall.
        let wall = smooth_step(34.0, 26.0, depth / scale);
        let sheet = 0.35 + 0.30 * (depth / scale * 0.62 + 0.9 * noise.at(p / 40.0)).sin();
        echo += (sheet - echo) * wall;
        let kidney = at(32.0, 128.0, 62.0, 36.0) + 0.03 * noise.at(p / 31.0);
        let cortex = smooth_step(1.03, 0.97, kidney);
        echo += (0.26 - echo) * cortex;
        let rim = smooth_step(0.05, 0.0, (kidney - 1.03).abs());
        echo += 0.34 * rim;
        let pyramids = smooth_step(0.25, 0.5, noise.at(p / 15.0))
            * smooth_step(0.92, 0.82, kidney)
            * smooth_step(0.45, 0.55, kidney);
        echo -= 0.12 * pyramids;
        let sinus = smooth_step(
            0.52,
            0.40,
            at(32.0, 128.0, 64.0, 34.0) + 0.12 * noise.at(p / 9.0),
        );
        echo += (0.74 - echo) * sinus;
        // Liver vessels are dark tubes; the diaphragm is a bright arc with a shadow behind it.
        let here = Vec2::new(across, depth / scale);
        let hepatic = tube(
            here,
            &[[-96.0, 150.0], [-70.0, 128.0], [-52.0, 94.0], [-46.0, 66.0]],
            3.8,
            2.2,
        )
        .min(tube(
            here,
            &[[-70.0, 128.0], [-88.0, 104.0], [-94.0, 84.0]],
            3.0,
            1.8,
        ));
        let portal = tube(
            here,
            &[
                [-30.0, 168.0],
                [-34.0, 130.0],
                [-18.0, 96.0],
                [10.0, 76.0],
                [44.0, 70.0],
            ],
            5.2,
            2.4,
        );
        let near_wall = smooth_step(2.6, 0.8, portal.abs());
        echo += 0.30 * near_wall;
        echo += (0.04 - echo) * smooth_step(0.6, -0.6, hepatic.min(portal));
        let arc = (at(-12.0, 40.0, 172.0, 188.0) - 1.0) * 150.0 + 2.5 * noise.at(p / 40.0);
        echo += 0.55 * smooth_step(3.2, 0.5, arc.abs());
        echo -= 0.16 * smooth_step(4.0, 30.0, arc);
        // Speckle: fine along the beam, coarser across, and coarser still with depth.
        let grain = Vec3::new(angle * 150.0, distance * 0.62, 0.5 + phase.sin() * 0.15);
        let speckle = 0.62 * noise.at(grain) + 0.55 * noise.at(grain * 2.1 + 7.0);
        let bright = echo.max(0.0) * (1.0 + 0.85 * speckle) * (1.06 - 0.0011 * depth);
        let level = (bright.max(0.0).powf(0.9) * 215.0).min(255.0);
        if self.flow {
            let stream = smooth_step(0.4, -1.2, hepatic.min(portal));
            let pulse = 0.45 + 0.55 * (phase * 2.0).sin().max(0.0);
            let speed = stream * pulse * (0.75 + 0.5 * noise.at(p / 4.0));
            if stream > 0.15 && here.y > 62.0 && here.y < 152.0 && here.x < 30.0 {
                let away = portal < hepatic;
                let hot = [60.0 + 190.0 * speed, 30.0 + 150.0 * speed * speed, 20.0];
                return if away { hot } else { [hot[2], hot[1], hot[0]] };
            }
        }
        [level, level * 0.99, level * 0.96]
    }
}

/// An item of the Sequence of Ultrasound Regions: a 2D region of tissue.
///
/// `corners` are its first column and row and its last ones; `units` the codes of both directions (3 is cm, 4 is s, 7 is
/// cm/s); `deltas` what one pixel is in them.
pub(crate) fn calibrated_region(corners: [u32; 4], units: [u16; 2], deltas: [f64; 2]) -> Dataset {
    let mut region = Dataset::new();
    region.short(tags::REGION_SPATIAL_FORMAT, 1);
    region.short(tags::REGION_DATA_TYPE, 1);
    region.value(tags::REGION_FLAGS, VR::UL, PrimitiveValue::from(0_u32));
    for (tag, corner) in [
        tags::REGION_LOCATION_MIN_X0,
        tags::REGION_LOCATION_MIN_Y0,
        tags::REGION_LOCATION_MAX_X1,
        tags::REGION_LOCATION_MAX_Y1,
    ]
    .into_iter()
    .zip(corners)
    {
        region.value(tag, VR::UL, PrimitiveValue::from(corner));
    }
    region.short(tags::PHYSICAL_UNITS_X_DIRECTION, units[0]);
    region.short(tags::PHYSICAL_UNITS_Y_DIRECTION, units[1]);
    for (tag, delta) in [tags::PHYSICAL_DELTA_X, tags::PHYSICAL_DELTA_Y]
        .into_iter()
        .zip(deltas)
    {
        region.value(tag, VR::FD, PrimitiveValue::from(delta));
    }
    region
}

/// Distance to a tapering tube through `points`, negative inside.
fn tube(at: Vec2, points: &[[f32; 2]], from: f32, to: f32) -> f32 {
    let count = points.len() as f32 - 1.0;
    let mut nearest = f32::INFINITY;
    for (index, pair) in points.windows(2).enumerate() {
        let (a, b) = (Vec2::from(pair[0]), Vec2::from(pair[1]));
        let t = ((at - a).dot(b - a) / (b - a).length_squared()).clamp(0.0, 1.0);
        let radius = from + (to - from) * (index as f32 + t) / count;
        nearest = nearest.min(at.distance(a + (b - a) * t) - radius);
    }
    nearest
}

/// A level as a byte.
pub(crate) fn byte(value: f32) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held within 0..=255"
    )]
    let byte = value.round().clamp(0.0, 255.0) as u8;
    byte
}
