//! Icons from the sprite that the page holds (`www/icons.svg`).

use yew::prelude::*;

/// Which icon, and how large.
#[derive(Properties, PartialEq)]
pub struct IconProps {
    /// Name in the sprite, without `i-`.
    pub name: AttrValue,
    /// 16 px instead of 20.
    #[prop_or_default]
    pub small: bool,
    /// 12 px.
    #[prop_or_default]
    pub tiny: bool,
}

/// One icon; decoration only, so it is hidden from assistive technology.
#[component]
pub fn Icon(props: &IconProps) -> Html {
    let size = match (props.small, props.tiny) {
        (_, true) => Some("xs"),
        (true, _) => Some("s"),
        _ => None,
    };
    html! {
        <svg class={classes!("i", size)} aria-hidden="true">
            <use href={format!("#i-{}", props.name)} />
        </svg>
    }
}
