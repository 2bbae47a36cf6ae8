//! `cargo xtask build`: the static app in `dist/` and the gateway in `target/release/sagitta`.
//!
//! No bundler needs to be installed: wasm-bindgen is linked as a library, so it cannot drift from the
//! lock file, and `index.html` is read as trunk reads it. Names in `dist/assets` carry a hash of their
//! content, so they can be cached for ever.

use crate::page::{self, Assets};
use crate::prerequisites;
use crate::short_names;
use crate::steps::{Progress, cargo, check, root, target};
use crate::wasm_target::{TARGET, WasmCompiler};
use anyhow::{Context, Result, bail};
use base64::Engine as _;
use sha2::{Digest, Sha256, Sha384};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Child;
use wasm_bindgen_cli_support::Bindgen;

/// Folder of the static app.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// The gateway's program.
pub fn gateway() -> PathBuf {
    program("release", "sagitta")
}

/// The program that makes up the demo's patients.
pub fn phantom() -> PathBuf {
    program("release", "phantom")
}

/// The gateway's program as its own tests are built, with checks of arithmetic.
pub fn gateway_of_tests() -> PathBuf {
    program("debug", "sagitta")
}

fn program(folder: &str, name: &str) -> PathBuf {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    target().join(folder).join(name)
}

/// One file of `dist/assets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Name with hash.
    pub name: String,
    /// Subresource integrity value.
    pub integrity: String,
}

/// How many steps building the app has.
pub const APP_STEPS: usize = 2;

/// How many steps building app and gateway has.
pub const STEPS: usize = APP_STEPS + 1;

/// Builds app, gateway and the maker of the demo, after all that building needs.
///
/// # Errors
/// Something is missing, or does not compile.
pub fn build_all(progress: &mut Progress) -> Result<PathBuf> {
    let compiler = prerequisites::for_build()?;
    build(progress, &compiler)
}

/// The program of the page.
const PAGE: &str = "app";

/// Programs of which the app is made: of the page and of its workers.
const PROGRAMS: [&str; 5] = [
    PAGE,
    "decode_worker",
    "decode_worker_all",
    "plane_worker",
    "video_worker",
];

/// The level at which a whole program is optimised once more: at that of the profile no loop would become a vector loop,
/// not even in crates that ask for it. Crates that are to be small stay so.
const VECTOR_LOOPS: [&str; 2] = ["--", "-Copt-level=2"];

/// Builds app, gateway and the maker of the demo; returns the gateway's program.
///
/// # Errors
/// Something does not compile.
fn build(progress: &mut Progress, compiler: &WasmCompiler) -> Result<PathBuf> {
    let mut command = cargo(&["build", "--release", "--quiet"]);
    // Both at once: their packages are the same, and alone the second one's would be compiled with other features.
    command.args(["--package", "gateway", "--bin", "sagitta"]);
    command.args(["--package", "phantom", "--bin", "phantom"]);
    // Beside the app: the last and longest part of each of its programs keeps one core busy and no more.
    let mut beside = Beside(command.spawn().context("cargo could not be started")?);
    build_app(progress, compiler)?;
    progress.step("Building the gateway", || beside.wait())?;
    Ok(gateway())
}

/// A build that goes on beside another; it ends where the other one fails.
struct Beside(Child);

impl Beside {
    fn wait(&mut self) -> Result<()> {
        let status = self.0.wait()?;
        if !status.success() {
            bail!("the gateway does not compile ({status})");
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds the app alone.
///
/// # Errors
/// Something does not compile.
pub fn build_app(progress: &mut Progress, compiler: &WasmCompiler) -> Result<()> {
    progress.step("Building the app for the browser", || {
        for name in PROGRAMS {
            build_program(compiler, name, &[])?;
        }
        Ok(())
    })?;
    progress.step("Bundling the app into dist", bundle)
}

/// Builds one program for the browser; returns its module.
fn build_program(compiler: &WasmCompiler, name: &str, features: &[&str]) -> Result<PathBuf> {
    let arguments = ["rustc", "--package", "viewer-ui", "--bin", name];
    check(
        compiler
            .cargo(&arguments)
            .args(features)
            .args(["--target", TARGET, "--profile", "web"])
            .args(VECTOR_LOOPS),
    )?;
    Ok(module(name))
}

/// The module of a program that is built.
fn module(name: &str) -> PathBuf {
    let built = target().join(TARGET).join("web");
    built.join(format!("{name}.wasm"))
}

/// Builds the page of made-up scenes, which is no part of the app; returns its module. Most of what it is made of has been
/// compiled for the app.
///
/// # Errors
/// It does not compile.
pub fn build_scenes(compiler: &WasmCompiler) -> Result<PathBuf> {
    build_program(compiler, "gpu_scenes", &["--features", "test-scenes"])
}

/// Builds all decoders as a program for node, which is no part of the app, and binds it in a folder: `codec_bench.js` there
/// exports them. They are compiled as those of the app's workers.
///
/// # Errors
/// It does not compile.
pub fn build_decoders(compiler: &WasmCompiler, folder: &Path) -> Result<()> {
    build_program(compiler, "codec_bench", &[])?;
    bind("codec_bench", Host::Node, folder)
}

/// What the last bundle was made from: nothing is made anew while it is the same.
fn fingerprint() -> Result<String> {
    let mut hash = Sha256::new();
    let mut inputs = PROGRAMS.map(module).to_vec();
    inputs.push(root().join("index.html"));
    inputs.push(std::env::current_exe()?);
    let mut own = Vec::new();
    files_below(&root().join("www"), &mut own)?;
    own.sort();
    inputs.extend(own);
    for input in inputs {
        hash.update(input.to_string_lossy().as_bytes());
        hash.update(
            std::fs::read(&input).with_context(|| format!("{} is missing", input.display()))?,
        );
    }
    Ok(hex(&hash.finalize()))
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} is missing", folder.display()))?;
    for entry in entries.flatten() {
        if entry.file_type()?.is_dir() {
            files_below(&entry.path(), found)?;
        } else {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn bundle() -> Result<()> {
    let fingerprint = fingerprint()?;
    let stamp = dist().join(".built-from");
    if std::fs::read_to_string(&stamp).is_ok_and(|built| built == fingerprint) {
        println!("      unchanged");
        return Ok(());
    }
    let made = target().join("bundle");
    remove(&made)?;
    let fresh = target().join("dist-new");
    remove(&fresh)?;
    std::fs::create_dir_all(fresh.join("assets"))?;
    let assets = write_assets(&made, &fresh)?;
    page::write(&fresh, &assets)?;
    compress(&fresh)?;
    std::fs::write(fresh.join(".built-from"), &fingerprint)?;
    remove(&dist())?;
    // It may lie on another file system.
    std::fs::rename(&fresh, dist()).or_else(|_| copy_folder(&fresh, &dist()))?;
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be replaced", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Copies a folder with all below it.
pub fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Files that workers of one kind start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its start file.
    pub start: Asset,
    /// Its module.
    pub wasm: Asset,
}

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    /// A page, which imports modules.
    Page,
    /// A classic worker, which imports scripts.
    Worker,
    /// Node, as a module.
    Node,
}

/// Binds the module of a program that is built; writes it and its glue into a folder.
fn bind(name: &str, host: Host, folder: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module(name))
        .out_name(name)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    match host {
        Host::Page => bindgen.web(true)?,
        Host::Worker => bindgen.no_modules(true)?,
        Host::Node => bindgen.nodejs_module(true)?,
    };
    bindgen
        .generate(folder)
        .with_context(|| format!("binding {name} failed"))
}

/// Binds all modules and writes everything that gets a hashed name.
fn write_assets(made: &Path, fresh: &Path) -> Result<Assets> {
    for name in PROGRAMS {
        let host = if name == PAGE {
            Host::Page
        } else {
            Host::Worker
        };
        bind(name, host, made)?;
    }
    let folder = fresh.join("assets");
    let put = |name: &str, bytes: &[u8]| asset(&folder, name, bytes);
    let read = |path: PathBuf| {
        std::fs::read(&path).with_context(|| format!("{} is missing", path.display()))
    };
    let bound = |name: &str| {
        let module = read(made.join(format!("{name}_bg.wasm")))?;
        let glue = short_glue(&read(made.join(format!("{name}.js")))?);
        Ok::<_, anyhow::Error>(short_names::shorten(module, glue))
    };
    let worker = |name: &str| {
        let (module, glue) = bound(name)?;
        let wasm = put(&format!("{name}.wasm"), &module)?;
        let glue = put(&format!("{name}_glue.js"), &glue)?;
        // Relative to the worker's own address, which lies in the same folder.
        let start = put(&format!("{name}.js"), worker_start(&glue.name).as_bytes())?;
        Ok::<_, anyhow::Error>(Worker { start, wasm })
    };
    let (app, app_glue) = bound("app")?;
    Ok(Assets {
        app_wasm: put("app.wasm", &app)?,
        app_glue: put("app.js", &app_glue)?,
        worker: worker("decode_worker")?,
        worker_all: worker("decode_worker_all")?,
        plane_worker: worker("plane_worker")?,
        video_worker: worker("video_worker")?,
        boot: put("boot.js", &short_glue(&read(root().join("www/boot.js"))?))?,
        icon: put("favicon.svg", &read(root().join("www/favicon.svg"))?)?,
        styles: page::linked_styles()?
            .iter()
            .map(|path| {
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or("style.css");
                put(name, &short_style(&read(path.clone())?))
            })
            .collect::<Result<_>>()?,
        later: page::linked_later()?
            .iter()
            .map(|path| {
                let name = path.file_name().and_then(|name| name.to_str());
                let name = name.context("a file to load later has no name")?;
                let shorten = match name.ends_with(".css") {
                    true => short_style,
                    false => short_glue,
                };
                Ok((name.to_owned(), put(name, &shorten(&read(path.clone())?))?))
            })
            .collect::<Result<_>>()?,
    })
}

/// The worker's start file. The page fetches and compiles the module once for all workers and posts it; what it
/// posts before the module is ready waits in line, and is handled in a task of its own: what breaks down within a promise
/// would be no error of the worker. A module that cannot start is one, too, which the page hears of.
fn worker_start(glue: &str) -> String {
    format!(
        "importScripts('{glue}');\n\
         const early = [];\n\
         self.onmessage = (event) => {{\n\
         \x20 const [module] = event.data;\n\
         \x20 if (!(module instanceof WebAssembly.Module)) return void early.push(event);\n\
         \x20 self.onmessage = (event) => early.push(event);\n\
         \x20 wasm_bindgen({{ module_or_path: module }}).then(\n\
         \x20   () => {{\n\
         \x20     const handle = self.onmessage;\n\
         \x20     self.onmessage = (event) => early.push(event);\n\
         \x20     setTimeout(() => {{\n\
         \x20       self.onmessage = handle;\n\
         \x20       early.forEach((event) => handle.call(self, event));\n\
         \x20     }});\n\
         \x20   }},\n\
         \x20   (error) => setTimeout(() => {{ throw error; }}),\n\
         \x20 );\n\
         }};\n"
    )
}

/// Glue without indentation, empty lines and comments on lines of their own. A text that goes over several lines would not
/// survive that: then it stays as it is.
fn short_glue(glue: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(glue) else {
        return glue.to_vec();
    };
    if text.lines().any(|line| line.matches('`').count() % 2 == 1) {
        return glue.to_vec();
    }
    let mut short = String::new();
    let mut in_comment = false;
    for line in text.lines().map(str::trim) {
        let is_comment = in_comment || line.starts_with("/*") || line.starts_with("//");
        in_comment = (in_comment || line.starts_with("/*")) && !line.ends_with("*/");
        if !is_comment && !line.is_empty() {
            short.push_str(line);
            short.push('\n');
        }
    }
    short.into_bytes()
}

/// A style sheet without comments, indentation and empty lines. No text of ours holds what begins a comment.
fn short_style(style: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(style) else {
        return style.to_vec();
    };
    let mut parts = text.split("/*");
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        bare.push_str(part.split_once("*/").map_or("", |(_, after)| after));
    }
    let lines = bare.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        .into_bytes()
}

fn asset(folder: &Path, name: &str, bytes: &[u8]) -> Result<Asset> {
    let short = &hex(&Sha256::digest(bytes))[..16];
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let name = format!("{stem}-{short}.{extension}");
    std::fs::write(folder.join(&name), bytes)?;
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha384::digest(bytes));
    Ok(Asset {
        name,
        integrity: format!("sha384-{digest}"),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes `.br` and `.gz` beside every file that gets smaller by it, on two threads.
fn compress(folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    files_below(folder, &mut files)?;
    let kept = target().join("compressed");
    std::fs::create_dir_all(&kept)?;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let (files, kept) = (&files, &kept);
                scope.spawn(move || {
                    files
                        .iter()
                        .skip(worker)
                        .step_by(2)
                        .try_for_each(|file| compress_one(file, kept))
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| anyhow::bail!("compression failed"))
        })
    })
}

/// Compresses one file; the result is kept by the content's hash, so that an unchanged file costs nothing.
fn compress_one(file: &Path, kept: &Path) -> Result<()> {
    let bytes = std::fs::read(file)?;
    let key = hex(&Sha256::digest(&bytes));
    for extension in ["br", "gz"] {
        let known = kept.join(format!("{key}.{extension}"));
        if !known.exists() {
            let packed = if extension == "br" {
                brotli(&bytes)?
            } else {
                gzip(&bytes)?
            };
            std::fs::write(&known, packed)?;
        }
        let packed = std::fs::read(&known)?;
        if packed.len() < bytes.len() {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            std::fs::write(file.with_file_name(format!("{name}.{extension}")), packed)?;
        }
    }
    Ok(())
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 24,
        size_hint: bytes.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &parameters)?;
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glue_loses_what_browsers_do_not_need() {
        let glue = "/* eslint */\n\nlet wasm;\n/**\n * @param {a} b\n */\nfunction f() {\n    // Why.\n    return 'a  // b';\n}\n";
        let short = "let wasm;\nfunction f() {\nreturn 'a  // b';\n}\n";
        assert_eq!(short_glue(glue.as_bytes()), short.as_bytes());
        let lines = "const text = `\n    // stays\n`;\n";
        assert_eq!(short_glue(lines.as_bytes()), lines.as_bytes());
    }

    #[test]
    fn styles_lose_their_comments_and_nothing_else() {
        let style =
            "/* One. */\n.a { top: 0; } /* two\n lines */ .b { left: 0; }\n\n  .c { right: 0; }\n";
        let short = ".a { top: 0; }  .b { left: 0; }\n.c { right: 0; }\n";
        assert_eq!(short_style(style.as_bytes()), short.as_bytes());
    }
}
