//! Modules are made smaller by Binaryen's `wasm-opt` where it is on the PATH. It is never needed: without it they load a tenth
//! more.

use crate::bundle::hex;
use crate::steps::{check, has_program, output_of, target};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = "wasm-opt";
/// How: for size, by what the module itself says that it uses.
const OPTIONS: [&str; 1] = ["-Os"];

/// A `wasm-opt` that is there.
#[derive(Debug)]
pub struct Shrinker {
    version: String,
}

impl Shrinker {
    /// The one on the PATH.
    pub fn find() -> Option<Self> {
        if !has_program(PROGRAM) {
            return None;
        }
        let version = output_of(Command::new(PROGRAM).arg("--version"))?;
        Some(Self { version })
    }

    /// What it says of itself.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Makes a module smaller; what came of it is kept by the content's hash.
    ///
    /// # Errors
    /// The module cannot be read or written, or `wasm-opt` does not take it.
    pub fn shrink(&self, module: &Path) -> Result<()> {
        let bytes =
            std::fs::read(module).with_context(|| format!("{} is missing", module.display()))?;
        let mut hash = Sha256::new();
        hash.update(&self.version);
        hash.update(OPTIONS.join(" "));
        hash.update(&bytes);
        let kept = target().join("shrunk");
        std::fs::create_dir_all(&kept)?;
        let known = kept.join(format!("{}.wasm", hex(&hash.finalize())));
        if !known.exists() {
            let fresh = kept.join("fresh.wasm");
            let mut program = Command::new(PROGRAM);
            check(program.args(OPTIONS).arg(module).arg("-o").arg(&fresh))?;
            std::fs::rename(&fresh, &known)?;
        }
        std::fs::copy(&known, module)?;
        Ok(())
    }
}
