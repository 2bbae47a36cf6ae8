//! What the renderer on the processor writes: levels on screen, or the greys that they are rounded from.

use super::RenderPlan;
use super::gamut::to_display_p3;

/// A pixel of the canvas.
pub(super) trait CanvasPixel: Copy {
    /// Opaque black: what is drawn outside of the image and where it is padding.
    const BLACK: Self;

    /// One channel of it.
    type Level: Copy + Default;

    /// The channel of a display grey, `0.0..=1.0`.
    fn level(plan: &RenderPlan, grey: f32) -> Self::Level;

    /// The pixel of three channels, or of one that stands for all.
    fn of<const CHANNELS: usize>(levels: [Self::Level; CHANNELS]) -> Self;

    /// The pixel of a colour with 256 levels a channel.
    fn of_levels(levels: [u8; 3]) -> Self;

    /// Turns pixels in sRGB, rounded to 256 levels, to Display P3.
    fn widen(pixels: &mut [Self]);
}

/// Red, green, blue and opacity, 256 levels each.
impl CanvasPixel for [u8; 4] {
    const BLACK: Self = [0, 0, 0, 255];

    type Level = u8;

    #[inline]
    fn level(plan: &RenderPlan, grey: f32) -> u8 {
        plan.level(grey)
    }

    #[inline]
    fn of<const CHANNELS: usize>(levels: [u8; CHANNELS]) -> Self {
        match levels[..] {
            [red, green, blue] => [red, green, blue, 255],
            [grey] => [grey, grey, grey, 255],
            _ => Self::BLACK,
        }
    }

    fn of_levels([red, green, blue]: [u8; 3]) -> Self {
        [red, green, blue, 255]
    }

    fn widen(pixels: &mut [Self]) {
        // Neighbours are often the same.
        let mut last = ([0; 3], [0; 3]);
        for [red, green, blue, _] in pixels {
            let srgb = [*red, *green, *blue];
            if last.0 != srgb {
                last = (srgb, to_display_p3(srgb));
            }
            [*red, *green, *blue] = last.1;
        }
    }
}

/// P-Values of red, green and blue, `0.0..=1.0`.
impl CanvasPixel for [f32; 3] {
    const BLACK: Self = [0.0; 3];

    type Level = f32;

    fn level(plan: &RenderPlan, grey: f32) -> f32 {
        plan.p_value(grey)
    }

    fn of<const CHANNELS: usize>(levels: [f32; CHANNELS]) -> Self {
        match levels[..] {
            [red, green, blue] => [red, green, blue],
            [grey] => [grey; 3],
            _ => Self::BLACK,
        }
    }

    fn of_levels(levels: [u8; 3]) -> Self {
        levels.map(|level| f32::from(level) / 255.0)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0.5..=255.5, and cutting the fraction is the floor"
    )]
    fn widen(pixels: &mut [Self]) {
        for pixel in pixels {
            let srgb = pixel.map(|grey| (grey * 255.0 + 0.5) as u8);
            *pixel = Self::of_levels(to_display_p3(srgb));
        }
    }
}
