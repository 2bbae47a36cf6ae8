//! What stands before everything while nobody sits there, or the session has ended.

use super::icon::Icon;
use crate::platform::fetch::NotDone;
use crate::platform::{page, presence};
use crate::store::{Account, Presence};
use yew::prelude::*;

/// What the gate shows.
#[derive(Clone, Properties, PartialEq)]
pub struct GateProps {
    /// Whoever is logged in.
    pub account: Account,
    /// Takes a password.
    pub unlock: Callback<String>,
    /// Why the last one was not taken.
    pub refused: Option<NotDone>,
    /// A password is being looked at.
    pub is_busy: bool,
    /// Called when whoever sits there leaves.
    pub leave: Callback<()>,
}

/// The gate; nothing while somebody is there.
#[component]
pub fn Gate(props: &GateProps) -> Html {
    match props.account.presence {
        Presence::Here => Html::default(),
        Presence::Away if props.account.session.password => html! { <Locked ..props.clone() /> },
        Presence::Away => html! {
            <Veil title="Locked">
                <p class="t2">{"Nobody was here for a while, so the images are hidden."}</p>
                <p class="acts"><a class="btn primary" href="auth/unlock">{"Sign in again"}</a></p>
                <SignOut leave={props.leave.clone()} />
            </Veil>
        },
        Presence::Gone => html! {
            <Veil title="You are signed out">
                <p class="t2">{"The session has ended, so the images are hidden. Nothing is lost: after signing in this page opens again."}</p>
                <p class="acts">
                    <button class="btn primary" onclick={|_| presence::reload()}>{"Sign in"}</button>
                </p>
            </Veil>
        },
    }
}

#[derive(Properties, PartialEq)]
struct VeilProps {
    title: AttrValue,
    children: Html,
}

#[component]
fn Veil(props: &VeilProps) -> Html {
    use_effect_with((), |()| {
        page::focus_on(".veil input:not([hidden]), .veil .primary");
    });
    html! {
        <div class="veil" role="dialog" aria-modal="true" aria-labelledby="veil-title">
            <div class="veil-box">
                <p class="brand"><Icon name="mark" />{"Sagitta"}</p>
                <h2 id="veil-title">{&props.title}</h2>
                {props.children.clone()}
            </div>
        </div>
    }
}

#[component]
fn Locked(props: &GateProps) -> Html {
    let field = use_node_ref();
    let onsubmit = {
        let (field, unlock, is_busy) = (field.clone(), props.unlock.clone(), props.is_busy);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let input = field.cast::<web_sys::HtmlInputElement>();
            if let Some(input) = input.filter(|input| !is_busy && !input.value().is_empty()) {
                unlock.emit(input.value());
                input.set_value("");
            }
        })
    };
    let session = &props.account.session;
    let user = session.user.clone().unwrap_or_default();
    let is_refused = props.refused.is_some();
    html! {
        <Veil title="Locked">
            <p class="t2">{"Nobody was here for a while, so the images are hidden. They are where you left them."}</p>
            <form {onsubmit}>
                <p class="lab">{session.name.clone().unwrap_or_else(|| user.clone())}</p>
                <input hidden=true autocomplete="username" value={user} readonly=true />
                <label class="lab" for="veil-password">{"Password"}</label>
                <input id="veil-password" class={classes!("field", is_refused.then_some("bad"))}
                    type="password" autocomplete="current-password" ref={field}
                    aria-invalid={is_refused.to_string()} aria-describedby="veil-refused" />
                <p id="veil-refused" class="err" role="alert">
                    if let Some(refused) = &props.refused {
                        <Icon name="error" small=true />{words(refused)}
                    }
                </p>
                <button class="btn primary" disabled={props.is_busy}>
                    {if props.is_busy { "Looking\u{2026}" } else { "Go on" }}
                </button>
            </form>
            <SignOut leave={props.leave.clone()} />
        </Veil>
    }
}

/// What went wrong, for whoever typed.
pub fn words(refused: &NotDone) -> String {
    match refused.code.as_str() {
        "login_refused" => "The password is not right. Check Caps Lock and try again.".into(),
        _ => {
            let mut letters = refused.message.chars();
            let first = letters
                .next()
                .map(|letter| letter.to_uppercase().to_string());
            let dot = if refused.message.ends_with('.') {
                ""
            } else {
                "."
            };
            format!("{}{}{dot}", first.unwrap_or_default(), letters.as_str())
        }
    }
}

/// What signing out needs.
#[derive(Properties, PartialEq)]
pub struct SignOutProps {
    /// Called before the page is left.
    pub leave: Callback<()>,
    /// All sessions of the user.
    #[prop_or_default]
    pub everywhere: bool,
}

/// A button that ends the session, and what this browser keeps of it.
#[component]
pub fn SignOut(props: &SignOutProps) -> Html {
    let onsubmit = props.leave.reform(|_: SubmitEvent| ());
    let (action, words) = if props.everywhere {
        ("auth/logout-everywhere", "Sign out everywhere")
    } else {
        ("auth/logout", "Sign out")
    };
    html! {
        <form method="post" {action} {onsubmit}>
            <button class="btn quiet">{words}</button>
        </form>
    }
}
