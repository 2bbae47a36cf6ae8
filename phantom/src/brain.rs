//! A head for MR: layers of scalp and skull, folded cortex, white matter, ventricles and deep nuclei.
//!
//! Source for the objects: PS3.3 A.4 and C.8.3 (MR Image).

use crate::PhantomError;
use crate::ct::ellipsoid;
use crate::dicom::{Encoding, Place, Plane};
use crate::filter::{blur, correlated_noise};
use crate::noise::{Noise, smooth_min, smooth_step};
use crate::radiograph::grey;
use dicom_core::VR;
use dicom_dictionary_std::tags;
use glam::Vec3;

/// MR Image Storage.
const MR_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.4";
const SIDE: u16 = 256;
const SPACING_MM: f64 = 0.9;

/// The contrast of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weighting {
    /// Fat bright, fluid dark.
    T1,
    /// Fluid bright.
    T2,
    /// As T2 with the signal of free fluid taken away.
    Flair,
}

#[derive(Clone, Copy)]
enum Tissue {
    White,
    Grey,
    Fluid,
    Fat,
    Skull,
    Muscle,
}

impl Weighting {
    fn signal(self, tissue: Tissue) -> f32 {
        let row = match self {
            Self::T1 => [860.0, 610.0, 190.0, 1010.0, 90.0, 470.0],
            Self::T2 => [400.0, 590.0, 1280.0, 820.0, 70.0, 250.0],
            Self::Flair => [470.0, 660.0, 130.0, 760.0, 70.0, 300.0],
        };
        row[tissue as usize]
    }

    /// Repetition time, echo time and, where there is one, inversion time, in ms.
    fn times(self) -> [&'static str; 3] {
        match self {
            Self::T1 => ["480", "9.6", ""],
            Self::T2 => ["4200", "98", ""],
            Self::Flair => ["9000", "118", "2500"],
        }
    }
}

/// A stack of axial slices of one head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadStack {
    pub(crate) place: Place,
    pub(crate) weighting: Weighting,
    pub(crate) slices: usize,
    pub(crate) step_mm: f64,
}

impl HeadStack {
    /// The file of slice `index`, from the vertex downwards.
    pub(crate) fn file(&self, index: usize, encoding: Encoding) -> Result<Vec<u8>, PhantomError> {
        let seed = crate::random::hash(self.place.seed, self.place.study.patient.id);
        let noise = Noise::new(seed);
        let side = usize::from(SIDE);
        let half = (f64::from(SIDE) - 1.0) * 0.5 * SPACING_MM;
        let z = 66.0 - index as f64 * self.step_mm;
        let mut values = Vec::with_capacity(side * side);
        for pixel in 0..side * side {
            let x = (pixel % side) as f64 * SPACING_MM - half;
            let y = (pixel / side) as f64 * SPACING_MM - half;
            values.push(signal(
                Vec3::new(x as f32, y as f32, z as f32),
                &noise,
                self.weighting,
            ));
        }
        blur(&mut values, side, 0.55);
        let grain = crate::random::hash(seed, &self.place.instance_uid(index + 1));
        let (real, imaginary) = (
            correlated_noise(values.len(), side, 0.4, grain),
            correlated_noise(values.len(), side, 0.4, grain ^ 1),
        );
        let words = values
            .iter()
            .zip(real.iter().zip(&imaginary))
            .map(|(v, (a, b))| crate::radiograph::stored((v + a * 17.0).hypot(b * 17.0)).min(4095))
            .collect();
        let pixels = grey(words, SIDE, SIDE, "MONOCHROME2", 12);
        let mut set = self
            .place
            .dataset(MR_IMAGE, index + 1, "ORIGINAL\\PRIMARY\\M\\SE");
        self.place.plane(
            &mut set,
            &Plane {
                position_mm: [-half, -half, z],
                orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                row_spacing_mm: SPACING_MM,
                column_spacing_mm: SPACING_MM,
                thickness_mm: self.step_mm - 0.5,
            },
        );
        let [repetition, echo, inversion] = self.weighting.times();
        set.text(tags::PATIENT_POSITION, VR::CS, "HFS");
        set.text(
            tags::SCANNING_SEQUENCE,
            VR::CS,
            if inversion.is_empty() { "SE" } else { "IR" },
        );
        set.text(tags::SEQUENCE_VARIANT, VR::CS, "SK");
        set.text(tags::SCAN_OPTIONS, VR::CS, "");
        set.text(tags::MR_ACQUISITION_TYPE, VR::CS, "2D");
        set.text(tags::REPETITION_TIME, VR::DS, repetition);
        set.text(tags::ECHO_TIME, VR::DS, echo);
        if !inversion.is_empty() {
            set.text(tags::INVERSION_TIME, VR::DS, inversion);
        }
        set.text(tags::ECHO_TRAIN_LENGTH, VR::IS, "1");
        set.text(tags::MAGNETIC_FIELD_STRENGTH, VR::DS, "1.5");
        set.decimals(tags::SPACING_BETWEEN_SLICES, &[self.step_mm]);
        set.decimals(tags::SLICE_LOCATION, &[z]);
        let window = if self.weighting == Weighting::Flair {
            [430.0, 860.0]
        } else {
            [620.0, 1240.0]
        };
        set.decimals(tags::WINDOW_CENTER, &window[..1]);
        set.decimals(tags::WINDOW_WIDTH, &window[1..]);
        set.into_file(&pixels, encoding)
    }
}

/// Signal at one place of the head; the brain's middle is the origin.
fn signal(place: Vec3, noise: &Noise, weighting: Weighting) -> f32 {
    let p = place
        + Vec3::new(
            noise.at(place / 47.0 + 3.0),
            noise.at(place / 47.0 + 9.0),
            0.0,
        ) * 2.2;
    let head = smooth_min(
        ellipsoid(p - Vec3::new(0.0, 0.0, -2.0), Vec3::new(77.6, 97.4, 81.0)),
        neck(p),
        25.0,
    );
    if head > 1.0 {
        return 0.0;
    }
    let tissue = |t: Tissue| weighting.signal(t);
    // The coil sees the near side a little brighter.
    let shade = 1.0 + 0.10 * noise.at(place / 90.0) - 0.0009 * (p.y + 10.0);
    let edge = smooth_step(1.0, -0.6, head);
    let skull = ellipsoid(p - Vec3::new(0.0, 1.0, 0.0), Vec3::new(73.0, 92.5, 75.0));
    let inner = ellipsoid(p - Vec3::new(0.0, 1.0, 0.0), Vec3::new(68.6, 87.5, 70.0));
    let low = smooth_step(-42.0, -58.0, p.z);
    let mut value = tissue(Tissue::Fat);
    let paint = |value: &mut f32, distance: f32, tissue: f32| {
        *value += (tissue - *value) * smooth_step(0.6, -0.6, distance);
    };
    paint(&mut value, head + 2.0, tissue(Tissue::Fat));
    paint(&mut value, skull + low * 12.0, tissue(Tissue::Skull));
    if low > 0.0 {
        let strands = 0.5 + 0.5 * noise.at(p / 9.0);
        let face = tissue(Tissue::Muscle) * (0.55 + 0.8 * strands);
        paint(&mut value, (head + 6.0).max(3.0 - low * 30.0), face);
    }
    paint(&mut value, inner, tissue(Tissue::Fluid));
    brain(p, noise, weighting, &mut value);
    for side in [-1.0_f32, 1.0] {
        let eye = p - Vec3::new(side * 31.0, -80.0, -36.0);
        paint(&mut value, eye.length() - 18.0, tissue(Tissue::Fat));
        paint(&mut value, eye.length() - 12.5, tissue(Tissue::Fluid));
        paint(
            &mut value,
            (eye - Vec3::new(0.0, -9.5, 0.0)).length() - 4.0,
            tissue(Tissue::Skull),
        );
    }
    let sinus = ellipsoid(
        p - Vec3::new(0.0, -72.0, -46.0),
        Vec3::new(13.0, 16.0, 22.0),
    );
    paint(&mut value, sinus + 4.0 * noise.at(p / 7.0), 25.0);
    value * shade * edge
}

fn neck(p: Vec3) -> f32 {
    ellipsoid(p - Vec3::new(0.0, 6.0, -90.0), Vec3::new(66.0, 80.0, 70.0))
}

fn brain(p: Vec3, noise: &Noise, weighting: Weighting, value: &mut f32) {
    let surface = ellipsoid(p - Vec3::new(0.0, 0.5, 2.0), Vec3::new(67.2, 86.0, 67.4))
        .max(-34.0 - p.z + 0.10 * p.y);
    let cerebellum = ellipsoid(p - Vec3::new(0.0, 50.0, -46.0), Vec3::new(50.0, 32.0, 26.0));
    let stem = ellipsoid(p - Vec3::new(0.0, 22.0, -48.0), Vec3::new(15.0, 13.0, 44.0));
    let tissue = |t: Tissue| weighting.signal(t);
    let paint = |value: &mut f32, distance: f32, tissue: f32| {
        *value += (tissue - *value) * smooth_step(0.6, -0.6, distance);
    };
    // Furrows follow the zero lines of a smooth field; the cortex follows the furrows.
    let q = p * Vec3::new(1.0, 1.0, 0.75) + Vec3::new(p.x.signum() * 40.0, 0.0, 0.0);
    let field = noise.at(q / 11.5) + 0.35 * noise.at(q / 6.0 + 5.0);
    let depth = -surface;
    // Close to the zero line its distance is about the value over the slope.
    let furrow = field.abs() * 9.0 + smooth_step(13.0, 25.0, depth) * 12.0;
    let gap = p.x.abs()
        + 9.0 * smooth_step(26.0, 40.0, depth.max(0.0)) * smooth_step(40.0, 20.0, p.y.abs());
    let folded = depth.min(furrow).min(gap + 0.2);
    paint(value, surface, tissue(Tissue::Fluid));
    paint(value, (0.7 - folded).max(surface), tissue(Tissue::Grey));
    paint(value, (3.9 - folded).max(surface), tissue(Tissue::White));
    // Leaves of the cerebellum lie one behind the other; its white matter branches from the middle.
    let folia =
        ((p - Vec3::new(0.0, 18.0, -34.0)).length() * 1.55 + 5.0 * noise.at(p / 14.0)).sin();
    let leaf = tissue(Tissue::Grey)
        + (tissue(Tissue::Fluid) - tissue(Tissue::Grey)) * smooth_step(0.55, 1.0, folia) * 0.45;
    paint(value, cerebellum + 1.2, leaf);
    paint(
        value,
        cerebellum + 9.0 + 7.0 * noise.at(p * Vec3::new(0.11, 0.06, 0.09)),
        tissue(Tissue::White),
    );
    paint(value, stem, tissue(Tissue::White) * 0.96);
    let twin = Vec3::new(p.x.abs(), p.y, p.z);
    let part = |c: [f32; 3], r: [f32; 3]| ellipsoid(twin - Vec3::from(c), Vec3::from(r));
    let nuclei = part([11.0, 10.0, 4.0], [10.0, 15.0, 12.0])
        .min(part([26.0, -4.0, 3.0], [7.5, 19.0, 13.0]))
        .min(part([14.0, -22.0, 8.0], [6.5, 11.0, 13.0]));
    paint(
        value,
        nuclei + 0.8 * noise.at(p / 5.0),
        tissue(Tissue::Grey) * 0.97,
    );
    let bend = Vec3::new(twin.x - 0.12 * (twin.y + 10.0).abs(), twin.y, twin.z);
    let horn = |c: [f32; 3], r: [f32; 3]| ellipsoid(bend - Vec3::from(c), Vec3::from(r));
    let ventricles = horn([6.5, -24.0, 9.0], [4.8, 16.0, 10.0])
        .min(horn([8.0, 6.0, 18.0], [5.0, 30.0, 6.5]))
        .min(horn([14.0, 38.0, 8.0], [6.0, 18.0, 10.0]))
        .min(part([0.0, 2.0, -2.0], [2.6, 14.0, 10.0]))
        .min(part([0.0, 36.0, -42.0], [8.0, 6.0, 10.0]));
    paint(value, ventricles, tissue(Tissue::Fluid));
    // A few bright spots in the white matter, as age leaves them.
    if weighting != Weighting::T1 {
        let spots =
            smooth_step(0.80, 0.93, noise.at(p / 5.0 + 17.0)) * smooth_step(14.0, 20.0, depth);
        *value += (tissue(Tissue::Grey) * 1.5 - *value) * spots * 0.8;
    }
}
