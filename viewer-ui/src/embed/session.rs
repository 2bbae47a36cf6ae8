//! The session of a frame: by a ticket, by a window in which its user signs in, and its end.
//!
//! Browsers keep a frame's cookies apart for each page around it, or keep none. Where none survives, the session's secret is held
//! in memory until the frame goes.

use super::listeners::Listeners;
use super::{frame, message};
use crate::engine::waiting::ViewerError;
use crate::engine::{EngineEvent, EngineHandle};
use crate::platform::fetch::{self, FetchError};
use crate::platform::{clock, page};
use crate::store::{Command, Gate};
use js_sys::{Object, Reflect};
use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use viewer_core::state::ViewLink;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

/// How often the time is looked at, ms.
const EVERY_MS: f64 = 1000.0;
/// Longest time before its end at which a session's end is told, and a frame without use counts as idle, s.
const TOLD_S: f64 = 60.0;
const IDLE_S: f64 = 300.0;

/// `/api/session`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct Answer {
    login: bool,
    locked: bool,
    ends_in_s: Option<i64>,
    idle_s: Option<i64>,
}

/// What a ticket is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Context {
    source: String,
    studies: Vec<String>,
}

/// `/api/launch/redeem`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct Opened {
    context: Option<Context>,
    again: Option<String>,
    bearer: Option<String>,
}

#[derive(Deserialize)]
struct Ticket {
    ticket: String,
}

/// When a session ends.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Times {
    /// At the latest, ms.
    ends_at_ms: f64,
    /// Without a request for so long.
    idle_ms: f64,
}

/// What is due at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Due {
    /// Its user did nothing for a while: seconds.
    idle_s: Option<f64>,
    /// It ends soon: seconds.
    expires_s: Option<f64>,
    /// The server is to be told that it is in use.
    is_refreshed: bool,
    /// It has ended, as far as can be known here.
    has_ended: bool,
}

impl Times {
    fn due(self, now_ms: f64, asked_at_ms: f64, used_at_ms: f64) -> Due {
        let ends_ms = self.ends_at_ms.min(asked_at_ms + self.idle_ms);
        let lead_ms = (TOLD_S * 1000.0).min(self.idle_ms / 5.0);
        let unused_ms = now_ms - used_at_ms;
        let has_ended = now_ms > ends_ms;
        let is_near = !has_ended && now_ms > ends_ms - lead_ms;
        Due {
            idle_s: (unused_ms > (IDLE_S * 1000.0).min(self.idle_ms / 3.0))
                .then_some(unused_ms / 1000.0),
            expires_s: is_near.then_some((ends_ms - now_ms) / 1000.0),
            is_refreshed: !has_ended
                && used_at_ms > asked_at_ms
                && now_ms - asked_at_ms > self.idle_ms / 4.0,
            has_ended,
        }
    }
}

struct Inner {
    handle: EngineHandle,
    listeners: Listeners,
    show: Box<dyn Fn(Gate)>,
    gate: Cell<Gate>,
    parent: RefCell<String>,
    window: RefCell<Option<web_sys::Window>>,
    /// What could not be opened for want of a session.
    wanted: RefCell<Option<ViewLink>>,
    times: Cell<Option<Times>>,
    used_at_ms: Cell<f64>,
    told: Cell<(bool, bool)>,
}

/// The session of this frame; clones share it.
#[derive(Clone)]
pub struct FrameSession(Rc<Inner>);

fn failed(error: &FetchError) -> ViewerError {
    match error {
        FetchError::Refused {
            status: 401 | 403, ..
        } => ViewerError::new("ticket_refused", error.to_string()),
        _ => ViewerError::new("source_unreachable", error.to_string()),
    }
}

impl FrameSession {
    /// Of an engine; `show` puts something in the place of the app.
    pub fn new(handle: EngineHandle, listeners: Listeners, show: impl Fn(Gate) + 'static) -> Self {
        Self(Rc::new(Inner {
            handle,
            listeners,
            show: Box::new(show),
            gate: Cell::default(),
            parent: RefCell::default(),
            window: RefCell::default(),
            wanted: RefCell::default(),
            times: Cell::new(None),
            used_at_ms: Cell::new(clock::now_ms()),
            told: Cell::default(),
        }))
    }

    /// Begins with a ticket, or with what the browser kept. Ends when it is known whether there is a session.
    pub async fn begin(&self, ticket: Option<String>) {
        let Some(parent) = frame::parent_origin().await else {
            return;
        };
        fetch::in_frame(&parent);
        *self.0.parent.borrow_mut() = parent;
        self.listen();
        if let Some(ticket) = ticket {
            match self.sign_in(&ticket).await {
                Ok(link) => return self.open(link),
                Err(error) => self.tell_error(&error),
            }
        }
        self.look().await;
    }

    /// Trades a ticket for a session; gives what it is for.
    ///
    /// # Errors
    /// It is worth nothing here.
    pub async fn sign_in(&self, ticket: &str) -> Result<Option<ViewLink>, ViewerError> {
        let opened = self.redeem(ticket).await?;
        fetch::carry(None);
        let mut is_open = self.look().await;
        if let (false, Some(again)) = (is_open, &opened.again) {
            // No cookie survived here.
            let bearer = self.redeem(again).await?.bearer;
            fetch::carry(bearer);
            is_open = self.look().await;
        }
        if !is_open {
            let words = "the session of this ticket has ended already";
            return Err(ViewerError::new("login_needed", words));
        }
        self.tell("login", &[]);
        Ok(opened.context.map(|context| ViewLink {
            studies: context.studies,
            source: Some(context.source),
            ..ViewLink::default()
        }))
    }

    async fn redeem(&self, ticket: &str) -> Result<Opened, ViewerError> {
        let unreachable = || ViewerError::new("source_unreachable", "the gateway is not there");
        let url = page::absolute("api/launch/redeem").ok_or_else(unreachable)?;
        let parent = self.0.parent.borrow().clone();
        let body = serde_json::json!({ "ticket": ticket, "parent": parent }).to_string();
        let answer = fetch::post_json(&url, &body).await;
        let answer = answer.map_err(|error| failed(&error))?;
        serde_json::from_str(&answer).map_err(|_| unreachable())
    }

    /// Asks whether there is a session; true where there is one, or none is needed.
    async fn look(&self) -> bool {
        let answer = match ask().await {
            Asked::Session(answer) => answer,
            // Nothing is known: whoever is signed in stays so until the gateway says otherwise.
            Asked::Unreachable => return self.0.gate.get() == Gate::Open,
            Asked::Nobody => {
                self.0.times.set(None);
                self.set_gate(Gate::SignedOut);
                return false;
            }
        };
        let now_ms = clock::now_ms();
        #[expect(clippy::cast_precision_loss, reason = "some thousand seconds")]
        let ms = |seconds: i64| seconds as f64 * 1000.0;
        let times = match (answer.ends_in_s, answer.idle_s) {
            (Some(ends), Some(idle)) => Some(Times {
                ends_at_ms: now_ms + ms(ends),
                idle_ms: ms(idle),
            }),
            _ => None,
        };
        self.0.times.set(times);
        self.set_gate(Gate::Open);
        true
    }

    /// An error where nothing can be opened now; what was wanted is opened once its user has signed in.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub fn check(&self, wanted: Option<&ViewLink>) -> Result<(), ViewerError> {
        self.0.used_at_ms.set(clock::now_ms());
        if self.0.gate.get() == Gate::Open {
            return Ok(());
        }
        *self.0.wanted.borrow_mut() = wanted.cloned();
        let words = "nobody is signed in: sign in in the frame, or give it a ticket";
        Err(ViewerError::new("login_needed", words))
    }

    /// Opens a window in which its user signs in, for as long as the browser allows windows only after a click.
    pub fn open_window(&self) {
        let window = frame::open_window();
        if window.is_some() {
            self.set_gate(Gate::Waiting);
        }
        *self.0.window.borrow_mut() = window;
    }

    fn open(&self, link: Option<ViewLink>) {
        let wanted = self.0.wanted.borrow_mut().take();
        // What stood in the frame's own address may have failed for want of a session.
        let event = match wanted.or(link) {
            Some(link) => EngineEvent::Open(link),
            None => EngineEvent::Command(Command::TryAgain),
        };
        self.0.handle.send(event);
    }

    fn set_gate(&self, gate: Gate) {
        if self.0.gate.replace(gate) != gate {
            (self.0.show)(gate);
        }
    }

    /// Hears of the window, of use, and of time.
    fn listen(&self) {
        let weak = Rc::downgrade(&self.0);
        frame::on_message(move |event| {
            let Some(inner) = weak.upgrade() else { return };
            let is_window = inner
                .window
                .borrow()
                .as_ref()
                .is_some_and(|window| frame::is_from(&event, window));
            let data = event.data();
            if !is_window || event.origin() != page::origin() || !message::is_ours(&data) {
                return;
            }
            if let Some(ticket) = message::get(&data, "ticket").as_string() {
                let session = Self(inner);
                spawn_local(async move {
                    match session.sign_in(&ticket).await {
                        Ok(link) => session.open(link),
                        Err(error) => session.tell_error(&error),
                    }
                });
            }
        });
        let weak = Rc::downgrade(&self.0);
        page::on_use(move || {
            if let Some(inner) = weak.upgrade() {
                inner.used_at_ms.set(clock::now_ms());
            }
        });
        let weak = Rc::downgrade(&self.0);
        spawn_local(async move {
            loop {
                clock::sleep(EVERY_MS).await;
                let Some(inner) = weak.upgrade() else { return };
                Self(inner).tick().await;
            }
        });
    }

    async fn tick(&self) {
        let Some(times) = self.0.times.get() else {
            return;
        };
        let due = times.due(
            clock::now_ms(),
            fetch::asked_at_ms(),
            self.0.used_at_ms.get(),
        );
        let (was_idle, was_near) = self
            .0
            .told
            .replace((due.idle_s.is_some(), due.expires_s.is_some()));
        if let (Some(seconds), false) = (due.idle_s, was_idle) {
            self.tell("idle", &[("seconds", seconds.into())]);
        }
        if let (Some(seconds), false) = (due.expires_s, was_near) {
            self.tell("sessionexpiring", &[("seconds", seconds.into())]);
        }
        if due.has_ended || due.is_refreshed || fetch::was_signed_out() {
            let is_open = self.look().await;
            if !is_open {
                self.0.told.set((false, false));
                self.0.handle.send(EngineEvent::Close);
                self.tell("logout", &[]);
            }
        }
    }

    fn tell(&self, event: &str, details: &[(&str, JsValue)]) {
        let detail = Object::new();
        for (name, value) in details {
            // A plain object takes every property.
            let _ = Reflect::set(&detail, &(*name).into(), value);
        }
        self.0.listeners.call(event, &detail);
    }

    fn tell_error(&self, error: &ViewerError) {
        let details = [
            ("code", JsValue::from(&*error.code)),
            ("message", JsValue::from(&*error.message)),
        ];
        self.tell("error", &details);
    }
}

/// What the gateway says of a session.
enum Asked {
    /// There is one, or none is needed.
    Session(Answer),
    /// There is none, or it is locked.
    Nobody,
    /// It says nothing.
    Unreachable,
}

async fn ask() -> Asked {
    let Some(url) = page::absolute("api/session") else {
        return Asked::Unreachable;
    };
    match fetch::get_text(&url, "application/json").await {
        Ok(answer) => match serde_json::from_str::<Answer>(&answer.text) {
            Ok(answer) if !answer.locked => Asked::Session(answer),
            Ok(_) => Asked::Nobody,
            Err(_) => Asked::Unreachable,
        },
        Err(FetchError::Refused {
            status: 401 | 403, ..
        }) => Asked::Nobody,
        Err(_) => Asked::Unreachable,
    }
}

/// What the window does that a frame has opened: it waits until its user has logged in, gives the frame a ticket and goes.
pub async fn attend_window(show: impl Fn(Gate)) {
    let Some(opener) = frame::opener() else {
        show(Gate::Stray);
        return;
    };
    loop {
        if let Asked::Session(answer) = ask().await
            && answer.login
        {
            let Some(url) = page::absolute("api/launch/own") else {
                return;
            };
            let ticket = fetch::post_json(&url, "{}").await.ok();
            let ticket: Option<Ticket> = ticket.and_then(|text| serde_json::from_str(&text).ok());
            if let Some(Ticket { ticket }) = ticket {
                frame::hand_over(&opener, &ticket);
                return;
            }
        }
        show(Gate::Window);
        clock::sleep(EVERY_MS).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        ends_at_ms: 43_200_000.0,
        idle_ms: 900_000.0,
    };

    #[test]
    fn use_keeps_a_session_alive_and_its_end_is_told_a_minute_before() {
        // Asked at 0; used until 100 s.
        let at = |now_s: f64, used_s: f64| TIMES.due(now_s * 1000.0, 0.0, used_s * 1000.0);
        assert_eq!(at(100.0, 100.0), Due::default());
        assert!(at(226.0, 226.0).is_refreshed);
        assert!(!at(226.0, 0.0).is_refreshed, "nobody used it since");
        assert_eq!(at(300.0, 0.0).idle_s, None);
        assert_eq!(at(301.0, 0.0).idle_s, Some(301.0));
        assert_eq!(at(839.0, 0.0).expires_s, None);
        assert_eq!(at(841.0, 0.0).expires_s, Some(59.0));
        assert!(!at(899.0, 0.0).has_ended && at(901.0, 0.0).has_ended);
    }

    #[test]
    fn a_session_ends_at_the_latest_however_it_is_used() {
        let due = TIMES.due(43_190_000.0, 43_180_000.0, 43_189_000.0);
        assert_eq!(due.expires_s, Some(10.0));
        assert!(
            TIMES
                .due(43_200_001.0, 43_200_000.0, 43_200_000.0)
                .has_ended
        );
    }
}
