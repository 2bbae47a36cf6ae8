//! Searches of 100,000 made-up studies by 20 users at once: time to the whole answer, by kind of search.
//!
//! The index is written by the gateway's own writer. Its files are there but empty: as they are no other than the index says,
//! nobody opens them. `--studies N` makes fewer, `--out FILE` writes the figures as JSON.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement that cannot go on ends"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use gateway::command::ServeOptions;
use gateway::serve::prepare;
use gateway::source::folder::entry::Entry;
use gateway::source::folder::index::{Finding, Index};
use gateway::source::folder::scan::Scan;
use gateway::source::folder::walk::{Listed, modified_ns};
use serde_json::{Map, Value, json};

const STUDIES: u64 = 100_000;
const SERIES: u64 = 2;
const USERS: usize = 20;
/// Searches of each kind.
const SEARCHES: usize = 400;
/// What the list asks for beside.
const LIST: &str = "limit=100&includefield=StudyDescription,NumberOfStudyRelatedSeries,\
    NumberOfStudyRelatedInstances&orderby=-StudyDate";
const MODALITIES: [&str; 6] = ["CT", "MR", "CR", "US", "DX", "PT"];

/// Numbers that are always the same ones (PCG, by M. O'Neill).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// A made-up word of two to four syllables.
    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 24] = [
            "ba", "den", "ri", "mo", "lan", "ke", "sto", "vel", "ni", "har", "tu", "fin", "ge",
            "ros", "wi", "lem", "da", "pol", "ze", "mar", "jo", "ban", "cu", "thy",
        ];
        let count = 2 + self.below(3);
        let mut word = String::new();
        for _ in 0..count {
            word += SYLLABLES[usize::try_from(self.below(24)).unwrap()];
        }
        word[..1].to_uppercase() + &word[1..]
    }
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.find(|argument| argument == name)?;
    arguments.next()
}

/// Attributes of the one image of a series.
fn attributes(random: &mut Random, study: u64, series: u64, patient: &Value) -> Map<String, Value> {
    let mut set = patient.as_object().unwrap().clone();
    let mut put = |tag: &str, vr: &str, value: Value| {
        set.insert(tag.to_owned(), json!({ "vr": vr, "Value": [value] }));
    };
    put("0020000D", "UI", format!("1.2.826.0.1.{study}").into());
    put(
        "0020000E",
        "UI",
        format!("1.2.826.0.1.{study}.{series}").into(),
    );
    put(
        "00080018",
        "UI",
        format!("1.2.826.0.1.{study}.{series}.1").into(),
    );
    put("00080016", "UI", "1.2.840.10008.5.1.4.1.1.2".into());
    let modality = MODALITIES[usize::try_from((study * 7 + series) % 6).unwrap()];
    put("00080060", "CS", modality.into());
    put("00200011", "IS", series.into());
    put("00200013", "IS", 1.into());
    put("0008103E", "LO", format!("Series {}", random.word()).into());
    put("00280010", "US", 512.into());
    put("00280011", "US", 512.into());
    set
}

/// What a study's images say of patient and study.
fn patient(random: &mut Random, study: u64) -> Value {
    let (year, month, day) = (
        2015 + random.below(10),
        1 + random.below(12),
        1 + random.below(28),
    );
    let text = |vr: &str, value: String| json!({ "vr": vr, "Value": [value] });
    let name = |name: String| json!({ "vr": "PN", "Value": [{ "Alphabetic": name }] });
    json!({
        "00080020": text("DA", format!("{year}{month:02}{day:02}")),
        "00080030": text("TM", format!("{:02}{:02}{:02}", random.below(24), random.below(60), random.below(60))),
        "00080050": text("SH", format!("A{study:07}")),
        "00080090": name(format!("Ref{}^{}", random.below(500), "Ana")),
        "00081030": text("LO", format!("{} of {}", random.word(), random.word())),
        "00100010": name(format!("{}^{}", random.word(), random.word())),
        "00100020": text("LO", format!("P{:06}", study / 2)),
        "00100030": text("DA", format!("{}{month:02}{day:02}", 1930 + random.below(80))),
        "00100040": text("CS", ["F", "M"][usize::from(study.is_multiple_of(2))].to_owned()),
        "00200010": text("SH", format!("S{study}")),
    })
}

/// Empty files, and an index that has images in them.
fn make(data: &Path, index: &Path, studies: u64) {
    let (_index, mut writer) = Index::open(index).unwrap();
    let mut random = Random(7);
    let mut batch = Vec::new();
    for study in 0..studies {
        let folder = data.join(format!("{:04}", study / 500));
        fs::create_dir_all(&folder).unwrap();
        let patient = patient(&mut random, study);
        for series in 1..=SERIES {
            let path = folder.join(format!("{study}-{series}"));
            let file = fs::File::create(&path).unwrap();
            let metadata = file.metadata().unwrap();
            let scan = Scan {
                transfer_syntax: "1.2.840.10008.1.2.1".to_owned(),
                attributes: attributes(&mut random, study, series, &patient),
                pixels: None,
                bulk: Vec::new(),
                fault: None,
            };
            let listed = Listed {
                path,
                size: 0,
                modified_ns: modified_ns(&metadata),
            };
            let entry = Entry::from_scan(scan).unwrap();
            batch.push((listed, Finding::Instance(Box::new(entry))));
        }
        if batch.len() >= 2000 {
            writer.apply(&batch, &[]).unwrap();
            batch.clear();
        }
    }
    writer.apply(&batch, &[]).unwrap();
}

/// A connection that is kept.
struct Client(BufReader<TcpStream>, SocketAddr);

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream), address)
    }

    /// Bytes of the body, where the answer is a list.
    fn get(&mut self, path: &str) -> usize {
        let text = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.1);
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        let (mut line, mut length) = (String::new(), None);
        self.0.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{path}: {line}");
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).unwrap();
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.unwrap()];
        self.0.read_exact(&mut body).unwrap();
        assert_eq!(body.first(), Some(&b'['));
        body.len()
    }
}

/// One kind of search; each gets another number.
type Kind = (&'static str, fn(&mut Random, u64) -> String);

const KINDS: [Kind; 8] = [
    ("first page", |_, _| LIST.to_owned()),
    ("page 500", |random, _| {
        format!("{LIST}&offset={}", 49_900 + random.below(100))
    }),
    ("name, four letters", |random, _| {
        let word = random.word();
        format!("{LIST}&PatientName=*{}*", &word[..4])
    }),
    ("name, two words", |random, _| {
        let (one, other) = (random.word(), random.word());
        format!("{LIST}&PatientName=*{}*{}*", &one[..3], &other[..3])
    }),
    ("name, two letters", |random, _| {
        let word = random.word();
        format!("{LIST}&PatientName=*{}*", &word[..2])
    }),
    ("patient ID", |random, studies| {
        format!("{LIST}&PatientID=P{:06}", random.below(studies / 2))
    }),
    ("a week", |random, _| {
        let month = 1 + random.below(12);
        format!("{LIST}&StudyDate=2024{month:02}10-2024{month:02}16")
    }),
    ("modality", |random, _| {
        let modality = MODALITIES[usize::try_from(random.below(6)).unwrap()];
        format!("{LIST}&ModalitiesInStudy={modality}")
    }),
];

fn measure(address: SocketAddr, kind: Kind, studies: u64) -> Vec<Duration> {
    let threads: Vec<_> = (0..USERS)
        .map(|user| {
            std::thread::spawn(move || {
                let mut random = Random(1000 + user as u64);
                let mut client = Client::new(address);
                let mut times = Vec::new();
                for _ in 0..SEARCHES / USERS {
                    let path = format!("/dicomweb/studies?{}", kind.1(&mut random, studies));
                    let began = Instant::now();
                    client.get(&path);
                    times.push(began.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times: Vec<Duration> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    times.sort();
    times
}

fn main() {
    let studies = argument("--studies").map_or(STUDIES, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    let (data, index) = (root.join("data"), root.join("index/index.db"));
    for folder in [&data, &root.join("index")] {
        fs::create_dir(folder).unwrap();
    }
    let began = Instant::now();
    make(&data, &index, studies);
    println!(
        "made an index of {studies} studies in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    let config = root.join("gateway.toml");
    fs::write(
        &config,
        "[log]\nrequests = false\n[limits]\nrequests_per_minute = 1000000\n",
    )
    .unwrap();
    let options = ServeOptions {
        data: vec![data],
        store: None,
        listen: Some("127.0.0.1:0".into()),
        index: Some(index.clone()),
        app: Some(root.join("no-app")),
        config: Some(config),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let began = Instant::now();
    let server = runtime.block_on(prepare(options)).unwrap();
    let address = server.address();
    runtime.spawn(server.run(std::future::pending()));
    Client::new(address).get("/dicomweb/studies?limit=100");
    println!(
        "first answer {:.0} ms after the start",
        began.elapsed().as_secs_f64() * 1e3
    );
    let mut rows = Vec::new();
    for kind in KINDS {
        let times = measure(address, kind, studies);
        let at = |part: usize| {
            times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3
        };
        let (median, late) = (at(50), at(95));
        println!(
            "{:<20} median {median:>7.1} ms   95 % {late:>7.1} ms",
            kind.0
        );
        rows.push(json!({ "case": kind.0, "users": USERS, "median_ms": median, "p95_ms": late }));
    }
    let bytes = fs::metadata(&index).unwrap().len();
    println!("the index takes {:.0} MB", bytes as f64 / 1e6);
    let report = json!({ "name": "qido", "studies": studies, "index_bytes": bytes, "rows": rows });
    if let Some(out) = argument("--out") {
        fs::write(out, report.to_string() + "\n").unwrap();
    }
    runtime.shutdown_background();
}
