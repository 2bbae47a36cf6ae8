//! The slab of the active plane or images: thickness by slider or typed, projection; and which volume is cut.

use super::pop::Pop;
use crate::components::icon::Icon;
use crate::input::keys::Popover;
use crate::input::slab;
use crate::platform::page;
use crate::store::{Command, MprView, SlabView};
use viewer_core::geometry::{MAX_SLAB_MM, Projection};
use viewer_core::state::Action;
use viewer_core::tools::overlay::{number, projection_name};
use yew::prelude::*;

/// The projections in their order.
const PROJECTIONS: [Projection; 3] = [Projection::Mip, Projection::MinIp, Projection::Mean];

/// What the group shows.
#[derive(Properties, PartialEq)]
pub struct SlabProps {
    /// The slab of the active viewport.
    pub slab: SlabView,
    /// The active viewport.
    pub active: usize,
    /// Where commands go.
    pub dispatch: Callback<Command>,
}

fn send(props: &SlabProps) -> impl Fn(f64, Projection) + Clone + 'static {
    let (dispatch, viewport) = (props.dispatch.clone(), props.active);
    move |thickness_mm, projection| {
        dispatch.emit(Command::Act(Action::SetSlab {
            viewport,
            slab: slab::of(thickness_mm, projection),
        }));
    }
}

/// Gives the keyboard back to the images.
fn to_images(viewport: usize) {
    page::focus_on(&format!("#viewport-{viewport}"));
}

fn typed_in(event: &Event) -> String {
    let input = event.target_dyn_into::<web_sys::HtmlInputElement>();
    input.map(|input| input.value()).unwrap_or_default()
}

/// Thickness and projection.
#[component]
pub fn SlabGroup(props: &SlabProps) -> Html {
    let (slab_now, active) = (props.slab, props.active);
    let words = slab::words(slab_now.thickness_mm);
    let oninput = {
        let (send, projection) = (send(props), slab_now.projection);
        Callback::from(move |event: InputEvent| {
            if let Ok(thickness_mm) = typed_in(&event).parse() {
                send(thickness_mm, projection);
            }
        })
    };
    // A pointer that lets the slider go has done with it; keys stay with it.
    let onpointerup = Callback::from(move |_: PointerEvent| to_images(active));
    html! {
        <div class="slab" role="group" aria-label="Slab of the active viewport">
            <Icon name="slab" />
            <label for="slab" class="t2">{"Slab"}</label>
            <input id="slab" type="range" min="0" max={number(MAX_SLAB_MM, 0)} step="1"
                title="Thickness of the active viewport's slab (Shift+\u{2191}, Shift+\u{2193})"
                value={number(slab_now.thickness_mm.round(), 0)} aria-valuetext={words} {oninput}
                {onpointerup} />
            <Thickness slab={slab_now} {active} dispatch={props.dispatch.clone()} />
            <Projections slab={slab_now} {active} dispatch={props.dispatch.clone()} />
        </div>
    }
}

/// The thickness in words; a click opens a field for it.
#[component]
fn Thickness(props: &SlabProps) -> Html {
    // What stands in the field while it is open.
    let draft = use_state_eq(|| None::<String>);
    let is_refused = use_state_eq(|| false);
    // Leaving the field takes what was typed, unless Enter or Escape has said so already.
    let is_done = use_mut_ref(|| false);
    let node = use_node_ref();
    let (thickness_mm, projection) = (props.slab.thickness_mm, props.slab.projection);
    {
        let node = node.clone();
        use_effect_with(draft.is_some(), move |is_open| {
            let input = node.cast::<web_sys::HtmlInputElement>();
            if let (true, Some(input)) = (*is_open, input) {
                // Without the focus it can still be clicked.
                let _ = input.focus();
                input.select();
            }
        });
    }
    let Some(text) = (*draft).clone() else {
        let (draft, refuse) = (draft.setter(), is_refused.setter());
        let onclick = Callback::from(move |_: MouseEvent| {
            is_done.replace(false);
            refuse.set(false);
            let decimals = usize::from(thickness_mm.fract() != 0.0);
            draft.set(Some(number(thickness_mm, decimals)));
        });
        return html! {
            <button class="tool mm" title="Type the thickness" {onclick}>
                <span class="vh">{"Thickness "}</span>{slab::words(thickness_mm)}
            </button>
        };
    };
    let oninput = {
        let draft = draft.setter();
        Callback::from(move |event: InputEvent| draft.set(Some(typed_in(&event))))
    };
    let onkeydown = {
        let (draft, refuse, is_done) = (draft.setter(), is_refused.setter(), is_done.clone());
        let (send, active) = (send(props), props.active);
        Callback::from(move |event: KeyboardEvent| {
            match event.key().as_str() {
                "Enter" => match slab::typed_mm(&typed_in(&event)) {
                    Some(typed) => send(typed, projection),
                    None => return refuse.set(true),
                },
                "Escape" => {}
                _ => return,
            }
            event.prevent_default();
            event.stop_propagation();
            is_done.replace(true);
            draft.set(None);
            to_images(active);
        })
    };
    let onblur = {
        let (draft, send) = (draft.setter(), send(props));
        Callback::from(move |event: FocusEvent| {
            let typed = slab::typed_mm(&typed_in(&event));
            if let Some(typed) = typed.filter(|_| !is_done.replace(true)) {
                send(typed, projection);
            }
            draft.set(None);
        })
    };
    let hint = format!("0 to {} mm", number(MAX_SLAB_MM, 0));
    html! {
        <span class="anchor">
            <input class="field num mm" inputmode="decimal" aria-label="Thickness in millimetres"
                aria-invalid={is_refused.to_string()}
                aria-describedby={is_refused.then_some("slab-hint")} title={hint.clone()} value={text}
                ref={node} {oninput} {onkeydown} {onblur} />
            if *is_refused {
                <span class="tip refused" id="slab-hint" role="alert">
                    <Icon name="error" tiny=true />{hint}
                </span>
            }
        </span>
    }
}

/// Projection of the slab. Without a slab none is chosen, and choosing one makes a slab.
#[component]
fn Projections(props: &SlabProps) -> Html {
    let node = use_node_ref();
    let chosen = (props.slab.thickness_mm > 0.0).then_some(props.slab.projection);
    let place = PROJECTIONS.iter().position(|it| chosen == Some(*it));
    let choose = {
        let (send, thickness_mm) = (send(props), slab::projected_mm(props.slab.thickness_mm));
        move |projection| send(thickness_mm, projection)
    };
    let onkeydown = {
        let (node, choose) = (node.clone(), choose.clone());
        Callback::from(move |event: KeyboardEvent| {
            let count = PROJECTIONS.len();
            let (next, step) = match (event.key().as_str(), place) {
                ("ArrowRight" | "ArrowDown", None) => (0, 0),
                ("ArrowRight" | "ArrowDown", Some(place)) => ((place + 1) % count, 1),
                ("ArrowLeft" | "ArrowUp", place) => ((place.unwrap_or(0) + count - 1) % count, -1),
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            choose(PROJECTIONS[next]);
            if let Some(group) = node.cast::<web_sys::Element>() {
                page::rove(&group, step);
            }
        })
    };
    html! {
        <div class="seg" role="radiogroup" aria-label="Projection" ref={node} {onkeydown}>
            {for PROJECTIONS.iter().enumerate().map(|(index, projection)| {
                let projection = *projection;
                let choose = choose.clone();
                let onclick = Callback::from(move |_: MouseEvent| choose(projection));
                let is_stop = index == place.unwrap_or(0);
                html! {
                    <button role="radio" aria-checked={(chosen == Some(projection)).to_string()}
                        tabindex={if is_stop { "0" } else { "-1" }} {onclick}>
                        {projection_name(projection)}
                    </button>
                }
            })}
        </div>
    }
}

/// What the choice of a volume needs.
#[derive(Properties, PartialEq)]
pub struct VolumesProps {
    /// The planes.
    pub mpr: MprView,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// Its popover is open.
    pub is_open: bool,
    /// Opens or closes the popover.
    pub toggle: Callback<Popover>,
    /// Closes it.
    pub close: Callback<()>,
}

/// Which volume of the series is cut; nothing where there is but one.
#[component]
pub fn Volumes(props: &VolumesProps) -> Html {
    let mpr = &props.mpr;
    if mpr.volumes.len() < 2 {
        return Html::default();
    }
    let name = |index: usize| match mpr.volumes.get(index) {
        Some(name) if !name.is_empty() => name.clone(),
        _ => format!("Volume {}", index + 1),
    };
    let choose = |index: usize| {
        let (dispatch, close) = (props.dispatch.clone(), props.close.clone());
        Callback::from(move |_: MouseEvent| {
            dispatch.emit(Command::Act(Action::ChooseVolume(index)));
            close.emit(());
        })
    };
    let onclick = props.toggle.reform(|_: MouseEvent| Popover::Volumes);
    let title = format!("Volume of the series: {}", name(mpr.chosen));
    html! {
        <span class="anchor">
            <button class="tool preset volume" {title} aria-haspopup="true"
                aria-expanded={props.is_open.to_string()} {onclick}>
                <span class="clip">{name(mpr.chosen)}</span><Icon name="down" tiny=true />
            </button>
            if props.is_open {
                <Pop label="Volumes" class="menu volumes" by_letter=true close={props.close.clone()}>
                    <div role="menu" aria-label="Volumes">
                        {for (0..mpr.volumes.len()).map(|index| html! {
                            <button class="row" role="menuitemradio"
                                aria-checked={(index == mpr.chosen).to_string()} onclick={choose(index)}>
                                <span class="name">{name(index)}</span>
                            </button>
                        })}
                    </div>
                </Pop>
            }
        </span>
    }
}
