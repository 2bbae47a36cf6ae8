//! Decoded slices of a volume, one by one: stored bits with what turns them into modality values.
//!
//! A series is never one buffer: slices come and go. 16 bits stay 16 bits.

use super::cells;
use crate::pixel::{Frame, ModalityLut, SampleType, format::sample_at};
use std::ops::Range;
use std::sync::Arc;

/// Why a decoded frame is no slice of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SliceError {
    /// Another number of columns or rows than the volume has.
    #[error(
        "the frame has {columns} x {rows} pixels, expected {expected_columns} x {expected_rows}"
    )]
    Size {
        /// Columns of the frame.
        columns: u32,
        /// Rows of the frame.
        rows: u32,
        /// Columns of the volume.
        expected_columns: u32,
        /// Rows of the volume.
        expected_rows: u32,
    },
    /// Colour has no modality values.
    #[error("the frame has {samples} samples a pixel, expected 1")]
    Colour {
        /// Samples a pixel.
        samples: u16,
    },
    /// The buffer is shorter or longer than its shape says.
    #[error("the frame has {actual} bytes, expected {expected}")]
    Length {
        /// Bytes that are there.
        actual: usize,
        /// Bytes of its shape.
        expected: usize,
    },
    /// The volume has fewer slices.
    #[error("slice {index} of a volume of {count}")]
    Index {
        /// Index of the slice.
        index: usize,
        /// Slices of the volume.
        count: usize,
    },
}

/// One decoded slice.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    columns: u32,
    rows: u32,
    sample_type: SampleType,
    modality: ModalityLut,
    samples: Vec<u8>,
    /// Smallest and largest modality value of each tile.
    tiles: Vec<[f32; 2]>,
}

impl Slice {
    /// Takes a decoded frame, and what its own data set says of its values: slopes may differ by slice.
    ///
    /// # Errors
    /// When the frame is colour or has another length than its shape says.
    pub fn new(frame: Frame, modality: ModalityLut) -> Result<Self, SliceError> {
        if frame.samples_per_pixel != 1 {
            return Err(SliceError::Colour {
                samples: frame.samples_per_pixel,
            });
        }
        if frame.data.len() != frame.expected_bytes() {
            return Err(SliceError::Length {
                actual: frame.data.len(),
                expected: frame.expected_bytes(),
            });
        }
        let mut slice = Self {
            columns: frame.columns,
            rows: frame.rows,
            sample_type: frame.sample_type,
            modality,
            samples: frame.data,
            tiles: Vec::new(),
        };
        slice.tiles = slice.ranges(
            &cells::tile_spans(frame.columns as usize),
            &cells::tile_spans(frame.rows as usize),
        );
        Ok(slice)
    }

    /// Smallest and largest modality value of each span of columns by each span of rows, row by row. Without a number the
    /// smallest is infinite and the largest negative infinite.
    pub(super) fn ranges(&self, columns: &[Range<usize>], rows: &[Range<usize>]) -> Vec<[f32; 2]> {
        cells::ranges(self, [self.columns, self.rows], [columns, rows])
    }

    /// Those of its tiles.
    pub(super) fn tiles(&self) -> &[[f32; 2]] {
        &self.tiles
    }

    /// Number type of a sample.
    pub fn sample_type(&self) -> SampleType {
        self.sample_type
    }

    /// From stored to modality values.
    pub fn modality(&self) -> &ModalityLut {
        &self.modality
    }

    /// Stored values, rows from the top, little endian.
    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// The stored value of a voxel; `None` outside.
    pub fn stored(&self, column: u32, row: u32) -> Option<f64> {
        if column >= self.columns || row >= self.rows {
            return None;
        }
        let index = row as usize * self.columns as usize + column as usize;
        sample_at(&self.samples, self.sample_type, index)
    }

    /// The modality value of a voxel; `None` outside.
    pub fn value(&self, column: u32, row: u32) -> Option<f64> {
        Some(self.modality.apply(self.stored(column, row)?))
    }
}

/// The slices of a volume that are here.
#[derive(Debug, Clone, PartialEq)]
pub struct Slices {
    columns: u32,
    rows: u32,
    slots: Vec<Option<Arc<Slice>>>,
}

impl Slices {
    /// Room for `count` slices of `columns` x `rows`, all absent.
    pub fn new(columns: u32, rows: u32, count: usize) -> Self {
        Self {
            columns,
            rows,
            slots: vec![None; count],
        }
    }

    /// Puts a slice in its place, where it replaces another.
    ///
    /// # Errors
    /// When its size is not that of the volume, or the volume has no such place.
    pub fn put(&mut self, index: usize, slice: Arc<Slice>) -> Result<(), SliceError> {
        if [slice.columns, slice.rows] != [self.columns, self.rows] {
            return Err(SliceError::Size {
                columns: slice.columns,
                rows: slice.rows,
                expected_columns: self.columns,
                expected_rows: self.rows,
            });
        }
        let count = self.slots.len();
        let slot = self.slots.get_mut(index);
        *slot.ok_or(SliceError::Index { index, count })? = Some(slice);
        Ok(())
    }

    /// Gives a slice's memory back.
    pub fn remove(&mut self, index: usize) -> Option<Arc<Slice>> {
        self.slots.get_mut(index)?.take()
    }

    /// A slice, where it is here.
    pub fn get(&self, index: usize) -> Option<&Arc<Slice>> {
        self.slots.get(index)?.as_ref()
    }

    /// All places in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&Slice>> {
        self.slots.iter().map(Option::as_deref)
    }

    /// Slices of the volume, here or not.
    pub fn count(&self) -> usize {
        self.slots.len()
    }

    /// Slices that are here.
    pub fn present(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Columns and rows of a slice.
    pub fn size(&self) -> [u32; 2] {
        [self.columns, self.rows]
    }

    /// Bytes of all slices that are here.
    pub fn bytes(&self) -> usize {
        let slices = self.slots.iter().flatten();
        slices.map(|slice| slice.samples.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixel::Photometric;

    fn frame(columns: u32, rows: u32, data: Vec<u8>) -> Frame {
        Frame {
            rows,
            columns,
            samples_per_pixel: 1,
            sample_type: SampleType::I16,
            bits_stored: 16,
            photometric: Photometric::Monochrome2,
            data,
        }
    }

    #[test]
    fn a_slice_gives_stored_and_modality_values() {
        // -2 and 300.
        let modality = ModalityLut::Rescale {
            slope: 0.5,
            intercept: 10.0,
        };
        let slice = Slice::new(frame(2, 1, vec![0xFE, 0xFF, 0x2C, 0x01]), modality).unwrap();
        assert_eq!(slice.stored(0, 0), Some(-2.0));
        assert_eq!(slice.value(1, 0), Some(160.0));
        assert_eq!(slice.value(2, 0), None);
    }

    #[test]
    fn a_slice_of_another_shape_is_refused() {
        let short = Slice::new(frame(2, 1, vec![0; 3]), ModalityLut::IDENTITY);
        let expected = SliceError::Length {
            actual: 3,
            expected: 4,
        };
        assert_eq!(short, Err(expected));
        let slice = Slice::new(frame(2, 1, vec![0; 4]), ModalityLut::IDENTITY).unwrap();
        let slice = Arc::new(slice);
        let mut slices = Slices::new(2, 2, 4);
        assert!(matches!(
            slices.put(0, slice.clone()),
            Err(SliceError::Size { rows: 1, .. })
        ));
        let mut slices = Slices::new(2, 1, 4);
        assert_eq!(slices.put(3, slice.clone()), Ok(()));
        let outside = SliceError::Index { index: 4, count: 4 };
        assert_eq!(slices.put(4, slice), Err(outside));
        assert_eq!((slices.present(), slices.bytes()), (1, 4));
    }
}
