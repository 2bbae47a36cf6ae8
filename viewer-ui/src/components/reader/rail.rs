//! The series panel: pictures of the series with images, rows for the rest.

use crate::components::icon::Icon;
use crate::store::{Command, RailSeries, ReaderView};
use std::rc::Rc;
use viewer_core::state::Action;
use yew::prelude::*;

/// Type of what is dragged from the panel into a viewport.
pub const DRAG_TYPE: &str = "application/x-sagitta-series";

/// What the panel shows.
#[derive(Properties, PartialEq)]
pub struct RailProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// Where commands go.
    pub dispatch: Callback<Command>,
}

/// The series panel.
#[component]
pub fn Rail(props: &RailProps) -> Html {
    let view = &props.view;
    html! {
        <nav class="rail" aria-label="Series">
            if view.is_opening {
                <h2>{"Reading the study"}</h2>
            }
            {for view.rail.iter().filter(|group| !group.series.is_empty()).map(|group| html! {
                <>
                    <h2>{&group.title}</h2>
                    <ul>
                        {for group.series.iter().map(|series| html! {
                            <li key={series.id.0}>
                                <Thumb series={series.clone()} active={view.active}
                                    dispatch={props.dispatch.clone()} />
                            </li>
                        })}
                    </ul>
                </>
            })}
        </nav>
    }
}

#[derive(Properties, PartialEq)]
struct ThumbProps {
    series: RailSeries,
    active: usize,
    dispatch: Callback<Command>,
}

#[component]
fn Thumb(props: &ThumbProps) -> Html {
    let series = &props.series;
    let has_no_picture = use_state(|| false);
    let id = series.id;
    let onclick = {
        let (dispatch, viewport) = (props.dispatch.clone(), props.active);
        Callback::from(move |_: MouseEvent| {
            dispatch.emit(Command::Act(Action::Assign {
                viewport,
                series: id,
                slice: None,
            }));
        })
    };
    let ondragstart = Callback::from(move |event: DragEvent| {
        if let Some(transfer) = event.data_transfer() {
            // Without data nothing is dropped, which is all that can be done then.
            let _ = transfer.set_data(DRAG_TYPE, &id.0.to_string());
            transfer.set_effect_allowed("copy");
        }
    });
    let ondblclick = Callback::from(|event: MouseEvent| event.prevent_default());
    let aria_current = series.is_active.then_some("true");
    if series.is_document {
        return html! {
            <button class={classes!("thumb", "doc", series.is_active.then_some("on"))} {onclick}
                aria-current={aria_current}>
                <span class="pic">
                    <Icon name="doc" small=true /><span class="clip">{&series.name}</span>
                    <span class="t3">{&series.modality}</span>
                </span>
            </button>
        };
    }
    let shows_progress = series
        .loaded
        .zip(series.count)
        .filter(|(loaded, count)| loaded < count);
    let percent = shows_progress.map(|(loaded, count)| loaded * 100 / count.max(1));
    let letters: String = series.shown_in.iter().collect();
    let on_broken = {
        let has_no_picture = has_no_picture.setter();
        Callback::from(move |_: Event| has_no_picture.set(true))
    };
    html! {
        <button class={classes!("thumb", series.is_active.then_some("on"))} draggable="true"
            title={series.name.clone()} {onclick} {ondragstart} {ondblclick}
            aria-current={aria_current}>
            <span class="pic">
                if let Some(address) = series.thumbnail.clone().filter(|_| !*has_no_picture) {
                    <img src={address} alt="" draggable="false" onerror={on_broken} />
                } else {
                    <span class="mod nopic">{&series.modality}</span>
                }
                if !series.number.is_empty() {
                    <span class="no">{&series.number}</span>
                }
                if !letters.is_empty() {
                    <span class="in"><span class="vh">{"shown in viewport "}</span>{letters}</span>
                }
                if let Some(count) = series.count {
                    <span class="ct">{count}</span>
                }
                if let Some(percent) = percent {
                    <svg class="hair" aria-hidden="true"><rect height="2" width={format!("{percent}%")} /></svg>
                }
            </span>
            <span class="cap">
                {&series.name}
                if let Some(percent) = percent {
                    <span class="t3">{format!(" {percent} % loaded")}</span>
                }
                if series.failed > 0 || series.problem.is_some() {
                    <span class="warn"><Icon name="warn" tiny=true />
                        {if series.problem.is_some() { " Not read".to_owned() }
                         else { format!(" {} missing", series.failed) }}
                    </span>
                }
            </span>
        </button>
    }
}
