//! Whoever is logged in, and the ways out.

use super::gate::SignOut;
use super::icon::Icon;
use super::reader::pop::Pop;
use crate::store::Account;
use yew::prelude::*;

/// What the menu shows.
#[derive(Properties, PartialEq)]
pub struct UserMenuProps {
    /// Whoever is logged in.
    pub account: Account,
    /// Called when whoever sits there leaves.
    pub leave: Callback<()>,
}

/// A button with a menu; nothing where login is not configured.
#[component]
pub fn UserMenu(props: &UserMenuProps) -> Html {
    let is_open = use_state_eq(|| false);
    let session = &props.account.session;
    if !session.login {
        return Html::default();
    }
    let toggle = {
        let is_open = is_open.clone();
        Callback::from(move |_: MouseEvent| is_open.set(!*is_open))
    };
    let close = {
        let is_open = is_open.setter();
        Callback::from(move |()| is_open.set(false))
    };
    let user = session.user.clone().unwrap_or_default();
    let name = session.name.clone().filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| user.clone());
    html! {
        <span class="anchor">
            <button class="tool" aria-label={format!("Signed in as {name}")} title={name.clone()}
                aria-haspopup="true" aria-expanded={is_open.to_string()} onclick={toggle}>
                <Icon name="user" />
            </button>
            if *is_open {
                <Pop label="Account" class="menu account" {close}>
                    <p class="pad"><b>{name}</b><br /><span class="t3">{user}{" \u{b7} "}{session.roles.join(", ")}</span></p>
                    <hr />
                    if session.manage {
                        <a class="row" href="admin"><span class="name">{"Administration"}</span></a>
                    }
                    if session.audit {
                        <a class="row" href="audit"><span class="name">{"Audit record"}</span></a>
                    }
                    if session.password {
                        <a class="row" href="auth/passkeys"><span class="name">{"Passkeys"}</span></a>
                    }
                    <SignOut leave={props.leave.clone()} />
                    <SignOut leave={props.leave.clone()} everywhere=true />
                </Pop>
            }
        </span>
    }
}
