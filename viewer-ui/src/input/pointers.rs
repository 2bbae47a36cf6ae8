//! The pointers over one viewport: which of them drag, pinch, tap or press long, and what that means.
//!
//! Knows nothing of the DOM: the viewport's component feeds presses, moves and releases and sends the
//! commands that come back. A mouse or a pen acts at once; a finger acts after it has left the place
//! where it came down, so that a tap moves nothing.

use super::gesture::{self, Steps};
use crate::store::Command;
use viewer_core::state::{Action, Tool, ViewChange};

/// What points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A mouse or a trackpad.
    #[default]
    Mouse,
    /// A finger.
    Touch,
    /// A pen.
    Pen,
}

/// The middle button of a mouse, as the DOM counts.
const MIDDLE: i16 = 1;
/// The right button of a mouse, as the DOM counts.
const RIGHT: i16 = 2;

/// A finger that stays within this distance has not moved, CSS pixels.
const SLOP_PX: f64 = 8.0;
/// Two taps within this time are a double tap, ms.
const DOUBLE_TAP_MS: f64 = 300.0;
/// Two taps within this distance are a double tap, CSS pixels.
const DOUBLE_TAP_PX: f64 = 40.0;
/// A finger that rests this long asks for the value below it, ms.
pub const LONG_PRESS_MS: f64 = 500.0;

/// A pointer's place now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The pointer's id.
    pub id: i32,
    /// In CSS pixels of the window.
    pub css: [f64; 2],
    /// In canvas pixels of the viewport.
    pub at: [f64; 2],
}

/// What a press brings with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Press {
    /// Where.
    pub place: Place,
    /// What points.
    pub kind: Kind,
    /// The mouse's button, as the DOM counts.
    pub button: i16,
    /// The chosen tool.
    pub tool: Tool,
}

/// What the pointers that are down do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Work {
    /// Nothing until all are lifted.
    #[default]
    Nothing,
    /// A finger that has not moved yet: a tap, a long press or the beginning of a drag.
    Waiting(Tool),
    /// A drag.
    Drag(Tool),
    /// Two fingers.
    Pinch,
    /// A finger that rested: it shows the value below it.
    Probe,
}

/// The pointers over one viewport.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pointers {
    down: Vec<Place>,
    start: Option<Place>,
    work: Work,
    steps: Steps,
    last_kind: Kind,
    /// Counts presses, so that the timer of an earlier one is not taken for this one's.
    presses: u32,
    /// When and where the last tap was.
    tap: Option<(f64, [f64; 2])>,
}

fn apart(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

impl Pointers {
    /// A pointer goes down. The number names this press for [`Pointers::rest`].
    pub fn press(&mut self, press: &Press) -> u32 {
        let place = press.place;
        self.presses = self.presses.wrapping_add(1);
        self.last_kind = press.kind;
        self.down.retain(|held| held.id != place.id);
        self.down.push(place);
        if press.kind == Kind::Touch && self.down.len() > 1 {
            // A third finger changes nothing.
            self.work = Work::Pinch;
            self.tap = None;
            return self.presses;
        }
        self.start = Some(place);
        self.steps = Steps::default();
        self.work = match (press.kind, press.button, press.tool) {
            // A finger scrolls unless another tool than the first one was chosen.
            (Kind::Touch, _, Tool::Window) => Work::Waiting(Tool::Scroll),
            (Kind::Touch, _, tool) => Work::Waiting(tool),
            (_, MIDDLE, _) => Work::Drag(Tool::Pan),
            (_, RIGHT, _) => Work::Drag(Tool::Zoom),
            (_, _, tool) => Work::Drag(tool),
        };
        self.presses
    }

    /// A pointer moves. `ratio` is device pixels a CSS pixel.
    pub fn moved(&mut self, viewport: usize, place: Place, ratio: f64) -> Vec<Command> {
        let Some(index) = self.down.iter().position(|held| held.id == place.id) else {
            return vec![Command::Hover(viewport, Some(place.at))];
        };
        let before = self.down[index];
        self.down[index] = place;
        let way = [place.css[0] - before.css[0], place.css[1] - before.css[1]];
        let act = |action| Command::Act(action);
        match (self.work, self.start) {
            (Work::Waiting(tool), Some(start)) => {
                if apart(start.css, place.css) > SLOP_PX {
                    self.work = Work::Drag(tool);
                }
                Vec::new()
            }
            (Work::Drag(tool), Some(start)) => {
                gesture::drag(tool, viewport, way, start.at, ratio, &mut self.steps)
                    .map(act)
                    .into_iter()
                    .collect()
            }
            (Work::Pinch, _) if index < 2 => {
                let Some(other) = self.down.get(1 - index) else {
                    return Vec::new();
                };
                gesture::pinch(viewport, [before.at, other.at], [place.at, other.at])
                    .map(act)
                    .into()
            }
            (Work::Probe, _) => vec![Command::Hover(viewport, Some(place.at))],
            _ => Vec::new(),
        }
    }

    /// A finger has rested for [`LONG_PRESS_MS`] since the press of this number.
    pub fn rest(&mut self, viewport: usize, press: u32) -> Option<Command> {
        let place = *self.down.first()?;
        if press != self.presses || !matches!(self.work, Work::Waiting(_)) {
            return None;
        }
        self.work = Work::Probe;
        Some(Command::Hover(viewport, Some(place.at)))
    }

    /// A pointer goes up.
    pub fn released(&mut self, viewport: usize, id: i32, now_ms: f64) -> Option<Command> {
        let work = self.work;
        self.lift(id);
        let start = self.start?;
        if !matches!(work, Work::Waiting(_)) || !self.down.is_empty() {
            return None;
        }
        let is_double = self.tap.is_some_and(|(when, where_)| {
            now_ms - when < DOUBLE_TAP_MS && apart(where_, start.css) < DOUBLE_TAP_PX
        });
        self.tap = (!is_double).then_some((now_ms, start.css));
        let change = ViewChange::ToggleZoom { about: start.at };
        is_double.then_some(Command::Act(Action::ChangeView { viewport, change }))
    }

    /// A pointer was taken away by the browser: no tap, no click.
    pub fn cancelled(&mut self, id: i32) {
        self.lift(id);
        self.tap = None;
    }

    /// A pointer has left the viewport. What a finger has found stays on screen.
    pub fn left(&self, viewport: usize) -> Option<Command> {
        (self.last_kind != Kind::Touch).then_some(Command::Hover(viewport, None))
    }

    /// The mouse's double click; fingers have their own meaning for it.
    pub fn double_click(&self, viewport: usize) -> Option<Command> {
        (self.last_kind != Kind::Touch).then_some(Command::Act(Action::ToggleLarge(viewport)))
    }

    fn lift(&mut self, id: i32) {
        self.down.retain(|held| held.id != id);
        // The finger that stays behind after a pinch must not scroll.
        self.work = Work::Nothing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: i32, x: f64, y: f64) -> Place {
        Place {
            id,
            css: [x, y],
            at: [2.0 * x, 2.0 * y],
        }
    }

    fn press(pointers: &mut Pointers, kind: Kind, button: i16, tool: Tool, place: Place) -> u32 {
        pointers.press(&Press {
            place,
            kind,
            button,
            tool,
        })
    }

    fn touch(pointers: &mut Pointers, id: i32, x: f64, y: f64) -> u32 {
        press(pointers, Kind::Touch, 0, Tool::Window, place(id, x, y))
    }

    fn view(change: ViewChange) -> Command {
        let viewport = 3;
        Command::Act(Action::ChangeView { viewport, change })
    }

    #[test]
    fn the_middle_button_pans_and_the_right_one_zooms_whatever_the_tool() {
        let mut pointers = Pointers::default();
        press(
            &mut pointers,
            Kind::Mouse,
            1,
            Tool::Window,
            place(1, 0.0, 0.0),
        );
        let pan = view(ViewChange::PanBy { dx: 10.0, dy: 4.0 });
        assert_eq!(pointers.moved(3, place(1, 5.0, 2.0), 2.0), [pan]);
        pointers.released(3, 1, 0.0);
        press(
            &mut pointers,
            Kind::Mouse,
            2,
            Tool::Window,
            place(1, 6.0, 7.0),
        );
        let zoom = view(ViewChange::ZoomBy {
            factor: 1.0,
            about: Some([12.0, 14.0]),
        });
        assert_eq!(pointers.moved(3, place(1, 9.0, 7.0), 2.0), [zoom]);
    }

    #[test]
    fn a_mouse_that_is_not_pressed_hovers() {
        let mut pointers = Pointers::default();
        let hover = Command::Hover(3, Some([8.0, 10.0]));
        assert_eq!(pointers.moved(3, place(1, 4.0, 5.0), 2.0), [hover]);
        assert_eq!(pointers.left(3), Some(Command::Hover(3, None)));
    }

    #[test]
    fn a_finger_scrolls_until_another_tool_is_chosen() {
        for (tool, scrolls) in [
            (Tool::Window, true),
            (Tool::Scroll, true),
            (Tool::Pan, false),
        ] {
            let mut pointers = Pointers::default();
            press(&mut pointers, Kind::Touch, 0, tool, place(1, 0.0, 0.0));
            assert!(pointers.moved(3, place(1, 0.0, 10.0), 2.0).is_empty());
            let commands = pointers.moved(3, place(1, 0.0, 22.0), 2.0);
            let is_scroll = matches!(
                commands[0],
                Command::Act(Action::ScrollBy {
                    viewport: 3,
                    delta: 2
                })
            );
            assert_eq!(is_scroll, scrolls, "{tool:?}");
        }
    }

    #[test]
    fn two_taps_zoom_and_a_trembling_finger_still_taps() {
        let mut pointers = Pointers::default();
        touch(&mut pointers, 1, 50.0, 50.0);
        assert!(pointers.moved(3, place(1, 53.0, 51.0), 2.0).is_empty());
        assert_eq!(pointers.released(3, 1, 100.0), None);
        touch(&mut pointers, 2, 60.0, 50.0);
        let about = [120.0, 100.0];
        assert_eq!(
            pointers.released(3, 2, 300.0),
            Some(view(ViewChange::ToggleZoom { about }))
        );
        // A third tap begins anew.
        touch(&mut pointers, 3, 60.0, 50.0);
        assert_eq!(pointers.released(3, 3, 400.0), None);
    }

    #[test]
    fn taps_far_apart_in_time_or_place_are_two_taps() {
        for (x, later) in [(200.0, 200.0), (50.0, 900.0)] {
            let mut pointers = Pointers::default();
            touch(&mut pointers, 1, 50.0, 50.0);
            pointers.released(3, 1, 100.0);
            touch(&mut pointers, 1, x, 50.0);
            assert_eq!(pointers.released(3, 1, 100.0 + later), None);
        }
    }

    #[test]
    fn after_a_pinch_the_finger_that_stays_does_nothing() {
        let mut pointers = Pointers::default();
        touch(&mut pointers, 1, 0.0, 0.0);
        touch(&mut pointers, 2, 10.0, 0.0);
        let [zoom, pan] = [
            view(ViewChange::ZoomBy {
                factor: 2.0,
                about: Some([10.0, 0.0]),
            }),
            view(ViewChange::PanBy { dx: 10.0, dy: 0.0 }),
        ];
        assert_eq!(pointers.moved(3, place(2, 20.0, 0.0), 2.0), [zoom, pan]);
        assert_eq!(pointers.released(3, 2, 50.0), None);
        assert!(pointers.moved(3, place(1, 0.0, 90.0), 2.0).is_empty());
        assert_eq!(pointers.released(3, 1, 60.0), None);
        assert_eq!(pointers.tap, None);
    }

    #[test]
    fn a_finger_that_rests_probes_and_what_it_found_stays() {
        let mut pointers = Pointers::default();
        let early = touch(&mut pointers, 1, 5.0, 5.0);
        pointers.released(3, 1, 100.0);
        let number = touch(&mut pointers, 1, 50.0, 50.0);
        assert_eq!(pointers.rest(3, early), None);
        let probe = |x, y| Command::Hover(3, Some([x, y]));
        assert_eq!(pointers.rest(3, number), Some(probe(100.0, 100.0)));
        assert_eq!(
            pointers.moved(3, place(1, 60.0, 50.0), 2.0),
            [probe(120.0, 100.0)]
        );
        assert_eq!(pointers.released(3, 1, 900.0), None);
        assert_eq!(pointers.left(3), None);
    }

    #[test]
    fn a_finger_that_moves_does_not_rest() {
        let mut pointers = Pointers::default();
        let number = touch(&mut pointers, 1, 50.0, 50.0);
        pointers.moved(3, place(1, 50.0, 70.0), 2.0);
        assert_eq!(pointers.rest(3, number), None);
    }

    #[test]
    fn only_a_mouse_double_clicks() {
        let mut pointers = Pointers::default();
        press(&mut pointers, Kind::Mouse, 0, Tool::Pan, place(1, 0.0, 0.0));
        let large = Command::Act(Action::ToggleLarge(3));
        assert_eq!(pointers.double_click(3), Some(large));
        touch(&mut pointers, 2, 0.0, 0.0);
        assert_eq!(pointers.double_click(3), None);
    }

    #[test]
    fn a_press_that_the_browser_takes_away_is_no_tap() {
        let mut pointers = Pointers::default();
        touch(&mut pointers, 1, 50.0, 50.0);
        pointers.cancelled(1);
        touch(&mut pointers, 1, 50.0, 50.0);
        assert_eq!(pointers.released(3, 1, 100.0), None);
    }
}
