//! The page on which the record is searched: static, with a small script over `/api/audit`.

use std::sync::Arc;

use askama::Template;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::answer;
use super::audit::nothing;
use super::login::Asking;
use super::login_pages::show;
use super::wide::Wide;
use crate::audit::event::Kind;
use crate::auth::access::permits_gateway;
use crate::auth::asker::Asker;
use crate::auth::detours::Waiting;
use crate::auth::policy::Action;
use crate::auth::sessions::Session;
use crate::error::ApiError;
use crate::state::Shared;

const STYLE: &str = include_str!("../../pages/audit.css");
const SCRIPT: &str = include_str!("../../pages/audit.js");

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    wide: Wide,
    /// All of the record.
    may_all: bool,
    /// What it says of its user.
    may_own: bool,
    /// Kinds of events by name, with words.
    kinds: Vec<(String, &'static str)>,
}

/// The page; whoever has not logged in is led to it first.
pub async fn page(
    State(state): State<Shared>,
    asking: Asking,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, ApiError> {
    if state.login.is_none() {
        return Err(nothing());
    }
    let asked = uri.path_and_query().map_or("/audit", |it| it.as_str());
    if let Some(next) = asking.detour(&state, Waiting::Page(asked.to_owned())) {
        return Ok(next);
    }
    let session: &Arc<Session> = asking.session.as_ref().ok_or_else(ApiError::login_needed)?;
    let asker = Asker::User(Arc::clone(session));
    let may = |action| permits_gateway(&state, &asker, action);
    let (may_all, may_own) = (may(Action::ReadAudit), may(Action::ReadOwnAudit));
    let status = if may_all || may_own {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    let page = AuditPage {
        wide: Wide::new(&state, session, "/audit", "Audit record"),
        may_all,
        may_own,
        kinds: Kind::ALL
            .into_iter()
            .map(|kind| (kind.name(), title(kind)))
            .collect(),
    };
    show(&page, status)
}

/// A kind of event as the page names it.
fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Started => "Gateway started",
        Kind::Stopped => "Gateway stopped",
        Kind::Login => "Login",
        Kind::Logout => "Logout or lock",
        Kind::SecondFactor => "Second factor",
        Kind::Locked => "Account locked",
        Kind::Search => "Search",
        Kind::StudyOpened => "Study opened",
        Kind::FramesServed => "Images read",
        Kind::Stored => "Object stored",
        Kind::Deleted => "Objects deleted",
        Kind::Rejected => "Objects rejected",
        Kind::Exported => "Files taken away",
        Kind::ShareMade => "Link made",
        Kind::ShareUsed => "Link opened",
        Kind::ShareRefused => "Link refused",
        Kind::ShareRevoked => "Link taken back",
        Kind::GlassBroken => "Emergency access",
        Kind::Denied => "Not allowed",
        Kind::RightsChanged => "User or rights changed",
        Kind::ConfigurationChanged => "Configuration changed",
        Kind::AuditRead => "Record read",
        Kind::RecordShortened => "Old part deleted",
    }
}

/// Its own style sheet.
pub async fn style() -> Result<Response, ApiError> {
    answer("text/css; charset=utf-8", STYLE)
}

/// Its script.
pub async fn script() -> Result<Response, ApiError> {
    answer("text/javascript; charset=utf-8", SCRIPT)
}
