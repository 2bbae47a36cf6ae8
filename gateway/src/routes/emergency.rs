//! Breaking the glass: someone opens a study in an emergency, with a reason, and everybody who reads the record knows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::Target;
use super::given::Given;
use crate::audit::event::Kind;
use crate::auth::access::Anybody;
use crate::auth::asker::Asker;
use crate::auth::policy::Action;
use crate::auth::sessions;
use crate::error::ApiError;
use crate::state::Shared;

/// Fewest characters of a reason.
const FEWEST: usize = 10;

/// What is opened, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default)]
    source: Option<String>,
    study: String,
    reason: String,
}

/// From now on the session sees the study.
pub async fn break_glass(
    State(state): State<Shared>,
    anybody: Anybody,
    Given(Json(wanted)): Given<Json<Wanted>>,
) -> Result<StatusCode, ApiError> {
    if wanted.reason.trim().chars().count() < FEWEST {
        let message = "say in a few words why this study is needed now";
        return Err(ApiError::bad_request("reason_missing", message));
    }
    let Asker::User(session) = &anybody.asker else {
        return Err(ApiError::login_needed());
    };
    let session = Arc::clone(session);
    let target = Target {
        source: wanted.source,
        study: Some(wanted.study),
        ..Target::default()
    };
    let (action, kind) = (Action::BreakGlass, Kind::GlassBroken);
    let study = anybody
        .pass(&state, action, kind, &target, &wanted.reason)
        .await?;
    let opened = tokio::task::spawn_blocking(move || {
        let login = state.login.as_ref().ok_or_else(ApiError::login_needed)?;
        sessions::open_in_emergency(&login.database, &session, study.uid())
            .map_err(|error| ApiError::from_account(&error))
    });
    opened.await.map_err(|_| ApiError::internal())??;
    Ok(StatusCode::NO_CONTENT)
}
