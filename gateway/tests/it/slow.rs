//! Clients that send slowly or read nothing: what each costs, and that nobody else waits for them. Memory is
//! asked of `/proc`.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;

use crate::files::ct;
use crate::server::{Server, exchange};

/// Clients that read nothing.
const CLIENTS: u64 = 100;
/// What each may cost: what its connection holds, what is read ahead, and what the request itself takes.
const BYTES_EACH: u64 = 200 << 10;

/// The program; it ends with the test, however that ends.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Memory of a process that is in use, in bytes.
fn memory(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    let number = line.split_whitespace().nth(1).unwrap();
    number.parse::<u64>().unwrap() << 10
}

#[test]
fn t23_clients_that_read_nothing_cost_little_each_and_nobody_waits_for_them() {
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut made = ct("1", "2", 1);
    made.image(1000, 1000, 16);
    made.text(tags::NUMBER_OF_FRAMES, VR::IS, "5");
    let pixels = PrimitiveValue::U16(vec![7; 5_000_000].into());
    made.put(tags::PIXEL_DATA, VR::OW, pixels);
    made.write(folder.path(), "a.dcm");
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_sagitta"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .arg("--index")
        .arg(index.path().join("index.db"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.strip_prefix("Sagitta is ready at http://").unwrap();
    let address = address.strip_suffix("/\n").unwrap();
    let path = format!("{}/frames/1,2,3,4,5", made.address());
    let end = Instant::now() + Duration::from_secs(10);
    while exchange(address, &path).status != 200 {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(50));
    }
    let before = memory(running.0.id());
    let slow = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        stream
    };
    let mut slow: Vec<TcpStream> = (0..CLIENTS).map(slow).collect();
    // Until then all has been sent that anybody takes.
    std::thread::sleep(Duration::from_millis(500));
    let cost = memory(running.0.id()).saturating_sub(before);
    assert!(
        cost < CLIENTS * BYTES_EACH,
        "{CLIENTS} clients cost {cost} bytes"
    );
    let begun = Instant::now();
    assert_eq!(exchange(address, "/healthz").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(1));
    // Who reads on gets the rest.
    let stream = slow.last_mut().unwrap();
    let mut left: usize = 5 * 2_000_000;
    let mut piece = vec![0; 1 << 20];
    while left > 0 {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "{left} bytes are missing");
        left = left.saturating_sub(read);
    }
    drop(slow);
}

/// Status of the answer to a request with a head of about so many bytes; `None` where there is none.
fn with_head_of(server: &Server, bytes: usize) -> Option<u16> {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let text = format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nX-Long: {}\r\n\r\n",
        server.address,
        "a".repeat(bytes)
    );
    // The server may have had enough before all is sent.
    let _ = stream.write_all(text.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let head = String::from_utf8_lossy(&answer).into_owned();
    head.split(' ').nth(1)?.parse().ok()
}

#[test]
fn t23_a_head_without_end_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::over(folder.path());
    assert_eq!(with_head_of(&server, 20 << 10), Some(200));
    for bytes in [256 << 10, 8 << 20] {
        let status = with_head_of(&server, bytes);
        assert!(matches!(status, None | Some(431)), "{bytes}: {status:?}");
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_connection_answers_one_request_after_another() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::over(folder.path());
    let mut stream = BufReader::new(TcpStream::connect(server.address).unwrap());
    for _ in 0..3 {
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        stream.read_line(&mut line).unwrap();
        assert_eq!(line, "HTTP/1.1 200 OK\r\n");
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).unwrap();
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        assert!(body.starts_with(b"{\"ready\":true"));
    }
}
