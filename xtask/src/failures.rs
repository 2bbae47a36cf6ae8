//! What failed in a long run of tests, said once more at its end: in a log of thousands of lines, or of which only the end is
//! kept, nobody finds it otherwise.

use crate::steps::name_of;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};

/// Lines that are repeated of each failed test.
const LINES_EACH: usize = 12;
/// Tests that are repeated with their lines; further ones are only named.
const TESTS: usize = 12;
/// Tests that the last line names.
const IN_SHORT: usize = 5;
/// Most tests that are run again: where more fail, it is no chance.
const RUN_AGAIN: usize = 3;
/// Characters of the last line on why one test failed.
const CHARACTERS_EACH: usize = 160;

/// A test that failed, and how it began to tell why.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    test: String,
    lines: Vec<String>,
}

/// Runs tests to their end, shows what they print and repeats what of it says why some failed.
///
/// A few that fail are run once more by themselves: on a machine that others use, a browser or a server may be starved. Those
/// that pass then are named with how they failed, in the answer, and are to be looked into; all others fail the run.
///
/// # Errors
/// Tests cannot be started, or fail.
pub fn check(tests: impl Fn(&[&str]) -> Command) -> Result<Option<String>> {
    check_shown(tests, &mut std::io::stdout())
}

fn check_shown(tests: impl Fn(&[&str]) -> Command, to: &mut impl Write) -> Result<Option<String>> {
    let first = run(&mut tests(&[]), to)?;
    if first.status.success() {
        return Ok(None);
    }
    let names: Vec<&str> = first
        .failures
        .iter()
        .map(|each| each.test.as_str())
        .collect();
    if names.is_empty() || names.len() > RUN_AGAIN || !first.ended.is_empty() {
        anyhow::bail!("{first}");
    }
    writeln!(to, "Run once more by themselves: {}", names.join(", "))?;
    let again = run(&mut tests(&[&["--", "--exact"], &names[..]].concat()), to)?;
    let all_passed = names.iter().all(|name| again.passed.contains(*name));
    anyhow::ensure!(
        again.status.success() && all_passed,
        "{again}; before: {first}"
    );
    Ok(Some(in_short(&first.failures)))
}

/// How tests went.
struct Outcome {
    name: String,
    status: ExitStatus,
    failures: Vec<Failure>,
    passed: BTreeSet<String>,
    /// Programs that ended otherwise than their tests do.
    ended: String,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (name, status, ended) = (&self.name, self.status, &self.ended);
        write!(
            to,
            "`{name}` failed ({status}){ended}{}",
            in_short(&self.failures)
        )
    }
}

fn run(tests: &mut Command, to: &mut impl Write) -> Result<Outcome> {
    let name = name_of(tests);
    let mut running = tests
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} could not be started"))?;
    let out = running.stdout.take().context("tests have no output")?;
    let errors = running.stderr.take().context("tests have no messages")?;
    let messages = std::thread::spawn(move || ended(BufReader::new(errors)));
    let (failures, passed) = pass_on(BufReader::new(out), to)?;
    let ended = messages
        .join()
        .map_err(|_| anyhow::anyhow!("messages were lost"))??;
    let status = running.wait()?;
    write!(to, "{}", text(&failures))?;
    Ok(Outcome {
        name,
        status,
        failures,
        passed,
        ended,
    })
}

/// Passes cargo's messages on, and keeps what they say of programs that ended otherwise than their tests do.
fn ended(from: impl BufRead) -> Result<String> {
    let mut kept = String::new();
    for line in from.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        if line.contains("(signal: ") && kept.len() < LINES_EACH * CHARACTERS_EACH {
            kept += &format!("; {}", line.trim());
        }
    }
    Ok(kept)
}

/// Passes all lines on, and keeps those of failures as the harness of Rust writes them, and the names of what passed.
fn pass_on(
    mut from: impl BufRead,
    to: &mut impl Write,
) -> Result<(Vec<Failure>, BTreeSet<String>)> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut passed = BTreeSet::new();
    let mut within = false;
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        let title = text.strip_prefix("---- ");
        let result = text.strip_prefix("test ");
        passed.extend(
            result
                .and_then(|result| result.strip_suffix(" ... ok"))
                .map(str::to_owned),
        );
        if let Some(test) = title.and_then(|title| title.strip_suffix(" stdout ----")) {
            let test = test.to_owned();
            let lines = Vec::new();
            failures.push(Failure { test, lines });
            within = true;
        } else if text == "failures:" || text.starts_with("stack backtrace:") {
            within = false;
        } else if within
            && !text.is_empty()
            && let Some(failure) = failures.last_mut()
            && failure.lines.len() < LINES_EACH
        {
            failure.lines.push(text);
        }
    }
    Ok((failures, passed))
}

fn text(failures: &[Failure]) -> String {
    if failures.is_empty() {
        return String::new();
    }
    let mut text = format!("\nTests that failed: {}\n", failures.len());
    for (place, Failure { test, lines }) in failures.iter().enumerate() {
        text += &format!("\n{test}\n");
        if place < TESTS {
            text.extend(lines.iter().map(|line| format!("    {line}\n")));
        }
    }
    text
}

/// What failed in one line: the first tests, each with where it failed and the first words of why.
fn in_short(failures: &[Failure]) -> String {
    let mut text = String::new();
    for Failure { test, lines } in failures.iter().take(IN_SHORT) {
        let place = lines
            .iter()
            .find_map(|line| line.split_once("panicked at "));
        let place = place.map_or("", |(_, place)| place.trim_end_matches(':'));
        let told = lines.iter().skip_while(|line| !line.contains("panicked"));
        let why = told.skip(1).map(String::as_str).collect::<Vec<_>>();
        let why: String = why.join(" ").chars().take(CHARACTERS_EACH).collect();
        text += &format!("; {test} at {place}: {why}");
    }
    if failures.len() > IN_SHORT {
        text += &format!("; and {} more", failures.len() - IN_SHORT);
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    /// As `cargo test` prints it (The Rust Programming Language, 11.1).
    const OUTPUT: &str = "\
running 2 tests
test one ... ok
test two::three ... FAILED

failures:

---- two::three stdout ----

thread 'two::three' panicked at src/lib.rs:3:5:
assertion `left == right` failed
  left: 1
 right: 2
stack backtrace:
   0: rust_begin_unwind

failures:
    two::three

test result: FAILED. 1 passed; 1 failed; 0 ignored
";

    #[test]
    fn why_tests_failed_is_repeated_without_what_is_around_it() {
        let mut shown = Vec::new();
        let (failures, passed) = pass_on(OUTPUT.as_bytes(), &mut shown).unwrap();
        assert_eq!(passed.into_iter().collect::<Vec<_>>(), ["one"]);
        assert_eq!(shown, OUTPUT.as_bytes());
        assert_eq!(
            text(&failures),
            "\nTests that failed: 1\n\ntwo::three\n    thread 'two::three' panicked at src/lib.rs:3:5:\n    \
             assertion `left == right` failed\n      left: 1\n     right: 2\n"
        );
        assert_eq!(
            in_short(&failures),
            "; two::three at src/lib.rs:3:5: assertion `left == right` failed   left: 1  right: 2"
        );
        let killed = "  process didn't exit successfully: `target/it` (signal: 9, SIGKILL: kill)";
        assert_eq!(
            ended(killed.as_bytes()).unwrap(),
            format!("; {}", killed.trim())
        );
        let (failures, _) = pass_on(&b"test one ... ok\n"[..], &mut shown).unwrap();
        assert_eq!(text(&failures), "");
    }

    #[test]
    fn tests_that_tell_much_are_cut() {
        let much = format!("---- a stdout ----\n{}", "line\n".repeat(1000)).repeat(20);
        let (failures, _) = pass_on(much.as_bytes(), &mut Vec::new()).unwrap();
        assert_eq!(failures.len(), 20);
        assert!(text(&failures).lines().count() < TESTS * (LINES_EACH + 2) + 20);
        assert!(in_short(&failures).ends_with("; and 15 more"));
    }

    /// A program that stands in for cargo: without further words as the first run, with them as the second.
    fn shell(script: &str) -> impl Fn(&[&str]) -> Command {
        let script = script.to_owned();
        move |words| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &script, "sh"]).args(words);
            shell
        }
    }

    /// What is shown would be taken for failures of these tests themselves.
    fn checked(tests: impl Fn(&[&str]) -> Command) -> Result<Option<String>> {
        check_shown(tests, &mut Vec::new())
    }

    const FAILS_ONCE: &str = "[ $# = 0 ] && { echo '---- slow stdout ----'; \
        echo \"thread 'slow' panicked at a.rs:1:1:\"; echo late; exit 1; }; echo \"test $3 ... $AGAIN\"";

    #[test]
    fn a_test_that_passes_by_itself_is_named_with_how_it_failed() {
        let named = checked(shell(&FAILS_ONCE.replace("$AGAIN", "ok"))).unwrap();
        assert_eq!(named.unwrap(), "; slow at a.rs:1:1: late");
        assert_eq!(checked(shell("true")).unwrap(), None);
    }

    #[test]
    fn a_test_that_fails_again_or_does_not_run_again_fails() {
        let error = checked(shell(&FAILS_ONCE.replace("$AGAIN", "FAILED"))).unwrap_err();
        assert!(error.to_string().contains("slow at a.rs:1:1: late"));
        assert!(checked(shell("echo '---- slow stdout ----'; exit 1")).is_err());
        assert!(checked(shell("[ $# = 0 ] || exit 0; exit 1")).is_err());
        let many = "for name in a b c d; do echo \"---- $name stdout ----\"; done; [ $# -gt 0 ]";
        assert!(checked(shell(many)).is_err());
        let killed = "[ $# -gt 0 ] || { echo '---- a stdout ----'; echo '(signal: 9, SIGKILL: kill)' >&2; exit 1; }; \
            echo 'test a ... ok'";
        assert!(checked(shell(killed)).is_err());
    }
}
