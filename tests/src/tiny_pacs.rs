//! A real DICOMweb server that knows neither metadata nor frames: PyPI's tiny-pacs, on the loopback interface, in memory.

use crate::folder::{TempFolder, root};
use crate::gateway::exchange;
use crate::orthanc::{free_port, loopback};
use crate::process;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take until it answers, on a busy machine.
const START: Duration = Duration::from_secs(180);

/// A running tiny-pacs; it ends and its folder goes when this is dropped.
#[derive(Debug)]
pub struct TinyPacs {
    child: Child,
    port: u16,
    home: TempFolder,
}

impl TinyPacs {
    /// Starts an empty one, its root at `/dicom-web`.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let target = std::env::var_os("CARGO_TARGET_DIR");
        let target = target.map_or_else(|| root().join("target"), PathBuf::from);
        let program = target.join("tiny-pacs/bin/tiny-pacs");
        if !program.is_file() {
            bail!("PyPI's tiny-pacs is missing: cargo xtask test installs it");
        }
        let home = TempFolder::new("tiny-pacs")?;
        let port = free_port()?;
        let settings = format!(
            "ae: {{ae_title: [TINY], port: 0}}\n\
             components:\n\
             \x20 Database: {{'on': true, driver: sqlite, uri: true, mode: memory}}\n\
             \x20 Devices: {{'on': true}}\n\
             \x20 PACS: {{'on': true}}\n\
             \x20 InMemoryStorage: {{'on': true}}\n\
             \x20 HttpServer: {{'on': true, host: 127.0.0.1, port: {port}}}\n\
             \x20 DICOMWeb: {{'on': true, prefix: /dicom-web}}\n"
        );
        let file = home.write("tiny.yaml", settings.as_bytes())?;
        let said = std::fs::File::create(home.path().join("said.txt"))?;
        let child = Command::new(program)
            .args(["run", "-c"])
            .arg(file)
            .current_dir(home.path())
            .env("LD_PRELOAD", loopback(&home)?)
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .context("tiny-pacs could not be started")?;
        let mut tiny = Self { child, port, home };
        let began = Instant::now();
        let ask = format!("GET /dicom-web/studies HTTP/1.0\r\nhost: 127.0.0.1:{port}");
        // It has nothing to list.
        while !exchange(port, &ask, &[]).is_ok_and(|answer| answer.status == 204) {
            if tiny.child.try_wait()?.is_some() || began.elapsed() > START {
                let said = std::fs::read(tiny.home.path().join("said.txt"))?;
                bail!(
                    "tiny-pacs did not start: {}",
                    String::from_utf8_lossy(&said)
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(tiny)
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stores a file.
    ///
    /// # Errors
    /// It is refused.
    pub fn store(&self, file: &[u8]) -> Result<()> {
        let head = format!(
            "POST /dicom-web/studies HTTP/1.0\r\nhost: 127.0.0.1:{}\r\naccept: application/dicom+json\r\n\
             content-type: multipart/related; type=\"application/dicom\"; boundary=part",
            self.port
        );
        let body = [
            b"--part\r\nContent-Type: application/dicom\r\n\r\n",
            file,
            b"\r\n--part--\r\n",
        ];
        let answer = exchange(self.port, &head, &body.concat())?;
        if answer.status != 200 {
            bail!("tiny-pacs refused a file: {}", answer.text());
        }
        Ok(())
    }
}

impl Drop for TinyPacs {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}
