//! `cargo xtask fuzz [minutes] [target]...`: builds the targets of `fuzz/`, gives them real frames to begin with and runs them.
//!
//! The stable compiler does: coverage is a pass of LLVM that it can be told to run, and what it calls comes with the crate
//! libfuzzer-sys. Assertions and checks of overflow are on; there is no address sanitizer, as there is no unsafe code here.

use crate::prerequisites;
use crate::steps::{check, output_of, part, root, target};
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Minutes for each target where nothing else is said.
const MINUTES: u64 = 10;

/// What the compiler is told, and what libFuzzer reads.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1";

/// A megabyte is many frames of what fuzzing makes; a run of half a minute would be a frame that never ends.
const BOUNDS: [&str; 5] = [
    "-rss_limit_mb=1024",
    "-malloc_limit_mb=256",
    "-timeout=30",
    "-max_len=100000",
    "-print_final_stats=1",
];

/// Runs the targets that are named, or all, one after the other.
///
/// # Errors
/// Something could not be built, or a target found something: its bytes are named.
pub fn fuzz(arguments: &[String]) -> Result<()> {
    let said = arguments.split_first().and_then(|(first, rest)| {
        // No minutes would be no end to libFuzzer.
        let minutes = first.parse().ok().filter(|minutes| *minutes > 0)?;
        Some((minutes, rest))
    });
    let (minutes, names) = said.unwrap_or((MINUTES, arguments));
    let all = targets()?;
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        bail!("there is no target {unknown}; there are {}", all.join(", "));
    }
    let chosen = if names.is_empty() { &all[..] } else { names };
    let folder = target().join("fuzz");
    let programs = part("Building the targets", || build(&folder))?;
    part("Making what they begin with", || corpus(&folder))?;
    let mut findings = Vec::new();
    for name in chosen {
        let outcome = run(name, &programs.join(name), &folder, minutes)?;
        println!("{name}: {}", outcome.words);
        findings.extend(
            outcome
                .finding
                .map(|path| format!("{name}: {}", path.display())),
        );
    }
    if !findings.is_empty() {
        bail!("{} findings:\n{}", findings.len(), findings.join("\n"));
    }
    Ok(())
}

/// The names of the targets.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Builds all targets; returns the folder of their programs.
fn build(folder: &Path) -> Result<PathBuf> {
    let about = output_of(Command::new("rustc").arg("-vV")).context("rustc is missing")?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say which machine it is for")?;
    let mut cargo = crate::steps::cargo(&["build", "--release", "--target", host]);
    // With a target named, programs of the build itself are compiled without these flags.
    cargo
        .arg("--manifest-path")
        .arg(root().join("fuzz/Cargo.toml"))
        .env("CARGO_TARGET_DIR", folder)
        .env("RUSTFLAGS", FLAGS);
    check(&mut cargo)?;
    Ok(folder.join(host).join("release"))
}

/// Streams of other makers' encoders, real files where they lie beside the project, and what earlier findings were.
fn corpus(folder: &Path) -> Result<()> {
    let python = prerequisites::for_fuzzing()?;
    let mut make = Command::new(python);
    make.args(["-W", "ignore", "-B"])
        .arg(root().join("fuzz/corpus.py"))
        .arg(folder.join("corpus"))
        .arg(target().join("generated-streams/streams.bin"));
    let real = root().join("../shared/data");
    if real.is_dir() {
        make.arg(real);
    }
    check(&mut make)
}

struct Outcome {
    words: String,
    /// The bytes that did it.
    finding: Option<PathBuf>,
}

fn run(name: &str, program: &Path, folder: &Path, minutes: u64) -> Result<Outcome> {
    let findings = folder.join("findings").join(name);
    let seeds = folder.join("corpus").join(name);
    let logs = folder.join("logs");
    for each in [&findings, &seeds, &logs] {
        fs::create_dir_all(each).with_context(|| format!("{} cannot be made", each.display()))?;
    }
    let log = logs.join(format!("{name}.txt"));
    let mut command = Command::new(program);
    command
        .arg(seeds)
        .args(BOUNDS)
        .arg(format!("-max_total_time={}", 60 * minutes))
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .stderr(File::create(&log)?);
    let status = command
        .status()
        .with_context(|| format!("{name} could not be started"))?;
    let text = fs::read(&log)?;
    let text = String::from_utf8_lossy(&text);
    let finding = text.lines().find_map(|line| {
        let (_, path) = line.split_once("Test unit written to ")?;
        Some(PathBuf::from(path))
    });
    if finding.is_none() && !status.success() {
        bail!("{name} ended with {status}: {} says why", log.display());
    }
    let words = format!(
        "{} runs in {minutes} min at most, {}",
        number(&text, "stat::number_of_executed_units:").unwrap_or("no number of"),
        if finding.is_some() {
            "1 finding"
        } else {
            "no finding"
        }
    );
    Ok(Outcome { words, finding })
}

/// The number behind a name in libFuzzer's statistics.
fn number<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistics_of_libfuzzer_are_read() {
        let text = "Done 5 runs in 1 second(s)\nstat::number_of_executed_units: 5\nstat::peak_rss_mb:  60\n";
        assert_eq!(number(text, "stat::number_of_executed_units:"), Some("5"));
        assert_eq!(number(text, "stat::none:"), None);
    }

    /// Each target stands in the manifest, else nobody would run it.
    #[test]
    fn every_target_is_built() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap_or_default();
        let names = targets().unwrap_or_default();
        assert!(!names.is_empty());
        for name in names {
            assert!(
                manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
                "{name}"
            );
        }
    }
}
