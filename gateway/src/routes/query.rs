//! QIDO-RS: `/studies`, `/series`, `/instances` and the searches below a study and a series.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use protocol::dicomweb::query::{Field, Filter, QidoQuery};

use super::{Pairs, answer, metadata};
use crate::auth::access::Listed;
use crate::error::ApiError;
use crate::source::folder::search::Level;
use crate::source::upstream::Search;
use crate::state::{Shared, blocking};

/// Searches studies.
pub async fn studies(
    state: State<Shared>,
    listed: Listed,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    search(state, listed, &headers, &pairs, Level::Study).await
}

/// Searches series, of one study or of all.
pub async fn series(
    state: State<Shared>,
    listed: Listed,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    search(state, listed, &headers, &pairs, Level::Series).await
}

/// Searches instances, of one series, of one study or of all.
pub async fn instances(
    state: State<Shared>,
    listed: Listed,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    search(state, listed, &headers, &pairs, Level::Instance).await
}

async fn search(
    State(state): State<Shared>,
    listed: Listed,
    headers: &HeaderMap,
    Pairs(pairs): &Pairs,
    level: Level,
) -> Result<Response, ApiError> {
    let Listed {
        target, visible, ..
    } = listed;
    let root = state.root(target.source.as_deref())?;
    metadata::accepts_json(headers)?;
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let mut query = QidoQuery::parse(pairs)?;
    if let Some(upstream) = state.upstream(target.source.as_deref())? {
        let search = Search {
            level,
            study: target.study,
            series: target.series,
            query,
            root,
        };
        let (shown, shared) = (visible.clone(), Arc::clone(&state));
        let shows = Arc::new(move |uid: &str, name: &str| shown.shows(&shared, uid, name));
        let found = upstream.search(search, &visible, shows).await?;
        let mut response = answer(metadata::DICOM_JSON, found.body)?;
        if let Some(total) = found.total {
            response.headers_mut().insert("x-total-count", total.into());
        }
        return Ok(response);
    }
    // A UID of the path is taken as it stands: it may hold commas or wildcards.
    let path = [
        (Field::StudyInstanceUid, target.study),
        (Field::SeriesInstanceUid, target.series),
    ];
    for (field, uid) in path {
        if let Some(uid) = uid {
            query.filters.push((field, Filter::AnyOf(vec![uid])));
        }
    }
    let found = blocking(&state, move |state| {
        state.store.search(level, &query, &visible, &root)
    })
    .await?;
    let body = serde_json::to_vec(&found.results).map_err(|_| ApiError::internal())?;
    let mut response = answer(metadata::DICOM_JSON, body)?;
    response
        .headers_mut()
        .insert("x-total-count", found.total.into());
    Ok(response)
}
