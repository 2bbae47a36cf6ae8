//! `cargo xtask tidy`: the rules of ARCHITECTURE.md, checked from the sources.
//!
//! Each rule is a function from one file to its findings; a finding is printed as `file:line rule`.
//! `code` reads Rust just well enough for that: text without comments and strings, paths, tests.

mod code;
mod floors;
mod order;
mod places;
mod words;

use crate::steps::root;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// One file of the project.
#[derive(Debug, Clone, Copy)]
struct File<'a> {
    /// From the project's root, with `/` between folders.
    path: &'a str,
    /// What it holds; empty for a picture.
    text: &'a str,
    /// Its size.
    bytes: u64,
}

impl<'a> File<'a> {
    #[cfg(test)]
    fn of(path: &'a str, text: &'a str) -> Self {
        let bytes = text.len() as u64;
        Self { path, text, bytes }
    }

    fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, extension)| extensions.contains(&extension))
    }
}

/// A rule that a file breaks, and the line (1-based) where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    line: usize,
    rule: String,
}

impl Finding {
    fn new(line: usize, rule: impl Into<String>) -> Self {
        let rule = rule.into();
        Self { line, rule }
    }
}

/// All rules.
const RULES: [fn(&File<'_>) -> Vec<Finding>; 17] = [
    floors::dependencies,
    floors::imports,
    floors::lints_everywhere,
    order::modules_of_the_core,
    order::core_without_hosts,
    places::wasm_only_at_the_edge,
    places::browser_only_in_platform,
    places::parent_only_in_embed,
    places::dicom_only_in_source,
    places::rights_and_record_in_their_places,
    places::no_unsafe,
    words::sizes,
    words::names,
    words::forbidden,
    words::no_panics,
    words::headers,
    words::small_goldens,
];

/// Checks all files of the project.
///
/// # Errors
/// A rule is broken: each place is named.
pub fn tidy() -> Result<()> {
    let mut paths = Vec::new();
    collect(&root(), "", &mut paths)?;
    paths.sort();
    let mut lines = Vec::new();
    for path in &paths {
        let bytes =
            std::fs::read(root().join(path)).with_context(|| format!("{path} cannot be read"))?;
        let file = File {
            path,
            text: std::str::from_utf8(&bytes).unwrap_or_default(),
            bytes: bytes.len() as u64,
        };
        let found = check(&file).into_iter();
        lines.extend(found.map(|found| format!("{path}:{} {}", found.line, found.rule)));
    }
    if !lines.is_empty() {
        let (count, files) = (lines.len(), paths.len());
        bail!("{count} findings in {files} files:\n{}", lines.join("\n"))
    }
    println!("{} files keep the rules", paths.len());
    Ok(())
}

fn check(file: &File<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = RULES.iter().flat_map(|rule| rule(file)).collect();
    found.sort_by_key(|finding| finding.line);
    found
}

/// Folders whose content is made, not written.
const MADE: [&str; 5] = [".git", ".sagitta", "target", "dist", "node_modules"];

fn collect(folder: &Path, above: &str, paths: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() && !MADE.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{above}{name}/"), paths)?;
        } else if kind.is_file() {
            paths.push(format!("{above}{name}"));
        }
    }
    Ok(())
}

/// Checks that a rule finds the given lines in a file.
#[cfg(test)]
fn assert_lines(rule: fn(&File<'_>) -> Vec<Finding>, path: &str, text: &str, expected: &[usize]) {
    let found = rule(&File::of(path, text));
    let lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, expected, "{path}: {text} {found:?}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_project_keeps_its_rules() {
        assert_eq!(super::tidy().map_err(|error| error.to_string()), Ok(()));
    }
}
