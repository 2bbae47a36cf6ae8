//! The preview of the selected study: who, what, its series, and the one next step.

use crate::components::icon::Icon;
use crate::engine::text;
use crate::platform::fetch;
use protocol::dicomweb::{json, path};
use viewer_core::model::{Series, SeriesId, Study};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// What the preview shows.
#[derive(Properties, PartialEq)]
pub struct PreviewProps {
    /// The study.
    pub study: Study,
    /// DICOMweb root of its source.
    pub root: String,
    /// Opens it.
    pub on_open: Callback<(String, String)>,
    /// Opens it in a window of its own.
    pub on_open_window: Callback<(String, String)>,
    /// On narrow windows: it lies over the list.
    pub is_sheet: bool,
    /// Takes the sheet away.
    pub close: Callback<()>,
}

#[derive(Clone, PartialEq)]
enum Found {
    Waiting,
    Series(Vec<Series>),
    Nothing,
}

/// Pictures that are asked for at once; more come on request.
const FIRST_PICTURES: usize = 6;

/// The preview.
#[component]
pub fn Preview(props: &PreviewProps) -> Html {
    let found = use_state(|| Found::Waiting);
    let shows_all = use_state(|| false);
    {
        let (setter, all) = (found.setter(), shows_all.setter());
        let key = (props.root.clone(), props.study.uid.clone());
        use_effect_with(key, move |(root, uid)| {
            let alive = std::rc::Rc::new(std::cell::Cell::new(true));
            setter.set(Found::Waiting);
            all.set(false);
            let (url, watch) = (format!("{root}/{}", path::series(uid)), alive.clone());
            spawn_local(async move {
                let answer = fetch::get_text(&url, "application/dicom+json").await;
                if !watch.get() {
                    return;
                }
                let sets = answer
                    .ok()
                    .and_then(|answer| json::parse(&answer.text).ok());
                setter.set(sets.map_or(Found::Nothing, |sets| {
                    let mut series: Vec<Series> = sets
                        .iter()
                        .zip(0..)
                        .filter_map(|(set, id)| Series::from_dataset(SeriesId(id), 0, set))
                        .collect();
                    viewer_core::state::hanging::listing_order(&mut series);
                    Found::Series(series)
                }));
            });
            move || alive.set(false)
        });
    }
    let study = &props.study;
    let id = (study.source.clone(), study.uid.clone());
    let open = {
        let id = id.clone();
        props.on_open.reform(move |_: MouseEvent| id.clone())
    };
    let open_window = props.on_open_window.reform(move |_: MouseEvent| id.clone());
    let patient = &study.patient;
    let name = match patient.name.display() {
        name if name.is_empty() => "No name".to_owned(),
        name => name,
    };
    let who: Vec<String> = [
        [
            Some(patient.sex.clone()),
            text::age(&patient.birth_date, &study.date),
        ]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" "),
        text::date(&patient.birth_date),
        if patient.id.is_empty() {
            String::new()
        } else {
            format!("ID {}", patient.id)
        },
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect();
    let when = format!("{} {}", text::date(&study.date), text::time(&study.time));
    let when: Vec<&str> = [when.trim(), study.accession.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    html! {
        <aside class={classes!("preview", props.is_sheet.then_some("sheet"))} aria-label="Preview">
            <button class="tool close" aria-label="Close" onclick={props.close.reform(|_| ())}>
                <Icon name="close" />
            </button>
            <h2>{name}</h2>
            <p class="t2">{who.join(" \u{b7} ")}</p>
            <p class="desc">{&study.description}</p>
            <p class="t2">{when.join(" \u{b7} ")}</p>
            if !study.referrer.is_empty() {
                <p class="t2">{format!("Referred by {}", study.referrer)}</p>
            }
            <p class="acts">
                <button class="btn primary" onclick={open}>
                    {"Open"}<kbd class="onacc">{"Enter"}</kbd>
                </button>
                <button class="btn" aria-label="Open in a new window"
                    title="Open in a new window (Shift+Enter)" onclick={open_window}>
                    <Icon name="newwindow" small=true />
                </button>
            </p>
            {series_of(props, &found, &shows_all)}
        </aside>
    }
}

fn series_of(props: &PreviewProps, found: &Found, shows_all: &UseStateHandle<bool>) -> Html {
    let series = match found {
        Found::Waiting => return html! { <p class="t3">{"Reading the series"}</p> },
        Found::Nothing => return html! { <p class="t3">{"The series could not be read."}</p> },
        Found::Series(series) => series,
    };
    let (documents, images): (Vec<&Series>, Vec<&Series>) =
        series.iter().partition(|series| series.is_document());
    let shown = if **shows_all {
        images.len()
    } else {
        images.len().min(FIRST_PICTURES)
    };
    let count =
        |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let pictures: usize = images
        .iter()
        .filter_map(|s| usize::try_from(s.instance_count?).ok())
        .sum();
    let show_all = {
        let setter = shows_all.setter();
        Callback::from(move |_: MouseEvent| setter.set(true))
    };
    html! {
        <>
            if !images.is_empty() {
                <h3>{format!("{}, {}", count(images.len(), "series", "series"),
                    count(pictures, "object", "objects"))}</h3>
            }
            <div class="thumbs">
                {for images.iter().take(shown).map(|series| html! {
                    <Picture key={series.uid.clone()} series={(*series).clone()}
                        address={format!("{}/{}", props.root,
                            path::series_thumbnail(&props.study.uid, &series.uid))} />
                })}
            </div>
            if shown < images.len() {
                <button class="btn quiet" onclick={show_all}>
                    {format!("Show {} more", images.len() - shown)}
                </button>
            }
            if !documents.is_empty() {
                <h3>{"Other objects"}</h3>
                <ul class="objs">
                    {for documents.iter().map(|series| html! {
                        <li><Icon name="doc" small=true />
                            <span class="clip grow">{viewer_core::tools::overlay::series_name(series)}</span>
                            <span class="mod">{&series.modality}</span></li>
                    })}
                </ul>
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct PictureProps {
    series: Series,
    address: String,
}

#[component]
fn Picture(props: &PictureProps) -> Html {
    let is_broken = use_state(|| false);
    let onerror = {
        let setter = is_broken.setter();
        Callback::from(move |_: Event| setter.set(true))
    };
    let series = &props.series;
    html! {
        <span class="thumb">
            <span class="pic">
                if *is_broken {
                    <span class="mod nopic">{&series.modality}</span>
                } else {
                    <img src={props.address.clone()} alt="" loading="lazy" {onerror} />
                }
                if let Some(number) = series.number { <span class="no">{number}</span> }
                if let Some(count) = series.instance_count { <span class="ct">{count}</span> }
            </span>
            <span class="cap">{viewer_core::tools::overlay::series_name(series)}</span>
        </span>
    }
}
