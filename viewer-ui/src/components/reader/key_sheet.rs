//! The keyboard overlay: all keys that exist.

use super::pop::Pop;
use crate::components::icon::Icon;
use crate::input::keys::SHEET;
use yew::prelude::*;

/// What the keyboard overlay needs.
#[derive(Properties, PartialEq)]
pub struct KeySheetProps {
    /// Links can be made.
    pub can_share: bool,
    /// Closes it.
    pub close: Callback<()>,
}

/// All keys that exist.
#[component]
pub fn KeySheet(props: &KeySheetProps) -> Html {
    html! {
        <div class="scrim">
            <Pop label="Keyboard" class="keysheet" is_modal=true close={props.close.clone()}>
                <div class="hd">
                    <h2>{"Keyboard"}</h2>
                    <span class="grow"></span>
                    <button class="tool" aria-label="Close" title="Close (Esc)"
                        onclick={props.close.reform(|_| ())}><Icon name="close" /></button>
                </div>
                <div class="kcols">
                    {for SHEET.iter().map(|(title, keys)| html! {
                        <section>
                            <h3>{*title}</h3>
                            <dl>
                                {for keys.iter().map(|(name, caps)| html! {
                                    <div>
                                        <dt>{*name}</dt>
                                        <dd>{for caps.iter().map(|cap| html! { <kbd>{*cap}</kbd> })}</dd>
                                    </div>
                                })}
                                if props.can_share && *title == "Study" {
                                    <div><dt>{"Share by link"}</dt><dd><kbd>{"S"}</kbd></dd></div>
                                }
                            </dl>
                        </section>
                    })}
                </div>
            </Pop>
        </div>
    }
}
