//! One request to a source: where it may go, how long it may take, how much it may bring.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use protocol::dicomweb::media_type::MediaType;
use reqwest::{Response, Url};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::fault::Reason;
use super::{Upstream, address};

/// How much longer than its patience a whole answer in JSON may take, and any other answer.
const JSON_TIMES: u32 = 4;
const STREAM_TIMES: u32 = 40;

/// What is asked for, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// Data sets, compressed on the way.
    Json,
    /// Something of these media types, as it is.
    Bytes(&'a str),
}

/// An answer whose body is on its way; its place among the requests is taken until it is dropped.
#[derive(Debug)]
pub(super) struct Answer {
    response: Response,
    url: Url,
    left: u64,
    patience: Duration,
    end: Instant,
    _slot: OwnedSemaphorePermit,
}

impl Upstream {
    /// Asks for an address of its own.
    pub(super) async fn ask(&self, url: Url, form: Form<'_>) -> Result<Answer, Reason> {
        if address::own(&self.root, &self.root, url.as_str()).as_ref() != Some(&url) {
            return Err(Reason::NotFound);
        }
        let slot = timeout(self.patience, self.slots.clone().acquire_owned()).await;
        let slot = slot.map_err(|_| Reason::Busy)?.map_err(|_| Reason::Busy)?;
        let mut request = self.client.get(url.clone());
        request = match form {
            // The client says by itself that it takes gzip.
            Form::Json => request.header(ACCEPT, "application/dicom+json"),
            Form::Bytes(accept) => request
                .header(ACCEPT, accept)
                .header(ACCEPT_ENCODING, "identity"),
        };
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let response = timeout(self.patience, self.send(request)).await;
        let response = response
            .map_err(|_| Reason::Timeout)?
            .map_err(|error| reason_of(&error))?;
        check(response.status(), form)?;
        let encoding = response.headers().get(CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(Reason::Broken);
        }
        let (left, times) = match form {
            Form::Json => (self.json_max, JSON_TIMES),
            Form::Bytes(_) => (self.frames_max, STREAM_TIMES),
        };
        if response
            .content_length()
            .is_some_and(|length| length > left)
        {
            return Err(Reason::TooLarge);
        }
        Ok(Answer {
            response,
            url,
            left,
            patience: self.patience,
            end: Instant::now() + self.patience * times,
            _slot: slot,
        })
    }

    /// Sends a request, once more where the connection ended before its answer began: a source closes one that was kept just
    /// when it is used again (RFC 9112 9.3.1, RFC 9110 9.2.2).
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, reqwest::Error> {
        let again = request.try_clone();
        match (request.send().await, again) {
            (Err(error), Some(again))
                if error.is_request() && !error.is_connect() && !error.is_timeout() =>
            {
                again.send().await
            }
            (outcome, _) => outcome,
        }
    }

    /// Asks for data sets: the text of an answer in JSON, empty where there are none, and the address that gave it.
    pub(super) async fn ask_json(&self, url: Url) -> Result<(String, Answered), Reason> {
        let answer = self.ask(url, Form::Json).await?;
        let answered = Answered {
            url: answer.url.clone(),
            total: answer
                .header(&HeaderName::from_static("x-total-count"))
                .and_then(|text| text.parse().ok()),
        };
        if answer.response.status() == StatusCode::NO_CONTENT {
            return Ok((String::new(), answered));
        }
        let is_json = answer.media_type().is_some_and(|media| {
            matches!(
                media.essence.as_str(),
                "application/dicom+json" | "application/json"
            )
        });
        if !is_json {
            return Err(Reason::Broken);
        }
        let text = String::from_utf8(answer.whole().await?).map_err(|_| Reason::Broken)?;
        Ok((text, answered))
    }
}

/// Where data sets come from.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    /// The address.
    pub url: Url,
    /// How many there are in all, where the source says so.
    pub total: Option<u64>,
}

impl Answer {
    /// Where it comes from.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What it says that it is.
    pub fn media_type(&self) -> Option<MediaType> {
        MediaType::parse(self.header(&CONTENT_TYPE)?)
    }

    /// The same as it stands.
    pub fn content_type(&self) -> Option<&str> {
        self.header(&CONTENT_TYPE)
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The next bytes of its body; `None` at the end.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Reason> {
        let end = self.end.min(Instant::now() + self.patience);
        let piece = timeout_at(end, self.response.chunk()).await;
        let piece = piece
            .map_err(|_| Reason::Timeout)?
            .map_err(|error| reason_of(&error))?;
        let length = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        self.left = self.left.checked_sub(length).ok_or(Reason::TooLarge)?;
        Ok(piece)
    }

    /// Its body.
    pub async fn whole(mut self) -> Result<Vec<u8>, Reason> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// Its body, where it is no larger than this.
    pub async fn small(mut self, most: u64) -> Result<Vec<u8>, Reason> {
        self.left = self.left.min(most);
        self.whole().await
    }
}

/// What a status means, but for those with an answer.
fn check(status: StatusCode, form: Form<'_>) -> Result<(), Reason> {
    Err(match status.as_u16() {
        200 => return Ok(()),
        204 if form == Form::Json => return Ok(()),
        300..=399 => Reason::Redirect,
        401 | 403 => Reason::Refused,
        // Some servers know the place, but not that anything can be had there.
        404 | 405 | 410 => Reason::NotFound,
        406 | 415 => Reason::NotAcceptable,
        // Servers say so, too, where they do not know a media type or a transfer syntax.
        400 | 500 | 501 if form != Form::Json => Reason::NotAcceptable,
        407 | 502 => Reason::Unreachable,
        408 | 504 => Reason::Timeout,
        429 | 503 => Reason::Busy,
        _ => Reason::Failed,
    })
}

fn reason_of(error: &reqwest::Error) -> Reason {
    if error.is_timeout() {
        Reason::Timeout
    } else if error.is_decode() {
        Reason::Broken
    } else {
        Reason::Unreachable
    }
}
