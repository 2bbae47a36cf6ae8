//! A real DICOMweb server of another make: Debian's Orthanc, on the loopback interface, in a folder of its own.

use crate::folder::TempFolder;
use crate::gateway::{Answer, exchange};
use crate::process;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take until it answers, on a busy machine.
const START: Duration = Duration::from_secs(180);
/// The DICOMweb plug-in of Debian's package.
const PLUG_IN: &str = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so";

/// A running Orthanc; it ends and its folder goes when this is dropped.
#[derive(Debug)]
pub struct Orthanc {
    child: Child,
    port: u16,
    home: TempFolder,
}

impl Orthanc {
    /// Starts an empty one.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Starts an empty one that knows other servers by their names and the addresses of their DICOMweb roots.
    ///
    /// # Errors
    /// As [`Orthanc::start`].
    pub fn start_with(servers: &[(&str, &str)]) -> Result<Self> {
        let servers = servers
            .iter()
            .map(|(name, root)| ((*name).to_owned(), json!([root])));
        let servers: serde_json::Map<_, _> = servers.collect();
        let program = program("Orthanc", "orthanc")?;
        if !Path::new(PLUG_IN).exists() {
            bail!("Orthanc's DICOMweb plug-in is missing: install the package orthanc-dicomweb");
        }
        let home = TempFolder::new("orthanc")?;
        let port = free_port()?;
        let store = home.path().join("store");
        std::fs::create_dir(&store)?;
        let settings = json!({
            "StorageDirectory": store, "IndexDirectory": store,
            "Plugins": [PLUG_IN],
            "HttpPort": port, "DicomServerEnabled": false,
            "DefaultEncoding": "Utf8",
            "RemoteAccessAllowed": false, "AuthenticationEnabled": false,
            "DicomWeb": { "Enable": true, "Root": "/dicom-web/", "EnableWado": false, "Servers": servers },
        });
        let file = home.write("orthanc.json", settings.to_string().as_bytes())?;
        let said = std::fs::File::create(home.path().join("said.txt"))?;
        let child = Command::new(program)
            .arg(file)
            .env("LD_PRELOAD", loopback(&home)?)
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .context("Orthanc could not be started")?;
        let mut orthanc = Self { child, port, home };
        let began = Instant::now();
        while !orthanc
            .get("/dicom-web/studies?limit=1")
            .is_ok_and(|answer| answer.status == 200)
        {
            if orthanc.child.try_wait()?.is_some() || began.elapsed() > START {
                bail!("Orthanc did not start: {}", orthanc.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(orthanc)
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// All that it printed so far.
    pub fn log(&self) -> String {
        let said = std::fs::read(self.home.path().join("said.txt")).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// It is not there, or does not answer in time.
    pub fn get(&self, path: &str) -> Result<Answer> {
        exchange(
            self.port,
            &format!("GET {path} HTTP/1.0\r\naccept: */*"),
            &[],
        )
    }

    /// Posts JSON, and reads what comes.
    ///
    /// # Errors
    /// It is refused.
    pub fn post(&self, path: &str, body: &serde_json::Value) -> Result<serde_json::Value> {
        let head = format!("POST {path} HTTP/1.0\r\ncontent-type: application/json");
        let answer = exchange(self.port, &head, body.to_string().as_bytes())?;
        if answer.status != 200 {
            bail!("Orthanc says {}: {}", answer.status, answer.text());
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Stores a file and returns the id that Orthanc's own interface knows it by.
    ///
    /// # Errors
    /// It is refused.
    pub fn store(&self, file: &[u8]) -> Result<String> {
        let head = "POST /instances HTTP/1.0\r\ncontent-type: application/dicom";
        let answer = exchange(self.port, head, file)?;
        if answer.status != 200 {
            bail!("Orthanc refused a file: {}", answer.text());
        }
        let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let id = said["ID"].as_str().context("Orthanc names no instance")?;
        Ok(id.to_owned())
    }
}

impl Drop for Orthanc {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

/// Builds the library that keeps it on the loopback interface.
pub(crate) fn loopback(home: &TempFolder) -> Result<PathBuf> {
    let source = home.write("loopback.c", include_bytes!("loopback.c"))?;
    let library = home.path().join("loopback.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .output()
        .context("a C compiler is missing")?;
    if !built.status.success() {
        bail!("{}", String::from_utf8_lossy(&built.stderr));
    }
    Ok(library)
}

/// A port of the loopback interface that is free now.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

/// Path of a server's program; Debian keeps these where a user's PATH does not always look.
pub(crate) fn program(name: &str, package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .with_context(|| format!("{name} is missing: install the package {package}"))
}
