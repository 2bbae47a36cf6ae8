//! Requests to the provider: to nobody else, over TLS, without redirects, in time, and no answer without end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

/// How long an answer may take.
const TIME: Duration = Duration::from_secs(10);
/// Largest answer.
const MOST_BYTES: usize = 1 << 20;

/// Why the provider cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// Its authority.
    #[error("the certificates in {0} cannot be used")]
    Authority(PathBuf),
    /// The client.
    #[error("no requests can be sent from here")]
    Client,
    /// An address that anyone could listen to.
    #[error("the provider named an address without TLS")]
    NoTls,
    /// No answer, or not in time.
    #[error("the provider does not answer")]
    NoAnswer,
    /// Too much of it.
    #[error("the provider's answer is too large")]
    TooLarge,
}

/// Sends requests.
#[derive(Debug, Clone)]
pub struct Exchange {
    client: Client,
    is_on_this_computer: bool,
}

impl Exchange {
    /// `authority` is trusted instead of the system's certificates.
    ///
    /// # Errors
    /// The file has no certificates.
    pub fn new(authority: Option<&Path>, is_on_this_computer: bool) -> Result<Self, ExchangeError> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(TIME)
            .timeout(TIME);
        if let Some(path) = authority {
            let unusable = || ExchangeError::Authority(path.to_owned());
            let pem = std::fs::read(path).map_err(|_| unusable())?;
            let all = Certificate::from_pem_bundle(&pem).map_err(|_| unusable())?;
            if all.is_empty() {
                return Err(unusable());
            }
            builder = builder.tls_certs_only(all);
        }
        Ok(Self {
            client: builder.build().map_err(|_| ExchangeError::Client)?,
            is_on_this_computer,
        })
    }

    /// Sends a request; a redirect is an answer like any other, and none that is of use.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub async fn send(self, request: HttpRequest) -> Result<HttpResponse, ExchangeError> {
        let is_safe = match (request.uri().scheme_str(), request.uri().host()) {
            (Some("https"), _) => true,
            (Some("http"), Some("localhost" | "127.0.0.1" | "[::1]")) => self.is_on_this_computer,
            _ => false,
        };
        if !is_safe {
            return Err(ExchangeError::NoTls);
        }
        let (parts, body) = request.into_parts();
        let sent = self
            .client
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body)
            .send();
        let mut answer = sent.await.map_err(|_| ExchangeError::NoAnswer)?;
        let mut bytes = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(|_| ExchangeError::NoAnswer)? {
            if bytes.len() + more.len() > MOST_BYTES {
                return Err(ExchangeError::TooLarge);
            }
            bytes.extend_from_slice(&more);
        }
        let mut response = HttpResponse::new(bytes);
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        Ok(response)
    }
}
