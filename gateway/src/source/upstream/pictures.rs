//! Small pictures, drawn by the source.

use protocol::dicomweb::path;
use protocol::dicomweb::query::QidoQuery;

use super::address::Place;
use super::asking::Form;
use super::fault::Reason;
use super::sets::{Head, each};
use super::{Upstream, unknown};
use crate::auth::access::StudyPass;
use crate::source::SourceError;

/// Largest picture that is taken.
const MOST_BYTES: u64 = 8 << 20;
/// Instances of which one in the middle is looked for.
const MOST_INSTANCES: u32 = 400;
const THUMBNAIL: &str = "image/png, image/jpeg";
/// What every server renders (PS3.18 8.7.4). Alone: Orthanc answers 400 to a list.
const RENDERED: &str = "image/jpeg";

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// `image/png` or `image/jpeg`, by its first bytes.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Picture {
    fn of(bytes: Vec<u8>) -> Result<Self, Reason> {
        let media_type = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            "image/png"
        } else if bytes.starts_with(b"\xFF\xD8\xFF") {
            "image/jpeg"
        } else {
            return Err(Reason::Broken);
        };
        Ok(Self { media_type, bytes })
    }
}

impl Upstream {
    /// A picture of an instance, or of one in the middle of a series.
    ///
    /// # Errors
    /// The source has none, or no answer.
    pub async fn picture(
        &self,
        study: &StudyPass,
        series: &str,
        instance: Option<&str>,
        size: u32,
    ) -> Result<Picture, SourceError> {
        let place = self.place(study, Some(series), instance)?;
        let drawn = self.draw(&place, size).await;
        self.told(drawn, || match place.instance {
            Some(_) => SourceError::PictureUnknown,
            None => match place.path() {
                Some(_) => SourceError::PictureUnknown,
                None => unknown(&place),
            },
        })
    }

    async fn draw(&self, place: &Place, size: u32) -> Result<Picture, Reason> {
        let path = place.path().ok_or(Reason::NotFound)?;
        // What gives no metadata draws nothing either.
        if self.learnt.with(|known| known.lacks_metadata()) {
            return Err(Reason::NotFound);
        }
        let query = format!("viewport={size},{size}");
        if !self.learnt.has_no_thumbnails() {
            match self
                .drawn(&format!("{path}/thumbnail"), &query, THUMBNAIL)
                .await
            {
                // It may know nothing of thumbnails, or nothing of this one.
                Err(Reason::NotFound | Reason::NotAcceptable | Reason::Failed | Reason::Broken) => {
                }
                picture => return picture,
            }
        }
        let path = match (&place.series, &place.instance) {
            (Some(series), None) => self.middle(place, series).await?,
            _ => path,
        };
        let picture = self
            .drawn(&format!("{path}/rendered"), &query, RENDERED)
            .await;
        match picture {
            // Most of what cannot be drawn has no pixels.
            Err(Reason::NotAcceptable | Reason::Failed) => Err(Reason::NotFound),
            Ok(picture) => {
                self.learnt.lacks_thumbnails();
                Ok(picture)
            }
            Err(reason) => Err(reason),
        }
    }

    async fn drawn(
        &self,
        path: &str,
        query: &str,
        accept: &'static str,
    ) -> Result<Picture, Reason> {
        let answer = self
            .ask(self.url(path, query)?, Form::Bytes(accept))
            .await?;
        Picture::of(answer.small(MOST_BYTES).await?)
    }

    /// Path of an instance in the middle of a series.
    async fn middle(&self, place: &Place, series: &str) -> Result<String, Reason> {
        let query = QidoQuery {
            limit: Some(MOST_INSTANCES),
            include_fields: ["StudyInstanceUID", "SeriesInstanceUID"]
                .map(str::to_owned)
                .to_vec(),
            ..QidoQuery::default()
        };
        let url = self.url(
            &path::instances(&place.study, series),
            &query.to_query_string(),
        )?;
        let (text, _) = self.ask_json(url).await?;
        let mut found = Vec::new();
        each(&text, &mut |set| {
            let head = Head::of(set)?;
            if !head.is_of(place) {
                return Err(Reason::Mixed);
            }
            found.extend(head.place().as_ref().and_then(Place::path));
            Ok(())
        })?;
        let middle = found.len() / 2;
        found.into_iter().nth(middle).ok_or(Reason::NotFound)
    }
}
