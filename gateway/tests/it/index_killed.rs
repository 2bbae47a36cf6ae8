//! The real program, ended without warning at random moments while it indexes folders that change: in the end the index has what
//! the disk has. `SAGITTA_INDEX_KILLS` sets how often, 12 unless it is said, and
//! more until some were amid its work.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::files::ct;
use crate::server::exchange;

/// Files in the folder.
const FILES: u64 = 300;
/// How long it runs at most before it is ended, in milliseconds.
const LONGEST: u64 = 100;
/// How often at least it is ended with files left to be read.
const AMID: u64 = 5;

struct Running(Child, String);

impl Running {
    fn start(data: &Path, index: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sagitta"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .arg("--index")
            .arg(index)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.trim_end().trim_end_matches('/');
        let address = address.strip_prefix("Sagitta is ready at http://");
        let address = address.unwrap_or_default().to_owned();
        Self(child, address)
    }

    fn json(&self, path: &str) -> Value {
        exchange(&self.1, path).json()
    }
}

impl Drop for Running {
    /// SIGKILL where there are signals.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the index has: UIDs of study and instance.
fn indexed(running: &Running) -> Vec<[String; 2]> {
    let found = running.json("/dicomweb/instances");
    let text = |set: &Value, tag: &str| set[tag]["Value"][0].as_str().unwrap().to_owned();
    let mut all: Vec<[String; 2]> = (found.as_array().unwrap().iter())
        .map(|set| [text(set, "0020000D"), text(set, "00080018")])
        .collect();
    all.sort();
    all
}

#[test]
fn a_gateway_that_is_killed_while_it_indexes_has_in_the_end_what_the_disk_has() {
    let kills = std::env::var("SAGITTA_INDEX_KILLS").map_or(12, |text| text.parse().unwrap());
    let begun = Instant::now();
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let index = index.path().join("index.db");
    let data = folder.path();
    let mut chance = 0x0dd_u64;
    let mut random = move |below: u64| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % below
    };
    let mut there: BTreeMap<u64, [String; 2]> = BTreeMap::new();
    let mut amid = 0;
    for round in 0.. {
        // The last one, unless chance has ended it too rarely amid its work.
        let last = round >= kills && amid >= AMID;
        assert!(
            round < kills + 500,
            "{amid} of {round} kills were amid indexing"
        );
        // All at first; then some come, some go, some become others.
        let changes = if round == 0 { FILES } else { FILES / 4 };
        for change in 0..changes {
            let number = if round == 0 { change } else { random(FILES) };
            let path = data.join(format!("{}/{number}.dcm", number % 7));
            if round > 0 && random(3) == 0 {
                let _ = fs::remove_file(path);
                there.remove(&number);
                continue;
            }
            let study = format!("1.{}", random(9) + 1);
            let series = format!("{study}.{}", 10 * round + random(3));
            let which = u16::try_from(number).unwrap();
            let made = ct(&study, &series, which);
            // Whoever else has these UIDs has other bytes.
            if there.values().any(|[_, sop]| *sop == made.instance) {
                continue;
            }
            let name = format!("{}/{number}.dcm", number % 7);
            let next = data.join(".next");
            fs::write(&next, made.bytes()).unwrap();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::rename(next, data.join(name)).unwrap();
            there.insert(number, [made.study, made.instance]);
        }
        let running = Running::start(data, &index);
        if last {
            let mut expected: Vec<[String; 2]> = there.values().cloned().collect();
            expected.sort();
            let end = Instant::now() + Duration::from_secs(20);
            while indexed(&running) != expected {
                assert!(Instant::now() < end, "the index disagrees with the disk");
                std::thread::sleep(Duration::from_millis(50));
            }
            break;
        }
        std::thread::sleep(Duration::from_millis(random(LONGEST)));
        let health = running.json("/healthz")["indexing"].clone();
        amid += u64::from(health["done"] != health["total"]);
        drop(running);
    }
    // The numbers of studies and series are those of their files, and every header is the file's.
    let doctor = Command::new(env!("CARGO_BIN_EXE_sagitta"))
        .args(["doctor", "--deep", "--data"])
        .arg(data)
        .arg("--index")
        .arg(&index)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(doctor.status.success(), "{said}");
    println!(
        "{kills} kills and more in {:?}, {amid} amid indexing",
        begun.elapsed()
    );
}
