//! Searches of a source, and metadata: each data set of an answer is of what was asked for, or nothing is passed on.

use std::collections::HashSet;
use std::sync::Arc;

use protocol::dicomweb::asking::{Way, Ways};
use protocol::dicomweb::path;
use protocol::dicomweb::query::{Field, Filter, QidoQuery};

use super::address::Place;
use super::asking::Answered;
use super::fault::Reason;
use super::sets::{Head, Writer, each};
use super::{Upstream, address, unknown};
use crate::auth::access::{StudyPass, Visible};
use crate::auth::visible::Studies;
use crate::source::SourceError;
use crate::source::folder::search::Level;

/// Results that are asked for at once where not all of them may be shown.
const PAGE: u32 = 200;
/// Most results that are looked at for one answer then.
const MOST_LOOKED_AT: usize = 4000;
/// Most instances of which headers stand for metadata.
const MOST_INSTANCES: usize = 20_000;
/// Most studies that a source is asked for by name.
const MOST_NAMED: usize = 50;

/// What a search found.
#[derive(Debug)]
pub struct Results {
    /// A list of data sets in JSON.
    pub body: Vec<u8>,
    /// How many there are in all, where that is known.
    pub total: Option<u64>,
}

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Search {
    /// What a result is.
    pub level: Level,
    /// Study whose series or instances are searched.
    pub study: Option<String>,
    /// Series whose instances are searched.
    pub series: Option<String>,
    /// Filters.
    pub query: QidoQuery,
    /// Our root for the source, as a path.
    pub root: String,
}

impl Search {
    fn path(&self) -> Option<String> {
        let uids = [self.study.as_ref(), self.series.as_ref()];
        if !uids.into_iter().flatten().all(|uid| address::is_uid(uid)) {
            return None;
        }
        Some(match (self.level, &self.study, &self.series) {
            (Level::Study, ..) => path::studies(),
            (Level::Series, Some(study), _) => path::series(study),
            (Level::Series, None, _) => "series".to_owned(),
            (Level::Instance, Some(study), Some(series)) => path::instances(study, series),
            (Level::Instance, Some(study), None) => format!("{}/instances", path::study(study)),
            (Level::Instance, None, _) => "instances".to_owned(),
        })
    }

    /// What the source is asked; what an answer is checked by must be in it.
    fn query(&self) -> QidoQuery {
        let mut query = self.query.clone();
        let mut include = |field: &str| {
            let known = ["all", field];
            if !query
                .include_fields
                .iter()
                .any(|it| known.contains(&it.as_str()))
            {
                query.include_fields.push(field.to_owned());
            }
        };
        match self.level {
            Level::Study => include("ReferringPhysicianName"),
            Level::Series => {
                include("StudyInstanceUID");
                include("ReferringPhysicianName");
            }
            Level::Instance => {
                include("StudyInstanceUID");
                include("SeriesInstanceUID");
                include("ReferringPhysicianName");
            }
        }
        query
    }

    /// Whether a result is of what was asked for; some servers pass over filters that they do not know.
    fn fits(&self, head: &Head) -> bool {
        let named = |field: Field, found: &Option<String>| match self.query.filter(field) {
            Some(Filter::AnyOf(asked)) => found.as_ref().is_some_and(|uid| asked.contains(uid)),
            _ => true,
        };
        let below =
            |asked: &Option<String>, found: &Option<String>| asked.is_none() || asked == found;
        below(&self.study, &head.study)
            && below(&self.series, &head.series)
            && named(Field::StudyInstanceUid, &head.study)
            && named(Field::SeriesInstanceUid, &head.series)
            && named(Field::SopInstanceUid, &head.instance)
    }

    /// The path of a result below our root; `None` where it does not say what it is.
    fn retrieve(&self, head: &Head) -> Option<String> {
        let place = Place {
            study: head.study.clone()?,
            series: match self.level {
                Level::Study => None,
                Level::Series | Level::Instance => Some(head.series.clone()?),
            },
            instance: match self.level {
                Level::Study | Level::Series => None,
                Level::Instance => Some(head.instance.clone()?),
            },
        };
        place.path()
    }
}

/// Whether a study, by its UID and its Referring Physician's Name, may be shown.
pub type Shows = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

impl Upstream {
    /// Searches the source for what may be found; it is not asked where that is nothing.
    ///
    /// # Errors
    /// The source has no answer, or one about other studies.
    pub async fn search(
        self: &Arc<Self>,
        search: Search,
        visible: &Visible,
        shows: Shows,
    ) -> Result<Results, SourceError> {
        let nothing = || Results {
            body: b"[]".to_vec(),
            total: Some(0),
        };
        let Some(path) = search.path() else {
            return Ok(nothing());
        };
        let found = match visible.studies_at(&self.id) {
            Studies::Nothing => return Ok(nothing()),
            Studies::All => self.everything(&path, search).await,
            Studies::Some { also, .. } => match only(search, also) {
                Some(search) => self.some(&path, search, shows).await,
                None => return Ok(nothing()),
            },
            Studies::Each(_) => self.some(&path, search, shows).await,
        };
        match self.told(found, || SourceError::StudyUnknown) {
            // Some servers say so of an empty list.
            Err(SourceError::StudyUnknown) => Ok(nothing()),
            found => found,
        }
    }

    async fn everything(self: &Arc<Self>, path: &str, search: Search) -> Result<Results, Reason> {
        let url = self.url(path, &search.query().to_query_string())?;
        let (text, answered) = self.ask_json(url).await?;
        let total = answered.total;
        let upstream = Arc::clone(self);
        let everything: Shows = Arc::new(|_, _| true);
        let work = move || {
            let mut page = Page::new(&upstream, &answered, &search);
            page.take(&text, &everything)?;
            Ok(page.writer.end())
        };
        let body = beside(work).await?;
        Ok(Results { body, total })
    }

    /// Page by page, as many as are needed for the results that may be shown.
    async fn some(
        self: &Arc<Self>,
        path: &str,
        search: Search,
        shows: Shows,
    ) -> Result<Results, Reason> {
        let mut asked = search.query();
        (asked.limit, asked.offset) = (Some(PAGE), 0);
        let (skip, limit) = (search.query.offset as usize, search.query.limit);
        let wanted = limit.map_or(usize::MAX, |limit| skip.saturating_add(limit as usize));
        let mut seen = HashSet::new();
        let mut shown = 0;
        let mut body = vec![b'['];
        loop {
            let url = self.url(path, &asked.to_query_string())?;
            let (text, answered) = self.ask_json(url).await?;
            let (upstream, search, shows) = (Arc::clone(self), search.clone(), Arc::clone(&shows));
            let before = seen.len();
            let work = move || {
                let mut page = Page::new(&upstream, &answered, &search);
                (page.seen, page.shown) = (seen, shown);
                (page.skip, page.wanted) = (skip, wanted);
                page.take(&text, &shows)?;
                let (seen, shown, found) = (page.seen, page.shown, page.found);
                Ok((seen, shown, found, page.writer.end()))
            };
            let found;
            let more;
            (seen, shown, found, more) = beside(work).await?;
            if more.len() > 2 {
                if body.len() > 1 {
                    body.push(b',');
                }
                body.extend_from_slice(&more[1..more.len() - 1]);
            }
            // Some servers give fewer than they are asked for, and some the same ones again.
            let is_over = found == 0 || seen.len() == before;
            if is_over || shown >= wanted || seen.len() >= MOST_LOOKED_AT {
                break;
            }
            asked.offset += u32::try_from(found).map_err(|_| Reason::TooLarge)?;
        }
        body.push(b']');
        Ok(Results { body, total: None })
    }

    /// DICOM JSON of all instances of a study, a series, or of one instance, as one list.
    ///
    /// # Errors
    /// The source has no answer, or one about another study.
    pub async fn metadata(
        self: &Arc<Self>,
        study: &StudyPass,
        series: Option<&str>,
        instance: Option<&str>,
        root: &str,
    ) -> Result<Vec<u8>, SourceError> {
        let place = self.place(study, series, instance)?;
        let found = self.sets(&place, root).await;
        self.told(found, || unknown(&place))
    }

    async fn sets(self: &Arc<Self>, place: &Place, root: &str) -> Result<Vec<u8>, Reason> {
        let path = place.path().ok_or(Reason::NotFound)?;
        let url = self.url(&format!("{path}/metadata"), "")?;
        let lacks_metadata = self.learnt.with(|known| known.lacks_metadata());
        let asked = match lacks_metadata {
            true => Err(Reason::NotFound),
            false => self.ask_json(url.clone()).await,
        };
        let (text, answered) = match asked {
            // It may give no metadata at all, but instances.
            Err(Reason::NotFound) => match self.headers(place).await {
                Ok(text) => (text, Answered { url, total: None }),
                Err(reason) if lacks_metadata => return Err(reason),
                Err(_) => return Err(Reason::NotFound),
            },
            asked => {
                let answer = asked?;
                self.learnt.with(Ways::metadata_came);
                answer
            }
        };
        let (upstream, place, root) = (Arc::clone(self), place.clone(), root.to_owned());
        beside(move || {
            let mut writer = Writer::new(&upstream.root, &answered.url, &root);
            each(&text, &mut |set| {
                let head = Head::of(set)?;
                if !head.is_of(&place) || head.place().is_none() {
                    return Err(Reason::Mixed);
                }
                writer.add(set, &head, None)?;
                bounded(&writer, upstream.json_max)?;
                if place.instance.is_some() {
                    let addresses = std::mem::take(&mut writer.addresses);
                    upstream.addresses.remember(&place, addresses);
                }
                Ok(())
            })?;
            if writer.is_empty() {
                return Err(Reason::NotFound);
            }
            Ok(writer.end())
        })
        .await
    }
}

impl Upstream {
    /// The headers of all instances of a place, as DICOM JSON: what stands for metadata where a source gives none.
    async fn headers(self: &Arc<Self>, place: &Place) -> Result<String, Reason> {
        let path = place.path().ok_or(Reason::NotFound)?;
        let places = match place.instance {
            Some(_) => vec![place.clone()],
            None => self.all_instances(place, &path).await?,
        };
        let series = place.series.clone().unwrap_or_default();
        let ways = self.learnt.with(|known| known.of(&series, true));
        let mut ways: Vec<Way> = ways.into_iter().filter(|way| way.is_whole()).collect();
        let mut text = String::new();
        for place in &places {
            let mut header = Err(Reason::NotFound);
            let mut refused = Vec::new();
            for way in std::mem::take(&mut ways) {
                header = self.header(place, way).await;
                match header {
                    Ok(_) => {
                        self.learnt
                            .with(|known| known.worked(&series, way, &refused));
                        ways = vec![way];
                        break;
                    }
                    Err(Reason::NotAcceptable) => refused.push(way),
                    Err(_) => break,
                }
            }
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(&header?);
            if text.len() as u64 > self.json_max {
                return Err(Reason::TooLarge);
            }
        }
        if places.is_empty() {
            return Err(Reason::NotFound);
        }
        self.learnt.with(Ways::headers_came);
        text.push(']');
        Ok(text)
    }

    /// All instances of a place. A server may answer with a page of them: the next one is asked for until it brings nothing new.
    async fn all_instances(
        self: &Arc<Self>,
        place: &Place,
        path: &str,
    ) -> Result<Vec<Place>, Reason> {
        let (mut places, mut known) = (Vec::new(), HashSet::new());
        loop {
            let query = match places.len() {
                0 => String::new(),
                count => format!("offset={count}"),
            };
            let url = self.url(&format!("{path}/instances"), &query)?;
            let listed = match self.ask_json(url).await {
                Ok((listed, _)) => listed,
                // Some know no pages.
                Err(Reason::NotFound | Reason::NotAcceptable | Reason::Failed)
                    if !places.is_empty() =>
                {
                    return Ok(places);
                }
                Err(reason) => return Err(reason),
            };
            let before = places.len();
            each(&listed, &mut |set| {
                let mut head = Head::of(set)?;
                // Some searches within a study or series do not repeat what they are within.
                head.study.get_or_insert_with(|| place.study.clone());
                head.series = head.series.take().or_else(|| place.series.clone());
                if !head.is_of(place) {
                    return Err(Reason::Mixed);
                }
                let found = head.place();
                places.extend(found.filter(|it| known.insert(it.instance.clone())));
                Ok(())
            })?;
            if places.len() == before {
                return Ok(places);
            }
            if places.len() > MOST_INSTANCES {
                return Err(Reason::TooLarge);
            }
        }
    }

    /// The header of one instance, as DICOM JSON.
    async fn header(&self, place: &Place, way: Way) -> Result<String, Reason> {
        // One whole instance of a source is in memory at a time.
        let _one = self.instances.headers.lock().await;
        let file = self.whole_file(place, way).await?;
        let place = place.clone();
        beside(move || {
            let set = super::frames::header_of(&place, &file)?;
            serde_json::to_string(&set).map_err(|_| Reason::Broken)
        })
        .await
    }
}

/// Our addresses may be longer than those that they stand for.
fn bounded(writer: &Writer<'_>, json_max: u64) -> Result<(), Reason> {
    let is_bounded = writer.out.len() as u64 <= json_max.saturating_mul(2);
    is_bounded.then_some(()).ok_or(Reason::TooLarge)
}

/// The same search for these studies only; `None` where nothing is left to be searched.
fn only(mut search: Search, studies: &[String]) -> Option<Search> {
    let filters = &mut search.query.filters;
    let known = filters
        .iter_mut()
        .find(|(field, _)| *field == Field::StudyInstanceUid);
    match known {
        Some((_, Filter::AnyOf(asked))) => {
            asked.retain(|uid| studies.contains(uid));
            if asked.is_empty() {
                return None;
            }
        }
        _ if search.study.is_some() => {}
        _ if studies.len() <= MOST_NAMED => {
            let only = Filter::AnyOf(studies.to_vec());
            filters.push((Field::StudyInstanceUid, only));
        }
        _ => {}
    }
    Some(search)
}

/// Work that takes the processor for a while.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Reason> + Send + 'static,
) -> Result<T, Reason> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(Reason::Failed))
}

/// One answer of several, or the only one.
struct Page<'a> {
    search: &'a Search,
    writer: Writer<'a>,
    json_max: u64,
    /// UIDs of what earlier pages had.
    seen: HashSet<[Option<String>; 3]>,
    /// Results in this page.
    found: usize,
    /// Results so far that may be shown.
    shown: usize,
    skip: usize,
    wanted: usize,
}

impl<'a> Page<'a> {
    fn new(upstream: &'a Upstream, answered: &'a Answered, search: &'a Search) -> Self {
        Self {
            search,
            writer: Writer::new(&upstream.root, &answered.url, &search.root),
            json_max: upstream.json_max,
            seen: HashSet::new(),
            found: 0,
            shown: 0,
            skip: 0,
            wanted: usize::MAX,
        }
    }

    fn take(&mut self, text: &str, shows: &Shows) -> Result<(), Reason> {
        each(text, &mut |set| self.result(set, shows))
    }

    fn result(&mut self, set: &str, shows: &Shows) -> Result<(), Reason> {
        self.found += 1;
        let head = Head::of(set)?;
        if !self.search.fits(&head) {
            return Err(Reason::Mixed);
        }
        // What does not say what it is cannot be opened, nor can rights to it be told.
        let Some(retrieve) = self.search.retrieve(&head) else {
            return Ok(());
        };
        let uids = [
            head.study.clone(),
            head.series.clone(),
            head.instance.clone(),
        ];
        let study = head.study.as_deref().unwrap_or_default();
        if !self.seen.insert(uids) || !shows(study, &head.referring) {
            return Ok(());
        }
        self.shown += 1;
        if self.shown > self.skip && self.shown <= self.wanted {
            self.writer.add(set, &head, Some(&retrieve))?;
            bounded(&self.writer, self.json_max)?;
        }
        Ok(())
    }
}
