//! One viewport: texts, letters, marks and states over the canvas, and what pointers do to it.

use super::rail::DRAG_TYPE;
use super::scroll_bar::ScrollBar;
use crate::components::icon::Icon;
use crate::input::gesture::{self, Steps};
use crate::platform::{clock, page, pointer};
use crate::store::{Command, Content, ViewportView};
use viewer_core::model::SeriesId;
use viewer_core::state::{Action, Tool, ViewChange};
use viewer_core::tools::{CornerText, MarkKind};
use yew::prelude::*;

/// What a viewport shows.
#[derive(Properties, PartialEq)]
pub struct ViewportProps {
    /// Its place in the layout.
    pub index: usize,
    /// The snapshot.
    pub viewport: ViewportView,
    /// Drawn as the active one.
    pub is_active: bool,
    /// The active one, whether that is drawn or not.
    pub has_focus: bool,
    /// Behind a large one.
    pub hidden: bool,
    /// What the left button does.
    pub tool: Tool,
    /// Texts are shown.
    pub overlay: bool,
    /// Without any text.
    pub bare: bool,
    /// Where commands go.
    pub dispatch: Callback<Command>,
}

/// Pointers that are down, and what they have done so far.
#[derive(Default)]
struct Held {
    /// Pointer id, last place in CSS pixels, last place in canvas pixels.
    pointers: Vec<(i32, [f64; 2], [f64; 2])>,
    tool: Option<Tool>,
    start: [f64; 2],
    steps: Steps,
    /// When and where the last tap was.
    tap: Option<(f64, [f64; 2])>,
    moved: bool,
}

/// Two taps within this time are a double tap, ms.
const DOUBLE_TAP_MS: f64 = 300.0;

/// One viewport.
#[component]
pub fn ViewportCell(props: &ViewportProps) -> Html {
    let ViewportProps {
        index,
        viewport,
        dispatch,
        ..
    } = props;
    let index = *index;
    let node = use_node_ref();
    let is_target = use_state(|| false);
    let handlers = use_pointers(props, &node);
    {
        let (node, dispatch) = (node.clone(), dispatch.clone());
        use_effect_with(index, move |index| {
            let (index, steps) = (*index, std::cell::RefCell::new(Steps::default()));
            let element = node.cast::<web_sys::Element>();
            let guard = element.map(|element| {
                pointer::on_wheel(element, move |wheel| {
                    dispatch.emit(Command::Act(Action::Activate(index)));
                    if wheel.ctrl {
                        let factor = gesture::wheel_zoom(wheel.delta, wheel.is_lines);
                        let change = ViewChange::ZoomBy {
                            factor,
                            about: Some(wheel.at),
                        };
                        dispatch.emit(Command::Act(Action::ChangeView {
                            viewport: index,
                            change,
                        }));
                        return;
                    }
                    let delta = gesture::wheel_images(
                        &mut steps.borrow_mut(),
                        wheel.delta,
                        wheel.is_lines,
                        wheel.shift,
                    );
                    if delta != 0 {
                        dispatch.emit(Command::Act(Action::ScrollBy {
                            viewport: index,
                            delta,
                        }));
                    }
                })
            });
            move || {
                if let Some(guard) = guard {
                    guard();
                }
            }
        });
    }
    {
        // The active viewport has the keyboard; opening a study puts the focus on the first one.
        let node = node.clone();
        use_effect_with((props.has_focus, viewport.series), move |(has_focus, _)| {
            if *has_focus && let Some(element) = node.cast::<web_sys::HtmlElement>() {
                page::focus_quietly(&element);
            }
        });
    }
    let onfocus = dispatch.reform(move |_: FocusEvent| Command::Act(Action::Activate(index)));
    let drag = drop_handlers(index, dispatch, &is_target);
    let class = classes!(
        "vp",
        (props.is_active && !props.bare).then_some("active"),
        props.hidden.then_some("hidden"),
        is_target.then_some("target"),
        (viewport.content == Content::Image).then_some("shows")
    );
    let label = match viewport.spoken.as_str() {
        "" => format!("Viewport {}", viewport.letter),
        spoken => format!("Viewport {}, {spoken}", viewport.letter),
    };
    html! {
        <section {class} id={format!("viewport-{index}")} aria-label={label} tabindex="0" ref={node}
            {onfocus} ondragover={drag.0} ondragleave={drag.1} ondrop={drag.2}
            onpointerdown={handlers.down} onpointermove={handlers.moved} onpointerup={handlers.up.clone()}
            onpointercancel={handlers.up} onpointerleave={handlers.left}
            ondblclick={handlers.double} oncontextmenu={Callback::from(|e: MouseEvent| e.prevent_default())}>
            if !props.bare {
                {content(index, viewport, dispatch)}
                {texts(props)}
                if viewport.slices > 1 {
                    <ScrollBar viewport={index} slice={viewport.slice} slices={viewport.slices}
                        loaded={viewport.loaded_runs.clone()} failed={viewport.failed_slices.clone()}
                        spoken={viewport.spoken.clone()} dispatch={dispatch.clone()} />
                }
                if props.has_focus {
                    <span class="vh" role="status" aria-live="polite">{&viewport.spoken}</span>
                }
            }
        </section>
    }
}

fn corner(class: &'static str, lines: &CornerText) -> Html {
    html! {
        <div class={classes!("ov", class)}>
            {for lines.iter().map(|line| html! {
                <div class={line.optional.then_some("opt")}>
                    {for line.spans.iter().map(|span| {
                        if span.strong { html! { <b>{&span.text}</b> } } else { html! { {&span.text} } }
                    })}
                </div>
            })}
        </div>
    }
}

fn texts(props: &ViewportProps) -> Html {
    let viewport = &props.viewport;
    let letters = &viewport.letters;
    let letter = |class: &'static str, text: &str| {
        html! {
            if !text.is_empty() { <span class={classes!("ori", class)}>{text.to_owned()}</span> }
        }
    };
    html! {
        <>
            if props.overlay {
                {corner("tl", &viewport.corners.top_left)}
                {corner("bl", &viewport.corners.bottom_left)}
                {corner("br", &viewport.corners.bottom_right)}
            }
            {marks(viewport)}
            if viewport.content == Content::Image {
                {letter("l", &letters.left)}
                {letter("r", &letters.right)}
                {letter("t", &letters.top)}
                {letter("b", &letters.bottom)}
            }
        </>
    }
}

fn marks(viewport: &ViewportView) -> Html {
    let Some(gravest) = viewport.marks.first() else {
        return Html::default();
    };
    let (icon, class) = match gravest.kind {
        MarkKind::Missing => ("warn", Some("w")),
        MarkKind::Waiting => ("offline", Some("w")),
        MarkKind::Lossy => ("lossy", Some("w")),
        MarkKind::Uncalibrated => ("length", Some("w")),
        MarkKind::Loading => ("ring60", None),
        MarkKind::Cpu => ("chip", None),
    };
    let more = viewport.marks.len() - 1;
    let sentences: Vec<String> = viewport
        .marks
        .iter()
        .map(|mark| format!("{}: {}", mark.label, mark.sentence))
        .collect();
    let sentences = sentences.join("\n");
    html! {
        <div class="ov tr">
            <button class={classes!("state", class)} title={sentences.clone()} aria-label={sentences.clone()}>
                <Icon name={icon} small=true />{&gravest.label}
                if more > 0 { <span class="t2">{format!("+{more}")}</span> }
                <span class="tip" role="tooltip">{sentences}</span>
            </button>
        </div>
    }
}

fn content(index: usize, viewport: &ViewportView, dispatch: &Callback<Command>) -> Html {
    match &viewport.content {
        Content::Image => Html::default(),
        Content::Empty => html! { <p class="vp-words">{"Drop a series here"}</p> },
        Content::Loading(words) => html! { <p class="vp-words" role="status">{words}</p> },
        Content::Document(words) => html! {
            <p class="vp-words"><Icon name="doc" small=true />{" "}{words}</p>
        },
        Content::Failed {
            title,
            sentence,
            can_fetch_again,
        } => {
            let again = dispatch.reform(move |_: MouseEvent| Command::FetchAgain(index));
            let next = dispatch.reform(move |_: MouseEvent| {
                Command::Act(Action::ScrollBy {
                    viewport: index,
                    delta: 1,
                })
            });
            let has_next = viewport.slice + 1 < viewport.slices;
            html! {
                <div class="inplace" role="alert">
                    <span class="warn"><Icon name="warn" /></span>
                    <p><b class="b">{title}</b></p>
                    <p class="t2">{sentence}</p>
                    <p class="acts">
                        if *can_fetch_again {
                            <button class="btn" onclick={again}>{"Fetch again"}</button>
                        }
                        if has_next {
                            <button class="btn quiet" onclick={next}>{"Next image"}</button>
                        }
                    </p>
                </div>
            }
        }
    }
}

type DragHandlers = (
    Callback<DragEvent>,
    Callback<DragEvent>,
    Callback<DragEvent>,
);

fn drop_handlers(
    index: usize,
    dispatch: &Callback<Command>,
    is_target: &UseStateHandle<bool>,
) -> DragHandlers {
    let (over, leave, dropped) = (is_target.setter(), is_target.setter(), is_target.setter());
    let dispatch = dispatch.clone();
    (
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            over.set(true);
        }),
        Callback::from(move |_: DragEvent| leave.set(false)),
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            dropped.set(false);
            let text = event
                .data_transfer()
                .and_then(|transfer| transfer.get_data(DRAG_TYPE).ok());
            if let Some(id) = text.and_then(|text| text.parse().ok()) {
                let series = SeriesId(id);
                dispatch.emit(Command::Act(Action::Activate(index)));
                let action = Action::Assign {
                    viewport: index,
                    series,
                    slice: None,
                };
                dispatch.emit(Command::Act(action));
            }
        }),
    )
}

struct Handlers {
    down: Callback<PointerEvent>,
    moved: Callback<PointerEvent>,
    up: Callback<PointerEvent>,
    left: Callback<PointerEvent>,
    double: Callback<MouseEvent>,
}

/// What pointers do to a viewport.
#[hook]
fn use_pointers(props: &ViewportProps, node: &NodeRef) -> Handlers {
    let held = use_mut_ref(Held::default);
    let (index, tool) = (props.index, props.tool);
    let css = |event: &PointerEvent| [f64::from(event.client_x()), f64::from(event.client_y())];
    let down = {
        let (held, node, dispatch) = (held.clone(), node.clone(), props.dispatch.clone());
        Callback::from(move |event: PointerEvent| {
            let Some(element) = node.cast::<web_sys::Element>() else {
                return;
            };
            let on_control = event
                .target_dyn_into::<web_sys::Element>()
                .is_some_and(|target| target.closest("button").ok().flatten().is_some());
            if on_control {
                return;
            }
            dispatch.emit(Command::Act(Action::Activate(index)));
            pointer::capture(&element, event.pointer_id());
            let at = pointer::place(&element, &event);
            let mut held = held.borrow_mut();
            held.pointers.retain(|(id, ..)| *id != event.pointer_id());
            held.pointers.push((event.pointer_id(), css(&event), at));
            held.start = at;
            held.moved = false;
            held.steps = Steps::default();
            let is_touch = event.pointer_type() == "touch";
            held.tool = Some(match event.button() {
                1 => Tool::Pan,
                2 => Tool::Zoom,
                // A finger scrolls unless another tool than the first one was chosen.
                _ if is_touch && tool == Tool::Window => Tool::Scroll,
                _ => tool,
            });
            if event.button() == 1 {
                // No browser's own scrolling by the middle button.
                event.prevent_default();
            }
        })
    };
    let moved = {
        let (held, node, dispatch) = (held.clone(), node.clone(), props.dispatch.clone());
        Callback::from(move |event: PointerEvent| {
            let Some(element) = node.cast::<web_sys::Element>() else {
                return;
            };
            let at = pointer::place(&element, &event);
            let mut held = held.borrow_mut();
            let Some(place) = held
                .pointers
                .iter()
                .position(|(id, ..)| *id == event.pointer_id())
            else {
                drop(held);
                dispatch.emit(Command::Hover(index, Some(at)));
                return;
            };
            let (id, before_css, before_at) = held.pointers[place];
            let now_css = css(&event);
            let way = [now_css[0] - before_css[0], now_css[1] - before_css[1]];
            held.moved |= way != [0.0, 0.0];
            let mut actions = Vec::new();
            if held.pointers.len() >= 2 {
                let other = held.pointers[usize::from(place == 0)].2;
                actions.extend(gesture::pinch(index, [before_at, other], [at, other]));
            } else if let Some(tool) = held.tool {
                let (start, ratio) = (held.start, page::device_pixel_ratio());
                actions.extend(gesture::drag(
                    tool,
                    index,
                    way,
                    start,
                    ratio,
                    &mut held.steps,
                ));
            }
            held.pointers[place] = (id, now_css, at);
            drop(held);
            for action in actions {
                dispatch.emit(Command::Act(action));
            }
        })
    };
    let up = {
        let (held, dispatch) = (held.clone(), props.dispatch.clone());
        Callback::from(move |event: PointerEvent| {
            let mut held = held.borrow_mut();
            held.pointers.retain(|(id, ..)| *id != event.pointer_id());
            if event.pointer_type() != "touch" || held.moved || !held.pointers.is_empty() {
                return;
            }
            let (now, at) = (clock::now_ms(), held.start);
            let is_double = held.tap.is_some_and(|(when, _)| now - when < DOUBLE_TAP_MS);
            held.tap = if is_double { None } else { Some((now, at)) };
            drop(held);
            if is_double {
                let change = ViewChange::ToggleZoom { about: at };
                dispatch.emit(Command::Act(Action::ChangeView {
                    viewport: index,
                    change,
                }));
            } else {
                dispatch.emit(Command::Hover(index, Some(at)));
            }
        })
    };
    let left = props
        .dispatch
        .reform(move |_: PointerEvent| Command::Hover(index, None));
    let double = {
        let dispatch = props.dispatch.clone();
        Callback::from(move |event: MouseEvent| {
            let on_control = event
                .target_dyn_into::<web_sys::Element>()
                .is_some_and(|target| target.closest("button").ok().flatten().is_some());
            let is_touch = held.borrow().tap.is_some();
            if !on_control && !is_touch {
                dispatch.emit(Command::Act(Action::ToggleLarge(index)));
            }
        })
    };
    Handlers {
        down,
        moved,
        up,
        left,
        double,
    }
}
