//! `cargo xtask bench`: measurements beside the peer.

use anyhow::{Result, bail};

/// Runs a benchmark.
pub fn bench(_name: Option<&str>) -> Result<()> {
    bail!("no benchmark of this name")
}
