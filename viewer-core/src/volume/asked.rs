//! What a worker is told of a plane, as bytes: every number in all its bits, so that each worker samples the same places.

use super::{Interpolation, Presence, SliceState};
use crate::geometry::{Projection, Slab, ViewPlane};
use crate::pixel::grid::MAX_CANVAS_SIDE;
use glam::DVec3;

/// A plane that a worker is asked for, and what is known of the volume's slices.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaneAsked {
    /// The plane.
    pub plane: ViewPlane,
    /// Samples across and down.
    pub size: [u32; 2],
    /// Between voxels.
    pub interpolation: Interpolation,
    /// Which slices are here.
    pub presence: Presence,
}

/// Centre, row, column, pixel, thickness and step of a slab.
const NUMBERS: usize = 12;
/// Width, height, interpolation, projection: 0 without a slab.
const WORDS: usize = 4;
const HEADER_BYTES: usize = NUMBERS * 8 + WORDS * 4;

const PROJECTIONS: [Projection; 3] = [Projection::Mip, Projection::MinIp, Projection::Mean];
const STATES: [SliceState; 3] = [SliceState::Awaited, SliceState::Here, SliceState::Failed];

impl PlaneAsked {
    /// The same places, fewer of them: each sample is the middle of a square of `step` x `step`.
    #[must_use]
    pub fn coarse(self, step: u32) -> Self {
        let step = step.max(1);
        let [width, height] = self.size;
        let size = self.size.map(|side| side.div_ceil(step));
        let pixel_mm = self.plane.pixel_mm;
        // The last square may stand out, so that the middle of all squares is not the middle of the viewport.
        let aside = |squares: u32, side: u32| f64::from(squares * step - side) / 2.0 * pixel_mm;
        let across = self.plane.row * aside(size[0], width);
        let down = self.plane.column * aside(size[1], height);
        Self {
            plane: ViewPlane {
                center: self.plane.center + across + down,
                pixel_mm: pixel_mm * f64::from(step),
                ..self.plane
            },
            size,
            ..self
        }
    }

    /// Little endian bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let plane = &self.plane;
        let slab = plane.slab;
        let thickness_mm = slab.map_or(0.0, |slab| slab.thickness_mm);
        // No step is not a number, which no step is.
        let step_mm = slab.and_then(|slab| slab.step_mm).unwrap_or(f64::NAN);
        let vectors = [plane.center, plane.row, plane.column].map(|vector| vector.to_array());
        let rest = [plane.pixel_mm, thickness_mm, step_mm];
        let numbers = vectors.as_flattened().iter().chain(&rest);
        let projection = (1_u32..)
            .zip(PROJECTIONS)
            .find(|(_, projection)| slab.is_some_and(|slab| slab.projection == *projection));
        let words = [
            self.size[0],
            self.size[1],
            u32::from(self.interpolation == Interpolation::Nearest),
            projection.map_or(0, |(place, _)| place),
        ];
        let mut bytes: Vec<u8> = numbers.flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let state = |slice| {
            let state = self.presence.of(slice);
            (0_u8..).zip(STATES).find(|(_, known)| *known == state)
        };
        let states = (0..self.presence.count()).map(|slice| state(slice).map_or(0, |(at, _)| at));
        bytes.extend(states);
        bytes
    }

    /// Reads what [`PlaneAsked::to_bytes`] wrote; `None` for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (header, states) = bytes.split_at_checked(HEADER_BYTES)?;
        let (numbers, words) = header.split_at_checked(NUMBERS * 8)?;
        let numbers = numbers.as_chunks().0.iter();
        let numbers: Vec<f64> = numbers.map(|bytes| f64::from_le_bytes(*bytes)).collect();
        let vector = |at: usize| DVec3::new(numbers[at], numbers[at + 1], numbers[at + 2]);
        let words = words.as_chunks().0.iter();
        let words: Vec<u32> = words.map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let [width, height, is_nearest, projection] = words[..] else {
            return None;
        };
        if width.max(height) > MAX_CANVAS_SIDE || is_nearest > 1 {
            return None;
        }
        let slab = match projection.checked_sub(1) {
            None => None,
            Some(place) => Some(Slab {
                thickness_mm: numbers[10],
                projection: *PROJECTIONS.get(place as usize)?,
                step_mm: (!numbers[11].is_nan()).then_some(numbers[11]),
            }),
        };
        let mut presence = Presence::new(states.len());
        for (slice, state) in states.iter().enumerate() {
            presence.set(slice, *STATES.get(usize::from(*state))?);
        }
        Some(Self {
            plane: ViewPlane {
                center: vector(0),
                row: vector(3),
                column: vector(6),
                pixel_mm: numbers[9],
                slab,
            },
            size: [width, height],
            interpolation: if is_nearest == 1 {
                Interpolation::Nearest
            } else {
                Interpolation::Trilinear
            },
            presence,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(slab: Option<Slab>) -> PlaneAsked {
        let mut presence = Presence::new(5);
        presence.set(1, SliceState::Here);
        presence.set(4, SliceState::Failed);
        PlaneAsked {
            plane: ViewPlane {
                // No unit vectors to the last bit: none may be made anew.
                center: DVec3::new(0.1, -200.3, 1e-9),
                row: DVec3::new(0.6, 0.1, 0.8),
                column: DVec3::new(0.1, 0.999_999_9, 0.3),
                pixel_mm: 0.7,
                slab,
            },
            size: [7, 4],
            interpolation: Interpolation::Nearest,
            presence,
        }
    }

    #[test]
    fn a_plane_is_sent_in_all_its_bits() {
        for projection in PROJECTIONS {
            for step_mm in [None, Some(0.1)] {
                let slab = Slab {
                    thickness_mm: 20.3,
                    projection,
                    step_mm,
                };
                for asked in [asked(None), asked(Some(slab))] {
                    let bytes = asked.to_bytes();
                    assert_eq!(PlaneAsked::from_bytes(&bytes), Some(asked));
                    assert_eq!(PlaneAsked::from_bytes(&bytes[..HEADER_BYTES - 1]), None);
                }
            }
        }
        let mut bytes = asked(None).to_bytes();
        *bytes.last_mut().unwrap() = 3;
        assert_eq!(PlaneAsked::from_bytes(&bytes), None);
    }

    #[test]
    fn coarse_samples_lie_in_the_middle_of_their_squares() {
        let fine = asked(None);
        let coarse = fine.clone().coarse(2);
        assert_eq!(coarse.size, [4, 2]);
        // The square of columns 2 and 3 and rows 2 and 3.
        let middle = coarse.plane.patient_from_canvas(1.0, 1.0, 4, 2);
        let expected = fine.plane.patient_from_canvas(2.5, 2.5, 7, 4);
        assert!(middle.distance(expected) < 1e-12, "{middle} {expected}");
        assert_eq!(fine.clone().coarse(1), fine);
    }
}
