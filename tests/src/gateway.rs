//! The gateway as users run it: the built program, the built app, a free port.

use crate::folder::{TempFolder, root};
use crate::page::SHARED_MACHINE;
use crate::process;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the gateway may take until it answers, on a busy machine.
const START: Duration = Duration::from_secs(180);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(180);
/// The start of the line that says that it answers.
const READY: &str = "Sagitta is ready at http://127.0.0.1:";

/// A running gateway; it ends when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    child: Option<Child>,
    port: u16,
    arguments: Vec<OsString>,
    said: Arc<Mutex<String>>,
    home: TempFolder,
}

/// What the gateway answers to one request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    /// As sent.
    pub body: Vec<u8>,
}

impl Answer {
    /// First value of a header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.0 == name)
            .map(|header| header.1.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Gateway {
    /// Serves folders.
    ///
    /// # Errors
    /// It or the app is not built, or it does not start.
    pub fn start(folders: &[&Path]) -> Result<Self> {
        Self::start_with(folders, &[])
    }

    /// Serves folders, with more arguments (`--config FILE` ...).
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub fn start_with(folders: &[&Path], more: &[&str]) -> Result<Self> {
        let home = TempFolder::new("gateway")?;
        let app =
            std::env::var_os("SAGITTA_DIST").map_or_else(|| root().join("dist"), PathBuf::from);
        if !app.join("index.html").is_file() {
            bail!("the app is not built: run `cargo xtask build` first");
        }
        let mut arguments: Vec<OsString> = vec!["--app".into(), app.into()];
        arguments.extend(["--index".into(), home.path().join("index.db").into()]);
        for folder in folders {
            arguments.extend(["--data".into(), folder.into()]);
        }
        arguments.extend(more.iter().map(OsString::from));
        let mut gateway = Self {
            child: None,
            port: 0,
            arguments,
            said: Arc::default(),
            home,
        };
        gateway.run()?;
        Ok(gateway)
    }

    /// Where it answers, with a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its own folder, where the index lies.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// All that it printed so far, both streams.
    pub fn log(&self) -> String {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            process::end(child);
        }
        self.child = None;
    }

    /// Starts it again, on the same port and with the same index.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.run()
    }

    fn run(&mut self) -> Result<()> {
        let mut child = Command::new(program()?)
            .arg("serve")
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("the gateway could not be started")?;
        let (sender, receiver) = channel();
        let out = child
            .stdout
            .take()
            .map(|stream| Box::new(stream) as Box<dyn Read + Send>);
        let complaints = child
            .stderr
            .take()
            .map(|stream| Box::new(stream) as Box<dyn Read + Send>);
        self.child = Some(child);
        for stream in [out, complaints].into_iter().flatten() {
            let (said, sender) = (self.said.clone(), sender.clone());
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if let Some(rest) = line.strip_prefix(READY) {
                        // Nobody listens once the start is over.
                        let _ = sender.send(rest.trim_end_matches('/').parse::<u16>());
                    }
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    said.push_str(&line);
                    said.push('\n');
                }
            });
        }
        drop(sender);
        match receiver.recv_timeout(START) {
            Ok(port) => self.port = port?,
            Err(_) => {
                self.kill();
                bail!("the gateway did not start: {}", self.log());
            }
        }
        Ok(())
    }

    /// Asks for a path, without following anything.
    ///
    /// # Errors
    /// It is not there, or does not answer in time.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.request("GET", path, &[])
    }

    /// Sends a request without a body. A `host` header replaces the usual one.
    ///
    /// # Errors
    /// It is not there, or does not answer in time.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut head = format!("{method} {path} HTTP/1.0");
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            head.push_str(&format!("\r\nhost: 127.0.0.1:{}", self.port));
        }
        for (name, value) in headers {
            head.push_str(&format!("\r\n{name}: {value}"));
        }
        exchange(self.port, &head, &[])
    }

    /// Sends a body of a media type, as a page of the gateway's own does.
    ///
    /// # Errors
    /// It is not there, or does not answer in time.
    pub fn post(
        &self,
        path: &str,
        media_type: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer> {
        let own = [
            ("sec-fetch-site", "same-origin"),
            ("x-sagitta", "1"),
            ("content-type", media_type),
        ];
        self.send(path, &[&own, headers].concat(), body)
    }

    /// Sends a body.
    ///
    /// # Errors
    /// It is not there, or does not answer in time.
    pub fn send(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        let mut head = format!("POST {path} HTTP/1.0\r\nhost: 127.0.0.1:{}", self.port);
        for (name, value) in headers {
            head.push_str(&format!("\r\n{name}: {value}"));
        }
        exchange(self.port, &head, body.as_bytes())
    }

    /// Waits until all files are indexed, for so many seconds of a machine that does nothing else.
    ///
    /// # Errors
    /// They are not within four times that.
    pub fn wait_until_indexed(&self, seconds: u64) -> Result<()> {
        let began = Instant::now();
        let seconds = SHARED_MACHINE * seconds;
        loop {
            let health = self.get("/healthz")?;
            let state: serde_json::Value = serde_json::from_slice(&health.body).unwrap_or_default();
            let (done, total) = (&state["indexing"]["done"], &state["indexing"]["total"]);
            if state["ready"] == true && done.is_u64() && done == total {
                return Ok(());
            }
            if began.elapsed() > Duration::from_secs(seconds) {
                bail!("indexing did not end within {seconds} s: {}", health.text());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a head without its last line break, and a body, to a server on this computer.
///
/// # Errors
/// It is not there, or does not answer in time.
pub(crate) fn exchange(port: u16, head: &str, body: &[u8]) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    stream.write_all(head.as_bytes())?;
    if !body.is_empty() {
        stream.write_all(format!("\r\ncontent-length: {}", body.len()).as_bytes())?;
    }
    stream.write_all(b"\r\n\r\n")?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes).context("the answer is not HTTP")
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = bytes.get(end + 4..)?.to_vec();
    Some(Answer {
        status,
        headers,
        body,
    })
}

/// Runs the built program to its end, for commands other than `serve`; gives what it prints.
///
/// # Errors
/// It is not built, or ends badly.
pub fn run_program(arguments: &[&str]) -> Result<String> {
    let done = Command::new(program()?).args(arguments).output()?;
    if !done.status.success() {
        bail!("{}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(String::from_utf8(done.stdout)?)
}

/// Path of the built gateway.
fn program() -> Result<PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let built = std::env::var_os("SAGITTA_PROGRAM")
        .map_or_else(|| target.join("release/sagitta"), PathBuf::from);
    if !built.is_file() {
        bail!("the gateway is not built: run `cargo xtask build` first");
    }
    Ok(built)
}
