//! What the list knows: filters, order, loaded pages, selection. It outlives the list on screen, so that
//! coming back from the reader finds everything as it was. It lives in memory only: a name is patient
//! data and belongs neither into an address nor into storage.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use viewer_core::model::Study;

/// Studies a page of the server.
pub const PAGE: usize = 100;

/// Columns that the list can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Patient's name.
    Patient,
    /// Patient ID.
    Id,
    /// Study date and time.
    Date,
    /// Study description.
    Description,
    /// Accession number.
    Accession,
}

/// Order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub column: Column,
    /// Largest first.
    pub descending: bool,
}

impl Default for Order {
    /// Newest first.
    fn default() -> Self {
        Self {
            column: Column::Date,
            descending: true,
        }
    }
}

/// Date chips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// No matter when.
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
    /// Study description.
    pub description: String,
    /// Accession number.
    pub accession: String,
    /// Date chip.
    pub when: When,
    /// Modality chips that are on.
    pub modalities: Vec<String>,
}

impl Filters {
    /// True where nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
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
#[derive(Debug, Default)]
pub struct Memory {
    /// What is asked for.
    pub filters: Filters,
    /// Order.
    pub order: Order,
    /// Pages that are here.
    pages: BTreeMap<usize, Vec<Study>>,
    /// Pages that are on their way.
    asked: Vec<usize>,
    /// All matches, where the server says how many.
    pub total: Option<usize>,
    /// The selected study: source and UID.
    pub selected: Option<(String, String)>,
    /// Scroll position, CSS pixels.
    pub scroll: f64,
    /// Index of the source that is searched.
    pub source: usize,
    /// What went wrong last.
    pub trouble: Trouble,
    /// Number of the current question: answers to older ones are dropped.
    pub question: u64,
    /// Attribute that the search field asks by, of those that fit its text.
    pub attempt: usize,
}

impl Memory {
    /// A new question: what is here belongs to the old one. `keep_rows` leaves the rows on screen until
    /// the answer comes, for a quiet refresh.
    pub fn ask_anew(&mut self, keep_rows: bool) {
        self.question += 1;
        self.asked.clear();
        self.attempt = 0;
        if !keep_rows {
            self.pages.clear();
            self.total = None;
            self.scroll = 0.0;
        }
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
            let here = page * PAGE + rows.len();
            if rows.len() == PAGE {
                here + PAGE
            } else {
                here
            }
        })
    }

    /// A row, if it is here.
    pub fn row(&self, index: usize) -> Option<&Study> {
        self.pages.get(&(index / PAGE))?.get(index % PAGE)
    }

    /// The page that visible rows need and that nobody has asked for yet; it counts as asked from now on.
    pub fn next_page(&mut self, first: usize, last: usize) -> Option<usize> {
        let last = last.min(self.row_count().saturating_sub(1));
        let wanted = (first / PAGE..=last / PAGE)
            .find(|page| !self.pages.contains_key(page) && !self.asked.contains(page))?;
        self.asked.push(wanted);
        Some(wanted)
    }

    /// A page came.
    pub fn page_came(&mut self, page: usize, rows: Vec<Study>, total: Option<u32>) {
        self.asked.retain(|asked| *asked != page);
        if page == 0 {
            // The answer to a quiet refresh replaces everything.
            self.pages.clear();
        }
        self.total = total.and_then(|total| usize::try_from(total).ok());
        if self.total.is_none() && rows.is_empty() {
            self.total = Some(page * PAGE);
        }
        self.pages.insert(page, rows);
        self.trouble = Trouble::None;
        if self.selected_place().is_none() && page == 0 {
            // Something is always previewed: the first study, until another is chosen.
            self.select(0);
        }
    }

    /// A page did not come; it may be asked for again.
    pub fn page_failed(&mut self, page: usize, trouble: Trouble) {
        self.asked.retain(|asked| *asked != page);
        self.trouble = trouble;
    }

    /// Place of a study among the rows that are here.
    pub fn place(&self, source: &str, uid: &str) -> Option<usize> {
        self.pages.iter().find_map(|(page, rows)| {
            let place = rows
                .iter()
                .position(|row| row.source == source && row.uid == uid)?;
            Some(page * PAGE + place)
        })
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

    /// Selects a row.
    pub fn select(&mut self, place: usize) {
        if let Some(study) = self.row(place) {
            self.selected = Some((study.source.clone(), study.uid.clone()));
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

/// Rows that are in the page for a scroll position: first, and one past the last.
pub fn visible_rows(scroll: f64, height: f64, row_height: f64, count: usize) -> (usize, usize) {
    /// Rows above and below the visible ones, so that a fast scroll shows no gap.
    const MARGIN: usize = 12;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the number of rows"
    )]
    let at = |pixels: f64| (pixels / row_height).clamp(0.0, count as f64) as usize;
    let first = at(scroll).saturating_sub(MARGIN);
    let last = (at(scroll + height) + 1 + MARGIN).min(count);
    (first, last.max(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study(uid: usize) -> Study {
        Study {
            source: "local".into(),
            uid: uid.to_string(),
            ..Study::default()
        }
    }

    fn filled(total: usize) -> ListMemory {
        let memory = ListMemory::default();
        memory.change(|m| {
            let first = (0..total.min(PAGE)).map(study).collect();
            m.page_came(0, first, u32::try_from(total).ok());
        });
        memory
    }

    #[test]
    fn neighbours_stop_at_the_ends() {
        let memory = filled(2);
        assert_eq!(
            memory.neighbour("local", "0", 1),
            Some(("local".into(), "1".into()))
        );
        assert_eq!(memory.neighbour("local", "0", -1), None);
        assert_eq!(memory.neighbour("local", "1", 1), None);
        assert_eq!(memory.neighbour("north", "0", 1), None);
    }

    #[test]
    fn a_page_is_asked_for_once() {
        let memory = filled(250);
        memory.change(|m| {
            assert_eq!(m.next_page(90, 110), Some(1));
            assert_eq!(m.next_page(90, 110), None);
            m.page_failed(1, Trouble::Unreachable);
            assert_eq!(m.next_page(90, 110), Some(1));
        });
    }

    #[test]
    fn without_a_total_a_full_page_promises_another() {
        let memory = ListMemory::default();
        memory.change(|m| {
            m.page_came(0, (0..PAGE).map(study).collect(), None);
            assert_eq!(m.row_count(), 2 * PAGE);
            m.page_came(1, Vec::new(), None);
            assert_eq!(m.row_count(), PAGE);
        });
    }

    #[test]
    fn only_rows_near_the_screen_are_in_the_page() {
        assert_eq!(visible_rows(0.0, 640.0, 32.0, 10_000), (0, 33));
        assert_eq!(visible_rows(32_000.0, 640.0, 32.0, 10_000), (988, 1033));
        assert_eq!(visible_rows(0.0, 640.0, 32.0, 5), (0, 5));
    }
}
