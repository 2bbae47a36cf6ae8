//! What all handlers share.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use tokio::sync::Semaphore;
use viewer_core::decode::Limits;

use crate::assets::Assets;
use crate::auth::Login;
use crate::auth::parents::Parents;
use crate::error::ApiError;
use crate::requests::address::Proxies;
use crate::requests::limits::Limits as Senders;
use crate::requests::log::Log;
use crate::requests::metrics::Metrics;
use crate::source::SourceError;
use crate::source::folder::FolderStore;
use crate::source::upstream::Upstream;
use crate::source::upstream::health::SourceHealth;

/// Name of the embedded store in addresses.
pub const LOCAL: &str = "local";

/// What all handlers share.
pub struct State {
    /// Users, sessions and rights; `None` in the profile without login, which listens on loopback alone.
    pub login: Option<Login>,
    /// The embedded store.
    pub store: FolderStore,
    /// Other hospitals' servers, in the order of the configuration.
    pub upstreams: Vec<Arc<Upstream>>,
    /// The app's files.
    pub assets: Assets,
    /// Where it listens, with the real port.
    pub address: SocketAddr,
    /// Host, with port, under which a proxy makes it known, in lower case.
    pub public_host: Option<String>,
    /// Path under which a proxy makes it known, without a slash at the end.
    pub base_path: String,
    /// Address under which a proxy makes it known, without a slash at the end.
    pub public_url: Option<String>,
    /// It speaks TLS itself.
    pub has_tls: bool,
    /// Whose pages may frame the viewer.
    pub parents: Parents,
    /// Bounds of one decoded frame.
    pub limits: Limits,
    /// As many frames are decoded at once as there are cores; the others wait without a thread.
    pub decoding: Semaphore,
    /// So many read much of the index at once: each has a connection to it, with memory of its own.
    pub reading: Semaphore,
    /// Proxies whose word about a request's origin is taken.
    pub proxies: Proxies,
    /// How much each sender may ask for.
    pub senders: Senders,
    /// Numbers for operators.
    pub metrics: Metrics,
    /// Where each request is a line on standard error.
    pub log: Option<Log>,
    /// Operators have a listener of their own.
    pub has_ops: bool,
    /// The OpenAPI document, once there is a router.
    pub document: OnceLock<Bytes>,
}

/// [`State`] as handlers get it.
pub type Shared = Arc<State>;

impl State {
    /// The DICOMweb root of a source, as a path.
    pub fn root(&self, source: Option<&str>) -> Result<String, ApiError> {
        let id = self
            .upstream(source)?
            .map_or(LOCAL, |upstream| upstream.id());
        Ok(format!("{}/dicomweb/{id}", self.base_path))
    }

    /// The server that a source is; `None` for the embedded store.
    pub fn upstream(&self, source: Option<&str>) -> Result<Option<&Arc<Upstream>>, ApiError> {
        match source {
            None | Some(LOCAL) => Ok(None),
            Some(id) => {
                let found = self.upstreams.iter().find(|upstream| upstream.id() == id);
                found.map(Some).ok_or_else(ApiError::source_unknown)
            }
        }
    }

    /// How other hospitals' servers have been doing.
    pub fn source_health(&self) -> Vec<SourceHealth> {
        self.upstreams.iter().map(|it| it.health()).collect()
    }
}

/// Runs work that blocks (disk, SQLite, decoding) where it holds up nobody.
pub async fn blocking<T: Send + 'static>(
    state: &Shared,
    work: impl FnOnce(&State) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, ApiError> {
    let state = Arc::clone(state);
    match tokio::task::spawn_blocking(move || work(&state)).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(ApiError::internal()),
    }
}

/// Runs work that reads much of the index, when its turn has come.
pub async fn reading<T: Send + 'static>(
    state: &Shared,
    work: impl FnOnce(&State) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, ApiError> {
    // The semaphore is never closed.
    let permit = state.reading.acquire().await;
    let _permit = permit.map_err(|_| ApiError::internal())?;
    blocking(state, work).await
}

/// Runs work that decodes, when a core is free for it.
pub async fn decoding<T: Send + 'static>(
    state: &Shared,
    work: impl FnOnce(&State) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, ApiError> {
    // The semaphore is never closed.
    let _permit = state
        .decoding
        .acquire()
        .await
        .map_err(|_| ApiError::internal())?;
    blocking(state, work).await
}
