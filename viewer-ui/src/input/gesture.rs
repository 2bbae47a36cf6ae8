//! Drags, wheels and fingers as changes of one viewport.

use viewer_core::state::{Action, Tool, ViewChange};

/// CSS pixels of a scroll drag for one image.
const SCROLL_STEP_PX: f64 = 6.0;
/// Wheel units (CSS pixels) for one image.
const WHEEL_STEP_PX: f64 = 50.0;
/// Wheel lines count as this many CSS pixels.
const LINE_PX: f64 = 34.0;

/// Turns distances into whole images, and keeps what is left over.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Steps {
    rest: f64,
}

impl Steps {
    /// Images for a further distance of which `step` makes one.
    pub fn take(&mut self, distance: f64, step: f64) -> i64 {
        if self.rest * distance < 0.0 {
            // A change of direction starts anew.
            self.rest = 0.0;
        }
        self.rest += distance / step;
        let whole = self.rest.trunc();
        self.rest -= whole;
        #[expect(clippy::cast_possible_truncation, reason = "a few images at most")]
        let images = whole.clamp(-1e6, 1e6) as i64;
        images
    }
}

/// A wheel's turn as images: a notch of a mouse is one, a trackpad's small steps add up.
pub fn wheel_images(steps: &mut Steps, delta: f64, is_lines: bool, fast: bool) -> i64 {
    let pixels = if is_lines { delta * LINE_PX } else { delta };
    // A notch is 100 to 120 px in most browsers: it is one image, never two.
    let notch = pixels.abs() >= WHEEL_STEP_PX;
    let images = if notch {
        steps.rest = 0.0;
        if pixels > 0.0 { 1 } else { -1 }
    } else {
        steps.take(pixels, WHEEL_STEP_PX)
    };
    if fast { images * 10 } else { images }
}

/// Zoom of a wheel's turn with Ctrl, or of a pinch on a trackpad, which browsers send as such in small
/// steps: those follow the fingers, a notch is a step of a quarter.
pub fn wheel_zoom(delta: f64, is_lines: bool) -> f64 {
    let pixels = if is_lines { delta * LINE_PX } else { delta };
    let per_e = if pixels.abs() < WHEEL_STEP_PX {
        100.0
    } else {
        400.0
    };
    (-pixels.clamp(-200.0, 200.0) / per_e).exp()
}

/// A drag by `dx`, `dy` CSS pixels; `start` is where it began, in canvas pixels.
pub fn drag(
    tool: Tool,
    viewport: usize,
    [dx, dy]: [f64; 2],
    start: [f64; 2],
    device_pixel_ratio: f64,
    steps: &mut Steps,
) -> Option<Action> {
    match tool {
        Tool::Window => Some(Action::DragWindow { viewport, dx, dy }),
        Tool::Pan => Some(Action::ChangeView {
            viewport,
            change: ViewChange::PanBy {
                dx: dx * device_pixel_ratio,
                dy: dy * device_pixel_ratio,
            },
        }),
        Tool::Zoom => Some(Action::ChangeView {
            viewport,
            change: ViewChange::ZoomBy {
                factor: (-dy / 150.0).exp(),
                about: Some(start),
            },
        }),
        // Handles of the lines are dragged by their own rules.
        Tool::Crosshair => None,
        Tool::Scroll => {
            let delta = steps.take(dy, SCROLL_STEP_PX);
            (delta != 0).then_some(Action::ScrollBy { viewport, delta })
        }
    }
}

/// The two changes of a pinch: zoom about the middle, then the middle's own way. Points are in canvas
/// pixels of the viewport, before and after.
pub fn pinch(viewport: usize, before: [[f64; 2]; 2], after: [[f64; 2]; 2]) -> [Action; 2] {
    let middle = |[a, b]: [[f64; 2]; 2]| [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])];
    let distance = |[a, b]: [[f64; 2]; 2]| (a[0] - b[0]).hypot(a[1] - b[1]).max(1.0);
    let (from, to) = (middle(before), middle(after));
    [
        Action::ChangeView {
            viewport,
            change: ViewChange::ZoomBy {
                factor: distance(after) / distance(before),
                about: Some(from),
            },
        },
        Action::ChangeView {
            viewport,
            change: ViewChange::PanBy {
                dx: to[0] - from[0],
                dy: to[1] - from[1],
            },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notch_of_the_wheel_is_one_image_whatever_the_browser_calls_it() {
        let mut steps = Steps::default();
        for delta in [100.0, 120.0, 53.0] {
            assert_eq!(wheel_images(&mut steps, delta, false, false), 1);
        }
        assert_eq!(wheel_images(&mut steps, -3.0, true, false), -1);
        assert_eq!(wheel_images(&mut steps, 100.0, false, true), 10);
    }

    #[test]
    fn small_steps_of_a_trackpad_add_up() {
        let mut steps = Steps::default();
        let images: i64 = (0..10)
            .map(|_| wheel_images(&mut steps, 10.0, false, false))
            .sum();
        assert_eq!(images, 2);
    }

    #[test]
    fn a_pinch_on_a_trackpad_follows_the_fingers_and_a_notch_is_a_quarter() {
        let pinched: f64 = (0..10).map(|_| wheel_zoom(-7.0, false)).product();
        assert!((pinched - 0.7_f64.exp()).abs() < 1e-9, "{pinched}");
        assert!((wheel_zoom(-100.0, false) - 0.25_f64.exp()).abs() < 1e-9);
        let back = wheel_zoom(120.0, false) * wheel_zoom(-120.0, false);
        assert!((back - 1.0).abs() < 1e-12);
    }

    #[test]
    fn fingers_that_part_enlarge_about_their_middle() {
        let [zoom, pan] = pinch(0, [[0.0, 0.0], [10.0, 0.0]], [[-5.0, 0.0], [15.0, 0.0]]);
        let change = ViewChange::ZoomBy {
            factor: 2.0,
            about: Some([5.0, 0.0]),
        };
        assert_eq!(
            zoom,
            Action::ChangeView {
                viewport: 0,
                change
            }
        );
        let change = ViewChange::PanBy { dx: 0.0, dy: 0.0 };
        assert_eq!(
            pan,
            Action::ChangeView {
                viewport: 0,
                change
            }
        );
    }
}
