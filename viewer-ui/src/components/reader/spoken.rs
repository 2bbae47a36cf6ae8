//! What a screen reader says: politely, and at most twice a second however fast the images change.

use crate::platform::clock;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Time between two announcements, ms.
const PAUSE_MS: f64 = 500.0;

/// What is to be said.
#[derive(Properties, PartialEq)]
pub struct SpokenProps {
    /// For example "Image 212 of 436".
    pub text: AttrValue,
}

/// The reader's one live region. It says the latest text; what came and went in between is left out.
#[component]
pub fn Spoken(props: &SpokenProps) -> Html {
    let said = use_state_eq(|| AttrValue::Static(""));
    let latest = use_mut_ref(AttrValue::default);
    let is_waiting = use_mut_ref(|| false);
    latest.replace(props.text.clone());
    let setter = said.setter();
    use_effect_with(props.text.clone(), move |_| {
        if is_waiting.replace(true) {
            return;
        }
        spawn_local(async move {
            clock::sleep(PAUSE_MS).await;
            is_waiting.replace(false);
            setter.set(latest.borrow().clone());
        });
    });
    html! { <p class="vh" role="status" aria-live="polite">{&*said}</p> }
}
