//! The pages of login: templates, what they say, and how they look.

use askama::Template;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;

use crate::auth::accounts::{AccountError, Refused};
use crate::error::ApiError;
use crate::state::Shared;

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
    pub(super) frame: Frame,
}

#[derive(Template)]
#[template(path = "second.html")]
pub(super) struct SecondPage {
    pub(super) frame: Frame,
}

#[derive(Template)]
#[template(path = "enrol.html")]
pub(super) struct EnrolPage {
    pub(super) frame: Frame,
    pub(super) key: String,
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
    pub(super) frame: Frame,
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
            "Too many tries. An administrator can open this account again.".to_owned()
        }
        AccountError::Password(refused) => {
            let text = refused.to_string();
            let mut letters = text.chars();
            let first = letters.next().map(|it| it.to_uppercase().to_string());
            format!("{}{}.", first.unwrap_or_default(), letters.as_str())
        }
        _ => "This cannot be done just now. Try again in a moment.".to_owned(),
    }
}

pub(super) fn show(page: &impl Template, status: StatusCode) -> Result<Response, ApiError> {
    let text = page.render().map_err(|_| ApiError::internal())?;
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .body(Body::from(text))
        .map_err(|_| ApiError::internal())
}
