//! The pointers over one viewport: which of them drag, pinch, tap or press long, and what that means.
//!
//! Knows nothing of the DOM: the viewport's component feeds presses, moves and releases and sends the
//! commands that come back. A mouse or a pen acts at once; a finger acts after it has left the place
//! where it came down, so that a tap moves nothing.

use super::gesture::{self, Steps};
use crate::store::Command;
use viewer_core::state::{Action, Tool, ViewChange};
use viewer_core::tools::crosshair::Handle;

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
/// Two fingers side by side change the brightness once each has gone this far, CSS pixels.
const TOGETHER_PX: f64 = 6.0;
/// One finger that goes this far while the other stays pinches, CSS pixels.
const ALONE_PX: f64 = 24.0;
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
    /// What lies there of the lines that cross in a plane; nothing unless the tool takes hold of them.
    pub handle: Option<Handle>,
    /// Two fingers side by side change the brightness; without it they move the image.
    pub brightens: bool,
}

/// What a drag does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    /// What the tool does to the image.
    Tool(Tool),
    /// Takes one of the lines that cross in a plane, or a handle on them, along.
    Handle(Handle),
}

/// What the pointers that are down do.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Work {
    /// Nothing until all are lifted.
    #[default]
    Nothing,
    /// A finger that has not moved yet: a tap, a long press or the beginning of a drag.
    Waiting(Task),
    /// A drag.
    Drag(Task),
    /// Two fingers that may pinch or go side by side: where they began, CSS pixels.
    Two([[f64; 2]; 2]),
    /// Two fingers side by side.
    Brighten,
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
    /// A tap puts the crosshair where it is.
    tap_points: bool,
}

fn apart(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// A pointer that holds `handle` goes from one place to another, canvas pixels.
fn take_along(viewport: usize, handle: Handle, [from, to]: [[f64; 2]; 2], alone: bool) -> Command {
    Command::Act(Action::DragCrosshair {
        viewport,
        handle,
        from,
        to,
        alone,
    })
}

impl Pointers {
    /// A pointer goes down. The number names this press for [`Pointers::rest`]; the command is what the press alone does:
    /// away from all lines, the crosshair goes there.
    pub fn press(&mut self, viewport: usize, press: &Press) -> (u32, Option<Command>) {
        let place = press.place;
        self.presses = self.presses.wrapping_add(1);
        self.last_kind = press.kind;
        self.down.retain(|held| held.id != place.id);
        self.down.push(place);
        if press.kind == Kind::Touch && self.down.len() > 1 {
            // A third finger changes nothing.
            self.work = match (press.brightens, self.down.as_slice()) {
                (true, [first, second]) => Work::Two([first.css, second.css]),
                (true, _) => self.work,
                (false, _) => Work::Pinch,
            };
            self.tap = None;
            return (self.presses, None);
        }
        self.start = Some(place);
        self.steps = Steps::default();
        // A press beside the handles, or on a line: what is small and was missed moves nothing.
        self.tap_points =
            press.tool == Tool::Crosshair && matches!(press.handle, None | Some(Handle::Line(_)));
        let mut command = None;
        self.work = match (press.kind, press.button, press.tool) {
            (Kind::Touch, _, Tool::Crosshair) => Work::Waiting(match press.handle {
                Some(handle) => Task::Handle(handle),
                None => Task::Tool(Tool::Scroll),
            }),
            // A finger scrolls unless another tool than the first one was chosen.
            (Kind::Touch, _, Tool::Window) => Work::Waiting(Task::Tool(Tool::Scroll)),
            (Kind::Touch, _, tool) => Work::Waiting(Task::Tool(tool)),
            (_, MIDDLE, _) => Work::Drag(Task::Tool(Tool::Pan)),
            (_, RIGHT, _) => Work::Drag(Task::Tool(Tool::Zoom)),
            (_, _, Tool::Crosshair) => {
                if press.handle.is_none() {
                    let places = [place.at, place.at];
                    command = Some(take_along(viewport, Handle::Middle, places, false));
                }
                Work::Drag(Task::Handle(press.handle.unwrap_or(Handle::Middle)))
            }
            (_, _, tool) => Work::Drag(Task::Tool(tool)),
        };
        (self.presses, command)
    }

    /// What is held of the lines that cross in a plane.
    pub fn held(&self) -> Option<Handle> {
        match self.work {
            Work::Drag(Task::Handle(handle)) => Some(handle),
            _ => None,
        }
    }

    /// A pointer moves. `ratio` is device pixels a CSS pixel; `alone` turns one line without the other.
    pub fn moved(
        &mut self,
        viewport: usize,
        place: Place,
        ratio: f64,
        alone: bool,
    ) -> Vec<Command> {
        let Some(index) = self.down.iter().position(|held| held.id == place.id) else {
            return vec![Command::Hover(viewport, Some(place.at))];
        };
        let before = self.down[index];
        self.down[index] = place;
        let way = [place.css[0] - before.css[0], place.css[1] - before.css[1]];
        let act = |action| Command::Act(action);
        match (self.work, self.start) {
            (Work::Waiting(task), Some(start)) => {
                if apart(start.css, place.css) > SLOP_PX {
                    self.work = Work::Drag(task);
                }
                Vec::new()
            }
            (Work::Drag(Task::Handle(handle)), _) => {
                vec![take_along(viewport, handle, [before.at, place.at], alone)]
            }
            (Work::Drag(Task::Tool(tool)), Some(start)) => {
                gesture::drag(tool, viewport, way, start.at, ratio, &mut self.steps)
                    .map(act)
                    .into_iter()
                    .collect()
            }
            (Work::Two(began), _) => {
                self.work = self.sorted(began);
                Vec::new()
            }
            // Both fingers go the whole way: each is half of it.
            (Work::Brighten, _) if index < 2 => vec![act(Action::DragWindow {
                viewport,
                dx: way[0] / 2.0,
                dy: way[1] / 2.0,
            })],
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

    /// What two fingers do, once that can be told: they go the same way, or to or from each other.
    fn sorted(&self, began: [[f64; 2]; 2]) -> Work {
        let [Some(first), Some(second)] = [self.down.first(), self.down.get(1)] else {
            return Work::Two(began);
        };
        let way = |now: &Place, from: [f64; 2]| [now.css[0] - from[0], now.css[1] - from[1]];
        let (one, other) = (way(first, began[0]), way(second, began[1]));
        let (near, far) = {
            let lengths = [one[0].hypot(one[1]), other[0].hypot(other[1])];
            (lengths[0].min(lengths[1]), lengths[0].max(lengths[1]))
        };
        if near >= TOGETHER_PX {
            let is_same_way = one[0] * other[0] + one[1] * other[1] > 0.0;
            if is_same_way {
                Work::Brighten
            } else {
                Work::Pinch
            }
        } else if far >= ALONE_PX {
            Work::Pinch
        } else {
            Work::Two(began)
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
        if is_double {
            return Some(Command::Act(Action::ChangeView { viewport, change }));
        }
        let places = [start.at, start.at];
        (self.tap_points).then(|| take_along(viewport, Handle::Middle, places, false))
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
#[path = "pointers_tests.rs"]
mod tests;
