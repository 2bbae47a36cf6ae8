//! Searches of 100,000 made-up studies by 20 users at once, as the list on screen asks them.
//!
//! What is measured is in `gateway/benches/qido.rs`; it is built as the gateway is released.

use crate::steps::{check, root, target};
use anyhow::Result;
use std::process::Command;

/// Measures, prints a table, writes `target/bench/qido.json`.
pub fn qido() -> Result<()> {
    let results = target().join("bench");
    std::fs::create_dir_all(&results)?;
    let file = results.join("qido.json");
    check(
        Command::new(env!("CARGO"))
            .args(["bench", "--package", "gateway", "--bench", "qido", "--"])
            .arg("--out")
            .arg(&file)
            .current_dir(root()),
    )?;
    println!("\u{2022} Written to {}", file.display());
    Ok(())
}
