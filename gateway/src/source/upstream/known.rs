//! What policies and the record ask about a study of a source: who referred it, and whose it is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::dicomweb::path;
use protocol::dicomweb::query::{Field, Filter, QidoQuery};

use super::fault::Reason;
use super::sets::{Head, each};
use super::{Upstream, address};
use crate::source::SourceError;

/// How long an answer is believed, and how many are kept.
const FRESH: Duration = Duration::from_secs(30);
const MOST: usize = 1024;

/// What a source says of a study.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownStudy {
    /// Referring Physician's Name, as it is searched.
    pub referring: String,
    /// Patient ID.
    pub patient: String,
}

/// Studies that were asked about just now.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<String, (Instant, KnownStudy)>>);

impl Known {
    fn get(&self, uid: &str) -> Option<KnownStudy> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, study) = known.get(uid)?;
        (since.elapsed() < FRESH).then(|| study.clone())
    }

    fn put(&self, uid: &str, study: KnownStudy) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (since, _)| since.elapsed() < FRESH);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(uid.to_owned(), (Instant::now(), study));
    }
}

impl Upstream {
    /// What the source says of a study; `None` where it has none of this UID.
    ///
    /// # Errors
    /// The source has no answer, or one about another study.
    pub async fn study(&self, uid: &str) -> Result<Option<KnownStudy>, SourceError> {
        if let Some(known) = self.known.get(uid) {
            return Ok(Some(known));
        }
        if !address::is_uid(uid) {
            return Ok(None);
        }
        let found = match self.find(uid).await {
            Err(Reason::NotFound) => Ok(None),
            found => found,
        };
        let found = self.told(found, || SourceError::StudyUnknown)?;
        if let Some(study) = &found {
            self.known.put(uid, study.clone());
        }
        Ok(found)
    }

    async fn find(&self, uid: &str) -> Result<Option<KnownStudy>, Reason> {
        let query = QidoQuery {
            filters: vec![(Field::StudyInstanceUid, Filter::AnyOf(vec![uid.to_owned()]))],
            include_fields: ["ReferringPhysicianName", "PatientID"]
                .map(str::to_owned)
                .to_vec(),
            ..QidoQuery::default()
        };
        let url = self.url(&path::studies(), &query.to_query_string())?;
        let (text, _) = self.ask_json(url).await?;
        let mut found: Option<KnownStudy> = None;
        each(&text, &mut |set| {
            let head = Head::of(set)?;
            if head.study.as_deref() != Some(uid) {
                return Err(Reason::Mixed);
            }
            let study = KnownStudy {
                referring: head.referring,
                patient: head.patient,
            };
            // One study that is two patients' is neither's.
            if found.as_ref().is_some_and(|known| *known != study) {
                return Err(Reason::Mixed);
            }
            found = Some(study);
            Ok(())
        })?;
        Ok(found)
    }
}
