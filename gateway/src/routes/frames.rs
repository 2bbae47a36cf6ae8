//! WADO-RS frames: as stored, or decoded, as the client's `Accept` says.
//!
//! Source: DICOM PS3.18 sections 8.7 and 10.4.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use futures_util::stream;
use protocol::dicomweb::media_type::{self, EXPLICIT_LITTLE_ENDIAN, FrameRange, OCTET_STREAM};
use protocol::dicomweb::multipart;

use super::accepted::Accepted;
use super::conditional::Tag;
use super::{answer, relayed};
use crate::auth::access::{Authorized, Pixels};
use crate::error::ApiError;
use crate::source::SourceError;
use crate::source::folder::StoredInstance;
use crate::source::folder::frames::{FrameError, FrameTable, StoredPixels};
use crate::source::folder::pieces::FramePieces;
use crate::source::folder::sniff::ENCAPSULATED_UNCOMPRESSED;
use crate::state::{Shared, State as AppState, blocking, decoding};
use crate::uncompressed;

/// Most frames of one request.
const MOST_FRAMES: usize = 10_000;
/// Boundary between parts; a part's length comes first, so it may occur inside.
const BOUNDARY: &str = "sagitta-frame-7c1f0a";

/// What goes out for each frame.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    multipart: bool,
    /// `Content-Type` of a frame without parameters.
    media_type: String,
    /// Transfer Syntax UID of what goes out.
    transfer_syntax: String,
    decode: bool,
}

impl Choice {
    fn content_type(&self) -> String {
        format!(
            "{}; transfer-syntax={}",
            self.media_type, self.transfer_syntax
        )
    }
}

/// One frame or several.
pub async fn frames(
    State(state): State<Shared>,
    authorized: Authorized<Pixels>,
    accepted: Accepted,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Authorized { target, study, .. } = authorized;
    let [series, sop] = target.series_and_instance()?;
    let numbers = parse_list(target.list.as_deref().unwrap_or_default())?;
    let ranges = accepted.frame_ranges();
    if let Some(upstream) = state.upstream(target.source.as_deref())? {
        let place = [series.as_str(), sop.as_str()];
        return relayed(upstream.frames(&study, place, &numbers, &ranges).await?);
    }
    let (instance, table) = blocking(&state, move |state| {
        let instance = state.store.instance(&study, &series, &sop)?;
        let table = state.store.frame_table(&instance)?;
        Ok((Arc::new(instance), table))
    })
    .await?;
    // A frame that is known to be missing is a status, and no answer that breaks off.
    for number in &numbers {
        instance
            .pixels
            .check(&table, *number)
            .map_err(SourceError::from)?;
    }
    let choice = choose(&ranges, &instance, numbers.len())?;
    let file = &instance.pixels.file;
    let tag = Tag::of(&[
        instance.sop.as_bytes(),
        &file.size.to_le_bytes(),
        &file.modified_ns.to_le_bytes(),
        format!("{choice:?} {numbers:?}").as_bytes(),
    ]);
    if tag.is_known(&headers) {
        return tag.not_modified();
    }
    let frames = Frames {
        state,
        instance,
        table,
        choice,
        numbers,
    };
    frames.respond().await.map(|response| tag.on(response))
}

/// All frames that are there, as stored: the pixels of an instance as one bulk value.
pub async fn all(state: Shared, instance: StoredInstance) -> Result<Response, ApiError> {
    let (instance, table, numbers) = blocking(&state, move |state| {
        let table = state.store.frame_table(&instance)?;
        let whole = |number: &u32| instance.pixels.check(&table, *number).is_ok();
        let numbers: Vec<u32> = (1..=instance.pixels.frame_count)
            .take_while(whole)
            .collect();
        if numbers.is_empty() {
            instance.pixels.check(&table, 1)?;
        }
        Ok((Arc::new(instance), table, numbers))
    })
    .await?;
    let choice = Choice {
        multipart: true,
        media_type: OCTET_STREAM.to_owned(),
        transfer_syntax: instance.pixels.transfer_syntax.clone(),
        decode: false,
    };
    let frames = Frames {
        state,
        instance,
        table,
        choice,
        numbers,
    };
    frames.respond().await
}

/// Frame numbers, with commas between them.
pub(super) fn parse_list(list: &str) -> Result<Vec<u32>, ApiError> {
    let bad = |message: &str| ApiError::bad_request("frame_invalid", message);
    let numbers: Vec<u32> = list
        .split(',')
        .map(|text| text.trim().parse::<u32>())
        .collect::<Result<_, _>>()
        .map_err(|_| bad("frames are named by whole numbers from 1, with commas between them"))?;
    if numbers.contains(&0) {
        return Err(bad("frame numbers count from 1"));
    }
    if numbers.len() > MOST_FRAMES {
        return Err(bad("too many frames in one request"));
    }
    Ok(numbers)
}

/// The first of the client's ranges that can be met.
fn choose(
    ranges: &[FrameRange],
    instance: &StoredInstance,
    frame_count: usize,
) -> Result<Choice, ApiError> {
    let stored = instance.pixels.transfer_syntax.as_str();
    let native = instance.pixels.is_native();
    let stored_media = media_type::of_transfer_syntax(stored);
    let mut only_one = false;
    for range in ranges {
        let Some(decode) = meets(range, stored, native, stored_media) else {
            continue;
        };
        if !range.multipart && frame_count != 1 {
            only_one = true;
            continue;
        }
        let plain = decode || native;
        let media_type = match range.media_type.as_str() {
            _ if plain => OCTET_STREAM,
            OCTET_STREAM => OCTET_STREAM,
            _ => stored_media,
        };
        return Ok(Choice {
            multipart: range.multipart,
            media_type: media_type.to_owned(),
            transfer_syntax: if plain {
                EXPLICIT_LITTLE_ENDIAN
            } else {
                stored
            }
            .to_owned(),
            decode,
        });
    }
    Err(ApiError::not_acceptable(if only_one {
        "several frames come as multipart/related only".to_owned()
    } else {
        format!(
            "these frames come as application/octet-stream ({EXPLICIT_LITTLE_ENDIAN}), or as \
             stored with transfer-syntax=*"
        )
    }))
}

/// Whether a range can be met: `Some(true)` by decoding, `Some(false)` as stored.
fn meets(range: &FrameRange, stored: &str, native: bool, stored_media: &str) -> Option<bool> {
    let wanted = range.transfer_syntax.as_deref();
    let any = range.media_type == "*/*";
    if any || matches!(range.media_type.as_str(), OCTET_STREAM | "application/*") {
        return match wanted {
            // Native pixels go out uncompressed whatever is asked for.
            None | Some("*" | EXPLICIT_LITTLE_ENDIAN) if native => Some(false),
            None | Some(EXPLICIT_LITTLE_ENDIAN) => Some(true),
            Some("*") => Some(false),
            Some(uid) => (uid == stored && !native).then_some(false),
        };
    }
    let kind = stored_media.split('/').next().unwrap_or_default();
    let media = range.media_type == stored_media
        || range.media_type == format!("{kind}/*")
        // Names of before 2018 that clients still send.
        || range.media_type.replace("/x-", "/") == stored_media;
    let syntax = match wanted {
        None | Some("*") => true,
        Some(uid) => uid == stored,
    };
    (!native && media && syntax).then_some(false)
}

/// What one request asks for.
#[derive(Clone)]
struct Frames {
    state: Shared,
    instance: Arc<StoredInstance>,
    table: Arc<FrameTable>,
    choice: Choice,
    numbers: Vec<u32>,
}

impl Frames {
    async fn respond(self) -> Result<Response, ApiError> {
        let content_type = self.choice.content_type();
        // The first frame is opened before the answer begins, so that its fault is a status.
        let first = self.open(0).await?;
        let is_multipart = self.choice.multipart;
        let (media, around) = if is_multipart {
            let head = multipart::part_head(BOUNDARY, &content_type, first.length, true);
            let outer = multipart::content_type(BOUNDARY, &self.choice.media_type);
            (outer, head.len() + multipart::closing(BOUNDARY).len())
        } else {
            (content_type, 0)
        };
        let length = (self.numbers.len() == 1).then_some(first.length + around);
        let outgoing = Outgoing {
            frames: self,
            index: 0,
            at: At::Head(first),
        };
        let body = Body::from_stream(stream::unfold(outgoing, Outgoing::step));
        let mut response = answer(&media, body)?;
        if let Some(length) = length {
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        Ok(response)
    }

    /// Reads the beginning of a frame, or all of it.
    async fn open(&self, index: usize) -> Result<Opened, ApiError> {
        let number = self.numbers.get(index).copied().unwrap_or_default();
        let (instance, table) = (Arc::clone(&self.instance), Arc::clone(&self.table));
        // The fragments of this syntax are native little endian frames.
        let is_plain = instance.pixels.transfer_syntax == ENCAPSULATED_UNCOMPRESSED;
        let decode = self.choice.decode && !is_plain;
        let read = move |state: &AppState| {
            if !decode {
                return Ok(Ok(Opened::stored(&instance.pixels, &table, number)?));
            }
            let stored = instance.pixels.read_frame(&table, number)?;
            let dataset = state.store.dataset(&instance)?;
            let frame = uncompressed::frame(&stored, &instance.pixels, &dataset, &state.limits);
            Ok(frame.map(Opened::whole))
        };
        let frame = if decode {
            decoding(&self.state, read).await?
        } else {
            blocking(&self.state, read).await?
        };
        frame.map_err(|error| {
            ApiError::not_acceptable(format!("this frame cannot be decoded here: {error}"))
        })
    }
}

/// A frame that begins to go out.
struct Opened {
    /// Bytes in all.
    length: usize,
    first: Bytes,
    rest: Option<Box<FramePieces>>,
}

impl Opened {
    fn whole(frame: Vec<u8>) -> Self {
        Self {
            length: frame.len(),
            first: frame.into(),
            rest: None,
        }
    }

    fn stored(pixels: &StoredPixels, table: &FrameTable, number: u32) -> Result<Self, FrameError> {
        let Some(mut pieces) = pixels.pieces(table, number)? else {
            return Ok(Self::whole(pixels.read_frame(table, number)?));
        };
        let length = usize::try_from(pieces.length()).map_err(|_| FrameError::NoSize)?;
        let first = pieces.read()?.unwrap_or_default();
        Ok(Self {
            length,
            first: first.into(),
            rest: Some(Box::new(pieces)),
        })
    }
}

/// Frames on their way out.
struct Outgoing {
    frames: Frames,
    /// Of the frame that goes out.
    index: usize,
    at: At,
}

/// What goes out next.
enum At {
    Head(Opened),
    First(Opened),
    Rest(Box<FramePieces>),
    Between,
    Over,
}

impl Outgoing {
    /// A fault breaks the answer off: its status has gone out already.
    async fn step(mut self) -> Option<(Result<Bytes, io::Error>, Self)> {
        let broken = |error: ApiError| Err(io::Error::other(error.message));
        let is_multipart = self.frames.choice.multipart;
        loop {
            match std::mem::replace(&mut self.at, At::Over) {
                At::Head(opened) => {
                    let length = opened.length;
                    self.at = At::First(opened);
                    if is_multipart {
                        let kind = self.frames.choice.content_type();
                        let is_first = self.index == 0;
                        let head = multipart::part_head(BOUNDARY, &kind, length, is_first);
                        return Some((Ok(Bytes::from(head)), self));
                    }
                }
                At::First(opened) => {
                    self.at = opened.rest.map_or(At::Between, At::Rest);
                    return Some((Ok(opened.first), self));
                }
                At::Rest(mut pieces) => {
                    let read = blocking(&self.frames.state, move |_| {
                        let piece = pieces.read()?;
                        Ok((piece, pieces))
                    });
                    match read.await {
                        Ok((Some(piece), pieces)) => {
                            self.at = At::Rest(pieces);
                            return Some((Ok(Bytes::from(piece)), self));
                        }
                        Ok((None, _)) => self.at = At::Between,
                        Err(error) => return Some((broken(error), self)),
                    }
                }
                At::Between => {
                    self.index += 1;
                    if self.index < self.frames.numbers.len() {
                        match self.frames.open(self.index).await {
                            Ok(opened) => self.at = At::Head(opened),
                            Err(error) => return Some((broken(error), self)),
                        }
                    } else if is_multipart {
                        let end = multipart::closing(BOUNDARY);
                        return Some((Ok(Bytes::from(end)), self));
                    }
                }
                At::Over => return None,
            }
        }
    }
}
