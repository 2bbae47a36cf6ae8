//! The viewer, by WebGPU and by WebGL2, beside Cornerstone3D and OHIF, by the benchmark in `../shared/peer`: all in one headless browser, in
//! alternating rounds, over a server that only copies frames out of memory.
//!
//! The benchmark is set up in `target/peer`; `SAGITTA_PEER` names a copy that is set up already.

use super::beside::{self, Beside};
use super::report;
use crate::bundle;
use crate::steps::{Progress, check, part};
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A CT of 200 slices: as a stack, uncompressed and as JPEG-LS, and in three planes, as HTJ2K.
const CASES: [&str; 3] = ["stack-ct200-raw", "stack-ct200-jls", "mpr-ct200-htj2k"];
/// Ours: by WebGPU, the usual way, and by WebGL2.
const VIEWERS: [&str; 2] = ["ours", "webgl2"];
/// The peers; OHIF shows planes only.
const PEERS: [&str; 2] = ["cs3d", "ohif"];
/// Where the benchmark is.
const BENCHMARK: Beside = Beside {
    source: "shared/peer",
    holds: "run.mjs",
    copy: "peer",
    variable: "SAGITTA_PEER",
};
/// How long the server may take to read its frames.
const SERVER_START: Duration = Duration::from_secs(60);

/// Measures, prints a table, writes `target/bench/peer.json`.
pub fn peer(rounds: usize) -> Result<()> {
    beside::check_programs()?;
    let app = match std::env::var_os("SAGITTA_DIST") {
        Some(built) => PathBuf::from(built),
        None => {
            bundle::build_all(&mut Progress::of(bundle::STEPS))?;
            bundle::dist()
        }
    };
    if !app.join("bench.html").is_file() {
        bail!("{} has no bench.html", app.display());
    }
    let folder = prepared()?;
    let raw = report::place("peer-samples.json")?;
    let server = Server::start(&folder, &app)?;
    let address = format!("http://127.0.0.1:{}", server.port);
    let page = format!(
        "{address}/ours/bench.html?study={{study}}&series={{series}}&mode={{mode}}&vw={{vw}}"
    );
    // The first round warms caches up and is not counted.
    part(
        &format!("Measuring {rounds} rounds and one to warm up"),
        || {
            check(
                Command::new("node")
                    .arg("run.mjs")
                    .args(["--server", &address])
                    .args(["--ohif", &format!("http://127.0.0.1:{}", server.ohif_port)])
                    .arg("--adapter")
                    .arg(format!("ours={page}"))
                    .arg("--adapter")
                    .arg(format!("webgl2={page}&backend=webgl2"))
                    .args(["--adapters", &[VIEWERS, PEERS].concat().join(",")])
                    .args(["--only", &CASES.join(",")])
                    .args(["--reps", &(rounds + 1).to_string()])
                    .arg("--out")
                    .arg(&raw)
                    .current_dir(&folder),
            )
        },
    )?;
    drop(server);
    let samples = std::fs::read_to_string(&raw).context("the benchmark wrote no samples")?;
    let report = report::read(&samples, &CASES, &VIEWERS, &PEERS)?;
    report::publish("peer", &report::table(&report), &report)
}

/// The benchmark's folder, set up.
fn prepared() -> Result<PathBuf> {
    let folder = BENCHMARK.folder()?;
    let run = |what: &str, command: &mut Command| beside::run(&folder, what, command);
    beside::packages_of_node(&folder, "ci")?;
    if !folder.join("vendor/package/dist/index.html").is_file() {
        run("Fetching OHIF", Command::new("node").arg("get-ohif.mjs"))?;
    }
    if !folder.join("data/out/ct/htj2k.json").is_file() {
        let python = beside::python(&folder, "data/requirements.txt")?;
        run(
            "Making the CT of 200 slices",
            Command::new(&python).args([
                "data/prepare_data.py",
                "--only",
                "ct",
                "--n",
                "200",
                "--ts",
                "raw,jls,htj2k",
            ]),
        )?;
    }
    if !folder.join("dist/cs3d.html").is_file() {
        run("Bundling the peer", Command::new("node").arg("build.mjs"))?;
    }
    Ok(folder)
}

/// The benchmark's server; it ends when this is dropped.
struct Server {
    child: Child,
    port: u16,
    ohif_port: u16,
}

impl Server {
    fn start(folder: &Path, app: &Path) -> Result<Self> {
        let (port, ohif_port) = free_ports()?;
        let mut extra = std::ffi::OsString::from("ours=");
        extra.push(std::path::absolute(app)?);
        let child = Command::new("node")
            .arg("server.mjs")
            .args([
                "--port",
                &port.to_string(),
                "--ohif-port",
                &ohif_port.to_string(),
            ])
            .arg("--extra")
            .arg(extra)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("node could not be started")?;
        let mut server = Self {
            child,
            port,
            ohif_port,
        };
        let began = Instant::now();
        loop {
            let catalog = server.catalog().unwrap_or_default();
            if CASES
                .iter()
                .filter_map(|case| case.split_once('-'))
                .all(|(_, study)| catalog.contains(study))
            {
                return Ok(server);
            }
            if server.child.try_wait()?.is_some() || began.elapsed() > SERVER_START {
                bail!(
                    "the benchmark's server does not offer {}",
                    CASES.join(" and ")
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn catalog(&self) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET /__catalog HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two ports that nobody uses at the moment.
fn free_ports() -> Result<(u16, u16)> {
    let first = TcpListener::bind(("127.0.0.1", 0))?;
    let second = TcpListener::bind(("127.0.0.1", 0))?;
    Ok((first.local_addr()?.port(), second.local_addr()?.port()))
}
