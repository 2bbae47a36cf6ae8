//! One HT code block: bytes to coefficients with sign and magnitude.
//!
//! A coefficient has its sign in bit 31; below it stands the magnitude, whose first bit plane is bit 30, with
//! half of the last decoded plane added to it.
//!
//! Quads go two at a time and a row at a time: first what the codes say of them, then their samples. Both read
//! bits that were laid down without stuffing, by tables and without branches on what a sample is.
//! Source: ISO/IEC 15444-15 (ITU-T T.814) clause 7 (decoding) and annex B (bit streams).

use super::codes::{BOTH_IN_FIRST_ROW, Codes, quad};
use super::refinement::Grid;
use super::streams::{Bits, RunLengths};
use crate::decode::work;

/// Where the coded bytes of a block are and how they are to be read.
pub(super) struct Coded<'a> {
    /// Bytes of the cleanup pass.
    pub cleanup: &'a [u8],
    /// Bytes of the two passes behind it.
    pub refinement: &'a [u8],
    /// 1 to 3.
    pub passes: u32,
    /// Bit planes that hold nothing.
    pub empty_planes: u32,
    /// Samples below the stripe of four lines do not count.
    pub causal: bool,
}

/// Decodes blocks one after another.
pub(super) struct BlockDecoder<'a> {
    codes: &'a Codes,
    magnitudes: Bits,
    quad_codes: Bits,
    /// What the codes say of the quads of a row and of the row above it; see [`quad`].
    row: Vec<u32>,
    row_above: Vec<u32>,
    /// Of the bottom samples of each quad the doubled magnitudes less one. One quad more at both ends.
    bottom: Vec<[u32; 2]>,
    bottom_above: Vec<[u32; 2]>,
    coefficients: Vec<u32>,
    stride: usize,
}

impl<'a> BlockDecoder<'a> {
    pub fn new(codes: &'a Codes) -> Self {
        Self {
            codes,
            magnitudes: Bits::default(),
            quad_codes: Bits::default(),
            row: Vec::new(),
            row_above: Vec::new(),
            bottom: Vec::new(),
            bottom_above: Vec::new(),
            coefficients: Vec::new(),
            stride: 0,
        }
    }

    /// Decodes a block of `width` x `height` coefficients; `None` for bytes that no encoder makes.
    pub fn decode(&mut self, coded: &Coded, width: usize, height: usize) -> Option<()> {
        if coded.empty_planes > 28 {
            return None;
        }
        self.stride = width.next_multiple_of(2);
        let size = self.stride * height.next_multiple_of(2);
        self.coefficients.resize(size, 0);
        work::count(size * coded.passes as usize);
        work::count(coded.cleanup.len() + coded.refinement.len());
        self.cleanup(coded, width, height)?;
        if coded.passes > 1 {
            let grid = Grid {
                width,
                height,
                stride: self.stride,
                causal: coded.causal,
            };
            grid.decode(coded, &mut self.magnitudes, &mut self.coefficients);
        }
        Some(())
    }

    /// The lines of the last block; they may be longer than the block is wide.
    pub fn lines(&self) -> impl Iterator<Item = &[u32]> {
        self.coefficients.chunks_exact(self.stride.max(1))
    }

    /// The cleanup pass (7.3).
    fn cleanup(&mut self, coded: &Coded, width: usize, height: usize) -> Option<()> {
        let bytes = coded.cleanup;
        let &[.., before, last] = bytes else {
            return None;
        };
        // 7.1.1: the last twelve bits tell the length of the suffix.
        let suffix = usize::from(last) << 4 | usize::from(before & 15);
        if !(2..=4079).contains(&suffix) || suffix > bytes.len() {
            return None;
        }
        let (magnitudes, suffix) = bytes.split_at(bytes.len() - suffix);
        self.magnitudes.lay_forward(magnitudes, 0xFF);
        self.quad_codes.lay_codes(suffix);
        let mut runs = RunLengths::new(suffix);

        let quads = width.div_ceil(2);
        for row in [&mut self.row, &mut self.row_above] {
            row.clear();
            row.resize(quads + 3, 0);
        }
        for row in [&mut self.bottom, &mut self.bottom_above] {
            row.clear();
            row.resize(quads + 2, [0; 2]);
        }
        let pairs_of_lines = self.coefficients.chunks_exact_mut((2 * self.stride).max(1));
        for (index, lines) in pairs_of_lines.enumerate().take(height.div_ceil(2)) {
            let read_codes = if index == 0 {
                read_codes::<true>
            } else {
                read_codes::<false>
            };
            let above = &self.row_above;
            read_codes(
                self.codes,
                &mut self.quad_codes,
                &mut runs,
                above,
                &mut self.row,
            );
            read_samples(
                &mut self.magnitudes,
                coded.empty_planes,
                &self.row[1..=quads],
                &self.bottom_above,
                &mut self.bottom[1..],
                lines.split_at_mut(self.stride),
            )?;
            std::mem::swap(&mut self.row, &mut self.row_above);
            std::mem::swap(&mut self.bottom, &mut self.bottom_above);
        }
        Some(())
    }
}

/// What the codes say of a row of quads (7.3.5 and 7.3.6): [`quad`], and above its bits the exponent beyond the guide.
///
/// Rows begin and end with a quad that is not there; behind that comes one more where the count is odd.
fn read_codes<const FIRST: bool>(
    codes: &Codes,
    bits: &mut Bits,
    runs: &mut RunLengths,
    above: &[u32],
    row: &mut [u32],
) {
    let table = codes.of_row(FIRST);
    let mut reader = bits.reader();
    let quads = row.len() - 3;
    let mut left = 0;
    for first in (1..=quads).step_by(2) {
        let mut word = reader.peek();
        let mut used = 0;
        let mut pair = [0_u32; 2];
        for (place, code) in (first..=quads).zip(&mut pair) {
            let context = if FIRST {
                first_context(left)
            } else {
                context(left, [above[place - 1], above[place], above[place + 1]])
            };
            if context > 0 || runs.event() {
                *code = table[(context as usize & 7) << 7 | (word & 127) as usize].into();
                word >>= *code >> quad::LENGTH;
                used += *code >> quad::LENGTH;
            }
            left = *code;
        }
        let has = |code: u32| code >> quad::HAS_EXPONENT & 1;
        let mut kind = has(pair[0]) | has(pair[1]) << 1;
        if kind > 0 {
            if FIRST && kind == 3 {
                kind = BOTH_IN_FIRST_ROW + u32::from(runs.event());
            }
            let exponents = codes.exponents(kind, word);
            word >>= exponents.length;
            used += u32::from(exponents.length);
            let mut suffixes = [0; 2];
            for (suffix, more) in suffixes.iter_mut().zip(exponents.more) {
                *suffix = word as u32 & ((1 << more) - 1);
                word >>= more;
                used += u32::from(more);
            }
            for (suffix, (code, base)) in suffixes
                .into_iter()
                .zip(pair.iter_mut().zip(exponents.bases))
            {
                let mut exponent = u32::from(base) + suffix;
                // Only magnitudes of more bits than samples of 16 bits have need it.
                if suffix >= 28 {
                    exponent += 4 * (word as u32 & 15);
                    word >>= 4;
                    used += 4;
                }
                *code |= exponent << 16;
            }
        }
        reader.skip(used);
        row[first..first + 2].copy_from_slice(&pair);
    }
    let position = reader.position;
    bits.seek(position);
}

/// The context of a quad in the first row (7.3.5), from the quad to the left.
#[inline]
fn first_context(left: u32) -> u32 {
    (left | left >> 1) & 1 | left >> 1 & 6
}

/// The context of a quad in the other rows, from the quad to the left and the three above it.
#[inline]
fn context(left: u32, above: [u32; 3]) -> u32 {
    let [before, over, after] = above;
    (before >> 3 | over >> 1) & 1
        | (left >> 1 | left >> 2) & 2
        | ((over >> 3 | after >> 1) & 1) << 2
}

/// The samples of a row of quads (7.3.7), into two lines.
fn read_samples(
    bits: &mut Bits,
    empty_planes: u32,
    row: &[u32],
    bottom_above: &[[u32; 2]],
    bottom: &mut [[u32; 2]],
    (top, low): (&mut [u32], &mut [u32]),
) -> Option<()> {
    let mut reader = bits.reader();
    let lines = top
        .as_chunks_mut::<2>()
        .0
        .iter_mut()
        .zip(low.as_chunks_mut::<2>().0);
    let rows = row.iter().zip(bottom_above.windows(3)).zip(bottom);
    for (((code, above), bottom), (top, low)) in rows.zip(lines) {
        let significant = code & quad::SIGNIFICANT;
        if significant == 0 {
            (*bottom, *top, *low) = ([0; 2], [0; 2], [0; 2]);
            continue;
        }
        // More than one significant sample takes the exponents above as a guide.
        let around = above[0][1] | above[1][0] | above[1][1] | above[2][0] | 2;
        let is_alone = significant & (significant - 1) == 0;
        let guide = if is_alone {
            1
        } else {
            31 - around.leading_zeros()
        };
        let exponent = (code >> 16) + guide;
        if exponent > empty_planes + 2 {
            return None;
        }
        let samples = [0, 1, 2, 3].map(|sample| Sample::new(*code, sample, exponent));
        let lengths = samples.map(|sample| sample.length);
        let raw = if exponent <= 14 {
            let word = reader.peek();
            let second = lengths[0] + lengths[1];
            let third = second + lengths[2];
            reader.skip(third + lengths[3]);
            [word, word >> lengths[0], word >> second, word >> third].map(|word| word as u32)
        } else {
            lengths.map(|length| reader.take(length))
        };
        let values = [0, 1, 2, 3].map(|place| samples[place].value(raw[place]));
        let coefficients = [0, 1, 2, 3]
            .map(|place| samples[place].coefficient(raw[place], values[place], empty_planes));
        *bottom = [values[1], values[3]];
        *top = [coefficients[0], coefficients[2]];
        *low = [coefficients[1], coefficients[3]];
    }
    let position = reader.position;
    bits.seek(position);
    Some(())
}

/// How a sample of a quad is to be read.
#[derive(Clone, Copy)]
struct Sample {
    /// All bits are set if it is significant.
    mask: u32,
    /// How many bits there are of it; of others none.
    length: u32,
    /// The bit above them.
    top: u32,
}

impl Sample {
    #[inline]
    fn new(code: u32, sample: u32, exponent: u32) -> Self {
        let mask = (code >> sample & 1).wrapping_neg();
        Self {
            mask,
            length: (exponent - (code >> (quad::KNOWN + sample) & 1)) & mask,
            top: code >> (quad::TOP + sample) & 1,
        }
    }

    /// The doubled magnitude less one; `raw` may have more bits above its own.
    #[inline]
    fn value(self, raw: u32) -> u32 {
        (raw & ((1 << self.length) - 1) | self.top << self.length | 1) & self.mask
    }

    #[inline]
    fn coefficient(self, raw: u32, value: u32, empty_planes: u32) -> u32 {
        (raw << 31 | (value + 2) << (29 - empty_planes)) & self.mask
    }
}
