//! Playing: moves the cine on before each drawing, and says how fast it runs.

use super::Engine;
use viewer_core::loading::{FrameKey, FrameState};
use viewer_core::model::{PlayOrder, SeriesId};
use viewer_core::state::cine::{self, Readiness};
use viewer_core::state::viewport::ShownFrame;

impl Engine {
    /// Moves the cine on to a time; what that changes is drawn.
    pub(super) fn play(&mut self, at_ms: f64) {
        let Some(playing) = self.state.playing else {
            return;
        };
        let readiness = |slice| self.readiness(playing.series, slice);
        let Some(action) = cine::step(&self.state, at_ms, readiness) else {
            return;
        };
        let place = |engine: &Self| {
            let shown = engine.state.viewports.get(playing.viewport);
            let is_waiting = engine.state.playing.map(|playing| playing.is_waiting);
            (shown.map(|viewport| viewport.slice), is_waiting)
        };
        let before = place(self);
        self.state.apply(action);
        self.is_dirty |= place(self) != before;
    }

    fn readiness(&self, series: SeriesId, slice: usize) -> Readiness {
        let Ok(slice) = u32::try_from(slice) else {
            return Readiness::Failed;
        };
        match self.queue.state(FrameKey { series, slice }, &self.cache) {
            FrameState::Loaded => Readiness::Here,
            FrameState::Failed(_) => Readiness::Failed,
            _ => Readiness::Coming,
        }
    }

    /// True where a viewport has more than one image to play.
    pub(super) fn can_play(&self, viewport: usize) -> bool {
        let viewport = self.state.viewports.get(viewport);
        let shown = viewport.and_then(|viewport| viewport.shown(&self.state));
        shown.is_some_and(|shown| PlayOrder::of(shown.stack, shown.slice).is_some())
    }

    /// "25 fps", "25 fps, waiting for images"; `None` where a viewport does not play.
    pub(super) fn playing_words(&self, viewport: usize, shown: &ShownFrame) -> Option<String> {
        let playing = self.state.playing.filter(|it| it.viewport == viewport)?;
        let speed = cine::speed_words(shown.stack, shown.slice, self.state.speed);
        Some(if playing.is_waiting {
            format!("{speed}, waiting for images")
        } else {
            speed
        })
    }
}
