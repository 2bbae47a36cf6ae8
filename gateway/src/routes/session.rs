//! The session as JSON: whose it is, locked when nobody is there, and gone on with.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Response};
use protocol::account::{FrameContext, SessionState, Unlock};

use super::asking::{Asking, event, record, work};
use super::given::Given;
use super::login::{Proof, prove};
use crate::audit::event::{Kind, Outcome};
use crate::auth::access::could_gateway;
use crate::auth::asker::{FRAME_COOKIE, SESSION_COOKIE, now_s};
use crate::auth::policy::Action;
use crate::auth::sessions::{self, Session, Stage};
use crate::auth::{Login, could};
use crate::error::ApiError;
use crate::state::Shared;

fn answer(state: &Shared, login: &Login, session: &Session) -> SessionState {
    let may = |action| could_gateway(state, session, action);
    let launched = session.launched.as_ref();
    let context = launched.and_then(|launched| launched.context.as_ref());
    SessionState {
        login: true,
        user: Some(session.user.name.clone()),
        name: Some(session.user.shown.clone()),
        roles: (session.user.roles.iter())
            .map(|role| role.name().to_owned())
            .collect(),
        locked: session.is_locked,
        password: session.user.has_password,
        share: could(login, session, Action::Share),
        search: could(login, session, Action::Search),
        manage: may(Action::Manage),
        audit: may(Action::ReadAudit) || may(Action::ReadOwnAudit),
        ends_in_s: Some(session.ends_s - now_s()),
        idle_s: Some(login.lifetimes.idle_s),
        context: context.map(|context| FrameContext {
            source: context.source.clone(),
            studies: context.studies.iter().cloned().collect(),
        }),
    }
}

/// Who is logged in.
pub async fn session(
    State(state): State<Shared>,
    asking: Asking,
) -> Result<Json<SessionState>, ApiError> {
    let Some(login) = &state.login else {
        return Ok(Json(SessionState::default()));
    };
    let session = asking.at(Stage::Whole).ok_or_else(ApiError::login_needed)?;
    Ok(Json(answer(&state, login, session)))
}

/// Locks the session: nobody sits before the screen any more.
pub async fn lock(State(state): State<Shared>, asking: Asking) -> Result<StatusCode, ApiError> {
    let session = asking.at(Stage::Whole).ok_or_else(ApiError::login_needed)?;
    let again = Arc::clone(session);
    let locked = work(&state, move |login| {
        sessions::lock(&login.database, &again, login.lifetimes, now_s())
    });
    let locked = locked.await?;
    locked.map_err(|error| ApiError::from_account(&error))?;
    let name = &session.user.name;
    let mut event = event(Kind::Logout, Outcome::Success, Some(name), &asking);
    event.reason = "idle".into();
    record(&state, event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes on with a session, and makes its login fresh.
pub async fn unlock(
    State(state): State<Shared>,
    asking: Asking,
    Given(Json(Unlock { password, code })): Given<Json<Unlock>>,
) -> Result<StatusCode, ApiError> {
    let session = asking.at(Stage::Whole).ok_or_else(ApiError::login_needed)?;
    let proved = prove(&state, &asking, session, Proof { password, code }).await?;
    proved.map_err(|error| ApiError::from_account(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the session, for scripts: pages have a form for it.
pub async fn end(State(state): State<Shared>, asking: Asking) -> Result<Response, ApiError> {
    let session = asking.at(Stage::Whole).ok_or_else(ApiError::login_needed)?;
    let (hash, is_launched) = (session.hash, session.launched.is_some());
    let ended = work(&state, move |login| sessions::end(&login.database, &hash)).await?;
    ended.map_err(|error| ApiError::from_account(&error))?;
    let mut event = event(
        Kind::Logout,
        Outcome::Success,
        Some(&session.user.name),
        &asking,
    );
    event.actor.session = hash.short();
    record(&state, event).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let gone = if is_launched {
        format!("{FRAME_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=0")
    } else {
        format!("{SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
    };
    if let Ok(gone) = gone.parse() {
        response.headers_mut().append(SET_COOKIE, gone);
    }
    Ok(response)
}
