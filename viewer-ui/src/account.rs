//! Whoever is logged in: known from the server, locked when nobody is there, and gone on with.

use crate::platform::clock;
use crate::platform::fetch::{self, Method, NotDone};
use crate::platform::presence::{self, News, Windows};
use crate::store::{Account, Presence};
use protocol::account::{SessionState, Unlock};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use wasm_bindgen_futures::spawn_local;

/// How often the clock is looked at, ms.
const LOOK_MS: f64 = 1_000.0;

/// Follows the session of this window until the page is left.
pub struct Watch {
    tell: Box<dyn Fn(Account)>,
    session: RefCell<SessionState>,
    presence: Cell<Presence>,
    /// When somebody was there last, ms of the day's clock.
    seen_ms: Cell<f64>,
    ends_ms: Cell<f64>,
    windows: RefCell<Option<Windows>>,
}

impl Watch {
    /// Asks who is logged in, and follows the session where login is configured. Every step is told.
    pub async fn start(tell: impl Fn(Account) + 'static) -> Option<Rc<Self>> {
        let answer = fetch::send(Method::GET, "api/session", None).await.ok()?;
        let session: SessionState = serde_json::from_str(&answer).ok()?;
        if !session.login {
            return None;
        }
        let now_ms = presence::wall_ms();
        let ends_s = session.ends_in_s.unwrap_or(i64::MAX) as f64;
        let watch = Rc::new(Self {
            tell: Box::new(tell),
            presence: Cell::new(if session.locked {
                Presence::Away
            } else {
                Presence::Here
            }),
            session: RefCell::new(session),
            seen_ms: Cell::new(now_ms),
            ends_ms: Cell::new(now_ms + ends_s * 1000.0),
            windows: RefCell::new(None),
        });
        watch.listen();
        watch.show();
        spawn_local(look(Rc::downgrade(&watch)));
        Some(watch)
    }

    fn listen(self: &Rc<Self>) {
        let (here, news, closed) = (
            Rc::downgrade(self),
            Rc::downgrade(self),
            Rc::downgrade(self),
        );
        let windows = presence::watch(
            move || {
                if let Some(watch) = here.upgrade() {
                    watch.seen();
                }
            },
            move |told| {
                if let Some(watch) = news.upgrade() {
                    watch.heard(told);
                }
            },
        );
        *self.windows.borrow_mut() = Some(windows);
        fetch::on_closed(move |code| {
            let Some(watch) = closed.upgrade() else {
                return;
            };
            watch.set(if code == "session_locked" {
                Presence::Away
            } else {
                Presence::Gone
            });
        });
    }

    fn tell_windows(&self, news: News) {
        if let Some(windows) = &*self.windows.borrow() {
            windows.tell(news);
        }
    }

    fn show(&self) {
        (self.tell)(Account {
            session: Rc::new(self.session.borrow().clone()),
            presence: self.presence.get(),
        });
    }

    fn set(&self, presence: Presence) {
        // What has ended is not gone on with.
        if self.presence.get() != Presence::Gone && self.presence.replace(presence) != presence {
            self.show();
        }
    }

    fn idle_ms(&self) -> f64 {
        self.session.borrow().idle_s.unwrap_or(i64::MAX) as f64 * 1000.0
    }

    fn is_idle(&self) -> bool {
        presence::wall_ms() - self.seen_ms.get() > self.idle_ms()
    }

    /// Somebody is in this window. After too long a pause (the computer may have slept) that counts for nothing.
    fn seen(&self) {
        if self.presence.get() == Presence::Here && !self.is_idle() {
            self.seen_ms.set(presence::wall_ms());
            self.tell_windows(News::Seen);
        }
    }

    fn heard(&self, news: News) {
        match news {
            News::Seen if !self.is_idle() => self.seen_ms.set(presence::wall_ms()),
            News::Seen => {}
            News::Locked => self.set(Presence::Away),
            News::Unlocked => self.unlocked(),
            News::Ended => self.set(Presence::Gone),
        }
    }

    fn unlocked(&self) {
        self.seen_ms.set(presence::wall_ms());
        self.set(Presence::Here);
    }

    /// Locks the session on the server as well: what is hidden cannot be fetched either.
    async fn lock(&self) {
        self.set(Presence::Away);
        self.tell_windows(News::Locked);
        // Where the server cannot be reached the images are hidden all the same.
        let _ = fetch::send(Method::POST, "api/session/lock", None).await;
    }

    /// Proves who sits there; the session goes on.
    ///
    /// # Errors
    /// The password is wrong, or there were too many tries, or the server is not reached.
    pub async fn unlock(&self, password: String) -> Result<(), NotDone> {
        let code = None;
        let body = serde_json::to_string(&Unlock { password, code }).ok();
        fetch::send(Method::POST, "api/session/unlock", body).await?;
        self.unlocked();
        self.tell_windows(News::Unlocked);
        Ok(())
    }

    /// Whoever sits there leaves: other windows hide their images as well.
    pub fn leaving(&self) {
        self.tell_windows(News::Ended);
    }
}

async fn look(watch: Weak<Watch>) {
    loop {
        clock::sleep(LOOK_MS).await;
        let Some(watch) = watch.upgrade() else { return };
        match watch.presence.get() {
            Presence::Gone => return,
            _ if presence::wall_ms() > watch.ends_ms.get() => watch.set(Presence::Gone),
            Presence::Here if watch.is_idle() => watch.lock().await,
            Presence::Here | Presence::Away => {}
        }
    }
}
