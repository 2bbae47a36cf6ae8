//! The page of administration. What it shows and does goes through `/api/admin`.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::asking::Asking;
use super::login_pages::show;
use super::wide::Wide;
use crate::auth::administrator::Administrator;
use crate::auth::detours::Waiting;
use crate::error::ApiError;
use crate::state::Shared;

const SCRIPT: &str = include_str!("../../pages/admin.js");

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    wide: Wide,
    /// How its user proves who he or she is once more: by a password, and by a second factor.
    has_password: bool,
    has_totp: bool,
    has_passkeys: bool,
}

/// The page, for administrators; whoever has not logged in yet comes back to it.
pub async fn page(
    State(state): State<Shared>,
    asking: Asking,
    by: Result<Administrator, ApiError>,
) -> Result<Response, ApiError> {
    if let Some(next) = asking.detour(&state, Waiting::Page("/admin".to_owned())) {
        return Ok(next);
    }
    let session = by?.session;
    let page = AdminPage {
        wide: Wide::new(&state, &session, "/admin", "Administration"),
        has_password: session.user.has_password,
        has_totp: session.user.has_totp,
        has_passkeys: session.user.has_passkey,
    };
    show(&page, StatusCode::OK)
}

/// Its script.
pub async fn script() -> Result<Response, ApiError> {
    super::answer("text/javascript; charset=utf-8", SCRIPT)
}
