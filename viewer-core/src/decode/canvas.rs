//! Where decoders put lines of samples that come component by component.

use super::shape::Shape;
use super::simd::{Lanes, Native};

/// The interleaved samples of the frame while its lines come in.
pub(super) struct Canvas {
    pub data: Vec<u8>,
    line_bytes: usize,
    sample_bytes: usize,
    pixel_bytes: usize,
    /// Bits above the precision, where the samples are signed: the JPEG family knows no sign.
    unused: u32,
}

impl Canvas {
    /// A frame of zeros; `precision` bits of each sample carry a value.
    pub fn new(precision: u8, shape: &Shape, signed: bool) -> Self {
        let sample_bytes = shape.sample_type.size_bytes();
        let pixel_bytes = sample_bytes * usize::from(shape.samples_per_pixel);
        Self {
            data: vec![0; shape.bytes],
            line_bytes: pixel_bytes * shape.columns as usize,
            sample_bytes,
            pixel_bytes,
            unused: if signed { 32 - u32::from(precision) } else { 0 },
        }
    }

    /// Puts one line of one component in its place; a line outside the frame is left out.
    pub fn write(&mut self, row: usize, component: usize, line: &[u16]) {
        self.write_part((row, 0), component, line);
    }

    /// True where a pixel is three samples of a byte each, and all bits of a byte are its value.
    pub fn is_of_three_bytes(&self) -> bool {
        (self.sample_bytes, self.pixel_bytes) == (1, 3) && self.unused <= 24
    }

    /// Puts one line of all three components in its place, where [`Self::is_of_three_bytes`] holds; samples are of 8 bits.
    pub fn write_pixels(&mut self, row: usize, lines: [&[u16]; 3]) {
        let start = row * self.line_bytes;
        let Some(target) = self.data.get_mut(start..start + self.line_bytes) else {
            return;
        };
        let [a, b, c] = lines.map(|line| line.as_chunks::<16>());
        let (groups, _) = target.as_chunks_mut::<48>();
        for (((group, a), b), c) in groups.iter_mut().zip(a.0).zip(b.0).zip(c.0) {
            let lanes = [a, b, c].map(|samples| {
                let (two, _) = samples.as_chunks::<8>();
                [
                    Native::load_unsigned(&two[0]),
                    Native::load_unsigned(&two[1]),
                ]
            });
            Native::store_in_turn(lanes, group);
        }
        let begun = (target.len() / 48).min(a.0.len()) * 48;
        let (pixels, _) = target[begun..].as_chunks_mut::<3>();
        for (((pixel, a), b), c) in pixels.iter_mut().zip(a.1).zip(b.1).zip(c.1) {
            *pixel = [a, b, c].map(|sample| sample.to_le_bytes()[0]);
        }
    }

    /// Puts part of a line of one component in its place, whose samples have more than 16 bits.
    pub fn write_wide_part(&mut self, corner: (usize, usize), component: usize, line: &[u32]) {
        let start = corner.0 * self.line_bytes;
        let skipped = corner.1 * self.pixel_bytes;
        let whole = self.data.get_mut(start..start + self.line_bytes);
        let target = whole.and_then(|whole| whole.get_mut(skipped..));
        let pixels = target
            .into_iter()
            .flat_map(|it| it.chunks_exact_mut(self.pixel_bytes));
        for (pixel, sample) in pixels.zip(line) {
            let value = (sample.cast_signed() << self.unused) >> self.unused;
            if let Some(bytes) = pixel.as_chunks_mut::<4>().0.get_mut(component) {
                *bytes = value.to_le_bytes();
            }
        }
    }

    /// Puts part of a line of one component in its place, which begins at row and column `corner`.
    pub fn write_part(&mut self, corner: (usize, usize), component: usize, line: &[u16]) {
        let start = corner.0 * self.line_bytes;
        let skipped = corner.1 * self.pixel_bytes;
        let whole = self.data.get_mut(start..start + self.line_bytes);
        let Some(target) = whole.and_then(|whole| whole.get_mut(skipped..)) else {
            return;
        };
        let unused = self.unused;
        let value = |sample: u16| ((i32::from(sample) << unused) >> unused).to_le_bytes();
        match (self.sample_bytes, self.pixel_bytes) {
            (1, 1) => {
                for (byte, sample) in target.iter_mut().zip(line) {
                    *byte = value(*sample)[0];
                }
            }
            (2, 2) => {
                let unused = unused.saturating_sub(16);
                for (bytes, sample) in target.as_chunks_mut::<2>().0.iter_mut().zip(line) {
                    *bytes = ((sample << unused).cast_signed() >> unused).to_le_bytes();
                }
            }
            (1, 3) => {
                let component = component.min(2);
                for (bytes, sample) in target.as_chunks_mut::<3>().0.iter_mut().zip(line) {
                    bytes[component] = value(*sample)[0];
                }
            }
            (size, pixel) => {
                let place = component * size..component * size + size;
                for (bytes, sample) in target.chunks_exact_mut(pixel).zip(line) {
                    bytes[place.clone()].copy_from_slice(&value(*sample)[..size]);
                }
            }
        }
    }
}
