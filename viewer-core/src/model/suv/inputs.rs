//! What a PET image says that an SUV takes.
//!
//! Source: DICOM PS3.3 C.7.2.2 (Patient Study), C.8.9.1 (PET Series), C.8.9.2 (PET Isotope), C.8.9.4 (PET Image); PS3.5 7.8 (private
//! elements). The private elements of GE and Philips are those that QIBA's pseudo-code names.

use protocol::dicomweb::json::{Dataset, Tag};

use super::super::tags;
use super::timing::Moment;

/// Patient's Sex, where it is one that formulas know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// `M`
    Male,
    /// `F`
    Female,
}

/// Inputs as the file says them, unchecked; what it does not say is `None` or empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inputs {
    /// Units (0054,1001).
    pub units: Option<String>,
    /// SUV Type (0054,1006).
    pub suv_type: Option<String>,
    /// Corrected Image (0028,0051).
    pub corrections: Vec<String>,
    /// Decay Correction (0054,1102).
    pub decay_correction: Option<String>,
    /// Patient's Weight (0010,1030), kg.
    pub weight_kg: Option<f64>,
    /// Patient's Size (0010,1020), m.
    pub size_m: Option<f64>,
    /// Patient's Sex (0010,0040).
    pub sex: Option<Sex>,
    /// Items of the Radiopharmaceutical Information Sequence (0054,0016).
    pub doses: usize,
    /// Radionuclide Total Dose (0018,1074), Bq.
    pub dose_bq: Option<f64>,
    /// Radionuclide Half Life (0018,1075), s.
    pub half_life_s: Option<f64>,
    /// Radiopharmaceutical Start DateTime (0018,1078), else Start Time (0018,1072) without a day.
    pub injected: Option<Moment>,
    /// Series Date and Time.
    pub series: Option<Moment>,
    /// Acquisition Date and Time.
    pub acquired: Option<Moment>,
    /// Frame Reference Time (0054,1300), ms.
    pub reference_ms: Option<f64>,
    /// Actual Frame Duration (0018,1242), ms.
    pub duration_ms: Option<f64>,
    /// When the scan began, by GE: (0009,100D) of `GEMS_PETD_01`.
    pub ge_scan: Option<Moment>,
    /// From counts to SUV by weight, by Philips: (7053,1000) of `Philips PET Private Group`.
    pub philips_suv: Option<f64>,
    /// From counts to Bq/ml, by Philips: (7053,1009).
    pub philips_activity: Option<f64>,
}

impl Inputs {
    /// Reads one data set of a series' metadata.
    pub fn of(set: &Dataset) -> Self {
        let given = set.items(tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE);
        let first = given.first();
        let number = |tag| first.and_then(|item| item.number(tag));
        let text = |tag| first.and_then(|item| item.text(tag));
        let philips = |element| {
            let tag = private(set, 0x7053, "Philips PET Private Group", element)?;
            set.number(tag)
        };
        Self {
            units: set.text(tags::UNITS),
            suv_type: set.text(tags::SUV_TYPE),
            corrections: set.texts(tags::CORRECTED_IMAGE),
            decay_correction: set.text(tags::DECAY_CORRECTION),
            weight_kg: set.number(tags::PATIENT_WEIGHT),
            size_m: set.number(tags::PATIENT_SIZE),
            sex: match set.text(tags::PATIENT_SEX).as_deref() {
                Some("M") => Some(Sex::Male),
                Some("F") => Some(Sex::Female),
                _ => None,
            },
            doses: given.len(),
            dose_bq: number(tags::RADIONUCLIDE_TOTAL_DOSE),
            half_life_s: number(tags::RADIONUCLIDE_HALF_LIFE),
            injected: text(tags::RADIOPHARMACEUTICAL_START_DATE_TIME)
                .and_then(|text| Moment::of_date_time(&text))
                .or_else(|| {
                    let time = text(tags::RADIOPHARMACEUTICAL_START_TIME)?;
                    Moment::of_day_and_time(None, &time)
                }),
            series: moment(set, tags::SERIES_DATE, tags::SERIES_TIME),
            acquired: moment(set, tags::ACQUISITION_DATE, tags::ACQUISITION_TIME),
            reference_ms: set.number(tags::FRAME_REFERENCE_TIME),
            duration_ms: set.number(tags::ACTUAL_FRAME_DURATION),
            ge_scan: private(set, 0x0009, "GEMS_PETD_01", 0x0D)
                .and_then(|tag| Moment::of_date_time(&set.text(tag)?)),
            philips_suv: philips(0x00),
            philips_activity: philips(0x09),
        }
    }
}

fn moment(set: &Dataset, date: Tag, time: Tag) -> Option<Moment> {
    Moment::of_day_and_time(set.text(date).as_deref(), &set.text(time)?)
}

/// An element of the block that `creator` reserves in a group: PS3.5 7.8.1.
fn private(set: &Dataset, group: u32, creator: &str, element: u32) -> Option<Tag> {
    let group = group << 16;
    (0x10..=0xFF)
        .find(|block| {
            let said = set.text(group | block);
            said.is_some_and(|text| text.trim() == creator)
        })
        .map(|block| group | block << 8 | element)
}
