//! The table: sticky head with filters, rows of the visible part alone, spacers for the rest.

use super::loader::Shared;
use super::memory::{Column, Filters, ListMemory, Order, visible_rows};
use super::states::thousands;
use crate::components::icon::Icon;
use crate::engine::text;
use crate::platform::{page, style};
use viewer_core::model::Study;
use yew::prelude::*;

/// What the table shows.
#[derive(Properties, PartialEq)]
pub struct TableProps {
    /// What the list knows.
    pub memory: ListMemory,
    /// Brings pages.
    pub loader: Shared,
    /// Selects a row.
    pub select: Callback<usize>,
    /// Opens a study.
    pub on_open: Callback<(String, String)>,
    /// A column tells the sources apart.
    pub has_sources: bool,
    /// Changes with the memory.
    pub stamp: u64,
}

/// The element that scrolls.
const SCROLLER: &str = "list-rows";
/// Height of head and filter row, CSS pixels.
const HEAD_PX: f64 = 64.0;

/// Height of a row, CSS pixels, as the style sheet has it.
fn row_height() -> f64 {
    match page::window_width() {
        width if width <= 820.0 => 61.0,
        width if width <= 1560.0 => 44.0,
        _ => 32.0,
    }
}

/// Scrolls a row into sight.
pub fn reveal(memory: &ListMemory, place: usize) {
    let height = row_height();
    let top = place as f64 * height;
    let shown = page::scroll_box(SCROLLER);
    let Some((scroll, view)) = shown else { return };
    let view = view - HEAD_PX;
    let wanted = if top < scroll {
        top
    } else if top + height > scroll + view {
        top + height - view
    } else {
        return;
    };
    memory.change(|memory| memory.scroll = wanted);
    page::scroll_to(SCROLLER, wanted);
}

/// The table.
#[component]
pub fn StudyTable(props: &TableProps) -> Html {
    let scrolled = use_force_update();
    let (above, below) = (use_node_ref(), use_node_ref());
    let (count, scroll, order, filters, selected) = props.memory.with(|memory| {
        (
            memory.row_count(),
            memory.scroll,
            memory.order,
            memory.filters.clone(),
            memory.selected_place(),
        )
    });
    let height = row_height();
    let view = page::scroll_box(SCROLLER).map_or(1000.0, |(_, view)| view);
    let (first, end) = visible_rows(scroll, view, height, count);
    {
        let loader = props.loader.clone();
        use_effect(move || {
            if end > first {
                loader.0.need(first, end - 1);
            }
            || ()
        });
    }
    {
        let (above, below) = (above.clone(), below.clone());
        use_effect_with((first, end, count), move |(first, end, count)| {
            let set = |node: &NodeRef, rows: usize| {
                if let Some(cell) = node.cast::<web_sys::Element>() {
                    style::set(&cell, "height", &format!("{}px", rows as f64 * height));
                }
            };
            set(&above, *first);
            set(&below, count - end);
        });
    }
    {
        // Coming back from the reader: where it was.
        let memory = props.memory.clone();
        use_effect_with((), move |()| {
            page::scroll_to(SCROLLER, memory.with(|memory| memory.scroll));
        });
    }
    let onscroll = {
        let memory = props.memory.clone();
        Callback::from(move |_: Event| {
            if let Some((scroll, _)) = page::scroll_box(SCROLLER) {
                memory.change(|memory| memory.scroll = scroll);
                scrolled.force_update();
            }
        })
    };
    let rows = (first..end).map(|place| {
        let study = props.memory.with(|memory| memory.row(place).cloned());
        row(props, place, study, selected == Some(place), count)
    });
    html! {
        <div class="tbl" id={SCROLLER} {onscroll}>
            <table aria-label="Studies" aria-rowcount={(count + 1).to_string()}>
                <thead>
                    {head(props, order)}
                    {filter_row(props, &filters)}
                </thead>
                <tbody>
                    <tr class="space" aria-hidden="true"><td ref={above}></td></tr>
                    {for rows}
                    <tr class="space" aria-hidden="true"><td ref={below}></td></tr>
                </tbody>
            </table>
        </div>
    }
}

fn head(props: &TableProps, order: Order) -> Html {
    let sortable = |class: &'static str, label: &'static str, column: Column| {
        let loader = props.loader.clone();
        let is_chosen = order.column == column;
        let onclick = Callback::from(move |_: MouseEvent| {
            loader.0.reorder(|memory| {
                // Dates begin with the newest, text with A.
                let descending = if is_chosen {
                    !order.descending
                } else {
                    column == Column::Date
                };
                memory.order = Order { column, descending };
            });
        });
        let aria = is_chosen.then_some(if order.descending {
            "descending"
        } else {
            "ascending"
        });
        let icon = if order.descending { "down" } else { "up" };
        html! {
            <th scope="col" {class} aria-sort={aria}>
                <button class={classes!("sort", is_chosen.then_some("on"))} {onclick}>
                    {label}
                    if is_chosen { <Icon name={icon} tiny=true /> }
                </button>
            </th>
        }
    };
    html! {
        <tr class="names">
            {sortable("c-name", "Patient", Column::Patient)}
            {sortable("c-id", "ID", Column::Id)}
            <th scope="col" class="c-born">{"Born, age, sex"}</th>
            {sortable("c-date", "Study date", Column::Date)}
            <th scope="col" class="c-mod">{"Modality"}</th>
            {sortable("c-desc", "Description", Column::Description)}
            {sortable("c-acc", "Accession", Column::Accession)}
            <th scope="col" class="c-si num" title="Series / images">{"Series / images"}</th>
            if props.has_sources { <th scope="col" class="c-src">{"Source"}</th> }
        </tr>
    }
}

fn filter_row(props: &TableProps, filters: &Filters) -> Html {
    let field = |class: &'static str,
                 label: &'static str,
                 value: &str,
                 set: fn(&mut Filters, String)| {
        let loader = props.loader.clone();
        let oninput = Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<web_sys::HtmlInputElement>() {
                loader.0.type_in(|filters| set(filters, input.value()));
            }
        });
        html! {
            <td {class}>
                <input class="field" aria-label={format!("Filter by {label}")} placeholder={label}
                    value={value.to_owned()} {oninput} />
            </td>
        }
    };
    html! {
        <tr class="filters">
            {field("c-name", "Name", &filters.name, |filters, value| filters.name = value)}
            {field("c-id", "ID", &filters.id, |filters, value| filters.id = value)}
            <td class="c-born"></td>
            <td class="c-date"></td>
            <td class="c-mod"></td>
            {field("c-desc", "Description", &filters.description,
                |filters, value| filters.description = value)}
            {field("c-acc", "Accession", &filters.accession,
                |filters, value| filters.accession = value)}
            <td class="c-si"></td>
            if props.has_sources { <td class="c-src"></td> }
        </tr>
    }
}

fn row(
    props: &TableProps,
    place: usize,
    study: Option<Study>,
    is_selected: bool,
    count: usize,
) -> Html {
    let Some(study) = study else {
        return html! {
            <tr key={place} class="waiting"><td class="t3">{"\u{2026}"}</td></tr>
        };
    };
    let onclick = props.select.reform(move |_: MouseEvent| place);
    let ondblclick = {
        let id = (study.source.clone(), study.uid.clone());
        props.on_open.reform(move |_: MouseEvent| id.clone())
    };
    let patient = &study.patient;
    let name = match patient.name.display() {
        name if name.is_empty() => "No name".to_owned(),
        name => name,
    };
    let age = text::age(&patient.birth_date, &study.date);
    let age_sex: Vec<String> = age
        .into_iter()
        .chain((!patient.sex.is_empty()).then(|| patient.sex.clone()))
        .collect();
    let number = |count: Option<u32>| count.map_or("\u{2013}".into(), |n| thousands(u64::from(n)));
    html! {
        <tr key={place} class={is_selected.then_some("sel")} aria-selected={is_selected.to_string()}
            aria-rowindex={(place + 2).to_string()} aria-setsize={count.to_string()}
            {onclick} {ondblclick}>
            <td class="c-name"><b>{name}</b><span class="sub">{&patient.id}</span></td>
            <td class="c-id" title={patient.id.clone()}>{&patient.id}</td>
            <td class="c-born">{text::date(&patient.birth_date)}
                <span class="t2 ag">{age_sex.join(" ")}</span></td>
            <td class="c-date">{text::date(&study.date)}
                <span class="t2 tm">{text::time(&study.time)}</span></td>
            <td class="c-mod">
                {for study.modalities.iter().map(|name| html! { <span class="mod">{name}</span> })}
            </td>
            <td class="c-desc"><span title={study.description.clone()}>{&study.description}</span>
                <span class="sub">{&study.accession}</span></td>
            <td class="c-acc" title={study.accession.clone()}>{&study.accession}</td>
            <td class="c-si num"><span class="t2">{number(study.series_count)}</span>
                {" / "}{number(study.instance_count)}</td>
            if props.has_sources { <td class="c-src">{&study.source}</td> }
        </tr>
    }
}
