//! Extractors: a handler that has one in its signature runs only for someone who may do what it does.
//!
//! The order is always the same: who asks, what is asked for, whether policies permit it, whether it is on record. Only then the
//! store, a cache or another server is asked. What is not permitted looks like what is not there.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::accounts::User;
use super::asker::{Asker, OpenedLink, whole};
use super::launch::LaunchError;
use super::policy::{Action, Circumstances, Principal, Resource, StudyFacts};
use super::sessions::Session;
use super::shares::{Closed, ShareError};
use super::{Reading, visible};
use crate::audit::event::{Event, Kind, Object, Outcome};
use crate::error::ApiError;
use crate::routes::Target;
use crate::source::SourceError;
use crate::state::{LOCAL, Shared};

/// An action on a study, as a type.
pub trait StudyAction: Send + Sync + 'static {
    /// What it is in policies.
    const ACTION: Action;
    /// What it reads first, where it reads.
    const READING: Reading;
}

/// Reads metadata.
#[derive(Debug)]
pub struct Metadata;
/// Reads pixels.
#[derive(Debug)]
pub struct Pixels;

impl StudyAction for Metadata {
    const ACTION: Action = Action::View;
    const READING: Reading = Reading::Metadata;
}

impl StudyAction for Pixels {
    const ACTION: Action = Action::View;
    const READING: Reading = Reading::Pixels;
}

/// A study at a source that someone may read. Only this file makes one, and no source reads a study without.
#[derive(Debug, Clone)]
pub struct StudyPass {
    source: String,
    uid: String,
}

impl StudyPass {
    /// Study Instance UID.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Study Instance UID, for the source that is asked for it.
    ///
    /// # Errors
    /// The study is another source's.
    pub fn uid_at(&self, source: &str) -> Result<&str, SourceError> {
        if self.source == source {
            Ok(&self.uid)
        } else {
            Err(SourceError::StudyUnknown)
        }
    }

    pub(super) fn key(&self) -> [String; 2] {
        [self.source.clone(), self.uid.clone()]
    }
}

/// Proof that a request may do something to the study that its address names, and that this is on record.
#[derive(Debug)]
pub struct Authorized<A: StudyAction> {
    /// What the address names.
    pub target: Target,
    /// Its study.
    pub study: StudyPass,
    /// Who asks.
    pub asker: Asker,
    action: PhantomData<A>,
}

impl<A: StudyAction> FromRequestParts<Shared> for Authorized<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let asker = whole(Asker::of(parts, state).await?)?;
        let target = Target::from_request_parts(parts, state).await?;
        let source = source_of(state, &target)?;
        let study = target.study.clone().ok_or_else(ApiError::internal)?;
        let authorized = Self {
            target,
            study: StudyPass {
                source: source.clone(),
                uid: study.clone(),
            },
            asker,
            action: PhantomData,
        };
        let Some(login) = &state.login else {
            return Ok(authorized);
        };
        let asker = &authorized.asker;
        let address = Asker::address(parts);
        let event = permitted(state, asker, address, A::ACTION, &source, &study, false).await?;
        let session = asker.identity().ok_or_else(ApiError::login_needed)?.session;
        if !login.is_recorded(session, &authorized.study, A::READING) {
            let event = with_patient(state, event).await?;
            let kind = match A::READING {
                Reading::Metadata => Kind::StudyOpened,
                Reading::Pixels => Kind::FramesServed,
            };
            let event = Event { kind, ..event };
            login.audit.add(event).await.map_err(ApiError::unrecorded)?;
            login.has_recorded(session, &authorized.study, A::READING);
        }
        Ok(authorized)
    }
}

/// Whether someone may do something to a study; the beginning of the event that says so. Where not, it is on record, and looks
/// as if the study were not there; but whoever may do it after a fresh login is told to log in again.
///
/// # Errors
/// It is not permitted, or cannot be decided or recorded.
pub async fn permitted(
    state: &Shared,
    asker: &Asker,
    address: String,
    action: Action,
    source: &str,
    study: &str,
    has_reason: bool,
) -> Result<Event, ApiError> {
    let login = state.login.as_ref().ok_or_else(ApiError::login_needed)?;
    let identity = asker.identity().ok_or_else(ApiError::login_needed)?;
    let mut event = Event::new(Kind::Denied, Outcome::Refused);
    event.actor = asker.actor(address);
    event.object = Object {
        source: source.to_owned(),
        study: study.to_owned(),
        ..Object::default()
    };
    let circumstances = |is_fresh: bool| Circumstances {
        is_fresh,
        has_reason,
    };
    let (policies, principal) = (&login.policies, &identity.principal);
    // Another server is asked who referred its study only where that decides.
    let depends = |facts: &StudyFacts| {
        [identity.is_fresh, true].into_iter().any(|is_fresh| {
            let known =
                policies.permit_whoever_referred(principal, action, facts, circumstances(is_fresh));
            known.is_none()
        })
    };
    let facts = visible::facts(state, source, study, depends).await?;
    let unknown = || ApiError::from(SourceError::StudyUnknown);
    let context = identity.context.as_ref();
    if context.is_some_and(|context| !context.names(source, study)) {
        login.audit.add(event).await.map_err(ApiError::unrecorded)?;
        return Err(unknown());
    }
    let (facts, patient) = facts.ok_or_else(unknown)?;
    let resource = Resource::Study(facts);
    let may =
        |is_fresh: bool| policies.permit(principal, action, &resource, circumstances(is_fresh));
    if may(identity.is_fresh) {
        event.outcome = Outcome::Success;
        event.object.patient = patient;
        return Ok(event);
    }
    login.audit.add(event).await.map_err(ApiError::unrecorded)?;
    Err(if may(true) {
        ApiError::fresh_login_needed()
    } else {
        unknown()
    })
}

/// The event with the patient whose study it is about, where only another server knows that. It is asked now: what the event
/// is about has been permitted.
///
/// # Errors
/// The server has no such study, or no answer.
pub async fn with_patient(state: &Shared, mut event: Event) -> Result<Event, ApiError> {
    let object = &mut event.object;
    if let Some(upstream) = state.upstream(Some(&object.source))?
        && object.patient.is_empty()
    {
        let known = upstream.study(&object.study).await?;
        object.patient = known.ok_or(SourceError::StudyUnknown)?.patient;
    }
    Ok(event)
}

/// Whether someone may do something to the gateway itself.
pub fn permits_gateway(state: &Shared, asker: &Asker, action: Action) -> bool {
    match asker {
        Asker::User(session) => on_gateway(state, session, action, session.is_fresh),
        Asker::Anyone | Asker::Link(_) => false,
    }
}

/// Whether someone may do something to the gateway itself after a fresh login: whether it makes sense to offer it. It is no
/// right.
pub fn could_gateway(state: &Shared, session: &Session, action: Action) -> bool {
    on_gateway(state, session, action, true)
}

fn on_gateway(state: &Shared, session: &Session, action: Action, is_fresh: bool) -> bool {
    let Some(login) = &state.login else {
        return false;
    };
    if session.launched.is_some() {
        return false;
    }
    let circumstances = Circumstances {
        is_fresh,
        has_reason: false,
    };
    let principal = super::principal_of(session);
    (login.policies).permit(&principal, action, &Resource::Gateway, circumstances)
}

/// Someone who asks for something that the address does not say: the handler names the study and the action.
#[derive(Debug)]
pub struct Anybody {
    /// Who it is.
    pub asker: Asker,
    /// Where from.
    pub address: String,
}

impl FromRequestParts<Shared> for Anybody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        Ok(Self {
            asker: whole(Asker::of(parts, state).await?)?,
            address: Asker::address(parts),
        })
    }
}

impl Anybody {
    /// A pass for the study, once that is permitted and an event of the given kind is on record.
    ///
    /// # Errors
    /// It is not permitted, or cannot be decided or recorded.
    pub async fn pass(
        &self,
        state: &Shared,
        action: Action,
        kind: Kind,
        target: &Target,
        reason: &str,
    ) -> Result<StudyPass, ApiError> {
        let source = source_of(state, target)?;
        let uid = target.study.clone().ok_or_else(ApiError::internal)?;
        if let Some(login) = &state.login {
            let address = self.address.clone();
            let has_reason = !reason.trim().is_empty();
            let asker = &self.asker;
            let event = permitted(state, asker, address, action, &source, &uid, has_reason).await?;
            let event = with_patient(state, event).await?;
            let event = Event {
                kind,
                reason: reason.chars().take(500).collect(),
                ..event
            };
            login.audit.add(event).await.map_err(ApiError::unrecorded)?;
        }
        Ok(StudyPass { source, uid })
    }
}

/// Someone who has logged in by himself, for handlers that are of no study. The session of a frame is none such.
#[derive(Debug)]
pub struct LoggedIn {
    /// Whose session it is.
    pub session: Arc<Session>,
    /// Where from.
    pub address: String,
}

impl FromRequestParts<Shared> for LoggedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        match whole(Asker::of(parts, state).await?)? {
            Asker::User(session) if session.launched.is_some() => Err(ApiError::frame_only()),
            Asker::User(session) => Ok(Self {
                session,
                address: Asker::address(parts),
            }),
            Asker::Anyone | Asker::Link(_) => Err(ApiError::login_needed()),
        }
    }
}

/// Studies of a source that may be in a list. Only `auth` makes one, and no source searches anything without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    source: String,
    studies: visible::Studies,
}

impl Visible {
    /// Which they are, for the source that is searched.
    pub fn studies_at(&self, source: &str) -> &visible::Studies {
        if self.source == source {
            &self.studies
        } else {
            &visible::Studies::Nothing
        }
    }

    /// Whether a study is one of them, by its UID and its Referring Physician's Name as it is searched.
    pub fn shows(&self, state: &crate::state::State, uid: &str, referring: &str) -> bool {
        self.studies.has(state, uid, referring)
    }
}

/// Proof that a list may be asked for, and which studies may be in it.
#[derive(Debug)]
pub struct Listed {
    /// What the address names.
    pub target: Target,
    /// Who asks.
    pub asker: Asker,
    /// What may be in the answer.
    pub visible: Visible,
}

impl FromRequestParts<Shared> for Listed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let asker = whole(Asker::of(parts, state).await?)?;
        let target = Target::from_request_parts(parts, state).await?;
        let source = source_of(state, &target)?;
        let Some(login) = &state.login else {
            return Ok(Self {
                target,
                asker,
                visible: Visible {
                    source,
                    studies: visible::Studies::All,
                },
            });
        };
        let identity = asker.identity().ok_or_else(ApiError::login_needed)?;
        let (principal, context) = (identity.principal, identity.context);
        let mut event = Event::new(Kind::Search, Outcome::Success);
        event.actor = asker.actor(Asker::address(parts));
        event.object.source.clone_from(&source);
        event.object.other = parts.uri.query().unwrap_or_default().to_owned();
        event.object.study = target.study.clone().unwrap_or_default();
        login.audit.add(event).await.map_err(ApiError::unrecorded)?;
        // A frame's session searches its own studies alone, as its user may see them. Series and instances of a study are
        // listed for whoever may see it; other lists are searches.
        let studies = match (&context, &target.study) {
            (Some(context), study) => {
                let named = context.studies.iter();
                let wanted = named
                    .filter(|uid| study.as_ref().is_none_or(|study| study == *uid))
                    .filter(|uid| context.names(&source, uid));
                visible::among(state, &source, wanted, &principal).await?
            }
            (None, Some(uid)) => visible::one(state, &source, uid, &principal).await?,
            (None, None) => visible::all(state, &source, &principal, Action::Search).await?,
        };
        Ok(Self {
            visible: Visible { source, studies },
            target,
            asker,
        })
    }
}

/// What a user may find, whoever asks for it: another system's server looks for what it opens. Of a study that is named only
/// that.
///
/// # Errors
/// It cannot be decided just now.
pub async fn visible_to(
    state: &Shared,
    user: &User,
    source: &str,
    action: Action,
    study: Option<&str>,
) -> Result<Visible, ApiError> {
    let principal = super::principal_of_user(user);
    let studies = match study {
        Some(uid) => visible::one(state, source, uid, &principal).await?,
        None => visible::all(state, source, &principal, action).await?,
    };
    Ok(Visible {
        source: source.to_owned(),
        studies,
    })
}

/// What may be found of one study by whoever has opened a link.
///
/// # Errors
/// It cannot be decided just now.
pub async fn visible_by_link(
    state: &Shared,
    link: &OpenedLink,
    source: &str,
    study: &str,
) -> Result<Visible, ApiError> {
    let identity = Asker::Link(Arc::new(link.clone())).identity();
    let identity = identity.ok_or_else(ApiError::login_needed)?;
    Ok(Visible {
        source: source.to_owned(),
        studies: visible::one(state, source, study, &identity.principal).await?,
    })
}

/// Other servers that are shown to whoever asks. It is a convenience and no right: their names are no secret, and someone who
/// has not logged in yet is shown all, as a link that is about to be opened may be to any of them.
#[derive(Debug)]
pub struct Usable(BTreeSet<String>);

impl Usable {
    /// Whether a source is shown.
    pub fn contains(&self, source: &str) -> bool {
        self.0.contains(source)
    }
}

impl FromRequestParts<Shared> for Usable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let asker = match Asker::of(parts, state).await? {
            Some(asker) => whole(Some(asker)).ok(),
            None => None,
        };
        let identity = asker.as_ref().and_then(Asker::identity);
        let mut usable = BTreeSet::new();
        for upstream in &state.upstreams {
            let is_of_use = match &identity {
                Some(identity) => {
                    visible::is_of_use(state, upstream.id(), &identity.principal).await?
                }
                None => true,
            };
            if is_of_use {
                usable.insert(upstream.id().to_owned());
            }
        }
        Ok(Self(usable))
    }
}

fn source_of(state: &Shared, target: &Target) -> Result<String, ApiError> {
    let source = target.source.as_deref();
    state.upstream(source)?;
    Ok(source.unwrap_or(LOCAL).to_owned())
}

impl crate::state::State {
    /// Whether a principal may do something to a study, whatever else counts.
    pub(super) fn permits(&self, principal: &Principal, action: Action, facts: StudyFacts) -> bool {
        let Some(login) = &self.login else {
            return true;
        };
        let resource = Resource::Study(facts);
        (login.policies).permit(principal, action, &resource, Circumstances::default())
    }
}

impl ApiError {
    /// 401: nobody has logged in.
    pub fn login_needed() -> Self {
        let message = "log in first";
        Self::new(StatusCode::UNAUTHORIZED, "login_needed", message)
    }

    /// 403: the session of a frame is for images.
    pub fn frame_only() -> Self {
        let message = "this session is of a frame in another page: log in to do this";
        Self::new(StatusCode::FORBIDDEN, "frame_only", message)
    }

    /// Of tickets.
    pub fn from_launch(error: &LaunchError) -> Self {
        let message = error.to_string();
        match error {
            LaunchError::Unknown => Self::new(StatusCode::UNAUTHORIZED, "ticket_unknown", message),
            LaunchError::Parent => Self::new(StatusCode::FORBIDDEN, "parent_refused", message),
            LaunchError::Account(error) => Self::from_account(error),
        }
    }

    /// 403: it changes who sees what, so the password is asked for again.
    pub fn fresh_login_needed() -> Self {
        let message = "enter your password again to do this";
        Self::new(StatusCode::FORBIDDEN, "fresh_login_needed", message)
    }

    /// Of links.
    pub fn from_share(error: &ShareError) -> Self {
        let message = error.to_string();
        match error {
            ShareError::Account(error) => Self::from_account(error),
            ShareError::Invalid(_) => Self::bad_request("share_invalid", message),
            ShareError::Closed(closed) => {
                let (status, code) = match closed {
                    Closed::Unknown => (StatusCode::NOT_FOUND, "share_unknown"),
                    Closed::Expired => (StatusCode::GONE, "share_expired"),
                    Closed::Revoked => (StatusCode::GONE, "share_revoked"),
                    Closed::UsedUp => (StatusCode::GONE, "share_used_up"),
                    Closed::Locked => (StatusCode::GONE, "share_locked"),
                    Closed::WrongPin => (StatusCode::FORBIDDEN, "share_pin_wrong"),
                    Closed::Wait(_) => (StatusCode::TOO_MANY_REQUESTS, "share_slowed"),
                };
                Self::new(status, code, message)
            }
        }
    }

    /// 401: the session was idle for too long.
    pub fn session_locked() -> Self {
        let message = "this session is locked: enter your password to go on";
        Self::new(StatusCode::UNAUTHORIZED, "session_locked", message)
    }

    /// 503: it cannot be put on record, so it does not happen.
    pub fn unrecorded(error: crate::audit::file::AuditError) -> Self {
        eprintln!("sagitta: {error}");
        let message = "this cannot be put on record just now, so it is not served";
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "audit_unavailable",
            message,
        )
    }

    /// Of users and sessions.
    pub fn from_account(error: &super::accounts::AccountError) -> Self {
        use super::accounts::{AccountError, Refused};
        let message = error.to_string();
        match error {
            AccountError::Refused(Refused::Wait(_) | Refused::Locked) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "login_slowed", message)
            }
            AccountError::Refused(Refused::Wrong) => {
                Self::new(StatusCode::UNAUTHORIZED, "login_refused", message)
            }
            AccountError::Password(_)
            | AccountError::Name
            | AccountError::Role(_)
            | AccountError::Site(_)
            | AccountError::Text(_) => Self::bad_request("account_invalid", message),
            AccountError::Passkey(_) => Self::bad_request("passkey_refused", message),
            AccountError::External => Self::new(StatusCode::CONFLICT, "user_external", message),
            AccountError::LastAdmin => Self::new(StatusCode::CONFLICT, "last_admin", message),
            AccountError::Own => Self::new(StatusCode::CONFLICT, "own_account", message),
            AccountError::Ended => Self::login_needed(),
            AccountError::NoSession => Self::not_found("session_unknown", message),
            AccountError::Unknown(_) => Self::not_found("user_unknown", message),
            AccountError::Database(_) | AccountError::Random(_) | AccountError::Unrecorded(_) => {
                eprintln!("sagitta: {error}");
                let message = "users and sessions cannot be read just now";
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "login_unavailable",
                    message,
                )
            }
        }
    }
}
