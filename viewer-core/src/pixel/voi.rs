//! VOI LUT: modality values to display grey in `0.0..=1.0`.
//!
//! Third link of `stored -> modality -> VOI -> presentation`. Pure. `shaders/voi.wgsl` is the same
//! maths on the GPU; the test `gpu_matches_cpu` holds the two together.
//! Source: DICOM PS3.3 C.11.2 (VOI LUT Module).

use super::lut::Lut;
use serde::{Deserialize, Serialize};

/// Window Center and Window Width, in modality units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Window Center (0028,1050).
    pub center: f64,
    /// Window Width (0028,1051).
    pub width: f64,
}

/// VOI LUT Function (0028,1056): the curve of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum VoiFunction {
    /// LINEAR, what holds where the file says nothing (C.11.2.1.2.1).
    #[default]
    Linear,
    /// LINEAR_EXACT (C.11.2.1.3.2).
    LinearExact,
    /// SIGMOID (C.11.2.1.3.1).
    Sigmoid,
}

impl VoiFunction {
    /// Reads the code string of (0028,1056); `None` for one that PS3.3 does not define.
    pub fn parse(code: &str) -> Option<Self> {
        Some(match code.trim() {
            "" | "LINEAR" => Self::Linear,
            "LINEAR_EXACT" => Self::LinearExact,
            "SIGMOID" => Self::Sigmoid,
            _ => return None,
        })
    }

    /// This function with a window.
    pub fn with(self, window: Window) -> VoiLut {
        match self {
            Self::Linear => VoiLut::Linear(window),
            Self::LinearExact => VoiLut::LinearExact(window),
            Self::Sigmoid => VoiLut::Sigmoid(window),
        }
    }
}

/// How modality values become display grey.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum VoiLut {
    /// VOI LUT Function LINEAR, the default (C.11.2.1.2.1).
    Linear(Window),
    /// VOI LUT Function LINEAR_EXACT (C.11.2.1.3.2).
    LinearExact(Window),
    /// VOI LUT Function SIGMOID (C.11.2.1.3.1).
    Sigmoid(Window),
    /// An item of the VOI LUT Sequence (C.11.2.1.1).
    Table(Lut),
}

impl VoiLut {
    /// What leaves 8-bit colour as it is.
    pub const COLOR: Self = Self::Linear(Window {
        center: 128.0,
        width: 256.0,
    });

    /// Display grey of a modality value, `0.0..=1.0`.
    pub fn apply(&self, value: f64) -> f64 {
        match self {
            Self::Linear(window) => linear(value, window.center, window.width),
            Self::LinearExact(window) => linear_exact(value, window.center, window.width),
            Self::Sigmoid(window) => sigmoid(value, window.center, window.width),
            Self::Table(lut) => lut.at(value) / lut.full_scale(),
        }
    }
}

/// LINEAR of PS3.3 C.11.2.1.2.1 for an output range of `0.0..=1.0`. A width of 1 is a threshold; a smaller
/// one is not allowed for LINEAR and is taken as 1.
pub fn linear(value: f64, center: f64, width: f64) -> f64 {
    let width = width.max(1.0);
    let half = (width - 1.0) / 2.0;
    if value <= center - 0.5 - half {
        0.0
    } else if value > center - 0.5 + half {
        1.0
    } else {
        ((value - (center - 0.5)) / (width - 1.0) + 0.5).clamp(0.0, 1.0)
    }
}

/// LINEAR_EXACT of PS3.3 C.11.2.1.3.2. The width may be below 1; one that is not above 0 is not allowed and
/// is taken as a threshold at the center.
pub fn linear_exact(value: f64, center: f64, width: f64) -> f64 {
    let width = width.max(0.0);
    if value <= center - width / 2.0 {
        0.0
    } else if value > center + width / 2.0 {
        1.0
    } else {
        ((value - center) / width + 0.5).clamp(0.0, 1.0)
    }
}

/// SIGMOID of PS3.3 C.11.2.1.3.1. A width that is not above 0 is not allowed and is taken as a very small
/// one.
pub fn sigmoid(value: f64, center: f64, width: f64) -> f64 {
    let width = width.max(f64::MIN_POSITIVE);
    let exponent = -4.0 * ((value - center) / width);
    1.0 / (1.0
        + if exponent.is_nan() {
            1.0
        } else {
            exponent.exp()
        })
}

#[cfg(test)]
mod tests {
    use super::super::lut::LutDescriptor;
    use super::*;

    fn check(value: f64, center: f64, width: f64, expected: f64) {
        let found = linear(value, center, width);
        assert!((found - expected).abs() < 1e-12, "{value}: {found}");
    }

    /// C.11.2.1.2.1: `((x - (c - 0.5)) / (w - 1) + 0.5)`, with c = 2048 and w = 4096.
    #[test]
    fn linear_maps_12_bits_to_the_whole_range() {
        check(-1.0, 2048.0, 4096.0, 0.0);
        check(0.0, 2048.0, 4096.0, 0.0);
        check(819.0, 2048.0, 4096.0, 0.2);
        check(4095.0, 2048.0, 4096.0, 1.0);
        check(4096.0, 2048.0, 4096.0, 1.0);
    }

    /// The standard's second example: c = 0, w = 100 is black up to -50 and white above 49.
    #[test]
    fn linear_is_not_symmetrical_about_its_centre() {
        check(-50.0, 0.0, 100.0, 0.0);
        check(-0.5, 0.0, 100.0, 0.5);
        check(49.0, 0.0, 100.0, 1.0);
    }

    #[test]
    fn linear_of_width_one_is_a_threshold() {
        check(99.5, 100.0, 1.0, 0.0);
        check(99.6, 100.0, 1.0, 1.0);
    }

    #[test]
    fn a_width_below_one_is_taken_as_one() {
        check(99.5, 100.0, 0.0, 0.0);
        check(99.6, 100.0, -7.0, 1.0);
    }

    /// C.11.2.1.3.2: `if (x <= c - w/2) then y = ymin; else if (x > c + w/2) then y = ymax; else
    /// y = ((x - c) / w + 0.5) * (ymax - ymin) + ymin`; its examples: c = 2048, w = 4096 and c = 0, w = 100.
    #[test]
    fn linear_exact_is_symmetrical_about_its_centre() {
        assert_eq!(linear_exact(0.0, 2048.0, 4096.0), 0.0);
        assert_eq!(linear_exact(4096.0, 2048.0, 4096.0), 1.0);
        assert_eq!(linear_exact(1024.0, 2048.0, 4096.0), 0.25);
        let found = [-50.0, -25.0, 0.0, 25.0, 50.0].map(|x| linear_exact(x, 0.0, 100.0));
        assert_eq!(found, [0.0, 0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn linear_exact_may_be_narrower_than_one() {
        assert_eq!(linear_exact(0.125, 0.0, 0.5), 0.75);
        assert_eq!(linear_exact(0.0, 0.0, 0.0), 0.0);
        assert_eq!(linear_exact(1e-9, 0.0, 0.0), 1.0);
    }

    /// C.11.2.1.3.1: `y = (ymax - ymin) / (1 + exp(-4 * (x - c) / w)) + ymin`.
    #[test]
    fn sigmoid_has_half_of_the_grey_at_its_centre_and_never_all() {
        assert_eq!(sigmoid(2048.0, 2048.0, 4096.0), 0.5);
        let at_the_window_edge = 1.0 / (1.0 + (-2.0_f64).exp());
        assert!((sigmoid(4096.0, 2048.0, 4096.0) - at_the_window_edge).abs() < 1e-15);
        assert!(sigmoid(0.0, 2048.0, 4096.0) > 0.11);
        assert_eq!(sigmoid(1e300, 0.0, 1e-300), 1.0);
        assert_eq!(sigmoid(0.0, 0.0, 0.0), 0.5);
    }

    #[test]
    fn a_table_is_scaled_by_the_bits_of_its_entries() {
        let descriptor = LutDescriptor::new([3, 10, 10], false).unwrap();
        let voi = VoiLut::Table(descriptor.table(vec![0, 1023, 341]).unwrap());
        assert_eq!([9.0, 11.0].map(|x| voi.apply(x)), [0.0, 1.0]);
        assert!((voi.apply(12.0) - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn the_function_of_a_file_that_says_nothing_is_linear() {
        assert_eq!(VoiFunction::parse(""), Some(VoiFunction::Linear));
        assert_eq!(VoiFunction::parse("SIGMOID "), Some(VoiFunction::Sigmoid));
        assert_eq!(VoiFunction::parse("GAMMA"), None);
    }
}
