//! Small made-up objects for every kind of pixel that archives hold, each with its right display values.
//!
//! The answers are worked out by [`formula`] in double precision, apart from any viewer; a test opens the files, and
//! compares what is on screen at one canvas pixel for each image pixel.
//!
//! - [`pictures`]: grey chain, pixel forms, colour, overlays, shutters, cine
//! - [`encoding_matrix`]: photometric interpretation x transfer syntax x planar configuration x bits allocated, and
//!   fragments with every kind of offset table
//! - [`malformed`]: objects with one thing wrong
//! - [`write_large`]: objects too large to be held in memory
//!
//! Where the standard leaves something open, the answers say: padding is black; without a window the smallest value
//! (Smallest Image Pixel Value, or the frame's own minimum) is black and the largest one white; pixels on the edge of a
//! shutter are shown.

mod chain;
mod choices;
mod cine;
mod colour;
mod forms;
pub mod formula;
mod large;
mod malformed;
mod matrix;
mod modality;
mod overlays;
mod palettes;
mod part10;
mod profile;
mod shutters;

pub use large::{Large, large_value, write_large};
pub use malformed::malformed;
pub use matrix::encoding_matrix;

use crate::dicom::uid;
use dicom_dictionary_std::tags;
use formula::byte;
use part10::{Cells, Form, Set, Syntax};

/// A made-up object (or a few of one series) and what it must look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// What it is for, in words joined by hyphens; also its Study and Series Description.
    pub name: String,
    /// File names and Part 10 files.
    pub files: Vec<(String, Vec<u8>)>,
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// SOP Instance UID of the file that `frames` is about.
    pub sop_instance_uid: String,
    /// Right values of each frame as it is first shown: the first window or VOI LUT.
    pub frames: Vec<Answer>,
    /// All windows and VOI LUTs by their explanations, where there are several to choose from.
    pub choices: Vec<(String, Vec<Answer>)>,
    /// SOP Instance UIDs and answers of the further files.
    pub others: Vec<(String, Vec<Answer>)>,
    /// Calibrated ultrasound regions, in the order of the file.
    pub regions: Vec<Region>,
    /// Times of a cine.
    pub cine: Option<Timing>,
}

/// The right values of one frame's pixels, row by row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Pixels in a row.
    pub columns: usize,
    /// Number of rows.
    pub rows: usize,
    /// Red, green, blue of each pixel for an sRGB display, without overlays.
    pub rgb: Vec<u8>,
    /// What a probe says: the real world value where the file maps one, else the output of the Modality LUT; empty for
    /// colour.
    pub values: Vec<f64>,
    /// Unit of `values` by the code in the file (Rescale Type, Units, Measurement Units); empty where it says none.
    pub unit: &'static str,
    /// 1 where an overlay has graphics; empty without overlays.
    pub overlay: Vec<u8>,
}

/// A calibrated region of an ultrasound image (PS3.3 C.8.5.5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// First column, first row, last column, last row.
    pub corners: [u32; 4],
    /// Codes of Physical Units X and Y Direction: 3 is cm, 4 is s, 7 is cm/s.
    pub units: [u16; 2],
    /// Physical Delta X and Y, per pixel.
    pub deltas: [f64; 2],
    /// Reference pixel relative to the region's first pixel, and the physical values there.
    pub reference: Option<([i32; 2], [f64; 2])>,
}

/// When the frames of a cine are shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timing {
    /// Start of each frame after the first one's, in milliseconds.
    pub starts_ms: Vec<f64>,
    /// Representative Frame Number, where the file has one.
    pub representative_frame_number: Option<usize>,
}

/// One picture for each thing that may be special about an object's pixels; the same for the same seed.
pub fn pictures(seed: u64) -> Vec<Picture> {
    let kinds: [fn(u64) -> Vec<Picture>; 9] = [
        chain::pictures,
        choices::pictures,
        modality::pictures,
        forms::pictures,
        colour::pictures,
        palettes::pictures,
        overlays::pictures,
        shutters::pictures,
        cine::pictures,
    ];
    kinds.iter().flat_map(|make| make(seed)).collect()
}

/// A picture under construction: everything but its pixels.
#[derive(Debug, Clone)]
struct Draft {
    name: String,
    set: Set,
    study_uid: String,
    series_uid: String,
    sop_instance_uid: String,
}

impl Draft {
    /// A study of its own with one series and instance number 1.
    fn new(seed: u64, name: &str, modality: &str, sop_class: &str) -> Self {
        Self::numbered(seed, name, modality, sop_class, 1)
    }

    /// One of several instances of a series.
    fn numbered(seed: u64, name: &str, modality: &str, sop_class: &str, number: usize) -> Self {
        let study_uid = uid(seed, &format!("pictures/{name}"));
        let series_uid = uid(seed, &format!("pictures/{name}/1"));
        let sop_instance_uid = uid(seed, &format!("pictures/{name}/1/{number}"));
        let mut set = Set::default();
        for (tag, vr, value) in [
            (tags::SPECIFIC_CHARACTER_SET, "CS", "ISO_IR 192"),
            (tags::IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY"),
            (tags::SOP_CLASS_UID, "UI", sop_class),
            (tags::SOP_INSTANCE_UID, "UI", &sop_instance_uid),
            (tags::STUDY_DATE, "DA", "20260601"),
            (tags::CONTENT_DATE, "DA", "20260601"),
            (tags::STUDY_TIME, "TM", "080000"),
            (tags::CONTENT_TIME, "TM", "080000"),
            (tags::ACCESSION_NUMBER, "SH", ""),
            (tags::MODALITY, "CS", modality),
            (tags::MANUFACTURER, "LO", "Phantom"),
            (tags::REFERRING_PHYSICIAN_NAME, "PN", ""),
            (tags::STUDY_DESCRIPTION, "LO", name),
            (tags::SERIES_DESCRIPTION, "LO", name),
            (tags::PATIENT_NAME, "PN", "Picture^Test"),
            (tags::PATIENT_ID, "LO", "EX-PICTURES"),
            (tags::PATIENT_BIRTH_DATE, "DA", "19800101"),
            (tags::PATIENT_SEX, "CS", "O"),
            (tags::STUDY_INSTANCE_UID, "UI", &study_uid),
            (tags::SERIES_INSTANCE_UID, "UI", &series_uid),
            (tags::STUDY_ID, "SH", ""),
            (tags::SERIES_NUMBER, "IS", "1"),
            (tags::INSTANCE_NUMBER, "IS", &number.to_string()),
            (tags::PATIENT_ORIENTATION, "CS", ""),
        ] {
            set.text(tag, vr, value);
        }
        Self {
            name: name.to_owned(),
            set,
            study_uid,
            series_uid,
            sop_instance_uid,
        }
    }

    /// Sets one window, or several separated by backslashes.
    fn window(&mut self, center: &str, width: &str) {
        self.set.text(tags::WINDOW_CENTER, "DS", center);
        self.set.text(tags::WINDOW_WIDTH, "DS", width);
    }

    /// Sets Rescale Intercept, Slope and Type.
    fn rescale(&mut self, intercept: &str, slope: &str, kind: &str) {
        self.set.text(tags::RESCALE_INTERCEPT, "DS", intercept);
        self.set.text(tags::RESCALE_SLOPE, "DS", slope);
        self.set.text(tags::RESCALE_TYPE, "LO", kind);
    }

    /// The picture in Explicit VR Little Endian.
    fn finish(self, form: &Form, cells: &Cells, frames: Vec<Answer>) -> Picture {
        self.finish_as(Syntax::ExplicitLittle, form, cells, frames)
    }

    fn finish_as(
        mut self,
        syntax: Syntax,
        form: &Form,
        cells: &Cells,
        frames: Vec<Answer>,
    ) -> Picture {
        self.set.pixels(form, cells, syntax);
        self.finish_set(syntax, frames)
    }

    /// The picture of a data set that has its pixels already.
    fn finish_set(self, syntax: Syntax, frames: Vec<Answer>) -> Picture {
        Picture {
            files: vec![(format!("{}.dcm", self.name), self.set.file(syntax))],
            name: self.name,
            study_uid: self.study_uid,
            series_uid: self.series_uid,
            sop_instance_uid: self.sop_instance_uid,
            frames,
            choices: Vec::new(),
            others: Vec::new(),
            regions: Vec::new(),
            cine: None,
        }
    }
}

/// The answer of a grey frame: `shade` gives presentation values of modality values.
fn grey(form: &Form, values: &[f64], unit: &'static str, shade: impl Fn(f64) -> f64) -> Answer {
    Answer {
        columns: usize::from(form.columns),
        rows: usize::from(form.rows),
        rgb: values.iter().flat_map(|x| [byte(shade(*x)); 3]).collect(),
        values: values.to_vec(),
        unit,
        overlay: Vec::new(),
    }
}

/// The answer of a colour frame.
fn colours(form: &Form, rgb: impl IntoIterator<Item = [u8; 3]>) -> Answer {
    Answer {
        columns: usize::from(form.columns),
        rows: usize::from(form.rows),
        rgb: rgb.into_iter().flatten().collect(),
        ..Answer::default()
    }
}

/// So many values from `low` to `high`: first below, at and above each edge, then an even ramp through all the rest.
fn ramp(count: usize, low: i64, high: i64, edges: &[i64]) -> Vec<i64> {
    let mut values: Vec<i64> = edges
        .iter()
        .flat_map(|edge| [edge - 1, *edge, edge + 1])
        .map(|value| value.clamp(low, high))
        .take(count)
        .collect();
    let rest = (count - values.len()) as i64;
    values.extend((0..rest).map(|k| low + (high - low) * k / (rest - 1).max(1)));
    values
}

/// Integers as doubles.
fn reals(values: &[i64]) -> Vec<f64> {
    values.iter().map(|value| *value as f64).collect()
}

/// Integers as words, negative ones as two's complement.
fn words(values: &[i64]) -> Vec<u16> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the low 16 bits are wanted"
    )]
    values.iter().map(|value| *value as u16).collect()
}
