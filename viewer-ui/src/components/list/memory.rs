//! What the list knows: filters, order, loaded pages, selection. It outlives the list on screen, so that
//! coming back from the reader finds everything as it was. It lives in memory only: a name is patient
//! data and belongs neither into an address nor into storage.

pub use super::order::{Column, Order};
use protocol::order;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use viewer_core::model::Study;

/// Studies a page of the server.
pub const PAGE: usize = 100;

/// Date chips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// No matter when, or as written in the filter row.
    #[default]
    Any,
    /// Today.
    Today,
    /// Yesterday.
    Yesterday,
    /// The last so many days, today among them.
    Days(u32),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    /// The search field of the bar.
    pub search: String,
    /// Name or ID.
    pub name: String,
    /// Patient ID.
    pub id: String,
    /// Birth date, month or year, as written.
    pub born: String,
    /// Study date or range, as written; a chip takes its place.
    pub date: String,
    /// Description or accession number.
    pub description: String,
    /// Accession number.
    pub accession: String,
    /// Date chip.
    pub when: When,
    /// Modalities, any of them.
    pub modalities: Vec<String>,
}

impl Filters {
    /// True where nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True where a date is asked for.
    pub fn has_date(&self) -> bool {
        self.when != When::Any || !self.date.trim().is_empty()
    }

    /// No matter when.
    pub fn any_date(&mut self) {
        self.when = When::Any;
        self.date.clear();
    }
}

/// What the server last said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trouble {
    /// Nothing wrong.
    #[default]
    None,
    /// It cannot be reached.
    Unreachable,
    /// It refused, in its own words.
    Refused(String),
}

/// The list's memory itself.
#[derive(Debug)]
pub struct Memory {
    /// What is asked for.
    pub filters: Filters,
    /// Order.
    pub order: Order,
    /// Pages that are here.
    pages: BTreeMap<usize, Vec<Study>>,
    /// Pages that are here but may have changed on the server.
    stale: BTreeSet<usize>,
    /// Pages that are on their way.
    asked: BTreeSet<usize>,
    /// Studies a page; fewer than asked for where the server gives no more at once.
    page_size: usize,
    /// Places of the rows in our own order, where the server does not order.
    sorted: Option<Vec<(usize, usize)>>,
    /// All matches, where the server says how many.
    pub total: Option<usize>,
    /// True while rows of the question before are shown, until the new one is answered.
    pub is_old: bool,
    /// The selected study: source and UID.
    pub selected: Option<(String, String)>,
    /// Place of a row that was chosen before it is here.
    wish: Option<usize>,
    /// On narrow windows: the preview lies over the list.
    pub has_sheet: bool,
    /// Scroll position, CSS pixels.
    pub scroll: f64,
    /// Rows in sight: the first, and one past the last.
    pub in_sight: (usize, usize),
    /// Index of the source that is searched.
    pub source: usize,
    /// What went wrong last, and with which page.
    pub trouble: Trouble,
    failed: usize,
    /// Times in a row that the server could not be reached.
    pub failures: u32,
    /// Number of the current question: answers to older ones are dropped.
    pub question: u64,
    /// Which of the ways to ask is tried.
    pub attempt: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            filters: Filters::default(),
            order: Order::default(),
            pages: BTreeMap::new(),
            stale: BTreeSet::new(),
            asked: BTreeSet::new(),
            page_size: PAGE,
            sorted: None,
            total: None,
            is_old: false,
            selected: None,
            wish: None,
            has_sheet: false,
            scroll: 0.0,
            in_sight: (0, 1),
            source: 0,
            trouble: Trouble::None,
            failed: 0,
            failures: 0,
            question: 0,
            attempt: 0,
        }
    }
}

impl Memory {
    /// A new question. Rows that are here belong to the old one and stay until its answer comes.
    pub fn ask_anew(&mut self) {
        self.question += 1;
        self.attempt = 0;
        self.is_old = true;
        self.failed = 0;
        self.trouble = Trouble::None;
        self.asked = BTreeSet::from([0]);
    }

    /// Everything may have changed on the server: rows stay, and are asked for again when in sight.
    pub fn look_again(&mut self) {
        self.stale = self.pages.keys().copied().collect();
    }

    /// The list is on screen again: what was on its way is not awaited any more.
    pub fn come_back(&mut self) {
        self.asked.clear();
        self.has_sheet = false;
    }

    /// True before the first answer.
    pub fn is_waiting(&self) -> bool {
        self.pages.is_empty()
    }

    /// Rows of the list: all matches where their number is known, else those that are here, and one
    /// more page while there may be one.
    pub fn row_count(&self) -> usize {
        if let Some(total) = self.total {
            return total;
        }
        let last = self.pages.iter().next_back();
        last.map_or(0, |(page, rows)| {
            let here = page * self.page_size + rows.len();
            if rows.len() == self.page_size {
                here + self.page_size
            } else {
                here
            }
        })
    }

    /// A row, if it is here.
    pub fn row(&self, index: usize) -> Option<&Study> {
        let (page, place) = match &self.sorted {
            Some(sorted) => *sorted.get(index)?,
            None => (index / self.page_size, index % self.page_size),
        };
        self.pages.get(&page)?.get(place)
    }

    /// Offset and length of a page on the server.
    pub fn span(&self, page: usize) -> (usize, usize) {
        // The page size of the old question says nothing about the new one.
        let size = if self.is_old { PAGE } else { self.page_size };
        (page * size, size)
    }

    /// The page to ask for again after trouble, or at first; it counts as asked from now on.
    pub fn failed_page(&mut self) -> usize {
        let page = if self.is_old || self.pages.is_empty() {
            0
        } else {
            self.failed
        };
        self.asked.insert(page);
        page
    }

    /// A page that rows `first..=last` need and that nobody has asked for yet; it counts as asked from
    /// now on. None while the server is in trouble: another clock decides when to try again.
    pub fn next_page(&mut self, first: usize, last: usize) -> Option<usize> {
        let count = self.row_count();
        if self.trouble != Trouble::None || self.is_old || count == 0 {
            return None;
        }
        let is_wanted = |page: &usize| {
            (!self.pages.contains_key(page) || self.stale.contains(page))
                && !self.asked.contains(page)
        };
        let pages = match &self.sorted {
            // In our own order no page has a place: the next one that is missing comes to the end.
            Some(sorted) if last < sorted.len() => return None,
            Some(_) => 0..=(count - 1) / self.page_size,
            None => {
                let last = last.min(count - 1);
                first.min(last) / self.page_size..=last / self.page_size
            }
        };
        let wanted = pages.into_iter().find(is_wanted)?;
        self.asked.insert(wanted);
        Some(wanted)
    }

    /// A page came. `orders` is true for servers that are known to order. Returns by how many rows what
    /// was in sight has moved down.
    pub fn page_came(
        &mut self,
        page: usize,
        rows: Vec<Study>,
        total: Option<u32>,
        orders: bool,
    ) -> i64 {
        self.asked.remove(&page);
        self.stale.remove(&page);
        self.trouble = Trouble::None;
        (self.failed, self.failures) = (0, 0);
        if self.is_old {
            self.pages.clear();
            self.stale.clear();
            self.sorted = None;
            self.page_size = PAGE;
            self.wish = None;
            self.scroll = 0.0;
            self.in_sight = (0, 1);
            self.is_old = false;
        }
        let top = (self.scroll > 0.0)
            .then(|| self.row(self.in_sight.0))
            .flatten()
            .map(|study| (study.source.clone(), study.uid.clone()));
        self.total = total.and_then(|total| usize::try_from(total).ok());
        // Some servers pass over the limit: then everything is here, unless they count more.
        if page == 0 && rows.len() > self.page_size {
            self.page_size = rows.len();
            if self.total.is_none_or(|total| total < rows.len()) {
                self.total = Some(rows.len());
            }
        }
        let is_last = rows.len() < self.page_size;
        match self.total {
            Some(total) if page == 0 && is_last && !rows.is_empty() && total > rows.len() => {
                self.page_size = rows.len();
                self.pages.clear();
            }
            None if is_last => self.total = Some(page * self.page_size + rows.len()),
            _ => (),
        }
        self.pages.insert(page, rows);
        if let Some(total) = self.total {
            let pages = total.div_ceil(self.page_size).max(1);
            self.pages.retain(|page, _| *page < pages);
        }
        self.sort(page, orders);
        if let Some(place) = self.wish.filter(|place| self.row(*place).is_some()) {
            self.select(place);
        } else if self.selected_place().is_none() {
            // Something is always previewed: the first study, until another is chosen.
            self.select(0);
        }
        let moved = top.and_then(|(source, uid)| {
            let now = i64::try_from(self.place(&source, &uid)?).ok()?;
            Some(now - i64::try_from(self.in_sight.0).ok()?)
        });
        moved.unwrap_or(0)
    }

    /// Orders what is here, where a page shows that the server did not.
    fn sort(&mut self, page: usize, orders: bool) {
        let order = self.order;
        let is_out_of_order = || {
            self.pages.get(&page).is_some_and(|rows| {
                rows.windows(2)
                    .any(|pair| order.compare(&pair[0], &pair[1]).is_gt())
            })
        };
        if orders || (self.sorted.is_none() && !is_out_of_order()) {
            return;
        }
        let mut sorted: Vec<(usize, usize)> = self
            .pages
            .iter()
            .flat_map(|(page, rows)| (0..rows.len()).map(|place| (*page, place)))
            .collect();
        let study = |(page, place): &(usize, usize)| self.pages.get(page)?.get(*place);
        order::sort_by(&mut sorted, |a, b| match (study(a), study(b)) {
            (Some(a), Some(b)) => order.compare(a, b),
            _ => std::cmp::Ordering::Equal,
        });
        self.sorted = Some(sorted);
    }

    /// A page did not come; it may be asked for again.
    pub fn page_failed(&mut self, page: usize, trouble: Trouble) {
        self.asked.remove(&page);
        self.failed = page;
        if trouble == Trouble::Unreachable {
            self.failures += 1;
        }
        self.trouble = trouble;
    }

    /// Place of a study among the rows that are here.
    pub fn place(&self, source: &str, uid: &str) -> Option<usize> {
        let (page, place) = self.pages.iter().find_map(|(page, rows)| {
            let place = rows
                .iter()
                .position(|row| row.source == source && row.uid == uid)?;
            Some((*page, place))
        })?;
        match &self.sorted {
            Some(sorted) => sorted.iter().position(|known| *known == (page, place)),
            None => Some(page * self.page_size + place),
        }
    }

    /// Place of the selected study.
    pub fn selected_place(&self) -> Option<usize> {
        let (source, uid) = self.selected.as_ref()?;
        self.place(source, uid)
    }

    /// The selected study.
    pub fn selected_study(&self) -> Option<&Study> {
        self.row(self.selected_place()?)
    }

    /// Where the next key goes on from: the selected row, or the one that will be.
    pub fn goal(&self) -> Option<usize> {
        self.wish.or_else(|| self.selected_place())
    }

    /// Selects a row; one that is not here yet is selected when it comes.
    pub fn select(&mut self, place: usize) {
        match self.row(place) {
            Some(study) => {
                self.selected = Some((study.source.clone(), study.uid.clone()));
                self.wish = None;
            }
            None => self.wish = (place < self.row_count()).then_some(place),
        }
    }
}

/// A handle to the memory; clones share it.
#[derive(Clone, Default)]
pub struct ListMemory(Rc<RefCell<Memory>>);

impl PartialEq for ListMemory {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl ListMemory {
    /// Looks at it.
    pub fn with<T>(&self, look: impl FnOnce(&Memory) -> T) -> T {
        look(&self.0.borrow())
    }

    /// Changes it.
    pub fn change<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> T {
        change(&mut self.0.borrow_mut())
    }

    /// The study `delta` rows on from one: source and UID. `None` at the ends and for rows not loaded.
    pub fn neighbour(&self, source: &str, study: &str, delta: i64) -> Option<(String, String)> {
        self.with(|memory| {
            let place = i64::try_from(memory.place(source, study)?).ok()?;
            let next = memory.row(usize::try_from(place + delta).ok()?)?;
            Some((next.source.clone(), next.uid.clone()))
        })
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
