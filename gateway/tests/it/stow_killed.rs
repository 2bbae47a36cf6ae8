//! The real program, ended without warning at random moments while clients store: whatever was answered is there afterwards,
//! whole and found; nothing of a half file is to be seen. `SAGITTA_STORE_KILLS` sets how often, 20 unless it is said.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use sha2::{Digest as _, Sha256};

use crate::files::ct;
use crate::server::exchange;
use crate::stow::{files, multipart, prepared};

/// Clients that store at once.
const CLIENTS: usize = 3;

/// SHA-256 of a file, which are many.
type Hash = [u8; 32];

fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// What clients sent, by SOP Instance UID, and which of it they were told is stored.
#[derive(Default)]
struct Sent {
    files: BTreeMap<String, Hash>,
    answered: BTreeMap<String, Hash>,
}

fn start(folder: &Path, config: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sagitta"))
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(config)
        .arg("--index")
        .arg(folder.join("index.db"))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let address = line.strip_prefix("Sagitta is ready at http://");
    let address = address.and_then(|it| it.strip_suffix("/\n"));
    let address = address.expect("the gateway did not start").to_owned();
    (child, address)
}

/// Status of an answer whose head came; `None` where the gateway is gone.
fn stow(address: &str, all: &[Vec<u8>]) -> Option<u16> {
    let (media, body) = multipart(all);
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST /dicomweb/studies HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {media}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()?;
    let mut bytes = Vec::new();
    // A reset is an end, too: what came before it counts.
    let _ = stream.read_to_end(&mut bytes);
    let head = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..head]).unwrap();
    head.split(' ').nth(1)?.parse().ok()
}

/// Instances of one body: from a few bytes to a few hundred thousand.
fn made(study: &str, turn: usize, chance: u64) -> Vec<(String, Vec<u8>)> {
    let count = 1 + chance % 5;
    let one = |index: u64| {
        let number = u16::try_from(index + 1).unwrap();
        let mut made = ct(study, &format!("{study}.{turn}"), number);
        let side = u16::try_from(4 + (chance >> 8) % 300).unwrap();
        made.image(side, side, 16);
        let values = vec![number; usize::from(side) * usize::from(side)];
        made.put(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(values.into()));
        let bytes = made.bytes();
        (made.instance, bytes)
    };
    (0..count).map(one).collect()
}

fn next(chance: u64) -> u64 {
    chance
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407)
}

fn clients(
    address: &str,
    round: usize,
    sent: &Arc<Mutex<Sent>>,
) -> Vec<std::thread::JoinHandle<()>> {
    let over = Arc::new(AtomicBool::new(false));
    let client = |number: usize| {
        let (sent, over, address) = (Arc::clone(sent), Arc::clone(&over), address.to_owned());
        std::thread::spawn(move || {
            let study = format!("1.5.{round}.{number}");
            let mut chance = (round * CLIENTS + number) as u64 + 77;
            for turn in 0.. {
                chance = next(chance);
                let all = made(&study, turn, chance >> 16);
                let files: Vec<Vec<u8>> = all.iter().map(|it| it.1.clone()).collect();
                let all = all.into_iter().map(|(uid, bytes)| (uid, hash(&bytes)));
                let all: BTreeMap<String, Hash> = all.collect();
                sent.lock().unwrap().files.extend(all.clone());
                match stow(&address, &files) {
                    Some(status) => {
                        assert_eq!(status, 200);
                        sent.lock().unwrap().answered.extend(all);
                    }
                    None => over.store(true, Ordering::SeqCst),
                }
                if over.load(Ordering::SeqCst) {
                    return;
                }
            }
        })
    };
    (0..CLIENTS).map(client).collect()
}

/// SOP Instance UIDs that a search finds.
fn found(address: &str) -> Vec<String> {
    let answer = exchange(address, "/dicomweb/instances");
    assert_eq!(answer.status, 200);
    let uid = |set: &serde_json::Value| set["00080018"]["Value"][0].as_str().unwrap().to_owned();
    let mut all: Vec<String> = answer.json().as_array().unwrap().iter().map(uid).collect();
    all.sort();
    all
}

/// Every file of the store is one that was sent, and those of these studies are whole; every answered one is among them.
fn check(store: &Path, sent: &Sent, studies: &str) -> Vec<String> {
    let mut there = Vec::new();
    for path in files(store) {
        let uid = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = sent.files.get(&uid).expect("a file that nobody sent");
        if uid.starts_with(studies) {
            let found = hash(&fs::read(&path).unwrap());
            assert_eq!(found, *expected, "{uid} is not what was sent");
        }
        there.push(uid);
    }
    there.sort();
    for uid in sent.answered.keys() {
        assert!(
            there.binary_search(uid).is_ok(),
            "{uid} was answered and is gone"
        );
    }
    there
}

#[test]
fn a_gateway_that_is_killed_while_it_stores_has_whole_files_and_all_that_was_answered() {
    let kills = std::env::var("SAGITTA_STORE_KILLS").map_or(20, |text| text.parse().unwrap());
    let begun = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let config = prepared(folder.path(), "").config.unwrap();
    let store: PathBuf = folder.path().join("store");
    let sent: Arc<Mutex<Sent>> = Arc::default();
    let (mut chance, mut left_over) = (0x5eed_u64, 0);
    for round in 0..=kills {
        let (mut child, address) = start(folder.path(), &config);
        // What was on its way is gone; what was answered is found at once, before anything is looked for.
        let incoming = fs::read_dir(store.join(".incoming")).unwrap();
        assert_eq!(incoming.count(), 1);
        let at_once = found(&address);
        for uid in sent.lock().unwrap().answered.keys() {
            assert!(
                at_once.binary_search(uid).is_ok(),
                "{uid} was answered and is not found"
            );
        }
        if round == kills {
            // In the end the index has what the disk has.
            let there = check(&store, &sent.lock().unwrap(), "");
            let end = Instant::now() + Duration::from_secs(10);
            while found(&address) != there {
                assert!(Instant::now() < end, "the index disagrees with the disk");
                std::thread::sleep(Duration::from_millis(50));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            break;
        }
        let clients = clients(&address, round, &sent);
        chance = next(chance);
        std::thread::sleep(Duration::from_millis(20 + (chance >> 33) % 250));
        // SIGKILL where there are signals.
        child.kill().unwrap();
        child.wait().unwrap();
        for client in clients {
            client.join().unwrap();
        }
        left_over += fs::read_dir(store.join(".incoming")).unwrap().count() - 1;
        check(&store, &sent.lock().unwrap(), &format!("1.5.{round}."));
    }
    let sent = sent.lock().unwrap();
    println!(
        "{kills} kills in {:?}: {} instances sent, {} answered, {left_over} left on their way",
        begun.elapsed(),
        sent.files.len(),
        sent.answered.len()
    );
    assert!(sent.answered.len() > kills && sent.answered.len() < sent.files.len());
}
