//! Presentation: display grey to P-Values.
//!
//! Last step of `stored -> modality -> VOI -> presentation`. Pure.
//! Source: DICOM PS3.3 C.11.6 (Softcopy Presentation LUT), C.7.6.3.1.2 (MONOCHROME1).

use serde::{Deserialize, Serialize};

/// How display grey becomes a P-Value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Presentation {
    /// Low values are dark.
    Identity,
    /// Low values are bright: MONOCHROME1, or a user's inversion.
    Inverse,
}

impl Presentation {
    /// P-Value of a display grey, both `0.0..=1.0`.
    pub fn apply(self, grey: f64) -> f64 {
        match self {
            Self::Identity => grey,
            Self::Inverse => 1.0 - grey,
        }
    }

    /// The other one.
    pub fn toggled(self) -> Self {
        match self {
            Self::Identity => Self::Inverse,
            Self::Inverse => Self::Identity,
        }
    }
}
