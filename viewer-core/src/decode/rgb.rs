//! Decoded colours as RGB, many pixels at once.
//!
//! What `pixel::color` does a pixel at a time, with the same numbers: for programs that need RGB and have no graphics card
//! that makes it. Source: DICOM PS3.3 C.7.6.3.1.2.

use super::simd::{Lanes, Native};
use crate::pixel::{ColorModel, Frame, color};

/// A frame's pixels as interleaved 8-bit RGB, as [`color::to_rgb8`].
pub fn to_rgb8(frame: &Frame) -> Option<Vec<u8>> {
    if ColorModel::of(frame.photometric)? != ColorModel::YbrFull {
        return color::to_rgb8(frame);
    }
    let mut samples = color::to_samples8(frame)?;
    let (groups, rest) = samples.as_chunks_mut::<48>();
    for group in groups {
        sixteen::<Native>(group);
    }
    for pixel in rest.as_chunks_mut::<3>().0 {
        *pixel = color::ybr_full_to_rgb(*pixel);
    }
    Some(samples)
}

/// Sixteen pixels of YBR_FULL become RGB.
///
/// A factor of [`color::ybr_full_to_rgb`] has more than 16 bits: its upper ones are multiplied by themselves, and the
/// products are put 16 bits higher.
#[inline]
fn sixteen<L: Lanes>(pixels: &mut [u8; 48]) {
    /// Times 32 half of 2 to the 20.
    const HALF: i16 = 1 << 14;
    let factors = |a, b| L::load(&[a, b, a, b, a, b, a, b]);
    let times = |a, factor| L::multiply16(a, L::splat16(factor));
    let [y, cb, cr] = L::load_in_turn(pixels);
    let mut colors = [[y[0], y[1]]; 3];
    for half in 0..2 {
        let center = L::splat16(-128);
        let (cb, cr) = (L::add16(cb[half], center), L::add16(cr[half], center));
        // Four pixels, then four more: the lower parts of two products and what is added, and the upper parts.
        let sum = |a, b, low: L::Vector, high: L::Vector, more: i32| {
            let zero = L::splat16(0);
            let part = |pair, high| {
                let sum = L::add32(L::add32(L::dot(pair, low), high), L::splat32(more));
                L::shift_right32::<20>(sum)
            };
            L::narrow(
                part(L::low16(a, b), L::low16(zero, high)),
                part(L::high16(a, b), L::high16(zero, high)),
            )
        };
        let constant = L::splat16(HALF);
        let red = sum(cr, constant, factors(28_312, 32), times(cr, 22), 0);
        let upper = L::add16(times(cb, -6), times(cr, -11));
        let green = sum(cb, cr, factors(32_363, -27_930), upper, 0x8_0006);
        let blue = sum(cb, constant, factors(23_069, 32), times(cb, 28), 0x29);
        for (color, difference) in colors.iter_mut().zip([red, green, blue]) {
            color[half] = L::add16(color[half], difference);
        }
    }
    L::store_in_turn(colors, pixels);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use crate::decode::simd::Scalar;
    use crate::pixel::{Photometric, SampleType};

    #[test]
    fn colours_are_those_of_one_pixel_at_a_time() {
        let mut data = Vec::new();
        for (cb, cr) in (0..=255).flat_map(|cb| (0..=255).map(move |cr| (cb, cr))) {
            data.extend([
                0,
                cb,
                cr,
                128,
                cb,
                cr,
                cb ^ cr,
                cb,
                cr,
                255,
                cb,
                cr,
                77,
                cb,
                cr,
            ]);
        }
        let frame = Frame {
            rows: 256 * 5,
            columns: 256,
            samples_per_pixel: 3,
            sample_type: SampleType::U8,
            bits_stored: 8,
            photometric: Photometric::YbrFull,
            data,
        };
        let colors = to_rgb8(&frame).unwrap();
        let pixels = frame.data.as_chunks::<3>().0.iter();
        for (found, pixel) in colors.as_chunks::<3>().0.iter().zip(pixels) {
            assert_eq!(*found, color::ybr_full_to_rgb(*pixel), "{pixel:?}");
        }
        for group in frame.data.as_chunks::<48>().0.iter().step_by(97) {
            let (mut native, mut scalar) = (*group, *group);
            sixteen::<Native>(&mut native);
            sixteen::<Scalar>(&mut scalar);
            assert_eq!(native, scalar);
        }
    }
}
