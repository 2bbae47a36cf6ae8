//! axe-core (npm), which looks for what keeps people from using a page: what a screen reader is not told, what has too
//! little contrast, what no keyboard reaches.

use crate::folder::root;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// The script, which makes `axe` when it is run in a page.
///
/// # Errors
/// It is not installed.
pub fn axe_core() -> Result<String> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let file = target.join("axe-core/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(file).context("npm's axe-core is missing: cargo xtask test installs it")
}
