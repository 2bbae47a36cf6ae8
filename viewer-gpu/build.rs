//! Takes comments and indentation out of the shaders: browsers load them with the app.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).ok_or_else(|| io::Error::other("cargo runs this"));
    let shaders = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../shaders");
    let out = variable("OUT_DIR")?;
    println!("cargo::rerun-if-changed={}", shaders.display());
    for entry in fs::read_dir(shaders)? {
        let entry = entry?;
        let source = fs::read_to_string(entry.path())?;
        fs::write(
            Path::new(&out).join(entry.file_name()),
            without_comments(&source),
        )?;
    }
    Ok(())
}

/// WGSL has no text in which two slashes could be anything else.
fn without_comments(source: &str) -> String {
    source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect()
}
