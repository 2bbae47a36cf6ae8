//! Opening and closing: from an address to studies, series and stacks.
//!
//! The first frame needs one series' metadata and nothing else: when the link names a series, that is
//! the first request; else the list of series comes first, and the metadata of what is hung after it.
//! All other series wait until the first image stands on screen.

use super::waiting::ViewerError;
use super::{Effect, Engine, MetadataState, Source, StudyFailure};
use crate::platform::clock;
use crate::platform::fetch::FetchError;
use crate::store::{Page, ToShare};
use protocol::dicomweb::json::{self, Dataset, JsonError};
use protocol::dicomweb::path;
use std::sync::Arc;
use viewer_core::model::{Instance, Series, SeriesId, Stack, Study};
use viewer_core::state::{Action, SavedView, ViewLink};
use viewer_core::tools::overlay::series_name;

/// Attempts at the metadata of a series when the server refuses or is gone.
const METADATA_ATTEMPTS: u32 = 4;

/// The metadata of a series.
#[derive(Debug, Default)]
pub struct SeriesMetadata {
    /// Of its first data set: what the whole series shares.
    first: Option<Dataset>,
    /// Data sets of the answer.
    count: usize,
    instances: Vec<Instance>,
}

impl SeriesMetadata {
    /// Reads an answer. Of thousands of data sets one at a time is in memory.
    pub fn read(text: &str) -> Result<Self, JsonError> {
        let mut read = Self::default();
        json::parse_each(text, |set| {
            read.instances.extend(Instance::from_dataset(&set));
            read.count += 1;
            read.first.get_or_insert(set);
        })?;
        Ok(read)
    }
}

impl Engine {
    /// The source that serves what is open, or the first one.
    pub(super) fn source(&self) -> Option<&Source> {
        let wanted = self.link.as_ref().and_then(|link| link.source.as_deref());
        match wanted {
            Some(id) => self.sources.iter().find(|source| source.id == id),
            None => self.sources.first(),
        }
    }

    /// Address of something below the source's DICOMweb root.
    pub(super) fn address(&self, path: &str) -> Option<String> {
        self.source()
            .map(|source| format!("{}/{path}", source.root))
    }

    pub(super) fn open(&mut self, link: ViewLink, effects: &mut Vec<Effect>) {
        self.make_way(effects);
        // What the address itself names counts from navigation, a later opening from its call.
        let is_navigation = self.generation == 1 && self.page != Page::List;
        self.opened_at_ms = if is_navigation { 0.0 } else { clock::now_ms() };
        self.figures.first_image_ms = None;
        self.figures.first_drawn_ms = None;
        self.link = Some(link);
        if self.page == Page::List {
            self.page = Page::Reader;
            effects.push(Effect::GoTo(Page::Reader));
        }
        self.is_dirty = true;
        self.begin_opening(effects);
    }

    /// Asks for what the link names, once the sources are known.
    pub(super) fn begin_opening(&mut self, effects: &mut Vec<Effect>) {
        let Some(link) = self.link.clone() else {
            return;
        };
        if self.sources.is_empty() || !self.state.studies.is_empty() {
            return;
        }
        let Some(source) = self.source().map(|source| source.id.clone()) else {
            let sentence = "This address names a source that is not configured here.";
            self.fail("source_unknown", sentence, false);
            return;
        };
        let studies: Vec<Study> = link
            .studies
            .iter()
            .map(|uid| Study {
                source: source.clone(),
                uid: uid.clone(),
                ..Study::default()
            })
            .collect();
        self.listed = vec![false; studies.len()];
        self.state.apply(Action::Open { studies });
        // Series that the link names need no list: their metadata are the very first request.
        if let [study] = link.studies.as_slice() {
            let named: Vec<Series> = link
                .series
                .iter()
                .map(|uid| Series {
                    id: self.new_series(),
                    study: 0,
                    uid: uid.clone(),
                    number: None,
                    modality: String::new(),
                    description: String::new(),
                    instance_count: None,
                    stack: None,
                })
                .collect();
            let _ = study;
            self.state.apply(Action::SeriesListed(named));
            self.hang_view();
        }
        if link.series.is_empty() || link.studies.len() > 1 {
            for study in 0..link.studies.len() {
                self.ask_for_series(study, effects);
            }
        }
    }

    fn ask_for_series(&mut self, study: usize, effects: &mut Vec<Effect>) {
        let Some(uid) = self.state.studies.get(study).map(|study| study.uid.clone()) else {
            return;
        };
        if let Some(url) = self.address(&path::series(&uid)) {
            self.figures.requests += 1;
            effects.push(Effect::ListSeries { study, url });
        }
    }

    pub(super) fn series_listed(
        &mut self,
        study: usize,
        result: Result<Vec<Dataset>, FetchError>,
        effects: &mut Vec<Effect>,
    ) {
        self.is_dirty = true;
        let sets = match result {
            Ok(sets) => sets,
            Err(error) => {
                self.study_failed(&error);
                return;
            }
        };
        if let Some(listed) = self.listed.get_mut(study) {
            *listed = true;
        }
        let only: Vec<String> = self.link.as_ref().map_or_else(Vec::new, |link| {
            if link.studies.len() == 1 {
                Vec::new()
            } else {
                link.series.clone()
            }
        });
        let series: Vec<Series> = sets
            .iter()
            .filter_map(|set| Series::from_dataset(self.new_series(), study, set))
            .filter(|series| only.is_empty() || only.contains(&series.uid))
            .collect();
        if let Some(set) = sets.first() {
            self.describe_study(study, set);
        }
        self.state.apply(Action::SeriesListed(series));
        self.hang_view();
        let all_listed = self.listed.iter().all(|listed| *listed);
        if all_listed && self.state.all_series.is_empty() {
            self.fail(
                "study_unknown",
                "The server knows no study of this address.",
                true,
            );
        }
        let _ = effects;
    }

    /// Fills in what is known of the study from any data set that belongs to it.
    fn describe_study(&mut self, study: usize, set: &Dataset) {
        let Some(known) = self.state.studies.get(study) else {
            return;
        };
        let source = known.source.clone();
        let Some(mut read) = Study::from_dataset(&source, set) else {
            return;
        };
        if read.uid != known.uid {
            return;
        }
        // A series query may leave the patient out: what is known already stays.
        let keep = |new: &mut String, old: &String| {
            if new.is_empty() {
                new.clone_from(old);
            }
        };
        keep(&mut read.date, &known.date);
        keep(&mut read.time, &known.time);
        keep(&mut read.description, &known.description);
        keep(&mut read.accession, &known.accession);
        if read.patient == viewer_core::model::Patient::default() {
            read.patient = known.patient.clone();
        }
        self.state.apply(Action::StudyDescribed(read));
    }

    fn new_series(&mut self) -> SeriesId {
        self.next_series += 1;
        SeriesId(self.next_series)
    }

    /// Asks for the metadata of series that stand in viewports.
    pub(super) fn ask_for_metadata(&mut self, effects: &mut Vec<Effect>) {
        let mut needed: Vec<SeriesId> = self
            .state
            .viewports
            .iter()
            .filter_map(|viewport| viewport.series)
            .collect();
        needed.extend(self.waiters.series_waited_for());
        for id in needed {
            if self.metadata.contains_key(&id) {
                continue;
            }
            let Some((study, uid)) = self.state.series(id).and_then(|series| {
                let study = self.state.studies.get(series.study)?;
                Some((study.uid.clone(), series.uid.clone()))
            }) else {
                continue;
            };
            if let Some(url) = self.address(&path::series_metadata(&study, &uid)) {
                self.metadata.insert(id, MetadataState::Asked);
                self.figures.requests += 1;
                effects.push(Effect::GetMetadata { series: id, url });
            }
        }
    }

    pub(super) fn metadata_came(
        &mut self,
        series: SeriesId,
        result: Result<SeriesMetadata, FetchError>,
        effects: &mut Vec<Effect>,
    ) {
        self.is_dirty = true;
        match result {
            Ok(read) => {
                self.metadata.insert(series, MetadataState::Ready);
                if let (Some(set), Some(known)) = (&read.first, self.state.series(series).cloned())
                {
                    self.describe_study(known.study, set);
                    self.describe_series(known, set, read.count);
                }
                let stack = Arc::new(Stack::from_instances(read.instances));
                let nothing = stack.instances.is_empty();
                self.state.apply(Action::StackReady { series, stack });
                self.show_linked_image(series);
                if nothing && self.state.all_series.len() == 1 {
                    self.fail(
                        "series_unknown",
                        "The server knows no images of this series.",
                        true,
                    );
                }
            }
            Err(error) => {
                let attempts = match self.metadata.get(&series) {
                    Some(MetadataState::Failed { attempts, .. }) => attempts + 1,
                    _ => 1,
                };
                // Too much at once is no refusal for good.
                let is_final = matches!(error, FetchError::Refused { status, .. } if status < 500 && status != 429);
                let attempts = if is_final {
                    METADATA_ATTEMPTS
                } else {
                    attempts
                };
                let reason = words(&error);
                self.metadata
                    .insert(series, MetadataState::Failed { reason, attempts });
                if attempts >= METADATA_ATTEMPTS && self.state.all_series.len() == 1 {
                    self.study_failed(&error);
                } else if attempts < METADATA_ATTEMPTS {
                    self.ask_again_for_metadata(series, attempts, effects);
                }
            }
        }
    }

    /// A series that the link named is known by its UID alone until now.
    fn describe_series(&mut self, known: Series, set: &Dataset, instances: usize) {
        if let Some(read) = Series::from_dataset(known.id, known.study, set)
            && read.uid == known.uid
        {
            let instance_count = u32::try_from(instances).ok();
            self.state.apply(Action::SeriesListed(vec![Series {
                instance_count,
                ..read
            }]));
        }
    }

    /// Goes to the instance that the link names, once its stack is here.
    fn show_linked_image(&mut self, series: SeriesId) {
        let Some(link) = &self.link else { return };
        let Some(instance) = link.instance.clone() else {
            return;
        };
        let frame_index = link.frame.unwrap_or(1).saturating_sub(1);
        let slice = self
            .state
            .series(series)
            .and_then(|series| series.stack.as_ref()?.slice_of(&instance, frame_index));
        if let Some(slice) = slice {
            let viewport = self.state.active;
            self.state.apply(Action::Assign {
                viewport,
                series,
                slice: Some(slice),
            });
            if let Some(link) = &mut self.link {
                link.instance = None;
            }
        }
    }

    /// What of the screen a link can be made of; `None` while nothing is open.
    pub fn to_share(&self) -> Option<ToShare> {
        let active = self.state.viewports.get(self.state.active)?;
        let series = active.series.and_then(|id| self.state.series(id));
        let study = series.map_or(0, |series| series.study);
        let study = self.state.studies.get(study)?;
        Some(ToShare {
            source: study.source.clone(),
            study: study.uid.clone(),
            series: series.map(|series| (series.uid.clone(), series_name(series))),
            view: SavedView::of(&self.state).text(),
        })
    }

    /// Puts the series of the link's view into viewports, once all series are known that there are.
    fn hang_view(&mut self) {
        let is_named = self
            .link
            .as_ref()
            .is_some_and(|link| !link.series.is_empty());
        let Some(view) = self.link.as_ref().and_then(|link| link.view.clone()) else {
            return;
        };
        if self.unsettled.is_empty() && (is_named || self.listed.iter().all(|listed| *listed)) {
            for action in view.hang(&self.state) {
                self.state.apply(action);
            }
            self.layout_changed();
            self.unsettled = (0..view.viewports()).collect();
        }
    }

    /// Shows each viewport of the link's view as it was, once its stack is there.
    pub(super) fn settle_view(&mut self) {
        if self.unsettled.is_empty() {
            return;
        }
        let Some(view) = self.link.as_ref().and_then(|link| link.view.clone()) else {
            self.unsettled.clear();
            return;
        };
        let waiting = std::mem::take(&mut self.unsettled);
        for viewport in waiting {
            let Some(actions) = view.settle(viewport, &self.state) else {
                self.unsettled.push(viewport);
                continue;
            };
            for action in actions {
                self.state.apply(action);
            }
            self.is_dirty = true;
        }
        if self.unsettled.is_empty()
            && let Some(link) = &mut self.link
        {
            link.view = None;
        }
    }

    fn ask_again_for_metadata(
        &mut self,
        series: SeriesId,
        attempts: u32,
        effects: &mut Vec<Effect>,
    ) {
        let _ = series;
        let at_ms = clock::now_ms() + 500.0 * 2f64.powi(attempts.cast_signed());
        self.metadata_again_at_ms = Some(at_ms);
        effects.push(Effect::WakeAt { at_ms });
    }

    /// Metadata that failed are asked for again when their pause is over.
    pub(super) fn release_failed_metadata(&mut self, now_ms: f64, effects: &mut Vec<Effect>) {
        if self.metadata_again_at_ms.is_none_or(|at| now_ms < at) {
            return;
        }
        self.metadata_again_at_ms = None;
        let again: Vec<SeriesId> = self
            .metadata
            .iter()
            .filter(|(_, state)| {
                matches!(state, MetadataState::Failed { attempts, .. } if *attempts < METADATA_ATTEMPTS)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in again {
            let Some((study, uid)) = self.state.series(id).and_then(|series| {
                let study = self.state.studies.get(series.study)?;
                Some((study.uid.clone(), series.uid.clone()))
            }) else {
                continue;
            };
            if let Some(url) = self.address(&path::series_metadata(&study, &uid)) {
                self.figures.requests += 1;
                effects.push(Effect::GetMetadata { series: id, url });
            }
        }
    }

    pub(super) fn close(&mut self, effects: &mut Vec<Effect>) {
        let error = ViewerError::new("closed", "what was waited for is not open any more");
        self.clear(&error, effects);
        self.link = None;
        self.is_dirty = true;
    }

    /// Something else is about to be opened: what was open is gone before it is known what comes.
    pub(super) fn make_way(&mut self, effects: &mut Vec<Effect>) {
        let error = ViewerError::new("superseded", "something else was opened meanwhile");
        self.clear(&error, effects);
        self.link = None;
        self.is_dirty = true;
    }

    /// Nothing of what was open is left: not on screen, not in memory, not on its way. The canvas is out of sight until it has
    /// been drawn anew.
    fn clear(&mut self, left: &ViewerError, effects: &mut Vec<Effect>) {
        self.is_covered = true;
        effects.push(Effect::CoverCanvas(true));
        self.generation += 1;
        self.queue.clear();
        self.videos.clear();
        for (_, aborter) in self.aborters.drain() {
            aborter.abort();
        }
        self.waiters.abandon(left);
        self.cache.clear();
        self.encoded.clear();
        self.cache.set_budget(self.encoded.budget_bytes(), &[]);
        self.jobs.clear();
        self.trapped.clear();
        self.told.clear();
        self.forget_beside();
        self.whole = None;
        self.whole_coming = None;
        self.metadata.clear();
        self.metadata_again_at_ms = None;
        self.listed.clear();
        self.unsettled.clear();
        self.drawn.clear();
        self.on_canvas = None;
        self.hover = None;
        self.failure = None;
        self.told_complete = false;
        self.scratch = Vec::new();
        if let Some(pool) = &self.pool {
            pool.forget_waiting();
        }
        if let Some(screen) = &mut self.screen {
            screen.forget_frames();
        }
        self.state.apply(Action::Close);
    }

    pub(super) fn try_again(&mut self, effects: &mut Vec<Effect>) {
        self.queue.ask_again(None);
        let failed: Vec<SeriesId> = self
            .metadata
            .iter()
            .filter(|(_, state)| matches!(state, MetadataState::Failed { .. }))
            .map(|(id, _)| *id)
            .collect();
        for id in failed {
            self.metadata.remove(&id);
        }
        if self.failure.take().is_some()
            && let Some(link) = self.link.clone()
        {
            self.open(link, effects);
        }
    }

    fn study_failed(&mut self, error: &FetchError) {
        let (code, sentence) = match error {
            FetchError::Unreachable => (
                "source_unreachable",
                "The server could not be reached. Nothing was changed.".into(),
            ),
            FetchError::Refused { status: 404, .. } => (
                "study_unknown",
                "The server knows no study of this address.".into(),
            ),
            error => ("source_refused", words(error)),
        };
        self.fail(code, &sentence, true);
    }

    pub(super) fn fail(&mut self, code: &str, sentence: &str, can_try_again: bool) {
        self.is_dirty = true;
        self.failure = Some(StudyFailure {
            title: "This study could not be opened".into(),
            sentence: sentence.into(),
            code: code.into(),
            time: clock::time_of_day(),
            can_try_again,
        });
    }
}

/// An error in words for the screen.
pub(super) fn words(error: &FetchError) -> String {
    match error {
        FetchError::Unreachable => "The server could not be reached.".into(),
        FetchError::Aborted => "The request was ended.".into(),
        FetchError::Refused { status, message } => match message {
            Some(message) => sentence(message),
            None => format!("The server refused the request (status {status})."),
        },
    }
}

/// A message as a sentence: a capital first, a full stop last.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.trim().trim_end_matches('.').chars();
    let first: String = letters
        .next()
        .map(char::to_uppercase)
        .into_iter()
        .flatten()
        .collect();
    format!("{first}{}.", letters.as_str())
}
