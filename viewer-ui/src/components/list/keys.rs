//! What keys do to the list.

use super::loader::Shared;
use super::memory::{Filters, ListMemory};
use super::table;
use crate::platform::page;
use yew::Callback;

/// What keys act on.
#[derive(Clone, PartialEq)]
pub struct Keys {
    /// What the list knows.
    pub memory: ListMemory,
    /// Asks otherwise.
    pub loader: Shared,
    /// Opens a study.
    pub on_open: Callback<(String, String)>,
    /// Opens it in a window of its own.
    pub on_window: Callback<(String, String)>,
}

/// Does what a key says; true where it was taken.
pub fn pressed(key: &page::KeyPress, keys: &Keys) -> bool {
    let memory = &keys.memory;
    match key.key.as_str() {
        "/" => return page::focus_on("#list-search"),
        "u" | "U" => return page::press("#list-upload"),
        "Escape" => return escape(keys),
        "Enter" => {
            let chosen = memory.with(|memory| {
                let study = memory.selected_study()?;
                Some((study.source.clone(), study.uid.clone()))
            });
            return match chosen {
                Some(chosen) if key.shift => {
                    keys.on_window.emit(chosen);
                    true
                }
                Some(chosen) => {
                    keys.on_open.emit(chosen);
                    true
                }
                None => false,
            };
        }
        _ => (),
    }
    let (count, place) = memory.with(|memory| (memory.row_count(), memory.goal()));
    match target(&key.key, count, place, table::page_rows(memory)) {
        Some(to) => {
            table::reveal(memory, to);
            memory.change(|memory| memory.select(to));
            keys.loader.0.show();
            true
        }
        None => false,
    }
}

/// One thing after another: the sheet goes, then the filters.
fn escape(keys: &Keys) -> bool {
    let (had_sheet, is_filtered) = keys.memory.change(|memory| {
        let had_sheet = std::mem::replace(&mut memory.has_sheet, false);
        (had_sheet, !memory.filters.is_empty())
    });
    if had_sheet && page::window_width() <= 820.0 {
        keys.loader.0.show();
    } else if is_filtered {
        keys.loader
            .0
            .change(|filters| *filters = Filters::default());
    }
    // Out of a text field, so that the next keys go to the rows.
    page::focus_on(table::GRID);
    had_sheet || is_filtered
}

/// The row that a key goes to from the selected one.
fn target(key: &str, count: usize, place: Option<usize>, page: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    match key {
        "ArrowDown" => Some(place.map_or(0, |place| (place + 1).min(last))),
        "ArrowUp" => Some(place.map_or(0, |place| place.saturating_sub(1))),
        "PageDown" => Some((place.unwrap_or(0) + page).min(last)),
        "PageUp" => Some(place.unwrap_or(0).saturating_sub(page)),
        "Home" => Some(0),
        "End" => Some(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn keys_stop_at_the_ends() {
        assert_eq!(target("ArrowDown", 3, None, 10), Some(0));
        assert_eq!(target("ArrowDown", 3, Some(2), 10), Some(2));
        assert_eq!(target("ArrowUp", 3, Some(0), 10), Some(0));
        assert_eq!(target("PageDown", 100, Some(5), 28), Some(33));
        assert_eq!(target("PageUp", 100, Some(5), 28), Some(0));
        assert_eq!(target("End", 100, Some(5), 28), Some(99));
        assert_eq!(target("Home", 0, None, 28), None);
        assert_eq!(target("x", 100, Some(5), 28), None);
    }
}
