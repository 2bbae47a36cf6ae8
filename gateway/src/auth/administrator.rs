//! Extractors of administration: who may look at users, sessions and links, and who may change them.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::access::{could_gateway, permits_gateway};
use super::asker::{Asker, whole};
use super::policy::Action;
use super::sessions::Session;
use crate::audit::event::{Event, Kind, Outcome};
use crate::error::ApiError;
use crate::state::Shared;

/// Someone who may manage users, and looks. For everybody else there is nothing here.
#[derive(Debug)]
pub struct Administrator {
    /// Whose session it is.
    pub session: Arc<Session>,
    /// Where from.
    pub address: String,
}

/// Someone who may manage users and has just proved who he or she is, with all factors: for handlers that change something.
#[derive(Debug)]
pub struct FreshAdministrator(pub Administrator);

impl Administrator {
    /// An event of theirs.
    pub fn event(&self, kind: Kind, outcome: Outcome) -> Event {
        let mut event = Event::new(kind, outcome);
        event.actor = Asker::User(Arc::clone(&self.session)).actor(self.address.clone());
        event
    }

    async fn refused(&self, state: &Shared, error: ApiError) -> Result<ApiError, ApiError> {
        let login = state.login.as_ref().ok_or_else(nothing)?;
        let mut event = self.event(Kind::Denied, Outcome::Refused);
        event.object.other = "administration".to_owned();
        error.code.clone_into(&mut event.reason);
        login.audit.add(event).await.map_err(ApiError::unrecorded)?;
        Ok(error)
    }
}

/// As for an address that there is not.
fn nothing() -> ApiError {
    ApiError::not_found("not_found", "there is nothing at this address")
}

impl FromRequestParts<Shared> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        if state.login.is_none() {
            return Err(nothing());
        }
        let session = match whole(Asker::of(parts, state).await?)? {
            Asker::User(session) if session.launched.is_some() => {
                return Err(ApiError::frame_only());
            }
            Asker::User(session) => session,
            Asker::Anyone | Asker::Link(_) => return Err(ApiError::login_needed()),
        };
        let administrator = Self {
            session,
            address: Asker::address(parts),
        };
        if could_gateway(state, &administrator.session, Action::Manage) {
            return Ok(administrator);
        }
        Err(administrator.refused(state, nothing()).await?)
    }
}

impl FromRequestParts<Shared> for FreshAdministrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let administrator = Administrator::from_request_parts(parts, state).await?;
        let session = &administrator.session;
        let asker = Asker::User(Arc::clone(session));
        if session.is_fresh && session.is_strong && permits_gateway(state, &asker, Action::Manage) {
            return Ok(Self(administrator));
        }
        let error = ApiError::fresh_login_needed();
        Err(administrator.refused(state, error).await?)
    }
}
