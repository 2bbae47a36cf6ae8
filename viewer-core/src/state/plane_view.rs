//! Moving, zooming, turning and flipping a plane in its viewport.

use super::mpr::{PlaneView, Scale};
use super::{Direction, ViewChange, Viewport};
use crate::geometry::{MAX_ZOOM, MIN_ZOOM, ViewPlane, ViewTransform};
use crate::volume::{VolumeGrid, fitted};

/// A view after a change. `about` of zooming stays where it is; turning and flipping go about the middle of the viewport.
pub(super) fn changed(
    view: PlaneView,
    grid: &VolumeGrid,
    viewport: &Viewport,
    change: ViewChange,
) -> PlaneView {
    let [width, height] = [viewport.width.max(1), viewport.height.max(1)];
    let plane = view.plane;
    let fit = fitted(plane, grid, width, height);
    let zoomed = |plane| PlaneView {
        plane,
        scale: Scale::Zoomed,
        ..view
    };
    let zoom_by = |factor: f64, about: Option<[f64; 2]>| {
        if !(factor.is_finite() && factor > 0.0) {
            return view;
        }
        let before = fit.pixel_mm / plane.pixel_mm;
        let zoom = (before * factor).clamp(MIN_ZOOM.min(before), MAX_ZOOM.max(before));
        let pixel_mm = fit.pixel_mm / zoom;
        let about = about.filter(|about| about.iter().all(|at| at.is_finite()));
        let fixed = about.map_or(plane.center, |[x, y]| {
            plane.patient_from_canvas(x, y, width, height)
        });
        zoomed(ViewPlane {
            pixel_mm,
            center: fixed + (plane.center - fixed) * (pixel_mm / plane.pixel_mm),
            ..plane
        })
    };
    match change {
        ViewChange::PanBy { dx, dy } => {
            if !(dx.is_finite() && dy.is_finite()) {
                return view;
            }
            let way = plane.row * dx + plane.column * dy;
            zoomed(ViewPlane {
                center: plane.center - way * plane.pixel_mm,
                ..plane
            })
        }
        ViewChange::ZoomBy { factor, about } => zoom_by(factor, about),
        ViewChange::Turn(Direction::Left) => oriented(view, view.turn.turned(-90.0)),
        ViewChange::Turn(_) => oriented(view, view.turn.turned(90.0)),
        ViewChange::Flip(Direction::Down) => oriented(view, view.turn.flipped_down()),
        ViewChange::Flip(_) => oriented(view, view.turn.flipped_across()),
        ViewChange::Fit => PlaneView {
            plane: fit,
            scale: Scale::Fitted,
            ..view
        },
        ViewChange::ToggleZoom { about } => {
            if (fit.pixel_mm / plane.pixel_mm - 1.0).abs() < 1e-6 {
                zoom_by(2.0, Some(about))
            } else {
                PlaneView {
                    plane: fit,
                    scale: Scale::Fitted,
                    ..view
                }
            }
        }
        ViewChange::OneToOne => zoomed(ViewPlane {
            pixel_mm: grid.voxel_mm().min_element(),
            ..plane
        }),
        ViewChange::Set {
            zoom,
            pan,
            rotation,
            flip,
            ..
        } => {
            let rotation = rotation.filter(|degrees| degrees.is_finite());
            let turn = ViewTransform {
                rotation: rotation.map_or(view.turn.rotation, |degrees| degrees.rem_euclid(360.0)),
                flip: flip.unwrap_or(view.turn.flip),
                ..view.turn
            };
            let view = oriented(view, turn);
            let zoom = zoom.filter(|zoom| zoom.is_finite() && *zoom > 0.0);
            let pan = pan.filter(|pan| pan.iter().all(|at| at.is_finite()));
            if zoom.is_none() && pan.is_none() {
                return view;
            }
            let plane = view.plane;
            let fit = fitted(plane, grid, width, height);
            let pixel_mm = zoom.map_or(plane.pixel_mm, |zoom| fit.pixel_mm / zoom);
            let center = match pan {
                Some([x, y]) => fit.center - (plane.row * x + plane.column * y) * pixel_mm,
                None => plane.center,
            };
            PlaneView {
                plane: ViewPlane {
                    pixel_mm,
                    center,
                    ..plane
                },
                scale: Scale::Zoomed,
                ..view
            }
        }
    }
}

/// The same place with other turns and flips against the directions that the plane began with.
fn oriented(view: PlaneView, turn: ViewTransform) -> PlaneView {
    let (sin, cos) = match turn.rotation {
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        degrees => degrees.to_radians().sin_cos(),
    };
    let [row, column] = view.unturned;
    let row = if turn.flip { -row } else { row };
    let plane = ViewPlane {
        row: row * cos - column * sin,
        column: row * sin + column * cos,
        ..view.plane
    };
    PlaneView {
        plane,
        turn,
        ..view
    }
}
