//! Writes the demo's made-up patients into a folder: `cargo run --release -p phantom -- DIR [SEED]`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: phantom DIR [SEED]");
        return ExitCode::FAILURE;
    };
    let seed = arguments
        .next()
        .and_then(|text| text.to_str()?.parse().ok())
        .unwrap_or(1);
    let mut progress = |done: usize, total: usize| {
        if done.is_multiple_of(50) || done == total {
            println!("{done} of {total} files");
        }
    };
    match phantom::write_demo(&folder, seed, &mut progress) {
        Ok(summary) => {
            println!(
                "{} studies, {} files, {} MB",
                summary.studies,
                summary.files,
                summary.bytes / 1_000_000
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
