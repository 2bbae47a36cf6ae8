//! The footer: how many studies match, the keys, and which rows are in sight.

use super::loader::Shared;
use super::memory::{ListMemory, Memory};
use super::states::thousands;
use super::{query, table, today};
use crate::components::icon::Icon;
use yew::prelude::*;

/// What the footer shows.
#[derive(Properties, PartialEq)]
pub struct FootProps {
    /// What the list knows.
    pub memory: ListMemory,
    /// What the search field was taken for.
    pub loader: Shared,
    /// The folder is still being indexed.
    pub is_indexing: bool,
    /// Changes with the memory.
    pub stamp: u64,
}

/// The footer.
#[component]
pub fn Foot(props: &FootProps) -> Html {
    let (words, place) = props.memory.with(|memory| {
        // A date that cannot be read is no filter.
        let is_filtered = !query::words(&memory.filters, today()).is_empty();
        (
            status(memory, is_filtered, props.is_indexing),
            place(memory),
        )
    });
    let by = props
        .loader
        .0
        .searched_by()
        .filter(|_| {
            props
                .memory
                .with(|memory| !memory.is_old && memory.row_count() > 0)
        })
        .map(|field| format!(", found {}", query::searched_by(field)));
    let turn = |forwards: bool| {
        let (memory, loader) = (props.memory.clone(), props.loader.clone());
        Callback::from(move |_: MouseEvent| {
            table::turn(&memory, forwards);
            loader.0.show();
        })
    };
    let (at_start, at_end) = props.memory.with(|memory| {
        let (first, end) = memory.in_sight;
        (first == 0, end >= memory.row_count())
    });
    html! {
        <footer class="foot">
            <span role="status" class="nowrap">{words}{by}</span>
            <span class="grow"></span>
            <span class="keys t2">
                <kbd>{"\u{2191}"}</kbd>{" "}<kbd>{"\u{2193}"}</kbd>{" select \u{2003}"}
                <kbd>{"Enter"}</kbd>{" open \u{2003}"}
                <span class="opt"><kbd>{"Shift+Enter"}</kbd>{" new window \u{2003}"}</span>
                <kbd>{"/"}</kbd>{" search \u{2003}"}
                <kbd>{"Esc"}</kbd>{" clear filters"}
            </span>
            <span class="grow"></span>
            <span class="pager">
                if let Some(place) = place {
                    <button class="tool" aria-label="Previous page" disabled={at_start} onclick={turn(false)}>
                        <Icon name="prev" small=true />
                    </button>
                    <span class="nowrap">{place}</span>
                    <button class="tool" aria-label="Next page" disabled={at_end} onclick={turn(true)}>
                        <Icon name="next" small=true />
                    </button>
                }
            </span>
        </footer>
    }
}

/// How many there are, in words.
fn status(memory: &Memory, is_filtered: bool, is_indexing: bool) -> String {
    if memory.is_waiting() {
        return String::new();
    }
    if memory.is_old {
        return "Searching".to_owned();
    }
    let count = memory.row_count();
    let studies = if count == 1 { "study" } else { "studies" };
    let count = thousands(count as u64);
    match memory.total {
        None => format!("{count} studies or more"),
        Some(_) if is_indexing => format!("{count} {studies} so far"),
        Some(_) if !is_filtered => format!("{count} {studies}"),
        Some(1) => "1 study matches".to_owned(),
        Some(_) => format!("{count} studies match"),
    }
}

/// "1 – 28 of 312"; `None` where there is nothing to count.
fn place(memory: &Memory) -> Option<String> {
    let count = memory.row_count();
    let (first, end) = memory.in_sight;
    let end = end.min(count);
    (first < end).then(|| {
        let shown = |number: usize| thousands(number as u64);
        let of = if memory.total.is_some() {
            "of"
        } else {
            "of at least"
        };
        format!(
            "{} \u{2013} {} {of} {}",
            shown(first + 1),
            shown(end),
            shown(count)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use viewer_core::model::Study;

    fn memory(total: u32, in_sight: (usize, usize)) -> Memory {
        let mut memory = Memory::default();
        memory.page_came(0, vec![Study::default(); 100], Some(total), true);
        memory.in_sight = in_sight;
        memory
    }

    #[test]
    fn the_footer_counts_what_is_in_sight() {
        let memory = memory(1312, (0, 28));
        assert_eq!(place(&memory).as_deref(), Some("1 \u{2013} 28 of 1,312"));
        assert_eq!(status(&memory, false, false), "1,312 studies");
        assert_eq!(status(&memory, false, true), "1,312 studies so far");
        assert_eq!(status(&memory, true, false), "1,312 studies match");
        assert_eq!(place(&Memory::default()), None);
    }
}
