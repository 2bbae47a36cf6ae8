//! The bar: who, the tools, the view, the study.

use super::Sharing;
use super::popovers::{LayoutPopover, NO_SERIES, PresetPopover, ViewPopover};
use super::share::SharePopover;
use super::slab::{SlabGroup, Volumes};
use crate::components::icon::Icon;
use crate::input::keys::Popover;
use crate::platform::page;
use crate::store::{Command, ReaderView};
use std::rc::Rc;
use viewer_core::state::{Action, Tool};
use yew::prelude::*;

/// What the bar shows.
#[derive(Properties, PartialEq)]
pub struct BarProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// The popover that is open.
    pub open: Option<Popover>,
    /// Makes links; none where the user may not.
    pub sharing: Option<Sharing>,
    /// Opens or closes a popover.
    pub toggle: Callback<Popover>,
    /// Closes what is open.
    pub close: Callback<()>,
}

#[derive(Properties, PartialEq)]
struct ToolProps {
    icon: AttrValue,
    label: AttrValue,
    #[prop_or_default]
    key_name: AttrValue,
    onclick: Callback<()>,
    #[prop_or_default]
    pressed: Option<bool>,
    #[prop_or_default]
    expanded: Option<bool>,
    #[prop_or_default]
    disabled: bool,
}

#[component]
fn ToolButton(props: &ToolProps) -> Html {
    let title = if props.key_name.is_empty() {
        props.label.to_string()
    } else {
        format!("{} ({})", props.label, props.key_name)
    };
    let word = |flag: Option<bool>| flag.map(|flag| if flag { "true" } else { "false" });
    html! {
        <button class={classes!("tool", props.expanded.map(|_| "more"))} {title}
            aria-label={props.label.clone()} aria-pressed={word(props.pressed)}
            aria-expanded={word(props.expanded)} aria-haspopup={props.expanded.map(|_| "true")}
            disabled={props.disabled} onclick={props.onclick.reform(|_| ())}>
            <Icon name={props.icon.clone()} />
        </button>
    }
}

#[derive(Properties, PartialEq)]
struct GroupProps {
    label: AttrValue,
    children: Html,
}

/// A group of tools: one stop for Tab, arrow keys inside.
#[component]
fn Group(props: &GroupProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect(move || {
            if let Some(group) = node.cast::<web_sys::Element>() {
                page::rove(&group, 0);
            }
        });
    }
    let onkeydown = {
        let node = node.clone();
        Callback::from(move |event: KeyboardEvent| {
            let step = match event.key().as_str() {
                "ArrowRight" => 1,
                "ArrowLeft" => -1,
                _ => return,
            };
            if let Some(group) = node.cast::<web_sys::Element>() {
                event.prevent_default();
                event.stop_propagation();
                page::rove(&group, step);
            }
        })
    };
    html! {
        <div class="grp" role="toolbar" aria-label={props.label.clone()} ref={node} {onkeydown}>
            {props.children.clone()}
        </div>
    }
}

/// Plays the active viewport, or stops it. Without several images it says why it cannot.
fn play(view: &ReaderView, onclick: &Callback<()>) -> Html {
    let onclick = onclick.clone();
    match (view.plays, view.can_play) {
        (true, _) => html! {
            <ToolButton icon="pause" label="Stop playing" key_name="Space" {onclick} />
        },
        (false, true) => html! {
            <ToolButton icon="play" label="Play images" key_name="Space" {onclick} />
        },
        (false, false) => html! {
            <ToolButton icon="play" label="Play images: needs more than one" disabled=true {onclick} />
        },
    }
}

/// Shows three planes of the active viewport's series, or goes back to the images.
fn planes(view: &ReaderView, onclick: &Callback<()>) -> Html {
    let onclick = onclick.clone();
    if can_show_planes(view) {
        html! {
            <ToolButton icon="mpr" label="Three planes" key_name="M" pressed={view.mpr.is_some()}
                {onclick} />
        }
    } else {
        html! { <ToolButton icon="mpr" label={NO_SERIES} disabled=true {onclick} /> }
    }
}

/// There is a series to show in planes, or they are on screen.
fn can_show_planes(view: &ReaderView) -> bool {
    let active = view.viewports.get(view.active);
    view.mpr.is_some() || active.is_some_and(|viewport| viewport.series.is_some())
}

/// The bar.
#[component]
pub fn Bar(props: &BarProps) -> Html {
    let BarProps {
        view,
        dispatch,
        open,
        sharing,
        toggle,
        close,
    } = props;
    let active = view.active;
    let send = |command: Command| {
        let dispatch = dispatch.clone();
        Callback::from(move |()| dispatch.emit(command.clone()))
    };
    let act = |action: Action| send(Command::Act(action));
    let tool = |tool: Tool, icon: &'static str, label: &'static str, key_name: &'static str| {
        html! {
            <ToolButton {icon} {label} {key_name} pressed={view.tool == tool}
                onclick={act(Action::SetTool(tool))} />
        }
    };
    let opens = |popover: Popover| {
        let toggle = toggle.clone();
        Callback::from(move |()| toggle.emit(popover))
    };
    let is_open = |popover: Popover| *open == Some(popover);
    let in_planes = view.mpr.is_some();
    let stack_slab = view.slab.filter(|_| !in_planes);
    let has_neighbours = view.has_next_study || view.has_previous_study;
    let banner = &view.banner;
    html! {
        <header class="bar">
            <button class="tool back" aria-label="Back to the study list" title="Study list (Q)"
                onclick={send(Command::BackToList).reform(|_| ())}>
                <Icon name="back" />
            </button>
            <h1 class="vh">{"Reader"}</h1>
            <div class="patient" role="group" aria-label="Patient and study">
                <p class="pn">
                    <b>{&banner.name}</b>
                    {for banner.facts.iter().map(|fact| html! { <span>{fact}</span> })}
                </p>
                <p class="t3">{&banner.study}</p>
            </div>
            <div class={classes!("strips", in_planes.then_some("in-planes"))}>
                // A study that cannot be shown leaves nothing to act on.
                if view.failure.is_none() {
                <span class="sep"></span>
                <Group label="Tools">
                    if in_planes {
                        {tool(Tool::Crosshair, "crosshair", "Crosshair: drag the middle, turn at the rings", "C")}
                    }
                    {tool(Tool::Window, "window", "Window: drag on the image", "W")}
                    {tool(Tool::Scroll, "scroll", "Scroll by dragging", "")}
                    {tool(Tool::Pan, "pan", "Pan by dragging", "X")}
                    {tool(Tool::Zoom, "zoom", "Zoom by dragging", "Z")}
                    if !in_planes {
                        {tool(Tool::Crosshair, "crosshair", "Show the place in the other series", "C")}
                    }
                </Group>
                <span class="sep"></span>
                <Group label="View">
                    <span class="anchor">
                        <button class="tool preset" title="Window presets (1 to 9)" aria-haspopup="true"
                            aria-expanded={is_open(Popover::Presets).to_string()}
                            onclick={opens(Popover::Presets).reform(|_| ())}>
                            {&view.preset_label}<Icon name="down" tiny=true />
                        </button>
                        if is_open(Popover::Presets) {
                            <PresetPopover view={view.clone()} dispatch={dispatch.clone()}
                                close={close.clone()} />
                        }
                    </span>
                    // The slab needs the room: inverting is among the presets as well.
                    if !in_planes {
                        <ToolButton icon="invert" label="Invert" key_name="I"
                            onclick={act(Action::Invert(active))} />
                    }
                    <ToolButton icon="reset" key_name="R"
                        label={if in_planes { "Reset planes" } else { "Reset view" }}
                        onclick={act(Action::Reset(active))} />
                    // A plane is no stack that plays or is linked to others.
                    if !in_planes {
                        {play(view, &act(Action::TogglePlaying(active)))}
                    }
                    <span class="anchor">
                        <ToolButton icon="flip" label={if stack_slab.is_some() { "Turn, flip, zoom, slab" } else { "Turn, flip, zoom" }}
                            expanded={is_open(Popover::View)} onclick={opens(Popover::View)} />
                        if is_open(Popover::View) {
                            <ViewPopover {active} planes={view.planes} slab={stack_slab} dispatch={dispatch.clone()} close={close.clone()} />
                        }
                    </span>
                    if !in_planes {
                        <ToolButton icon="link" label="Scroll all together" key_name="Y"
                            pressed={view.linked} onclick={act(Action::ToggleLink)} />
                    }
                    <span class="anchor">
                        <ToolButton icon="layout" label="Layout" key_name="G"
                            expanded={is_open(Popover::Layout)} onclick={opens(Popover::Layout)} />
                        if is_open(Popover::Layout) {
                            <LayoutPopover layout={view.layout.filter(|_| !in_planes)} {in_planes}
                                can_show_planes={can_show_planes(view)} dispatch={dispatch.clone()}
                                close={close.clone()} />
                        }
                    </span>
                    {planes(view, &act(Action::ShowPlanes(!in_planes)))}
                </Group>
                if let Some(mpr) = view.mpr.clone() {
                    <span class="sep"></span>
                    <Volumes {mpr} dispatch={dispatch.clone()}
                        is_open={is_open(Popover::Volumes)} toggle={toggle.clone()}
                        close={close.clone()} />
                    if let Some(slab) = view.slab {
                        <SlabGroup {slab} {active} dispatch={dispatch.clone()} />
                    }
                }
                }
                <span class="grow"></span>
                <Group label="Study">
                    if has_neighbours {
                        <ToolButton icon="prev" label="Previous study" key_name="["
                            disabled={!view.has_previous_study}
                            onclick={send(Command::NextStudy(-1))} />
                        <ToolButton icon="next" label="Next study" key_name="]"
                            disabled={!view.has_next_study} onclick={send(Command::NextStudy(1))} />
                    }
                    if let Some(sharing) = sharing.clone().filter(|_| view.failure.is_none()) {
                        <span class="anchor">
                            <ToolButton icon="share" label="Share by link" key_name="S"
                                expanded={is_open(Popover::Share)} onclick={opens(Popover::Share)} />
                            if is_open(Popover::Share) {
                                <SharePopover ask={sharing.ask} prove={sharing.prove} close={close.clone()} />
                            }
                        </span>
                    }
                    <ToolButton icon="eye" label="Overlay text" key_name="U" pressed={view.overlay}
                        onclick={act(Action::ToggleOverlay)} />
                    <ToolButton icon="keyboard" label="Keyboard" key_name="?"
                        onclick={opens(Popover::Keys)} />
                </Group>
            </div>
        </header>
    }
}
