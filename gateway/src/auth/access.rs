//! Extractors: a handler that has one in its signature runs only for someone who may do what it does.
//!
//! The order is always the same: who asks, what is asked for, whether policies permit it, whether it is on record. Only then the
//! store, a cache or another server is asked. What is not permitted looks like what is not there.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use super::policy::{Action, Circumstances, Principal, Resource, StudyFacts};
use super::secret::Secret;
use super::sessions::{self, Session, Stage};
use super::{Login, Reading, principal_of, visible};
use crate::audit::event::{Actor, Event, Kind, Object, Outcome};
use crate::error::ApiError;
use crate::routes::Target;
use crate::source::SourceError;
use crate::state::{LOCAL, Shared, blocking};

/// The cookie of a session: of this host alone, over TLS alone, for all its paths.
pub const SESSION_COOKIE: &str = "__Host-sid";
/// The same in a frame of another site's page.
pub const FRAME_COOKIE: &str = "__Host-esid";

/// Who asks.
#[derive(Debug, Clone)]
pub enum Asker {
    /// Login is not configured: whoever reaches the loopback address.
    Anyone,
    /// Someone who has logged in.
    User(Arc<Session>),
}

impl Asker {
    /// Who sent a request; `None` without a session that lives.
    pub async fn of(parts: &Parts, state: &Shared) -> Result<Option<Self>, ApiError> {
        let Some(login) = &state.login else {
            return Ok(Some(Self::Anyone));
        };
        let Some(secret) = secret_of(&parts.headers) else {
            return Ok(None);
        };
        let found = session_of(state, login, secret).await?;
        Ok(found.map(|session| Self::User(Arc::new(session))))
    }

    /// Where a request comes from.
    pub fn address(parts: &Parts) -> String {
        let from = parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>();
        from.map_or_else(String::new, |ConnectInfo(from)| from.ip().to_string())
    }

    /// Who it is, in the audit record.
    fn actor(&self, parts: &Parts) -> Actor {
        let address = Self::address(parts);
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
        }
    }
}

/// The secret that a request carries: a cookie, or a bearer where a frame has no cookies. Two different ones are none.
pub fn secret_of(headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| [SESSION_COOKIE, FRAME_COOKIE].contains(name))
        .map(|(_, value)| value);
    let bearers = headers
        .get_all(AUTHORIZATION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|value| value.strip_prefix("Bearer "));
    let mut all: Vec<&str> = cookies.chain(bearers).collect();
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
) -> Result<Option<Session>, ApiError> {
    let lifetimes = login.lifetimes;
    let state = Arc::clone(state);
    let found = tokio::task::spawn_blocking(move || {
        let Some(login) = &state.login else {
            return Ok(None);
        };
        sessions::find(&login.database, &secret.hash(), lifetimes, now_s())
    });
    match found.await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(ApiError::from_account(&error)),
        Err(_) => Err(ApiError::internal()),
    }
}

/// A session that is logged in and not locked, else the error that says what is missing.
fn whole(asker: Option<Asker>) -> Result<Asker, ApiError> {
    match asker {
        None => Err(ApiError::login_needed()),
        Some(Asker::User(session)) if session.stage != Stage::Whole => {
            Err(ApiError::login_needed())
        }
        Some(Asker::User(session)) if session.is_locked => Err(ApiError::session_locked()),
        Some(asker) => Ok(asker),
    }
}

/// An action on a study, as a type.
pub trait StudyAction: Send + Sync + 'static {
    /// What it is in policies.
    const ACTION: Action;
    /// What it reads first, where it reads.
    const READING: Reading;
}

/// Reads metadata.
#[derive(Debug)]
pub struct Metadata;
/// Reads pixels.
#[derive(Debug)]
pub struct Pixels;

impl StudyAction for Metadata {
    const ACTION: Action = Action::View;
    const READING: Reading = Reading::Metadata;
}

impl StudyAction for Pixels {
    const ACTION: Action = Action::View;
    const READING: Reading = Reading::Pixels;
}

/// A study that someone may read. Only this file makes one, and the store reads no study without.
#[derive(Debug, Clone)]
pub struct StudyPass {
    uid: String,
}

impl StudyPass {
    /// Study Instance UID.
    pub fn uid(&self) -> &str {
        &self.uid
    }
}

/// Proof that a request may do something to the study that its address names, and that this is on record.
#[derive(Debug)]
pub struct Authorized<A: StudyAction> {
    /// What the address names.
    pub target: Target,
    /// Its study.
    pub study: StudyPass,
    /// Who asks.
    pub asker: Asker,
    action: PhantomData<A>,
}

impl<A: StudyAction> FromRequestParts<Shared> for Authorized<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let asker = whole(Asker::of(parts, state).await?)?;
        let target = Target::from_request_parts(parts, state).await?;
        let source = source_of(state, &target)?;
        let study = target.study.clone().ok_or_else(ApiError::internal)?;
        let authorized = Self {
            target,
            study: StudyPass { uid: study.clone() },
            asker,
            action: PhantomData,
        };
        let (Some(login), Asker::User(session)) = (&state.login, &authorized.asker) else {
            return Ok(authorized);
        };
        let uid = study.clone();
        let facts = blocking(state, move |state| visible::facts(state, &uid)).await?;
        let unknown = || ApiError::from(SourceError::StudyUnknown);
        let mut event = Event::new(Kind::Denied, Outcome::Refused);
        event.actor = authorized.asker.actor(parts);
        event.object = Object {
            source,
            study: study.clone(),
            ..Object::default()
        };
        let Some((facts, patient)) = facts else {
            return Err(unknown());
        };
        let circumstances = Circumstances {
            is_fresh: session.is_fresh,
            has_reason: false,
        };
        let principal = principal_of(session);
        let resource = Resource::Study(facts);
        if !(login.policies).permit(&principal, A::ACTION, &resource, circumstances) {
            login.audit.add(event).await.map_err(ApiError::unrecorded)?;
            return Err(unknown());
        }
        if !login.is_recorded(session.hash, &study, A::READING) {
            event.kind = match A::READING {
                Reading::Metadata => Kind::StudyOpened,
                Reading::Pixels => Kind::FramesServed,
            };
            event.outcome = Outcome::Success;
            event.object.patient = patient;
            login.audit.add(event).await.map_err(ApiError::unrecorded)?;
            login.has_recorded(session.hash, &study, A::READING);
        }
        Ok(authorized)
    }
}

/// Studies that may be in a list. Only `auth` makes one, and the store searches nothing without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible(pub(super) visible::Studies);

impl Visible {
    /// Which they are.
    pub fn studies(&self) -> &visible::Studies {
        &self.0
    }
}

/// Proof that a list may be asked for, and which studies may be in it.
#[derive(Debug)]
pub struct Listed {
    /// What the address names.
    pub target: Target,
    /// Who asks.
    pub asker: Asker,
    /// What may be in the answer.
    pub visible: Visible,
}

impl FromRequestParts<Shared> for Listed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let asker = whole(Asker::of(parts, state).await?)?;
        let target = Target::from_request_parts(parts, state).await?;
        let source = source_of(state, &target)?;
        let (Some(login), Asker::User(session)) = (&state.login, &asker) else {
            return Ok(Self {
                target,
                asker,
                visible: Visible(visible::Studies::All),
            });
        };
        let mut event = Event::new(Kind::Search, Outcome::Success);
        event.actor = asker.actor(parts);
        event.object.source = source;
        event.object.other = parts.uri.query().unwrap_or_default().to_owned();
        event.object.study = target.study.clone().unwrap_or_default();
        login.audit.add(event).await.map_err(ApiError::unrecorded)?;
        let principal = principal_of(session);
        let study = target.study.clone();
        let studies = blocking(state, move |state| {
            let may = |action, facts| state.permits(&principal, action, facts);
            match study {
                // Series and instances of a study are listed for whoever may see it; other lists are searches.
                Some(uid) => visible::one(state, &uid, |facts| may(Action::View, facts)),
                None => visible::studies(state, |facts| may(Action::Search, facts)),
            }
        });
        Ok(Self {
            visible: Visible(studies.await?),
            target,
            asker,
        })
    }
}

fn source_of(state: &Shared, target: &Target) -> Result<String, ApiError> {
    let source = target.source.as_deref();
    state.root(source)?;
    Ok(source.unwrap_or(LOCAL).to_owned())
}

impl crate::state::State {
    /// Whether a principal may do something to a study, whatever else counts.
    fn permits(&self, principal: &Principal, action: Action, facts: StudyFacts) -> bool {
        let Some(login) = &self.login else {
            return true;
        };
        let resource = Resource::Study(facts);
        (login.policies).permit(principal, action, &resource, Circumstances::default())
    }
}

impl ApiError {
    /// 401: nobody has logged in.
    pub fn login_needed() -> Self {
        let message = "log in first";
        Self::new(StatusCode::UNAUTHORIZED, "login_needed", message)
    }

    /// 401: the session was idle for too long.
    pub fn session_locked() -> Self {
        let message = "this session is locked: enter your password to go on";
        Self::new(StatusCode::UNAUTHORIZED, "session_locked", message)
    }

    /// 503: it cannot be put on record, so it does not happen.
    pub fn unrecorded(error: crate::audit::file::AuditError) -> Self {
        eprintln!("sagitta: {error}");
        let message = "this cannot be put on record just now, so it is not served";
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "audit_unavailable",
            message,
        )
    }

    /// Of users and sessions.
    pub fn from_account(error: &super::accounts::AccountError) -> Self {
        use super::accounts::{AccountError, Refused};
        let message = error.to_string();
        match error {
            AccountError::Refused(Refused::Wait(_) | Refused::Locked) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "login_slowed", message)
            }
            AccountError::Refused(Refused::Wrong) => {
                Self::new(StatusCode::UNAUTHORIZED, "login_refused", message)
            }
            AccountError::Password(_) | AccountError::Name | AccountError::Role(_) => {
                Self::bad_request("account_invalid", message)
            }
            AccountError::LastAdmin => Self::new(StatusCode::CONFLICT, "last_admin", message),
            AccountError::Unknown(_) => Self::not_found("user_unknown", message),
            AccountError::Database(_) | AccountError::Random(_) => {
                eprintln!("sagitta: {error}");
                let message = "users and sessions cannot be read just now";
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "login_unavailable",
                    message,
                )
            }
        }
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
        let frame = ("cookie", format!("__Host-esid={text}"));
        assert_eq!(of(&[frame]), Some(secret.clone()));
        let bearer = ("authorization", format!("Bearer {text}"));
        assert_eq!(of(std::slice::from_ref(&bearer)), Some(secret.clone()));
        assert_eq!(of(&[cookie(&text), bearer.clone()]), Some(secret));
        // Whose it is cannot be told.
        assert_eq!(of(&[cookie(&other), bearer]), None);
        assert_eq!(of(&[cookie("short")]), None);
        assert_eq!(of(&[("cookie", format!("sid={text}"))]), None);
    }
}
