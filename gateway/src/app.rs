//! All routes, in order.
//!
//! Every answer passes through `headers::add`; no handler runs before `headers::check_host`.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;
use crate::headers;
use crate::routes::{bulk, config_json, frames, health, invoke, metadata, pages, query, thumbnail};
use crate::state::Shared;

/// The whole application.
pub fn app(state: Shared) -> Router {
    Router::new()
        .route("/", get(pages::index))
        .route("/viewer", get(pages::index))
        .route("/s", get(pages::index))
        .route("/embed", get(pages::index))
        .route("/IHEInvokeImageDisplay", get(invoke::invoke))
        .route("/config.json", get(config_json::config))
        .route("/healthz", get(health::healthz))
        .nest("/dicomweb", dicomweb())
        .nest("/dicomweb/{source}", dicomweb())
        .fallback(pages::file)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(64 << 10))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), headers::check_host))
        .layer(from_fn_with_state(state.clone(), headers::add))
        .with_state(state)
}

/// One DICOMweb root.
fn dicomweb() -> Router<Shared> {
    const SERIES: &str = "/studies/{study}/series/{series}";
    const INSTANCE: &str = "/studies/{study}/series/{series}/instances/{instance}";
    Router::new()
        .route("/studies", get(query::studies))
        .route("/series", get(query::series))
        .route("/instances", get(query::instances))
        .route("/studies/{study}/series", get(query::series))
        .route("/studies/{study}/instances", get(query::instances))
        .route(&format!("{SERIES}/instances"), get(query::instances))
        .route("/studies/{study}/metadata", get(metadata::metadata))
        .route(&format!("{SERIES}/metadata"), get(metadata::metadata))
        .route(&format!("{INSTANCE}/metadata"), get(metadata::metadata))
        .route(&format!("{INSTANCE}/frames/{{list}}"), get(frames::frames))
        .route(&format!("{INSTANCE}/bulk/{{tag_path}}"), get(bulk::bulk))
        .route(&format!("{INSTANCE}/thumbnail"), get(thumbnail::instance))
        .route(&format!("{SERIES}/thumbnail"), get(thumbnail::series))
        .fallback(unknown_resource)
}

async fn unknown_resource() -> ApiError {
    ApiError::not_found("resource_unknown", "this DICOMweb resource does not exist here")
}

async fn method_not_allowed() -> ApiError {
    let message = "this address is read with GET or HEAD only";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

/// A bug in a handler concerns its own request only; the panic itself is in the log.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::internal().into_response()
}
