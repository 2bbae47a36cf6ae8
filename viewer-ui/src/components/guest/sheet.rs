//! The sheet with what is needed seldom, and what is known of the link.

use super::TWO;
use super::words::{Words, fill};
use crate::components::icon::Icon;
use crate::platform::page;
use crate::store::{Command, ReaderView};
use protocol::gateway::Opened;
use std::rc::Rc;
use viewer_core::state::{Action, Layout};
use yew::prelude::*;

/// What the sheet shows.
#[derive(Properties, PartialEq)]
pub struct SheetProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// What the link opened.
    pub opened: Rc<Opened>,
    /// The language.
    pub words: &'static Words,
    /// For dates.
    pub locale: AttrValue,
    /// Two images are on screen.
    pub is_two: bool,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// Closes it.
    pub close: Callback<()>,
}

/// The sheet.
#[component]
pub fn Sheet(props: &SheetProps) -> Html {
    let SheetProps {
        view,
        opened,
        words,
        close,
        ..
    } = props;
    let node = use_node_ref();
    {
        let (node, close) = (node.clone(), close.clone());
        use_effect_with((), move |()| {
            let sheet = node.cast::<web_sys::Element>();
            let guard = sheet.map(|sheet| page::hold_focus(sheet, move || close.emit(())));
            move || {
                if let Some(guard) = guard {
                    guard();
                }
            }
        });
    }
    let onkeydown = {
        let (node, close) = (node.clone(), close.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Escape" => close.emit(()),
            "Tab" => {
                let sheet = node.cast::<web_sys::Element>();
                if sheet.is_some_and(|sheet| page::keep_focus_in(&sheet, event.shift_key())) {
                    event.prevent_default();
                }
            }
            _ => {}
        })
    };
    let viewport = view.active;
    let has_image = (view.viewports.get(viewport)).is_some_and(|shown| shown.slices > 0);
    let series = view.rail.iter().flat_map(|group| &group.series);
    let can_compare = series.filter(|series| !series.is_document).count() > 1;
    let act = |action: Action| {
        let (dispatch, close) = (props.dispatch.clone(), close.clone());
        Callback::from(move |_: MouseEvent| {
            dispatch.emit(Command::Act(action.clone()));
            close.emit(());
        })
    };
    let other = if props.is_two { Layout::SINGLE } else { TWO };
    let compare = if props.is_two {
        words.one
    } else {
        words.compare
    };
    let files = files(opened).filter(|_| opened.download);
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 are far below 2^53"
    )]
    let until = page::local_date(opened.ends as f64, &props.locale, true);
    html! {
        <>
            <div class="guest-shade"></div>
            <div class="guest-sheet" role="dialog" aria-modal="true" aria-label={words.more}
                ref={node} {onkeydown}>
                <button class="grip" aria-label={words.dismiss} onclick={close.reform(|_| ())}>
                </button>
                <ul>
                    if can_compare {
                        {row("compare", compare, act(Action::SetLayout(other)))}
                    }
                    if has_image {
                        {row("invert", words.invert, act(Action::Invert(viewport)))}
                        {row("reset", words.reset, act(Action::Reset(viewport)))}
                    }
                    if let Some(href) = files {
                        <li>
                            <a class="row" {href} download="study.zip">
                                <Icon name="folder" />{words.download}
                            </a>
                        </li>
                    }
                </ul>
                <p class="about">
                    <Icon name="info" />
                    <span>
                        {fill(words.from, &[&opened.from])}<br />
                        {fill(words.until, &[&until])}
                    </span>
                </p>
            </div>
        </>
    }
}

fn row(icon: &'static str, label: &'static str, onclick: Callback<MouseEvent>) -> Html {
    html! {
        <li><button class="row" {onclick}><Icon name={icon} />{label}</button></li>
    }
}

/// Where all files of the link's study are, as one. A browser fetches them by itself: the address says that the link is asked.
fn files(opened: &Opened) -> Option<String> {
    let study = opened.studies.first()?;
    page::absolute(&format!(
        "api/studies/{}/{}/files?by=link",
        page::encode(&opened.source),
        page::encode(study)
    ))
}
