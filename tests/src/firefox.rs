//! A second engine: Firefox, headless, driven by WebDriver BiDi (W3C) over one socket.
//!
//! Whoever sends a command reads until its answer has come; no thread listens meanwhile, because nothing here waits for
//! events: what went wrong in a page is written down by a script in the page itself.

use crate::folder::TempFolder;
use crate::page::SHARED_MACHINE;
use crate::process;
use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

/// How long it may take to start, on a busy machine.
const START: Duration = Duration::from_secs(240);
/// How long a command or a script may take.
const ANSWER: Duration = Duration::from_secs(360);
/// How many seconds a page may take to load.
const LOAD_S: u64 = 90;
/// The start of the line that says where it listens.
const LISTENS: &str = "WebDriver BiDi listening on ws://127.0.0.1:";

/// Keeps what the content security policy blocks, and exceptions that nobody caught, in every document.
const WATCH: &str = "() => { globalThis.__problems = [];
    addEventListener('securitypolicyviolation', (it) => __problems.push(`policy: ${it.effectiveDirective} blocked ${it.blockedURI}`));
    addEventListener('error', (it) => { if (it.message) __problems.push(`exception: ${it.message}`); });
    addEventListener('unhandledrejection', (it) => __problems.push(`rejection: ${it.reason}`)); }";

/// A running Firefox with a fresh profile; it ends and its folder goes when this is dropped.
#[derive(Debug)]
pub struct Firefox {
    child: Child,
    socket: RefCell<WebSocket<TcpStream>>,
    next: Cell<u64>,
    _profile: TempFolder,
}

/// A page of Firefox, or a frame in one.
#[derive(Debug)]
pub struct Tab<'a> {
    browser: &'a Firefox,
    context: String,
}

impl Firefox {
    /// Starts it with preferences, as `about:config` names them.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn launch(preferences: &[(&str, Value)]) -> Result<Self> {
        let profile = TempFolder::new("firefox")?;
        let lines: String = preferences
            .iter()
            .map(|(name, value)| format!("user_pref({}, {value});\n", json!(name)))
            .collect();
        profile.write("user.js", lines.as_bytes())?;
        let said = profile.path().join("said.txt");
        let mut child = Command::new(program()?)
            .args(["--headless", "--no-remote", "--remote-debugging-port", "0"])
            .arg("--profile")
            .arg(profile.path())
            // It takes no other home, display or running browser into account.
            .env("HOME", profile.path())
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&said)?)
            .spawn()
            .context("Firefox could not be started")?;
        let socket = address(&mut child, &said).and_then(connect);
        let socket = match socket {
            Ok(socket) => socket,
            Err(error) => {
                process::end(&mut child);
                return Err(error);
            }
        };
        let browser = Self {
            child,
            socket: RefCell::new(socket),
            next: Cell::new(1),
            _profile: profile,
        };
        browser.call("session.new", json!({ "capabilities": {} }))?;
        browser.call(
            "script.addPreloadScript",
            json!({ "functionDeclaration": WATCH }),
        )?;
        Ok(browser)
    }

    /// Opens a page, 1280 x 800 CSS pixels.
    ///
    /// # Errors
    /// The browser is gone or does not answer.
    pub fn page(&self) -> Result<Tab<'_>> {
        let made = self.call("browsingContext.create", json!({ "type": "tab" }))?;
        let context = text(&made["context"])?;
        let size = json!({ "context": context, "viewport": { "width": 1280, "height": 800 } });
        self.call("browsingContext.setViewport", size)?;
        Ok(Tab {
            browser: self,
            context,
        })
    }

    /// Sends a command and waits for its answer.
    fn call(&self, method: &str, parameters: Value) -> Result<Value> {
        let id = self.next.get();
        self.next.set(id + 1);
        let message = json!({ "id": id, "method": method, "params": parameters });
        let mut socket = self.socket.borrow_mut();
        socket
            .send(Message::text(message.to_string()))
            .with_context(|| format!("{method} could not be sent"))?;
        let began = Instant::now();
        loop {
            let left = ANSWER.saturating_sub(began.elapsed());
            if left.is_zero() {
                bail!("{method} was not answered within {ANSWER:?}");
            }
            socket.get_ref().set_read_timeout(Some(left))?;
            let Message::Text(answer) = socket
                .read()
                .with_context(|| format!("{method} was not answered"))?
            else {
                continue;
            };
            let mut answer: Value = serde_json::from_str(&answer)?;
            if answer["id"].as_u64() != Some(id) {
                continue;
            }
            if answer["type"] == "error" {
                bail!("{method}: {} {}", answer["error"], answer["message"]);
            }
            return Ok(answer["result"].take());
        }
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

impl Tab<'_> {
    /// Goes to an address and waits until the page and its files are loaded.
    ///
    /// # Errors
    /// The address cannot be reached, or the page does not load in time.
    pub fn goto(&self, url: &str) -> Result<()> {
        self.eval("globalThis.__before = true")?;
        // Where it waits itself, a frame that is refused would count as a failure of the page.
        let go = json!({ "context": self.context, "url": url, "wait": "none" });
        self.browser.call("browsingContext.navigate", go)?;
        self.wait_for(
            "!globalThis.__before && document.readyState === 'complete'",
            LOAD_S,
        )
        .with_context(|| url.to_owned())
    }

    /// Runs a script; a promise is awaited. What it gives must have a JSON form.
    ///
    /// # Errors
    /// The script throws, its promise rejects, or it takes too long.
    pub fn eval(&self, script: &str) -> Result<Value> {
        let wrapped = format!("(async () => JSON.stringify((await ({script})) ?? null))()");
        let parameters = json!({
            "target": { "context": self.context },
            "expression": wrapped,
            "awaitPromise": true,
            "userActivation": true,
        });
        let answer = self.browser.call("script.evaluate", parameters)?;
        if answer["type"] == "exception" {
            bail!("{}", answer["exceptionDetails"]["text"]);
        }
        Ok(serde_json::from_str(&text(&answer["result"]["value"])?)?)
    }

    /// Runs a script that must fail; returns the `code` of what it throws.
    ///
    /// # Errors
    /// It does not fail.
    pub fn rejection(&self, script: &str) -> Result<Value> {
        let code = self.eval(&format!(
            "(async () => {{ try {{ await ({script}); }} catch (error) {{ return error.code ?? String(error); }} }})()"
        ))?;
        if code.is_null() {
            bail!("it did not fail: {script}");
        }
        Ok(code)
    }

    /// Waits until a script gives something true, for so many seconds of a machine that does nothing else.
    ///
    /// # Errors
    /// It does not within four times that; the error says what it gave last and what went wrong in the page.
    pub fn wait_for(&self, script: &str, seconds: u64) -> Result<()> {
        let began = Instant::now();
        let seconds = SHARED_MACHINE * seconds;
        loop {
            // A page that is being replaced cannot be asked; it is asked again.
            let given = self.eval(&format!("(async () => !!(await ({script})))()"));
            if given.as_ref().is_ok_and(|value| *value == true) {
                return Ok(());
            }
            if began.elapsed() >= Duration::from_secs(seconds) {
                let problems = self.problems().unwrap_or_default();
                bail!(
                    "within {seconds} s it did not become true: {script}; it was {given:?}; {problems:?}"
                );
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// What the policy blocked, and exceptions, in the document that is there now.
    ///
    /// # Errors
    /// The page does not answer.
    pub fn problems(&self) -> Result<Vec<String>> {
        let all = self.eval("globalThis.__problems")?;
        Ok(serde_json::from_value(all)?)
    }

    /// The frames right below.
    ///
    /// # Errors
    /// The page is gone.
    pub fn frames(&self) -> Result<Vec<Self>> {
        let tree = self
            .browser
            .call("browsingContext.getTree", json!({ "root": self.context }))?;
        let children = tree["contexts"][0]["children"].as_array();
        children
            .into_iter()
            .flatten()
            .map(|child| {
                Ok(Tab {
                    browser: self.browser,
                    context: text(&child["context"])?,
                })
            })
            .collect()
    }

    /// What is on screen, as PNG.
    ///
    /// # Errors
    /// The page cannot be drawn.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let whole = json!({ "context": self.context });
        let taken = self
            .browser
            .call("browsingContext.captureScreenshot", whole)?;
        Ok(base64::engine::general_purpose::STANDARD.decode(text(&taken["data"])?)?)
    }
}

fn text(value: &Value) -> Result<String> {
    let text = value.as_str().context("Firefox did not answer by a text")?;
    Ok(text.to_owned())
}

/// The port of its socket, once it says so.
fn address(child: &mut Child, said: &std::path::Path) -> Result<u16> {
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(said).unwrap_or_default();
        let line = text
            .split_once(LISTENS)
            .and_then(|(_, rest)| rest.split_once('\n'));
        if let Some((port, _)) = line {
            return Ok(port.trim().parse()?);
        }
        if child.try_wait()?.is_some() || began.elapsed() > START {
            bail!("Firefox did not start: {text}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn connect(port: u16) -> Result<WebSocket<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    // Screenshots are larger than the crate's limits against strangers.
    let limits = WebSocketConfig::default()
        .max_message_size(None)
        .max_frame_size(None);
    let address = format!("ws://127.0.0.1:{port}/session");
    let (socket, _) = tungstenite::client::client_with_config(address, stream, Some(limits))
        .map_err(|error| anyhow!("Firefox refused the connection: {error}"))?;
    Ok(socket)
}

/// Path of Firefox.
fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("FIREFOX") {
        return Ok(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    ["firefox-esr", "firefox"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
        .context("Firefox is missing: install the package firefox-esr, or name it by FIREFOX")
}
