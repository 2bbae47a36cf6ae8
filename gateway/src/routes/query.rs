//! QIDO-RS: `/studies`, `/series`, `/instances` and the searches below a study and a series.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::WARNING;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use protocol::dicomweb::query::QidoQuery;

use super::Pairs;
use super::accepted::{Accepted, takes_gzip};
use super::metadata::{Text, Written};
use crate::auth::access::Listed;
use crate::error::ApiError;
use crate::source::folder::search::{Level, Within};
use crate::source::upstream::Search;
use crate::state::{Shared, blocking, reading};

/// How many results there are without limit and offset.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Searches studies.
pub async fn studies(
    state: State<Shared>,
    listed: Listed,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    search(state, listed, (accepted, &headers), pairs, Level::Study).await
}

/// Searches series, of one study or of all.
pub async fn series(
    state: State<Shared>,
    listed: Listed,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    search(state, listed, (accepted, &headers), pairs, Level::Series).await
}

/// Searches instances, of one series, of one study or of all.
pub async fn instances(
    state: State<Shared>,
    listed: Listed,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    search(state, listed, (accepted, &headers), pairs, Level::Instance).await
}

async fn search(
    State(state): State<Shared>,
    listed: Listed,
    (accepted, headers): (Accepted, &HeaderMap),
    Pairs(mut pairs): Pairs,
    level: Level,
) -> Result<Response, ApiError> {
    let Listed {
        target, visible, ..
    } = listed;
    let root = state.root(target.source.as_deref())?;
    let text = Text::of(&accepted).ok_or_else(|| {
        ApiError::not_acceptable(
            "what is found is answered as application/dicom+json, or as multipart/related; \
              type=\"application/dicom+xml\"",
        )
    })?;
    let is_gzip = takes_gzip(headers);
    // They stand for headers, and are read.
    pairs.retain(|(name, _)| name != "accept" && name != "charset");
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let query = QidoQuery::parse(pairs)?;
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
        let written = blocking(&state, move |_| Ok(Written::of(found.body, text, is_gzip)));
        let written = written.await?.ok_or_else(ApiError::internal)?;
        let mut response = written.answer()?;
        if let Some(total) = found.total {
            response.headers_mut().insert(TOTAL, total.into());
        }
        return Ok(response);
    }
    let within = Within {
        level,
        study: target.study,
        series: target.series,
    };
    let service = root.clone();
    let found = reading(&state, move |state| {
        state.store.search(within, &query, &visible, &root)
    })
    .await?;
    let sets = serde_json::to_vec(&found.results).map_err(|_| ApiError::internal())?;
    let written = Written::of(sets, text, is_gzip).ok_or_else(ApiError::internal)?;
    let mut response = written.answer()?;
    if let Some(total) = found.total {
        response.headers_mut().insert(TOTAL, total.into());
    }
    for warning in &found.warnings {
        // Letters, digits and marks of ours: a name that is passed on has nothing else.
        let text = format!("299 {service}: \"{warning}\"");
        let text = HeaderValue::from_str(&text).map_err(|_| ApiError::internal())?;
        response.headers_mut().append(WARNING, text);
    }
    Ok(response)
}
