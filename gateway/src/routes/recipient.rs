//! The page behind a link: static, small, and not the app, so that it stands at once on a slow line.
//!
//! Its script keeps both halves of the link in memory, takes them out of the address, and sends them only as the body of a
//! POST. Whoever merely opens the page, a mail scanner that runs scripts too, uses nothing up: only the button opens the link.

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::answer;
use crate::error::ApiError;
use crate::state::{Shared, blocking};

const STYLE: &str = concat!(
    include_str!("../../../www/tokens.css"),
    include_str!("../../pages/recipient.css")
);
const SCRIPT: &str = include_str!("../../pages/recipient.js");

/// Stricter than that of the app: nothing is compiled, and nothing but its own files and answers is read.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "recipient.html")]
struct RecipientPage {
    base: String,
    /// Files of the app that the page may fetch while it is read.
    ahead: String,
    /// They come before the page's script asks for them.
    sends_early: bool,
}

/// The page.
pub async fn page(State(state): State<Shared>, headers: HeaderMap) -> Result<Response, ApiError> {
    let app = blocking(&state, |state| Ok(state.assets.load("index.html")));
    // Without the app the page can still say what became of the link.
    let ahead = app
        .await?
        .map(|app| ahead(&String::from_utf8_lossy(&app.plain)));
    let ahead = ahead.unwrap_or_default();
    // Whoever pays for each byte is sent them when the link is opened.
    let saves = headers
        .get("save-data")
        .is_some_and(|value| value.as_bytes() == b"on");
    let page = RecipientPage {
        base: state.base_path.clone(),
        sends_early: !ahead.is_empty() && !saves,
        ahead,
    };
    let text = page.render().map_err(|_| ApiError::internal())?;
    Response::builder()
        .status(StatusCode::OK)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CONTENT_SECURITY_POLICY, POLICY)
        .body(Body::from(text))
        .map_err(|_| ApiError::internal())
}

/// Its style sheet.
pub async fn style() -> Result<Response, ApiError> {
    answer("text/css; charset=utf-8", STYLE)
}

/// Its icon.
pub async fn icon() -> Result<Response, ApiError> {
    answer("image/svg+xml", include_str!("../../../www/favicon.svg"))
}

/// Its script.
pub async fn script() -> Result<Response, ApiError> {
    answer("text/javascript; charset=utf-8", SCRIPT)
}

/// Files that the app's page names and a first image needs, with spaces between. Workers of rare images and of planes are
/// fetched when they are needed.
fn ahead(page: &str) -> String {
    let mut found: Vec<&str> = Vec::new();
    for tag in page.split('<') {
        let is_rare = [
            "sagitta-worker-all",
            "sagitta-plane-worker",
            "sagitta-video-worker",
            "sagitta-upload",
            "sagitta-sending",
            "sagitta-unzip",
            "rel=\"icon\"",
        ]
        .iter()
        .any(|name| tag.contains(name));
        if is_rare {
            continue;
        }
        for value in tag.split('"').skip(1).step_by(2) {
            let Some(name) = value.strip_prefix("./").filter(|name| is_asset(name)) else {
                continue;
            };
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found.join(" ")
}

/// A hashed name below `assets/`, and nothing that would be more than a name in an attribute.
fn is_asset(name: &str) -> bool {
    name.strip_prefix("assets/").is_some_and(|rest| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !rest.is_empty() && rest.bytes().all(is_plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_first_image_needs_is_named_once() {
        let page = concat!(
            "<link rel=\"icon\" href=\"./assets/favicon-1.svg\">",
            "<link rel=\"stylesheet\" href=\"./assets/tokens-2.css\" integrity=\"sha384-x\">",
            "<link rel=\"preload\" as=\"fetch\" crossorigin href=\"./assets/app-3.wasm\">",
            "<meta name=\"sagitta-app-wasm\" content=\"./assets/app-3.wasm\">",
            "<meta name=\"sagitta-worker\" content=\"./assets/w-4.js\" data-module=\"./assets/w-5.wasm\">",
            "<meta name=\"sagitta-upload\" content=\"./assets/up-9.js\">",
            "<meta name=\"sagitta-worker-all\" content=\"./assets/all-6.js\">",
            "<script type=\"module\" src=\"./assets/boot-7.js\"></script>",
            "<a href=\"./assets/&lt;script&gt;\">"
        );
        assert_eq!(
            ahead(page),
            "assets/tokens-2.css assets/app-3.wasm assets/w-4.js assets/w-5.wasm assets/boot-7.js"
        );
        assert_eq!(ahead("<!doctype html>"), "");
    }
}
