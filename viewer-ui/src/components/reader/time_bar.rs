//! The slider of a series that has several times: phases, dynamic images, b-values.

use crate::store::{Command, TimeView};
use viewer_core::state::Action;
use wasm_bindgen::JsCast;
use yew::prelude::*;

/// What the slider shows.
#[derive(Properties, PartialEq)]
pub struct TimeBarProps {
    /// Its viewport.
    pub viewport: usize,
    /// The time on screen.
    pub time: TimeView,
    /// Where commands go.
    pub dispatch: Callback<Command>,
}

/// The slider.
#[component]
pub fn TimeBar(props: &TimeBarProps) -> Html {
    let TimeBarProps {
        viewport,
        time,
        dispatch,
    } = props;
    let viewport = *viewport;
    let oninput = dispatch.reform(move |event: InputEvent| {
        let input = event
            .target()
            .and_then(|it| it.dyn_into::<web_sys::HtmlInputElement>().ok());
        let index = input
            .and_then(|input| input.value().parse().ok())
            .unwrap_or(0);
        Command::Act(Action::SetTime { viewport, index })
    });
    // Neither a press nor a key here is one on the image below.
    let stop = Callback::from(|event: PointerEvent| event.stop_propagation());
    let onkeydown = Callback::from(|event: KeyboardEvent| {
        if event.key().starts_with("Arrow") {
            event.stop_propagation();
        }
    });
    html! {
        <label class="times" onpointerdown={stop.clone()} onpointermove={stop}
            ondblclick={Callback::from(|event: MouseEvent| event.stop_propagation())}>
            <span class="vh">{"Time"}</span>
            <input type="range" min="0" max={(time.count - 1).to_string()} step="1"
                value={time.index.to_string()} aria-valuetext={time.words.clone()}
                {oninput} {onkeydown} />
            <span aria-hidden="true">{&time.words}</span>
        </label>
    }
}
