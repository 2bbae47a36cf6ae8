//! What must be on the machine: the compiler, the wasm target, and for tests a browser and a software
//! Vulkan driver. Each is installed only if it is missing.

use crate::steps::{check, has_program, output_of, step};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TARGET: &str = "wasm32-unknown-unknown";
/// Oldest compiler that builds the project.
const OLDEST_RUSTC: (u32, u32) = (1, 92);
/// How long rustup may take: on a closed machine it hangs.
const RUSTUP_PATIENCE: Duration = Duration::from_secs(60);

/// What building needs.
pub fn for_build() -> Result<()> {
    let version = output_of(Command::new("rustc").arg("--version"))
        .context("rustc is missing: install Rust by https://rustup.rs")?;
    let mut numbers = version
        .split_whitespace()
        .nth(1)
        .unwrap_or_default()
        .split('.')
        .map_while(|number| number.parse().ok());
    let found: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < OLDEST_RUSTC {
        let (major, minor) = OLDEST_RUSTC;
        bail!(
            "rustc {major}.{minor} or later is needed, this is {}",
            version.trim()
        );
    }
    if !["cc", "gcc", "clang"].into_iter().any(has_program) {
        bail!("a C compiler is needed for SQLite: on Debian, apt-get install gcc");
    }
    wasm_target()
}

fn has_wasm_target(rustc: &str) -> bool {
    let folder =
        output_of(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]));
    let Some(folder) = folder else { return false };
    std::fs::read_dir(folder.trim()).is_ok_and(|files| {
        files
            .flatten()
            .any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
    })
}

fn wasm_target() -> Result<()> {
    if has_wasm_target("rustc") {
        return Ok(());
    }
    if has_program("rustup") {
        let added = step("Adding the wasm target to the Rust toolchain", || {
            Ok(finishes(
                Command::new("rustup").args(["target", "add", TARGET]),
                RUSTUP_PATIENCE,
            ))
        })?;
        if added && has_wasm_target("rustc") {
            return Ok(());
        }
    }
    if !has_program("apt-get") {
        bail!(
            "the target {TARGET} is missing and could not be added: run `rustup target add {TARGET}`"
        );
    }
    step(
        "Building the wasm standard library from the distribution's sources",
        distribution_target,
    )
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

/// Debian has compiler and library sources but no wasm library: it is compiled once and put where the
/// compiler looks, and rustup learns the toolchain by a link.
fn distribution_target() -> Result<()> {
    install(&["rustc-web", "cargo-web", "rust-web-src", "lld"])?;
    let rustc = "/usr/bin/rustc";
    let library =
        output_of(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]))
            .context("the distribution's rustc does not work")?;
    let build = std::env::temp_dir().join("sagitta-wasm-std");
    std::fs::create_dir_all(build.join("src"))?;
    std::fs::write(build.join("src/lib.rs"), "")?;
    std::fs::write(
        build.join("Cargo.toml"),
        "[package]\nname = \"wasm-std\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n",
    )?;
    check(
        Command::new("/usr/bin/cargo")
            .args(["build", "--quiet", "--release", "--target", TARGET])
            .arg("-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", rustc)
            .env("RUSTFLAGS", "-Cembed-bitcode=yes")
            .env("CARGO_TARGET_DIR", build.join("target"))
            .env_remove("RUSTUP_TOOLCHAIN")
            .current_dir(&build),
    )?;
    let made = build.join("target").join(TARGET).join("release/deps");
    let library = Path::new(library.trim());
    check(sudo("mkdir").arg("-p").arg(library).stdout(Stdio::null()))?;
    for file in std::fs::read_dir(made)?.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libwasm_std") {
            check(sudo("cp").arg(file.path()).arg(library))?;
        }
    }
    if has_program("rustup") {
        check(Command::new("rustup").args(["toolchain", "link", "distribution-web", "/usr"]))?;
        bail!(
            "the toolchain distribution-web is ready: run this again with RUSTUP_TOOLCHAIN=distribution-web"
        );
    }
    Ok(())
}

/// A command with the rights to install.
fn sudo(program: &str) -> Command {
    let is_root = output_of(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    if is_root {
        Command::new(program)
    } else {
        let mut command = Command::new("sudo");
        command.arg(program);
        command
    }
}

/// Installs Debian packages that are missing.
fn install(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| {
            let status = output_of(
                Command::new("dpkg-query")
                    .args(["-W", "-f", "${Status}", package])
                    .stderr(Stdio::null()),
            );
            !status.is_some_and(|status| status.contains("install ok installed"))
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !has_program("apt-get") {
        bail!(
            "tests need {}: install them by your system's package manager",
            missing.join(", ")
        );
    }
    step(&format!("Installing {}", missing.join(", ")), || {
        check(sudo("apt-get").args(["update", "-qq"]))?;
        check(
            sudo("apt-get")
                .args(["install", "-y", "-qq", "--no-install-recommends"])
                .args(["-o", "DPkg::Lock::Timeout=300"])
                .args(&missing)
                .env("DEBIAN_FRONTEND", "noninteractive")
                .stdout(Stdio::null()),
        )
        .with_context(|| {
            format!(
                "tests need {}, which could not be installed",
                missing.join(", ")
            )
        })
    })
}

/// What tests need beside that.
pub fn for_tests() -> Result<()> {
    let has_browser = ["chromium", "google-chrome", "chromium-browser"]
        .into_iter()
        .any(has_program);
    let has_driver = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .into_iter()
        .any(|folder| {
            std::fs::read_dir(folder).is_ok_and(|files| {
                files
                    .flatten()
                    .any(|file| file.file_name().to_string_lossy().starts_with("lvp"))
            })
        });
    let mut packages = Vec::new();
    if !has_browser {
        packages.push("chromium");
    }
    if !has_driver {
        packages.push("mesa-vulkan-drivers");
    }
    install(&packages)
}
