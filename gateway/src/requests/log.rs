//! The access log: one line of JSON a request, on standard error.
//!
//! What a line may hold is this type and nothing else. No field is free text: a route is a template of ours, a method one of a
//! few, a session the beginning of a hash. There is no place for a path, a query, a header or a name, so none can slip in.

use std::io::Write as _;
use std::net::IpAddr;
use std::sync::mpsc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use jiff::Timestamp;
use serde::Serialize;

use super::Said;

/// The address of a route as it is written in the table of routes, with its parameters' names in place of their values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Template(String);

/// What no route is for: files of the app, and addresses that there are not.
const NO_ROUTE: &str = "(file)";

impl Template {
    /// Of the route that answers.
    pub fn of(request: &Request) -> Self {
        let path = request.extensions().get::<MatchedPath>();
        Self(path.map_or(NO_ROUTE, |path| path.as_str()).to_owned())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A method; one that nobody knows is none that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Options,
    Other,
}

impl Method {
    /// Of a request.
    pub fn of(method: &axum::http::Method) -> Self {
        match method.as_str() {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "OTHER",
        }
    }
}

/// Status in the log of a request whose sender left before there was an answer.
const LEFT: u16 = 499;

/// One line.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    time: Timestamp,
    request: &'a str,
    method: Method,
    route: &'a Template,
    status: u16,
    bytes: u64,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    address: IpAddr,
}

impl<'a> Line<'a> {
    pub(super) fn new(said: &'a Said) -> Self {
        Self {
            time: Timestamp::now(),
            request: said.current.id(),
            method: said.method,
            route: &said.route,
            status: said.status.unwrap_or(LEFT),
            bytes: said.bytes,
            ms: u64::try_from(said.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            session: said.current.session.get().map(|hash| hash.short()),
            address: said.current.address(),
        }
    }

    /// Method, route, status.
    pub(super) fn what(&self) -> (Method, &'a Template, u16) {
        (self.method, self.route, self.status)
    }

    /// Bytes of the answer, and seconds until they were gone.
    pub(super) fn how_much(&self) -> (u64, f64) {
        let seconds = Duration::from_millis(self.ms).as_secs_f64();
        (self.bytes, seconds)
    }

    /// As it is written.
    fn text(&self) -> Option<String> {
        let mut text = serde_json::to_string(self).ok()?;
        text.push('\n');
        Some(text)
    }
}

/// Lines that may wait for a slow reader.
const MOST_WAITING: usize = 4096;

enum Waiting {
    Line(String),
    /// Everything before it is written.
    Mark(mpsc::SyncSender<()>),
}

/// Writes lines on a thread of its own: whoever reads standard error slowly, or not at all, holds up nobody.
#[derive(Debug)]
pub struct Log(mpsc::SyncSender<Waiting>);

impl Log {
    /// Starts the thread; it ends with the log.
    ///
    /// # Errors
    /// The system gives none.
    pub fn start() -> std::io::Result<Self> {
        let (queue, incoming) = mpsc::sync_channel(MOST_WAITING);
        let write = move || {
            while let Ok(waiting) = incoming.recv() {
                match waiting {
                    // A log that cannot be written stops nothing: the record is another file.
                    Waiting::Line(text) => {
                        let _ = std::io::stderr().lock().write_all(text.as_bytes());
                    }
                    Waiting::Mark(reached) => {
                        let _ = reached.send(());
                    }
                }
            }
        };
        let builder = std::thread::Builder::new().name("log".into());
        builder.spawn(write)?;
        Ok(Self(queue))
    }

    /// Adds a line; false where too many wait already, and it is left out.
    pub(super) fn add(&self, line: &Line<'_>) -> bool {
        let text = line.text();
        text.is_some_and(|text| self.0.try_send(Waiting::Line(text)).is_ok())
    }

    /// Waits for what is on its way, a second at most.
    pub fn flush(&self) {
        let (reached, mark) = mpsc::sync_channel(1);
        if self.0.try_send(Waiting::Mark(reached)).is_ok() {
            // A reader that takes longer than that reads no more.
            let _ = mark.recv_timeout(Duration::from_secs(1));
        }
    }
}

/// What the log says of a panic: where it was. What the panic says is left out unless it is text of the program itself, as it
/// may hold text of a file or a request.
pub fn panic_line(
    payload: &dyn std::any::Any,
    place: Option<(&str, u32)>,
    request: &str,
) -> String {
    let (file, line) = place.unwrap_or(("?", 0));
    let words = payload.downcast_ref::<&'static str>();
    let words = words
        .copied()
        .unwrap_or("its words may hold data and are left out");
    let request = match request {
        "" => String::new(),
        request => format!(" in request {request}"),
    };
    format!("sagitta: a bug at {file}:{line}{request}: {words}")
}

/// From now on panics are logged by [`panic_line`].
pub fn log_panics_without_data() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|it| (it.file(), it.line()));
        eprintln!(
            "{}",
            panic_line(panic.payload(), place, &super::current_id())
        );
    }));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn t21_a_panic_says_where_it_was_and_nothing_of_what_it_was_about() {
        let caught = |work: fn()| std::panic::catch_unwind(work).unwrap_err();
        let line = |payload: &dyn std::any::Any| panic_line(payload, Some(("a.rs", 7)), "ab12");
        // As slices of text panic: the text is in the words.
        let name = caught(|| {
            let text = std::hint::black_box("CANARY\u{dc}");
            let _ = text.split_at(7);
        });
        assert!(!line(name.as_ref()).contains("CANARY"));
        let wrong = caught(|| {
            let text: Result<u8, String> = std::hint::black_box(Err("CANARY".into()));
            text.unwrap();
        });
        assert_eq!(
            line(wrong.as_ref()),
            "sagitta: a bug at a.rs:7 in request ab12: its words may hold data and are left out"
        );
        let plain = caught(|| std::panic::panic_any("no such state"));
        assert!(line(plain.as_ref()).ends_with(": no such state"));
    }

    #[test]
    fn t21_a_method_that_nobody_knows_is_not_written_down() {
        let method = axum::http::Method::from_bytes(b"CANARY").unwrap();
        assert_eq!(Method::of(&method).name(), "OTHER");
    }
}
