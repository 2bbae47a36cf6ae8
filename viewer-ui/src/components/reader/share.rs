//! The share popover: what is shared, for how long, and the link that comes of it.

use super::pop::Pop;
use super::share_made::{Links, Made};
use super::share_mail::{MAILS, first_of};
use crate::components::gate::words;
use crate::components::icon::Icon;
use crate::platform::fetch::{self, Method, NotDone};
use crate::platform::{page, presence};
use crate::store::ToShare;
use protocol::account::{ShareMade, ShareWanted};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Days that are offered.
const DAYS: [(i64, &str); 3] = [(1, "1 day"), (7, "7 days"), (30, "30 days")];
/// How often a link may be opened.
const USES: [(u32, &str); 4] = [
    (1, "Once"),
    (5, "5 times"),
    (20, "20 times"),
    (100, "100 times"),
];
const DAY_S: f64 = 86_400.0;

/// What the popover needs.
#[derive(Properties, PartialEq)]
pub struct ShareProps {
    /// What is on screen, asked when a link is made.
    pub ask: Callback<(), Option<ToShare>>,
    /// Takes the user's password, for a login that is not fresh.
    pub prove: Callback<(String, Callback<Result<(), NotDone>>)>,
    /// Closes it.
    pub close: Callback<()>,
}

/// What was chosen so far.
#[derive(Debug, Clone, PartialEq)]
struct Draft {
    whole_study: bool,
    view: bool,
    days: i64,
    uses: u32,
    /// Language of the mail: an index into [`MAILS`].
    language: usize,
    pin: bool,
    download: bool,
    note: String,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            whole_study: true,
            view: true,
            days: 7,
            uses: 5,
            language: first_of(&page::languages()),
            pin: true,
            download: false,
            note: String::new(),
        }
    }
}

impl Draft {
    /// Whoever gives files away says why.
    fn lacks_note(&self) -> bool {
        self.download && self.note.trim().is_empty()
    }

    fn wanted(&self, to_share: &ToShare) -> ShareWanted {
        let series = to_share.series.as_ref().filter(|_| !self.whole_study);
        ShareWanted {
            source: Some(to_share.source.clone()),
            study: to_share.study.clone(),
            series: series.map(|(uid, _)| uid.clone()),
            view: self.view.then(|| to_share.view.clone()),
            days: self.days,
            uses: Some(self.uses),
            pin: self.pin,
            download: self.download,
            note: self.note.trim().to_owned(),
        }
    }
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// Choices.
    Choosing,
    /// The server is asked.
    Busy,
    /// The login is not fresh: the password is asked for.
    Proving,
    /// A link was made.
    Made(Rc<ShareMade>, Draft),
}

/// The share popover.
#[component]
pub fn SharePopover(props: &ShareProps) -> Html {
    let draft = use_state_eq(Draft::default);
    let step = use_state_eq(|| Step::Choosing);
    let refused = use_state_eq(|| None::<NotDone>);
    // What is on screen when it opens: it stays visible beside the popover.
    let to_share = use_memo((), |()| props.ask.emit(()));
    let Some(to_share) = (*to_share).clone() else {
        return html! {
            <Pop label="Share by link" class="sharepop" close={props.close.clone()}>
                <p class="hint pad">{"There is nothing to share yet."}</p>
            </Pop>
        };
    };
    let create = {
        let (draft, step, refused) = (draft.clone(), step.setter(), refused.setter());
        let (ask, known) = (props.ask.clone(), to_share.clone());
        Callback::from(move |()| {
            // The view of now, not that of when the popover opened.
            let to_share = ask.emit(()).filter(|now| now.study == known.study);
            let wanted = draft.wanted(&to_share.unwrap_or_else(|| known.clone()));
            let (draft, step, refused) = ((*draft).clone(), step.clone(), refused.clone());
            step.set(Step::Busy);
            refused.set(None);
            spawn_local(async move {
                match make(&wanted).await {
                    Ok(made) => step.set(Step::Made(Rc::new(made), draft)),
                    Err(error) if error.code == "fresh_login_needed" => step.set(Step::Proving),
                    Err(error) => {
                        refused.set(Some(error));
                        step.set(Step::Choosing);
                    }
                }
            });
        })
    };
    let title = if matches!(*step, Step::Made(..)) {
        "Link is ready"
    } else {
        "Share by link"
    };
    let body = match &*step {
        Step::Made(made, draft) => html! {
            <>
                <Made made={made.clone()} uses={USES.iter().find(|(uses, _)| *uses == draft.uses).map_or("", |(_, name)| *name)}
                    language={draft.language} />
                <Links study={to_share.study.clone()} newest={made.id.clone()} />
            </>
        },
        Step::Proving => html! {
            <Prove prove={props.prove.clone()} create={create.clone()} />
        },
        Step::Choosing | Step::Busy => html! {
            <>
                <Form draft={(*draft).clone()} set={let draft = draft.setter(); Callback::from(move |new| draft.set(new))}
                    series={to_share.series.clone()} />
                if let Some(refused) = &*refused {
                    <p class="err pad" role="alert"><Icon name="error" small=true />{words(refused)}</p>
                }
                <div class="ft">
                    <p class="hint grow">
                        {if draft.lacks_note() { "Say in the note why the files may be downloaded." } else { "Every opening is recorded." }}
                    </p>
                    <button class="btn primary" disabled={*step == Step::Busy || draft.lacks_note()}
                        onclick={create.reform(|_: MouseEvent| ())}>
                        {if *step == Step::Busy { "Creating\u{2026}" } else { "Create link" }}
                    </button>
                </div>
                <Links study={to_share.study.clone()} newest={AttrValue::default()} />
            </>
        },
    };
    html! {
        <Pop label={title} class="sharepop" close={props.close.clone()}>
            <div class="hd">
                <h2>{title}</h2>
                <button class="tool" aria-label="Close" title="Close (Esc)"
                    onclick={props.close.reform(|_: MouseEvent| ())}><Icon name="close" /></button>
            </div>
            {body}
        </Pop>
    }
}

async fn make(wanted: &ShareWanted) -> Result<ShareMade, NotDone> {
    let body = serde_json::to_string(wanted).ok();
    let answer = fetch::send(Method::POST, "api/shares", body).await?;
    serde_json::from_str(&answer).map_err(|_| NotDone {
        code: "answer_unread".into(),
        message: "The server's answer could not be read.".into(),
    })
}

#[derive(Properties, PartialEq)]
struct ProveProps {
    prove: Callback<(String, Callback<Result<(), NotDone>>)>,
    create: Callback<()>,
}

/// The password once more, where the last login is too long ago for what gives rights away.
#[component]
fn Prove(props: &ProveProps) -> Html {
    let refused = use_state_eq(|| None::<NotDone>);
    let field = use_node_ref();
    use_effect_with((), |()| {
        page::focus_on("#share-password");
    });
    let onsubmit = {
        let (field, prove, create) = (field.clone(), props.prove.clone(), props.create.clone());
        let refused = refused.setter();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(input) = field.cast::<web_sys::HtmlInputElement>() else {
                return;
            };
            let (create, refused) = (create.clone(), refused.clone());
            let done = Callback::from(move |answer| match answer {
                Ok(()) => create.emit(()),
                Err(error) => refused.set(Some(error)),
            });
            prove.emit((input.value(), done));
            input.set_value("");
        })
    };
    html! {
        <form class="body" {onsubmit}>
            <p class="t2">{"A link gives others access. Confirm that it is you: your last sign-in is more than five minutes ago."}</p>
            <div>
                <label class="lab" for="share-password">{"Password"}</label>
                <input id="share-password" class="field" type="password" ref={field}
                    autocomplete="current-password" aria-describedby="share-refused" />
            </div>
            <p id="share-refused" class="err" role="alert">
                if let Some(refused) = &*refused {
                    <Icon name="error" small=true />{words(refused)}
                }
            </p>
            <button class="btn primary">{"Confirm and create link"}</button>
        </form>
    }
}

#[derive(Properties, PartialEq)]
struct FormProps {
    draft: Draft,
    set: Callback<Draft>,
    series: Option<(String, String)>,
}

#[component]
fn Form(props: &FormProps) -> Html {
    let FormProps { draft, set, series } = props;
    let choose = |change: fn(&mut Draft)| {
        let (draft, set) = (draft.clone(), set.clone());
        Callback::from(move |()| {
            let mut new = draft.clone();
            change(&mut new);
            set.emit(new);
        })
    };
    let ends_s = presence::wall_ms() / 1000.0 + draft.days as f64 * DAY_S;
    let days = |(days, name): (i64, &'static str)| {
        let (draft, set) = (draft.clone(), set.clone());
        let is_chosen = draft.days == days;
        let onclick = Callback::from(move |_: MouseEvent| {
            set.emit(Draft {
                days,
                ..draft.clone()
            });
        });
        html! { <button type="button" role="radio" aria-checked={is_chosen.to_string()} {onclick}>{name}</button> }
    };
    let onuses = {
        let (draft, set) = (draft.clone(), set.clone());
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<web_sys::HtmlSelectElement>();
            let index = select.and_then(|it| usize::try_from(it.selected_index()).ok());
            if let Some((uses, _)) = index.and_then(|index| USES.get(index)) {
                set.emit(Draft {
                    uses: *uses,
                    ..draft.clone()
                });
            }
        })
    };
    let onlanguage = {
        let (draft, set) = (draft.clone(), set.clone());
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<web_sys::HtmlSelectElement>();
            if let Some(language) = select.and_then(|it| usize::try_from(it.selected_index()).ok())
            {
                set.emit(Draft {
                    language,
                    ..draft.clone()
                });
            }
        })
    };
    let onnote = {
        let (draft, set) = (draft.clone(), set.clone());
        Callback::from(move |event: InputEvent| {
            if let Some(area) = event.target_dyn_into::<web_sys::HtmlTextAreaElement>() {
                set.emit(Draft {
                    note: area.value(),
                    ..draft.clone()
                });
            }
        })
    };
    html! {
        <div class="body">
            <div>
                <p class="lab" id="share-what">{"What"}</p>
                <div class="seg full" role="radiogroup" aria-labelledby="share-what">
                    <button type="button" role="radio" aria-checked={draft.whole_study.to_string()}
                        onclick={choose(|draft| draft.whole_study = true).reform(|_: MouseEvent| ())}>{"Whole study"}</button>
                    if let Some((_, name)) = series {
                        <button type="button" role="radio" aria-checked={(!draft.whole_study).to_string()} title={name.clone()}
                            onclick={choose(|draft| draft.whole_study = false).reform(|_: MouseEvent| ())}>
                            <span class="clip">{name}</span></button>
                    }
                </div>
                <Switch label="Start at the current view" hint="Image, brightness, zoom and layout as they are now"
                    is_on={draft.view} toggle={choose(|draft| draft.view = !draft.view)} />
            </div>
            <div>
                <p class="lab" id="share-days">{"Open for"}</p>
                <div class="seg full" role="radiogroup" aria-labelledby="share-days">{for DAYS.into_iter().map(days)}</div>
                <p class="hint">{"Until "}{page::local_date(ends_s, "en-GB", true)}</p>
            </div>
            <div class="two">
                <div>
                    <label class="lab" for="share-uses">{"Can be opened"}</label>
                    <select id="share-uses" class="field" onchange={onuses}>
                        {for USES.into_iter().map(|(uses, name)| html! {
                            <option selected={uses == draft.uses}>{name}</option>
                        })}
                    </select>
                </div>
                <div>
                    <label class="lab" for="share-language">{"Language of the mail"}</label>
                    <select id="share-language" class="field" onchange={onlanguage}>
                        {for MAILS.iter().enumerate().map(|(index, mail)| html! {
                            <option selected={index == draft.language}>{mail.name}</option>
                        })}
                    </select>
                </div>
            </div>
            <div>
                <Switch label="Ask for a PIN" hint="Made for you; give it by phone, not in the same mail"
                    is_on={draft.pin} toggle={choose(|draft| draft.pin = !draft.pin)} />
                <Switch label="Allow download" hint={draft.download.then_some("The files as they are, with all that stands in them; the note must say why")}
                    is_on={draft.download} toggle={choose(|draft| draft.download = !draft.download)} />
            </div>
            <div>
                <label class="lab" for="share-note">{if draft.download { "Note to the reader (required)" } else { "Note to the reader" }}</label>
                <textarea id="share-note" class="field" rows="2" maxlength="500" required={draft.download} value={draft.note.clone()} oninput={onnote} />
            </div>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct SwitchProps {
    label: AttrValue,
    #[prop_or_default]
    hint: Option<AttrValue>,
    is_on: bool,
    toggle: Callback<()>,
}

#[component]
fn Switch(props: &SwitchProps) -> Html {
    html! {
        <label class="switch">
            <input type="checkbox" role="switch" checked={props.is_on}
                onchange={props.toggle.reform(|_: Event| ())} />
            <span>{&props.label}
                if let Some(hint) = &props.hint { <span class="hint">{hint}</span> }
            </span>
        </label>
    }
}
