//! One page of the browser: addresses, scripts, what is on screen, what went wrong.

use crate::cdp::Connection;
use crate::picture::Picture;
use crate::record::{Problem, Record, Request, exception_text};
use anyhow::{Context, Result, bail};
use base64::Engine as _;
use serde_json::{Value, json};
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a command may take that the browser answers at once.
const COMMAND: Duration = Duration::from_secs(180);
/// How long a script may take, unless the test says otherwise.
const SCRIPT: Duration = Duration::from_secs(360);
/// How long a page may take to load.
const LOAD: Duration = Duration::from_secs(270);
/// Tests say how long something takes at most on a machine that is theirs; where others work too, it takes longer. Nothing is
/// judged by its time: what never comes is found out later, no more.
pub(crate) const SHARED_MACHINE: u64 = 4;

/// A page, or one of its workers or cross-site frames.
#[derive(Debug)]
pub struct Page {
    pub(crate) connection: Arc<Connection>,
    pub(crate) session: String,
    /// `None` for workers and frames: they belong to their page.
    target: Option<String>,
    /// Keys held down while the mouse acts, and the buttons that are down.
    pub(crate) modifiers: Cell<u8>,
    pub(crate) buttons: Cell<u8>,
    /// Device pixels of a CSS pixel.
    pub(crate) ratio: Cell<f64>,
}

impl Page {
    pub(crate) fn new(
        connection: Arc<Connection>,
        session: String,
        target: Option<String>,
    ) -> Self {
        Self {
            connection,
            session,
            target,
            modifiers: Cell::new(0),
            buttons: Cell::new(0),
            ratio: Cell::new(1.0),
        }
    }

    /// Sends any command of the DevTools protocol.
    ///
    /// # Errors
    /// The browser refuses it or does not answer.
    pub fn call(&self, method: &str, parameters: Value) -> Result<Value> {
        self.connection
            .call(Some(&self.session), method, parameters, COMMAND)
    }

    /// Goes to an address and waits until the page and its files are loaded.
    ///
    /// # Errors
    /// The address cannot be reached, or the page does not load within 270 s.
    pub fn goto(&self, url: &str) -> Result<()> {
        let answer = self.call("Page.navigate", json!({ "url": url }))?;
        if let Some(error) = answer["errorText"].as_str().filter(|text| !text.is_empty()) {
            bail!("{url}: {error}");
        }
        self.wait_until(LOAD, "document.readyState === 'complete'")
    }

    /// Loads the page anew.
    ///
    /// # Errors
    /// As [`Page::goto`].
    pub fn reload(&self) -> Result<()> {
        let mark = "globalThis.__beforeReload = true";
        self.eval(mark)?;
        self.call("Page.reload", json!({}))?;
        self.wait_until(
            LOAD,
            "!globalThis.__beforeReload && document.readyState === 'complete'",
        )
    }

    /// Runs a script; a promise is awaited. What it gives must have a JSON form.
    ///
    /// # Errors
    /// The script throws, its promise rejects, or it takes longer than 360 s.
    pub fn eval(&self, script: &str) -> Result<Value> {
        self.eval_within(SCRIPT, script)
    }

    /// Runs a script that may take longer, or must not.
    ///
    /// # Errors
    /// The script throws, its promise rejects, or the time is up.
    pub fn eval_within(&self, patience: Duration, script: &str) -> Result<Value> {
        let parameters =
            json!({ "expression": script, "userGesture": true, "generatePreview": true });
        let given = self.ask("Runtime.evaluate", parameters, patience)?;
        let Some(id) = given["objectId"].as_str() else {
            // A number, a text or nothing comes as it is.
            return Ok(given["value"].clone());
        };
        // Named by an id, a promise cannot be collected while it is waited for.
        let read = if given["subtype"] == "promise" {
            let parameters =
                json!({ "promiseObjectId": id, "returnByValue": true, "generatePreview": true });
            self.ask("Runtime.awaitPromise", parameters, patience)
        } else {
            let itself = "function () { return this; }";
            let parameters =
                json!({ "objectId": id, "functionDeclaration": itself, "returnByValue": true });
            self.ask("Runtime.callFunctionOn", parameters, patience)
        };
        // A page that went away has taken it along.
        let _ = self.call("Runtime.releaseObject", json!({ "objectId": id }));
        Ok(read?["value"].take())
    }

    /// What a command of the runtime gives; what it throws is an error.
    fn ask(&self, method: &str, parameters: Value, patience: Duration) -> Result<Value> {
        let session = Some(self.session.as_str());
        let mut answer = (self.connection).call(session, method, parameters, patience)?;
        let details = &answer["exceptionDetails"];
        if details.is_object() {
            bail!("{}", exception_text(details));
        }
        Ok(answer["result"].take())
    }

    /// Runs a script that must fail; returns the `code`, `message` and `name` of what it throws.
    ///
    /// # Errors
    /// It does not fail.
    pub fn rejection(&self, script: &str) -> Result<Value> {
        let wrapped = format!(
            "(async () => {{ try {{ await ({script}); }} catch (it) {{
               return {{ code: it?.code ?? null, message: it?.message ?? String(it), name: it?.name ?? null }}; }}
               return null; }})()"
        );
        let thrown = self.eval(&wrapped)?;
        if thrown.is_null() {
            bail!("it did not fail: {script}");
        }
        Ok(thrown)
    }

    /// Runs a script that gives a Blob, an ArrayBuffer or a typed array, and returns its bytes.
    ///
    /// # Errors
    /// As [`Page::eval`].
    pub fn eval_bytes(&self, script: &str) -> Result<Vec<u8>> {
        let wrapped = format!(
            "(async () => {{ const it = await ({script});
               const blob = it instanceof Blob ? it : new Blob([it]);
               const reader = new FileReader();
               const read = new Promise((done, failed) => {{ reader.onload = done; reader.onerror = failed; }});
               reader.readAsDataURL(blob); await read;
               return reader.result.slice(reader.result.indexOf(',') + 1); }})()"
        );
        let text = self.eval(&wrapped)?;
        let text = text.as_str().context("the script gave no bytes")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
    }

    /// Waits until a script gives something true, for so many seconds of a machine that does nothing else.
    ///
    /// # Errors
    /// It does not within four times that; the error says what it gave last and what went wrong on the page.
    pub fn wait_for(&self, script: &str, seconds: u64) -> Result<()> {
        self.wait_until(Duration::from_secs(SHARED_MACHINE * seconds), script)
    }

    fn wait_until(&self, patience: Duration, script: &str) -> Result<()> {
        let wrapped = format!("(async () => await ({script}))()");
        let began = Instant::now();
        loop {
            // A page that is being replaced cannot be asked; it is asked again.
            let given = self.eval_within(patience.max(Duration::from_secs(1)), &wrapped);
            if given.as_ref().is_ok_and(is_true) {
                return Ok(());
            }
            if began.elapsed() >= patience {
                let last =
                    given.map_or_else(|error| format!("{error:#}"), |value| value.to_string());
                let problems: Vec<String> =
                    self.problems().iter().map(ToString::to_string).collect();
                bail!(
                    "within {patience:?} it did not become true: {script}; it was {last}; problems: {problems:?}"
                );
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// What is on screen, as PNG.
    ///
    /// # Errors
    /// The page cannot be drawn.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png" }))?;
        let text = answer["data"].as_str().context("no screenshot was taken")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
    }

    /// What is on screen, as pixels.
    ///
    /// # Errors
    /// The page cannot be drawn.
    pub fn picture(&self) -> Result<Picture> {
        Picture::from_png(&self.screenshot()?)
    }

    /// Sets the size of the page in CSS pixels and the device pixels of each; `mobile` adds touch.
    ///
    /// # Errors
    /// The browser refuses the size.
    pub fn set_viewport(
        &self,
        width: u32,
        height: u32,
        device_pixel_ratio: f64,
        mobile: bool,
    ) -> Result<()> {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": device_pixel_ratio, "mobile": mobile }),
        )?;
        self.ratio.set(device_pixel_ratio);
        self.call(
            "Emulation.setTouchEmulationEnabled",
            json!({ "enabled": mobile, "maxTouchPoints": 5 }),
        )?;
        Ok(())
    }

    /// Runs a script in every document that this page opens from now on, before its own scripts.
    ///
    /// # Errors
    /// The browser refuses it.
    pub fn init_script(&self, script: &str) -> Result<()> {
        self.call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": script }),
        )?;
        self.connection.record(&self.session, |record| {
            record.scripts.push(script.to_owned())
        });
        Ok(())
    }

    /// Takes the network away, or gives it back.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn offline(&self, offline: bool) -> Result<()> {
        self.connection.set_offline(&self.session, offline, COMMAND)
    }

    /// Runs a script in every worker that starts from now on, before its own first line.
    pub fn worker_script(&self, script: &str) {
        let add = |record: &mut Record| record.worker_scripts.push(script.to_owned());
        self.connection.record(&self.session, add);
    }

    /// All that went wrong so far: uncaught exceptions, console errors, violations of the policy, failed requests.
    pub fn problems(&self) -> Vec<Problem> {
        self.connection
            .record(&self.session, |record| record.problems.clone())
    }

    /// As [`Page::problems`], and forgets them.
    pub fn take_problems(&self) -> Vec<Problem> {
        self.connection
            .record(&self.session, |record| std::mem::take(&mut record.problems))
    }

    /// Addresses of all requests so far, in order, those of workers and frames among them.
    pub fn requests(&self) -> Vec<String> {
        self.connection.record(&self.session, |record| {
            record
                .requests
                .iter()
                .map(|request| request.url.clone())
                .collect()
        })
    }

    /// All requests so far, with method and status.
    pub fn request_log(&self) -> Vec<Request> {
        self.connection
            .record(&self.session, |record| record.requests.clone())
    }

    /// No longer records this page's requests: the browser would spend a fifth of its time on telling of thousands of frames.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn stop_recording_requests(&self) -> Result<()> {
        self.call("Network.disable", json!({}))?;
        Ok(())
    }

    /// Gives back the memory that scripts no longer use.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn collect_garbage(&self) -> Result<()> {
        for _ in 0..2 {
            self.call("HeapProfiler.collectGarbage", json!({}))?;
        }
        Ok(())
    }

    /// Workers of this page whose address holds `address`; they answer `eval` only.
    pub fn workers(&self, address: &str) -> Vec<Page> {
        self.children("worker", address)
    }

    /// Cross-site frames of this page whose address holds `address`; mouse and keys go to the page.
    pub fn frames(&self, address: &str) -> Vec<Page> {
        self.children("iframe", address)
    }

    fn children(&self, kind: &str, address: &str) -> Vec<Page> {
        let sessions = self.connection.children(&self.session, kind, address);
        sessions
            .into_iter()
            .map(|session| Page::new(self.connection.clone(), session, None))
            .collect()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(target) = &self.target {
            // The browser may be gone already.
            let close = json!({ "targetId": target });
            let _ = self
                .connection
                .call(None, "Target.closeTarget", close, Duration::from_secs(5));
            self.connection.forget(&self.session);
        }
    }
}

/// What JavaScript calls true, of values that have a JSON form.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
