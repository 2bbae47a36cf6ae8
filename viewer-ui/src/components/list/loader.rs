//! Brings pages of studies, one question after another; answers to older questions are dropped.

use super::memory::{Filters, ListMemory, Trouble};
use super::query::{query, search_attributes};
use super::{ListSource, today};
use crate::platform::clock::{self, Repeat};
use crate::platform::fetch::{self, FetchError};
use protocol::dicomweb::json;
use protocol::gateway::Health;
use std::cell::Cell;
use std::rc::Rc;
use viewer_core::model::Study;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Pause after typing before the server is asked, ms.
const TYPING_PAUSE_MS: f64 = 250.0;
/// Pause between quiet looks for new studies, ms.
const QUIET_PAUSE_MS: f64 = 8_000.0;
/// Pause before another attempt while the server is gone, ms.
const RETRY_PAUSE_MS: f64 = 3_000.0;
/// Pause between looks at the index while it is being made, ms.
const INDEXING_PAUSE_MS: f64 = 1_000.0;

/// Asks the server for what the list needs.
pub struct Loader {
    sources: Rc<Vec<ListSource>>,
    memory: ListMemory,
    redraw: UseForceUpdateHandle,
    stamp: Cell<u64>,
}

impl PartialEq for Loader {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// A loader as a property.
#[derive(Clone)]
pub struct Shared(pub Rc<Loader>);

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Loader {
    /// A loader for some sources.
    pub fn new(
        sources: Rc<Vec<ListSource>>,
        memory: ListMemory,
        redraw: UseForceUpdateHandle,
    ) -> Self {
        Self {
            sources,
            memory,
            redraw,
            stamp: Cell::new(0),
        }
    }

    /// Changes with every change of the memory, so that components look again.
    pub fn stamp(&self) -> u64 {
        self.stamp.get()
    }

    fn show(&self) {
        self.stamp.set(self.stamp.get() + 1);
        self.redraw.force_update();
    }

    /// Asks anew for the first page; rows that are here stay until the answer comes.
    pub fn refresh(self: &Rc<Self>) {
        self.memory.change(|memory| memory.ask_anew(true));
        self.ask(0);
    }

    /// Changes the filters and asks at once.
    pub fn change(self: &Rc<Self>, change: impl FnOnce(&mut Filters)) {
        self.memory.change(|memory| {
            change(&mut memory.filters);
            memory.ask_anew(false);
        });
        self.show();
        self.ask(0);
    }

    /// Changes the filters and asks when typing has come to a pause.
    pub fn type_in(self: &Rc<Self>, change: impl FnOnce(&mut Filters)) {
        let question = self.memory.change(|memory| {
            change(&mut memory.filters);
            memory.question += 1;
            memory.question
        });
        self.show();
        let loader = Rc::clone(self);
        spawn_local(async move {
            clock::sleep(TYPING_PAUSE_MS).await;
            if loader.memory.with(|memory| memory.question) == question {
                loader.change(|_| ());
            }
        });
    }

    /// Changes order or source and asks at once.
    pub fn reorder(self: &Rc<Self>, change: impl FnOnce(&mut super::memory::Memory)) {
        self.memory.change(|memory| {
            change(memory);
            memory.ask_anew(false);
        });
        self.show();
        self.ask(0);
    }

    /// Asks for a page that visible rows need, if nobody has yet.
    pub fn need(self: &Rc<Self>, first: usize, last: usize) {
        if let Some(page) = self.memory.change(|memory| memory.next_page(first, last)) {
            self.ask(page);
        }
    }

    fn ask(self: &Rc<Self>, page: usize) {
        let asked = self.memory.with(|memory| {
            let source = self
                .sources
                .get(memory.source)
                .or_else(|| self.sources.first())?;
            let text = query(&memory.filters, memory.order, memory.attempt, page, today());
            let url = format!("{}/studies?{text}", source.root);
            Some((source.id.clone(), url, memory.question))
        });
        let Some((source, url, question)) = asked else {
            return;
        };
        let loader = Rc::clone(self);
        spawn_local(async move {
            let answer = fetch::get_text(&url, "application/dicom+json").await;
            if loader.memory.with(|memory| memory.question) != question {
                return;
            }
            loader.answered(&source, page, answer);
        });
    }

    fn answered(
        self: &Rc<Self>,
        source: &str,
        page: usize,
        answer: Result<fetch::TextAnswer, FetchError>,
    ) {
        let trouble = match answer {
            Ok(answer) => match json::parse(&answer.text) {
                Ok(sets) => {
                    let rows: Vec<Study> = sets
                        .iter()
                        .filter_map(|set| Study::from_dataset(source, set))
                        .collect();
                    if page == 0 && rows.is_empty() && self.try_next_attribute() {
                        return;
                    }
                    self.memory
                        .change(|memory| memory.page_came(page, rows, answer.total));
                    self.show();
                    return;
                }
                Err(error) => Trouble::Refused(error.to_string()),
            },
            Err(FetchError::Refused { status, message }) => Trouble::Refused(
                message
                    .unwrap_or_else(|| format!("the server refused the search (status {status})")),
            ),
            Err(_) => Trouble::Unreachable,
        };
        self.memory
            .change(|memory| memory.page_failed(page, trouble));
        self.show();
    }

    /// The search field found nothing by one attribute: asks by the next one.
    fn try_next_attribute(self: &Rc<Self>) -> bool {
        let goes_on = self.memory.change(|memory| {
            let search = memory.filters.search.trim();
            let goes_on =
                !search.is_empty() && memory.attempt + 1 < search_attributes(search).len();
            memory.attempt += usize::from(goes_on);
            goes_on
        });
        if goes_on {
            self.ask(0);
        }
        goes_on
    }

    /// Looks quietly for new studies, and tries again while the server is gone.
    pub fn watch(self: &Rc<Self>) -> Repeat {
        let loader = Rc::downgrade(self);
        Repeat::new(QUIET_PAUSE_MS, move || {
            let Some(loader) = loader.upgrade() else {
                return QUIET_PAUSE_MS;
            };
            let (is_gone, is_at_top) = loader
                .memory
                .with(|memory| (memory.trouble == Trouble::Unreachable, memory.scroll < 1.0));
            if is_gone || is_at_top {
                loader.refresh();
            }
            if is_gone {
                RETRY_PAUSE_MS
            } else {
                QUIET_PAUSE_MS
            }
        })
    }
}

/// Looks at the index while it is being made, and shows what is found as it comes.
pub fn watch_health(
    url: String,
    indexing: UseStateSetter<Option<(u64, u64)>>,
    loader: Rc<Loader>,
) -> Repeat {
    let is_indexing = Rc::new(Cell::new(true));
    Repeat::new(0.0, move || {
        let (url, indexing) = (url.clone(), indexing.clone());
        let (loader, flag) = (Rc::clone(&loader), Rc::clone(&is_indexing));
        spawn_local(async move {
            let Ok(answer) = fetch::get_text(&url, "application/json").await else {
                return;
            };
            let Ok(health) = serde_json::from_str::<Health>(&answer.text) else {
                return;
            };
            let (done, total) = (health.indexing.done, health.indexing.total);
            let was_indexing = flag.replace(done < total);
            indexing.set(Some((done, total)));
            if was_indexing || done < total {
                loader.refresh();
            }
        });
        if is_indexing.get() {
            INDEXING_PAUSE_MS
        } else {
            QUIET_PAUSE_MS
        }
    })
}
