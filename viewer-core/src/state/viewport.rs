//! One viewport: which slice of which series it shows, and how.

use super::ViewerState;
use super::mpr::PlaneView;
use super::stack_slab::StackSlab;
use crate::geometry::{ViewGeometry, ViewTransform};
use crate::loading::FrameKey;
use crate::model::{Instance, Series, SeriesId, Stack};
use crate::pixel::icc::ScreenColors;
use crate::pixel::{FrameParams, Presentation, VoiFunction, VoiLut, Window};
use crate::tools::WindowSource;
use crate::tools::window_level::{COLOUR, Customary, bit_range, full_range, resolve, span};
use crate::volume::{Interpolation, PlaneParams};
use std::sync::Arc;

/// What a viewport shows, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Viewport {
    /// The series; `None` = empty.
    pub series: Option<SeriesId>,
    /// The slice, from 0.
    pub slice: usize,
    /// The last scroll went towards higher slices.
    pub forwards: bool,
    /// Where the window comes from.
    pub window: WindowSource,
    /// Bright and dark are swapped, against the first paint.
    pub inverted: bool,
    /// Place and size of the image.
    pub view: ViewTransform,
    /// Canvas pixels.
    pub width: u32,
    /// Canvas pixels.
    pub height: u32,
    /// What it shows of a volume; `None` where it shows a stack. Its `slice` is then that of the stack nearest to the
    /// crosshair.
    pub plane: Option<PlaneView>,
    /// The slices of a stack are shown as slabs.
    pub slab: Option<StackSlab>,
}

impl Default for Viewport {
    fn default() -> Self {
        Self {
            series: None,
            slice: 0,
            forwards: true,
            window: WindowSource::File(0),
            inverted: false,
            view: ViewTransform::default(),
            width: 0,
            height: 0,
            plane: None,
            slab: None,
        }
    }
}

/// The slice on screen in a viewport, with all that belongs to it.
#[derive(Debug, Clone, Copy)]
pub struct ShownFrame<'a> {
    /// The series.
    pub series: &'a Series,
    /// Its stack.
    pub stack: &'a Stack,
    /// The slice.
    pub slice: usize,
    /// The instance of the slice.
    pub instance: &'a Instance,
    /// The frame within the instance, from 0.
    pub frame_index: u32,
}

impl ShownFrame<'_> {
    /// What decides which windows are customary for it.
    pub fn customary(&self) -> Customary<'_> {
        Customary {
            modality: &self.series.modality,
            unit: &self.instance.frame(self.frame_index).grey.unit,
            suv: self.instance.uptake().map(|(_, factor)| factor),
        }
    }

    /// Key of the frame for queue and caches.
    pub fn key(&self) -> FrameKey {
        FrameKey {
            series: self.series.id,
            slice: u32::try_from(self.slice).unwrap_or(u32::MAX),
        }
    }
}

impl Viewport {
    /// The slice on screen; `None` while empty, while its metadata are on their way, or for a series
    /// without images.
    pub fn shown<'a>(&self, state: &'a ViewerState) -> Option<ShownFrame<'a>> {
        let series = state.series(self.series?)?;
        let stack = series.stack.as_deref()?;
        let slice = self.slice.min(stack.frames.len().checked_sub(1)?);
        let (instance, frame_index) = stack.at(slice)?;
        Some(ShownFrame {
            series,
            stack,
            slice,
            instance,
            frame_index,
        })
    }

    /// The curve on screen, and its name (empty for the user's own window).
    pub fn voi(&self, state: &ViewerState) -> Option<(VoiLut, String)> {
        let shown = self.shown(state)?;
        let grey = &shown.instance.frame(shown.frame_index).grey;
        let fallback = fallback_window(state, &shown);
        // Colour that is not looked up in a palette has no window of its own.
        let is_colour =
            (shown.instance.format.as_ref()).is_ok_and(|format| !format.photometric.is_grey());
        let voi = if is_colour { &[][..] } else { &grey.voi };
        Some(resolve(
            self.window,
            shown.customary(),
            voi,
            if is_colour {
                VoiFunction::Linear
            } else {
                grey.function
            },
            fallback,
        ))
    }

    /// Center and width of the curve on screen, and its name.
    pub fn window(&self, state: &ViewerState) -> Option<(Window, String)> {
        let (voi, name) = self.voi(state)?;
        Some((span(&voi), name))
    }

    /// Where the image lies in the viewport; `None` without an image or a size, and for planes.
    pub fn geometry(&self, state: &ViewerState) -> Option<ViewGeometry> {
        if self.width == 0 || self.height == 0 || self.plane.is_some() {
            return None;
        }
        let shown = self.shown(state)?;
        let format = shown.instance.format.as_ref().ok()?;
        Some(ViewGeometry::new(
            format.columns,
            format.rows,
            shown.instance.pixel_width_over_height(shown.frame_index),
            self.width,
            self.height,
            &self.view,
        ))
    }

    /// Bright and dark as on screen.
    pub fn presentation(&self, instance: &Instance) -> Presentation {
        if self.inverted {
            instance.presentation.toggled()
        } else {
            instance.presentation.clone()
        }
    }

    /// All that a renderer needs to draw a plane or slab; `None` for a plain stack, and while a table is on its way without
    /// which no value has a meaning.
    pub fn plane_params(&self, state: &ViewerState) -> Option<PlaneParams> {
        let shown_volume = state.volume_of(self)?;
        if self.width == 0 || self.height == 0 {
            return None;
        }
        let shown = self.shown(state)?;
        let awaited = shown.instance.awaited(shown.frame_index);
        if awaited.iter().any(|(_, comes_first)| *comes_first) {
            return None;
        }
        let plane = match &self.plane {
            Some(view) => view.plane,
            None => self.slab_plane(state)?,
        };
        let (voi, _) = self.voi(state)?;
        Some(PlaneParams {
            grid: Arc::clone(&shown_volume.volume.grid),
            plane,
            size: [self.width, self.height],
            interpolation: Interpolation::Trilinear,
            voi,
            presentation: self.presentation(shown.instance),
        })
    }

    /// All that a renderer needs to draw the slice; `None` while a table is on its way without which no value
    /// has a meaning.
    pub fn frame_params(&self, state: &ViewerState) -> Option<(FrameKey, FrameParams)> {
        let shown = self.shown(state)?;
        let (voi, _) = self.voi(state)?;
        let geometry = self.geometry(state)?;
        let instance = shown.instance;
        let awaited = instance.awaited(shown.frame_index);
        if awaited.iter().any(|(_, comes_first)| *comes_first) {
            return None;
        }
        let palette = instance.palette.as_ref().and_then(|p| p.ready());
        let params = FrameParams {
            pixel_from_canvas: geometry.pixel_from_canvas_array(),
            modality: instance.frame(shown.frame_index).grey.modality.clone(),
            voi,
            presentation: self.presentation(instance),
            padding: instance.padding,
            palette: palette.cloned(),
            mask: state.masks.get(&shown.key()).cloned().flatten(),
            shows_overlays: state.shows_overlays,
            interpolate: true,
            target: ScreenColors::Srgb,
        };
        Some((shown.key(), params))
    }
}

/// The window of an image that names none: what it says its values span, else the range found in its first
/// frame, or until then all that its bits can say. Colour passes unchanged.
fn fallback_window(state: &ViewerState, shown: &ShownFrame) -> Window {
    let Ok(format) = &shown.instance.format else {
        return COLOUR;
    };
    if !format.photometric.is_grey() {
        return COLOUR;
    }
    let modality = &shown.instance.frame(shown.frame_index).grey.modality;
    if let Some([low, high]) = shown.instance.stored_range {
        let (a, b) = (modality.apply(low), modality.apply(high));
        return full_range(a.min(b), a.max(b));
    }
    if let Some(window) = state.ranges.get(&shown.series.id) {
        return *window;
    }
    let (low, high) = bit_range(format.bits_stored, format.signed);
    let (a, b) = (modality.apply(low), modality.apply(high));
    full_range(a.min(b), a.max(b))
}
