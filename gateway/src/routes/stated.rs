//! Pictures as presentation states say: of a state by itself, and of an image by a state that is named beside it.
//!
//! State and image are both of the study that was permitted: nothing of another one is looked up.
//! Source: DICOM PS3.18 sections 9.5.2.3 (presentation states over WADO-URI) and 10.4.1.1.3 (rendered resources).

use axum::http::header::WARNING;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use protocol::dicomweb::json::Dataset;

use super::conditional::Tag;
use super::rendered::{Choice, sent, undrawn};
use crate::auth::access::StudyPass;
use crate::drawing::state::{Kind, PresentationState, Reference, Shown, kind, references};
use crate::drawing::wish::Wish;
use crate::drawing::{self, DrawError, annotation, stated};
use crate::error::ApiError;
use crate::source::SourceError;
use crate::source::folder::StoredInstance;
use crate::state::{Shared, State as AppState, blocking, decoding};

/// Most images of a state that are looked for in the store.
const MOST_REFERENCES: usize = 1000;

/// A picture, and what was not drawn of its state.
type Drawn = (drawing::Picture, Vec<String>);

/// A grayscale presentation state of the store.
pub(super) struct State {
    stored: StoredInstance,
    set: Dataset,
}

impl State {
    /// The state that an instance is; `None` for anything else.
    ///
    /// # Errors
    /// It is of a kind that is not drawn, or cannot be read.
    pub(super) async fn of(
        state: &Shared,
        stored: &StoredInstance,
    ) -> Result<Option<Self>, ApiError> {
        let stored = stored.clone();
        let read = blocking(state, move |state| {
            let set = state.store.dataset(&stored)?;
            Ok((stored, set))
        });
        let (stored, set) = read.await?;
        match kind(&set) {
            None => Ok(None),
            Some(Kind::Grayscale) => Ok(Some(Self { stored, set })),
            Some(Kind::Other) => {
                let message = "of presentation states only grayscale softcopy ones are drawn here";
                Err(not_acceptable("state_unknown", message))
            }
        }
    }

    /// The first image of the state that is here, in its first frame.
    ///
    /// # Errors
    /// No image of it is here, or it cannot be drawn.
    pub(super) async fn alone(
        self,
        state: &Shared,
        study: StudyPass,
        wish: &Wish,
        choice: Choice,
        headers: &HeaderMap,
    ) -> Result<Response, ApiError> {
        let wanted = references(&self.set);
        let found = blocking(state, move |state| first(state, &study, wanted));
        let (image, reference) = found.await?.ok_or_else(|| {
            let message = "no image that this presentation state is for is here";
            ApiError::not_found("state_image_unknown", message)
        })?;
        let number = reference.frames.first().copied().unwrap_or(1);
        self.answer(state, image, number, wish, choice, headers)
            .await
    }

    /// An image as the state says; without a number in the first frame that the state is for.
    ///
    /// # Errors
    /// The state is not for this image or frame, or it cannot be drawn.
    pub(super) async fn on(
        self,
        state: &Shared,
        image: StoredInstance,
        number: Option<u32>,
        wish: &Wish,
        choice: Choice,
        headers: &HeaderMap,
    ) -> Result<Response, ApiError> {
        let wanted = references(&self.set);
        let is_it = |reference: &&Reference| {
            reference.instance == image.sop
                && number.is_none_or(|number| {
                    reference.frames.is_empty() || reference.frames.contains(&number)
                })
        };
        let Some(reference) = wanted.iter().find(is_it) else {
            let message = "the presentation state is not for this image, or not for this frame";
            return Err(not_acceptable("state_of_another_image", message));
        };
        let number = number.unwrap_or(reference.frames.first().copied().unwrap_or(1));
        self.answer(state, image, number, wish, choice, headers)
            .await
    }

    async fn answer(
        self,
        state: &Shared,
        image: StoredInstance,
        number: u32,
        wish: &Wish,
        choice: Choice,
        headers: &HeaderMap,
    ) -> Result<Response, ApiError> {
        if wish.window.is_some() || wish.part.is_some() {
            let message =
                "window and part are what the presentation state says: leave them out of the query";
            return Err(ApiError::bad_request("state_decides", message));
        }
        let asked = format!("{number} {choice:?} {wish:?}");
        let tag = tag([&self.stored, &image], &asked);
        if tag.is_known(headers) {
            return tag.not_modified();
        }
        let wish = wish.clone();
        let drawn = decoding(state, move |state| {
            let drawn = self.draw(state, &image, number, &wish)?;
            Ok(drawn.and_then(|(picture, notes)| {
                let file = picture.file(choice.format, wish.quality)?;
                Ok((file, notes))
            }))
        });
        let (file, notes) = drawn.await?.map_err(undrawn)?;
        let response = warned(sent(&file, choice)?, &state.root(None)?, &notes)?;
        Ok(tag.on(response))
    }

    fn draw(
        &self,
        state: &AppState,
        image: &StoredInstance,
        number: u32,
        wish: &Wish,
    ) -> Result<Result<Drawn, DrawError>, SourceError> {
        let dataset = state.store.dataset(image)?;
        let table = state.store.frame_table(image)?;
        let frame = image.pixels.read_frame(&table, number)?;
        let index = number.saturating_sub(1);
        let of_image = |tag| state.store.value(image, &dataset, tag);
        let of_state = |path: &str| {
            let value = state.store.bulk(&self.stored, path).ok()?;
            value.read(0, value.length).ok()
        };
        let drawn = || -> Result<Drawn, DrawError> {
            let instance = drawing::instance(&dataset, index, &of_image)?;
            let shown = Shown {
                instance: &image.sop,
                number,
                is_signed: instance.format.as_ref().is_ok_and(|format| format.signed),
            };
            let own = PresentationState::of(&self.set, &shown, &of_state)?;
            let (pixels, limits) = (&image.pixels, &state.limits);
            let (mut drawn, notes) =
                stated::draw(&frame, pixels, &instance, index, &own, wish, limits)?;
            annotation::write(&mut drawn, &dataset, instance.frame(index), wish.annotation)?;
            Ok((drawn.picture, notes))
        };
        Ok(drawn())
    }
}

fn not_acceptable(code: &'static str, message: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_ACCEPTABLE, code, message)
}

/// The first image that the store has, of those that may be looked for with this pass.
fn first(
    state: &AppState,
    study: &StudyPass,
    wanted: Vec<Reference>,
) -> Result<Option<(StoredInstance, Reference)>, SourceError> {
    for reference in wanted.into_iter().take(MOST_REFERENCES) {
        let found = state
            .store
            .instance(study, &reference.series, &reference.instance);
        match found {
            Ok(image) if image.pixels.place.is_some() => return Ok(Some((image, reference))),
            Ok(_) | Err(SourceError::SeriesUnknown | SourceError::InstanceUnknown) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// What an answer depends on: both files, and how it is asked for.
fn tag(files: [&StoredInstance; 2], asked: &str) -> Tag {
    let [state, image] = files.map(|stored| {
        let file = &stored.pixels.file;
        let (size, modified) = (file.size.to_le_bytes(), file.modified_ns.to_le_bytes());
        [stored.sop.as_bytes(), &size, &modified].concat()
    });
    Tag::of(&[&state, &image, asked.as_bytes()])
}

/// Says what is not drawn, as `Warning: 299`.
fn warned(mut response: Response, service: &str, notes: &[String]) -> Result<Response, ApiError> {
    for note in notes {
        // Words of ours: nothing of the state's own text is among them.
        let text = format!("299 {service}: \"{note}\"");
        let text = HeaderValue::from_str(&text).map_err(|_| ApiError::internal())?;
        response.headers_mut().append(WARNING, text);
    }
    Ok(response)
}
