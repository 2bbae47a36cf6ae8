//! Studies and series as lists and banners show them.

use super::{Stack, tags};
use protocol::dicomweb::json::{Dataset, PersonName};
use std::sync::Arc;

/// Names a series within one session; series of different sources never share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(pub u32);

/// Who was examined, as the object's own attributes say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patient {
    /// Patient's Name.
    pub name: PersonName,
    /// Patient ID.
    pub id: String,
    /// Patient's Birth Date, `YYYYMMDD`.
    pub birth_date: String,
    /// Patient's Sex: `M`, `F`, `O`.
    pub sex: String,
}

/// One study.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Study {
    /// Id of the source that serves it. Studies are told apart by (source, uid).
    pub source: String,
    /// Study Instance UID.
    pub uid: String,
    /// Who was examined.
    pub patient: Patient,
    /// Study Date, `YYYYMMDD`.
    pub date: String,
    /// Study Time, `HHMMSS`.
    pub time: String,
    /// Study Description.
    pub description: String,
    /// Accession Number.
    pub accession: String,
    /// Modalities in Study.
    pub modalities: Vec<String>,
    /// Referring Physician's Name, for display.
    pub referrer: String,
    /// Number of Study Related Series, where the server says it.
    pub series_count: Option<u32>,
    /// Number of Study Related Instances, where the server says it.
    pub instance_count: Option<u32>,
}

impl Study {
    /// Reads one data set of a study query or of metadata.
    pub fn from_dataset(source: &str, set: &Dataset) -> Option<Self> {
        let modalities = match set.texts(tags::MODALITIES_IN_STUDY) {
            list if list.is_empty() => set.text(tags::MODALITY).into_iter().collect(),
            list => list,
        };
        Some(Self {
            source: source.to_owned(),
            uid: set.text(tags::STUDY_INSTANCE_UID)?,
            patient: Patient {
                name: set.person_name(tags::PATIENT_NAME).unwrap_or_default(),
                id: set.text(tags::PATIENT_ID).unwrap_or_default(),
                birth_date: set.text(tags::PATIENT_BIRTH_DATE).unwrap_or_default(),
                sex: set.text(tags::PATIENT_SEX).unwrap_or_default(),
            },
            date: set.text(tags::STUDY_DATE).unwrap_or_default(),
            time: set.text(tags::STUDY_TIME).unwrap_or_default(),
            description: set.text(tags::STUDY_DESCRIPTION).unwrap_or_default(),
            accession: set.text(tags::ACCESSION_NUMBER).unwrap_or_default(),
            modalities,
            referrer: set
                .person_name(tags::REFERRING_PHYSICIAN_NAME)
                .map(|name| name.display())
                .unwrap_or_default(),
            series_count: set.whole(tags::NUMBER_OF_STUDY_RELATED_SERIES),
            instance_count: set.whole(tags::NUMBER_OF_STUDY_RELATED_INSTANCES),
        })
    }
}

/// One series of an open study.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name within this session.
    pub id: SeriesId,
    /// Index of its study among the open ones.
    pub study: usize,
    /// Series Instance UID.
    pub uid: String,
    /// Series Number.
    pub number: Option<i64>,
    /// Modality.
    pub modality: String,
    /// Series Description.
    pub description: String,
    /// Number of Series Related Instances, where the server says it.
    pub instance_count: Option<u32>,
    /// Its frames, once its metadata has come.
    pub stack: Option<Arc<Stack>>,
}

impl Series {
    /// Reads one data set of a series query or of metadata.
    pub fn from_dataset(id: SeriesId, study: usize, set: &Dataset) -> Option<Self> {
        Some(Self {
            id,
            study,
            uid: set.text(tags::SERIES_INSTANCE_UID)?,
            number: set.integer(tags::SERIES_NUMBER),
            modality: set.text(tags::MODALITY).unwrap_or_default(),
            description: set.text(tags::SERIES_DESCRIPTION).unwrap_or_default(),
            instance_count: set.whole(tags::NUMBER_OF_SERIES_RELATED_INSTANCES),
            stack: None,
        })
    }

    /// Frames that can be scrolled; 0 before the metadata have come.
    pub fn frame_count(&self) -> usize {
        self.stack.as_ref().map_or(0, |stack| stack.frames.len())
    }

    /// True for kinds of series that never hold pictures.
    pub fn is_document(&self) -> bool {
        matches!(
            self.modality.as_str(),
            "SR" | "PR"
                | "KO"
                | "DOC"
                | "AU"
                | "ECG"
                | "HD"
                | "PLAN"
                | "REG"
                | "RTSTRUCT"
                | "RTPLAN"
                | "RTRECORD"
                | "FID"
                | "SMR"
                | "RWV"
        ) || self
            .stack
            .as_ref()
            .is_some_and(|s| s.frames.is_empty() && !s.instances.is_empty())
    }
}
