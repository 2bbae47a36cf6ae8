//! Modality LUT: stored values to modality values (HU, SUV, ...).
//!
//! First step of `stored -> modality -> VOI -> presentation`. Pure.
//! Source: DICOM PS3.3 C.11.1 (Modality LUT Module), C.7.5.1.1.2 (Pixel Padding).

use super::lut::Lut;
use serde::{Deserialize, Serialize};

/// How a stored value becomes a modality value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ModalityLut {
    /// Rescale Slope and Intercept: `value = slope * stored + intercept`. Identity is slope 1, intercept 0.
    Rescale {
        /// Rescale Slope (0028,1053).
        slope: f64,
        /// Rescale Intercept (0028,1052).
        intercept: f64,
    },
    /// The item of the Modality LUT Sequence (0028,3000): the value is the table's entry.
    Table(Lut),
}

impl ModalityLut {
    /// Stored values are modality values.
    pub const IDENTITY: Self = Self::Rescale {
        slope: 1.0,
        intercept: 0.0,
    };

    /// The modality value of a stored value.
    pub fn apply(&self, stored: f64) -> f64 {
        match self {
            Self::Rescale { slope, intercept } => slope * stored + intercept,
            Self::Table(lut) => lut.at(stored),
        }
    }
}

/// Pixel Padding Value (0028,0120), with Range Limit (0028,0121): stored values that are not image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PaddingRange {
    /// Smallest padded stored value.
    pub first: f64,
    /// Largest padded stored value.
    pub last: f64,
}

impl PaddingRange {
    /// A range from both ends in any order.
    pub fn new(a: f64, b: f64) -> Self {
        Self {
            first: a.min(b),
            last: a.max(b),
        }
    }

    /// True where a stored value is padding.
    pub fn contains(&self, stored: f64) -> bool {
        (self.first..=self.last).contains(&stored)
    }
}
