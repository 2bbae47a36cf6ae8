//! What the page and the workers that sample planes say to each other: a header in JSON beside the bytes.
//!
//! Whatever bears on a value travels in all its bits.

use serde::{Deserialize, Serialize};
use viewer_core::pixel::lut::LutDescriptor;
use viewer_core::pixel::{ModalityLut, Photometric, SampleType};

/// What a worker is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToPlaneWorker {
    /// Makes room for a volume. The bytes are the numbers of its grid.
    Begin {
        /// Its key.
        volume: u64,
        /// Which of the workers this one is.
        worker: usize,
        /// How many there are.
        workers: usize,
    },
    /// A slice of a volume. The bytes are its samples.
    Slice {
        /// The volume.
        volume: u64,
        /// Place in the volume.
        slice: usize,
        /// Number type of a sample.
        sample_type: SampleType,
        /// Bits that carry a value.
        bits_stored: u16,
        /// What the samples mean.
        photometric: Photometric,
        /// Stored to modality values.
        modality: SentModality,
    },
    /// These slices are not needed any more.
    Drop {
        /// The volume.
        volume: u64,
        /// Places in the volume.
        slices: Vec<usize>,
    },
    /// The volume is not shown any more.
    Forget {
        /// The volume.
        volume: u64,
    },
    /// Samples this worker's share of a plane. The bytes are a `PlaneAsked`.
    Plane {
        /// Chosen by the page, comes back with the answer.
        id: u64,
        /// The volume.
        volume: u64,
        /// Whoever has to wait for this waits least: such planes come first.
        is_coarse: bool,
    },
    /// The plane is not wanted any more.
    Cancel {
        /// Which one.
        id: u64,
    },
    /// Breaks down: how tests see that a broken worker is replaced.
    Trap,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromPlaneWorker {
    /// It has started.
    Ready,
    /// It is at work on something long.
    Busy,
    /// Its share of a plane. The bytes are a `PartialPlane`; none where its slices have nothing of it.
    Plane {
        /// Which one.
        id: u64,
        /// Time that it took, ms.
        ms: f64,
    },
    /// No plane, in words.
    Failed {
        /// Which one.
        id: u64,
        /// Why.
        reason: String,
    },
}

/// A modality LUT on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SentModality {
    /// The bits of slope and intercept: JSON rounds numbers.
    Rescale {
        /// Of the slope.
        slope: u64,
        /// Of the intercept.
        intercept: u64,
    },
    /// A table.
    Table {
        /// The input of the first entry.
        first: i32,
        /// Bits of an entry.
        bits: u16,
        /// The entries.
        entries: Vec<u16>,
    },
}

impl TryFrom<&ModalityLut> for SentModality {
    /// In words.
    type Error = &'static str;

    fn try_from(modality: &ModalityLut) -> Result<Self, Self::Error> {
        match modality {
            ModalityLut::Rescale { slope, intercept } => Ok(Self::Rescale {
                slope: slope.to_bits(),
                intercept: intercept.to_bits(),
            }),
            ModalityLut::Table(lut) => Ok(Self::Table {
                first: lut.first(),
                bits: lut.bits(),
                entries: lut.entries().to_vec(),
            }),
            _ => Err("its modality LUT is of an unknown kind"),
        }
    }
}

impl SentModality {
    /// The modality LUT; `None` for a table that is none.
    pub fn read(self) -> Option<ModalityLut> {
        match self {
            Self::Rescale { slope, intercept } => Some(ModalityLut::Rescale {
                slope: f64::from_bits(slope),
                intercept: f64::from_bits(intercept),
            }),
            Self::Table {
                first,
                bits,
                entries,
            } => {
                let length = entries.len();
                let descriptor = LutDescriptor {
                    length,
                    first,
                    bits,
                };
                let table = (length > 0).then(|| descriptor.table(entries));
                table?.ok().map(ModalityLut::Table)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modality_luts_are_sent_in_all_their_bits() {
        let descriptor = LutDescriptor::new([3, -5, 12], true).unwrap();
        let table = descriptor.table(vec![7, 4095, 0]).unwrap();
        let rescale = ModalityLut::Rescale {
            slope: 0.1 + 0.2,
            intercept: -1_024.000_000_000_000_1,
        };
        for modality in [rescale, ModalityLut::Table(table)] {
            let sent = SentModality::try_from(&modality).unwrap();
            let json = serde_json::to_string(&sent).unwrap();
            let read: SentModality = serde_json::from_str(&json).unwrap();
            assert_eq!(read.read(), Some(modality));
        }
    }
}
