//! Starts a server over a folder and asks it things.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::command::ServeOptions;
use gateway::serve::prepare;
use gateway::state::State;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A running server; ends when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    pub state: Arc<State>,
    /// Where operators ask.
    pub ops: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<Runtime>,
    _index: Option<tempfile::TempDir>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The session cookie that the answer sets, as it is sent back.
    pub fn cookie(&self) -> Option<String> {
        let set = self.header("set-cookie")?;
        let pair = set.split(';').next()?;
        (!pair.ends_with('=')).then(|| pair.to_owned())
    }

    /// Code of an error answer, which must have a sentence as well.
    pub fn error_code(&self) -> String {
        let error = &self.json()["error"];
        assert!(error["message"].as_str().unwrap().len() > 10);
        error["code"].as_str().unwrap().to_owned()
    }
}

impl Server {
    /// Serves a folder, with an index of its own, once everything is indexed.
    pub fn over(folder: &Path) -> Self {
        let index = tempfile::tempdir().unwrap();
        let options = options(folder, &index.path().join("index.db"));
        let mut server = Self::start(options);
        server._index = Some(index);
        server.wait_until_indexed();
        server
    }

    pub fn start(options: ServeOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(prepare(options)).unwrap();
        let (address, state, ops) = (server.address(), server.state(), server.ops_address());
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self {
            address,
            state,
            ops,
            stop: Some(stop),
            runtime: Some(runtime),
            _index: None,
        }
    }

    pub fn wait_until_indexed(&self) {
        // Hundreds of real files take long on a machine that does other things as well.
        self.wait_for(Duration::from_secs(120), |server| {
            let indexing = server.get("/healthz").json()["indexing"].clone();
            indexing["done"] == indexing["total"]
        });
    }

    /// Waits for at most the 10 s in which the store must see files come and go.
    pub fn wait_until(&self, done: impl Fn(&Self) -> bool) {
        self.wait_for(Duration::from_secs(10), done);
    }

    /// Waits for at most so long.
    pub fn wait_for(&self, most: Duration, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + most;
        while !done(self) {
            assert!(Instant::now() < end, "waited {most:?} in vain");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[])
    }

    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let host = self.address.to_string();
        let mut all = vec![("Host", host.as_str()), ("Connection", "close")];
        all.extend(headers);
        self.raw(method, path, &all)
    }

    /// Sends a form, with a cookie if there is one.
    pub fn form(&self, path: &str, cookie: Option<&str>, fields: &[(&str, &str)]) -> Answer {
        let body = encoded(fields);
        let (host, length) = (self.address.to_string(), body.len().to_string());
        let mut headers = vec![
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", &length),
        ];
        headers.extend(cookie.map(|cookie| ("Cookie", cookie)));
        self.send("POST", path, &headers, body.as_bytes())
    }

    /// Posts JSON as a script of ours does, with a cookie if there is one.
    pub fn json(&self, path: &str, cookie: Option<&str>, body: &str) -> Answer {
        self.script("POST", path, cookie, body)
    }

    /// Sends JSON as a script of ours does, with a cookie if there is one.
    pub fn script(&self, method: &str, path: &str, cookie: Option<&str>, body: &str) -> Answer {
        let (host, length) = (self.address.to_string(), body.len().to_string());
        let mut headers = vec![
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Sagitta", "1"),
            ("Content-Type", "application/json"),
            ("Content-Length", &length),
        ];
        headers.extend(cookie.map(|cookie| ("Cookie", cookie)));
        self.send(method, path, &headers, body.as_bytes())
    }

    /// Sends a body with these headers, as a program does.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (host, length) = (self.address.to_string(), body.len().to_string());
        let mut all = vec![
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Content-Type", "application/json"),
            ("Content-Length", &length),
        ];
        all.extend(headers);
        self.send("POST", path, &all, body.as_bytes())
    }

    /// Sends exactly these headers.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, path, headers, b"")
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        send(self.address, method, path, headers, body)
    }
}

/// Fields as a form or a query has them.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

/// Sends exactly these headers to any server, and a body.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let text = format!("{text}\r\n");
    stream.write_all(&[text.as_bytes(), body].concat()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    parse(&bytes)
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}

/// Asks a server that runs somewhere else.
pub fn exchange(address: &str, path: &str) -> Answer {
    parse(&raw_exchange(address, path, ""))
}

/// All bytes of an answer, which may break off.
pub fn raw_exchange(address: &str, path: &str, headers: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    let text =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

pub fn options(folder: &Path, index: &Path) -> ServeOptions {
    ServeOptions {
        data: vec![folder.to_owned()],
        listen: Some("127.0.0.1:0".into()),
        index: Some(index.to_owned()),
        app: Some(folder.join("no-app")),
        ..ServeOptions::default()
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let split = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = std::str::from_utf8(&bytes[..split]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut answer = Answer {
        status,
        headers,
        body: bytes[split + 4..].to_vec(),
    };
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = unchunked(&answer.body);
    }
    answer
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest
            .windows(2)
            .position(|window| window == b"\r\n")
            .unwrap();
        let length =
            usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend(&rest[line + 2..line + 2 + length]);
        rest = &rest[line + 4 + length..];
    }
}
