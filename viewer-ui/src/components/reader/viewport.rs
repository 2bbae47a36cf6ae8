//! One viewport: texts, letters, marks and states over the canvas.

use super::crosshair::{CrosshairLayer, class_of};
use super::focus;
use super::hands::{Pointed, use_drop, use_pointers, use_wheel};
use super::scroll_bar::ScrollBar;
use super::stack_lines::StackLines;
use super::time_bar::TimeBar;
use crate::components::icon::Icon;
use crate::store::{Command, Content, ViewportView};
use viewer_core::state::{Action, Tool};
use viewer_core::tools::overlay::plane_name;
use viewer_core::tools::{CornerText, MarkKind};
use viewer_core::volume::PlaneKind;
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
    // What is not drawn is not taken hold of.
    let crosshair = viewport.crosshair.as_ref();
    let crosshair = crosshair.filter(|_| props.overlay && viewport.content == Content::Image);
    let pointers = use_pointers(
        Pointed {
            index,
            tool: props.tool,
            crosshair,
            is_plane: viewport.plane.is_some(),
            is_active: props.has_focus,
            brightens: false,
        },
        &node,
        dispatch,
    );
    let drop = use_drop(index, &node, dispatch);
    use_wheel(index, &node, dispatch);
    {
        // The active viewport has the keyboard; opening a study puts the focus on the first one.
        let node = node.clone();
        use_effect_with((props.has_focus, viewport.series), move |(has_focus, _)| {
            if *has_focus && let Some(element) = node.cast::<web_sys::HtmlElement>() {
                focus::take(&element);
            }
        });
    }
    // From the viewport itself or anything in it.
    let onfocusin = dispatch.reform(move |_: FocusEvent| Command::Act(Action::Activate(index)));
    let class = classes!(
        "vp",
        (props.is_active && !props.bare).then_some("active"),
        props.hidden.then_some("hidden"),
        drop.is_target.then_some("target"),
        (!viewport.marks.is_empty()).then_some("marked"),
        (viewport.content == Content::Image).then_some("shows")
    );
    // Planes are of one time: the slider stands in one of them.
    let has_slider = viewport.content == Content::Image && (viewport.plane.is_none() || index == 0);
    let time = viewport.time.clone().filter(|_| has_slider);
    html! {
        <section {class} id={format!("viewport-{index}")} aria-label={label(viewport)}
            role="application" aria-roledescription="viewport" tabindex="0" ref={node}
            {onfocusin} ondragover={drop.over} ondragleave={drop.leave} ondrop={drop.dropped}
            onpointerdown={pointers.down} onpointermove={pointers.moved} onpointerup={pointers.up}
            onpointercancel={pointers.cancelled} onpointerleave={pointers.left}
            ondblclick={pointers.double}
            oncontextmenu={Callback::from(|event: MouseEvent| event.prevent_default())}>
            if !props.bare {
                {content(index, viewport, dispatch)}
                if let Some(crosshair) = crosshair {
                    <CrosshairLayer crosshair={crosshair.clone()}
                        has_handles={props.tool == Tool::Crosshair} />
                }
                if props.overlay && viewport.content == Content::Image {
                    <StackLines reference_line={viewport.reference_line}
                        pointed={viewport.pointed} />
                }
                {texts(props)}
                if let Some(time) = time {
                    <TimeBar viewport={index} {time} dispatch={dispatch.clone()} />
                }
                if viewport.slices > 1 {
                    <ScrollBar viewport={index} slice={viewport.slice} slices={viewport.slices}
                        loaded={viewport.loaded_runs.clone()} failed={viewport.failed_slices.clone()}
                        is_plane={viewport.plane.is_some()} spoken={position(viewport)}
                        dispatch={dispatch.clone()} />
                }
            }
        </section>
    }
}

/// "Viewport A: 2 · Lung 1.0". The image's number is spoken elsewhere, so the name stays the same while
/// scrolling.
fn label(viewport: &ViewportView) -> String {
    let what: Vec<String> = viewport
        .corners
        .top_left
        .iter()
        .map(|line| line.spans.iter().map(|span| span.text.as_str()).collect())
        .collect();
    match (what.is_empty(), &viewport.content) {
        (false, _) => format!("Viewport {}: {}", viewport.letter, what.join(", ")),
        (true, Content::Empty) => format!("Viewport {}, empty", viewport.letter),
        (true, _) => format!("Viewport {}", viewport.letter),
    }
}

/// Where it stands, for its scroll bar: "Image 212 of 436", "Axial plane 215 of 449".
fn position(viewport: &ViewportView) -> String {
    match viewport.plane {
        // In planes nothing plays, so this is always the place.
        Some(_) => viewport.spoken.clone(),
        None => format!("Image {} of {}", viewport.slice + 1, viewport.slices),
    }
}

/// The letter of a plane on its colour.
fn badge(kind: PlaneKind) -> Html {
    let letter: String = plane_name(kind).chars().take(1).collect();
    html! { <span class={classes!("plane", class_of(kind))} aria-hidden="true">{letter}</span> }
}

fn corner(class: &'static str, lines: &CornerText, plane: Option<PlaneKind>) -> Html {
    html! {
        <div class={classes!("ov", class)}>
            {for lines.iter().enumerate().map(|(place, line)| html! {
                <div class={line.optional.then_some("opt")}>
                    if let (0, Some(kind)) = (place, plane) {
                        {badge(kind)}
                    }
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
                {corner("tl", &viewport.corners.top_left, viewport.plane)}
                {corner("bl", &viewport.corners.bottom_left, None)}
                {corner("br", &viewport.corners.bottom_right, None)}
            } else if let Some(kind) = viewport.plane {
                // Letters stay without the text: this one says which plane it is.
                <div class="ov tl">{badge(kind)}</div>
            }
            {marks(props.index, viewport)}
            if viewport.content == Content::Image {
                {letter("l", &letters.left)}
                {letter("r", &letters.right)}
                {letter("t", &letters.top)}
                {letter("b", &letters.bottom)}
            }
        </>
    }
}

fn marks(index: usize, viewport: &ViewportView) -> Html {
    let Some(gravest) = viewport.marks.first() else {
        return Html::default();
    };
    let (icon, class) = match gravest.kind {
        MarkKind::Missing => ("warn", Some("w")),
        MarkKind::Waiting => ("offline", Some("w")),
        MarkKind::Disagreement => ("warn", Some("w")),
        MarkKind::Video => ("info", Some("w")),
        MarkKind::Lossy => ("lossy", Some("w")),
        MarkKind::Uncalibrated => ("length", Some("w")),
        MarkKind::Gaps => ("warn", Some("w")),
        MarkKind::Tilt => ("tilt", None),
        MarkKind::Coarse => ("ring60", Some("w")),
        MarkKind::Note => ("info", None),
        MarkKind::Loading => ("ring60", None),
        MarkKind::Cpu => ("chip", None),
    };
    let more = viewport.marks.len() - 1;
    let tip = format!("marks-{index}");
    html! {
        <div class="ov tr">
            <button class={classes!("state", class)} aria-describedby={tip.clone()}>
                <Icon name={icon} small=true /><span>{&gravest.label}</span>
                if more > 0 { <span class="t2">{format!("+{more}")}</span> }
            </button>
            <dl class="tip" role="tooltip" id={tip}>
                {for viewport.marks.iter().map(|mark| html! {
                    <div><dt>{&mark.label}</dt><dd>{&mark.sentence}</dd></div>
                })}
            </dl>
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
            let has_next = viewport.plane.is_none() && viewport.slice + 1 < viewport.slices;
            html! {
                <div class="inplace" role="status">
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
