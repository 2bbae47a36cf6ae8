//! Whether somebody sits before the screen: in this window, or in another one of ours.

use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// Name of the channel between our windows.
const CHANNEL: &str = "sagitta-presence";
/// Other windows hear of somebody at most this often, ms.
const TOLD_EVERY_MS: f64 = 5_000.0;
/// What of a person's doing reaches a page.
const SIGNS: [&str; 5] = [
    "pointerdown",
    "pointermove",
    "keydown",
    "wheel",
    "touchstart",
];

/// What our windows tell each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Somebody is there.
    Seen,
    /// The session was locked.
    Locked,
    /// It is gone on with.
    Unlocked,
    /// It was ended.
    Ended,
}

impl News {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Seen, "seen"),
        (Self::Locked, "locked"),
        (Self::Unlocked, "unlocked"),
        (Self::Ended, "ended"),
    ];

    fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(news, _)| *news == self);
        known.map_or("", |(_, word)| word)
    }

    fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(_, known)| *known == word);
        known.map(|(news, _)| *news)
    }
}

/// The way to our other windows; none where the browser has no such channel.
#[derive(Debug, Clone)]
pub struct Windows {
    channel: Option<web_sys::BroadcastChannel>,
    told_ms: Rc<Cell<f64>>,
}

impl Windows {
    /// Tells the other windows.
    pub fn tell(&self, news: News) {
        let now_ms = js_sys::Date::now();
        if news == News::Seen && now_ms - self.told_ms.get() < TOLD_EVERY_MS {
            return;
        }
        self.told_ms.set(now_ms);
        if let Some(channel) = &self.channel {
            // A channel that was closed reaches nobody.
            let _ = channel.post_message(&news.word().into());
        }
    }
}

/// Listens for as long as the page lives: `here` is called for every sign of somebody in this window, `news` for what other
/// windows tell.
pub fn watch(here: impl Fn() + 'static, news: impl Fn(News) + 'static) -> Windows {
    let closure = Closure::<dyn Fn()>::new(here);
    if let Some(window) = web_sys::window() {
        let options = web_sys::AddEventListenerOptions::new();
        options.set_capture(true);
        options.set_passive(true);
        for sign in SIGNS {
            let listener = closure.as_ref().unchecked_ref();
            // A page that hears nothing locks itself: that is the safe side.
            let _ = window.add_event_listener_with_callback_and_add_event_listener_options(
                sign, listener, &options,
            );
        }
    }
    closure.forget();
    let channel = web_sys::BroadcastChannel::new(CHANNEL).ok();
    if let Some(channel) = &channel {
        let heard =
            Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
                if let Some(told) = event.data().as_string().as_deref().and_then(News::of) {
                    news(told);
                }
            });
        channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        heard.forget();
    }
    Windows {
        channel,
        told_ms: Rc::new(Cell::new(0.0)),
    }
}

/// Milliseconds of the day's clock, which goes on while the computer sleeps.
pub fn wall_ms() -> f64 {
    js_sys::Date::now()
}

/// Loads the page anew: the server leads whoever is not logged in to its login, and back.
pub fn reload() {
    if let Some(window) = web_sys::window() {
        // A page that cannot be loaded anew stays as it is.
        let _ = window.location().reload();
    }
}

/// Puts a text where the user can paste it from; false where the browser does not let us.
pub async fn copy(text: &str) -> bool {
    let Some(window) = web_sys::window() else {
        return false;
    };
    let done = window.navigator().clipboard().write_text(text);
    wasm_bindgen_futures::JsFuture::from(done).await.is_ok()
}
