//! The built program, with names, numbers and secrets that stand nowhere else in everything that it reads and is asked. None of
//! them may come out by its log, its numbers or its document. The audit record alone holds what it must.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dicom_core::VR;
use dicom_dictionary_std::tags;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::ct;
use crate::server::{Answer, encoded, exchange, send};

const STUDY: &str = "1.2.826.0.1.31415926.1";
const WORD: &str = "canaryword canaryword";
const LAUNCH_SECRET: &str = "CanaryLaunchSecret0123456789abcdef";
/// A name of a request that nobody is believed about.
const ID: &str = "ca7a51e5ca7a51e5ca7a51e5";

/// What stands in files and requests.
const DATA: [&str; 21] = [
    "CANARYNAME",
    "CANARYID",
    "CANARYACC",
    "CANARYTEXT",
    "CANARYDOCTOR",
    "CANARYFILE",
    "CANARYFOLDER",
    "CANARYBROKEN",
    "CANARYUSER",
    "CANARYQUERY",
    "CANARYPATH",
    "CANARYHEADER",
    "CANARYBODY",
    "CANARYNOTE",
    "CANARYREASON",
    "CANARYMETHOD",
    "31415926",
    "canaryword",
    "CanaryLaunchSecret",
    "canarytoken",
    ID,
];

struct Program {
    child: Child,
    address: SocketAddr,
    ops: SocketAddr,
    folder: TempDir,
    /// Secrets that it gave out.
    secrets: BTreeSet<String>,
}

/// All that came out of it.
struct Outcome {
    log: String,
    numbers: String,
    document: String,
    record: String,
    secrets: BTreeSet<String>,
}

fn sagitta() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sagitta"))
}

/// A program that may leave an image of its memory, as large as it likes, where it was started.
fn may_leave_dumps(program: &str) -> Command {
    if !cfg!(unix) {
        return Command::new(program);
    }
    let mut command = Command::new("sh");
    let script = "ulimit -c \"$(ulimit -H -c)\"; exec \"$0\" \"$@\"";
    command.args(["-c", script, program]);
    command
}

/// Files of a folder, without those below it.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().to_str().unwrap().to_owned()
    };
    entries.map(name).collect()
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn write_files(data: &Path) {
    let inner = data.join("CANARYFOLDER");
    std::fs::create_dir_all(&inner).unwrap();
    let mut made = ct(STUDY, &format!("{STUDY}.1"), 1);
    made.text(tags::PATIENT_NAME, VR::PN, "CANARYNAME^ANNA");
    made.text(tags::PATIENT_ID, VR::LO, "CANARYID");
    made.text(tags::ACCESSION_NUMBER, VR::SH, "CANARYACC");
    made.text(tags::STUDY_DESCRIPTION, VR::LO, "CANARYTEXT");
    made.text(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "CANARYDOCTOR");
    let whole = made.write(&inner, "CANARYFILE.dcm");
    let bytes = std::fs::read(whole).unwrap();
    // Files that break off at every place where one can: refused, or read in part.
    for length in (132..bytes.len()).step_by(97) {
        let name = format!("CANARYBROKEN{length}.dcm");
        std::fs::write(inner.join(name), &bytes[..length]).unwrap();
    }
    std::fs::write(inner.join("CANARYFILE.txt.dcm"), "CANARYTEXT is no DICOM").unwrap();
}

impl Program {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write_files(&at("data"));
        private(&at("audit.key"), &"k".repeat(32));
        private(&at("ehr.secret"), LAUNCH_SECRET);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ops = free.local_addr().unwrap();
        drop(free);
        let config = at("gateway.toml");
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"{ops}\"\n[log]\nrequests = true\n\
             [auth.local]\nsecond_factor = \"optional\"\n[audit]\nchain_key_file = \"audit.key\"\n\
             [limits]\nrequests_per_minute = 100000\n\
             [[launch_client]]\nid = \"ehr\"\nsecret_file = \"ehr.secret\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let mut secrets = BTreeSet::new();
        let mut codes = Vec::new();
        for (name, role) in [
            ("rad", "radiologist"),
            ("watch", "auditor"),
            ("root", "admin"),
        ] {
            let mut add = sagitta();
            add.args(["user", "add", name, "--role", role, "--config"]);
            let out = add.arg(&config).output().unwrap();
            let text = String::from_utf8(out.stdout).unwrap();
            let is_code = |word: &&str| word.len() == 29 && word.matches('-').count() == 4;
            let mut words = text.split_whitespace().map(|it| it.trim_matches('.'));
            codes.push((name, words.find(is_code).unwrap().to_owned()));
        }
        let mut serve = may_leave_dumps(env!("CARGO_BIN_EXE_sagitta"));
        serve.current_dir(folder.path());
        serve.args(["serve", "--config"]).arg(&config);
        serve.arg("--data").arg(at("data"));
        serve.arg("--index").arg(at("index.db"));
        serve.arg("--app").arg(at("no-app"));
        serve.stdout(Stdio::piped());
        serve.stderr(File::create(at("log")).unwrap());
        let mut child = serve.spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.strip_prefix("Sagitta is ready at http://").unwrap();
        let address = address.trim_end_matches("/\n").parse().unwrap();
        secrets.extend(codes.iter().map(|(_, code)| code.clone()));
        let mut program = Self {
            child,
            address,
            ops,
            folder,
            secrets,
        };
        for (name, code) in codes {
            let fields = [("name", name), ("code", &*code), ("password", WORD)];
            let first = program.form("/auth/first", &fields);
            assert_eq!(first.status, 303, "{name}");
            program.keep(&first);
        }
        program
    }

    /// Secrets of an answer: cookies, and what its JSON calls one.
    fn keep(&mut self, answer: &Answer) -> Option<String> {
        let cookie = answer.cookie();
        if let Some((_, secret)) = cookie.as_deref().and_then(|it| it.split_once('=')) {
            self.secrets.insert(secret.to_owned());
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        for name in ["ticket", "bearer", "again", "pin"] {
            self.secrets.extend(body[name].as_str().map(str::to_owned));
        }
        cookie
    }

    fn ask(&mut self, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
        let (host, length) = (self.address.to_string(), body.len().to_string());
        let mut headers = vec![
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Content-Length", &length),
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Sagitta", "1"),
            ("User-Agent", "CANARYHEADER"),
            ("Referer", "http://CANARYHEADER/CANARYPATH"),
            ("X-Forwarded-For", "CANARYHEADER"),
            ("X-Request-Id", ID),
        ];
        headers.extend(more);
        let answer = send(self.address, method, path, &headers, body.as_bytes());
        self.keep(&answer);
        answer
    }

    fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        self.ask("POST", path, &form, &encoded(fields))
    }

    fn json(&mut self, path: &str, cookie: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json"), ("Cookie", cookie)];
        self.ask("POST", path, &headers, &body.to_string())
    }

    fn log_in(&mut self, name: &str) -> String {
        let answer = self.form("/auth/login", &[("name", name), ("password", WORD)]);
        assert_eq!(answer.status, 303);
        answer.cookie().unwrap()
    }

    fn stop(mut self) -> Outcome {
        let text = |answer: Answer| String::from_utf8(answer.body).unwrap();
        let numbers = text(exchange(&self.ops.to_string(), "/metrics"));
        let document = text(exchange(&self.ops.to_string(), "/openapi.json"));
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap();
        Outcome {
            log: read("log"),
            record: read("audit.jsonl"),
            numbers,
            document,
            secrets: std::mem::take(&mut self.secrets),
        }
    }
}

/// Everything that the gateway has, asked with canaries wherever something can be said.
fn everything() -> Outcome {
    let mut program = Program::start();
    let rad = program.log_in("rad");
    let watch = program.log_in("watch");
    let with = [("Cookie", rad.as_str())];
    // What someone does all day.
    let instance = format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.1");
    for path in [
        "/dicomweb/studies?PatientName=CANARYQUERY*&PatientID=CANARYID".to_owned(),
        format!("/dicomweb/studies/{STUDY}/metadata"),
        format!("{instance}/frames/1"),
        format!("{instance}/frames/9"),
        format!("{instance}/thumbnail"),
        format!("{instance}/bulk/7FE00010"),
        format!("/api/studies/{STUDY}/files?reason=CANARYREASON"),
        format!("/IHEInvokeImageDisplay?requestType=STUDY&studyUID={STUDY}"),
        "/IHEInvokeImageDisplay?requestType=PATIENT&patientID=CANARYID".to_owned(),
        format!("/viewer?StudyInstanceUIDs={STUDY}"),
        "/CANARYPATH/CANARYPATH?x=CANARYQUERY".to_owned(),
        "/dicomweb/CANARYPATH/studies".to_owned(),
        "/dicomweb/studies?CANARYQUERY=1".to_owned(),
    ] {
        let answer = program.ask("GET", &path, &with, "");
        assert!(answer.status < 600, "{path}");
    }
    program.ask("CANARYMETHOD", "/dicomweb/studies", &with, "");
    program.ask(
        "GET",
        "/api/audit?patient=CANARYID",
        &[("Cookie", &watch)],
        "",
    );
    let emergency = json!({ "study": STUDY, "reason": "CANARYREASON in words" });
    assert_eq!(program.json("/api/emergency", &rad, &emergency).status, 204);
    // A link, wrong PINs, the right one.
    let wanted = json!({ "study": STUDY, "days": 1, "pin": true, "note": "CANARYNOTE" });
    let made = program.json("/api/shares", &rad, &wanted);
    assert_eq!(made.status, 201);
    let made = made.json();
    let (_, halves) = made["path"].as_str().unwrap().split_once("#v1.").unwrap();
    let (id, secret) = halves.split_once('.').unwrap();
    program.secrets.extend([id.to_owned(), secret.to_owned()]);
    let pin = made["pin"].as_str().unwrap();
    for (path, pin) in [
        ("/api/shares/look", None),
        ("/api/shares/redeem", Some("CANARYBODY")),
        ("/api/shares/redeem", Some(pin)),
    ] {
        let body = json!({ "id": id, "secret": secret, "pin": pin });
        program.json(path, "a=CANARYHEADER", &body);
    }
    // A ticket, and logins that fail.
    let basic = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("ehr:{LAUNCH_SECRET}"),
    );
    program.secrets.insert(basic.clone());
    let parent = "http://localhost:1";
    let wanted = json!({ "user": "rad", "accession": "CANARYACC", "parent": parent });
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", &*format!("Basic {basic}")),
    ];
    let ticket = program.ask("POST", "/api/launch", &headers, &wanted.to_string());
    assert_eq!(ticket.status, 201);
    let taken = json!({ "ticket": ticket.json()["ticket"], "parent": parent });
    assert_eq!(
        program.json("/api/launch/redeem", "a=b", &taken).status,
        200
    );
    for (name, password) in [("rad", "CANARYBODY"), ("CANARYUSER", WORD), (WORD, "x")] {
        program.form("/auth/login", &[("name", name), ("password", password)]);
    }
    program.form("/auth/callback", &[("code", "canarytoken")]);
    // Every route of the document, by everybody, with a canary in each place.
    let document = exchange(&program.ops.to_string(), "/openapi.json").json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, described) in methods.as_object().unwrap() {
            let mut address = path.clone();
            let mut query = Vec::new();
            for parameter in described["parameters"].as_array().unwrap() {
                let name = parameter["name"].as_str().unwrap();
                match parameter["in"].as_str().unwrap() {
                    "path" => address = address.replace(&format!("{{{name}}}"), "CANARYPATH"),
                    _ => query.push(format!("{name}=CANARYQUERY")),
                }
            }
            if !query.is_empty() {
                address = format!("{address}?{}", query.join("&"));
            }
            let ends = ["/auth/logout", "/api/session"]
                .iter()
                .any(|it| path.starts_with(it));
            let own = if ends {
                program.log_in("rad")
            } else {
                rad.clone()
            };
            let method = method.to_ascii_uppercase();
            for cookie in [
                own.as_str(),
                "__Host-sid=canarytoken",
                "__Host-link=canarytoken",
            ] {
                for (media, body) in [
                    ("application/json", "{\"CANARYBODY\": \"CANARYBODY\"}"),
                    ("application/json", "CANARYBODY"),
                    (
                        "application/x-www-form-urlencoded",
                        "CANARYBODY=%FF&name=CANARYUSER",
                    ),
                    ("text/CANARYHEADER", "CANARYBODY"),
                ] {
                    let bearer = ("Authorization", "Bearer canarytoken");
                    let mut headers = vec![("Content-Type", media), ("Cookie", cookie)];
                    if cookie.ends_with("canarytoken") {
                        headers.push(bearer);
                    }
                    program.ask(&method, &address, &headers, body);
                }
            }
        }
    }
    program.stop()
}

fn without_hits(outcome: &Outcome, canaries: impl Iterator<Item = String>) -> usize {
    let mut count = 0;
    for canary in canaries {
        assert!(canary.len() >= 4, "{canary} could be anything");
        for (place, text) in [
            ("log", &outcome.log),
            ("numbers", &outcome.numbers),
            ("document", &outcome.document),
        ] {
            let hit = text.lines().find(|line| line.contains(&canary));
            assert_eq!(hit, None, "{canary} in the {place}");
        }
        count += 1;
    }
    count
}

#[test]
fn t21_no_canary_of_patients_or_requests_is_in_log_numbers_or_document() {
    let outcome = everything();
    let plain = DATA.iter().map(|canary| (*canary).to_owned());
    let count = without_hits(&outcome, plain);
    // The canaries did go in: the record has those that it must have.
    for canary in ["CANARYID", "CANARYQUERY", "CANARYREASON", STUDY] {
        assert!(outcome.record.contains(canary), "{canary}");
    }
    for secret in [
        "canaryword",
        "canarytoken",
        "CanaryLaunch",
        "CANARYUSER",
        "CANARYBODY",
    ] {
        assert!(!outcome.record.contains(secret), "{secret} is on record");
    }
    // A line of the log holds what it may hold, and each route has its lines.
    let mut routes = BTreeSet::new();
    let mut lines = 0;
    for line in outcome.log.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).unwrap();
        let mut keys: Vec<&str> = line
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        keys.retain(|key| *key != "session");
        keys.sort_unstable();
        let expected = [
            "address", "bytes", "method", "ms", "request", "route", "status", "time",
        ];
        assert_eq!(keys, expected);
        assert_eq!(line["address"], "127.0.0.1");
        routes.insert(line["route"].as_str().unwrap().to_owned());
        lines += 1;
    }
    let document: Value = serde_json::from_str(&outcome.document).unwrap();
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(routes.contains(path), "{path} has no line");
    }
    assert!(outcome.log.contains("refused the file with inode"));
    println!("{count} canaries, {lines} lines, 0 hits");
}

#[test]
fn t07_no_secret_of_sessions_links_or_tickets_is_in_log_numbers_or_document() {
    let outcome = everything();
    assert!(outcome.secrets.len() > 20, "{}", outcome.secrets.len());
    let count = without_hits(&outcome, outcome.secrets.iter().cloned());
    // Nor is one in the record, but the public half of a link.
    let is_public = |secret: &String| outcome.record.contains(&format!("share {secret}"));
    let in_record = outcome
        .secrets
        .iter()
        .filter(|it| outcome.record.contains(*it));
    let found: Vec<&String> = in_record.filter(|it| !is_public(it)).collect();
    assert!(found.is_empty(), "{found:?}");
    println!("{count} secrets, 0 hits");
}

/// Where the system writes dumps elsewhere, or hands them to another program, the limit alone is looked at.
#[cfg(target_os = "linux")]
#[test]
fn t21_a_crash_leaves_no_image_of_the_memory() {
    use std::os::unix::fs::MetadataExt as _;

    // Another program does leave one here, where systems are as they come.
    let folder = tempfile::tempdir().unwrap();
    let mut other = may_leave_dumps("sh");
    other
        .current_dir(folder.path())
        .args(["-c", "kill -ABRT $$"]);
    assert!(!other.status().unwrap().success());
    println!("another program leaves {:?}", names(folder.path()));
    // A segmentation fault that comes from outside is taken for none by Rust's own handler.
    for signal in ["-ABRT", "-ILL"] {
        let mut program = Program::start();
        let rad = program.log_in("rad");
        let frame =
            format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.1/frames/1");
        let answer = program.ask("GET", &frame, &[("Cookie", &rad)], "");
        assert_eq!(answer.status, 200);
        let id = program.child.id();
        let of = |name: &str| format!("/proc/{id}/{name}");
        let limits = std::fs::read_to_string(of("limits")).unwrap();
        let limit = limits
            .lines()
            .find(|line| line.starts_with("Max core file"));
        let words: Vec<&str> = limit.unwrap().split_whitespace().collect();
        assert_eq!(words[4..6], ["0", "0"]);
        // What it may not leave, its own user may not read while it runs: it is the administrator's.
        let owner = std::fs::metadata(of("environ")).unwrap().uid();
        assert_eq!(owner, 0);
        let before = names(program.folder.path());
        let mut kill = Command::new("kill");
        kill.args([signal, &id.to_string()]);
        assert!(kill.status().unwrap().success());
        assert!(!program.child.wait().unwrap().success());
        assert_eq!(names(program.folder.path()), before, "{signal}");
    }
}
