//! What pages, their workers and their frames did: problems and requests.

use serde_json::Value;
use std::collections::HashMap;
use std::fmt;

/// What kind of thing went wrong on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// An exception that nobody caught, or a rejected promise.
    Exception,
    /// `console.error`, or a failed `console.assert`.
    Console,
    /// The content security policy was violated.
    Policy,
    /// A request failed or was answered by an error status.
    Network,
    /// Another message that the browser itself calls an error.
    Browser,
    /// The renderer crashed.
    Crash,
}

/// Something that went wrong on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub kind: ProblemKind,
    /// In the browser's words.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.kind, self.text)
    }
}

/// A request that a page sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whole address.
    pub url: String,
    /// `GET`, `POST` ...
    pub method: String,
    /// Status of the answer; `None` while there is none, or where it failed.
    pub status: Option<u16>,
    id: String,
}

/// Everything that is kept of one page.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) problems: Vec<Problem>,
    pub(crate) requests: Vec<Request>,
    pub(crate) scripts: Vec<String>,
    offline: bool,
    pub(crate) worker_scripts: Vec<String>,
}

#[derive(Debug)]
struct Child {
    parent: String,
    kind: String,
    address: String,
}

/// Pages by their session, and what belongs to them.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    pages: HashMap<String, Record>,
    children: HashMap<String, Child>,
}

impl Sessions {
    pub(crate) fn add_page(&mut self, session: &str) {
        self.pages.entry(session.to_owned()).or_default();
    }

    pub(crate) fn add_child(&mut self, parent: &str, session: &str, target: &Value) {
        let text = |name: &str| target[name].as_str().unwrap_or_default().to_owned();
        let child = Child {
            parent: parent.to_owned(),
            kind: text("type"),
            address: text("url"),
        };
        self.children.insert(session.to_owned(), child);
    }

    pub(crate) fn remove(&mut self, session: &str) {
        let gone: Vec<String> = self.family(session);
        self.children.retain(|child, _| !gone.contains(child));
        self.pages.remove(session);
    }

    /// The page to which a session belongs.
    fn page_of(&self, session: &str) -> String {
        let mut here = session;
        while let Some(child) = self.children.get(here) {
            here = &child.parent;
        }
        here.to_owned()
    }

    /// The page itself and all that it made.
    fn family(&self, page: &str) -> Vec<String> {
        let children = self
            .children
            .keys()
            .filter(|child| self.page_of(child) == page);
        std::iter::once(page.to_owned())
            .chain(children.cloned())
            .collect()
    }

    pub(crate) fn children(&self, page: &str, kind: &str, address: &str) -> Vec<String> {
        let mut found: Vec<String> = self
            .children
            .iter()
            .filter(|(_, child)| child.kind == kind && child.address.contains(address))
            .filter(|(session, _)| self.page_of(session) == page)
            .map(|(session, _)| session.clone())
            .collect();
        found.sort();
        found
    }

    /// The record of the page to which a session belongs.
    pub(crate) fn record(&mut self, session: &str) -> &mut Record {
        let page = self.page_of(session);
        self.pages.entry(page).or_default()
    }

    /// Scripts that run first in this document or worker, and whether the network is away.
    pub(crate) fn settings(&mut self, session: &str) -> (Vec<String>, bool) {
        let is_worker = self.is_worker(session);
        let record = self.record(session);
        let scripts = if is_worker {
            &record.worker_scripts
        } else {
            &record.scripts
        };
        (scripts.clone(), record.offline)
    }

    pub(crate) fn is_worker(&self, session: &str) -> bool {
        self.children
            .get(session)
            .is_some_and(|child| child.kind == "worker")
    }

    /// Notes that the network is away or back; returns all sessions that it concerns.
    pub(crate) fn set_offline(&mut self, page: &str, offline: bool) -> Vec<String> {
        self.record(page).offline = offline;
        self.family(page)
    }

    /// Keeps what an event says, if it is of interest.
    pub(crate) fn event(&mut self, session: &str, method: &str, event: &Value, report: &str) {
        if method == "Target.detachedFromTarget" {
            self.children
                .remove(event["sessionId"].as_str().unwrap_or_default());
            return;
        }
        if method == "Target.targetInfoChanged" {
            return;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let problem = match method {
            "Runtime.exceptionThrown" => Some((
                ProblemKind::Exception,
                exception_text(&event["exceptionDetails"]),
            )),
            "Runtime.consoleAPICalled"
                if matches!(event["type"].as_str(), Some("error" | "assert")) =>
            {
                Some((ProblemKind::Console, console_text(&event["args"])))
            }
            "Runtime.bindingCalled" if event["name"] == report => {
                Some((ProblemKind::Policy, text(&event["payload"])))
            }
            "Log.entryAdded" if event["entry"]["level"] == "error" => {
                let entry = &event["entry"];
                let kind = match entry["source"].as_str() {
                    Some("network") => ProblemKind::Network,
                    Some("security") => ProblemKind::Policy,
                    _ => ProblemKind::Browser,
                };
                Some((
                    kind,
                    format!("{} {}", text(&entry["text"]), text(&entry["url"])),
                ))
            }
            "Inspector.targetCrashed" => Some((ProblemKind::Crash, "the renderer crashed".into())),
            _ => None,
        };
        if let Some((kind, text)) = problem {
            self.record(session).problems.push(Problem { kind, text });
            return;
        }
        let id = text(&event["requestId"]);
        match method {
            "Network.requestWillBeSent" => {
                let request = Request {
                    url: text(&event["request"]["url"]),
                    method: text(&event["request"]["method"]),
                    status: None,
                    id,
                };
                self.record(session).requests.push(request);
            }
            "Network.responseReceived" => {
                let status = event["response"]["status"].as_u64();
                let status = status.and_then(|status| u16::try_from(status).ok());
                let requests = &mut self.record(session).requests;
                if let Some(request) = requests.iter_mut().rev().find(|request| request.id == id) {
                    request.status = status;
                }
            }
            _ => {}
        }
    }
}

/// An exception in words, with the place where it was thrown.
pub(crate) fn exception_text(details: &Value) -> String {
    let thrown = &details["exception"];
    let text = details["text"].as_str().unwrap_or("exception");
    // What was thrown may be a plain object: its members say more than its class.
    let members = &thrown["preview"]["properties"];
    let what = match (thrown["description"].as_str(), thrown["subtype"].as_str()) {
        (Some(description), Some("error")) => description.to_owned(),
        _ if thrown["value"].is_string() => format!("{text} {}", thrown["value"]),
        _ if members.is_array() => format!("{text} {members}"),
        (Some(description), _) => description.to_owned(),
        _ => text.to_owned(),
    };
    match (details["url"].as_str(), details["lineNumber"].as_u64()) {
        (Some(url), Some(line)) if !url.is_empty() => format!("{what} ({url}:{})", line + 1),
        _ => what,
    }
}

fn console_text(arguments: &Value) -> String {
    let words = arguments.as_array().into_iter().flatten().map(|argument| {
        match argument["description"]
            .as_str()
            .or_else(|| argument["value"].as_str())
        {
            Some(text) => text.to_owned(),
            None => argument["value"].to_string(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_worker_says_is_kept_with_its_page() {
        let mut sessions = Sessions::default();
        sessions.add_page("page");
        let target = json!({ "type": "worker", "url": "http://x/w.js" });
        sessions.add_child("page", "worker", &target);
        let event = json!({ "exceptionDetails": { "text": "Uncaught", "exception": { "description": "Error: no" } } });
        sessions.event("worker", "Runtime.exceptionThrown", &event, "report");
        let expected = Problem {
            kind: ProblemKind::Exception,
            text: "Error: no".into(),
        };
        assert_eq!(sessions.record("page").problems, [expected]);
        assert_eq!(sessions.children("page", "worker", "w.js"), ["worker"]);
        sessions.event(
            "page",
            "Target.detachedFromTarget",
            &json!({ "sessionId": "worker" }),
            "report",
        );
        assert!(sessions.children("page", "worker", "").is_empty());
    }

    #[test]
    fn warnings_are_no_problems() {
        let mut sessions = Sessions::default();
        sessions.add_page("page");
        let event = json!({ "type": "warning", "args": [{ "value": "slow" }] });
        sessions.event("page", "Runtime.consoleAPICalled", &event, "report");
        let event = json!({ "entry": { "level": "warning", "source": "other", "text": "old" } });
        sessions.event("page", "Log.entryAdded", &event, "report");
        assert!(sessions.record("page").problems.is_empty());
    }
}
