//! All routes, in order.
//!
//! Every answer passes through `headers::add`; no handler runs before `headers::check_host`.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;
use crate::headers;
use crate::routes::{
    admin, admin_page, audit, bulk, config_json, document, emergency, files, frames, health,
    invoke, launch, login, metadata, oidc, pages, passkeys, query, recipient, session, shares,
    thumbnail, wide,
};
use crate::state::Shared;

/// The whole application.
pub fn app(state: Shared) -> Router {
    let pages = Router::new()
        .route("/", get(pages::inside))
        .route("/viewer", get(pages::inside))
        .route("/s", get(recipient::page))
        .route("/s/recipient.css", get(recipient::style))
        .route("/s/icon.svg", get(recipient::icon))
        .route("/s/recipient.js", get(recipient::script))
        .route("/admin", get(admin_page::page))
        .route("/admin.js", get(admin_page::script))
        .route("/shared", get(pages::index))
        .route("/embed", get(pages::index))
        .route("/IHEInvokeImageDisplay", get(invoke::invoke))
        .route("/config.json", get(config_json::config))
        .route("/healthz", get(health::healthz))
        .route("/auth/login", get(login::login_page).post(login::login))
        .route("/auth/login.css", get(login::style))
        .route("/auth/wide.css", get(wide::style))
        .route("/auth/wide.js", get(wide::script))
        .route("/auth/mfa", get(login::second_page).post(login::second))
        .route("/auth/enrol", get(login::enrol_page).post(login::enrol))
        .route("/auth/enrol.svg", get(login::enrol_picture))
        .route("/auth/first", get(login::first_page).post(login::first))
        .route("/auth/next", get(login::next))
        .route("/auth/unlock", get(login::unlock_page).post(login::unlock))
        .route("/auth/logout", post(login::logout))
        .route("/auth/logout-everywhere", post(login::logout_everywhere))
        .route("/auth/oidc", get(oidc::begin))
        .route("/auth/callback", get(oidc::callback))
        .route("/auth/backchannel", post(oidc::back_channel))
        .route("/auth/left", get(oidc::left_page))
        .route("/auth/oidc/logout", get(oidc::logout))
        .route("/auth/passkey.js", get(passkeys::script))
        .route("/auth/passkeys", get(passkeys::page))
        .route("/auth/passkeys/remove", post(passkeys::remove))
        .route("/auth/recovery", post(passkeys::recovery))
        .route("/auth/webauthn/add/begin", post(passkeys::begin_adding))
        .route("/auth/webauthn/add", post(passkeys::add))
        .route("/auth/webauthn/begin", post(passkeys::begin_proving))
        .route("/auth/webauthn/prove", post(passkeys::prove))
        .route("/api/session", get(session::session).delete(session::end))
        .route("/api/session/lock", post(session::lock))
        .route("/api/session/unlock", post(session::unlock))
        .route("/api/launch", post(launch::issue))
        .route("/api/launch/own", post(launch::issue_own))
        .route("/api/launch/redeem", post(launch::redeem))
        .route("/api/audit", get(audit::audit))
        .route("/api/emergency", post(emergency::break_glass))
        .route("/api/studies/{study}/files", get(files::download))
        .route("/api/studies/{source}/{study}/files", get(files::download))
        .route("/api/shares", get(shares::list).post(shares::create))
        .route("/api/shares/look", post(shares::look))
        .route("/api/shares/redeem", post(shares::redeem))
        .route("/api/shares/opened", get(shares::opened))
        .route("/api/shares/{id}", delete(shares::revoke));
    ["/dicomweb", "/dicomweb/{source}"]
        .into_iter()
        .fold(pages.merge(administration()), dicomweb)
        .fallback(pages::file)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(64 << 10))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(headers::check_origin))
        .layer(from_fn_with_state(state.clone(), headers::check_host))
        .layer(from_fn_with_state(state.clone(), headers::add))
        .with_state(state)
}

/// What administrators do: each handler asks for one in its signature.
fn administration() -> Router<Shared> {
    let user = "/api/admin/users/{name}";
    Router::new()
        .route("/api/admin/users", get(admin::users).post(admin::add))
        .route(user, put(admin::edit).delete(admin::remove))
        .route(&format!("{user}/reset"), post(admin::reset))
        .route(&format!("{user}/lock"), post(admin::lock))
        .route(&format!("{user}/unlock"), post(admin::unlock))
        .route(&format!("{user}/sessions"), delete(admin::end_sessions))
        .route("/api/admin/sessions", get(admin::sessions))
        .route("/api/admin/sessions/{id}", delete(admin::end_session))
        .route("/api/admin/shares", get(admin::shares))
        .route("/api/admin/shares/{id}", delete(admin::revoke))
        .route("/api/admin/sources", get(admin::sources))
}

/// Adds one DICOMweb root.
fn dicomweb(router: Router<Shared>, root: &str) -> Router<Shared> {
    let study = format!("{root}/studies/{{study}}");
    let series = format!("{study}/series/{{series}}");
    let instance = format!("{series}/instances/{{instance}}");
    router
        .route(&format!("{root}/studies"), get(query::studies))
        .route(&format!("{root}/series"), get(query::series))
        .route(&format!("{root}/instances"), get(query::instances))
        .route(&format!("{study}/series"), get(query::series))
        .route(&format!("{study}/instances"), get(query::instances))
        .route(&format!("{series}/instances"), get(query::instances))
        .route(&format!("{study}/metadata"), get(metadata::metadata))
        .route(&format!("{series}/metadata"), get(metadata::metadata))
        .route(&format!("{instance}/metadata"), get(metadata::metadata))
        .route(&format!("{instance}/frames/{{list}}"), get(frames::frames))
        .route(&format!("{instance}/bulk/{{tag_path}}"), get(bulk::bulk))
        .route(&format!("{instance}/thumbnail"), get(thumbnail::instance))
        .route(&format!("{instance}/rendered"), get(document::rendered))
        .route(&format!("{series}/thumbnail"), get(thumbnail::series))
}

async fn method_not_allowed() -> ApiError {
    let message = "this address is read with GET or HEAD only";
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}

/// A bug in a handler concerns its own request only; the panic itself is in the log.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::internal().into_response()
}
