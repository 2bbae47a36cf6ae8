//! The notice strip under the bar, and toasts.

use crate::components::icon::Icon;
use crate::platform::clock::Repeat;
use crate::store::{Command, Notice, Severity};
use yew::prelude::*;

fn icon(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Neutral => ("info", "t2"),
        Severity::Warning => ("warn", "warn"),
        Severity::Error => ("error", "err"),
    }
}

/// One message.
#[derive(Properties, PartialEq)]
pub struct StripProps {
    /// The message.
    pub notice: Notice,
    /// Where commands go.
    pub dispatch: Callback<Command>,
}

/// The notice strip: what concerns the whole study.
#[component]
pub fn Strip(props: &StripProps) -> Html {
    let notice = &props.notice;
    let (name, class) = icon(notice.severity);
    let send = |command: Command| props.dispatch.reform(move |_: MouseEvent| command.clone());
    html! {
        <div class="strip" role="status">
            <span {class}><Icon {name} small=true /></span>
            <span><b class="b">{&notice.title}</b>{" "}<span class="t2">{&notice.sentence}</span></span>
            <span class="grow"></span>
            if notice.can_try_again {
                <button class="btn quiet" onclick={send(Command::TryAgain)}>{"Try now"}</button>
            }
            if notice.can_dismiss {
                <button class="tool" aria-label="Dismiss" title="Dismiss"
                    onclick={send(Command::Dismiss(notice.id))}>
                    <Icon name="close" small=true />
                </button>
            }
        </div>
    }
}

/// Short messages.
#[derive(Properties, PartialEq)]
pub struct ToastsProps {
    /// The messages.
    pub toasts: Vec<Notice>,
    /// Where commands go.
    pub dispatch: Callback<Command>,
}

/// Toasts at the bottom left of the image area.
#[component]
pub fn Toasts(props: &ToastsProps) -> Html {
    html! {
        <div class="toasts" role="status">
            {for props.toasts.iter().map(|toast| html! {
                <Toast key={toast.id} notice={toast.clone()} dispatch={props.dispatch.clone()} />
            })}
        </div>
    }
}

/// How long a toast stays, ms.
const TOAST_MS: f64 = 6000.0;

/// A short message. It goes by itself, but not while somebody reads it, and not when it tells of an error.
#[component]
fn Toast(props: &StripProps) -> Html {
    let toast = &props.notice;
    let (name, class) = icon(toast.severity);
    let send = |command: Command| props.dispatch.reform(move |_: MouseEvent| command.clone());
    let is_read = use_mut_ref(|| false);
    {
        let (is_read, dispatch) = (is_read.clone(), props.dispatch.clone());
        let goes = toast.can_dismiss && toast.severity != Severity::Error;
        use_effect_with((toast.id, goes), move |(id, goes)| {
            let id = *id;
            let timer = goes.then(|| {
                Repeat::new(TOAST_MS, move || {
                    if !*is_read.borrow() {
                        dispatch.emit(Command::Dismiss(id));
                    }
                    TOAST_MS
                })
            });
            move || drop(timer)
        });
    }
    let reading = |now: bool| {
        let is_read = is_read.clone();
        move || {
            is_read.replace(now);
        }
    };
    let (enter, leave) = (reading(true), reading(false));
    let (focus, blur) = (reading(true), reading(false));
    html! {
        <div class="toast" onmouseenter={Callback::from(move |_| enter())}
            onmouseleave={Callback::from(move |_| leave())}
            onfocusin={Callback::from(move |_| focus())}
            onfocusout={Callback::from(move |_| blur())}>
            <span {class}><Icon {name} small=true /></span>
            <span>{&toast.title}{" "}{&toast.sentence}</span>
            if toast.can_try_again {
                <button class="btn quiet" onclick={send(Command::TryAgain)}>{"Try again"}</button>
            }
            if toast.can_dismiss {
                <button class="tool" aria-label="Dismiss" title="Dismiss"
                    onclick={send(Command::Dismiss(toast.id))}>
                    <Icon name="close" small=true />
                </button>
            }
        </div>
    }
}
