//! Steps that say what they do, how far it is and how long it took, and commands that explain their failure.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A task of a known number of steps.
#[derive(Debug)]
pub struct Progress {
    total: usize,
    began: Instant,
    done: Vec<(String, Duration)>,
    failed: Vec<String>,
}

impl Progress {
    /// A task of so many steps.
    pub fn of(total: usize) -> Self {
        Self {
            total,
            began: Instant::now(),
            done: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Runs the next step and says how long it took.
    pub fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("[{}/{}] {what}", self.done.len() + 1, self.total);
        let began = Instant::now();
        let result = work();
        let took = began.elapsed();
        if let Err(error) = &result {
            self.failed.push(format!("{what} ({error:#})"));
        } else if took >= Duration::from_secs(1) {
            println!("      {}", words(took));
        }
        self.done.push((what.to_owned(), took));
        result
    }

    /// Runs the next step; where it fails, that is said, and the task goes on and fails at its end.
    pub fn attempt(&mut self, what: &str, work: impl FnOnce() -> Result<()>) {
        if let Err(error) = self.step(what, work) {
            eprintln!("{error:#}");
        }
    }

    /// All steps so far with their times, and the time of all.
    pub fn summary(&self) -> String {
        let steps = self
            .done
            .iter()
            .map(|(what, took)| format!("{what} {}", words(*took)));
        let steps = steps.collect::<Vec<_>>().join(", ");
        format!("{steps}; {} in all", words(self.began.elapsed()))
    }

    /// The steps that failed, each with why.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }
}

fn words(took: Duration) -> String {
    let seconds = took.as_secs_f64().round() as u64;
    if seconds < 120 {
        format!("{seconds} s")
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

/// Runs something that is only sometimes needed, such as an installation, and says how long it took.
pub fn part<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\u{2022} {what}");
    let began = Instant::now();
    let result = work();
    if began.elapsed() >= Duration::from_secs(1) && result.is_ok() {
        println!("  {}", words(began.elapsed()));
    }
    result
}

/// A cargo command in the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command to its end; the program's own output is shown.
pub fn check(command: &mut Command) -> Result<()> {
    let name = name_of(command);
    let status = command
        .status()
        .with_context(|| format!("{name} could not be started"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

/// A command as messages name it: its program and first words.
pub fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str());
    let words = command.get_args().take(6);
    let all = std::iter::once(name).chain(words);
    let all: Vec<_> = all.map(|word| word.to_string_lossy()).collect();
    all.join(" ")
}

/// What a command prints; `None` where it is missing or fails.
pub fn output_of(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// True where a program is on the PATH.
pub fn has_program(name: &str) -> bool {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(&name).is_file()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_named_at_the_end_with_why() {
        let mut progress = Progress::of(2);
        progress.attempt("One", || Ok(()));
        progress.attempt("Two", || bail!("it broke"));
        assert_eq!(progress.failed(), ["Two (it broke)"]);
        assert!(progress.summary().starts_with("One 0 s, Two 0 s; "));
    }

    #[test]
    fn long_times_are_said_in_minutes() {
        assert_eq!(words(Duration::from_secs(119)), "119 s");
        assert_eq!(words(Duration::from_secs(125)), "2 min 5 s");
    }

    #[test]
    fn a_failed_command_is_one_sentence() {
        let error = check(cargo(&["no-such-command"]).stderr(std::process::Stdio::null()));
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("`cargo no-such-command` failed"), "{text}");
        let missing = check(&mut Command::new("/no/such/program"));
        let text = missing.unwrap_err().to_string();
        assert_eq!(text, "program could not be started");
    }
}
