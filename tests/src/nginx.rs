//! nginx with the documented configurations, `docs/nginx.conf` and `docs/nginx-gateway.conf`: other ports and folders, every
//! other line as it is.

use crate::folder::{TempFolder, root};
use crate::orthanc::{free_port, program};
use crate::process;
use anyhow::{Context, Result, bail};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(60);

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
        let here = [
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
        ];
        Self::run(home, port, "docs/nginx.conf", &here)
    }

    /// Stands before a gateway as `docs/nginx-gateway.conf` says: speaks TLS for it at a port, below `/imaging/`, by a
    /// certificate of its own for `viewer.localhost`.
    ///
    /// # Errors
    /// It is not there, the documented configuration lacks a line, or it does not start.
    pub fn before_gateway(port: u16, gateway: u16) -> Result<Self> {
        let home = TempFolder::new("nginx")?;
        let made = rcgen::generate_simple_self_signed(["viewer.localhost".to_owned()])?;
        let certificate = home.write("tls.crt", made.cert.pem().as_bytes())?;
        let key = home.write("tls.key", made.signing_key.serialize_pem().as_bytes())?;
        let here = [
            ("listen 443 ssl;", format!("listen 127.0.0.1:{port} ssl;")),
            (
                "server_name viewer.example.org;",
                "server_name viewer.localhost;".to_owned(),
            ),
            (
                "ssl_certificate /etc/ssl/sagitta/tls.crt;",
                format!("ssl_certificate {};", certificate.display()),
            ),
            (
                "ssl_certificate_key /etc/ssl/sagitta/tls.key;",
                format!("ssl_certificate_key {};", key.display()),
            ),
            (
                "proxy_pass http://127.0.0.1:8080/;",
                format!("proxy_pass http://127.0.0.1:{gateway}/;"),
            ),
        ];
        Self::run(home, port, "docs/nginx-gateway.conf", &here)
    }

    /// Starts it with a documented configuration, each of whose lines that are named stands there once and is replaced.
    fn run(home: TempFolder, port: u16, file: &str, here: &[(&str, String)]) -> Result<Self> {
        let program = program("nginx", "nginx-light")?;
        let mut site = std::fs::read_to_string(root().join(file))
            .with_context(|| format!("{file} is missing"))?;
        for (documented, here) in here {
            if site.matches(documented).count() != 1 {
                bail!("{file} does not hold this line once: {documented}");
            }
            site = site.replace(documented, here);
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
