//! Packages of the distribution (Debian and what derives from it), installed only where they are missing.

use crate::steps::{check, has_program, output_of, part};
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

/// A command with the rights to install.
///
/// # Errors
/// The user has no such rights, and no sudo to get them.
pub fn with_rights(program: &str) -> Result<Command> {
    let is_root = output_of(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    if is_root {
        return Ok(Command::new(program));
    }
    if !has_program("sudo") {
        bail!("{program} needs the rights of root, and sudo is missing");
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query
        .args(["-W", "-f", "${Status}", package])
        .stderr(Stdio::null());
    output_of(&mut query).is_some_and(|status| status.contains("install ok installed"))
}

fn apt_install(packages: &[&str]) -> Result<Command> {
    let mut command = with_rights("apt-get")?;
    // Through sudo a variable would be lost, so it is set by env.
    if command.get_program() == "sudo" {
        command = Command::new("sudo");
        command.args([
            "env",
            "RUNLEVEL=1",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
        ]);
    }
    command
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Servers are for the tests: the package starts none of its own.
        .env("RUNLEVEL", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Ok(command)
}

/// Installs packages that are missing; `purpose` completes the sentence "... needs them".
///
/// # Errors
/// There is no apt-get, or it cannot install them.
pub fn install(packages: &[&str], purpose: &str) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(", ");
    if !has_program("apt-get") {
        bail!("{purpose} needs {names}: install them by your system's package manager");
    }
    part(
        &format!("Installing {names}, which {purpose} needs"),
        || {
            // The lists are often there and current; only else they are fetched.
            let at_once = apt_install(&missing)?.stderr(Stdio::null()).status();
            if at_once.is_ok_and(|status| status.success()) {
                return Ok(());
            }
            check(with_rights("apt-get")?.args(["update", "-qq"]))
                .and_then(|()| check(&mut apt_install(&missing)?))
                .with_context(|| format!("{purpose} needs {names}, which could not be installed"))
        },
    )
}
