//! A shared link from the side of whoever opened it: what it opened, and when it ends.

use crate::platform::fetch::{self, FetchError};
use crate::platform::{clock, page};
use crate::store::Access;
use protocol::gateway::Opened;
use std::cell::Cell;
use std::rc::Rc;
use viewer_core::state::{SavedView, ViewLink};
use wasm_bindgen_futures::spawn_local;

/// Pause until the server is asked again whether the link is open still, ms.
const LOOK_MS: f64 = 60_000.0;
/// The same while it cannot be reached and nothing is open yet.
const AGAIN_MS: f64 = 3_000.0;

/// Follows one link from the first answer to its end.
pub struct Link {
    tell: Box<dyn Fn(Access)>,
    has_opened: Cell<bool>,
    has_ended: Cell<bool>,
}

impl Link {
    /// A link whose every step is told.
    pub fn new(tell: impl Fn(Access) + 'static) -> Rc<Self> {
        Rc::new(Self {
            tell: Box::new(tell),
            has_opened: Cell::new(false),
            has_ended: Cell::new(false),
        })
    }

    /// Asks now, and again for as long as the link is open. Any request that the server refuses for lack of a session ends it.
    pub fn follow(self: Rc<Self>) {
        let link = Rc::clone(&self);
        fetch::by_link();
        fetch::on_closed(move |_| link.end());
        spawn_local(async move {
            while !self.has_ended.get() {
                self.heard(ask().await);
                let pause_ms = if self.has_opened.get() {
                    LOOK_MS
                } else {
                    AGAIN_MS
                };
                clock::sleep(pause_ms).await;
            }
        });
    }

    fn heard(&self, answer: Result<Opened, FetchError>) {
        match answer {
            Ok(opened) if !self.has_opened.replace(true) => {
                (self.tell)(Access::Open(Rc::new(opened)));
            }
            // Without an answer nothing is known: what is open stays so.
            Err(FetchError::Unreachable) if !self.has_opened.get() => (self.tell)(Access::Offline),
            // Too much at once is no end.
            Err(FetchError::Refused { status: 429, .. }) => {}
            Err(FetchError::Refused { status, .. }) if (400..500).contains(&status) => self.end(),
            _ => {}
        }
    }

    fn end(&self) {
        if !self.has_ended.replace(true) {
            (self.tell)(Access::Ended);
        }
    }
}

async fn ask() -> Result<Opened, FetchError> {
    let address = page::absolute("api/shares/opened").ok_or(FetchError::Unreachable)?;
    let answer = fetch::get_text(&address, "application/json").await?;
    serde_json::from_str(&answer.text).map_err(|_| FetchError::Refused {
        status: 500,
        message: None,
    })
}

/// What is shown first: the study, or the one series that was shared; the active image of whoever shared it, as it was there.
pub fn view(opened: &Opened) -> ViewLink {
    let view = opened.view.as_deref().and_then(SavedView::from_text);
    ViewLink {
        studies: opened.studies.clone(),
        series: opened.series.iter().cloned().collect(),
        source: Some(opened.source.clone()),
        view: view.map(|view| view.single()),
        ..ViewLink::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use viewer_core::state::ViewerState;

    #[test]
    fn a_link_shows_the_image_that_it_was_made_at() {
        let mut opened = Opened {
            source: "local".into(),
            studies: vec!["1.2".into()],
            ..Opened::default()
        };
        let plain = view(&opened);
        assert_eq!((plain.studies, plain.series.len()), (vec!["1.2".into()], 0));
        assert_eq!(plain.source.as_deref(), Some("local"));
        opened.series = Some("1.2.9".into());
        let made = ViewerState::default();
        opened.view = Some(SavedView::of(&made).text());
        let link = view(&opened);
        assert_eq!(link.series, ["1.2.9"]);
        assert_eq!(link.view, Some(SavedView::of_active(&made)));
        // What is no view is passed over.
        opened.view = Some("layout=2x2".into());
        assert_eq!(view(&opened).view, None);
    }
}
