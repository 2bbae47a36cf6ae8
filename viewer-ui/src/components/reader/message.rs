//! The notice strip under the bar, and toasts.

use crate::components::icon::Icon;
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
                <button class="tool" aria-label="Dismiss" onclick={send(Command::Dismiss(notice.id))}>
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
            {for props.toasts.iter().map(|toast| {
                let (name, class) = icon(toast.severity);
                let id = toast.id;
                html! {
                    <div class="toast" key={id}>
                        <span {class}><Icon {name} small=true /></span>
                        <span>{&toast.title}{" "}{&toast.sentence}</span>
                        <button class="tool" aria-label="Dismiss"
                            onclick={props.dispatch.reform(move |_: MouseEvent| Command::Dismiss(id))}>
                            <Icon name="close" small=true />
                        </button>
                    </div>
                }
            })}
        </div>
    }
}
