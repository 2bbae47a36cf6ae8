//! Frames of a source, asked for in the ways that it knows.
//!
//! A client that takes frames as they are stored gets them however the source gives them: as frames, cut out of whole
//! instances, or decoded by the source. What works is remembered, so that nothing is asked for twice
//! in vain. What else a client asks for is passed on as it stands.
//! Source: DICOM PS3.18 sections 8.7.3 and 10.4.

use std::ops::Range;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use protocol::dicomweb::asking::Way;
use protocol::dicomweb::json::Dataset;
use protocol::dicomweb::media_type::{EXPLICIT_LITTLE_ENDIAN, FrameRange, OCTET_STREAM};
use protocol::dicomweb::multipart;
use protocol::dicomweb::part10::{self, Part10Error, PixelData};
use protocol::dicomweb::part10_header;
use serde_json::{Map, Value};

use super::Upstream;
use super::address::Place;
use super::asking::Form;
use super::fault::Reason;
use super::parts::{Expected, Relayed};
use super::sets::Head;

/// Largest instance that is kept for its next frames, bytes.
const MOST_KEPT: usize = 128 << 20;
/// Frames of an answer that are cut out of an instance; the boundary between them.
const BOUNDARY: &str = "sagitta-frames";

/// Whole instances, of which one of a source is in memory at a time.
#[derive(Debug, Default)]
pub(super) struct Instances {
    /// That of the last frame that was cut. Held while one is fetched: its other frames wait for it.
    last: tokio::sync::Mutex<Option<Arc<Whole>>>,
    /// Held while one is fetched for its header.
    pub headers: tokio::sync::Mutex<()>,
}

/// A whole instance.
#[derive(Debug)]
struct Whole {
    place: Place,
    file: Bytes,
    pixels: PixelData,
    frames: usize,
    /// Of one native frame.
    bits: usize,
}

/// What is asked for.
pub(super) struct Wanted<'a> {
    pub place: &'a Place,
    /// Its path, with the numbers of the frames.
    pub path: &'a str,
    pub numbers: &'a [u32],
    /// What the client takes.
    pub accept: &'a [FrameRange],
}

impl Upstream {
    /// Frames in the first way that the source knows.
    pub(super) async fn frames_somehow(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
    ) -> Result<Relayed, Reason> {
        let accept = super::values::accept_of(wanted.accept).ok_or(Reason::NotAcceptable)?;
        let series = wanted.place.series.clone().unwrap_or_default();
        if !takes_stored(wanted.accept) {
            return self.frames_as(wanted, &accept).await;
        }
        // Whoever asks for what is stored is given colours as the source decodes them in the last place only: many
        // servers turn them to RGB and do not say so.
        let ways = self.learnt.with(|known| known.of(&series, true));
        let (mut refused, mut refusal) = (Vec::new(), None);
        let mut lacks_frames = false;
        for way in ways {
            if lacks_frames && !way.is_whole() {
                continue;
            }
            let answer = match way {
                Way::Stored => self.frames_as(wanted, &accept).await,
                Way::Decoded => self.frames_as(wanted, way.accept()).await,
                Way::Whole | Way::WholeAlone => self.frames_cut(wanted, way).await,
            };
            let reason = match answer {
                Ok(relayed) => {
                    self.learnt
                        .with(|known| known.worked(&series, way, &refused));
                    return Ok(relayed);
                }
                Err(reason) => reason,
            };
            let may_lack = self.learnt.with(|known| known.may_lack_frames());
            if reason == Reason::NotFound && !way.is_whole() && may_lack {
                lacks_frames = true;
                refused = vec![Way::Stored, Way::Decoded];
            } else if reason == Reason::NotAcceptable {
                refused.push(way);
            } else {
                return Err(refusal.unwrap_or(reason));
            }
            refusal.get_or_insert(reason);
        }
        Err(refusal.unwrap_or(Reason::NotAcceptable))
    }

    async fn frames_as(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        accept: &str,
    ) -> Result<Relayed, Reason> {
        let url = self.url(wanted.path, "")?;
        let answer = self.ask(url, Form::Bytes(accept)).await?;
        let expected = Expected {
            place: wanted.place.clone(),
            parts: Some(wanted.numbers.len()),
        };
        Relayed::begin(Arc::clone(self), answer, expected).await
    }

    /// Cuts frames out of their instance.
    async fn frames_cut(&self, wanted: &Wanted<'_>, way: Way) -> Result<Relayed, Reason> {
        let mut kept = self.instances.last.lock().await;
        let known = kept.as_ref().filter(|it| it.place == *wanted.place);
        let whole = match known {
            Some(whole) => Arc::clone(whole),
            None => {
                *kept = None;
                let file = self.whole_file(wanted.place, way).await?;
                let whole = Arc::new(Whole::of(wanted.place, file)?);
                if whole.file.len() <= MOST_KEPT {
                    *kept = Some(Arc::clone(&whole));
                }
                whole
            }
        };
        drop(kept);
        whole.answer(wanted.numbers)
    }

    /// A whole instance as it is stored.
    pub(super) async fn whole_file(&self, place: &Place, way: Way) -> Result<Vec<u8>, Reason> {
        let url = self.url(&place.path().ok_or(Reason::NotFound)?, "")?;
        let answer = self.ask(url, Form::Bytes(way.accept())).await?;
        let kind = answer.content_type().ok_or(Reason::Broken)?.to_owned();
        let mut body = answer.whole().await?;
        let start = multipart::first_payload(&kind, &body).map_err(|_| Reason::Broken)?;
        let parts = multipart::parse(&kind, &body).map_err(|_| Reason::Broken)?;
        let [part] = parts.as_slice() else {
            return Err(Reason::Broken);
        };
        let length = part.body.len();
        body.truncate(start + length);
        body.drain(..start);
        Ok(body)
    }
}

/// Bytes of a file.
fn reader(file: &[u8]) -> impl Fn(Range<usize>) -> Vec<u8> + '_ {
    |range| {
        let end = range.end.min(file.len());
        file.get(range.start..end).unwrap_or_default().to_vec()
    }
}

/// The header of a whole instance, which must be the one that was asked for.
pub(super) fn header_of(place: &Place, file: &[u8]) -> Result<Map<String, Value>, Reason> {
    let set = part10_header::header(&reader(file)).map_err(reason_of)?;
    let text = serde_json::to_string(&set).map_err(|_| Reason::Broken)?;
    if !Head::of(&text)?.is_of(place) {
        return Err(Reason::Mixed);
    }
    Ok(set)
}

impl Whole {
    fn of(place: &Place, file: Vec<u8>) -> Result<Self, Reason> {
        let set = Dataset::from_map(header_of(place, &file)?);
        let pixels = part10::find(&reader(&file)).map_err(reason_of)?;
        let number = |tag| set.whole(tag).map(u64::from);
        // PS3.3 C.7.6.3: samples of one pixel, or two for each pixel where chroma is shared.
        let samples = match set.text(0x0028_0004).as_deref() {
            Some("YBR_FULL_422") => Some(2),
            _ => number(0x0028_0002),
        };
        let of_frame = [0x0028_0010, 0x0028_0011, 0x0028_0100].map(number);
        let bits = of_frame
            .into_iter()
            .chain([samples])
            .try_fold(1_u64, |product, number| product.checked_mul(number?))
            .and_then(|bits| usize::try_from(bits).ok())
            .filter(|bits| *bits > 0)
            .ok_or(Reason::NotAcceptable)?;
        let frames = number(0x0028_0008).unwrap_or(1).max(1);
        Ok(Self {
            place: place.clone(),
            pixels,
            frames: usize::try_from(frames).map_err(|_| Reason::Broken)?,
            bits,
            file: Bytes::from(file),
        })
    }

    /// Frames by their numbers, counted from 1, in parts.
    fn answer(&self, numbers: &[u32]) -> Result<Relayed, Reason> {
        let read = reader(&self.file);
        let kind = format!(
            "{OCTET_STREAM}; transfer-syntax={}",
            match self.pixels.transfer_syntax.as_str() {
                // Native pixels of both little endians are the same bytes.
                "1.2.840.10008.1.2" => EXPLICIT_LITTLE_ENDIAN,
                syntax => syntax,
            }
        );
        // Pieces of the one file, however often a frame is named.
        let mut pieces = Vec::new();
        for (index, number) in numbers.iter().enumerate() {
            let frame = (*number as usize).checked_sub(1).ok_or(Reason::NotFound)?;
            if frame >= self.frames {
                return Err(Reason::NotFound);
            }
            let ranges = self.pixels.frame(&read, frame, self.frames, self.bits);
            let ranges = ranges.map_err(reason_of)?;
            let length = ranges.iter().map(ExactSizeIterator::len).sum();
            pieces.push(multipart::part_head(BOUNDARY, &kind, length, index == 0).into());
            for range in ranges {
                if range.end > self.file.len() {
                    return Err(Reason::Broken);
                }
                pieces.push(self.file.slice(range));
            }
        }
        pieces.push(multipart::closing(BOUNDARY).into());
        let pieces = pieces
            .into_iter()
            .map(Ok::<Bytes, std::convert::Infallible>);
        Ok(Relayed {
            content_type: multipart::content_type(BOUNDARY, OCTET_STREAM),
            body: Body::from_stream(futures_util::stream::iter(pieces)),
        })
    }
}

/// A file from which nothing can be cut may still be given in another way.
fn reason_of(error: Part10Error) -> Reason {
    match error {
        Part10Error::NotAFile | Part10Error::BreaksOff => Reason::Broken,
        _ => Reason::NotAcceptable,
    }
}

/// Whether a client takes frames in parts, in whatever transfer syntax they are stored.
fn takes_stored(accept: &[FrameRange]) -> bool {
    accept.iter().any(|range| {
        range.multipart
            && range.transfer_syntax.as_deref() == Some("*")
            && [OCTET_STREAM, "*/*"].contains(&range.media_type.as_str())
    })
}

#[cfg(test)]
mod tests {
    use protocol::dicomweb::media_type::parse_accept;

    use super::*;

    #[test]
    fn only_who_takes_whatever_is_stored_is_given_it_in_another_way() {
        for (accept, takes) in [
            (Way::Stored.accept(), true),
            ("multipart/related; type=\"*/*\"; transfer-syntax=*", true),
            ("application/octet-stream; transfer-syntax=*", false),
            (
                "multipart/related; type=\"application/octet-stream\"",
                false,
            ),
            (
                "multipart/related; type=\"image/jls\"; transfer-syntax=*",
                false,
            ),
            ("*/*", false),
        ] {
            assert_eq!(takes_stored(&parse_accept(accept)), takes, "{accept}");
        }
    }
}
