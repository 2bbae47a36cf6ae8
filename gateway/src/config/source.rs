//! `[[source]]`: DICOMweb servers of other hospitals.
//!
//! What belongs together and what contradicts itself is checked when the file is read; certificates and secrets are read
//! when the gateway starts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use reqwest::Url;
use serde::Deserialize;

use super::{Config, ConfigError, bytes};
use crate::state::LOCAL;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Its name in addresses: small letters, digits and `-`.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// Its DICOMweb root. No browser ever sees it.
    pub dicomweb: String,
    /// Certificates in PEM that its own must descend from, instead of those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// `http://host:port` of a proxy. Without it none is used, whatever the environment says.
    pub proxy: Option<String>,
    /// A token for it, in a file.
    pub bearer_file: Option<PathBuf>,
    /// A user there.
    pub user: Option<String>,
    /// The user's password, in a file.
    pub password_file: Option<PathBuf>,
    /// Our certificate for it in PEM.
    pub client_cert: Option<PathBuf>,
    /// The certificate's key in PEM.
    pub client_key: Option<PathBuf>,
    /// How long it may take to begin an answer, and to go on with one.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// Largest answer in JSON, for example `64MiB`.
    pub json_max: Option<String>,
    /// Largest answer with frames or a value, for example `2GiB`.
    pub frames_max: Option<String>,
    /// Most requests to it at once.
    #[serde(default = "requests")]
    pub requests: usize,
}

fn timeout_ms() -> u64 {
    15_000
}

fn requests() -> usize {
    32
}

/// A key, and what is wrong with it.
type Wrong = (&'static str, &'static str);

impl Config {
    /// Whether all sources can be used together.
    pub(super) fn check_sources(&self) -> Result<(), ConfigError> {
        let mut known = BTreeSet::from([LOCAL]);
        for source in &self.source {
            let wrong = |(key, reason): Wrong| ConfigError::Source {
                id: source.id.chars().take(64).collect(),
                key,
                reason,
            };
            if !is_id(&source.id) {
                return Err(wrong(("id", "must be small letters, digits and -")));
            }
            if !known.insert(&source.id) {
                return Err(wrong(("id", "is taken")));
            }
            source.check().map_err(wrong)?;
        }
        Ok(())
    }
}

fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

impl SourceConfig {
    fn check(&self) -> Result<(), Wrong> {
        if self.label.trim().is_empty() || self.label.chars().any(char::is_control) {
            return Err(("label", "must be a name for people"));
        }
        let root = self.root()?;
        if self.user.is_some() != self.password_file.is_some() {
            return Err(("user", "goes together with password_file"));
        }
        if self.user.is_some() && self.bearer_file.is_some() {
            return Err(("user", "and bearer_file exclude each other"));
        }
        if self
            .user
            .iter()
            .any(|user| user.contains(':') || user.chars().any(char::is_control))
        {
            return Err(("user", "may not hold a colon"));
        }
        if self.client_cert.is_some() != self.client_key.is_some() {
            return Err(("client_cert", "goes together with client_key"));
        }
        let is_tls = root.scheme() == "https";
        if !is_tls && (self.ca_file.is_some() || self.client_cert.is_some()) {
            return Err(("dicomweb", "must be https:// for certificates to count"));
        }
        let has_secret = self.user.is_some() || self.bearer_file.is_some();
        if !is_tls && has_secret && !is_loopback(&root) {
            return Err((
                "dicomweb",
                "must be https://, or its password would be readable by others",
            ));
        }
        self.proxy_url()?;
        if !(100..=600_000).contains(&self.timeout_ms) {
            return Err(("timeout_ms", "must be from 100 to 600000"));
        }
        if !(1..=1000).contains(&self.requests) {
            return Err(("requests", "must be from 1 to 1000"));
        }
        self.json_max_bytes()?;
        self.frames_max_bytes()?;
        Ok(())
    }

    /// The DICOMweb root, without a slash at the end.
    ///
    /// # Errors
    /// It is no address, or says more than one should.
    pub fn root(&self) -> Result<Url, Wrong> {
        let plain = (
            "dicomweb",
            "must be https://host[:port]/path without user, query or fragment",
        );
        let mut url = plain_url(&self.dicomweb).ok_or(plain)?;
        let path = url.path().trim_end_matches('/').to_owned();
        if path.contains('%') || path.contains("//") {
            return Err(plain);
        }
        url.set_path(&path);
        Ok(url)
    }

    /// The proxy.
    ///
    /// # Errors
    /// It is no address, or has a password in it.
    pub fn proxy_url(&self) -> Result<Option<Url>, Wrong> {
        let plain = ("proxy", "must be http://host:port");
        let url = self
            .proxy
            .as_deref()
            .map(|text| plain_url(text).filter(|url| url.path() == "/").ok_or(plain));
        url.transpose()
    }

    /// `json_max` in bytes.
    ///
    /// # Errors
    /// It is no size.
    pub fn json_max_bytes(&self) -> Result<u64, Wrong> {
        size("json_max", self.json_max.as_deref(), 64 << 20, 1 << 30)
    }

    /// `frames_max` in bytes.
    ///
    /// # Errors
    /// It is no size.
    pub fn frames_max_bytes(&self) -> Result<u64, Wrong> {
        size("frames_max", self.frames_max.as_deref(), 2 << 30, 1 << 40)
    }
}

fn size(key: &'static str, text: Option<&str>, usual: u64, most: u64) -> Result<u64, Wrong> {
    let Some(text) = text else {
        return Ok(usual);
    };
    bytes(text)
        .filter(|size| (1024..=most).contains(size))
        .ok_or((key, "must be a number of bytes like 64MiB"))
}

fn plain_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_plain.then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sagitta.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    fn source(id: &str, more: &str) -> String {
        let usual = "label = \"North\"\n";
        let root = if more.contains("dicomweb") {
            ""
        } else {
            "dicomweb = \"https://pacs.example.org/dicom-web/\"\n"
        };
        let label = if more.contains("label") { "" } else { usual };
        format!("[[source]]\nid = \"{id}\"\n{label}{root}{more}\n")
    }

    #[test]
    fn a_source_has_usual_bounds() {
        let config = read(&source("north-2", "")).unwrap();
        let source = &config.source[0];
        let root = source.root().unwrap();
        assert_eq!(root.as_str(), "https://pacs.example.org/dicom-web");
        assert_eq!((source.timeout_ms, source.requests), (15_000, 32));
        assert_eq!(source.json_max_bytes().unwrap(), 67_108_864);
    }

    #[test]
    fn what_is_wrong_with_a_source_stops_the_start_in_one_sentence() {
        for (id, more, words) in [
            ("local", "", "id is taken"),
            ("North", "", "id must be"),
            ("a_b", "", "id must be"),
            ("", "", "id must be"),
            ("../x", "", "id must be"),
            ("n", "label = \" \"", "label must be"),
            ("n", "dicomweb = \"pacs\"", "dicomweb must be"),
            ("n", "dicomweb = \"ftp://a/b\"", "dicomweb must be"),
            ("n", "dicomweb = \"https://u:p@a/b\"", "dicomweb must be"),
            ("n", "dicomweb = \"https://a/b?c=d\"", "dicomweb must be"),
            ("n", "dicomweb = \"https://a/b%2Fc\"", "dicomweb must be"),
            ("n", "user = \"u\"", "user goes together"),
            ("n", "password_file = \"p\"", "user goes together"),
            (
                "n",
                "user = \"u\"\npassword_file = \"p\"\nbearer_file = \"b\"",
                "exclude each other",
            ),
            ("n", "user = \"u:v\"\npassword_file = \"p\"", "no colon"),
            ("n", "client_cert = \"c\"", "client_cert goes together"),
            (
                "n",
                "dicomweb = \"http://192.0.2.1/\"\nbearer_file = \"b\"",
                "readable by others",
            ),
            (
                "n",
                "dicomweb = \"http://192.0.2.1/\"\nca_file = \"c\"",
                "for certificates to count",
            ),
            ("n", "proxy = \"proxy:3128\"", "proxy must be"),
            ("n", "proxy = \"http://u:p@proxy:3128\"", "proxy must be"),
            ("n", "timeout_ms = 0", "timeout_ms must be"),
            ("n", "requests = 0", "requests must be"),
            ("n", "json_max = \"much\"", "json_max must be"),
            ("n", "frames_max = \"1\"", "frames_max must be"),
            ("n", "favourite = 1", "favourite"),
        ] {
            let text = read(&source(id, more)).unwrap_err().to_string();
            let words = words.replace("no colon", "may not hold a colon");
            assert!(text.contains(&words), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
        let twice = source("n", "") + &source("n", "");
        assert!(
            read(&twice)
                .unwrap_err()
                .to_string()
                .contains("id is taken")
        );
        let near = source(
            "n",
            "dicomweb = \"http://127.0.0.1:1/\"\nbearer_file = \"b\"",
        );
        assert!(read(&near).is_ok());
    }
}
