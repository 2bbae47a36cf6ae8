//! Whoever is logged in, from the side of the app: followed, let in again, and given what making links needs.

use super::Bridge;
use crate::account::Watch;
use crate::components::gate::Gate;
use crate::components::reader::Sharing;
use crate::engine::EngineEvent;
use crate::platform::fetch::NotDone;
use crate::shared::{self, Link};
use crate::store::{Access, Account, Command, Presence};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Follows whoever is logged in: hides everything when nobody is there, and goes on afterwards.
pub(super) async fn follow_account(bridge: Rc<Bridge>) {
    let weak = Rc::downgrade(&bridge);
    let was_away = Cell::new(false);
    let watch = Watch::start(move |account: Account| {
        let Some(bridge) = weak.upgrade() else { return };
        let is_away = account.presence != Presence::Here;
        if was_away.replace(is_away)
            && !is_away
            && let Some(handle) = bridge.handle()
        {
            // What was refused meanwhile is asked for again.
            handle.send(EngineEvent::Command(Command::TryAgain));
        }
        let callback = bridge.account.borrow().clone();
        if let Some(callback) = callback {
            callback.emit(account);
        }
    });
    *bridge.watch.borrow_mut() = watch.await;
}

/// Gives the server a password for the session of this window.
fn prove(bridge: &Rc<Bridge>, password: String, done: Callback<Result<(), NotDone>>) {
    let Some(watch) = bridge.watch.borrow().clone() else {
        return;
    };
    spawn_local(async move { done.emit(watch.unlock(password).await) });
}

/// What making a link needs of the app.
pub(super) fn sharing(bridge: &Rc<Bridge>) -> Sharing {
    let (asked, proving) = (Rc::clone(bridge), Rc::clone(bridge));
    Sharing {
        ask: Callback::from(move |()| asked.handle()?.with(|engine| engine.to_share())),
        prove: Callback::from(move |(password, done)| prove(&proving, password, done)),
    }
}

#[derive(Properties)]
pub(super) struct KeeperProps {
    pub bridge: Rc<Bridge>,
    pub account: Account,
    pub leave: Callback<()>,
}

impl PartialEq for KeeperProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.bridge, &other.bridge) && self.account == other.account
    }
}

/// Keeps the gate.
#[component]
pub(super) fn Keeper(props: &KeeperProps) -> Html {
    let refused = use_state_eq(|| None::<NotDone>);
    let is_busy = use_state_eq(|| false);
    let unlock = {
        let bridge = Rc::clone(&props.bridge);
        let (refused, is_busy) = (refused.setter(), is_busy.setter());
        Callback::from(move |password: String| {
            let (refused, is_busy) = (refused.clone(), is_busy.clone());
            is_busy.set(true);
            let done = Callback::from(move |answer: Result<(), NotDone>| {
                is_busy.set(false);
                refused.set(answer.err());
            });
            prove(&bridge, password, done);
        })
    };
    html! {
        <Gate account={props.account.clone()} {unlock} refused={(*refused).clone()}
            is_busy={*is_busy} leave={props.leave.clone()} />
    }
}

/// Opens what a shared link opened, and closes it when the link ends.
pub(super) fn follow_link(bridge: &Rc<Bridge>) {
    let weak = Rc::downgrade(bridge);
    let link = Link::new(move |access| {
        let Some(bridge) = weak.upgrade() else { return };
        if let Some(handle) = bridge.handle() {
            match &access {
                Access::Open(opened) => handle.send(EngineEvent::Open(shared::view(opened))),
                Access::Ended => handle.send(EngineEvent::Close),
                Access::Asked | Access::Offline => {}
            }
        }
        let callback = bridge.admitted.borrow().clone();
        if let Some(callback) = callback {
            callback.emit(access);
        }
    });
    link.follow();
}
