//! Headers of every answer, errors included, and the check of `Host` before any handler.
//!
//! The check is against DNS rebinding: a page of another site that points its own name at this
//! computer would otherwise read a store without login. A browser sends the name that its page was opened under, which is the
//! other site's: what protects is the name, not the port. Some programs leave the port out (dicomweb-client does, where it
//! stores), so that on loopback our own names are taken without one.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
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

/// A year: browsers that were here once come by TLS alone (RFC 6797). Over plain HTTP they take no notice.
const TLS_ALONE: &str = "max-age=31536000";

/// Adds the headers to every answer.
pub async fn add(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let ancestors = if path == "/embed" {
        state.parents.ancestors()
    } else {
        "'none'".to_owned()
    };
    let policy = format!("{POLICY}; frame-ancestors {ancestors}");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        // What came from elsewhere has a stricter one already.
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(PERMISSIONS, HeaderValue::from_static(PERMISSIONS_OFF));
    let is_https = |url: &String| url.starts_with("https://");
    if state.has_tls || state.public_url.as_ref().is_some_and(is_https) {
        let value = HeaderValue::from_static(TLS_ALONE);
        headers.insert(STRICT_TRANSPORT_SECURITY, value);
    }
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

/// Answers 403 where a page of another site asks for something to be changed.
///
/// Browsers say where a request comes from (Fetch Metadata, W3C); a program that has no cookie says nothing and is asked for
/// nothing. Requests of scripts carry a header of ours besides, which no other site's page may send; forms cannot, and are
/// taken from our own pages.
pub async fn check_origin(request: Request, next: Next) -> Response {
    let changes = !matches!(request.method().as_str(), "GET" | "HEAD" | "OPTIONS");
    if !changes || is_from_here(request.uri().path(), request.headers()) {
        return next.run(request).await;
    }
    let message = "this was asked for by a page of another site";
    ApiError::new(StatusCode::FORBIDDEN, "origin_refused", message).into_response()
}

/// The header of our own scripts.
const OURS: HeaderName = HeaderName::from_static("x-sagitta");

fn is_from_here(path: &str, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_browser = ["cookie", "origin", "sec-fetch-site"]
        .iter()
        .any(|name| headers.contains_key(*name));
    if !is_browser {
        return true;
    }
    let is_same_site = match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), _, _) => site == "same-origin",
        (None, Some(origin), Some(host)) => {
            let rest = origin.strip_prefix("https://");
            rest.or_else(|| origin.strip_prefix("http://")) == Some(host)
        }
        // A cookie alone: a browser that is too old to say where it comes from.
        _ => false,
    };
    let is_form = path.starts_with("/auth/");
    is_same_site && (is_form || headers.contains_key(OURS))
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
                None => rest.is_empty() && (port == 80 || state.address.ip().is_loopback()),
            })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn taken(path: &str, all: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(*name, value.parse().unwrap());
        }
        is_from_here(path, &headers)
    }

    #[test]
    fn t05_what_changes_something_is_taken_from_our_own_pages_and_from_programs() {
        let host = ("host", "viewer.example.org");
        let cookie = ("cookie", "__Host-sid=x");
        let same = ("sec-fetch-site", "same-origin");
        let ours = ("x-sagitta", "1");
        for (path, headers, expected) in [
            ("/auth/login", vec![host, cookie, same], true),
            ("/api/shares", vec![host, cookie, same, ours], true),
            ("/api/shares", vec![host, cookie, same], false),
            ("/api/shares", vec![host], true),
            ("/api/shares", vec![host, cookie], false),
            ("/api/shares", vec![host, cookie, ours], false),
            (
                "/auth/login",
                vec![host, cookie, ("sec-fetch-site", "cross-site")],
                false,
            ),
            (
                "/auth/login",
                vec![host, ("sec-fetch-site", "same-site")],
                false,
            ),
            ("/auth/login", vec![host, ("sec-fetch-site", "none")], false),
            (
                "/auth/login",
                vec![host, ("origin", "https://viewer.example.org")],
                true,
            ),
            (
                "/auth/login",
                vec![host, ("origin", "https://evil.example.org")],
                false,
            ),
            ("/auth/login", vec![host, ("origin", "null")], false),
        ] {
            assert_eq!(taken(path, &headers), expected, "{path} {headers:?}");
        }
    }
}
