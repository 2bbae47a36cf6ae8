//! What must be on the machine: the compiler, and for tests its tools, a browser and a software Vulkan
//! driver. Each is installed only if it is missing.

use crate::packages::install;
use crate::steps::{check, has_program, output_of, part, root, target};
use crate::wasm_target::{self, WasmCompiler};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Oldest compiler that builds the project.
const OLDEST_RUSTC: (u32, u32) = (1, 92);

/// What building needs; returns the compiler for the browser.
///
/// # Errors
/// Something is missing and could not be installed.
pub fn for_build() -> Result<WasmCompiler> {
    let version = output_of(Command::new("rustc").arg("--version"))
        .context("rustc is missing: install Rust by https://rustup.rs")?;
    if numbers(&version) < OLDEST_RUSTC {
        let (major, minor) = OLDEST_RUSTC;
        bail!(
            "Rust {major}.{minor} or later is needed, this is {}: run `rustup update`",
            version.trim()
        );
    }
    if !["cc", "gcc", "clang"].into_iter().any(has_program) {
        bail!("a C compiler is needed for SQLite: on Debian, run `apt-get install gcc`");
    }
    wasm_target::ready()
}

/// Major and minor number in `rustc 1.95.0 (59807616e 2026-04-14)`.
fn numbers(version: &str) -> (u32, u32) {
    let mut numbers = version
        .split_whitespace()
        .nth(1)
        .unwrap_or_default()
        .split('.')
        .map_while(|number| number.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// What tests need beside that.
///
/// # Errors
/// Something is missing and could not be installed.
pub fn for_tests() -> Result<()> {
    for (program, component) in [("cargo-fmt", "rustfmt"), ("cargo-clippy", "clippy")] {
        let mut ask = Command::new(program);
        ask.arg("--version").stderr(Stdio::null());
        if output_of(&mut ask).is_some() {
            continue;
        }
        if !has_program("rustup") {
            bail!("tests need {program}: install it as you installed Rust");
        }
        part(&format!("Adding {component} to the Rust toolchain"), || {
            check(Command::new("rustup").args(["component", "add", component]))
        })?;
    }
    let has_browser = std::env::var_os("CHROMIUM").is_some()
        || ["chromium", "chromium-browser", "google-chrome"]
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
    // A real server of another make, and a web server in front of it.
    if !has_program("nginx") && !Path::new("/usr/sbin/nginx").is_file() {
        packages.push("nginx-light");
    }
    if !has_program("Orthanc") && !Path::new("/usr/sbin/Orthanc").is_file() {
        packages.push("orthanc");
    }
    if !Path::new("/usr/share/orthanc/plugins/libOrthancDicomWeb.so").exists() {
        packages.push("orthanc-dicomweb");
    }
    // A judge of what is written.
    if !has_program("dciodvfy") {
        packages.push("dicom3tools");
    }
    // One-time passwords by another implementation.
    if !has_program("oathtool") {
        packages.push("oathtool");
    }
    if !has_numpy() {
        packages.push("python3-numpy");
    }
    if !has_program("node") {
        packages.push("nodejs");
    }
    if !has_program("npm") {
        packages.push("npm");
    }
    if !has_venv() {
        packages.push("python3-venv");
    }
    // A second engine for the viewer in a frame.
    let has_second = std::env::var_os("FIREFOX").is_some()
        || ["firefox-esr", "firefox"].into_iter().any(has_program);
    if !has_second {
        packages.push("firefox-esr");
    }
    install(&packages, "testing")?;
    npm_package("oidc-provider", "9.13.3")?;
    npm_package("axe-core", "4.14.1")?;
    python_packages("schemathesis", &["schemathesis==4.32.5"])?;
    python_packages("audit-forms", &AUDIT_FORMS)?;
    python_packages("dicomweb-client", &DICOMWEB_CLIENT)?;
    python_packages("tiny-pacs", &TINY_PACS)?;
    python_packages("stream-encoders", &STREAM_ENCODERS)?;
    generated_streams()
}

/// What fuzzing needs: streams to begin with. Returns the Python that has their encoders, and pydicom.
///
/// # Errors
/// Something is missing and could not be installed.
pub fn for_fuzzing() -> Result<PathBuf> {
    if !has_venv() {
        install(&["python3-venv"], "fuzzing")?;
    }
    python_packages("stream-encoders", &STREAM_ENCODERS)?;
    generated_streams()?;
    Ok(target().join("stream-encoders/bin/python"))
}

/// Encoders of other makes, which write the streams that decoders are judged by.
const STREAM_ENCODERS: [&str; 7] = [
    "imagecodecs==2026.3.6",
    "numpy==2.4.6",
    "pillow==13.0.0",
    "pillow-jxl-plugin==1.3.8",
    "pydicom==3.0.2",
    "pyjpegls==1.5.1",
    "pylibjpeg-rle==2.2.0",
];

/// Streams of every codec for the tests of the decoders, made again where a script or a package is another one.
fn generated_streams() -> Result<()> {
    let scripts = root().join("viewer-core/tests/generated");
    let mut made_of = STREAM_ENCODERS.join(" ");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&scripts)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "py") {
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        made_of.push_str(&std::fs::read_to_string(path)?);
    }
    let folder = target().join("generated-streams");
    let (file, mark) = (folder.join("streams.bin"), folder.join("made_of.txt"));
    if file.is_file() && std::fs::read_to_string(&mark).is_ok_and(|text| text == made_of) {
        return Ok(());
    }
    part("Making streams for the tests of the decoders", || {
        let mut python = Command::new(target().join("stream-encoders/bin/python"));
        // Compiled scripts would lie among the sources.
        python.arg("-B").arg(scripts.join("make.py")).arg(&file);
        check(&mut python).context("the streams for the tests of the decoders could not be made")
    })?;
    std::fs::write(&mark, &made_of)
        .with_context(|| format!("the file {} cannot be written", mark.display()))
}

/// A DICOMweb server that gives whole instances and nothing else.
const TINY_PACS: [&str; 3] = [
    "tiny-pacs==0.4.1",
    "tiny-pacs-dicomweb==0.1.0",
    "waitress==3.0.2",
];

/// What checks exports of the audit record: models of FHIR, and a reader of RELAX NG.
const AUDIT_FORMS: [&str; 2] = ["fhir.resources==8.3.0", "lxml==6.1.3"];

/// A DICOMweb client of another make, and the reader of files by which its answers are judged.
const DICOMWEB_CLIENT: [&str; 2] = ["dicomweb-client==0.61.2", "pydicom==3.0.2"];

/// A package of npm in a folder of its own under the target folder: exactly this version, and no script of it is run.
fn npm_package(name: &str, version: &str) -> Result<()> {
    let folder = target().join(name);
    let described = folder.join("node_modules").join(name).join("package.json");
    let is_there = std::fs::read_to_string(described)
        .is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")));
    if is_there {
        return Ok(());
    }
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    part(
        &format!("Installing {name} {version} of npm, which testing needs"),
        || {
            let mut npm = Command::new("npm");
            npm.args([
                "install",
                "--no-save",
                "--no-fund",
                "--no-audit",
                "--ignore-scripts",
            ])
            .args(["--loglevel", "error", "--prefix"])
            .arg(&folder)
            .arg(format!("{name}@{version}"))
            .current_dir(&folder)
            .stdout(Stdio::null());
            check(&mut npm).with_context(|| {
                format!("testing needs {name} {version} of npm, which could not be installed")
            })
        },
    )
}

/// Packages of PyPI in an environment of their own under the target folder: exactly these versions.
fn python_packages(name: &str, packages: &[&str]) -> Result<()> {
    let folder = target().join(name);
    let python = folder.join("bin").join("python");
    let wanted = packages.join(" ");
    let mark = folder.join("installed");
    // A Python that has gone since takes its environments with it.
    let lives = output_of(Command::new(&python).arg("--version").stderr(Stdio::null())).is_some();
    if lives && std::fs::read_to_string(&mark).is_ok_and(|text| text == wanted) {
        return Ok(());
    }
    part(
        &format!("Installing {wanted} of PyPI, which testing needs"),
        || {
            let mut make = Command::new("python3");
            let made = check(make.args(["-m", "venv", "--clear"]).arg(&folder));
            made.with_context(
                || "testing needs Python's venv: on Debian, run `apt-get install python3-venv`",
            )?;
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
                .arg("--disable-pip-version-check")
                .args(packages);
            check(&mut pip).with_context(|| {
                format!("testing needs {wanted} of PyPI, which could not be installed")
            })
        },
    )?;
    std::fs::write(&mark, &wanted)
        .with_context(|| format!("the file {} cannot be written", mark.display()))
}

/// True where a Python has numpy, by which another implementation of the picture chain is computed.
fn has_numpy() -> bool {
    ["python3", "/usr/bin/python3"].into_iter().any(|program| {
        let mut ask = Command::new(program);
        ask.args(["-c", "import numpy"]).stderr(Stdio::null());
        output_of(&mut ask).is_some()
    })
}

/// True where Python can make environments of its own.
fn has_venv() -> bool {
    let mut ask = Command::new("python3");
    ask.args(["-c", "import venv, ensurepip"])
        .stderr(Stdio::null());
    output_of(&mut ask).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(numbers("rustc 1.95.0 (59807616e 2026-04-14)"), (1, 95));
        assert!(numbers("rustc 1.100.0-nightly (x)") > OLDEST_RUSTC);
        assert!(numbers("rustc 1.9.0") < OLDEST_RUSTC);
        assert!(numbers("nonsense") < OLDEST_RUSTC);
    }
}
