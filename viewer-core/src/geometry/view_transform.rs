//! How a frame lies in a viewport: zoom, pan, rotation, flip, and the matrices they make.
//!
//! [`ViewTransform`] is what the user changes and what the JavaScript API's `setView` speaks;
//! [`ViewGeometry`] joins it with the sizes of image and viewport. Whole-number scales and quarter turns
//! give exact matrices, so an image at one to one is drawn without any interpolation.

use glam::{DAffine2, DMat2, DVec2};

/// Smallest zoom that zooming by steps or dragging reaches; 1 = fit.
pub const MIN_ZOOM: f64 = 0.05;
/// Largest zoom that zooming by steps or dragging reaches; 1 = fit.
pub const MAX_ZOOM: f64 = 100.0;

/// Canvas pixels per pixel stay in this range whatever is asked for, so that both matrices stay finite.
const SCALE_RANGE: [f64; 2] = [1e-6, 1e6];
/// Largest pan in canvas pixels, for the same reason.
const PAN_LIMIT: f64 = 1e9;
/// Largest ratio between the sides of a pixel, for the same reason.
const STRETCH_LIMIT: f64 = 1e6;
/// A scale this near to a whole number is that number: `fit * (1 / fit)` is not always 1.
const WHOLE_SCALE_TOLERANCE: f64 = 1e-12;

/// The user's view of a frame. The default is the first paint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ViewTransform {
    /// 1 = the whole image, as large as fits.
    pub zoom: f64,
    /// Canvas pixels (right, down) from the viewport's centre to the image's centre.
    pub pan: [f64; 2],
    /// Degrees clockwise on screen, `0.0..360.0`.
    pub rotation: f64,
    /// Left and right change places, before the rotation.
    pub flip: bool,
}

impl Default for ViewTransform {
    fn default() -> Self {
        Self {
            zoom: 1.0,
            pan: [0.0, 0.0],
            rotation: 0.0,
            flip: false,
        }
    }
}

impl ViewTransform {
    /// Moved by canvas pixels to the right and down. Moves that are not finite are ignored.
    #[must_use]
    pub fn panned(self, dx: f64, dy: f64) -> Self {
        let pan = [self.pan[0] + dx, self.pan[1] + dy];
        if pan.iter().all(|value| value.is_finite()) {
            Self { pan, ..self }
        } else {
            self
        }
    }

    /// What is on screen, turned clockwise around the viewport's centre.
    #[must_use]
    pub fn turned(self, degrees: f64) -> Self {
        if !degrees.is_finite() {
            return self;
        }
        let pan = turn(degrees) * DVec2::from_array(self.pan);
        Self {
            rotation: wrapped(self.rotation + degrees),
            pan: positive_zeros(pan),
            ..self
        }
    }

    /// What is on screen, mirrored so that left and right of the viewport change places, however the
    /// image is turned.
    #[must_use]
    pub fn flipped_across(self) -> Self {
        // A mirror before a turn is the opposite turn before the mirror.
        Self {
            rotation: wrapped(-self.rotation),
            flip: !self.flip,
            pan: positive_zeros(DVec2::new(-self.pan[0], self.pan[1])),
            ..self
        }
    }

    /// What is on screen, mirrored so that top and bottom of the viewport change places.
    #[must_use]
    pub fn flipped_down(self) -> Self {
        // The mirror across, and half a turn.
        Self {
            rotation: wrapped(180.0 - self.rotation),
            flip: !self.flip,
            pan: positive_zeros(DVec2::new(self.pan[0], -self.pan[1])),
            ..self
        }
    }

    /// The same view with every number usable: what is not finite, or a zoom that is not positive, is
    /// taken as at the first paint.
    fn sound(self) -> Self {
        let first = Self::default();
        let finite = |value: f64, otherwise: f64| if value.is_finite() { value } else { otherwise };
        let zoom = finite(self.zoom, first.zoom);
        Self {
            zoom: if zoom > 0.0 { zoom } else { first.zoom },
            pan: self
                .pan
                .map(|value| finite(value, 0.0).clamp(-PAN_LIMIT, PAN_LIMIT)),
            rotation: wrapped(finite(self.rotation, first.rotation)),
            flip: self.flip,
        }
    }
}

/// A frame in a viewport: the matrices between pixel and canvas space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ViewGeometry {
    /// Pixel to canvas space.
    pub canvas_from_pixel: DAffine2,
    /// Canvas to pixel space.
    pub pixel_from_canvas: DAffine2,
    /// Canvas pixels per pixel; where pixels are not square, along their shorter side.
    pub scale: f64,
    /// The scale of zoom 1: the whole image just inside the viewport.
    pub fit_scale: f64,
    view: ViewTransform,
    canvas_centre: DVec2,
    image_centre: DVec2,
    stretch: DVec2,
}

impl ViewGeometry {
    /// A frame of `columns` x `rows` pixels in a viewport of `canvas_width` x `canvas_height` canvas
    /// pixels.
    ///
    /// `pixel_width_over_height` is column spacing over row spacing, or what Pixel Aspect Ratio says; the
    /// longer side of a pixel is stretched. Values that are not positive count as 1, and so does a size
    /// of zero.
    pub fn new(
        columns: u32,
        rows: u32,
        pixel_width_over_height: f64,
        canvas_width: u32,
        canvas_height: u32,
        view: &ViewTransform,
    ) -> Self {
        let size = |width: u32, height: u32| DVec2::new(width.max(1).into(), height.max(1).into());
        let (image, canvas) = (size(columns, rows), size(canvas_width, canvas_height));
        let view = view.sound();
        let stretch = stretch(pixel_width_over_height);

        let mut extent = image * stretch;
        if lies_on_its_side(view.rotation) {
            extent = DVec2::new(extent.y, extent.x);
        }
        let fit_scale = (canvas / extent).min_element();
        let scale = near_whole((fit_scale * view.zoom).clamp(SCALE_RANGE[0], SCALE_RANGE[1]));

        let forth = linear(&view, stretch * scale);
        // The inverse of an orthogonal matrix times scales: exact where `forth` is.
        let back = linear(&view, (stretch * scale).recip()).transpose();

        let image_centre = (image - 1.0) / 2.0;
        let canvas_centre = (canvas - 1.0) / 2.0;
        let pan = DVec2::from_array(view.pan);
        Self {
            canvas_from_pixel: DAffine2::from_mat2_translation(
                forth,
                canvas_centre - forth * image_centre + pan,
            ),
            pixel_from_canvas: DAffine2::from_mat2_translation(
                back,
                image_centre - back * (canvas_centre + pan),
            ),
            scale,
            fit_scale,
            view,
            canvas_centre,
            image_centre,
            stretch,
        }
    }

    /// The six numbers of [`FrameParams::pixel_from_canvas`](crate::pixel::FrameParams::pixel_from_canvas):
    /// `column = m[0] * x + m[2] * y + m[4]`, `row = m[1] * x + m[3] * y + m[5]`.
    pub fn pixel_from_canvas_array(&self) -> [f64; 6] {
        self.pixel_from_canvas.to_cols_array()
    }

    /// The view enlarged by `factor`, with what is below `about` (canvas space, `None` = the viewport's
    /// centre) staying where it is. The zoom stays within [`MIN_ZOOM`] and [`MAX_ZOOM`], unless it is
    /// outside already. A factor that is not positive changes nothing.
    #[must_use]
    pub fn zoomed(&self, factor: f64, about: Option<[f64; 2]>) -> ViewTransform {
        if !(factor.is_finite() && factor > 0.0) {
            return self.view;
        }
        let before = self.view.zoom;
        let zoom = (before * factor).clamp(MIN_ZOOM.min(before), MAX_ZOOM.max(before));
        let about = about.map_or(self.canvas_centre, DVec2::from_array);
        let fixed = if about.is_finite() {
            about - self.canvas_centre
        } else {
            DVec2::ZERO
        };
        let pan = fixed - (fixed - DVec2::from_array(self.view.pan)) * (zoom / before);
        ViewTransform {
            zoom,
            pan: positive_zeros(pan),
            ..self.view
        }
    }

    /// The view with one pixel on one canvas pixel. What is in the viewport's centre stays there, but for
    /// the half pixel or less that brings pixel centres onto centres of the canvas.
    ///
    /// That half pixel needs a quarter turn; at other angles no pan makes the picture crisp.
    #[must_use]
    pub fn one_to_one(&self) -> ViewTransform {
        let zoom = self.fit_scale.recip();
        let pan = DVec2::from_array(self.view.pan) * (zoom / self.view.zoom);
        let mut view = ViewTransform {
            zoom,
            pan: pan.to_array(),
            ..self.view
        };
        if view.rotation % 90.0 == 0.0 {
            let forth = linear(&view, self.stretch);
            let first_pixel = self.canvas_centre - forth * self.image_centre;
            // Halves go up, so a second call finds nothing to do.
            let crisp = (first_pixel + pan + 0.5).floor() - first_pixel;
            view.pan = positive_zeros(crisp);
        }
        view
    }
}

/// Factors of a pixel's width and height: the shorter side keeps 1.
fn stretch(width_over_height: f64) -> DVec2 {
    if !(width_over_height.is_finite() && width_over_height > 0.0) {
        return DVec2::ONE;
    }
    let ratio = width_over_height.clamp(STRETCH_LIMIT.recip(), STRETCH_LIMIT);
    DVec2::new(ratio.max(1.0), ratio.recip().max(1.0))
}

/// The nearest quarter turn to a rotation in `0.0..360.0` is an odd one.
fn lies_on_its_side(rotation: f64) -> bool {
    (45.0..135.0).contains(&(rotation % 180.0))
}

/// The scales, then the flip, then the rotation. Without negative zeros, so that equal views are equal to
/// the bit.
fn linear(view: &ViewTransform, scales: DVec2) -> DMat2 {
    let mirror = DVec2::new(if view.flip { -1.0 } else { 1.0 }, 1.0);
    let linear = turn(view.rotation) * DMat2::from_diagonal(mirror * scales);
    DMat2::from_cols(linear.x_axis + 0.0, linear.y_axis + 0.0)
}

/// Matrix of a turn clockwise on screen (y downwards). Quarter turns are exact.
fn turn(degrees: f64) -> DMat2 {
    let degrees = wrapped(degrees);
    let (sin, cos) = if degrees == 0.0 {
        (0.0, 1.0)
    } else if degrees == 90.0 {
        (1.0, 0.0)
    } else if degrees == 180.0 {
        (0.0, -1.0)
    } else if degrees == 270.0 {
        (-1.0, 0.0)
    } else {
        degrees.to_radians().sin_cos()
    };
    DMat2::from_cols(DVec2::new(cos, sin), DVec2::new(-sin, cos))
}

/// Degrees in `0.0..360.0`.
fn wrapped(degrees: f64) -> f64 {
    let turned = degrees.rem_euclid(360.0);
    // The remainder of a tiny negative angle rounds to 360.
    if turned >= 360.0 { 0.0 } else { turned + 0.0 }
}

fn near_whole(scale: f64) -> f64 {
    let whole = scale.round();
    if whole >= 1.0 && (scale - whole).abs() <= WHOLE_SCALE_TOLERANCE * whole {
        whole
    } else {
        scale
    }
}

/// A pan without negative zeros, which would read as `-0` on the page.
fn positive_zeros(vector: DVec2) -> [f64; 2] {
    (vector + 0.0).to_array()
}
