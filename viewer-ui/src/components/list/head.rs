//! The table's head: columns that order the list, and below them the filters.

use super::dates;
use super::loader::Shared;
use super::memory::{Column, Filters, ListMemory, Order, When};
use super::{query, today};
use crate::components::icon::Icon;
use yew::prelude::*;

/// What the head shows.
#[derive(Properties, PartialEq)]
pub struct HeadProps {
    /// What is asked for.
    pub memory: ListMemory,
    /// Asks otherwise.
    pub loader: Shared,
    /// A column tells the sources apart.
    pub has_sources: bool,
    /// Changes with the memory.
    pub stamp: u64,
}

/// Modalities that the filter row offers; the chips of the bar offer the first ones.
const MODALITIES: [&str; 14] = [
    "CT", "MR", "PT", "US", "DX", "MG", "CR", "NM", "XA", "RF", "ES", "SM", "OT", "SR",
];

/// The head.
#[component]
pub fn Head(props: &HeadProps) -> Html {
    let (order, filters) = props
        .memory
        .with(|memory| (memory.order, memory.filters.clone()));
    html! {
        <thead>
            <tr class="names" aria-rowindex="1">
                {sortable(props, order, "c-name", "Patient", Column::Patient)}
                {sortable(props, order, "c-id", "ID", Column::Id)}
                {sortable(props, order, "c-born", "Born, age, sex", Column::Born)}
                {sortable(props, order, "c-date", "Study date", Column::Date)}
                {sortable(props, order, "c-mod", "Modality", Column::Modality)}
                {sortable(props, order, "c-desc", "Description", Column::Description)}
                {sortable(props, order, "c-acc", "Accession", Column::Accession)}
                <th scope="col" class="c-si num">{"Series / images"}</th>
                if props.has_sources { <th scope="col" class="c-src">{"Source"}</th> }
            </tr>
            {filter_row(props, &filters)}
        </thead>
    }
}

fn sortable(
    props: &HeadProps,
    order: Order,
    class: &'static str,
    label: &'static str,
    column: Column,
) -> Html {
    let loader = props.loader.clone();
    let is_chosen = order.column == column;
    let onclick = Callback::from(move |_: MouseEvent| {
        loader
            .0
            .reorder(|memory| memory.order = memory.order.clicked(column));
    });
    let (aria, icon) = if order.descending {
        ("descending", "down")
    } else {
        ("ascending", "up")
    };
    html! {
        <th scope="col" {class} aria-sort={is_chosen.then_some(aria)}>
            <button class={classes!("sort", is_chosen.then_some("on"))} {onclick}>
                {label}
                if is_chosen { <Icon name={icon} tiny=true /> }
            </button>
        </th>
    }
}

/// A text field of the filter row.
struct Field {
    class: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
    is_unread: bool,
    set: fn(&mut Filters, String),
}

fn filter_row(props: &HeadProps, filters: &Filters) -> Html {
    let text = |class, label, hint, value: &str, set| {
        filter_field(
            props,
            Field {
                class,
                label,
                hint,
                value: value.to_owned(),
                is_unread: false,
                set,
            },
        )
    };
    let unread = query::unread_dates(filters);
    let date = match filters.when {
        When::Any => filters.date.clone(),
        _ => query::study_days(filters, today()).map_or_else(String::new, |days| days.words()),
    };
    let date = Field {
        class: "c-date",
        label: "Filter by study date",
        hint: "Any date",
        is_unread: unread == Some("study date"),
        value: date,
        set: |filters, value| {
            filters.when = When::Any;
            filters.date = value;
        },
    };
    let born = Field {
        class: "c-born",
        label: "Filter by birth date or year",
        hint: "Date or year",
        value: filters.born.clone(),
        is_unread: unread.is_some()
            && !filters.born.is_empty()
            && dates::read(&filters.born).is_none(),
        set: |filters, value| filters.born = value,
    };
    html! {
        <tr class="filters" aria-rowindex="2">
            {text("c-name", "Filter by patient name or ID", "Name or ID", &filters.name,
                |filters, value| filters.name = value)}
            {text("c-id", "Filter by ID", "ID", &filters.id, |filters, value| filters.id = value)}
            {filter_field(props, born)}
            {filter_field(props, date)}
            <td class="c-mod">{modality_filter(props, &filters.modalities)}</td>
            {text("c-desc", "Filter by description or accession", "Description or accession",
                &filters.description, |filters, value| filters.description = value)}
            {text("c-acc", "Filter by accession", "Accession", &filters.accession,
                |filters, value| filters.accession = value)}
            <td class="c-si"></td>
            if props.has_sources { <td class="c-src"></td> }
        </tr>
    }
}

fn filter_field(props: &HeadProps, field: Field) -> Html {
    let loader = props.loader.clone();
    let set = field.set;
    let oninput = Callback::from(move |event: InputEvent| {
        if let Some(input) = event.target_dyn_into::<web_sys::HtmlInputElement>() {
            loader.0.type_in(|filters| set(filters, input.value()));
        }
    });
    let is_set = !field.value.trim().is_empty();
    html! {
        <td class={field.class}>
            <input class={classes!("field", is_set.then_some("set"))} aria-label={field.label}
                placeholder={field.hint} value={field.value} {oninput} autocomplete="off"
                spellcheck="false" aria-invalid={field.is_unread.then_some("true")}
                aria-describedby={field.is_unread.then_some("list-unread")}
                onkeydown={Callback::from(super::to_rows)} />
        </td>
    }
}

fn modality_filter(props: &HeadProps, chosen: &[String]) -> Html {
    let loader = props.loader.clone();
    let onchange = Callback::from(move |event: Event| {
        if let Some(select) = event.target_dyn_into::<web_sys::HtmlSelectElement>() {
            let value = select.value();
            loader.0.change(|filters| {
                filters.modalities = value.split_whitespace().map(str::to_owned).collect();
            });
        }
    });
    let together = chosen.join(" ");
    let is_single = chosen.len() == 1 && MODALITIES.contains(&together.as_str());
    html! {
        <select class={classes!("field", (!chosen.is_empty()).then_some("set"))}
            aria-label="Filter by modality" {onchange}>
            <option value="" selected={chosen.is_empty()}>{"Any"}</option>
            if !chosen.is_empty() && !is_single {
                <option value={together.clone()} selected=true>{together.clone()}</option>
            }
            {for MODALITIES.iter().map(|name| html! {
                <option value={*name} selected={is_single && *name == together}>{*name}</option>
            })}
        </select>
    }
}
