//! The preview of the selected study: who, what, its series, and the one next step.

use super::states::thousands;
use super::table::name_of;
use crate::components::icon::Icon;
use crate::components::series_picture::SeriesPicture;
use crate::engine::text;
use crate::platform::{clock, fetch};
use crate::store::PictureOf;
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
    /// Name of its source, where there are several.
    pub source: Option<String>,
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

/// Pictures that are asked for at once; more come on scrolling or on request.
const FIRST_PICTURES: usize = 6;
/// Pause before a selected study's series are asked for, ms: keys run past many.
const PAUSE_MS: f64 = 120.0;

/// The preview.
#[component]
pub fn Preview(props: &PreviewProps) -> Html {
    let found = use_state(|| Found::Waiting);
    let shows_all = use_state(|| false);
    let again = use_state(|| 0_u32);
    {
        let (setter, all) = (found.setter(), shows_all.setter());
        // The study may grow while the list is looked at.
        let counts = (props.study.series_count, props.study.instance_count);
        let key = (props.root.clone(), props.study.uid.clone(), *again, counts);
        use_effect_with(key, move |(root, uid, ..)| {
            let alive = std::rc::Rc::new(std::cell::Cell::new(true));
            setter.set(Found::Waiting);
            all.set(false);
            let (url, watch) = (format!("{root}/{}", path::series(uid)), alive.clone());
            spawn_local(async move {
                clock::sleep(PAUSE_MS).await;
                if !watch.get() {
                    return;
                }
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
    let name = name_of(study);
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
    let from: Vec<String> = (!study.referrer.is_empty())
        .then(|| format!("Referred by {}", study.referrer))
        .into_iter()
        .chain(props.source.clone())
        .collect();
    let onscroll = {
        let setter = shows_all.setter();
        Callback::from(move |_: Event| setter.set(true))
    };
    let ask_again = {
        let again = again.clone();
        Callback::from(move |_: MouseEvent| again.set(*again + 1))
    };
    html! {
        <aside class={classes!("preview", props.is_sheet.then_some("sheet"))} aria-label="Preview"
            {onscroll}>
            <button class="tool close" aria-label="Close" onclick={props.close.reform(|_| ())}>
                <Icon name="close" />
            </button>
            <h2>{name}</h2>
            <p class="t2">{who.join(" \u{b7} ")}</p>
            <p class="desc">{if study.description.is_empty() { "No description" } else { &study.description }}</p>
            <p class="t2">{when.join(" \u{b7} ")}</p>
            if !from.is_empty() { <p class="t2">{from.join(" \u{b7} ")}</p> }
            <p class="acts">
                <button class="btn primary" onclick={open}>
                    {"Open"}<kbd class="onacc">{"Enter"}</kbd>
                </button>
                <button class="btn" aria-label="Open in a new window"
                    title="Open in a new window (Shift+Enter)" onclick={open_window}>
                    <Icon name="newwindow" small=true />
                </button>
            </p>
            {series_of(props, &found, &shows_all, ask_again)}
        </aside>
    }
}

fn series_of(
    props: &PreviewProps,
    found: &Found,
    shows_all: &UseStateHandle<bool>,
    ask_again: Callback<MouseEvent>,
) -> Html {
    let series = match found {
        Found::Waiting => {
            return html! { <p class="t3" role="status">{"Reading the series"}</p> };
        }
        Found::Nothing => {
            return html! {
                <p class="t2" role="status">
                    {"The series could not be read. "}
                    <button class="btn" onclick={ask_again}>{"Try again"}</button>
                </p>
            };
        }
        Found::Series(series) => series,
    };
    let (documents, images): (Vec<&Series>, Vec<&Series>) =
        series.iter().partition(|series| series.is_document());
    let shown = if **shows_all {
        images.len()
    } else {
        images.len().min(FIRST_PICTURES)
    };
    let pictures: u64 = images
        .iter()
        .filter_map(|series| series.instance_count.map(u64::from))
        .sum();
    let heading = match pictures {
        0 => format!("{} series", images.len()),
        1 => format!("{} series, 1 image", images.len()),
        many => format!("{} series, {} images", images.len(), thousands(many)),
    };
    let show_all = {
        let setter = shows_all.setter();
        Callback::from(move |_: MouseEvent| setter.set(true))
    };
    html! {
        <>
            if !images.is_empty() {
                <h3>{heading}</h3>
            }
            <div class="thumbs">
                {for images.iter().take(shown).map(|series| html! {
                    <Picture key={series.uid.clone()} series={(*series).clone()}
                        root={props.root.clone()} study={props.study.uid.clone()} />
                })}
            </div>
            if shown < images.len() {
                <button class="btn" onclick={show_all}>
                    {format!("Show {} more", images.len() - shown)}
                </button>
            }
            if series.is_empty() { <p class="t3">{"This study holds no series."}</p> }
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
    root: String,
    study: String,
}

#[component]
fn Picture(props: &PictureProps) -> Html {
    let series = &props.series;
    let of = PictureOf {
        root: props.root.clone(),
        study: props.study.clone(),
        series: series.uid.clone(),
    };
    html! {
        <span class="thumb">
            <span class="pic">
                <SeriesPicture {of} modality={series.modality.clone()} />
                if let Some(number) = series.number { <span class="no">{number}</span> }
                if let Some(count) = series.instance_count { <span class="ct">{thousands(u64::from(count))}</span> }
            </span>
            <span class="cap">{viewer_core::tools::overlay::series_name(series)}</span>
        </span>
    }
}
