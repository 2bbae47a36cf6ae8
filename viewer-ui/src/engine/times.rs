//! The time that a viewport shows, in words.

use super::Engine;
use crate::store::TimeView;
use viewer_core::state::Viewport;
use viewer_core::state::time::TimeShown;
use viewer_core::tools::overlay::number;
use viewer_core::volume::TimePoint;

impl Engine {
    /// Where a viewport stands in time; `None` where its series has but one.
    pub(super) fn time_view(&self, viewport: &Viewport) -> Option<TimeView> {
        let shown = self.state.time_shown(viewport)?;
        let point = shown.points().get(shown.index)?;
        Some(TimeView {
            index: shown.index,
            count: shown.points().len(),
            words: words(&shown, point),
        })
    }
}

/// "3 / 10 · 10 s", "2 / 3 · b 1000".
fn words(shown: &TimeShown, point: &TimePoint) -> String {
    let place = format!("{} / {}", shown.index + 1, shown.points().len());
    let value = match (point.b_value, point.at_ms) {
        // Directions have no number of their own: the label says both.
        (Some(_), _) => point.label.clone(),
        (None, Some(ms)) if is_in_seconds(shown) => format!("{} s", number(ms / 1000.0, 1)),
        (None, Some(ms)) => format!("{} ms", number(ms, 0)),
        (None, None) => return place,
    };
    format!("{place} \u{b7} {value}")
}

/// Phases of a heart are told in ms, a contrast agent's way in s.
fn is_in_seconds(shown: &TimeShown) -> bool {
    let last = shown.points().last().and_then(|point| point.at_ms);
    last.is_some_and(|ms| ms >= 5_000.0)
}
