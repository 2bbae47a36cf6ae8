//! Slabs on a plain stack: each slice as the middle of a slab, looked at as the stack is.

use super::mpr::{SeriesVolumes, Volume};
use super::viewport::ShownFrame;
use super::{ViewerState, Viewport};
use crate::geometry::{Slab, ViewPlane};
use crate::model::SeriesId;
use std::sync::Arc;

/// The slab of a viewport that shows a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct StackSlab {
    /// Thickness and projection.
    pub slab: Slab,
    /// The volumes of the series.
    pub volumes: Arc<SeriesVolumes>,
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
        let known = viewport.slab.as_ref().map(|it| Arc::clone(&it.volumes));
        let volumes = match (known, viewport.shown(self)) {
            (Some(known), _) => known,
            (None, Some(shown)) => Arc::new(SeriesVolumes::of(shown.stack)),
            (None, None) => return,
        };
        if volumes.volumes.is_empty() {
            self.refusal = volumes.refusal.clone();
            return;
        }
        self.viewports[index].slab = Some(StackSlab { slab, volumes });
    }
}

impl Viewport {
    /// The slice on screen as the middle plane of its slab.
    pub(super) fn slab_plane(&self, state: &ViewerState) -> Option<ViewPlane> {
        let slab = self.slab.as_ref()?.slab;
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
        plane.ok()?.with_slab(slab).ok()
    }
}
