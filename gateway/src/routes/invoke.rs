//! IHE Invoke Image Display (RAD-106): an address that other systems know how to make.
//!
//! Source: IHE RAD TF-2, 4.106. Names of parameters are compared without case, `,` and `;` separate values.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use protocol::dicomweb::query::{Field, Filter, QidoQuery};
use protocol::uid::percent_encode;
use serde_json::Value;

use super::Pairs;
use super::login::Asking;
use crate::auth::access::Listed;
use crate::auth::detours::Waiting;
use crate::error::ApiError;
use crate::source::folder::entry::fold;
use crate::source::folder::search::Level;
use crate::state::{Shared, blocking};

/// Most studies that one address opens.
const MOST_STUDIES: usize = 64;

/// Leads to the viewer, through the login where there is none yet.
pub async fn invoke(
    State(state): State<Shared>,
    asking: Asking,
    listed: Result<Listed, ApiError>,
    Pairs(pairs): Pairs,
) -> Result<Response, ApiError> {
    // A bad address is bad for everybody, logged in or not.
    let asked = Asked::read(&pairs)?;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) if error.status == StatusCode::UNAUTHORIZED => {
            return asking.detour(&state, Waiting::Invoke(pairs)).ok_or(error);
        }
        Err(error) => return Err(error),
    };
    let found = blocking(&state, move |state| {
        let query = asked.query();
        let found = state
            .store
            .search(Level::Study, &query, &listed.visible, "")?;
        Ok(asked.chosen(found.results))
    });
    let studies = found.await?;
    if studies.is_empty() {
        let message = "no study was found here for this, or none that you may see";
        return Err(ApiError::not_found("invoke_nothing", message));
    }
    let studies: Vec<String> = studies.iter().map(|uid| percent_encode(uid)).collect();
    let target = format!(
        "{}/viewer?StudyInstanceUIDs={}",
        state.base_path,
        studies.join(",")
    );
    Ok((StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response())
}

/// What is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    /// These studies.
    Studies(Vec<String>),
    /// Those with these accession numbers.
    Accessions(Vec<String>),
    /// Those of a patient.
    Patient(Patient),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Patient {
    id: String,
    name: Option<String>,
    birth_date: Option<String>,
    /// Date and time as DICOM writes them, `YYYYMMDDHHMMSS`.
    lower: Option<String>,
    upper: Option<String>,
    most_recent: Option<usize>,
    modalities: Vec<String>,
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::bad_request("invoke_invalid", message)
}

/// The one value of a parameter, `None` where it is missing or empty.
fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, ApiError> {
    let mut found = pairs
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim());
    let first = found.next().filter(|value| !value.is_empty());
    if found.next().is_some() {
        return Err(bad(format!("{name} is there twice")));
    }
    Ok(first)
}

fn list(text: &str) -> Vec<String> {
    let parts = text.split([',', ';']).map(str::trim);
    parts
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect()
}

impl Asked {
    fn read(pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let get = |name: &str| value(pairs, name);
        for flag in ["diagnosticQuality", "keyImagesOnly"] {
            let is_flag = |text: &str| ["true", "false"].contains(&text.to_lowercase().as_str());
            if get(flag)?.is_some_and(|text| !is_flag(text)) {
                return Err(bad(format!("{flag} must be true or false")));
            }
        }
        if get("keyImagesOnly")?.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Err(bad(
                "keyImagesOnly=true is not supported: all images are shown",
            ));
        }
        if let Some(kind) = get("viewerType")?
            && !kind.eq_ignore_ascii_case("IHE_BIR")
        {
            return Err(bad("viewerType must be IHE_BIR"));
        }
        match get("requestType")? {
            Some(kind) if kind.eq_ignore_ascii_case("STUDY") => Self::study(pairs),
            Some(kind) if kind.eq_ignore_ascii_case("PATIENT") => Self::patient(pairs),
            Some(_) => Err(bad("requestType must be STUDY or PATIENT")),
            None => Err(bad("requestType is missing")),
        }
    }

    fn study(pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let studies = value(pairs, "studyUID")?.map(list);
        let accessions = value(pairs, "accessionNumber")?.map(list);
        let bounded = |all: Vec<String>| {
            if all.is_empty() {
                return Err(bad("studyUID or accessionNumber is empty"));
            }
            if all.len() > MOST_STUDIES {
                return Err(bad(format!(
                    "at most {MOST_STUDIES} studies are opened at once"
                )));
            }
            Ok(all)
        };
        match (studies, accessions) {
            (Some(studies), None) => Ok(Self::Studies(bounded(studies)?)),
            (None, Some(accessions)) => Ok(Self::Accessions(bounded(accessions)?)),
            (None, None) => Err(bad("studyUID or accessionNumber is missing")),
            (Some(_), Some(_)) => Err(bad("give studyUID or accessionNumber, not both")),
        }
    }

    fn patient(pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let get = |name: &str| value(pairs, name);
        let id = get("patientID")?.ok_or_else(|| bad("patientID is missing"))?;
        // HL7 CX: the identifier, two components that are not used here, then who assigned it.
        let id = id.split('^').next().unwrap_or_default().trim();
        if id.is_empty() {
            return Err(bad("patientID is empty"));
        }
        let time = |name: &str, is_upper: bool| {
            let text = get(name)?;
            let read = |text: &str| {
                date_time(text, is_upper)
                    .ok_or_else(|| bad(format!("{name} must be like 2026-03-14T09:30:00")))
            };
            text.map(read).transpose()
        };
        let birth_date = get("patientBirthDate")?.map(|text| text.replace('-', ""));
        let is_date = |text: &String| text.len() == 8 && text.bytes().all(|it| it.is_ascii_digit());
        if birth_date.as_ref().is_some_and(|text| !is_date(text)) {
            return Err(bad("patientBirthDate must be like 1965-03-14"));
        }
        let most_recent = get("mostRecentResults")?.map(|text| {
            text.parse::<usize>()
                .map_err(|_| bad("mostRecentResults must be a whole number"))
        });
        Ok(Self::Patient(Patient {
            id: id.to_owned(),
            name: get("patientName")?.map(str::to_owned),
            birth_date,
            lower: time("lowerDateTime", false)?,
            upper: time("upperDateTime", true)?,
            // Nought stands for all.
            most_recent: most_recent.transpose()?.filter(|count| *count > 0),
            modalities: get("modalitiesInStudy")?.map(list).unwrap_or_default(),
        }))
    }

    /// What the index is asked; the newest first.
    fn query(&self) -> QidoQuery {
        let folded = |all: &[String]| all.iter().map(|text| fold(text)).collect();
        let filters = match self {
            Self::Studies(uids) => vec![(Field::StudyInstanceUid, Filter::AnyOf(uids.clone()))],
            Self::Accessions(numbers) => {
                vec![(Field::AccessionNumber, Filter::AnyOf(folded(numbers)))]
            }
            Self::Patient(patient) => {
                let mut filters = vec![(Field::PatientId, Filter::AnyOf(vec![fold(&patient.id)]))];
                if let Some(date) = &patient.birth_date {
                    filters.push((Field::PatientBirthDate, Filter::AnyOf(vec![date.clone()])));
                }
                if !patient.modalities.is_empty() {
                    let codes = patient.modalities.iter().map(|it| it.to_uppercase());
                    filters.push((Field::ModalitiesInStudy, Filter::AnyOf(codes.collect())));
                }
                if let Some(name) = &patient.name {
                    filters.push((Field::PatientName, Filter::Text(name.clone())));
                }
                filters
            }
        };
        QidoQuery {
            filters,
            fuzzy_matching: true,
            ..QidoQuery::default()
        }
    }

    /// The studies that are shown, of those that were found; studies that were named keep their order.
    fn chosen(&self, found: Vec<Value>) -> Vec<String> {
        let text = |set: &Value, tag: &str| {
            let text = set[tag]["Value"][0].as_str();
            text.unwrap_or_default().to_owned()
        };
        let uid = |set: &Value| text(set, "0020000D");
        let all: Vec<String> = match self {
            Self::Studies(named) => {
                let found: Vec<String> = found.iter().map(uid).collect();
                let is_here = |uid: &&String| found.contains(uid);
                let mut named: Vec<String> = named.iter().filter(is_here).cloned().collect();
                let mut seen = std::collections::HashSet::new();
                named.retain(|uid| seen.insert(uid.clone()));
                named
            }
            Self::Accessions(_) => found.iter().map(uid).collect(),
            Self::Patient(patient) => {
                let is_in_time = |set: &&Value| {
                    let time: String = text(set, "00080030").chars().take(6).collect();
                    let at = format!("{}{time:0<6}", text(set, "00080020"));
                    patient.lower.as_ref().is_none_or(|lower| at >= *lower)
                        && patient.upper.as_ref().is_none_or(|upper| at <= *upper)
                };
                let most = patient.most_recent.unwrap_or(usize::MAX);
                found
                    .iter()
                    .filter(is_in_time)
                    .take(most)
                    .map(uid)
                    .collect()
            }
        };
        all.into_iter().take(MOST_STUDIES).collect()
    }
}

/// `YYYYMMDDHHMMSS` of an xsd:dateTime or xsd:date; a date alone is its first or last second. The zone is that of the hospital
/// on both sides, as study times have none.
fn date_time(text: &str, is_upper: bool) -> Option<String> {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let date: jiff::civil::Date = date.parse().ok()?;
    let time = time.trim_end_matches('Z');
    let time = time.split(['+', '-']).next().unwrap_or_default();
    let time = match time {
        "" if is_upper => jiff::civil::time(23, 59, 59, 0),
        "" => jiff::civil::time(0, 0, 0, 0),
        time => time.parse().ok()?,
    };
    let at = date.to_datetime(time);
    Some(at.strftime("%Y%m%d%H%M%S").to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Asked, ApiError> {
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Asked::read(&pairs)
    }

    #[test]
    fn addresses_are_read_as_rad_106_writes_them() {
        let studies =
            |all: &[&str]| Asked::Studies(all.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(
            read("requestType=STUDY&studyUID=1.2,1.3").unwrap(),
            studies(&["1.2", "1.3"])
        );
        assert_eq!(
            read("REQUESTTYPE=study&STUDYUID=1.2;1.3;").unwrap(),
            studies(&["1.2", "1.3"])
        );
        let all = "requestType=STUDY&studyUID=1.2&viewerType=IHE_BIR&diagnosticQuality=true&keyImagesOnly=false";
        assert_eq!(read(all).unwrap(), studies(&["1.2"]));
        assert_eq!(
            read("requestType=STUDY&accessionNumber=A1").unwrap(),
            Asked::Accessions(vec!["A1".into()])
        );
        let query = "requestType=PATIENT&patientID=4711^^^Hospital&patientBirthDate=1965-03-14\
            &lowerDateTime=2026-01-02T03:04:05Z&upperDateTime=2026-02-03&mostRecentResults=2&modalitiesInStudy=CT,MR";
        let Asked::Patient(patient) = read(query).unwrap() else {
            panic!("a patient was asked for");
        };
        assert_eq!(patient.id, "4711");
        assert_eq!(patient.birth_date.as_deref(), Some("19650314"));
        assert_eq!(patient.lower.as_deref(), Some("20260102030405"));
        assert_eq!(patient.upper.as_deref(), Some("20260203235959"));
        assert_eq!(patient.most_recent, Some(2));
        assert_eq!(patient.modalities, ["CT", "MR"]);
    }

    #[test]
    fn what_is_no_request_is_refused_in_words() {
        for query in [
            "studyUID=1.2",
            "requestType=SERIES&studyUID=1.2",
            "requestType=STUDYBASE64&studyUID=MS4y",
            "requestType=STUDY",
            "requestType=STUDY&studyUID=,;",
            "requestType=STUDY&studyUID=1.2&accessionNumber=A1",
            "requestType=STUDY&studyUID=1.2&studyUID=1.3",
            "requestType=STUDY&studyUID=1.2&keyImagesOnly=true",
            "requestType=STUDY&studyUID=1.2&diagnosticQuality=yes",
            "requestType=STUDY&studyUID=1.2&viewerType=OTHER",
            "requestType=PATIENT",
            "requestType=PATIENT&patientID=^^^Hospital",
            "requestType=PATIENT&patientID=1&patientBirthDate=14.3.1965",
            "requestType=PATIENT&patientID=1&lowerDateTime=2026-13-01",
            "requestType=PATIENT&patientID=1&upperDateTime=soon",
            "requestType=PATIENT&patientID=1&mostRecentResults=few",
        ] {
            let error = read(query).unwrap_err();
            assert_eq!(
                (error.status.as_u16(), error.code),
                (400, "invoke_invalid"),
                "{query}"
            );
        }
    }
}
