//! A duplex ultrasound cine: a sector with a pulsing vessel in a colour Doppler box, and its spectrum below.
//!
//! Two calibrated regions: the sector in centimetres, the spectrum in seconds and centimetres per second.
//!
//! Source: PS3.3 A.7 and C.8.5.5 (US Region Calibration).

use crate::PhantomError;
use crate::dicom::{Dataset, Encoding, Pixels, Place, Samples};
use crate::noise::{Noise, smooth_step};
use crate::ultrasound::{Cine, US_MULTI_FRAME, byte, calibrated_region};
use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use glam::Vec3;

const COLUMNS: u16 = 400;
/// Rows of the sector; the spectrum is below.
const SECTOR_ROWS: u16 = 256;
const ROWS: u16 = 352;
const FRAMES: usize = 60;
const FRAME_TIME_MS: u32 = 40;
/// Columns and rows of the spectrum, first and last ones.
const STRIP: [u32; 4] = [20, 264, 379, 343];
/// Row of the spectrum at which nothing moves, counted within it.
const BASELINE: i32 = 60;
/// Seconds of a column, and cm/s of a row (upwards).
const SECONDS: f64 = 0.01;
const SPEED: f64 = 1.5;
/// Column, row and radius of the vessel, in pixels.
const VESSEL: [f32; 3] = [132.0, 172.0, 17.0];
/// Columns and rows of the colour box.
const BOX: [f32; 4] = [92.0, 134.0, 178.0, 212.0];

/// The cine of a place: 60 frames, 25 in a second.
pub(crate) fn file(place: &Place, encoding: Encoding) -> Result<Vec<u8>, PhantomError> {
    let noise = Noise::new(crate::random::hash(place.seed, place.study.accession));
    let sector = Cine {
        place: *place,
        columns: COLUMNS,
        rows: SECTOR_ROWS,
        frames: FRAMES,
        flow: false,
    };
    let mut bytes = Vec::new();
    for frame in 0..FRAMES {
        let start = bytes.len();
        sector.frame(frame, &noise, &mut bytes);
        bytes.resize(start + usize::from(COLUMNS) * usize::from(ROWS) * 3, 0);
        let mut picture = Picture {
            pixels: &mut bytes[start..],
        };
        picture.vessel(frame, &noise);
        picture.spectrum(frame, &noise);
    }
    let pixels = Pixels {
        photometric: "RGB",
        rows: ROWS,
        columns: COLUMNS,
        samples_per_pixel: 3,
        bits_stored: 8,
        signed: false,
        frames: FRAMES,
        samples: Samples::Bytes(bytes),
    };
    let mut set = place.dataset(US_MULTI_FRAME, 1, "ORIGINAL\\PRIMARY\\ABDOMINAL\\0001");
    set.text(tags::PATIENT_ORIENTATION, VR::CS, "");
    set.text(tags::FRAME_TIME, VR::DS, FRAME_TIME_MS.to_string());
    set.value(
        tags::FRAME_INCREMENT_POINTER,
        VR::AT,
        PrimitiveValue::from(tags::FRAME_TIME),
    );
    set.text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00");
    set.text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
    set.sequence(
        tags::SEQUENCE_OF_ULTRASOUND_REGIONS,
        vec![
            calibrated_region(
                [0, 0, u32::from(COLUMNS) - 1, u32::from(SECTOR_ROWS) - 1],
                [3, 3],
                [0.045, 0.045],
            ),
            spectral_region(),
        ],
    );
    set.into_file(&pixels, encoding)
}

/// Pulsed-wave spectrum: seconds to the right, cm/s upwards from the baseline.
fn spectral_region() -> Dataset {
    let mut region = calibrated_region(STRIP, [4, 7], [SECONDS, -SPEED]);
    region.short(tags::REGION_SPATIAL_FORMAT, 3);
    region.short(tags::REGION_DATA_TYPE, 3);
    for (tag, pixel) in [
        (tags::REFERENCE_PIXEL_X0, 0),
        (tags::REFERENCE_PIXEL_Y0, BASELINE),
    ] {
        region.value(tag, VR::SL, PrimitiveValue::from(pixel));
    }
    for tag in [
        tags::REFERENCE_PIXEL_PHYSICAL_VALUE_X,
        tags::REFERENCE_PIXEL_PHYSICAL_VALUE_Y,
    ] {
        region.value(tag, VR::FD, PrimitiveValue::from(0.0_f64));
    }
    region
}

/// Speed of the blood in cm/s at a time in seconds: an upstroke, a notch, and a slow fall, 75 times a minute.
fn speed(seconds: f32) -> f32 {
    let t = (seconds / 0.8).fract();
    let stroke = smooth_step(0.02, 0.12, t) * (-((t - 0.12).max(0.0) * 9.0)).exp();
    let wave = 0.22 * (-((t - 0.45) / 0.07).powi(2)).exp();
    14.0 + 58.0 * (stroke + wave)
}

/// One frame's pixels.
struct Picture<'a> {
    pixels: &'a mut [u8],
}

impl Picture<'_> {
    fn put(&mut self, column: usize, row: usize, rgb: [f32; 3]) {
        let at = (row * usize::from(COLUMNS) + column) * 3;
        self.pixels[at..at + 3].copy_from_slice(&rgb.map(byte));
    }

    /// A vessel that widens with each pulse; flow in it is coloured inside of the box.
    fn vessel(&mut self, frame: usize, noise: &Noise) {
        let seconds = frame as f32 * FRAME_TIME_MS as f32 / 1000.0;
        let fast = speed(seconds);
        let [x, y, base] = VESSEL;
        let radius = base + 2.2 * (fast - 14.0) / 58.0;
        for row in BOX[1] as usize..BOX[3] as usize {
            for column in BOX[0] as usize..BOX[2] as usize {
                let (dx, dy) = (column as f32 - x, row as f32 - y);
                let far = dx.hypot(dy);
                let p = Vec3::new(column as f32, row as f32, seconds * 9.0);
                if far < radius - 1.5 {
                    // Fast in the middle, slow at the wall.
                    let share = 1.0 - (far / radius).powi(2);
                    let local = fast * share * (0.85 + 0.3 * noise.at(p / 5.0)) / 72.0;
                    let colour = [70.0 + 200.0 * local, 210.0 * local * local, 12.0];
                    let quiet = [10.0, 10.0, 11.0];
                    self.put(column, row, if local > 0.07 { colour } else { quiet });
                } else if far < radius + 4.0 {
                    let wall = smooth_step(4.0, 1.0, (far - radius).abs());
                    let level = 60.0 + 150.0 * wall + 24.0 * noise.at(p / 2.0);
                    self.put(column, row, [level, level * 0.99, level * 0.96]);
                }
            }
        }
        let [left, top, right, bottom] = BOX.map(|edge| edge as usize);
        for column in left..=right {
            self.put(column, top, [40.0, 190.0, 90.0]);
            self.put(column, bottom, [40.0, 190.0, 90.0]);
        }
        for row in top..=bottom {
            self.put(left, row, [40.0, 190.0, 90.0]);
            self.put(right, row, [40.0, 190.0, 90.0]);
        }
    }

    /// The spectrum, drawn by a bar that sweeps to the right; what is right of it is the sweep before.
    fn spectrum(&mut self, frame: usize, noise: &Noise) {
        let [left, top, right, bottom] = STRIP.map(|edge| edge as usize);
        let now = frame as f32 * FRAME_TIME_MS as f32 / 1000.0;
        let width = (right - left + 1) as f32 * SECONDS as f32;
        let bar = left + (now / SECONDS as f32) as usize % (right - left + 1);
        for column in left..=right {
            let within = (column - left) as f32 * SECONDS as f32;
            let seconds = if column <= bar {
                within
            } else {
                within - width + 8.0
            };
            let fast = speed(seconds);
            for row in top..=bottom {
                let cm_s = (BASELINE - (row - top) as i32) as f32 * SPEED as f32;
                let grain = noise.at(Vec3::new(seconds * 180.0, cm_s * 0.7, 3.3));
                let window = smooth_step(fast * 1.06, fast * 0.92, cm_s)
                    * smooth_step(fast * 0.10 - 3.0, fast * 0.55, cm_s);
                let level = window * (150.0 + 130.0 * grain) + 7.0 + 6.0 * grain;
                let gap = column > bar && column <= bar + 5;
                self.put(column, row, if gap { [0.0; 3] } else { [level; 3] });
            }
            let baseline = top + BASELINE as usize;
            self.put(column, baseline, [70.0, 110.0, 150.0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blood_is_fastest_shortly_after_the_beat_and_never_stops() {
        assert!(speed(0.1) > 60.0);
        assert!(speed(0.75) < 20.0 && speed(0.75) > 10.0);
        assert!((speed(0.3) - speed(1.1)).abs() < 1e-3);
    }
}
