//! The lines that cross in a plane, under a pointer: what lies there, and the pointer's shape.

use viewer_core::state::Tool;
use viewer_core::tools::crosshair::{Crosshair, Handle};

/// What a pointer at a place (canvas pixels) would take hold of; nothing where another tool is chosen or no lines are drawn.
pub fn under(
    crosshair: Option<&Crosshair>,
    tool: Tool,
    at: [f64; 2],
    device_pixel_ratio: f64,
) -> Option<Handle> {
    let crosshair = crosshair.filter(|_| tool == Tool::Crosshair)?;
    crosshair.hit(at, device_pixel_ratio)
}

/// The pointer's shape over a plane with the crosshair tool, as CSS names it.
pub fn cursor(crosshair: &Crosshair, under: Option<Handle>, is_held: bool) -> &'static str {
    let across = |viewport: usize| {
        let line = crosshair.lines.iter().find(|it| it.viewport == viewport);
        line.map_or("move", |line| across(line.direction))
    };
    match under {
        None => "crosshair",
        Some(Handle::Middle) => "move",
        Some(Handle::Ring(_)) if is_held => "grabbing",
        Some(Handle::Ring(_)) => "grab",
        Some(Handle::Line(viewport) | Handle::Square(viewport)) => across(viewport),
    }
}

/// The shape that points across a line of this direction; screens count y downwards.
fn across([x, y]: [f64; 2]) -> &'static str {
    // Eighths of a turn between what the line is and the nearest of four shapes.
    let flat = 22.5_f64.to_radians().tan();
    if y.abs() <= x.abs() * flat {
        "ns-resize"
    } else if x.abs() <= y.abs() * flat {
        "ew-resize"
    } else if x * y > 0.0 {
        "nesw-resize"
    } else {
        "nwse-resize"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use viewer_core::tools::crosshair::{CrossLine, RING_PX, SQUARE_PX};
    use viewer_core::volume::PlaneKind;

    fn cross() -> Crosshair {
        let line = |viewport, kind, direction| CrossLine {
            viewport,
            kind,
            through: [200.0, 200.0],
            direction,
            half_slab: 0.0,
        };
        Crosshair {
            at: [200.0, 200.0],
            lines: vec![
                line(1, PlaneKind::Sagittal, [0.0, 1.0]),
                line(2, PlaneKind::Coronal, [1.0, 0.0]),
            ],
            size: [400, 400],
        }
    }

    #[test]
    fn only_the_crosshair_tool_takes_hold_of_lines() {
        let (cross, at) = (cross(), [200.0, 20.0]);
        let line = Some(Handle::Line(1));
        assert_eq!(under(Some(&cross), Tool::Crosshair, at, 1.0), line);
        assert_eq!(under(Some(&cross), Tool::Window, at, 1.0), None);
        assert_eq!(under(None, Tool::Crosshair, at, 1.0), None);
    }

    #[test]
    fn the_pointer_says_what_a_press_would_do() {
        let cross = cross();
        let shape = |x, y, is_held| cursor(&cross, cross.hit([x, y], 1.0), is_held);
        assert_eq!(shape(300.0, 300.0, false), "crosshair");
        assert_eq!(shape(200.0, 200.0, false), "move");
        assert_eq!(shape(200.0 + RING_PX, 200.0, false), "grab");
        assert_eq!(shape(200.0 + RING_PX, 200.0, true), "grabbing");
        assert_eq!(shape(200.0, 200.0 + SQUARE_PX, false), "ew-resize");
        assert_eq!(shape(20.0, 200.0, false), "ns-resize");
    }

    #[test]
    fn shapes_point_across_their_line() {
        for (direction, shape) in [
            ([1.0, 0.3], "ns-resize"),
            ([0.3, -1.0], "ew-resize"),
            // Down to the right: across it is up to the right.
            ([0.7, 0.7], "nesw-resize"),
            ([0.7, -0.7], "nwse-resize"),
        ] {
            assert_eq!(across(direction), shape, "{direction:?}");
        }
    }
}
