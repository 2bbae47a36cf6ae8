//! The lines that cross in a plane: where the other planes of the volume cut it, and what a pointer takes hold of.
//!
//! All places are canvas pixels of the viewport; sizes of handles are CSS pixels and grow with the density of the display.

use crate::geometry::ViewPlane;
use crate::volume::PlaneKind;
use glam::{DVec2, DVec3};

/// Free of lines around the middle, CSS pixels on each side.
pub const GAP_PX: f64 = 8.0;
/// Where the rings that turn lie on a line, CSS pixels from the middle.
pub const RING_PX: f64 = 116.0;
/// Where the squares that set a slab's thickness lie along a line, CSS pixels from the middle.
pub const SQUARE_PX: f64 = 62.0;
/// Handles never lie farther out than this share of the viewport's shorter side.
const REACH: f64 = 0.38;
/// A pointer within this distance takes hold, CSS pixels: targets are 24 wide.
const HOLD_PX: f64 = 12.0;
/// Planes are parallel below this sine: they have no line in each other.
const PARALLEL: f64 = 1e-3;

/// The line in which another plane cuts this one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CrossLine {
    /// Viewport of the other plane.
    pub viewport: usize,
    /// Which plane that is.
    pub kind: PlaneKind,
    /// A place on the line: that nearest to the middle.
    pub through: [f64; 2],
    /// Unit vector along it.
    pub direction: [f64; 2],
    /// From the line to each face of the other plane's slab; 0 without one.
    pub half_slab: f64,
}

/// The lines in a viewport.
#[derive(Debug, Clone, PartialEq)]
pub struct Crosshair {
    /// Where the planes meet.
    pub at: [f64; 2],
    /// One for each other plane that is not parallel.
    pub lines: Vec<CrossLine>,
    /// Canvas pixels of the viewport.
    pub size: [u32; 2],
}

/// What a pointer takes hold of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handle {
    /// Where the lines cross: moves them all.
    Middle,
    /// A line: shifts the plane in this viewport.
    Line(usize),
    /// A ring: turns both lines, or that of the plane in this viewport alone.
    Ring(usize),
    /// A square: thickness of the slab of the plane in this viewport.
    Square(usize),
}

/// The lines in a viewport of `size` that shows `plane`; `meeting` is where the planes meet, mm in LPS, and `others` are the
/// planes of the other viewports.
pub fn crosshair<'a>(
    plane: &ViewPlane,
    size: [u32; 2],
    meeting: DVec3,
    others: impl Iterator<Item = (usize, PlaneKind, &'a ViewPlane)>,
) -> Crosshair {
    let [x, y, _] = plane.canvas_from_patient(meeting, size[0], size[1]);
    let here = plane.patient_from_canvas(x, y, size[0], size[1]);
    let lines = others.filter_map(|(viewport, kind, other)| {
        let normal = other.normal();
        // The other plane's normal, seen in this plane.
        let across = DVec2::new(normal.dot(plane.row), normal.dot(plane.column));
        let sine = across.length();
        if sine < PARALLEL {
            return None;
        }
        let off_mm = (other.center - here).dot(normal) / sine;
        let across = across / sine;
        let through = DVec2::new(x, y) + across * (off_mm / plane.pixel_mm);
        let along = across.perp();
        // To the right, or down.
        let along = if along.x < -1e-9 || (along.x.abs() <= 1e-9 && along.y < 0.0) {
            -along
        } else {
            along
        };
        let slab_mm = other.slab.map_or(0.0, |slab| slab.thickness_mm);
        Some(CrossLine {
            viewport,
            kind,
            through: through.to_array(),
            direction: along.to_array(),
            half_slab: slab_mm / 2.0 / sine / plane.pixel_mm,
        })
    });
    Crosshair {
        at: [x, y],
        lines: lines.collect(),
        size,
    }
}

impl Crosshair {
    /// Places of the two rings of a line.
    pub fn rings(&self, line: &CrossLine, device_pixel_ratio: f64) -> [[f64; 2]; 2] {
        let reach = self.reach(RING_PX, device_pixel_ratio);
        [-1.0, 1.0].map(|side| along(line, side * reach, 0.0))
    }

    /// Places of the four squares of a line, on the faces of the slab.
    pub fn squares(&self, line: &CrossLine, device_pixel_ratio: f64) -> [[f64; 2]; 4] {
        let reach = self.reach(SQUARE_PX, device_pixel_ratio);
        let aside = line.half_slab;
        [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
            .map(|(side, face)| along(line, side * reach, face * aside))
    }

    fn reach(&self, css: f64, device_pixel_ratio: f64) -> f64 {
        let shorter = f64::from(self.size[0].min(self.size[1]));
        let share = css / RING_PX;
        (css * device_pixel_ratio).min(shorter * REACH * share)
    }

    /// What a pointer at a place takes hold of; nothing away from all lines. What is small wins over what is long.
    pub fn hit(&self, at: [f64; 2], device_pixel_ratio: f64) -> Option<Handle> {
        let hold = HOLD_PX * device_pixel_ratio;
        let point = DVec2::from(at);
        let near = |place: [f64; 2]| DVec2::from(place).distance(point);
        let nearest = |places: &[[f64; 2]]| {
            let distances = places.iter().map(|place| near(*place));
            distances.fold(f64::INFINITY, f64::min)
        };
        let mut handles = Vec::new();
        for line in &self.lines {
            handles.push((
                nearest(&self.rings(line, device_pixel_ratio)),
                Handle::Ring(line.viewport),
            ));
            let squares = self.squares(line, device_pixel_ratio);
            handles.push((nearest(&squares), Handle::Square(line.viewport)));
        }
        handles.push((near(self.at), Handle::Middle));
        let smallest = |handles: Vec<(f64, Handle)>| {
            let held = handles
                .into_iter()
                .filter(|(distance, _)| *distance <= hold);
            held.min_by(|a, b| a.0.total_cmp(&b.0)).map(|found| found.1)
        };
        smallest(handles).or_else(|| {
            let lines = self.lines.iter().map(|line| {
                let offset = point - DVec2::from(line.through);
                let distance = offset.perp_dot(DVec2::from(line.direction)).abs();
                (distance, Handle::Line(line.viewport))
            });
            smallest(lines.collect())
        })
    }
}

fn along(line: &CrossLine, way: f64, aside: f64) -> [f64; 2] {
    let direction = DVec2::from(line.direction);
    (DVec2::from(line.through) + direction * way + direction.perp() * aside).to_array()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(viewport: usize, direction: [f64; 2], half_slab: f64) -> CrossLine {
        CrossLine {
            viewport,
            kind: PlaneKind::Coronal,
            through: [200.0, 200.0],
            direction,
            half_slab,
        }
    }

    fn cross() -> Crosshair {
        Crosshair {
            at: [200.0, 200.0],
            lines: vec![line(1, [0.0, 1.0], 0.0), line(2, [1.0, 0.0], 20.0)],
            size: [400, 400],
        }
    }

    #[test]
    fn a_pointer_takes_hold_of_the_nearest_handle_then_of_a_line() {
        let cross = cross();
        let hit = |x, y| cross.hit([x, y], 1.0);
        assert_eq!(hit(203.0, 196.0), Some(Handle::Middle));
        assert_eq!(hit(200.0 + RING_PX, 205.0), Some(Handle::Ring(2)));
        assert_eq!(hit(200.0, 200.0 - RING_PX), Some(Handle::Ring(1)));
        assert_eq!(hit(200.0 - SQUARE_PX, 223.0), Some(Handle::Square(2)));
        assert_eq!(hit(30.0, 195.0), Some(Handle::Line(2)));
        assert_eq!(hit(205.0, 390.0), Some(Handle::Line(1)));
        assert_eq!(hit(300.0, 300.0), None);
    }

    #[test]
    fn handles_of_small_viewports_stay_inside() {
        let mut cross = cross();
        cross.size = [200, 100];
        let [left, right] = cross.rings(&cross.lines[1], 1.0);
        assert!((left[0] - 162.0).abs() < 1e-9 && (right[0] - 238.0).abs() < 1e-9);
    }
}
