//! What `open` is asked for: studies by their UID, or by accession number or patient, which are looked up first.

use crate::engine::waiting::ViewerError;
use crate::engine::{EngineHandle, Source};
use crate::platform::fetch::{self, FetchError};
use protocol::dicomweb::json;
use protocol::order;
use protocol::uid::percent_encode;
use serde::Deserialize;
use viewer_core::model::Study;
use viewer_core::state::ViewLink;

/// Most studies that are opened at once.
const MOST_STUDIES: usize = 64;

/// The contract's target of `open`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct OpenTarget {
    /// Study Instance UIDs.
    pub studies: Vec<String>,
    /// Accession Number.
    pub accession: Option<String>,
    /// Patient ID.
    pub patient: Option<String>,
    /// Series Instance UID.
    pub series: Option<String>,
    /// SOP Instance UID.
    pub instance: Option<String>,
    /// Its frame, from 1.
    pub frame: Option<u32>,
    /// Source.
    pub source: Option<String>,
}

/// What is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp {
    /// Studies of this accession number.
    Accession(String),
    /// Studies of this patient.
    Patient(String),
}

impl OpenTarget {
    /// What is opened, and what has to be looked up for it.
    ///
    /// # Errors
    /// It names nothing, or more than one thing.
    pub fn read(self) -> Result<(ViewLink, Option<LookUp>), ViewerError> {
        let refuse = |words: &str| Err(ViewerError::new("bad_argument", words));
        let text = |text: Option<String>| text.map(|it| it.trim().to_owned());
        let look_up = match (text(self.accession), text(self.patient)) {
            (None, None) => None,
            (Some(number), None) => Some(LookUp::Accession(number)),
            (None, Some(id)) => Some(LookUp::Patient(id)),
            _ => return refuse("name studies, an accession number or a patient: one of them"),
        };
        match &look_up {
            None if self.studies.is_empty() => return refuse("no study is named"),
            Some(_) if !self.studies.is_empty() => {
                return refuse("name studies, an accession number or a patient: one of them");
            }
            Some(LookUp::Accession(value) | LookUp::Patient(value))
                // Wildcards of a query would find others.
                if value.is_empty() || value.contains(['*', '?', '\\']) =>
            {
                return refuse("an accession number or a patient is named exactly");
            }
            _ => {}
        }
        let link = ViewLink {
            studies: self.studies,
            series: self.series.into_iter().collect(),
            instance: self.instance,
            frame: self.frame,
            source: self.source,
            ..ViewLink::default()
        };
        Ok((link, look_up))
    }
}

/// Asks the sources for the studies; fills them in.
///
/// # Errors
/// There are none, or of more than one patient, or a source does not answer.
pub async fn find(
    handle: &EngineHandle,
    mut link: ViewLink,
    look_up: &LookUp,
) -> Result<ViewLink, ViewerError> {
    let sources: Vec<Source> = handle.with(|engine| {
        let all = engine.sources.iter();
        let is_wanted = |source: &&Source| link.source.as_ref().is_none_or(|id| *id == source.id);
        all.filter(is_wanted).cloned().collect()
    });
    if sources.is_empty() {
        let words = "there is no source with this name here";
        return Err(ViewerError::new("source_unknown", words));
    }
    let mut found = Vec::new();
    for source in sources {
        found.extend(ask(&source, look_up).await?);
    }
    let chosen = choose(found, look_up)?;
    link.source = chosen.first().map(|study| study.source.clone());
    link.studies = chosen.into_iter().map(|study| study.uid).collect();
    Ok(link)
}

async fn ask(source: &Source, look_up: &LookUp) -> Result<Vec<Study>, ViewerError> {
    let (name, value) = match look_up {
        LookUp::Accession(value) => ("AccessionNumber", value),
        LookUp::Patient(value) => ("PatientID", value),
    };
    let url = format!(
        "{}/studies?{name}={}&includefield=AccessionNumber,PatientID,PatientBirthDate",
        source.root,
        percent_encode(value)
    );
    let failed = |code: &str, words: String| ViewerError::new(code, words);
    let answer = fetch::get_text(&url, "application/dicom+json").await;
    let answer = answer.map_err(|error| match error {
        FetchError::Refused { .. } => failed("source_refused", error.to_string()),
        _ => failed("source_unreachable", error.to_string()),
    })?;
    if answer.text.trim().is_empty() {
        // 204: nothing was found.
        return Ok(Vec::new());
    }
    let sets = json::parse(&answer.text);
    let sets = sets.map_err(|error| failed("source_refused", error.to_string()))?;
    let read = |set| Study::from_dataset(&source.id, set);
    Ok(sets.iter().filter_map(read).collect())
}

/// Of what the sources found what was really asked for, newest first.
fn choose(found: Vec<Study>, look_up: &LookUp) -> Result<Vec<Study>, ViewerError> {
    // A server may compare without case, or leave out what it was not asked for.
    let is_named = |study: &Study| match look_up {
        LookUp::Accession(number) => study.accession.is_empty() || study.accession == *number,
        LookUp::Patient(id) => study.patient.id.is_empty() || study.patient.id == *id,
    };
    let mut found: Vec<Study> = found.into_iter().filter(is_named).collect();
    let Some(first) = found.first() else {
        let (code, words) = match look_up {
            LookUp::Accession(_) => ("study_unknown", "no study has this accession number"),
            LookUp::Patient(_) => ("patient_unknown", "no study is of this patient"),
        };
        return Err(ViewerError::new(code, words));
    };
    // Two sources may give one number to two people.
    let is_other = |study: &Study| {
        let (one, other) = (&first.patient, &study.patient);
        let births = [&one.birth_date, &other.birth_date];
        study.source != first.source
            || one.id != other.id
            || (births.iter().all(|date| !date.is_empty()) && births[0] != births[1])
    };
    if found.iter().any(is_other) {
        let words = "this is of more than one patient: name the study, or the source";
        return Err(ViewerError::new("ambiguous", words));
    }
    order::sort_by(&mut found, |one, other| {
        (&other.date, &other.time).cmp(&(&one.date, &one.time))
    });
    found.truncate(MOST_STUDIES);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use viewer_core::model::Patient;

    fn study(source: &str, uid: &str, patient: &str, birth: &str, date: &str) -> Study {
        Study {
            source: source.into(),
            uid: uid.into(),
            date: date.into(),
            accession: "A1".into(),
            patient: Patient {
                id: patient.into(),
                birth_date: birth.into(),
                ..Patient::default()
            },
            ..Study::default()
        }
    }

    fn chosen(found: Vec<Study>, look_up: &LookUp) -> Result<Vec<String>, String> {
        let chosen = choose(found, look_up);
        chosen
            .map(|all| all.into_iter().map(|study| study.uid).collect())
            .map_err(|error| error.code)
    }

    #[test]
    fn t24_an_accession_number_of_two_patients_opens_none() {
        let by = LookUp::Accession("A1".into());
        let one = study("local", "1", "P1", "19700101", "20260101");
        let same = study("local", "2", "P1", "", "20260201");
        assert_eq!(
            chosen(vec![one.clone(), same], &by),
            Ok(vec!["2".into(), "1".into()])
        );
        for other in [
            study("local", "3", "P2", "19700101", ""),
            study("local", "3", "P1", "19800101", ""),
            study("north", "3", "P1", "19700101", ""),
        ] {
            assert_eq!(
                chosen(vec![one.clone(), other], &by),
                Err("ambiguous".into())
            );
        }
    }

    #[test]
    fn a_patient_is_found_by_exactly_that_number() {
        let by = LookUp::Patient("p1".into());
        let found = vec![
            study("local", "1", "P1", "", ""),
            study("local", "2", "p1", "", ""),
        ];
        assert_eq!(chosen(found, &by), Ok(vec!["2".into()]));
        assert_eq!(chosen(Vec::new(), &by), Err("patient_unknown".into()));
    }

    #[test]
    fn a_target_names_one_thing_exactly() {
        let target =
            |studies: &[&str], accession: Option<&str>, patient: Option<&str>| OpenTarget {
                studies: studies.iter().map(|it| (*it).to_owned()).collect(),
                accession: accession.map(str::to_owned),
                patient: patient.map(str::to_owned),
                ..OpenTarget::default()
            };
        assert!(target(&["1.2"], None, None).read().is_ok());
        assert_eq!(
            target(&[], Some(" A1 "), None).read().map(|(_, by)| by),
            Ok(Some(LookUp::Accession("A1".into())))
        );
        for (studies, accession, patient) in [
            (&[][..], None, None),
            (&["1.2"][..], Some("A1"), None),
            (&[][..], Some("A1"), Some("P1")),
            (&[][..], Some(""), None),
            (&[][..], None, Some("P*")),
            (&[][..], None, Some("P?")),
        ] {
            let error = target(studies, accession, patient).read().err();
            assert_eq!(error.map(|it| it.code).as_deref(), Some("bad_argument"));
        }
    }
}
