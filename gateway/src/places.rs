//! Where data, store and index are: as the command line says, or else the configuration.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use crate::command::ServeOptions;
use crate::config::Config;
use crate::serve::ServeError;

/// Where data, store and index are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Data folders; never written to.
    pub folders: Vec<PathBuf>,
    /// The folder that takes what is stored.
    pub store: Option<PathBuf>,
    /// The index.
    pub index: PathBuf,
}

impl Places {
    /// As the command line has them, or else the configuration.
    ///
    /// # Errors
    /// There is nothing to serve, or no place for the index.
    pub fn of(options: &ServeOptions, config: &Config) -> Result<Self, ServeError> {
        let configured = config.store.path.as_ref();
        let configured = configured.map(|path| config.beside(path));
        let store = options.store.clone().or(configured);
        let all: Vec<PathBuf> = options.data.iter().chain(&store).cloned().collect();
        if all.is_empty() {
            return Err(ServeError::NoData);
        }
        let configured = config.store.index.as_ref();
        let configured = configured.map(|path| config.beside(path));
        let index = match options.index.clone().or(configured) {
            Some(index) => index,
            None => default_index(&all).ok_or(ServeError::NoCache)?,
        };
        Ok(Self {
            folders: options.data.clone(),
            store,
            index,
        })
    }
}

/// One index for each set of folders, in the user's cache folder.
fn default_index(folders: &[PathBuf]) -> Option<PathBuf> {
    let folder = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    let mut real: Vec<PathBuf> = folders
        .iter()
        .map(|folder| std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone()))
        .collect();
    real.sort();
    let mut digest = Sha256::new();
    for folder in real {
        digest.update(folder.as_os_str().as_encoded_bytes());
        digest.update([0]);
    }
    let name: String = digest
        .finalize()
        .iter()
        .take(8)
        .map(|b| format!("{b:02x}"))
        .collect();
    Some(cache.join("sagitta").join(name).join("index.db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_of_folders_has_its_own_index_whatever_their_order() {
        let index =
            |names: &[&str]| default_index(&names.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(index(&["/a", "/b"]), index(&["/b", "/a"]));
        assert_ne!(index(&["/a"]), index(&["/a", "/b"]));
    }
}
