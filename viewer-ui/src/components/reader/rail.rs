//! The series panel: pictures of the series with images, rows for the rest.

use crate::components::icon::Icon;
use crate::components::series_picture::SeriesPicture;
use crate::platform::page;
use crate::store::{Command, RailGroup, RailSeries, ReaderView};
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

/// The series panel: one stop for Tab, arrow keys inside.
#[component]
pub fn Rail(props: &RailProps) -> Html {
    let view = &props.view;
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect(move || {
            if let Some(panel) = node.cast::<web_sys::Element>() {
                page::rove(&panel, 0);
            }
        });
    }
    let onkeydown = {
        let node = node.clone();
        Callback::from(move |event: KeyboardEvent| {
            let step = match event.key().as_str() {
                "ArrowDown" | "ArrowRight" => 1,
                "ArrowUp" | "ArrowLeft" => -1,
                _ => return,
            };
            let has_modifier = event.ctrl_key() || event.alt_key() || event.meta_key();
            if let (false, Some(panel)) = (has_modifier, node.cast::<web_sys::Element>()) {
                event.prevent_default();
                event.stop_propagation();
                page::rove(&panel, step);
            }
        })
    };
    let groups: Vec<&RailGroup> = view
        .rail
        .iter()
        .filter(|group| !group.series.is_empty())
        .collect();
    html! {
        <nav class="rail" aria-label="Series" ref={node} {onkeydown}>
            if view.is_opening {
                <p class="reading" role="status">{"Reading the study"}</p>
            }
            {for groups.iter().enumerate().map(|(place, group)| html! {
                <Group key={place} group={(*group).clone()} can_fold={place > 0}
                    active={view.active} in_planes={view.mpr.is_some()}
                    dispatch={props.dispatch.clone()} />
            })}
        </nav>
    }
}

#[derive(Properties, PartialEq)]
struct GroupProps {
    group: RailGroup,
    /// Another study than the first can be put away.
    can_fold: bool,
    active: usize,
    in_planes: bool,
    dispatch: Callback<Command>,
}

/// The series of one study.
#[component]
fn Group(props: &GroupProps) -> Html {
    let is_open = use_state(|| true);
    let group = &props.group;
    let onclick = {
        let (now, setter) = (*is_open, is_open.setter());
        Callback::from(move |_: MouseEvent| setter.set(!now))
    };
    html! {
        <section class="group" aria-label={group.title.clone()}>
            <h2>
                if props.can_fold {
                    <button class="fold" aria-expanded={is_open.to_string()} {onclick}>
                        <Icon name={if *is_open { "down" } else { "right" }} tiny=true />
                        {&group.title}
                    </button>
                } else {
                    {&group.title}
                }
            </h2>
            if *is_open || !props.can_fold {
                <ul>
                    {for group.series.iter().map(|series| html! {
                        <li key={series.id.0}>
                            <Thumb series={series.clone()} active={props.active}
                                in_planes={props.in_planes} dispatch={props.dispatch.clone()} />
                        </li>
                    })}
                </ul>
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct ThumbProps {
    series: RailSeries,
    active: usize,
    in_planes: bool,
    dispatch: Callback<Command>,
}

/// Share of a series' frames that are settled, in percent; `None` where all are, or none was asked for.
/// A frame that failed for good is settled: nothing is loading any more.
fn percent_loaded(series: &RailSeries) -> Option<usize> {
    let (loaded, count) = series.loaded.zip(series.count)?;
    let settled = loaded + series.failed;
    (settled < count).then(|| settled * 100 / count.max(1))
}

/// Where a series is on screen: for screen readers, and the label; both empty where it is not. Planes take all viewports.
fn shown_in(series: &RailSeries, in_planes: bool) -> (&'static str, String) {
    match (series.shown_in.is_empty(), in_planes) {
        (true, _) => ("", String::new()),
        (false, true) => ("shown in three planes: ", "MPR".into()),
        (false, false) => ("shown in viewport ", series.shown_in.iter().collect()),
    }
}

#[component]
fn Thumb(props: &ThumbProps) -> Html {
    let series = &props.series;
    let id = series.id;
    let onclick = {
        let (dispatch, viewport) = (props.dispatch.clone(), props.active);
        Callback::from(move |_: MouseEvent| {
            dispatch.emit(Command::Act(Action::Assign {
                viewport,
                series: id,
                slice: None,
            }));
            // Keys go on in the images.
            page::focus_on(&format!("#viewport-{viewport}"));
        })
    };
    let ondragstart = Callback::from(move |event: DragEvent| {
        if let Some(transfer) = event.data_transfer() {
            // Without data nothing is dropped, which is all that can be done then.
            let _ = transfer.set_data(DRAG_TYPE, &id.0.to_string());
            transfer.set_effect_allowed("copy");
        }
    });
    let aria_current = series.is_active.then_some("true");
    let (where_, letters) = shown_in(series, props.in_planes);
    let title = match series.problem.as_ref().or(series.note.as_ref()) {
        Some(problem) => format!("{}\n{problem}", series.name),
        None => series.name.clone(),
    };
    let shown_in = html! {
        if !letters.is_empty() {
            <span class="in"><span class="vh">{where_}</span>{&letters}</span>
        }
    };
    if series.is_document {
        return html! {
            <button class={classes!("thumb", "doc", series.is_active.then_some("on"))}
                draggable="true" {title} {onclick} {ondragstart} aria-current={aria_current}>
                <span class="pic">
                    <Icon name="doc" small=true /><span class="clip grow">{&series.name}</span>
                    {shown_in}
                    <span class="t3">{&series.modality}</span>
                    if let Some(note) = &series.note {
                        <span class="vh">{note}</span>
                    }
                </span>
            </button>
        };
    }
    let percent = percent_loaded(series);
    html! {
        <button class={classes!("thumb", series.is_active.then_some("on"))} draggable="true"
            {title} {onclick} {ondragstart} aria-current={aria_current}>
            <span class="pic">
                <SeriesPicture of={series.picture.clone()} modality={series.modality.clone()} />
                if !series.number.is_empty() {
                    <span class="no">{&series.number}</span>
                }
                {shown_in}
                if let Some(count) = series.count {
                    <span class="ct">{count}</span>
                }
                if let Some(percent) = percent {
                    <svg class="hair" aria-hidden="true"><rect height="2" width={format!("{percent}%")} /></svg>
                }
            </span>
            <span class="cap">
                <span class="name">{&series.name}</span>
                if let Some(percent) = percent {
                    <span class="t3">{format!("{percent} % loaded")}</span>
                }
                if series.problem.is_some() {
                    <span class="warn"><Icon name="warn" tiny=true />{"Not read"}</span>
                } else if series.failed > 0 {
                    <span class="warn">
                        <Icon name="warn" tiny=true />{format!("{} missing", series.failed)}
                    </span>
                }
            </span>
        </button>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use viewer_core::model::SeriesId;

    fn series(loaded: Option<usize>, failed: usize) -> RailSeries {
        RailSeries {
            id: SeriesId(1),
            number: String::new(),
            name: String::new(),
            modality: "CT".into(),
            count: Some(200),
            picture: None,
            shown_in: Vec::new(),
            is_active: false,
            is_document: false,
            document: None,
            note: None,
            loaded,
            failed,
            problem: None,
        }
    }

    #[test]
    fn a_series_with_failed_frames_stops_loading_when_all_are_settled() {
        assert_eq!(percent_loaded(&series(Some(100), 4)), Some(52));
        assert_eq!(percent_loaded(&series(Some(196), 4)), None);
        assert_eq!(percent_loaded(&series(Some(199), 0)), Some(99));
        assert_eq!(percent_loaded(&series(None, 0)), None);
    }

    #[test]
    fn a_series_in_planes_says_so_instead_of_its_viewports() {
        let mut series = series(None, 0);
        assert_eq!(shown_in(&series, true).1, "");
        series.shown_in = vec!['A', 'B', 'C'];
        assert_eq!(shown_in(&series, true).1, "MPR");
        assert_eq!(shown_in(&series, false).1, "ABC");
    }
}
