//! The image area: one canvas, and the grid of viewports over it.

use super::density::use_density;
use super::focus::LAST_STOP;
use super::spoken::Spoken;
use super::viewport::ViewportCell;
use crate::platform::layout;
use crate::store::{Command, ReaderView};
use std::rc::Rc;
use yew::prelude::*;

/// What the area shows.
#[derive(Properties, PartialEq)]
pub struct AreaProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// The element that holds the canvas.
    pub stage: NodeRef,
    /// Without any text.
    pub bare: bool,
}

/// Tells the engine where the viewports of an image area lie, whenever that changes.
#[hook]
pub fn use_layout(area: &NodeRef, view: &ReaderView, bare: bool, dispatch: &Callback<Command>) {
    let measure = {
        let (area, dispatch) = (area.clone(), dispatch.clone());
        Callback::from(move |()| {
            let Some(area) = area.cast::<web_sys::Element>() else {
                return;
            };
            let (viewports, size) = layout::measure(&area, ".vp");
            dispatch.emit(Command::LaidOut {
                viewports,
                area: size,
            });
        })
    };
    {
        // After the layout was chosen or has changed.
        let measure = measure.clone();
        let chosen = (view.layout, view.layouts_chosen);
        // On a narrow screen the active plane is the large one.
        let front = view.mpr.as_ref().map(|_| view.active);
        let count = view.viewports.len().max(1);
        let deps = (chosen, front, view.large, count, bare);
        use_effect_with(deps, move |_| measure.emit(()));
    }
    use_density(measure.clone());
    {
        // After the window, or what stands beside the area, has changed its size.
        let area = area.clone();
        use_effect_with((), move |()| {
            let element = area.cast::<web_sys::Element>();
            let guard =
                element.and_then(|element| layout::on_resize(&element, move || measure.emit(())));
            move || drop(guard)
        });
    }
}

/// The image area.
#[component]
pub fn Area(props: &AreaProps) -> Html {
    let area = use_node_ref();
    let view = &props.view;
    let count = view.viewports.len().max(1);
    use_layout(&area, view, props.bare, &props.dispatch);
    let layout = view.layout.unwrap_or(viewer_core::state::Layout::SINGLE);
    let grid = match (view.large, &view.mpr) {
        (Some(_), _) => "g11".to_owned(),
        // Benchmarks compare squares of one size.
        (None, Some(_)) if props.bare => "g13".to_owned(),
        (None, Some(_)) => "planes".to_owned(),
        (None, None) => format!("g{}{}", layout.rows, layout.columns),
    };
    let spoken = view.viewports.get(view.active).map(|it| it.spoken.clone());
    html! {
        <div class="area" ref={area}>
            <div class="stage-host" ref={props.stage.clone()}></div>
            <div class={classes!("grid", grid)}>
                {for view.viewports.iter().enumerate().map(|(index, viewport)| html! {
                    <ViewportCell key={index} {index} viewport={viewport.clone()}
                        is_active={index == view.active && !props.bare && count > 1}
                        has_focus={index == view.active}
                        hidden={view.large.is_some_and(|large| large != index)}
                        tool={view.tool} overlay={view.overlay} bare={props.bare}
                        dispatch={props.dispatch.clone()} />
                })}
            </div>
            if !props.bare {
                <span id={LAST_STOP} tabindex="-1"></span>
                <Spoken text={spoken.unwrap_or_default()} />
            }
        </div>
    }
}
