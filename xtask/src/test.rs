//! `cargo xtask test`: installs what tests need and runs all of them.

use crate::steps::{Progress, cargo, check};
use crate::wasm_target::{TARGET, WasmCompiler};
use crate::{bundle, failures, prerequisites, supply, tidy};
use anyhow::{Result, bail};

/// Everything that CI runs, in the order in which failures are cheapest. A failed check does not keep the
/// later ones from running; the last line says how long each took.
pub fn test() -> Result<()> {
    let compiler = prerequisites::for_build()?;
    prerequisites::for_tests()?;
    let mut progress = Progress::of(7 + bundle::APP_STEPS);
    let outcome = run_all(&mut progress, &compiler);
    println!("{}", progress.summary());
    let second = outcome?;
    if !progress.failed().is_empty() {
        bail!("failed: {}", progress.failed().join(", "));
    }
    match second {
        Some(second) => println!("All tests passed, some of them only by themselves{second}"),
        None => println!("All tests passed"),
    }
    Ok(())
}

/// Answers with the tests that passed only by themselves, if there are any.
fn run_all(progress: &mut Progress, compiler: &WasmCompiler) -> Result<Option<String>> {
    progress.attempt("Rules", tidy::tidy);
    progress.attempt("Packages", supply::check);
    progress.attempt("Format", || check(&mut cargo(&["fmt", "--all", "--check"])));
    progress.attempt("Lints", || lints(compiler));
    bundle::build_app(progress, compiler)?;
    let scenes = progress.step("Building the page of scenes", || {
        bundle::build_scenes(compiler)
    })?;
    progress.step("Compiling the tests", || {
        check(&mut cargo(&["test", "--workspace", "--no-run"]))
    })?;
    let tests = |more: &[&str]| {
        let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
        tests.args(more).env("SAGITTA_GPU_SCENES", &scenes);
        // Compiled with the tests of its package: a release of it would be compiled for this alone.
        tests.env("SAGITTA_PROGRAM", bundle::gateway_of_tests());
        tests
    };
    let mut second = None;
    progress.attempt("Tests", || {
        second = failures::check(tests)?;
        Ok(())
    });
    Ok(second)
}

/// Warnings are errors here, natively and for the browser; all are listed before it fails.
fn lints(compiler: &WasmCompiler) -> Result<()> {
    let deny = ["--keep-going", "--", "-Dwarnings"];
    let native = check(cargo(&["clippy", "--workspace", "--all-targets"]).args(deny));
    let browser = ["protocol", "viewer-core", "viewer-gpu", "viewer-ui"];
    let packages = browser.iter().flat_map(|name| ["--package", name]);
    let browser = check(
        compiler
            .cargo(&["clippy", "--target", TARGET])
            .args(packages)
            .args(deny),
    );
    native.and(browser)
}
