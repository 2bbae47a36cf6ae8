//! WADO-RS metadata of a study, a series or an instance, from the index or from another server.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::Response;
use protocol::dicomweb::media_type::MediaType;

use super::packed::answer_packed;
use crate::auth::access::{Authorized, Metadata};
use crate::error::ApiError;
use crate::state::{Shared, blocking};

/// Media type of all our data sets.
pub const DICOM_JSON: &str = "application/dicom+json";

/// All attributes of all instances.
pub async fn metadata(
    State(state): State<Shared>,
    authorized: Authorized<Metadata>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Authorized {
        target,
        study,
        asker,
        ..
    } = authorized;
    let root = state.root(target.source.as_deref())?;
    accepts_json(&headers)?;
    if let Some(upstream) = state.upstream(target.source.as_deref())? {
        let (series, instance) = (target.series.as_deref(), target.instance.as_deref());
        let text = upstream.metadata(&study, series, instance, &root).await?;
        return answer_packed(&state, &asker, &headers, DICOM_JSON, text).await;
    }
    let text = blocking(&state, move |state| {
        let (series, instance) = (target.series.as_deref(), target.instance.as_deref());
        state.store.metadata(&study, series, instance, &root)
    })
    .await?;
    answer_packed(&state, &asker, &headers, DICOM_JSON, text).await
}

/// Refuses a client that takes no JSON.
pub fn accepts_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(accept) = headers.get(ACCEPT).and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    let takes = accept.split(',').filter_map(MediaType::parse).any(|media| {
        media.quality() > 0.0
            && matches!(
                media.essence.as_str(),
                "*/*" | "application/*" | DICOM_JSON | "application/json"
            )
    });
    if takes || accept.trim().is_empty() {
        return Ok(());
    }
    Err(ApiError::not_acceptable(
        "this is answered as application/dicom+json only",
    ))
}
