//! Answers in bytes, passed on while they come: their parts are counted, what they say of themselves is checked and written
//! anew, and nothing of them is kept.
//!
//! Source: RFC 2046 section 5.1, DICOM PS3.18 sections 8.6 and 10.4.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::stream;
use protocol::dicomweb::media_type::MediaType;
use reqwest::Url;

use super::Upstream;
use super::address::{self, Place};
use super::asking::Answer;
use super::fault::Reason;

/// Most bytes in front of the first part, and of the header of a part.
const MOST_HEAD: usize = 8 << 10;
/// Most parts where their number is not known before.
const MOST_PARTS: usize = 100_000;

/// What an answer must be.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// Of which instance.
    pub place: Place,
    /// How many parts; `None` where that cannot be told.
    pub parts: Option<usize>,
}

/// An answer that is passed on.
#[derive(Debug)]
pub struct Relayed {
    /// Its media type, in our words.
    pub content_type: String,
    /// What follows.
    pub body: Body,
}

impl Relayed {
    /// Reads as far as the first part's payload, so that what is wrong until then is a status and not an answer that breaks
    /// off.
    pub(super) async fn begin(
        upstream: Arc<Upstream>,
        mut answer: Answer,
        expected: Expected,
    ) -> Result<Self, Reason> {
        let media = answer.media_type().ok_or(Reason::Broken)?;
        if media.essence != "multipart/related" {
            let media = payload_type(&media).ok_or(Reason::Broken)?;
            if expected.parts.is_some_and(|parts| parts != 1) {
                return Err(Reason::Broken);
            }
            let first = answer.piece().await?.unwrap_or_default();
            let relay = Relay {
                upstream,
                answer,
                parts: None,
            };
            return Ok(Self {
                content_type: media,
                body: relay.body(first),
            });
        }
        let boundary = media.parameter("boundary").filter(|it| is_boundary(it));
        let boundary = boundary.ok_or(Reason::Broken)?.to_owned();
        let mut parts = Parts::new(&boundary, expected, upstream.root.clone(), answer.url());
        let mut first = Vec::new();
        while first.is_empty() {
            let piece = answer.piece().await?.ok_or(Reason::Broken)?;
            first = parts.take(&piece)?;
        }
        let kind = parts.kind.clone();
        let content_type = format!("multipart/related; type=\"{kind}\"; boundary=\"{boundary}\"");
        let relay = Relay {
            upstream,
            answer,
            parts: Some(parts),
        };
        Ok(Self {
            content_type,
            body: relay.body(first.into()),
        })
    }
}

struct Relay {
    upstream: Arc<Upstream>,
    answer: Answer,
    parts: Option<Parts>,
}

impl Relay {
    /// What was read already, and then the rest. A fault breaks it off: the status has gone out.
    fn body(self, first: Bytes) -> Body {
        let rest = stream::unfold(Some(self), |relay| async move {
            let mut relay = relay?;
            match relay.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(relay))),
                Ok(None) => None,
                Err(reason) => {
                    relay.upstream.note::<()>(&Err(reason));
                    Some((Err(io::Error::other(reason.code())), None))
                }
            }
        });
        let first = stream::once(async { Ok(first) });
        Body::from_stream(futures_util::StreamExt::chain(first, rest))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Reason> {
        loop {
            let piece = self.answer.piece().await?;
            let Some(parts) = &mut self.parts else {
                return Ok(piece);
            };
            let Some(piece) = piece else {
                return parts.end().map(|()| None);
            };
            let piece = parts.take(&piece)?;
            if !piece.is_empty() {
                return Ok(Some(piece.into()));
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In front of the first part.
    Before,
    /// Behind a delimiter.
    Delimiter,
    /// In the header of a part.
    Header,
    /// In the payload of a part, of which so many bytes have come.
    Payload(u64),
    /// Behind the last part.
    After,
}

/// The parts of an answer, as they come.
struct Parts {
    /// Line feed, two dashes, boundary.
    delimiter: Vec<u8>,
    boundary: String,
    expected: Expected,
    root: Url,
    answered: Url,
    stage: Stage,
    waiting: Vec<u8>,
    count: usize,
    /// Length that the part's header names.
    length: Option<u64>,
    /// Media type of the last part, without parameters.
    kind: String,
}

impl Parts {
    fn new(boundary: &str, expected: Expected, root: Url, answered: &Url) -> Self {
        Self {
            delimiter: format!("\n--{boundary}").into_bytes(),
            boundary: boundary.to_owned(),
            expected,
            root,
            answered: answered.clone(),
            stage: Stage::Before,
            // The first delimiter may stand at the very front.
            waiting: b"\n".to_vec(),
            count: 0,
            length: None,
            kind: String::new(),
        }
    }

    /// Takes what has come, and returns what goes out.
    fn take(&mut self, piece: &[u8]) -> Result<Vec<u8>, Reason> {
        if self.stage == Stage::After {
            return Ok(Vec::new());
        }
        self.waiting.extend_from_slice(piece);
        let mut out = Vec::new();
        while self.step(&mut out)? {}
        Ok(out)
    }

    /// One step; `false` where more must come first.
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Reason> {
        match self.stage {
            Stage::Before => {
                let Some(at) = memchr::memmem::find(&self.waiting, &self.delimiter) else {
                    return bounded(&self.waiting);
                };
                self.waiting.drain(..at + self.delimiter.len());
                self.stage = Stage::Delimiter;
                Ok(true)
            }
            Stage::Delimiter => self.delimiter(out),
            Stage::Header => {
                let Some((header, length)) = header(&self.waiting) else {
                    return bounded(&self.waiting);
                };
                let head = self.head(&header)?;
                out.extend_from_slice(head.as_bytes());
                self.waiting.drain(..length);
                self.stage = Stage::Payload(0);
                Ok(true)
            }
            Stage::Payload(before) => Ok(self.payload(before, out)?),
            Stage::After => {
                self.waiting.clear();
                Ok(false)
            }
        }
    }

    fn delimiter(&mut self, out: &mut Vec<u8>) -> Result<bool, Reason> {
        if self.waiting.starts_with(b"--") {
            let has_all = self.expected.parts.is_none_or(|parts| parts == self.count);
            if self.count == 0 || !has_all {
                return Err(Reason::Broken);
            }
            out.extend_from_slice(format!("\r\n--{}--\r\n", self.boundary).as_bytes());
            self.stage = Stage::After;
            return Ok(true);
        }
        let Some(end) = memchr::memchr(b'\n', &self.waiting) else {
            return bounded(&self.waiting);
        };
        let is_blank = self.waiting[..end]
            .iter()
            .all(|byte| b" \t\r".contains(byte));
        if !is_blank {
            return Err(Reason::Broken);
        }
        // The header may be empty: its line feed is looked for from here.
        self.waiting.drain(..end);
        self.stage = Stage::Header;
        Ok(true)
    }

    /// Passes a payload on, but for its last bytes, which may be the front of a delimiter.
    fn payload(&mut self, before: u64, out: &mut Vec<u8>) -> Result<bool, Reason> {
        let found = memchr::memmem::find(&self.waiting, &self.delimiter);
        let Some(at) = found else {
            // And a carriage return in front of it.
            let keep = self.delimiter.len() + 1;
            let ready = self.waiting.len().saturating_sub(keep);
            out.extend(self.waiting.drain(..ready));
            self.stage = Stage::Payload(before + ready as u64);
            return Ok(false);
        };
        let end = match self.waiting[..at].last() {
            Some(b'\r') => at - 1,
            _ => at,
        };
        let length = before + end as u64;
        if self.length.is_some_and(|promised| promised != length) {
            return Err(Reason::Broken);
        }
        out.extend_from_slice(&self.waiting[..end]);
        self.waiting.drain(..at + self.delimiter.len());
        self.stage = Stage::Delimiter;
        Ok(true)
    }

    /// Checks the header of a part and writes it anew.
    fn head(&mut self, header: &str) -> Result<String, Reason> {
        self.count += 1;
        let most = self.expected.parts.unwrap_or(MOST_PARTS);
        if self.count > most {
            return Err(Reason::Broken);
        }
        let mut media = None;
        self.length = None;
        for line in header.lines() {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "content-type" => media = Some(MediaType::parse(value).ok_or(Reason::Broken)?),
                "content-length" => {
                    self.length = Some(value.parse().map_err(|_| Reason::Broken)?);
                }
                "content-encoding" | "content-transfer-encoding"
                    if !["identity", "binary"].contains(&value.to_ascii_lowercase().as_str()) =>
                {
                    return Err(Reason::Broken);
                }
                "content-location" => self.is_named(value)?,
                _ => {}
            }
        }
        let kind = match &media {
            Some(media) => payload_type(media).ok_or(Reason::Broken)?,
            None => "application/octet-stream".to_owned(),
        };
        self.kind = kind.split(';').next().unwrap_or_default().to_owned();
        let start = if self.count == 1 { "" } else { "\r\n" };
        let length = self
            .length
            .map(|length| format!("Content-Length: {length}\r\n"));
        Ok(format!(
            "{start}--{}\r\nContent-Type: {kind}\r\n{}\r\n",
            self.boundary,
            length.unwrap_or_default()
        ))
    }

    /// A part that says where it is from must be from the instance that was asked for.
    fn is_named(&self, location: &str) -> Result<(), Reason> {
        let Some(url) = address::own(&self.root, &self.answered, location) else {
            return Ok(());
        };
        let is_same = address::names(&self.expected.place, &url);
        is_same.then_some(()).ok_or(Reason::Mixed)
    }

    /// The answer is over.
    fn end(&self) -> Result<(), Reason> {
        let is_whole = self.stage == Stage::After;
        is_whole.then_some(()).ok_or(Reason::Broken)
    }
}

/// More must come, but not without end.
fn bounded(waiting: &[u8]) -> Result<bool, Reason> {
    if waiting.len() > MOST_HEAD {
        return Err(Reason::Broken);
    }
    Ok(false)
}

/// The header at the front, from the line feed before it, and how far it goes.
fn header(waiting: &[u8]) -> Option<(String, usize)> {
    let ends =
        ["\n\r\n", "\n\n"].map(|end| (memchr::memmem::find(waiting, end.as_bytes()), end.len()));
    let (at, length) = ends
        .into_iter()
        .filter_map(|(at, length)| Some((at?, length)))
        .min()?;
    let text = String::from_utf8_lossy(&waiting[..at]).into_owned();
    Some((text, at + length))
}

/// Characters of RFC 2046 section 5.1.1, but for the blank.
fn is_boundary(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    (1..=70).contains(&text.len()) && text.bytes().all(is_plain)
}

/// A media type of pixels or bytes, written anew; `None` for all that a browser could take for more.
fn payload_type(media: &MediaType) -> Option<String> {
    let (kind, subtype) = media.essence.split_once('/')?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_pixels = matches!(kind, "image" | "video")
        && (1..=32).contains(&subtype.len())
        && subtype.bytes().all(is_plain);
    if !is_pixels && media.essence != "application/octet-stream" {
        return None;
    }
    let is_uid = |text: &&str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit() || it == b'.')
    };
    let syntax = media.parameter("transfer-syntax").filter(is_uid);
    let syntax = syntax.map(|uid| format!("; transfer-syntax={uid}"));
    Some(format!("{}{}", media.essence, syntax.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
