//! What stands in place of all images when a study cannot be shown.

use crate::components::icon::Icon;
use crate::store::{Command, StudyFailure};
use yew::prelude::*;

/// Why.
#[derive(Properties, PartialEq)]
pub struct FailureProps {
    /// In words.
    pub failure: StudyFailure,
    /// Where commands go.
    pub dispatch: Callback<Command>,
}

/// "This study could not be opened", what it means, and what to do.
#[component]
pub fn Failure(props: &FailureProps) -> Html {
    let failure = &props.failure;
    let send = |command: Command| props.dispatch.reform(move |_: MouseEvent| command.clone());
    html! {
        <div class="whole" role="alert">
            <div class="msgbox">
                <span class="err big"><Icon name="error" /></span>
                <h2>{&failure.title}</h2>
                <p class="t2">{&failure.sentence}</p>
                <p class="acts">
                    if failure.can_try_again {
                        <button class="btn primary" onclick={send(Command::TryAgain)}>
                            {"Try again"}
                        </button>
                    }
                    <button class="btn" onclick={send(Command::BackToList)}>{"Back to the list"}</button>
                </p>
                <details>
                    <summary class="t3"><Icon name="down" tiny=true />{"Details for support"}</summary>
                    <p class="t3 code">
                        {"Code "}{&failure.code}
                        if !failure.time.is_empty() {{" \u{b7} "}{&failure.time}}
                    </p>
                </details>
            </div>
        </div>
    }
}
