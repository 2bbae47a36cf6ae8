//! Folders: temporary ones, made-up studies, and the collection of real files beside the project.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A folder that goes when this is dropped.
#[derive(Debug)]
pub struct TempFolder(tempfile::TempDir);

impl TempFolder {
    /// Makes an empty folder.
    ///
    /// # Errors
    /// The system's folder for temporary files cannot be written.
    pub fn new(purpose: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("sagitta-{purpose}-"))
            .tempdir();
        Ok(Self(folder.context("no temporary folder could be made")?))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file below it, with the folders between.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let file = self.path().join(name);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, bytes)?;
        Ok(file)
    }
}

/// A folder with the small made-up study (`phantom::small`).
///
/// # Errors
/// It cannot be made up or written.
pub fn phantom_folder(seed: u64) -> Result<TempFolder> {
    let folder = TempFolder::new("phantom")?;
    for (name, bytes) in phantom::small(seed)? {
        folder.write(&name, &bytes)?;
    }
    Ok(folder)
}

/// The project's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The collection of real files beside the project; says so where it is absent.
pub fn shared_data() -> Option<PathBuf> {
    let folder = root().parent()?.join("shared/data");
    if !folder.is_dir() {
        println!("not run: ../shared/data is not here");
        return None;
    }
    Some(folder)
}
