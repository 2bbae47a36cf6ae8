//! IHE Invoke Image Display (RAD-106): an address that other systems know how to make.
//!
//! Source: IHE RAD TF-2, 4.106.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use protocol::uid::percent_encode;

use super::Pairs;
use crate::error::ApiError;
use crate::state::Shared;

/// Leads to the viewer.
pub async fn invoke(
    State(state): State<Shared>,
    Pairs(pairs): Pairs,
) -> Result<Response, ApiError> {
    let value = |name: &str| {
        let mut found = pairs
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found
            .next()
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    };
    let refuse = |message: &str| Err(ApiError::bad_request("invoke_invalid", message));
    match value("requestType") {
        Some(kind) if kind.eq_ignore_ascii_case("STUDY") => {}
        Some(kind) if kind.eq_ignore_ascii_case("PATIENT") => {
            return refuse("requestType=PATIENT is not supported yet");
        }
        Some(_) => return refuse("requestType must be STUDY or PATIENT"),
        None => return refuse("requestType is missing"),
    }
    let studies = match (value("studyUID"), value("accessionNumber")) {
        (Some(list), None) => list,
        (None, None) => return refuse("studyUID or accessionNumber is missing"),
        (Some(_), Some(_)) => return refuse("give studyUID or accessionNumber, not both"),
        (None, Some(_)) => return refuse("accessionNumber is not supported yet"),
    };
    let studies: Vec<String> = studies
        .split([',', ';'])
        .map(str::trim)
        .filter(|uid| !uid.is_empty())
        .map(percent_encode)
        .collect();
    if studies.is_empty() {
        return refuse("studyUID is empty");
    }
    let target = format!(
        "{}/viewer?StudyInstanceUIDs={}",
        state.base_path,
        studies.join(",")
    );
    Ok((StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response())
}
