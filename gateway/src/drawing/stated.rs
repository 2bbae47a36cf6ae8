//! Draws a frame as a presentation state says.
//!
//! The order is that of the standard: modality, VOI and presentation LUT, shutter, turning, displayed area, graphics. What the image
//! says of its own grey, its polarity and its shutter does not count beside the state.
//! Source: DICOM PS3.4 N.2 (Pixel Transformation Sequence).

use viewer_core::decode::Limits;
use viewer_core::model::Instance;
use viewer_core::pixel::{Frame, FrameParams, Mask, ModalityLut, SampleType, VoiLut};

use super::area::{DisplayedArea, Placement};
use super::state::PresentationState;
use super::wish::Wish;
use super::{
    DrawError, Drawn, MOST_PIXELS, graphics, occurring, oversampled, painted, spanning, window,
};
use crate::source::folder::frames::StoredPixels;
use crate::uncompressed;

/// Draws a frame as read from the file; `index` counts from 0. Of the wish its size counts alone. Also what was not drawn, in words.
///
/// # Errors
/// See [`DrawError`].
pub fn draw(
    stored: &[u8],
    pixels: &StoredPixels,
    instance: &Instance,
    index: u32,
    state: &PresentationState,
    wish: &Wish,
    limits: &Limits,
) -> Result<(Drawn, Vec<String>), DrawError> {
    let frame = uncompressed::decode(stored, pixels, instance, limits)?;
    if !frame.photometric.is_grey() || frame.samples_per_pixel != 1 {
        return Err(DrawError::StateOfColour);
    }
    let whole = DisplayedArea::whole([f64::from(frame.columns), f64::from(frame.rows)]);
    let placement = Placement::new(
        &state.area.unwrap_or(whole),
        state.transformation,
        instance.pixel_width_over_height(index),
        wish.size,
    );
    let placement = placement.ok_or(DrawError::Outside)?;
    let [width, height] = placement.size;
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(DrawError::TooLarge);
    }
    let over = oversampled(placement.image_pixels(), width, height);
    let voi = match &state.voi {
        Some(voi) => voi.clone(),
        None => whole_range(&frame, &state.modality),
    };
    let window = state.voi.as_ref().and_then(window);
    let params = FrameParams {
        pixel_from_canvas: placement.pixel_from_canvas(over),
        modality: state.modality.clone(),
        voi,
        presentation: state.presentation.clone(),
        padding: instance.padding,
        mask: Mask::new([frame.columns, frame.rows], &[], state.shutter.as_ref()),
        ..FrameParams::default()
    };
    let mut picture = painted(&frame, &params, placement.size, over);
    let mut notes = state.notes.clone();
    if !graphics::draw(&mut picture, &placement, &state.marks) {
        notes.push("some graphics lie too far away or are too many to be drawn".to_owned());
    }
    Ok((Drawn { picture, window }, notes))
}

/// Without a VOI LUT the whole range of modality values is that of grey, PS3.4 N.2.1.2.
fn whole_range(frame: &Frame, modality: &ModalityLut) -> VoiLut {
    let bits = i32::from(frame.bits_stored);
    let count = 2_f64.powi(bits);
    let [low, high] = match (modality, frame.sample_type) {
        (ModalityLut::Table(lut), _) => [0.0, lut.full_scale()],
        (_, SampleType::F32 | SampleType::F64) => occurring(frame, modality, None),
        (_, kind) => {
            let first = if kind.is_signed() { -count / 2.0 } else { 0.0 };
            [first, first + count - 1.0].map(|stored| modality.apply(stored))
        }
    };
    spanning(low.min(high), low.max(high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use viewer_core::pixel::Photometric;

    fn frame(sample_type: SampleType, bits_stored: u16) -> Frame {
        Frame {
            rows: 1,
            columns: 1,
            samples_per_pixel: 1,
            sample_type,
            bits_stored,
            photometric: Photometric::Monochrome2,
            data: vec![0; 8],
        }
    }

    #[test]
    fn without_a_window_all_values_that_may_be_stored_span_the_greys() {
        let greys = |sample_type, bits, slope, intercept, stored: [f64; 2]| {
            let modality = ModalityLut::Rescale { slope, intercept };
            let voi = whole_range(&frame(sample_type, bits), &modality);
            stored.map(|stored| voi.apply(modality.apply(stored)))
        };
        let ends = [0.0, 4095.0];
        assert_eq!(greys(SampleType::U16, 12, 1.0, -1024.0, ends), [0.0, 1.0]);
        assert_eq!(greys(SampleType::U16, 12, -2.0, 7.0, ends), [1.0, 0.0]);
        let ends = [-128.0, 127.0];
        assert_eq!(greys(SampleType::I8, 8, 1.0, 0.0, ends), [0.0, 1.0]);
    }
}
