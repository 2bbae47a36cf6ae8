//! Logging in and out at a provider (OpenID Connect). It starts by a GET: no form of ours is ever sent on to another site.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::asking::{
    Asking, event, go, no_login, record, with_cookie, with_session, with_short_cookie, work,
};
use super::given::{Given, Named};
use super::login_pages::{LeftPage, RefusedPage, frame, show};
use crate::audit::event::{Kind, Outcome};
use crate::auth::asker::{PROVIDER_COOKIE, cookie, now_s};
use crate::auth::external;
use crate::auth::oidc::claims::{Lacking, Person};
use crate::auth::oidc::token::TokenError;
use crate::auth::oidc::{Answer, OidcError, Provider};
use crate::auth::sessions::Stage;
use crate::error::ApiError;
use crate::state::Shared;

fn provider(state: &Shared) -> Result<&Provider, ApiError> {
    let login = state.login.as_ref();
    let provider = login.and_then(|login| login.ways.provider.as_ref());
    provider.ok_or_else(no_login)
}

fn elsewhere(url: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, url)]).into_response()
}

/// How a login begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Begin {
    /// `1`: whatever session the browser has at the provider, the person proves there who he or she is.
    again: Option<String>,
}

/// Leads to the provider. Whoever has a session here already is asked for a fresh proof there: else a locked session would
/// open by a click of whoever sits there.
pub async fn begin(
    State(state): State<Shared>,
    asking: Asking,
    Named(Query(begin)): Named<Query<Begin>>,
) -> Result<Response, ApiError> {
    let is_anew = begin.again.is_some() || asking.at(Stage::Whole).is_some();
    match provider(&state)?.begin(is_anew, now_s()).await {
        Ok((url, secret)) => Ok(with_short_cookie(
            elsewhere(url.as_str()),
            PROVIDER_COOKIE,
            &secret,
        )),
        Err(error) => refused(&state, &asking, &error).await,
    }
}

/// The browser comes back from the provider.
pub async fn callback(
    State(state): State<Shared>,
    asking: Asking,
    headers: HeaderMap,
    Named(Query(answer)): Named<Query<Answer>>,
) -> Result<Response, ApiError> {
    let provider = provider(&state)?;
    let person = match cookie(&headers, PROVIDER_COOKIE) {
        Some(secret) => provider.finish(&secret, answer, now_s()).await,
        None => Err(OidcError::Answer),
    };
    let done = match person {
        Ok(person) => enter(&state, &asking, person).await?,
        Err(error) => refused(&state, &asking, &error).await?,
    };
    Ok(with_cookie(done, PROVIDER_COOKIE, None))
}

/// Puts the login on record, and what it changes; then it happens.
async fn enter(state: &Shared, asking: &Asking, person: Person) -> Result<Response, ApiError> {
    let person = Arc::new(person);
    let known = Arc::clone(&person);
    let change = work(state, move |login| {
        external::change(&login.database, &known)
    })
    .await?;
    let change = change.map_err(|error| ApiError::from_account(&error))?;
    let name = Some(change.name.as_str());
    if change.is_locked {
        let mut event = event(Kind::Locked, Outcome::Refused, name, asking);
        event.reason = "at the provider".into();
        record(state, event).await?;
        let mut frame = frame(state, "", None);
        frame.problem =
            "Your account is locked here. An administrator can open it again.".to_owned();
        return show(&RefusedPage { frame }, StatusCode::FORBIDDEN);
    }
    let what = match (change.is_new, change.has_other_rights) {
        (true, _) => Some("made known by the provider"),
        (false, true) => Some("other rights from the provider"),
        (false, false) => None,
    };
    if let Some(what) = what {
        let mut event = event(Kind::RightsChanged, Outcome::Success, name, asking);
        event.object.other = format!("user {}", change.name);
        let roles: Vec<&str> = person.roles.iter().map(|role| role.name()).collect();
        event.reason = format!("{what}: {}", roles.join(" "));
        record(state, event).await?;
    }
    let mut event = event(Kind::Login, Outcome::Success, name, asking);
    event.reason = "at the provider".into();
    record(state, event).await?;
    let before = asking.session.clone();
    let entered = work(state, move |login| {
        let (database, before) = (&login.database, before.as_deref());
        external::enter(database, &person, before, login.lifetimes, now_s())
    });
    let secret = entered.await?;
    let secret = secret.map_err(|error| ApiError::from_account(&error))?;
    Ok(with_session(asking.onwards(state), Some(&secret)))
}

/// Says why nobody was let in, to the person and to the record.
async fn refused(state: &Shared, asking: &Asking, error: &OidcError) -> Result<Response, ApiError> {
    let mut event = event(Kind::Login, Outcome::Refused, None, asking);
    event.reason = error.to_string();
    record(state, event).await?;
    let (status, words) = words(error);
    let mut frame = frame(state, "", None);
    frame.problem = words.to_owned();
    show(&RefusedPage { frame }, status)
}

fn words(error: &OidcError) -> (StatusCode, &'static str) {
    match error {
        OidcError::Provider | OidcError::Random(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The sign-in service does not answer just now. Try again in a moment.",
        ),
        OidcError::Answer => (
            StatusCode::BAD_REQUEST,
            "This sign-in took too long, or was begun in another browser. Start again.",
        ),
        OidcError::Refused => (
            StatusCode::UNAUTHORIZED,
            "The sign-in service did not sign you in.",
        ),
        OidcError::Token(_) | OidcError::Lacking(Lacking::Subject) => (
            StatusCode::UNAUTHORIZED,
            "The answer of the sign-in service cannot be trusted, so nobody was signed in. Tell your administrator.",
        ),
        OidcError::Lacking(Lacking::Strength | Lacking::Factor) => (
            StatusCode::FORBIDDEN,
            "The sign-in service did not confirm the second step that is required here. Sign in there with your second factor.",
        ),
        OidcError::Lacking(Lacking::Recency) => (
            StatusCode::FORBIDDEN,
            "Your sign-in was too long ago. Sign in again.",
        ),
        OidcError::Lacking(Lacking::Role) => (
            StatusCode::FORBIDDEN,
            "You have no role here. Ask your administrator for one.",
        ),
    }
}

/// What the provider sends when someone has logged out there.
#[derive(Debug, Deserialize)]
pub struct LoggedOut {
    logout_token: String,
}

/// The provider ends sessions.
pub async fn back_channel(
    State(state): State<Shared>,
    asking: Asking,
    Given(Form(LoggedOut { logout_token })): Given<Form<LoggedOut>>,
) -> Result<Response, ApiError> {
    let ended = match provider(&state)?.ending(&logout_token, now_s()).await {
        Ok(ending) => {
            let ended = work(&state, move |login| {
                external::end(&login.database, &ending, now_s())
            });
            let ended = ended.await?;
            let ended = ended.map_err(|error| ApiError::from_account(&error))?;
            ended.ok_or(OidcError::Token(TokenError::Used))
        }
        Err(error) => Err(error),
    };
    match ended {
        Ok(names) => {
            for name in names {
                let mut event = event(Kind::Logout, Outcome::Success, Some(&name), &asking);
                event.reason = "at the provider".into();
                record(&state, event).await?;
            }
            Ok(StatusCode::OK.into_response())
        }
        Err(error) => {
            let mut event = event(Kind::Logout, Outcome::Refused, None, &asking);
            event.reason = error.to_string();
            record(&state, event).await?;
            Err(ApiError::bad_request(
                "logout_refused",
                "this logout token is not taken",
            ))
        }
    }
}

/// The page after a logout of someone who came from a provider.
pub async fn left_page(State(state): State<Shared>) -> Result<Response, ApiError> {
    let provider = provider(&state)?;
    // Where the provider cannot be asked, there is no place to go.
    let place = provider.logout_url().await.ok().flatten();
    let page = LeftPage {
        frame: frame(&state, "", None),
        provider: place.map(|_| provider.label.clone()),
    };
    show(&page, StatusCode::OK)
}

/// Leads to where the provider ends its own session.
pub async fn logout(State(state): State<Shared>) -> Result<Response, ApiError> {
    let place = provider(&state)?.logout_url().await.ok().flatten();
    Ok(match place {
        Some(url) => elsewhere(url.as_str()),
        None => go(&state, "/auth/login"),
    })
}
