//! Mouse, wheel, keys and fingers, as the browser itself would send them.

use crate::page::Page;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A place on the page: CSS pixels from its top left corner, to the right and downwards.
pub type Place = (f64, f64);

/// A button of the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// The first.
    Left,
    /// The wheel.
    Middle,
    /// The one of the context menu.
    Right,
}

impl Button {
    fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Middle => "middle",
            Self::Right => "right",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Left => 1,
            Self::Right => 2,
            Self::Middle => 4,
        }
    }
}

/// Keys that are held while something else is done; they may be combined by `|`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modifiers(u8);

impl Modifiers {
    /// None.
    pub const NONE: Self = Self(0);
    /// Alt.
    pub const ALT: Self = Self(1);
    /// Control.
    pub const CONTROL: Self = Self(2);
    /// Command or Windows.
    pub const META: Self = Self(4);
    /// Shift.
    pub const SHIFT: Self = Self(8);
}

impl std::ops::BitOr for Modifiers {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Acting on the page; `x` and `y` are as in [`Place`].
impl Page {
    /// Holds keys during all that the mouse does from now on.
    pub fn hold(&self, keys: Modifiers) {
        self.modifiers.set(keys.0);
    }

    fn mouse(&self, kind: &str, (x, y): Place, more: &Value) -> Result<()> {
        let mut event = json!({
            "type": kind, "x": x, "y": y, "modifiers": self.modifiers.get(),
            "buttons": self.buttons.get(), "pointerType": "mouse", "button": "none",
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
        self.call("Input.dispatchMouseEvent", event).map(|_| ())
    }

    /// Moves the mouse to a place.
    ///
    /// # Errors
    /// The browser does not answer; so it is with everything here.
    pub fn mouse_move(&self, x: f64, y: f64) -> Result<()> {
        let held = [Button::Left, Button::Right, Button::Middle];
        let held = held
            .into_iter()
            .find(|button| self.buttons.get() & button.bit() != 0);
        let name = held.map_or("none", Button::name);
        self.mouse("mouseMoved", (x, y), &json!({ "button": name }))
    }

    /// Presses a button.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn mouse_down(&self, button: Button, x: f64, y: f64) -> Result<()> {
        self.press(button, (x, y), 1)
    }

    /// Lets a button go.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn mouse_up(&self, button: Button, x: f64, y: f64) -> Result<()> {
        self.release(button, (x, y), 1)
    }

    fn press(&self, button: Button, place: Place, clicks: u8) -> Result<()> {
        self.buttons.set(self.buttons.get() | button.bit());
        let more = json!({ "button": button.name(), "clickCount": clicks });
        self.mouse("mousePressed", place, &more)
    }

    fn release(&self, button: Button, place: Place, clicks: u8) -> Result<()> {
        self.buttons.set(self.buttons.get() & !button.bit());
        let more = json!({ "button": button.name(), "clickCount": clicks });
        self.mouse("mouseReleased", place, &more)
    }

    /// Moves to a place and clicks there.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn click(&self, x: f64, y: f64) -> Result<()> {
        self.mouse_move(x, y)?;
        self.mouse_down(Button::Left, x, y)?;
        self.mouse_up(Button::Left, x, y)
    }

    /// Moves to a place and clicks twice there.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn double_click(&self, x: f64, y: f64) -> Result<()> {
        self.click(x, y)?;
        self.press(Button::Left, (x, y), 2)?;
        self.release(Button::Left, (x, y), 2)
    }

    /// Drags from one place to another by so many steps.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn drag(&self, button: Button, from: Place, to: Place, steps: u32) -> Result<()> {
        self.mouse_move(from.0, from.1)?;
        self.mouse_down(button, from.0, from.1)?;
        for (x, y) in between(from, to, steps) {
            self.mouse_move(x, y)?;
        }
        self.mouse_up(button, to.0, to.1)
    }

    /// Turns the wheel over a place; positive is down and to the right, 120 is one notch.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn wheel(&self, x: f64, y: f64, delta_x: f64, delta_y: f64) -> Result<()> {
        // Places are CSS pixels here, but wheel deltas are device pixels.
        let (delta_x, delta_y) = (delta_x * self.ratio.get(), delta_y * self.ratio.get());
        self.mouse(
            "mouseWheel",
            (x, y),
            &json!({ "deltaX": delta_x, "deltaY": delta_y }),
        )
    }

    /// Centre of the first element of a CSS selector, scrolled into view.
    ///
    /// # Errors
    /// There is none, or it is not shown.
    pub fn center_of(&self, selector: &str) -> Result<Place> {
        let name = serde_json::to_string(selector)?;
        let place = self.eval(&format!(
            "(() => {{ const it = document.querySelector({name}); if (!it) return null;
               it.scrollIntoView({{ block: 'nearest', inline: 'nearest' }});
               const box = it.getBoundingClientRect();
               return box.width && box.height ? [box.x + box.width / 2, box.y + box.height / 2] : null; }})()"
        ))?;
        match (place[0].as_f64(), place[1].as_f64()) {
            (Some(x), Some(y)) => Ok((x, y)),
            _ => bail!("nothing on the page is {selector}"),
        }
    }

    /// Clicks on the first element of a CSS selector.
    ///
    /// # Errors
    /// As [`Page::center_of`].
    pub fn click_on(&self, selector: &str) -> Result<()> {
        let (x, y) = self.center_of(selector)?;
        self.click(x, y)
    }

    /// Presses a key and lets it go: `a`, `Enter`, `ArrowDown`, `Shift+F`, `Control+z` ...
    ///
    /// # Errors
    /// No such key.
    pub fn key(&self, name: &str) -> Result<()> {
        self.key_event(name, true)?;
        self.key_event(name, false)
    }

    /// Presses a key, or lets it go.
    ///
    /// # Errors
    /// No such key.
    pub fn key_event(&self, name: &str, down: bool) -> Result<()> {
        let (mut modifiers, mut key) = (0, name);
        while let Some((first, rest)) = key.split_once('+').filter(|(_, rest)| !rest.is_empty()) {
            modifiers |= match first {
                "Alt" => 1,
                "Control" => 2,
                "Meta" => 4,
                "Shift" => 8,
                _ => bail!("{first} is no key to hold"),
            };
            key = rest;
        }
        let (code, number, text) = key_code(key).with_context(|| format!("no key is {key}"))?;
        let types = modifiers & 0b111 == 0;
        let kind = match (down, types && text.is_some()) {
            (true, true) => "keyDown",
            (true, false) => "rawKeyDown",
            (false, _) => "keyUp",
        };
        let mut event = json!({
            "type": kind, "key": key, "code": code, "modifiers": modifiers,
            "windowsVirtualKeyCode": number, "nativeVirtualKeyCode": number,
        });
        if let Some(text) = text.filter(|_| down && types) {
            event["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", event).map(|_| ())
    }

    /// Types text into what has the focus.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn text(&self, text: &str) -> Result<()> {
        self.call("Input.insertText", json!({ "text": text }))
            .map(|_| ())
    }

    /// All fingers on the screen, after `touchStart`, `touchMove` or `touchEnd`.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn touch(&self, kind: &str, fingers: &[Place]) -> Result<()> {
        let points: Vec<Value> = fingers
            .iter()
            .enumerate()
            .map(|(id, (x, y))| json!({ "x": x, "y": y, "id": id }))
            .collect();
        let event =
            json!({ "type": kind, "touchPoints": points, "modifiers": self.modifiers.get() });
        self.call("Input.dispatchTouchEvent", event).map(|_| ())
    }

    /// Touches a place for a moment.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn tap(&self, x: f64, y: f64) -> Result<()> {
        self.touch("touchStart", &[(x, y)])?;
        self.touch("touchEnd", &[])
    }

    /// Moves fingers from their places to others by so many steps: one drags, two pinch.
    #[expect(clippy::missing_errors_doc, reason = "said at the first of them")]
    pub fn swipe(&self, fingers: &[(Place, Place)], steps: u32) -> Result<()> {
        let start: Vec<_> = fingers.iter().map(|finger| finger.0).collect();
        self.touch("touchStart", &start)?;
        for step in 1..=steps {
            let places: Vec<_> = fingers
                .iter()
                .map(|(from, to)| part(*from, *to, step, steps))
                .collect();
            self.touch("touchMove", &places)?;
        }
        self.touch("touchEnd", &[])
    }
}

fn part(from: Place, to: Place, step: u32, steps: u32) -> Place {
    let t = f64::from(step) / f64::from(steps.max(1));
    (from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t)
}

fn between(from: Place, to: Place, steps: u32) -> impl Iterator<Item = Place> {
    let steps = steps.max(1);
    (1..=steps).map(move |step| part(from, to, step, steps))
}

/// Code, virtual key number and typed text of a key on an American keyboard.
fn key_code(key: &str) -> Option<(String, u32, Option<String>)> {
    let named = |code: &str, number, text: Option<&str>| {
        Some((code.to_owned(), number, text.map(str::to_owned)))
    };
    match key {
        "Enter" => named(key, 13, Some("\r")),
        "Tab" => named(key, 9, None),
        "Escape" => named(key, 27, None),
        "Backspace" => named(key, 8, None),
        "Delete" => named(key, 46, None),
        "Home" => named(key, 36, None),
        "End" => named(key, 35, None),
        "PageUp" => named(key, 33, None),
        "PageDown" => named(key, 34, None),
        "ArrowLeft" => named(key, 37, None),
        "ArrowUp" => named(key, 38, None),
        "ArrowRight" => named(key, 39, None),
        "ArrowDown" => named(key, 40, None),
        "Shift" => named("ShiftLeft", 16, None),
        "Control" => named("ControlLeft", 17, None),
        "Alt" => named("AltLeft", 18, None),
        " " => named("Space", 32, Some(" ")),
        _ => character(key),
    }
}

fn character(key: &str) -> Option<(String, u32, Option<String>)> {
    let mut characters = key.chars();
    let only = characters.next().filter(|_| characters.next().is_none());
    let Some(only) = only else {
        let number: u32 = key.strip_prefix('F')?.parse().ok()?;
        return (1..=12)
            .contains(&number)
            .then(|| (key.to_owned(), 111 + number, None));
    };
    let upper = only.to_ascii_uppercase();
    let (code, number) = match upper {
        'A'..='Z' => (format!("Key{upper}"), u32::from(upper)),
        '0'..='9' => (format!("Digit{upper}"), u32::from(upper)),
        '+' | '=' => ("Equal".into(), 187),
        '-' => ("Minus".into(), 189),
        ',' => ("Comma".into(), 188),
        '.' => ("Period".into(), 190),
        '/' | '?' => ("Slash".into(), 191),
        '[' => ("BracketLeft".into(), 219),
        ']' => ("BracketRight".into(), 221),
        _ => return None,
    };
    Some((code, number, Some(only.to_string())))
}
