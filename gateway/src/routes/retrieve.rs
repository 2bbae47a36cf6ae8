//! WADO-RS: whole instances of a study, of a series, or one, as DICOM files.
//!
//! It takes files away, as the ZIP archive does: it asks for the same right, with a reason where policies want one, and is on
//! record in the same way. Nothing is read before the line takes it: a slow client holds one piece of a file beside what its
//! connection has yet to send, and no thread.
//! Source: DICOM PS3.18 sections 8.7.3 (media types), 10.4.1.1.1 (instance resources), 10.4.3.3.1 (payload).

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH};
use axum::response::Response;
use futures_util::stream;
use protocol::dicomweb::media_type::{EXPLICIT_LITTLE_ENDIAN, MediaType, frame_range};
use protocol::dicomweb::multipart;

use super::accepted::Accepted;
use super::{Pairs, Target, answer};
use crate::audit::chain::hex;
use crate::audit::event::Kind;
use crate::auth::access::Anybody;
use crate::auth::policy::Action;
use crate::auth::secret::random;
use crate::error::ApiError;
use crate::source::SourceError;
use crate::source::folder::whole::{Chosen, Form, Part10};
use crate::state::{Shared, blocking, decoding};

/// Media type of a DICOM file.
pub const DICOM: &str = "application/dicom";

/// How instances go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice {
    multipart: bool,
    form: Form,
}

/// All instances of what the address names.
pub async fn retrieve(
    State(state): State<Shared>,
    anybody: Anybody,
    target: Target,
    Pairs(pairs): Pairs,
    accepted: Accepted,
) -> Result<Response, ApiError> {
    let reason = pairs.iter().find(|(name, _)| name == "reason");
    let reason = reason.map(|(_, text)| text.as_str()).unwrap_or_default();
    if state.upstream(target.source.as_deref())?.is_some() {
        let message = "the files of this source are taken away at its own hospital";
        return Err(ApiError::not_found("files_unavailable", message));
    }
    let study = anybody
        .pass(&state, Action::Download, Kind::Exported, &target, reason)
        .await?;
    let chosen = blocking(&state, move |state| {
        let (series, instance) = (target.series.as_deref(), target.instance.as_deref());
        state.store.chosen(&study, series, instance)
    })
    .await?;
    send(state, chosen, &accepted).await
}

/// Sends instances that may be taken away.
pub(super) async fn send(
    state: Shared,
    chosen: Chosen,
    accepted: &Accepted,
) -> Result<Response, ApiError> {
    let choice = accepted
        .first(|media| choose(media, &chosen))
        .ok_or_else(|| refused(&chosen))?;
    let mut ids = chosen.ids.into_iter();
    let first = ids.next().ok_or(SourceError::InstanceUnknown)?;
    // The first instance is found before the answer begins, so that its fault is a status.
    let part = open(&state, first, choice.form).await?;
    if !choice.multipart {
        return single(state, part);
    }
    let boundary = boundary();
    let content_type = multipart::content_type(&boundary, DICOM);
    let outgoing = Outgoing {
        state,
        ids,
        form: choice.form,
        boundary,
        at: At::Head {
            part: Box::new(part),
            is_first: true,
        },
    };
    let stream = stream::unfold(outgoing, Outgoing::step);
    answer(&content_type, Body::from_stream(stream))
}

/// One file as the whole body.
fn single(state: Shared, part: Part10) -> Result<Response, ApiError> {
    let content_type = format!("{DICOM}; transfer-syntax={}", part.transfer_syntax);
    let length = part.length;
    let stream = stream::unfold(Some((state, part)), |rest| async move {
        let (state, part) = rest?;
        match piece(&state, part).await {
            Ok((part, Some(bytes))) => Some((Ok(bytes), Some((state, part)))),
            Ok((_, None)) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut response = answer(&content_type, Body::from_stream(stream))?;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    let name = HeaderValue::from_static("attachment; filename=\"image.dcm\"");
    headers.insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Whether a range can be met, and how. Without a transfer syntax it is Explicit VR Little Endian (PS3.18 section 8.7.3.5.2).
fn choose(media: &MediaType, chosen: &Chosen) -> Option<Choice> {
    let range = frame_range(media);
    let is_dicom = matches!(range.media_type.as_str(), DICOM | "application/*" | "*/*");
    // One file is no list of files; several are no single one.
    if !is_dicom || (!range.multipart && chosen.ids.len() != 1) {
        return None;
    }
    let form = match range.transfer_syntax.as_deref() {
        Some("*") => Form::Stored,
        None | Some(EXPLICIT_LITTLE_ENDIAN) => match chosen.undecodable() {
            None => Form::Explicit,
            Some(_) => return None,
        },
        Some(uid) if chosen.stored_syntax() == Some(uid) => Form::Stored,
        Some(_) => return None,
    };
    Some(Choice {
        multipart: range.multipart,
        form,
    })
}

fn refused(chosen: &Chosen) -> ApiError {
    let single = match chosen.ids.len() {
        1 => "application/dicom, or ",
        _ => "",
    };
    let decoded = match chosen.undecodable() {
        None => format!("as {EXPLICIT_LITTLE_ENDIAN}, or "),
        Some(_) => String::new(),
    };
    ApiError::not_acceptable(format!(
        "this goes out as {single}multipart/related; type=\"application/dicom\", {decoded}as stored \
         with transfer-syntax=*"
    ))
}

/// A boundary that no file can know.
pub(super) fn boundary() -> String {
    let bits = random::<12>().unwrap_or_default();
    format!("sagitta-{}", hex(&bits))
}

async fn open(state: &Shared, id: i64, form: Form) -> Result<Part10, ApiError> {
    let work = move |state: &crate::state::State| state.store.part10(id, form, &state.limits);
    match form {
        Form::Stored => blocking(state, work).await,
        // A first frame may have to be decoded.
        Form::Explicit => decoding(state, work).await,
    }
}

/// The next piece of a file.
async fn piece(state: &Shared, mut part: Part10) -> Result<(Part10, Option<Bytes>), io::Error> {
    let decodes = part.decodes_next();
    let work = move |state: &crate::state::State| {
        let piece = part.next(&state.limits)?;
        Ok::<_, SourceError>((part, piece.map(Bytes::from)))
    };
    let read = match decodes {
        true => decoding(state, work).await,
        false => blocking(state, work).await,
    };
    // The status has gone out already: the answer breaks off, so that nobody takes it for whole.
    read.map_err(|error| io::Error::other(error.message))
}

/// Files on their way out.
struct Outgoing {
    state: Shared,
    ids: std::vec::IntoIter<i64>,
    form: Form,
    boundary: String,
    at: At,
}

/// What goes out next.
enum At {
    Head { part: Box<Part10>, is_first: bool },
    Body(Box<Part10>),
    Between,
    Over,
}

impl Outgoing {
    async fn step(mut self) -> Option<(Result<Bytes, io::Error>, Self)> {
        loop {
            match std::mem::replace(&mut self.at, At::Over) {
                At::Head { part, is_first } => {
                    let kind = format!("{DICOM}; transfer-syntax={}", part.transfer_syntax);
                    let length = usize::try_from(part.length).unwrap_or(usize::MAX);
                    let head = multipart::part_head(&self.boundary, &kind, length, is_first);
                    self.at = At::Body(part);
                    return Some((Ok(Bytes::from(head)), self));
                }
                At::Body(part) => match piece(&self.state, *part).await {
                    Ok((part, Some(bytes))) => {
                        self.at = At::Body(Box::new(part));
                        return Some((Ok(bytes), self));
                    }
                    Ok((_, None)) => self.at = At::Between,
                    Err(error) => return Some((Err(error), self)),
                },
                At::Between => match self.ids.next() {
                    Some(id) => match open(&Arc::clone(&self.state), id, self.form).await {
                        Ok(part) => {
                            let part = Box::new(part);
                            self.at = At::Head {
                                part,
                                is_first: false,
                            };
                        }
                        Err(error) => {
                            return Some((Err(io::Error::other(error.message)), self));
                        }
                    },
                    None => {
                        let end = multipart::closing(&self.boundary);
                        return Some((Ok(Bytes::from(end)), self));
                    }
                },
                At::Over => return None,
            }
        }
    }
}
