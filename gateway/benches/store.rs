//! The store under load: files indexed a second, the next start, metadata of a series of 3,000 slices, and frames for one client
//! and for a thousand at once.
//!
//! The program itself serves, so that its memory is its own. `--files N` makes more or fewer slices beside the long series,
//! `--keep FOLDER` makes the data there and keeps it, `--out FILE` writes the figures as JSON. Linux only: it asks `/proc`.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement that cannot go on ends"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use serde_json::{Value, json};

const FILES: usize = 40_000;
/// Slices of the long series.
const SLICES: usize = 3000;
/// Slices of each other series.
const FEW: usize = 200;
/// Columns and rows of the slices from which frames are read, and how many there are.
const SIDE: u16 = 512;
const FRAMES: usize = 400;
/// Clients at once.
const CLIENTS: usize = 1000;
const LONG: &str = "1.2.826.0.1.3680043.2.1143.100";
const WIDE: &str = "1.2.826.0.1.3680043.2.1143.200";

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.find(|argument| argument == name)?;
    arguments.next()
}

/// The head of a CT slice as scanners write it: about a hundred attributes, of which a dozen change from slice to slice.
fn slice(study: &str, number: usize, side: u16) -> Vec<u8> {
    let series = format!("{study}.1");
    let instance = format!("{series}.{number}");
    let mut set = InMemDicomObject::new_empty();
    let mut text = |group: u16, element: u16, vr: VR, value: &str| {
        set.put(DataElement::new(
            Tag(group, element),
            vr,
            PrimitiveValue::from(value),
        ));
    };
    text(
        0x0008,
        0x0008,
        VR::CS,
        "ORIGINAL\\PRIMARY\\AXIAL\\CT_SOM5 SPI",
    );
    text(0x0008, 0x0016, VR::UI, "1.2.840.10008.5.1.4.1.1.2");
    text(0x0008, 0x0018, VR::UI, &instance);
    for element in [0x20, 0x21, 0x22, 0x23] {
        text(0x0008, element, VR::DA, "20240229");
    }
    for element in [0x30, 0x31] {
        text(0x0008, element, VR::TM, "073015.250000");
    }
    let second = format!(
        "0730{:02}.{:06}",
        number / 60 % 60,
        number * 997 % 1_000_000
    );
    text(0x0008, 0x0032, VR::TM, &second);
    text(0x0008, 0x0033, VR::TM, &second);
    text(0x0008, 0x0050, VR::SH, "A123456");
    text(0x0008, 0x0060, VR::CS, "CT");
    text(0x0008, 0x0070, VR::LO, "Maker of scanners");
    text(0x0008, 0x0080, VR::LO, "A hospital of some size");
    text(0x0008, 0x0090, VR::PN, "Referrer^Anna");
    text(0x0008, 0x1010, VR::SH, "CT12345");
    text(0x0008, 0x1030, VR::LO, "Thorax and abdomen with contrast");
    text(0x0008, 0x103E, VR::LO, "Thin slices, soft kernel");
    text(0x0008, 0x1090, VR::LO, "Scanner of some kind");
    text(0x0010, 0x0010, VR::PN, &format!("Made^Up {study}"));
    text(
        0x0010,
        0x0020,
        VR::LO,
        &format!("P{}", &study[study.len() - 3..]),
    );
    text(0x0010, 0x0030, VR::DA, "19500101");
    text(0x0010, 0x0040, VR::CS, "F");
    for element in 0x10..0x40_u16 {
        text(
            0x0018,
            0x1100 + element,
            VR::DS,
            &format!("{}.5", element * 7),
        );
    }
    text(0x0018, 0x0050, VR::DS, "0.6");
    text(0x0018, 0x1151, VR::IS, &(200 + number % 90).to_string());
    text(0x0018, 0x1152, VR::IS, &(100 + number % 45).to_string());
    text(0x0018, 0x1210, VR::SH, "I31f\\3");
    text(0x0020, 0x000D, VR::UI, study);
    text(0x0020, 0x000E, VR::UI, &series);
    text(0x0020, 0x0010, VR::SH, "S1");
    text(0x0020, 0x0011, VR::IS, "4");
    text(0x0020, 0x0013, VR::IS, &number.to_string());
    let height = format!("{:.3}", 0.6 * number as f64 - 900.0);
    text(0x0020, 0x0032, VR::DS, &format!("-180.2\\-171.9\\{height}"));
    text(0x0020, 0x0037, VR::DS, "1\\0\\0\\0\\1\\0");
    text(0x0020, 0x0052, VR::UI, &format!("{study}.9"));
    text(0x0020, 0x1041, VR::DS, &height);
    text(0x0028, 0x0004, VR::CS, "MONOCHROME2");
    text(0x0028, 0x0030, VR::DS, "0.703125\\0.703125");
    text(0x0028, 0x1050, VR::DS, "40");
    text(0x0028, 0x1051, VR::DS, "400");
    text(0x0028, 0x1052, VR::DS, "-1024");
    text(0x0028, 0x1053, VR::DS, "1");
    text(0x0029, 0x0010, VR::LO, "MAKER CSA HEADER");
    for element in 0..20_u16 {
        text(
            0x0029,
            0x1010 + element,
            VR::LO,
            "a private value of the maker's",
        );
    }
    let mut short = |element: u16, value: u16| {
        let value = PrimitiveValue::from(value);
        set.put(DataElement::new(Tag(0x0028, element), VR::US, value));
    };
    short(0x0002, 1);
    short(0x0010, side);
    short(0x0011, side);
    short(0x0100, 16);
    short(0x0101, 12);
    short(0x0102, 11);
    short(0x0103, 0);
    let count = usize::from(side) * usize::from(side);
    let pixels: Vec<u16> = (0..count)
        .map(|at| u16::try_from((at * 31 + number * 7) % 4096).unwrap())
        .collect();
    let pixels = PrimitiveValue::U16(pixels.into());
    set.put(DataElement::new(Tag(0x7FE0, 0x0010), VR::OW, pixels));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax("1.2.840.10008.1.2.1")
        .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.2")
        .media_storage_sop_instance_uid(&instance);
    let mut bytes = Vec::new();
    set.with_meta(meta).unwrap().write_all(&mut bytes).unwrap();
    bytes
}

fn make(data: &Path, files: usize) {
    let write = |study: &str, count: usize, side: u16| {
        let folder = data.join(study);
        fs::create_dir_all(&folder).unwrap();
        for number in 1..=count {
            let file = folder.join(format!("{number:05}.dcm"));
            fs::write(file, slice(study, number, side)).unwrap();
        }
    };
    write(LONG, SLICES, 32);
    write(WIDE, FRAMES, SIDE);
    for study in 0..files / FEW {
        write(
            &format!("1.2.826.0.1.3680043.2.1143.{}", 1000 + study),
            FEW,
            32,
        );
    }
}

/// The program, and where it listens.
struct Served {
    child: Child,
    address: String,
    began: Instant,
}

impl Served {
    fn start(data: &Path, index: &Path, config: &Path) -> Self {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sagitta"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .arg("--index")
            .arg(index)
            .arg("--config")
            .arg(config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.trim_end().trim_end_matches('/');
        let address = address.strip_prefix("Sagitta is ready at http://").unwrap();
        Self {
            child,
            address: address.to_owned(),
            began,
        }
    }

    /// Memory in use, in MB.
    fn memory(&self) -> f64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes / 1e3
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Client(
            BufReader::with_capacity(1 << 18, stream),
            self.address.clone(),
        )
    }

    /// Files that need no more looking at, and all.
    fn indexing(&self) -> [u64; 2] {
        let (body, _) = self.client().get("/healthz", "");
        let health: Value = serde_json::from_slice(&body).unwrap();
        ["done", "total"].map(|key| health["indexing"][key].as_u64().unwrap())
    }

    fn wait_until_indexed(&self) {
        while self.indexing()[0] != self.indexing()[1] {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A connection that is kept.
struct Client(BufReader<TcpStream>, String);

impl Client {
    fn ask(&mut self, path: &str, headers: &str) {
        let text = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.1);
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The body, and how long it was in coming.
    fn get(&mut self, path: &str, headers: &str) -> (Vec<u8>, Duration) {
        let began = Instant::now();
        self.ask(path, headers);
        let body = self.answer();
        (body, began.elapsed())
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    fn answer(&mut self) -> Vec<u8> {
        let first = self.line();
        assert!(first.contains(" 200 "), "{first}");
        let mut length = None;
        loop {
            let header = self.line().to_ascii_lowercase();
            if header == "\r\n" {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse::<usize>().ok();
            }
        }
        let mut body = Vec::new();
        if let Some(length) = length {
            body.resize(length, 0);
            self.0.read_exact(&mut body).unwrap();
            return body;
        }
        loop {
            let size = usize::from_str_radix(self.line().trim(), 16).unwrap();
            let from = body.len();
            body.resize(from + size, 0);
            self.0.read_exact(&mut body[from..]).unwrap();
            self.line();
            if size == 0 {
                return body;
            }
        }
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn frame(number: usize) -> String {
    let number = number % FRAMES + 1;
    format!("/dicomweb/studies/{WIDE}/series/{WIDE}.1/instances/{WIDE}.1.{number}/frames/1")
}

/// As it is stored, and alone.
const STORED: &str = "Accept: application/octet-stream; transfer-syntax=*\r\n";

/// Megabytes a second that so many clients get together.
fn frames(served: &Served, clients: usize, rounds: usize) -> f64 {
    let began = Instant::now();
    let threads: Vec<_> = (0..clients)
        .map(|client| {
            let mut connection = served.client();
            std::thread::spawn(move || {
                let get = |at| connection.get(&frame(client * 97 + at), STORED).0.len();
                (0..rounds).map(get).sum::<usize>()
            })
        })
        .collect();
    let bytes: usize = threads.into_iter().map(|it| it.join().unwrap()).sum();
    assert!(bytes >= clients * rounds * usize::from(SIDE) * usize::from(SIDE) * 2);
    bytes as f64 / 1e6 / began.elapsed().as_secs_f64()
}

/// A thousand requests before any answer is read; the memory that they took at most.
fn at_once(served: &Served) -> (f64, f64, f64) {
    let began = Instant::now();
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|_| {
            let stream = TcpStream::connect(&served.address).unwrap();
            Client(
                BufReader::with_capacity(1 << 12, stream),
                served.address.clone(),
            )
        })
        .collect();
    for (at, client) in clients.iter_mut().enumerate() {
        client.ask(&frame(at), STORED);
    }
    std::thread::sleep(Duration::from_secs(1));
    let mut most = served.memory();
    let health = served.client().get("/healthz", "").1.as_secs_f64() * 1e3;
    for client in &mut clients {
        let body = client.answer();
        assert_eq!(body.len(), usize::from(SIDE) * usize::from(SIDE) * 2);
        most = most.max(served.memory());
    }
    (began.elapsed().as_secs_f64(), most, health)
}

fn main() {
    let files = argument("--files").map_or(FILES, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let kept = argument("--keep").map(PathBuf::from);
    let root = fs::canonicalize(folder.path()).unwrap();
    let data = kept.unwrap_or_else(|| root.join("data"));
    let (index, config) = (root.join("index/index.db"), root.join("gateway.toml"));
    fs::write(&config, "[log]\nrequests = false\n").unwrap();
    if !data.is_dir() {
        make(&data, files);
    }
    let mut rows = Vec::new();
    let mut row = |case: &str, value: f64, unit: &str| {
        println!("{case:<44} {value:>9.1} {unit}");
        rows.push(json!({ "case": case, "value": value, "unit": unit }));
    };
    let served = Served::start(&data, &index, &config);
    let (mut marks, mut total) = (Vec::new(), 0);
    loop {
        let [done, all] = served.indexing();
        total = all.max(total);
        marks.push((done, served.memory()));
        if done == all {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let seconds = served.began.elapsed().as_secs_f64();
    row("files indexed", total as f64 / seconds, "files/s");
    for part in [25, 50, 100] {
        let mark = marks.iter().find(|(done, _)| done * 100 >= total * part);
        row(
            &format!("memory at {part} % of them"),
            mark.unwrap().1,
            "MB",
        );
    }
    let bytes = fs::metadata(&index).unwrap().len() as f64;
    row("the index, for each file", bytes / total as f64, "bytes");
    served.stop();
    let served = Served::start(&data, &index, &config);
    served.client().get("/dicomweb/studies?limit=100", "");
    let first = served.began.elapsed().as_secs_f64() * 1e3;
    row("first answer of the next start", first, "ms");
    served.wait_until_indexed();
    let look = served.began.elapsed().as_secs_f64() * 1e3;
    row("its first look at all files is over", look, "ms");
    let path = format!("/dicomweb/studies/{LONG}/series/{LONG}.1/metadata");
    for (case, headers) in [
        ("metadata of 3,000 slices", ""),
        (
            "metadata of 3,000 slices, gzip",
            "Accept-Encoding: gzip\r\n",
        ),
        (
            "metadata of 3,000 slices, XML",
            "Accept: multipart/related; type=\"application/dicom+xml\"\r\n",
        ),
    ] {
        let mut client = served.client();
        let mut size = 0;
        let times = (0..9).map(|_| {
            let (body, time) = client.get(&path, headers);
            size = body.len();
            time.as_secs_f64() * 1e3
        });
        row(case, median(times.collect()), "ms");
        row(&format!("{case}, size"), size as f64 / 1e6, "MB");
    }
    frames(&served, 1, FRAMES);
    row(
        "stored frames, one client",
        frames(&served, 1, 2 * FRAMES),
        "MB/s",
    );
    row(
        "stored frames, six clients",
        frames(&served, 6, FRAMES),
        "MB/s",
    );
    row("memory before the thousand", served.memory(), "MB");
    let (seconds, most, health) = at_once(&served);
    row("1,000 frames asked for at once", seconds, "s");
    row("memory meanwhile", most, "MB");
    row("health meanwhile", health, "ms");
    served.stop();
    if let Some(out) = argument("--out") {
        let report = json!({ "name": "store", "files": total, "rows": rows });
        fs::write(out, report.to_string() + "\n").unwrap();
    }
}
