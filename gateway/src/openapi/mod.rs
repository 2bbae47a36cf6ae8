//! The table of routes: what is in it is served, and is in the OpenAPI document; nothing else is either.
//!
//! Source: OpenAPI Specification 3.1.0. HEAD is answered wherever GET is and is not listed of its own.

mod document;
mod schemas;
pub mod usual;

use std::collections::{BTreeMap, HashMap};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use crate::requests::limits::Cost;
use crate::state::Shared;

pub use document::document;

/// Who gets more than an error from a route. What each role gets of it is decided by policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Who {
    /// Whoever asks.
    #[default]
    Anybody,
    /// Who has logged in, or has opened a link.
    Session,
    /// Who has opened a link.
    Link,
    /// A system that launches frames.
    LaunchClient,
    /// Who manages users; for what changes something after a fresh login.
    Administrator,
    /// Where operators are: on their own listener once one is configured.
    Operators,
}

/// The body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// JSON of this schema.
    Json(&'static str),
    /// A form of this schema.
    Form(&'static str),
    /// Instances, in the media types that PS3.18 10.5.1 has for them.
    Instances,
}

/// What an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Nothing,
    /// A page or a file of this media type.
    Media(&'static str),
    /// JSON of this schema.
    Json(&'static str),
    /// A data set, or several, as PS3.18 F writes them.
    DicomJson,
    /// What became of instances that were sent, as PS3.18 F writes a data set.
    StoreReport,
    /// An error of ours.
    Error,
    /// An error, or a page that says the same to a person.
    ErrorOrPage,
}

/// A route with one method: what it is for, who may use it, what goes in and out.
#[derive(Debug, Clone)]
pub struct Operation {
    method: Method,
    path: String,
    summary: &'static str,
    who: Who,
    cost: Cost,
    queries: Vec<(&'static str, &'static str)>,
    body: Option<Body>,
    answers: BTreeMap<u16, Vec<Content>>,
}

impl Operation {
    fn new(method: Method, path: impl Into<String>, summary: &'static str) -> Self {
        let changes = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
        let operation = Self {
            method,
            path: path.into(),
            summary,
            who: Who::Anybody,
            cost: Cost::Usual,
            queries: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
        };
        // A name that is not ours; too much at once.
        let operation = operation.fails(&[421, 429, 503]);
        match changes {
            // Asked for by a page of another site.
            true => operation.fails(&[403]),
            false => operation,
        }
    }

    /// Who may.
    #[must_use]
    pub fn who(mut self, who: Who) -> Self {
        self.who = who;
        match who {
            Who::Anybody => self,
            Who::Operators => self.fails(&[404]),
            Who::Session | Who::Link | Who::LaunchClient => self.fails(&[401]),
            Who::Administrator => self.fails(&[401, 403, 404]),
        }
    }

    /// It says whether the gateway is well, and is always answered.
    #[must_use]
    pub fn free(mut self) -> Self {
        self.cost = Cost::Free;
        self.answers.remove(&429);
        self
    }

    /// It tries something that can be guessed: a password, a code, a PIN. Tickets and tokens cannot, and come from the servers
    /// of other systems, each for all its users.
    #[must_use]
    pub fn guess(mut self) -> Self {
        self.cost = Cost::Guess;
        self
    }

    /// A parameter of the query, and its schema.
    #[must_use]
    pub fn query(mut self, name: &'static str, schema: &'static str) -> Self {
        self.queries.push((name, schema));
        self.fails(&[400])
    }

    /// What is sent.
    #[must_use]
    pub fn takes(mut self, body: Body) -> Self {
        self.body = Some(body);
        self.fails(&[400, 413, 415, 422])
    }

    /// One more kind of answer.
    #[must_use]
    pub fn answers(mut self, status: u16, content: Content) -> Self {
        self.answers.entry(status).or_default().push(content);
        self
    }

    /// A page for people.
    #[must_use]
    pub fn page(self) -> Self {
        self.answers(200, Content::Media("text/html"))
    }

    /// It may lead to another page.
    #[must_use]
    pub fn leads_on(self) -> Self {
        self.answers(303, Content::Nothing)
    }

    /// Errors.
    #[must_use]
    pub fn fails(self, statuses: &[u16]) -> Self {
        statuses.iter().fold(self, |mut operation, status| {
            let contents = operation.answers.entry(*status).or_default();
            if !contents.contains(&Content::Error) && !contents.contains(&Content::ErrorOrPage) {
                contents.push(Content::Error);
            }
            operation
        })
    }

    /// Errors that a person meets on a page.
    #[must_use]
    pub fn fails_on_a_page(self, statuses: &[u16]) -> Self {
        statuses.iter().fold(self, |mut operation, status| {
            operation
                .answers
                .insert(*status, vec![Content::ErrorOrPage]);
            operation
        })
    }
}

/// Something that is read.
pub fn get(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new(Method::GET, path, summary)
}

/// Something that is sent.
pub fn post(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new(Method::POST, path, summary)
}

/// Something that is put in its place.
pub fn put(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new(Method::PUT, path, summary)
}

/// Something that is taken away.
pub fn delete(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new(Method::DELETE, path, summary)
}

/// Something that says what can be asked for.
pub fn options(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new(Method::OPTIONS, path, summary)
}

/// The table.
#[derive(Default)]
pub struct Table {
    router: Router<Shared>,
    operations: Vec<Operation>,
}

impl Table {
    /// Adds a route with its handler.
    pub fn add<H, T>(&mut self, operation: Operation, handler: H)
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        let filter = match operation.method {
            Method::POST => MethodFilter::POST,
            Method::PUT => MethodFilter::PUT,
            Method::DELETE => MethodFilter::DELETE,
            Method::OPTIONS => MethodFilter::OPTIONS,
            _ => MethodFilter::GET,
        };
        let router = std::mem::take(&mut self.router);
        self.router = router.route(&operation.path, on(filter, handler));
        self.operations.push(operation);
    }

    /// What is served, and what is said of it.
    pub fn finish(self) -> (Router<Shared>, Vec<Operation>) {
        (self.router, self.operations)
    }
}

/// What each route costs.
#[derive(Debug)]
pub struct Costs(HashMap<(Method, String), Cost>);

impl Costs {
    /// Of a table.
    pub fn new(operations: &[Operation]) -> Self {
        let cost = |it: &Operation| ((it.method.clone(), it.path.clone()), it.cost);
        Self(operations.iter().map(cost).collect())
    }

    /// Of a request; what no route is for costs as much as any other.
    pub fn of(&self, request: &Request) -> Cost {
        let method = match *request.method() {
            Method::HEAD => Method::GET,
            ref other => other.clone(),
        };
        let path = request.extensions().get::<MatchedPath>();
        let cost = path.and_then(|path| self.0.get(&(method, path.as_str().to_owned())));
        cost.copied().unwrap_or_default()
    }
}
