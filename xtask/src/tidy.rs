//! `cargo xtask tidy`: placeholder of the rules.

use anyhow::Result;

/// Checks the rules.
pub fn tidy() -> Result<()> {
    Ok(())
}
