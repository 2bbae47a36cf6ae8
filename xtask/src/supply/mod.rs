//! What the project is made of: where every package comes from, under which licence, and the list of them (`cargo xtask sbom`).
//!
//! `lock` reads Cargo.lock, `licence` reads expressions of SPDX, `bill` writes CycloneDX. Nothing is asked of any server but
//! what cargo itself fetches.

mod bill;
mod licence;
mod lock;

use crate::steps::{cargo, root, target};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What `cargo metadata` says, as far as it is read here (format 1).
#[derive(Debug, Default, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Option<Resolve>,
}

/// A package of any origin.
#[derive(Debug, Clone, Default, Deserialize)]
struct Package {
    name: String,
    version: String,
    id: String,
    /// `None` for the project's own.
    source: Option<String>,
    license: Option<String>,
    license_file: Option<String>,
    description: Option<String>,
    repository: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

/// A package and what it is built with.
#[derive(Debug, Default, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Default, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Default, Deserialize)]
struct DependencyKind {
    /// `None` for what runs, `build`, or `dev`.
    kind: Option<String>,
}

impl Metadata {
    /// Of the workspace as Cargo.lock has it; with platforms, only what these need.
    fn read(platforms: &[&str]) -> Result<Self> {
        let mut command = cargo(&["metadata", "--format-version", "1", "--locked"]);
        for platform in platforms {
            command.args(["--filter-platform", platform]);
        }
        let output = command.output().context("cargo could not be started")?;
        if !output.status.success() {
            bail!(
                "cargo metadata failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// Name and version of a package.
type Name = (String, String);

/// What is wrong with where packages come from and with their licences, each in one sentence.
fn findings(lock: &str, metadata: &Metadata) -> Vec<String> {
    let own: Vec<Name> = metadata
        .packages
        .iter()
        .filter(|package| package.source.is_none())
        .map(|package| (package.name.clone(), package.version.clone()))
        .collect();
    let mut found = lock::findings(lock, &own);
    for package in &metadata.packages {
        let (name, version) = (&package.name, &package.version);
        match (&package.license, &package.license_file) {
            (Some(expression), _) => match licence::is_allowed(expression) {
                Some(true) => {}
                Some(false) => found.push(format!(
                    "{name} {version} is under \"{expression}\", which is not among the licences that may be used"
                )),
                None => found.push(format!(
                    "{name} {version} names its licence by what is no expression of SPDX: \"{expression}\""
                )),
            },
            (None, Some(_)) => found.push(format!("{name} {version} has a licence of its own")),
            (None, None) => found.push(format!("{name} {version} names no licence")),
        }
    }
    found
}

/// Checks where packages come from and their licences.
///
/// # Errors
/// Something is wrong: each package is named.
pub fn check() -> Result<()> {
    let lock =
        std::fs::read_to_string(root().join("Cargo.lock")).context("Cargo.lock is missing")?;
    let metadata = Metadata::read(&[])?;
    let found = findings(&lock, &metadata);
    if !found.is_empty() {
        bail!(
            "{} findings in packages:\n{}",
            found.len(),
            found.join("\n")
        );
    }
    println!(
        "{} packages come from crates.io and may be used",
        metadata.packages.len()
    );
    Ok(())
}

/// Programs that are handed out: the gateway, and the app for the browser.
const HANDED_OUT: [(&str, &str); 2] = [
    ("gateway", "x86_64-unknown-linux-gnu"),
    ("viewer-ui", crate::wasm_target::TARGET),
];

/// Writes the list of all packages of the programs that are handed out.
///
/// # Errors
/// cargo fails, or the file cannot be written.
pub fn write() -> Result<()> {
    let lock =
        std::fs::read_to_string(root().join("Cargo.lock")).context("Cargo.lock is missing")?;
    let checksums: BTreeMap<Name, String> = lock::entries(&lock)
        .into_iter()
        .filter_map(|entry| Some(((entry.name, entry.version), entry.checksum?)))
        .collect();
    for (program, platform) in HANDED_OUT {
        let metadata = Metadata::read(&[platform])?;
        let bill = bill::of(program, &metadata, &checksums)?;
        let file = target().join(format!("sbom/{program}.cdx.json"));
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, serde_json::to_string_pretty(&bill)? + "\n")?;
        println!("\u{2022} Written to {}", file.display());
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn t25_every_package_comes_from_crates_io_and_may_be_used() {
        assert_eq!(check().map_err(|error| error.to_string()), Ok(()));
    }

    #[test]
    fn t25_a_licence_that_is_missing_or_not_listed_is_found() {
        let package = |name: &str, license: Option<&str>, file: Option<&str>| Package {
            name: name.into(),
            version: "1.0.0".into(),
            license: license.map(str::to_owned),
            license_file: file.map(str::to_owned),
            ..Package::default()
        };
        let metadata = Metadata {
            packages: vec![
                package("fine", Some("MIT OR GPL-3.0-only"), None),
                package("copyleft", Some("GPL-3.0-only"), None),
                package("odd", Some("MIT AND"), None),
                package("own", None, Some("LICENSE")),
                package("none", None, None),
            ],
            resolve: None,
        };
        let found = findings("", &metadata);
        let names: Vec<&str> = found
            .iter()
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(names, ["copyleft", "odd", "own", "none"], "{found:?}");
    }
}
