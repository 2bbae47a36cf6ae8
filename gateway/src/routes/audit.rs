//! The audit record, for auditors; everybody else sees what it says of himself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;

use super::Pairs;
use crate::audit::event::{Event, Kind, Outcome, Record};
use crate::audit::search::{Wanted, search};
use crate::auth::Login;
use crate::auth::access::{LoggedIn, permits_gateway};
use crate::auth::asker::Asker;
use crate::auth::policy::Action;
use crate::error::ApiError;
use crate::state::Shared;

/// Events of an answer.
const USUAL: usize = 100;
const MOST: usize = 1000;

/// A page of the record.
#[derive(Debug, Serialize)]
pub struct Page {
    /// The newest first.
    events: Vec<Record>,
    /// `older` of the next page; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    older: Option<u64>,
}

pub(super) fn bad(name: &str) -> ApiError {
    ApiError::bad_request("query_invalid", format!("{name} cannot be read"))
}

/// One filter; `false` where it is none.
pub(super) fn filter(wanted: &mut Wanted, name: &str, value: &str) -> Result<bool, ApiError> {
    let text = Some(value.to_owned());
    let time = || value.parse::<Timestamp>().map_err(|_| bad(name));
    match name {
        "user" => wanted.user = text,
        "session" => wanted.session = text,
        "address" => wanted.address = text,
        "patient" => wanted.patient = text,
        "study" => wanted.study = text,
        "source" => wanted.source = text,
        "request" => wanted.request = text,
        "kind" => wanted.kind = Some(named(name, value)?),
        "outcome" => wanted.outcome = Some(named(name, value)?),
        "from" => wanted.from = Some(time()?),
        "before" => wanted.before = Some(time()?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn named<T: serde::de::DeserializeOwned>(name: &str, value: &str) -> Result<T, ApiError> {
    let value = serde_json::Value::String(value.to_owned());
    serde_json::from_value(value).map_err(|_| bad(name))
}

fn read(pairs: &[(String, String)]) -> Result<(Wanted, usize), ApiError> {
    let mut wanted = Wanted::default();
    let mut most = USUAL;
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "older" => wanted.older_than = Some(value.parse().map_err(|_| bad(name))?),
            "limit" => {
                let limit: usize = value.parse().map_err(|_| bad(name))?;
                most = limit.clamp(1, MOST);
            }
            _ if filter(&mut wanted, name, value)? => {}
            _ => return Err(bad(name)),
        }
    }
    Ok((wanted, most))
}

/// Nothing: what someone may not read looks like what is not there.
pub(super) fn nothing() -> ApiError {
    ApiError::not_found("not_found", "there is nothing at this address")
}

/// Puts on record that the record is read; only then is it.
pub(super) async fn put_on_record(
    login: &Login,
    asker: &Asker,
    address: String,
    pairs: &[(String, String)],
) -> Result<(), ApiError> {
    let mut event = Event::new(Kind::AuditRead, Outcome::Success);
    event.actor = asker.actor(address);
    let text: Vec<String> = pairs.iter().map(|(a, b)| format!("{a}={b}")).collect();
    event.object.other = text.join("&");
    login.audit.add(event).await.map_err(ApiError::unrecorded)
}

/// Searches the record; that is an event, too.
pub async fn audit(
    State(state): State<Shared>,
    LoggedIn { session, address }: LoggedIn,
    Pairs(pairs): Pairs,
) -> Result<Json<Page>, ApiError> {
    let (mut wanted, most) = read(&pairs)?;
    let login = state.login.as_ref().ok_or_else(ApiError::login_needed)?;
    let asker = Asker::User(Arc::clone(&session));
    if !permits_gateway(&state, &asker, Action::ReadAudit) {
        if !permits_gateway(&state, &asker, Action::ReadOwnAudit) {
            return Err(nothing());
        }
        wanted.user = Some(session.user.name.clone());
    }
    put_on_record(login, &asker, address, &pairs).await?;
    let path = login.audit.path().to_owned();
    let found = tokio::task::spawn_blocking(move || search(&path, &wanted, most + 1));
    let mut events = match found.await {
        Ok(Ok(events)) => events,
        _ => return Err(ApiError::internal()),
    };
    let has_more = events.len() > most;
    events.truncate(most);
    let older = events.last().filter(|_| has_more).map(|last| last.number);
    Ok(Json(Page { events, older }))
}
