//! The study list: search, filters, a table without end, and a preview of the selected study.

mod bar;
mod dates;
mod foot;
mod head;
mod keys;
mod loader;
pub mod memory;
mod order;
mod preview;
mod query;
mod rows;
mod states;
mod table;

use crate::platform::{clock, page};
use crate::store::Account;
use loader::{Loader, Shared};
pub use memory::ListMemory;
use memory::Trouble;
use std::rc::Rc;
use yew::prelude::*;

/// A source that can be searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSource {
    /// Its id.
    pub id: String,
    /// Its name on screen.
    pub label: String,
    /// Absolute address of its DICOMweb root, without a slash at the end.
    pub root: String,
    /// It takes what is stored.
    pub store: bool,
}

/// The name of a source on screen.
fn label_of(sources: &[ListSource], id: &str) -> String {
    let source = sources.iter().find(|source| source.id == id);
    source.map_or_else(|| id.to_owned(), |source| source.label.clone())
}

/// What the list shows.
#[derive(Properties, PartialEq)]
pub struct ListProps {
    /// Sources; empty until the configuration is read.
    pub sources: Rc<Vec<ListSource>>,
    /// What the list knows.
    pub memory: ListMemory,
    /// Opens a study: source id, Study Instance UID.
    pub on_open: Callback<(String, String)>,
    /// Opens it in a window of its own.
    pub on_open_window: Callback<(String, String)>,
    /// Address of the gateway's health, where there is a gateway.
    pub health_url: Option<String>,
    /// Whoever is logged in.
    pub account: Account,
    /// Called when whoever sits there leaves.
    pub leave: Callback<()>,
}

/// The study list.
#[component]
pub fn StudyList(props: &ListProps) -> Html {
    let redraw = use_force_update();
    let indexing = use_state(|| None::<(u64, u64)>);
    let loader = use_memo(
        (
            props.sources.clone(),
            props.memory.clone(),
            props.health_url.is_some(),
        ),
        |(sources, memory, orders)| {
            Loader::new(Rc::clone(sources), memory.clone(), *orders, redraw.clone())
        },
    );
    let shared = Shared(Rc::clone(&loader));
    use_effect_with(shared.clone(), |loader| {
        loader.0.begin();
        let watch = loader.0.watch();
        move || drop(watch)
    });
    {
        let setter = indexing.setter();
        let key = (props.health_url.clone(), shared.clone());
        use_effect_with(key, move |(url, loader)| {
            let watch = url
                .clone()
                .map(|url| loader::watch_health(url, setter, Rc::clone(&loader.0)));
            move || drop(watch)
        });
    }
    {
        let keys = keys::Keys {
            memory: props.memory.clone(),
            loader: shared.clone(),
            on_open: props.on_open.clone(),
            on_window: props.on_open_window.clone(),
        };
        use_effect_with(keys, move |keys| {
            let keys = keys.clone();
            page::on_key(move |key| keys::pressed(&key, &keys))
        });
    }
    let select = {
        // The loader of now: one that was replaced, as when the sources came, redraws nothing, and the
        // row that is marked would not be the study that the preview shows.
        let memory = props.memory.clone();
        use_callback(shared.clone(), move |place: usize, loader| {
            memory.change(|memory| {
                memory.select(place);
                memory.has_sheet = true;
            });
            loader.0.show();
        })
    };
    let close_sheet = {
        let (memory, loader) = (props.memory.clone(), shared.clone());
        Callback::from(move |()| {
            memory.change(|memory| memory.has_sheet = false);
            loader.0.show();
        })
    };
    let (count, trouble, is_waiting, is_old, is_sheet, selected, unread) =
        props.memory.with(|memory| {
            (
                memory.row_count(),
                memory.trouble.clone(),
                memory.is_waiting(),
                memory.is_old,
                memory.has_sheet,
                memory.selected_study().cloned(),
                query::unread_dates(&memory.filters),
            )
        });
    let root = selected.as_ref().and_then(|study| {
        let source = props
            .sources
            .iter()
            .find(|source| source.id == study.source)?;
        Some(source.root.clone())
    });
    let stamp = loader.stamp();
    html! {
        <main class="list">
            <h1 class="vh">{"Studies"}</h1>
            <bar::ListBar memory={props.memory.clone()} loader={shared.clone()}
                sources={props.sources.clone()} account={props.account.clone()}
                leave={props.leave.clone()} {stamp} />
            <div class="work">
                <div class="main">
                    if trouble != Trouble::None {
                        <states::TroubleBand trouble={trouble.clone()} loader={shared.clone()} {stamp} />
                    } else if let Some(field) = unread {
                        <states::UnreadBand {field} />
                    }
                    <table::StudyTable memory={props.memory.clone()} loader={shared.clone()}
                        sources={props.sources.clone()} {select} on_open={props.on_open.clone()}
                        {stamp} />
                    if is_waiting && trouble == Trouble::None {
                        <states::Reading />
                    } else if count == 0 && props.account.session.login && !props.account.session.search {
                        <states::NoStudies account={props.account.clone()} />
                    } else if count == 0 && !is_old && trouble == Trouble::None {
                        <states::Nothing is_indexing={indexing.is_some()}
                            memory={props.memory.clone()} loader={shared.clone()}
                            sources={props.sources.clone()} {stamp} />
                    }
                    if let Some((done, total)) = *indexing {
                        <states::IndexingBand {done} {total} />
                    }
                </div>
                if let (Some(study), Some(root)) = (selected, root) {
                    // Made anew for each study: no series of the one before stand below its name.
                    <preview::Preview key={format!("{} {}", study.source, study.uid)} source={(props.sources.len() > 1)
                            .then(|| label_of(&props.sources, &study.source))}
                        study={study.clone()} {root} on_open={props.on_open.clone()}
                        on_open_window={props.on_open_window.clone()} {is_sheet}
                        close={close_sheet} />
                } else {
                    <aside class="preview empty" aria-label="Preview">
                        <p class="t3">{"Nothing selected."}</p>
                    </aside>
                }
            </div>
            <foot::Foot memory={props.memory.clone()} loader={shared}
                is_indexing={indexing.is_some()} {stamp} />
        </main>
    }
}

/// From a text field to the rows: Enter and the down arrow.
fn to_rows(event: KeyboardEvent) {
    if matches!(event.key().as_str(), "Enter" | "ArrowDown") && page::focus_on(table::GRID) {
        event.prevent_default();
    }
}

/// Today as days since 1970, by the local calendar.
fn today() -> dates::Day {
    clock::local_day()
}
