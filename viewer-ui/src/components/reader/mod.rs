//! The reader: bar, series panel, image area, and what opens over them.

mod area;
mod bar;
mod density;
mod failure;
mod focus;
mod hands;
mod key_sheet;
mod message;
mod pop;
mod popovers;
mod rail;
mod scroll_bar;
mod spoken;
mod viewport;

use crate::input::keys::{Meaning, Popover, meaning, passes};
use crate::platform::page;
use crate::store::{Command, ReaderView};
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
    /// Only the image area: benchmark page.
    #[prop_or_default]
    pub bare: bool,
}

/// The reader.
#[component]
pub fn Reader(props: &ReaderProps) -> Html {
    let open = use_state(|| None::<Popover>);
    use_keys(props, &open);
    let view = &props.view;
    let dispatch = &props.dispatch;
    let toggle = {
        let open = open.clone();
        Callback::from(move |popover: Popover| {
            open.set(if *open == Some(popover) {
                None
            } else {
                Some(popover)
            });
        })
    };
    let close = {
        let open = open.setter();
        Callback::from(move |()| open.set(None))
    };
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
                toggle={toggle.clone()} close={close.clone()} />
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
                <key_sheet::KeySheet close={close} />
            }
        </div>
    }
}

/// Listens to the keyboard for as long as the reader is on screen.
#[hook]
fn use_keys(props: &ReaderProps, open: &UseStateHandle<Option<Popover>>) {
    let latest = use_mut_ref(|| (props.view.clone(), *open.clone()));
    *latest.borrow_mut() = (props.view.clone(), **open);
    let (dispatch, setter) = (props.dispatch.clone(), open.setter());
    use_effect_with((), move |()| {
        page::on_key(move |key| {
            let (view, open_now) = latest.borrow().clone();
            if key.is_tab {
                return open_now.is_none() && key.in_viewport && focus::step(key.shift);
            }
            if !passes(open_now, &key.key, key.shift) {
                return false;
            }
            if key.key == "Enter" && !key.in_viewport {
                return false;
            }
            match meaning(&key.key, key.shift, view.active) {
                Some(Meaning::Do(command)) => {
                    if matches!(command, Command::Act(Action::ChoosePreset { .. })) {
                        setter.set(None);
                    }
                    dispatch.emit(command);
                    true
                }
                Some(Meaning::Toggle(popover)) => {
                    setter.set(if open_now == Some(popover) {
                        None
                    } else {
                        Some(popover)
                    });
                    true
                }
                Some(Meaning::Escape) => {
                    match (open_now, view.large) {
                        (Some(_), _) => setter.set(None),
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
