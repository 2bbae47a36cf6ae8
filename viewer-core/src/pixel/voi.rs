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

/// LINEAR of PS3.3 C.11.2.1.2.1 for an output range of `0.0..=1.0`. A width of 1 (or below) is a threshold.
pub fn linear(value: f64, center: f64, width: f64) -> f64 {
    let half = (width - 1.0) / 2.0;
    if value <= center - 0.5 - half {
        0.0
    } else if value > center - 0.5 + half {
        1.0
    } else {
        ((value - (center - 0.5)) / (width - 1.0) + 0.5).clamp(0.0, 1.0)
    }
}
