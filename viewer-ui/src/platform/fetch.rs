//! Requests. Text answers go through gloo-net; frames stay in the JavaScript heap.

use super::{body, clock, early, page};
pub use gloo_net::http::Method;
use gloo_net::http::{Request, RequestBuilder};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, or the server is not there.
    #[error("the server could not be reached")]
    Unreachable,
    /// The server answered with an error.
    #[error("the server refused ({status})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The server's own words, where it sent any.
        message: Option<String>,
    },
    /// We aborted it.
    #[error("the request was aborted")]
    Aborted,
}

/// A text answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextAnswer {
    /// The body.
    pub text: String,
    /// `X-Total-Count`, where the server says it: all matches of a query.
    pub total: Option<u32>,
}

/// Hears the code of an answer.
type Listener = Rc<dyn Fn(&str)>;

thread_local! {
    static ON_CLOSED: RefCell<Option<Listener>> = RefCell::default();
}

/// Calls with the code of the answer whenever the server says of anything that was asked for that a session is needed: it has
/// ended, or is locked.
pub fn on_closed(call: impl Fn(&str) + 'static) {
    ON_CLOSED.with_borrow_mut(|listener| *listener = Some(Rc::new(call)));
}

/// Looks at an answer that is an error.
fn heard(status: u16, text: &str) {
    if status == 401 {
        FRAME.with_borrow_mut(|frame| frame.is_signed_out = frame.around.is_some());
    }
    let listener = ON_CLOSED.with_borrow(Option::clone);
    if let (401, Some(call)) = (status, listener) {
        call(&part_of(text, "code").unwrap_or_default());
    }
}

/// Why our gateway did not do what it was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDone {
    /// Its code; `offline` where it could not be reached.
    pub code: String,
    /// In words.
    pub message: String,
}

/// Asks our gateway to do something, at an address relative to the page's folder. Gives the answer's text.
///
/// # Errors
/// It could not be reached, or refuses.
pub async fn send(method: Method, address: &str, json: Option<String>) -> Result<String, NotDone> {
    let offline = || NotDone {
        code: "offline".into(),
        message: "The server could not be reached.".into(),
    };
    let url = page::absolute(address).ok_or_else(offline)?;
    // Requests that change something carry this header: no page of another site may send it.
    let mut request = RequestBuilder::new(&url)
        .method(method)
        .header("X-Sagitta", "1")
        .header("Accept", "application/json");
    for (name, value) in own_headers(&url) {
        request = request.header(name, &value);
    }
    let request = match json {
        Some(json) => (request.header("Content-Type", "application/json")).body(json),
        None => request.build(),
    };
    let sent = request.map_err(|_| offline())?.send();
    let response = sent.await.map_err(|_| offline())?;
    let text = response.text().await.map_err(|_| offline())?;
    if response.ok() {
        return Ok(text);
    }
    let code = part_of(&text, "code").unwrap_or_default();
    // A password that is wrong says nothing of the session.
    if code != "login_refused" {
        heard(response.status(), &text);
    }
    Err(NotDone {
        code,
        message: message_of(&text).unwrap_or_else(|| "The server refused.".into()),
    })
}

/// What requests of a frame carry to its own gateway.
#[derive(Debug, Default)]
struct Frame {
    /// Origin of the page around it; `None` outside of a frame.
    around: Option<String>,
    /// The session's secret where the browser keeps no cookie. It is in this module's memory and nowhere else.
    bearer: Option<String>,
    /// When the gateway was asked last, ms.
    asked_at_ms: f64,
    /// It said that there is no session.
    is_signed_out: bool,
    /// This is the reader behind a shared link.
    is_link: bool,
}

thread_local! {
    static FRAME: RefCell<Frame> = RefCell::default();
}

/// From now on requests say that they come from a frame in a page of this origin.
pub fn in_frame(parent: &str) {
    FRAME.with_borrow_mut(|frame| frame.around = Some(parent.to_owned()));
}

/// From now on requests say that they come from the reader behind a shared link: they are judged by the link, whoever else has
/// logged in in this browser.
pub fn by_link() {
    FRAME.with_borrow_mut(|frame| frame.is_link = true);
}

/// From now on requests carry this secret, or none.
pub fn carry(bearer: Option<String>) {
    FRAME.with_borrow_mut(|frame| {
        frame.bearer = bearer;
        frame.is_signed_out = false;
    });
}

/// When a frame's gateway was asked last, ms.
pub fn asked_at_ms() -> f64 {
    FRAME.with_borrow(|frame| frame.asked_at_ms)
}

/// True once after the gateway said that there is no session.
pub fn was_signed_out() -> bool {
    FRAME.with_borrow_mut(|frame| std::mem::take(&mut frame.is_signed_out))
}

/// Headers of a request of a frame, or of the reader behind a link; none to any other server than their own gateway.
fn own_headers(url: &str) -> Vec<(&'static str, String)> {
    FRAME.with_borrow_mut(|frame| {
        if frame.around.is_none() && !frame.is_link {
            return Vec::new();
        }
        let origin = page::origin();
        let is_own = url
            .strip_prefix(&origin)
            .is_some_and(|rest| rest.starts_with('/'));
        if !is_own {
            return Vec::new();
        }
        if frame.is_link {
            return vec![("X-Sagitta-Link", "1".to_owned())];
        }
        let Some(parent) = &frame.around else {
            return Vec::new();
        };
        frame.asked_at_ms = clock::now_ms();
        let bearer = frame.bearer.as_ref();
        let bearer = bearer.map(|bearer| ("Authorization", format!("Bearer {bearer}")));
        std::iter::once(("X-Sagitta-Frame", parent.clone()))
            .chain(bearer)
            .collect()
    })
}

/// Posts JSON to our own gateway, with the header of our own scripts.
pub async fn post_json(url: &str, body: &str) -> Result<String, FetchError> {
    let mut request = Request::post(url)
        .header("X-Sagitta", "1")
        .header("Content-Type", "application/json");
    for (name, value) in own_headers(url) {
        request = request.header(name, &value);
    }
    let request = request.body(body).map_err(|_| FetchError::Unreachable)?;
    let response = request.send().await.map_err(|_| FetchError::Unreachable)?;
    let text = response.text().await.map_err(|_| FetchError::Unreachable)?;
    if !response.ok() {
        return Err(FetchError::Refused {
            status: response.status(),
            message: message_of(&text),
        });
    }
    Ok(text)
}

/// Gets text, for example DICOM JSON: what the page has asked for already is not asked for again.
pub async fn get_text(url: &str, accept: &str) -> Result<TextAnswer, FetchError> {
    if let Some(text) = early::take(url).await {
        return Ok(TextAnswer { text, total: None });
    }
    let mut request = Request::get(url).header("Accept", accept);
    for (name, value) in own_headers(url) {
        request = request.header(name, &value);
    }
    let response = request.send().await.map_err(|_| FetchError::Unreachable)?;
    let total = response
        .headers()
        .get("x-total-count")
        .and_then(|count| count.parse().ok());
    let text = response.text().await.map_err(|_| FetchError::Unreachable)?;
    if !response.ok() {
        heard(response.status(), &text);
        return Err(FetchError::Refused {
            status: response.status(),
            message: message_of(&text),
        });
    }
    Ok(TextAnswer { text, total })
}

/// The words in `{"error":{"message":"..."}}`, as our gateway answers.
fn message_of(text: &str) -> Option<String> {
    part_of(text, "message")
}

fn part_of(text: &str, name: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(value.get("error")?.get(name)?.as_str()?.to_owned())
}

/// Bytes of an answer, still in the JavaScript heap.
#[derive(Debug, Clone)]
pub struct FetchedBytes {
    /// The body. Its buffer may be longer.
    pub bytes: js_sys::Uint8Array,
    /// `Content-Type` of the answer.
    pub content_type: String,
}

impl FetchedBytes {
    /// The same bytes in a buffer of their own.
    pub fn copied(&self) -> Self {
        Self {
            bytes: self.bytes.slice(0, self.bytes.length()),
            content_type: self.content_type.clone(),
        }
    }

    /// The same bytes for a worker, which takes their buffer; `None` where there is no memory for it.
    pub fn for_worker(&self) -> Option<Self> {
        Some(Self {
            bytes: body::copy_for_worker(&self.bytes).ok()?,
            content_type: self.content_type.clone(),
        })
    }
}

/// Ends a request that nobody waits for any more.
#[derive(Debug)]
pub struct Aborter(web_sys::AbortController);

impl Aborter {
    /// A fresh one; `None` where the browser has none.
    pub fn new() -> Option<Self> {
        web_sys::AbortController::new().ok().map(Self)
    }

    /// Ends the request.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// It was ended.
    pub fn is_aborted(&self) -> bool {
        self.0.signal().aborted()
    }

    fn signal(&self) -> web_sys::AbortSignal {
        self.0.signal()
    }
}

/// Gets bytes without copying them into WASM memory.
pub async fn get_bytes(
    url: &str,
    accept: &str,
    aborter: Option<Rc<Aborter>>,
) -> Result<FetchedBytes, FetchError> {
    let failed = |error: JsValue| {
        let is_abort = js_sys::Reflect::get(&error, &"name".into())
            .ok()
            .and_then(|name| name.as_string())
            .is_some_and(|name| name == "AbortError");
        if is_abort {
            FetchError::Aborted
        } else {
            FetchError::Unreachable
        }
    };
    let init = web_sys::RequestInit::new();
    init.set_method("GET");
    if let Some(aborter) = &aborter {
        init.set_signal(Some(&aborter.signal()));
    }
    let headers = web_sys::Headers::new().map_err(failed)?;
    headers.set("Accept", accept).map_err(failed)?;
    for (name, value) in own_headers(url) {
        headers.set(name, &value).map_err(failed)?;
    }
    init.set_headers(&headers);
    let window = web_sys::window().ok_or(FetchError::Unreachable)?;
    let answer = JsFuture::from(window.fetch_with_str_and_init(url, &init))
        .await
        .map_err(failed)?;
    let answer: web_sys::Response = answer.dyn_into().map_err(|_| FetchError::Unreachable)?;
    if !answer.ok() {
        let text = match answer.text() {
            Ok(text) => JsFuture::from(text)
                .await
                .ok()
                .and_then(|text| text.as_string()),
            Err(_) => None,
        };
        heard(answer.status(), text.as_deref().unwrap_or_default());
        return Err(FetchError::Refused {
            status: answer.status(),
            message: text.as_deref().and_then(message_of),
        });
    }
    let content_type = answer
        .headers()
        .get("content-type")
        .ok()
        .flatten()
        .unwrap_or_default();
    let bytes = super::body::read(&answer).await.map_err(failed)?;
    Ok(FetchedBytes {
        bytes,
        content_type,
    })
}
