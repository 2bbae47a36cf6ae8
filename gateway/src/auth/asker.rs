//! Who asks: a session, an opened link, or anybody where there is no login.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use super::launch::Context;
use super::policy::Principal;
use super::secret::{Secret, SecretHash};
use super::sessions::{self, Session, Stage};
use super::shares::{self, Share};
use super::{Login, principal_of};
use crate::audit::event::Actor;
use crate::error::ApiError;
use crate::requests;
use crate::state::Shared;

/// The cookie of a session: of this host alone, over TLS alone, for all its paths.
pub const SESSION_COOKIE: &str = "__Host-sid";
/// The same in a frame of another site's page.
pub const FRAME_COOKIE: &str = "__Host-esid";
/// The header of our app in a frame: the origin of the page around it.
pub const FRAME: HeaderName = HeaderName::from_static("x-sagitta-frame");
/// The header of the reader behind a shared link: its requests are judged by the link, whoever else has logged in in this browser.
pub const LINK: HeaderName = HeaderName::from_static("x-sagitta-link");
/// The same in the query, for what a browser fetches by itself.
const BY_LINK: &str = "by=link";
/// The cookie of a request that waits for a login.
pub const DETOUR_COOKIE: &str = "__Host-next";
/// The cookie of a login at a provider that is on its way.
pub const PROVIDER_COOKIE: &str = "__Host-oidc";
/// The cookie of a passkey's challenge.
pub const CHALLENGE_COOKIE: &str = "__Host-challenge";
/// The cookie of a link that was opened.
pub const LINK_COOKIE: &str = "__Host-link";

/// Who asks.
#[derive(Debug, Clone)]
pub enum Asker {
    /// Login is not configured: whoever reaches the loopback address.
    Anyone,
    /// Someone who has logged in.
    User(Arc<Session>),
    /// Someone who has opened a link.
    Link(Arc<OpenedLink>),
}

/// A link that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedLink {
    /// The link.
    pub share: Share,
    /// What is kept of the secret of its session.
    pub hash: SecretHash,
}

impl OpenedLink {
    /// The link that the sender of a request has opened, whoever else it is; `None` where there is none that lives.
    ///
    /// # Errors
    /// Links cannot be looked up.
    pub async fn of(parts: &Parts, state: &Shared) -> Result<Option<Self>, ApiError> {
        match one_secret(cookies(&parts.headers, &[LINK_COOKIE])) {
            Some(secret) => link_of(state, secret).await,
            None => Ok(None),
        }
    }
}

impl FromRequestParts<Shared> for OpenedLink {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let opened = Self::of(parts, state).await?;
        opened.ok_or_else(ApiError::login_needed)
    }
}

/// What policies and the record know of whoever asks.
pub(super) struct Identity {
    pub principal: Principal,
    pub session: SecretHash,
    pub is_fresh: bool,
    /// What the session reaches, whatever its user may; `None` for everything.
    pub context: Option<Context>,
}

impl Asker {
    /// Who sent a request; `None` without a session that lives.
    pub async fn of(parts: &Parts, state: &Shared) -> Result<Option<Self>, ApiError> {
        let Some(login) = &state.login else {
            return Ok(Some(Self::Anyone));
        };
        if !is_by_link(parts)
            && let Some(secret) = secret_of(&parts.headers)
            && let Some(session) = session_of(state, login, secret, Self::address(parts)).await?
            && is_in_place(&session, &parts.headers)
        {
            seen(parts, state, session.hash);
            return Ok(Some(Self::User(Arc::new(session))));
        }
        let found = OpenedLink::of(parts, state).await?;
        if let Some(link) = &found {
            seen(parts, state, link.hash);
        }
        Ok(found.map(|link| Self::Link(Arc::new(link))))
    }

    /// `None` for whoever needs none: only where login is not configured.
    pub(super) fn identity(&self) -> Option<Identity> {
        match self {
            Self::Anyone => None,
            Self::User(session) => Some(Identity {
                principal: principal_of(session),
                session: session.hash,
                is_fresh: session.is_fresh,
                context: session
                    .launched
                    .as_ref()
                    .and_then(|launched| launched.context.clone()),
            }),
            Self::Link(link) => Some(Identity {
                principal: Principal::Link {
                    id: link.share.id.clone(),
                    source: link.share.source.clone(),
                    studies: link.share.studies.clone(),
                    may_download: link.share.may_download,
                },
                session: link.hash,
                is_fresh: false,
                context: None,
            }),
        }
    }

    /// Where a request comes from.
    pub fn address(parts: &Parts) -> String {
        requests::address_of(&parts.extensions).to_string()
    }

    /// Who it is, in the audit record.
    pub fn actor(&self, address: String) -> Actor {
        match self {
            Self::Anyone => Actor {
                address,
                ..Actor::default()
            },
            Self::User(session) => Actor {
                user: session.user.name.clone(),
                session: session.hash.short(),
                roles: session
                    .user
                    .roles
                    .iter()
                    .map(|role| role.name().to_owned())
                    .collect(),
                address,
            },
            Self::Link(link) => Actor {
                user: format!("share:{}", link.share.id),
                session: link.hash.short(),
                roles: Vec::new(),
                address,
            },
        }
    }
}

/// A session or an opened link that lives: limits and log tell it apart from now on.
fn seen(parts: &Parts, state: &Shared, hash: SecretHash) {
    state.senders.saw(hash);
    if let Some(current) = parts.extensions.get::<Arc<requests::Current>>() {
        current.belongs_to(hash);
    }
}

/// Whether a request is to be judged by a link alone. It gives nothing: without a link that was opened nobody asks then.
fn is_by_link(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    parts.headers.contains_key(LINK) || query.split('&').any(|pair| pair == BY_LINK)
}

/// A frame's session counts in its frame alone, under the page that it was opened for, and in the form that it was given in.
fn is_in_place(session: &Session, headers: &HeaderMap) -> bool {
    let Some(launched) = &session.launched else {
        return true;
    };
    let parent = headers.get(FRAME).and_then(|value| value.to_str().ok());
    parent == Some(launched.parent.as_str())
        && launched.is_bearer == headers.contains_key(AUTHORIZATION)
}

/// The secret that a request carries: a cookie, or a bearer where a frame has no cookies. Two different ones are none; but a frame
/// has its own before those of the browser's other pages, which come along where both are of one site.
pub fn secret_of(headers: &HeaderMap) -> Option<Secret> {
    let bearers = headers
        .get_all(AUTHORIZATION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|value| value.strip_prefix("Bearer "));
    if !headers.contains_key(FRAME) {
        return one_secret(cookies(headers, &[SESSION_COOKIE]).chain(bearers));
    }
    let mut bearers = bearers.peekable();
    if bearers.peek().is_some() {
        return one_secret(bearers);
    }
    let mut own = cookies(headers, &[FRAME_COOKIE]).peekable();
    if own.peek().is_some() {
        return one_secret(own);
    }
    one_secret(cookies(headers, &[SESSION_COOKIE]))
}

/// The secret in one cookie.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<Secret> {
    one_secret(cookies(headers, &[name]))
}

fn cookies<'a>(headers: &'a HeaderMap, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| names.contains(name))
        .map(|(_, value)| value)
}

fn one_secret<'a>(all: impl Iterator<Item = &'a str>) -> Option<Secret> {
    let mut all: Vec<&str> = all.collect();
    all.sort_unstable();
    all.dedup();
    match all.as_slice() {
        [one] => Secret::from_text(one),
        _ => None,
    }
}

/// Seconds since 1970.
pub fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX))
}

async fn session_of(
    state: &Shared,
    login: &Login,
    secret: Secret,
    address: String,
) -> Result<Option<Session>, ApiError> {
    let lifetimes = login.lifetimes;
    let state = Arc::clone(state);
    let found = tokio::task::spawn_blocking(move || {
        let Some(login) = &state.login else {
            return Ok(None);
        };
        let database = &login.database;
        let found = sessions::find(database, &secret.hash(), lifetimes, now_s())?;
        if let Some(session) = &found
            && session.address != address
            && !session.is_locked
        {
            sessions::came_from(database, session, &address)?;
        }
        Ok(found)
    });
    match found.await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(ApiError::from_account(&error)),
        Err(_) => Err(ApiError::internal()),
    }
}

async fn link_of(state: &Shared, secret: Secret) -> Result<Option<OpenedLink>, ApiError> {
    let state = Arc::clone(state);
    let found = tokio::task::spawn_blocking(move || {
        let Some(login) = &state.login else {
            return Ok(None);
        };
        let hash = secret.hash();
        let share = shares::of_session(&login.database, &hash, now_s())?;
        Ok(share.map(|share| OpenedLink { share, hash }))
    });
    match found.await {
        Ok(Ok(link)) => Ok(link),
        Ok(Err(error)) => Err(ApiError::from_share(&error)),
        Err(_) => Err(ApiError::internal()),
    }
}

/// A session that is logged in and not locked, or an opened link, else the error that says what is missing.
pub(super) fn whole(asker: Option<Asker>) -> Result<Asker, ApiError> {
    match asker {
        None => Err(ApiError::login_needed()),
        Some(Asker::User(session)) if session.stage != Stage::Whole => {
            Err(ApiError::login_needed())
        }
        Some(Asker::User(session)) if session.is_locked => Err(ApiError::session_locked()),
        Some(asker) => Ok(asker),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, String)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<Vec<(axum::http::HeaderName, axum::http::HeaderValue)>>()
            .into_iter()
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            })
    }

    #[test]
    fn the_secret_of_a_request_is_one_cookie_or_one_bearer() {
        let secret = Secret::new().unwrap();
        let text = secret.text();
        let other = Secret::new().unwrap().text();
        let of = |all: &[(&'static str, String)]| secret_of(&headers(all));
        let cookie = |value: &str| ("cookie", format!("a=b; __Host-sid={value}; c=d"));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[cookie(&text)]), Some(secret.clone()));
        let bearer = ("authorization", format!("Bearer {text}"));
        assert_eq!(of(std::slice::from_ref(&bearer)), Some(secret.clone()));
        assert_eq!(of(&[cookie(&text), bearer.clone()]), Some(secret));
        // Whose it is cannot be told.
        assert_eq!(of(&[cookie(&other), bearer]), None);
        assert_eq!(of(&[cookie("short")]), None);
        assert_eq!(of(&[("cookie", format!("sid={text}"))]), None);
    }

    #[test]
    fn t04_a_frame_has_a_secret_of_its_own_that_counts_nowhere_else() {
        let (own, page) = (Secret::new().unwrap(), Secret::new().unwrap());
        let of = |all: &[(&'static str, String)]| secret_of(&headers(all));
        let frame = ("x-sagitta-frame", "https://ehr.example.org".to_owned());
        let cookie = |name: &str, secret: &Secret| ("cookie", format!("{name}={}", secret.text()));
        let (esid, sid) = (cookie(FRAME_COOKIE, &own), cookie(SESSION_COOKIE, &page));
        let bearer = ("authorization", format!("Bearer {}", own.text()));
        assert_eq!(of(std::slice::from_ref(&esid)), None);
        assert_eq!(of(&[esid.clone(), sid.clone()]), Some(page.clone()));
        assert_eq!(of(&[frame.clone(), esid, sid.clone()]), Some(own.clone()));
        assert_eq!(of(&[frame.clone(), bearer, sid.clone()]), Some(own));
        assert_eq!(of(&[frame, sid]), Some(page));
    }
}
