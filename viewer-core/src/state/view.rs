//! Moving, zooming, turning and flipping what a viewport shows.

use super::{Direction, Mpr, ViewChange, ViewerState, plane_view};
use crate::geometry::ViewTransform;

impl ViewerState {
    pub(super) fn change_view(&mut self, viewport: usize, change: ViewChange) {
        let Some(v) = self.viewports.get(viewport) else {
            return;
        };
        if let Some(view) = v.plane {
            let Some(volume) = self.mpr.as_ref().and_then(Mpr::volume) else {
                return;
            };
            let view = plane_view::changed(view, &volume.grid, v, change);
            let v = &mut self.viewports[viewport];
            v.plane = Some(view);
            if let ViewChange::Set {
                invert: Some(invert),
                ..
            } = change
            {
                v.inverted = invert;
            }
            return;
        }
        let geometry = v.geometry(self);
        let before = v.view;
        let view = match change {
            ViewChange::PanBy { dx, dy } => before.panned(dx, dy),
            ViewChange::ZoomBy { factor, about } => match &geometry {
                Some(geometry) => geometry.zoomed(factor, about),
                None => before,
            },
            ViewChange::Turn(Direction::Left) => before.turned(-90.0),
            ViewChange::Turn(_) => before.turned(90.0),
            ViewChange::Flip(Direction::Down) => before.flipped_down(),
            ViewChange::Flip(_) => before.flipped_across(),
            ViewChange::Fit => ViewTransform {
                zoom: 1.0,
                pan: [0.0, 0.0],
                ..before
            },
            ViewChange::ToggleZoom { about } => match &geometry {
                Some(geometry) if (before.zoom - 1.0).abs() < 1e-6 => {
                    geometry.zoomed(2.0, Some(about))
                }
                _ => ViewTransform {
                    zoom: 1.0,
                    pan: [0.0, 0.0],
                    ..before
                },
            },
            ViewChange::OneToOne => match &geometry {
                Some(geometry) => geometry.one_to_one(),
                None => before,
            },
            ViewChange::Set {
                zoom,
                pan,
                rotation,
                flip,
                invert,
            } => {
                if let Some(invert) = invert {
                    self.viewports[viewport].inverted = invert;
                }
                ViewTransform {
                    zoom: zoom
                        .filter(|z| z.is_finite() && *z > 0.0)
                        .unwrap_or(before.zoom),
                    pan: pan
                        .filter(|p| p.iter().all(|v| v.is_finite()))
                        .unwrap_or(before.pan),
                    rotation: rotation
                        .filter(|degrees| degrees.is_finite())
                        .map_or(before.rotation, |degrees| degrees.rem_euclid(360.0)),
                    flip: flip.unwrap_or(before.flip),
                }
            }
        };
        self.viewports[viewport].view = view;
    }
}
