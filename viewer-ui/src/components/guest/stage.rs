//! The images: the canvas below, letters and sentences above, fingers and keys.

use super::words::{Words, fill};
use crate::components::icon::Icon;
use crate::components::reader::area::use_layout;
use crate::components::reader::hands::{Pointed, use_pointers, use_wheel};
use crate::store::{Command, Content, ReaderView, ViewportView};
use std::rc::Rc;
use viewer_core::state::{Action, Tool};
use yew::prelude::*;

/// What the images show.
#[derive(Properties, PartialEq)]
pub struct StageProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// The language.
    pub words: &'static Words,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// The element that holds the canvas.
    pub stage: NodeRef,
}

/// The images.
#[component]
pub fn Stage(props: &StageProps) -> Html {
    let StageProps {
        view,
        words,
        dispatch,
        stage,
    } = props;
    let words = *words;
    let area = use_node_ref();
    use_layout(&area, view, false, dispatch);
    let is_taught = use_state_eq(|| false);
    let active = view.viewports.get(view.active);
    {
        // Whoever has gone to another image needs no teaching.
        let setter = is_taught.setter();
        let first = use_mut_ref(|| None::<usize>);
        let slice = active.filter(|it| it.slices > 0).map(|it| it.slice);
        use_effect_with(slice, move |slice| {
            let mut first = first.borrow_mut();
            match (*slice, *first) {
                (Some(now), Some(before)) if now != before => setter.set(true),
                (Some(now), None) => *first = Some(now),
                _ => {}
            }
        });
    }
    let dismiss = {
        let setter = is_taught.setter();
        Callback::from(move |_: MouseEvent| setter.set(true))
    };
    let position = active.filter(|it| it.slices > 1).map(|it| {
        let numbers = [(it.slice + 1).to_string(), it.slices.to_string()];
        fill(words.position, &[&numbers[0], &numbers[1]])
    });
    let mut series = view.rail.iter().flat_map(|group| &group.series);
    let failed = series.find(|it| it.is_active).map_or(0, |it| it.failed);
    let is_two = view.viewports.len() > 1;
    let can_teach = active.is_some_and(|it| it.slices > 1 && it.content == Content::Image);
    html! {
        <div class="area" ref={area}>
            <div class="stage-host" ref={stage.clone()}></div>
            <div class={classes!("grid", if is_two { "g12" } else { "g11" })}>
                {for view.viewports.iter().enumerate().map(|(index, viewport)| html! {
                    <Cell key={index} {index} viewport={viewport.clone()} {words}
                        tool={view.tool} is_active={index == view.active} {is_two}
                        dispatch={dispatch.clone()} />
                })}
            </div>
            <p class="guest-limit">{words.limit}</p>
            if failed > 0 {
                <p class="guest-missing warn" role="status">
                    <Icon name="warn" small=true />
                    {fill(words.missing, &[&failed.to_string()])}
                </p>
            }
            if can_teach && !*is_taught {
                <div class="guest-coach">
                    <p>{words.coach}</p>
                    <button class="round" aria-label={words.dismiss} onclick={dismiss}>
                        <Icon name="close" />
                    </button>
                </div>
            }
            <p class="vh" aria-live="polite">{position.unwrap_or_default()}</p>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct CellProps {
    index: usize,
    viewport: ViewportView,
    words: &'static Words,
    tool: Tool,
    is_active: bool,
    is_two: bool,
    dispatch: Callback<Command>,
}

/// One image.
#[component]
fn Cell(props: &CellProps) -> Html {
    let CellProps {
        index,
        viewport,
        words,
        dispatch,
        ..
    } = props;
    let index = *index;
    let node = use_node_ref();
    let pointed = Pointed {
        index,
        tool: props.tool,
        crosshair: None,
        is_plane: false,
        is_active: props.is_active,
        brightens: true,
    };
    let pointers = use_pointers(pointed, &node, dispatch);
    use_wheel(index, &node, dispatch);
    let onkeydown = {
        let dispatch = dispatch.clone();
        Callback::from(move |event: KeyboardEvent| {
            let delta = match event.key().as_str() {
                "ArrowDown" | "ArrowRight" => 1,
                "ArrowUp" | "ArrowLeft" => -1,
                "PageDown" => 10,
                "PageUp" => -10,
                "Home" => i64::from(i32::MIN),
                "End" => i64::from(i32::MAX),
                _ => return,
            };
            event.prevent_default();
            dispatch.emit(Command::Act(Action::ScrollBy {
                viewport: index,
                delta,
            }));
        })
    };
    let onfocusin = dispatch.reform(move |_: FocusEvent| Command::Act(Action::Activate(index)));
    let class = classes!(
        "vp",
        (props.is_active && props.is_two).then_some("active"),
        (viewport.content == Content::Image).then_some("shows")
    );
    let label = if props.is_two {
        format!("{} {}", words.image, index + 1)
    } else {
        words.image.to_owned()
    };
    html! {
        <section {class} id={format!("viewport-{index}")} role="application"
            aria-label={label} tabindex="0" ref={node} {onfocusin} {onkeydown}
            onpointerdown={pointers.down} onpointermove={pointers.moved}
            onpointerup={pointers.up} onpointercancel={pointers.cancelled}
            onpointerleave={pointers.left}
            oncontextmenu={Callback::from(|event: MouseEvent| event.prevent_default())}>
            {content(index, viewport, words, dispatch)}
            if viewport.content == Content::Image {
                {letters(viewport)}
            }
        </section>
    }
}

/// Which side of the patient is where.
fn letters(viewport: &ViewportView) -> Html {
    let letters = &viewport.letters;
    let all = [
        ("l", &letters.left),
        ("r", &letters.right),
        ("t", &letters.top),
        ("b", &letters.bottom),
    ];
    html! {
        {for all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(class, text)| html! {
            <span class={classes!("ori", class)}>{text.clone()}</span>
        })}
    }
}

fn content(
    index: usize,
    viewport: &ViewportView,
    words: &Words,
    dispatch: &Callback<Command>,
) -> Html {
    match &viewport.content {
        Content::Image | Content::Empty => Html::default(),
        Content::Loading(_) => html! {
            <p class="vp-words" role="status">{words.loading}</p>
        },
        Content::Document(_) => html! { <p class="vp-words">{words.report}</p> },
        Content::Failed {
            can_fetch_again, ..
        } => {
            let again = dispatch.reform(move |_: MouseEvent| Command::FetchAgain(index));
            html! {
                <div class="inplace" role="status">
                    <span class="warn"><Icon name="warn" /></span>
                    <p>{words.failed}</p>
                    if *can_fetch_again {
                        <p class="acts">
                            <button class="btn" onclick={again}>{words.again}</button>
                        </p>
                    }
                </div>
            }
        }
    }
}
