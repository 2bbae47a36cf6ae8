//! Small servers of the tests: another site's page, and the app on a plain file server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Calls for every connection, each in its own thread, until the process ends; returns the port.
pub fn listen(answer: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || answer(stream));
        }
    });
    port
}

/// Reads the head of a request.
pub fn head_of(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

pub fn send(stream: &mut TcpStream, status: &str, kind: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // A browser that is gone wants no answer.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
}

/// Answers every request with one page, without any special header.
pub fn serve_page(html: String) -> u16 {
    listen(move |mut stream| {
        if head_of(&mut stream).is_some() {
            send(
                &mut stream,
                "200 OK",
                "text/html; charset=utf-8",
                html.as_bytes(),
            );
        }
    })
}

/// Folder of the built app.
pub fn built_app() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::env::var_os("SAGITTA_DIST").map_or_else(|| here.join("../dist"), PathBuf::from)
}

/// Serves the built app below `/some/path/` as plain files, and hands `/dicomweb` on to a gateway.
pub fn serve_app(gateway: u16) -> u16 {
    serve_files(built_app(), gateway)
}

/// The same with a folder of other files.
pub fn serve_files(app: PathBuf, gateway: u16) -> u16 {
    listen(move |mut stream| {
        let Some(head) = head_of(&mut stream) else {
            return;
        };
        let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
        if path.starts_with("/dicomweb/") {
            hand_on(&mut stream, gateway, &path, &head);
            return;
        }
        let file = path.split('?').next().unwrap_or("/");
        let name = match file.strip_prefix("/some/path/") {
            Some("") => "index.html",
            Some(name) if !name.contains("..") => name,
            _ => "none",
        };
        let kind = match name.rsplit('.').next() {
            Some("html") => "text/html",
            Some("js") => "text/javascript",
            Some("wasm") => "application/wasm",
            Some("css") => "text/css",
            Some("json") => "application/json",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        };
        match std::fs::read(app.join(name)) {
            Ok(bytes) => send(&mut stream, "200 OK", kind, &bytes),
            Err(_) => send(&mut stream, "404 Not Found", "text/plain", b"not here"),
        }
    })
}

/// A DICOMweb server that hands every request on to a gateway and keeps the heads of all that it was asked.
pub fn serve_relay(gateway: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let heads = seen.clone();
    let port = listen(move |mut stream| {
        let Some(head) = head_of(&mut stream) else {
            return;
        };
        heads.lock().unwrap().push(head.clone());
        let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
        hand_on(&mut stream, gateway, &path, &head);
    });
    (port, seen)
}

fn hand_on(stream: &mut TcpStream, gateway: u16, path: &str, head: &str) {
    let accept = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("accept:"))
        .unwrap_or("accept: */*");
    let mut answer = Vec::new();
    let asked = TcpStream::connect(("127.0.0.1", gateway)).and_then(|mut upstream| {
        write!(
            upstream,
            "GET {path} HTTP/1.0\r\nhost: 127.0.0.1:{gateway}\r\n{accept}\r\n\r\n"
        )?;
        upstream.read_to_end(&mut answer)
    });
    if asked.is_ok() {
        let _ = stream.write_all(&answer);
    }
}
