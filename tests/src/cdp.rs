//! A thin client of the Chrome DevTools Protocol: commands wait for their answer, events go to the record.
//!
//! One socket carries all sessions (flat mode). A thread reads; whoever sends a command writes. Workers and
//! cross-site frames attach by themselves as children of the page that made them, and are held until they
//! are listened to, so that nothing they say is lost.

use crate::record::{Record, Sessions};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

/// Name of the function by which pages report violations of their content security policy.
const REPORT: &str = "__sagittaTestsReport";

/// Reports violations of the content security policy from every document.
const LISTENER: &str = "addEventListener('securitypolicyviolation', (event) => \
    globalThis.__sagittaTestsReport?.(`${event.effectiveDirective} blocked ${event.blockedURI} ${event.sample}`));";

/// The connection to one browser.
#[derive(Debug)]
pub(crate) struct Connection {
    writer: Mutex<WebSocket<TcpStream>>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Sender<Result<Value, String>>>>,
    sessions: Mutex<Sessions>,
}

/// The value behind a lock; a test that panicked while it held the lock left it whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config() -> WebSocketConfig {
    // Screenshots and frames are larger than the crate's limits against strangers.
    WebSocketConfig::default()
        .max_message_size(None)
        .max_frame_size(None)
}

impl Connection {
    /// Connects to the browser that listens at `port`, at the path that it wrote down.
    pub(crate) fn open(port: u16, path: &str) -> Result<Arc<Self>> {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .context("the browser's debugging port is closed")?;
        stream.set_nodelay(true)?;
        let address = format!("ws://127.0.0.1:{port}{path}");
        let (reader, _) = tungstenite::client::client_with_config(address, stream, Some(config()))
            .map_err(|error| anyhow!("the browser refused the debugger: {error}"))?;
        let writer = reader.get_ref().try_clone()?;
        let connection = Arc::new(Self {
            writer: Mutex::new(WebSocket::from_raw_socket(
                writer,
                Role::Client,
                Some(config()),
            )),
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            sessions: Mutex::default(),
        });
        let weak = Arc::downgrade(&connection);
        std::thread::Builder::new()
            .name("devtools".into())
            .spawn(move || {
                let mut reader = reader;
                while let Ok(message) = reader.read() {
                    let Some(connection) = weak.upgrade() else {
                        return;
                    };
                    if let Message::Text(text) = message
                        && let Ok(value) = serde_json::from_str(&text)
                    {
                        connection.receive(value);
                    }
                }
                // Whoever still waits learns that no answer will come.
                if let Some(connection) = weak.upgrade() {
                    locked(&connection.waiting).clear();
                }
            })?;
        Ok(connection)
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn call(
        &self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
        patience: Duration,
    ) -> Result<Value> {
        let (sender, receiver) = channel();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        locked(&self.waiting).insert(id, sender);
        if let Err(error) = self.send(id, session, method, parameters) {
            locked(&self.waiting).remove(&id);
            return Err(error);
        }
        match receiver.recv_timeout(patience) {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(message)) => bail!("{method}: {message}"),
            Err(RecvTimeoutError::Timeout) => {
                locked(&self.waiting).remove(&id);
                bail!("{method} was not answered within {patience:?}")
            }
            Err(RecvTimeoutError::Disconnected) => {
                bail!("{method}: the browser closed the connection")
            }
        }
    }

    /// Sends a command whose answer does not matter.
    fn tell(&self, session: &str, method: &str, parameters: Value) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        // It may have gone already; then there is nothing to listen to.
        let _ = self.send(id, Some(session), method, parameters);
    }

    fn send(&self, id: u64, session: Option<&str>, method: &str, parameters: Value) -> Result<()> {
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        locked(&self.writer)
            .send(Message::text(message.to_string()))
            .with_context(|| format!("{method} could not be sent"))
    }

    fn receive(&self, mut message: Value) {
        if let Some(id) = message["id"].as_u64() {
            let Some(sender) = locked(&self.waiting).remove(&id) else {
                return;
            };
            let answer = match message["error"]["message"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(message["result"].take()),
            };
            // Nobody listens any more when the time was up.
            let _ = sender.send(answer);
            return;
        }
        let session = message["sessionId"].as_str().unwrap_or_default().to_owned();
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        let parameters = message["params"].take();
        if method == "Target.attachedToTarget" && !session.is_empty() {
            let child = parameters["sessionId"].as_str().unwrap_or_default();
            locked(&self.sessions).add_child(&session, child, &parameters["targetInfo"]);
            self.listen(child);
            return;
        }
        locked(&self.sessions).event(&session, &method, &parameters, REPORT);
    }

    /// Makes a session tell everything that the record keeps, in order: then it may run.
    fn listen(&self, session: &str) {
        let (is_worker, (scripts, offline)) = {
            let mut sessions = locked(&self.sessions);
            (sessions.is_worker(session), sessions.settings(session))
        };
        for method in [
            "Runtime.enable",
            "Log.enable",
            "Page.enable",
            "Inspector.enable",
        ] {
            self.tell(session, method, json!({}));
        }
        // The browser would keep up to 100 MB of answers for us: they would look like the page's memory.
        let keep_nothing = json!({ "maxTotalBufferSize": 0, "maxResourceBufferSize": 0 });
        self.tell(session, "Network.enable", keep_nothing);
        self.tell(session, "Runtime.addBinding", json!({ "name": REPORT }));
        if is_worker {
            // It stands still before its first line.
            for script in scripts {
                self.tell(session, "Runtime.evaluate", json!({ "expression": script }));
            }
        } else {
            for script in std::iter::once(LISTENER.to_owned()).chain(scripts) {
                let script = json!({ "source": script });
                self.tell(session, "Page.addScriptToEvaluateOnNewDocument", script);
            }
        }
        if offline {
            self.tell(session, "Network.emulateNetworkConditions", network(true));
        }
        let follow = json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true });
        self.tell(session, "Target.setAutoAttach", follow);
        self.tell(session, "Runtime.runIfWaitingForDebugger", json!({}));
    }

    /// Starts to keep the record of a page.
    pub(crate) fn follow(&self, session: &str) {
        locked(&self.sessions).add_page(session);
        self.listen(session);
    }

    /// Forgets a page and its children.
    pub(crate) fn forget(&self, session: &str) {
        locked(&self.sessions).remove(session);
    }

    /// Sessions of the page's workers and cross-site frames whose kind and address are wanted.
    pub(crate) fn children(&self, session: &str, kind: &str, address: &str) -> Vec<String> {
        locked(&self.sessions).children(session, kind, address)
    }

    /// Reads or changes the record of a page.
    pub(crate) fn record<T>(&self, session: &str, work: impl FnOnce(&mut Record) -> T) -> T {
        work(locked(&self.sessions).record(session))
    }

    /// Takes the network away from a page and all that it made, or gives it back.
    pub(crate) fn set_offline(
        &self,
        session: &str,
        offline: bool,
        patience: Duration,
    ) -> Result<()> {
        let all = locked(&self.sessions).set_offline(session, offline);
        for child in &all {
            let method = "Network.emulateNetworkConditions";
            let answer = self.call(Some(child), method, network(offline), patience);
            if child == session {
                answer?;
            }
        }
        Ok(())
    }
}

fn network(offline: bool) -> Value {
    json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 })
}
