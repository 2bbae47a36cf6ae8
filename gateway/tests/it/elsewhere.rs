//! Servers of other hospitals for tests: one that answers byte by byte as it is told, and one that only counts who comes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::command::ServeOptions;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::ct;
use crate::server::{Answer, Server, options};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path with query, or the whole address where it came to a proxy.
    pub target: String,
    pub head: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
}

/// Answers connection by connection, one request each, on a port of its own; ends with the test's process.
pub struct Elsewhere {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Elsewhere {
    pub fn start(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, answer, log) =
                    (stream.unwrap(), Arc::clone(&answer), Arc::clone(&log));
                std::thread::spawn(move || {
                    if let Some(asked) = read(&mut stream) {
                        log.lock().unwrap().push(asked.clone());
                        answer(&asked, &mut stream);
                    }
                });
            }
        });
        Self { address, asked }
    }

    /// A server that answers everything with the same text in JSON.
    pub fn json(text: impl Fn(&Asked) -> String + Send + Sync + 'static) -> Self {
        Self::start(move |asked, stream| {
            let text = text(asked);
            send(stream, "application/dicom+json", text.as_bytes());
        })
    }

    pub fn root(&self) -> String {
        format!("http://{}/dicom-web", self.address)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// The next request of a connection; `None` where it ends.
pub fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !bytes.windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(length) if length > 0 => bytes.extend_from_slice(&buffer[..length]),
            _ => return None,
        }
    }
    let head = String::from_utf8(bytes).unwrap();
    let target = head.split(' ').nth(1)?.to_owned();
    Some(Asked { target, head })
}

/// Sends an answer with status 200. Whoever asked may be gone.
pub fn send(stream: &mut TcpStream, content_type: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
}

/// Counts who connects, and answers nobody.
pub struct Canary {
    pub address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Canary {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, count }
    }

    /// How many have come. It is asked by a connection of its own, which must be counted.
    pub fn count(&self) -> usize {
        let before = self.count.load(Ordering::SeqCst);
        let _own = TcpStream::connect(self.address).unwrap();
        while self.count.load(Ordering::SeqCst) == before {
            std::thread::sleep(Duration::from_millis(5));
        }
        let count = self.count.fetch_sub(1, Ordering::SeqCst);
        count - 1
    }
}

/// One `[[source]]` of a configuration.
pub fn source(id: &str, root: &str, more: &str) -> String {
    format!("[[source]]\nid = \"{id}\"\nlabel = \"Hospital {id}\"\ndicomweb = \"{root}\"\n{more}\n")
}

/// Options of a gateway without login over one study of its own and these sources.
pub fn configured(folder: &TempDir, sources: &str) -> ServeOptions {
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    ct("1", "2", 1).write(&data, "a.dcm");
    let config = folder.path().join("gateway.toml");
    std::fs::write(&config, sources).unwrap();
    ServeOptions {
        config: Some(config),
        ..options(&data, &folder.path().join("index.db"))
    }
}

/// A gateway without login over one study of its own and these sources.
pub fn gateway(sources: &str) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(configured(&folder, sources));
    server.wait_until_indexed();
    (folder, server)
}

/// A file that only its owner can read.
pub fn secret(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    set_mode(&path, 0o600);
}

pub fn set_mode(path: &std::path::Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// An instance of the source `north`.
pub const INSTANCE: &str = "/dicomweb/north/studies/1/series/2/instances/3";

/// A data set with these UIDs.
pub fn set(study: &str, series: &str, instance: &str) -> Value {
    json!({
        "00080018": {"vr": "UI", "Value": [instance]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": format!("Patient^Of {study}")}]},
        "0020000D": {"vr": "UI", "Value": [study]},
        "0020000E": {"vr": "UI", "Value": [series]},
    })
}

/// A body as text.
pub fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Sends a whole answer as it stands.
pub fn raw(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Sends the same bytes again and again until nobody takes them any more, with a pause between two of them.
pub fn endless(stream: &mut TcpStream, head: &str, bytes: &[u8], pause: Duration) {
    raw(stream, head.as_bytes());
    let piece = chunk(bytes);
    while stream.write_all(&piece).is_ok() {
        std::thread::sleep(pause);
    }
}
