//! What the list says when it is not simply a list: reading, indexing, empty, unreachable.

use super::loader::Shared;
use super::memory::{Filters, ListMemory, Trouble};
use super::{ListSource, query, today};
use crate::components::icon::Icon;
use crate::platform::clock::Repeat;
use crate::store::Account;
use std::rc::Rc;
use yew::prelude::*;

/// "3,120".
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Before the first answer.
#[component]
pub fn Reading() -> Html {
    html! {
        <div class="none late">
            <p class="t2" role="status">{"Reading the study list"}</p>
            <span class="prog under-way"><i></i></span>
        </div>
    }
}

/// How far the index is.
#[derive(Properties, PartialEq)]
pub struct IndexingProps {
    /// Files read.
    pub done: u64,
    /// Files found.
    pub total: u64,
}

/// The folder is being indexed.
#[component]
pub fn IndexingBand(props: &IndexingProps) -> Html {
    let percent = props.done as f64 * 100.0 / props.total.max(1) as f64;
    html! {
        <div class="band" role="status">
            <p class="b">{"Indexing the folder"}</p>
            <p class="t2">
                {format!("{} of {} files read. You can open what is found now.",
                    thousands(props.done), thousands(props.total))}
            </p>
            <svg class="hairline" aria-hidden="true">
                <rect class="rest" width="100%" height="2" />
                <rect class="done" width={format!("{percent:.1}%")} height="2" />
            </svg>
        </div>
    }
}

/// What went wrong.
#[derive(Properties, PartialEq)]
pub struct TroubleProps {
    /// What went wrong.
    pub trouble: Trouble,
    /// Asks again.
    pub loader: Shared,
    /// Changes with the memory.
    pub stamp: u64,
}

/// The server is gone or refused.
#[component]
pub fn TroubleBand(props: &TroubleProps) -> Html {
    let tick = use_force_update();
    use_effect_with((), move |()| {
        let clock = Repeat::new(1_000.0, move || {
            tick.force_update();
            1_000.0
        });
        move || drop(clock)
    });
    let again = {
        let loader = props.loader.clone();
        Callback::from(move |_: MouseEvent| loader.0.try_again())
    };
    let (icon, title, sentence) = match &props.trouble {
        Trouble::None => return Html::default(),
        Trouble::Unreachable => (
            "offline",
            "No connection.",
            "The server cannot be reached. What is listed stays; loading goes on by itself."
                .to_owned(),
        ),
        Trouble::Refused(words) => ("warn", "The server refused this search.", sentence(words)),
    };
    let wait = props.loader.0.seconds_to_retry();
    let is_counted = props.trouble == Trouble::Unreachable;
    html! {
        <div class="strip">
            <span class="warn"><Icon name={icon} small=true /></span>
            <span role="alert"><b class="b">{title}</b>{" "}<span class="t2">{sentence}</span></span>
            if is_counted {
                <span class="t3 nowrap">
                    {if wait > 0.0 { format!("Next try in {wait} s") } else { "Trying".to_owned() }}
                </span>
            }
            <span class="grow"></span>
            <button class="btn" onclick={again}>{"Try again"}</button>
        </div>
    }
}

/// Which date was not understood.
#[derive(Properties, PartialEq)]
pub struct UnreadProps {
    /// The field, in words.
    pub field: &'static str,
}

/// A date of the filter row cannot be read.
#[component]
pub fn UnreadBand(props: &UnreadProps) -> Html {
    html! {
        <div class="strip" id="list-unread">
            <span class="warn"><Icon name="warn" small=true /></span>
            <span role="status">
                <b class="b">{format!("The {} does not filter yet.", props.field)}</b>{" "}
                <span class="t2">
                    {"Write it like 2026, Mar 2026, 14.03.2026, 2026-03-14 or 08 \u{2013} 14 Mar 2026."}
                </span>
            </span>
        </div>
    }
}

/// A message as a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.trim().trim_end_matches('.').chars();
    let first: String = letters
        .next()
        .map(char::to_uppercase)
        .into_iter()
        .flatten()
        .collect();
    format!("{first}{}.", letters.as_str())
}

/// Whose list is empty.
#[derive(Properties, PartialEq)]
pub struct NoStudiesProps {
    /// Whoever is logged in.
    pub account: Account,
}

/// Whoever is logged in sees no studies, whatever there is.
#[component]
pub fn NoStudies(props: &NoStudiesProps) -> Html {
    let session = &props.account.session;
    html! {
        <div class="none">
            <h2 role="status">{"Your role sees no studies"}</h2>
            <p class="acts">
                if session.manage { <a class="btn primary" href="admin">{"Administration"}</a> }
                if session.audit { <a class="btn" href="audit">{"Audit record"}</a> }
            </p>
        </div>
    }
}

/// Why the list is empty.
#[derive(Properties, PartialEq)]
pub struct NothingProps {
    /// Perhaps because the index is still being made.
    pub is_indexing: bool,
    /// What is asked for.
    pub memory: ListMemory,
    /// Asks otherwise.
    pub loader: Shared,
    /// Where it is asked.
    pub sources: Rc<Vec<ListSource>>,
    /// Changes with the memory.
    pub stamp: u64,
}

/// No study matches, or there is none.
#[component]
pub fn Nothing(props: &NothingProps) -> Html {
    let change = |change: fn(&mut Filters)| {
        let loader = props.loader.clone();
        Callback::from(move |_: MouseEvent| loader.0.change(change))
    };
    let (filters, source) = props
        .memory
        .with(|memory| (memory.filters.clone(), memory.source));
    if !filters.is_empty() {
        let mut asked = query::words(&filters, today());
        if let Some(source) = props
            .sources
            .get(source)
            .filter(|_| props.sources.len() > 1)
        {
            asked = format!("{asked}, source {}", source.label);
        }
        let has_date = filters.has_date();
        return html! {
            <div class="none">
                <h2 role="status">{"No study matches these filters"}</h2>
                <p class="t2">{format!("Searched: {asked}.")}</p>
                <p class="acts">
                    if has_date {
                        <button class="btn primary" onclick={change(Filters::any_date)}>
                            {"Search any date"}
                        </button>
                    }
                    <button class={classes!("btn", (!has_date).then_some("primary"))}
                        onclick={change(|filters| *filters = Filters::default())}>
                        {"Clear all filters"}
                        <kbd class={(!has_date).then_some("onacc")}>{"Esc"}</kbd>
                    </button>
                </p>
            </div>
        };
    }
    if props.is_indexing {
        return html! {
            <div class="none"><p class="t2" role="status">{"No study has been found yet."}</p></div>
        };
    }
    let can_store = (props.sources.get(source)).is_some_and(|source| source.store);
    html! {
        <div class="none">
            <Icon name="folder" />
            <h2 role="status">{"No studies yet"}</h2>
            if can_store {
                <p class="t2">{"Drop DICOM files, folders or a ZIP here, or press Upload."}</p>
            } else {
                <p class="t2">
                    {"Put DICOM files into the folder that is served, or start with a folder of images:"}
                </p>
                <p><code class="mono">{"cargo xtask run --data FOLDER"}</code></p>
            }
            <p class="t3">{"New files are listed by themselves."}</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(3120), "3,120");
        assert_eq!(thousands(1_204_000), "1,204,000");
    }
}
