//! `cargo xtask test`: installs what tests need and runs all of them.

use crate::steps::{cargo, check, step};
use crate::{bundle, prerequisites, tidy};
use anyhow::Result;
use std::time::Instant;

/// Everything that CI runs, in the order in which failures are cheapest.
pub fn test() -> Result<()> {
    let began = Instant::now();
    prerequisites::for_build()?;
    prerequisites::for_tests()?;
    tidy::tidy()?;
    step("Formatting", || {
        check(&mut cargo(&["fmt", "--all", "--check"]))
    })?;
    step("Lints", || {
        check(&mut cargo(&[
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "-Dwarnings",
        ]))?;
        check(&mut cargo(&[
            "clippy",
            "--quiet",
            "--package",
            "viewer-ui",
            "--target",
            "wasm32-unknown-unknown",
            "--",
            "-Dwarnings",
        ]))
    })?;
    bundle::build_all()?;
    step("Tests", || check(&mut cargo(&["test", "--workspace"])))?;
    println!(
        "\u{2022} All tests passed in {:.0} min",
        began.elapsed().as_secs_f64() / 60.0
    );
    Ok(())
}
