//! WADO-RS: pictures of an instance, of frames, and of what stands for a series or a study.
//!
//! Source: DICOM PS3.18 sections 10.4.1.1.3 (rendered resources), 8.7.4 (rendered media types), 8.3.5.1 (parameters).

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::stream;
use protocol::dicomweb::json::Dataset;
use protocol::dicomweb::media_type::frame_range;
use protocol::dicomweb::multipart;
use viewer_core::model::Instance;

use super::accepted::Accepted;
use super::conditional::Tag;
use super::frames::parse_list;
use super::retrieve::boundary;
use super::{Pairs, answer, document, stated};
use crate::auth::access::{Authorized, Pixels};
use crate::drawing::encode::{Film, Format};
use crate::drawing::wish::Wish;
use crate::drawing::{self, DrawError, Picture, annotation};
use crate::error::ApiError;
use crate::source::SourceError;
use crate::source::folder::StoredInstance;
use crate::state::{Shared, State as AppState, blocking, decoding};

/// Most frames of one film, and most pixels of all of them.
const MOST_FRAMES: usize = 300;
const MOST_PIXELS: u64 = 128 << 20;
/// How long a frame is shown where the file does not say, in hundredths of a second.
const USUAL_HUNDREDTHS: u16 = 10;

/// The picture that stands for a study.
pub async fn study(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    drawn_here(&state, target.source.as_deref())?;
    let wish = Wish::of(&pairs.0)?;
    let instance = blocking(&state, move |state| state.store.representative(&study)).await?;
    one(&state, instance, None, wish, &accepted, &headers).await
}

/// The picture that stands for a series: of the instance in its middle.
pub async fn series(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    drawn_here(&state, target.source.as_deref())?;
    let wish = Wish::of(&pairs.0)?;
    let uid = target.series.unwrap_or_default();
    let instance = blocking(&state, move |state| {
        state.store.middle_instance(&study, &uid)
    });
    one(&state, instance.await?, None, wish, &accepted, &headers).await
}

/// One instance: its picture, all of its frames where the client takes them as one film, its document, or what it says of another
/// image as a presentation state.
pub async fn instance(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let [series, sop] = target.series_and_instance()?;
    drawn_here(&state, target.source.as_deref())?;
    let wish = Wish::of(&pairs.0)?;
    let pass = study.clone();
    let instance = blocking(&state, move |state| {
        state.store.instance(&pass, &series, &sop)
    });
    let instance = instance.await?;
    if instance.pixels.place.is_none() {
        let Some(own) = stated::State::of(&state, &instance).await? else {
            return document::rendered(&state, instance, &accepted).await;
        };
        let choice = choose(&accepted, Format::Jpeg, false).ok_or_else(refused)?;
        return own.alone(&state, study, &wish, choice, &headers).await;
    }
    let choice = choose(&accepted, Format::Jpeg, false).ok_or_else(refused)?;
    if choice.format == Format::Gif && instance.pixels.frame_count > 1 {
        let numbers = (1..=instance.pixels.frame_count)
            .take(MOST_FRAMES + 1)
            .collect();
        return film(&state, instance, numbers, wish, choice, &headers).await;
    }
    chosen(&state, instance, None, wish, choice, &headers).await
}

/// One frame, or several: in parts, or as a film.
pub async fn frames(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let [series, sop] = target.series_and_instance()?;
    let numbers = parse_list(target.list.as_deref().unwrap_or_default())?;
    drawn_here(&state, target.source.as_deref())?;
    let wish = Wish::of(&pairs.0)?;
    let asked = numbers.clone();
    let instance = blocking(&state, move |state| {
        let instance = state.store.instance(&study, &series, &sop)?;
        let table = state.store.frame_table(&instance)?;
        // A frame that is known to be missing is a status, and no answer that breaks off.
        for number in &asked {
            instance.pixels.check(&table, *number)?;
        }
        Ok(instance)
    });
    let instance = instance.await?;
    let choice = choose(&accepted, Format::Jpeg, numbers.len() > 1).ok_or_else(refused)?;
    match (numbers.as_slice(), choice.format) {
        ([number], _) => chosen(&state, instance, Some(*number), wish, choice, &headers).await,
        (_, Format::Gif) => film(&state, instance, numbers, wish, choice, &headers).await,
        _ => parts(&state, instance, numbers, wish, choice).await,
    }
}

/// Refuses pictures of another server's images: those that it draws itself are its thumbnails.
fn drawn_here(state: &Shared, source: Option<&str>) -> Result<(), ApiError> {
    match state.upstream(source)? {
        None => Ok(()),
        Some(_) => {
            let message = "images of this source are drawn at its own hospital";
            Err(ApiError::not_found("rendered_unavailable", message))
        }
    }
}

/// How pictures go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) format: Format,
    pub(super) multipart: bool,
}

/// The client's best format; several pictures are a film, or come in parts.
pub(super) fn choose(accepted: &Accepted, usual: Format, several: bool) -> Option<Choice> {
    accepted.first(|media| {
        let range = frame_range(media);
        let format = match range.media_type.as_str() {
            "image/jpeg" | "image/jpg" => Format::Jpeg,
            "image/png" => Format::Png,
            "image/gif" => Format::Gif,
            "image/*" | "*/*" => usual,
            _ => return None,
        };
        let multipart = match media.essence.as_str() {
            "*/*" => several,
            _ => range.multipart,
        };
        let is_one = multipart || !several || format == Format::Gif;
        is_one.then_some(Choice { format, multipart })
    })
}

pub(super) fn refused() -> ApiError {
    ApiError::not_acceptable(
        "pictures come as image/jpeg, image/png or image/gif; several also as multipart/related of them",
    )
}

async fn one(
    state: &Shared,
    instance: StoredInstance,
    number: Option<u32>,
    wish: Wish,
    accepted: &Accepted,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let choice = choose(accepted, Format::Jpeg, false).ok_or_else(refused)?;
    chosen(state, instance, number, wish, choice, headers).await
}

/// One picture, unless the client has it already; without a number of the frame that stands for all.
pub(super) async fn chosen(
    state: &Shared,
    instance: StoredInstance,
    number: Option<u32>,
    wish: Wish,
    choice: Choice,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let tag = tag(&instance, &format!("{number:?} {choice:?} {wish:?}"));
    if tag.is_known(headers) {
        return tag.not_modified();
    }
    let file = decoding(state, move |state| {
        let drawn = draw(state, &instance, number, &wish)?;
        Ok(drawn.and_then(|picture| picture.file(choice.format, wish.quality)))
    });
    let file = file.await?.map_err(undrawn)?;
    sent(&file, choice).map(|response| tag.on(response))
}

/// What an answer about an instance depends on: its file, and how it is asked for.
fn tag(instance: &StoredInstance, asked: &str) -> Tag {
    let file = &instance.pixels.file;
    Tag::of(&[
        instance.sop.as_bytes(),
        &file.size.to_le_bytes(),
        &file.modified_ns.to_le_bytes(),
        asked.as_bytes(),
    ])
}

/// A picture as it goes out.
pub(super) fn sent(file: &[u8], choice: Choice) -> Result<Response, ApiError> {
    let media_type = choice.format.media_type();
    if !choice.multipart {
        return answer(media_type, file.to_vec());
    }
    let boundary = boundary();
    let head = multipart::part_head(&boundary, media_type, file.len(), true);
    let end = multipart::closing(&boundary);
    let body = [head.as_bytes(), file, end.as_bytes()].concat();
    answer(&multipart::content_type(&boundary, media_type), body)
}

/// Draws a frame, the representative one where none is named.
pub(super) fn draw(
    state: &AppState,
    stored: &StoredInstance,
    number: Option<u32>,
    wish: &Wish,
) -> Result<Result<Picture, DrawError>, SourceError> {
    let dataset = state.store.dataset(stored)?;
    let number = number.unwrap_or_else(|| representative(&dataset, stored.pixels.frame_count));
    draw_of(state, stored, &dataset, number, wish)
}

fn draw_of(
    state: &AppState,
    stored: &StoredInstance,
    dataset: &Dataset,
    number: u32,
    wish: &Wish,
) -> Result<Result<Picture, DrawError>, SourceError> {
    let table = state.store.frame_table(stored)?;
    let frame = stored.pixels.read_frame(&table, number)?;
    let index = number.saturating_sub(1);
    let value = |tag| state.store.value(stored, dataset, tag);
    let draw = |instance: Instance| -> Result<Picture, DrawError> {
        let limits = &state.limits;
        let mut drawn = drawing::draw(&frame, &stored.pixels, &instance, index, wish, limits)?;
        annotation::write(&mut drawn, dataset, instance.frame(index), wish.annotation)?;
        Ok(drawn.picture)
    };
    Ok(drawing::instance(dataset, index, &value).and_then(draw))
}

/// The Representative Frame Number (0028,6010), else the frame in the middle.
fn representative(dataset: &Dataset, count: u32) -> u32 {
    dataset
        .whole(0x0028_6010)
        .filter(|number| (1..=count).contains(number))
        .unwrap_or(count / 2 + 1)
}

/// Why there is no picture, as an answer.
pub(super) fn undrawn(error: DrawError) -> ApiError {
    let message = format!("there is no picture of this: {error}");
    match error {
        DrawError::TooLarge | DrawError::Outside | DrawError::TooSmall => {
            ApiError::bad_request("picture_invalid", message)
        }
        _ => ApiError::new(StatusCode::NOT_ACCEPTABLE, "no_picture", message),
    }
}

/// Several frames in one file, drawn one after the other as cores are free.
async fn film(
    state: &Shared,
    instance: StoredInstance,
    numbers: Vec<u32>,
    wish: Wish,
    choice: Choice,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    if numbers.len() > MOST_FRAMES {
        let message = format!("a film has at most {MOST_FRAMES} frames: name those that you want");
        return Err(ApiError::bad_request("film_too_long", message));
    }
    let tag = tag(&instance, &format!("film {numbers:?} {wish:?}"));
    if tag.is_known(headers) {
        return tag.not_modified();
    }
    let count = numbers.len() as u64;
    let (instance, wish) = (Arc::new(instance), Arc::new(wish));
    let stored = Arc::clone(&instance);
    let dataset = blocking(state, move |state| state.store.dataset(&stored)).await?;
    let dataset = Arc::new(dataset);
    let mut film: Option<Film> = None;
    for number in numbers {
        let (instance, wish) = (Arc::clone(&instance), Arc::clone(&wish));
        let dataset = Arc::clone(&dataset);
        let begun = film.take();
        let added = decoding(state, move |state| {
            let picture = draw_of(state, &instance, &dataset, number, &wish)?;
            Ok(picture.and_then(|picture| {
                let pixels = u64::from(picture.width) * u64::from(picture.height);
                if pixels * count > MOST_PIXELS {
                    return Err(DrawError::TooLarge);
                }
                let mut film = match begun {
                    Some(film) => film,
                    None => Film::new(&picture, count > 1)?,
                };
                film.add(&picture, hundredths(&dataset, number))?;
                Ok(film)
            }))
        });
        film = Some(added.await?.map_err(undrawn)?);
    }
    let film = film.ok_or_else(ApiError::internal)?;
    let file = film.finish().map_err(undrawn)?;
    sent(&file, choice).map(|response| tag.on(response))
}

/// How long a frame is shown: Frame Time (0018,1063) in ms, or Cine Rate (0018,0040) a second.
fn hundredths(dataset: &Dataset, number: u32) -> u16 {
    let vector = dataset.numbers(0x0018_1065);
    let at = usize::try_from(number).unwrap_or(usize::MAX);
    let own = vector.and_then(|times| times.get(at).copied());
    let rate = dataset.number(0x0018_0040).filter(|rate| *rate > 0.0);
    let ms = own
        .or_else(|| dataset.number(0x0018_1063))
        .or_else(|| rate.map(|rate| 1000.0 / rate));
    let ms = ms.filter(|ms| *ms > 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped before the cast"
    )]
    ms.map_or(USUAL_HUNDREDTHS, |ms| {
        (ms / 10.0).round().clamp(1.0, 6000.0) as u16
    })
}

/// Several frames, each a part, drawn while they go out.
async fn parts(
    state: &Shared,
    instance: StoredInstance,
    numbers: Vec<u32>,
    wish: Wish,
    choice: Choice,
) -> Result<Response, ApiError> {
    let drawing = Drawing {
        state: Arc::clone(state),
        instance: Arc::new(instance),
        wish: Arc::new(wish),
        choice,
        boundary: boundary(),
    };
    // The first one is drawn before the answer begins, so that its fault is a status.
    let mut numbers = numbers.into_iter();
    let first = numbers.next().ok_or_else(ApiError::internal)?;
    let first = drawing.part(first, true).await?;
    let outer = multipart::content_type(&drawing.boundary, choice.format.media_type());
    let closing = multipart::closing(&drawing.boundary);
    let rest = stream::unfold(Some((drawing, numbers)), move |rest| {
        let closing = closing.clone();
        async move {
            let (drawing, mut numbers) = rest?;
            match numbers.next() {
                None => Some((Ok(Bytes::from(closing)), None)),
                Some(number) => match drawing.part(number, false).await {
                    Ok(part) => Some((Ok(part), Some((drawing, numbers)))),
                    Err(error) => Some((Err(io::Error::other(error.message)), None)),
                },
            }
        }
    });
    let start = stream::once(async { Ok(first) });
    let body = Body::from_stream(futures_util::StreamExt::chain(start, rest));
    answer(&outer, body)
}

/// What the parts of one answer share.
struct Drawing {
    state: Shared,
    instance: Arc<StoredInstance>,
    wish: Arc<Wish>,
    choice: Choice,
    boundary: String,
}

impl Drawing {
    async fn part(&self, number: u32, is_first: bool) -> Result<Bytes, ApiError> {
        let (instance, wish) = (Arc::clone(&self.instance), Arc::clone(&self.wish));
        let format = self.choice.format;
        let file = decoding(&self.state, move |state| {
            let drawn = draw(state, &instance, Some(number), &wish)?;
            Ok(drawn.and_then(|picture| picture.file(format, wish.quality)))
        });
        let file = file.await?.map_err(undrawn)?;
        let media_type = format.media_type();
        let head = multipart::part_head(&self.boundary, media_type, file.len(), is_first);
        Ok(Bytes::from([head.as_bytes(), &file].concat()))
    }
}
