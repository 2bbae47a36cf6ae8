//! JSON of the gateway's own endpoints: `/config.json` and `/healthz`.

use serde::{Deserialize, Serialize};

/// One DICOMweb root that the app may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Stable name in links; never an address.
    pub id: String,
    /// Name for people.
    pub label: String,
    /// The root, relative to `config.json`, without a slash at the end.
    pub dicomweb: String,
    /// It takes what whoever asks would store there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub store: bool,
}

/// `/config.json`: what the app may read from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Config {
    /// DICOMweb roots, the default first.
    pub sources: Vec<Source>,
    /// True where the gateway itself answers; absent when `dist/` is hosted statically.
    #[serde(default)]
    pub gateway: bool,
    /// Whose pages may frame the viewer and speak to it.
    #[serde(default, skip_serializing_if = "Framing::is_usual")]
    pub embed: Framing,
}

/// Whose pages may frame the viewer and speak to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Framing {
    /// Their origins; absent where pages of this computer may, and no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parents: Option<Vec<String>>,
}

impl Framing {
    /// Nothing is configured.
    pub fn is_usual(&self) -> bool {
        self.parents.is_none()
    }
}

/// How far the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Indexing {
    /// Files looked at.
    pub done: u64,
    /// Files found so far; equal to `done` when nothing is left to do.
    pub total: u64,
}

/// `/healthz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Requests are answered.
    pub ready: bool,
    /// How far the index is.
    pub indexing: Indexing,
}

/// `/api/shares/opened`, and the answer to `/api/shares/redeem`: what a link opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Opened {
    /// Public half of the link.
    pub id: String,
    /// Source of the studies.
    pub source: String,
    /// Study Instance UIDs.
    pub studies: Vec<String>,
    /// Series Instance UID, where only that series was shared.
    #[serde(default)]
    pub series: Option<String>,
    /// Series Instance UID of what is on screen first, where the gateway knows it: its metadata may be asked for before the app
    /// has read the list of series.
    #[serde(default)]
    pub first: Option<String>,
    /// How it looks when it is opened, as the app wrote it.
    #[serde(default)]
    pub view: Option<String>,
    /// Words for whoever opens it.
    #[serde(default)]
    pub note: String,
    /// Files may be taken away.
    #[serde(default)]
    pub download: bool,
    /// Who shared it.
    pub from: String,
    /// When it ends, seconds since 1970.
    pub ends: i64,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_static_config_needs_only_its_sources() {
        let text = r#"{"sources":[{"id":"pacs","label":"PACS","dicomweb":"../dicom-web"}]}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.sources[0].dicomweb, "../dicom-web");
        assert!(!config.gateway);
    }

    #[test]
    fn health_has_the_shape_of_the_contract() {
        let health = Health {
            ready: true,
            indexing: Indexing { done: 3, total: 7 },
        };
        assert_eq!(
            serde_json::to_string(&health).unwrap(),
            r#"{"ready":true,"indexing":{"done":3,"total":7}}"#
        );
    }
}
