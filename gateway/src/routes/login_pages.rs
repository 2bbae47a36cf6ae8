//! The pages of login: templates, what they say, and how they look.

use askama::Template;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;

use crate::auth::Ways;
use crate::auth::access::could_gateway;
use crate::auth::accounts::{AccountError, Refused, User};
use crate::auth::passkeys::Entry;
use crate::auth::policy::Action;
use crate::auth::sessions::Session;
use crate::error::ApiError;
use crate::state::Shared;

/// The script that shows a password that was typed: the pages work without it.
pub(super) const SHOW_PASSWORD: &str = include_str!("../../pages/password.js");

/// The script of passkeys; all but passkeys works without it.
pub(super) const SCRIPT: &str = include_str!("../../pages/passkey.js");

/// How the pages look: the tokens of the app, and what is their own.
pub(super) const STYLE: &str = concat!(
    include_str!("../../../www/tokens.css"),
    include_str!("../../pages/login.css")
);

/// Part of every page.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    pub(super) base: String,
    pub(super) site: String,
    pub(super) problem: String,
    pub(super) name: String,
}

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    frame: Frame,
    has_passwords: bool,
    has_passkeys: bool,
    provider: Option<String>,
}

impl LoginPage {
    pub(super) fn new(frame: Frame, ways: &Ways) -> Self {
        Self {
            frame,
            has_passwords: ways.has_passwords,
            has_passkeys: ways.has_passwords && ways.passkeys.is_some(),
            provider: label(ways),
        }
    }
}

fn label(ways: &Ways) -> Option<String> {
    ways.provider
        .as_ref()
        .map(|provider| provider.label.clone())
}

#[derive(Template)]
#[template(path = "second.html")]
pub(super) struct SecondPage {
    frame: Frame,
    has_totp: bool,
    has_passkeys: bool,
}

impl SecondPage {
    pub(super) fn new(frame: Frame, user: &User) -> Self {
        Self {
            frame,
            has_totp: user.has_totp,
            has_passkeys: user.has_passkey,
        }
    }
}

#[derive(Template)]
#[template(path = "enrol.html")]
pub(super) struct EnrolPage {
    frame: Frame,
    key: String,
    has_passkeys: bool,
}

impl EnrolPage {
    pub(super) fn new(state: &Shared, frame: Frame, key: String) -> Self {
        let login = state.login.as_ref();
        Self {
            frame,
            key,
            has_passkeys: login.is_some_and(|login| login.ways.passkeys.is_some()),
        }
    }
}

#[derive(Template)]
#[template(path = "recovery.html")]
pub(super) struct RecoveryPage {
    pub(super) frame: Frame,
    pub(super) codes: Vec<String>,
}

#[derive(Template)]
#[template(path = "first.html")]
pub(super) struct FirstPage {
    pub(super) frame: Frame,
}

#[derive(Template)]
#[template(path = "unlock.html")]
pub(super) struct UnlockPage {
    frame: Frame,
    /// It is not locked: its login is to be fresh.
    is_open: bool,
    takes_code: bool,
    has_passkeys: bool,
    provider: Option<String>,
}

impl UnlockPage {
    pub(super) fn new(state: &Shared, frame: Frame, session: &Session) -> Self {
        let user = &session.user;
        let login = state.login.as_ref().filter(|_| user.is_external);
        let has_second = user.has_totp || user.has_passkey;
        Self {
            frame,
            is_open: !session.is_locked,
            takes_code: has_second && could_gateway(state, session, Action::Manage),
            has_passkeys: user.has_passkey,
            provider: login.and_then(|login| label(&login.ways)),
        }
    }
}

/// Why nobody was signed in at the provider.
#[derive(Template)]
#[template(path = "refused.html")]
pub(super) struct RefusedPage {
    pub(super) frame: Frame,
}

/// After a logout of someone who came from a provider.
#[derive(Template)]
#[template(path = "left.html")]
pub(super) struct LeftPage {
    pub(super) frame: Frame,
    pub(super) provider: Option<String>,
}

/// A user's passkeys.
#[derive(Template)]
#[template(path = "passkeys.html")]
pub(super) struct PasskeysPage {
    pub(super) frame: Frame,
    pub(super) entries: Vec<(Entry, String)>,
    pub(super) is_fresh: bool,
    pub(super) can_add: bool,
}

/// Name of the gateway among the entries of an authenticator.
pub(super) const SITE: &str = "Sagitta";

pub(super) fn frame(state: &Shared, name: &str, problem: Option<&AccountError>) -> Frame {
    Frame {
        base: state.base_path.clone(),
        site: SITE.to_owned(),
        problem: problem.map(words).unwrap_or_default(),
        name: name.to_owned(),
    }
}

/// The same for a page that asks for a code.
pub(super) fn frame_of_code(state: &Shared, name: &str, error: &AccountError) -> Frame {
    let mut frame = frame(state, name, Some(error));
    if matches!(error, AccountError::Refused(Refused::Wrong)) {
        frame.problem = "This code is not right, or was used already. Try another one.".to_owned();
    }
    frame
}

/// What went wrong, for the person at the page.
fn words(error: &AccountError) -> String {
    match error {
        AccountError::Refused(Refused::Wrong) => {
            "That is not right. Check it, and Caps Lock, and try again.".to_owned()
        }
        AccountError::Refused(Refused::Wait(seconds)) => {
            format!("Too many tries. Wait {seconds} seconds, then try again.")
        }
        AccountError::Refused(Refused::Locked) => {
            "This account is locked. An administrator can open it again.".to_owned()
        }
        AccountError::Password(refused) => sentence(&refused.to_string()),
        AccountError::Passkey(reason) => sentence(reason),
        _ => "This cannot be done just now. Try again in a moment.".to_owned(),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

pub(super) fn show(page: &impl Template, status: StatusCode) -> Result<Response, ApiError> {
    let text = page.render().map_err(|_| ApiError::internal())?;
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .body(Body::from(text))
        .map_err(|_| ApiError::internal())
}
