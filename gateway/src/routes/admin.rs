//! Administration: users and their rights, sessions, links, and how sources are doing.
//!
//! Nothing here tells anything of a patient or a study.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::asking::{record, work};
use super::given::Named;
use crate::audit::event::{Event, Kind, Outcome};
use crate::auth::Login;
use crate::auth::accounts::{self, AccountError, CODE_S, Rights};
use crate::auth::admin::{self, Change, ListedSession, ListedUser, SessionKind, Told};
use crate::auth::administrator::{Administrator, FreshAdministrator};
use crate::auth::asker::now_s;
use crate::auth::policy::Role;
use crate::auth::shares::{self, Share, ShareError};
use crate::error::ApiError;
use crate::source::upstream::health::SourceHealth;
use crate::state::{LOCAL, Shared};

/// Whether whoever asks must not have been logged out meanwhile: for what gives rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    Live,
    Nothing,
}

/// Makes a change with its record; what did not come about is on record as that.
async fn change<T: Send + 'static>(
    state: &Shared,
    event: Event,
    by: &Administrator,
    must: Must,
    change: impl FnOnce(&Login, Told<'_>) -> Result<T, AccountError> + Send + 'static,
) -> Result<T, ApiError> {
    let (hash, done) = (by.session.hash, event.clone());
    let changed = work(state, move |login| {
        let told = |connection: &Connection, object: &str, what: &str| {
            if must == Must::Live && !admin::lives(connection, &hash, now_s())? {
                return Err(AccountError::Ended);
            }
            let mut event = event.clone();
            object.clone_into(&mut event.object.other);
            what.clone_into(&mut event.reason);
            Ok(login.audit.add_now(event)?)
        };
        change(login, &told)
    });
    match changed.await? {
        Ok(changed) => Ok(changed),
        Err(error) => {
            if !matches!(
                error,
                AccountError::Unrecorded(_) | AccountError::Database(_)
            ) {
                let event = Event {
                    outcome: Outcome::Failed,
                    reason: format!("{}: {error}", done.reason),
                    ..done
                };
                record(state, event).await?;
            }
            Err(ApiError::from_account(&error))
        }
    }
}

/// Changes something about a user. Nobody changes himself.
async fn about<T: Send + 'static>(
    state: &Shared,
    FreshAdministrator(by): FreshAdministrator,
    name: &str,
    what: &str,
    work: impl FnOnce(&Login, Told<'_>) -> Result<T, AccountError> + Send + 'static,
) -> Result<T, ApiError> {
    let mut event = by.event(Kind::RightsChanged, Outcome::Success);
    event.object.other = format!("user {}", name.chars().take(64).collect::<String>());
    what.clone_into(&mut event.reason);
    let is_own = by.session.user.name.eq_ignore_ascii_case(name);
    change(state, event, &by, Must::Live, move |login, told| {
        if is_own {
            return Err(AccountError::Own);
        }
        work(login, told)
    })
    .await
}

fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, ApiError> {
    let Json(body) = body.map_err(|_| {
        let message = "what was sent cannot be read";
        ApiError::bad_request("account_invalid", message)
    })?;
    Ok(body)
}

/// A user as JSON.
#[derive(Debug, Serialize)]
pub struct UserRow {
    name: String,
    shown: String,
    roles: Vec<&'static str>,
    sites: Vec<String>,
    referrers: Vec<String>,
    labels: Vec<String>,
    /// Whoever asks.
    own: bool,
    password: bool,
    /// A second factor by time.
    totp: bool,
    passkeys: u32,
    sessions: u32,
    /// Locked by an administrator.
    locked: bool,
    /// Locked by wrong answers.
    shut: bool,
    /// Until when no answer is looked at, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_until: Option<i64>,
    /// The provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// When the user was here last.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<i64>,
    /// Until when the code for a first password can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    code_ends: Option<i64>,
}

impl UserRow {
    fn new(listed: ListedUser, by: &Administrator) -> Self {
        let user = listed.user;
        Self {
            own: user.id == by.session.user.id,
            name: user.name,
            shown: user.shown,
            roles: user.roles.into_iter().map(Role::name).collect(),
            sites: user.sites.into_iter().collect(),
            referrers: user.referrers.into_iter().collect(),
            labels: user.labels.into_iter().collect(),
            password: user.has_password,
            totp: user.has_totp,
            passkeys: listed.passkeys,
            sessions: listed.sessions,
            locked: user.is_locked,
            shut: listed.is_shut,
            wait_until: listed.wait_until_s,
            issuer: listed.issuer,
            seen: listed.seen_s,
            code_ends: listed.code_ends_s,
        }
    }
}

/// A source that users may be of.
#[derive(Debug, Serialize)]
pub struct Site {
    id: String,
    label: String,
}

/// All users, and what there is to give them.
#[derive(Debug, Serialize)]
pub struct Users {
    users: Vec<UserRow>,
    roles: Vec<&'static str>,
    sites: Vec<Site>,
    /// There are passwords here: users can be added.
    passwords: bool,
    /// Seconds since 1970.
    now: i64,
}

/// All users.
pub async fn users(
    State(state): State<Shared>,
    by: Administrator,
) -> Result<Json<Users>, ApiError> {
    let all = work(&state, |login| {
        let all = admin::users(&login.database, now_s())?;
        Ok((all, login.ways.has_passwords))
    });
    let (all, passwords) = all.await?.map_err(|error| ApiError::from_account(&error))?;
    let here = Site {
        id: LOCAL.to_owned(),
        label: "This gateway".to_owned(),
    };
    let sites = state.upstreams.iter().map(|upstream| Site {
        id: upstream.id().to_owned(),
        label: upstream.label().to_owned(),
    });
    Ok(Json(Users {
        sites: std::iter::once(here).chain(sites).collect(),
        users: all
            .into_iter()
            .map(|user| UserRow::new(user, &by))
            .collect(),
        roles: Role::ALL.into_iter().map(Role::name).collect(),
        passwords,
        now: now_s(),
    }))
}

/// What a user is to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// User name, of one who is to be made.
    #[serde(default)]
    name: String,
    shown: String,
    roles: Vec<String>,
    sites: Vec<String>,
    #[serde(default)]
    referrers: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
}

impl Wanted {
    /// `kept` are sites that the user has already, which need not be configured any more.
    fn rights(&self, state: &Shared, kept: &[String]) -> Result<Rights, AccountError> {
        let role = |name: &String| Role::of(name).ok_or_else(|| AccountError::Role(name.clone()));
        let known =
            |id: &str| state.upstream(Some(id)).is_ok() || kept.iter().any(|kept| kept == id);
        Ok(Rights {
            roles: self.roles.iter().map(role).collect::<Result<_, _>>()?,
            sites: admin::sites(&self.sites, &known)?,
            referrers: admin::referrers(&self.referrers)?,
            labels: admin::labels(&self.labels)?,
        })
    }
}

/// A code for a first password, shown once.
#[derive(Debug, Serialize)]
pub struct Code {
    code: String,
    /// Until when it can be used, in seconds since 1970.
    ends: i64,
}

impl Code {
    fn new(code: String) -> Self {
        Self {
            code,
            ends: now_s() + CODE_S,
        }
    }
}

/// Where people log in at a provider alone, nobody could use a code.
fn with_passwords(login: &Login) -> Result<(), AccountError> {
    if login.ways.has_passwords {
        Ok(())
    } else {
        Err(AccountError::External)
    }
}

/// Makes a user.
pub async fn add(
    State(state): State<Shared>,
    by: FreshAdministrator,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Code>), ApiError> {
    let wanted = read(body)?;
    let rights = wanted.rights(&state, &[]);
    let (name, user) = (wanted.name.clone(), wanted.name.clone());
    let made = about(&state, by, &name, "added", move |login, told| {
        with_passwords(login)?;
        let rights = rights?;
        let shown = admin::shown(&wanted.shown)?;
        let shown = if shown.is_empty() {
            user.clone()
        } else {
            shown
        };
        let what = format!("added; {}", admin::words(&rights));
        let record = |connection: &Connection| told(connection, &format!("user {user}"), &what);
        let database = &login.database;
        accounts::add_on_record(database, &user, &shown, &rights, now_s(), &record)
    });
    Ok((StatusCode::CREATED, Json(Code::new(made.await?))))
}

/// Gives a user other rights.
pub async fn edit(
    State(state): State<Shared>,
    by: FreshAdministrator,
    Named(Path(name)): Named<Path<String>>,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let wanted = read(body)?;
    let (user, again) = (name.clone(), Arc::clone(&state));
    about(&state, by, &name, "changed", move |login, told| {
        let known = accounts::by_name(&login.database, &user)?;
        let kept: Vec<String> = known.into_iter().flat_map(|user| user.sites).collect();
        let rights = wanted.rights(&again, &kept)?;
        let change = Change {
            shown: Some(admin::shown(&wanted.shown)?),
            roles: Some(rights.roles),
            sites: Some(rights.sites),
            referrers: Some(rights.referrers),
            labels: Some(rights.labels),
        };
        admin::change(&login.database, &user, &change, told)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes password and second factor away, and gives a code.
pub async fn reset(
    State(state): State<Shared>,
    by: FreshAdministrator,
    Named(Path(name)): Named<Path<String>>,
) -> Result<Json<Code>, ApiError> {
    let user = name.clone();
    let made = about(&state, by, &name, "reset", move |login, told| {
        with_passwords(login)?;
        let record = |connection: &Connection| told(connection, &format!("user {user}"), "reset");
        accounts::reset_on_record(&login.database, &user, now_s(), &record)
    });
    Ok(Json(Code::new(made.await?)))
}

/// Locks an account.
pub async fn lock(
    State(state): State<Shared>,
    by: FreshAdministrator,
    Named(Path(name)): Named<Path<String>>,
) -> Result<StatusCode, ApiError> {
    let user = name.clone();
    about(&state, by, &name, "locked", move |login, told| {
        admin::lock(&login.database, &user, now_s(), told)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Opens an account again.
pub async fn unlock(
    State(state): State<Shared>,
    by: FreshAdministrator,
    Named(Path(name)): Named<Path<String>>,
) -> Result<StatusCode, ApiError> {
    let user = name.clone();
    about(&state, by, &name, "unlocked", move |login, told| {
        admin::unlock(&login.database, &user, told)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a user.
pub async fn remove(
    State(state): State<Shared>,
    by: FreshAdministrator,
    Named(Path(name)): Named<Path<String>>,
) -> Result<StatusCode, ApiError> {
    let user = name.clone();
    about(&state, by, &name, "removed", move |login, told| {
        admin::remove(&login.database, &user, told)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A session as JSON.
#[derive(Debug, Serialize)]
pub struct SessionRow {
    /// Names it, and opens nothing.
    id: String,
    user: String,
    shown: String,
    /// `page`, `frame` or `link`.
    kind: &'static str,
    /// The link.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    began: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<i64>,
    ends: i64,
    /// It waits for its user.
    locked: bool,
    address: String,
    /// The one that asks.
    own: bool,
}

/// All sessions.
pub async fn sessions(
    State(state): State<Shared>,
    by: Administrator,
) -> Result<Json<Vec<SessionRow>>, ApiError> {
    let all = work(&state, |login| {
        admin::sessions(&login.database, login.lifetimes, now_s())
    });
    let all = all.await?.map_err(|error| ApiError::from_account(&error))?;
    let own = by.session.hash.name();
    let row = |session: ListedSession| SessionRow {
        own: session.id == own,
        id: session.id,
        user: session.user,
        shown: session.shown,
        kind: match session.kind {
            SessionKind::Page => "page",
            SessionKind::Frame => "frame",
            SessionKind::Link => "link",
        },
        share: session.share,
        began: session.began_s,
        seen: session.seen_s,
        ends: session.ends_s,
        locked: session.is_locked,
        address: session.address,
    };
    Ok(Json(all.into_iter().map(row).collect()))
}

/// Ends a session.
pub async fn end_session(
    State(state): State<Shared>,
    FreshAdministrator(by): FreshAdministrator,
    Named(Path(id)): Named<Path<String>>,
) -> Result<StatusCode, ApiError> {
    let event = by.event(Kind::Logout, Outcome::Success);
    change(&state, event, &by, Must::Nothing, move |login, told| {
        admin::end_session(&login.database, &id, told)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many sessions have ended.
#[derive(Debug, Serialize)]
pub struct Ended {
    ended: usize,
}

/// Ends all sessions of a user.
pub async fn end_sessions(
    State(state): State<Shared>,
    FreshAdministrator(by): FreshAdministrator,
    Named(Path(name)): Named<Path<String>>,
) -> Result<Json<Ended>, ApiError> {
    let event = by.event(Kind::Logout, Outcome::Success);
    let ended = change(&state, event, &by, Must::Nothing, move |login, told| {
        admin::end_all(&login.database, &name, told)
    });
    Ok(Json(Ended {
        ended: ended.await?,
    }))
}

/// A link as JSON: nothing of its study, its note or its secrets.
#[derive(Debug, Serialize)]
pub struct ShareRow {
    id: String,
    user: String,
    shown: String,
    source: String,
    made: i64,
    ends: i64,
    uses: u32,
    most_uses: Option<u32>,
    pin: bool,
    download: bool,
    state: &'static str,
}

/// All links.
pub async fn shares(
    State(state): State<Shared>,
    _: Administrator,
) -> Result<Json<Vec<ShareRow>>, ApiError> {
    let all = work(&state, |login| {
        Ok(shares::all(&login.database).map_err(|error| ApiError::from_share(&error)))
    });
    let all = all
        .await?
        .map_err(|error| ApiError::from_account(&error))??;
    let now_s = now_s();
    let row = |(share, user): (Share, String)| ShareRow {
        state: share.state(now_s),
        user,
        id: share.id,
        shown: share.shown,
        source: share.source,
        made: share.made_s,
        ends: share.ends_s,
        uses: share.uses,
        most_uses: share.most_uses,
        pin: share.has_pin,
        download: share.may_download,
    };
    Ok(Json(all.into_iter().map(row).collect()))
}

/// Takes anybody's link back.
pub async fn revoke(
    State(state): State<Shared>,
    FreshAdministrator(by): FreshAdministrator,
    Named(Path(id)): Named<Path<String>>,
) -> Result<StatusCode, ApiError> {
    let event = by.event(Kind::ShareRevoked, Outcome::Success);
    let revoked = change(&state, event, &by, Must::Live, move |login, told| {
        let what = "by an administrator";
        let record = |connection: &Connection| told(connection, &format!("share {id}"), what);
        match shares::revoke_any(&login.database, &id, &record) {
            Err(ShareError::Account(error)) => Err(error),
            other => Ok(other),
        }
    });
    match revoked.await? {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err(ApiError::from_share(&error)),
    }
}

/// A source as JSON.
#[derive(Debug, Serialize)]
pub struct SourceRow {
    id: String,
    label: String,
    /// When it answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<Timestamp>,
    /// When it failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// How sources are doing.
#[derive(Debug, Serialize)]
pub struct Sources {
    /// How far the index of the gateway's own store is: files read, and files found.
    indexing: protocol::gateway::Indexing,
    /// Other servers.
    sources: Vec<SourceRow>,
}

/// How sources have been doing since the gateway started.
pub async fn sources(State(state): State<Shared>, _: Administrator) -> Json<Sources> {
    let row = |source: SourceHealth| SourceRow {
        id: source.id,
        label: source.label,
        answered: source.health.answered,
        failed: source.health.failed.map(|(at, _)| at),
        reason: source.health.failed.map(|(_, reason)| reason),
    };
    Json(Sources {
        indexing: state.store.indexing(),
        sources: state.source_health().into_iter().map(row).collect(),
    })
}
