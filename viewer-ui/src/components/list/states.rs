//! What the list says when it is not simply a list: reading, indexing, empty, unreachable.

use super::loader::Shared;
use super::memory::{Filters, ListMemory, Trouble, When};
use crate::components::icon::Icon;
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
    html! { <p class="none t2" role="status">{"Reading the study list"}</p> }
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
            <p><b class="b">{"Indexing the folder: "}</b>
                {format!("{} of {} files read.", thousands(props.done), thousands(props.total))}</p>
            <svg class="hairline" aria-hidden="true">
                <rect class="rest" width="100%" height="2" />
                <rect class="done" width={format!("{percent:.1}%")} height="2" />
            </svg>
            <p class="t2">{"You can open what is found now."}</p>
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
}

/// The server is gone or refused.
#[component]
pub fn TroubleBand(props: &TroubleProps) -> Html {
    let again = {
        let loader = props.loader.clone();
        Callback::from(move |_: MouseEvent| loader.0.refresh())
    };
    let (icon, title, sentence) = match &props.trouble {
        Trouble::None => return Html::default(),
        Trouble::Unreachable => (
            "offline",
            "No connection.",
            "The server could not be reached. What is listed stays usable; the next try follows by itself."
                .to_owned(),
        ),
        Trouble::Refused(words) => ("warn", "The server refused this search.", sentence(words)),
    };
    html! {
        <div class="strip" role="alert">
            <span class="warn"><Icon name={icon} small=true /></span>
            <span><b class="b">{title}</b>{" "}<span class="t2">{sentence}</span></span>
            <span class="grow"></span>
            <button class="btn quiet" onclick={again}>{"Try again"}</button>
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

/// Why the list is empty.
#[derive(Properties, PartialEq)]
pub struct NothingProps {
    /// Because of filters.
    pub is_filtered: bool,
    /// Perhaps because the index is still being made.
    pub is_indexing: bool,
    /// What is asked for.
    pub memory: ListMemory,
    /// Asks otherwise.
    pub loader: Shared,
}

/// No study matches, or there is none.
#[component]
pub fn Nothing(props: &NothingProps) -> Html {
    let change = |change: fn(&mut Filters)| {
        let loader = props.loader.clone();
        Callback::from(move |_: MouseEvent| loader.0.change(change))
    };
    if props.is_filtered {
        let has_dates = props.memory.with(|memory| memory.filters.when != When::Any);
        return html! {
            <div class="none">
                <h2>{"No study matches these filters"}</h2>
                <p class="acts">
                    if has_dates {
                        <button class="btn" onclick={change(|filters| filters.when = When::Any)}>
                            {"Search any date"}
                        </button>
                    }
                    <button class="btn" onclick={change(|filters| *filters = Filters::default())}>
                        {"Clear all filters"}
                    </button>
                </p>
            </div>
        };
    }
    if props.is_indexing {
        return html! { <p class="none t2">{"No study has been found yet."}</p> };
    }
    html! {
        <div class="none">
            <Icon name="folder" />
            <h2>{"No studies yet"}</h2>
            <p class="t2">
                {"Put DICOM files into the folder that is served, or start with one: "}
                <span class="mono">{"cargo xtask run --data FOLDER"}</span>
            </p>
            <p class="t3">{"New files are listed within ten seconds."}</p>
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
