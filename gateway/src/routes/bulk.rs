//! Values that metadata left out.

use axum::extract::State;
use axum::response::Response;

use super::{Target, answer};
use crate::error::ApiError;
use crate::state::{Shared, blocking};

/// One value, little endian.
pub async fn bulk(State(state): State<Shared>, target: Target) -> Result<Response, ApiError> {
    state.root(target.source.as_deref())?;
    let [study, series, sop] = target.uids()?;
    let tag_path = target.tag_path.unwrap_or_default();
    let bytes = blocking(&state, move |state| {
        let instance = state.store.instance(&study, &series, &sop)?;
        state.store.bulk(&instance, &tag_path)
    })
    .await?;
    answer("application/octet-stream", bytes)
}
