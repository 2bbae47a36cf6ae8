//! A compiler for the browser: rustup's own with the wasm target added, else the distribution's.
//!
//! Debian ships a current compiler and the sources of its standard library, but no library for wasm. It is
//! compiled once and put where that compiler looks for it; rustup learns the toolchain by a link.

use crate::packages::{install, with_rights};
use crate::steps::{cargo, check, has_program, output_of, part, target};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The target that browsers run.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// How long rustup may take: on a closed machine it hangs.
const RUSTUP_PATIENCE: Duration = Duration::from_secs(60);
/// Name under which rustup knows the distribution's toolchain.
const LINKED: &str = "distribution-web";
/// The distribution's programs.
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
/// What the library is built by, beside the compiler's version: another recipe needs another number.
const RECIPE: &str = "1";

/// The compiler that builds for the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmCompiler {
    /// Toolchain that rustup must choose, where it is not the usual one.
    toolchain: Option<&'static str>,
    /// Linker, where the compiler does not bring its own.
    linker: Option<String>,
}

impl WasmCompiler {
    /// A cargo command in the workspace by this compiler.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(arguments);
        if let Some(toolchain) = self.toolchain {
            // By rustup's own cargo: the one that runs this program belongs to another toolchain.
            command = Command::new("cargo");
            command
                .args(arguments)
                .current_dir(crate::steps::root())
                .env("RUSTUP_TOOLCHAIN", toolchain)
                .env_remove("RUSTC");
        }
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }

    fn by(toolchain: Option<&'static str>) -> Self {
        Self {
            toolchain,
            linker: None,
        }
    }

    /// The same with a linker: rustup's compilers bring one, the distribution's leaves it to LLVM's packages.
    fn with_linker(mut self) -> Result<Self> {
        if std::env::var_os("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER").is_some()
            || has_program("rust-lld")
        {
            return Ok(self);
        }
        let ask = |argument: &[&str]| output_of(self.rustc().args(argument)).unwrap_or_default();
        let version = ask(&["-vV"]);
        let sysroot = ask(&["--print", "sysroot"]);
        let host = line_of(&version, "host: ").unwrap_or_default();
        let own = Path::new(sysroot.trim())
            .join("lib/rustlib")
            .join(host)
            .join("bin/rust-lld");
        if !own
            .with_extension(std::env::consts::EXE_EXTENSION)
            .is_file()
        {
            let llvm = line_of(&version, "LLVM version: ").and_then(|text| text.split('.').next());
            let major = llvm.context("the compiler names no LLVM")?;
            let linker = format!("wasm-ld-{major}");
            if !has_program(&linker) {
                install(&[&format!("lld-{major}")], "building for the browser")?;
            }
            self.linker = Some(linker);
        }
        Ok(self)
    }

    fn rustc(&self) -> Command {
        let mut command = Command::new("rustc");
        if let Some(toolchain) = self.toolchain {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        command.stderr(Stdio::null());
        command
    }

    /// True where it has a standard library for the target that fits it.
    fn is_ready(&self) -> bool {
        let folder = output_of(
            self.rustc()
                .args(["--print", "target-libdir", "--target", TARGET]),
        );
        let Some(folder) = folder.map(|folder| PathBuf::from(folder.trim())) else {
            return false;
        };
        let has_library = std::fs::read_dir(&folder).is_ok_and(|files| {
            files
                .flatten()
                .any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
        });
        let fits = match std::fs::read_to_string(folder.join(".built-by")) {
            Ok(built) => output_of(self.rustc().arg("--version"))
                .is_some_and(|version| built == stamp(&version)),
            Err(_) => true,
        };
        has_library && fits
    }
}

/// The rest of the line that starts so.
fn line_of<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(start))
}

fn stamp(version: &str) -> String {
    format!("recipe {RECIPE}, {}\n", version.trim())
}

/// The compiler for the browser; what it needs is installed if it is missing.
///
/// # Errors
/// The target cannot be added by rustup, nor made from the distribution's sources.
pub fn ready() -> Result<WasmCompiler> {
    with_library()?.with_linker()
}

fn with_library() -> Result<WasmCompiler> {
    let usual = WasmCompiler::by(None);
    if usual.is_ready() {
        return Ok(usual);
    }
    if has_program("rustup") {
        let linked = WasmCompiler::by(Some(LINKED));
        if linked.is_ready() {
            return Ok(linked);
        }
        part("Adding the wasm target to the Rust toolchain", || {
            Ok(finishes(
                Command::new("rustup")
                    .args(["target", "add", TARGET])
                    .env("RUST_BACKTRACE", "0"),
                RUSTUP_PATIENCE,
            ))
        })?;
        if usual.is_ready() {
            return Ok(usual);
        }
    }
    if !has_program("apt-get") {
        bail!(
            "the target {TARGET} is missing and could not be added: run `rustup target add {TARGET}`"
        );
    }
    println!("\u{2022} rustup cannot add it here; the distribution's compiler is made ready");
    distribution()
}

/// True where a command ends well within some time; it is ended when it takes longer.
fn finishes(command: &mut Command, patience: Duration) -> bool {
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if began.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(100));
            }
            _ => {
                // It hangs or cannot be asked: either way it is of no use any more.
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

/// Installs the distribution's compiler and builds its library for wasm.
fn distribution() -> Result<WasmCompiler> {
    let packages = [
        "rustc-web",
        "cargo-web",
        "rust-web-src",
        "rust-web-clippy",
        "rustfmt-web",
    ];
    install(&packages, "building for the browser")?;
    let ask = |arguments: &[&str]| {
        output_of(own(RUSTC).args(arguments)).context("the distribution's compiler does not work")
    };
    let library = ask(&["--print", "target-libdir", "--target", TARGET])?;
    let library = Path::new(library.trim());
    let wanted = stamp(&ask(&["--version"])?);
    if std::fs::read_to_string(library.join(".built-by")).is_ok_and(|built| built == wanted) {
        return linked(&ask(&["--print", "sysroot"])?);
    }
    part("Compiling the standard library for the browser", || {
        let build = target().join("wasm-std");
        let files = compile_library(&build)?;
        // What is replaced is named by the compiler; never anything but its library for wasm.
        if !library.ends_with(Path::new(TARGET).join("lib")) {
            bail!("the compiler names no folder for its library");
        }
        check(with_rights("rm")?.arg("-rf").arg(library))?;
        check(
            with_rights("install")?
                .args(["-m", "644", "-D", "-t"])
                .arg(library)
                .args(files),
        )?;
        let made = build.join("stamp");
        std::fs::write(&made, &wanted)?;
        check(
            with_rights("install")?
                .args(["-m", "644"])
                .arg(&made)
                .arg(library.join(".built-by")),
        )
    })?;
    linked(&ask(&["--print", "sysroot"])?)
}

/// One of the distribution's programs, without what rustup tells its own.
fn own(program: &str) -> Command {
    let mut command = Command::new(program);
    for variable in [
        "RUSTUP_TOOLCHAIN",
        "LD_LIBRARY_PATH",
        "CARGO",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "RUSTC_WRAPPER",
    ] {
        command.env_remove(variable);
    }
    command.stderr(Stdio::null());
    command
}

/// Builds the library; returns its files.
fn compile_library(build: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(build.join("src"))?;
    std::fs::write(build.join("src/lib.rs"), "")?;
    std::fs::write(
        build.join("Cargo.toml"),
        "[package]\nname = \"wasm-std\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    // Building the library itself is unstable, so the stable compiler is allowed to, here only. Without
    // bitcode the project could not be linked by `lto`.
    check(
        own(CARGO)
            .args(["build", "--quiet", "--release", "--target", TARGET])
            .arg("-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", RUSTC)
            .env("RUSTFLAGS", "-Cembed-bitcode=yes")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
            .env("CARGO_TARGET_DIR", build.join("target"))
            .current_dir(build)
            .stderr(Stdio::inherit()),
    )?;
    let made = build.join("target").join(TARGET).join("release/deps");
    let files = std::fs::read_dir(made)?.flatten().map(|file| file.path());
    Ok(files
        .filter(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".rlib") && !name.starts_with("libwasm_std")
        })
        .collect())
}

/// Tells rustup of the distribution's toolchain, where there is a rustup.
fn linked(sysroot: &str) -> Result<WasmCompiler> {
    if !has_program("rustup") {
        return Ok(WasmCompiler::by(None));
    }
    let link = ["toolchain", "link", LINKED, sysroot.trim()];
    check(Command::new("rustup").args(link).stderr(Stdio::null()))?;
    Ok(WasmCompiler::by(Some(LINKED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_hangs_is_ended() {
        let began = Instant::now();
        assert!(!finishes(
            Command::new("sleep").arg("60"),
            Duration::from_millis(200)
        ));
        assert!(began.elapsed() < Duration::from_secs(30));
        assert!(finishes(&mut Command::new("true"), Duration::from_secs(30)));
        assert!(!finishes(
            &mut Command::new("/no/such/program"),
            Duration::from_secs(1)
        ));
    }

    #[test]
    fn another_toolchain_is_chosen_by_name() {
        let mut compiler = WasmCompiler::by(Some(LINKED));
        compiler.linker = Some("wasm-ld-22".into());
        let command = compiler.cargo(&["build"]);
        let has = |name: &str, value: &str| {
            let wanted = (name.as_ref(), Some(value.as_ref()));
            command.get_envs().any(|variable| variable == wanted)
        };
        assert!(has("RUSTUP_TOOLCHAIN", LINKED));
        assert!(has(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            "wasm-ld-22"
        ));
        assert_eq!(command.get_program(), "cargo");
    }
}
