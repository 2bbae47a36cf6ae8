//! The modules that all objects share: patient, study, series, equipment, frame of reference.
//!
//! Source: PS3.3 C.7.

use super::object::Dataset;
use super::uid::uid;
use dicom_core::VR;
use dicom_dictionary_std::tags;

/// A made-up person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patient {
    /// Family and given name, separated by a caret.
    pub name: &'static str,
    /// Patient ID.
    pub id: &'static str,
    /// Date of birth, `YYYYMMDD`.
    pub birth_date: &'static str,
    /// `F`, `M` or `O`.
    pub sex: &'static str,
}

/// A made-up examination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Study {
    /// Whom it shows.
    pub patient: Patient,
    /// Accession Number; the study's UID follows from it.
    pub accession: &'static str,
    /// Study Date, `YYYYMMDD`.
    pub date: &'static str,
    /// Study Time, `HHMMSS`.
    pub time: &'static str,
    /// Study Description.
    pub description: &'static str,
}

/// A made-up series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Series {
    /// Modality.
    pub modality: &'static str,
    /// Series Number; the series' UID follows from it.
    pub number: usize,
    /// Series Description.
    pub description: &'static str,
    /// Body Part Examined.
    pub body_part: &'static str,
    /// The device's model.
    pub model: &'static str,
}

/// An object's place in the tree of patient, study and series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The seed that all UIDs follow.
    pub seed: u64,
    /// The study.
    pub study: Study,
    /// The series.
    pub series: Series,
}

impl Place {
    fn name(&self, rest: &str) -> String {
        format!("{}/{}{rest}", self.study.accession, self.series.number)
    }

    /// Study Instance UID.
    pub fn study_uid(&self) -> String {
        uid(self.seed, self.study.accession)
    }

    /// Series Instance UID.
    pub fn series_uid(&self) -> String {
        uid(self.seed, &self.name(""))
    }

    /// SOP Instance UID of the instance with this number.
    pub fn instance_uid(&self, number: usize) -> String {
        uid(self.seed, &self.name(&format!("/{number}")))
    }

    /// Frame of Reference UID, shared by all series of a study.
    pub fn frame_of_reference_uid(&self) -> String {
        uid(self.seed, &format!("{}/frame", self.study.accession))
    }

    /// Folder and file name of an instance: patient, study, series.
    pub fn path(&self, number: usize) -> String {
        let Study {
            patient, accession, ..
        } = self.study;
        format!(
            "{}/{accession}/{:02}/{number:04}.dcm",
            patient.id, self.series.number
        )
    }

    /// A data set with everything that does not depend on the kind of image.
    pub(crate) fn dataset(&self, sop_class: &str, number: usize, image_type: &str) -> Dataset {
        let mut set = Dataset::new();
        let Study {
            patient,
            accession,
            date,
            time,
            description,
        } = self.study;
        set.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        set.text(tags::SOP_CLASS_UID, VR::UI, sop_class);
        set.text(tags::SOP_INSTANCE_UID, VR::UI, self.instance_uid(number));
        set.text(tags::IMAGE_TYPE, VR::CS, image_type);
        set.text(tags::PATIENT_NAME, VR::PN, patient.name);
        set.text(tags::PATIENT_ID, VR::LO, patient.id);
        set.text(tags::PATIENT_BIRTH_DATE, VR::DA, patient.birth_date);
        set.text(tags::PATIENT_SEX, VR::CS, patient.sex);
        set.text(tags::PATIENT_AGE, VR::AS, age(patient.birth_date, date));
        set.text(tags::STUDY_INSTANCE_UID, VR::UI, self.study_uid());
        set.text(tags::STUDY_DATE, VR::DA, date);
        set.text(tags::STUDY_TIME, VR::TM, time);
        set.text(tags::STUDY_ID, VR::SH, accession);
        set.text(tags::STUDY_DESCRIPTION, VR::LO, description);
        set.text(tags::ACCESSION_NUMBER, VR::SH, accession);
        set.text(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "Made-Up^Referrer");
        set.text(tags::SERIES_INSTANCE_UID, VR::UI, self.series_uid());
        set.text(tags::MODALITY, VR::CS, self.series.modality);
        set.integer(tags::SERIES_NUMBER, self.series.number);
        set.text(tags::SERIES_DESCRIPTION, VR::LO, self.series.description);
        set.text(tags::SERIES_DATE, VR::DA, date);
        set.text(tags::SERIES_TIME, VR::TM, time);
        set.text(tags::BODY_PART_EXAMINED, VR::CS, self.series.body_part);
        set.text(tags::INSTITUTION_NAME, VR::LO, "Example Hospital");
        set.text(tags::MANUFACTURER, VR::LO, "Phantom");
        set.text(tags::MANUFACTURER_MODEL_NAME, VR::LO, self.series.model);
        set.text(tags::DEVICE_SERIAL_NUMBER, VR::LO, "0001");
        set.text(tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION"));
        set.integer(tags::INSTANCE_NUMBER, number);
        set.text(tags::CONTENT_DATE, VR::DA, date);
        set.text(tags::CONTENT_TIME, VR::TM, time);
        set.text(tags::ACQUISITION_DATE, VR::DA, date);
        set.text(tags::ACQUISITION_TIME, VR::TM, time);
        set
    }

    /// Adds the plane of an image: position, orientation, spacing, and the frame of reference.
    pub(crate) fn plane(&self, set: &mut Dataset, plane: &Plane) {
        set.text(
            tags::FRAME_OF_REFERENCE_UID,
            VR::UI,
            self.frame_of_reference_uid(),
        );
        set.text(tags::POSITION_REFERENCE_INDICATOR, VR::LO, "");
        set.decimals(tags::IMAGE_POSITION_PATIENT, &plane.position_mm);
        set.decimals(tags::IMAGE_ORIENTATION_PATIENT, &plane.orientation);
        set.decimals(
            tags::PIXEL_SPACING,
            &[plane.row_spacing_mm, plane.column_spacing_mm],
        );
        set.decimals(tags::SLICE_THICKNESS, &[plane.thickness_mm]);
    }
}

/// An image plane in the patient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plane {
    /// Centre of the first pixel, LPS in mm.
    pub(crate) position_mm: [f64; 3],
    /// Directions of increasing column and row index.
    pub(crate) orientation: [f64; 6],
    /// Distance between rows.
    pub(crate) row_spacing_mm: f64,
    /// Distance between columns.
    pub(crate) column_spacing_mm: f64,
    /// Slice Thickness.
    pub(crate) thickness_mm: f64,
}

/// Age in years as an age string (AS).
fn age(birth_date: &str, date: &str) -> String {
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    format!(
        "{:03}Y",
        number(date).saturating_sub(number(birth_date)) / 10_000
    )
}
