//! Other hospitals' DICOMweb servers, each known by an id from the configuration.
//!
//! `asking` is the only place where a request leaves, and only for addresses below the source's root. `sets` reads answers in
//! JSON, checks whose they are and leaves no address in them but ours; `parts` does the same with answers in parts while they
//! stream through. `search`, `known`, `values`, `frames` and `pictures` are what can be asked for; how a source is asked for
//! frames and metadata is learnt from what it refuses (`learnt`).

pub mod address;
mod asking;
pub mod fault;
mod frames;
pub mod health;
mod known;
mod learnt;
mod parts;
mod pictures;
mod search;
mod sets;
mod values;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity, Proxy, Url};
use tokio::sync::Semaphore;

use self::address::Place;
use self::fault::{Reason, UpstreamError};
use self::health::{Health, SourceHealth, Watch};
pub use self::known::KnownStudy;
use self::learnt::Learnt;
pub use self::parts::Relayed;
pub use self::pictures::Picture;
pub use self::search::{Results, Search, Shows};
use super::SourceError;
use crate::auth::access::StudyPass;
use crate::config::{Config, ConfigError, SourceConfig, read_password, read_private};

/// Another hospital's server.
pub struct Upstream {
    id: String,
    label: String,
    /// Its DICOMweb root, without a slash at the end.
    root: Url,
    client: Client,
    authorization: Option<HeaderValue>,
    /// How long it may take to begin an answer, and to go on with one.
    patience: Duration,
    json_max: u64,
    frames_max: u64,
    slots: Arc<Semaphore>,
    watch: Watch,
    known: known::Known,
    addresses: values::Addresses,
    learnt: Learnt,
    instances: frames::Instances,
}

impl Upstream {
    /// All that are configured; what is learnt of them is kept in the folder that is named.
    ///
    /// # Errors
    /// A secret or a certificate cannot be read or used.
    pub fn all(config: &Config, kept: &Path) -> Result<Vec<Arc<Self>>, ConfigError> {
        let sources = config.source.iter();
        sources
            .map(|source| Ok(Arc::new(Self::new(config, source, kept)?)))
            .collect()
    }

    fn new(config: &Config, source: &SourceConfig, kept: &Path) -> Result<Self, ConfigError> {
        let wrong = |(key, reason)| ConfigError::Source {
            id: source.id.clone(),
            key,
            reason,
        };
        let root = source.root().map_err(wrong)?;
        let patience = Duration::from_millis(source.timeout_ms);
        let learnt = Learnt::from_file(kept.join(&source.id), root.as_str());
        Ok(Self {
            client: client(config, source, &root)?,
            authorization: authorization(config, source)?,
            id: source.id.clone(),
            label: source.label.trim().to_owned(),
            root,
            patience,
            json_max: source.json_max_bytes().map_err(wrong)?,
            frames_max: source.frames_max_bytes().map_err(wrong)?,
            slots: Arc::new(Semaphore::new(source.requests)),
            watch: Watch::default(),
            known: known::Known::default(),
            addresses: values::Addresses::default(),
            learnt,
            instances: frames::Instances::default(),
        })
    }

    /// Its name in addresses.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name for people.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How it has been doing.
    pub fn health(&self) -> SourceHealth {
        SourceHealth {
            id: self.id.clone(),
            label: self.label.clone(),
            health: self.watch.health(),
        }
    }

    /// A study, or something within it, that someone may read.
    fn place(
        &self,
        study: &StudyPass,
        series: Option<&str>,
        instance: Option<&str>,
    ) -> Result<Place, SourceError> {
        Ok(Place {
            study: study.uid_at(&self.id)?.to_owned(),
            series: series.map(str::to_owned),
            instance: instance.map(str::to_owned),
        })
    }

    /// Address of something below the root.
    fn url(&self, path: &str, query: &str) -> Result<Url, Reason> {
        let mut url = self.root.clone();
        url.set_path(&format!(
            "{}/{path}",
            self.root.path().trim_end_matches('/')
        ));
        url.set_query((!query.is_empty()).then_some(query));
        address::own(&self.root, &self.root, url.as_str()).ok_or(Reason::NotFound)
    }

    /// Notes how the source did, and names it in what went wrong; `unknown` is what it means that there is no such thing.
    fn told<T>(
        &self,
        outcome: Result<T, Reason>,
        unknown: impl FnOnce() -> SourceError,
    ) -> Result<T, SourceError> {
        self.note(&outcome);
        outcome.map_err(|reason| match reason {
            Reason::NotFound => unknown(),
            reason => SourceError::Upstream(UpstreamError {
                label: self.label.clone(),
                reason,
            }),
        })
    }

    fn note<T>(&self, outcome: &Result<T, Reason>) {
        let before = self.watch.health();
        self.watch.note(outcome);
        // Once for each spell of failures: a source that is down is asked very often.
        if let Err(reason) = outcome
            && reason.is_fault()
            && !is_failing(before, reason.code())
        {
            eprintln!("sagitta: the source {} fails: {}", self.id, reason.code());
        }
    }
}

fn is_failing(health: Health, code: &str) -> bool {
    health.failed.is_some_and(|(at, known)| {
        known == code && health.answered.is_none_or(|answered| answered < at)
    })
}

/// What it means that a source has no such thing.
fn unknown(place: &Place) -> SourceError {
    match (&place.series, &place.instance) {
        (None, _) => SourceError::StudyUnknown,
        (Some(_), None) => SourceError::SeriesUnknown,
        (Some(_), Some(_)) => SourceError::InstanceUnknown,
    }
}

fn client(config: &Config, source: &SourceConfig, root: &Url) -> Result<Client, ConfigError> {
    // The gateway's own TLS; another one may have been installed by a test before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let file = |path: &std::path::Path| ConfigError::SourceFile {
        id: source.id.clone(),
        path: config.beside(path),
    };
    let patience = Duration::from_millis(source.timeout_ms);
    let mut client = Client::builder()
        .user_agent(concat!("sagitta/", env!("CARGO_PKG_VERSION")))
        // Whatever it says: nothing else than its own addresses is asked for.
        .redirect(Policy::none())
        .referer(false)
        // And whatever the environment says.
        .no_proxy()
        .https_only(root.scheme() == "https")
        .connect_timeout(patience)
        .read_timeout(patience)
        .pool_max_idle_per_host(source.requests.min(8));
    if let Some(path) = &source.ca_file {
        let pem = std::fs::read(config.beside(path)).map_err(|_| file(path))?;
        let trusted = Certificate::from_pem_bundle(&pem).map_err(|_| file(path))?;
        if trusted.is_empty() {
            return Err(file(path));
        }
        client = client.tls_certs_only(trusted);
    }
    if let (Some(certificate), Some(key)) = (&source.client_cert, &source.client_key) {
        let mut pem = std::fs::read(config.beside(certificate)).map_err(|_| file(certificate))?;
        pem.push(b'\n');
        pem.extend(read_private(&config.beside(key))?);
        let identity = Identity::from_pem(&pem).map_err(|_| file(certificate))?;
        client = client.identity(identity);
    }
    if let Ok(Some(proxy)) = source.proxy_url() {
        let proxy = Proxy::all(proxy).map_err(|_| ConfigError::Source {
            id: source.id.clone(),
            key: "proxy",
            reason: "cannot be used",
        })?;
        client = client.proxy(proxy);
    }
    client.build().map_err(|_| ConfigError::Source {
        id: source.id.clone(),
        key: "dicomweb",
        reason: "cannot be asked over TLS here",
    })
}

fn authorization(
    config: &Config,
    source: &SourceConfig,
) -> Result<Option<HeaderValue>, ConfigError> {
    let (path, text) = match (&source.bearer_file, &source.user, &source.password_file) {
        (Some(path), _, _) => (
            path,
            format!("Bearer {}", read_password(&config.beside(path))?),
        ),
        (None, Some(user), Some(path)) => {
            let pair = format!("{user}:{}", read_password(&config.beside(path))?);
            (path, format!("Basic {}", STANDARD.encode(pair)))
        }
        _ => return Ok(None),
    };
    let mut value = HeaderValue::from_str(&text)
        .ok()
        .filter(|value| value.to_str().is_ok())
        .ok_or_else(|| ConfigError::SecretOdd(config.beside(path)))?;
    value.set_sensitive(true);
    Ok(Some(value))
}
