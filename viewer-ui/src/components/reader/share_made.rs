//! A link that was made, and the links to a study so far.

use super::share_mail::MAILS;
use crate::components::icon::Icon;
use crate::platform::fetch::{self, Method};
use crate::platform::{page, presence};
use protocol::account::{ShareListed, ShareMade};
use protocol::order;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Dates in the words of the reader.
const LOCALE: &str = "en-GB";

/// What was made.
#[derive(Properties, PartialEq)]
pub struct MadeProps {
    /// The link.
    pub made: Rc<ShareMade>,
    /// How often it may be opened, in words.
    pub uses: AttrValue,
    /// Language of the mail: an index into [`MAILS`].
    pub language: usize,
}

/// QR code, link, PIN, and a text for a mail.
#[component]
pub fn Made(props: &MadeProps) -> Html {
    let said = use_state_eq(|| AttrValue::from(""));
    let copy = |text: String, words: &'static str| {
        let said = said.setter();
        Callback::from(move |_: MouseEvent| {
            let (text, said) = (text.clone(), said.clone());
            spawn_local(async move {
                let is_copied = presence::copy(&text).await;
                said.set(if is_copied {
                    words.into()
                } else {
                    "This browser does not let pages copy: select the text and copy it.".into()
                });
            });
        })
    };
    let made = &props.made;
    let side = made.qr_side;
    let mail = MAILS.get(props.language).unwrap_or(&MAILS[0]).text(made);
    html! {
        <div class="body">
            <div class="qrrow">
                <svg class="qr" viewBox={format!("0 0 {side} {side}")} role="img" aria-label="The link as a QR code">
                    <rect width={side.to_string()} height={side.to_string()} fill="#fff" />
                    <path d={made.qr.clone()} fill="#000" />
                </svg>
                <dl class="qrside">
                    <dt class="lab">{"Open until"}</dt><dd>{page::local_date(made.ends as f64, LOCALE, true)}</dd>
                    <dt class="lab">{"Can be opened"}</dt><dd>{&props.uses}</dd>
                    if let Some(pin) = &made.pin {
                        <dt class="lab">{"PIN, shown once"}</dt><dd class="pinv">{spaced(pin)}</dd>
                    }
                </dl>
            </div>
            <div>
                <label class="lab" for="share-link">{"Link"}</label>
                <div class="copy">
                    <input id="share-link" class="field mono" readonly=true value={made.link.clone()} />
                    <button class="btn primary" onclick={copy(made.link.clone(), "Link copied.")}>{"Copy"}</button>
                </div>
            </div>
            <div class="acts">
                <button class="btn" onclick={copy(mail, "Mail text copied.")}>{"Copy mail text"}</button>
                if let Some(pin) = &made.pin {
                    <button class="btn" onclick={copy(pin.clone(), "PIN copied.")}>{"Copy PIN"}</button>
                }
            </div>
            <p class="hint said" role="status">{&*said}</p>
            if made.pin.is_some() {
                <p class="notice hint"><Icon name="info" small=true />
                    <span>{"Give the PIN another way than the link. Close this and the PIN cannot be shown again."}</span></p>
            }
        </div>
    }
}

/// `482913` as `482 913`.
fn spaced(pin: &str) -> String {
    match pin.split_at_checked(pin.len() / 2) {
        Some((first, second)) => format!("{first}\u{a0}{second}"),
        None => pin.to_owned(),
    }
}

/// Which links are listed.
#[derive(Properties, PartialEq)]
pub struct LinksProps {
    /// Study Instance UID.
    pub study: AttrValue,
    /// The one that was made just now; empty where none was.
    pub newest: AttrValue,
}

/// The user's own links to a study, each with a way back.
#[component]
pub fn Links(props: &LinksProps) -> Html {
    let links = use_state_eq(Vec::<ShareListed>::new);
    let trouble = use_state_eq(|| None::<String>);
    let load = {
        let (links, trouble, study) = (links.setter(), trouble.setter(), props.study.clone());
        Callback::from(move |()| {
            let (links, trouble, study) = (links.clone(), trouble.clone(), study.clone());
            spawn_local(async move {
                match fetch::send(Method::GET, "api/shares", None).await {
                    Ok(text) => {
                        let mut all: Vec<ShareListed> =
                            serde_json::from_str(&text).unwrap_or_default();
                        all.retain(|link| link.study.iter().any(|uid| *uid == *study));
                        order::sort_by_key(&mut all, |link| -link.made);
                        links.set(all);
                    }
                    Err(error) => trouble.set(Some(error.message)),
                }
            });
        })
    };
    {
        let load = load.clone();
        use_effect_with(props.newest.clone(), move |_| load.emit(()));
    }
    let revoke = |id: String| {
        let (load, trouble) = (load.clone(), trouble.setter());
        Callback::from(move |_: MouseEvent| {
            let (load, trouble) = (load.clone(), trouble.clone());
            let address = format!("api/shares/{}", page::encode(&id));
            spawn_local(async move {
                if let Err(error) = fetch::send(Method::DELETE, &address, None).await {
                    trouble.set(Some(error.message));
                }
                load.emit(());
            });
        })
    };
    if links.is_empty() && trouble.is_none() {
        return Html::default();
    }
    let row = |link: &ShareListed| {
        let made = if props.newest == link.id {
            "Created now".to_owned()
        } else {
            page::local_date(link.made as f64, LOCALE, true)
        };
        html! {
            <li>
                <span class="grow">{made}<br /><span class="t3">{state_of(link)}</span></span>
                if link.state == "open" {
                    <button class="btn quiet danger" onclick={revoke(link.id.clone())}
                        aria-label={format!("Revoke the link of {}", page::local_date(link.made as f64, LOCALE, true))}>
                        {"Revoke"}</button>
                }
            </li>
        }
    };
    html! {
        <section class="mine">
            <h3 class="lab">{"Your links to this study"}</h3>
            if let Some(trouble) = &*trouble {
                <p class="err" role="alert"><Icon name="error" small=true />{trouble}</p>
            }
            <ul>{for links.iter().map(row)}</ul>
        </section>
    }
}

/// "opened 2 of 5 times, until 16 Mar 2026, 18:00".
fn state_of(link: &ShareListed) -> String {
    let opened = match (link.uses, link.most_uses) {
        (0, _) => "not opened yet".to_owned(),
        (uses, Some(most)) => format!("opened {uses} of {most} times"),
        (uses, None) => format!("opened {uses} times"),
    };
    match link.state.as_str() {
        "revoked" => format!("{opened}, revoked"),
        "expired" => format!("{opened}, expired"),
        "used_up" => format!("{opened}, used up"),
        "locked" => format!("{opened}, locked after wrong PINs"),
        _ => {
            let until = page::local_date(link.ends as f64, LOCALE, true);
            format!("{opened}, until {until}")
        }
    }
}
