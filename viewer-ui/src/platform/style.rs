//! Sizes and positions that are known only at run time.
//!
//! A `style` attribute set from script violates `style-src 'self'`; a property set through the CSSOM
//! does not, so this is how all such values get on screen.

use wasm_bindgen::JsCast;

/// Sets one CSS property of an element, custom properties (`--p`) included.
pub fn set(element: &web_sys::Element, property: &str, value: &str) {
    let style = match element.dyn_ref::<web_sys::HtmlElement>() {
        Some(html) => Some(html.style()),
        None => element
            .dyn_ref::<web_sys::SvgElement>()
            .map(web_sys::SvgElement::style),
    };
    if let Some(style) = style {
        // A property that the browser does not know is left out, as in a style sheet.
        let _ = style.set_property(property, value);
    }
}
