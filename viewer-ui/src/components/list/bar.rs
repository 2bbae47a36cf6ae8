//! The list's bar: search, date chips, modality chips, source.

use super::ListSource;
use super::loader::Shared;
use super::memory::{ListMemory, When};
use crate::components::icon::Icon;
use crate::components::user_menu::UserMenu;
use crate::platform::page;
use crate::store::Account;
use std::rc::Rc;
use yew::prelude::*;

/// What the bar shows.
#[derive(Properties, PartialEq)]
pub struct ListBarProps {
    /// What is asked for.
    pub memory: ListMemory,
    /// Asks otherwise.
    pub loader: Shared,
    /// Sources that can be chosen.
    pub sources: Rc<Vec<ListSource>>,
    /// Whoever is logged in.
    pub account: Account,
    /// Called when whoever sits there leaves.
    pub leave: Callback<()>,
    /// Changes with the memory.
    pub stamp: u64,
}

const DATES: [(&str, When); 5] = [
    ("Today", When::Today),
    ("Yesterday", When::Yesterday),
    ("7 days", When::Days(7)),
    ("30 days", When::Days(30)),
    ("Any date", When::Any),
];

const MODALITIES: [&str; 6] = ["CT", "MR", "PT", "US", "DX", "MG"];

/// The bar.
#[component]
pub fn ListBar(props: &ListBarProps) -> Html {
    let (dates, modalities) = (use_node_ref(), use_node_ref());
    let (search, when, chosen, source) = props.memory.with(|memory| {
        let filters = &memory.filters;
        // A date that is written in the filter row is none of the chips.
        let when = filters.date.is_empty().then_some(filters.when);
        (
            filters.search.clone(),
            when,
            filters.modalities.clone(),
            memory.source,
        )
    });
    {
        let groups = [dates.clone(), modalities.clone()];
        use_effect_with((), move |()| groups.iter().for_each(|group| rove(group, 0)));
    }
    let oninput = {
        let loader = props.loader.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<web_sys::HtmlInputElement>() {
                loader.0.type_in(|filters| filters.search = input.value());
            }
        })
    };
    let date = |(label, value): (&'static str, When)| {
        let loader = props.loader.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            loader.0.change(|filters| {
                filters.any_date();
                filters.when = value;
            });
        });
        html! {
            <button class="chip" aria-pressed={(when == Some(value)).to_string()} {onclick}>{label}</button>
        }
    };
    let modality = |name: &'static str| {
        let loader = props.loader.clone();
        let is_on = chosen.iter().any(|other| other == name);
        let onclick = Callback::from(move |_: MouseEvent| {
            loader.0.change(|filters| {
                if is_on {
                    filters.modalities.retain(|other| other != name);
                } else {
                    filters.modalities.push(name.to_owned());
                }
            });
        });
        html! { <button class="chip" aria-pressed={is_on.to_string()} {onclick}>{name}</button> }
    };
    let taking = props.sources.get(source).filter(|source| source.store);
    let on_stored = {
        let loader = props.loader.clone();
        Callback::from(move |_: Event| loader.0.begin())
    };
    let onsource = {
        let loader = props.loader.clone();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<web_sys::HtmlSelectElement>();
            if let Some(index) = select.and_then(|s| usize::try_from(s.selected_index()).ok()) {
                loader.0.reorder(|memory| memory.source = index);
            }
        })
    };
    html! {
        <header class="bar top">
            <span class="brand"><Icon name="mark" />{"Sagitta"}</span>
            <div class="find">
                <Icon name="search" small=true />
                <input id="list-search" class="field" type="search" aria-label="Search all studies"
                    placeholder="Name, ID, accession, description" value={search} {oninput}
                    autocomplete="off" spellcheck="false" onkeydown={Callback::from(super::to_rows)} />
                <kbd>{"/"}</kbd>
            </div>
            <div class="chips" role="group" aria-label="Study date" ref={dates.clone()}
                onkeydown={arrows(&dates)}>{for DATES.into_iter().map(date)}</div>
            <span class="sep"></span>
            <div class="chips mods" role="group" aria-label="Modality" ref={modalities.clone()}
                onkeydown={arrows(&modalities)}>
                {for MODALITIES.into_iter().map(modality)}
            </div>
            <span class="grow"></span>
            if props.sources.len() > 1 {
                <select class="field source" aria-label="Source" onchange={onsource}>
                    {for props.sources.iter().enumerate().map(|(index, one)| html! {
                        <option selected={index == source}>{&one.label}</option>
                    })}
                </select>
            }
            if let Some(source) = taking {
                // A module of its own (`www/upload.js`) sends files there, and says a change when studies came.
                <button id="list-upload" class="tool" data-source={source.id.clone()}
                    data-root={source.root.clone()} onchange={on_stored}
                    aria-label="Upload" title="Upload files, folders or a ZIP (U)">
                    <Icon name="upload" />
                </button>
            }
            <UserMenu account={props.account.clone()} leave={props.leave.clone()} />
        </header>
    }
}

/// Moves the focus within a group of chips, which is one stop for Tab.
fn rove(group: &NodeRef, step: i64) {
    if let Some(group) = group.cast::<web_sys::Element>() {
        page::rove(&group, step);
    }
}

fn arrows(group: &NodeRef) -> Callback<KeyboardEvent> {
    let group = group.clone();
    Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
        "ArrowRight" => rove(&group, 1),
        "ArrowLeft" => rove(&group, -1),
        _ => (),
    })
}
