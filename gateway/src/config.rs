//! The configuration file: TOML, every key known or the start stops.
//!
//! A missing file is the embedded profile: folders, loopback, no login.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The file as a whole.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens.
    pub server: Server,
    /// Who may frame the viewer.
    pub embed: Embed,
    /// The embedded store.
    pub store: Store,
    /// Bounds.
    pub limits: Limits,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port.
    pub listen: Option<String>,
    /// Address under which browsers reach it through a proxy; a path is allowed.
    pub public_url: Option<String>,
}

/// `[embed]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embed {
    /// Origins whose pages may frame the viewer; none means pages on this computer.
    pub allowed_parents: Option<Vec<String>>,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// A data folder.
    pub path: Option<PathBuf>,
    /// The index file.
    pub index: Option<PathBuf>,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Nested sequences of one file.
    pub sequence_depth: Option<u32>,
    /// Largest decoded frame and inflated file, for example `512MiB`.
    pub decoded_max: Option<String>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No such file, or not readable.
    #[error("the configuration {0} cannot be read")]
    Unreadable(PathBuf),
    /// Not TOML, an unknown key, or a value of another type.
    #[error("the configuration {path}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What the parser says, on one line.
        reason: String,
    },
    /// A size that is none.
    #[error("limits.decoded_max must be a number of bytes like 512MiB")]
    Size,
    /// An address that is none.
    #[error("server.public_url must be http://host[:port][/path] or https://...")]
    PublicUrl,
    /// An origin that is none.
    #[error("embed.allowed_parents must be origins like https://ehr.example.org")]
    Parent,
}

impl Config {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|_| ConfigError::Unreadable(path.to_owned()))?;
        let config: Self = toml::from_str(&text).map_err(|error| ConfigError::Invalid {
            path: path.to_owned(),
            reason: error.message().replace('\n', " "),
        })?;
        config.decoded_max_bytes()?;
        config.public()?;
        let parents = config.embed.allowed_parents.iter().flatten();
        if !parents.into_iter().all(|parent| is_origin(parent)) {
            return Err(ConfigError::Parent);
        }
        Ok(config)
    }

    /// `limits.decoded_max` in bytes, 512 MiB unless it is said.
    pub fn decoded_max_bytes(&self) -> Result<u64, ConfigError> {
        let Some(text) = &self.limits.decoded_max else {
            return Ok(512 << 20);
        };
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let factor: u64 = match text[digits.len()..].trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(ConfigError::Size),
        };
        let number: u64 = digits.parse().map_err(|_| ConfigError::Size)?;
        number.checked_mul(factor).ok_or(ConfigError::Size)
    }

    /// Host with port, and path without a slash at the end, of `server.public_url`.
    pub fn public(&self) -> Result<Option<(String, String)>, ConfigError> {
        let Some(url) = &self.server.public_url else {
            return Ok(None);
        };
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let rest = rest.ok_or(ConfigError::PublicUrl)?;
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        if host.is_empty()
            || host.contains(['@', '?', '#'])
            || path.contains(['?', '#'])
            || !plain(host)
            || !plain(path)
        {
            return Err(ConfigError::PublicUrl);
        }
        Ok(Some((
            host.to_ascii_lowercase(),
            path.trim_end_matches('/').to_owned(),
        )))
    }
}

/// True for scheme, host and port only: it goes into a header as it stands.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-.:[]*".contains(&b))
    })
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

    #[test]
    fn an_unknown_key_stops_the_start_with_its_name() {
        let error = read("[server]\nlisten = \"127.0.0.1:1\"\nlissten = 3\n").unwrap_err();
        assert!(error.to_string().contains("lissten"), "{error}");
        assert!(!error.to_string().contains('\n'));
        assert!(read("[sever]\n").is_err());
    }

    #[test]
    fn sizes_have_units() {
        let config = read("[limits]\ndecoded_max = \"2GiB\"\n").unwrap();
        assert_eq!(config.decoded_max_bytes().unwrap(), 2 << 30);
        assert!(read("[limits]\ndecoded_max = \"much\"\n").is_err());
    }

    #[test]
    fn a_public_url_is_a_host_and_a_path() {
        let config = read("[server]\npublic_url = \"https://V.example.org/imaging/\"\n").unwrap();
        let expected = ("v.example.org".to_owned(), "/imaging".to_owned());
        assert_eq!(config.public().unwrap(), Some(expected));
        assert!(read("[server]\npublic_url = \"viewer\"\n").is_err());
    }

    #[test]
    fn a_parent_cannot_smuggle_anything_into_the_header() {
        assert!(read("[embed]\nallowed_parents = [\"https://a.b; script-src *\"]\n").is_err());
        assert!(read("[embed]\nallowed_parents = [\"https://ehr.example.org\"]\n").is_ok());
    }
}
