//! `[server]`, `[limits]` and `[log]`: where it listens, whom it believes, how much it answers, and what it says of it.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

use super::{ConfigError, bytes};
use crate::source::folder::store::StoreLimits;

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port.
    pub listen: Option<String>,
    /// Address under which browsers reach it through a proxy; a path is allowed.
    pub public_url: Option<String>,
    /// Certificate chain in PEM.
    pub tls_cert: Option<PathBuf>,
    /// Its key in PEM.
    pub tls_key: Option<PathBuf>,
    /// Networks of proxies whose word about a request's origin is taken, for example `192.0.2.10/32`.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which these proxies say for whom they ask.
    pub forwarded_header: ForwardedHeader,
    /// Address and port where operators ask how it is doing.
    pub ops_listen: Option<SocketAddr>,
}

/// The header in which proxies say for whom they ask. Only one is read: the other one may be the sender's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`
    #[default]
    XForwardedFor,
    /// `Forwarded`, RFC 7239
    Forwarded,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Nested sequences of one file.
    pub sequence_depth: Option<u32>,
    /// Largest decoded frame and inflated file, for example `512MiB`.
    pub decoded_max: Option<String>,
    /// Requests of one address in a minute; where no login is configured there is no limit unless this says so.
    pub requests_per_minute: Option<u32>,
    /// Largest request that stores, for example `4GiB`.
    pub stow_max: Option<String>,
    /// Largest instance that is stored, for example `2GiB`.
    pub stow_instance_max: Option<String>,
}

impl Limits {
    /// How much is stored at once.
    ///
    /// # Errors
    /// A size that is none.
    pub fn stow(&self) -> Result<StoreLimits, ConfigError> {
        let mut limits = StoreLimits::default();
        let size = |text: &Option<String>, key| match text {
            None => Ok(None),
            Some(text) => match bytes(text) {
                Some(size) if size > 0 => Ok(Some(size)),
                _ => Err(ConfigError::StowSize(key)),
            },
        };
        if let Some(bytes) = size(&self.stow_max, "limits.stow_max")? {
            limits.request_bytes = bytes;
        }
        if let Some(bytes) = size(&self.stow_instance_max, "limits.stow_instance_max")? {
            limits.instance_bytes = bytes;
        }
        Ok(limits)
    }

    /// `requests_per_minute` is a number that can be kept.
    pub(super) fn is_possible(&self) -> bool {
        self.requests_per_minute
            .is_none_or(|count| (60..=1_000_000).contains(&count))
    }
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// One line a request on standard error; on where a login is configured, unless this says otherwise.
    pub requests: Option<bool>,
}
