//! What a drag of the lines that cross in a plane does.

use super::{Turned, ViewerState};
use crate::geometry::{MAX_SLAB_MM, Projection, Slab};
use crate::tools::crosshair::Handle;
use glam::DVec3;

impl ViewerState {
    /// A pointer that holds a handle in a viewport goes from one place to another, canvas pixels.
    pub(super) fn drag_crosshair(
        &mut self,
        viewport: usize,
        handle: Handle,
        [from, to]: [[f64; 2]; 2],
        alone: bool,
    ) {
        let Some(shown) = self.viewports.get(viewport) else {
            return;
        };
        let (Some(view), Some(mpr)) = (shown.plane, &self.mpr) else {
            // A stack has no lines: its places are pointed at.
            if handle == Handle::Middle {
                self.point_at(viewport, to);
            }
            return;
        };
        let crosshair = mpr.crosshair;
        let patient = |[x, y]: [f64; 2]| {
            view.plane
                .patient_from_canvas(x, y, shown.width, shown.height)
        };
        let (from, to) = (patient(from), patient(to));
        let normal_of = |other: usize| Some(self.viewports.get(other)?.plane?.plane.normal());
        match handle {
            Handle::Middle => {
                // Within this plane.
                let normal = view.plane.normal();
                let depth = (crosshair - to).dot(normal);
                self.move_crosshair(to + normal * depth);
            }
            Handle::Line(other) => {
                if let Some(normal) = normal_of(other) {
                    self.move_crosshair(crosshair + normal * (to - from).dot(normal));
                }
            }
            Handle::Ring(other) => {
                let angle = |place: DVec3| {
                    let arm = place - crosshair;
                    arm.dot(view.plane.column).atan2(arm.dot(view.plane.row))
                };
                let turn = (angle(to) - angle(from)).to_degrees();
                // The short way round.
                let degrees = (turn + 180.0).rem_euclid(360.0) - 180.0;
                let turned = if alone {
                    Turned::Only(other)
                } else {
                    Turned::Both
                };
                self.turn_planes(viewport, degrees, turned);
            }
            Handle::Square(other) => {
                let Some(normal) = normal_of(other) else {
                    return;
                };
                let thickness_mm = 2.0 * (to - crosshair).dot(normal).abs();
                // Whole millimetres: what is said is what is shown.
                let thickness_mm = thickness_mm.round().min(MAX_SLAB_MM);
                let plane = self.viewports.get(other).and_then(|v| v.plane);
                let before = plane.and_then(|view| view.plane.slab);
                let slab = Slab {
                    thickness_mm,
                    projection: before.map_or(Projection::Mip, |slab| slab.projection),
                    step_mm: None,
                };
                self.set_slab(other, Some(slab));
            }
        }
    }
}
