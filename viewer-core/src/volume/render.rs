//! Draws a plane or slab through a volume on the processor.
//!
//! The twin of `shaders/mpr.wgsl`: modality values of [`Sampler`], then VOI and presentation as
//! [`crate::pixel::cpu_render`] has them. Outside the volume, and where nothing came yet, is opaque black; where a slice is
//! needed that will never come, hatching ([`HATCH_LEVELS`]).
//! Source: PS3.3 C.11.2 (VOI LUT), C.11.6 (Softcopy Presentation LUT).

use super::params::{HATCH_LEVELS, is_hatched};
use super::sample::is_absent;
use super::{PlaneParams, Presence, SampleError, Sampler, Slices};
use crate::pixel::{Presentation, VoiLut};
use std::ops::Range;

/// Rows that are sampled at once.
const BAND: u32 = 64;

/// Steepest rise of grey: a window of width 1 is a threshold.
const STEEPEST: f64 = 1e20;

/// Draws all rows of a plane: RGBA, 8 bits each, rows from the top. Stops where `rgba` is full.
///
/// # Errors
/// When a side has more samples than a canvas, or the slab too many planes.
pub fn render(
    slices: &Slices,
    presence: &Presence,
    params: &PlaneParams,
    rgba: &mut [u8],
) -> Result<(), SampleError> {
    render_rows(slices, presence, params, 0..params.size[1], rgba)
}

/// Draws rows of a plane, those of `rows` that it has, one after the other to `rgba`. Stops where it is full.
///
/// A host that draws in bands keeps the [`Sampler`] and the [`PlanePainter`] from band to band: a slab's sampler
/// remembers where it need not look.
///
/// # Errors
/// When a side has more samples than a canvas, or the slab too many planes.
pub fn render_rows(
    slices: &Slices,
    presence: &Presence,
    params: &PlaneParams,
    rows: Range<u32>,
    rgba: &mut [u8],
) -> Result<(), SampleError> {
    let sampler = Sampler::of(params, slices, presence)?;
    PlanePainter::new(params).rows(&sampler, rows, rgba);
    Ok(())
}

/// Turns modality values of a plane into pixels.
#[derive(Debug, Clone)]
pub struct PlanePainter {
    size: [u32; 2],
    grey: Grey,
    presentation: Presentation,
}

/// From modality values to display grey: what [`VoiLut::apply`] says, with its divisions done.
#[derive(Debug, Clone)]
enum Grey {
    /// `(value - black) * rise`.
    Line { black: f64, rise: f64 },
    /// `1 / (1 + exp((center - value) * rise))`.
    Logistic { center: f64, rise: f64 },
    /// A table.
    Table(VoiLut),
}

impl Grey {
    fn new(voi: &VoiLut) -> Self {
        match voi {
            VoiLut::Linear(window) => {
                let width = window.width.max(1.0);
                Self::Line {
                    black: window.center - 0.5 - (width - 1.0) / 2.0,
                    rise: (width - 1.0).recip().min(STEEPEST),
                }
            }
            VoiLut::LinearExact(window) => {
                let width = window.width.max(0.0);
                Self::Line {
                    black: window.center - width / 2.0,
                    rise: width.recip().min(STEEPEST),
                }
            }
            VoiLut::Sigmoid(window) => Self::Logistic {
                center: window.center,
                rise: (4.0 / window.width.max(0.0)).min(STEEPEST),
            },
            VoiLut::Table(_) => Self::Table(voi.clone()),
        }
    }
}

impl PlanePainter {
    /// That of a plane's VOI and presentation.
    pub fn new(params: &PlaneParams) -> Self {
        Self {
            size: params.size,
            grey: Grey::new(&params.voi),
            presentation: params.presentation.clone(),
        }
    }

    /// Samples and draws rows, those of `rows` that the plane has, one after the other to `rgba`. Stops where it is full.
    pub fn rows(&self, sampler: &Sampler<'_>, rows: Range<u32>, rgba: &mut [u8]) {
        let width = self.size[0] as usize;
        if width == 0 {
            return;
        }
        let room = u32::try_from(rgba.len() / 4 / width).unwrap_or(u32::MAX);
        let end = rows.end.min(self.size[1]);
        let end = end.min(rows.start.saturating_add(room));
        let mut values = vec![f32::NAN; width * BAND.min(self.size[1]) as usize];
        let mut bands = rgba.chunks_mut(width * BAND as usize * 4);
        for first in (rows.start..end).step_by(BAND as usize) {
            let band = first..end.min(first + BAND);
            let values = &mut values[..width * band.len()];
            sampler.rows(band, values);
            self.paint(first, values, bands.next().unwrap_or_default());
        }
    }

    /// Draws values of whole rows, the first of which is row `first` of the plane, to RGBA. Stops where either ends.
    pub fn paint(&self, first: u32, values: &[f32], rgba: &mut [u8]) {
        match &self.grey {
            Grey::Line { black, rise } => {
                self.shade(first, values, rgba, |value| (value - black) * rise);
            }
            Grey::Logistic { center, rise } => {
                self.shade(first, values, rgba, |value| {
                    f64::from(logistic((value - center) * rise))
                });
            }
            Grey::Table(voi) => self.shade(first, values, rgba, |value| voi.apply(value)),
        }
    }

    fn shade(&self, first: u32, values: &[f32], rgba: &mut [u8], grey: impl Fn(f64) -> f64) {
        let grey = |value: f32| grey(value.into()).clamp(0.0, 1.0);
        match &self.presentation {
            Presentation::Identity => self.fill(first, values, rgba, grey),
            Presentation::Inverse => self.fill(first, values, rgba, |value| 1.0 - grey(value)),
            table => self.fill(first, values, rgba, |value| table.apply(grey(value))),
        }
    }

    fn fill(&self, first: u32, values: &[f32], rgba: &mut [u8], p_value: impl Fn(f32) -> f64) {
        let width = (self.size[0] as usize).max(1);
        let rows = values.chunks(width).zip(rgba.chunks_mut(width * 4));
        for (y, (values, pixels)) in (first..).zip(rows) {
            let (pixels, _) = pixels.as_chunks_mut::<4>();
            for (pixel, value) in pixels.iter_mut().zip(values) {
                // No number becomes level 0.
                let level = level(p_value(*value));
                *pixel = [level, level, level, 255];
            }
            for (x, (pixel, value)) in (0..).zip(pixels.iter_mut().zip(values)) {
                if value.is_nan() {
                    let is_line = is_absent(*value) && is_hatched(x, y);
                    let ground = if is_absent(*value) {
                        HATCH_LEVELS[0]
                    } else {
                        0
                    };
                    let level = if is_line { HATCH_LEVELS[1] } else { ground };
                    *pixel = [level, level, level, 255];
                }
            }
        }
    }
}

/// SIGMOID of an exponent. Beyond 80 it is black or white in single precision, which is faster and has 7 digits.
#[expect(clippy::cast_possible_truncation, reason = "grey has 256 levels")]
fn logistic(exponent: f64) -> f32 {
    1.0 / (1.0 + (-exponent.clamp(-80.0, 80.0) as f32).exp())
}

/// The grey on screen of a P-Value `0.0..=1.0`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0.5..=255.5, and cutting the fraction is the floor"
)]
fn level(p_value: f64) -> u8 {
    (p_value * 255.0 + 0.5) as i32 as u8
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
