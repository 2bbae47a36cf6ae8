//! What stands under the image, or beside it: playing and the place in the series, brightness, and the series.

use super::words::{Words, fill};
use crate::components::icon::Icon;
use crate::components::reader::scroll_bar::percent;
use crate::components::series_picture::SeriesPicture;
use crate::store::{Command, PictureOf, RailSeries, ReaderView};
use std::rc::Rc;
use viewer_core::state::Action;
use yew::prelude::*;

/// What the controls show.
#[derive(Properties, PartialEq)]
pub struct ControlProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// The language.
    pub words: &'static Words,
    /// Where commands go.
    pub dispatch: Callback<Command>,
}

/// Plays, and shows and sets the place in the series.
#[component]
pub fn Scrub(props: &ControlProps) -> Html {
    let ControlProps {
        view,
        words,
        dispatch,
    } = props;
    let viewport = view.active;
    let Some(shown) = view.viewports.get(viewport).filter(|it| it.slices > 1) else {
        return Html::default();
    };
    let (slice, slices) = (shown.slice + 1, shown.slices);
    let oninput = dispatch.reform(move |event: InputEvent| {
        let field = event.target_dyn_into::<web_sys::HtmlInputElement>();
        let number = field.and_then(|field| field.value().parse::<usize>().ok());
        Command::Act(Action::SetSlice {
            viewport,
            slice: number.unwrap_or(slice).saturating_sub(1),
        })
    });
    let play = dispatch.reform(move |_: MouseEvent| Command::Act(Action::TogglePlaying(viewport)));
    let label = if view.plays { words.stop } else { words.play };
    let numbers = [slice.to_string(), slices.to_string()];
    html! {
        <div class="scrub">
            if view.can_play {
                <button class="round" aria-label={label} title={label} onclick={play}>
                    <Icon name={if view.plays { "pause" } else { "play" }} />
                </button>
            }
            <div class="track">
                <svg aria-hidden="true">
                    <rect class="way" x="0" y="50%" width="100%" height="2" />
                    {for shown.loaded_runs.iter().map(|(first, end)| html! {
                        <rect class="here" x={percent(*first as f64, slices)} y="50%"
                            width={percent((end - first) as f64, slices)} height="2" />
                    })}
                </svg>
                <input type="range" min="1" max={numbers[1].clone()} step="1"
                    value={numbers[0].clone()} aria-label={words.image}
                    aria-valuetext={fill(words.position, &[&numbers[0], &numbers[1]])} {oninput} />
            </div>
            <span class="cnt" aria-hidden="true">{format!("{slice} / {slices}")}</span>
        </div>
    }
}

/// Brightness by name.
#[component]
pub fn Presets(props: &ControlProps) -> Html {
    let ControlProps {
        view,
        words,
        dispatch,
    } = props;
    let viewport = view.active;
    let named = view.presets.iter().enumerate();
    let named = named.filter_map(|(index, preset)| {
        let is_first = index == 0 && preset.is_own;
        Some((
            index,
            words.preset(is_first, &preset.name)?,
            preset.is_chosen,
        ))
    });
    let chips: Vec<Html> = named
        .map(|(index, name, is_chosen)| {
            let choose = dispatch.reform(move |_: MouseEvent| {
                Command::Act(Action::ChoosePreset { viewport, index })
            });
            html! {
                <button key={index} role="radio" aria-checked={is_chosen.to_string()}
                    onclick={choose}>{name}</button>
            }
        })
        .collect();
    if chips.is_empty() {
        return Html::default();
    }
    html! {
        <div class="pchips" role="radiogroup" aria-label={words.brightness}>{for chips}</div>
    }
}

/// What the strip of series shows.
#[derive(Properties, PartialEq)]
pub struct StripProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// The language.
    pub words: &'static Words,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// Shows a document.
    pub read: Callback<Option<PictureOf>>,
}

/// The series with small pictures, and the documents.
#[component]
pub fn Strip(props: &StripProps) -> Html {
    let all: Vec<&RailSeries> = (props.view.rail.iter())
        .flat_map(|group| &group.series)
        .filter(|series| !series.is_document || series.document.is_some())
        .collect();
    if all.len() < 2 && !all.iter().any(|series| series.is_document) {
        return Html::default();
    }
    html! {
        <ul class="strip-of-series" aria-label={props.words.series}>
            {for all.iter().map(|series| entry(props, series))}
        </ul>
    }
}

fn entry(props: &StripProps, series: &RailSeries) -> Html {
    let (viewport, id) = (props.view.active, series.id);
    let onclick = match series.document.clone() {
        Some(document) => (props.read).reform(move |_: MouseEvent| Some(document.clone())),
        None => props.dispatch.reform(move |_: MouseEvent| {
            Command::Act(Action::Assign {
                viewport,
                series: id,
                slice: None,
            })
        }),
    };
    let is_shown = series.is_active && !series.is_document;
    html! {
        <li key={id.0}>
            <button class={classes!("sth", is_shown.then_some("on"))} {onclick}
                aria-current={is_shown.then_some("true")}>
                <span class="pic">
                    if series.is_document {
                        <Icon name="doc" />
                    } else {
                        <SeriesPicture of={series.picture.clone()}
                            modality={series.modality.clone()} />
                    }
                </span>
                <span class="cap">
                    if series.is_document {
                        {props.words.report}
                    } else {
                        {&series.name}
                    }
                </span>
            </button>
        </li>
    }
}
