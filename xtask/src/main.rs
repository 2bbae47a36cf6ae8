//! The project's commands: `cargo xtask run | test | build | bench | fuzz | tidy | sbom`.

mod bench;
mod bundle;
mod failures;
mod fuzz;
mod packages;
mod page;
mod prerequisites;
mod run;
mod short_names;
mod steps;
mod supply;
mod test;
mod tidy;
mod wasm_target;

use std::process::ExitCode;
use steps::Progress;

const USAGE: &str = "\
cargo xtask run [--data DIR]... [--listen 127.0.0.1:8080] [--config FILE]   builds and serves the viewer
cargo xtask test                                                          installs what tests need, runs all
cargo xtask build [app]                                                   dist/ and target/release/sagitta; dist/ alone
cargo xtask bench [codecs | peer | qido | store]                          measures, writes target/bench/NAME.json
cargo xtask fuzz [MINUTES] [TARGET]...                                     runs the fuzz targets, 10 minutes each
cargo xtask tidy                                                          checks the rules of ARCHITECTURE.md, and packages
cargo xtask sbom                                                          writes target/sbom/*.cdx.json (CycloneDX)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let result = match arguments.first().map(String::as_str) {
        Some("run") => run::run(rest),
        Some("test") => test::test(),
        Some("build") if rest.first().is_some_and(|what| what == "app") => {
            let mut progress = Progress::of(bundle::APP_STEPS);
            prerequisites::for_build()
                .and_then(|compiler| bundle::build_app(&mut progress, &compiler))
        }
        Some("build") => bundle::build_all(&mut Progress::of(bundle::STEPS)).map(|_| ()),
        Some("bench") => bench::bench(rest.first().map(String::as_str)),
        Some("fuzz") => fuzz::fuzz(rest),
        Some("tidy") => tidy::tidy().and_then(|()| supply::check()),
        Some("sbom") => supply::write(),
        _ => {
            println!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One sentence with its causes, never a stack trace.
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
