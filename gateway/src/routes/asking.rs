//! Who asks, whatever the session is worth, and what all ways of logging in have in common: cookies, steps, the record.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};

use crate::audit::event::{Actor, Event, Kind, Outcome};
use crate::auth::Login;
use crate::auth::accounts::AccountError;
use crate::auth::asker::{Asker, DETOUR_COOKIE, SESSION_COOKIE, cookie, now_s};
use crate::auth::detours::Waiting;
use crate::auth::secret::Secret;
use crate::auth::sessions::{Session, Stage};
use crate::error::ApiError;
use crate::state::Shared;

/// Leads to a page of ours.
pub(super) fn go(state: &Shared, path: &str) -> Response {
    let target = format!("{}{path}", state.base_path);
    (StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response()
}

pub(super) fn with_session(response: Response, secret: Option<&Secret>) -> Response {
    with_cookie(response, SESSION_COOKIE, secret)
}

pub(super) fn with_cookie(mut response: Response, name: &str, secret: Option<&Secret>) -> Response {
    let cookie = match secret {
        Some(secret) => format!(
            "{name}={}; Path=/; Secure; HttpOnly; SameSite=Lax",
            secret.text()
        ),
        None => format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
    };
    add_cookie(&mut response, &cookie);
    response
}

/// A cookie for what waits on the server for ten minutes.
pub(super) fn with_short_cookie(mut response: Response, name: &str, secret: &Secret) -> Response {
    let secret = secret.text();
    let cookie = format!("{name}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600");
    add_cookie(&mut response, &cookie);
    response
}

fn add_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Runs work on users and sessions where it holds up nobody.
pub(super) async fn work<T: Send + 'static>(
    state: &Shared,
    work: impl FnOnce(&Login) -> Result<T, AccountError> + Send + 'static,
) -> Result<Result<T, AccountError>, ApiError> {
    let state = Arc::clone(state);
    let done = tokio::task::spawn_blocking(move || {
        let login = state.login.as_ref().ok_or_else(no_login)?;
        Ok(work(login))
    });
    done.await.map_err(|_| ApiError::internal())?
}

pub(super) fn no_login() -> ApiError {
    ApiError::not_found("login_unknown", "login is not configured here")
}

pub(super) async fn record(state: &Shared, event: Event) -> Result<(), ApiError> {
    let login = state.login.as_ref().ok_or_else(no_login)?;
    login.audit.add(event).await.map_err(ApiError::unrecorded)
}

/// An event of someone who is not logged in yet. A name that nobody has may be a password in the wrong field: it is not
/// written down.
pub(super) fn event(kind: Kind, outcome: Outcome, user: Option<&str>, asking: &Asking) -> Event {
    let mut event = Event::new(kind, outcome);
    event.actor = Actor {
        user: user.unwrap_or("(unknown)").to_owned(),
        address: asking.address.clone(),
        ..Actor::default()
    };
    event
}

/// Who asks, whatever the session is worth, and from where.
#[derive(Debug)]
pub struct Asking {
    pub(super) session: Option<Arc<Session>>,
    pub(super) detour: Option<Secret>,
    address: String,
}

impl FromRequestParts<Shared> for Asking {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let session = match Asker::of(parts, state).await? {
            Some(Asker::User(session)) => Some(session),
            _ => None,
        };
        Ok(Self {
            session,
            detour: cookie(&parts.headers, DETOUR_COOKIE),
            address: Asker::address(parts),
        })
    }
}

impl Asking {
    /// Keeps a request until its sender has logged in, and leads to the login; `None` where there is none.
    pub fn detour(&self, state: &Shared, waiting: Waiting) -> Option<Response> {
        let login = state.login.as_ref()?;
        let next = self.next_page(state)?;
        let secret = login.detours.keep(waiting, now_s()).ok()?;
        Some(with_cookie(next, DETOUR_COOKIE, Some(&secret)))
    }

    /// Where someone goes after a step of a login.
    pub(super) fn towards(&self, state: &Shared, stage: Stage) -> Response {
        match stage {
            Stage::Whole => self.onwards(state),
            Stage::Second | Stage::Enrol => go(state, after(stage)),
        }
    }

    /// Where someone goes who has just logged in: to what was asked for before, or to the list.
    pub(super) fn onwards(&self, state: &Shared) -> Response {
        match &self.detour {
            Some(_) => go(state, "/auth/next"),
            None => go(state, "/"),
        }
    }

    /// Where from.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where someone is led who may not see the app yet; `None` for everybody where login is not configured.
    pub fn next_page(&self, state: &Shared) -> Option<Response> {
        state.login.as_ref()?;
        match self.session.as_deref() {
            None => Some(go(state, "/auth/login")),
            Some(session) if session.is_locked => Some(go(state, "/auth/unlock")),
            Some(session) if session.stage != Stage::Whole => Some(go(state, after(session.stage))),
            Some(_) => None,
        }
    }

    pub(super) fn at(&self, stage: Stage) -> Option<&Arc<Session>> {
        self.session.as_ref().filter(|it| it.stage == stage)
    }
}

/// The page of a step of a login.
pub(super) fn after(stage: Stage) -> &'static str {
    match stage {
        Stage::Second => "/auth/mfa",
        Stage::Enrol => "/auth/enrol",
        Stage::Whole => "/",
    }
}
