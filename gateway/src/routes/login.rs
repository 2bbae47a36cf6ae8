//! Logging in and out: pages that work without a script, and the session as JSON.
//!
//! Each step gives the browser a new secret in its cookie; what an older one was worth ends with it.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderName, StatusCode};
use axum::response::Response;
use qrcode::render::svg;
use serde::Deserialize;

use super::Pairs;
pub use super::asking::Asking;
use super::asking::{after, event, go, no_login, record, with_cookie, with_session, work};
use super::given::Given;
use super::login_pages::{
    EnrolPage, FirstPage, LoginPage, RecoveryPage, SHOW_PASSWORD, SITE, STYLE, SecondPage,
    UnlockPage, frame, frame_of_code, show,
};
use crate::audit::event::{Kind, Outcome};
use crate::auth::access::Listed;
use crate::auth::accounts::{self, AccountError, Refused, User};
use crate::auth::asker::{DETOUR_COOKIE, now_s};
use crate::auth::detours::Waiting;
use crate::auth::secret::Secret;
use crate::auth::sessions::{self, Session, Stage};
use crate::auth::{Login, Ways, totp};
use crate::error::ApiError;
use crate::state::Shared;

pub(super) const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Shows a page again with what went wrong, or gives the error where that is none of the person's.
fn status_of(error: &AccountError) -> StatusCode {
    ApiError::from_account(error).status
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

/// Their script.
pub async fn script() -> Result<Response, ApiError> {
    super::answer("text/javascript; charset=utf-8", SHOW_PASSWORD)
}

/// The login page.
pub async fn login_page(State(state): State<Shared>, asking: Asking) -> Result<Response, ApiError> {
    let ways = &state.login.as_ref().ok_or_else(no_login)?.ways;
    match asking.session.as_deref() {
        Some(session) if session.is_locked => return Ok(go(&state, "/auth/unlock")),
        Some(session) => return Ok(go(&state, after(session.stage))),
        None => {}
    }
    let page = LoginPage::new(frame(&state, "", None), ways);
    show(&page, StatusCode::OK)
}

/// Name and password.
pub async fn login(
    State(state): State<Shared>,
    asking: Asking,
    Given(Form(given)): Given<Form<Credentials>>,
) -> Result<Response, ApiError> {
    let ways = with_passwords(&state)?;
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
            let page = LoginPage::new(frame(&state, &shown, Some(&error)), ways);
            show(&page, status_of(&error))
        }
    }
}

/// How people log in, where some do by a password of ours.
fn with_passwords(state: &Shared) -> Result<&Ways, ApiError> {
    let login = state.login.as_ref();
    let ways = login.map(|login| &login.ways);
    ways.filter(|ways| ways.has_passwords).ok_or_else(no_login)
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
    let stage = if user.has_totp || user.has_passkey {
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
    let page = SecondPage::new(frame(&state, &session.user.name, None), &session.user);
    show(&page, StatusCode::OK)
}

/// A code by time, or a recovery code.
pub async fn second(
    State(state): State<Shared>,
    asking: Asking,
    Given(Form(Code { code })): Given<Form<Code>>,
) -> Result<Response, ApiError> {
    let Some(session) = asking.at(Stage::Second).cloned() else {
        return Ok(go(&state, "/auth/login"));
    };
    let user = session.user.clone();
    let name = user.name.clone();
    let tried = work(&state, move |login| {
        accounts::check_second(&login.database, &session.user, &code, now_s())?;
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
            let page = SecondPage::new(frame_of_code(&state, &name, &error), &user);
            show(&page, status_of(&error))
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
    let page = EnrolPage::new(&state, frame(&state, &session.user.name, None), key);
    show(&page, StatusCode::OK)
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
    Given(Form(Code { code })): Given<Form<Code>>,
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
            let page = EnrolPage::new(&state, frame_of_code(&state, &name, &error), key);
            show(&page, status_of(&error))
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
    with_passwords(&state)?;
    let frame = frame(&state, "", None);
    show(&FirstPage { frame }, StatusCode::OK)
}

/// A first password, by a code.
pub async fn first(
    State(state): State<Shared>,
    asking: Asking,
    Given(Form(given)): Given<Form<First>>,
) -> Result<Response, ApiError> {
    with_passwords(&state)?;
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

/// Pages that send someone away for a fresh login, to come back after it.
const SENDERS: [&str; 2] = ["/admin", "/auth/passkeys"];

/// Where someone came from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Back {
    back: Option<String>,
}

/// The page of a locked session, or of a login that is not fresh.
pub async fn unlock_page(
    State(state): State<Shared>,
    asking: Asking,
    Query(Back { back }): Query<Back>,
) -> Result<Response, ApiError> {
    let Some(session) = asking.at(Stage::Whole) else {
        return Ok(go(&state, "/auth/login"));
    };
    let login = state.login.as_ref().ok_or_else(no_login)?;
    let frame = frame(&state, &session.user.name, None);
    let page = show(&UnlockPage::new(&state, frame, session), StatusCode::OK)?;
    let sender = SENDERS
        .into_iter()
        .find(|page| Some(*page) == back.as_deref());
    Ok(match sender {
        Some(sender) => {
            let waiting = Waiting::Page(sender.to_owned());
            let kept = login.detours.keep(waiting, now_s());
            let secret = kept.map_err(|_| ApiError::internal())?;
            with_cookie(page, DETOUR_COOKIE, Some(&secret))
        }
        None => page,
    })
}

/// What proves once more who someone is: the password, and of administrators the second factor.
#[derive(Debug, Deserialize)]
pub struct Proof {
    pub(super) password: String,
    #[serde(default)]
    pub(super) code: Option<String>,
}

/// Goes on with a session, and makes its login fresh.
pub async fn unlock(
    State(state): State<Shared>,
    asking: Asking,
    Given(Form(proof)): Given<Form<Proof>>,
) -> Result<Response, ApiError> {
    let Some(session) = asking.at(Stage::Whole).cloned() else {
        return Ok(go(&state, "/auth/login"));
    };
    match prove(&state, &asking, &session, proof).await? {
        Ok(()) => Ok(asking.onwards(&state)),
        Err(error) => {
            let frame = frame(&state, &session.user.name, Some(&error));
            let page = UnlockPage::new(&state, frame, &session);
            show(&page, status_of(&error))
        }
    }
}

/// Takes the password of someone who is logged in once more, and the second factor where it was given, and writes down what came
/// of it. The password alone goes on with a session; administrators change nothing by it where they have a second factor.
pub(super) async fn prove(
    state: &Shared,
    asking: &Asking,
    session: &Arc<Session>,
    Proof { password, code }: Proof,
) -> Result<Result<(), AccountError>, ApiError> {
    let name = session.user.name.clone();
    let again = Arc::clone(session);
    let tried = work(state, move |login| {
        let database = &login.database;
        let user = accounts::check_password(database, &again.user.name, &password, now_s())?;
        let code = code.filter(|code| !code.trim().is_empty());
        if let Some(code) = &code {
            accounts::check_second(database, &user, code, now_s())?;
        }
        let with_all = code.is_some() || !(user.has_totp || user.has_passkey);
        sessions::prove(database, &again, with_all, now_s())
    });
    let tried = tried.await?;
    let mut event = match &tried {
        Ok(()) => event(Kind::Login, Outcome::Success, Some(&name), asking),
        Err(error) => event(kind_of(error), Outcome::Refused, Some(&name), asking),
    };
    let reason = match &tried {
        Ok(()) => "unlocked",
        Err(_) => "not unlocked",
    };
    event.reason = reason.into();
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
    let is_external = asking
        .session
        .as_ref()
        .is_some_and(|it| it.user.is_external);
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
    let page = if is_external {
        "/auth/left"
    } else {
        "/auth/login"
    };
    let mut response = with_session(go(&state, page), None);
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
