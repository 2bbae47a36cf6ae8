//! Who may store: someone who could add to some study at all sends a body; what of it is stored is decided study by study.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::asker::{Asker, whole};
use super::policy::{Action, Circumstances, Principal, Resource, StudyFacts};
use super::sessions::Stage;
use super::visible;
use crate::audit::event::{Event, Kind, Outcome};
use crate::error::ApiError;
use crate::routes::Target;
use crate::state::{LOCAL, Shared};

/// Someone who may store. The session of a frame, and whoever opened a link, may not.
#[derive(Debug)]
pub struct Storing {
    /// What the address names.
    pub target: Target,
    asker: Asker,
    address: String,
}

/// The right to add instances to a study. Only this file makes one, and the store takes nothing in without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyEntry {
    uid: String,
}

impl StudyEntry {
    /// Study Instance UID.
    pub fn uid(&self) -> &str {
        &self.uid
    }
}

impl FromRequestParts<Shared> for Storing {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let asker = match whole(Asker::of(parts, state).await?)? {
            Asker::User(session) if session.launched.is_some() => {
                return Err(ApiError::frame_only());
            }
            Asker::Link(_) => return Err(ApiError::login_needed()),
            asker => asker,
        };
        let target = Target::from_request_parts(parts, state).await?;
        state.upstream(target.source.as_deref())?;
        let storing = Self {
            target,
            asker,
            address: Asker::address(parts),
        };
        if could(&storing.asker, state) {
            return Ok(storing);
        }
        let event = storing.event(Kind::Denied, Outcome::Refused, "");
        storing.record(state, event).await?;
        Err(ApiError::may_not_store())
    }
}

/// Whether there can be a study to which the sender of a request may add. It tells the app what to offer, and is no right.
#[derive(Debug)]
pub struct CouldStore(pub bool);

impl FromRequestParts<Shared> for CouldStore {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        // A session that is locked now will go on.
        Ok(Self(match Asker::of(parts, state).await? {
            Some(Asker::User(session)) if session.launched.is_some() => false,
            Some(Asker::User(session)) if session.stage != Stage::Whole => false,
            Some(Asker::Link(_)) | None => false,
            Some(asker) => could(&asker, state),
        }))
    }
}

/// There can be a study to which someone may add.
fn could(asker: &Asker, state: &Shared) -> bool {
    let mut facts = StudyFacts {
        source: LOCAL.to_owned(),
        ..StudyFacts::default()
    };
    let identity = asker.identity();
    if let Some(Principal::User {
        referrers, labels, ..
    }) = identity.as_ref().map(|identity| &identity.principal)
    {
        facts.referrers.clone_from(referrers);
        facts.labels.clone_from(labels);
    }
    permits(asker, state, Action::Store, facts)
}

fn permits(asker: &Asker, state: &Shared, action: Action, facts: StudyFacts) -> bool {
    let (Some(login), Some(identity)) = (&state.login, asker.identity()) else {
        return state.login.is_none();
    };
    let circumstances = Circumstances {
        is_fresh: identity.is_fresh,
        has_reason: false,
    };
    let resource = Resource::Study(facts);
    (login.policies).permit(&identity.principal, action, &resource, circumstances)
}

impl Storing {
    /// The right to add to a study, which need not be there yet; `None` where there is none, and that is on record.
    ///
    /// # Errors
    /// It cannot be decided or recorded.
    pub async fn entry(&self, state: &Shared, study: &str) -> Result<Option<StudyEntry>, ApiError> {
        let facts = visible::facts_to_store(state, study).await?;
        if permits(&self.asker, state, Action::Store, facts) {
            return Ok(Some(StudyEntry {
                uid: study.to_owned(),
            }));
        }
        let event = self.event(Kind::Denied, Outcome::Refused, study);
        self.record(state, event).await?;
        Ok(None)
    }

    /// Whether a note of this user's may take instances of a study out of use; where not, that is on record.
    ///
    /// # Errors
    /// It cannot be decided or recorded.
    pub async fn may_reject(&self, state: &Shared, study: &str) -> Result<bool, ApiError> {
        let facts = visible::facts_to_store(state, study).await?;
        let may = permits(&self.asker, state, Action::Reject, facts);
        if !may {
            let mut event = self.event(Kind::Denied, Outcome::Refused, study);
            "a rejection note".clone_into(&mut event.object.other);
            self.record(state, event).await?;
        }
        Ok(may)
    }

    /// An event of this user's, about a study.
    pub fn event(&self, kind: Kind, outcome: Outcome, study: &str) -> Event {
        let mut event = Event::new(kind, outcome);
        event.actor = self.asker.actor(self.address.clone());
        LOCAL.clone_into(&mut event.object.source);
        study.clone_into(&mut event.object.study);
        event
    }

    /// Puts it on record, where there is one.
    ///
    /// # Errors
    /// It cannot be written: whatever it was about must not happen.
    pub async fn record(&self, state: &Shared, event: Event) -> Result<(), ApiError> {
        match &state.login {
            Some(login) => login.audit.add(event).await.map_err(ApiError::unrecorded),
            None => Ok(()),
        }
    }
}

impl ApiError {
    /// 403: this user adds to no study, or to none of these.
    pub fn may_not_store() -> Self {
        let message = "you may not store this here";
        Self::new(StatusCode::FORBIDDEN, "store_refused", message)
    }
}
