//! What opens under a button: presets, layout, view; and the keyboard overlay.

use crate::components::icon::Icon;
use crate::input::keys::{SHEET, ZOOM_STEP};
use crate::platform::page;
use crate::store::{Command, ReaderView};
use std::rc::Rc;
use viewer_core::pixel::Window;
use viewer_core::state::{Action, Direction, Layout, ViewChange};
use viewer_core::tools::overlay::window_number;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
struct PopProps {
    label: AttrValue,
    class: &'static str,
    close: Callback<()>,
    children: Html,
}

/// A popover: takes the focus, closes by Escape or a press outside, gives the focus back.
#[component]
fn Pop(props: &PopProps) -> Html {
    let node = use_node_ref();
    {
        let (node, close) = (node.clone(), props.close.clone());
        use_effect_with((), move |()| {
            let element = node.cast::<web_sys::Element>();
            let guard = element.map(|element| page::hold_focus(element, move || close.emit(())));
            move || {
                if let Some(guard) = guard {
                    guard();
                }
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
            let in_field = event
                .target_dyn_into::<web_sys::HtmlInputElement>()
                .is_some();
            if let (false, Some(element)) = (in_field, node.cast::<web_sys::Element>()) {
                event.prevent_default();
                event.stop_propagation();
                page::rove(&element, step);
            }
        })
    };
    html! {
        <div class={classes!("pop", props.class)} role="dialog" aria-label={props.label.clone()}
            ref={node} {onkeydown}>
            {props.children.clone()}
        </div>
    }
}

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

/// Window presets, and fields for width and level.
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
    let field = |label: &'static str, value: f64, make: fn(f64, Window) -> Window| {
        let dispatch = props.dispatch.clone();
        let window = props.view.window;
        let onchange = Callback::from(move |event: Event| {
            let input = event.target_dyn_into::<web_sys::HtmlInputElement>();
            let typed = input.and_then(|input| {
                input
                    .value()
                    .trim()
                    .replace(',', ".")
                    .replace('\u{2212}', "-")
                    .parse()
                    .ok()
            });
            if let (Some(typed), Some(window)) = (typed, window) {
                let window = make(typed, window);
                dispatch.emit(Command::Act(Action::SetWindow { viewport, window }));
            }
        });
        html! {
            <label>{label}
                <input class="field" inputmode="decimal" value={window_number(value)} {onchange} />
            </label>
        }
    };
    html! {
        <Pop label="Window presets" class="presets menu" close={props.close.clone()}>
            {for props.view.presets.iter().enumerate().map(|(index, preset)| html! {
                <button class="row" role="menuitemradio" aria-checked={preset.is_chosen.to_string()}
                    onclick={choose(index)}>
                    {&preset.name}
                    <span class="val">{&preset.values}{" "}<kbd>{index + 1}</kbd></span>
                </button>
            })}
            if props.view.presets.is_empty() {
                <p class="hint pad">{"This image names no window."}</p>
            }
            if let Some(window) = props.view.window {
                <div class="wl">
                    {field("W", window.width, |typed, window| Window {
                        width: if typed > 0.0 { typed } else { window.width },
                        ..window
                    })}
                    {field("L", window.center, |typed, window| Window { center: typed, ..window })}
                </div>
            }
        </Pop>
    }
}

/// What the layout popover shows.
#[derive(Properties, PartialEq)]
pub struct LayoutProps {
    /// The layout on screen.
    pub layout: Option<Layout>,
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
    html! {
        <Pop label="Layout" class="lay" close={props.close.clone()}>
            <div class="lg" role="radiogroup" aria-label="Grid">
                {for Layout::OFFERED.into_iter().map(cell)}
            </div>
        </Pop>
    }
}

/// What the view popover acts on.
#[derive(Properties, PartialEq)]
pub struct ViewProps {
    /// The active viewport.
    pub active: usize,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// Closes it.
    pub close: Callback<()>,
}

/// Turn, flip, fit, one to one, zoom.
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
                <Icon name={icon} small=true />{label}<span class="val"><kbd>{key}</kbd></span>
            </button>
        }
    };
    let zoom = |factor| ViewChange::ZoomBy {
        factor,
        about: None,
    };
    html! {
        <Pop label="Turn, flip, zoom" class="menu turn" close={props.close.clone()}>
            {row("rotate", "Turn right", ".", ViewChange::Turn(Direction::Right))}
            {row("reset", "Turn left", ",", ViewChange::Turn(Direction::Left))}
            {row("flip", "Flip across", "H", ViewChange::Flip(Direction::Left))}
            {row("flip", "Flip down", "Shift+H", ViewChange::Flip(Direction::Down))}
            <hr />
            {row("zoom", "Zoom in", "+", zoom(ZOOM_STEP))}
            {row("zoom", "Zoom out", "-", zoom(1.0 / ZOOM_STEP))}
            {row("rect", "Fit", "F", ViewChange::Fit)}
            {row("fullscreen", "One to one", "O", ViewChange::OneToOne)}
        </Pop>
    }
}

/// What the keyboard overlay needs.
#[derive(Properties, PartialEq)]
pub struct KeySheetProps {
    /// Closes it.
    pub close: Callback<()>,
}

/// All keys that exist.
#[component]
pub fn KeySheet(props: &KeySheetProps) -> Html {
    html! {
        <div class="scrim">
            <Pop label="Keyboard" class="keysheet" close={props.close.clone()}>
                <header>
                    <h2>{"Keyboard"}</h2>
                    <span class="grow"></span>
                    <button class="tool" aria-label="Close" title="Close (Esc)"
                        onclick={props.close.reform(|_| ())}><Icon name="close" /></button>
                </header>
                <div class="kcols">
                    {for SHEET.iter().map(|(title, keys)| html! {
                        <section>
                            <h3>{*title}</h3>
                            <dl>
                                {for keys.iter().map(|(name, caps)| html! {
                                    <div>
                                        <dt>{*name}</dt>
                                        <dd>{for caps.iter().map(|cap| html! { <kbd>{*cap}</kbd> })}</dd>
                                    </div>
                                })}
                            </dl>
                        </section>
                    })}
                </div>
            </Pop>
        </div>
    }
}
