//! Small pictures of a series or an instance, for lists.

use axum::extract::State;
use axum::response::Response;
use protocol::dicomweb::json::Dataset;

use super::{Pairs, answer};
use crate::auth::access::{Authorized, Pixels};
use crate::error::ApiError;
use crate::source::SourceError;
use crate::source::folder::StoredInstance;
use crate::source::upstream::Picture;
use crate::state::{Shared, State as AppState, decoding};
use crate::thumbnail;

/// Longest edge in pixels, `?size=128`.
fn size_of(Pairs(pairs): &Pairs) -> Result<u32, ApiError> {
    let Some((_, text)) = pairs.iter().find(|(name, _)| name == "size") else {
        return Ok(128);
    };
    let size = text.parse().ok().filter(|size| (16..=1024).contains(size));
    size.ok_or_else(|| ApiError::bad_request("size_invalid", "size must be from 16 to 1024"))
}

/// The instance in the middle of the series.
pub async fn series(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let (size, series) = (size_of(&pairs)?, target.series.unwrap_or_default());
    if let Some(upstream) = state.upstream(target.source.as_deref())? {
        return drawn(upstream.picture(&study, &series, None, size).await?);
    }
    picture(state, size, move |state| {
        state.store.middle_instance(&study, &series)
    })
    .await
}

/// One instance.
pub async fn instance(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let [series, sop] = target.series_and_instance()?;
    let size = size_of(&pairs)?;
    if let Some(upstream) = state.upstream(target.source.as_deref())? {
        let picture = upstream.picture(&study, &series, Some(&sop), size);
        return drawn(picture.await?);
    }
    picture(state, size, move |state| {
        state.store.instance(&study, &series, &sop)
    })
    .await
}

/// What another server drew.
fn drawn(picture: Picture) -> Result<Response, ApiError> {
    answer(picture.media_type, picture.bytes)
}

/// The Representative Frame Number (0028,6010), else the frame in the middle.
fn frame_number(dataset: &Dataset, count: u32) -> u32 {
    dataset
        .whole(0x0028_6010)
        .filter(|number| (1..=count).contains(number))
        .unwrap_or(count / 2 + 1)
}

async fn picture(
    state: Shared,
    size: u32,
    find: impl FnOnce(&AppState) -> Result<StoredInstance, SourceError> + Send + 'static,
) -> Result<Response, ApiError> {
    let drawn = decoding(&state, move |state| {
        let instance = find(state)?;
        let table = state.store.frame_table(&instance)?;
        let dataset = state.store.dataset(&instance)?;
        let number = frame_number(&dataset, instance.pixels.frame_count);
        let stored = instance.pixels.read_frame(&table, number)?;
        Ok(thumbnail::png(
            &stored,
            &instance.pixels,
            &dataset,
            number,
            size,
            &state.limits,
            &|tag| state.store.value(&instance, &dataset, tag),
        ))
    })
    .await?;
    let png = drawn.map_err(|error| {
        ApiError::not_found(
            "no_picture",
            format!("there is no picture of this: {error}"),
        )
    })?;
    answer("image/png", png)
}
