//! A report beside the images: structured ones as text, others as a file to open.
//!
//! Everything in a report is a text node here; none of it is ever markup.

use super::words::Words;
use crate::components::icon::Icon;
use crate::platform::fetch;
use crate::store::PictureOf;
use protocol::dicomweb::json::{self, Dataset};
use protocol::dicomweb::path;
use std::rc::Rc;
use viewer_core::model::{Report, ReportLine, tags};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Which report.
#[derive(Properties, PartialEq)]
pub struct ReportProps {
    /// The series that holds it.
    pub of: PictureOf,
    /// The language.
    pub words: &'static Words,
    /// Goes back to the controls.
    pub close: Callback<()>,
}

/// One object of the series.
enum Part {
    Text(Report),
    /// Address of a file.
    File(String),
    /// Nothing for people.
    Other,
}

/// What became of the series: `None` while it is on its way, an error where it did not come.
type Read = Option<Result<Vec<Part>, ()>>;

/// A report.
#[component]
pub fn ReportPanel(props: &ReportProps) -> Html {
    let words = props.words;
    let read = use_state(|| Rc::new(None) as Rc<Read>);
    {
        let setter = read.setter();
        use_effect_with(props.of.clone(), move |of| {
            setter.set(Rc::new(None));
            let of = of.clone();
            spawn_local(async move {
                setter.set(Rc::new(Some(ask(&of).await)));
            });
        });
    }
    let body = match read.as_ref() {
        None => html! { <p class="t2" role="status">{words.opening}</p> },
        Some(Err(())) => html! { <p class="err" role="alert">{words.report_failed}</p> },
        Some(Ok(parts)) => html! { {for parts.iter().map(|part| show(part, words))} },
    };
    html! {
        <article class="guest-report" aria-label={words.report}>
            <header>
                <h2>{words.report}</h2>
                <button class="round" aria-label={words.dismiss}
                    onclick={props.close.reform(|_| ())}>
                    <Icon name="close" />
                </button>
            </header>
            <div class="text" tabindex="0">{body}</div>
        </article>
    }
}

async fn ask(of: &PictureOf) -> Result<Vec<Part>, ()> {
    let url = format!(
        "{}/{}",
        of.root,
        path::series_metadata(&of.study, &of.series)
    );
    let answer = fetch::get_text(&url, "application/dicom+json").await;
    let mut parts = Vec::new();
    json::parse_each(&answer.map_err(|_| ())?.text, |set| {
        parts.push(part(of, &set));
    })
    .map_err(|_| ())?;
    Ok(parts)
}

fn part(of: &PictureOf, set: &Dataset) -> Part {
    if let Some(report) = Report::from_dataset(set) {
        return Part::Text(report);
    }
    let kind = set.text(tags::ENCAPSULATED_DOCUMENT_MEDIA_TYPE);
    match set.text(tags::SOP_INSTANCE_UID) {
        Some(instance) if kind.as_deref() == Some("application/pdf") => Part::File(format!(
            "{}/{}/rendered",
            of.root,
            path::instance(&of.study, &of.series, &instance)
        )),
        _ => Part::Other,
    }
}

fn show(part: &Part, words: &Words) -> Html {
    match part {
        Part::Other => html! { <p class="t2">{words.nothing}</p> },
        // It goes to the device's own reader of such files: nothing of it runs in this page.
        Part::File(address) => html! {
            <p>
                <a class="btn" href={address.clone()} download="report.pdf">
                    <Icon name="doc" />{words.pdf}
                </a>
            </p>
        },
        Part::Text(report) => html! {
            <section>
                <h3 class="title">{&report.title}</h3>
                if !report.is_verified {
                    <p class="warn"><Icon name="warn" small=true />{" "}{words.unverified}</p>
                }
                {for report.lines.iter().enumerate().map(|(place, it)| {
                    line(it, heading_over(&report.lines, place))
                })}
                if report.is_cut {
                    <p class="warn"><Icon name="warn" small=true />{" "}{words.cut}</p>
                }
            </section>
        },
    }
}

/// The heading that a line stands below.
fn heading_over(lines: &[ReportLine], place: usize) -> &str {
    let depth = lines[place].depth;
    let above = lines[..place].iter().rev().find(|line| line.depth < depth);
    above.map_or("", |line| &line.name)
}

/// A line. "Finding" below "Findings" says nothing new.
fn line(line: &ReportLine, heading: &str) -> Html {
    let class = classes!("line", (line.depth > 1).then_some("deep"));
    if line.is_heading() {
        return html! { <h4 {class}>{&line.name}</h4> };
    }
    let is_new = !line.name.is_empty() && line.name != heading.trim_end_matches('s');
    html! {
        <p {class}>
            if is_new && line.name != heading {
                <span class="t3">{&line.name}</span><br />
            }
            {&line.text}
        </p>
    }
}
