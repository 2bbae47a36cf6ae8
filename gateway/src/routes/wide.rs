//! Work pages over the full width: what they have in common. A page of this kind extends `wide.html`.

use axum::response::Response;

use crate::auth::access::could_gateway;
use crate::auth::could;
use crate::auth::policy::Action;
use crate::auth::sessions::Session;
use crate::error::ApiError;
use crate::state::Shared;

/// How they look: the tokens of the app, and what is their own.
const STYLE: &str = concat!(
    include_str!("../../../www/tokens.css"),
    include_str!("../../pages/wide.css")
);

/// What their scripts have in common.
const SCRIPT: &str = include_str!("../../pages/wide.js");

/// That.
pub async fn script() -> Result<Response, ApiError> {
    super::answer("text/javascript; charset=utf-8", SCRIPT)
}

/// Their style sheet.
pub async fn style() -> Result<Response, ApiError> {
    super::answer("text/css; charset=utf-8", STYLE)
}

/// A page that the bar leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) path: &'static str,
    pub(super) label: &'static str,
    pub(super) is_here: bool,
}

/// The part of a page that is not its own: `wide` in its template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wide {
    /// Path of the gateway, without a slash at its end.
    pub(super) base: String,
    /// Title of the page.
    pub(super) title: &'static str,
    /// User name.
    pub(super) name: String,
    /// Name on screen.
    pub(super) shown: String,
    /// What its user may go to.
    pub(super) links: Vec<Link>,
}

impl Wide {
    /// For the page at a path, as its user sees it.
    pub(super) fn new(
        state: &Shared,
        session: &Session,
        here: &'static str,
        title: &'static str,
    ) -> Self {
        let login = state.login.as_ref();
        let sees = |action| login.is_some_and(|login| could(login, session, action));
        let may = |action| could_gateway(state, session, action);
        let all = [
            ("/", "Studies", sees(Action::Search)),
            ("/admin", "Administration", may(Action::Manage)),
            (
                "/audit",
                "Audit record",
                may(Action::ReadAudit) || may(Action::ReadOwnAudit),
            ),
        ];
        let shown = all.into_iter().filter(|(_, _, is_shown)| *is_shown);
        Self {
            base: state.base_path.clone(),
            title,
            name: session.user.name.clone(),
            shown: session.user.shown.clone(),
            links: shown
                .map(|(path, label, _)| Link {
                    path,
                    label,
                    is_here: path == here,
                })
                .collect(),
        }
    }
}
