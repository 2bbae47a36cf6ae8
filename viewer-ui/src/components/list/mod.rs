//! The study list: search, filters, a table without end, and a preview of the selected study.

mod bar;
mod loader;
pub mod memory;
mod preview;
mod query;
mod states;
mod table;

use crate::platform::{clock, page};
use loader::Loader;
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
}

/// The study list.
#[component]
pub fn StudyList(props: &ListProps) -> Html {
    let redraw = use_force_update();
    let indexing = use_state(|| None::<(u64, u64)>);
    let sheet = use_state(|| false);
    let loader = use_memo(
        (props.sources.clone(), props.memory.clone()),
        |(sources, memory)| Loader::new(Rc::clone(sources), memory.clone(), redraw.clone()),
    );
    {
        // The first page, and after it a quiet look every few seconds for what has come since.
        let loader = Rc::clone(&loader);
        use_effect_with(Rc::clone(&loader), move |_| {
            loader.refresh();
            let watch = loader.watch();
            move || drop(watch)
        });
    }
    {
        let (setter, loader) = (indexing.setter(), Rc::clone(&loader));
        use_effect_with(props.health_url.clone(), move |url| {
            let watch = url
                .clone()
                .map(|url| loader::watch_health(url, setter, loader));
            move || drop(watch)
        });
    }
    {
        let (memory, on_open) = (props.memory.clone(), props.on_open.clone());
        let (on_window, redraw) = (props.on_open_window.clone(), redraw.clone());
        let loader = Rc::clone(&loader);
        use_effect_with(Rc::clone(&loader), move |_| {
            page::on_key(move |key| {
                let taken = pressed(&key, &memory, &on_open, &on_window, &loader);
                if taken {
                    redraw.force_update();
                }
                taken
            })
        });
    }
    let select = {
        let (memory, redraw, sheet) = (props.memory.clone(), redraw.clone(), sheet.setter());
        Callback::from(move |place: usize| {
            memory.change(|memory| memory.select(place));
            sheet.set(true);
            redraw.force_update();
        })
    };
    let close_sheet = {
        let sheet = sheet.setter();
        Callback::from(move |()| sheet.set(false))
    };
    let (count, trouble, is_waiting, is_filtered) = props.memory.with(|memory| {
        (
            memory.row_count(),
            memory.trouble.clone(),
            memory.is_waiting(),
            !memory.filters.is_empty(),
        )
    });
    let selected = props.memory.with(|memory| memory.selected_study().cloned());
    let root = selected.as_ref().and_then(|study| {
        props
            .sources
            .iter()
            .find(|source| source.id == study.source)
            .map(|s| s.root.clone())
    });
    let is_indexing = indexing
        .as_ref()
        .filter(|(done, total)| done < total)
        .copied();
    html! {
        <main class="list">
            <h1 class="vh">{"Studies"}</h1>
            <bar::ListBar memory={props.memory.clone()} loader={loader::Shared(Rc::clone(&loader))}
                sources={props.sources.clone()} stamp={loader.stamp()} />
            <div class="work">
                <div class="main">
                    if let Some((done, total)) = is_indexing {
                        <states::IndexingBand {done} {total} />
                    }
                    if trouble != Trouble::None {
                        <states::TroubleBand trouble={trouble.clone()}
                            loader={loader::Shared(Rc::clone(&loader))} />
                    }
                    <table::StudyTable memory={props.memory.clone()}
                        loader={loader::Shared(Rc::clone(&loader))} {select}
                        on_open={props.on_open.clone()} has_sources={props.sources.len() > 1}
                        stamp={loader.stamp()} />
                    if is_waiting && trouble == Trouble::None {
                        <states::Reading />
                    } else if count == 0 && trouble == Trouble::None {
                        <states::Nothing {is_filtered} is_indexing={is_indexing.is_some()}
                            memory={props.memory.clone()}
                            loader={loader::Shared(Rc::clone(&loader))} />
                    }
                </div>
                if let (Some(study), Some(root)) = (selected, root) {
                    <preview::Preview {study} {root} on_open={props.on_open.clone()}
                        on_open_window={props.on_open_window.clone()} is_sheet={*sheet}
                        close={close_sheet} />
                } else {
                    <aside class="preview empty" aria-label="Preview">
                        <p class="t3">{"Select a study to see what it holds."}</p>
                    </aside>
                }
            </div>
            <Foot {count} memory={props.memory.clone()} stamp={loader.stamp()} />
        </main>
    }
}

/// What a key does to the list; true where it was taken.
fn pressed(
    key: &page::KeyPress,
    memory: &ListMemory,
    on_open: &Callback<(String, String)>,
    on_window: &Callback<(String, String)>,
    loader: &Rc<Loader>,
) -> bool {
    let count = memory.with(memory::Memory::row_count);
    let place = memory.with(memory::Memory::selected_place);
    let go = |to: usize| {
        memory.change(|memory| memory.select(to));
        table::reveal(memory, to);
        true
    };
    let last = count.saturating_sub(1);
    match key.key.as_str() {
        "/" => page::focus_on("#list-search"),
        "Escape" => {
            loader.change(|filters| *filters = memory::Filters::default());
            true
        }
        _ if count == 0 => false,
        "ArrowDown" => go(place.map_or(0, |place| (place + 1).min(last))),
        "ArrowUp" => go(place.map_or(0, |place| place.saturating_sub(1))),
        "PageDown" => go((place.unwrap_or(0) + 10).min(last)),
        "PageUp" => go(place.unwrap_or(0).saturating_sub(10)),
        "Home" => go(0),
        "End" => go(last),
        "Enter" => {
            let Some(chosen) = memory.with(|memory| memory.selected.clone()) else {
                return false;
            };
            if key.shift {
                on_window.emit(chosen)
            } else {
                on_open.emit(chosen)
            }
            true
        }
        _ => false,
    }
}

#[derive(Properties, PartialEq)]
struct FootProps {
    count: usize,
    memory: ListMemory,
    stamp: u64,
}

/// The footer: how many match, and the keys.
#[component]
fn Foot(props: &FootProps) -> Html {
    let known = props.memory.with(|memory| memory.total);
    let words = match (known, props.count) {
        (Some(1), _) => "1 study matches".to_owned(),
        (Some(total), _) => format!("{} studies match", states::thousands(total as u64)),
        (None, 0) => String::new(),
        (None, count) => format!("{} studies so far", states::thousands(count as u64)),
    };
    html! {
        <footer class="foot">
            <span role="status">{words}</span>
            <span class="grow"></span>
            <span class="keys t2">
                <kbd>{"\u{2191}"}</kbd>{" "}<kbd>{"\u{2193}"}</kbd>{" select \u{2003}"}
                <kbd>{"Enter"}</kbd>{" open \u{2003}"}
                <kbd>{"Shift+Enter"}</kbd>{" new window \u{2003}"}
                <kbd>{"/"}</kbd>{" search \u{2003}"}
                <kbd>{"Esc"}</kbd>{" clear filters"}
            </span>
            <span class="grow"></span>
        </footer>
    }
}

/// Today as days since 1970, by the local calendar.
fn today() -> query::Day {
    clock::local_day()
}
