//! A body on its way into the store: to a file, examined, and on to its place with some others.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use protocol::dicomweb::media_type::MediaType;

use super::answer::Report;
use super::parts::{Head, Parts, Piece};
use super::{DICOM, too_large, unreadable};
use crate::audit::event::{Kind, Outcome as Went};
use crate::auth::storing::{Storing, StudyEntry};
use crate::error::ApiError;
use crate::source::folder::store::check::{Checked, Names, examine};
use crate::source::folder::store::{Incoming, Reason, StoreFolder};
use crate::state::{Shared, blocking, decoding};

/// Instances that go to their places together.
const BATCH: usize = 32;
/// Most parts of a body: each is a line of the answer.
pub(super) const MOST_PARTS: usize = 100_000;
/// Bytes that are written at once.
const BLOCK: usize = 256 << 10;
/// The longest that nothing may come.
const SILENCE: Duration = Duration::from_secs(30);
/// After this time so many bytes must have come in a second.
const PATIENCE: Duration = Duration::from_secs(30);
const SLOWEST: u64 = 4 << 10;
/// What is read of a body that is refused, and for how long: then the line is closed.
const MOST_DRAINED: u64 = 64 << 20;
const DRAINED_FOR: Duration = Duration::from_secs(5);
/// Whoever sends nothing for so long waits for the answer.
const PAUSE: Duration = Duration::from_millis(200);

/// A body as it comes, with its bounds.
pub(super) struct Coming {
    stream: BoxStream<'static, Result<Bytes, axum::Error>>,
    most: u64,
    came: u64,
    begun: Instant,
    is_over: bool,
}

impl Coming {
    pub(super) fn new(stream: BoxStream<'static, Result<Bytes, axum::Error>>, most: u64) -> Self {
        Self {
            stream,
            most,
            came: 0,
            begun: Instant::now(),
            is_over: false,
        }
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let next = tokio::time::timeout(SILENCE, self.stream.next());
        let bytes = match next.await {
            Err(_) => return Err(self.ended(slow())),
            Ok(None) => {
                self.is_over = true;
                return Ok(None);
            }
            Ok(Some(Err(_))) => return Err(self.ended(broken())),
            Ok(Some(Ok(bytes))) => bytes,
        };
        self.came += bytes.len() as u64;
        let age = self.begun.elapsed();
        if self.came > self.most {
            return Err(too_large());
        }
        if age > PATIENCE && self.came / age.as_secs().max(1) < SLOWEST {
            return Err(self.ended(slow()));
        }
        Ok(Some(bytes))
    }

    fn ended(&mut self, error: ApiError) -> ApiError {
        self.is_over = true;
        error
    }

    /// Reads on for a while, so that the sender comes to read its answer.
    pub(super) async fn drain(&mut self) {
        if self.is_over {
            return;
        }
        let reading = async {
            let mut left = MOST_DRAINED;
            while let Ok(Some(Ok(bytes))) = tokio::time::timeout(PAUSE, self.stream.next()).await {
                left = left.saturating_sub(bytes.len() as u64);
                if left == 0 {
                    break;
                }
            }
        };
        // Whoever goes on sending is cut off.
        let _ = tokio::time::timeout(DRAINED_FOR, reading).await;
    }
}

fn slow() -> ApiError {
    let message = "the body came too slowly";
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_slow", message)
}

pub(super) fn broken() -> ApiError {
    ApiError::bad_request("body_broken", "the body breaks off")
}

/// A part on its way to its file.
pub(super) enum Part {
    Coming(Incoming, Vec<u8>),
    /// Its other bytes go nowhere.
    Failed(Reason),
}

/// What is known of one request.
pub(super) struct Intake<'a> {
    pub(super) state: &'a Shared,
    folder: &'a StoreFolder,
    storing: Storing,
    pub(super) report: Report,
    waiting: Vec<Checked>,
    /// Rights by study, as they were found in this request.
    rights: BTreeMap<String, Option<StudyEntry>>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(state: &'a Shared, folder: &'a StoreFolder, storing: Storing) -> Self {
        Self {
            state,
            folder,
            storing,
            report: Report::default(),
            waiting: Vec::new(),
            rights: BTreeMap::new(),
        }
    }

    /// A body that is one file.
    pub(super) async fn single(&mut self, coming: &mut Coming) -> Result<(), ApiError> {
        let mut part = self.begin().await?;
        while let Some(bytes) = coming.next().await? {
            part = self.more(part, &bytes).await?;
        }
        self.end(part).await
    }

    /// A body of files as parts.
    pub(super) async fn files(
        &mut self,
        coming: &mut Coming,
        mut parts: Parts,
    ) -> Result<(), ApiError> {
        let mut open = None;
        let mut count = 0;
        while let Some(bytes) = coming.next().await? {
            parts.push(&bytes);
            while let Some(piece) = parts.next().map_err(|error| unreadable(&error))? {
                match (piece, open.take()) {
                    (Piece::Begins(head), _) => {
                        count += 1;
                        if count > MOST_PARTS {
                            return Err(too_large());
                        }
                        open = Some(match is_file(&head) {
                            true => self.begin().await?,
                            false => Part::Failed(Reason::NotUnderstood),
                        });
                    }
                    (Piece::Bytes(bytes), Some(part)) => {
                        open = Some(self.more(part, &bytes).await?);
                    }
                    (Piece::Ends, Some(part)) => self.end(part).await?,
                    (_, None) => {}
                }
            }
        }
        // A part without its end may be half of one.
        if parts.is_whole() {
            Ok(())
        } else {
            Err(broken())
        }
    }

    async fn begin(&self) -> Result<Part, ApiError> {
        self.begin_by(StoreFolder::begin).await
    }

    pub(super) async fn begin_by(
        &self,
        begin: fn(&StoreFolder) -> Result<Incoming, Reason>,
    ) -> Result<Part, ApiError> {
        let begun = blocking(self.state, move |state| {
            let folder = state.store.store_folder();
            Ok(folder.map_or(Err(Reason::Unwritable), begin))
        });
        Ok(match begun.await? {
            Ok(incoming) => Part::Coming(incoming, Vec::new()),
            Err(reason) => Part::Failed(reason),
        })
    }

    pub(super) async fn more(&self, part: Part, bytes: &[u8]) -> Result<Part, ApiError> {
        let Part::Coming(incoming, mut block) = part else {
            return Ok(part);
        };
        block.extend_from_slice(bytes);
        let length = incoming.length() + block.len() as u64;
        if length > self.folder.limits.instance_bytes {
            return Ok(Part::Failed(Reason::TooLarge));
        }
        if block.len() < BLOCK {
            return Ok(Part::Coming(incoming, block));
        }
        written(incoming, block).await
    }

    async fn end(&mut self, part: Part) -> Result<(), ApiError> {
        match ended(part).await? {
            Ok(incoming) => self.examined(incoming).await?,
            Err(reason) => self.report.fail(Names::default(), reason),
        }
        Ok(())
    }

    /// Looks through a whole file, and moves it on with others.
    pub(super) async fn examined(&mut self, incoming: Incoming) -> Result<(), ApiError> {
        if incoming.length() > self.folder.limits.instance_bytes {
            self.report.fail(Names::default(), Reason::TooLarge);
            return Ok(());
        }
        let limits = self.folder.scan;
        // A bug in the reader concerns this file alone.
        let examined = decoding(self.state, move |_| Ok(examine(incoming, &limits))).await;
        match examined {
            Ok(Ok(checked)) => match self.is_of_address(&checked.names) {
                true => self.waiting.push(checked),
                false => self.report.fail(checked.names.clone(), Reason::OtherStudy),
            },
            Ok(Err(refused)) => self.report.fail(refused.names, refused.reason),
            Err(_) => self.report.fail(Names::default(), Reason::NotUnderstood),
        }
        if self.waiting.len() >= BATCH {
            self.settle().await?;
        }
        Ok(())
    }

    fn is_of_address(&self, names: &Names) -> bool {
        let study = self.storing.target.study.as_ref();
        study.is_none_or(|study| *study == names.study)
    }

    /// All that came has its place.
    pub(super) async fn finish(mut self) -> Result<Report, ApiError> {
        self.settle().await?;
        Ok(self.report)
    }

    /// Whether what waits may be stored, that it is put on record, and then its place.
    async fn settle(&mut self) -> Result<(), ApiError> {
        let mut batch = Vec::new();
        let mut rejections = Vec::new();
        let mut counts: BTreeMap<String, (String, usize)> = BTreeMap::new();
        for checked in std::mem::take(&mut self.waiting) {
            let study = checked.names.study.clone();
            if !self.rights.contains_key(&study) {
                let entry = self.storing.entry(self.state, &study).await?;
                self.rights.insert(study.clone(), entry);
            }
            let Some(Some(right)) = self.rights.get(&study) else {
                self.report
                    .fail(checked.names.clone(), Reason::NotAuthorized);
                continue;
            };
            if let Some(rejection) = &checked.entry.rejection {
                if !self.storing.may_reject(self.state, &study).await? {
                    self.report
                        .fail(checked.names.clone(), Reason::NotAuthorized);
                    continue;
                }
                rejections.push((checked.names.clone(), rejection.clone()));
            }
            let patient = checked.names.patient.clone();
            counts.entry(study).or_insert((patient, 0)).1 += 1;
            batch.push((checked, right.clone()));
        }
        if batch.is_empty() {
            return Ok(());
        }
        for (study, (patient, count)) in &counts {
            self.record(Went::Success, study, patient, *count, "")
                .await?;
        }
        for (names, rejection) in &rejections {
            let mut event = self
                .storing
                .event(Kind::Rejected, Went::Success, &names.study);
            names.patient.clone_into(&mut event.object.patient);
            event.object.other = counted(rejection.instances.len());
            rejection.title.meaning().clone_into(&mut event.reason);
            self.storing.record(self.state, event).await?;
        }
        let state = Arc::clone(self.state);
        let outcomes = blocking(&state, move |state| state.store.take_in(batch)).await?;
        let mut failed: BTreeMap<(String, Reason), usize> = BTreeMap::new();
        for outcome in outcomes {
            if let Some(reason) = outcome.failed {
                *failed
                    .entry((outcome.names.study.clone(), reason))
                    .or_default() += 1;
            }
            self.report.add(outcome);
        }
        for ((study, reason), count) in &failed {
            let patient = counts
                .get(study)
                .map(|it| it.0.as_str())
                .unwrap_or_default();
            let reason = reason.to_string();
            self.record(Went::Failed, study, patient, *count, &reason)
                .await?;
        }
        Ok(())
    }

    async fn record(
        &self,
        went: Went,
        study: &str,
        patient: &str,
        count: usize,
        reason: &str,
    ) -> Result<(), ApiError> {
        let mut event = self.storing.event(Kind::Stored, went, study);
        patient.clone_into(&mut event.object.patient);
        event.object.other = counted(count);
        reason.clone_into(&mut event.reason);
        self.storing.record(self.state, event).await
    }
}

fn counted(instances: usize) -> String {
    match instances {
        1 => "1 instance".to_owned(),
        count => format!("{count} instances"),
    }
}

/// The file of a part that is over.
pub(super) async fn ended(part: Part) -> Result<Result<Incoming, Reason>, ApiError> {
    let part = match part {
        Part::Coming(incoming, block) => written(incoming, block).await?,
        failed => failed,
    };
    Ok(match part {
        Part::Coming(incoming, _) => Ok(incoming),
        Part::Failed(reason) => Err(reason),
    })
}

async fn written(mut incoming: Incoming, mut block: Vec<u8>) -> Result<Part, ApiError> {
    let writing = tokio::task::spawn_blocking(move || match incoming.write_all(&block) {
        Ok(()) => {
            block.clear();
            Part::Coming(incoming, block)
        }
        Err(error) => Part::Failed(error.into()),
    });
    writing.await.map_err(|_| ApiError::internal())
}

/// A part is a file of DICOM unless it says that it is something else.
fn is_file(head: &Head) -> bool {
    let is_plain = |it: &str| it.eq_ignore_ascii_case("identity");
    let media = head.line("content-type").map(MediaType::parse);
    head.line("content-encoding").is_none_or(is_plain)
        && media.is_none_or(|media| media.is_some_and(|media| media.essence == DICOM))
}
