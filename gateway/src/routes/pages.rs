//! The app's pages and files.

use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;

use super::login::Asking;
use crate::assets::Asset;
use crate::auth::detours::Waiting;
use crate::error::ApiError;
use crate::state::Shared;

/// A page of the app for whoever has logged in; others are led to the page that is next for them.
pub async fn inside(
    state: State<Shared>,
    asking: Asking,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // What was asked for waits on the server: nothing of it is in an address or a browser meanwhile.
    let asked = uri.0.path_and_query();
    let next = match asked.filter(|it| it.query().is_some()) {
        Some(asked) => asking.detour(&state, Waiting::Page(asked.as_str().to_owned())),
        None => asking.next_page(&state),
    };
    match next {
        Some(next) => Ok(next),
        None => index(state, headers).await,
    }
}

/// Any page of the app: they are all `index.html`, which looks at its own address.
pub async fn index(State(state): State<Shared>, headers: HeaderMap) -> Result<Response, ApiError> {
    serve(&state, "index.html", &headers).await?.ok_or_else(|| {
        let message = "the app is not built: run cargo xtask build, or name its folder with --app";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "app_missing", message)
    })
}

/// Any other address: a file of the app, or nothing.
pub async fn file(State(state): State<Shared>, request: Request) -> Result<Response, ApiError> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let message = "this address is read with GET or HEAD only";
        return Err(ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            message,
        ));
    }
    let head = request.method() == Method::HEAD;
    let name = request.uri().path().trim_start_matches('/').to_owned();
    if name.starts_with("dicomweb") {
        let message = "there is no such DICOMweb resource here";
        return Err(ApiError::not_found("resource_unknown", message));
    }
    let found = serve(&state, &name, request.headers()).await?;
    let response = found
        .ok_or_else(|| ApiError::not_found("not_found", "there is nothing at this address"))?;
    if head {
        let (mut parts, body) = response.into_parts();
        if let Some(length) = axum::body::HttpBody::size_hint(&body).exact() {
            parts.headers.insert(CONTENT_LENGTH, length.into());
        }
        return Ok(Response::from_parts(parts, Body::empty()));
    }
    Ok(response)
}

async fn serve(
    state: &Shared,
    name: &str,
    headers: &HeaderMap,
) -> Result<Option<Response>, ApiError> {
    let owned = name.to_owned();
    let Some(asset) =
        crate::state::blocking(state, move |state| Ok(state.assets.load(&owned))).await?
    else {
        return Ok(None);
    };
    Ok(Some(respond(&asset, name, headers)?))
}

fn respond(asset: &Asset, name: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    // Names below assets/ hold a hash of their content; all others are asked for again.
    let cache = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut builder = Response::builder()
        .header(CACHE_CONTROL, cache)
        .header(ETAG, &asset.etag)
        .header(VARY, "Accept-Encoding");
    if matches!(name, "embed.js" | "embed.d.ts") {
        builder = builder
            .header(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .header("cross-origin-resource-policy", "cross-origin");
    }
    if is_known(headers, &asset.etag) {
        return builder
            .status(StatusCode::NOT_MODIFIED)
            .body(Body::empty())
            .map_err(|_| ApiError::internal());
    }
    let accepted = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let (encoding, body) = choose(asset, accepted.unwrap_or_default());
    if let Some(encoding) = encoding {
        builder = builder.header(CONTENT_ENCODING, encoding);
    }
    builder
        .header(CONTENT_TYPE, asset.media_type)
        .body(body.into())
        .map_err(|_| ApiError::internal())
}

fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|list| {
            let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
            list.split(',').any(|known| plain(known) == plain(etag))
        })
}

/// The shortest form that the client takes.
fn choose(asset: &Asset, accepted: &str) -> (Option<&'static str>, Bytes) {
    let takes = |name: &str| {
        accepted.split(',').any(|part| {
            let mut part = part.split(';').map(str::trim);
            part.next() == Some(name)
                && !part.any(|q| matches!(q, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    };
    match asset {
        Asset {
            brotli: Some(bytes),
            ..
        } if takes("br") => (Some("br"), bytes.clone()),
        Asset {
            gzip: Some(bytes), ..
        } if takes("gzip") => (Some("gzip"), bytes.clone()),
        _ => (None, asset.plain.clone()),
    }
}
