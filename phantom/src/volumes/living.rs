//! Series that stand for a living body: a heart that beats, and a PET and a CT of one patient in one frame of reference.
//!
//! All is made of balls with soft edges, of which place, size and value are known.

use super::body::{self, SPHERE_EDGE_MM};
use super::lattice::Lattice;
use super::series::{Draft, Kind, Part, Rescale, Volume, even};
use super::{AXIAL, CENTER};
use crate::PhantomError;
use crate::dicom::{Dataset, Encoding};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use glam::DVec3;

/// Phases of [`heart`].
pub const PHASES: usize = 10;
/// From phase to phase, ms after the R wave.
pub const PHASE_MS: f64 = 80.0;

/// Bq/ml of an uptake value of 1: 370 MBq that decayed for one half life in a patient of 70 kg.
pub const BQML_OF_UPTAKE: f64 = 370_000_000.0 / 2.0 / 70_000.0;

/// What a part shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scene {
    /// The body of most series.
    #[default]
    Body,
    /// A muscle about a chamber of contrast, in one of [`PHASES`].
    Heart {
        /// From 0, at the end of diastole.
        phase: usize,
    },
    /// Bq/ml of the balls of [`lesions`] in a patient whose uptake is 1.
    Uptake,
    /// Hounsfield units of the same.
    Tissue,
}

/// A ball of the PET and CT pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lesion {
    /// Its middle, LPS in mm.
    pub center_mm: [f64; 3],
    /// Where its edge is half way.
    pub radius_mm: f64,
    /// Its uptake value.
    pub uptake: f64,
    /// Its Hounsfield units.
    pub hounsfield: f64,
}

/// What the pair of series shows.
pub fn lesions() -> [Lesion; 4] {
    let lesion = |way: [f64; 3], radius_mm, uptake, hounsfield| Lesion {
        center_mm: (CENTER + DVec3::from_array(way)).to_array(),
        radius_mm,
        uptake,
        hounsfield,
    };
    [
        lesion([-20.0, -12.0, -10.0], 12.0, 8.0, 90.0),
        lesion([18.0, -14.0, 6.0], 9.0, 4.0, 140.0),
        lesion([14.0, 18.0, -12.0], 7.0, 10.0, 10.0),
        lesion([-14.0, 16.0, 14.0], 8.0, 0.25, -80.0),
    ]
}

/// The patient of the pair is a ball of this radius about the middle of all series.
pub const PATIENT_RADIUS_MM: f64 = 48.0;

/// Radius of the chamber in a phase, mm: widest at the end of diastole, narrowest half a beat later.
pub fn chamber_radius_mm(phase: usize) -> f64 {
    let turn = std::f64::consts::TAU * phase as f64 / PHASES as f64;
    15.0 + 4.0 * turn.cos()
}

/// Outer radius of the muscle, mm.
pub const MUSCLE_RADIUS_MM: f64 = 24.0;

impl Scene {
    /// Value of what surrounds the balls.
    fn outside(self) -> f64 {
        match self {
            Self::Body => body::RAMP_MIDDLE,
            Self::Heart { .. } => 20.0,
            Self::Uptake => 0.0,
            Self::Tissue => -1000.0,
        }
    }

    /// Middle, radius and value of its balls; each lies over those before it.
    fn balls(self) -> Vec<(DVec3, f64, f64)> {
        let lesions = |value: fn(&Lesion) -> f64| {
            let all = lesions();
            let ball = |it: &Lesion| (DVec3::from_array(it.center_mm), it.radius_mm, value(it));
            all.iter().map(ball).collect::<Vec<_>>()
        };
        let patient = |value: f64| vec![(CENTER, PATIENT_RADIUS_MM, value)];
        match self {
            Self::Body => Vec::new(),
            Self::Heart { phase } => vec![
                (CENTER, MUSCLE_RADIUS_MM, 110.0),
                (CENTER, chamber_radius_mm(phase), 380.0),
            ],
            Self::Uptake => {
                let balls = lesions(|it| it.uptake * BQML_OF_UPTAKE);
                [patient(BQML_OF_UPTAKE), balls].concat()
            }
            Self::Tissue => [patient(40.0), lesions(|it| it.hounsfield)].concat(),
        }
    }

    /// The value at a place, LPS in mm.
    pub(super) fn value(self, place_mm: [f64; 3]) -> f64 {
        if self == Self::Body {
            return body::value(place_mm);
        }
        let place = DVec3::from_array(place_mm);
        let over = |behind: f64, (center, radius, value): (DVec3, f64, f64)| {
            let outside_mm = place.distance(center) - radius;
            let share = (0.5 - outside_mm / SPHERE_EDGE_MM).clamp(0.0, 1.0);
            behind * (1.0 - share) + value * share
        };
        self.balls().into_iter().fold(self.outside(), over)
    }

    /// True where no edge of a shape is within so many mm.
    pub(super) fn is_plain(self, place_mm: [f64; 3], margin_mm: f64) -> bool {
        if self == Self::Body {
            return body::is_plain(place_mm, margin_mm);
        }
        let place = DVec3::from_array(place_mm);
        self.balls().into_iter().all(|(center, radius, _)| {
            (place.distance(center) - radius).abs() > SPHERE_EDGE_MM / 2.0 + margin_mm
        })
    }
}

/// Twenty slices in ten phases, 80 ms apart: a chamber that beats in its muscle.
pub fn heart(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "heart", "V0000050", Kind::Ct);
    for phase in 0..PHASES {
        let lattice = Lattice::new([64, 64], [1.0, 1.0], AXIAL, CENTER, &even(20, 3.0));
        let part = Part {
            scene: Scene::Heart { phase },
            ..draft.part(lattice, 0.0)
        };
        draft.add(
            part,
            Encoding::ExplicitLittle,
            |k| 20 * phase + k + 1,
            |_, set| {
                set.decimals(tags::TRIGGER_TIME, &[PHASE_MS * phase as f64]);
                set.decimals(tags::WINDOW_CENTER, &[200.0]);
                set.text(tags::WINDOW_WIDTH, VR::DS, "600");
            },
        )?;
    }
    Ok(draft.finish())
}

/// The CT of the pair: 40 slices of 1 mm pixels.
pub fn pair_ct(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "pet-and-ct", "V0000051", Kind::Ct);
    draft.place.series.description = "CT of the pair";
    let lattice = Lattice::new([112, 112], [1.0, 1.0], AXIAL, CENTER, &even(40, 2.5));
    let part = Part {
        scene: Scene::Tissue,
        ..draft.part(lattice, 0.0)
    };
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    Ok(draft.finish())
}

/// The PET of the pair: 4 mm pixels that lie on none of the CT's, slopes that differ from slice to slice, and everything that
/// uptake values take: 370 MBq one half life before the scan, 70 kg.
pub fn pair_pet(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "pet-and-ct", "V0000051", Kind::Pet);
    draft.place.series.number = 2;
    draft.place.series.description = "PET of the pair";
    let middle = CENTER + DVec3::new(0.7, -0.4, 0.9);
    let lattice = Lattice::new([28, 28], [4.0, 4.0], AXIAL, middle, &even(25, 4.0));
    let rescale = |slice: usize| Rescale {
        slope: 0.5 + 0.02 * ((slice * 7) % 11) as f64,
        intercept: 0.0,
    };
    let part = Part {
        scene: Scene::Uptake,
        rescale: (0..lattice.size[2]).map(rescale).collect(),
        ..draft.part(lattice, 0.0)
    };
    draft.add(
        part,
        Encoding::ExplicitLittle,
        |k| k + 1,
        |_, set| describe_pet(set),
    )?;
    Ok(draft.finish())
}

fn describe_pet(set: &mut Dataset) {
    for (date, time, clock) in [
        (tags::SERIES_DATE, tags::SERIES_TIME, "100000"),
        (tags::ACQUISITION_DATE, tags::ACQUISITION_TIME, "100500"),
    ] {
        set.text(date, VR::DA, "20260601");
        set.text(time, VR::TM, clock);
    }
    set.text(tags::PATIENT_SEX, VR::CS, "M");
    set.decimals(tags::PATIENT_WEIGHT, &[70.0]);
    set.decimals(tags::PATIENT_SIZE, &[1.75]);
    set.text(tags::CORRECTED_IMAGE, VR::CS, "DECY\\ATTN\\SCAT");
    set.text(tags::DECAY_CORRECTION, VR::CS, "START");
    set.decimals(tags::WINDOW_CENTER, &[5.0 * BQML_OF_UPTAKE]);
    set.decimals(tags::WINDOW_WIDTH, &[10.0 * BQML_OF_UPTAKE]);
    let mut given = Dataset::new();
    given.text(tags::RADIOPHARMACEUTICAL_START_TIME, VR::TM, "081013.8");
    given.decimals(tags::RADIONUCLIDE_TOTAL_DOSE, &[370_000_000.0]);
    given.decimals(tags::RADIONUCLIDE_HALF_LIFE, &[6586.2]);
    set.sequence(tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE, vec![given]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heart_is_known_by_hand() {
        let at = |phase, away| {
            let [x, y, z] = CENTER.to_array();
            Scene::Heart { phase }.value([x + away, y, z])
        };
        assert_eq!(at(0, 0.0), 380.0);
        // At the end of diastole the chamber reaches to 19 mm, half a beat later to 11 mm: between them is chamber, then muscle.
        assert_eq!([at(0, 15.0), at(5, 15.0)], [380.0, 110.0]);
        assert!((at(0, 19.0) - 245.0).abs() < 1e-9);
        assert_eq!(at(3, 40.0), 20.0);
    }

    #[test]
    fn uptake_and_tissue_lie_at_one_place() {
        for lesion in lesions() {
            let uptake = Scene::Uptake.value(lesion.center_mm) / BQML_OF_UPTAKE;
            assert!((uptake - lesion.uptake).abs() < 1e-9);
            assert_eq!(Scene::Tissue.value(lesion.center_mm), lesion.hounsfield);
        }
        let middle = CENTER.to_array();
        assert!((Scene::Uptake.value(middle) - 2_642.857_142_857).abs() < 1e-6);
        assert_eq!(Scene::Tissue.value(middle), 40.0);
    }

    #[test]
    fn no_lesion_reaches_into_another_or_out_of_the_patient() {
        let all = lesions();
        for (index, lesion) in all.iter().enumerate() {
            let center = DVec3::from_array(lesion.center_mm);
            let reach = lesion.radius_mm + SPHERE_EDGE_MM / 2.0;
            assert!(center.distance(CENTER) + reach < PATIENT_RADIUS_MM - SPHERE_EDGE_MM / 2.0);
            for other in &all[index + 1..] {
                let apart = center.distance(DVec3::from_array(other.center_mm));
                assert!(apart > reach + other.radius_mm + SPHERE_EDGE_MM / 2.0);
            }
        }
    }
}
