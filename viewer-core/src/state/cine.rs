//! Cine: which slice stands on screen at which time.
//!
//! Every frame stays as long as the file says. A frame that is not decoded is never shown: the cine waits for
//! it. Where drawing is too slow frames are left out, so that the speed holds. Pure: hosts say what time it is
//! and which frames are here. Source: DICOM PS3.3 C.7.6.5 (Cine).

use super::{Action, ViewerState};
use crate::model::playback::{DEFAULT_FRAME_MS, PlayOrder, frame_ms};
use crate::model::{SeriesId, Stack};
use crate::tools::overlay::number;

/// Speeds that can be chosen, against the file's own.
pub const SPEEDS: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0];
/// A frame may come this much too early, ms: screens do not keep time to the microsecond.
const EARLY_MS: f64 = 2.0;
/// Nobody was looking when a frame is later than this, ms: the page was hidden. The cine goes on from where
/// it was.
const MOST_LATE_MS: f64 = 1000.0;

/// A cine that runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playing {
    /// In which viewport.
    pub viewport: usize,
    /// What is played.
    pub series: SeriesId,
    /// Towards higher slices.
    pub forwards: bool,
    /// Since when the slice on screen stands there by the file's time, ms; `None` before the first step.
    pub since_ms: Option<f64>,
    /// The next frame is due and not decoded.
    pub is_waiting: bool,
}

/// How far a frame has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It can be shown.
    Here,
    /// It is on its way.
    Coming,
    /// It will not come: it is passed over.
    Failed,
}

/// What is to happen to the cine at a time; `None` without one, or while nothing is due.
pub fn step(
    state: &ViewerState,
    now_ms: f64,
    readiness: impl Fn(usize) -> Readiness,
) -> Option<Action> {
    let playing = state.playing?;
    let shown = state.viewports.get(playing.viewport)?.shown(state)?;
    let Some(order) = PlayOrder::of(shown.stack, shown.slice) else {
        return Some(Action::StopPlaying);
    };
    let time = |slice| frame_ms(shown.stack, slice).unwrap_or(DEFAULT_FRAME_MS) / state.speed;
    let (mut slice, mut forwards) = (shown.slice, playing.forwards);
    let mut since_ms = playing.since_ms.unwrap_or(now_ms).min(now_ms + EARLY_MS);
    let mut is_waiting = false;
    match readiness(slice) {
        // What was waited for is here: it is due now, not since the last look.
        Readiness::Here if playing.is_waiting && since_ms + time(slice) <= now_ms => {
            since_ms = now_ms - time(slice);
        }
        Readiness::Here if now_ms - since_ms - time(slice) > MOST_LATE_MS => {
            since_ms = now_ms - time(slice);
        }
        Readiness::Here => {}
        Readiness::Coming => {
            since_ms = now_ms;
            is_waiting = true;
        }
        Readiness::Failed => since_ms = now_ms - time(slice),
    }
    while !is_waiting && since_ms + time(slice) <= now_ms + EARLY_MS {
        let Some(next) = next_to_show(&order, (slice, forwards), &readiness) else {
            return Some(Action::StopPlaying);
        };
        if readiness(next.0) == Readiness::Coming {
            // It is due from now on, and no frame is left out for the time that it takes.
            since_ms = now_ms - time(slice);
            is_waiting = true;
        } else {
            since_ms += time(slice);
            (slice, forwards) = next;
        }
    }
    let is_new = (slice, forwards, is_waiting, Some(since_ms))
        != (
            shown.slice,
            playing.forwards,
            playing.is_waiting,
            playing.since_ms,
        );
    is_new.then_some(Action::Played {
        slice,
        forwards,
        since_ms,
        is_waiting,
    })
}

/// The next slice that did not fail, and the direction from there; `None` where there is no other.
fn next_to_show(
    order: &PlayOrder,
    from: (usize, bool),
    readiness: &impl Fn(usize) -> Readiness,
) -> Option<(usize, bool)> {
    let mut next = from;
    for _ in 0..2 * order.len() {
        next = order.after(next.0, next.1);
        if next.0 != from.0 && readiness(next.0) != Readiness::Failed {
            return Some(next);
        }
    }
    None
}

/// The speed one step slower or faster; it stops at the ends.
pub(super) fn changed_speed(speed: f64, steps: i64) -> f64 {
    let here = SPEEDS.iter().position(|known| *known >= speed);
    let here = i64::try_from(here.unwrap_or(SPEEDS.len() - 1)).unwrap_or(0);
    let place = usize::try_from(here.saturating_add(steps).max(0)).unwrap_or(0);
    SPEEDS[place.min(SPEEDS.len() - 1)]
}

/// How fast a cine runs, in words: "25 fps", "12.5 fps, 0.5×", "15 fps, not from the file", "about 20 fps"
/// where frames stay for different times.
pub fn speed_words(stack: &Stack, slice: usize, speed: f64) -> String {
    let times = PlayOrder::of(stack, slice).and_then(|order| order.times_ms(stack));
    let mean_ms = times.map_or(DEFAULT_FRAME_MS, |[_, _, mean]| mean);
    let rate = 1000.0 / mean_ms * speed;
    let decimals = usize::from((rate - rate.round()).abs() > 0.05);
    let about = match times {
        Some([shortest, longest, _]) if longest > shortest * 1.01 => "about ",
        _ => "",
    };
    let mut words = format!("{about}{} fps", number(rate, decimals));
    if (speed - 1.0).abs() > 1e-9 {
        words.push_str(&format!(", {speed}\u{d7}"));
    }
    if times.is_none() {
        words.push_str(", not from the file");
    }
    words
}

impl ViewerState {
    /// Where the cine is now: an action that changes this ends it.
    pub(super) fn playing_place(&self) -> Option<(usize, usize)> {
        let playing = self.playing?;
        let viewport = self.viewports.get(playing.viewport)?;
        let is_visible = self.large.is_none_or(|large| large == playing.viewport);
        (is_visible && viewport.series == Some(playing.series))
            .then_some((playing.viewport, viewport.slice))
    }

    /// True where an action scrolls the viewport that plays, even if it does not move any more.
    pub(super) fn scrolls_playing(&self, action: &Action) -> bool {
        let playing = self.playing.map(|playing| playing.viewport);
        match action {
            Action::SetSlice { viewport, .. } => playing == Some(*viewport),
            Action::ScrollBy { viewport, .. } => self.linked || playing == Some(*viewport),
            _ => false,
        }
    }

    pub(super) fn toggle_playing(&mut self, viewport: usize) {
        let is_this = self.playing.is_some_and(|p| p.viewport == viewport);
        let shown = self.viewports.get(viewport).and_then(|v| v.shown(self));
        self.playing = shown
            .filter(|_| !is_this)
            .filter(|shown| PlayOrder::of(shown.stack, shown.slice).is_some())
            .map(|shown| Playing {
                viewport,
                series: shown.series.id,
                forwards: true,
                since_ms: None,
                is_waiting: false,
            });
    }

    pub(super) fn played(&mut self, slice: usize, forwards: bool, since_ms: f64, is_waiting: bool) {
        let Some(playing) = self.playing.as_mut() else {
            return;
        };
        playing.forwards = forwards;
        playing.since_ms = Some(since_ms);
        playing.is_waiting = is_waiting;
        if let Some(viewport) = self.viewports.get_mut(playing.viewport) {
            viewport.slice = slice;
            viewport.forwards = forwards;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Series, Study};
    use crate::state::Tool;
    use protocol::dicomweb::json;
    use std::sync::Arc;

    const SERIES: SeriesId = SeriesId(1);

    /// A viewer that shows a clip of four frames with further attributes.
    fn open(more: &str) -> ViewerState {
        let text = format!(
            r#"[{{"00080018":{{"Value":["1.1"]}},"00280008":{{"Value":["4"]}},
            "00280010":{{"Value":[2]}},"00280011":{{"Value":[2]}},"00280100":{{"Value":[8]}}{more}}}]"#
        );
        let stack = Arc::new(Stack::from_metadata(&json::parse(&text).unwrap()));
        let series = |id: u32, stack| Series {
            id: SeriesId(id),
            study: 0,
            uid: format!("1.{id}"),
            number: Some(i64::from(id)),
            modality: "US".into(),
            description: String::new(),
            instance_count: None,
            stack,
        };
        let mut state = ViewerState::default();
        state.apply(Action::Open {
            studies: vec![Study::default()],
        });
        state.apply(Action::SeriesListed(vec![series(1, None), series(2, None)]));
        for id in [1, 2] {
            state.apply(Action::StackReady {
                series: SeriesId(id),
                stack: Arc::clone(&stack),
            });
        }
        state
    }

    /// A clip of 40 ms a frame that plays since 1000 ms.
    fn playing(more: &str) -> ViewerState {
        let mut state = open(&format!(r#","00181063":{{"Value":["40"]}}{more}"#));
        state.apply(Action::TogglePlaying(0));
        at(&mut state, 1000.0);
        state
    }

    /// The slice on screen at a time where all frames are here.
    fn at(state: &mut ViewerState, now_ms: f64) -> usize {
        at_with(state, now_ms, |_| Readiness::Here)
    }

    fn at_with(state: &mut ViewerState, now_ms: f64, ready: impl Fn(usize) -> Readiness) -> usize {
        if let Some(action) = step(state, now_ms, ready) {
            state.apply(action);
        }
        state.viewports[0].slice
    }

    #[test]
    fn every_frame_stays_its_own_time_and_the_last_is_followed_by_the_first() {
        let mut state = playing("");
        let times = [1030.0, 1041.0, 1077.0, 1081.0, 1121.0, 1161.0];
        assert_eq!(times.map(|ms| at(&mut state, ms)), [0, 1, 1, 2, 3, 0]);
        // From the vector: frame 0 stays 40 ms, frame 1 80 ms, frames 2 and 3 20 ms.
        let vector = r#","00181065":{"Value":["0","40","80","20"]}"#;
        let mut state = open(vector);
        state.apply(Action::TogglePlaying(0));
        let times = [0.0, 39.0 - EARLY_MS, 41.0, 117.0, 121.0, 141.0, 161.0];
        assert_eq!(times.map(|ms| at(&mut state, ms)), [0, 0, 1, 1, 2, 3, 0]);
    }

    #[test]
    fn a_late_screen_leaves_frames_out_and_the_speed_holds() {
        let mut state = playing("");
        // 10 s of a screen that draws every 70 ms: 250 frames of 40 ms, so the 250th stands there: 250 % 4.
        let mut slice = 0;
        for tick in 1..=142 {
            slice = at(&mut state, 1000.0 + 70.0 * f64::from(tick));
        }
        // 142 x 70 ms = 9940 ms = 248.5 frames.
        assert_eq!(slice, 248 % 4);
        assert_eq!(at(&mut state, 11_001.0), 250 % 4);
    }

    #[test]
    fn a_frame_that_is_not_decoded_is_waited_for_and_none_is_left_out_for_it() {
        let mut state = playing("");
        let coming = |slice| {
            if slice == 2 {
                Readiness::Coming
            } else {
                Readiness::Here
            }
        };
        assert_eq!(at_with(&mut state, 1500.0, coming), 1);
        assert!(state.playing.unwrap().is_waiting);
        assert_eq!(at_with(&mut state, 1900.0, coming), 1);
        assert_eq!(at(&mut state, 1916.0), 2);
        assert!(!state.playing.unwrap().is_waiting);
        assert_eq!(at(&mut state, 1950.0), 2);
        assert_eq!(at(&mut state, 1957.0), 3);
    }

    #[test]
    fn frames_that_failed_are_passed_over() {
        let mut state = playing("");
        let failed = |slice| {
            if slice == 1 {
                Readiness::Failed
            } else {
                Readiness::Here
            }
        };
        assert_eq!(at_with(&mut state, 1041.0, failed), 2);
        let only = |slice| {
            if slice == 2 {
                Readiness::Here
            } else {
                Readiness::Failed
            }
        };
        assert_eq!(at_with(&mut state, 1200.0, only), 2);
        assert_eq!(state.playing, None);
    }

    #[test]
    fn after_a_hidden_page_the_cine_goes_on_from_where_it_was() {
        let mut state = playing("");
        assert_eq!(at(&mut state, 1041.0), 1);
        assert_eq!(at(&mut state, 60_000.0), 2);
        assert_eq!(at(&mut state, 60_041.0), 3);
    }

    #[test]
    fn a_cine_swings_where_the_file_says_so() {
        let mut state = playing(r#","00181244":{"Value":[1]}"#);
        let slices = (1..=7).map(|n| at(&mut state, 1001.0 + 40.0 * f64::from(n)));
        assert_eq!(slices.collect::<Vec<_>>(), [1, 2, 3, 2, 1, 0, 1]);
        let shown = state.shown_stacks()[0];
        assert!(shown.forwards && shown.plays.is_some());
    }

    #[test]
    fn the_direction_of_the_wanted_list_is_that_of_the_cine_at_its_end_too() {
        let mut state = playing("");
        assert_eq!(at(&mut state, 1161.0), 0);
        assert!(state.shown_stacks()[0].forwards);
    }

    #[test]
    fn speeds_change_the_time_of_frames_and_stop_at_the_ends() {
        let mut state = playing("");
        state.apply(Action::ChangeSpeed(-2));
        assert_eq!(state.speed, 0.5);
        let times = [1079.0 - EARLY_MS, 1081.0];
        assert_eq!(times.map(|ms| at(&mut state, ms)), [0, 1]);
        state.apply(Action::ChangeSpeed(-99));
        assert_eq!(state.speed, SPEEDS[0]);
        state.apply(Action::ChangeSpeed(99));
        assert_eq!(state.speed, 4.0);
        state.apply(Action::StopPlaying);
        state.apply(Action::ChangeSpeed(-1));
        assert_eq!(state.speed, 4.0);
    }

    #[test]
    fn what_moves_or_hides_the_image_stops_the_cine_and_what_changes_its_look_does_not() {
        let viewport = 0;
        let assign = Action::Assign {
            viewport,
            series: SeriesId(2),
            slice: None,
        };
        for stopper in [
            Action::ScrollBy { viewport, delta: 1 },
            // Also where it is already.
            Action::SetSlice { viewport, slice: 0 },
            assign,
            Action::NextSeries(1),
            Action::Close,
            Action::TogglePlaying(0),
        ] {
            let mut state = playing("");
            assert!(state.playing.is_some());
            state.apply(stopper.clone());
            assert_eq!(state.playing, None, "{stopper:?}");
        }
        for other in [
            Action::DragWindow {
                viewport,
                dx: 3.0,
                dy: 1.0,
            },
            Action::ChangeView {
                viewport,
                change: crate::state::ViewChange::OneToOne,
            },
            Action::Invert(0),
            Action::SetTool(Tool::Zoom),
            Action::ToggleOverlay,
            Action::ToggleLarge(0),
        ] {
            let mut state = playing("");
            state.apply(other.clone());
            assert!(state.playing.is_some(), "{other:?}");
        }
    }

    #[test]
    fn another_viewport_scrolls_while_the_first_plays_unless_they_scroll_together() {
        let mut state = open("");
        state.apply(Action::SetLayout(
            crate::state::Layout::parse("1x2").unwrap(),
        ));
        state.apply(Action::TogglePlaying(0));
        let scroll = Action::ScrollBy {
            viewport: 1,
            delta: 1,
        };
        state.apply(scroll.clone());
        assert!(state.playing.is_some());
        // A large viewport hides the one that plays.
        let mut hidden = state.clone();
        hidden.apply(Action::ToggleLarge(1));
        assert_eq!(hidden.playing, None);
        state.apply(Action::ToggleLink);
        state.apply(scroll);
        assert_eq!(state.playing, None);
    }

    #[test]
    fn nothing_plays_where_there_is_one_image() {
        let mut state = open(r#","00082142":{"Value":[2]},"00082143":{"Value":[2]}"#);
        state.apply(Action::TogglePlaying(0));
        assert_eq!(state.playing, None);
        state.apply(Action::TogglePlaying(7));
        assert_eq!(state.playing, None);
    }

    #[test]
    fn the_speed_is_said_and_so_is_where_it_comes_from() {
        let words = |more: &str, speed| {
            let state = open(more);
            let stack = state.series(SERIES).unwrap().stack.clone().unwrap();
            speed_words(&stack, 0, speed)
        };
        let time = r#","00181063":{"Value":["40"]}"#;
        assert_eq!(words(time, 1.0), "25 fps");
        assert_eq!(words(time, 0.5), "12.5 fps, 0.5\u{d7}");
        assert_eq!(words("", 1.0), "15 fps, not from the file");
        assert_eq!(words(r#","00181063":{"Value":["33.333"]}"#, 1.0), "30 fps");
        // (40 + 80 + 40 + 40) / 4 = 50 ms.
        let vector = r#","00181065":{"Value":["0","40","80","40"]}"#;
        assert_eq!(words(vector, 1.0), "about 20 fps");
    }
}
