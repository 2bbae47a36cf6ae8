//! What the user must know of a stack of slices: tilt, unequal gaps, missing and duplicate slices.

use super::grid::{Line, SAID_MM, median_gap};
use std::fmt;

/// A wide gap may be off a whole number of median gaps by this share of one gap.
const MULTIPLE_TOLERANCE: f64 = 0.1;

/// So many equal wide gaps in a row are a part of the body with wider slices, not holes.
const REGION_GAPS: usize = 3;

/// Gaps that differ from the median by more than this share, and by more than this in mm, are unequal.
const UNEQUAL_SHARE: f64 = 0.01;
const UNEQUAL_MM: f64 = 0.01;

/// Smallest tilt in degrees that is said.
const SAID_DEGREES: f64 = 0.05;

/// One thing to know of a grid. Slice numbers count from 1 in the order of positions.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum GridNote {
    /// The slices are parts of mosaics.
    Mosaic {
        /// How many.
        slices: usize,
    },
    /// Slices are shifted against each other, as by a tilted gantry.
    Tilt {
        /// Angle between the normal and the direction from slice to slice.
        degrees: f64,
        /// True for computed tomography.
        is_gantry: bool,
    },
    /// The file says a tilt that its positions do not show.
    TiltOnlySaid {
        /// Gantry/Detector Tilt (0018,1120).
        degrees: f64,
    },
    /// A gap of several slice distances.
    Missing {
        /// How many slices would fill it.
        count: u32,
        /// Number of the slice before it.
        after: usize,
    },
    /// Places where more than one slice was given.
    Duplicate {
        /// How many were left out.
        count: usize,
        /// Number of the first slice that was there more than once.
        first: usize,
    },
    /// Gaps are not equal, beyond those of missing slices.
    Unequal {
        /// Smallest distance along the normal, mm.
        smallest_mm: f64,
        /// Largest distance along the normal, mm.
        largest_mm: f64,
    },
    /// Origins leave the straight line.
    Crooked {
        /// By how much at most, mm.
        off_mm: f64,
    },
    /// Directions differ from slice to slice.
    Turned {
        /// By how much the outermost pixel is displaced at most, mm.
        off_mm: f64,
    },
}

impl fmt::Display for GridNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mosaic { slices } => {
                write!(f, "the {slices} slices are parts of one image, a mosaic")
            }
            Self::Tilt {
                degrees,
                is_gantry: true,
            } => write!(f, "gantry tilt of {degrees:.1} degrees corrected"),
            Self::Tilt { degrees, .. } => {
                write!(f, "slices shifted by {degrees:.1} degrees, corrected")
            }
            Self::TiltOnlySaid { degrees } => write!(
                f,
                "the file says a gantry tilt of {degrees:.1} degrees, but its positions show none"
            ),
            Self::Missing { count: 1, after } => {
                write!(f, "1 slice is missing between {after} and {}", after + 1)
            }
            Self::Missing { count, after } => write!(
                f,
                "{count} slices are missing between {after} and {}",
                after + 1
            ),
            Self::Duplicate { count: 1, first } => {
                write!(f, "1 duplicate slice left out, of slice {first}")
            }
            Self::Duplicate { count, first } => write!(
                f,
                "{count} duplicate slices left out, the first of slice {first}"
            ),
            Self::Unequal {
                smallest_mm,
                largest_mm,
            } => write!(
                f,
                "slice distance varies from {smallest_mm:.2} to {largest_mm:.2} mm; true positions are used"
            ),
            Self::Crooked { off_mm } => write!(
                f,
                "slices lie up to {off_mm:.1} mm beside a straight line, which is not corrected"
            ),
            Self::Turned { off_mm } => write!(
                f,
                "slices are turned against each other, by up to {off_mm:.1} mm at the edge, which is not corrected"
            ),
        }
    }
}

/// The notes of a line of slices; `duplicates` are slice numbers, one for each plane left out.
pub(super) fn notes(line: &Line, duplicates: &[usize], turned_mm: f64) -> Vec<GridNote> {
    let mut notes = Vec::new();
    let degrees = line.shear.length().atan().to_degrees();
    let length = line.distances.last().copied().unwrap_or_default();
    if degrees >= SAID_DEGREES && line.shear.length() * length >= SAID_MM {
        notes.push(GridNote::Tilt {
            degrees,
            is_gantry: false,
        });
    }
    if let Some(first) = duplicates.first() {
        notes.push(GridNote::Duplicate {
            count: duplicates.len(),
            first: *first,
        });
    }
    gaps(&line.distances, &mut notes);
    if line.off_mm > SAID_MM {
        notes.push(GridNote::Crooked {
            off_mm: line.off_mm,
        });
    }
    if turned_mm > SAID_MM {
        notes.push(GridNote::Turned { off_mm: turned_mm });
    }
    notes
}

/// Holes of whole slices, and what else is unequal.
fn gaps(distances: &[f64], notes: &mut Vec<GridNote>) {
    let median = median_gap(distances);
    let gaps: Vec<f64> = distances.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut others: Option<[f64; 2]> = None;
    let mut is_unequal = false;
    for (index, gap) in gaps.iter().enumerate() {
        let multiple = (gap / median).round();
        let is_multiple = multiple >= 2.0 && (gap / median - multiple).abs() <= MULTIPLE_TOLERANCE;
        if is_multiple && run_length(&gaps, index) < REGION_GAPS {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number of at least 2; a cast from float stops at the end"
            )]
            notes.push(GridNote::Missing {
                count: multiple as u32 - 1,
                after: index + 1,
            });
            continue;
        }
        let [low, high] = others.unwrap_or([*gap; 2]);
        others = Some([low.min(*gap), high.max(*gap)]);
        is_unequal |= is_other(*gap, median);
    }
    if let Some([smallest_mm, largest_mm]) = others.filter(|_| is_unequal) {
        notes.push(GridNote::Unequal {
            smallest_mm,
            largest_mm,
        });
    }
}

fn is_other(gap: f64, than: f64) -> bool {
    (gap - than).abs() > UNEQUAL_MM.max(UNEQUAL_SHARE * than)
}

/// Gaps in a row, this one among them, that are equal to it.
fn run_length(gaps: &[f64], index: usize) -> usize {
    let is_same = |gap: &&f64| !is_other(**gap, gaps[index]);
    let before = gaps[..index].iter().rev().take_while(is_same).count();
    before + gaps[index..].iter().take_while(is_same).count()
}
