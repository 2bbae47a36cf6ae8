//! The app: starts engine, screen and components, and joins them.

mod keeper;
mod screens;

use crate::account::Watch;
use crate::components::guest::Guest;
use crate::components::list::{ListMemory, ListSource, StudyList};
use crate::components::reader::Reader;
use crate::components::sign_in::SignIn;
use crate::embed::listeners::Listeners;
use crate::embed::session::{self, FrameSession};
use crate::embed::{appearance, frame};
use crate::engine::waiting::Told;
use crate::engine::{EngineEvent, EngineHandle, Host, Source};
use crate::platform::workers::{WorkerProgram, WorkerPrograms};
use crate::platform::{canvas, fetch, page, pictures};
use crate::store::{Access, Account, Command, Gate, Page, Presence, ReaderView};
use keeper::{Keeper, follow_account, follow_link, sharing};
use protocol::gateway::{Config, Framing};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use viewer_core::state::ViewLink;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{future_to_promise, spawn_local};
use yew::prelude::*;

/// What engine and components know of each other.
#[derive(Default)]
struct Bridge {
    show: RefCell<Option<Callback<Rc<ReaderView>>>>,
    go_to: RefCell<Option<Callback<Page>>>,
    configured: RefCell<Option<Callback<Rc<Vec<ListSource>>>>>,
    admitted: RefCell<Option<Callback<Access>>>,
    account: RefCell<Option<Callback<Account>>>,
    watch: RefCell<Option<Rc<Watch>>>,
    handle: RefCell<Option<EngineHandle>>,
    memory: ListMemory,
    /// The app's own place is taken by something else, and who wants to know.
    gate: Cell<Gate>,
    show_gate: RefCell<Option<Callback<Gate>>>,
    /// The session of a frame in another page, and the ticket that it was given.
    session: RefCell<Option<FrameSession>>,
    ticket: RefCell<Option<String>>,
    framing: RefCell<Framing>,
    stage: NodeRef,
    has_gateway: Cell<bool>,
    listeners: Listeners,
}

impl Bridge {
    fn handle(&self) -> Option<EngineHandle> {
        self.handle.borrow().clone()
    }

    fn set_gate(&self, gate: Gate) {
        self.gate.set(gate);
        let callback = self.show_gate.borrow().clone();
        if let Some(callback) = callback {
            callback.emit(gate);
        }
    }

    /// Puts the canvas that is drawn on into the page.
    fn place_stage(&self) {
        let (Some(handle), Some(host)) = (self.handle(), self.stage.cast::<web_sys::Element>())
        else {
            return;
        };
        let stage =
            handle.with(|engine| engine.screen.as_ref().map(|screen| screen.canvas().clone()));
        if let Some(stage) = stage {
            canvas::place(&host, &stage);
        }
    }

    /// Tells the engine whether the list goes on before and after the open study.
    fn look_for_neighbours(&self) {
        let Some(handle) = self.handle() else { return };
        let open = handle.with(|engine| {
            engine
                .state
                .studies
                .first()
                .map(|study| (study.source.clone(), study.uid.clone()))
        });
        let has = |delta| {
            open.as_ref().is_some_and(|(source, study)| {
                self.memory.neighbour(source, study, delta).is_some()
            })
        };
        let neighbours = (has(-1), has(1));
        handle.with_mut(|engine| engine.has_neighbours = neighbours);
    }
}

#[derive(Properties)]
struct AppProps {
    bridge: Rc<Bridge>,
    page: Page,
}

impl PartialEq for AppProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.bridge, &other.bridge) && self.page == other.page
    }
}

/// Which page the address asks for, and what it names.
fn asked_for() -> (Page, Option<ViewLink>) {
    let pairs = page::query();
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    if page::meta("sagitta-page").as_deref() == Some("bench") {
        let renamed = pairs.map(|(name, value)| match name {
            "study" => ("StudyInstanceUIDs", value),
            "series" => ("SeriesInstanceUIDs", value),
            other => (other, value),
        });
        return (Page::Bench, ViewLink::from_pairs(renamed));
    }
    if page::path_ends_with("/shared") {
        // What the link opened is asked of the server: the address names nothing.
        return (Page::Guest, None);
    }
    match ViewLink::from_pairs(pairs) {
        Some(link) => (Page::Reader, Some(link)),
        None => (Page::List, None),
    }
}

/// Starts the app in its page.
pub fn start() {
    console_error_panic_hook::set_once();
    let (first_page, link) = asked_for();
    if first_page == Page::Bench {
        crate::embed::bench::prepare();
    }
    let bridge = Rc::new(Bridge::default());
    let host = host(&bridge);
    let program = |name: &str| {
        let named = |attribute: &str| {
            page::meta_attribute(name, attribute).and_then(|path| page::absolute(&path))
        };
        Some(WorkerProgram {
            start: named("content")?,
            module: named("data-module"),
        })
    };
    let programs = program("sagitta-worker").map(|common| WorkerPrograms {
        all: program("sagitta-worker-all").unwrap_or_else(|| common.clone()),
        common,
    });
    let planes = program("sagitta-plane-worker");
    let videos = program("sagitta-video-worker");
    let handle = EngineHandle::new(first_page, programs, planes, videos, host);
    *bridge.handle.borrow_mut() = Some(handle.clone());
    if page::path_ends_with("/embed") {
        prepare_frame(&bridge, &handle);
    }
    if let Some(link) = link {
        handle.send(EngineEvent::Open(link));
    }
    let configured = {
        let bridge = Rc::clone(&bridge);
        future_to_promise(async move {
            configure(bridge, first_page).await;
            Ok(JsValue::UNDEFINED)
        })
    };
    mount(&bridge, first_page);
    if first_page == Page::Guest {
        follow_link(&bridge);
    }
    spawn_local(screens::prepare(Rc::clone(&bridge), first_page, configured));
    let weak = Rc::downgrade(&bridge);
    page::on_history(move || {
        if let Some(bridge) = weak.upgrade() {
            follow_address(&bridge);
        }
    });
}

/// The page for frames: what its address gives it, and its session. The same page is the window that a frame opens for signing in.
fn prepare_frame(bridge: &Rc<Bridge>, handle: &EngineHandle) {
    let given = page::take_fragment();
    let value = |wanted: &str| {
        let found = given.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone())
    };
    // What cannot be shown as it was asked for is shown as usual.
    let _ = appearance::set(value("theme").as_deref(), None);
    let _ = appearance::set(None, value("locale").as_deref());
    let weak = Rc::downgrade(bridge);
    let show = move |gate| {
        if let Some(bridge) = weak.upgrade() {
            bridge.set_gate(gate);
        }
    };
    if frame::parent().is_some() {
        *bridge.ticket.borrow_mut() = value("ticket");
        let session = FrameSession::new(handle.clone(), bridge.listeners.clone(), show);
        *bridge.session.borrow_mut() = Some(session);
    } else if value("signin").is_some() {
        bridge.gate.set(Gate::Window);
        spawn_local(session::attend_window(show));
    }
}

fn mount(bridge: &Rc<Bridge>, page: Page) {
    let props = AppProps {
        bridge: Rc::clone(bridge),
        page,
    };
    let root = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.get_element_by_id("app"));
    match root {
        Some(root) => yew::Renderer::<App>::with_root_and_props(root, props).render(),
        None => yew::Renderer::<App>::with_props(props).render(),
    };
}

fn host(bridge: &Rc<Bridge>) -> Host {
    let to = || Rc::downgrade(bridge);
    let (show, go_to, neighbour, tell, rebuild) = (to(), to(), to(), to(), to());
    Host {
        show: Box::new(move |view| {
            let Some(bridge) = show.upgrade() else { return };
            let callback = bridge.show.borrow().clone();
            if let Some(callback) = callback {
                callback.emit(view);
            }
        }),
        go_to: Box::new(move |page| {
            let Some(bridge) = go_to.upgrade() else {
                return;
            };
            write_address(&bridge, page);
            bridge.look_for_neighbours();
            let callback = bridge.go_to.borrow().clone();
            if let Some(callback) = callback {
                callback.emit(page);
            }
        }),
        open_neighbour: Box::new(move |delta| {
            let Some(bridge) = neighbour.upgrade() else {
                return;
            };
            open_neighbour(&bridge, delta);
        }),
        tell: Box::new(move |told: &Told| {
            if let Some(bridge) = tell.upgrade() {
                bridge.listeners.tell(told);
            }
        }),
        rebuild_screen: Box::new(move || {
            if let Some(bridge) = rebuild.upgrade() {
                spawn_local(screens::make(bridge));
            }
        }),
    }
}

fn open_neighbour(bridge: &Rc<Bridge>, delta: i64) {
    let Some(handle) = bridge.handle() else {
        return;
    };
    let open = handle.with(|engine| {
        engine
            .state
            .studies
            .first()
            .map(|study| (study.source.clone(), study.uid.clone()))
    });
    let Some((source, study)) = open else { return };
    if let Some((source, study)) = bridge.memory.neighbour(&source, &study, delta) {
        handle.send(EngineEvent::Command(Command::OpenStudy { source, study }));
        write_address(bridge, Page::Reader);
        bridge.look_for_neighbours();
    }
}

/// Parameter of the address that forces a backend.
const BACKEND: &str = "backend";

/// Parameter of the address for tests: most columns and rows of a texture, as on a graphics card that has no
/// larger ones. Larger frames are drawn in tiles.
const TEXTURE_LIMIT: &str = "textureLimit";

/// Parameters of the address for tests: most MiB of decoded and encoded frames in memory, and of volumes on the GPU.
const FRAME_BUDGET: &str = "frameBudget";
const VOLUME_BUDGET: &str = "volumeBudget";

/// Parameters that stay while studies are opened and closed.
const KEPT: [&str; 4] = [BACKEND, TEXTURE_LIMIT, FRAME_BUDGET, VOLUME_BUDGET];

/// The address of a study: UIDs only, never a name.
fn reader_address(bridge: &Bridge, source: &str, study: &str) -> String {
    let place = if bridge.has_gateway.get() {
        "viewer"
    } else {
        "index.html"
    };
    let kept: String = page::query()
        .into_iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()))
        .map(|(name, value)| format!("&{name}={}", page::encode(&value)))
        .collect();
    format!(
        "{place}?StudyInstanceUIDs={}&source={}{kept}",
        page::encode(study),
        page::encode(source),
    )
}

/// Puts what is on screen into the address bar.
fn write_address(bridge: &Bridge, page: Page) {
    if page::path_ends_with("/embed") {
        return;
    }
    match page {
        Page::List if bridge.has_gateway.get() => page::push_address("./"),
        Page::List => page::push_address("index.html"),
        Page::Bench | Page::Guest => {}
        Page::Reader => {
            let open = bridge.handle().and_then(|handle| {
                handle.with(|engine| {
                    let study = engine.state.studies.first()?;
                    Some((study.source.clone(), study.uid.clone()))
                })
            });
            if let Some((source, study)) = open {
                page::push_address(&reader_address(bridge, &source, &study));
            }
        }
    }
}

/// The user went back or forward: shows what the address says now.
fn follow_address(bridge: &Bridge) {
    let Some(handle) = bridge.handle() else {
        return;
    };
    let (page, link) = asked_for();
    if page == Page::Guest {
        return;
    }
    // Before anything is opened, so that the address is not written once more.
    handle.with_mut(|engine| engine.page = page);
    match link {
        Some(link) => handle.send(EngineEvent::Open(link)),
        None => handle.send(EngineEvent::Close),
    }
    let callback = bridge.go_to.borrow().clone();
    if let Some(callback) = callback {
        callback.emit(page);
    }
}

/// Reads which DICOMweb roots may be used: `config.json` beside the page; without one, `/dicomweb` of
/// the page's own origin.
async fn configure(bridge: Rc<Bridge>, first_page: Page) {
    let default = Source {
        id: "local".into(),
        label: "DICOMweb".into(),
        root: format!("{}/dicomweb", page::origin()),
        store: false,
    };
    let config = match (first_page, page::absolute("config.json")) {
        (Page::Bench, _) | (_, None) => None,
        (_, Some(url)) => fetch::get_text(&url, "application/json").await.ok(),
    };
    let config: Option<Config> = config.and_then(|answer| serde_json::from_str(&answer.text).ok());
    let mut sources: Vec<Source> = config
        .iter()
        .flat_map(|config| &config.sources)
        .filter_map(|source| {
            let root = page::absolute(&source.dicomweb)?;
            Some(Source {
                id: source.id.clone(),
                label: source.label.clone(),
                root: root.trim_end_matches('/').to_owned(),
                store: source.store,
            })
        })
        .collect();
    if sources.is_empty() {
        sources.push(default);
    }
    let has_gateway = config.as_ref().is_some_and(|config| config.gateway);
    bridge.has_gateway.set(has_gateway);
    if has_gateway && matches!(first_page, Page::List | Page::Reader) {
        spawn_local(follow_account(Rc::clone(&bridge)));
    }
    *bridge.framing.borrow_mut() = config.map(|config| config.embed).unwrap_or_default();
    let session = bridge.session.borrow().clone();
    let is_framed = session.is_some();
    if let Some(session) = session.filter(|_| has_gateway) {
        // Nothing is asked of the store before it is known by what right.
        let ticket = bridge.ticket.borrow_mut().take();
        session.begin(ticket).await;
    }
    if has_gateway {
        for source in &sources {
            if is_framed {
                pictures::is_ours_in_frame(&source.root);
            } else {
                pictures::is_ours(&source.root);
            }
        }
    }
    let listed: Vec<ListSource> = sources
        .iter()
        .map(|source| ListSource {
            id: source.id.clone(),
            label: source.label.clone(),
            root: source.root.clone(),
            store: source.store,
        })
        .collect();
    if let Some(handle) = bridge.handle() {
        handle.send(EngineEvent::Configured(sources));
    }
    let callback = bridge.configured.borrow().clone();
    if let Some(callback) = callback {
        callback.emit(Rc::new(listed));
    }
}

#[component]
fn App(props: &AppProps) -> Html {
    let bridge = Rc::clone(&props.bridge);
    let page = use_state(|| props.page);
    let view = use_state(Rc::<ReaderView>::default);
    let sources = use_state(|| Rc::new(Vec::<ListSource>::new()));
    let access = use_state(Access::default);
    let account = use_state_eq(Account::default);
    let gate = use_state_eq(|| bridge.gate.get());
    {
        let set_account = account.setter();
        let (bridge, page, view, sources, access, gate) = (
            Rc::clone(&bridge),
            page.setter(),
            view.setter(),
            sources.setter(),
            access.setter(),
            gate.setter(),
        );
        use_memo((), move |()| {
            *bridge.show.borrow_mut() = Some(Callback::from(move |new| view.set(new)));
            *bridge.go_to.borrow_mut() = Some(Callback::from(move |new| page.set(new)));
            *bridge.account.borrow_mut() = Some(Callback::from(move |new| set_account.set(new)));
            *bridge.admitted.borrow_mut() = Some(Callback::from(move |new| access.set(new)));
            *bridge.configured.borrow_mut() = Some(Callback::from(move |new| sources.set(new)));
            *bridge.show_gate.borrow_mut() = Some(Callback::from(move |new| gate.set(new)));
        });
    }
    {
        let bridge = Rc::clone(&bridge);
        use_effect(move || {
            bridge.place_stage();
            || ()
        });
    }
    let dispatch = use_callback((), {
        let bridge = Rc::clone(&bridge);
        move |command: Command, ()| {
            if let Some(handle) = bridge.handle() {
                handle.send(EngineEvent::Command(command));
            }
        }
    });
    let sharing = use_memo(account.session.share, |can_share| {
        can_share.then(|| sharing(&bridge))
    });
    let leave = use_callback((), {
        let bridge = Rc::clone(&bridge);
        move |(), ()| {
            if let Some(watch) = &*bridge.watch.borrow() {
                watch.leaving();
            }
        }
    });
    if *gate != Gate::Open {
        let on_sign_in = Callback::from(move |()| {
            if let Some(session) = &*bridge.session.borrow() {
                session.open_window();
            }
        });
        return html! { <SignIn gate={*gate} locale={appearance::locale()} {on_sign_in} /> };
    }
    let shown = match *page {
        Page::List => {
            let on_open = {
                let dispatch = dispatch.clone();
                Callback::from(move |(source, study)| {
                    dispatch.emit(Command::OpenStudy { source, study });
                })
            };
            let on_open_window = {
                let bridge = Rc::clone(&bridge);
                Callback::from(move |(source, study): (String, String)| {
                    page::open_window(&reader_address(&bridge, &source, &study));
                })
            };
            let health_url = bridge
                .has_gateway
                .get()
                .then(|| page::absolute("healthz"))
                .flatten();
            html! {
                <StudyList sources={(*sources).clone()} memory={bridge.memory.clone()} {on_open}
                    {on_open_window} {health_url} account={(*account).clone()}
                    leave={leave.clone()} />
            }
        }
        Page::Guest => html! {
            <Guest view={(*view).clone()} access={(*access).clone()} {dispatch}
                stage={bridge.stage.clone()} />
        },
        Page::Reader | Page::Bench => html! {
            <Reader view={(*view).clone()} {dispatch} stage={bridge.stage.clone()}
                sharing={(*sharing).clone()} bare={*page == Page::Bench} />
        },
    };
    let is_hidden = account.presence != Presence::Here;
    html! {
        <>
            <div class={classes!("shell", is_hidden.then_some("hidden"))} inert={is_hidden}>{shown}</div>
            <Keeper {bridge} account={(*account).clone()} {leave} />
        </>
    }
}
