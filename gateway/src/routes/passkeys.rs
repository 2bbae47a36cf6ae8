//! Passkeys: their page, and the requests of its script.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::asking::{
    Asking, event, go, no_login, record, with_cookie, with_session, with_short_cookie, work,
};
use super::given::Given;
use super::login_pages::{PasskeysPage, RecoveryPage, SCRIPT, frame, show};
use crate::audit::event::{Kind, Outcome};
use crate::auth::Login;
use crate::auth::access::could_gateway;
use crate::auth::accounts::{self, AccountError};
use crate::auth::asker::{CHALLENGE_COOKIE, cookie, now_s};
use crate::auth::passkeys::{self, Passkeys, PublicKeyCredential, RegisterPublicKeyCredential};
use crate::auth::policy::Action;
use crate::auth::secret::Secret;
use crate::auth::sessions::{self, Session, Stage};
use crate::error::ApiError;
use crate::state::Shared;

/// Where a script goes on.
#[derive(Debug, Serialize)]
struct Next {
    next: String,
}

/// Their script.
pub async fn script() -> Result<Response, ApiError> {
    super::answer("text/javascript; charset=utf-8", SCRIPT)
}

fn keys(login: &Login) -> Result<&Passkeys, AccountError> {
    let keys = login.ways.passkeys.as_ref();
    keys.filter(|_| login.ways.has_passwords)
        .ok_or(AccountError::Passkey(
            "passkeys need a gateway that has a name",
        ))
}

fn asked(error: &AccountError) -> ApiError {
    ApiError::from_account(error)
}

/// Whether someone has just logged in; of administrators all factors count, as for everything that they change.
fn is_fresh(state: &Shared, session: &Session) -> bool {
    session.is_fresh && (session.is_strong || !could_gateway(state, session, Action::Manage))
}

/// Someone of our own who may change how he or she logs in: after a fresh login, or while setting up a second factor.
fn changing<'a>(state: &Shared, asking: &'a Asking) -> Result<&'a Arc<Session>, ApiError> {
    if let Some(session) = asking.at(Stage::Enrol) {
        return Ok(session);
    }
    let session = asking.at(Stage::Whole).ok_or_else(ApiError::login_needed)?;
    if session.is_locked {
        return Err(ApiError::session_locked());
    }
    if session.user.is_external {
        return Err(asked(&AccountError::External));
    }
    if !is_fresh(state, session) {
        return Err(ApiError::fresh_login_needed());
    }
    Ok(session)
}

/// A user's passkeys.
pub async fn page(State(state): State<Shared>, asking: Asking) -> Result<Response, ApiError> {
    if let Some(next) = asking.next_page(&state) {
        return Ok(next);
    }
    let session = asking.at(Stage::Whole).ok_or_else(no_login)?;
    if session.user.is_external {
        return Ok(go(&state, "/"));
    }
    show_page(&state, session, None).await
}

async fn show_page(
    state: &Shared,
    session: &Arc<Session>,
    error: Option<&AccountError>,
) -> Result<Response, ApiError> {
    let user = session.user.id;
    let found = work(state, move |login| {
        Ok((passkeys::list(&login.database, user)?, keys(login).is_ok()))
    });
    let (entries, can_add) = found.await?.map_err(|error| asked(&error))?;
    let day = |at_s: i64| {
        let at = jiff::Timestamp::from_second(at_s).unwrap_or_default();
        at.strftime("%-d %b %Y").to_string()
    };
    let page = PasskeysPage {
        frame: frame(state, &session.user.name, error),
        entries: entries
            .into_iter()
            .map(|entry| (entry.clone(), day(entry.made_s)))
            .collect(),
        is_fresh: is_fresh(state, session),
        can_add,
    };
    let status = error.map_or(StatusCode::OK, |error| asked(error).status);
    show(&page, status)
}

/// Begins to add a passkey.
pub async fn begin_adding(
    State(state): State<Shared>,
    asking: Asking,
) -> Result<Response, ApiError> {
    let session = Arc::clone(changing(&state, &asking)?);
    let begun = work(&state, move |login| {
        keys(login)?.begin_adding(&login.database, &session, now_s())
    });
    let (options, secret) = begun.await?.map_err(|error| asked(&error))?;
    let response = Json(options).into_response();
    Ok(with_short_cookie(response, CHALLENGE_COOKIE, &secret))
}

/// What the script sends to add a passkey.
#[derive(Debug, Deserialize)]
pub struct Added {
    shown: String,
    credential: RegisterPublicKeyCredential,
}

fn challenge(headers: &HeaderMap) -> Result<Secret, ApiError> {
    let secret = cookie(headers, CHALLENGE_COOKIE);
    secret.ok_or_else(|| {
        let message = "this took too long, or was begun in another browser: start again";
        ApiError::bad_request("passkey_refused", message)
    })
}

/// Adds a passkey. Where a second factor had to be set up, that is done with it.
pub async fn add(
    State(state): State<Shared>,
    asking: Asking,
    headers: HeaderMap,
    Given(Json(Added { shown, credential })): Given<Json<Added>>,
) -> Result<Response, ApiError> {
    let session = Arc::clone(changing(&state, &asking)?);
    let secret = challenge(&headers)?;
    let name = session.user.name.clone();
    let mut event = event(Kind::RightsChanged, Outcome::Success, Some(&name), &asking);
    event.reason = "passkey added".into();
    let added = work(&state, move |login| {
        let database = &login.database;
        let now = now_s();
        keys(login)?.add(database, &session, &secret, &credential, &shown, now)?;
        if session.stage == Stage::Whole {
            return Ok(None);
        }
        Ok(Some(sessions::complete(
            database,
            &session,
            login.lifetimes,
            now,
        )?))
    });
    match added.await? {
        Ok(whole) => {
            record(&state, event).await?;
            let next = format!("{}/auth/passkeys", state.base_path);
            let done = with_cookie(Json(Next { next }).into_response(), CHALLENGE_COOKIE, None);
            Ok(match whole {
                Some(secret) => with_session(done, Some(&secret)),
                None => done,
            })
        }
        Err(error) => {
            event.outcome = Outcome::Refused;
            record(&state, event).await?;
            Err(asked(&error))
        }
    }
}

/// Which passkey is to be removed.
#[derive(Debug, Deserialize)]
pub struct Removed {
    id: String,
}

/// Removes a passkey.
pub async fn remove(
    State(state): State<Shared>,
    asking: Asking,
    Given(Form(Removed { id })): Given<Form<Removed>>,
) -> Result<Response, ApiError> {
    let session = changing(&state, &asking)?;
    let user = session.user.clone();
    let removed = work(&state, move |login| {
        passkeys::remove(&login.database, &user, &id, login.needs_second_factor)
    });
    if let Err(error) = removed.await? {
        return show_page(&state, session, Some(&error)).await;
    }
    let name = Some(session.user.name.as_str());
    let mut event = event(Kind::RightsChanged, Outcome::Success, name, &asking);
    event.reason = "passkey removed".into();
    record(&state, event).await?;
    Ok(go(&state, "/auth/passkeys"))
}

/// Fresh recovery codes, shown once.
pub async fn recovery(State(state): State<Shared>, asking: Asking) -> Result<Response, ApiError> {
    let session = changing(&state, &asking)?;
    if session.stage != Stage::Whole {
        return Err(ApiError::login_needed());
    }
    let user = session.user.clone();
    let made = work(&state, move |login| {
        accounts::renew_recovery(&login.database, &user)
    });
    let codes = made.await?.map_err(|error| asked(&error))?;
    let name = session.user.name.as_str();
    let mut event = event(Kind::RightsChanged, Outcome::Success, Some(name), &asking);
    event.reason = "recovery codes made".into();
    record(&state, event).await?;
    let frame = frame(&state, name, None);
    show(&RecoveryPage { frame, codes }, StatusCode::OK)
}

/// The session that a passkey is to prove: one that waits for its second factor, or one of someone who is to prove who he or
/// she is once more.
fn waiting(asking: &Asking) -> Option<Arc<Session>> {
    let session = asking.at(Stage::Second).or_else(|| asking.at(Stage::Whole));
    session.cloned()
}

/// Begins a login by a passkey, or its second step.
pub async fn begin_proving(
    State(state): State<Shared>,
    asking: Asking,
) -> Result<Response, ApiError> {
    let session = waiting(&asking);
    let begun = work(&state, move |login| {
        keys(login)?.begin_proving(&login.database, session.as_deref(), now_s())
    });
    let (options, secret) = begun.await?.map_err(|error| asked(&error))?;
    let response = Json(options).into_response();
    Ok(with_short_cookie(response, CHALLENGE_COOKIE, &secret))
}

/// Logs in by a passkey, or ends a login with it, or opens a locked session.
pub async fn prove(
    State(state): State<Shared>,
    asking: Asking,
    headers: HeaderMap,
    Given(Json(credential)): Given<Json<PublicKeyCredential>>,
) -> Result<Response, ApiError> {
    let secret = challenge(&headers)?;
    let session = waiting(&asking);
    let before = session.clone();
    let proved = work(&state, move |login| {
        let (database, before, now) = (&login.database, before.as_deref(), now_s());
        let user = keys(login)?.prove(database, before, &secret, &credential, now)?;
        let secret = match before {
            Some(session) => sessions::complete(database, session, login.lifetimes, now)?,
            None => sessions::start(database, &user, Stage::Whole, login.lifetimes, now)?,
        };
        Ok((user, secret))
    });
    match proved.await? {
        Ok((user, secret)) => {
            let mut event = event(Kind::Login, Outcome::Success, Some(&user.name), &asking);
            event.reason = "passkey".into();
            record(&state, event).await?;
            let page = if asking.detour.is_some() {
                "/auth/next"
            } else {
                "/"
            };
            let next = format!("{}{page}", state.base_path);
            let done = with_cookie(Json(Next { next }).into_response(), CHALLENGE_COOKIE, None);
            Ok(with_session(done, Some(&secret)))
        }
        Err(error) => {
            let name = session.as_ref().map(|session| session.user.name.as_str());
            let kind = match session.as_ref().map(|session| session.stage) {
                Some(Stage::Second) => Kind::SecondFactor,
                _ => Kind::Login,
            };
            let mut event = event(kind, Outcome::Refused, name, &asking);
            event.reason = "passkey".into();
            record(&state, event).await?;
            Err(asked(&error))
        }
    }
}
