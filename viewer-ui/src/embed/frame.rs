//! The page around the frame, and the window that a frame opens for signing in.

use js_sys::{Object, Promise, Reflect};
use protocol::gateway::Framing;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::message;
use crate::platform::page;

/// True for an origin that may drive the viewer: its own, or one that the gateway lists, exactly. Without a list, a viewer on
/// this computer hears pages of this computer.
pub fn is_allowed(origin: &str, own: &str, framing: &Framing) -> bool {
    origin == own
        || match &framing.parents {
            Some(parents) => parents.iter().any(|parent| parent == origin),
            None => is_loopback(own) && is_loopback(origin),
        }
}

/// `http://localhost` or `http://127.0.0.1`, any port.
fn is_loopback(origin: &str) -> bool {
    ["http://localhost", "http://127.0.0.1"].iter().any(|host| {
        origin.strip_prefix(host).is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix(':').is_some_and(|port| {
                    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
                })
        })
    })
}

/// The window around this one; `None` where this is no frame.
pub fn parent() -> Option<web_sys::Window> {
    let window = web_sys::window()?;
    let parent = window.parent().ok().flatten()?;
    (!Object::is(&parent, &window)).then_some(parent)
}

/// Listens to messages to this window for as long as it lives.
pub fn on_message(call: impl Fn(web_sys::MessageEvent) + 'static) {
    let closure = Closure::<dyn Fn(web_sys::MessageEvent)>::new(call);
    if let Some(window) = web_sys::window() {
        let listener = closure.as_ref().unchecked_ref();
        // Without a listener the frame is deaf, and shows what its user opens.
        let _ = window.add_event_listener_with_callback("message", listener);
    }
    closure.forget();
}

/// True where a message comes from this very window.
pub fn is_from(event: &web_sys::MessageEvent, window: &web_sys::Window) -> bool {
    let source = event.source();
    source.is_some_and(|source| Object::is(&source, window))
}

/// Origin of the page around the frame, as the browser says it: at once where it knows it, else from the first message of that
/// page. `None` where there is none.
pub async fn parent_origin() -> Option<String> {
    let parent = parent()?;
    if let Some(origin) = told_by_browser() {
        return Some(origin);
    }
    let heard = Rc::new(RefCell::new(None::<String>));
    let promise = {
        let heard = Rc::clone(&heard);
        Promise::new(&mut |resolve, _| {
            let (heard, parent) = (Rc::clone(&heard), parent.clone());
            on_message(move |event| {
                if is_from(&event, &parent) && heard.borrow().is_none() {
                    *heard.borrow_mut() = Some(event.origin());
                    // Resolving functions of a promise do not throw.
                    let _ = resolve.call0(&JsValue::NULL);
                }
            });
        })
    };
    let _ = JsFuture::from(promise).await;
    heard.take()
}

/// Chromium and Safari list the origins around a frame; others say who led here.
fn told_by_browser() -> Option<String> {
    let window = web_sys::window()?;
    let ancestors = Reflect::get(&window.location(), &"ancestorOrigins".into()).ok()?;
    let nearest = Reflect::get_u32(&ancestors, 0).ok();
    if let Some(origin) = nearest.and_then(|origin| origin.as_string()) {
        return Some(origin);
    }
    let referrer = window.document()?.referrer();
    web_sys::Url::new(&referrer).ok().map(|url| url.origin())
}

/// The frame that opened this window, where it is of our own origin: any other one gets nothing.
pub fn opener() -> Option<web_sys::Window> {
    let window = web_sys::window()?;
    if parent().is_some() {
        return None;
    }
    let opener = window.opener().ok()?;
    // The browser lets pages of our own origin alone look at this.
    let location = Reflect::get(&opener, &"location".into()).ok()?;
    let origin = Reflect::get(&location, &"origin".into())
        .ok()?
        .as_string()?;
    // It is no instance of this window's own class.
    (origin == page::origin()).then(|| opener.unchecked_into())
}

/// Opens the window in which its user signs in.
pub fn open_window() -> Option<web_sys::Window> {
    let url = page::absolute("embed#signin")?;
    let features = "popup,width=480,height=560";
    let window = web_sys::window()?;
    window
        .open_with_url_and_target_and_features(&url, "_blank", features)
        .ok()
        .flatten()
}

/// Gives the frame that opened this window its ticket, and closes the window.
pub fn hand_over(opener: &web_sys::Window, ticket: &str) {
    let told = message::new();
    message::put(&told, "ticket", &ticket.into());
    let own = page::origin();
    // A frame that is gone needs none.
    let _ = opener.post_message(&told, &own);
    if let Some(window) = web_sys::window() {
        let _ = window.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_on_loopback_hears_parents_on_loopback_and_no_others() {
        let own = "http://127.0.0.1:8080";
        let framing = Framing::default();
        for good in ["http://localhost:3000", "http://127.0.0.1", own] {
            assert!(is_allowed(good, own, &framing), "{good}");
        }
        for bad in [
            "https://localhost.example.org",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org:80",
            "http://localhost:80x",
            "null",
        ] {
            assert!(!is_allowed(bad, own, &framing), "{bad}");
        }
    }

    #[test]
    fn a_viewer_elsewhere_hears_its_own_origin_alone() {
        let own = "https://viewer.example.org";
        assert!(is_allowed(own, own, &Framing::default()));
        assert!(!is_allowed(
            "http://localhost:3000",
            own,
            &Framing::default()
        ));
    }

    #[test]
    fn t06_with_a_list_only_its_origins_are_heard_exactly() {
        let own = "http://127.0.0.1:8080";
        let framing = Framing {
            parents: Some(vec!["https://ehr.example.org".into()]),
        };
        assert!(is_allowed("https://ehr.example.org", own, &framing));
        for bad in [
            "http://localhost:3000",
            "http://127.0.0.1:8081",
            "http://ehr.example.org",
            "https://ehr.example.org:444",
            "https://ehr.example.org.evil.example",
            "null",
        ] {
            assert!(!is_allowed(bad, own, &framing), "{bad}");
        }
    }
}
