//! Where the focus goes among the viewports and what stands in them.
//!
//! Tab goes through all viewports first, then through state marks and buttons in them, and then on.

use crate::platform::page;
use wasm_bindgen::JsCast;

/// The element behind the grid from which the browser looks for the next stop itself.
pub const LAST_STOP: &str = "images-end";

fn document() -> Option<web_sys::Document> {
    web_sys::window()?.document()
}

fn all(selector: &str) -> Vec<web_sys::HtmlElement> {
    let Some(list) = document().and_then(|it| it.query_selector_all(selector).ok()) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|index| list.get(index)?.dyn_into().ok())
        .collect()
}

/// The next or the previous stop from the one in focus; true where this took the focus on, false where
/// the browser shall go on from here.
pub fn step(is_backwards: bool) -> bool {
    let mut stops = all(".grid > .vp:not(.hidden)");
    stops.extend(all(".grid > .vp:not(.hidden) button"));
    let active = document().and_then(|document| document.active_element());
    let here = stops.iter().position(|stop| {
        active
            .as_ref()
            .is_some_and(|active| active.is_same_node(Some(stop)))
    });
    let Some(here) = here else { return false };
    if is_backwards && here == 0 {
        return false;
    }
    let next = if is_backwards { here - 1 } else { here + 1 };
    match stops.get(next) {
        Some(stop) => stop.focus().is_ok(),
        None => {
            page::focus_on(&format!("#{LAST_STOP}"));
            false
        }
    }
}

/// The place of the viewport that has the focus, or something in it.
pub fn viewport() -> Option<usize> {
    let active = document()?.active_element()?;
    let viewport = active.closest(".vp").ok()??;
    viewport.id().strip_prefix("viewport-")?.parse().ok()
}

/// Gives the focus to a viewport, unless something in it or in a popover has it, or a text field.
pub fn take(viewport: &web_sys::HtmlElement) {
    let active = document().and_then(|document| document.active_element());
    let is_inside = active.is_some_and(|active| viewport.contains(Some(&active)));
    if !is_inside {
        page::focus_quietly(viewport);
    }
}

/// Buttons in a popover that can be reached.
fn buttons(popover: &web_sys::Element) -> Vec<web_sys::HtmlElement> {
    let Ok(list) = popover.query_selector_all("button:not([disabled])") else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|index| list.get(index)?.dyn_into().ok())
        .collect()
}

/// Makes one button of a popover its stop and gives it the focus; true where there is one.
fn stand_on(popover: &web_sys::Element, button: Option<&web_sys::HtmlElement>) -> bool {
    let took = button.is_some_and(|button| button.focus().is_ok());
    page::rove(popover, 0);
    took
}

/// Gives the focus to what is chosen in a popover, where something is.
pub fn take_chosen(popover: &web_sys::Element) {
    let chosen = popover.query_selector("[aria-checked=true]").ok().flatten();
    if let Some(chosen) = chosen.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
        stand_on(popover, Some(&chosen));
    }
}

/// Gives the focus to a popover's first or last button.
pub fn take_end(popover: &web_sys::Element, is_last: bool) -> bool {
    let buttons = buttons(popover);
    stand_on(
        popover,
        if is_last {
            buttons.last()
        } else {
            buttons.first()
        },
    )
}

/// Gives the focus to the next button whose name begins with a letter; true where there is one.
pub fn take_by_letter(popover: &web_sys::Element, key: &str) -> bool {
    let mut signs = key.chars();
    let (Some(letter), None) = (signs.next(), signs.next()) else {
        return false;
    };
    if !letter.is_alphabetic() {
        return false;
    }
    let buttons = buttons(popover);
    let active = document().and_then(|document| document.active_element());
    let after = buttons
        .iter()
        .position(|it| {
            active
                .as_ref()
                .is_some_and(|active| active.is_same_node(Some(it)))
        })
        .map_or(0, |place| place + 1);
    let begins = |button: &&web_sys::HtmlElement| {
        let name = button.query_selector(".name").ok().flatten();
        let text = name
            .and_then(|name| name.text_content())
            .unwrap_or_default();
        text.to_lowercase()
            .starts_with(&letter.to_lowercase().to_string())
    };
    let found = buttons[after..]
        .iter()
        .chain(&buttons[..after])
        .find(begins);
    found.is_some() && stand_on(popover, found)
}
