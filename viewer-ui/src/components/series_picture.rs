//! The small picture of a series, or its modality in letters where there is none.

use crate::platform::pictures::{self, Picture};
use crate::store::PictureOf;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Properties of [`SeriesPicture`].
#[derive(Properties, PartialEq)]
pub struct SeriesPictureProps {
    /// Which series; `None` where no picture is wanted yet.
    pub of: Option<PictureOf>,
    /// Modality.
    pub modality: String,
}

/// The picture alone, without frame or caption.
#[component]
pub fn SeriesPicture(props: &SeriesPictureProps) -> Html {
    // With the series that it is of: a picture is never shown as that of another one.
    let fetched = use_state_eq(|| None::<(PictureOf, Rc<Picture>)>);
    // The address that gave no picture: another one is tried anew.
    let broken = use_state_eq(|| None::<String>);
    let direct = props
        .of
        .as_ref()
        .and_then(|of| pictures::direct(&of.root, &of.study, &of.series));
    {
        let setter = fetched.setter();
        let wanted = props.of.clone().filter(|_| direct.is_none());
        use_effect_with(wanted, move |wanted| {
            let alive = Rc::new(Cell::new(true));
            setter.set(None);
            if let Some(of) = wanted.clone() {
                let watch = Rc::clone(&alive);
                spawn_local(async move {
                    let is_wanted = || watch.get();
                    let picture = pictures::fetch(&of.root, &of.study, &of.series, is_wanted).await;
                    if watch.get() {
                        setter.set(picture.map(|picture| (of, Rc::new(picture))));
                    }
                });
            }
            move || alive.set(false)
        });
    }
    let address = direct
        .or_else(|| {
            let (of, picture) = fetched.as_ref()?;
            (props.of.as_ref() == Some(of)).then(|| picture.address().to_owned())
        })
        .filter(|address| broken.as_ref() != Some(address));
    let Some(address) = address else {
        return html! { <span class="mod nopic">{&props.modality}</span> };
    };
    let onerror = {
        let (setter, address) = (broken.setter(), address.clone());
        Callback::from(move |_: Event| setter.set(Some(address.clone())))
    };
    html! { <img src={address} alt="" loading="lazy" draggable="false" {onerror} /> }
}
