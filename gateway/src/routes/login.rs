//! Logging in and out: pages that work without a script, and the session as JSON.
//!
//! Each step gives the browser a new secret in its cookie; what an older one was worth ends with it.

use std::sync::Arc;

use axum::extract::{Form, FromRequestParts, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use qrcode::render::svg;
use serde::Deserialize;

use super::Pairs;
use super::login_pages::{
    EnrolPage, FirstPage, LoginPage, RecoveryPage, SITE, STYLE, SecondPage, UnlockPage, frame, show,
};
use crate::audit::event::{Actor, Event, Kind, Outcome};
use crate::auth::access::Listed;
use crate::auth::accounts::{self, AccountError, Refused, User};
use crate::auth::asker::{Asker, DETOUR_COOKIE, SESSION_COOKIE, cookie, now_s};
use crate::auth::detours::Waiting;
use crate::auth::secret::Secret;
use crate::auth::sessions::{self, Session, Stage};
use crate::auth::{Login, totp};
use crate::error::ApiError;
use crate::state::Shared;

pub(super) const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Shows a page again with what went wrong, or gives the error where that is none of the person's.
fn status_of(error: &AccountError) -> StatusCode {
    ApiError::from_account(error).status
}

fn go(state: &Shared, path: &str) -> Response {
    let target = format!("{}{path}", state.base_path);
    (StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response()
}

fn with_session(response: Response, secret: Option<&Secret>) -> Response {
    with_cookie(response, SESSION_COOKIE, secret)
}

fn with_cookie(mut response: Response, name: &str, secret: Option<&Secret>) -> Response {
    let cookie = match secret {
        Some(secret) => format!(
            "{name}={}; Path=/; Secure; HttpOnly; SameSite=Lax",
            secret.text()
        ),
        None => format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
    };
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
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
    session: Option<Arc<Session>>,
    detour: Option<Secret>,
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
    fn towards(&self, state: &Shared, stage: Stage) -> Response {
        match stage {
            Stage::Whole => self.onwards(state),
            Stage::Second | Stage::Enrol => go(state, after(stage)),
        }
    }

    /// Where someone goes who has just logged in: to what was asked for before, or to the list.
    fn onwards(&self, state: &Shared) -> Response {
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

    /// The session, where its login has come that far.
    pub(super) fn at(&self, stage: Stage) -> Option<&Arc<Session>> {
        self.session.as_ref().filter(|it| it.stage == stage)
    }
}

/// What the login page sends.
#[derive(Debug, Deserialize)]
pub struct Credentials {
    name: String,
    password: String,
}

/// Their style sheet.
pub async fn style() -> Result<Response, ApiError> {
    super::answer("text/css; charset=utf-8", STYLE)
}

/// The login page.
pub async fn login_page(State(state): State<Shared>, asking: Asking) -> Result<Response, ApiError> {
    if state.login.is_none() {
        return Err(no_login());
    }
    match asking.session.as_deref() {
        Some(session) if session.is_locked => return Ok(go(&state, "/auth/unlock")),
        Some(session) => return Ok(go(&state, after(session.stage))),
        None => {}
    }
    let frame = frame(&state, "", None);
    show(&LoginPage { frame }, StatusCode::OK)
}

fn after(stage: Stage) -> &'static str {
    match stage {
        Stage::Second => "/auth/mfa",
        Stage::Enrol => "/auth/enrol",
        Stage::Whole => "/",
    }
}

/// Name and password.
pub async fn login(
    State(state): State<Shared>,
    asking: Asking,
    Form(given): Form<Credentials>,
) -> Result<Response, ApiError> {
    let Credentials { name, password } = given;
    let shown = name.clone();
    let tried = work(&state, move |login| {
        let user = accounts::check_password(&login.database, &name, &password, now_s())?;
        begin(login, &user)
    });
    match tried.await? {
        Ok((user, stage, secret)) => {
            let kind = Kind::Login;
            record(
                &state,
                event(kind, Outcome::Success, Some(&user.name), &asking),
            )
            .await?;
            Ok(with_session(asking.towards(&state, stage), Some(&secret)))
        }
        Err(error) => {
            let known = is_known(&state, &shown).await?;
            let name = known.then_some(shown.as_str());
            record(
                &state,
                event(kind_of(&error), Outcome::Refused, name, &asking),
            )
            .await?;
            let frame = frame(&state, &shown, Some(&error));
            show(&LoginPage { frame }, status_of(&error))
        }
    }
}

fn kind_of(error: &AccountError) -> Kind {
    match error {
        AccountError::Refused(Refused::Locked) => Kind::Locked,
        _ => Kind::Login,
    }
}

async fn is_known(state: &Shared, name: &str) -> Result<bool, ApiError> {
    let name = name.to_owned();
    let users = work(state, |login| accounts::list(&login.database)).await?;
    let users = users.map_err(|error| ApiError::from_account(&error))?;
    Ok(users
        .iter()
        .any(|user| user.name.eq_ignore_ascii_case(&name)))
}

/// The session of someone whose password was right: whole, or one step before.
fn begin(login: &Login, user: &User) -> Result<(User, Stage, Secret), AccountError> {
    let stage = if user.has_totp {
        Stage::Second
    } else if login.needs_second_factor {
        Stage::Enrol
    } else {
        Stage::Whole
    };
    let secret = sessions::start(&login.database, user, stage, login.lifetimes, now_s())?;
    Ok((user.clone(), stage, secret))
}

/// What the pages of a second factor send.
#[derive(Debug, Deserialize)]
pub struct Code {
    code: String,
}

/// The page of the second factor.
pub async fn second_page(
    State(state): State<Shared>,
    asking: Asking,
) -> Result<Response, ApiError> {
    let Some(session) = asking.at(Stage::Second) else {
        return Ok(go(&state, "/auth/login"));
    };
    let frame = frame(&state, &session.user.name, None);
    show(&SecondPage { frame }, StatusCode::OK)
}

/// A code by time, or a recovery code.
pub async fn second(
    State(state): State<Shared>,
    asking: Asking,
    Form(Code { code }): Form<Code>,
) -> Result<Response, ApiError> {
    let Some(session) = asking.at(Stage::Second).cloned() else {
        return Ok(go(&state, "/auth/login"));
    };
    let name = session.user.name.clone();
    let tried = work(&state, move |login| {
        let digits = code.chars().filter(char::is_ascii_alphanumeric);
        if digits.clone().count() == 6 && digits.clone().all(|it| it.is_ascii_digit()) {
            accounts::check_totp(&login.database, &session.user, &code, now_s())?;
        } else {
            accounts::check_recovery(&login.database, &session.user, &code, now_s())?;
        }
        sessions::complete(&login.database, &session, login.lifetimes, now_s())
    });
    match tried.await? {
        Ok(secret) => {
            let mut event = event(Kind::Login, Outcome::Success, Some(&name), &asking);
            event.reason = "second factor".into();
            record(&state, event).await?;
            Ok(with_session(asking.onwards(&state), Some(&secret)))
        }
        Err(error) => {
            let event = event(Kind::SecondFactor, Outcome::Refused, Some(&name), &asking);
            record(&state, event).await?;
            let frame = frame(&state, &name, Some(&error));
            show(&SecondPage { frame }, status_of(&error))
        }
    }
}

/// The key that a session is about to set up.
async fn new_key(state: &Shared, session: &Arc<Session>) -> Result<Vec<u8>, ApiError> {
    let session = Arc::clone(session);
    let key = work(state, move |login| {
        sessions::new_totp_key(&login.database, &session)
    });
    key.await?.map_err(|error| ApiError::from_account(&error))
}

/// The page that sets a second factor up.
pub async fn enrol_page(State(state): State<Shared>, asking: Asking) -> Result<Response, ApiError> {
    let Some(session) = asking.at(Stage::Enrol) else {
        return Ok(go(&state, "/auth/login"));
    };
    let key = totp::typed(&new_key(&state, session).await?);
    let frame = frame(&state, &session.user.name, None);
    show(&EnrolPage { frame, key }, StatusCode::OK)
}

/// Its QR code.
pub async fn enrol_picture(
    State(state): State<Shared>,
    asking: Asking,
) -> Result<Response, ApiError> {
    let session = asking.at(Stage::Enrol).ok_or_else(ApiError::login_needed)?;
    let key = new_key(&state, session).await?;
    let address = totp::address(&key, &session.user.name, SITE).ok_or_else(ApiError::internal)?;
    let code = qrcode::QrCode::new(address).map_err(|_| ApiError::internal())?;
    let picture = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .build();
    super::answer("image/svg+xml", picture)
}

/// The first code of a new key; then recovery codes are shown, once.
pub async fn enrol(
    State(state): State<Shared>,
    asking: Asking,
    Form(Code { code }): Form<Code>,
) -> Result<Response, ApiError> {
    let Some(session) = asking.at(Stage::Enrol).cloned() else {
        return Ok(go(&state, "/auth/login"));
    };
    let name = session.user.name.clone();
    let again = Arc::clone(&session);
    let tried = work(&state, move |login| {
        let database = &login.database;
        let key = sessions::new_totp_key(database, &session)?;
        let codes = accounts::set_totp(database, &session.user, &key, &code, now_s())?;
        let secret = sessions::complete(database, &session, login.lifetimes, now_s())?;
        Ok((codes, secret))
    });
    match tried.await? {
        Ok((codes, secret)) => {
            let mut event = event(Kind::RightsChanged, Outcome::Success, Some(&name), &asking);
            event.reason = "second factor set up".into();
            record(&state, event).await?;
            let frame = frame(&state, &name, None);
            let page = show(&RecoveryPage { frame, codes }, StatusCode::OK)?;
            Ok(with_session(page, Some(&secret)))
        }
        Err(error) => {
            let key = totp::typed(&new_key(&state, &again).await?);
            let frame = frame(&state, &name, Some(&error));
            show(&EnrolPage { frame, key }, status_of(&error))
        }
    }
}

/// What the page of a first password sends.
#[derive(Debug, Deserialize)]
pub struct First {
    name: String,
    code: String,
    password: String,
}

/// The page of a first password.
pub async fn first_page(State(state): State<Shared>) -> Result<Response, ApiError> {
    if state.login.is_none() {
        return Err(no_login());
    }
    let frame = frame(&state, "", None);
    show(&FirstPage { frame }, StatusCode::OK)
}

/// A first password, by a code.
pub async fn first(
    State(state): State<Shared>,
    asking: Asking,
    Form(given): Form<First>,
) -> Result<Response, ApiError> {
    let name = given.name.clone();
    let tried = work(&state, move |login| {
        let First {
            name,
            code,
            password,
        } = given;
        let user = accounts::set_password(&login.database, &name, &code, &password, now_s())?;
        begin(login, &user)
    });
    match tried.await? {
        Ok((user, stage, secret)) => {
            let who = Some(user.name.as_str());
            let mut event = event(Kind::RightsChanged, Outcome::Success, who, &asking);
            event.reason = "password set".into();
            record(&state, event).await?;
            Ok(with_session(asking.towards(&state, stage), Some(&secret)))
        }
        Err(error) => {
            let known = is_known(&state, &name).await?;
            let who = known.then_some(name.as_str());
            record(
                &state,
                event(kind_of(&error), Outcome::Refused, who, &asking),
            )
            .await?;
            let frame = frame(&state, &name, Some(&error));
            show(&FirstPage { frame }, status_of(&error))
        }
    }
}

/// The page of a locked session.
pub async fn unlock_page(
    State(state): State<Shared>,
    asking: Asking,
) -> Result<Response, ApiError> {
    let Some(session) = asking.at(Stage::Whole) else {
        return Ok(go(&state, "/auth/login"));
    };
    let frame = frame(&state, &session.user.name, None);
    show(&UnlockPage { frame }, StatusCode::OK)
}

/// What the page of a locked session sends.
#[derive(Debug, Deserialize)]
pub struct Password {
    password: String,
}

/// Goes on with a session, and makes its login fresh.
pub async fn unlock(
    State(state): State<Shared>,
    asking: Asking,
    Form(Password { password }): Form<Password>,
) -> Result<Response, ApiError> {
    let Some(session) = asking.at(Stage::Whole).cloned() else {
        return Ok(go(&state, "/auth/login"));
    };
    match prove(&state, &asking, &session, password).await? {
        Ok(()) => Ok(asking.onwards(&state)),
        Err(error) => {
            let frame = frame(&state, &session.user.name, Some(&error));
            show(&UnlockPage { frame }, status_of(&error))
        }
    }
}

/// Takes the password of someone who is logged in once more, and writes down what came of it.
pub(super) async fn prove(
    state: &Shared,
    asking: &Asking,
    session: &Arc<Session>,
    password: String,
) -> Result<Result<(), AccountError>, ApiError> {
    let name = session.user.name.clone();
    let again = Arc::clone(session);
    let tried = work(state, move |login| {
        let database = &login.database;
        accounts::check_password(database, &again.user.name, &password, now_s())?;
        sessions::prove(database, &again, now_s())
    });
    let tried = tried.await?;
    let mut event = match &tried {
        Ok(()) => event(Kind::Login, Outcome::Success, Some(&name), asking),
        Err(error) => event(kind_of(error), Outcome::Refused, Some(&name), asking),
    };
    event.reason = "unlocked".into();
    if tried.is_err() {
        event.reason = "not unlocked".into();
    }
    record(state, event).await?;
    Ok(tried)
}

/// Goes on with the request that waited for the login.
pub async fn next(
    State(state): State<Shared>,
    asking: Asking,
    listed: Result<Listed, ApiError>,
) -> Result<Response, ApiError> {
    let login = state.login.as_ref().ok_or_else(no_login)?;
    let waiting = asking.detour.as_ref();
    let done = match waiting.and_then(|secret| login.detours.take(secret, now_s())) {
        None => return Ok(go(&state, "/")),
        // A path of our own: it was kept here, and nobody else could write it.
        Some(Waiting::Page(path)) => go(&state, &path),
        Some(Waiting::Invoke(pairs)) => {
            super::invoke::invoke(State(state.clone()), asking, listed, Pairs(pairs)).await?
        }
    };
    // A session that ended on the way has a cookie of its own for the next try.
    if done.headers().contains_key(SET_COOKIE) {
        return Ok(done);
    }
    Ok(with_cookie(done, DETOUR_COOKIE, None))
}

/// Ends the session, and what the browser keeps of it.
pub async fn logout(State(state): State<Shared>, asking: Asking) -> Result<Response, ApiError> {
    if let Some(session) = asking.session.clone() {
        let name = session.user.name.clone();
        let ended = work(&state, move |login| {
            sessions::end(&login.database, &session.hash)
        });
        ended
            .await?
            .map_err(|error| ApiError::from_account(&error))?;
        let event = event(Kind::Logout, Outcome::Success, Some(&name), &asking);
        record(&state, event).await?;
    }
    let mut response = with_session(go(&state, "/auth/login"), None);
    let all = "\"cache\", \"cookies\", \"storage\"";
    if let Ok(all) = all.parse() {
        response.headers_mut().insert(CLEAR_SITE_DATA, all);
    }
    Ok(response)
}

/// Ends all sessions of whoever asks.
pub async fn logout_everywhere(
    State(state): State<Shared>,
    asking: Asking,
) -> Result<Response, ApiError> {
    let session = asking.at(Stage::Whole).ok_or_else(ApiError::login_needed)?;
    let id = session.user.id;
    let ended = work(&state, move |login| sessions::end_all(&login.database, id)).await?;
    ended.map_err(|error| ApiError::from_account(&error))?;
    logout(State(state), asking).await
}
