//! What `gateway/benches` measures, built as the gateway is released.

use crate::steps::{check, root, target};
use anyhow::Result;
use std::process::Command;

/// `qido`: searches of 100,000 made-up studies by 20 users at once, as the list on screen asks them. `store`: files indexed a
/// second, the next start, metadata of a long series, and frames for one client and for a thousand.
pub const NAMES: [&str; 2] = ["qido", "store"];

/// Measures, prints a table, writes `target/bench/NAME.json`.
pub fn measure(name: &str) -> Result<()> {
    let results = target().join("bench");
    std::fs::create_dir_all(&results)?;
    let file = results.join(format!("{name}.json"));
    check(
        Command::new(env!("CARGO"))
            .args(["bench", "--package", "gateway", "--bench", name, "--"])
            .arg("--out")
            .arg(&file)
            .current_dir(root()),
    )?;
    println!("\u{2022} Written to {}", file.display());
    Ok(())
}
