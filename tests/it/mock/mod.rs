//! A DICOMweb server on the loopback interface with one study, which does whatever other people's servers are known to do.
//!
//! Every [`Quirk`] is a server of its own below `/{prefix}-{name of the quirk}`; beside them the built app is served as plain files
//! below `/app/`, with all of them as its sources. All that is asked is kept, with what was answered.

mod answer;
pub mod quirk;
mod sets;

use crate::hosting::{built_app, head_of, listen, send};
use crate::made::{Coded, Made};
use answer::{Answer, Body};
pub use quirk::Quirk;
use serde_json::json;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

/// A request and the status of its answer.
pub struct Asked {
    /// `direct-usual` and the like.
    pub server: String,
    /// Below the root, with the query.
    pub path: String,
    pub accept: String,
    pub status: u16,
}

/// The servers; they end with the test's process.
pub struct Mock {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The value of every pixel of the plain pictures.
pub const GREY: u8 = 200;
/// Instances of the series.
pub const INSTANCES: usize = 2;

/// What a server holds.
pub fn made(quirk: Quirk, instance: usize) -> Made {
    let coded = (quirk == Quirk::CodeStreamMislabelled).then(|| Coded {
        syntax: "1.2.840.10008.1.2.4.201",
        stream: std::fs::read(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../viewer-core/tests/streams/grey12.htj2k"
        ))
        .unwrap(),
        rows: 33,
        columns: 36,
        bits: 12,
    });
    Made {
        instance,
        grey: coded.is_none().then_some(GREY),
        coded,
        ..Made::of_study(1)
    }
}

impl Mock {
    /// Starts them.
    pub fn start() -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let log = Arc::clone(&asked);
        let port = listen(move |mut stream| {
            if let Some(head) = head_of(&mut stream) {
                answer(&head, &mut stream, &log);
            }
        });
        Self { port, asked }
    }

    /// Address of the app.
    pub fn app(&self) -> String {
        format!("http://127.0.0.1:{}/app/", self.port)
    }

    /// Address of a server's root.
    pub fn root(&self, prefix: &str, quirk: Quirk) -> String {
        format!("http://127.0.0.1:{}/{prefix}-{}", self.port, quirk.name())
    }

    /// What a server was asked since the last time, which is forgotten.
    pub fn take(&self, prefix: &str, quirk: Quirk) -> Vec<Asked> {
        let server = format!("{prefix}-{}", quirk.name());
        let mut asked = self.asked.lock().unwrap();
        let (taken, rest) = asked.drain(..).partition(|it| it.server == server);
        *asked = rest;
        taken
    }
}

/// The requests that brought nothing, each in a line.
pub fn wasted(asked: &[Asked]) -> Vec<String> {
    let in_vain = asked.iter().filter(|it| it.status >= 400);
    in_vain
        .map(|it| format!("{} for {} ({})", it.status, it.path, it.accept))
        .collect()
}

fn answer(head: &str, stream: &mut TcpStream, log: &Mutex<Vec<Asked>>) {
    let target = head.split(' ').nth(1).unwrap_or("/");
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    };
    let (server, path) = target[1..].split_once('/').unwrap_or((&target[1..], ""));
    if server == "app" {
        serve_app(path, stream);
        return;
    }
    let name = server.split_once('-').map_or("", |(_, name)| name);
    let quirk = Quirk::ALL.into_iter().find(|it| it.name() == name);
    let Some(quirk) = quirk else {
        send(stream, "404 Not Found", "text/plain", b"no such server");
        return;
    };
    let question = Question {
        quirk,
        path: path.split('?').next().unwrap_or_default(),
        query: path.split_once('?').map_or("", |(_, query)| query),
        accept: header("accept"),
        host: header("host"),
        root: format!("/{server}"),
    };
    let answer = question.answer();
    // Before it is sent: whoever has it may look at once.
    log.lock().unwrap().push(Asked {
        server: server.to_owned(),
        path: path.to_owned(),
        accept: question.accept.to_owned(),
        status: answer.status,
    });
    answer.send(quirk, stream);
}

fn serve_app(path: &str, stream: &mut TcpStream) {
    let name = match path.split('?').next() {
        Some("") => "index.html",
        Some(name) if !name.contains("..") => name,
        _ => "none",
    };
    if name == "config.json" {
        let source = |quirk: Quirk| {
            let name = quirk.name();
            json!({ "id": name, "label": name, "dicomweb": format!("/direct-{name}") })
        };
        let sources: Vec<_> = Quirk::ALL.into_iter().map(source).collect();
        let text = json!({ "sources": sources }).to_string();
        send(stream, "200 OK", "application/json", text.as_bytes());
        return;
    }
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    match std::fs::read(built_app().join(name)) {
        Ok(bytes) => send(stream, "200 OK", kind, &bytes),
        Err(_) => send(stream, "404 Not Found", "text/plain", b"not here"),
    }
}

/// A request for something of a server.
pub struct Question<'a> {
    pub quirk: Quirk,
    /// Below the root.
    pub path: &'a str,
    pub query: &'a str,
    pub accept: &'a str,
    pub host: &'a str,
    pub root: String,
}

impl Question<'_> {
    fn answer(&self) -> Answer {
        let parts: Vec<&str> = self.path.split('/').collect();
        let first = made(self.quirk, 1);
        let (study, series) = (first.study_uid(), first.series_uid());
        let instance = |uid: &str| {
            (1..=INSTANCES)
                .map(|number| made(self.quirk, number))
                .find(|made| uid == format!("{series}.{}", made.instance))
        };
        let is_here = |parts: &[&str]| {
            parts.get(1).is_none_or(|uid| *uid == study)
                && parts.get(3).is_none_or(|uid| *uid == series)
        };
        match parts.as_slice() {
            ["studies"] => self.search(sets::studies(self)),
            ["studies", _, "series"] if !is_here(&parts[..2]) => self.search(Vec::new()),
            ["studies", _, "series"] => self.search(sets::series(self)),
            ["studies", _, "series", _, "instances"] if is_here(&parts[..4]) => {
                self.search(sets::instances(self))
            }
            ["studies", _, "series", _, "metadata"]
                if is_here(&parts[..4]) && self.quirk.gives_metadata() =>
            {
                self.json(sets::metadata(self))
            }
            ["studies", _, "series", _, kind @ ("rendered" | "thumbnail")]
                if is_here(&parts[..4]) =>
            {
                self.picture(kind)
            }
            ["studies", _, "bulk", "table"] if self.quirk == Quirk::BulkUpwards => self.table(),
            ["studies", _, "series", _, "bulk", "table"]
                if matches!(
                    self.quirk,
                    Quirk::BulkRelative | Quirk::BulkByHost | Quirk::BulkAtWrongHost
                ) =>
            {
                self.table()
            }
            ["studies", _, "series", _, "instances", uid, rest @ ..] if is_here(&parts[..4]) => {
                match (instance(uid), rest) {
                    (Some(made), []) => self.whole(&made),
                    (Some(made), ["metadata"]) if self.quirk.gives_metadata() => {
                        self.json(vec![sets::of_instance(self, &made)])
                    }
                    (Some(made), ["frames", "1"]) if self.quirk.gives_frames() => self.frame(&made),
                    (Some(_), [kind @ ("rendered" | "thumbnail")]) => self.picture(kind),
                    _ => Answer::refused(404),
                }
            }
            _ => Answer::refused(404),
        }
    }

    fn search(&self, sets: Vec<serde_json::Value>) -> Answer {
        let number = |name: &str| {
            let pairs = self
                .query
                .split('&')
                .filter_map(|pair| pair.split_once('='));
            pairs
                .filter(|(key, _)| *key == name && self.quirk != Quirk::LimitIgnored)
                .find_map(|(_, value)| value.parse::<usize>().ok())
        };
        let skip = number("offset").unwrap_or(0);
        let limit = number("limit").unwrap_or(usize::MAX);
        let sets: Vec<_> = sets.into_iter().skip(skip).take(limit).collect();
        if sets.is_empty() && self.quirk == Quirk::EmptyIsNoContent {
            return Answer::refused(204);
        }
        self.json(sets)
    }

    fn json(&self, sets: Vec<serde_json::Value>) -> Answer {
        if !["*/*", "application/dicom+json", "application/json"]
            .iter()
            .any(|known| self.accept.contains(known))
        {
            return Answer::refused(406);
        }
        let sets: Vec<_> = sets
            .into_iter()
            .map(|set| sets::bent(self.quirk, set))
            .collect();
        Answer {
            status: 200,
            media_type: "application/dicom+json".to_owned(),
            body: Body::Single(serde_json::to_vec(&sets).unwrap()),
        }
    }

    /// What the client takes, or the status of the refusal.
    fn wish(&self) -> Result<Wish, u16> {
        let ranges: Vec<&str> = self.accept.split(',').collect();
        let has_star = self.accept.contains("transfer-syntax=*");
        let in_parts = self.accept.contains("multipart/related");
        let of_files = self.accept.contains("application/dicom");
        let is_any = self.accept.is_empty() || ranges.iter().any(|range| range.trim() == "*/*");
        match self.quirk {
            Quirk::PartsOnly if ranges.len() > 1 || !(in_parts || is_any) => return Err(400),
            Quirk::SinglePartOnly | Quirk::WholeAlone if in_parts => return Err(406),
            Quirk::StarForBytesOnly if has_star && !self.accept.contains("octet-stream") => {
                return Err(400);
            }
            Quirk::StarRefused if has_star && !of_files => return Err(400),
            Quirk::StarFails | Quirk::CodeStreamMislabelled if has_star && !of_files => {
                return Err(500);
            }
            _ => {}
        }
        let alone = matches!(self.quirk, Quirk::SinglePartOnly | Quirk::WholeAlone);
        Ok(Wish {
            of_files: of_files || is_any,
            of_bytes: self.accept.contains("octet-stream") || is_any,
            in_parts: in_parts || (is_any && !alone),
        })
    }

    fn frame(&self, made: &Made) -> Answer {
        let wish = match self.wish() {
            Ok(wish) if wish.of_bytes => wish,
            Ok(_) => return Answer::refused(406),
            Err(status) => return Answer::refused(status),
        };
        let pixels = match &made.coded {
            Some(coded) => coded.stream.clone(),
            None => vec![GREY; 64],
        };
        Answer::of(
            wish,
            self.quirk,
            "application/octet-stream",
            Some("1.2.840.10008.1.2.1"),
            pixels,
        )
    }

    fn table(&self) -> Answer {
        match self.wish() {
            Ok(wish) if wish.of_bytes => Answer::of(
                wish,
                self.quirk,
                "application/octet-stream",
                None,
                sets::table(),
            ),
            Ok(_) => Answer::refused(406),
            Err(status) => Answer::refused(status),
        }
    }

    fn whole(&self, made: &Made) -> Answer {
        match self.wish() {
            Ok(wish) if wish.of_files => {
                Answer::of(wish, self.quirk, "application/dicom", None, made.bytes())
            }
            Ok(_) => Answer::refused(406),
            Err(status) => Answer::refused(status),
        }
    }

    fn picture(&self, kind: &str) -> Answer {
        let lacks = match self.quirk {
            Quirk::ThumbnailOnly => "rendered",
            Quirk::Usual => "",
            _ => "thumbnail",
        };
        if kind == lacks || !self.quirk.gives_metadata() {
            return Answer::refused(404);
        }
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, 8, 8);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[GREY; 64]).unwrap();
        writer.finish().unwrap();
        Answer {
            status: 200,
            media_type: "image/png".to_owned(),
            body: Body::Single(png),
        }
    }
}

/// What a client takes.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    of_files: bool,
    of_bytes: bool,
    in_parts: bool,
}
