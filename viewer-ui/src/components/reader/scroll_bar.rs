//! The scroll bar of a stack: pale = loaded, dark = not yet, amber = failed, white block = here.

use crate::platform::pointer;
use crate::store::Command;
use viewer_core::state::Action;
use yew::prelude::*;

/// What the bar shows.
#[derive(Properties, PartialEq)]
pub struct ScrollBarProps {
    /// Its viewport.
    pub viewport: usize,
    /// The slice on screen.
    pub slice: usize,
    /// All slices.
    pub slices: usize,
    /// Runs of loaded slices.
    pub loaded: Vec<(usize, usize)>,
    /// Failed slices.
    pub failed: Vec<usize>,
    /// Of a plane, whose stops are not loaded one by one: without runs.
    pub is_plane: bool,
    /// "Image 212 of 436", "Axial plane 215 of 449".
    pub spoken: AttrValue,
    /// Where commands go.
    pub dispatch: Callback<Command>,
}

/// Share of the bar's height, as an SVG percentage.
pub fn percent(part: f64, whole: usize) -> String {
    format!("{:.3}%", part * 100.0 / whole.max(1) as f64)
}

/// The scroll bar.
#[component]
pub fn ScrollBar(props: &ScrollBarProps) -> Html {
    let node = use_node_ref();
    let is_held = use_mut_ref(|| false);
    let go = {
        let (node, dispatch) = (node.clone(), props.dispatch.clone());
        let (viewport, slices) = (props.viewport, props.slices);
        move |event: &PointerEvent| {
            let Some(element) = node.cast::<web_sys::Element>() else {
                return;
            };
            let rect = element.get_bounding_client_rect();
            // 8 px of margin above and below, as in the style sheet.
            let share = (f64::from(event.client_y()) - rect.top() - 8.0) / (rect.height() - 16.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to the stack"
            )]
            let slice = (share.clamp(0.0, 0.999_999) * slices as f64) as usize;
            dispatch.emit(Command::Act(Action::SetSlice { viewport, slice }));
        }
    };
    let onpointerdown = {
        let (node, is_held, go) = (node.clone(), is_held.clone(), go.clone());
        let (dispatch, viewport) = (props.dispatch.clone(), props.viewport);
        Callback::from(move |event: PointerEvent| {
            event.stop_propagation();
            event.prevent_default();
            if event.button() != 0 {
                return;
            }
            if let Some(element) = node.cast::<web_sys::Element>() {
                pointer::capture(&element, event.pointer_id());
            }
            *is_held.borrow_mut() = true;
            dispatch.emit(Command::Act(Action::Activate(viewport)));
            go(&event);
        })
    };
    let onpointermove = {
        let is_held = is_held.clone();
        Callback::from(move |event: PointerEvent| {
            event.stop_propagation();
            if *is_held.borrow() {
                go(&event);
            }
        })
    };
    let onpointerup = Callback::from(move |event: PointerEvent| {
        event.stop_propagation();
        *is_held.borrow_mut() = false;
    });
    // A press here is not one on the image below, whatever becomes of it.
    let ondblclick = Callback::from(|event: MouseEvent| event.stop_propagation());
    let slices = props.slices;
    let label = if props.is_plane {
        "Position of the plane"
    } else {
        "Position in the stack"
    };
    html! {
        <div class="sb" role="scrollbar" aria-orientation="vertical" aria-valuemin="1"
            aria-controls={format!("viewport-{}", props.viewport)}
            aria-valuemax={slices.to_string()} aria-valuenow={(props.slice + 1).to_string()}
            aria-valuetext={props.spoken.clone()} aria-label={label} ref={node}
            {onpointerdown} {onpointermove} onpointerup={onpointerup.clone()}
            onpointercancel={onpointerup} {ondblclick}>
            <svg aria-hidden="true">
                <rect class="track" x="2" y="0" width="6" height="100%" />
                if props.is_plane {
                    <rect class="stops" x="3" y="0" width="4" height="100%" />
                }
                {for props.loaded.iter().map(|(first, end)| html! {
                    <rect class="loaded" x="3" y={percent(*first as f64, slices)} width="4"
                        height={percent((end - first) as f64, slices)} />
                })}
                {for props.failed.iter().map(|slice| html! {
                    <rect class="failed" x="0" y={percent(*slice as f64, slices)} width="10"
                        height="2" />
                })}
                <svg x="-1" y={percent((props.slice as f64) + 0.5, slices)} overflow="visible">
                    <rect class="here" x="0" y="-2" width="12" height="4" />
                </svg>
            </svg>
        </div>
    }
}
