//! The configuration file: TOML, every key known or the start stops.
//!
//! A missing file is the embedded profile: folders, loopback, no login.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::auth::parents::is_origin;
use crate::auth::sessions::Lifetimes;

mod audit;
pub mod oidc;
mod server;
mod source;

pub use audit::Audit;
use oidc::OidcAuth;
pub use server::{ForwardedHeader, Limits, Log, Server};
pub use source::SourceConfig;

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
    /// How people log in.
    pub auth: Auth,
    /// The audit record.
    pub audit: Audit,
    /// What is said of requests.
    pub log: Log,
    /// Systems that may ask for tickets.
    pub launch_client: Vec<LaunchClient>,
    /// DICOMweb servers of other hospitals.
    pub source: Vec<SourceConfig>,
    /// Folder of the file: names of files in it are relative to it.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// Users of the gateway's own.
    pub local: Option<LocalAuth>,
    /// Users of a provider (OpenID Connect).
    pub oidc: Option<OidcAuth>,
    /// Policies in Cedar, instead of those that come with the program.
    pub policies: Option<PathBuf>,
}

/// `[auth.local]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocalAuth {
    /// Whether it is on.
    pub enabled: bool,
    /// Database of users, sessions and links.
    pub users: PathBuf,
    /// Who needs a second factor.
    pub second_factor: SecondFactor,
    /// Time without a request until a session is locked, for example `15m`.
    pub idle: String,
    /// Time until a session ends, for example `12h`.
    pub absolute: String,
}

impl Default for LocalAuth {
    fn default() -> Self {
        Self {
            enabled: true,
            users: "users.db".into(),
            second_factor: SecondFactor::Required,
            idle: "15m".into(),
            absolute: "12h".into(),
        }
    }
}

/// Who needs a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    /// Everybody.
    Required,
    /// Whoever has set one up.
    Optional,
}

/// `[embed]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embed {
    /// Origins whose pages may frame the viewer; none means pages on this computer.
    pub allowed_parents: Option<Vec<String>>,
}

/// `[[launch_client]]`: a system whose server opens studies for its users.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchClient {
    /// Its name.
    pub id: String,
    /// File with its secret: at least 32 characters on one line.
    pub secret_file: PathBuf,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// The folder that takes what is stored. Without it nothing is.
    pub path: Option<PathBuf>,
    /// The index file.
    pub index: Option<PathBuf>,
    /// What becomes of instances that were rejected for their quality.
    pub quality_rejected: QualityRejected,
}

/// Instances that were rejected for their quality: IHE leaves it to each site whether they are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QualityRejected {
    /// Out of sight, as what is rejected for other reasons.
    #[default]
    Hidden,
    /// Shown like any other, with the note.
    Shown,
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
    /// The same of what is stored.
    #[error("{0} must be a number of bytes like 4GiB")]
    StowSize(&'static str),
    /// A number of requests that cannot be kept.
    #[error("limits.requests_per_minute must be from 60 to 1000000")]
    Requests,
    /// An address that is none.
    #[error("server.public_url must be http://host[:port][/path] or https://...")]
    PublicUrl,
    /// Half of what TLS needs.
    #[error("server.tls_cert and server.tls_key go together")]
    HalfTls,
    /// A time that is none.
    #[error("{0} must be a time like 15m or 12h")]
    Time(&'static str),
    /// Login without a record.
    #[error(
        "login needs audit.chain_key_file: a file of at least 32 random bytes that its owner alone can read"
    )]
    NoChainKey,
    /// A size or a time of the record that is none.
    #[error("{0}")]
    Record(&'static str),
    /// A secret that cannot be read.
    #[error("the secret file {0} cannot be read")]
    SecretUnreadable(PathBuf),
    /// A secret that others can read.
    #[error("the secret file {0} can be read by others: set its mode to 600")]
    SecretOpen(PathBuf),
    /// A secret that is too short.
    #[error("the secret file {0} is too short: at least 32 bytes are needed")]
    SecretShort(PathBuf),
    /// A secret that cannot be sent.
    #[error("the secret file {0} must be one line of plain characters")]
    SecretOdd(PathBuf),
    /// A source that cannot be used.
    #[error("the source \"{id}\": {key} {reason}")]
    Source {
        /// Its name in addresses.
        id: String,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A certificate or a key that cannot be used.
    #[error("the source \"{id}\": the certificate file {path} cannot be used")]
    SourceFile {
        /// The source.
        id: String,
        /// The file.
        path: PathBuf,
    },
    /// A provider that anyone could listen to.
    #[error("auth.oidc.issuer must be an https address")]
    Issuer,
    /// Nobody could get in.
    #[error(
        "auth.oidc.role_map must give at least one role, for example {{ rad = \"radiologist\" }}"
    )]
    NoRoles,
    /// A role that there is not.
    #[error("auth.oidc.role_map: there is no role {0}")]
    Role(String),
    /// A provider that cannot be asked.
    #[error("auth.oidc: {0}")]
    Provider(String),
    /// A provider could not send people back.
    #[error("auth.oidc needs server.public_url: the provider sends people back to it")]
    NoPublicUrl,
    /// An origin that is none.
    #[error(
        "embed.allowed_parents must be origins as browsers write them, like https://ehr.example.org"
    )]
    Parent,
    /// Nobody has rights that a ticket could open.
    #[error("launch_client needs a login: configure auth.local")]
    LaunchWithoutLogin,
    /// A name that is none, or is there twice.
    #[error(
        "launch_client.id must be a name of letters, digits, '.', '-' and '_' that no other has"
    )]
    LaunchClient,
}

impl Config {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|_| ConfigError::Unreadable(path.to_owned()))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| ConfigError::Invalid {
            path: path.to_owned(),
            reason: error.message().replace('\n', " "),
        })?;
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        config.folder = folder.unwrap_or(Path::new(".")).to_owned();
        config.decoded_max_bytes()?;
        config.limits.stow()?;
        if !config.limits.is_possible() {
            return Err(ConfigError::Requests);
        }
        config.public()?;
        config.check_sources()?;
        config.audit.keeping()?;
        if let Some(local) = config.login() {
            local.lifetimes()?;
        }
        if let Some(oidc) = &config.auth.oidc {
            oidc.check(&config)?;
        }
        if config.server.tls_cert.is_some() != config.server.tls_key.is_some() {
            return Err(ConfigError::HalfTls);
        }
        let parents = config.embed.allowed_parents.iter().flatten();
        if !parents.into_iter().all(|parent| is_origin(parent)) {
            return Err(ConfigError::Parent);
        }
        config.check_launch_clients()?;
        Ok(config)
    }

    fn check_launch_clients(&self) -> Result<(), ConfigError> {
        if !self.launch_client.is_empty() && self.login().is_none() {
            return Err(ConfigError::LaunchWithoutLogin);
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let mut seen = BTreeSet::new();
        let is_name = |id: &str| (1..=64).contains(&id.len()) && id.bytes().all(is_plain);
        let all = self.launch_client.iter().map(|client| client.id.as_str());
        for id in all {
            if !is_name(id) || !seen.insert(id) {
                return Err(ConfigError::LaunchClient);
            }
        }
        Ok(())
    }

    /// `[auth.local]`, where it is on.
    pub fn local(&self) -> Option<&LocalAuth> {
        self.auth.local.as_ref().filter(|local| local.enabled)
    }

    /// Where users and sessions are and how long they live, if people log in here at all: by a password, or at a provider.
    pub fn login(&self) -> Option<LocalAuth> {
        if self.auth.oidc.is_some() {
            return Some(self.auth.local.clone().unwrap_or_default());
        }
        self.local().cloned()
    }

    /// Certificate and key, where TLS is configured.
    pub fn tls(&self) -> Option<[PathBuf; 2]> {
        let (certificate, key) = (&self.server.tls_cert, &self.server.tls_key);
        Some([
            self.beside(certificate.as_ref()?),
            self.beside(key.as_ref()?),
        ])
    }

    /// A proxy stands in front that speaks TLS with browsers.
    pub fn has_tls_proxy(&self) -> bool {
        let url = self.server.public_url.as_deref().unwrap_or_default();
        url.starts_with("https://") && !self.server.trusted_proxies.is_empty()
    }

    /// A file that the configuration names.
    pub fn beside(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// `limits.decoded_max` in bytes, 512 MiB unless it is said.
    pub fn decoded_max_bytes(&self) -> Result<u64, ConfigError> {
        let Some(text) = &self.limits.decoded_max else {
            return Ok(512 << 20);
        };
        bytes(text).ok_or(ConfigError::Size)
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

impl LocalAuth {
    /// How long sessions live.
    pub fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        Ok(Lifetimes {
            idle_s: seconds(&self.idle).ok_or(ConfigError::Time("auth.local.idle"))?,
            absolute_s: seconds(&self.absolute).ok_or(ConfigError::Time("auth.local.absolute"))?,
        })
    }
}

/// Bytes of a size like `512MiB`.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor: u64 = match text[digits.len()..].trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Seconds of a time like `15m`, from a second to 31 days.
fn seconds(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    let number: i64 = digits.parse().ok()?;
    let seconds = number.checked_mul(unit)?;
    (1..=31 * 24 * 3600).contains(&seconds).then_some(seconds)
}

/// A secret from a file that its owner alone can read: at least 256 bits.
pub fn read_secret(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let secret = read_private(path)?;
    if secret.len() < 32 {
        return Err(ConfigError::SecretShort(path.to_owned()));
    }
    Ok(secret)
}

/// A password or token that others chose, from such a file: one line.
pub fn read_password(path: &Path) -> Result<String, ConfigError> {
    let odd = || ConfigError::SecretOdd(path.to_owned());
    let text = String::from_utf8(read_private(path)?).map_err(|_| odd())?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() || line.chars().any(char::is_control) {
        return Err(odd());
    }
    Ok(line.to_owned())
}

/// A file that its owner alone can read.
pub fn read_private(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let unreadable = |_| ConfigError::SecretUnreadable(path.to_owned());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path)
            .map_err(unreadable)?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(ConfigError::SecretOpen(path.to_owned()));
        }
    }
    std::fs::read(path).map_err(unreadable)
}

/// A secret that people type into the configuration of another system: without the line end of its file.
pub fn read_typed_secret(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let secret = read_secret(path)?;
    let secret = secret.trim_ascii().to_vec();
    if secret.len() < 32 {
        return Err(ConfigError::SecretShort(path.to_owned()));
    }
    Ok(secret)
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
        assert!(read("[limits]\nrequests_per_minute = 0\n").is_err());
    }

    #[test]
    fn times_have_units_and_bounds() {
        let with = |idle: &str| read(&format!("[auth.local]\nidle = \"{idle}\"\n"));
        let config = with("90s").unwrap();
        let lifetimes = config.local().unwrap().lifetimes().unwrap();
        assert_eq!((lifetimes.idle_s, lifetimes.absolute_s), (90, 43_200));
        for wrong in [
            "",
            "m",
            "15",
            "-1m",
            "0s",
            "99d",
            "1ü",
            "99999999999999999999h",
        ] {
            let words = with(wrong).unwrap_err().to_string();
            assert!(words.contains("auth.local.idle"), "{words}");
        }
        assert!(
            read("[auth.local]\nenabled = false\n")
                .unwrap()
                .local()
                .is_none()
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_others_can_read_stops_the_start() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.key");
        assert!(matches!(
            read_secret(&path),
            Err(ConfigError::SecretUnreadable(_))
        ));
        let with = |mode: u32, length: usize| {
            std::fs::write(&path, vec![7; length]).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            read_secret(&path)
        };
        assert!(matches!(with(0o644, 32), Err(ConfigError::SecretOpen(_))));
        assert!(matches!(with(0o640, 32), Err(ConfigError::SecretOpen(_))));
        assert!(matches!(with(0o600, 31), Err(ConfigError::SecretShort(_))));
        assert_eq!(with(0o600, 32).unwrap(), [7; 32]);
    }

    #[test]
    fn a_provider_is_reached_by_tls_and_gives_roles_that_there_are() {
        let with = |issuer: &str, map: &str| {
            read(&format!(
                "[auth.oidc]\nissuer = \"{issuer}\"\nclient_id = \"v\"\nclient_secret_file = \"s\"\nrole_map = {map}\n"
            ))
        };
        let map = "{ rad = \"radiologist\" }";
        let config = with("https://idp.example.org/realms/rad", map).unwrap();
        assert!(config.local().is_none() && config.login().is_some());
        for issuer in [
            "http://127.0.0.1:8000",
            "http://localhost/a",
            "http://[::1]:1",
        ] {
            with(issuer, map).unwrap();
        }
        for issuer in [
            "http://idp.example.org",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org:80",
            "idp",
        ] {
            let error = with(issuer, map).unwrap_err();
            assert!(matches!(error, ConfigError::Issuer), "{issuer}: {error}");
        }
        let error = with("https://idp.example.org", "{ rad = \"chief\" }").unwrap_err();
        assert!(error.to_string().contains("chief"), "{error}");
        let error = with("https://idp.example.org", "{}").unwrap_err();
        assert!(matches!(error, ConfigError::NoRoles), "{error}");
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
        assert!(read("[embed]\nallowed_parents = [\"https://*.example.org\"]\n").is_err());
        assert!(read("[embed]\nallowed_parents = [\"https://ehr.example.org\"]\n").is_ok());
    }

    #[test]
    fn systems_that_launch_have_names_of_their_own_and_need_a_login() {
        let client = |id: &str| format!("[[launch_client]]\nid = \"{id}\"\nsecret_file = \"s\"\n");
        let with_login = |text: String| read(&format!("{text}[auth.local]\n"));
        assert!(with_login(client("ehr")).is_ok());
        assert!(matches!(
            read(&client("ehr")),
            Err(ConfigError::LaunchWithoutLogin)
        ));
        for wrong in [client(""), client("e:r"), client("ehr") + &client("ehr")] {
            assert!(matches!(with_login(wrong), Err(ConfigError::LaunchClient)));
        }
    }
}
