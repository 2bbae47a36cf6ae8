//! The slices of a mosaic: where each lies in the patient, and which part of the image it is.
//!
//! Tiles fill a square grid row by row from the top left; its side is the smallest whose square holds them all. Image
//! Position (Patient) is made from the middle of a slice as if the slice had the size of the whole mosaic, so the first
//! pixel of the first slice lies half the difference of both sizes further along rows and columns.
//! Source: the sample files, whose protocol says where the first and the last slice have their middle.

use super::groups::ORIENTATION_TOLERANCE_DEGREES;
use crate::geometry::ImagePlane;
use crate::model::{MosaicError, MosaicSlices};
use glam::DVec3;
use std::ops::Range;

/// How far the length of the direction may be from 1.
const LENGTH_TOLERANCE: f64 = 0.01;

/// Which tiles of their mosaics the slices of a volume are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiling {
    /// Tiles side by side in a mosaic.
    pub across: u32,
    /// For each slice of the grid its tile, counted row by row from 0.
    pub tiles: Vec<u32>,
}

impl Tiling {
    /// Column and row of the first pixel of a slice of `size` in its mosaic.
    pub fn origin(&self, slice: usize, size: [u32; 2]) -> Option<[u32; 2]> {
        let tile = *self.tiles.get(slice)?;
        let column = tile.checked_rem(self.across)?.checked_mul(size[0])?;
        let row = tile.checked_div(self.across)?.checked_mul(size[1])?;
        Some([column, row])
    }

    /// Where the rows of a slice of `size` lie among the samples of its mosaic of `frame` columns and rows, in bytes of
    /// one-sample pixels; `None` where the mosaic is of another size than the tiles make.
    pub fn rows(
        &self,
        slice: usize,
        size: [u32; 2],
        frame: [u32; 2],
        sample_bytes: usize,
    ) -> Option<impl Iterator<Item = Range<usize>> + use<>> {
        let whole = [0, 1].map(|axis: usize| size[axis].checked_mul(self.across));
        if whole != frame.map(Some) {
            return None;
        }
        let [column, row] = self.origin(slice, size)?.map(|at| at as usize);
        let [columns, rows] = size.map(|side| side as usize);
        let stride = frame[0] as usize;
        (row + rows <= frame[1] as usize).then(|| {
            (row..row + rows).map(move |row| {
                let first = (row * stride + column) * sample_bytes;
                first..first + columns * sample_bytes
            })
        })
    }
}

/// A mosaic in its parts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tiles {
    /// Tiles side by side.
    pub across: u32,
    /// Columns and rows of a tile.
    pub size: [u32; 2],
    /// The plane of each.
    pub planes: Vec<ImagePlane>,
}

/// Parts a mosaic of `size` columns and rows; `plane` is made of its position, orientation and spacing.
pub(super) fn part(
    plane: &ImagePlane,
    size: [u32; 2],
    slices: &MosaicSlices,
) -> Result<Tiles, MosaicError> {
    let contradiction = |what| MosaicError::Contradiction { what };
    let across = (1_u32..).find(|side| side.saturating_mul(*side) >= slices.count);
    let across = across.unwrap_or(1);
    if size.iter().any(|side| *side == 0 || side % across != 0) {
        return Err(contradiction("its size and the number of its slices"));
    }
    let tile = size.map(|side| side / across);
    let along = DVec3::from_array(slices.direction);
    let normal = plane.normal();
    let cosine = along.dot(normal) / along.length();
    let is_unit = (along.length() - 1.0).abs() <= LENGTH_TOLERANCE;
    let least = ORIENTATION_TOLERANCE_DEGREES.to_radians().cos();
    // A NaN is within no tolerance.
    let is_upright = cosine.abs() >= least;
    if !(is_unit && is_upright) {
        return Err(contradiction("the directions of slices and of pixels"));
    }
    let step = normal * slices.spacing_mm.copysign(cosine);
    let half = [0, 1].map(|axis: usize| f64::from(size[axis] - tile[axis]) / 2.0);
    let first = plane.patient_from_pixel(half[0], half[1]);
    let planes = (0..slices.count).map(|index| ImagePlane {
        position: first + step * f64::from(index),
        ..*plane
    });
    Ok(Tiles {
        across,
        size: tile,
        planes: planes.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICES: MosaicSlices = MosaicSlices {
        count: 5,
        spacing_mm: 3.0,
        direction: [0.0, 0.0, -1.0],
    };

    /// Rows go left, columns go back: their product goes up. Pixels of 0.5 mm along rows, 2 mm along columns.
    fn plane() -> ImagePlane {
        ImagePlane::new(
            [10.0, 20.0, 30.0],
            [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            [2.0, 0.5],
        )
        .unwrap()
    }

    /// Five tiles of 4 x 6 in 12 x 18 pixels: half of 8 columns of 0.5 mm and of 12 rows of 2 mm further than the
    /// position; then 3 mm down each.
    #[test]
    fn the_first_tile_lies_half_the_larger_size_further_and_the_others_along_the_direction() {
        let tiles = part(&plane(), [12, 18], &SLICES).unwrap();
        assert_eq!((tiles.across, tiles.size), (3, [4, 6]));
        let places: Vec<[f64; 3]> = tiles.planes.iter().map(|p| p.position.to_array()).collect();
        let at = |z: f64| [12.0, 32.0, z];
        assert_eq!(places, [at(30.0), at(27.0), at(24.0), at(21.0), at(18.0)]);
    }

    #[test]
    fn the_direction_may_be_that_of_row_times_column() {
        let direction = [0.0, 0.0, 1.0];
        let slices = MosaicSlices {
            direction,
            ..SLICES
        };
        let tiles = part(&plane(), [12, 18], &slices).unwrap();
        assert_eq!(tiles.planes[4].position.z, 42.0);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let refused = |size, slices: MosaicSlices| part(&plane(), size, &slices).is_err();
        assert!(refused([13, 18], SLICES));
        assert!(refused([12, 16], SLICES));
        assert!(refused([0, 0], SLICES));
        for direction in [[0.0, 1.0, 0.0], [0.0, 0.02, 1.0], [0.0; 3], [0.0, 0.0, 2.0]] {
            assert!(
                refused(
                    [12, 18],
                    MosaicSlices {
                        direction,
                        ..SLICES
                    }
                ),
                "{direction:?}"
            );
        }
    }

    #[test]
    fn sixteen_slices_are_four_a_side_and_seventeen_five() {
        for (count, across) in [(1, 1), (2, 2), (4, 2), (16, 4), (17, 5), (48, 7), (49, 7)] {
            let slices = MosaicSlices { count, ..SLICES };
            let tiles = part(&plane(), [across * 2; 2], &slices).unwrap();
            assert_eq!((tiles.across, tiles.size), (across, [2, 2]), "{count}");
        }
    }

    /// Tile 4 of 3 a side is in the middle: with tiles of 2 x 2, columns 2 and 3 of rows 2 and 3 of six.
    #[test]
    fn rows_of_a_tile_are_found_among_the_bytes_of_its_mosaic() {
        let tiling = Tiling {
            across: 3,
            tiles: vec![4, 2],
        };
        assert_eq!(tiling.origin(0, [2, 2]), Some([2, 2]));
        let rows = |slice, frame| tiling.rows(slice, [2, 2], frame, 2);
        let found: Vec<Range<usize>> = rows(0, [6, 6]).unwrap().collect();
        assert_eq!(found, [28..32, 40..44]);
        let found: Vec<Range<usize>> = rows(1, [6, 6]).unwrap().collect();
        assert_eq!(found, [8..12, 20..24]);
        assert!(rows(0, [6, 8]).is_none() && rows(0, [4, 4]).is_none());
        assert!(rows(2, [6, 6]).is_none());
        let outside = Tiling {
            across: 3,
            tiles: vec![9],
        };
        assert!(outside.rows(0, [2, 2], [6, 6], 2).is_none());
    }
}
