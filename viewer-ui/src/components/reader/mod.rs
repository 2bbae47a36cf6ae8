//! The reader: bar, series panel, image area, and what opens over them.

pub(super) mod area;
mod bar;
mod crosshair;
mod density;
mod failure;
mod focus;
pub(super) mod hands;
mod key_sheet;
mod message;
pub(super) mod pop;
mod popovers;
mod rail;
pub(super) mod scroll_bar;
mod share;
mod share_made;
mod share_mail;
mod slab;
mod spoken;
mod stack_lines;
mod time_bar;
mod viewport;

use crate::input::keys::{Meaning, Popover, Target, meaning, passes};
use crate::input::slab::Asked;
use crate::platform::fetch::NotDone;
use crate::platform::page;
use crate::store::{Command, ReaderView, ToShare};
use std::cell::RefCell;
use std::rc::Rc;
use viewer_core::state::Action;
use yew::prelude::*;

/// What the reader shows, and where it sends commands.
#[derive(Properties, PartialEq)]
pub struct ReaderProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// The element that holds the canvas; the app puts the canvas in.
    pub stage: NodeRef,
    /// Makes links; none where the user may not.
    #[prop_or_default]
    pub sharing: Option<Sharing>,
    /// Only the image area: benchmark page.
    #[prop_or_default]
    pub bare: bool,
}

/// What making a link needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Sharing {
    /// What is on screen.
    pub ask: Callback<(), Option<ToShare>>,
    /// Takes the user's password once more.
    pub prove: Callback<(String, Callback<Result<(), NotDone>>)>,
}

/// The reader.
#[component]
pub fn Reader(props: &ReaderProps) -> Html {
    // The state draws; the cell answers events that come before the next drawing.
    let open = use_state_eq(|| None::<Popover>);
    let now = use_mut_ref(|| None::<Popover>);
    let set = {
        let (now, setter) = (now.clone(), open.setter());
        Callback::from(move |popover: Option<Popover>| {
            now.replace(popover);
            setter.set(popover);
        })
    };
    use_keys(props, &now, &set);
    let view = &props.view;
    let dispatch = &props.dispatch;
    let toggle = {
        let set = set.clone();
        Callback::from(move |popover: Popover| {
            let is_open = *now.borrow() == Some(popover);
            set.emit((!is_open).then_some(popover));
        })
    };
    let close = set.reform(|()| None);
    let image_area = html! {
        <area::Area view={view.clone()} dispatch={dispatch.clone()} stage={props.stage.clone()}
            bare={props.bare} />
    };
    if props.bare {
        return html! { <div class="reader bare">{image_area}</div> };
    }
    html! {
        <div class="reader">
            <a class="skip" href="#viewport-0">{"To the images"}</a>
            <bar::Bar view={view.clone()} dispatch={dispatch.clone()} open={*open}
                sharing={props.sharing.clone()} toggle={toggle.clone()} close={close.clone()} />
            <main class="room">
                <rail::Rail view={view.clone()} dispatch={dispatch.clone()} />
                <div class="images">
                    if let Some(notice) = view.notice.clone() {
                        <message::Strip {notice} dispatch={dispatch.clone()} />
                    }
                    {image_area}
                    if let Some(failure) = view.failure.clone() {
                        <failure::Failure {failure} dispatch={dispatch.clone()} />
                    }
                    <message::Toasts toasts={view.toasts.clone()} dispatch={dispatch.clone()} />
                </div>
            </main>
            if *open == Some(Popover::Keys) {
                <key_sheet::KeySheet can_share={props.sharing.is_some()} close={close} />
            }
        </div>
    }
}

/// What a key acts on when a viewport has the focus.
fn target(view: &ReaderView, viewport: usize, asked: &mut Asked) -> Target {
    // The snapshot tells the thickness of what was active when it was made.
    let known = view.slab.filter(|_| viewport == view.active);
    Target {
        viewport,
        in_planes: view.mpr.is_some(),
        slab: known.map(|slab| {
            let thickness_mm = asked.latest_mm(viewport, slab.thickness_mm);
            (thickness_mm, slab.projection)
        }),
    }
}

/// Listens to the keyboard for as long as the reader is on screen.
#[hook]
fn use_keys(
    props: &ReaderProps,
    open: &Rc<RefCell<Option<Popover>>>,
    set: &Callback<Option<Popover>>,
) {
    let latest = use_mut_ref(|| props.view.clone());
    latest.replace(props.view.clone());
    let asked = use_mut_ref(Asked::default);
    // What has come on screen is no longer waited for.
    let _ = target(&props.view, props.view.active, &mut asked.borrow_mut());
    let (dispatch, open, set) = (props.dispatch.clone(), open.clone(), set.clone());
    use_effect_with(props.sharing.is_some(), move |can_share| {
        let can_share = *can_share;
        page::on_key(move |key| {
            let (view, open_now) = (latest.borrow().clone(), *open.borrow());
            if key.is_tab {
                return open_now.is_none() && key.in_viewport && focus::step(key.shift);
            }
            // The viewport in focus, even where the snapshot does not know of it yet.
            let active = focus::viewport().unwrap_or(view.active);
            let target = target(&view, active, &mut asked.borrow_mut());
            if !passes(open_now, &key.key, key.shift, target) {
                return false;
            }
            if key.key == "Enter" && !key.in_viewport {
                return false;
            }
            match meaning(&key.key, key.shift, target) {
                Some(Meaning::Do(command)) => {
                    if let Command::Act(Action::SetSlab { slab, .. }) = &command {
                        let thickness_mm = slab.map_or(0.0, |slab| slab.thickness_mm);
                        asked.borrow_mut().ask(thickness_mm);
                    }
                    if matches!(
                        command,
                        Command::Act(Action::ChoosePreset { .. } | Action::ShowPlanes(_))
                    ) {
                        set.emit(None);
                    }
                    dispatch.emit(command);
                    true
                }
                Some(Meaning::Toggle(Popover::Share)) if !can_share => false,
                Some(Meaning::Toggle(popover)) => {
                    set.emit((open_now != Some(popover)).then_some(popover));
                    true
                }
                Some(Meaning::Escape) => {
                    match (open_now, view.large) {
                        (Some(_), _) => set.emit(None),
                        (None, Some(large)) => {
                            dispatch.emit(Command::Act(Action::ToggleLarge(large)));
                        }
                        (None, None) => return false,
                    }
                    true
                }
                None => false,
            }
        })
    });
}
