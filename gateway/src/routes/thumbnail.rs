//! Small pictures of a study, a series, an instance or a frame, for lists.
//!
//! They hold nothing of the patient's but the image itself. Source: DICOM PS3.18 sections 10.4.1.1.4 and 10.4.3.3.4.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::accepted::Accepted;
use super::frames::parse_list;
use super::rendered::{choose, chosen, refused};
use super::{Pairs, answer};
use crate::auth::access::{Authorized, Pixels};
use crate::drawing::encode::Format;
use crate::drawing::wish::{Size, Wish};
use crate::error::ApiError;
use crate::source::SourceError;
use crate::source::folder::StoredInstance;
use crate::source::upstream::Picture;
use crate::state::{Shared, State as AppState, blocking};

/// Longest edge in pixels where nothing is asked for.
const USUAL_EDGE: u32 = 128;

/// How large it is: `?size=128`, or `?viewport=128,128`.
fn wish_of(Pairs(pairs): &Pairs) -> Result<(Wish, u32), ApiError> {
    let edges = 16..=1024;
    let bad = || ApiError::bad_request("size_invalid", "size must be from 16 to 1024");
    let mut wish = Wish {
        size: Size::at_most(USUAL_EDGE),
        ..Wish::default()
    };
    let mut edge = USUAL_EDGE;
    if let Some(viewport) = pairs.iter().find(|(name, _)| name == "viewport") {
        wish = Wish::of(std::slice::from_ref(viewport))?;
        let Size::Within {
            width,
            height,
            enlarges,
        } = &mut wish.size
        else {
            return Err(bad());
        };
        *enlarges = false;
        edge = (*width).max(*height);
        if edge > 1024 {
            return Err(bad());
        }
        // A part of an image is what rendered pictures are for.
        wish.part = None;
    }
    if let Some((_, text)) = pairs.iter().find(|(name, _)| name == "size") {
        edge = text
            .parse()
            .ok()
            .filter(|size| edges.contains(size))
            .ok_or_else(bad)?;
        wish.size = Size::at_most(edge);
    }
    Ok((wish, edge))
}

/// What stands for the study: the instance in the middle of its first series that has pixels.
pub async fn study(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let (wish, _) = wish_of(&pairs)?;
    if state.upstream(target.source.as_deref())?.is_some() {
        return Err(SourceError::PictureUnknown.into());
    }
    let find = move |state: &AppState| state.store.representative(&study);
    picture(&state, find, None, wish, &accepted, &headers).await
}

/// The instance in the middle of the series.
pub async fn series(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let ((wish, edge), series) = (wish_of(&pairs)?, target.series.unwrap_or_default());
    if let Some(upstream) = state.upstream(target.source.as_deref())? {
        return drawn(
            upstream
                .picture(&study, &series, None, edge.max(16))
                .await?,
        );
    }
    let find = move |state: &AppState| state.store.middle_instance(&study, &series);
    picture(&state, find, None, wish, &accepted, &headers).await
}

/// One instance.
pub async fn instance(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let [series, sop] = target.series_and_instance()?;
    let (wish, edge) = wish_of(&pairs)?;
    if let Some(upstream) = state.upstream(target.source.as_deref())? {
        let picture = upstream.picture(&study, &series, Some(&sop), edge.max(16));
        return drawn(picture.await?);
    }
    let find = move |state: &AppState| state.store.instance(&study, &series, &sop);
    picture(&state, find, None, wish, &accepted, &headers).await
}

/// One frame.
pub async fn frame(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let [series, sop] = target.series_and_instance()?;
    let (wish, _) = wish_of(&pairs)?;
    let numbers = parse_list(target.list.as_deref().unwrap_or_default())?;
    let [number] = numbers.as_slice() else {
        let message = "a thumbnail is of one frame";
        return Err(ApiError::bad_request("frame_invalid", message));
    };
    if state.upstream(target.source.as_deref())?.is_some() {
        return Err(SourceError::PictureUnknown.into());
    }
    let find = move |state: &AppState| state.store.instance(&study, &series, &sop);
    picture(&state, find, Some(*number), wish, &accepted, &headers).await
}

/// What another server drew.
fn drawn(picture: Picture) -> Result<Response, ApiError> {
    answer(picture.media_type, picture.bytes)
}

async fn picture(
    state: &Shared,
    find: impl FnOnce(&AppState) -> Result<StoredInstance, SourceError> + Send + 'static,
    number: Option<u32>,
    wish: Wish,
    accepted: &Accepted,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let choice = choose(accepted, Format::Png, false).ok_or_else(refused)?;
    let instance = blocking(state, find).await?;
    let drawn = chosen(state, instance, number, wish, choice, headers).await;
    // A list has a place for each picture, and none is no fault of the asker's.
    drawn.map_err(|error| match error.code {
        "no_picture" => ApiError::not_found(error.code, error.message),
        _ => error,
    })
}
