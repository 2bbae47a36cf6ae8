//! `/api/session`: who is logged in, for the app; and the end of it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::login::{Asking, event, record, work};
use crate::audit::event::{Kind, Outcome};
use crate::auth::asker::{FRAME_COOKIE, SESSION_COOKIE, now_s};
use crate::auth::launch::Context;
use crate::auth::sessions::{self, Stage};
use crate::error::ApiError;
use crate::state::Shared;

/// A session, as the app is told.
#[derive(Debug, Default, Serialize)]
pub struct SessionAnswer {
    /// Login is configured.
    login: bool,
    /// User name.
    user: Option<String>,
    /// Name on screen.
    name: Option<String>,
    /// Roles.
    roles: Vec<&'static str>,
    /// Nothing is shown until the password is given again.
    locked: bool,
    /// Seconds until it ends.
    ends_in_s: Option<i64>,
    /// Seconds without a request until it is locked, or in a frame ends.
    idle_s: Option<i64>,
    /// Studies that a frame's session is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
}

/// Who is logged in, as JSON.
pub async fn session(
    State(state): State<Shared>,
    asking: Asking,
) -> Result<Json<SessionAnswer>, ApiError> {
    let Some(login) = &state.login else {
        return Ok(Json(SessionAnswer::default()));
    };
    let session = asking.at(Stage::Whole).ok_or_else(ApiError::login_needed)?;
    let launched = session.launched.as_ref();
    Ok(Json(SessionAnswer {
        login: true,
        user: Some(session.user.name.clone()),
        name: Some(session.user.shown.clone()),
        roles: session.user.roles.iter().map(|role| role.name()).collect(),
        locked: session.is_locked,
        ends_in_s: Some(session.ends_s - now_s()),
        idle_s: Some(login.lifetimes.idle_s),
        context: launched.and_then(|launched| launched.context.clone()),
    }))
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
