//! `[audit]`: where the record is, when its files are closed, and how long they are kept.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, bytes};
use crate::audit::files::Keeping;

const DAY_S: i64 = 24 * 3600;

/// A file is closed after so many days, whatever its size: so a deleted one holds a month at most.
const ROTATE_DAYS: i64 = 31;

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// The record.
    pub file: PathBuf,
    /// Key of its chain: at least 32 bytes.
    pub chain_key_file: Option<PathBuf>,
    /// Size at which its file is closed and another one begins, for example `64MiB`.
    pub rotate: String,
    /// How long closed files are kept, for example `10y` or `400d`; for ever unless it is said.
    pub keep: Option<String>,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            file: "audit.jsonl".into(),
            chain_key_file: None,
            rotate: "64MiB".into(),
            keep: None,
        }
    }
}

impl Audit {
    /// When files are closed and deleted.
    ///
    /// # Errors
    /// A size or a time that is none, or too small to be meant.
    pub fn keeping(&self) -> Result<Keeping, ConfigError> {
        let size = bytes(&self.rotate).filter(|it| *it >= 4096);
        let size = size.ok_or(ConfigError::Record(
            "audit.rotate must be a size like 64MiB, at least 4KiB",
        ))?;
        let keep = self.keep.as_ref().map(|text| days(text));
        let keep = match keep {
            Some(None) => {
                let message = "audit.keep must be a time like 10y or 400d, at least 1d";
                return Err(ConfigError::Record(message));
            }
            Some(days) => days,
            None => None,
        };
        Ok(Keeping {
            rotate_bytes: size,
            rotate_s: ROTATE_DAYS * DAY_S,
            keep_s: keep.map(|days| days * DAY_S),
        })
    }
}

/// Days of a time like `10y`; a year counts 366.
fn days(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "d" => 1,
        "y" => 366,
        _ => return None,
    };
    let days = digits.parse::<i64>().ok()?.checked_mul(unit)?;
    (1..=366 * 1000).contains(&days).then_some(days)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn keeping(rotate: &str, keep: Option<&str>) -> Result<Keeping, ConfigError> {
        let audit = Audit {
            rotate: rotate.into(),
            keep: keep.map(str::to_owned),
            ..Audit::default()
        };
        audit.keeping()
    }

    #[test]
    fn files_are_closed_and_kept_as_is_said() {
        let usual = Audit::default().keeping().unwrap();
        let expected = Keeping {
            rotate_bytes: 64 << 20,
            rotate_s: 31 * 86_400,
            keep_s: None,
        };
        assert_eq!(usual, expected);
        assert_eq!(keeping("4KiB", Some("1d")).unwrap().keep_s, Some(86_400));
        let ten = keeping("4KiB", Some("10y")).unwrap().keep_s.unwrap();
        // Ten years have two or three leap days: never a day too few.
        assert!(ten >= 3653 * 86_400);
        for wrong in ["", "4095", "x", "-1MiB"] {
            assert!(keeping(wrong, None).is_err(), "{wrong}");
        }
        for wrong in ["", "y", "0d", "-1d", "10", "15m", "9999999y"] {
            let error = keeping("64MiB", Some(wrong)).unwrap_err().to_string();
            assert!(error.contains("audit.keep"), "{wrong}: {error}");
        }
    }
}
