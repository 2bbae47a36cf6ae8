//! Brings pages of studies, one question after another; answers to older questions are dropped.

use super::memory::{Filters, ListMemory, Memory, Trouble};
use super::query::{Attempt, attempts, page_query};
use super::{ListSource, table, today};
use crate::platform::clock::{self, Repeat};
use crate::platform::fetch::{self, FetchError};
use protocol::dicomweb::{json, path, query::Field};
use protocol::gateway::Health;
use std::cell::Cell;
use std::rc::Rc;
use viewer_core::model::Study;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Pause after typing before the server is asked, ms.
const TYPING_PAUSE_MS: f64 = 250.0;
/// Pause between quiet looks for new studies, ms.
const QUIET_PAUSE_MS: f64 = 10_000.0;
/// Pause between looks at the index while it is being made, ms.
const INDEXING_PAUSE_MS: f64 = 1_000.0;
/// First and longest pause before another attempt while the server is gone, ms.
const RETRY_PAUSES_MS: (f64, f64) = (1_000.0, 30_000.0);

/// Asks the server for what the list needs.
pub struct Loader {
    sources: Rc<Vec<ListSource>>,
    memory: ListMemory,
    /// The server is our gateway, which orders as it is asked to.
    orders: bool,
    redraw: UseForceUpdateHandle,
    stamp: Cell<u64>,
    /// When the server that is gone is asked again, on the clock of `clock::now_ms`.
    retry_at_ms: Cell<f64>,
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
        orders: bool,
        redraw: UseForceUpdateHandle,
    ) -> Self {
        Self {
            sources,
            memory,
            orders,
            redraw,
            stamp: Cell::new(0),
            retry_at_ms: Cell::new(0.0),
        }
    }

    /// Changes with every change of the memory, so that components look again.
    pub fn stamp(&self) -> u64 {
        self.stamp.get()
    }

    /// The memory has changed: shows it.
    pub fn show(&self) {
        self.stamp.set(self.stamp.get() + 1);
        self.redraw.force_update();
    }

    /// Seconds until the server that is gone is asked again.
    pub fn seconds_to_retry(&self) -> f64 {
        ((self.retry_at_ms.get() - clock::now_ms()) / 1000.0)
            .ceil()
            .max(0.0)
    }

    /// The list has come on screen.
    pub fn begin(self: &Rc<Self>) {
        self.memory.change(Memory::come_back);
        let is_fresh = self
            .memory
            .with(|memory| memory.is_waiting() || memory.is_old || memory.trouble != Trouble::None);
        if is_fresh {
            self.try_again();
        } else {
            self.refresh();
        }
    }

    /// Asks quietly again for what is in sight; rows stay until the answer comes.
    pub fn refresh(self: &Rc<Self>) {
        let (first, end, is_empty) = self.memory.change(|memory| {
            memory.look_again();
            let is_quiet = !memory.is_old && memory.trouble == Trouble::None;
            let (first, end) = memory.in_sight;
            (first, end, is_quiet && memory.row_count() == 0)
        });
        if is_empty {
            self.try_again();
        } else {
            self.need(first, end.saturating_sub(1));
        }
    }

    /// Asks for the page that did not come.
    pub fn try_again(self: &Rc<Self>) {
        let page = self.memory.change(Memory::failed_page);
        self.ask(page);
    }

    /// Changes the filters and asks at once.
    pub fn change(self: &Rc<Self>, change: impl FnOnce(&mut Filters)) {
        self.reorder(|memory| change(&mut memory.filters));
    }

    /// Changes the filters and asks when typing has come to a pause.
    pub fn type_in(self: &Rc<Self>, change: impl FnOnce(&mut Filters)) {
        let question = self.memory.change(|memory| {
            change(&mut memory.filters);
            // Answers that are on their way belong to the text before.
            memory.question += 1;
            memory.is_old = true;
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

    /// Changes filters, order or source and asks at once.
    pub fn reorder(self: &Rc<Self>, change: impl FnOnce(&mut Memory)) {
        self.memory.change(|memory| {
            change(memory);
            memory.ask_anew();
        });
        self.show();
        self.ask(0);
    }

    /// Asks for the pages that rows `first..=last` need, if nobody has yet.
    pub fn need(self: &Rc<Self>, first: usize, last: usize) {
        while let Some(page) = self.memory.change(|memory| memory.next_page(first, last)) {
            self.ask(page);
        }
    }

    /// The way to ask that is tried now.
    fn attempt(&self) -> Option<Attempt> {
        self.memory.with(|memory| {
            attempts(&memory.filters, today())
                .into_iter()
                .nth(memory.attempt)
        })
    }

    /// What the search field was taken for.
    pub fn searched_by(&self) -> Option<Field> {
        self.attempt()?.searched_by
    }

    fn ask(self: &Rc<Self>, page: usize) {
        let source = self.memory.with(|memory| memory.source);
        let source = self.sources.get(source).or_else(|| self.sources.first());
        let Some(source) = source.cloned() else {
            return;
        };
        let Some(attempt) = self.attempt() else {
            self.came(page, Vec::new(), Some(0));
            return;
        };
        let (url, question) = self.memory.with(|memory| {
            let (offset, limit) = memory.span(page);
            let query = page_query(attempt, memory.order, offset, limit);
            let url = format!("{}/{}?{query}", source.root, path::studies());
            (url, memory.question)
        });
        let loader = Rc::clone(self);
        spawn_local(async move {
            let answer = fetch::get_text(&url, "application/dicom+json").await;
            if loader.memory.with(|memory| memory.question) == question {
                loader.answered(&source.id, page, answer);
            }
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
                    if page == 0 && rows.is_empty() && self.try_next_attempt() {
                        return;
                    }
                    self.came(page, rows, answer.total);
                    return;
                }
                Err(error) => Trouble::Refused(error.to_string()),
            },
            // 502 to 504: something before the server says that it is gone.
            Err(FetchError::Refused {
                status: 502..=504, ..
            }) => Trouble::Unreachable,
            Err(FetchError::Refused { status, message }) => Trouble::Refused(
                message
                    .unwrap_or_else(|| format!("the server refused the search (status {status})")),
            ),
            Err(_) => Trouble::Unreachable,
        };
        let is_gone = trouble == Trouble::Unreachable;
        self.memory
            .change(|memory| memory.page_failed(page, trouble));
        if is_gone {
            self.retry_later();
        }
        self.show();
    }

    fn came(&self, page: usize, rows: Vec<Study>, total: Option<u32>) {
        let (was_old, moved) = self.memory.change(|memory| {
            let was_old = memory.is_old;
            (was_old, memory.page_came(page, rows, total, self.orders))
        });
        self.show();
        if was_old {
            table::to_top();
        } else {
            table::shift(&self.memory, moved);
        }
    }

    /// The search found nothing by one attribute: asks by the next one.
    fn try_next_attempt(self: &Rc<Self>) -> bool {
        let goes_on = self.memory.change(|memory| {
            let count = attempts(&memory.filters, today()).len();
            let goes_on = memory.attempt + 1 < count;
            // After the last one the next look begins with the first again.
            memory.attempt = if goes_on { memory.attempt + 1 } else { 0 };
            goes_on
        });
        if goes_on {
            self.ask(0);
        }
        goes_on
    }

    /// Tries again by itself, each time after twice the pause.
    fn retry_later(self: &Rc<Self>) {
        let (failures, question) = self
            .memory
            .with(|memory| (memory.failures, memory.question));
        let (first, longest) = RETRY_PAUSES_MS;
        let doublings = failures.saturating_sub(1).min(10);
        let pause = (first * f64::from(1_u32 << doublings)).min(longest);
        self.retry_at_ms.set(clock::now_ms() + pause);
        let loader = Rc::downgrade(self);
        spawn_local(async move {
            clock::sleep(pause).await;
            let Some(loader) = loader.upgrade() else {
                return;
            };
            let is_due = loader.memory.with(|memory| {
                memory.trouble == Trouble::Unreachable
                    && memory.failures == failures
                    && memory.question == question
            });
            if is_due {
                loader.try_again();
            }
        });
    }

    /// Looks quietly for new studies.
    pub fn watch(self: &Rc<Self>) -> Repeat {
        let loader = Rc::downgrade(self);
        Repeat::new(QUIET_PAUSE_MS, move || {
            if let Some(loader) = loader.upgrade() {
                loader.refresh();
            }
            QUIET_PAUSE_MS
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
            let is_going_on = done < total;
            let was_going_on = flag.replace(is_going_on);
            indexing.set(is_going_on.then_some((done, total)));
            if was_going_on {
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
