//! `/healthz`.

use axum::Json;
use axum::extract::State;
use protocol::gateway::Health;

use crate::state::Shared;

/// Says that requests are answered, and how far the index is.
pub async fn healthz(State(state): State<Shared>) -> Json<Health> {
    Json(Health {
        ready: true,
        indexing: state.store.indexing(),
    })
}
