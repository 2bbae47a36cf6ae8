//! The real program, ended without warning at random moments while clients are at it: whatever a client saw succeed is on
//! record and in the database afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateway::audit::event::{Kind, Outcome};
use gateway::audit::files::closed;
use gateway::audit::search::{Wanted, oldest_first};
use gateway::audit::verify::verify;
use gateway::auth::accounts;
use gateway::auth::asker::now_s;
use gateway::auth::database::Database;
use gateway::auth::secret::Secret;
use gateway::auth::shares::{self, NewShare};
use serde_json::json;
use tempfile::TempDir;

use crate::files::ct;
use crate::login::{self, WORD};
use crate::server::{Server, encoded};

/// Kills in all.
const KILLS: usize = 200;
/// Gateways that run beside each other.
const HOUSES: usize = 2;
/// Until then it answers again.
const BACK: Duration = Duration::from_secs(5);

const KEY: [u8; 32] = [7; 32];

/// What clients saw succeed, and what it left in the record.
#[derive(Default)]
struct Seen {
    /// Logins by user.
    logins: BTreeMap<String, usize>,
    /// Unlocked sessions by user.
    unlocked: BTreeMap<String, usize>,
    /// Uses of the link.
    uses: u32,
    /// Readings of pixels, by the session's first digits.
    readings: BTreeSet<String>,
    /// Searches, each with a text of its own.
    searches: BTreeSet<String>,
    /// Cookies of sessions that were begun.
    cookies: Vec<String>,
}

/// A gateway with its data, users and a link.
struct House {
    folder: TempDir,
    link: [String; 2],
    seen: Arc<Mutex<Seen>>,
}

/// An answer whose head came whole: status and cookie.
struct Answer {
    status: u16,
    cookie: Option<String>,
}

/// What a client does in one turn; `None` where the gateway is gone.
type Turn = Box<dyn Fn(&str, &Mutex<Seen>, usize) -> Option<()> + Send>;

/// Asks; `None` where the gateway is gone before the head of its answer has come.
fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\n\
         X-Sagitta: 1\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    // A reset is an end, too: what came before it counts.
    let _ = stream.read_to_end(&mut bytes);
    let head = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..head]).unwrap();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .and_then(|set| set.split(';').next())
        .filter(|pair| !pair.ends_with('='))
        .map(str::to_owned);
    Some(Answer { status, cookie })
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

fn log_in(address: &str, name: &str) -> Option<Answer> {
    let body = encoded(&[("name", name), ("password", WORD)]);
    ask(address, "POST", "/auth/login", FORM, &body)
}

/// The first digits of what is kept of a session's secret, as the record has them.
fn short(cookie: &str) -> String {
    let secret = cookie.split_once('=').unwrap().1;
    Secret::from_text(secret).unwrap().hash().short()
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        ct("1", "2", 1).write(&data, "a.dcm");
        let options = login::configured(folder.path(), "optional");
        let config = options.config.clone().unwrap();
        let text = std::fs::read_to_string(&config).unwrap();
        // Small files: they are closed while clients are at it, too.
        std::fs::write(config, format!("{text}rotate = \"8KiB\"\n")).unwrap();
        let server = Server::start(options);
        server.wait_until_indexed();
        for name in ["ada", "bob", "cyd"] {
            login::user(&server, name, "radiologist");
        }
        let database = &server.state.login.as_ref().unwrap().database;
        let users = accounts::list(database).unwrap();
        let new = NewShare {
            source: "local".into(),
            studies: BTreeSet::from(["1".to_owned()]),
            series: None,
            view: None,
            days: 7,
            most_uses: None,
            has_pin: false,
            may_download: false,
            note: String::new(),
        };
        let made = shares::create(database, users[0].id, &new, now_s()).unwrap();
        Self {
            folder,
            link: [made.id, made.secret.text()],
            seen: Arc::default(),
        }
    }

    fn record(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// Starts the program; it must answer soon.
    fn start(&self) -> (Child, String, Duration) {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sagitta"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(self.folder.path().join("data"))
            .arg("--index")
            .arg(self.folder.path().join("index.db"))
            .arg("--config")
            .arg(self.folder.path().join("gateway.toml"))
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
        let healthy = ask(&address, "GET", "/healthz", "", "");
        assert_eq!(healthy.map(|it| it.status), Some(200));
        let took = begun.elapsed();
        assert!(took < BACK, "it took {took:?} to answer again");
        (child, address, took)
    }

    /// Clients that go on until the gateway is gone.
    fn clients(&self, address: &str, round: usize) -> Vec<std::thread::JoinHandle<()>> {
        let over = Arc::new(AtomicBool::new(false));
        let client = |each: Turn| {
            let (seen, over) = (Arc::clone(&self.seen), Arc::clone(&over));
            let address = address.to_owned();
            std::thread::spawn(move || {
                for turn in 0.. {
                    if over.load(Ordering::SeqCst) || each(&address, &seen, turn).is_none() {
                        over.store(true, Ordering::SeqCst);
                        return;
                    }
                }
            })
        };
        let [id, secret] = self.link.clone();
        vec![
            // Logs in, reads and searches with the new session.
            client(Box::new(move |address, seen, turn| {
                let answer = log_in(address, "ada")?;
                assert_eq!(answer.status, 303);
                let cookie = answer.cookie.unwrap();
                {
                    let mut seen = seen.lock().unwrap();
                    *seen.logins.entry("ada".into()).or_default() += 1;
                    seen.cookies.push(cookie.clone());
                }
                let header = format!("Cookie: {cookie}\r\n");
                let path = "/dicomweb/studies/1/series/2/instances/2.1/frames/1";
                let answer = ask(address, "GET", path, &header, "")?;
                // While the index is read anew after a crash nothing is there yet.
                if answer.status == 200 {
                    seen.lock().unwrap().readings.insert(short(&cookie));
                } else {
                    assert_eq!(answer.status, 404);
                }
                let text = format!("canary-{round}-{turn}-");
                let path = format!("/dicomweb/studies?PatientName={text}");
                let answer = ask(address, "GET", &path, &header, "")?;
                assert_eq!(answer.status, 200);
                seen.lock().unwrap().searches.insert(text);
                Some(())
            })),
            // Opens the link.
            client(Box::new(move |address, seen, _| {
                let body = json!({ "id": id, "secret": secret }).to_string();
                let answer = ask(address, "POST", "/api/shares/redeem", JSON, &body)?;
                assert_eq!(answer.status, 200);
                seen.lock().unwrap().uses += 1;
                Some(())
            })),
            // Locks a session and goes on with it.
            client(Box::new(move |address, seen, turn| {
                let name = ["bob", "cyd"][turn % 2];
                let answer = log_in(address, name)?;
                assert_eq!(answer.status, 303);
                let cookie = answer.cookie.unwrap();
                *seen.lock().unwrap().logins.entry(name.into()).or_default() += 1;
                let headers = format!("{JSON}Cookie: {cookie}\r\n");
                let lock = ask(address, "POST", "/api/session/lock", &headers, "")?;
                assert_eq!(lock.status, 204);
                let body = json!({ "password": WORD }).to_string();
                let unlock = ask(address, "POST", "/api/session/unlock", &headers, &body)?;
                assert_eq!(unlock.status, 204);
                let mut seen = seen.lock().unwrap();
                *seen.unlocked.entry(name.into()).or_default() += 1;
                seen.cookies.push(cookie);
                Some(())
            })),
        ]
    }

    /// What clients saw is in the record and in the database; the record is sound.
    fn check(&self) {
        let found = verify(&self.record(), &KEY).unwrap();
        assert_eq!(found.broken, None);
        let mut left = Seen::default();
        let mut uses = 0_u32;
        oldest_first(&self.record(), &Wanted::default(), |_, record, _| {
            let event = &record.event;
            if event.outcome != Outcome::Success {
                return Ok(());
            }
            let user = event.actor.user.clone();
            match event.kind {
                Kind::Login if event.reason == "unlocked" => {
                    *left.unlocked.entry(user).or_default() += 1;
                }
                Kind::Login => *left.logins.entry(user).or_default() += 1,
                Kind::ShareUsed => uses += 1,
                Kind::FramesServed => {
                    left.readings.insert(event.actor.session.clone());
                }
                Kind::Search => {
                    let text = event.object.other.strip_prefix("PatientName=");
                    left.searches.insert(text.unwrap().to_owned());
                }
                _ => {}
            }
            Ok(())
        })
        .unwrap();
        let seen = self.seen.lock().unwrap();
        let covers = |left: &BTreeMap<String, usize>, seen: &BTreeMap<String, usize>| {
            seen.iter()
                .all(|(user, count)| left.get(user).is_some_and(|it| it >= count))
        };
        assert!(covers(&left.logins, &seen.logins));
        assert!(covers(&left.unlocked, &seen.unlocked));
        assert!(
            uses >= seen.uses,
            "{uses} uses on record, {} seen",
            seen.uses
        );
        assert!(left.readings.is_superset(&seen.readings));
        assert!(left.searches.is_superset(&seen.searches));
        let database = Database::open(&self.folder.path().join("users.db")).unwrap();
        let sql = "SELECT uses FROM share WHERE id = ?1";
        let counted: u32 = database
            .lock()
            .query_row(sql, [&self.link[0]], |row| row.get(0))
            .unwrap();
        // A use counts before it is on record, and is on record before it is answered.
        assert!(counted >= uses && uses >= seen.uses, "{counted} {uses}");
    }

    /// Starts the program so often, and ends it each time at a moment that chance gives.
    fn kill(&self, times: usize, mut chance: u64) -> Duration {
        let mut slowest = Duration::ZERO;
        for round in 0..times {
            let (mut child, address, took) = self.start();
            slowest = slowest.max(took);
            // The newest session that someone saw begin goes on.
            let cookie = self.seen.lock().unwrap().cookies.last().cloned();
            if let Some(cookie) = cookie {
                let header = format!("Cookie: {cookie}\r\n");
                let session = ask(&address, "GET", "/api/session", &header, "").unwrap();
                assert_eq!(session.status, 200);
            }
            let clients = self.clients(&address, round);
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            std::thread::sleep(Duration::from_millis(20 + (chance >> 33) % 400));
            // SIGKILL where there are signals.
            child.kill().unwrap();
            child.wait().unwrap();
            for client in clients {
                client.join().unwrap();
            }
            self.check();
        }
        slowest
    }
}

#[test]
fn t22_a_gateway_that_is_killed_200_times_loses_nothing_that_a_client_saw_succeed() {
    let begun = Instant::now();
    let houses: Vec<_> = (0..HOUSES)
        .map(|index| {
            std::thread::spawn(move || {
                let house = House::new();
                let slowest = house.kill(KILLS / HOUSES, 0x5eed + index as u64);
                // It ends in order, and the command finds the record sound.
                let (mut child, ..) = house.start();
                let out = Command::new(env!("CARGO_BIN_EXE_sagitta"))
                    .args(["audit", "verify", "--config"])
                    .arg(house.folder.path().join("gateway.toml"))
                    .output()
                    .unwrap();
                child.kill().unwrap();
                child.wait().unwrap();
                let words = String::from_utf8(out.stdout).unwrap();
                assert!(words.contains("all sound"), "{words}");
                let files = closed(&house.record()).unwrap().len();
                assert!(files > 0, "no file was closed");
                let seen = house.seen.lock().unwrap();
                let logins: usize = seen.logins.values().sum();
                let unlocked: usize = seen.unlocked.values().sum();
                assert!(logins > 0 && unlocked > 0 && seen.uses > 0 && !seen.searches.is_empty());
                println!(
                    "{logins} logins, {unlocked} unlocked, {} uses, {} readings, {} searches seen; {files} files closed; \
                     back after {slowest:?} at most; {words}",
                    seen.uses,
                    seen.readings.len(),
                    seen.searches.len()
                );
            })
        })
        .collect();
    for house in houses {
        house.join().unwrap();
    }
    println!("{KILLS} kills in {:?}", begun.elapsed());
}
