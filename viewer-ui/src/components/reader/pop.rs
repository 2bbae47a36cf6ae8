//! A popover: takes the focus, closes by Escape, by a press outside or by leaving it, and gives the focus
//! back to the button that opened it.

use super::focus;
use crate::platform::page;
use yew::prelude::*;

/// What a popover holds.
#[derive(Properties, PartialEq)]
pub struct PopProps {
    /// Its name.
    pub label: AttrValue,
    /// Class of its content.
    pub class: &'static str,
    /// Letters go to the next row that begins with them.
    #[prop_or_default]
    pub by_letter: bool,
    /// Tab stays in it; the page behind is dimmed.
    #[prop_or_default]
    pub is_modal: bool,
    /// Closes it.
    pub close: Callback<()>,
    /// Its content.
    pub children: Html,
}

/// A popover.
#[component]
pub fn Pop(props: &PopProps) -> Html {
    let node = use_node_ref();
    {
        let (node, close) = (node.clone(), props.close.clone());
        use_effect_with((), move |()| {
            let element = node.cast::<web_sys::Element>();
            let guard = element.map(|element| {
                let guard = page::hold_focus(element.clone(), move || close.emit(()));
                focus::take_chosen(&element);
                guard
            });
            move || {
                if let Some(guard) = guard {
                    guard();
                }
            }
        });
    }
    // Only Tab leaves a popover: focus that is given elsewhere by the page itself closes nothing.
    let is_tabbing = use_mut_ref(|| false);
    let onkeydown = {
        let (by_letter, is_modal) = (props.by_letter, props.is_modal);
        let (node, is_tabbing) = (node.clone(), is_tabbing.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(element) = node.cast::<web_sys::Element>() else {
                return;
            };
            let in_field = event
                .target_dyn_into::<web_sys::HtmlInputElement>()
                .is_some();
            let key = event.key();
            is_tabbing.replace(key == "Tab");
            let has_modifier = event.ctrl_key() || event.alt_key() || event.meta_key();
            // With Shift they thicken or turn what is on screen, beside the panel as well.
            let is_for_screen = event.shift_key() && key.starts_with("Arrow");
            let is_taken = match key.as_str() {
                "Tab" if is_modal => {
                    page::rove(&element, if event.shift_key() { -1 } else { 1 });
                    true
                }
                _ if in_field || has_modifier || is_for_screen => false,
                "ArrowDown" | "ArrowRight" => {
                    page::rove(&element, 1);
                    true
                }
                "ArrowUp" | "ArrowLeft" => {
                    page::rove(&element, -1);
                    true
                }
                "Home" | "End" => focus::take_end(&element, key == "End"),
                _ => by_letter && focus::take_by_letter(&element, &key),
            };
            if is_taken {
                event.prevent_default();
                event.stop_propagation();
            }
        })
    };
    let onfocusout = {
        let (node, close, is_tabbing) = (node.clone(), props.close.clone(), is_tabbing);
        Callback::from(move |event: FocusEvent| {
            if !is_tabbing.replace(false) {
                return;
            }
            // The window losing the focus is no leaving: nothing else has it then.
            let to = event.related_target();
            let to = to.and_then(|to| wasm_bindgen::JsCast::dyn_into::<web_sys::Node>(to).ok());
            if let (Some(to), Some(element)) = (to, node.cast::<web_sys::Element>())
                && !element.contains(Some(&to))
                && !element
                    .parent_element()
                    .is_some_and(|anchor| anchor.contains(Some(&to)))
            {
                close.emit(());
            }
        })
    };
    html! {
        <div class={classes!("pop", props.class)} role="dialog" aria-label={props.label.clone()}
            aria-modal={props.is_modal.then_some("true")} ref={node} {onkeydown} {onfocusout}>
            {props.children.clone()}
        </div>
    }
}
