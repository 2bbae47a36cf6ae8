//! What opens under a button of the bar: presets, layout, view.

use super::pop::Pop;
use super::slab::SlabGroup;
use crate::components::icon::Icon;
use crate::input::keys::ZOOM_STEP;
use crate::input::typed;
use crate::store::{Command, ReaderView, SlabView};
use std::rc::Rc;
use viewer_core::pixel::Window;
use viewer_core::state::{Action, Direction, Layout, ViewChange};
use viewer_core::tools::overlay::window_number;
use yew::prelude::*;

/// What the preset popover shows.
#[derive(Properties, PartialEq)]
pub struct PresetProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// Closes it.
    pub close: Callback<()>,
}

/// Window presets, fields for width and level, and inversion.
#[component]
pub fn PresetPopover(props: &PresetProps) -> Html {
    let viewport = props.view.active;
    let choose = |index: usize| {
        let (dispatch, close) = (props.dispatch.clone(), props.close.clone());
        Callback::from(move |_: MouseEvent| {
            dispatch.emit(Command::Act(Action::ChoosePreset { viewport, index }));
            close.emit(());
        })
    };
    let set = |make: fn(f64, Window) -> Window| {
        let (dispatch, window) = (props.dispatch.clone(), props.view.window);
        Callback::from(move |typed: f64| {
            if let Some(window) = window.map(|window| make(typed, window)) {
                dispatch.emit(Command::Act(Action::SetWindow { viewport, window }));
            }
        })
    };
    let invert = props
        .dispatch
        .reform(move |_: MouseEvent| Command::Act(Action::Invert(viewport)));
    html! {
        <Pop label="Window presets" class="presets menu" by_letter=true close={props.close.clone()}>
            if props.view.presets.is_empty() {
                <p class="hint pad">{"This image names no window."}</p>
            } else {
                <div role="menu" aria-label="Window presets">
                    {for props.view.presets.iter().enumerate().map(|(index, preset)| html! {
                        <button class="row" role="menuitemradio" aria-checked={preset.is_chosen.to_string()}
                            onclick={choose(index)}>
                            <kbd>{index + 1}</kbd>
                            <span class="name">{&preset.name}</span>
                            <span class="val">{&preset.values}</span>
                        </button>
                    })}
                </div>
            }
            if let Some(window) = props.view.window {
                <div class="wl">
                    <NumberField label="Width" value={window.width} must_be_positive=true
                        set={set(|width, window| Window { width, ..window })} />
                    <NumberField label="Level" value={window.center} must_be_positive=false
                        set={set(|center, window| Window { center, ..window })} />
                </div>
            }
            <hr />
            <button class="row" onclick={invert}>
                <Icon name="invert" small=true /><span class="name">{"Invert"}</span>
                <span class="val"><kbd>{"I"}</kbd></span>
            </button>
        </Pop>
    }
}

#[derive(Properties, PartialEq)]
struct NumberProps {
    label: AttrValue,
    value: f64,
    must_be_positive: bool,
    set: Callback<f64>,
}

/// A number that can be typed. What is none stays in the field and is marked.
#[component]
fn NumberField(props: &NumberProps) -> Html {
    // What was typed and is not taken yet: drawing anew must not take it away.
    let draft = use_state_eq(|| None::<String>);
    let is_refused = use_state_eq(|| false);
    {
        let (draft, refuse) = (draft.setter(), is_refused.setter());
        use_effect_with(props.value, move |_| {
            draft.set(None);
            refuse.set(false);
        });
    }
    let text_of = |event: &Event| {
        let input = event.target_dyn_into::<web_sys::HtmlInputElement>();
        input.map(|input| input.value()).unwrap_or_default()
    };
    let oninput = {
        let draft = draft.setter();
        Callback::from(move |event: InputEvent| draft.set(Some(text_of(&event))))
    };
    let onchange = {
        let (set, draft, refuse) = (props.set.clone(), draft.setter(), is_refused.setter());
        let must_be_positive = props.must_be_positive;
        Callback::from(move |event: Event| {
            let typed = typed::number(&text_of(&event));
            let typed = typed.filter(|typed| !must_be_positive || *typed > 0.0);
            refuse.set(typed.is_none());
            if let Some(typed) = typed {
                draft.set(None);
                set.emit(typed);
            }
        })
    };
    let hint = format!("{}-hint", props.label.to_lowercase());
    let value = (*draft)
        .clone()
        .unwrap_or_else(|| window_number(props.value));
    html! {
        <label>
            <span>{&props.label}</span>
            <input class="field num" inputmode="decimal" aria-invalid={is_refused.to_string()}
                aria-describedby={is_refused.then(|| hint.clone())} {value} {oninput} {onchange} />
            if *is_refused {
                <span class="refused" id={hint}>
                    <Icon name="error" tiny=true />
                    {if props.must_be_positive { "A number above 0" } else { "A number" }}
                </span>
            }
        </label>
    }
}

/// Why three planes cannot be chosen.
pub const NO_SERIES: &str = "Three planes: the active viewport shows no series";

/// What the layout popover shows.
#[derive(Properties, PartialEq)]
pub struct LayoutProps {
    /// The layout on screen; `None` where three planes are.
    pub layout: Option<Layout>,
    /// Three planes are on screen.
    pub in_planes: bool,
    /// There is a series to show in planes, or they are on screen.
    pub can_show_planes: bool,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// Closes it.
    pub close: Callback<()>,
}

/// The grids from 1 x 1 to 3 x 3.
#[component]
pub fn LayoutPopover(props: &LayoutProps) -> Html {
    let cell = |layout: Layout| {
        let (dispatch, close) = (props.dispatch.clone(), props.close.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            dispatch.emit(Command::Act(Action::SetLayout(layout)));
            close.emit(());
        });
        let name = format!("{} \u{d7} {}", layout.rows, layout.columns);
        let (width, height) = (
            33.0 / f64::from(layout.columns),
            25.0 / f64::from(layout.rows),
        );
        let places = (0..layout.rows).flat_map(|row| {
            (0..layout.columns).map(move |column| (f64::from(row), f64::from(column)))
        });
        html! {
            <button role="radio" aria-checked={(props.layout == Some(layout)).to_string()}
                aria-label={name.clone()} title={name} {onclick}>
                <svg viewBox="0 0 36 28" aria-hidden="true">
                    {for places.map(|(row, column)| html! {
                        <rect x={format!("{:.1}", 2.0 + column * width)}
                            y={format!("{:.1}", 2.0 + row * height)}
                            width={format!("{:.1}", width - 1.5)}
                            height={format!("{:.1}", height - 1.5)} />
                    })}
                </svg>
            </button>
        }
    };
    let planes = {
        let (dispatch, close) = (props.dispatch.clone(), props.close.clone());
        let shows = !props.in_planes;
        Callback::from(move |_: MouseEvent| {
            dispatch.emit(Command::Act(Action::ShowPlanes(shows)));
            close.emit(());
        })
    };
    html! {
        <Pop label="Layout" class="lay" close={props.close.clone()}>
            <div class="lg" role="radiogroup" aria-label="Grid">
                {for Layout::OFFERED.into_iter().map(cell)}
            </div>
            <div class="menu">
                <hr />
                <button class="row" role="checkbox" aria-checked={props.in_planes.to_string()}
                    disabled={!props.can_show_planes} onclick={planes}
                    title={(!props.can_show_planes).then_some(NO_SERIES)}>
                    <Icon name="mpr" small=true /><span class="name">{"Three planes"}</span>
                    <span class="val"><kbd>{"M"}</kbd></span>
                </button>
            </div>
        </Pop>
    }
}

/// What the view popover acts on.
#[derive(Properties, PartialEq)]
pub struct ViewProps {
    /// The active viewport.
    pub active: usize,
    /// Overlay planes are shown; `None` where no image on screen has any.
    pub planes: Option<bool>,
    /// The slab of the images, where they can have one and the bar does not show it.
    pub slab: Option<SlabView>,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// Closes it.
    pub close: Callback<()>,
}

/// Turn, flip, fit, one to one, zoom; overlay planes and a slab where the images can have them.
#[component]
pub fn ViewPopover(props: &ViewProps) -> Html {
    let viewport = props.active;
    let row = |icon: &'static str, label: &'static str, key: &'static str, change: ViewChange| {
        let dispatch = props.dispatch.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            dispatch.emit(Command::Act(Action::ChangeView { viewport, change }));
        });
        html! {
            <button class="row" {onclick}>
                <Icon name={icon} small=true /><span class="name">{label}</span><span class="val"><kbd>{key}</kbd></span>
            </button>
        }
    };
    let toggle_planes = props
        .dispatch
        .reform(|_: MouseEvent| Command::Act(Action::ToggleOverlayPlanes));
    let zoom = |factor| ViewChange::ZoomBy {
        factor,
        about: None,
    };
    html! {
        <Pop label="Turn, flip, zoom" class="menu turn" close={props.close.clone()}>
            {row("rotate", "Turn right", ".", ViewChange::Turn(Direction::Right))}
            {row("reset", "Turn left", ",", ViewChange::Turn(Direction::Left))}
            {row("flip", "Flip across", "H", ViewChange::Flip(Direction::Left))}
            {row("flipdown", "Flip down", "Shift+H", ViewChange::Flip(Direction::Down))}
            <hr />
            {row("zoom", "Zoom in", "+", zoom(ZOOM_STEP))}
            {row("zoomout", "Zoom out", "-", zoom(1.0 / ZOOM_STEP))}
            {row("fullscreen", "Fit", "F", ViewChange::Fit)}
            {row("one", "One to one", "O", ViewChange::OneToOne)}
            if let Some(are_shown) = props.planes {
                <hr />
                <button class="row" onclick={toggle_planes}>
                    <Icon name="eye" small=true />
                    <span class="name">
                        {if are_shown { "Hide overlay planes" } else { "Show overlay planes" }}
                    </span>
                    <span class="val"><kbd>{"Shift+O"}</kbd></span>
                </button>
            }
            if let Some(slab) = props.slab {
                <hr />
                <SlabGroup {slab} active={viewport} dispatch={props.dispatch.clone()} />
            }
        </Pop>
    }
}
