//! Slabs on a plain stack: each slice as the middle of a slab, looked at as the stack is.

use super::mpr::{SeriesVolumes, Volume};
use super::viewport::ShownFrame;
use super::{ViewChange, ViewerState, Viewport};
use crate::geometry::{Slab, ViewPlane, ViewTransform};
use crate::model::SeriesId;
use glam::DVec3;
use std::sync::Arc;

/// Cosine of the most that the directions of a plane may differ from those of the images on screen: half of 0.1 degrees moves
/// nothing by a tenth of a millimetre within 100 mm.
const LEAST_COSINE: f64 = 1.0 - 5e-7;

/// The slab of a viewport that shows a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct StackSlab {
    /// Thickness and projection.
    pub slab: Slab,
    /// The volumes of the series.
    pub volumes: Arc<SeriesVolumes>,
    /// How the middle of the slab lies from that slice; nowhere else once it is scrolled.
    pub aside: Aside,
}

/// A way from a slice in the patient, mm in LPS: a mirrored view looks at a slab from behind, and the slab stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Aside {
    slice: usize,
    way: DVec3,
}

/// Why a plane cannot be shown in a viewport of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StackPlaneError {
    /// The viewport shows no image with a place in the patient.
    #[error("the viewport shows no image with a place in the patient")]
    NoPlace,
    /// Its images lie in no volume.
    #[error("the series of the viewport is no volume")]
    NoVolume,
    /// The plane has other directions than the images on screen.
    #[error("the plane does not lie as the images on screen do: setLayout(\"mpr\") shows it")]
    Oblique,
}

/// A plane as slice and view of a stack.
#[derive(Debug, Clone, PartialEq)]
struct StackPlane {
    slice: usize,
    aside: DVec3,
    view: ViewChange,
}

/// A volume that a viewport shows a plane of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolumeShown<'a> {
    /// Its series.
    pub series: SeriesId,
    /// Its place among the volumes of the series.
    pub index: usize,
    /// The volume.
    pub volume: &'a Volume,
}

impl ViewerState {
    /// The volume of which a viewport shows a plane or a slab; `None` where it shows frames.
    pub fn volume_of<'a>(&'a self, viewport: &'a Viewport) -> Option<VolumeShown<'a>> {
        if viewport.plane.is_some() {
            let mpr = self.mpr.as_ref()?;
            return Some(VolumeShown {
                series: mpr.series,
                index: mpr.chosen,
                volume: mpr.volume()?,
            });
        }
        let volumes = &viewport.slab.as_ref()?.volumes.volumes;
        let slice = u32::try_from(viewport.slice).ok()?;
        // The image of a mosaic is none of its slices.
        let index = volumes
            .iter()
            .position(|volume| volume.tiling.is_none() && volume.slices.contains(&slice))?;
        Some(VolumeShown {
            series: viewport.series?,
            index,
            volume: &volumes[index],
        })
    }

    /// Shows the slices of a stack as slabs, or as they are. A series that is no volume is refused in words.
    pub(super) fn set_stack_slab(&mut self, index: usize, slab: Option<Slab>) {
        self.refusal = None;
        let Some(viewport) = self.viewports.get(index) else {
            return;
        };
        let Some(slab) = slab.filter(|slab| slab.thickness_mm > 0.0) else {
            self.viewports[index].slab = None;
            return;
        };
        let is_mosaic =
            |shown: &ShownFrame<'_>| shown.instance.frame(shown.frame_index).is_mosaic();
        if viewport.shown(self).as_ref().is_some_and(is_mosaic) {
            let words = "the image is a mosaic of slices; three planes show slabs of them";
            self.refusal = Some(words.into());
            return;
        }
        let Some(volumes) = self.volumes_in(viewport) else {
            return;
        };
        if volumes.volumes.is_empty() {
            self.refusal = volumes.refusal.clone();
            return;
        }
        let aside = viewport
            .slab
            .as_ref()
            .map_or(Aside::default(), |it| it.aside);
        self.viewports[index].slab = Some(StackSlab {
            slab,
            volumes,
            aside,
        });
    }

    /// The volumes of the series in a viewport, known or made now.
    fn volumes_in(&self, viewport: &Viewport) -> Option<Arc<SeriesVolumes>> {
        match (&viewport.slab, viewport.shown(self)) {
            (Some(slab), _) => Some(Arc::clone(&slab.volumes)),
            (None, Some(shown)) => Some(Arc::new(SeriesVolumes::of(shown.stack))),
            (None, None) => None,
        }
    }

    /// Shows a plane in a viewport of images: the nearest slice, zoomed and moved so that the plane lies as it is given, as a
    /// slab where it has a thickness.
    pub(super) fn set_stack_plane(&mut self, index: usize, plane: ViewPlane, keeps_pixels: bool) {
        let Ok(found) = self.stack_plane(index, &plane, keeps_pixels) else {
            return;
        };
        self.set_stack_slab(index, plane.slab);
        let change = found.view;
        self.change_view(index, change);
        let Some(viewport) = self.viewports.get_mut(index) else {
            return;
        };
        viewport.slice = found.slice;
        if let Some(slab) = &mut viewport.slab {
            slab.aside = Aside {
                slice: found.slice,
                way: found.aside,
            };
        }
    }

    /// Whether a plane can be shown in a viewport of images.
    ///
    /// # Errors
    /// Where there is no volume, or the plane has other directions than the images on screen.
    pub fn takes_stack_plane(
        &self,
        index: usize,
        plane: &ViewPlane,
    ) -> Result<(), StackPlaneError> {
        self.stack_plane(index, plane, true).map(|_| ())
    }

    fn stack_plane(
        &self,
        index: usize,
        plane: &ViewPlane,
        keeps_pixels: bool,
    ) -> Result<StackPlane, StackPlaneError> {
        let viewport = self.viewports.get(index).ok_or(StackPlaneError::NoPlace)?;
        let shown = viewport.shown(self).ok_or(StackPlaneError::NoPlace)?;
        if shown.instance.frame(shown.frame_index).is_mosaic() {
            return Err(StackPlaneError::NoVolume);
        }
        let volumes = self.volumes_in(viewport).ok_or(StackPlaneError::NoPlace)?;
        let on_screen = viewport.image_plane(self).ok_or(StackPlaneError::NoPlace)?;
        let is_alike = on_screen.row.dot(plane.row) >= LEAST_COSINE
            && on_screen.column.dot(plane.column) >= LEAST_COSINE;
        if !is_alike {
            return Err(StackPlaneError::Oblique);
        }
        let volume = volumes.volumes.iter().find(|volume| {
            u32::try_from(shown.slice).is_ok_and(|slice| volume.slices.contains(&slice))
        });
        let volume = volume.ok_or(StackPlaneError::NoVolume)?;
        let normal = on_screen.normal();
        let at = |slice: u32| {
            let (instance, frame_index) = shown.stack.at(usize::try_from(slice).ok()?)?;
            let origin = instance
                .frame(frame_index)
                .plane()?
                .patient_from_pixel(0.0, 0.0);
            Some((plane.center - origin).dot(normal))
        };
        let nearest = volume
            .slices
            .iter()
            .filter_map(|slice| Some((*slice, at(*slice)?)));
        let (slice, aside_mm) = nearest
            .min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
            .ok_or(StackPlaneError::NoPlace)?;
        let slice = usize::try_from(slice).unwrap_or(shown.slice);
        // Slices of a tilted gantry lie aside of each other.
        let fitted = Viewport {
            slice,
            view: ViewTransform {
                zoom: 1.0,
                pan: [0.0, 0.0],
                ..viewport.view
            },
            ..viewport.clone()
        };
        let fitted = fitted.image_plane(self).ok_or(StackPlaneError::NoPlace)?;
        let pixel_mm = if keeps_pixels {
            on_screen.pixel_mm
        } else {
            plane.pixel_mm
        };
        let way = (plane.center - fitted.center) / pixel_mm;
        Ok(StackPlane {
            slice,
            aside: normal * aside_mm,
            view: ViewChange::Set {
                zoom: Some(fitted.pixel_mm / pixel_mm),
                pan: Some([-way.dot(fitted.row), -way.dot(fitted.column)]),
                rotation: None,
                flip: None,
                invert: None,
            },
        })
    }
}

impl Viewport {
    /// The slice on screen as the middle plane of its slab.
    pub(super) fn slab_plane(&self, state: &ViewerState) -> Option<ViewPlane> {
        let StackSlab { slab, aside, .. } = self.slab.as_ref()?;
        let mut plane = self.image_plane(state)?;
        if aside.slice == self.slice {
            plane.center += aside.way;
        }
        plane.with_slab(*slab).ok()
    }

    /// The plane of the slice on screen.
    fn image_plane(&self, state: &ViewerState) -> Option<ViewPlane> {
        let shown = self.shown(state)?;
        let image = shown.instance.frame(shown.frame_index).plane()?;
        let pixel_from_canvas = self.geometry(state)?.pixel_from_canvas;
        let patient = |x: f64, y: f64| {
            let pixel = pixel_from_canvas.transform_point2([x, y].into());
            image.patient_from_pixel(pixel.x, pixel.y)
        };
        let middle = [self.width, self.height].map(|side| (f64::from(side) - 1.0) / 2.0);
        let center = patient(middle[0], middle[1]);
        let across = patient(middle[0] + 1.0, middle[1]) - center;
        let down = patient(middle[0], middle[1] + 1.0) - center;
        let plane = ViewPlane::new(
            center.to_array(),
            across.try_normalize()?.to_array(),
            down.try_normalize()?.to_array(),
            across.length(),
        );
        plane.ok()
    }
}
