//! What a key means in the reader.

use super::slab;
use crate::store::Command;
use viewer_core::geometry::Projection;
use viewer_core::state::mpr::Turned;
use viewer_core::state::{Action, Direction, Tool, ViewChange};

/// A popover that a key or a button opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Popover {
    /// Window presets.
    Presets,
    /// The grid of viewports.
    Layout,
    /// Turn, flip, zoom.
    View,
    /// Volumes of the series in three planes.
    Volumes,
    /// A link to what is on screen.
    Share,
    /// The keyboard overlay.
    Keys,
}

/// What a key asks for.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "made, handled and dropped; none is kept (and on wasm32 none is large)"
)]
pub enum Meaning {
    /// A command.
    Do(Command),
    /// Opens or closes a popover.
    Toggle(Popover),
    /// Closes what is open, or leaves the large viewport.
    Escape,
}

/// What a key acts on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Target {
    /// The active viewport.
    pub viewport: usize,
    /// Three planes are on screen.
    pub in_planes: bool,
    /// Thickness of the active slab, mm, and its projection; `None` where nothing is known that can have one.
    pub slab: Option<(f64, Projection)>,
}

/// Degrees of one press.
const TURN_STEP: f64 = 1.0;
/// A far slice: the last one, whatever the stack's length.
const LAST: usize = usize::MAX - 1;
/// Zoom of one press.
pub const ZOOM_STEP: f64 = 1.25;

/// What keys mean in three planes alone; `None` where they mean what they mean in stacks, or nothing.
fn in_planes(key: &str, shift: bool, target: Target) -> Option<Action> {
    let viewport = target.viewport;
    let turn = |degrees| Action::TurnPlanes {
        viewport,
        degrees,
        turned: Turned::Both,
    };
    match (key, shift) {
        ("arrowright", true) => Some(turn(TURN_STEP)),
        ("arrowleft", true) => Some(turn(-TURN_STEP)),
        _ => None,
    }
}

/// What keys do with the slab of a plane or of images, by 1 mm.
fn thickness(key: &str, shift: bool, target: Target) -> Option<Action> {
    let up = match (key, shift) {
        ("arrowup", true) => true,
        ("arrowdown", true) => false,
        _ => return None,
    };
    let (now_mm, projection) = target.slab?;
    Some(Action::SetSlab {
        viewport: target.viewport,
        slab: slab::of(slab::stepped(now_mm, up), projection),
    })
}

/// Keys that mean nothing in three planes: a plane is no stack that plays or is linked to others.
fn rests_in_planes(key: &str, shift: bool) -> bool {
    matches!(key, " " | "<" | ">" | "y") || (shift && key.starts_with("arrow"))
}

/// The meaning of a key by its character; `None` for keys of the browser.
pub fn meaning(key: &str, shift: bool, target: Target) -> Option<Meaning> {
    let viewport = target.viewport;
    let view = |change| Action::ChangeView { viewport, change };
    let scroll = |delta| Action::ScrollBy { viewport, delta };
    let lower = key.to_lowercase();
    if let Some(action) = thickness(&lower, shift, target) {
        return Some(Meaning::Do(Command::Act(action)));
    }
    if target.in_planes {
        if let Some(action) = in_planes(&lower, shift, target) {
            return Some(Meaning::Do(Command::Act(action)));
        }
        if rests_in_planes(&lower, shift) {
            return None;
        }
    }
    let action = match lower.as_str() {
        "arrowdown" => scroll(1),
        "arrowup" => scroll(-1),
        "pagedown" => scroll(10),
        "pageup" => scroll(-10),
        "home" => Action::SetSlice { viewport, slice: 0 },
        "end" => Action::SetSlice {
            viewport,
            slice: LAST,
        },
        "arrowright" => Action::NextSeries(1),
        "arrowleft" => Action::NextSeries(-1),
        "enter" => Action::ToggleLarge(viewport),
        "w" if !shift => Action::SetTool(Tool::Window),
        "x" if !shift => Action::SetTool(Tool::Pan),
        "z" if !shift => Action::SetTool(Tool::Zoom),
        "c" if !shift => Action::SetTool(Tool::Crosshair),
        "i" if !shift => Action::Invert(viewport),
        "+" | "=" => view(ViewChange::ZoomBy {
            factor: ZOOM_STEP,
            about: None,
        }),
        "-" | "\u{2212}" => view(ViewChange::ZoomBy {
            factor: 1.0 / ZOOM_STEP,
            about: None,
        }),
        "f" if !shift => view(ViewChange::Fit),
        "o" if !shift => view(ViewChange::OneToOne),
        "," => view(ViewChange::Turn(Direction::Left)),
        "." => view(ViewChange::Turn(Direction::Right)),
        "h" if shift => view(ViewChange::Flip(Direction::Down)),
        "h" => view(ViewChange::Flip(Direction::Left)),
        "o" => Action::ToggleOverlayPlanes,
        " " => Action::TogglePlaying(viewport),
        "j" => Action::StepTime {
            viewport,
            delta: if shift { -1 } else { 1 },
        },
        "<" => Action::ChangeSpeed(-1),
        ">" => Action::ChangeSpeed(1),
        "r" if !shift => Action::Reset(viewport),
        "u" if !shift => Action::ToggleOverlay,
        "y" if !shift => Action::ToggleLink,
        "m" if !shift => Action::ShowPlanes(!target.in_planes),
        "g" if !shift => return Some(Meaning::Toggle(Popover::Layout)),
        "s" if !shift => return Some(Meaning::Toggle(Popover::Share)),
        "?" => return Some(Meaning::Toggle(Popover::Keys)),
        "escape" => return Some(Meaning::Escape),
        "q" if !shift => return Some(Meaning::Do(Command::BackToList)),
        "]" => return Some(Meaning::Do(Command::NextStudy(1))),
        "[" => return Some(Meaning::Do(Command::NextStudy(-1))),
        digit => {
            let digit: usize = digit.parse().ok().filter(|digit| (1..=9).contains(digit))?;
            Action::ChoosePreset {
                viewport,
                index: digit - 1,
            }
        }
    };
    Some(Meaning::Do(Command::Act(action)))
}

/// True where a key still has its meaning while `open` is open: what closes or changes the popover, the
/// keys that its own rows name, and nothing else.
pub fn passes(open: Option<Popover>, key: &str, shift: bool, target: Target) -> bool {
    let Some(open) = open else { return true };
    match (open, meaning(key, shift, target)) {
        (_, Some(Meaning::Escape | Meaning::Toggle(_))) => true,
        (Popover::Presets, Some(Meaning::Do(Command::Act(action)))) => {
            matches!(action, Action::ChoosePreset { .. } | Action::Invert(_))
        }
        (Popover::Layout, Some(Meaning::Do(Command::Act(action)))) => {
            matches!(action, Action::ShowPlanes(_))
        }
        (Popover::View, Some(Meaning::Do(Command::Act(action)))) => {
            matches!(
                action,
                Action::ChangeView { .. } | Action::ToggleOverlayPlanes
            )
        }
        _ => false,
    }
}

/// One line of the keyboard overlay: what it does, and the keys.
pub type SheetLine = (&'static str, &'static [&'static str]);

/// Groups of the keyboard overlay: a title, and what each key does.
pub const SHEET: [(&str, &[SheetLine]); 5] = [
    (
        "Move",
        &[
            ("Next, previous image", &["\u{2193}", "\u{2191}"]),
            ("10 images on, back", &["PgDn", "PgUp"]),
            ("First, last image", &["Home", "End"]),
            ("Next, previous series", &["\u{2192}", "\u{2190}"]),
            ("Next viewport", &["Tab"]),
            ("One viewport large", &["Enter"]),
            ("Play, stop", &["Space"]),
            ("Play slower, faster", &["<", ">"]),
            ("Next, previous time", &["J", "Shift+J"]),
        ],
    ),
    (
        "Grey scale",
        &[
            ("Preset, 1 is from the file", &["1", "\u{2013}", "9"]),
            ("Window by dragging", &["W"]),
            ("Invert", &["I"]),
        ],
    ),
    (
        "Geometry",
        &[
            ("Pan, zoom by dragging", &["X", "Z"]),
            ("Zoom in, out", &["+", "-"]),
            ("Fit, one to one", &["F", "O"]),
            ("Turn left, right", &[",", "."]),
            ("Flip across, down", &["H", "Shift+H"]),
            ("Reset", &["R"]),
        ],
    ),
    (
        "Three planes",
        &[
            ("Three planes, and back", &["M"]),
            ("Crosshair", &["C"]),
            ("Turn by 1\u{b0}", &["Shift+\u{2192}", "Shift+\u{2190}"]),
            ("Slab by 1 mm", &["Shift+\u{2191}", "Shift+\u{2193}"]),
            ("Turn one line alone: drag with", &["Alt"]),
        ],
    ),
    (
        "Study",
        &[
            ("Layout", &["G"]),
            ("Scroll together", &["Y"]),
            ("Overlay text", &["U"]),
            ("Overlay planes of the image", &["Shift+O"]),
            ("Next, previous study", &["]", "["]),
            ("Back to the list", &["Q"]),
            ("This page", &["?"]),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: Target = Target {
        viewport: 2,
        in_planes: false,
        slab: None,
    };
    const PLANE: Target = Target {
        viewport: 2,
        in_planes: true,
        slab: Some((20.0, Projection::MinIp)),
    };

    fn action_on(target: Target, key: &str, shift: bool) -> Option<Action> {
        match meaning(key, shift, target)? {
            Meaning::Do(Command::Act(action)) => Some(action),
            _ => None,
        }
    }

    fn action(key: &str, shift: bool) -> Option<Action> {
        action_on(STACK, key, shift)
    }

    #[test]
    fn m_shows_planes_and_leaves_them() {
        assert_eq!(action("m", false), Some(Action::ShowPlanes(true)));
        let back = Some(Action::ShowPlanes(false));
        assert_eq!(action_on(PLANE, "m", false), back);
    }

    #[test]
    fn shift_and_arrows_turn_and_thicken_planes_and_scroll_stacks() {
        let turn = |degrees| {
            Some(Action::TurnPlanes {
                viewport: 2,
                degrees,
                turned: Turned::Both,
            })
        };
        assert_eq!(action_on(PLANE, "ArrowRight", true), turn(1.0));
        assert_eq!(action_on(PLANE, "ArrowLeft", true), turn(-1.0));
        for (key, thickness_mm) in [("ArrowUp", 21.0), ("ArrowDown", 19.0)] {
            let slab = slab::of(thickness_mm, Projection::MinIp);
            let set = Action::SetSlab { viewport: 2, slab };
            assert_eq!(action_on(PLANE, key, true), Some(set));
        }
        let scroll = Action::ScrollBy {
            viewport: 2,
            delta: 1,
        };
        assert_eq!(action_on(PLANE, "ArrowDown", false), Some(scroll.clone()));
        assert_eq!(action("ArrowDown", true), Some(scroll));
    }

    #[test]
    fn shift_and_arrows_thicken_images_that_can_be_slabs() {
        let images = Target {
            slab: Some((0.0, Projection::Mip)),
            ..STACK
        };
        let slab = slab::of(1.0, Projection::Mip);
        let set = |slab| Some(Action::SetSlab { viewport: 2, slab });
        assert_eq!(action_on(images, "ArrowUp", true), set(slab));
        assert_eq!(action_on(images, "ArrowDown", true), set(None));
        let scroll = Action::ScrollBy {
            viewport: 2,
            delta: -1,
        };
        assert_eq!(action_on(images, "ArrowUp", false), Some(scroll));
    }

    #[test]
    fn a_plane_of_unknown_thickness_is_left_as_it_is() {
        let unknown = Target {
            slab: None,
            ..PLANE
        };
        assert_eq!(action_on(unknown, "ArrowUp", true), None);
    }

    #[test]
    fn the_crosshair_is_a_tool_and_planes_do_not_play() {
        let crosshair = Some(Action::SetTool(Tool::Crosshair));
        assert_eq!(action_on(PLANE, "c", false), crosshair.clone());
        assert_eq!(action("c", false), crosshair);
        for key in [" ", "<", "y"] {
            assert_eq!(action_on(PLANE, key, false), None, "{key:?}");
        }
    }

    #[test]
    fn digits_choose_presets_counted_from_one() {
        let preset = |index| Some(Action::ChoosePreset { viewport: 2, index });
        assert_eq!(action("1", false), preset(0));
        assert_eq!(action("9", false), preset(8));
        assert_eq!(action("0", false), None);
    }

    #[test]
    fn shift_turns_a_flip_across_into_one_down() {
        let flip = |direction| {
            Some(Action::ChangeView {
                viewport: 2,
                change: ViewChange::Flip(direction),
            })
        };
        assert_eq!(action("h", false), flip(Direction::Left));
        assert_eq!(action("H", true), flip(Direction::Down));
    }

    #[test]
    fn space_plays_and_the_angles_change_the_speed() {
        assert_eq!(action(" ", false), Some(Action::TogglePlaying(2)));
        // Both characters are typed with Shift on some keyboards and without it on others.
        for shift in [false, true] {
            assert_eq!(action("<", shift), Some(Action::ChangeSpeed(-1)));
            assert_eq!(action(">", shift), Some(Action::ChangeSpeed(1)));
        }
    }

    #[test]
    fn shift_tells_overlay_planes_from_one_to_one() {
        let one = ViewChange::OneToOne;
        let one = Action::ChangeView {
            viewport: 2,
            change: one,
        };
        assert_eq!(action("o", false), Some(one));
        assert_eq!(action("O", true), Some(Action::ToggleOverlayPlanes));
    }

    #[test]
    fn an_open_popover_leaves_only_its_own_keys_awake() {
        for (open, key, passed) in [
            (None, "q", true),
            (Some(Popover::Presets), "3", true),
            (Some(Popover::Presets), "i", true),
            (Some(Popover::Presets), "q", false),
            (Some(Popover::View), ".", true),
            (Some(Popover::View), "h", true),
            (Some(Popover::View), "3", false),
            (Some(Popover::View), "ArrowDown", false),
            (Some(Popover::Layout), "g", true),
            (Some(Popover::Layout), "m", true),
            (Some(Popover::Volumes), "m", false),
            (Some(Popover::Keys), "?", true),
            (Some(Popover::Keys), "]", false),
            (Some(Popover::Keys), "Escape", true),
        ] {
            assert_eq!(passes(open, key, false, STACK), passed, "{open:?} {key}");
        }
    }

    #[test]
    fn every_key_of_the_keyboard_overlay_means_something() {
        let named = |cap: &'static str| match cap {
            "\u{2193}" => "ArrowDown",
            "\u{2191}" => "ArrowUp",
            "\u{2192}" => "ArrowRight",
            "\u{2190}" => "ArrowLeft",
            "PgDn" => "PageDown",
            "PgUp" => "PageUp",
            "Space" => " ",
            other => other,
        };
        for (title, lines) in SHEET {
            for cap in lines.iter().flat_map(|(_, caps)| caps.iter()) {
                // Tab and Alt are no keys of this table; the dash stands between the first and the last digit.
                if matches!(*cap, "Tab" | "Alt" | "\u{2013}") {
                    continue;
                }
                let (key, shift) = match cap.strip_prefix("Shift+") {
                    Some(key) => (named(key), true),
                    None => (named(cap), false),
                };
                let target = if title == "Three planes" {
                    PLANE
                } else {
                    STACK
                };
                let meaning = meaning(key, shift, target);
                assert!(meaning.is_some(), "{title}: {cap}");
            }
        }
    }

    #[test]
    fn keys_that_mean_nothing_are_left_to_the_browser() {
        for key in ["F5", "a", "Tab", "Shift", "Dead"] {
            assert_eq!(meaning(key, false, STACK), None);
        }
    }
}
