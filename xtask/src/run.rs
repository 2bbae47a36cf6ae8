//! `cargo xtask run`: builds what is missing and serves the viewer.

use crate::bundle;
use crate::steps::{Progress, check, target};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seed of the demo's made-up patients.
const DEMO_SEED: &str = "1";

/// Builds, makes demo studies where no folder is named, and becomes the gateway.
pub fn run(arguments: &[String]) -> Result<()> {
    let (mut folders, mut passed_on) = (Vec::new(), Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--data" => folders.push(PathBuf::from(value()?)),
            "--listen" | "--config" | "--index" | "--store" => {
                let value = value()?.clone();
                passed_on.extend([word.clone(), value]);
            }
            _ => bail!("`{word}` is not known; see `cargo xtask`"),
        }
    }
    for folder in &folders {
        if !folder.is_dir() {
            bail!("{} is not a folder", folder.display());
        }
    }
    let needs_demo = folders.is_empty();
    let mut progress = Progress::of(bundle::STEPS + 1 + usize::from(needs_demo));
    let gateway = bundle::build_all(&mut progress)?;
    if needs_demo {
        folders.push(progress.step("Making up patients for the demo", demo)?);
    }
    let mut command = Command::new(&gateway);
    command.arg("serve").arg("--app").arg(bundle::dist());
    for folder in &folders {
        command.arg("--data").arg(folder);
    }
    command.args(&passed_on);
    progress.step("Starting the gateway", || become_it(command))
}

/// Makes the demo studies, unless they are there.
fn demo() -> Result<PathBuf> {
    let folder = target().join("demo");
    // Beside the folder, which holds nothing but what a scanner would write.
    let stamp = target().join("demo.made");
    if folder.is_dir() && stamp.exists() && is_newer(&stamp) {
        println!("      unchanged");
        return Ok(folder);
    }
    // What an older program or an interrupted run made must not stay.
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be replaced", folder.display()))?;
    }
    check(Command::new(bundle::phantom()).arg(&folder).arg(DEMO_SEED))?;
    std::fs::write(stamp, "")?;
    Ok(folder)
}

/// True where the stamp is newer than all sources of the phantom.
fn is_newer(stamp: &Path) -> bool {
    fn newest(folder: &Path) -> Option<std::time::SystemTime> {
        std::fs::read_dir(folder)
            .ok()?
            .flatten()
            .filter_map(|entry| match entry.file_type() {
                Ok(kind) if kind.is_dir() => newest(&entry.path()),
                _ => entry.metadata().ok()?.modified().ok(),
            })
            .max()
    }
    let made = std::fs::metadata(stamp)
        .and_then(|stamp| stamp.modified())
        .ok();
    made >= newest(&crate::steps::root().join("phantom/src"))
}

/// Becomes the gateway where the system can, so that signals reach it.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("the gateway could not be started")
}

/// Runs the gateway until it ends.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<()> {
    check(&mut command)
}
