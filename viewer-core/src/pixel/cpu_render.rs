//! Draws one 2-D frame into a rectangle of canvas pixels on the CPU.
//!
//! The twin of `shaders/frame.wgsl`: the oracle of its tests, the gateway's thumbnail renderer, and
//! the fallback of browsers without a GPU.

use super::{ModalityLut, PaddingRange, Presentation, SampleType, VoiLut};

/// Borrowed samples of a frame, grey or RGB.
#[derive(Debug, Clone, Copy)]
pub struct FrameView<'a> {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// 1 = grey, 3 = RGB of 8 bits.
    pub samples_per_pixel: u16,
    /// Number type of a sample.
    pub sample_type: SampleType,
    /// Little endian samples, interleaved.
    pub data: &'a [u8],
}

/// What is drawn where there is no image: opaque black.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Background;

/// Everything that turns a frame into pixels of a viewport.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameParams {
    /// Pixel coordinates of a canvas pixel: `column = m[0]*x + m[2]*y + m[4]`, `row = m[1]*x + m[3]*y + m[5]`;
    /// centres at integers on both sides, canvas origin at the viewport's top left pixel.
    pub pixel_from_canvas: [f64; 6],
    /// Stored to modality values.
    pub modality: ModalityLut,
    /// Modality values to grey. Not applied to RGB unless it was altered by the user.
    pub voi: VoiLut,
    /// Grey to P-Values.
    pub presentation: Presentation,
    /// Stored values that are no image: drawn as background, left out of interpolation.
    pub padding: Option<PaddingRange>,
    /// Bilinear between pixel centres, else the nearest pixel.
    pub interpolate: bool,
}
