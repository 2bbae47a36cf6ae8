//! The page: its address, what it says about itself, and the browser's history.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// The content of `<meta name="...">`.
pub fn meta(name: &str) -> Option<String> {
    meta_attribute(name, "content")
}

/// An attribute of one of the page's meta tags.
pub fn meta_attribute(name: &str, attribute: &str) -> Option<String> {
    let selector = format!("meta[name=\"{name}\"]");
    let element = web_sys::window()?
        .document()?
        .query_selector(&selector)
        .ok()??;
    element.get_attribute(attribute)
}

/// The pairs of the address's query, decoded.
pub fn query() -> Vec<(String, String)> {
    let search = web_sys::window()
        .and_then(|window| window.location().search().ok())
        .unwrap_or_default();
    let Ok(parameters) = web_sys::UrlSearchParams::new_with_str(&search) else {
        return Vec::new();
    };
    let mut pairs = Vec::new();
    if let Ok(Some(entries)) = js_sys::try_iter(&parameters) {
        for entry in entries.flatten() {
            let pair = js_sys::Array::from(&entry);
            if let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string()) {
                pairs.push((name, value));
            }
        }
    }
    pairs
}

/// The pairs behind `#`, which are taken out of the address and the history at once: they may hold a secret.
pub fn take_fragment() -> Vec<(String, String)> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    let fragment = window.location().hash().unwrap_or_default();
    let Some(text) = fragment.strip_prefix('#').filter(|text| !text.is_empty()) else {
        return Vec::new();
    };
    let location = window.location();
    let address = [location.pathname(), location.search()].map(Result::unwrap_or_default);
    if let Ok(history) = window.history() {
        // A sandboxed frame may have no history; then its address is seen by nobody either.
        let _ = history.replace_state_with_url(
            &wasm_bindgen::JsValue::NULL,
            "",
            Some(&address.concat()),
        );
    }
    let decode = |text: &str| {
        let decoded = js_sys::decode_uri_component(text).ok();
        decoded.map_or_else(String::new, String::from)
    };
    let pairs = text
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// Sets an attribute of the page's root element.
pub fn set_root_attribute(name: &str, value: &str) {
    let root = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.document_element());
    if let Some(root) = root {
        // Names are our own: none is refused.
        let _ = root.set_attribute(name, value);
    }
}

/// Calls at every sign that somebody uses the page: pointer, keys, wheel, touch.
pub fn on_use(call: impl Fn() + 'static) {
    let closure = Closure::<dyn Fn()>::new(call);
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(document) = document {
        for event in [
            "pointerdown",
            "pointermove",
            "keydown",
            "wheel",
            "touchstart",
        ] {
            let listener = closure.as_ref().unchecked_ref();
            let _ = document.add_event_listener_with_callback_and_bool(event, listener, true);
        }
    }
    // The page listens for as long as it lives.
    closure.forget();
}

/// An address relative to the page's folder, made absolute.
pub fn absolute(address: &str) -> Option<String> {
    let base = web_sys::window()?.document()?.base_uri().ok()??;
    web_sys::Url::new_with_base(address, &base)
        .ok()
        .map(|url| url.href())
}

/// The origin of the page.
pub fn origin() -> String {
    web_sys::window()
        .and_then(|window| window.location().origin().ok())
        .unwrap_or_default()
}

/// True where the page's own path ends with `name`.
pub fn path_ends_with(name: &str) -> bool {
    web_sys::window()
        .and_then(|window| window.location().pathname().ok())
        .is_some_and(|path| path.ends_with(name))
}

/// Puts an address into the history without loading it; relative to the page's folder.
pub fn push_address(address: &str) {
    let history = web_sys::window().and_then(|window| window.history().ok());
    if let Some(history) = history {
        // A sandboxed frame may have no history; the page works without.
        let _ = history.push_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(address));
    }
}

/// Calls after the user went back or forward.
pub fn on_history(call: impl Fn() + 'static) {
    let closure = Closure::<dyn Fn()>::new(call);
    if let Some(window) = web_sys::window() {
        window.set_onpopstate(Some(closure.as_ref().unchecked_ref()));
    }
    // The page listens for as long as it lives.
    closure.forget();
}

/// Opens an address in a window of its own, without handing it this one.
pub fn open_window(address: &str) {
    if let (Some(window), Some(url)) = (web_sys::window(), absolute(address)) {
        let _ = window.open_with_url_and_target_and_features(&url, "_blank", "noopener");
    }
}

/// Device pixels a CSS pixel.
pub fn device_pixel_ratio() -> f64 {
    web_sys::window().map_or(1.0, |window| window.device_pixel_ratio())
}

/// Processor cores that the browser admits to.
pub fn cores() -> usize {
    web_sys::window().map_or(1, |window| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to a small range"
        )]
        let cores = window.navigator().hardware_concurrency().clamp(1.0, 64.0) as usize;
        cores
    })
}

/// Percent-encodes one part of an address.
pub fn encode(part: &str) -> String {
    js_sys::encode_uri_component(part).into()
}

/// Bytes of this module's memory; it never shrinks.
pub fn wasm_memory_bytes() -> u32 {
    let memory: Option<js_sys::WebAssembly::Memory> = wasm_bindgen::memory().dyn_into().ok();
    memory
        .and_then(|memory| memory.buffer().dyn_into::<js_sys::ArrayBuffer>().ok())
        .map_or(0, |buffer| buffer.byte_length())
}

/// A key that was pressed outside text fields.
#[derive(Debug, Clone)]
pub struct KeyPress {
    /// Its character or name.
    pub key: String,
    /// With Shift.
    pub shift: bool,
    /// It is Tab.
    pub is_tab: bool,
    /// A viewport has the focus.
    pub in_viewport: bool,
}

/// Listens to keys of the whole page until the guard is dropped. `on_key` says whether it took the key.
/// Keys in text fields, and with Ctrl, Alt or Meta, are left alone; Enter and Space on a button too.
pub fn on_key(on_key: impl Fn(KeyPress) -> bool + 'static) -> impl FnOnce() + 'static {
    let closure =
        Closure::<dyn Fn(web_sys::KeyboardEvent)>::new(move |event: web_sys::KeyboardEvent| {
            let target: Option<web_sys::Element> = event.target().and_then(|t| t.dyn_into().ok());
            let tag = target
                .as_ref()
                .map(web_sys::Element::tag_name)
                .unwrap_or_default();
            let in_field = matches!(tag.as_str(), "INPUT" | "SELECT" | "TEXTAREA");
            let key = event.key();
            let in_viewport = target
                .as_ref()
                .and_then(|target| target.closest(".vp").ok().flatten())
                .is_some();
            let on_button = matches!(tag.as_str(), "BUTTON" | "A" | "SUMMARY")
                && matches!(key.as_str(), "Enter" | " ");
            // AltGr, which browsers call Ctrl and Alt together, only makes characters: [ and ] on many keyboards.
            let is_alt_gr = event.get_modifier_state("AltGraph");
            let has_modifier =
                !is_alt_gr && (event.ctrl_key() || event.alt_key()) || event.meta_key();
            if event.default_prevented()
                || has_modifier
                || on_button
                || (in_field && key != "Escape")
            {
                return;
            }
            let is_tab = key == "Tab";
            if on_key(KeyPress {
                key,
                shift: event.shift_key(),
                is_tab,
                in_viewport,
            }) {
                event.prevent_default();
            }
        });
    let window = web_sys::window();
    if let Some(window) = &window {
        let listener = closure.as_ref().unchecked_ref();
        // Without a listener the keyboard is silent; the pointer still works.
        let _ = window.add_event_listener_with_callback("keydown", listener);
    }
    move || {
        if let Some(window) = window {
            let listener = closure.as_ref().unchecked_ref();
            let _ = window.remove_event_listener_with_callback("keydown", listener);
        }
    }
}

/// Languages that the browser wishes for, the dearest first.
pub fn languages() -> Vec<String> {
    let navigator = web_sys::window().map(|window| window.navigator());
    let all = navigator.map(|navigator| navigator.languages());
    let all = all.map(|all| all.iter().filter_map(|tag| tag.as_string()).collect());
    all.unwrap_or_default()
}

/// Says in which language the page is, and what it is called.
pub fn name_page(language: &str, title: &str) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return;
    };
    document.set_title(title);
    if let Some(root) = document.document_element() {
        // A language tag is always taken.
        let _ = root.set_attribute("lang", language);
    }
}

/// A moment as people of a language write it, with the time of day where `with_time`; `seconds` since 1970.
pub fn local_date(seconds: f64, locale: &str, with_time: bool) -> String {
    let date = js_sys::Date::new(&(seconds * 1000.0).into());
    let options = js_sys::Object::new();
    let set = |name: &str, style: &str| {
        // A fresh object takes everything.
        let _ = js_sys::Reflect::set(&options, &name.into(), &style.into());
    };
    set("dateStyle", "medium");
    if with_time {
        set("timeStyle", "short");
    }
    date.to_locale_string(locale, &options).into()
}

/// A DICOM date (`YYYYMMDD`) as people of a language write it; what is none stays as it is.
pub fn local_day(date: &str, locale: &str) -> String {
    let part = |from: usize, to: usize| date.get(from..to)?.parse::<i32>().ok();
    let is_date = date.len() == 8;
    match (part(0, 4), part(4, 6), part(6, 8)) {
        (Some(year), Some(month), Some(day)) if is_date => {
            // Noon of the browser's own day: no time zone makes another day of it.
            let year = u32::try_from(year).unwrap_or_default();
            let noon = js_sys::Date::new_with_year_month_day_hr(year, month - 1, day, 12);
            local_date(noon.get_time() / 1000.0, locale, false)
        }
        _ => date.to_owned(),
    }
}

/// Elements that a group's arrow keys go through.
fn stops(group: &web_sys::Element) -> Vec<web_sys::HtmlElement> {
    let Ok(list) = group.query_selector_all("button:not([disabled])") else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|index| list.get(index)?.dyn_into().ok())
        .collect()
}

/// Moves the focus by `step` within a group and leaves the group one stop for Tab. With 0 the focus
/// stays, and the first element is the stop where there is none yet.
pub fn rove(group: &web_sys::Element, step: i64) {
    let stops = stops(group);
    let active = web_sys::window().and_then(|window| window.document()?.active_element());
    let here = stops.iter().position(|stop| {
        active
            .as_ref()
            .is_some_and(|active| active.is_same_node(Some(stop)))
    });
    let Ok(count) = i64::try_from(stops.len()) else {
        return;
    };
    if count == 0 {
        return;
    }
    let marked = stops.iter().position(|stop| stop.tab_index() == 0);
    let from = here.or(marked).and_then(|place| i64::try_from(place).ok());
    let to = match (from, step) {
        (Some(from), 0) => from,
        (Some(from), step) => (from + step).rem_euclid(count),
        (None, _) => 0,
    };
    for (place, stop) in stops.iter().enumerate() {
        stop.set_tab_index(if i64::try_from(place) == Ok(to) {
            0
        } else {
            -1
        });
    }
    if step != 0
        && let Some(stop) = usize::try_from(to).ok().and_then(|to| stops.get(to))
    {
        // An element that is going away takes no focus.
        let _ = stop.focus();
    }
}

/// Keeps Tab inside an element: where it would leave, the focus goes to the other end, and this is true.
pub fn keep_focus_in(element: &web_sys::Element, backwards: bool) -> bool {
    let Ok(list) = element.query_selector_all("button:not([disabled]), a[href]") else {
        return false;
    };
    let ends = [list.get(0), list.get(list.length().saturating_sub(1))];
    let [Some(first), Some(last)] = ends else {
        return false;
    };
    let (from, to) = if backwards {
        (first, last)
    } else {
        (last, first)
    };
    let active = web_sys::window().and_then(|window| window.document()?.active_element());
    let is_at_end = active.is_some_and(|active| active.is_same_node(Some(&from)));
    let to = to.dyn_into::<web_sys::HtmlElement>().ok();
    is_at_end && to.is_some_and(|to| to.focus().is_ok())
}

/// Gives the focus to the first button of `element`; `on_leave` is called by a press outside. The
/// guard gives the focus back to where it was.
pub fn hold_focus(
    element: web_sys::Element,
    on_leave: impl Fn() + 'static,
) -> impl FnOnce() + 'static {
    let document = web_sys::window().and_then(|window| window.document());
    let before: Option<web_sys::HtmlElement> = document
        .as_ref()
        .and_then(|document| document.active_element())
        .and_then(|active| active.dyn_into().ok());
    if let Some(first) = stops(&element).first() {
        let _ = first.focus();
    }
    let closure = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
        let target: Option<web_sys::Element> = event.target().and_then(|t| t.dyn_into().ok());
        let anchor = element.parent_element().unwrap_or_else(|| element.clone());
        let inside = target.is_some_and(|target| {
            // The button that opened it closes it by itself.
            element.contains(Some(&target))
                || (anchor.class_name() == "anchor" && anchor.contains(Some(&target)))
        });
        if !inside {
            on_leave();
        }
    });
    if let Some(document) = &document {
        let listener = closure.as_ref().unchecked_ref();
        let _ = document.add_event_listener_with_callback("pointerdown", listener);
    }
    move || {
        if let Some(document) = document {
            let listener = closure.as_ref().unchecked_ref();
            let _ = document.remove_event_listener_with_callback("pointerdown", listener);
        }
        if let Some(before) = before {
            let _ = before.focus();
        }
    }
}

/// Gives the focus to an element unless a text field or something in a popover has it; nothing scrolls.
pub fn focus_quietly(element: &web_sys::HtmlElement) {
    let active = web_sys::window().and_then(|window| window.document()?.active_element());
    let is_busy = active.is_some_and(|active| {
        matches!(active.tag_name().as_str(), "INPUT" | "SELECT" | "TEXTAREA")
            || active.closest(".pop").ok().flatten().is_some()
    });
    if !is_busy {
        // An element that is going away takes no focus.
        let _ = element.focus();
    }
}

/// Gives the focus to the first element that matches; true where there is one.
pub fn focus_on(selector: &str) -> bool {
    let element = web_sys::window()
        .and_then(|window| window.document()?.query_selector(selector).ok().flatten())
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    element.is_some_and(|element| element.focus().is_ok())
}

/// Presses the button that matches; true where there is one.
pub fn press(selector: &str) -> bool {
    let button = web_sys::window()
        .and_then(|window| window.document()?.query_selector(selector).ok().flatten())
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    button.map(|button| button.click()).is_some()
}

/// Width of the window, CSS pixels.
pub fn window_width() -> f64 {
    web_sys::window()
        .and_then(|window| window.inner_width().ok()?.as_f64())
        .unwrap_or(1280.0)
}

fn by_id(id: &str) -> Option<web_sys::Element> {
    web_sys::window()?.document()?.get_element_by_id(id)
}

/// How far an element is scrolled down, and how much of it is in sight; CSS pixels.
pub fn scroll_box(id: &str) -> Option<(f64, f64)> {
    let element = by_id(id)?;
    Some((
        f64::from(element.scroll_top()),
        f64::from(element.client_height()),
    ))
}

/// Scrolls an element to a place, CSS pixels from its top.
pub fn scroll_to(id: &str, top: f64) {
    if let Some(element) = by_id(id) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "within the range of a page"
        )]
        element.set_scroll_top(top.clamp(0.0, 1e9) as i32);
    }
}
