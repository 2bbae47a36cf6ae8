//! `[auth.oidc]`: people who log in at a provider of their institution (OpenID Connect).

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Config, ConfigError, seconds};
use crate::auth::policy::Role;

/// `[auth.oidc]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcAuth {
    /// The provider, exactly as it names itself.
    pub issuer: String,
    /// The gateway's name there.
    pub client_id: String,
    /// Its secret.
    pub client_secret_file: PathBuf,
    /// What people call the provider: "Sign in with ..." stands on the page of login.
    #[serde(default = "label")]
    pub label: String,
    /// Scopes beside `openid`, by which some providers give claims.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// One of these must be the `acr` of a login.
    #[serde(default)]
    pub require_acr: Vec<String>,
    /// One of these must be in the `amr` of a login.
    #[serde(default)]
    pub require_amr_any: Vec<String>,
    /// How long ago someone may have logged in there, for example `8h`.
    #[serde(default)]
    pub max_age: Option<String>,
    /// The claim that names roles: a name, or a path like `/realm_access/roles`.
    #[serde(default = "role_claim")]
    pub role_claim: String,
    /// Their names there, and ours.
    pub role_map: BTreeMap<String, String>,
    /// The claim that names the sites of someone; the gateway's own without.
    #[serde(default)]
    pub sites_claim: Option<String>,
    /// The claim that names labels of studies that are given to someone.
    #[serde(default)]
    pub labels_claim: Option<String>,
    /// The claim that has the names under which someone refers patients.
    #[serde(default)]
    pub referrers_claim: Option<String>,
    /// Certificates of the authority of the provider, in PEM, where it is the institution's own.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

fn label() -> String {
    "your hospital account".to_owned()
}

fn role_claim() -> String {
    "roles".to_owned()
}

impl OidcAuth {
    /// Roles of ours by their names there.
    ///
    /// # Errors
    /// There is none, or none of that name.
    pub fn roles(&self) -> Result<BTreeMap<String, Role>, ConfigError> {
        if self.role_map.is_empty() {
            return Err(ConfigError::NoRoles);
        }
        let pair = |(theirs, ours): (&String, &String)| {
            let role = Role::of(ours).ok_or_else(|| ConfigError::Role(ours.clone()))?;
            Ok((theirs.clone(), role))
        };
        self.role_map.iter().map(pair).collect()
    }

    /// `max_age` in seconds.
    ///
    /// # Errors
    /// It is no time.
    pub fn max_age_s(&self) -> Result<Option<i64>, ConfigError> {
        let seconds = |text: &String| seconds(text).ok_or(ConfigError::Time("auth.oidc.max_age"));
        self.max_age.as_ref().map(seconds).transpose()
    }

    /// The provider is on this computer, so that it may do without TLS.
    pub fn is_on_this_computer(&self) -> bool {
        let rest = self.issuer.strip_prefix("http://").unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    }

    pub(super) fn check(&self, config: &Config) -> Result<(), ConfigError> {
        if !self.issuer.starts_with("https://") && !self.is_on_this_computer() {
            return Err(ConfigError::Issuer);
        }
        self.roles()?;
        self.max_age_s()?;
        config.public().map(|_| ())
    }
}
