//! Benchmarks that lie beside the project: copied to `target`, so that nothing is written there, and set up once.

use crate::steps::{check, has_program, part, root, target};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A benchmark of another folder.
pub(super) struct Beside {
    /// Where it lies, from the folder that holds the project.
    pub(super) source: &'static str,
    /// A file of it.
    pub(super) holds: &'static str,
    /// Name of its copy in `target`.
    pub(super) copy: &'static str,
    /// Variable of the environment that names a copy that is set up already.
    pub(super) variable: &'static str,
}

impl Beside {
    /// The folder that the variable names, else a copy, over an older one.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        if let Some(named) = std::env::var_os(self.variable) {
            return Ok(std::path::absolute(named)?);
        }
        let root = root();
        let folder = std::path::absolute(target().join(self.copy))?;
        self.copied(root.parent().unwrap_or(Path::new("/")), &folder)?;
        Ok(folder)
    }

    fn copied(&self, above: &Path, folder: &Path) -> Result<()> {
        let source = above.join(self.source);
        if !source.join(self.holds).is_file() {
            let Self {
                source, variable, ..
            } = self;
            bail!("../{source} is not here; {variable} may name a copy");
        }
        copy(&source, folder)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            // By content, not by `fs::copy`: that would copy a write protection too.
            std::fs::write(&place, std::fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// What benchmarks beside the project are run and set up by.
///
/// # Errors
/// A program is missing.
pub(super) fn check_programs() -> Result<()> {
    for program in ["node", "npm", "python3"] {
        if !has_program(program) {
            bail!("the benchmark needs {program}: install it by your system's package manager");
        }
    }
    Ok(())
}

/// Runs a command in a benchmark's folder and says what it does; of what it prints only its complaints are shown.
pub(super) fn run(folder: &Path, what: &str, command: &mut Command) -> Result<()> {
    part(what, || {
        check(command.current_dir(folder).stdout(Stdio::null()))
    })
}

/// Installs its packages of npm by `npm ci` or `npm install`, unless they are there.
pub(super) fn packages_of_node(folder: &Path, how: &str) -> Result<()> {
    if folder.join("node_modules/.package-lock.json").is_file() {
        return Ok(());
    }
    run(
        folder,
        "Installing the peer's packages",
        Command::new("npm").args([how, "--ignore-scripts", "--no-audit", "--no-fund"]),
    )
}

/// Its Python with the packages that it requires; made unless it is there. Of each package it is the version that the benchmark
/// names or, where this Python is too old for that, the newest before it: they make samples and are not measured.
pub(super) fn python(folder: &Path, requirements: &str) -> Result<PathBuf> {
    let python = folder.join(".venv/bin/python");
    // An environment without its packages was interrupted.
    if !folder.join(".venv/ready").is_file() {
        run(
            folder,
            "Making a Python environment",
            Command::new("python3").args(["-m", "venv", ".venv"]),
        )?;
        let wanted = std::fs::read_to_string(folder.join(requirements))
            .with_context(|| format!("{requirements} cannot be read"))?;
        let list = ".venv/requirements.txt";
        std::fs::write(folder.join(list), at_most(&wanted))?;
        run(
            folder,
            "Installing the encoders",
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r", list]),
        )?;
        std::fs::write(folder.join(".venv/ready"), "")?;
    }
    Ok(python)
}

/// Requirements of no later versions than those that are named.
fn at_most(requirements: &str) -> String {
    requirements.replace("==", "<=")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn an_older_version_of_a_package_will_do() {
        assert_eq!(at_most("numpy\nx==2026.1.10\n"), "numpy\nx<=2026.1.10\n");
    }

    #[test]
    fn a_benchmark_that_is_not_there_is_named() {
        let absent = Beside {
            source: "shared/none",
            holds: "run.mjs",
            copy: "none",
            variable: "SAGITTA_NONE",
        };
        let error = absent.copied(Path::new("/no/such/folder"), Path::new("/no/such/copy"));
        assert_eq!(
            error.unwrap_err().to_string(),
            "../shared/none is not here; SAGITTA_NONE may name a copy"
        );
    }
}
