//! Frames, and values that metadata left out: streamed through, found by what they are and never by an address.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::dicomweb::media_type::FrameRange;
use protocol::dicomweb::path;
use reqwest::Url;

use super::address::Place;
use super::asking::Form;
use super::fault::Reason;
use super::frames::Wanted;
use super::parts::{Expected, Relayed};
use super::sets::{Head, Writer, each};
use super::{Upstream, unknown};
use crate::auth::access::StudyPass;
use crate::source::SourceError;

/// Instances whose addresses are remembered, and for how long.
const MOST: usize = 512;
const FRESH: Duration = Duration::from_secs(300);

/// Addresses of an instance's values by tags.
type ByTags = Arc<BTreeMap<String, Url>>;

/// Where the values of the instances last asked for are.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<VecDeque<(Place, Instant, ByTags)>>);

impl Addresses {
    pub fn remember(&self, place: &Place, addresses: BTreeMap<String, Url>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, since, _)| known != place && since.elapsed() < FRESH);
        all.push_back((place.clone(), Instant::now(), Arc::new(addresses)));
        if all.len() > MOST {
            all.pop_front();
        }
    }

    fn of(&self, place: &Place) -> Option<ByTags> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all
            .iter()
            .find(|(known, since, _)| known == place && since.elapsed() < FRESH);
        known.map(|(_, _, addresses)| Arc::clone(addresses))
    }
}

impl Upstream {
    /// Frames of an instance, counted from 1, as the client accepts them.
    ///
    /// # Errors
    /// The source has no answer, or none that can be passed on.
    pub async fn frames(
        self: &Arc<Self>,
        study: &StudyPass,
        [series, instance]: [&str; 2],
        numbers: &[u32],
        accept: &[FrameRange],
    ) -> Result<Relayed, SourceError> {
        let place = self.place(study, Some(series), Some(instance))?;
        let path = path::frames(&place.study, series, instance, numbers);
        let asked = async {
            place.path().ok_or(Reason::NotFound)?;
            let wanted = Wanted {
                place: &place,
                path: &path,
                numbers,
                accept,
            };
            self.frames_somehow(&wanted).await
        };
        self.told(asked.await, || SourceError::FrameUnknown)
    }

    /// A value that metadata left out.
    ///
    /// # Errors
    /// The source has no answer, or none that can be passed on.
    pub async fn bulk(
        self: &Arc<Self>,
        study: &StudyPass,
        [series, instance]: [&str; 2],
        tag_path: &str,
    ) -> Result<Relayed, SourceError> {
        let place = self.place(study, Some(series), Some(instance))?;
        let addresses = self.addresses(&place).await;
        let addresses = self.told(addresses, || unknown(&place))?;
        let asked = async {
            let url = addresses.get(tag_path).ok_or(Reason::NotFound)?;
            // Parts and the value itself are both understood by whoever asks us; some servers read no list of ranges.
            let answer = self.ask(url.clone(), Form::Bytes("*/*")).await?;
            let expected = Expected {
                place: place.clone(),
                parts: None,
            };
            Relayed::begin(Arc::clone(self), answer, expected).await
        };
        self.told(asked.await, || SourceError::BulkUnknown)
    }

    /// Where the values of an instance are, asked for again where that is forgotten.
    async fn addresses(&self, place: &Place) -> Result<ByTags, Reason> {
        if let Some(known) = self.addresses.of(place) {
            return Ok(known);
        }
        let path = place.path().ok_or(Reason::NotFound)?;
        let (text, answered) = self
            .ask_json(self.url(&format!("{path}/metadata"), "")?)
            .await?;
        let mut writer = Writer::new(&self.root, &answered.url, "");
        let mut count = 0;
        each(&text, &mut |set| {
            count += 1;
            let head = Head::of(set)?;
            if !head.is_of(place) || count > 1 {
                return Err(Reason::Mixed);
            }
            writer.add(set, &head, None)
        })?;
        if count == 0 {
            return Err(Reason::NotFound);
        }
        self.addresses.remember(place, writer.addresses);
        self.addresses.of(place).ok_or(Reason::NotFound)
    }
}

/// What the client accepts, written anew: of its own words only media types and UIDs are sent on.
pub(super) fn accept_of(ranges: &[FrameRange]) -> Option<String> {
    let range = |range: &FrameRange| {
        let is_type = |text: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/*-+.".contains(&byte);
            text.len() <= 64 && text.bytes().all(is_plain)
        };
        let is_syntax = |text: &str| {
            text == "*"
                || (text.len() <= 64 && text.bytes().all(|it| it.is_ascii_digit() || it == b'.'))
        };
        let syntax = range.transfer_syntax.as_deref();
        if !is_type(&range.media_type) || !syntax.is_none_or(is_syntax) {
            return None;
        }
        let syntax = syntax.map(|syntax| format!("; transfer-syntax={syntax}"));
        let syntax = syntax.unwrap_or_default();
        Some(match (range.multipart, range.media_type.as_str()) {
            (true, "*/*") => format!("*/*{syntax}"),
            (true, media_type) => format!("multipart/related; type=\"{media_type}\"{syntax}"),
            (false, media_type) => format!("{media_type}{syntax}"),
        })
    };
    let all: Vec<String> = ranges.iter().filter_map(range).take(8).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use protocol::dicomweb::media_type::parse_accept;

    use super::*;

    #[test]
    fn of_what_a_client_accepts_only_types_and_uids_are_sent_on() {
        for (sent, expected) in [
            (
                "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
                Some("multipart/related; type=\"application/octet-stream\"; transfer-syntax=*"),
            ),
            ("*/*", Some("*/*")),
            ("", Some("*/*")),
            (
                "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80; q=0.5, application/octet-stream",
                Some("application/octet-stream, image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"),
            ),
            ("multipart/related; type=\"a/b\\\"; x=y\"", None),
            ("image/jls; transfer-syntax=\"1.2\\\", evil/x\"", None),
        ] {
            assert_eq!(
                accept_of(&parse_accept(sent)).as_deref(),
                expected,
                "{sent}"
            );
        }
    }

    #[test]
    fn addresses_are_remembered_by_instance() {
        let addresses = Addresses::default();
        let place = |instance: &str| Place {
            study: "1".into(),
            series: Some("2".into()),
            instance: Some(instance.into()),
        };
        let url = Url::parse("http://a/b").unwrap();
        let by_tags = BTreeMap::from([("7FE00010".to_owned(), url)]);
        addresses.remember(&place("3"), by_tags);
        assert!(addresses.of(&place("3")).is_some());
        assert!(addresses.of(&place("4")).is_none());
        for number in 0..MOST {
            addresses.remember(&place(&format!("9.{number}")), BTreeMap::new());
        }
        assert!(addresses.of(&place("3")).is_none());
    }
}
