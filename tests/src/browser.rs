//! A headless Chromium without a GPU, started with the flags that make one backend work.

use crate::cdp::Connection;
use crate::folder::TempFolder;
use crate::page::Page;
use crate::process;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How the viewer draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// WebGPU, by a software Vulkan driver.
    WebGpu,
    /// WebGL2, by a software driver.
    WebGl2,
    /// A browser that offers neither.
    Cpu,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::WebGpu, Self::WebGl2, Self::Cpu];

    /// As `stats().backend` and `&backend=` name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebGpu => "webgpu",
            Self::WebGl2 => "webgl2",
            Self::Cpu => "cpu",
        }
    }

    /// Without all four of WebGPU's, an adapter is offered whose canvas stays blank.
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::WebGpu => &[
                "--enable-unsafe-webgpu",
                "--enable-features=Vulkan",
                "--use-vulkan=swiftshader",
                "--use-angle=swiftshader",
                "--enable-unsafe-swiftshader",
            ],
            Self::WebGl2 => &["--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
            Self::Cpu => &["--disable-gpu", "--disable-software-rasterizer"],
        }
    }
}

/// A running browser; it ends and its folder goes when this is dropped.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    connection: Arc<Connection>,
    profile: Option<TempFolder>,
}

/// Where a browser writes dumps of what crashed, below its profile.
const DUMPS: &str = "Crash Reports";

/// How often a start is tried again that ended in a crash.
const CRASHES: u32 = 2;

/// How long the browser may take to start, on a busy machine.
const START: Duration = Duration::from_secs(180);

impl Browser {
    /// Starts a browser with a fresh profile.
    ///
    /// # Errors
    /// No Chromium on the PATH (or at `CHROMIUM`), or it does not start.
    pub fn launch(backend: Backend) -> Result<Self> {
        Self::launch_with(backend, &[])
    }

    /// Starts a browser with more flags.
    ///
    /// # Errors
    /// As [`Browser::launch`].
    pub fn launch_with(backend: Backend, flags: &[&str]) -> Result<Self> {
        Self::launch_prepared(backend, flags, None)
    }

    /// Starts a browser whose profile has preferences from the start.
    ///
    /// # Errors
    /// As [`Browser::launch`].
    pub fn launch_prepared(
        backend: Backend,
        flags: &[&str],
        preferences: Option<&serde_json::Value>,
    ) -> Result<Self> {
        let mut crashes = 0;
        loop {
            match Self::launch_once(backend, flags, preferences) {
                // One start of some hundreds ends by a crash of the browser's own, before any page is there.
                Err(error) if error.is::<Crashed>() && crashes < CRASHES => {
                    crashes += 1;
                    println!("{error:#}");
                }
                outcome => return outcome,
            }
        }
    }

    fn launch_once(
        backend: Backend,
        flags: &[&str],
        preferences: Option<&serde_json::Value>,
    ) -> Result<Self> {
        let profile = TempFolder::new("browser")?;
        if let Some(preferences) = preferences {
            profile.write("Default/Preferences", preferences.to_string().as_bytes())?;
        }
        let complaints = File::create(profile.path().join("stderr.txt"))?;
        let child = Command::new(program()?)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--remote-debugging-port=0",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-default-apps",
                "--disable-gpu-watchdog",
                "--disable-dev-shm-usage",
                "--disable-features=SpareRendererForSitePerProcess,Translate",
                "--hide-scrollbars",
                "--mute-audio",
                "--window-size=1280,800",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(backend.flags())
            .args(flags)
            .arg("--no-startup-window")
            // Dumps of what crashes belong to what it leaves, too.
            .env("BREAKPAD_DUMP_LOCATION", profile.path().join(DUMPS))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints)
            .spawn()
            .context("Chromium could not be started")?;
        let mut starting = Starting { child: Some(child) };
        let (port, path) = starting.address(profile.path())?;
        let connection = Connection::open(port, &path)?;
        let child = starting.child.take().context("Chromium has ended")?;
        Ok(Self {
            child,
            connection,
            profile: Some(profile),
        })
    }

    /// Opens a page, 1280 x 800 CSS pixels at one device pixel each.
    ///
    /// # Errors
    /// The browser is gone or does not answer.
    pub fn page(&self) -> Result<Page> {
        let patience = Duration::from_secs(120);
        let call =
            |method: &str, parameters| self.connection.call(None, method, parameters, patience);
        let target = call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let target = target["targetId"]
            .as_str()
            .context("no page was made")?
            .to_owned();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = call("Target.attachToTarget", attach)?;
        let session = session["sessionId"]
            .as_str()
            .context("the page cannot be reached")?;
        self.connection.follow(session);
        let page = Page::new(self.connection.clone(), session.to_owned(), Some(target));
        page.call(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        )?;
        page.set_viewport(1280, 800, 1.0, false)?;
        Ok(page)
    }

    /// Resident memory of all renderers of this browser, in KiB.
    pub fn renderer_rss_kib(&self) -> u64 {
        process::renderer_rss_kib(self.child.id())
    }

    /// The profile's folder: what the browser leaves on a shared computer.
    pub fn profile(&self) -> &Path {
        self.profile
            .as_ref()
            .map_or(Path::new(""), TempFolder::path)
    }

    /// Crashes all renderers, and gives how many dumps the browser wrote of it within some seconds: not every one writes any.
    ///
    /// # Errors
    /// A renderer cannot be ended.
    pub fn crash_renderers(&self) -> Result<usize> {
        let renderers = process::renderers(self.child.id());
        for renderer in &renderers {
            let id = renderer.to_string();
            Command::new("kill").args(["-SEGV", &id]).status()?;
        }
        let began = Instant::now();
        loop {
            let pending = std::fs::read_dir(self.profile().join(DUMPS).join("pending"));
            let dumps = pending.into_iter().flatten().flatten();
            let is_whole =
                |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|it| it == "dmp");
            let count = dumps.filter(is_whole).count();
            if count >= renderers.len() || began.elapsed() > Duration::from_secs(5) {
                return Ok(count);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the browser but keeps its profile, for tests that look at what it left.
    pub fn end(mut self) -> Option<TempFolder> {
        process::end(&mut self.child);
        self.profile.take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

/// A browser that ended by itself before it could be spoken to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Crashed(String);

/// A browser that is not connected yet: it ends when connecting fails.
struct Starting {
    child: Option<Child>,
}

impl Starting {
    /// Port and path of the debugger, once the browser wrote them down.
    fn address(&mut self, profile: &Path) -> Result<(u16, String)> {
        let began = Instant::now();
        let file = profile.join("DevToolsActivePort");
        loop {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let mut lines = text.lines();
            if let (Some(port), Some(path)) = (lines.next(), lines.next()) {
                return Ok((port.trim().parse()?, path.trim().to_owned()));
            }
            let ended = match &mut self.child {
                Some(child) => child.try_wait()?,
                None => bail!("Chromium has ended"),
            };
            if ended.is_some() || began.elapsed() > START {
                let said = std::fs::read_to_string(profile.join("stderr.txt")).unwrap_or_default();
                let last: Vec<&str> = said.lines().rev().take(5).collect();
                let said = format!("Chromium did not start: {}", last.join(" | "));
                match ended {
                    Some(status) => return Err(Crashed(format!("{said} ({status})")).into()),
                    None => bail!("{said}"),
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            process::end(child);
        }
    }
}

/// Path of Chromium.
fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
        .context("Chromium is missing: install it, or name it by CHROMIUM")
}
