//! Headers of every answer, errors included, and the check of `Host` before any handler.
//!
//! The check is against DNS rebinding: a page of another site that points its own name at this
//! computer would otherwise read a store without login.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::error::ApiError;
use crate::state::{self, Shared};

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// Everything but `frame-ancestors`, which differs by page.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'self'";

const PERMISSIONS_OFF: &str = "accelerometer=(), camera=(), display-capture=(), \
    geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), \
    serial=(), usb=()";

/// Adds the headers to every answer.
pub async fn add(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let framed = matches!(path.as_str(), "/viewer" | "/embed");
    let ancestors = if framed {
        state.frame_ancestors.as_str()
    } else {
        "'none'"
    };
    let policy = format!("{POLICY}; frame-ancestors {ancestors}");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(PERMISSIONS, HeaderValue::from_static(PERMISSIONS_OFF));
    headers
        .entry(CORP)
        .or_insert(HeaderValue::from_static("same-origin"));
    let page = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if page && path != "/embed" {
        headers.insert(COOP, HeaderValue::from_static("same-origin"));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Answers 421 where `Host` is not one of our names.
pub async fn check_host(State(state): State<Shared>, request: Request, next: Next) -> Response {
    if is_ours(&state, request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let message = "this host name is not served here; open http://localhost or http://127.0.0.1 \
        with the port of the gateway";
    ApiError::new(StatusCode::MISDIRECTED_REQUEST, "host_refused", message).into_response()
}

fn is_ours(state: &state::State, uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, None) => uri.authority().map(|authority| authority.as_str()),
        _ => None,
    };
    let named = |host: &str| is_our_name(state, &host.to_ascii_lowercase());
    host.is_some_and(named)
        && uri
            .authority()
            .is_none_or(|authority| named(authority.as_str()))
}

fn is_our_name(state: &state::State, host: &str) -> bool {
    if state.public_host.as_deref() == Some(host) {
        return true;
    }
    let port = state.address.port();
    let ip = match state.address.ip() {
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        std::net::IpAddr::V4(ip) => ip.to_string(),
    };
    ["localhost", "127.0.0.1", "[::1]", &ip].iter().any(|name| {
        host.strip_prefix(name)
            .is_some_and(|rest| match rest.strip_prefix(':') {
                Some(digits) => digits == port.to_string(),
                None => rest.is_empty() && port == 80,
            })
    })
}
