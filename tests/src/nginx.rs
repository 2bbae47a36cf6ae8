//! nginx with the documented configuration, `docs/nginx.conf`: other ports and folders, every other line as it is.

use crate::folder::{TempFolder, root};
use crate::orthanc::{free_port, program};
use crate::process;
use anyhow::{Context, Result, bail};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(20);

/// A running nginx; it ends and its folder goes when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    port: u16,
    home: TempFolder,
}

impl Nginx {
    /// Serves the built app below `/apps/sagitta/` and a DICOMweb server of this port at `/orthanc/`.
    ///
    /// # Errors
    /// It or the app is not there, the documented configuration lacks a line, or it does not start.
    pub fn start(dicomweb: u16) -> Result<Self> {
        let program = program("nginx", "nginx-light")?;
        let app =
            std::env::var_os("SAGITTA_DIST").map_or_else(|| root().join("dist"), PathBuf::from);
        if !app.join("index.html").is_file() {
            bail!("the app is not built: run `cargo xtask build` first");
        }
        let home = TempFolder::new("nginx")?;
        let port = free_port()?;
        let config = home.write(
            "config.json",
            br#"{"sources":[{"id":"orthanc","label":"Orthanc","dicomweb":"/orthanc"}]}"#,
        )?;
        let site = std::fs::read_to_string(root().join("docs/nginx.conf"))
            .context("docs/nginx.conf is missing")?;
        let mut site = site;
        for (documented, here) in [
            (
                "listen 127.0.0.1:8081;",
                format!("listen 127.0.0.1:{port};"),
            ),
            (
                "alias /srv/sagitta/dist/;",
                format!("alias {}/;", app.display()),
            ),
            (
                "alias /srv/sagitta/config.json;",
                format!("alias {};", config.display()),
            ),
            (
                "proxy_pass http://127.0.0.1:8042/dicom-web/;",
                format!("proxy_pass http://127.0.0.1:{dicomweb}/dicom-web/;"),
            ),
        ] {
            if site.matches(documented).count() != 1 {
                bail!("docs/nginx.conf does not hold this line once: {documented}");
            }
            site = site.replace(documented, &here);
        }
        home.write("site.conf", site.as_bytes())?;
        // One process, so that nothing is left when it is ended.
        let mut main = String::from(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n",
        );
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            main.push_str(&format!("{kind}_temp_path {kind};\n"));
        }
        main.push_str("include site.conf;\n}\n");
        home.write("nginx.conf", main.as_bytes())?;
        let said = std::fs::File::create(home.path().join("said.txt"))?;
        let child = Command::new(program)
            .arg("-p")
            .arg(home.path())
            .args(["-e", "stderr", "-c", "nginx.conf"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .context("nginx could not be started")?;
        let mut nginx = Self { child, port, home };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if nginx.child.try_wait()?.is_some() || began.elapsed() > START {
                let said = std::fs::read_to_string(nginx.home.path().join("said.txt"));
                bail!("nginx did not start: {}", said.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(nginx)
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its origin, without a slash at the end.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks for a path, with more header lines.
    ///
    /// # Errors
    /// It is not there, or does not answer in time.
    pub fn get(&self, path: &str, headers: &str) -> Result<crate::Answer> {
        self.request("GET", path, headers)
    }

    /// Sends a request without a body, with more header lines.
    ///
    /// # Errors
    /// It is not there, or does not answer in time.
    pub fn request(&self, method: &str, path: &str, headers: &str) -> Result<crate::Answer> {
        let port = self.port;
        let head = format!("{method} {path} HTTP/1.0\r\nhost: 127.0.0.1:{port}{headers}");
        crate::gateway::exchange(port, &head, &[])
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}
