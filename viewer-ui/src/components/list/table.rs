//! The table: sticky head, rows of the visible part alone, spacers for the rest.

use super::ListSource;
use super::head::Head;
use super::loader::Shared;
use super::memory::ListMemory;
use super::rows::Rows;
use super::states::thousands;
use crate::engine::text;
use crate::platform::{layout, page};
use protocol::order;
use std::rc::Rc;
use viewer_core::model::Study;
use yew::prelude::*;

/// What the table shows.
#[derive(Properties, PartialEq)]
pub struct TableProps {
    /// What the list knows.
    pub memory: ListMemory,
    /// Brings pages.
    pub loader: Shared,
    /// Sources; a column tells them apart where there are several.
    pub sources: Rc<Vec<ListSource>>,
    /// Selects a row.
    pub select: Callback<usize>,
    /// Opens a study.
    pub on_open: Callback<(String, String)>,
    /// Changes with the memory.
    pub stamp: u64,
}

/// The element that scrolls.
const SCROLLER: &str = "list-rows";
/// The grid within it, which takes the focus for its rows.
pub const GRID: &str = "#list-grid";

/// How the rows lie now, and how much of them is in sight: scroll position and height of the view.
fn measured(memory: &ListMemory) -> (Rows, f64) {
    let count = memory.with(super::memory::Memory::row_count);
    let view = page::scroll_box(SCROLLER).map_or(1000.0, |(_, view)| view);
    (Rows::of_width(page::window_width(), count), view)
}

/// Notes which rows are in sight; true where that has changed.
fn look(memory: &ListMemory) -> bool {
    let (rows, view) = measured(memory);
    memory.change(|memory| {
        let in_sight = rows.in_sight(memory.scroll, view);
        std::mem::replace(&mut memory.in_sight, in_sight) != in_sight
    })
}

/// Rows that a key turns over: those in sight but one.
pub fn page_rows(memory: &ListMemory) -> usize {
    memory.with(|memory| {
        let (first, end) = memory.in_sight;
        (end - first).saturating_sub(1).max(1)
    })
}

/// Scrolls a row into sight.
pub fn reveal(memory: &ListMemory, place: usize) {
    let (rows, view) = measured(memory);
    let scroll = memory.with(|memory| memory.scroll);
    if let Some(wanted) = rows.reveal(place, scroll, view) {
        memory.change(|memory| memory.scroll = wanted);
        page::scroll_to(SCROLLER, wanted);
        look(memory);
    }
}

/// Scrolls by what is in sight.
pub fn turn(memory: &ListMemory, forwards: bool) {
    let (rows, view) = measured(memory);
    let rows_on = page_rows(memory) as f64 * rows.height;
    let most = (rows.count as f64 * rows.height + rows.head - view).max(0.0);
    let wanted = memory.change(|memory| {
        let by = if forwards { rows_on } else { -rows_on };
        memory.scroll = (memory.scroll + by).clamp(0.0, most);
        memory.scroll
    });
    page::scroll_to(SCROLLER, wanted);
    look(memory);
}

/// Shows the list's beginning.
pub fn to_top() {
    page::scroll_to(SCROLLER, 0.0);
}

/// Scrolls by rows, so that what is in sight stays although studies came above it.
pub fn shift(memory: &ListMemory, by: i64) {
    if by != 0 {
        let (rows, _) = measured(memory);
        let wanted = memory.change(|memory| {
            memory.scroll = (memory.scroll + by as f64 * rows.height).max(0.0);
            memory.scroll
        });
        page::scroll_to(SCROLLER, wanted);
    }
}

/// The table.
#[component]
pub fn StudyTable(props: &TableProps) -> Html {
    let scroller = use_node_ref();
    let (scroll, selected, is_old) = props.memory.with(|memory| {
        (
            memory.scroll,
            memory.selected_place(),
            memory.is_old && !memory.is_waiting(),
        )
    });
    let (rows, view) = measured(&props.memory);
    let (first, end) = rows.in_page(scroll, view);
    {
        let (memory, loader) = (props.memory.clone(), props.loader.clone());
        use_effect(move || {
            if look(&memory) {
                loader.0.show();
            }
            if end > first {
                loader.0.need(first, end - 1);
            }
        });
    }
    {
        // Coming back from the reader: where it was. Then the window's size decides what is in sight.
        let (scroller, memory) = (scroller.clone(), props.memory.clone());
        let loader = props.loader.clone();
        use_effect_with(loader, move |loader| {
            page::scroll_to(SCROLLER, memory.with(|memory| memory.scroll));
            let loader = loader.clone();
            let guard = scroller.cast::<web_sys::Element>().and_then(|element| {
                layout::on_resize(&element, move || {
                    look(&memory);
                    loader.0.show();
                })
            });
            move || drop(guard)
        });
    }
    let onscroll = {
        let (memory, loader) = (props.memory.clone(), props.loader.clone());
        Callback::from(move |_: Event| {
            if let Some((scroll, _)) = page::scroll_box(SCROLLER) {
                memory.change(|memory| memory.scroll = scroll);
                if look(&memory) {
                    loader.0.show();
                }
            }
        })
    };
    let has_sources = props.sources.len() > 1;
    let shown = (first..end).map(|place| {
        let study = props.memory.with(|memory| memory.row(place).cloned());
        row(props, place, study, selected == Some(place))
    });
    let active = selected
        .filter(|place| (first..end).contains(place))
        .map(|place| format!("row-{place}"));
    html! {
        <div class="tbl" id={SCROLLER} ref={scroller} {onscroll}>
            <table id="list-grid" class={is_old.then_some("old")} role="grid" aria-label="Studies"
                tabindex="0" aria-rowcount={(rows.count + 2).to_string()} aria-readonly="true"
                aria-busy={is_old.to_string()} aria-activedescendant={active}>
                <Head memory={props.memory.clone()} loader={props.loader.clone()} {has_sources}
                    stamp={props.stamp} />
                {space(rows, first)}
                <tbody>{for shown}</tbody>
                {space(rows, rows.count - end)}
            </table>
        </div>
    }
}

/// Takes the place of rows that are not in the page. Its height is an attribute, so that it changes
/// together with the rows: set afterwards, a look at the layout in between would cut the scroll position.
fn space(rows: Rows, count: usize) -> Html {
    html! {
        <tbody aria-hidden="true">
            <tr class="space">
                <td><svg width="1" height={(count as f64 * rows.height).to_string()}></svg></td>
            </tr>
        </tbody>
    }
}

fn row(props: &TableProps, place: usize, study: Option<Study>, is_selected: bool) -> Html {
    let index = (place + 3).to_string();
    let Some(study) = study else {
        // A cell in each column, so that the line below runs through.
        let rest = [
            "c-id", "c-born", "c-date", "c-mod", "c-desc", "c-acc", "c-si", "c-src",
        ];
        let rest = &rest[..if props.sources.len() > 1 { 8 } else { 7 }];
        return html! {
            <tr key={place} class="waiting" aria-rowindex={index}>
                <td class="c-name t3">{"\u{2026}"}</td>
                {for rest.iter().map(|class| html! { <td class={*class}></td> })}
            </tr>
        };
    };
    let onclick = props.select.reform(move |_: MouseEvent| place);
    let ondblclick = {
        let id = (study.source.clone(), study.uid.clone());
        props.on_open.reform(move |_: MouseEvent| id.clone())
    };
    let patient = &study.patient;
    let name = name_of(&study);
    let age = text::age(&patient.birth_date, &study.date);
    let age_sex: Vec<String> = age
        .into_iter()
        .chain((!patient.sex.is_empty()).then(|| patient.sex.clone()))
        .collect();
    let number = |count: Option<u32>| count.map_or("\u{2013}".into(), |n| thousands(u64::from(n)));
    let (modalities, rest) = modalities(&study.modalities);
    html! {
        <tr key={place} id={format!("row-{place}")} class={is_selected.then_some("sel")}
            aria-selected={is_selected.to_string()} aria-rowindex={index} {onclick} {ondblclick}>
            <td class="c-name" title={name.clone()}><b>{name}</b><span class="sub">{&patient.id}</span></td>
            <td class="c-id" title={patient.id.clone()}>{&patient.id}</td>
            <td class="c-born">{text::date(&patient.birth_date)}
                <span class={classes!("t2", (!patient.birth_date.is_empty()).then_some("ag"))}>{age_sex.join(" ")}</span></td>
            <td class="c-date">{text::date(&study.date)}
                <span class="t2 tm">{text::time(&study.time)}</span></td>
            <td class="c-mod" title={study.modalities.join(", ")}>
                {for modalities.iter().map(|name| html! { <span class="mod">{*name}</span> })}
                if rest > 0 { <span class="t3 more">{format!("+{rest}")}</span> }
            </td>
            <td class="c-desc"><span title={study.description.clone()}>{&study.description}</span>
                <span class="sub">{&study.accession}</span></td>
            <td class="c-acc" title={study.accession.clone()}>{&study.accession}</td>
            <td class="c-si num"><span class="t2">{number(study.series_count)}</span>
                {" / "}{number(study.instance_count)}</td>
            if props.sources.len() > 1 {
                <td class="c-src">{super::label_of(&props.sources, &study.source)}</td>
            }
        </tr>
    }
}

/// The patient's name, or that there is none.
pub fn name_of(study: &Study) -> String {
    match study.patient.name.display() {
        name if name.is_empty() => "No name".to_owned(),
        name => name,
    }
}

/// The two modalities that say most about a study, pictures before documents, and how many more there are.
fn modalities(all: &[String]) -> (Vec<&str>, usize) {
    const DOCUMENTS: [&str; 9] = [
        "SR", "PR", "KO", "DOC", "SEG", "REG", "ANN", "RTSTRUCT", "RTPLAN",
    ];
    let mut sorted: Vec<&str> = all.iter().map(String::as_str).collect();
    order::sort_by_key(&mut sorted, |name| DOCUMENTS.contains(name));
    // Two short ones have room, with a count only where both have two letters.
    let longest = if sorted.len() > 2 { 2 } else { 3 };
    let is_short = sorted.iter().take(2).all(|name| name.len() <= longest);
    let room = if is_short { 2 } else { 1 };
    let rest = sorted.len().saturating_sub(room);
    sorted.truncate(room);
    (sorted, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_before_documents_and_the_rest_is_counted() {
        let of = |names: &[&str]| -> (Vec<String>, usize) {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let (shown, rest) = modalities(&names);
            (shown.into_iter().map(str::to_owned).collect(), rest)
        };
        assert_eq!(of(&["SR", "CT"]), (vec!["CT".into(), "SR".into()], 0));
        assert_eq!(of(&["RTPLAN", "RTSTRUCT", "CT"]), (vec!["CT".into()], 2));
        assert_eq!(
            of(&["KO", "PT", "SR", "CT"]),
            (vec!["PT".into(), "CT".into()], 2)
        );
        assert_eq!(of(&["ANN", "SM", "SEG"]), (vec!["SM".into()], 2));
        assert_eq!(of(&["SM", "SEG"]), (vec!["SM".into(), "SEG".into()], 0));
        assert_eq!(of(&[]), (Vec::new(), 0));
    }
}
