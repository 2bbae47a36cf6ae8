//! The reader behind a shared link: one image large, few controls, no jargon; made for a phone, good in any window.
//!
//! It draws on the same stage by the same engine as the reader, and sends the same commands.

mod controls;
mod report;
mod sheet;
mod stage;
mod words;

use crate::components::icon::Icon;
use crate::platform::page;
use crate::store::{Access, Command, PictureOf, ReaderView};
use protocol::gateway::Opened;
use std::rc::Rc;
use viewer_core::state::{Action, Layout};
use words::{Words, fill};
use yew::prelude::*;

/// What the reader shows, and where it sends commands.
#[derive(Properties, PartialEq)]
pub struct GuestProps {
    /// The snapshot.
    pub view: Rc<ReaderView>,
    /// How far the link has come.
    pub access: Access,
    /// Where commands go.
    pub dispatch: Callback<Command>,
    /// The element that holds the canvas; the app puts the canvas in.
    pub stage: NodeRef,
}

/// Two images beside each other; on upright screens, above each other.
const TWO: Layout = Layout {
    rows: 1,
    columns: 2,
};

/// The reader behind a link.
#[component]
pub fn Guest(props: &GuestProps) -> Html {
    let spoken = use_memo((), |()| words::of(&page::languages()));
    let (words, locale) = (spoken.0, spoken.1.as_str());
    use_effect_with((), move |()| page::name_page(words.code, words.title));
    match &props.access {
        Access::Asked => whole(words.opening, ""),
        Access::Offline => whole(words.offline, words.offline_more),
        Access::Ended => whole(words.ended, words.ended_more),
        Access::Open(opened) => html! {
            <Open view={props.view.clone()} opened={opened.clone()} {words}
                locale={locale.to_owned()} dispatch={props.dispatch.clone()}
                stage={props.stage.clone()} />
        },
    }
}

/// A sentence in place of everything else.
fn whole(title: &str, sentence: &str) -> Html {
    html! {
        <main class="guest-whole">
            <h1>{title.to_owned()}</h1>
            <p class="t2" role="status">{sentence.to_owned()}</p>
        </main>
    }
}

#[derive(Properties, PartialEq)]
struct OpenProps {
    view: Rc<ReaderView>,
    opened: Rc<Opened>,
    words: &'static Words,
    locale: AttrValue,
    dispatch: Callback<Command>,
    stage: NodeRef,
}

/// What the link opened.
#[component]
fn Open(props: &OpenProps) -> Html {
    let OpenProps {
        view,
        opened,
        words,
        locale,
        dispatch,
        stage,
    } = props;
    let words = *words;
    let has_sheet = use_state_eq(|| false);
    let report = use_state_eq(|| None::<PictureOf>);
    let is_two = view.layout == Some(TWO);
    let compare = dispatch.reform(move |_: MouseEvent| {
        let layout = if is_two { Layout::SINGLE } else { TWO };
        Command::Act(Action::SetLayout(layout))
    });
    let toggle_sheet = {
        let (now, setter) = (*has_sheet, has_sheet.setter());
        Callback::from(move |_: MouseEvent| setter.set(!now))
    };
    let close_sheet = {
        let setter = has_sheet.setter();
        Callback::from(move |()| setter.set(false))
    };
    let read = {
        let setter = report.setter();
        Callback::from(move |of: Option<PictureOf>| setter.set(of))
    };
    let again = dispatch.reform(|_: MouseEvent| Command::TryAgain);
    let side = match (*report).clone() {
        Some(of) => html! {
            <report::ReportPanel {of} {words} close={read.reform(|()| None)} />
        },
        None => html! {
            <>
                if !opened.note.is_empty() {
                    <p class="guest-note">
                        <Icon name="note" />
                        <span>
                            <span class="vh">{fill(words.note_of, &[&opened.from])}{": "}</span>
                            {&opened.note}
                            <span class="t3" aria-hidden="true">{" "}{&opened.from}</span>
                        </span>
                    </p>
                }
                <controls::Scrub view={view.clone()} {words} dispatch={dispatch.clone()} />
                <controls::Presets view={view.clone()} {words} dispatch={dispatch.clone()} />
                <controls::Strip view={view.clone()} {words} dispatch={dispatch.clone()} {read} />
            </>
        },
    };
    html! {
        <div class={classes!("guest", report.is_some().then_some("reads"))}>
            {header(props, is_two, &compare, *has_sheet, &toggle_sheet)}
            <main class="guest-image">
                if view.notice.as_ref().is_some_and(|notice| notice.can_try_again) {
                    <p class="guest-notice" role="status">
                        <Icon name="offline" />
                        <span>{words.offline}{". "}{words.offline_more}</span>
                    </p>
                }
                <stage::Stage view={view.clone()} {words} dispatch={dispatch.clone()}
                    stage={stage.clone()} />
                if view.failure.is_some() {
                    <div class="guest-whole over" role="alert">
                        <h2>{words.not_opened}</h2>
                        <button class="btn" onclick={again}>{words.again}</button>
                    </div>
                }
            </main>
            <section class="guest-side" aria-label={words.more}>{side}</section>
            if *has_sheet {
                <sheet::Sheet view={view.clone()} opened={opened.clone()} {words}
                    locale={locale.clone()} {is_two} dispatch={dispatch.clone()}
                    close={close_sheet} />
            }
        </div>
    }
}

/// Who and what, and the two buttons that are always there.
fn header(
    props: &OpenProps,
    is_two: bool,
    compare: &Callback<MouseEvent>,
    has_sheet: bool,
    toggle_sheet: &Callback<MouseEvent>,
) -> Html {
    let OpenProps {
        view,
        words,
        locale,
        ..
    } = props;
    let banner = &view.banner;
    let name = match banner.name.as_str() {
        "No name" => words.no_name,
        name => name,
    };
    let day = page::local_day(&banner.date, locale);
    let study = [banner.description.as_str(), &day];
    let study: Vec<&str> = study.into_iter().filter(|part| !part.is_empty()).collect();
    let images = view.rail.iter().flat_map(|group| &group.series);
    let can_compare = images.filter(|series| !series.is_document).count() > 1;
    let label = if is_two { words.one } else { words.compare };
    html! {
        <header class="guest-head">
            <div class="grow">
                <h1>{name.to_owned()}</h1>
                <p class="t2">{study.join(" \u{b7} ")}</p>
            </div>
            if can_compare {
                <button class="round" aria-label={label} title={label}
                    aria-pressed={is_two.to_string()} onclick={compare}>
                    <Icon name="compare" />
                </button>
            }
            <button class="round" aria-label={words.more} title={words.more} aria-haspopup="dialog"
                aria-expanded={has_sheet.to_string()} onclick={toggle_sheet}>
                <Icon name="more" />
            </button>
        </header>
    }
}
