//! The audit record, for auditors; everybody else sees what it says of himself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;

use super::Pairs;
use crate::audit::event::{Event, Kind, Outcome, Record};
use crate::audit::search::{Wanted, search};
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

fn read(pairs: &[(String, String)]) -> Result<(Wanted, usize), ApiError> {
    let bad = |name: &str| ApiError::bad_request("query_invalid", format!("{name} cannot be read"));
    let mut wanted = Wanted::default();
    let mut most = USUAL;
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        let time = || value.parse::<Timestamp>().map_err(|_| bad(name));
        match name.as_str() {
            "user" => wanted.user = Some(value.clone()),
            "patient" => wanted.patient = Some(value.clone()),
            "study" => wanted.study = Some(value.clone()),
            "kind" => {
                let named = serde_json::Value::String(value.clone());
                wanted.kind = Some(serde_json::from_value(named).map_err(|_| bad(name))?);
            }
            "from" => wanted.from = Some(time()?),
            "before" => wanted.before = Some(time()?),
            "older" => wanted.older_than = Some(value.parse().map_err(|_| bad(name))?),
            "limit" => {
                let limit: usize = value.parse().map_err(|_| bad(name))?;
                most = limit.clamp(1, MOST);
            }
            _ => return Err(bad(name)),
        }
    }
    Ok((wanted, most))
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
            let message = "there is nothing at this address";
            return Err(ApiError::not_found("not_found", message));
        }
        wanted.user = Some(session.user.name.clone());
    }
    let mut event = Event::new(Kind::AuditRead, Outcome::Success);
    event.actor = asker.actor(address);
    let text: Vec<String> = pairs.iter().map(|(a, b)| format!("{a}={b}")).collect();
    event.object.other = text.join("&");
    login.audit.add(event).await.map_err(ApiError::unrecorded)?;
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
