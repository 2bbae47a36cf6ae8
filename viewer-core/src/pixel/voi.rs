//! VOI LUT: modality values to display grey in `0.0..=1.0`.
//!
//! Third link of `stored -> modality -> VOI -> presentation`. Pure. `shaders/voi.wgsl` is the same
//! maths on the GPU; the test `gpu_matches_cpu` holds the two together.
//! Source: DICOM PS3.3 C.11.2 (VOI LUT Module).

use serde::{Deserialize, Serialize};

/// Window Center and Window Width, in modality units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Window Center (0028,1050).
    pub center: f64,
    /// Window Width (0028,1051).
    pub width: f64,
}

/// How modality values become display grey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum VoiLut {
    /// VOI LUT Function LINEAR, the default (C.11.2.1.2.1).
    Linear(Window),
}

impl VoiLut {
    /// Display grey of a modality value, `0.0..=1.0`.
    pub fn apply(&self, value: f64) -> f64 {
        match self {
            Self::Linear(window) => linear(value, window.center, window.width),
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

#[cfg(test)]
mod tests {
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
}
