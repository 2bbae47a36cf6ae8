//! What operators ask: readiness, numbers, and the document of all routes. None of it holds anything of patients.
//!
//! With `server.ops_listen` these are answered there and nowhere else. Without it readiness and the document are answered where
//! everything is; numbers only where no login is configured, as they say how much is done here.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, middleware, routing};
use serde::Serialize;

use super::{answer, health};
use crate::auth::asker::now_s;
use crate::auth::sessions;
use crate::error::ApiError;
use crate::headers;
use crate::requests::metrics::{OPEN_METRICS, Snapshot};
use crate::state::Shared;

/// What is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Readiness {
    ready: bool,
    store: bool,
    users: bool,
    /// Every data folder could be read when it was last looked at. Where one is away, the others are served.
    folders: bool,
}

fn elsewhere() -> ApiError {
    ApiError::not_found("not_found", "there is nothing at this address")
}

/// Whether store and users can be read.
pub async fn readyz(state: State<Shared>) -> Result<Response, ApiError> {
    match state.has_ops {
        true => Err(elsewhere()),
        false => ready(state).await,
    }
}

async fn ready(State(state): State<Shared>) -> Result<Response, ApiError> {
    let looked = tokio::task::spawn_blocking(move || {
        let store = state.store.is_readable();
        let folders = state.store.folders_away() == 0;
        let login = state.login.as_ref();
        let count = login.map(|login| sessions::count(&login.database, now_s()));
        (store, folders, count.is_none_or(|count| count.is_ok()))
    });
    let (store, folders, users) = looked.await.map_err(|_| ApiError::internal())?;
    let ready = store && users;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let readiness = Readiness {
        ready,
        store,
        users,
        folders,
    };
    Ok((status, Json(readiness)).into_response())
}

/// Numbers.
pub async fn metrics(state: State<Shared>) -> Result<Response, ApiError> {
    match state.has_ops || state.login.is_some() {
        true => Err(elsewhere()),
        false => numbers(state).await,
    }
}

async fn numbers(State(state): State<Shared>) -> Result<Response, ApiError> {
    let written = tokio::task::spawn_blocking(move || {
        let login = state.login.as_ref();
        let sessions = login.map(|login| sessions::count(&login.database, now_s()));
        let indexing = state.store.indexing();
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let health = state.source_health().into_iter();
        let snapshot = Snapshot {
            sessions: sessions.and_then(Result::ok).unwrap_or_default(),
            audit_waiting: login.map_or(0, |login| whole(login.audit.waiting() as u64)),
            files: [whole(indexing.total), whole(indexing.done)],
            senders: whole(state.senders.senders() as u64),
            sources: health.map(|it| (it.id.clone(), it.is_up())).collect(),
        };
        state.metrics.text(&snapshot)
    });
    match written.await {
        Ok(Ok(text)) => answer(OPEN_METRICS, text),
        _ => Err(ApiError::internal()),
    }
}

/// The document of all routes.
pub async fn openapi(state: State<Shared>) -> Result<Response, ApiError> {
    match state.has_ops {
        true => Err(elsewhere()),
        false => described(state).await,
    }
}

async fn described(State(state): State<Shared>) -> Result<Response, ApiError> {
    let document = state.document.get().ok_or_else(ApiError::internal)?;
    answer("application/json", document.clone())
}

/// What is answered on the operators' own listener.
pub fn app(state: Shared) -> Router {
    Router::new()
        .route("/healthz", routing::get(health::healthz))
        .route("/readyz", routing::get(ready))
        .route("/metrics", routing::get(numbers))
        .route("/openapi.json", routing::get(described))
        .fallback(async || elsewhere())
        .method_not_allowed_fallback(async || elsewhere())
        .layer(middleware::from_fn(check_host))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&state),
            headers::add,
        ))
        .with_state(state)
}

/// A page of another site that points its own name here reads nothing: programs that operators run use a number or `localhost`,
/// or a name of the network inside, which has no dot.
async fn check_host(request: axum::extract::Request, next: middleware::Next) -> Response {
    let host = request.headers().get(axum::http::header::HOST);
    let host = host.and_then(|host| host.to_str().ok()?.parse::<Uri>().ok());
    let host = host.as_ref().and_then(Uri::host).unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_number = bare.parse::<std::net::IpAddr>().is_ok();
    if is_number || (!host.is_empty() && !host.contains('.')) {
        return next.run(request).await;
    }
    let message = "this host name is not served here";
    let error = ApiError::new(StatusCode::MISDIRECTED_REQUEST, "host_refused", message);
    error.into_response()
}
